package main

import (
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// What one process takes on at most, whatever comes.
const (
	// maxConnections bounds what connections hold that say nothing: some 20 KiB each.
	maxConnections = 2048
	// bodyGrace and bodyRate are the slowest body that is waited for: it may pause at
	// its start, then has to bring a mobile line's worst.
	bodyGrace = 5 * time.Second
	bodyRate  = 8 << 10 // bytes a second
	// serveMemory is where Go begins to collect harder than it would by itself, of the
	// 256 MiB that serve may take: the rest is the program and what the system keeps
	// for it. GOMEMLIMIT in the environment says otherwise.
	serveMemory = 160 << 20
)

// boundMemory holds the process to serveMemory.
func boundMemory(sys *system) {
	if sys.SetMemoryLimit != nil && sys.Getenv("GOMEMLIMIT") == "" {
		sys.SetMemoryLimit(serveMemory)
	}
}

// crowdListener takes at most max connections at once. One more is told so in a
// line and closed, since one that waits in the system's queue looks alive to its
// sender and to a proxy.
type crowdListener struct {
	net.Listener

	max  int64
	open atomic.Int64
}

// fullReply asks to come back; there is no request yet that it could answer.
const fullReply = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

// Accept implements net.Listener.
func (l *crowdListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if l.open.Add(1) <= l.max {
			return &crowdConn{Conn: conn, leave: sync.OnceFunc(func() { l.open.Add(-1) })}, nil
		}
		l.open.Add(-1)
		_ = conn.SetWriteDeadline(time.Now().Add(100 * time.Millisecond)) // it fits the socket's buffer
		_, _ = io.WriteString(conn, fullReply)
		_ = conn.Close()
	}
}

type crowdConn struct {
	net.Conn

	leave func()
}

// Close implements net.Conn.
func (c *crowdConn) Close() error {
	c.leave()
	return c.Conn.Close()
}

// impatient cuts senders off whose body comes more slowly than bodyRate.
func impatient(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body != nil && r.Body != http.NoBody {
			begun := time.Now()
			r.Body = &hurried{ReadCloser: r.Body, control: http.NewResponseController(w), begun: begun, last: begun.Add(readTimeout)}
		}
		next.ServeHTTP(w, r)
	})
}

// hurried is a body that has a later deadline for every byte it brings, up to the
// server's own.
type hurried struct {
	io.ReadCloser

	control *http.ResponseController
	begun   time.Time
	last    time.Time
	got     int64
	over    bool
}

// Read implements io.Reader.
func (h *hurried) Read(p []byte) (int, error) {
	if !h.over {
		deadline := h.begun.Add(bodyGrace + time.Duration(h.got)*(time.Second/bodyRate))
		if deadline.After(h.last) {
			deadline = h.last
		}
		if err := h.control.SetReadDeadline(deadline); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return 0, err
		}
	}
	n, err := h.ReadCloser.Read(p)
	h.got += int64(n)
	if errors.Is(err, io.EOF) && !h.over {
		// The work that follows may take longer than the body might have.
		h.over = true
		_ = h.control.SetReadDeadline(time.Time{})
	}
	return n, err
}
