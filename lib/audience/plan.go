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
	// phone and email are the normal forms the rows are made of.
	phone, email Field
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
	phones, emails []string
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
	who     person // of the contact at hand; its slices are reused
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
	var scratch []byte
	for contact, err := range contacts {
		if err != nil {
			return fmt.Errorf("read contacts: %w", err)
		}
		p.members++
		if contact.Excluded != "" {
			p.excluded[contact.Excluded]++
			continue
		}
		who, refused := p.normalise(&contact, true)
		if p.layout.meet != nil {
			p.layout.meet(who)
		}
		var in uint8
		offered := false
		p.layout.rows(who, func(file int, row []cell) {
			f := &p.files[file]
			offered = true
			ordinal := f.ordinal
			f.ordinal++
			var key rowKey
			key, scratch = keyOf(row, scratch)
			if _, there := seen[file][key]; there {
				f.duplicates = append(f.duplicates, ordinal)
				p.duplicates++
				return
			}
			seen[file][key] = struct{}{}
			in |= 1 << file
			f.rows++
			scratch = f.spec.format.appendRow(scratch[:0], row, p.req.Hashed, true)
			f.bytes += int64(len(scratch))
		})
		switch {
		case in != 0:
			p.inFiles[in]++
		case offered:
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

// normalise brings a contact's identifiers into the platform's form; the person
// is good until the next call. It returns the reason of the first one refused, phones before e-mails.
func (p *plan) normalise(c *Contact, count bool) (*person, Reason) {
	who := &p.who
	who.Contact, who.phones, who.emails = c, who.phones[:0], who.emails[:0]
	var first Reason
	refuse := func(reason Reason) {
		if first == "" {
			first = reason
		}
		if count {
			p.values[reason]++
		}
	}
	for _, phone := range c.Phones {
		text, reason := p.layout.phone.stored(string(phone))
		if reason != "" {
			refuse(reason)
		} else if !slices.Contains(who.phones, text) {
			who.phones = append(who.phones, text)
		}
	}
	for _, email := range c.Emails {
		text, reason := p.layout.email.stored(string(email))
		if reason != "" {
			refuse(reason)
		} else if !slices.Contains(who.emails, text) {
			who.emails = append(who.emails, text)
		}
	}
	return who, first
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
	members := 0
	var scratch []byte
	for contact, err := range contacts {
		if err != nil {
			return fmt.Errorf("read contacts: %w", err)
		}
		members++
		if contact.Excluded != "" {
			continue
		}
		who, _ := p.normalise(&contact, false)
		var failed error
		p.layout.rows(who, func(file int, row []cell) {
			f := &p.files[file]
			ordinal := f.ordinal
			f.ordinal++
			if f.next < len(f.duplicates) && f.duplicates[f.next] == ordinal {
				f.next++
				return
			}
			if f.out == nil || failed != nil {
				return
			}
			f.written++
			scratch = f.spec.format.appendRow(scratch[:0], row, p.req.Hashed, false)
			if err := f.out.write(scratch); err != nil {
				failed = fmt.Errorf("write %s: %w", f.spec.name, err)
			}
		})
		if failed != nil {
			return failed
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
func keyOf(row []cell, scratch []byte) (rowKey, []byte) {
	scratch = scratch[:0]
	for i := range row {
		if !row[i].aside {
			scratch = append(scratch, row[i].text...)
			scratch = append(scratch, 0) // stands in no normal form
		}
	}
	sum := sha256.Sum256(scratch)
	return rowKey(sum[:16]), scratch
}
