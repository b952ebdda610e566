package boot_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/leadlake/leadlake/functions/internal/boot"
	"github.com/leadlake/leadlake/lib/objstore"
)

func TestASignOutIsKnownToEveryInstance(t *testing.T) {
	store := &objstore.Mem{}
	here, there := boot.Denials{Store: store}, boot.Denials{Store: store}
	until := time.Date(2026, 11, 22, 11, 0, 0, 0, time.UTC)
	for range 2 { // twice is harmless
		if err := here.Deny(t.Context(), "token-1", until); err != nil {
			t.Fatal(err)
		}
	}
	for id, want := range map[string]bool{"token-1": true, "token-2": false} {
		if got, err := there.Denied(t.Context(), id); got != want || err != nil {
			t.Errorf("Denied(%s) = %v, %v, want %v", id, got, err, want)
		}
	}
	for info, err := range store.List(t.Context(), "", "") {
		if err != nil || strings.Contains(info.Key, "token-1") {
			t.Errorf("key %s, error %v", info.Key, err)
		}
	}
	shut := boot.Denials{Store: objstore.Limit(store, nil)}
	if _, err := shut.Denied(t.Context(), "token-1"); !errors.Is(err, objstore.ErrDenied) {
		t.Errorf("a store that refuses: %v, want its error: unknown is not signed in", err)
	}
}
