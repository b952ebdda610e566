package storetest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/objstore"
)

// partSize is where s3store begins a new part; other stores may have no such place.
const partSize = 8 << 20

// noise makes bytes that are the same for the same seed and never repeat in a part.
func noise(size int, seed uint64) []byte {
	body := make([]byte, size)
	for i := range body {
		if i%8 == 0 {
			seed = seed*6364136223846793005 + 1442695040888963407
		}
		body[i] = byte(seed >> (8 * (i % 8)))
	}
	return body
}

func begin(t *testing.T, store objstore.Store, key string) objstore.Upload {
	t.Helper()
	upload, err := store.Upload(t.Context(), key)
	if err != nil {
		t.Fatalf("Upload(%q) = %v", key, err)
	}
	t.Cleanup(upload.Abort)
	return upload
}

// write writes a body in pieces of the size given.
func write(t *testing.T, upload objstore.Upload, body []byte, piece int) {
	t.Helper()
	for len(body) > 0 {
		next := bytes.Clone(body[:min(piece, len(body))])
		if n, err := upload.Write(next); n != len(next) || err != nil {
			t.Fatalf("Write of %d bytes = %d, %v", len(next), n, err)
		}
		clear(next) // it is the caller's again
		body = body[min(piece, len(body)):]
	}
}

func commit(t *testing.T, upload objstore.Upload) objstore.Version {
	t.Helper()
	version, err := upload.Commit()
	if err != nil || version == "" {
		t.Fatalf("Commit = %q, %v", version, err)
	}
	return version
}

// wantNoise is wantBody without its text.
func wantNoise(t *testing.T, store objstore.Store, key string, want []byte) objstore.Info {
	t.Helper()
	body, info, err := store.Get(t.Context(), key)
	if err != nil {
		t.Fatalf("Get(%q) = %v", key, err)
	}
	if !bytes.Equal(body, want) || info.Size != int64(len(want)) {
		t.Fatalf("Get(%q) = %d bytes, size %d, want the %d bytes written", key, len(body), info.Size, len(want))
	}
	return info
}

func uploadIsWhatWasWritten(t *testing.T, store objstore.Store) {
	for i, c := range []struct{ size, piece int }{
		{0, 1}, {1, 1}, {partSize - 1, 1<<20 + 7}, {partSize, 1 << 20}, {partSize, partSize}, {partSize + 1, 1<<20 + 7}, {2*partSize + 5, 3 * partSize},
	} {
		key := fmt.Sprintf("uploads/%d-%d", c.size, c.piece)
		body := noise(c.size, uint64(i+1))
		upload := begin(t, store, key)
		write(t, upload, body, c.piece)
		version := commit(t, upload)
		if got := wantNoise(t, store, key, body); got.Version != version {
			t.Errorf("the version of %s is %q, Commit gave %q", key, got.Version, version)
		}
		if head, err := store.Head(t.Context(), key); err != nil || head.Version != version || head.Size != int64(c.size) {
			t.Errorf("Head(%q) = %d bytes, %q, %v; want %d, %q", key, head.Size, head.Version, err, c.size, version)
		}
		if _, err := store.Swap(t.Context(), key, []byte("after"), version); err != nil {
			t.Errorf("Swap of what was uploaded as %s = %v", key, err)
		}
		wantBody(t, store, key, "after")
	}
}

func uploadIsWholeOrNotAtAll(t *testing.T, store objstore.Store) {
	create(t, store, "there", "before")
	for i, size := range []int{0, 10, partSize + 10} {
		for _, key := range []string{"there", "absent"} {
			upload := begin(t, store, key)
			write(t, upload, noise(size, uint64(i+1)), 1<<20)
			wantBody(t, store, "there", "before")
			_, err := store.Head(t.Context(), "absent")
			wantError(t, "Head during an upload", err, objstore.ErrNotExist)
			if diff := cmp.Diff([]string{"there"}, keysOf(t, store, "", "")); diff != "" {
				t.Errorf("keys during an upload (-want +got):\n%s", diff)
			}
			upload.Abort()
		}
	}
	wantBody(t, store, "there", "before")
	if diff := cmp.Diff([]string{"there"}, keysOf(t, store, "", "")); diff != "" {
		t.Errorf("keys after Abort (-want +got):\n%s", diff)
	}
}

func uploadOverwrites(t *testing.T, store objstore.Store) {
	first := create(t, store, "single/writer", "1")
	for i, size := range []int{partSize + 3, 2, 0} {
		body := noise(size, uint64(i+1))
		upload := begin(t, store, "single/writer")
		write(t, upload, body, partSize)
		version := commit(t, upload)
		if info := wantNoise(t, store, "single/writer", body); info.Version != version || version == first {
			t.Errorf("after an upload the version is %q, Commit gave %q after %q", info.Version, version, first)
		}
		first = version
	}
	_, err := store.Create(t.Context(), "single/writer", []byte("x"))
	wantError(t, "Create after an upload", err, objstore.ErrExist)
	// Two at once: the one that is committed last stays.
	early, late := begin(t, store, "two"), begin(t, store, "two")
	write(t, late, []byte("late"), 2)
	write(t, early, []byte("early"), 2)
	commit(t, early)
	wantBody(t, store, "two", "early")
	commit(t, late)
	wantBody(t, store, "two", "late")
}

func uploadEndsOnce(t *testing.T, store objstore.Store) {
	for name, end := range map[string]func(objstore.Upload){
		"commit": func(u objstore.Upload) { commit(t, u) },
		"abort":  func(u objstore.Upload) { u.Abort() },
	} {
		upload := begin(t, store, name)
		write(t, upload, []byte("body"), 4)
		end(upload)
		_, err := upload.Write([]byte("more"))
		wantError(t, "Write after "+name, err, objstore.ErrEnded)
		_, err = upload.Commit()
		wantError(t, "Commit after "+name, err, objstore.ErrEnded)
		if got := objstore.OutcomeOf(err); got != objstore.NotDone {
			t.Errorf("outcome of Commit after %s = %v, want not done", name, got)
		}
		upload.Abort()
	}
	wantBody(t, store, "commit", "body")
	if diff := cmp.Diff([]string{"commit"}, keysOf(t, store, "", "")); diff != "" {
		t.Errorf("keys afterwards (-want +got):\n%s", diff)
	}
}

func uploadEndsWithItsContext(t *testing.T, store objstore.Store) {
	create(t, store, "there", "before")
	for _, size := range []int{3, partSize + 3} {
		ctx, cancel := context.WithCancel(t.Context())
		upload, err := store.Upload(ctx, "there")
		if err != nil {
			t.Fatalf("Upload = %v", err)
		}
		write(t, upload, noise(size, 1), 1<<20)
		cancel()
		_, err = upload.Commit()
		if got := objstore.OutcomeOf(err); got == objstore.Done {
			t.Errorf("Commit of %d bytes after the end of the context was done", size)
		}
		upload.Abort()
		wantBody(t, store, "there", "before")
	}
	if diff := cmp.Diff([]string{"there"}, keysOf(t, store, "", "")); diff != "" {
		t.Errorf("keys afterwards (-want +got):\n%s", diff)
	}
}

func readersSeeWholeUploads(t *testing.T, store objstore.Store) {
	bodies := [][]byte{noise(partSize+100, 1), noise(50_000, 2)}
	if _, err := store.Put(t.Context(), "whole", bodies[1]); err != nil {
		t.Fatalf("Put = %v", err)
	}
	var writer sync.WaitGroup
	writer.Go(func() {
		for i := range 6 {
			upload, err := store.Upload(t.Context(), "whole")
			if err == nil {
				for body := bodies[i%2]; len(body) > 0 && err == nil; body = body[min(1<<20, len(body)):] {
					_, err = upload.Write(body[:min(1<<20, len(body))])
				}
			}
			if err == nil {
				_, err = upload.Commit()
			}
			if err != nil {
				t.Errorf("upload %d: %v", i, err)
			}
		}
	})
	for range 10 {
		reader, info, err := store.Open(t.Context(), "whole")
		if err != nil {
			t.Errorf("Open during an upload = %v", err)
			break
		}
		body, err := io.ReadAll(reader)
		if err != nil || !bytes.Equal(body, bodies[0]) && !bytes.Equal(body, bodies[1]) || info.Size != int64(len(body)) {
			t.Errorf("Open during an upload gave %d bytes of no version, size %d, %v", len(body), info.Size, err)
		}
		if err := reader.Close(); err != nil {
			t.Errorf("Close = %v", err)
		}
	}
	writer.Wait()
}

func openReads(t *testing.T, store objstore.Store) {
	for i, size := range []int{0, 1, 100_000} {
		key, body := fmt.Sprintf("read/%d", size), noise(size, uint64(i+1))
		version := create(t, store, key, string(body))
		head, err := store.Head(t.Context(), key)
		if err != nil {
			t.Fatalf("Head(%q) = %v", key, err)
		}
		reader, info, err := store.Open(t.Context(), key)
		if err != nil {
			t.Fatalf("Open(%q) = %v", key, err)
		}
		if diff := cmp.Diff(head, info); diff != "" || info.Version != version {
			t.Errorf("Open(%q) describes the object differently from Head:\n%s", key, diff)
		}
		got, err := io.ReadAll(io.LimitReader(reader, 10))
		if err != nil || !bytes.Equal(got, body[:min(10, size)]) {
			t.Errorf("the first bytes of %s differ, %v", key, err)
		}
		rest, err := io.ReadAll(reader)
		if err != nil || !bytes.Equal(rest, body[min(10, size):]) {
			t.Errorf("the other bytes of %s differ, %v", key, err)
		}
		if err := reader.Close(); err != nil {
			t.Errorf("Close = %v", err)
		}
	}
	// Who leaves early owes no more than Close.
	reader, _, err := store.Open(t.Context(), "read/100000")
	if err != nil {
		t.Fatalf("Open = %v", err)
	}
	_ = reader.Close() // a store may say that bytes were left
	if err := store.Delete(t.Context(), "read/100000"); err != nil {
		t.Errorf("Delete = %v", err)
	}
}
