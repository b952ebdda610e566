package webhook

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/leadlake/leadlake/lib/event"
)

// answer is a question of a foreign system's form with what was answered.
type answer struct {
	name  string
	value event.Value
}

// answered makes a lead of a form's answers by the usual names of fields; what
// means nothing to us becomes attributes. Consents are left to overlay, which
// sees the whole body.
func (in *intake) answered(answers []answer) event.Event {
	object := event.Value{Type: event.Object}
	for _, a := range answers {
		object.Members = append(object.Members, event.Member{Key: a.name, Value: a.value})
	}
	fields := newFieldSet(in, object)
	ev := fields.lead()
	fields.keepRest(&ev)
	ev.Consents = nil
	c := &ev.Client
	if c.FirstName == "" && c.LastName != "" && !strings.Contains(c.Name, c.LastName) {
		c.FirstName, c.Name = c.Name, "" // a form that asks for the surname apart means the first name by name
	}
	if c.Name == "" {
		c.Name = fullName(c.FirstName, c.LastName)
	}
	return ev
}

// reachable applies the source's map and consent rules to a lead. Nobody can be
// called back without a contact, so a lead without one is kept as a failure.
func (in *intake) reachable(root event.Value, ev event.Event) reading {
	overlay(in, root, &ev)
	if !ev.Client.Identified() {
		return reading{failure: &Failure{Reason: ReasonNoContact, Detail: "no phone or e-mail under a usual name; name the fields in the source's map"}}
	}
	return reading{events: []event.Event{ev}}
}

// strange is a body that is none of the sender's.
func strange(detail string) reading {
	return reading{failure: &Failure{Reason: ReasonInvalidEvent, Detail: detail}}
}

// boundedID keeps the id of an event within event.MaxID bytes.
func boundedID(id string) string {
	if len(id) <= event.MaxID {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	return "h-" + hex.EncodeToString(sum[:])
}
