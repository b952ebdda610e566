package webhook_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/webhook"
)

const insalesOrder = `{"id":66700001,"account_id":100049,"number":1024,"updated_at":"2026-05-01T12:30:46.000+03:00","total_price":8270.0,"full_delivery_price":300.0,` +
	`"currency_code":"RUR","financial_status":"pending","fulfillment_status":"new","cookies":[],"fields_values":[{"name":"Подъезд","value":"2"},{"name":"utm_source","value":"x"}],` +
	`"client":{"id":90001,"name":"Иван","surname":"Тестов","email":"a@b.ru","phone":""},"shipping_address":{"phone":"8 900 000-00-01","city":"Тула"},` +
	`"order_lines":[{"title":"Стакан","sku":null,"quantity":2,"sale_price":990.0,"total_price":1980.0}]}`

// The same order as Rails writes it.
const insalesXML = `<?xml version="1.0" encoding="UTF-8"?>
<order><id type="integer">66700001</id><account-id type="integer">100049</account-id><number type="integer">1024</number>
<updated-at type="datetime">2026-05-01T12:30:46.000+03:00</updated-at><total-price type="decimal">8270.0</total-price><full-delivery-price type="decimal">300.0</full-delivery-price>
<currency-code>RUR</currency-code><financial-status>pending</financial-status><fulfillment-status>new</fulfillment-status><cookies type="array"/><paid-at nil="true"/>
<fields-values type="array"><fields-value><name>Подъезд</name><value>2</value></fields-value><fields-value><name>utm_source</name><value>x</value></fields-value></fields-values>
<client><id>90001</id><name>Иван</name><surname>Тестов</surname><email>a@b.ru</email><phone></phone></client>
<shipping-address><phone>8 900 000-00-01</phone><city>Тула</city></shipping-address>
<order-lines type="array"><order-line><title>Стакан</title><sku nil="true"/><quantity>2</quantity><sale-price>990.0</sale-price><total-price>1980.0</total-price></order-line></order-lines></order>`

func TestInsalesOrderInEveryWrapping(t *testing.T) {
	want := event.Event{
		Kind: "order", Entity: "insales:100049:order:66700001", At: time.Date(2026, 5, 1, 9, 30, 46, 0, time.UTC), SenderOrders: true,
		Client: event.Client{Name: "Иван Тестов", FirstName: "Иван", LastName: "Тестов", Email: "a@b.ru", Phone: "8 900 000-00-01", City: "Тула", ExternalIDs: []string{"insales_client:90001"}},
		Order: &event.Order{
			ID: "66700001", Status: "new", Currency: "RUB", Total: "8270.00", Shipping: "300.00",
			Items: []event.Item{{Name: "Стакан", Quantity: "2", Price: "990.00", Sum: "1980.00"}},
		},
		Attribution: event.Attribution{UTMSource: "x"},
		Attributes:  map[string]string{"order_status": "pending/new", "order_number": "1024", "Подъезд": "2"},
	}
	for name, body := range map[string]string{
		"bare": insalesOrder, "wrapped": `{"order":` + insalesOrder + `}`, "xml": insalesXML, "xml, byte order mark": "\xef\xbb\xbf" + insalesXML,
	} {
		t.Run(name, func(t *testing.T) {
			ev := one(t, decodeShop(t, "insales", "", shopDelivery{body: body}))
			if !strings.HasPrefix(ev.ID, "insales:100049:66700001:2026-05-01T12:30:46.000+03:00:") {
				t.Errorf("id %q", ev.ID)
			}
			ev.ID = ""
			if diff := cmp.Diff(want, ev); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// updated_at counts whole seconds: two changes of one second are two.
func TestInsalesChangesOfOneSecondAreTwo(t *testing.T) {
	a := decodeShop(t, "insales", "", shopDelivery{body: insalesOrder})
	b := decodeShop(t, "insales", "", shopDelivery{body: strings.Replace(insalesOrder, `"pending"`, `"paid"`, 1)})
	if a.DeliveryID == b.DeliveryID || a.DeliveryID == "" {
		t.Errorf("ids %q and %q", a.DeliveryID, b.DeliveryID)
	}
	if out := decodeShop(t, "insales", "", shopDelivery{body: `{"id":1,"order_lines":[]}`}); out.DeliveryID != "" || one(t, out).ID == "" {
		t.Errorf("without updated_at: %q", out.DeliveryID)
	}
}

func TestInsalesStatuses(t *testing.T) {
	for _, tt := range []struct{ name, fields, more, status string }{
		{"new", `"financial_status":"pending","fulfillment_status":"new"`, "", "new"},
		{"paid", `"financial_status":"paid","fulfillment_status":"new"`, "", "paid"},
		{"time of payment", `"financial_status":"pending","paid_at":"2026-05-01T12:00:00+03:00"`, "", "paid"},
		{"unknown", `"financial_status":"pending","fulfillment_status":"dispatched"`, "", "new"},
		{"configured", `"financial_status":"paid","fulfillment_status":"dispatched"`, ", orders: {dispatched: shipped}", "shipped"},
		{"custom status", `"financial_status":"paid","custom_status":{"permalink":"otkaz","title":"Отказ"}`, ", orders: {Отказ: cancelled}", "cancelled"},
		{"both", `"financial_status":"pending","fulfillment_status":"new"`, ", orders: {pending/new: paid}", "paid"},
		{"default", `"financial_status":"x"`, ", order_status: paid", "paid"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if ev := one(t, decodeShop(t, "insales", tt.more, shopDelivery{body: `{"id":1,"order_lines":[],` + tt.fields + `}`})); ev.Order.Status != tt.status {
				t.Errorf("status %s, want %s", ev.Order.Status, tt.status)
			}
		})
	}
}

func TestInsalesClients(t *testing.T) {
	want := event.Client{Name: "Иван Тестов", FirstName: "Иван", LastName: "Тестов", Email: "a@b.ru", Phone: "8 900 000-00-01", ExternalIDs: []string{"insales_client:90001"}}
	for _, body := range []string{
		`{"id":90001,"name":"Иван","surname":"Тестов","email":"a@b.ru","phone":"8 900 000-00-01","updated_at":"2026-05-01T12:30:46+03:00"}`,
		`{"client":{"id":90001,"name":"Иван","surname":"Тестов","email":"a@b.ru","phone":"8 900 000-00-01","updated_at":"2026-05-01T12:30:46+03:00"}}`,
		`<client><id>90001</id><name>Иван</name><surname>Тестов</surname><email>a@b.ru</email><phone>8 900 000-00-01</phone><updated-at>2026-05-01T12:30:46+03:00</updated-at></client>`,
	} {
		ev := one(t, decodeShop(t, "insales", "", shopDelivery{body: body}))
		if diff := cmp.Diff(want, ev.Client); diff != "" || ev.Kind != event.Profile || !strings.HasPrefix(ev.ID, "insales:client:s:90001:") {
			t.Errorf("kind %s, id %s: %s", ev.Kind, ev.ID, diff)
		}
	}
}

func TestInsalesCookiesAreAMapOrAnEmptyList(t *testing.T) {
	ev := one(t, decodeShop(t, "insales", "", shopDelivery{body: `{"id":1,"order_lines":[],"cookies":{"_ym_uid":"1700000000123456789"},"first_current_location":"/kofe?utm_source=yandex&yclid=17408371123456789012","current_location":"/?utm_source=late"}`}))
	want := event.Attribution{
		UTMSource: "yandex", ClickIDs: map[string]string{"yclid": "17408371123456789012"}, ClientIDs: map[string]string{"ym_uid": "1700000000123456789"},
		Landing: "/kofe?utm_source=yandex&yclid=17408371123456789012",
	}
	if diff := cmp.Diff(want, ev.Attribution); diff != "" {
		t.Error(diff)
	}
}

func TestXMLThatIsRefused(t *testing.T) {
	for name, tt := range map[string]struct{ body, reason string }{
		"document type":     {`<!DOCTYPE order [<!ENTITY a "b">]><order><id>1</id></order>`, webhook.ReasonXMLDoctype},
		"outside entity":    {`<?xml version="1.0"?><!DOCTYPE order SYSTEM "file:///etc/passwd"><order/>`, webhook.ReasonXMLDoctype},
		"late declaration":  {`<order><id>1</id><!DOCTYPE x></order>`, webhook.ReasonXMLDoctype},
		"unknown entity":    {`<order><id>&a;</id></order>`, webhook.ReasonXML},
		"cut":               {insalesXML[:len(insalesXML)-9], webhook.ReasonXML},
		"two roots":         {`<order><id>1</id></order><order/>`, webhook.ReasonXML},
		"wrong end":         {`<order></client>`, webhook.ReasonXML},
		"character set":     {`<?xml version="1.0" encoding="koi8-r"?><order/>`, webhook.ReasonXMLCharset},
		"too deep":          {"<order>" + strings.Repeat("<a>", 70) + strings.Repeat("</a>", 70) + "</order>", webhook.ReasonXMLTooDeep},
		"too many elements": {"<order>" + strings.Repeat("<a/>", 200_001) + "</order>", webhook.ReasonXMLTooMany},
	} {
		t.Run(name, func(t *testing.T) {
			out := decodeShop(t, "insales", "", shopDelivery{body: tt.body})
			if out.Failure == nil || out.Failure.Reason != tt.reason || out.Status != 200 || strings.Contains(out.Failure.Detail, "passwd") {
				t.Errorf("failure %+v, status %d, want %s", out.Failure, out.Status, tt.reason)
			}
		})
	}
}
