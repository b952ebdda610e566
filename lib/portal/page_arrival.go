package portal

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/leadlake/leadlake/lib/schema"
)

type exportsBody struct {
	Segments []exportSegment
	// Asked is the segment that was asked for and has no files; its key is what
	// the configuration needs.
	Asked    string
	All      bool // every segment is shown
	NoPeople bool // nobody in the base allows advertising
}

type exportSegment struct {
	Key     string
	Title   Text
	Members int64
	Bundles []ExportBundle
}

func (p *Portal) exports(v *visit) error {
	n, pg, err := p.begin(v, "exports")
	if err != nil {
		return err
	}
	bundles, err := p.config.Reader.Exports(v.r.Context())
	if err != nil {
		return fmt.Errorf("read exports: %w", err)
	}
	asked := v.r.URL.Query().Get("segment")
	body := exportsBody{All: asked == "", NoPeople: n.Summary.Clients > 0 && n.Summary.AdsConsent == 0}
	files, full := 0, map[string]bool{}
	for _, b := range bundles {
		if asked != "" && b.Segment != asked {
			continue
		}
		if last := len(body.Segments) - 1; last < 0 || body.Segments[last].Key != b.Segment {
			body.Segments = append(body.Segments, exportSegment{Key: b.Segment, Title: b.SegmentTitle})
		}
		s := &body.Segments[len(body.Segments)-1]
		s.Members = max(s.Members, b.Members)
		s.Bundles = append(s.Bundles, b)
		for _, f := range b.Files {
			if f.Written {
				files++
				full[b.Segment] = true
			}
		}
	}
	// The largest first: the reader looks for names, not for keys.
	slices.SortStableFunc(body.Segments, func(a, b exportSegment) int { return cmp.Compare(b.Members, a.Members) })
	// Only a segment of this night is repeated: what a stranger's link asks for is not.
	known := slices.IndexFunc(n.Segments, func(s SegmentSummary) bool { return s.Key == asked })
	switch {
	case files > 0:
		pg.Answer = v.say(&pg, &err, "exports.answer", "files", files, "segments", len(full))
	case len(body.Segments) > 0:
		pg.Answer = v.say(&pg, &err, "exports.answer.refused")
	case asked != "" && known < 0:
		return ErrNotFound
	case asked != "":
		body.Asked = asked
		pg.Answer = v.say(&pg, &err, "exports.answer.segment", "segment", n.Segments[known].Title.In(v.locale.code))
	default:
		pg.Answer = v.say(&pg, &err, "exports.answer.none")
	}
	pg.Currency = "" // no money on this page
	pg.Body = body
	if err != nil {
		return err
	}
	return p.show(v, http.StatusOK, pg)
}

// download hands a file over. The link is a GET, as browsers and marketers expect,
// but it changes the ledger: so a page of another site cannot start it, a browser
// that only fetches ahead cannot, and HEAD cannot.
func (p *Portal) download(v *visit) error {
	if v.r.Method != http.MethodGet {
		v.w.Header().Set("Allow", http.MethodGet)
		v.w.WriteHeader(http.StatusMethodNotAllowed)
		return nil
	}
	if site := v.r.Header.Get("Sec-Fetch-Site"); site == "cross-site" || site == "same-site" ||
		v.r.Header.Get("Sec-Purpose") != "" || v.r.Header.Get("Purpose") != "" {
		return errCrossOrigin
	}
	d, err := p.config.Reader.OpenExport(v.r.Context(), v.r.PathValue("id"), v.r.PathValue("file"),
		Caller{Name: v.who.Name, Role: v.who.Role})
	if err != nil {
		if errors.Is(err, ErrNotFound) || errors.Is(err, ErrRefused) {
			return err
		}
		return fmt.Errorf("open export: %w", err)
	}
	return p.handOut(v, d)
}

type ledgerBody struct {
	Days       []ledgerDay
	Failed     []FailedCount
	Unfetched  []UnfetchedCount
	Sources    []SourceState
	Received   int64
	FailedSum  int64
	Unbalanced int64
	Base       string
}

// ledgerDay is one day over all sources, with its sources below it.
type ledgerDay struct {
	schema.LedgerRow
	Sources []schema.LedgerRow
}

// ledgerDays is how many days the page shows, the newest first.
const ledgerDays = 30

// ledger needs no night for what has arrived today: it is the page on which a
// developer sees the first delivery come in.
func (p *Portal) ledger(v *visit) error {
	n, pg, err := p.begin(v, "ledger")
	switch {
	case errors.Is(err, ErrNoNight):
		n, pg, err = &Night{}, page{Key: "ledger"}, nil
	case err != nil:
		return err
	}
	today, err := p.config.Reader.Today(v.r.Context())
	if err != nil {
		return fmt.Errorf("read today: %w", err)
	}
	body := viewLedger(ledgerOf(n, today))
	body.Failed, body.Unfetched, body.Sources, body.Base = today.Failed, today.Unfetched, today.Sources, p.baseURL(v.r)
	for _, f := range today.Failed {
		body.FailedSum += f.Count
	}
	pg.Currency = "" // no money on this page
	switch {
	case len(body.Days) == 0:
		pg.Answer = v.say(&pg, &err, "ledger.answer.none")
	case body.Unbalanced > 0:
		pg.Answer = v.say(&pg, &err, "ledger.answer.unbalanced", "days", body.Unbalanced)
	default:
		pg.Answer = v.say(&pg, &err, "ledger.answer", "days", len(body.Days), "received", body.Received, "failed", body.FailedSum)
	}
	pg.Body = body
	if err != nil {
		return err
	}
	return p.show(v, http.StatusOK, pg)
}

// ledgerOf is the ledger as it stands now, else as the night saw it.
func ledgerOf(n *Night, today Today) []schema.LedgerRow {
	if today.Ledger != nil {
		return today.Ledger
	}
	return n.Ledger
}

func viewLedger(rows []schema.LedgerRow) ledgerBody {
	byDay := map[string]*ledgerDay{}
	for _, r := range rows {
		d := byDay[r.Day]
		if d == nil {
			d = &ledgerDay{LedgerRow: schema.LedgerRow{Day: r.Day, Balanced: true}}
			byDay[r.Day] = d
		}
		d.Sources = append(d.Sources, r)
		d.Received += r.Received
		d.Events += r.Events
		d.Pings += r.Pings
		d.Failed += r.Failed
		d.Duplicates += r.Duplicates
		d.Suppressed += r.Suppressed
		d.Erased += r.Erased
		d.Balanced = d.Balanced && r.Balanced
	}
	var body ledgerBody
	for _, d := range byDay {
		body.Days = append(body.Days, *d)
	}
	slices.SortFunc(body.Days, func(a, b ledgerDay) int { return cmp.Compare(b.Day, a.Day) })
	body.Days = body.Days[:min(ledgerDays, len(body.Days))]
	for _, d := range body.Days {
		body.Received += d.Received
		if !d.Balanced {
			body.Unbalanced++
		}
	}
	return body
}

// exportHref is the address of a file; both parts may hold any byte.
func exportHref(id, file string) string {
	return "/exports/" + url.PathEscape(id) + "/" + url.PathEscape(file)
}
