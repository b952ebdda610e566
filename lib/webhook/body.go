package webhook

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync/atomic"

	"github.com/leadlake/leadlake/lib/config"
)

// Bounds of what deliveries under way may hold together, see Config.
const (
	defaultRequests = 512
	defaultInFlight = 32 << 20
)

// expansion is how many bytes a compressed one may become (reliability §6, row
// 5): forms and JSON stay below 50, deflate itself reaches 1 029. A short body is
// allowed short runs.
const (
	expansion     = 100
	freeExpansion = 64 << 10
)

// overload counts what the deliveries under way hold. What is beyond its bounds
// is refused before its body is read.
type overload struct {
	maxRequests, maxBytes int64
	requests, bytes       atomic.Int64
}

// share is what one delivery holds. It is for one goroutine.
type share struct {
	of    *overload
	bytes int64
}

// admit lets a delivery in whose body has declared bytes (-1: not told), if there
// is room for it now. Only what has been read counts from then on, so a sender
// that declares much and sends nothing takes nobody's place.
func (o *overload) admit(declared int64) (*share, bool) {
	if o.requests.Add(1) > o.maxRequests || o.bytes.Load()+max(declared, 0) > o.maxBytes {
		o.requests.Add(-1)
		return nil, false
	}
	return &share{of: o}, true
}

func (s *share) grow(n int) bool {
	s.bytes += int64(n)
	return s.of.bytes.Add(int64(n)) <= s.of.maxBytes
}

func (s *share) release() {
	s.of.bytes.Add(-s.bytes)
	s.of.requests.Add(-1)
}

var (
	errTooLarge = errors.New("webhook: body too large")
	errNoRoom   = errors.New("webhook: too many bytes under way")
)

// firstBuffer is what a body gets that has only been promised.
const firstBuffer = 4 << 10

// readAll reads at most limit bytes, and no more than were declared (-1: not told),
// and counts every buffer it takes.
func (s *share) readAll(from io.Reader, declared, limit int64) ([]byte, error) {
	most := limit
	if declared >= 0 {
		most = min(declared, limit)
	}
	body := make([]byte, 0, min(most+1, firstBuffer)) // one byte more finds the end without growing
	if !s.grow(cap(body)) {
		return nil, errNoRoom
	}
	for {
		n, err := from.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case int64(len(body)) > most:
			return nil, errTooLarge
		case errors.Is(err, io.EOF):
			return body, nil
		case err != nil:
			return nil, err
		}
		if len(body) == cap(body) {
			more := int(min(int64(cap(body)), most+1-int64(len(body))))
			if !s.grow(more) {
				return nil, errNoRoom
			}
			body = append(make([]byte, 0, cap(body)+more), body...)
		}
	}
}

// inflate undoes gzip. What it makes is bounded like a body that came as it is,
// and by expansion.
func (s *share) inflate(sent []byte, limit int64) ([]byte, error) {
	if most := int64(len(sent))*expansion + freeExpansion; most < limit {
		limit = most
	}
	unzip, err := gzip.NewReader(bytes.NewReader(sent))
	if err != nil {
		return nil, err
	}
	body, err := s.readAll(unzip, -1, limit)
	return body, errors.Join(err, unzip.Close())
}

// readBody reads what a delivery brings within the source's limits. sent is the
// body as it came over the wire where that is another one.
func readBody(r *http.Request, source config.Source, s *share) (body, sent []byte, refusal *Reply) {
	refuse := func(status int, code, detail string) ([]byte, []byte, *Reply) {
		reply := problemReply(status, code, detail, nil)
		return nil, nil, &reply
	}
	limit := source.BodyLimit()
	tooLarge := func() ([]byte, []byte, *Reply) {
		return refuse(http.StatusRequestEntityTooLarge, "body_too_large", "the body is larger than the source may send")
	}
	coding := strings.ToLower(strings.TrimSpace(r.Header.Get("Content-Encoding")))
	zipped := source.Compressed && (coding == "gzip" || coding == "x-gzip")
	if coding != "" && coding != "identity" && !zipped {
		detail := "send the body as it is, without a content encoding"
		if source.Compressed {
			detail = "send the body as it is or compressed by gzip alone"
		}
		return refuse(http.StatusUnsupportedMediaType, "content_encoding", detail)
	}
	if r.ContentLength > limit || int64(len(r.URL.RawQuery)) > limit {
		return tooLarge()
	}
	body, err := s.readAll(r.Body, r.ContentLength, limit)
	unzipping := err == nil && zipped
	if unzipping {
		sent = body
		body, err = s.inflate(sent, limit)
	}
	switch {
	case err == nil:
		return body, sent, nil
	case errors.Is(err, errTooLarge):
		return tooLarge()
	case errors.Is(err, errNoRoom):
		return nil, nil, overloaded()
	case unzipping:
		return refuse(http.StatusBadRequest, "broken_compression", "the body is no whole gzip stream")
	case errors.Is(err, os.ErrDeadlineExceeded):
		return refuse(http.StatusRequestTimeout, "slow_body", "the body came too slowly")
	default:
		return refuse(http.StatusBadRequest, "incomplete_body", "the body broke off")
	}
}

// overloaded is the answer to what there is no room for.
func overloaded() *Reply {
	reply := problemReply(http.StatusServiceUnavailable, "overloaded", "too many deliveries are under way; send it again", nil)
	return &reply
}

// refuseOverload answers at once and ends the connection: a server that keeps it
// reads the body first.
func refuseOverload(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Retry-After", "1")
	w.Header().Set("Connection", "close")
	overloaded().write(w, r.Method)
}

// turns bounds how many bodies are taken apart at once: a parsed body is up to
// some thirty times as large as its bytes. Who waits would only wait for a
// processor otherwise.
type turns struct{ any, large chan struct{} }

// largeBody is from where on a body needs one of the few turns for large ones.
const largeBody = 64 << 10

func newTurns() turns {
	return turns{any: make(chan struct{}, 2*runtime.GOMAXPROCS(0)), large: make(chan struct{}, 2)}
}

func (t turns) take(size int, work func()) {
	if size > largeBody {
		t.large <- struct{}{}
		defer func() { <-t.large }()
	}
	t.any <- struct{}{}
	defer func() { <-t.any }()
	work()
}
