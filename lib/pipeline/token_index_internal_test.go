package pipeline

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/leadlake/leadlake/lib/analytics"
	"github.com/leadlake/leadlake/lib/lake/columnar"
	"github.com/leadlake/leadlake/lib/schema"
)

func opened(t *testing.T, body []byte) *columnar.File {
	t.Helper()
	file, err := columnar.OpenBytes(body)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

type listed []string

func (l listed) Len() int           { return len(l) }
func (l listed) Value(i int) string { return l[i] }

// Tokens of one length and of many, some of clients with several: each is found again,
// alone and among others, and what was never stated is nobody's.
func TestTheIndexFindsEveryToken(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 2))
	for _, widths := range []int{1, 9} {
		for _, n := range []int{0, 1, 2, 300, 20_000} {
			var rows []schema.TokenRow
			for i := range n {
				token := fmt.Sprintf("p%026d", random.Int64()) + strings.Repeat("x", i%widths)
				row := schema.TokenRow{Token: token, ClientID: token}
				if i%10 == 9 {
					row.ClientID = rows[i-1].ClientID
				}
				rows = append(rows, row)
			}
			slices.SortFunc(rows, func(a, b schema.TokenRow) int { return strings.Compare(a.Token, b.Token) })
			body, err := schema.Encode(rows)
			if err != nil {
				t.Fatal(err)
			}
			index, err := readTokenIndex(t.Context(), opened(t, body))
			if err != nil {
				t.Fatal(err)
			}
			if want := n - n/10; index.Len() != want {
				t.Fatalf("%d clients, want %d", index.Len(), want)
			}
			asked := listed{"p-never-stated", ""}
			for _, row := range rows {
				asked = append(asked, row.Token)
			}
			numbers := make([]int32, len(asked))
			index.lookUp(asked, numbers)
			if numbers[0] != analytics.Nobody || numbers[1] != analytics.Nobody {
				t.Errorf("unknown tokens are of %v", numbers[:2])
			}
			for i, row := range rows {
				if got := index.ID(int(numbers[i+2])); got != row.ClientID || index.OfEvent([]string{row.Token, "other"}) != got || index.Number([]string{row.Token}) != int(numbers[i+2]) {
					t.Fatalf("token %d is of %s, want %s", i, got, row.ClientID)
				}
			}
			for i := range index.Len() - 1 {
				if index.ID(i) >= index.ID(i+1) {
					t.Fatal("clients are not in the order of their ids")
				}
			}
		}
	}
}

// A token that many share, or that a split does not name, does not decide alone.
func TestTheIndexAsksWhereATokenDoesNotDecide(t *testing.T) {
	rows := []schema.TokenRow{{Token: "p1", ClientID: "p1"}, {Token: "p2", ClientID: "p2"}, {Token: "x3", ClientID: "x3"}}
	body, err := schema.Encode(rows)
	if err != nil {
		t.Fatal(err)
	}
	index, err := readTokenIndex(t.Context(), opened(t, body))
	if err != nil {
		t.Fatal(err)
	}
	index.deciders = deciders{shared: map[string]bool{"p1": true}}
	numbers := make([]int32, 3)
	index.lookUp(listed{"p1", "p2", "x3"}, numbers)
	if !slices.Equal(numbers, []int32{askAll, 1, 2}) || index.Plain() {
		t.Errorf("numbers %v, plain %t", numbers, index.Plain())
	}
	if got := index.Number([]string{"p1", "x3"}); got != 2 {
		t.Errorf("a shared number and an own id are client %d, want 2", got)
	}
	if got := index.Number([]string{"p1"}); got != 0 {
		t.Errorf("a shared number alone is client %d, want 0", got)
	}
	if got := index.Number(nil); got != analytics.Nobody {
		t.Errorf("no token is client %d", got)
	}
}
