package webhook_test

import (
	"encoding/json"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/webhook"
)

func posted(body string, header ...string) webhook.Delivery {
	d := webhook.Delivery{Body: []byte(body), Header: map[string]string{}}
	for i := 0; i+1 < len(header); i += 2 {
		d.Header[header[i]] = header[i+1]
	}
	return d
}

// Builders and proxies wrap what they pass on into a list of one.
func TestAListOfOneIsTheOne(t *testing.T) {
	for kind, body := range map[string]string{
		"shopify":      `[{"id":9007199254740993123,"total_price":8270,"line_items":[],"phone":"+79000000001"}]`,
		"insales":      `[{"id":5,"total_price":14750.5,"client":{"phone":"89000000001"}}]`,
		"google-ads":   `[{"lead_id":"L1","user_column_data":[{"column_id":"PHONE_NUMBER","string_value":"+79000000001"}]}]`,
		"google-forms": `[{"Имя":"Анна","Телефон":"89000000001"}]`,
		"passteam":     `[{"fields":{"%PHONE%":"89000000001"}}]`,
		"segment":      `[{"type":"identify","userId":"u","traits":{"phone":"89000000001"}}]`,
		"cloudevents":  `[{"specversion":"1.0","id":"1","source":"/a","type":"x","data":{"phone":"89000000001"}}]`,
	} {
		t.Run(kind, func(t *testing.T) {
			ev := one(t, decodeDelivery(t, kind, "", posted(body)))
			if !strings.HasSuffix(ev.Client.Phone, "9000000001") {
				t.Errorf("%+v", ev.Client)
			}
		})
	}
	list := `[{"title":"Имя","answer":"Анна"},{"title":"Телефон","answer":"89000000001"}]`
	if ev := one(t, decodeDelivery(t, "google-forms", "", posted(list))); ev.Client.Name != "Анна" || ev.Client.Phone == "" {
		t.Errorf("a bare list of questions: %+v", ev.Client)
	}
}

func TestTitlesWithAWordInBrackets(t *testing.T) {
	body := `{"Как вас зовут?":"Анна","Телефон / WhatsApp":"89000000001","Адрес электронной почты (e-mail)":"anna@shop.example"}`
	ev := one(t, decodeDelivery(t, "google-forms", "", posted(body)))
	if ev.Client.Name != "Анна" || ev.Client.Phone != "89000000001" || ev.Client.Email != "anna@shop.example" {
		t.Errorf("%+v", ev.Client)
	}
}

// The map of the kinds of a site's own forms takes paths, as that of any other.
func TestFormKindsTakePathsInTheMap(t *testing.T) {
	more := `, map: {phone: order.customer.phone, name: "order[customer][title]", city: places.1.name}, consents: [{purpose: ads, field: order.agree, equals: "yes"}]`
	for name, body := range map[string]string{
		"json":        `{"order":{"agree":"yes","customer":{"phone":89000000001,"title":"Анна"}},"places":[{"name":"Омск"},{"name":"Томск"}]}`,
		"form":        `order[agree]=yes&order[customer][phone]=89000000001&order%5Bcustomer%5D%5Btitle%5D=Анна&places[0][name]=Омск&places[1][name]=Томск`,
		"json string": `{"order":"{\"agree\":\"yes\",\"customer\":{\"phone\":\"89000000001\",\"title\":\"Анна\"}}","places":"[0,{\"name\":\"Томск\"}]"}`,
	} {
		for _, kind := range []string{"form", "json", "tilda", "standard-webhooks"} {
			t.Run(kind+" "+name, func(t *testing.T) {
				ev := one(t, decodeDelivery(t, kind, more, posted(body)))
				if ev.Client.Phone != "89000000001" || ev.Client.Name != "Анна" || ev.Client.City != "Томск" || len(ev.Consents) != 1 || !ev.Consents[0].Given {
					t.Errorf("%+v %+v", ev.Client, ev.Consents)
				}
			})
		}
	}
}

// The buyer of an order may stand in it, beside it or in the envelope.
func TestTheBuyerOfAnEnvelopesOrderIsFound(t *testing.T) {
	for name, data := range map[string]string{
		"beside":         `{"order_id":"55","amount":"100.50","client":{"phone":"89000000001"}}`,
		"in the order":   `{"order":{"id":"55","total":100.5,"customer":{"phone":"89000000001","name":"Анна"}}}`,
		"of the order":   `{"order":{"id":"55","total":"100.50","phone":"89000000001"}}`,
		"under a client": `{"order":{"id":"55","total":"100.50","client":{"phone":"89000000001"}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			ev := one(t, decodeDelivery(t, "standard-webhooks", "", posted(`{"type":"order.paid","data":`+data+`}`, "webhook-id", "m1")))
			if ev.Kind != event.OrderChange || ev.Order.ID != "55" || ev.Order.Total != "100.50" || ev.Order.Status != "paid" || ev.Client.Phone != "89000000001" {
				t.Errorf("%+v %+v", ev.Order, ev.Client)
			}
		})
	}
}

// Senders of batches that cannot correct anything lose only what is wrong, and an
// event keeps its id when its neighbour is understood after a change of the map.
func TestAPoisonedBatchKeepsItsNeighbours(t *testing.T) {
	body := `[{"contact_number":"89000000002"},{"phone":"89000000001"}]`
	for _, tt := range []struct{ kind, body, rule string }{
		{"standard-webhooks", body, ", map: {phone: contact_number}"},
		{"form", body, ""},
		{"cloudevents", `{"specversion":"1.0","id":"1","source":"/a","type":"x","data":` + body + `}`, ""},
		{"segment", `{"batch":[{"type":"track","messageId":"m0","event":"Lead"},{"type":"track","messageId":"m1","event":"Lead","userId":"u"}]}`, ""},
	} {
		t.Run(tt.kind, func(t *testing.T) {
			d := posted(tt.body, "webhook-id", "m1")
			out := decodeDelivery(t, tt.kind, ", options: {Lead: lead}", d)
			if one(t, out); out.Left == nil || out.Left.Reason != webhook.ReasonNoContact || out.Status != 200 {
				t.Errorf("Decode = %+v", out)
			}
			if tt.rule == "" {
				return
			}
			both := decodeDelivery(t, tt.kind, ", map: {phone: contact_number, external_id: phone}", d)
			if len(both.Events) != 2 || both.Left != nil || both.Events[1].ID != out.Events[0].ID || both.Events[0].ID == out.Events[0].ID {
				t.Errorf("ids %q, before %q", []string{both.Events[0].ID, both.Events[1].ID}, out.Events[0].ID)
			}
		})
	}
}

func TestVKLeadWithoutItsFormIsStillOneLead(t *testing.T) {
	body := `{"type":"lead_forms_new","group_id":12345678901234567890,"object":{"lead_id":9,"form_id":null,"answers":{"0":{"key":"phone_number","answer":"89000000001"}}}}`
	ev := one(t, decodeDelivery(t, "vk", "", posted(body)))
	if ev.ID != "vk:12345678901234567890:9" || ev.Entity != ev.ID {
		t.Errorf("id %q, entity %q", ev.ID, ev.Entity)
	}
	body = `{"type":"lead_forms_new","group_id":1,"object":{"lead_id":9,"answers":[{"key":"custom_0","question":"Номер?","answer":{"key":"a","value":"89000000001"}}]}}`
	if ev := one(t, decodeDelivery(t, "vk", `, map: {phone: "Номер?"}`, posted(body))); ev.Client.Phone != "89000000001" {
		t.Errorf("a mapped answer that is an object: %+v", ev.Client)
	}
}

func TestWooTopicsInTwoHalves(t *testing.T) {
	out := decodeDelivery(t, "woocommerce", "", posted(`{"id":5}`, "x-wc-webhook-resource", "order", "x-wc-webhook-event", "deleted"))
	if ev := one(t, out); ev.Order == nil || ev.Order.Status != event.StatusCancelled {
		t.Errorf("%+v", ev)
	}
	if out := decodeDelivery(t, "woocommerce", "", posted(`{"webhook_id":5}`)); !out.Ping {
		t.Errorf("%+v", out)
	}
}

func TestPassquareSpellingsOfANumberAreOneCustomer(t *testing.T) {
	reply := func(phone string) string {
		return string(decodeDelivery(t, "passquare", "", posted(`{"method":"createCustomer","customer":{"phone":"`+phone+`"}}`)).Reply.Body)
	}
	if a, b := reply("8 900 000-00-01"), reply("+7 (900) 000 00 01"); a != b {
		t.Errorf("%s and %s", a, b)
	}
	if reply("+7 900 000-00-01") == reply("+7 900 000-00-02") {
		t.Error("two numbers are one customer")
	}
}

// A mapped click id wins, and what is told of an order in pieces does not repeat
// a consent that belongs to the whole.
func TestTheMapOfAForeignKindWins(t *testing.T) {
	body := `{"id":5,"landing_site":"/?yclid=1","note":"777","line_items":[],"total_price":"1.00",
		"refunds":[{"id":6,"transactions":[{"kind":"refund","amount":"1.00"}]}]}`
	out := decodeDelivery(t, "shopify", ", map: {yclid: note}, consents: [{purpose: ads, always: true}]", posted(body, "x-shopify-topic", "orders/updated"))
	if len(out.Events) != 2 {
		t.Fatalf("%+v", out)
	}
	if diff := cmp.Diff(map[string]string{"yclid": "777"}, out.Events[0].Attribution.ClickIDs); diff != "" {
		t.Error(diff)
	}
	if len(out.Events[0].Consents) != 1 || len(out.Events[1].Consents) != 0 {
		t.Errorf("%+v and %+v", out.Events[0].Consents, out.Events[1].Consents)
	}
}

// A library that sends again writes a new time of sending; what it says is the
// same.
func TestASegmentCallSentAgainIsTheSameStatement(t *testing.T) {
	body := `{"type":"track","messageId":"m","userId":"u","event":"Order Completed","properties":{"order_id":"1"},"originalTimestamp":"2026-11-20T07:00:00Z","sentAt":"2026-11-20T07:00:0`
	first := one(t, decodeDelivery(t, "segment", "", posted(body+`1.003Z"}`)))
	again := one(t, decodeDelivery(t, "segment", "", posted(body+`7.090Z"}`)))
	if !first.EstimatedAt || first.ID != again.ID || first.At.Equal(again.At) {
		t.Errorf("ids %q and %q, at %v and %v, estimated %v", first.ID, again.ID, first.At, again.At, first.EstimatedAt)
	}
}

// What costs a sender one megabyte costs us little.
func TestHostileBatchesAndListsAreCheap(t *testing.T) {
	context := make(map[string]int)
	for i := range 5000 {
		context["k"+string(rune('a'+i%26))+time.Duration(i).String()] = 1
	}
	around, err := json.Marshal(context)
	if err != nil {
		t.Fatal(err)
	}
	notes := `{"id":5,"line_items":[],"total_price":"1.00","note_attributes":[` +
		strings.TrimSuffix(strings.Repeat(`{"name":"a","value":"`+strings.Repeat("x", 150)+`"},`, 4900), ",") + `]}`
	for name, tt := range map[string]struct{ kind, body string }{
		"context of a batch": {"segment", `{"context":` + string(around) + `,"batch":[` + strings.TrimSuffix(strings.Repeat(`{"type":"identify","context":{"a":1}},`, 4000), ",") + `]}`},
		"one name, many":     {"shopify", notes},
		"one value, many":    {"shopify", varied(notes)},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		began := time.Now()
		out := decodeDelivery(t, tt.kind, ", map: {city: nowhere}", posted(tt.body))
		took := time.Since(began)
		runtime.ReadMemStats(&after)
		if allocated := (after.TotalAlloc - before.TotalAlloc) >> 20; out.Status != 200 || took > 20*time.Second || allocated > 400 {
			t.Errorf("%s: status %d, took %v and %d MiB", name, out.Status, took, allocated)
		} else {
			t.Logf("%s: took %v and %d MiB", name, took, allocated)
		}
	}
}

// varied makes the values of a body differ.
func varied(body string) string {
	var b strings.Builder
	for i, part := range strings.SplitAfter(body, `"value":"`) {
		b.WriteString(part)
		b.WriteString(strings.Repeat("y", i%7))
	}
	return strings.ReplaceAll(b.String(), `]}y`, `]}`)
}
