package portal

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/leadlake/leadlake/lib/schema"
)

// The machine's view of the same pages. Names are those of the gold tables, money
// is minor units, shares are 0…1, lists are never null.

type nightJSON struct {
	Run         string      `json:"run"`
	AsOf        string      `json:"as_of"`
	PublishedAt time.Time   `json:"published_at"`
	Business    string      `json:"business"`
	Currency    string      `json:"currency"`
	Summary     summaryJSON `json:"summary"`
}

type summaryJSON struct {
	Clients         int64       `json:"clients"`
	Buyers          int64       `json:"buyers"`
	Repeat          int64       `json:"repeat_buyers"`
	Orders          int64       `json:"orders"`
	RevenueMinor    int64       `json:"revenue_minor"`
	FirstDay        *string     `json:"first_order_day"`
	Active          int64       `json:"active"`
	Cooling         int64       `json:"cooling"`
	Sleeping        int64       `json:"sleeping"`
	Dead            int64       `json:"dead"`
	SleepingMinor   int64       `json:"sleeping_revenue_minor"`
	DeadMinor       int64       `json:"dead_revenue_minor"`
	AdsConsent      int64       `json:"ads_consent"`
	AnonymousOrders int64       `json:"anonymous_orders"`
	OtherRevenue    []otherJSON `json:"other_revenue"`
}

type otherJSON struct {
	Currency     string `json:"currency"`
	RevenueMinor int64  `json:"revenue_minor"`
}

// readNight reads the run in force for a machine route.
func (p *Portal) readNight(v *visit) (*Night, error) {
	n, err := p.config.Reader.Night(v.r.Context())
	if err != nil {
		return nil, fmt.Errorf("read night: %w", err)
	}
	return n, nil
}

func (p *Portal) apiNight(v *visit) error {
	n, err := p.readNight(v)
	if err != nil {
		return err
	}
	s := n.Summary
	out := nightJSON{
		Run: n.Run, AsOf: n.AsOf, PublishedAt: n.PublishedAt.UTC(), Business: n.Business.Name, Currency: n.Business.Currency,
		Summary: summaryJSON{
			Clients: s.Clients, Buyers: s.Buyers, Repeat: s.Repeat, Orders: s.Orders, RevenueMinor: s.RevenueMinor,
			Active: s.Active, Cooling: s.Cooling, Sleeping: s.Sleeping, Dead: s.Dead, SleepingMinor: s.SleepingMinor, DeadMinor: s.DeadMinor,
			AdsConsent: s.AdsConsent, AnonymousOrders: s.AnonymousOrders,
			OtherRevenue: list(s.OtherRevenue, func(o OtherMoney) otherJSON { return otherJSON(o) }),
		},
	}
	if s.FirstDay != "" {
		out.Summary.FirstDay = &s.FirstDay
	}
	return v.json(out)
}

type rfmJSON struct {
	Run        string          `json:"run"`
	Groups     int64           `json:"groups"`
	Codes      []codeJSON      `json:"codes"`
	Thresholds []thresholdJSON `json:"thresholds"`
	Playbook   []playbookJSON  `json:"playbook"`
}

type codeJSON struct {
	Code         string  `json:"code"`
	Segment      string  `json:"segment"`
	Clients      int64   `json:"clients"`
	Share        float64 `json:"share"`
	RevenueMinor int64   `json:"revenue_minor"`
}

type thresholdJSON struct {
	Metric string    `json:"metric"`
	Entity string    `json:"entity"`
	Rule   string    `json:"rule"`
	Bounds []float64 `json:"bounds"`
	Note   string    `json:"note"`
}

type playbookJSON struct {
	Key     string   `json:"key"`
	Title   Text     `json:"title"`
	Codes   []string `json:"codes"`
	Meaning Text     `json:"meaning"`
	Do      Text     `json:"do"`
	DoNot   Text     `json:"do_not"`
	Bounds  Text     `json:"bounds"`
}

func (p *Portal) apiRFM(v *visit) error {
	n, err := p.readNight(v)
	if err != nil {
		return err
	}
	out := rfmJSON{
		Run: n.Run, Groups: n.Groups,
		Codes:    list(n.Codes, func(r schema.RFMCodeRow) codeJSON { return codeJSON(r) }),
		Playbook: list(n.Playbook, func(s PlaybookSegment) playbookJSON { return playbookJSON(s) }),
		Thresholds: list(n.Thresholds, func(t schema.ThresholdRow) thresholdJSON {
			return thresholdJSON{Metric: t.Metric, Entity: t.Entity, Rule: t.Rule, Note: t.Note, Bounds: boundsOf(t)}
		}),
	}
	return v.json(out)
}

// boundsOf lists the bounds that are set, in their order.
func boundsOf(t schema.ThresholdRow) []float64 {
	out := []float64{}
	for _, b := range []*float64{t.Bound1, t.Bound2, t.Bound3, t.Bound4, t.Bound5, t.Bound6, t.Bound7, t.Bound8, t.Bound9} {
		if b != nil {
			out = append(out, *b)
		}
	}
	return out
}

type abcJSON struct {
	Run      string       `json:"run"`
	Entities []entityJSON `json:"entities"`
}

type entityJSON struct {
	Entity        string      `json:"entity"`
	Count         int64       `json:"count"`
	RevenueMinor  int64       `json:"revenue_minor"`
	TopFifthShare float64     `json:"top_fifth_share"`
	Classes       []classJSON `json:"classes"`
	Top           []topJSON   `json:"top"`
}

type classJSON struct {
	Class        string `json:"class"`
	Count        int64  `json:"count"`
	RevenueMinor int64  `json:"revenue_minor"`
}

type topJSON struct {
	ID              string  `json:"id"`
	RevenueMinor    int64   `json:"revenue_minor"`
	Share           float64 `json:"share"`
	CumulativeShare float64 `json:"cumulative_share"`
	Class           string  `json:"class"`
}

func (p *Portal) apiABC(v *visit) error {
	n, err := p.readNight(v)
	if err != nil {
		return err
	}
	return v.json(abcJSON{Run: n.Run, Entities: list(n.ABC, func(s ABCSummary) entityJSON {
		e := entityJSON{Entity: s.Entity, Count: s.Count, RevenueMinor: s.RevenueMinor, TopFifthShare: s.TopFifthShare}
		for i, c := range s.Classes {
			e.Classes = append(e.Classes, classJSON{Class: string("ABC"[i]), Count: c.Count, RevenueMinor: c.RevenueMinor})
		}
		e.Top = list(s.Top, func(r schema.ABCRow) topJSON {
			return topJSON{ID: r.ID, RevenueMinor: r.RevenueMinor, Share: r.Share, CumulativeShare: r.CumulativeShare, Class: r.Class}
		})
		return e
	})})
}

type cohortJSON struct {
	CohortMonth            string  `json:"cohort_month"`
	Period                 int64   `json:"period"`
	Clients                int64   `json:"clients"`
	Active                 int64   `json:"active"`
	Retention              float64 `json:"retention"`
	RevenueMinor           int64   `json:"revenue_minor"`
	CumulativeRevenueMinor int64   `json:"cumulative_revenue_minor"`
	Complete               bool    `json:"complete"`
}

func (p *Portal) apiCohorts(v *visit) error {
	n, err := p.readNight(v)
	if err != nil {
		return err
	}
	return v.json(struct {
		Run     string       `json:"run"`
		Cohorts []cohortJSON `json:"cohorts"`
	}{n.Run, list(n.Cohorts, func(r schema.CohortRow) cohortJSON { return cohortJSON(r) })})
}

type segmentJSON struct {
	Key          string `json:"segment"`
	Family       string `json:"family"`
	Title        Text   `json:"title"`
	About        Text   `json:"about"`
	Rule         string `json:"rule"`
	Clients      int64  `json:"clients"`
	RevenueMinor int64  `json:"revenue_minor"`
	Entered      *int64 `json:"entered"`
	Left         *int64 `json:"left"`
}

func (p *Portal) apiSegments(v *visit) error {
	n, err := p.readNight(v)
	if err != nil {
		return err
	}
	return v.json(struct {
		Run      string        `json:"run"`
		Segments []segmentJSON `json:"segments"`
	}{n.Run, list(n.Segments, func(s SegmentSummary) segmentJSON { return segmentJSON(s) })})
}

type bundleJSON struct {
	ID       string           `json:"id"`
	Segment  string           `json:"segment"`
	Name     string           `json:"name,omitempty"` // of files and lists that leave, where it is not the segment's
	Platform string           `json:"platform"`
	AsOf     string           `json:"as_of"`
	Members  int64            `json:"members"`
	Clients  int64            `json:"clients"`
	Excluded map[string]int64 `json:"excluded"`
	Refused  *Text            `json:"refused"`
	GivenAt  *time.Time       `json:"given_at"`
	Files    []fileJSON       `json:"files"`
}

type fileJSON struct {
	Name    string `json:"name"`
	Change  string `json:"change,omitempty"` // add or remove; absent: the whole list
	Rows    int64  `json:"rows"`
	Bytes   int64  `json:"bytes"`
	Written bool   `json:"written"`
	// OnRequest: a change that is worked out when it is asked for; rows are unknown.
	OnRequest bool   `json:"on_request,omitempty"`
	Refused   *Text  `json:"refused"`
	Href      string `json:"href,omitempty"`
	// Rows that are too few for a file of their own, and since when the oldest waits.
	Waiting      int64  `json:"waiting,omitempty"`
	WaitingSince string `json:"waiting_since,omitempty"`
}

func (p *Portal) apiExports(v *visit) error {
	bundles, err := p.config.Reader.Exports(v.r.Context())
	if err != nil {
		return fmt.Errorf("read exports: %w", err)
	}
	return v.json(struct {
		Exports []bundleJSON `json:"exports"`
	}{list(bundles, func(b ExportBundle) bundleJSON {
		out := bundleJSON{
			ID: b.ID, Segment: b.Segment, Name: b.Name, Platform: b.Platform, AsOf: b.AsOf, Members: b.Members, Clients: b.Clients,
			Excluded: map[string]int64{}, Refused: optional(b.Refused), GivenAt: b.GivenAt,
		}
		for _, r := range b.Excluded {
			out.Excluded[r.Reason] += r.Count
		}
		out.Files = list(b.Files, func(f ExportFile) fileJSON {
			file := fileJSON{
				Name: f.Name, Change: f.Change, Rows: f.Rows, Bytes: f.Bytes, Written: f.Written, Refused: optional(f.Refused),
				Waiting: f.Waiting, WaitingSince: f.WaitingSince, OnRequest: f.OnRequest,
			}
			if f.Written || f.OnRequest {
				file.Href = exportHref(b.ID, f.Name)
			}
			return file
		})
		return out
	})})
}

func optional(t Text) *Text {
	if t == (Text{}) {
		return nil
	}
	return &t
}

type ledgerJSON struct {
	Day        string `json:"day"`
	Source     string `json:"source"`
	Received   int64  `json:"received"`
	Events     int64  `json:"events"`
	Pings      int64  `json:"pings"`
	Failed     int64  `json:"failed"`
	Duplicates int64  `json:"duplicates"`
	Suppressed int64  `json:"suppressed"`
	Erased     int64  `json:"erased"`
	Balanced   bool   `json:"balanced"`
}

type unfetchedJSON struct {
	Source  string `json:"source"`
	Waiting int64  `json:"waiting"`
	GaveUp  int64  `json:"gave_up"`
}

type failedJSON struct {
	Source string `json:"source"`
	Reason string `json:"reason"`
	Count  int64  `json:"count"`
}

func (p *Portal) apiLedger(v *visit) error {
	n, err := p.config.Reader.Night(v.r.Context())
	switch {
	case errors.Is(err, ErrNoNight):
		n = &Night{}
	case err != nil:
		return fmt.Errorf("read night: %w", err)
	}
	today, err := p.config.Reader.Today(v.r.Context())
	if err != nil {
		return fmt.Errorf("read today: %w", err)
	}
	return v.json(struct {
		Ledger    []ledgerJSON    `json:"ledger"`
		Failed    []failedJSON    `json:"failed"`
		Unfetched []unfetchedJSON `json:"unfetched"`
	}{
		list(ledgerOf(n, today), func(r schema.LedgerRow) ledgerJSON { return ledgerJSON(r) }),
		list(today.Failed, func(f FailedCount) failedJSON {
			return failedJSON{Source: f.Source, Reason: f.Reason, Count: f.Count}
		}),
		list(today.Unfetched, func(u UnfetchedCount) unfetchedJSON {
			return unfetchedJSON{Source: u.Source, Waiting: u.Waiting, GaveUp: u.GaveUp}
		}),
	})
}

// list converts a slice; nothing gives an empty list.
func list[A, B any](in []A, convert func(A) B) []B {
	out := make([]B, len(in))
	for i, a := range in {
		out[i] = convert(a)
	}
	return out
}

func (v *visit) json(value any) error {
	b, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	v.w.Header().Set("Content-Type", "application/json")
	v.w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	v.w.WriteHeader(http.StatusOK)
	_, _ = v.w.Write(b) // a reader who has left cannot be told
	return nil
}
