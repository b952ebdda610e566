package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/pipeline"
)

// testCase is a store to compare: the events of a lake under one configuration.
type testCase struct {
	name   string
	lake   string // cases that name the same lake have the same events
	events func() []event.Event
	config string   // beside the sources
	nights []string // as-of days, rising; each compares itself with the one before
}

// sources are those of every invented business.
const sources = `
sources:
  - {name: till, kind: json, shop: main}
`

// cases are all invented businesses. Each turns a knob that a definition names. In
// Santiago the clocks skip the midnight before 2025-09-07.
func cases() []testCase {
	mixed := func() []event.Event { return newMixed(7, 400).events() }
	sameness := func() []event.Event { return newTies(11, 240).events() }
	last := []string{shopLastDay}
	return []testCase{
		{name: "mixed-defaults", lake: "mixed", events: mixed, nights: []string{"2026-05-15", "2026-06-29", shopLastDay}, config: `
business: {currency: RUB, timezone: Europe/Moscow}
`},
		{name: "mixed-rates-skip-zero", lake: "mixed", events: mixed, nights: last, config: `
business: {currency: RUB, timezone: Europe/Moscow, rates: {USD: "90.505", JPY: "0.6127", KWD: "294.3333"}}
metrics: {skip_zero_orders: true, abc: {method: rank_share}}
`},
		{name: "mixed-ntile-2", lake: "mixed", events: mixed, nights: last, config: `
business: {currency: RUB, timezone: America/New_York, rates: {USD: "90.505"}}
metrics:
  rfm: {groups: 2, method: ntile, frequency: days, monetary: sum, window_days: 120` + playbook(2) + `
  abc: {method: money_share, a: 0.50, b: 0.70}
  active_days: 45
  sleeping_days: 200
  dead_days: 300
  new_days: 60
  newcomer_days: 90
  regular_orders: 2
  key_days: 180
labels: {vip: {tags: [gold], rule: false}, partner: {tags: [PARTNER]}}
funnel: [lead, visited, won]
`},
		{name: "mixed-fixed-5", lake: "mixed", events: mixed, nights: last, config: `
business: {currency: RUB, timezone: Asia/Kathmandu, rates: {USD: "90.505", JPY: "0.6127"}}
metrics:
  rfm: {groups: 5, method: fixed, frequency: orders, monetary: average, r_bounds: [30, 60, 120, 240], f_bounds: [1, 2, 3, 5], m_bounds: [0, 500.5, 1000, 2500]` + playbook(5) + `
`},
		{name: "mixed-quantile-5", lake: "mixed", events: mixed, nights: last, config: `
business: {currency: RUB, timezone: America/New_York, rates: {USD: "90.505", JPY: "0.6127", KWD: "294.3333"}}
metrics:
  rfm: {groups: 5, method: quantile, frequency: days, monetary: average, window_days: 200` + playbook(5) + `
  link_by_email: false
`},
		{name: "mixed-base-usd", lake: "mixed", events: mixed, nights: []string{"2025-09-06", "2025-09-07", shopLastDay}, config: `
business: {currency: USD, timezone: America/Santiago, rates: {RUB: "0.011049"}}
metrics: {rfm: {method: ntile}, skip_zero_orders: true}
`},
		{name: "mixed-xyz-weeks", lake: "mixed", events: mixed, nights: last, config: `
business: {currency: RUB, timezone: Europe/Moscow, rates: {USD: "90.505", JPY: "0.6127", KWD: "294.3333"}}
metrics:
  xyz: {period: week, value: quantity, first_period: "2025-06", x: 0.70, y: 1.50, min_periods: 20}
  churn_days: 30
  margin: 0.35
  ltv_horizon_months: 2
  cohorts: unbounded
`},
		{name: "mixed-xyz-quarters", lake: "mixed", events: mixed, nights: last, config: `
business: {currency: RUB, timezone: America/New_York, rates: {USD: "90.505", JPY: "0.6127", KWD: "294.3333"}}
metrics:
  xyz: {period: quarter, value: revenue, x: 0.50, y: 0.65, min_periods: 3}
  churn_days: 45
  margin: 0.9
  ltv_horizon_months: 0
`},
		{name: "mixed-ltv-short", lake: "mixed", events: mixed, nights: last, config: `
business: {currency: RUB, timezone: Europe/Moscow}
metrics: {churn_days: 7, xyz: {x: 0.30, y: 0.60}, recency_bands: [0, 45, 91, 364]}
`},
		{name: "ties-quantile-3", lake: "ties", events: sameness, nights: last, config: `
business: {currency: RUB, timezone: Europe/Moscow}
`},
		{name: "ties-ntile-5", lake: "ties", events: sameness, nights: last, config: `
business: {currency: RUB, timezone: Europe/Moscow}
metrics:
  rfm: {groups: 5, method: ntile, frequency: days, monetary: average` + playbook(5) + `
  abc: {method: rank_share}
`},
		{name: "one-client", lake: "one", events: oneClient, nights: last, config: `
business: {currency: RUB, timezone: Europe/Moscow}
`},
		{name: "one-client-ntile-9", lake: "one", events: oneClient, nights: last, config: `
business: {currency: RUB, timezone: Europe/Moscow}
metrics:
  rfm: {groups: 9, method: ntile` + playbook(9) + `
`},
		{name: "no-client", lake: "nobody", events: nobody, nights: last, config: `
business: {currency: RUB, timezone: Europe/Moscow}
`},
		{name: "nothing-at-all", lake: "nothing", events: func() []event.Event { return nil }, nights: last, config: `
business: {currency: RUB, timezone: Europe/Moscow}
metrics: {rfm: {method: ntile}, abc: {method: rank_share}}
`},
	}
}

// playbook covers every code of k groups: by the digit of F, one segment each.
func playbook(k int) string {
	var text strings.Builder
	text.WriteString(", playbook: [")
	for f := 1; f <= k; f++ {
		if f > 1 {
			text.WriteString(", ")
		}
		fmt.Fprintf(&text, "{segment: often-%d, codes: [", f)
		for r := 1; r <= k; r++ {
			for m := 1; m <= k; m++ {
				if r+m > 2 {
					text.WriteString(", ")
				}
				fmt.Fprintf(&text, `"%d%d%d"`, r, f, m)
			}
		}
		text.WriteString("]}")
	}
	return text.String() + "]}"
}

// received are the days on which a lake receives its events, in three parts.
func received(last string) ([3]time.Time, error) {
	day, err := time.Parse(time.DateOnly, last)
	var days [3]time.Time
	for i := range days {
		days[i] = day.Add(time.Duration(24*(i+2)+9) * time.Hour) // after the as-of day in every time zone
	}
	return days, err
}

// make builds the lake, or copies it, works the nights and writes the store.
func (c *testCase) make(ctx context.Context, lakes map[string]*business, out string) error {
	yamlConfig := c.config + sources
	if _, err := config.Parse([]byte(yamlConfig)); err != nil {
		return err
	}
	lake := lakes[c.lake]
	if lake == nil {
		days, err := received(c.nights[len(c.nights)-1])
		if err != nil {
			return err
		}
		if lake, err = newBusiness(ctx, days[0], yamlConfig); err != nil {
			return err
		}
		// What a source says twice, and what it says late, comes with the later parts.
		events := c.events()
		third := (len(events) + 2) / 3
		for i := range days {
			from, to := min(i*third, len(events)), min((i+1)*third, len(events))
			lake.now = days[i]
			if err := lake.receive(ctx, "till", events[from:to]); err != nil {
				return err
			}
		}
		lakes[c.lake] = lake
	}
	b, err := lake.copied(ctx, yamlConfig)
	if err != nil {
		return err
	}
	for _, asOf := range c.nights {
		if _, err := b.steps.Analyse(ctx, pipeline.NightRequest{AsOf: asOf}); err != nil {
			return err
		}
	}
	return b.write(ctx, out, c.name)
}

// cdnowCases are the purchases of CDNOW under two configurations.
func cdnowCases(file string) ([]testCase, error) {
	body, err := os.ReadFile(file) //nolint:gosec // G304: the file that the user names
	if err != nil {
		return nil, err
	}
	var events []event.Event
	for line := range strings.Lines(string(body)) {
		field := strings.Fields(line)
		if len(field) != 4 || field[0] == "customer_id" {
			continue
		}
		at, err := time.Parse("20060102", field[1])
		if err != nil {
			return nil, err
		}
		id := fmt.Sprintf("row-%d", len(events)+1)
		events = append(events, event.Event{
			ID: id, Kind: event.OrderChange, At: at.Add(12 * time.Hour), Client: event.Client{ExternalID: field[0]},
			Order: &event.Order{ID: id, Status: event.StatusCompleted, Currency: "USD", Total: field[3], Items: []event.Item{
				{SKU: "cd", Category: "music", Quantity: field[2], Sum: field[3]},
			}},
		})
	}
	all := func() []event.Event { return events }
	return []testCase{
		{name: "cdnow", lake: "cdnow", events: all, nights: []string{"1998-06-30"}, config: `
business: {currency: USD, timezone: UTC}
`},
		{name: "cdnow-skip-zero-5", lake: "cdnow", events: all, nights: []string{"1997-12-31", "1998-06-30"}, config: `
business: {currency: USD, timezone: UTC}
metrics:
  rfm: {groups: 5, method: quantile, frequency: days, monetary: average, window_days: 365` + playbook(5) + `
  abc: {method: rank_share}
  skip_zero_orders: true
`},
	}, nil
}
