package analytics

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/leadlake/leadlake/lib/schema"
)

// Metrics of the thresholds table. With entity client and the rules quantile and
// fixed the bounds of recency, frequency and monetary rise, and a value's score is
// 1 + the number of bounds it is above; for recency the number of groups + 1 minus
// that. With the rule ntile bound_i is the largest value of group i, counted from
// the smallest value, [RuleNtileFrom] has the smallest values and
// [RuleNtileClients] the sizes of all groups; groups without clients have neither
// a smallest nor a largest value. With metric abc the bounds are a and
// b of the configuration. Money is in minor units.
const (
	MetricRecency   = "recency"
	MetricFrequency = "frequency"
	MetricMonetary  = "monetary"
	MetricABC       = "abc"
)

// Rules of the thresholds table beside the methods of the configuration.
const (
	RuleNtileFrom    = "ntile_from"
	RuleNtileClients = "ntile_clients"
)

// Units begin the note of a threshold, up to the first semicolon.
const (
	unitDays      = "days since the last purchase"
	unitOrders    = "orders"
	unitOrderDays = "days with an order"
)

const windowPrefix = "orders of the last "

func windowNote(days int) string {
	if days == 0 {
		return ""
	}
	return windowPrefix + strconv.Itoa(days) + " days"
}

// reading says how a value becomes a score.
func (m metric) reading(k int) string {
	if m.reversed {
		return fmt.Sprintf("score = %d - bounds below the value", k)
	}
	return "score = 1 + bounds below the value"
}

// row is a threshold with its note.
func (m metric) row(rule string, bounds []float64, reading, window string, groups, k int) schema.ThresholdRow {
	row := schema.ThresholdRow{Metric: m.name, Entity: EntityClient, Rule: rule}
	setBounds(&row, bounds)
	notes := []string{m.unit, reading}
	if window != "" {
		notes = append(notes, window)
	}
	switch {
	case groups == 1:
		notes = append(notes, "only 1 group is possible")
	case groups < k:
		notes = append(notes, fmt.Sprintf("only %d groups are possible", groups))
	}
	row.Note = strings.Join(notes, "; ")
	return row
}

// scoreTiles scores by NTILE.
func (m metric) scoreTiles(k int, last func(int) Day, window string) ([]uint8, []schema.ThresholdRow, int) {
	tile, sorted := tiles(m.n, k, func(i, j int) int {
		return cmp.Or(cmp.Compare(m.at(i), m.at(j)), cmp.Compare(last(i), last(j)), cmp.Compare(i, j)) // places are in the order of ids
	})
	digits := make([]uint8, len(tile))
	groups := min(k, len(sorted))
	from, to, sizes := make([]float64, groups), make([]float64, groups), make([]float64, k)
	for _, i := range sorted {
		digits[i] = m.digit(k, tile[i])
		group := tile[i] - 1
		if sizes[group] == 0 {
			from[group] = m.at(i)
		}
		to[group] = m.at(i)
		sizes[group]++
	}
	if groups == 0 {
		return digits, nil, k
	}
	reading := "score = group"
	if m.reversed {
		reading = fmt.Sprintf("score = %d - group", k+1)
	}
	reading += "; in the order of the value, the last purchase, the client id"
	return digits, []schema.ThresholdRow{
		m.row(methodNtile, to, reading, window, groups, k),
		m.row(RuleNtileClients, sizes, reading, window, groups, k),
		m.row(RuleNtileFrom, from, reading, window, groups, k),
	}, groups
}

// abcThreshold is the row of an entity's classes.
func abcThreshold(entity, method string, a, b float64) schema.ThresholdRow {
	row := schema.ThresholdRow{Metric: MetricABC, Entity: entity, Rule: method}
	if method == shareOfRank {
		setBounds(&row, []float64{rankA, rankB})
		row.Note = "share of entities by rank, rounded up; class A first, then B; the rest is C"
		return row
	}
	setBounds(&row, []float64{a, b})
	row.Note = "cumulative share before the entity; A below bound_1, B below bound_2, else C; zero or less is C"
	return row
}

// AddThresholds adds rows in the order of the table.
func (s *Scores) AddThresholds(rows ...schema.ThresholdRow) {
	s.Thresholds = append(s.Thresholds, rows...)
	sortThresholds(s.Thresholds)
}

func sortThresholds(rows []schema.ThresholdRow) {
	slices.SortFunc(rows, func(x, y schema.ThresholdRow) int {
		return cmp.Or(cmp.Compare(x.Metric, y.Metric), cmp.Compare(x.Entity, y.Entity), cmp.Compare(x.Rule, y.Rule))
	})
}

func boundFields(row *schema.ThresholdRow) [9]**float64 {
	return [9]**float64{
		&row.Bound1, &row.Bound2, &row.Bound3, &row.Bound4, &row.Bound5,
		&row.Bound6, &row.Bound7, &row.Bound8, &row.Bound9,
	}
}

func setBounds(row *schema.ThresholdRow, bounds []float64) {
	fields := boundFields(row)
	for i, bound := range bounds {
		*fields[i] = &bound
	}
}

// boundsOf is the bounds of a row that are there.
func boundsOf(row schema.ThresholdRow) []float64 {
	var bounds []float64
	for _, field := range boundFields(&row) {
		if *field != nil {
			bounds = append(bounds, **field)
		}
	}
	return bounds
}
