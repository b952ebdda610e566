package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/leadlake/leadlake/lib/logtest"
)

// guarded is a real server with the limits of serve, and its address.
func guarded(t *testing.T, connections int64, handler http.Handler) string {
	t.Helper()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := newServer(t.Context(), handler, logtest.New(t))
	go func() { _ = server.Serve(&crowdListener{Listener: inner, max: connections}) }()
	t.Cleanup(func() { _ = server.Close() })
	return inner.Addr().String()
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// swallow reads the body and says how much of it came.
func swallow(w http.ResponseWriter, r *http.Request) {
	n, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		w.WriteHeader(http.StatusRequestTimeout)
		return
	}
	fmt.Fprintf(w, "%d", n)
}

func TestSlowSendersAreCutOff(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the real deadlines of the server, some six seconds")
	}
	t.Parallel()
	address := guarded(t, 100, http.HandlerFunc(swallow))
	for _, tt := range []struct{ name, begin, drip string }{
		{"a head that dribbles", "POST /in/site HTTP/1.1\r\nHost: x\r\n", "X-A: 1\r\n"},
		{"a body that dribbles", "POST /in/site HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n", "x"},
		{"a body that never begins", "POST /in/site HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			conn := dial(t, address)
			begun := time.Now()
			if _, err := io.WriteString(conn, tt.begin); err != nil {
				t.Fatal(err)
			}
			go func() {
				for tt.drip != "" {
					time.Sleep(200 * time.Millisecond)
					if _, err := io.WriteString(conn, tt.drip); err != nil {
						return
					}
				}
			}()
			if err := conn.SetReadDeadline(begun.Add(15 * time.Second)); err != nil {
				t.Fatal(err)
			}
			answer, _ := io.ReadAll(conn) // a reset is as good an end as any
			if took := time.Since(begun); took > 9*time.Second || took < 3*time.Second {
				t.Errorf("cut off after %s, want about %s", took, bodyGrace)
			}
			if strings.Contains(string(answer), " 200 ") {
				t.Errorf("answered %.60q", answer)
			}
		})
	}
	t.Run("a slow line that makes progress", func(t *testing.T) {
		t.Parallel()
		conn := dial(t, address)
		if _, err := io.WriteString(conn, "POST /in/site HTTP/1.1\r\nHost: x\r\nContent-Length: 120000\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		for range 60 { // six seconds at 20 KB/s
			if _, err := io.WriteString(conn, strings.Repeat("x", 2000)); err != nil {
				t.Fatalf("cut off: %v", err)
			}
			time.Sleep(100 * time.Millisecond)
		}
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if body, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusOK || string(body) != "120000" {
			t.Errorf("status %d, %s bytes", res.StatusCode, body)
		}
	})
}

func TestOneConnectionTooManyIsToldSo(t *testing.T) {
	address := guarded(t, 3, http.HandlerFunc(swallow))
	var open []net.Conn
	for range 3 {
		conn := dial(t, address)
		open = append(open, conn)
		if _, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx"); err != nil {
			t.Fatal(err)
		}
		if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.Contains(line, " 200 ") {
			t.Fatalf("one of the first: %q, %v", line, err)
		}
	}
	extra := dial(t, address)
	answer, err := io.ReadAll(extra)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 503 ") || !strings.Contains(string(answer), "Retry-After: 1\r\n") {
		t.Errorf("one too many: %q, %v", answer, err)
	}
	if err := open[0].Close(); err != nil {
		t.Fatal(err)
	}
	for range 100 { // the server sees the end of a connection a moment later
		conn := dial(t, address)
		if _, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx"); err == nil {
			if line, _ := bufio.NewReader(conn).ReadString('\n'); strings.Contains(line, " 200 ") {
				return
			}
		}
		conn.Close()
		time.Sleep(20 * time.Millisecond)
	}
	t.Error("nobody is let in although one has left")
}
