package columnar_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/parquet-go/parquet-go"

	"github.com/leadlake/leadlake/lib/lake/columnar"
	"github.com/leadlake/leadlake/lib/schema"
)

// 450 000 rows are three row groups of 200 000, and seven records: 200 000 rows are
// three times 65 536 and one of 3 392, and 50 000 are one.
func TestRecordsOfARowGroupShareOneDictionary(t *testing.T) {
	body := written(t, orders(450_000), []parquet.WriterOption{parquet.MaxRowsPerRowGroup(200_000)})
	var rows []int64
	var groups []arrow.ArrayData
	perGroup := []int64{0, 0, 0}
	for rec, err := range columnar.Records(t.Context(), body, "token", "day") {
		if err != nil {
			t.Fatal(err)
		}
		tokens := rec.Column(0).(*array.Dictionary)
		data := tokens.Dictionary().Data()
		if len(groups) == 0 || groups[len(groups)-1] != data {
			if slices.Contains(groups, data) {
				t.Error("a dictionary came back")
			}
			data.Retain()
			groups = append(groups, data)
		}
		perGroup[len(groups)-1] += rec.NumRows()
		if first := tokens.Dictionary().(*array.String).Value(tokens.GetValueIndex(0)); first != "p"+strconv.Itoa(int(sum(rows))%7) {
			t.Errorf("row %d has token %s", sum(rows), first)
		}
		rows = append(rows, rec.NumRows())
	}
	if want := []int64{65536, 65536, 65536, 3392, 65536, 65536, 65536, 3392, 50000}; !slices.Equal(rows, want) {
		t.Errorf("records of %v rows, want %v", rows, want)
	}
	if want := []int64{200_000, 200_000, 50_000}; !slices.Equal(perGroup, want) {
		t.Errorf("dictionaries of %v rows, want %v", perGroup, want)
	}
	for i, data := range groups { // a dictionary that was kept is as it was
		if texts := array.NewStringData(data); texts.Len() != 7 || texts.Value(3) != "p"+strconv.Itoa((i*200_000+3)%7) {
			t.Errorf("dictionary %d has become %v", i, texts)
		}
	}
}

func sum(numbers []int64) (total int64) {
	for _, n := range numbers {
		total += n
	}
	return total
}

// A column that has plain pages beside coded ones is plain in every record, and has
// no dictionaries of its own.
func TestAColumnWithPlainPagesIsPlain(t *testing.T) {
	r := random{rand.New(rand.NewPCG(3, 3))}
	body := written(t, r.orders(5000), []parquet.WriterOption{parquet.DictionaryMaxBytes(900), parquet.PageBufferSize(2000)})
	for rec, err := range columnar.Records(t.Context(), body, "token", "shop") {
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := rec.Column(1).(*array.String); !ok {
			t.Errorf("token is %s, want plain text", rec.Column(1).DataType())
		}
		if _, ok := rec.Column(0).(*array.Dictionary); !ok {
			t.Errorf("shop is %s, want a dictionary", rec.Column(0).DataType())
		}
	}
	for texts, err := range dictionariesOf(t.Context(), body, "token") {
		if texts != nil || !errors.Is(err, columnar.ErrPlain) {
			t.Errorf("dictionaries %v, %v, want ErrPlain", texts, err)
		}
	}
}

func TestDictionariesAreWhatRecordsPointTo(t *testing.T) {
	body := written(t, orders(250_000), []parquet.WriterOption{parquet.MaxRowsPerRowGroup(200_000)})
	var want []string
	for rec, err := range columnar.Records(t.Context(), body, "day") {
		if err != nil {
			t.Fatal(err)
		}
		if text := rec.Column(0).(*array.Dictionary).Dictionary().String(); len(want) == 0 || want[len(want)-1] != text {
			want = append(want, text)
		}
	}
	var kept []arrow.Array
	for texts, err := range dictionariesOf(t.Context(), body, "day") {
		if err != nil {
			t.Fatal(err)
		}
		texts.Retain()
		kept = append(kept, texts)
	}
	if len(kept) != 2 || len(want) != 2 {
		t.Fatalf("%d and %d dictionaries, want 2", len(kept), len(want))
	}
	for i, texts := range kept {
		if texts.String() != want[i] || texts.Len() != 9 {
			t.Errorf("dictionary %d is %v, want %s", i, texts, want[i])
		}
		texts.Release()
	}
	for range dictionariesOf(t.Context(), body, "day") {
		break // a loop may stop
	}
}

// numbers has an int64 column in every way that one can be written.
type numbers struct {
	Plain  int64     `parquet:"plain"`
	Bare   int64     `parquet:"bare,uncompressed"`
	Delta  int64     `parquet:"delta,delta"`
	Dict   int64     `parquet:"dict,dict"`
	At     time.Time `parquet:"at,timestamp(microsecond),delta"`
	Maybe  *int64    `parquet:"maybe"`
	Text   string    `parquet:"text"`
	Single bool      `parquet:"single"`
}

func (numbers) Table() string      { return "numbers" }
func (numbers) Personal() []string { return nil }

func TestInt64sAreTheColumn(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	rows := make([]numbers, 210_000)
	for i := range rows {
		n := int64(r.Uint64())
		rows[i] = numbers{Plain: n, Bare: n, Delta: n, Dict: n % 1000, At: time.UnixMicro(n % 1e15)}
	}
	want := map[string]func(*numbers) int64{
		"plain": func(n *numbers) int64 { return n.Plain },
		"bare":  func(n *numbers) int64 { return n.Bare },
		"delta": func(n *numbers) int64 { return n.Delta },
		"dict":  func(n *numbers) int64 { return n.Dict },
		"at":    func(n *numbers) int64 { return n.At.UnixMicro() },
	}
	layouts := [][]parquet.WriterOption{nil, {parquet.DataPageVersion(1), parquet.PageBufferSize(9999)}}
	for _, options := range layouts {
		body := written(t, rows, options)
		for shift := range 3 { // wherever the file stands in memory
			body := append(make([]byte, shift, len(body)+shift), body...)[shift:]
			for column, of := range want {
				at := 0
				for page, err := range int64sOf(t.Context(), body, column) {
					if err != nil {
						t.Fatal(err)
					}
					for _, n := range page {
						if at < len(rows) && n != of(&rows[at]) {
							t.Fatalf("%s: row %d is %d, want %d", column, at, n, of(&rows[at]))
						}
						at++
					}
				}
				if at != len(rows) {
					t.Errorf("%s: %d rows, want %d", column, at, len(rows))
				}
			}
		}
		for _, column := range []string{"maybe", "text", "single", "none"} {
			for page, err := range int64sOf(t.Context(), body, column) {
				if page != nil || !errors.Is(err, columnar.ErrColumn) {
					t.Errorf("%s: %v, want ErrColumn", column, err)
				}
			}
			if column == "text" {
				continue
			}
			for texts, err := range dictionariesOf(t.Context(), body, column) {
				if texts != nil || !errors.Is(err, columnar.ErrColumn) {
					t.Errorf("dictionary of %s: %v, want ErrColumn", column, err)
				}
			}
		}
	}
}

// Lists that are empty throughout share their offsets with nobody's values, and cost
// no memory by row.
func TestEmptyListsCostNothing(t *testing.T) {
	body, err := schema.Encode(make([]schema.OrderRow, 200_000))
	if err != nil {
		t.Fatal(err)
	}
	read := func(columns ...string) float64 {
		return testing.AllocsPerRun(3, func() {
			for rec, err := range columnar.Records(t.Context(), body, columns...) {
				if err != nil || rec.Column(0).(*array.List).ListValues().Len() != 0 {
					t.Fatal(err)
				}
			}
		})
	}
	if n := read("more_tokens", "lines", "statements"); n > 5000 {
		t.Errorf("%v allocations for 4 records of 3 empty lists", n)
	}
}

// The memory of records is that of one record, not of the file.
func TestRecordsReuseTheirMemory(t *testing.T) {
	// A collection empties the pools, and what another processor put there is not found.
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	bytesOf := func(rows int) uint64 {
		body, err := schema.Encode(orders(rows))
		if err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for _, err := range columnar.Records(t.Context(), body, "revenue_minor", "order_id", "token", "lines") {
			if err != nil {
				t.Fatal(err)
			}
		}
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	bytesOf(70_000) // the codecs keep memory of their own
	if once, more := bytesOf(70_000), bytesOf(190_000); more > once+once/2 {
		t.Errorf("%d bytes for 190 000 rows, %d for 70 000", more, once)
	}
}

func TestACancelledContextEndsReading(t *testing.T) {
	body, err := schema.Encode(orders(150_000))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var last error
	turns := 0
	for _, err := range columnar.Records(ctx, body, "token") {
		last = err
		turns++
		cancel()
	}
	if turns != 2 || !errors.Is(last, context.Canceled) {
		t.Errorf("%d turns, then %v", turns, last)
	}
}

// A panic in the loop is the loop's, not the file's.
func TestAPanicOfTheCallerStaysOne(t *testing.T) {
	body, err := schema.Encode(orders(1))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if r := recover(); r != "mine" {
			t.Errorf("recovered %v", r)
		}
	}()
	for range columnar.Records(t.Context(), body, "token") {
		panic("mine")
	}
}

// readAll reads whatever bytes in every way, and every value of what comes. It gives
// the error, which must be one of the package's.
func readAll(t *testing.T, body []byte, columns ...string) error {
	t.Helper()
	var fault error
	note := func(err error) {
		if err == nil {
			return
		}
		fault = err
		if !errors.Is(err, columnar.ErrCorrupt) && !errors.Is(err, columnar.ErrColumn) && !errors.Is(err, columnar.ErrPlain) {
			t.Errorf("error %v is none of the package's", err)
		}
	}
	budget := 1 << 20 // rows: a footer may promise as many as it likes
	for rec, err := range columnar.Records(t.Context(), body, columns...) {
		note(err)
		if rec != nil {
			spell(map[string]*cells{}, rec)
			if budget -= int(rec.NumRows()); budget < 0 {
				break
			}
		}
	}
	for _, column := range []string{"shop", "token"} {
		for texts, err := range dictionariesOf(t.Context(), body, column) {
			note(err)
			if texts != nil {
				_ = texts.String()
			}
		}
	}
	for _, err := range int64sOf(t.Context(), body, "revenue_minor") {
		note(err)
	}
	return fault
}

func TestBrokenFilesAreErrors(t *testing.T) {
	for i, layout := range layouts {
		r := random{rand.New(rand.NewPCG(11, uint64(i)))}
		whole := written(t, r.orders(60), layout.options)
		if err := readAll(t, whole, columnsOf[schema.OrderRow]()...); err != nil && !errors.Is(err, columnar.ErrPlain) {
			t.Errorf("%s: %v", layout.name, err)
		}
		faults := 0
		for range 300 {
			body := slices.Clone(whole)
			switch r.IntN(4) {
			case 0:
				body = body[:r.IntN(len(body))]
			case 1:
				from := r.IntN(len(body))
				body = slices.Delete(body, from, min(len(body), from+1+r.IntN(20)))
			default:
				for range 1 + r.IntN(4) {
					body[r.IntN(len(body))] = byte(r.Uint32())
				}
			}
			if err := readAll(t, body, columnsOf[schema.OrderRow]()...); err != nil {
				faults++
			}
		}
		if faults < 100 {
			t.Errorf("%s: %d of 300 broken files are errors", layout.name, faults)
		}
	}
}

func FuzzRecords(f *testing.F) {
	for i, layout := range layouts {
		r := random{rand.New(rand.NewPCG(13, uint64(i)))}
		f.Add(written(f, r.orders(20), layout.options))
	}
	columns := columnsOf[schema.OrderRow]()
	f.Fuzz(func(t *testing.T, body []byte) { _ = readAll(t, body, columns...) })
}
