package analytics

import (
	"math/bits"

	"github.com/leadlake/leadlake/lib/analytics/prediction"
)

// longestHoldout is the most days that a back-test holds out: 26 weeks.
const longestHoldout = 26 * 7

// backtest fits BG/NBD on what was known some time ago and compares what it expects
// of the time since with what happened. Held out is the last third of the days
// between the first purchase of the base and the as-of day, at most 26 weeks.
// Compared are the clients who had bought before: their days with a purchase in
// total, and how well the expectation, or simply the day of the last purchase,
// ranks those who came back above those who did not (AUC: 0.5 is chance, 1 is
// perfect).
func (p *Predictions) backtest(b *Base) {
	if b.Len() == 0 {
		return
	}
	first := b.Earliest()
	held := min(int(b.AsOf-first)/3, longestHoldout)
	if held < 1 {
		p.say(ModelBacktest, Refused+"span_days", float64(b.AsOf-first))
		return
	}
	cut := b.AsOf - Day(held)
	var histories []prediction.History
	var came []prediction.Ranked // by the day of the last purchase before the cut
	actual := int64(0)
	starts := map[Month]Day{}
	for i := range b.Len() {
		c := b.at(i)
		if c.first > cut {
			continue
		}
		days, last, after := b.split(i, cut, starts)
		histories = append(histories, prediction.History{
			Repeats: int32(days - 1), Last: int32(last - c.first), Age: int32(cut - c.first), //nolint:gosec // G115: days of a calendar
		})
		came = append(came, prediction.Ranked{Score: float64(last), Came: after > 0})
		actual += int64(after)
	}
	grouped := prediction.Group(histories)
	fitted, ok := p.fitPurchases(ModelBacktest, prediction.BGNBD, grouped)
	if !ok {
		return
	}
	predicted, expected := 0.0, make([]float64, grouped.Groups())
	for g := range expected {
		history, clients := grouped.Group(g)
		expected[g] = fitted.Expected(history, held)
		predicted += float64(float64(clients) * expected[g])
	}
	p.say(ModelBacktest, "days", float64(held))
	p.say(ModelBacktest, "clients", float64(len(histories)))
	p.say(ModelBacktest, "predicted_orders", predicted)
	p.say(ModelBacktest, "actual_orders", float64(actual))
	ranked := make([]prediction.Ranked, len(came))
	back := 0
	for i := range ranked {
		ranked[i] = prediction.Ranked{Score: expected[grouped.Of(i)], Came: came[i].Came}
		if came[i].Came {
			back++
		}
	}
	auc, ok := prediction.AUC(ranked)
	if !ok {
		p.say(ModelBacktest, Refused+"auc_came_back", float64(back)) // all or nobody: there is nothing to rank
		return
	}
	recency, _ := prediction.AUC(came)
	p.say(ModelBacktest, "auc", auc)
	p.say(ModelBacktest, "auc_recency", recency)
}

// split counts the purchase days of the client at a place up to the cut, with the
// last of them, and after it. Starts remembers the first days of months.
func (b *Base) split(place int, cut Day, starts map[Month]Day) (days int, last Day, after int) {
	for _, m := range b.History(place) {
		start, ok := starts[m.Month]
		if !ok {
			start = m.Month.First()
			starts[m.Month] = start
		}
		before := m.Days
		if room := cut - start + 1; room < 32 {
			before &= 1<<max(0, room) - 1
		}
		days += bits.OnesCount32(before)
		after += bits.OnesCount32(m.Days &^ before)
		if before != 0 {
			last = start + Day(bits.Len32(before)-1) //nolint:gosec // G115: a day of a month
		}
	}
	return days, last, after
}
