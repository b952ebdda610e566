package webhook_test

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/identity"
	"github.com/leadlake/leadlake/lib/identity/phone"
	"github.com/leadlake/leadlake/lib/webhook"
)

// manifestRow is what the manifest says of one sample of a foreign system.
type manifestRow struct {
	File        string            `json:"file"`
	Source      string            `json:"source"`
	Method      string            `json:"method"`
	ContentType string            `json:"content_type"`
	Headers     map[string]string `json:"headers"`
	Expect      struct {
		Event     string   `json:"event"`
		DedupKey  string   `json:"dedup_key"`
		DedupKeys []string `json:"dedup_keys"`
		EntityKey string   `json:"entity_key"`
		Fetch     string   `json:"fetch"`
		Person    *struct {
			Name   string            `json:"name"`
			Phones []string          `json:"phones"`
			Emails []string          `json:"emails"`
			IDs    map[string]string `json:"ids"`
		} `json:"person"`
		Attribution struct {
			UTM      map[string]string `json:"utm"`
			ClickIDs map[string]string `json:"click_ids"`
		} `json:"attribution"`
		Order *struct{ ID, Amount, Currency string } `json:"order"`
	} `json:"expect"`
	Respond struct {
		Body string `json:"body"`
	} `json:"respond"`
	body string
}

func manifestOf(t testing.TB, file string) manifestRow {
	t.Helper()
	text, err := os.ReadFile(shared(t, "webhook_samples", "MANIFEST.json"))
	if err != nil {
		t.Fatal(err)
	}
	var manifest struct{ Samples []json.RawMessage }
	if err := json.Unmarshal(text, &manifest); err != nil {
		t.Fatal(err)
	}
	for _, raw := range manifest.Samples {
		var of struct{ File string }
		if err := json.Unmarshal(raw, &of); err != nil {
			t.Fatal(err)
		}
		if of.File != file {
			continue
		}
		var row manifestRow
		if err := json.Unmarshal(raw, &row); err != nil {
			t.Fatal(err)
		}
		body, err := os.ReadFile(shared(t, "webhook_samples", file))
		if err != nil {
			t.Fatal(err)
		}
		row.body = string(body)
		return row
	}
	t.Fatalf("the manifest has no %s", file)
	return manifestRow{}
}

// headers are those of the row, as send wants them.
func (row manifestRow) headers() []string {
	list := []string{"Content-Type", row.ContentType}
	for _, name := range slices.Sorted(maps.Keys(row.Headers)) {
		list = append(list, name, row.Headers[name])
	}
	return list
}

// deliver sends a sample to the source named like its kind.
func (row manifestRow) deliver(t *testing.T, in *ingest) answer {
	t.Helper()
	return in.send(t, row.Method, "/in/"+row.Source, row.body, row.headers()...)
}

// matches compares the only event of a delivery with the row.
func (row manifestRow) matches(t *testing.T, out webhook.Decoded) event.Event {
	t.Helper()
	ev := one(t, out)
	want := row.Expect
	if kind := strings.NewReplacer("contact", "profile").Replace(want.Event); kind != "" && string(ev.Kind) != kind {
		t.Errorf("kind %q, want %q", ev.Kind, kind)
	}
	if out.DeliveryID != want.DedupKey || want.DedupKey != "" && (ev.ID != want.DedupKey || ev.DerivedID) {
		t.Errorf("delivery id %q, event id %q, want %q", out.DeliveryID, ev.ID, want.DedupKey)
	}
	if want.EntityKey != "" && ev.Entity != want.EntityKey {
		t.Errorf("entity %q, want %q", ev.Entity, want.EntityKey)
	}
	if p := want.Person; p != nil {
		var phones, emails []string
		for _, raw := range ev.Client.AllPhones() {
			number, _ := phone.Parser{}.Parse(raw, "RU")
			phones = append(phones, string(number))
		}
		for _, raw := range ev.Client.AllEmails() {
			address, _ := identity.ParseEmail(raw)
			emails = append(emails, string(address))
		}
		if ev.Client.Name != p.Name || !cmp.Equal(phones, p.Phones, cmpopts.EquateEmpty()) || !cmp.Equal(emails, p.Emails, cmpopts.EquateEmpty()) {
			t.Errorf("person %q %q %q, want %+v", ev.Client.Name, phones, emails, *p)
		}
		for system, id := range p.IDs {
			switch {
			case system == "site_user" && ev.Client.ExternalID == id, system == "loyalty_card" && ev.Client.CardNo == id:
			case slices.Contains(ev.Client.ExternalIDs, system+":"+id):
			default:
				t.Errorf("id %s of the person is missing", system)
			}
		}
	}
	a := ev.Attribution
	for key, value := range want.Attribution.UTM {
		got := map[string]string{"utm_source": a.UTMSource, "utm_medium": a.UTMMedium, "utm_campaign": a.UTMCampaign, "utm_content": a.UTMContent, "utm_term": a.UTMTerm}[key]
		if got != value {
			t.Errorf("%s = %q, want %q", key, got, value)
		}
	}
	if diff := cmp.Diff(want.Attribution.ClickIDs, a.ClickIDs, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("click ids: %s", diff)
	}
	if o := want.Order; o != nil && (ev.Order == nil || ev.Order.ID != o.ID || ev.Order.Total != o.Amount || ev.Order.Currency != o.Currency) {
		t.Errorf("order %+v, want %+v", ev.Order, *o)
	}
	return ev
}

// decodeDelivery runs one delivery to a source of the kind with more
// configuration.
func decodeDelivery(t testing.TB, kind, more string, d webhook.Delivery) webhook.Decoded {
	t.Helper()
	cfg, err := config.Parse([]byte("sources:\n  - {name: s, kind: " + kind + more + "}\n"))
	if err != nil {
		t.Fatal(err)
	}
	d.Source, _ = cfg.SourceNamed("s")
	d.ReceivedAt = received
	if d.Method == "" {
		d.Method = "POST"
	}
	if d.Header == nil {
		d.Header = map[string]string{}
	}
	return webhook.Decode(cfg, d)
}

// unblanked fails where a stored delivery holds a text.
func unblanked(t *testing.T, d webhook.Delivery, secrets ...string) {
	t.Helper()
	text, err := json.Marshal(struct {
		A any
		B string
	}{d.Header, d.Query + "\n" + d.Suffix + "\n" + string(d.Body)})
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range secrets {
		if strings.Contains(string(text), secret) {
			t.Errorf("the stored delivery holds a secret of %d letters", len(secret))
		}
	}
}
