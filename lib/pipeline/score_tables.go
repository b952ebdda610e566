package pipeline

import (
	"bytes"
	"context"
	"iter"
	"math"
	"slices"

	"github.com/leadlake/leadlake/lib/analytics"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/lake/columnar"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/schema"
)

// groupRows is how many rows of a large table are gathered before they are written.
const groupRows = schema.RowGroupRows / 4

// block is some rows of a table by columns.
type block interface {
	rows() int
	write(w *columnar.Writer) error
}

// addBlocks writes a table of a run.
func addBlocks[T schema.Row, B block](ctx context.Context, store objstore.Store, run *lake.Run, blocks iter.Seq[B]) error {
	return writeFiles[T](new(bytes.Buffer), blocks, math.MaxInt, func(_ int, body []byte, rows int) error {
		var row T
		return lake.AddTableFile(ctx, store, run, row.Table(), body, rows)
	})
}

// writeFiles makes a table's Parquet files in the memory of out, each of at most so many
// row groups, and hands each on with its number and how many rows it has; it is lent. An
// empty table is one file without rows.
func writeFiles[T schema.Row, B block](out *bytes.Buffer, blocks iter.Seq[B], mostGroups int, put func(part int, body []byte, rows int) error) error {
	out.Reset()
	w, err := columnar.NewWriter[T](out)
	if err != nil {
		return err
	}
	part, groups, rows := 0, 0, 0
	end := func() error {
		if err := w.Close(); err != nil {
			return err
		}
		return put(part, out.Bytes(), rows)
	}
	for b := range blocks {
		if groups == mostGroups {
			if err := end(); err != nil {
				return err
			}
			out.Reset()
			w.Reset(out)
			part, groups, rows = part+1, 0, 0
		}
		if err := b.write(w); err != nil {
			return err
		}
		groups++
		rows += b.rows()
	}
	return end()
}

// texts gathers the values of a text column one after the other.
type texts struct {
	data []byte
	ends []uint32
}

func (t *texts) add(text string) {
	t.data = append(t.data, text...)
	t.ends = append(t.ends, uint32(len(t.data))) //nolint:gosec // G115: a group of short texts
}

// clear forgets the texts and makes room for the ids of so many clients.
func (t *texts) clear(rows int) {
	const idBytes = 27 // of a token
	t.data, t.ends = slices.Grow(t.data[:0], rows*idBytes), slices.Grow(t.ends[:0], rows)
}

// entities are the kinds of things that have classes, as the tables order them.
var entities = []string{analytics.EntityCategory, analytics.EntityClient, analytics.EntityItem} //nolint:gochecknoglobals // a constant list

// abcBlock is a group of rows of the abc table by columns.
type abcBlock struct {
	n             int
	entity, class []uint32
	id            texts
	revenue       []int64
	share, with   []float64
}

func (b *abcBlock) rows() int { return b.n }

func (b *abcBlock) write(w *columnar.Writer) error {
	g := w.Group(b.n)
	g.Codes("entity", entities, b.entity)
	g.Text("id", b.id.data, b.id.ends)
	g.Ints("revenue_minor", b.revenue, nil)
	g.Floats("share", b.share, nil)
	g.Floats("cumulative_share", b.with, nil)
	g.Codes("class", []string{"A", "B", "C"}, b.class)
	return g.Close()
}

// abcBlocks yields the abc table block by block; each is lent for one turn.
func abcBlocks(s *analytics.Scores) iter.Seq[*abcBlock] {
	return func(yield func(*abcBlock) bool) {
		var b abcBlock
		for entity := range s.ABC {
			for part := range s.ABC[entity].Parts(groupRows) {
				b.n = len(part.Order)
				b.revenue, b.share, b.with = part.Revenue, part.Share, part.Cumulative
				b.id.clear(b.n)
				b.entity, b.class = sized(b.entity, b.n), sized(b.class, b.n)
				for row, class := range part.Class {
					b.entity[row], b.class[row] = uint32(entity), uint32(class-'A') //nolint:gosec // G115: one of three
				}
				b.id.data, b.id.ends = s.AppendIDs(entity, part.Order, b.id.data, b.id.ends)
				if !yield(&b) {
					return
				}
			}
		}
	}
}

// xyzBlock is a group of rows of the xyz table by columns.
type xyzBlock struct {
	n               int
	entity, class   []uint32
	id              texts
	periods         []int64
	mean, sigma, cv []float64
	some, even      []bool // there is a value; the mean is above zero
}

func (b *xyzBlock) rows() int { return b.n }

func (b *xyzBlock) write(w *columnar.Writer) error {
	g := w.Group(b.n)
	g.Codes("entity", entities, b.entity)
	g.Text("id", b.id.data, b.id.ends)
	g.Ints("periods", b.periods, nil)
	g.Floats("mean", b.mean, b.some)
	g.Floats("sigma", b.sigma, b.some)
	g.Floats("cv", b.cv, b.even)
	g.Codes("class", []string{"", "X", "Y", "Z"}, b.class)
	return g.Close()
}

// size makes room for so many rows in every column.
func (b *xyzBlock) size(rows int) {
	b.n = 0
	b.id.clear(rows)
	b.entity, b.class, b.periods = sized(b.entity, rows), sized(b.class, rows), sized(b.periods, rows)
	b.mean, b.sigma, b.cv = sized(b.mean, rows), sized(b.sigma, rows), sized(b.cv, rows)
	b.some, b.even = sized(b.some, rows), sized(b.even, rows)
}

// end leaves out the room that was not taken.
func (b *xyzBlock) end() {
	b.entity, b.class, b.periods = b.entity[:b.n], b.class[:b.n], b.periods[:b.n]
	b.mean, b.sigma, b.cv = b.mean[:b.n], b.sigma[:b.n], b.cv[:b.n]
	b.some, b.even = b.some[:b.n], b.even[:b.n]
}

// xyzBlocks yields the xyz table block by block; each is lent for one turn.
func xyzBlocks(s *analytics.Scores) iter.Seq[*xyzBlock] {
	return func(yield func(*xyzBlock) bool) {
		all := 0
		for entity := range s.ABC {
			all += s.ABC[entity].Len()
		}
		var b xyzBlock
		b.size(min(all, groupRows))
		for entity := range s.XYZ {
			for v := range s.XYZ[entity].Values() {
				if b.n == groupRows {
					if !yield(&b) {
						return
					}
					b.size(groupRows)
				}
				row := b.n
				b.n++
				b.entity[row], b.class[row] = uint32(entity), 0 //nolint:gosec // G115: one of three
				if v.Class != 0 {
					b.class[row] = uint32(v.Class - 'X' + 1)
				}
				b.id.add(s.ID(entity, v.Index))
				b.periods[row], b.mean[row], b.sigma[row], b.cv[row] = v.Periods, v.Mean, v.Sigma, v.CV
				b.some[row], b.even[row] = v.Periods > 0, v.HasCV
			}
		}
		if b.n > 0 {
			b.end()
			yield(&b)
		}
	}
}
