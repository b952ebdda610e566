package analytics

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/leadlake/leadlake/lib/money"
)

// Values of the series of goods (metrics.xyz.value).
const (
	valueRevenue  = "revenue"
	valueQuantity = "quantity"
)

// piece is one unit in the series of quantities: lines have up to four decimals.
const (
	piece        = 10_000
	pieceDecimal = "CLF" // a currency of as many, so that money.Parse reads a quantity
)

// series keeps of every entity the periods in which it sold, in order, and how much.
// A period without a sale has no point, one with sales of nothing has.
type series struct {
	starts []int32 // of entity i: points[starts[i]:starts[i+1]]
	points []point
}

type point struct {
	period int32
	sum    int64 // minor units, or pieces × piece
}

func (s series) of(entity int) []point { return s.points[s.starts[entity]:s.starts[entity+1]] }

func seriesKey(entity uint32, period int32) uint64 {
	return uint64(entity)<<32 | uint64(period) //nolint:gosec // G115: periods are not below zero
}

// seriesOf groups cells by entity: counted, placed, each run sorted. place is the index
// of an entity by its number.
func seriesOf(c *cells[int64], place []int32) series {
	next := make([]int32, len(place)+1)
	for _, slot := range c.slots {
		if slot.key != 0 {
			next[place[(slot.key-1)>>32]+1]++
		}
	}
	for i := range place {
		next[i+1] += next[i]
	}
	s := series{starts: slices.Clone(next), points: make([]point, c.used)}
	for _, slot := range c.slots {
		if slot.key != 0 {
			i := place[(slot.key-1)>>32]
			s.points[next[i]] = point{period: int32((slot.key - 1) & math.MaxUint32), sum: slot.value} //nolint:gosec // G115: as seriesKey made it
			next[i]++
		}
	}
	for i := range place {
		if of := s.of(i); len(of) > 1 {
			slices.SortFunc(of, func(x, y point) int { return cmp.Compare(x.period, y.period) })
		}
	}
	return s
}

// valueOf is what a line adds to the series of its item and category.
func (g *goods) valueOf(lines *Lines, line int, minor int64) (int64, error) {
	if g.metrics.XYZ.Value != valueQuantity {
		return minor, nil
	}
	count := int64(piece)
	if text := lines.Quantity.Value(lines.Quantity.Code(line)); text != "" {
		amount, err := money.Parse(text, pieceDecimal)
		if err != nil {
			return 0, fmt.Errorf("%w: lines.quantity of line %d is no quantity", ErrColumn, line)
		}
		count = amount.Minor
	}
	if g.pieces += distance(count); g.pieces > math.MaxInt64 {
		return 0, ErrOverflow
	}
	return count, nil
}
