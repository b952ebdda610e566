package schema

// AssignmentRow says on which side of an export a client of a segment is
// (audiences/holdout/<platform>/<segment>.parquet), ordered by client_id. A client
// keeps his side for ever: a row is added at the first export that he could have been
// in and never changed. Ids are those of that day; they are looked up as aliases later.
type AssignmentRow struct {
	ClientID string `parquet:"client_id"`
	Held     bool   `parquet:"held"`           // held out; false: exported
	SinceDay string `parquet:"since_day,dict"` // business day of that export
}

// Table implements Row.
func (AssignmentRow) Table() string { return "assignments" }

// Personal implements Row.
func (AssignmentRow) Personal() []string { return nil }

// EffectRow says what the export of a segment to a platform, a mechanic, has changed
// (gold/effects), ordered by (segment, platform, month). Buyers are those with a purchase
// after the day on which their side was settled, up to the as-of day; revenue is of
// all these purchases. The difference is that of the rates, exported less held; low
// and high are the ends of its 95 % interval. Null is what a side without people, or a
// month without the one before it, does not say.
type EffectRow struct {
	Segment                 string   `parquet:"segment,dict"`
	Platform                string   `parquet:"platform,dict"`
	Month                   string   `parquet:"month"` // YYYY-MM of the day on which the side was settled; empty: all
	Exported                int64    `parquet:"exported"`
	ExportedBuyers          int64    `parquet:"exported_buyers"`
	ExportedRate            *float64 `parquet:"exported_rate"`
	ExportedRevenueMinor    int64    `parquet:"exported_revenue_minor"`
	Held                    int64    `parquet:"held"`
	HeldBuyers              int64    `parquet:"held_buyers"`
	HeldRate                *float64 `parquet:"held_rate"`
	HeldRevenueMinor        int64    `parquet:"held_revenue_minor"`
	Difference              *float64 `parquet:"difference"`
	Low                     *float64 `parquet:"low"`
	High                    *float64 `parquet:"high"`
	IncrementalBuyers       *float64 `parquet:"incremental_buyers"`        // difference × exported
	IncrementalRevenueMinor *int64   `parquet:"incremental_revenue_minor"` // difference of the revenue by person × exported
	Conclusive              bool     `parquet:"conclusive"`                // 0 lies outside of the interval
	NeededPerGroup          *int64   `parquet:"needed_per_group"`          // people on each side who would show such rates to differ; null where conclusive, or equal
	PreviousRate            *float64 `parquet:"previous_rate"`             // exported_rate of the calendar month before
	PreviousDifference      *float64 `parquet:"previous_difference"`       // its difference
}

// Table implements Row.
func (EffectRow) Table() string { return "effects" }

// Personal implements Row.
func (EffectRow) Personal() []string { return nil }
