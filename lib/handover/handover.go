// Package handover decides who may be handed over: which segments are written for
// which platform and under what conditions ([Plan]), and for each member the one
// reason why he stays out of the files ([Export.Decide]).
//
// It is pure. What a decision needs beside the card of the night comes in as a
// [Standing]; the shell reads it, keeps the logs of what was handed over and writes
// the files. Nothing here ever lets somebody in whom another rule keeps out: each
// rule can only add a reason (TestNoRuleLetsAnybodyIn).
package handover

import (
	"strings"

	"github.com/leadlake/leadlake/lib/audience"
	"github.com/leadlake/leadlake/lib/consent"
)

// Export is one segment for one platform, with its conditions.
type Export struct {
	Segment, Platform string
	Hashed            bool
	// Purposes must all be given. An ad platform always asks for the consent to
	// advertising; an export of the configuration may ask it for one more, and
	// any other platform for another one instead of its own.
	Purposes []consent.Purpose
	// Message marks a file for writing to people or calling them: Budget counts.
	Message bool
	// Budget is how many times within [BudgetDays] days a client may newly stand
	// in message files.
	Budget int
	// Holdout is the share of the segment, 0 to 0.9, that is held out for
	// comparison. The shell knows who it is.
	Holdout float64
	// Exclude lists segments whose members stay out, the export's own and the
	// configuration's, sorted, each once.
	Exclude []string
	// Above lists segments that come before this one on the same platform, sorted.
	// Their members stay out: membership decides, also of one whose consents keep
	// him out of the files of the segment before.
	Above []string
	// Locked says why there is no file at all, nil otherwise. LockedBy is then
	// [audience.ReasonSensitive] for a sensitive segment and an ad platform that
	// nobody unlocked, or [audience.ReasonExcluded] where the night does not know
	// yet whom to exclude.
	Locked   *audience.Text
	LockedBy audience.Reason
	// Unlocked marks a sensitive segment that an export of the configuration lets
	// out to an ad platform: the first writing is an audit row.
	Unlocked bool
	// Name names what leaves: files that people download, lists inside them. It is
	// the segment's key where nothing is sensitive, else it tells nothing.
	Name string
}

// Purpose is what manifests and the ledger show of the purposes: "ads", or "ads, sms"
// where both are asked for.
func (e *Export) Purpose() string {
	words := make([]string, len(e.Purposes))
	for i, p := range e.Purposes {
		words[i] = string(p)
	}
	return strings.Join(words, ", ")
}

// Segment is what a plan needs to know of a segment.
type Segment struct {
	Key, Rule, Family string
	Title             audience.Text
	// Sensitive is the word that makes it so, empty where none does.
	Sensitive string
	// Neutral names a sensitive segment to the world; see [NeutralName].
	Neutral string
}

// Standing is what decides about a client beside his card. The zero value is of
// somebody whom nothing keeps out.
type Standing struct {
	// Left says what changed since the night for a purpose: why the client may no
	// longer be handed over, empty if he may. Nil: nothing changed.
	Left func(p consent.Purpose) audience.Reason
	// Erased: his data are erased, or being erased.
	Erased bool
	// Member tells the segments of the night he is in. Nil: none.
	Member func(segment string) bool
	// Held: he is in the control group of this segment.
	Held bool
	// Given: he stands in what this platform was given of this segment already.
	Given bool
	// Contacts is how often he was newly handed over in message files, see
	// [Contacts].
	Contacts int
}
