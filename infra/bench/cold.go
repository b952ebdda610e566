package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"time"
)

// warmFigures are what one delivery takes of a function that runs already.
type warmFigures struct {
	known      bool
	cpu        time.Duration // of the function, for one delivery
	wall       time.Duration // from handing the event over to the answer, S3 answering at once
	puts, gets float64       // requests to S3 for one delivery
	coldMedian time.Duration
	coldWorst  time.Duration
	peak       int64
}

func coldCommand(ctx context.Context, out io.Writer, args []string) error {
	f := flag.NewFlagSet("cold", flag.ContinueOnError)
	starts := f.Int("starts", 21, "process starts")
	deliveries := f.Int("deliveries", 3000, "deliveries into a warm function")
	asJSON := f.Bool("json", false, "print JSON")
	if err := parse(f, args); err != nil {
		return err
	}
	if *starts < 1 || *deliveries < 1 {
		return fmt.Errorf("%w: starts and deliveries are positive", errUsage)
	}
	r := newReport("cold", args)
	found, err := measureFunction(ctx, *starts, *deliveries)
	if err != nil {
		return err
	}
	r.add("process starts", float64(*starts), "")
	r.goal("start to first answer, median", milliseconds(found.coldMedian), "ms", 30)
	r.add("start to first answer, worst", milliseconds(found.coldWorst), "ms")
	describeWarm(r, found)
	r.say("not in it", "Lambda's own sandbox, the network, S3's time: the stand-ins on loopback answer at once")
	return errors.Join(r.print(out, *asJSON), ctx.Err())
}

func describeWarm(r *report, found warmFigures) {
	r.add("warm, one delivery, wall", milliseconds(found.wall), "ms")
	if found.known {
		r.add("warm, one delivery, CPU", milliseconds(found.cpu), "ms")
		r.add("memory at its peak", float64(found.peak)/(1<<20), "MiB")
	} else {
		r.say("warm, one delivery, CPU", "not measured on this system")
	}
	r.add("S3 PUTs for a delivery", found.puts, "")
	r.add("S3 GETs for a delivery", found.gets, "")
}

// measureFunction builds the ingest function for this machine as it is deployed,
// and measures cold starts and warm deliveries.
func measureFunction(ctx context.Context, starts, deliveries int) (warmFigures, error) {
	var found warmFigures
	folder, err := os.MkdirTemp("", "leadlake-bench-")
	if err != nil {
		return found, err
	}
	defer os.RemoveAll(folder) //nolint:errcheck // a folder for temporary files
	program, err := build(ctx, folder, "functions/ingest", "-tags", "lambda.norpc", "-trimpath", "-ldflags=-s -w")
	if err != nil {
		return found, err
	}
	store := &bucket{requests: map[string]int{}}
	s3, address, err := loopback(store)
	if err != nil {
		return found, err
	}
	defer s3.Close() //nolint:errcheck // holds nothing
	l := newLeads(runName(), shared, time.Now())
	var took []time.Duration
	for i := range starts {
		event, err := l.event(i)
		if err != nil {
			return found, err
		}
		f, err := startFunction(ctx, program, address)
		if err != nil {
			return found, err
		}
		at, err := f.invoke(event)
		f.stop()
		if err != nil {
			return found, err
		}
		took = append(took, at.Sub(f.startedAt))
	}
	slices.Sort(took)
	found.coldMedian, found.coldWorst = percentile(took, 0.5), took[len(took)-1]

	f, err := startFunction(ctx, program, address)
	if err != nil {
		return found, err
	}
	defer f.stop()
	const warmUp = 100 // the first are dearer, and rare
	var before usage
	var begun time.Time
	var puts, gets int
	for i := range warmUp + deliveries {
		if i == warmUp {
			before, begun = usageOf(f.command.Process.Pid), time.Now()
			puts, gets = store.count("PUT"), store.count("GET")
		}
		event, err := l.event(starts + i)
		if err != nil {
			return found, err
		}
		if _, err := f.invoke(event); err != nil {
			return found, err
		}
	}
	after := usageOf(f.command.Process.Pid)
	n := float64(deliveries)
	found.known = before.known && after.known
	found.cpu = time.Duration(float64(after.cpu-before.cpu) / n)
	found.wall = time.Duration(float64(time.Since(begun)) / n)
	found.puts, found.gets = float64(store.count("PUT")-puts)/n, float64(store.count("GET")-gets)/n
	found.peak = after.peak
	return found, nil
}
