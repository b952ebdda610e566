package webhook_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/event"
)

func TestTilda(t *testing.T) {
	const head = "Name=A&Phone=89000000001&"
	order := func(t *testing.T, more, contentType, body string) event.Event {
		t.Helper()
		return one(t, decode(t, "tilda", more, contentType, body))
	}
	want := &event.Order{ID: "5", Status: "new", Total: "1500.00", Shipping: "300.00", Items: []event.Item{{Name: "Кофе", SKU: "K", Quantity: "2", Price: "600.00", Sum: "1200.00"}}}
	product := `{"name":"Кофе","sku":"K","externalid":"zz","quantity":2,"price":"600","amount":1200}`
	for _, tt := range []struct{ name, contentType, body string }{
		{"brackets", formType, head + "tranid=1:2&deliveryType=Курьер 300 руб. = 300&payment[orderid]=5&payment[amount]=1500&payment[products][0][name]=Кофе&payment[products][0][sku]=K&payment[products][0][quantity]=2&payment[products][0][price]=600&payment[products][0][amount]=1200"},
		{"sparse products", formType, head + "tranid=1:2&deliveryType=x = 300&payment[orderid]=5&payment[amount]=1500&payment[products][7][name]=Кофе&payment[products][7][sku]=K&payment[products][7][quantity]=2&payment[products][7][price]=600&payment[products][7][amount]=1200"},
		{"text", formType, head + "tranid=1:2&payment=" + url.QueryEscape(`{"orderid":"5","amount":"1500","delivery_price":300,"products":[`+product+`]}`)},
		{"products as text", formType, head + "tranid=1:2&payment[orderid]=5&payment[amount]=1500&payment[delivery]=Почта = 300&payment[products]=" + url.QueryEscape("["+product+"]")},
		{"object", jsonType, `{"Name":"A","Phone":"89000000001","tranid":"1:2","payment":{"orderid":5,"amount":1500,"delivery_price":"300","products":[` + product + `]}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ev := order(t, "", tt.contentType, tt.body)
			if diff := cmp.Diff(want, ev.Order); diff != "" || ev.Kind != event.OrderChange || ev.ID != "tilda:1:2" {
				t.Errorf("kind %s, id %s: %s", ev.Kind, ev.ID, diff)
			}
			if _, ok := ev.Attributes["payment"]; ok {
				t.Error("the cart stands in the attributes too")
			}
		})
	}
	const cart = head + "tranid=1:2&payment[orderid]=5&payment[amount]=1500"
	t.Run("amounts are no orders", func(t *testing.T) {
		ev := order(t, ", orders: false", formType, cart)
		if ev.Kind != event.Lead || ev.Order != nil || ev.SenderOrders || !strings.Contains(ev.Attributes["payment"], "1500") {
			t.Errorf("event %+v", ev)
		}
	})
	t.Run("configured status", func(t *testing.T) {
		if ev := order(t, ", order_status: paid", formType, cart); ev.Order.Status != "paid" {
			t.Errorf("status %s", ev.Order.Status)
		}
	})
	t.Run("product as a sentence", func(t *testing.T) {
		ev := order(t, "", formType, head+"payment="+url.QueryEscape(`{"orderid":"5","products":["Кофе - зерно - 2x990 = 1980"],"amount":"1980"}`))
		want := []event.Item{{Name: "Кофе - зерно", Quantity: "2", Price: "990.00", Sum: "1980.00"}}
		if diff := cmp.Diff(want, ev.Order.Items); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("no transaction", func(t *testing.T) {
		out := decode(t, "tilda", "", formType, head+"formid=f1&payment[orderid]=5&payment[amount]=1")
		if out.DeliveryID != "tilda:f1:5" {
			t.Errorf("delivery id %q", out.DeliveryID)
		}
		ev := order(t, "", formType, head+"payment[amount]=1")
		if ev.Order.ID == "" || !ev.DerivedID {
			t.Errorf("event %+v", ev)
		}
	})
	t.Run("a field named test is no ping", func(t *testing.T) {
		if out := decode(t, "tilda", "", formType, head+"test=test"); out.Ping {
			t.Error("a lead was taken for a ping")
		}
	})
	t.Run("broken bodies are answered with ok", func(t *testing.T) {
		for _, body := range []string{"", "hello", `{"a":`, "x=1"} {
			out := decode(t, "tilda", "", jsonType, body)
			if out.Failure == nil || out.Status != 200 || string(out.Reply.Body) != "ok" {
				t.Errorf("%q: failure %v, reply %d %q", body, out.Failure, out.Status, out.Reply.Body)
			}
		}
	})
}
