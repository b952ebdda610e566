package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/card"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/objstore/filestore"
	"github.com/leadlake/leadlake/lib/pipeline"
	"github.com/leadlake/leadlake/lib/schema"
)

// measureLakeIdentity resolves the lake of a folder through the pipeline, as the
// night does. The lake is written first if it is not there.
func measureLakeIdentity(ctx context.Context, r *report, t *town, data string) error {
	if data == "" {
		folder, err := os.MkdirTemp("", "leadlake-identity-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(folder) //nolint:errcheck // a temporary folder
		data = folder
	}
	store, err := filestore.Open(data)
	if err != nil {
		return err
	}
	defer store.Close() //nolint:errcheck // everything was read or written by then
	days, err := lake.Days(ctx, store, lake.EventsPrefix)
	if err != nil {
		return err
	}
	if len(days) == 0 {
		begun := time.Now()
		if err := t.write(ctx, store); err != nil {
			return err
		}
		r.add("writing the lake, before", time.Since(begun).Seconds(), "s")
	}
	m := beginIdentity(r)
	clients, err := resolveLake(ctx, store)
	if err != nil {
		return err
	}
	m.step("resolved after")
	m.end(t, clients)
	return nil
}

func resolveLake(ctx context.Context, store objstore.Store) (*card.Clients, error) {
	steps, err := pipeline.New(pipeline.Config{
		Store: store, Now: time.Now, Logger: slog.New(slog.DiscardHandler), TokenKey: []byte("the bench has tokens of its own making"),
	})
	if err != nil {
		return nil, err
	}
	return steps.Resolve(ctx)
}

// write makes the day objects of events and contacts that compaction would have
// made of the town's records.
func (t *town) write(ctx context.Context, store objstore.Store) error {
	var events []schema.EventRow
	var contacts []schema.ContactRow
	var rec card.Record
	day := ""
	flush := func() error {
		if len(events) == 0 {
			return nil
		}
		slices.SortFunc(contacts, func(a, b schema.ContactRow) int { return strings.Compare(a.EventID, b.EventID) })
		err := errors.Join(put(ctx, store, lake.EventsPrefix, day, events), put(ctx, store, lake.ContactsPrefix, day, contacts))
		events, contacts = events[:0], contacts[:0]
		return err
	}
	for i := range t.events {
		t.record(i, &rec)
		if of := lake.Day(rec.At); of != day {
			if err := flush(); err != nil {
				return err
			}
			day = of
		}
		who := t.person(i)
		ev := schema.EventRow{
			EventID: strconv.FormatUint(spread(7, uint64(i)), 36), RawObject: "day=" + day + "/x", Source: rec.Source, Shop: rec.Source,
			Kind: "lead", At: rec.At, ReceivedAt: rec.At, Tokens: slices.Clone(rec.Tokens), UTMSource: "yandex", UTMMedium: "cpc",
		}
		events = append(events, ev)
		contacts = append(contacts, schema.ContactRow{
			EventID: ev.EventID, RawObject: ev.RawObject, Source: ev.Source, At: ev.At, Tokens: ev.Tokens, Name: rec.Name,
			Phones: []string{fmt.Sprintf("+79%09d", who)}, Emails: []string{fmt.Sprintf("client%d@example.net", who)}, City: "Москва",
		})
	}
	return flush()
}

func put[T schema.Row](ctx context.Context, store objstore.Store, prefix, day string, rows []T) error {
	table, err := lake.ReadDay[T](ctx, store, prefix, day)
	if err != nil {
		return err
	}
	return table.Write(ctx, store, rows, "bench")
}
