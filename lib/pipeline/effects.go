package pipeline

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"github.com/leadlake/leadlake/lib/analytics"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/schema"
)

// mechanicOf is whose assignments an object holds; false for what is none.
func mechanicOf(key string) (analytics.Mechanic, bool) {
	rest, ok := strings.CutPrefix(key, holdoutPrefix)
	platform, file, found := strings.Cut(rest, "/")
	segment, parquet := strings.CutSuffix(file, ".parquet")
	return analytics.Mechanic{Segment: segment, Platform: platform}, ok && found && parquet && platform != "" && segment != "" && !strings.Contains(segment, "/")
}

// findAssignments lists the logs of exports that have a row of a day up to the as-of
// day, and makes these rows inputs of the night. A log that grows by rows of a later
// day does not make another run of it.
func (n *night) findAssignments(ctx context.Context, store objstore.Store) error {
	digest := sha256.New()
	for info, err := range store.List(ctx, holdoutPrefix, "") {
		if err != nil {
			return fmt.Errorf("pipeline: list %s: %w", holdoutPrefix, err)
		}
		if _, ok := mechanicOf(info.Key); !ok {
			continue
		}
		table, err := lake.ReadTable[schema.AssignmentRow](ctx, store, info.Key)
		if err != nil {
			return err
		}
		counted := false
		for i := range table.Rows {
			row := &table.Rows[i]
			if n.counts(row) {
				_, _ = fmt.Fprintf(digest, "%s\n%s\n%s\n%t\n", info.Key, row.ClientID, row.SinceDay, row.Held) // never fails
				counted = true
			}
		}
		if counted {
			n.assignments = append(n.assignments, info.Key)
			n.store.versions[info.Key] = table.Version // read again, it must be the same
		}
	}
	if len(n.assignments) > 0 {
		n.inputs["assignments"] = hex.EncodeToString(digest.Sum(nil))
	}
	return nil
}

// counts reports whether a night sees an assignment.
func (n *night) counts(row *schema.AssignmentRow) bool {
	return row.SinceDay <= n.asOf && !n.erased[row.ClientID]
}

// effectsOf compares the purchases of those who were exported and of those who were held
// out. Without any export the orders are not read.
func effectsOf(ctx context.Context, n *night, orders *foldedOrders) ([]schema.EffectRow, error) {
	effects := analytics.NewEffects(n.base.AsOf, n.clients.Len())
	for _, key := range n.assignments {
		people, err := assignmentsOf(ctx, n, key)
		if err != nil {
			return nil, err
		}
		mechanic, _ := mechanicOf(key)
		effects.Add(mechanic, people)
	}
	if effects.Empty() {
		return nil, nil
	}
	var lock sync.Mutex // sums do not depend on the order of buckets
	if err := eachBucket(func(_, bucket int) error {
		rows, err := readOrders[paidOrder](ctx, orders, bucket)
		if err != nil {
			return fmt.Errorf("pipeline: count the effect of exports: %w", err)
		}
		lock.Lock()
		defer lock.Unlock()
		return tellPurchases(n, rows, effects)
	}); err != nil {
		return nil, err
	}
	return effects.Rows()
}

// assignmentsOf are the rows of a log as they were when the night began, by the numbers
// of the clients. Who is nobody's client any more has no purchases to compare: ids of
// erased people, and values that turned out to be shared by many.
func assignmentsOf(ctx context.Context, n *night, key string) ([]analytics.Assignment, error) {
	table, err := lake.ReadTable[schema.AssignmentRow](ctx, n.store, key)
	if err != nil {
		return nil, err
	}
	if table.Version == "" {
		return nil, errMoved
	}
	people := make([]analytics.Assignment, 0, len(table.Rows))
	id := make([]string, 1)
	for i := range table.Rows {
		row := &table.Rows[i]
		if !n.counts(row) || n.clients.Shared(row.ClientID) {
			continue
		}
		id[0] = row.ClientID
		client := n.clients.Number(id)
		if client < 0 {
			continue
		}
		since, err := analytics.ParseDay(row.SinceDay)
		if err != nil {
			return nil, fmt.Errorf("pipeline: read %s: %w", key, err)
		}
		people = append(people, analytics.Assignment{Client: client, Since: since, Held: row.Held})
	}
	return people, nil
}

// paidOrder is what of an order says whose purchase it is, of which day, and what it
// brought.
type paidOrder struct {
	Token        string   `parquet:"token,dict"`
	MoreTokens   []string `parquet:"more_tokens,list"`
	Purchase     bool     `parquet:"purchase"`
	Day          string   `parquet:"day,dict"`
	Currency     string   `parquet:"currency,dict"`
	RevenueMinor int64    `parquet:"revenue_minor,delta"`
}

// Table implements schema.Row.
func (paidOrder) Table() string { return "orders" }

// Personal implements schema.Row.
func (paidOrder) Personal() []string { return nil }

// tellPurchases tells the purchases of clients that the night's base counts, with its
// rules: up to the as-of day, without orders of 0 where they are skipped, without the
// money of currencies that have no rate.
func tellPurchases(n *night, rows []paidOrder, effects *analytics.Effects) error {
	days := map[string]analytics.Day{}
	var tokens []string
	for i := range rows {
		row := &rows[i]
		if !row.Purchase || row.Token == "" || row.Day > n.asOf || row.RevenueMinor == 0 && n.cfg.Metrics.SkipZeroOrders {
			continue
		}
		tokens = append(append(tokens[:0], row.Token), row.MoreTokens...)
		client := n.clients.Number(tokens)
		if client < 0 {
			continue
		}
		day, ok := days[row.Day]
		if !ok {
			var err error
			if day, err = analytics.ParseDay(row.Day); err != nil {
				return fmt.Errorf("pipeline: count the effect of exports: %w", err)
			}
			days[row.Day] = day
		}
		minor := row.RevenueMinor
		if row.Currency != n.cfg.Business.Currency {
			minor, ok = n.convert(minor, row.Currency)
			if !ok {
				minor = 0
			}
		}
		effects.Purchase(client, day, minor)
	}
	return nil
}

// EffectReport is what exports have changed, by the run in force.
type EffectReport struct {
	Run      string             `json:"run"`
	AsOf     string             `json:"as_of"`
	Currency string             `json:"currency"`
	Effects  []schema.EffectRow `json:"effects"` // under the names of their columns; never null
}

// MarshalJSON writes the rows under the names of their columns.
func (r EffectReport) MarshalJSON() ([]byte, error) {
	type plain EffectReport
	effects := make([]map[string]any, len(r.Effects))
	for i := range r.Effects {
		effects[i] = columnsOf(r.Effects[i])
	}
	return json.Marshal(struct {
		plain

		Effects []map[string]any `json:"effects"`
	}{plain(r), effects})
}

// Effects reads what exports have changed. A run made before there was the table has
// none; without any run the error matches lake.ErrNoRun.
func (p *Pipeline) Effects(ctx context.Context) (EffectReport, error) {
	cfg, err := p.Config(ctx)
	if err != nil {
		return EffectReport{}, err
	}
	run, err := lake.Current(ctx, p.store)
	if err != nil {
		return EffectReport{}, err
	}
	report := EffectReport{Run: run.Run, AsOf: run.AsOf, Currency: cfg.Business.Currency}
	if _, ok := run.Tables[schema.EffectRow{}.Table()]; ok {
		report.Effects, err = lake.ReadRunTable[schema.EffectRow](ctx, p.store, run)
	}
	return report, err
}
