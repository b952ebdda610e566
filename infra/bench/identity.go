package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/leadlake/leadlake/lib/card"
	"github.com/leadlake/leadlake/lib/config"
)

// What identity resolution of ten million events with five million identifiers
// may take on two cores.
const (
	identitySeconds = 60
	identityMemory  = 4 << 30
)

func identityCommand(ctx context.Context, out io.Writer, args []string) error {
	f := flag.NewFlagSet("identity", flag.ContinueOnError)
	events := f.Int("events", 10_000_000, "events")
	identifiers := f.Int("identifiers", 5_000_000, "different identifiers in them, about")
	fromLake := f.Bool("lake", false, "write the events as Parquet first and read them as the night does")
	quality := f.Bool("quality", false, "measure precision and recall on a base whose truth is known, instead")
	people := f.Int("people", 20_000, "people of that base")
	data := f.String("data", "", "folder for -lake; kept, and used again if it holds a lake (default: a temporary one)")
	asJSON := f.Bool("json", false, "print JSON")
	if err := parse(f, args); err != nil {
		return err
	}
	if *events < 1 || *identifiers < 10 || *people < 1 {
		return fmt.Errorf("%w: events and people are at least 1, identifiers at least 10", errUsage)
	}
	r := newReport("identity", args)
	var err error
	switch {
	case *quality:
		err = measureQuality(r, *people)
	case *fromLake:
		err = measureLakeIdentity(ctx, r, newTown(*events, *identifiers), *data)
	default:
		measureIdentity(r, newTown(*events, *identifiers))
	}
	return errors.Join(err, r.print(out, *asJSON))
}

func identityOptions() card.ResolverOptions {
	m := config.Default().Metrics
	return card.ResolverOptions{MaxShared: m.MaxShared, EmailLinks: m.EmailLinks}
}

// measureIdentity resolves records that are made while they are added. Making
// them is measured alone first and stands apart.
func measureIdentity(r *report, t *town) {
	var rec card.Record
	begun := time.Now()
	for i := range t.events {
		t.record(i, &rec)
	}
	r.add("of it making the records", time.Since(begun).Seconds(), "s")
	m := beginIdentity(r)
	resolver := card.NewResolver(identityOptions())
	for i := range t.events {
		t.record(i, &rec)
		resolver.Add(rec)
	}
	m.step("added after")
	clients := resolver.Resolve()
	m.step("resolved after")
	m.end(t, clients)
}

// identityMeasure is a resolution being measured.
type identityMeasure struct {
	r      *report
	before usage
	begun  time.Time
}

func beginIdentity(r *report) identityMeasure {
	forgetPeak()
	return identityMeasure{r: r, before: usageOf(os.Getpid()), begun: time.Now()}
}

func (m identityMeasure) step(name string) { m.r.add(name, time.Since(m.begun).Seconds(), "s") }

func (m identityMeasure) end(t *town, clients *card.Clients) {
	links := len(clients.Links())
	took, after := time.Since(m.begun), usageOf(os.Getpid())
	identifiers := 0
	for _, id := range clients.IDs() {
		identifiers += len(clients.Tokens(id))
	}
	m.r.add("events", float64(t.events), "")
	m.r.add("identifiers", float64(identifiers), "")
	m.r.add("clients", float64(clients.Len()), "")
	m.r.add("links", float64(links), "")
	m.r.goal("took, with links", took.Seconds(), "s", identitySeconds)
	m.r.add("events a second", float64(t.events)/took.Seconds(), "/s")
	if after.known {
		m.r.add("CPU", (after.cpu - m.before.cpu).Seconds(), "s")
		m.r.goal("most memory resident", float64(after.peak>>20), "MB", identityMemory>>20)
	}
}
