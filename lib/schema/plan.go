package schema

import (
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/parquet-go/parquet-go"
)

// plan says where in memory the values of each leaf column of a row type go. It
// knows the kinds of fields that the tables of Leadlake have; a row type with any
// other has no plan, and its rows are reconstructed value by value.
type plan struct {
	rowSize uintptr
	leaves  []leaf // in the order of the schema's columns
}

// leaf is one column with values.
type leaf struct {
	kind     leafKind
	optional bool // the field is a pointer
	offset   uintptr
	lists    []list // that the column is an item of, from the outside in
	levels   levels
}

// levels are the greatest repetition and definition level of a column.
type levels struct{ repetition, definition int }

// list is a slice on the way to a column.
type list struct {
	offset uintptr // of the slice, in the row or in the item of the list around
	slice  reflect.Type
	size   uintptr // of an item
	level  byte    // the definition level from which on there is an item
	leads  bool    // the column is the first of the items, and so makes the slices
	column string  // the first path of the list, which its columns share
}

// leafKind is a Go type of fields.
type leafKind uint8

const (
	kindText leafKind = iota
	kindBytes
	kindBoolean
	kindInteger
	kindDouble
	kindInstant
)

// plans are the plans by reflect.Type of the row; nil where there is none.
var plans sync.Map //nolint:gochecknoglobals // a cache of what the types alone determine

// planOf is the plan of a row type, nil if it has none.
func planOf[T Row]() *plan {
	t := reflect.TypeFor[T]()
	if known, ok := plans.Load(t); ok {
		return known.(*plan)
	}
	known, _ := plans.LoadOrStore(t, newPlan(t, parquet.SchemaOf(*new(T))))
	return known.(*plan)
}

// newPlan lays a type out and compares every column with the library's schema of
// that type: a tag that the layout reads otherwise than the library gives no plan.
func newPlan(t reflect.Type, schema *parquet.Schema) *plan {
	l := layout{}
	if t.Kind() != reflect.Struct || !l.fields(t, leaf{}, nil) {
		return nil
	}
	columns := schema.Columns()
	if len(columns) != len(l.leaves) || len(columns) == 0 {
		return nil
	}
	for i, path := range columns {
		known, ok := schema.Lookup(path...)
		if !ok || !slices.Equal(path, l.paths[i]) || !l.leaves[i].isOf(known) {
			return nil
		}
	}
	return &plan{rowSize: t.Size(), leaves: l.leaves}
}

// isOf reports whether a leaf is what the library takes the column for.
func (l *leaf) isOf(column parquet.LeafColumn) bool {
	if l.levels != levelsOf(column) {
		return false
	}
	physical := map[leafKind]parquet.Kind{
		kindText: parquet.ByteArray, kindBytes: parquet.ByteArray, kindBoolean: parquet.Boolean,
		kindInteger: parquet.Int64, kindDouble: parquet.Double, kindInstant: parquet.Int64,
	}
	logical := column.Node.Type().LogicalType()
	if l.kind == kindInstant {
		return column.Node.Type().Kind() == parquet.Int64 && logical != nil && column.Node.Type().String() == parquet.Timestamp(parquet.Microsecond).Type().String()
	}
	return column.Node.Type().Kind() == physical[l.kind]
}

func levelsOf(column parquet.LeafColumn) levels {
	return levels{repetition: column.MaxRepetitionLevel, definition: column.MaxDefinitionLevel}
}

// layout collects the leaves of a type with their paths.
type layout struct {
	leaves []leaf
	paths  [][]string
}

// fields adds the columns of a struct. within says where the struct stands: its
// offset, the lists around it and the levels so far. It reports whether every field
// is of a known kind.
func (l *layout) fields(t reflect.Type, within leaf, path []string) bool {
	for field := range t.Fields() {
		name, options, _ := strings.Cut(field.Tag.Get("parquet"), ",")
		if field.Anonymous || !field.IsExported() || name == "" || name == "-" {
			return false
		}
		asList := false
		for option := range strings.SplitSeq(options, ",") {
			switch option {
			case "", "dict", "delta", "plain", "uncompressed", "timestamp(microsecond)":
			case "list":
				asList = true
			default:
				return false
			}
		}
		at := within
		at.offset += field.Offset
		if !l.field(field.Type, at, append(slices.Clone(path), name), asList) {
			return false
		}
	}
	return true
}

// field adds the columns of one field.
func (l *layout) field(t reflect.Type, at leaf, path []string, asList bool) bool {
	if kind, ok := leafKindOf(t); ok && !asList {
		return l.leaf(kind, at, path)
	}
	switch t.Kind() {
	case reflect.Pointer:
		kind, ok := leafKindOf(t.Elem())
		at.optional = true
		at.levels.definition++
		return ok && !asList && kind != kindBytes && l.leaf(kind, at, path)
	case reflect.Struct:
		return !asList && l.fields(t, at, path)
	case reflect.Slice:
		item := t.Elem()
		if item.Size() == 0 {
			return false
		}
		at.levels.repetition++
		at.levels.definition++
		at.lists = append(slices.Clone(at.lists), list{
			offset: at.offset, slice: t, size: item.Size(), level: byte(at.levels.definition), column: strings.Join(path, "\x00"), //nolint:gosec // G115: a few levels
		})
		at.offset = 0
		if asList {
			path = append(path, "list", "element")
		}
		if kind, ok := leafKindOf(item); ok {
			return asList && kind != kindBytes && l.leaf(kind, at, path)
		}
		return item.Kind() == reflect.Struct && l.fields(item, at, path)
	default:
		return false
	}
}

// leaf adds a column. The first column below a list leads it. Two depths are known,
// and no list whose first column is itself in a list.
func (l *layout) leaf(kind leafKind, at leaf, path []string) bool {
	at.kind = kind
	at.lists = slices.Clone(at.lists)
	for i := range at.lists {
		at.lists[i].leads = !slices.ContainsFunc(l.leaves, func(other leaf) bool {
			return len(other.lists) > i && other.lists[i].column == at.lists[i].column
		})
	}
	if len(at.lists) > 2 || len(at.lists) == 2 && at.lists[0].leads || len(at.lists) > 0 && kind == kindBytes {
		return false
	}
	l.leaves, l.paths = append(l.leaves, at), append(l.paths, path)
	return true
}

func leafKindOf(t reflect.Type) (leafKind, bool) {
	switch t {
	case reflect.TypeFor[string]():
		return kindText, true
	case reflect.TypeFor[[]byte]():
		return kindBytes, true
	case reflect.TypeFor[bool]():
		return kindBoolean, true
	case reflect.TypeFor[int64]():
		return kindInteger, true
	case reflect.TypeFor[float64]():
		return kindDouble, true
	case reflect.TypeFor[time.Time]():
		return kindInstant, true
	default:
		return 0, false
	}
}
