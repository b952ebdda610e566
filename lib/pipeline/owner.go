package pipeline

import (
	"context"

	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/schema"
)

// deciders tells, of the tokens of an event or an order, by which a night judged
// whose it is: card.Clients.OfEvent for those who read what the night left. Of the
// tokens that one person alone has the first decides, one that a split names before
// the others.
type deciders struct{ shared, split map[string]bool }

// decidersOf reads the rule of a run; nil, as before the first night, and a run
// of a version that wrote no links know of no token that is not one person's.
func (p *Pipeline) decidersOf(ctx context.Context, run *lake.Run) (deciders, error) {
	var links []schema.LinkRow
	if run != nil {
		if err := intoIfThere(ctx, p, run, &links); err != nil {
			return deciders{}, err
		}
	}
	return decidersBy(links), nil
}

func decidersBy(links []schema.LinkRow) deciders {
	d := deciders{shared: map[string]bool{}, split: map[string]bool{}}
	for _, l := range links {
		switch l.Why {
		case schema.LinkShared, schema.LinkEmail:
			d.shared[l.Token] = true
		case schema.LinkSplit:
			d.split[l.Token] = true
		}
	}
	return d
}

// of is the token that decides; empty for an order of nobody.
func (d deciders) of(token string, more []string) string {
	own := ""
	for i := -1; i < len(more); i++ {
		t := token
		if i >= 0 {
			t = more[i]
		}
		switch {
		case d.shared[t]:
		case len(d.split) == 0 || d.split[t]:
			return t
		case own == "":
			own = t
		}
	}
	if own == "" {
		return token
	}
	return own
}
