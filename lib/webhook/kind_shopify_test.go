package webhook_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/event"
)

func shopifyHook(topic, body string) shopDelivery {
	return shopDelivery{contentType: jsonType, body: body, headers: map[string]string{
		"X-Shopify-Topic": topic, "X-Shopify-Shop-Domain": "test.myshopify.com", "X-Shopify-Webhook-Id": "w1", "X-Shopify-Event-Id": "e1",
		"X-Shopify-Triggered-At": "2026-05-01T09:30:46.123456789Z",
	}}
}

func TestShopifyStatuses(t *testing.T) {
	for _, tt := range []struct{ name, fields, more, status, told string }{
		{"nothing told", ``, "", "new", ""},
		{"nothing told, configured", ``, ", order_status: paid", "paid", ""},
		{"pending", `,"financial_status":"pending"`, "", "new", "pending"},
		{"authorized", `,"financial_status":"authorized"`, "", "new", "authorized"},
		{"paid", `,"financial_status":"paid","fulfillment_status":null`, "", "paid", ""},
		{"paid and sent", `,"financial_status":"paid","fulfillment_status":"fulfilled"`, "", "shipped", "fulfilled/paid"},
		{"sent, to be paid on delivery", `,"financial_status":"pending","fulfillment_status":"fulfilled"`, "", "shipped", "fulfilled/pending"},
		{"refunded in part", `,"financial_status":"partially_refunded"`, "", "paid", "partially_refunded"},
		{"refunded", `,"financial_status":"refunded","fulfillment_status":"fulfilled"`, "", "returned", "fulfilled/refunded"},
		{"voided", `,"financial_status":"voided"`, "", "cancelled", "voided"},
		{"cancelled wins", `,"cancelled_at":"2026-05-02T00:00:00Z","financial_status":"refunded","fulfillment_status":"fulfilled"`, "", "cancelled", "cancelled/fulfilled/refunded"},
		{"unknown word", `,"financial_status":"on_the_moon"`, "", "new", "on_the_moon"},
		{"own word", `,"financial_status":"authorized"`, ", orders: {authorized: paid}", "paid", "authorized"},
		{"own word of both", `,"financial_status":"paid","fulfillment_status":"fulfilled"`, ", orders: {fulfilled/paid: completed}", "completed", "fulfilled/paid"},
		{"own word against ours", `,"financial_status":"paid"`, ", orders: {PAID: new}", "new", "paid"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ev := one(t, decodeShop(t, "shopify", tt.more, shopifyHook("orders/updated", `{"id":5,"total_price":"10.00"`+tt.fields+`}`)))
			if ev.Order.Status != tt.status || ev.Attributes["order_status"] != tt.told {
				t.Errorf("status %q, told %q, want %q, %q", ev.Order.Status, ev.Attributes["order_status"], tt.status, tt.told)
			}
		})
	}
}

func TestShopifyTopics(t *testing.T) {
	at := time.Date(2026, 5, 1, 9, 30, 46, 123456000, time.UTC)
	order := &event.Order{ID: "5", Status: "new"}
	for _, tt := range []struct {
		topic, body string
		want        *event.Event // nil: a ping
	}{
		{"orders/create", `{"id":5}`, &event.Event{ID: "shopify:test.myshopify.com:w1", Kind: "order", Entity: "shopify:test.myshopify.com:order:5", At: at, Order: order}},
		{"orders/updated", `{"id":9007199254740993,"updated_at":"2026-05-01T05:30:46-04:00"}`, &event.Event{
			ID: "shopify:test.myshopify.com:w1", Kind: "order", Entity: "shopify:test.myshopify.com:order:9007199254740993", At: at.Truncate(time.Second),
			Order: &event.Order{ID: "9007199254740993", Status: "new"},
		}},
		{"orders/delete", `{"id":5}`, &event.Event{
			ID: "shopify:test.myshopify.com:w1", Kind: "order", Entity: "shopify:test.myshopify.com:order:5", At: at,
			Order: &event.Order{ID: "5", Status: "cancelled"}, Attributes: map[string]string{"order_status": "deleted"},
		}},
		{"orders/create", `{"id":5,"test":true}`, nil},
		{"orders/edited", `{"order_edit":{"order_id":5}}`, nil},
		{"refunds/create", `{"id":7,"order_id":5,"created_at":"2026-05-02T00:00:00Z","transactions":[{"kind":"refund","status":"success","amount":"990.00","currency":"RUB"},{"kind":"refund","status":"failure","amount":"1.00"},{"kind":"void","amount":"2.00"}]}`, &event.Event{
			ID: "shopify:test.myshopify.com:refund:7", Kind: "order", Entity: "shopify:test.myshopify.com:order:5", At: time.Date(2026, 5, 2, 0, 0, 0, 0, time.UTC),
			Order: &event.Order{ID: "5", Status: "returned", Returned: "990.00", Currency: "RUB"},
		}},
		{"refunds/create", `{"id":7,"order_id":5,"refund_line_items":[{"quantity":1}],"transactions":[]}`, nil},
		{"customers/update", `{"id":77,"email":"a@b.ru","phone":"+79000000001","first_name":"А","last_name":"Б","tags":"vip, opt","updated_at":"2026-05-02T00:00:00Z","default_address":{"city":"Москва","country_code":"RU"},"email_marketing_consent":{"state":"unsubscribed","consent_updated_at":"2026-05-01T00:00:00Z"},"sms_marketing_consent":{"state":"subscribed","consent_updated_at":null}}`, &event.Event{
			ID: "shopify:test.myshopify.com:w1", Kind: "profile", Entity: "shopify:test.myshopify.com:customer:77", At: time.Date(2026, 5, 2, 0, 0, 0, 0, time.UTC),
			Client:   event.Client{Name: "А Б", FirstName: "А", LastName: "Б", Phone: "+79000000001", Email: "a@b.ru", ExternalIDs: []string{"shopify_customer:77"}, City: "Москва", Country: "RU"},
			Tags:     []string{"vip", "opt"},
			Consents: []event.Consent{{Purpose: "email", At: time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC), Evidence: "Shopify email_marketing_consent"}, {Purpose: "sms", Given: true, Evidence: "Shopify sms_marketing_consent"}},
		}},
		{"customers/update", `{"id":77,"email_marketing_consent":{"state":"not_subscribed"},"sms_marketing_consent":null}`, &event.Event{
			ID: "shopify:test.myshopify.com:w1", Kind: "profile", Entity: "shopify:test.myshopify.com:customer:77", At: at, Client: event.Client{ExternalIDs: []string{"shopify_customer:77"}},
		}},
		{"customers_email_marketing_consent/update", `{"customer_id":77,"email_address":"a@b.ru","email_marketing_consent":{"state":"subscribed","consent_updated_at":"2026-05-01T00:00:00Z"}}`, &event.Event{
			ID: "shopify:test.myshopify.com:w1", Kind: "consent", Entity: "shopify:test.myshopify.com:customer:77", At: time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC),
			Client:   event.Client{Email: "a@b.ru", ExternalIDs: []string{"shopify_customer:77"}},
			Consents: []event.Consent{{Purpose: "email", Given: true, At: time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC), Evidence: "Shopify email_marketing_consent"}},
		}},
		{"customers_marketing_consent/update", `{"id":77,"phone":null,"sms_marketing_consent":{"state":null}}`, nil},
		{"customers/redact", `{"shop_id":1,"customer":{"id":77,"email":"a@b.ru","phone":"555"},"orders_to_redact":[1]}`, &event.Event{
			ID: "shopify:test.myshopify.com:w1", Kind: "erase", At: at, Client: event.Client{Email: "a@b.ru", Phone: "555", ExternalIDs: []string{"shopify_customer:77"}},
		}},
		{"customers/data_request", `{"customer":{"id":77}}`, nil},
		{"customers/delete", `{"id":77}`, nil},
		{"shop/redact", `{"shop_id":1}`, nil},
		{"app/uninstalled", `{"id":1}`, nil},
		{"products/update", `{"id":1}`, nil},
	} {
		t.Run(tt.topic, func(t *testing.T) {
			out := decodeShop(t, "shopify", "", shopifyHook(tt.topic, tt.body))
			if tt.want == nil {
				if !out.Ping {
					t.Errorf("got %+v, want a ping", out)
				}
				return
			}
			got := one(t, out)
			got.SenderOrders = false
			if diff := cmp.Diff(*tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A refund is stated by its own topic and again with every change of its order;
// returns add up, so all of it must be one event.
func TestShopifyRefundIsOneEventHoweverOftenItIsTold(t *testing.T) {
	refund := `{"id":7,"order_id":5,"processed_at":"2026-05-02T00:00:00Z","transactions":[{"kind":"refund","status":"success","amount":"990.00","currency":"RUB"}]}`
	for _, more := range []string{"", ", consents: [{purpose: processing, always: true}]"} {
		alone := one(t, decodeShop(t, "shopify", more, shopifyHook("refunds/create", refund)))
		out := decodeShop(t, "shopify", more, shopifyHook("orders/updated", `{"id":5,"currency":"RUB","total_price":"8270.00","financial_status":"partially_refunded","refunds":[`+refund+`]}`))
		if len(out.Events) != 2 || out.Events[0].ID != "shopify:test.myshopify.com:w1" || out.Events[0].Order.Status != "paid" {
			t.Fatalf("events %+v", out.Events)
		}
		if diff := cmp.Diff(alone, out.Events[1]); diff != "" {
			t.Error(diff)
		}
	}
	abroad := strings.NewReplacer(`"RUB"`, `"EUR"`, `"990.00"`, `"9.90"`).Replace(refund[:len(refund)-1]) +
		`,"refund_line_items":[{"subtotal_set":{"shop_money":{"amount":"900.00","currency_code":"RUB"}},"total_tax_set":{"shop_money":{"amount":"90.00","currency_code":"RUB"}}}]}`
	if o := one(t, decodeShop(t, "shopify", "", shopifyHook("refunds/create", abroad))).Order; o.Returned != "990.00" || o.Currency != "RUB" {
		t.Errorf("paid back in the buyer's currency: %+v", o)
	}
}

func TestShopifyOrderFields(t *testing.T) {
	ev := one(t, decodeShop(t, "shopify", ", map: {city: Город, manager: note_attributes.1.value}, consents: [{purpose: ads, field: agree}]", shopifyHook("orders/create", `{
		"id":5,"name":"#1017","created_at":"2026-05-01T00:00:00Z","currency":"RUB","total_price":"1880.00","buyer_accepts_marketing":true,
		"customer":{"id":77,"phone":"8 900 000-00-02","email":"a@b.ru"},"email":"a@b.ru","contact_email":"c@b.ru",
		"shipping_address":{"phone":"8 900 000-00-03","name":"Пётр Другой","city":"Тула"},
		"shipping_lines":[{"price":"200.00","discounted_price":"100.00"}],
		"line_items":[{"title":"Стакан","sku":"ST","quantity":2,"price":"990.00","discount_allocations":[{"amount":"150.00"},{"amount":"50.00"}]},{"title":"","sku":""}],
		"note_attributes":[{"name":"Город","value":"Казань"},{"name":"кто","value":"olga"},{"name":"agree","value":"yes"},{"name":"_ym_uid","value":"17"}],
		"landing_site":"/?gclid=G&utm_source=x","discount_codes":[{"code":"MAY"}]}`)))
	wantClient := event.Client{
		Name: "Пётр Другой", Phone: "8 900 000-00-02", Email: "a@b.ru", Emails: []string{"c@b.ru"}, ExternalIDs: []string{"shopify_customer:77"}, City: "Казань",
	}
	if diff := cmp.Diff(wantClient, ev.Client); diff != "" {
		t.Error(diff)
	}
	wantOrder := &event.Order{ID: "5", Status: "new", Currency: "RUB", Total: "1880.00", Shipping: "100.00", Items: []event.Item{{SKU: "ST", Name: "Стакан", Quantity: "2", Price: "990.00", Sum: "1780.00"}}}
	if diff := cmp.Diff(wantOrder, ev.Order); diff != "" {
		t.Error(diff)
	}
	if ev.Manager != "olga" || ev.Attribution.ClickIDs["gclid"] != "G" || ev.Attribution.UTMSource != "x" || ev.Attribution.ClientIDs["ym_uid"] != "17" ||
		ev.Attributes["discount_code"] != "MAY" || ev.Attributes["agree"] != "yes" {
		t.Errorf("event %+v", ev)
	}
	wantConsents := []event.Consent{
		{Purpose: "email", Given: true, At: time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC), Evidence: "Shopify order, buyer_accepts_marketing"},
		{Purpose: "ads", Given: true, Evidence: "form of source s, field agree"},
	}
	if diff := cmp.Diff(wantConsents, ev.Consents); diff != "" {
		t.Error(diff)
	}
}

func TestShopsWhoseAmountsAreNoOrdersSendLeads(t *testing.T) {
	body := `{"id":5,"total_price":"10.00","currency":"RUB","financial_status":"refunded","email":"a@b.ru","refunds":[{"id":7,"transactions":[{"kind":"refund","amount":"1.00"}]}]}`
	ev := one(t, decodeShop(t, "shopify", ", orders: false", shopifyHook("orders/create", body)))
	if ev.Kind != event.Lead || ev.Order != nil || ev.SenderOrders || ev.Entity == "" || ev.Attributes["order_id"] != "5" || ev.Attributes["order_total"] != "10.00" {
		t.Errorf("event %+v", ev)
	}
	for topic, body := range map[string]string{"orders/delete": `{"id":5}`, "refunds/create": `{"id":7,"order_id":5,"transactions":[{"kind":"refund","amount":"1.00"}]}`} {
		if out := decodeShop(t, "shopify", ", orders: false", shopifyHook(topic, body)); !out.Ping {
			t.Errorf("%s: %+v", topic, out)
		}
	}
	if out := decodeShop(t, "shopify", ", options: {deleted: ignore}", shopifyHook("orders/delete", `{"id":5}`)); !out.Ping {
		t.Errorf("a deletion that is to be ignored: %+v", out)
	}
}

// A person who looks at a stored body has no headers.
func TestShopifyBodiesSpeakForThemselves(t *testing.T) {
	for body, kind := range map[string]event.Kind{
		`{"id":5,"line_items":[],"total_price":"1.00"}`:                                                event.OrderChange,
		`{"id":7,"order_id":5,"transactions":[{"kind":"refund","amount":"1"}]}`:                        event.OrderChange,
		`{"id":77,"first_name":"А"}`:                                                                   event.Profile,
		`{"customer":{"id":77},"orders_to_redact":[]}`:                                                 event.Erase,
		`{"customer_id":77,"email_address":"a@b.ru","email_marketing_consent":{"state":"subscribed"}}`: event.ConsentSaid,
	} {
		if ev := one(t, decodeShop(t, "shopify", "", shopDelivery{body: body})); ev.Kind != kind || ev.ID == "" {
			t.Errorf("%s: kind %s, id %q", body, ev.Kind, ev.ID)
		}
	}
	if out := decodeShop(t, "shopify", "", shopDelivery{body: `{"hello":1}`}); out.Failure == nil || out.Status != 200 {
		t.Errorf("an unknown body: %+v", out)
	}
}

func TestShopifyOldAndNewSecret(t *testing.T) {
	in := start(t, `sources: [{name: shop, kind: shopify, secrets: ["env:`+oldSecret+`", "env:`+newSecret+`"]}]`)
	body := `{"id":5,"note":"\u2028"}`
	for secret, want := range map[string]int{oldSecret: 200, newSecret: 200, "another": 401} {
		if got := in.send(t, "POST", "/in/shop", body, "X-Shopify-Topic", "orders/create", "X-Shopify-Hmac-Sha256", signBase64(secret, body)); got.status != want {
			t.Errorf("status %d, want %d", got.status, want)
		}
	}
}
