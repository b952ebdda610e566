package spreadsheet_test

import (
	"encoding/csv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/spreadsheet"
)

func TestSplitter(t *testing.T) {
	type rec = spreadsheet.SplitRecord
	tests := []struct {
		name  string
		text  string
		delim byte
		width int
		want  []rec
	}{
		{"plain lines, CRLF and a last line without an end", "a;b\r\n1;2", ';', 0, []rec{{1, "a;b", []string{"a", "b"}, false}, {2, "1;2", []string{"1", "2"}, false}}},
		{"blank lines keep the numbering", "a\n\nb\n", ';', 0, []rec{{1, "a", []string{"a"}, false}, {2, "", []string{""}, false}, {3, "b", []string{"b"}, false}}},
		{"quoted delimiter, doubled mark, line break", "\"a;1\";\"say \"\"hi\"\"\";\"x\ny\"\nz;;\n", ';', 3, []rec{
			{1, "\"a;1\";\"say \"\"hi\"\"\";\"x\ny\"", []string{"a;1", `say "hi"`, "x\ny"}, false}, {3, "z;;", []string{"z", "", ""}, false},
		}},
		{"a mark inside a text is a character", `ООО "Ромашка";5`, ';', 2, []rec{{1, `ООО "Ромашка";5`, []string{`ООО "Ромашка"`, "5"}, false}}},
		{"a text that begins with a mark is no quoted cell", "\"Ромашка\" ООО;\"a;b\"\n\"x;\"y\" z;5\n", ';', 2, []rec{
			{1, "\"Ромашка\" ООО;\"a;b\"", []string{`"Ромашка" ООО`, "a;b"}, false}, {2, "\"x;\"y\" z;5", []string{`"x`, `"y" z`, "5"}, false},
		}},
		{"an open mark at the end takes one line only", "1;\"x\n2;y\n3;z\n", ';', 2, []rec{
			{1, `1;"x`, []string{"1", `"x`}, true}, {2, "2;y", []string{"2", "y"}, false}, {3, "3;z", []string{"3", "z"}, false},
		}},
		{"an open mark does not swallow rows up to the next mark", "1;\"x;3\n2;y;4\n3;\"z\";5\n", ';', 3, []rec{
			{1, `1;"x;3`, []string{"1", `"x`, "3"}, true}, {2, "2;y;4", []string{"2", "y", "4"}, false}, {3, `3;"z";5`, []string{"3", "z", "5"}, false},
		}},
		{"a remark of several lines in the last column stays one row", "1;a;\"x\ny\"\n2;b;c\n", ';', 3, []rec{
			{1, "1;a;\"x\ny\"", []string{"1", "a", "x\ny"}, false}, {3, "2;b;c", []string{"2", "b", "c"}, false},
		}},
		{"runs of blanks", " 00001  19970101\t1 \n", ' ', 0, []rec{{1, " 00001  19970101\t1 ", []string{"00001", "19970101", "1"}, false}}},
		{"one column", "a;b\n", 0, 0, []rec{{1, "a;b", []string{"a;b"}, false}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := spreadsheet.SplitAll(iotest.OneByteReader(strings.NewReader(tt.text)), tt.delim, tt.width)
			if err != nil {
				t.Fatalf("SplitAll: %v", err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("records differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSplitterStopsAtEndlessRow(t *testing.T) {
	if _, err := spreadsheet.SplitAll(strings.NewReader(strings.Repeat("x", 3<<20)), ';', 0); err == nil {
		t.Error("a row of 3 MiB was accepted")
	}
}

// TestUnbalancedMarksLoseNoRow holds that a mark opened in every row costs those
// rows only, and that the search for their ends does not grow with the file's square:
// 200 000 searches to the end of 2 MB would take minutes.
func TestUnbalancedMarksLoseNoRow(t *testing.T) {
	const n = 200_000
	for _, line := range []string{"1;\"a;x\n", "\"\"\"a;x\n", "\"\"\";x\n", "\"a\" b;x\n"} {
		records, err := spreadsheet.SplitAll(strings.NewReader(strings.Repeat(line, n)), ';', strings.Count(line, ";")+1)
		if err != nil || len(records) != n {
			t.Errorf("%q: %d records, %v, want %d", line, len(records), err, n)
		}
	}
}

// FuzzSplitter holds two promises: no byte of a file disappears, and where the
// standard library reads a file without complaint the cells are the same.
func FuzzSplitter(f *testing.F) {
	for _, s := range []string{"a;b\n1;2\n", "\"a\n\";b\r\n", "\"\"\"\";\n", "a\"b;\"c\" ;d", "\"x;\n1;2\n\"y\";3\n", "\n\n", "\"", " \"a\"", "\r\n;", "a;\"b\"\"\nc"} {
		f.Add(s, uint8(0), 2)
	}
	f.Fuzz(func(t *testing.T, text string, which uint8, width int) {
		delim := ";,\t| \x00"[which%6]
		if width < 0 || width > 100 {
			width = 0
		}
		records, err := spreadsheet.SplitAll(strings.NewReader(text), delim, width)
		if err != nil {
			t.Skip("refused as a whole")
		}
		var raw strings.Builder
		line := 1
		for _, r := range records {
			if r.Line != line {
				t.Fatalf("record begins at line %d, want %d", r.Line, line)
			}
			line += strings.Count(r.Raw, "\n") + 1
			raw.WriteString(r.Raw + "\n")
		}
		whole := text
		if whole != "" && !strings.HasSuffix(whole, "\n") {
			whole += "\n"
		}
		same := func(s string) string { return strings.ReplaceAll(s, "\r", "") }
		if got, want := same(raw.String()), same(whole); got != want {
			t.Fatalf("the records together are %q, want %q", got, want)
		}
		if delim == ' ' || delim == 0 || strings.Contains(text, "\r") || width != 0 {
			return
		}
		peer := csv.NewReader(strings.NewReader(text))
		peer.Comma, peer.FieldsPerRecord = rune(delim), -1
		want, err := peer.ReadAll()
		if err != nil {
			return
		}
		var got [][]string
		for _, r := range records {
			if r.Raw != "" { // the standard library skips empty lines
				got = append(got, r.Cells)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("encoding/csv reads it differently (-csv +ours):\n%s", diff)
		}
	})
}
