package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/schema"
	"github.com/leadlake/leadlake/lib/spreadsheet"
)

// finish writes the report, then the register, and moves the file. Each step may
// be done again; the original goes only once all is durable.
func (p *Pipeline) finish(ctx context.Context, file dropped, src *inboxFile, report SheetReport, w *sheetStore) error {
	name, err := p.freeName(ctx, inboxDone, file, src.sha256, reportSuffix)
	if err != nil {
		return err
	}
	body, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		return err
	}
	key := inboxDone + file.kind + "/" + fitName(name, reportSuffix)
	if report.Stored > 0 {
		_, err = p.store.Put(ctx, key, body)
	} else { // of a file that came again the first report says more
		err = p.createOnce(ctx, key, body)
	}
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	if err := w.register.save(ctx); err != nil {
		return err
	}
	return p.move(ctx, file, src, inboxDone+file.kind+"/"+name)
}

// tooLarge says once what to do about a file that nobody can hold at once; it
// stays where it is.
func (p *Pipeline) tooLarge(ctx context.Context, file dropped, total *InboxReport) error {
	fault := &spreadsheet.FileError{File: file.name, Reason: "the file is larger than " + strconv.Itoa(MaxSheetBytes>>20) + " MiB; split it and delete this one"}
	body, err := p.told(file, "", fault, "too_large")
	if err != nil {
		return err
	}
	_, err = p.store.Create(ctx, inboxFailed+file.kind+"/"+fitName(file.name, errorSuffix), body)
	if err == nil {
		total.Failed++
	} else if !errors.Is(err, objstore.ErrExist) {
		return fmt.Errorf("refuse file: %w", err)
	}
	return nil
}

// fail puts a file aside with what is wrong with it and what to do.
func (p *Pipeline) fail(ctx context.Context, file dropped, src *inboxFile, fault error, reason string) error {
	name, err := p.freeName(ctx, inboxFailed, file, src.sha256, errorSuffix)
	if err != nil {
		return err
	}
	body, err := p.told(file, src.sha256, fault, reason)
	if err != nil {
		return err
	}
	if _, err := p.store.Put(ctx, inboxFailed+file.kind+"/"+fitName(name, errorSuffix), body); err != nil {
		return fmt.Errorf("put file aside: %w", err)
	}
	if err := p.move(ctx, file, src, inboxFailed+file.kind+"/"+name); err != nil {
		return err
	}
	p.log.WarnContext(ctx, "file not imported", slog.String("kind", file.kind), slog.String("sha256", src.sha256), slog.String("reason", reason))
	return nil
}

// told is what stands beside a file that was not imported.
func (p *Pipeline) told(file dropped, sum string, fault error, reason string) ([]byte, error) {
	told := struct {
		File   string    `json:"file"`
		SHA256 string    `json:"sha256,omitempty"`
		At     time.Time `json:"at"`
		Reason string    `json:"reason"`
		Row    int       `json:"row,omitempty"`
		Column string    `json:"column,omitempty"`
		Detail string    `json:"detail"`
		ToDo   string    `json:"to_do"`
	}{
		File: file.name, SHA256: sum, At: schema.Times(p.now()), Reason: reason, Detail: fault.Error(),
		ToDo: "Correct the file and drop it again; or drop it again with the answer beside it, in " + file.name + OptionsSuffix +
			` with the keys map, charset, delimiter, sheet, date, decimal, currency, for example {"map": "date=Дата оплаты", "decimal": "comma"}; ` +
			"`leadlake import -dry-run` shows what is recognised.",
	}
	if e, ok := errors.AsType[*spreadsheet.FileError](fault); ok {
		told.Row, told.Column = e.Row, e.Column
	}
	return json.MarshalIndent(told, "", "  ")
}

// freeName is the file's name in a folder, or one that ends in its hash where
// another file of this name stands there.
func (p *Pipeline) freeName(ctx context.Context, prefix string, file dropped, sum, suffix string) (string, error) {
	name := fitName(file.name, "")
	body, _, err := p.store.Get(ctx, prefix+file.kind+"/"+fitName(name, suffix))
	switch {
	case err == nil:
		var told struct {
			SHA256 string `json:"sha256"`
		}
		if json.Unmarshal(body, &told) == nil && told.SHA256 == sum {
			return name, nil
		}
	case !errors.Is(err, objstore.ErrNotExist):
		return "", fmt.Errorf("look for file of the same name: %w", err)
	default:
		if _, err := p.store.Head(ctx, prefix+file.kind+"/"+name); errors.Is(err, objstore.ErrNotExist) {
			return name, nil
		} else if err != nil {
			return "", fmt.Errorf("look for file of the same name: %w", err)
		}
	}
	end := path.Ext(name)
	return fitName(strings.TrimSuffix(name, end), "-"+sum[:12]+end), nil
}

// move copies the file, and deletes the original if it still is what was copied.
// The claim goes last: as long as the file is there, it counts.
func (p *Pipeline) move(ctx context.Context, file dropped, src *inboxFile, to string) error {
	body := make([]byte, src.size)
	if n, err := src.ReadAt(body, 0); n < len(body) {
		return fmt.Errorf("copy file: %w", err)
	}
	if err := p.createOnce(ctx, to, body); err != nil {
		return err
	}
	now, err := p.store.Head(ctx, file.Key)
	if err != nil && !errors.Is(err, objstore.ErrNotExist) {
		return fmt.Errorf("move file: %w", err)
	}
	keys := []string{file.Key, file.Key + OptionsSuffix, workKey(file)}
	if err == nil && now.Version != src.version {
		keys = nil // another file under this name: it is for the next look
	}
	for _, key := range keys {
		if err := p.store.Delete(ctx, key); err != nil && !errors.Is(err, objstore.ErrKey) {
			return fmt.Errorf("move file: %w", err)
		}
	}
	return nil
}

func (p *Pipeline) createOnce(ctx context.Context, key string, body []byte) error {
	if _, err := p.store.Create(ctx, key, body); err != nil && !errors.Is(err, objstore.ErrExist) {
		return fmt.Errorf("write %s: %w", objstore.Quote(path.Dir(key)), err)
	}
	return nil
}

// fitName appends a suffix to a name, of which it keeps as much as a key takes.
func fitName(name, suffix string) string {
	const most = 200 - len("-0123456789ab") // room for a hash
	runes := []rune(name)
	for len(runes) > 1 && len(string(runes))+len(suffix) > most {
		runes = runes[:len(runes)-1]
	}
	return string(runes) + suffix
}
