package columnar

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/parquet-go/parquet-go/encoding/delta"
	"github.com/parquet-go/parquet-go/encoding/plain"
	"github.com/parquet-go/parquet-go/format"
)

// tableSpan is the widest range of integers that is written through a dictionary:
// scores, counts, days. It is found by a table, and it is quicker to read than
// DELTA_BINARY_PACKED, whose values need one bit more.
const tableSpan = 2048

// ints chooses the encoding by the range of the values: a dictionary for a small
// one, DELTA_BINARY_PACKED, or PLAIN where that gains nothing.
func (c *outChunk) ints(optional bool, values []int64, valid []bool, s *scratch) {
	lower, upper, n := rangeOf(values, valid)
	if n == 0 {
		c.empty(len(values), false)
		return
	}
	c.bound(binary.LittleEndian.AppendUint64(nil, uint64(lower)), binary.LittleEndian.AppendUint64(nil, uint64(upper))) //nolint:gosec // G115: bits
	if n == len(values) {
		valid = nil
	}
	span := uint64(upper) - uint64(lower) //nolint:gosec // G115: the difference of two bit patterns is right even where int64 overflows
	if span < tableSpan && int(span) < n/8 {
		c.smallInts(optional, values, valid, lower, int(span)+1, s)
		return
	}
	c.encoding = format.DeltaBinaryPacked
	for from := 0; from < len(values); from += pageRows {
		part, nulls := s.presentInts(values, valid, from)
		rows := min(pageRows, len(values)-from)
		c.addPage(rows, nulls, optional, s.definition)
		if c.encoding == format.DeltaBinaryPacked {
			s.encoded, _ = new(delta.BinaryPackedEncoding).EncodeInt64(s.encoded, part) // never fails
			if from == 0 && len(s.encoded) > len(part)*7 {
				c.encoding = format.Plain
			}
		}
		if c.encoding == format.Plain {
			s.encoded, _ = new(plain.Encoding).EncodeInt64(s.encoded, part) // never fails
		}
		c.addData(s.encoded...)
	}
}

// rangeOf is the range of the values that are not null, and how many those are.
func rangeOf(values []int64, valid []bool) (lower, upper int64, n int) {
	lower, upper = math.MaxInt64, math.MinInt64
	if valid == nil {
		for _, value := range values {
			lower, upper = min(lower, value), max(upper, value)
		}
		return lower, upper, len(values)
	}
	for i, value := range values {
		if valid[i] {
			lower, upper = min(lower, value), max(upper, value)
			n++
		}
	}
	return lower, upper, n
}

// presentInts are the values of a page that are not null. The definition levels
// follow in s.definition, but where valid is nil.
func (s *scratch) presentInts(values []int64, valid []bool, from int) (part []int64, nulls int) {
	part = values[from:min(from+pageRows, len(values))]
	if valid == nil {
		return part, 0
	}
	s.levels(valid[from : from+len(part)])
	s.numbers = slices.Grow(s.numbers[:0], len(part))[:len(part)]
	n := 0
	for i, value := range part {
		s.numbers[n] = value
		n += int(s.definition[i])
	}
	return s.numbers[:n], len(part) - n
}

// levels writes truth values as definition levels.
func (s *scratch) levels(valid []bool) {
	s.definition = slices.Grow(s.definition[:0], len(valid))[:len(valid)]
	for i, ok := range valid {
		level := byte(0)
		if ok {
			level = 1
		}
		s.definition[i] = level
	}
}

// smallInts encodes RLE_DICTIONARY: values of [lower, lower+span).
func (c *outChunk) smallInts(optional bool, values []int64, valid []bool, lower int64, span int, s *scratch) {
	c.encoding = format.RLEDictionary
	s.beginDictionary(span)
	s.indices = slices.Grow(s.indices[:0], pageRows)[:pageRows]
	for from := 0; from < len(values); from += pageRows {
		part, nulls := s.presentInts(values, valid, from)
		entryOf, indices := s.entryOf, s.indices[:len(part)]
		for i, value := range part {
			entry := entryOf[value-lower]
			if entry < 0 {
				entry = int32(len(s.order))                                                 //nolint:gosec // G115: at most span
				entryOf[value-lower], s.order = entry, append(s.order, uint32(value-lower)) //nolint:gosec // G115: below span
			}
			indices[i] = entry
		}
		c.addPage(len(part)+nulls, nulls, optional, s.definition)
		c.addIndices(indices, len(s.order), s)
	}
	c.entries = len(s.order)
	for _, above := range s.order {
		c.dictionary = plain.AppendInt64(c.dictionary, lower+int64(above))
	}
}

// floats encodes PLAIN.
func (c *outChunk) floats(optional bool, values []float64, valid []bool, s *scratch) {
	c.encoding = format.Plain
	lower, upper, n := math.Inf(1), math.Inf(-1), 0
	for i, value := range values {
		if valid != nil && !valid[i] {
			continue
		}
		n++
		lower, upper = min(lower, value), max(upper, value)
	}
	if n == 0 {
		c.empty(len(values), false)
		return
	}
	if !math.IsNaN(lower) { // a footer with NaN says nothing, and readers differ on it
		if lower == 0 {
			lower = math.Copysign(0, -1) // the format asks for it: equal zeros sort differently
		}
		if upper == 0 {
			upper = 0
		}
		c.bound(plain.Double(lower), plain.Double(upper))
	}
	if n == len(values) {
		valid = nil
	}
	for from := 0; from < len(values); from += pageRows {
		part := values[from:min(from+pageRows, len(values))]
		rows := len(part)
		if valid != nil {
			s.levels(valid[from : from+rows])
			s.floats = slices.Grow(s.floats[:0], rows)[:rows]
			n := 0
			for i, value := range part {
				s.floats[n] = value
				n += int(s.definition[i])
			}
			part = s.floats[:n]
		}
		c.addPage(rows, rows-len(part), optional, s.definition)
		s.encoded, _ = new(plain.Encoding).EncodeDouble(s.encoded, part) // never fails
		c.addData(s.encoded...)
	}
}

// bools encodes PLAIN: a bit a value, the first in the lowest bit.
func (c *outChunk) bools(optional bool, values []bool, s *scratch) {
	c.encoding = format.Plain
	var seen [2]bool
	for from := 0; from < len(values); from += pageRows {
		part := values[from:min(from+pageRows, len(values))]
		s.encoded = append(s.encoded[:0], make([]byte, (len(part)+7)/8)...)
		for i, value := range part {
			if value {
				s.encoded[i/8] |= 1 << (i % 8)
				seen[1] = true
			} else {
				seen[0] = true
			}
		}
		c.addPage(len(part), 0, optional, nil)
		c.addData(s.encoded...)
	}
	c.bound(plain.Boolean(!seen[0]), plain.Boolean(seen[1]))
}
