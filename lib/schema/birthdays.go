package schema

// Whose birthday it is.
const (
	BirthdayChild  = "child"
	BirthdayClient = "client"
	BirthdayPet    = "pet"
)

// BirthdayRow is a birthday of a client's, of a child's or of a pet's
// (gold/birthdays), ordered by (client_id, who, month_day). It tells no name and no
// year. Two children of one day have one row.
type BirthdayRow struct {
	ClientID  string `parquet:"client_id"`
	Who       string `parquet:"who,dict"`   // client, child or pet
	MonthDay  string `parquet:"month_day"`  // MM-DD
	NextDay   string `parquet:"next_day"`   // the first one after the as-of day, YYYY-MM-DD; of 02-29 the 1st of March where a year has none
	DaysUntil int64  `parquet:"days_until"` // from the as-of day, 1 to 366
}

// Table implements Row.
func (BirthdayRow) Table() string { return "birthdays" }

// Personal implements Row.
func (BirthdayRow) Personal() []string { return []string{"month_day", "next_day", "days_until"} }
