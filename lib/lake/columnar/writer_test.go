package columnar_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

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
		sameFile[schema.XYZRow](t, 3, []int{140_000, 1})
		sameFile[schema.MergeRow](t, 9, []int{70_000})
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

// randomRows makes rows whose columns have each their own manner: constant, few or
// many different values, runs, wide and narrow numbers, many or no nulls.
func randomRows[T any](r *rand.Rand, n int) []T {
	rows := make([]T, n)
	for i := range reflect.TypeFor[T]().NumField() {
		manner, nulls := r.IntN(7), r.IntN(4)
		var last reflect.Value
		for row := range rows {
			field := reflect.ValueOf(&rows[row]).Elem().Field(i)
			if manner >= 5 && row > 0 && r.IntN(20) > 0 { // runs
				field.Set(last)
				continue
			}
			randomValue(r, field, manner%5, nulls)
			last = field
		}
	}
	return rows
}

func randomValue(r *rand.Rand, field reflect.Value, manner, nulls int) {
	switch value := field.Addr().Interface().(type) {
	case *string:
		*value = randomText(r, manner)
	case *int64:
		*value = randomInt(r, manner)
	case *float64:
		*value = []float64{0, math.Copysign(0, -1), math.Inf(-1), math.NaN(), r.NormFloat64(), r.Float64()}[r.IntN(2+manner)]
	case *bool:
		*value = r.IntN(2+manner) > 0
	case *time.Time:
		*value = time.UnixMicro(randomInt(r, manner) >> 10).UTC()
	case *[]string:
		if nulls > 0 {
			for range r.IntN(4 * nulls) {
				*value = append(*value, randomText(r, manner))
			}
		}
	case *schema.Map:
		for range r.IntN(1 + nulls) {
			value.Pairs = append(value.Pairs, schema.Pair{Key: randomText(r, manner), Value: randomText(r, 1)})
		}
	default:
		if nulls == 0 || nulls < 3 && r.IntN(3*nulls) > 0 {
			made := reflect.New(field.Type().Elem())
			randomValue(r, made.Elem(), manner, 0)
			field.Set(made)
		}
	}
}

func randomText(r *rand.Rand, manner int) string {
	letters := []rune("abcdefghijklmnopqrstuvwxyz234567Яжё漢🦊\x00 ")
	switch manner {
	case 0:
		return "Ünïcode"
	case 1:
		return []string{"", "given", "withdrawn", "a\x00b", "日本"}[r.IntN(5)]
	case 2: // of one width
		b := make([]byte, 27)
		for i := range b {
			b[i] = byte(letters[r.IntN(32)])
		}
		return string(b)
	case 3: // of one small width
		return string([]byte{byte(letters[r.IntN(32)]), byte(letters[r.IntN(32)])})
	}
	var b strings.Builder
	for range r.IntN(40) {
		b.WriteRune(letters[r.IntN(len(letters))])
	}
	return b.String()
}

func randomInt(r *rand.Rand, manner int) int64 {
	switch manner {
	case 0:
		return 0
	case 1:
		return r.Int64N(5) - 2
	case 2:
		return int64(r.ExpFloat64() * 100_000)
	case 3:
		return int64(r.Uint64())
	}
	return []int64{math.MinInt64, math.MaxInt64, 0, -1}[r.IntN(4)]
}

// give hands the columns of rows to a group, in some order, texts in one of the
// possible ways, and leaves out what is null or empty throughout.
func give[T any](t *testing.T, r *rand.Rand, g *columnar.Group, rows []T) {
	t.Helper()
	row := reflect.TypeFor[T]()
	for _, i := range r.Perm(row.NumField()) {
		name, _, _ := strings.Cut(row.Field(i).Tag.Get("parquet"), ",")
		values := make([]any, len(rows))
		for j := range rows {
			values[j] = reflect.ValueOf(&rows[j]).Elem().Field(i).Interface()
		}
		giveColumn(r, g, name, reflect.Zero(row.Field(i).Type).Interface(), values)
	}
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
}

func giveColumn(r *rand.Rand, g *columnar.Group, name string, zero any, values []any) {
	switch zero.(type) {
	case string:
		giveText(r, g, name, all[string](values))
	case *string:
		d := newDictionary(r)
		codes := make([]uint32, len(values))
		for i, value := range all[*string](values) {
			codes[i] = columnar.Null
			if value != nil {
				codes[i] = d.code(*value)
			}
		}
		if slices.ContainsFunc(codes, func(code uint32) bool { return code != columnar.Null }) || r.IntN(2) == 0 {
			g.Codes(name, d.texts, codes)
		}
	case int64:
		g.Ints(name, all[int64](values), nil)
	case *int64:
		numbers, valid := parts[int64](values)
		g.Ints(name, numbers, valid)
	case float64:
		g.Floats(name, all[float64](values), nil)
	case *float64:
		numbers, valid := parts[float64](values)
		g.Floats(name, numbers, valid)
	case bool:
		g.Bools(name, all[bool](values))
	case time.Time:
		micros := make([]int64, len(values))
		for i, value := range all[time.Time](values) {
			micros[i] = value.UnixMicro()
		}
		g.Ints(name, micros, nil)
	case []string:
		giveLists(r, g, name, all[[]string](values))
	case schema.Map:
		keys, texts := make([][]string, len(values)), make([][]string, len(values))
		for i, m := range all[schema.Map](values) {
			for _, pair := range m.Pairs {
				keys[i], texts[i] = append(keys[i], pair.Key), append(texts[i], pair.Value)
			}
		}
		giveLists(r, g, name+".key", keys)
		giveLists(r, g, name+".value", texts)
	default:
		panic(fmt.Sprintf("no column of %T", zero))
	}
}

func giveText(r *rand.Rand, g *columnar.Group, name string, values []string) {
	sameWidth := len(values) > 0 && values[0] != "" && !slices.ContainsFunc(values, func(s string) bool { return len(s) != len(values[0]) })
	switch {
	case sameWidth && r.IntN(3) > 0:
		g.Fixed(name, []byte(strings.Join(values, "")), len(values[0]))
	case r.IntN(2) == 0:
		d := newDictionary(r)
		codes := make([]uint32, len(values))
		for i, value := range values {
			codes[i] = d.code(value)
		}
		g.Codes(name, d.texts, codes)
	default:
		var data []byte
		var ends []uint32
		for _, value := range values {
			data = append(data, value...)
			ends = append(ends, uint32(len(data)))
		}
		g.Text(name, data, ends)
	}
}

func giveLists(r *rand.Rand, g *columnar.Group, name string, values [][]string) {
	d := newDictionary(r)
	var codes, ends []uint32
	for _, texts := range values {
		for _, text := range texts {
			codes = append(codes, d.code(text))
		}
		ends = append(ends, uint32(len(codes)))
	}
	if len(codes) > 0 || r.IntN(2) == 0 {
		g.Texts(name, ends, d.texts, codes)
	}
}

// dictionary numbers texts, some of which are never used.
type dictionary struct {
	texts []string
	codes map[string]uint32
}

func newDictionary(r *rand.Rand) *dictionary {
	d := &dictionary{codes: map[string]uint32{}}
	for i := range r.IntN(3) {
		d.texts = append(d.texts, strings.Repeat("!unused", i+1))
	}
	return d
}

func (d *dictionary) code(text string) uint32 {
	code, ok := d.codes[text]
	if !ok {
		code = uint32(len(d.texts))
		d.texts, d.codes[text] = append(d.texts, text), code
	}
	return code
}

func all[V any](values []any) []V {
	out := make([]V, len(values))
	for i, value := range values {
		out[i] = value.(V)
	}
	return out
}

func parts[V any](values []any) (numbers []V, valid []bool) {
	numbers, valid = make([]V, len(values)), make([]bool, len(values))
	for i, value := range all[*V](values) {
		if valid[i] = value != nil; valid[i] {
			numbers[i] = *value
		}
	}
	return numbers, valid
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
