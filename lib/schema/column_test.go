package schema_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leadlake/leadlake/lib/schema"
)

// words are texts as they come: empty, repeated, of several scripts, with zero bytes,
// no UTF-8 at all, and longer than what is copied at once.
var words = sync.OnceValue(func() []string {
	return []string{"", "", "a", "till", "яндекс", "Ёлка 🎄", "日本語", "\x00", "\xff\xfe", strings.Repeat("x", 1024), strings.Repeat("ю", 700), strings.Repeat("long ", 2000)}
})

// random fills a value of any type that a row has: nulls, zeros, nil and empty lists.
func random(r *rand.Rand, v reflect.Value) {
	switch v.Interface().(type) {
	case time.Time:
		if r.IntN(8) > 0 {
			v.Set(reflect.ValueOf(time.UnixMicro(r.Int64N(4e15) - 1e15).UTC()))
		}
		return
	case []byte:
		v.SetBytes([]byte(words()[r.IntN(len(words()))]))
		return
	}
	switch v.Kind() {
	case reflect.String:
		switch r.IntN(64) {
		case 0: // any, also the long ones
			v.SetString(words()[r.IntN(len(words()))])
		default:
			v.SetString([]string{words()[r.IntN(8)], fmt.Sprintf("%x", r.Int64())}[r.IntN(2)])
		}
	case reflect.Bool:
		v.SetBool(r.IntN(2) == 0)
	case reflect.Int64:
		v.SetInt([]int64{0, -1, 1, r.Int64(), -r.Int64()}[r.IntN(5)])
	case reflect.Float32, reflect.Float64:
		v.SetFloat([]float64{0, -0.5, 1e30, r.NormFloat64()}[r.IntN(4)])
	case reflect.Pointer:
		if r.IntN(2) == 0 {
			v.Set(reflect.New(v.Type().Elem()))
			random(r, v.Elem())
		}
	case reflect.Slice:
		if n := []int{0, 0, 1, 1, 2, 3, 2, r.IntN(40)}[r.IntN(8)]; n > 0 || r.IntN(2) == 0 {
			v.Set(reflect.MakeSlice(v.Type(), n, n))
			for i := range n {
				random(r, v.Index(i))
			}
		}
	case reflect.Struct:
		for _, field := range v.Fields() {
			random(r, field)
		}
	default:
		panic("no random " + v.Type().String())
	}
}

func randomRows[T any](r *rand.Rand, n int) []T {
	rows := make([]T, n)
	for i := range rows {
		random(r, reflect.ValueOf(&rows[i]).Elem())
	}
	return rows
}

// files are one table as Encode wrote it, and as it grew by Append into several row
// groups.
func files[W schema.Row](t testing.TB, r *rand.Rand, n int) [][]byte {
	t.Helper()
	whole, err := schema.Encode(randomRows[W](r, n))
	if err != nil {
		t.Fatal(err)
	}
	var grown []byte
	for part := n/2 + 1; part > 0; part /= 3 {
		if grown, err = schema.Append(grown, randomRows[W](r, part), func(_, _ *W) int { return 0 }); err != nil {
			t.Fatal(err)
		}
	}
	empty, err := schema.Encode[W](nil)
	if err != nil {
		t.Fatal(err)
	}
	return [][]byte{whole, grown, empty}
}

// sameRows reads files of the row type W as rows of N in both ways; nil and empty
// slices differ. inColumns says that the codec must not fall back.
func sameRows[N, W schema.Row](inColumns bool) func(*testing.T) {
	return func(t *testing.T) {
		for seed := range uint64(2) {
			r := rand.New(rand.NewPCG(seed, 7))
			for i, body := range files[W](t, r, []int{400, 9}[seed]) {
				want, err := schema.DecodeByValue[N](body)
				if err != nil {
					t.Fatal(err)
				}
				got, err := schema.Decode[N](body)
				if err != nil {
					t.Fatal(err)
				}
				if at := firstDifference(want, got); at >= 0 {
					t.Fatalf("seed %d, file %d: row %d of %d is %+v, want %+v", seed, i, at, len(want), got[at], want[at])
				}
				got, err = schema.DecodeByColumn[N](body)
				if inColumns && (err != nil || firstDifference(want, got) >= 0) {
					t.Fatalf("seed %d, file %d: the codec did not read it: %v", seed, i, err)
				}
			}
		}
	}
}

// firstDifference is the first row that differs, -1 if none does.
func firstDifference[T any](a, b []T) int {
	for i := range max(len(a), len(b)) {
		if i >= len(a) || i >= len(b) || !reflect.DeepEqual(a[i], b[i]) {
			return i
		}
	}
	return -1
}

// The column codec must read every table, and every narrower row type of it, exactly
// as the library does value by value.
func TestEveryRowTypeIsReadByColumn(t *testing.T) {
	for name, same := range map[string]func(*testing.T){
		"abc":               sameRows[schema.ABCRow, schema.ABCRow](true),
		"abc xyz":           sameRows[schema.ABCXYZRow, schema.ABCXYZRow](true),
		"bases":             sameRows[schema.BaseRow, schema.BaseRow](true),
		"basket":            sameRows[schema.BasketRow, schema.BasketRow](true),
		"clients":           sameRows[schema.ClientRow, schema.ClientRow](true),
		"cohorts":           sameRows[schema.CohortRow, schema.CohortRow](true),
		"consents":          sameRows[schema.ConsentStateRow, schema.ConsentStateRow](true),
		"contacts":          sameRows[schema.ContactRow, schema.ContactRow](true),
		"deliveries":        sameRows[schema.DeliveryRow, schema.DeliveryRow](true),
		"events":            sameRows[schema.EventRow, schema.EventRow](true),
		"events of cards":   sameRows[schema.CardEventRow, schema.EventRow](true),
		"events of costs":   sameRows[schema.CostEventRow, schema.EventRow](true),
		"events to fetch":   sameRows[schema.FetchEventRow, schema.EventRow](true),
		"events' identity":  sameRows[schema.IdentityEventRow, schema.EventRow](true),
		"events' keys":      sameRows[schema.EventKeyRow, schema.EventRow](true),
		"events of orders":  sameRows[schema.OrderEventRow, schema.EventRow](true),
		"failed":            sameRows[schema.FailedRow, schema.FailedRow](true),
		"failed keys":       sameRows[schema.FailedKeyRow, schema.FailedRow](true),
		"funnel":            sameRows[schema.FunnelRow, schema.FunnelRow](true),
		"given":             sameRows[schema.GivenRow, schema.GivenRow](true),
		"history":           sameRows[schema.HistoryRow, schema.HistoryRow](true),
		"ledger":            sameRows[schema.LedgerRow, schema.LedgerRow](true),
		"lifecycle":         sameRows[schema.LifecycleRow, schema.LifecycleRow](true),
		"links":             sameRows[schema.LinkRow, schema.LinkRow](true),
		"ltv":               sameRows[schema.LTVRow, schema.LTVRow](true),
		"merges":            sameRows[schema.MergeRow, schema.MergeRow](true),
		"models":            sameRows[schema.ModelRow, schema.ModelRow](true),
		"orders":            sameRows[schema.OrderRow, schema.OrderRow](true),
		"orders' interests": sameRows[schema.OrderInterestRow, schema.OrderRow](true),
		"other revenue":     sameRows[schema.OtherRevenueRow, schema.OtherRevenueRow](true),
		"people":            sameRows[schema.PersonRow, schema.PersonRow](true),
		"quality":           sameRows[schema.QualityRow, schema.QualityRow](true),
		"raw":               sameRows[schema.RawRow, schema.RawRow](true),
		"raw keys":          sameRows[schema.RawKeyRow, schema.RawRow](true),
		"removals":          sameRows[schema.RemovalRow, schema.RemovalRow](true),
		"replenishment":     sameRows[schema.ReplenishmentRow, schema.ReplenishmentRow](true),
		"codes":             sameRows[schema.RFMCodeRow, schema.RFMCodeRow](true),
		"moves":             sameRows[schema.RFMMoveRow, schema.RFMMoveRow](true),
		"scores":            sameRows[schema.ScoreRow, schema.ScoreRow](true),
		"seasonality":       sameRows[schema.SeasonalityRow, schema.SeasonalityRow](true),
		"segments":          sameRows[schema.SegmentRow, schema.SegmentRow](true),
		"sources":           sameRows[schema.SourceRow, schema.SourceRow](true),
		"thresholds":        sameRows[schema.ThresholdRow, schema.ThresholdRow](true),
		"tokens":            sameRows[schema.TokenRow, schema.TokenRow](true),
		"xyz":               sameRows[schema.XYZRow, schema.XYZRow](true),

		"a column of the night's own row": sameRows[ordersOf, schema.OrderRow](true),
		"one list alone":                  sameRows[tokensOf, schema.EventRow](true),
		"columns of later":                sameRows[schema.EventRow, olderEvent](true),
		"bodies of later":                 sameRows[schema.RawRow, schema.RawKeyRow](true),
		"a column that is null no more":   sameRows[strictTotal, schema.OrderEventRow](false),
		"a kind of field without a plan":  sameRows[smallNumber, smallNumber](false),
		"a list in front of a list":       sameRows[listFirst, listFirst](false),
	} {
		t.Run(name, same)
	}
}

// ordersOf is as the narrow rows of package pipeline.
type ordersOf struct {
	Token      string    `parquet:"token,dict"`
	MoreTokens []string  `parquet:"more_tokens,list"`
	At         time.Time `parquet:"at,timestamp(microsecond),delta"`
	TotalMinor int64     `parquet:"total_minor,delta"`
	Purchase   bool      `parquet:"purchase"`
}

func (ordersOf) Table() string      { return "orders" }
func (ordersOf) Personal() []string { return nil }

type tokensOf struct {
	Tokens []string `parquet:"tokens,list"`
}

func (tokensOf) Table() string      { return "events" }
func (tokensOf) Personal() []string { return nil }

// olderEvent is the table of events before most of its columns came.
type olderEvent struct {
	Source  string   `parquet:"source,dict"`
	EventID string   `parquet:"event_id"`
	Tokens  []string `parquet:"tokens,list"`
	Rating  *float64 `parquet:"rating"`
}

func (olderEvent) Table() string      { return "events" }
func (olderEvent) Personal() []string { return nil }

// strictTotal takes a nullable column for one that is not.
type strictTotal struct {
	TotalMinor int64 `parquet:"total_minor"`
}

func (strictTotal) Table() string      { return "events" }
func (strictTotal) Personal() []string { return nil }

// smallNumber has a kind of field that no table has.
type smallNumber struct {
	Key   string  `parquet:"key"`
	Ratio float32 `parquet:"ratio"`
}

func (smallNumber) Table() string      { return "small" }
func (smallNumber) Personal() []string { return nil }

type listFirst struct {
	Lines []struct {
		Tags []string `parquet:"tags,list"`
		Name string   `parquet:"name"`
	} `parquet:"lines,list"`
}

func (listFirst) Table() string      { return "lines" }
func (listFirst) Personal() []string { return nil }
