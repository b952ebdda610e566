package schema

import (
	"reflect"
	"unsafe"
)

// Package unsafe is used in this file alone, for the one thing that reflection does
// too slowly: to write a value to a field whose offset a plan knows. Why it is sound:
//   - an address is made only of the first element of a slice of rows or items, and
//     moves only by offsets and sizes that reflect gave for that very type, with
//     indexes that were checked against the slice's length. It never points one past
//     the end, so it keeps its own array alive and no other;
//   - V of put is the type of the field at that offset: planOf compares them;
//   - arrays of items are made by reflect with their own type, so the garbage
//     collector knows the pointers in them, and stores to them have write barriers.
//
// The tests run under -race, which checks every conversion (checkptr).

// address is where a row, an item of a list or a field of one of them begins.
type address struct{ pointer unsafe.Pointer }

// addressOf is the address of the first of some rows; there must be one.
func addressOf[T any](rows []T) address {
	return address{unsafe.Pointer(unsafe.SliceData(rows))} //nolint:gosec // G103: audited above
}

func (a address) add(bytes uintptr) address { return address{unsafe.Add(a.pointer, bytes)} }

// put writes a field of type V.
func put[V any](a address, value V) { *(*V)(a.pointer) = value }

// header is what a slice of any type is in memory.
type header struct {
	data          unsafe.Pointer
	length, space int
}

// putSlice makes the slice at a the n items from data on, without room for more.
func putSlice(a, data address, n int) { *(*header)(a.pointer) = header{data.pointer, n, n} }

// sliceAt is the first item of the slice at a, and how many there are.
func sliceAt(a address) (first address, n int) {
	h := (*header)(a.pointer)
	return address{h.data}, h.length
}

// newItems makes an array for n items of a slice type. Without items it is what
// makes an empty slice differ from nil.
func newItems(slice reflect.Type, n int) address {
	return address{reflect.MakeSlice(slice, n, n).UnsafePointer()}
}
