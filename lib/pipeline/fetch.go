package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/schema"
	"github.com/leadlake/leadlake/lib/webhook"
)

// fetchKey holds what thin hooks named and when it is asked for again. It can be
// rebuilt from the events; what was fetched already is then fetched once more
// and dropped as a duplicate.
const fetchKey = "lake/fetch.json"

const (
	fetchWindow = 35 * 24 * time.Hour // how long an object is remembered
	fetchGiveUp = 7 * 24 * time.Hour  // how long one is asked for
	fetchLease  = 10 * time.Minute    // time of one process to do what it claimed
	fetchAtOnce = 200                 // objects in one step: 200 × 0.5 s stays inside a function's time
	fetchPause  = 500 * time.Millisecond
)

// fetchState is the content of fetchKey.
type fetchState struct {
	Days    map[string]objstore.Version `json:"days"` // day of events → version that was looked through
	Objects map[string]*fetchObject     `json:"objects"`
}

// fetchObject is an object that a hook named. Only Day and Done are kept of one
// that came.
type fetchObject struct {
	Source     string    `json:"source,omitempty"`
	EventID    string    `json:"event_id,omitempty"`
	Entity     string    `json:"entity,omitempty"`
	Object     string    `json:"object,omitempty"`
	Day        string    `json:"day"`
	ReceivedAt time.Time `json:"received_at,omitzero"`
	Attempts   int       `json:"attempts,omitempty"`
	NextAt     time.Time `json:"next_at,omitzero"`
	Problem    string    `json:"problem,omitempty"` // code of the last attempt
	GaveUp     bool      `json:"gave_up,omitempty"`
	Done       bool      `json:"done,omitempty"`
}

// Unfetched counts, for one source, the objects that its hooks named and that
// have not come yet.
type Unfetched struct {
	Source  string `json:"source"`
	Waiting int    `json:"waiting"` // asked for again by itself
	GaveUp  int    `json:"gave_up"` // asked for in vain for a week, or gone
	Problem string `json:"problem"` // the most frequent code of the last attempts; empty: not tried yet
}

// Unfetched says what waits to be fetched, by source in the order of names.
func (p *Pipeline) Unfetched(ctx context.Context) ([]Unfetched, error) {
	state, _, err := p.readFetchState(ctx)
	if err != nil {
		return nil, err
	}
	counts := map[string]*Unfetched{}
	problems := map[string]map[string]int{}
	for _, o := range state.Objects {
		if o.Done {
			continue
		}
		if counts[o.Source] == nil {
			counts[o.Source], problems[o.Source] = &Unfetched{Source: o.Source}, map[string]int{}
		}
		if problems[o.Source][o.Problem]++; o.GaveUp {
			counts[o.Source].GaveUp++
		} else {
			counts[o.Source].Waiting++
		}
	}
	var all []Unfetched
	for _, source := range slices.Sorted(maps.Keys(counts)) {
		u := counts[source]
		for _, code := range slices.Sorted(maps.Keys(problems[source])) {
			if problems[source][code] > problems[source][u.Problem] || u.Problem == "" {
				u.Problem = code
			}
		}
		all = append(all, *u)
	}
	return all, nil
}

func (p *Pipeline) readFetchState(ctx context.Context) (fetchState, objstore.Version, error) {
	state := fetchState{Days: map[string]objstore.Version{}, Objects: map[string]*fetchObject{}}
	body, info, err := p.store.Get(ctx, fetchKey)
	if errors.Is(err, objstore.ErrNotExist) {
		return state, "", nil
	}
	if err != nil {
		return state, "", fmt.Errorf("pipeline: read what is to be fetched: %w", err)
	}
	if err := json.Unmarshal(body, &state); err != nil {
		return state, "", fmt.Errorf("pipeline: %s: %w", fetchKey, err)
	}
	return state, info.Version, nil
}

// writeFetchState swaps the state; an error that matches objstore.ErrChanged or
// objstore.ErrExist means that another process was faster.
func (p *Pipeline) writeFetchState(ctx context.Context, state fetchState, old objstore.Version) (objstore.Version, error) {
	body, err := json.Marshal(state)
	if err != nil {
		return "", err
	}
	if old == "" {
		return p.store.Create(ctx, fetchKey, body)
	}
	return p.store.Swap(ctx, fetchKey, body, old)
}

// fetch asks for what thin hooks named and stores what comes as raw deliveries.
// It returns how many were stored. Another process that does the same is no
// error: each object is claimed for some minutes before it is asked for.
func (p *Pipeline) fetch(ctx context.Context) (int, error) {
	cfg, err := p.settings.Config(ctx)
	if err != nil {
		return 0, err
	}
	state, version, err := p.readFetchState(ctx)
	if err != nil {
		return 0, err
	}
	changed, err := p.findThin(ctx, cfg, &state)
	if err != nil {
		return 0, err
	}
	claimed := p.claim(cfg, state)
	if !changed && len(claimed) == 0 {
		return 0, nil
	}
	if version, err = p.writeFetchState(ctx, state, version); err != nil {
		return 0, overtaken(err)
	}
	if len(claimed) == 0 {
		return 0, nil
	}
	stored, stopped := p.fetchAll(ctx, cfg, claimed)
	// What was fetched is durable; if the note of it is lost, it is fetched again
	// and dropped as a duplicate.
	if _, err := p.writeFetchState(context.WithoutCancel(ctx), state, version); err != nil {
		return stored, overtaken(err)
	}
	return stored, stopped
}

func overtaken(err error) error {
	if errors.Is(err, objstore.ErrChanged) || errors.Is(err, objstore.ErrExist) {
		return nil
	}
	return fmt.Errorf("pipeline: keep what is to be fetched: %w", err)
}

// findThin adds what the events of changed days name, and forgets what is old.
func (p *Pipeline) findThin(ctx context.Context, cfg *config.Config, state *fetchState) (changed bool, err error) {
	first := lake.Day(p.now().Add(-fetchWindow))
	before := len(state.Days) + len(state.Objects)
	maps.DeleteFunc(state.Days, func(day string, _ objstore.Version) bool { return day < first })
	maps.DeleteFunc(state.Objects, func(_ string, o *fetchObject) bool { return o.Day < first })
	changed = len(state.Days)+len(state.Objects) != before
	thin := slices.ContainsFunc(cfg.Sources, func(s config.Source) bool { return webhook.Thin(s.Kind) })
	if !thin {
		return changed, nil
	}
	days, err := lake.Days(ctx, p.store, lake.EventsPrefix)
	if err != nil {
		return false, err
	}
	for _, day := range days {
		if day < first {
			continue
		}
		info, err := p.store.Head(ctx, dayPart(lake.EventsPrefix, day))
		if err != nil {
			return false, fmt.Errorf("pipeline: look for what is to be fetched: %w", err)
		}
		if state.Days[day] == info.Version {
			continue
		}
		table, err := lake.ReadDay[schema.FetchEventRow](ctx, p.store, lake.EventsPrefix, day)
		if err != nil {
			return false, err
		}
		state.Days[day], changed = table.Version, true
		for _, row := range table.Rows {
			state.see(day, row)
		}
	}
	return changed, nil
}

func (s *fetchState) see(day string, row schema.FetchEventRow) {
	if id, ok := strings.CutPrefix(row.EventID, "fetched:"); ok {
		part := strings.LastIndexByte(id, '/') // an object may become several events: /0, /1
		for _, id := range []string{id, id[:max(part, 0)]} {
			if o := s.Objects[row.Source+"\x00"+id]; o != nil && !o.Done { // its note was lost
				*o = fetchObject{Day: o.Day, Done: true}
			}
		}
		return
	}
	key := row.Source + "\x00" + row.EventID
	if row.Fetch == "" || s.Objects[key] != nil {
		return
	}
	s.Objects[key] = &fetchObject{
		Source: row.Source, EventID: row.EventID, Entity: row.Entity, Object: row.Fetch, Day: day, ReceivedAt: row.ReceivedAt,
	}
}

// claim picks what is due, oldest first, and puts it off for the time of a lease.
func (p *Pipeline) claim(cfg *config.Config, state fetchState) []*fetchObject {
	now := p.now()
	var due []*fetchObject
	for _, o := range state.Objects {
		if o.Done || o.GaveUp || o.NextAt.After(now) {
			continue
		}
		source, ok := cfg.SourceNamed(o.Source)
		if !ok || source.Fetch.Token == "" {
			o.Problem = "no_credential" // seen by the owner; costs no attempt
			continue
		}
		due = append(due, o)
	}
	slices.SortFunc(due, func(a, b *fetchObject) int {
		if c := a.ReceivedAt.Compare(b.ReceivedAt); c != 0 {
			return c
		}
		return strings.Compare(a.Source+"\x00"+a.EventID, b.Source+"\x00"+b.EventID)
	})
	due = due[:min(len(due), fetchAtOnce)]
	for _, o := range due {
		o.NextAt = now.Add(fetchLease)
	}
	return due
}

// fetchAll asks for each object in turn. A system that wants to be left alone is
// left alone for the rest of the step.
func (p *Pipeline) fetchAll(ctx context.Context, cfg *config.Config, claimed []*fetchObject) (stored int, err error) {
	raw := lake.Sink{Raw: lake.NewRawWriter(p.store)}
	resting := map[string]time.Time{}
	asked := map[string]bool{}
	for _, o := range claimed {
		source, _ := cfg.SourceNamed(o.Source)
		if until, ok := resting[o.Source]; ok {
			o.NextAt = until
			continue
		}
		if asked[o.Source] { // systems allow some two requests a second
			if err := p.pause(ctx, fetchPause); err != nil {
				return stored, err
			}
		}
		asked[o.Source] = true
		body, err := p.fetcher.Fetch(ctx, source, o.Object)
		var refused *webhook.FetchError
		switch {
		case errors.As(err, &refused):
			p.putOff(o, refused)
			if refused.Code != "not_found" && refused.Code != "unreadable" {
				resting[o.Source] = o.NextAt
			}
			p.log.WarnContext(ctx, "object not fetched", slog.String("source", o.Source), slog.String("code", refused.Code), slog.Bool("gave_up", o.GaveUp))
			continue
		case err != nil:
			return stored, err
		}
		if err := raw.Store(ctx, webhook.FetchedDelivery(source, o.EventID, o.Entity, o.Object, body, p.now())); err != nil {
			return stored, fmt.Errorf("pipeline: store what was fetched: %w", err)
		}
		*o = fetchObject{Day: o.Day, Done: true}
		stored++
	}
	return stored, nil
}

// putOff decides when an object is asked for again: after 1, 2, 4 … minutes, at
// most twelve hours, for a week.
func (p *Pipeline) putOff(o *fetchObject, refused *webhook.FetchError) {
	o.Attempts++
	o.Problem = refused.Code
	wait := min(time.Minute<<min(o.Attempts-1, 10), 12*time.Hour)
	o.NextAt = p.now().Add(max(wait, refused.RetryAfter))
	o.GaveUp = refused.Final || o.NextAt.Sub(o.ReceivedAt) > fetchGiveUp
}

// Refetch lets everything be asked for again that was given up. It returns how
// many objects that are.
func (p *Pipeline) Refetch(ctx context.Context) (int, error) {
	for {
		state, version, err := p.readFetchState(ctx)
		if err != nil {
			return 0, err
		}
		again := 0
		for _, o := range state.Objects {
			if o.GaveUp {
				o.GaveUp, o.Attempts, o.NextAt, o.ReceivedAt = false, 0, time.Time{}, p.now()
				again++
			}
		}
		if again == 0 {
			return 0, nil
		}
		_, err = p.writeFetchState(ctx, state, version)
		if err == nil || overtaken(err) != nil {
			return again, err
		}
	}
}
