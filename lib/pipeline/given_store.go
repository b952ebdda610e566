package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/schema"
)

// Where hand-overs are kept.
const (
	givenPrefix     = lake.AudiencesPrefix + "given/"
	holdoutPrefix   = lake.AudiencesPrefix + "holdout/" // <platform>/<segment>.parquet, rows of schema.AssignmentRow
	contactedPrefix = lake.AudiencesPrefix + "contacted/day="
	downloadsPrefix = lake.AudiencesPrefix + "downloads/"
	namesKey        = lake.AudiencesPrefix + "names.json"
	unlockedPrefix  = lake.AudiencesPrefix + "unlocked/"
)

// Footer entries of what was given.
const (
	givenNumber = "leadlake.version" // rises with every version, so that no two have equal bytes
	givenActs   = "leadlake.acts"    // those that are not settled, as JSON
)

func givenKey(platform, segment string) string {
	return givenPrefix + platform + "/" + segment + ".parquet"
}

func finishedKey(platform, segment string) string {
	return givenPrefix + platform + "/" + segment + ".json"
}

// finishedActs is the object of the acts whose file was answered, oldest first.
type finishedActs struct {
	Acts []string `json:"acts"`
}

// finishedKept is how many of them are kept: more than can be made within the time
// that anybody asks for them.
const finishedKept = 400

// readGiven reads what a platform has of a segment; a version that is empty says that
// nothing was ever given.
func (p *Pipeline) readGiven(ctx context.Context, platform, segment string) (*given, error) {
	g := &given{platform: platform, segment: segment, finished: map[string]bool{}}
	// The acts that are finished first: one that finishes meanwhile is in doubt, which is safe.
	var finished finishedActs
	body, _, err := p.store.Get(ctx, finishedKey(platform, segment))
	if err == nil {
		err = json.Unmarshal(body, &finished)
	}
	if err != nil && !errors.Is(err, objstore.ErrNotExist) {
		return nil, fmt.Errorf("pipeline: read %s: %w", finishedKey(platform, segment), err)
	}
	for _, id := range finished.Acts {
		g.finished[id] = true
	}
	key := givenKey(platform, segment)
	body, info, err := p.store.Get(ctx, key)
	if errors.Is(err, objstore.ErrNotExist) {
		return g, nil
	}
	if err != nil {
		return nil, fmt.Errorf("pipeline: read %s: %w", key, err)
	}
	if g.rows, err = schema.Decode[schema.GivenRow](body); err != nil {
		return nil, fmt.Errorf("pipeline: read %s: %w", key, err)
	}
	meta, err := schema.MetadataOf(body, givenNumber, givenActs)
	if err != nil {
		return nil, fmt.Errorf("pipeline: read %s: %w", key, err)
	}
	if g.number, err = strconv.ParseInt(meta[0], 10, 64); err == nil {
		err = json.Unmarshal([]byte(meta[1]), &g.acts)
	}
	if err != nil {
		return nil, fmt.Errorf("pipeline: read %s: %w", key, err)
	}
	g.version = info.Version
	return g, nil
}

// writeGiven replaces what was given, if it still is what was read; otherwise the
// error matches objstore.ErrChanged or objstore.ErrExist.
func (p *Pipeline) writeGiven(ctx context.Context, g *given) error {
	acts, err := json.Marshal(g.acts)
	if err != nil {
		return err
	}
	body, err := schema.Encode(
		g.rows, schema.Pair{Key: givenNumber, Value: strconv.FormatInt(g.number+1, 10)},
		schema.Pair{Key: givenActs, Value: string(acts)},
	)
	if err != nil {
		return err
	}
	key := givenKey(g.platform, g.segment)
	if g.version == "" {
		g.version, err = p.store.Create(ctx, key, body)
	} else {
		g.version, err = p.store.Swap(ctx, key, body, g.version)
	}
	if err != nil {
		return fmt.Errorf("pipeline: write %s: %w", key, err)
	}
	g.number++
	return nil
}

// finishAct marks an act whose file is about to be answered: the last step of it.
func (p *Pipeline) finishAct(ctx context.Context, platform, segment, id string) error {
	_, err := objstore.Commit(ctx, p.store, finishedKey(platform, segment), func(old []byte) ([]byte, error) {
		var finished finishedActs
		if old != nil {
			if err := json.Unmarshal(old, &finished); err != nil {
				return nil, err
			}
		}
		if !slices.Contains(finished.Acts, id) {
			finished.Acts = append(finished.Acts, id)
		}
		finished.Acts = finished.Acts[max(0, len(finished.Acts)-finishedKept):]
		return json.Marshal(finished)
	})
	if err != nil {
		return fmt.Errorf("pipeline: finish a hand-over: %w", err)
	}
	return nil
}

// bundleKey is a segment for a platform.
type bundleKey struct{ segment, platform string }

// bundlesGiven lists the bundles of which something was ever given, in the order of
// their keys.
func (p *Pipeline) bundlesGiven(ctx context.Context) ([]bundleKey, error) {
	var all []bundleKey
	for info, err := range p.store.List(ctx, givenPrefix, "") {
		if err != nil {
			return nil, fmt.Errorf("pipeline: list what was given: %w", err)
		}
		name, ok := strings.CutSuffix(strings.TrimPrefix(info.Key, givenPrefix), ".parquet")
		if platform, segment, cut := strings.Cut(name, "/"); ok && cut {
			all = append(all, bundleKey{segment, platform})
		}
	}
	return all, nil
}
