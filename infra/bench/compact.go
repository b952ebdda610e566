package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"time"
)

func compactCommand(ctx context.Context, out io.Writer, args []string) error {
	f := flag.NewFlagSet("compact", flag.ContinueOnError)
	n := f.Int("deliveries", 60_000, "deliveries that wait when it begins")
	rate := f.Float64("rate", 3000, "deliveries a second to bring them there, group-committed as serve does")
	asJSON := f.Bool("json", false, "print JSON")
	if err := parse(f, args); err != nil {
		return err
	}
	if *n < 1 || *rate <= 0 {
		return fmt.Errorf("%w: deliveries and rate are positive", errUsage)
	}
	r := newReport("compact", args)
	err := withServer(ctx, "", func(s *server) error {
		run := runName()
		sent := load{address: s.address, source: "site", secret: shared, run: run, rate: *rate, count: *n, conns: 256}.send(ctx)
		acknowledged := sent.acknowledged()
		_ = s.mostResident()
		before, begun := s.usage(), time.Now()
		report, err := s.compact(ctx)
		if err != nil {
			return err
		}
		took := time.Since(begun)
		after := s.usage()
		r.add("deliveries", float64(report.Deliveries), "")
		r.add("raw objects", float64(report.Objects), "")
		r.add("took", took.Seconds(), "s")
		r.goalAtLeast("deliveries compacted", float64(report.Deliveries)/took.Seconds(), "/s", 30_000)
		used(r, "serve", before, after, report.Deliveries)
		resident(r, "serve's memory", s.mostResident())
		return lookFor(ctx, s, r, run, acknowledged, *n)
	})
	return errors.Join(r.print(out, *asJSON), err)
}
