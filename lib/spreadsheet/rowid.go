package spreadsheet

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"strconv"
)

// RowIDs names rows that bring no id of their own: by what the row says and how
// many times the same row came before. Equal rows stay different, and the same
// file read again gives the same names. It is keyed (HMAC-SHA256), because a row's
// content may be a phone number that a plain hash would give away. Not for
// concurrent use.
type RowIDs struct {
	mac  hash.Hash
	seen map[[16]byte]int
	sum  []byte
	text []byte
}

// NewRowIDs starts counting for one file. The key has to stay the same for the
// names to stay the same.
func NewRowIDs(key []byte) *RowIDs {
	return &RowIDs{mac: hmac.New(sha256.New, key), seen: make(map[[16]byte]int)}
}

// Next gives the row's id, "row-" with 32 hexadecimal digits and the occurrence
// number from 1 on. It depends on the cells only, not on the row's place, the
// delimiter or the character set.
func (ids *RowIDs) Next(row Row) string {
	ids.text = ids.text[:0]
	for _, cell := range row.Cells {
		ids.text = append(strconv.AppendInt(ids.text, int64(len(cell)), 10), ':')
		ids.text = append(ids.text, cell...)
	}
	ids.mac.Reset()
	ids.mac.Write(ids.text)
	ids.sum = ids.mac.Sum(ids.sum[:0])
	key := [16]byte(ids.sum)
	ids.seen[key]++
	id := append(make([]byte, 0, 48), "row-"...)
	id = hex.AppendEncode(id, key[:])
	return string(strconv.AppendInt(append(id, '-'), int64(ids.seen[key]), 10))
}
