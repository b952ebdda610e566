package pipeline

import (
	"context"
	"maps"
	"slices"

	"github.com/leadlake/leadlake/lib/identity"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/schema"
)

// eraser is one pass over the store for all the people who are to be erased. Its
// search knows only tokens that are to go.
type eraser struct {
	searcher[Act]

	acts       []*Act          // beside the requests that wait
	again      *Act            // counts for people erased earlier
	suppressed lake.Suppressed // people erased earlier
	nonce      string
	whole      bool // search the whole store; false: only what was received of late

	cut map[[2]string]*Act // (raw object, key) of deliveries whose bytes went whole
}

// widen adds every token of each person, by the rules of the night, and the
// values stated with them. Shared ones (an office phone that ten people left, a
// deal of two) stay out: they are other people's, too.
func (e *eraser) widen(ctx context.Context) error {
	if len(e.acts) > 0 {
		days, err := lake.Days(ctx, e.p.store, lake.EventsPrefix)
		if err != nil {
			return err
		}
		resolver, err := resolverOf(ctx, e.p.store, e.cfg, days, func(schema.IdentityEventRow) bool { return true })
		if err != nil {
			return err
		}
		clients := resolver.Resolve()
		for _, token := range slices.Sorted(maps.Keys(e.owner)) {
			e.claim(e.owner[token], slices.DeleteFunc(clients.Tokens(clients.Of(token)), clients.Shared))
		}
		// The last night may have known links that an interrupted erasure has cut. Of
		// what events still hold, only they decide: they may know better whose it is.
		people, err := lake.ReadTable[schema.PersonRow](ctx, e.p.store, peopleKey)
		if err != nil {
			return err
		}
		for _, person := range people.Rows {
			if act := e.ownerOf(person.Tokens); act != nil {
				e.claim(act, slices.DeleteFunc(person.Tokens, func(token string) bool { return clients.Of(token) != "" }))
			}
		}
	}
	e.words, e.digits = maps.Clone(e.owner), map[string]*Act{}
	if !e.whole {
		return nil
	}
	return e.learnValues(ctx)
}

func (e *eraser) claim(act *Act, tokens []string) {
	for _, token := range tokens {
		if old := e.owner[token]; old == nil || old == e.again {
			e.owner[token] = act
		}
	}
}

// learnValues collects the phones and e-mails behind the tokens and every form
// in which audience files write them.
func (e *eraser) learnValues(ctx context.Context) error {
	days, err := lake.Days(ctx, e.p.store, lake.ContactsPrefix)
	if err != nil {
		return err
	}
	for _, day := range days {
		table, err := lake.ReadDay[schema.ContactRow](ctx, e.p.store, lake.ContactsPrefix, day)
		if err != nil {
			return err
		}
		for _, row := range table.Rows {
			if e.ownerOf(row.Tokens) == nil {
				continue
			}
			for _, value := range row.Phones {
				e.learn("phone", value, e.owner[string(e.p.key.Phone(identity.Phone(value)))])
			}
			for _, value := range row.Emails {
				e.learn("email", value, e.owner[string(e.p.key.Email(identity.Email(value)))])
			}
		}
	}
	return nil
}
