package webhook

import (
	"net/http"
	"strings"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/event"
)

// adapter is what Leadlake knows about one kind of sender. An adapter is a value
// without state; embedding common gives it the usual answers, so that a new kind
// states only what is peculiar to it.
type adapter interface {
	// headers names, in lower case, the request headers that are kept beside the
	// usual ones because ids, topics or signatures travel in them.
	headers() []string
	// prove reports whether the delivery shows knowledge of one secret. Every
	// comparison takes constant time; secret is not empty.
	prove(d *Delivery, secret string) bool
	// deliveryID is the sender's id of the delivery, empty where it gives none.
	deliveryID(in *intake) string
	// read turns a delivery into events, a ping or a failure.
	read(in *intake) reading
	// reply answers a delivery that was stored, whatever became of it. It is the
	// same for a duplicate.
	reply(in *intake, out *Decoded) Reply
}

// reading is what an adapter makes of a delivery: a ping, a failure or events.
type reading struct {
	ping    bool
	failure *Failure
	events  []event.Event
	// roots are the parts of the body that the events were made of, one for each,
	// in which the source's map and consent rules look; nil where the adapter has
	// applied them itself.
	roots []event.Value
	// places are the positions of the events in the batch they came in, left says
	// why other parts of it became none; nil for what is no batch.
	places []int
	left   *Failure
}

// part adds what became of one part of a batch.
func (r *reading) part(place int, one reading) {
	if one.failure != nil && r.left == nil {
		r.left = one.failure
	}
	for range one.events {
		r.places = append(r.places, place)
	}
	r.events = append(r.events, one.events...)
}

// whole ends a batch. Without a single event what is left is the failure.
func (r reading) whole() reading {
	switch {
	case len(r.events) > 0:
		return r
	case r.left != nil:
		return reading{failure: r.left}
	default:
		return reading{ping: true}
	}
}

// A handshaker knows requests that only ask who listens here: a challenge to
// echo, a confirmation string, OPTIONS. handshake reports whether this is one and
// whatever must be proved is proved, in constant time; such a request needs no
// other authentication. read makes a ping of it, reply its answer. A GET or POST
// is stored and counted like any ping, OPTIONS is only answered.
type handshaker interface {
	handshake(in *intake, secrets []string) bool
}

// A keeper gives the sender's secrets away that travel in the body whether or not
// the source has secrets configured: fields returns their names, as they stand in
// a form or at any depth of a JSON body; one that ends in "[" covers all fields
// that begin so. They are blanked before anything is kept.
type keeper interface {
	fields() []string
}

// A noter takes from a body, before its secrets are blanked, what is needed of
// them later and is no secret, and puts it under a header name of its own.
type noter interface {
	note(d *Delivery)
}

// An unsigner says which requests of a source with secrets come unsigned and are
// harmless: pings, never anything that read makes an event of.
type unsigner interface {
	unsigned(d *Delivery) bool
}

// adapterFor is the one table of adapters; nil for a kind without one.
func adapterFor(kind string) adapter {
	switch kind {
	case "form":
		return formKind{}
	case "json":
		return jsonKind{}
	case config.SheetKind:
		return sheetKind{}
	case "tilda":
		return tildaKind{}
	case "meta":
		return metaKind{}
	case "vk":
		return vkKind{}
	case "google-ads":
		return googleAdsKind{}
	case "typeform":
		return typeformKind{}
	case "google-forms":
		return googleFormsKind{}
	case "passteam":
		return passteamKind{}
	case "passquare":
		return passquareKind{}
	case "standard-webhooks":
		return standardKind{}
	case "cloudevents":
		return cloudeventsKind{}
	case "segment":
		return segmentKind{}
	case "shopify":
		return shopifyKind{}
	case "woocommerce":
		return wooKind{}
	case "insales":
		return insalesKind{}
	case "ecwid":
		return ecwidKind{}
	case "commerceml":
		return commerceMLKind{}
	case "calltouch":
		return calltouchKind{}
	case "uis":
		return uisKind{}
	case "mango":
		return mangoKind{}
	case "callrail":
		return callRailKind{}
	case "call-tracking.by":
		return callTrackingByKind{}
	case "jivo":
		return jivoKind{}
	case "carrotquest":
		return carrotQuestKind{}
	case "intercom":
		return intercomKind{}
	case "retailcrm":
		return retailcrmKind{}
	case "amocrm":
		return amocrmKind{}
	case "bitrix24":
		return bitrix24Kind{}
	default:
		return nil
	}
}

// ours reports whether senders of a kind follow Leadlake's own documentation.
// Their words and fields are taken as they stand, and they are told of faults.
func ours(kind string) bool { return kind == "json" || kind == "form" || kind == "tilda" }

// greets reports whether a request only asks who listens here.
func greets(in *intake, secrets []string) bool {
	h, ok := adapterFor(in.d.Source.Kind).(handshaker)
	return echo(in.d) != "" || ok && h.handshake(in, secrets)
}

// echo is the text that Zadarma wants back from an address before it takes it
// (webhooks.md §8), whatever the kind of the source; empty for any other request.
func echo(d *Delivery) string {
	fields := queryFields(d)
	if d.Method != http.MethodGet || len(fields) != 1 || string(fields[0].key) != "zd_echo" {
		return ""
	}
	text := string(fields[0].value)
	if len(text) > 64 || strings.Trim(text, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._-") != "" {
		return ""
	}
	return text
}

// intake is a delivery on its way through an adapter. The body is read once,
// however often it is asked for. Not safe for concurrent use.
type intake struct {
	cfg    *config.Config
	d      *Delivery
	parsed *content
}

func newIntake(cfg *config.Config, d *Delivery) *intake { return &intake{cfg: cfg, d: d} }

func (in *intake) content() *content {
	if in.parsed == nil {
		in.parsed = readContent(in.d)
	}
	return in.parsed
}

// currency is the one that decides the decimal places of amounts without one.
func (in *intake) currency() string { return in.cfg.Defaults(in.d.Source).Currency }

// common answers for adapters that have nothing of their own to say: those that
// Leadlake's own documentation teaches how to send.
type common struct{}

func (common) headers() []string { return nil }

func (common) prove(d *Delivery, secret string) bool { return proveShared(d, secret) }

func (common) reply(in *intake, out *Decoded) Reply { return replyJSON(in, out) }
