package card_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/card"
	"github.com/leadlake/leadlake/lib/schema"
)

var update = flag.Bool("update", false, "write golden files")

// golden compares a value with its file in testdata; -update writes the file.
func golden(t *testing.T, file string, value any) {
	t.Helper()
	got, err := json.MarshalIndent(value, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join("testdata", file)
	if *update {
		if err := os.WriteFile(name, append(got, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)+"\n"); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func civil(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// born is a card of somebody with attributes, each stated a day after the one before.
func born(birth string, attributes ...string) *card.Card {
	c := &card.Card{ClientID: "p1", FirstAt: at(1, 1), Person: schema.PersonRow{BirthDate: birth}}
	for i := 0; i+1 < len(attributes); i += 2 {
		c.Person.Attributes = append(c.Person.Attributes, schema.AttributeRow{Key: attributes[i], Value: attributes[i+1]})
	}
	return c
}

// From 30 November 2026 to 1 December is a day, to 30 November 2027 a year, to 1 March
// 2027, which has no 29 February, 31 + 31 + 28 + 1 = 91 days.
func TestBirthdaysByHand(t *testing.T) {
	c := born("1990-12-01",
		"child_birth_date", "2020-02-29", "child_birth_date_2", "1 декабря 2018", "Child-3 birth date", "03.05.2022",
		"child4_birth_date", "soon", "pet_birth_date", "2021-11-30", "pet_2_birth_date", "--11-29", "car_birth_date", "2020-01-01", "child_name", "Anna",
	)
	want := []schema.BirthdayRow{
		{ClientID: "p1", Who: "child", MonthDay: "02-29", NextDay: "2027-03-01", DaysUntil: 91},
		{ClientID: "p1", Who: "child", MonthDay: "05-03", NextDay: "2027-05-03", DaysUntil: 154},
		{ClientID: "p1", Who: "child", MonthDay: "12-01", NextDay: "2026-12-01", DaysUntil: 1},
		{ClientID: "p1", Who: "client", MonthDay: "12-01", NextDay: "2026-12-01", DaysUntil: 1},
		{ClientID: "p1", Who: "pet", MonthDay: "11-29", NextDay: "2027-11-29", DaysUntil: 364},
		{ClientID: "p1", Who: "pet", MonthDay: "11-30", NextDay: "2027-11-30", DaysUntil: 365},
	}
	if diff := cmp.Diff(want, card.Birthdays(c, civil(2026, 11, 30))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTheTwentyNinthOfFebruary(t *testing.T) {
	for _, tc := range []struct {
		asOf time.Time
		want string
		days int64
	}{
		{civil(2027, 2, 27), "2027-03-01", 2},
		{civil(2027, 2, 28), "2027-03-01", 1},
		{civil(2027, 3, 1), "2028-02-29", 365},
		{civil(2028, 2, 28), "2028-02-29", 1},
		{civil(2028, 2, 29), "2029-03-01", 366},
		{civil(2099, 12, 31), "2100-03-01", 60},
	} {
		rows := card.Birthdays(born("--02-29"), tc.asOf)
		if len(rows) != 1 || rows[0].NextDay != tc.want || rows[0].DaysUntil != tc.days {
			t.Errorf("after %s: %+v, want %s in %d days", tc.asOf.Format(time.DateOnly), rows, tc.want, tc.days)
		}
	}
}

// Of each name the latest readable value counts; twins have one row, and so have two
// names of one day; a client nobody is has none.
func TestWhichBirthDateCounts(t *testing.T) {
	asOf := civil(2026, 11, 30)
	rows := card.Birthdays(born("", "child_birth_date", "yesterday", "child_birth_date", "2019-04-05", "child_birth_date", "2019-06-07", "child_birth_date_2", "2019-04-05"), asOf)
	if len(rows) != 1 || rows[0].MonthDay != "04-05" || rows[0].Who != "child" {
		t.Errorf("rows %+v, want the fifth of April once", rows)
	}
	if rows := card.Birthdays(born("", "child_birth_date", "2030-01-01"), asOf); len(rows) != 0 {
		t.Errorf("a child of the future: %+v", rows)
	}
	nobody := born("1990-12-01")
	nobody.FirstAt = time.Time{}
	if rows := append(card.Birthdays(nobody, asOf), card.Birthdays(born(""), asOf)...); len(rows) != 0 {
		t.Errorf("rows %+v of nobody and of nothing", rows)
	}
}

// The next birthday is never today, never more than 366 days away, and its day of the
// month is that of the birth but on 1 March.
func TestTheNextBirthdayIsTheFirstAfterTheDay(t *testing.T) {
	random := rand.New(rand.NewPCG(29, 2))
	var all [][]schema.BirthdayRow
	for range 3000 {
		birth := civil(1950+random.IntN(70), 1, 1).AddDate(0, 0, random.IntN(366))
		asOf := civil(2020+random.IntN(90), 1, 1).AddDate(0, 0, random.IntN(366))
		rows := card.Birthdays(born(birth.Format(time.DateOnly), "pet_birth_date", asOf.AddDate(-3, 0, 0).Format(time.DateOnly)), asOf)
		for _, row := range rows {
			next, err := time.Parse(time.DateOnly, row.NextDay)
			if err != nil || !next.After(asOf) || !asOf.AddDate(0, 0, int(row.DaysUntil)).Equal(next) || row.DaysUntil > 366 {
				t.Fatalf("as of %s: %+v", asOf.Format(time.DateOnly), row)
			}
			if got := next.Format("01-02"); got != row.MonthDay && (row.MonthDay != "02-29" || got != "03-01" || next.AddDate(0, 0, -1).Day() == 29) {
				t.Fatalf("as of %s: %+v", asOf.Format(time.DateOnly), row)
			}
		}
		if len(all) < 25 {
			all = append(all, rows)
		}
	}
	golden(t, "birthdays.golden.json", all)
}

// counted is what a builder counts of contacts, by the words of their rows.
func counted(t *testing.T, location *time.Location, events ...schema.CardEventRow) []card.ChannelCount {
	t.Helper()
	r := card.NewResolver(rules(10, true))
	for i := range events {
		if events[i].EventID == "" {
			events[i].EventID = strconv.Itoa(i)
		}
		if len(events[i].Tokens) > 0 {
			r.Add(card.Record{At: events[i].At, Tokens: events[i].Tokens})
		}
	}
	b := card.NewBuilder(r.Resolve(), card.Options{Location: location})
	for _, ev := range events {
		b.Event(ev)
	}
	b.Cards()
	return b.Channels()
}

func met(client, channel, direction, result, entity string, when time.Time) schema.CardEventRow {
	ev := schema.CardEventRow{Kind: "contact", Channel: channel, Direction: direction, Result: result, Entity: entity, At: when}
	if client != "" {
		ev.Tokens = []string{client}
	}
	return ev
}

// A call in two phases is one, in the month of the last; a missed one is none; the last
// hour of a month in UTC is the next month in Moscow.
func TestChannelsByHand(t *testing.T) {
	moscow := time.FixedZone("Moscow", 3*60*60)
	october, edge, november := civil(2026, 10, 5), time.Date(2026, 10, 31, 21, 0, 0, 0, time.UTC), civil(2026, 11, 20)
	got := counted(t, moscow,
		met("a", "call", "in", "", "call-1", october), met("a", "call", "inbound", "answered", "call-1", october.Add(time.Minute)),
		met("a", " Call ", "Incoming", "", "", october), met("b", "call", "in", "answered", "", october),
		met("b", "call", "in", "no-answer", "", october), met("", "call", "in", "", "", october),
		met("b", "chat", "sideways", "", "", edge), met("a", "call", "outbound", "", "", november), met("a", "", "", "", "", november),
		schema.CardEventRow{Kind: "lead", Channel: "form", Tokens: []string{"a"}, At: october},
	)
	want := []card.ChannelCount{
		{Contacts: 1, Clients: 1},
		{Channel: "call", Direction: "in", Contacts: 3, Clients: 2},
		{Channel: "call", Direction: "out", Contacts: 1, Clients: 1},
		{Channel: "chat", Contacts: 1, Clients: 1},
		{Month: "2026-10", Channel: "call", Direction: "in", Contacts: 3, Clients: 2},
		{Month: "2026-11", Contacts: 1, Clients: 1},
		{Month: "2026-11", Channel: "call", Direction: "out", Contacts: 1, Clients: 1},
		{Month: "2026-11", Channel: "chat", Contacts: 1, Clients: 1},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if none := counted(t, moscow, met("a", "call", "in", "missed", "", october)); len(none) != 0 {
		t.Errorf("a missed call: %+v", none)
	}
}

// The months of a way add up to all time, nobody is counted more than once in a row,
// and the order of events does not matter.
func TestChannelsAddUp(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 50))
	var events []schema.CardEventRow
	for i := range 600 {
		ev := met(fmt.Sprintf("c%d", random.IntN(20)), []string{"call", "chat", ""}[random.IntN(3)], []string{"in", "out", ""}[random.IntN(3)],
			[]string{"", "missed"}[random.IntN(2)], []string{"", fmt.Sprintf("e%d", random.IntN(50))}[random.IntN(2)], civil(2026, 1, 1).Add(time.Duration(random.IntN(8760))*time.Hour))
		ev.EventID = strconv.Itoa(i)
		events = append(events, ev)
	}
	rows := counted(t, time.UTC, events...)
	sums := map[[2]string]int64{}
	for _, row := range rows {
		of := [2]string{row.Channel, row.Direction}
		if row.Month == "" {
			sums[of] += row.Contacts
		} else {
			sums[of] -= row.Contacts
		}
		if row.Clients > 20 || row.Clients > row.Contacts || row.Clients < 1 {
			t.Errorf("row %+v", row)
		}
	}
	for of, left := range sums {
		if left != 0 {
			t.Errorf("%q: months and all time differ by %d contacts", of, left)
		}
	}
	for range 5 {
		random.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
		if again := counted(t, time.UTC, slices.Clone(events)...); !cmp.Equal(rows, again) {
			t.Fatal("the order of events decides")
		}
	}
	golden(t, "channels.golden.json", rows)
}
