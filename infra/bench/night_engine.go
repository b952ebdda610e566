package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/lake/columnar"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/objstore/filestore"
	"github.com/leadlake/leadlake/lib/pipeline"
)

// foldOrders, scoreOrders and nightColumns are all that the bench knows of the engine.

// foldOrders brings the folded orders of a lake up to the end of a day.
func foldOrders(ctx context.Context, steps *pipeline.Pipeline, asOf string) error {
	_, err := steps.FoldOrders(ctx, asOf)
	return err
}

// scoreOrders makes the tables of a day in out: the newest day folded on top of
// lake/orders, then every score.
func scoreOrders(ctx context.Context, steps *pipeline.Pipeline, out objstore.Store, asOf string) error {
	_, err := steps.ScoreOrders(ctx, pipeline.ScoreRequest{AsOf: asOf, Out: out})
	return err
}

// nightColumns are what a night needs of lake/orders; reading them is the floor.
func nightColumns() []string {
	return []string{"token", "day", "purchase", "currency", "revenue_minor", "order_hash"}
}

const ordersPrefix = "lake/orders/"

// nightProcesses are the parts of the bench that run as whole processes of their
// own, so that each is charged for all that it uses.
func nightProcesses() map[string]func(ctx context.Context, data, out, asOf string) error {
	return map[string]func(ctx context.Context, data, out, asOf string) error{
		"score": func(ctx context.Context, data, out, asOf string) error {
			// Memory is a few long arrays without pointers: to look for garbage costs little,
			// but while there is hardly any memory yet it would be done with every megabyte.
			// What is never touched takes no memory, and counts as if it did.
			untouched := make([]byte, 128<<20)
			defer runtime.KeepAlive(untouched)
			debug.SetGCPercent(15)
			return onTop(data, out, "", func(steps *pipeline.Pipeline, store objstore.Store) error {
				return scoreOrders(ctx, steps, store, asOf)
			})
		},
		"fold": func(ctx context.Context, data, out, asOf string) error {
			return onTop(data, out, ordersPrefix, func(steps *pipeline.Pipeline, _ objstore.Store) error { return foldOrders(ctx, steps, asOf) })
		},
		"floor": func(ctx context.Context, data, _, _ string) error { return readFloor(ctx, data) },
	}
}

// onTop runs a step on the lake of a folder that is only read; out receives what it
// writes.
func onTop(data, out, hidden string, run func(steps *pipeline.Pipeline, store objstore.Store) error) (err error) {
	below, err := filestore.OpenReadOnly(data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, below.Close()) }()
	top, err := filestore.Open(out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, top.Close()) }()
	store := layered{Store: below, top: top, hidden: hidden}
	steps, err := pipeline.New(pipeline.Config{
		Store: store, Now: time.Now, Logger: slog.New(slog.DiscardHandler),
		TokenKey: []byte("the bench has tokens of its own making"),
	})
	if err != nil {
		return err
	}
	return run(steps, store)
}

// readFloor decodes the columns that a night needs and does nothing with them but
// adding up the revenue.
func readFloor(ctx context.Context, data string) (err error) {
	store, err := filestore.OpenReadOnly(data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	keys, err := keysBelow(ctx, store, lake.OrdersPrefix)
	if err != nil {
		return err
	}
	return eachOf(ctx, keys, func(key string) error {
		body, _, err := store.Get(ctx, key)
		if err != nil {
			return err
		}
		for _, err := range columnar.Records(ctx, body, nightColumns()...) {
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func keysBelow(ctx context.Context, store objstore.Store, prefix string) (keys []string, err error) {
	for info, err := range store.List(ctx, prefix, "") {
		if err != nil {
			return nil, err
		}
		keys = append(keys, info.Key)
	}
	return keys, nil
}

// foldShop brings lake/orders of a shop up to the day before its last, which is
// what a night finds.
func foldShop(ctx context.Context, data string) error {
	shop, err := shopOf(ctx, data)
	if err != nil {
		return err
	}
	before, err := dayBefore(shop.AsOf)
	if err != nil {
		return err
	}
	// Beside the lake, and moved into it whole: the night finds all of it or none.
	out := filepath.Clean(data) + ".fold"
	if err := os.RemoveAll(out); err != nil {
		return err
	}
	if err := nightProcesses()["fold"](ctx, data, out, before); err != nil {
		return err
	}
	orders := filepath.Join(data, filepath.FromSlash(ordersPrefix))
	if err := os.RemoveAll(orders); err != nil {
		return err
	}
	if err := os.Rename(filepath.Join(out, filepath.FromSlash(ordersPrefix)), orders); err != nil {
		return err
	}
	if err := os.RemoveAll(out); err != nil {
		return err
	}
	return rememberVersions(ctx, data)
}

// rememberVersions leaves the store as a night leaves it, which knows the version of
// every file: the store that the bench reads is not written to.
func rememberVersions(ctx context.Context, data string) (err error) {
	store, err := filestore.Open(data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	for info, err := range store.List(ctx, "", "") {
		if err != nil {
			return err
		}
		if _, err := store.Head(ctx, info.Key); err != nil {
			return err
		}
	}
	return nil
}

func shopOf(ctx context.Context, data string) (shop nightShop, err error) {
	store, err := filestore.OpenReadOnly(data)
	if err != nil {
		return shop, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	return readNightShop(ctx, store)
}

func dayBefore(day string) (string, error) {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return "", fmt.Errorf("day %q: %w", day, err)
	}
	return t.AddDate(0, 0, -1).Format(time.DateOnly), nil
}
