package phone_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/identity"
	"github.com/leadlake/leadlake/lib/identity/phone"
)

func TestParseReadsWhatPeopleWrite(t *testing.T) {
	for _, c := range []struct{ raw, country, want string }{
		{"8 (900) 000-00-01", "RU", "+79000000001"},
		{"+7 (900) 000-00-01", "RU", "+79000000001"},
		{"9000000001", "RU", "+79000000001"},
		{"79000000001", "RU", "+79000000001"},
		{"+7900-0000000", "RU", "+79000000000"},
		{"8.900.000.00.01", "RU", "+79000000001"},
		{"+7 8 (900) 000-00-01", "RU", "+79000000001"},
		{"8 812 123-45-67", "RU", "+78121234567"},
		{"8121234567", "RU", "+78121234567"},
		{"8 800 200 06 00", "RU", "+78002000600"},
		{"8002000600", "RU", "+78002000600"},
		{"8 926 000-00-01", "ru", "+79260000001"},
		{"89260000001", "KZ", "+79260000001"},
		{"+992 88 123 4567", "RU", "+992881234567"},
		{"992 88 123 4567", "RU", "+992881234567"},
		{"8 (727) 258-00-00", "KZ", "+77272580000"},
		{"7012345678", "KZ", "+77012345678"},
		{"77012345678", "RU", "+77012345678"},
		{"+7 900 000 00 01 доб. 12", "RU", "+79000000001"},
		{"020 7946 0018", "GB", "+442079460018"},
		{"+44 20 7946 0018", "RU", "+442079460018"},
		{"(650) 555-1212", "US", "+16505551212"},
		{"8 029 123-45-67", "BY", "+375291234567"},
		{"8 10 375 29 123-45-67", "RU", "+375291234567"},
		{"00375291234567", "RU", "+375291234567"},
		{"00 7 900 000 00 01", "RU", "+79000000001"},
		// a trunk 8 behind a plus sign: no code begins with 89, none is 8 alone
		{"+8 (900) 000-00-01", "RU", "+79000000001"},
		{"+89000000001", "KZ", "+79000000001"},
		{"+8 (495) 000-00-01", "RU", "+74950000001"},
		{"+84 95 123 45 67", "RU", "+84951234567"},
		// what stands around and cannot be seen
		{"тел.: 8 900 000 00 01", "RU", "+79000000001"},
		{"tel:+7-900-000-00-01", "RU", "+79000000001"},
		{"т.89000000001", "RU", "+79000000001"},
		{"\u202a+7\u00a0900\u2011000\u201300\u200b-01\u202c", "RU", "+79000000001"},
		{"＋７（９００）０００－００－０１", "RU", "+79000000001"},
		{"+٧٩٠٠٠٠٠٠٠٠١", "RU", "+79000000001"},
		{"۰۹۱۲۳۴۵۶۷۸۹", "IR", "+989123456789"},
		{"📞89000000001", "RU", "+79000000001"},
		{"8️⃣9000000001", "RU", "+79000000001"},
		{"«8 900 000-00-01»", "RU", "+79000000001"},
		// other countries that lost their plus sign
		{"375291234567", "RU", "+375291234567"},
		{"998901234567", "RU", "+998901234567"},
		{"380 50 123 45 67", "RU", "+380501234567"},
		{"37491234567", "RU", "+37491234567"},
		{"79000000001", "US", "+79000000001"},
	} {
		got, ok := phone.Parser{}.Parse(c.raw, c.country)
		if !ok || string(got) != c.want {
			t.Errorf("Parse(%q, %s) = %q, %v, want %q", c.raw, c.country, string(got), ok, c.want)
		}
	}
}

func TestOfTwoReadingsNoneIsTaken(t *testing.T) {
	for name, c := range map[string]struct{ raw, country string }{
		"a code of Belarus typed as if from there": {"80291234567", "RU"},
		"+7 before 0":             {"+70291234567", "RU"},
		"+7 before 1":             {"81234567890", "RU"},
		"+7 before 2, ten digits": {"2001234567", "RU"},
		"a mobile number that lost its last digit":      {"8916123456", "RU"},
		"the same with 7":                               {"7916123456", "RU"},
		"a free number that lost its last digit":        {"8800555353", "RU"},
		"ten digits of Kazakhstan may lack one":         {"7012345678", "RU"},
		"one digit too many, Afghan with a plus sign":   {"93712345678", "RU"},
		"a number with something behind it":             {"916 123 45 67 12", "RU"},
		"a letter for a zero":                           {"8 9О6 123 45 67", "RU"},
		"a letter for the last zero":                    {"8916123456О", "RU"},
		"masked":                                        {"8916***4567", "RU"},
		"masked at its end":                             {"8916123456*", "RU"},
		"a town's number without its code":              {"123-45-67", "RU"},
		"the same in America":                           {"555-1212", "US"},
		"letters of the keypad":                         {"1-800-FLOWERS", "US"},
		"two numbers where one is asked for":            {"89000000001, 89000000002", "RU"},
		"one number and what may be another":            {"89000000001, 123", "RU"},
		"too many digits after +7":                      {"+7 900 000 00 01 2", "RU"},
		"an e-mail":                                     {"anna@mail.ru", "RU"},
		"an e-mail with a number for a name":            {"89000000001@mail.ru", "RU"},
		"a text":                                        {"нет", "RU"},
		"a plus sign":                                   {"+", "RU"},
		"empty":                                         {"", "RU"},
		"too short":                                     {"12", "RU"},
		"too short with a trunk prefix":                 {"89", "RU"},
		"more than any number has":                      {"1234567890123456789", "RU"},
		"no default country for national digits":        {"9000000001", ""},
		"a day and a time":                              {"01.02.2026 12:30", "RU"},
		"blanks that part into numbers in several ways": {"4951234567 4951234567 4951234567 4", "RU"},
	} {
		if got, ok := (phone.Parser{}).Parse(c.raw, c.country); ok {
			t.Errorf("%s: Parse(%q, %s) = %q, want none", name, c.raw, c.country, string(got))
		}
	}
}

type reading struct {
	numbers []string // with /extension
	rest    []string
}

func readAll(raw, country string) reading {
	numbers, rest := phone.Parser{}.ParseAll(raw, country)
	r := reading{rest: rest}
	for _, n := range numbers {
		text := string(n.Phone)
		if n.Extension != "" {
			text += "/" + n.Extension
		}
		r.numbers = append(r.numbers, text)
	}
	return r
}

func TestAFieldMayHoldSeveralNumbers(t *testing.T) {
	two := []string{"+79991112233", "+74951234567"}
	for _, c := range []struct {
		name, raw     string
		numbers, rest []string
	}{
		{"three with an extension", "+7 999 111-22-33, 8 (495) 123-45-67 доб. 12 / 9161234567", []string{"+79991112233", "+74951234567/12", "+79161234567"}, nil},
		{"semicolon", "89991112233;84951234567", two, nil},
		{"bar", "89991112233 | 84951234567", two, nil},
		{"line end", "89991112233\r\n84951234567", two, nil},
		{"slash", "89991112233/84951234567", two, nil},
		{"or in Russian", "89991112233 или 84951234567", two, nil},
		{"or in English", "89991112233 or 84951234567", two, nil},
		{"and", "89991112233 и 84951234567", two, nil},
		{"a blank", "89991112233 84951234567", two, nil},
		{"blanks in them, too", "8 999 111 22 33 8 495 123 45 67", two, nil},
		{"a dash between blanks", "8 (999) 111-22-33 - 8 (495) 123-45-67", two, nil},
		{"a plus sign begins a number", "+79991112233+74951234567", two, nil},
		{"a tab", "+7 999 111 22 33\t+7 495 123 45 67", two, nil},
		{"the same twice", "89991112233, +7 999 111-22-33", []string{"+79991112233", "+79991112233"}, nil},
		{"slashes within one", "8/999/111-22-33", two[:1], nil},
		{"last digits after a slash", "8 (495) 123-45-67/68", two[1:], []string{"68"}},
		{"who answers", "89991112233 Анна, 84951234567 (муж)", two, []string{"Анна", "муж"}},
		{"glued to a word", "Анна89991112233", two[:1], []string{"Анна"}},
		{"one that cannot be read", "89991112233, 8999111223", two[:1], []string{"8999111223"}},
		{"only one that cannot be read", " 12-34 Анна ", nil, []string{"12-34 Анна"}},
		{"no number", "нет", nil, []string{"нет"}},
		{"nothing", " \u00a0", nil, nil},
		{"too long for a list", strings.Repeat("89991112233 ", 60), nil, []string{strings.TrimSpace(strings.Repeat("89991112233 ", 60))}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(reading{c.numbers, c.rest}, readAll(c.raw, "RU"), cmp.AllowUnexported(reading{})); diff != "" {
				t.Errorf("ParseAll(%q) (-want +got):\n%s", c.raw, diff)
			}
		})
	}
}

func TestAnExtensionIsKeptApart(t *testing.T) {
	for _, c := range []struct {
		raw           string
		numbers, rest []string
	}{
		{"8 495 123-45-67 доб. 12", []string{"+74951234567/12"}, nil},
		{"8 495 123-45-67 доб12", []string{"+74951234567/12"}, nil},
		{"8 495 123-45-67доб.12", []string{"+74951234567/12"}, nil},
		{"8 495 123-45-67 (доб. 12)", []string{"+74951234567/12"}, nil},
		{"8 495 123-45-67, доб. номер 12", []string{"+74951234567/12"}, nil},
		{"8 495 123-45-67 добавочный 1234", []string{"+74951234567/1234"}, nil},
		{"8 495 123-45-67 вн. 12", []string{"+74951234567/12"}, nil},
		{"8 495 123-45-67 ext. 12", []string{"+74951234567/12"}, nil},
		{"8 495 123-45-67x12", []string{"+74951234567/12"}, nil},
		{"8 495 123-45-67 х 12", []string{"+74951234567/12"}, nil},
		{"8 495 123-45-67#12", []string{"+74951234567/12"}, nil},
		{"tel:+7-495-123-45-67;ext=12", []string{"+74951234567/12"}, nil},
		{"8 495 123-45-67 доб. 12 8 999 111-22-33", []string{"+74951234567/12", "+79991112233"}, nil},
		{"8 495 123-45-67 доб. 12, 13", []string{"+74951234567/12"}, []string{"13"}},
		{"8 495 123-45-67 доб.", []string{"+74951234567"}, nil},
		{"доб. 12", nil, []string{"доб. 12"}},
		{"8 495 123-45-67 доб. 89991112233", []string{"+74951234567", "+79991112233"}, nil},
	} {
		if diff := cmp.Diff(reading{c.numbers, c.rest}, readAll(c.raw, "RU"), cmp.AllowUnexported(reading{})); diff != "" {
			t.Errorf("ParseAll(%q) (-want +got):\n%s", c.raw, diff)
		}
	}
}

var sink []identity.PhoneNumber

func BenchmarkParseAll(b *testing.B) {
	for _, c := range []struct{ name, raw string }{
		{"home", "8 (916) 123-45-67"},
		{"neighbour", "+375 29 123-45-67"},
		{"library", "+44 20 7946 0018"},
		{"two with an extension", "8 916 123-45-67, 8 495 123-45-67 доб. 12"},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				sink, _ = phone.Parser{}.ParseAll(c.raw, "RU")
			}
		})
	}
}
