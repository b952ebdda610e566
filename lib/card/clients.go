package card

import (
	"cmp"
	"slices"
	"time"

	"github.com/leadlake/leadlake/lib/schema"
)

// Clients is the result of a resolution: every token's client. A client's id is
// its oldest token (earliest record, then text). It is read-only and safe for
// concurrent use.
type Clients struct {
	tokens  *tokenTable // in the order of texts
	first   []int64
	marks   []mark
	client  []int32 // number of each token's client
	ids     []int32 // of each client: the token that is its id
	ends    []int32 // of each client's members: from the entry at its number to the next
	members []int32
	links   []reason
	sources []string
	unknown []string
	used    mark // every mark that some token has
}

// reason is a LinkRow in numbers.
type reason struct {
	since               int64
	client, token, with int32
	source              int32 // −1: nobody's record
	why                 string
}

// Len is the number of clients.
func (c *Clients) Len() int { return len(c.ids) }

// Of is the client of a token; empty for an unknown or empty token.
func (c *Clients) Of(token string) string {
	n, ok := c.tokens.find(token)
	if !ok {
		return ""
	}
	return c.ID(int(c.client[n]))
}

// OfEvent is the client of an event's tokens: that of the first token which is
// not shared, among those that a split names if there are any; else of the first.
// Empty for no known token.
func (c *Clients) OfEvent(tokens []string) string {
	number := c.Number(tokens)
	if number < 0 {
		return ""
	}
	return c.ID(number)
}

// Number is OfEvent's client as a number, counted from 0 in the order of ids; −1
// for none.
func (c *Clients) Number(tokens []string) int {
	first, own := -1, -1
	for _, token := range tokens {
		n, ok := c.tokens.find(token)
		if !ok {
			continue
		}
		client := int(c.client[n])
		if first < 0 {
			first = client
		}
		if c.marks[n]&marksShared != 0 {
			continue
		}
		if c.used&markSplit == 0 || c.marks[n]&markSplit != 0 {
			return client
		}
		if own < 0 {
			own = client
		}
	}
	if own >= 0 {
		return own
	}
	return first
}

// Alone is the number of the client of a token that stands first, and whether the
// token says so alone, see Decides; −1 for none.
func (c *Clients) Alone(token string) (number int, decides bool) {
	n, ok := c.tokens.find(token)
	if !ok {
		return -1, false
	}
	return int(c.client[n]), c.marks[n]&marksShared == 0 && (c.marks[n]&markTorn == 0 || c.marks[n]&markSplit != 0)
}

// ID is the id of a client by number.
func (c *Clients) ID(number int) string { return c.tokens.at(c.ids[number]) }

// Tokens returns the tokens of a client in order, its own id among them; none for
// what is no client's id.
func (c *Clients) Tokens(client string) []string {
	n, ok := c.tokens.find(client)
	if !ok || c.ids[c.client[n]] != n {
		return nil
	}
	number := c.client[n]
	members := c.members[c.ends[number]:c.ends[number+1]]
	tokens := make([]string, len(members))
	for i, member := range members {
		tokens[i] = c.tokens.at(member)
	}
	return tokens
}

// IDs returns all client ids in order.
func (c *Clients) IDs() []string {
	ids := make([]string, len(c.ids))
	for number := range ids {
		ids[number] = c.ID(number)
	}
	return ids
}

// Shared reports whether a token is not one person's own: it links nothing, or it
// is a reference that several clients have part in.
func (c *Clients) Shared(token string) bool {
	n, ok := c.tokens.find(token)
	return ok && c.marks[n]&marksShared != 0
}

// Plain reports whether every token of the base decides.
func (c *Clients) Plain() bool { return c.used&(marksShared|markTorn) == 0 }

// Unknown lists, in order, the tokens of the owner's lists that no record stated.
func (c *Clients) Unknown() []string { return c.unknown }

// Links says what holds each client together, and which tokens were kept from
// linking (gold/links). A client of n tokens has n−1 links, the earliest that
// join them all; those of the owner's merge list count from when both sides were
// known.
func (c *Clients) Links() []schema.LinkRow {
	all := slices.Clone(c.links)
	for i, m := range c.marks {
		if why := keptApart(m); why != "" {
			all = append(all, reason{since: c.first[i], client: c.client[i], token: int32(i), with: -1, source: -1, why: why})
		}
	}
	slices.SortFunc(all, func(a, b reason) int { // numbers are in the order of texts
		return cmp.Or(cmp.Compare(a.client, b.client), cmp.Compare(a.since, b.since), cmp.Compare(a.token, b.token), cmp.Compare(a.with, b.with))
	})
	rows := make([]schema.LinkRow, len(all))
	for i, l := range all {
		rows[i] = schema.LinkRow{ClientID: c.ID(int(l.client)), Token: c.tokens.at(l.token), Why: l.why, Since: time.UnixMicro(l.since).UTC()}
		if l.with >= 0 {
			rows[i].WithToken = c.tokens.at(l.with)
		}
		if l.source >= 0 {
			rows[i].Source = c.sources[l.source]
		}
	}
	return rows
}

// keptApart is why a token does not link, if it does not.
func keptApart(m mark) string {
	switch {
	case m&(markShared|markSeveral) != 0:
		return schema.LinkShared
	case m&markEmailOff != 0:
		return schema.LinkEmail
	case m&markSplit != 0:
		return schema.LinkSplit
	}
	return ""
}
