package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leadlake/leadlake/lib/event"
)

func decodeOutput(t *testing.T, o outcome) decodeResult {
	t.Helper()
	if o.status != exitDone {
		t.Fatalf("status %d: %s", o.status, o.stderr)
	}
	// Events are read by their keys: times and flat click ids have forms of their own.
	var result struct {
		decodeResult

		Events []json.RawMessage `json:"events"`
	}
	if err := json.Unmarshal([]byte(o.stdout), &result); err != nil {
		t.Fatalf("%v in %s", err, o.stdout)
	}
	for i, raw := range result.Events {
		values, err := event.ParseJSON(raw)
		if err != nil || len(values) != 1 {
			t.Fatalf("event %d: %d values, %v", i, len(values), err)
		}
		ev, faults := event.FromJSON(values[0], "", event.Defaults{Currency: "RUB"})
		if len(faults) > 0 {
			t.Fatalf("event %d is no native event: %v", i, faults[0])
		}
		result.decodeResult.Events = append(result.decodeResult.Events, ev)
	}
	return result.decodeResult
}

func TestDecodeTellsEventReplyAndID(t *testing.T) {
	body := "Name=Anna&Phone=8+(999)+555-11-11&Email=Anna%40Shop.Example&tranid=1%3A2&formid=form3"
	got := decodeOutput(t, callProgram(t, body, "decode", "-content-type", "application/x-www-form-urlencoded", "tilda"))
	if got.Status != 200 || got.Reply.Body != "ok" || got.Ping || got.Failed != nil || got.DeliveryID == "" {
		t.Errorf("result = %+v, want 200 ok with a delivery id", got)
	}
	if len(got.Events) != 1 || got.Events[0].Kind != event.Lead || got.Events[0].Client.Phone != "+79995551111" || got.Events[0].Client.Email != "anna@shop.example" {
		t.Errorf("events = %+v, want one lead with normal forms", got.Events)
	}
}

func TestDecodeFlagsAfterTheKindAndFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "body.json")
	if err := os.WriteFile(file, []byte(`{"id":"e1","kind":"lead","client":{"phone":"89995551111"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	got := decodeOutput(t, callProgram(t, "", "decode", "json", file, "-header", "X-Any=1"))
	if len(got.Events) != 1 || got.Events[0].ID != "e1" || got.Reply.Headers["Content-Type"] != "application/json" {
		t.Errorf("result = %+v, want event e1", got)
	}
}

func TestDecodeListsEveryFault(t *testing.T) {
	got := decodeOutput(t, callProgram(t, `{"kind":"order","order":{"total":"many"},"at":"soon"}`, "decode", "json"))
	if got.Status != 422 || got.Failed == nil || got.Failed.Reason != "invalid_event" || len(got.Failed.Faults) < 2 || len(got.Events) != 0 {
		t.Errorf("result = %+v, want 422 with the faults", got)
	}
	if strings.Contains(callProgram(t, `{"kind":"order","order":{"total":"many"}}`, "decode", "json").stdout, "many") {
		t.Error("a fault repeats the value")
	}
}

func TestDecodeUsesTheConfiguredSource(t *testing.T) {
	file := filepath.Join(t.TempDir(), "shop.yaml")
	text := "sources:\n  - {name: site, kind: form, map: {city: town}, consents: [{purpose: ads, always: true}]}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got := decodeOutput(t, callProgram(t, "phone=89995551111&town=Tver", "decode", "-config", file, "-source", "site", "form"))
	if len(got.Events) != 1 || got.Events[0].Client.City != "Tver" || len(got.Events[0].Consents) != 1 || got.Events[0].Consents[0].Purpose != "ads" {
		t.Errorf("events = %+v, want the mapped city and the consent", got.Events)
	}
	for _, args := range [][]string{
		{"decode", "-config", file, "-source", "shop", "form"},
		{"decode", "-config", file, "-source", "site", "json"},
		{"decode", "smoke-signal"},
		{"decode"},
	} {
		if o := callProgram(t, "", args...); o.status != exitUsage {
			t.Errorf("%v: %+v, want wrong use", args, o)
		}
	}
	if o := callProgram(t, "", "decode", "smoke-signal"); !strings.Contains(o.stderr, "tilda") {
		t.Errorf("the error %q does not list the kinds", o.stderr)
	}
}

// The samples of senders lie beside the project; the names of the catalogue for a
// site's own forms are understood.
func TestDecodeOfSamples(t *testing.T) {
	folder := filepath.Join("..", "..", "..", "shared", "webhook_samples")
	if _, err := os.Stat(folder); err != nil {
		t.Skipf("SKIPPED LOUDLY: the samples are not beside the project: %v", err)
	}
	for _, test := range []struct {
		file, kind, contentType string
		want                    event.Kind // empty: a ping
	}{
		{"tilda-lead.form", "tilda", "application/x-www-form-urlencoded", event.Lead},
		{"tilda-order.form", "tilda", "application/x-www-form-urlencoded", event.OrderChange},
		{"tilda-test.form", "tilda", "application/x-www-form-urlencoded", ""},
		{"site-form.form", "site-form", "application/x-www-form-urlencoded;charset=UTF-8", event.Lead},
		{"site-json.json", "site-json", "application/json", event.Lead},
	} {
		t.Run(test.file, func(t *testing.T) {
			got := decodeOutput(t, callProgram(t, "", "decode", "-content-type", test.contentType, test.kind, filepath.Join(folder, test.file)))
			switch {
			case test.want == "":
				if !got.Ping || len(got.Events) != 0 {
					t.Errorf("result = %+v, want a ping", got)
				}
			case len(got.Events) != 1 || got.Events[0].Kind != test.want || got.Events[0].Client.Phone != "+79000000001":
				t.Errorf("events = %+v, want one %s of the sample's person", got.Events, test.want)
			}
		})
	}
}

func TestNormaliseShowsFormAndHash(t *testing.T) {
	// The hashes are SHA-256 and MD5 of the normal forms, from sha256sum and md5sum.
	o := callProgram(t, "", "normalise", "google", "e-mail", "Anna.B+x@Gmail.com", "nobody")
	want := "Anna.B+x@Gmail.com\tannab@gmail.com\t53281bfbc41de945f1f035af483cc4ab757999ffbaef88b1f6d4b6b1975e5734\nrefused: invalid_email"
	if o.status != exitDone || !strings.HasPrefix(o.stdout, want) {
		t.Errorf("outcome = %+v, want %q", o, want)
	}
	o = callProgram(t, "8 (999) 555-11-11\n", "normalise", "VK", "телефон")
	if want := "8 (999) 555-11-11\t79995551111\tf09f2c3d48f31e2a802944ade2e5aec5\n"; o.stdout != want {
		t.Errorf("output %q, want %q", o.stdout, want)
	}
	o = callProgram(t, "", "normalise", "-lang", "ru", "vk", "phone", "12")
	if !strings.HasPrefix(o.stdout, "refused: invalid_phone (") || !strings.ContainsRune(o.stdout, 'е') {
		t.Errorf("output %q, want a reason in Russian", o.stdout)
	}
	for _, args := range [][]string{{"normalise", "radio", "phone", "1"}, {"normalise", "vk", "shoe_size", "1"}, {"normalise", "vk"}} {
		if o := callProgram(t, "", args...); o.status != exitUsage {
			t.Errorf("%v: %+v, want wrong use", args, o)
		}
	}
	if o := callProgram(t, "", "normalise", "radio", "phone"); !strings.Contains(o.stderr, "yandex, vk, google") {
		t.Errorf("the error %q does not list the platforms", o.stderr)
	}
}
