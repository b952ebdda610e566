package pipeline

import (
	"encoding/binary"
	"time"

	"github.com/leadlake/leadlake/lib/schema"
)

// statementWords are the texts that statements repeat: shops, sources, statuses,
// currencies. Packed statements hold their numbers.
type statementWords struct {
	numbers map[string]uint64
	words   []string
	body    []byte // of the statement that is being packed
}

func (w *statementWords) number(word string) uint64 {
	n, ok := w.numbers[word]
	if !ok {
		if w.numbers == nil {
			w.numbers = map[string]uint64{}
		}
		n = uint64(len(w.words))
		w.numbers[word] = n
		w.words = append(w.words, word)
	}
	return n
}

// Bits that say which fields of a packed statement follow.
const (
	hasTotal = 1 << iota
	hasShipping
	hasReturned
	hasLines
)

// pack appends a statement as bytes, some 70 of a usual one: how many follow, then shop
// and order id, by which it is found. unpacker reads them.
func (w *statementWords) pack(out []byte, row *schema.OrderEventRow) []byte {
	w.body = w.packBody(w.body[:0], row)
	return append(binary.AppendUvarint(out, uint64(len(w.body))), w.body...)
}

func (w *statementWords) packBody(out []byte, row *schema.OrderEventRow) []byte {
	out = binary.AppendUvarint(out, w.number(row.Shop))
	out = packText(out, row.OrderID)
	out = packText(out, row.EventID)
	out = binary.AppendUvarint(out, w.number(row.Source))
	out = binary.AppendUvarint(out, w.number(row.Status))
	out = binary.AppendUvarint(out, w.number(row.Currency))
	out = binary.AppendVarint(out, row.At.UnixMicro())
	flags := byte(0)
	for i, amount := range [...]*int64{row.TotalMinor, row.ShippingMinor, row.ReturnedMinor} {
		if amount != nil {
			flags |= hasTotal << i
		}
	}
	if len(row.Items) > 0 {
		flags |= hasLines
	}
	out = append(out, flags)
	for _, amount := range [...]*int64{row.TotalMinor, row.ShippingMinor, row.ReturnedMinor} {
		if amount != nil {
			out = binary.AppendVarint(out, *amount)
		}
	}
	out = binary.AppendUvarint(out, uint64(len(row.Tokens)))
	for _, token := range row.Tokens {
		out = packText(out, token)
	}
	if len(row.Items) == 0 {
		return out
	}
	out = binary.AppendUvarint(out, uint64(len(row.Items)))
	for i := range row.Items {
		line := &row.Items[i]
		for _, text := range [...]string{line.SKU, line.Name, line.Category, line.Quantity} {
			out = packText(out, text)
		}
		out = binary.AppendVarint(out, line.SumMinor)
	}
	return out
}

func packText(out []byte, text string) []byte {
	return append(binary.AppendUvarint(out, uint64(len(text))), text...)
}

// unpacker reads packed statements. What it gives are parts of its text, and of memory
// that it takes for many rows at once. It is not safe for concurrent use.
type unpacker struct {
	words   []string
	text    string // of packed statements, one after the other
	at      int
	amounts []int64
	tokens  []string
}

// unpackRows is for how many rows memory is taken at once.
const unpackRows = 256

// key is the order of the statement at hand. It moves on to the next statement.
func (u *unpacker) key() (shop, order string) {
	length := int(u.uvarint()) //nolint:gosec // G115: pack wrote it
	end := u.at + length
	shop, order = u.words[u.uvarint()], u.textValue()
	u.at = end
	return shop, order
}

// next reads the statement at hand into row, all of it, and moves on to the next.
func (u *unpacker) next(row *schema.OrderEventRow) {
	*row = schema.OrderEventRow{IsOrder: true}
	u.uvarint() // its length
	row.Shop, row.OrderID, row.EventID = u.words[u.uvarint()], u.textValue(), u.textValue()
	row.Source, row.Status, row.Currency = u.words[u.uvarint()], u.words[u.uvarint()], u.words[u.uvarint()]
	row.At = time.UnixMicro(u.varint()).UTC()
	flags := u.text[u.at]
	u.at++
	for i, amount := range [...]**int64{&row.TotalMinor, &row.ShippingMinor, &row.ReturnedMinor} {
		if flags&(hasTotal<<i) != 0 {
			*amount = u.amount()
		}
	}
	if n := u.uvarint(); n > 0 {
		row.Tokens = u.texts(int(n)) //nolint:gosec // G115: pack wrote it
	}
	if flags&hasLines == 0 {
		return
	}
	row.Items = make([]schema.ItemRow, u.uvarint())
	for i := range row.Items {
		line := &row.Items[i]
		line.SKU, line.Name, line.Category, line.Quantity = u.textValue(), u.textValue(), u.textValue(), u.textValue()
		line.SumMinor = u.varint()
	}
}

func (u *unpacker) uvarint() uint64 {
	if b := u.text[u.at]; b < 0x80 {
		u.at++
		return uint64(b)
	}
	value := uint64(0)
	for shift := 0; ; shift += 7 {
		b := u.text[u.at]
		u.at++
		value |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return value
		}
	}
}

func (u *unpacker) varint() int64 {
	value := u.uvarint()
	return int64(value>>1) ^ -int64(value&1)
}

func (u *unpacker) textValue() string {
	n := int(u.uvarint()) //nolint:gosec // G115: pack wrote it
	u.at += n
	return u.text[u.at-n : u.at]
}

func (u *unpacker) amount() *int64 {
	if len(u.amounts) == 0 {
		u.amounts = make([]int64, unpackRows)
	}
	amount := &u.amounts[0]
	u.amounts = u.amounts[1:]
	*amount = u.varint()
	return amount
}

func (u *unpacker) texts(n int) []string {
	if len(u.tokens) < n {
		u.tokens = make([]string, max(n, unpackRows))
	}
	texts := u.tokens[:n:n]
	u.tokens = u.tokens[n:]
	for i := range texts {
		texts[i] = u.textValue()
	}
	return texts
}
