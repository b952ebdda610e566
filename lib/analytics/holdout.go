package analytics

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"

	"github.com/leadlake/leadlake/lib/schema"
)

// Holdout says who of a segment is held out of its exports to a platform, so that the
// others can be compared with him (metrics.md, "Contact budget, holdout"). A side is
// settled once: a share that grows or shrinks later, or is switched off and on, decides
// on newcomers alone. It is for one goroutine.
type Holdout struct {
	segment string
	share   float64
	sum     func(segment, clientID string) [32]byte
	earlier []schema.AssignmentRow
	sides   map[string]bool // held, by every id of the earlier rows
	fresh   []schema.AssignmentRow
}

// NewHoldout prepares the choice of a share, 0…1, of a segment. Sum is a keyed digest:
// who does not have the key can neither guess the choice nor repeat it. Earlier are the
// assignments of this segment and platform so far, in any order; of two of one id the
// held one counts. They are not changed, and not to be changed.
func NewHoldout(segment string, share float64, sum func(segment, clientID string) [32]byte, earlier []schema.AssignmentRow) *Holdout {
	h := &Holdout{segment: segment, share: share, sum: sum, earlier: earlier, sides: make(map[string]bool, len(earlier))}
	for i := range earlier {
		h.sides[earlier[i].ClientID] = h.sides[earlier[i].ClientID] || earlier[i].Held
	}
	return h
}

// Held tells whether a client is held out of the exports. With a share of 0 nobody is.
// Else a client of whom any id was held out before is held out, one of whom an id was
// exported is not, and of the others those are whose digest, as a fraction, lies below
// the share: so a larger share holds out those of a smaller one, and the platforms of a
// segment hold out the same newcomers.
func (h *Holdout) Held(clientID string, aliases []string) bool {
	if h.share <= 0 {
		return false
	}
	held, known := h.before(clientID, aliases)
	return held || !known && h.drawn(clientID)
}

// Assign is Held for an export of a business day, YYYY-MM-DD, and notes the side of a
// newcomer for Assignments: with a share of 0 he is exported and stays so when there
// is a holdout later, since he has seen what the others are to be kept from. Only
// clients who would be in the files are to be assigned: who may not be handed over, or
// has no contact, is on neither side, or the sides could not be compared.
func (h *Holdout) Assign(clientID string, aliases []string, day string) bool {
	held := h.Held(clientID, aliases)
	if _, known := h.before(clientID, aliases); !known {
		h.fresh = append(h.fresh, schema.AssignmentRow{ClientID: clientID, Held: held, SinceDay: day})
		h.sides[clientID] = held
	}
	return held
}

// Fresh is how many newcomers Assign has noted.
func (h *Holdout) Fresh() int { return len(h.fresh) }

// Assignments are the earlier rows and those of the newcomers, ordered by client_id, as
// they are stored; a copy.
func (h *Holdout) Assignments() []schema.AssignmentRow {
	rows := slices.Concat(h.earlier, h.fresh)
	slices.SortFunc(rows, func(a, b schema.AssignmentRow) int {
		return cmp.Or(cmp.Compare(a.ClientID, b.ClientID), cmp.Compare(a.SinceDay, b.SinceDay))
	})
	return rows
}

// before is the side of a client by what was settled earlier.
func (h *Holdout) before(clientID string, aliases []string) (held, known bool) {
	if len(h.sides) == 0 {
		return false, false
	}
	held, known = h.sides[clientID]
	for i := 0; i < len(aliases) && !held; i++ {
		was, ok := h.sides[aliases[i]]
		held, known = was, known || ok
	}
	return held, known
}

// drawn compares the first eight bytes of the digest, as a fraction of 2⁶⁴, with the
// share.
func (h *Holdout) drawn(clientID string) bool {
	digest := h.sum(h.segment, clientID)
	return math.Ldexp(float64(binary.BigEndian.Uint64(digest[:8])), -64) < h.share
}
