package pipeline

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/leadlake/leadlake/lib/objstore"
)

// register remembers for ever which records of dropped files were imported, so
// that a file, or a later export that holds the same rows, changes nothing however
// late it comes again; compaction itself forgets ids after dedupe_days. It holds
// keyed hashes, sorted, 16 bytes each, one object for each folder of inbox/.
//
// What failed is remembered with its reason: the same row comes in again once a
// new configuration or version reads it otherwise.
type register struct {
	store objstore.Store
	key   string
	known []mark // sorted
	fresh map[mark]bool
	saved int // of fresh
}

type mark [16]byte

func markOf(id, reason string) (mark, error) {
	var m mark
	if _, err := hex.Decode(m[:], []byte(id)); err != nil {
		return m, fmt.Errorf("id of a row: %w", err)
	}
	if reason == "" {
		return m, nil
	}
	sum := sha256.Sum256(append(m[:], reason...))
	return mark(sum[:16]), nil
}

func compareMarks(a, b mark) int { return bytes.Compare(a[:], b[:]) }

func openRegister(ctx context.Context, store objstore.Store, kind string) (*register, error) {
	r := &register{store: store, key: inboxRegister + kind + ".ids", fresh: map[mark]bool{}}
	body, _, err := store.Get(ctx, r.key)
	if errors.Is(err, objstore.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read register: %w", err)
	}
	r.known = marksOf(body)
	return r, nil
}

func marksOf(body []byte) []mark {
	marks := make([]mark, 0, len(body)/len(mark{}))
	for ; len(body) >= len(mark{}); body = body[len(mark{}):] {
		marks = append(marks, mark(body))
	}
	return marks
}

func (r *register) has(m mark) bool {
	if r.fresh[m] {
		return true
	}
	_, found := slices.BinarySearchFunc(r.known, m, compareMarks)
	return found
}

// take reports whether a record is new, and notes it.
func (r *register) take(id, reason string) (bool, error) {
	read, err := markOf(id, "")
	if err != nil {
		return false, err
	}
	m, err := markOf(id, reason)
	if err != nil {
		return false, err
	}
	if r.has(read) || r.has(m) {
		return false, nil
	}
	r.fresh[m] = true
	return true, nil
}

// save makes what was taken durable. It is called after the records are.
func (r *register) save(ctx context.Context) error {
	if r.saved == len(r.fresh) {
		return nil
	}
	_, err := objstore.Commit(ctx, r.store, r.key, func(old []byte) ([]byte, error) {
		all := marksOf(old) // another compaction may have added to it
		for m := range r.fresh {
			all = append(all, m)
		}
		slices.SortFunc(all, compareMarks)
		all = slices.Compact(all)
		body := make([]byte, 0, len(all)*len(mark{}))
		for _, m := range all {
			body = append(body, m[:]...)
		}
		return body, nil
	})
	if err != nil {
		return fmt.Errorf("write register: %w", err)
	}
	r.saved = len(r.fresh)
	return nil
}
