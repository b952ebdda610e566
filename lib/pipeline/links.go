package pipeline

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/card"
	"github.com/leadlake/leadlake/lib/identity"
	"github.com/leadlake/leadlake/lib/schema"
)

// ClientLink says why an identifier is a client's, or why it is not.
type ClientLink struct {
	Token     string    `json:"token"`
	WithToken string    `json:"with_token,omitempty"` // what it was stated with
	Why       string    `json:"why"`                  // as in gold/links
	Since     time.Time `json:"since,omitzero"`
	Source    string    `json:"source,omitempty"` // whose record said so
}

// apart reports whether the link is one that keeps apart.
func (l ClientLink) apart() bool { return l.WithToken == "" }

func clientLink(row schema.LinkRow) ClientLink {
	return ClientLink{Token: row.Token, WithToken: row.WithToken, Why: row.Why, Since: row.Since, Source: row.Source}
}

// linksOf finds out why a client's identifiers belong together, from his own
// events in time order: the earliest record that ties two groups of them is the
// link. What nothing ties was united by the owner's list. Identifiers that were
// stated with the client's and are not his come last.
func linksOf(clients *card.Clients, id string, events []schema.EventRow, emailLinks bool) (held, apart []ClientLink) {
	group := map[string]string{} // token → a token of its group
	var root func(token string) string
	root = func(token string) string {
		next, ok := group[token]
		if !ok {
			group[token] = token
			return token
		}
		if next == token {
			return token
		}
		group[token] = root(next)
		return group[token]
	}
	kept := map[string]bool{}
	for i := range events {
		ev, first := &events[i], ""
		for _, token := range ev.Tokens {
			why := schema.LinkShared
			switch owner := clients.Of(token); {
			case owner == id && !clients.Shared(token):
				if first == "" {
					first = token
				} else if a, b := root(first), root(token); a != b {
					group[b] = a
					held = append(held, ClientLink{Token: token, WithToken: first, Why: schema.LinkStated, Since: ev.At, Source: ev.Source})
				}
				continue
			case owner != id && !clients.Shared(token):
				why = schema.LinkSplit
			case identity.Token(token).Kind() == identity.KindEmail && !emailLinks:
				why = schema.LinkEmail
			}
			if !kept[token] && token != id {
				kept[token] = true
				apart = append(apart, ClientLink{Token: token, Why: why, Since: ev.At, Source: ev.Source})
			}
		}
	}
	for _, token := range clients.Tokens(id) {
		if a, b := root(id), root(token); a != b && !clients.Shared(token) {
			group[b] = a
			held = append(held, ClientLink{Token: token, WithToken: id, Why: schema.LinkMerge})
		}
	}
	for _, list := range [][]ClientLink{held, apart} {
		slices.SortFunc(list, func(a, b ClientLink) int {
			return cmp.Or(a.Since.Compare(b.Since), strings.Compare(a.Token, b.Token), strings.Compare(a.WithToken, b.WithToken))
		})
	}
	return held, apart
}
