package analytics

import (
	"slices"

	"github.com/leadlake/leadlake/lib/schema"
)

// The bases of an interest.
const (
	BaseClient    = "client"    // reached the last stage with it
	BasePotential = "potential" // reached an earlier one and not the last
)

// Bases counts clients and potential clients of every interest in which anybody
// reached a stage, both rows of each, ordered by (interest, base). A client with
// two interests stands in a base of each, with all of his revenue.
func (f *Funnel) Bases() []schema.BaseRow {
	counts := map[uint32]*[2]schema.BaseRow{}
	f.walk(func(client int, interest uint32, p path) {
		if interest == 0 {
			return
		}
		bases := counts[interest]
		if bases == nil {
			name := f.interests.values[interest]
			bases = &[2]schema.BaseRow{{Interest: name, Base: BaseClient}, {Interest: name, Base: BasePotential}}
			counts[interest] = bases
		}
		base := &bases[0]
		if p.furthest() < len(p)-1 {
			base = &bases[1]
		}
		base.Clients++
		base.RevenueMinor += f.clients[client].RevenueMinor
	})
	var rows []schema.BaseRow
	for _, interest := range order(f.interests.values) {
		if bases := counts[interest]; bases != nil {
			rows = append(rows, bases[:]...)
		}
	}
	return slices.Clip(rows)
}

// BasesOf visits the bases of every client: each interest in which he reached a
// stage, and whether he is in its base of clients or of potential clients. Clients
// come in their order, their interests in none.
func (f *Funnel) BasesOf(visit func(client int, interest string, bought bool)) {
	f.walk(func(client int, interest uint32, p path) {
		if interest != 0 {
			visit(client, f.interests.values[interest], p.furthest() == len(p)-1)
		}
	})
}
