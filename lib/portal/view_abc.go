package portal

import (
	"fmt"
	"strings"

	"github.com/leadlake/leadlake/lib/schema"
)

type abcView struct {
	Currency string
	Entity   string
	Tabs     []abcTab
	Summary  *ABCSummary
	Answer   string
	Pareto   *paretoChart
	Classes  []abcClass
	Top      []abcRow
}

type abcTab struct {
	Entity string
	Active bool
}

type abcClass struct {
	Class        string
	Count        int64
	CountShare   float64
	RevenueMinor int64
	RevenueShare float64
}

type abcRow struct {
	Rank int
	schema.ABCRow
}

// paretoChart is a curve in the coordinates of its view box. The plot is 100 %
// of plotWidth × plotHeight, from the corner (plotLeft, plotTop).
type paretoChart struct {
	Curve string // points of a polyline
	Area  string // the same, closed along the bottom
	Lines []chartLine
	Marks []chartMark
}

type chartLine struct {
	Y     string
	Label string
}

type chartMark struct {
	X     string
	Label string
}

const (
	plotLeft   = 44
	plotTop    = 12
	plotWidth  = 380
	plotHeight = 200
)

// viewABC shows one entity; an entity without rows gives the first that has some.
// shownTop is how many of the largest a page lists.
const shownTop = 25

func viewABC(l *locale, n *Night, entity string, tabs bool) (abcView, error) {
	v := abcView{Currency: n.Business.Currency}
	for i := range n.ABC {
		if v.Summary == nil || n.ABC[i].Entity == entity {
			v.Summary = &n.ABC[i]
		}
	}
	if v.Summary == nil {
		return v, nil
	}
	v.Entity = v.Summary.Entity
	if tabs {
		for _, s := range n.ABC {
			v.Tabs = append(v.Tabs, abcTab{Entity: s.Entity, Active: s.Entity == v.Entity})
		}
	}
	for i, class := range v.Summary.Classes {
		v.Classes = append(v.Classes, abcClass{
			Class: string("ABC"[i]), Count: class.Count, CountShare: ratio(class.Count, v.Summary.Count),
			RevenueMinor: class.RevenueMinor, RevenueShare: ratio(class.RevenueMinor, v.Summary.RevenueMinor),
		})
	}
	for i, row := range v.Summary.Top[:min(shownTop, len(v.Summary.Top))] {
		v.Top = append(v.Top, abcRow{Rank: i + 1, ABCRow: row})
	}
	if len(v.Summary.Curve) == 0 {
		return v, nil
	}
	answer, err := l.say("abc.answer."+v.Entity, "share", l.share(v.Summary.TopFifthShare), "n", v.Summary.Classes[0].Count,
		"of", v.Summary.Count)
	if err != nil {
		return abcView{}, err
	}
	v.Answer = answer
	v.Pareto = pareto(l, v.Summary.Curve)
	return v, nil
}

func pareto(l *locale, curve []CurvePoint) *paretoChart {
	// The conversions forbid fusing on arm64, which would round another way.
	x := func(rank float64) string { return coordinate(plotLeft + float64(rank*plotWidth)) }
	y := func(share float64) string { return coordinate(plotTop + float64((1-min(max(share, 0), 1))*plotHeight)) }
	var points []string
	for _, p := range curve {
		points = append(points, x(p.Rank)+","+y(p.Share))
	}
	c := &paretoChart{Curve: strings.Join(points, " ")}
	c.Area = x(0) + "," + y(0) + " " + c.Curve + " " + x(1) + "," + y(0)
	for _, share := range []float64{0.80, 0.95} {
		c.Lines = append(c.Lines, chartLine{Y: y(share), Label: l.share(share)})
	}
	for _, rank := range []float64{0, 0.2, 0.4, 0.6, 0.8, 1} {
		c.Marks = append(c.Marks, chartMark{X: x(rank), Label: l.share(rank)})
	}
	return c
}

// coordinate is written by the page itself, with a point in every language.
func coordinate(v float64) string { return fmt.Sprintf("%.1f", v) }
