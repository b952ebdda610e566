package pipeline_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/net/http/httpguts"

	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/schema"
)

// hostile is the JSON test suite and the list of naughty strings.
func hostile(t *testing.T) []string {
	t.Helper()
	root := filepath.Join("..", "..", "..", "shared", "corpora")
	entries, err := os.ReadDir(filepath.Join(root, "json", "test_parsing"))
	if os.IsNotExist(err) {
		t.Skip("SKIPPED, NOT PROVEN: the corpora beside the project are absent")
	}
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, entry := range entries {
		body, err := os.ReadFile(filepath.Join(root, "json", "test_parsing", entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(body))
	}
	text, err := os.ReadFile(filepath.Join(root, "blns.json"))
	if err != nil {
		t.Fatal(err)
	}
	var naughty []string
	if err := json.Unmarshal(text, &naughty); err != nil {
		t.Fatal(err)
	}
	if len(all) != 318 || len(naughty) != 515 {
		t.Fatalf("%d documents and %d strings, want 318 and 515", len(all), len(naughty))
	}
	return append(all, naughty...)
}

// percent encodes every byte for a form.
func percent(text string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(text) {
		b.Write([]byte{'%', digits[text[i]>>4], digits[text[i]&15]})
	}
	return b.String()
}

// Whatever comes as a body, a value, an id or a name is answered, can be got back
// bit for bit, and is either an event or a failed delivery with its bytes.
func TestHostileBytesCanBeGotBackBitForBit(t *testing.T) {
	w := newWorld(t)
	server := httptest.NewServer(w.in)
	defer server.Close()
	sent := map[string]string{} // body → source
	for _, text := range hostile(t) {
		quoted, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, body := range []string{
			text,
			`{"kind": "lead", "client": {"phone": "89000000001", "name": ` + string(quoted) + `}}`,
			`{"kind": "lead", "id": ` + string(quoted) + `, "client": {"phone": "89000000001"}}`,
			`{"kind": "lead", "client": {"phone": "89000000001", "external_id": ` + string(quoted) + `}, "interests": [` + string(quoted) + `]}`,
			`{"kind": "lead", "client": {"phone": "89000000001"}, "x": ` + text + `}`,
			`{"kind": ` + string(quoted) + `, "client": {"phone": "89000000001"}}`,
		} {
			sent[body] = "till"
		}
		for _, body := range []string{
			"phone=89000000001&name=" + percent(text), "phone=89000000001&" + percent(text) + "=1", "phone=" + percent(text), "name=" + text + "&phone=89000000001",
		} {
			sent[body] = "site"
		}
	}
	for body, source := range sent {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/in/"+source, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", map[string]string{"till": "application/json", "site": "application/x-www-form-urlencoded"}[source])
		answer, err := server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusOK && (answer.StatusCode < 400 || answer.StatusCode > 499) {
			t.Errorf("%s answered %d to %.60q", source, answer.StatusCode, body)
		}
	}

	// As the name of a source nothing of it exists, as a header it changes nothing.
	for _, text := range hostile(t) {
		for path, want := range map[string]int{"/in/" + url.PathEscape("no-"+text): http.StatusNotFound, "/in/site": http.StatusOK} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+path, strings.NewReader("phone=89000000002"))
			if err != nil {
				t.Fatal(err)
			}
			if httpguts.ValidHeaderFieldValue(text) {
				r.Header.Set("User-Agent", text)
				r.Header.Set("Content-Type", text)
			}
			answer, err := server.Client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			_ = answer.Body.Close()
			if answer.StatusCode != want {
				t.Errorf("%s answered %d, want %d", path, answer.StatusCode, want)
			}
		}
	}

	raw := map[string]string{} // object → body: each delivery is an object of its own here
	for key := range w.objects(lake.RawPrefix) {
		for _, row := range table[schema.RawRow](w, key) {
			raw[strings.TrimPrefix(key, "raw/")] = string(row.Body)
			delete(sent, string(row.Body))
		}
	}
	for body, source := range sent {
		t.Errorf("sent to %s and not in raw: %.60q", source, body)
	}

	w.compact()
	failed, events := map[string]string{}, map[string]bool{}
	for key := range w.objects(lake.FailedPrefix) {
		for _, row := range table[schema.FailedRow](w, key) {
			failed[row.RawObject] = string(row.Body)
		}
	}
	for key := range w.objects(lake.EventsPrefix) {
		for _, row := range table[schema.EventRow](w, key) {
			events[row.EventID] = true
		}
	}
	lines := 0
	for key := range w.objects(lake.DeliveriesPrefix) {
		for _, row := range table[schema.DeliveryRow](w, key) {
			lines++
			switch row.Outcome {
			case schema.OutcomeFailed:
				if body, ok := failed[row.RawObject]; !ok || body != raw[row.RawObject] {
					t.Errorf("a failed delivery (%s) lost its bytes", row.Reason)
				}
				if row.Reason == "decoder_panic" {
					t.Errorf("the decoder broke on %.60q", raw[row.RawObject])
				}
			case schema.OutcomeEvents:
				for _, id := range row.EventIDs {
					if !events[id] {
						t.Errorf("the ledger names an event that is not there: %.60q", id)
					}
				}
			case schema.OutcomeDuplicate, schema.OutcomePing:
			default:
				t.Errorf("outcome %q", row.Outcome)
			}
		}
	}
	if lines != len(raw) {
		t.Errorf("%d ledger lines for %d deliveries", lines, len(raw))
	}
}
