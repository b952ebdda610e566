package main

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/leadlake/leadlake/lib/pipeline"
)

func eraseCommand(ctx context.Context, sys *system, args []string) error {
	f := newFlags(sys, "erase [flags] CONTACT",
		"Erases the person behind a phone or an e-mail from every place, cleans up what is past\n"+
			"its retention, and prints the proof as JSON: what was searched and what was changed,\n"+
			"with no personal value. CONTACT is written as people write it; - reads it from\n"+
			"standard input, so that it stays out of the shell's history.")
	var where place
	where.register(f)
	by := f.String("by", "operator", "`name` of who asks, for the proof and the audit")
	contact, err := f.parseMixed(args, 1, 1)
	if err != nil {
		return err
	}
	request := pipeline.EraseRequest{Contact: contact[0], By: *by}
	if request.Contact == "-" {
		if request.Contact, err = firstLine(sys.Stdin); err != nil {
			return err
		}
	}
	if request.Contact == "" {
		return wrongUse("erase: the contact is empty")
	}
	if err := where.exists(); err != nil {
		return err
	}
	var shown progress
	shown.sys = sys
	shown.step("erase")
	answer, err := perform(ctx, sys, where, "erase", request)
	shown.end()
	if errors.Is(err, pipeline.ErrContact) {
		return wrongUse("erase: the contact is neither a phone nor an e-mail address")
	}
	if err != nil {
		return err
	}
	var report pipeline.EraseReport
	if err := json.Unmarshal(answer, &report); err != nil {
		return err
	}
	return printJSON(sys.Stdout, report)
}
