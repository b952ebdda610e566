package handover

import (
	"cmp"
	"slices"
	"strings"

	"github.com/leadlake/leadlake/lib/audience"
	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/schema"
	"github.com/leadlake/leadlake/lib/segment"
)

// Segments lists the segments that are exported on a night, by key: of the rows
// those of the RFM playbook, the buyers, the owner's own and what exports of the
// configuration name, and what exports name and no row describes, under its key. Of
// rows of one key the first counts. sum is identity.Key's.
func Segments(cfg *config.Config, sum func(kind, text string) [32]byte, rows []schema.SegmentCatalogueRow) []Segment {
	named := map[string]bool{}
	for _, x := range cfg.Exports {
		named[x.Segment] = true
	}
	rows = slices.Clone(rows)
	for key := range named { // the order of the map is undone by the sorting
		if !slices.ContainsFunc(rows, func(row schema.SegmentCatalogueRow) bool { return row.Segment == key }) {
			rows = append(rows, schema.SegmentCatalogueRow{Segment: key})
		}
	}
	slices.SortStableFunc(rows, func(a, b schema.SegmentCatalogueRow) int { return strings.Compare(a.Segment, b.Segment) })
	rows = slices.CompactFunc(rows, func(a, b schema.SegmentCatalogueRow) bool { return a.Segment == b.Segment })
	var all []Segment
	for _, row := range rows {
		if !named[row.Segment] && row.Segment != segment.Buyers && row.Family != segment.FamilyRFM && row.Family != segment.FamilyOwn {
			continue
		}
		s := Segment{
			Key: row.Segment, Rule: row.Rule, Family: row.Family,
			Title: audience.Text{RU: cmp.Or(row.TitleRU, row.Segment), EN: cmp.Or(row.TitleEN, row.Segment)},
		}
		if s.Sensitive = Sensitive(cfg, s); s.Sensitive != "" {
			s.Neutral = NeutralName(sum, s.Key)
		}
		all = append(all, s)
	}
	return all
}
