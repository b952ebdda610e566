package pipeline

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"regexp"
	"slices"
	"strings"

	"github.com/leadlake/leadlake/lib/audience"
	"github.com/leadlake/leadlake/lib/handover"
	"github.com/leadlake/leadlake/lib/objstore"
)

// HandoverRequest asks for one file of a bundle. The bundle is named by its id or by
// its segment and platform, the file as the manifest names it.
type HandoverRequest struct {
	Bundle   string `json:"bundle,omitempty"`
	Segment  string `json:"segment,omitempty"`
	Platform string `json:"platform,omitempty"`
	File     string `json:"file,omitempty"`
	Who      string `json:"who,omitempty"`  // account, or link:<name>
	Link     string `json:"link,omitempty"` // name of the link that pulls; empty for people
}

func (r *HandoverRequest) asked() bool { return r.Bundle != "" || r.Segment != "" || r.File != "" }

// Handover is a file that was handed over: where it lies and what it is called.
type Handover struct {
	Key    string `json:"key,omitempty"`
	Name   string `json:"name,omitempty"`
	SHA256 string `json:"sha256,omitempty"`
	Rows   int    `json:"rows,omitempty"` // as the manifest counts them
	Size   int64  `json:"size,omitempty"` // bytes
	// Refused says why a file of the bundle is not handed over now; nothing else is set
	// then, and the error matches ErrNotFound.
	Refused *audience.Refused `json:"refused_file,omitempty"`
}

// handoverAttempts bounds how often a hand-over begins anew since another one of the
// same bundle came first.
const handoverAttempts = 16

// HandOver makes one file of a bundle as it is right now and puts down that it was
// handed over; what it returns is for whoever asked, at once. A bundle or file that is
// not there, or is refused, matches ErrNotFound; before the first night it is
// lake.ErrNoRun.
//
// In this order: the file is made below audiences/downloads/ without those who left
// since the night; the ledger of downloads gets its row; what the platform was given
// is replaced, or all begins anew if somebody else replaced it; sides of the control
// group are settled; contacts are counted; the audit row is written; the act is marked
// as finished. What breaks off before that mark counts as not downloaded, and what it
// may have given is removed and added again (TestAHandOverMayBreakOffAnywhere). The
// same person asking for the same file again within 15 minutes gets the same act done
// again, without those who left meanwhile.
//
// The manifest is handed over without an act: it gives nobody anything.
func (p *Pipeline) HandOver(ctx context.Context, request HandoverRequest) (Handover, error) {
	if err := p.CheckTokenKey(ctx); err != nil {
		return Handover{}, err
	}
	e, err := p.newExporter(ctx, "")
	if err != nil {
		return Handover{}, err
	}
	i := slices.IndexFunc(e.plan, func(x handover.Export) bool {
		return request.Bundle == "" && x.Segment == request.Segment && x.Platform == request.Platform ||
			request.Bundle != "" && p.bundleID(e.run.AsOf, keyOf(&x)) == request.Bundle
	})
	if i < 0 || request.File == "" || strings.ContainsAny(request.File, "/\\") {
		return Handover{}, ErrNotFound
	}
	e.leaving = true
	stored, err := e.manifest(ctx, e.folder(&e.plan[i]))
	if err != nil && !errors.Is(err, ErrNotFound) {
		return Handover{}, err
	}
	e.consent = stored.Consent
	for range handoverAttempts {
		h := &handing{exporter: e, request: request, x: &e.plan[i], expect: stored.Clients}
		out, err := h.attempt(ctx)
		if !errors.Is(err, objstore.ErrChanged) && !errors.Is(err, objstore.ErrExist) && !errors.Is(err, errMoved) {
			return out, err
		}
		e.news = nil // whoever was quicker may have erased somebody
	}
	return Handover{}, fmt.Errorf("pipeline: hand over: %w %d times in a row", objstore.ErrChanged, handoverAttempts)
}

// handing is one attempt to hand a file over.
type handing struct {
	*exporter

	request HandoverRequest
	x       *handover.Export
	expect  int // clients in the file, about
	act     act
	change  audience.Change
	rows    map[string][]handedRow // by file, in the order of its rows
	// Of the members who may stand in the list: who was not given in it yet; and of
	// these and of those held out, who has no side yet.
	fresh map[string]bool
	sides map[string]assigned
	held  []assigned
	// stands holds all ids of those who may stand in the list, of message files.
	stands map[string]bool
}

func (h *handing) attempt(ctx context.Context) (Handover, error) {
	p := h.p
	id, err := p.newDownloadID()
	if err != nil {
		return Handover{}, err
	}
	by := asking{who: h.request.Who, file: h.request.File, at: p.now().UTC()}
	h.act = act{ID: id, Who: by.who, File: by.file, At: by.at, Root: id, Day: h.today()}
	if err := h.prepare(ctx, []handover.Export{*h.x}); err != nil {
		return Handover{}, err
	}
	b, err := h.open(ctx, h.x, by)
	if err != nil {
		return Handover{}, err
	}
	if before := b.given.repeated(by); before != nil {
		h.act.Root, h.act.Day = before.Root, before.Day
		h.contacted = countContacts(h.contacts, h.owner.client, before.Root)
	}
	h.aim(ctx, b)
	manifests, err := h.render(ctx, []*bundle{b})
	if err != nil {
		b.drop(0)
		return Handover{}, err
	}
	if h.request.File == audience.ManifestName {
		b.drop(0)
		return h.answerManifest(ctx, manifests[0])
	}
	file, parts := fileOf(manifests[0], h.request.File)
	if file == nil {
		b.drop(0)
		return Handover{Refused: refusalOf(manifests[0], h.request.File)}, ErrNotFound
	}
	if err := b.commit(); err != nil {
		return Handover{}, err
	}
	out := Handover{Key: h.downloads() + file.Name, Name: h.downloadName(), SHA256: file.SHA256, Rows: file.Rows, Size: file.Bytes}
	if err := h.log(ctx, b, out, h.handed(b, manifests[0], parts)); err != nil {
		return Handover{}, err
	}
	p.log.InfoContext(ctx, "audience handed over", slog.String("download", id), slog.String("platform", h.x.Platform), slog.Int("rows", out.Rows))
	return out, nil
}

// downloads is the folder of the download.
func (h *handing) downloads() string { return downloadsPrefix + h.act.ID + "/" }

// downloadName is what a browser calls the file.
func (h *handing) downloadName() string {
	name := h.run.AsOf + "_" + h.x.Name + "_"
	if h.request.File == audience.ManifestName {
		name += h.x.Platform + "_"
	}
	return name + h.request.File
}

// aim sets the bundle on the one file that is wanted, or on all for the manifest. The
// list is always gone through: who stands on it decides about removals.
func (h *handing) aim(ctx context.Context, b *bundle) {
	h.change, _ = changeOf(h.request.File)
	b.list = measured
	switch {
	case h.request.File == audience.ManifestName:
		b.list, b.add, b.remove = written, written, written
	case h.change == audience.Add:
		b.add = written
	case h.change == audience.Remove:
		b.remove = written
	default:
		b.list = written
	}
	b.sink = func(name string) (audience.Output, error) {
		if name != h.request.File || name == audience.ManifestName {
			return nowhere{}, nil
		}
		return &storeOutput{ctx: ctx, store: h.p.store, key: h.downloads() + name}, nil
	}
	h.rows, h.fresh, h.sides, h.held = map[string][]handedRow{}, map[string]bool{}, map[string]assigned{}, nil
	h.stands = map[string]bool{}
	b.told = func(change audience.Change, row handedRow) {
		if change == h.change {
			h.rows[row.file] = append(h.rows[row.file], row)
		}
	}
	b.considered = func(who *prospect, held, standing bool) {
		one := assigned{who.client.ClientID, who.client.Aliases}
		if held {
			h.held = append(h.held, one)
			return
		}
		h.sides[one.id] = one
		if h.x.Message && h.change == audience.Remove {
			h.stands[one.id] = true
			for _, alias := range one.aliases {
				h.stands[alias] = true
			}
		}
		if !standing {
			h.fresh[one.id] = true
		}
	}
	if platform, ok := audience.Lookup(h.x.Platform); ok && h.change == "" && platform.CarriesCanaries() {
		b.canaries = h.p.canariesOf(h.cfg, h.act.ID, audience.CanaryCount(h.expect))
	}
}

// changeName finds the change in the name of a file, and the part.
var changeName = regexp.MustCompile(`_(add|remove)(_part[0-9]+)?(\.[a-z]+)$`)

// partName finds the part in the name of a file.
var partName = regexp.MustCompile(`_part[0-9]+(\.[a-z]+)$`)

// changeOf tells which change a file is and its name without change and part.
func changeOf(file string) (audience.Change, string) {
	if found := changeName.FindStringSubmatch(file); found != nil {
		return audience.Change(found[1]), changeName.ReplaceAllString(file, "$3")
	}
	return "", partName.ReplaceAllString(file, "$1")
}

// fileOf finds a file that was written, and all parts of the list or change that it is
// of, in their order; nil where there is none.
func fileOf(m audience.Manifest, name string) (file *audience.FileReport, parts []audience.FileReport) {
	change, plain := changeOf(name)
	for i := range m.Files {
		f := &m.Files[i]
		if of, base := changeOf(f.Name); of != change || base != plain || !f.Written {
			continue
		}
		parts = append(parts, *f)
		if f.Name == name {
			file = f
		}
	}
	return file, parts
}

// refusalOf is why a file of a bundle was not written; nil for what is no file of it.
func refusalOf(m audience.Manifest, name string) *audience.Refused {
	for i := range m.Files {
		if f := &m.Files[i]; f.Name == name && f.Refused != nil {
			return f.Refused
		}
	}
	return nil
}

// handed is what the file gives the platform: of several parts, the rows of this one.
func (h *handing) handed(b *bundle, m audience.Manifest, parts []audience.FileReport) handed {
	_, plain := changeOf(h.request.File)
	out := handed{change: h.change, file: plain, hashed: b.hashedFiles(), rows: h.rows[plain], whole: len(parts) == 1, day: h.today(), stands: h.stands}
	for _, f := range m.Files {
		if change, base := changeOf(f.Name); change == "" && f.Refused == nil {
			out.files = append(out.files, base)
		}
	}
	from := 0
	for _, part := range parts {
		if part.Name == h.request.File && len(parts) > 1 {
			out.rows = out.rows[min(from, len(out.rows)):min(from+part.Rows, len(out.rows))]
		}
		from += part.Rows
	}
	if b.human { // of lists for people nothing is ever removed, so nothing of them is kept
		for i := range out.rows {
			out.rows[i].line = ""
		}
	}
	return out
}

// log puts a hand-over down, in the order that [Pipeline.HandOver] tells.
func (h *handing) log(ctx context.Context, b *bundle, out Handover, file handed) error {
	p := h.p
	if err := p.logHandover(ctx, LedgerRow{
		ID: h.act.ID, At: h.act.At, Who: h.act.Who, Run: h.run.Run, AsOf: h.run.AsOf, Segment: h.x.Segment, Platform: h.x.Platform,
		File: h.request.File, Change: string(h.change), Rows: int64(out.Rows), SHA256: out.SHA256, Purpose: h.x.Purpose(), Link: h.request.Link,
		Canaries: len(b.canaries.Contacts()),
	}); err != nil {
		return err
	}
	by := b.by
	b.given.apply(by, h.act, file)
	if ok, _ := b.changes(); ok {
		b.given.markLeaving(by, b.stay, h.today())
	}
	if err := p.writeGiven(ctx, b.given); err != nil {
		return err
	}
	var fresh []string
	var sides []assigned
	if h.change != audience.Remove {
		sides = h.held
		for _, row := range file.rows {
			side, first := h.sides[row.clientID]
			if !first {
				continue // a client of several rows, or a repeated one
			}
			delete(h.sides, row.clientID)
			sides = append(sides, side)
			if h.fresh[row.clientID] {
				fresh = append(fresh, row.clientID)
			}
		}
	}
	if err := h.logAssignments(ctx, h.x, sides); err != nil {
		return err
	}
	if h.x.Message {
		if err := p.logContacts(ctx, h.act, fresh); err != nil {
			return err
		}
	}
	if h.change == audience.Remove {
		if err := p.keepRemovals(ctx, b.removals, h.act, file.rows, h.today()); err != nil {
			return err
		}
	}
	if err := p.Audit(ctx, AuditRow{Who: h.act.Who, Action: "download", Object: out.Key, Rows: int64(out.Rows), SHA256: out.SHA256}); err != nil {
		return err
	}
	return p.finishAct(ctx, h.x.Platform, h.x.Segment, h.act.ID)
}

// answerManifest hands the manifest out, which says what the files would be now.
func (h *handing) answerManifest(ctx context.Context, m audience.Manifest) (Handover, error) {
	body, err := m.Encode()
	if err != nil {
		return Handover{}, err
	}
	out := Handover{Key: h.downloads() + audience.ManifestName, Name: h.downloadName(), SHA256: sumHex(body), Size: int64(len(body))}
	if _, err := h.p.store.Put(ctx, out.Key, body); err != nil {
		return Handover{}, fmt.Errorf("pipeline: write manifest: %w", err)
	}
	return out, h.p.Audit(ctx, AuditRow{Who: h.act.Who, Action: "download", Object: out.Key, SHA256: out.SHA256})
}

// withCanaries puts the canaries of a download among its contacts.
func (e *exporter) withCanaries(bundles []*bundle, contacts iter.Seq2[audience.Contact, error]) iter.Seq2[audience.Contact, error] {
	for _, b := range bundles {
		if b.canaries.Count > 0 {
			return b.canaries.Among(contacts)
		}
	}
	return contacts
}
