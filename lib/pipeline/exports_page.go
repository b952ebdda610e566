package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/leadlake/leadlake/lib/audience"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/portal"
)

// Exports implements portal.Reader: what the night has written, and when each bundle
// was handed over last.
func (r reader) Exports(ctx context.Context) ([]portal.ExportBundle, error) {
	e, err := r.p.newExporter(ctx, "")
	if errors.Is(err, lake.ErrNoRun) {
		return nil, portal.ErrNoNight
	}
	if err != nil {
		return nil, err
	}
	var bundles []portal.ExportBundle
	for i := range e.plan {
		x := &e.plan[i]
		m, err := e.manifest(ctx, e.folder(x))
		if errors.Is(err, ErrNotFound) {
			continue // the export has not come to it yet
		}
		if err != nil {
			return nil, err
		}
		given, err := r.p.givenAt(ctx, keyOf(x))
		if err != nil {
			return nil, err
		}
		b := bundleView(r.p.bundleID(e.run.AsOf, keyOf(x)), m, given != nil)
		b.GivenAt = given
		if x.Name != x.Segment {
			b.Name = x.Name
		}
		bundles = append(bundles, b)
	}
	return bundles, nil
}

// givenAt is when a file of a bundle was handed over last; nil for never.
func (p *Pipeline) givenAt(ctx context.Context, b bundleKey) (*time.Time, error) {
	info, err := p.store.Head(ctx, finishedKey(b.platform, b.segment))
	if errors.Is(err, objstore.ErrNotExist) {
		return nil, nil //nolint:nilnil // never
	}
	if err != nil {
		return nil, fmt.Errorf("pipeline: look when an export was handed over: %w", err)
	}
	return &info.ModifiedAt, nil
}

// bundleView is a bundle as the pages show it. Of one that was given, changes can be
// asked for although the night knew of none.
func bundleView(id string, m audience.Manifest, given bool) portal.ExportBundle {
	b := portal.ExportBundle{
		ID: id, Segment: m.Segment, SegmentTitle: portal.Text(m.Title), Platform: m.Platform, PlatformTitle: portal.Text(m.PlatformTitle),
		AsOf: m.AsOf, Members: int64(m.Members), Clients: int64(m.Clients),
	}
	for _, t := range m.BeforeUpload {
		b.BeforeUpload = append(b.BeforeUpload, portal.Text(t))
	}
	for _, t := range slices.Concat(m.Warnings, m.Unconfirmed) {
		b.Warnings = append(b.Warnings, portal.Text(t))
	}
	if m.Refused != nil {
		b.Refused = portal.Text(m.Refused.Text)
	}
	for reason, count := range m.Excluded {
		b.Excluded = append(b.Excluded, portal.Refusal{Reason: string(reason), Text: portal.Text(reason.Explain()), Count: int64(count)})
	}
	slices.SortFunc(b.Excluded, func(x, y portal.Refusal) int {
		return cmp.Or(cmp.Compare(y.Count, x.Count), cmp.Compare(x.Reason, y.Reason))
	})
	for _, f := range m.Files {
		file := portal.ExportFile{
			Name: f.Name, Change: string(f.Change), About: portal.Text(f.About), Rows: int64(f.Rows), Bytes: f.Bytes, Written: f.Written,
		}
		if f.Change != "" && !f.Written && f.Waiting == nil {
			if !given || f.Refused == nil || f.Refused.Reason != audience.RefusedNothingGiven && f.Refused.Reason != audience.RefusedNoRows {
				continue // nothing to change
			}
			// Who leaves or was handed over after these files were made changes that.
			file.OnRequest = true
		} else if f.Refused != nil {
			file.Refused = portal.Text(f.Refused.Text)
		}
		if f.Waiting != nil {
			file.Waiting, file.WaitingSince = int64(f.Waiting.Rows), f.Waiting.SinceDay
		}
		b.Files = append(b.Files, file)
	}
	return b
}

// presignFor is how long a download link lives (reliability §6, row 15).
const presignFor = time.Minute

// OpenExport implements portal.Reader: the file is handed over, see [Pipeline.HandOver],
// and only then handed out.
func (r reader) OpenExport(ctx context.Context, id, file string, who portal.Caller) (portal.Download, error) {
	return r.open(ctx, HandoverRequest{Bundle: id, File: file, Who: who.Name}, "")
}

// open hands a file of a bundle over, under another name if one is given.
func (r reader) open(ctx context.Context, request HandoverRequest, name string) (portal.Download, error) {
	report, err := r.export(ctx, ExportRequest{HandoverRequest: request})
	if errors.Is(err, ErrNotFound) {
		if why := report.Handover.Refused; why != nil {
			return portal.Download{}, portal.NotNow{Why: portal.Text(why.Text)}
		}
		return portal.Download{}, portal.ErrNotFound
	}
	if errors.Is(err, lake.ErrNoRun) {
		return portal.Download{}, portal.ErrNotFound
	}
	if err != nil {
		return portal.Download{}, err
	}
	report.Name = cmp.Or(name, report.Name)
	return r.p.openHandover(ctx, report.Handover, request.File)
}

// openHandover hands the bytes of a file out, by a link where the store makes any.
func (p *Pipeline) openHandover(ctx context.Context, h Handover, file string) (portal.Download, error) {
	d := portal.Download{Name: h.Name, ContentType: contentType(file), Size: h.Size}
	var err error
	d.URL, err = p.store.Presign(ctx, h.Key, presignFor, h.Name)
	if err == nil {
		return d, nil
	}
	if !errors.Is(err, objstore.ErrNoPresign) {
		return portal.Download{}, fmt.Errorf("pipeline: link to export: %w", err)
	}
	body, _, err := p.store.Open(ctx, h.Key)
	if err != nil {
		return portal.Download{}, fmt.Errorf("pipeline: open export: %w", err)
	}
	d.Body = objstore.Checked(body, h.Size, h.SHA256) // what was audited and nothing else
	return d, nil
}
