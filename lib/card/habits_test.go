package card_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/leadlake/leadlake/lib/card"
	"github.com/leadlake/leadlake/lib/schema"
)

// made builds the only card of events of p1.
func made(t *testing.T, options card.Options, events ...schema.CardEventRow) card.Card {
	t.Helper()
	r := card.NewResolver(rules(10, true))
	for i := range events {
		events[i].Tokens = []string{"p1"}
		if events[i].EventID == "" {
			events[i].EventID = strconv.Itoa(i)
		}
		r.Add(card.Record{At: events[i].At, Tokens: events[i].Tokens})
	}
	b := card.NewBuilder(r.Resolve(), options)
	for _, ev := range events {
		b.Event(ev)
	}
	all := b.Cards()
	if len(all) != 1 {
		t.Fatalf("%d cards, want one", len(all))
	}
	return all[0]
}

func contacts(channel string, n int) []schema.CardEventRow {
	events := make([]schema.CardEventRow, n)
	for i := range events {
		events[i] = schema.CardEventRow{EventID: channel + strconv.Itoa(i), Kind: "contact", Channel: channel, At: at(1, 10)}
	}
	return events
}

func TestPreferredChannel(t *testing.T) {
	stated := schema.CardEventRow{Kind: "profile", At: at(1, 1), PreferredChannel: "messenger"}
	missed := contacts("call", 4)
	for i := range missed {
		missed[i].Result = "missed"
	}
	for _, tc := range []struct {
		name   string
		events []schema.CardEventRow
		want   string
	}{
		{"two are not enough", contacts("call", 2), ""},
		{"three are", contacts("call", 3), "call"},
		{"the most", append(contacts("call", 3), contacts("chat", 4)...), "chat"},
		{"of equals the first by name", append(contacts("chat", 3), contacts("call", 3)...), "call"},
		{"three of several kinds", append(contacts("call", 2), contacts("chat", 2)...), ""},
		{"what was stated", append(contacts("call", 9), stated), "messenger"},
		{"opened mail is mail", append(contacts("email_open", 2), contacts("email", 1)...), "email"},
		{"reviews and visits are no way to be met again", append(contacts("review", 5), contacts("visit", 5)...), ""},
		{"missed calls met nobody", missed, ""},
	} {
		if got := made(t, card.Options{}, tc.events...).PreferredChannel; got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}

func TestPreferredHours(t *testing.T) {
	moscow, err := time.LoadLocation("Europe/Moscow")
	if err != nil {
		t.Fatal(err)
	}
	lead := func(hour, minute int) schema.CardEventRow {
		return schema.CardEventRow{Kind: "lead", At: time.Date(2026, 3, 5, hour, minute, 0, 0, moscow)}
	}
	call := func(hour int, direction, entity string) schema.CardEventRow {
		ev := lead(hour, 1)
		ev.Kind, ev.Direction, ev.Entity = "contact", direction, entity
		return ev
	}
	order := func(hour int, id string) schema.CardEventRow {
		ev := lead(hour, 1)
		ev.Kind, ev.IsOrder, ev.OrderID = "order", true, id
		return ev
	}
	for _, tc := range []struct {
		name   string
		events []schema.CardEventRow
		want   string
	}{
		{"two are not enough", []schema.CardEventRow{lead(18, 0), lead(19, 0)}, ""},
		{"the window that holds all", []schema.CardEventRow{lead(18, 0), lead(19, 0), lead(20, 59)}, "18-21"},
		{"one hour stands in the middle", []schema.CardEventRow{lead(19, 1), lead(19, 2), lead(19, 3)}, "18-21"},
		{"the densest", []schema.CardEventRow{lead(9, 0), lead(10, 0), lead(18, 0), lead(19, 0), lead(20, 0)}, "18-21"},
		{"the earliest of equals", []schema.CardEventRow{lead(9, 0), lead(15, 0), lead(21, 0)}, "8-11"},
		{"up to midnight", []schema.CardEventRow{lead(21, 0), lead(22, 0), lead(23, 0)}, "21-24"},
		{"over midnight", []schema.CardEventRow{lead(23, 0), lead(0, 30), lead(1, 0)}, "23-2"},
		{"calls that the business made say nothing", []schema.CardEventRow{lead(9, 0), lead(10, 0), call(18, "out", ""), call(19, "out", "")}, ""},
		{"calls of the client do", []schema.CardEventRow{call(18, "in", "a"), call(19, "in", "b"), call(20, "in", "c")}, "18-21"},
		{"one call in three phases is one", []schema.CardEventRow{call(18, "in", "a"), call(19, "in", "a"), call(20, "in", "a")}, ""},
		{"an order counts when it was placed", []schema.CardEventRow{order(9, "1"), order(18, "1"), order(10, "2"), order(19, "2"), order(11, "3"), order(20, "3")}, "9-12"},
		{"a date without a time tells nothing", []schema.CardEventRow{lead(0, 0), lead(0, 0), lead(0, 0)}, ""},
	} {
		if got := made(t, card.Options{Location: moscow}, tc.events...).PreferredHours; got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}

func TestContactsOfThirtyDays(t *testing.T) {
	moscow, err := time.LoadLocation("Europe/Moscow")
	if err != nil {
		t.Fatal(err)
	}
	end := time.Date(2026, 3, 31, 0, 0, 0, 0, moscow) // the night of 30 March: 1 to 30 March count
	contact := func(at time.Time, entity string) schema.CardEventRow {
		return schema.CardEventRow{Kind: "contact", At: at, Entity: entity}
	}
	first := time.Date(2026, 3, 1, 0, 0, 0, 0, moscow)
	got := made(t, card.Options{Location: moscow, End: end},
		contact(first.Add(-time.Second), ""), contact(first, ""),
		contact(at(20, 10), "call:1"), contact(at(20, 11), "call:1"), contact(at(20, 12), "call:1"),
		contact(end.Add(-time.Second), ""))
	if got.Contacts30d != 3 || !got.LastContactAt.Equal(end.Add(-time.Second)) {
		t.Errorf("%d contacts, the last %v, want 3", got.Contacts30d, got.LastContactAt)
	}
}

func TestTheLatestReviewIsTheRating(t *testing.T) {
	review := func(day int, channel string, rating float64) schema.CardEventRow {
		return schema.CardEventRow{Kind: "contact", Channel: channel, Rating: &rating, At: at(day, 1)}
	}
	got := made(t, card.Options{}, review(2, "Review", 4.5), review(1, "review", 1), review(3, "call", 2), schema.CardEventRow{Kind: "contact", Channel: "review", At: at(4, 1)})
	if got.Rating == nil || *got.Rating != 4.5 {
		t.Errorf("rating %v, want 4.5: the review of the second day", got.Rating)
	}
	if none := made(t, card.Options{}, contacts("call", 1)...); none.Rating != nil {
		t.Errorf("rating %v of who never wrote a review", *none.Rating)
	}
}

func TestReached(t *testing.T) {
	funnel := []string{"lead", "first_contact", "visited", "won"}
	step := func(kind, stage string, day int, interests ...string) schema.CardEventRow {
		return schema.CardEventRow{Kind: kind, Stage: stage, At: at(day, 10), Interests: interests}
	}
	for _, tc := range []struct {
		name   string
		events []schema.CardEventRow
		stage  string
		want   map[string]int // interest/stage → day
	}{
		{"a lead reaches the first stage", []schema.CardEventRow{step("lead", "", 2), step("lead", "", 1)}, "lead", map[string]int{"/lead": 1}},
		{"one interest stands for what names none", []schema.CardEventRow{step("lead", "", 1, "tea"), step("stage", "visited", 3)}, "visited", map[string]int{"/lead": 1, "/visited": 3, "tea/lead": 1, "tea/visited": 3}},
		{"of two nobody knows which", []schema.CardEventRow{step("lead", "", 1, "tea", "coffee"), step("stage", "visited", 3), step("stage", "first_contact", 4, "tea")}, "visited", map[string]int{"/lead": 1, "/first_contact": 4, "/visited": 3, "coffee/lead": 1, "tea/lead": 1, "tea/first_contact": 4}},
		{"the earliest of an interest, told or not", []schema.CardEventRow{step("stage", "visited", 2), step("stage", "visited", 3, "tea")}, "visited", map[string]int{"/visited": 2, "tea/visited": 2}},
		{"stages are not undone", []schema.CardEventRow{step("stage", "won", 1), step("stage", "lead", 2)}, "won", map[string]int{"/won": 1, "/lead": 2}},
		{"a word of no stage is the stage of who reached none", []schema.CardEventRow{step("stage", "142", 1), step("stage", "143", 2)}, "143", map[string]int{}},
		{"and of nobody else", []schema.CardEventRow{step("lead", "", 1), step("stage", "143", 2)}, "lead", map[string]int{"/lead": 1}},
		{"a contact reaches what it states", []schema.CardEventRow{step("contact", "first_contact", 2), step("contact", "", 1)}, "first_contact", map[string]int{"/first_contact": 2}},
	} {
		got := made(t, card.Options{Funnel: funnel}, tc.events...)
		reached := map[string]int{}
		for _, r := range got.Reached {
			reached[r.Interest+"/"+r.Stage] = r.At.Day()
		}
		if len(reached) != len(got.Reached) || !equalDays(reached, tc.want) || got.Stage != tc.stage {
			t.Errorf("%s: %v at stage %q, want %v at %q", tc.name, reached, got.Stage, tc.want, tc.stage)
		}
	}
	if got := made(t, card.Options{}, step("lead", "asked", 1)); len(got.Reached) != 0 || got.Stage != "asked" {
		t.Errorf("without a funnel: %v at %q", got.Reached, got.Stage)
	}
}

func equalDays(a, b map[string]int) bool {
	for key, day := range a {
		if b[key] != day {
			return false
		}
	}
	return len(a) == len(b)
}

func TestOrderInterests(t *testing.T) {
	b := card.NewBuilder(card.NewResolver(rules(10, true)).Resolve(), card.Options{})
	for _, ev := range []schema.CardEventRow{
		{Shop: "main", OrderID: "1", IsOrder: true, Interests: []string{"tea"}},
		{Shop: "main", OrderID: "1", IsOrder: true, Interests: []string{"coffee", "tea"}},
		{Shop: "other", OrderID: "1", IsOrder: true, Interests: []string{"cups"}},
		{Shop: "main", OrderID: "2", IsOrder: true},
		{Shop: "main", OrderID: "3", Interests: []string{"tea"}}, // its amounts are no orders
	} {
		b.Event(ev)
	}
	got := b.OrderInterests()
	if len(got) != 2 || len(got[[2]string{"main", "1"}]) != 2 || got[[2]string{"main", "1"}][0] != "coffee" || got[[2]string{"other", "1"}][0] != "cups" {
		t.Errorf("interests %v", got)
	}
}

// The first answer and the first touch carry their times, whatever came first: a
// missed call answers nobody, and neither does one before the client asked.
func TestFirstTimes(t *testing.T) {
	asked := schema.CardEventRow{EventID: "a", Kind: "lead", At: at(3, 10), UTMSource: "vk"}
	again := schema.CardEventRow{EventID: "b", Kind: "lead", At: at(5, 10), UTMSource: "yandex"}
	call := func(id string, day int, result string) schema.CardEventRow {
		return schema.CardEventRow{EventID: id, Kind: "contact", Channel: "call", Result: result, At: at(day, 12)}
	}
	events := []schema.CardEventRow{again, call("k7", 7, ""), call("k6", 6, ""), call("k4", 4, "missed"), call("k2", 2, ""), asked}
	c := made(t, card.Options{Location: time.UTC}, events...)
	if !c.Contacted || !c.ContactedAt.Equal(at(6, 12)) || c.Source != "vk" || !c.SourceAt.Equal(at(3, 10)) {
		t.Errorf("contacted %v at %v, of %s at %v; want on the 6th, of vk on the 3rd", c.Contacted, c.ContactedAt, c.Source, c.SourceAt)
	}
	c = made(t, card.Options{Location: time.UTC}, call("k4", 4, "missed"), call("k2", 5, "missed"))
	if c.Contacted || !c.ContactedAt.IsZero() || !c.SourceAt.Equal(at(4, 12)) {
		t.Errorf("contacted %v at %v, source at %v; want nobody, and the first event", c.Contacted, c.ContactedAt, c.SourceAt)
	}
}
