package card

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/schema"
)

// reached is when events first stated a client at a stage. The zero value is
// ready.
type reached struct {
	first   map[[2]string]time.Time // by interest and stage
	unnamed map[string]time.Time    // by stage, where no interest was named
}

// event takes the stages of an event: the one that it states, and the first of the
// funnel for a lead.
func (r *reached) event(ev schema.CardEventRow, funnel []string) {
	if event.Kind(ev.Kind) == event.Lead && len(funnel) > 0 {
		r.at(funnel[0], ev)
	}
	if slices.Contains(funnel, ev.Stage) {
		r.at(ev.Stage, ev)
	}
}

func (r *reached) at(stage string, ev schema.CardEventRow) {
	if r.first == nil {
		r.first, r.unnamed = map[[2]string]time.Time{}, map[string]time.Time{}
	}
	earliest(r.first, [2]string{"", stage}, ev.At)
	for _, interest := range ev.Interests {
		earliest(r.first, [2]string{interest, stage}, ev.At)
	}
	if len(ev.Interests) == 0 {
		earliest(r.unnamed, stage, ev.At)
	}
}

func earliest[K comparable](times map[K]time.Time, key K, at time.Time) {
	if old, known := times[key]; !known || at.Before(old) {
		times[key] = at
	}
}

// list is ordered by interest, then stage. A stage without an interest is one of
// the client's interest if he has no other.
func (r *reached) list(interests []string) []Reach {
	if len(interests) == 1 {
		for stage, at := range r.unnamed {
			earliest(r.first, [2]string{interests[0], stage}, at)
		}
	}
	var list []Reach
	for key, at := range r.first {
		list = append(list, Reach{Interest: key[0], Stage: key[1], At: at})
	}
	slices.SortFunc(list, func(a, b Reach) int {
		return cmp.Or(strings.Compare(a.Interest, b.Interest), strings.Compare(a.Stage, b.Stage))
	})
	return list
}

// orderInterests keeps what an event of an order says that it is about, whoever
// the client is.
func (b *Builder) orderInterests(ev schema.CardEventRow) {
	if !ev.IsOrder || ev.OrderID == "" {
		return
	}
	for _, interest := range ev.Interests {
		key := [2]string{ev.Shop, ev.OrderID}
		b.orders[key] = insert(b.orders[key], interest)
	}
}

// OrderInterests is what the events of an order name as its interests, sorted, by
// shop and order id. Orders without any are not in it.
func (b *Builder) OrderInterests() map[[2]string][]string { return b.orders }
