package webhook_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/webhook"
)

func TestCloudEventsSample(t *testing.T) {
	row := sampleOf(t, "cloudevents-structured.json")
	in := start(t, "sources:\n  - {name: cloudevents, kind: cloudevents}\n")
	for range 2 {
		if got := in.sendSample(t, row, row.body); got.status != 200 {
			t.Fatalf("status %d", got.status)
		}
	}
	if d := in.sink.last(t); string(d.Body) != row.body || !d.HasID || d.Trusted {
		t.Error("not stored as sent")
	}
	out := in.decodeLast(t)
	compare(t, row, out)
	ev := one(t, out)
	if ev.Order.Status != event.StatusPaid || ev.Client.Phone != "+79000000001" || ev.At.Unix() != 1777627845 {
		t.Errorf("%+v %+v at %v", ev.Order, ev.Client, ev.At)
	}
}

// The three modes of one event are one event.
func TestCloudEventsModes(t *testing.T) {
	data := `{"order_id":"1024","phone":"+79000000001","amount":"8270.00","currency":"RUB"}`
	attributes := `"specversion":"1.0","type":"ru.shop.order.paid","source":"/shop/заказы","id":"A1","time":"2026-05-01T09:30:45Z"`
	structured := "{" + attributes + `,"data":` + data + "}"
	for _, tt := range []struct {
		name string
		d    webhook.Delivery
	}{
		{"structured", webhook.Delivery{ContentType: "application/cloudevents+json; charset=UTF-8", Body: []byte(structured)}},
		{"structured, called json", webhook.Delivery{ContentType: jsonType, Body: []byte(structured)}},
		{"data in base64", webhook.Delivery{Body: []byte("{" + attributes + `,"data_base64":"` + base64.StdEncoding.EncodeToString([]byte(data)) + `"}`)}},
		{"data in a text", webhook.Delivery{Body: []byte("{" + attributes + `,"data":"` + strings.ReplaceAll(data, `"`, `\"`) + `"}`)}},
		{"binary", webhook.Delivery{ContentType: jsonType, Body: []byte(data), Header: map[string]string{
			"ce-specversion": "1.0", "ce-type": "ru.shop.order.paid", "ce-source": "/shop/%D0%B7%D0%B0%D0%BA%D0%B0%D0%B7%D1%8B", "ce-id": "A1", "ce-time": "2026-05-01T09:30:45Z",
		}}},
		{"structured, with attributes in headers too", webhook.Delivery{ContentType: "application/cloudevents+json", Body: []byte(structured), Header: map[string]string{"ce-id": "other", "ce-source": "/other"}}},
		{"batch of one", webhook.Delivery{ContentType: "application/cloudevents-batch+json", Body: []byte("[" + structured + "]")}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out := decodeDelivery(t, "cloudevents", "", tt.d)
			ev := one(t, out)
			if ev.ID != "/shop/заказы|A1" || out.DeliveryID != ev.ID || ev.Kind != event.OrderChange || ev.Order.Total != "8270.00" || ev.Order.Status != "paid" || ev.At.Unix() != 1777627845 {
				t.Errorf("%+v %+v", ev, ev.Order)
			}
		})
	}
}

func TestCloudEventsBatch(t *testing.T) {
	body := `[{"specversion":"1.0","type":"form","source":"/a","id":"1","data":{"phone":"89000000001"}},
		{"specversion":"1.0","type":"form","source":"/b","id":"1","data":{"phone":"89000000002"}},
		{"specversion":"1.0","type":"heartbeat","source":"/b","id":"2"},
		{"specversion":"1.0","type":"form","source":"/b","id":"3","data":{"id":"own","kind":"lead","client":{"phone":"89000000003"}}},
		{"specversion":"1.0","type":"form","source":"/b","id":"4","data":[{"phone":"89000000004"},{"phone":"89000000005"}]},
		{"specversion":"1.0","type":"form","source":"/b","data":{"phone":"89000000006"}}]`
	out := decodeDelivery(t, "cloudevents", ", options: {heartbeat: ignore}", webhook.Delivery{Body: []byte(body)})
	want := []string{"/a|1", "/b|1", "own", "/b|4/0", "/b|4/1"}
	if out.DeliveryID != "" || len(out.Events) != len(want)+1 {
		t.Fatalf("%+v", out)
	}
	for i, id := range want {
		if out.Events[i].ID != id || out.Events[i].DerivedID {
			t.Errorf("event %d: id %q, want %q", i, out.Events[i].ID, id)
		}
	}
	if !out.Events[5].DerivedID {
		t.Error("an event without an id got one of the sender's")
	}
	// One that says nothing of anybody is to be seen, and costs the others nothing.
	out = decodeDelivery(t, "cloudevents", "", webhook.Delivery{Body: []byte(body)})
	if out.Left == nil || out.Left.Reason != webhook.ReasonNoContact || out.Failure != nil || out.Status != 200 || len(out.Events) != len(want)+1 || out.Events[2].ID != "own" {
		t.Errorf("Decode = %+v", out)
	}
	if out := decodeDelivery(t, "cloudevents", "", webhook.Delivery{Body: []byte(`[]`)}); !out.Ping {
		t.Errorf("an empty batch: %+v", out)
	}
	beat := webhook.Delivery{Header: map[string]string{"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/b", "ce-type": "heartbeat"}}
	if out := decodeDelivery(t, "cloudevents", ", options: {heartbeat: ignore}", beat); !out.Ping {
		t.Errorf("an event without data: %+v", out)
	}
	for _, body := range []string{`{}`, `{"specversion":"1.0"}`, `{"type":"x","data":{"phone":"89000000001"}}`, `[1]`, `"x"`, `a=b`} {
		if out := decodeDelivery(t, "cloudevents", "", webhook.Delivery{Body: []byte(body)}); out.Failure == nil || out.Status != 200 || out.DeliveryID != "" {
			t.Errorf("%s: %+v", body, out)
		}
	}
}

func TestCloudEventsHandshake(t *testing.T) {
	in := start(t, "sources:\n  - {name: any, kind: cloudevents, secrets: [\"env:"+newSecret+"\"]}\n  - {name: slow, kind: cloudevents, requests_per_second: 2}\n  - {name: other, kind: json}\n")
	for _, tt := range []struct{ source, origin, allowed, rate string }{
		{"any", "eventemitter.example.com", "eventemitter.example.com", "*"},
		{"slow", "eventemitter.example.com", "eventemitter.example.com", "120"},
		{"any", "<script>", "", ""},
		{"other", "eventemitter.example.com", "", ""},
	} {
		got := in.send(t, http.MethodOptions, "/in/"+tt.source, "", "WebHook-Request-Origin", tt.origin, "WebHook-Request-Rate", "100")
		if got.header.Get("WebHook-Allowed-Origin") != tt.allowed || got.header.Get("WebHook-Allowed-Rate") != tt.rate || tt.allowed != "" && got.status != 200 {
			t.Errorf("%s, %s: status %d, %v", tt.source, tt.origin, got.status, got.header)
		}
	}
	if in.sink.count() != 0 {
		t.Error("a handshake was stored")
	}
}

func TestCloudEventsAuthentication(t *testing.T) {
	in := start(t, "sources:\n  - {name: s, kind: cloudevents, secrets: [\"env:"+oldSecret+"\", \"env:"+newSecret+"\"]}\n")
	body := `{"specversion":"1.0","type":"form","source":"/a","id":"1","data":{"phone":"89000000001"}}`
	for _, tt := range []struct {
		name, query, authorization string
		want                       int
	}{
		{"new", "", "Bearer " + newSecret, 200},
		{"old", "", "bearer " + oldSecret, 200},
		{"query", "?access_token=" + newSecret, "", 200},
		{"wrong", "", "Bearer " + newSecret[1:], 401},
		{"wrong query", "?access_token=x", "", 401},
		{"none", "", "", 401},
	} {
		var headers []string
		if tt.authorization != "" {
			headers = []string{"Authorization", tt.authorization}
		}
		if got := in.send(t, "POST", "/in/s"+tt.query, body, headers...); got.status != tt.want {
			t.Errorf("%s: status %d, want %d", tt.name, got.status, tt.want)
		}
		if tt.want == 200 {
			unblanked(t, in.sink.last(t), oldSecret, newSecret)
		}
	}
	if len(in.sink.refused) != 3 {
		t.Errorf("%d kept unauthenticated", len(in.sink.refused))
	}
}
