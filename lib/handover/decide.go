package handover

import (
	"cmp"
	"slices"

	"github.com/leadlake/leadlake/lib/audience"
	"github.com/leadlake/leadlake/lib/consent"
	"github.com/leadlake/leadlake/lib/schema"
)

// Decide says whether a member may stand in the export's files: empty, or the one
// reason why not. The first that holds is told, in this order: erased; the export
// is locked; the processing of his data withdrawn; for each purpose withdrawn,
// unsubscribed, never given; in an excluded segment; in a segment that comes
// before; held out; the contact budget spent. A client without a card is one whom
// an erasure is taking out of the night's tables.
//
// The budget never takes out of a file who was handed over in it before.
func (e *Export) Decide(client *schema.ClientRow, s Standing) audience.Reason {
	if s.Erased || client == nil {
		return audience.ReasonErased
	}
	if e.Locked != nil {
		return cmp.Or(e.LockedBy, audience.ReasonSensitive)
	}
	if reason := agreed(client, s, consent.Processing); reason != "" && reason != audience.ReasonNoConsent {
		return reason // who never spoke of processing has not withdrawn it
	}
	for _, purpose := range e.Purposes {
		if reason := agreed(client, s, purpose); reason != "" {
			return reason
		}
	}
	if len(e.Purposes) == 0 {
		return audience.ReasonNoConsent // no plan makes such an export
	}
	switch {
	case s.inAny(e.Exclude):
		return audience.ReasonExcluded
	case s.inAny(e.Above):
		return audience.ReasonPriority
	case s.Held:
		return audience.ReasonHoldout
	case e.Message && !s.Given && s.Contacts >= e.Budget:
		return audience.ReasonContactBudget
	}
	return ""
}

// agreed is why a client does not agree to a purpose now, empty if he does.
func agreed(client *schema.ClientRow, s Standing, purpose consent.Purpose) audience.Reason {
	state := consent.State(client.Consents.Get(string(purpose)))
	if state == consent.Withdrawn {
		return audience.ReasonWithdrawn
	}
	if s.Left != nil {
		if reason := s.Left(purpose); reason != "" {
			return reason
		}
	}
	if state != consent.Given {
		return audience.ReasonNoConsent
	}
	return ""
}

func (s Standing) inAny(segments []string) bool {
	return s.Member != nil && slices.ContainsFunc(segments, s.Member)
}
