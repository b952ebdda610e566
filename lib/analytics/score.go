package analytics

import (
	"sync"

	"github.com/leadlake/leadlake/lib/schema"
)

// Scored is what a night knows of a client's purchases.
type Scored struct {
	ClientID          string
	FirstDay, LastDay Day
	Orders, OrderDays int64
	RevenueMinor      int64
	AverageMinor      int64 // 0 where AverageKnown is false
	AverageKnown      bool  // the money of at least one order is known
	RecencyDays       int64
	R, F, M           int    // 0 for clients without a purchase in the window
	Code, Segment     string // empty likewise
	ABC               string
	XYZ               string   // empty for fewer than four orders, or days with one
	CohortMonth       string   // YYYY-MM
	Categories        []string // by revenue descending; shared, not to be changed
	Predicted
}

// Scores is every client with all scores, and the small tables they were made of. The
// tables that have a row by client are read row by row: ABC, XYZ and Client.
type Scores struct {
	Codes      []schema.RFMCodeRow   // ordered by code
	Thresholds []schema.ThresholdRow // ordered by (metric, entity, rule)
	ABC        [3]Ranking            // of category, client, item
	XYZ        [3]Evenness           // likewise
	ABCXYZ     []schema.ABCXYZRow    // ordered by (entity, abc, xyz)
	LTV        LTV                   // its threshold is among Thresholds, too
	Models     []schema.ModelRow     // of the predictions, ordered by (model, parameter)
	Possible   [3]int                // different scores of R, F and M that the values allow

	base      *Base
	rfm       RFMScores
	months    []string    // by distance from the as-of month
	predicted []Predicted // by place; nil before Predict
}

// Score makes RFM, ABC, XYZ and LTV of a base and puts them together by client.
func Score(b *Base) *Scores {
	out := &Scores{base: b}
	var side sync.WaitGroup
	side.Go(func() { out.rfm = RFM(b) })
	side.Go(func() { out.XYZ = evennessOf(b) })
	c := b.Metrics.ABC
	out.ABC = [3]Ranking{
		RankingOf(EntityCategory, b.Categories, c),
		rankingOf(EntityClient, b.Len(), c, func(i int) int64 { return b.at(i).revenue }),
		RankingOf(EntityItem, b.Items, c),
	}
	side.Wait()
	out.Codes, out.Thresholds, out.Possible = out.rfm.Codes, out.rfm.Thresholds, out.rfm.Possible
	for i := range out.ABC {
		entity := out.ABC[i].Entity
		out.ABCXYZ = append(out.ABCXYZ, out.XYZ[i].cross(&out.ABC[i])...)
		out.Thresholds = append(out.Thresholds, abcThreshold(entity, c.Method, c.A, c.B), xyzThreshold(entity, b.Metrics.XYZ))
	}
	for back := range b.sums.begins {
		out.months = append(out.months, (b.sums.last - Month(back)).String())
	}
	out.LTV = LifetimeValues(b)
	out.AddThresholds(out.LTV.Threshold, cohortThreshold(b.Metrics))
	return out
}

// Predict adds the predictions, which need histories.
func (s *Scores) Predict() {
	predictions := Predict(s.base)
	s.Models, s.predicted = predictions.Models, predictions.Clients
	s.AddThresholds(predictions.Thresholds...)
}

// the places of the entities in Scores.ABC and Scores.XYZ.
const clientsAt = 1

// ID is the id of an entity of Scores.ABC[entity] and Scores.XYZ[entity].
func (s *Scores) ID(entity, index int) string {
	switch entity {
	case 0:
		return s.base.Categories[index].ID
	case clientsAt:
		return s.base.ID(index)
	default:
		return s.base.Items[index].ID
	}
}

// AppendIDs appends the ids of entities, each with the length of data behind it.
func (s *Scores) AppendIDs(entity int, indices []uint32, data []byte, ends []uint32) ([]byte, []uint32) {
	many, ok := s.base.clients.(manyIDs)
	if entity != clientsAt || !ok {
		for _, i := range indices {
			data = append(data, s.ID(entity, int(i))...)
			ends = append(ends, uint32(len(data))) //nolint:gosec // G115: a block of a table
		}
		return data, ends
	}
	const atOnce = 256
	var numbers [atOnce]uint32
	for len(indices) > 0 {
		n := min(len(indices), atOnce)
		for i, index := range indices[:n] {
			numbers[i] = s.base.numbers[index]
		}
		data, ends = many.AppendIDs(numbers[:n], data, ends)
		indices = indices[n:]
	}
	return data, ends
}

// Client is the client at a place of the base.
func (s *Scores) Client(place int) Scored {
	client := s.base.Client(place)
	average, known := client.AverageMinor()
	score := s.rfm.Of(place)
	out := Scored{
		ClientID: client.ID, FirstDay: client.FirstDay, LastDay: client.LastDay,
		Orders: client.Orders, OrderDays: client.OrderDays, RevenueMinor: client.RevenueMinor,
		AverageMinor: average, AverageKnown: known, RecencyDays: int64(s.base.AsOf - client.LastDay),
		R: score.R, F: score.F, M: score.M, Code: score.Code, Segment: score.Segment,
		ABC: classTexts[s.ABC[clientsAt].Class(place)-'A'], XYZ: xyzText(s.XYZ[clientsAt].classes[place]),
		CohortMonth: s.months[s.base.monthsBack(client.FirstDay)], Categories: s.base.Bought(place),
	}
	if s.predicted != nil {
		out.Predicted = s.predicted[place]
	}
	return out
}

// Brief is what the orders say of a client, without texts.
type Brief struct {
	FirstDay, LastDay          Day
	Orders, OrderDays          int64
	RevenueMinor, AverageMinor int64
	AverageKnown               bool
	R, F, M                    uint8 // 0 for who has no code
	Code                       int   // index in Scores.Codes, −1 for none
	ABC, XYZ                   byte  // XYZ is 0 for none
}

// Brief is the client at a place of the base, in short.
func (s *Scores) Brief(place int) Brief {
	c := s.base.at(place)
	out := Brief{
		FirstDay: c.first, LastDay: c.last, Orders: int64(c.orders), OrderDays: int64(c.days),
		RevenueMinor: c.revenue, AverageKnown: c.priced > 0,
		R: s.rfm.digits[0][place], F: s.rfm.digits[1][place], M: s.rfm.digits[2][place], Code: s.rfm.CodeOf(place),
		ABC: s.ABC[clientsAt].classes[place], XYZ: s.XYZ[clientsAt].classes[place],
	}
	if out.AverageKnown {
		out.AverageMinor = perUnit(c.revenue, int64(c.priced))
	}
	return out
}

// Recency counts the clients by the days since the last purchase, see RecencyBands.
func (s *Scores) Recency(lasts []int) ([]schema.RecencyRow, schema.ThresholdRow) {
	return RecencyBands(s.base.Len(), func(place int) (days, minor int64) {
		c := s.base.at(place)
		return int64(s.base.AsOf - c.last), c.revenue
	}, lasts)
}
