package pipeline

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/spreadsheet"
	"github.com/leadlake/leadlake/lib/webhook"
)

// Limits of a dropped file.
const (
	MaxSheetRows  = 1_000_000
	MaxSheetBytes = 256 << 20
)

// SheetOptions are answers about one file, kept beside it as NAME.options.json.
// The zero value recognises everything.
type SheetOptions struct {
	Map       string `json:"map,omitempty"`     // field=column,… as spreadsheet.ParseMap reads it
	Charset   string `json:"charset,omitempty"` // as spreadsheet.Options
	Delimiter string `json:"delimiter,omitempty"`
	Sheet     string `json:"sheet,omitempty"`
	Date      string `json:"date,omitempty"`     // dmy or mdy
	Decimal   string `json:"decimal,omitempty"`  // comma or point
	Currency  string `json:"currency,omitempty"` // of sums that name none; else that of the source, else the business's
	// SHA256 of the file, in hex: it is whole, and need not be left to settle.
	SHA256 string `json:"sha256,omitempty"`
}

// Sheet is a file to import.
type Sheet struct {
	Kind    string // a folder of inbox/: orders, leads, costs or clients
	Name    string // stands in messages
	Bytes   io.ReaderAt
	Size    int64
	Options SheetOptions
	Key     []byte // makes ids of rows; the same for ever
	// Progress is told how many rows were looked at; nil = nobody asks.
	Progress func(rows int)
}

// SheetDelivery is what one record of a file becomes.
type SheetDelivery struct {
	ID     string // 32 hexadecimal digits, made of the record's content
	Body   []byte // of the delivery, a webhook.SheetRow
	Row    int    // number of the record's first row
	Reason string // why it will fail; empty for what becomes events
	Detail string // of the failure, without a value
	Notes  []*spreadsheet.RowError
	Rows   int // of the file, for which it stands
}

// OpenSheet recognises a file under a configuration. An error that matches one
// of the sentinels of package spreadsheet is the file's own fault; see SheetFault.
func OpenSheet(cfg *config.Config, s Sheet) (table *spreadsheet.Table, err error) {
	defer guardSheet(s.Name, &err)
	if s.Size > MaxSheetBytes {
		return nil, &spreadsheet.FileError{File: s.Name, Kind: spreadsheet.ErrTooMany, Reason: "the file is larger than " + strconv.Itoa(MaxSheetBytes>>20) + " MiB; split it"}
	}
	source, ok := cfg.SourceNamed(config.InboxSource(s.Kind))
	if !ok && s.Kind != "" {
		return nil, &spreadsheet.FileError{File: s.Name, Kind: spreadsheet.ErrOption, Reason: "there is no folder " + strconv.Quote(s.Kind) + " of inbox/; there are " + strings.Join(config.InboxKinds(), ", ")}
	}
	columns, err := spreadsheet.ParseMap(s.Options.Map)
	if err != nil {
		return nil, &spreadsheet.FileError{File: s.Name, Kind: spreadsheet.ErrOption, Reason: err.Error()}
	}
	currency := s.Options.Currency
	if currency == "" {
		currency = cfg.Defaults(source).Currency
	}
	opts := spreadsheet.Options{
		Kind: spreadsheet.Kind(s.Kind), Map: columns, Charset: s.Options.Charset, Delimiter: s.Options.Delimiter, Sheet: s.Options.Sheet,
		DateOrder: spreadsheet.DateOrder(s.Options.Date), Decimal: spreadsheet.DecimalStyle(s.Options.Decimal),
		Currency: currency, Location: cfg.Location(), IDKey: s.Key,
	}
	if s.Options.Map == "" { // the file's own answers go before the source's
		for _, field := range slices.Sorted(maps.Keys(source.Map)) {
			opts.Map = append(opts.Map, spreadsheet.Assignment{Field: spreadsheet.Field(field), Column: source.Map[field]})
		}
	}
	return spreadsheet.Open(s.Name, s.Bytes, s.Size, opts)
}

// RecogniseSheet says by a file's columns whether it holds orders, leads or costs.
// A client base looks like leads; it has to be said. Errors are as in OpenSheet.
func RecogniseSheet(cfg *config.Config, s Sheet) (kind string, err error) {
	s.Kind = ""
	table, err := OpenSheet(cfg, s)
	if err != nil {
		return "", err
	}
	return string(table.Kind), nil
}

// ReadSheet calls use for every delivery that a table makes, in the order of the
// file. The same record gives the same delivery whatever the file is called and
// whatever stands before or after it; a cost does so where all other costs of the
// file are the same too. An error of use ends the reading.
func ReadSheet(cfg *config.Config, s Sheet, table *spreadsheet.Table, use func(SheetDelivery) error) (err error) {
	defer guardSheet(s.Name, &err)
	source, _ := cfg.SourceNamed(config.InboxSource(s.Kind))
	w := sheetWriter{cfg: cfg, source: source, mac: hmac.New(sha256.New, s.Key), header: table.Header, again: map[[16]byte]int{}}
	opts := spreadsheet.RecordOptions{
		Evidence: func(int) string { return "file in inbox/" + s.Kind }, // a row has the same id in every file
		Statuses: spreadsheet.NewStatusWords(), MaxRows: MaxSheetRows,
	}
	if s.Progress != nil {
		opts.Progress = func(rows, pass int) {
			if pass == 2 {
				s.Progress(rows)
			}
		}
	}
	records := spreadsheet.Records(table, opts)
	if table.Kind == spreadsheet.CostsFile {
		if records, err = w.restatements(records); err != nil {
			return err
		}
	}
	for rec, err := range records {
		if err != nil {
			return err
		}
		d, err := w.delivery(rec)
		if err != nil {
			return err
		}
		if err := use(d); err != nil {
			return err
		}
	}
	return nil
}

// restatements reads all costs of a file, whose sums are in memory anyhow, and
// hashes them. A later file replaces an earlier one's figures, and may go back to
// those of the one before: so a cost is known when the same table told it, and not
// when any table did.
func (w *sheetWriter) restatements(records iter.Seq2[spreadsheet.Record, error]) (iter.Seq2[spreadsheet.Record, error], error) {
	var all []spreadsheet.Record
	whole := sha256.New() // of keyed hashes
	for rec, err := range records {
		if err != nil {
			return nil, err
		}
		all = append(all, rec)
		if rec.Fault != nil {
			continue
		}
		_, sum, err := w.write(w.row(rec))
		if err != nil {
			return nil, fmt.Errorf("write row %d: %w", rec.Rows[0].Number, err)
		}
		_, _ = whole.Write(sum[:]) // a hash never fails
	}
	w.of = hex.EncodeToString(whole.Sum(nil)[:16])
	return func(yield func(spreadsheet.Record, error) bool) {
		for _, rec := range all {
			if !yield(rec, nil) {
				return
			}
		}
	}, nil
}

// guardSheet makes a file that breaks its reader a fault of the file: it must not
// hold up the webhooks. What was thrown may quote a cell and is not kept.
func guardSheet(name string, err *error) {
	if broken := recover(); broken != nil {
		*err = &spreadsheet.FileError{File: name, Kind: spreadsheet.ErrFormat, Reason: "the file broke its reader; open it in a spreadsheet program and save it again"}
	}
}

// sheetWriter makes deliveries of records.
type sheetWriter struct {
	cfg    *config.Config
	source config.Source
	mac    hash.Hash
	header []string
	of     string           // of a costs file: see restatements
	again  map[[16]byte]int // records that could not be read → how often the same came before
}

// row is what a record says, before it has an id.
func (w *sheetWriter) row(rec spreadsheet.Record) webhook.SheetRow {
	row := webhook.SheetRow{Ref: rec.Ref, Named: rec.Named, Header: w.header, Status: rec.Status}
	for _, r := range rec.Rows {
		row.Rows = append(row.Rows, r.Cells)
	}
	if rec.Fault == nil {
		row.Event, row.Of = &rec.Event, w.of
		return row
	}
	detail := rec.Fault.Reason
	if rec.Fault.Column != "" {
		detail = "column " + strconv.Quote(rec.Fault.Column) + ": " + detail
	}
	row.Fault = &webhook.SheetFault{Reason: webhook.SheetReason(string(rec.Fault.Code)), Detail: detail}
	return row
}

func (w *sheetWriter) delivery(rec spreadsheet.Record) (SheetDelivery, error) {
	row := w.row(rec)
	body, sum, err := w.write(row)
	if err == nil && rec.Fault != nil { // nothing else tells equal rows apart, and each counts
		row.Again = w.again[sum]
		w.again[sum]++
		if row.Again > 0 {
			body, sum, err = w.write(row)
		}
	}
	if err != nil {
		return SheetDelivery{}, fmt.Errorf("write row %d: %w", rec.Rows[0].Number, err)
	}
	d := SheetDelivery{ID: hex.EncodeToString(sum[:]), Body: body, Row: rec.Rows[0].Number, Notes: rec.Notes, Rows: len(rec.Rows)}
	out := webhook.Understand(w.cfg, webhook.Delivery{
		Source: w.source, Method: "POST", ContentType: sheetType, Body: body, HasID: true, ReceivedAt: time.Unix(0, 0).UTC(), Trusted: true,
	})
	if out.Failure != nil {
		d.Reason, d.Detail = out.Failure.Reason, out.Failure.Detail
	}
	return d, nil
}

// sheetType is the content type of the deliveries.
const sheetType = "application/json"

// write gives the body of a row and the keyed hash of what it says, which is its
// id: a plain hash would give a phone number away.
func (w *sheetWriter) write(row webhook.SheetRow) (body []byte, sum [16]byte, err error) {
	row.ID = strings.Repeat("0", 2*len(sum))
	if body, err = row.Body(); err != nil {
		return nil, sum, err
	}
	w.mac.Reset()
	_, _ = w.mac.Write(body) // a hash never fails
	sum = [16]byte(w.mac.Sum(nil)[:len(sum)])
	at := bytes.Index(body, []byte(row.ID)) // the id is the first field
	hex.Encode(body[at:], sum[:])
	return body, sum, nil
}

// SheetFault is the stable reason of a file that cannot be imported as it is:
// unreadable, ambiguous, column_missing, wrong_option or too_large. Empty for an
// error that is not the file's.
func SheetFault(err error) string {
	switch {
	case errors.Is(err, spreadsheet.ErrFormat):
		return "unreadable"
	case errors.Is(err, spreadsheet.ErrAmbiguous):
		return "ambiguous"
	case errors.Is(err, spreadsheet.ErrMissing):
		return "column_missing"
	case errors.Is(err, spreadsheet.ErrOption):
		return "wrong_option"
	case errors.Is(err, spreadsheet.ErrTooMany):
		return "too_large"
	}
	return ""
}
