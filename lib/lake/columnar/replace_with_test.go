package columnar_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/leadlake/leadlake/lib/lake/columnar"
	"github.com/leadlake/leadlake/lib/schema"
)

// A token that does not decide is looked up with all of its row's; the others
// alone. The list goes, everything else stays.
func TestReplaceWithAsksForTheWholeRowWhereATokenDoesNotDecide(t *testing.T) {
	rows := []schema.OrderRow{
		{OrderID: "1", Token: "own", MoreTokens: []string{"else"}},
		{OrderID: "2", Token: "shared", MoreTokens: []string{"a", "b"}},
		{OrderID: "3", Token: "shared"},
		{OrderID: "4", MoreTokens: []string{"a"}},
		{OrderID: "5", Token: "shared", MoreTokens: []string{"c"}},
		{OrderID: "6", Token: "own"},
	}
	body, err := schema.Encode(rows)
	if err != nil {
		t.Fatal(err)
	}
	alone := func(token string) (string, bool) { return "<" + token + ">", token != "shared" }
	whole := func(tokens []string) string { return strings.Join(tokens, "+") }
	for _, tc := range []struct {
		name    string
		columns []string
		want    []string
	}{
		{"with the others", []string{"token", "order_id", "more_tokens"}, []string{"<own>", "shared+a+b", "shared", "", "shared+c", "<own>"}},
		{"by the token alone", []string{"token", "order_id"}, []string{"<own>", "<shared>", "<shared>", "<>", "<shared>", "<own>"}},
	} {
		for rec, err := range columnar.Records(t.Context(), body, tc.columns...) {
			if err != nil {
				t.Fatal(err)
			}
			replaced, err := columnar.ReplaceWith(rec, "token", "more_tokens", "client_id", alone, whole)
			if err != nil {
				t.Fatal(err)
			}
			if replaced.NumCols() != 2 || replaced.NumRows() != rec.NumRows() {
				t.Errorf("%s: %d columns, %d rows", tc.name, replaced.NumCols(), replaced.NumRows())
			}
			var got []string
			column := replaced.Column(replaced.Schema().FieldIndices("client_id")[0])
			for row := range int(replaced.NumRows()) {
				got = append(got, column.ValueStr(row))
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
			}
			if ids := replaced.Column(replaced.Schema().FieldIndices("order_id")[0]).(*array.String); ids.Value(4) != "5" {
				t.Errorf("%s: order_id %q", tc.name, ids.Value(4))
			}
			replaced.Release()
		}
	}
}

func TestReplaceWithNamesTheColumnThatIsWrong(t *testing.T) {
	body, err := schema.Encode(orders(3))
	if err != nil {
		t.Fatal(err)
	}
	for rec, err := range columnar.Records(t.Context(), body, "token", "more_tokens", "lines", "purchase") {
		if err != nil {
			t.Fatal(err)
		}
		for _, columns := range [][2]string{{"client", "more_tokens"}, {"purchase", "more_tokens"}, {"token", "purchase"}, {"token", "lines"}} {
			_, err := columnar.ReplaceWith(rec, columns[0], columns[1], "client_id", func(string) (string, bool) { return "", true }, func([]string) string { return "" })
			if !errors.Is(err, columnar.ErrColumn) {
				t.Errorf("%q: %v, want ErrColumn", columns, err)
			}
		}
	}
}
