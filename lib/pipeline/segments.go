package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/portal"
	"github.com/leadlake/leadlake/lib/schema"
	"github.com/leadlake/leadlake/lib/segment"
)

// ErrNoSegment says that neither the configuration nor the night has a segment of
// that name.
var ErrNoSegment = errors.New("pipeline: no such segment")

// catalogueOf reads what a run says of its segments. A run made before there was a
// catalogue had the playbook's segments and the buyers, which are counted anew.
func (p *Pipeline) catalogueOf(ctx context.Context, run *lake.Run, clients []schema.ClientRow) ([]schema.SegmentCatalogueRow, error) {
	var rows []schema.SegmentCatalogueRow
	if _, ok := run.Tables[schema.SegmentCatalogueRow{}.Table()]; ok {
		return rows, into(ctx, p, run, &rows)
	}
	cfg, err := p.Config(ctx)
	if err != nil {
		return nil, err
	}
	all, err := segment.Segments(cfg, clients, run.AsOf)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(s segment.Segment) bool { return s.Family != segment.FamilyRFM && s.Key != segment.Buyers })
	_, rows = segment.Membership(all, clients, nil, true, run.AsOf)
	return rows, nil
}

// segmentsOf are the segments as pages show them: those of the catalogue, and the
// playbook's that nobody is in.
func (p *Pipeline) segmentsOf(ctx context.Context, run *lake.Run, clients []schema.ClientRow, playbook []portal.PlaybookSegment) ([]portal.SegmentSummary, error) {
	rows, err := p.catalogueOf(ctx, run, clients)
	if err != nil {
		return nil, err
	}
	once := map[string]portal.Text{} // the playbook's titles go by the night's bounds
	for _, s := range playbook {
		once[s.Key] = s.Title
	}
	all := make([]portal.SegmentSummary, 0, len(rows))
	for _, row := range rows {
		s := portal.SegmentSummary{
			Key: row.Segment, Family: row.Family, Title: portal.Text{RU: row.TitleRU, EN: row.TitleEN}, About: portal.Text{RU: row.AboutRU, EN: row.AboutEN},
			Rule: row.Rule, Clients: row.Clients, RevenueMinor: row.RevenueMinor, Entered: row.Entered, Left: row.Left,
		}
		if title, ok := once[row.Segment]; ok && row.Family == segment.FamilyRFM {
			s.Title = title
		}
		all = append(all, s)
	}
	for _, s := range playbook {
		if !slices.ContainsFunc(all, func(one portal.SegmentSummary) bool { return one.Key == s.Key }) {
			all = append(all, portal.SegmentSummary{Key: s.Key, Family: segment.FamilyRFM, Title: s.Title, About: s.Meaning, Rule: playbookRule(s.Key)})
		}
	}
	return all, nil
}

func playbookRule(key string) string { return "rfm_segment == " + strconv.Quote(key) }

// membersOf are the clients of a segment of a night; nil for no segment.
func (p *Pipeline) membersOf(ctx context.Context, night *portal.Night, key string) (map[string]bool, error) {
	if key == "" {
		return nil, nil //nolint:nilnil // nothing was asked for
	}
	run, err := lake.ReadRun(ctx, p.store, lake.RunRef{Run: night.Run, AsOf: night.AsOf})
	if err != nil {
		return nil, err
	}
	body, _, err := p.store.Get(ctx, run.Tables[schema.SegmentRow{}.Table()].Key)
	if err != nil {
		return nil, fmt.Errorf("pipeline: read the members of a segment: %w", err)
	}
	rows, err := schema.DecodeWhere[schema.SegmentRow](body, "segment", key)
	if err != nil {
		return nil, fmt.Errorf("pipeline: read the members of a segment: %w", err)
	}
	members := make(map[string]bool, len(rows))
	for _, row := range rows {
		members[row.ClientID] = true
	}
	return members, nil
}
