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
	closed map[string]int // past days with nothing left to merge → how many raw objects they had
}

// NewCompactor makes a compactor; every field of its configuration is needed.
func NewCompactor(c CompactorConfig) *Compactor {
	return &Compactor{CompactorConfig: c, closed: map[string]int{}}
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

// Add counts another compaction in.
func (r *CompactReport) Add(o CompactReport) {
	r.Objects += o.Objects
	r.Deliveries += o.Deliveries
	r.Events += o.Events
	r.Pings += o.Pings
	r.Failed += o.Failed
	r.Duplicates += o.Duplicates
	r.Suppressed += o.Suppressed
}

// Run merges every raw object that the ledger does not list yet. Where another
// compaction keeps being faster, it leaves the rest to that one and to the next
// run, which is no error. Raw objects that cannot be read stay where they are,
// do not hold up the others, and are reported in the error at the end.
func (c *Compactor) Run(ctx context.Context) (CompactReport, error) {
	var total CompactReport
	broken := map[string]error{}
	for attempt := 0; ; {
		report, more, err := c.once(ctx, broken)
		switch {
		case err == nil && more:
			attempt = 0
			total.Add(report)
		case err == nil:
			total.Add(report)
			return total, unreadable(broken)
		case !lost(err):
			return total, fmt.Errorf("lake: compact: %w", err)
		case attempt == mergeAttempts:
			c.Logger.InfoContext(ctx, "compaction left to another", slog.Int("attempts", attempt))
			return total, unreadable(broken)
		default:
			attempt++
			c.memory.days = nil
		}
	}
}

func unreadable(broken map[string]error) error {
	var all []error
	for _, key := range slices.Sorted(maps.Keys(broken)) {
		if broken[key] != nil {
			all = append(all, fmt.Errorf("lake: compact: %s: %w", key, broken[key]))
		}
	}
	return errors.Join(all...)
}

// once merges one chunk and reports whether more waits.
func (c *Compactor) once(ctx context.Context, broken map[string]error) (CompactReport, bool, error) {
	raw, err := c.listRaw(ctx)
	if err != nil || len(raw) == 0 {
		return CompactReport{}, false, err
	}
	cfg, err := c.Sources(ctx)
	if err != nil {
		return CompactReport{}, false, err
	}
	days := slices.Sorted(maps.Keys(raw))
	window, err := c.window(ctx, days, cfg.Metrics.DedupeDays)
	if err != nil {
		return CompactReport{}, false, err
	}
	if err := c.memory.load(ctx, c.Store, window); err != nil {
		return CompactReport{}, false, err
	}
	for _, day := range days {
		listed := len(raw[day])
		waiting := slices.DeleteFunc(raw[day], func(o objstore.Info) bool { return c.memory.merged(day, objectName(o.Key)) })
		objects := slices.DeleteFunc(slices.Clone(waiting), func(o objstore.Info) bool { _, skip := broken[o.Key]; return skip })
		if len(waiting) == 0 && day < Day(c.Now().AddDate(0, 0, -1)) {
			c.closed[day] = listed
		}
		if len(objects) == 0 {
			continue
		}
		report, err := c.mergeDay(ctx, cfg, day, objects, broken)
		return report, true, err
	}
	return CompactReport{}, false, nil
}

// window is the days whose ledger must be remembered to merge the given ones:
// they themselves and every one from dedupe_days before the oldest on. The clock
// has no part in it (reliability R10).
func (c *Compactor) window(ctx context.Context, days []string, dedupeDays int) ([]string, error) {
	oldest, err := time.Parse(time.DateOnly, days[0])
	if err != nil {
		panic("lake: day that is no day: " + days[0]) // listRaw parsed it
	}
	all, err := Days(ctx, c.Store, DeliveriesPrefix)
	if err != nil {
		return nil, err
	}
	first := Day(oldest.AddDate(0, 0, -dedupeDays))
	all = append(slices.DeleteFunc(all, func(day string) bool { return day < first }), days...)
	slices.Sort(all)
	return slices.Compact(all), nil
}

func objectName(key string) string { return strings.TrimPrefix(key, "raw/") }

// listRaw lists the raw objects of every day that is not known to be finished. A
// finished day to which an object was added, by a late writer or a clock that
// went wrong, is looked at again.
func (c *Compactor) listRaw(ctx context.Context) (map[string][]objstore.Info, error) {
	raw := map[string][]objstore.Info{}
	for info, err := range c.Store.List(ctx, RawPrefix, "") {
		if err != nil {
			return nil, fmt.Errorf("list raw: %w", err)
		}
		if day, ok := dayOf(info.Key, RawPrefix); ok {
			raw[day] = append(raw[day], info)
		}
	}
	maps.DeleteFunc(raw, func(day string, objects []objstore.Info) bool { return c.closed[day] == len(objects) })
	return raw, nil
}

// mergeDay merges one chunk of a day's raw objects: it decides what becomes of
// each delivery, then commits.
func (c *Compactor) mergeDay(ctx context.Context, cfg *config.Config, day string, objects []objstore.Info, broken map[string]error) (CompactReport, error) {
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
			broken[object.Key] = err // never the sender's fault: raw objects are ours and written whole
			continue
		}
		if len(decoded) == 0 { // an erasure took all of it before it was merged
			broken[object.Key] = nil
			continue
		}
		names[objectName(object.Key)] = true
		for _, row := range decoded {
			rows = append(rows, rawDelivery{RawRow: row, object: objectName(object.Key)})
			bytes += len(row.Body) + len(row.Query)
		}
		if bytes += len(body); bytes > chunkBytes {
			break
		}
	}
	if len(names) == 0 {
		return CompactReport{}, nil
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
	return m.report, c.commit(ctx, day, names, &m)
}

type rawDelivery struct {
	schema.RawRow
	object string
}
