package event_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/leadlake/leadlake/lib/event"
)

func TestParseJSONRefusesWhatIsAmbiguous(t *testing.T) {
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for _, tt := range []struct {
		name, body string
		want       error // nil: accepted
	}{
		{"object", `{"a":1}`, nil},
		{"byte order mark", "\xef\xbb\xbf{}", nil},
		{"duplicate key", `{"a":1,"a":2}`, event.ErrDuplicate},
		{"case-variant key", `{"phone":"1","PHONE":"2"}`, event.ErrDuplicate},
		{"case-variant Cyrillic key", `{"имя":"1","Имя":"2"}`, event.ErrDuplicate},
		{"escaped duplicate", `{"a":1,"\u0061":2}`, event.ErrDuplicate},
		{"duplicate below", `{"a":[{"b":1,"b":2}]}`, event.ErrDuplicate},
		{"one key in two objects", `[{"a":1},{"a":2}]`, nil},
		{"64 levels", deep(64), nil},
		{"65 levels", deep(65), event.ErrTooDeep},
		{"100,000 levels", strings.Repeat("[", 100_000), event.ErrTooDeep},
		{"brackets in a text", `"` + strings.Repeat("[", 100) + `"`, nil},
		{"10,000 keys", keys(10_000), nil},
		{"10,001 keys", keys(10_001), event.ErrTooMany},
		{"10,001 keys in one event of a batch", "[{}," + keys(10_001) + "]", event.ErrTooMany},
		{"10,000 keys in each event of a batch", "[" + keys(10_000) + "," + keys(10_000) + "]", nil},
		{"10,001 elements inside an event", `{"a":[` + strings.Repeat("0,", 10_000) + "0]}", event.ErrTooMany},
		{"10,001 elements inside an event of a batch", `[{"a":[` + strings.Repeat("0,", 10_000) + "0]}]", event.ErrTooMany},
		{"50,000 events", "[" + strings.Repeat("{},", 49_999) + "{}]", nil},
		{"50,001 events", "[" + strings.Repeat("{},", 50_000) + "{}]", event.ErrTooMany},
		{"50,001 lines", strings.Repeat("{}\n", 50_001), event.ErrTooMany},
		{"empty", "", event.ErrMalformed},
		{"blank", " \n", event.ErrMalformed},
		{"cut", `{"a":`, event.ErrMalformed},
		{"two commas", `[1,,2]`, event.ErrMalformed},
		{"bad second line", "{}\n{", event.ErrMalformed},
		{"not UTF-8", "{\"a\":\"\xff\"}", event.ErrNotUTF8},
		{"not UTF-8 is malformed too", "\xff", event.ErrMalformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := event.ParseJSON([]byte(tt.body))
			if !errors.Is(err, tt.want) || tt.want == nil && err != nil {
				t.Errorf("ParseJSON = %v, want %v", err, tt.want)
			}
			var fault *event.JSONError
			if err != nil && !errors.As(err, &fault) {
				t.Errorf("error of type %T", err)
			}
		})
	}
}

func keys(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(`,"k` + strconv.Itoa(i) + `":0`)
	}
	return "{" + b.String()[1:] + "}"
}

// The systems of others send keys that differ in case alone; the same key twice
// stays ambiguous.
func TestParseForeignJSONTakesKeysThatDifferInCase(t *testing.T) {
	for _, tc := range []struct {
		body string
		want error
	}{
		{`{"callerName": "a", "callername": "b"}`, nil},
		{`{"a": 1, "a": 2}`, event.ErrDuplicate},
		{`{"a": {"B": 1, "b": 2, "B": 3}}`, event.ErrDuplicate},
		{"{" + strings.Repeat(`"k": 1, "K": 1, "l": 1, "L": 1, `, 1) + manyKeys(40) + "}", nil},
		{"{" + manyKeys(40) + `, "key7": 1}`, event.ErrDuplicate},
		{"{" + manyKeys(40) + `, "KEY7": 1}`, nil},
		{`{"a": 1`, event.ErrMalformed},
	} {
		values, err := event.ParseForeignJSON([]byte(tc.body))
		if !errors.Is(err, tc.want) || err == nil && len(values) != 1 {
			t.Errorf("%.60s: %v, want %v", tc.body, err, tc.want)
		}
		if _, err := event.ParseJSON([]byte(tc.body)); tc.want == nil && !errors.Is(err, event.ErrDuplicate) {
			t.Errorf("%.60s: our own form takes it: %v", tc.body, err)
		}
	}
}

func manyKeys(n int) string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = `"key` + strconv.Itoa(i) + `": 1`
	}
	return strings.Join(keys, ", ")
}

func TestParseJSONLosesNothing(t *testing.T) {
	const body = `{"big":9007199254740993,"money":8270.10,"text":"\u0000ё\"","list":[true,null,{"b":1,"a":2}]}`
	values, err := event.ParseJSON([]byte(body))
	if err != nil || len(values) != 1 {
		t.Fatal(values, err)
	}
	if got := values[0].JSON(); got != body {
		t.Errorf("JSON() = %s, want %s", got, body)
	}
	lines, err := event.ParseJSON([]byte("{\"a\":1}\n\n{\"a\":2}\r\n[3]"))
	if err != nil || len(lines) != 3 || lines[1].Get("a").Text != "2" || lines[2].Items[0].Text != "3" {
		t.Errorf("lines %v, %v", lines, err)
	}
	if v := values[0].Get("missing"); v.Type != event.Null {
		t.Errorf("a missing member is %v", v.Type)
	}
}

func TestJSONErrorSaysWhere(t *testing.T) {
	for _, tt := range []struct {
		body, path string
		offset     int64
	}{
		{`{"a":{"b":1,"b":2}}`, "a.b", 15},
		{`{"a":nul}`, "a", 5},
		{"{\"a\":1}\n{\"b\":2,\"b\":3}", "b", 18},
		{`[1,2`, "[1]", 4},
	} {
		_, err := event.ParseJSON([]byte(tt.body))
		var fault *event.JSONError
		if !errors.As(err, &fault) || fault.Path != tt.path || fault.Offset != tt.offset {
			t.Errorf("%s: %+v, want path %q at %d", tt.body, fault, tt.path, tt.offset)
		}
	}
}

func TestPathsNeverQuoteWhatMayBePersonal(t *testing.T) {
	for _, tt := range []struct{ key, want string }{
		{"total", "order.total"},
		{"utm_source", "order.utm_source"},
		{"+79000000001", "order.?12"},
		{"a@b.ru", "order.?6"},
		{"Иван", "order.?8"},
	} {
		if got := event.Join("order", tt.key); got != tt.want {
			t.Errorf("Join(order, %q) = %q, want %q", tt.key, got, tt.want)
		}
	}
}

// corpus is Nicolas Seriot's JSONTestSuite, in the shared folder beside the
// project: y_ must be accepted, n_ refused, i_ is left to the parser.
func corpus(t testing.TB) map[string][]byte {
	t.Helper()
	dir := filepath.Join("..", "..", "..", "shared", "corpora", "json", "test_parsing")
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Skip("SKIPPED, NOT PROVEN: the shared corpus corpora/json/test_parsing is absent")
	}
	files := make(map[string][]byte, len(entries))
	for _, entry := range entries {
		body, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[entry.Name()] = body
	}
	return files
}

func TestParseJSONAgreesWithTheTestSuite(t *testing.T) {
	files := corpus(t)
	if len(files) != 318 {
		t.Fatalf("%d files in the corpus, want 318", len(files))
	}
	for name, body := range files {
		values, err := event.ParseJSON(body)
		switch {
		case name[0] == 'y' && err != nil:
			// Valid JSON that is refused on purpose, since its readers disagree.
			if !errors.Is(err, event.ErrDuplicate) || !strings.Contains(name, "duplicated_key") {
				t.Errorf("%s is refused: %v", name, err)
			}
		case name[0] == 'n' && err == nil:
			// Several values in a row are no JSON text, but they are NDJSON.
			if len(values) < 2 {
				t.Errorf("%s is accepted as %d values", name, len(values))
			}
		case name[0] == 'i' && err == nil && !json.Valid(body) && name != "i_structure_UTF-8_BOM_empty_object.json":
			t.Errorf("%s is accepted, encoding/json refuses it", name)
		}
		for _, v := range values {
			event.FromJSON(v, "", event.Defaults{Currency: "RUB"})
		}
	}
}

func FuzzParseJSON(f *testing.F) {
	for _, body := range []string{`{"a":1}`, "[1]\n2", `{"kind":"order","order":{"id":1,"items":[{"price":"1.5"}]}}`, "\xef\xbb\xbf{}", `"\ud800"`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		values, err := event.ParseJSON(body)
		// The standard decoder is the judge of the grammar.
		plain := bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
		if valid := json.Valid(plain); valid && utf8.Valid(plain) && errors.Is(err, event.ErrMalformed) {
			t.Fatal("refused, encoding/json accepts it")
		} else if !valid && err == nil && len(values) == 1 {
			t.Fatal("accepted, encoding/json refuses it")
		}
		if err == nil && len(values) == 1 && values[0].Type == event.String {
			var want string
			if err := json.Unmarshal(plain, &want); err != nil || want != values[0].Text {
				t.Fatalf("string %q, encoding/json reads %q, %v", values[0].Text, want, err)
			}
		}
		if err != nil {
			var fault *event.JSONError
			if !errors.As(err, &fault) || fault.Offset < 0 || fault.Offset > int64(len(body)) {
				t.Fatalf("error %v", err)
			}
			return
		}
		for _, v := range values {
			text := v.JSON()
			again, err := event.ParseJSON([]byte(text))
			if err != nil || len(again) != 1 || again[0].JSON() != text {
				t.Fatalf("%s does not come back: %v", text, err)
			}
			ev, faults := event.FromJSON(v, "", event.Defaults{Currency: "RUB"})
			if len(faults) > 0 {
				continue
			}
			body, err := json.Marshal(ev)
			if err != nil {
				t.Fatal(err)
			}
			back, err := event.ParseJSON(body)
			if err != nil {
				t.Fatalf("our own JSON is refused: %v", err)
			}
			if _, faults := event.FromJSON(back[0], "", event.Defaults{Currency: "RUB"}); len(faults) > 0 {
				t.Fatalf("our own event is refused: %v", faults[0])
			}
		}
	})
}
