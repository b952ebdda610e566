package portal

import (
	"cmp"
	"slices"
)

// segmentsView is the segments of a night by families, as the page and the report
// show them.
type segmentsView struct {
	Families []segmentFamily
	Currency string
	Links    bool // to the clients behind a segment
	Export   bool // links to its files
	Moves    bool // there is a night to compare with
}

// segmentFamily is a table of segments of one kind. The playbook's come with the
// largest revenue first, others in the night's order.
type segmentFamily struct {
	Key  string
	Name string
	Rows []segmentRow
}

type segmentRow struct {
	SegmentSummary
	Bounds Text
	Share  float64 // of all clients
}

// segmentCells is a family on its way into the table that the page and the report share.
type segmentCells struct {
	View   segmentsView
	Family segmentFamily
}

// viewSegments sorts the segments into their families. A report, which has no pages
// behind its numbers, gets neither links nor segments without a client.
func viewSegments(l *locale, n *Night, export, page bool) (segmentsView, error) {
	view := segmentsView{Currency: n.Business.Currency, Export: export && page, Links: page}
	for _, s := range n.Segments {
		if !page && s.Clients == 0 {
			continue
		}
		row := segmentRow{SegmentSummary: s, Share: ratio(s.Clients, n.Summary.Clients)}
		if i := slices.IndexFunc(n.Playbook, func(b PlaybookSegment) bool { return b.Key == s.Key }); i >= 0 {
			row.Bounds = n.Playbook[i].Bounds
		}
		key := familyShown(s.Family)
		at := slices.IndexFunc(view.Families, func(f segmentFamily) bool { return f.Key == key })
		if at < 0 {
			at = len(view.Families)
			name, err := l.say("segments.family." + key)
			if err != nil {
				return view, err
			}
			view.Families = append(view.Families, segmentFamily{Key: key, Name: name})
		}
		view.Families[at].Rows = append(view.Families[at].Rows, row)
		view.Moves = view.Moves || s.Entered != nil
	}
	for _, f := range view.Families {
		if f.Key == FamilyPlaybook {
			slices.SortStableFunc(f.Rows, func(a, b segmentRow) int { return cmp.Compare(b.RevenueMinor, a.RevenueMinor) })
		}
	}
	return view, nil
}

// familyShown is the heading under which a family stands: small families of one kind
// stand together.
func familyShown(family string) string {
	switch family {
	case FamilyOwn, FamilyPlaybook, "rfm_codes", "abc", "lifecycle", "activity", "labels", "interests", "seasons", "managers", "tags":
		return family
	case "big_spenders_city", "big_spenders_category":
		return "big_spenders"
	case "sleeping_year", "last_purchase", "second_order", "replenishment", "not_contacted", "unfinished":
		return "time"
	case "birthdays", "birthday_missing":
		return "birthdays"
	case "unsubscribed", "seeds", "reach":
		return "reach"
	}
	return "all"
}

// segmentsAnswer names the playbook's segment that brought the most; other segments
// overlap, and all buyers together would always win.
func segmentsAnswer(l *locale, n *Night, view segmentsView) (string, error) {
	listed := 0
	for _, f := range view.Families {
		listed += len(f.Rows)
	}
	largest := SegmentSummary{}
	for _, s := range n.Segments {
		if s.Family == FamilyPlaybook && s.RevenueMinor > largest.RevenueMinor {
			largest = s
		}
	}
	if largest.RevenueMinor == 0 {
		return l.say("segments.answer.none")
	}
	return l.say("segments.answer", "n", listed, "segment", largest.Title.In(l.code),
		"share", l.share(ratio(largest.RevenueMinor, n.Summary.RevenueMinor)))
}
