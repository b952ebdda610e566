package analytics_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/analytics"
	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/schema"
)

func stagesOf() []string { return []string{"lead", "first_contact", "visited", "won"} }

func rule(points int, when config.LeadCondition) config.PointRule {
	return config.PointRule{When: when, Points: points}
}

// As of 2026-12-31. a is of Yandex, complete, has visited and asked 7 days ago:
// 10 + 20 + 30 + 5 = 65, not −15, which is for visitors of Yandex with coffee. b
// asked 8 days ago about coffee, in other letters: 7. c has bought: no score. d
// meets nothing: 0. e has visited, is of Yandex and wants coffee: 10 + 30 + 7 − 15
// = 32.
func TestPointsByHand(t *testing.T) {
	week := 7
	c := config.LeadScore{ObserveDays: 3, WonDays: 90, Points: []config.PointRule{
		rule(10, config.LeadCondition{Source: "Yandex"}), rule(20, config.LeadCondition{Complete: true}), rule(30, config.LeadCondition{Stage: "visited"}),
		rule(5, config.LeadCondition{WithinDays: &week}), rule(7, config.LeadCondition{Interest: "coffee"}),
		rule(-15, config.LeadCondition{Source: "yandex", Interest: "coffee", Stage: "first_contact"}),
	}}
	on := func(text string) analytics.Day { return day(t, text) }
	got := analytics.ScoreLeads([]analytics.Lead{
		{ClientID: "e", Day: on("2026-11-01"), Now: analytics.LeadFacts{Source: "yandex", Interests: []string{"coffee"}, Stage: 2}},
		{ClientID: "d", Day: on("2026-01-01"), Now: analytics.LeadFacts{Source: "vk", Contacted: true, Stage: 1}, Then: analytics.LeadFacts{Complete: true}},
		{ClientID: "c", Day: on("2026-12-30"), Bought: true, FirstBuy: on("2026-12-31"), Now: analytics.LeadFacts{Complete: true}},
		{ClientID: "b", Day: on("2026-12-23"), Now: analytics.LeadFacts{Interests: []string{"tea", " Coffee"}}},
		{ClientID: "a", Day: on("2026-12-24"), Now: analytics.LeadFacts{Source: " yandex", Complete: true, Stage: 2}},
	}, c, stagesOf(), on("2026-12-31"))
	row := func(id string, score float64, parts map[string]string) schema.ScoreRow {
		return schema.ScoreRow{ClientID: id, Score: score, Model: "points", Contributions: schema.MapOf(parts)}
	}
	want := []schema.ScoreRow{
		row("a", 65, map[string]string{"source=yandex": "10", "complete": "20", "stage=visited": "30", "within_days=7": "5"}),
		row("b", 7, map[string]string{"interest=coffee": "7"}),
		row("d", 0, nil),
		row("e", 32, map[string]string{"source=yandex": "10", "stage=visited": "30", "interest=coffee": "7", "source=yandex+interest=coffee+stage=first_contact": "-15"}),
	}
	if diff := gocmp.Diff(want, got.Rows); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// Three leads of 1 January to 1 November are old enough to know what became of them:
	// d alone, e's 93 days end in February.
	if diff := gocmp.Diff([]schema.ModelRow{{Model: "lead_score", Parameter: "leads", Value: 1}, {Model: "lead_score", Parameter: "refused:leads", Value: 1}, {Model: "lead_score", Parameter: "won"}}, got.Models); diff != "" {
		t.Errorf("models (-want +got):\n%s", diff)
	}
	if bounds, _ := threshold(t, got.Thresholds, "lead_score", "points:source=yandex+interest=coffee+stage=first_contact"); !slices.Equal(bounds, []float64{-15}) {
		t.Errorf("bounds %v, want the points", bounds)
	}
	if bounds, _ := threshold(t, got.Thresholds, "lead_score", "landmark"); !slices.Equal(bounds, []float64{3, 90}) {
		t.Errorf("landmark %v", bounds)
	}
}

// requests are leads of two years whose odds of buying are, in logarithms, −1.2, +1.5
// for those who were spoken with, +1 from a friend, −0.7 of an advertisement; being
// complete says nothing.
func requests(seed uint64, n int, asOf analytics.Day) []analytics.Lead {
	random := rand.New(rand.NewPCG(seed, 5))
	leads := make([]analytics.Lead, n)
	for i := range leads {
		facts := analytics.LeadFacts{Source: []string{"Friend", "ads", "site"}[random.IntN(3)], Complete: random.IntN(2) == 0, Contacted: random.IntN(2) == 0, Stage: random.IntN(2)}
		x := -1.2
		switch facts.Source {
		case "Friend":
			x++
		case "ads":
			x -= 0.7
		}
		if facts.Contacted {
			x += 1.5
		}
		l := analytics.Lead{ClientID: fmt.Sprintf("c%05d", i), Day: asOf - analytics.Day(random.IntN(730)), Then: facts, Now: facts}
		l.Now.Complete, l.Now.Stage = true, 2 // filled in since
		bought := random.Float64() < 1/(1+math.Exp(-x))
		l.FirstBuy = l.Day + 4 + analytics.Day(random.IntN(90))
		l.Bought = bought && l.FirstBuy <= asOf
		leads[i] = l
	}
	return leads
}

func model(rows []schema.ModelRow) map[string]float64 {
	all := map[string]float64{}
	for _, row := range rows {
		all[row.Model+" "+row.Parameter] = row.Value
	}
	return all
}

func leadConfig() config.LeadScore { return config.Default().Metrics.LeadScore }

// What the model learned is the optimum by its own weights, near the truth of the
// simulation, and every figure of the test is that of the definition, pair by pair.
func TestTheModelAgainstItsDefinition(t *testing.T) {
	asOf := day(t, "2026-12-31")
	leads := requests(1, 6000, asOf)
	got := analytics.ScoreLeads(leads, leadConfig(), stagesOf(), asOf)
	figures := model(got.Models)
	for name, want := range map[string]float64{"base": -1.2, "source=friend": 1, "source=ads": -0.7, "contacted": 1.5, "complete": 0, "stage=first_contact": 0} {
		if w, ok := figures["logistic weight:"+name]; !ok || math.Abs(w-want) > 0.45 {
			t.Errorf("weight of %s = %v, want about %v", name, w, want)
		}
	}
	var known []analytics.Lead
	for _, l := range leads {
		if l.Day+93 <= asOf && (!l.Bought || l.FirstBuy > l.Day+3) {
			known = append(known, l)
		}
	}
	slices.SortFunc(known, func(x, y analytics.Lead) int {
		if x.Day != y.Day {
			return int(x.Day - y.Day)
		}
		return strings.Compare(x.ClientID, y.ClientID)
	})
	won := func(l analytics.Lead) float64 {
		if l.Bought && l.FirstBuy <= l.Day+93 {
			return 1
		}
		return 0
	}
	has := func(l analytics.Lead) map[string]bool {
		return map[string]bool{
			"base": true, "complete": l.Then.Complete, "contacted": l.Then.Contacted, "stage=first_contact": l.Then.Stage >= 1,
			"source=" + strings.ToLower(l.Then.Source): true,
		}
	}
	probability := func(l analytics.Lead) float64 {
		x := 0.0
		for name, is := range has(l) {
			if is {
				x += figures["logistic weight:"+name]
			}
		}
		return 1 / (1 + math.Exp(-x))
	}
	cut := len(known) - len(known)/5
	slope := map[string]float64{}
	for _, l := range known[:cut] {
		for name, is := range has(l) {
			if is {
				slope[name] += probability(l) - won(l)
			}
		}
	}
	for name, s := range slope {
		if name != "base" {
			s += figures["logistic weight:"+name]
		}
		if math.Abs(s) > 1e-4 {
			t.Errorf("slope at %s = %v: the weights are no optimum", name, s)
		}
	}
	test := known[cut:]
	points := func(l analytics.Lead) float64 { // the built-in rules of the landmark
		sum := 30.0 // within 7 and 30 days
		if l.Then.Complete {
			sum += 20
		}
		if l.Then.Contacted {
			sum += 10
		}
		return sum
	}
	for name, rankOf := range map[string]func(analytics.Lead) float64{"logistic": func(l analytics.Lead) float64 { return analytics.Round9(probability(l)) }, "points": points} {
		ranks := map[string]float64{}
		for _, l := range test {
			ranks[l.ClientID] = rankOf(l)
		}
		rank := func(l analytics.Lead) float64 { return ranks[l.ClientID] }
		pairs, right := 0.0, 0.0
		for _, x := range test {
			for _, y := range test {
				if won(x) == 1 && won(y) == 0 {
					pairs++
					switch {
					case rank(x) > rank(y):
						right++
					case rank(x) == rank(y):
						right += 0.5
					}
				}
			}
		}
		if auc := figures[name+" auc"]; math.Abs(auc-right/pairs) > 1e-8 {
			t.Errorf("AUC of %s = %v, %v pair by pair", name, auc, right/pairs)
		}
		brier, base := 0.0, 0.0
		for _, l := range test {
			p := probability(l)
			if name == "points" {
				n, w := 0.0, 0.0
				for _, other := range known[:cut] {
					if points(other) == points(l) {
						n, w = n+1, w+won(other)
					}
				}
				p = w / n
			}
			brier += (p - won(l)) * (p - won(l)) / float64(len(test))
			base += won(l) / float64(len(test))
		}
		if got := figures[name+" brier"]; math.Abs(got-brier) > 1e-7 {
			t.Errorf("Brier score of %s = %v, want %v", name, got, brier)
		}
		if got := figures["lead_score test_base_rate"]; math.Abs(got-base) > 1e-8 {
			t.Errorf("base rate = %v, want %v", got, base)
		}
		top, inTop := float64((len(test)+9)/10), 0.0
		for _, x := range test {
			above, equal := 0.0, 0.0
			for _, y := range test {
				switch {
				case rank(y) > rank(x):
					above++
				case rank(y) == rank(x):
					equal++
				}
			}
			inTop += won(x) * min(1, max(0, (top-above)/equal))
		}
		if lift := figures[name+" lift_top_tenth"]; math.Abs(lift-inTop/top/base) > 1e-7 || lift < 1.2 {
			t.Errorf("lift of %s = %v, want %v", name, lift, inTop/top/base)
		}
	}
	if figures["lead_score logistic_in_force"] != 1 || figures["logistic auc"] <= figures["points auc"] {
		t.Fatalf("the model is not in force: %v", figures)
	}
	for _, row := range got.Rows {
		i := slices.IndexFunc(leads, func(l analytics.Lead) bool { return l.ClientID == row.ClientID })
		if l := leads[i]; row.Model != "logistic" || math.Abs(row.Score-probability(l)) > 1e-8 || l.Bought || l.Day+93 <= asOf {
			t.Fatalf("%+v of %+v", row, l)
		}
	}
}

// What was filled in after the landmark, and the order of the leads, change neither
// the model nor its scores.
func TestTheModelKnowsNothingOfLater(t *testing.T) {
	asOf := day(t, "2026-12-31")
	leads := requests(2, 3000, asOf)
	want := analytics.ScoreLeads(leads, leadConfig(), stagesOf(), asOf)
	later := slices.Clone(leads)
	for i := range later {
		later[i].Now = analytics.LeadFacts{Source: "other", Interests: []string{"x"}, Stage: 1} // all that was known at the end
	}
	random := rand.New(rand.NewPCG(1, 1))
	random.Shuffle(len(later), func(i, j int) { later[i], later[j] = later[j], later[i] })
	if diff := gocmp.Diff(want, analytics.ScoreLeads(later, leadConfig(), stagesOf(), asOf)); diff != "" || len(want.Rows) < 50 {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Below 300 leads, below 100 of them won, and where points rank as well, points
// stay.
func TestWhenPointsStay(t *testing.T) {
	asOf := day(t, "2026-12-31")
	points := func(name, refused string, leads []analytics.Lead, c config.LeadScore) {
		got := analytics.ScoreLeads(leads, c, stagesOf(), asOf)
		figures := model(got.Models)
		if _, ok := figures["lead_score "+refused]; !ok || figures["lead_score logistic_in_force"] != 0 {
			t.Errorf("%s: %v, want %s", name, figures, refused)
		}
		for _, row := range got.Rows {
			if row.Model != "points" {
				t.Fatalf("%s: %+v", name, row)
			}
		}
	}
	points("nobody", "refused:leads", nil, leadConfig())
	points("few leads", "refused:leads", requests(3, 300, asOf), leadConfig())
	points("one lead", "refused:leads", requests(3, 1, asOf), leadConfig())
	rare := requests(3, 3000, asOf)
	for i := range rare {
		rare[i].Bought = rare[i].Bought && i%20 == 0
	}
	points("few won", "refused:won", rare, leadConfig())
	// The same ranking: one feature, and points for it.
	one := requests(4, 3000, asOf)
	for i := range one {
		one[i].Then = analytics.LeadFacts{Contacted: one[i].Then.Contacted}
	}
	points("as good", "logistic_in_force", one, config.LeadScore{ObserveDays: 3, WonDays: 90, Points: []config.PointRule{rule(1, config.LeadCondition{Contacted: true})}})
	none := requests(5, 3000, asOf)
	for i := range none {
		none[i].Bought = none[i].Bought && none[i].Day < asOf-300
	}
	points("none won of late", "refused:test_won", none, leadConfig())
}

func TestLeadScoreGolden(t *testing.T) {
	asOf := day(t, "2026-12-31")
	golden(t, "leadscore.golden.json", analytics.ScoreLeads(requests(6, 700, asOf), leadConfig(), stagesOf(), asOf))
}

// BenchmarkScoreLeads scores 300 000 leads.
func BenchmarkScoreLeads(b *testing.B) {
	asOf := day(b, "2026-12-31")
	leads := requests(1, 300_000, asOf)
	for b.Loop() {
		analytics.ScoreLeads(leads, leadConfig(), stagesOf(), asOf)
	}
}
