package pipeline

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/analytics"
	"github.com/leadlake/leadlake/lib/card"
	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/identity"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/schema"
	"github.com/leadlake/leadlake/lib/segment"
)

// ErrFuture says that a night was asked for of a day that has not begun.
var ErrFuture = errors.New("pipeline: as-of day")

// NightRequest asks for the night of a business day.
type NightRequest struct {
	// AsOf is the last day that counts, YYYY-MM-DD; empty: yesterday in the
	// business's time zone.
	AsOf string `json:"as_of,omitempty"`
}

// NightReport says what a night made.
type NightReport struct {
	Run          string           `json:"run"`
	AsOf         string           `json:"as_of"`
	InForce      bool             `json:"in_force"` // false for a day before the one in force
	Unchanged    bool             `json:"unchanged"`
	Leads        int64            `json:"leads"`
	Clients      int64            `json:"clients"`
	Buyers       int64            `json:"buyers"`
	Orders       int64            `json:"orders"` // purchases
	RevenueMinor int64            `json:"revenue_minor"`
	Currency     string           `json:"currency"`
	Segments     map[string]int64 `json:"segments"` // clients of each segment that has any, and of the owner's
	Unbalanced   []string         `json:"unbalanced,omitempty"`
}

// nightAttempts is how often a night starts over because the lake changed under
// it in a way it cannot look past.
const nightAttempts = 8

// night is one run while it is being made.
type night struct {
	cfg       *config.Config
	location  *time.Location
	asOf      string
	end       time.Time // the first instant after asOf
	days      []string  // with events, oldest first
	eventDays map[string]objstore.Version
	inputs    map[string]string
	before    *lake.RunRef
	run       lake.Run
	store     pinned          // the lake as it was when the night began
	erased    map[string]bool // tokens of erased people, wherever they still stand

	assignments []string // keys of the logs of exports that the night sees

	clients *card.Clients
	cards   []card.Card
	census  *census
	base    *analytics.Base
	scores  *analytics.Scores
	rows    []schema.ClientRow

	orderInterests map[[2]string][]string
	channels       []card.ChannelCount
	unfinished     map[int]string // day of the latest unpaid order, by the client's number
	funnel         funnelTables
	habits         habitTables
	marketing      marketingTables
	effects        []schema.EffectRow
}

// Analyse makes a night: it folds orders, resolves clients, scores them and
// publishes the tables as one run. The same lake, configuration, day and
// predecessor give the same run and the same bytes; a run that is in force is
// not made again.
func (p *Pipeline) Analyse(ctx context.Context, request NightRequest) (NightReport, error) {
	if err := p.CheckTokenKey(ctx); err != nil {
		return NightReport{}, err
	}
	for range nightAttempts {
		report, err := p.analyse(ctx, request)
		if !errors.Is(err, errMoved) {
			return report, err
		}
	}
	return NightReport{}, fmt.Errorf("pipeline: %w %d times in a row", errMoved, nightAttempts)
}

func (p *Pipeline) analyse(ctx context.Context, request NightRequest) (NightReport, error) {
	begin := p.now()
	n, current, err := p.begin(ctx, request)
	if err != nil {
		return NightReport{}, err
	}
	if current != nil && current.RunRef == n.run.RunRef {
		whole, err := p.peopleAreOf(ctx, current)
		if err != nil {
			return NightReport{}, err
		}
		if whole {
			report, err := p.reportOf(ctx, current)
			report.Unchanged = true
			return report, err
		}
	}
	if err := resolve(ctx, n); err != nil {
		return NightReport{}, err
	}
	orders, err := p.foldOrders(ctx, n, n.clients) // a new order is put where its client's are
	if err != nil {
		return NightReport{}, err
	}
	if err := score(ctx, n, &orders); err != nil {
		return NightReport{}, err
	}
	if err := p.writeTables(ctx, n); err != nil {
		return NightReport{}, err
	}
	if err := p.stillForgotten(ctx, n); err != nil {
		return NightReport{}, err
	}
	n.run.PublishedAt = schema.Times(p.now())
	inForce, err := lake.Publish(ctx, p.store, &n.run)
	if err != nil {
		return NightReport{}, err
	}
	if inForce {
		if err := p.writePeople(ctx, n); err != nil {
			return NightReport{}, err
		}
		if err := p.stillForgotten(ctx, n); err != nil {
			return NightReport{}, err
		}
	}
	report, err := p.reportOf(ctx, &n.run)
	if err != nil {
		return NightReport{}, err
	}
	report.InForce = inForce
	p.log.InfoContext(ctx, "night published", slog.String("run", report.Run), slog.String("as_of", report.AsOf),
		slog.Int64("clients", report.Clients), slog.Int64("orders", report.Orders), slog.Bool("in_force", inForce),
		slog.Int64("took_ms", p.now().Sub(begin).Milliseconds()))
	return report, nil
}

// begin fixes the inputs of a night, and with them its run id.
func (p *Pipeline) begin(ctx context.Context, request NightRequest) (*night, *lake.Run, error) {
	cfg, err := p.Config(ctx)
	if err != nil {
		return nil, nil, err
	}
	n := &night{cfg: cfg, location: cfg.Location(), asOf: request.AsOf}
	if n.asOf == "" {
		year, month, day := p.now().In(n.location).Date()
		n.asOf = time.Date(year, month, day-1, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
	}
	if n.end, err = endOf(n.asOf, n.location); err != nil {
		return nil, nil, err
	}
	if today := p.now().In(n.location).Format(time.DateOnly); n.asOf > today {
		// The pointer never moves back: a night of next year would stay in force till then.
		return nil, nil, fmt.Errorf("%w: %s is after today, %s", ErrFuture, n.asOf, today)
	}
	current, err := lake.Current(ctx, p.store)
	if err != nil && !errors.Is(err, lake.ErrNoRun) {
		return nil, nil, err
	}
	n.before = lake.Predecessor(current, n.asOf)
	settings, err := json.Marshal(struct {
		Business config.Business
		Identity config.Identity
		Metrics  config.Metrics
		Labels   config.Labels
		Funnel   []string
		Rules    []config.Segment
		Builtin  config.BuiltinSegments
		Managers map[string]config.Manager
		Required map[string][]string
	}{cfg.Business, cfg.Identity, cfg.Metrics, cfg.Labels, cfg.Funnel, cfg.Segments, cfg.Builtin, cfg.Managers, requiredFields(cfg)})
	if err != nil {
		return nil, nil, err
	}
	sum := sha256.Sum256(settings)
	n.inputs = map[string]string{
		"as_of": n.asOf, "configuration": hex.EncodeToString(sum[:]), "schema": strconv.Itoa(schema.FormatVersion),
		"token_key": string(p.key.KnownAnswer()),
	}
	if n.before != nil {
		n.inputs["predecessor"] = n.before.Run
	}
	if n.erased, err = p.erasedTokens(ctx); err != nil {
		return nil, nil, err
	}
	if len(n.erased) > 0 {
		n.inputs["erased"] = digestOf(n.erased)
	}
	if n.store, err = p.pin(ctx); err != nil {
		return nil, nil, err
	}
	for key, version := range n.store.versions {
		n.inputs[key] = string(version)
	}
	if err := n.findAssignments(ctx, p.store); err != nil {
		return nil, nil, err
	}
	n.findEventDays()
	n.run = lake.Run{RunRef: lake.RunRef{Run: lake.RunID(n.inputs), AsOf: n.asOf}, Predecessor: n.before, Inputs: n.inputs}
	return n, current, nil
}

// findEventDays lists the days of a pinned lake that have events.
func (n *night) findEventDays() {
	n.eventDays = make(map[string]objstore.Version)
	for key, version := range n.store.versions {
		if rest, ok := strings.CutPrefix(key, lake.EventsPrefix); ok {
			day, _, _ := strings.Cut(rest, "/")
			n.eventDays[day] = version
		}
	}
	n.days = slices.Sorted(maps.Keys(n.eventDays))
}

// resolve finds the clients and builds their cards, in two passes over the days:
// which values are shared by too many is known only at the end of the first.
func resolve(ctx context.Context, n *night) error {
	resolver, err := resolverOf(ctx, n.store, n.cfg, n.days, func(row schema.IdentityEventRow) bool {
		return row.At.Before(n.end) && !n.forgotten(row.Tokens)
	})
	if err != nil {
		return err
	}
	n.clients = resolver.Resolve()
	builder := card.NewBuilder(n.clients, card.Options{Funnel: n.cfg.Funnel, Location: n.location, End: n.end, ParseName: firstAndLast})
	n.census = newCensus(n)
	for _, day := range n.days {
		events, err := lake.ReadDay[schema.CardEventRow](ctx, n.store, lake.EventsPrefix, day)
		if err != nil {
			return err
		}
		for _, row := range events.Rows {
			if row.At.Before(n.end) {
				if n.forgotten(row.Tokens) {
					row.Tokens = nil
				}
				builder.Event(row)
			}
		}
		contacts, err := lake.ReadDay[schema.ContactRow](ctx, n.store, lake.ContactsPrefix, day)
		if err != nil {
			return err
		}
		for _, row := range contacts.Rows {
			if row.At.Before(n.end) && !n.forgotten(row.Tokens) {
				builder.Contact(row)
			}
		}
		n.census.day(n, events.Rows, contacts.Rows)
	}
	n.cards, n.orderInterests = builder.Cards(), builder.OrderInterests()
	n.channels = builder.Channels()
	return nil
}

// firstAndLast are the parts of a name that can be told.
func firstAndLast(full string) (first, last string) {
	name := identity.ParseName(full)
	return name.First, name.Last
}

// known are the rows of the clients; values that many share have a card of nobody.
func (n *night) known() []schema.ClientRow {
	rows := make([]schema.ClientRow, 0, len(n.rows))
	for i := range n.rows {
		if !n.cards[i].Empty() {
			rows = append(rows, n.rows[i])
		}
	}
	return rows
}

// models are the numbers of all models of the night, ordered by (model, parameter).
func (n *night) models() []schema.ModelRow {
	rows := slices.Concat(n.scores.LTV.Models, n.scores.Models, n.habits.leads.Models)
	slices.SortFunc(rows, func(a, b schema.ModelRow) int {
		return cmp.Or(strings.Compare(a.Model, b.Model), strings.Compare(a.Parameter, b.Parameter))
	})
	return rows
}

// score counts the folded orders and scores the clients.
func score(ctx context.Context, n *night, orders *foldedOrders) error {
	asOf, err := analytics.ParseDay(n.asOf)
	if err != nil {
		return err
	}
	n.base, err = countOrders(ctx, orders, resolved{n.clients}, analytics.Options{
		AsOf: asOf, Metrics: n.cfg.Metrics, Currency: n.cfg.Business.Currency, Convert: n.convert, Histories: true,
	})
	if err != nil {
		return err
	}
	if err := n.census.orders(ctx, n, orders); err != nil {
		return err
	}
	if n.unfinished, err = unfinishedDays(ctx, n, orders); err != nil {
		return err
	}
	if n.effects, err = effectsOf(ctx, n, orders); err != nil {
		return err
	}
	if err := orders.stand(ctx); err != nil {
		return err
	}
	n.scores = analytics.Score(n.base)
	n.scores.Predict()
	n.rows = clientRows(n)
	if n.habits, err = habitsOf(n); err != nil {
		return err
	}
	if n.marketing, err = marketingOf(n); err != nil {
		return err
	}
	n.scores.AddThresholds(businessThresholds(n.cfg)...)
	n.funnel, err = funnelOf(ctx, n, orders)
	return err
}

// writeTables writes every table of the run.
func (p *Pipeline) writeTables(ctx context.Context, n *night) error {
	var before []schema.SegmentRow
	var spans []schema.HistoryRow
	var moves []schema.RFMMoveRow
	first := true
	if n.before != nil {
		predecessor, err := lake.ReadRun(ctx, p.store, *n.before)
		if err != nil && !errors.Is(err, lake.ErrNoRun) {
			return err
		}
		if predecessor != nil {
			first = false
			if before, err = lake.ReadRunTable[schema.SegmentRow](ctx, p.store, predecessor); err != nil {
				return err
			}
			old, err := lake.ReadRunTable[schema.ClientRow](ctx, p.store, predecessor)
			if err != nil {
				return err
			}
			moves = codeMoves(old, n.rows)
			if spans, err = historyOf(ctx, p.store, predecessor); err != nil {
				return err
			}
		}
	}
	ledger, err := countLedger(ctx, n.store)
	if err != nil {
		return err
	}
	clients := n.known()
	segments, err := segment.Segments(n.cfg, clients, n.asOf)
	if err != nil {
		return err
	}
	members, catalogue := segment.Membership(segments, clients, before, first, n.asOf)
	return errors.Join(
		lake.AddTable(ctx, p.store, &n.run, clients),
		lake.AddTable(ctx, p.store, &n.run, n.scores.Codes),
		lake.AddTable(ctx, p.store, &n.run, moves),
		lake.AddTable(ctx, p.store, &n.run, n.scores.Thresholds),
		addBlocks[schema.ABCRow](ctx, p.store, &n.run, abcBlocks(n.scores)),
		lake.AddTable(ctx, p.store, &n.run, analytics.Cohorts(n.base, analytics.ActivityOf(n.cfg.Metrics))),
		lake.AddTable(ctx, p.store, &n.run, analytics.LifecycleMonths(n.base)),
		lake.AddTable(ctx, p.store, &n.run, n.base.Other),
		n.funnel.add(ctx, p.store, &n.run),
		addBlocks[schema.XYZRow](ctx, p.store, &n.run, xyzBlocks(n.scores)),
		lake.AddTable(ctx, p.store, &n.run, n.scores.ABCXYZ),
		lake.AddTable(ctx, p.store, &n.run, n.scores.LTV.Months),
		n.habits.add(ctx, p.store, &n.run),
		n.marketing.add(ctx, p.store, &n.run),
		lake.AddTable(ctx, p.store, &n.run, n.effects),
		lake.AddTable(ctx, p.store, &n.run, n.models()),
		lake.AddTable(ctx, p.store, &n.run, members),
		lake.AddTable(ctx, p.store, &n.run, catalogue),
		lake.AddTable(ctx, p.store, &n.run, segment.History(spans, n.rows, members, n.asOf)),
		lake.AddTable(ctx, p.store, &n.run, consentRows(n.cards)),
		lake.AddTable(ctx, p.store, &n.run, n.clients.Links()),
		lake.AddTable(ctx, p.store, &n.run, ledgerTable(ledger)),
		lake.AddTable(ctx, p.store, &n.run, qualityRows(n, ledger)),
		lake.AddTable(ctx, p.store, &n.run, n.census.merges.Rows(n.clients.IDs())),
	)
}

// reportOf counts a published run from its own tables.
func (p *Pipeline) reportOf(ctx context.Context, run *lake.Run) (NightReport, error) {
	report := NightReport{Run: run.Run, AsOf: run.AsOf, InForce: true, Segments: map[string]int64{}}
	cfg, err := p.Config(ctx)
	if err != nil {
		return report, err
	}
	report.Currency = cfg.Business.Currency
	for _, s := range cfg.Segments {
		report.Segments[s.Name] = 0
	}
	clients, err := lake.ReadRunTable[schema.ClientRow](ctx, p.store, run)
	if err != nil {
		return report, err
	}
	for _, c := range clients {
		report.Clients++
		report.Orders += c.Orders
		report.RevenueMinor += c.RevenueMinor
		if c.Orders > 0 {
			report.Buyers++
		}
	}
	members, err := lake.ReadRunTable[schema.SegmentRow](ctx, p.store, run)
	if err != nil {
		return report, err
	}
	for _, row := range members {
		report.Segments[row.Segment]++
	}
	quality, err := lake.ReadRunTable[schema.QualityRow](ctx, p.store, run)
	if err != nil {
		return report, err
	}
	for _, row := range quality {
		switch {
		case row.Source != "":
		case row.Measure == card.MeasureLeads:
			report.Leads = row.Count
		case row.Measure == card.MeasureAnonymous:
			report.Orders += row.Count
		case row.Measure == card.MeasureAnonymousSum:
			report.RevenueMinor += row.Count
		}
	}
	ledger, err := lake.ReadRunTable[schema.LedgerRow](ctx, p.store, run)
	if err != nil {
		return report, err
	}
	for _, row := range ledger {
		if !row.Balanced {
			report.Unbalanced = append(report.Unbalanced, row.Day+" "+row.Source)
		}
	}
	return report, nil
}
