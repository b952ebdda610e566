package card_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/card"
	"github.com/leadlake/leadlake/lib/schema"
)

// base is records of a small town: few tokens of every kind, so that they meet
// often, many at the same instant, some of them twice.
func base(random *rand.Rand, n int) []card.Record {
	records := make([]card.Record, n)
	for i := range records {
		rec := card.Record{At: at(1+random.IntN(4), random.IntN(3)), Source: fmt.Sprint("s", random.IntN(2))}
		if random.IntN(3) > 0 {
			rec.Name = fmt.Sprint("n", random.IntN(5))
		}
		for _, kind := range "cxxpper" {
			if random.IntN(5) < 2 {
				rec.Tokens = append(rec.Tokens, fmt.Sprintf("%c%d", kind, random.IntN(n/2)))
			}
		}
		records[i] = rec
	}
	return records
}

func resolved(o card.ResolverOptions, records []card.Record) *card.Clients {
	r := card.NewResolver(o)
	for _, rec := range records {
		r.Add(rec)
	}
	return r.Resolve()
}

// lists draws merges and a split that do not contradict one another.
func lists(random *rand.Rand, n int) (merge [][]string, split [][][]string) {
	names := random.Perm(n / 2)
	token := func(i int) string { return fmt.Sprintf("%c%d", "cxper"[random.IntN(5)], names[i%len(names)]) }
	split = [][][]string{{{token(0), token(1)}, {token(2)}, {token(3)}}, {{token(4)}, {token(5)}}}
	merge = [][]string{{token(0), token(6), token(7)}, {token(8), token(9)}, {"p-nobody", token(8)}}
	for _, list := range merge { // contradictions are the configuration's business
		for _, parts := range split {
			in := map[int]bool{}
			for i, part := range parts {
				for _, other := range part {
					if slices.Contains(list, other) {
						in[i] = true
					}
				}
			}
			if len(in) > 1 {
				return lists(random, n)
			}
		}
	}
	return merge, split
}

func TestResolutionIsAFunctionOfTheSetOfRecords(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 5))
	for round := range 400 {
		o := card.ResolverOptions{MaxShared: 1 + random.IntN(4), EmailLinks: round%2 == 0}
		if round%3 > 0 {
			o.Merge, o.Split = lists(random, 40)
		}
		records := base(random, 40)
		want := resolved(o, records)
		checkLinks(t, want)
		again := slices.Concat(records, records[:10]) // some twice
		random.Shuffle(len(again), func(i, j int) { again[i], again[j] = again[j], again[i] })
		for _, rec := range again {
			random.Shuffle(len(rec.Tokens), func(i, j int) { rec.Tokens[i], rec.Tokens[j] = rec.Tokens[j], rec.Tokens[i] })
		}
		got := resolved(o, again)
		for _, diff := range []string{cmp.Diff(clusters(want), clusters(got)), cmp.Diff(want.Links(), got.Links()), cmp.Diff(want.Unknown(), got.Unknown())} {
			if diff != "" {
				t.Fatalf("round %d (-want +got):\n%s", round, diff)
			}
		}
		for id, tokens := range clusters(got) {
			for _, token := range tokens {
				if got.Of(token) != id || got.Shared(token) != want.Shared(token) || decides(got, token) != decides(want, token) {
					t.Fatalf("round %d: %s is %s's, and among those of %s", round, token, got.Of(token), id)
				}
			}
			if !slices.Contains(tokens, id) {
				t.Fatalf("round %d: client %s does not hold its own id", round, id)
			}
		}
	}
}

// Without lists and guards a further record never parts persons whom those before
// it made one; references may go to whom they turn out to have been first with.
func TestMoreRecordsNeverPartPersons(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 5))
	for round := range 200 {
		o := card.ResolverOptions{MaxShared: 1000, EmailLinks: true}
		records := base(random, 40)
		few, all := resolved(o, records[:20]), resolved(o, records)
		for _, tokens := range clusters(few) {
			persons := slices.DeleteFunc(tokens, func(token string) bool { return token[0] == 'r' })
			for i := 1; i < len(persons); i++ {
				if all.Of(persons[i]) != all.Of(persons[0]) {
					t.Fatalf("round %d: %s and %s were one", round, persons[0], persons[i])
				}
			}
		}
	}
}

// An id stays while only later records come, unless an older client joins.
func TestLaterRecordsDoNotChangeAnID(t *testing.T) {
	random := rand.New(rand.NewPCG(11, 5))
	for round := range 200 {
		o := card.ResolverOptions{MaxShared: 1000, EmailLinks: true}
		records := base(random, 40)
		for i := range records { // no references, which may move
			records[i].Tokens = slices.DeleteFunc(records[i].Tokens, func(token string) bool { return token[0] == 'r' })
			if i >= 20 {
				records[i].At = records[i].At.AddDate(0, 1, 0)
			}
		}
		before, after := resolved(o, records[:20]), resolved(o, records)
		ids := before.IDs()
		for _, id := range ids {
			now := after.Of(id)
			if now != id && !slices.Contains(ids, now) {
				t.Fatalf("round %d: client %s is now called %s, which nobody was", round, id, now)
			}
		}
	}
}

func TestListsAlwaysHold(t *testing.T) {
	random := rand.New(rand.NewPCG(13, 5))
	torn := 0
	for round := range 600 {
		o := card.ResolverOptions{MaxShared: 1 + random.IntN(4), EmailLinks: round%2 == 0}
		o.Merge, o.Split = lists(random, 40)
		records := base(random, 60)
		c := resolved(o, records)
		for i, parts := range o.Split {
			for a := range parts {
				for b := range a {
					for _, x := range parts[a] {
						for _, y := range parts[b] {
							if c.Of(x) != "" && c.Of(x) == c.Of(y) && x != y {
								t.Fatalf("round %d: split %d holds %s and %s apart, and both are %s's", round, i, x, y, c.Of(x))
							}
						}
					}
				}
			}
		}
		owners := map[string]bool{}
		for _, list := range o.Merge {
			clear(owners)
			for _, token := range list {
				if id := c.Of(token); id != "" {
					owners[id] = true
				}
			}
			if len(owners) > 1 {
				t.Fatalf("round %d: %v are one by the owner's list, and are %v", round, list, slices.Sorted(maps.Keys(owners)))
			}
		}
		if slices.ContainsFunc(c.Links(), func(l schema.LinkRow) bool { return l.Why == schema.LinkSplit }) {
			torn++
		}
		if !slices.Contains(c.Unknown(), "p-nobody") {
			t.Fatalf("round %d: unknown %v", round, c.Unknown())
		}
	}
	if torn < 100 {
		t.Errorf("%d rounds tore a client: too few to prove much", torn)
	}
}
