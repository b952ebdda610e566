package schema

// ContactedRow is a client who was new in a message file when it was handed over
// (audiences/contacted), ordered by client_id. The day stands in the object's key.
type ContactedRow struct {
	ClientID string `parquet:"client_id"`
}

// Table implements Row.
func (ContactedRow) Table() string { return "contacted" }

// Personal implements Row.
func (ContactedRow) Personal() []string { return nil }
