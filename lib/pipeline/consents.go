package pipeline

import (
	"slices"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/consent"
	"github.com/leadlake/leadlake/lib/schema"
)

// ConsentState is where a client stands on one purpose, and the statement that
// decides it.
type ConsentState struct {
	Purpose     string    `json:"purpose"`
	State       string    `json:"state"` // given, withdrawn or unknown
	At          time.Time `json:"at,omitzero"`
	TextVersion string    `json:"text_version,omitempty"`
	Channel     string    `json:"channel,omitempty"` // the source that said it
	Evidence    string    `json:"evidence,omitempty"`
	EventID     string    `json:"event_id,omitempty"`
}

// ConsentStatement is a line of the consent ledger.
type ConsentStatement struct {
	TrailConsent

	Channel string `json:"channel"`
	EventID string `json:"event_id"`
}

// stateUnknown is what was never stated; for advertising and messages it is no.
const stateUnknown = "unknown"

// statementsOf lists what events say of consents, in time order.
func statementsOf(events []schema.EventRow) []ConsentStatement {
	var all []ConsentStatement
	for i := range events {
		for _, c := range events[i].Consents {
			all = append(all, ConsentStatement{TrailConsent: TrailConsent(c), Channel: events[i].Source, EventID: events[i].EventID})
		}
	}
	slices.SortStableFunc(all, func(a, b ConsentStatement) int { return a.At.Compare(b.At) })
	return all
}

// consentStates folds statements by the rules of package consent. Every purpose
// that Leadlake knows has a state, then come others that were stated.
func consentStates(statements []ConsentStatement) []ConsentState {
	var ledger consent.Ledger
	for _, s := range statements {
		ledger.Add(consent.Statement{
			Purpose: consent.Purpose(s.Purpose), Given: s.Given, At: s.At, TextVersion: s.TextVersion,
			Channel: s.Channel, Evidence: s.Evidence, EventID: s.EventID,
		})
	}
	purposes := consent.Purposes()
	var others []consent.Purpose
	for purpose := range ledger.States() {
		if !purpose.Known() {
			others = append(others, purpose)
		}
	}
	slices.SortFunc(others, func(a, b consent.Purpose) int { return strings.Compare(string(a), string(b)) })
	var states []ConsentState
	for _, purpose := range append(purposes, others...) {
		state := ConsentState{Purpose: string(purpose), State: stateUnknown}
		if s, ok := ledger.Latest(purpose); ok {
			state = ConsentState{
				Purpose: string(purpose), State: string(ledger.State(purpose)), At: s.At, TextVersion: s.TextVersion,
				Channel: s.Channel, Evidence: s.Evidence, EventID: s.EventID,
			}
		}
		states = append(states, state)
	}
	return states
}
