package columnar

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"slices"

	"github.com/parquet-go/parquet-go/encoding/delta"
	"github.com/parquet-go/parquet-go/encoding/plain"
	"github.com/parquet-go/parquet-go/encoding/rle"
	"github.com/parquet-go/parquet-go/format"
)

var errEnds = errors.New("the ends of the values fall, or go beyond the data")

// text encodes DELTA_LENGTH_BYTE_ARRAY: lengths, then the bytes as they are.
func (c *outChunk) text(optional bool, data []byte, ends []uint32, s *scratch) error {
	c.encoding = format.DeltaLengthByteArray
	c.body = slices.Grow(c.body, len(data)+2*len(ends))
	var lower, upper []byte
	begin := uint32(0)
	for from := 0; from < len(ends); from += pageRows {
		part := ends[from:min(from+pageRows, len(ends))]
		s.indices = s.indices[:0]
		first := begin
		for i, end := range part {
			if end < begin || int(end) > len(data) {
				return errEnds
			}
			value := data[begin:end]
			if from+i == 0 {
				lower, upper = value, value
			} else if bytes.Compare(value, lower) < 0 {
				lower = value
			} else if bytes.Compare(value, upper) > 0 {
				upper = value
			}
			s.indices = append(s.indices, int32(end-begin)) //nolint:gosec // G115: a chunk of 2 GiB is refused
			begin = end
		}
		c.addPage(len(part), 0, optional, nil)
		s.encoded, _ = new(delta.BinaryPackedEncoding).EncodeInt32(s.encoded, s.indices) // never fails
		c.addData(s.encoded...)
		c.addData(data[first:begin]...)
	}
	c.bound(lower, upper)
	return nil
}

// fixed is text of one length.
func (c *outChunk) fixed(optional bool, data []byte, width int, s *scratch) {
	c.encoding = format.DeltaLengthByteArray
	c.body = slices.Grow(c.body, len(data)+len(data)/width)
	s.indices = s.indices[:0]
	for range min(pageRows, len(data)/width) {
		s.indices = append(s.indices, int32(width)) //nolint:gosec // G115: a chunk of 2 GiB is refused
	}
	for from := 0; from < len(data); from += pageRows * width {
		part := data[from:min(from+pageRows*width, len(data))]
		rows := len(part) / width
		c.addPage(rows, 0, optional, nil)
		s.encoded, _ = new(delta.BinaryPackedEncoding).EncodeInt32(s.encoded, s.indices[:rows]) // never fails
		c.addData(s.encoded...)
		c.addData(part...)
	}
	c.bound(extremes(data, width))
}

// extremes are the least and the greatest of values of one width. Most are told
// apart by their first eight bytes.
func extremes(data []byte, width int) (lower, upper []byte) {
	lower, upper = data[:width], data[:width]
	if width < 8 {
		for at := width; at < len(data); at += width {
			value := data[at : at+width]
			if bytes.Compare(value, lower) < 0 {
				lower = value
			} else if bytes.Compare(value, upper) > 0 {
				upper = value
			}
		}
		return lower, upper
	}
	low := binary.BigEndian.Uint64(data)
	high := low
	for at := width; at < len(data); at += width {
		head := binary.BigEndian.Uint64(data[at:])
		if head > low && head < high {
			continue
		}
		value := data[at : at+width]
		if head <= low && bytes.Compare(value, lower) < 0 {
			low, lower = head, value
		}
		if head >= high && bytes.Compare(value, upper) > 0 {
			high, upper = head, value
		}
	}
	return lower, upper
}

// codes encodes RLE_DICTIONARY. The dictionary is that of the chunk: texts in the
// order in which they are first used.
func (c *outChunk) codes(optional bool, dictionary []string, codes []uint32, s *scratch) error {
	c.encoding = format.RLEDictionary
	s.beginDictionary(len(dictionary))
	s.definition = slices.Grow(s.definition[:0], pageRows)[:pageRows]
	s.indices = slices.Grow(s.indices[:0], pageRows)[:pageRows]
	for from := 0; from < len(codes); from += pageRows {
		part := codes[from:min(from+pageRows, len(codes))]
		n, err := s.look(part, s.definition)
		if err != nil {
			return err
		}
		nulls := len(part) - n
		if nulls > 0 && !optional {
			return errors.New("null, but it is not optional")
		}
		c.addPage(len(part), nulls, optional, s.definition[:len(part)])
		c.addIndices(s.indices[:n], len(s.order), s)
	}
	c.endDictionary(dictionary, s)
	if len(s.order) == 0 {
		c.empty(len(codes), false)
	}
	return nil
}

// beginDictionary forgets which of so many codes have been seen.
func (s *scratch) beginDictionary(codes int) {
	s.entryOf = slices.Grow(s.entryOf[:0], codes)[:codes]
	for i := range s.entryOf {
		s.entryOf[i] = -1
	}
	s.order = s.order[:0]
}

// look replaces codes by entries of the dictionary, into indices, and says in
// definition which of them are no null. It returns how many those are.
func (s *scratch) look(codes []uint32, definition []byte) (n int, err error) {
	entryOf, indices := s.entryOf, s.indices[:len(codes)]
	definition = definition[:len(codes)]
	for i, code := range codes {
		if int(code) >= len(entryOf) {
			if code != Null {
				return 0, fmt.Errorf("code %d, of %d", code, len(entryOf))
			}
			definition[i] = 0
			continue
		}
		definition[i] = 1
		entry := entryOf[code]
		if entry < 0 {
			entry = int32(len(s.order)) //nolint:gosec // G115: no more than there are rows
			entryOf[code], s.order = entry, append(s.order, code)
		}
		indices[n] = entry
		n++
	}
	return n, nil
}

// addIndices appends a page's entries of a dictionary that has so many of them by now.
func (c *outChunk) addIndices(indices []int32, entries int, s *scratch) {
	width := bits.Len(uint(max(entries-1, 0)))
	c.addData(byte(width))                                                          //nolint:gosec // G115: at most 64
	s.encoded, _ = (&rle.Encoding{BitWidth: width}).EncodeInt32(s.encoded, indices) // fails for widths above 32 only
	c.addData(s.encoded...)
}

// endDictionary keeps the texts that were used, and their bounds.
func (c *outChunk) endDictionary(dictionary []string, s *scratch) {
	c.entries = len(s.order)
	if c.entries == 0 {
		return
	}
	lower, upper := dictionary[s.order[0]], dictionary[s.order[0]]
	for _, code := range s.order {
		text := dictionary[code]
		c.dictionary = plain.AppendByteArrayString(c.dictionary, text)
		lower, upper = min(lower, text), max(upper, text)
	}
	c.bound([]byte(lower), []byte(upper))
}

// texts encodes lists of texts as RLE_DICTIONARY.
func (c *outChunk) texts(ends []uint32, dictionary []string, codes []uint32, s *scratch) error {
	c.encoding = format.RLEDictionary
	s.beginDictionary(len(dictionary))
	begin := uint32(0)
	for from := 0; from < len(ends); from += pageRows {
		part := ends[from:min(from+pageRows, len(ends))]
		s.repetition, s.definition = s.repetition[:0], s.definition[:0]
		first, empty := begin, 0
		for _, end := range part {
			switch {
			case end < begin || int(end) > len(codes):
				return errEnds
			case end == begin:
				s.repetition, s.definition = append(s.repetition, 0), append(s.definition, 0)
				empty++
				continue
			}
			s.repetition, s.definition = append(s.repetition, 0), append(s.definition, 1)
			for range end - begin - 1 {
				s.repetition, s.definition = append(s.repetition, 1), append(s.definition, 1)
			}
			begin = end
		}
		taken := codes[first:begin]
		s.indices = slices.Grow(s.indices[:0], len(taken))[:len(taken)]
		s.present = slices.Grow(s.present[:0], len(taken))[:len(taken)]
		if n, err := s.look(taken, s.present); err != nil {
			return err
		} else if n < len(taken) {
			return errors.New("null in a list")
		}
		p := outPage{rows: len(part), values: len(s.repetition), nulls: empty, begin: len(c.body)}
		c.addLevels(p.values, len(part), s.repetition)
		p.repetition = len(c.body)
		c.addLevels(p.values, empty, s.definition)
		p.definition = len(c.body)
		c.pages = append(c.pages, p)
		c.values, c.nulls = c.values+p.values, c.nulls+empty
		c.addIndices(s.indices, len(s.order), s)
	}
	c.endDictionary(dictionary, s)
	if len(s.order) == 0 {
		c.empty(len(ends), true)
	}
	return nil
}
