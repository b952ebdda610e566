package card

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strings"

	"github.com/leadlake/leadlake/lib/identity"
	"github.com/leadlake/leadlake/lib/schema"
)

// mark says what a token may not do, or decides.
type mark uint8

const (
	markShared    mark = 1 << iota // by too many names or ids: links nothing
	markEmailOff                   // an e-mail where e-mails link nothing
	markReference                  // never joins two clients
	markSeveral                    // a reference that several clients have part in
	markTorn                       // of what would be one client but for a split
	markSplit                      // torn, and named in a part
)

// marksShared are those of a token that is not one person's own.
const marksShared = markShared | markEmailOff | markSeveral

// link says why a token belongs to the client of another.
type link struct {
	token, with int32
	set         int32 // the records that say so; byMerge: the owner
}

const byMerge = -1

// resolution is the work of one Resolve. Its tokens are numbered in the order of
// their texts, so that comparing numbers compares texts.
type resolution struct {
	tokens *tokenTable
	first  []int64
	marks  []mark
	sets   recordSets
	order  []int32 // of sets, by time, then members
	merge  [][]int32
	split  [][][]int32

	references, referencesEnd int32  // r tokens are neighbours
	leads                     []link // of each reference: whom it is led to; token −1: nobody
	parent                    []int32
	links                     []link // what joined, a spanning forest
}

// Resolve groups the tokens into clients. The resolver is used up.
func (r *Resolver) Resolve() *Clients {
	work, unknown := r.sorted()
	sources := r.sources
	*r = Resolver{}
	work.lead()
	work.unite()
	work.part()
	return work.clients(sources, unknown)
}

// sorted numbers the tokens anew, in the order of their texts, and the records in
// the order of time.
func (r *Resolver) sorted() (work *resolution, unknown []string) {
	w := &resolution{sets: r.sets}
	w.sets.slots, r.pairs = nil, pairSet{}
	rank := r.sortTokens(w)
	for i, n := range w.sets.members {
		w.sets.members[i] = rank[n]
	}
	type timed struct {
		at  int64
		set int32
	}
	sets := make([]timed, len(w.sets.ends))
	for i := range sets {
		set := int32(i) //nolint:gosec // G115: as in recordSets.add
		slices.Sort(w.sets.of(set))
		sets[i] = timed{w.sets.at[i], set}
	}
	slices.SortFunc(sets, func(a, b timed) int {
		if a.at != b.at {
			return cmp.Compare(a.at, b.at)
		}
		return slices.Compare(w.sets.of(a.set), w.sets.of(b.set))
	})
	w.order = make([]int32, len(sets))
	for i, s := range sets {
		w.order[i] = s.set
	}
	known := func(list []string) (numbers []int32) {
		for _, token := range list {
			if n, ok := w.tokens.find(token); ok {
				numbers = append(numbers, n)
			} else {
				unknown = append(unknown, token)
			}
		}
		return numbers
	}
	for _, list := range r.options.Merge {
		w.merge = append(w.merge, known(list))
	}
	for _, split := range r.options.Split {
		parts := make([][]int32, len(split))
		for i, part := range split {
			parts[i] = known(part)
		}
		w.split = append(w.split, parts)
	}
	slices.Sort(unknown)
	return w, slices.Compact(unknown)
}

// sortTokens fills w's tokens and returns each token's new number.
func (r *Resolver) sortTokens(w *resolution) (rank []int32) {
	type prefixed struct {
		prefix uint64 // the text's first eight bytes tell nearly all apart
		n      int32
	}
	old := make([]prefixed, r.tokens.len())
	for i := range old {
		var first [8]byte
		copy(first[:], r.tokens.at(int32(i)))                          //nolint:gosec // G115: as in tokenTable.add
		old[i] = prefixed{binary.BigEndian.Uint64(first[:]), int32(i)} //nolint:gosec // G115: as above
	}
	slices.SortFunc(old, func(a, b prefixed) int {
		if a.prefix != b.prefix {
			return cmp.Compare(a.prefix, b.prefix)
		}
		return strings.Compare(r.tokens.at(a.n), r.tokens.at(b.n))
	})
	rank = make([]int32, len(old))
	w.tokens = &tokenTable{ends: make([]uint32, 0, len(old)), slots: r.tokens.slots}
	w.tokens.text.Grow(r.tokens.text.Len())
	w.first, w.marks = make([]int64, len(old)), make([]mark, len(old))
	for i, o := range old {
		rank[o.n] = int32(i) //nolint:gosec // G115: as above
		token := r.tokens.at(o.n)
		w.tokens.text.WriteString(token)
		w.tokens.ends = append(w.tokens.ends, uint32(w.tokens.text.Len())) //nolint:gosec // G115: as above
		w.first[i], w.marks[i] = r.first[o.n], r.markOf(o.n, token[0])
		if token[0] == identity.KindReference {
			if w.referencesEnd == 0 {
				w.references = int32(i) //nolint:gosec // G115: as above
			}
			w.referencesEnd = int32(i) + 1 //nolint:gosec // G115: as above
		}
	}
	for i, entry := range w.tokens.slots {
		if entry != 0 {
			w.tokens.slots[i] = entry>>32<<32 | uint64(rank[uint32(entry)-1]+1) //nolint:gosec // G115: as above
		}
	}
	return rank
}

func (r *Resolver) markOf(n int32, kind byte) mark {
	switch {
	case kind == identity.KindReference:
		return markReference
	case r.over(n):
		return markShared
	case kind == identity.KindEmail && !r.options.EmailLinks:
		return markEmailOff
	}
	return 0
}

// mayLink reports whether a token joins those it was stated with.
func (w *resolution) mayLink(n int32) bool {
	return w.marks[n]&(markShared|markEmailOff|markReference) == 0
}

func (w *resolution) find(n int32) int32 {
	for w.parent[n] != n {
		w.parent[n] = w.parent[w.parent[n]]
		n = w.parent[n]
	}
	return n
}

// join makes two tokens one client's and keeps why, unless they are already.
func (w *resolution) join(l link) {
	a, b := w.find(l.token), w.find(l.with)
	if a != b {
		w.parent[max(a, b)] = min(a, b)
		w.links = append(w.links, l)
	}
}

// unite joins what was stated together, earliest first, then leads references,
// then does what the owner's lists say.
func (w *resolution) unite() {
	w.parent = make([]int32, len(w.first))
	for i := range w.parent {
		w.parent[i] = int32(i) //nolint:gosec // G115: as in tokenTable.add
	}
	for _, set := range w.order {
		with := int32(-1)
		for _, n := range w.sets.of(set) {
			switch {
			case !w.mayLink(n):
			case with < 0:
				with = n
			default:
				w.join(link{token: n, with: with, set: set})
			}
		}
	}
	for _, l := range w.leads {
		if l.token >= 0 {
			w.join(l)
		}
	}
	for _, list := range w.merge {
		for i := 1; i < len(list); i++ {
			w.join(link{token: list[i], with: list[0], set: byMerge})
		}
	}
}

// clients numbers the clients in the order of their ids.
func (w *resolution) clients(sources, unknown []string) *Clients {
	c := &Clients{tokens: w.tokens, first: w.first, marks: w.marks, client: make([]int32, len(w.first)), sources: sources, unknown: unknown}
	oldest := make([]int32, len(w.first)) // of each root
	for i := range oldest {
		oldest[i] = -1
	}
	for i, first := range w.first {
		root := w.find(int32(i)) //nolint:gosec // G115: as in tokenTable.add
		if o := oldest[root]; o < 0 || first < w.first[o] {
			oldest[root] = int32(i) //nolint:gosec // G115: as above
		}
	}
	number := make([]int32, len(w.first)) // of each root's client
	for i := range oldest {
		root := w.find(int32(i)) //nolint:gosec // G115: as above
		if oldest[root] == int32(i) {
			number[root] = int32(len(c.ids))  //nolint:gosec // G115: as above
			c.ids = append(c.ids, int32(i)) //nolint:gosec // G115: as above
		}
	}
	w.findSeveral()
	c.ends = make([]int32, len(c.ids)+1)
	for i := range c.client {
		c.client[i] = number[w.find(int32(i))] //nolint:gosec // G115: as above
		c.ends[c.client[i]+1]++
		c.used |= w.marks[i]
	}
	for i := range c.ids {
		c.ends[i+1] += c.ends[i]
	}
	c.members = make([]int32, len(c.client))
	next := slices.Clone(c.ends)
	for i, client := range c.client {
		c.members[next[client]] = int32(i) //nolint:gosec // G115: as above
		next[client]++
	}
	c.links = make([]reason, 0, len(w.links))
	for _, l := range w.links {
		why := reason{client: c.client[l.token], token: l.token, with: l.with, why: schema.LinkStated}
		if l.set == byMerge {
			// From then on there were two to be one.
			why.why, why.since, why.source = schema.LinkMerge, max(w.first[l.token], w.first[l.with]), -1
		} else {
			why.since, why.source = w.sets.at[l.set], w.sets.source[l.set]
		}
		c.links = append(c.links, why)
	}
	return c
}
