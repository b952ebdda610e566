package lake

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/schema"
)

// RedriveFilter chooses failed deliveries; what is empty chooses all.
type RedriveFilter struct {
	Reason string `json:"reason,omitempty"`
	Day    string `json:"day,omitempty"` // UTC day of receipt
	Source string `json:"source,omitempty"`
}

func (f RedriveFilter) wants(reason, day, source string) bool {
	return (f.Reason == "" || f.Reason == reason) && (f.Day == "" || f.Day == day) && (f.Source == "" || f.Source == source)
}

// RedriveCount says what became of the deliveries of one source that had failed
// for one reason.
type RedriveCount struct {
	Source     string         `json:"source"`
	Reason     string         `json:"reason"` // the one they had
	Tried      int            `json:"tried"`
	Events     int            `json:"events"` // deliveries, as all of these
	Pings      int            `json:"pings,omitempty"`
	Duplicates int            `json:"duplicates,omitempty"`
	Suppressed int            `json:"suppressed,omitempty"`
	Stored     int            `json:"stored,omitempty"` // of a bad signature that fits now: the next compaction takes them
	Failed     int            `json:"failed"`           // again
	Reasons    map[string]int `json:"reasons,omitempty"`
}

// RedriveCounts are ordered by source and reason.
type RedriveCounts []RedriveCount

// of finds the count of a source and a reason, or adds it.
func (c *RedriveCounts) of(source, reason string) *RedriveCount {
	at, found := slices.BinarySearchFunc(*c, [2]string{source, reason}, func(one RedriveCount, want [2]string) int {
		return cmp.Or(strings.Compare(one.Source, want[0]), strings.Compare(one.Reason, want[1]))
	})
	if !found {
		*c = slices.Insert(*c, at, RedriveCount{Source: source, Reason: reason})
	}
	return &(*c)[at]
}

func (c *RedriveCounts) add(o RedriveCounts) {
	for _, one := range o {
		sum := c.of(one.Source, one.Reason)
		sum.Tried += one.Tried
		sum.Events += one.Events
		sum.Pings += one.Pings
		sum.Duplicates += one.Duplicates
		sum.Suppressed += one.Suppressed
		sum.Stored += one.Stored
		sum.Failed += one.Failed
		for reason, n := range one.Reasons {
			sum.failedAs(reason, n)
		}
	}
}

func (c *RedriveCount) failedAs(reason string, n int) {
	if c.Reasons == nil {
		c.Reasons = map[string]int{}
	}
	c.Reasons[reason] += n
}

// ErrBusy says that other compactions kept being faster; what was done until then
// stays done.
var ErrBusy = errors.New("lake: another compaction was faster every time; run it again")

// Redrive runs failed deliveries again, under the configuration in force and this
// version's adapters. What is understood now becomes events of the day on which
// it was received, its line in the ledger changes and its bytes leave
// lake/failed; what fails again stays, with its newest reason. Everything that
// was said of duplicates holds: a delivery whose sender has corrected it since,
// under the same id, is a duplicate.
//
// It may be killed at any point, run twice, and beside compactions: see the
// protocol in commit.go. The table of failed deliveries is written after the
// ledger, so that the bytes are there until the line says that they are not
// needed; until then the ledger stands under a claim, which whoever comes next
// settles.
func (c *Compactor) Redrive(ctx context.Context, filter RedriveFilter) (RedriveCounts, error) {
	var total RedriveCounts
	days, err := Days(ctx, c.Store, FailedPrefix)
	if err != nil {
		return nil, err
	}
	for _, day := range days {
		if filter.Day != "" && day != filter.Day {
			continue
		}
		for attempt := 0; ; attempt++ {
			counts, err := c.redriveDay(ctx, filter, day)
			c.memory.days, c.memory.chunk = nil, nil // what was left out of it stands for nothing
			if err == nil {
				total.add(counts)
				break
			}
			if !lost(err) {
				return total, fmt.Errorf("lake: redrive %s: %w", day, err)
			}
			if attempt == mergeAttempts {
				return total, fmt.Errorf("%w: %s", ErrBusy, day)
			}
		}
	}
	return total, nil
}

// redrive is a failed delivery that is run again: its row in lake/failed, and its
// line.
type redrive struct {
	failed int    // index
	line   int    // index
	reason string // why it fails again; empty if it does not
}

func (c *Compactor) redriveDay(ctx context.Context, filter RedriveFilter, day string) (RedriveCounts, error) {
	cfg, err := c.Sources(ctx)
	if err != nil {
		return nil, err
	}
	if err := c.remember(ctx, []string{day}, cfg.Metrics.DedupeDays); err != nil {
		return nil, err
	}
	failed, err := readObject[schema.FailedRow](ctx, c.Store, FailedPrefix, day)
	if err != nil {
		return nil, err
	}
	failedRows, err := failed.rows()
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(failedRows, func(f schema.FailedRow) bool { return filter.wants(f.Reason, day, f.Source) }) {
		return nil, nil
	}
	ledger, err := readObject[schema.DeliveryRow](ctx, c.Store, DeliveriesPrefix, day)
	if err != nil {
		return nil, err
	}
	if ledger.version != c.memory.days[day].version {
		return nil, fmt.Errorf("%w: the ledger of %s grew", objstore.ErrChanged, day)
	}
	ledgerRows, err := ledger.rows()
	if err != nil {
		return nil, err
	}
	runs := choose(filter, day, failedRows, ledgerRows)
	if len(runs) == 0 {
		return nil, nil
	}
	suppressed, err := c.suppressed.read(ctx, c.Store, c.Now())
	if err != nil {
		return nil, err
	}
	// The lines that may change are not remembered: none is a duplicate of itself.
	c.memory.days[day] = memoryWithout(ledger.version, ledgerRows, runs)
	c.memory.chunk = newDayMemory("")
	m := merger{cfg: cfg, memory: &c.memory, suppressed: suppressed}
	counts := m.again(c.Refiner, runs, failedRows, ledgerRows)
	return counts, c.commitRedrive(ctx, day, &m, failed.version, runs, failedRows, ledgerRows)
}

// choose finds the rows that are wanted together with their lines, in the order
// of receipt. A row without a line that failed is not of this ledger: its raw
// object is being merged.
func choose(filter RedriveFilter, day string, failed []schema.FailedRow, ledger []schema.DeliveryRow) []redrive {
	open := map[failedKey][]int{}
	for i := range ledger {
		if d := &ledger[i]; d.Outcome == schema.OutcomeFailed || d.Outcome == schema.OutcomeEvents && d.Reason != "" {
			open[keyOfLine(d)] = append(open[keyOfLine(d)], i)
		}
	}
	var runs []redrive
	for i := range failed {
		f := &failed[i]
		lines := open[keyOfFailed(f)]
		if len(lines) == 0 {
			continue
		}
		// Several that cannot be told apart but for their bytes: an erasure may have
		// changed those, so any line will do where none has their hash.
		at := max(0, slices.IndexFunc(lines, func(line int) bool {
			return ledger[line].ContentHash == bodyHash(content(schema.RawRow{Body: f.Body, Query: f.Query}))
		}))
		if filter.wants(f.Reason, day, f.Source) {
			runs = append(runs, redrive{failed: i, line: lines[at]})
		}
		open[keyOfFailed(f)] = slices.Delete(slices.Clone(lines), at, at+1)
	}
	slices.SortStableFunc(runs, func(a, b redrive) int {
		x, y := &failed[a.failed], &failed[b.failed]
		return cmp.Or(x.ReceivedAt.Compare(y.ReceivedAt), strings.Compare(x.Key, y.Key), strings.Compare(x.RawObject, y.RawObject))
	})
	return runs
}

func memoryWithout(version objstore.Version, ledger []schema.DeliveryRow, runs []redrive) *dayMemory {
	left := make(map[int]bool, len(runs))
	for _, run := range runs {
		left[run.line] = true
	}
	dm := newDayMemory(version)
	for i := range ledger {
		if left[i] {
			dm.addEvents(&ledger[i]) // of those that were taken before
		} else {
			dm.add(&ledger[i])
		}
	}
	return dm
}

// again decides the chosen deliveries anew and changes their lines.
func (m *merger) again(refiner Refiner, runs []redrive, failed []schema.FailedRow, ledger []schema.DeliveryRow) RedriveCounts {
	rows := make([]rawDelivery, len(runs))
	for i, run := range runs {
		f := &failed[run.failed]
		rows[i] = rawDelivery{object: f.RawObject, RawRow: schema.RawRow{
			Key: f.Key, Source: f.Source, HasID: ledger[run.line].HasID, ReceivedAt: f.ReceivedAt, Method: f.Method, ContentType: f.ContentType,
			Suffix: f.Suffix, Query: f.Query, Headers: f.Headers, Body: f.Body, Trusted: f.Trusted,
		}}
	}
	var counts RedriveCounts
	deliveries := refiner.prepareAll(m.cfg, rows)
	for i := range deliveries {
		p, old := &deliveries[i], ledger[runs[i].line]
		reason := failed[runs[i].failed].Reason
		// A conflict is one whichever of the two came first.
		p.again = reason != ReasonConflict
		kept := len(m.failed)
		m.add(p)
		line := m.deliveries[i]
		line.EventIDs, line.EventHashes = append(slices.Clone(old.EventIDs), line.EventIDs...), append(slices.Clone(old.EventHashes), line.EventHashes...)
		if len(line.EventIDs) > 0 { // some of it was taken the first time
			line.Outcome = schema.OutcomeEvents
		}
		line.ContentHash, line.HasID = old.ContentHash, old.HasID
		ledger[runs[i].line] = line
		if len(m.failed) > kept {
			runs[i].reason = m.failed[kept].Reason
			failed[runs[i].failed].Reason, failed[runs[i].failed].Detail = line.Reason, m.failed[kept].Detail
		}
		counts.of(p.Source, reason).count(&line, runs[i].reason)
	}
	return counts
}

func (c *RedriveCount) count(line *schema.DeliveryRow, reason string) {
	c.Tried++
	switch {
	case reason != "":
		c.Failed++
		c.failedAs(reason, 1)
	case line.Outcome == schema.OutcomeEvents:
		c.Events++
	case line.Outcome == schema.OutcomePing:
		c.Pings++
	case line.Outcome == schema.OutcomeDuplicate:
		c.Duplicates++
	case line.Outcome == schema.OutcomeSuppressed:
		c.Suppressed++
	}
}

// commitRedrive writes what was decided: contacts and events, the ledger still
// under a claim, the failed rows, and then the claim away.
func (c *Compactor) commitRedrive(ctx context.Context, day string, m *merger, failedVersion objstore.Version, runs []redrive, failed []schema.FailedRow, ledger []schema.DeliveryRow) error {
	t, err := c.claim(ctx, day, c.memory.days[day].version)
	if err != nil {
		return err
	}
	if t.failed.version != failedVersion {
		return fmt.Errorf("%w: the failed deliveries of %s", objstore.ErrChanged, day)
	}
	if err := c.undisturbed(ctx, day); err != nil {
		return err
	}
	if err := c.putRequests(ctx, m); err != nil {
		return err
	}
	if err := together(t.atOnce(),
		func() error { return addTo(ctx, c.Store, &t.contacts, m.contacts, compareContacts, t.nonce) },
		func() error { return addTo(ctx, c.Store, &t.events, m.events, compareEvents, t.nonce) },
	); err != nil {
		return err
	}
	if t.ledger, err = t.ledger.set(ctx, c.Store, ledger, t.nonce+claimed); err != nil {
		return err
	}
	done := make(map[int]bool, len(runs))
	for _, run := range runs {
		done[run.failed] = run.reason == ""
	}
	kept := failed[:0]
	for i := range failed {
		if !done[i] {
			kept = append(kept, failed[i])
		}
	}
	if _, err := t.failed.set(ctx, c.Store, kept, t.nonce); err != nil {
		return err
	}
	_, err = t.ledger.add(ctx, c.Store, nil, compareDeliveries, t.nonce)
	if err == nil {
		c.Logger.InfoContext(ctx, "failed deliveries redriven", slog.String("day", day), slog.Int("tried", len(runs)), slog.Int("events", len(m.events)))
	}
	return err
}
