package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/schema"
)

// LedgerDay balances the deliveries of one source on one UTC day of receipt:
// Received is the sum of the outcomes behind it. A delivery is a row of a raw
// object. What a sender repeats within the same minute, byte for byte or under
// the same id, before anything else was stored with it, is the same raw object
// and counts once: the sender got the same answer, and there is nothing to tell
// the two apart by.
type LedgerDay struct {
	Day        string           `json:"day"`
	Source     string           `json:"source"`
	Received   int64            `json:"received"`
	Events     int64            `json:"events"` // deliveries that became events
	Pings      int64            `json:"pings"`
	Failed     int64            `json:"failed"`
	FailedBy   map[string]int64 `json:"failed_by,omitempty"` // reason
	Duplicates int64            `json:"duplicates"`
	Suppressed int64            `json:"suppressed"`
	Erased     int64            `json:"erased"`
	Waiting    int64            `json:"waiting"` // raw deliveries that have no outcome yet; not in Received
	Balanced   bool             `json:"balanced"`
}

// Kinds of faults of the ledger.
const (
	FaultEventMissing  = "event_missing"  // a line names an event that is not in lake/events
	FaultEventExtra    = "event_extra"    // an event that no line names
	FaultEventDoubled  = "event_doubled"  // an event that is there more often than lines name it
	FaultFailedMissing = "failed_missing" // a line says failed, and the bytes are not in lake/failed
	FaultFailedExtra   = "failed_extra"   // bytes in lake/failed whose line does not say failed
	FaultLineMissing   = "line_missing"   // a raw delivery without a line, though its object is listed
	FaultLineExtra     = "line_extra"     // a line without its raw delivery, though the object is there
	FaultRawMissing    = "raw_missing"    // a line whose raw object is gone before its retention ended
	FaultOutcome       = "outcome"        // a line without an outcome that is known
)

// faultKeys is how many keys of a fault are listed.
const faultKeys = 10

// LedgerFault is what does not balance, by id.
type LedgerFault struct {
	Day    string   `json:"day"`
	Source string   `json:"source"`
	Kind   string   `json:"kind"`
	Count  int      `json:"count"`
	Keys   []string `json:"keys"` // the first ten: event ids, delivery keys or raw objects
}

// LedgerCheck is what a comparison of raw, ledger, events and failed found.
type LedgerCheck struct {
	Deliveries int           `json:"deliveries"` // lines of the ledger
	Waiting    int           `json:"waiting"`    // raw objects that no line names: compaction has not come to them
	Days       []LedgerDay   `json:"days"`       // ordered by day and source
	Faults     []LedgerFault `json:"faults"`     // ordered by day, source and kind
	// Busy are days on which somebody worked during every look at them; they are
	// counted, and not compared.
	Busy []string `json:"busy,omitempty"`
}

// ErrImbalance says that the ledger does not balance.
var ErrImbalance = errors.New("pipeline: the ledger does not balance")

// Err is nil if everything balances; else it matches ErrImbalance and names the
// first faults.
func (c LedgerCheck) Err() error {
	if len(c.Faults) == 0 {
		return nil
	}
	var text []string
	for _, f := range c.Faults[:min(len(c.Faults), faultKeys)] {
		text = append(text, fmt.Sprintf("%s %s: %d %s: %s", f.Day, f.Source, f.Count, f.Kind, strings.Join(f.Keys, " ")))
	}
	return fmt.Errorf("%w: %s", ErrImbalance, strings.Join(text, "; "))
}

// CheckLedger compares every day by id: each event that a line names is in
// lake/events once and no other is; each failed delivery has its bytes in
// lake/failed and no other has; each raw delivery of the days that raw is kept
// has one line, and each line its raw delivery. Raw objects of one delivery are
// judged by their names, those of a group commit are read.
func (p *Pipeline) CheckLedger(ctx context.Context) (LedgerCheck, error) {
	cfg, err := p.Config(ctx)
	if err != nil {
		return LedgerCheck{}, err
	}
	check, err := compareLedger(ctx, p.store, nil, lake.Day(p.now().AddDate(0, 0, -cfg.Retention.RawDays)), true)
	if err != nil {
		return check, fmt.Errorf("pipeline: check the ledger: %w", err)
	}
	return check, nil
}

// Ledger balances the given days, or all where there are none, ordered by day and
// source. It compares events and failed deliveries by id. Raw is not looked at,
// since pages have no right to it: nothing is Waiting here, and that all of raw is
// in the ledger is for CheckLedger to see.
func Ledger(ctx context.Context, store objstore.Store, days []string) ([]LedgerDay, error) {
	check, err := compareLedger(ctx, store, days, "", false)
	if err != nil {
		return nil, fmt.Errorf("pipeline: ledger: %w", err)
	}
	return check.Days, nil
}

// compareLedger compares days; nil is all of them. With raw, its objects are read
// too, and must be there from the day keptFrom on.
func compareLedger(ctx context.Context, store objstore.Store, only []string, keptFrom string, raw bool) (LedgerCheck, error) {
	var check LedgerCheck
	days := map[string]bool{}
	prefixes := []string{lake.DeliveriesPrefix, lake.EventsPrefix, lake.FailedPrefix}
	if raw {
		prefixes = append(prefixes, lake.RawPrefix)
	}
	for _, prefix := range prefixes {
		there, err := lake.Days(ctx, store, prefix)
		if err != nil {
			return check, err
		}
		for _, day := range there {
			days[day] = true
		}
	}
	for _, day := range slices.Sorted(maps.Keys(days)) {
		if only != nil && !slices.Contains(only, day) {
			continue
		}
		c := &dayCheck{store: store, day: day, raw: raw, kept: day >= keptFrom}
		if err := c.run(ctx); err != nil {
			return check, err
		}
		check.Deliveries += c.deliveries
		check.Waiting += c.waiting
		check.Days = append(check.Days, c.rows()...)
		check.Faults = append(check.Faults, c.sortedFaults()...)
		if c.busy {
			check.Busy = append(check.Busy, day)
		}
	}
	return check, nil
}

// looks is how often a day is looked at that changes meanwhile.
const looks = 3

// dayCheck compares one day.
type dayCheck struct {
	store objstore.Store
	day   string
	raw   bool // raw is compared
	kept  bool // and must be there

	deliveries, waiting int
	busy                bool
	bySource            map[string]*LedgerDay
	faults              map[[2]string]*LedgerFault // source, kind
}

func (c *dayCheck) reset() {
	c.deliveries, c.waiting, c.bySource, c.faults = 0, 0, map[string]*LedgerDay{}, map[[2]string]*LedgerFault{}
}

func (c *dayCheck) run(ctx context.Context) error {
	for look := 1; ; look++ {
		c.reset()
		ledger, err := lake.ReadDay[schema.DeliveryRow](ctx, c.store, lake.DeliveriesPrefix, c.day)
		if err != nil {
			return err
		}
		c.count(ledger.Rows)
		if c.raw {
			if err := c.compareRaw(ctx, ledger.Rows); err != nil {
				return err
			}
		}
		if err := c.compareEvents(ctx, ledger.Rows); err != nil {
			return err
		}
		if err := c.compareFailed(ctx, ledger.Rows); err != nil {
			return err
		}
		now, err := c.store.Head(ctx, ledger.Key)
		if err != nil && !errors.Is(err, objstore.ErrNotExist) {
			return err
		}
		if len(c.faults) == 0 || now.Version == ledger.Version && !ledger.Claimed() {
			return nil
		}
		if look == looks {
			c.busy, c.faults = true, nil
			return nil
		}
	}
}

func (c *dayCheck) of(source string) *LedgerDay {
	row := c.bySource[source]
	if row == nil {
		row = &LedgerDay{Day: c.day, Source: source}
		c.bySource[source] = row
	}
	return row
}

func (c *dayCheck) fault(source, kind, key string) {
	if lake.LooksLikeContact(key) {
		key = "…" // a sender may use a phone as an id
	}
	f := c.faults[[2]string{source, kind}]
	if f == nil {
		f = &LedgerFault{Day: c.day, Source: source, Kind: kind}
		c.faults[[2]string{source, kind}] = f
	}
	f.Count++
	f.Keys = append(f.Keys, key)
	if len(f.Keys) > 8*faultKeys { // the first in order, without keeping a million
		slices.Sort(f.Keys)
		f.Keys = f.Keys[:faultKeys]
	}
}

// rows are the counts by source; a fault makes a source unbalanced.
func (c *dayCheck) rows() []LedgerDay {
	for key := range c.faults {
		c.of(key[0])
	}
	var rows []LedgerDay
	for _, source := range slices.Sorted(maps.Keys(c.bySource)) {
		row := c.bySource[source]
		row.Balanced = row.Received == row.Events+row.Pings+row.Failed+row.Duplicates+row.Suppressed+row.Erased
		for key := range c.faults {
			row.Balanced = row.Balanced && key[0] != source
		}
		rows = append(rows, *row)
	}
	return rows
}

func (c *dayCheck) sortedFaults() []LedgerFault {
	var faults []LedgerFault
	for _, f := range c.faults {
		slices.Sort(f.Keys)
		f.Keys = f.Keys[:min(len(f.Keys), faultKeys)]
		faults = append(faults, *f)
	}
	slices.SortFunc(faults, func(a, b LedgerFault) int {
		return cmp.Or(strings.Compare(a.Source, b.Source), strings.Compare(a.Kind, b.Kind))
	})
	return faults
}

func (c *dayCheck) count(lines []schema.DeliveryRow) {
	c.deliveries = len(lines)
	for i := range lines {
		d := &lines[i]
		row := c.of(d.Source)
		row.Received++
		switch d.Outcome {
		case schema.OutcomeEvents:
			row.Events++
		case schema.OutcomePing:
			row.Pings++
		case schema.OutcomeFailed:
			row.Failed++
			if row.FailedBy == nil {
				row.FailedBy = map[string]int64{}
			}
			row.FailedBy[d.Reason]++
		case schema.OutcomeDuplicate:
			row.Duplicates++
		case schema.OutcomeSuppressed:
			row.Suppressed++
		case schema.OutcomeErased:
			row.Erased++
		default:
			c.fault(d.Source, FaultOutcome, d.Key)
		}
	}
}

// eventKey names an event by where it came from.
type eventKey struct{ source, id, object string }

func (c *dayCheck) compareEvents(ctx context.Context, lines []schema.DeliveryRow) error {
	events, err := lake.ReadDay[schema.EventKeyRow](ctx, c.store, lake.EventsPrefix, c.day)
	if err != nil {
		return err
	}
	there := make(map[eventKey]int, len(events.Rows))
	for i := range events.Rows {
		ev := &events.Rows[i]
		there[eventKey{ev.Source, ev.EventID, ev.RawObject}]++
	}
	named := make(map[eventKey]int, len(events.Rows))
	erased := map[string]bool{}
	for i := range lines {
		d := &lines[i]
		if d.Outcome == schema.OutcomeErased {
			erased[d.RawObject] = true
		}
		for _, id := range d.EventIDs {
			key := eventKey{d.Source, id, d.RawObject}
			named[key]++
			if d.Outcome != schema.OutcomeEvents || there[key] < named[key] {
				c.fault(d.Source, FaultEventMissing, id)
			}
		}
		if d.Outcome == schema.OutcomeEvents && len(d.EventIDs) == 0 {
			c.fault(d.Source, FaultEventMissing, d.Key)
		}
	}
	for i := range events.Rows {
		ev := &events.Rows[i]
		key := eventKey{ev.Source, ev.EventID, ev.RawObject}
		switch {
		case there[key] <= named[key]:
		case named[key] > 0:
			c.fault(ev.Source, FaultEventDoubled, ev.EventID)
			there[key] = named[key] // said once
		case erased[ev.RawObject] && len(ev.Tokens) == 0: // stays, without its people, when its line is erased
		default:
			c.fault(ev.Source, FaultEventExtra, ev.EventID)
		}
	}
	return nil
}

// deliveryKey names a delivery; equal ones may be several.
type deliveryKey struct {
	object, key string
	at          int64
}

func (c *dayCheck) compareFailed(ctx context.Context, lines []schema.DeliveryRow) error {
	failed, err := lake.ReadDay[schema.FailedKeyRow](ctx, c.store, lake.FailedPrefix, c.day)
	if err != nil {
		return err
	}
	there := map[deliveryKey]int{}
	for i := range failed.Rows {
		f := &failed.Rows[i]
		there[deliveryKey{f.RawObject, f.Key, f.ReceivedAt.UnixMicro()}]++
	}
	for i := range lines {
		d := &lines[i]
		if d.Outcome != schema.OutcomeFailed && (d.Outcome != schema.OutcomeEvents || d.Reason == "") {
			continue
		}
		key := deliveryKey{d.RawObject, d.Key, d.ReceivedAt.UnixMicro()}
		if there[key] == 0 {
			if d.Outcome == schema.OutcomeFailed { // of a batch with events an erasure may have taken the bytes alone
				c.fault(d.Source, FaultFailedMissing, d.Key)
			}
			continue
		}
		there[key]--
	}
	for i := range failed.Rows {
		f := &failed.Rows[i]
		key := deliveryKey{f.RawObject, f.Key, f.ReceivedAt.UnixMicro()}
		if there[key] > 0 {
			there[key]--
			c.fault(f.Source, FaultFailedExtra, f.Key)
		}
	}
	return nil
}

// readAtOnce is how many raw objects are read at the same time.
const readAtOnce = 16

func (c *dayCheck) compareRaw(ctx context.Context, lines []schema.DeliveryRow) error {
	byObject := map[string][]*schema.DeliveryRow{}
	for i := range lines {
		byObject[lines[i].RawObject] = append(byObject[lines[i].RawObject], &lines[i])
	}
	there := map[string]bool{}
	var read []string
	for info, err := range c.store.List(ctx, lake.RawPrefix+c.day+"/", "") { // after the ledger: what it names was there before it
		if err != nil {
			return err
		}
		object := strings.TrimPrefix(info.Key, "raw/")
		there[object] = true
		of := byObject[object]
		switch {
		case of == nil:
			c.waiting++
			read = append(read, object) // to see whose they are
		case len(of) == 1 && strings.Contains(object, of[0].Key): // an object of one delivery is named for it
		default:
			read = append(read, object)
		}
	}
	for _, object := range slices.Sorted(maps.Keys(byObject)) {
		if c.kept && !there[object] {
			c.fault(byObject[object][0].Source, FaultRawMissing, object)
		}
	}
	rows, err := c.readRawKeys(ctx, read)
	if err != nil {
		return err
	}
	for i, object := range read {
		if byObject[object] == nil {
			for _, r := range rows[i] {
				c.of(r.Source).Waiting++
			}
			continue
		}
		c.compareObject(byObject[object], rows[i])
	}
	return nil
}

// compareObject compares the rows of a raw object with its lines. An erasure cuts
// rows, and leaves their lines.
func (c *dayCheck) compareObject(lines []*schema.DeliveryRow, rows []schema.RawKeyRow) {
	type delivery struct {
		key string
		at  int64
	}
	left := map[delivery]int{}
	for _, r := range rows {
		left[delivery{r.Key, r.ReceivedAt.UnixMicro()}]++
	}
	for _, d := range lines {
		key := delivery{d.Key, d.ReceivedAt.UnixMicro()}
		if left[key] > 0 {
			left[key]--
		} else if d.Outcome != schema.OutcomeErased && d.Outcome != schema.OutcomeSuppressed {
			c.fault(d.Source, FaultLineExtra, d.Key)
		}
	}
	for _, r := range rows {
		key := delivery{r.Key, r.ReceivedAt.UnixMicro()}
		if left[key] > 0 {
			left[key]--
			c.fault(r.Source, FaultLineMissing, r.Key)
		}
	}
}

func (c *dayCheck) readRawKeys(ctx context.Context, objects []string) ([][]schema.RawKeyRow, error) {
	rows, errs := make([][]schema.RawKeyRow, len(objects)), make([]error, len(objects))
	var wait sync.WaitGroup
	slots := make(chan struct{}, readAtOnce)
	for i, object := range objects {
		slots <- struct{}{}
		wait.Go(func() {
			defer func() { <-slots }()
			body, _, err := c.store.Get(ctx, "raw/"+object)
			if errors.Is(err, objstore.ErrNotExist) {
				return // cleaned up since the listing
			}
			if err == nil {
				rows[i], err = schema.Decode[schema.RawKeyRow](body)
			}
			errs[i] = err
		})
	}
	wait.Wait()
	return rows, errors.Join(errs...)
}
