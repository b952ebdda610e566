package pipeline

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/bits"
	"strings"

	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/lake/columnar"
	"github.com/leadlake/leadlake/lib/objstore"
)

// ErrNoClients says that no night has written down yet whose tokens are.
var ErrNoClients = errors.New("pipeline: no night has found the clients yet; run one first")

// tokenIndex is the clients as the last night wrote them down: every token's client.
// A token costs some fifty bytes, its text among them. It is read-only and safe for
// concurrent use.
type tokenIndex struct {
	deciders deciders

	texts  string   // of all tokens, in order
	ends   []uint32 // token i is texts[ends[i-1]:ends[i]]
	client []int32  // of each token
	ids    []uint32 // of each client: the token that is its id
	slots  []uint64 // open addressing: upper half of the hash, then number + 1; 0 is free
}

// tokenIndex reads lake/people/tokens.
func (p *Pipeline) tokenIndex(ctx context.Context) (*tokenIndex, error) {
	run, err := lake.Current(ctx, p.store)
	if err != nil && !errors.Is(err, lake.ErrNoRun) {
		return nil, err
	}
	body, _, err := p.store.Get(ctx, tokensKey)
	if errors.Is(err, objstore.ErrNotExist) {
		return nil, ErrNoClients
	}
	if err != nil {
		return nil, fmt.Errorf("pipeline: read token index: %w", err)
	}
	index, err := readTokenIndex(ctx, body)
	if err != nil {
		return nil, fmt.Errorf("pipeline: read %s: %w", tokensKey, err)
	}
	index.deciders, err = p.decidersOf(ctx, run)
	return index, err
}

// readTokenIndex reads the file twice: the tokens first, then whose they are, since a
// client's id may be any of his tokens.
func readTokenIndex(ctx context.Context, body []byte) (*tokenIndex, error) {
	var t tokenIndex
	var all strings.Builder
	for texts, err := range textsOf(ctx, body, "token") {
		if err != nil {
			return nil, err
		}
		for i := range texts.Len() {
			all.WriteString(texts.Value(i))
			t.ends = append(t.ends, uint32(all.Len())) //nolint:gosec // G115: 4 GB of tokens are 150 million
		}
	}
	t.texts = all.String()
	n := len(t.ends)
	t.slots = make([]uint64, 1<<bits.Len(uint(n+n/3+1))) //nolint:gosec // G115: a count
	for i := range n {
		t.insert(i)
	}
	t.client = make([]int32, 0, n)
	for ids, err := range textsOf(ctx, body, "client_id") {
		if err != nil {
			return nil, err
		}
		for i := range ids.Len() {
			id := ids.Value(i)
			token := len(t.client)
			if t.text(token) == id {
				t.ids = append(t.ids, uint32(token)) //nolint:gosec // G115: a number of 32 bits
				t.client = append(t.client, int32(len(t.ids)-1))
				continue
			}
			of, ok := t.find(id)
			if !ok {
				return nil, errors.New("a client's id is none of the tokens")
			}
			t.client = append(t.client, -1-int32(of)) // the client of that token
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

// Len implements analytics.Clients.
func (t *tokenIndex) Len() int { return len(t.ids) }

// ID implements analytics.Clients.
func (t *tokenIndex) ID(number int) string { return t.text(int(t.ids[number])) }

// Plain implements owners.
func (t *tokenIndex) Plain() bool { return len(t.deciders.shared)+len(t.deciders.split) == 0 }

// Alone implements owners.
func (t *tokenIndex) Alone(token string) (number int, decides bool) {
	at, ok := t.find(token)
	if !ok {
		return -1, false
	}
	return int(t.client[at]), !t.deciders.shared[token] &&
		(len(t.deciders.split) == 0 || t.deciders.split[token])
}

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

func (t *tokenIndex) text(token int) string {
	from := uint32(0)
	if token > 0 {
		from = t.ends[token-1]
	}
	return t.texts[from:t.ends[token]]
}

func (t *tokenIndex) insert(token int) {
	hash := hashToken(t.text(token))
	mask := uint64(len(t.slots) - 1)
	at := hash & mask
	for t.slots[at] != 0 {
		at = (at + 1) & mask
	}
	t.slots[at] = hash&^(1<<32-1) | uint64(token+1) //nolint:gosec // G115: a number of 32 bits
}

func (t *tokenIndex) find(token string) (int, bool) {
	if len(t.slots) == 0 {
		return 0, false
	}
	hash := hashToken(token)
	mask := uint64(len(t.slots) - 1)
	for at := hash & mask; t.slots[at] != 0; at = (at + 1) & mask {
		if slot := t.slots[at]; (slot^hash)>>32 == 0 {
			if n := int(uint32(slot)) - 1; t.text(n) == token { //nolint:gosec // G115: the lower half is meant
				return n, true
			}
		}
	}
	return 0, false
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
func textsOf(ctx context.Context, body []byte, column string) iter.Seq2[columnar.Texts, error] {
	return func(yield func(columnar.Texts, error) bool) {
		for rec, err := range columnar.Records(ctx, body, column) {
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
