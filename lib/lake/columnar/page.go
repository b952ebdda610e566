package columnar

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"

	"github.com/parquet-go/parquet-go/encoding/rle"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// What a page may claim to hold, decompressed: room is made for it before it is read.
const (
	largestPage = 1 << 30 // bytes
	mostEntries = 1 << 26
)

// page is where a page is in the file and what its header says.
type page struct {
	body       []byte // as it stands in the file
	size       int    // of body when decompressed
	encoding   format.Encoding
	entries    int // values, nulls and empty lists
	v2         bool
	compressed bool
	reps, defs int // V2: bytes of the levels, which are not compressed
}

// chunk is one column of one row group.
type chunk struct {
	codec format.CompressionCodec
	dict  *page // nil: none
	pages []page
}

// spanOf is where a chunk lies in the file.
func spanOf(meta *format.ColumnMetaData) (begin, end int64) {
	begin = meta.DataPageOffset
	if d := meta.DictionaryPageOffset; d > 0 {
		begin = min(begin, d)
	}
	return begin, begin + meta.TotalCompressedSize
}

// chunkOf reads the headers of a chunk's pages.
func chunkOf(rest []byte, meta *format.ColumnMetaData) (chunk, error) {
	c := chunk{codec: meta.Codec}
	header := new(format.PageHeader)
	reader := new(thrift.CompactProtocol).NewReaderFromBytes(nil)
	decoder := thrift.NewDecoder(reader)
	for entries := int64(0); len(rest) > 0 && entries < meta.NumValues; {
		*header = format.PageHeader{}
		reader.ResetBytes(rest)
		if err := decoder.Decode(header); err != nil {
			return chunk{}, fmt.Errorf("page header: %w", err)
		}
		rest = rest[reader.BytesRead():]
		size := int(header.CompressedPageSize)
		if size < 0 || size > len(rest) || header.UncompressedPageSize < 0 || header.UncompressedPageSize > largestPage {
			return chunk{}, fmt.Errorf("a page of %d bytes, %d in the file", header.UncompressedPageSize, size)
		}
		p := page{body: rest[:size], size: int(header.UncompressedPageSize), compressed: meta.Codec != format.Uncompressed}
		rest = rest[size:]
		if !p.describe(header) {
			continue // an index page, or one of a later format
		}
		if p.entries < 0 || p.entries > mostEntries || p.reps < 0 || p.defs < 0 || p.reps+p.defs > size {
			return chunk{}, errors.New("a page header with impossible counts")
		}
		if header.Type == format.DictionaryPage {
			c.dict = &p
			continue
		}
		entries += int64(p.entries)
		c.pages = append(c.pages, p)
	}
	return c, nil
}

// describe takes what the header says by type of page; false: not one with values.
func (p *page) describe(header *format.PageHeader) bool {
	switch h := header; {
	case h.Type == format.DataPage && h.DataPageHeader.Valid:
		p.entries, p.encoding = int(h.DataPageHeader.V.NumValues), h.DataPageHeader.V.Encoding
	case h.Type == format.DataPageV2 && h.DataPageHeaderV2.Valid:
		v := &h.DataPageHeaderV2.V
		p.v2, p.entries, p.encoding = true, int(v.NumValues), v.Encoding
		p.reps, p.defs = int(v.RepetitionLevelsByteLength), int(v.DefinitionLevelsByteLength)
		if v.IsCompressed.Valid && !v.IsCompressed.V {
			p.compressed = false
		}
	case h.Type == format.DictionaryPage && h.DictionaryPageHeader.Valid:
		p.entries, p.encoding = int(h.DictionaryPageHeader.V.NumValues), h.DictionaryPageHeader.V.Encoding
	default:
		return false
	}
	return true
}

// isCoded tells whether values of an encoding are indices of a dictionary.
func isCoded(e format.Encoding) bool {
	return e == format.RLEDictionary || e == format.PlainDictionary //nolint:staticcheck // SA1019: old files have it
}

// levels are the levels of the entries of a page or of a record: one for all, or one
// for each.
type levels struct {
	same  int // the level of all entries; -1: see each
	each  []byte
	count int
}

// decode reads the levels of n entries from src, where no level is above highest.
// Where all are the same nothing is written for any of them.
func (l *levels) decode(src []byte, highest uint8, n int) error {
	width := bits.Len8(highest)
	l.count = n
	total, same, err := runsOf(src, width)
	if err != nil {
		return fmt.Errorf("levels: %w", err)
	}
	if total < n || total > 2*n+64 {
		return fmt.Errorf("%d levels of %d entries", total, n)
	}
	if l.same = same; same >= 0 {
		return nil
	}
	l.each, err = (&rle.Encoding{BitWidth: width}).DecodeLevels(l.each[:0], src)
	if err == nil && len(l.each) < n {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return fmt.Errorf("levels: %w", err)
	}
	l.each = l.each[:n]
	return nil
}

// zero makes the levels n zeros.
func (l *levels) zero(n int) { l.same, l.count = 0, n }

// number counts the entries of a level among those from i to j.
func (l *levels) number(level uint8, i, j int) int {
	switch {
	case l.same < 0:
		return bytes.Count(l.each[i:j], []byte{level})
	case l.same == int(level):
		return j - i
	}
	return 0
}

// add appends those from i to j of another.
func (l *levels) add(of *levels, i, j int) {
	n := j - i
	if of.same >= 0 && (l.count == 0 || l.same == of.same) {
		l.same = of.same
		l.count += n
		return
	}
	l.spell()
	if of.same >= 0 {
		l.each = appendByte(l.each, byte(of.same), n) //nolint:gosec // G115: levels are bytes
	} else {
		l.each = append(l.each, of.each[i:j]...)
	}
	l.count += n
}

// spell writes every level down.
func (l *levels) spell() {
	if l.same >= 0 {
		l.each = appendByte(l.each[:0], byte(l.same), l.count) //nolint:gosec // G115: levels are bytes
		l.same = -1
	}
	if l.count == 0 {
		l.each = l.each[:0]
	}
}

func appendByte(to []byte, b byte, n int) []byte {
	for range n {
		to = append(to, b)
	}
	return to
}

// runsOf adds up the runs of the hybrid of run lengths and bit packing, and finds
// the value that all of them repeat; -1: there are several, or a packed run. It
// bounds what a decoder of src will write.
// https://github.com/apache/parquet-format/blob/master/Encodings.md#RLE
func runsOf(src []byte, width int) (total, same int, err error) {
	if width > 32 {
		return 0, 0, fmt.Errorf("values of %d bits", width)
	}
	same = -1
	first := true
	for len(src) > 0 {
		head, n := binary.Uvarint(src)
		if n <= 0 || head>>1 > largestPage {
			return 0, 0, errors.New("a run of no or impossible length")
		}
		src = src[n:]
		if head&1 != 0 {
			size := int(head>>1) * width
			if size > len(src) {
				return 0, 0, io.ErrUnexpectedEOF
			}
			src = src[size:]
			total += int(head>>1) * 8
			same, first = -1, false
			continue
		}
		size := (width + 7) / 8
		if size > len(src) {
			return 0, 0, io.ErrUnexpectedEOF
		}
		value := 0
		for i, b := range src[:size] {
			value |= int(b) << (8 * i)
		}
		if value>>width != 0 {
			return 0, 0, fmt.Errorf("%d in %d bits", value, width)
		}
		if first {
			same = value
		} else if same != value {
			same = -1
		}
		first = false
		src = src[size:]
		total += int(head >> 1)
	}
	return total, same, nil
}
