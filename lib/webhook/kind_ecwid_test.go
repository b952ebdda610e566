package webhook_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/webhook"
)

func ecwidHook(kind, rest string) string {
	return `{"eventId":"80ae","eventCreated":1777628445,"storeId":1003,"eventType":"` + kind + `"` + rest + `}`
}

// The signature does not cover the body, so nothing in it is believed but which
// object to ask for.
func TestEcwidHooks(t *testing.T) {
	at := time.Unix(1777628445, 0).UTC()
	for _, tt := range []struct {
		name, body, query, more string
		want                    *event.Event // nil: a ping
	}{
		{"created", ecwidHook("order.created", `,"entityId":5,"data":{"orderId":"XJ12H","newPaymentStatus":"PAID"}`), "", "", &event.Event{
			ID: "ecwid:1003:80ae", Kind: "order", Entity: "ecwid:s:order:XJ12H", At: at, Fetch: "GET order XJ12H", Order: &event.Order{ID: "XJ12H"},
		}},
		{"kind in the query", `{"eventId":"80ae","eventCreated":1777628445,"storeId":1003,"data":{"orderId":"XJ12H"}}`, "eventtype=order.updated", "", &event.Event{
			ID: "ecwid:1003:80ae", Kind: "order", Entity: "ecwid:s:order:XJ12H", At: at, Fetch: "GET order XJ12H", Order: &event.Order{ID: "XJ12H"},
		}},
		{"number instead of the id", ecwidHook("order.updated", `,"entityId":103878161`), "", "", &event.Event{
			ID: "ecwid:1003:80ae", Kind: "order", Entity: "ecwid:s:order:103878161", At: at, Fetch: "GET order 103878161", Order: &event.Order{ID: "103878161"},
		}},
		{"deleted", ecwidHook("order.deleted", `,"data":{"orderId":"XJ12H"}`), "", "", &event.Event{
			ID: "ecwid:1003:80ae", Kind: "order", Entity: "ecwid:s:order:XJ12H", At: at, Order: &event.Order{ID: "XJ12H", Status: "cancelled"}, Attributes: map[string]string{"order_status": "deleted"},
		}},
		{"no orders", ecwidHook("order.created", `,"data":{"orderId":"XJ12H"}`), "", ", orders: false", &event.Event{
			ID: "ecwid:1003:80ae", Kind: "lead", Entity: "ecwid:s:order:XJ12H", At: at, Fetch: "GET order XJ12H", Attributes: map[string]string{"order_id": "XJ12H"},
		}},
		{"customer", ecwidHook("customer.updated", `,"entityId":77`), "", "", &event.Event{
			ID: "ecwid:1003:80ae", Kind: "profile", Entity: "ecwid:s:customer:77", At: at, Fetch: "GET customer 77",
		}},
		{"customer deleted", ecwidHook("customer.deleted", `,"entityId":77`), "", "", nil},
		{"product", ecwidHook("product.updated", `,"entityId":77`), "", "", nil},
		{"abandoned cart", ecwidHook("unfinished_order.created", `,"entityId":77`), "", "", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out := decodeShop(t, "ecwid", tt.more, shopDelivery{body: tt.body, query: tt.query})
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

const ecwidOrder = `{"id":"XJ12H","orderNumber":516483487,"email":"a@b.ru","total":8270,"subtotal":7970,"refundedAmount":0,"paymentStatus":"PAID","fulfillmentStatus":"AWAITING_PROCESSING",
	"customerId":77,"createDate":"2026-05-01 09:30:00 +0000","updateTimestamp":1777628446,"globalReferer":"https://yandex.ru/","acceptMarketing":true,
	"items":[{"name":"Кофеварка","sku":"NPG-1","quantity":1,"price":5990},{"name":"Стакан","sku":"","quantity":2,"price":990}],
	"billingPerson":{"name":"Иван Тестов","phone":"8 900 000-00-01"},"shippingPerson":{"name":"Пётр","city":"Москва","countryCode":"RU","street":"Тестовая, 1"},
	"shippingOption":{"shippingRate":300},"utmData":{"source":"yandex","medium":"cpc"},"orderExtraFields":[{"title":"Подъезд","value":"2"}],"refunds":[]}`

func TestEcwidFetchedOrder(t *testing.T) {
	want := event.Event{
		Kind: "order", Entity: "ecwid:s:order:XJ12H", At: time.Unix(1777628446, 0).UTC(), SenderOrders: true,
		Client: event.Client{
			Name: "Иван Тестов", Phone: "8 900 000-00-01", Email: "a@b.ru", City: "Москва", Country: "RU", Address: "Тестовая, 1", ExternalIDs: []string{"ecwid_customer:77"},
		},
		Order: &event.Order{ID: "XJ12H", Status: "paid", Total: "8270.00", Shipping: "300.00", Items: []event.Item{
			{SKU: "NPG-1", Name: "Кофеварка", Quantity: "1", Price: "5990.00"}, {Name: "Стакан", Quantity: "2", Price: "990.00"},
		}},
		Attribution: event.Attribution{UTMSource: "yandex", UTMMedium: "cpc", Referrer: "https://yandex.ru/"},
		Consents:    []event.Consent{{Purpose: "email", Given: true, At: time.Date(2026, 5, 1, 9, 30, 0, 0, time.UTC), Evidence: "Ecwid acceptMarketing"}},
		Attributes:  map[string]string{"order_status": "PAID/AWAITING_PROCESSING", "order_number": "516483487", "Подъезд": "2"},
	}
	for _, method := range []string{"POST", webhook.FetchMethod} {
		got := one(t, decodeShop(t, "ecwid", "", shopDelivery{body: ecwidOrder, method: method}))
		if got.ID == "" {
			t.Error("no id")
		}
		got.ID, got.DerivedID = "", false
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestEcwidStatuses(t *testing.T) {
	for _, tt := range []struct{ money, goods, more, status string }{
		{"AWAITING_PAYMENT", "AWAITING_PROCESSING", "", "new"},
		{"PAID", "PROCESSING", "", "paid"},
		{"PAID", "OUT_FOR_DELIVERY", "", "shipped"},
		{"AWAITING_PAYMENT", "DELIVERED", "", "completed"},
		{"PAID", "WILL_NOT_DELIVER", "", "cancelled"},
		{"CANCELLED", "DELIVERED", "", "cancelled"},
		{"REFUNDED", "DELIVERED", "", "returned"},
		{"PARTIALLY_REFUNDED", "SHIPPED", "", "shipped"},
		{"CUSTOM_PAYMENT_STATUS_1", "CUSTOM_FULFILLMENT_STATUS_1", "", "new"},
		{"CUSTOM_PAYMENT_STATUS_1", "AWAITING_PROCESSING", ", orders: {CUSTOM_PAYMENT_STATUS_1: paid}", "paid"},
	} {
		body := `{"id":"X","paymentStatus":"` + tt.money + `","fulfillmentStatus":"` + tt.goods + `"}`
		if ev := one(t, decodeShop(t, "ecwid", tt.more, shopDelivery{body: body})); ev.Order.Status != tt.status {
			t.Errorf("%s, %s: %s, want %s", tt.money, tt.goods, ev.Order.Status, tt.status)
		}
	}
}

// The API tells what came back in all, again with every fetch; returns add up.
func TestEcwidRefundInPartLowersTheTotal(t *testing.T) {
	for body, want := range map[string]string{
		`{"id":"X","paymentStatus":"PARTIALLY_REFUNDED","total":8270,"refundedAmount":270.5}`: "7999.50",
		`{"id":"X","paymentStatus":"REFUNDED","total":8270,"refundedAmount":8270}`:            "8270.00",
	} {
		if o := one(t, decodeShop(t, "ecwid", "", shopDelivery{body: body})).Order; o.Total != want || o.Returned != "" {
			t.Errorf("order %+v, want a total of %s", o, want)
		}
	}
}

func TestEcwidFetchedCustomer(t *testing.T) {
	ev := one(t, decodeShop(t, "ecwid", "", shopDelivery{body: `{"id":77,"email":"a@b.ru","name":"Иван Тестов","registered":"2021-11-03 19:53:12 +0000","updated":"2026-05-01 09:30:45 +0000","totalOrderCount":2,"billingPerson":{"phone":"8 900 000-00-01"},"acceptMarketing":true}`}))
	want := event.Client{Name: "Иван Тестов", Email: "a@b.ru", Phone: "8 900 000-00-01", ExternalIDs: []string{"ecwid_customer:77"}}
	if diff := cmp.Diff(want, ev.Client); diff != "" || ev.Kind != event.Profile || ev.At.Year() != 2026 || len(ev.Consents) != 1 || ev.Consents[0].At.Year() != 2021 {
		t.Errorf("event %+v: %s", ev, diff)
	}
}

// The whole way: what the hook names is asked for and comes back as the same
// entity.
func TestEcwidFetch(t *testing.T) {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer token" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		switch r.URL.EscapedPath() {
		case "/api/v3/1003/orders/XJ12H", "/api/v3/1003/orders/A%2FB":
			_, _ = w.Write([]byte(ecwidOrder))
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer api.Close()
	cfg := parse(t, "sources: [{name: s, kind: ecwid, fetch: {url: \""+api.URL+"/api/v3/1003\", token: env:token}}]")
	source, _ := cfg.SourceNamed("s")
	token := "token"
	fetcher := webhook.Fetcher{Client: api.Client(), Secret: func(context.Context, string) (string, error) { return token, nil }}
	hook := one(t, decodeShop(t, "ecwid", "", shopDelivery{body: ecwidHook("order.created", `,"data":{"orderId":"XJ12H"}`)}))
	body, err := fetcher.Fetch(t.Context(), source, hook.Fetch)
	if err != nil {
		t.Fatal(err)
	}
	d := webhook.FetchedDelivery(source, hook.ID, hook.Entity, hook.Fetch, body, received)
	ev := one(t, webhook.Decode(cfg, d))
	if ev.Entity != hook.Entity || ev.ID == hook.ID || ev.Fetch != "" || ev.Order.ID != hook.Order.ID || ev.Order.Status != "paid" {
		t.Errorf("fetched %+v", ev)
	}
	if _, err := fetcher.Fetch(t.Context(), source, "GET order A/B"); err != nil {
		t.Errorf("an id with a slash: %v", err)
	}
	for object, code := range map[string]string{"GET order GONE": "not_found", "GET customer 1": "not_found", "DELETE order 1": "refused", "GET order ": "refused"} {
		_, err := fetcher.Fetch(t.Context(), source, object)
		if fault, ok := errors.AsType[*webhook.FetchError](err); !ok || fault.Code != code || !fault.Final {
			t.Errorf("%s: %v, want %s", object, err, code)
		}
	}
	token = "revoked"
	_, err = fetcher.Fetch(t.Context(), source, hook.Fetch)
	if fault, ok := errors.AsType[*webhook.FetchError](err); !ok || fault.Code != "unauthorized" || fault.Final {
		t.Errorf("revoked token: %v", err)
	}
}
