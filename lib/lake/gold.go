package lake

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/schema"
)

// RunRef names a published night.
type RunRef struct {
	Run  string `json:"run"`
	AsOf string `json:"as_of"`
}

// Run is a published night: its tables, checked byte for byte before it came in
// force.
type Run struct {
	RunRef
	Predecessor *RunRef              `json:"predecessor"`
	PublishedAt time.Time            `json:"published_at"`
	Tables      map[string]TableFile `json:"tables"`
	Inputs      map[string]string    `json:"inputs"` // what the run id is the hash of
}

// TableFile is one file of a run.
type TableFile struct {
	Key    string `json:"key"`
	Rows   int64  `json:"rows"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// RunID is the hash of a night's inputs (design §1, principle 5).
func RunID(inputs map[string]string) string {
	hash := sha256.New()
	for _, key := range slices.Sorted(maps.Keys(inputs)) {
		_, _ = fmt.Fprintf(hash, "%d:%s=%d:%s\n", len(key), key, len(inputs[key]), inputs[key])
	}
	return hex.EncodeToString(hash.Sum(nil)[:10])
}

// TableKey is where a table of a run lies.
func TableKey(table string, ref RunRef) string { return PartKey(table, ref, 0) }

// PartKey is the key of one of the files of a table that is written in several.
func PartKey(table string, ref RunRef, part int) string {
	return fmt.Sprintf("%s%s/asof=%s/run=%s/part-%04d.parquet", GoldPrefix, table, ref.AsOf, ref.Run, part)
}

// manifestKey keeps the manifest of every run; current.json is a copy of the one
// in force.
func manifestKey(ref RunRef) string {
	return GoldPrefix + "runs/asof=" + ref.AsOf + "/run=" + ref.Run + ".json"
}

// AddTable writes a table of a run that is not in force yet. Equal bytes may be
// written again; other bytes under the same run are our own fault and an error.
func AddTable[T schema.Row](ctx context.Context, store objstore.Store, run *Run, rows []T) error {
	body, err := schema.Encode(rows)
	if err != nil {
		return err
	}
	var row T
	return AddTableFile(ctx, store, run, row.Table(), body, len(rows))
}

// AddTableFile is AddTable of a file that is already there.
func AddTableFile(ctx context.Context, store objstore.Store, run *Run, table string, body []byte, rows int) (err error) {
	key := TableKey(table, run.RunRef)
	if _, err = store.Create(ctx, key, body); errors.Is(err, objstore.ErrExist) {
		old, _, readErr := store.Get(ctx, key)
		if readErr != nil {
			return fmt.Errorf("lake: read back %s: %w", key, readErr)
		}
		if string(old) != string(body) {
			return fmt.Errorf("lake: %s: the same inputs gave other bytes", key)
		}
		err = nil
	}
	if err != nil {
		return fmt.Errorf("lake: write %s: %w", key, err)
	}
	if run.Tables == nil {
		run.Tables = map[string]TableFile{}
	}
	run.Tables[table] = TableFile{Key: key, Rows: int64(rows), Bytes: int64(len(body)), SHA256: bodyHash(body)}
	return nil
}

// ReadRunTable reads a table of a published run.
func ReadRunTable[T schema.Row](ctx context.Context, store objstore.Store, run *Run) ([]T, error) {
	var row T
	file, ok := run.Tables[row.Table()]
	if !ok {
		return nil, fmt.Errorf("lake: run %s has no table %s", run.Run, row.Table())
	}
	body, _, err := store.Get(ctx, file.Key)
	if err != nil {
		return nil, fmt.Errorf("lake: read %s: %w", file.Key, err)
	}
	return schema.Decode[T](body)
}

// Current reads the run in force; ErrNoRun before the first night.
func Current(ctx context.Context, store objstore.Store) (*Run, error) {
	run, _, err := current(ctx, store)
	return run, err
}

func current(ctx context.Context, store objstore.Store) (*Run, objstore.Version, error) {
	body, info, err := store.Get(ctx, CurrentKey)
	if errors.Is(err, objstore.ErrNotExist) {
		return nil, "", ErrNoRun
	}
	if err != nil {
		return nil, "", fmt.Errorf("lake: read %s: %w", CurrentKey, err)
	}
	var run Run
	if err := json.Unmarshal(body, &run); err != nil {
		return nil, "", fmt.Errorf("lake: read %s: %w", CurrentKey, err)
	}
	return &run, info.Version, nil
}

// Predecessor is the run that a night of asOf compares itself with: the one in
// force if it is of an earlier day, or the one that a night of the same day was
// already compared with, so that a night run again gives the same result. Nil:
// none.
func Predecessor(current *Run, asOf string) *RunRef {
	switch {
	case current == nil:
		return nil
	case current.AsOf < asOf:
		ref := current.RunRef
		return &ref
	case current.AsOf == asOf:
		return current.Predecessor
	default:
		return nil
	}
}

// ReadRun reads the manifest of a run by its name.
func ReadRun(ctx context.Context, store objstore.Store, ref RunRef) (*Run, error) {
	body, _, err := store.Get(ctx, manifestKey(ref))
	if errors.Is(err, objstore.ErrNotExist) {
		return nil, ErrNoRun
	}
	if err != nil {
		return nil, fmt.Errorf("lake: read run: %w", err)
	}
	var run Run
	if err := json.Unmarshal(body, &run); err != nil {
		return nil, fmt.Errorf("lake: read run %s: %w", ref.Run, err)
	}
	return &run, nil
}

// Publish brings a run in force after every file of it was read back whole. The
// pointer never moves to an older day: then the run stays written and Publish
// reports false. The run in force published again changes nothing.
func Publish(ctx context.Context, store objstore.Store, run *Run) (bool, error) {
	for _, name := range slices.Sorted(maps.Keys(run.Tables)) {
		file := run.Tables[name]
		body, _, err := store.Get(ctx, file.Key)
		if err != nil {
			return false, fmt.Errorf("lake: verify %s: %w", file.Key, err)
		}
		if bodyHash(body) != file.SHA256 {
			return false, fmt.Errorf("lake: verify %s: the bytes are not those written", file.Key)
		}
	}
	body, err := json.MarshalIndent(run, "", "  ")
	if err != nil {
		return false, err
	}
	if _, err := store.Create(ctx, manifestKey(run.RunRef), body); err != nil && !errors.Is(err, objstore.ErrExist) {
		return false, fmt.Errorf("lake: write manifest of run: %w", err)
	}
	for {
		old, version, err := current(ctx, store)
		switch {
		case errors.Is(err, ErrNoRun):
			_, err = store.Create(ctx, CurrentKey, body)
		case err != nil:
			return false, err
		case old.Run == run.Run && old.AsOf == run.AsOf:
			return true, nil
		case old.AsOf > run.AsOf:
			return false, nil
		default:
			_, err = store.Swap(ctx, CurrentKey, body, version)
		}
		if err == nil {
			return true, nil
		}
		if !lost(err) {
			return false, fmt.Errorf("lake: publish: %w", err)
		}
	}
}
