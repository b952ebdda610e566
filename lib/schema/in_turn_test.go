package schema_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/leadlake/leadlake/lib/schema"
)

// inTurn encodes rows as they are handed out.
func inTurn[T schema.Row](rows []T, metadata ...schema.Pair) ([]byte, error) {
	left := rows
	return schema.EncodeInTurn(len(rows), func(out []T) error {
		left = left[copy(out, left):]
		return nil
	}, metadata...)
}

func sameInTurn[T schema.Row](t *testing.T, counts ...int) {
	t.Helper()
	pair := schema.Pair{Key: "k", Value: "v"}
	for _, n := range counts {
		rows := randomRows[T](rand.New(rand.NewPCG(uint64(n), 3)), n)
		want, err := schema.Encode(rows, pair)
		if err != nil {
			t.Fatal(err)
		}
		got, err := inTurn(rows, pair)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%T, %d rows: %d bytes that are not the %d of Encode, %v", *new(T), n, len(got), len(want), err)
		}
	}
}

// Rows that are made in turn give the file that all of them at once give: in one row
// group or several, with pages that end within a turn.
func TestRowsInTurnGiveTheBytesOfEncode(t *testing.T) {
	sameInTurn[schema.OrderRow](t, 0, 1, 63, 64, 65, 1023, 1024, 1025, 7001)
	sameInTurn[schema.ClientRow](t, 0, 1, 1025, 5000)
	orders := shopOrders(70_000) // the last 64th is a group of its own
	want, err := schema.Encode(orders)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := inTurn(orders); err != nil || !bytes.Equal(got, want) {
		t.Errorf("orders of a shop: %d bytes that are not the %d of Encode, %v", len(got), len(want), err)
	}
}

func TestRowsThatCannotBeMadeMakeNoFile(t *testing.T) {
	cause := errors.New("no more rows")
	left := 2
	body, err := schema.EncodeInTurn(5000, func([]schema.OrderRow) error {
		if left--; left == 0 {
			return fmt.Errorf("read: %w", cause)
		}
		return nil
	})
	if !errors.Is(err, cause) || body != nil {
		t.Errorf("%d bytes, %v", len(body), err)
	}
}
