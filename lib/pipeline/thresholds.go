package pipeline

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/leadlake/leadlake/lib/analytics"
	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/schema"
)

// Metrics of the thresholds of a night that stand in the configuration alone. With
// them a reader of the tables can do every class and label of a client again.
const (
	metricRFM       = "rfm"       // rule: the method; groups, days of the window (0: all time)
	metricActivity  = "activity"  // rule days: active_days, sleeping_days, dead_days, new_days
	metricLifecycle = "lifecycle" // rule orders: regular_orders
	metricLabel     = "label"     // rules newcomer, key: days; vip: 1 where the built-in rule holds, else 0; NAME:tag=TAG
	metricPurchase  = "purchase"  // rule skip_zero_orders: 1 or 0
	metricRate      = "rate"      // rule: a currency; units of the business's currency for one of it
	metricIdentity  = "identity"  // rules max_shared: a number; link_by_email: 1 or 0
	metricQuality   = "quality"   // rule lead_wait_days
)

const entityOrder = "order"

// businessThresholds are the rows of the configuration, in no order. Clients who bear
// a label because the configuration names them are counted and not named: whoever is
// forgotten must not stand in a table of bounds.
func businessThresholds(cfg *config.Config) []schema.ThresholdRow {
	m := cfg.Metrics
	var rows []schema.ThresholdRow
	add := func(metric, entity, rule, note string, bounds ...float64) {
		row := schema.ThresholdRow{Metric: metric, Entity: entity, Rule: rule, Note: note}
		for i, field := range []**float64{&row.Bound1, &row.Bound2, &row.Bound3, &row.Bound4}[:len(bounds)] {
			*field = &bounds[i]
		}
		rows = append(rows, row)
	}
	client := analytics.EntityClient
	add(metricRFM, client, m.RFM.Method,
		fmt.Sprintf("groups, days of the window that ends with the as-of day (0: all time); frequency counts %s; monetary is the %s", m.RFM.Frequency, m.RFM.Monetary),
		float64(m.RFM.Groups), float64(m.RFM.WindowDays))
	add(metricActivity, client, "days",
		"active up to bound_1 days after the last purchase, sleeping after more than bound_2, dead after bound_3 days without any event or purchase; without a purchase new up to bound_4 days after the first event",
		float64(m.ActiveDays), float64(m.SleepingDays), float64(m.DeadDays), float64(m.NewDays))
	add(metricLifecycle, client, "orders", "regular from more than bound_1 purchases, developing from more than one", float64(m.RegularOrders))
	add(metricLabel, client, "newcomer", "first purchase at most bound_1 days ago", float64(m.NewcomerDays))
	add(metricLabel, client, "key", "regular with the first purchase more than bound_1 days ago, or vip", float64(m.KeyDays))
	add(metricLabel, client, "vip", "1: class A with the best score of R; 0: by hand alone"+named(cfg.Labels.VIP), zeroOne(cfg.Labels.VIP.Rule))
	add(metricLabel, client, "partner", "by hand alone"+named(cfg.Labels.Partner))
	for _, label := range []struct {
		name string
		tags []string
	}{{"vip", cfg.Labels.VIP.Tags}, {"partner", cfg.Labels.Partner.Tags}} {
		for _, tag := range slices.Compact(slices.Sorted(slices.Values(label.tags))) {
			add(metricLabel, client, label.name+":tag="+tag, "who bears this tag in any letter case, ё as е")
		}
	}
	add(metricPurchase, entityOrder, "skip_zero_orders", "1: orders without revenue are no purchases", zeroOne(m.SkipZeroOrders))
	for _, currency := range slices.Sorted(maps.Keys(cfg.Business.Rates)) {
		if rate, err := strconv.ParseFloat(cfg.Business.Rates[currency], 64); err == nil {
			add(metricRate, entityOrder, currency, cfg.Business.Currency+" for one "+currency+", exactly "+cfg.Business.Rates[currency], rate)
		}
	}
	add(metricIdentity, client, "max_shared", "a value of more external ids or names links nothing", float64(m.MaxShared))
	add(metricIdentity, client, "link_by_email", "1: e-mails link", zeroOne(m.EmailLinks))
	add(metricQuality, client, "lead_wait_days", "a lead without any contact for so long is a fault", float64(m.LeadWaitDays))
	return rows
}

func named(label config.Label) string {
	if n := len(label.Clients); n > 0 {
		return fmt.Sprintf("; the configuration names %d clients", n)
	}
	return ""
}

func zeroOne(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
