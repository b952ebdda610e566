package schema

import (
	"bytes"
	"fmt"
)

// turnRows is how many rows EncodeInTurn holds. The library cuts pages after every 64
// rows at the most: with a multiple of them they are cut where Encode cuts them.
const turnRows = 16 * 64

// EncodeInTurn is Encode of so many rows that are never in memory all at once: fill
// makes the next ones, all of the rows that it is given, which are zero before. It may
// use what it made for the last ones again. The bytes are those of Encode.
func EncodeInTurn[T Row](count int, fill func(rows []T) error, metadata ...Pair) ([]byte, error) {
	var out bytes.Buffer
	w := newWriter[T](&out, metadata...)
	rows := make([]T, min(count, turnRows))
	for _, left := range groupsOf[T](count) {
		for left > 0 {
			n := min(left, turnRows)
			clear(rows[:n])
			if err := fill(rows[:n]); err != nil {
				return nil, err
			}
			if _, err := w.Write(rows[:n]); err != nil {
				return nil, fmt.Errorf("schema: write %s: %w", tableName[T](), err)
			}
			left -= n
		}
		if err := w.Flush(); err != nil { // ends the group
			return nil, fmt.Errorf("schema: write %s: %w", tableName[T](), err)
		}
	}
	return ended(w, &out)
}
