package card

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// ChannelCount counts the contacts of a month by the way they were made.
type ChannelCount struct {
	Month              string // YYYY-MM in the business's time zone; empty: of all time
	Channel, Direction string // empty: not told
	Contacts           int64
	Clients            int64 // with at least one of them
}

// Directions of contacts in the order in which one goes before another.
const (
	directionUntold = iota
	directionIn
	directionOut
)

// directionOf reads the words of call systems; any other word tells nothing.
func directionOf(text string) uint8 {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "in", "inbound", "incoming":
		return directionIn
	case "out", "outbound", "outgoing":
		return directionOut
	}
	return directionUntold
}

// way is a month, 0 for all time, with a channel and a direction.
type way struct {
	month     int32 // year·12 + month
	channel   string
	direction uint8
}

// wayCount is what is known of a way; last is the number of the client who was
// counted last, so that nobody is counted twice.
type wayCount struct {
	contacts, clients, last int64
}

// ways counts contacts client by client.
type ways struct {
	counts  map[way]*wayCount
	clients int64
	month   int32 // of the instants [from, to), the ones that were asked for last
	from    int64
	to      int64
}

// begin goes on to the next client.
func (w *ways) begin() { w.clients++ }

func (w *ways) add(k contact, location *time.Location) {
	for _, month := range [...]int32{0, w.monthOf(k.at, location)} {
		of := way{month, k.channel, k.direction}
		count := w.counts[of]
		if count == nil {
			count = new(wayCount)
			w.counts[of] = count
		}
		count.contacts++
		if count.last != w.clients {
			count.last = w.clients
			count.clients++
		}
	}
}

// monthOf remembers the month it was asked for last: time zones are slow.
func (w *ways) monthOf(at int64, location *time.Location) int32 {
	if at < w.from || at >= w.to {
		year, month, _ := timeOf(at).In(location).Date()
		w.from, w.to = DayBegins(year, month, 1, location).UnixMicro(), DayBegins(year, month+1, 1, location).UnixMicro()
		w.month = int32(year*12) + int32(month) //nolint:gosec // G115: years of four digits
	}
	return w.month
}

// Channels counts the contacts of everybody with a card, ordered by (month, channel,
// direction); it is complete after Cards. A contact that nobody answered is none.
func (b *Builder) Channels() []ChannelCount {
	words := [...]string{directionUntold: "", directionIn: "in", directionOut: "out"}
	counts := make([]ChannelCount, 0, len(b.ways.counts))
	for of, count := range b.ways.counts {
		one := ChannelCount{Channel: of.channel, Direction: words[of.direction], Contacts: count.contacts, Clients: count.clients}
		if of.month > 0 {
			one.Month = time.Date(int(of.month-1)/12, time.Month((of.month-1)%12+1), 1, 0, 0, 0, 0, time.UTC).Format("2006-01")
		}
		counts = append(counts, one)
	}
	slices.SortFunc(counts, func(x, y ChannelCount) int {
		return cmp.Or(strings.Compare(x.Month, y.Month), strings.Compare(x.Channel, y.Channel), strings.Compare(x.Direction, y.Direction))
	})
	return counts
}
