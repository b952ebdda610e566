package webhook_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/webhook"
)

// The whole JSON test suite is posted to each kind: stored bit for bit, answered,
// and nothing breaks.
func TestJSONTestSuiteIsStoredAndAnswered(t *testing.T) {
	dir := shared(t, "corpora", "json", "test_parsing")
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 318 {
		t.Fatalf("%d files, want 318", len(entries))
	}
	in := start(t, everyKind(t))
	for _, entry := range entries {
		body, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		for _, kind := range config.Kinds() {
			source := kind
			before := in.sink.count()
			got := in.send(t, "POST", "/in/"+source, string(body), "Content-Type", jsonType)
			if got.status != 200 && got.status != 400 && got.status != 422 {
				t.Errorf("%s to %s: status %d", entry.Name(), source, got.status)
			}
			if d := in.sink.last(t); in.sink.count() != before+1 || string(d.Body) != string(body) {
				t.Errorf("%s to %s: not stored as sent", entry.Name(), source)
			}
			if out := in.decodeLast(t); out.Failure != nil && out.Failure.Reason == webhook.ReasonPanic {
				t.Errorf("%s to %s: the decoder broke", entry.Name(), source)
			}
			if source == "json" && strings.HasPrefix(entry.Name(), "n_") && got.status == 200 {
				t.Errorf("%s is accepted", entry.Name())
			}
		}
	}
}

// everyKind configures one open source of each kind, named as its kind.
func everyKind(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("sources:\n")
	for _, kind := range config.Kinds() {
		b.WriteString("  - {name: " + kind + ", kind: " + kind + "}\n")
	}
	return b.String()
}

// Every naughty string comes through as a name, in both encodings.
func TestNaughtyStringsArriveAsSent(t *testing.T) {
	body, err := os.ReadFile(shared(t, "corpora", "blns.json"))
	if err != nil {
		t.Fatal(err)
	}
	var naughty []string
	if err := json.Unmarshal(body, &naughty); err != nil {
		t.Fatal(err)
	}
	if len(naughty) < 500 {
		t.Fatalf("%d strings", len(naughty))
	}
	cfg := parse(t, "sources: [{name: s, kind: form}]")
	d := webhook.Delivery{Method: "POST", ReceivedAt: received}
	d.Source, _ = cfg.SourceNamed("s")
	for _, text := range naughty {
		want := strings.TrimSpace(text)
		object, err := json.Marshal(map[string]string{"phone": "89000000001", "name": text})
		if err != nil {
			t.Fatal(err)
		}
		for contentType, body := range map[string]string{
			jsonType: string(object),
			formType: "phone=89000000001&name=" + percent(text),
		} {
			d.ContentType, d.Body = contentType, []byte(body)
			if got := one(t, webhook.Decode(cfg, d)); got.Client.Name != want {
				t.Errorf("%s: name %q, want %q", contentType, got.Client.Name, want)
			}
		}
	}
}

// percent encodes every byte, whatever it is.
func percent(text string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(text) {
		b.Write([]byte{'%', digits[text[i]>>4], digits[text[i]&15]})
	}
	return b.String()
}

// Bodies made to cost much are answered within a bound of time and memory. The
// bounds are wide: they catch what grows with the square of the body, or by some
// hundred times its size.
func TestHostileBodiesAreCheap(t *testing.T) {
	const size = 1 << 20
	for _, tt := range []struct{ name, kind, body string }{
		{"empty arrays", "json", "[" + strings.Repeat("[],", size/3) + "[]]"},
		{"empty objects", "json", "[" + strings.Repeat("{},", size/3) + "{}]"},
		{"brackets", "json", strings.Repeat("[", size)},
		{"quotes", "tilda", strings.Repeat(`"`, size)},
		{"backslashes", "json", `"` + strings.Repeat(`\\`, size/2)},
		{"ampersands", "form", strings.Repeat("&", size)},
		{"pairs", "form", strings.Repeat("a=1&", size/4)},
		{"one name", "form", "a" + strings.Repeat("[]", size/2) + "=1"},
		{"many lists", "form", strings.Repeat("a[]=1&", 9_999) + "phone=1"},
		{"many fields", "form", manyFields(9_999) + "phone=1"},
		{"parts", "form", strings.Repeat("--X\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n", size/60)},
		{"boundaries", "form", "--X form-data\r\n" + strings.Repeat("--X\r\n", size/5)},
		{"not UTF-8", "form", "phone=1&a=" + strings.Repeat("\xff", size)},
		{"one name many times", "form", `{"phone":"1","fields":[` + strings.Repeat(`{"name":"a","value":"x`+strings.Repeat("x", 150)+`"},{"name":"a","value":"y`+strings.Repeat("x", 150)+`"},`, 2_400) + `{"name":"b","value":"1"}]}`},
		{"lines", "form", "phone=1\n" + strings.Repeat("b\n", size/2)},
		{"escaped", "form", "%7B" + strings.Repeat("%22", size/3)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			began := time.Now()
			out := decode(t, tt.kind, "", "", tt.body)
			took := time.Since(began)
			runtime.ReadMemStats(&after)
			if out.Status == 0 {
				t.Error("no answer")
			}
			if allocated := after.TotalAlloc - before.TotalAlloc; took > 2*time.Second || allocated > 200<<20 {
				t.Errorf("took %v and %d MiB", took, allocated>>20)
			}
		})
	}
}

func manyFields(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("field" + strings.Repeat("x", i%7) + "=" + percent(string(rune('a'+i%26))) + "&")
	}
	return b.String()
}
