package analytics_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/analytics"
	"github.com/leadlake/leadlake/lib/schema"
)

// returning is a shop whose clients buy at rates of their own and leave one day, as
// the models suppose: with 17 % a client leaves after a purchase, with the rest he
// comes again after some weeks.
func returning(clients int) []order {
	random := rand.New(rand.NewPCG(21, 4))
	from, err := analytics.ParseDay("2025-06-01")
	if err != nil {
		panic(err)
	}
	var all []order
	for i := range clients {
		client := fmt.Sprintf("c%05d", i)
		rate := (random.ExpFloat64() + random.ExpFloat64()) / 60 // purchases a day
		leaves := 0.3 * random.Float64() * random.Float64() * 2
		worth := 50_000 * (0.3 + random.ExpFloat64())
		for at := random.Float64() * 500; at < 579; at += random.ExpFloat64() / rate {
			minor := int64(worth * (0.5 + random.Float64()))
			all = append(all, paid(client, (from+analytics.Day(at)).String(), minor))
			if random.Float64() < leaves {
				break
			}
		}
	}
	return all
}

func models(rows []schema.ModelRow) map[string]float64 {
	out := map[string]float64{}
	for _, row := range rows {
		out[row.Model+" "+row.Parameter] = row.Value
	}
	return out
}

type predicted struct {
	Models  []schema.ModelRow
	Clients []analytics.Predicted
}

func TestPredictionsGolden(t *testing.T) {
	p := analytics.Predict(base(t, options(t), returning(600)...))
	golden(t, "predictions.golden.json", predicted{p.Models, p.Clients[:20]})
}

// The figures of clients from the written tables alone, by the formulas as they are
// printed: P(alive) of MBG/NBD = 1 / (1 + a/(b+x) ((α+T)/(α+t_x))^(r+x)), and value =
// expected purchase days of a year · p (v + repeat money) / (px + q - 1).
func TestTablesGiveTheFiguresAgain(t *testing.T) {
	b := base(t, options(t), returning(600)...)
	s := score(b)
	m := models(s.Models)
	for i, c := range s.Clients {
		x, last, age := float64(c.OrderDays-1), float64(c.LastDay-c.FirstDay)/7, float64(b.AsOf-c.FirstDay)/7
		alpha := m["mbgnbd alpha"]
		alive := 1 / (1 + m["mbgnbd a"]/(m["mbgnbd b"]+x)*math.Pow((alpha+age)/(alpha+last), m["mbgnbd r"]+x))
		if math.Abs(*c.PAlive-alive) > 1e-8*alive {
			t.Errorf("%s is alive with %v, by hand %v", c.ClientID, *c.PAlive, alive)
		}
		// Purchases by adding up small steps of time: while a client is alive, those of
		// the next moment are ρ (α+T)^ρ E[(α+T+ps)^-(ρ+1)], with p as Beta(a, b+x).
		if i%97 == 0 {
			want := expectedBySteps(m["bgnbd r"]+x, m["bgnbd alpha"]+age, m["bgnbd a"], m["bgnbd b"]+x, 90.0/7)
			if x > 0 {
				want /= 1 + m["bgnbd a"]/(m["bgnbd b"]+x-1)*math.Pow((m["bgnbd alpha"]+age)/(m["bgnbd alpha"]+last), m["bgnbd r"]+x)
			}
			if math.Abs(*c.ExpectedOrders90d-want) > 2e-4*want {
				t.Errorf("%s is expected to buy %v times, by steps %v", c.ClientID, *c.ExpectedOrders90d, want)
			}
		}
		each := m["gammagamma p"] * (m["gammagamma v"] + float64(c.RevenueMinor-b.Client(i).FirstDayMinor)) / (m["gammagamma p"]*x + m["gammagamma q"] - 1)
		if year := float64(*c.ExpectedValueMinor) / each; year+0.5/each < *c.ExpectedOrders90d || year > *c.ExpectedOrders90d*366/90+0.5/each {
			t.Errorf("%s: %v purchases in 90 days but %v in a year", c.ClientID, *c.ExpectedOrders90d, year)
		}
	}
}

// expectedBySteps integrates over p = u^4, whose density at 0 is finite for a > 1/4.
func expectedBySteps(rho, age, a, b, t float64) float64 {
	const steps = 4000
	sum, mass := 0.0, 0.0
	for i := range steps {
		u := (float64(i) + 0.5) / steps
		p := u * u * u * u
		density := math.Pow(p, a-1) * math.Pow(1-p, b-1) * 4 * u * u * u
		mass += density
		sum += density * (1 - math.Pow(age/(age+p*t), rho)) / p
	}
	return sum / mass
}

func TestPredictionsOfAnyOrder(t *testing.T) {
	orders := returning(400)
	want := analytics.Predict(base(t, options(t), orders...))
	random := rand.New(rand.NewPCG(3, 9))
	random.Shuffle(len(orders), func(i, j int) { orders[i], orders[j] = orders[j], orders[i] })
	if diff := cmp.Diff(want, analytics.Predict(base(t, options(t), orders...))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// A hundred times the money: the same people as often, a hundred times the value.
	for i := range orders {
		orders[i].RevenueMinor *= 100
	}
	large := analytics.Predict(base(t, options(t), orders...))
	for i, c := range want.Clients {
		got := large.Clients[i]
		if *got.PAlive != *c.PAlive || *got.ExpectedOrders90d != *c.ExpectedOrders90d ||
			math.Abs(float64(*got.ExpectedValueMinor-100**c.ExpectedValueMinor)) > 51+1e-7*float64(*got.ExpectedValueMinor) {
			t.Errorf("client %d: %v %v %d, want %v %v and a hundred times %d", i, *got.PAlive, *got.ExpectedOrders90d, *got.ExpectedValueMinor,
				*c.PAlive, *c.ExpectedOrders90d, *c.ExpectedValueMinor)
		}
	}
}

// The back-test counts what happened: by the orders themselves.
func TestBacktestCountsTheHoldout(t *testing.T) {
	orders := returning(600)
	b := base(t, options(t), orders...)
	m := models(analytics.Predict(b).Models)
	first := b.AsOf
	for _, c := range clientsOf(b) {
		first = min(first, c.FirstDay)
	}
	held := analytics.Day(m["bgnbd_backtest days"])
	if held != min((b.AsOf-first)/3, 182) {
		t.Errorf("held out are %d days of %d", held, b.AsOf-first)
	}
	before, after := map[string]bool{}, map[string]bool{}
	for _, o := range orders {
		if day(t, o.Day) <= b.AsOf-held {
			before[o.Client] = true
		}
	}
	for _, o := range orders {
		if on := day(t, o.Day); before[o.Client] && on > b.AsOf-held && on <= b.AsOf {
			after[o.Client+o.Day] = true
		}
	}
	if m["bgnbd_backtest clients"] != float64(len(before)) || m["bgnbd_backtest actual_orders"] != float64(len(after)) {
		t.Errorf("%v clients with %v purchase days after, want %d and %d", m["bgnbd_backtest clients"], m["bgnbd_backtest actual_orders"], len(before), len(after))
	}
	if ratio := m["bgnbd_backtest predicted_orders"] / float64(len(after)); ratio < 0.8 || ratio > 1.25 {
		t.Errorf("%v purchase days were predicted, %d came", m["bgnbd_backtest predicted_orders"], len(after))
	}
	if m["bgnbd_backtest auc"] < 0.7 || m["bgnbd_backtest auc_recency"] < 0.6 || m["bgnbd_backtest auc"] > 1 {
		t.Errorf("AUC %v, of recency %v", m["bgnbd_backtest auc"], m["bgnbd_backtest auc_recency"])
	}
}

func TestSmallBasesAreRefused(t *testing.T) {
	for name, of := range map[string]struct {
		orders []order
		want   map[string]float64
	}{
		"nobody": {nil, map[string]float64{
			"bgnbd refused:clients": 0, "mbgnbd refused:clients": 0, "gammagamma refused:clients": 0,
			"gammagamma left_out:other_currency": 0, "gammagamma left_out:not_above_zero": 0,
		}},
		"one client": {[]order{paid("a", "2026-01-02", 500), paid("a", "2026-03-02", 500)}, map[string]float64{
			"bgnbd refused:clients": 1, "mbgnbd refused:clients": 1, "gammagamma refused:clients": 1,
			"gammagamma left_out:other_currency": 0, "gammagamma left_out:not_above_zero": 0,
		}},
	} {
		p := analytics.Predict(base(t, options(t), of.orders...))
		if diff := cmp.Diff(of.want, models(p.Models)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		for _, c := range p.Clients {
			if c.PAlive != nil || c.ExpectedOrders90d != nil || c.ExpectedValueMinor != nil {
				t.Errorf("%s: %+v, want unknown", name, c)
			}
		}
	}
}

// Who repeats with free goods, or pays in a currency without a rate, has no value
// that the model could work with: he is counted, and the value is unknown. How often
// he buys is known all the same.
func TestUnknownMoneyHasNoExpectedValue(t *testing.T) {
	orders := returning(600)
	for d := range 4 {
		on := fmt.Sprintf("2026-0%d-01", d+2)
		orders = append(orders, paid("x-free", on, 0))
		foreign := paid("x-foreign", on, 900)
		foreign.Currency = "USD"
		orders = append(orders, foreign)
	}
	b := base(t, options(t), orders...)
	s := score(b)
	m := models(s.Models)
	if m["gammagamma left_out:other_currency"] != 1 || m["gammagamma left_out:not_above_zero"] != 1 {
		t.Errorf("left out %v and %v, want 1 and 1", m["gammagamma left_out:other_currency"], m["gammagamma left_out:not_above_zero"])
	}
	for _, c := range s.Clients {
		strange := c.ClientID == "x-free" || c.ClientID == "x-foreign"
		if strange != (c.ExpectedValueMinor == nil) || c.ExpectedOrders90d == nil {
			t.Errorf("%s: expected %v, worth %v", c.ClientID, c.ExpectedOrders90d, c.ExpectedValueMinor)
		}
	}
	if bounds, _ := threshold(t, s.Thresholds, analytics.MetricPrediction, "minimum"); !cmp.Equal(bounds, []float64{200, 100}) {
		t.Errorf("bounds %v, want 200 and 100", bounds)
	}
}

// The whole of CDNOW, as of the end of its 78 weeks.
func TestCDNOWPredictions(t *testing.T) {
	o := options(t)
	o.AsOf, o.Currency = day(t, "1998-06-30"), "USD"
	p := analytics.Predict(add(t, o, dictionary, 5000, cdnow(t)))
	m := models(p.Models)
	for _, row := range p.Models {
		t.Logf("%-15s %-26s %v", row.Model, row.Parameter, row.Value)
	}
	// 545 days from the first purchase to the as-of day, a third of them is 181.
	if m["bgnbd_backtest days"] != 181 || m["bgnbd_backtest clients"] != 23_570 {
		t.Errorf("%v days held out of %v clients", m["bgnbd_backtest days"], m["bgnbd_backtest clients"])
	}
	if ratio := m["bgnbd_backtest predicted_orders"] / m["bgnbd_backtest actual_orders"]; ratio < 0.9 || ratio > 1.1 {
		t.Errorf("predicted %v, actual %v", m["bgnbd_backtest predicted_orders"], m["bgnbd_backtest actual_orders"])
	}
	if m["bgnbd_backtest auc"] < m["bgnbd_backtest auc_recency"] {
		t.Errorf("AUC %v is below that of recency, %v", m["bgnbd_backtest auc"], m["bgnbd_backtest auc_recency"])
	}
}

// BenchmarkPredict is the whole of it for shops of many sizes.
func BenchmarkPredict(b *testing.B) {
	for _, clients := range []int{100, 2000, 100_000, 1_000_000} {
		of := base(b, options(b), returning(clients)...)
		b.Run(strconv.Itoa(clients), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				analytics.Predict(of)
			}
		})
	}
}
