package prediction

import (
	"cmp"
	"slices"
)

// History is what the models of purchases need of a client. Purchases of one day
// are one.
type History struct {
	Repeats int32 // x: days with a purchase after the first such day
	Last    int32 // t_x: days from the first purchase to the last one, 0 without repeats
	Age     int32 // T: days from the first purchase to the day that is looked from
}

// Histories are the histories of a base with equal ones told once.
type Histories struct {
	groups []group // ordered by repeats, last, age
	of     []int32 // by client: his group
	days   []int32 // all that occur as Last or Age, ordered
	above  []int64 // by i: clients with more than i repeats, up to the most repeats there are
}

type group struct {
	History

	clients   int64
	last, age int32 // in days
}

const weekDays = 7

// Group sorts the histories of a base; who is first in it does not matter.
func Group(clients []History) *Histories {
	byHistory := make([]int32, len(clients))
	for i := range byHistory {
		byHistory[i] = int32(i)
	}
	slices.SortFunc(byHistory, func(i, j int32) int {
		x, y := &clients[i], &clients[j]
		return cmp.Or(cmp.Compare(x.Repeats, y.Repeats), cmp.Compare(x.Last, y.Last), cmp.Compare(x.Age, y.Age))
	})
	h := &Histories{of: make([]int32, len(clients))}
	for _, i := range byHistory {
		if n := len(h.groups); n == 0 || h.groups[n-1].History != clients[i] {
			h.groups = append(h.groups, group{History: clients[i]})
		}
		at := len(h.groups) - 1
		h.groups[at].clients++
		h.of[i] = int32(at) //nolint:gosec // G115: there are not more groups than clients
	}
	h.place()
	return h
}

// place finds the days and the numbers of repeats that occur, so that what depends
// on them alone is worked out once and not by client.
func (h *Histories) place() {
	for i := range h.groups {
		h.days = append(h.days, h.groups[i].Last, h.groups[i].Age)
	}
	slices.Sort(h.days)
	h.days = slices.Clip(slices.Compact(h.days))
	for i := range h.groups {
		g := &h.groups[i]
		last, _ := slices.BinarySearch(h.days, g.Last)
		age, _ := slices.BinarySearch(h.days, g.Age)
		g.last, g.age = int32(last), int32(age) //nolint:gosec // G115: calendar days
	}
	if n := len(h.groups); n > 0 {
		h.above = make([]int64, h.groups[n-1].Repeats)
	}
	clients := int64(0)
	for i := len(h.groups) - 1; i >= 0; i-- {
		g := &h.groups[i]
		clients += g.clients
		if g.Repeats > 0 && (i == 0 || h.groups[i-1].Repeats < g.Repeats) {
			from := int32(0)
			if i > 0 {
				from = h.groups[i-1].Repeats
			}
			for repeats := from; repeats < g.Repeats; repeats++ {
				h.above[repeats] = clients
			}
		}
	}
}

// Clients counts the clients.
func (h *Histories) Clients() int64 { return int64(len(h.of)) }

// Repeaters counts the clients with a repeat.
func (h *Histories) Repeaters() int64 {
	if len(h.above) == 0 {
		return 0
	}
	return h.above[0]
}

// Groups counts the different histories.
func (h *Histories) Groups() int { return len(h.groups) }

// Group is a history that occurs, and how many clients have it. Groups are ordered
// by repeats, last and age.
func (h *Histories) Group(i int) (of History, clients int64) {
	return h.groups[i].History, h.groups[i].clients
}

// Of is the group of a client, by his place in what Group was given.
func (h *Histories) Of(client int) int { return int(h.of[client]) }
