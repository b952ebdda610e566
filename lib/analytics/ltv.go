package analytics

import (
	"fmt"
	"math"
	"math/bits"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/schema"
)

// MetricLTV is the thresholds' metric of the lifetime value, with the rule
// [RuleClosedMonths]: bound_1 is churn_days, bound_2 the margin, bound_3 the horizon in
// months (0: none) and bound_4 how many closed months the window has at most.
const (
	MetricLTV        = "ltv"
	RuleClosedMonths = "closed_months"
)

// ModelLTV is the model of these parameters, money in minor units: arpa, churn
// (monthly), lifetime_months, ltv_minor; horizon_binds is 1 where the horizon cut the
// lifetime, else 0. Beside them what they were made of: window_months, window_from and
// window_to (as the number YYYYMM), and over the window revenue_minor, active,
// active_at_start, churned.
const ModelLTV = "ltv"

const (
	daysOfMonth = 30.4375 // of the mean month, 365.25 / 12
	ltvWindow   = 12      // closed months
)

// LTV is what clients bring by month and how they leave (metrics.md, "LTV and churn").
type LTV struct {
	Months    []schema.LTVRow   // ordered by month
	Models    []schema.ModelRow // ordered by parameter; empty without a client
	Threshold schema.ThresholdRow
}

// LifetimeValues works out churn by month and the lifetime value of a base.
//
// With s the first day of a month: a client is active at its start who bought on one
// of the churn_days days [s − churn_days, s), so not on s itself; he has churned who is
// active at its start and bought on none of the days [s, s + churn_days). The month is
// closed when both [s, s + churn_days) and the month itself have ended by the end of
// the as-of day. The latter matters where churn_days is shorter than the month: the
// revenue of half a month is no ARPA.
//
// ARPA, c and the monthly churn 1 − (1 − c)^(30.4375 / churn_days) of the model are of
// the sums over the last twelve closed months, fewer where there are not so many; a
// month at whose start nobody was active adds its revenue and no churn. The model is
// worked out from its own rounded parameters, so that a reader gets the same value.
// It refuses where no month is closed, where nobody was active at the start of any, and
// where nobody churned and there is no horizon.
//
// Revenue and clients are those of orders with a client.
func LifetimeValues(b *Base) LTV {
	c := b.Metrics
	out := LTV{Threshold: schema.ThresholdRow{Metric: MetricLTV, Entity: EntityClient, Rule: RuleClosedMonths}}
	setBounds(&out.Threshold, []float64{float64(c.ChurnDays), c.Margin, float64(c.LTVHorizon), ltvWindow})
	out.Threshold.Note = "days that decide churn; margin; longest lifetime in months; closed months at most"
	first, _, ok := b.sums.span()
	if !ok {
		return out
	}
	months := clientMonths(b)
	var window monthSums
	var of []Month
	for i := len(months) - 1; i >= 0 && len(of) < ltvWindow; i-- {
		if months[i].closed {
			window.add(months[i].monthSums)
			of = append(of, first+Month(i)) //nolint:gosec // G115: months of four-digit years
		}
	}
	out.Months = make([]schema.LTVRow, len(months))
	for i, m := range months {
		out.Months[i] = m.row(first+Month(i), c.ChurnDays)
	}
	if len(of) == 0 {
		out.Models = []schema.ModelRow{{Model: ModelLTV, Parameter: "refused:closed_months"}}
		return out
	}
	from, to := of[len(of)-1], of[0]
	out.Threshold.Note += fmt.Sprintf("; over the %d closed months %s to %s", len(of), from, to)
	out.Models = window.model(c, len(of), from, to)
	for _, row := range out.Models {
		if row.Parameter == "horizon_binds" && row.Value == 1 {
			out.Threshold.Note += "; the horizon binds"
		}
	}
	return out
}

// monthSums is what is added up over a window.
type monthSums struct{ active, revenue, atStart, churned int64 }

func (s *monthSums) add(of monthSums) {
	s.active += of.active
	s.revenue += of.revenue
	s.atStart += of.atStart
	s.churned += of.churned
}

type clientMonth struct {
	monthSums

	closed bool
}

func (m clientMonth) row(month Month, churnDays int) schema.LTVRow {
	row := schema.LTVRow{Month: month.String(), Active: m.active, RevenueMinor: m.revenue, Closed: m.closed}
	if m.active > 0 {
		arpa := perUnit(m.revenue, m.active)
		row.ARPAMinor = &arpa
	}
	if m.closed && m.atStart > 0 {
		share, monthly := ratio(m.churned, m.atStart), MonthlyChurn(m.churned, m.atStart, churnDays)
		row.ChurnedShare, row.MonthlyChurn = &share, &monthly
	}
	return row
}

// model makes the rows, in order.
func (s monthSums) model(c config.Metrics, months int, from, to Month) []schema.ModelRow {
	var rows []schema.ModelRow
	add := func(parameter string, value float64) {
		rows = append(rows, schema.ModelRow{Model: ModelLTV, Parameter: parameter, Value: value})
	}
	// Clients are counted once for each closed month with a purchase; where there is
	// no such month, nothing is known of what they bring.
	arpa, churn, known := 0.0, 0.0, s.active > 0 && s.atStart > 0
	add("active", float64(s.active))
	add("active_at_start", float64(s.atStart))
	if s.active > 0 {
		arpa = ratio(s.revenue, s.active)
		add("arpa", arpa)
	}
	if s.atStart > 0 {
		churn = MonthlyChurn(s.churned, s.atStart, c.ChurnDays)
		add("churn", churn)
	}
	add("churned", float64(s.churned))
	if known {
		if value, ok := Lifetime(arpa, c.Margin, churn, c.LTVHorizon); ok {
			binds := 0.0
			if value.HorizonBinds {
				binds = 1
			}
			add("horizon_binds", binds)
			add("lifetime_months", value.Months)
			add("ltv_minor", math.Round(value.Value))
		} else {
			add("refused:churned", float64(s.churned))
		}
	} else if s.active == 0 {
		add("refused:active", 0)
	} else {
		add("refused:active_at_start", 0)
	}
	add("revenue_minor", float64(s.revenue))
	number := func(m Month) float64 { return float64(m/12*100 + m%12 + 1) }
	add("window_from", number(from))
	add("window_months", float64(months))
	add("window_to", number(to))
	return rows
}

// MonthlyChurn turns the share of clients lost in churnDays days into that of a month,
// 1 − (1 − churned/of)^(30.4375 / churnDays), rounded for a table; of is above zero.
func MonthlyChurn(churned, of int64, churnDays int) float64 {
	// By logarithms, since of a small share the plain formula keeps few digits.
	rate := math.Log1p(-float64(churned)/float64(of)) * (daysOfMonth / float64(churnDays))
	return Round9(-math.Expm1(rate))
}

// Worth is a lifetime value.
type Worth struct {
	Value        float64 // in the unit of ARPA
	Months       float64 // of life
	HorizonBinds bool    // the horizon is shorter than 1 / churn
}

// Lifetime is ARPA × margin × lifetime with lifetime = min(1 / churn, horizon) months;
// horizon 0 is none. False where churn is 0 and there is no horizon: such a life has
// no end. A negative ARPA, of more returned than bought, gives a negative value.
func Lifetime(arpa, margin, churn float64, horizonMonths int) (Worth, bool) {
	w := Worth{Months: float64(horizonMonths)}
	switch {
	case churn > 0 && (horizonMonths == 0 || 1/churn <= w.Months):
		w.Months = Round9(1 / churn)
	case horizonMonths == 0:
		return Worth{}, false
	default:
		w.HorizonBinds = true
	}
	w.Value = Round9(arpa * margin * w.Months)
	return w, true
}

// clientMonths is every month from the first purchase of a client to the as-of day,
// in order.
func clientMonths(b *Base) []clientMonth {
	sums, n := b.sums, len(b.sums.ltv)
	months := make([]clientMonth, n)
	for back, of := range sums.ltv {
		begin := sums.begins[back]
		months[n-1-back] = clientMonth{of, begin+sums.wait <= b.AsOf+1 && (sums.last - Month(back)).EndedBy(b.AsOf)}
	}
	return months
}

// addLTV looks at the first and last day of each month in which a client bought, not
// at his orders: the last purchase before the start of a month is the last of an
// earlier month, the next one the first of that month or a later one. The months at
// whose start he is active follow each other, and so do those in which he is lost: only
// where they begin and end is noted, for settle.
func (s *monthlySums) addLTV(months []ClientMonth, calendar *calendar) {
	for i := range months {
		m := &months[i]
		back := int(s.last - m.Month)
		of := &s.ltv[back]
		of.active++
		of.revenue += m.RevenueMinor
		if back == 0 {
			continue // no month begins after it
		}
		last := s.begins[back] + Day(31-bits.LeadingZeros32(m.Days)) //nolint:gosec // G115: a month with a purchase has a bit
		stop, next := 0, Day(math.MaxInt32)
		if i+1 < len(months) {
			stop = int(s.last - months[i+1].Month)
			next = s.begins[stop] + Day(bits.TrailingZeros32(months[i+1].Days)) //nolint:gosec // G115: below 32
		}
		// Months from back-1 to until begin after the purchase and not after the next one,
		// and while he is active.
		until := stop
		if end := last + s.wait; end <= calendar.last {
			until = max(stop, int(s.last-calendar.of(end).month))
		}
		if until >= back {
			continue
		}
		s.ltv[back-1].atStart++
		if until > 0 {
			s.ltv[until-1].atStart--
		}
		if s.begins[back-1]+s.wait > next {
			continue // he comes back in time
		}
		// He is lost in those that begin churn_days or more before the next purchase.
		if next < math.MaxInt32 {
			until = max(until, int(s.last-calendar.of(next-s.wait).month))
		}
		s.ltv[back-1].churned++
		if until > 0 {
			s.ltv[until-1].churned--
		}
	}
}

// settle turns the beginnings and ends that addLTV noted into the numbers of months.
func (s *monthlySums) settle() {
	atStart, churned := int64(0), int64(0)
	for back := len(s.ltv) - 1; back >= 0; back-- {
		of := &s.ltv[back]
		atStart, churned = atStart+of.atStart, churned+of.churned
		of.atStart, of.churned = atStart, churned
	}
}

// checkLTV refuses what config.Parse would not have let through.
func checkLTV(m config.Metrics) error {
	switch {
	case m.ChurnDays < 1 || m.ChurnDays > longestWindow:
		return fmt.Errorf("%w: churn_days is %d", ErrConfig, m.ChurnDays)
	case !(m.Margin > 0 && m.Margin <= 1): // this way round NaN is refused too
		return fmt.Errorf("%w: margin is %v, want more than 0 and at most 1", ErrConfig, m.Margin)
	case m.LTVHorizon < 0:
		return fmt.Errorf("%w: ltv_horizon_months is %d", ErrConfig, m.LTVHorizon)
	case m.Cohorts != cohortsBounded && m.Cohorts != cohortsUnbounded:
		return fmt.Errorf("%w: cohorts is %q, want bounded or unbounded", ErrConfig, m.Cohorts)
	}
	return nil
}
