package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"
)

// ingestFlags are the choices of the ingest measurement.
type ingestFlags struct {
	rate     float64
	duration time.Duration
	conns    int
	compact  time.Duration
	highest  bool
	asJSON   bool
	data     string
}

func ingestCommand(ctx context.Context, out io.Writer, args []string) error {
	var o ingestFlags
	f := flag.NewFlagSet("ingest", flag.ContinueOnError)
	f.Float64Var(&o.rate, "rate", 2000, "deliveries a second; with -max the first one tried")
	f.DurationVar(&o.duration, "duration", time.Minute, "how long; with -max of each step a third")
	f.IntVar(&o.conns, "conns", 512, "connections kept alive")
	f.DurationVar(&o.compact, "compact", 0, "compact every so often meanwhile; 0 = as serve's own schedule does, every five minutes")
	f.BoolVar(&o.highest, "max", false, "look for the highest rate whose p99 is at most 100 ms")
	f.BoolVar(&o.asJSON, "json", false, "print JSON")
	f.StringVar(&o.data, "data", "", "folder for the store, which must not exist; default one that is removed afterwards")
	if err := parse(f, args); err != nil {
		return err
	}
	if o.rate <= 0 || o.duration <= 0 || o.conns <= 0 {
		return fmt.Errorf("%w: rate, duration and conns are positive", errUsage)
	}
	r := newReport("ingest", args)
	err := withServer(ctx, o.data, func(s *server) error {
		if o.highest {
			return highestRate(ctx, s, o, r)
		}
		return fixedRate(ctx, s, o, r)
	})
	return errors.Join(r.print(out, o.asJSON), err)
}

// withServer runs one measurement against a serve over a folder of its own.
func withServer(ctx context.Context, data string, measure func(*server) error) error {
	folder, err := os.MkdirTemp("", "leadlake-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder) //nolint:errcheck // a folder for temporary files
	if data == "" {
		data = filepath.Join(folder, "data")
	}
	if _, err := os.Stat(data); err == nil {
		return fmt.Errorf("%w: %s exists", errUsage, data)
	}
	program, err := build(ctx, folder, "infra/leadlake")
	if err == nil {
		err = newFolder(data)
	}
	if err != nil {
		return err
	}
	s, err := startServer(ctx, program, data)
	if err != nil {
		return err
	}
	return errors.Join(measure(s), s.stop())
}

// runName makes the ids of this run its own.
func runName() string { return strconv.FormatInt(time.Now().Unix(), 36) }

// fixedRate sends at one rate and looks for every acknowledged delivery.
func fixedRate(ctx context.Context, s *server, o ingestFlags, r *report) error {
	run := runName()
	warm := load{address: s.address, source: "site", secret: shared, run: run, rate: 200, count: 200, conns: o.conns}
	warmed := warm.send(ctx)
	l := warm
	l.first, l.rate, l.count = warm.count, o.rate, int(o.rate*o.duration.Seconds())
	_ = s.mostResident()
	before, own := s.usage(), usageOf(os.Getpid())
	end, meanwhile := context.WithCancel(ctx)
	var side sync.WaitGroup
	compactions, sideErr := 0, error(nil)
	if o.compact > 0 {
		side.Go(func() { compactions, sideErr = compactEvery(end, s, o.compact) })
	}
	measured := l.send(ctx)
	meanwhile()
	side.Wait()
	after, ownAfter := s.usage(), usageOf(os.Getpid())
	sorted := measured.sorted()
	r.add("deliveries sent", float64(l.count), "")
	r.add("rate asked for", o.rate, "/s")
	r.add("rate acknowledged", float64(len(sorted))/measured.wall.Seconds(), "/s")
	statuses(r, measured)
	for _, p := range []struct {
		name  string
		share float64
		most  float64
	}{{"p50", 0.5, 0}, {"p90", 0.9, 0}, {"p99", 0.99, 50}, {"p99.9", 0.999, 0}, {"highest", 1, 0}} {
		value := milliseconds(percentile(sorted, p.share))
		if p.most > 0 {
			r.goal(p.name, value, "ms", p.most)
		} else {
			r.add(p.name, value, "ms")
		}
	}
	used(r, "serve", before, after, len(sorted))
	used(r, "generator", own, ownAfter, len(sorted))
	resident(r, "serve's memory under load", s.mostResident())
	if o.compact > 0 {
		r.add("compactions meanwhile", float64(compactions), "")
	}
	acknowledged := warmed.acknowledged()
	for _, i := range measured.acknowledged() {
		acknowledged = append(acknowledged, l.first+i)
	}
	return errors.Join(sideErr, lookFor(ctx, s, r, run, acknowledged, l.first+l.count))
}

// lookFor compacts what is left and looks for everything by id.
func lookFor(ctx context.Context, s *server, r *report, run string, acknowledged []int, sent int) error {
	begin := time.Now()
	if err := compactAll(ctx, s); err != nil {
		return err
	}
	r.add("compaction of what was left", time.Since(begin).Seconds(), "s")
	resident(r, "serve's memory at that", s.mostResident())
	if u := s.usage(); u.known {
		r.add("serve's memory at its peak", float64(u.peak)/(1<<20), "MiB")
		r.add("a compacting worker's, beside it", float64(s.worker())/(1<<20), "MiB")
	}
	found, err := readStored(ctx, s.data)
	if err != nil {
		return err
	}
	lost, twice, strange := found.check(run, acknowledged, sent)
	r.add("acknowledged", float64(len(acknowledged)), "")
	r.goal("of them lost", float64(lost), "", 0)
	r.goal("of them more than once", float64(twice), "", 0)
	return fault(lost, twice, strange)
}

// compactAll compacts until nothing is left.
func compactAll(ctx context.Context, s *server) error {
	for {
		report, err := s.compact(ctx)
		if err != nil || report.Deliveries == 0 {
			return err
		}
	}
}

// compactEvery compacts until ctx ends and counts how often.
func compactEvery(ctx context.Context, s *server, every time.Duration) (int, error) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return n, nil
		case <-ticker.C:
		}
		if _, err := s.compact(context.WithoutCancel(ctx)); err != nil {
			return n, err
		}
	}
}

// mostLatency is the p99 that the highest rate is held to.
const mostLatency = 100 * time.Millisecond

// highestRate doubles nothing and trusts no single run: it climbs by a quarter
// while the goal is met, then halves the gap three times. A rate counts only if
// every delivery was acknowledged.
func highestRate(ctx context.Context, s *server, o ingestFlags, r *report) error {
	run, first := runName(), 0
	var acknowledged []int
	try := func(rate float64) bool {
		l := load{address: s.address, source: "site", secret: shared, run: run, first: first, rate: rate, conns: o.conns}
		l.count = int(rate * o.duration.Seconds() / 3)
		first += l.count
		before := s.usage()
		measured := l.send(ctx)
		after := s.usage()
		for _, i := range measured.acknowledged() {
			acknowledged = append(acknowledged, l.first+i)
		}
		sorted := measured.sorted()
		p99 := percentile(sorted, 0.99)
		fits := ctx.Err() == nil && len(sorted) == l.count && p99 <= mostLatency
		text := fmt.Sprintf("p50 %s ms, p99 %s ms, %d of %d acknowledged", number(milliseconds(percentile(sorted, 0.5))), number(milliseconds(p99)), len(sorted), l.count)
		if after.known {
			text += fmt.Sprintf(", %s of %d cores", number((after.cpu-before.cpu).Seconds()/measured.wall.Seconds()), cores())
		}
		r.say(fmt.Sprintf("%.0f/s", rate), text)
		return fits
	}
	best, next := 0.0, o.rate
	for try(next) {
		best, next = next, next*1.25
	}
	if best == 0 {
		next = o.rate
	}
	for range 3 {
		middle := (best + next) / 2
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if try(middle) {
			best = middle
		} else {
			next = middle
		}
	}
	r.add("highest rate with p99 at most 100 ms", best, "/s")
	resident(r, "serve's memory under load", s.mostResident())
	return lookFor(ctx, s, r, run, acknowledged, first)
}

// statuses counts the answers that were not 200.
func statuses(r *report, o outcome) {
	count := map[int]int{}
	for _, status := range o.status {
		count[status]++
	}
	var others []int
	for status := range count {
		if status != 0 && status != 200 {
			others = append(others, status)
		}
	}
	slices.Sort(others)
	for _, status := range others {
		r.add("answered "+strconv.Itoa(status), float64(count[status]), "")
	}
	r.add("without an answer", float64(o.unanswered()), "")
}

// used adds a process's CPU time.
func used(r *report, name string, before, after usage, deliveries int) {
	if !before.known || !after.known {
		r.say(name+"'s CPU", "not measured on this system")
		return
	}
	spent := after.cpu - before.cpu
	r.add(name+"'s CPU", spent.Seconds(), "s")
	r.add(name+"'s CPU for a delivery", float64(spent.Microseconds())/float64(max(deliveries, 1)), "µs")
	if workers := after.workers - before.workers; workers > 0 {
		r.add("its workers' CPU", workers.Seconds(), "s")
	}
}

// resident adds memory, held to the bound of one-machine mode.
func resident(r *report, name string, bytes int64) {
	if bytes == 0 {
		r.say(name, "not measured on this system")
		return
	}
	r.goal(name, float64(bytes)/(1<<20), "MiB", 256)
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
