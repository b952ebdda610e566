package card

import (
	"cmp"
	"slices"
	"strings"
	"time"

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
	counts  []tokenCount // of each token
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

// tokenCount is what is known of a token. Neither names nor ids are counted on
// once the token is shared by too many.
type tokenCount struct {
	first int64  // earliest record, microseconds since 1970
	names uint32 // different names it was stated with
	ids   uint32 // different external ids
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
		known, fresh := r.sets.add(r.set, at, source)
		if fresh {
			r.countIDs()
		} else if at < known.at || at == known.at && rec.Source < r.sources[known.source] {
			known.at, known.source = at, source
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
		if int(n) == len(r.counts) {
			r.counts = append(r.counts, tokenCount{first: at})
		}
		r.counts[n].first = min(r.counts[n].first, at)
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
				r.counts[t.n].ids++
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
			key := identity.NameKey(name)
			if key == "" {
				return
			}
			hash, known = hashText(key), true
		}
		if r.pairs.add(mix(t.hash+1) ^ hash) {
			r.counts[t.n].names++
		}
	}
}

// over reports whether a value is shared by too many to link anything.
func (r *Resolver) over(n int32) bool {
	limit, count := max(r.options.MaxShared, 0), r.counts[n]
	return int(count.names) > limit || int(count.ids) > limit
}
