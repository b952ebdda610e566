package main

import (
	"fmt"
	"time"

	"github.com/leadlake/leadlake/lib/card"
	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/identity"
	"github.com/leadlake/leadlake/lib/identity/phone"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/schema"
)

const qualityConfiguration = `business: {country: RU}
sources:
  - {name: site, kind: json, shop: main}
  - {name: till, kind: json, shop: main}
  - {name: crm, kind: json}
`

// Of a hundred thousand pairs of records that resolution makes one person's, at
// most a hundred may be of two; of a hundred that are one person's, it finds 98.
const (
	leastPrecision = 0.999
	leastRecall    = 0.98
)

// quality is how well resolution found a truth, over pairs of records.
type quality struct {
	people, records, clients int
	truePairs                int64 // of one person
	foundPairs               int64 // of one client
	bothPairs                int64
	apartPairs               int64        // of one person, whom no chain of values of his own joins: nobody could find them
	families, onOneCard      int          // families, and those that are one client with both e-mails among its links
	shared                   map[byte]int // tokens kept from linking, by kind
}

func (q quality) precision() float64 { return share(q.bothPairs, q.foundPairs) }

func (q quality) recall() float64 { return share(q.bothPairs, q.truePairs) }

func share(part, of int64) float64 {
	if of == 0 {
		return 1
	}
	return float64(part) / float64(of)
}

func measureQuality(r *report, people int) error {
	q, err := resolveTruth(people, identityOptions())
	if err != nil {
		return err
	}
	r.add("people", float64(q.people), "")
	r.add("records", float64(q.records), "")
	r.add("clients", float64(q.clients), "")
	r.goalAtLeast("precision over pairs", q.precision(), "", leastPrecision)
	r.goalAtLeast("recall over pairs", q.recall(), "", leastRecall)
	r.add("pairs of two people made one", float64(q.foundPairs-q.bothPairs), "")
	r.add("pairs of one person not found", float64(q.truePairs-q.bothPairs), "")
	r.add("of them with no value to join them", float64(q.apartPairs), "")
	r.say("families on one phone", fmt.Sprintf("%d of %d are one card, each with both e-mails among its links", q.onOneCard, q.families))
	r.add("phones kept from linking", float64(q.shared[identity.KindPhone]), "")
	r.add("e-mails kept from linking", float64(q.shared[identity.KindEmail]), "")
	r.add("deals of several clients", float64(q.shared[identity.KindReference]), "")
	return nil
}

// resolveTruth refines the records of a base whose truth is known, as compaction
// does, resolves them and compares.
func resolveTruth(people int, options card.ResolverOptions) (quality, error) {
	cfg, err := config.Parse([]byte(qualityConfiguration))
	if err != nil {
		return quality{}, err
	}
	key := identity.NewKey([]byte("the bench has tokens of its own making"))
	refinery := lake.Refiner{Key: key, Phones: phone.Parser{}}.Under(cfg)
	records, families := truthBase(people)
	resolver := card.NewResolver(options)
	tokens := make([][]string, len(records))
	for i, rec := range records {
		source, _ := cfg.SourceNamed(rec.source)
		row, _, err := refinery.Refine(lake.Origin{Source: source, ReceivedAt: rec.event.At.Add(time.Minute)}, rec.event)
		if err != nil {
			return quality{}, err
		}
		tokens[i] = row.Tokens
		resolver.Add(card.Record{At: row.At, Tokens: row.Tokens, Name: rec.event.Client.Name, Source: rec.source})
	}
	clients := resolver.Resolve()
	q := quality{people: people, records: len(records), clients: clients.Len(), families: len(families), shared: map[byte]int{}}
	q.compare(records, func(i int) int { return clients.Number(tokens[i]) })
	q.apartPairs = q.truePairs - joinable(records, tokens, key)
	joined := map[string]bool{}
	for _, link := range clients.Links() {
		if link.Why == schema.LinkStated {
			joined[link.Token], joined[link.WithToken] = true, true
		} else {
			q.shared[identity.Token(link.Token).Kind()]++
		}
	}
	for _, family := range families {
		a, b := tokenOfEmail(key, family[0].email), tokenOfEmail(key, family[1].email)
		if clients.Of(a) != "" && clients.Of(a) == clients.Of(b) && joined[a] && joined[b] {
			q.onOneCard++
		}
	}
	return q, nil
}

func tokenOfEmail(key identity.Key, raw string) string {
	email, _ := identity.ParseEmail(raw)
	return string(key.Email(email))
}

// compare counts pairs. A record without a client is alone.
func (q *quality) compare(records []truthRecord, clientOf func(i int) int) {
	truth, found, both := map[int]int64{}, map[int]int64{}, map[[2]int]int64{}
	for i, rec := range records {
		truth[rec.person]++
		if client := clientOf(i); client >= 0 {
			found[client]++
			both[[2]int{rec.person, client}]++
		}
	}
	for _, n := range truth {
		q.truePairs += n * (n - 1) / 2
	}
	for _, n := range found {
		q.foundPairs += n * (n - 1) / 2
	}
	for _, n := range both {
		q.bothPairs += n * (n - 1) / 2
	}
}

// joinable counts the pairs of records of one person that a chain of values of his
// own joins, by the truth: what the planted offices share is not his own.
func joinable(records []truthRecord, tokens [][]string, key identity.Key) int64 {
	others := map[string]bool{}
	for i := range 2 * offices {
		others[tokenOfEmail(key, officeEmail(i))] = true
		others[string(key.Phone(identity.Phone("+7"+receptionPhone(i))))] = true
	}
	type own struct {
		person int
		token  string
	}
	first := map[own]int{}
	parent := make([]int, len(records))
	find := func(i int) int {
		for parent[i] != i {
			parent[i] = parent[parent[i]]
			i = parent[i]
		}
		return i
	}
	for i, rec := range records {
		parent[i] = i
		for _, token := range tokens[i] {
			if others[token] || identity.Token(token).Kind() == identity.KindReference {
				continue
			}
			value := own{rec.person, token}
			if before, ok := first[value]; ok {
				parent[find(i)] = find(before)
			} else {
				first[value] = i
			}
		}
	}
	sizes := map[int]int64{}
	for i := range records {
		sizes[find(i)]++
	}
	pairs := int64(0)
	for _, n := range sizes {
		pairs += n * (n - 1) / 2
	}
	return pairs
}
