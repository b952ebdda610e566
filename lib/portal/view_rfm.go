package portal

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/leadlake/leadlake/lib/schema"
)

// rfmView is the matrix with the segments below it.
type rfmView struct {
	Currency string
	Tables   []rfmTable
	Segments []segmentCard
	Notes    []string
	Groups   int64
}

// rfmTable is one value of M: rows are R, columns F, the best first.
type rfmTable struct {
	M       int64
	Label   string // "from 12 300 ₽"
	Clients int64
	Columns []rfmAxis
	Rows    []rfmRow
}

type rfmAxis struct {
	Score int64
	Label string
}

type rfmRow struct {
	rfmAxis
	Cells []rfmCell
}

type rfmCell struct {
	Code    string
	Segment string
	Title   Text
	Clients int64
	Share   float64
	Class   string
	Href    string // empty in the report
}

// segmentCard is one segment of the playbook with its instruction.
type segmentCard struct {
	Key          string
	Title        Text
	Codes        []string
	Bounds       Text
	Clients      int64
	Share        float64
	RevenueMinor int64
	RevenueShare float64
	Meaning      Text
	Do           Text
	DoNot        Text
	Currency     string
	Href         string // the segment's page; empty in the report
	FilesHref    string // "make a file"; empty where the reader may not
}

// viewRFM lays the matrix out. With links off no cell leads anywhere.
func viewRFM(l *locale, n *Night, links, files bool) (rfmView, error) {
	v := rfmView{Currency: n.Business.Currency, Groups: n.Groups}
	codes := map[string]schema.RFMCodeRow{}
	largest := int64(0)
	for _, row := range n.Codes {
		codes[row.Code] = row
		largest = max(largest, row.Clients)
	}
	titles := map[string]Text{}
	for _, s := range n.Playbook {
		titles[s.Key] = s.Title
	}
	axes := map[string][]rfmAxis{}
	for _, metric := range []string{"recency", "frequency", "monetary"} {
		axis, err := axisOf(l, n, metric)
		if err != nil {
			return rfmView{}, err
		}
		axes[metric] = axis
	}
	for _, m := range axes["monetary"] {
		table := rfmTable{M: m.Score, Label: m.Label, Columns: axes["frequency"]}
		for _, r := range axes["recency"] {
			row := rfmRow{rfmAxis: r}
			for _, f := range axes["frequency"] {
				code := codes[digits(r.Score, f.Score, m.Score)]
				cell := rfmCell{
					Code: digits(r.Score, f.Score, m.Score), Segment: code.Segment, Title: titles[code.Segment],
					Clients: code.Clients, Share: code.Share, Class: heatRoot(float64(code.Clients), float64(largest)),
				}
				if links {
					cell.Href = "/rfm/" + cell.Code
				}
				table.Clients += cell.Clients
				row.Cells = append(row.Cells, cell)
			}
			table.Rows = append(table.Rows, row)
		}
		v.Tables = append(v.Tables, table)
	}
	v.Segments = cards(n, links, files)
	for i, metric := range []string{"recency", "frequency", "monetary"} {
		if groups := scoresUsed(n.Codes, i); groups > 0 && groups < n.Groups {
			note, err := l.say("rfm.only."+metric, "n", groups)
			if err != nil {
				return rfmView{}, err
			}
			v.Notes = append(v.Notes, note)
		}
	}
	return v, nil
}

// scoresUsed counts the different digits at a place of the codes that have clients:
// fewer than the groups where many clients share one value.
func scoresUsed(codes []schema.RFMCodeRow, place int) int64 {
	seen := map[byte]bool{}
	for _, row := range codes {
		if row.Clients > 0 && place < len(row.Code) {
			seen[row.Code[place]] = true
		}
	}
	return int64(len(seen))
}

func digits(scores ...int64) string {
	var code []byte
	for _, s := range scores {
		code = strconv.AppendInt(code, s, 10)
	}
	return string(code)
}

// cards sums the codes of each segment, the most money first.
func cards(n *Night, links, files bool) []segmentCard {
	var clients, revenue int64
	for _, row := range n.Codes {
		clients += row.Clients
		revenue += row.RevenueMinor
	}
	var out []segmentCard
	for _, s := range n.Playbook {
		card := segmentCard{
			Key: s.Key, Title: s.Title, Codes: s.Codes, Bounds: s.Bounds, Meaning: s.Meaning, Do: s.Do, DoNot: s.DoNot,
			Currency: n.Business.Currency,
		}
		for _, row := range n.Codes {
			if slices.Contains(s.Codes, row.Code) {
				card.Clients += row.Clients
				card.RevenueMinor += row.RevenueMinor
			}
		}
		card.Share, card.RevenueShare = ratio(card.Clients, clients), ratio(card.RevenueMinor, revenue)
		if links {
			card.Href = "/segments/" + s.Key
		}
		if files {
			card.FilesHref = "/exports?segment=" + s.Key
		}
		out = append(out, card)
	}
	slices.SortStableFunc(out, func(a, b segmentCard) int { return cmp.Compare(b.RevenueMinor, a.RevenueMinor) })
	return out
}

func ratio(part, whole int64) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

// axisOf names the groups of one metric by their real bounds, the best first.
// Bounds of money are minor units.
func axisOf(l *locale, n *Night, metric string) ([]rfmAxis, error) {
	var bounds []float64
	for _, t := range n.Thresholds {
		if t.Metric == metric && t.Entity == "client" {
			for _, b := range []*float64{t.Bound1, t.Bound2, t.Bound3, t.Bound4, t.Bound5, t.Bound6, t.Bound7, t.Bound8, t.Bound9} {
				if b != nil {
					bounds = append(bounds, *b)
				}
			}
			break
		}
	}
	groups := max(n.Groups, 1)
	var axis []rfmAxis
	for score := groups; score >= 1; score-- {
		label := ""
		if int64(len(bounds)) >= groups-1 {
			step := score - 1 // thresholds below this group
			if metric == "recency" {
				step = groups - score // the fewest days are the best
			}
			low, high := math.Inf(-1), math.Inf(1)
			if step > 0 {
				low = bounds[step-1]
			}
			if step < groups-1 {
				high = bounds[step]
			}
			text, err := rangeLabel(l, n, metric, low, high)
			if err != nil {
				return nil, err
			}
			label = strings.ReplaceAll(text, hardSpace, " ") // a narrow column may break it
		}
		axis = append(axis, rfmAxis{Score: score, Label: label})
	}
	return axis, nil
}

// rangeLabel says (low, high] in the metric's words. Days and orders are whole,
// so their ranges are written with both ends inside.
func rangeLabel(l *locale, n *Night, metric string, low, high float64) (string, error) {
	if metric == "monetary" {
		from, to := l.money(n.Business.Currency, int64(max(low, 0))), ""
		if !math.IsInf(high, 1) {
			to = l.money(n.Business.Currency, int64(high))
		}
		switch {
		case math.IsInf(low, -1):
			return l.say("range.money.upto", "to", to)
		case math.IsInf(high, 1):
			return l.say("range.money.over", "from", from)
		case low >= high:
			return l.say("range.none")
		}
		return l.say("range.money", "from", from, "to", to)
	}
	unit := "range.days"
	first := int64(0)
	if metric == "frequency" {
		unit, first = "range.orders", 1
	}
	if !math.IsInf(low, -1) {
		first = int64(math.Floor(low)) + 1
	}
	if math.IsInf(high, 1) {
		return l.say(unit+".from", "from", first)
	}
	last := int64(math.Floor(high))
	switch {
	case last < first:
		return l.say("range.none")
	case last == first:
		return l.say(unit+".one", "n", first)
	}
	return l.say(unit, "from", first, "to", last)
}
