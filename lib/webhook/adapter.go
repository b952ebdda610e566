package webhook

import (
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
	default:
		return nil
	}
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

// common answers for adapters that have nothing of their own to say.
type common struct{}

func (common) headers() []string { return nil }

func (common) prove(d *Delivery, secret string) bool { return proveShared(d, secret) }

func (common) reply(in *intake, out *Decoded) Reply { return replyJSON(in, out) }
