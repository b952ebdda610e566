package analytics_test

import (
	"slices"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/leadlake/leadlake/lib/analytics"
	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/schema"
)

// layout says how text columns are encoded.
type layout int

const (
	plain layout = iota
	dictionary
)

func (l layout) text() arrow.DataType {
	if l == dictionary {
		return &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}
	}
	return arrow.BinaryTypes.String
}

func (l layout) schema() *arrow.Schema {
	line := arrow.StructOf(
		arrow.Field{Name: "sku", Type: l.text(), Nullable: true},
		arrow.Field{Name: "name", Type: l.text(), Nullable: true},
		arrow.Field{Name: "category", Type: l.text(), Nullable: true},
		arrow.Field{Name: "quantity", Type: arrow.BinaryTypes.String, Nullable: true},
		arrow.Field{Name: "sum_minor", Type: arrow.PrimitiveTypes.Int64},
	)
	return arrow.NewSchema([]arrow.Field{
		{Name: "order_id", Type: arrow.BinaryTypes.String},
		{Name: "purchase", Type: arrow.FixedWidthTypes.Boolean},
		{Name: "day", Type: l.text(), Nullable: true},
		{Name: "currency", Type: l.text(), Nullable: true},
		{Name: "revenue_minor", Type: arrow.PrimitiveTypes.Int64},
		{Name: "lines", Type: arrow.ListOf(line), Nullable: true},
	}, nil)
}

// record builds the columns of orders; an empty text becomes null.
func record(tb testing.TB, mem memory.Allocator, l layout, orders []order) arrow.Record {
	tb.Helper()
	b := array.NewRecordBuilder(mem, l.schema())
	defer b.Release()
	text := func(field array.Builder, value string) {
		var err error
		switch field := field.(type) {
		case *array.StringBuilder:
			if value == "" {
				field.AppendNull()
			} else {
				field.Append(value)
			}
		case *array.BinaryDictionaryBuilder:
			if value == "" {
				field.AppendNull()
			} else {
				err = field.AppendString(value)
			}
		default:
			tb.Fatalf("no text builder: %T", field)
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
	lines := b.Field(5).(*array.ListBuilder)
	line := lines.ValueBuilder().(*array.StructBuilder)
	for _, o := range orders {
		b.Field(0).(*array.StringBuilder).Append(o.OrderID)
		b.Field(1).(*array.BooleanBuilder).Append(o.Purchase)
		text(b.Field(2), o.Day)
		text(b.Field(3), o.Currency)
		b.Field(4).(*array.Int64Builder).Append(o.RevenueMinor)
		if o.Lines == nil {
			lines.AppendNull()
			continue
		}
		lines.Append(true)
		for _, item := range o.Lines {
			line.Append(true)
			text(line.FieldBuilder(0), item.SKU)
			text(line.FieldBuilder(1), item.Name)
			text(line.FieldBuilder(2), item.Category)
			text(line.FieldBuilder(3), item.Quantity)
			line.FieldBuilder(4).(*array.Int64Builder).Append(item.SumMinor)
		}
	}
	return b.NewRecord()
}

// order is a row of lake/orders once its token is resolved to a client.
type order struct {
	Client string
	schema.OrderRow
}

// paid is a purchase in roubles.
func paid(client, day string, minor int64, lines ...schema.ItemRow) order {
	return order{client, schema.OrderRow{Day: day, RevenueMinor: minor, Currency: "RUB", Purchase: true, Lines: lines}}
}

func day(tb testing.TB, text string) analytics.Day {
	tb.Helper()
	d, err := analytics.ParseDay(text)
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

// options are the defaults of the configuration, as of the end of 2026.
func options(tb testing.TB, change ...func(*config.Metrics)) analytics.Options {
	tb.Helper()
	o := analytics.Options{AsOf: day(tb, "2026-12-31"), Metrics: config.Default().Metrics, Currency: "RUB"}
	for _, f := range change {
		f(&o.Metrics)
	}
	return o
}

// owners are the clients of orders, ordered by id.
type owners []string

func (o owners) Len() int { return len(o) }

func (o owners) ID(number int) string { return o[number] }

func ownersOf(orders []order) owners {
	var ids owners
	for _, o := range orders {
		if o.Client != "" {
			ids = append(ids, o.Client)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// numbers says whose each order is.
func (o owners) numbers(orders []order) []int32 {
	numbers := make([]int32, len(orders))
	for i := range orders {
		at, ok := slices.BinarySearch(o, orders[i].Client)
		if numbers[i] = int32(at); !ok {
			numbers[i] = analytics.Nobody
		}
	}
	return numbers
}

// base adds the orders as one record.
func base(tb testing.TB, o analytics.Options, orders ...order) *analytics.Base {
	tb.Helper()
	b, err := sum(tb, o, orders)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// sum is base with its error.
func sum(tb testing.TB, o analytics.Options, orders []order) (*analytics.Base, error) {
	tb.Helper()
	clients := ownersOf(orders)
	o.Clients, o.Histories = clients, true
	a, err := analytics.NewAccumulator(o)
	if err != nil {
		tb.Fatal(err)
	}
	rec := record(tb, memory.DefaultAllocator, plain, orders)
	defer rec.Release()
	if err := a.Part().Add(rec, clients.numbers(orders)); err != nil {
		return nil, err
	}
	return a.Result()
}

// clientsOf is every client of a base.
func clientsOf(b *analytics.Base) []analytics.Client {
	all := make([]analytics.Client, b.Len())
	for i := range all {
		all[i] = b.Client(i)
	}
	return all
}

// scores is a night's scores with the rows of its tables.
type scores struct {
	*analytics.Scores

	Clients []analytics.Scored
	ABC     []schema.ABCRow
	XYZ     []schema.XYZRow
}

func score(b *analytics.Base) scores {
	s := scores{Scores: analytics.Score(b), XYZ: analytics.XYZ(b)}
	s.Predict()
	for i := range b.Len() {
		s.Clients = append(s.Clients, s.Client(i))
	}
	for entity := range s.Scores.ABC {
		ranking := &s.Scores.ABC[entity]
		for row := range ranking.Rows(func(i int) string { return s.ID(entity, i) }) {
			s.ABC = append(s.ABC, row)
		}
	}
	return s
}

// threshold finds a row; its bounds are those that are there.
func threshold(tb testing.TB, rows []schema.ThresholdRow, metric, rule string) (bounds []float64, note string) {
	tb.Helper()
	for _, row := range rows {
		if row.Metric != metric || row.Rule != rule {
			continue
		}
		for _, b := range []*float64{row.Bound1, row.Bound2, row.Bound3, row.Bound4, row.Bound5, row.Bound6, row.Bound7, row.Bound8, row.Bound9} {
			if b != nil {
				bounds = append(bounds, *b)
			}
		}
		return bounds, row.Note
	}
	tb.Fatalf("no threshold of %s by %s in %d rows", metric, rule, len(rows))
	return nil, ""
}
