package pipeline

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/leadlake/leadlake/lib/audience"
	"github.com/leadlake/leadlake/lib/consent"
	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/schema"
)

// news is what the lake knows and the run in force does not: withdrawals and
// unsubscriptions received since, and people who are erased or asked for it. It can
// only take people out: a consent given since brings nobody in before a night. It is
// read-only once its clients are named.
type news struct {
	erased map[string]bool // tokens
	events []newsEvent
	// linked joins tokens that one event since the night names, by the smallest of
	// them: who withdraws by an address that the run does not know yet may have left
	// it this morning with the phone that the run knows.
	linked map[string]string

	// By client id, once the tokens have their clients.
	gone   map[string]bool
	states map[string]*consent.Ledger
	// unsubscribed holds ids of events that were unsubscriptions.
	unsubscribed map[string]bool
	// joined holds, by client id, what clients of the run have withdrawn who seem to be
	// one with him since: the night will weigh their statements against each other.
	joined map[string]map[consent.Purpose]bool
}

// newsEvent is an event since the night that says something of consents.
type newsEvent struct {
	id       string
	tokens   []string
	consents []schema.ConsentRow
	at       time.Time
}

// newsRow is the part of an event that tells who left.
type newsRow struct {
	EventID  string              `parquet:"event_id"`
	Kind     string              `parquet:"kind,dict"`
	At       time.Time           `parquet:"at,timestamp(microsecond),delta"`
	Tokens   []string            `parquet:"tokens,list"`
	Consents []schema.ConsentRow `parquet:"consents,list"`
}

// Table implements schema.Row.
func (newsRow) Table() string { return "events" }

// Personal implements schema.Row.
func (newsRow) Personal() []string { return nil }

// readNews reads what came since a run.
func (p *Pipeline) readNews(ctx context.Context, run *lake.Run) (*news, error) {
	n := &news{
		erased: map[string]bool{}, linked: map[string]string{}, unsubscribed: map[string]bool{},
		gone: map[string]bool{}, states: map[string]*consent.Ledger{}, joined: map[string]map[consent.Purpose]bool{},
	}
	suppressed, err := lake.ReadSuppressed(ctx, p.store)
	if err != nil {
		return nil, err
	}
	for token := range suppressed {
		n.erased[token] = true
	}
	waiting, err := p.waitingErasures(ctx)
	if err != nil {
		return nil, err
	}
	for _, request := range waiting {
		for _, token := range request.Tokens {
			n.erased[token] = true
		}
	}
	days, err := p.daysSince(ctx, run)
	if err != nil {
		return nil, err
	}
	for _, day := range days {
		table, err := lake.ReadDay[newsRow](ctx, p.store, lake.EventsPrefix, day)
		if err != nil {
			return nil, err
		}
		for i := range table.Rows {
			n.add(&table.Rows[i])
		}
	}
	return n, nil
}

// daysSince lists the days of events that the run has not read as they are. A day that
// it has read whole can only hold news that are dated after the run's day, received
// on or after it.
func (p *Pipeline) daysSince(ctx context.Context, run *lake.Run) ([]string, error) {
	cfg, err := p.Config(ctx)
	if err != nil {
		return nil, err
	}
	end, err := endOf(run.AsOf, cfg.Location())
	if err != nil {
		return nil, err
	}
	days, err := lake.Days(ctx, p.store, lake.EventsPrefix)
	if err != nil {
		return nil, err
	}
	known := make([]bool, len(days))
	if err := atOnce(len(days), func(i int) error { // years of days, one request each
		head, err := p.store.Head(ctx, dayPart(lake.EventsPrefix, days[i]))
		known[i] = err == nil && run.Inputs[head.Key] == string(head.Version) && days[i] < lake.Day(end)
		return err
	}); err != nil {
		return nil, fmt.Errorf("pipeline: what changed since the night: %w", err)
	}
	var since []string
	for i, day := range days {
		if !known[i] {
			since = append(since, day)
		}
	}
	return since, nil
}

func (n *news) add(ev *newsRow) {
	for _, token := range ev.Tokens[min(1, len(ev.Tokens)):] {
		n.link(ev.Tokens[0], token)
	}
	if len(ev.Tokens) == 0 || len(ev.Consents) == 0 {
		return
	}
	if ev.Kind == string(event.Unsubscribe) {
		n.unsubscribed[ev.EventID] = true
	}
	n.events = append(n.events, newsEvent{id: ev.EventID, tokens: ev.Tokens, consents: ev.Consents, at: ev.At})
}

func (n *news) link(a, b string) {
	if a, b = n.root(a), n.root(b); a != b {
		n.linked[max(a, b)] = min(a, b)
	}
}

func (n *news) root(token string) string {
	for {
		up, ok := n.linked[token]
		if !ok {
			return token
		}
		if higher, ok := n.linked[up]; ok {
			n.linked[token] = higher // the way becomes shorter each time
		}
		token = up
	}
}

// speaking are the tokens for which the news needs to know whose they are: those that
// said something of consents, and those that were named together.
func (n *news) speaking() map[string]bool {
	speaking := map[string]bool{}
	for _, ev := range n.events {
		for _, token := range ev.tokens {
			speaking[token] = true
		}
	}
	for token := range n.linked {
		speaking[token], speaking[n.root(token)] = true, true
	}
	return speaking
}

// tokenOwners is whose tokens are in the run, and what those clients have agreed to there.
type tokenOwners struct {
	client   map[string]string // by token
	consents map[string]schema.Map
}

// join notes what clients have withdrawn who seem to be one.
func (n *news) join(ids []string, consents map[string]schema.Map) {
	withdrawn := map[consent.Purpose]bool{}
	for _, id := range ids {
		for _, pair := range consents[id].Pairs {
			if consent.State(pair.Value) == consent.Withdrawn {
				withdrawn[consent.Purpose(pair.Key)] = true
			}
		}
	}
	if len(withdrawn) == 0 {
		return
	}
	for _, id := range ids {
		n.joined[id] = withdrawn
	}
}

// name gives the news to clients; owner tells whose a token is in the run. A
// withdrawal counts for everybody to whom it may belong. What somebody agrees to
// counts where it names nobody else: two people with one phone must not agree for
// each other.
func (n *news) name(of tokenOwners, now time.Time) {
	owner := of.client
	for token := range n.erased {
		if id, ok := owner[token]; ok {
			n.gone[id] = true
		}
	}
	for token, id := range owner {
		n.link(token, id) // what one event names of two clients joins all that is theirs
	}
	reached := map[string][]string{} // by root
	for token := range n.speaking() {
		if id, ok := owner[token]; ok {
			root := n.root(token)
			if !slices.Contains(reached[root], id) {
				reached[root] = append(reached[root], id)
			}
		}
	}
	for _, ids := range reached {
		if len(ids) > 1 {
			n.join(ids, of.consents)
		}
	}
	for _, ev := range n.events {
		named := map[string]bool{}
		for _, token := range ev.tokens {
			if id, ok := owner[token]; ok {
				named[id] = true
			}
		}
		for _, id := range reached[n.root(ev.tokens[0])] {
			for _, c := range ev.consents {
				if c.Given && (!named[id] || len(named) > 1 || c.At.After(ev.at) && c.At.After(now)) {
					continue // dated later than who says so: it must not outlive a withdrawal of today
				}
				if n.states[id] == nil {
					n.states[id] = &consent.Ledger{}
				}
				n.states[id].Add(consent.Statement{Purpose: consent.Purpose(c.Purpose), Given: c.Given, At: c.At, EventID: ev.id})
			}
		}
	}
}

// left is why a client may not be handed over for a purpose any more, empty if
// nothing says so. Of what was stated since the night the latest counts; where that
// is a withdrawal he is out until the next night has weighed it against older ones.
func (n *news) left(clientID string, purpose consent.Purpose) audience.Reason {
	if states := n.states[clientID]; states != nil {
		if s, ok := states.Latest(purpose); ok && !s.Given {
			if n.unsubscribed[s.EventID] {
				return audience.ReasonUnsubscribed
			}
			return audience.ReasonWithdrawn
		}
	}
	if n.joined[clientID][purpose] {
		return audience.ReasonWithdrawn
	}
	return ""
}
