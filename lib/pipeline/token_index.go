package pipeline

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/bits"
	"strings"

	"github.com/leadlake/leadlake/lib/analytics"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/lake/columnar"
)

// ErrNoClients says that no night has written down yet whose tokens are.
var ErrNoClients = errors.New("pipeline: no night has found the clients yet; run one first")

// tokenIndex is the clients as the last night wrote them down: every token's client.
// A token costs some fifty bytes, its text among them. It is read-only and safe for
// concurrent use.
type tokenIndex struct {
	deciders deciders

	tokens column
	client []int32  // of each token
	ids    []uint32 // of each client: the token that is his id
	slots  []uint64 // open addressing: upper half of the hash, then number + 1; 0 is free
}

// column is texts one after the other.
type column struct {
	text  string
	n     int
	width int      // of every text; 0: they differ, and ends say where each ends
	ends  []uint32 // text i is text[ends[i-1]:ends[i]]
}

func (c *column) at(i int) string {
	if c.width > 0 {
		return c.text[i*c.width : (i+1)*c.width]
	}
	from := uint32(0)
	if i > 0 {
		from = c.ends[i-1]
	}
	return c.text[from:c.ends[i]]
}

// columnBuilder makes a column. A keyed token has as many letters as every other.
type columnBuilder struct {
	text   strings.Builder
	expect int // how many there will be
	n      int
	width  int
	ends   []uint32
}

func (b *columnBuilder) add(text string) {
	switch {
	case b.n == 0 && text != "":
		b.width = len(text)
		b.text.Grow(b.expect * b.width)
	case b.width > 0 && len(text) != b.width:
		for i := range b.n {
			b.ends = append(b.ends, uint32((i+1)*b.width)) //nolint:gosec // G115: as below
		}
		b.width = 0
	}
	b.text.WriteString(text)
	b.n++
	if b.width == 0 {
		b.ends = append(b.ends, uint32(b.text.Len())) //nolint:gosec // G115: 4 GB of tokens are 150 million
	}
}

func (b *columnBuilder) column() column {
	return column{text: b.text.String(), n: b.n, width: b.width, ends: b.ends}
}

// tokenIndex reads lake/people/tokens.
func (p *Pipeline) tokenIndex(ctx context.Context) (*tokenIndex, error) {
	run, err := lake.Current(ctx, p.store)
	if err != nil && !errors.Is(err, lake.ErrNoRun) {
		return nil, err
	}
	file, err := openFile(ctx, p.store, tokensKey)
	if err != nil {
		return nil, err
	}
	if file == nil {
		return nil, ErrNoClients
	}
	index, err := readTokenIndex(ctx, file.File)
	if err == nil {
		err = file.unchanged(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("pipeline: read %s: %w", tokensKey, file.fault(ctx, err))
	}
	index.deciders, err = p.decidersOf(ctx, run)
	return index, err
}

// readTokenIndex reads the file twice: the tokens first, then whose they are, since a
// client's id may be any of his tokens.
func readTokenIndex(ctx context.Context, file *columnar.File) (*tokenIndex, error) {
	var t tokenIndex
	var tokens columnBuilder
	for _, rows := range file.GroupRows() {
		tokens.expect += int(rows)
	}
	for texts, err := range textsOf(ctx, file, "token") {
		if err != nil {
			return nil, err
		}
		for i := range texts.Len() {
			tokens.add(texts.Value(i))
		}
	}
	t.tokens = tokens.column()
	n := t.tokens.n
	t.slots = make([]uint64, n+n/4+1)
	for i := range n {
		t.insert(i)
	}
	t.client = make([]int32, 0, n)
	for ids, err := range textsOf(ctx, file, "client_id") {
		if err != nil {
			return nil, err
		}
		for i := range ids.Len() {
			id := ids.Value(i)
			if t.tokens.at(len(t.client)) == id {
				t.ids = append(t.ids, uint32(len(t.client)))     //nolint:gosec // G115: numbers of 32 bits
				t.client = append(t.client, int32(len(t.ids)-1)) //nolint:gosec // G115: likewise
				continue
			}
			of, ok := t.find(id)
			if !ok {
				return nil, errors.New("a client's id is none of the tokens")
			}
			t.client = append(t.client, -1-int32(of)) //nolint:gosec // G115: the client of that token
		}
	}
	for i, of := range t.client {
		if of >= 0 {
			continue
		}
		if t.client[i] = t.client[-1-of]; t.client[i] < 0 {
			return nil, errors.New("a client's id is a token of another")
		}
	}
	return &t, nil
}

// forgetTokens keeps the ids of clients alone, when every token has been looked up.
func (t *tokenIndex) forgetTokens() { t.client, t.slots = nil, nil }

// Len implements analytics.Clients.
func (t *tokenIndex) Len() int { return len(t.ids) }

// ID implements analytics.Clients.
func (t *tokenIndex) ID(number int) string { return t.tokens.at(int(t.ids[number])) }

// AppendIDs appends the ids of clients to data, and where each ends. Clients in any
// order lie anywhere in memory: each step is done for all before the next.
func (t *tokenIndex) AppendIDs(numbers []uint32, data []byte, ends []uint32) ([]byte, []uint32) {
	tokens := make([]uint32, len(numbers))
	for i, number := range numbers {
		tokens[i] = t.ids[number]
	}
	for _, token := range tokens {
		data = append(data, t.tokens.at(int(token))...)
		ends = append(ends, uint32(len(data))) //nolint:gosec // G115: a block of a table
	}
	return data, ends
}

// Plain implements owners.
func (t *tokenIndex) Plain() bool { return len(t.deciders.shared)+len(t.deciders.split) == 0 }

// Number implements owners.
func (t *tokenIndex) Number(tokens []string) int {
	if len(tokens) == 0 {
		return -1
	}
	at, ok := t.find(t.deciders.of(tokens[0], tokens[1:]))
	if !ok {
		return -1
	}
	return int(t.client[at])
}

// OfEvent is the id of the client of an order's tokens; a token that no night has
// seen yet is a client of its own. Empty for no tokens.
func (t *tokenIndex) OfEvent(tokens []string) string {
	if len(tokens) == 0 {
		return ""
	}
	token := t.deciders.of(tokens[0], tokens[1:])
	if at, ok := t.find(token); ok {
		return t.ID(int(t.client[at]))
	}
	return token
}

func (t *tokenIndex) insert(token int) {
	hash := hashToken(t.tokens.at(token))
	at := t.slot(hash)
	for t.slots[at] != 0 {
		at = t.after(at)
	}
	t.slots[at] = hash&^(1<<32-1) | uint64(token+1) //nolint:gosec // G115: a number of 32 bits
}

// slot is where a hash is looked for first, by its upper half as a fraction of the table.
func (t *tokenIndex) slot(hash uint64) int {
	high, _ := bits.Mul64(hash<<7|hash>>57, uint64(len(t.slots)))
	return int(high) //nolint:gosec // G115: below the length
}

func (t *tokenIndex) after(slot int) int {
	if slot++; slot == len(t.slots) {
		return 0
	}
	return slot
}

func (t *tokenIndex) find(token string) (int, bool) {
	if len(t.slots) == 0 {
		return 0, false
	}
	hash := hashToken(token)
	for at := t.slot(hash); t.slots[at] != 0; at = t.after(at) {
		if slot := t.slots[at]; (slot^hash)>>32 == 0 {
			if n := int(uint32(slot)) - 1; t.tokens.at(n) == token { //nolint:gosec // G115: the lower half is meant
				return n, true
			}
		}
	}
	return 0, false
}

// lookUp is Alone for many tokens: askAll in the place of one that does not decide. Each
// step is done for some dozen tokens before the next, so that the memory of all is waited
// for at once.
func (t *tokenIndex) lookUp(tokens columnar.Texts, numbers []int32) {
	if len(t.slots) == 0 {
		for i := range numbers {
			numbers[i] = analytics.Nobody
		}
		return
	}
	const many = 64
	var texts [many]string
	var hashes, slots [many]uint64
	var last [many]byte
	plain := t.Plain()
	for from := 0; from < len(numbers); from += many {
		n := min(many, len(numbers)-from)
		for i := range n {
			texts[i] = tokens.Value(from + i)
			hashes[i] = hashToken(texts[i])
		}
		for i := range n {
			slots[i] = t.slots[t.slot(hashes[i])]
		}
		for i := range n {
			if at := uint32(slots[i]); at > 0 && t.tokens.width > 0 { //nolint:gosec // G115: the lower half is meant
				last[i] = t.tokens.text[int(at)*t.tokens.width-1]
			}
		}
		for i := range n {
			at, ok := int(uint32(slots[i]))-1, (slots[i]^hashes[i])>>32 == 0 //nolint:gosec // G115: likewise
			if w := t.tokens.width; !ok || at < 0 || w == 0 || len(texts[i]) != w || last[i] != texts[i][w-1] || t.tokens.at(at) != texts[i] {
				at, ok = t.find(texts[i])
			}
			numbers[from+i] = analytics.Nobody
			if ok {
				numbers[from+i] = t.client[at]
				if !plain && !t.decides(texts[i]) {
					numbers[from+i] = askAll
				}
			}
		}
	}
}

// decides tells whether a token that stands first says alone whose an order is.
func (t *tokenIndex) decides(token string) bool {
	return !t.deciders.shared[token] && (len(t.deciders.split) == 0 || t.deciders.split[token])
}

// hashToken mixes the last bytes of a token, which are random in every keyed one.
func hashToken(token string) uint64 {
	const golden = 0x9E3779B97F4A7C15
	hash := uint64(len(token))
	for len(token) >= 8 {
		b := token[len(token)-8:]
		eight := uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 | // one load
			uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
		hash = (hash ^ eight) * golden
		hash ^= hash >> 29
		token = token[:len(token)-8]
	}
	for i := range len(token) {
		hash = (hash ^ uint64(token[i])) * golden
	}
	return hash ^ hash>>32
}

// textsOf yields a plain text column.
func textsOf(ctx context.Context, file *columnar.File, column string) iter.Seq2[columnar.Texts, error] {
	return func(yield func(columnar.Texts, error) bool) {
		for rec, err := range file.Records(ctx, column) {
			var texts columnar.Texts
			if err == nil {
				texts, err = columnar.PlainTexts(rec, column)
			}
			if !yield(texts, err) || err != nil {
				return
			}
		}
	}
}
