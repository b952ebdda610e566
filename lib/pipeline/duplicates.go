package pipeline

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/identity"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/portal"
	"github.com/leadlake/leadlake/lib/schema"
)

// Duplicates is what merging records has brought together in the run in force.
// Nothing in it is a contact value.
type Duplicates struct {
	Run          string `json:"run"`
	AsOf         string `json:"as_of"`
	Currency     string `json:"currency"`
	Clients      int64  `json:"clients"`
	Merged       int64  `json:"merged_clients"`           // those of several records
	Records      int64  `json:"records"`                  // of these
	Suspects     int64  `json:"clients_of_several_names"` // those of these with two names or more
	RevenueMinor int64  `json:"revenue_minor"`            // of all clients
	MergedMinor  int64  `json:"merged_revenue_minor"`     // of the merged ones: it would lie in split cards
	// Top has the suspects first, then by revenue.
	Top []DuplicateClient `json:"top"`
}

// DuplicateClient is a client who was made of several records.
type DuplicateClient struct {
	ClientID     string            `json:"client_id"`
	Names        int64             `json:"names"`
	Orders       int64             `json:"orders"`
	RevenueMinor int64             `json:"revenue_minor"`
	Reasons      []DuplicateReason `json:"reasons"`
	Records      []DuplicateRecord `json:"records"` // oldest first
}

// DuplicateReason says what several records have in common, and since when.
type DuplicateReason struct {
	Kind  string    `json:"kind"` // phone, email, card, external_id or merge_list
	Since time.Time `json:"since"`
}

// DuplicateRecord is one set of identifiers as it was stated.
type DuplicateRecord struct {
	Tokens       []string  `json:"tokens"`
	Since        time.Time `json:"since"`
	Orders       int64     `json:"orders"`
	RevenueMinor int64     `json:"revenue_minor"`
}

// Duplicates reports the merges of the run in force, at most top of them; a
// negative top lists all.
func (p *Pipeline) Duplicates(ctx context.Context, top int) (Duplicates, error) {
	run, err := lake.Current(ctx, p.store)
	if err != nil {
		return Duplicates{}, err
	}
	cfg, err := p.Config(ctx)
	if err != nil {
		return Duplicates{}, err
	}
	clients, err := lake.ReadRunTable[schema.ClientRow](ctx, p.store, run)
	if err != nil {
		return Duplicates{}, err
	}
	merges, err := lake.ReadRunTable[schema.MergeRow](ctx, p.store, run)
	if err != nil {
		return Duplicates{}, err
	}
	d := duplicatesOf(clients, merges, top)
	d.Run, d.AsOf, d.Currency = run.Run, run.AsOf, cfg.Business.Currency
	return d, nil
}

// duplicatesOf sums up both tables, which are ordered by client id.
func duplicatesOf(clients []schema.ClientRow, merges []schema.MergeRow, top int) Duplicates {
	d := Duplicates{Clients: int64(len(clients)), Records: int64(len(merges)), Top: []DuplicateClient{}}
	for _, c := range clients {
		d.RevenueMinor += c.RevenueMinor
	}
	var all []DuplicateClient
	for row := range slices.Values(merges) {
		if len(all) == 0 || all[len(all)-1].ClientID != row.ClientID {
			all = append(all, DuplicateClient{ClientID: row.ClientID, Names: row.Names})
		}
		c := &all[len(all)-1]
		c.Orders += row.Orders
		c.RevenueMinor += row.RevenueMinor
		d.MergedMinor += row.RevenueMinor
		c.Records = append(c.Records, DuplicateRecord{Tokens: row.Tokens, Since: row.Since, Orders: row.Orders, RevenueMinor: row.RevenueMinor})
	}
	d.Merged = int64(len(all))
	for _, c := range all {
		if c.Names > 1 {
			d.Suspects++
		}
	}
	slices.SortFunc(all, func(a, b DuplicateClient) int {
		suspect := func(c DuplicateClient) int64 { return min(c.Names, 2) }
		return cmp.Or(cmp.Compare(suspect(b), suspect(a)), cmp.Compare(b.RevenueMinor, a.RevenueMinor), cmp.Compare(b.Orders, a.Orders), strings.Compare(a.ClientID, b.ClientID))
	})
	if top >= 0 {
		all = all[:min(top, len(all))]
	}
	for i := range all {
		all[i].Reasons = reasonsOf(all[i].Records)
	}
	d.Top = append(d.Top, all...)
	return d
}

// reasonsOf finds what records have in common: identifiers that stand in several
// of them, from when the second of them came. Records that nothing joins were put
// together by the owner.
func reasonsOf(records []DuplicateRecord) []DuplicateReason {
	with := map[string][]int{} // token → records, oldest first
	for i, r := range records {
		for _, token := range r.Tokens {
			with[token] = append(with[token], i)
		}
	}
	since := map[string]time.Time{}
	note := func(kind string, at time.Time) {
		if old, known := since[kind]; !known || at.Before(old) {
			since[kind] = at
		}
	}
	group := make([]int, len(records)) // by record: the first one that it is joined to
	for i := range group {
		group[i] = i
	}
	for token, at := range with {
		if len(at) > 1 {
			note(kindName(token), records[at[1]].Since)
		}
		for _, i := range at[1:] {
			a, b := group[at[0]], group[i]
			for j := range group {
				if group[j] == max(a, b) {
					group[j] = min(a, b)
				}
			}
		}
	}
	for i, g := range group {
		if g == i && i > 0 {
			note("merge_list", records[i].Since)
		}
	}
	reasons := make([]DuplicateReason, 0, len(since))
	for kind, at := range since {
		reasons = append(reasons, DuplicateReason{Kind: kind, Since: at})
	}
	slices.SortFunc(reasons, func(a, b DuplicateReason) int {
		return cmp.Or(a.Since.Compare(b.Since), strings.Compare(a.Kind, b.Kind))
	})
	return reasons
}

// kindName is what kind of identifier a token stands for.
func kindName(token string) string {
	switch identity.Token(token).Kind() {
	case identity.KindPhone:
		return "phone"
	case identity.KindEmail:
		return "email"
	case identity.KindCard:
		return "card"
	}
	return "external_id"
}

// summariseMerges puts the merges of a run on a page.
func (p *Pipeline) summariseMerges(ctx context.Context, run *lake.Run, clients []schema.ClientRow, n *portal.Night) error {
	if _, has := run.Tables[schema.MergeRow{}.Table()]; !has {
		return nil // a run of an earlier version
	}
	merges, err := lake.ReadRunTable[schema.MergeRow](ctx, p.store, run)
	if err != nil {
		return err
	}
	d := duplicatesOf(clients, merges, topEntities)
	n.Merges = portal.MergeSummary{Clients: d.Merged, Records: d.Records, Suspects: d.Suspects, RevenueMinor: d.MergedMinor}
	for _, c := range d.Top {
		n.Merges.Top = append(n.Merges.Top, portal.MergedClient{
			ClientID: c.ClientID, Records: int64(len(c.Records)), Names: c.Names, Orders: c.Orders, RevenueMinor: c.RevenueMinor,
		})
	}
	return nil
}
