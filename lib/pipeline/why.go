package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/portal"
	"github.com/leadlake/leadlake/lib/segment"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/identity"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/schema"
)

// ErrNoClient says that the run in force has no client of that name.
var ErrNoClient = errors.New("pipeline: no such client in the run in force")

// Why is what a night knew of one client, and by which bounds it judged. Nothing
// in it is a contact value.
type Why struct {
	Run      string           `json:"run"`
	AsOf     string           `json:"as_of"`
	Currency string           `json:"currency"`
	Client   schema.ClientRow `json:"client"` // under the names of its columns

	Links []ClientLink `json:"links,omitempty"` // why these identifiers are one client
	Apart []ClientLink `json:"apart,omitempty"` // stated with them, and not used

	Lifecycle WhyRule   `json:"lifecycle"`
	Activity  WhyRule   `json:"activity"`
	Labels    []WhyRule `json:"labels,omitempty"`
	// ManagerSince is when the present manager was first named since another one was.
	ManagerSince time.Time      `json:"manager_since,omitzero"`
	Consents     []ConsentState `json:"consents"`

	Scores   []WhyScore   `json:"scores"` // recency, frequency, monetary; empty without a code
	ABC      *WhyABC      `json:"abc"`    // nil for who never bought
	XYZ      *WhyXYZ      `json:"xyz"`    // nil for who bought too seldom for a row of the table
	Segments []WhySegment `json:"segments"`
	History  []WhySpan    `json:"history,omitempty"` // codes and segments by day

	Orders     []WhyOrder   `json:"orders,omitempty"`     // every order of the client, oldest first
	Chronology []TrailEvent `json:"chronology,omitempty"` // every event up to the end of as_of, oldest first
}

// MarshalJSON writes the client under the names of his columns.
func (w Why) MarshalJSON() ([]byte, error) {
	type plain Why
	return json.Marshal(struct {
		plain

		Client map[string]any `json:"client"`
	}{plain(w), byColumn(w.Client)})
}

// byColumn is a client's row by the names of its columns.
func byColumn(row schema.ClientRow) map[string]any {
	columns := columnsOf(row)
	consents := map[string]string{}
	for _, pair := range row.Consents.Pairs {
		consents[pair.Key] = pair.Value
	}
	columns["consents"] = consents
	return columns
}

// columnsOf is a row by the names of its columns.
func columnsOf[T schema.Row](row T) map[string]any {
	v := reflect.ValueOf(row)
	columns := make(map[string]any, v.NumField())
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("parquet"), ",")
		columns[name] = v.Field(i).Interface()
	}
	return columns
}

// WhySpan is a span of days in which the client had a code or was in a segment.
type WhySpan struct {
	What    string `json:"what"` // rfm_code or segment
	Value   string `json:"value"`
	FromDay string `json:"from_day"`
	ToDay   string `json:"to_day,omitempty"` // the first day it no longer held; empty: it holds
}

// WhyOrder is one order as the night saw it.
type WhyOrder struct {
	ClientOrder

	// Counted says that the order stands behind the scores: it is a purchase, and
	// of the window if there is one.
	Counted bool `json:"counted"`
}

// WhySegment is a segment that the client is in, and the rule that says so; or one
// that he is not in, and what in its rule says so.
type WhySegment struct {
	Segment  string      `json:"segment"`
	Title    portal.Text `json:"title"`
	SinceDay string      `json:"since_day,omitempty"` // empty for who is no member
	Rule     string      `json:"rule"`
	// Reasons are the parts of the rule that decided, with the client's facts.
	Reasons []segment.Reason `json:"reasons,omitempty"`
}

// goldOf is what Why reads of a run. Tables that a run of an earlier version has
// not are empty.
type goldOf struct {
	run        *lake.Run
	clients    []schema.ClientRow
	thresholds []schema.ThresholdRow
	abc        []schema.ABCRow
	xyz        []schema.XYZRow
	members    []schema.SegmentRow
	links      []schema.LinkRow
	consents   []schema.ConsentStateRow
	history    []schema.HistoryRow
	catalogue  []schema.SegmentCatalogueRow
}

func (p *Pipeline) readGold(ctx context.Context) (*goldOf, error) {
	run, err := lake.Current(ctx, p.store)
	if err != nil {
		return nil, err
	}
	g := &goldOf{run: run}
	return g, errors.Join(
		into(ctx, p, run, &g.clients), into(ctx, p, run, &g.thresholds), into(ctx, p, run, &g.abc),
		intoIfThere(ctx, p, run, &g.links), intoIfThere(ctx, p, run, &g.consents), intoIfThere(ctx, p, run, &g.catalogue), intoIfThere(ctx, p, run, &g.xyz),
	)
}

// intoIfThere is into for a table that runs of earlier versions lack.
func intoIfThere[T schema.Row](ctx context.Context, p *Pipeline, run *lake.Run, rows *[]T) error {
	var row T
	if _, ok := run.Tables[row.Table()]; !ok {
		return nil
	}
	return into(ctx, p, run, rows)
}

// Why explains a client of the run in force. client is his id or an alias, a phone
// or an e-mail, or the id he has in a source's own system. Nobody of that name is
// ErrNoClient.
func (p *Pipeline) Why(ctx context.Context, client string) (Why, error) {
	cfg, err := p.Config(ctx)
	if err != nil {
		return Why{}, err
	}
	gold, err := p.readGold(ctx)
	if err != nil {
		return Why{}, err
	}
	row, err := p.findClient(ctx, gold.clients, client)
	if err != nil {
		return Why{}, err
	}
	events, err := eventsOf(ctx, p.store, gold.tokensOf(row))
	if err != nil {
		return Why{}, err
	}
	return p.explain(ctx, cfg, gold, row, events)
}

// tokensOf decides by tokens whether an event or an order is the client's, as the
// night did.
func (g *goldOf) tokensOf(row schema.ClientRow) func(tokens []string) bool {
	mine := map[string]bool{row.ClientID: true}
	for _, alias := range row.Aliases {
		mine[alias] = true
	}
	deciders := decidersBy(g.links)
	return func(tokens []string) bool {
		return len(tokens) > 0 && mine[deciders.of(tokens[0], tokens[1:])]
	}
}

// explain puts together what the run in force says of one of its clients. events
// are his, in time order; what is dated after the run's day does not count.
func (p *Pipeline) explain(ctx context.Context, cfg *config.Config, gold *goldOf, row schema.ClientRow, events []schema.EventRow) (Why, error) {
	w := Why{
		Run: gold.run.Run, AsOf: gold.run.AsOf, Currency: cfg.Business.Currency, Client: row,
	}
	end, err := endOf(w.AsOf, cfg.Location())
	if err != nil {
		return Why{}, err
	}
	events = events[:sort.Search(len(events), func(i int) bool { return !events[i].At.Before(end) })]
	if err := p.readOf(ctx, gold, row.ClientID); err != nil {
		return Why{}, err
	}
	if w.Orders, err = p.ordersOf(ctx, gold.tokensOf(row), cfg.Metrics.RFM.WindowDays, w.AsOf); err != nil {
		return Why{}, err
	}
	w.score(cfg, gold.thresholds)
	w.classify(gold.abc, gold.thresholds)
	w.even(gold.xyz, gold.thresholds)
	w.judge(cfg)
	w.Chronology = trailOf(events)
	for _, ev := range slices.Backward(events) {
		if ev.Manager != "" && (row.Manager == nil || ev.Manager != *row.Manager) {
			break
		}
		if ev.Manager != "" {
			w.ManagerSince = ev.At
		}
	}
	w.Consents = gold.consentsOf(row.ClientID)
	if w.Consents == nil {
		w.Consents = consentStates(statementsOf(events))
	}
	w.Links, w.Apart = gold.linksOf(row.ClientID, events)
	for _, h := range gold.history {
		if h.ClientID == row.ClientID {
			w.History = append(w.History, WhySpan{What: h.What, Value: h.Value, FromDay: h.FromDay, ToDay: h.ToDay})
		}
	}
	w.Segments, err = gold.segmentsOf(cfg, row)
	return w, err
}

// readOf reads the memberships and the history of one client: both tables have many
// rows for each.
func (p *Pipeline) readOf(ctx context.Context, g *goldOf, client string) error {
	return errors.Join(intoOf(ctx, p, g.run, client, &g.members), intoOf(ctx, p, g.run, client, &g.history))
}

// intoOf is intoIfThere for the rows of one client.
func intoOf[T schema.Row](ctx context.Context, p *Pipeline, run *lake.Run, client string, rows *[]T) error {
	var row T
	ref, ok := run.Tables[row.Table()]
	if !ok {
		return nil
	}
	body, _, err := p.store.Get(ctx, ref.Key)
	if err != nil {
		return fmt.Errorf("pipeline: read %s: %w", row.Table(), err)
	}
	*rows, err = schema.DecodeWhere[T](body, "client_id", client)
	return err
}

// linksOf is the client's rows of gold/links, and what his events state beside
// his own identifiers: a value that many share has a client of its own there.
func (g *goldOf) linksOf(client string, events []schema.EventRow) (held, apart []ClientLink) {
	reasons := map[string]string{}
	for _, link := range g.links {
		l := clientLink(link)
		if l.apart() {
			reasons[l.Token] = l.Why
		} else if link.ClientID == client {
			held = append(held, l)
		}
	}
	for i := range events {
		for _, token := range events[i].Tokens {
			if why := reasons[token]; why != "" && token != client {
				apart = append(apart, ClientLink{Token: token, Why: why, Since: events[i].At, Source: events[i].Source})
				delete(reasons, token) // the earliest tells
			}
		}
	}
	return held, apart
}

// consentsOf is the client's rows of gold/consents, the purposes that were never
// stated among them; nil where the run has no such table.
func (g *goldOf) consentsOf(client string) []ConsentState {
	if _, ok := g.run.Tables[schema.ConsentStateRow{}.Table()]; !ok {
		return nil
	}
	states := consentStates(nil)
	for _, c := range g.consents {
		if c.ClientID != client {
			continue
		}
		state := ConsentState{
			Purpose: c.Purpose, State: c.State, At: c.At, TextVersion: c.TextVersion, Channel: c.Channel, Evidence: c.Evidence, EventID: c.EventID,
		}
		i := slices.IndexFunc(states, func(s ConsentState) bool { return s.Purpose == c.Purpose })
		if i < 0 {
			states = append(states, state)
		} else {
			states[i] = state
		}
	}
	return states
}

// findClient finds the client who is called so.
func (p *Pipeline) findClient(ctx context.Context, clients []schema.ClientRow, name string) (schema.ClientRow, error) {
	name = strings.TrimSpace(name)
	token := strings.ToLower(name)
	if !identity.Token(token).Valid() {
		token = ""
		contact, err := p.TokenOf(ctx, name)
		if err != nil && !errors.Is(err, ErrContact) {
			return schema.ClientRow{}, err
		}
		if err == nil {
			if _, err := p.tokenKeyFits(ctx); err != nil {
				return schema.ClientRow{}, err
			}
			token = string(contact)
		}
	}
	var found []schema.ClientRow
	for _, c := range clients {
		if token != "" && (c.ClientID == token || slices.Contains(c.Aliases, token)) {
			return c, nil
		}
		if slices.Contains(c.ExternalIDs, name) {
			found = append(found, c)
		}
	}
	switch len(found) {
	case 0:
		return schema.ClientRow{}, ErrNoClient
	case 1:
		return found[0], nil
	}
	ids := make([]string, len(found))
	for i, c := range found {
		ids[i] = c.ClientID
	}
	return schema.ClientRow{}, fmt.Errorf("%w: several sources give that id to different clients: %s; take one of these", ErrNoClient, strings.Join(ids, ", "))
}
