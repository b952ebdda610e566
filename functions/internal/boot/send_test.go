package boot_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/leadlake/leadlake/functions/internal/awsjson"
	"github.com/leadlake/leadlake/functions/internal/boot"
	"github.com/leadlake/leadlake/functions/internal/sqstest"
	"github.com/leadlake/leadlake/lib/webhook"
)

func TestSentIsWhatTheQueueConfirmed(t *testing.T) {
	aws(t)
	t.Setenv("AWS_REGION", sqstest.Region)
	for name, c := range map[string]struct {
		faults  []sqstest.Fault
		text    string
		sent    bool
		now     bool // the error says that it may work later
		waiting int
	}{
		"at once":                     {nil, "raw1:AAAA", true, false, 1},
		"after faults":                {[]sqstest.Fault{sqstest.Throttled, sqstest.Broken}, "raw1:AAAA", true, false, 1},
		"twice, for a lost answer":    {[]sqstest.Fault{sqstest.Lost}, "raw1:AAAA", true, false, 2},
		"never, throttled":            {[]sqstest.Fault{sqstest.Throttled, sqstest.Throttled, sqstest.Throttled}, "raw1:AAAA", false, true, 0},
		"never, a gateway is down":    {[]sqstest.Fault{sqstest.Page, sqstest.Page, sqstest.Page}, "raw1:AAAA", false, true, 0},
		"unknown, all answers lost":   {[]sqstest.Fault{sqstest.Lost, sqstest.Lost, sqstest.Lost}, "raw1:AAAA", false, true, 3},
		"no right":                    {[]sqstest.Fault{sqstest.Denied}, "raw1:AAAA", false, false, 0},
		"an answer of another's":      {[]sqstest.Fault{sqstest.Other}, "raw1:AAAA", false, false, 1},
		"too large":                   {nil, strings.Repeat("A", sqstest.MaxBytes+1), false, false, 0},
		"a character that is refused": {nil, "raw1:\x01", false, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			queue := sqstest.New(t, "test")
			queue.Fail(c.faults...)
			err := boot.Sender(awsjson.New(func(string) string { return "" }), queue.URL)(t.Context(), c.text)
			if (err == nil) != c.sent || errors.Is(err, webhook.ErrUnavailable) != c.now {
				t.Errorf("error %v, want sent %v, unavailable %v", err, c.sent, c.now)
			}
			if waiting := queue.Waiting(); len(waiting) != c.waiting || c.waiting > 0 && waiting[0].Text != c.text {
				t.Errorf("%d messages wait, want %d", len(waiting), c.waiting)
			}
			if err != nil && strings.Contains(err.Error(), c.text) {
				t.Errorf("the error repeats the message: %v", err)
			}
		})
	}
}

func TestTheQueueIsChosenByItsAddress(t *testing.T) {
	load := func(queue string) (boot.Env, error) {
		return boot.Load(t.Context(), func(name string) string {
			return map[string]string{"LEADLAKE_S3": "s3://bucket?region=eu-west-1", "LEADLAKE_QUEUE": queue}[name]
		})
	}
	if env, err := load(""); env.Send != nil || err != nil {
		t.Errorf("without a queue: %v, a way to send: %v", err, env.Send != nil)
	}
	if env, err := load("https://sqs.eu-west-1.amazonaws.com/000000000000/q"); env.Send == nil || err != nil {
		t.Errorf("with a queue: %v, a way to send: %v", err, env.Send != nil)
	}
	if _, err := load("http://sqs.eu-west-1.amazonaws.com/000000000000/q"); !errors.Is(err, boot.ErrEnvironment) || !strings.Contains(err.Error(), "LEADLAKE_QUEUE") {
		t.Errorf("a queue in clear: %v, want ErrEnvironment", err)
	}
}
