package webhook

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/leadlake/leadlake/lib/event"
)

// cloudeventsKind is the source kind "cloudevents" (webhooks.md §14): structured,
// binary and batched events over HTTP, and the handshake of its webhooks. What
// the data holds is the sender's affair: see payload.
type cloudeventsKind struct{}

const (
	ceOrigin = "webhook-request-origin"
	ceRate   = "webhook-request-rate"
)

func (cloudeventsKind) headers() []string {
	return []string{"ce-specversion", "ce-id", "ce-source", "ce-type", "ce-time", "ce-subject", ceOrigin, ceRate}
}

func (cloudeventsKind) fields() []string { return []string{"access_token"} }

// prove takes the bearer token of the webhook specification, as header or as
// access_token of the query, and what senders of ours may show.
func (cloudeventsKind) prove(d *Delivery, secret string) bool {
	fits := false
	for _, p := range splitPairs([]byte(d.Query), maxPairs) {
		fits = string(p.key) == "access_token" && equalSecret(string(p.value), secret) || fits
	}
	return proveShared(d, secret) || fits
}

// handshake is OPTIONS of a sender that asks whether it may post here.
func (cloudeventsKind) handshake(in *intake, _ []string) bool { return ceAllowed(in.d) != "" }

// ceAllowed is the origin that asks, a DNS name; empty for another request.
func ceAllowed(d *Delivery) string {
	origin := strings.TrimSpace(d.Header[ceOrigin])
	if d.Method != http.MethodOptions || len(origin) > 253 || strings.Trim(strings.ToLower(origin), "abcdefghijklmnopqrstuvwxyz0123456789.-_:") != "" {
		return ""
	}
	return origin
}

// reply grants the handshake, at the source's rate in requests a minute; * is any.
func (cloudeventsKind) reply(in *intake, _ *Decoded) Reply {
	origin := ceAllowed(in.d)
	if origin == "" {
		return replyText("ok")
	}
	header := map[string]string{"WebHook-Allowed-Origin": origin, "Allow": "POST, OPTIONS", "WebHook-Allowed-Rate": "*"}
	if rate := in.d.Source.PerSecond; rate > 0 {
		header["WebHook-Allowed-Rate"] = strconv.Itoa(rate * 60)
	}
	return Reply{Status: http.StatusOK, Header: header}
}

// cloudEvent is one event with its data.
type cloudEvent struct {
	id, source, kind, time string
	root, data             event.Value
}

// key identifies an event: its id is unique only for its source.
func (e cloudEvent) key() string {
	if e.id == "" || e.source == "" {
		return ""
	}
	return boundedID(e.source + "|" + e.id)
}

// deliveryID is the event's; a batch has none, its events are told apart one by
// one.
func (k cloudeventsKind) deliveryID(in *intake) string {
	list, stop := k.events(in)
	if stop != nil || len(list) != 1 {
		return ""
	}
	return list[0].key()
}

func (k cloudeventsKind) read(in *intake) reading {
	if in.d.Method == http.MethodOptions {
		return reading{ping: true}
	}
	list, stop := k.events(in)
	if stop != nil {
		return *stop
	}
	var all reading
	for i, ce := range list {
		r := in.payload(ce.root, ce.data, ce.kind)
		for j := range r.events {
			ev := &r.events[j]
			if key := ce.key(); ev.ID == "" && key != "" {
				if ev.ID = key; r.places != nil {
					ev.ID = boundedID(key + "/" + strconv.Itoa(r.places[j]))
				}
			}
			if ev.At.IsZero() {
				ev.At = in.time(ce.time)
			}
		}
		if all.left == nil {
			all.left = r.left
		}
		all.part(i, r)
	}
	return all.whole()
}

// events finds the events whatever the content type says: attributes in headers
// make the body the data of one; else the body holds them with their data.
func (cloudeventsKind) events(in *intake) ([]cloudEvent, *reading) {
	c := in.content()
	media, _ := mediaType(in.d.ContentType)
	binary := in.d.Header["ce-id"] != "" || in.d.Header["ce-specversion"] != ""
	if binary && !strings.HasPrefix(media, "application/cloudevents") {
		if c.failure != nil && c.failure.Reason != ReasonEmptyBody { // an event needs no data
			return nil, &reading{failure: c.failure}
		}
		ce := cloudEvent{id: ceHeader(in.d, "ce-id"), source: ceHeader(in.d, "ce-source"), kind: ceHeader(in.d, "ce-type"), time: ceHeader(in.d, "ce-time")}
		if ce.root = c.object(); c.json && len(c.values) == 1 {
			ce.root = c.values[0]
		}
		ce.data = ce.root
		return []cloudEvent{ce}, nil
	}
	if _, stop := in.body(); stop != nil {
		return nil, stop
	}
	values := c.values
	if len(values) == 1 && values[0].Type == event.Array {
		values = values[0].Items
	}
	var list []cloudEvent
	for _, v := range values {
		if textAt(v, "specversion") == "" {
			stop := strange("no CloudEvents: specversion is missing")
			return nil, &stop
		}
		ce := cloudEvent{id: textAt(v, "id"), source: textAt(v, "source"), kind: textAt(v, "type"), time: textAt(v, "time"), root: v, data: opened(v.Get("data"))}
		if encoded := textAt(v, "data_base64"); encoded != "" && ce.data.Type == event.Null {
			text, err := base64.StdEncoding.DecodeString(encoded)
			if err == nil {
				ce.data = opened(event.Value{Type: event.String, Text: string(text)})
			}
			ce.root.Members = append(slices.Clip(v.Members), event.Member{Key: "data", Value: ce.data})
		}
		list = append(list, ce)
	}
	if !c.json {
		stop := strange("neither attributes in headers nor a JSON body")
		return nil, &stop
	}
	return list, nil // none: an empty batch
}

// ceHeader undoes the percent-encoding of a header's value.
func ceHeader(d *Delivery, name string) string {
	text := strings.TrimSpace(d.Header[name])
	if plain, err := url.PathUnescape(text); err == nil {
		return plain
	}
	return text
}
