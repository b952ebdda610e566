package portal

import (
	"slices"

	"github.com/leadlake/leadlake/lib/schema"
)

// What a cohort table can show.
const (
	showShare      = "share"
	showClients    = "clients"
	showRevenue    = "revenue"
	showCumulative = "cumulative"
)

func cohortShows() []string { return []string{showShare, showClients, showRevenue, showCumulative} }

// smallCohort is where a share begins to say little: one client more or less
// moves it by more than three points.
const smallCohort = 30

type cohortView struct {
	Show     string
	Options  []cohortOption
	Currency string
	Periods  []int64
	Rows     []cohortRow
	// Averages of complete cells, weighted by the size of the cohorts.
	Averages []string
	// Next is the average share that bought again in the first month after;
	// negative where no month is complete.
	Next   float64
	Hidden int64 // older cohorts that are not shown
}

type cohortOption struct {
	Show   string
	Active bool
}

type cohortRow struct {
	Month string
	Size  int64
	Small bool
	Cells []cohortCell
}

type cohortCell struct {
	Text       string
	Class      string
	Incomplete bool
}

const shownCohorts = 24

// viewCohorts lays the newest 24 cohorts out, months down and periods across.
func viewCohorts(l *locale, n *Night, show string, options bool) cohortView {
	v := cohortView{Show: show, Currency: n.Business.Currency, Next: -1}
	if options {
		for _, s := range cohortShows() {
			v.Options = append(v.Options, cohortOption{Show: s, Active: s == show})
		}
	}
	byMonth := map[string][]schema.CohortRow{}
	var months []string
	for _, c := range n.Cohorts {
		if byMonth[c.CohortMonth] == nil {
			months = append(months, c.CohortMonth)
		}
		byMonth[c.CohortMonth] = append(byMonth[c.CohortMonth], c)
	}
	if len(months) > shownCohorts {
		v.Hidden = int64(len(months) - shownCohorts)
		months = months[len(months)-shownCohorts:]
	}
	// The first month is 100 % by definition and would flatten all others.
	skip := int64(0)
	if show == showShare || show == showClients {
		skip = 1
	}
	last, largest := int64(0), 0.0
	for _, month := range months {
		for _, c := range byMonth[month] {
			last = max(last, c.Period)
			if c.Period >= skip {
				largest = max(largest, cohortValue(c, show))
			}
		}
	}
	for period := range last + 1 {
		v.Periods = append(v.Periods, period)
	}
	sums, weights := make([]float64, last+1), make([]float64, last+1)
	for _, month := range months {
		row := cohortRow{Month: month, Cells: make([]cohortCell, 0, last+1)}
		cells := make([]cohortCell, last+1)
		for _, c := range byMonth[month] {
			row.Size, row.Small = c.Clients, c.Clients < smallCohort
			value := cohortValue(c, show)
			cell := cohortCell{Text: cohortText(l, n, show, value), Incomplete: !c.Complete, Class: heat(value, largest)}
			if c.Period < skip {
				cell.Class = "first"
			}
			cells[c.Period] = cell
			if c.Complete {
				sums[c.Period] += cohortAverage(c, show)
				weights[c.Period] += cohortWeight(c, show)
			}
		}
		row.Cells = append(row.Cells, cells...)
		v.Rows = append(v.Rows, row)
	}
	for i, weight := range weights {
		text := ""
		if weight > 0 {
			text = cohortText(l, n, show, sums[i]/weight)
		}
		v.Averages = append(v.Averages, text)
	}
	v.Next = nextMonth(n.Cohorts)
	return v
}

// nextMonth is the share of all clients of complete first months that came back
// in the month after; negative where there is none.
func nextMonth(rows []schema.CohortRow) float64 {
	var active, clients int64
	for _, c := range rows {
		if c.Period == 1 && c.Complete {
			active += c.Active
			clients += c.Clients
		}
	}
	if clients == 0 {
		return -1
	}
	return ratio(active, clients)
}

func cohortValue(c schema.CohortRow, show string) float64 {
	switch show {
	case showClients:
		return float64(c.Active)
	case showRevenue:
		return float64(c.RevenueMinor)
	case showCumulative:
		if c.Clients == 0 {
			return 0
		}
		return float64(c.CumulativeRevenueMinor) / float64(c.Clients)
	}
	return c.Retention
}

// cohortAverage and cohortWeight make a weighted mean: of shares and of money per
// client by clients, of sums by cohorts.
func cohortAverage(c schema.CohortRow, show string) float64 {
	switch show {
	case showShare:
		return float64(c.Active)
	case showCumulative:
		return float64(c.CumulativeRevenueMinor)
	}
	return cohortValue(c, show)
}

func cohortWeight(c schema.CohortRow, show string) float64 {
	if show == showShare || show == showCumulative {
		return float64(c.Clients)
	}
	return 1
}

func cohortText(l *locale, n *Night, show string, value float64) string {
	switch show {
	case showClients:
		return l.number(int64(value + 0.5))
	case showRevenue, showCumulative:
		return l.units(n.Business.Currency, int64(value))
	}
	return l.share(value)
}

// cohortShow is the asked view, or shares.
func cohortShow(asked string) string {
	if slices.Contains(cohortShows(), asked) {
		return asked
	}
	return showShare
}
