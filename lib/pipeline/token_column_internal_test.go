package pipeline

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
)

// Texts of any letters, also of such that no token has, and of one beginning: each is
// found at its number, and what is not there is not found.
func TestPlacesOfAnyTexts(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 9))
	for _, letters := range []string{"01", "chij", "\x00/0:9@`az{\xff", "pecxr0123456789abcdefghjkmnpqrstvwxyz"} {
		var all []string
		for range 3000 {
			text := make([]byte, random.IntN(12))
			for i := range text {
				text[i] = letters[random.IntN(len(letters))]
			}
			all = append(all, string(text))
		}
		slices.Sort(all)
		all = slices.Compact(all)
		var known columnBuilder
		for i := 0; i < len(all); i += 2 {
			known.add(all[i])
		}
		column := known.column()
		p, err := placesOf(&column)
		if err != nil {
			t.Fatal(err)
		}
		for i, text := range all {
			place := p.of(text)
			if at, ok := column.find(text, p.begins[place], p.begins[place+1]); ok != (i%2 == 0) || ok && at != i/2 {
				t.Fatalf("of %q: text %d is found %t, at %d", letters, i, ok, at)
			}
		}
	}
}

// A file whose tokens fall was written by somebody else.
func TestPlacesNeedOrder(t *testing.T) {
	var b columnBuilder
	for _, text := range []string{"p1", "p3", "p2"} {
		b.add(text)
	}
	column := b.column()
	if _, err := placesOf(&column); !errors.Is(err, errUnordered) {
		t.Errorf("%v, want %v", err, errUnordered)
	}
}
