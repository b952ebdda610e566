package portal

import (
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func mustLocale(t *testing.T, code string) *locale {
	t.Helper()
	l, err := newLocale(code)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// visible writes the spaces that look alike by their names.
func visible(s string) string {
	return strings.NewReplacer("\u202f", "_", "\u00a0", "~").Replace(s)
}

func TestNumbersAreWrittenAsTheLanguageDoes(t *testing.T) {
	ru, en := mustLocale(t, "ru"), mustLocale(t, "en")
	short := func(l *locale, currency string, minor int64) string {
		s, err := l.short(currency, minor)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	day := func(l *locale, s string) string {
		d, err := l.day(s)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	for _, c := range []struct{ name, got, want string }{
		{"kopecks", ru.exact("RUB", 123456789), "1_234_567,89~₽"},
		{"kopecks in English", en.exact("RUB", 123456789), "1,234,567.89~₽"},
		{"dollars", en.exact("USD", -123456), "-$1,234.56"},
		{"less than nothing", ru.exact("RUB", -5), "-0,05~₽"},
		{"no minor unit", ru.exact("JPY", 1234), "1_234~JPY"},
		{"three places", en.exact("KWD", 1234567), "1,234.567~KWD"},
		{"whole units round half away", ru.money("RUB", 150), "2~₽"},
		{"below half", ru.money("RUB", 149), "1~₽"},
		{"negative half", ru.money("RUB", -150), "-2~₽"},
		{"millions", short(ru, "RUB", 4_100_000_00), "4,1~млн~₽"},
		{"millions in English", short(en, "RUB", 4_100_000_00), "4.1~M~₽"},
		{"just below a million", short(ru, "RUB", 999_499_00), "999_499~₽"},
		{"what rounds to a million", short(ru, "RUB", 999_500_00), "1~млн~₽"},
		{"billions", short(ru, "RUB", 2_350_000_000_00), "2,4~млрд~₽"},
		{"a share", ru.share(0.125), "12,5_%"},
		{"a share in English", en.share(0.125), "12.5%"},
		{"a tiny share is not nothing", ru.share(0.0001), "<~0,1_%"},
		{"nothing", ru.share(0), "0_%"},
		{"grouping", ru.number(1204), "1_204"},
		{"a day", day(ru, "2026-11-21"), "21~ноября~2026"},
		{"a day in English", day(en, "2026-11-01"), "1~Nov~2026"},
		{"no day", day(ru, "unknown"), "unknown"},
	} {
		if got := visible(c.got); got != c.want {
			t.Errorf("%s = %q, want %q", c.name, got, c.want)
		}
	}
}

func TestPluralForms(t *testing.T) {
	ru, en := mustLocale(t, "ru"), mustLocale(t, "en")
	for n, want := range map[int64][2]string{
		0: {"0~клиентов", "0~clients"}, 1: {"1~клиент", "1~client"}, 2: {"2~клиента", "2~clients"}, 5: {"5~клиентов", "5~clients"},
		11: {"11~клиентов", "11~clients"}, 21: {"21~клиент", "21~clients"}, 112: {"112~клиентов", "112~clients"}, 1004: {"1_004~клиента", "1,004~clients"},
		3_000_000_001: {"3_000_000_001~клиент", "3,000,000,001~clients"},
	} {
		for i, l := range []*locale{ru, en} {
			got, err := l.say("clients.count", "n", n)
			if err != nil || visible(got) != want[i] {
				t.Errorf("%d in %s = %q, %v, want %q", n, l.code, visible(got), err, want[i])
			}
		}
	}
	got, err := ru.say("overview.answer.silent", "silent", int64(1204), "buyers", int64(8310), "money", "4,1 млн ₽")
	if want := "1_204 из 8_310~покупателей молчат больше года; раньше они потратили 4,1 млн ₽"; err != nil || visible(got) != want {
		t.Errorf("the opening sentence = %q, %v", visible(got), err)
	}
}

func TestCataloguesHaveTheSameKeysAndPlaces(t *testing.T) {
	places := func(l *locale) map[string][]string {
		out := map[string][]string{}
		for key, m := range l.catalogue.messages {
			names := map[string]bool{}
			for _, p := range m {
				if p.name != "" {
					names[p.name] = true
				}
			}
			out[key] = slices.Sorted(maps.Keys(names))
			if len(m) == 0 {
				t.Errorf("%s: %s is empty", l.code, key)
			}
		}
		return out
	}
	if diff := cmp.Diff(places(mustLocale(t, "ru")), places(mustLocale(t, "en"))); diff != "" {
		t.Errorf("Russian against English (-ru +en):\n%s", diff)
	}
}

// Every key that templates and code name is there, and every key there is named.
func TestCatalogueIsUsedWhole(t *testing.T) {
	l := mustLocale(t, "ru")
	var prefixes []string
	used := map[string]bool{}
	inTemplate := regexp.MustCompile(`\bt "([a-z_.0-9]+)"`)
	built := regexp.MustCompile(`\bt \(print "([a-z_.]+\.)" [^)]*?(?:"(\.[a-z]+)")?\)`)
	files, err := fs.Glob(templates, "templates/*.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		b, err := templates.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range inTemplate.FindAllStringSubmatch(string(b), -1) {
			used[m[1]] = true
			if l.catalogue.messages[m[1]] == nil {
				t.Errorf("%s says %q, which the catalogue lacks", name, m[1])
			}
		}
		for _, m := range built.FindAllStringSubmatch(string(b), -1) {
			prefixes = append(prefixes, m[1])
		}
	}
	code := regexp.MustCompile(`"([a-z_]+(?:\.[a-z_]+)*)"`)
	for _, name := range sources(t) {
		for _, m := range code.FindAllStringSubmatch(name, -1) {
			used[m[1]] = true
		}
	}
	// Built in Go from a known set of ends.
	prefixes = append(prefixes, "month.", "card.", "error.", "abc.answer.", "rfm.only.", "range.", "segments.family.", "purpose.")
	for key := range l.catalogue.messages {
		if !used[key] && !slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(key, p) }) {
			t.Errorf("%q is in the catalogue and nowhere else", key)
		}
	}
}

func TestMissingWordsAreFaults(t *testing.T) {
	l := mustLocale(t, "en")
	for name, args := range map[string][]any{"no value": nil, "another value": {"m", 1}, "text where a number decides the form": {"n", "x"}} {
		if got, err := l.say("clients.count", args...); err == nil {
			t.Errorf("%s: %q and no error", name, got)
		}
	}
	if got, err := l.say("no.such.key"); err == nil {
		t.Errorf("a missing key gives %q", got)
	}
	for name, text := range map[string]string{"an open place": "{n", "three forms in English": "{n:a|b|c}"} {
		if _, err := l.catalogue.parse(text); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}
