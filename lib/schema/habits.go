package schema

// BasketRow is a pair of different things that are bought together (gold/basket),
// ordered by level, then lift descending, tickets descending, a, b. A is the
// lesser of the two ids.
type BasketRow struct {
	Level        string  `parquet:"level,dict"` // item or category
	A            string  `parquet:"a,dict"`
	B            string  `parquet:"b,dict"`
	Tickets      int64   `parquet:"tickets"`       // purchases with both
	Support      float64 `parquet:"support"`       // tickets by the purchases of the level
	ConfidenceAB float64 `parquet:"confidence_ab"` // tickets by the purchases with a
	ConfidenceBA float64 `parquet:"confidence_ba"` // tickets by the purchases with b
	Lift         float64 `parquet:"lift"`
}

// Table implements Row.
func (BasketRow) Table() string { return "basket" }

// Personal implements Row.
func (BasketRow) Personal() []string { return nil }

// ReplenishmentRow is a thing that a client is due to buy again
// (gold/replenishment), ordered by (client_id, item).
type ReplenishmentRow struct {
	ClientID   string `parquet:"client_id,dict"`
	Item       string `parquet:"item,dict"` // or category, as the entity of its threshold says
	LastDay    string `parquet:"last_day,dict"`
	MedianDays int64  `parquet:"median_days"` // between two days of its purchase, half a day rounded down
	DueDay     string `parquet:"due_day,dict"`
}

// Table implements Row.
func (ReplenishmentRow) Table() string { return "replenishment" }

// Personal implements Row.
func (ReplenishmentRow) Personal() []string { return nil }

// SeasonalityRow is a client who buys in the same days of the year
// (gold/seasonality), ordered by (client_id, window).
type SeasonalityRow struct {
	ClientID string  `parquet:"client_id,dict"`
	Window   string  `parquet:"window,dict"` // name of the season
	Years    []int64 `parquet:"years,list"`  // of the windows with a purchase, rising
}

// Table implements Row.
func (SeasonalityRow) Table() string { return "seasonality" }

// Personal implements Row.
func (SeasonalityRow) Personal() []string { return nil }

// ScoreRow is the score of a lead without a purchase (gold/scores), ordered by
// client_id. Of the model points the score is the sum of the contributions; of the
// model logistic it is the probability whose log-odds they add up to, rounding apart.
type ScoreRow struct {
	ClientID      string  `parquet:"client_id"`
	Score         float64 `parquet:"score"`
	Model         string  `parquet:"model,dict"`    // points or logistic
	Contributions Map     `parquet:"contributions"` // rule or feature → decimal text
}

// Table implements Row.
func (ScoreRow) Table() string { return "scores" }

// Personal implements Row.
func (ScoreRow) Personal() []string { return nil }
