package columnar_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/metadata"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/leadlake/leadlake/lib/lake/columnar"
	"github.com/leadlake/leadlake/lib/schema"
)

// Every table is written by columns and by rows, and read by two libraries.
func TestAFileHoldsWhatEncodeWrites(t *testing.T) {
	for _, sizes := range [][]int{nil, {0}, {1}, {9}, {1000}, {3, 0, 700}} {
		t.Run(fmt.Sprint(sizes), func(t *testing.T) {
			sameFile[schema.ClientRow](t, 1, sizes)
			sameFile[schema.ABCRow](t, 2, sizes)
			sameFile[schema.XYZRow](t, 3, sizes)
			sameFile[schema.SegmentRow](t, 4, sizes)
			sameFile[schema.ScoreRow](t, 5, sizes)
			sameFile[schema.LinkRow](t, 6, sizes)
			sameFile[schema.CohortRow](t, 7, sizes)
			sameFile[schema.FunnelRow](t, 8, sizes)
			sameFile[schema.MergeRow](t, 9, sizes)
		})
	}
	t.Run("several pages", func(t *testing.T) {
		sameFile[schema.XYZRow](t, 3, []int{66_000, 1})
		sameFile[schema.MergeRow](t, 9, []int{66_000})
	})
}

func FuzzAFileHoldsWhatEncodeWrites(f *testing.F) {
	for seed := range uint64(4) {
		f.Add(seed, uint16(10*seed), uint16(300))
	}
	f.Fuzz(func(t *testing.T, seed uint64, first, second uint16) {
		sizes := []int{int(first) % 4096, int(second) % 4096}
		sameFile[schema.ClientRow](t, seed, sizes)
		sameFile[schema.XYZRow](t, seed, sizes)
		sameFile[schema.ScoreRow](t, seed, sizes)
	})
}

func sameFile[T schema.Row](t *testing.T, seed uint64, sizes []int) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 1))
	var rows []T
	var out bytes.Buffer
	w, err := columnar.NewWriter[T](&out, schema.Pair{Key: "as_of", Value: "2026-01-31"})
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range sizes {
		group := randomRows[T](r, size)
		give(t, r, w.Group(size), group)
		rows = append(rows, group...)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	decoded, err := schema.Decode[T](out.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(rows, decoded, cmpopts.EquateEmpty(), cmpopts.EquateNaNs()); diff != "" {
		t.Fatalf("%T decoded (-written +read):\n%s", *new(T), diff[:min(len(diff), 3000)])
	}
	encoded, err := schema.Encode(rows, schema.Pair{Key: "as_of", Value: "2026-01-31"})
	if err != nil {
		t.Fatal(err)
	}
	got, want := arrowTable(t, out.Bytes()), arrowTable(t, encoded)
	if !got.Schema().Equal(want.Schema()) {
		t.Fatalf("%T: Arrow schema %s, want %s", *new(T), got.Schema(), want.Schema())
	}
	for i := range int(want.NumCols()) {
		if a, b := joined(t, got.Column(i)), joined(t, want.Column(i)); !array.ApproxEqual(a, b, array.WithNaNsEqual(true), array.WithAbsTolerance(0)) {
			t.Fatalf("%T: Arrow column %s differs", *new(T), want.Column(i).Name())
		}
	}
	sameFooter(t, out.Bytes(), encoded, len(sizes))
}

// sameFooter compares schema, metadata and, where both files have one group, the
// statistics.
func sameFooter(t *testing.T, written, encoded []byte, groups int) {
	t.Helper()
	got, want := opened(t, written), opened(t, encoded)
	if !got.MetaData().Schema.Equals(want.MetaData().Schema) {
		t.Fatalf("schema %s, want %s", got.MetaData().Schema, want.MetaData().Schema)
	}
	if got.MetaData().GetCreatedBy() != want.MetaData().GetCreatedBy() {
		t.Fatalf("created by %q, want %q", got.MetaData().GetCreatedBy(), want.MetaData().GetCreatedBy())
	}
	if a, b := got.MetaData().KeyValueMetadata(), want.MetaData().KeyValueMetadata(); !a.Equals(b) {
		t.Fatalf("metadata %v, want %v", a, b)
	}
	if groups != 1 || got.NumRows() == 0 || want.NumRowGroups() != 1 {
		return
	}
	for i := range want.MetaData().Schema.NumColumns() {
		a, b := chunkOf(t, got, i), chunkOf(t, want, i)
		if a.NumValues() != b.NumValues() {
			t.Fatalf("column %s has %d values, want %d", b.PathInSchema(), a.NumValues(), b.NumValues())
		}
		x, err := a.Statistics()
		if err != nil {
			t.Fatal(err)
		}
		y, err := b.Statistics()
		if err != nil {
			t.Fatal(err)
		}
		if y == nil || x == nil {
			if x != y {
				t.Fatalf("column %s: statistics %v, want %v", b.PathInSchema(), x, y)
			}
			continue
		}
		if x.NullCount() != y.NullCount() {
			t.Fatalf("column %s: %d nulls, want %d", b.PathInSchema(), x.NullCount(), y.NullCount())
		}
		if b.Type() == parquet.Types.Double { // ours leave NaN out and take zero for −0 and +0
			continue
		}
		if x.HasMinMax() != y.HasMinMax() || !bytes.Equal(x.EncodeMin(), y.EncodeMin()) || !bytes.Equal(x.EncodeMax(), y.EncodeMax()) {
			t.Fatalf("column %s: bounds %q %q, want %q %q", b.PathInSchema(), x.EncodeMin(), x.EncodeMax(), y.EncodeMin(), y.EncodeMax())
		}
	}
}

func opened(t *testing.T, body []byte) *file.Reader {
	t.Helper()
	reader, err := file.NewParquetReader(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return reader
}

func chunkOf(t *testing.T, reader *file.Reader, column int) *metadata.ColumnChunkMetaData {
	t.Helper()
	chunk, err := reader.MetaData().RowGroup(0).ColumnChunk(column)
	if err != nil {
		t.Fatal(err)
	}
	return chunk
}

func arrowTable(t *testing.T, body []byte) arrow.Table {
	t.Helper()
	reader, err := pqarrow.NewFileReader(opened(t, body), pqarrow.ArrowReadProperties{BatchSize: 1 << 10}, memory.DefaultAllocator)
	if err != nil {
		t.Fatal(err)
	}
	table, err := reader.ReadTable(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func joined(t *testing.T, column *arrow.Column) arrow.Array {
	t.Helper()
	if len(column.Data().Chunks()) == 0 {
		return array.MakeArrayOfNull(memory.DefaultAllocator, column.DataType(), 0)
	}
	all, err := array.Concatenate(column.Data().Chunks(), memory.DefaultAllocator)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestTheOrderInWhichColumnsAreGivenDoesNotMatter(t *testing.T) {
	rows := randomRows[schema.ABCRow](rand.New(rand.NewPCG(1, 1)), 5000)
	write := func(dictionary []string, codes []uint32, last bool) []byte {
		var out bytes.Buffer
		w, err := columnar.NewWriter[schema.ABCRow](&out)
		if err != nil {
			t.Fatal(err)
		}
		g := w.Group(len(rows))
		if !last {
			g.Codes("class", dictionary, codes)
		}
		give := func(name string, value func(row schema.ABCRow) any) {
			values := make([]any, len(rows))
			for i := range rows {
				values[i] = value(rows[i])
			}
			giveColumn(rand.New(rand.NewPCG(1, 1)), g, name, values[0], values)
		}
		give("id", func(row schema.ABCRow) any { return row.ID })
		give("entity", func(row schema.ABCRow) any { return row.Entity })
		give("revenue_minor", func(row schema.ABCRow) any { return row.RevenueMinor })
		give("share", func(row schema.ABCRow) any { return row.Share })
		give("cumulative_share", func(row schema.ABCRow) any { return row.CumulativeShare })
		if last {
			g.Codes("class", dictionary, codes)
		}
		if err := g.Close(); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	codes, turned := make([]uint32, len(rows)), make([]uint32, len(rows))
	for i := range codes {
		codes[i], turned[i] = uint32(i*i%3), uint32(4-i*i%3)
	}
	if !bytes.Equal(write([]string{"a", "b", "c"}, codes, false), write([]string{"", "z", "c", "b", "a"}, turned, true)) {
		t.Error("equal columns give different bytes")
	}
}

func TestAFaultOfAColumnIsToldByClose(t *testing.T) {
	ends := []uint32{1, 2}
	for _, test := range []struct {
		name, want string
		column     bool // ErrColumn
		give       func(g *columnar.Group)
	}{
		{"unknown", "no shoe_size", true, func(g *columnar.Group) { g.Ints("shoe_size", []int64{1, 2}, nil) }},
		{"another type", "orders is of another type", true, func(g *columnar.Group) { g.Text("orders", []byte("ab"), ends) }},
		{"a list as a text", "labels is of another type", true, func(g *columnar.Group) { g.Text("labels", []byte("ab"), ends) }},
		{"required", "client_id was not given", true, func(*columnar.Group) {}},
		{"too short", "orders has 1 rows, its group 2", false, func(g *columnar.Group) { g.Ints("orders", []int64{1}, nil) }},
		{"twice", "lifecycle is given twice", false, func(g *columnar.Group) {
			g.Codes("lifecycle", []string{"new"}, []uint32{0, 0})
			g.Codes("lifecycle", []string{"new"}, []uint32{0, 0})
		}},
		{"null in required", "lifecycle: null", false, func(g *columnar.Group) { g.Codes("lifecycle", []string{"new"}, []uint32{0, columnar.Null}) }},
		{"code beyond", "city: code 1, of 1", false, func(g *columnar.Group) { g.Codes("city", []string{"x"}, []uint32{0, 1}) }},
		{"ends beyond", "client_id: the ends", false, func(g *columnar.Group) { g.Text("client_id", []byte("a"), ends) }},
		{"ends fall", "client_id: the ends", false, func(g *columnar.Group) { g.Text("client_id", []byte("ab"), []uint32{2, 1}) }},
		{"list ends beyond", "tags: the ends", false, func(g *columnar.Group) { g.Texts("tags", ends, []string{"x"}, []uint32{0}) }},
		{"null in a list", "tags: null", false, func(g *columnar.Group) { g.Texts("tags", ends, []string{"x"}, []uint32{0, columnar.Null}) }},
		{"validity of required", "orders: it is not optional", false, func(g *columnar.Group) { g.Ints("orders", []int64{1, 2}, []bool{true, true}) }},
		{"short validity", "recency_days: 1 rows", false, func(g *columnar.Group) { g.Ints("recency_days", []int64{1, 2}, []bool{true}) }},
		{"odd width", "3 bytes are no texts of 2", false, func(g *columnar.Group) { g.Fixed("client_id", []byte("abc"), 2) }},
		{"half a map", "consents.key and consents.value", false, func(g *columnar.Group) {
			g.Texts("consents.key", ends, []string{"ads"}, []uint32{0, 0})
			giveRequired(g, 2)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w, err := columnar.NewWriter[schema.ClientRow](&bytes.Buffer{})
			if err != nil {
				t.Fatal(err)
			}
			g := w.Group(2)
			test.give(g)
			err = g.Close()
			if err == nil || !strings.Contains(err.Error(), test.want) || errors.Is(err, columnar.ErrColumn) != test.column {
				t.Errorf("error %v, want %q", err, test.want)
			}
			if closed := w.Close(); !errors.Is(closed, err) {
				t.Errorf("the writer's Close = %v, want the group's error", closed)
			}
		})
	}
}

// giveRequired gives the columns of a client that may not be left out.
func giveRequired(g *columnar.Group, rows int) {
	ones := make([]uint32, rows)
	for i := range ones {
		ones[i] = 1
	}
	for _, name := range []string{"client_id", "lifecycle", "activity"} {
		g.Codes(name, []string{"unused", "x"}, ones)
	}
	for _, name := range []string{"orders", "order_days", "revenue_minor", "records_merged", "contacts_30d"} {
		g.Ints(name, make([]int64, rows), nil)
	}
	g.Bools("answered", make([]bool, rows))
}

func TestAGroupHasItsLimit(t *testing.T) {
	w, err := columnar.NewWriter[schema.RFMMoveRow](&bytes.Buffer{})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Group(schema.RowGroupRows + 1).Close(); err == nil {
		t.Error("a group beyond the limit was written")
	}
}

func TestGroupsFollowOneAnother(t *testing.T) {
	w, err := columnar.NewWriter[schema.RFMMoveRow](&bytes.Buffer{})
	if err != nil {
		t.Fatal(err)
	}
	w.Group(0)
	if err := w.Group(0).Close(); err == nil {
		t.Error("a second group was begun before the first was closed")
	}
}

func TestAWriterThatFailsIsTold(t *testing.T) {
	w, err := columnar.NewWriter[schema.ClientRow](failing{})
	if err != nil {
		t.Fatal(err)
	}
	g := w.Group(60_000)
	data := make([]byte, 60_000*27)
	g.Fixed("client_id", data, 27)
	if err := g.Close(); err == nil {
		t.Error("a group without its columns was written")
	}
	if w, err = columnar.NewWriter[schema.RFMMoveRow](failing{}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); !errors.Is(err, errFull) {
		t.Errorf("Close = %v, want %v", err, errFull)
	}
}

var errFull = errors.New("the disk is full")

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errFull }

// Nor have texts that are too long for a footer.
func TestPersonalColumnsHaveNoBounds(t *testing.T) {
	var out bytes.Buffer
	w, err := columnar.NewWriter[schema.ClientRow](&out)
	if err != nil {
		t.Fatal(err)
	}
	g := w.Group(2)
	giveRequired(g, 2)
	for _, name := range []string{"city", "source"} {
		g.Codes(name, []string{"Tver-" + name}, []uint32{0, columnar.Null})
	}
	g.Codes("campaign", []string{strings.Repeat("long", 100)}, []uint32{0, 0})
	if err := errors.Join(g.Close(), w.Close()); err != nil {
		t.Fatal(err)
	}
	for i := range opened(t, out.Bytes()).MetaData().Schema.NumColumns() {
		chunk := chunkOf(t, opened(t, out.Bytes()), i)
		statistics, err := chunk.Statistics()
		if err != nil {
			t.Fatal(err)
		}
		switch chunk.PathInSchema().String() {
		case "city":
			if statistics != nil && statistics.HasMinMax() {
				t.Error("the footer shows a city")
			}
		case "campaign":
			if statistics != nil && statistics.HasMinMax() {
				t.Error("the footer holds a text of 400 bytes")
			}
		case "source":
			if statistics == nil || string(statistics.EncodeMin()) != "Tver-source" {
				t.Error("the source has no bounds")
			}
		}
	}
}

func TestDeepTablesAreRefused(t *testing.T) {
	if _, err := columnar.NewWriter[deepRow](&bytes.Buffer{}); !errors.Is(err, columnar.ErrColumn) {
		t.Errorf("error %v, want ErrColumn", err)
	}
}

type deepRow struct {
	Lines []struct {
		Tags []string `parquet:"tags,list"`
	} `parquet:"lines,list"`
}

func (deepRow) Table() string      { return "deep" }
func (deepRow) Personal() []string { return nil }

// Columns of a group may come from several goroutines; the bytes do not show it.
func TestColumnsMayBeGivenAtOnce(t *testing.T) {
	const rows = 66_000
	r := rand.New(rand.NewPCG(5, 1))
	numbers, codes, ids := make([]int64, rows), make([]uint32, rows), make([]byte, rows*27)
	for i := range rows {
		numbers[i], codes[i] = r.Int64N(1<<40), r.Uint32N(40)
	}
	for i := range ids {
		ids[i] = 'a' + byte(r.IntN(26))
	}
	texts := strings.Split(strings.Repeat("x ", 40), " ")[:40]
	for i := range texts {
		texts[i] = strings.Repeat("x", i)
	}
	write := func(run func(g *columnar.Group, columns []func(g *columnar.Group))) []byte {
		var out bytes.Buffer
		w, err := columnar.NewWriter[schema.ClientRow](&out)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			g := w.Group(rows)
			columns := []func(g *columnar.Group){func(g *columnar.Group) { g.Fixed("client_id", ids, 27) }}
			for _, name := range []string{"orders", "order_days", "revenue_minor", "records_merged", "contacts_30d", "r", "f", "m"} {
				columns = append(columns, func(g *columnar.Group) { g.Ints(name, numbers, nil) })
			}
			for _, name := range []string{"lifecycle", "activity", "stage", "city", "xyz"} {
				columns = append(columns, func(g *columnar.Group) { g.Codes(name, texts, codes) })
			}
			columns = append(columns, func(g *columnar.Group) { g.Bools("answered", make([]bool, rows)) })
			run(g, columns)
			if err := g.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	one := write(func(g *columnar.Group, columns []func(g *columnar.Group)) {
		for _, give := range columns {
			give(g)
		}
	})
	many := write(func(g *columnar.Group, columns []func(g *columnar.Group)) {
		var wait sync.WaitGroup
		for _, give := range slices.Backward(columns) {
			wait.Go(func() { give(g) })
		}
		wait.Wait()
	})
	if !bytes.Equal(one, many) {
		t.Error("columns that were given at once give other bytes")
	}
}

// An empty column costs a header a group, whatever its rows.
func TestEmptyColumnsTakeNoRoomByTheRow(t *testing.T) {
	size := func(rows int) int {
		var out bytes.Buffer
		w, err := columnar.NewWriter[schema.ClientRow](&out)
		if err != nil {
			t.Fatal(err)
		}
		g := w.Group(rows)
		giveRequired(g, rows)
		g.Texts("labels", make([]uint32, rows), nil, nil)
		g.Ints("expected_value_minor", make([]int64, rows), make([]bool, rows))
		if err := errors.Join(g.Close(), w.Close()); err != nil {
			t.Fatal(err)
		}
		return out.Len()
	}
	// The eight columns that are given have one value: a run for each of four pages.
	if small, large := size(1000), size(schema.RowGroupRows); large > small+8*3*60 {
		t.Errorf("%d bytes for 1 000 rows, %d for %d", small, large, schema.RowGroupRows)
	}
}

func TestAppendTakesTheFilesOfAWriter(t *testing.T) {
	var out bytes.Buffer
	w, err := columnar.NewWriter[schema.RFMMoveRow](&out)
	if err != nil {
		t.Fatal(err)
	}
	first := randomRows[schema.RFMMoveRow](rand.New(rand.NewPCG(8, 1)), 50_000)
	give(t, rand.New(rand.NewPCG(8, 2)), w.Group(len(first)), first)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	more := []schema.RFMMoveRow{{FromCode: "111", ToCode: "333", Clients: 7}}
	body, err := schema.Append(out.Bytes(), more, func(a, b *schema.RFMMoveRow) int { return strings.Compare(a.FromCode, b.FromCode) })
	if err != nil {
		t.Fatal(err)
	}
	rows, err := schema.Decode[schema.RFMMoveRow](body)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(append(first, more...), rows); diff != "" {
		t.Error(diff[:min(len(diff), 2000)])
	}
}
