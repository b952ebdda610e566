package main

import (
	"context"
	"fmt"

	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore/filestore"
	"github.com/leadlake/leadlake/lib/schema"
)

// stored counts every event id in the lake of a folder, in the ledger and among
// the events.
type stored struct {
	ledger, events map[string]int
}

func readStored(ctx context.Context, data string) (stored, error) {
	found := stored{ledger: map[string]int{}, events: map[string]int{}}
	store, err := filestore.OpenReadOnly(data)
	if err != nil {
		return found, err
	}
	defer store.Close() //nolint:errcheck // read only
	days, err := lake.Days(ctx, store, lake.DeliveriesPrefix)
	if err != nil {
		return found, err
	}
	for _, day := range days {
		deliveries, err := lake.ReadDay[schema.DeliveryRow](ctx, store, lake.DeliveriesPrefix, day)
		if err != nil {
			return found, err
		}
		for _, row := range deliveries.Rows {
			for _, id := range row.EventIDs {
				found.ledger[id]++
			}
		}
		events, err := lake.ReadDay[schema.IdentityEventRow](ctx, store, lake.EventsPrefix, day)
		if err != nil {
			return found, err
		}
		for _, row := range events.Rows {
			found.events[row.EventID]++
		}
	}
	return found, nil
}

// check looks for every acknowledged id exactly once, and for nothing that was
// never sent.
func (s stored) check(run string, acknowledged []int, sent int) (lost, twice, strange int) {
	for _, i := range acknowledged {
		switch id := leadID(run, i); {
		case s.ledger[id] == 0 || s.events[id] == 0:
			lost++
		case s.ledger[id] > 1 || s.events[id] > 1:
			twice++
		}
	}
	known := make(map[string]bool, sent)
	for i := range sent {
		known[leadID(run, i)] = true
	}
	for id := range s.events {
		if !known[id] {
			strange++
		}
	}
	return lost, twice, strange
}

// fault is an error where anything was lost or counted twice.
func fault(lost, twice, strange int) error {
	if lost+twice+strange == 0 {
		return nil
	}
	return fmt.Errorf("%d acknowledged deliveries are not in the lake, %d are there more than once, %d were never sent", lost, twice, strange)
}
