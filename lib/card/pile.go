package card

import "slices"

// joined is what a pile holds: things of which many say the same. Equal ones are
// joined into one, whatever the order they came in.
type joined[T any] interface {
	compare(other T) int
	join(other T) T
}

// glance is how many things of a pile are looked through before one is added.
// Most clients have no more.
const glance = 8

// put adds a thing to a pile. A pile is tidied whenever it is full, so its size
// follows what differs and not what was said.
func put[T joined[T]](pile []T, thing T) []T {
	for i := range pile[:min(len(pile), glance)] {
		if pile[i].compare(thing) == 0 {
			pile[i] = pile[i].join(thing)
			return pile
		}
	}
	if len(pile) >= glance && len(pile) == cap(pile) {
		if pile = tidy(pile); len(pile) > cap(pile)/2 {
			pile = slices.Grow(pile, len(pile))
		}
	}
	return append(pile, thing)
}

// tidy sorts a pile and joins what is equal.
func tidy[T joined[T]](pile []T) []T {
	slices.SortFunc(pile, func(a, b T) int { return a.compare(b) })
	kept := pile[:0]
	for _, thing := range pile {
		if n := len(kept); n > 0 && kept[n-1].compare(thing) == 0 {
			kept[n-1] = kept[n-1].join(thing)
		} else {
			kept = append(kept, thing)
		}
	}
	return kept
}

// digest stands for a text where only its being the same counts. Digests are compared
// within one client, where two texts never meet in one of 64 bits.
type digest uint64

// digestOf is FNV-1a over the texts, each ended by a zero byte.
func digestOf(texts ...string) digest {
	const prime = 1099511628211
	hash := uint64(14695981039346656037)
	for _, text := range texts {
		for i := range len(text) {
			hash = (hash ^ uint64(text[i])) * prime
		}
		hash *= prime
	}
	return digest(hash)
}

func (d digest) compare(other digest) int {
	switch {
	case d < other:
		return -1
	case d > other:
		return 1
	}
	return 0
}

func (d digest) join(digest) digest { return d }
