package columnar

import (
	"errors"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/parquet-go/parquet-go/format"
)

// column makes the array of a top-level column of the record at hand.
func (t *table) column(n *node, rows int) (arrow.Array, error) {
	if n.leaf.coded && !n.leaf.bare && n.shape == leafShape {
		indices, err := t.leafData(n, arrow.PrimitiveTypes.Int32, rows)
		if err != nil {
			return nil, err
		}
		defer indices.Release()
		codes := array.NewInt32Data(indices)
		defer codes.Release()
		return array.NewDictionaryArray(n.field.Type, codes, n.leaf.entries), nil
	}
	data, err := t.data(n, rows)
	if err != nil {
		return nil, err
	}
	defer data.Release()
	return array.MakeFromData(data), nil
}

// data makes the Arrow data of a node, which has as many slots.
func (t *table) data(n *node, slots int) (arrow.ArrayData, error) {
	if slots == 0 && n.none != nil {
		n.none.Retain()
		return n.none, nil
	}
	var data arrow.ArrayData
	var err error
	switch n.shape {
	case leafShape:
		data, err = t.leafData(n, n.field.Type, slots)
	case structShape:
		data, err = t.structData(n, slots)
	case listShape:
		data, err = t.listData(n, slots)
	}
	if err == nil && slots == 0 {
		data.Retain()
		n.none = data
	}
	return data, err
}

// zeroBytes are so many zeros, which nobody writes to.
func (t *table) zeroBytes(n int) []byte {
	if len(t.zeros) < n {
		t.zeros = make([]byte, n)
	}
	return t.zeros[:n]
}

// nulls finds the validity of a node's slots. The bitmap is nil where none is null.
func (t *table) nulls(n *node, slots int) (bitmap []byte, nulls int, err error) {
	defs, reps := &n.leaf.recordDefs, &n.leaf.recordReps
	if n.def == n.ancestor {
		return nil, 0, nil
	}
	if defs.same >= 0 && (n.leaf.maxRep == 0 || reps.same == 0) {
		count := defs.count
		if defs.same < int(n.ancestor) {
			count = 0
		}
		switch {
		case count != slots:
			return nil, 0, fmt.Errorf("%d entries of %d", count, slots)
		case defs.same >= int(n.def):
			return nil, 0, nil
		}
		return t.zeroBytes((slots + 7) / 8), slots, nil
	}
	defs.spell()
	reps.spell()
	bitmap = sized(n.validity, (slots+7)/8)
	n.validity = bitmap
	clear(bitmap)
	slot := 0
	for i, def := range defs.each {
		if n.leaf.maxRep > 0 && reps.each[i] > n.rep || def < n.ancestor {
			continue
		}
		if slot == slots {
			return nil, 0, fmt.Errorf("more than %d entries", slots)
		}
		if def >= n.def {
			bitmap[slot/8] |= 1 << (slot % 8)
		} else {
			nulls++
		}
		slot++
	}
	if slot != slots {
		return nil, 0, fmt.Errorf("%d entries of %d", slot, slots)
	}
	return bitmap, nulls, nil
}

// wrap is a buffer of memory that Arrow does not own; nil for none.
func wrap(b []byte) *memory.Buffer {
	if b == nil {
		return nil
	}
	return memory.NewBufferBytes(b)
}

// leafData wraps the values of a leaf, with gaps for nulls.
func (t *table) leafData(n *node, of arrow.DataType, slots int) (arrow.ArrayData, error) {
	bitmap, nulls, err := t.nulls(n, slots)
	if err != nil {
		return nil, err
	}
	l := n.leaf
	if l.record.count != slots-nulls {
		return nil, fmt.Errorf("%d values of %d", l.record.count, slots-nulls)
	}
	v := &l.record
	if nulls > 0 && nulls < slots {
		v = l.spread(bitmap, slots)
	}
	buffers := []*memory.Buffer{wrap(bitmap), nil}
	none := v.count == 0
	switch {
	case l.of == format.ByteArray && !l.coded:
		offsets := t.zeroBytes(4 * (slots + 1))
		if !none {
			offsets = arrow.Uint32Traits.CastToBytes(v.offsets)
		}
		buffers[1] = memory.NewBufferBytes(offsets)
		buffers = append(buffers, memory.NewBufferBytes(v.text))
	case none && l.coded:
		buffers[1] = memory.NewBufferBytes(t.zeroBytes(4 * slots))
	case l.coded:
		buffers[1] = memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(v.codes))
	case none:
		buffers[1] = memory.NewBufferBytes(t.zeroBytes(8 * slots))
	case l.of == format.Boolean:
		buffers[1] = memory.NewBufferBytes(v.bits)
	default:
		buffers[1] = memory.NewBufferBytes(v.fixed)
	}
	return array.NewData(of, slots, buffers, nil, nulls, 0), nil
}

// spread puts the values of a record where the bitmap says, in memory that lives as
// long as the record.
func (l *leaf) spread(bitmap []byte, slots int) *values {
	v, to := &l.record, &l.gaps
	to.count = slots
	valid := func(slot int) bool { return bitmap[slot/8]>>(slot%8)&1 != 0 }
	at := 0
	switch {
	case l.coded:
		to.codes = sized(to.codes, slots)
		for slot := range slots {
			to.codes[slot] = 0
			if valid(slot) {
				to.codes[slot] = v.codes[at]
				at++
			}
		}
	case l.of == format.ByteArray:
		to.text, to.offsets = v.text, sized(to.offsets, slots+1)
		for slot := range slots {
			to.offsets[slot] = v.offsets[at]
			if valid(slot) {
				at++
			}
		}
		to.offsets[slots] = v.offsets[at]
	case l.of == format.Boolean:
		to.bits = sized(to.bits, (slots+7)/8)
		clear(to.bits)
		for slot := range slots {
			if valid(slot) {
				to.bits[slot/8] |= (v.bits[at/8] >> (at % 8) & 1) << (slot % 8)
				at++
			}
		}
	default:
		to.fixed = sized(to.fixed, 8*slots)
		numbers, dense := arrow.Int64Traits.CastFromBytes(to.fixed), arrow.Int64Traits.CastFromBytes(v.fixed)
		for slot := range slots {
			numbers[slot] = 0
			if valid(slot) {
				numbers[slot] = dense[at]
				at++
			}
		}
	}
	return to
}

func (t *table) structData(n *node, slots int) (arrow.ArrayData, error) {
	bitmap, nulls, err := t.nulls(n, slots)
	if err != nil {
		return nil, err
	}
	children := make([]arrow.ArrayData, 0, len(n.children))
	defer func() {
		for _, child := range children {
			child.Release()
		}
	}()
	for _, child := range n.children {
		data, err := t.data(child, slots)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", child.field.Name, err)
		}
		children = append(children, data)
	}
	return array.NewData(n.field.Type, slots, []*memory.Buffer{wrap(bitmap)}, children, nulls, 0), nil
}

func (t *table) listData(n *node, slots int) (arrow.ArrayData, error) {
	// A list is found by its own entries, one level up from its elements'.
	above := node{leaf: n.leaf, def: n.def, rep: n.rep - 1, ancestor: n.ancestor, validity: n.validity}
	bitmap, nulls, err := t.nulls(&above, slots)
	if err != nil {
		return nil, err
	}
	n.validity = above.validity
	offsets, items, err := t.listOffsets(n, slots)
	if err != nil {
		return nil, err
	}
	data, err := t.data(n.children[0], items)
	if err != nil {
		return nil, err
	}
	defer data.Release()
	return array.NewData(n.field.Type, slots, []*memory.Buffer{wrap(bitmap), memory.NewBufferBytes(offsets)}, []arrow.ArrayData{data}, nulls, 0), nil
}

// listOffsets finds where each list begins among the items of all.
func (t *table) listOffsets(n *node, slots int) (offsets []byte, items int, err error) {
	defs, reps := &n.leaf.recordDefs, &n.leaf.recordReps
	if defs.same >= 0 && defs.same <= int(n.def) && reps.same == 0 { // no list has an element
		if count := defs.count; defs.same >= int(n.ancestor) && count != slots {
			return nil, 0, fmt.Errorf("%d lists of %d", count, slots)
		}
		return t.zeroBytes(4 * (slots + 1)), 0, nil
	}
	defs.spell()
	reps.spell()
	n.offsets = sized(n.offsets, slots+1)
	slot, count := 0, int32(0)
	for i, rep := range reps.each {
		def := defs.each[i]
		switch {
		case rep > n.rep || def < n.ancestor:
			continue
		case rep < n.rep:
			if slot == slots {
				return nil, 0, fmt.Errorf("more than %d lists", slots)
			}
			n.offsets[slot] = count
			slot++
		case slot == 0:
			return nil, 0, errors.New("an element before the first list")
		}
		if def > n.def {
			count++
		}
	}
	if slot != slots {
		return nil, 0, fmt.Errorf("%d lists of %d", slot, slots)
	}
	n.offsets[slots] = count
	return arrow.Int32Traits.CastToBytes(n.offsets), int(count), nil
}
