package card_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/card"
)

type stated struct {
	at     time.Time
	tokens []string
	name   string
}

func options(maxShared int, emailLinks bool) card.ResolverOptions {
	return card.ResolverOptions{MaxShared: maxShared, EmailLinks: emailLinks}
}

func resolve(maxShared int, emailLinks bool, events ...stated) *card.Clients {
	return resolveWith(options(maxShared, emailLinks), events...)
}

func resolveWith(o card.ResolverOptions, events ...stated) *card.Clients {
	r := card.NewResolver(o)
	for _, ev := range events {
		r.Add(card.Record{At: ev.at, Tokens: ev.tokens, Name: ev.name, Source: "till"})
	}
	return r.Resolve()
}

// clusters is every client's tokens under his id.
func clusters(c *card.Clients) map[string][]string {
	all := map[string][]string{}
	for _, id := range c.IDs() {
		all[id] = c.Tokens(id)
	}
	return all
}

func TestIdentity(t *testing.T) {
	many := func(n int, each func(i int) stated) []stated {
		events := []stated{}
		for i := range n {
			events = append(events, each(i))
		}
		return events
	}
	names := func(i int) stated {
		return stated{at(1, i), []string{fmt.Sprintf("x%02d", i), "p1"}, fmt.Sprint("Name ", i)}
	}
	for _, tc := range []struct {
		name   string
		limit  int
		noMail bool
		events []stated
		want   map[string][]string
	}{
		{name: "nobody", limit: 10, want: map[string][]string{}},
		{name: "one event's tokens are one client", limit: 10, events: []stated{{at(1, 1), []string{"x1", "p1", "e1"}, ""}}, want: map[string][]string{"e1": {"e1", "p1", "x1"}}},
		{
			name: "links run through any value; the oldest token is the id", limit: 10,
			events: []stated{{at(3, 1), []string{"x2", "p1"}, ""}, {at(2, 1), []string{"p1"}, ""}, {at(4, 1), []string{"x2", "e1"}, ""}, {at(1, 1), []string{"p9"}, ""}},
			want:   map[string][]string{"p1": {"e1", "p1", "x2"}, "p9": {"p9"}},
		},
		{name: "of tokens equally old the first by name is the id", limit: 10, events: []stated{{at(1, 1), []string{"x1", "p1", "e1"}, ""}}, want: map[string][]string{"e1": {"e1", "p1", "x1"}}},
		{
			name: "an old phone keeps resolving", limit: 10,
			events: []stated{{at(1, 1), []string{"x1", "p1"}, ""}, {at(9, 1), []string{"x1", "p2"}, ""}}, want: map[string][]string{"p1": {"p1", "p2", "x1"}},
		},
		{
			name: "a family on one phone is one client", limit: 10,
			events: []stated{{at(1, 1), []string{"p1", "e1"}, "Анна"}, {at(2, 1), []string{"p1", "e2"}, "Борис"}}, want: map[string][]string{"e1": {"e1", "e2", "p1"}},
		},
		{
			name: "a phone of exactly as many ids and names as allowed still links", limit: 3, events: many(3, names),
			want: map[string][]string{"p1": {"p1", "x00", "x01", "x02"}},
		},
		{
			name: "one id more and it links nothing", limit: 3, events: many(4, func(i int) stated { s := names(i); s.name = ""; return s }),
			want: map[string][]string{"p1": {"p1"}, "x00": {"x00"}, "x01": {"x01"}, "x02": {"x02"}, "x03": {"x03"}},
		},
		{
			name: "ids and names are counted apart", limit: 4, events: many(4, names), // 4 ids and 4 names: 8 sharers, but 4 of each
			want: map[string][]string{"p1": {"p1", "x00", "x01", "x02", "x03"}},
		},
		{
			name: "one name more and it links nothing", limit: 3,
			events: many(4, func(i int) stated {
				return stated{at(1, i), []string{"p1", fmt.Sprint("e", i)}, fmt.Sprint("Name ", i)}
			}),
			want: map[string][]string{"p1": {"p1"}, "e0": {"e0"}, "e1": {"e1"}, "e2": {"e2"}, "e3": {"e3"}},
		},
		{
			name: "one name in several spellings is one name", limit: 1,
			events: []stated{{at(1, 1), []string{"p1", "e1"}, "Пётр  Ким"}, {at(1, 2), []string{"p1", "e2"}, " петр ким "}},
			want:   map[string][]string{"e1": {"e1", "e2", "p1"}},
		},
		{
			name: "an id that stands under many names links nothing", limit: 2,
			events: many(3, func(i int) stated {
				return stated{at(1, i), []string{"xnull", fmt.Sprint("p", i)}, fmt.Sprint("Name ", i)}
			}),
			want: map[string][]string{"p0": {"p0"}, "p1": {"p1"}, "p2": {"p2"}, "xnull": {"xnull"}},
		},
		{
			name: "a value that links nothing does not part its neighbours", limit: 1,
			events: []stated{{at(1, 1), []string{"x1", "p1", "e1"}, ""}, {at(1, 2), []string{"x2", "p1", "e2"}, ""}},
			want:   map[string][]string{"e1": {"e1", "x1"}, "e2": {"e2", "x2"}, "p1": {"p1"}},
		},
		{
			name: "with e-mail linking off e-mails link nothing", limit: 10, noMail: true,
			events: []stated{{at(1, 1), []string{"p1", "e1"}, ""}, {at(1, 2), []string{"p2", "e1"}, ""}, {at(1, 3), []string{"x1", "p1", "e1"}, ""}},
			want:   map[string][]string{"p1": {"p1", "x1"}, "p2": {"p2"}, "e1": {"e1"}},
		},
		{name: "a token twice in one event is one token", limit: 10, events: []stated{{at(1, 1), []string{"p1", "p1"}, ""}}, want: map[string][]string{"p1": {"p1"}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := resolve(tc.limit, !tc.noMail, tc.events...)
			if diff := cmp.Diff(tc.want, clusters(c)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if c.Len() != len(tc.want) {
				t.Errorf("Len = %d, want %d", c.Len(), len(tc.want))
			}
			for id, tokens := range tc.want {
				for _, token := range tokens {
					if c.Of(token) != id {
						t.Errorf("Of(%s) = %s, want %s", token, c.Of(token), id)
					}
				}
			}
		})
	}
}

func TestTheClientOfAnEvent(t *testing.T) {
	c := resolve(1, true, stated{at(1, 1), []string{"p1", "e1"}, "a"}, stated{at(1, 2), []string{"p1", "e2"}, "b"}, stated{at(1, 3), []string{"p9"}, ""})
	for _, tc := range []struct {
		name   string
		tokens []string
		want   string
	}{
		{"no tokens", nil, ""},
		{"an unknown token", []string{"p7"}, ""},
		{"a shared phone gives way to an e-mail", []string{"p1", "e2"}, "e2"},
		{"a shared phone alone is a client of its own", []string{"p1"}, "p1"},
		{"the first that is not shared", []string{"p9", "e1"}, "p9"},
		{"an unknown token says nothing of the others", []string{"p7", "e1"}, "e1"},
	} {
		if got := c.OfEvent(tc.tokens); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
		if number := c.Number(tc.tokens); (number < 0) != (tc.want == "") || number >= 0 && (c.ID(number) != tc.want || c.IDs()[number] != tc.want) {
			t.Errorf("%s: number %d is not that of %q", tc.name, number, tc.want)
		}
	}
}

// The id changes only when an event dated before the oldest token joins.
func TestAnIDChangesOnlyThroughAnOlderToken(t *testing.T) {
	first := stated{at(5, 1), []string{"p1", "x1"}, ""}
	if got := resolve(10, true, first, stated{at(6, 1), []string{"p1", "e1"}, ""}).Of("e1"); got != "p1" {
		t.Errorf("a later token changed the id to %s", got)
	}
	c := resolve(10, true, first, stated{at(4, 1), []string{"p1", "e1"}, ""})
	if got := c.Of("p1"); got != "e1" {
		t.Errorf("id %s, want that of the older token", got)
	}
	if diff := cmp.Diff([]string{"e1", "p1", "x1"}, c.Tokens("e1")); diff != "" {
		t.Error(diff)
	}
}

func TestTheOrderOfEventsDoesNotChangeClients(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 5))
	for round := range 300 {
		events := make([]stated, 40)
		for i := range events {
			tokens := []string{fmt.Sprint("p", random.IntN(20))}
			if random.IntN(2) == 0 {
				tokens = append(tokens, fmt.Sprint("e", random.IntN(20)))
			}
			if random.IntN(3) == 0 {
				tokens = append([]string{fmt.Sprint("x", random.IntN(20))}, tokens...)
			}
			events[i] = stated{at(1+random.IntN(9), random.IntN(24)), tokens, fmt.Sprint("n", random.IntN(6))}
		}
		want := clusters(resolve(3, round%2 == 0, events...))
		random.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
		events = slices.Concat(events, events[:10]) // and some twice
		if diff := cmp.Diff(want, clusters(resolve(3, round%2 == 0, events...))); diff != "" {
			t.Fatalf("round %d (-want +got):\n%s", round, diff)
		}
	}
}
