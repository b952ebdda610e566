package pipeline

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore"
)

// errMoved says that the lake changed under a night, which then starts over.
var errMoved = errors.New("the lake changed while it was read")

// pinned is the lake as it was at one moment: every day object in the version it
// had then, and no other. A night reads days several times and must see the same
// each time. Days that still receive deliveries are kept in memory; closed days
// change by an erasure alone, and then the night starts over.
type pinned struct {
	objstore.Store
	versions map[string]objstore.Version
	open     map[string][]byte
}

// openDays is how many UTC days are kept in memory: today and yesterday, since
// compaction may be a little late.
const openDays = 2

func (p *Pipeline) pin(ctx context.Context) (pinned, error) {
	// The ledger first: what it lists is in events and contacts already.
	return p.pinOf(ctx, lake.DeliveriesPrefix, lake.EventsPrefix, lake.ContactsPrefix)
}

// pinOf is the days below some prefixes, in that order.
func (p *Pipeline) pinOf(ctx context.Context, prefixes ...string) (pinned, error) {
	pin := pinned{Store: p.store, versions: map[string]objstore.Version{}, open: map[string][]byte{}}
	recent := lake.Day(p.now().AddDate(0, 0, 1-openDays))
	for _, prefix := range prefixes {
		for info, err := range p.store.List(ctx, prefix, "") {
			if err != nil {
				return pin, fmt.Errorf("pipeline: list %s: %w", prefix, err)
			}
			if strings.TrimPrefix(info.Key, prefix) < recent {
				if info, err = p.store.Head(ctx, info.Key); err != nil {
					return pin, fmt.Errorf("pipeline: pin the lake: %w", err)
				}
			} else if pin.open[info.Key], info, err = p.store.Get(ctx, info.Key); err != nil {
				return pin, fmt.Errorf("pipeline: pin the lake: %w", err)
			}
			pin.versions[info.Key] = info.Version
		}
	}
	return pin, nil
}

// Get implements objstore.Store; an object that was not there is ErrNotExist,
// one that has changed is errMoved.
func (p pinned) Get(ctx context.Context, key string) ([]byte, objstore.Info, error) {
	version, ok := p.versions[key]
	if !ok {
		return nil, objstore.Info{}, fmt.Errorf("get %s: %w", objstore.Quote(key), objstore.ErrNotExist)
	}
	if body, ok := p.open[key]; ok {
		return body, objstore.Info{Key: key, Size: int64(len(body)), Version: version}, nil
	}
	body, info, err := p.Store.Get(ctx, key)
	if err == nil && info.Version != version {
		return nil, info, errMoved
	}
	return body, info, err
}

// Open implements objstore.Store as Get does.
func (p pinned) Open(ctx context.Context, key string) (io.ReadCloser, objstore.Info, error) {
	return objstore.OpenWhole(ctx, key, p.Get)
}

// erasedTokens are those of the suppression list. Nobody on it is in the lake,
// unless a step that ran while he was erased has just put him back.
func (p *Pipeline) erasedTokens(ctx context.Context) (map[string]bool, error) {
	suppressed, err := lake.ReadSuppressed(ctx, p.store)
	if err != nil {
		return nil, err
	}
	tokens := make(map[string]bool, len(suppressed))
	for token := range suppressed {
		tokens[token] = true
	}
	return tokens, nil
}

// forgotten reports whether an event is of an erased person.
func (n *night) forgotten(tokens []string) bool {
	return len(n.erased) > 0 && slices.ContainsFunc(tokens, func(t string) bool { return n.erased[t] })
}

// stillForgotten is errMoved if somebody was erased since the night began: what
// it read before must not come back through what it writes.
func (p *Pipeline) stillForgotten(ctx context.Context, n *night) error {
	now, err := p.erasedTokens(ctx)
	if err != nil {
		return err
	}
	for token := range now {
		if !n.erased[token] {
			return errMoved
		}
	}
	return nil
}

func digestOf(tokens map[string]bool) string {
	hash := sha256.New()
	for _, token := range slices.Sorted(maps.Keys(tokens)) {
		hash.Write([]byte(token + "\n"))
	}
	return hex.EncodeToString(hash.Sum(nil))
}
