package card

import (
	"cmp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/leadlake/leadlake/lib/identity"
)

// ResolverOptions says when tokens are one client beside being stated together.
type ResolverOptions struct {
	// MaxShared is with how many different names a value still links, and with how
	// many external ids a phone, e-mail or card does.
	MaxShared int
	// EmailLinks false: e-mails link nothing.
	EmailLinks bool
	// Merge lists tokens that are one client whatever the guards say.
	Merge [][]string
	// Split lists parts whose tokens are never one client, whatever the rules and
	// Merge say. What stands in no part goes with whom it was first stated with.
	Split [][][]string
}

// Record is what one event says about who it is of.
type Record struct {
	At     time.Time
	Tokens []string // as stated; an empty one says nothing
	Name   string   // as stated; empty: none
	Source string   // who said so
}

// Resolver finds out which tokens belong to one client (metrics, "Identity"):
// tokens of one record are one client's, unless a value is shared by too many.
// References (identity.KindReference) are led to a client and never join two.
// The result is a function of the set of records, not of the order of Add; times
// count in microseconds. Memory is proportional to the number of different tokens
// and of different sets of them. Not safe for concurrent use.
type Resolver struct {
	options ResolverOptions
	tokens  tokenTable
	first   []int64 // of each token: earliest record, microseconds since 1970
	names   []uint32
	ids     []uint32 // external ids it stood with; both are not counted beyond the limit
	// The sets of two or more tokens that records stated. They are joined only at
	// the end: by then it is known which tokens link nothing, and those must not
	// part the others of their set.
	sets     recordSets
	pairs    pairSet // (token, name) and (token, external id)
	sources  []string
	sourceOf map[string]int32

	seen []seenToken // of the record being added
	set  []int32
}

type seenToken struct {
	n    int32
	kind byte
	hash uint64
}

// NewResolver makes a resolver without records.
func NewResolver(options ResolverOptions) *Resolver {
	return &Resolver{options: options, sourceOf: map[string]int32{}}
}

// Add takes a record into account. Nothing of it is kept but copies.
func (r *Resolver) Add(rec Record) {
	at := rec.At.UnixMicro()
	r.see(rec.Tokens, at)
	if len(r.seen) > 1 {
		r.set = r.set[:0]
		for _, t := range r.seen {
			r.set = append(r.set, t.n)
		}
		source := r.sourceNumber(rec.Source)
		set, fresh := r.sets.add(r.set, at, source)
		if fresh {
			r.countIDs()
		} else if known := r.sets.at[set]; at < known || at == known && rec.Source < r.sources[r.sets.source[set]] {
			r.sets.at[set], r.sets.source[set] = at, source
		}
	}
	r.countName(rec.Name)
}

// see numbers the different tokens of a record, in the order of numbers.
func (r *Resolver) see(tokens []string, at int64) {
	r.seen = r.seen[:0]
	for _, token := range tokens {
		if token == "" {
			continue
		}
		hash := hashText(token)
		n := r.tokens.add(token, hash)
		if int(n) == len(r.first) {
			r.first, r.names, r.ids = append(r.first, at), append(r.names, 0), append(r.ids, 0)
		}
		r.first[n] = min(r.first[n], at)
		r.seen = append(r.seen, seenToken{n: n, kind: token[0], hash: hash})
	}
	slices.SortFunc(r.seen, func(a, b seenToken) int { return cmp.Compare(a.n, b.n) })
	r.seen = slices.CompactFunc(r.seen, func(a, b seenToken) bool { return a.n == b.n })
}

func (r *Resolver) sourceNumber(source string) int32 {
	n, ok := r.sourceOf[source]
	if !ok {
		n = int32(len(r.sources)) //nolint:gosec // G115: a handful
		r.sources = append(r.sources, strings.Clone(source))
		r.sourceOf[r.sources[n]] = n
	}
	return n
}

// countIDs counts the external ids that each phone, e-mail and card stood with.
func (r *Resolver) countIDs() {
	for _, t := range r.seen {
		if t.kind == identity.KindExternal || t.kind == identity.KindReference {
			continue
		}
		for _, other := range r.seen {
			if r.over(t.n) {
				break
			}
			if other.kind == identity.KindExternal && r.pairs.add(mix(t.hash)^other.hash) {
				r.ids[t.n]++
			}
		}
	}
}

// countName counts the different names that each value was stated with.
func (r *Resolver) countName(name string) {
	hash, known := uint64(0), false
	for _, t := range r.seen {
		if t.kind == identity.KindReference || r.over(t.n) {
			continue
		}
		if !known {
			key := nameKey(name)
			if key == "" {
				return
			}
			hash, known = hashText(key), true
		}
		if r.pairs.add(mix(t.hash+1) ^ hash) {
			r.names[t.n]++
		}
	}
}

// over reports whether a value is shared by too many to link anything.
func (r *Resolver) over(n int32) bool {
	limit := max(r.options.MaxShared, 0)
	return int(r.names[n]) > limit || int(r.ids[n]) > limit
}

// nameKey is a name as names are compared: letter case, ё, the order of words and
// what stands between them do not count.
func nameKey(name string) string {
	if name == "" {
		return ""
	}
	words := strings.FieldsFunc(strings.ReplaceAll(strings.ToLower(name), "ё", "е"), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.Is(unicode.M, r)
	})
	slices.Sort(words)
	return strings.Join(words, " ")
}
