package portal

import (
	"math"
	"slices"
	"strconv"

	"github.com/leadlake/leadlake/lib/schema"
)

// summaryCard is one number with what it means.
type summaryCard struct {
	Key        string // catalogue: card.KEY, card.KEY.what
	Value      string
	Exact      string
	Note       string
	Change     string
	Definition string
	Href       string
}

type overviewBody struct {
	Cards    []summaryCard
	First    []segmentCard
	Months   *monthChart
	Sources  []SourceState
	Failed   int64
	Other    []OtherMoney
	Outside  int64 // orders without a client
	Currency string
}

// answer is the base in one sentence, and what to do about it.
func answer(l *locale, n *Night) (string, error) {
	s := n.Summary
	silent := s.Sleeping + s.Dead
	switch {
	case s.Buyers == 0:
		return l.say("overview.answer.none", "clients", s.Clients)
	case silent == 0:
		return l.say("overview.answer.active", "active", s.Active, "buyers", s.Buyers)
	}
	spent, err := l.short(n.Business.Currency, s.SleepingMinor+s.DeadMinor)
	if err != nil {
		return "", err
	}
	return l.say("overview.answer.silent", "silent", silent, "buyers", s.Buyers, "money", spent)
}

// summaryCards are the six numbers of the overview. Without links nothing leads
// away, as in the report.
func summaryCards(l *locale, n *Night, links bool) ([]summaryCard, error) {
	s, currency := n.Summary, n.Business.Currency
	var faults []error
	say := func(key string, args ...any) string {
		text, err := l.say(key, args...)
		if err != nil {
			faults = append(faults, err)
		}
		return text
	}
	unknown := say("unknown")
	average, exactAverage := unknown, ""
	if s.Orders > 0 {
		mean := int64(math.Round(float64(s.RevenueMinor) / float64(s.Orders)))
		average, exactAverage = l.money(currency, mean), l.exact(currency, mean)
	}
	since := unknown
	if s.FirstDay != "" {
		first, err := l.day(s.FirstDay)
		if err != nil {
			return nil, err
		}
		since = first
	}
	revenue, err := l.short(currency, s.RevenueMinor)
	if err != nil {
		return nil, err
	}
	of := func(part int64) string {
		if s.Buyers == 0 {
			return unknown
		}
		return say("card.of_buyers", "share", l.share(ratio(part, s.Buyers)))
	}
	consent := unknown
	if s.Clients > 0 {
		consent = say("card.of_clients", "share", l.share(ratio(s.AdsConsent, s.Clients)))
	}
	out := []summaryCard{
		{Key: "buyers", Value: l.number(s.Buyers), Note: say("card.buyers.note", "clients", s.Clients), Href: "/segments"},
		{Key: "revenue", Value: revenue, Exact: l.exact(currency, s.RevenueMinor), Note: say("card.revenue.note", "day", since), Href: "/abc"},
		{Key: "average", Value: average, Exact: exactAverage, Note: say("card.average.note", "orders", s.Orders), Href: "/abc"},
		{Key: "active", Value: l.number(s.Active), Note: of(s.Active), Href: "/rfm"},
		{Key: "repeat", Value: l.number(s.Repeat), Note: of(s.Repeat), Href: "/cohorts"},
		{Key: "consent", Value: l.number(s.AdsConsent), Note: consent, Href: "/segments"},
	}
	if p := n.Previous; p != nil {
		before := p.Summary
		changes := []int64{s.Buyers - before.Buyers, s.RevenueMinor - before.RevenueMinor, 0, s.Active - before.Active, s.Repeat - before.Repeat, s.AdsConsent - before.AdsConsent}
		day, err := l.day(p.AsOf)
		if err != nil {
			return nil, err
		}
		for i, change := range changes {
			if out[i].Key == "average" {
				continue // a mean of everything hardly moves in a night
			}
			text := l.number(change)
			if out[i].Key == "revenue" {
				text = l.money(currency, change)
			}
			if change > 0 {
				text = "+" + text
			}
			out[i].Change = say("card.change", "change", text, "day", day)
			if change == 0 {
				out[i].Change = say("card.same", "day", day)
			}
		}
	}
	for i := range out {
		if !links {
			out[i].Href = ""
		}
		out[i].Definition = say("card." + out[i].Key + ".what")
	}
	if faults != nil {
		return nil, faults[0]
	}
	return out, nil
}

// first are the segments whom it pays to call today, in the playbook's urgency.
func first(n *Night, files bool) []segmentCard {
	all := cards(n, true, files)
	var out []segmentCard
	for _, key := range []string{"cant_lose", "cooling_valuable", "big_new"} {
		i := slices.IndexFunc(all, func(c segmentCard) bool { return c.Key == key && c.Clients > 0 })
		if i >= 0 {
			out = append(out, all[i])
		}
	}
	return out
}

// monthChart is buyers by month as stacked bars, the newest twelve months.
type monthChart struct {
	Bars  []monthBar
	Lines []chartLine
	Rows  []schema.LifecycleRow
	// Running is the month that has not ended, empty where the last one has.
	Running string
}

type monthBar struct {
	Month string
	Label string
	LabelX, LabelY,
	X, Width string
	Parts []barPart
	Tip   string
}

type barPart struct {
	Class     string
	Y, Height string
}

func viewMonths(l *locale, n *Night) (*monthChart, error) {
	rows := n.Lifecycle
	if len(rows) > 12 {
		rows = rows[len(rows)-12:]
	}
	if len(rows) == 0 {
		return nil, nil //nolint:nilnil // no months, no chart: the template asks
	}
	c := &monthChart{Rows: rows}
	if len(n.AsOf) >= 7 && !endOfMonth(n.AsOf) {
		c.Running = n.AsOf[:7]
	}
	largest := int64(1)
	for _, r := range rows {
		largest = max(largest, r.New+r.Returning+r.Resurrected)
	}
	top := niceTop(largest)
	// Here and below the conversions forbid fusing on arm64, which would round another way.
	y := func(v int64) float64 { return plotTop + float64(plotHeight*(1-float64(v)/float64(top))) }
	for _, v := range []int64{0, top / 2, top} {
		c.Lines = append(c.Lines, chartLine{Y: coordinate(y(v)), Label: l.number(v)})
	}
	step := float64(plotWidth) / float64(len(rows))
	for i, r := range rows {
		left := plotLeft + float64(step*float64(i))
		name, err := l.month(r.Month)
		if err != nil {
			return nil, err
		}
		tip, err := l.say("months.tip", "month", name, "new", r.New, "returning", r.Returning, "resurrected", r.Resurrected)
		if err != nil {
			return nil, err
		}
		bar := monthBar{
			Month: r.Month, Tip: tip, X: coordinate(left + float64(step*0.15)), Width: coordinate(step * 0.7),
			LabelX: coordinate(left + step/2), LabelY: coordinate(plotTop + plotHeight + 16),
		}
		if len(r.Month) == 7 {
			if bar.Label, err = l.say("month." + r.Month[5:]); err != nil {
				return nil, err
			}
		}
		below := int64(0)
		for _, part := range []struct {
			class string
			n     int64
		}{{"returning", r.Returning}, {"resurrected", r.Resurrected}, {"new", r.New}} {
			if part.n > 0 {
				bar.Parts = append(bar.Parts, barPart{
					Class: "bar-" + part.class, Y: coordinate(y(below + part.n)), Height: coordinate(y(below) - y(below+part.n)),
				})
			}
			below += part.n
		}
		c.Bars = append(c.Bars, bar)
	}
	return c, nil
}

// niceTop rounds a scale's end up to a number whose half is whole and easy to
// read: 2, 2.4, 3, 4, 5, 6, 8 or 10 times a power of ten.
func niceTop(n int64) int64 {
	for power := int64(1); ; power *= 10 {
		for _, tenths := range []int64{20, 24, 30, 40, 50, 60, 80, 100} {
			if top := tenths * power / 10; top >= n && tenths*power%20 == 0 {
				return top
			}
		}
	}
}

// endOfMonth tells whether the day is the last of its month.
func endOfMonth(day string) bool {
	if len(day) != 10 {
		return false
	}
	year, err1 := strconv.Atoi(day[:4])
	month, err2 := strconv.Atoi(day[5:7])
	d, err3 := strconv.Atoi(day[8:])
	if err1 != nil || err2 != nil || err3 != nil {
		return false
	}
	return d == daysIn(year, month)
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}
