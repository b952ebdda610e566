package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/leadlake/leadlake/lib/objstore/filestore"
	"github.com/leadlake/leadlake/lib/pipeline"
)

// read runs f on a store that it only reads, also while `serve` owns it.
func (p place) read(ctx context.Context, sys *system, f func(*pipeline.Pipeline) error) error {
	if err := p.exists(); err != nil {
		return err
	}
	store, err := p.openReading(ctx, sys)
	if err != nil {
		return err
	}
	steps, err := pipeline.New(pipeline.Config{Store: store, Now: sys.Now, Logger: slog.New(slog.DiscardHandler), TokenKey: store.tokenKey})
	if err == nil {
		err = f(steps)
	}
	return errors.Join(err, store.close())
}

// openReading opens a store without taking it from the process that owns it.
func (p place) openReading(ctx context.Context, sys *system) (*opened, error) {
	if p.s3 != "" {
		return p.openBucket(ctx, sys)
	}
	name := filepath.Join(p.data, privateName, tokenKeyName)
	key, err := os.ReadFile(name) //nolint:gosec // G304: inside the directory the owner named
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s has no token key, so it is no store of ours; -data names another", p.data)
	}
	if err != nil {
		return nil, err
	}
	store, err := filestore.OpenReadOnly(p.data)
	if err != nil {
		return nil, err
	}
	return &opened{Store: store, tokenKey: []byte(strings.TrimSpace(string(key))), close: store.Close}, nil
}

// checkLanguage refuses a -lang that there are no texts in; empty is the business's own.
func checkLanguage(command, lang string) error {
	if lang != "" && lang != "ru" && lang != "en" {
		return wrongUse("%s: -lang %s: want ru or en", command, lang)
	}
	return nil
}

// noNight is lake.ErrNoRun in words.
func noNight(command string, where place) error {
	return fmt.Errorf("%s: %s has no night yet; `leadlake serve` makes one every night, `leadlake invoke analytics` now", command, where)
}
