package card

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/schema"
)

// few is how many contacts, requests and orders it takes to speak of a habit.
const few = 3

// contact is one touch between the business and a client: a call in three phases
// is one, and so is a chat of many messages.
type contact struct {
	of        digest
	at        int64 // of its latest event
	channel   string
	resultAt  int64 // of the latest event that states a result
	missed    bool  // as that one says
	direction uint8
}

func (k contact) compare(other contact) int { return k.of.compare(other.of) }

func (k contact) join(other contact) contact {
	k.at, k.channel, k.direction = max(k.at, other.at), max(k.channel, other.channel), max(k.direction, other.direction)
	switch {
	case other.resultAt > k.resultAt:
		k.resultAt, k.missed = other.resultAt, other.missed
	case other.resultAt == k.resultAt:
		k.missed = k.missed || other.missed
	}
	return k
}

// moment is when a client turned to the business for one thing: the earliest event
// of it.
type moment struct {
	of digest
	at int64
}

func (m moment) compare(other moment) int { return m.of.compare(other.of) }

func (m moment) join(other moment) moment {
	m.at = min(m.at, other.at)
	return m
}

// review is the latest rating.
type review struct {
	at     int64
	id     string
	rating float64
}

func (d *draft) contact(ev *schema.CardEventRow, at int64) {
	k := contact{of: occasion(ev), at: at, channel: strings.ToLower(strings.TrimSpace(ev.Channel)), direction: directionOf(ev.Direction)}
	if ev.Result != "" {
		k.resultAt, k.missed = at, unanswered(ev.Result)
	} else {
		k.resultAt = -1 << 63 // a phase that says nothing never decides
	}
	d.contacts = put(d.contacts, k)
	if ev.Direction == "in" {
		d.moments = put(d.moments, moment{of: k.of, at: at})
	}
	if ev.Rating == nil || k.channel != "review" {
		return
	}
	r := review{at: at, id: ev.EventID, rating: *ev.Rating}
	if old := d.review; old == nil || cmp.Or(cmp.Compare(r.at, old.at), strings.Compare(r.id, old.id), cmp.Compare(r.rating, old.rating)) > 0 {
		d.review = &r
	}
}

// unanswered reports whether a result says that the two did not speak, in the words
// of call systems: no-answer, No Answer and NO_ANSWER are one.
func unanswered(result string) bool {
	switch strings.NewReplacer("_", "", "-", "", " ", "").Replace(strings.ToLower(result)) {
	case "missed", "voicemail", "noanswer", "unanswered", "notanswered", "busy":
		return true
	}
	return false
}

// meet fills in what contacts say. A call that nobody answered is none: there were
// no words between the two. A contact counts as an answer when it was at or after
// the time the client first asked, by a lead or an order; who is met without ever
// having asked in writing is answered by the contact itself. Who was moved behind
// the first stage of the funnel has been answered too: many systems tell of stages
// and never of calls.
func (b *Builder) meet(c *Card, d *draft) {
	var from int64
	counts := !b.options.End.IsZero()
	if counts {
		from = daysBefore(b.options.End, 30, b.options.Location).UnixMicro()
	}
	if c.Contacted = d.handled != 0 && (!d.hasAsked || d.handled >= d.asked); c.Contacted {
		c.ContactedAt = timeOf(d.handled)
	}
	met := false
	b.ways.begin()
	channels := map[string]int(nil)
	var last int64
	for _, k := range tidy(d.contacts) {
		if k.missed {
			continue
		}
		b.ways.add(k, b.options.Location)
		if !met || k.at > last {
			last, met = k.at, true
		}
		if !d.hasAsked || k.at >= d.asked {
			if at := timeOf(k.at); !c.Contacted || at.Before(c.ContactedAt) {
				c.ContactedAt = at
			}
			c.Contacted = true
		}
		if counts && k.at >= from {
			c.Contacts30d++
		}
		if c.PreferredChannel == "" {
			if channels == nil {
				channels = map[string]int{}
			}
			channels[channelOf(k.channel)]++
		}
	}
	if met {
		c.LastContactAt = timeOf(last)
	}
	if c.PreferredChannel == "" {
		c.PreferredChannel = usual(channels)
	}
}

// channelOf is the channel by which a person can be met again; empty for one that
// only he can choose.
func channelOf(channel string) string {
	switch channel {
	case "email_open":
		return "email"
	case "review", "visit", "form":
		return ""
	}
	return channel
}

// usual is the channel of most contacts if it has a few of them; of equals the
// first by name.
func usual(channels map[string]int) string {
	best, count := "", few-1
	for channel, n := range channels {
		if channel != "" && (n > count || n == count && best != "" && channel < best) {
			best, count = channel, n
		}
	}
	return best
}

// hours is the window of three hours of the business's clock in which the client
// turned to it most, such as "18-21"; empty for fewer than a few times. Of equal
// windows it is the one with most in the middle, then the earliest. A time of
// exactly midnight is a date without a time and tells nothing.
func (d *draft) hours(location *time.Location) string {
	var day [24]int
	times := 0
	for _, m := range tidy(d.moments) {
		at := timeOf(m.at).In(location)
		if h, m, s := at.Clock(); h+m+s+at.Nanosecond() > 0 {
			day[h]++
			times++
		}
	}
	if times < few {
		return ""
	}
	starts := make([]int, len(day))
	for i := range starts {
		starts[i] = i
	}
	window := func(start int) int { return day[start] + day[(start+1)%24] + day[(start+2)%24] }
	start := slices.MinFunc(starts, func(a, b int) int {
		return cmp.Or(cmp.Compare(window(b), window(a)), cmp.Compare(day[(b+1)%24], day[(a+1)%24]), cmp.Compare(a, b))
	})
	end := start + 3
	if end > 24 {
		end -= 24
	}
	return strconv.Itoa(start) + "-" + strconv.Itoa(end)
}
