package pipeline_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/leadlake/leadlake/lib/logtest"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/pipeline"
)

// handover is the i-th row of an invented ledger, one an hour.
func handover(i int) pipeline.LedgerRow {
	return pipeline.LedgerRow{
		ID: fmt.Sprintf("%016x", i*7919%100_003), At: at("2026-11-01T09:00:00Z").Add(time.Duration(i) * time.Hour), Who: "olga", Run: "0123456789abcdef", AsOf: "2026-10-31",
		Segment: "buyers", Platform: "csv", File: "contacts.csv", Rows: 120, SHA256: "00ff", Purpose: "ads", Canaries: 5,
	}
}

func TestHandoversAreReadInOrderOfTheirTime(t *testing.T) {
	w := newWorld(t)
	if rows, err := w.Handovers(t.Context(), "", ""); len(rows) != 0 || err != nil {
		t.Errorf("an empty ledger: %v, %v", rows, err)
	}
	var want []pipeline.LedgerRow
	for i := range 60 { // the first 15 on 1 November, then 24 a day
		want = append(want, handover(i))
	}
	for _, i := range []int{59, 3, 17} { // whatever the order of writing
		if err := w.LogHandover(t.Context(), want[i]); err != nil {
			t.Fatal(err)
		}
	}
	for _, row := range want {
		if err := w.LogHandover(t.Context(), row); err != nil {
			t.Fatalf("the same row again: %v", err)
		}
	}
	for _, test := range []struct {
		from, to string
		want     []pipeline.LedgerRow
	}{
		{"", "", want},
		{"2026-11-02", "", want[15:]},
		{"", "2026-11-02", want[:15]},
		{"2026-11-02", "2026-11-03", want[15:39]},
		{"2026-11-09", "", nil},
	} {
		got, err := w.Handovers(t.Context(), test.from, test.to)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("[%s, %s) (-want +got):\n%s", test.from, test.to, diff)
		}
	}
	changed := want[3]
	changed.Rows++
	if err := w.LogHandover(t.Context(), changed); !errors.Is(err, objstore.ErrExist) {
		t.Errorf("another row of the same download: %v, want ErrExist", err)
	}
}

func TestDownloadIDsComeFromTheRandomBytesGiven(t *testing.T) {
	store := &objstore.Mem{}
	open := func(random *bytes.Reader) *pipeline.Pipeline {
		c := pipeline.Config{Store: store, Now: at("2026-11-01T09:00:00Z").UTC, Logger: logtest.New(t), TokenKey: []byte("a token key that tests share")}
		if random != nil {
			c.Random = random
		}
		p, err := pipeline.New(c)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	p := open(bytes.NewReader([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8}))
	if id, err := p.NewDownloadID(); id != "0001020304050607" || err != nil {
		t.Errorf("id %q, %v", id, err)
	}
	if id, err := p.NewDownloadID(); err == nil {
		t.Errorf("id %q of bytes that ended", id)
	}
	seen := map[string]bool{}
	for p := open(nil); len(seen) < 1000; {
		id, err := p.NewDownloadID()
		if err != nil || len(id) != 16 || seen[id] {
			t.Fatalf("id %q, %v", id, err)
		}
		seen[id] = true
	}
}
