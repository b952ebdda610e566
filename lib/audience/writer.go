package audience

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
)

// Job is one of the audiences that are made of one reading of the contacts.
type Job struct {
	Request Request
	// Create begins a file by its name. Nil measures only: the manifest says what
	// would be written, and nothing is.
	Create func(name string) (Output, error)
	// Select tells whether a contact belongs to this job and, where it does but
	// must not be handed over, why. Nil: all belong, excluded as they say
	// themselves. It is called once a contact, in any order and at the same time.
	Select func(c *Contact) (member bool, excluded Reason)
	// Skip, if set, leaves out rows that the platform has already. It is asked in
	// the order of the rows, duplicates left out, and once a row.
	Skip func(file string, key uint64) bool
	// Handed, if set, is told every row of the files in their order, duplicates and
	// skipped ones left out: the ledger of what was given. The file is named without
	// its change and part. Rows of a file that are one to the platform have one key,
	// whatever stands aside in them; keys are kept for years, so they are the same in
	// every version (TestRowKeysNeverChange). Of a removal the key is that of the
	// line. The line, with its line end, is good during the call only. What it is
	// told counts only when WriteAll gives no error, and for files that the manifest
	// calls written.
	Handed func(clientID, file string, key uint64, line []byte)
}

// writer makes the files of one job.
type writer struct {
	req      *Request
	job      *Job
	platform *Platform
	layout   layout
	create   func(name string) (Output, error)
	files    []*planned
	heads    [][]byte // of each file

	outputs    []Output
	members    int
	excluded   map[Reason]int
	values     map[Reason]int
	given      [kinds]int // identifiers in the contacts, by kind
	valid      [kinds]int // those in a form the platform takes
	duplicates int
	canaries   int
	// inFiles counts people by the set of files they have rows in, a bit a file:
	// who stands only in a file that is refused later is not handed over.
	inFiles    map[uint8]int
	lastIn     uint8 // the set of the contact before, and how many had it in a row
	lastPeople int   // who are not in inFiles yet
}

func newWriter(job *Job) (*writer, error) {
	w := &writer{
		job: job, req: &job.Request, excluded: map[Reason]int{}, values: map[Reason]int{}, inFiles: map[uint8]int{},
	}
	platform, err := w.req.check()
	if err != nil {
		return nil, err
	}
	if err := platform.selfTest(); err != nil {
		return nil, err
	}
	w.platform = &platform
	if platform.hashedOnly {
		w.req.Hashed = true
	}
	w.layout = platform.layout(w.req)
	if len(w.layout.files) > 8 {
		panic("audience: more than eight files of one platform")
	}
	if job.Create != nil {
		w.create = func(name string) (Output, error) {
			out, err := job.Create(name)
			if err == nil {
				w.outputs = append(w.outputs, out)
			}
			return out, err
		}
	}
	for i := range w.layout.files {
		spec := &w.layout.files[i]
		spec.index = i
		if w.req.Change == Add || w.req.Change == Remove {
			if platform.changeRows > 0 {
				spec.minRows = platform.changeRows
			}
		}
		if w.req.Change != "" {
			spec.name = ChangeName(spec.name, w.req.Change)
		}
		w.files = append(w.files, &planned{spec: spec, w: w})
		w.heads = append(w.heads, spec.head(w.req.Headers))
	}
	return w, nil
}

// absorb takes what a worker made of some contacts. It is called in their order.
func (w *writer) absorb(made *encoded) error {
	for reason, n := range made.values {
		w.values[reason] += n
	}
	for i := range made.given {
		w.given[i] += made.given[i]
		w.valid[i] += made.valid[i]
	}
	var touched uint64
	for i := range made.rows {
		touched ^= w.files[made.rows[i].file].seen.fetch(made.rows[i].key)
	}
	made.touched = touched
	var fresh run
	row, from := 0, 0
	for i := range made.contacts {
		c := &made.contacts[i]
		if c.canary {
			w.canaries++
			if err := fresh.flush(made.text); err != nil { // his row comes after those before him
				return err
			}
			for ; row < c.rows; row++ {
				r := &made.rows[row]
				if err := w.files[r.file].plant(made.text[from:r.end]); err != nil {
					return err
				}
				from = r.end
			}
			continue
		}
		w.members++
		if c.excluded != "" {
			w.excluded[c.excluded]++
			continue
		}
		var in uint8
		offered := row < c.rows
		for ; row < c.rows; row++ {
			r := &made.rows[row]
			begin := from
			from = r.end
			f := w.files[r.file]
			if !f.seen.add(r.key) {
				f.duplicates++
				w.duplicates++
				continue
			}
			if w.job.Skip != nil && w.job.Skip(w.plainName(f.spec), r.key) {
				continue
			}
			in |= 1 << r.file
			if err := fresh.add(f, made.text, begin, r.end); err != nil {
				return err
			}
			if w.job.Handed != nil {
				w.job.Handed(c.id, w.plainName(f.spec), r.key, made.text[begin:r.end])
			}
		}
		switch {
		case in != 0 && in == w.lastIn:
			w.lastPeople++
		case in != 0:
			w.countLast()
			w.lastIn, w.lastPeople = in, 1
		case offered:
			w.excluded[ReasonDuplicate]++
		case c.refused != "":
			w.excluded[c.refused]++
		default:
			w.excluded[ReasonNoIdentifier]++
		}
	}
	return fresh.flush(made.text)
}

// countLast moves the people counted last to the others.
func (w *writer) countLast() {
	if w.lastPeople > 0 {
		w.inFiles[w.lastIn] += w.lastPeople
	}
	w.lastPeople = 0
}

// abandon frees what files begun and not ended hold.
func (w *writer) abandon() {
	for _, f := range w.files {
		for _, p := range f.parts {
			if s, ok := p.sink.(*sheet); ok && !p.ended {
				_ = s.book.Close() // its temporary file; the error that led here counts
			}
		}
	}
}

// plainName is a file's name without the change that is made with it.
func (w *writer) plainName(spec *fileSpec) string {
	if w.req.Change == "" {
		return spec.name
	}
	return strings.Replace(spec.name, "_"+string(w.req.Change)+".", ".", 1)
}

// finish ends the files and writes the manifest, all but visible.
func (w *writer) finish() (Manifest, error) {
	w.countLast()
	for _, f := range w.files {
		if err := f.finish(); err != nil {
			return Manifest{}, err
		}
	}
	manifest := w.manifest()
	if w.create == nil {
		return manifest, nil
	}
	body, err := manifest.Encode()
	if err != nil {
		return Manifest{}, err
	}
	out, err := w.create(ManifestName)
	if err != nil {
		return Manifest{}, fmt.Errorf("create %s: %w", ManifestName, err)
	}
	if _, err := out.Write(body); err != nil {
		return Manifest{}, fmt.Errorf("write %s: %w", ManifestName, err)
	}
	return manifest, nil
}

// Write makes the files of one request and, as the last one, the manifest
// ([ManifestName]), which is written even when every file is refused. It is
// [WriteAll] with one job.
func Write(req Request, contacts iter.Seq2[Contact, error], create func(name string) (Output, error)) (Manifest, error) {
	manifests, err := WriteAll([]Job{{Request: req, Create: create}}, contacts)
	if err != nil {
		return Manifest{}, err
	}
	return manifests[0], nil
}

// WriteAll makes the files of all jobs out of one reading of the contacts, whose
// order is the order of the rows. Before the first contact is read all requests
// are checked and the rules of their platforms proved against published values
// (errors match [ErrInvalidRequest], [ErrSelfTest]). No file is begun before it
// has the rows its platform asks for, and none becomes visible before all files
// of all jobs are written; after an error whatever was begun is discarded. An
// error that the contacts yield ends WriteAll.
//
// A contact and what it holds belongs to WriteAll from its yield on: it must not
// be changed any more. Memory holds some thousand contacts and six to nine bytes for
// each row, by which rows that are there already are left out.
func WriteAll(jobs []Job, contacts iter.Seq2[Contact, error]) ([]Manifest, error) {
	return write(jobs, func(next func() *Contact) error {
		for contact, err := range contacts {
			if err != nil {
				return fmt.Errorf("read contacts: %w", err)
			}
			slot := next()
			if slot == nil {
				return errStopped
			}
			*slot = contact
		}
		return nil
	})
}

// WriteFilled is WriteAll for very many contacts: nobody copies them. Fill asks next
// for one empty contact after the other, in the order of the rows, and fills it in; it
// is done when it returns. Next gives nil when nothing can be written any more; then
// fill returns. An error of fill ends WriteFilled.
//
// The slices of identifiers are empty and keep the memory that an earlier contact put
// there, so fill appends to them and gives them no memory of its own that it needs
// again. A contact is fill's until the next call of next; texts must never change.
func WriteFilled(jobs []Job, fill func(next func() *Contact) error) ([]Manifest, error) {
	return write(jobs, func(next func() *Contact) error {
		err := fill(func() *Contact {
			c := next()
			if c != nil {
				c.empty()
			}
			return c
		})
		if err != nil {
			return fmt.Errorf("read contacts: %w", err)
		}
		return nil
	})
}

// empty makes a contact one without values that keeps the memory of its lists.
func (c *Contact) empty() {
	*c = Contact{
		Phones: c.Phones[:0], Emails: c.Emails[:0], VKIDs: c.VKIDs[:0], TelegramIDs: c.TelegramIDs[:0], MobileIDs: c.MobileIDs[:0], Given: c.Given[:0],
	}
}

// write makes the files of all jobs out of what feed puts into slots.
func write(jobs []Job, feed func(next func() *Contact) error) ([]Manifest, error) {
	jobs = slices.Clone(jobs)
	writers := make([]*writer, len(jobs))
	for i := range jobs {
		var err error
		if writers[i], err = newWriter(&jobs[i]); err != nil {
			return nil, err
		}
	}
	committed := map[Output]bool{}
	defer func() {
		for _, w := range writers {
			w.abandon()
			for _, out := range w.outputs {
				if !committed[out] {
					out.Discard()
				}
			}
		}
	}()
	if err := pass(writers, feed); err != nil {
		return nil, err
	}
	manifests := make([]Manifest, len(writers))
	for i, w := range writers {
		var err error
		if manifests[i], err = w.finish(); err != nil {
			return nil, err
		}
	}
	for _, w := range writers {
		for _, out := range w.outputs {
			committed[out] = true // whatever Commit says, Discard may not follow it
			if err := out.Commit(); err != nil {
				return nil, fmt.Errorf("commit audience files: %w", err)
			}
		}
	}
	return manifests, nil
}

// errStopped ends a pass whose later steps have failed.
var errStopped = errors.New("audience: stopped")

func (e *encoded) clear() {
	e.text, e.rows, e.contacts = e.text[:0], e.rows[:0], e.contacts[:0]
	e.given, e.valid = [kinds]int{}, [kinds]int{}
	clear(e.values)
}
