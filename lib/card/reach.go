package card

import (
	"cmp"
	"slices"
	"strings"

	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/schema"
)

// reached is the earliest time a stage was stated for an interest.
type reached struct {
	named    bool // the event named an interest; else interest is empty
	interest string
	stage    int // of the funnel
	at       int64
}

func (r reached) compare(other reached) int {
	if r.named != other.named {
		if r.named {
			return 1
		}
		return -1
	}
	return cmp.Or(strings.Compare(r.interest, other.interest), cmp.Compare(r.stage, other.stage))
}

func (r reached) join(other reached) reached {
	r.at = min(r.at, other.at)
	return r
}

// reach notes the stage that an event states, and the first one for a lead. A
// word that is no stage of the funnel reaches nothing.
func (b *Builder) reach(d *draft, ev *schema.CardEventRow, at int64) {
	if len(b.options.Funnel) == 0 {
		return
	}
	if event.Kind(ev.Kind) == event.Lead {
		d.reach(0, ev.Interests, at)
	}
	if stage := slices.Index(b.options.Funnel, ev.Stage); stage >= 0 && ev.Stage != "" {
		d.reach(stage, ev.Interests, at)
		if stage > 0 {
			d.handled = max(d.handled, at)
		}
	}
}

func (d *draft) reach(stage int, interests []string, at int64) {
	named := false
	for _, interest := range interests {
		if interest != "" {
			named = true
			d.reached = put(d.reached, reached{named: true, interest: interest, stage: stage, at: at})
		}
	}
	if !named {
		d.reached = put(d.reached, reached{stage: stage, at: at})
	}
}

// stages fills in what the client has reached: as a whole, and by interest. An
// event that names no interest counts for the only one the client has; of several
// nobody knows which was meant.
func (b *Builder) stages(c *Card, d *draft) {
	all := tidy(d.reached)
	whole := make([]reached, 0, len(all))
	for _, r := range all {
		whole = append(whole, reached{stage: r.stage, at: r.at})
		if !r.named && len(c.Interests) == 1 {
			r.named, r.interest = true, c.Interests[0]
		}
		if r.named {
			whole = append(whole, r)
		}
	}
	c.Stage = d.latest(saidStage)
	for _, r := range tidy(whole) {
		c.Reached = append(c.Reached, Reach{Interest: r.interest, Stage: b.options.Funnel[r.stage], At: timeOf(r.at)})
		if !r.named { // in the order of the funnel
			c.Stage = b.options.Funnel[r.stage]
		}
	}
}

// orderInterests keeps what an order's events say it is for.
func (b *Builder) orderInterests(ev *schema.CardEventRow) {
	if !ev.IsOrder || ev.OrderID == "" || len(ev.Interests) == 0 {
		return
	}
	key := [2]string{ev.Shop, ev.OrderID}
	for _, interest := range ev.Interests {
		b.orders[key] = insert(b.orders[key], interest)
	}
}

// OrderInterests returns the interests that the events of an order name, sorted,
// by shop and order id. Orders without any are not in it; orders of nobody are.
func (b *Builder) OrderInterests() map[[2]string][]string { return b.orders }
