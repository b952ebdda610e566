package pipeline_test

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/leadlake/leadlake/lib/schema"
)

// values are the three figures of a client in the window.
type values struct {
	id        string
	last      int
	r, f, m   float64
	hasOrders bool
}

func (n *readNight) valuesOf(id string, all []priced) values {
	_, note := n.ruleOf("rfm", "client")
	from := math.MinInt
	if window := n.bound("rfm", "client", "", 2); window > 0 {
		from = n.asOf - int(window) + 1
	}
	v := values{id: id}
	days, priced, sum, count := map[int]bool{}, 0, int64(0), 0
	for _, b := range all {
		v.last = max(v.last, b.day)
		if b.day < from {
			continue
		}
		count++
		days[b.day] = true
		sum += b.minor
		if b.known {
			priced++
		}
	}
	v.hasOrders = count > 0
	v.r, v.f, v.m = float64(n.asOf-v.last), float64(count), float64(sum)
	if strings.Contains(note, "counts days") {
		v.f = float64(len(days))
	}
	if strings.Contains(note, "the average") && priced > 0 {
		v.m = nine(float64(sum) / float64(priced))
	}
	return v
}

// digits are the codes of everybody with a purchase in the window.
func (n *readNight) digits(all map[string][]priced) map[string][3]int {
	var members []values
	for id, b := range all {
		if v := n.valuesOf(id, b); v.hasOrders {
			members = append(members, v)
		}
	}
	k := int(n.bound("rfm", "client", "", 1))
	method, _ := n.ruleOf("rfm", "client")
	out := map[string][3]int{}
	for i, metric := range []string{"recency", "frequency", "monetary"} {
		value := func(v values) float64 { return [3]float64{v.r, v.f, v.m}[i] }
		group := map[string]int{}
		if method == "ntile" {
			slices.SortFunc(members, func(x, y values) int {
				return cmp.Or(cmp.Compare(value(x), value(y)), cmp.Compare(x.last, y.last), strings.Compare(x.id, y.id))
			})
			at := 0
			for g, size := range n.bounds(metric, "client", "ntile_clients") {
				for range int(size) {
					if at < len(members) {
						group[members[at].id] = g + 1
						at++
					}
				}
			}
		} else {
			for _, v := range members {
				group[v.id] = 1
				for _, bound := range n.bounds(metric, "client", method) {
					if value(v) > bound {
						group[v.id]++
					}
				}
			}
		}
		for id, g := range group {
			if metric == "recency" {
				g = k + 1 - g
			}
			code := out[id]
			code[i] = g
			out[id] = code
		}
	}
	return out
}

// client does every class of a client again.
func (n *readNight) client(d *differences, c schema.ClientRow, all []priced, digits map[string][3]int, segments, classes, even map[string]string) {
	id := c.ClientID
	days, priced, sum := []int{}, int64(0), int64(0)
	for _, b := range all {
		days = append(days, b.day)
		sum += b.minor
		if b.known {
			priced++
		}
	}
	orders := len(days)
	days = slices.Compact(days)
	d.check(id, "orders", c.Orders, orders)
	d.check(id, "order_days", c.OrderDays, len(days))
	d.check(id, "revenue_minor", c.RevenueMinor, sum)
	code, rfm := "", ""
	if g, ok := digits[id]; ok {
		code = string([]byte{'0' + byte(g[0]), '0' + byte(g[1]), '0' + byte(g[2])})
		rfm = segments[code]
		if c.R == nil || int(*c.R) != g[0] || int(*c.F) != g[1] || int(*c.M) != g[2] {
			d.wrong(id, "r f m", "others", code)
		}
	}
	d.check(id, "rfm_code", text(c.RFMCode), code)
	d.check(id, "rfm_segment", text(c.RFMSegment), rfm)
	d.check(id, "abc", text(c.ABC), classes[id])
	d.check(id, "xyz", text(c.XYZ), even[id])
	recency, since := math.Inf(1), math.Inf(1)
	if orders > 0 {
		d.check(id, "first_order_day", daysOf(text(c.FirstOrderDay)), days[0])
		d.check(id, "last_order_day", daysOf(text(c.LastOrderDay)), days[len(days)-1])
		d.check(id, "cohort_month", text(c.CohortMonth), text(c.FirstOrderDay)[:7])
		recency, since = float64(n.asOf-days[len(days)-1]), float64(n.asOf-days[0])
		d.check(id, "recency_days", float64(*c.RecencyDays), recency)
		if priced > 0 {
			d.check(id, "average_order_minor", *c.AverageOrderMinor, int64(math.Round(float64(sum)/float64(priced))))
		}
	}
	n.standing(d, c, orders, recency, since)
	next := ""
	if least := n.bound("replenishment", n.level(), "median", 1); float64(len(days)) >= least {
		next = dayText(days[len(days)-1] + median(days))
	}
	d.check(id, "expected_next_day", text(c.ExpectedNextDay), next)
}

// standing is lifecycle, activity and labels.
func (n *readNight) standing(d *differences, c schema.ClientRow, orders int, recency, since float64) {
	lifecycle := "lead"
	switch regular := n.bound("lifecycle", "client", "orders", 1); {
	case math.IsNaN(regular):
		lifecycle = "unknown"
	case float64(orders) > regular:
		lifecycle = "regular"
	case orders > 1:
		lifecycle = "developing"
	case orders == 1:
		lifecycle = "working"
	case c.Answered:
		lifecycle = "potential"
	}
	d.check(c.ClientID, "lifecycle", c.Lifecycle, lifecycle)
	bound := func(i int) float64 { return n.bound("activity", "client", "days", i) }
	idle, age := float64(n.asOf-daysOf(text(c.LastEventDay))), float64(n.asOf-daysOf(text(c.FirstEventDay)))
	activity := "waiting"
	switch {
	case recency <= bound(1):
		activity = "active"
	case math.Min(idle, recency) >= bound(3):
		activity = "dead"
	case orders > 0 && recency > bound(2):
		activity = "sleeping"
	case orders > 0:
		activity = "cooling"
	case age <= bound(4):
		activity = "new"
	}
	d.check(c.ClientID, "activity", c.Activity, activity)
	vip := n.tagged("vip", c.Tags) || n.bound("label", "client", "vip", 1) == 1 && text(c.ABC) == "A" && c.R != nil && float64(*c.R) == n.bound("rfm", "client", "", 1)
	newcomer := since <= n.bound("label", "client", "newcomer", 1)
	labels := []string{}
	for _, label := range []struct {
		name string
		has  bool
	}{
		{"active_base", lifecycle == "regular" && activity == "active" && !newcomer},
		{"key", vip || lifecycle == "regular" && since > n.bound("label", "client", "key", 1)},
		{"newcomer", newcomer},
		{"partner", n.tagged("partner", c.Tags)},
		{"vip", vip},
	} {
		if label.has {
			labels = append(labels, label.name)
		}
	}
	d.check(c.ClientID, "labels", c.Labels, labels)
}

func (n *readNight) tagged(label string, tags []string) bool {
	plain := strings.NewReplacer("ё", "е", "Ё", "Е")
	return slices.ContainsFunc(n.thresholds, func(row schema.ThresholdRow) bool {
		wanted, ok := strings.CutPrefix(row.Rule, label+":tag=")
		return ok && row.Metric == "label" && slices.ContainsFunc(tags, func(tag string) bool {
			return strings.EqualFold(plain.Replace(tag), plain.Replace(wanted))
		})
	})
}

// classes are those of ABC, by the revenue of an entity's rows and the thresholds.
func (n *readNight) classes(d *differences, entity string) map[string]string {
	var ranked []schema.ABCRow
	total := int64(0)
	for _, row := range n.abc {
		if row.Entity == entity {
			ranked = append(ranked, row)
			total += max(0, row.RevenueMinor)
		}
	}
	slices.SortFunc(ranked, func(x, y schema.ABCRow) int {
		return cmp.Or(cmp.Compare(y.RevenueMinor, x.RevenueMinor), strings.Compare(x.ID, y.ID))
	})
	rule, _ := n.ruleOf("abc", entity)
	a, b := n.bound("abc", entity, rule, 1), n.bound("abc", entity, rule, 2)
	classes, before := map[string]string{}, int64(0)
	for i, row := range ranked {
		class := "C"
		switch share, count := float64(before)/float64(total), float64(len(ranked)); {
		case rule == "rank_share":
			// nine, since 0.35 of 20 is above 7 in floating point.
			if top := math.Ceil(nine(a * count)); float64(i) < top {
				class = "A"
			} else if float64(i) < top+math.Ceil(nine(b*count)) {
				class = "B"
			}
		case row.RevenueMinor <= 0:
		case share < a:
			class = "A"
		case share < b:
			class = "B"
		}
		classes[row.ID] = class
		before += max(0, row.RevenueMinor)
		d.check(entity+" "+row.ID, "abc.class", row.Class, class)
		d.near(entity+" "+row.ID, "abc.cumulative_share", row.CumulativeShare, float64(before)/float64(total))
	}
	return classes
}

// evenness is the class of a series by xyz's thresholds.
func (n *readNight) evenness(entity string, mean, sigma float64, count int) string {
	rule, _ := n.ruleOf("xyz", entity)
	switch cv := sigma / mean; {
	case float64(count) < n.bound("xyz", entity, rule, 3) || mean <= 0:
		return ""
	case nine(cv) <= n.bound("xyz", entity, rule, 1):
		return "X"
	case nine(cv) <= n.bound("xyz", entity, rule, 2):
		return "Y"
	}
	return "Z"
}
