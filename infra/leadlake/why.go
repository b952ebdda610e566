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

	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore/filestore"
	"github.com/leadlake/leadlake/lib/pipeline"
)

func whyCommand(ctx context.Context, sys *system, args []string) error {
	f := newFlags(sys, "why [flags] CLIENT",
		"Explains a client's card: why his records are one client, what every label, code, class and\n"+
			"segment was made by, his orders and what happened when. No contact value is shown; that is\n"+
			"what `leadlake subject` is for. CLIENT is a client id or an alias, a phone or an e-mail, or\n"+
			"his id in a source's own system. It only reads, also while `serve` runs.")
	var where place
	where.register(f)
	asJSON := f.Bool("json", false, "print JSON")
	all := f.Bool("all", false, fmt.Sprintf("show the whole chronology and every order, not the last %d; JSON always does", shownEvents))
	lang := f.String("lang", "", "`language` of the text, ru or en; without it that of the business")
	asked := f.String("segment", "", "say of this `segment` alone why the client is in it, or what keeps him out")
	plain, err := f.parseMixed(args, 1, 1)
	if err != nil {
		return err
	}
	if *lang != "" && *lang != "ru" && *lang != "en" {
		return wrongUse("why: -lang %s: want ru or en", *lang)
	}
	if err := where.exists(); err != nil {
		return err
	}
	store, err := where.openReading(ctx, sys)
	if err != nil {
		return err
	}
	steps, err := pipeline.New(pipeline.Config{Store: store, Now: sys.Now, Logger: slog.New(slog.DiscardHandler), TokenKey: store.tokenKey})
	if err != nil {
		return errors.Join(err, store.close())
	}
	var w pipeline.Why
	var one pipeline.WhySegment
	if *asked != "" {
		one, err = steps.WhySegment(ctx, plain[0], *asked)
	} else {
		w, err = steps.Why(ctx, plain[0])
	}
	switch {
	case errors.Is(err, pipeline.ErrNoSegment):
		err = fmt.Errorf("why: -segment %s: neither the configuration nor the night has such a segment", *asked)
	case errors.Is(err, pipeline.ErrNoClient):
		err = fmt.Errorf("why: %s has no such client (or nothing to tell of him before the next night)", where)
	case errors.Is(err, lake.ErrNoRun):
		err = fmt.Errorf("why: %s has no night yet; `leadlake serve` makes one every night, `leadlake invoke analytics` now", where)
	case err == nil && *asked != "" && *asJSON:
		err = printJSON(sys.Stdout, one)
	case err == nil && *asked != "":
		err = printWhySegment(ctx, sys, steps, one, *lang)
	case err == nil && *asJSON:
		err = printJSON(sys.Stdout, w)
	case err == nil:
		err = printWhy(ctx, sys, steps, w, *lang, *all)
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
