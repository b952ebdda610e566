package boot_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/leadlake/leadlake/functions/internal/boot"
	"github.com/leadlake/leadlake/lib/objstore"
)

// deaf takes writes and keeps none.
type deaf struct{ objstore.Store }

func (deaf) Put(context.Context, string, []byte) (objstore.Version, error) { return "1", nil }

func TestReadinessWritesAndReads(t *testing.T) {
	store := &objstore.Mem{}
	if err := boot.Ready(store, time.Now)(t.Context()); err != nil {
		t.Errorf("a good store: %v", err)
	}
	if err := boot.Ready(store, time.Now)(t.Context()); err != nil {
		t.Errorf("the second probe: %v", err)
	}
	readOnly := objstore.Limit(store, []objstore.Grant{{Operations: objstore.AllowRead, Prefix: ""}})
	if err := boot.Ready(readOnly, time.Now)(t.Context()); !errors.Is(err, objstore.ErrDenied) {
		t.Errorf("a read-only store: %v, want ErrDenied", err)
	}
	if err := boot.Ready(deaf{&objstore.Mem{}}, time.Now)(t.Context()); !errors.Is(err, objstore.ErrNotExist) {
		t.Errorf("a store that forgets: %v, want ErrNotExist", err)
	}
}
