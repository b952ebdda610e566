package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore/filestore"
	"github.com/leadlake/leadlake/lib/pipeline"
)

// importFlags are the answers of the command line.
type importFlags struct {
	where       place
	kind        string
	configFile  string
	options     pipeline.SheetOptions
	dryRun, now bool
	asJSON      bool
}

// importResult is what a file holds and what was done with it.
type importResult struct {
	File    string         `json:"file"`
	Kind    string         `json:"kind"`
	Columns []string       `json:"columns"`
	Rows    int            `json:"rows"`    // that hold something; lines of sums are left out
	Records int            `json:"records"` // rows, or orders of several rows, or days of a campaign
	Good    int            `json:"good"`    // records that become events
	Faults  map[string]int `json:"faults"`  // the others, by reason
	Notes   int            `json:"notes"`   // optional cells that could not be read
	First   []importFault  `json:"first_faults"`
	Dropped bool           `json:"dropped"` // the file waits in the inbox

	path, sha256 string
}

// importFault is a row that could not be understood; it shows no value.
type importFault struct {
	Row    int    `json:"row"`
	Reason string `json:"reason"`
	Detail string `json:"detail"`
}

// shownFaults is how many rows are named.
const shownFaults = 10

func importCommand(ctx context.Context, sys *system, args []string) error {
	var flags importFlags
	f := newFlags(sys, "import [flags] FILE...",
		"Puts tables of orders, leads, costs or clients (CSV, XLSX) into the inbox of the store, from\n"+
			"where the next compaction imports them: good rows become events, the others are kept as\n"+
			"failed with their reason, and what was imported before changes nothing. What was\n"+
			"recognised and the first faults are shown; -dry-run does that alone.")
	flags.where.register(f)
	o := &flags.options
	f.StringVar(&flags.kind, "kind", "", "what the files hold: `orders|leads|costs|clients`; without it the columns decide between the first three")
	f.BoolVar(&flags.dryRun, "dry-run", false, "only show what is recognised; no store is needed")
	f.BoolVar(&flags.now, "now", false, "import at once instead of waiting for the next compaction")
	f.StringVar(&flags.configFile, "config", "", "business configuration `file`; without it that of the store")
	f.StringVar(&o.Currency, "currency", "", "`code` of sums that name none; without it that of the configuration")
	f.readingFlags(&o.Map, &o.Charset, &o.Delimiter, &o.Sheet, &o.Date, &o.Decimal)
	f.BoolVar(&flags.asJSON, "json", false, "print the result as JSON")
	files, err := f.parseMixed(args, 1, math.MaxInt)
	if err != nil {
		return err
	}
	switch {
	case flags.kind != "" && !slices.Contains(config.InboxKinds(), flags.kind):
		return wrongUse("import: -kind %s: want one of %s", flags.kind, strings.Join(config.InboxKinds(), ", "))
	case flags.dryRun && flags.now:
		return wrongUse("import: -dry-run stores nothing, so there is nothing to do -now")
	}
	if !flags.dryRun {
		if err := flags.where.exists(); err != nil {
			return err
		}
	}
	cfg, err := flags.config(ctx, sys)
	if err != nil {
		return err
	}
	shown := &progress{sys: sys}
	defer shown.end()
	results := make([]*importResult, 0, len(files))
	for _, name := range files {
		result, err := lookAtFile(cfg, name, flags, shown)
		if err != nil {
			return err
		}
		results = append(results, result)
	}
	if !flags.dryRun {
		if err := dropFiles(ctx, sys, flags, results, shown); err != nil {
			return err
		}
	}
	shown.end()
	if flags.asJSON {
		return printJSON(sys.Stdout, results)
	}
	return printImport(sys, cfg, flags, results)
}

// config is the configuration under which the files will be imported.
func (flags *importFlags) config(ctx context.Context, sys *system) (*config.Config, error) {
	if flags.configFile != "" || flags.where.exists() != nil {
		return readConfigFile(flags.configFile)
	}
	if flags.where.s3 != "" {
		store, err := flags.where.openBucket(ctx, sys)
		if err != nil {
			return nil, err
		}
		cfg, err := lake.NewConfigSource(store, sys.Now, 0).Config(ctx)
		return cfg, errors.Join(err, store.close())
	}
	// The configuration may be there before the first serve makes the keys.
	store, err := filestore.OpenReadOnly(flags.where.data)
	if err != nil {
		return nil, err
	}
	cfg, err := lake.NewConfigSource(store, sys.Now, 0).Config(ctx)
	return cfg, errors.Join(err, store.Close())
}

// lookAtFile recognises a file and reads all of it.
func lookAtFile(cfg *config.Config, name string, flags importFlags, shown *progress) (*importResult, error) {
	in, sum, err := openInput(name)
	if err != nil {
		return nil, fmt.Errorf("import: %w", err)
	}
	defer in.file.Close() //nolint:errcheck // only read
	base := filepath.Base(name)
	shown.step("reading " + base)
	sheet := pipeline.Sheet{
		Kind: flags.kind, Name: base, Bytes: in.file, Size: in.size, Options: flags.options, Key: sum[:],
		Progress: func(rows int) { shown.countUp(rows) },
	}
	if sheet.Kind == "" {
		if sheet.Kind, err = pipeline.RecogniseSheet(cfg, sheet); err != nil {
			return nil, err
		}
	}
	table, err := pipeline.OpenSheet(cfg, sheet)
	if err != nil {
		return nil, err
	}
	result := &importResult{
		File: base, Kind: sheet.Kind, Faults: map[string]int{}, First: []importFault{}, path: name, sha256: hex.EncodeToString(sum[:]),
		Columns: strings.Split(strings.TrimRight(table.Describe(cfg.Business.Language), "\n"), "\n"),
	}
	err = pipeline.ReadSheet(cfg, sheet, table, func(d pipeline.SheetDelivery) error {
		result.Rows += d.Rows
		result.Records++
		result.Notes += len(d.Notes)
		if d.Reason == "" {
			result.Good++
			return nil
		}
		result.Faults[d.Reason]++
		if len(result.First) < shownFaults {
			result.First = append(result.First, importFault{Row: d.Row, Reason: d.Reason, Detail: d.Detail})
		}
		return nil
	})
	return result, err
}

// dropRequest asks the owner of the store to take a file of this machine.
type dropRequest struct {
	Path    string                `json:"path"` // absolute
	Kind    string                `json:"kind"`
	Name    string                `json:"name"`
	Options pipeline.SheetOptions `json:"options"`
}

// dropFiles puts the files into the inbox and, with -now, has them imported.
func dropFiles(ctx context.Context, sys *system, flags importFlags, results []*importResult, shown *progress) error {
	for _, result := range results {
		shown.step("storing " + result.File)
		absolute, err := filepath.Abs(result.path)
		if err != nil {
			return fmt.Errorf("import: %w", err)
		}
		request := dropRequest{Path: absolute, Kind: result.Kind, Name: result.File, Options: flags.options}
		request.Options.SHA256 = result.sha256
		if _, err := perform(ctx, sys, flags.where, "import", request); err != nil {
			return err
		}
		result.Dropped = true
	}
	if !flags.now {
		return nil
	}
	shown.step("importing")
	answer, err := perform(ctx, sys, flags.where, "invoke", invocation{Function: "compact", Event: json.RawMessage("{}")})
	if err != nil {
		return err
	}
	var report pipeline.CompactReport
	if err := json.Unmarshal(answer, &report); err != nil {
		return err
	}
	shown.end()
	_, err = fmt.Fprintf(sys.Stderr, "imported: %d files, %d new deliveries, %d records known before\n", report.Inbox.Files, report.Inbox.Stored, report.Inbox.Known)
	return err
}

// drop puts a file of this machine into the inbox.
func (m *machine) drop(ctx context.Context, request dropRequest) (struct{}, error) {
	var none struct{}
	if !slices.Contains(config.InboxKinds(), request.Kind) {
		return none, fmt.Errorf("import: no folder %q of the inbox", request.Kind)
	}
	file, err := os.Open(request.Path)
	if err != nil {
		return none, fmt.Errorf("import: %w", err)
	}
	body, err := io.ReadAll(io.LimitReader(file, pipeline.MaxSheetBytes+1))
	if err = errors.Join(err, file.Close()); err != nil {
		return none, fmt.Errorf("import: %w", err)
	}
	if sum := sha256.Sum256(body); hex.EncodeToString(sum[:]) != request.Options.SHA256 {
		return none, errors.New("import: the file changed while it was read; try again")
	}
	return none, m.steps.DropSheet(ctx, request.Kind, request.Name, body, request.Options)
}

func printImport(sys *system, cfg *config.Config, flags importFlags, results []*importResult) error {
	say := func(ru, en string) string {
		if cfg.Business.Language == "ru" {
			return ru
		}
		return en
	}
	var b strings.Builder
	for _, r := range results {
		b.WriteString(strings.Join(r.Columns, "\n") + "\n")
		fmt.Fprintf(&b, say("  строк: %d, записей: %d, из них понятны: %d\n", "  rows: %d, records: %d, of which understood: %d\n"), r.Rows, r.Records, r.Good)
		for _, reason := range slices.Sorted(maps.Keys(r.Faults)) {
			fmt.Fprintf(&b, "  %s: %d\n", reason, r.Faults[reason])
		}
		if r.Notes > 0 {
			fmt.Fprintf(&b, say("  необязательных ячеек не прочитано: %d\n", "  optional cells that could not be read: %d\n"), r.Notes)
		}
		for _, fault := range r.First {
			fmt.Fprintf(&b, say("  строка %d: %s: %s\n", "  row %d: %s: %s\n"), fault.Row, fault.Reason, fault.Detail)
		}
		if more := r.Records - r.Good - len(r.First); more > 0 {
			fmt.Fprintf(&b, say("  … и ещё %d\n", "  … and %d more\n"), more)
		}
	}
	switch {
	case flags.dryRun:
		b.WriteString(say("Ничего не сохранено (-dry-run).\n", "Nothing was stored (-dry-run).\n"))
	case !flags.now:
		b.WriteString(say("Файлы во входящих: их возьмёт ближайшая свёртка — у работающего `leadlake serve` каждые 5 минут, или сразу с -now.\n",
			"The files are in the inbox: the next compaction takes them, every 5 minutes while `leadlake serve` runs, or at once with -now.\n"))
	}
	_, err := io.WriteString(sys.Stdout, b.String())
	return err
}
