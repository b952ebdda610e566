package schema_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/schema"
)

// What is read in batches is what is read at once, in several groups too, and a loop
// that stops early stops.
func TestBatchesAreTheRowsOfTheFile(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	byKind := func(a, b *schema.EventRow) int { return strings.Compare(a.Kind, b.Kind) }
	for _, rows := range []int{0, 1, 255, 256, 257, 2000} {
		body, err := schema.Encode(eventRows(random, rows))
		if err == nil && rows > 300 {
			body, err = schema.Append(body, eventRows(random, 300), byKind)
		}
		if err != nil {
			t.Fatal(err)
		}
		all, err := schema.Decode[schema.IdentityEventRow](body)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range []int{1, 100, 256, 5000} {
			t.Run(fmt.Sprintf("%d rows by %d", rows, n), func(t *testing.T) {
				var got []schema.IdentityEventRow
				for batch, err := range schema.Batches[schema.IdentityEventRow](bytes.NewReader(body), int64(len(body)), n) {
					if err != nil {
						t.Fatal(err)
					}
					if len(batch) == 0 || len(batch) > n {
						t.Fatalf("a batch of %d rows, want 1 to %d", len(batch), n)
					}
					got = append(got, slices.Clone(batch)...)
				}
				if diff := cmp.Diff(all, got); diff != "" {
					t.Errorf("rows read in batches (-at once +batches):\n%s", diff)
				}
			})
		}
		for range schema.Batches[schema.IdentityEventRow](bytes.NewReader(body), int64(len(body)), 1) {
			break
		}
	}
}

func TestBatchesOfBrokenBytesAreAnError(t *testing.T) {
	body, err := schema.Encode(eventRows(rand.New(rand.NewPCG(1, 3)), 3000))
	if err != nil {
		t.Fatal(err)
	}
	middle := slices.Clone(body)
	for i := range middle[:len(middle)/2] {
		middle[i] ^= 0x5a
	}
	for name, broken := range map[string][]byte{"empty": nil, "cut": body[:len(body)-9], "spoilt pages": middle} {
		var last error
		for _, err := range schema.Batches[schema.EventRow](bytes.NewReader(broken), int64(len(broken)), 100) {
			last = err
		}
		if !errors.Is(last, schema.ErrCorrupt) {
			t.Errorf("%s: %v, want ErrCorrupt", name, last)
		}
	}
}
