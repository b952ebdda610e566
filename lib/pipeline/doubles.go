package pipeline

import (
	"cmp"
	"context"
	"errors"
	"hash/maphash"
	"slices"
	"time"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/schema"
)

// DoubleReport is two sources whose orders look like the same sales told twice:
// equal client, business day and amount under different order ids. Their money
// would count twice.
type DoubleReport struct {
	A       string `json:"a"` // the smaller of the two
	B       string `json:"b"`
	Alike   int    `json:"alike"` // orders of A that have a twin in B
	OrdersA int    `json:"orders_a"`
	OrdersB int    `json:"orders_b"`
}

const (
	// doubleShare is from which share of the smaller source's orders on two sources
	// are suspected (design: more than a tenth).
	doubleShare = 0.1
	// doubleDays is how far back orders are compared.
	doubleDays = 365
)

// saleGlance is what of an order tells two sales apart.
type saleGlance struct {
	Shop       string    `parquet:"shop,dict"`
	Token      string    `parquet:"token,dict"`
	MoreTokens []string  `parquet:"more_tokens,list"`
	At         time.Time `parquet:"at,timestamp(microsecond),delta"`
	Currency   string    `parquet:"currency,dict"`
	TotalMinor int64     `parquet:"total_minor,delta"`
	Source     string    `parquet:"source,dict"`
}

// Table implements schema.Row.
func (saleGlance) Table() string { return "orders" }

// Personal implements schema.Row.
func (saleGlance) Personal() []string { return nil }

// sale is what two reports of one purchase have in common.
type sale struct {
	client, currency string
	day              int32
	totalMinor       int64
}

// DoubleReports compares the orders of the last year by client, day and amount
// between sources. Orders without a client or an amount are left out; clients are
// those of the last night, before it those with the same first identifier. The
// result is ordered by names.
func (p *Pipeline) DoubleReports(ctx context.Context) ([]DoubleReport, error) {
	cfg, err := p.Config(ctx)
	if err != nil {
		return nil, err
	}
	tokens, err := lake.ReadTable[schema.TokenRow](ctx, p.store, tokensKey)
	if err != nil {
		return nil, err
	}
	clientOf := make(map[string]string, len(tokens.Rows))
	for _, row := range tokens.Rows {
		clientOf[row.Token] = row.ClientID
	}
	run, err := lake.Current(ctx, p.store)
	if err != nil && !errors.Is(err, lake.ErrNoRun) {
		return nil, err
	}
	deciders, err := p.decidersOf(ctx, run)
	if err != nil {
		return nil, err
	}
	glance := salesGlance{since: p.now().AddDate(0, 0, -doubleDays), cfg: cfg, clientOf: clientOf, deciders: deciders, seed: maphash.MakeSeed()}
	if err := p.readingOrders(ctx, func(folded *foldedOrders) error { return glance.read(ctx, folded) }); err != nil {
		return nil, err
	}
	orders := glance.orders
	alike := pairs(glance.told, glance.names)
	var found []DoubleReport
	for pair, n := range alike {
		d := DoubleReport{A: pair[0], B: pair[1], Alike: n, OrdersA: orders[pair[0]], OrdersB: orders[pair[1]]}
		if d.OrdersA > d.OrdersB {
			d.A, d.B, d.OrdersA, d.OrdersB = d.B, d.A, d.OrdersB, d.OrdersA
		}
		if float64(n) > doubleShare*float64(d.OrdersA) {
			found = append(found, d)
		}
	}
	slices.SortFunc(found, func(x, y DoubleReport) int { return cmp.Or(cmp.Compare(x.A, y.A), cmp.Compare(x.B, y.B)) })
	return found, nil
}

// salesGlance is what orders tell of sales.
type salesGlance struct {
	since    time.Time
	cfg      *config.Config
	clientOf map[string]string // by token
	deciders deciders
	seed     maphash.Seed

	told   []teller // 16 bytes an order, so that a marketplace's year fits
	names  []string // of sources
	orders map[string]int
}

// read glances at all orders, from the beginning when it is called again.
func (g *salesGlance) read(ctx context.Context, folded *foldedOrders) error {
	index := map[string]int{}
	g.told, g.names, g.orders = nil, nil, map[string]int{}
	for bucket := range orderBuckets {
		rows, err := readOrders[saleGlance](ctx, folded, bucket)
		if err != nil {
			return err
		}
		for _, row := range rows {
			if row.Token == "" || row.TotalMinor == 0 || row.At.Before(g.since) {
				continue
			}
			token := g.deciders.of(row.Token, row.MoreTokens)
			key := sale{
				client: cmp.Or(g.clientOf[token], token), currency: cmp.Or(row.Currency, g.cfg.Business.Currency),
				day: dayNumber(row.At.In(g.cfg.Location())), totalMinor: row.TotalMinor,
			}
			i, known := index[row.Source]
			if !known {
				i, g.names = len(g.names), append(g.names, row.Source)
				index[row.Source] = i
			}
			g.told = append(g.told, teller{sale: maphash.Comparable(g.seed, key), source: i})
			g.orders[row.Source]++
		}
	}
	return nil
}

// teller says which source reported a sale.
type teller struct {
	sale   uint64
	source int
}

// pairs counts the sales that two sources both report.
func pairs(told []teller, names []string) map[[2]string]int {
	slices.SortFunc(told, func(a, b teller) int { return cmp.Or(cmp.Compare(a.sale, b.sale), cmp.Compare(a.source, b.source)) })
	alike := map[[2]string]int{}
	for len(told) > 0 {
		n := 1
		for n < len(told) && told[n].sale == told[0].sale {
			n++
		}
		bySource := map[int]int{}
		if told[n-1].source != told[0].source {
			for _, t := range told[:n] {
				bySource[t.source]++
			}
		}
		for a, ordersA := range bySource {
			for b, ordersB := range bySource {
				if names[a] < names[b] {
					alike[[2]string{names[a], names[b]}] += min(ordersA, ordersB)
				}
			}
		}
		told = told[n:]
	}
	return alike
}

// dayNumber counts calendar days.
func dayNumber(t time.Time) int32 {
	return int32(time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC).Unix() / 86400) //nolint:gosec // G115: days since 1970 fit
}
