package columnar

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"sync"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/bitutil"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// leaf is a column of values: what is read of it is the page at hand, and of that
// the part that belongs to the record at hand.
type leaf struct {
	name           string
	of             format.Type
	column         int // number of its chunks in a row group
	maxDef, maxRep uint8
	coded          bool // comes as a dictionary
	bare           bool // comes as the places in a dictionary that is not decoded
	chunks         []chunk

	chunk      *chunk
	next       int // number of the page after the one at hand
	entry, end int // of the page at hand: the next entry, and how many it has
	value      int // of page: the next value
	page       values
	reps, defs levels // of page
	dictionary values // of chunk, once it is needed
	known      bool   // dictionary is decoded
	entries    arrow.Array

	record     values // of the record at hand; it may alias page
	recordReps levels
	recordDefs levels

	buffers
}

// buffers are the memory of a leaf, which the next file may have.
type buffers struct {
	fixed, text, plain []byte // memory of page
	offsets            []uint32
	codes              []int32
	own, gaps          values // memory of record
}

var spareBuffers, spareShared sync.Pool //nolint:gochecknoglobals // memory alone

// release gives the memory of the columns back. Nothing that was yielded may be used
// any more but dictionaries.
func (t *table) release() {
	for _, l := range t.leaves {
		b := l.buffers
		l.buffers = buffers{}
		spareBuffers.Put(&b)
	}
	s := t.shared
	t.shared = shared{}
	spareShared.Put(&s)
}

func newLeaf(element *format.SchemaElement, column int, def, rep uint8) *leaf {
	l := &leaf{name: element.Name, of: element.Type.V, column: column, maxDef: def, maxRep: rep}
	if b, ok := spareBuffers.Get().(*buffers); ok {
		l.buffers = *b
	}
	return l
}

// allCoded tells whether every page with values is one of indices, and there is one.
func (l *leaf) allCoded() bool {
	some := false
	for _, c := range l.chunks {
		for i := range c.pages {
			if !isCoded(c.pages[i].encoding) || c.dict == nil {
				return false
			}
			some = true
		}
	}
	return some
}

// begin goes to a row group.
func (l *leaf) begin(s *shared, group int) error {
	l.chunk, l.next, l.entry, l.end, l.value = &l.chunks[group], 0, 0, 0, 0
	l.known = false
	if !l.coded || l.bare {
		return nil
	}
	if err := l.needDictionary(s); err != nil {
		return err
	}
	if l.entries != nil {
		l.entries.Release()
	}
	l.entries = l.dictionary.texts()
	return nil
}

// texts wraps the texts of a dictionary.
func (v *values) texts() arrow.Array {
	data := array.NewData(arrow.BinaryTypes.String, v.count,
		[]*memory.Buffer{nil, memory.NewBufferBytes(arrow.Uint32Traits.CastToBytes(v.offsets)), memory.NewBufferBytes(v.text)}, nil, 0, 0)
	defer data.Release()
	return array.NewStringData(data)
}

// needDictionary decodes the dictionary of the chunk, into memory of its own if it
// is handed on.
func (l *leaf) needDictionary(s *shared) error {
	if l.known {
		return nil
	}
	d := &l.dictionary
	if l.coded {
		*d = values{}
	}
	d.count = 0
	p := l.chunk.dict
	if l.bare && p != nil {
		d.count, l.known = p.entries, true
		return nil
	}
	if p == nil { // a chunk without pages
		d.offsets, l.known = []uint32{0}, true
		return nil
	}
	src := p.body
	if p.compressed {
		var err error
		if s.raw, err = decompress(s.raw, l.chunk.codec, src, p.size); err != nil {
			return err
		}
		src = s.raw
	}
	if p.encoding != format.Plain && !isCoded(p.encoding) { // older writers name it after its pages
		return fmt.Errorf("a dictionary in %s", p.encoding)
	}
	switch l.of {
	case format.ByteArray:
		var err error
		if d.text, d.offsets, err = plainTexts(d.text, d.offsets, src, p.entries); err != nil {
			return fmt.Errorf("dictionary: %w", err)
		}
	default:
		if p.entries > len(src)/8 {
			return errors.New("the dictionary ends early")
		}
		d.fixed = append(d.fixed[:0], src...)
	}
	d.count, l.known = p.entries, true
	return nil
}

// decompress is the page as it was before compression, in the memory of to if that
// is large enough.
func decompress(to []byte, codec format.CompressionCodec, src []byte, size int) ([]byte, error) {
	if n, used := binary.Uvarint(src); codec == format.Snappy && (used <= 0 || n != uint64(size)) { //nolint:gosec // G115: bounded by largestPage
		return to, errors.New("another size than the page's header says")
	}
	// Room is made for what such bytes may hold, not for what the header claims.
	to, err := parquet.LookupCompressionCodec(codec).Decode(sized(to, min(size, 1<<20+64*len(src))), src)
	if err == nil && len(to) != size {
		err = fmt.Errorf("%d bytes of %d after decompression", len(to), size)
	}
	return to, err
}

// load decodes the next page; false after the last one.
func (l *leaf) load(s *shared) (bool, error) {
	if l.next >= len(l.chunk.pages) {
		return false, nil
	}
	p := &l.chunk.pages[l.next]
	l.next++
	l.entry, l.end, l.value = 0, p.entries, 0
	l.page = values{}
	if isCoded(p.encoding) && l.chunk.dict != nil { // before the page: both are decompressed into the same memory
		if err := l.needDictionary(s); err != nil {
			return false, err
		}
	}
	src := p.body
	reps, defs := src[:p.reps], src[p.reps:p.reps+p.defs]
	if p.v2 {
		src = src[p.reps+p.defs:]
	} else {
		var err error
		if src, err = l.decompress(s, p, src, p.size); err != nil {
			return false, err
		}
		if reps, src, err = l.levelsOf(l.maxRep, src); err != nil {
			return false, err
		}
		if defs, src, err = l.levelsOf(l.maxDef, src); err != nil {
			return false, err
		}
	}
	l.reps.zero(p.entries)
	l.defs.zero(p.entries)
	if l.maxRep > 0 {
		if err := l.reps.decode(reps, l.maxRep, p.entries); err != nil {
			return false, err
		}
	}
	if l.maxDef > 0 {
		if err := l.defs.decode(defs, l.maxDef, p.entries); err != nil {
			return false, err
		}
	}
	n := l.defs.number(l.maxDef, 0, p.entries)
	if p.v2 && n > 0 {
		var err error
		if src, err = l.decompress(s, p, src, p.size-p.reps-p.defs); err != nil {
			return false, err
		}
	}
	return true, l.decode(s, p.encoding, src, n)
}

// levelsOf cuts the levels off a page of version 1.
func (l *leaf) levelsOf(highest uint8, src []byte) (of, rest []byte, err error) {
	if highest == 0 {
		return nil, src, nil
	}
	if len(src) < 4 {
		return nil, nil, errors.New("the levels end early")
	}
	size := int(src[0]) | int(src[1])<<8 | int(src[2])<<16 | int(src[3])<<24
	if size > len(src)-4 {
		return nil, nil, errors.New("the levels end early")
	}
	return src[4 : 4+size], src[4+size:], nil
}

// decompress undoes the compression of a data page. What is aliased later gets
// memory of the column, the rest is gone when it is decoded.
func (l *leaf) decompress(s *shared, p *page, src []byte, size int) ([]byte, error) {
	if !p.compressed {
		return src, nil
	}
	to := &s.raw
	if p.encoding == format.Plain && l.of != format.ByteArray || p.encoding == format.DeltaLengthByteArray {
		to = &l.plain
	}
	out, err := decompress(*to, l.chunk.codec, src, size)
	*to = out
	return out, err
}

// read reads the next rows of the row group.
func (l *leaf) read(s *shared, rows int) error {
	l.record = values{}
	l.recordDefs.zero(0)
	l.recordReps.zero(0)
	for got := 0; ; {
		if l.entry == l.end {
			if got == rows && (l.maxRep == 0 || l.next >= len(l.chunk.pages) || l.chunk.pages[l.next].v2) {
				return nil
			}
			more, err := l.load(s)
			if err != nil {
				return err
			}
			if !more {
				if got < rows {
					return errors.New("fewer rows than the footer says")
				}
				return nil
			}
			continue
		}
		if l.maxRep == 0 {
			if got == rows {
				return nil
			}
			n := min(rows-got, l.end-l.entry)
			if err := l.take(l.entry+n, got == 0 && n == rows); err != nil {
				return err
			}
			got += n
			continue
		}
		to, begun := l.rowsUntil(rows - got)
		if to == l.entry {
			return nil // the next row begins
		}
		if got == 0 && begun == 0 {
			return errors.New("a row begins in its middle")
		}
		if err := l.take(to, false); err != nil {
			return err
		}
		got += begun
	}
}

// rowsUntil finds where the entries end that belong to the row at hand and the next
// ones, and how many rows begin before it.
func (l *leaf) rowsUntil(rows int) (to, begun int) {
	if l.reps.same > 0 {
		return l.end, 0
	}
	if l.reps.same == 0 {
		n := min(rows, l.end-l.entry)
		return l.entry + n, n
	}
	if n := l.reps.number(0, l.entry, l.end); n <= rows {
		return l.end, n
	}
	for i, rep := range l.reps.each[l.entry:l.end] {
		if rep == 0 {
			if begun == rows {
				return l.entry + i, begun
			}
			begun++
		}
	}
	return l.end, begun
}

// take moves the entries before to from the page to the record. All of a record may
// alias the page.
func (l *leaf) take(to int, all bool) error {
	n := to - l.entry
	if l.maxDef > 0 {
		n = l.defs.number(l.maxDef, l.entry, to)
		l.recordDefs.add(&l.defs, l.entry, to)
		if l.maxRep > 0 {
			l.recordReps.add(&l.reps, l.entry, to)
		}
	}
	l.entry = to
	from := l.value
	l.value += n
	if n == 0 {
		return nil
	}
	p, r, own := &l.page, &l.record, &l.own
	alias := all && (l.of != format.Boolean || from%8 == 0)
	switch {
	case alias && l.coded:
		r.codes = p.codes[from : from+n]
	case alias && l.of == format.ByteArray:
		r.text, r.offsets = p.text, p.offsets[from:from+n+1]
	case alias && l.of == format.Boolean:
		r.bits = p.bits[from/8 : (from+n+7)/8]
	case alias:
		r.fixed = p.fixed[8*from : 8*(from+n)]
	case l.coded:
		if own.codes == nil {
			own.codes = make([]int32, 0, batchRows)
		}
		own.codes = append(own.codes[:r.count], p.codes[from:from+n]...)
		r.codes = own.codes
	case l.of == format.ByteArray:
		if err := own.addTexts(r.count, p, from, n); err != nil {
			return err
		}
		r.text, r.offsets = own.text, own.offsets
	case l.of == format.Boolean:
		size := (r.count + n + 7) / 8
		if size > len(own.bits) {
			own.bits = append(own.bits, make([]byte, max(size-len(own.bits), batchRows/8))...)
		}
		bitutil.CopyBitmap(p.bits, from, n, own.bits, r.count)
		r.bits = own.bits[:size]
	default:
		if own.fixed == nil {
			own.fixed = make([]byte, 0, 8*batchRows)
		}
		own.fixed = append(own.fixed[:8*r.count], p.fixed[8*from:8*(from+n)]...)
		r.fixed = own.fixed
	}
	r.count += n
	return nil
}

// addTexts appends texts of a page after the first ones.
func (v *values) addTexts(after int, of *values, from, n int) error {
	if after == 0 {
		v.text, v.offsets = v.text[:0], append(v.offsets[:0], 0)
	}
	begin, end := of.offsets[from], of.offsets[from+n]
	if begin > end || len(v.text)+int(end-begin) > math.MaxInt32 {
		return errTooMuchText
	}
	shift := uint32(len(v.text)) - begin //nolint:gosec // G115: wraps around and back below
	v.text = append(v.text, of.text[begin:end]...)
	for _, offset := range of.offsets[from+1 : from+n+1] {
		v.offsets = append(v.offsets, offset+shift)
	}
	return nil
}
