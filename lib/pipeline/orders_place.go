package pipeline

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/schema"
)

// merging is a merge: the orders of the statements are put on the piles of their
// buckets, then the buckets are written, each once.
type merging struct {
	*folding

	words    []string
	piles    piles
	versions [orderBuckets]objstore.Version // of the buckets, as they were found
}

// place writes the buckets of all that is said. It returns the number of orders in the
// base.
func (f *folding) place(ctx context.Context, s *statements) (orders int64, err error) {
	m := &merging{folding: f, words: s.words}
	m.piles.bound = s.piles.bound
	defer func() { err = errors.Join(err, m.piles.close()) }()
	if f.rebuild {
		orders, err = m.placeAll(ctx, s)
	} else {
		orders, err = m.placeNew(ctx, s)
	}
	if err != nil {
		return 0, err
	}
	if err := m.piles.whole(); err != nil {
		return 0, err
	}
	if err := m.stands(ctx); err != nil {
		return 0, err
	}
	if f.rebuild {
		return orders, m.piles.each(func(bucket int) error { return m.remake(ctx, bucket) })
	}
	for bucket := range orderBuckets { // one after the other: all rows of it are in memory
		if err := m.change(ctx, bucket); err != nil {
			return 0, err
		}
	}
	return orders, nil
}

// placeAll puts every order on the pile of the bucket where a new one belongs.
func (m *merging) placeAll(ctx context.Context, s *statements) (orders int64, err error) {
	for bucket := range m.versions {
		info, err := m.store.Head(ctx, bucketKey(bucket))
		if err != nil && !errors.Is(err, objstore.ErrNotExist) {
			return 0, fmt.Errorf("pipeline: look at orders: %w", err)
		}
		m.versions[bucket] = info.Version
	}
	var counts [orderBuckets]int64
	err = s.piles.each(func(number int) error {
		group, err := s.group(number, number+1)
		if err != nil {
			return err
		}
		counts[number] = int64(len(group.orders))
		var p placer
		for order := range group.orders {
			if err := p.putNew(m, group, order); err != nil {
				return err
			}
		}
		return ctx.Err()
	})
	for _, n := range counts {
		orders += n
	}
	return orders, err
}

// placeNew puts the orders that the base holds on the piles of the buckets where they
// stand, and the others where they belong.
func (m *merging) placeNew(ctx context.Context, s *statements) (orders int64, err error) {
	first, fresh := true, int64(0)
	err = s.each(func(group *orderGroup) error {
		found := make([]bool, len(group.orders))
		var p placer
		base, err := m.find(ctx, group, func(bucket int, object lake.Object[schema.OrderRow], numbers []int64) error {
			if first {
				m.versions[bucket] = object.Version()
			} else if m.versions[bucket] != object.Version() {
				return errMoved
			}
			keys, err := schema.DecodeRows[orderKey](bytes.NewReader(object.Body()), int64(len(object.Body())), numbers)
			if err != nil {
				return err
			}
			for _, key := range keys {
				order := group.find(key.Shop, key.OrderID)
				if order < 0 {
					continue // another order with the hash
				}
				found[order] = true
				if err := p.put(m, bucket, 0, group, order); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		for order := range group.orders {
			if !found[order] {
				fresh++
				if err := p.putNew(m, group, order); err != nil {
					return err
				}
			}
		}
		first, orders = false, base
		return nil
	})
	return orders + fresh, err
}

// placer is the memory of one who puts orders on piles.
type placer struct {
	unpacker unpacker
	events   []schema.OrderEventRow
	said     []byte
	record   []byte
}

// putNew puts an order that the base does not hold on the pile where it belongs.
func (p *placer) putNew(m *merging, group *orderGroup, order int) error {
	p.events = group.events(order, &p.unpacker, p.events)
	row := m.folded(schema.OrderRow{}, p.events)
	return p.put(m, m.bucketOf(&row), row.At.UnixMicro(), group, order)
}

// put puts the statements of an order on a pile, with the instant that it is sorted by.
func (p *placer) put(m *merging, bucket int, at int64, group *orderGroup, order int) error {
	p.said = group.packed(p.said[:0], order)
	p.record = binary.AppendUvarint(p.record[:0], uint64(len(p.said)))
	p.record = binary.AppendVarint(p.record, at)
	p.record = append(p.record, p.said...)
	return m.piles.add(bucket, p.record)
}

// placed is an order on the pile of a bucket: when it is, and where its statements lie.
type placed struct {
	at       int64 // microseconds; 0 for one that the base holds
	from, to int
}

// placedOn lists the orders of a pile.
func (m *merging) placedOn(text string) []placed {
	u := unpacker{text: text}
	var orders []placed
	for u.at < len(text) {
		length := int(u.uvarint()) //nolint:gosec // G115: put wrote it
		at := u.varint()
		orders = append(orders, placed{at: at, from: u.at, to: u.at + length})
		u.at += length
	}
	return orders
}

// change folds the statements of a pile into the bucket.
func (m *merging) change(ctx context.Context, bucket int) error {
	text, err := m.piles.take(bucket)
	if err != nil || text == "" {
		return err
	}
	said := &orderGroup{words: m.words, hash: m.p.folds.hash, slots: make([]uint32, 64)}
	for _, order := range m.placedOn(text) {
		said.add(text[order.from:order.to])
	}
	object, err := m.standing(ctx, bucket)
	if err != nil {
		return err
	}
	rows, err := object.Rows()
	if err != nil {
		return err
	}
	var p placer
	known := make([]bool, len(said.orders))
	for i := range rows {
		row := &rows[i]
		anonymous(row, m.n.erased)
		if order := said.find(row.Shop, row.OrderID); order >= 0 {
			known[order] = true
			*row = m.folded(*row, said.events(order, &p.unpacker, nil))
		}
	}
	for order := range said.orders {
		if !known[order] {
			rows = append(rows, m.folded(schema.OrderRow{}, said.events(order, &p.unpacker, nil)))
		}
	}
	slices.SortFunc(rows, func(a, b schema.OrderRow) int { return compareRows(&a, &b) })
	_, err = object.Set(ctx, m.store, rows, m.p.nonce())
	return lostIsMoved(err)
}

// remake writes a bucket of the orders of its pile alone, a few rows at a time.
func (m *merging) remake(ctx context.Context, bucket int) error {
	text, err := m.piles.take(bucket)
	if err != nil || text == "" && m.versions[bucket] == "" {
		return err
	}
	object, err := m.standing(ctx, bucket)
	if err != nil {
		return err
	}
	u := unpacker{words: m.words, text: text}
	orders := m.placedOn(text)
	slices.SortFunc(orders, func(a, b placed) int { // as compareRows
		if a.at != b.at {
			return cmp.Compare(a.at, b.at)
		}
		u.at = a.from
		shopA, orderA := u.key()
		u.at = b.from
		shopB, orderB := u.key()
		return cmp.Or(strings.Compare(shopA, shopB), strings.Compare(orderA, orderB))
	})
	next := 0
	var events []schema.OrderEventRow
	_, err = object.SetInTurn(ctx, m.store, len(orders), func(rows []schema.OrderRow) error {
		for i := range rows {
			order := &orders[next]
			next++
			events = events[:0]
			for u.at = order.from; u.at < order.to; {
				events = append(events, schema.OrderEventRow{})
				u.next(&events[len(events)-1])
			}
			rows[i] = m.folded(schema.OrderRow{}, events)
		}
		return ctx.Err()
	}, m.p.nonce())
	return lostIsMoved(err)
}

// standing is a bucket in the version in which it was found.
func (m *merging) standing(ctx context.Context, bucket int) (lake.Object[schema.OrderRow], error) {
	object, err := lake.ReadObject[schema.OrderRow](ctx, m.store, bucketKey(bucket))
	if err == nil && object.Version() != m.versions[bucket] {
		err = errMoved
	}
	return object, err
}
