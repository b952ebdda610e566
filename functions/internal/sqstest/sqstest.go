// Package sqstest is a queue of SQS on loopback, for tests: it takes messages by the
// JSON protocol, checks their signatures, hands out batches as Lambda's event source
// does, and parks what came too often. It can be told to fail in the ways of the real one.
package sqstest

import (
	"context"
	"crypto/md5" //nolint:gosec // G501: the checksum that SQS answers with
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// Account and limits of the queue.
const (
	Region   = "us-east-1"
	MaxBytes = 256 << 10 // MaximumMessageSize in template.yaml
)

// Fault is what the queue does to a request instead of its work, or after it.
type Fault int

// The faults.
const (
	None      Fault = iota
	Throttled       // 400 RequestThrottled, nothing stored
	Broken          // 500, nothing stored
	Page            // 502 with a page of a gateway, nothing stored
	Denied          // 403 AccessDenied, nothing stored
	Lost            // stored, and the connection ends before the answer
	Silent          // stored, and no answer until the client gives up
	Other           // stored, and the answer names another message
)

// Message is one message of the queue.
type Message struct {
	ID, Text string
	Receives int
}

// Queue is one queue and its dead-letter queue. It is safe for concurrent use.
type Queue struct {
	URL         string // what LEADLAKE_QUEUE says
	MaxReceives int    // maxReceiveCount; 0 is 3

	secret string
	path   string
	ended  chan struct{}

	mu       sync.Mutex
	faults   []Fault
	waiting  []Message
	dead     []Message
	requests int
	unsigned []string
	count    int
}

// New starts a queue that takes what is signed with the secret; it ends with the test.
func New(tb testing.TB, secret string) *Queue {
	tb.Helper()
	q := &Queue{secret: secret, path: "/000000000000/deliveries", ended: make(chan struct{}), MaxReceives: 3}
	server := httptest.NewServer(q)
	q.URL = server.URL + q.path
	tb.Cleanup(func() {
		close(q.ended)
		server.Close()
		q.mu.Lock()
		defer q.mu.Unlock()
		for _, fault := range q.unsigned {
			tb.Errorf("sqstest: %s", fault)
		}
	})
	return q
}

// Fail makes the next requests fail in turn.
func (q *Queue) Fail(faults ...Fault) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.faults = append(q.faults, faults...)
}

// Requests is how many requests have come.
func (q *Queue) Requests() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.requests
}

// Put adds a message that no ingest has sent.
func (q *Queue) Put(text string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.put(text)
}

func (q *Queue) put(text string) string {
	q.count++
	id := fmt.Sprintf("00000000-0000-4000-8000-%012d", q.count)
	q.waiting = append(q.waiting, Message{ID: id, Text: text})
	return id
}

// Waiting are the messages in the queue, Dead those that were parked.
func (q *Queue) Waiting() []Message { return q.copy(&q.waiting) }

// Dead are the messages that came too often.
func (q *Queue) Dead() []Message { return q.copy(&q.dead) }

func (q *Queue) copy(messages *[]Message) []Message {
	q.mu.Lock()
	defer q.mu.Unlock()
	return append([]Message(nil), *messages...)
}

// Redrive moves what was parked back into the queue, as the console's button does.
func (q *Queue) Redrive() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, m := range q.dead {
		m.Receives = 0
		q.waiting = append(q.waiting, m)
	}
	q.dead = nil
}

// Batch hands out up to limit messages in an order that is not theirs. They stay in
// the queue until Settle.
func (q *Queue) Batch(limit int) events.SQSEvent {
	q.mu.Lock()
	defer q.mu.Unlock()
	var event events.SQSEvent
	for i := len(q.waiting) - 1; i >= 0 && len(event.Records) < limit; i-- {
		m := &q.waiting[i]
		m.Receives++
		event.Records = append(event.Records, events.SQSMessage{
			MessageId: m.ID, ReceiptHandle: "receipt-" + m.ID, Body: m.Text, Md5OfBody: checksum(m.Text),
			Attributes:     map[string]string{"ApproximateReceiveCount": strconv.Itoa(m.Receives), "SentTimestamp": "1774000000000"},
			EventSourceARN: "arn:aws:sqs:" + Region + ":000000000000:deliveries", EventSource: "aws:sqs", AWSRegion: Region,
		})
	}
	return event
}

// Settle does what Lambda does after an invocation: without an error it deletes all
// messages but the failed ones; a failure that names no message of the batch, and an
// error, keep all of them. What stays for the MaxReceives-th time is parked.
func (q *Queue) Settle(event events.SQSEvent, answer events.SQSEventResponse, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	stays := map[string]bool{}
	handed := map[string]bool{}
	for _, record := range event.Records {
		handed[record.MessageId] = true
		stays[record.MessageId] = err != nil
	}
	for _, failure := range answer.BatchItemFailures {
		if !handed[failure.ItemIdentifier] {
			for id := range stays {
				stays[id] = true
			}
		}
		stays[failure.ItemIdentifier] = true
	}
	var waiting []Message
	for _, m := range q.waiting {
		switch {
		case handed[m.ID] && !stays[m.ID]:
		case handed[m.ID] && m.Receives >= q.MaxReceives:
			q.dead = append(q.dead, m)
		default:
			waiting = append(waiting, m)
		}
	}
	q.waiting = waiting
}

// ServeHTTP is SendMessage of the JSON protocol.
func (q *Queue) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	q.mu.Lock()
	q.requests++
	fault := None
	if len(q.faults) > 0 {
		fault, q.faults = q.faults[0], q.faults[1:]
	}
	if err := Verify(r, body, "sqs", q.secret); err != nil {
		q.unsigned = append(q.unsigned, err.Error())
		fault = Denied
	}
	var in struct{ QueueUrl, MessageBody string }
	known := json.Unmarshal(body, &in) == nil && strings.HasSuffix(in.QueueUrl, q.path)
	id := ""
	refused := ""
	switch {
	case fault == Throttled || fault == Broken || fault == Page || fault == Denied:
	case r.Header.Get("X-Amz-Target") != "AmazonSQS.SendMessage" || r.Header.Get("Content-Type") != "application/x-amz-json-1.0":
		refused = "com.amazonaws.sqs#UnsupportedOperation"
	case !known:
		refused = "com.amazonaws.sqs#QueueDoesNotExist"
	case len(in.MessageBody) > MaxBytes || in.MessageBody == "":
		refused = "com.amazonaws.sqs#InvalidParameterValue"
	case strings.ContainsFunc(in.MessageBody, unacceptable):
		refused = "com.amazonaws.sqs#InvalidMessageContents"
	default:
		id = q.put(in.MessageBody)
	}
	q.mu.Unlock()
	reply(w, fault, id, refused, in.MessageBody, func() {
		select {
		case <-r.Context().Done():
		case <-q.ended:
		}
	})
}

func reply(w http.ResponseWriter, fault Fault, id, refused, text string, wait func()) {
	answer := func(status int, v map[string]string) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		w.WriteHeader(status)
		if body, err := json.Marshal(v); err == nil {
			_, _ = w.Write(body)
		}
	}
	switch {
	case fault == Throttled:
		answer(http.StatusBadRequest, map[string]string{"__type": "com.amazonaws.sqs#RequestThrottled", "message": "Rate exceeded"})
	case fault == Broken:
		answer(http.StatusInternalServerError, map[string]string{"__type": "com.amazonaws.sqs#InternalFailure"})
	case fault == Page:
		http.Error(w, "<html>Bad Gateway</html>", http.StatusBadGateway)
	case fault == Denied:
		w.Header().Set("X-Amzn-Errortype", "AccessDeniedException:http://internal.amazon.com/coral/")
		answer(http.StatusForbidden, map[string]string{"message": "not authorized to perform sqs:SendMessage"})
	case refused != "":
		answer(http.StatusBadRequest, map[string]string{"__type": refused, "message": "refused"})
	case fault == Lost:
		panic(http.ErrAbortHandler)
	case fault == Silent:
		wait()
	case fault == Other:
		answer(http.StatusOK, map[string]string{"MessageId": id, "MD5OfMessageBody": checksum("another")})
	default:
		answer(http.StatusOK, map[string]string{"MessageId": id, "MD5OfMessageBody": checksum(text)})
	}
}

// unacceptable are the characters that a message must not have (#x9 | #xA | #xD |
// #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF may be).
func unacceptable(r rune) bool {
	return r < 0x20 && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF
}

func checksum(text string) string {
	sum := md5.Sum([]byte(text)) //nolint:gosec // G401: as above
	return hex.EncodeToString(sum[:])
}

// Verify checks the signature of a request (version 4, in the header) by signing it
// again with the secret, as the service itself does.
func Verify(r *http.Request, body []byte, service, secret string) error {
	fields := map[string]string{}
	algorithm, rest, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	for part := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		fields[name] = value
	}
	scope := strings.Split(fields["Credential"], "/")
	if algorithm != "AWS4-HMAC-SHA256" || len(scope) != 5 || scope[2] != Region || scope[3] != service || scope[4] != "aws4_request" {
		return fmt.Errorf("no signature of version 4 for %s in %s", service, Region)
	}
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil || time.Since(at).Abs() > 5*time.Minute || scope[1] != at.Format("20060102") {
		return errors.New("the signature's time is missing or not now")
	}
	signed := strings.Split(fields["SignedHeaders"], ";")
	again, err := http.NewRequestWithContext(context.Background(), r.Method, "http://"+r.Host+r.URL.RequestURI(), http.NoBody) //nolint:gosec // G704: it is signed, not sent
	if err != nil {
		return err
	}
	again.ContentLength = r.ContentLength
	must := map[string]bool{"host": true, "x-amz-date": true, "x-amz-target": true, "content-type": true}
	for _, name := range signed {
		delete(must, name)
		if name != "host" && name != "content-length" {
			again.Header[http.CanonicalHeaderKey(name)] = r.Header.Values(name)
		}
	}
	if len(must) > 0 {
		return fmt.Errorf("headers that matter are not signed: %v", must)
	}
	sum := sha256.Sum256(body)
	credentials := aws.Credentials{AccessKeyID: scope[0], SecretAccessKey: secret, SessionToken: r.Header.Get("X-Amz-Security-Token")}
	if err := v4.NewSigner().SignHTTP(context.Background(), credentials, again, hex.EncodeToString(sum[:]), service, Region, at); err != nil {
		return err
	}
	if again.Header.Get("Authorization") != r.Header.Get("Authorization") {
		return errors.New("the signature does not fit the request")
	}
	return nil
}
