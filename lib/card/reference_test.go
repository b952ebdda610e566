package card_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/card"
)

// References lead events to a client and never make two clients one.
func TestReferences(t *testing.T) {
	for _, tc := range []struct {
		name   string
		noMail bool
		events []stated
		want   map[string][]string
		shared []string // references that several clients have part in
	}{
		{
			name:   "two contacts of one deal stay two; the deal is with the first",
			events: []stated{{at(1, 1), []string{"x1", "p1", "r1"}, ""}, {at(2, 1), []string{"x2", "p2", "r1"}, ""}},
			want:   map[string][]string{"p1": {"p1", "r1", "x1"}, "p2": {"p2", "x2"}}, shared: []string{"r1"},
		},
		{
			name:   "two records of one person and their deal are one",
			events: []stated{{at(1, 1), []string{"x1", "p1", "r1"}, ""}, {at(2, 1), []string{"x2", "p1", "r1"}, ""}},
			want:   map[string][]string{"p1": {"p1", "r1", "x1", "x2"}},
		},
		{
			name:   "contacts of a deal who turn out to be one share it no longer",
			events: []stated{{at(1, 1), []string{"x1", "r1"}, ""}, {at(2, 1), []string{"x2", "r1"}, ""}, {at(3, 1), []string{"x1", "p1"}, ""}, {at(4, 1), []string{"x2", "p1"}, ""}},
			want:   map[string][]string{"r1": {"p1", "r1", "x1", "x2"}},
		},
		{
			name:   "a deal that came before its contact is his, and his id",
			events: []stated{{at(1, 1), []string{"r1"}, ""}, {at(2, 1), []string{"x1", "p1", "r1"}, ""}},
			want:   map[string][]string{"r1": {"p1", "r1", "x1"}},
		},
		{
			name:   "of contacts at one instant the deal is with the first by token",
			events: []stated{{at(1, 1), []string{"x2", "r1"}, ""}, {at(1, 1), []string{"x1", "r1"}, ""}},
			want:   map[string][]string{"r1": {"r1", "x1"}, "x2": {"x2"}}, shared: []string{"r1"},
		},
		{
			name:   "a deal without a person is a client of its own",
			events: []stated{{at(1, 1), []string{"r1"}, ""}, {at(1, 1), []string{"x1"}, ""}},
			want:   map[string][]string{"r1": {"r1"}, "x1": {"x1"}},
		},
		{
			name: "a deal made of an inquiry goes where the inquiry went",
			events: []stated{
				{at(1, 1), []string{"x1", "r1"}, ""}, {at(2, 1), []string{"r1", "r2"}, ""}, {at(3, 1), []string{"r2", "r3"}, ""},
			},
			want: map[string][]string{"r1": {"r1", "r2", "r3", "x1"}},
		},
		{
			name: "two deals with persons of their own do not meet in a third thing",
			events: []stated{
				{at(1, 1), []string{"x1", "r1"}, ""}, {at(1, 2), []string{"x2", "r2"}, ""}, {at(2, 1), []string{"r1", "r9"}, ""}, {at(2, 2), []string{"r2", "r9"}, ""},
			},
			want: map[string][]string{"r1": {"r1", "r9", "x1"}, "r2": {"r2", "x2"}},
		},
		{
			name:   "e-mails that do not link still have their deal",
			noMail: true,
			events: []stated{{at(1, 1), []string{"e1", "r1"}, ""}, {at(2, 1), []string{"r1"}, ""}},
			want:   map[string][]string{"e1": {"e1", "r1"}},
		},
		{
			name:   "a person who links goes before an e-mail that does not",
			noMail: true,
			events: []stated{{at(1, 1), []string{"e1", "r1"}, ""}, {at(2, 1), []string{"x1", "r1"}, ""}},
			want:   map[string][]string{"e1": {"e1"}, "r1": {"r1", "x1"}},
		},
		{
			name:   "the deal of two e-mails that do not link is shared",
			noMail: true,
			events: []stated{{at(1, 1), []string{"e1", "r1"}, ""}, {at(2, 1), []string{"e2", "r1"}, ""}},
			want:   map[string][]string{"e1": {"e1", "r1"}, "e2": {"e2"}}, shared: []string{"r1"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := resolve(10, !tc.noMail, tc.events...)
			if diff := cmp.Diff(tc.want, clusters(c)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			var shared []string
			for _, id := range c.IDs() {
				for _, token := range c.Tokens(id) {
					if token[0] == 'r' && c.Shared(token) {
						shared = append(shared, token)
					}
				}
			}
			if diff := cmp.Diff(tc.shared, shared); diff != "" {
				t.Errorf("shared (-want +got):\n%s", diff)
			}
			for _, ev := range tc.events { // a reference takes no event from a person who links
				if ev.tokens[0][0] != 'r' && !c.Shared(ev.tokens[0]) && c.OfEvent(ev.tokens) != c.Of(ev.tokens[0]) {
					t.Errorf("the event of %v is %s's", ev.tokens, c.OfEvent(ev.tokens))
				}
			}
			checkLinks(t, c)
		})
	}
}

func TestAReferenceOfManyNamesStillLeads(t *testing.T) {
	c := resolve(1, true, stated{at(1, 1), []string{"x1", "r1"}, "Анна"}, stated{at(1, 2), []string{"x1", "r1"}, "Anna"}, stated{at(1, 3), []string{"r1"}, "Борис"})
	if c.Shared("r1") || !c.Shared("x1") || c.OfEvent([]string{"r1"}) != c.Of("x1") {
		t.Errorf("r1 shared %t, x1 shared %t, the deal is of %s", c.Shared("r1"), c.Shared("x1"), c.OfEvent([]string{"r1"}))
	}
}

func TestAnEventOfAResolvedBaseWithoutGuardsIsDecidedByAnyToken(t *testing.T) {
	if c := resolve(10, true, stated{at(1, 1), []string{"x1", "p1", "r1"}, ""}); !c.Plain() || !decides(c, "p1") || decides(c, "p9") {
		t.Error("a base in which nothing is shared is plain")
	}
	c := resolve(1, true, stated{at(1, 1), []string{"x1", "p1"}, ""}, stated{at(1, 2), []string{"x2", "p1"}, ""})
	if c.Plain() || decides(c, "p1") || !decides(c, "x1") {
		t.Error("a shared phone does not decide")
	}
	torn := resolveWith(card.ResolverOptions{MaxShared: 9, EmailLinks: true, Split: [][][]string{{{"x1"}, {"x2"}}}},
		stated{at(1, 1), []string{"x1", "p1"}, ""}, stated{at(1, 2), []string{"x2", "p1"}, ""}, stated{at(1, 2), []string{"p5"}, ""})
	if torn.Plain() || decides(torn, "p1") || !decides(torn, "x1") || !decides(torn, "p5") {
		t.Error("what a split tears is decided by who is named, everything else as before")
	}
}

// decides tells whether a token that stands first says alone whose an event is.
func decides(c *card.Clients, token string) bool {
	_, alone := c.Alone(token)
	return alone
}
