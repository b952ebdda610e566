package handover_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/leadlake/leadlake/lib/audience"
	"github.com/leadlake/leadlake/lib/consent"
	"github.com/leadlake/leadlake/lib/handover"
	"github.com/leadlake/leadlake/lib/schema"
)

func client(states ...string) *schema.ClientRow {
	row := &schema.ClientRow{ClientID: "p00000000000000000000000000"}
	for i := 0; i+1 < len(states); i += 2 {
		row.Consents.Pairs = append(row.Consents.Pairs, schema.Pair{Key: states[i], Value: states[i+1]})
	}
	return row
}

func left(purpose consent.Purpose, reason audience.Reason) func(consent.Purpose) audience.Reason {
	return func(p consent.Purpose) audience.Reason {
		if p == purpose {
			return reason
		}
		return ""
	}
}

func in(segments ...string) func(string) bool {
	return func(key string) bool { return slices.Contains(segments, key) }
}

func TestEachReasonByItself(t *testing.T) {
	ads := handover.Export{Purposes: []consent.Purpose{consent.Ads}, Exclude: []string{"staff"}, Above: []string{"first", "second"}, Budget: 3}
	letter := handover.Export{Purposes: []consent.Purpose{consent.Email}, Message: true, Budget: 3}
	both := handover.Export{Purposes: []consent.Purpose{consent.Ads, consent.SMS}}
	locked := ads
	locked.Locked = &audience.Text{RU: "нет", EN: "no"}
	agrees := client("ads", "given", "email", "given")
	for _, tc := range []struct {
		name   string
		export handover.Export
		client *schema.ClientRow
		with   handover.Standing
		want   audience.Reason
	}{
		{"agrees to ads", ads, agrees, handover.Standing{}, ""},
		{"agrees to letters", letter, agrees, handover.Standing{}, ""},
		{"never spoke of processing", ads, client("ads", "given"), handover.Standing{}, ""},
		{"erased", ads, agrees, handover.Standing{Erased: true}, audience.ReasonErased},
		{"without a card", ads, nil, handover.Standing{}, audience.ReasonErased},
		{"of a locked export", locked, agrees, handover.Standing{}, audience.ReasonSensitive},
		{"processing withdrawn", ads, client("processing", "withdrawn", "ads", "given"), handover.Standing{}, audience.ReasonWithdrawn},
		{"processing withdrawn since", ads, agrees, handover.Standing{Left: left(consent.Processing, audience.ReasonWithdrawn)}, audience.ReasonWithdrawn},
		{"ads withdrawn", ads, client("ads", "withdrawn", "email", "given"), handover.Standing{}, audience.ReasonWithdrawn},
		{"ads withdrawn, letters given", letter, client("ads", "withdrawn", "email", "given"), handover.Standing{}, ""},
		{"letters only", ads, client("email", "given"), handover.Standing{}, audience.ReasonNoConsent},
		{"ads only", letter, client("ads", "given"), handover.Standing{}, audience.ReasonNoConsent},
		{"says nothing", ads, client(), handover.Standing{}, audience.ReasonNoConsent},
		{"a state that is none", ads, client("ads", "perhaps"), handover.Standing{}, audience.ReasonNoConsent},
		{"unsubscribed since", letter, agrees, handover.Standing{Left: left(consent.Email, audience.ReasonUnsubscribed)}, audience.ReasonUnsubscribed},
		{"unsubscribed from letters, not from ads", ads, agrees, handover.Standing{Left: left(consent.Email, audience.ReasonUnsubscribed)}, ""},
		{"never asked and unsubscribed since", letter, client(), handover.Standing{Left: left(consent.Email, audience.ReasonUnsubscribed)}, audience.ReasonUnsubscribed},
		{"one of two purposes", both, client("ads", "given"), handover.Standing{}, audience.ReasonNoConsent},
		{"the other of two purposes", both, client("sms", "given"), handover.Standing{}, audience.ReasonNoConsent},
		{"both purposes", both, client("ads", "given", "sms", "given"), handover.Standing{}, ""},
		{"staff", ads, agrees, handover.Standing{Member: in("staff")}, audience.ReasonExcluded},
		{"of another segment", ads, agrees, handover.Standing{Member: in("champions")}, ""},
		{"in the segment before", ads, agrees, handover.Standing{Member: in("second")}, audience.ReasonPriority},
		{"held out", ads, agrees, handover.Standing{Held: true}, audience.ReasonHoldout},
		{"held out and given before", ads, agrees, handover.Standing{Held: true, Given: true}, audience.ReasonHoldout},
		{"two of three contacts", letter, agrees, handover.Standing{Contacts: 2}, ""},
		{"three of three contacts", letter, agrees, handover.Standing{Contacts: 3}, audience.ReasonContactBudget},
		{"four contacts, standing member", letter, agrees, handover.Standing{Contacts: 4, Given: true}, ""},
		{"four contacts, advertising", ads, agrees, handover.Standing{Contacts: 4}, ""},
		{"an export without a purpose", handover.Export{}, agrees, handover.Standing{}, audience.ReasonNoConsent},
	} {
		if got := tc.export.Decide(tc.client, tc.with); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}

// Everything holds at once; taken away one after another in the order of the
// contract, each reason shows the next.
func TestReasonsAreToldInTheirOrder(t *testing.T) {
	export := handover.Export{
		Purposes: []consent.Purpose{consent.Ads, consent.SMS}, Exclude: []string{"staff"}, Above: []string{"first"}, Message: true, Budget: 3,
		Locked: &audience.Text{RU: "нет", EN: "no"}, LockedBy: audience.ReasonSensitive,
	}
	row := client("processing", "withdrawn", "ads", "withdrawn", "sms", "withdrawn")
	gone := map[consent.Purpose]audience.Reason{
		consent.Processing: audience.ReasonWithdrawn, consent.Ads: audience.ReasonUnsubscribed, consent.SMS: audience.ReasonUnsubscribed,
	}
	with := handover.Standing{Erased: true, Member: in("staff", "first"), Held: true, Contacts: 3}
	with.Left = func(p consent.Purpose) audience.Reason { return gone[p] }
	set := func(purpose, state string) func() {
		return func() {
			for i := range row.Consents.Pairs {
				if row.Consents.Pairs[i].Key == purpose {
					row.Consents.Pairs[i].Value = state
				}
			}
		}
	}
	back := func(p consent.Purpose) func() { return func() { delete(gone, p) } }
	for i, step := range []struct {
		want audience.Reason
		lift func()
	}{
		{audience.ReasonErased, func() { with.Erased = false }},
		{audience.ReasonSensitive, func() { export.Locked = nil }},
		{audience.ReasonWithdrawn, set("processing", "given")},
		{audience.ReasonWithdrawn, back(consent.Processing)},
		{audience.ReasonWithdrawn, set("ads", "")},
		{audience.ReasonUnsubscribed, back(consent.Ads)},
		{audience.ReasonNoConsent, set("ads", "given")},
		{audience.ReasonWithdrawn, set("sms", "")},
		{audience.ReasonUnsubscribed, back(consent.SMS)},
		{audience.ReasonNoConsent, set("sms", "given")},
		{audience.ReasonExcluded, func() { with.Member = in("first") }},
		{audience.ReasonPriority, func() { with.Member = nil }},
		{audience.ReasonHoldout, func() { with.Held = false }},
		{audience.ReasonContactBudget, func() { with.Contacts = 2 }},
		{"", func() {}},
	} {
		if got := export.Decide(row, with); got != step.want {
			t.Fatalf("step %d: %q, want %q", i, got, step.want)
		}
		step.lift()
	}
}

// situation is a random export, client and standing, all of them values that can
// be copied and changed.
type situation struct {
	export  handover.Export
	states  map[consent.Purpose]string
	gone    map[consent.Purpose]audience.Reason
	members map[string]bool
	with    handover.Standing
	noCard  bool
}

func randomSituation(r *rand.Rand) *situation {
	yes := func(n int) bool { return r.IntN(n) == 0 }
	s := &situation{states: map[consent.Purpose]string{}, gone: map[consent.Purpose]audience.Reason{}, members: map[string]bool{}, noCard: yes(30)}
	for _, p := range consent.Purposes() {
		s.states[p] = []string{"given", "given", "given", "given", "withdrawn", "", "else"}[r.IntN(7)]
		if yes(8) {
			s.gone[p] = []audience.Reason{audience.ReasonWithdrawn, audience.ReasonUnsubscribed}[r.IntN(2)]
		}
		if p != consent.Processing && yes(3) {
			s.export.Purposes = append(s.export.Purposes, p)
		}
	}
	for _, key := range []string{"a", "b", "c", "d"} {
		s.members[key] = yes(4)
		if yes(3) {
			s.export.Exclude = append(s.export.Exclude, key)
		}
		if yes(3) {
			s.export.Above = append(s.export.Above, key)
		}
	}
	s.export.Message, s.export.Budget = yes(2), 1+r.IntN(4)
	if yes(20) {
		s.export.Locked = &audience.Text{RU: "нет", EN: "no"}
	}
	s.with = handover.Standing{Erased: yes(20), Held: yes(6), Given: yes(2), Contacts: r.IntN(6)}
	return s
}

func (s *situation) decide() audience.Reason {
	var row *schema.ClientRow
	if !s.noCard {
		row = client()
		for _, p := range consent.Purposes() {
			if s.states[p] != "" {
				row.Consents.Pairs = append(row.Consents.Pairs, schema.Pair{Key: string(p), Value: s.states[p]})
			}
		}
		slices.SortFunc(row.Consents.Pairs, func(a, b schema.Pair) int { return strings.Compare(a.Key, b.Key) })
	}
	with := s.with
	with.Left = func(p consent.Purpose) audience.Reason { return s.gone[p] }
	with.Member = func(key string) bool { return s.members[key] }
	return s.export.Decide(row, with)
}

// tightenings each add a reason to keep somebody out.
func tightenings(r *rand.Rand) []func(*situation) {
	purpose := consent.Purposes()[r.IntN(len(consent.Purposes()))]
	key := []string{"a", "b", "c", "d"}[r.IntN(4)]
	return []func(*situation){
		func(s *situation) { s.noCard = true },
		func(s *situation) { s.with.Erased = true },
		func(s *situation) { s.export.Locked = &audience.Text{RU: "нет", EN: "no"} },
		func(s *situation) { s.states[purpose] = "withdrawn" },
		func(s *situation) { s.gone[purpose] = audience.ReasonUnsubscribed },
		func(s *situation) {
			if len(s.export.Purposes) > 0 { // an export without one is for nobody
				s.export.Purposes = append(s.export.Purposes, purpose)
			}
		},
		func(s *situation) { s.members[key] = true },
		func(s *situation) { s.export.Exclude = append(s.export.Exclude, key) },
		func(s *situation) { s.export.Above = append(s.export.Above, key) },
		func(s *situation) { s.with.Held = true },
		func(s *situation) { s.with.Contacts++ },
		func(s *situation) { s.with.Given = false },
		func(s *situation) { s.export.Message = true },
		func(s *situation) { s.export.Budget-- },
	}
}

// Whoever stays out stays out when one more thing speaks against him; and an equal
// situation is decided equally.
func TestNoRuleLetsAnybodyIn(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 11))
	outcomes := map[audience.Reason]int{}
	for range 6_000 {
		seed := r.Uint64()
		fresh := func() *situation { return randomSituation(rand.New(rand.NewPCG(seed, 1))) }
		before := fresh().decide()
		outcomes[before]++
		if again := fresh().decide(); again != before {
			t.Fatalf("one situation is %q and %q", before, again)
		}
		if before == "" {
			continue
		}
		for i, tighten := range tightenings(r) {
			s := fresh()
			if tighten(s); s.decide() == "" {
				t.Fatalf("who was out by %q is in after tightening %d: %+v", before, i, s)
			}
		}
	}
	for _, reason := range []audience.Reason{
		"", audience.ReasonErased, audience.ReasonSensitive, audience.ReasonWithdrawn, audience.ReasonUnsubscribed, audience.ReasonNoConsent,
		audience.ReasonExcluded, audience.ReasonPriority, audience.ReasonHoldout, audience.ReasonContactBudget,
	} {
		if outcomes[reason] < 10 {
			t.Errorf("only %d of the situations end in %q", outcomes[reason], reason)
		}
	}
}

// Whoever is in agrees to all that is asked, by rules that are written out here
// once more.
func TestWhoeverIsInMayBe(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 5))
	for range 6_000 {
		s := randomSituation(r)
		may := !s.noCard && !s.with.Erased && s.export.Locked == nil && s.states[consent.Processing] != "withdrawn" && s.gone[consent.Processing] == "" && len(s.export.Purposes) > 0
		for _, p := range s.export.Purposes {
			may = may && s.states[p] == "given" && s.gone[p] == ""
		}
		for key, member := range s.members {
			may = may && (!member || !slices.Contains(s.export.Exclude, key) && !slices.Contains(s.export.Above, key))
		}
		may = may && !s.with.Held && (!s.export.Message || s.with.Given || s.with.Contacts < s.export.Budget)
		if got := s.decide(); (got == "") != may {
			t.Fatalf("decided %q, want in: %v: %+v", got, may, s)
		}
	}
}
