package schema

// LTVRow is a month of revenue per client and of churn (gold/ltv), ordered by month,
// from the first purchase to the as-of day without a gap.
type LTVRow struct {
	Month        string   `parquet:"month"`
	Active       int64    `parquet:"active"`        // clients with a purchase in the month
	RevenueMinor int64    `parquet:"revenue_minor"` // of clients; orders without a client are in no month
	ARPAMinor    *int64   `parquet:"arpa_minor"`    // null where nobody was active
	ChurnedShare *float64 `parquet:"churned_share"` // null unless Closed, and where nobody was active at the start
	MonthlyChurn *float64 `parquet:"monthly_churn"` // null likewise
	Closed       bool     `parquet:"closed"`        // both the month and the days after its start that decide churn have ended
}

// Table implements Row.
func (LTVRow) Table() string { return "ltv" }

// Personal implements Row.
func (LTVRow) Personal() []string { return nil }
