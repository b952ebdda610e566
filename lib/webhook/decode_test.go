package webhook_test

import (
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/charmap"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/webhook"
)

var received = time.Date(2026, 11, 20, 7, 15, 30, 0, time.UTC)

// decode runs one body through a source of the kind with more configuration.
func decode(t testing.TB, kind, more, contentType, body string) webhook.Decoded {
	t.Helper()
	cfg, err := config.Parse([]byte("sources:\n  - {name: s, kind: " + kind + more + "}\n"))
	if err != nil {
		t.Fatal(err)
	}
	source, _ := cfg.SourceNamed("s")
	return webhook.Decode(cfg, webhook.Delivery{Source: source, Method: "POST", ContentType: contentType, Body: []byte(body), ReceivedAt: received})
}

const (
	formType = "application/x-www-form-urlencoded"
	jsonType = "application/json"
)

// Every case is one of the shapes of webhooks.md, sections 1 and 4.
func TestLeadIsFoundWhateverTheSenderCallsItsBody(t *testing.T) {
	form := "name=" + url.QueryEscape("Иван Тестов") + "&phone=8+900+000-00-01&email=a%40b.ru"
	object := `{"name":"Иван Тестов","phone":"8 900 000-00-01","email":"a@b.ru"}`
	multi := "--X\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nИван Тестов\r\n--X\r\nContent-Disposition: form-data; name=\"phone\"\r\n\r\n8 900 000-00-01\r\n" +
		"--X\r\nContent-Disposition: form-data; name=\"email\"\r\n\r\na@b.ru\r\n--X--\r\n"
	for _, tt := range []struct{ name, contentType, body string }{
		{"form", formType, form},
		{"form, misspelt type", "application/x-www-from-urlencoded", form},
		{"form, no type", "", form},
		{"form, as a beacon", "text/plain;charset=UTF-8", form},
		{"form, called json", "text/json; charset", form},
		{"form, two types", "application/x-www-form-urlencoded, application/x-www-form-urlencoded", form},
		{"form, escaped ampersands", formType, strings.ReplaceAll(form, "&", "&amp;")},
		{"form, raw letters", formType, "name=Иван Тестов&phone=8 900 000-00-01&email=a@b.ru"},
		{"json", jsonType, object},
		{"json, broken parameter", "application/json;charset", object},
		{"json, as a beacon", "text/plain", object},
		{"json, called a form", formType, object},
		{"json, escaped as a whole", formType, url.QueryEscape(object)},
		{"json, as a name without a value", formType, url.QueryEscape(object) + "="},
		{"json, in one field", formType, "payload=" + url.QueryEscape(object)},
		{"json, no type", "", object},
		{"json, byte order mark", jsonType, "\xef\xbb\xbf" + object},
		{"json, blanks around", jsonType, "\n " + object + "\r\n"},
		{"json, in data", jsonType, `{"data":` + object + `}`},
		{"json, list of fields", jsonType, `{"fields":[{"name":"Имя","value":"Иван Тестов"},{"name":"Телефон","value":"8 900 000-00-01"},{"name":"E-mail","value":"a@b.ru"}]}`},
		{"json, builder's objects", jsonType, `{"fields":{"name":{"type":"text","value":"Иван Тестов"},"phone":{"value":"8 900 000-00-01"},"email":{"value":"a@b.ru"}}}`},
		{"multipart", "multipart/form-data; boundary=X", multi},
		{"multipart, no boundary told", "multipart/form-data", multi},
		{"multipart, no type", "", multi},
		{"russian names", formType, "Имя=Иван Тестов&Ваш телефон=8 900 000-00-01&E-mail=a@b.ru"},
		{"contact form 7", formType, "your-name=Иван Тестов&tel-463=8 900 000-00-01&your-email=a@b.ru"},
		{"bracketed", formType, "form_fields[name]=Иван Тестов&form_fields%5Bphone%5D=8 900 000-00-01&form_fields[email]=a@b.ru"},
	} {
		for _, kind := range []string{"form", "json"} {
			t.Run(tt.name+" under "+kind, func(t *testing.T) {
				ev := one(t, decode(t, kind, "", tt.contentType, tt.body))
				want := event.Client{Name: "Иван Тестов", Phone: "8 900 000-00-01", Email: "a@b.ru"}
				if diff := cmp.Diff(want, ev.Client); diff != "" || ev.Kind != event.Lead {
					t.Errorf("kind %q, client: %s", ev.Kind, diff)
				}
			})
		}
	}
}

func TestWindows1251IsRead(t *testing.T) {
	text, err := charmap.Windows1251.NewEncoder().String("Имя=Ёлкин Пётр&Телефон=89000000001&Сообщение=Привет — №5")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, contentType, body string }{
		{"raw bytes", formType, text},
		{"declared", formType + "; charset=windows-1251", text},
		{"percent-encoded", formType, strings.NewReplacer("%3D", "=", "%26", "&").Replace(url.QueryEscape(text))},
		{"multipart", "multipart/form-data; boundary=X", multipartOf("X", text)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ev := one(t, decode(t, "form", "", tt.contentType, tt.body))
			if ev.Client.Name != "Ёлкин Пётр" || ev.Client.Phone != "89000000001" || ev.Contact.Text != "Привет — №5" {
				t.Errorf("client %+v, contact %+v", ev.Client.Name, ev.Contact)
			}
		})
	}
	// One letter cut in half does not turn a UTF-8 form into Windows-1251.
	cut := "name=" + url.QueryEscape("Иван Тестов") + "&phone=89000000001&comment=" + url.QueryEscape("Позвоните") + "%D0"
	if ev := one(t, decode(t, "form", "", formType, cut)); ev.Client.Name != "Иван Тестов" {
		t.Errorf("name %q of a form with a broken last letter", ev.Client.Name)
	}
}

func multipartOf(boundary, pairs string) string {
	var b strings.Builder
	for p := range strings.SplitSeq(pairs, "&") {
		name, value, _ := strings.Cut(p, "=")
		b.WriteString("--" + boundary + "\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n")
	}
	return b.String() + "--" + boundary + "--\r\n"
}

func TestNothingIsDroppedFromAForm(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		want       map[string]string
	}{
		{"semicolon", "phone=1&color=red;blue&x=1", map[string]string{"color": "red;blue", "x": "1"}},
		{"bad percent", "phone=1&discount=50%&rate=5%zz", map[string]string{"discount": "50%", "rate": "5%zz"}},
		{"plus is a blank", "phone=1&q=a+b%2Bc", map[string]string{"q": "a b+c"}},
		{"repeated key", "phone=1&size=s&size=m", map[string]string{"size": "s; m"}},
		{"empty is no value", "phone=1&a=&b", nil},
		{"sparse index", "phone=1&leads[add][23802129][id]=7", map[string]string{"leads": `{"add":{"23802129":{"id":"7"}}}`}},
		{"dense index", "phone=1&a[1]=y&a[0]=x", map[string]string{"a": "x; y"}},
		{"value and branch of one name", "phone=1&a=1&a[b]=2", map[string]string{"a": `{"b":"2","":["1"]}`}},
		{"brackets that do not match", "phone=1&a[b=2&c]=3", map[string]string{"a[b": "2", "c]": "3"}},
		{"two names, one person", "phone=1&name=A&fio=B", map[string]string{"fio": "B"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ev := one(t, decode(t, "form", "", formType, tt.body))
			if diff := cmp.Diff(tt.want, ev.Attributes); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFormLimits(t *testing.T) {
	for _, tt := range []struct{ name, body, reason string }{
		{"too many fields", strings.Repeat("a=1&", 10_001) + "phone=1", webhook.ReasonFormTooMany},
		{"too deep", "phone=1&a" + strings.Repeat("[b]", 40) + "=1", webhook.ReasonFormTooDeep},
		{"no contact", "name=A&text=hello", webhook.ReasonNoContact},
		{"no form", "hello", webhook.ReasonForm},
		{"empty", "", webhook.ReasonEmptyBody},
		{"multipart without parts", "--X\r\n", webhook.ReasonForm},
	} {
		t.Run(tt.name, func(t *testing.T) {
			contentType := formType
			if strings.HasPrefix(tt.body, "--") {
				contentType = "multipart/form-data; boundary=X"
			}
			out := decode(t, "form", "", contentType, tt.body)
			if out.Failure == nil || out.Failure.Reason != tt.reason {
				t.Fatalf("failure %v, want %s", out.Failure, tt.reason)
			}
			if out.Status != 200 {
				t.Errorf("status %d, want 200: nobody behind a form can correct it", out.Status)
			}
		})
	}
}

func TestConfiguredNamesDecide(t *testing.T) {
	more := `, map: {name: "Как к вам обращаться", phone: f1, city: client.town, id: request, stage: step, at: when, interests: topic}, stages: {"3": visited}`
	ev := one(t, decode(t, "json", more, jsonType,
		`{"Как к вам обращаться":"Анна","f1":"89000000001","client":{"town":"Казань"},"request":9007199254740993,"step":3,"when":"2026-11-19 12:00","topic":["чай","кофе"],"phone":"111"}`))
	if ev.Client.Name != "Анна" || ev.Client.Phone != "89000000001" || ev.Stage != "visited" || ev.ID != "9007199254740993" {
		t.Errorf("event %+v", ev)
	}
	if !ev.At.Equal(time.Date(2026, 11, 19, 9, 0, 0, 0, time.UTC)) {
		t.Errorf("at %v, want 12:00 in Moscow", ev.At)
	}
	if diff := cmp.Diff([]string{"чай", "кофе"}, ev.Interests); diff != "" {
		t.Error(diff)
	}
	if ev.Attributes["phone"] != "111" {
		t.Errorf("attributes %v: the unmapped phone is lost", ev.Attributes)
	}
}

func TestMappedOrderOfAForm(t *testing.T) {
	const names = `map: {order_id: Num, total: Sum, order_status: State, currency: Cur}, orders: {done: completed}`
	ev := one(t, decode(t, "form", ", "+names, formType, "phone=1&Num=77&Sum=8+270,50+руб.&State=done&Cur=руб."))
	want := &event.Order{ID: "77", Status: "completed", Currency: "RUB", Total: "8270.50"}
	if diff := cmp.Diff(want, ev.Order); diff != "" || ev.Kind != event.OrderChange {
		t.Errorf("kind %s: %s", ev.Kind, diff)
	}
	// 1,500 may be one and a half or fifteen hundred: it is kept, not guessed.
	ev = one(t, decode(t, "form", ", "+names, formType, "phone=1&Num=77&Sum=1,500"))
	if ev.Order.Total != "" || ev.Attributes["total_unread"] != "1,500" || ev.Order.Status != event.StatusNew {
		t.Errorf("order %+v, attributes %v", ev.Order, ev.Attributes)
	}
}

func TestConsentsFollowTheRules(t *testing.T) {
	rules := `, consents: [{purpose: processing, always: true, text_version: "2026-03"}, {purpose: ads, field: Checkbox, equals: "yes"}, {purpose: email, field: news}]`
	for _, tt := range []struct {
		body string
		want map[string]bool
	}{
		{"phone=1&Checkbox=yes&news=on", map[string]bool{"processing": true, "ads": true, "email": true}},
		{"phone=1", map[string]bool{"processing": true}},
		{"phone=1&Checkbox=&news=", map[string]bool{"processing": true}},
		{"phone=1&Checkbox=no&news=false", map[string]bool{"processing": true, "ads": false, "email": false}},
		{"phone=1&Checkbox=maybe", map[string]bool{"processing": true}},
	} {
		ev := one(t, decode(t, "form", rules, formType, tt.body))
		got := map[string]bool{}
		for _, c := range ev.Consents {
			got[c.Purpose] = c.Given
			if c.Evidence == "" || !c.At.IsZero() {
				t.Errorf("consent %+v", c)
			}
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: %s", tt.body, diff)
		}
	}
	if ev := one(t, decode(t, "form", "", formType, "phone=1&consent=on")); len(ev.Consents) != 0 {
		t.Errorf("a consent was invented: %+v", ev.Consents)
	}
}

func TestAttributionComesFromFieldsThenThePage(t *testing.T) {
	ev := one(t, decode(t, "form", "", formType, "phone=1&utm_source=vk&page="+url.QueryEscape("https://shop.example/a?utm_source=yandex&utm_medium=cpc&yclid=17408371123456789012#x")+"&_ga=GA1.2.11.22"))
	want := event.Attribution{
		UTMSource: "vk", UTMMedium: "cpc", ClickIDs: map[string]string{"yclid": "17408371123456789012"}, ClientIDs: map[string]string{"ga": "11.22"},
		Landing: "https://shop.example/a?utm_source=yandex&utm_medium=cpc&yclid=17408371123456789012#x",
	}
	if diff := cmp.Diff(want, ev.Attribution); diff != "" {
		t.Error(diff)
	}
}

func TestABirthdayIsPassedOnAsWritten(t *testing.T) {
	for _, day := range []string{"01.02.1990", "1990-02-29", "1 февраля"} {
		ev := one(t, decode(t, "form", "", formType, "phone=1&birthday="+url.QueryEscape(day)))
		if ev.Client.BirthDate != day {
			t.Errorf("%s: %q, %v", day, ev.Client.BirthDate, ev.Attributes)
		}
	}
}

func TestNativeEvents(t *testing.T) {
	paid := `{"id":"ord-1001/paid","kind":"order","at":"2026-11-20T10:15:00+03:00","client":{"phone":"8 (999) 555-11-11"},"order":{"id":"1001","status":"%","total":8270}}`
	lead := `{"kind":"lead","client":{"phone":"89000000001"}}`
	flat := `{"phone":"89000000002"}`
	native := strings.Replace(paid, "%", "paid", 1)
	for _, tt := range []struct {
		name, body string
		ids        []string // "" is a derived one
		delivery   string
	}{
		{"one with an id", native, []string{"ord-1001/paid"}, "ord-1001/paid"},
		{"one without", lead, []string{""}, ""},
		{"array", "[" + native + "," + lead + "," + flat + "]", []string{"ord-1001/paid", "", ""}, ""},
		{"array of one", "[" + native + "]", []string{"ord-1001/paid"}, ""},
		{"lines", native + "\n" + lead + "\n", []string{"ord-1001/paid", ""}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out := decode(t, "json", "", jsonType, tt.body)
			if out.Failure != nil || out.Status != 200 || out.DeliveryID != tt.delivery || len(out.Events) != len(tt.ids) {
				t.Fatalf("failure %v, status %d, delivery id %q, %d events", out.Failure, out.Status, out.DeliveryID, len(out.Events))
			}
			for i, ev := range out.Events {
				if want := tt.ids[i]; ev.ID == "" || want != "" && ev.ID != want || ev.DerivedID != (want == "") {
					t.Errorf("event %d has id %q (derived %t), want %q", i, ev.ID, ev.DerivedID, want)
				}
			}
			if !strings.Contains(string(out.Reply.Body), `"accepted":`+strconv.Itoa(len(tt.ids))) {
				t.Errorf("reply %s", out.Reply.Body)
			}
		})
	}
	t.Run("the source's words", func(t *testing.T) {
		ev := one(t, decode(t, "json", ", orders: {done: completed}", jsonType, strings.Replace(paid, "%", "done", 1)))
		if ev.Order.Status != "completed" || ev.Order.Total != "8270.00" || !ev.SenderOrders {
			t.Errorf("order %+v", ev.Order)
		}
		ev = one(t, decode(t, "json", ", orders: false", jsonType, native))
		if ev.SenderOrders {
			t.Error("amounts of a source without orders count as orders")
		}
	})
	t.Run("a form source takes them too", func(t *testing.T) {
		if ev := one(t, decode(t, "form", "", "text/plain", native)); ev.ID != "ord-1001/paid" || ev.Kind != event.OrderChange {
			t.Errorf("event %+v", ev)
		}
	})
}

func TestFaultsHaveStableReasons(t *testing.T) {
	for _, tt := range []struct {
		name, body, reason string
		status             int
	}{
		{"malformed", `{"kind":"lead"`, webhook.ReasonMalformedJSON, 400},
		{"duplicate key", `{"phone":"1","PHONE":"2"}`, webhook.ReasonDuplicateKey, 400},
		{"too deep", `{"kind":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + "}", webhook.ReasonTooDeep, 400},
		{"too many keys", `{"a":{` + manyKeys(10_001) + `}}`, webhook.ReasonTooManyKeys, 400},
		{"not UTF-8", "{\"kind\":\"lead\",\"a\":\"\xc8\xe2\"}", webhook.ReasonNotUTF8, 400},
		{"empty", "", webhook.ReasonEmptyBody, 400},
		{"text", "hello", webhook.ReasonMalformedJSON, 400},
		{"number", "5", webhook.ReasonInvalidEvent, 422},
		{"no kind, no contact", `{"a":1}`, webhook.ReasonInvalidEvent, 422},
		{"no kind, native client", `{"client":{"phone":"1"}}`, webhook.ReasonInvalidEvent, 422},
		{"unknown kind", `{"kind":"call","phone":"1"}`, webhook.ReasonInvalidEvent, 422},
		{"one bad in a batch", `[{"kind":"lead","client":{"phone":"1"}},{"kind":"order"}]`, webhook.ReasonInvalidEvent, 422},
		{"empty batch", `[]`, webhook.ReasonInvalidEvent, 422},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out := decode(t, "json", "", jsonType, tt.body)
			if out.Failure == nil || out.Failure.Reason != tt.reason || out.Status != tt.status || out.DeliveryID != "" {
				t.Fatalf("failure %v, status %d; want %s, %d", out.Failure, out.Status, tt.reason, tt.status)
			}
			if tt.status == 422 && len(out.Failure.Faults) == 0 {
				t.Error("no fault is listed")
			}
			quiet := decode(t, "json", ", never_retries: true", jsonType, tt.body)
			if quiet.Status != 200 || quiet.Failure == nil {
				t.Errorf("status %d for a source that never retries", quiet.Status)
			}
		})
	}
	t.Run("at most a hundred", func(t *testing.T) {
		out := decode(t, "json", "", jsonType, "["+strings.Repeat(`{"kind":"x","at":5,"order":7},`, 500)+"{}]")
		if len(out.Failure.Faults) != webhook.MaxFaults {
			t.Errorf("%d faults", len(out.Failure.Faults))
		}
	})
	t.Run("where they are", func(t *testing.T) {
		out := decode(t, "json", "", jsonType, `[{"kind":"lead","client":{"phone":"1"}},{"kind":"order","order":{"id":"1","total":"abc","status":"odd"},"consents":[{"purpose":"x","given":1}]}]`)
		var paths []string
		for _, f := range out.Failure.Faults {
			paths = append(paths, f.Path)
		}
		want := []string{"batch[1].order.total", "batch[1].order.status", "batch[1].consents[0].given", "batch[1].consents[0].purpose"}
		if diff := cmp.Diff(want, paths); diff != "" {
			t.Error(diff)
		}
	})
}

func manyKeys(n int) string {
	parts := make([]string, n)
	for i := range parts {
		parts[i] = `"k` + strconv.Itoa(i) + `":1`
	}
	return strings.Join(parts, ",")
}

func TestInvalidEventHasNoDeliveryID(t *testing.T) {
	// Its sender corrects it and sends it again under the same id: both must not
	// fight for one key.
	out := decode(t, "json", "", jsonType, `{"id":"7","kind":"order"}`)
	if out.Failure == nil || out.DeliveryID != "" {
		t.Errorf("delivery id %q", out.DeliveryID)
	}
}

func TestQueryIsTheFormWhereThereIsNoBody(t *testing.T) {
	cfg := parse(t, "sources: [{name: s, kind: form}]")
	source, _ := cfg.SourceNamed("s")
	d := webhook.Delivery{Source: source, Method: "GET", Query: "phone=89000000001&utm_source=vk&key=abc", ReceivedAt: received}
	ev := one(t, webhook.Decode(cfg, d))
	if ev.Client.Phone != "89000000001" || ev.Attribution.UTMSource != "vk" || len(ev.Attributes) != 0 {
		t.Errorf("event %+v", ev)
	}
	if string(d.Content()) != d.Query {
		t.Errorf("content %q", d.Content())
	}
	if out := webhook.Decode(cfg, webhook.Delivery{Source: source, Method: "GET", ReceivedAt: received}); !out.Ping {
		t.Error("an empty GET is no ping")
	}
}

func TestRawKey(t *testing.T) {
	minute := received.Truncate(time.Minute)
	base := webhook.RawKey("s", "", []byte("body"), minute)
	same := []string{webhook.RawKey("s", "", []byte("body"), minute.Add(59*time.Second))}
	other := []string{
		webhook.RawKey("s", "", []byte("body"), minute.Add(time.Minute)),
		webhook.RawKey("t", "", []byte("body"), minute),
		webhook.RawKey("s", "", []byte("bodz"), minute),
		webhook.RawKey("sb", "", []byte("ody"), minute),
		webhook.RawKey("s", "body", nil, minute),
	}
	for _, key := range same {
		if key != base {
			t.Error("an equal body of the same minute has another key")
		}
	}
	for i, key := range other {
		if key == base || len(key) != 64 {
			t.Errorf("key %d = %s", i, key)
		}
	}
	if webhook.RawKey("s", "id", []byte("a"), minute) != webhook.RawKey("s", "id", []byte("b"), minute.Add(time.Hour)) {
		t.Error("the key of an id depends on more than source and id")
	}
}

func TestUnknownKindIsAFailureOfOurs(t *testing.T) {
	out := webhook.Decode(config.Default(), webhook.Delivery{Source: config.Source{Name: "s", Kind: "fax"}, Body: []byte("x"), ReceivedAt: received})
	if out.Failure == nil || out.Failure.Reason != webhook.ReasonUnknownKind || out.Status != 200 {
		t.Errorf("Decode = %+v", out)
	}
}

func FuzzDecode(f *testing.F) {
	for _, body := range []string{"phone=1&a[0][b]=%D0%98", `{"phone":"1"}`, `[{"kind":"lead"}]`, "--X\r\nContent-Disposition: form-data; name=\"phone\"\r\n\r\n1\r\n--X--", "payment={\"products\":[\"a - 1x2 = 2\"]}&Phone=1"} {
		for kind := range 3 {
			f.Add(kind, "", body)
		}
	}
	f.Fuzz(func(t *testing.T, kind int, contentType, body string) {
		kinds := []string{"form", "json", "spreadsheet", "tilda"}
		cfg := config.Default()
		d := webhook.Delivery{
			Source: config.Source{Name: "s", Kind: kinds[uint(kind)%4], Map: map[string]string{"order_id": "o", "total": "t", "id": "i"}},
			Method: "POST", ContentType: contentType, Body: []byte(body), ReceivedAt: received,
		}
		out := webhook.Decode(cfg, d)
		if out.Failure != nil && out.Failure.Reason == webhook.ReasonPanic {
			t.Fatal("the decoder broke")
		}
		if set := len(out.Events) > 0; set == (out.Failure != nil) && !out.Ping {
			t.Fatalf("events %d, failure %v", len(out.Events), out.Failure)
		}
		if diff := cmp.Diff(out, webhook.Decode(cfg, d)); diff != "" {
			t.Fatal("two decodings differ")
		}
		stored, ok := webhook.Authenticate(d, nil)
		if !ok || string(stored.Body) != body {
			t.Fatal("an open source's body was changed")
		}
	})
}
