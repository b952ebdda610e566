package portal

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/leadlake/leadlake/lib/schema"
)

// begin reads the night and starts a page about it.
func (p *Portal) begin(v *visit, key string) (*Night, page, error) {
	n, err := p.config.Reader.Night(v.r.Context())
	if err != nil {
		return nil, page{}, fmt.Errorf("read night: %w", err)
	}
	return n, page{
		Key: key, Business: n.Business.Name, Currency: n.Business.Currency, AsOf: n.AsOf, Run: n.Run,
	}, nil
}

// mayExport tells whether the reader may download files.
func (p *Portal) mayExport(v *visit) bool { return p.mayOpen(v.who.Role, "/exports") }

// say fills the sentence of a page and its action; a fault stops the page.
func (v *visit) say(pg *page, fault *error, key string, args ...any) string {
	text, err := v.locale.say(key, args...)
	if err != nil && *fault == nil {
		*fault = fmt.Errorf("page %s: %w", pg.Key, err)
	}
	return text
}

func (p *Portal) overview(v *visit) error {
	n, pg, err := p.begin(v, "overview")
	if err != nil {
		return err
	}
	today, err := p.config.Reader.Today(v.r.Context())
	if err != nil {
		return fmt.Errorf("read today: %w", err)
	}
	body := overviewBody{
		First: first(n, p.mayExport(v)), Sources: today.Sources, Other: n.Summary.OtherRevenue, Outside: n.Summary.AnonymousOrders,
		Currency: n.Business.Currency,
	}
	for _, f := range today.Failed {
		body.Failed += f.Count
	}
	if body.Cards, err = summaryCards(v.locale, n, true); err != nil {
		return err
	}
	if body.Months, err = viewMonths(v.locale, n); err != nil {
		return err
	}
	if pg.Answer, err = answer(v.locale, n); err != nil {
		return err
	}
	if len(body.First) > 0 {
		pg.Action = &action{Label: v.say(&pg, &err, "overview.action"), Href: body.First[0].Href}
	}
	pg.Body = body
	if err != nil {
		return err
	}
	return p.show(v, http.StatusOK, pg)
}

func (p *Portal) rfm(v *visit) error {
	n, pg, err := p.begin(v, "rfm")
	if err != nil {
		return err
	}
	body, err := viewRFM(v.locale, n, true, p.mayExport(v))
	if err != nil {
		return err
	}
	if pg.Answer, err = rfmAnswer(v.locale, n); err != nil {
		return err
	}
	if top := first(n, false); len(top) > 0 {
		pg.Action = &action{Label: v.say(&pg, &err, "rfm.action"), Href: top[0].Href}
	}
	pg.Body = body
	if err != nil {
		return err
	}
	return p.show(v, http.StatusOK, pg)
}

// rfmAnswer is what the best clients bring.
func rfmAnswer(l *locale, n *Night) (string, error) {
	best := digits(max(n.Groups, 1), max(n.Groups, 1), max(n.Groups, 1))
	var clients, revenue, all int64
	for _, row := range n.Codes {
		all += row.RevenueMinor
		if row.Code == best {
			clients, revenue = row.Clients, row.RevenueMinor
		}
	}
	if clients == 0 {
		return l.say("rfm.answer.none", "n", n.Summary.Buyers)
	}
	spent, err := l.short(n.Business.Currency, revenue)
	if err != nil {
		return "", err
	}
	return l.say("rfm.answer", "n", clients, "share", l.share(ratio(revenue, all)), "money", spent)
}

// groupBody is the clients behind one number, with what to do about them.
type groupBody struct {
	Card     *segmentCard // the segment, nil for rules of the owner
	Code     string
	Note     *CodeNote
	Rule     string
	Key      string
	Clients  []schema.ClientRow
	Total    int64
	Revenue  int64
	Currency string
	Files    string
}

// listed is how many clients a page lists; the rest are in the files.
const listed = 100

func (p *Portal) code(v *visit) error {
	n, pg, err := p.begin(v, "group")
	if err != nil {
		return err
	}
	code := v.r.PathValue("code")
	i := slices.IndexFunc(n.Codes, func(r schema.RFMCodeRow) bool { return r.Code == code })
	if i < 0 {
		return ErrNotFound
	}
	row := n.Codes[i]
	body := groupBody{Code: code, Key: row.Segment, Currency: n.Business.Currency, Revenue: row.RevenueMinor}
	all := cards(n, true, p.mayExport(v))
	if i := slices.IndexFunc(all, func(c segmentCard) bool { return slices.Contains(c.Codes, code) }); i >= 0 {
		body.Card, body.Files = &all[i], all[i].FilesHref
	}
	if i := slices.IndexFunc(n.CodeNotes, func(c CodeNote) bool { return c.Code == code }); i >= 0 {
		body.Note = &n.CodeNotes[i]
	}
	if body.Clients, body.Total, err = p.config.Reader.Clients(v.r.Context(), ClientFilter{Code: code}, listed); err != nil {
		return fmt.Errorf("read clients of a code: %w", err)
	}
	pg.Name = v.say(&pg, &err, "group.code", "code", code)
	pg.Answer = v.groupAnswer(&pg, &err, body)
	pg.Body = body
	if err != nil {
		return err
	}
	return p.show(v, http.StatusOK, pg)
}

func (v *visit) groupAnswer(pg *page, fault *error, body groupBody) string {
	spent, err := v.locale.short(body.Currency, body.Revenue)
	if err != nil && *fault == nil {
		*fault = err
	}
	return v.say(pg, fault, "group.answer", "n", body.Total, "money", spent)
}

func (p *Portal) segment(v *visit) error {
	n, pg, err := p.begin(v, "group")
	if err != nil {
		return err
	}
	key := v.r.PathValue("key")
	i := slices.IndexFunc(n.Segments, func(s SegmentSummary) bool { return s.Key == key })
	if i < 0 {
		return ErrNotFound
	}
	s := n.Segments[i]
	body := groupBody{Rule: s.Rule, Key: key, Currency: n.Business.Currency, Revenue: s.RevenueMinor}
	all := cards(n, true, p.mayExport(v))
	if i := slices.IndexFunc(all, func(c segmentCard) bool { return c.Key == key }); i >= 0 {
		body.Card = &all[i]
	}
	if p.mayExport(v) {
		body.Files = "/exports?segment=" + key
	}
	if body.Clients, body.Total, err = p.config.Reader.Clients(v.r.Context(), ClientFilter{Segment: key}, listed); err != nil {
		return fmt.Errorf("read clients of a segment: %w", err)
	}
	pg.Name = s.Title.In(v.locale.code)
	pg.Answer = v.groupAnswer(&pg, &err, body)
	pg.Body = body
	if err != nil {
		return err
	}
	return p.show(v, http.StatusOK, pg)
}

func (p *Portal) segments(v *visit) error {
	n, pg, err := p.begin(v, "segments")
	if err != nil {
		return err
	}
	body, err := viewSegments(v.locale, n, p.mayExport(v), true)
	if err != nil {
		return err
	}
	if pg.Answer, err = segmentsAnswer(v.locale, n, body); err != nil {
		return err
	}
	if body.Export {
		pg.Action = &action{Label: v.say(&pg, &err, "segments.action"), Href: "/exports"}
	}
	pg.Body = body
	if err != nil {
		return err
	}
	return p.show(v, http.StatusOK, pg)
}

func (p *Portal) abc(v *visit) error {
	n, pg, err := p.begin(v, "abc")
	if err != nil {
		return err
	}
	body, err := viewABC(v.locale, n, v.r.URL.Query().Get("entity"), true)
	if err != nil {
		return err
	}
	pg.Answer, pg.Body = body.Answer, body
	if pg.Answer == "" {
		pg.Answer = v.say(&pg, &err, "abc.answer.none")
	}
	if err != nil {
		return err
	}
	return p.show(v, http.StatusOK, pg)
}

func (p *Portal) cohorts(v *visit) error {
	n, pg, err := p.begin(v, "cohorts")
	if err != nil {
		return err
	}
	body := viewCohorts(v.locale, n, cohortShow(v.r.URL.Query().Get("show")), true)
	if pg.Answer, err = cohortAnswer(v.locale, body); err != nil {
		return err
	}
	pg.Body = body
	return p.show(v, http.StatusOK, pg)
}

func cohortAnswer(l *locale, body cohortView) (string, error) {
	if body.Next < 0 {
		return l.say("cohorts.answer.none")
	}
	return l.say("cohorts.answer", "share", l.share(body.Next))
}

type emptyBody struct {
	Base    string
	Sources []SourceState
	Export  bool
}

// showEmpty teaches what to connect when no night has run.
func (p *Portal) showEmpty(v *visit) error {
	today, err := p.config.Reader.Today(v.r.Context())
	if err != nil {
		return fmt.Errorf("read today: %w", err)
	}
	pg := page{Key: "empty", Body: emptyBody{Base: p.baseURL(v.r), Sources: today.Sources}}
	pg.Answer = v.say(&pg, &err, "empty.answer")
	if err != nil {
		return err
	}
	return p.show(v, http.StatusOK, pg)
}
