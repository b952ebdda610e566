package webhook

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // G505: the sender signs by HMAC-SHA1 and nothing else
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/event"
)

const segmentSignature = "x-signature"

// segmentKind is the source kind "segment": calls as Segment, RudderStack and
// their libraries make them, posted by a webhook destination or by a library to
// /in/{source}/v1/track and the like (webhooks.md §15).
type segmentKind struct{}

func (segmentKind) headers() []string { return []string{segmentSignature} }

// pages are the headers of the libraries in a browser: the write key, and the
// anonymous id by which RudderStack's keeps the order of a visitor's calls.
func (segmentKind) pages() []string { return []string{"authorization", "anonymousid"} }

func (segmentKind) fields() []string { return []string{"writeKey"} }

// prove checks the signature of a webhook destination, which decides alone, or
// the write key of a library. A batch is signed over its first element only.
func (segmentKind) prove(d *Delivery, secret string) bool {
	if signature, ok := d.Header[segmentSignature]; ok {
		given, err := hex.DecodeString(signature)
		if err != nil {
			return false
		}
		fits := hmac.Equal(given, keyedHash(sha1.New, []byte(secret), d.Body))
		if element := firstElement(d.Body); element != nil {
			fits = hmac.Equal(given, keyedHash(sha1.New, []byte(secret), element)) || fits
		}
		return fits
	}
	fits := proveShared(d, secret)
	if user, _ := basicAuth(d.Header["authorization"]); user != "" {
		fits = equalSecret(user, secret) || fits
	}
	for _, p := range splitPairs([]byte(d.Query), maxPairs) {
		fits = string(p.key) == "writeKey" && equalSecret(string(p.value), secret) || fits
	}
	c := segmentContent(d, readContent(d))
	body := c.object()
	if list := segmentList(c); len(list) > 0 && body.Get("writeKey").Type == event.Null {
		body = list[0]
	}
	if key := body.Get("writeKey"); key.Type == event.String {
		fits = equalSecret(key.Text, secret) || fits
	}
	return fits
}

// firstElement is the first element of a JSON array exactly as it stands there;
// nil for any other text.
func firstElement(body []byte) []byte {
	decoder := json.NewDecoder(bytes.NewReader(body))
	token, err := decoder.Token()
	if err != nil || token != json.Delim('[') || !decoder.More() {
		return nil
	}
	var element json.RawMessage
	if decoder.Decode(&element) != nil {
		return nil
	}
	return element
}

// segmentList are the bare calls of an array or of lines of JSON; nil for an
// object.
func segmentList(c *content) []event.Value {
	switch {
	case c.failure != nil || !c.json:
		return nil
	case len(c.values) > 1:
		return c.values
	case len(c.values) == 1 && c.values[0].Type == event.Array:
		return c.values[0].Items
	default:
		return nil
	}
}

// segmentContent reads a batch that has more keys than one event may: the limit
// is for each of its calls.
func segmentContent(d *Delivery, c *content) *content {
	if c.failure == nil || c.failure.Reason != ReasonTooManyKeys {
		return c
	}
	var members map[string]json.RawMessage
	var batch []json.RawMessage
	if json.Unmarshal(d.Body, &members) != nil || json.Unmarshal(members["batch"], &batch) != nil || len(batch) > event.MaxEvents {
		return c
	}
	list := event.Value{Type: event.Array}
	for _, item := range batch {
		values, err := event.ParseForeignJSON(item)
		if err != nil {
			return &content{json: true, failure: jsonFailure(err)}
		}
		list.Items = append(list.Items, values...)
	}
	object := event.Value{Type: event.Object, Members: []event.Member{{Key: "batch", Value: list}}}
	for _, name := range []string{"context", "sentAt", "writeKey"} {
		if values, err := event.ParseForeignJSON(members[name]); err == nil {
			object.Members = append(object.Members, event.Member{Key: name, Value: values[0]})
		}
	}
	return &content{json: true, values: []event.Value{object}}
}

// reply is OK, also for calls that make no event. A library that sends what is no
// JSON is told so, as its own collector does; a webhook destination is not, since
// what it makes of a refusal is not known.
func (segmentKind) reply(in *intake, out *Decoded) Reply {
	if _, signed := in.d.Header[segmentSignature]; out.Failure != nil && !signed {
		switch out.Failure.Reason {
		case ReasonMalformedJSON, ReasonNotUTF8, ReasonEmptyBody, ReasonForm, ReasonTooDeep, ReasonTooManyKeys:
			return replyJSON(in, out)
		}
	}
	return replyText("OK")
}

// call is one call with what its batch said for all.
type call struct {
	item          event.Value
	kind          string // identify, track…
	context, sent event.Value
	around        event.Value // the batch's context, see merge
	unsigned      bool        // an element of a batch that the signature does not cover
}

func (segmentKind) calls(in *intake) ([]call, *reading) {
	in.parsed = segmentContent(in.d, in.content())
	c := in.parsed
	_, signed := in.d.Header[segmentSignature]
	if list := segmentList(c); list != nil {
		calls := make([]call, len(list))
		for i, item := range list {
			calls[i] = segmentCall(in, opened(item), event.Value{})
			calls[i].unsigned = signed && i > 0
		}
		return calls, nil
	}
	v, stop := in.body()
	if stop != nil {
		return nil, stop
	}
	batch := opened(v.Get("batch"))
	if batch.Type != event.Array {
		return []call{segmentCall(in, v, event.Value{})}, nil
	}
	var calls []call
	for _, item := range batch.Items {
		calls = append(calls, segmentCall(in, opened(item), v))
	}
	return calls, nil
}

// segmentCall adds to an item what stands beside the batch: the context and the
// time of sending.
func segmentCall(in *intake, item, batch event.Value) call {
	c := call{item: item, kind: strings.ToLower(textAt(item, "type")), context: opened(item.Get("context")), sent: item.Get("sentAt")}
	if c.kind == "" { // POST /v1/track
		switch last := strings.ToLower(in.d.Suffix[strings.LastIndexByte(in.d.Suffix, '/')+1:]); last {
		case "identify", "track", "page", "screen", "group", "alias":
			c.kind = last
		}
	}
	if c.sent.Type == event.Null {
		c.sent = batch.Get("sentAt")
	}
	c.around = opened(batch.Get("context"))
	return c
}

// maxContext is how many members of a batch's context are looked at. Senders have
// some twenty; a hostile one would have each of many calls carry thousands.
const maxContext = 100

// merge adds the members of the batch's context that the call's own does not
// have. It is done when the call is read, so that the many calls of a batch do not
// hold a copy each.
func (c *call) merge() {
	if len(c.around.Members) == 0 {
		return
	}
	members := slices.Clip(c.context.Members)
	for _, m := range c.around.Members[:min(len(c.around.Members), maxContext)] {
		if c.context.Get(m.Key).Type == event.Null {
			members = append(members, m)
		}
	}
	c.context = event.Value{Type: event.Object, Members: members}
}

// at is when it happened by the sender's clock corrected by ours: received −
// (sent − original). What a collector passed on carries its own time of receipt
// and a timestamp that is corrected already. estimated says that our clock is in it.
func (c call) at(in *intake) (at time.Time, estimated bool) {
	stamp, original := in.time(textAt(c.item, "timestamp")), in.time(textAt(c.item, "originalTimestamp"))
	received, sent := in.time(textAt(c.item, "receivedAt")), in.time(first(texts(c.sent)))
	if original.IsZero() {
		original = stamp
	}
	switch {
	case !received.IsZero() && !stamp.IsZero():
		return stamp, false
	case original.IsZero():
		return received, false
	case sent.IsZero():
		return original, false
	case received.IsZero():
		received, estimated = in.d.ReceivedAt, true
	}
	if at := received.Add(original.Sub(sent)); at.Year() >= 1970 {
		return at.Truncate(time.Microsecond), estimated
	}
	return original, false
}

// id is the sender's messageId. Without one it is made of the call, less what
// changes when it is sent again; empty for a call without a time, which nothing
// tells apart from the same call of another day.
func (c call) id() (id string, derived bool) {
	if id := idAt(c.item, "messageId", "message_id"); id != "" {
		return boundedID("segment:" + id), false
	}
	if textAt(c.item, "originalTimestamp", "timestamp") == "" {
		return "", false
	}
	stable := event.Value{Type: event.Object}
	for _, m := range c.item.Members {
		switch m.Key {
		case "sentAt", "receivedAt", "writeKey":
		default:
			stable.Members = append(stable.Members, m)
		}
	}
	sum := sha256.Sum256([]byte(c.kind + "\x00" + stable.JSON()))
	return "segment:h-" + hex.EncodeToString(sum[:16]), true
}

// deliveryID is the message's where there is one call.
func (k segmentKind) deliveryID(in *intake) string {
	calls, stop := k.calls(in)
	if stop != nil || len(calls) != 1 {
		return ""
	}
	if id, derived := calls[0].id(); !derived {
		return id
	}
	return ""
}

func (k segmentKind) read(in *intake) reading {
	calls, stop := k.calls(in)
	if stop != nil {
		return *stop
	}
	var r reading
	for i, c := range calls {
		if c.kind == "" { // a destination whose mapping the owner has changed
			r.part(i, in.payload(c.item, c.item, textAt(c.item, "event")))
			continue
		}
		switch ev, ok, failure := c.event(in); {
		case failure != nil:
			r.part(i, reading{failure: failure})
		case ok:
			r.part(i, reading{events: []event.Event{ev}})
		}
	}
	if len(calls) == 1 {
		r.places = nil
	}
	return r.whole()
}
