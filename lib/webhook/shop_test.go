package webhook_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/url"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/webhook"
)

// shopDelivery is what a shop sends; the zero Method is POST.
type shopDelivery struct {
	method, query, contentType, body string
	headers                          map[string]string
}

// decodeShop runs a delivery through a source of the kind with more configuration,
// without authentication, as the compaction does.
func decodeShop(t testing.TB, kind, more string, from shopDelivery) webhook.Decoded {
	t.Helper()
	cfg, err := config.Parse([]byte("sources:\n  - {name: s, kind: " + kind + more + "}\n"))
	if err != nil {
		t.Fatal(err)
	}
	source, _ := cfg.SourceNamed("s")
	headers := map[string]string{}
	for name, value := range from.headers {
		headers[strings.ToLower(name)] = value
	}
	method := from.method
	if method == "" {
		method = "POST"
	}
	return impersonal(t, webhook.Decode(cfg, webhook.Delivery{
		Source: source, Method: method, Query: from.query, ContentType: from.contentType, Header: headers, Body: []byte(from.body), ReceivedAt: received,
	}))
}

func signBase64(secret, text string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func shopSamples(t testing.TB) []sample {
	t.Helper()
	kinds := []string{"shopify", "woocommerce", "insales", "ecwid", "commerceml"}
	chosen := samples(t, kinds...)
	if len(chosen) != len(kinds) {
		t.Fatalf("%d samples, want %d", len(chosen), len(kinds))
	}
	return chosen
}

// shopConfig gives a source of each kind the secret of its sample and, where the
// system signs nothing, one that stands in the address.
func shopConfig(s sample) (yaml, path string) {
	secret, path := s.Auth.Key, "/in/shop"
	if secret == "" {
		secret = newSecret
		path += "/" + newSecret
	}
	if s.Query != "" {
		path += "?" + s.Query
	}
	return "sources:\n  - {name: shop, kind: " + s.Source + `, secrets: ["env:` + oldSecret + `", "env:` + secret + `"]}` + "\n", path
}

func TestShopSamplesBecomeWhatTheManifestSays(t *testing.T) {
	for _, s := range shopSamples(t) {
		t.Run(s.File, func(t *testing.T) {
			yaml, path := shopConfig(s)
			in := start(t, yaml)
			got := in.send(t, s.Method, path, s.body, s.headers()...)
			if got.status != 200 {
				t.Fatalf("status %d: %s", got.status, got.body)
			}
			d := in.sink.last(t)
			if !d.Trusted || string(d.Body) != s.body {
				t.Errorf("trusted %v, body equal %v", d.Trusted, string(d.Body) == s.body)
			}
			if strings.Contains(d.Suffix+d.Query+strings.Join(slices.Collect(maps.Values(d.Header)), " ")+string(d.Body), newSecret) {
				t.Error("the secret was stored")
			}
			out := webhook.Decode(in.cfg, d)
			ev := one(t, out)
			if ev.Kind != event.OrderChange || string(ev.Kind) != s.Expect.Event {
				t.Errorf("kind %s", ev.Kind)
			}
			if (ev.Fetch != "") != s.Expect.Thin || ev.Fetch != s.Expect.Fetch {
				t.Errorf("fetch %q, want %q", ev.Fetch, s.Expect.Fetch)
			}
			if s.Expect.EntityKey != "" && ev.Entity != s.Expect.EntityKey || ev.Entity == "" {
				t.Errorf("entity %q, want %q", ev.Entity, s.Expect.EntityKey)
			}
			switch s.Source { // the others' keys are described there, not stated
			case "shopify", "ecwid":
				if out.DeliveryID != *s.Expect.DedupKey || ev.ID != *s.Expect.DedupKey {
					t.Errorf("delivery id %q, event id %q, want %q", out.DeliveryID, ev.ID, *s.Expect.DedupKey)
				}
			case "woocommerce":
				if !strings.HasPrefix(out.DeliveryID, "woo:") || len(out.DeliveryID) != 4+64 || ev.ID != out.DeliveryID {
					t.Errorf("delivery id %q, event id %q", out.DeliveryID, ev.ID)
				}
			case "insales":
				if !strings.HasPrefix(out.DeliveryID, "insales:100049:66700001:2026-05-01T12:30:46.000+03:00:") {
					t.Errorf("delivery id %q", out.DeliveryID)
				}
			case "commerceml":
				if !strings.HasPrefix(out.DeliveryID, "commerceml:shop:1024:") || !strings.HasPrefix(ev.ID, "commerceml:shop:1024:") {
					t.Errorf("delivery id %q, event id %q", out.DeliveryID, ev.ID)
				}
			}
			compareShop(t, s, out)
			in.advance(3 * time.Minute)
			again := in.send(t, s.Method, path, s.body, s.headers()...)
			if again.status != 200 || again.body != got.body || in.sink.last(t).Key != d.Key {
				t.Errorf("the same again: status %d, body %q, same key %v", again.status, again.body, in.sink.last(t).Key == d.Key)
			}
		})
	}
}

func compareShop(t *testing.T, s sample, out webhook.Decoded) {
	t.Helper()
	compare(t, s, out)
	ev := one(t, out)
	if s.Expect.Thin && (ev.Order == nil || ev.Order.ID != "XJ12H" || ev.Order.Status != "" || ev.Client.Identified()) {
		t.Errorf("a thin hook says %+v", ev)
	}
}

// What no secret fits is refused with 401 and kept apart: nothing at all, a broken
// signature, the signature of another body.
func TestShopsRefuseWhatIsNotTheirs(t *testing.T) {
	for _, s := range shopSamples(t) {
		yaml, path := shopConfig(s)
		in := start(t, yaml)
		signature := map[string]string{"shopify": "X-Shopify-Hmac-Sha256", "woocommerce": "X-WC-Webhook-Signature", "ecwid": "X-Ecwid-Webhook-Signature"}[s.Source]
		good := s.Headers[signature]
		type attempt struct{ name, path, body, signature string }
		attempts := []attempt{{"nothing", "/in/shop", s.body, ""}}
		if signature != "" {
			attempts = append(attempts,
				attempt{"broken", path, s.body, "A" + good[1:]}, attempt{"cut", path, s.body, good[:20]}, attempt{"hex", path, s.body, strings.Repeat("ab", 32)},
				attempt{"twice", path, s.body, good + "," + good}, attempt{"empty secret", path, s.body, signBase64("", s.body)},
				attempt{"another body", path, strings.NewReplacer("8270", "9270", "1777628445", "1777628446").Replace(s.body), good},
				attempt{"secret in the address instead", "/in/shop?key=" + url.QueryEscape(s.Auth.Key), s.body, ""})
		} else {
			attempts = append(attempts, attempt{"wrong address", "/in/shop/" + newSecret[1:], s.body, ""})
		}
		for _, a := range attempts {
			headers := []string{"Content-Type", s.ContentType}
			for _, name := range slices.Sorted(maps.Keys(s.Headers)) {
				if name != signature {
					headers = append(headers, name, s.Headers[name])
				}
			}
			if a.signature != "" {
				headers = append(headers, signature, a.signature)
			}
			refused := len(in.sink.refused)
			got := in.send(t, s.Method, a.path, a.body, headers...)
			if got.status != 401 || in.sink.count() != 0 || len(in.sink.refused) != refused+1 {
				t.Errorf("%s, %s: status %d, stored %d", s.Source, a.name, got.status, in.sink.count())
			}
		}
	}
}

// Whatever arrives is stored, answered with 200 and becomes events, a ping or a
// failure with a reason.
func TestShopsSurviveWhateverArrives(t *testing.T) {
	in := start(t, "sources:\n  - {name: shopify, kind: shopify}\n  - {name: woocommerce, kind: woocommerce}\n  - {name: insales, kind: insales}\n"+
		"  - {name: ecwid, kind: ecwid}\n  - {name: commerceml, kind: commerceml}\n")
	check := func(t *testing.T, name string, s sample, body string) {
		t.Helper()
		before := in.sink.count()
		path := "/in/" + s.Source
		if s.Query != "" {
			path += "?" + s.Query
		}
		got := in.send(t, s.Method, path, body, s.headers()...)
		if d := in.sink.last(t); got.status != 200 || in.sink.count() != before+1 || string(d.Body) != body {
			t.Fatalf("%s, %s: status %d, stored %d", s.File, name, got.status, in.sink.count()-before)
		}
		out := in.decodeLast(t)
		if !out.Ping && (out.Failure == nil) == (len(out.Events) == 0) || out.Failure != nil && out.Failure.Reason == webhook.ReasonPanic {
			t.Fatalf("%s, %s: %+v", s.File, name, out)
		}
		for _, ev := range out.Events {
			for _, id := range ev.Client.AllExternalIDs() {
				if strings.HasSuffix(id, ":") || strings.HasSuffix(id, ":0") {
					t.Errorf("%s, %s: identity %q", s.File, name, id)
				}
			}
			if ev.ID == "" || ev.Order != nil && (ev.Order.ID == "" || ev.Order.ID == "0") {
				t.Errorf("%s, %s: event %q of order %+v", s.File, name, ev.ID, ev.Order)
			}
		}
	}
	for _, s := range shopSamples(t) {
		for cut := 0; cut < len(s.body); cut += 97 {
			check(t, "cut", s, s.body[:cut])
		}
		for _, body := range []string{"", "null", "[]", "{}", "x", "<", "<a", "webhook_id=", "webhook_id=7x", `"text"`, "\x00", "{\"id\":{}}"} {
			check(t, body, s, body)
		}
		if strings.HasPrefix(s.body, "<") {
			continue
		}
		var whole map[string]any
		decoder := json.NewDecoder(strings.NewReader(s.body))
		decoder.UseNumber()
		if err := decoder.Decode(&whole); err != nil {
			t.Fatal(err)
		}
		for _, key := range slices.Sorted(maps.Keys(whole)) {
			was := whole[key]
			for _, wrong := range []any{nil, "", "0", "text", 0, 1e30, true, []any{}, []any{1, "a", nil, []any{}}, map[string]any{}, map[string]any{"id": []any{}, "0": "x"}} {
				whole[key] = wrong
				body, err := json.Marshal(whole)
				if err != nil {
					t.Fatal(err)
				}
				check(t, key, s, string(body))
			}
			whole[key] = was
		}
	}
}

func FuzzShops(f *testing.F) {
	kinds := []string{"shopify", "woocommerce", "insales", "ecwid", "commerceml"}
	for kind, bodies := range [][]string{
		{`{"id":5,"line_items":[{"price":"1","quantity":2,"discount_allocations":[{"amount":"1"}]}],"total_price":"2","refunds":[{"id":1,"transactions":[{"kind":"refund","amount":"1"}]}]}`},
		{`{"id":5,"line_items":[{"total":"1","total_tax":"0.2"}],"meta_data":[{"key":"a","value":"b"}],"refunds":[{"id":1,"total":"-1"}]}`, "webhook_id=1"},
		{insalesOrder, insalesXML},
		{ecwidOrder, ecwidHook("order.created", `,"data":{"orderId":"X"}`)},
		{exchangeFile(orderHead + `</Документ>`), `<?xml version="1.0" encoding="windows-1251"?><a b="c">` + "\xcf\xf0</a>"},
	} {
		for _, body := range bodies {
			f.Add(kind, body)
		}
	}
	f.Fuzz(func(t *testing.T, kind int, body string) {
		cfg := config.Default()
		d := webhook.Delivery{
			Source: config.Source{Name: "s", Kind: kinds[uint(kind)%uint(len(kinds))], Map: map[string]string{"city": "c"}}, Method: "POST", Body: []byte(body), ReceivedAt: received,
		}
		out := webhook.Decode(cfg, d)
		if out.Failure != nil && out.Failure.Reason == webhook.ReasonPanic {
			t.Fatal("the decoder broke")
		}
		if out.Status != 200 || (len(out.Events) > 0) == (out.Failure != nil) && !out.Ping {
			t.Fatalf("status %d, events %d, failure %v", out.Status, len(out.Events), out.Failure)
		}
		if diff := cmp.Diff(out, webhook.Decode(cfg, d)); diff != "" {
			t.Fatal("two decodings differ")
		}
	})
}

// The guide's entries are what people paste.
func TestShopGuideEntriesAreValid(t *testing.T) {
	hint := regexp.MustCompile(`(?m)^  # `)
	for _, kind := range []string{"shopify", "woocommerce", "insales", "ecwid", "commerceml"} {
		text, err := os.ReadFile("sources/" + kind + ".md")
		if err != nil {
			t.Fatal(err)
		}
		_, entry, ok := strings.Cut(string(text), "```yaml\n")
		entry, _, closed := strings.Cut(entry, "```")
		if !ok || !closed {
			t.Fatalf("%s: no entry", kind)
		}
		for _, yaml := range []string{entry, hint.ReplaceAllString(entry, "  ")} { // as it stands, and with its hints taken
			cfg, err := config.Parse([]byte("sources:\n" + yaml))
			if err != nil {
				t.Errorf("%s: %v", kind, err)
				continue
			}
			if len(cfg.Sources) != 1 || cfg.Sources[0].Kind != kind || len(cfg.Sources[0].Secrets) == 0 {
				t.Errorf("%s: %+v", kind, cfg.Sources)
			}
		}
	}
}

// XML costs no more than JSON made to cost much. The bound of time is wide, since
// the race detector slows the decoder of the standard library tenfold.
func TestHostileXMLIsCheap(t *testing.T) {
	const size = 1 << 20
	for name, body := range map[string]string{
		"elements":   "<order>" + strings.Repeat("<a/>", size/4) + "</order>",
		"attributes": "<order " + manyAttributes(size/8) + "/>",
		"levels":     strings.Repeat("<a>", size/3),
		"text":       "<order>" + strings.Repeat("&amp;", size/5) + "</order>",
		"comments":   "<order>" + strings.Repeat("<!---->", size/7) + "</order>",
		"documents":  exchangeFile(strings.Repeat(orderHead+"</Документ>", size/len(orderHead))),
	} {
		for _, kind := range []string{"insales", "commerceml"} {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			began := time.Now()
			out := decodeShop(t, kind, "", shopDelivery{body: body})
			took := time.Since(began)
			runtime.ReadMemStats(&after)
			allocated := after.TotalAlloc - before.TotalAlloc
			if out.Status != 200 || took > 20*time.Second || allocated > 300<<20 {
				t.Errorf("%s under %s: status %d, took %v and %d MiB", name, kind, out.Status, took, allocated>>20)
			}
		}
	}
}

func manyAttributes(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("a" + strconv.Itoa(i) + `="" `)
	}
	return b.String()
}
