package pipeline

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"

	"github.com/leadlake/leadlake/lib/analytics"
	"github.com/leadlake/leadlake/lib/audience"
	"github.com/leadlake/leadlake/lib/consent"
	"github.com/leadlake/leadlake/lib/handover"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/schema"
)

// passBundles is the most bundles that are written in one reading of the contacts. A
// file on its way takes some memory, with some stores up to 16 MiB once it has grown,
// and a bundle has one to eight files.
const passBundles = 96

// wish is what of a bundle is made.
type wish uint8

const (
	unwanted wish = iota
	measured      // counted, for the manifest or since another file needs to know it
	written
)

// bundle is an export on its way.
type bundle struct {
	*handover.Export

	e     *exporter
	human bool
	given *given
	by    asking
	// What waits of erased people, by the request that erased them.
	removals []removals

	list, add, remove wish

	holdout  *analytics.Holdout
	drawn    *audience.Holdout // counts the members in the control group
	standing map[string]bool
	has      keySet // rows that need not be added
	stays    keySet // rows of the whole list
	// spared are ids of clients whom the contact budget alone keeps out: it takes
	// nobody off a platform.
	spared map[string]bool
	mu     sync.Mutex // of drawn and spared while contacts are chosen
	// told gets every row of the file that is handed over.
	told func(change audience.Change, row handedRow)
	// considered gets every member who may stand in the list or is held out of it.
	considered func(who *prospect, held, standing bool)
	sink       func(name string) (audience.Output, error)
	// canaries of a download for people; none otherwise.
	canaries audience.Canaries

	pending []*deferred
	unkept  bool // the removal is not stored at night
}

// open reads what a bundle was given, which decides what is written of it.
func (e *exporter) open(ctx context.Context, x *handover.Export, by asking) (*bundle, error) {
	platform, _ := audience.Lookup(x.Platform)
	b := &bundle{Export: x, e: e, human: platform.Human, by: by, stays: keySet{}, spared: map[string]bool{}}
	var err error
	if b.given, err = e.p.readGiven(ctx, x.Platform, x.Segment); err != nil {
		return nil, err
	}
	b.removals = e.removals[keyOf(x)]
	if x.Holdout > 0 {
		if b.holdout, _, err = e.readHoldout(ctx, x); err != nil {
			return nil, err
		}
	}
	if x.Message {
		b.standing = b.given.sureClients()
	}
	b.has = b.given.sureKeys(by)
	return b, nil
}

// changes reports whether there are additions and removals, and if not, why.
func (b *bundle) changes() (ok bool, why string) {
	switch {
	case b.human:
		return false, ""
	case b.given.version == "":
		return false, audience.RefusedNothingGiven
	case b.given.otherForm(b.by, b.hashedFiles()):
		return false, audience.RefusedFormChanged
	}
	return true, ""
}

// hashedFiles reports whether the bundle's files are hashed: some platforms take no
// others.
func (b *bundle) hashedFiles() bool { return audience.Hashes(b.Platform, b.Hashed) }

// writeBundles writes the bundles of one pass into the folders of the night.
func (e *exporter) writeBundles(ctx context.Context, exports []handover.Export) ([]BundleReport, error) {
	if err := e.prepare(ctx, exports); err != nil {
		return nil, err
	}
	bundles := make([]*bundle, len(exports))
	for i := range exports {
		b, err := e.open(ctx, &exports[i], asking{})
		if err != nil {
			return nil, err
		}
		b.list, b.add, b.remove = written, written, written
		b.sink = func(name string) (audience.Output, error) {
			return &storeOutput{ctx: ctx, store: e.p.store, key: e.folder(b.Export) + name}, nil
		}
		bundles[i] = b
	}
	manifests, err := e.render(ctx, bundles)
	if err != nil {
		return nil, err
	}
	reports := make([]BundleReport, len(bundles))
	for i, b := range bundles {
		if err := b.publish(ctx, e.folder(b.Export), manifests[i]); err != nil {
			return nil, err
		}
		if err := b.keepLeaving(ctx); err != nil {
			return nil, err
		}
		if err := e.auditUnlocked(ctx, b, manifests[i]); err != nil {
			return nil, err
		}
		reports[i] = BundleReport{ID: e.p.bundleID(e.run.AsOf, keyOf(b.Export)), Manifest: manifests[i]}
	}
	return reports, nil
}

// render makes the files of some bundles out of one reading of the contacts, all but
// visible, and their manifests.
func (e *exporter) render(ctx context.Context, bundles []*bundle) ([]audience.Manifest, error) {
	var jobs []audience.Job
	var segments []string
	for _, b := range bundles {
		jobs = append(jobs, b.listJob())
		if ok, _ := b.changes(); ok && b.add != unwanted {
			jobs = append(jobs, b.addJob())
		}
		if !slices.Contains(segments, b.Segment) {
			segments = append(segments, b.Segment)
		}
	}
	manifests, err := audience.WriteAll(jobs, e.withCanaries(bundles, e.people(ctx, segments)))
	if err != nil {
		return nil, fmt.Errorf("pipeline: write audiences: %w", err)
	}
	all := make([]audience.Manifest, len(bundles))
	for i, b := range bundles {
		list := manifests[0]
		manifests = manifests[1:]
		var changes []audience.Manifest
		b.stays.ready()
		if ok, why := b.changes(); !ok {
			if why != "" {
				changes = append(changes, audience.RefuseChange(list, audience.Add, why), audience.RefuseChange(list, audience.Remove, why))
			}
		} else {
			if b.add != unwanted {
				changes = append(changes, waiting(manifests[0], nil))
				manifests = manifests[1:]
			}
			if b.remove != unwanted {
				removal, err := b.removal()
				if err != nil {
					return nil, err
				}
				changes = append(changes, removal)
			}
		}
		all[i] = audience.Bundle(list, changes...)
		if b.Locked != nil {
			all[i] = all[i].Lock(string(b.LockedBy), *b.Locked)
		}
	}
	return all, nil
}

func (b *bundle) listJob() audience.Job {
	job := audience.Job{Request: b.e.request(b.Export, ""), Create: b.create(b.list), Select: b.choose(true)}
	if b.holdout != nil {
		b.drawn = &audience.Holdout{Share: b.Holdout}
		job.Request.Holdout = b.drawn
	}
	compare, _ := b.changes()
	if compare || b.told != nil {
		job.Handed = func(clientID, file string, key uint64, line []byte) {
			name := rowName{file, int64(key)} //nolint:gosec // G115: bits, not a number
			if compare {
				b.stays.add(name.file, name.key)
			}
			if b.told != nil && b.list == written {
				b.told("", handedRow{clientID, name.file, string(line), name.key})
			}
		}
	}
	return job
}

func (b *bundle) addJob() audience.Job {
	job := audience.Job{Request: b.e.request(b.Export, audience.Add), Create: b.create(b.add), Select: b.choose(false)}
	job.Skip = func(file string, key uint64) bool { return b.has.has(file, int64(key)) } //nolint:gosec // G115: bits, not a number
	if b.told != nil && b.add == written {
		job.Handed = func(clientID, file string, key uint64, line []byte) {
			b.told(audience.Add, handedRow{clientID, file, string(line), int64(key)}) //nolint:gosec // G115: bits, not a number
		}
	}
	return job
}

// choose is who of the contacts of a pass belongs to the bundle, and why somebody
// stays out.
func (b *bundle) choose(first bool) func(c *audience.Contact) (bool, audience.Reason) {
	return func(c *audience.Contact) (bool, audience.Reason) {
		who, _ := c.Ref.(*prospect)
		if who.lostIn != "" {
			return who.lostIn == b.Segment && b.LockedBy != retired, b.Decide(nil, handover.Standing{})
		}
		if !b.e.members.has(b.Segment, who.place) || b.LockedBy == retired {
			return false, ""
		}
		held := b.holdout != nil && b.holdout.Held(who.client.ClientID, who.client.Aliases)
		if held && first {
			b.mu.Lock()
			b.drawn.Assigned++
			b.mu.Unlock()
		}
		standing := b.e.standing(b, who, held)
		reason := b.Decide(&who.client, standing)
		if first && reason == audience.ReasonContactBudget {
			b.spare(who)
		}
		if first && b.considered != nil && (reason == "" || reason == audience.ReasonHoldout) {
			b.mu.Lock()
			b.considered(who, reason != "", standing.Given)
			b.mu.Unlock()
		}
		return true, reason
	}
}

func (b *bundle) spare(who *prospect) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.spared[who.client.ClientID] = true
	for _, alias := range who.client.Aliases {
		b.spared[alias] = true
	}
}

// standing is what decides about a client beside his card.
func (e *exporter) standing(b *bundle, who *prospect, held bool) handover.Standing {
	id := who.client.ClientID
	s := handover.Standing{
		Erased: e.news.gone[id], Member: func(segment string) bool { return e.members.has(segment, who.place) }, Held: held,
	}
	if e.news.states[id] != nil || e.news.joined[id] != nil {
		s.Left = func(p consent.Purpose) audience.Reason { return e.news.left(id, p) }
	}
	if b.Message {
		s.Contacts = e.contacted[id]
		s.Given = b.standing[id] || slices.ContainsFunc(who.client.Aliases, func(alias string) bool { return b.standing[alias] })
	}
	return s
}

// stay reports whether a row that the platform has may stay there.
func (b *bundle) stay(row *schema.GivenRow) bool {
	return b.stays.has(row.File, row.RowKey) || b.spared[row.ClientID]
}

// removal writes what must leave the platform: rows that nobody on the list stands for
// any more, and those of erased people.
func (b *bundle) removal() (audience.Manifest, error) {
	var since []sinceRow
	job := audience.Job{Request: b.e.request(b.Export, audience.Remove), Create: b.create(b.remove)}
	for row := range b.leaving() {
		// Rows of erased people lie nowhere but where they wait: a download shows them.
		if b.unkept = row.clientID == "" && b.told == nil; b.unkept {
			job.Create = func(string) (audience.Output, error) { return nowhere{}, nil }
			break
		}
	}
	if b.told != nil && b.remove == written {
		keys := map[[2]string]handedRow{}
		for row := range b.leaving() {
			keys[[2]string{row.file, row.line}] = row.handedRow
		}
		job.Handed = func(_, file string, _ uint64, line []byte) {
			b.told(audience.Remove, keys[[2]string{file, string(line)}])
		}
	}
	manifests, err := audience.WriteAll([]audience.Job{job}, func(yield func(audience.Contact, error) bool) {
		for row := range b.leaving() {
			since = append(since, sinceRow{row.file, row.since})
			if !yield(audience.Contact{ClientID: row.clientID, Given: []audience.Line{{File: row.file, Text: row.line}}}, nil) {
				return
			}
		}
	})
	if err != nil {
		return audience.Manifest{}, fmt.Errorf("pipeline: write removals: %w", err)
	}
	return waiting(manifests[0], since), nil
}

// leavingRow is a row that must leave the platform, and since when.
type leavingRow struct {
	handedRow
	since string // empty: from today on
}

type sinceRow struct{ file, day string }

// leaving yields what must leave the platform: each row once, those of erased people
// last.
func (b *bundle) leaving() iter.Seq[leavingRow] {
	return func(yield func(leavingRow) bool) {
		open := b.given.unsettled(b.by)
		seen := map[rowName]bool{}
		for i := range b.given.rows {
			row := &b.given.rows[i]
			if !there(row, open) || b.stay(row) {
				continue
			}
			seen[rowName{row.File, row.RowKey}] = true
			day := b.e.today()
			if row.LeavingDay != nil {
				day = *row.LeavingDay
			}
			if !yield(leavingRow{handedRow{row.ClientID, row.File, row.Line, row.RowKey}, day}) {
				return
			}
		}
		for _, r := range b.removals {
			for i := range r.rows {
				row := &r.rows[i]
				name := rowName{row.File, row.RowKey}
				if !b.given.waits(row, open) || seen[name] || b.stays.has(row.File, row.RowKey) {
					continue
				}
				seen[name] = true
				if !yield(leavingRow{handedRow{"", row.File, row.Line, row.RowKey}, row.Since}) {
					return
				}
			}
		}
	}
}

// waiting says of changes that are too few for a file how many wait and since when.
func waiting(m audience.Manifest, since []sinceRow) audience.Manifest {
	for i := range m.Files {
		f := &m.Files[i]
		if f.Refused == nil || f.Rows == 0 {
			continue
		}
		f.Waiting = &audience.Waiting{Rows: f.Rows}
		for _, row := range since {
			if audience.ChangeName(row.file, m.Change) == f.Name && (f.Waiting.SinceDay == "" || row.day < f.Waiting.SinceDay) {
				f.Waiting.SinceDay = row.day
			}
		}
	}
	return m
}

// create begins the files of one kind; nil where they are only measured. The manifest
// of each job is left aside: a bundle has one for all.
func (b *bundle) create(w wish) func(name string) (audience.Output, error) {
	if w != written {
		return nil
	}
	return func(name string) (audience.Output, error) {
		if name == audience.ManifestName {
			return nowhere{}, nil
		}
		out, err := b.sink(name)
		if err != nil {
			return nil, err
		}
		d := &deferred{out: out}
		b.pending = append(b.pending, d)
		return d, nil
	}
}

// commit makes the files of a bundle visible.
func (b *bundle) commit() error {
	for i, d := range b.pending {
		if err := d.publish(); err != nil {
			b.drop(i + 1)
			return fmt.Errorf("pipeline: write an audience file: %w", err)
		}
	}
	b.pending = nil
	return nil
}

// publish makes the files of a bundle visible in a folder, and the manifest last. A
// file of an earlier writing that is refused now still shows who left since: nothing
// but clean-up deletes, so it is emptied.
func (b *bundle) publish(ctx context.Context, folder string, m audience.Manifest) error {
	body, err := m.Encode()
	if err != nil {
		return err
	}
	if err := b.commit(); err != nil {
		return err
	}
	store := b.e.p.store
	for _, file := range m.Files {
		if file.Written && (file.Change != audience.Remove || !b.unkept) {
			continue
		}
		info, err := store.Head(ctx, folder+file.Name)
		if errors.Is(err, objstore.ErrNotExist) || err == nil && info.Size == 0 {
			continue
		}
		if err == nil {
			_, err = store.Put(ctx, folder+file.Name, nil)
		}
		if err != nil {
			return fmt.Errorf("pipeline: empty a refused audience file: %w", err)
		}
	}
	out := &storeOutput{ctx: ctx, store: store, key: folder + audience.ManifestName}
	if _, err := out.Write(body); err != nil {
		return err
	}
	return out.Commit()
}

// drop gives up the files from one on.
func (b *bundle) drop(from int) {
	for _, d := range b.pending[min(from, len(b.pending)):] {
		d.out.Discard()
	}
	b.pending = nil
}

// keepLeaving puts down since when rows must go, for those who ask why they wait. A
// hand-over that comes between does the same.
func (b *bundle) keepLeaving(ctx context.Context) error {
	if ok, _ := b.changes(); !ok || !b.given.markLeaving(b.by, b.stay, b.e.today()) {
		return nil
	}
	err := b.e.p.writeGiven(ctx, b.given)
	if errors.Is(err, objstore.ErrChanged) {
		return nil
	}
	return err
}
