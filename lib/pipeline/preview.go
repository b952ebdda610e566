package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/leadlake/leadlake/lib/card"
	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/schema"
)

// ErrNoChange says that a preview was asked for without anything to change.
var ErrNoChange = errors.New("pipeline: nothing to change")

// Change is a decision about clients that has not been taken yet. Clients are
// named by their id or any of their aliases.
type Change struct {
	Merge [][]string
	Split [][][]string
	// With replaces what decides who is one client in the configuration in force;
	// nil keeps it.
	With *config.Config
}

// Preview says what a change would do to the clients of the run in force.
type Preview struct {
	Run           string `json:"run"`
	AsOf          string `json:"as_of"`
	Currency      string `json:"currency"`
	ClientsBefore int    `json:"clients_before"`
	ClientsAfter  int    `json:"clients_after"`
	// Moves are ordered by revenue, the largest first.
	Moves []Move `json:"moves"`
	// YAML is what to write into the configuration; empty where it came from one.
	YAML string `json:"yaml,omitempty"`
}

// Move is a group of clients whose identifiers or orders would be dealt out anew.
type Move struct {
	Before []MovedClient `json:"before"` // the largest revenue first
	After  []MovedClient `json:"after"`
}

// Kind is join, part, or regroup for what is neither.
func (m Move) Kind() string {
	switch {
	case len(m.After) < len(m.Before):
		return "join"
	case len(m.After) > len(m.Before):
		return "part"
	}
	return "regroup"
}

func (m Move) revenue() int64 {
	sum := int64(0)
	for _, c := range m.Before {
		sum += c.RevenueMinor
	}
	return sum
}

// MovedClient is a client before or after a change.
type MovedClient struct {
	ClientID     string `json:"client_id"`
	Identifiers  int    `json:"identifiers"`
	Orders       int64  `json:"orders"`
	RevenueMinor int64  `json:"revenue_minor"`
}

// PreviewChange resolves the clients of the run's day once as they are and once
// with a change, by the rules of the night, and compares. It writes nothing. A
// client that nobody knows is ErrNoClient.
func (p *Pipeline) PreviewChange(ctx context.Context, change Change) (Preview, error) {
	if len(change.Merge)+len(change.Split) == 0 && change.With == nil {
		return Preview{}, ErrNoChange
	}
	for range nightAttempts {
		preview, err := p.previewChange(ctx, change)
		if !errors.Is(err, errMoved) { // a compaction came between both resolutions
			return preview, err
		}
	}
	return Preview{}, fmt.Errorf("pipeline: %w %d times in a row", errMoved, nightAttempts)
}

func (p *Pipeline) previewChange(ctx context.Context, change Change) (Preview, error) {
	run, err := lake.Current(ctx, p.store)
	if err != nil {
		return Preview{}, err
	}
	cfg, err := p.Config(ctx)
	if err != nil {
		return Preview{}, err
	}
	n := &night{cfg: cfg, location: cfg.Location(), asOf: run.AsOf}
	if n.end, err = endOf(run.AsOf, n.location); err != nil {
		return Preview{}, err
	}
	if n.erased, err = p.erasedTokens(ctx); err != nil {
		return Preview{}, err
	}
	if n.store, err = p.pin(ctx); err != nil {
		return Preview{}, err
	}
	if n.days, err = lake.Days(ctx, n.store, lake.EventsPrefix); err != nil {
		return Preview{}, err
	}
	before, err := n.resolved(ctx, cfg)
	if err != nil {
		return Preview{}, err
	}
	changed, err := changedConfig(cfg, change, before)
	if err != nil {
		return Preview{}, err
	}
	after, err := n.resolved(ctx, changed)
	if err != nil {
		return Preview{}, err
	}
	preview := Preview{
		Run: run.Run, AsOf: run.AsOf, Currency: cfg.Business.Currency, ClientsBefore: before.Len(), ClientsAfter: after.Len(),
		YAML: overridesYAML(change),
	}
	was, willBe := map[string]MovedClient{}, map[string]MovedClient{}
	orders, err := p.ordersNow(ctx)
	if err != nil {
		return Preview{}, err
	}
	err = n.eachPurchase(ctx, &orders, func(tokens []string, minor int64) {
		for _, side := range []struct {
			clients *card.Clients
			sums    map[string]MovedClient
		}{{before, was}, {after, willBe}} {
			if id := side.clients.OfEvent(tokens); id != "" {
				sum := side.sums[id]
				sum.Orders++
				sum.RevenueMinor += minor
				side.sums[id] = sum
			}
		}
	})
	if err != nil {
		return Preview{}, fmt.Errorf("pipeline: count orders of a preview: %w", err)
	}
	preview.Moves = movesOf(before, after, was, willBe)
	return preview, nil
}

// resolved resolves the clients by a configuration, as the night does.
func (n *night) resolved(ctx context.Context, cfg *config.Config) (*card.Clients, error) {
	resolver, err := resolverOf(ctx, n.store, cfg, n.days, func(row schema.IdentityEventRow) bool {
		return row.At.Before(n.end) && !n.forgotten(row.Tokens)
	})
	if err != nil {
		return nil, err
	}
	return resolver.Resolve(), nil
}

// changedConfig is the configuration after a change.
func changedConfig(cfg *config.Config, change Change, clients *card.Clients) (*config.Config, error) {
	changed := *cfg
	if change.With != nil {
		changed.Identity = change.With.Identity
		changed.Metrics.MaxShared, changed.Metrics.EmailLinks = change.With.Metrics.MaxShared, change.With.Metrics.EmailLinks
	}
	changed.Identity.Merge, changed.Identity.Split = slices.Clone(changed.Identity.Merge), slices.Clone(changed.Identity.Split)
	known := func(ids []string) error {
		for _, id := range ids {
			if clients.Of(id) == "" {
				return fmt.Errorf("%w: %s", ErrNoClient, id)
			}
		}
		return nil
	}
	for _, ids := range change.Merge {
		if err := known(ids); err != nil {
			return nil, err
		}
		changed.Identity.Merge = append(changed.Identity.Merge, config.Merge{Clients: ids})
	}
	for _, parts := range change.Split {
		if err := known(slices.Concat(parts...)); err != nil {
			return nil, err
		}
		changed.Identity.Split = append(changed.Identity.Split, config.Split{Parts: parts})
	}
	return &changed, nil
}

// movesOf groups the clients that the change touches: those which share an
// identifier before and after it, where one side has several clients or an order
// goes elsewhere.
func movesOf(before, after *card.Clients, was, willBe map[string]MovedClient) []Move {
	moves := []Move{}
	done := map[string]bool{} // clients after
	ids := before.IDs()
	for _, id := range ids {
		first := after.Of(id)
		if done[first] {
			continue
		}
		olds, news := map[string]bool{}, map[string]bool{}
		reach(before, after, id, olds, news)
		for old := range news {
			done[old] = true
		}
		sum := func(side map[string]bool, sums map[string]MovedClient, clients *card.Clients) []MovedClient {
			var all []MovedClient
			for id := range side {
				c := sums[id]
				c.ClientID, c.Identifiers = id, len(clients.Tokens(id))
				all = append(all, c)
			}
			slices.SortFunc(all, func(a, b MovedClient) int {
				return cmp.Or(cmp.Compare(b.RevenueMinor, a.RevenueMinor), cmp.Compare(b.Orders, a.Orders), strings.Compare(a.ClientID, b.ClientID))
			})
			return all
		}
		if len(olds) == 1 && len(news) == 1 && was[id] == willBe[first] {
			continue
		}
		moves = append(moves, Move{Before: sum(olds, was, before), After: sum(news, willBe, after)})
	}
	slices.SortFunc(moves, func(a, b Move) int {
		return cmp.Or(cmp.Compare(b.revenue(), a.revenue()), strings.Compare(a.Before[0].ClientID, b.Before[0].ClientID))
	})
	return moves
}

// reach collects the clients on both sides that identifiers connect with one.
func reach(before, after *card.Clients, id string, olds, news map[string]bool) {
	for queue := []string{id}; len(queue) > 0; queue = queue[1:] {
		if olds[queue[0]] {
			continue
		}
		olds[queue[0]] = true
		for _, token := range before.Tokens(queue[0]) {
			next := after.Of(token)
			if news[next] {
				continue
			}
			news[next] = true
			for _, other := range after.Tokens(next) {
				queue = append(queue, before.Of(other))
			}
		}
	}
}

// overridesYAML writes the lists of a change as the configuration has them.
func overridesYAML(change Change) string {
	if len(change.Merge)+len(change.Split) == 0 {
		return ""
	}
	var text strings.Builder
	text.WriteString("identity:\n")
	if len(change.Merge) > 0 {
		text.WriteString("  merge:\n")
		for _, ids := range change.Merge {
			text.WriteString("    - clients: [" + strings.Join(ids, ", ") + "]\n")
		}
	}
	if len(change.Split) > 0 {
		text.WriteString("  split:\n")
		for _, parts := range change.Split {
			lists := make([]string, len(parts))
			for i, part := range parts {
				lists[i] = "[" + strings.Join(part, ", ") + "]"
			}
			text.WriteString("    - parts: [" + strings.Join(lists, ", ") + "]\n")
		}
	}
	return text.String()
}
