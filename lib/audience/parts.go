package audience

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"strconv"
	"strings"
)

// longestRow bounds a row in bytes for the choice of where a part ends; longer
// ones are only possible in texts of people's and senders' files, which have no
// smallest size.
const longestRow = 1 << 10

// planned is one file of a layout on its way. Rows come in one after the other.
// The first ones wait until the platform's minimum is reached, so that a file too
// small for it is never begun; what a platform takes no more of in one file goes
// on in the next part, whose own minimum is met with the last rows of the part
// before, which wait for that.
type planned struct {
	spec  *fileSpec
	w     *writer
	seen  seen
	rows  int   // of all parts
	bytes int64 // of all parts, heads included
	parts []*part
	// canaries are rows of canaries before the first row of a client.
	canaries [][]byte

	duplicates int
	refusal    *Refused
}

// part is one file as it is stored.
type part struct {
	name string
	rows int
	size int64

	out   Output
	sink  sink // nil until the part is begun
	tail  bool // rows wait at its end
	ended bool
	held  []byte
	ends  []int // of each row in held

	digest string
}

// sink turns rows into the bytes of a file.
type sink interface {
	// rows takes whole rows as [format.appendRow] made them.
	rows(lines []byte) error
	// close ends the file; its size and SHA-256 are known then.
	close() (size int64, digest string, err error)
}

// take adds one row.
func (f *planned) take(line []byte) error {
	if err := f.releaseCanaries(); err != nil {
		return err
	}
	var p *part
	if len(f.parts) > 0 {
		p = f.parts[len(f.parts)-1]
	}
	spec := f.spec
	if p == nil || spec.maxRows > 0 && p.rows == spec.maxRows || spec.maxBytes > 0 && p.size+int64(len(line)) > spec.maxBytes {
		p = &part{name: spec.partName(len(f.parts)), size: int64(len(f.w.heads[spec.index]))}
		f.parts = append(f.parts, p)
		f.bytes += p.size
	}
	p.rows++
	p.size += int64(len(line))
	f.rows++
	f.bytes += int64(len(line))
	least := max(spec.minRows, 1)
	if f.mayEnd(p.rows, p.size) {
		p.tail = true
	}
	if p.sink != nil && !p.tail {
		return p.sink.rows(line)
	}
	p.hold(line)
	if p.sink != nil || p.rows < least {
		return nil
	}
	if err := f.begin(p); err != nil {
		return err
	}
	if n := len(f.parts); n > 1 { // this one stands by itself: the one before is whole
		if err := f.end(f.parts[n-2]); err != nil {
			return err
		}
	}
	if p.tail {
		return nil
	}
	return p.release()
}

// run is rows of one file that lie one after the other in a text and go to the file at
// once. The zero run is empty.
type run struct {
	file     *planned
	from, to int
}

// add adds the row from begin to end, which is new in its file.
func (r *run) add(f *planned, text []byte, begin, end int) error {
	if f.pass(int64(end - begin)) {
		if r.file == f && r.to == begin {
			r.to = end
			return nil
		}
		err := r.flush(text)
		*r = run{f, begin, end}
		return err
	}
	if err := r.flush(text); err != nil {
		return err
	}
	return f.take(text[begin:end])
}

// flush writes the rows.
func (r *run) flush(text []byte) error {
	if r.file == nil || r.from == r.to {
		return nil
	}
	err := r.file.parts[len(r.file.parts)-1].sink.rows(text[r.from:r.to])
	r.from = r.to
	return err
}

// pass counts a row of n bytes and tells whether it may go to the file at hand as it
// is: the part has begun and is far from its end. Any other row has to be taken.
func (f *planned) pass(n int64) bool {
	if len(f.parts) == 0 {
		return false
	}
	p, spec := f.parts[len(f.parts)-1], f.spec
	if p.sink == nil || p.tail || f.mayEnd(p.rows+1, p.size+n) || spec.maxBytes > 0 && p.size+n > spec.maxBytes {
		return false
	}
	p.rows++
	p.size += n
	f.rows++
	f.bytes += n
	return true
}

// mayEnd tells whether a part of so many rows and bytes is near its limits: its last
// rows may have to go to the next part, so they wait.
func (f *planned) mayEnd(rows int, size int64) bool {
	spec, least := f.spec, max(f.spec.minRows, 1)
	return spec.maxRows > 0 && rows > spec.maxRows-least || spec.maxBytes > 0 && size > spec.maxBytes-int64(least+1)*longestRow
}

func (p *part) hold(line []byte) {
	p.held = append(p.held, line...)
	p.ends = append(p.ends, len(p.held))
}

func (p *part) release() error {
	err := p.sink.rows(p.held)
	p.held, p.ends = p.held[:0], p.ends[:0]
	return err
}

// begin makes a part's file.
func (f *planned) begin(p *part) error {
	if f.w.create == nil { // only measured
		p.sink = nothing{}
		return nil
	}
	out, err := f.w.create(p.name)
	if err != nil {
		return fmt.Errorf("create %s: %w", p.name, err)
	}
	p.out = out
	head := f.w.heads[f.spec.index]
	if f.spec.workbook {
		p.sink, err = newSheet(out, head)
	} else {
		p.sink = newStream(out)
		err = p.sink.rows(head)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", p.name, err)
	}
	return nil
}

// end writes what waits and ends the part's file, once.
func (f *planned) end(p *part) error {
	if p.ended {
		return nil
	}
	p.ended = true
	err := p.release()
	if err == nil {
		var size int64
		if size, p.digest, err = p.sink.close(); f.spec.workbook {
			f.bytes += size - p.size
			p.size = size
		}
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", p.name, err)
	}
	p.held, p.ends = nil, nil
	return nil
}

// finish ends all parts. The last one, where it is too short, gets rows of the
// part before; a list that is too short as a whole has no file.
func (f *planned) finish() error {
	n := len(f.parts)
	if f.refusal = refuse(f.w.platform, f.spec, f.w.req.Change, f.rows); f.refusal != nil {
		f.parts = nil // not begun
		return nil
	}
	if n > 1 && f.parts[n-1].sink == nil {
		before, last := f.parts[n-2], f.parts[n-1]
		if err := f.share(before, last, max(f.spec.minRows, 1)-last.rows); err != nil {
			return err
		}
	}
	for _, p := range f.parts {
		if err := f.end(p); err != nil {
			return err
		}
	}
	return nil
}

// share moves the last n waiting rows of one part to the front of the next and
// begins it.
func (f *planned) share(from, to *part, n int) error {
	n = min(n, len(from.ends))
	keep := len(from.ends) - n
	at := 0
	if keep > 0 {
		at = from.ends[keep-1]
	}
	moved := from.held[at:]
	to.held = append(append([]byte(nil), moved...), to.held...)
	to.ends = nil // all of it is written at once
	from.held, from.ends = from.held[:at], from.ends[:keep]
	from.rows, to.rows = from.rows-n, to.rows+n
	from.size, to.size = from.size-int64(len(moved)), to.size+int64(len(moved))
	if err := f.end(from); err != nil {
		return err
	}
	return f.begin(to)
}

// partName is the name of the i-th part: list.csv, list_part2.csv and so on.
func (s *fileSpec) partName(i int) string {
	if i == 0 {
		return s.name
	}
	return withSuffix(s.name, "_part"+strconv.Itoa(i+1))
}

// withSuffix puts a suffix before a name's extension.
func withSuffix(name, suffix string) string {
	at := strings.LastIndexByte(name, '.')
	return name[:at] + suffix + name[at:]
}

// stream passes bytes on in large pieces and keeps their number and SHA-256 for
// the manifest.
type stream struct {
	out   Output
	buf   []byte
	size  int64
	sum   hash.Hash
	fault error
}

func newStream(out Output) *stream {
	return &stream{out: out, buf: make([]byte, 0, 64<<10), sum: sha256.New()}
}

func (s *stream) rows(lines []byte) error {
	if len(lines) >= 16<<10 { // enough to pay for a write of its own
		if s.flush() == nil {
			s.write(lines)
		}
		return s.fault
	}
	s.buf = append(s.buf, lines...)
	if len(s.buf) >= 48<<10 {
		return s.flush()
	}
	return s.fault
}

func (s *stream) flush() error {
	if s.fault == nil && len(s.buf) > 0 {
		s.write(s.buf)
	}
	s.buf = s.buf[:0]
	return s.fault
}

func (s *stream) write(bytes []byte) {
	s.size += int64(len(bytes))
	s.sum.Write(bytes)
	_, s.fault = s.out.Write(bytes)
}

func (s *stream) close() (int64, string, error) {
	err := s.flush()
	return s.size, hex.EncodeToString(s.sum.Sum(nil)), err
}

// nothing stands for a file that is only measured.
type nothing struct{}

func (nothing) rows([]byte) error             { return nil }
func (nothing) close() (int64, string, error) { return 0, "", nil }
