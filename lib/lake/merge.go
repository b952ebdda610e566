package lake

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/consent"
	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/schema"
	"github.com/leadlake/leadlake/lib/webhook"
)

// Reasons that compaction itself gives; the others are webhook's.
const (
	ReasonConflict      = "id_conflict"    // an id came again with another content
	ReasonUnknownSource = "unknown_source" // the source was configured once and is not now
	ReasonAmount        = "amount"         // an amount that does not fit
)

// merger decides the outcome of each delivery of a chunk, in the order of
// receipt. It is pure but for what it was given to remember.
type merger struct {
	cfg        *config.Config
	memory     *memory // with what this chunk adds
	suppressed Suppressed

	events     []schema.EventRow
	contacts   []schema.ContactRow
	failed     []schema.FailedRow
	deliveries []schema.DeliveryRow
	erasures   []ErasureRequest
	lifted     []Suppression
	report     CompactReport
}

// add decides a delivery and returns its line.
func (m *merger) add(p *prepared) {
	line := schema.DeliveryRow{
		Key: p.Key, Source: p.Source, ReceivedAt: p.ReceivedAt, HasID: p.HasID, ContentHash: p.hash, RawObject: p.object,
	}
	m.decide(p, &line)
	m.report.count(&line)
	m.deliveries = append(m.deliveries, line)
	m.memory.chunk.add(&line)
}

// decide fills in what becomes of a delivery.
func (m *merger) decide(p *prepared, line *schema.DeliveryRow) {
	if !p.known {
		m.fail(p, line, ReasonUnknownSource, "the source is not configured any more; configure it and redrive")
		return
	}
	from := since(p.ReceivedAt, m.cfg.Metrics.DedupeDays)
	if p.HasID {
		seen, equal := m.memory.key(p.Key, p.hash, from)
		switch {
		case seen && (equal || p.Method == webhook.FetchMethod): // asked for twice, the first answer stays
			line.Outcome = schema.OutcomeDuplicate
			return
		case seen && m.ofErased(p):
			line.Outcome = schema.OutcomeSuppressed // nothing of an erased person is kept, conflict or not
			return
		case seen && m.repeats(p, from):
			line.Outcome = schema.OutcomeDuplicate
			return
		case seen:
			m.fail(p, line, ReasonConflict, "the delivery id came before with another body")
			return
		}
	} else if m.memory.body(p.Source, p.hash, p.ReceivedAt, p.source.ResubmitWindow()) {
		line.Outcome = schema.OutcomeDuplicate
		return
	}
	switch {
	case p.failure != nil:
		m.fail(p, line, p.failure.Reason, p.failure.Detail)
	case len(p.events) == 0:
		line.Outcome = schema.OutcomePing
	case p.again && !p.HasID && p.idKey != "" && m.cameUnder(p, from):
		line.Outcome = schema.OutcomeDuplicate
	default:
		m.accept(p, line)
	}
}

// repeats reports whether a delivery that came before under its id, with other
// bytes, says nothing else: senders count their attempts in the body or write the
// time of sending into it.
func (m *merger) repeats(p *prepared, from string) bool {
	for i := range p.events {
		if old, seen := m.memory.event(p.events[i].name, from); !seen || old.hash != p.events[i].hash {
			return false
		}
	}
	return len(p.events) > 0 && p.left == nil
}

// cameUnder reports whether the same body has come under the id that a redriven
// delivery is found to have, now that it can be read.
func (m *merger) cameUnder(p *prepared, from string) bool {
	_, equal := m.memory.key(p.idKey, p.hash, from)
	return equal
}

// accept takes the events of a delivery that are new. Of an id that was seen
// before, the same content is a duplicate and another content a conflict.
func (m *merger) accept(p *prepared, line *schema.DeliveryRow) {
	from := since(p.ReceivedAt, m.cfg.Metrics.DedupeDays)
	// What is taken stands at the end of these, until an amount does not fit.
	taken, stated := len(m.events), len(m.contacts)
	conflicts, suppressed := 0, 0
	var within map[string]int64 // of a batch
	if len(p.events) > 1 {
		within = make(map[string]int64, len(p.events))
	}
	for i := range p.events {
		ev := &p.events[i]
		old, seen := m.memory.event(ev.name, from)
		if seen && p.again && old.at > p.ReceivedAt.UnixMicro() {
			continue // the sender has corrected it under its id
		}
		if !seen {
			old.hash, seen = within[ev.id]
		}
		if seen && old.hash == ev.hash {
			continue
		}
		switch {
		case m.blocked(&ev.row, p.ReceivedAt, !seen && ev.err == nil): // before anything is kept of it
			suppressed++
			continue
		case seen:
			conflicts++
			continue
		case ev.err != nil:
			line.EventIDs, line.EventHashes = nil, nil
			m.events, m.contacts = m.events[:taken], m.contacts[:stated]
			m.fail(p, line, ReasonAmount, fmt.Sprintf("event %d: %v", i, ev.err))
			return
		}
		if within != nil {
			within[ev.id] = ev.hash
		}
		line.EventIDs = append(line.EventIDs, ev.id)
		line.EventHashes = append(line.EventHashes, ev.hash)
		m.events = append(m.events, ev.row)
		if ev.contact != nil {
			m.contacts = append(m.contacts, *ev.contact)
		}
	}
	for i := range m.events[taken:] {
		m.requestErasure(&m.events[taken+i], p.Trusted)
	}
	switch {
	case len(m.events) > taken:
		line.Outcome = schema.OutcomeEvents
		switch { // the good ones count; the bytes are kept for the others
		case conflicts > 0:
			line.Reason = ReasonConflict
			m.keep(p, ReasonConflict, fmt.Sprintf("%d of %d event ids came before with another content", conflicts, len(p.events)))
		case p.left != nil && suppressed == 0: // the bytes hold an erased person too
			line.Reason = p.left.Reason
			m.keep(p, p.left.Reason, partOf+p.left.Detail)
		}
	case conflicts > 0:
		m.fail(p, line, ReasonConflict, fmt.Sprintf("%d of %d event ids came before with another content", conflicts, len(p.events)))
	case suppressed > 0:
		line.Outcome = schema.OutcomeSuppressed
	case p.left != nil: // of a batch that came before, or is run again
		m.fail(p, line, p.left.Reason, partOf+p.left.Detail)
	default:
		line.Outcome = schema.OutcomeDuplicate
	}
}

// partOf begins the detail of what is left of a batch.
const partOf = "a part of the batch: "

// blocked reports whether an erased person's event is to be dropped; a person
// who comes back with an event that counts (lift) is lifted from the list.
func (m *merger) blocked(row *schema.EventRow, receivedAt time.Time, lift bool) bool {
	s, ok := m.suppressed.Find(row.Tokens)
	if !ok {
		return false
	}
	var given time.Time
	for _, c := range row.Consents {
		if c.Purpose == string(consent.Processing) && c.Given && c.At.After(given) {
			given = c.At
		}
	}
	if s.Blocks(receivedAt, given, m.cfg.Metrics.DedupeDays) {
		return true
	}
	if lift {
		m.lift(s, receivedAt)
	}
	return false
}

func (m *merger) lift(s Suppression, receivedAt time.Time) {
	s.LiftedAt = receivedAt
	for _, token := range s.Tokens {
		delete(m.suppressed, token)
	}
	m.lifted = append(m.lifted, s)
}

// ofErased reports whether a delivery that is not taken holds an erased person.
// The people are read even where an amount does not fit.
func (m *merger) ofErased(p *prepared) bool {
	for i := range p.events {
		if m.blocked(&p.events[i].row, p.ReceivedAt, false) {
			return true
		}
	}
	return false
}

// erasureDays is the time to answer a request for erasure (reliability §10: the
// shorter of the two laws' terms, ten working days, taken as calendar days).
const erasureDays = 10

// requestErasure puts a request down. One that came without a verified secret
// could be anybody's wish to destroy the base: it waits for a person to confirm.
func (m *merger) requestErasure(row *schema.EventRow, trusted bool) {
	if row.Kind != string(event.Erase) || len(row.Tokens) == 0 {
		return
	}
	state := ErasureUnverified
	if trusted {
		state = ErasureReceived
	}
	sum := fingerprint(row.Source, row.EventID)
	m.erasures = append(m.erasures, ErasureRequest{
		ID: hex.EncodeToString(sum[:]), ReceivedAt: row.ReceivedAt, Deadline: row.ReceivedAt.AddDate(0, 0, erasureDays),
		Tokens: slices.Clone(row.Tokens), State: state, By: row.Source,
	})
}

func (m *merger) fail(p *prepared, line *schema.DeliveryRow, reason, detail string) {
	line.Outcome, line.Reason = schema.OutcomeFailed, reason
	m.keep(p, reason, detail)
}

func (m *merger) keep(p *prepared, reason, detail string) {
	m.failed = append(m.failed, schema.FailedRow{
		Key: p.Key, Source: p.Source, ReceivedAt: p.ReceivedAt, Reason: reason, Detail: strings.ToValidUTF8(detail, "?"),
		Method: p.Method, ContentType: p.ContentType, Suffix: p.Suffix, Query: p.Query, Headers: p.Headers,
		Body: p.Body, RawObject: p.object, Trusted: p.Trusted,
	})
}
