package lake

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/schema"
)

// chunkBytes bounds the bodies that one merge holds in memory; with what is made
// of them that is some eight times as much.
const chunkBytes = 16 << 20

// Raw objects are read several at once: on S3 a request takes some 20 ms. The
// bytes are those of the objects, a fraction of what they hold.
const (
	readAtOnce = 16
	readBytes  = 2 << 20
	readMost   = 512
)

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
	memory     memory
	closed     map[string]uint64 // past days with nothing left to merge → the hash of their raw objects' names
	suppressed suppressionCache
}

// NewCompactor makes a compactor; every field of its configuration is needed.
func NewCompactor(c CompactorConfig) *Compactor {
	return &Compactor{CompactorConfig: c, closed: map[string]uint64{}}
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

// count adds a line; its objects are counted elsewhere.
func (r *CompactReport) count(line *schema.DeliveryRow) {
	r.Deliveries++
	r.Events += len(line.EventIDs)
	switch line.Outcome {
	case schema.OutcomePing:
		r.Pings++
	case schema.OutcomeFailed:
		r.Failed++
	case schema.OutcomeDuplicate:
		r.Duplicates++
	case schema.OutcomeSuppressed:
		r.Suppressed++
	}
}

// Run merges every raw object that the ledger does not list yet. Where another
// compaction keeps being faster, it leaves the rest to that one and to the next
// run, which is no error. Raw objects that cannot be read stay where they are,
// do not hold up the others, and are reported in the error at the end.
func (c *Compactor) Run(ctx context.Context) (CompactReport, error) {
	var total CompactReport
	broken := map[string]error{}
	var listed map[string]*listing // nil: to be listed
	for attempt := 0; ; {
		var err error
		if listed == nil {
			if listed, err = c.listRaw(ctx); err != nil {
				return total, fmt.Errorf("lake: compact: %w", err)
			}
		}
		report, more, err := c.once(ctx, listed, broken)
		switch {
		case err == nil && more:
			attempt = 0
			total.Add(report)
		case err == nil:
			total.Add(report)
			return total, unreadable(broken)
		case !lost(err):
			c.memory.days = nil
			return total, fmt.Errorf("lake: compact: %w", err)
		case attempt == mergeAttempts:
			c.memory.days = nil
			c.Logger.InfoContext(ctx, "compaction left to another", slog.Int("attempts", attempt))
			return total, unreadable(broken)
		default:
			attempt++
			c.memory.days, listed = nil, nil
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

// listing is the raw objects of a day that wait, or did when they were listed.
type listing struct {
	objects []objstore.Info
	names   uint64 // hash of the names of all that were listed
}

// once merges one chunk of what was listed and reports whether more waits. What
// it finds merged it takes out of the listing.
func (c *Compactor) once(ctx context.Context, listed map[string]*listing, broken map[string]error) (CompactReport, bool, error) {
	if len(listed) == 0 {
		return CompactReport{}, false, nil
	}
	cfg, err := c.Sources(ctx)
	if err != nil {
		return CompactReport{}, false, err
	}
	days := slices.Sorted(maps.Keys(listed))
	if err := c.remember(ctx, days, cfg.Metrics.DedupeDays); err != nil {
		return CompactReport{}, false, err
	}
	for _, day := range days {
		l := listed[day]
		l.objects = slices.DeleteFunc(l.objects, func(o objstore.Info) bool { return c.memory.merged(day, objectName(o.Key)) })
		if len(l.objects) == 0 && day < Day(c.Now().AddDate(0, 0, -1)) {
			c.closed[day] = l.names
		}
		objects := slices.DeleteFunc(slices.Clone(l.objects), func(o objstore.Info) bool { _, skip := broken[o.Key]; return skip })
		if len(objects) == 0 {
			continue
		}
		report, err := c.mergeDay(ctx, cfg, day, objects, broken)
		return report, true, err
	}
	return CompactReport{}, false, nil
}

// remember brings the memory up to date with the ledgers that count for the given
// days; those that have not changed since are not read again. A day that somebody
// left unfinished is settled first.
func (c *Compactor) remember(ctx context.Context, days []string, dedupeDays int) error {
	window, err := c.window(ctx, days, dedupeDays)
	if err != nil {
		return err
	}
	fresh := make(map[string]*dayMemory, len(window))
	for _, day := range window {
		if old := c.memory.days[day]; old != nil {
			version, err := versionOf(ctx, c.Store, dayKey(DeliveriesPrefix, day))
			if err != nil {
				return fmt.Errorf("remember deliveries: %w", err)
			}
			if version == old.version {
				fresh[day] = old
				continue
			}
		}
		ledger, err := readObject[schema.DeliveryRow](ctx, c.Store, DeliveriesPrefix, day)
		if err == nil && ledger.open() {
			if err = c.settle(ctx, day, ledger.version); err == nil {
				ledger, err = readObject[schema.DeliveryRow](ctx, c.Store, DeliveriesPrefix, day)
			}
			if err == nil && ledger.open() {
				err = fmt.Errorf("%w: %s was claimed", objstore.ErrChanged, day)
			}
		}
		if err != nil {
			return fmt.Errorf("remember deliveries: %w", err)
		}
		rows, err := ledger.rows()
		if err != nil {
			return fmt.Errorf("remember deliveries: %w", err)
		}
		dm := newDayMemory(ledger.version)
		for i := range rows {
			dm.add(&rows[i])
		}
		fresh[day] = dm
	}
	c.memory.days = fresh
	return nil
}

// versionOf is the version of an object, empty where there is none.
func versionOf(ctx context.Context, store objstore.Store, key string) (objstore.Version, error) {
	info, err := store.Head(ctx, key)
	if errors.Is(err, objstore.ErrNotExist) {
		return "", nil
	}
	return info.Version, err
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
	c.memory.first = Day(oldest.AddDate(0, 0, -dedupeDays))
	all = append(slices.DeleteFunc(all, func(day string) bool { return day < c.memory.first }), days...)
	slices.Sort(all)
	return slices.Compact(all), nil
}

func objectName(key string) string { return strings.TrimPrefix(key, "raw/") }

// listRaw lists the raw objects of every day that is not known to be finished. A
// finished day to which an object was added, by a late writer or a clock that
// went wrong, is looked at again.
func (c *Compactor) listRaw(ctx context.Context) (map[string]*listing, error) {
	listed := map[string]*listing{}
	for info, err := range c.Store.List(ctx, RawPrefix, "") {
		if err != nil {
			return nil, fmt.Errorf("list raw: %w", err)
		}
		if day, ok := dayOf(info.Key, RawPrefix); ok {
			if listed[day] == nil {
				listed[day] = &listing{}
			}
			listed[day].objects = append(listed[day].objects, info)
		}
	}
	maps.DeleteFunc(listed, func(day string, l *listing) bool {
		hash := fnv.New64a()
		for _, o := range l.objects {
			_, _ = hash.Write([]byte(o.Key)) // never fails
			_, _ = hash.Write([]byte{'\n'})
		}
		l.names = hash.Sum64()
		// Of equal bodies without an id the first that is merged is kept. The chunks of
		// one run had better come in the order of receipt; within a chunk it is exact.
		slices.SortStableFunc(l.objects, func(a, b objstore.Info) int { return a.ModifiedAt.Compare(b.ModifiedAt) })
		names, closed := c.closed[day]
		return closed && names == l.names
	})
	return listed, nil
}

// mergeDay merges one chunk of a day's raw objects: it decides what becomes of
// each delivery, then commits.
func (c *Compactor) mergeDay(ctx context.Context, cfg *config.Config, day string, objects []objstore.Info, broken map[string]error) (CompactReport, error) {
	rows, count, err := c.readChunk(ctx, objects, broken)
	if err != nil || count == 0 {
		return CompactReport{}, err
	}
	slices.SortStableFunc(rows, func(a, b rawDelivery) int {
		return cmp.Or(a.ReceivedAt.Compare(b.ReceivedAt), strings.Compare(a.Key, b.Key), strings.Compare(a.object, b.object))
	})
	suppressed, err := c.suppressed.read(ctx, c.Store, c.Now())
	if err != nil {
		return CompactReport{}, err
	}
	m := merger{
		cfg: cfg, memory: &c.memory, suppressed: suppressed, deliveries: make([]schema.DeliveryRow, 0, len(rows)),
		events: make([]schema.EventRow, 0, len(rows)), contacts: make([]schema.ContactRow, 0, len(rows)),
	}
	// What this chunk adds is remembered beside the stored days, and forgotten
	// again if the commit does not happen.
	c.memory.chunk = newDayMemory("")
	defer func() { c.memory.chunk = nil }()
	deliveries := c.Refiner.prepareAll(cfg, rows)
	for i := range deliveries {
		m.add(&deliveries[i])
	}
	m.report.Objects = count
	return m.report, c.commit(ctx, day, &m)
}

// readChunk reads raw objects in their order until the chunk is full, and returns
// their rows and how many objects they lie in.
func (c *Compactor) readChunk(ctx context.Context, objects []objstore.Info, broken map[string]error) (rows []rawDelivery, count int, err error) {
	type answer struct {
		rows   []schema.RawRow
		gone   bool
		broken error
		err    error
	}
	held := 0
	for len(objects) > 0 && held <= chunkBytes {
		n, size := 0, int64(0)
		for n < len(objects) && n < readMost && (n == 0 || size+objects[n].Size <= readBytes) {
			size += objects[n].Size
			n++
		}
		answers := make([]answer, n)
		inParallel(n, readAtOnce, func(i int) {
			a := &answers[i]
			body, _, err := c.Store.Get(ctx, objects[i].Key)
			switch {
			case errors.Is(err, objstore.ErrNotExist):
				a.gone = true // cleaned up since the listing
			case err != nil:
				a.err = err
			default:
				a.rows, a.broken = schema.Decode[schema.RawRow](body)
			}
		})
		for i, a := range answers {
			key := objects[i].Key
			switch {
			case a.err != nil:
				return nil, 0, a.err
			case a.broken != nil:
				broken[key] = a.broken // never the sender's fault: raw objects are ours and written whole
			case a.gone, len(a.rows) == 0: // the latter: an erasure took all of it before it was merged
				broken[key] = nil
			default:
				count++
			}
			for _, row := range a.rows {
				rows = append(rows, rawDelivery{RawRow: row, object: objectName(key)})
				held += len(row.Body) + len(row.Query)
			}
		}
		objects = objects[n:]
	}
	return rows, count, nil
}
