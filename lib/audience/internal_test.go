package audience

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"github.com/leadlake/leadlake/lib/identity"
)

// The rules behind Write cannot be broken from outside, so these two look inside.

func TestSelfTestNoticesAChangedRule(t *testing.T) {
	for _, p := range Platforms() {
		if err := p.selfTest(); err != nil {
			t.Errorf("%s: %v", p.Key, err)
		}
		if !p.Human && len(p.known) == 0 {
			t.Errorf("%s has no known answer", p.Key)
		}
		for _, field := range p.Fields {
			if p.Hash == "" && field.Hash != "" {
				t.Errorf("%s hashes %s, its files do not", p.Key, field.Key)
			}
		}
	}
	for name, broken := range map[string]knownAnswer{
		"hash":   {"phone", "+79995551111", "79995551111", strings.Repeat("0", 64)},
		"form":   {"phone", "+79995551111", "+79995551111", SHA256.Sum("79995551111")},
		"field":  {"shoe_size", "42", "42", ""},
		"refuse": {"phone", "none", "", ""},
	} {
		p := yandex()
		p.known = append(p.known, broken)
		if err := p.selfTest(); !errors.Is(err, ErrSelfTest) {
			t.Errorf("%s: selfTest = %v, want ErrSelfTest", name, err)
		}
	}
}

func TestLimitsAreInclusive(t *testing.T) {
	p := vk()
	spec := p.layout(&Request{}).files[0]
	change := spec
	change.minRows = p.changeRows
	for _, c := range []struct {
		spec   fileSpec
		change Change
		rows   int
		want   string
	}{
		{spec, "", 0, RefusedNoRows},
		{spec, "", vkMinRows - 1, RefusedTooSmall},
		{spec, "", vkMinRows, ""},
		{spec, "", vkMaxRows + 1, ""}, // goes on in a second part
		{change, Remove, 0, RefusedNoRows},
		{change, Remove, 24, RefusedTooSmall},
		{change, Remove, 25, ""},
	} {
		got := ""
		if refused := refuse(&p, &c.spec, c.change, c.rows); refused != nil {
			got = refused.Reason
		}
		if got != c.want {
			t.Errorf("refuse(%q, %d rows) = %q, want %q", c.change, c.rows, got, c.want)
		}
	}
}

// Every length of a list gives parts within the limits that hold all rows in
// their order.
func TestPartsKeepToBothLimits(t *testing.T) {
	for _, limits := range []struct {
		least, most int
		bytes       int64
	}{{1, 7, 0}, {3, 10, 0}, {5, 9, 0}, {4, 8, 0}, {1, 0, 64}, {3, 0, 9000}, {2, 6, 9000}} {
		for n := range 60 {
			var made []*memory
			w := &writer{platform: &Platform{}, req: &Request{}, heads: [][]byte{[]byte("head\n")}}
			w.create = func(name string) (Output, error) {
				made = append(made, &memory{name: name})
				return made[len(made)-1], nil
			}
			f := &planned{w: w, spec: &fileSpec{name: "list.csv", minRows: limits.least, maxRows: limits.most, maxBytes: limits.bytes}}
			var want, got strings.Builder
			for i := range n {
				line := fmt.Sprintf("row %03d\n", i)
				if limits.bytes > 1000 {
					line = strings.Repeat("x", 900) + line
				}
				want.WriteString(line)
				if err := f.take([]byte(line)); err != nil {
					t.Fatal(err)
				}
			}
			if err := f.finish(); err != nil {
				t.Fatal(err)
			}
			if n < limits.least {
				if len(made) > 0 || f.refusal == nil {
					t.Errorf("%+v, %d rows: %d files begun, refusal %v", limits, n, len(made), f.refusal)
				}
				continue
			}
			total := 0
			for i, file := range made {
				text := string(file.bytes)
				rows := strings.Count(text, "\n") - 1
				total += rows
				if f.parts[i].name != file.name || f.parts[i].rows != rows || f.parts[i].size != int64(len(text)) || f.parts[i].digest != SHA256.Sum(text) {
					t.Errorf("%+v, %d rows: part %d is said to have %d rows, %d bytes", limits, n, i, f.parts[i].rows, f.parts[i].size)
				}
				if rows < limits.least || limits.most > 0 && rows > limits.most || limits.bytes > 0 && int64(len(text)) > limits.bytes {
					t.Errorf("%+v, %d rows: part %d has %d rows, %d bytes", limits, n, i, rows, len(text))
				}
				body, ok := strings.CutPrefix(text, "head\n")
				if !ok {
					t.Errorf("%+v, %d rows: part %d has no header", limits, n, i)
				}
				got.WriteString(body)
			}
			if got.String() != want.String() || total != n || f.rows != n {
				t.Errorf("%+v, %d rows: %d come back", limits, n, total)
			}
		}
	}
}

type memory struct {
	name  string
	bytes []byte
}

func (m *memory) Write(b []byte) (int, error) { m.bytes = append(m.bytes, b...); return len(b), nil }
func (m *memory) Commit() error               { return nil }
func (m *memory) Discard()                    {}

func TestSeenKeepsEveryKeyOnce(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	set, model := &seen{}, map[uint64]bool{}
	for range 300_000 {
		key := random.Uint64() & (0xffc0<<48 | 0x1ffff) // many repeats, crowded shards
		if got := set.add(key); got == model[key] {
			t.Fatalf("add(%x) = %t, there before: %t", key, got, model[key])
		}
		model[key] = true
	}
	if !set.add(1<<50) || set.add(1<<50) {
		t.Error("a key whose entry is zero is not kept")
	}
}

// Keys that differ only in the bits of shard and entry are told apart.
func TestRowsWithTheSameCellsInOtherPlacesDiffer(t *testing.T) {
	keys := map[uint64]string{}
	f := format{separator: ','}
	for _, hashed := range []bool{false, true} {
		clear(keys)
		for name, row := range map[string][]cell{
			"ab,":  {{text: "ab", hash: MD5}, {}},
			",ab":  {{}, {text: "ab", hash: MD5}},
			"a,b":  {{text: "a", hash: MD5}, {text: "b", hash: MD5}},
			"b,a":  {{text: "b", hash: MD5}, {text: "a", hash: MD5}},
			"ab":   {{text: "ab", hash: MD5}},
			"ab,,": {{text: "ab", hash: MD5}, {}, {}},
		} {
			_, key := f.appendRow(nil, row, hashed)
			if other, there := keys[key]; there {
				t.Errorf("rows %s and %s have one key", name, other)
			}
			keys[key] = name
		}
		_, one := f.appendRow(nil, []cell{{text: "a"}, {text: "p1", aside: true}}, hashed)
		_, two := f.appendRow(nil, []cell{{text: "a"}, {text: "p2", aside: true}}, hashed)
		if one != two {
			t.Error("a cell set aside makes another row")
		}
	}
}

func TestShortcutOfEmailsEqualsTheRules(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	const signs = "abz09._-+@@..AЖ x"
	letters := []rune(signs)
	taken := 0
	for range 400_000 {
		text := make([]rune, 4+random.IntN(14))
		for i := range text {
			text[i] = letters[random.IntN(len(letters))]
		}
		address := string(text)
		if random.IntN(2) == 0 {
			address = strings.ReplaceAll(strings.ToLower(address), "@", "") + "@" + []string{"ab.ru", "a.b", "x.12", "a-b.com", "xn--p1ai.ru", "xn-a.ru", "-a.ru", "a-.ru", "a.1-2", "a.b-", "a--b.ru", ".ru", "a..ru", "ab.c0"}[random.IntN(14)]
		}
		if !normalASCII(address) {
			continue
		}
		taken++
		if normal, ok := identity.ParseEmail(address); !ok || string(normal) != address {
			t.Fatalf("the shortcut takes %q, the rules do not as it is", address)
		}
	}
	if taken < 5_000 {
		t.Fatalf("the shortcut took %d addresses, too few to compare", taken)
	}
	for _, long := range []string{strings.Repeat("a", 64) + "@ab.ru", strings.Repeat("a", 65) + "@ab.ru", "a@" + strings.Repeat("b", 63) + ".ru", "a@" + strings.Repeat("b", 64) + ".ru"} {
		if _, ok := identity.ParseEmail(long); normalASCII(long) != ok {
			t.Errorf("an address of %d bytes: shortcut %t, rules %t", len(long), normalASCII(long), ok)
		}
	}
}

func TestHexEqualsTheLibrary(t *testing.T) {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	if got := string(appendHex([]byte("x"), all)); got != "x"+hex.EncodeToString(all) {
		t.Errorf("appendHex = %s", got)
	}
}

// Names of countries are Unicode's; here they are read from its tables again.
func TestCountryNamesAreThoseOfUnicode(t *testing.T) {
	names := display.English.Regions()
	checked := 0
	for entry := range strings.FieldsSeq(countryCodes) {
		name, code, ok := strings.Cut(entry, "=")
		region, err := language.ParseRegion(strings.ToUpper(code))
		if !ok || err != nil || !region.IsCountry() || len(code) != 2 || latin(name) != name {
			t.Errorf("entry %s is no country", entry)
			continue
		}
		if full := latin(strings.ToLower(names.Name(region))); strings.HasPrefix(full, name) {
			checked++
		}
	}
	if checked < 230 {
		t.Errorf("%d names are those of Unicode, want nearly all", checked)
	}
}
