package phone

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

func TestParseReadsWhatPeopleWrite(t *testing.T) {
	for _, c := range []struct{ raw, country, want string }{
		{"8 (900) 000-00-01", "RU", "+79000000001"},
		{"+7 (900) 000-00-01", "RU", "+79000000001"},
		{"9000000001", "RU", "+79000000001"},
		{"79000000001", "RU", "+79000000001"},
		{"+7900-0000000", "RU", "+79000000000"},
		{"8 812 123-45-67", "RU", "+78121234567"},
		{"8 800 200 06 00", "RU", "+78002000600"},
		{"+992 88 123 4567", "RU", "+992881234567"},
		{"8 (727) 258-00-00", "KZ", "+77272580000"},
		{"+7 900 000 00 01 доб. 12", "RU", "+79000000001"},
		{"020 7946 0018", "GB", "+442079460018"},
		{"+44 20 7946 0018", "RU", "+442079460018"},
		{"(650) 555-1212", "US", "+16505551212"},
		{"8 029 123-45-67", "BY", "+375291234567"},
	} {
		got, ok := Parser{}.Parse(c.raw, c.country)
		if !ok || string(got) != c.want {
			t.Errorf("Parse(%q, %s) = %q, %v, want %q", c.raw, c.country, string(got), ok, c.want)
		}
	}
	for _, raw := range []string{"", "нет", "12", "+", "89", "1234567890123456789", "anna@mail.ru"} {
		if got, ok := (Parser{}).Parse(raw, "RU"); ok {
			t.Errorf("Parse(%q) = %q, want none", raw, string(got))
		}
	}
}

// The fast path may only answer what the library answers too.
func TestFastPathEqualsTheLibrary(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	formats := []string{"+7%s", "8%s", "7%s", "%s", "+7 (%.3s) %s", "8-%s", "8 %s", " +7 %s "}
	fast := 0
	for i := range 20_000 {
		national := fmt.Sprintf("%010d", random.Int64N(1e10))
		if i%2 == 0 {
			national = "9" + national[1:]
		}
		raw := formats[i%len(formats)]
		if raw == "+7 (%.3s) %s" {
			raw = "+7 (" + national[:3] + ") " + national[3:6] + "-" + national[6:8] + "-" + national[8:]
		} else {
			raw = fmt.Sprintf(raw, national)
		}
		for _, country := range []string{"RU", "KZ"} {
			number, ok := home(raw, country)
			if !ok {
				continue
			}
			fast++
			want, wantOK := parseByLibrary(raw, country)
			if !wantOK || number != want {
				t.Fatalf("fast path reads %q in %s as %q, the library as %q, %v", raw, country, string(number), string(want), wantOK)
			}
		}
	}
	if fast < 10_000 {
		t.Fatalf("the fast path took %d numbers, want most of the mobile ones", fast)
	}
}
