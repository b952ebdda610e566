package webhook

import (
	"net/http"
	"strings"

	"github.com/leadlake/leadlake/lib/event"
)

// formKind is the source kind "form": a site's own form, posted by the browser,
// by a script or as a beacon. Nobody behind it can do anything about a fault, so
// the answer is the same whatever the body holds.
type formKind struct{ common }

func (formKind) deliveryID(in *intake) string {
	return newFieldSet(in, in.content().object()).takeMapped("id")
}

func (formKind) read(in *intake) reading {
	c := in.content()
	switch {
	case c.failure != nil && c.failure.Reason == ReasonEmptyBody && in.d.Method != http.MethodPost:
		return reading{ping: true}
	case c.failure != nil:
		return reading{failure: c.failure}
	case !c.json:
		return readForm(in, c)
	}
	values := c.values
	if len(values) == 1 && values[0].Type == event.Array {
		values = values[0].Items
	}
	var r reading
	for i, v := range values {
		if native(v) {
			return jsonKind{}.read(in)
		}
		ev, failure := leadOf(in, v, nil)
		if failure != nil {
			r.part(i, reading{failure: failure})
			continue
		}
		r.part(i, reading{events: []event.Event{ev}})
	}
	if len(values) == 1 {
		r.places = nil
	}
	if len(values) == 0 {
		return reading{} // an empty list is a fault, not a ping
	}
	return r.whole()
}

// readForm makes one lead of the fields of a form.
func readForm(in *intake, c *content) reading {
	ev, failure := leadOf(in, c.form, c.files)
	if failure != nil {
		if c.partial {
			failure = &Failure{Reason: ReasonForm, Detail: "the body broke off before a phone or an e-mail"}
		}
		return reading{failure: failure}
	}
	return reading{events: []event.Event{ev}}
}

// leadOf makes a lead of flat fields. Nobody can be called back without a
// contact, so one without is kept as a failure: once the source's map names the
// field, it can be run again.
func leadOf(in *intake, v event.Value, files []string) (event.Event, *Failure) {
	fields := newFieldSet(in, v)
	ev := fields.lead()
	fields.keepRest(&ev)
	ev.Files = files
	if !ev.Client.Identified() {
		return ev, &Failure{Reason: ReasonNoContact, Detail: "no phone or e-mail under a usual name; name the fields in the source's map"}
	}
	return ev, nil
}

// reply sends a person's browser to the thank-you page, if there is one, and
// tells a script how many leads were taken.
func (formKind) reply(in *intake, out *Decoded) Reply {
	page := in.d.Source.Redirect
	if page != "" && in.d.Method == http.MethodPost && strings.Contains(in.d.Header["accept"], "text/html") {
		return Reply{Status: http.StatusSeeOther, Location: page}
	}
	return accepted(out)
}
