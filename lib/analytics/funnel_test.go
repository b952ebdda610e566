package analytics_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/analytics"
	"github.com/leadlake/leadlake/lib/schema"
)

var threeStages = []string{"lead", "contact", "won"}

// reached is facts written "interest/stage/day"; no interest: the client alone.
func reached(tb testing.TB, facts ...string) []analytics.Reached {
	tb.Helper()
	all := make([]analytics.Reached, len(facts))
	for i, fact := range facts {
		parts := strings.Split(fact, "/")
		all[i] = analytics.Reached{Interest: parts[0], Stage: parts[1], Day: day(tb, parts[2])}
	}
	return all
}

func month(tb testing.TB, text string) analytics.Month {
	tb.Helper()
	return day(tb, text+"-01").Month()
}

func text[T any](value *T) string {
	if value == nil {
		return "-"
	}
	return fmt.Sprint(*value)
}

// lines are rows as text: month, stage, interest, source; entered, current, from
// the previous stage and from the top; cost, clients of known cost, cost of each.
func lines(rows []schema.FunnelRow) string {
	var all strings.Builder
	for _, r := range rows {
		fmt.Fprintf(&all, "%s %s %s %s: %d %d %s %s; %s %s %s\n", r.Month, r.Stage, r.Interest, r.Source, r.Entered, r.Current,
			text(r.ConversionFromPrevious), text(r.ConversionFromTop), text(r.CostMinor), text(r.CostKnownFor), text(r.CostPerStageMinor))
	}
	return all.String()
}

// a asks in January, is called in February and buys in March, all about coffee; he
// came by a campaign whose cost is known. b asks in January and stays there; what
// his ad cost is not known. c is stated as won in February without a step before.
// d did nothing that the funnel knows.
func fourClients(t *testing.T) []analytics.FunnelClient {
	return []analytics.FunnelClient{
		{
			Source: "Yandex", Campaign: " Spring", Interests: []string{"coffee"},
			Reached: reached(t, "coffee/lead/2026-01-31", "/contact/2026-02-03", "coffee/contact/2026-02-03", "/lead/2026-02-10"),
			Orders:  2, RevenueMinor: 1000, FirstOrder: day(t, "2026-03-01"),
		},
		{Source: "yandex", Reached: reached(t, "/lead/2026-01-10")},
		{Source: "vk", Reached: reached(t, "/won/2026-02-28", "/dreaming/2026-01-01")},
		{Source: "vk", Campaign: "x", Interests: []string{"coffee"}, Reached: reached(t, "coffee/dreaming/2026-02-28")},
	}
}

func TestFunnelByHand(t *testing.T) {
	f := analytics.NewFunnel(threeStages, fourClients(t))
	f.Purchase(0, day(t, "2026-03-01"), nil, nil)
	costs := []analytics.Cost{
		{Month: month(t, "2026-01"), Source: "yandex", Campaign: "spring", Minor: 500},
		{Month: month(t, "2026-02"), Source: "yandex", Campaign: "spring", Minor: 300},
	}
	// 800 of known cost brought a alone: b and c are in no cost.
	want := strings.TrimLeft(`
 lead  : 3 1 - 1; 800 1 800
 lead  vk: 1 0 - 1; - 0 -
 lead  yandex: 2 1 - 1; 800 1 800
 lead coffee : 1 0 - 1; - - -
 lead coffee yandex: 1 0 - 1; - - -
 contact  : 2 0 0.666666667 0.666666667; 800 1 800
 contact  vk: 1 0 1 1; - 0 -
 contact  yandex: 1 0 0.5 0.5; 800 1 800
 contact coffee : 1 0 1 1; - - -
 contact coffee yandex: 1 0 1 1; - - -
 won  : 2 2 1 0.666666667; 800 1 800
 won  vk: 1 1 1 1; - 0 -
 won  yandex: 1 1 1 0.5; 800 1 800
 won coffee : 1 1 1 1; - - -
 won coffee yandex: 1 1 1 1; - - -
2026-01 lead  : 2 1 - 1; 500 1 500
2026-01 lead  yandex: 2 1 - 1; 500 1 500
2026-01 lead coffee : 1 0 - 1; - - -
2026-01 lead coffee yandex: 1 0 - 1; - - -
2026-01 contact  : 0 0 0 0; 500 0 -
2026-01 contact  yandex: 0 0 0 0; 500 0 -
2026-01 contact coffee : 0 0 0 0; - - -
2026-01 contact coffee yandex: 0 0 0 0; - - -
2026-01 won  : 0 1 - 0; 500 0 -
2026-01 won  yandex: 0 1 - 0; 500 0 -
2026-01 won coffee : 0 1 - 0; - - -
2026-01 won coffee yandex: 0 1 - 0; - - -
2026-02 lead  : 2 0 - 1; 300 1 300
2026-02 lead  vk: 1 0 - 1; - 0 -
2026-02 lead  yandex: 1 0 - 1; 300 1 300
2026-02 lead coffee : 1 0 - 1; - - -
2026-02 lead coffee yandex: 1 0 - 1; - - -
2026-02 contact  : 2 0 1 1; 300 1 300
2026-02 contact  vk: 1 0 1 1; - 0 -
2026-02 contact  yandex: 1 0 1 1; 300 1 300
2026-02 contact coffee : 1 0 1 1; - - -
2026-02 contact coffee yandex: 1 0 1 1; - - -
2026-02 won  : 1 1 0.5 0.5; 300 0 -
2026-02 won  vk: 1 1 1 1; - 0 -
2026-02 won  yandex: 0 0 0 0; 300 0 -
2026-02 won coffee : 0 0 0 0; - - -
2026-02 won coffee yandex: 0 0 0 0; - - -
2026-03 lead  : 1 0 - 1; - 1 -
2026-03 lead  yandex: 1 0 - 1; - 1 -
2026-03 lead coffee : 1 0 - 1; - - -
2026-03 lead coffee yandex: 1 0 - 1; - - -
2026-03 contact  : 1 0 1 1; - 1 -
2026-03 contact  yandex: 1 0 1 1; - 1 -
2026-03 contact coffee : 1 0 1 1; - - -
2026-03 contact coffee yandex: 1 0 1 1; - - -
2026-03 won  : 1 0 1 1; - 1 -
2026-03 won  yandex: 1 0 1 1; - 1 -
2026-03 won coffee : 1 0 1 1; - - -
2026-03 won coffee yandex: 1 0 1 1; - - -
`, "\n")
	if diff := cmp.Diff(want, lines(f.Rows(costs))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSourcesByHand(t *testing.T) {
	number := func(x int64) *int64 { return &x }
	third, none := 3.33333333, 0.0 // 1000 by 300, to nine digits
	f := analytics.NewFunnel(threeStages, fourClients(t))
	got := f.Sources([]analytics.Cost{
		{Month: month(t, "2026-01"), Source: "yandex", Campaign: "spring", Minor: 300},
		{Month: month(t, "2026-01"), Source: "yandex", Campaign: "nobody", Minor: 70},
		{Month: month(t, "2026-02"), Source: "vk", Minor: -5}, // corrected below zero: a return on it would say nothing
	})
	want := []schema.SourceRow{
		{Month: "2026-01", Source: "yandex", Leads: 1},
		{Month: "2026-01", Source: "yandex", Campaign: "nobody", CostMinor: number(70), ReturnOnSpend: &none},
		{
			Month: "2026-01", Source: "yandex", Campaign: "spring", Leads: 1, Clients: 1, Orders: 2, RevenueMinor: 1000,
			CostMinor: number(300), CostPerLeadMinor: number(300), CostPerClientMinor: number(300), ReturnOnSpend: &third,
		},
		{Month: "2026-02", Source: "vk", Leads: 1, CostMinor: number(-5), CostPerLeadMinor: number(-5)},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// 5 by 2 is 2.5: half away from zero is 3, and -3 below zero.
func TestCostOfEachIsRoundedHalfAwayFromZero(t *testing.T) {
	clients := []analytics.FunnelClient{
		{Source: "s", Reached: reached(t, "/lead/2026-01-01")},
		{Source: "s", Reached: reached(t, "/lead/2026-01-02")},
		{Source: "s", Reached: reached(t, "/lead/2026-01-03")},
	}
	for _, test := range []struct{ clients, cost, want int64 }{
		{2, 5, 3},
		{2, -5, -3},
		{2, 4, 2},
		{3, 1, 0},
		{3, -1, 0},
		{3, 5, 2},
		{3, -5, -2},
		{1, 1<<63 - 1, 1<<63 - 1},
		{2, 1<<63 - 1, 1 << 62},
	} {
		f := analytics.NewFunnel(threeStages, clients[:test.clients])
		costs := []analytics.Cost{{Month: month(t, "2026-01"), Source: "s", Minor: test.cost}}
		if got := f.Rows(costs)[0].CostPerStageMinor; *got != test.want {
			t.Errorf("%d by %d = %d, want %d", test.cost, test.clients, *got, test.want)
		}
	}
}

func TestBasesByHand(t *testing.T) {
	f := analytics.NewFunnel(threeStages, []analytics.FunnelClient{
		{Interests: []string{"tea", "чай"}, Reached: reached(t, "tea/lead/2026-01-01", "чай/lead/2026-01-01"), Orders: 1, RevenueMinor: 700, FirstOrder: day(t, "2026-01-02")},
		{Interests: []string{"tea"}, Reached: reached(t, "tea/won/2026-01-05")}, // stated as won, with no order
		{Interests: []string{"tea"}, Reached: reached(t, "tea/contact/2026-01-05"), Orders: 1, RevenueMinor: 50, FirstOrder: day(t, "2026-01-09")},
		{Interests: []string{"mugs"}}, // asked about in a chat; no stage was reached with it
	})
	f.Purchase(0, day(t, "2026-01-02"), []string{"чай"}, []string{"tea"}) // what the order names goes before its lines
	f.Purchase(2, day(t, "2026-01-09"), nil, []string{"delivery", ""})    // no such interest: his only one is meant
	want := []schema.BaseRow{
		{Interest: "tea", Base: "client", Clients: 2, RevenueMinor: 50},
		{Interest: "tea", Base: "potential", Clients: 1, RevenueMinor: 700},
		{Interest: "чай", Base: "client", Clients: 1, RevenueMinor: 700},
		{Interest: "чай", Base: "potential"},
	}
	if diff := cmp.Diff(want, f.Bases()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWhatAPurchaseWasAbout(t *testing.T) {
	one, two := []string{"tea"}, []string{"Coffee beans", "tea"}
	for _, test := range []struct {
		name                         string
		interests, named, categories []string
		want                         string
	}{
		{"what the order names", two, []string{"tea"}, []string{"coffee beans"}, "tea"},
		{"an interest that only the order names", two, []string{"cups"}, nil, "cups"},
		{"categories that are interests", two, nil, []string{"sugar", " COFFEE beans ", "tea"}, "Coffee beans tea"},
		{"an interest of somebody else", one, nil, []string{"repairs"}, "repairs"},
		{"the exact name goes before another spelling", one, nil, []string{"Repairs"}, "Repairs"},
		{"the only interest", one, nil, []string{"sugar"}, "tea"},
		{"one of two: not known which", two, nil, []string{"sugar"}, ""},
		{"no interest at all", nil, nil, nil, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := analytics.NewFunnel(threeStages, []analytics.FunnelClient{
				{Interests: test.interests, Orders: 1, FirstOrder: day(t, "2026-01-02")},
				{Interests: []string{"repairs", "Repairs"}},
			})
			f.Purchase(0, day(t, "2026-01-02"), test.named, test.categories)
			var got []string
			total := int64(0)
			for _, row := range f.Rows(nil) {
				switch {
				case row.Month != "" || row.Stage != "won" || row.Source != "":
				case row.Interest == "":
					total = row.Entered
				default:
					got = append(got, row.Interest)
				}
			}
			if strings.Join(got, " ") != test.want || total != 1 {
				t.Errorf("interests %q, want %q; %d bought in all, want 1", got, test.want, total)
			}
		})
	}
}

// crowd is a made-up base with its purchases and costs.
type crowd struct {
	clients   []analytics.FunnelClient
	purchases []crowdPurchase
	costs     []analytics.Cost
}

type crowdPurchase struct {
	client     int
	day        analytics.Day
	named      []string
	categories []string
}

var fiveStages = []string{"lead", "first_contact", "visited", "offer", "won"}

func crowdOf(tb testing.TB, seed uint64, size int) crowd {
	tb.Helper()
	random := rand.New(rand.NewPCG(seed, 5))
	pick := func(from ...string) string { return from[random.IntN(len(from))] }
	begin := day(tb, "2025-11-03")
	var c crowd
	for i := range size {
		client := analytics.FunnelClient{Source: pick("yandex", "Yandex", "vk", "referral", ""), Campaign: pick("", "spring", "Весна", "sale")}
		for range random.IntN(3) {
			if interest := pick("cleaning", "repair", "Ремонт"); !slices.Contains(client.Interests, interest) {
				client.Interests = append(client.Interests, interest)
			}
		}
		at := begin + analytics.Day(random.IntN(200))
		for range random.IntN(5) {
			fact := analytics.Reached{Stage: pick(append(fiveStages, "elsewhere")...), Day: at + analytics.Day(random.IntN(70))}
			client.Reached = append(client.Reached, fact)
			for _, interest := range client.Interests {
				if random.IntN(2) == 0 {
					client.Reached = append(client.Reached, analytics.Reached{Interest: interest, Stage: fact.Stage, Day: fact.Day})
				}
			}
		}
		for range max(0, random.IntN(5)-2) {
			p := crowdPurchase{client: i, day: at + analytics.Day(random.IntN(90)), categories: []string{pick("cleaning", "РЕМОНТ", "goods")}}
			if random.IntN(4) == 0 {
				p.named = []string{pick("repair", "cleaning")}
			}
			if client.Orders == 0 || p.day < client.FirstOrder {
				client.FirstOrder = p.day
			}
			client.Orders++
			client.RevenueMinor += int64(random.IntN(100_000))
			c.purchases = append(c.purchases, p)
		}
		c.clients = append(c.clients, client)
	}
	for m := range analytics.Month(9) {
		for _, of := range []string{"yandex", "yandex/spring", "vk/весна", "vk/sale", "nowhere/x"} {
			if random.IntN(3) > 0 {
				source, campaign, _ := strings.Cut(of, "/")
				c.costs = append(c.costs, analytics.Cost{Month: begin.Month() + m, Source: source, Campaign: campaign, Minor: int64(random.IntN(1_000_000))})
			}
		}
	}
	return c
}

type funnelTables struct {
	Funnel  []schema.FunnelRow
	Sources []schema.SourceRow
	Bases   []schema.BaseRow
}

func (c crowd) tables() funnelTables {
	f := analytics.NewFunnel(fiveStages, c.clients)
	for _, p := range c.purchases {
		f.Purchase(p.client, p.day, p.named, p.categories)
	}
	return funnelTables{f.Rows(c.costs), f.Sources(c.costs), f.Bases()}
}

// shuffled is the same crowd in another order of everything.
func (c crowd) shuffled(seed uint64) crowd {
	random := rand.New(rand.NewPCG(seed, 9))
	place := random.Perm(len(c.clients))
	next := crowd{clients: make([]analytics.FunnelClient, len(c.clients)), purchases: slices.Clone(c.purchases), costs: slices.Clone(c.costs)}
	for i, client := range c.clients {
		client.Reached, client.Interests = slices.Clone(client.Reached), slices.Clone(client.Interests)
		random.Shuffle(len(client.Reached), func(i, j int) { client.Reached[i], client.Reached[j] = client.Reached[j], client.Reached[i] })
		random.Shuffle(len(client.Interests), func(i, j int) { client.Interests[i], client.Interests[j] = client.Interests[j], client.Interests[i] })
		next.clients[place[i]] = client
	}
	for i := range next.purchases {
		next.purchases[i].client = place[next.purchases[i].client]
	}
	random.Shuffle(len(next.purchases), func(i, j int) { next.purchases[i], next.purchases[j] = next.purchases[j], next.purchases[i] })
	random.Shuffle(len(next.costs), func(i, j int) { next.costs[i], next.costs[j] = next.costs[j], next.costs[i] })
	return next
}

func TestTheFunnelDoesNotDependOnAnyOrder(t *testing.T) {
	c := crowdOf(t, 3, 400)
	want := c.tables()
	for seed := range uint64(5) {
		if diff := cmp.Diff(want, c.shuffled(seed).tables()); diff != "" {
			t.Fatalf("seed %d (-want +got):\n%s", seed, diff)
		}
	}
}

// What holds for every cell of every funnel.
func TestTheFunnelIsConsistent(t *testing.T) {
	for seed := range uint64(8) {
		tables := crowdOf(t, seed, 300).tables()
		type cell struct{ month, interest, source string }
		cells := map[cell][]schema.FunnelRow{}
		for _, row := range tables.Funnel {
			key := cell{row.Month, row.Interest, row.Source}
			cells[key] = append(cells[key], row)
		}
		standing := map[cell]int64{} // by stage in place of the month
		for key, stages := range cells {
			if len(stages) != len(fiveStages) {
				t.Fatalf("%v has %d stages, want %d", key, len(stages), len(fiveStages))
			}
			current := int64(0)
			for i, row := range stages {
				current += row.Current
				if i > 0 && row.Entered > stages[i-1].Entered {
					t.Errorf("%v: %d entered %s and %d the stage before", key, row.Entered, row.Stage, stages[i-1].Entered)
				}
				if key.interest == "" && *row.CostKnownFor > row.Entered {
					t.Errorf("%v %s: cost is known for %d of %d", key, row.Stage, *row.CostKnownFor, row.Entered)
				}
				if key.interest != "" && (row.CostMinor != nil || row.CostKnownFor != nil || row.CostPerStageMinor != nil) {
					t.Errorf("%v %s: a cost by interest", key, row.Stage)
				}
				if key.month != "" {
					standing[cell{row.Stage, key.interest, key.source}] += row.Current
				}
			}
			if key.month == "" && current != stages[0].Entered {
				t.Errorf("%v: %d stand somewhere, %d entered", key, current, stages[0].Entered)
			}
			if key.month != "" && current > stages[0].Entered {
				t.Errorf("%v: %d came in the month, %d entered", key, current, stages[0].Entered)
			}
		}
		leads, cost := map[string]int64{}, map[string]int64{}
		for _, row := range tables.Sources {
			leads[row.Month] += row.Leads
			if row.CostMinor != nil {
				cost[row.Month] += *row.CostMinor
				cost[""] += *row.CostMinor
			}
		}
		for _, row := range tables.Funnel {
			if row.Month == "" && row.Current != standing[cell{row.Stage, row.Interest, row.Source}] {
				t.Errorf("%s %s %s: %d stand there, by month %d", row.Stage, row.Interest, row.Source, row.Current, standing[cell{row.Stage, row.Interest, row.Source}])
			}
			if row.Interest == "" && row.Source == "" && row.CostMinor != nil && *row.CostMinor != cost[row.Month] {
				t.Errorf("%s: cost %d, by source %d", row.Month, *row.CostMinor, cost[row.Month])
			}
			if row.Month != "" && row.Interest == "" && row.Source == "" {
				leads[row.Month] -= row.Current
			}
		}
		for month, missing := range leads {
			if missing != 0 {
				t.Errorf("%s: sources have %d leads more than stand in the funnel", month, missing)
			}
		}
	}
}

func TestNobodyHasNoFunnel(t *testing.T) {
	for name, clients := range map[string][]analytics.FunnelClient{
		"no client":                     nil,
		"a client who reached nothing":  {{Source: "vk", Interests: []string{"tea"}}},
		"a stage that the funnel lacks": {{Source: "vk", Reached: reached(t, "tea/dreaming/2026-01-01")}},
	} {
		f := analytics.NewFunnel(threeStages, clients)
		if rows, sources, bases := f.Rows(nil), f.Sources(nil), f.Bases(); len(rows)+len(sources)+len(bases) != 0 {
			t.Errorf("%s: %v, %v, %v, want nothing", name, rows, sources, bases)
		}
	}
	// A cost alone has a funnel of nobody.
	rows := analytics.NewFunnel(threeStages[:1], nil).Rows([]analytics.Cost{{Month: month(t, "2026-01"), Source: "vk", Minor: 0}})
	if got, want := lines(rows), " lead  : 0 0 - -; 0 0 -\n lead  vk: 0 0 - -; 0 0 -\n2026-01 lead  : 0 0 - -; 0 0 -\n2026-01 lead  vk: 0 0 - -; 0 0 -\n"; got != want {
		t.Errorf("a cost alone:\n%swant:\n%s", got, want)
	}
}

func TestOneClientOfOneStage(t *testing.T) {
	f := analytics.NewFunnel([]string{"won"}, []analytics.FunnelClient{{Orders: 1, FirstOrder: day(t, "2026-02-28"), RevenueMinor: 9}})
	f.Purchase(0, day(t, "2026-02-28"), nil, []string{"tea"})
	if got, want := lines(f.Rows(nil)), " won  : 1 1 - 1; - 0 -\n2026-02 won  : 1 1 - 1; - 0 -\n"; got != want {
		t.Errorf("funnel:\n%swant:\n%s", got, want)
	}
	if diff := cmp.Diff([]schema.SourceRow{{Month: "2026-02", Leads: 1, Clients: 1, Orders: 1, RevenueMinor: 9}}, f.Sources(nil)); diff != "" {
		t.Errorf("sources (-want +got):\n%s", diff)
	}
}

func TestFunnelGolden(t *testing.T) {
	golden(t, "funnel.golden.json", crowdOf(t, 1, 40).tables())
}

// BenchmarkFunnel makes the three tables of 200 000 clients.
func BenchmarkFunnel(b *testing.B) {
	c := crowdOf(b, 1, 200_000)
	b.ReportAllocs()
	for b.Loop() {
		c.tables()
	}
}
