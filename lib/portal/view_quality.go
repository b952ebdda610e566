package portal

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/leadlake/leadlake/lib/card"
	"github.com/leadlake/leadlake/lib/schema"
)

// MergeSummary is what merging records has brought together.
type MergeSummary struct {
	Clients      int64 // made of several records
	Records      int64 // of these
	Suspects     int64 // of these: with different names
	RevenueMinor int64 // of these
	// Top has those with different names first, then the largest revenue.
	Top []MergedClient
}

// MergedClient is a client who was made of several records.
type MergedClient struct {
	ClientID     string
	Records      int64
	Names        int64
	Orders       int64
	RevenueMinor int64
}

// qualityView is how good the base is, as the page and the report show it.
type qualityView struct {
	Currency string
	Groups   []qualityGroup
	Columns  []string // measures of the table of sources
	Sources  []qualitySource
	Merges   MergeSummary
}

// qualityGroup is measures of one kind under a heading.
type qualityGroup struct {
	Key  string // catalogue: quality.group.KEY
	Rows []qualityRow
}

// qualityRow is one measure with what it means.
type qualityRow struct {
	schema.QualityRow
	measure card.Measure
	Title   Text
	Meaning Text
	Money   bool
	Whole   bool // counts all there are: a share of it says nothing
	Share   float64
}

type qualitySource struct {
	Name  string
	Cells []*qualityRow // of Columns; nil: unknown
	Rest  []qualityRow
}

// qualityCells is a row with the currency that its money is in.
type qualityCells struct {
	Currency string
	Row      qualityRow
}

// sourceColumns are the measures that stand side by side for every source.
func sourceColumns() []string {
	return []string{
		card.MeasureClients, card.MeasurePhone, card.MeasureEmail, card.MeasureName, card.MeasureBirth, card.MeasureAdsConsent,
		card.MeasureLeads, card.MeasureWaiting,
	}
}

func qualityRowOf(n *Night, row schema.QualityRow) (qualityRow, bool) {
	m, ok := card.DescribeMeasure(row.Measure)
	if !ok {
		return qualityRow{}, false
	}
	r := qualityRow{
		QualityRow: row, measure: m, Title: Text(m.Title), Meaning: Text(m.Meaning), Money: m.Money(),
		Whole: row.Measure == card.MeasureLeads || row.Measure == card.MeasureClients && row.Source == "",
		Share: ratio(row.Count, row.Of),
	}
	if reason, failed := strings.CutPrefix(row.Measure, card.MeasureFailed); failed {
		if text, known := n.Failures[reason]; known {
			r.Title = text
		}
	}
	return r, true
}

// viewQuality groups the measures of the base and of every source. A measure with
// nothing to be a share of is left out.
func viewQuality(n *Night) qualityView {
	v := qualityView{Currency: n.Business.Currency, Columns: sourceColumns(), Merges: n.Merges}
	var base []qualityRow
	bySource := map[string][]qualityRow{}
	for _, row := range n.Quality {
		r, ok := qualityRowOf(n, row)
		switch {
		case !ok || row.Of == 0:
		case row.Source == "":
			base = append(base, r)
		default:
			bySource[row.Source] = append(bySource[row.Source], r)
		}
	}
	order := func(a, b qualityRow) int { return a.measure.Compare(b.measure) }
	slices.SortStableFunc(base, order)
	for _, r := range base {
		if len(v.Groups) == 0 || v.Groups[len(v.Groups)-1].Key != r.measure.Group {
			v.Groups = append(v.Groups, qualityGroup{Key: r.measure.Group})
		}
		group := &v.Groups[len(v.Groups)-1]
		group.Rows = append(group.Rows, r)
	}
	for name, rows := range bySource {
		slices.SortStableFunc(rows, order)
		s := qualitySource{Name: name, Cells: make([]*qualityRow, len(v.Columns))}
		for i := range rows {
			if at := slices.Index(v.Columns, rows[i].Measure); at >= 0 {
				s.Cells[at] = &rows[i]
			} else if rows[i].measure.Verdict == card.Bad && rows[i].Count > 0 {
				s.Rest = append(s.Rest, rows[i])
			}
		}
		v.Sources = append(v.Sources, s)
	}
	slices.SortFunc(v.Sources, func(a, b qualitySource) int {
		of := func(s qualitySource) int64 {
			if s.Cells[0] == nil {
				return 0
			}
			return s.Cells[0].Count
		}
		return cmp.Or(cmp.Compare(of(b), of(a)), strings.Compare(a.Name, b.Name))
	})
	return v
}

// urgent is what is worth mending, the most pressing first, each with the share
// below which it may wait.
func urgent() []struct {
	measure string
	share   float64
} {
	return []struct {
		measure string
		share   float64
	}{
		{card.MeasureWaiting, 0.01},
		{card.MeasureNobody, 0.05},
		{card.MeasureMissing, 0.05},
		{card.MeasureFailed, 0.01},
		{card.MeasureAdsConsent + "_unknown", 0.2},
		{"phones_unreadable", 0.05},
		{"emails_unreadable", 0.05},
		{card.MeasureTypos, 0.01},
		{card.MeasureAnonymous, 0.05},
		{card.MeasureNames, 0.01},
	}
}

// fixFirst is what to mend first; false where nothing presses.
func fixFirst(n *Night) (qualityRow, bool) {
	for _, u := range urgent() {
		var worst qualityRow
		family := strings.HasSuffix(u.measure, "_") // of any field or reason, which only sources have
		for _, row := range n.Quality {
			same := row.Measure == u.measure && row.Source == ""
			if family {
				same = strings.HasPrefix(row.Measure, u.measure)
			}
			if !same {
				continue
			}
			if r, ok := qualityRowOf(n, row); ok && r.Share >= u.share && row.Count > worst.Count {
				worst = r
			}
		}
		if worst.Count > 0 {
			return worst, true
		}
	}
	return qualityRow{}, false
}

// qualityAnswer is how many clients can be reached, and what to mend first.
func qualityAnswer(l *locale, n *Night) (string, error) {
	i := slices.IndexFunc(n.Quality, func(r schema.QualityRow) bool { return r.Source == "" && r.Measure == card.MeasureReachable })
	if i < 0 || n.Quality[i].Of == 0 {
		return l.say("quality.answer.none")
	}
	reach := n.Quality[i]
	fix, ok := fixFirst(n)
	switch {
	case !ok:
		return l.say("quality.answer.fine", "reach", reach.Count, "n", reach.Of)
	case fix.Source != "":
		return l.say("quality.answer.source", "reach", reach.Count, "n", reach.Of, "what", fix.Title.In(l.code), "share", l.share(fix.Share), "source", fix.Source)
	}
	return l.say("quality.answer", "reach", reach.Count, "n", reach.Of, "what", fix.Title.In(l.code), "share", l.share(fix.Share))
}

func (p *Portal) quality(v *visit) error {
	n, pg, err := p.begin(v, "quality")
	if err != nil {
		return err
	}
	pg.Body = viewQuality(n)
	if pg.Answer, err = qualityAnswer(v.locale, n); err != nil {
		return err
	}
	pg.Action = &action{Label: v.say(&pg, &err, "quality.action"), Href: "/ledger"}
	if err != nil {
		return err
	}
	return p.show(v, http.StatusOK, pg)
}

type measureJSON struct {
	Source  string `json:"source"`
	Measure string `json:"measure"`
	Count   int64  `json:"count"`
	Of      int64  `json:"of"`
	Title   Text   `json:"title"`
	Meaning Text   `json:"meaning"`
}

type mergesJSON struct {
	Clients      int64        `json:"clients"`
	Records      int64        `json:"records"`
	Suspects     int64        `json:"clients_of_several_names"`
	RevenueMinor int64        `json:"revenue_minor"`
	Top          []mergedJSON `json:"top"`
}

type mergedJSON struct {
	ClientID     string `json:"client_id"`
	Records      int64  `json:"records"`
	Names        int64  `json:"names"`
	Orders       int64  `json:"orders"`
	RevenueMinor int64  `json:"revenue_minor"`
}

func (p *Portal) apiQuality(v *visit) error {
	n, err := p.readNight(v)
	if err != nil {
		return err
	}
	m := n.Merges
	return v.json(struct {
		Run      string        `json:"run"`
		Measures []measureJSON `json:"measures"`
		Merges   mergesJSON    `json:"merges"`
	}{
		n.Run,
		list(n.Quality, func(r schema.QualityRow) measureJSON {
			out := measureJSON{Source: r.Source, Measure: r.Measure, Count: r.Count, Of: r.Of}
			if row, ok := qualityRowOf(n, r); ok {
				out.Title, out.Meaning = row.Title, row.Meaning
			}
			return out
		}),
		mergesJSON{
			Clients: m.Clients, Records: m.Records, Suspects: m.Suspects, RevenueMinor: m.RevenueMinor,
			Top: list(m.Top, func(c MergedClient) mergedJSON { return mergedJSON(c) }),
		},
	})
}
