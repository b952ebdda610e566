package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/leadlake/leadlake/lib/card"
	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/identity/phone"
	"github.com/leadlake/leadlake/lib/schema"
)

// census is what a night counts of the base beside its cards: how good it is, and
// out of which records the clients are made.
type census struct {
	quality *card.Quality
	merges  *card.Merges
	clients *card.Clients
}

func newCensus(n *night) *census {
	return &census{
		quality: card.NewQuality(n.clients.Len(), card.QualityOptions{
			End: n.end, Location: n.location, LeadWaitDays: n.cfg.Metrics.LeadWaitDays, Funnel: n.cfg.Funnel,
			Country: n.cfg.Business.Country, Phones: phone.Parser{}, Required: requiredFields(n.cfg),
		}),
		merges: card.NewMerges(n.clients.Len()), clients: n.clients,
	}
}

// requiredFields is what each source says that its leads must hold.
func requiredFields(cfg *config.Config) map[string][]string {
	required := map[string][]string{}
	for _, source := range cfg.Sources {
		if len(source.Required) > 0 {
			required[source.Name] = source.Required
		}
	}
	return required
}

// day counts the events of a day and the personal values they stated, of which
// contacts are ordered by event id.
func (c *census) day(n *night, events []schema.CardEventRow, contacts []schema.ContactRow) {
	for i := range events {
		ev := &events[i]
		if !ev.At.Before(n.end) || n.forgotten(ev.Tokens) {
			continue
		}
		client := c.clients.Number(ev.Tokens)
		var contact *schema.ContactRow
		if c.quality.Needs(ev) {
			contact = contactOf(contacts, ev)
		}
		c.quality.Event(client, ev, contact)
		if client >= 0 {
			c.merges.Record(client, ev.At, ev.Tokens)
		}
	}
	for i := range contacts {
		row := &contacts[i]
		if !row.At.Before(n.end) || n.forgotten(row.Tokens) {
			continue
		}
		client := c.clients.Number(row.Tokens)
		c.quality.Contact(client, row)
		if client >= 0 {
			c.merges.Name(client, cmp.Or(row.Name, strings.TrimSpace(row.FirstName+" "+row.LastName)))
		}
	}
}

// contactOf finds what an event stated; two sources may use one event id.
func contactOf(contacts []schema.ContactRow, ev *schema.CardEventRow) *schema.ContactRow {
	i, _ := slices.BinarySearchFunc(contacts, ev.EventID, func(row schema.ContactRow, id string) int {
		return strings.Compare(row.EventID, id)
	})
	for ; i < len(contacts) && contacts[i].EventID == ev.EventID; i++ {
		if contacts[i].Source == ev.Source {
			return &contacts[i]
		}
	}
	return nil
}

// recordOrder is what the records of clients need of an order.
type recordOrder struct {
	Token        string   `parquet:"token,dict"`
	MoreTokens   []string `parquet:"more_tokens,list"`
	Purchase     bool     `parquet:"purchase"`
	Currency     string   `parquet:"currency,dict"`
	RevenueMinor int64    `parquet:"revenue_minor,delta"`
	Day          string   `parquet:"day,dict"`
}

// Table implements schema.Row.
func (recordOrder) Table() string { return "orders" }

// Personal implements schema.Row.
func (recordOrder) Personal() []string { return nil }

// tokens are all identifiers that an order was stated with.
func (o *recordOrder) tokens() []string {
	if o.Token == "" {
		return nil
	}
	return append([]string{o.Token}, o.MoreTokens...)
}

// eachPurchase visits the purchases that count, with their money in the base
// currency; where no rate brings it there, it is none.
func (n *night) eachPurchase(ctx context.Context, orders *foldedOrders, visit func(tokens []string, minor int64)) error {
	for bucket := range orderBuckets {
		rows, err := readOrders[recordOrder](ctx, orders, bucket)
		if err != nil {
			return err
		}
		for i := range rows {
			o := &rows[i]
			if !o.Purchase || o.Day > n.asOf || o.RevenueMinor == 0 && n.cfg.Metrics.SkipZeroOrders {
				continue
			}
			minor := o.RevenueMinor
			if o.Currency != n.cfg.Business.Currency {
				minor, _ = n.convert(minor, o.Currency)
			}
			visit(o.tokens(), minor)
		}
	}
	return nil
}

// orders counts the purchases of every record.
func (c *census) orders(ctx context.Context, n *night, orders *foldedOrders) error {
	err := n.eachPurchase(ctx, orders, func(tokens []string, minor int64) {
		if client := c.clients.Number(tokens); client >= 0 {
			c.merges.Order(client, tokens, minor)
		}
	})
	if err != nil {
		return fmt.Errorf("pipeline: count orders of records: %w", err)
	}
	return nil
}

// qualityRows measures the base: what is known of how many clients, and what
// could not be used.
func qualityRows(n *night, ledger []LedgerDay) []schema.QualityRow {
	rows := n.census.quality.Rows(n.cards, n.rows)
	names := schema.QualityRow{Measure: card.MeasureNames}
	for client := range n.cards {
		if n.cards[client].Empty() {
			continue
		}
		names.Of++
		if n.census.merges.Names(client) > 1 {
			names.Count++
		}
	}
	totals := n.base.Totals
	rows = append(rows, names, unknownOverrides(n),
		schema.QualityRow{Measure: card.MeasureAnonymous, Count: totals.AnonymousOrders, Of: totals.Orders},
		schema.QualityRow{Measure: card.MeasureAnonymousSum, Count: totals.AnonymousMinor, Of: totals.RevenueMinor},
		schema.QualityRow{Measure: card.MeasureOtherOrders, Count: totals.OtherOrders, Of: totals.Orders},
		schema.QualityRow{Measure: card.MeasureOtherCosts, Count: n.funnel.costs.Other, Of: n.funnel.costs.Statements})
	rows = append(rows, failedCounts(ledger)...)
	slices.SortFunc(rows, func(a, b schema.QualityRow) int {
		return cmp.Or(strings.Compare(a.Source, b.Source), strings.Compare(a.Measure, b.Measure))
	})
	return rows
}

// unknownOverrides counts the entries of the owner's lists that name nobody.
func unknownOverrides(n *night) schema.QualityRow {
	row := schema.QualityRow{Measure: card.MeasureOverrides}
	count := func(tokens []string) {
		for _, token := range tokens {
			row.Of++
			if n.clients.Of(token) == "" {
				row.Count++
			}
		}
	}
	for _, merge := range n.cfg.Identity.Merge {
		count(merge.Clients)
	}
	for _, split := range n.cfg.Identity.Split {
		for _, part := range split.Parts {
			count(part)
		}
	}
	return row
}
