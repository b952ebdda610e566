package webhook_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/event"
)

func wooHook(topic, body string) shopDelivery {
	return shopDelivery{contentType: jsonType, body: body, headers: map[string]string{
		"X-WC-Webhook-Source": "https://shop.example/", "X-WC-Webhook-Topic": topic, "X-WC-Webhook-Delivery-ID": "d4f5",
	}}
}

// On saving, the shop posts webhook_id=N without a signature; another answer than
// 200 keeps it from saving.
func TestWooPingNeedsNoSignature(t *testing.T) {
	in := start(t, `sources: [{name: shop, kind: woocommerce, secrets: ["env:`+newSecret+`"]}]`)
	for body, want := range map[string]int{"webhook_id=7": 200, "webhook_id=7&a=b": 401, "webhook_id=": 401, `{"webhook_id":7}`: 401, "webhook_id=99999999999999999999999": 401} {
		before := in.sink.count()
		got := in.send(t, "POST", "/in/shop", body, "Content-Type", formType)
		if got.status != want {
			t.Errorf("%s: status %d, want %d", body, got.status, want)
		}
		if want == 200 {
			if d := in.sink.last(t); in.sink.count() != before+1 || d.Trusted || !in.decodeLast(t).Ping {
				t.Errorf("%s: trusted %v, %+v", body, d.Trusted, in.decodeLast(t))
			}
		}
	}
}

func TestWooSecretsWithEntities(t *testing.T) {
	const body = `{"id":5}`
	for _, tt := range []struct {
		configured, signs string
		want              int
	}{
		{`a & <b> "c"`, `a & <b> "c"`, 200},
		{`a &amp; &lt;b&gt; &quot;c&quot;`, `a & <b> "c"`, 200},
		{`a &#038; &#039;`, `a & '`, 200},
		{`a &amp;lt;`, `a &lt;`, 200},
		{`a &amp;lt;`, `a <`, 401},
		{`a &amp; b`, `a &amp; b`, 200},
		{`a & b`, `a &amp; b`, 401},
	} {
		in := start(t, "sources:\n  - name: shop\n    kind: woocommerce\n    secrets:\n      - 'env:"+strings.ReplaceAll(tt.configured, "'", "''")+"'\n")
		got := in.send(t, "POST", "/in/shop", body, "X-WC-Webhook-Topic", "order.updated", "X-WC-Webhook-Signature", signBase64(tt.signs, body))
		if got.status != tt.want {
			t.Errorf("configured %s, signed with %s: status %d, want %d", tt.configured, tt.signs, got.status, tt.want)
		}
	}
}

// The shop's delivery id is one for two orders of a second.
func TestWooTwoOrdersInOneSecondAreTwo(t *testing.T) {
	a := decodeShop(t, "woocommerce", "", wooHook("order.created", `{"id":1,"total":"5.00"}`))
	b := decodeShop(t, "woocommerce", "", wooHook("order.created", `{"id":2,"total":"5.00"}`))
	again := decodeShop(t, "woocommerce", "", wooHook("order.created", `{"id":1,"total":"5.00"}`))
	other := decodeShop(t, "woocommerce", "", wooHook("order.updated", `{"id":1,"total":"5.00"}`))
	if a.DeliveryID == b.DeliveryID || a.DeliveryID != again.DeliveryID || a.DeliveryID == other.DeliveryID || a.DeliveryID == "" {
		t.Errorf("ids %q %q %q %q", a.DeliveryID, b.DeliveryID, again.DeliveryID, other.DeliveryID)
	}
}

func TestWooTopics(t *testing.T) {
	const entity = "woo:https://shop.example/:order:727"
	for _, tt := range []struct {
		name, topic, body, more string
		want                    *event.Event // nil: a ping; ids are hashes
	}{
		{"deleted", "order.deleted", `{"id":727}`, "", &event.Event{Kind: "order", Entity: entity, Order: &event.Order{ID: "727", Status: "cancelled"}, Attributes: map[string]string{"order_status": "deleted"}}},
		{"deleted, ignored", "order.deleted", `{"id":727}`, ", options: {deleted: ignore}", nil},
		{"restored", "order.restored", `{"id":727,"status":"on-hold","date_modified_gmt":"2026-05-01T09:30:45"}`, "", &event.Event{
			Kind: "order", Entity: entity, At: time.Date(2026, 5, 1, 9, 30, 45, 0, time.UTC), Order: &event.Order{ID: "727", Status: "new"}, Attributes: map[string]string{"order_status": "on-hold"},
		}},
		{"local time", "order.updated", `{"id":727,"status":"wc-completed","date_modified":"2026-05-01T12:30:45"}`, "", &event.Event{
			Kind: "order", Entity: entity, At: time.Date(2026, 5, 1, 9, 30, 45, 0, time.UTC), Order: &event.Order{ID: "727", Status: "completed"},
		}},
		{"unknown status", "order.updated", `{"id":727,"status":"at-the-tailor","customer_id":0}`, "", &event.Event{
			Kind: "order", Entity: entity, Order: &event.Order{ID: "727", Status: "new"}, Attributes: map[string]string{"order_status": "at-the-tailor"},
		}},
		{"own status", "order.updated", `{"id":727,"status":"processing","customer_id":9}`, ", orders: {processing: new}", &event.Event{
			Kind: "order", Entity: entity, Client: event.Client{ExternalID: "9"}, Order: &event.Order{ID: "727", Status: "new"}, Attributes: map[string]string{"order_status": "processing"},
		}},
		{"customer", "customer.updated", `{"id":9,"email":"a@b.ru","first_name":"А","username":"a","billing":{"phone":"8 900 000-00-01","city":"Тула","first_name":"","email":"c@b.ru"},"date_modified_gmt":"2026-05-01T09:30:45"}`, "", &event.Event{
			Kind: "profile", Entity: "woo:https://shop.example/:customer:9", At: time.Date(2026, 5, 1, 9, 30, 45, 0, time.UTC),
			Client: event.Client{ExternalID: "9", Name: "А", FirstName: "А", Phone: "8 900 000-00-01", Email: "c@b.ru", Emails: []string{"a@b.ru"}, City: "Тула"},
		}},
		{"customer deleted", "customer.deleted", `{"id":9}`, "", nil},
		{"action", "action.woocommerce_add_to_cart", `{"action":"woocommerce_add_to_cart","arg":"x"}`, "", nil},
		{"product", "product.updated", `{"id":1}`, "", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out := decodeShop(t, "woocommerce", tt.more, wooHook(tt.topic, tt.body))
			if tt.want == nil {
				if !out.Ping {
					t.Errorf("got %+v, want a ping", out)
				}
				return
			}
			got := one(t, out)
			if got.ID != out.DeliveryID {
				t.Errorf("id %q", got.ID)
			}
			got.ID, got.SenderOrders = "", false
			if diff := cmp.Diff(*tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	for body, ok := range map[string]bool{`{"id":727,"line_items":[]}`: true, `{"id":9,"username":"a"}`: true, `{"id":727}`: false, `{"id":"","line_items":[]}`: false} {
		if out := decodeShop(t, "woocommerce", "", shopDelivery{body: body}); (out.Failure == nil) != ok || out.Status != 200 {
			t.Errorf("without a topic, %s: %+v", body, out)
		}
	}
}

func TestWooOrderFields(t *testing.T) {
	out := decodeShop(t, "woocommerce", "", wooHook("order.updated", `{"id":727,"status":"completed","currency":"RUB","total":"3000.00","shipping_total":"300.00",
		"billing":{"first_name":"Иван","last_name":"Тестов","phone":"","email":""},"shipping":{"phone":"8 900 000-00-01","first_name":"Пётр"},
		"meta_data":[{"key":"_wc_order_attribution_utm_source","value":"(direct)"},{"key":"_wc_order_attribution_utm_medium","value":"cpc"},{"key":"_wc_order_attribution_session_entry","value":"https://shop.example/?gclid=G"},
			{"key":"_wc_order_attribution_referrer","value":"https://yandex.ru/"},{"key":"_wc_order_attribution_device_type","value":"Mobile"},{"key":"_ym_uid","value":"17"},{"key":"_secret_of_a_plugin","value":"x"},{"key":"Подъезд","value":"2"},{"key":"list","value":[{"a":1}]}],
		"line_items":[{"name":"Стакан","sku":"ST","quantity":2,"subtotal":"2000.00","total":"1800.00","total_tax":"360.00","price":900.000000001}],
		"refunds":[{"id":31,"total":"-500.00"},{"id":32,"total":"0.00"}]}`))
	if len(out.Events) != 2 {
		t.Fatalf("%d events", len(out.Events))
	}
	ev, refund := out.Events[0], out.Events[1]
	want := &event.Order{ID: "727", Status: "completed", Currency: "RUB", Total: "3000.00", Shipping: "300.00", Items: []event.Item{{SKU: "ST", Name: "Стакан", Quantity: "2", Price: "900.00", Sum: "2160.00"}}}
	if diff := cmp.Diff(want, ev.Order); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(event.Client{Name: "Иван Тестов", FirstName: "Иван", LastName: "Тестов", Phone: "8 900 000-00-01"}, ev.Client); diff != "" {
		t.Error(diff)
	}
	wantAttribution := event.Attribution{
		UTMMedium: "cpc", ClickIDs: map[string]string{"gclid": "G"}, ClientIDs: map[string]string{"ym_uid": "17"}, Referrer: "https://yandex.ru/", Landing: "https://shop.example/?gclid=G",
	}
	if diff := cmp.Diff(wantAttribution, ev.Attribution); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]string{"Подъезд": "2"}, ev.Attributes); diff != "" {
		t.Error(diff)
	}
	wantRefund := event.Event{
		ID: "woo:https://shop.example/:refund:31", Kind: "order", Entity: "woo:https://shop.example/:order:727", SenderOrders: true,
		Order: &event.Order{ID: "727", Status: "returned", Currency: "RUB", Returned: "500.00"},
	}
	if diff := cmp.Diff(wantRefund, refund); diff != "" {
		t.Error(diff)
	}
}
