package pipeline

import (
	"context"

	"github.com/leadlake/leadlake/lib/audience"
	"github.com/leadlake/leadlake/lib/portal"
)

// Handovers implements portal.Handing.
func (r reader) Handovers(ctx context.Context, from, to string) ([]portal.Handover, error) {
	rows, err := r.p.Handovers(ctx, from, to)
	if err != nil {
		return nil, err
	}
	titles, err := r.p.segmentTitles(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]portal.Handover, len(rows))
	for i, row := range rows {
		platform, _ := audience.Lookup(row.Platform)
		out[i] = portal.Handover{
			ID: row.ID, At: row.At, Who: row.Who, Link: row.Link, Segment: row.Segment, SegmentTitle: portal.Text{RU: row.Segment, EN: row.Segment},
			Platform: row.Platform, PlatformTitle: portal.Text(platform.Title), File: row.File, Change: row.Change, Purpose: row.Purpose,
			Rows: row.Rows, Canaries: int64(row.Canaries), Run: row.Run, AsOf: row.AsOf, SHA256: row.SHA256,
		}
		if title, ok := titles[row.Segment]; ok {
			out[i].SegmentTitle = title
		}
	}
	return out, nil
}

// Links implements portal.Handing.
func (r reader) Links(ctx context.Context) ([]portal.Link, error) { return r.p.PullLinks(ctx) }

// NewLink implements portal.Handing.
func (r reader) NewLink(ctx context.Context, request portal.LinkRequest, who portal.Caller) (portal.Link, string, error) {
	return r.p.NewLink(ctx, request, who.Name)
}

// RevokeLink implements portal.Handing.
func (r reader) RevokeLink(ctx context.Context, id string, who portal.Caller) error {
	return r.p.RevokeLink(ctx, id, who.Name)
}

// OpenLink implements portal.Handing.
func (r reader) OpenLink(ctx context.Context, id, secret string) (portal.Link, error) {
	return r.p.openLink(ctx, id, secret)
}

// Pull implements portal.Handing.
func (r reader) Pull(ctx context.Context, link portal.Link) (portal.Download, error) {
	return r.open(ctx, HandoverRequest{
		Segment: link.Segment, Platform: link.Platform, File: link.File, Who: "link:" + link.Name, Link: link.Name,
	}, link.FileName())
}
