package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/identity"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/schema"
)

// nightShopKey says which shop a lake holds, so that a lake of another is refused
// and one whose making broke off is finished.
const nightShopKey = "bench/shop.json"

// nightTokensKey is the map of tokens, where the night writes it.
const nightTokensKey = lake.PeoplePrefix + "tokens/part-0000.parquet"

// nightShop is what a shop is made from.
type nightShop struct {
	Orders uint64  `json:"orders"`
	Seed   uint64  `json:"seed"`
	AsOf   string  `json:"as_of"`  // the last of its days
	Months int     `json:"months"` // how long it has been there
	Other  float64 `json:"other"`  // share of orders in a currency without a rate
}

// made is the generator of the shop.
func (n nightShop) made() (*orderShop, error) {
	asOf, err := time.Parse(time.DateOnly, n.AsOf)
	if err != nil {
		return nil, fmt.Errorf("%w: day %q", errUsage, n.AsOf)
	}
	if n.Orders < 1000 || n.Months < 2 {
		return nil, fmt.Errorf("%w: a shop has 1 000 orders or more, and two months", errUsage)
	}
	return newOrderShop(n.Orders, n.Seed, asOf, n.Months, n.Other), nil
}

// nightConfiguration cuts days in UTC, so that a day of business is a day object.
const nightConfiguration = `business: {name: Bench, currency: RUB, timezone: UTC, country: RU, language: en}
sources:
  - {name: site, kind: json, secrets: [env:BENCH]}
  - {name: crm, kind: json, secrets: [env:BENCH]}
  - {name: till, kind: json, secrets: [env:BENCH]}
`

// make writes the lake that compaction would have left of the shop: its events by
// day of receipt, and the map of tokens. Days that are there already are left alone.
// It says on log how far it is.
func (n nightShop) make(ctx context.Context, store objstore.Store, workers int, log io.Writer) error {
	s, err := n.made()
	if err != nil {
		return err
	}
	if err := n.claim(ctx, store); err != nil {
		return err
	}
	if _, err := store.Put(ctx, config.Key, []byte(nightConfiguration)); err != nil {
		return err
	}
	present, err := lake.Days(ctx, store, lake.EventsPrefix)
	if err != nil {
		return err
	}
	skip := map[string]bool{}
	for _, day := range present {
		skip[day] = true
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var group sync.WaitGroup
	var next, rows, done atomic.Int64
	for range workers {
		group.Go(func() {
			for day := int(next.Add(1)) - 1; day < s.days && ctx.Err() == nil; day = int(next.Add(1)) - 1 {
				name := lake.Day(s.begin.AddDate(0, 0, day))
				if !skip[name] {
					events := s.events(day)
					if err := put(ctx, store, lake.EventsPrefix, name, events); err != nil {
						cancel(err)
						return
					}
					rows.Add(int64(len(events)))
				}
				if did := done.Add(1); did%50 == 0 || int(did) == s.days {
					_, _ = fmt.Fprintf(log, "\r%d of %d days, %d events", did, s.days, rows.Load())
				}
			}
		})
	}
	group.Wait()
	_, _ = fmt.Fprintln(log)
	if err := context.Cause(ctx); err != nil {
		return err
	}
	return s.writeTokens(ctx, store)
}

// claim puts down which shop the lake is to hold.
func (n nightShop) claim(ctx context.Context, store objstore.Store) error {
	body, err := json.Marshal(n)
	if err != nil {
		return err
	}
	old, _, err := store.Get(ctx, nightShopKey)
	switch {
	case err == nil && !bytes.Equal(old, body):
		return fmt.Errorf("%w: the folder holds another shop, %s", errUsage, old)
	case err == nil:
		return nil
	case !errors.Is(err, objstore.ErrNotExist):
		return err
	}
	for _, err := range store.List(ctx, "", "") {
		if err != nil {
			return err
		}
		return fmt.Errorf("%w: the folder is not empty and holds no shop of the bench", errUsage)
	}
	_, err = store.Create(ctx, nightShopKey, body)
	return err
}

// readNightShop is the shop that a lake holds.
func readNightShop(ctx context.Context, store objstore.Store) (n nightShop, err error) {
	body, _, err := store.Get(ctx, nightShopKey)
	if err != nil {
		return n, fmt.Errorf("no shop of the bench (-make makes one): %w", err)
	}
	return n, json.Unmarshal(body, &n)
}

// sourceOf is who said a step: the till sells and knows no more of it, the site
// takes orders, the CRM follows them.
func sourceOf(status string, atTill bool) string {
	switch {
	case atTill && status == event.StatusCompleted:
		return "till"
	case status == event.StatusNew || status == event.StatusPaid:
		return "site"
	}
	return "crm"
}

// events are the events that were received on a day, in the order of the table.
func (s *orderShop) events(day int) []schema.EventRow {
	begin := s.begin.AddDate(0, 0, day)
	rows := make([]schema.EventRow, 0, (s.firstOf(day+1)-s.firstOf(day))*14/5)
	object := "day=" + lake.Day(begin) + "/"
	for after := 0; after <= lastReturns && after <= day; after++ {
		if after > lastStepDay && after < firstReturn {
			continue
		}
		for number := s.firstOf(day - after); number < s.firstOf(day-after+1); number++ {
			if !s.saysOn(number, after) {
				continue
			}
			o := s.order(number, day-after)
			for i, st := range o.steps[:o.stepsCount] {
				if st.after == after {
					rows = append(rows, o.row(i, begin, object))
				}
			}
		}
	}
	slices.SortFunc(rows, func(a, b schema.EventRow) int { // they are of one kind
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.EventID, b.EventID))
	})
	return rows
}

// row is the event of one step.
func (o *shopOrder) row(i int, begin time.Time, object string) schema.EventRow {
	st := o.steps[i]
	atTill := o.steps[0].status == event.StatusCompleted
	at := begin.Add(time.Duration(st.second) * time.Second)
	row := schema.EventRow{
		EventID:   strconv.FormatUint(spread(7, o.number<<3|uint64(i)), 36), //nolint:gosec // G115: below 5
		RawObject: object + strconv.Itoa(st.second/3600), Source: sourceOf(st.status, atTill), Shop: "main",
		Kind: string(event.OrderChange), At: at, ReceivedAt: at.Add(2 * time.Second),
		OrderID: strconv.FormatUint(1_000_000+o.number, 10), Status: st.status, IsOrder: true,
	}
	for _, kind := range []byte(o.kinds) {
		row.Tokens = append(row.Tokens, townToken(kind, o.client))
	}
	if i == 0 || st.status == event.StatusPaid { // those who follow an order tell only what became of it
		row.Currency, row.TotalMinor, row.ShippingMinor = "RUB", &o.total, &o.shipping
		if o.other {
			row.Currency = "USD"
		}
	}
	if st.status == event.StatusReturned && o.part >= 0 {
		row.ReturnedMinor = &o.part
	}
	return row
}

// tokensAtOnce bounds the rows of the map that are being encoded.
const tokensAtOnce = 1 << 20

// writeTokens writes who each token is of, as the night would find out: tokens that an
// order named together are one client's, and his id is the one that was seen first.
func (s *orderShop) writeTokens(ctx context.Context, store objstore.Store) error {
	type link struct{ token, client [27]byte }
	var links []link
	text := func(kind byte, client uint64) (t [27]byte) {
		copy(t[:], townToken(kind, client))
		return t
	}
	// When each token of those who may order again was first seen, in seconds from 1;
	// 0: never.
	phones, emails := make([]uint64, s.regulars()), make([]uint64, s.regulars())
	linked := make([]bool, s.regulars()) // an order named both: else nobody can know that they are one's
	see := func(first *uint64, at uint64) {
		if *first == 0 {
			*first = at
		}
	}
	for day := range s.days {
		for number := s.firstOf(day); number < s.firstOf(day+1); number++ {
			client := s.clientOf(number, s.months[day])
			if client&onceBit != 0 {
				t := text(identity.KindPhone, client)
				links = append(links, link{t, t})
				continue
			}
			at := uint64(day)*86_400 + uint64(s.secondOf(number, day)) + 1 //nolint:gosec // G115: never negative
			kinds := s.tokenKinds(client, number)
			if kinds != emailOnly {
				see(&phones[client], at)
			}
			if kinds != phoneOnly {
				see(&emails[client], at)
			}
			linked[client] = linked[client] || kinds == phoneAndEmail
		}
	}
	for client := range s.regulars() {
		phone, email := text(identity.KindPhone, client), text(identity.KindEmail, client)
		ofPhone, ofEmail := phone, email
		switch {
		case !linked[client]:
		case emails[client] <= phones[client]: // at one instant the lesser text
			ofPhone = email
		default:
			ofEmail = phone
		}
		if phones[client] > 0 {
			links = append(links, link{phone, ofPhone})
		}
		if emails[client] > 0 {
			links = append(links, link{email, ofEmail})
		}
	}
	slices.SortFunc(links, func(a, b link) int { return bytes.Compare(a.token[:], b.token[:]) })
	var body []byte
	byToken := func(a, b *schema.TokenRow) int { return cmp.Compare(a.Token, b.Token) }
	rows := make([]schema.TokenRow, 0, min(len(links), tokensAtOnce))
	for part := range slices.Chunk(links, tokensAtOnce) {
		rows = rows[:0]
		for i := range part {
			rows = append(rows, schema.TokenRow{Token: string(part[i].token[:]), ClientID: string(part[i].client[:])})
		}
		var err error
		if body, err = schema.Append(body, rows, byToken); err != nil {
			return err
		}
	}
	_, err := store.Put(ctx, nightTokensKey, body)
	return err
}
