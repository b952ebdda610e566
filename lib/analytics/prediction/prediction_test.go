package prediction_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"regexp"
	"testing"

	"github.com/leadlake/leadlake/lib/analytics/prediction"
)

func near(t *testing.T, what string, got, want, relative float64) {
	t.Helper()
	if !(math.Abs(got-want) <= relative*math.Abs(want)) {
		t.Errorf("%s = %.12g, want %.12g", what, got, want)
	}
}

// sampleOf is the model that Fader and Hardie publish for their sample.
var sampleOf = prediction.Purchases{Variant: prediction.BGNBD, R: 0.243, Alpha: 4.414, A: 0.793, B: 2.426}

// Fader and Hardie, "Creating an RFM summary / Implementing the BG/NBD model in
// Excel": customer 0001 with x = 2, t_x = 30.43, T = 38.86 is expected to buy 1.226
// times in the next 39 weeks; "A note on the Gamma-Gamma model": with x = 2 at 22.35
// dollars on average he spends 24.66 at a purchase.
func TestPublishedExpectations(t *testing.T) {
	if got := sampleOf.Expected(prediction.History{Repeats: 2, Last: 213, Age: 272}, 39*7); math.Abs(got-1.226) > 0.0005 {
		t.Errorf("expected purchases = %v, published 1.226", got)
	}
	// By hand: 6.25 · (1544 + 2 · 2235) / (6.25 · 2 + 3.74 - 1) = 37 587.5 / 15.24 = 2466.37.
	values := prediction.Values{P: 6.25, Q: 3.74, V: 1544}
	got, ok := values.Expected(2, 2*2235)
	if !ok || math.Abs(got-2466.37) > 0.005 {
		t.Errorf("expected value = %v, published 24.66 dollars", got)
	}
	// Of everybody: 6.25 · 1544 / (3.74 - 1) = 9650 / 2.74 = 3521.90.
	if got, ok := values.Expected(0, 0); !ok || math.Abs(got-3521.90) > 0.005 {
		t.Errorf("expected value of a one-time buyer = %v", got)
	}
	if _, ok := (prediction.Values{P: 2, Q: 1, V: 5}).Expected(0, 0); ok {
		t.Error("with q = 1 the average of all clients is infinite")
	}
}

// The formula with ₂F₁ (see Expected), evaluated by mpmath to 80 digits.
func TestExpectedAgainstTheHypergeometricFunction(t *testing.T) {
	for _, of := range []struct {
		v              prediction.Variant
		r, alpha, a, b float64
		x, last, age   int32
		days           int
		want, alive    float64
	}{
		{prediction.BGNBD, 0.243, 4.414, 0.793, 2.426, 2, 213, 272, 273, 1.2261158061493217, 0.72658972183549484},
		{prediction.BGNBD, 0.243, 4.414, 0.793, 2.426, 0, 0, 272, 90, 0.069193238265443636, 1},
		{prediction.MBGNBD, 0.525, 6.183, 0.891, 1.614, 0, 0, 272, 90, 0.055466025992005059, 0.38974300168551849},
		{prediction.MBGNBD, 0.525, 6.183, 0.891, 1.614, 5, 200, 272, 365, 3.0375690461285688, 0.63928425431734676},
		{prediction.BGNBD, 1, 10, 1, 3, 3, 100, 120, 90, 1.2453318242845438, 0.7621558385621416}, // a = 1: 0/0 there
		{prediction.MBGNBD, 2.5, 0.05, 0.001, 900_000, 12, 300, 301, 365, 17.562634606371432, 0.99999999883404091},
		{prediction.BGNBD, 0.01, 0.1, 30, 0.2, 1, 1, 1, 365, 0.0068649470490492286, 0.0066225165562913907},
		{prediction.BGNBD, 0.8, 3, 2, 5, 1500, 1600, 1700, 365, 1.8975797661461536e-34, 7.2216483585379309e-37},
		{prediction.MBGNBD, 0.3, 0.02, 0.5, 0.5, 0, 0, 0, 365, 21.529166968438864, 0.5},
		{prediction.BGNBD, 20, 300, 0.9, 7, 40, 700, 1400, 90, 0.00011909399242888129, 7.8321415141928621e-5},
	} {
		p := prediction.Purchases{Variant: of.v, R: of.r, Alpha: of.alpha, A: of.a, B: of.b}
		h := prediction.History{Repeats: of.x, Last: of.last, Age: of.age}
		// ρ times the logarithm of a ratio is rounded in an exponent: a relative 10⁻¹³ for the largest ρ.
		near(t, fmt.Sprintf("alive of %+v", h), p.Alive(h), of.alive, 2e-13)
		near(t, fmt.Sprintf("expected of %+v", h), p.Expected(h, of.days), of.want, 2e-13)
	}
}

// Who has just bought is alive as surely as his last purchase was survived, silence
// makes it less, and more days bring more purchases.
func TestPredictionsFollowTheClient(t *testing.T) {
	for _, v := range []prediction.Variant{prediction.BGNBD, prediction.MBGNBD} {
		p := sampleOf
		p.Variant = v
		for repeats := range int32(4) {
			before := 2.0
			for age := int32(30); age < 900; age += 7 {
				h := prediction.History{Repeats: repeats, Last: 30 * min(1, repeats), Age: age}
				alive := p.Alive(h)
				if alive > before || alive <= 0 || alive > 1 || v == prediction.BGNBD && repeats == 0 && alive != 1 ||
					v == prediction.MBGNBD && alive >= before {
					t.Errorf("variant %d, %+v: alive with %v, a week before %v", v, h, alive, before)
				}
				before = alive
				if near, far := p.Expected(h, 90), p.Expected(h, 365); !(0 < near && near < far) {
					t.Errorf("variant %d, %+v: %v purchases in 90 days, %v in 365", v, h, near, far)
				}
				if got := p.Expected(h, 0); got != 0 {
					t.Errorf("%v purchases in no days", got)
				}
			}
		}
	}
}

// gammaOf draws from Gamma(shape, rate) (Marsaglia and Tsang 2000).
func gammaOf(random *rand.Rand, shape, rate float64) float64 {
	if shape < 1 {
		return gammaOf(random, shape+1, rate) * math.Pow(random.Float64(), 1/shape)
	}
	d := shape - 1.0/3
	for {
		x := random.NormFloat64()
		v := math.Pow(1+x/math.Sqrt(9*d), 3)
		if v > 0 && math.Log(1-random.Float64()) < x*x/2+d-d*v+d*math.Log(v) {
			return d * v / rate
		}
	}
}

// simulated is a base that buys by the model: purchases at the weeks a Poisson
// process gives, told by day, those of the same day merged.
func simulated(p prediction.Purchases, clients, span int, seed uint64) []prediction.History {
	random := rand.New(rand.NewPCG(seed, 3))
	all := make([]prediction.History, clients)
	for i := range all {
		rate := gammaOf(random, p.R, p.Alpha) / 7 // by day
		stay := gammaOf(random, p.B, 1)
		leave := gammaOf(random, p.A, 1)
		leave /= leave + stay
		h := prediction.History{Age: int32(span/5 + random.IntN(span-span/5))}
		at := 0.0
		alive := p.Variant == prediction.BGNBD || random.Float64() >= leave
		for alive {
			at += random.ExpFloat64() / rate
			if at > float64(h.Age) {
				break
			}
			if day := int32(at); day > h.Last {
				h.Repeats++
				h.Last = day
			}
			alive = random.Float64() >= leave
		}
		all[i] = h
	}
	return all
}

// Parameters come back from simulated purchases. Days are counted whole and those
// of one day merged, which the models know nothing of; with a purchase every
// half-year that stays below the spread that chance gives with 60 000 clients.
func TestParametersComeBack(t *testing.T) {
	for _, want := range []prediction.Purchases{
		{Variant: prediction.BGNBD, R: 0.8, Alpha: 20, A: 0.8, B: 2.5},
		{Variant: prediction.MBGNBD, R: 0.8, Alpha: 20, A: 0.8, B: 2.5},
		{Variant: prediction.MBGNBD, R: 2, Alpha: 45, A: 1.3, B: 5},
	} {
		h := prediction.Group(simulated(want, 60_000, 2600, 17))
		got, err := prediction.FitPurchases(want.Variant, h)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "r", got.R, want.R, 0.06)
		near(t, "alpha", got.Alpha, want.Alpha, 0.06)
		near(t, "a", got.A, want.A, 0.06)
		near(t, "b", got.B, want.B, 0.06)
		t.Logf("%+v of %+v", got, want)
	}
}

func spendings(want prediction.Values, clients int) []prediction.Spending {
	random := rand.New(rand.NewPCG(5, 8))
	spent := make([]prediction.Spending, clients)
	for i := range spent {
		repeats := 1 + random.IntN(6)
		scale := gammaOf(random, want.Q, want.V)
		sum := 0.0
		for range repeats {
			sum += gammaOf(random, want.P, scale)
		}
		spent[i] = prediction.Spending{Repeats: int32(repeats), Minor: max(1, int64(math.Round(sum)))}
	}
	return spent
}

func TestValuesComeBackAndScale(t *testing.T) {
	want := prediction.Values{P: 3, Q: 4, V: 150_000}
	spent := spendings(want, 40_000)
	got, err := prediction.FitValues(spent, 100_000)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "p", got.P, want.P, 0.05)
	near(t, "q", got.Q, want.Q, 0.05)
	near(t, "v", got.V, want.V, 0.05)
	// Money in another unit changes v and the density alone.
	for i := range spent {
		spent[i].Minor *= 100
	}
	large, err := prediction.FitValues(spent, 100_000)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "p of larger money", large.P, got.P, 1e-11)
	near(t, "q of larger money", large.Q, got.Q, 1e-11)
	near(t, "v of larger money", large.V, 100*got.V, 1e-11)
	near(t, "log-likelihood of larger money", large.LogLikelihood, got.LogLikelihood-40_000*math.Log(100), 1e-12)
}

// The order of the clients changes no bit, and twice the clients have the same
// parameters and twice the log-likelihood.
func TestOrderAndNumberOfClients(t *testing.T) {
	all := simulated(sampleOf, 3000, 400, 2)
	spent := spendings(prediction.Values{P: 3, Q: 4, V: 9000}, 3000)
	purchases, err := prediction.FitPurchases(prediction.BGNBD, prediction.Group(all))
	if err != nil {
		t.Fatal(err)
	}
	values, err := prediction.FitValues(spent, 3000)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 1))
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	random.Shuffle(len(spent), func(i, j int) { spent[i], spent[j] = spent[j], spent[i] })
	h := prediction.Group(all)
	if got, err := prediction.FitPurchases(prediction.BGNBD, h); err != nil || got != purchases {
		t.Errorf("another order gives %v, %v; want %v", got, err, purchases)
	}
	if got, err := prediction.FitValues(spent, 3000); err != nil || got != values {
		t.Errorf("another order gives %v, %v; want %v", got, err, values)
	}
	for i := range all {
		if got, _ := h.Group(h.Of(i)); got != all[i] {
			t.Fatalf("client %d has the group of %+v, is %+v", i, got, all[i])
		}
	}
	twice, err := prediction.FitPurchases(prediction.BGNBD, prediction.Group(append(all, all...)))
	if err != nil {
		t.Fatal(err)
	}
	near(t, "r", twice.R, purchases.R, 1e-9)
	near(t, "b", twice.B, purchases.B, 1e-9)
	near(t, "log-likelihood", twice.LogLikelihood, 2*purchases.LogLikelihood, 1e-12)
}

func TestRefusals(t *testing.T) {
	base := func(once, often int, often1 prediction.History) []prediction.History {
		var all []prediction.History
		for i := range once {
			all = append(all, prediction.History{Age: int32(100 + i%200)})
		}
		for range often {
			all = append(all, often1)
		}
		return all
	}
	regular := prediction.History{Repeats: 30, Last: 300, Age: 310}
	for name, of := range map[string]struct {
		clients []prediction.History
		reason  string
		count   int64
	}{
		"nobody":            {nil, prediction.TooFewClients, 0},
		"one client":        {base(0, 1, regular), prediction.TooFewClients, 1},
		"199 clients":       {base(50, 149, regular), prediction.TooFewClients, 199},
		"99 repeaters":      {base(400, 99, regular), prediction.TooFewRepeaters, 99},
		"nobody ever left":  {base(0, 500, regular), prediction.NotConverged, 500},
		"nobody bought two": {base(900, 0, regular), prediction.TooFewRepeaters, 0},
	} {
		for _, v := range []prediction.Variant{prediction.BGNBD, prediction.MBGNBD} {
			_, err := prediction.FitPurchases(v, prediction.Group(of.clients))
			var refusal *prediction.Refusal
			if !errors.As(err, &refusal) || refusal.Reason != of.reason || refusal.Count != of.count {
				t.Errorf("%s, variant %d: %v, want %s (%d)", name, v, err, of.reason, of.count)
			}
		}
	}
	same := make([]prediction.Spending, 300) // no spread: p grows without end
	for i := range same {
		same[i] = prediction.Spending{Repeats: 2, Minor: 2000}
	}
	for name, of := range map[string]struct {
		spent   []prediction.Spending
		clients int64
		reason  string
	}{
		"199 clients":   {same[:150], 199, prediction.TooFewClients},
		"99 repeaters":  {same[:99], 5000, prediction.TooFewRepeaters},
		"all the same":  {same, 5000, prediction.NotConverged},
		"nobody at all": {nil, 0, prediction.TooFewClients},
	} {
		_, err := prediction.FitValues(of.spent, of.clients)
		var refusal *prediction.Refusal
		if !errors.As(err, &refusal) || refusal.Reason != of.reason {
			t.Errorf("%s: %v, want %s", name, err, of.reason)
		}
	}
}

// By hand: came 3 and 1, not 2 and 1. Pairs: 3>2, 3>1, 1<2, 1=1: (1+1+0+½)/4.
func TestAUC(t *testing.T) {
	got, ok := prediction.AUC([]prediction.Ranked{{1, false}, {3, true}, {2, false}, {1, true}})
	if !ok || got != 0.625 {
		t.Errorf("AUC = %v, %v; want 0.625", got, ok)
	}
	for _, none := range [][]prediction.Ranked{nil, {{1, true}}, {{1, false}, {2, false}}} {
		if _, ok := prediction.AUC(none); ok {
			t.Errorf("AUC of %v, where there is nothing to rank", none)
		}
	}
}

// Lambda runs on arm64, which has instructions that round once for a product and a
// sum. The compiler uses them wherever the source does not forbid it.
func TestNothingIsFusedOnArm64(t *testing.T) {
	build := exec.CommandContext(t.Context(), "go", "build", "-gcflags=-S", ".")
	build.Env = append(os.Environ(), "GOOS=linux", "GOARCH=arm64", "CGO_ENABLED=0")
	listing, err := build.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, listing)
	}
	if !regexp.MustCompile(`\sFMULD\s`).Match(listing) {
		t.Fatal("the listing has no product at all")
	}
	for _, line := range regexp.MustCompile(`(?m)^.*\sFN?M(ADD|SUB)[DS]\s.*$`).FindAll(listing, -1) {
		t.Errorf("fused: %s", line)
	}
}

// BenchmarkFit fits and evaluates a base of a million clients.
func BenchmarkFit(b *testing.B) {
	all := simulated(prediction.Purchases{Variant: prediction.BGNBD, R: 0.5, Alpha: 6, A: 0.8, B: 2.5}, 1_000_000, 1400, 4)
	spent := spendings(prediction.Values{P: 3, Q: 4, V: 9000}, 400_000)
	var h *prediction.Histories
	b.Run("group", func(b *testing.B) {
		for b.Loop() {
			h = prediction.Group(all)
		}
		b.ReportMetric(float64(h.Groups()), "groups")
		b.ReportMetric(float64(h.Repeaters()), "repeaters")
	})
	for name, v := range map[string]prediction.Variant{"BG": prediction.BGNBD, "MBG": prediction.MBGNBD} {
		b.Run("fit "+name, func(b *testing.B) {
			for b.Loop() {
				if _, err := prediction.FitPurchases(v, h); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("values", func(b *testing.B) {
		for b.Loop() {
			if _, err := prediction.FitValues(spent, 1_000_000); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("expected", func(b *testing.B) {
		for b.Loop() {
			for g := range h.Groups() {
				history, _ := h.Group(g)
				sampleOf.Expected(history, 90)
				sampleOf.Expected(history, 365)
			}
		}
	})
}
