package phone

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/nyaruka/phonenumbers"
)

// The fast path may only answer what the library answers, too: every shape that
// people type and shapes that nobody does, in countries with other rules.
func TestFastPathEqualsTheLibrary(t *testing.T) {
	const draws = 200_000
	random := rand.New(rand.NewPCG(1, 2))
	countries := []string{"RU", "RU", "RU", "KZ", "KZ", "BY", "UZ", "UA", "US", "DE", ""}
	fast := 0
	for range draws {
		raw, country := randomNumber(random), countries[random.IntN(len(countries))]
		number, ok := wellFormed(raw, country)
		if !ok {
			continue
		}
		fast++
		numbers, rest := readField(raw, country)
		if len(numbers) != 1 || len(rest) > 0 || numbers[0].Phone != number || numbers[0].Extension != "" {
			t.Fatalf("fast path reads %q in %q as %q, the library %d numbers, rest %d", raw, country, string(number), len(numbers), len(rest))
		}
	}
	if fast < draws/8 {
		t.Fatalf("the fast path took %d of %d numbers, too few to compare", fast, draws)
	}
	t.Logf("%d of %d by the fast path, all equal", fast, draws)
}

// randomNumber draws a code, some digits and punctuation anywhere.
func randomNumber(random *rand.Rand) string {
	codes := []string{"+7", "+7", "8", "8", "7", "", "+7", "7", "8", "", "+8", "8 10 7", "+375", "+380", "+992", "+994", "+995", "+996", "+998", "+373", "+374", "+993", "375", "+1", "+49", "+"}
	var b strings.Builder
	b.WriteString(codes[random.IntN(len(codes))])
	length := 10
	switch random.IntN(5) {
	case 0:
		length = 8 + random.IntN(2)
	case 1:
		length = 6 + random.IntN(7)
	}
	if random.IntN(2) == 0 && length == 10 {
		b.WriteByte('9')
		length--
	}
	marks := []string{"", "", "", "", " ", "-", "(", ")", ") ", " ("}
	for range length {
		b.WriteString(marks[random.IntN(len(marks))])
		b.WriteString(strconv.Itoa(random.IntN(10)))
	}
	if random.IntN(20) == 0 {
		b.WriteString([]string{" ", ")", "+", "-", " доб. 1", "."}[random.IntN(6)])
	}
	return b.String()
}

func FuzzPhoneField(f *testing.F) {
	for _, raw := range []string{
		"+7 999 111-22-33, 8 (495) 123-45-67 доб. 12 / 9161234567", "8 999 111 22 33 8 495 123 45 67", "+8 (900) 000-00-01", "＋７（９００）０００－００－０１",
		"tel:+7-495-123-45-67;ext=12", "375291234567", "00375291234567", "8916***4567", "Анна89991112233x12", "+54 9 11 1234 5678", "+52 1 55 1234 5678",
	} {
		f.Add(raw, "RU")
		f.Add(raw, "MX")
		f.Add(raw, "")
	}
	f.Fuzz(func(t *testing.T, raw, country string) {
		numbers, rest := Parser{}.ParseAll(raw, country)
		if len(numbers) == 0 && len(rest) == 0 && strings.ContainsAny(raw, "0123456789") {
			t.Errorf("ParseAll(%q, %q) lost it", raw, country)
		}
		for _, text := range rest {
			if text == "" || !strings.Contains(raw, text) {
				t.Errorf("ParseAll(%q, %q): the rest is not as typed: %q", raw, country, text)
			}
		}
		for _, n := range numbers {
			if len(n.Extension) > 7 || strings.Trim(n.Extension, "0123456789") != "" {
				t.Errorf("ParseAll(%q, %q): extension %q", raw, country, n.Extension)
			}
			known, err := phonenumbers.Parse(string(n.Phone), "")
			if err != nil || !phonenumbers.IsPossibleNumber(known) {
				t.Errorf("ParseAll(%q, %q) = %q, which is not possible", raw, country, string(n.Phone))
			}
			again, left := Parser{}.ParseAll(string(n.Phone), country)
			if len(again) != 1 || again[0].Phone != n.Phone || len(left) > 0 {
				t.Errorf("ParseAll(%q, %q) = %q, and that read again is another", raw, country, string(n.Phone))
			}
		}
		if again, left := (Parser{}).ParseAll(raw, country); !slices.Equal(numbers, again) || !slices.Equal(rest, left) {
			t.Errorf("ParseAll(%q, %q) differs from itself", raw, country)
		}
	})
}
