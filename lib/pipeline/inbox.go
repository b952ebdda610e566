package pipeline

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/schema"
	"github.com/leadlake/leadlake/lib/spreadsheet"
	"github.com/leadlake/leadlake/lib/webhook"
)

// Folders of the inbox. A file in inbox/<kind>/ is read once and moved to
// inbox/done/<kind>/ or inbox/failed/<kind>/.
const (
	InboxPrefix   = "inbox/"
	inboxDone     = "inbox/done/"
	inboxFailed   = "inbox/failed/"
	inboxWork     = "inbox/work/"     // what is being imported, and since when
	inboxRegister = "inbox/register/" // what was imported ever; see register

	// OptionsSuffix is what the name of a file's answers ends in (SheetOptions).
	OptionsSuffix = ".options.json"
	reportSuffix  = ".report.json"
	errorSuffix   = ".error.json"
)

const (
	// inboxSettle is how long a file must have stood unchanged: somebody may be
	// copying it into the folder of a directory store at this moment.
	inboxSettle = 10 * time.Second
	// Of one raw object. A crash costs at most what was not registered yet.
	inboxGroupRows  = 4000
	inboxGroupBytes = 8 << 20
	inboxSaveRows   = 100_000
	// Files up to this size are read at once, larger ones in pieces.
	inboxWhole = 32 << 20
)

// InboxReport counts what one look into the inbox did.
type InboxReport struct {
	Files   int `json:"files"`   // imported
	Failed  int `json:"failed"`  // files moved to inbox/failed/
	Waiting int `json:"waiting"` // files that are too fresh
	Stored  int `json:"stored"`  // deliveries made of them
	Known   int `json:"known"`   // records that were imported before
}

// SheetReport is what stands beside a finished file. It holds no personal data.
type SheetReport struct {
	File    string         `json:"file"`
	SHA256  string         `json:"sha256"`
	SeenAt  time.Time      `json:"seen_at"`
	Rows    int            `json:"rows"`    // of the file, in deliveries
	Records int            `json:"records"` // rows, or orders of several rows, or days of a campaign
	Stored  int            `json:"stored"`  // records that became deliveries
	Known   int            `json:"known"`   // records that were imported before
	Faults  map[string]int `json:"faults"`  // records that could not be understood, by reason; they stand in lake/failed
	Notes   int            `json:"notes"`   // optional cells that could not be read
	Columns []string       `json:"columns"` // what was recognised
}

// claim pins what an import depends on, so that one that was broken off goes on
// with the same bytes.
type claim struct {
	Key     string       `json:"key"` // of the file
	SHA256  string       `json:"sha256"`
	SeenAt  time.Time    `json:"seen_at"`
	Options SheetOptions `json:"options"`
}

// dropped is a file in the inbox.
type dropped struct {
	objstore.Info

	kind, name string
}

// lookIntoInbox imports every file that waits. A fault of the store ends the work
// on its file, which is taken up again by the next look; it does not hold up the
// others.
func (p *Pipeline) lookIntoInbox(ctx context.Context) (InboxReport, error) {
	var report InboxReport
	files, strange, begun, err := p.listInbox(ctx)
	if err != nil {
		return report, fmt.Errorf("pipeline: inbox: %w", err)
	}
	var faults []error
	for _, key := range begun {
		if err := p.forgetClaim(ctx, key); err != nil {
			faults = append(faults, err)
		}
	}
	for _, file := range strange {
		if err := p.refuseStrange(ctx, file); err != nil {
			faults = append(faults, err)
			continue
		}
		report.Failed++
	}
	if len(files) > 0 {
		cfg, err := p.Config(ctx)
		if err != nil {
			return report, err
		}
		var seen time.Time
		for _, file := range files {
			if err := ctx.Err(); err != nil {
				faults = append(faults, err)
				break
			}
			if err := p.importFile(ctx, cfg, file, &seen, &report); err != nil {
				faults = append(faults, err)
			}
		}
	}
	if err := errors.Join(faults...); err != nil {
		return report, fmt.Errorf("pipeline: inbox: %w", err)
	}
	return report, nil
}

// DropSheet puts a file with its answers into the inbox. The same file again
// changes nothing; another one under the name of a file that waits is refused.
func (p *Pipeline) DropSheet(ctx context.Context, kind, name string, body []byte, options SheetOptions) error {
	key := InboxPrefix + kind + "/" + name
	if passing(name) || strings.HasSuffix(name, OptionsSuffix) {
		return fmt.Errorf("pipeline: inbox: %w: files of this name are left alone there; rename it", objstore.ErrKey)
	}
	old, _, err := p.store.Get(ctx, key)
	switch {
	case err == nil && bytes.Equal(old, body):
		return nil
	case err == nil:
		return fmt.Errorf("pipeline: inbox: %w: another file of this name waits; rename this one", objstore.ErrExist)
	case !errors.Is(err, objstore.ErrNotExist):
		return fmt.Errorf("pipeline: inbox: %w", err)
	}
	sum := sha256.Sum256(body)
	options.SHA256 = hex.EncodeToString(sum[:])
	answers, err := json.Marshal(options)
	if err != nil {
		return err
	}
	// The answers first: without them the file might be read otherwise.
	if _, err := p.store.Put(ctx, key+OptionsSuffix, answers); err != nil {
		return fmt.Errorf("pipeline: inbox: %w", err)
	}
	if _, err := p.store.Create(ctx, key, body); err != nil {
		return fmt.Errorf("pipeline: inbox: %w", err)
	}
	return nil
}

// listInbox gives the files to import, those that stand where none is read, and
// the claims of files that are not there any more.
func (p *Pipeline) listInbox(ctx context.Context) (files, strange []dropped, begun []string, err error) {
	claimed := map[string]bool{}
	for info, err := range p.store.List(ctx, InboxPrefix, "") {
		if err != nil {
			return nil, nil, nil, fmt.Errorf("list: %w", err)
		}
		kind, name, _ := strings.Cut(strings.TrimPrefix(info.Key, InboxPrefix), "/")
		file := dropped{Info: info, kind: kind, name: name}
		switch {
		case kind == "work":
			begun = append(begun, info.Key)
		case kind == "done", kind == "failed", kind == "register", passing(path.Base(info.Key)):
		case slices.Contains(config.InboxKinds(), kind) && name != "" && !strings.Contains(name, "/"):
			if !strings.HasSuffix(name, OptionsSuffix) {
				files = append(files, file)
				claimed[workKey(file)] = true
			}
		default:
			strange = append(strange, file)
		}
	}
	// What was dropped last is imported last: of two exports the later one counts.
	slices.SortStableFunc(files, func(a, b dropped) int { return a.ModifiedAt.Compare(b.ModifiedAt) })
	return files, strange, slices.DeleteFunc(begun, func(key string) bool { return claimed[key] }), nil
}

// forgetClaim removes what a move left that was broken off behind its last but one
// step: the claim, and the answers that were for the moved file.
func (p *Pipeline) forgetClaim(ctx context.Context, key string) error {
	body, _, err := p.store.Get(ctx, key)
	if errors.Is(err, objstore.ErrNotExist) {
		return nil
	}
	var old claim
	if err == nil {
		err = json.Unmarshal(body, &old)
	}
	if err != nil {
		return fmt.Errorf("read claim: %w", err)
	}
	file := dropped{Info: objstore.Info{Key: old.Key}}
	if _, err := p.store.Head(ctx, old.Key); err == nil {
		return nil // dropped since the listing
	} else if !errors.Is(err, objstore.ErrNotExist) {
		return fmt.Errorf("look at file: %w", err)
	}
	options, err := p.sheetOptions(ctx, file)
	options.SHA256 = ""
	if err == nil && options == old.Options && options != (SheetOptions{}) {
		if err := p.store.Delete(ctx, old.Key+OptionsSuffix); err != nil {
			return fmt.Errorf("forget answers: %w", err)
		}
	}
	if err := p.store.Delete(ctx, key); err != nil {
		return fmt.Errorf("forget claim: %w", err)
	}
	return nil
}

// passing tells names that programs use for a while, or beside the files.
func passing(name string) bool {
	for _, end := range []string{".tmp", ".part", ".partial", ".crdownload", ".download"} {
		if strings.HasSuffix(strings.ToLower(name), end) {
			return true
		}
	}
	return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "~$") || strings.EqualFold(name, "Thumbs.db") || strings.EqualFold(name, "desktop.ini")
}

func (p *Pipeline) refuseStrange(ctx context.Context, file dropped) error {
	if p.fresh(file.Info) {
		return nil
	}
	src, err := p.openObject(ctx, file.Info)
	if err != nil || src == nil {
		return err
	}
	file.name = strings.ReplaceAll(strings.TrimPrefix(file.Key, InboxPrefix), "/", "_")
	file.kind = "other"
	return p.fail(ctx, file, src, &spreadsheet.FileError{File: file.name, Reason: "files are read in the folders " +
		strings.Join(config.InboxKinds(), ", ") + " of inbox/ and not below them; put it into one of these"}, "unknown_folder")
}

// fresh tells a file that may still be written. One from the future is not
// waited for: clocks may be wrong for long.
func (p *Pipeline) fresh(info objstore.Info) bool {
	age := p.now().Sub(info.ModifiedAt)
	return age >= 0 && age < inboxSettle
}

// importFile makes deliveries of one file and moves it away. seen is when the file
// before it was seen.
func (p *Pipeline) importFile(ctx context.Context, cfg *config.Config, file dropped, seen *time.Time, total *InboxReport) error {
	options, err := p.sheetOptions(ctx, file)
	if err != nil && !errors.Is(err, spreadsheet.ErrOption) {
		return err
	}
	badOptions := err
	if file.Size > MaxSheetBytes {
		return p.tooLarge(ctx, file, total)
	}
	if p.fresh(file.Info) && options.SHA256 == "" {
		total.Waiting++
		return nil
	}
	src, err := p.openObject(ctx, file.Info)
	if err != nil || src == nil {
		return err
	}
	if p.fresh(file.Info) && options.SHA256 != src.sha256 {
		total.Waiting++
		return nil
	}
	refuse := func(fault error) error {
		switch broken := src.broken(); {
		case errors.Is(broken, objstore.ErrNotExist):
			return nil // another compaction was faster
		case broken != nil:
			return fmt.Errorf("read file: %w", broken)
		}
		reason := SheetFault(fault)
		if reason == "" {
			return fault
		}
		total.Failed++
		return p.fail(ctx, file, src, fault, reason)
	}
	if badOptions != nil {
		return refuse(badOptions)
	}
	pinned, err := p.claimFile(ctx, file, src.sha256, options, *seen)
	if err != nil {
		return err
	}
	*seen = pinned.SeenAt
	sheet := Sheet{Kind: file.kind, Name: file.name, Bytes: src, Size: src.size, Options: pinned.Options, Key: p.rowKey}
	table, err := OpenSheet(cfg, sheet)
	if err != nil {
		return refuse(err)
	}
	report := SheetReport{
		File: file.name, SHA256: src.sha256, SeenAt: pinned.SeenAt, Faults: map[string]int{},
		Columns: strings.Split(strings.TrimSpace(table.Describe("en")), "\n"),
	}
	w, err := p.newSheetStore(ctx, file.kind, src.sha256, pinned.SeenAt)
	if err != nil {
		return err
	}
	err = ReadSheet(cfg, sheet, table, func(d SheetDelivery) error {
		report.Rows += d.Rows
		report.Records++
		report.Notes += len(d.Notes)
		if d.Reason != "" {
			report.Faults[d.Reason]++
		}
		return w.add(ctx, d)
	})
	if err != nil {
		return refuse(err)
	}
	if err := w.flush(ctx); err != nil {
		return err
	}
	report.Stored, report.Known = w.stored, report.Records-w.stored
	if err := p.finish(ctx, file, src, report, w); err != nil {
		return err
	}
	total.Files++
	total.Stored += report.Stored
	total.Known += report.Known
	p.log.InfoContext(ctx, "file imported", slog.String("kind", file.kind), slog.String("sha256", src.sha256), slog.Int("rows", report.Rows),
		slog.Int("records", report.Records), slog.Int("stored", report.Stored), slog.Int("known", report.Known))
	return nil
}

// sheetOptions reads the answers beside a file.
func (p *Pipeline) sheetOptions(ctx context.Context, file dropped) (SheetOptions, error) {
	var options SheetOptions
	body, _, err := p.store.Get(ctx, file.Key+OptionsSuffix)
	if errors.Is(err, objstore.ErrNotExist) || errors.Is(err, objstore.ErrKey) { // a name too long for one has none
		return options, nil
	}
	if err != nil {
		return options, fmt.Errorf("read options: %w", err)
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&options); err != nil {
		return options, &spreadsheet.FileError{
			File: file.name, Kind: spreadsheet.ErrOption,
			Reason: OptionsSuffix + " beside the file is not JSON with the keys map, charset, delimiter, sheet, date, decimal, currency",
		}
	}
	return options, nil
}

// claimFile pins the time at which a file was first seen, and its options. Who finds
// a claim of the same bytes goes on with it. The time is behind that of the file
// before, however coarse the clock is: the later of two files wins by it.
func (p *Pipeline) claimFile(ctx context.Context, file dropped, sum string, options SheetOptions, before time.Time) (claim, error) {
	options.SHA256 = ""
	mine := claim{Key: file.Key, SHA256: sum, SeenAt: schema.Times(p.now()), Options: options}
	if !mine.SeenAt.After(before) {
		mine.SeenAt = before.Add(time.Microsecond)
	}
	_, err := objstore.Commit(ctx, p.store, workKey(file), func(old []byte) ([]byte, error) {
		var found claim
		if json.Unmarshal(old, &found) == nil && found.SHA256 == sum {
			mine = found
			return old, nil
		}
		return json.Marshal(mine)
	})
	if err != nil {
		return claim{}, fmt.Errorf("claim file: %w", err)
	}
	return mine, nil
}

func workKey(file dropped) string {
	return inboxWork + file.kind + "/" + fitName(file.name, ".json")
}

// sheetStore stores the deliveries of a file that were not imported before.
type sheetStore struct {
	raw      *lake.RawWriter
	source   string
	seenAt   time.Time
	sum      string
	register *register
	rows     []schema.RawRow
	bytes    int
	stored   int
	unsaved  int
}

func (p *Pipeline) newSheetStore(ctx context.Context, kind, sum string, seenAt time.Time) (*sheetStore, error) {
	known, err := openRegister(ctx, p.store, kind)
	if err != nil {
		return nil, err
	}
	return &sheetStore{raw: lake.NewRawWriter(p.store), source: config.InboxSource(kind), seenAt: seenAt, sum: sum, register: known}, nil
}

func (w *sheetStore) add(ctx context.Context, d SheetDelivery) error {
	isNew, err := w.register.take(d.ID, d.Reason)
	if err != nil || !isNew {
		return err
	}
	w.stored++
	w.bytes += len(d.Body)
	w.rows = append(w.rows, schema.RawRow{
		Key: webhook.RawKey(w.source, d.ID, nil, w.seenAt), Source: w.source, HasID: true, ReceivedAt: w.seenAt, Method: "POST", ContentType: sheetType,
		Headers: schema.MapOf(map[string]string{"x-leadlake-file": w.sum, "x-leadlake-row": strconv.Itoa(d.Row)}),
		Body:    d.Body, Trusted: true,
	})
	if len(w.rows) < inboxGroupRows && w.bytes < inboxGroupBytes {
		return nil
	}
	if err := w.flush(ctx); err != nil {
		return err
	}
	if w.unsaved < inboxSaveRows {
		return nil
	}
	w.unsaved = 0
	return w.register.save(ctx)
}

// flush makes what was added durable.
func (w *sheetStore) flush(ctx context.Context) error {
	if len(w.rows) == 0 {
		return nil
	}
	if err := w.raw.StoreAll(ctx, w.rows); err != nil {
		return err
	}
	w.unsaved += len(w.rows)
	w.rows, w.bytes = nil, 0
	return nil
}
