package analytics

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/leadlake/leadlake/lib/schema"
)

// FunnelClient is what the funnel is made of for one client.
type FunnelClient struct {
	// Source and Campaign are those of the first touch. Names of sources and
	// campaigns are equal but for blanks around them and letter case; tables show
	// them in lower case.
	Source, Campaign string
	Interests        []string // all that he ever asked about
	Reached          []Reached
	FirstOrder       Day   // of the purchases up to the as-of day; counts where there are Orders
	Orders           int64 // purchases
	RevenueMinor     int64 // of those whose money is known
}

// Reached says that events state a client at a stage on a day. Facts stand in any
// order and may repeat. One about an interest is one about the client as a whole,
// too; Interest is empty where none was named.
type Reached struct {
	Interest, Stage string
	Day             Day
}

// Funnel works out how far clients came (metrics.md, "Funnel and cost"). A stage
// counts from the first day a client reached it; a purchase reaches the last one.
// Clients who reached nothing are in none of its tables. It is for one goroutine.
type Funnel struct {
	stages  []string
	number  map[string]int
	clients []FunnelClient

	interests names             // number 0 is the client as a whole
	topics    map[string]uint32 // category → interest of that name
	won       cells[firstDay]   // by client<<32 | interest
}

// firstDay is the first of some days; the zero value is of none.
type firstDay struct {
	day   Day
	known bool
}

// NewFunnel takes the stages in their order, at least one, and the clients, whom
// Purchase numbers as they stand. They are not copied.
func NewFunnel(stages []string, clients []FunnelClient) *Funnel {
	f := &Funnel{stages: stages, number: make(map[string]int, len(stages)), clients: clients, interests: newNames()}
	for i, stage := range stages {
		f.number[stage] = i
	}
	f.interests.number("")
	for i := range clients {
		for _, interest := range clients[i].Interests {
			f.interests.number(interest)
		}
		for _, r := range clients[i].Reached {
			f.interests.number(r.Interest)
		}
	}
	f.topics = make(map[string]uint32, len(f.interests.values))
	known := order(f.interests.values)
	for _, i := range known {
		f.topics[f.interests.values[i]] = i
	}
	for _, i := range known { // the exact name goes before one in other letters
		if name := folded(f.interests.values[i]); f.topics[name] == 0 {
			f.topics[name] = i
		}
	}
	return f
}

// Topics reports whether any client has an interest: without one the interests of
// purchases are unknown, and nobody needs to tell of them.
func (f *Funnel) Topics() bool { return len(f.interests.values) > 1 }

// Purchase says what a purchase of a client was about: the interests that its
// order names, else those whose name is a category of its lines, else the only
// interest of the client. Where none of these is known it counts for the client
// as a whole alone.
func (f *Funnel) Purchase(client int, day Day, named, categories []string) {
	found := false
	win := func(interest uint32) {
		if interest != 0 {
			first := f.won.at(uint64(client)<<32 | uint64(interest)) //nolint:gosec // G115: the index of a slice
			if !first.known || day < first.day {
				*first = firstDay{day, true}
			}
			found = true
		}
	}
	for _, interest := range named {
		win(f.interests.number(interest))
	}
	if found {
		return
	}
	for _, category := range categories {
		interest, ok := f.topics[category]
		if !ok {
			interest = f.topics[folded(category)]
		}
		win(interest)
	}
	if only := f.clients[client].Interests; !found && len(only) == 1 {
		win(f.interests.number(only[0]))
	}
}

// folded is the form in which names are compared.
func folded(name string) string { return strings.ToLower(strings.TrimSpace(name)) }

// never is the day of a stage that was not reached.
const never = Day(math.MaxInt32)

// path is the first day of each stage, for a client as a whole or by one interest.
type path []Day

// entry is the first day of all.
func (p path) entry() Day { return slices.Min(p) }

// furthest is the last stage that was reached.
func (p path) furthest() int {
	last := len(p) - 1
	for p[last] == never {
		last--
	}
	return last
}

// walk visits the path of every client who reached something: first as a whole,
// which is interest 0, then by each interest in which he did. The path is lent.
func (f *Funnel) walk(visit func(client int, interest uint32, p path)) {
	type fact struct {
		client   int
		interest uint32
		stage    int
		day      Day
	}
	last := len(f.stages) - 1
	won := make([]fact, 0, f.won.used)
	for _, slot := range f.won.slots {
		if slot.key != 0 {
			key := slot.key - 1
			won = append(won, fact{int(key >> 32), uint32(key), last, slot.value.day}) //nolint:gosec // G115: both halves are meant
		}
	}
	slices.SortFunc(won, func(a, b fact) int { return cmp.Compare(a.client, b.client) })
	p := make(path, len(f.stages))
	var facts []fact
	for i := range f.clients {
		c := &f.clients[i]
		facts = facts[:0]
		if c.Orders > 0 {
			facts = append(facts, fact{i, 0, last, c.FirstOrder})
		}
		for _, r := range c.Reached {
			if stage, ok := f.number[r.Stage]; ok {
				facts = append(facts, fact{i, f.interests.number(r.Interest), stage, r.Day})
			}
		}
		for len(won) > 0 && won[0].client == i {
			facts, won = append(facts, won[0]), won[1:]
		}
		for _, one := range facts { // those that stand now, not what is appended
			if one.interest != 0 {
				facts = append(facts, fact{i, 0, one.stage, one.day})
			}
		}
		slices.SortFunc(facts, func(a, b fact) int { return cmp.Compare(a.interest, b.interest) })
		for from := 0; from < len(facts); {
			for stage := range p {
				p[stage] = never
			}
			interest := facts[from].interest
			for ; from < len(facts) && facts[from].interest == interest; from++ {
				p[facts[from].stage] = min(p[facts[from].stage], facts[from].day)
			}
			visit(i, interest, p)
		}
	}
}

// allTime stands for every month.
const allTime = Month(-1)

// funnelKey is a month or all time, an interest or 0 for all, a source or 0 for
// all.
type funnelKey struct {
	month            Month
	interest, source uint32
}

// funnelCell counts by stage.
type funnelCell struct {
	entered, current, known []int64
	cost                    int64
	costs                   bool // any cost is known, be it 0
}

// Rows is the table of the funnel, ordered by (month, stage, interest, source). An
// empty month is all time, an empty interest or source all of them; a month, an
// interest and a source that have a client or a cost have all stages.
//
// Entered counts who reached the stage or a later one for the first time in the
// month, current those whom the month brought into the funnel by the stage where
// they stand at the end of the as-of day. A cost is spread over those clients only
// whose first touch has a cost in the calendar month of their entry (costs.go), and
// is not known by interest.
func (f *Funnel) Rows(costs []Cost) []schema.FunnelRow {
	cells := map[funnelKey]*funnelCell{}
	at := func(key funnelKey) *funnelCell {
		cell := cells[key]
		if cell == nil {
			n := len(f.stages)
			counts := make([]int64, 3*n)
			cell = &funnelCell{entered: counts[:n], current: counts[n : 2*n], known: counts[2*n:]}
			cells[key] = cell
		}
		return cell
	}
	sources := newNames()
	sources.number("")
	known := make(map[costKey]bool, len(costs))
	for _, c := range costs {
		known[c.costKey()] = true
		source := sources.number(c.Source)
		for _, month := range []Month{allTime, c.Month} {
			for _, of := range both(source) {
				cell := at(funnelKey{month, 0, of})
				cell.cost, cell.costs = cell.cost+c.Minor, true
			}
		}
	}
	var months []Month // of the path, the one of the furthest stage first
	f.walk(func(client int, interest uint32, p path) {
		c := &f.clients[client]
		source, entered, furthest := folded(c.Source), p.entry().Month(), p.furthest()
		paid := interest == 0 && known[costKey{entered, source, folded(c.Campaign)}]
		for _, of := range both(sources.number(source)) {
			months = append(months[:0], allTime)
			at(funnelKey{allTime, interest, of}).enter(furthest, paid)
			for stage := furthest; stage >= 0; stage-- {
				if p[stage] != never && !slices.Contains(months, p[stage].Month()) {
					months = append(months, p[stage].Month())
					at(funnelKey{p[stage].Month(), interest, of}).enter(stage, paid)
				}
			}
			at(funnelKey{allTime, interest, of}).current[furthest]++
			at(funnelKey{entered, interest, of}).current[furthest]++
		}
	})
	return f.rows(cells, sources.values)
}

// both is the cells that something of a source counts in: its own and that of all.
func both(source uint32) []uint32 {
	if source == 0 {
		return []uint32{0}
	}
	return []uint32{0, source}
}

// enter counts a client who reached a stage.
func (c *funnelCell) enter(stage int, paid bool) {
	for s := range stage + 1 {
		c.entered[s]++
		if paid {
			c.known[s]++
		}
	}
}

func (f *Funnel) rows(cells map[funnelKey]*funnelCell, sources []string) []schema.FunnelRow {
	type placed struct {
		row   schema.FunnelRow
		stage int
	}
	all := make([]placed, 0, len(cells)*len(f.stages))
	for key, cell := range cells {
		for stage, name := range f.stages {
			row := schema.FunnelRow{
				Stage: name, Interest: f.interests.values[key.interest], Source: sources[key.source],
				Entered: cell.entered[stage], Current: cell.current[stage],
				ConversionFromTop: share(cell.entered[stage], cell.entered[0]),
			}
			if key.month != allTime {
				row.Month = key.month.String()
			}
			if stage > 0 {
				row.ConversionFromPrevious = share(cell.entered[stage], cell.entered[stage-1])
			}
			if key.interest == 0 {
				row.CostKnownFor = &cell.known[stage]
				if cell.costs {
					row.CostMinor, row.CostPerStageMinor = &cell.cost, each(cell.cost, cell.known[stage])
				}
			}
			all = append(all, placed{row, stage})
		}
	}
	slices.SortFunc(all, func(a, b placed) int {
		return cmp.Or(strings.Compare(a.row.Month, b.row.Month), cmp.Compare(a.stage, b.stage),
			strings.Compare(a.row.Interest, b.row.Interest), strings.Compare(a.row.Source, b.row.Source))
	})
	rows := make([]schema.FunnelRow, len(all))
	for i := range all {
		rows[i] = all[i].row
	}
	return rows
}

// share is part of whole; nil where there is no whole.
func share(part, whole int64) *float64 {
	if whole == 0 {
		return nil
	}
	x := ratio(part, whole)
	return &x
}

// each is a sum by count, rounded; nil for a count of 0.
func each(sum, count int64) *int64 {
	if count == 0 {
		return nil
	}
	x := perUnit(sum, count)
	return &x
}
