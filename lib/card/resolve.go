package card

import (
	"cmp"
	"encoding/binary"
	"hash/maphash"
	"slices"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/identity"
)

// Resolver finds out which tokens belong to one client (metrics, "Identity"):
// tokens that one event states are one client's, unless a value is shared by too
// many. Memory is proportional to the number of different tokens and of
// different sets of them. The result does not depend on the order of Add. Not
// safe for concurrent use.
type Resolver struct {
	maxShared  int
	emailLinks bool
	seed       maphash.Seed
	index      map[string]int32
	tokens     []tokenState
	// The sets of two or more tokens that events stated, each as its numbers in
	// four bytes. They are joined only at the end: by then it is known which
	// tokens link nothing, and those must not part the others of their set.
	sets    map[string]struct{}
	scratch []byte
}

type tokenState struct {
	token string
	first time.Time
	ids   map[uint64]struct{} // external ids it was stated with; nil once over the limit
	names map[uint64]struct{} // names, likewise
	over  bool
}

// NewResolver makes a resolver. A value stated with more than maxShared different
// names, or a phone, e-mail or card with more than maxShared external ids, links
// nothing. Without emailLinks no e-mail links.
func NewResolver(maxShared int, emailLinks bool) *Resolver {
	return &Resolver{
		maxShared: maxShared, emailLinks: emailLinks, seed: maphash.MakeSeed(),
		index: map[string]int32{}, sets: map[string]struct{}{},
	}
}

// Add states that the tokens stood in one event at a time, with a name or
// without one.
func (r *Resolver) Add(at time.Time, tokens []string, name string) {
	r.scratch = r.scratch[:0]
	for _, token := range tokens {
		i := r.at(token, at)
		r.scratch = binary.BigEndian.AppendUint32(r.scratch, uint32(i)) //nolint:gosec // G115: never negative
	}
	if _, known := r.sets[string(r.scratch)]; !known && len(tokens) > 1 {
		r.sets[string(r.scratch)] = struct{}{}
	}
	name = strings.ToLower(strings.ReplaceAll(strings.Join(strings.Fields(name), " "), "ё", "е"))
	for _, token := range tokens {
		state := &r.tokens[r.index[token]]
		if state.over {
			continue
		}
		if name != "" {
			state.names = r.share(state.names, name)
		}
		if identity.Token(token).Kind() != identity.KindExternal {
			for _, other := range tokens {
				if identity.Token(other).Kind() == identity.KindExternal {
					state.ids = r.share(state.ids, other)
				}
			}
		}
		if len(state.names) > r.maxShared || len(state.ids) > r.maxShared {
			state.over, state.names, state.ids = true, nil, nil
		}
	}
}

func (r *Resolver) at(token string, at time.Time) int32 {
	i, ok := r.index[token]
	if !ok {
		i = int32(len(r.tokens)) //nolint:gosec // G115: two billion tokens do not fit one night
		r.index[token] = i
		r.tokens = append(r.tokens, tokenState{token: token, first: at})
		return i
	}
	if at.Before(r.tokens[i].first) {
		r.tokens[i].first = at
	}
	return i
}

func (r *Resolver) share(with map[uint64]struct{}, text string) map[uint64]struct{} {
	if with == nil {
		with = make(map[uint64]struct{}, 1)
	}
	with[maphash.String(r.seed, text)] = struct{}{}
	return with
}

// Resolve groups the tokens into clients.
func (r *Resolver) Resolve() *Clients {
	parent := make([]int32, len(r.tokens))
	for i := range parent {
		parent[i] = int32(i)
	}
	find := func(i int32) int32 {
		for parent[i] != i {
			parent[i] = parent[parent[i]]
			i = parent[i]
		}
		return i
	}
	for set := range r.sets {
		previous := int32(-1)
		for at := 0; at < len(set); at += 4 {
			i := int32(binary.BigEndian.Uint32([]byte(set[at : at+4]))) //nolint:gosec // G115: as in at
			if !r.mayLink(i) {
				continue
			}
			if previous >= 0 {
				a, b := find(previous), find(i)
				parent[max(a, b)] = min(a, b)
			}
			previous = i
		}
	}
	// The client's id is its oldest token.
	oldest := make([]int32, len(r.tokens))
	for i := range oldest {
		oldest[i] = -1
	}
	for i := range r.tokens {
		root := find(int32(i))
		if o := oldest[root]; o < 0 || r.older(int32(i), o) {
			oldest[root] = int32(i)
		}
	}
	c := &Clients{ids: make(map[string]string, len(r.tokens)), tokens: map[string][]string{}, shared: map[string]bool{}}
	for i, state := range r.tokens {
		id := r.tokens[oldest[find(int32(i))]].token
		c.ids[state.token] = id
		c.tokens[id] = append(c.tokens[id], state.token)
		if !r.mayLink(int32(i)) {
			c.shared[state.token] = true
		}
	}
	for _, tokens := range c.tokens {
		slices.Sort(tokens)
	}
	return c
}

func (r *Resolver) mayLink(i int32) bool {
	state := &r.tokens[i]
	return !state.over && (r.emailLinks || identity.Token(state.token).Kind() != identity.KindEmail)
}

func (r *Resolver) older(a, b int32) bool {
	x, y := r.tokens[a], r.tokens[b]
	return cmp.Or(x.first.Compare(y.first), strings.Compare(x.token, y.token)) < 0
}

// Clients is the result of a resolution: every token's client. It is read-only
// and safe for concurrent use.
type Clients struct {
	ids    map[string]string
	tokens map[string][]string
	shared map[string]bool // tokens that link nothing
}

// Len is the number of clients.
func (c *Clients) Len() int { return len(c.tokens) }

// Of is the client of a token; empty for an unknown or empty token.
func (c *Clients) Of(token string) string { return c.ids[token] }

// OfEvent is the client of an event's tokens: that of the first token which is
// not shared by too many, else of the first; empty for no tokens.
func (c *Clients) OfEvent(tokens []string) string {
	for _, token := range tokens {
		if !c.shared[token] {
			return c.ids[token]
		}
	}
	if len(tokens) == 0 {
		return ""
	}
	return c.ids[tokens[0]]
}

// Shared reports whether a token links nothing: it is not one person's own.
func (c *Clients) Shared(token string) bool { return c.shared[token] }

// Tokens returns the tokens of a client, sorted, its own id among them.
func (c *Clients) Tokens(client string) []string { return c.tokens[client] }

// IDs returns all client ids in order.
func (c *Clients) IDs() []string {
	ids := make([]string, 0, len(c.tokens))
	for id := range c.tokens {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}
