package columnar

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"unsafe"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// values are those of a page, of a dictionary or of a record, without the nulls.
// Which fields hold them depends on the type of the column.
type values struct {
	count   int
	fixed   []byte   // eight bytes each, little-endian
	bits    []byte   // booleans, the first in the lowest bit
	text    []byte   // all texts, one after the other
	offsets []uint32 // of text, one more than there are texts; the first need not be 0
	codes   []int32  // indices of the dictionary
}

// decode decodes the n values of a page. It may alias src, which is the page as it
// stands in the file or own memory of the column.
func (l *leaf) decode(s *shared, e format.Encoding, src []byte, n int) error {
	v := &l.page
	v.count = n
	if n == 0 {
		return nil
	}
	if isCoded(e) {
		return l.decodeCodes(s, src, n)
	}
	if l.coded {
		return errors.New("a plain page among coded ones")
	}
	var err error
	switch {
	case l.of == format.Int64 && e == format.DeltaBinaryPacked:
		if _, err = deltaSize(src, n, 64); err != nil {
			return err
		}
		var numbers []int64
		numbers, err = parquet.DeltaBinaryPacked.DecodeInt64(arrow.Int64Traits.CastFromBytes(l.fixed[:cap(l.fixed)]), src)
		l.fixed = arrow.Int64Traits.CastToBytes(numbers)
		v.fixed = l.fixed
	case l.of == format.ByteArray && e == format.Plain:
		l.text, l.offsets, err = plainTexts(l.text, l.offsets, src, n)
		v.text, v.offsets = l.text, l.offsets
	case l.of == format.ByteArray && e == format.DeltaLengthByteArray:
		err = l.lengthTexts(s, src, n)
	case l.of == format.ByteArray && e == format.DeltaByteArray:
		err = l.prefixTexts(s, src, n)
	case l.of == format.Boolean && e == format.RLE:
		l.fixed, err = runLengthBits(l.fixed[:0], src, n)
		v.bits = l.fixed
	case l.of == format.Boolean && e == format.Plain:
		v.bits = src
	case e == format.Plain:
		v.fixed = src
		if !aligned(src) {
			l.fixed = append(l.fixed[:0], src...)
			v.fixed = l.fixed
		}
	default:
		return fmt.Errorf("%s of %s cannot be read", e, l.of)
	}
	if err == nil && v.short(l.of, n) {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// short tells whether there are fewer than n values.
func (v *values) short(of format.Type, n int) bool {
	switch of {
	case format.ByteArray:
		return len(v.offsets) < n+1 || int(v.offsets[n]) > len(v.text)
	case format.Boolean:
		return len(v.bits) < (n+7)/8
	}
	return len(v.fixed) < 8*n
}

// aligned tells whether bytes may be seen as eight-byte numbers.
func aligned(b []byte) bool {
	return uintptr(unsafe.Pointer(unsafe.SliceData(b)))%8 == 0 //nolint:gosec // G103: the address is only looked at
}

// decodeCodes decodes a page of indices, and where the column does not come as a
// dictionary looks them up.
func (l *leaf) decodeCodes(s *shared, src []byte, n int) error {
	if !l.known {
		return errors.New("a page of indices without a dictionary")
	}
	if len(src) == 0 {
		return io.ErrUnexpectedEOF
	}
	total, same, err := runsOf(src[1:], int(src[0]))
	if err != nil {
		return err
	}
	if total < n || total > 2*n+64 {
		return fmt.Errorf("%d indices of %d values", total, n)
	}
	to := &s.codes
	if l.coded {
		to = &l.codes
	}
	if same >= 0 {
		if *to, err = repeated(*to, same, n); err != nil {
			return err
		}
	} else if *to, err = parquet.RLEDictionary.DecodeInt32((*to)[:0], src); err != nil {
		return err
	}
	codes := (*to)[:n]
	if entries := l.dictionary.count; src[0] >= 31 || 1<<src[0] > entries {
		if top := highest(codes); top >= uint32(entries) { //nolint:gosec // G115: a dictionary has fewer than 2³¹ entries
			return fmt.Errorf("index %d of a dictionary of %d", top, entries)
		}
	}
	if l.coded {
		l.page.codes = codes
		return nil
	}
	return l.lookUp(codes)
}

// repeated is one code n times.
func repeated(to []int32, code, n int) ([]int32, error) {
	if code > math.MaxInt32 {
		return to, fmt.Errorf("index %d", code)
	}
	to = sized(to, n)
	for i := range to {
		to[i] = int32(code) //nolint:gosec // G115: compared above
	}
	return to, nil
}

// sized is a slice of n of anything, in the memory of to if that is large enough.
func sized[T any](to []T, n int) []T {
	if cap(to) < n {
		return make([]T, n, n+n/8)
	}
	return to[:n]
}

// highest is the largest code as an unsigned number, so that a negative one is large.
func highest(codes []int32) uint32 {
	var a, b, c, d uint32
	for ; len(codes) >= 4; codes = codes[4:] {
		a, b = max(a, uint32(codes[0])), max(b, uint32(codes[1])) //nolint:gosec // G115: on purpose
		c, d = max(c, uint32(codes[2])), max(d, uint32(codes[3])) //nolint:gosec // G115: on purpose
	}
	for _, code := range codes {
		a = max(a, uint32(code)) //nolint:gosec // G115: on purpose
	}
	return max(a, b, c, d)
}

// lookUp makes values of codes.
func (l *leaf) lookUp(codes []int32) error {
	d, v := &l.dictionary, &l.page
	switch l.of {
	case format.ByteArray:
		l.text, l.offsets = l.text[:0], append(l.offsets[:0], 0)
		for _, code := range codes {
			l.text = append(l.text, d.text[d.offsets[code]:d.offsets[code+1]]...)
			if len(l.text) > math.MaxInt32 {
				return errTooMuchText
			}
			l.offsets = append(l.offsets, uint32(len(l.text))) //nolint:gosec // G115: compared above
		}
		v.text, v.offsets = l.text, l.offsets
	case format.Boolean:
		return errors.New("a dictionary of booleans")
	default:
		l.fixed = sized(l.fixed, 8*len(codes))
		to, from := arrow.Int64Traits.CastFromBytes(l.fixed), arrow.Int64Traits.CastFromBytes(d.fixed)
		for i, code := range codes {
			to[i] = from[code]
		}
		v.fixed = l.fixed
	}
	return nil
}

// errTooMuchText says that texts do not fit the 31-bit offsets of an Arrow array.
var errTooMuchText = errors.New("more than 2 GiB of text in 64 Ki rows")

// plainTexts decodes texts that stand each behind its length.
func plainTexts(text []byte, offsets []uint32, src []byte, n int) ([]byte, []uint32, error) {
	if n > len(src)/4 || len(src) > math.MaxInt32 {
		return text, offsets, io.ErrUnexpectedEOF
	}
	offsets = sized(offsets, n+1)
	text = sized(text, len(src)-4*n+fewBytes)
	at, end := 0, 0
	for i := range n {
		if at+4 > len(src) {
			return text, offsets, io.ErrUnexpectedEOF
		}
		size := int(binary.LittleEndian.Uint32(src[at:]))
		at += 4
		offsets[i] = uint32(end)
		if size > len(src)-at || end+size > len(text)-fewBytes {
			return text, offsets, io.ErrUnexpectedEOF
		}
		if size <= fewBytes && at+fewBytes <= len(src) {
			// What is copied too much is overwritten by the next: cheaper than a call.
			a, b, c, d := eight(src[at:]), eight(src[at+8:]), eight(src[at+16:]), eight(src[at+24:])
			to := text[end : end+fewBytes]
			binary.LittleEndian.PutUint64(to, a)
			binary.LittleEndian.PutUint64(to[8:], b)
			binary.LittleEndian.PutUint64(to[16:], c)
			binary.LittleEndian.PutUint64(to[24:], d)
		} else {
			copy(text[end:], src[at:at+size])
		}
		at, end = at+size, end+size
	}
	offsets[n] = uint32(end)
	return text[:end], offsets, nil
}

func eight(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }

// fewBytes is the length up to which a text is copied as if it had this length.
const fewBytes = 32

// runLengthBits decodes n booleans that are run-length encoded. A run of trues
// repeats 1 by the specification and 255 in files of parquet-go.
func runLengthBits(to, src []byte, n int) ([]byte, error) {
	if len(src) < 4 {
		return to, io.ErrUnexpectedEOF
	}
	src = src[4:]
	size := (n + 7) / 8
	to = sized(to, size)
	clear(to)
	for i := 0; i < n; {
		head, used := binary.Uvarint(src)
		if used <= 0 || head>>1 == 0 || head>>1 > largestPage {
			return to, io.ErrUnexpectedEOF
		}
		src = src[used:]
		count := int(head >> 1)
		if head&1 == 0 {
			if len(src) == 0 {
				return to, io.ErrUnexpectedEOF
			}
			for j := i; src[0] != 0 && j < min(n, i+count); j++ {
				to[j/8] |= 1 << (j % 8)
			}
			src, i = src[1:], i+count
			continue
		}
		if count > len(src) {
			return to, io.ErrUnexpectedEOF
		}
		for j := range min(8*count, n-i) {
			to[(i+j)/8] |= (src[j/8] >> (j % 8) & 1) << ((i + j) % 8)
		}
		src, i = src[count:], i+8*count
	}
	return to, nil
}
