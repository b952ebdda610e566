package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/leadlake/leadlake/infra/leadlake/demoshop"
	"github.com/leadlake/leadlake/infra/leadlake/wiring"
	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/objstore/filestore"
	"github.com/leadlake/leadlake/lib/pipeline"
	"github.com/leadlake/leadlake/lib/portal"
	"github.com/leadlake/leadlake/lib/segment"
)

// demoOptions are the flags of demo.
type demoOptions struct {
	where    place
	listen   string
	language string
	seed     uint64
	exit     bool
	json     bool
}

func demoCommand(ctx context.Context, sys *system, args []string) error {
	f := newFlags(sys, "demo [flags]",
		"Makes an invented coffee house, posts two years of its deliveries through the real\n"+
			"webhooks, compacts them, works the night of "+demoshop.AsOf+", writes the audience files,\n"+
			"prints what came of it and serves the pages until interrupted. Run again, it posts and\n"+
			"changes nothing. While it serves, what is posted is compacted; the night stays.")
	var o demoOptions
	f.StringVar(&o.where.data, "data", "leadlake-demo", "the `directory` that is the store")
	f.StringVar(&o.listen, "listen", "127.0.0.1:8080", "`address` to serve on; port 0 takes a free one")
	f.StringVar(&o.language, "lang", "", "`language` of the summary: ru or en; default that of the business")
	f.Uint64Var(&o.seed, "seed", demoshop.Seed, "`number` that decides who the people of the shop are")
	f.BoolVar(&o.exit, "exit", false, "stop instead of serving")
	f.BoolVar(&o.json, "json", false, "print the summary as JSON")
	if err := f.parse(args, 0, 0); err != nil {
		return err
	}
	if o.language != "" && o.language != "ru" && o.language != "en" {
		return wrongUse("demo: -lang is ru or en")
	}
	var listener net.Listener
	if !o.exit {
		// Before the work, so that a taken port costs nobody a minute.
		var network net.ListenConfig
		var err error
		if listener, err = network.Listen(ctx, "tcp", o.listen); err != nil {
			return fmt.Errorf("listen: %w; -listen 127.0.0.1:0 takes a free port", err)
		}
		defer listener.Close() //nolint:errcheck // closed by serve already, unless it was never reached
	}
	summary, err := makeDemo(ctx, sys, o, func(w *demoWork) error { return w.post(ctx, demoshop.Deliveries(o.seed)) })
	if err != nil {
		return err
	}
	if o.json {
		err = printJSON(sys.Stdout, summary)
	} else {
		err = summary.print(sys.Stdout, o.language)
	}
	if err != nil || o.exit {
		return err
	}
	return serveDemo(ctx, sys, o, listener)
}

// demoKey is the marker of a finished demo.
const demoKey = "config/demo.json"

// demoMarker says that a directory holds a finished demo, and what came of it.
type demoMarker struct {
	Seed    uint64      `json:"seed"`
	Summary demoSummary `json:"summary"`
}

// Accounts of the demo. Everything they open is invented.
const (
	demoOwnerPassword    = "demo-owner"
	demoMarketerPassword = "demo-marketer" //nolint:gosec // G101: printed for everybody
)

// demoWork is a demo while it is being made.
type demoWork struct {
	sys      *system
	options  demoOptions
	store    *opened
	progress *progress
	zone     *time.Location
	posts    int // acknowledged
}

// makeDemo makes the demo, or finds that it is there. post sends the deliveries.
func makeDemo(ctx context.Context, sys *system, o demoOptions, post func(*demoWork) error) (summary demoSummary, err error) {
	store, err := o.openStore(ctx, sys)
	if err != nil {
		return summary, err
	}
	defer func() { err = errors.Join(err, store.close()) }()
	body, _, err := store.Get(ctx, demoKey)
	if err == nil {
		var marker demoMarker
		if err := json.Unmarshal(body, &marker); err != nil {
			return summary, fmt.Errorf("%s: %w", demoKey, err)
		}
		if marker.Seed != o.seed {
			return summary, fmt.Errorf("%s holds the demo of seed %d; name another directory with -data", o.where, marker.Seed)
		}
		return marker.Summary, nil
	}
	if !errors.Is(err, objstore.ErrNotExist) {
		return summary, err
	}
	for info, err := range store.List(ctx, "", "") {
		if err != nil {
			return summary, err
		}
		return summary, fmt.Errorf("%s holds %s and no finished demo: remove the directory, or name another with -data", o.where, info.Key)
	}
	cfg, err := config.Parse(demoshop.Config(), segment.Check)
	if err != nil {
		return summary, fmt.Errorf("demo configuration: %w", err)
	}
	w := &demoWork{sys: sys, options: o, store: store, progress: &progress{sys: sys}, zone: cfg.Location()}
	defer w.progress.end()
	if _, err := store.Create(ctx, config.Key, demoshop.Config()); err != nil {
		return summary, err
	}
	if err := post(w); err != nil {
		return summary, err
	}
	if summary, err = w.work(ctx); err != nil {
		return summary, err
	}
	body, err = json.MarshalIndent(demoMarker{Seed: o.seed, Summary: summary}, "", "  ")
	if err != nil {
		return summary, err
	}
	_, err = store.Create(ctx, demoKey, body)
	return summary, err
}

func (o demoOptions) openStore(ctx context.Context, sys *system) (*opened, error) {
	store, err := o.where.open(ctx, sys, demoTokenKey(o.seed))
	if errors.Is(err, filestore.ErrLocked) {
		return nil, fmt.Errorf("%s is in use: another `leadlake demo` or `leadlake serve` runs there", o.where)
	}
	return store, err
}

// demoTokenKey makes equal demos equal to the last token. It guards nothing,
// since the people of the demo do not exist.
func demoTokenKey(seed uint64) []byte {
	sum := sha256.Sum256([]byte("leadlake demo " + strconv.FormatUint(seed, 10)))
	return []byte(hex.EncodeToString(sum[:]))
}

// at is a time of day of the demo's last day.
func (w *demoWork) at(hour int) (time.Time, error) {
	day, err := time.ParseInLocation(time.DateOnly, demoshop.AsOf, w.zone)
	return day.Add(time.Duration(hour) * time.Hour).UTC(), err
}

// work compacts, makes the night, exports, and counts what came of it. Its clock
// stands still in the night that follows the last day.
func (w *demoWork) work(ctx context.Context) (demoSummary, error) {
	night, err := w.at(24 + 4)
	if err != nil {
		return demoSummary{}, err
	}
	m, err := newMachine(w.sys, w.options.where, w.store, func() time.Time { return night }, slog.LevelWarn)
	if err != nil {
		return demoSummary{}, err
	}
	if err := m.steps.ChangeUsers(ctx, func(users *portal.Users) error {
		// The real clock: sign-ins from before an account's change are void.
		return errors.Join(
			users.Add("owner", portal.Owner, demoOwnerPassword, w.sys.Now()),
			users.Add("marketer", portal.Marketer, demoMarketerPassword, w.sys.Now()))
	}); err != nil {
		return demoSummary{}, err
	}
	w.progress.step("compact")
	if _, err := m.steps.Compact(ctx, pipeline.CompactRequest{}); err != nil {
		return demoSummary{}, err
	}
	w.progress.step("night")
	if _, err := m.steps.Analyse(ctx, pipeline.NightRequest{AsOf: demoshop.AsOf}); err != nil {
		return demoSummary{}, err
	}
	w.progress.step("export")
	exported, err := m.steps.Export(ctx, pipeline.ExportRequest{})
	if err != nil {
		return demoSummary{}, err
	}
	w.progress.step("summary")
	return w.summarise(ctx, m, exported)
}

// serveDemo serves the finished demo on the real clock. The daily schedules rest:
// they would move the night away from the day that the demo shows.
func serveDemo(ctx context.Context, sys *system, o demoOptions, listener net.Listener) error {
	store, err := o.openStore(ctx, sys)
	if err != nil {
		return err
	}
	m, err := newMachine(sys, o.where, store, sys.Now, slog.LevelInfo)
	if err != nil {
		return errors.Join(err, store.close())
	}
	err = m.serve(ctx, listener, wiring.Schedule.Rate, func(address string) error {
		_, err := fmt.Fprintf(sys.Stdout, "\nLeadlake serves %s at %s\n  owner     %s\n  marketer  %s\nctrl-C ends it\n",
			o.where, address, demoOwnerPassword, demoMarketerPassword)
		return err
	})
	return errors.Join(err, m.Close())
}

// split tells the posts whose order does not matter from those that are sent one
// after the other at the end: what carries no time of its own takes that of its
// receipt, and single posts repeat each other on purpose.
func split(posts iter.Seq[demoshop.Post]) (together, inOrder []demoshop.Post) {
	for post := range posts {
		if isHistory(post) {
			together = append(together, post)
		} else {
			inOrder = append(inOrder, post)
		}
	}
	return slices.Clip(together), slices.Clip(inOrder)
}
