package main

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/card"
	"github.com/leadlake/leadlake/lib/identity"
	"github.com/leadlake/leadlake/lib/objstore"
)

// What is promised of identity resolution, on a base whose truth is known: as good
// as nobody is taken for another, and whoever can be found is.
func TestResolutionFindsPeopleAndMixesNone(t *testing.T) {
	q, err := resolveTruth(20_000, identityOptions())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d records of %d people: precision %.5f, recall %.5f; %d pairs of two people made one, %d of one not found, %d of them without a value to join them",
		q.records, q.people, q.precision(), q.recall(), q.foundPairs-q.bothPairs, q.truePairs-q.bothPairs, q.apartPairs)
	if q.precision() < leastPrecision || q.recall() < leastRecall {
		t.Errorf("precision %.5f, recall %.5f; want at least %v and %v", q.precision(), q.recall(), leastPrecision, leastRecall)
	}
	if missed := q.truePairs - q.bothPairs; missed > q.apartPairs {
		t.Errorf("%d pairs were not found, and only %d have no value to join them", missed, q.apartPairs)
	}
	if q.families < 300 || q.onOneCard != q.families {
		t.Errorf("%d of %d families are on one card, want all", q.onOneCard, q.families)
	}
	if want := map[byte]int{identity.KindPhone: offices, identity.KindEmail: offices, identity.KindReference: q.shared[identity.KindReference]}; !cmp.Equal(want, q.shared) {
		t.Errorf("kept from linking %v, want the offices' phones and e-mails and the deals of two", q.shared)
	}
}

// The base is hard enough to tell a rule from none: without the guards offices
// become clients.
func TestTheTruthShowsWhatGuardsAreFor(t *testing.T) {
	options := identityOptions()
	options.MaxShared = math.MaxInt32
	q, err := resolveTruth(5_000, options)
	if err != nil {
		t.Fatal(err)
	}
	if q.precision() > 0.9 {
		t.Errorf("precision %.3f without guards", q.precision())
	}
	options = identityOptions()
	options.EmailLinks = false
	if q, err = resolveTruth(5_000, options); err != nil || q.recall() > 0.95 {
		t.Errorf("recall %.3f without e-mails, %v", q.recall(), err)
	}
}

func TestPairsAreCountedRight(t *testing.T) {
	records := []truthRecord{{person: 1}, {person: 1}, {person: 1}, {person: 2}, {person: 2}, {person: 3}}
	clients := []int{0, 0, 1, 1, 1, -1} // pairs: of one person 3+1, of one client 1+3, of both 1+1
	q := quality{}
	q.compare(records, func(i int) int { return clients[i] })
	if q.truePairs != 4 || q.foundPairs != 4 || q.bothPairs != 2 || q.precision() != 0.5 || q.recall() != 0.5 {
		t.Errorf("%+v", q)
	}
	empty := quality{}
	if empty.compare(nil, nil); empty.precision() != 1 || empty.recall() != 1 {
		t.Errorf("of nothing %+v", empty)
	}
}

// What the night reads from the lake is what was stated.
func TestTheLakeAndMemoryResolveToTheSame(t *testing.T) {
	town := newTown(5000, 2500)
	resolver := card.NewResolver(identityOptions())
	var rec card.Record
	for i := range town.events {
		town.record(i, &rec)
		if !slices.ContainsFunc(rec.Tokens, func(token string) bool { return !identity.Token(token).Valid() }) && len(rec.Tokens) > 0 {
			resolver.Add(rec)
		}
	}
	want := resolver.Resolve()
	store := new(objstore.Mem)
	if err := town.write(t.Context(), store); err != nil {
		t.Fatal(err)
	}
	got, err := resolveLake(t.Context(), store)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.Links(), got.Links()); diff != "" || want.Len() != got.Len() || want.Len() < 500 {
		t.Errorf("%d clients from memory, %d from the lake (-memory +lake):\n%.2000s", want.Len(), got.Len(), diff)
	}
}

func TestIdentityIsMeasured(t *testing.T) {
	for _, args := range [][]string{{"-events", "2000", "-identifiers", "1000"}, {"-events", "2000", "-identifiers", "1000", "-lake"}, {"-quality", "-people", "500"}} {
		var out strings.Builder
		if err := run(t.Context(), &out, append([]string{"identity"}, args...)); err != nil {
			t.Fatalf("%v: %v", args, err)
		}
		for _, line := range []string{"clients", "met"} {
			if !strings.Contains(out.String(), line) {
				t.Errorf("%v: no line %q in\n%s", args, line, out.String())
			}
		}
		if strings.Contains(out.String(), "MISSED") {
			t.Errorf("%v:\n%s", args, out.String())
		}
	}
}
