package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/leadlake/leadlake/lib/analytics"
	"github.com/leadlake/leadlake/lib/card"
	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/portal"
	"github.com/leadlake/leadlake/lib/schema"
)

// PortalConfig is what the pages need beside the pipeline.
type PortalConfig struct {
	Auth      *portal.Auth
	Accounts  portal.Accounts // nil where tokens are issued elsewhere
	SignInURL string
	Denials   portal.Denials
	BaseURL   string
	ClientIP  func(*http.Request) string
	// Export prepares a download; nil: this pipeline does it itself. On Lambda
	// another function does, since the portal may not write audiences.
	Export func(ctx context.Context, request ExportRequest) (ExportReport, error)
}

// PortalHandler serves the pages.
func (p *Pipeline) PortalHandler(ctx context.Context, c PortalConfig) (http.Handler, error) {
	cfg, err := p.Config(ctx)
	if err != nil {
		return nil, err
	}
	r := reader{p: p, export: c.Export}
	if r.export == nil {
		r.export = p.Export
	}
	return portal.New(portal.Config{
		Reader: r, Auth: c.Auth, Accounts: c.Accounts, SignInURL: c.SignInURL, Denials: c.Denials, Language: cfg.Business.Language,
		BaseURL: c.BaseURL, ClientIP: c.ClientIP, Now: p.now, Logger: p.log,
	})
}

// reader shows the pipeline's results to the portal.
type reader struct {
	p      *Pipeline
	export func(ctx context.Context, request ExportRequest) (ExportReport, error)
}

var _ portal.Reader = reader{}

// nightCache keeps the run in force as pages show it.
type nightCache struct {
	mu      sync.Mutex
	version objstore.Version // of the run's table of clients: an erasure rewrites it
	night   *portal.Night
	clients []schema.ClientRow
}

// Night implements portal.Reader.
func (r reader) Night(ctx context.Context) (*portal.Night, error) {
	night, _, err := r.p.night(ctx)
	return night, err
}

// NightOf is the run in force as the pages and the report show it;
// portal.ErrNoNight before the first.
func (p *Pipeline) NightOf(ctx context.Context) (*portal.Night, error) {
	night, _, err := p.night(ctx)
	return night, err
}

func (p *Pipeline) night(ctx context.Context) (*portal.Night, []schema.ClientRow, error) {
	run, err := lake.Current(ctx, p.store)
	if errors.Is(err, lake.ErrNoRun) {
		return nil, nil, portal.ErrNoNight
	}
	if err != nil {
		return nil, nil, err
	}
	head, err := p.store.Head(ctx, run.Tables[schema.ClientRow{}.Table()].Key)
	if err != nil {
		return nil, nil, fmt.Errorf("pipeline: look at the run in force: %w", err)
	}
	p.nights.mu.Lock()
	defer p.nights.mu.Unlock()
	if p.nights.night != nil && p.nights.night.Run == run.Run && p.nights.version == head.Version {
		return p.nights.night, p.nights.clients, nil
	}
	night, clients, err := p.readNight(ctx, run)
	if err != nil {
		return nil, nil, err
	}
	p.nights.version, p.nights.night, p.nights.clients = head.Version, night, clients
	return night, clients, nil
}

func (p *Pipeline) readNight(ctx context.Context, run *lake.Run) (*portal.Night, []schema.ClientRow, error) {
	cfg, err := p.Config(ctx)
	if err != nil {
		return nil, nil, err
	}
	clients, err := lake.ReadRunTable[schema.ClientRow](ctx, p.store, run)
	if err != nil {
		return nil, nil, err
	}
	n := &portal.Night{
		Run: run.Run, AsOf: run.AsOf, PublishedAt: run.PublishedAt, Groups: int64(cfg.Metrics.RFM.Groups),
		Business: portal.Business{Name: cfg.Business.Name, Currency: cfg.Business.Currency, Language: cfg.Business.Language},
		Summary:  portal.Summarise(slices.Values(clients)),
	}
	var abc []schema.ABCRow
	var other []schema.OtherRevenueRow
	if err := errors.Join(
		into(ctx, p, run, &n.Codes), into(ctx, p, run, &n.Thresholds), into(ctx, p, run, &n.Cohorts), into(ctx, p, run, &n.Lifecycle),
		into(ctx, p, run, &n.Ledger), into(ctx, p, run, &n.Quality), into(ctx, p, run, &abc), into(ctx, p, run, &other),
	); err != nil {
		return nil, nil, err
	}
	n.ABC = portal.SummariseABC(abc, topEntities)
	for _, row := range other {
		i := slices.IndexFunc(n.Summary.OtherRevenue, func(m portal.OtherMoney) bool { return m.Currency == row.Currency })
		if i < 0 {
			n.Summary.OtherRevenue = append(n.Summary.OtherRevenue, portal.OtherMoney{Currency: row.Currency})
			i = len(n.Summary.OtherRevenue) - 1
		}
		n.Summary.OtherRevenue[i].RevenueMinor += row.RevenueMinor
	}
	if err := p.summariseMerges(ctx, run, clients, n); err != nil {
		return nil, nil, err
	}
	n.Failures = map[string]portal.Text{}
	for _, row := range n.Quality {
		if reason, failed := strings.CutPrefix(row.Measure, card.MeasureFailed); failed {
			n.Failures[reason] = failureText(reason)
		}
		if row.Source == "" && row.Measure == card.MeasureAnonymous {
			n.Summary.AnonymousOrders = row.Count
		}
	}
	if err := describe(n, cfg.Metrics.RFM); err != nil {
		return nil, nil, err
	}
	if n.Segments, err = p.segmentsOf(ctx, run, clients, n.Playbook); err != nil {
		return nil, nil, err
	}
	if run.Predecessor != nil {
		n.Previous, err = p.previous(ctx, *run.Predecessor)
	}
	return n, clients, err
}

// topEntities is how many rows of a Pareto table a page shows.
const topEntities = 20

func into[T schema.Row](ctx context.Context, p *Pipeline, run *lake.Run, rows *[]T) error {
	var err error
	*rows, err = lake.ReadRunTable[T](ctx, p.store, run)
	return err
}

// describe adds the playbook in both languages.
func describe(n *portal.Night, rfm config.RFM) error {
	playbook, err := analytics.PlaybookOf(rfm)
	if err != nil {
		return err
	}
	once := analytics.FirstMeansOne(n.Thresholds)
	for _, s := range playbook.Segments() {
		ru, en := s.Advice("ru", once), s.Advice("en", once)
		n.Playbook = append(n.Playbook, portal.PlaybookSegment{
			Key: s.Key, Codes: s.Codes,
			Title:   portal.Text{RU: ru.Title, EN: en.Title},
			Meaning: portal.Text{RU: ru.Meaning, EN: en.Meaning},
			Do:      portal.Text{RU: ru.Do, EN: en.Do},
			DoNot:   portal.Text{RU: ru.DoNot, EN: en.DoNot},
			Bounds:  portal.Text{RU: analytics.Bounds(s.Codes, n.Thresholds, "ru"), EN: analytics.Bounds(s.Codes, n.Thresholds, "en")},
		})
	}
	if rfm.Groups != 3 {
		return nil
	}
	for _, row := range n.Codes {
		ru, ok := analytics.AdviceFor(row.Code, "ru", once)
		if !ok {
			continue
		}
		en, _ := analytics.AdviceFor(row.Code, "en", once)
		n.CodeNotes = append(n.CodeNotes, portal.CodeNote{
			Code: row.Code, Meaning: portal.Text{RU: ru.Meaning, EN: en.Meaning}, Do: portal.Text{RU: ru.Do, EN: en.Do},
		})
	}
	return nil
}

func (p *Pipeline) previous(ctx context.Context, ref lake.RunRef) (*portal.Previous, error) {
	run, err := lake.ReadRun(ctx, p.store, ref)
	if errors.Is(err, lake.ErrNoRun) {
		return nil, nil //nolint:nilnil // past its retention: there is nothing to compare with
	}
	if err != nil {
		return nil, err
	}
	clients, err := lake.ReadRunTable[schema.ClientRow](ctx, p.store, run)
	if err != nil {
		return nil, err
	}
	return &portal.Previous{AsOf: run.AsOf, Summary: portal.Summarise(slices.Values(clients))}, nil
}

// Clients implements portal.Reader.
func (r reader) Clients(ctx context.Context, filter portal.ClientFilter, limit int) ([]schema.ClientRow, int64, error) {
	night, clients, err := r.p.night(ctx)
	if err != nil {
		return nil, 0, err
	}
	members, err := r.p.membersOf(ctx, night, filter.Segment)
	if err != nil {
		return nil, 0, err
	}
	var found []schema.ClientRow
	for _, c := range clients {
		if (filter.Code == "" || c.RFMCode != nil && *c.RFMCode == filter.Code) && (filter.Segment == "" || members[c.ClientID]) {
			found = append(found, c)
		}
	}
	slices.SortFunc(found, func(a, b schema.ClientRow) int {
		return cmp.Or(cmp.Compare(b.RevenueMinor, a.RevenueMinor), cmp.Compare(a.ClientID, b.ClientID))
	})
	return found[:min(limit, len(found))], int64(len(found)), nil
}

// Today implements portal.Reader.
func (r reader) Today(ctx context.Context) (portal.Today, error) {
	var today portal.Today
	cfg, err := r.p.Config(ctx)
	if err != nil {
		return today, err
	}
	last := map[string]time.Time{}
	failed := map[[2]string]int64{}
	days, err := lake.Days(ctx, r.p.store, lake.DeliveriesPrefix)
	if err != nil {
		return today, err
	}
	for _, day := range days[max(0, len(days)-recentDays):] {
		table, err := lake.ReadDay[schema.DeliveryRow](ctx, r.p.store, lake.DeliveriesPrefix, day)
		if err != nil {
			return today, err
		}
		for _, d := range table.Rows {
			if d.ReceivedAt.After(last[d.Source]) {
				last[d.Source] = d.ReceivedAt
			}
			if d.Outcome == schema.OutcomeFailed {
				failed[[2]string{d.Source, d.Reason}]++
			}
		}
	}
	for _, s := range cfg.Sources {
		state := portal.SourceState{Name: s.Name, Kind: s.Kind}
		if at, ok := last[s.Name]; ok {
			state.LastAt = &at
		}
		today.Sources = append(today.Sources, state)
	}
	if today.Ledger, err = r.p.ledgerOfLate(ctx); err != nil {
		return today, err
	}
	unfetched, err := r.p.Unfetched(ctx)
	if err != nil {
		return today, err
	}
	for _, u := range unfetched {
		today.Unfetched = append(today.Unfetched, portal.UnfetchedCount{
			Source: u.Source, Waiting: int64(u.Waiting), GaveUp: int64(u.GaveUp), Problem: fetchText(u.Problem),
		})
	}
	for key, count := range failed {
		today.Failed = append(today.Failed, portal.FailedCount{Source: key[0], Reason: key[1], Text: failureText(key[1]), Count: count})
	}
	slices.SortFunc(today.Failed, func(a, b portal.FailedCount) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Reason, b.Reason))
	})
	return today, nil
}

// recentDays is how far back "lately" goes on the page of the day.
const recentDays = 7
