package spreadsheet

import (
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/money"
)

// CostRow is one row of an advertising cabinet's report: what a campaign cost on a
// day, or in a period within one calendar month.
type CostRow struct {
	Row              Row
	Day              string // YYYY-MM-DD as written, in no time zone but the report's; the first one of a period
	Source, Campaign string
	Account          string // of the cabinet, where the report names it
	Amount           money.Amount
	Clicks           *int64 // nil = not said
	Impressions      *int64
	Notes            []*RowError
}

// Costs gives the rows of a costs file in the same way as Orders does. The row
// with the sums of all campaigns, which Meta writes without a campaign, is a
// *RowError with the code Total like other lines of sums.
func Costs(t *Table) iter.Seq2[CostRow, error] {
	return func(yield func(CostRow, error) bool) {
		var all costTotals
		if t.Platform != "" && t.HeaderOf(Campaign) != "" {
			if err := all.read(t); err != nil {
				yield(CostRow{}, err)
				return
			}
		}
		read := func(r *reader, row Row) (CostRow, *RowError) {
			c, fault := r.cost(row)
			if c.Campaign == "" && len(all) > 0 && all.sum(r, row) {
				return c, &RowError{File: t.Name, Row: row.Number, Code: Total, Reason: "this is the sum of all campaigns and not a record; nothing needs to be done"}
			}
			return c, fault
		}
		for c, err := range typed(t, CostsFile, read, bareCost) {
			if !yield(c, err) {
				return
			}
		}
	}
}

func bareCost(row Row) CostRow { return CostRow{Row: row} }

func (r *reader) cost(row Row) (CostRow, *RowError) {
	r.begin(row)
	c := CostRow{Row: row, Source: r.value(Source), Campaign: r.value(Campaign), Account: r.value(Account)}
	var fault *RowError
	if c.Day, fault = r.costDay(); fault != nil {
		return c, fault
	}
	if c.Source == "" {
		return c, r.fault(Source, BadSource, "the source is empty; fill the cell")
	}
	c.Clicks, c.Impressions = r.whole(Clicks), r.whole(Impressions)
	if c.Amount, fault = r.spent(c); fault != nil {
		return c, fault
	}
	c.Notes = r.notes
	return c, nil
}

// costDay is the day, or the first one of a period in one month: costs are counted
// by the month, and how much of a longer period belongs where nobody knows.
func (r *reader) costDay() (string, *RowError) {
	if !r.has(Date) {
		day, ok := monthStart(r.cell(r.single[Month]))
		if !ok {
			return "", r.fault(Month, BadDate, "this is not a month; write it as YYYY-MM")
		}
		return day, nil
	}
	day, fault := r.day(Date)
	if fault != nil || r.value(DateEnd) == "" {
		return day, fault
	}
	end, fault := r.day(DateEnd)
	switch {
	case fault != nil:
		return "", fault
	case end < day:
		return "", r.fault(DateEnd, BadDate, "the period ends before it begins; correct one of the dates")
	case !period{day, end}.oneMonth():
		return "", r.fault(DateEnd, BadDate, "the row covers several days of more than one month; export the report by day, or month by month")
	}
	return day, nil
}

// spent is the row's amount. A cabinet leaves the cell empty where nothing was
// shown, and then nothing was spent.
func (r *reader) spent(c CostRow) (money.Amount, *RowError) {
	if fault := r.currency(); fault != nil {
		return money.Amount{}, fault
	}
	idle := (c.Clicks == nil || *c.Clicks == 0) && (c.Impressions == nil || *c.Impressions == 0) && len(r.notes) == 0
	if r.t.Platform == "" || !idle || !nothing(r.cell(r.amountCol)) {
		return r.amount()
	}
	if r.code == "" {
		r.code = r.t.opts.Currency
	}
	if r.code == "" {
		return r.amount() // says what is missing
	}
	return money.Amount{Currency: r.code}, nil
}

// costTotals is what all rows of a report with a campaign sum up to, by currency.
type costTotals map[string]*costTotal

type costTotal struct{ minor, clicks, impressions, rows int64 }

func (all *costTotals) read(t *Table) error {
	*all = costTotals{}
	for c, err := range typed(t, CostsFile, (*reader).cost, bareCost) {
		if err != nil {
			if !isRowError(err) {
				return err
			}
			continue
		}
		if c.Campaign == "" {
			continue
		}
		sum := (*all)[c.Amount.Currency]
		if sum == nil {
			sum = &costTotal{}
			(*all)[c.Amount.Currency] = sum
		}
		sum.minor += c.Amount.Minor
		sum.rows++
		if c.Clicks != nil {
			sum.clicks += *c.Clicks
		}
		if c.Impressions != nil {
			sum.impressions += *c.Impressions
		}
	}
	return nil
}

// sum tells whether a row without a campaign is the sum of those with one: its
// amount, rounded as each of theirs is, and what it says of clicks and impressions.
func (all costTotals) sum(r *reader, row Row) bool {
	r.begin(row)
	if r.currency() != nil {
		return false
	}
	amount, fault := r.amount()
	if fault != nil || all[amount.Currency] == nil {
		return false
	}
	of := all[amount.Currency]
	apart := amount.Minor - of.minor
	clicks, impressions := r.whole(Clicks), r.whole(Impressions)
	return max(apart, -apart) <= of.rows/2 &&
		(clicks == nil || *clicks == of.clicks) && (impressions == nil || *impressions == of.impressions)
}

// isCostTotal recognises a line of sums of a costs file: its first filled cell or
// its campaign says so, and it has no day. Where no row has a day the words have
// to be the whole cell, or to go on as cabinets go on: a campaign may be called
// "Total War".
func (t *Table) isCostTotal(cells []string) bool {
	cell := func(i int) string {
		if i < 0 || i >= len(cells) {
			return ""
		}
		return clean(cells[i])
	}
	named := ""
	for i := range cells {
		if named = cell(i); named != "" && !nothing(named) {
			break
		}
	}
	says, dated := totalWord(named), false
	for _, c := range t.Columns {
		switch text := cell(c.Index); c.Field {
		case Campaign:
			if !says && totalWord(text) {
				says, named = true, text
			}
		case Date, Month:
			dated = dated || c.Index >= 0
			if !nothing(text) && !totalWord(text) {
				return false
			}
		}
	}
	return says && (dated || wholeTotal(named))
}

// wholeTotal tells "Итого", "Total: Account", "Итого за период" and "Total of 3
// results" from the name of a campaign.
func wholeTotal(s string) bool {
	for _, word := range totalWords() {
		rest, ok := strings.CutPrefix(strings.ToLower(s), word)
		if !ok {
			continue
		}
		rest = strings.TrimSpace(rest)
		if rest == "" || rest[0] == ':' {
			return true
		}
		switch first, _, _ := strings.Cut(rest, " "); first {
		case "за", "по", "of", "for", "in", "rows:", "results":
			return true
		}
	}
	return false
}

// CostSums adds up the rows of each day, source, campaign and account: they are
// parts of one sum (ad groups, devices), while two statements of it would replace
// each other. The zero value is ready.
type CostSums struct {
	sums map[costKey]*CostSum
	keys []costKey
}

type costKey struct{ day, source, campaign, account string }

// entity names what a later statement replaces: another export's figure for the
// same day. A part keeps no colon, which joins them, and no @, since the lake
// withholds a name that looks like an address.
func (k costKey) entity() string {
	parts := []string{k.source, k.day, k.campaign}
	if k.account != "" {
		parts = append(parts, k.account)
	}
	for i := range parts {
		parts[i] = strings.NewReplacer("%", "%25", ":", "%3A", "@", "%40").Replace(parts[i])
	}
	return "cost:" + strings.Join(parts, ":")
}

// CostSum is one day's cost of a campaign.
type CostSum struct {
	Rows []Row // without their text, unless it was asked for

	currency      string
	minor, clicks int64
	clicked       bool
}

// Add takes a row; keep keeps its text. It is false for a row in another currency
// than those before it of the same campaign's day, which is not taken.
func (s *CostSums) Add(row CostRow, keep bool) bool {
	key := costKey{row.Day, row.Source, row.Campaign, row.Account}
	sum := s.sums[key]
	if sum == nil {
		if s.sums == nil {
			s.sums = map[costKey]*CostSum{}
		}
		sum = &CostSum{currency: row.Amount.Currency}
		s.sums[key], s.keys = sum, append(s.keys, key)
	}
	if sum.currency != row.Amount.Currency {
		return false
	}
	sum.minor += row.Amount.Minor
	if row.Clicks != nil {
		sum.clicks, sum.clicked = sum.clicks+*row.Clicks, true
	}
	if !keep {
		row.Row = Row{Number: row.Row.Number}
	}
	sum.Rows = append(sum.Rows, row.Row)
	return true
}

// Each calls use for every sum in the order of the file, until it returns false.
// The event has no id; its time is the beginning of the day in the location, and
// its entity the same in every export that tells of this day and campaign.
func (s *CostSums) Each(location *time.Location, use func(ev event.Event, rows []Row) bool) error {
	for _, k := range s.keys {
		sum := s.sums[k]
		cost := &event.Cost{Day: k.day, Source: k.source, Campaign: k.campaign, Amount: money.Decimal(sum.minor, sum.currency), Currency: sum.currency}
		if sum.clicked {
			cost.Clicks = strconv.FormatInt(sum.clicks, 10)
		}
		at, err := time.ParseInLocation(time.DateOnly, k.day, location)
		if err != nil {
			return fmt.Errorf("day of costs: %w", err) // the reader gives days in this form only
		}
		if !use(event.Event{Kind: event.CostSpent, Entity: k.entity(), At: at.UTC(), Cost: cost}, sum.Rows) {
			break
		}
	}
	return nil
}
