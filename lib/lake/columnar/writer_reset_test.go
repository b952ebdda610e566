package columnar_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/leadlake/leadlake/lib/lake/columnar"
	"github.com/leadlake/leadlake/lib/schema"
)

// A file that begins in the memory of another, finished or not, is that of a new writer.
func TestAFileDoesNotRememberTheOneBefore(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 1))
	write := func(w *columnar.Writer, groups ...[]schema.XYZRow) {
		t.Helper()
		choose := rand.New(rand.NewPCG(5, 2)) // how each column is given
		for _, rows := range groups {
			give(t, choose, w.Group(len(rows)), rows)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	first, second := randomRows[schema.XYZRow](r, 900), randomRows[schema.XYZRow](r, 300)
	as := schema.Pair{Key: "as_of", Value: "2026-01-31"}
	var want, got, before bytes.Buffer
	w, err := columnar.NewWriter[schema.XYZRow](&want, as)
	if err != nil {
		t.Fatal(err)
	}
	write(w, second, first)

	if w, err = columnar.NewWriter[schema.XYZRow](&before, as); err != nil {
		t.Fatal(err)
	}
	write(w, first)
	w.Reset(&before)
	w.Group(3) // left open: this file is given up
	w.Reset(&got)
	write(w, second, first)
	if !bytes.Equal(got.Bytes(), want.Bytes()) {
		t.Errorf("%d bytes, want the same %d as of a new writer", got.Len(), want.Len())
	}
}
