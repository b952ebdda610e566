package identity

import (
	"math/rand/v2"
	"testing"
)

// The fast path may only answer what the full comparison answers too.
func TestPlainNameKeysAreFullOnes(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	letters := []rune("абвгдеёжзийклАБВЕЁЯянйabcdeXYZz0129 -,.'()\t  \u0301\u0308йіјşéß№\ufffd")
	plain := 0
	for range 200_000 {
		text := make([]rune, random.IntN(24))
		limit := len(letters)
		if random.IntN(2) == 0 {
			limit -= 10 // mostly what the fast path takes
		}
		for i := range text {
			text[i] = letters[random.IntN(limit)]
		}
		key, ok := plainKey(string(text))
		if !ok {
			continue
		}
		plain++
		if want := fullKey(string(text)); key != want {
			t.Fatalf("plainKey(%q) = %q, fullKey %q", string(text), key, want)
		}
	}
	if plain < 20_000 {
		t.Errorf("only %d of 200 000 went the fast path", plain)
	}
}
