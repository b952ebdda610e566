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
	refiner    Refiner
	memory     *memory
	today      *dayMemory
	suppressed Suppressed

	events     []schema.EventRow
	contacts   []schema.ContactRow
	failed     []schema.FailedRow
	deliveries []schema.DeliveryRow
	erasures   []ErasureRequest
	lifted     []Suppression
	report     CompactReport
}

func (m *merger) add(row rawDelivery) error {
	ledger := schema.DeliveryRow{
		Key: row.Key, Source: row.Source, ReceivedAt: row.ReceivedAt, HasID: row.HasID,
		ContentHash: bodyHash(content(row.RawRow)), RawObject: row.object,
	}
	if err := m.decide(row, &ledger); err != nil {
		return err
	}
	m.report.Deliveries++
	switch ledger.Outcome {
	case schema.OutcomePing:
		m.report.Pings++
	case schema.OutcomeFailed:
		m.report.Failed++
	case schema.OutcomeDuplicate:
		m.report.Duplicates++
	case schema.OutcomeSuppressed:
		m.report.Suppressed++
	}
	m.deliveries = append(m.deliveries, ledger)
	m.today.add(ledger)
	return nil
}

func (m *merger) decide(row rawDelivery, ledger *schema.DeliveryRow) error {
	source, ok := m.cfg.SourceNamed(row.Source)
	if !ok {
		m.fail(row, ledger, ReasonUnknownSource, "the source is not configured any more; configure it and redrive")
		return nil
	}
	from := since(row.ReceivedAt, m.cfg.Metrics.DedupeDays)
	if row.HasID {
		seen, equal := m.memory.key(row.Key, ledger.ContentHash, from)
		switch {
		case seen && (equal || row.Method == webhook.FetchMethod): // asked for twice, the first answer stays
			ledger.Outcome = schema.OutcomeDuplicate
			return nil
		case seen && m.ofErased(row, source):
			ledger.Outcome = schema.OutcomeSuppressed // nothing of an erased person is kept, conflict or not
			return nil
		case seen && m.repeats(row, source, from):
			ledger.Outcome = schema.OutcomeDuplicate
			return nil
		case seen:
			m.fail(row, ledger, ReasonConflict, "the delivery id came before with another body")
			return nil
		}
	} else if m.memory.body(row.Source, ledger.ContentHash, row.ReceivedAt, source.ResubmitWindow()) {
		ledger.Outcome = schema.OutcomeDuplicate
		return nil
	}
	decoded := webhook.Decode(m.cfg, deliveryOf(source, row))
	failure := decoded.Failure
	switch {
	case failure != nil:
		m.fail(row, ledger, failure.Reason, failure.Detail)
		return nil //nolint:nilerr // a failed delivery is an outcome, not an error
	case decoded.Ping, len(decoded.Events) == 0:
		ledger.Outcome = schema.OutcomePing
		return nil
	}
	return m.accept(row, source, decoded, ledger)
}

// repeats reports whether a delivery that came before under its id, with other
// bytes, says nothing else: senders count their attempts in the body or write the
// time of sending into it.
func (m *merger) repeats(row rawDelivery, source config.Source, from string) bool {
	events := webhook.Decode(m.cfg, deliveryOf(source, row)).Events
	for _, ev := range events {
		ev.DeriveID(row.Source, row.ReceivedAt)
		old, seen := m.memory.event(fingerprint(row.Source, ev.ID), from)
		if hash, err := contentHash(ev); err != nil || !seen || hash != old {
			return false
		}
	}
	return len(events) > 0
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

// accept takes the events of a delivery that are new. Of an id that was seen
// before, the same content is a duplicate and another content a conflict.
func (m *merger) accept(row rawDelivery, source config.Source, decoded webhook.Decoded, ledger *schema.DeliveryRow) error {
	events := decoded.Events
	from := since(row.ReceivedAt, m.cfg.Metrics.DedupeDays)
	var rows []schema.EventRow
	var contacts []schema.ContactRow
	conflicts, suppressed := 0, 0
	within := map[string]int64{}
	origin := Origin{Source: source, RawObject: row.object, ReceivedAt: row.ReceivedAt}
	for i, ev := range events {
		ev.DeriveID(row.Source, row.ReceivedAt)
		hash, err := contentHash(ev)
		if err != nil {
			return fmt.Errorf("hash event: %w", err)
		}
		old, seen := m.memory.event(fingerprint(row.Source, ev.ID), from)
		if !seen {
			old, seen = within[ev.ID]
		}
		if seen && old == hash {
			continue
		}
		event, contact, err := m.refiner.Refine(m.cfg, origin, ev)
		switch {
		case m.blocked(event, row.ReceivedAt, !seen && err == nil): // before anything is kept of it
			suppressed++
			continue
		case seen:
			conflicts++
			continue
		case err != nil:
			ledger.EventIDs, ledger.EventHashes = nil, nil
			m.fail(row, ledger, ReasonAmount, fmt.Sprintf("event %d: %v", i, err))
			return nil
		}
		within[ev.ID] = hash
		ledger.EventIDs = append(ledger.EventIDs, ev.ID)
		ledger.EventHashes = append(ledger.EventHashes, hash)
		rows = append(rows, event)
		if contact != nil {
			contacts = append(contacts, *contact)
		}
	}
	for _, event := range rows {
		m.requestErasure(event, row.Trusted)
	}
	m.events, m.contacts = append(m.events, rows...), append(m.contacts, contacts...)
	m.report.Events += len(rows)
	switch {
	case len(rows) > 0:
		ledger.Outcome = schema.OutcomeEvents
		switch { // the good ones count; the bytes are kept for the others
		case conflicts > 0:
			m.keep(row, ReasonConflict, fmt.Sprintf("%d of %d event ids came before with another content", conflicts, len(events)))
		case decoded.Left != nil && suppressed == 0: // the bytes hold an erased person too
			m.keep(row, decoded.Left.Reason, "a part of the batch: "+decoded.Left.Detail)
		}
	case conflicts > 0:
		m.fail(row, ledger, ReasonConflict, fmt.Sprintf("%d of %d event ids came before with another content", conflicts, len(events)))
	case suppressed > 0:
		ledger.Outcome = schema.OutcomeSuppressed
	default:
		ledger.Outcome = schema.OutcomeDuplicate
	}
	return nil
}

// blocked reports whether an erased person's event is to be dropped; a person
// who comes back with an event that counts (lift) is lifted from the list.
func (m *merger) blocked(row schema.EventRow, receivedAt time.Time, lift bool) bool {
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
func (m *merger) ofErased(row rawDelivery, source config.Source) bool {
	origin := Origin{Source: source, RawObject: row.object, ReceivedAt: row.ReceivedAt}
	for _, ev := range webhook.Decode(m.cfg, deliveryOf(source, row)).Events {
		refined, _, _ := m.refiner.Refine(m.cfg, origin, ev) // the people are read before the amounts that may fail
		if m.blocked(refined, row.ReceivedAt, false) {
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
func (m *merger) requestErasure(row schema.EventRow, trusted bool) {
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

func (m *merger) fail(row rawDelivery, ledger *schema.DeliveryRow, reason, detail string) {
	ledger.Outcome, ledger.Reason = schema.OutcomeFailed, reason
	m.keep(row, reason, detail)
}

func (m *merger) keep(row rawDelivery, reason, detail string) {
	m.failed = append(m.failed, schema.FailedRow{
		Key: row.Key, Source: row.Source, ReceivedAt: row.ReceivedAt, Reason: reason, Detail: strings.ToValidUTF8(detail, "?"),
		Method: row.Method, ContentType: row.ContentType, Suffix: row.Suffix, Query: row.Query, Headers: row.Headers,
		Body: row.Body, RawObject: row.object,
	})
}
