package webhook

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // G505: the system signs by HMAC-SHA1
	"encoding/base64"
	"encoding/hex"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/event"
)

// callRailKind is the source kind "callrail" (webhooks.md §8): one call is told
// when it comes in, when it was routed, when it is over and whenever somebody
// changes it later; text messages and forms come too. Bodies do not say which of
// these they are: the address may (/in/NAME/pre, routing, post, modified,
// text_received, text_sent, form), else their fields do.
type callRailKind struct{ foreign }

func (callRailKind) headers() []string { return []string{"signature"} }

// prove checks Signature, the base64 HMAC-SHA1 of the body. The deprecated
// variant with everything in the query has none and must show the secret itself.
func (callRailKind) prove(d *Delivery, secret string) bool {
	signature, ok := d.Header["signature"]
	if !ok {
		return proveShared(d, secret)
	}
	given, err := base64.StdEncoding.DecodeString(signature)
	return err == nil && hmac.Equal(given, keyedHash(sha1.New, []byte(secret), d.Body))
}

// proveSHA1 checks a signature written sha1=<hex>.
func proveSHA1(d *Delivery, signature, secret string) bool {
	digits, ok := strings.CutPrefix(signature, "sha1=")
	given, err := hex.DecodeString(digits)
	return ok && err == nil && hmac.Equal(given, keyedHash(sha1.New, []byte(secret), d.Body))
}

// callRailTopic is pre, routing, post, modified, text_received, text_sent, text
// or form.
func callRailTopic(in *intake, v event.Value) string {
	has := func(names ...string) bool {
		for _, name := range names {
			for _, m := range v.Members {
				if m.Key == name {
					return true
				}
			}
		}
		return false
	}
	switch word := topic(in); {
	case word == "pre", word == "routing", word == "post", word == "modified", word == "text_received", word == "text_sent", word == "form":
		return word
	case has("form_data", "form_url"):
		return "form"
	case has("content") && has("source_number"):
		return "text"
	case has("changes"):
		return "modified"
	case has("recording", "recording_duration", "lead_status", "transcription", "callernum") || answered(textAt(v, "answered")) == "answered":
		return "post"
	case has("business_phone_number"):
		return "routing"
	default:
		return "pre"
	}
}

// deliveryID is the call and the moment. A call may be changed many times, each
// time with the same id, so the content of a change is a part.
func (callRailKind) deliveryID(in *intake) string {
	v := in.content().object()
	id := joined("callrail", callRailNumber(v), callRailTopic(in, v))
	if strings.HasSuffix(id, ":modified") {
		id += ":" + digest(in.d.Content())
	}
	return id
}

func callRailNumber(v event.Value) string { return idAt(v, "id", "resource_id") }

func (callRailKind) read(in *intake) reading {
	v, stop := in.body()
	if stop != nil {
		return *stop
	}
	if len(v.Members) == 0 {
		return in.without("id")
	}
	what := callRailTopic(in, v)
	ev := event.Event{Entity: joined("callrail", callRailNumber(v))}
	ev.Client.Name, ev.Client.City = textAt(v, "customer_name", "callername"), textAt(v, "customer_city", "callercity")
	if country := textAt(v, "customer_country", "callercountry"); len(country) == 2 {
		ev.Client.Country = strings.ToUpper(country)
	}
	ev.Client.Phone = textAt(v, "customer_phone_number", "customer_number", "callernum")
	a := &ev.Attribution
	attributed(a, v)
	attributedURL(a, textAt(v, "landing_page_url", "landingpage"))
	a.Referrer = textAt(v, "referring_url", "referrer")
	ev.Tags = textsAt(v, "tags", "tag")
	switch what {
	case "form":
		return callRailForm(in, ev, v)
	case "text_received", "text_sent":
		callRailText(in, &ev, v, what)
	case "text":
		return reading{ping: true} // who of the two is the client is not told; the address must say it
	default:
		if ev.Entity == "" && ev.Client.Phone == "" {
			return noContact()
		}
		callRailCall(in, &ev, v, what)
	}
	return reading{events: []event.Event{ev}, roots: []event.Value{v}}
}

// callRailCall reads a call. Until it is over, answered=false says nothing.
func callRailCall(in *intake, ev *event.Event, v event.Value, what string) {
	ev.Kind = event.ContactMade
	if ev.At = in.time(textAt(v, "start_time")); ev.At.IsZero() {
		ev.At, _ = event.ParseTime(textAt(v, "datetime"), time.UTC) // without a zone, and in UTC
	}
	c := &event.Contact{Channel: "call", Direction: textAt(v, "direction"), Text: textAt(v, "conversational_transcript", "transcription")}
	ev.Contact = c
	if what != "pre" && what != "routing" {
		c.Seconds, c.Result = textAt(v, "duration"), answered(textAt(v, "answered"))
		if voicemail, _ := yes(textAt(v, "voicemail")); voicemail {
			c.Result = "voicemail"
		}
	}
	in.settleCall(ev)
	attribute(ev, "phase", what)
	copyAttributes(ev, v, "source_name", "callsource", "tracking_phone_number", "trackingnum", "lead_status", "value", "note", "first_call", "customer_state", "keywords")
}

func callRailText(in *intake, ev *event.Event, v event.Value, what string) {
	ev.Kind, ev.At = event.ContactMade, in.time(textAt(v, "timestamp"))
	c := &event.Contact{Channel: "message", Direction: "in", Text: textAt(v, "content")}
	ev.Client.Phone = textAt(v, "source_number")
	if what == "text_sent" {
		c.Direction, ev.Client.Phone = "out", textAt(v, "destination_number")
	}
	ev.Contact, ev.Manager = c, textAt(v, "agent")
	copyAttributes(ev, v, "lead_status")
}

// callRailForm reads a form that CallRail has caught on the site: its fields, as
// the site names them, stand in form_data.
func callRailForm(in *intake, ev event.Event, v event.Value) reading {
	fields := newFieldSet(in, opened(v.Get("form_data")))
	lead := fields.lead()
	fields.keepRest(&lead)
	lead.Entity = joined(ev.Entity, "form")
	lead.At = in.time(textAt(v, "submitted_at"))
	if lead.Client.Phone == "" {
		lead.Client.Phone = ev.Client.Phone
	}
	if lead.Client.Email == "" {
		lead.Client.Email = textAt(v, "customer_email")
	}
	if lead.Client.Name == "" {
		lead.Client.Name = ev.Client.Name
	}
	a := lead.Attribution
	if a.IsZero() {
		a = ev.Attribution
	}
	lead.Attribution = a
	attribute(&lead, "form_url", textAt(v, "form_url"))
	if !lead.Client.Identified() {
		return noContact()
	}
	return reading{events: []event.Event{lead}}
}
