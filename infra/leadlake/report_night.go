package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/pipeline"
	"github.com/leadlake/leadlake/lib/portal"
	"github.com/leadlake/leadlake/lib/schema"
)

// reportNight is the night that was made of the files, in a store in memory.
type reportNight struct {
	store     *objstore.Mem
	run       *lake.Run
	report    pipeline.NightReport
	audiences pipeline.ExportReport
	night     *portal.Night
	tables    []renderedTable
}

// makeNight writes the imported rows as a lake and has the pipeline make the
// night and the audience files of it. The clock stands at the end of the as-of
// day, so that the same files give the same bytes.
func (im *importer) makeNight(ctx context.Context, asOf string, yamlConfig, key []byte, statements pairFlag, step func(string)) (*reportNight, error) {
	end, received, err := instants(asOf, im.cfg.Location())
	if err != nil {
		return nil, err
	}
	im.receive(end, received)
	im.state(statements)
	n := &reportNight{store: &objstore.Mem{}}
	if _, err := n.store.Put(ctx, config.Key, yamlConfig); err != nil {
		return nil, err
	}
	if err := im.write(ctx, n.store); err != nil {
		return nil, err
	}
	im.events, im.contacts, im.deliveries, im.byID = nil, nil, nil, nil // they stand in the store now
	// A nonce keeps versions of a replaced object apart; here nothing is replaced.
	p, err := pipeline.New(pipeline.Config{
		Store: n.store, Now: func() time.Time { return end }, Logger: slog.New(slog.DiscardHandler), TokenKey: key,
		Nonce: func() string { return "report" },
	})
	if err != nil {
		return nil, err
	}
	step("analysing")
	if n.report, err = p.Analyse(ctx, pipeline.NightRequest{AsOf: asOf}); err != nil {
		return nil, err
	}
	if n.run, err = lake.Current(ctx, n.store); err != nil {
		return nil, err
	}
	step("writing tables and audiences")
	var said []string
	for _, purpose := range slices.Sorted(maps.Keys(statements)) {
		said = append(said, purpose+": "+statements[purpose])
	}
	// Three readers of one published run: none waits for another.
	var failed [3]error
	var all sync.WaitGroup
	all.Go(func() {
		n.audiences, failed[0] = p.Export(ctx, pipeline.ExportRequest{Consent: strings.Join(said, "; ")})
	})
	all.Go(func() { n.night, failed[1] = p.NightOf(ctx) })
	all.Go(func() { n.tables, failed[2] = renderTables(ctx, n.store, n.run) })
	all.Wait()
	return n, errors.Join(failed[:]...)
}

// receive sets the times of receipt. What is dated after the as-of day is
// received when it happened, which the night leaves out, while withdrawals in it
// still keep people out of audiences.
func (im *importer) receive(end, received time.Time) {
	for _, i := range im.undated {
		im.events[i].At = end.Add(-24 * time.Hour)
		for j := range im.events[i].Consents {
			if im.events[i].Consents[j].At.IsZero() {
				im.events[i].Consents[j].At = im.events[i].At
			}
		}
	}
	for i := range im.events {
		if im.events[i].ReceivedAt = received; !im.events[i].At.Before(end) {
			im.events[i].ReceivedAt = im.events[i].At
		}
	}
	for i := range im.contacts {
		im.contacts[i].At = im.events[im.byID[im.contacts[i].EventID]].At
	}
	for i := range im.deliveries {
		d := &im.deliveries[i]
		if d.ReceivedAt = received; len(d.EventIDs) > 0 {
			d.ReceivedAt = im.events[im.byID[d.EventIDs[0]]].ReceivedAt
		}
	}
}

// state adds the owner's statements of consent for every client. They are dated
// before everything else, so that any withdrawal in the files goes before them.
func (im *importer) state(statements pairFlag) {
	if len(statements) == 0 || len(im.events) == 0 {
		return
	}
	first := slices.MinFunc(im.events, func(a, b schema.EventRow) int { return a.At.Compare(b.At) }).At
	seen := make(map[string]bool, len(im.events))
	for i := range im.events {
		ev := &im.events[i]
		if len(ev.Tokens) == 0 || seen[strings.Join(ev.Tokens, " ")] {
			continue
		}
		seen[strings.Join(ev.Tokens, " ")] = true
		for _, purpose := range slices.Sorted(maps.Keys(statements)) {
			ev.Consents = append(ev.Consents, schema.ConsentRow{Purpose: purpose, Given: true, At: first, Evidence: "statement of the owner"})
		}
	}
}

// write puts the rows down as day objects in the lake's order.
func (im *importer) write(ctx context.Context, store objstore.Store) error {
	slices.SortFunc(im.events, func(a, b schema.EventRow) int {
		return cmp.Or(strings.Compare(a.Kind, b.Kind), a.At.Compare(b.At), strings.Compare(a.EventID, b.EventID))
	})
	received := make(map[string]time.Time, len(im.contacts))
	if len(im.contacts) > 0 {
		for i := range im.events {
			received[im.events[i].EventID] = im.events[i].ReceivedAt
		}
	}
	var failed [3]error
	var all sync.WaitGroup
	all.Go(func() {
		failed[0] = writeDays(ctx, store, lake.EventsPrefix, im.events, func(r *schema.EventRow) time.Time { return r.ReceivedAt })
	})
	all.Go(func() {
		slices.SortFunc(im.contacts, func(a, b schema.ContactRow) int { return strings.Compare(a.EventID, b.EventID) })
		failed[1] = writeDays(ctx, store, lake.ContactsPrefix, im.contacts, func(r *schema.ContactRow) time.Time { return received[r.EventID] })
	})
	all.Go(func() {
		slices.SortFunc(im.deliveries, func(a, b schema.DeliveryRow) int { return strings.Compare(a.Key, b.Key) })
		failed[2] = writeDays(ctx, store, lake.DeliveriesPrefix, im.deliveries, func(r *schema.DeliveryRow) time.Time { return r.ReceivedAt })
	})
	all.Wait()
	return errors.Join(failed[:]...)
}

func writeDays[T schema.Row](ctx context.Context, store objstore.Store, prefix string, rows []T, received func(*T) time.Time) error {
	if len(rows) == 0 {
		return nil
	}
	day := lake.Day(received(&rows[0]))
	days := map[string][]T{day: rows}
	if slices.ContainsFunc(rows, func(row T) bool { return lake.Day(received(&row)) != day }) { // else nothing is copied: rows are large
		days = map[string][]T{}
		for i := range rows {
			day := lake.Day(received(&rows[i]))
			days[day] = append(days[day], rows[i])
		}
	}
	for _, day := range slices.Sorted(maps.Keys(days)) {
		table, err := lake.ReadDay[T](ctx, store, prefix, day)
		if err != nil {
			return err
		}
		if err := table.Write(ctx, store, days[day], "report"); err != nil {
			return err
		}
	}
	return nil
}

// reportKey is the token key of a report: it depends on the files alone.
func reportKey(sums [][sha256.Size]byte) []byte {
	hash := sha256.New()
	_, _ = hash.Write([]byte("leadlake report\n"))
	for _, sum := range sums {
		_, _ = hash.Write(sum[:])
	}
	return hash.Sum(nil)
}

// businessYAML is a configuration file with values of its business section
// replaced; the rest stays as it is.
func businessYAML(body []byte, values map[string]string) ([]byte, error) {
	var root yaml.Node
	if err := yaml.Unmarshal(body, &root); err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	if len(root.Content) == 0 {
		root = yaml.Node{Kind: yaml.DocumentNode, Content: []*yaml.Node{{Kind: yaml.MappingNode}}}
	}
	business := valueOf(root.Content[0], "business")
	if business.Kind != yaml.MappingNode {
		*business = yaml.Node{Kind: yaml.MappingNode}
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		*valueOf(business, name) = yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: values[name]}
	}
	return yaml.Marshal(&root)
}

// valueOf is the value of a key in a mapping, which gets the key if it is new.
func valueOf(mapping *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i+1]
		}
	}
	value := &yaml.Node{}
	mapping.Content = append(mapping.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, value)
	return value
}
