package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/leadlake/leadlake/lib/pipeline"
)

// maxLeak bounds a leaked text: a sheet of Excel full of clients has less.
const maxLeak = 512 << 20

func leakCommand(ctx context.Context, sys *system, args []string) error {
	f := newFlags(sys, "leak [flags] CONTACT",
		"Says which download an address came from. Every list for people carries some invented\n"+
			"addresses of its own (canaries.email_domain in the configuration); one that gets mail or\n"+
			"turns up elsewhere names download, person, day and file. Case, blanks, mailto: and a +tag\n"+
			"do not matter; - reads standard input, which may be a whole leaked table. It only reads,\n"+
			"also while `serve` runs. Exit status 1 where nothing is found.")
	var where place
	where.register(f)
	asJSON := f.Bool("json", false, "print JSON")
	plain, err := f.parseMixed(args, 1, 1)
	if err != nil {
		return err
	}
	text := plain[0]
	if text == "-" {
		body, err := io.ReadAll(io.LimitReader(sys.Stdin, maxLeak+1))
		if err != nil {
			return fmt.Errorf("leak: read standard input: %w", err)
		}
		if len(body) > maxLeak {
			return fmt.Errorf("leak: the text has more than %d MiB; a piece of it is enough", maxLeak>>20)
		}
		text = string(body)
	}
	if strings.TrimSpace(text) == "" {
		return wrongUse("leak: the contact is empty")
	}
	var report pipeline.LeakReport
	if err := where.read(ctx, sys, func(steps *pipeline.Pipeline) error {
		var err error
		report, err = steps.Leak(ctx, text)
		return err
	}); err != nil {
		return err
	}
	if *asJSON {
		err = printJSON(sys.Stdout, report)
	} else {
		err = printLeak(sys.Stdout, report)
	}
	if err == nil && len(report.Downloads) == 0 {
		if *asJSON {
			return errSaid
		}
		return nothingLeaked(report)
	}
	return err
}

// printLeak writes a line for each download, nothing where there is none.
func printLeak(out io.Writer, r pipeline.LeakReport) error {
	if len(r.Downloads) == 0 {
		return nil
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "when (UTC)\twho\tfile\tsegment\tplatform\trows\tcanaries found\tdownload")
	for _, d := range r.Downloads {
		who := d.Who
		if d.Link != "" && who != "link:"+d.Link {
			who += " (link " + d.Link + ")"
		}
		_, _ = fmt.Fprintln(table, strings.Join([]string{
			d.At.UTC().Format("2006-01-02 15:04"), who, d.File, d.Segment, d.Platform, strconv.FormatInt(d.Rows, 10),
			fmt.Sprintf("%d of %d", d.Found, d.Canaries), d.ID,
		}, "\t"))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if rest := r.Unknown + r.Foreign; rest > 0 {
		_, err := fmt.Fprintf(out, "%d other addresses of %d are no canary of ours\n", rest, r.Addresses)
		return err
	}
	return nil
}

// nothingLeaked says why no download is named; it repeats no address.
func nothingLeaked(r pipeline.LeakReport) error {
	switch {
	case r.Addresses == 0:
		return errors.New("leak: there is no e-mail address in it, and canaries are e-mail addresses")
	case r.Unknown > 0:
		return fmt.Errorf("leak: no canary of ours: an address in %s, but no download of the ledger carries it", r.Domain)
	case r.Domain == "":
		return errors.New("leak: no domain configured: without canaries.email_domain downloads carry no canaries, and none of the ledger's carried this one")
	}
	return fmt.Errorf("leak: not our domain: canaries are in %s", r.Domain)
}
