package columnar_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"github.com/leadlake/leadlake/lib/lake/columnar"
	"github.com/leadlake/leadlake/lib/schema"
)

// scored is what a night reads of an order, in the order of order ids: every column
// but order_hash and the lists is in no order.
type scored struct {
	Token        string           `parquet:"token,dict"`
	MoreTokens   []string         `parquet:"more_tokens,list"`
	Purchase     bool             `parquet:"purchase"`
	Day          string           `parquet:"day,dict"`
	At           time.Time        `parquet:"at,timestamp(microsecond),delta"`
	Currency     string           `parquet:"currency,dict"`
	RevenueMinor int64            `parquet:"revenue_minor,delta"`
	Lines        []schema.ItemRow `parquet:"lines,list"`
	OrderHash    int64            `parquet:"order_hash,uncompressed"`
}

// scoredDense is scored as it is read fastest: what is packed already is not
// compressed.
type scoredDense struct {
	Token        string           `parquet:"token,dict,uncompressed"`
	MoreTokens   []string         `parquet:"more_tokens,list"`
	Purchase     bool             `parquet:"purchase,uncompressed"`
	Day          string           `parquet:"day,dict,uncompressed"`
	At           time.Time        `parquet:"at,timestamp(microsecond),delta,uncompressed"`
	Currency     string           `parquet:"currency,dict,uncompressed"`
	RevenueMinor int64            `parquet:"revenue_minor,delta,uncompressed"`
	Lines        []schema.ItemRow `parquet:"lines,list"`
	OrderHash    int64            `parquet:"order_hash,uncompressed"`
}

const (
	scoredRows = 1_000_000
	groupRows  = 200_000 // as lib/schema writes them
)

func scoredBody[T any](b testing.TB, groupRows int64, convert func(scored) T) []byte {
	b.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	begin := time.Date(2023, 1, 1, 0, 0, 0, 0, time.UTC)
	rows := make([]T, scoredRows)
	for i := range rows {
		at := begin.Add(time.Duration(r.Int64N(1096*86400)) * time.Second)
		row := scored{
			Token: fmt.Sprintf("card:%016x", uint64(r.IntN(100_000))*0x9e3779b97f4a7c15), Purchase: r.IntN(5) > 0, Day: at.Format(time.DateOnly), At: at,
			Currency: "RUB", RevenueMinor: 100 * (100 + r.Int64N(5000)), OrderHash: int64(r.Uint64()),
		}
		if r.IntN(200) == 0 {
			row.Currency = "EUR"
		}
		rows[i] = convert(row)
	}
	var out bytes.Buffer
	w := parquet.NewGenericWriter[T](&out, parquet.Compression(&zstd.Codec{Level: zstd.SpeedFastest}), parquet.MaxRowsPerRowGroup(groupRows), parquet.DataPageStatistics(true))
	if _, err := w.Write(rows); err != nil {
		b.Fatal(err)
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	return out.Bytes()
}

var scoredColumns = []string{"token", "at", "revenue_minor", "purchase", "day", "currency", "order_hash"}

// BenchmarkRecords reads a million orders, column by column and all that a night
// needs, beside the reader of arrow v17.
func BenchmarkRecords(b *testing.B) {
	tagged := func(s scored) scored { return s }
	dense := func(s scored) scoredDense { return scoredDense(s) }
	// Arrow's reader refuses a record that needs the dictionaries of two row groups,
	// so it gets one group.
	bodies := []struct {
		name        string
		body, whole []byte
	}{
		{"tagged", scoredBody(b, groupRows, tagged), scoredBody(b, scoredRows, tagged)},
		{"uncompressed", scoredBody(b, groupRows, dense), scoredBody(b, scoredRows, dense)},
	}
	sets := map[string][]string{"sum": scoredColumns, "lists": {"lines", "more_tokens"}}
	names := append([]string{"sum", "lists"}, scoredColumns...)
	for _, file := range bodies {
		for _, name := range names {
			columns := sets[name]
			if columns == nil {
				columns = []string{name}
			}
			b.Run(file.name+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				before := cpuTime()
				for b.Loop() {
					rows := int64(0)
					for rec, err := range columnar.Records(b.Context(), file.body, columns...) {
						if err != nil {
							b.Fatal(err)
						}
						rows += rec.NumRows()
					}
					if rows != scoredRows {
						b.Fatal(rows)
					}
				}
				perRow(b, before)
			})
			b.Run(file.name+"/"+name+"/arrow", func(b *testing.B) {
				b.ReportAllocs()
				before := cpuTime()
				for b.Loop() {
					if err := reference(b.Context(), file.whole, true, func(arrow.Record) {}, columns...); err != nil {
						b.Fatal(err)
					}
				}
				perRow(b, before)
			})
		}
	}
}

// perRow reports the time of the processors since before.
func perRow(b *testing.B, before time.Duration) {
	b.Helper()
	b.ReportMetric(float64((cpuTime()-before).Nanoseconds())/float64(b.N)/scoredRows, "cpu-ns/row")
}

// BenchmarkInt64s sees a million order hashes, beside a copy of as many bytes.
func BenchmarkInt64s(b *testing.B) {
	body := scoredBody(b, groupRows, func(s scored) scored { return s })
	for _, column := range []string{"order_hash", "at"} {
		b.Run(column, func(b *testing.B) {
			b.ReportAllocs()
			before := cpuTime()
			for b.Loop() {
				rows := 0
				for numbers, err := range int64sOf(b.Context(), body, column) {
					if err != nil {
						b.Fatal(err)
					}
					rows += len(numbers)
				}
				if rows != scoredRows {
					b.Fatal(rows)
				}
			}
			perRow(b, before)
		})
	}
	b.Run("copy", func(b *testing.B) {
		before := cpuTime()
		from, to := make([]byte, 8*scoredRows), make([]byte, 8*scoredRows)
		for b.Loop() {
			copy(to, from)
		}
		perRow(b, before)
	})
}

// BenchmarkDictionaries reads the tokens of a million orders once per row group.
func BenchmarkDictionaries(b *testing.B) {
	body := scoredBody(b, groupRows, func(s scored) scored { return s })
	entries, before := 0, cpuTime()
	for b.Loop() {
		entries = 0
		for texts, err := range dictionariesOf(b.Context(), body, "token") {
			if err != nil {
				b.Fatal(err)
			}
			entries += texts.Len()
		}
	}
	perRow(b, before)
	b.ReportMetric(float64(entries), "entries")
}
