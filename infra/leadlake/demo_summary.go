package main

import (
	"context"

	"github.com/leadlake/leadlake/infra/leadlake/demoshop"
	"github.com/leadlake/leadlake/lib/analytics"
	"github.com/leadlake/leadlake/lib/consent"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/lake/columnar"
	"github.com/leadlake/leadlake/lib/pipeline"
	"github.com/leadlake/leadlake/lib/schema"
)

// demoSummary is what came of the demo, counted from the ledger, the lake and the
// tables of the night. Money is in minor units of Currency.
type demoSummary struct {
	Business string `json:"business"`
	Language string `json:"language"`
	Currency string `json:"currency"`
	AsOf     string `json:"as_of"`
	Run      string `json:"run"`

	Posts      int              `json:"posts"`      // acknowledged
	Deliveries int64            `json:"deliveries"` // became events
	Pings      int64            `json:"pings"`
	Failed     map[string]int64 `json:"failed"` // by reason
	// Duplicates are whole posts that had come before, whether they were
	// recognised when they were stored or when they were compacted.
	Duplicates int64            `json:"duplicates"`
	Balanced   bool             `json:"balanced"` // the ledger of the night
	Events     int64            `json:"events"`
	Kinds      map[string]int64 `json:"kinds"` // Events by kind

	Leads                 int64            `json:"leads"`
	Orders                int64            `json:"orders"`    // whatever became of them
	Purchases             int64            `json:"purchases"` // anonymous ones among them
	AnonymousPurchases    int64            `json:"anonymous_purchases"`
	Clients               int64            `json:"clients"`
	Buyers                int64            `json:"buyers"`
	RevenueMinor          int64            `json:"revenue_minor"` // with that of anonymous purchases
	AnonymousRevenueMinor int64            `json:"anonymous_revenue_minor"`
	OtherMinor            map[string]int64 `json:"other_minor"` // by currency without a rate

	ConsentGiven     int64 `json:"consent_given"` // clients, to advertising
	ConsentWithdrawn int64 `json:"consent_withdrawn"`
	AdBuyers         int64 `json:"ad_buyers"` // buyers with that consent

	Codes    map[string]int64 `json:"codes"`
	Segments []demoSegment    `json:"segments"` // of the playbook, in its order
	Files    int              `json:"files"`
	Refused  int              `json:"refused"` // bundles without any file
	Bundles  []demoBundle     `json:"bundles"`
}

type demoSegment struct {
	Segment      string `json:"segment"`
	Clients      int64  `json:"clients"`
	RevenueMinor int64  `json:"revenue_minor"`
}

// demoBundle is a segment for a platform.
type demoBundle struct {
	Segment  string     `json:"segment"`
	Platform string     `json:"platform"`
	Members  int        `json:"members"`
	Clients  int        `json:"clients"`           // who stand in a file
	Refused  string     `json:"refused,omitempty"` // why there is no file
	Files    []demoFile `json:"files"`
}

type demoFile struct {
	Name    string `json:"name"`
	Rows    int    `json:"rows"`
	Written bool   `json:"written"`
	Refused string `json:"refused,omitempty"`
}

// eventKindRow reads a single column.
type eventKindRow struct {
	Kind string `parquet:"kind,dict"`
}

func (eventKindRow) Table() string      { return "events" }
func (eventKindRow) Personal() []string { return nil }

// summarise counts the finished demo.
func (w *demoWork) summarise(ctx context.Context, m *machine, exported pipeline.ExportReport) (demoSummary, error) {
	s := demoSummary{
		AsOf: demoshop.AsOf, Posts: w.posts, Failed: map[string]int64{}, Kinds: map[string]int64{},
		OtherMinor: map[string]int64{}, Codes: map[string]int64{}, Files: exported.Files, Refused: exported.Refused,
	}
	cfg, err := m.steps.Config(ctx)
	if err != nil {
		return s, err
	}
	s.Business, s.Language, s.Currency = cfg.Business.Name, cfg.Business.Language, cfg.Business.Currency
	playbook, err := analytics.PlaybookOf(cfg.Metrics.RFM)
	if err != nil {
		return s, err
	}
	run, err := lake.Current(ctx, m.store)
	if err != nil {
		return s, err
	}
	s.Run = run.Run
	c := demoCount{store: m.store, run: run, summary: &s}
	for _, count := range []func(context.Context) error{c.lake, c.ledger, c.clients, c.money} {
		if err := count(ctx); err != nil {
			return s, err
		}
	}
	for _, segment := range playbook.Segments() {
		s.Segments = append(s.Segments, demoSegment{Segment: segment.Key, Clients: c.segmentClients[segment.Key], RevenueMinor: c.segmentMinor[segment.Key]})
	}
	for _, bundle := range exported.Bundles {
		s.Bundles = append(s.Bundles, bundleOf(bundle))
	}
	return s, nil
}

func bundleOf(report pipeline.BundleReport) demoBundle {
	b := demoBundle{
		Segment: report.Manifest.Segment, Platform: report.Manifest.Platform,
		Members: report.Manifest.Members, Clients: report.Manifest.Clients,
	}
	if report.Manifest.Refused != nil {
		b.Refused = report.Manifest.Refused.Reason
	}
	for _, file := range report.Manifest.Files {
		f := demoFile{Name: file.Name, Rows: file.Rows, Written: file.Written}
		if file.Refused != nil {
			f.Refused = file.Refused.Reason
		}
		b.Files = append(b.Files, f)
	}
	return b
}

// demoCount is a summary while it is being counted.
type demoCount struct {
	store          *opened
	run            *lake.Run
	summary        *demoSummary
	segmentClients map[string]int64
	segmentMinor   map[string]int64
}

// lake counts events, orders and failures where they lie.
func (c *demoCount) lake(ctx context.Context) error {
	days, err := lake.Days(ctx, c.store, lake.DeliveriesPrefix)
	if err != nil {
		return err
	}
	for _, day := range days {
		events, err := lake.ReadDay[eventKindRow](ctx, c.store, lake.EventsPrefix, day)
		if err != nil {
			return err
		}
		for _, row := range events.Rows {
			c.summary.Kinds[row.Kind]++
		}
		c.summary.Events += int64(len(events.Rows))
		deliveries, err := lake.ReadDay[schema.DeliveryRow](ctx, c.store, lake.DeliveriesPrefix, day)
		if err != nil {
			return err
		}
		for _, row := range deliveries.Rows {
			if row.Outcome == schema.OutcomeFailed {
				c.summary.Failed[row.Reason]++
			}
		}
	}
	c.summary.Leads = c.summary.Kinds["lead"]
	for info, err := range c.store.List(ctx, lake.OrdersPrefix, "") {
		if err != nil {
			return err
		}
		body, _, err := c.store.Get(ctx, info.Key)
		if err != nil {
			return err
		}
		for record, err := range columnar.Records(ctx, body, "order_id") {
			if err != nil {
				return err
			}
			c.summary.Orders += record.NumRows()
		}
	}
	return nil
}

// ledger counts deliveries by the night's own ledger.
func (c *demoCount) ledger(ctx context.Context) error {
	rows, err := lake.ReadRunTable[schema.LedgerRow](ctx, c.store, c.run)
	if err != nil {
		return err
	}
	c.summary.Balanced = true
	once := int64(0)
	for _, row := range rows {
		c.summary.Deliveries += row.Events
		c.summary.Pings += row.Pings
		once += row.Received - row.Duplicates
		c.summary.Balanced = c.summary.Balanced && row.Balanced
	}
	// A post whose key and bytes are stored already makes no second object, so the
	// ledger does not hear of it: what was acknowledged tells.
	c.summary.Duplicates = int64(c.summary.Posts) - once
	return nil
}

// clients counts people by the table of clients.
func (c *demoCount) clients(ctx context.Context) error {
	rows, err := lake.ReadRunTable[schema.ClientRow](ctx, c.store, c.run)
	if err != nil {
		return err
	}
	c.segmentClients, c.segmentMinor = map[string]int64{}, map[string]int64{}
	s := c.summary
	for _, row := range rows {
		s.Clients++
		s.Purchases += row.Orders
		s.RevenueMinor += row.RevenueMinor
		if row.Orders > 0 {
			s.Buyers++
		}
		if row.RFMSegment != nil {
			c.segmentClients[*row.RFMSegment]++
			c.segmentMinor[*row.RFMSegment] += row.RevenueMinor
		}
		switch consent.State(row.Consents.Get(string(consent.Ads))) {
		case consent.Given:
			s.ConsentGiven++
			if row.Orders > 0 {
				s.AdBuyers++
			}
		case consent.Withdrawn:
			s.ConsentWithdrawn++
		default: // nobody asked
		}
	}
	codes, err := lake.ReadRunTable[schema.RFMCodeRow](ctx, c.store, c.run)
	if err != nil {
		return err
	}
	for _, row := range codes {
		if row.Clients > 0 {
			s.Codes[row.Code] = row.Clients
		}
	}
	return nil
}

// money adds what stands outside the table of clients: purchases of nobody, and
// currencies without a rate.
func (c *demoCount) money(ctx context.Context) error {
	quality, err := lake.ReadRunTable[schema.QualityRow](ctx, c.store, c.run)
	if err != nil {
		return err
	}
	for _, row := range quality {
		switch {
		case row.Source != "":
		case row.Measure == "orders_without_client":
			c.summary.AnonymousPurchases = row.Count
		case row.Measure == "revenue_without_client_minor":
			c.summary.AnonymousRevenueMinor = row.Count
		}
	}
	c.summary.Purchases += c.summary.AnonymousPurchases
	c.summary.RevenueMinor += c.summary.AnonymousRevenueMinor
	other, err := lake.ReadRunTable[schema.OtherRevenueRow](ctx, c.store, c.run)
	if err != nil {
		return err
	}
	for _, row := range other {
		c.summary.OtherMinor[row.Currency] += row.RevenueMinor
	}
	return nil
}
