// Package webhook is the way in for deliveries: it authenticates them, has them
// stored, answers what the sender wants to hear, and knows what they mean. There
// is one adapter for each kind of sender.
//
// Two halves share one type, the Delivery. The Handler makes it out of a request
// and acknowledges it only after a Sink has made it durable. Decode, a pure
// function, says what a stored delivery becomes: the handler asks it for the
// reply, the compaction and the command `leadlake decode` for the events. Bytes
// that cannot be understood are stored all the same and come back as a Failure
// with a stable reason.
//
// A source with secrets is authenticated by one of them (old and new while they
// are rotated), a source without is open: its deliveries are not Trusted, and
// nobody may erase a person or export anything because of them. How a secret may
// travel stands at Authenticate.
package webhook

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/event"
)

// Delivery is what arrived, as it is stored. Secrets in Query, Header and Body
// are blanked by asterisks of the same length once they were verified; all else
// is kept bit for bit, of a body that came compressed what it was before.
type Delivery struct {
	Source      config.Source
	Key         string // see RawKey
	HasID       bool   // the sender gave the delivery an id
	Method      string
	ContentType string
	Suffix      string // path below /in/{source}/
	Query       string // raw, without the question mark
	Header      map[string]string
	Body        []byte
	ReceivedAt  time.Time
	Trusted     bool // authenticated by a secret
	// Sent is the body as it came where it came compressed: a signature may have
	// been made of either. It is not stored.
	Sent []byte
}

// Content is what makes two deliveries without an id equal: the body, or the
// query where a system sends everything in the query and no body at all.
func (d Delivery) Content() []byte {
	if len(d.Body) > 0 {
		return d.Body
	}
	return []byte(d.Query)
}

// Decoded is what a delivery becomes. Exactly one of these holds: Ping, Failure
// is set, or there are Events. A batch with one invalid event is a failure as a
// whole where its sender is told to send it again; where he is not, the others
// count and Left says that something is left.
type Decoded struct {
	Status     int // of Reply
	Reply      Reply
	Ping       bool // a test of the sender's: counted, no event
	Failure    *Failure
	Events     []event.Event // every one has an ID
	Left       *Failure      // beside Events: why other parts of a batch became none
	DeliveryID string        // the sender's; empty for none, and for what failed
}

// Reply is the answer to a delivery that was stored.
type Reply struct {
	Status      int
	ContentType string            // empty: no body
	Location    string            // of a redirect
	Header      map[string]string // further headers
	Body        []byte
}

// Reasons of failures. They stand in lake/failed for ever and never change.
const (
	ReasonMalformedJSON = "malformed_json"
	ReasonDuplicateKey  = "duplicate_key"
	ReasonTooDeep       = "json_too_deep"
	ReasonTooManyKeys   = "json_too_many_keys"
	ReasonNotUTF8       = "not_utf8"
	ReasonEmptyBody     = "empty_body"
	ReasonInvalidEvent  = "invalid_event"
	ReasonForm          = "unreadable_form"
	ReasonFormTooDeep   = "form_too_deep"
	ReasonFormTooMany   = "form_too_many_fields"
	ReasonNoContact     = "no_contact"
	ReasonUnknownKind   = "unknown_kind"
	ReasonPanic         = "decoder_panic"

	// ReasonBadSignature is the reason of what stands under raw/unauthenticated;
	// Decode never gives it.
	ReasonBadSignature = "bad_signature"
)

// Failure says why a delivery became no event. Detail and Faults hold no
// personal data.
type Failure struct {
	Reason string
	Detail string
	Faults []*event.FieldError // at most MaxFaults; empty unless Reason is ReasonInvalidEvent
}

// MaxFaults is how many faults of one delivery are listed.
const MaxFaults = 100

func (f *Failure) Error() string { return "webhook: " + f.Reason + ": " + f.Detail }

// RawKey names a raw delivery: the SHA-256, in hex, of the source with the
// sender's delivery id or, where there is none, with the content (see
// Delivery.Content) and the minute of receipt. Every part is preceded by its
// length, so that no two sets of parts look alike.
func RawKey(source, deliveryID string, content []byte, received time.Time) string {
	hash := sha256.New()
	part := func(b []byte) {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(b)))
		hash.Write(length[:])
		hash.Write(b)
	}
	part([]byte(source))
	if deliveryID != "" {
		part([]byte("id"))
		part([]byte(deliveryID))
	} else {
		part([]byte("content"))
		part(content)
		part([]byte(received.UTC().Truncate(time.Minute).Format(time.RFC3339)))
	}
	return hex.EncodeToString(hash.Sum(nil))
}

// Decode says what a delivery becomes under a configuration. It is a pure
// function: equal arguments give equal results on any machine. A decoder that
// panics makes a Failure, so that one delivery never stops the others; its bytes
// are kept and can be run again after a fix.
func Decode(cfg *config.Config, d Delivery) Decoded {
	return decode(newIntake(cfg, &d))
}

// Understand is Decode without Reply and Status, for those whom no sender waits for.
func Understand(cfg *config.Config, d Delivery) Decoded { return understand(newIntake(cfg, &d)) }

func understand(in *intake) Decoded {
	a := adapterFor(in.d.Source.Kind)
	if a == nil {
		return Decoded{Failure: &Failure{Reason: ReasonUnknownKind, Detail: "the source's kind has no adapter in this version"}}
	}
	return read(a, in)
}

func decode(in *intake) Decoded {
	out := understand(in)
	a := adapterFor(in.d.Source.Kind)
	if a == nil {
		a = jsonKind{}
	}
	if text := echo(in.d); text != "" {
		out.Reply = replyText(text)
	} else {
		out.Reply = a.reply(in, &out)
	}
	out.Status = out.Reply.Status
	return out
}

// read runs the adapter. What failed has no delivery id: the sender may correct
// it and send it again under the id it had.
func read(a adapter, in *intake) (out Decoded) {
	defer func() {
		if recover() != nil { // the value may quote the body, so it is not kept
			out = Decoded{Failure: &Failure{Reason: ReasonPanic, Detail: "the decoder broke on this delivery; it is kept and can be run again after a fix"}}
		}
	}()
	if echo(in.d) != "" {
		return Decoded{Ping: true}
	}
	r := a.read(in)
	switch {
	case r.ping:
		return Decoded{Ping: true}
	case r.failure != nil:
		return Decoded{Failure: r.failure}
	case len(r.events) == 0:
		return Decoded{Failure: invalidEvent([]*event.FieldError{{Reason: "want at least one event"}})}
	}
	for i := range r.roots {
		overlay(in, r.roots[i], &r.events[i])
	}
	out = Decoded{Events: r.events, Left: r.left}
	if id, entity, ok := fetched(in.d); ok {
		out.DeliveryID = "fetched:" + id
		for i := range r.events {
			r.events[i].ID, r.events[i].Fetch = "", ""
		}
		if entity != "" {
			r.events[0].Entity = entity
		}
	} else {
		out.DeliveryID = boundedID(a.deliveryID(in))
	}
	finish(in, out.DeliveryID, out.Events, r.places)
	return out
}

// finish gives every event its id and the source's rules. places are the events'
// positions in a batch: an event keeps its id when a neighbour that was left out
// becomes an event after all.
func finish(in *intake, deliveryID string, events []event.Event, places []int) {
	for i := range events {
		ev := &events[i]
		ev.SenderOrders = !in.d.Source.Orders.None
		in.stage(ev)
		ev.ID, ev.Entity = boundedID(ev.ID), boundedID(ev.Entity)
		switch {
		case ev.ID != "":
		case deliveryID != "" && places != nil:
			ev.ID = boundedID(deliveryID + "/" + strconv.Itoa(places[i]))
		case deliveryID != "" && len(events) == 1:
			ev.ID = deliveryID
		case deliveryID != "":
			ev.ID = boundedID(deliveryID + "/" + strconv.Itoa(i))
		default:
			ev.DeriveID(in.d.Source.Name, in.d.ReceivedAt)
		}
	}
}

// stage translates the source's word for a funnel stage. A word of a foreign
// system that neither the source's map nor the funnel knows is kept as an
// attribute: it must not push the client out of the stage he is known to be in.
func (in *intake) stage(ev *event.Event) {
	word := ev.Stage
	if stage, ok := in.d.Source.Stages[word]; ok || word == "" {
		ev.Stage = stage
		return
	}
	for _, mine := range slices.Sorted(maps.Keys(in.d.Source.Stages)) {
		if strings.EqualFold(mine, word) { // as with orders: Visited and visited are one word
			ev.Stage = in.d.Source.Stages[mine]
			return
		}
	}
	for _, stage := range in.cfg.Funnel {
		if strings.EqualFold(stage, word) {
			ev.Stage = stage
			return
		}
	}
	if !ours(in.d.Source.Kind) && word != "" && !slices.Contains(in.cfg.Funnel, word) {
		attribute(ev, "stage", word)
		ev.Stage = ""
	}
}

// jsonFailure turns an error of event.ParseJSON into its reason.
func jsonFailure(err error) *Failure {
	reason := ReasonMalformedJSON
	switch {
	case errors.Is(err, event.ErrNotUTF8):
		reason = ReasonNotUTF8
	case errors.Is(err, event.ErrDuplicate):
		reason = ReasonDuplicateKey
	case errors.Is(err, event.ErrTooDeep):
		reason = ReasonTooDeep
	case errors.Is(err, event.ErrTooMany):
		reason = ReasonTooManyKeys
	}
	return &Failure{Reason: reason, Detail: err.Error()}
}
