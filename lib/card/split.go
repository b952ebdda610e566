package card

import (
	"cmp"
	"slices"
)

// label names a part of a split.
type label struct{ split, part int }

// part does what the split lists say: where one client holds tokens of different
// parts of a split, everything of that client is joined anew, earliest first, but
// for what would bring two parts together.
func (w *resolution) part() {
	labels := map[int32][]label{} // of tokens, then of roots
	for split, parts := range w.split {
		for part, tokens := range parts {
			for _, n := range tokens {
				labels[n] = append(labels[n], label{split, part})
			}
		}
	}
	torn := w.torn(labels)
	if len(torn) == 0 {
		return
	}
	again := make([]bool, len(w.parent))
	for i := range again {
		again[i] = torn[w.find(int32(i))] //nolint:gosec // G115: as in tokenTable.add
	}
	for i := range again {
		if again[i] {
			w.parent[i] = int32(i) //nolint:gosec // G115: as above
			w.marks[i] |= markTorn
			if len(labels[int32(i)]) > 0 { //nolint:gosec // G115: as above
				w.marks[i] |= markSplit
			}
		}
	}
	w.links = slices.DeleteFunc(w.links, func(l link) bool { return again[l.token] })
	w.joinApart(again, labels)
}

// torn is the roots of the clients that hold different parts of one split.
func (w *resolution) torn(labels map[int32][]label) map[int32]bool {
	torn, held := map[int32]bool{}, map[int32][]label{}
	for n, of := range labels {
		root := w.find(n)
		if conflict(held[root], of) {
			torn[root] = true
		}
		held[root] = append(held[root], of...)
	}
	return torn
}

func conflict(a, b []label) bool {
	for _, x := range a {
		for _, y := range b {
			if x.split == y.split && x.part != y.part {
				return true
			}
		}
	}
	return false
}

// joinApart joins the tokens of torn clients anew: what the owner merges first,
// since his word goes before the records, then references with whom they are led
// to, since a client may be named by one, then records by time.
func (w *resolution) joinApart(again []bool, labels map[int32][]label) {
	join := func(l link) bool {
		a, b := w.find(l.token), w.find(l.with)
		if a != b && conflict(labels[a], labels[b]) {
			return false
		}
		w.join(l)
		if a != b {
			root := w.find(a)
			labels[root] = union(labels[a], labels[b])
		}
		return true
	}
	for _, list := range w.merge {
		for i := 1; i < len(list); i++ {
			if again[list[i]] {
				join(link{token: list[i], with: list[0], set: byMerge})
			}
		}
	}
	var leads []link
	for _, l := range w.leads {
		if l.token >= 0 && again[l.token] {
			leads = append(leads, l)
		}
	}
	slices.SortFunc(leads, func(a, b link) int {
		return cmp.Or(cmp.Compare(w.sets.at[a.set], w.sets.at[b.set]), cmp.Compare(a.token, b.token))
	})
	for _, l := range leads {
		join(l)
	}
	var groups []int32 // of the tokens of one record: one of each client
	for _, set := range w.order {
		groups = groups[:0]
		for _, n := range w.sets.of(set) {
			if !again[n] || !w.mayLink(n) {
				continue
			}
			if !slices.ContainsFunc(groups, func(with int32) bool { return join(link{token: n, with: with, set: set}) }) {
				groups = append(groups, n)
			}
		}
	}
}

// union is the labels of two clients that became one, each once.
func union(a, b []label) []label {
	all := slices.Clone(a)
	for _, l := range b {
		if !slices.Contains(all, l) {
			all = append(all, l)
		}
	}
	return all
}
