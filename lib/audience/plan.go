package audience

import (
	"crypto/sha256"
	"fmt"
	"iter"
	"slices"
)

// layout is what one platform makes of one request: its files and the rows of a
// person in them.
type layout struct {
	files []fileSpec
	// phone, email and, where the platform takes it, vkID are the normal forms the
	// rows are made of.
	phone, email, vkID Field
	// meet, if set, sees every person before the first row is written; files may
	// be narrowed after it (settle).
	meet   func(*person)
	settle func()
	rows   func(p *person, add func(file int, row []cell))
	// warn, if set, gives advice on the files that are written.
	warn func(files []FileReport) []Text
}

// fileSpec is one file of a platform.
type fileSpec struct {
	name     string
	about    Text
	header   func() []string // nil: no header line
	fields   []string        // keys of the fields whose normal forms it holds
	format   format
	minRows  int   // below it the file is refused; at least 1
	maxRows  int   // 0: no limit known
	maxBytes int64 // 0: no limit known
	optional bool  // not mentioned when it has no rows
}

// cell is one value of a row in its normal form.
type cell struct {
	text string
	hash Hash // what it becomes in a hashed file; empty: stays plain
	// aside marks a value that does not make a row another row: two rows that
	// differ only in such cells are duplicates.
	aside bool
}

// person is a contact with its identifiers in the platform's normal form, each
// once, in the contact's order.
type person struct {
	*Contact
	phones, emails, vkIDs []string

	row []cell // scratch for the platform's rows
}

// cells makes a row in the person's scratch; it is good until the next one.
func (p *person) cells(cells ...cell) []cell {
	p.row = append(p.row[:0], cells...)
	return p.row
}

// rowKey identifies a row for the removal of duplicates: 128 bits of SHA-256, so
// that no two rows of any list share one by chance.
type rowKey [16]byte

// planned is one file on its way: counts of the first reading, then the bytes.
type planned struct {
	spec       fileSpec
	rows       int
	bytes      int64 // as estimated by the first reading; exact but for late columns
	duplicates []int // ordinals of the rows left out, ascending
	refusal    *Refused

	out     *counted
	ordinal int
	written int
	next    int // index into duplicates
}

func (f *planned) open(out Output) { f.out = newCounted(out) }

// plan carries a request through its two readings.
type plan struct {
	req      *Request
	platform *Platform
	layout   layout
	files    []planned

	members    int
	excluded   map[Reason]int
	values     map[Reason]int
	duplicates int
	// inFiles counts people by the set of files they have rows in, a bit a file:
	// who stands only in a file that is refused later is not handed over.
	inFiles map[uint8]int

	// The contact at hand: one value whose memory is reused for millions.
	contact Contact
	who     person
	in      uint8 // files it has rows in
	offered bool  // it had rows, duplicates or not
	scratch []byte
	fault   error
}

func newPlan(req *Request, platform *Platform) *plan {
	p := &plan{req: req, platform: platform, layout: platform.layout(req), excluded: map[Reason]int{}, values: map[Reason]int{}, inFiles: map[uint8]int{}}
	if len(p.layout.files) > 8 {
		panic("audience: more than eight files of one platform")
	}
	for _, spec := range p.layout.files {
		spec.minRows = max(spec.minRows, 1)
		p.files = append(p.files, planned{spec: spec})
	}
	return p
}

// measure is the first reading: counts, reasons, duplicates and sizes.
func (p *plan) measure(contacts iter.Seq2[Contact, error]) error {
	seen := make([]map[rowKey]struct{}, len(p.files))
	for i := range seen {
		seen[i] = map[rowKey]struct{}{}
	}
	add := func(file int, row []cell) {
		f := &p.files[file]
		p.offered = true
		ordinal := f.ordinal
		f.ordinal++
		key := p.keyOf(row)
		if _, there := seen[file][key]; there {
			f.duplicates = append(f.duplicates, ordinal)
			p.duplicates++
			return
		}
		seen[file][key] = struct{}{}
		p.in |= 1 << file
		f.rows++
		p.scratch = f.spec.format.appendRow(p.scratch[:0], row, p.req.Hashed, true)
		f.bytes += int64(len(p.scratch))
	}
	for contact, err := range contacts {
		if err != nil {
			return fmt.Errorf("read contacts: %w", err)
		}
		p.members++
		if contact.Excluded != "" {
			p.excluded[contact.Excluded]++
			continue
		}
		p.in, p.offered = 0, false
		refused := p.take(contact, true)
		if p.layout.meet != nil {
			p.layout.meet(&p.who)
		}
		p.layout.rows(&p.who, add)
		switch {
		case p.in != 0:
			p.inFiles[p.in]++
		case p.offered:
			p.excluded[ReasonDuplicate]++
		case refused != "":
			p.excluded[refused]++
		default:
			p.excluded[ReasonNoIdentifier]++
		}
	}
	if p.layout.settle != nil {
		p.layout.settle()
	}
	return nil
}

// take makes contact the one at hand, its identifiers in the platform's form. It
// returns the reason of the first one refused, phones before e-mails
// before ids.
func (p *plan) take(contact Contact, count bool) Reason {
	p.contact = contact
	c, who := &p.contact, &p.who
	who.Contact, who.phones, who.emails, who.vkIDs = c, who.phones[:0], who.emails[:0], who.vkIDs[:0]
	var first Reason
	read := func(to []string, field *Field, value string) []string {
		text, reason := field.stored(value)
		switch {
		case reason == "" && !slices.Contains(to, text):
			return append(to, text)
		case reason != "" && first == "":
			first = reason
		}
		if reason != "" && count {
			p.values[reason]++
		}
		return to
	}
	for _, phone := range c.Phones {
		who.phones = read(who.phones, &p.layout.phone, string(phone))
	}
	for _, email := range c.Emails {
		who.emails = read(who.emails, &p.layout.email, string(email))
	}
	if p.layout.vkID.read != nil {
		for _, id := range c.VKIDs {
			who.vkIDs = read(who.vkIDs, &p.layout.vkID, id)
		}
	}
	return first
}

// stored reads a value that is in the lake's normal form already: no phone is
// guessed from it, and what is not in that form is refused.
func (f Field) stored(value string) (string, Reason) {
	text, reason := f.read(value, Normaliser{})
	if reason == "" && text == "" {
		return "", ReasonEmpty
	}
	return text, reason
}

// judge decides which files are written.
func (p *plan) judge() {
	for i := range p.files {
		f := &p.files[i]
		f.bytes += int64(len(f.spec.head()))
		f.refusal = refuse(p.platform, &f.spec, f.rows, f.bytes)
	}
}

// write is the second reading: the same rows, now into the files.
func (p *plan) write(contacts iter.Seq2[Contact, error]) error {
	for i := range p.files {
		f := &p.files[i]
		f.ordinal = 0
		if f.out != nil {
			if err := f.out.write(f.spec.head()); err != nil {
				return fmt.Errorf("write %s: %w", f.spec.name, err)
			}
		}
	}
	add := func(file int, row []cell) {
		f := &p.files[file]
		ordinal := f.ordinal
		f.ordinal++
		if f.next < len(f.duplicates) && f.duplicates[f.next] == ordinal {
			f.next++
			return
		}
		if f.out == nil || p.fault != nil {
			return
		}
		f.written++
		p.scratch = f.spec.format.appendRow(p.scratch[:0], row, p.req.Hashed, false)
		if err := f.out.write(p.scratch); err != nil {
			p.fault = fmt.Errorf("write %s: %w", f.spec.name, err)
		}
	}
	members := 0
	for contact, err := range contacts {
		if err != nil {
			return fmt.Errorf("read contacts: %w", err)
		}
		members++
		if contact.Excluded != "" {
			continue
		}
		p.take(contact, false)
		p.layout.rows(&p.who, add)
		if p.fault != nil {
			return p.fault
		}
	}
	for i := range p.files {
		f := &p.files[i]
		if f.out == nil {
			continue
		}
		if members != p.members || f.written != f.rows || f.next != len(f.duplicates) {
			return ErrUnstable
		}
		if err := f.out.flush(); err != nil {
			return fmt.Errorf("write %s: %w", f.spec.name, err)
		}
	}
	return nil
}

// keyOf is the key of a row's own cells.
func (p *plan) keyOf(row []cell) rowKey {
	p.scratch = p.scratch[:0]
	for i := range row {
		if !row[i].aside {
			p.scratch = append(p.scratch, row[i].text...)
			p.scratch = append(p.scratch, 0) // stands in no normal form
		}
	}
	sum := sha256.Sum256(p.scratch)
	return rowKey(sum[:16])
}
