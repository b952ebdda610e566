package analytics

import (
	"cmp"
	"fmt"
	"math/big"
	"slices"

	"github.com/leadlake/leadlake/lib/schema"
)

// Mechanic is an export whose effect is asked for: a segment for a platform.
type Mechanic struct{ Segment, Platform string }

// Assignment is the side of a client in a mechanic.
type Assignment struct {
	Client int // number of the client
	Since  Day // on which his side was settled
	Held   bool
}

// Effects counts what exports have changed: who of the exported bought since, and who
// of those held out (metrics.md, "Contact budget, holdout"). First every mechanic is
// told, then every purchase, in any order. It is for one goroutine.
type Effects struct {
	asOf      Day
	mechanics []Mechanic
	sides     []side   // of all mechanics, by (client, mechanic) once purchases come
	begins    []uint32 // of client i: sides[begins[i]:begins[i+1]]; nil until then
	clients   int
}

// side is one client's part in one mechanic.
type side struct {
	client, mechanic uint32
	since            Day
	held, bought     bool
	minor            int64
}

// NewEffects counts for clients numbered from 0 to clients−1. What was settled or
// bought after the as-of day does not count.
func NewEffects(asOf Day, clients int) *Effects { return &Effects{asOf: asOf, clients: clients} }

// Empty tells whether there is nobody whose purchases count.
func (e *Effects) Empty() bool { return len(e.sides) == 0 }

// Add tells who has a side in a mechanic, each of which is told once. A client who is
// there several times was merged: he is held out if he was anywhere, since the
// earliest day of that side.
func (e *Effects) Add(m Mechanic, assignments []Assignment) {
	number := uint32(len(e.mechanics)) //nolint:gosec // G115: segments by platforms
	e.mechanics = append(e.mechanics, m)
	for _, a := range assignments {
		if a.Since <= e.asOf {
			e.sides = append(e.sides, side{client: uint32(a.Client), mechanic: number, since: a.Since, held: a.Held}) //nolint:gosec // G115: a client's number
		}
	}
	e.begins = nil
}

// settle orders the sides by client and leaves one for each mechanic.
func (e *Effects) settle() {
	slices.SortFunc(e.sides, func(a, b side) int {
		held := 0
		if a.held != b.held {
			held = 1
			if a.held {
				held = -1
			}
		}
		return cmp.Or(cmp.Compare(a.client, b.client), cmp.Compare(a.mechanic, b.mechanic), held, cmp.Compare(a.since, b.since))
	})
	e.sides = slices.CompactFunc(e.sides, func(a, b side) bool { return a.client == b.client && a.mechanic == b.mechanic })
	e.begins = make([]uint32, e.clients+1)
	for i := range e.sides {
		e.begins[e.sides[i].client+1]++
	}
	for i := range e.clients {
		e.begins[i+1] += e.begins[i]
	}
}

// Purchase tells a purchase of a client; its revenue is in minor units, 0 where its
// currency has no rate. It counts for the mechanics in which his side was settled on an
// earlier day: one of the day of the export itself may have been made before it. Sums stay within int64 where those of the
// base do, see [Accumulator.Result].
func (e *Effects) Purchase(client int, day Day, revenueMinor int64) {
	if e.begins == nil {
		e.settle()
	}
	if day > e.asOf {
		return
	}
	of := e.sides[e.begins[client]:e.begins[client+1]]
	for i := range of {
		if of[i].since < day {
			of[i].bought = true
			of[i].minor += revenueMinor
		}
	}
}

// group is one side of a mechanic, or of a month of it.
type group struct{ people, buyers, minor int64 }

func (g *group) add(s *side) {
	g.people++
	g.minor += s.minor
	if s.bought {
		g.buyers++
	}
}

// rate is nil for nobody.
func (g group) rate() *float64 {
	if g.people == 0 {
		return nil
	}
	rate := ratio(g.buyers, g.people)
	return &rate
}

// comparison is both sides of a mechanic, or of a month of it.
type comparison struct{ exported, held group }

// Rows are the effects of all mechanics that have people: one row over all, with an empty
// month, and one for each month. They are ordered by (segment, platform, month). The
// months are not of equal age: an earlier one had more time to buy, on both sides
// alike. ErrOverflow where the money of a side does not fit minor units.
func (e *Effects) Rows() ([]schema.EffectRow, error) {
	if e.begins == nil {
		e.settle()
	}
	all := make([]comparison, len(e.mechanics))
	months := make([]map[Month]*comparison, len(e.mechanics))
	for i := range months {
		months[i] = map[Month]*comparison{}
	}
	for i := range e.sides {
		s := &e.sides[i]
		month := s.since.Month()
		of := months[s.mechanic][month]
		if of == nil {
			of = &comparison{}
			months[s.mechanic][month] = of
		}
		if s.held {
			all[s.mechanic].held.add(s)
			of.held.add(s)
		} else {
			all[s.mechanic].exported.add(s)
			of.exported.add(s)
		}
	}
	var rows []schema.EffectRow
	for number, m := range e.mechanics {
		if len(months[number]) == 0 {
			continue
		}
		row, err := all[number].row(m, "")
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
		byMonth := map[Month]*schema.EffectRow{}
		for month, of := range months[number] {
			row, err := of.row(m, month.String())
			if err != nil {
				return nil, err
			}
			byMonth[month] = &row
		}
		for month, row := range byMonth {
			if before := byMonth[month-1]; before != nil {
				row.PreviousRate, row.PreviousDifference = before.ExportedRate, before.Difference
			}
			rows = append(rows, *row)
		}
	}
	slices.SortFunc(rows, func(a, b schema.EffectRow) int {
		return cmp.Or(cmp.Compare(a.Segment, b.Segment), cmp.Compare(a.Platform, b.Platform), cmp.Compare(a.Month, b.Month))
	})
	return rows, nil
}

// row compares the sides.
func (c *comparison) row(m Mechanic, month string) (schema.EffectRow, error) {
	exported, held := c.exported, c.held
	row := schema.EffectRow{
		Segment: m.Segment, Platform: m.Platform, Month: month,
		Exported: exported.people, ExportedBuyers: exported.buyers, ExportedRate: exported.rate(), ExportedRevenueMinor: exported.minor,
		Held: held.people, HeldBuyers: held.buyers, HeldRate: held.rate(), HeldRevenueMinor: held.minor,
	}
	interval, ok := RateDifference(exported.buyers, exported.people, held.buyers, held.people)
	if !ok {
		return row, nil
	}
	rounded := func(x float64) *float64 {
		x = Round9(x)
		return &x
	}
	row.Difference, row.Low, row.High = rounded(interval.Difference), rounded(interval.Low), rounded(interval.High)
	row.IncrementalBuyers = rounded(interval.Difference * float64(exported.people))
	row.Conclusive = interval.ExcludesZero()
	if !row.Conclusive {
		if people, ok := NeededPerGroup(float64(exported.buyers)/float64(exported.people), float64(held.buyers)/float64(held.people)); ok {
			row.NeededPerGroup = &people
		}
	}
	gained, err := incremental(exported, held)
	row.IncrementalRevenueMinor = &gained
	return row, err
}

// incremental is what the exported spent beyond what so many of the held out would have:
// their revenue less held revenue × exported / held, rounded half away from zero.
func incremental(exported, held group) (int64, error) {
	top := new(big.Int).Mul(big.NewInt(exported.minor), big.NewInt(held.people))
	top.Sub(top, new(big.Int).Mul(big.NewInt(held.minor), big.NewInt(exported.people)))
	negative := top.Sign() < 0
	// ⌊(2|top| + held) / 2 held⌋ is |top| / held rounded.
	top.Abs(top).Lsh(top, 1)
	top.Add(top, big.NewInt(held.people))
	top.Quo(top, new(big.Int).Lsh(big.NewInt(held.people), 1))
	if !top.IsInt64() {
		return 0, fmt.Errorf("%w: revenue of an export", ErrOverflow)
	}
	if negative {
		return -top.Int64(), nil
	}
	return top.Int64(), nil
}
