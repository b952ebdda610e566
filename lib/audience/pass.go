package audience

import "slices"

// batchSize is how many contacts are on their way together.
const batchSize = 512

// kind is a sort of identifier in a contact.
type kind int

const (
	phones kind = iota
	emails
	vkIDs
	telegramIDs
	mobileIDs
	kinds
)

// encoded is the rows of a batch for one job.
type encoded struct {
	text     []byte
	rows     []encodedRow
	contacts []encodedContact
	values   map[Reason]int
	given    [kinds]int
	valid    [kinds]int
	touched  uint64
}

type encodedRow struct {
	end  int // in text
	key  uint64
	file uint8
}

type encodedContact struct {
	id       string
	rows     int // the end of its rows
	excluded Reason
	refused  Reason // of its first identifier without a normal form
	canary   bool
}

// person is a contact with its identifiers in the platform's normal form, each
// once, in the contact's order.
type person struct {
	*Contact
	phones, emails, vkIDs, telegramIDs, mobileIDs []string

	row []cell // scratch for the platform's rows
}

// cells makes a row in the person's scratch; it is good until the next one.
func (p *person) cells(cells ...cell) []cell {
	p.row = append(p.row[:0], cells...)
	return p.row
}

// cell is one value of a row in its normal form.
type cell struct {
	text string
	hash Hash // what it becomes in a hashed file; empty: stays plain
	// aside marks a value that does not make a row another row: two rows that
	// differ only in such cells are duplicates.
	aside bool
	// plus marks a phone that has a plus sign in plain files and none where it is
	// hashed.
	plus bool
}

// encoder makes rows for one job in one worker.
type encoder struct {
	w   *writer
	who person
	out *encoded
	add func(file int, row []cell)
}

func newEncoder(w *writer) *encoder {
	e := &encoder{w: w}
	e.add = e.row
	return e
}

func (e *encoder) row(file int, row []cell) {
	out := e.out
	var key uint64
	out.text, key = e.w.layout.files[file].format.appendRow(out.text, row, e.w.req.Hashed)
	out.rows = append(out.rows, encodedRow{end: len(out.text), key: key, file: uint8(file)}) //nolint:gosec // G115: eight files at the most
}

func (e *encoder) batch(contacts []Contact, out *encoded) {
	out.clear()
	e.out = out
	for i := range contacts {
		c := &contacts[i]
		if c.Canary {
			e.canary(c)
			continue
		}
		excluded := c.Excluded
		if e.w.job.Select != nil {
			member, why := e.w.job.Select(c)
			if !member {
				continue
			}
			excluded = why
		}
		made := encodedContact{id: c.ClientID, excluded: excluded}
		switch {
		case excluded != "":
		case e.w.req.Change == Remove && len(c.Given) > 0:
			e.again(c)
		default:
			made.refused = e.identify(c)
			e.w.layout.rows(&e.who, e.add)
		}
		made.rows = len(out.rows)
		out.contacts = append(out.contacts, made)
	}
}

// again makes the rows as they were handed over before, byte for byte.
func (e *encoder) again(c *Contact) {
	out := e.out
	for _, given := range c.Given {
		for i := range e.w.layout.files {
			if e.w.plainName(&e.w.layout.files[i]) == given.File {
				out.text = append(out.text, given.Text...)
				out.rows = append(out.rows, encodedRow{end: len(out.text), key: sumText(given.Text), file: uint8(i)})
			}
		}
	}
}

// identify makes a contact the one at hand, its identifiers in the platform's
// form. It returns the reason of the first one refused, in the order of kinds.
func (e *encoder) identify(c *Contact) Reason {
	who, out, l := &e.who, e.out, &e.w.layout
	who.Contact = c
	who.phones, who.emails = who.phones[:0], who.emails[:0]
	who.vkIDs, who.telegramIDs, who.mobileIDs = who.vkIDs[:0], who.telegramIDs[:0], who.mobileIDs[:0]
	var first Reason
	read := func(to []string, k kind, field *Field, value string) []string {
		out.given[k]++
		text, reason := field.stored(value)
		if reason != "" {
			out.values[reason]++
			if first == "" {
				first = reason
			}
			return to
		}
		out.valid[k]++
		if slices.Contains(to, text) {
			return to
		}
		return append(to, text)
	}
	if l.phone.read != nil {
		for _, v := range c.Phones {
			who.phones = read(who.phones, phones, &l.phone, string(v))
		}
	}
	if l.email.read != nil {
		for _, v := range c.Emails {
			who.emails = read(who.emails, emails, &l.email, string(v))
		}
	}
	if l.vkID.read != nil {
		for _, v := range c.VKIDs {
			who.vkIDs = read(who.vkIDs, vkIDs, &l.vkID, v)
		}
	}
	if l.telegramID.read != nil {
		for _, v := range c.TelegramIDs {
			who.telegramIDs = read(who.telegramIDs, telegramIDs, &l.telegramID, v)
		}
	}
	if l.mobileID.read != nil {
		for _, v := range c.MobileIDs {
			who.mobileIDs = read(who.mobileIDs, mobileIDs, &l.mobileID, v)
		}
	}
	return first
}

// stored reads a value that is in the lake's normal form already: no phone is
// guessed from it, and what is not in that form is refused.
func (f *Field) stored(value string) (string, Reason) {
	text, reason := f.read(value, Normaliser{})
	if reason == "" && text == "" {
		return "", ReasonEmpty
	}
	return text, reason
}

// cell is a text of a contact in the platform's form, empty where it has none.
func (f *Field) cell(value string) cell {
	if value == "" {
		return cell{}
	}
	text, reason := f.stored(value)
	if reason != "" || looksHashed(text) { // a file must not mix hashed and plain values
		return cell{}
	}
	return cell{text: text, hash: f.Hash}
}
