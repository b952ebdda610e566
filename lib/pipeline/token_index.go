package pipeline

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"

	"github.com/leadlake/leadlake/lib/analytics"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/lake/columnar"
)

// ErrNoClients says that no night has written down yet whose tokens are.
var ErrNoClients = errors.New("pipeline: no night has found the clients yet; run one first")

// tokenIndex is the clients as the last night wrote them down: every token's client.
// A token costs some thirty-five bytes, its text among them. It is read-only and safe
// for concurrent use.
type tokenIndex struct {
	deciders deciders

	tokens column   // rising
	places places   // where to look in it
	client []int32  // of each token
	ids    []uint32 // of each client: the token that is his id
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
	var err error
	if t.places, err = placesOf(&t.tokens); err != nil {
		return nil, err
	}
	t.client = make([]int32, 0, t.tokens.n)
	clients := int32(0)
	for ids, err := range textsOf(ctx, file, "client_id") {
		if err != nil {
			return nil, err
		}
		for i := range ids.Len() {
			id := ids.Value(i)
			if t.tokens.at(len(t.client)) == id {
				t.client = append(t.client, clients)
				clients++
				continue
			}
			of, ok := t.find(id)
			if !ok {
				return nil, errors.New("a client's id is none of the tokens")
			}
			t.client = append(t.client, -1-int32(of)) //nolint:gosec // G115: the client of that token
		}
	}
	t.ids = make([]uint32, 0, clients)
	for i, of := range t.client {
		if of >= 0 {
			t.ids = append(t.ids, uint32(i))
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

// found implements owners: the ids of clients are kept.
func (t *tokenIndex) found() { t.client, t.places = nil, places{} }

// Len implements analytics.Clients.
func (t *tokenIndex) Len() int { return len(t.ids) }

// ID implements analytics.Clients.
func (t *tokenIndex) ID(number int) string { return t.tokens.at(int(t.ids[number])) }

// AppendIDs appends the ids of clients to data, and where each ends. Clients in any
// order lie anywhere in memory: each step is done for all before the next.
func (t *tokenIndex) AppendIDs(numbers []uint32, data []byte, ends []uint32) ([]byte, []uint32) {
	const many = 256
	var tokens [many]uint32
	for len(numbers) > 0 {
		n := min(len(numbers), many)
		for i, number := range numbers[:n] {
			tokens[i] = t.ids[number]
		}
		for _, token := range tokens[:n] {
			data = append(data, t.tokens.at(int(token))...)
			ends = append(ends, uint32(len(data))) //nolint:gosec // G115: a block of a table
		}
		numbers = numbers[n:]
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

func (t *tokenIndex) find(token string) (int, bool) {
	if t.tokens.n == 0 {
		return 0, false
	}
	place := t.places.of(token)
	return t.tokens.find(token, t.places.begins[place], t.places.begins[place+1])
}

// lookUp is Alone for many tokens: askAll in the place of one that does not decide. Each
// step is done for some dozen tokens before the next, so that the memory of all is waited
// for at once.
func (t *tokenIndex) lookUp(tokens columnar.Texts, numbers []int32) {
	if t.tokens.n == 0 {
		for i := range numbers {
			numbers[i] = analytics.Nobody
		}
		return
	}
	const many = 64
	var texts [many]string
	var at, from, to [many]uint32
	var waited byte
	plain := t.Plain()
	for begin := 0; begin < len(numbers); begin += many {
		n := min(many, len(numbers)-begin)
		for i := range n {
			texts[i] = tokens.Value(begin + i)
			at[i] = t.places.of(texts[i])
		}
		for i := range n {
			from[i], to[i] = t.places.begins[at[i]], t.places.begins[at[i]+1]
		}
		for i := range n {
			if from[i] < to[i] && t.tokens.width > 0 {
				waited |= t.tokens.text[int(from[i])*t.tokens.width] | t.tokens.text[int(to[i])*t.tokens.width-1]
			}
		}
		for i := range n {
			number := int32(analytics.Nobody)
			if token, ok := t.tokens.find(texts[i], from[i], to[i]); ok {
				if number = t.client[token]; !plain && !t.decides(texts[i]) {
					number = askAll
				}
			}
			numbers[begin+i] = number
		}
	}
	runtime.KeepAlive(waited)
}

// decides tells whether a token that stands first says alone whose an order is.
func (t *tokenIndex) decides(token string) bool {
	return !t.deciders.shared[token] && (len(t.deciders.split) == 0 || t.deciders.split[token])
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
