package schema

import (
	"bytes"
	"fmt"
	"reflect"

	"github.com/parquet-go/parquet-go"
)

// blockRows is how many rows are filled at a time, column by column: few enough that
// they stay in the processor's cache meanwhile.
const blockRows = 256

// readColumns fills rows from spans of a group, as the plan says, column by column.
// Any error, also a panic of the library, means no more than that the plan does not
// fit the file: rows are then undefined.
func readColumns[T Row](p *plan, file *parquet.File, group parquet.RowGroup, spans []span, rows []T) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", errIrregular, r)
		}
	}()
	whole := len(spans) == 1 && spans[0] == span{0, group.NumRows()}
	writers, err := openColumns[T](p, file, group, whole)
	defer closeColumns(writers)
	if err != nil {
		return err
	}
	for _, s := range spans {
		if err := fillRows(p, writers, s, rows[:s.rows]); err != nil {
			return err
		}
		rows = rows[s.rows:]
	}
	if len(spans) > 0 {
		return settleColumns(writers)
	}
	return nil
}

// openColumns are the columns of T in a group, each at its first row; those opened
// before an error are returned beside it.
func openColumns[T Row](p *plan, file *parquet.File, group parquet.RowGroup, whole bool) ([]*writer, error) {
	var writers []*writer
	missing := map[string]bool{} // lists, by whether their first column is missing
	target := parquet.SchemaOf(*new(T))
	for i, path := range target.Columns() {
		w := &writer{leaf: &p.leaves[i]}
		column, ok := file.Schema().Lookup(path...)
		if lists := w.leaf.lists; len(lists) > 0 {
			if lists[len(lists)-1].leads && len(lists) == 1 {
				missing[lists[0].column] = !ok
			} else if missing[lists[0].column] == ok { // a list of which only some columns are there
				return writers, errIrregular
			}
		}
		if ok {
			if levelsOf(column) != w.leaf.levels {
				return writers, errIrregular
			}
			w.cursor = &cursor{max: w.leaf.levels, kind: w.leaf.kind, pages: group.ColumnChunks()[column.ColumnIndex].Pages(), whole: whole}
		}
		writers = append(writers, w)
	}
	return writers, nil
}

func closeColumns(writers []*writer) {
	for _, w := range writers {
		if w.cursor != nil {
			w.cursor.close()
		}
	}
}

// fillRows fills as many rows as the span has, which comes after those filled before.
func fillRows[T Row](p *plan, writers []*writer, s span, rows []T) error {
	for done := int64(0); done < s.rows; {
		n := min(s.rows-done, blockRows)
		base := addressOf(rows[done : done+n])
		for _, w := range writers {
			if err := w.fill(base, p.rowSize, s.first+done, int(n)); err != nil {
				return err
			}
		}
		done += n
	}
	return nil
}

// settleColumns looks whether the columns go on as they must after the last row.
func settleColumns(writers []*writer) error {
	for _, w := range writers {
		if w.cursor != nil {
			if err := w.cursor.settle(); err != nil {
				return err
			}
		}
	}
	return nil
}

// writer writes the values of one column into rows.
type writer struct {
	leaf     *leaf
	cursor   *cursor // nil: the file lacks the column
	items    items
	pointers any // *pool[V] of the leaf's kind
}

// fill writes n rows, the first of which has a number in the group.
func (w *writer) fill(base address, rowSize uintptr, first int64, n int) error {
	if w.cursor == nil {
		w.fillMissing(base, rowSize, n)
		return nil
	}
	if err := w.cursor.seek(first); err != nil {
		return err
	}
	for n > 0 {
		if w.cursor.rows == 0 {
			if err := w.cursor.load(); err != nil {
				return err
			}
		}
		take := min(n, w.cursor.rows)
		levels, present := w.cursor.ahead(take)
		if err := w.fillPage(base, rowSize, take, levels, present); err != nil {
			return err
		}
		w.cursor.pass(take, levels, present)
		if n -= take; n > 0 {
			base = base.add(uintptr(take) * rowSize)
		}
	}
	return nil
}

// fillMissing writes what a null is in every row where that is not the zero value.
func (w *writer) fillMissing(base address, rowSize uintptr, n int) {
	lists := w.leaf.lists
	for i := range n {
		row := base
		if i > 0 {
			row = base.add(uintptr(i) * rowSize)
		}
		switch {
		case len(lists) == 1 && lists[0].leads:
			putSlice(row.add(lists[0].offset), w.items.none(lists[0].slice), 0)
		case len(lists) == 0 && w.leaf.kind == kindBytes:
			put(row.add(w.leaf.offset), []byte{})
		}
	}
}

// fillPage writes rows of one page, which have as many levels and values.
func (w *writer) fillPage(base address, rowSize uintptr, rows, levels, present int) error {
	c := w.cursor
	switch w.leaf.kind {
	case kindText:
		if w.leaf.levels.definition == 0 && c.indexes != nil && c.whole {
			w.placeWords(base, rowSize, c.indexes[c.value:c.value+rows])
			return nil
		}
		return place(w, base, rowSize, rows, levels, c.texts(present))
	case kindBytes:
		return place(w, base, rowSize, rows, levels, c.bytes(present))
	case kindBoolean:
		return place(w, base, rowSize, rows, levels, c.booleans[c.value:c.value+present])
	case kindInteger:
		return place(w, base, rowSize, rows, levels, c.integers[c.value:c.value+present])
	case kindDouble:
		return place(w, base, rowSize, rows, levels, c.doubles[c.value:c.value+present])
	default:
		return place(w, base, rowSize, rows, levels, c.instants(present))
	}
}

// placeWords writes the words of a dictionary. Fields are zero before, so the empty
// word, which many columns have in nearly every row, is not written.
func (w *writer) placeWords(base address, rowSize uintptr, indexes []int32) {
	words := w.cursor.words
	if len(words) == 1 && words[0] == "" {
		return
	}
	for i, index := range indexes {
		if word := words[index]; word != "" {
			put(base.add(uintptr(i)*rowSize+w.leaf.offset), word)
		}
	}
}

// place writes values to rows of one page, whose next levels say which are null.
func place[V any](w *writer, base address, rowSize uintptr, rows, levels int, values []V) error {
	offset := w.leaf.offset
	if w.leaf.levels.definition == 0 {
		for i, value := range values[:rows] {
			put(base.add(uintptr(i)*rowSize+offset), value)
		}
		return nil
	}
	p := placer[V]{writer: w, values: values, full: byte(w.leaf.levels.definition)} //nolint:gosec // G115: a few levels
	p.def = w.cursor.def[w.cursor.level : w.cursor.level+levels]
	if w.leaf.optional {
		if w.pointers == nil {
			w.pointers = new(pool[V])
		}
		p.pool = w.pointers.(*pool[V])
	}
	if len(w.leaf.lists) == 0 {
		for at := 0; len(p.values) > 0; at++ {
			at += bytes.IndexByte(p.def[at:], p.full)
			p.put(base.add(uintptr(at)*rowSize + offset))
		}
		return nil
	}
	p.rep = w.cursor.rep[w.cursor.level : w.cursor.level+levels]
	outer := &w.leaf.lists[0]
	for row, from := 0, 0; row < rows; row++ {
		to := p.run(from, 0)
		at := base.add(uintptr(row)*rowSize + outer.offset)
		var err error
		if len(w.leaf.lists) == 1 {
			err = p.list(outer, at, from, to)
		} else {
			err = p.nested(outer, &w.leaf.lists[1], at, from, to)
		}
		if err != nil {
			return err
		}
		from = to
	}
	return nil
}

// placer writes the values of one page that are not null, one after the other.
type placer[V any] struct {
	*writer
	values   []V
	pool     *pool[V] // of an optional column
	full     byte     // the definition level of a value
	def, rep []byte
}

// run is where the next item of a list of a depth begins, or for depth 0 the next
// row.
func (p *placer[V]) run(from int, depth byte) int {
	to := from + 1
	for to < len(p.rep) && p.rep[to] > depth {
		to++
	}
	return to
}

// put writes the next value, or a pointer to a copy of it.
func (p *placer[V]) put(at address) {
	if p.pool != nil {
		put(at, p.pool.pointer(p.values[0]))
	} else {
		put(at, p.values[0])
	}
	p.values = p.values[1:]
}

// list writes one list from its levels.
func (p *placer[V]) list(l *list, at address, from, to int) error {
	n := to - from
	if p.def[from] < l.level { // an empty list has one level
		if n > 1 {
			return errIrregular
		}
		n = 0
	}
	var first address
	if l.leads {
		first = p.items.take(l, n)
		putSlice(at, first, n)
	} else {
		var have int
		if first, have = sliceAt(at); have != n {
			return errIrregular
		}
	}
	for i, level := range p.def[from : from+n] {
		switch {
		case level == p.full:
			p.put(first.add(uintptr(i)*l.size + p.leaf.offset))
		case level < l.level:
			return errIrregular
		}
	}
	return nil
}

// nested writes the lists that the items of one list have.
func (p *placer[V]) nested(outer, inner *list, at address, from, to int) error {
	first, have := sliceAt(at)
	if p.def[from] < outer.level {
		if have != 0 || to-from != 1 {
			return errIrregular
		}
		return nil
	}
	for i := range have {
		if from == to || p.def[from] < outer.level {
			return errIrregular
		}
		next := p.run(from, 1)
		if err := p.list(inner, first.add(uintptr(i)*outer.size+inner.offset), from, next); err != nil {
			return err
		}
		from = next
	}
	if from != to {
		return errIrregular
	}
	return nil
}

// chunkBytes is the size of the arrays that the items of lists and the values of
// pointers are cut from; as with textChunk, it bounds what a row keeps alive.
const chunkBytes = 1 << 10

// items cuts lists out of greater arrays.
type items struct {
	chunk address
	used  int
	size  int // items of chunk
	empty address
}

// take is the first of n new items, zero each.
func (s *items) take(l *list, n int) address {
	if n == 0 {
		return s.none(l.slice)
	}
	if n > s.size-s.used {
		s.used, s.size = 0, max(n, chunkBytes/int(l.size))
		s.chunk = newItems(l.slice, s.size)
	}
	s.used += n
	return s.chunk.add(uintptr(s.used-n) * l.size)
}

// none is where an empty list that is not nil points.
func (s *items) none(slice reflect.Type) address {
	if s.empty == (address{}) {
		s.empty = newItems(slice, 0)
	}
	return s.empty
}

// pool cuts values that pointers point to out of greater arrays.
type pool[V any] struct{ free []V }

func (s *pool[V]) pointer(value V) *V {
	if len(s.free) == 0 {
		s.free = make([]V, 64)
	}
	out := &s.free[0]
	*out, s.free = value, s.free[1:]
	return out
}
