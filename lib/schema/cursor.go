package schema

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/parquet-go/parquet-go"
)

// errIrregular says that a file is not as Encode and Append write it. What it holds,
// or that it is corrupt, is then found out value by value.
var errIrregular = errors.New("schema: irregular pages")

// textChunk is the most bytes of text that are copied out of a page at once: some
// forty values then cost one allocation, and a row that is kept keeps no more than
// that of its neighbours' text alive for each of its columns. A longer value is
// copied alone.
const textChunk = 1 << 10

// cursor walks over the rows of one column of a row group, page by page. It holds
// one decoded page, and gives its buffers back before it reads the next.
type cursor struct {
	max   levels
	kind  leafKind
	pages parquet.Pages
	whole bool // every row is read, so every entry of a dictionary is wanted

	row   int64 // rows of the group that lie behind
	page  parquet.Page
	rows  int // of the page that lie ahead
	def   []byte
	rep   []byte
	level int // position in the page; without levels, that of the value
	end   int // levels of the page
	value int // position among the values that are not null

	text     []byte // of the page, value by value
	offsets  []uint32
	integers []int64
	doubles  []float64
	booleans []bool
	indexes  []int32 // into dictionary; nil: the page has none

	dictionary    parquet.Dictionary // of words
	wordText      []byte
	wordOffsets   []uint32
	words         []string // texts of the dictionary, of which known ones are filled in
	textScratch   []string
	byteScratch   [][]byte
	timeScratch   []time.Time
	valuesScratch []parquet.Value
}

// close gives the page back and ends the reading.
func (c *cursor) close() {
	c.release()
	_ = c.pages.Close() // over memory
}

func (c *cursor) release() {
	if c.page != nil {
		parquet.Release(c.page)
	}
	c.page, c.def, c.rep, c.text, c.offsets, c.integers, c.doubles, c.indexes = nil, nil, nil, nil, nil, nil, nil, nil
	c.rows, c.level, c.end, c.value = 0, 0, 0, 0
}

// load reads the next page that has values. io.EOF says that there is none.
func (c *cursor) load() error {
	for {
		c.release()
		page, err := c.pages.ReadPage()
		if err != nil {
			return err
		}
		c.page = page
		if c.end = int(page.NumValues()); c.end > 0 {
			return c.open()
		}
	}
}

// open checks that the page is regular: every level is possible, a row begins where
// the page begins, and there is a value for each level that says so.
func (c *cursor) open() error {
	present := c.end
	c.rows = c.end
	if c.max.definition > 0 {
		c.def = c.page.DefinitionLevels()
		present = bytes.Count(c.def, []byte{byte(c.max.definition)}) //nolint:gosec // G115: a few levels
		if len(c.def) != c.end || !possible(c.def, c.max.definition) {
			return errIrregular
		}
	}
	if c.max.repetition > 0 {
		c.rep = c.page.RepetitionLevels()
		c.rows = bytes.Count(c.rep, []byte{0})
		if len(c.rep) != c.end || c.rep[0] != 0 || !possible(c.rep, c.max.repetition) {
			return errIrregular
		}
	}
	if have, err := c.openValues(present); err != nil || have < present {
		return errors.Join(err, errIrregular)
	}
	return nil
}

// possible reports whether no level is above the greatest.
func possible(page []byte, greatest int) bool {
	n := 0
	for level := range greatest + 1 {
		n += bytes.Count(page, []byte{byte(level)})
	}
	return n == len(page)
}

// openValues takes hold of the page's values and counts them.
func (c *cursor) openValues(present int) (have int, err error) {
	if c.kind == kindBoolean {
		return c.openBooleans(present)
	}
	data := c.page.Data()
	if dictionary := c.page.Dictionary(); dictionary != nil {
		if c.kind != kindText {
			return 0, errIrregular
		}
		c.indexes = data.Int32()
		if err := c.openDictionary(dictionary); err != nil {
			return 0, err
		}
		for _, index := range c.indexes {
			if uint(index) >= uint(len(c.words)) { //nolint:gosec // G115: a negative index becomes a great one
				return 0, errIrregular
			}
		}
		return len(c.indexes), nil
	}
	switch c.kind {
	case kindText, kindBytes:
		c.text, c.offsets = data.ByteArray()
		return len(c.offsets) - 1, nil
	case kindDouble:
		c.doubles = data.Double()
		return len(c.doubles), nil
	default:
		c.integers = data.Int64()
		return len(c.integers), nil
	}
}

// openBooleans unpacks the page. The bits of a page do not say how many they are, so
// the library's own reader is asked.
func (c *cursor) openBooleans(present int) (int, error) {
	if c.valuesScratch == nil {
		c.valuesScratch = make([]parquet.Value, 256)
	}
	c.booleans = c.booleans[:0]
	values := c.page.Values()
	for {
		n, err := values.ReadValues(c.valuesScratch)
		for _, v := range c.valuesScratch[:n] {
			if !v.IsNull() {
				c.booleans = append(c.booleans, v.Boolean())
			}
		}
		switch {
		case errors.Is(err, io.EOF), err == nil && n == 0:
			return len(c.booleans), nil
		case err != nil:
			return 0, err
		case len(c.booleans) > present:
			return 0, errIrregular
		}
	}
}

// openDictionary makes the texts of a dictionary, which its rows share. Where all
// rows are read they are copied in chunks, otherwise as they are met.
func (c *cursor) openDictionary(dictionary parquet.Dictionary) error {
	if c.dictionary == dictionary {
		return nil
	}
	data := dictionary.Page().Data()
	c.dictionary = dictionary
	c.wordText, c.wordOffsets = data.ByteArray()
	if len(c.wordOffsets) == 0 {
		return errIrregular
	}
	c.words = make([]string, len(c.wordOffsets)-1)
	if c.whole {
		cut(c.words, c.wordText, c.wordOffsets)
	}
	return nil
}

// cut copies the first texts of a page, in chunks. An empty text keeps nothing alive.
func cut(out []string, text []byte, offsets []uint32) {
	for i := 0; i < len(out); {
		begin, j := offsets[i], i+1
		for j < len(out) && offsets[j+1]-begin <= textChunk {
			j++
		}
		chunk := string(text[begin:offsets[j]])
		for ; i < j; i++ {
			out[i] = ""
			if from, to := offsets[i], offsets[i+1]; from != to {
				out[i] = chunk[from-begin : to-begin]
			}
		}
	}
}

// texts are the next n values that are not null, until the next call.
func (c *cursor) texts(n int) []string {
	out := scratch(&c.textScratch, n)
	if c.indexes == nil {
		cut(out, c.text, c.offsets[c.value:])
		return out
	}
	for i, index := range c.indexes[c.value : c.value+n] {
		if !c.whole && c.words[index] == "" {
			c.words[index] = string(c.wordText[c.wordOffsets[index]:c.wordOffsets[index+1]])
		}
		out[i] = c.words[index]
	}
	return out
}

// bytes copies each of the next n values that are not null: they are bodies, long
// already, and a caller may change one. None is nil.
func (c *cursor) bytes(n int) [][]byte {
	out := scratch(&c.byteScratch, n)
	for i := range out {
		value := c.text[c.offsets[c.value+i]:c.offsets[c.value+i+1]]
		out[i] = make([]byte, len(value))
		copy(out[i], value)
	}
	return out
}

// instants are the next n values that are not null: microseconds since 1970, UTC.
func (c *cursor) instants(n int) []time.Time {
	out := scratch(&c.timeScratch, n)
	for i, micros := range c.integers[c.value : c.value+n] {
		out[i] = time.Unix(0, micros*int64(time.Microsecond)).UTC()
	}
	return out
}

// scratch is a slice of n values, kept for the next time.
func scratch[V any](kept *[]V, n int) []V {
	if cap(*kept) < n {
		*kept = make([]V, n)
	}
	return (*kept)[:n]
}

// ahead is the levels of the next rows of the page, and how many of them have a value.
func (c *cursor) ahead(rows int) (levels, present int) {
	switch {
	case rows == c.rows:
		levels = c.end - c.level
	case c.max.repetition == 0:
		levels = rows
	default:
		for rest := c.rep[c.level:]; ; levels++ {
			if rest[levels] == 0 {
				if rows--; rows < 0 {
					break
				}
			}
		}
	}
	if c.max.definition == 0 {
		return levels, levels
	}
	return levels, bytes.Count(c.def[c.level:c.level+levels], []byte{byte(c.max.definition)}) //nolint:gosec // G115: a few levels
}

// pass leaves rows of the page behind that ahead has measured.
func (c *cursor) pass(rows, levels, present int) {
	c.row += int64(rows)
	c.rows -= rows
	c.level += levels
	c.value += present
}

// seek moves on to a row of the group.
func (c *cursor) seek(row int64) error {
	for c.row < row {
		if c.rows == 0 {
			if err := c.load(); err != nil {
				return err
			}
		}
		n := int(min(row-c.row, int64(c.rows)))
		if n == c.rows {
			c.pass(n, c.end-c.level, 0) // the position of the value does not matter any more
			continue
		}
		levels, present := c.ahead(n)
		c.pass(n, levels, present)
	}
	return nil
}

// settle reads on if the page is used up: what follows the last row must be a page
// or the end.
func (c *cursor) settle() error {
	if c.rows > 0 {
		return nil
	}
	if err := c.load(); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("after row %d: %w", c.row, err)
	}
	return nil
}
