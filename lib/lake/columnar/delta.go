package columnar

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"
)

// largestBlock is the largest block of deltas that parquet-go decodes.
const largestBlock = 1 << 16

// deltaSize walks over n delta-packed numbers and returns how many bytes they take.
// It refuses what the decoder's vector code would not survive: another count, bits
// wider than the numbers, packed bytes that are missing.
// https://github.com/apache/parquet-format/blob/master/Encodings.md#DELTAENC
func deltaSize(src []byte, n, widest int) (int, error) {
	rest := src
	var head [3]int // numbers in a block, parts of a block, numbers in all
	for i := range head {
		v, used := binary.Uvarint(rest)
		if used <= 0 || v > mostEntries {
			return 0, io.ErrUnexpectedEOF
		}
		head[i], rest = int(v), rest[used:]
	}
	block, parts, count := head[0], head[1], head[2]
	if count != n {
		return 0, fmt.Errorf("%d deltas of %d values", count, n)
	}
	if block == 0 || block > largestBlock || block%128 != 0 || parts == 0 || block%parts != 0 || block/parts%32 != 0 {
		return 0, fmt.Errorf("blocks of %d deltas in %d parts", block, parts)
	}
	_, used := binary.Varint(rest) // the first number
	if used <= 0 {
		return 0, io.ErrUnexpectedEOF
	}
	rest = rest[used:]
	for left := n - 1; left > 0; {
		_, used := binary.Varint(rest) // the least delta
		if used <= 0 || len(rest)-used < parts {
			return 0, io.ErrUnexpectedEOF
		}
		widths := rest[used : used+parts]
		rest = rest[used+parts:]
		for _, width := range widths {
			if left <= 0 {
				break
			}
			size := block / parts * int(width) / 8
			if int(width) > widest || size > len(rest) {
				return 0, fmt.Errorf("deltas of %d bits in %d bytes", width, len(rest))
			}
			rest = rest[size:]
			left -= block / parts
		}
	}
	return len(src) - len(rest), nil
}

// deltaLengths decodes n lengths and returns what comes after them.
func deltaLengths(to []int32, src []byte, n int) (lengths []int32, rest []byte, err error) {
	size, err := deltaSize(src, n, 32)
	if err != nil {
		return to, nil, err
	}
	if lengths, err = parquet.DeltaBinaryPacked.DecodeInt32(to[:0], src[:size]); err == nil && len(lengths) != n {
		err = io.ErrUnexpectedEOF
	}
	return lengths, src[size:], err
}

// lengthTexts decodes texts that stand one after the other behind their lengths. The
// texts stay where they are.
func (l *leaf) lengthTexts(s *shared, src []byte, n int) (err error) {
	if s.codes, src, err = deltaLengths(s.codes, src, n); err != nil {
		return err
	}
	l.offsets = sized(l.offsets, n+1)
	end := 0
	for i, length := range s.codes {
		l.offsets[i] = uint32(end)
		if length < 0 || int(length) > len(src)-end { // one by one: their sum may wrap around
			return errors.New("a text is longer than its page")
		}
		end += int(length)
	}
	l.offsets[n] = uint32(end)
	l.page.text, l.page.offsets = src[:end], l.offsets
	return nil
}

// prefixTexts decodes texts that say how much of the text before they begin with.
func (l *leaf) prefixTexts(s *shared, src []byte, n int) (err error) {
	if s.prefixes, src, err = deltaLengths(s.prefixes, src, n); err != nil {
		return err
	}
	if s.codes, src, err = deltaLengths(s.codes, src, n); err != nil {
		return err
	}
	l.offsets, l.text = sized(l.offsets, n+1), l.text[:0]
	last := 0 // where the text before begins
	for i, prefix := range s.prefixes {
		begin, suffix := len(l.text), int(s.codes[i])
		if prefix < 0 || int(prefix) > begin-last || suffix < 0 || suffix > len(src) || begin > largestPage {
			return errors.New("a text is longer than its page")
		}
		l.offsets[i] = uint32(begin)
		l.text = append(append(l.text, l.text[last:last+int(prefix)]...), src[:suffix]...)
		src, last = src[suffix:], begin
	}
	l.offsets[n] = uint32(len(l.text)) //nolint:gosec // G115: bounded by the last begin and a page
	l.page.text, l.page.offsets = l.text, l.offsets
	return nil
}
