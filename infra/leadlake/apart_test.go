package main

import (
	"context"
	"errors"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/objstore/filestore"
	"github.com/leadlake/leadlake/lib/objstore/storetest"
)

// owned is a worker's store beside the owner of its directory.
func owned(t *testing.T) *ownedStore {
	t.Helper()
	data := filepath.Join(t.TempDir(), "data")
	owner, err := filestore.Open(data)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = owner.Close() })
	m := &machine{store: &opened{Store: owner}}
	server := httptest.NewServer(m.controlHandler("token"))
	t.Cleanup(server.Close)
	reader, err := filestore.OpenReadOnly(data)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = reader.Close() })
	return &ownedStore{Store: reader, owner: controlFile{Address: server.Listener.Addr().String(), Token: "token"}}
}

// A worker's store keeps the contract that every other store keeps.
func TestAWorkersStoreIsAStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) objstore.Store { return owned(t) })
}

func TestAWriteWithoutItsOwnerIsUnknown(t *testing.T) {
	store := owned(t)
	store.owner.Address = "127.0.0.1:1" // nobody listens there
	if _, err := store.Create(t.Context(), "a/b", []byte("x")); !errors.Is(err, objstore.ErrUnknown) {
		t.Errorf("Create: %v, want unknown", err)
	}
	store = owned(t)
	store.owner.Token = "another"
	if _, err := store.Create(t.Context(), "a/b", []byte("x")); !errors.Is(err, objstore.ErrUnknown) {
		t.Errorf("with another token: %v, want unknown", err)
	}
	if _, err := store.Head(context.WithoutCancel(t.Context()), "a/b"); !errors.Is(err, objstore.ErrNotExist) {
		t.Errorf("with another token something was written: %v", err)
	}
}
