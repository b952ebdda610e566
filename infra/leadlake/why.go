package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/pipeline"
)

func whyCommand(ctx context.Context, sys *system, args []string) error {
	f := newFlags(sys, "why [flags] CLIENT",
		"Explains a client's card: why his records are one client, what every label, code, class and\n"+
			"segment was made by, his orders and what happened when. No contact value is shown; that is\n"+
			"what `leadlake subject` is for. CLIENT is a client id or an alias, a phone or an e-mail, or\n"+
			"his id in a source's own system. It only reads, also while `serve` runs.")
	var where place
	where.register(f)
	asJSON := f.Bool("json", false, "print JSON")
	all := f.Bool("all", false, fmt.Sprintf("show the whole chronology and every order, not the last %d; JSON always does", shownEvents))
	lang := f.String("lang", "", "`language` of the text, ru or en; without it that of the business")
	asked := f.String("segment", "", "say of this `segment` alone why the client is in it, or what keeps him out")
	plain, err := f.parseMixed(args, 1, 1)
	if err != nil {
		return err
	}
	if err := checkLanguage("why", *lang); err != nil {
		return err
	}
	err = where.read(ctx, sys, func(steps *pipeline.Pipeline) error {
		if *asked != "" {
			one, err := steps.WhySegment(ctx, plain[0], *asked)
			if err != nil {
				return err
			}
			if *asJSON {
				return printJSON(sys.Stdout, one)
			}
			return printWhySegment(ctx, sys, steps, one, *lang)
		}
		w, err := steps.Why(ctx, plain[0])
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(sys.Stdout, w)
		}
		return printWhy(ctx, sys, steps, w, *lang, *all)
	})
	switch {
	case errors.Is(err, pipeline.ErrNoSegment):
		return fmt.Errorf("why: -segment %s: neither the configuration nor the night has such a segment", *asked)
	case errors.Is(err, pipeline.ErrNoClient):
		return fmt.Errorf("why: %s has no such client (or nothing to tell of him before the next night)", where)
	case errors.Is(err, lake.ErrNoRun):
		return noNight("why", where)
	}
	return err
}
