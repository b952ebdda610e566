// Package storetest is the contract of objstore.Store as a test. Every store
// passes it, and so does every decorator that claims to be one.
//
// Its keys are those that all stores can hold at once: versitygw, the S3 server
// of the tests, cannot keep "a" and "a/b" side by side, so that pair is tested
// where it is promised, on [objstore.Mem] and filestore.
package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/objstore"
)

// Run tests the contract; open gives an empty store for each subtest.
func Run(t *testing.T, open func(t *testing.T) objstore.Store) {
	t.Helper()
	for _, rule := range []struct {
		name string
		test func(t *testing.T, store objstore.Store)
	}{
		{"what is written is read", writtenIsRead},
		{"an absent object does not exist", absentDoesNotExist},
		{"create never overwrites", createNeverOverwrites},
		{"one of many creators wins", oneCreatorWins},
		{"swap replaces only the version it names", swapReplacesOnlyItsVersion},
		{"one of many swappers wins", oneSwapperWins},
		{"no increment is lost", noIncrementIsLost},
		{"put overwrites", putOverwrites},
		{"delete is final and repeatable", deleteIsFinal},
		{"ranges end with the object", rangesEndWithObject},
		{"lists are complete and in key order", listsAreOrdered},
		{"a list is left at any pair", listIsLeft},
		{"odd keys keep their identity", oddKeys},
		{"bad keys are refused everywhere", badKeysAreRefused},
		{"a call after the end of its context does nothing", endedContext},
		{"readers see whole objects", readersSeeWholeObjects},
		{"bodies are not shared", bodiesAreNotShared},
		{"an upload is what was written", uploadIsWhatWasWritten},
		{"an upload is seen whole or not at all", uploadIsWholeOrNotAtAll},
		{"an upload takes the place of what is there", uploadOverwrites},
		{"an upload ends once", uploadEndsOnce},
		{"an upload ends with its context", uploadEndsWithItsContext},
		{"readers see whole uploads", readersSeeWholeUploads},
		{"an object is read piece by piece", openReads},
		{"the probe accepts the store and leaves nothing", probeAccepts},
	} {
		t.Run(rule.name, func(t *testing.T) { rule.test(t, open(t)) })
	}
}

func create(t *testing.T, store objstore.Store, key, body string) objstore.Version {
	t.Helper()
	version, err := store.Create(t.Context(), key, []byte(body))
	if err != nil {
		t.Fatalf("Create(%q) = %v", key, err)
	}
	if version == "" {
		t.Fatalf("Create(%q) gave no version", key)
	}
	return version
}

func wantBody(t *testing.T, store objstore.Store, key, want string) objstore.Info {
	t.Helper()
	body, info, err := store.Get(t.Context(), key)
	if err != nil {
		t.Fatalf("Get(%q) = %v", key, err)
	}
	if string(body) != want {
		t.Fatalf("Get(%q) = %d bytes %.40q, want %d bytes %.40q", key, len(body), body, len(want), want)
	}
	return info
}

func wantError(t *testing.T, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}

func keysOf(t *testing.T, store objstore.Store, prefix, startAfter string) []string {
	t.Helper()
	keys := []string{}
	for info, err := range store.List(t.Context(), prefix, startAfter) {
		if err != nil {
			t.Fatalf("List(%q, %q) = %v", prefix, startAfter, err)
		}
		keys = append(keys, info.Key)
	}
	return keys
}

func writtenIsRead(t *testing.T, store objstore.Store) {
	for name, body := range map[string]string{
		"empty":                     "",
		"small":                     "lead",
		"large":                     strings.Repeat("0123456789abcdef", 1<<17), // 2 MiB
		"day=2026-01-01/part.bytes": "\x00\xff\r\n",
	} {
		key := "written/" + name
		version := create(t, store, key, body)
		got := wantBody(t, store, key, body)
		head, err := store.Head(t.Context(), key)
		if err != nil {
			t.Fatalf("Head(%q) = %v", key, err)
		}
		want := objstore.Info{Key: key, Size: int64(len(body)), Version: version, ModifiedAt: head.ModifiedAt}
		if diff := cmp.Diff(want, head); diff != "" {
			t.Errorf("Head(%q) differs (-want +got):\n%s", key, diff)
		}
		if diff := cmp.Diff(head, got); diff != "" {
			t.Errorf("Get(%q) describes the object differently from Head:\n%s", key, diff)
		}
		if head.ModifiedAt.Location() != time.UTC {
			t.Errorf("Head(%q).ModifiedAt is not in UTC", key)
		}
	}
}

func absentDoesNotExist(t *testing.T, store objstore.Store) {
	create(t, store, "folder/object", "x")
	for _, key := range []string{"absent", "absent/deep/object", "folder", "folder/object2"} {
		_, _, err := store.Get(t.Context(), key)
		wantError(t, "Get("+key+")", err, objstore.ErrNotExist)
		_, err = store.Head(t.Context(), key)
		wantError(t, "Head("+key+")", err, objstore.ErrNotExist)
		_, err = store.GetRange(t.Context(), key, 0, 1)
		wantError(t, "GetRange("+key+")", err, objstore.ErrNotExist)
		_, _, err = store.Open(t.Context(), key)
		wantError(t, "Open("+key+")", err, objstore.ErrNotExist)
		_, err = store.Swap(t.Context(), key, []byte("y"), objstore.VersionOf([]byte("x")))
		wantError(t, "Swap("+key+")", err, objstore.ErrChanged)
	}
	if keys := keysOf(t, store, "absent", ""); len(keys) != 0 {
		t.Errorf("List(absent) = %q, want nothing", keys)
	}
}

func createNeverOverwrites(t *testing.T, store objstore.Store) {
	version := create(t, store, "once", "first")
	for _, body := range []string{"second", "first"} {
		_, err := store.Create(t.Context(), "once", []byte(body))
		wantError(t, "second Create", err, objstore.ErrExist)
		if got := objstore.OutcomeOf(err); got != objstore.NotDone {
			t.Errorf("outcome of the second Create = %v, want not done", got)
		}
	}
	if info := wantBody(t, store, "once", "first"); info.Version != version {
		t.Errorf("version after refused creates = %q, want %q", info.Version, version)
	}
}

// race runs n writers at once and returns how many succeeded, and the body of the
// last of them; every other must have failed with lost.
func race(t *testing.T, n int, lost error, write func(body []byte) error) (winners int, body string) {
	t.Helper()
	errs := make([]error, n)
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			<-start
			errs[i] = write(fmt.Appendf(nil, "writer %02d", i))
		})
	}
	close(start)
	all.Wait()
	for i, err := range errs {
		if err == nil {
			winners++
			body = fmt.Sprintf("writer %02d", i)
		} else {
			wantError(t, "losing write", err, lost)
		}
	}
	return winners, body
}

func oneCreatorWins(t *testing.T, store objstore.Store) {
	for round := range 3 {
		key := fmt.Sprintf("race/%d", round)
		winners, body := race(t, 32, objstore.ErrExist, func(body []byte) error {
			_, err := store.Create(context.WithoutCancel(t.Context()), key, body)
			return err
		})
		if winners != 1 {
			t.Fatalf("%d of 32 creators won, want 1", winners)
		}
		wantBody(t, store, key, body)
	}
}

func swapReplacesOnlyItsVersion(t *testing.T, store objstore.Store) {
	first := create(t, store, "pointer.json", `{"n":1}`)
	second, err := store.Swap(t.Context(), "pointer.json", []byte(`{"n":2}`), first)
	if err != nil {
		t.Fatalf("Swap = %v", err)
	}
	if second == first || second == "" {
		t.Errorf("Swap gave version %q after %q", second, first)
	}
	if info := wantBody(t, store, "pointer.json", `{"n":2}`); info.Version != second {
		t.Errorf("version in place = %q, want the one Swap returned, %q", info.Version, second)
	}
	for _, stale := range []objstore.Version{first, `"0123456789abcdef0123456789abcdef"`, ""} {
		_, err := store.Swap(t.Context(), "pointer.json", []byte(`{"n":3}`), stale)
		wantError(t, fmt.Sprintf("Swap against %q", stale), err, objstore.ErrChanged)
	}
	wantBody(t, store, "pointer.json", `{"n":2}`)
}

func oneSwapperWins(t *testing.T, store objstore.Store) {
	version := create(t, store, "race.json", "start")
	for range 3 {
		winners, body := race(t, 16, objstore.ErrChanged, func(body []byte) error {
			_, err := store.Swap(context.WithoutCancel(t.Context()), "race.json", append(body, version...), version)
			return err
		})
		if winners != 1 {
			t.Fatalf("%d of 16 swappers won, want 1", winners)
		}
		version = wantBody(t, store, "race.json", body+string(version)).Version
	}
}

func noIncrementIsLost(t *testing.T, store objstore.Store) {
	const writers, each = 4, 5
	var all sync.WaitGroup
	for range writers {
		all.Go(func() {
			for range each {
				_, err := objstore.Commit(t.Context(), store, "count", func(old []byte) ([]byte, error) {
					return append(old, '+'), nil
				})
				if err != nil {
					t.Errorf("Commit = %v", err)
				}
			}
		})
	}
	all.Wait()
	wantBody(t, store, "count", strings.Repeat("+", writers*each))
}

func putOverwrites(t *testing.T, store objstore.Store) {
	first := create(t, store, "single-writer", "1")
	second, err := store.Put(t.Context(), "single-writer", []byte("22"))
	if err != nil || second == first {
		t.Fatalf("Put = %q, %v; want a version other than %q", second, err, first)
	}
	if info := wantBody(t, store, "single-writer", "22"); info.Version != second || info.Size != 2 {
		t.Errorf("after Put the object is %+v, want version %q, size 2", info, second)
	}
	if _, err := store.Put(t.Context(), "new/by/put", []byte("x")); err != nil {
		t.Errorf("Put of a new object = %v", err)
	}
	wantBody(t, store, "new/by/put", "x")
}

func deleteIsFinal(t *testing.T, store objstore.Store) {
	version := create(t, store, "gone/a", "a")
	create(t, store, "gone/b", "b")
	for range 2 {
		if err := store.Delete(t.Context(), "gone/a"); err != nil {
			t.Fatalf("Delete = %v", err)
		}
	}
	_, _, err := store.Get(t.Context(), "gone/a")
	wantError(t, "Get of a deleted object", err, objstore.ErrNotExist)
	_, err = store.Swap(t.Context(), "gone/a", []byte("c"), version)
	wantError(t, "Swap of a deleted object", err, objstore.ErrChanged)
	if diff := cmp.Diff([]string{"gone/b"}, keysOf(t, store, "gone/", "")); diff != "" {
		t.Errorf("keys after Delete (-want +got):\n%s", diff)
	}
	create(t, store, "gone/a", "again")
	wantBody(t, store, "gone/a", "again")
}

func rangesEndWithObject(t *testing.T, store objstore.Store) {
	create(t, store, "digits", "0123456789")
	create(t, store, "nothing", "")
	for _, c := range []struct {
		offset, length int64
		want           string
	}{{0, 10, "0123456789"}, {0, 1, "0"}, {3, 4, "3456"}, {9, 1, "9"}, {8, 100, "89"}, {0, 1 << 40, "0123456789"}} {
		got, err := store.GetRange(t.Context(), "digits", c.offset, c.length)
		if err != nil || string(got) != c.want {
			t.Errorf("GetRange(%d, %d) = %q, %v; want %q", c.offset, c.length, got, err, c.want)
		}
	}
	for _, c := range [][2]int64{{10, 1}, {11, 5}, {-1, 2}, {0, 0}, {0, -1}} {
		_, err := store.GetRange(t.Context(), "digits", c[0], c[1])
		wantError(t, fmt.Sprintf("GetRange(%d, %d)", c[0], c[1]), err, objstore.ErrRange)
	}
	_, err := store.GetRange(t.Context(), "nothing", 0, 1)
	wantError(t, "GetRange of an empty object", err, objstore.ErrRange)
}

func listsAreOrdered(t *testing.T, store objstore.Store) {
	// "-" and "." sort before "/", "0" after it: a walk by folders must not be
	// taken for the order of keys.
	keys := []string{
		"lake/events/day=2026-01-01/part-0000.parquet", "lake/events/day=2026-01-02/part-0000.parquet",
		"lake/events-old/x", "lake/events.txt", "lake/events0", "lake/Events/x", "lake/events/a b+c&d=e",
		"other/x", "lake/события/ж", "lake/~", "lakes",
	}
	for _, key := range keys {
		create(t, store, key, key)
	}
	slices.Sort(keys)
	for _, prefix := range []string{"", "lake", "lake/", "lake/events", "lake/events/", "lake/events/day=2026-01-0", "lake/соб", "lakes", "nothing/", "zz"} {
		for _, startAfter := range []string{"", "lake/events", "lake/events/day=2026-01-01/part-0000.parquet", "lake/events/", "other", "zzz"} {
			want := []string{}
			for _, key := range keys {
				if strings.HasPrefix(key, prefix) && key > startAfter {
					want = append(want, key)
				}
			}
			if diff := cmp.Diff(want, keysOf(t, store, prefix, startAfter)); diff != "" {
				t.Errorf("List(%q, %q) (-want +got):\n%s", prefix, startAfter, diff)
			}
		}
	}
	for info, err := range store.List(t.Context(), "lakes", "") {
		if err != nil || info.Size != 5 || info.Version != "" || info.ModifiedAt.Location() != time.UTC {
			t.Errorf("List yields %+v, %v; want size 5, no version, UTC", info, err)
		}
	}
}

func listIsLeft(t *testing.T, store objstore.Store) {
	for i := range 5 {
		create(t, store, fmt.Sprintf("n/%d", i), "x")
	}
	for stop := 1; stop <= 5; stop++ {
		seen := 0
		for _, err := range store.List(t.Context(), "n/", "") {
			if err != nil {
				t.Fatalf("List = %v", err)
			}
			if seen++; seen == stop {
				break
			}
		}
		if seen != stop {
			t.Errorf("left the list after %d pairs, want %d", seen, stop)
		}
	}
}

func oddKeys(t *testing.T, store objstore.Store) {
	long := strings.Repeat("Ж", 100) // 200 bytes, the longest segment
	keys := []string{
		"case/readme", "case/README", "case/Readme", "percent/100%25", "percent/100%", "percent/a%2fb", "plus/a+b", "plus/a b",
		"dots/..a", "dots/a..b", "dots/.hidden", "dots/...", "dots/end.", "back\\slash", "quote/\"'<>&|?*:", "nul/con", "nul/aux.txt",
		"long/" + long, "longer/" + long + "/" + strings.Repeat("X", 200) + "/x.parquet", "marks/key.%", "marks/key.%+", "marks/%.%", "tilde/~a", "emoji/🙂",
	}
	for _, key := range keys {
		create(t, store, key, "body of "+key)
	}
	for _, key := range keys {
		wantBody(t, store, key, "body of "+key)
	}
	slices.Sort(keys)
	if diff := cmp.Diff(keys, keysOf(t, store, "", "")); diff != "" {
		t.Errorf("List (-want +got):\n%s", diff)
	}
	for _, key := range keys {
		if err := store.Delete(t.Context(), key); err != nil {
			t.Errorf("Delete(%q) = %v", key, err)
		}
	}
	if left := keysOf(t, store, "", ""); len(left) != 0 {
		t.Errorf("after Delete %q are left", left)
	}
}

// BadKeys breaks each rule of [objstore.CheckKey]; a store must refuse all of them.
func BadKeys() []string {
	return []string{
		"", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/..", "a/../b", "a/./b", "./a", "a\x00b", "a\nb", "a\x7fb", "a\u0085b",
		"a\xffb", "\xed\xa0\x80", "a\uffff", strings.Repeat("a", 201), strings.Repeat("a/", 512) + "a",
	}
}

func badKeysAreRefused(t *testing.T, store objstore.Store) {
	ctx := t.Context()
	for _, key := range BadKeys() {
		_, _, getErr := store.Get(ctx, key)
		_, rangeErr := store.GetRange(ctx, key, 0, 1)
		_, headErr := store.Head(ctx, key)
		_, createErr := store.Create(ctx, key, nil)
		_, swapErr := store.Swap(ctx, key, nil, "x")
		_, putErr := store.Put(ctx, key, nil)
		deleteErr := store.Delete(ctx, key)
		_, _, openErr := store.Open(ctx, key)
		_, uploadErr := store.Upload(ctx, key)
		for i, err := range []error{getErr, rangeErr, headErr, createErr, swapErr, putErr, deleteErr, openErr, uploadErr} {
			wantError(t, fmt.Sprintf("call %d with key %.20q", i, key), err, objstore.ErrKey)
		}
	}
	for _, prefix := range []string{"/", "a//", "../", "a/../", "a\x00", "a\xff", strings.Repeat("a", 1025)} {
		var last error
		for _, err := range store.List(ctx, prefix, "") {
			last = err
		}
		wantError(t, fmt.Sprintf("List(%.20q)", prefix), last, objstore.ErrKey)
	}
}

func endedContext(t *testing.T, store objstore.Store) {
	create(t, store, "there", "x")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err := store.Get(ctx, "there")
	wantError(t, "Get", err, context.Canceled)
	_, err = store.Create(ctx, "new", []byte("x"))
	wantError(t, "Create", err, context.Canceled)
	if got := objstore.OutcomeOf(err); got != objstore.NotDone {
		t.Errorf("outcome of a Create that never began = %v, want not done", got)
	}
	_, err = store.Upload(ctx, "new")
	wantError(t, "Upload", err, context.Canceled)
	_, _, err = store.Open(ctx, "there")
	wantError(t, "Open", err, context.Canceled)
	wantError(t, "Delete", store.Delete(ctx, "there"), context.Canceled)
	var last error
	for _, err := range store.List(ctx, "", "") {
		last = err
	}
	wantError(t, "List", last, context.Canceled)
	if diff := cmp.Diff([]string{"there"}, keysOf(t, store, "", "")); diff != "" {
		t.Errorf("keys afterwards (-want +got):\n%s", diff)
	}
}

func readersSeeWholeObjects(t *testing.T, store objstore.Store) {
	bodies := [][]byte{bytes.Repeat([]byte("a"), 100_000), bytes.Repeat([]byte("b"), 50_000)}
	if _, err := store.Put(t.Context(), "whole", bodies[0]); err != nil {
		t.Fatalf("Put = %v", err)
	}
	var writer sync.WaitGroup
	writer.Go(func() {
		for i := range 20 {
			if _, err := store.Put(t.Context(), "whole", bodies[i%2]); err != nil {
				t.Errorf("Put = %v", err)
			}
		}
	})
	for range 40 {
		body, info, err := store.Get(t.Context(), "whole")
		if err != nil {
			t.Fatalf("Get during Put = %v", err)
		}
		if !bytes.Equal(body, bodies[0]) && !bytes.Equal(body, bodies[1]) || info.Size != int64(len(body)) {
			t.Fatalf("Get during Put gave %d bytes of no version, size %d", len(body), info.Size)
		}
	}
	writer.Wait()
}

func bodiesAreNotShared(t *testing.T, store objstore.Store) {
	body := []byte("original")
	if _, err := store.Create(t.Context(), "mine", body); err != nil {
		t.Fatalf("Create = %v", err)
	}
	copy(body, "spoiled!")
	got, _, err := store.Get(t.Context(), "mine")
	if err != nil {
		t.Fatalf("Get = %v", err)
	}
	copy(got, "spoiled!")
	wantBody(t, store, "mine", "original")
}

func probeAccepts(t *testing.T, store objstore.Store) {
	if err := objstore.Probe(t.Context(), store, "probe/"); err != nil {
		t.Fatalf("Probe = %v", err)
	}
	if keys := keysOf(t, store, "", ""); len(keys) != 0 {
		t.Errorf("Probe left %q", keys)
	}
}
