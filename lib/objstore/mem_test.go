package objstore_test

import (
	"testing"
	"time"

	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/objstore/storetest"
)

func TestMemKeepsTheContract(t *testing.T) {
	storetest.Run(t, func(*testing.T) objstore.Store { return new(objstore.Mem) })
}

func TestMemTakesTimeFromItsClock(t *testing.T) {
	at := time.Date(2026, 11, 20, 10, 15, 0, 0, time.FixedZone("Moscow", 3*3600))
	store := &objstore.Mem{Now: func() time.Time { return at }}
	if _, err := store.Put(t.Context(), "key", nil); err != nil {
		t.Fatal(err)
	}
	info, err := store.Head(t.Context(), "key")
	if err != nil || !info.ModifiedAt.Equal(at) || info.ModifiedAt.Location() != time.UTC {
		t.Errorf("Head = %+v, %v; want ModifiedAt %v in UTC", info, err, at.UTC())
	}
}

func TestMemKeepsAnObjectBesideAFolderOfItsName(t *testing.T) {
	store := new(objstore.Mem)
	for _, key := range []string{"a/b", "a"} {
		if _, err := store.Create(t.Context(), key, []byte(key)); err != nil {
			t.Errorf("Create(%q) = %v", key, err)
		}
	}
}
