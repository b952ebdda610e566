package schema

// RecencyRow counts the clients whose last purchase is so many days ago
// (gold/recency), ordered by from_days. Where anybody has bought every band has a
// row, and every buyer is in one.
type RecencyRow struct {
	FromDays     int64   `parquet:"from_days"` // whole days before the as-of day, both ends included
	ToDays       *int64  `parquet:"to_days"`   // null: any number
	Clients      int64   `parquet:"clients"`
	Share        float64 `parquet:"share"`         // of the clients who have bought
	RevenueMinor int64   `parquet:"revenue_minor"` // of all their purchases
}

// Table implements Row.
func (RecencyRow) Table() string { return "recency" }

// Personal implements Row.
func (RecencyRow) Personal() []string { return nil }

// ConcentrationRow says what the best entities of a kind bring (gold/concentration),
// ordered by (entity, top_share). Entities that brought nothing or less count as
// entities with a revenue of 0.
type ConcentrationRow struct {
	Entity       string  `parquet:"entity"`        // client, item or category
	TopShare     float64 `parquet:"top_share"`     // of the entities, by revenue
	Entities     int64   `parquet:"entities"`      // so many, rounded up
	RevenueMinor int64   `parquet:"revenue_minor"` // theirs
	Share        float64 `parquet:"share"`         // of all positive revenue of the kind
	Gini         float64 `parquet:"gini"`          // of the kind: Σ (2i−n−1)·xᵢ / (n·Σ xᵢ), x rising; 0 all alike, 1−1/n one has all
}

// Table implements Row.
func (ConcentrationRow) Table() string { return "concentration" }

// Personal implements Row.
func (ConcentrationRow) Personal() []string { return nil }
