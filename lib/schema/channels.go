package schema

// ChannelRow counts the contacts of a month by the way they were made
// (gold/channels), ordered by (month, channel, direction). A contact is what
// contacts_30d of a client counts: a call in three phases is one, a call that nobody
// answered is none. Contacts of nobody known are not counted.
type ChannelRow struct {
	Month     string  `parquet:"month"`     // YYYY-MM in the business's time zone; empty: of all time
	Channel   string  `parquet:"channel"`   // call, chat, message, visit, email_open, review, …; empty: not told
	Direction string  `parquet:"direction"` // in, out; empty: not told
	Contacts  int64   `parquet:"contacts"`
	Clients   int64   `parquet:"clients"` // with at least one of them
	Share     float64 `parquet:"share"`   // of the contacts of the month
}

// Table implements Row.
func (ChannelRow) Table() string { return "channels" }

// Personal implements Row.
func (ChannelRow) Personal() []string { return nil }
