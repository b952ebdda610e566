package schema_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/parquet-go/parquet-go"

	"github.com/leadlake/leadlake/lib/schema"
)

// written is a table as another writer might have it: other pages, other encodings.
func written[T schema.Row](t testing.TB, rows []T, options ...parquet.WriterOption) []byte {
	t.Helper()
	var out bytes.Buffer
	w := parquet.NewGenericWriter[T](&out, append([]parquet.WriterOption{parquet.Compression(&parquet.Zstd), parquet.KeyValueMetadata("leadlake.table", (*new(T)).Table())}, options...)...)
	if _, err := w.Write(rows); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func writings() map[string][]parquet.WriterOption {
	return map[string][]parquet.WriterOption{
		"small pages":           {parquet.PageBufferSize(64)},
		"pages of version 1":    {parquet.DataPageVersion(1), parquet.PageBufferSize(64)},
		"many groups":           {parquet.MaxRowsPerRowGroup(7)},
		"dictionaries cut off":  {parquet.DictionaryMaxBytes(40), parquet.PageBufferSize(200)},
		"plain, not compressed": {parquet.DefaultEncoding(&parquet.Plain), parquet.Compression(&parquet.Uncompressed)},
	}
}

// However the pages are cut and encoded, the rows are those that the library reads.
func TestRowsDoNotDependOnThePages(t *testing.T) {
	for name, options := range writings() {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(11, 12))
			same[schema.OrderRow](t, written(t, randomRows[schema.OrderRow](r, 120), options...), "status")
			same[schema.EventRow](t, written(t, randomRows[schema.EventRow](r, 120), options...), "event_id")
			same[schema.ClientRow](t, written(t, randomRows[schema.ClientRow](r, 120), options...), "city")
			same[schema.RawRow](t, written(t, randomRows[schema.RawRow](r, 120), options...), "body")
		})
	}
}

// same reads bytes in both ways, all rows and those of a value: equal rows, or both
// an error that says ErrCorrupt.
func same[T schema.Row](t *testing.T, body []byte, column string) {
	t.Helper()
	compare := func(what string, want, got []T, wantErr, err error) {
		switch {
		case (wantErr == nil) != (err == nil):
			t.Errorf("%T, %s: error %v, by value %v", *new(T), what, err, wantErr)
		case err != nil && !errors.Is(err, schema.ErrCorrupt):
			t.Errorf("%T, %s: %v, want ErrCorrupt", *new(T), what, err)
		case err == nil && firstDifference(want, got) >= 0:
			t.Errorf("%T, %s: row %d differs", *new(T), what, firstDifference(want, got))
		}
	}
	want, wantErr := schema.DecodeByValue[T](body)
	got, err := schema.Decode[T](body)
	compare("all rows", want, got, wantErr, err)
	for _, value := range []string{"", "till"} {
		want, wantErr := schema.DecodeWhereByValue[T](body, column, value)
		got, err := schema.DecodeWhere[T](body, column, value)
		compare("rows of "+value, want, got, wantErr, err)
	}
}

// A byte that broke anywhere gives the same rows in both ways, or an error in both.
func TestBrokenFilesAreReadAsByTheLibrary(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 14))
	bodies := [][]byte{written(t, randomRows[schema.OrderEventRow](r, 6), parquet.PageBufferSize(64)), written(t, randomRows[schema.OrderEventRow](r, 6), parquet.DataPageVersion(1))}
	for _, body := range append(bodies, files[schema.OrderEventRow](t, r, 6)...) {
		for range 100 {
			broken := slices.Clone(body)
			for range 1 + r.IntN(2) {
				broken[r.IntN(len(broken))] ^= byte(1 << r.IntN(8))
			}
			same[schema.OrderEventRow](t, broken, "source")
		}
	}
}

// FuzzDecode holds both readers against each other on any bytes.
func FuzzDecode(f *testing.F) {
	r := rand.New(rand.NewPCG(15, 16))
	for _, bodies := range [][][]byte{files[schema.OrderRow](f, r, 4), files[schema.OrderEventRow](f, r, 4), files[schema.ClientRow](f, r, 2), files[schema.RawRow](f, r, 3)} {
		for _, body := range bodies {
			f.Add(body)
		}
	}
	for _, options := range writings() {
		f.Add(written(f, randomRows[schema.OrderEventRow](r, 3), options...))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		same[schema.OrderRow](t, body, "status")
		same[schema.OrderEventRow](t, body, "source")
		same[schema.ClientRow](t, body, "city")
		same[schema.RawRow](t, body, "source")
	})
}
