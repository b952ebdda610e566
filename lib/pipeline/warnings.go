package pipeline

import (
	"context"
	"errors"

	"github.com/leadlake/leadlake/lib/card"
	"github.com/leadlake/leadlake/lib/consent"
	"github.com/leadlake/leadlake/lib/handover"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/schema"
	"github.com/leadlake/leadlake/lib/segment"
)

// ExportWarnings says which exports of the configuration do not do what somebody may
// expect: locked ones, empty ones, those whose consent nobody has given by the run
// in force. Before the first night the consents are not looked at.
func (p *Pipeline) ExportWarnings(ctx context.Context) ([]handover.Warning, error) {
	cfg, err := p.Config(ctx)
	if err != nil {
		return nil, err
	}
	var rows []schema.SegmentCatalogueRow
	var given map[consent.Purpose]int64
	run, err := lake.Current(ctx, p.store)
	switch {
	case errors.Is(err, lake.ErrNoRun):
		for _, s := range cfg.Segments {
			rows = append(rows, schema.SegmentCatalogueRow{Segment: s.Name, Family: segment.FamilyOwn, TitleRU: s.Title["ru"], TitleEN: s.Title["en"], Rule: s.Rule})
		}
	case err != nil:
		return nil, err
	default:
		if rows, err = p.catalogueOf(ctx, run, nil); err != nil {
			return nil, err
		}
		if given, err = p.consentsGiven(ctx, run); err != nil {
			return nil, err
		}
	}
	return handover.Warnings(cfg, handover.Segments(cfg, p.key.Sum, rows), given), nil
}

// consentsGiven counts the clients of a run who have given each purpose; nil for a
// run without clients, or one that did not count them.
func (p *Pipeline) consentsGiven(ctx context.Context, run *lake.Run) (map[consent.Purpose]int64, error) {
	var rows []schema.QualityRow
	if err := intoIfThere(ctx, p, run, &rows); err != nil {
		return nil, err
	}
	counts := map[string]int64{} // of the whole base
	for _, row := range rows {
		if row.Source == "" {
			counts[row.Measure] = row.Count
		}
	}
	if counts[card.MeasureClients] == 0 {
		return nil, nil //nolint:nilnil // nobody could have given any
	}
	given := map[consent.Purpose]int64{}
	for _, purpose := range consent.Purposes() {
		given[purpose] = counts[card.MeasureOfConsent(purpose)]
	}
	return given, nil
}
