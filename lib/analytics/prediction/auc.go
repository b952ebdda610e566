package prediction

import (
	"cmp"
	"slices"
)

// Ranked is a client's place by some score, and whether he came back.
type Ranked struct {
	Score float64
	Came  bool
}

// AUC is the chance that of a client who came back and one who did not the first
// has the higher score; equal scores count half. False: all or none came back. It
// orders the slice.
func AUC(clients []Ranked) (float64, bool) {
	slices.SortFunc(clients, func(x, y Ranked) int { return cmp.Compare(x.Score, y.Score) })
	var came, not, twice int64 // twice: twice the number of pairs in the right order
	for from := 0; from < len(clients); {
		to, here := from, int64(0)
		for ; to < len(clients) && clients[to].Score == clients[from].Score; to++ {
			if clients[to].Came {
				here++
			}
		}
		others := int64(to-from) - here
		twice += here * (2*not + others)
		came, not = came+here, not+others
		from = to
	}
	if came == 0 || not == 0 {
		return 0, false
	}
	return float64(twice) / (2 * float64(came) * float64(not)), true
}
