package audience

// layout is what one platform makes of one request: its files and the rows of a
// person in them. It holds no state.
type layout struct {
	files []fileSpec
	// The normal forms of identifiers, of those that the platform takes.
	phone, email, vkID, telegramID, mobileID Field

	rows func(p *person, add func(file int, row []cell))
	// warn, if set, gives advice on the files that are written.
	warn func(files []FileReport) []Text
}

// fileSpec is one file of a platform.
type fileSpec struct {
	name     string
	about    Text
	columns  []column
	bare     bool // no header line
	format   format
	preamble [][]string // rows between the header and the first one
	workbook bool       // XLSX instead of text
	minRows  int        // below it the file is refused; at least 1
	maxRows  int        // of one part; 0: no limit known
	maxBytes int64      // of one part; 0: no limit known
	optional bool       // not mentioned when it has no rows

	index int // among the files of its layout
}

// column is one column of a file. Several may share a key.
type column struct {
	key  string // of the field, and in the configuration
	name string // in the header
}

// columnsOf makes columns of pairs key, name.
func columnsOf(pairs ...string) []column {
	columns := make([]column, 0, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		columns = append(columns, column{pairs[i], pairs[i+1]})
	}
	return columns
}

// at is the i-th value, empty past the end.
func at(values []string, i int) string {
	if i < len(values) {
		return values[i]
	}
	return ""
}
