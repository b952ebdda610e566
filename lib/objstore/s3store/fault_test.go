package s3store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/objstore/s3store"
	"github.com/leadlake/leadlake/lib/objstore/s3store/s3test"
)

// fault answers a request instead of the server, or after it; next sends it there.
type fault func(request *http.Request, next func() (*http.Response, error)) (*http.Response, error)

func lost() error {
	return &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
}

func xmlAnswer(request *http.Request, status int, code string) *http.Response {
	body := fmt.Sprintf(`<?xml version="1.0" encoding="UTF-8"?><Error><Code>%s</Code><Message>fault</Message></Error>`, code)
	if request.Method == http.MethodHead {
		body = ""
	}
	return &http.Response{
		StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: request,
		Header: http.Header{"Content-Type": {"application/xml"}}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}
}

// answers makes a fault of an S3 answer; with applied the server does the request
// first, and what it said is lost.
func answers(status int, code string, applied bool) fault {
	return func(request *http.Request, next func() (*http.Response, error)) (*http.Response, error) {
		if applied {
			if err := forget(next()); err != nil {
				return nil, err
			}
		}
		return xmlAnswer(request, status, code), nil
	}
}

func drops(applied bool) fault {
	return func(_ *http.Request, next func() (*http.Response, error)) (*http.Response, error) {
		if applied {
			if err := forget(next()); err != nil {
				return nil, err
			}
		}
		return nil, lost()
	}
}

func forget(response *http.Response, err error) error {
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, response.Body)
	return errors.Join(err, response.Body.Close())
}

func refusesDial(*http.Request, func() (*http.Response, error)) (*http.Response, error) {
	return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
}

// faulty sends requests through the fault that plan names for them; n counts all
// requests from 0.
type faulty struct {
	plan func(n int, request *http.Request) fault

	mu       sync.Mutex
	requests []string
}

func (f *faulty) Do(request *http.Request) (*http.Response, error) {
	f.mu.Lock()
	n := len(f.requests)
	f.requests = append(f.requests, request.Method)
	f.mu.Unlock()
	next := func() (*http.Response, error) { return http.DefaultClient.Do(request) }
	if f.plan != nil {
		if broken := f.plan(n, request); broken != nil {
			return broken(request, next)
		}
	}
	return next()
}

func (f *faulty) count(method string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, m := range f.requests {
		if m == method {
			n++
		}
	}
	return n
}

// pair returns a store that reaches a fresh bucket through faults, and one that
// reaches it without.
func pair(t *testing.T) (broken objstore.Store, through *faulty, clean objstore.Store) {
	t.Helper()
	c := s3test.Config(t)
	c.Pause = time.Millisecond
	open := func() objstore.Store {
		store, err := s3store.Open(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		return store
	}
	clean = open()
	through = new(faulty)
	c.HTTPClient = through
	return open(), through, clean
}

func modes() map[string]fault {
	return map[string]fault{
		"connection lost before":      drops(false),
		"connection lost after":       drops(true),
		"500 before":                  answers(500, "InternalError", false),
		"500 after":                   answers(500, "InternalError", true),
		"502 without a code, after":   answers(502, "", true),
		"503 SlowDown":                answers(503, "SlowDown", false),
		"503 after":                   answers(503, "ServiceUnavailable", true),
		"409 conflict":                answers(409, "ConditionalRequestConflict", false),
		"409 operation aborted":       answers(409, "OperationAborted", false),
		"412 after, by a proxy":       answers(412, "PreconditionFailed", true),
		"400 RequestTimeout":          answers(400, "RequestTimeout", false),
		"429 too many requests":       answers(429, "TooManyRequests", false),
		"403 denied":                  answers(403, "AccessDenied", false),
		"connection refused":          refusesDial,
		"garbage instead of an error": answers(500, "<<<", true),
	}
}

// scene is a conditional write, and what is there before.
type scene struct {
	name  string
	wins  bool // without faults
	write func(ctx context.Context, store objstore.Store, old objstore.Version) (objstore.Version, error)
	there string
	stale bool
}

func scenes() []scene {
	create := func(ctx context.Context, store objstore.Store, _ objstore.Version) (objstore.Version, error) {
		return store.Create(ctx, "key", []byte("ours"))
	}
	swap := func(ctx context.Context, store objstore.Store, old objstore.Version) (objstore.Version, error) {
		return store.Swap(ctx, "key", []byte("ours"), old)
	}
	return []scene{
		{name: "create", wins: true, write: create},
		{name: "create of a taken key", write: create, there: "theirs"},
		{name: "swap", wins: true, write: swap, there: "theirs"},
		{name: "swap of a stale version", write: swap, there: "theirs", stale: true},
	}
}

// TestLostAnswers breaks each request of each conditional write in each way: the
// outcome reported is the true one. A single fault never leaves a winner in doubt,
// unless it was refused for want of rights.
func TestLostAnswers(t *testing.T) {
	s3test.Start(t)
	for name, mode := range modes() {
		for _, scene := range scenes() {
			for at := range 4 {
				t.Run(fmt.Sprintf("%s/%s/request %d", name, scene.name, at), func(t *testing.T) {
					broken, through, clean := pair(t)
					old := prepare(t, clean, scene)
					through.plan = func(n int, _ *http.Request) fault {
						if n == at {
							return mode
						}
						return nil
					}
					version, err := scene.write(t.Context(), broken, old)
					outcome := verify(t, clean, version, err)
					switch {
					case scene.wins && outcome != objstore.Done && !strings.HasPrefix(name, "403"):
						t.Errorf("outcome of a write that nobody competed with = %v: %v", outcome, err)
					case !scene.wins && outcome == objstore.Done:
						t.Errorf("a write that had lost was done")
					}
				})
			}
		}
	}
}

func prepare(t *testing.T, clean objstore.Store, s scene) objstore.Version {
	t.Helper()
	if s.there == "" {
		return ""
	}
	old, err := clean.Create(t.Context(), "key", []byte(s.there))
	if err != nil {
		t.Fatal(err)
	}
	if s.stale {
		return `"00000000000000000000000000000000"`
	}
	return old
}

// verify compares the outcome reported with what is in place.
func verify(t *testing.T, clean objstore.Store, version objstore.Version, err error) objstore.Outcome {
	t.Helper()
	body, info, getErr := clean.Get(t.Context(), "key")
	if getErr != nil && !errors.Is(getErr, objstore.ErrNotExist) {
		t.Fatal(getErr)
	}
	ours := string(body) == "ours"
	outcome := objstore.OutcomeOf(err)
	switch {
	case outcome == objstore.Done && !ours:
		t.Errorf("reported done, but %q is in place", body)
	case outcome == objstore.Done && version != info.Version:
		t.Errorf("reported version %q, in place is %q", version, info.Version)
	case outcome == objstore.NotDone && ours:
		t.Errorf("reported not done (%v), but it is in place", err)
	}
	return outcome
}

func TestFaultsThatStay(t *testing.T) {
	s3test.Start(t)
	for _, c := range []struct {
		mode string
		want error
	}{
		{"connection lost before", objstore.ErrUnknown},
		{"connection lost after", objstore.ErrUnknown},
		{"500 after", objstore.ErrUnknown},
		{"503 SlowDown", objstore.ErrUnknown},
		{"409 conflict", objstore.ErrRefused}, // nobody won, and certainly not somebody else
		{"403 denied", objstore.ErrRefused},
		{"connection refused", objstore.ErrRefused},
	} {
		for _, scene := range scenes() {
			t.Run(c.mode+"/"+scene.name, func(t *testing.T) {
				broken, through, clean := pair(t)
				old := prepare(t, clean, scene)
				mode := modes()[c.mode]
				through.plan = func(int, *http.Request) fault { return mode }
				version, err := scene.write(t.Context(), broken, old)
				verify(t, clean, version, err)
				if !errors.Is(err, c.want) {
					t.Errorf("error = %v, want %v", err, c.want)
				}
				if errors.Is(err, objstore.ErrExist) || errors.Is(err, objstore.ErrChanged) {
					t.Errorf("error = %v names a winner that nobody saw", err)
				}
			})
		}
	}
}

func TestTheSDKNeverRepeatsAConditionalWrite(t *testing.T) {
	broken, through, _ := pair(t)
	through.plan = func(n int, _ *http.Request) fault {
		if n == 0 {
			return answers(500, "InternalError", true)
		}
		return nil
	}
	if _, err := broken.Create(t.Context(), "key", []byte("ours")); err != nil {
		t.Fatal(err)
	}
	if puts, heads := through.count(http.MethodPut), through.count(http.MethodHead); puts != 1 || heads != 1 {
		t.Errorf("%d PUT and %d HEAD, want 1 and 1", puts, heads)
	}
}

// TestSomebodyElseDuringALostAnswer has another writer act between our request and
// our reading back.
func TestSomebodyElseDuringALostAnswer(t *testing.T) {
	s3test.Start(t)
	for _, c := range []struct {
		name    string
		applied bool // our first attempt arrives
		create  bool
		want    error
	}{
		// Ours was in place and is built upon: that is unknown to us, as nothing in place is ours.
		{"swapped over our swap", true, false, objstore.ErrUnknown},
		{"swapped over our create", true, true, objstore.ErrUnknown},
		// Theirs replaced what ours was to replace, so ours cannot have happened.
		{"swapped instead of our swap", false, false, objstore.ErrChanged},
		{"created instead of our create", false, true, objstore.ErrExist},
	} {
		t.Run(c.name, func(t *testing.T) {
			broken, through, clean := pair(t)
			var old objstore.Version
			if !c.create {
				var err error
				if old, err = clean.Create(t.Context(), "key", []byte("start")); err != nil {
					t.Fatal(err)
				}
			}
			through.plan = func(n int, _ *http.Request) fault {
				if n > 0 {
					return nil
				}
				return func(_ *http.Request, next func() (*http.Response, error)) (*http.Response, error) {
					if c.applied {
						if err := forget(next()); err != nil {
							return nil, err
						}
					}
					_, err := objstore.Commit(t.Context(), clean, "key", func(old []byte) ([]byte, error) {
						return append(old, " and theirs"...), nil
					})
					if err != nil {
						t.Errorf("the other writer: %v", err)
					}
					return nil, lost()
				}
			}
			var err error
			if c.create {
				_, err = broken.Create(t.Context(), "key", []byte("ours"))
			} else {
				_, err = broken.Swap(t.Context(), "key", []byte("ours"), old)
			}
			if !errors.Is(err, c.want) {
				t.Errorf("error = %v, want %v", err, c.want)
			}
		})
	}
}

func TestAContextThatEndsLeavesTheOutcomeUnknown(t *testing.T) {
	broken, through, _ := pair(t)
	ctx, cancel := context.WithCancel(t.Context())
	through.plan = func(int, *http.Request) fault {
		return func(_ *http.Request, next func() (*http.Response, error)) (*http.Response, error) {
			err := forget(next())
			cancel()
			return nil, errors.Join(err, context.Canceled)
		}
	}
	_, err := broken.Create(ctx, "key", []byte("ours"))
	if !errors.Is(err, objstore.ErrUnknown) || !errors.Is(err, context.Canceled) {
		t.Errorf("Create = %v, want ErrUnknown because of the context", err)
	}
}

// spoils changes the body of an answer and leaves its head as it is.
func spoils(change func(body []byte) []byte) fault {
	return func(_ *http.Request, next func() (*http.Response, error)) (*http.Response, error) {
		response, err := next()
		if err != nil {
			return nil, err
		}
		body, err := io.ReadAll(response.Body)
		if err = errors.Join(err, response.Body.Close()); err != nil {
			return nil, err
		}
		response.Body = io.NopCloser(bytes.NewReader(change(body)))
		return response, nil
	}
}

func TestSpoiltBodiesAreReadAgain(t *testing.T) {
	broken, through, clean := pair(t)
	want := bytes.Repeat([]byte("0123456789"), 10_000)
	if _, err := clean.Create(t.Context(), "key", want); err != nil {
		t.Fatal(err)
	}
	flip := func(body []byte) []byte { body[len(body)/2] ^= 1; return body }
	short := func(body []byte) []byte { return body[:len(body)/2] }
	long := func(body []byte) []byte { return append(body, 'x') }
	dropChecksum := func(_ *http.Request, next func() (*http.Response, error)) (*http.Response, error) {
		response, err := spoils(flip)(nil, next)
		if err == nil {
			for name := range response.Header {
				if strings.HasPrefix(strings.ToLower(name), "x-amz-checksum") {
					response.Header.Del(name)
				}
			}
		}
		return response, err
	}
	whole := func(store objstore.Store) ([]byte, error) {
		body, _, err := store.Get(t.Context(), "key")
		return body, err
	}
	part := func(store objstore.Store) ([]byte, error) {
		return store.GetRange(t.Context(), "key", 0, int64(len(want)))
	}
	for _, c := range []struct {
		name  string
		spoil fault
		read  func(objstore.Store) ([]byte, error)
	}{
		{"cut", spoils(short), whole},
		{"flipped bit", spoils(flip), whole},
		{"flipped bit, no checksum from the server", dropChecksum, whole},
		{"cut range", spoils(short), part},
		{"long range", spoils(long), part},
	} {
		times := 0
		through.plan = func(int, *http.Request) fault {
			if times++; times == 1 {
				return c.spoil
			}
			return nil
		}
		if body, err := c.read(broken); err != nil || !bytes.Equal(body, want) {
			t.Errorf("%s once: %d bytes, %v; want the object", c.name, len(body), err)
		}
		if times < 2 {
			t.Errorf("%s once: not read again", c.name)
		}
		through.plan = func(int, *http.Request) fault { return c.spoil }
		if body, err := c.read(broken); !errors.Is(err, objstore.ErrCorrupt) || body != nil {
			t.Errorf("%s always: %d bytes, %v; want ErrCorrupt", c.name, len(body), err)
		}
	}
}

func TestListingsAreNeverSilentlyPartial(t *testing.T) {
	broken, through, clean := pair(t)
	const objects = 1003 // more than a page
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			for i := worker; i < objects; i += 8 {
				if _, err := clean.Put(t.Context(), fmt.Sprintf("n/%04d", i), nil); err != nil {
					t.Errorf("Put = %v", err)
				}
			}
		})
	}
	all.Wait()
	list := func() (n int, last error) {
		for _, err := range broken.List(t.Context(), "n/", "") {
			if err != nil {
				return n, err
			}
			n++
		}
		return n, nil
	}
	cut := spoils(func(body []byte) []byte { return body[:len(body)/2] })
	for page := range 2 {
		begun := len(through.requests)
		through.plan = func(n int, _ *http.Request) fault {
			if n == begun+page {
				return cut
			}
			return nil
		}
		if n, err := list(); n != objects || err != nil {
			t.Errorf("page %d broken once: %d objects, %v; want %d", page, n, err, objects)
		}
		through.plan = func(n int, _ *http.Request) fault {
			if n >= begun+page {
				return cut
			}
			return nil
		}
		if n, err := list(); err == nil {
			t.Errorf("page %d broken for good: %d objects and no error", page, n)
		}
	}
	through.plan = func(int, *http.Request) fault { return answers(404, "NoSuchBucket", false) }
	if _, err := list(); !errors.Is(err, objstore.ErrRefused) {
		t.Errorf("List without a bucket = %v, want ErrRefused", err)
	}
	if _, _, err := broken.Get(t.Context(), "n/0000"); errors.Is(err, objstore.ErrNotExist) {
		t.Errorf("Get without a bucket = %v, must not look like an absent object", err)
	}
}
