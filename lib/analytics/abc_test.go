package analytics_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/analytics"
	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/schema"
)

func contributions(minor ...int64) []analytics.Contribution {
	var all []analytics.Contribution
	for i, m := range minor {
		all = append(all, analytics.Contribution{ID: fmt.Sprintf("e%02d", i), RevenueMinor: m})
	}
	return all
}

func classesOf(rows []schema.ABCRow) string {
	var classes []byte
	for _, row := range rows {
		classes = append(classes, row.Class...)
	}
	return string(classes)
}

// Positive sum 1000. Shares before each: 0, 0.50, 0.80, 0.92, 0.97. Exactly 0.80
// is no longer below 0.80: B.
func TestMoneyShareByHand(t *testing.T) {
	rows := analytics.ABC("item", contributions(120, 500, 300, 30, 50, 0, -70), config.Default().Metrics.ABC)
	want := []schema.ABCRow{
		{Entity: "item", ID: "e01", RevenueMinor: 500, Share: 0.5, CumulativeShare: 0.5, Class: "A"},
		{Entity: "item", ID: "e02", RevenueMinor: 300, Share: 0.3, CumulativeShare: 0.8, Class: "A"},
		{Entity: "item", ID: "e00", RevenueMinor: 120, Share: 0.12, CumulativeShare: 0.92, Class: "B"},
		{Entity: "item", ID: "e04", RevenueMinor: 50, Share: 0.05, CumulativeShare: 0.97, Class: "B"},
		{Entity: "item", ID: "e03", RevenueMinor: 30, Share: 0.03, CumulativeShare: 1, Class: "C"},
		{Entity: "item", ID: "e05", RevenueMinor: 0, Share: 0, CumulativeShare: 1, Class: "C"},
		{Entity: "item", ID: "e06", RevenueMinor: -70, Share: 0, CumulativeShare: 1, Class: "C"},
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	// ⌈0.2 · 7⌉ = 2 entities bring 0.8.
}

// ⌈0.20 n⌉ and ⌈0.35 n⌉: 1 of 1; 1 and 2 of 5; 2 and 3 of 6; 4 and 7 of 20.
func TestRankShare(t *testing.T) {
	c := config.ABC{Method: "rank_share", A: 0.8, B: 0.95}
	for n, want := range map[int]string{0: "", 1: "A", 2: "AB", 5: "ABBCC", 6: "AABBBC", 20: "AAAABBBBBBBCCCCCCCCC"} {
		rows := analytics.ABC("item", contributions(make([]int64, n)...), c)
		if got := classesOf(rows); got != want {
			t.Errorf("%d entities = %s, want %s", n, got, want)
		}
		if !slices.IsSortedFunc(rows, func(a, b schema.ABCRow) int { return strings.Compare(a.ID, b.ID) }) {
			t.Errorf("%d ties are not in the order of their ids", n)
		}
	}
}

func TestABCIsNeverWithoutA(t *testing.T) {
	for name, minor := range map[string][]int64{"one": {7}, "one brings nearly all": {999_999, 1}, "ties": {5, 5, 5}} {
		rows := analytics.ABC("item", contributions(minor...), config.Default().Metrics.ABC)
		if rows[0].Class != "A" {
			t.Errorf("%s: the first is %s, want A", name, rows[0].Class)
		}
	}
	rows := analytics.ABC("item", contributions(0, -5), config.Default().Metrics.ABC)
	if got := classesOf(rows); got != "CC" || rows[0].CumulativeShare != 0 {
		t.Errorf("nothing earned: %s, cumulative %v; want CC, 0", got, rows[0].CumulativeShare)
	}
}

// Multiplying all money by a constant changes neither class nor share.
func TestABCDoesNotDependOnTheUnitOfMoney(t *testing.T) {
	small := contributions(701, 333, 120, 88, 41, 17, 5, -3)
	large := slices.Clone(small)
	for i := range large {
		large[i].RevenueMinor *= 1_000_003
	}
	c := config.Default().Metrics.ABC
	a := analytics.ABC("item", small, c)
	b := analytics.ABC("item", large, c)
	for i := range a {
		a[i].RevenueMinor *= 1_000_003
	}
	if diff := cmp.Diff(a, b); diff != "" {
		t.Errorf("(-small +large):\n%s", diff)
	}
}
