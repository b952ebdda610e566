package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leadlake/leadlake/lib/logtest"

	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore/filestore"
	"github.com/leadlake/leadlake/lib/pipeline"
	"github.com/leadlake/leadlake/lib/schema"
)

// child is a real serve process.
type child struct {
	*exec.Cmd

	address string
}

func startChild(t *testing.T, program, data string) *child {
	t.Helper()
	c := &child{Cmd: exec.CommandContext(t.Context(), program, "serve", "-listen", "127.0.0.1:0", "-data", data)}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	said := &outlet{address: make(chan string, 1)}
	c.Stderr = said
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		logtest.Expect(t, "the log of serve", said.String())
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		_ = c.Wait()
		t.Fatalf("serve did not start: %v: %s", err, said)
	}
	_, address, ok := strings.Cut(strings.TrimSpace(line), "http://")
	if !ok {
		t.Fatalf("serve said %q", line)
	}
	c.address = "http://" + address
	go func() { _, _ = io.Copy(io.Discard, out) }()
	return c
}

// buildShop builds the program, and makes a directory with the shop's configuration.
func buildShop(t *testing.T) (program, data string) {
	t.Helper()
	program = filepath.Join(t.TempDir(), "leadlake.exe")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	data = filepath.Join(t.TempDir(), "data")
	if err := os.MkdirAll(filepath.Join(data, "config"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(data, "config", "leadlake.yaml"), []byte(shopConfiguration), 0o600); err != nil {
		t.Fatal(err)
	}
	return program, data
}

// TestKilledServeLosesNothingAcknowledged kills a real process in the middle of
// 2 000 posts. Afterwards every acknowledged delivery is in the ledger exactly
// once, with its event; and sending all of them again adds only what was lost
// unacknowledged.
func TestKilledServeLosesNothingAcknowledged(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program")
	}
	program, data := buildShop(t)
	const posts, killAfter, senders = 2000, 700, 16
	server := startChild(t, program, data)
	acknowledged := sendAll(t, server.address, posts, senders, func(done int64) {
		if done == killAfter {
			_ = server.Process.Kill() // SIGKILL: no handler runs
		}
	})
	_ = server.Wait()
	if len(acknowledged) < killAfter || len(acknowledged) == posts {
		t.Fatalf("%d of %d posts were acknowledged, the kill came at %d", len(acknowledged), posts, killAfter)
	}
	server = startChild(t, program, data)
	stored := compacted(t, data)
	for id := range acknowledged {
		if stored[id] != 1 {
			t.Errorf("%s was acknowledged and is there %d times", id, stored[id])
		}
	}
	for id, n := range stored {
		if n != 1 {
			t.Errorf("%s is there %d times", id, n)
		}
	}
	again := sendAll(t, server.address, posts, senders, func(int64) {})
	if len(again) != posts {
		t.Fatalf("%d of %d posts were acknowledged by a server that lives", len(again), posts)
	}
	stored = compacted(t, data)
	if len(stored) != posts {
		t.Errorf("%d events after all was sent again, want %d", len(stored), posts)
	}
	for id, n := range stored {
		if n != 1 {
			t.Errorf("after all was sent again %s is there %d times", id, n)
		}
	}
	if err := server.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := server.Wait(); err != nil {
		t.Errorf("an interrupted serve: %v", err)
	}
}

// sendAll posts over several connections and returns the ids that were
// acknowledged; a connection that breaks is no fault of the test.
func sendAll(t *testing.T, address string, posts, senders int, after func(done int64)) map[string]bool {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: senders}, Timeout: 20 * time.Second}
	defer client.CloseIdleConnections()
	ids := make(chan string)
	var mu sync.Mutex
	acknowledged := map[string]bool{}
	var done atomic.Int64
	var all sync.WaitGroup
	for range senders {
		all.Go(func() {
			for id := range ids {
				body := fmt.Sprintf(`{"id":%q,"kind":"lead","client":{"external_id":%q}}`, id, "C-"+id)
				request, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodPost, address+"/in/site", strings.NewReader(body))
				if err != nil {
					continue
				}
				request.Header.Set("Content-Type", "application/json")
				response, err := client.Do(request)
				if err != nil {
					continue
				}
				_, err = io.Copy(io.Discard, response.Body)
				_ = response.Body.Close()
				if err == nil && response.StatusCode == http.StatusOK {
					mu.Lock()
					acknowledged[id] = true
					mu.Unlock()
					after(done.Add(1))
				}
			}
		})
	}
	for i := range posts {
		ids <- fmt.Sprintf("lead-%04d", i)
	}
	close(ids)
	all.Wait()
	return acknowledged
}

// compacted has the running serve compact, and counts each event both in the
// ledger and in the events.
func compacted(t *testing.T, data string) map[string]int {
	t.Helper()
	answer, err := perform(t.Context(), newSystem().system, place{data: data}, "invoke", invocation{Function: "compact", Event: json.RawMessage("{}")})
	if err != nil {
		t.Fatalf("compact: %v", err)
	}
	var report pipeline.CompactReport
	if err := json.Unmarshal(answer, &report); err != nil {
		t.Fatalf("compact: %+v, %v", report, err)
	}
	store, err := filestore.OpenReadOnly(data)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	days, err := lake.Days(t.Context(), store, lake.DeliveriesPrefix)
	if err != nil {
		t.Fatal(err)
	}
	listed, there := map[string]int{}, map[string]int{}
	for _, day := range days {
		deliveries, err := lake.ReadDay[schema.DeliveryRow](t.Context(), store, lake.DeliveriesPrefix, day)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range deliveries.Rows {
			if row.Outcome == schema.OutcomeEvents {
				for _, id := range row.EventIDs {
					listed[id]++
				}
			}
		}
		events, err := lake.ReadDay[schema.IdentityEventRow](t.Context(), store, lake.EventsPrefix, day)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range events.Rows {
			there[row.EventID]++
		}
	}
	for id := range listed {
		if listed[id] != there[id] {
			t.Errorf("%s is %d times in the ledger and %d times among the events", id, listed[id], there[id])
		}
	}
	if len(listed) != len(there) {
		t.Errorf("%d ids in the ledger, %d among the events", len(listed), len(there))
	}
	return listed
}
