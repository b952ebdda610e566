package analytics

// Periods of the series of goods (metrics.xyz.period).
const (
	periodMonth   = "month"
	periodWeek    = "week"
	periodQuarter = "quarter"
)

// aMonday is a Monday before the year 0, from which weeks are counted so that every
// day of four-digit years is in a week of a number not below zero.
const aMonday Day = -719533

// periodOf is the number of the calendar period that a day is in: a month, a week from
// Monday to Sunday or a quarter. Numbers of consecutive periods are consecutive.
func periodOf(kind string, d Day) int32 {
	switch kind {
	case periodWeek:
		return int32((d - aMonday) / 7)
	case periodQuarter:
		return int32(d.Month() / 3)
	default:
		return int32(d.Month())
	}
}

// periodsEnded is the number of the first period that has not ended at the end of day
// d: those below it are whole.
func periodsEnded(kind string, d Day) int32 { return periodOf(kind, d+1) }
