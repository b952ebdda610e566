// Package consent decides what a person has agreed to. Statements come from
// events, form fields, spreadsheets and the owner; the latest statement at a time
// decides, and what was never stated is unknown, which is no for advertising and
// messages.
package consent

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Purpose is what a consent is for.
type Purpose string

// The purposes that Leadlake knows.
const (
	Processing Purpose = "processing"
	Ads        Purpose = "ads"
	Email      Purpose = "email"
	SMS        Purpose = "sms"
	Call       Purpose = "call"
	Messenger  Purpose = "messenger"
)

// Google's two consent signals (audiences, 1.10). They are kept as purposes where
// somebody states them, follow from no other consent, and let nobody into a file: they
// only choose between files of one.
const (
	AdUserData        Purpose = "ad_user_data"
	AdPersonalization Purpose = "ad_personalization"
)

// Signal reports whether p is one of Google's consent signals.
func (p Purpose) Signal() bool { return p == AdUserData || p == AdPersonalization }

// Purposes returns all purposes in their fixed order, Google's signals not among them.
func Purposes() []Purpose { return []Purpose{Processing, Ads, Email, SMS, Call, Messenger} }

// Known reports whether p is one of Purposes.
func (p Purpose) Known() bool { return slices.Contains(Purposes(), p) }

// State of one purpose.
type State string

// The two states that a statement can set; no statement is the empty State.
const (
	Given     State = "given"
	Withdrawn State = "withdrawn"
)

// Statement says that a person gave or withdrew one purpose at a time.
type Statement struct {
	Purpose     Purpose
	Given       bool
	At          time.Time
	TextVersion string // version of the text the person agreed to; empty if not told
	Channel     string // source name or "owner"
	Evidence    string // form, call or file; never a contact value
	EventID     string
}

// Unsubscribe turns an unsubscription into the statements it means: a channel
// withdraws that channel, no channel withdraws every channel and advertising.
func Unsubscribe(channel string, at time.Time, eventID, source string) []Statement {
	purposes := []Purpose{Ads, Email, SMS, Call, Messenger}
	switch p := Purpose(strings.ToLower(channel)); p {
	case Ads, Email, SMS, Call, Messenger:
		purposes = []Purpose{p}
	case "whatsapp", "telegram", "viber", "chat":
		purposes = []Purpose{Messenger}
	case "phone":
		purposes = []Purpose{Call}
	}
	statements := make([]Statement, 0, len(purposes))
	for _, p := range purposes {
		statements = append(statements, Statement{Purpose: p, At: at, EventID: eventID, Channel: source, Evidence: "unsubscribe"})
	}
	return statements
}

// Ledger folds the statements of one person. The zero value is empty. The result
// does not depend on the order of Add. It is not safe for concurrent use.
type Ledger struct {
	latest []Statement // by purpose; a base has millions of ledgers of one or two
}

// Add takes a statement into account. Of two statements of one purpose the later
// one wins; at the same instant a withdrawal wins, then the larger event id, then
// the larger of its other words. Unknown purposes are kept too, so that nothing
// stated is lost.
func (l *Ledger) Add(s Statement) {
	i, found := l.find(s.Purpose)
	switch {
	case !found:
		l.latest = slices.Insert(l.latest, i, s)
	case supersedes(s, l.latest[i]):
		l.latest[i] = s
	}
}

func (l *Ledger) find(p Purpose) (int, bool) {
	return slices.BinarySearchFunc(l.latest, p, func(s Statement, p Purpose) int { return cmp.Compare(s.Purpose, p) })
}

func supersedes(s, old Statement) bool {
	if !s.At.Equal(old.At) {
		return s.At.After(old.At)
	}
	if s.Given != old.Given {
		return !s.Given
	}
	return cmp.Or(cmp.Compare(s.EventID, old.EventID), cmp.Compare(s.Channel, old.Channel),
		cmp.Compare(s.TextVersion, old.TextVersion), cmp.Compare(s.Evidence, old.Evidence)) > 0
}

// State is Given, Withdrawn or, where nothing was stated, empty.
func (l *Ledger) State(p Purpose) State {
	s, ok := l.Latest(p)
	if !ok {
		return ""
	}
	return s.state()
}

func (s Statement) state() State {
	if s.Given {
		return Given
	}
	return Withdrawn
}

// Latest is the statement that decides a purpose.
func (l *Ledger) Latest(p Purpose) (Statement, bool) {
	i, ok := l.find(p)
	if !ok {
		return Statement{}, false
	}
	return l.latest[i], true
}

// All returns the deciding statement of every purpose that was stated, by purpose.
func (l *Ledger) All() []Statement { return slices.Clone(l.latest) }

// States returns every purpose that was stated; nil if none was.
func (l *Ledger) States() map[Purpose]State {
	if len(l.latest) == 0 {
		return nil
	}
	states := make(map[Purpose]State, len(l.latest))
	for _, s := range l.latest {
		states[s.Purpose] = s.state()
	}
	return states
}
