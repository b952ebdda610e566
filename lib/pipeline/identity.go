package pipeline

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/leadlake/leadlake/lib/card"
	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/schema"
)

// resolverOptions is what a configuration says of identity resolution.
func resolverOptions(cfg *config.Config) card.ResolverOptions {
	o := card.ResolverOptions{MaxShared: cfg.Metrics.MaxShared, EmailLinks: cfg.Metrics.EmailLinks}
	for _, merge := range cfg.Identity.Merge {
		o.Merge = append(o.Merge, merge.Clients)
	}
	for _, split := range cfg.Identity.Split {
		o.Split = append(o.Split, split.Parts)
	}
	return o
}

// nameRow is the part of a contact row that identity resolution reads.
type nameRow struct {
	EventID   string `parquet:"event_id"`
	Source    string `parquet:"source,dict"`
	Name      string `parquet:"name"`
	FirstName string `parquet:"first_name"`
	LastName  string `parquet:"last_name"`
}

// Table implements schema.Row.
func (nameRow) Table() string { return "contacts" }

// Personal implements schema.Row.
func (nameRow) Personal() []string { return []string{"name", "first_name", "last_name"} }

// stated is the name as the source put it.
func (n *nameRow) stated() string {
	if n.Name != "" {
		return n.Name
	}
	return strings.TrimSpace(n.FirstName + " " + n.LastName)
}

// compare orders names by event.
func (n *nameRow) compare(source, eventID string) int {
	return cmp.Or(strings.Compare(n.EventID, eventID), strings.Compare(n.Source, source))
}

// identityDay is what identity resolution reads of a day.
type identityDay struct {
	events []schema.IdentityEventRow
	names  []nameRow // those that hold a name, in the order of event ids
	err    error
}

func readIdentityDay(ctx context.Context, store objstore.Store, day string) (d identityDay) {
	names, err := lake.ReadDay[nameRow](ctx, store, lake.ContactsPrefix, day)
	if err != nil {
		return identityDay{err: err}
	}
	events, err := lake.ReadDay[schema.IdentityEventRow](ctx, store, lake.EventsPrefix, day)
	if err != nil {
		return identityDay{err: err}
	}
	d.events = events.Rows
	d.names = slices.DeleteFunc(names.Rows, func(n nameRow) bool { return n.stated() == "" })
	// A day that grew is in order within its row groups alone.
	slices.SortFunc(d.names, func(a, b nameRow) int { return a.compare(b.Source, b.EventID) })
	return d
}

// nameOf is the name that an event stated.
func (d *identityDay) nameOf(ev *schema.IdentityEventRow) string {
	i, found := slices.BinarySearchFunc(d.names, ev, func(n nameRow, ev *schema.IdentityEventRow) int { return n.compare(ev.Source, ev.EventID) })
	if !found {
		return ""
	}
	return d.names[i].stated()
}

// identityReaders is how many days are decoded at once; decoding is most of the
// work.
const identityReaders = 2

// resolverOf tells a resolver which tokens were stated together in the events
// that counts approves of. A few days are in memory at a time.
func resolverOf(ctx context.Context, store objstore.Store, cfg *config.Config, days []string, counts func(schema.IdentityEventRow) bool) (*card.Resolver, error) {
	ctx, cancel := context.WithCancel(ctx)
	var readers sync.WaitGroup
	defer readers.Wait()
	defer cancel()
	next, read := make(chan string), make(chan identityDay)
	for range identityReaders {
		readers.Go(func() {
			for day := range next {
				select {
				case read <- readIdentityDay(ctx, store, day):
				case <-ctx.Done():
				}
			}
		})
	}
	readers.Go(func() {
		defer close(next)
		for _, day := range days {
			select {
			case next <- day:
			case <-ctx.Done():
				return
			}
		}
	})
	resolver := card.NewResolver(resolverOptions(cfg))
	for range days {
		var d identityDay
		select {
		case d = <-read:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if d.err != nil {
			return nil, d.err
		}
		for i := range d.events {
			if ev := &d.events[i]; counts(*ev) {
				resolver.Add(card.Record{At: ev.At, Tokens: ev.Tokens, Name: d.nameOf(ev), Source: ev.Source})
			}
		}
	}
	return resolver, nil
}
