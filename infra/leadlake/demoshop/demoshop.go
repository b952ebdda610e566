// Package demoshop invents the shop that `leadlake demo` shows: the coffee house
// «Зерно», two years of about 60 000 orders of 15 000 buyers, with the leads,
// calls, funnel stages, consents, advertising costs, duplicates, returns and
// broken deliveries that such a shop has.
//
// It gives the deliveries as senders would post them: the history as arrays of
// native events (design §4), the last day as single posts of every kind. The same
// seed gives the same bytes on every machine: the generator counts in whole
// numbers and knows no clock. Every person, phone and address is invented; mail
// addresses end in .example, which no resolver knows.
//
// [CountPosts] is the other half: an independent count of what was posted, made
// with the standard library alone, against which the demo's own summary is held.
package demoshop

import (
	"iter"
)

// AsOf is the demo's as-of day in the business's time zone. The shop has no
// statement that is dated after its noon, so a clock that receives the posts in
// its afternoon never meets a time of the future.
const AsOf = "2026-10-31"

// Seed is the seed of the demo that the documentation shows.
const Seed uint64 = 20261031

// How large the shop is, and what one array of its history may hold.
const (
	Buyers    = 15_000 // people who bought, families counted by head
	Askers    = 3_000  // people who asked and never bought
	Families  = 20     // planted: two people on one phone, one client each
	MaxEvents = 500    // events of one array
	MaxBytes  = 900_000
)

// Names of the sources that [Config] configures.
const (
	SourceSite    = "site"    // the web shop: native events, and its own script's flat leads
	SourceForms   = "forms"   // Tilda
	SourceLanding = "landing" // plain browser forms
	SourceCRM     = "crm"     // calls, stages, the counter's till, order statuses
	SourceCosts   = "costs"   // advertising costs
)

// Outcome is what the ledger should say of a post.
type Outcome string

// The outcomes of the demo's posts.
const (
	BecameEvents Outcome = "events"
	WasPing      Outcome = "ping"
	WasFailed    Outcome = "failed"
	WasDuplicate Outcome = "duplicate" // nothing in it is new
)

// Post is one HTTP request to /in/{Source}, or to /in/{Source}/{Suffix}.
type Post struct {
	Source      string
	Suffix      string
	Query       string
	Method      string
	ContentType string
	Header      map[string]string // besides Content-Type; nil for none
	Body        []byte
	Note        string  // what it shows, in words, without personal data
	Outcome     Outcome // what it is meant to become
	Reason      string  // the failure's reason code, where Outcome is WasFailed
}

// Deliveries yields the posts in the order in which they are to be sent: first
// the history, then the last day. All of it is made before the first post is
// yielded; the bodies are the receiver's to keep.
//
// Two posts that follow each other and are equal without carrying an id (a double
// click) are one only if they are received within the source's resubmit window.
func Deliveries(seed uint64) iter.Seq[Post] {
	return func(yield func(Post) bool) {
		s := newShop(seed)
		s.live()
		for post := range s.history() {
			if !yield(post) {
				return
			}
		}
		for _, post := range s.lastDay() {
			if !yield(post) {
				return
			}
		}
	}
}
