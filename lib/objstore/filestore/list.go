package filestore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"strings"
	"syscall"

	"github.com/leadlake/leadlake/lib/objstore"
)

// List implements [objstore.Store]. Its memory is that of the largest folder.
func (s *Store) List(ctx context.Context, prefix, startAfter string) iter.Seq2[objstore.Info, error] {
	return func(yield func(objstore.Info, error) bool) {
		err := objstore.CheckPrefix(prefix)
		if err == nil {
			w := walk{store: s, prefix: prefix, startAfter: startAfter, yield: yield}
			err = w.folder(ctx, []place{{path: ".", escaped: true, byHand: true}})
		}
		if err != nil && !errors.Is(err, errLeft) {
			yield(objstore.Info{}, fmt.Errorf("list %s: %w", objstore.Quote(prefix), err))
		}
	}
}

var errLeft = errors.New("filestore: listing left by its reader")

// place is a folder on the way of a listing.
type place struct {
	path    string // on the disk
	key     string // of the folder: "" or ending in a slash
	pending string // parts of a name that is cut, each followed by a slash
	escaped bool   // path is what pathOf makes
	byHand  bool   // path is the key itself
}

// entry is a file or folder under its key.
type entry struct {
	place

	isDir bool
}

type walk struct {
	store      *Store
	prefix     string
	startAfter string
	yield      func(objstore.Info, error) bool
}

// folder yields what is in places, which all stand for the same folder of keys:
// one is escaped, another may have been made by hand.
func (w *walk) folder(ctx context.Context, places []place) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var entries []entry
	for _, at := range places {
		found, err := w.store.collect(at)
		if err != nil {
			return err
		}
		entries = append(entries, found...)
	}
	slices.SortFunc(entries, func(a, b entry) int {
		if c := strings.Compare(a.key, b.key); c != 0 {
			return c
		}
		if a.escaped != b.escaped && a.escaped {
			return -1 // the one that locate prefers
		}
		return 1
	})
	for len(entries) > 0 {
		same := 1
		for same < len(entries) && entries[same].key == entries[0].key {
			same++
		}
		if err := w.entry(ctx, entries[:same]); err != nil {
			return err
		}
		entries = entries[same:]
	}
	return nil
}

func (w *walk) entry(ctx context.Context, same []entry) error {
	first := same[0]
	if !first.isDir {
		if !strings.HasPrefix(first.key, w.prefix) || first.key <= w.startAfter {
			return nil
		}
		stat, err := w.store.disk.Lstat(first.path)
		if isAbsent(err) {
			return nil // deleted meanwhile
		}
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if !w.yield(infoOf(first.key, stat), nil) {
			return errLeft
		}
		return nil
	}
	if !strings.HasPrefix(first.key, w.prefix) && !strings.HasPrefix(w.prefix, first.key) {
		return nil
	}
	if w.startAfter >= first.key && !strings.HasPrefix(w.startAfter, first.key) {
		return nil
	}
	places := make([]place, len(same))
	for i, e := range same {
		places[i] = e.place
	}
	return w.folder(ctx, places)
}

// collect returns the entries of a place, with those of the folders that only
// continue a long name.
func (s *Store) collect(at place) ([]entry, error) {
	listed, err := s.disk.ReadDir(at.path)
	if isAbsent(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var found []entry
	for _, item := range listed {
		name := item.Name()
		if strings.HasPrefix(name, ".") || (!item.IsDir() && !item.Type().IsRegular()) {
			continue
		}
		if part, cut := strings.CutSuffix(name, chainMark); cut && item.IsDir() && at.escaped {
			inner, err := s.collect(place{
				path: join(at.path, name), key: at.key, pending: at.pending + part + "/", escaped: true,
			})
			if err != nil {
				return nil, err
			}
			found = append(found, inner...)
			continue
		}
		if e, ok := entryOf(at, name, item.IsDir()); ok {
			found = append(found, e)
		}
	}
	return found, nil
}

// entryOf returns the entry under name in a place, if a reader of its key finds it
// there by one of the two rules of pathsOf.
func entryOf(at place, name string, isDir bool) (entry, bool) {
	e := entry{place: place{path: join(at.path, name)}, isDir: isDir}
	segment := name
	if at.escaped {
		if unescaped, ok := unescape(at.pending, name, !isDir); ok {
			segment = unescaped
			e.escaped = true
		}
	}
	e.byHand = at.byHand && at.pending == "" && segment == name && plainName(name)
	e.key = at.key + segment
	if (!e.escaped && !e.byHand) || objstore.CheckKey(e.key) != nil {
		return entry{}, false
	}
	if isDir {
		e.key += "/"
	}
	return e, true
}

func join(folder, name string) string {
	if folder == "." {
		return name
	}
	return folder + "/" + name
}

// isAbsent tells whether nothing is there, which below a file has an error of its own.
func isAbsent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}
