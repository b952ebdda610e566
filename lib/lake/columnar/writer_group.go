package columnar

import (
	"errors"
	"fmt"
	"math"
	"sync"

	"github.com/parquet-go/parquet-go"

	"github.com/leadlake/leadlake/lib/schema"
)

// Null is the code of a missing text.
const Null = math.MaxUint32

// Group is a row group that is being written. Each column is given once, in any
// order; different ones may be given by different goroutines at once. A column is
// encoded before its method returns, which then has no more use for its arguments.
// A column is named as in the table; those of a map or of a list of structures by
// both names: "consents.key", "consents.value". The first fault is kept for Close.
type Group struct {
	w      *Writer
	rows   int
	closed bool
	mu     sync.Mutex
	err    error
}

// Text gives a text column without nulls: the value of row i is
// data[ends[i-1]:ends[i]], that of row 0 begins at 0.
func (g *Group) Text(column string, data []byte, ends []uint32) {
	g.give(column, parquet.ByteArray, false, len(ends), func(l *outLeaf, c *outChunk, s *scratch) error {
		return c.text(l.optional, data, ends, s)
	})
}

// Fixed gives a text column without nulls whose values are all of width bytes, one
// after the other.
func (g *Group) Fixed(column string, data []byte, width int) {
	if width <= 0 || len(data)%width != 0 {
		g.fail(fmt.Errorf("columnar: column %s: %d bytes are no texts of %d", column, len(data), width))
		return
	}
	g.give(column, parquet.ByteArray, false, len(data)/width, func(l *outLeaf, c *outChunk, s *scratch) error {
		c.fixed(l.optional, data, width, s)
		return nil
	})
}

// Codes gives a text column by the numbers of its texts in a dictionary, Null for
// a missing one. The texts of a dictionary differ; those that are not used are not
// written, and their order does not matter.
func (g *Group) Codes(column string, dictionary []string, codes []uint32) {
	g.give(column, parquet.ByteArray, false, len(codes), func(l *outLeaf, c *outChunk, s *scratch) error {
		return c.codes(l.optional, dictionary, codes, s)
	})
}

// Texts gives a column of lists of texts by the numbers of the texts in a
// dictionary: row i has codes[ends[i-1]:ends[i]], row 0 begins at 0.
func (g *Group) Texts(column string, ends []uint32, dictionary []string, codes []uint32) {
	g.give(column, parquet.ByteArray, true, len(ends), func(_ *outLeaf, c *outChunk, s *scratch) error {
		return c.texts(ends, dictionary, codes, s)
	})
}

// Ints gives a column of integers, or of instants as microseconds since 1970. valid
// says which rows are not null; nil says all. Only an optional column has nulls.
func (g *Group) Ints(column string, values []int64, valid []bool) {
	g.give(column, parquet.Int64, false, len(values), func(l *outLeaf, c *outChunk, s *scratch) error {
		if err := checkValid(l, len(values), valid); err != nil {
			return err
		}
		c.ints(l.optional, values, valid, s)
		return nil
	})
}

// Floats gives a column of numbers; valid as in Ints.
func (g *Group) Floats(column string, values []float64, valid []bool) {
	g.give(column, parquet.Double, false, len(values), func(l *outLeaf, c *outChunk, s *scratch) error {
		if err := checkValid(l, len(values), valid); err != nil {
			return err
		}
		c.floats(l.optional, values, valid, s)
		return nil
	})
}

// Bools gives a column of truth values without nulls.
func (g *Group) Bools(column string, values []bool) {
	g.give(column, parquet.Boolean, false, len(values), func(l *outLeaf, c *outChunk, s *scratch) error {
		c.bools(l.optional, values, s)
		return nil
	})
}

// Close writes the group. Of the columns that were not given the optional ones are
// null and the lists and maps empty; any other is an error that names it. After an
// error the file is lost: the writer's Close returns the same error.
func (g *Group) Close() error {
	if g.w.err == nil && !g.closed {
		g.w.err = g.close()
	}
	g.closed = true
	return g.w.err
}

func (g *Group) close() error {
	for i := range g.w.leaves {
		l, c := &g.w.leaves[i], &g.w.chunks[i]
		switch {
		case c.given || g.err != nil:
		case !l.optional && !l.list:
			g.fail(fmt.Errorf("%w: %s was not given", ErrColumn, l.name))
		default:
			c.empty(g.rows, l.list)
		}
	}
	if g.err == nil {
		g.err = g.checkSiblings()
	}
	g.w.open = false
	if g.err != nil || g.rows == 0 {
		return g.err
	}
	return g.w.writeGroup(g.rows)
}

// checkSiblings makes sure that the columns of a map have as many values in every row.
func (g *Group) checkSiblings() error {
	for i := 1; i < len(g.w.leaves); i++ {
		a, b := &g.w.leaves[i-1], &g.w.leaves[i]
		if a.list && a.path[0] == b.path[0] && !g.w.chunks[i-1].sameLevels(&g.w.chunks[i]) {
			return fmt.Errorf("columnar: columns %s and %s differ in the number of values", a.name, b.name)
		}
	}
	return nil
}

// give finds the column, checks that it is of this kind, and has it encoded.
func (g *Group) give(column string, kind parquet.Kind, list bool, rows int, encode func(*outLeaf, *outChunk, *scratch) error) {
	at, ok := g.w.byName[column]
	if !ok {
		g.fail(fmt.Errorf("%w: the table has no %s", ErrColumn, column))
		return
	}
	l, c := &g.w.leaves[at], &g.w.chunks[at]
	switch {
	case l.kind != kind || l.list != list:
		g.fail(fmt.Errorf("%w: %s is of another type", ErrColumn, column))
		return
	case rows != g.rows:
		g.fail(fmt.Errorf("columnar: column %s has %d rows, its group %d", column, rows, g.rows))
		return
	case g.rows > schema.RowGroupRows || c.given:
		g.fail(fmt.Errorf("columnar: column %s is given twice, or to a group that is too large", column))
		return
	}
	c.given = true
	if rows == 0 {
		return
	}
	s := g.w.spare.Get().(*scratch)
	err := encode(l, c, s)
	if err == nil {
		err = c.compress(s)
	}
	g.w.spare.Put(s)
	if err != nil {
		g.fail(fmt.Errorf("columnar: column %s: %w", column, err))
	}
}

// fail keeps the first fault.
func (g *Group) fail(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.err == nil {
		g.err = err
	}
}

func checkValid(l *outLeaf, rows int, valid []bool) error {
	switch {
	case valid == nil:
		return nil
	case !l.optional:
		return errors.New("it is not optional")
	case len(valid) != rows:
		return fmt.Errorf("%d rows say whether they are null, of %d", len(valid), rows)
	}
	return nil
}
