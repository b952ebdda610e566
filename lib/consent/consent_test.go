package consent_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/consent"
)

func TestLatestStatementDecidesInAnyOrder(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2026, 3, n, 0, 0, 0, 0, time.UTC) }
	statements := []consent.Statement{
		{Purpose: consent.Ads, Given: true, At: day(1), EventID: "a"},
		{Purpose: consent.Ads, Given: false, At: day(3), EventID: "b"},
		{Purpose: consent.Ads, Given: true, At: day(2), EventID: "c"},
		{Purpose: consent.Email, Given: true, At: day(5), EventID: "d"},
		{Purpose: consent.Email, Given: false, At: day(5), EventID: "a"}, // same instant: the withdrawal wins
		{Purpose: consent.SMS, Given: true, At: day(1), EventID: "x"},
	}
	want := map[consent.Purpose]consent.State{consent.Ads: consent.Withdrawn, consent.Email: consent.Withdrawn, consent.SMS: consent.Given}
	random := rand.New(rand.NewPCG(3, 4))
	for range 50 {
		random.Shuffle(len(statements), func(i, j int) { statements[i], statements[j] = statements[j], statements[i] })
		var ledger consent.Ledger
		for _, s := range statements {
			ledger.Add(s)
		}
		if diff := cmp.Diff(want, ledger.States()); diff != "" {
			t.Fatalf("States (-want +got):\n%s", diff)
		}
	}
}

// Two sources may state one thing under one id at one instant: which of them is the
// proof must not be left to chance.
func TestTheProofDoesNotDependOnTheOrder(t *testing.T) {
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	statements := []consent.Statement{
		{Purpose: consent.Ads, Given: true, At: at, EventID: "1", Channel: "site", TextVersion: "1", Evidence: "form"},
		{Purpose: consent.Ads, Given: true, At: at, EventID: "1", Channel: "crm", TextVersion: "2", Evidence: "call"},
		{Purpose: consent.Ads, Given: true, At: at, EventID: "1", Channel: "site", TextVersion: "1", Evidence: "file"},
		{Purpose: consent.Email, Given: true, At: at, EventID: "1", Channel: "crm"},
	}
	random := rand.New(rand.NewPCG(3, 5))
	for range 20 {
		random.Shuffle(len(statements), func(i, j int) { statements[i], statements[j] = statements[j], statements[i] })
		var ledger consent.Ledger
		for _, s := range statements {
			ledger.Add(s)
		}
		all := ledger.All()
		if len(all) != 2 || all[0].Channel != "site" || all[0].Evidence != "form" || all[1].Purpose != consent.Email {
			t.Fatalf("All = %+v", all)
		}
	}
}

func TestAStatementDatedBeforeAnotherLoses(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2026, 3, n, 0, 0, 0, 0, time.UTC) }
	var ledger consent.Ledger
	ledger.Add(consent.Statement{Purpose: consent.Ads, Given: true, At: day(5)})
	ledger.Add(consent.Statement{Purpose: consent.Ads, At: day(4)}) // told later of an earlier day
	if got := ledger.State(consent.Ads); got != consent.Given {
		t.Errorf("State = %q, want given", got)
	}
	for _, s := range consent.Unsubscribe("", day(6), "u", "mail") {
		ledger.Add(s)
	}
	ledger.Add(consent.Statement{Purpose: consent.Email, Given: true, At: day(7)})
	want := map[consent.Purpose]consent.State{
		consent.Ads: consent.Withdrawn, consent.SMS: consent.Withdrawn, consent.Call: consent.Withdrawn, consent.Messenger: consent.Withdrawn, consent.Email: consent.Given,
	}
	if diff := cmp.Diff(want, ledger.States()); diff != "" {
		t.Errorf("who left everything and came back by e-mail (-want +got):\n%s", diff)
	}
}

func TestNothingStatedIsUnknown(t *testing.T) {
	var ledger consent.Ledger
	if got := ledger.State(consent.Ads); got != "" {
		t.Errorf("State = %q, want empty", got)
	}
	if got := ledger.States(); got != nil {
		t.Errorf("States = %v, want nil", got)
	}
	if _, ok := ledger.Latest(consent.Ads); ok {
		t.Error("Latest of nothing reports a statement")
	}
}

func TestUnsubscribeWithdrawsItsChannelOrAll(t *testing.T) {
	for channel, want := range map[string]int{"email": 1, "WhatsApp": 1, "": 5, "everything": 5} {
		statements := consent.Unsubscribe(channel, time.Unix(0, 0), "e", "site")
		if len(statements) != want {
			t.Errorf("Unsubscribe(%q) makes %d statements, want %d", channel, len(statements), want)
		}
		for _, s := range statements {
			if s.Given || s.Purpose == consent.Processing {
				t.Errorf("Unsubscribe(%q) states %v given=%v", channel, s.Purpose, s.Given)
			}
		}
	}
}
