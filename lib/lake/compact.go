package lake

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/schema"
)

// chunkBytes bounds how much raw one merge holds in memory.
const chunkBytes = 64 << 20

// mergeAttempts is how often compaction starts over when somebody else wrote a
// day object meanwhile; two compactions at once both end well.
const mergeAttempts = 8

// CompactorConfig is what compaction needs.
type CompactorConfig struct {
	Store   objstore.Store
	Sources func(ctx context.Context) (*config.Config, error)
	Refiner Refiner
	Now     func() time.Time
	Nonce   func() string // fresh text for every call
	Logger  *slog.Logger
}

// Compactor turns raw deliveries into events, contacts, failed deliveries and
// the ledger. It deletes nothing. One value runs one compaction at a time;
// several values, processes or functions over one store may run at once.
type Compactor struct {
	CompactorConfig
	memory memory
	closed map[string]bool // past days with nothing left to merge
}

// NewCompactor makes a compactor; every field of its configuration is needed.
func NewCompactor(c CompactorConfig) *Compactor {
	return &Compactor{CompactorConfig: c, closed: map[string]bool{}}
}

// CompactReport counts one compaction by outcome.
type CompactReport struct {
	Objects    int `json:"objects"`
	Deliveries int `json:"deliveries"`
	Events     int `json:"events"` // events, not deliveries
	Pings      int `json:"pings"`
	Failed     int `json:"failed"`
	Duplicates int `json:"duplicates"`
	Suppressed int `json:"suppressed"`
}

func (r *CompactReport) add(o CompactReport) {
	r.Objects += o.Objects
	r.Deliveries += o.Deliveries
	r.Events += o.Events
	r.Pings += o.Pings
	r.Failed += o.Failed
	r.Duplicates += o.Duplicates
	r.Suppressed += o.Suppressed
}

// Run merges every raw object that the ledger does not list yet.
func (c *Compactor) Run(ctx context.Context) (CompactReport, error) {
	var total CompactReport
	for attempt := 0; ; {
		report, more, err := c.once(ctx)
		switch {
		case err == nil:
			total.add(report)
			if !more {
				return total, nil
			}
		case lost(err) && attempt < mergeAttempts:
			attempt++
			c.memory.days = nil
		default:
			return total, fmt.Errorf("lake: compact: %w", err)
		}
	}
}

// once merges one chunk and reports whether more waits.
func (c *Compactor) once(ctx context.Context) (CompactReport, bool, error) {
	raw, err := c.listRaw(ctx)
	if err != nil || len(raw) == 0 {
		return CompactReport{}, false, err
	}
	cfg, err := c.Sources(ctx)
	if err != nil {
		return CompactReport{}, false, err
	}
	days := slices.Sorted(maps.Keys(raw))
	if err := c.memory.load(ctx, c.Store, c.window(days, cfg.Metrics.DedupeDays)); err != nil {
		return CompactReport{}, false, err
	}
	for _, day := range days {
		objects := slices.DeleteFunc(raw[day], func(o objstore.Info) bool { return c.memory.merged(day, objectName(o.Key)) })
		if len(objects) == 0 {
			if day < Day(c.Now().AddDate(0, 0, -1)) {
				c.closed[day] = true
			}
			continue
		}
		report, err := c.mergeDay(ctx, cfg, day, objects)
		return report, true, err
	}
	return CompactReport{}, false, nil
}

// window is the days whose ledger must be remembered to merge the given ones:
// they themselves and dedupe_days before the oldest.
func (c *Compactor) window(days []string, dedupeDays int) []string {
	oldest, err := time.Parse(time.DateOnly, days[0])
	if err != nil {
		panic("lake: day that is no day: " + days[0]) // listRaw parsed it
	}
	var all []string
	for day, last := oldest.AddDate(0, 0, -dedupeDays), c.Now().AddDate(0, 0, 1); !day.After(last); day = day.AddDate(0, 0, 1) {
		all = append(all, Day(day))
	}
	for _, day := range days {
		if !slices.Contains(all, day) {
			all = append(all, day)
		}
	}
	return all
}

func objectName(key string) string { return strings.TrimPrefix(key, "raw/") }

// listRaw lists the raw objects of every day that is not known to be finished.
func (c *Compactor) listRaw(ctx context.Context) (map[string][]objstore.Info, error) {
	raw := map[string][]objstore.Info{}
	for info, err := range c.Store.List(ctx, RawPrefix, "") {
		if err != nil {
			return nil, fmt.Errorf("list raw: %w", err)
		}
		if day, _, ok := dayOf(info.Key, RawPrefix); ok && !c.closed[day] {
			raw[day] = append(raw[day], info)
		}
	}
	return raw, nil
}

// mergeDay merges one chunk of a day's raw objects: contacts, failed and events
// first, the ledger last, which is the commit. A crash before it leaves rows that
// the next run replaces, since they name the raw object they came from.
func (c *Compactor) mergeDay(ctx context.Context, cfg *config.Config, day string, objects []objstore.Info) (CompactReport, error) {
	var rows []rawDelivery
	names := map[string]bool{}
	bytes := 0
	for _, object := range objects {
		body, _, err := c.Store.Get(ctx, object.Key)
		if errors.Is(err, objstore.ErrNotExist) {
			continue // cleaned up since the listing
		}
		if err != nil {
			return CompactReport{}, err
		}
		decoded, err := schema.Decode[schema.RawRow](body)
		if err != nil {
			// Never the sender's fault: raw objects are ours and written whole.
			c.Logger.ErrorContext(ctx, "raw object unreadable", slog.String("object", object.Key), slog.Any("error", err))
			return CompactReport{}, fmt.Errorf("%s: %w", object.Key, err)
		}
		names[objectName(object.Key)] = true
		for _, row := range decoded {
			rows = append(rows, rawDelivery{RawRow: row, object: objectName(object.Key)})
		}
		if bytes += len(body); bytes > chunkBytes {
			break
		}
	}
	slices.SortStableFunc(rows, func(a, b rawDelivery) int {
		return cmp.Or(a.ReceivedAt.Compare(b.ReceivedAt), strings.Compare(a.Key, b.Key), strings.Compare(a.object, b.object))
	})
	suppressed, err := ReadSuppressed(ctx, c.Store)
	if err != nil {
		return CompactReport{}, err
	}
	m := merger{cfg: cfg, refiner: c.Refiner, memory: &c.memory, today: newDayMemory(""), suppressed: suppressed}
	// What this chunk adds is remembered beside the stored days, and forgotten
	// again if the commit does not happen.
	c.memory.days["chunk"] = m.today
	defer delete(c.memory.days, "chunk")
	for _, row := range rows {
		if err := m.add(row); err != nil {
			return CompactReport{}, err
		}
	}
	m.report.Objects = len(names)
	for _, request := range m.erasures {
		if err := RequestErasure(ctx, c.Store, request); err != nil {
			return CompactReport{}, err
		}
	}
	for _, lift := range m.lifted {
		if err := WriteSuppression(ctx, c.Store, lift); err != nil {
			return CompactReport{}, err
		}
	}
	return m.report, c.write(ctx, day, names, &m)
}

type rawDelivery struct {
	schema.RawRow
	object string
}

func (c *Compactor) write(ctx context.Context, day string, names map[string]bool, m *merger) error {
	nonce := c.Nonce()
	if err := mergeTable(ctx, c.Store, ContactsPrefix, day, nonce, m.contacts,
		func(r schema.ContactRow) bool { return names[r.RawObject] },
		func(a, b schema.ContactRow) int {
			return cmp.Or(strings.Compare(a.EventID, b.EventID), strings.Compare(a.Source, b.Source))
		}); err != nil {
		return err
	}
	if err := mergeTable(ctx, c.Store, FailedPrefix, day, nonce, m.failed,
		func(r schema.FailedRow) bool { return names[r.RawObject] },
		func(a, b schema.FailedRow) int {
			return cmp.Or(strings.Compare(a.Key, b.Key), a.ReceivedAt.Compare(b.ReceivedAt))
		}); err != nil {
		return err
	}
	if err := mergeTable(ctx, c.Store, EventsPrefix, day, nonce, m.events,
		func(r schema.EventRow) bool { return names[r.RawObject] }, compareEvents); err != nil {
		return err
	}
	return mergeTable(ctx, c.Store, DeliveriesPrefix, day, nonce, m.deliveries,
		func(r schema.DeliveryRow) bool { return names[r.RawObject] },
		func(a, b schema.DeliveryRow) int {
			return cmp.Or(strings.Compare(a.Key, b.Key), a.ReceivedAt.Compare(b.ReceivedAt), strings.Compare(a.RawObject, b.RawObject))
		})
}

func compareEvents(a, b schema.EventRow) int {
	return cmp.Or(strings.Compare(a.Kind, b.Kind), a.At.Compare(b.At), strings.Compare(a.EventID, b.EventID), strings.Compare(a.Source, b.Source))
}

// mergeTable replaces a day object by what it holds without the rows of the raw
// objects being merged (left by a run that did not commit) and with the new ones.
func mergeTable[T schema.Row](ctx context.Context, store objstore.Store, prefix, day, nonce string, fresh []T, stale func(T) bool, compare func(a, b T) int) error {
	table, err := ReadDay[T](ctx, store, prefix, day)
	if err != nil {
		return err
	}
	before := len(table.Rows)
	rows := slices.DeleteFunc(table.Rows, stale)
	if len(fresh) == 0 && len(rows) == before {
		return nil
	}
	rows = append(rows, fresh...)
	slices.SortStableFunc(rows, compare)
	return table.Write(ctx, store, rows, nonce)
}
