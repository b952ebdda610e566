package card_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/card"
	"github.com/leadlake/leadlake/lib/schema"
)

func sorted(tokens []string) []string { return slices.Sorted(slices.Values(tokens)) }

// checkLinks holds the links of a resolution to their promises: a client of n
// tokens has n−1 that join them all, every row is of its token's client, every
// token that is kept apart has one row, and rows are in order.
func checkLinks(t *testing.T, c *card.Clients) {
	t.Helper()
	rows := c.Links()
	joined, kept := map[string]int{}, map[string]int{}
	part := map[string]string{}
	find := func(token string) string {
		for part[token] != "" {
			token = part[token]
		}
		return token
	}
	for i, row := range rows {
		if i > 0 && compareLinks(rows[i-1], row) >= 0 {
			t.Errorf("row %+v stands before %+v", rows[i-1], row)
		}
		if row.ClientID != c.Of(row.Token) {
			t.Errorf("row %+v, but its token is %s's", row, c.Of(row.Token))
		}
		switch row.Why {
		case schema.LinkStated, schema.LinkMerge:
			if a, b := find(row.Token), find(row.WithToken); a == b {
				t.Errorf("%s and %s are joined twice", row.Token, row.WithToken)
			} else {
				part[a] = b
			}
			if c.Of(row.WithToken) != row.ClientID || (row.Source == "") != (row.Why == schema.LinkMerge) {
				t.Errorf("row %+v", row)
			}
			joined[row.ClientID]++
		default:
			kept[row.Token]++
			if row.WithToken != "" || row.Source != "" {
				t.Errorf("row %+v keeps apart and names another", row)
			}
		}
	}
	for _, id := range c.IDs() {
		tokens := c.Tokens(id)
		if joined[id] != len(tokens)-1 {
			t.Errorf("client %s of %d tokens has %d links", id, len(tokens), joined[id])
		}
		for _, token := range tokens {
			if n := kept[token]; n > 1 || c.Shared(token) && n != 1 {
				t.Errorf("%s, shared %t, has %d rows that keep it apart", token, c.Shared(token), n)
			}
		}
	}
}

func compareLinks(a, b schema.LinkRow) int {
	return slices.Compare([]string{a.ClientID, a.Since.Format(time.RFC3339Nano), a.Token, a.WithToken}, []string{b.ClientID, b.Since.Format(time.RFC3339Nano), b.Token, b.WithToken})
}

// By hand: p1 and e1 met on day 2 although day 4 says so again, x1 came on day 3
// by the CRM, the office phone p9 links nobody, and the owner adds x7.
func TestLinksSayWhySinceWhenAndWhoSaidSo(t *testing.T) {
	r := card.NewResolver(card.ResolverOptions{MaxShared: 2, EmailLinks: false, Merge: [][]string{{"p1", "x7"}}, Split: [][][]string{{{"x4"}, {"x5"}}}})
	for _, rec := range []card.Record{
		{At: at(4, 1), Tokens: []string{"p1", "c1"}, Source: "till"},
		{At: at(2, 1), Tokens: []string{"p1", "c1"}, Source: "site"},
		{At: at(2, 1), Tokens: []string{"p1", "c1"}, Source: "crm"},
		{At: at(3, 1), Tokens: []string{"x1", "p1"}, Source: "crm"},
		{At: at(5, 1), Tokens: []string{"x1", "p9", "e1"}, Source: "crm"},
		{At: at(5, 2), Tokens: []string{"x2", "p9"}, Source: "crm"},
		{At: at(5, 3), Tokens: []string{"x3", "p9"}, Source: "crm"},
		{At: at(6, 1), Tokens: []string{"x7"}, Source: "crm"},
		{At: at(7, 1), Tokens: []string{"x4", "p5"}, Source: "crm"},
		{At: at(7, 2), Tokens: []string{"x5", "p5"}, Source: "crm"},
		{At: at(8, 1), Tokens: []string{"x1", "r1"}, Source: "crm"},
		{At: at(8, 2), Tokens: []string{"x2", "r1"}, Source: "crm"},
	} {
		r.Add(rec)
	}
	c := r.Resolve()
	want := []schema.LinkRow{
		{ClientID: "c1", Token: "p1", WithToken: "c1", Why: schema.LinkStated, Since: at(2, 1), Source: "crm"}, // of two sources at one instant the first by name
		{ClientID: "c1", Token: "x1", WithToken: "p1", Why: schema.LinkStated, Since: at(3, 1), Source: "crm"},
		{ClientID: "c1", Token: "x7", WithToken: "p1", Why: schema.LinkMerge, Since: at(6, 1)},
		{ClientID: "c1", Token: "r1", Why: schema.LinkShared, Since: at(8, 1)},
		{ClientID: "c1", Token: "r1", WithToken: "x1", Why: schema.LinkStated, Since: at(8, 1), Source: "crm"},
		{ClientID: "e1", Token: "e1", Why: schema.LinkEmail, Since: at(5, 1)},
		{ClientID: "p5", Token: "x4", Why: schema.LinkSplit, Since: at(7, 1)},
		{ClientID: "p5", Token: "x4", WithToken: "p5", Why: schema.LinkStated, Since: at(7, 1), Source: "crm"},
		{ClientID: "p9", Token: "p9", Why: schema.LinkShared, Since: at(5, 1)},
		{ClientID: "x5", Token: "x5", Why: schema.LinkSplit, Since: at(7, 2)},
	}
	if diff := cmp.Diff(want, c.Links()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	checkLinks(t, c)
	if none := card.NewResolver(card.ResolverOptions{}).Resolve().Links(); len(none) != 0 {
		t.Errorf("nobody has %d links", len(none))
	}
}
