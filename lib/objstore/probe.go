package objstore

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
)

// ErrUnfit is matched by the error of [Probe] for a store that breaks the contract.
var ErrUnfit = errors.New("objstore: store is unfit")

const (
	probeCreators = 32
	probeSwappers = 16
)

// Probe tries whether a store keeps the promises everything here rests on: of 32
// concurrent creations of one key exactly one succeeds, of 16 concurrent swaps
// exactly one, a stale swap and the swap of an absent object are refused, and
// what was written is read and listed at once. A store that fails gives an error
// that matches [ErrUnfit] and names the broken promise; a store that could not be
// asked gives its own error. Probe works under prefix, a folder that ends in a
// slash, on keys of random names, which it deletes at the end; so it needs every
// right there, and several probes may run at once.
func Probe(ctx context.Context, store Store, prefix string) (err error) {
	if CheckPrefix(prefix) != nil || (prefix != "" && !strings.HasSuffix(prefix, "/")) {
		return fmt.Errorf("probe: prefix: %w", ErrKey)
	}
	p := prober{store: store, folder: prefix + "probe-" + strings.ToLower(rand.Text()) + "/"}
	defer func() {
		for _, name := range []string{"race", "absent"} {
			if deleteErr := store.Delete(context.WithoutCancel(ctx), p.folder+name); deleteErr != nil {
				err = errors.Join(err, fmt.Errorf("probe: clean up: %w", deleteErr))
			}
		}
	}()
	for _, step := range []func(context.Context) error{p.create, p.read, p.list, p.swap, p.swapAbsent} {
		if err := step(ctx); err != nil {
			return fmt.Errorf("probe: %w", err)
		}
	}
	return nil
}

type prober struct {
	store  Store
	folder string
	body   []byte  // what must be in place under "race"
	now    Version // and its version
}

func unfit(format string, values ...any) error {
	return fmt.Errorf("%w: %s", ErrUnfit, fmt.Sprintf(format, values...))
}

type attempt struct {
	body    []byte
	version Version
	err     error
}

// race makes n writes at once and keeps the only winner.
func (p *prober) race(what string, n int, lost error, write func(body []byte) (Version, error)) error {
	attempts := make([]attempt, n)
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range attempts {
		all.Go(func() {
			a := &attempts[i]
			a.body = fmt.Appendf(nil, "%s by writer %d", what, i)
			<-start
			a.version, a.err = write(a.body)
		})
	}
	close(start)
	all.Wait()
	winners := 0
	for _, a := range attempts {
		switch {
		case a.err == nil:
			winners++
			p.body, p.now = a.body, a.version
		case !errors.Is(a.err, lost):
			return fmt.Errorf("%s: %w", what, a.err)
		}
	}
	if winners != 1 {
		return unfit("%d of %d concurrent writers won (%s), want exactly 1", winners, n, what)
	}
	return nil
}

func (p *prober) create(ctx context.Context) error {
	key := p.folder + "race"
	if err := p.race("exclusive create", probeCreators, ErrExist, func(body []byte) (Version, error) {
		return p.store.Create(ctx, key, body)
	}); err != nil {
		return err
	}
	_, err := p.store.Create(ctx, key, []byte("late"))
	return refused("a create of an existing object", err, ErrExist)
}

func (p *prober) swap(ctx context.Context) error {
	key, old := p.folder+"race", p.now
	if err := p.race("compare and swap", probeSwappers, ErrChanged, func(body []byte) (Version, error) {
		return p.store.Swap(ctx, key, body, old)
	}); err != nil {
		return err
	}
	_, err := p.store.Swap(ctx, key, []byte("stale"), old)
	if err := refused("a swap against a stale version", err, ErrChanged); err != nil {
		return err
	}
	return p.read(ctx)
}

func (p *prober) swapAbsent(ctx context.Context) error {
	_, err := p.store.Swap(ctx, p.folder+"absent", []byte("absent"), p.now)
	if err := refused("a swap of an absent object", err, ErrChanged); err != nil {
		return err
	}
	_, _, err = p.store.Get(ctx, p.folder+"absent")
	return refused("a read of an absent object", err, ErrNotExist)
}

func refused(what string, err, want error) error {
	switch {
	case err == nil:
		return unfit("%s succeeded", what)
	case errors.Is(err, want):
		return nil
	default:
		return fmt.Errorf("%s: %w", what, err)
	}
}

func (p *prober) read(ctx context.Context) error {
	key := p.folder + "race"
	body, info, err := p.store.Get(ctx, key)
	if errors.Is(err, ErrNotExist) {
		return unfit("an object just written is not there")
	}
	if err != nil {
		return err
	}
	if !bytes.Equal(body, p.body) {
		return unfit("an object just written holds other bytes")
	}
	if info.Version != p.now {
		return unfit("the version read differs from the version returned by the write")
	}
	return nil
}

func (p *prober) list(ctx context.Context) error {
	var keys []string
	for info, err := range p.store.List(ctx, p.folder, "") {
		if err != nil {
			return err
		}
		keys = append(keys, info.Key)
	}
	if len(keys) != 1 || keys[0] != p.folder+"race" {
		return unfit("a listing just after one write has %d objects, want that one", len(keys))
	}
	return nil
}
