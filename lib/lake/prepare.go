package lake

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/schema"
	"github.com/leadlake/leadlake/lib/webhook"
)

// rawDelivery is a delivery together with the raw object it lies in.
type rawDelivery struct {
	schema.RawRow
	object string
}

// prepared is a delivery with all that can be known of it without looking at any
// other: many are prepared at once, then decided one after the other.
type prepared struct {
	rawDelivery
	hash    string // of its content
	source  config.Source
	known   bool // the source is configured
	failure *webhook.Failure
	left    *webhook.Failure // of a batch, beside its events
	idKey   string           // the raw key of the delivery id as it is read now; empty without an id
	events  []preparedEvent
	again   bool // a redrive: what came under its ids since then has corrected it
}

type preparedEvent struct {
	id      string
	name    [16]byte // of (source, id)
	hash    int64    // of its content
	row     schema.EventRow
	contact *schema.ContactRow
	err     error // an amount that does not fit
}

// prepareAll prepares rows on all processors, in their order.
func (r Refiner) prepareAll(cfg *config.Config, rows []rawDelivery) []prepared {
	out := make([]prepared, len(rows))
	under := r.Under(cfg)
	inParallel(len(rows), runtime.GOMAXPROCS(0), func(i int) { out[i] = under.prepare(rows[i]) })
	return out
}

// inParallel calls run for 0…n-1 from several goroutines.
func inParallel(n, workers int, run func(i int)) {
	var next atomic.Int64
	var wait sync.WaitGroup
	for range min(n, workers) {
		wait.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				run(i)
			}
		})
	}
	wait.Wait()
}

// prepare is pure. What breaks on a delivery makes it a failed one, so that one
// delivery never stops the others.
func (r Refinery) prepare(row rawDelivery) (p prepared) {
	cfg := r.cfg
	p = prepared{rawDelivery: row, hash: bodyHash(content(row.RawRow))}
	if p.source, p.known = cfg.SourceNamed(row.Source); !p.known {
		return p
	}
	defer func() {
		if recover() != nil { // the value may quote the body, so it is not kept
			p.events, p.failure = nil, &webhook.Failure{
				Reason: webhook.ReasonPanic, Detail: "the refiner broke on this delivery; it is kept and can be run again after a fix",
			}
		}
	}()
	decoded := webhook.Understand(cfg, deliveryOf(p.source, row))
	p.failure, p.left = decoded.Failure, decoded.Left
	if decoded.DeliveryID != "" {
		p.idKey = webhook.RawKey(row.Source, decoded.DeliveryID, nil, row.ReceivedAt)
	}
	origin := Origin{Source: p.source, RawObject: row.object, ReceivedAt: row.ReceivedAt}
	p.events = make([]preparedEvent, len(decoded.Events))
	for i, ev := range decoded.Events {
		ev.DeriveID(row.Source, row.ReceivedAt)
		e := &p.events[i]
		e.id, e.name, e.hash = ev.ID, fingerprint(row.Source, ev.ID), contentHash(&ev)
		e.row, e.contact, e.err = r.Refine(origin, ev)
	}
	return p
}

// deliveryOf is the delivery that a raw row stands for.
func deliveryOf(source config.Source, row rawDelivery) webhook.Delivery {
	headers := make(map[string]string, len(row.Headers.Pairs))
	for _, p := range row.Headers.Pairs {
		headers[p.Key] = p.Value
	}
	return webhook.Delivery{
		Source: source, Key: row.Key, HasID: row.HasID, Method: row.Method, ContentType: row.ContentType, Suffix: row.Suffix,
		Query: row.Query, Header: headers, Body: row.Body, ReceivedAt: row.ReceivedAt, Trusted: row.Trusted,
	}
}
