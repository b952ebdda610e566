package audience

import (
	"crypto/md5" //nolint:gosec // G501: VK and Yandex name MD5 as the form of their lists; it protects nothing here
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
)

// Hash is an algorithm for identifiers, empty for none. All are taken over the
// UTF-8 bytes of the normal form, without salt, as lower-case hex.
type Hash string

// Algorithms that platforms name.
const (
	MD5    Hash = "md5"
	SHA256 Hash = "sha256"
)

// Sum is the hash of a normal form. Nothing empty is ever hashed: it stays empty
// (audiences, 1.2).
func (h Hash) Sum(normal string) string {
	if normal == "" {
		return ""
	}
	to, _ := h.appendSum(nil, normal)
	return string(to)
}

// appendSum appends the hash of a normal form, which is not empty, as hex, and
// returns the first eight bytes of the hash besides.
func (h Hash) appendSum(to []byte, normal string) ([]byte, uint64) {
	var room [128]byte // as a rule long enough, so that nothing is allocated
	text := append(room[:0], normal...)
	switch h {
	case MD5:
		sum := md5.Sum(text) //nolint:gosec // G401: see the import
		return appendHex(to, sum[:]), binary.LittleEndian.Uint64(sum[:])
	case SHA256:
		sum := sha256.Sum256(text)
		return appendHex(to, sum[:]), binary.LittleEndian.Uint64(sum[:])
	}
	panic("audience: unknown hash " + string(h))
}

// appendHex appends whole eights of bytes as lower-case hex, four bytes at a time:
// every half byte gets a byte of a word, and digits above nine the distance to "a".
func appendHex(to, sum []byte) []byte {
	at := len(to)
	for range len(sum) / 8 {
		to = append(to, "0000000000000000"...)
	}
	digits := to[at:]
	for ; len(sum) >= 4; sum, digits = sum[4:], digits[8:] {
		w := uint64(binary.LittleEndian.Uint32(sum))
		w = (w | w<<16) & 0x0000ffff0000ffff
		w = (w | w<<8) & 0x00ff00ff00ff00ff
		w = (w>>4 | w<<8) & 0x0f0f0f0f0f0f0f0f
		letters := (w + 0x0606060606060606) >> 4 & 0x0101010101010101
		binary.LittleEndian.PutUint64(digits, w+0x3030303030303030+letters*('a'-'0'-10))
	}
	return to
}

// mix folds two words into one that depends on all of their bits.
func mix(a, b uint64) uint64 {
	high, low := bits.Mul64(a^0x9e3779b97f4a7c15, b^0xe7037ed1a0b428db)
	return high ^ low
}

// sumText is a 64-bit sum of a text for the removal of duplicates, the same on
// every machine.
func sumText(text string) uint64 {
	sum := uint64(len(text)) + 0xa0761d6478bd642f
	for len(text) >= 8 {
		word := uint64(text[0]) | uint64(text[1])<<8 | uint64(text[2])<<16 | uint64(text[3])<<24 |
			uint64(text[4])<<32 | uint64(text[5])<<40 | uint64(text[6])<<48 | uint64(text[7])<<56
		sum, text = mix(sum, word), text[8:]
	}
	var word uint64
	for i := range len(text) {
		word |= uint64(text[i]) << (8 * i)
	}
	return mix(mix(sum, word), 0x8ebc6af09c88c6e3)
}
