package analytics_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/analytics"
	"github.com/leadlake/leadlake/lib/schema"
)

// keyed is a digest of a segment and a client as a deployment has one.
func keyed(segment, clientID string) [32]byte {
	mac := hmac.New(sha256.New, []byte("the key of the tests"))
	mac.Write([]byte(segment + "\x00" + clientID))
	return [32]byte(mac.Sum(nil))
}

// fractions are digests that begin as told; of others 0.
func fractions(of map[string]float64) func(string, string) [32]byte {
	return func(_, clientID string) (digest [32]byte) {
		binary.BigEndian.PutUint64(digest[:], uint64(math.Ldexp(of[clientID], 64)))
		return digest
	}
}

func TestHoldoutByHand(t *testing.T) {
	sum := fractions(map[string]float64{"a": 0.0999, "b": 0.1, "c": 0.5, "merged": 0.05, "x": 0.9, "y": 0.05})
	earlier := []schema.AssignmentRow{
		{ClientID: "old1", Held: true, SinceDay: "2026-01-01"},
		{ClientID: "old2", SinceDay: "2026-02-01"},
		{ClientID: "twice", Held: true, SinceDay: "2026-03-01"},
		{ClientID: "twice", SinceDay: "2026-03-01"},
		{ClientID: "x", Held: true, SinceDay: "2026-03-01"},
		{ClientID: "y", SinceDay: "2026-03-01"},
	}
	for _, test := range []struct {
		name    string
		share   float64
		id      string
		aliases []string
		want    bool
	}{
		{"a fraction below the share is held out", 0.1, "a", nil, true},
		{"one that is the share is not", 0.1, "b", nil, false},
		{"one above it is not", 0.1, "c", nil, false},
		{"a larger share reaches him", 0.6, "c", nil, true},
		{"who was held out stays so whatever his fraction", 0.1, "x", nil, true},
		{"who was exported stays so whatever his fraction", 0.1, "y", nil, false},
		{"a larger share does not reach who was exported", 0.9, "y", nil, false},
		{"held out under an earlier id", 0.1, "c", []string{"old1"}, true},
		{"exported under an earlier id", 0.1, "merged", []string{"old2"}, false},
		{"merged of one exported and one held out", 0.1, "y", []string{"old2", "old1"}, true},
		{"and the other way round", 0.1, "x", []string{"old2"}, true},
		{"of two rows of one id the held one counts", 0.1, "twice", nil, true},
		{"aliases that nobody knows do not decide", 0.1, "a", []string{"b", "c"}, true},
		{"no share holds nobody out", 0, "a", nil, false},
		{"nor who was held out before", 0, "x", []string{"old1"}, false},
	} {
		h := analytics.NewHoldout("champions", test.share, sum, earlier)
		if got := h.Held(test.id, test.aliases); got != test.want {
			t.Errorf("%s: held %t", test.name, got)
		}
	}
}

func TestHoldoutNotesNewcomersOnce(t *testing.T) {
	earlier := []schema.AssignmentRow{{ClientID: "m", Held: true, SinceDay: "2026-01-01"}}
	h := analytics.NewHoldout("s", 0.1, fractions(map[string]float64{"z": 0.9}), earlier)
	for _, id := range []string{"z", "a", "z", "n"} {
		var aliases []string
		if id == "n" {
			aliases = []string{"m"} // known
		}
		h.Assign(id, aliases, "2026-02-03")
	}
	want := []schema.AssignmentRow{
		{ClientID: "a", Held: true, SinceDay: "2026-02-03"}, {ClientID: "m", Held: true, SinceDay: "2026-01-01"}, {ClientID: "z", SinceDay: "2026-02-03"},
	}
	if diff := cmp.Diff(want, h.Assignments()); diff != "" || h.Fresh() != 2 {
		t.Errorf("%d new (-want +got):\n%s", h.Fresh(), diff)
	}
	// Switched off: everybody is exported, and the log keeps what it knows.
	off := analytics.NewHoldout("s", 0, keyed, h.Assignments())
	if off.Assign("a", nil, "2026-03-01") || off.Assign("b", nil, "2026-03-01") {
		t.Error("held out without a share")
	}
	if diff := cmp.Diff(schema.AssignmentRow{ClientID: "a", Held: true, SinceDay: "2026-02-03"}, off.Assignments()[0]); diff != "" || off.Fresh() != 1 {
		t.Errorf("%d new (-want +got):\n%s", off.Fresh(), diff)
	}
	// And on again: who was exported meanwhile has seen it.
	on := analytics.NewHoldout("s", 0.9, fractions(nil), off.Assignments())
	if on.Assign("b", nil, "2026-04-01") || !on.Assign("a", nil, "2026-04-01") || on.Fresh() != 0 {
		t.Error("the sides of before do not stand")
	}
	if rows := analytics.NewHoldout("s", 0.1, keyed, nil).Assignments(); len(rows) != 0 {
		t.Errorf("nobody assigned: %v", rows)
	}
}

// Of 20 000 clients a tenth is held out, give or take five standard deviations of
// √(20000·0.1·0.9) = 42; other segments choose others; a larger share keeps all of them.
func TestHoldoutIsAFairAndStickyShare(t *testing.T) {
	const people = 20_000
	count := func(h *analytics.Holdout, also ...*analytics.Holdout) (n int) {
		for i := range people {
			id := "p" + strconv.Itoa(i)
			held := h.Held(id, nil)
			for _, other := range also {
				held = held && other.Held(id, nil)
			}
			if held {
				n++
			}
		}
		return n
	}
	small, large := analytics.NewHoldout("s", 0.1, keyed, nil), analytics.NewHoldout("s", 0.3, keyed, nil)
	other := analytics.NewHoldout("other", 0.1, keyed, nil)
	n := count(small)
	if n < 2000-212 || n > 2000+212 {
		t.Errorf("%d of %d held out, want a tenth", n, people)
	}
	if both := count(small, large); both != n {
		t.Errorf("%d of %d stay with a larger share", both, n)
	}
	if both := count(small, other); both < 130 || both > 270 { // 200, five times √198 = 70
		t.Errorf("%d are held out of two segments, want a hundredth", both)
	}
}

// The order in which clients come, and that of the log, decide nothing.
func TestHoldoutIsOfNoOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 4))
	var earlier []schema.AssignmentRow
	for i := range 50 {
		earlier = append(earlier, schema.AssignmentRow{ClientID: strconv.Itoa(i), Held: i%3 == 0, SinceDay: "2026-01-01"})
	}
	var want []schema.AssignmentRow
	for round := range 20 {
		order := random.Perm(100)
		random.Shuffle(len(earlier), func(i, j int) { earlier[i], earlier[j] = earlier[j], earlier[i] })
		h := analytics.NewHoldout("s", 0.4, keyed, earlier)
		for _, i := range order {
			h.Assign("n"+strconv.Itoa(i), []string{strconv.Itoa(i)}, "2026-01-02") // half of them known
		}
		if round == 0 {
			want = h.Assignments()
		} else if diff := cmp.Diff(want, h.Assignments()); diff != "" {
			t.Fatalf("another order (-want +got):\n%s", diff)
		}
	}
	if len(want) != 100 {
		t.Errorf("%d assignments, want 50 of before and 50 new", len(want))
	}
}

func TestHoldoutAllocatesNothingForAClient(t *testing.T) {
	earlier := []schema.AssignmentRow{{ClientID: "a", Held: true}}
	h := analytics.NewHoldout("s", 0.4, fractions(nil), earlier)
	aliases := []string{"b", "c"}
	if n := testing.AllocsPerRun(100, func() {
		h.Held("a", aliases)
		h.Held("d", aliases)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
