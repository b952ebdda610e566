package columnar_test

import (
	"io"
	"math/rand/v2"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/leadlake/leadlake/lib/lake/columnar"
	"github.com/leadlake/leadlake/lib/schema"
)

// clientColumns are clients as a night holds them: columns, one slice each.
type clientColumns struct {
	rows                                                          int
	ids                                                           []byte
	days, codes27, segments, classes, months, lifecycles, actives []string
	first, last, code, segment, abc, xyz, cohort, life, active    []uint32
	orders, orderDays, revenue, average, recency, r, f, m         []int64
}

func newClientColumns(rows int) *clientColumns {
	r := rand.New(rand.NewPCG(1, 2))
	c := &clientColumns{
		rows: rows, segments: []string{"champions", "loyal", "growing", "new", "big_new", "cooling_valuable", "steady", "cooling_once", "cant_lose", "dormant", "lost"},
		classes: []string{"A", "B", "C"}, lifecycles: []string{"new", "returning", "resurrected", "dormant"}, actives: []string{"active", "sleeping", "lost"},
	}
	day := time.Date(2023, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range 1100 {
		c.days = append(c.days, day.AddDate(0, 0, i).Format(time.DateOnly))
	}
	for i := range 36 {
		c.months = append(c.months, day.AddDate(0, i, 0).Format("2006-01"))
	}
	for i := range 27 {
		c.codes27 = append(c.codes27, strconv.Itoa(i/9+1)+strconv.Itoa(i/3%3+1)+strconv.Itoa(i%3+1))
	}
	for range rows {
		for range 27 {
			c.ids = append(c.ids, "abcdefghijklmnopqrstuvwxyz234567"[r.IntN(32)])
		}
		first := r.IntN(1100)
		last := first + r.IntN(1100-first)
		orders := 1 + int64(r.ExpFloat64()*9)
		revenue := orders * int64(50_000+r.ExpFloat64()*400_000)
		c.first, c.last, c.cohort = append(c.first, uint32(first)), append(c.last, uint32(last)), append(c.cohort, uint32(min(first/31, 35)))
		c.orders, c.orderDays, c.revenue = append(c.orders, orders), append(c.orderDays, max(1, orders-r.Int64N(2))), append(c.revenue, revenue)
		c.average, c.recency = append(c.average, revenue/orders), append(c.recency, int64(1099-last))
		code := r.IntN(27)
		c.r, c.f, c.m, c.code = append(c.r, int64(code/9+1)), append(c.f, int64(code/3%3+1)), append(c.m, int64(code%3+1)), append(c.code, uint32(code))
		c.segment, c.abc, c.xyz = append(c.segment, uint32(r.IntN(11))), append(c.abc, uint32(r.IntN(3))), append(c.xyz, uint32(r.IntN(3)))
		c.life, c.active = append(c.life, uint32(r.IntN(4))), append(c.active, uint32(r.IntN(3)))
		if orders < 4 {
			c.xyz[len(c.xyz)-1] = columnar.Null
		}
	}
	return c
}

func (c *clientColumns) write(b *testing.B, out io.Writer) {
	w, err := columnar.NewWriter[schema.ClientRow](out)
	if err != nil {
		b.Fatal(err)
	}
	for from := 0; from < c.rows; from += schema.RowGroupRows {
		to := min(from+schema.RowGroupRows, c.rows)
		g := w.Group(to - from)
		g.Fixed("client_id", c.ids[from*27:to*27], 27)
		g.Codes("first_order_day", c.days, c.first[from:to])
		g.Codes("last_order_day", c.days, c.last[from:to])
		g.Ints("orders", c.orders[from:to], nil)
		g.Ints("order_days", c.orderDays[from:to], nil)
		g.Ints("revenue_minor", c.revenue[from:to], nil)
		g.Ints("average_order_minor", c.average[from:to], nil)
		g.Ints("recency_days", c.recency[from:to], nil)
		g.Ints("r", c.r[from:to], nil)
		g.Ints("f", c.f[from:to], nil)
		g.Ints("m", c.m[from:to], nil)
		g.Codes("rfm_code", c.codes27, c.code[from:to])
		g.Codes("rfm_segment", c.segments, c.segment[from:to])
		g.Codes("abc", c.classes, c.abc[from:to])
		g.Codes("xyz", c.classes, c.xyz[from:to])
		g.Codes("cohort_month", c.months, c.cohort[from:to])
		g.Codes("lifecycle", c.lifecycles, c.life[from:to])
		g.Codes("activity", c.actives, c.active[from:to])
		g.Ints("records_merged", make([]int64, to-from), nil)
		g.Ints("contacts_30d", make([]int64, to-from), nil)
		g.Bools("answered", make([]bool, to-from))
		if err := g.Close(); err != nil {
			b.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
}

func (c *clientColumns) structs() []schema.ClientRow {
	rows := make([]schema.ClientRow, c.rows)
	text := func(dictionary []string, code uint32) *string {
		if code == columnar.Null {
			return nil
		}
		return &dictionary[code]
	}
	for i := range rows {
		rows[i] = schema.ClientRow{
			ClientID: string(c.ids[i*27 : i*27+27]), FirstOrderDay: text(c.days, c.first[i]), LastOrderDay: text(c.days, c.last[i]),
			Orders: c.orders[i], OrderDays: c.orderDays[i], RevenueMinor: c.revenue[i], AverageOrderMinor: &c.average[i], RecencyDays: &c.recency[i],
			R: &c.r[i], F: &c.f[i], M: &c.m[i], RFMCode: text(c.codes27, c.code[i]), RFMSegment: text(c.segments, c.segment[i]),
			ABC: text(c.classes, c.abc[i]), XYZ: text(c.classes, c.xyz[i]), CohortMonth: text(c.months, c.cohort[i]),
			Lifecycle: c.lifecycles[c.life[i]], Activity: c.actives[c.active[i]],
		}
	}
	return rows
}

type counting struct{ n int64 }

func (c *counting) Write(p []byte) (int, error) { c.n += int64(len(p)); return len(p), nil }

// BenchmarkClients writes a million clients: by columns, and as rows whose structs
// are there already. The garbage that each makes is its memory.
func BenchmarkClients(b *testing.B) {
	c := newClientColumns(1_000_000)
	b.Run("columns", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var out counting
			c.write(b, &out)
			b.ReportMetric(float64(out.n)/1e6, "MB")
		}
	})
	b.Run("rows", func(b *testing.B) {
		rows := c.structs()
		runtime.GC()
		b.ReportAllocs()
		for b.Loop() {
			body, err := schema.Encode(rows)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(len(body))/1e6, "MB")
		}
	})
}
