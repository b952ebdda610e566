package analytics

import "github.com/leadlake/leadlake/lib/schema"

// Scored is what a night knows of a client's purchases.
type Scored struct {
	ClientID          string
	FirstDay, LastDay Day
	Orders, OrderDays int64
	RevenueMinor      int64
	AverageMinor      int64 // 0 where AverageKnown is false
	AverageKnown      bool  // the money of at least one order is known
	RecencyDays       int64
	R, F, M           int    // 0 for clients without a purchase in the window
	Code, Segment     string // empty likewise
	ABC               string
	XYZ               string   // empty for fewer than four orders, or days with one
	CohortMonth       string   // YYYY-MM
	Categories        []string // by revenue descending; shared, not to be changed
	Predicted
}

// Scores is every client with all scores, and the tables they were made of.
type Scores struct {
	Clients       []Scored              // ordered by ClientID
	Codes         []schema.RFMCodeRow   // ordered by code
	Thresholds    []schema.ThresholdRow // ordered by (metric, entity, rule)
	ABC           []schema.ABCRow       // ordered by (entity, revenue descending, id)
	Concentration []Concentration       // category, client, item
	XYZ           []schema.XYZRow       // ordered by (entity, id)
	ABCXYZ        []schema.ABCXYZRow    // ordered by (entity, abc, xyz)
	LTV           LTV                   // its threshold is among Thresholds, too
	Models        []schema.ModelRow     // of the predictions, ordered by (model, parameter)
	Possible      [3]int                // different scores of R, F and M that the values allow
}

// Score makes RFM, ABC, XYZ, LTV and predictions of a base and puts them together by client.
func Score(b *Base) Scores {
	rfm := RFM(b)
	out := Scores{
		Clients: make([]Scored, len(b.Clients)), Codes: rfm.Codes, Thresholds: rfm.Thresholds, Possible: rfm.Possible,
	}
	var abc, xyz []string // by index in b.Clients
	c := b.Metrics.ABC
	even := xyzOf(b)
	for i, of := range []struct {
		entity        string
		contributions []Contribution
	}{{EntityCategory, b.Categories}, {EntityClient, clientContributions(b)}, {EntityItem, b.Items}} {
		rows, concentration, ranked := rank(of.entity, of.contributions, c)
		out.ABC = append(out.ABC, rows...)
		out.Concentration = append(out.Concentration, concentration)
		out.Thresholds = append(out.Thresholds, abcThreshold(of.entity, c.Method, c.A, c.B))
		classes := make([]string, len(rows))
		for place, index := range ranked {
			classes[index] = rows[place].Class
		}
		out.XYZ = append(out.XYZ, even[i].rows...)
		out.ABCXYZ = append(out.ABCXYZ, even[i].cross(classes, of.contributions)...)
		out.Thresholds = append(out.Thresholds, xyzThreshold(of.entity, b.Metrics.XYZ))
		if of.entity == EntityClient {
			abc, xyz = classes, even[i].classes(len(b.Clients))
		}
	}
	out.LTV = LifetimeValues(b)
	out.Thresholds = append(out.Thresholds, out.LTV.Threshold, cohortThreshold(b.Metrics))
	predictions := Predict(b)
	out.Models, out.Thresholds = predictions.Models, append(out.Thresholds, predictions.Thresholds...)
	sortThresholds(out.Thresholds)
	months := map[Month]string{} // a text for each month, not for each client
	for i, client := range b.Clients {
		cohort := client.FirstDay.Month()
		if months[cohort] == "" {
			months[cohort] = cohort.String()
		}
		average, known := client.AverageMinor()
		score := rfm.Scores[i]
		out.Clients[i] = Scored{
			ClientID: client.ID, FirstDay: client.FirstDay, LastDay: client.LastDay,
			Orders: client.Orders, OrderDays: client.OrderDays, RevenueMinor: client.RevenueMinor,
			AverageMinor: average, AverageKnown: known, RecencyDays: int64(b.AsOf - client.LastDay),
			R: score.R, F: score.F, M: score.M, Code: score.Code, Segment: score.Segment,
			ABC: abc[i], XYZ: xyz[i], CohortMonth: months[cohort], Categories: b.Bought(client),
			Predicted: predictions.Clients[i],
		}
	}
	return out
}

func clientContributions(b *Base) []Contribution {
	all := make([]Contribution, len(b.Clients))
	for i, client := range b.Clients {
		all[i] = Contribution{ID: client.ID, RevenueMinor: client.RevenueMinor}
	}
	return all
}
