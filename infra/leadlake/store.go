package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/objstore/filestore"
	"github.com/leadlake/leadlake/lib/objstore/s3store"
)

// defaultData is the directory of all commands but demo.
const defaultData = "leadlake-data"

// place says where the store is: a directory, or a bucket if s3 is set.
type place struct{ data, s3 string }

// register adds -data and -s3.
func (p *place) register(f *flags) {
	f.StringVar(&p.data, "data", defaultData, "the `directory` that is the store")
	f.StringVar(&p.s3, "s3", "", "a bucket as store instead, `URL` s3://bucket/prefix?endpoint=…&region=…; the token key is then in $"+tokenKeyVariable)
}

func (p place) String() string {
	if p.s3 != "" {
		return "the bucket"
	}
	return p.data
}

// exists tells whether there is a store already; a bucket is taken to be one.
func (p place) exists() error {
	if p.s3 != "" {
		return nil
	}
	if _, err := os.Stat(p.data); err != nil {
		return fmt.Errorf("there is no store at %s; `leadlake serve` makes one, -data names another", p.data)
	}
	return nil
}

// Environment of a bucket as store. A directory keeps its keys beside its data.
const (
	tokenKeyVariable  = "LEADLAKE_TOKEN_KEY" //nolint:gosec // G101: the name of a variable
	signInKeyVariable = "LEADLAKE_SIGNIN_KEY"
)

const (
	keyBytes    = 32 // of a token key, and of the seed of a sign-in key
	privateName = ".leadlake"
	// Of the keys only the sign-in key may be replaced: everybody signs in again.
	tokenKeyName  = "token.key"
	signInKeyName = "signin.key"
)

// opened is a store with the keys that belong to it.
type opened struct {
	objstore.Store

	tokenKey []byte // the key's text, as a function of the cloud gets it: a store can move
	signIn   []byte // seed of the key that signs sign-ins
	madeKey  string // the file of a token key that was made just now
	private  string // folder of what is no object; empty for a bucket
	close    func() error
}

// open opens the store as its only owner. For a directory that another process
// owns the error is [filestore.ErrLocked]. tokenKey, if not nil, is kept as the
// key of a directory that has none yet.
func (p place) open(ctx context.Context, sys *system, tokenKey []byte) (*opened, error) {
	if p.s3 != "" {
		return p.openBucket(ctx, sys)
	}
	store, err := filestore.Open(p.data)
	if err != nil {
		return nil, err
	}
	o := &opened{Store: store, private: filepath.Join(p.data, privateName), close: store.Close}
	if err := o.readKeys(ctx, tokenKey); err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return o, nil
}

// knownAnswer is the object by which the pipeline knows the right token key.
const knownAnswer = "config/token_key.json"

func (o *opened) readKeys(ctx context.Context, tokenKey []byte) error {
	if err := os.MkdirAll(o.private, 0o700); err != nil {
		return err
	}
	file := filepath.Join(o.private, tokenKeyName)
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		// A fresh key would be the wrong one for what is there already.
		if _, err := o.Head(ctx, knownAnswer); err == nil {
			return fmt.Errorf("the token key %s is missing, and another one cannot replace it; restore it from its backup", file)
		} else if !errors.Is(err, objstore.ErrNotExist) {
			return err
		}
	}
	key, made, err := keyFile(file, tokenKey)
	if err != nil {
		return fmt.Errorf("token key: %w", err)
	}
	if o.tokenKey = key; made {
		o.madeKey = file
	}
	text, _, err := keyFile(filepath.Join(o.private, signInKeyName), nil)
	if err != nil {
		return fmt.Errorf("sign-in key: %w", err)
	}
	o.signIn, err = hex.DecodeString(string(text))
	return err
}

func (p place) openBucket(ctx context.Context, sys *system) (*opened, error) {
	config, err := s3store.ParseURL(p.s3)
	if err != nil {
		return nil, wrongUse("-s3: %v", err)
	}
	key, err := environmentKey(sys, tokenKeyVariable)
	if err != nil {
		return nil, err
	}
	if key == "" {
		return nil, fmt.Errorf("a bucket needs its token key in $%s, %d random bytes in hex: openssl rand -hex %d; keep it for ever", tokenKeyVariable, keyBytes, keyBytes)
	}
	o := &opened{tokenKey: []byte(key), close: func() error { return nil }}
	seed, err := environmentKey(sys, signInKeyVariable)
	if err != nil {
		return nil, err
	}
	if seed == "" { // sign-ins end with the process then
		o.signIn = randomKey()
	} else if o.signIn, err = hex.DecodeString(seed); err != nil || len(o.signIn) != keyBytes {
		return nil, fmt.Errorf("$%s is not %d bytes in hex", signInKeyVariable, keyBytes)
	}
	if o.Store, err = s3store.Open(ctx, config); err != nil {
		return nil, err
	}
	return o, nil
}

// environmentKey is a key that stands in a variable, or in the one that it names
// as env:NAME. No error repeats what is in it.
func environmentKey(sys *system, name string) (string, error) {
	key := strings.TrimSpace(sys.Getenv(name))
	if ref, ok := strings.CutPrefix(key, "env:"); ok {
		name, key = ref, strings.TrimSpace(sys.Getenv(ref))
		if key == "" {
			return "", fmt.Errorf("$%s is empty", name)
		}
	}
	switch {
	case strings.HasPrefix(key, "ssm:"), strings.HasPrefix(key, "secretsmanager:"):
		return "", fmt.Errorf("$%s: on one machine a secret is the key itself or env:NAME", name)
	case key != "" && len(key) < keyBytes:
		return "", fmt.Errorf("$%s: the key has fewer than %d characters", name, keyBytes)
	}
	return key, nil
}

// environmentSecret resolves the secret references of the configuration on one
// machine, where only the environment holds any.
func environmentSecret(sys *system) func(context.Context, string) (string, error) {
	return func(_ context.Context, ref string) (string, error) {
		name, ok := strings.CutPrefix(ref, "env:")
		if !ok || name == "" {
			return "", errors.New("on one machine a secret reference is env:NAME")
		}
		// An empty secret would sign anything.
		secret := strings.TrimRight(sys.Getenv(name), "\r\n")
		if secret == "" {
			return "", fmt.Errorf("$%s is empty", name)
		}
		return secret, nil
	}
}

func randomKey() []byte {
	key := make([]byte, keyBytes)
	_, _ = rand.Read(key) // never fails
	return key
}

// keyFile reads a key's text, and makes the file if it is not there: with the
// given text, or with random bytes in hex.
func keyFile(name string, text []byte) (key []byte, made bool, err error) {
	key, err = os.ReadFile(name) //nolint:gosec // G304: inside the directory the owner named
	if err == nil {
		key = bytes.TrimSpace(key)
		if len(key) < keyBytes {
			return nil, false, fmt.Errorf("%s is damaged; restore it from its backup", name)
		}
		return key, false, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, false, err
	}
	if text == nil {
		text = []byte(hex.EncodeToString(randomKey()))
	}
	return text, true, writePrivate(name, append(bytes.Clone(text), '\n'))
}

// writePrivate replaces a file that only its owner may read. It is whole and
// durable when writePrivate returns: a half-written token key would be lost data.
func writePrivate(name string, body []byte) error {
	// filestore removes .tmp- files that a crash left behind.
	file, err := os.CreateTemp(filepath.Dir(name), ".tmp-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = file.Write(body)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return syncFolder(filepath.Dir(name))
}

// syncFolder makes names in a folder durable where the system can.
func syncFolder(name string) error {
	folder, err := os.Open(name) //nolint:gosec // G304: inside the directory the owner named
	if err != nil {
		return err
	}
	_ = folder.Sync() // Windows has no such thing
	return folder.Close()
}
