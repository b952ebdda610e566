package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/pipeline"
)

func redriveCommand(ctx context.Context, sys *system, args []string) error {
	f := newFlags(sys, "redrive [flags]",
		"Runs failed deliveries again after a fix of the configuration, or with a newer version.\n"+
			"What is understood now becomes events of the day on which it came; what fails again\n"+
			"stays, with its newest reason. Running it twice changes nothing.\n"+
			"-reason bad_signature verifies what had a bad signature by the secrets configured now,\n"+
			"as of the time at which it came; nothing else touches those deliveries.\n"+
			"-reason not_fetched asks again for objects that thin hooks named and nobody gave.")
	var where place
	where.register(f)
	var request pipeline.RedriveRequest
	f.StringVar(&request.Reason, "reason", "", "only what failed for this `code`; `leadlake check` lists them")
	f.StringVar(&request.Day, "day", "", "only what came on this UTC `day`, YYYY-MM-DD")
	f.StringVar(&request.Source, "source", "", "only what came through the source of this `name`")
	machineOutput := f.Bool("json", false, "print JSON")
	if err := f.parse(args, 0, 0); err != nil {
		return err
	}
	if _, err := time.Parse(time.DateOnly, request.Day); request.Day != "" && err != nil {
		return wrongUse("redrive: -day is written YYYY-MM-DD")
	}
	if request.Reason == pipeline.ReasonNotFetched && request.Day+request.Source != "" {
		return wrongUse("redrive: -reason not_fetched takes neither -day nor -source")
	}
	if err := where.exists(); err != nil {
		return err
	}
	var shown progress
	shown.sys = sys
	shown.step("redrive")
	answer, err := perform(ctx, sys, where, "redrive", request)
	shown.end()
	if err != nil {
		return err
	}
	var done redriven
	if err := json.Unmarshal(answer, &done); err != nil {
		return err
	}
	if *machineOutput {
		err = printJSON(sys.Stdout, done)
	} else {
		_, err = fmt.Fprint(sys.Stdout, done.text())
	}
	if err == nil && done.Error != "" {
		return errors.New(done.Error)
	}
	return err
}

// redriven is a report together with what could not be looked at: the one must
// not hide the other.
type redriven struct {
	pipeline.RedriveReport

	Error string `json:"error,omitempty"`
}

// redrive is the act behind the command.
func (m *machine) redrive(ctx context.Context, request pipeline.RedriveRequest) (redriven, error) {
	report, err := m.steps.Redrive(ctx, request)
	if err != nil && (len(report.Counts) > 0 || report.Asked > 0) {
		return redriven{report, strings.ReplaceAll(err.Error(), "\n", "; ")}, nil
	}
	return redriven{RedriveReport: report}, err
}

func (r redriven) text() string {
	if len(r.Counts) == 0 && r.Asked == 0 {
		return "nothing to run again\n"
	}
	var text strings.Builder
	for _, c := range r.Counts {
		fmt.Fprintf(&text, "%s %s: %d tried", c.Source, c.Reason, c.Tried)
		for _, part := range []struct {
			n    int
			what string
		}{
			{c.Stored, "fit now and were stored"},
			{c.Events, "became events"},
			{c.Pings, "pings"},
			{c.Duplicates, "duplicates"},
			{c.Suppressed, "of erased people"},
			{c.Failed, "still fail"},
		} {
			if part.n > 0 {
				fmt.Fprintf(&text, ", %d %s", part.n, part.what)
			}
		}
		for i, reason := range slices.Sorted(maps.Keys(c.Reasons)) {
			open := " ("
			if i > 0 {
				open = ", "
			}
			fmt.Fprintf(&text, "%s%d %s", open, c.Reasons[reason], reason)
		}
		if len(c.Reasons) > 0 {
			text.WriteByte(')')
		}
		text.WriteByte('\n')
	}
	if r.Asked > 0 {
		fmt.Fprintf(&text, "%d objects are asked for again, %d of them came now\n", r.Asked, r.Compacted.Fetched)
	}
	if n := r.Compacted; n.Deliveries > 0 {
		fmt.Fprintf(&text, "compacted: %d deliveries, %d events, %d pings, %d failed, %d duplicates\n", n.Deliveries, n.Events, n.Pings, n.Failed, n.Duplicates)
	}
	return text.String()
}
