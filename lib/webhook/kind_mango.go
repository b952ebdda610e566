package webhook

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/leadlake/leadlake/lib/event"
)

// mangoKind is the source kind "mango": Mango Office (webhooks.md §8). Its
// telephony posts a form with the fields vpbx_api_key, sign and json to paths
// below the source's address: legs of a call to events/call, which are kept and
// make no event, and one summary to events/summary, which makes the call. Its
// call tracking sends the parameters of a call by GET, unsigned.
type mangoKind struct{ foreign }

func (mangoKind) fields() []string { return []string{"vpbx_api_key", "sign"} }

// prove checks sign, the hex SHA-256 of key, json and salt. The secret is the
// salt, or key:salt, which also says which key it must be. Without a sign the
// secret itself must be shown.
func (mangoKind) prove(d *Delivery, secret string) bool {
	var key, text, sign []byte
	seen := map[string]int{}
	for _, p := range splitPairs(d.Body, maxPairs) {
		name := string(p.key)
		switch seen[name]++; name {
		case "vpbx_api_key":
			key = p.value
		case "json":
			text = p.value
		case "sign":
			sign = p.value
		}
	}
	if seen["sign"]+seen["json"]+seen["vpbx_api_key"] == 0 {
		return proveShared(d, secret)
	}
	if seen["sign"] != 1 || seen["json"] != 1 || seen["vpbx_api_key"] != 1 {
		return false
	}
	given, err := hex.DecodeString(string(sign))
	if err != nil || len(given) != sha256.Size {
		return false
	}
	fits := func(key, salt []byte) int {
		sum := sha256.Sum256(bytes.Join([][]byte{key, text, salt}, nil))
		return subtle.ConstantTimeCompare(sum[:], given)
	}
	found := fits(key, []byte(secret))
	if ours, salt, ok := strings.Cut(secret, ":"); ok && salt != "" {
		found |= fits(key, []byte(salt)) & subtle.ConstantTimeCompare([]byte(ours), key)
	}
	return found == 1
}

// mangoBody is the object in the field json, or the parameters of the call
// tracking (telephony is false).
func mangoBody(in *intake) (v event.Value, telephony bool, stop *reading) {
	root, stop := in.body()
	if stop != nil {
		return root, false, stop
	}
	text := root.Get("json")
	if text.Type == event.Null {
		return root, in.content().json, nil // a form of nothing but json is opened already
	}
	if v = opened(text); v.Type == event.Object {
		return v, true, nil
	}
	_, err := event.ParseForeignJSON([]byte(text.Text))
	if err == nil {
		err = &event.JSONError{Err: event.ErrMalformed}
	}
	return v, true, &reading{failure: jsonFailure(err)}
}

// deliveryID is the call that a summary is of; nothing else makes an event.
func (mangoKind) deliveryID(in *intake) string {
	v, telephony, stop := mangoBody(in)
	switch {
	case stop != nil:
		return ""
	case !telephony:
		return newParams(in, v).callID("mango", usualCallNames())
	default:
		return joined("mango", idAt(v, "entry_id"))
	}
}

// mangoSummary reports whether this is the summary of a call: by the path, else
// by what only a summary has.
func mangoSummary(in *intake, v event.Value) bool {
	switch topic(in) {
	case "summary":
		return true
	case "call", "recording", "added", "dtmf", "sms":
		return false
	}
	return v.Get("talk_time").Type != event.Null || v.Get("entry_result").Type != event.Null
}

func (mangoKind) read(in *intake) reading {
	v, telephony, stop := mangoBody(in)
	switch {
	case stop != nil:
		return *stop
	case !telephony:
		return plainCall(in, "mango", usualCallNames())
	case len(v.Members) == 0:
		return in.without("entry_id")
	case !mangoSummary(in, v):
		return reading{ping: true} // a leg, a recording, a key pressed: kept
	}
	direction, client := mangoParties(v)
	if direction == "" {
		return reading{ping: true} // two of our own talk to each other
	}
	ev := event.Event{Kind: event.ContactMade, Entity: joined("mango", idAt(v, "entry_id")), At: in.time(textAt(v, "create_time"))}
	ev.Client.Phone = mangoNumber(idAt(v, client+".number"))
	c := &event.Contact{Channel: "call", Direction: direction, Result: "missed"}
	if begun := seconds(textAt(v, "talk_time")); begun > 0 {
		c.Result = "answered"
		if end := seconds(textAt(v, "end_time")); end >= begun {
			c.Seconds = strconv.FormatInt(end-begun, 10)
		}
	} else if textAt(v, "talk_time") == "" {
		c.Result = "" // not told
	}
	ev.Contact = c
	copyAttributes(&ev, v, "line_number", "disconnect_reason", "entry_result")
	return reading{events: []event.Event{ev}, roots: []event.Value{v}}
}

// mangoParties says who is the client: the side without an extension. Where no
// side has one, call_direction decides, and what is not 2 (out) came in. Both
// sides with an extension are no client at all.
func mangoParties(v event.Value) (direction, client string) {
	from, to := textAt(v, "from.extension") != "", textAt(v, "to.extension") != ""
	switch {
	case from && to:
		return "", ""
	case from, !to && textAt(v, "call_direction") == "2":
		return "out", "to"
	default:
		return "in", "from"
	}
}

// mangoNumber puts back the plus that Mango leaves out of numbers, so that one
// from abroad is not taken for a national one. What may be a trunk prefix stays.
func mangoNumber(text string) string {
	if !wholeNumber(text) || len(text) < 11 || len(text) > 15 || text[0] == '0' || len(text) == 11 && text[0] == '8' {
		return text
	}
	return "+" + text
}

// seconds reads Unix seconds; zero for none.
func seconds(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}
