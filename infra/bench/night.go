package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"

	"github.com/leadlake/leadlake/lib/objstore/filestore"
)

// shopMonths is how long a shop has been there where nothing else is said.
const shopMonths = 36

// nightOptions are the flags of the night.
type nightOptions struct {
	shop    nightShop
	data    []string // folders, a shop each
	threads []int
	rounds  int
	peers   []string
	fold    bool
	json    bool
}

func nightCommand(ctx context.Context, out io.Writer, args []string) error {
	f := flag.NewFlagSet("night", flag.ContinueOnError)
	data := f.String("data", "", "folders of shops, by comma; each keeps a lake")
	makes := f.Bool("make", false, "make the shop of -data, or finish making it")
	folds := f.Bool("fold", false, "bring lake/orders of the shops up to the day before their last")
	orders := f.Uint64("orders", 1_000_000, "orders of a shop that is made; a tenth as many clients")
	seed := f.Uint64("seed", 1, "other numbers make other shops")
	asOf := f.String("asof", "2025-12-31", "last day of a shop that is made")
	months := f.Int("months", shopMonths, "months of a shop that is made")
	other := f.Float64("other", 0, "share of orders in a currency without a rate")
	threads := f.String("threads", "1,2", "threads of each engine, by comma")
	rounds := f.Int("rounds", 5, "rounds; in each every engine runs once at each number of threads")
	peers := f.String("peers", "duckdb,duckdb-own,polars", "engines to measure against, by comma; empty: none")
	full := f.Bool("full", true, "time the fold of all events, too, once for each engine and number of threads")
	asJSON := f.Bool("json", false, "print JSON")
	process := f.String("process", "", "run one part alone, as the bench itself does: score, fold or floor")
	folder := f.String("out", "", "folder that -process writes to")
	if err := parse(f, args); err != nil {
		return err
	}
	o := nightOptions{
		shop: nightShop{Orders: *orders, Seed: *seed, AsOf: *asOf, Months: *months, Other: *other}, data: listed(*data), rounds: *rounds,
		peers: listed(*peers), fold: *full, json: *asJSON,
	}
	for _, text := range listed(*threads) {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return fmt.Errorf("%w: threads %q", errUsage, text)
		}
		o.threads = append(o.threads, n)
	}
	if len(o.data) == 0 || len(o.threads) == 0 || o.rounds < 1 || o.shop.Other < 0 || o.shop.Other > 1 {
		return fmt.Errorf("%w: -data names a folder, -threads and -rounds are at least 1, -other is a share", errUsage)
	}
	if *process != "" {
		return nightProcess(ctx, *process, o, *folder)
	}
	if *makes {
		if err := o.makeShop(ctx, os.Stderr); err != nil {
			return err
		}
	}
	if *folds {
		for _, data := range o.data {
			if err := foldShop(ctx, data); err != nil {
				return fmt.Errorf("fold %s: %w", data, err)
			}
		}
	}
	if *makes || *folds {
		return nil
	}
	return measureNight(ctx, out, o, args)
}

// makeShop makes the shop of the one folder.
func (o nightOptions) makeShop(ctx context.Context, log io.Writer) (err error) {
	if len(o.data) != 1 {
		return fmt.Errorf("%w: -make makes one shop", errUsage)
	}
	store, err := filestore.Open(o.data[0])
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	return o.shop.make(ctx, store, cores(), log)
}

// nightProcess is one part in a process of its own.
func nightProcess(ctx context.Context, name string, o nightOptions, out string) error {
	run, ok := nightProcesses()[name]
	if !ok || len(o.data) != 1 || len(o.threads) != 1 {
		return fmt.Errorf("%w: -process is score, fold or floor, with one folder and one number of threads", errUsage)
	}
	shop, err := shopOf(ctx, o.data[0])
	if err != nil {
		return err
	}
	runtime.GOMAXPROCS(o.threads[0])
	return run(ctx, o.data[0], out, shop.AsOf)
}

func listed(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' })
}

// eachOf calls do for every item, as many at once as Go may use threads.
func eachOf(ctx context.Context, items []string, do func(item string) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	work := make(chan string)
	var group sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() {
			for item := range work {
				if ctx.Err() != nil {
					continue
				}
				if err := do(item); err != nil {
					cancel(err)
				}
			}
		})
	}
	for _, item := range items {
		work <- item
	}
	close(work)
	group.Wait()
	return context.Cause(ctx)
}
