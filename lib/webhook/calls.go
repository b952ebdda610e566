package webhook

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/leadlake/leadlake/lib/event"
)

// params are the parameters of a system whose names the owner chooses himself,
// so that his map comes before the names that are usual there.
type params struct {
	set  *fieldSet
	root event.Value
}

func newParams(in *intake, root event.Value) params {
	p := params{set: &fieldSet{in: in, root: root}, root: root}
	p.set.openAll(root, "", 0)
	return p
}

// text is the first text of one of our fields: of the parameter that the map
// names, and of no other, or of the first usual one that holds something.
func (p params) text(ours string, usual ...string) string {
	if mapped, ok := p.set.in.d.Source.Map[ours]; ok {
		usual = []string{mapped}
	}
	for _, name := range usual {
		if text := first(p.set.use(p.set.named(name))); text != "" {
			return text
		}
	}
	return ""
}

// id is text for ids: 0 is how many systems write "none".
func (p params) id(ours string, usual ...string) string {
	if text := p.text(ours, usual...); !nothing(text) {
		return text
	}
	return ""
}

// callNames are the usual names of a call's parameters in one system.
type callNames struct{ call, site, phase, phone, at, seconds, direction, result []string }

// entity is what all observations of one call share; empty for a call without an
// id. The site is a part only of systems that number calls by site.
func (p params) entity(system string, n callNames) string {
	id := p.id("entity", n.call...)
	if id == "" {
		return ""
	}
	if site := p.id("site", n.site...); site != "" {
		return joined(system, site, id)
	}
	return joined(system, id)
}

// phase says which moment of the call is observed: by a parameter, else by the
// last word of the address that the owner entered for it, else by the result.
func (p params) phase(n callNames) string {
	if phase := p.text("phase", n.phase...); phase != "" {
		return phase
	}
	if word := topic(p.set.in); word != "" && word != "call" && word != "calls" { // these say what, not when
		return word
	}
	return p.text("result", n.result...)
}

// callID is the delivery id of one observation.
func (p params) callID(system string, n callNames) string {
	return joined(p.entity(system, n), p.phase(n))
}

// callEvent reads a call; the source's map and consents are applied.
func (p params) callEvent(system string, n callNames) event.Event {
	in := p.set.in
	ev := event.Event{Kind: event.ContactMade, Contact: &event.Contact{Channel: "call"}}
	ev.Client.Phone, ev.At = p.text("phone", n.phone...), in.time(p.text("at", n.at...))
	c := ev.Contact
	c.Direction, c.Seconds, c.Result = p.text("direction", n.direction...), p.text("seconds", n.seconds...), p.text("result", n.result...)
	attributed(&ev.Attribution, p.root)
	overlay(in, p.root, &ev)
	ev.Entity = p.entity(system, n)
	in.settleCall(&ev)
	return ev
}

// settleCall brings the words of a call into our form: direction in or out (in
// where nothing is told: who calls in is what call tracking is for), whole
// seconds, the results that we know or the owner translates by options:
// {"result:<word>": answered}. Seconds that are none are kept as an attribute.
func (in *intake) settleCall(ev *event.Event) {
	c := ev.Contact
	switch strings.ToLower(c.Direction) {
	case "out", "outbound", "outgoing", "исходящий":
		c.Direction = "out"
	default:
		c.Direction = "in"
	}
	if seconds, ok := wholeSeconds(c.Seconds); ok {
		c.Seconds = seconds
	} else {
		attribute(ev, "seconds_unread", c.Seconds)
		c.Seconds = ""
	}
	if mine, ok := in.d.Source.Options["result:"+c.Result]; ok {
		c.Result = mine
		return
	}
	switch strings.ToLower(c.Result) {
	case "answered", "answer", "success", "successful", "true", "1", "yes":
		c.Result = "answered"
	case "missed", "lost", "noanswer", "no answer", "no_answer", "no-answer", "false", "0", "no":
		c.Result = "missed"
	}
}

// wholeSeconds reads 73, 73.4 and 01:13; false for anything else. Nothing told is
// nothing.
func wholeSeconds(text string) (string, bool) {
	if text == "" {
		return "", true
	}
	text, _, _ = strings.Cut(text, ".")
	total := int64(0)
	parts := strings.Split(text, ":")
	for i, part := range parts {
		n, err := strconv.ParseInt(part, 10, 32)
		if err != nil || n < 0 || len(parts) > 3 || i > 0 && n > 59 {
			return "", false
		}
		total = total*60 + n
	}
	return strconv.FormatInt(total, 10), true
}

// topic is the last part of the path below the source, small, where systems (or
// owners, for systems that tell nothing) say what is delivered: events/summary,
// call, lead. A part that was a secret is blanked and says nothing.
func topic(in *intake) string {
	path := strings.Trim(in.d.Suffix, "/")
	word := path[strings.LastIndexByte(path, '/')+1:]
	if word == "" || blanked(word) || len(word) > 40 || strings.Trim(strings.ToLower(word), "abcdefghijklmnopqrstuvwxyz_-") != "" {
		return ""
	}
	return strings.ToLower(word)
}

// chosenKind is what the owner's options say of an event of a foreign system:
// {"event:<name>": lead}, or the name alone; empty where they say nothing.
func (in *intake) chosenKind(name string) string {
	if kind, ok := in.d.Source.Options["event:"+name]; ok {
		return strings.TrimSpace(kind)
	}
	return strings.TrimSpace(in.d.Source.Options[name])
}

// digest tells deliveries apart that have the same id in the system but state
// different things.
func digest(b []byte) string {
	hash := sha256.Sum256(b)
	return hex.EncodeToString(hash[:6])
}

// answered is the result of a call that a flag tells.
func answered(text string) string {
	switch value, told := yes(text); {
	case !told:
		return ""
	case value:
		return "answered"
	default:
		return "missed"
	}
}

// copyAttributes copies members of a value under the names they have there.
func copyAttributes(ev *event.Event, v event.Value, names ...string) {
	for _, name := range names {
		attribute(ev, name, strings.Join(textsAt(v, name), "; "))
	}
}

// without is the reading of a body that lacks what all deliveries of its system
// have: an empty one is a test, any other is kept as a failure.
func (in *intake) without(name string) reading {
	c := in.content()
	if len(c.object().Members) == 0 && (!c.json || len(c.values) == 1 && c.values[0].Type == event.Object) {
		return reading{ping: true}
	}
	return reading{failure: invalidEvent([]*event.FieldError{{Path: name, Reason: "missing"}})}
}

// noContact is the failure of what should be a lead and has nobody in it.
func noContact() reading {
	return reading{failure: &Failure{Reason: ReasonNoContact, Detail: "no phone, e-mail or id of a person under a known name; name the fields in the source's map"}}
}
