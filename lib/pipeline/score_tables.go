package pipeline

import (
	"bytes"
	"context"
	"iter"
	"math"

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

func (t *texts) clear() { t.data, t.ends = t.data[:0], t.ends[:0] }

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
				b.id.clear()
				b.entity, b.class = b.entity[:0], b.class[:0]
				for _, class := range part.Class {
					b.entity, b.class = append(b.entity, uint32(entity)), append(b.class, uint32(class-'A')) //nolint:gosec // G115: one of three
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

// xyzBlocks yields the xyz table block by block; each is lent for one turn.
func xyzBlocks(s *analytics.Scores) iter.Seq[*xyzBlock] {
	return func(yield func(*xyzBlock) bool) {
		var b xyzBlock
		for entity := range s.XYZ {
			for v := range s.XYZ[entity].Values() {
				class := uint32(0)
				if v.Class != 0 {
					class = uint32(v.Class - 'X' + 1)
				}
				b.n++
				b.entity, b.class = append(b.entity, uint32(entity)), append(b.class, class) //nolint:gosec // G115: one of three
				b.id.add(s.ID(entity, v.Index))
				b.periods = append(b.periods, v.Periods)
				b.mean, b.sigma, b.cv = append(b.mean, v.Mean), append(b.sigma, v.Sigma), append(b.cv, v.CV)
				b.some, b.even = append(b.some, v.Periods > 0), append(b.even, v.HasCV)
				if b.n == groupRows {
					if !yield(&b) {
						return
					}
					b.id.clear()
					b = xyzBlock{
						entity: b.entity[:0], class: b.class[:0], id: b.id, periods: b.periods[:0],
						mean: b.mean[:0], sigma: b.sigma[:0], cv: b.cv[:0], some: b.some[:0], even: b.even[:0],
					}
				}
			}
		}
		if b.n > 0 {
			yield(&b)
		}
	}
}
