package pipeline

import (
	"context"
	"fmt"
	"slices"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/portal"
	"github.com/leadlake/leadlake/lib/schema"
	"github.com/leadlake/leadlake/lib/segment"
)

// segmentsOf are the client's memberships, each with the facts that decided. The
// rules are those of the run, which the configuration may have changed since.
func (g *goldOf) segmentsOf(cfg *config.Config, row schema.ClientRow) ([]WhySegment, error) {
	compiler, err := segment.NewCompiler(cfg, g.run.AsOf)
	if err != nil {
		return nil, err
	}
	var all []WhySegment
	for _, m := range g.members {
		if m.ClientID != row.ClientID {
			continue
		}
		one := WhySegment{Segment: m.Segment, SinceDay: m.SinceDay}
		if i := g.describes(m.Segment); i >= 0 {
			one.describe(compiler, g.catalogue[i], row)
		}
		all = append(all, one)
	}
	return all, nil
}

func (g *goldOf) describes(key string) int {
	return slices.IndexFunc(g.catalogue, func(c schema.SegmentCatalogueRow) bool { return c.Segment == key })
}

// describe adds what the run says of a segment and why it holds of a client. A rule
// that this version cannot read has no reasons.
func (s *WhySegment) describe(compiler *segment.Compiler, about schema.SegmentCatalogueRow, row schema.ClientRow) {
	s.Title, s.Rule = portal.Text{RU: about.TitleRU, EN: about.TitleEN}, about.Rule
	if rule, faults := compiler.Compile(about.Rule); len(faults) == 0 {
		_, s.Reasons = compiler.Explain(rule, &row)
	}
}

// WhySegment says of one segment why a client of the run in force is in it, or why
// not: then SinceDay is empty and the reasons are what fails. It knows the errors of
// Why, and ErrNoSegment.
func (p *Pipeline) WhySegment(ctx context.Context, client, key string) (WhySegment, error) {
	cfg, err := p.Config(ctx)
	if err != nil {
		return WhySegment{}, err
	}
	gold, err := p.readGold(ctx)
	if err != nil {
		return WhySegment{}, err
	}
	row, err := p.findClient(ctx, gold.clients, client)
	if err != nil {
		return WhySegment{}, err
	}
	compiler, err := segment.NewCompiler(cfg, gold.run.AsOf)
	if err != nil {
		return WhySegment{}, err
	}
	if err := p.readOf(ctx, gold, row.ClientID); err != nil {
		return WhySegment{}, err
	}
	one := WhySegment{Segment: key}
	for _, m := range gold.members {
		if m.ClientID == row.ClientID && m.Segment == key {
			one.SinceDay = m.SinceDay
		}
	}
	i := gold.describes(key)
	if i < 0 { // nobody is in it
		all, err := segment.Segments(cfg, gold.clients, gold.run.AsOf)
		if err != nil {
			return WhySegment{}, err
		}
		found := slices.IndexFunc(all, func(s segment.Segment) bool { return s.Key == key })
		if found < 0 {
			return WhySegment{}, fmt.Errorf("%w: %s", ErrNoSegment, key)
		}
		s := all[found]
		gold.catalogue = append(gold.catalogue, schema.SegmentCatalogueRow{Segment: key, TitleRU: s.Title.RU, TitleEN: s.Title.EN, Rule: s.Rule.Text})
		i = len(gold.catalogue) - 1
	}
	one.describe(compiler, gold.catalogue[i], row)
	return one, nil
}
