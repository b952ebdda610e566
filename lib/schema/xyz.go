package schema

// XYZRow says how evenly one entity sells, or how evenly one client comes
// (gold/xyz), ordered by (entity, id). For goods the series is revenue in minor
// units, or pieces, by period; for clients with at least four orders it is the days
// between days with a purchase, and Periods counts those intervals.
type XYZRow struct {
	Entity  string   `parquet:"entity,dict"` // client, item or category
	ID      string   `parquet:"id"`
	Periods int64    `parquet:"periods"` // values in the series
	Mean    *float64 `parquet:"mean"`    // null without a value
	Sigma   *float64 `parquet:"sigma"`   // of the population; null likewise
	CV      *float64 `parquet:"cv"`      // sigma by mean; null where the mean is not above zero
	Class   string   `parquet:"class,dict"`
}

// Table implements Row.
func (XYZRow) Table() string { return "xyz" }

// Personal implements Row.
func (XYZRow) Personal() []string { return nil }

// ABCXYZRow is a cell of the 3×3 table of both classes (gold/abc_xyz), ordered by
// (entity, abc, xyz). It counts entities that have both; where there is one, all nine
// rows stand.
type ABCXYZRow struct {
	Entity       string `parquet:"entity"`
	ABC          string `parquet:"abc"`
	XYZ          string `parquet:"xyz"`
	Count        int64  `parquet:"count"`
	RevenueMinor int64  `parquet:"revenue_minor"`
}

// Table implements Row.
func (ABCXYZRow) Table() string { return "abc_xyz" }

// Personal implements Row.
func (ABCXYZRow) Personal() []string { return nil }
