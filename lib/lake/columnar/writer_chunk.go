package columnar

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"

	"github.com/parquet-go/parquet-go/encoding/rle"
	"github.com/parquet-go/parquet-go/format"

	"github.com/leadlake/leadlake/lib/schema"
)

const (
	// pageRows is the size of a page: what a reader decodes at once.
	pageRows = 64 << 10
	// sampleBytes of a page tell whether compressing the column pays.
	sampleBytes = 16 << 10
	// longestBound is the longest text that stands in a footer as minimum or maximum.
	longestBound = 256
)

// outChunk is one column of a row group, encoded as pages.
type outChunk struct {
	given      bool
	encoding   format.Encoding // of every data page
	dictionary []byte          // its values, PLAIN
	entries    int             // how many they are; 0: no dictionary
	body       []byte          // levels and data of all pages, one after the other
	pages      []outPage
	values     int // with nulls and empty lists
	nulls      int // and these
	lower      []byte
	upper      []byte
	bounded    bool // there are bounds

	packed           []byte // compressed: dictionary, then the data of all pages
	packedDictionary int    // length of the former
	compressed       bool   // the data are there
}

// outPage says where its parts stand in the body: repetition levels, definition
// levels, data.
type outPage struct {
	rows, values, nulls                int
	begin, repetition, definition, end int
	packed                             int // end of its data in chunk.packed
}

// scratch is working memory of one goroutine.
type scratch struct {
	repetition, definition []byte
	numbers                []int64
	floats                 []float64
	indices                []int32
	entryOf                []int32 // by code: its number in the dictionary of the chunk; −1: none yet
	order                  []uint32
	encoded                []byte
	present                []byte
}

func (c *outChunk) reset() {
	c.given, c.entries, c.values, c.nulls, c.bounded, c.compressed = false, 0, 0, 0, false, false
	c.dictionary, c.body, c.pages, c.packed = c.dictionary[:0], c.body[:0], c.pages[:0], c.packed[:0]
}

// empty makes all rows null, or empty lists: one page of one run.
func (c *outChunk) empty(rows int, list bool) {
	given := c.given
	c.reset()
	c.given, c.encoding = given, format.Plain
	if rows == 0 {
		return
	}
	if list {
		c.body = appendRun(c.body, rows, 0)
	}
	p := outPage{rows: rows, values: rows, nulls: rows, repetition: len(c.body)}
	c.body = appendRun(c.body, rows, 0)
	p.definition, p.end = len(c.body), len(c.body)
	c.pages, c.values, c.nulls = append(c.pages, p), rows, rows
}

// addPage appends a page without repetition levels: definition is one byte a value,
// nil where all values are present. The data follow by addData.
func (c *outChunk) addPage(rows, nulls int, optional bool, definition []byte) {
	p := outPage{rows: rows, values: rows, nulls: nulls, begin: len(c.body), repetition: len(c.body)}
	if optional {
		c.addLevels(rows, nulls, definition)
	}
	p.definition = len(c.body)
	c.pages = append(c.pages, p)
	c.values, c.nulls = c.values+rows, c.nulls+nulls
}

// addLevels appends levels of 0 and 1, zeros of which are 0.
func (c *outChunk) addLevels(values, zeros int, levels []byte) {
	switch zeros {
	case 0:
		c.body = appendRun(c.body, values, 1)
	case values:
		c.body = appendRun(c.body, values, 0)
	default:
		encoded, _ := (&rle.Encoding{BitWidth: 1}).EncodeLevels(nil, levels) // fails for other widths only
		c.body = append(c.body, encoded...)
	}
}

// addData appends to the data of the last page.
func (c *outChunk) addData(data ...byte) {
	c.body = append(c.body, data...)
	c.pages[len(c.pages)-1].end = len(c.body)
}

// appendRun appends n times a level of one bit.
func appendRun(out []byte, n int, level byte) []byte {
	return append(binary.AppendUvarint(out, uint64(n)<<1), level) //nolint:gosec // G115: n counts
}

// bound widens minimum and maximum by a value in the bytes of statistics.
func (c *outChunk) bound(lower, upper []byte) {
	c.lower, c.upper, c.bounded = append(c.lower[:0], lower...), append(c.upper[:0], upper...), true
}

// bounds are minimum and maximum as statistics hold them: copies, nil where there
// are none or where they are too long for a footer.
func (c *outChunk) bounds() (lower, upper []byte) {
	if !c.bounded || len(c.lower) > longestBound || len(c.upper) > longestBound {
		return nil, nil
	}
	return append(make([]byte, 0, len(c.lower)), c.lower...), append(make([]byte, 0, len(c.upper)), c.upper...)
}

// compress compresses the dictionary, and the data where that pays: where a sample
// of the first page loses an eighth (random ids lose nothing). The codec stands once for each column chunk,
// and some readers (parquet-go) take that of the first one for all groups, so it is
// always the same: a page of version 2 can say that it is not compressed, a
// dictionary cannot.
func (c *outChunk) compress(s *scratch) (err error) {
	if len(c.body) > math.MaxInt32 || len(c.dictionary) > math.MaxInt32 {
		return errors.New("more than 2 GiB in a row group")
	}
	if c.entries > 0 {
		if s.encoded, err = schema.Compress(s.encoded, c.dictionary); err != nil {
			return err
		}
		c.packed = append(c.packed, s.encoded...)
	}
	c.packedDictionary = len(c.packed)
	first := &c.pages[0]
	sample := c.body[first.definition:first.end]
	if beyond := len(sample) - sampleBytes; beyond > 0 {
		sample = sample[beyond/2:][:sampleBytes] // the middle: lengths of texts come first, and shrink to nothing
	}
	if s.encoded, err = schema.Compress(s.encoded, sample); err != nil || len(s.encoded)*8 > len(sample)*7 {
		return err
	}
	c.compressed = true
	for i := range c.pages {
		p := &c.pages[i]
		if s.encoded, err = schema.Compress(s.encoded, c.body[p.definition:p.end]); err != nil {
			return err
		}
		c.packed = append(c.packed, s.encoded...)
		p.packed = len(c.packed)
	}
	return nil
}

func (c *outChunk) encodings() []format.Encoding {
	switch {
	case c.entries > 0:
		return []format.Encoding{format.Plain, format.RLE, c.encoding}
	case c.encoding == format.RLE:
		return []format.Encoding{format.RLE}
	}
	return []format.Encoding{format.RLE, c.encoding}
}

// page returns the levels and the data of a page as they are written.
func (c *outChunk) page(i int) (levels, data []byte) {
	p := &c.pages[i]
	levels, data = c.body[p.begin:p.definition], c.body[p.definition:p.end]
	if c.compressed {
		begin := c.packedDictionary
		if i > 0 {
			begin = c.pages[i-1].packed
		}
		data = c.packed[begin:p.packed]
	}
	return levels, data
}

// sameLevels reports whether two chunks of one group have as many values in every row.
func (c *outChunk) sameLevels(other *outChunk) bool {
	if len(c.pages) != len(other.pages) {
		return false
	}
	for i := range c.pages {
		p, q := &c.pages[i], &other.pages[i]
		if !bytes.Equal(c.body[p.begin:p.definition], other.body[q.begin:q.definition]) {
			return false
		}
	}
	return true
}
