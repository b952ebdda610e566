package columnar

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"
)

// shape is what a node of the tree of columns is.
type shape uint8

const (
	leafShape shape = iota
	structShape
	listShape // of a map too: a map is a list of pairs
)

// node is a column or a part of one. Its levels are those of the Dremel paper
// (Melnik et al., 2010) as Parquet has them. A slot is a place in the node's array.
type node struct {
	shape shape
	field arrow.Field
	// def is the definition level from which the node is there and not null. Of a
	// list, from which the list is there; from def+1 it has an element.
	def uint8
	// rep is the repetition level that adds to the nearest list: the node itself or
	// the one above it.
	rep uint8
	// ancestor is the definition level from which the list above has an element.
	// Entries below it have no slot here.
	ancestor uint8
	children []*node
	leaf     *leaf // of a leaf itself, else the one below whose levels are shortest

	offsets  []int32 // of a list, kept from record to record
	validity []byte
	none     arrow.ArrayData // the array of no slots
}

// treeOf builds the nodes of the wanted top-level columns.
type treeOf struct {
	elements []format.SchemaElement
	at       int
	leaves   int // seen so far: the number of the next leaf's column chunk
}

// columns walks the whole schema and returns the nodes of the wanted columns and
// their leaves, in file order.
func (t *treeOf) columns(wanted map[string]bool) (roots []*node, leaves []*leaf, err error) {
	if len(t.elements) == 0 {
		return nil, nil, fmt.Errorf("%w: no schema", ErrCorrupt)
	}
	t.at = 1
	for range t.elements[0].NumChildren.V {
		if t.at >= len(t.elements) {
			return nil, nil, fmt.Errorf("%w: the schema ends early", ErrCorrupt)
		}
		name := t.elements[t.at].Name
		if !wanted[name] {
			t.skip()
			continue
		}
		root, err := t.node(0, 0, 0)
		if err != nil {
			return nil, nil, fmt.Errorf("%w %s: %w", ErrColumn, name, err)
		}
		delete(wanted, name)
		roots = append(roots, root)
		leaves = root.leavesOf(leaves)
	}
	if len(wanted) > 0 {
		return nil, nil, fmt.Errorf("%w: the file has no %s", ErrColumn, strings.Join(slices.Sorted(maps.Keys(wanted)), ", "))
	}
	return roots, leaves, nil
}

// skip passes over an element and what is below it.
func (t *treeOf) skip() {
	element := &t.elements[t.at]
	t.at++
	if !isGroup(element) {
		t.leaves++
		return
	}
	for range element.NumChildren.V {
		t.skip()
	}
}

// isGroup tells a group from a leaf: a leaf has a physical type.
func isGroup(element *format.SchemaElement) bool { return !element.Type.Valid }

// node reads the element at hand with all below it. The levels are those of what is
// above.
func (t *treeOf) node(def, rep, ancestor uint8) (*node, error) {
	element := &t.elements[t.at]
	nullable := element.RepetitionType.V == format.Optional
	if nullable {
		def++
	}
	switch {
	case element.RepetitionType.V == format.Repeated: // a list that is not called one
		item, err := t.item(def+1, rep+1, def+1)
		if err != nil {
			return nil, err
		}
		return listOfItems(element.Name, arrow.ListOf(item.field.Type), item, def, ancestor, false), nil
	case isGroup(element) && isA(element, deprecated.List) && element.NumChildren.V == 1:
		return t.list(nullable, def, rep, ancestor)
	case isGroup(element) && isA(element, deprecated.Map) && element.NumChildren.V == 1:
		t.at++
		pairs, err := t.item(def+1, rep+1, def+1)
		if err != nil {
			return nil, err
		}
		if len(pairs.children) != 2 {
			return nil, fmt.Errorf("a map of %d columns", len(pairs.children))
		}
		of := arrow.MapOf(pairs.children[0].field.Type, pairs.children[1].field.Type)
		pairs.field.Type = of.Elem()
		return listOfItems(element.Name, of, pairs, def, ancestor, nullable), nil
	}
	n, err := t.item(def, rep, ancestor)
	if err != nil {
		return nil, err
	}
	n.field.Nullable = nullable
	return n, nil
}

// list reads a group that is called a list: a group with one repeated child, which
// holds the element or is it.
// https://github.com/apache/parquet-format/blob/master/LogicalTypes.md#lists
func (t *treeOf) list(nullable bool, def, rep, ancestor uint8) (*node, error) {
	name := t.elements[t.at].Name
	t.at++
	repeated := &t.elements[t.at]
	if repeated.RepetitionType.V != format.Repeated {
		return nil, fmt.Errorf("the list's %s does not repeat", repeated.Name)
	}
	var item *node
	var err error
	if isGroup(repeated) && repeated.NumChildren.V == 1 && repeated.Name != "array" && repeated.Name != name+"_tuple" {
		t.at++
		item, err = t.node(def+1, rep+1, def+1)
	} else {
		item, err = t.item(def+1, rep+1, def+1)
	}
	if err != nil {
		return nil, err
	}
	of := arrow.ListOfField(arrow.Field{Name: repeated.Name, Type: item.field.Type, Nullable: true})
	return listOfItems(name, of, item, def, ancestor, nullable), nil
}

func listOfItems(name string, of arrow.DataType, item *node, def, ancestor uint8, nullable bool) *node {
	return &node{
		shape: listShape, field: arrow.Field{Name: name, Type: of, Nullable: nullable},
		def: def, rep: item.listLevel(), ancestor: ancestor, children: []*node{item}, leaf: item.leaf,
	}
}

// listLevel is the repetition level of the list right above an item.
func (n *node) listLevel() uint8 {
	if n.shape == listShape {
		return n.rep - 1
	}
	return n.rep
}

// item reads the element at hand as one that is there at def, without regard to how
// it repeats.
func (t *treeOf) item(def, rep, ancestor uint8) (*node, error) {
	element := &t.elements[t.at]
	t.at++
	n := &node{field: arrow.Field{Name: element.Name}, def: def, rep: rep, ancestor: ancestor}
	if !isGroup(element) {
		of, err := arrowType(element)
		if err != nil {
			return nil, err
		}
		n.field.Type = of
		n.leaf = newLeaf(element, t.leaves, def, rep)
		t.leaves++
		return n, nil
	}
	n.shape = structShape
	var fields []arrow.Field
	for range element.NumChildren.V {
		child, err := t.node(def, rep, ancestor)
		if err != nil {
			return nil, err
		}
		n.children, fields = append(n.children, child), append(fields, child.field)
		if n.leaf == nil || child.leaf.maxRep < n.leaf.maxRep {
			n.leaf = child.leaf
		}
	}
	if n.leaf == nil {
		return nil, fmt.Errorf("%s has no columns", element.Name)
	}
	n.field.Type = arrow.StructOf(fields...)
	return n, nil
}

func (n *node) leavesOf(to []*leaf) []*leaf {
	if n.shape == leafShape {
		return append(to, n.leaf)
	}
	for _, child := range n.children {
		to = child.leavesOf(to)
	}
	return to
}

// isA tells whether a group is a list or a map, by its newer annotation or the older.
func isA(element *format.SchemaElement, what deprecated.ConvertedType) bool {
	switch element.LogicalType.Value.(type) {
	case *format.ListType:
		return what == deprecated.List
	case *format.MapType:
		return what == deprecated.Map
	}
	return element.ConvertedType.Valid && element.ConvertedType.V == what
}

// arrowType is the Arrow type of a leaf: those that the row types of lib/schema
// have, and no others.
func arrowType(element *format.SchemaElement) (arrow.DataType, error) {
	logical := element.LogicalType.Value
	switch element.Type.V {
	case format.Boolean:
		return arrow.FixedWidthTypes.Boolean, nil
	case format.Double:
		return arrow.PrimitiveTypes.Float64, nil
	case format.ByteArray:
		if _, ok := logical.(*format.StringType); ok || logical == nil && element.ConvertedType.Valid && element.ConvertedType.V == deprecated.UTF8 {
			return arrow.BinaryTypes.String, nil
		}
		if logical == nil {
			return arrow.BinaryTypes.Binary, nil
		}
	case format.Int64:
		switch of := logical.(type) {
		case nil:
			return arrow.PrimitiveTypes.Int64, nil
		case *format.IntType:
			if of.IsSigned {
				return arrow.PrimitiveTypes.Int64, nil
			}
		case *format.TimestampType:
			if _, ok := of.Unit.Value.(*format.MicroSeconds); ok && of.IsAdjustedToUTC {
				return arrow.FixedWidthTypes.Timestamp_us, nil
			}
		}
	}
	return nil, fmt.Errorf("%s is %s (%s), which no table of ours has", element.Name, element.Type.V, element.LogicalType.String())
}
