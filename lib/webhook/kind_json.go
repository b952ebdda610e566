package webhook

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/leadlake/leadlake/lib/event"
)

// jsonKind is the source kind "json": native events (design §4), one object, an
// array or NDJSON, and what a site's own script posts.
type jsonKind struct{ common }

// deliveryID is the id of a single native event; a batch has none, its events
// are told apart one by one.
func (jsonKind) deliveryID(in *intake) string {
	v := in.content().object()
	if !in.content().json || v.Get("kind").Type == event.Null {
		return ""
	}
	if id := v.Get("id"); id.Type == event.String || id.Type == event.Number {
		return first(texts(id))
	}
	return ""
}

func (jsonKind) read(in *intake) reading {
	c := in.content()
	if c.failure != nil {
		if c.failure.Reason == ReasonEmptyBody && in.d.Method != http.MethodPost {
			return reading{ping: true} // somebody looked whether the address answers
		}
		return reading{failure: c.failure}
	}
	if !c.json {
		return readForm(in, c)
	}
	values, path := c.values, ""
	if len(values) == 1 && values[0].Type == event.Array {
		values, path = values[0].Items, "batch"
	} else if len(values) > 1 {
		path = "line"
	}
	var events []event.Event
	var faults []*event.FieldError
	for i, v := range values {
		at := path
		if path != "" {
			at += "[" + strconv.Itoa(i) + "]"
		}
		if ev, ok := flatLead(in, v); ok {
			events = append(events, ev)
			continue
		}
		ev, more := event.FromJSON(translated(in, v), at, in.cfg.Defaults(in.d.Source))
		flatClient(in, v, &ev)
		events = append(events, ev)
		faults = append(faults, more...)
		if len(faults) >= MaxFaults {
			break
		}
	}
	if len(faults) > 0 {
		return reading{failure: invalidEvent(faults)}
	}
	return reading{events: events}
}

func invalidEvent(faults []*event.FieldError) *Failure {
	return &Failure{
		Reason: ReasonInvalidEvent,
		Detail: "valid JSON, but no valid event: " + strconv.Itoa(len(faults)) + " faults, the first at " + orBody(faults[0].Path) + ": " + faults[0].Reason,
		Faults: faults[:min(len(faults), MaxFaults)],
	}
}

func orBody(path string) string {
	if path == "" {
		return "body"
	}
	return path
}

// flatLead reads an object without a kind that holds a phone, an e-mail or
// another identifier under a usual or mapped name.
func flatLead(in *intake, v event.Value) (event.Event, bool) {
	if v.Type != event.Object || v.Get("kind").Type != event.Null {
		return event.Event{}, false
	}
	fields := newFieldSet(in, v)
	ev := fields.lead()
	if !ev.Client.Identified() {
		return event.Event{}, false
	}
	fields.keepRest(&ev)
	return ev, true
}

// flatClient gives a native event without a client the person whose phone or
// e-mail stands beside its kind, as a site's own script writes it: else it would
// be a lead of nobody.
func flatClient(in *intake, v event.Value, ev *event.Event) {
	if len(ev.Attributes) == 0 || ev.Kind == event.CostSpent || v.Get("client").Type != event.Null {
		return // nothing beside the event's own fields, as almost always
	}
	fields := newFieldSet(in, v)
	lead := fields.lead()
	if !lead.Client.Identified() {
		return
	}
	ev.Client = lead.Client
	for _, f := range fields.fields {
		if f.used {
			delete(ev.Attributes, f.path)
		}
	}
	if ev.Attribution.IsZero() {
		ev.Attribution = lead.Attribution
	}
	if ev.Contact == nil {
		ev.Contact = lead.Contact
	}
}

// native reports whether a value says of itself that it is a native event.
func native(v event.Value) bool {
	return slices.Contains(event.Kinds(), event.Kind(v.Get("kind").Text)) && v.Get("kind").Type == event.String &&
		(v.Get("client").Type == event.Object || v.Get("cost").Type == event.Object || v.Get("order").Type == event.Object)
}

// translated is a native event with the source's words for order statuses
// replaced by ours, before they are checked.
func translated(in *intake, v event.Value) event.Value {
	if len(in.d.Source.Orders.Map) == 0 || v.Get("order").Type != event.Object {
		return v
	}
	v.Members = slices.Clone(v.Members)
	for i, m := range v.Members {
		if m.Key != "order" {
			continue
		}
		order := m.Value
		order.Members = slices.Clone(order.Members)
		for j, o := range order.Members {
			if status, ok := in.d.Source.Orders.Map[o.Value.Text]; ok && o.Key == "status" {
				order.Members[j].Value = event.Value{Type: event.String, Text: status}
			}
		}
		v.Members[i].Value = order
	}
	return v
}
