package analytics_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/analytics"
	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/schema"
)

func ago(days int64, minor int64) analytics.Scored {
	return analytics.Scored{RecencyDays: days, RevenueMinor: minor}
}

func bandsOf(clients []analytics.Scored, lasts []int) ([]schema.RecencyRow, schema.ThresholdRow) {
	return analytics.RecencyBands(len(clients), func(i int) (days, minor int64) {
		return clients[i].RecencyDays, clients[i].RevenueMinor
	}, lasts)
}

// concentrated is the concentration of contributions.
func concentrated(entity string, minor ...int64) ([]schema.ConcentrationRow, []schema.ThresholdRow) {
	ranking := analytics.RankingOf(entity, contributions(minor...), config.Default().Metrics.ABC)
	return analytics.ConcentrationOf(&ranking, &analytics.Ranking{}, &analytics.Ranking{})
}

// Seven days are in the first band, eight in the second; 731 and more in the open one.
// 4 of 8 clients = 0.5, 2 of 8 = 0.25, 1 of 8 = 0.125.
func TestRecencyBandsByHand(t *testing.T) {
	clients := []analytics.Scored{ago(0, 5), ago(7, 10), ago(8, 100), ago(30, 1000), ago(366, -3), ago(730, 40), ago(731, 7), ago(4000, 8)}
	rows, threshold := bandsOf(clients, []int{7, 30, 60, 365, 730})
	to := func(n int64) *int64 { return &n }
	want := []schema.RecencyRow{
		{FromDays: 0, ToDays: to(7), Clients: 2, Share: 0.25, RevenueMinor: 15},
		{FromDays: 8, ToDays: to(30), Clients: 2, Share: 0.25, RevenueMinor: 1100},
		{FromDays: 31, ToDays: to(60)},
		{FromDays: 61, ToDays: to(365)},
		{FromDays: 366, ToDays: to(730), Clients: 2, Share: 0.25, RevenueMinor: 37},
		{FromDays: 731, Clients: 2, Share: 0.25, RevenueMinor: 15},
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if bounds, _ := thresholdOf(threshold); !slices.Equal(bounds, []float64{7, 30, 60, 365, 730}) || threshold.Metric != analytics.MetricRecencyBands {
		t.Errorf("threshold %+v", threshold)
	}
}

func thresholdOf(row schema.ThresholdRow) (bounds []float64, note string) {
	for _, b := range []*float64{row.Bound1, row.Bound2, row.Bound3, row.Bound4, row.Bound5, row.Bound6, row.Bound7, row.Bound8, row.Bound9} {
		if b != nil {
			bounds = append(bounds, *b)
		}
	}
	return bounds, row.Note
}

func TestRecencyOfNobodyAndOfOne(t *testing.T) {
	bands := config.Default().Metrics.RecencyBands
	if rows, threshold := bandsOf(nil, bands); rows != nil || *threshold.Bound7 != 730 {
		t.Errorf("nobody: %v, %+v", rows, threshold)
	}
	rows, _ := bandsOf([]analytics.Scored{ago(90, 12)}, bands)
	if len(rows) != 8 || rows[3] != (schema.RecencyRow{FromDays: 61, ToDays: rows[3].ToDays, Clients: 1, Share: 1, RevenueMinor: 12}) || rows[7].ToDays != nil {
		t.Errorf("one client 90 days ago: %+v", rows)
	}
}

// Bands have no gap: every client is in one, whatever the bands, and all his money.
func TestRecencyBandsKeepEverybody(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 1))
	for range 200 {
		var bands []int
		for last, n := 0, 1+random.IntN(9); len(bands) < n; last += 1 + random.IntN(100) {
			bands = append(bands, last)
		}
		var clients []analytics.Scored
		money := int64(0)
		for range random.IntN(50) + 1 {
			clients = append(clients, ago(random.Int64N(1000), random.Int64N(1000)-100))
			money += clients[len(clients)-1].RevenueMinor
		}
		rows, _ := bandsOf(clients, bands)
		next := int64(0)
		count, sum := int64(0), int64(0)
		for i, row := range rows {
			if row.FromDays != next || (row.ToDays == nil) != (i == len(bands)) {
				t.Fatalf("bands %v: row %d is %+v", bands, i, row)
			}
			if row.ToDays != nil {
				next = *row.ToDays + 1
			}
			inside := 0
			for _, c := range clients {
				if c.RecencyDays >= row.FromDays && (row.ToDays == nil || c.RecencyDays <= *row.ToDays) {
					inside++
				}
			}
			if int64(inside) != row.Clients {
				t.Fatalf("bands %v: %d clients in %+v", bands, inside, row)
			}
			count, sum = count+row.Clients, sum+row.RevenueMinor
		}
		if count != int64(len(clients)) || sum != money {
			t.Fatalf("bands %v: %d clients with %d, want %d with %d", bands, count, sum, len(clients), money)
		}
		slices.Reverse(clients)
		if again, _ := bandsOf(clients, bands); !cmp.Equal(rows, again) {
			t.Fatal("the order of clients decides")
		}
	}
}

// Ten entities of 40, 30, 10, 10, 5, 5, 0, 0, 0 and -7: the sum of what is above zero is
// 100. ⌈0.01·10⌉ = ⌈0.05·10⌉ = ⌈0.10·10⌉ = 1 brings 40, two bring 70, five bring 95.
// Gini, i from the smallest: Σ (2i−11)·xᵢ = −1·5 (i=5) +1·5 (i=6) +3·10 +5·10 +7·30 +9·40
// = 650; 650 / (10·100) = 0.65.
func TestConcentrationByHand(t *testing.T) {
	rows, thresholds := concentrated("item", 10, 0, 40, 5, -7, 30, 0, 10, 5, 0)
	var want []schema.ConcentrationRow
	for _, w := range []schema.ConcentrationRow{
		{TopShare: 0.01, Entities: 1, RevenueMinor: 40, Share: 0.4},
		{TopShare: 0.05, Entities: 1, RevenueMinor: 40, Share: 0.4},
		{TopShare: 0.1, Entities: 1, RevenueMinor: 40, Share: 0.4},
		{TopShare: 0.2, Entities: 2, RevenueMinor: 70, Share: 0.7},
		{TopShare: 0.5, Entities: 5, RevenueMinor: 95, Share: 0.95},
	} {
		w.Entity, w.Gini = "item", 0.65
		want = append(want, w)
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for i, entity := range []string{"category", "client", "item"} {
		if bounds, _ := thresholdOf(thresholds[i]); thresholds[i].Entity != entity || !slices.Equal(bounds, []float64{0.01, 0.05, 0.1, 0.2, 0.5}) {
			t.Errorf("threshold %+v", thresholds[i])
		}
	}
}

// ⌈0.05·20⌉ is 1 and ⌈0.20·5⌉ is 1, which floating point would make 2.
func TestConcentrationRoundsSharesUpExactly(t *testing.T) {
	for n, want := range map[int]string{1: "[1 1 1 1 1]", 5: "[1 1 1 1 3]", 20: "[1 1 2 4 10]", 21: "[1 2 3 5 11]", 100: "[1 5 10 20 50]", 101: "[2 6 11 21 51]"} {
		rows, _ := concentrated("item", make([]int64, n)...)
		var got []int64
		for _, row := range rows {
			got = append(got, row.Entities)
			if row.Share != 0 || row.Gini != 0 {
				t.Errorf("%d entities without revenue: %+v", n, row)
			}
		}
		if fmt.Sprint(got) != want {
			t.Errorf("%d entities: tops of %v, want %s", n, got, want)
		}
	}
}

func TestConcentrationOfNothingAndOfOne(t *testing.T) {
	if rows, thresholds := analytics.ConcentrationOf(); rows != nil || len(thresholds) != 3 {
		t.Errorf("nothing: %v, %d thresholds", rows, len(thresholds))
	}
	rows, _ := concentrated("client", 7)
	if len(rows) != 5 || rows[0] != (schema.ConcentrationRow{Entity: "client", TopShare: 0.01, Entities: 1, RevenueMinor: 7, Share: 1}) {
		t.Errorf("one entity: %+v", rows)
	}
}

// All money with one of n is 1−1/n, equal ones are 0, and money in another unit changes
// nothing, be the sums beyond 64 bits on the way.
func TestGiniKnowsItsEnds(t *testing.T) {
	gini := func(minor ...int64) float64 {
		rows, _ := concentrated("client", minor...)
		return rows[0].Gini
	}
	one := make([]int64, 50)
	one[17] = 1 << 55
	if got := gini(one...); got != 0.98 {
		t.Errorf("one of fifty has all: %v, want 0.98", got)
	}
	random := rand.New(rand.NewPCG(8, 8))
	for range 50 {
		var small, large, even []int64
		for range 2 + random.IntN(300) {
			x := random.Int64N(1 << 20)
			small, large, even = append(small, x), append(large, x<<33), append(even, 1<<40)
		}
		if a, b := gini(small...), gini(large...); a != b || a <= 0 || a >= 1 || gini(even...) != 0 {
			t.Errorf("Gini %v, in another unit %v, of equal ones %v", a, b, gini(even...))
		}
	}
}
