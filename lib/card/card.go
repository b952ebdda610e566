// Package card makes client cards: it resolves tokens to clients, folds orders
// from their statements, and folds everything else that events and contact rows
// say about a client. It is pure: rows go in, cards come out, and the order in
// which rows arrive never matters.
package card

import (
	"time"

	"github.com/leadlake/leadlake/lib/consent"
	"github.com/leadlake/leadlake/lib/schema"
)

// Card is what is known of one client but for the orders. Strings are empty
// where nothing was told.
type Card struct {
	ClientID string
	Tokens   []string // sorted, ClientID among them

	ExternalIDs      []string // sorted
	FirstAt, LastAt  time.Time
	Leads            int
	LastLeadAt       time.Time
	Contacted        bool      // a contact or a further stage came after he had asked
	ContactedAt      time.Time // of the first of them; zero: none
	LastContactAt    time.Time
	Contacts30d      int64    // contacts of the 30 business days before Options.End
	Stage            string   // the furthest of the funnel, else the latest word
	Interests        []string // sorted
	Tags             []string // sorted
	Manager          string
	LoyaltyLevel     string
	PreferredChannel string // the latest that was stated, else where he is met most
	PreferredHours   string // "18-21" of the business's clock
	Rating           *float64
	Source           string    // first touch, else the name of the first event's source
	SourceAt         time.Time // of that touch or event
	Campaign         string
	Medium           string
	Last             Touch // the last one that was not direct; zero: none
	Reached          []Reach
	Consents         consent.Ledger
	Records          int // different sets of identifiers that were stated

	Person schema.PersonRow
}

// Touch is where a client came from once. The words are kept as they were stated:
// who compares them with another list ignores letter case.
type Touch struct{ Source, Medium, Campaign string }

// Reach says when a client first reached a stage by what events state; purchases
// are not in it. Interest is empty for the client as a whole.
type Reach struct {
	Interest, Stage string
	At              time.Time
}
