package analytics

import (
	"cmp"
	"errors"
	"math"
	"slices"

	"github.com/leadlake/leadlake/lib/analytics/prediction"
	"github.com/leadlake/leadlake/lib/schema"
)

// Models of the models table that are fitted to purchases.
const (
	ModelBGNBD      = "bgnbd"          // expected purchases
	ModelMBGNBD     = "mbgnbd"         // the probability that a client is alive
	ModelGammaGamma = "gammagamma"     // the value of a purchase
	ModelBacktest   = "bgnbd_backtest" // BG/NBD fitted on the first part, tried on the rest
)

// Parameters of the models table that are no parameters of a model's formula.
const (
	Refused = "refused:"  // and the reason; the value is the count that was too small
	LeftOut = "left_out:" // and the reason; the value is a number of clients
)

// Days ahead of the predictions.
const (
	ordersAhead = 90
	valueAhead  = 365
)

// MetricPrediction is the metric of the thresholds of predictions.
const MetricPrediction = "prediction"

// Predicted is what a client will probably do. What a model could not be fitted
// for is nil.
type Predicted struct {
	// PAlive is the probability that the client has not left for good, by MBG/NBD:
	// by BG/NBD every one-time buyer would be alive for ever.
	PAlive *float64
	// ExpectedOrders90d is the days with a purchase to expect in the 90 days after
	// the as-of day, by BG/NBD.
	ExpectedOrders90d *float64
	// ExpectedValueMinor is the days with a purchase to expect in 365 days, by
	// BG/NBD, times the value to expect of such a day, by Gamma-Gamma. It is nil also
	// for a client with repeats whose money is unknown in part or not above zero.
	ExpectedValueMinor *int64
}

// Predictions is Predicted for every client, and how it came about.
type Predictions struct {
	Clients    []Predicted       // by place in the base
	Models     []schema.ModelRow // ordered by (model, parameter)
	Thresholds []schema.ThresholdRow
}

// Predict fits the models of package prediction to the clients of a base and
// evaluates them (metrics.md, "LTV and churn"); the back-test needs histories. Parameters are rounded to nine
// digits first and clients are evaluated with the rounded ones, so that the models
// table and a client's own dates and money give his figures again.
//
// A refused model has a row refused:<reason>. The back-test stands beside the
// predictions; where the part of the base before it is too small, it is refused
// alone.
func Predict(b *Base) Predictions {
	out := Predictions{Clients: make([]Predicted, b.Len())}
	if b.Len() > 0 {
		out.Thresholds = predictionThresholds()
	}
	histories := make([]prediction.History, b.Len())
	for i := range histories {
		c := b.at(i)
		histories[i] = prediction.History{
			Repeats: int32(c.days - 1), Last: int32(c.last - c.first), Age: int32(b.AsOf - c.first), //nolint:gosec // G115: days of a calendar
		}
	}
	grouped := prediction.Group(histories)
	if alive, ok := out.fitPurchases(ModelMBGNBD, prediction.MBGNBD, grouped); ok {
		out.fillAlive(alive, grouped)
	}
	orders, ordersOK := out.fitPurchases(ModelBGNBD, prediction.BGNBD, grouped)
	values, valuesOK := out.fitValues(b)
	if ordersOK {
		out.fillExpected(b, orders, grouped, values, valuesOK)
		out.backtest(b)
	}
	slices.SortFunc(out.Models, func(x, y schema.ModelRow) int {
		return cmp.Or(cmp.Compare(x.Model, y.Model), cmp.Compare(x.Parameter, y.Parameter))
	})
	return out
}

func predictionThresholds() []schema.ThresholdRow {
	minimum := schema.ThresholdRow{
		Metric: MetricPrediction, Entity: EntityClient, Rule: "minimum",
		Note: "clients, clients with a repeat purchase; below either nothing is predicted",
	}
	setBounds(&minimum, []float64{prediction.MinClients, prediction.MinRepeaters})
	horizon := schema.ThresholdRow{
		Metric: MetricPrediction, Entity: EntityClient, Rule: "horizon_days",
		Note: "days ahead of expected_orders_90d, of expected_value_minor",
	}
	setBounds(&horizon, []float64{ordersAhead, valueAhead})
	return []schema.ThresholdRow{horizon, minimum}
}

func (p *Predictions) say(model, parameter string, value float64) {
	p.Models = append(p.Models, schema.ModelRow{Model: model, Parameter: parameter, Value: Round9(value)})
}

// refusal books why a model is not there; false where it is.
func (p *Predictions) refusal(model string, err error) bool {
	if refusal, ok := errors.AsType[*prediction.Refusal](err); ok {
		p.say(model, Refused+refusal.Reason, float64(refusal.Count))
	}
	return err != nil
}

// fitPurchases is a fitted model with rounded parameters.
func (p *Predictions) fitPurchases(model string, v prediction.Variant, h *prediction.Histories) (prediction.Purchases, bool) {
	fitted, err := prediction.FitPurchases(v, h)
	if p.refusal(model, err) {
		return fitted, false
	}
	fitted.R, fitted.Alpha, fitted.A, fitted.B = Round9(fitted.R), Round9(fitted.Alpha), Round9(fitted.A), Round9(fitted.B)
	if model != ModelBacktest {
		p.say(model, "r", fitted.R)
		p.say(model, "alpha", fitted.Alpha)
		p.say(model, "a", fitted.A)
		p.say(model, "b", fitted.B)
		p.say(model, "loglik", fitted.LogLikelihood)
	}
	return fitted, true
}

// repeatMinor is what the client at a place spent after his first day; false where a
// part of his money is in a currency without a rate.
func (b *Base) repeatMinor(place int) (int64, bool) {
	s := b.at(place)
	return s.revenue - b.firstMinor(place), s.priced == s.orders
}

// fitValues fits Gamma-Gamma to the clients with repeats whose money is known and
// above zero; the others are counted.
func (p *Predictions) fitValues(b *Base) (prediction.Values, bool) {
	var spent []prediction.Spending
	foreign, worthless := 0, 0
	for i := range b.Len() {
		c := b.at(i)
		if c.days < 2 {
			continue
		}
		switch minor, known := b.repeatMinor(i); {
		case !known:
			foreign++
		case minor <= 0:
			worthless++
		default:
			spent = append(spent, prediction.Spending{Repeats: int32(c.days - 1), Minor: minor}) //nolint:gosec // G115: days of a calendar
		}
	}
	p.say(ModelGammaGamma, LeftOut+"other_currency", float64(foreign))
	p.say(ModelGammaGamma, LeftOut+"not_above_zero", float64(worthless))
	fitted, err := prediction.FitValues(spent, int64(b.Len()))
	if p.refusal(ModelGammaGamma, err) {
		return fitted, false
	}
	fitted.P, fitted.Q, fitted.V = Round9(fitted.P), Round9(fitted.Q), Round9(fitted.V)
	p.say(ModelGammaGamma, "p", fitted.P)
	p.say(ModelGammaGamma, "q", fitted.Q)
	p.say(ModelGammaGamma, "v", fitted.V)
	p.say(ModelGammaGamma, "loglik", fitted.LogLikelihood)
	return fitted, true
}

// fillAlive works the probability out once for each history; clients share it.
func (p *Predictions) fillAlive(fitted prediction.Purchases, h *prediction.Histories) {
	alive := make([]float64, h.Groups())
	for g := range alive {
		history, _ := h.Group(g)
		alive[g] = Round9(fitted.Alive(history))
	}
	for i := range p.Clients {
		p.Clients[i].PAlive = &alive[h.Of(i)]
	}
}

// fillExpected works purchases out once for each history, and value by client.
func (p *Predictions) fillExpected(b *Base, fitted prediction.Purchases, h *prediction.Histories, values prediction.Values, priced bool) {
	soon, year := make([]float64, h.Groups()), make([]float64, h.Groups())
	for g := range soon {
		history, _ := h.Group(g)
		soon[g] = Round9(fitted.Expected(history, ordersAhead))
		if priced {
			year[g] = fitted.Expected(history, valueAhead)
		}
	}
	endless := 0
	minors := make([]int64, len(p.Clients)) // one allocation instead of one by client
	for i := range p.Clients {
		p.Clients[i].ExpectedOrders90d = &soon[h.Of(i)]
		if !priced {
			continue
		}
		c := b.at(i)
		minor, known := b.repeatMinor(i)
		if c.days == 1 {
			minor = 0 // nothing of his own is asked of a one-time buyer
		} else if !known || minor <= 0 {
			continue
		}
		value, ok := values.Expected(int32(c.days-1), minor) //nolint:gosec // G115: days of a calendar
		if !ok {
			endless++
			continue
		}
		// Rounded to nine digits first: half a minor unit is no tie on one machine alone.
		if total := math.Round(Round9(float64(year[h.Of(i)] * value))); total < 1<<62 {
			minors[i] = int64(total)
			p.Clients[i].ExpectedValueMinor = &minors[i]
		}
	}
	if endless > 0 {
		p.say(ModelGammaGamma, LeftOut+"no_finite_average", float64(endless))
	}
}
