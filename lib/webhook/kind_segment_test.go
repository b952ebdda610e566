package webhook_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/webhook"
)

func sign1(secret, text string) string {
	mac := hmac.New(sha1.New, []byte(secret))
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil))
}

const segmentOrder = `{"type":"track","event":"Order Completed","messageId":"m-1","userId":"u1","anonymousId":"an1","timestamp":"2026-05-01T09:30:45.000Z",
	"context":{"traits":{"email":"a@example.com","firstName":"Анна","last_name":"Тестова"},"campaign":{"name":"spring","source":"yandex","medium":"cpc"},
	"page":{"url":"https://shop.example/thanks?yclid=18446744073709551615","referrer":"https://ya.ru/"}},
	"properties":{"order_id":"50314","total":27.50,"shipping":"3","currency":"USD","coupon":"hasbros","products":[{"product_id":"507","sku":"45790-32","name":"Monopoly","price":"19","quantity":1,"category":"Games"}]}}`

func TestSegmentOrderCompleted(t *testing.T) {
	out := decodeDelivery(t, "segment", "", webhook.Delivery{Body: []byte(segmentOrder)})
	ev := one(t, out)
	want := event.Event{
		ID: "segment:m-1", Kind: event.OrderChange, At: time.Date(2026, 5, 1, 9, 30, 45, 0, time.UTC), SenderOrders: true,
		Client: event.Client{ExternalID: "u1", Email: "a@example.com", Name: "Анна Тестова", FirstName: "Анна", LastName: "Тестова"},
		Order: &event.Order{
			ID: "50314", Status: "completed", Currency: "USD", Total: "27.50", Shipping: "3.00",
			Items: []event.Item{{SKU: "45790-32", Name: "Monopoly", Category: "Games", Price: "19.00", Quantity: "1"}},
		},
		Attribution: event.Attribution{
			UTMSource: "yandex", UTMMedium: "cpc", UTMCampaign: "spring", Referrer: "https://ya.ru/", Landing: "https://shop.example/thanks?yclid=18446744073709551615",
			ClickIDs: map[string]string{"yclid": "18446744073709551615"}, ClientIDs: map[string]string{"segment_anonymous": "an1"},
		},
		Attributes: map[string]string{"coupon": "hasbros", "order_status": "Order Completed"},
	}
	if diff := cmp.Diff(want, ev); diff != "" {
		t.Error(diff)
	}
	if out.DeliveryID != "segment:m-1" || string(out.Reply.Body) != "OK" {
		t.Errorf("delivery %q, reply %q", out.DeliveryID, out.Reply.Body)
	}
}

func TestSegmentOrders(t *testing.T) {
	for _, tt := range []struct{ name, more, event, properties, want string }{
		{"paid by the owner's word", `, orders: {Order Completed: paid}`, "Order Completed", `{"order_id":1,"total":5}`, "1 paid 5.00 "},
		{"an event of the shop's own", `, orders: {Order Shipped: shipped}`, "Order Shipped", `{"order_id":1,"status":"x"}`, "1 shipped  "},
		{"declared by options", `, options: {Purchase: order}`, "Purchase", `{"order_id":1,"status":"paid","total":"5.5"}`, "1 paid 5.50 "},
		{"revenue, shipping and tax", "", "Order Completed", `{"order_id":1,"revenue":25,"shipping":"3","tax":2.5}`, "1 completed 30.50 "},
		{"revenue alone", "", "order completed", `{"order_id":1,"revenue":25}`, "1 completed 25.00 "},
		{"no amounts", "", "Order Completed", `{"order_id":1}`, "1 completed  "},
		{"cancelled", "", "Order Cancelled", `{"order_id":1,"total":5}`, "1 cancelled 5.00 "},
		{"refunded in part", "", "Order Refunded", `{"order_id":1,"total":"39.95","products":[{"sku":"x","price":39.95}]}`, "1 returned  39.95"},
		{"refunded", "", "Order Refunded", `{"order_id":1}`, "1 returned  "},
		{"without an order id", "", "Order Completed", `{"total":5}`, "segment:m completed 5.00 "},
	} {
		body := `{"type":"track","event":"` + tt.event + `","messageId":"m","anonymousId":"an1","properties":` + tt.properties + `}`
		ev := one(t, decodeDelivery(t, "segment", tt.more, webhook.Delivery{Body: []byte(body)}))
		o := ev.Order
		if got := o.ID + " " + o.Status + " " + o.Total + " " + o.Returned; got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
		if o.Status == "returned" && len(o.Items) != 0 {
			t.Errorf("%s: the lines of a refund replace the order's", tt.name)
		}
		if !cmp.Equal(ev.Client.ExternalIDs, []string{"segment_anonymous:an1"}) {
			t.Errorf("%s: a guest's order is nobody's: %+v", tt.name, ev.Client)
		}
	}
	for _, body := range []string{`{"type":"track","event":"Order Refunded","userId":"u"}`, `{"type":"track","event":"Product Viewed","userId":"u"}`, `{"type":"track","event":"Order Shipped","userId":"u","messageId":"m"}`, `{"type":"track","userId":"u"}`} {
		if out := decodeDelivery(t, "segment", ", orders: {Order Shipped: shipped}", webhook.Delivery{Body: []byte(body)}); !out.Ping {
			t.Errorf("%s: %+v", body, out)
		}
	}
	ev := one(t, decodeDelivery(t, "segment", "", webhook.Delivery{Body: []byte(`{"type":"track","event":"Order Completed","userId":"u","properties":{"total":5}}`)}))
	if ev.Order == nil || ev.Order.ID == "" || ev.Order.ID != ev.ID || !ev.DerivedID {
		t.Errorf("an order without any id: %+v", ev)
	}
	if out := decodeDelivery(t, "segment", ", orders: false", webhook.Delivery{Body: []byte(`{"type":"track","event":"Order Cancelled","userId":"u","properties":{"order_id":5}}`)}); !out.Ping {
		t.Errorf("orders: false, cancelled: %+v", out)
	}
	ev = one(t, decodeDelivery(t, "segment", ", orders: false", webhook.Delivery{Body: []byte(segmentOrder)}))
	if ev.Kind != event.Lead || ev.Order != nil || ev.Attributes["total"] != "27.50" {
		t.Errorf("orders: false: %+v", ev)
	}
}

func TestSegmentCalls(t *testing.T) {
	anonymous := []string{"segment_anonymous:an1"}
	for _, tt := range []struct {
		name, more, body string
		kind             event.Kind // empty: a ping
		external         string
		others           []string
	}{
		{"identify", "", `{"type":"identify","userId":"u1","anonymousId":"an1","traits":{"phone":"89000000001"}}`, event.Profile, "u1", anonymous},
		{"identify, anonymous ids unwanted", ", options: {link_anonymous: false}", `{"type":"identify","userId":"u1","anonymousId":"an1"}`, event.Profile, "u1", nil},
		{"identify by e-mail", "", `{"type":"identify","anonymousId":"an1","traits":{"email":"a@example.com"}}`, event.Profile, "", anonymous},
		{"identify nobody", "", `{"type":"identify","anonymousId":"an1","traits":{"plan":"free"}}`, "", "", nil},
		{"alias", "", `{"type":"alias","userId":"u1","previousId":"p"}`, event.Profile, "u1", []string{"p", "segment_anonymous:p"}},
		{"alias of nothing", "", `{"type":"alias","userId":"u1"}`, "", "", nil},
		{"group", "", `{"type":"group","userId":"u1","groupId":7,"traits":{"name":"ООО"}}`, event.Profile, "u1", nil},
		{"page", "", `{"type":"page","userId":"u1","name":"Home"}`, "", "", nil},
		{"screen", "", `{"type":"screen","userId":"u1"}`, "", "", nil},
		{"unknown type", "", `{"type":"merge","userId":"u1"}`, "", "", nil},
		{"delete", "", `{"type":"delete","userId":"u1"}`, event.Erase, "u1", nil},
		{"delete nobody", "", `{"type":"delete"}`, "", "", nil},
		{"lead", ", options: {Signed Up: lead}", `{"type":"track","event":"Signed Up","userId":12345678901234567890,"anonymousId":"an1"}`, event.Lead, "12345678901234567890", nil},
		{"lead of a guest", ", options: {Signed Up: lead}", `{"type":"track","event":"Signed Up","anonymousId":"an1","properties":{"email":"a@example.com"}}`, event.Lead, "", anonymous},
		{"stage", ", stages: {Demo Booked: qualified}", `{"type":"track","event":"Demo Booked","userId":"u1"}`, event.Stage, "u1", nil},
		{"contact", `, options: {Call Ended: "contact:call"}`, `{"type":"track","event":"Call Ended","userId":"u1"}`, event.ContactMade, "u1", nil},
		{"ignored", ", options: {Order Completed: ignore}", `{"type":"track","event":"Order Completed","userId":"u1","properties":{"order_id":1}}`, "", "", nil},
		{"a mapping of the owner's own", ", map: {external_id: uid}", `{"uid":"u1","phone":"89000000001"}`, event.Lead, "u1", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out := decodeDelivery(t, "segment", tt.more, webhook.Delivery{Body: []byte(tt.body)})
			if tt.kind == "" {
				if !out.Ping {
					t.Fatalf("Decode = %+v, want a ping", out)
				}
				return
			}
			ev := one(t, out)
			if ev.Kind != tt.kind || ev.Client.ExternalID != tt.external || !cmp.Equal(ev.Client.ExternalIDs, tt.others) {
				t.Errorf("kind %q, ids %q %q", ev.Kind, ev.Client.ExternalID, ev.Client.ExternalIDs)
			}
		})
	}
}

func TestSegmentTraits(t *testing.T) {
	body := `{"type":"identify","userId":"u1","traits":{"email":"a@example.com","phone":["89000000001","89000000002"],"firstName":"Анна","lastName":"Тестова","gender":"female",
		"birthday":"1990-02-01T00:00:00.000Z","address":{"city":"Москва","country":"RU","postalCode":101000,"street":"Мясницкая 1"},"company":{"name":"ООО"},"plan":"pro","nested":{"a":1}}}`
	ev := one(t, decodeDelivery(t, "segment", ", map: {loyalty_level: plan}", webhook.Delivery{Body: []byte(body)}))
	want := event.Client{
		ExternalID: "u1", Email: "a@example.com", Phone: "89000000001", Phones: []string{"89000000002"}, Name: "Анна Тестова", FirstName: "Анна", LastName: "Тестова",
		Gender: "f", BirthDate: "1990-02-01T00:00:00.000Z", City: "Москва", Country: "RU", Address: "101000, Мясницкая 1", Company: "ООО", LoyaltyLevel: "pro",
	}
	if diff := cmp.Diff(want, ev.Client); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]string{"plan": "pro"}, ev.Attributes); diff != "" {
		t.Error(diff)
	}
}

// The client's clock is not to be trusted, ours is: received − (sent − original).
func TestSegmentTime(t *testing.T) {
	for _, tt := range []struct{ name, times, want string }{
		{"clock an hour slow", `"originalTimestamp":"2026-11-20T06:00:00Z","sentAt":"2026-11-20T06:00:30Z"`, "2026-11-20T07:15:00Z"},
		{"timestamp in place of the original", `"timestamp":"2026-11-20T06:00:00Z","sentAt":"2026-11-20T06:00:30Z"`, "2026-11-20T07:15:00Z"},
		{"passed on by a collector", `"timestamp":"2026-11-19T10:00:00Z","originalTimestamp":"2026-11-19T09:00:00Z","sentAt":"2026-11-19T09:00:05Z","receivedAt":"2026-11-19T10:00:05Z"`, "2026-11-19T10:00:00Z"},
		{"passed on without the corrected time", `"originalTimestamp":"2026-11-19T09:00:00Z","sentAt":"2026-11-19T09:00:05Z","receivedAt":"2026-11-19T10:00:05Z"`, "2026-11-19T10:00:00Z"},
		{"never sent", `"timestamp":"2026-11-01T10:00:00+03:00"`, "2026-11-01T07:00:00Z"},
		{"none", `"sentAt":"2026-11-20T06:00:30Z"`, "0001-01-01T00:00:00Z"},
		{"nonsense", `"timestamp":"yesterday","sentAt":{}`, "0001-01-01T00:00:00Z"},
	} {
		ev := one(t, decodeDelivery(t, "segment", "", webhook.Delivery{Body: []byte(`{"type":"identify","userId":"u1",` + tt.times + `}`)}))
		if got := ev.At.Format(time.RFC3339); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestSegmentBatch(t *testing.T) {
	body := `{"batch":[{"type":"identify","userId":"u1","messageId":"1","originalTimestamp":"2026-11-20T06:00:00Z"},{"type":"page","userId":"u1"},
		{"type":"track","event":"Order Completed","userId":"u2","messageId":"2","context":{"page":{"url":"https://a.example/?utm_source=own"}},"properties":{"order_id":1}},
		{"type":"identify","userId":"u3","timestamp":"2026-11-20T06:00:00Z"},
		{"type":"identify","userId":"u4","timestamp":"2026-11-20T06:00:00Z","sentAt":"2026-11-20T06:00:30Z"}],
		"context":{"campaign":{"source":"shared"},"page":{"url":"https://b.example/"}},"sentAt":"2026-11-20T06:00:30Z","writeKey":"k"}`
	out := decodeDelivery(t, "segment", "", webhook.Delivery{Body: []byte(body), Suffix: "v1/batch"})
	if len(out.Events) != 4 || out.DeliveryID != "" {
		t.Fatalf("%+v", out)
	}
	first, second, third := out.Events[0], out.Events[1], out.Events[2]
	if first.ID != "segment:1" || second.ID != "segment:2" || !strings.HasPrefix(third.ID, "segment:h-") || !third.DerivedID {
		t.Errorf("ids %q %q %q", first.ID, second.ID, third.ID)
	}
	if first.Attribution.UTMSource != "shared" || second.Attribution.Landing != "https://a.example/?utm_source=own" || first.At.Format(time.TimeOnly) != "07:15:00" {
		t.Errorf("%+v %+v %v", first.Attribution, second.Attribution, first.At)
	}
	// Sent again later, the nameless call keeps its id.
	again := decodeDelivery(t, "segment", "", webhook.Delivery{Body: []byte(strings.ReplaceAll(body, "06:00:30Z", "06:09:30Z")), Suffix: "v1/batch"})
	if again.Events[3].ID != out.Events[3].ID || again.Events[2].ID != third.ID || again.Events[2].At.Equal(third.At) {
		t.Errorf("ids %q %q, times %v %v", again.Events[2].ID, third.ID, again.Events[2].At, third.At)
	}
}

// The limit of keys is for one event, not for a batch of them.
func TestSegmentLargeBatch(t *testing.T) {
	var items []string
	for i := range 700 {
		items = append(items, fmt.Sprintf(`{"type":"identify","userId":"u%d","messageId":"%d","traits":{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6,"g":7,"h":8,"i":9,"j":10,"k":11,"l":12}}`, i, i))
	}
	body := `{"batch":[` + strings.Join(items, ",") + `],"context":{"campaign":{"source":"s"}},"writeKey":"` + newSecret + `"}`
	in := start(t, "sources:\n  - {name: s, kind: segment, secrets: [\"env:"+newSecret+"\"]}\n")
	if got := in.send(t, "POST", "/in/s/v1/batch", body); got.status != 200 {
		t.Fatalf("status %d: %s", got.status, got.body)
	}
	if out := in.decodeLast(t); len(out.Events) != 700 || out.Events[699].ID != "segment:699" || out.Events[699].Attribution.UTMSource != "s" {
		t.Errorf("%d events, failure %v", len(out.Events), out.Failure)
	}
}

func TestSegmentAuthentication(t *testing.T) {
	in := start(t, "sources:\n  - {name: s, kind: segment, secrets: [\"env:"+oldSecret+"\", \"env:"+newSecret+"\"]}\n")
	body := `{"type":"identify","userId":"u1","note":"\u0410"}`
	array := "[\n " + body + ` , {"type":"delete","userId":"u2"}, {"type":"identify","userId":"u3"}]`
	basic := func(text string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(text)) }
	for _, tt := range []struct {
		name, path, body string
		headers          []string
		want             int
	}{
		{"signature", "", body, []string{"X-Signature", sign1(newSecret, body)}, 200},
		{"old secret", "", body, []string{"X-Signature", sign1(oldSecret, body)}, 200},
		{"first element of an array", "", array, []string{"X-Signature", sign1(newSecret, body)}, 200},
		{"whole array", "", array, []string{"X-Signature", sign1(newSecret, array)}, 200},
		{"second element of an array", "", array, []string{"X-Signature", sign1(newSecret, `{"type":"delete","userId":"u2"}`)}, 401},
		{"another body", "", body + " ", []string{"X-Signature", sign1(newSecret, body)}, 401},
		{"wrong signature, right key", "", body, []string{"X-Signature", sign1("x", body), "Authorization", basic(newSecret + ":")}, 401},
		{"no hex", "", body, []string{"X-Signature", "zz"}, 401},
		{"empty signature", "", body, []string{"X-Signature", ""}, 401},
		{"basic", "/v1/identify", body, []string{"Authorization", basic(newSecret + ":")}, 200},
		{"basic without a colon", "/v1/identify", body, []string{"Authorization", basic(newSecret)}, 200},
		{"basic, wrong", "/v1/identify", body, []string{"Authorization", basic("x:" + newSecret)}, 401},
		{"bearer", "/v1/identify", body, []string{"Authorization", "Bearer " + newSecret}, 200},
		{"body", "/v1/identify", `{"writeKey":"` + newSecret + `","userId":"u1"}`, nil, 200},
		{"body of a batch", "/v1/batch", `{"batch":[` + body + `],"writeKey":"` + oldSecret + `"}`, nil, 200},
		{"body, wrong", "/v1/identify", `{"writeKey":"x","userId":"u1"}`, nil, 401},
		{"beacon", "/beacon/v1/batch?writeKey=" + newSecret, `{"batch":[` + body + `]}`, []string{"Content-Type", "text/plain"}, 200},
		{"beacon, wrong", "/beacon/v1/batch?writeKey=x", `{"batch":[` + body + `]}`, nil, 401},
		{"none", "/v1/identify", body, nil, 401},
	} {
		t.Run(tt.name, func(t *testing.T) {
			refused := len(in.sink.refused)
			got := in.send(t, "POST", "/in/s"+tt.path, tt.body, tt.headers...)
			if got.status != tt.want || tt.want == 200 && got.body != "OK" || (tt.want == 401) != (len(in.sink.refused) == refused+1) {
				t.Fatalf("status %d, want %d: %s", got.status, tt.want, got.body)
			}
			if tt.want != 200 {
				return
			}
			d := in.sink.last(t)
			unblanked(t, d, oldSecret, newSecret, base64.StdEncoding.EncodeToString([]byte(newSecret)))
			if len(d.Body) != len(tt.body) || !d.Trusted || in.decodeLast(t).Failure != nil {
				t.Errorf("stored otherwise, or not understood: %+v", in.decodeLast(t).Failure)
			}
		})
	}
	// What the signature does not cover must not erase anybody.
	in.send(t, "POST", "/in/s", array, "X-Signature", sign1(newSecret, body))
	out := in.decodeLast(t)
	if len(out.Events) != 3 || out.Events[1].Kind != event.Profile || out.Events[1].Attributes["erasure_not_signed"] != "true" {
		t.Errorf("%+v", out.Events)
	}
}

func TestSegmentAnswers(t *testing.T) {
	in := start(t, "sources:\n  - {name: s, kind: segment}\n")
	for _, tt := range []struct {
		name, method, path, body string
		headers                  []string
		want                     int
	}{
		{"track by its path", "POST", "/v1/track", `{"userId":"u","event":"Order Completed","properties":{"order_id":1}}`, nil, 200},
		{"nothing of interest", "POST", "/v1/page", `{"userId":"u"}`, nil, 200},
		{"no JSON", "POST", "/v1/track", `hello`, nil, 400},
		{"broken off", "POST", "/v1/track", `{"userId":`, nil, 400},
		{"empty", "POST", "/v1/track", ``, nil, 400},
		{"no JSON from a destination", "POST", "", `hello`, []string{"X-Signature", "00"}, 200},
		{"pixel", "GET", "/pixel/v1/track?writeKey=k&userId=u&event=Order+Completed&properties[order_id]=1", "", nil, 200},
	} {
		before := in.sink.count()
		if got := in.send(t, tt.method, "/in/s"+tt.path, tt.body, tt.headers...); got.status != tt.want || in.sink.count() != before+1 {
			t.Errorf("%s: status %d, want %d: %s", tt.name, got.status, tt.want, got.body)
		}
	}
	if ev := one(t, in.decodeLast(t)); ev.Kind != event.OrderChange || ev.Order.ID != "1" {
		t.Errorf("the pixel: %+v", ev)
	}
	unblanked(t, in.sink.last(t), "writeKey=k")
}
