package schema

import "time"

// Narrow rows: what the check of the ledger reads of the other tables.

// EventKeyRow names an event and the raw object it came in.
type EventKeyRow struct {
	EventID   string   `parquet:"event_id"`
	RawObject string   `parquet:"raw_object,dict"`
	Source    string   `parquet:"source,dict"`
	Tokens    []string `parquet:"tokens,list"`
}

// Table implements Row.
func (EventKeyRow) Table() string { return "events" }

// Personal implements Row.
func (EventKeyRow) Personal() []string { return nil }

// FailedKeyRow names a failed delivery.
type FailedKeyRow struct {
	Key        string    `parquet:"key"`
	Source     string    `parquet:"source,dict"`
	ReceivedAt time.Time `parquet:"received_at,timestamp(microsecond)"`
	Reason     string    `parquet:"reason,dict"`
	RawObject  string    `parquet:"raw_object,dict"`
}

// Table implements Row.
func (FailedKeyRow) Table() string { return "failed" }

// Personal implements Row.
func (FailedKeyRow) Personal() []string { return nil }

// RawKeyRow names a raw delivery.
type RawKeyRow struct {
	Key        string    `parquet:"key"`
	Source     string    `parquet:"source,dict"`
	ReceivedAt time.Time `parquet:"received_at,timestamp(microsecond)"`
}

// Table implements Row.
func (RawKeyRow) Table() string { return "raw" }

// Personal implements Row.
func (RawKeyRow) Personal() []string { return nil }
