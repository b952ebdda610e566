package schema

// GivenRow is one row that a platform was given of a segment, as far as downloads
// tell (audiences/given/<platform>/<segment>.parquet), ordered by (client_id, file,
// line). A platform does not say what it has: what it was told to add and not told to
// remove counts as there.
//
// Now and Before tell the state after and before the act that touched the row last.
// They are equal once that act is settled; until then Act names it, so that it can be
// done again for who did not receive its file. Doubt marks a row that may be there or
// not, since an act was broken off: it is added again, and removed when it must go.
type GivenRow struct {
	ClientID   string  `parquet:"client_id"` // of the client who stood for the row when it was given
	File       string  `parquet:"file,dict"` // without change and part
	Hashed     bool    `parquet:"hashed"`    // the form it was given in
	Line       string  `parquet:"line"`      // as handed over, with its line end; empty in lists for people, of which nothing is removed
	RowKey     int64   `parquet:"row_key"`   // rows of a file with equal keys are one row to the platform
	SinceDay   string  `parquet:"since_day,dict"`
	LeavingDay *string `parquet:"leaving_day"` // the business day on which it was first seen that the row must go
	Now        bool    `parquet:"now"`
	Before     bool    `parquet:"before"`
	Doubt      bool    `parquet:"doubt"`
	Act        string  `parquet:"act,dict"` // download id of the act that is not settled
	// Stands marks a row that was removed since another one of the same client takes its
	// place, until that is added: he was on the list all the while.
	Stands bool `parquet:"stands"`
}

// Table implements Row.
func (GivenRow) Table() string { return "given" }

// Personal implements Row.
func (GivenRow) Personal() []string { return []string{"line", "row_key"} }

// RemovalRow is a row of an erased person that a platform still has
// (erasures/<request>/remove/<platform>/<segment>.parquet), ordered by (file, line):
// it waits for the next removal file and says nothing of whose it is but its own bytes.
type RemovalRow struct {
	File   string `parquet:"file,dict"`
	Line   string `parquet:"line"`
	RowKey int64  `parquet:"row_key"`
	Since  string `parquet:"since_day,dict"` // business day of the erasure
	// Act names the hand-over whose file held the row, HandedDay its day; empty while
	// it waits.
	Act       string `parquet:"act,dict"`
	HandedDay string `parquet:"handed_day,dict"`
}

// Table implements Row.
func (RemovalRow) Table() string { return "removals" }

// Personal implements Row.
func (RemovalRow) Personal() []string { return []string{"line", "row_key"} }
