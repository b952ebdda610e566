package card_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/card"
)

// A couple on one phone, whom the rules make one client.
func couple() []stated {
	return []stated{
		{at(1, 1), []string{"p1", "e1"}, "Анна"},
		{at(2, 1), []string{"p1", "e2"}, "Борис"},
		{at(3, 1), []string{"x2", "e2"}, "Борис"},
		{at(4, 1), []string{"x1", "e1"}, "Анна"},
	}
}

func TestOverrides(t *testing.T) {
	office := []stated{{at(1, 1), []string{"x1", "p1"}, ""}, {at(2, 1), []string{"x2", "p1"}, ""}, {at(3, 1), []string{"x3", "e3"}, ""}}
	for _, tc := range []struct {
		name    string
		limit   int
		merge   [][]string
		split   [][][]string
		events  []stated
		want    map[string][]string
		unknown []string
		of      map[string]string // whose an event of two tokens is, "p1 x2" → id
	}{
		{
			name: "without lists a couple is one", limit: 9, events: couple(),
			want: map[string][]string{"e1": {"e1", "e2", "p1", "x1", "x2"}},
		},
		{
			name: "a split parts it; the phone goes with whom it was first stated with", limit: 9, events: couple(), split: [][][]string{{{"e1"}, {"e2"}}},
			want: map[string][]string{"e1": {"e1", "p1", "x1"}, "e2": {"e2", "x2"}},
		},
		{
			name: "the part that is named may hold the phone", limit: 9, events: couple(), split: [][][]string{{{"e1"}, {"e2", "p1"}}},
			want: map[string][]string{"e1": {"e1", "x1"}, "p1": {"e2", "p1", "x2"}},
		},
		{
			name: "tokens of one part may still be two clients", limit: 9, events: couple(), split: [][][]string{{{"e1", "x2"}, {"e2"}}},
			want: map[string][]string{"e1": {"e1", "p1", "x1"}, "e2": {"e2"}, "x2": {"x2"}},
		},
		{
			name: "three parts", limit: 9, events: couple(), split: [][][]string{{{"e1"}, {"e2"}, {"p1"}}},
			want: map[string][]string{"e1": {"e1", "x1"}, "e2": {"e2", "x2"}, "p1": {"p1"}},
		},
		{
			name: "two splits of one client", limit: 9, events: couple(), split: [][][]string{{{"e1"}, {"e2"}}, {{"x1"}, {"e1"}}},
			want: map[string][]string{"e1": {"e1", "p1"}, "e2": {"e2", "x2"}, "x1": {"x1"}},
		},
		{
			name: "a split of strangers changes nothing", limit: 9, events: office, split: [][][]string{{{"x1"}, {"x3"}}},
			want: map[string][]string{"p1": {"p1", "x1", "x2"}, "e3": {"e3", "x3"}},
		},
		{
			name: "a merge unites whatever the rules say", limit: 9, events: office, merge: [][]string{{"x3", "p1"}},
			want: map[string][]string{"p1": {"e3", "p1", "x1", "x2", "x3"}},
		},
		{
			name: "a merge unites a value that links nothing, and that stays no one's own", limit: 1, events: office, merge: [][]string{{"x1", "p1"}},
			want: map[string][]string{"p1": {"p1", "x1"}, "x2": {"x2"}, "e3": {"e3", "x3"}}, of: map[string]string{"p1 x2": "x2", "p1 x1": "p1", "p1 ": "p1"},
		},
		{
			name: "merges meet", limit: 1, events: office, merge: [][]string{{"x1", "x2"}, {"x3", "x2"}},
			want: map[string][]string{"x1": {"e3", "x1", "x2", "x3"}, "p1": {"p1"}},
		},
		{
			name: "a split wins over what a merge would bring", limit: 9, events: couple(), merge: [][]string{{"x1", "x2"}}, split: [][][]string{{{"e1"}, {"e2"}}},
			want: map[string][]string{"e1": {"e1", "p1"}, "e2": {"e2", "x1", "x2"}},
		},
		{
			name: "a merge goes before the records where a split tears", limit: 9, events: couple(), merge: [][]string{{"p1", "x2"}}, split: [][][]string{{{"e1"}, {"e2"}}},
			want: map[string][]string{"e1": {"e1", "p1", "x2", "x1"}, "e2": {"e2"}},
		},
		{
			name: "lists that name nobody of the lake are told", limit: 9, events: office[2:], merge: [][]string{{"x3", "p7", "p8"}, {"p8", "p9"}}, split: [][][]string{{{"x3"}, {"p6"}}},
			want: map[string][]string{"e3": {"e3", "x3"}}, unknown: []string{"p6", "p7", "p8", "p9"},
		},
		{
			name: "a client is named by a deal, too", limit: 9, merge: [][]string{{"r1", "x9"}},
			events: []stated{{at(1, 1), []string{"r1"}, ""}, {at(2, 1), []string{"x1", "r1"}, ""}, {at(3, 1), []string{"x9"}, ""}},
			want:   map[string][]string{"r1": {"r1", "x1", "x9"}},
		},
		{
			name: "a split by the deal parts the one who has it", limit: 9, split: [][][]string{{{"r1"}, {"x2"}}},
			events: []stated{{at(1, 1), []string{"x1", "p1"}, ""}, {at(2, 1), []string{"x2", "p1"}, ""}, {at(3, 1), []string{"x1", "r1"}, ""}},
			want:   map[string][]string{"p1": {"p1", "r1", "x1"}, "x2": {"x2"}},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := card.ResolverOptions{MaxShared: tc.limit, EmailLinks: true, Merge: tc.merge, Split: tc.split}
			c := resolveWith(o, tc.events...)
			got, want := clusters(c), map[string][]string{}
			for id, tokens := range tc.want {
				want[id] = sorted(tokens)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.unknown, c.Unknown()); diff != "" {
				t.Errorf("unknown (-want +got):\n%s", diff)
			}
			for tokens, id := range tc.of {
				if got := c.OfEvent([]string{tokens[:2], tokens[3:]}); got != id {
					t.Errorf("an event of %q is %s's, want %s", tokens, got, id)
				}
			}
			checkLinks(t, c)
		})
	}
}

// Whoever a split names decides whose an event is, before a value that both used.
func TestASplitDecidesEvents(t *testing.T) {
	c := resolveWith(card.ResolverOptions{MaxShared: 9, EmailLinks: true, Split: [][][]string{{{"e1"}, {"e2"}}}}, couple()...)
	for _, tc := range []struct {
		tokens []string
		want   string
	}{
		{[]string{"p1", "e2"}, "e2"}, // not the phone, which stands first and is Anna's
		{[]string{"p1", "e1"}, "e1"},
		{[]string{"p1"}, "e1"},
		{[]string{"x2"}, "e2"},
	} {
		if got := c.OfEvent(tc.tokens); got != tc.want {
			t.Errorf("OfEvent(%v) = %s, want %s", tc.tokens, got, tc.want)
		}
	}
}
