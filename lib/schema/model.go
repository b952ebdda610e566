package schema

// ModelRow is one number of a model of the night (gold/models), ordered by (model,
// parameter). A parameter refused:REASON says why the model gives no result, its value
// is the count that was too small.
type ModelRow struct {
	Model     string  `parquet:"model"`
	Parameter string  `parquet:"parameter"`
	Value     float64 `parquet:"value"`
}

// Table implements Row.
func (ModelRow) Table() string { return "models" }

// Personal implements Row.
func (ModelRow) Personal() []string { return nil }
