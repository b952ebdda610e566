package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"

	"github.com/leadlake/leadlake/lib/event"
)

const metaSignature = "x-hub-signature-256"

// metaKind is the source kind "meta": Lead Ads of Facebook and Instagram
// (webhooks.md §11). A notice names leads by their ids, several in one request;
// the lead itself, asked for at the Graph API, goes through the same reading.
type metaKind struct{}

func (metaKind) headers() []string { return []string{metaSignature} }

func (metaKind) fields() []string { return []string{"hub.verify_token"} }

// prove checks the signature over the bytes as sent: the sender escapes letters
// (\u0410), and one escape written otherwise is another text.
func (metaKind) prove(d *Delivery, secret string) bool {
	digits, ok := strings.CutPrefix(d.Header[metaSignature], "sha256=")
	given, err := hex.DecodeString(digits)
	return ok && err == nil && hmac.Equal(given, keyedHash(sha256.New, []byte(secret), d.Body))
}

// handshake is the question that comes before the address is taken. Its token
// may be any of the source's secrets.
func (metaKind) handshake(in *intake, secrets []string) bool {
	challenge, token := metaChallenge(in.d)
	fits := false
	for _, secret := range secrets {
		fits = equalSecret(token, secret) && secret != "" || fits
	}
	return challenge != "" && fits
}

// metaChallenge is what a question wants back, and the token it shows.
func metaChallenge(d *Delivery) (challenge, token string) {
	if d.Method != http.MethodGet {
		return "", ""
	}
	mode := ""
	for _, p := range splitPairs([]byte(d.Query), maxPairs) {
		switch string(p.key) {
		case "hub.mode":
			mode = string(p.value)
		case "hub.challenge":
			challenge = string(p.value)
		case "hub.verify_token":
			token = string(p.value)
		}
	}
	if mode != "subscribe" || len(challenge) > 256 || strings.Trim(challenge, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._-") != "" {
		return "", ""
	}
	return challenge, token
}

func (metaKind) reply(in *intake, _ *Decoded) Reply {
	if challenge, _ := metaChallenge(in.d); challenge != "" {
		return replyText(challenge)
	}
	return replyText("ok")
}

// deliveryID is empty: a request may name several leads, each with its own id.
func (metaKind) deliveryID(*intake) string { return "" }

func (metaKind) read(in *intake) reading {
	if challenge, _ := metaChallenge(in.d); challenge != "" {
		return reading{ping: true}
	}
	v, stop := in.body()
	if stop != nil {
		return *stop
	}
	switch {
	case v.Get("field_data").Type != event.Null:
		return metaLead(in, v)
	case v.Get("entry").Type == event.Null && v.Get("object").Type == event.Null:
		return strange("neither a notice of leads nor a lead of the Graph API")
	}
	var r reading
	for _, entry := range elements(v.Get("entry")) {
		for _, change := range elements(at(entry, "changes")) {
			value := opened(at(change, "value"))
			id := idAt(value, "leadgen_id")
			if textAt(change, "field") != "leadgen" || id == "" {
				continue // another subscription at the same address
			}
			ev := event.Event{Kind: event.Lead, ID: boundedID("meta:" + id), Entity: boundedID("meta:" + id), At: in.time(textAt(value, "created_time"))}
			if strings.Trim(id, "0123456789") == "" { // it becomes part of an address
				ev.Fetch = "GET /" + id
			}
			metaIDs(&ev, value)
			r.events, r.roots = append(r.events, ev), append(r.roots, value)
		}
	}
	r.ping = len(r.events) == 0
	return r
}

func metaIDs(ev *event.Event, v event.Value) {
	for _, name := range []string{"form_id", "page_id", "ad_id", "adgroup_id", "adset_id", "campaign_id", "platform", "is_organic"} {
		attribute(ev, name, idAt(v, name))
	}
}

// metaLead reads a lead of the Graph API. Its id differs from the notice's, so
// that both are kept, and its entity does not, so that they are one lead.
func metaLead(in *intake, v event.Value) reading {
	var answers []answer
	for _, item := range elements(v.Get("field_data")) {
		if name := textAt(item, "name"); name != "" {
			value := at(item, "values")
			if value.Type == event.Null {
				value = at(item, "value")
			}
			answers = append(answers, answer{name, opened(value)})
		}
	}
	ev := in.answered(answers)
	ev.At = in.time(textAt(v, "created_time"))
	if id := idAt(v, "id", "leadgen_id"); id != "" {
		ev.ID, ev.Entity = boundedID("meta:"+id+":lead"), boundedID("meta:"+id)
	}
	metaIDs(&ev, v)
	return in.reachable(v, ev)
}
