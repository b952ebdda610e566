package analytics

import (
	"math/big"
	"math/bits"

	"github.com/leadlake/leadlake/lib/schema"
)

// MetricConcentration in the thresholds has for each entity the rule top_share: the
// shares of entities that the concentration table looks at.
const MetricConcentration = "concentration"

// topPercents are those shares in per cent, rising. Whole numbers, since ⌈0.05·20⌉ is
// 2 in floating point.
func topPercents() []int64 { return []int64{1, 5, 10, 20, 50} }

// ConcentrationOf says what the best entities of each kind bring; the result is
// ordered by (entity, top_share) if the rankings are by entity. The best p of n
// entities are the first ⌈p·n⌉. A kind whose revenue is nowhere above zero has shares
// of 0 and is as even as can be: Gini 0. A kind without entities has none.
func ConcentrationOf(rankings ...*Ranking) ([]schema.ConcentrationRow, []schema.ThresholdRow) {
	var rows []schema.ConcentrationRow
	for _, ranking := range rankings {
		if ranking.Len() > 0 {
			rows = append(rows, ranking.concentration()...)
		}
	}
	bounds := make([]float64, 0, len(topPercents()))
	for _, percent := range topPercents() {
		bounds = append(bounds, ratio(percent, 100))
	}
	var thresholds []schema.ThresholdRow
	for _, entity := range []string{EntityCategory, EntityClient, EntityItem} {
		row := schema.ThresholdRow{
			Metric: MetricConcentration, Entity: entity, Rule: "top_share",
			Note: "shares of entities by revenue, rounded up to whole ones",
		}
		setBounds(&row, bounds)
		thresholds = append(thresholds, row)
	}
	return rows, thresholds
}

// concentration is the rows of one kind, which has entities.
func (r *Ranking) concentration() []schema.ConcentrationRow {
	n := int64(r.Len())
	gini := r.gini()
	var rows []schema.ConcentrationRow
	at, revenue := int64(0), int64(0)
	for _, percent := range topPercents() {
		top := (n*percent + 99) / 100
		for ; at < top; at++ {
			revenue += r.above(at)
		}
		rows = append(rows, schema.ConcentrationRow{
			Entity: r.Entity, TopShare: ratio(percent, 100), Entities: top,
			RevenueMinor: revenue, Share: ratio(revenue, r.total), Gini: gini,
		})
	}
	return rows
}

// above is the revenue of the entity at a place, what is below zero as 0.
func (r *Ranking) above(place int64) int64 { return max(0, r.revenue(int(place))) }

// gini is the Gini coefficient:
//
//	G = Σ (2i−n−1) xᵢ / (n Σ xᵢ), x rising and i from 1, what is below zero as 0
//
// (Dixon et al. 1987, "Bootstrapping the Gini coefficient of inequality", Ecology 68,
// without its correction n/(n−1) for samples). Counted from the largest, j = n+1−i,
// the sum is Σ (n+1−2j) xⱼ = (n+1) Σ xⱼ − 2 Σ j xⱼ; it is worked out in whole numbers.
func (r *Ranking) gini() float64 {
	if r.total == 0 {
		return 0
	}
	var high, low uint64 // Σ j xⱼ, which outgrows 64 bits
	for i := range int64(r.Len()) {
		h, l := bits.Mul64(uint64(i+1), uint64(r.above(i))) //nolint:gosec // G115: neither is below zero
		var carry uint64
		low, carry = bits.Add64(low, l, 0)
		high, _ = bits.Add64(high, h, carry)
	}
	n, total := int64(r.Len()), r.total
	weighted := new(big.Int).SetUint64(high)
	weighted.Lsh(weighted, 64).Add(weighted, new(big.Int).SetUint64(low))
	sum := new(big.Int).Mul(big.NewInt(n+1), big.NewInt(total))
	sum.Sub(sum, weighted.Lsh(weighted, 1))
	gini, _ := new(big.Rat).SetFrac(sum, new(big.Int).Mul(big.NewInt(n), big.NewInt(total))).Float64()
	return Round9(gini)
}
