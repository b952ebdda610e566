package columnar_test

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/leadlake/leadlake/lib/schema"
)

// random makes rows whose columns are empty, scarce, full or all the same, each by
// its own chance.
type random struct{ *rand.Rand }

func (r random) text(distinct int) string {
	switch n := r.IntN(distinct); n % 5 {
	case 0:
		return ""
	case 1:
		return "кофе " + strconv.Itoa(n)
	case 2:
		return strings.Repeat("длинный\x00🫖 ", n%9) + strconv.Itoa(n)
	default:
		return "t" + strconv.Itoa(n)
	}
}

func (r random) texts(chance float64) []string {
	if r.Float64() >= chance {
		return nil
	}
	all := make([]string, r.IntN(4))
	for i := range all {
		all[i] = r.text(50)
	}
	return all
}

func (r random) at() time.Time {
	return time.UnixMicro(r.Int64N(2e15)).UTC()
}

func (r random) maybe(chance float64) *int64 {
	if r.Float64() >= chance {
		return nil
	}
	n := int64(r.Uint64())
	return &n
}

func (r random) items(chance float64) []schema.ItemRow {
	if r.Float64() >= chance {
		return nil
	}
	all := make([]schema.ItemRow, r.IntN(4))
	for i := range all {
		all[i] = schema.ItemRow{SKU: r.text(30), Name: r.text(3), Quantity: strconv.Itoa(r.IntN(5)), SumMinor: r.Int64N(9e5)}
	}
	return all
}

func (r random) orders(n int) []schema.OrderRow {
	rows := make([]schema.OrderRow, n)
	more, lines, statements, nulls := chance(r), chance(r), chance(r), chance(r)
	for i := range rows {
		rows[i] = schema.OrderRow{
			Shop: "main", OrderID: r.text(9999), Token: r.text(700), MoreTokens: r.texts(more), Status: r.text(4), Purchase: r.IntN(3) > 0,
			Day: "2026-01-" + strconv.Itoa(10+r.IntN(20)), At: r.at(), Currency: []string{"RUB", "RUB", "EUR"}[r.IntN(3)],
			RevenueMinor: r.Int64N(1e7), TotalMinor: int64(i) * math.MaxInt32, ReturnedMinor: int64(r.Uint64()), Lines: r.items(lines),
		}
		if r.Float64() < statements {
			for range r.IntN(3) {
				rows[i].Statements = append(rows[i].Statements, schema.StatementRow{
					EventID: r.text(1e6), At: r.at(), Tokens: r.texts(more), Status: r.text(3),
					TotalMinor: r.maybe(nulls), ShippingMinor: r.maybe(0), ReturnedMinor: r.maybe(1), HasItems: r.IntN(2) == 0,
				})
			}
		}
	}
	return rows
}

func (r random) events(n int) []schema.EventRow {
	rows := make([]schema.EventRow, n)
	lists, items, nulls := chance(r), chance(r), chance(r)
	for i := range rows {
		rows[i] = schema.EventRow{
			EventID: r.text(1e6), Source: "site", Shop: r.text(3), Kind: r.text(6), At: r.at(), ReceivedAt: r.at(), Tokens: r.texts(1), ExternalID: r.text(40),
			MoreExternalIDs: r.texts(0), OrderID: r.text(1e6), TotalMinor: r.maybe(nulls), ShippingMinor: r.maybe(1), ReturnedMinor: r.maybe(0),
			Items: r.items(items), Interests: r.texts(lists), Tags: r.texts(lists), UTMSource: r.text(9), IsOrder: i%100 < 50,
		}
		if r.Float64() < items {
			rows[i].Consents = []schema.ConsentRow{{Purpose: "ads", Given: r.IntN(2) > 0, At: r.at()}, {Purpose: r.text(9)}}[:r.IntN(3)]
		}
		if r.Float64() < nulls {
			rating, at := r.NormFloat64(), r.at()
			rows[i].Rating, rows[i].BookingFor = &rating, &at
		}
	}
	return rows
}

// chance is none, all, few or half.
func chance(r random) float64 { return []float64{0, 1, 0.001, 0.5}[r.IntN(4)] }

// layouts are the ways a file can be written.
var layouts = []struct {
	name    string
	options []parquet.WriterOption
}{
	{"as the lake writes", nil},
	{"version 1, snappy, small pages", []parquet.WriterOption{parquet.DataPageVersion(1), parquet.Compression(&parquet.Snappy), parquet.PageBufferSize(777)}},
	{"version 2, uncompressed, small pages", []parquet.WriterOption{parquet.Compression(&parquet.Uncompressed), parquet.PageBufferSize(1500)}},
	{"version 1, uncompressed, small groups", []parquet.WriterOption{parquet.DataPageVersion(1), parquet.Compression(&parquet.Uncompressed), parquet.MaxRowsPerRowGroup(1001)}},
	{"version 2, zstd, small groups and pages", []parquet.WriterOption{parquet.Compression(&parquet.Zstd), parquet.MaxRowsPerRowGroup(1777), parquet.PageBufferSize(4000)}},
	{"plain", []parquet.WriterOption{parquet.DefaultEncoding(&parquet.Plain), parquet.PageBufferSize(5000)}},
	{"delta", []parquet.WriterOption{parquet.DefaultEncodingFor(parquet.ByteArray, &parquet.DeltaByteArray), parquet.DefaultEncodingFor(parquet.Int64, &parquet.DeltaBinaryPacked), parquet.PageBufferSize(5000)}},
	{"dictionaries that overflow", []parquet.WriterOption{parquet.DictionaryMaxBytes(900), parquet.PageBufferSize(2000)}},
	{"everything in dictionaries", []parquet.WriterOption{parquet.DefaultEncodingFor(parquet.ByteArray, &parquet.RLEDictionary), parquet.DefaultEncodingFor(parquet.Int64, &parquet.RLEDictionary), parquet.PageBufferSize(3000), parquet.Compression(&parquet.Zstd)}},
}

func written[T schema.Row](t testing.TB, rows []T, options []parquet.WriterOption) []byte {
	t.Helper()
	if options == nil {
		body, err := schema.Encode(rows)
		if err != nil {
			t.Fatal(err)
		}
		return body
	}
	var out bytes.Buffer
	w := parquet.NewGenericWriter[T](&out, options...)
	for chunk := range slices.Chunk(rows, 500) {
		if _, err := w.Write(chunk); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func columnsOf[T any]() []string {
	var names []string
	for _, field := range parquet.SchemaOf(*new(T)).Fields() {
		names = append(names, field.Name())
	}
	return names
}

func TestRecordsAreWhatArrowsOwnReaderReads(t *testing.T) {
	for i, layout := range layouts {
		t.Run(layout.name, func(t *testing.T) {
			for seed := range uint64(4) {
				r := random{rand.New(rand.NewPCG(seed, uint64(i)))}
				n := []int{1, 8, 1500, 5000}[seed]
				compare(t, written(t, r.orders(n), layout.options), columnsOf[schema.OrderRow]()...)
				compare(t, written(t, r.events(n), layout.options), columnsOf[schema.EventRow]()...)
			}
		})
	}
}

// A table that has grown has small row groups, and more rows than one record holds.
func TestRecordsOfATableThatGrew(t *testing.T) {
	r := random{rand.New(rand.NewPCG(1, 2))}
	body, err := schema.Encode(r.orders(150_000))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 9 {
		if body, err = schema.Append(body, r.orders(100*i+1), func(a, b *schema.OrderRow) int { return strings.Compare(a.OrderID, b.OrderID) }); err != nil {
			t.Fatal(err)
		}
	}
	compare(t, body, "token", "purchase", "lines", "at", "order_id", "more_tokens", "revenue_minor")
}

// Bytes and maps are in the tables of deliveries.
func TestRecordsOfDeliveries(t *testing.T) {
	rows := make([]schema.RawRow, 300)
	for i := range rows {
		rows[i] = schema.RawRow{Key: strconv.Itoa(i), Body: []byte{byte(i), 0, 255}[:i%4%3], Headers: schema.MapOf(map[string]string{"a": "1", "b": strconv.Itoa(i)})}
		if i%3 == 0 {
			rows[i].Headers = schema.Map{}
		}
	}
	compare(t, written(t, rows, nil), columnsOf[schema.RawRow]()...)
}

// mixed has what no table of ours has, and others' may.
type mixed struct {
	Text    *string   `parquet:"text,dict"`
	Plain   *string   `parquet:"plain"`
	Flag    *bool     `parquet:"flag"`
	Numbers []int64   `parquet:"numbers"` // repeats without being called a list
	Maybe   *struct { // a group that may be missing
		Deep *int64   `parquet:"deep"`
		List []string `parquet:"list,list"`
	} `parquet:"maybe"`
	Nested []struct {
		Inner []*int64 `parquet:"inner,list"`
	} `parquet:"nested,list"`
}

func (mixed) Table() string      { return "mixed" }
func (mixed) Personal() []string { return nil }

func TestRecordsOfNullsAtEveryDepth(t *testing.T) {
	for i, layout := range layouts {
		r := random{rand.New(rand.NewPCG(7, uint64(i)))}
		for _, p := range []float64{0, 0.5, 1} {
			rows := make([]mixed, 3000)
			for i := range rows {
				row := &rows[i]
				if r.Float64() < p {
					text, plain, flag := r.text(20), r.text(2000), r.IntN(2) > 0
					row.Text, row.Plain, row.Flag = &text, &plain, &flag
				}
				for range r.IntN(3) {
					row.Numbers = append(row.Numbers, r.Int64())
				}
				if r.Float64() < p {
					row.Maybe = &struct {
						Deep *int64   `parquet:"deep"`
						List []string `parquet:"list,list"`
					}{Deep: r.maybe(0.5), List: r.texts(p)}
				}
				for range r.IntN(3) {
					var inner []*int64
					for range r.IntN(3) {
						inner = append(inner, r.maybe(p))
					}
					row.Nested = append(row.Nested, struct {
						Inner []*int64 `parquet:"inner,list"`
					}{inner})
				}
			}
			t.Run(fmt.Sprint(layout.name, " ", p), func(t *testing.T) {
				compare(t, written(t, rows, layout.options), columnsOf[mixed]()...)
			})
		}
	}
}
