package columnar_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leadlake/leadlake/lib/lake/columnar"
	"github.com/leadlake/leadlake/lib/schema"
)

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
