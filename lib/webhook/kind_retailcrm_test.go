package webhook_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/webhook"
)

func crmSample(t *testing.T, source, file string) (sample, string) {
	t.Helper()
	for _, s := range samples(t, source) {
		if s.File == file {
			return s, s.body
		}
	}
	t.Fatalf("the manifest has no %s", file)
	return sample{}, ""
}

func TestRetailcrmTriggerThroughTheServer(t *testing.T) {
	s, body := crmSample(t, "retailcrm", "retailcrm-trigger.form")
	in := start(t, "sources: [{name: retailcrm, kind: retailcrm, secrets: [env:old-secret, env:test-secret]}]")
	got := in.send(t, "POST", "/in/retailcrm", body, "Content-Type", s.ContentType)
	if got.status != 200 || got.body != "ok" {
		t.Fatalf("answer %d %q", got.status, got.body)
	}
	d := in.sink.last(t)
	if want := strings.Replace(body, "key=test-secret", "key=***********", 1); string(d.Body) != want || !d.Trusted {
		t.Error("the stored body is not what was sent with the secret blanked, or not trusted")
	}
	out := in.decodeLast(t)
	ev := one(t, out)
	if out.DeliveryID != *s.Expect.DedupKey || ev.ID != *s.Expect.DedupKey || ev.DerivedID {
		t.Errorf("delivery id %q, event id %q, want %q", out.DeliveryID, ev.ID, *s.Expect.DedupKey)
	}
	want := event.Event{
		ID: "retailcrm:1024:complete", Kind: event.OrderChange, Entity: "retailcrm:1024", SenderOrders: true,
		Client:     event.Client{Phone: "+7 900 000 00 01"},
		Order:      &event.Order{ID: "site-555", Status: "completed", Total: "8270.00"},
		Attributes: map[string]string{"order_number": "1024A", "order_status": "complete", "site": "shop-example"},
	}
	if diff := cmp.Diff(want, ev); diff != "" {
		t.Error(diff)
	}
	key := d.Key
	if again := in.send(t, "POST", "/in/retailcrm", body, "Content-Type", s.ContentType); again.status != 200 || again.body != "ok" || in.sink.last(t).Key != key {
		t.Error("a repetition is not answered and keyed like the first")
	}
	for _, wrong := range []string{strings.Replace(body, "test-secret", "test-secreT", 1), strings.Replace(body, "&key=test-secret", "", 1)} {
		stored := in.sink.count()
		if got := in.send(t, "POST", "/in/retailcrm", wrong, "Content-Type", s.ContentType); got.status != 401 {
			t.Errorf("status %d, want 401", got.status)
		}
		if in.sink.count() != stored || len(in.sink.refused) == 0 || string(in.sink.refused[len(in.sink.refused)-1].Body) != wrong {
			t.Error("a refused delivery was not kept apart as it came")
		}
	}
	if got := in.send(t, "GET", "/in/retailcrm?"+body, ""); got.status != 200 || one(t, in.decodeLast(t)).Order.ID != "site-555" || strings.Contains(in.sink.last(t).Query, "test-secret") {
		t.Error("a trigger that sends its parameters in the address is not read, or its secret is kept")
	}
}

func TestRetailcrmWholeOrder(t *testing.T) {
	s, body := crmSample(t, "retailcrm", "retailcrm-order.json")
	out := decode(t, "retailcrm", "", s.ContentType, body)
	ev := one(t, out)
	if out.DeliveryID != "" || !ev.DerivedID {
		t.Errorf("a whole order has the delivery id %q; it may come again with another content", out.DeliveryID)
	}
	ev.ID, ev.DerivedID = "", false
	want := event.Event{
		Kind: event.OrderChange, Entity: "retailcrm:1024", SenderOrders: true, At: ev.At,
		Client: event.Client{
			Phone: "+7 (900) 000-00-01", Phones: []string{"84950000002", "+79000000001", "8 (495) 000-00-02"}, Email: "ivan.testov@example.com",
			ExternalID: "u-9", ExternalIDs: []string{"retailcrm_customer:77"}, Name: "Иван Тестов", FirstName: "Иван", LastName: "Тестов",
			Country: "RU", Address: "Москва, ул. Тестовая, д. 1",
		},
		Order: &event.Order{
			ID: "site-555", Status: "paid", Currency: "RUB", Total: "8270.00", Shipping: "300.00",
			Items: []event.Item{
				{SKU: "NPG-1", Name: "Кофеварка Test Nano", Quantity: "1", Price: "5990.00"},
				{SKU: "ST-2", Name: "Стакан", Quantity: "2", Price: "990.00"},
			},
		},
		Attribution: event.Attribution{
			UTMSource: "yandex", UTMMedium: "cpc", UTMCampaign: "spring_2026", UTMTerm: "кофеварка купить", UTMContent: "ad-77",
			ClientIDs: map[string]string{"ga": "1111111111.1700000000", "ym_uid": "1700000000123456789"},
		},
		Attributes: map[string]string{"order_number": "1024A", "site": "shop-example", "order_method": "shopping-cart", "order_type": "eshop-individual", "order_status": "prepayed"},
	}
	if diff := cmp.Diff(want, ev); diff != "" {
		t.Error(diff)
	}
	if got := ev.At.Format("2006-01-02T15:04:05Z07:00"); got != "2026-05-02T06:00:00Z" { // 9:00 in Moscow
		t.Errorf("at %s", got)
	}
	for key, value := range ev.Attributes {
		if strings.Contains(value, "4000") {
			t.Errorf("the price of purchase leaked into %s", key)
		}
	}
}

func TestRetailcrmQuirks(t *testing.T) {
	read := func(t *testing.T, more, body string) event.Event {
		t.Helper()
		return one(t, decode(t, "retailcrm", more, jsonType, body))
	}
	t.Run("status", func(t *testing.T) {
		for _, tt := range []struct{ name, more, order, want string }{
			{"paid by its payments", "", `"status":"assembling","totalSumm":100,"payments":{"1":{"status":"paid","amount":60},"2":{"status":"paid","amount":"40.00"}}`, "paid"},
			{"payments in a list", "", `"status":"assembling","totalSumm":100,"payments":[{"status":"paid","amount":100}]`, "paid"},
			{"paid in part", "", `"status":"assembling","totalSumm":100,"payments":{"1":{"status":"paid","amount":60}}`, "new"},
			{"not paid yet", "", `"status":"assembling","totalSumm":100,"payments":{"1":{"status":"not-paid","amount":100}}`, "new"},
			{"new and paid", "", `"status":"new","fullPaidAt":"2026-05-01 10:00:00"`, "paid"},
			{"cancelled though paid", "", `"status":"cancel-other","fullPaidAt":"2026-05-01 10:00:00"`, "cancelled"},
			{"a word of ours though paid", "", `"status":"shipped","fullPaidAt":"2026-05-01 10:00:00"`, "shipped"},
			{"the owner's word", ", orders: {prepayed: new}", `"status":"prepayed","fullPaidAt":"2026-05-01 10:00:00"`, "new"},
			{"the owner's word over the dictionary", ", orders: {complete: shipped}", `"status":"complete"`, "shipped"},
			{"unknown", ", order_status: shipped", `"status":"assembling"`, "shipped"},
		} {
			t.Run(tt.name, func(t *testing.T) {
				if ev := read(t, tt.more, `{"order":{"id":1,"items":[],`+tt.order+`}}`); ev.Order.Status != tt.want {
					t.Errorf("status %q, want %q", ev.Order.Status, tt.want)
				}
			})
		}
	})
	t.Run("id", func(t *testing.T) {
		for _, tt := range []struct{ more, order, want string }{
			{"", `"id":7,"externalId":"S1","number":"7C"`, "S1"},
			{"", `"id":9007199254740993,"externalId":"","number":"7C"`, "retailcrm:9007199254740993"},
			{"", `"number":"7C"`, "7C"},
			{", options: {order_id: id}", `"id":7,"externalId":"S1"`, "7"},
			{", options: {order_id: number}", `"id":7,"externalId":"S1","number":"7C"`, "7C"},
			{", options: {order_id: number}", `"id":7,"externalId":"S1","number":""`, "S1"},
		} {
			if ev := read(t, tt.more, `{"order":{"status":"new",`+tt.order+`}}`); ev.Order.ID != tt.want {
				t.Errorf("%s %s: id %q, want %q", tt.more, tt.order, ev.Order.ID, tt.want)
			}
		}
	})
	t.Run("empty is not a value", func(t *testing.T) {
		ev := read(t, "", `{"order":{"id":1,"externalId":"0","email":null,"phone":"","status":"new","customer":[],"delivery":[],"payments":[],"source":[],"items":[],"tags":[],"customFields":[]}}`)
		if ev.Client.Identified() || ev.Order.ID != "retailcrm:1" || ev.Order.Items != nil || !ev.Attribution.IsZero() {
			t.Errorf("event %+v", ev)
		}
	})
	t.Run("a company's order is its contact's", func(t *testing.T) {
		ev := read(t, "", `{"order":{"id":1,"status":"new","items":[],"customer":{"id":5,"type":"customer_corporate"},"contact":{"id":6,"phones":[{"number":"+79000000002"}]},"company":{"name":"Ромашка"}}}`)
		if diff := cmp.Diff(event.Client{Phone: "+79000000002", ExternalIDs: []string{"retailcrm_customer:6"}, Company: "Ромашка"}, ev.Client); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("discount of a piece", func(t *testing.T) {
		ev := read(t, "", `{"order":{"id":1,"status":"new","currency":"RUR","items":[{"initialPrice":"100.50","discountTotal":0.5,"quantity":3,"offer":{"name":"A","externalId":"x"}}]}}`)
		if diff := cmp.Diff([]event.Item{{SKU: "x", Name: "A", Quantity: "3", Price: "100.00"}}, ev.Order.Items); diff != "" || ev.Order.Currency != "RUB" {
			t.Errorf("%s %s", ev.Order.Currency, diff)
		}
	})
	t.Run("custom fields and the source's own map", func(t *testing.T) {
		ev := read(t, ", map: {city: gorod, interests: likes}, consents: [{purpose: ads, field: ads_ok}]",
			`{"order":{"id":1,"status":"new","items":[],"customFields":{"gorod":"Тверь","likes":["coffee","tea"],"ads_ok":true,"pet":"dog"}}}`)
		if ev.Client.City != "Тверь" || !cmp.Equal(ev.Interests, []string{"coffee", "tea"}) || len(ev.Consents) != 1 || !ev.Consents[0].Given || ev.Attributes["pet"] != "dog" {
			t.Errorf("event %+v", ev)
		}
	})
	t.Run("answers of the API and several orders", func(t *testing.T) {
		out := decode(t, "retailcrm", "", jsonType, `{"success":true,"orders":[{"id":1,"status":"new"},{"id":2,"status":"complete"}]}`)
		if len(out.Events) != 2 || out.Events[1].Order.Status != "completed" || out.Events[0].ID == out.Events[1].ID {
			t.Errorf("events %+v", out.Events)
		}
	})
	t.Run("a customer", func(t *testing.T) {
		ev := read(t, "", `{"customer":{"id":77,"externalId":"u-9","firstName":"Анна","lastName":"С","phones":[{"number":"+79000000003"}],"email":"a@b.ru","sex":"female","birthday":"1990-02-01","customFields":{"pet":"cat"}}}`)
		want := event.Client{
			Phone: "+79000000003", Email: "a@b.ru", ExternalID: "u-9", ExternalIDs: []string{"retailcrm_customer:77"}, Name: "Анна С", FirstName: "Анна", LastName: "С",
			Gender: "f", BirthDate: "1990-02-01", Attributes: map[string]string{"pet": "cat"},
		}
		if diff := cmp.Diff(want, ev.Client); diff != "" || ev.Kind != event.Profile {
			t.Errorf("kind %s: %s", ev.Kind, diff)
		}
	})
	t.Run("amounts are no orders", func(t *testing.T) {
		for _, body := range []string{`{"order":{"id":1,"externalId":"S1","status":"assembling","totalSumm":5,"phone":"+79000000001"}}`, `{"order_id":"1","external_id":"S1","status":"assembling","total":"5","phone":"+79000000001"}`} {
			ev := read(t, ", orders: false", body)
			if ev.Kind != event.Lead || ev.Order != nil || ev.SenderOrders || ev.Entity != "retailcrm:1" || ev.Attributes["total"] != "5.00" || ev.Attributes["order_id"] != "S1" || ev.Attributes["order_status"] != "assembling" {
				t.Errorf("event %+v", ev)
			}
		}
	})
}

func TestRetailcrmTriggerOfTheOwnersNames(t *testing.T) {
	t.Run("map", func(t *testing.T) {
		ev := one(t, decode(t, "retailcrm", `, map: {order_id: zakaz, order_status: sost, total: itogo, phone: tel, external_id: klient, secret: parol}, orders: {vydan: completed}`, formType,
			"zakaz=A1&sost=vydan&itogo=1+200,50&tel=89000000001&klient=u1&parol=******&mood=good"))
		want := event.Event{
			ID: "retailcrm:A1:vydan", Kind: event.OrderChange, Entity: "retailcrm:A1", SenderOrders: true,
			Client: event.Client{Phone: "89000000001", ExternalID: "u1"}, Order: &event.Order{ID: "A1", Status: "completed", Total: "1200.50"},
			Attributes: map[string]string{"order_status": "vydan", "mood": "good"},
		}
		if diff := cmp.Diff(want, ev); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("time of the change", func(t *testing.T) {
		out := decode(t, "retailcrm", "", formType, "order_id=1&status=new&changed_at=2026-05-02 09:00:00&total=x")
		ev := one(t, out)
		if out.DeliveryID != "retailcrm:1:new:2026-05-02 09:00:00" || ev.At.Hour() != 6 || ev.Attributes["total_unread"] != "x" {
			t.Errorf("id %q, event %+v", out.DeliveryID, ev)
		}
		ev = one(t, decode(t, "retailcrm", "", formType, "order_id=1&status=new&changed_at=yesterday"))
		if !ev.At.IsZero() || ev.Attributes["at_unread"] != "yesterday" {
			t.Errorf("event %+v", ev)
		}
	})
	t.Run("same order, another status", func(t *testing.T) {
		a, b := decode(t, "retailcrm", "", formType, "order_id=1&status=new"), decode(t, "retailcrm", "", formType, "order_id=1&status=complete")
		if a.DeliveryID == b.DeliveryID {
			t.Error("two statuses of an order have one id")
		}
	})
	t.Run("a trigger on clients", func(t *testing.T) {
		ev := one(t, decode(t, "retailcrm", "", formType, "customer_id=77&name=Anna&phone=89000000001"))
		if ev.Kind != event.Profile || !cmp.Equal(ev.Client.ExternalIDs, []string{"retailcrm_customer:77"}) || ev.Client.Name != "Anna" {
			t.Errorf("event %+v", ev)
		}
	})
	t.Run("a secret of an open source is kept nowhere", func(t *testing.T) {
		in := start(t, "sources: [{name: s, kind: retailcrm}]")
		in.send(t, "POST", "/in/s", "order_id=1&status=new&purchaseSumm=4000&key=hidden", "Content-Type", formType)
		d := in.sink.last(t)
		ev := one(t, in.decodeLast(t))
		if string(d.Body) != "order_id=1&status=new&purchaseSumm=4000&key=******" || d.Trusted || ev.Attributes != nil {
			t.Errorf("body %q, attributes %v", d.Body, ev.Attributes)
		}
	})
	t.Run("nothing to go by", func(t *testing.T) {
		for _, body := range []string{"a=b", "order_id=0&status=new", "{}", `{"order":[]}`, `{"order":{}}`} {
			if out := decode(t, "retailcrm", "", "", body); out.Failure == nil || out.Failure.Reason != webhook.ReasonNoContact || out.Status != 200 {
				t.Errorf("%q: %+v", body, out)
			}
		}
	})
	t.Run("windows-1251", func(t *testing.T) {
		if ev := one(t, decode(t, "retailcrm", "", formType, "order_id=1&status=new&name=%C8%E2%E0%ED")); ev.Client.Name != "Иван" {
			t.Errorf("name %q", ev.Client.Name)
		}
	})
}

// Broken off bodies, and values of the wrong type wherever a value stands, end in
// a ping, events or a failure; they are stored and answered like any other.
func TestCRMsSurviveWhateverComes(t *testing.T) {
	const config = "sources: [{name: retailcrm, kind: retailcrm}, {name: amocrm, kind: amocrm, options: {deals: orders}}, {name: bitrix24, kind: bitrix24, options: {deals: orders}}]"
	in := start(t, config)
	check := func(t *testing.T, source, contentType, body string) {
		t.Helper()
		before := in.sink.count()
		if got := in.send(t, "POST", "/in/"+source, body, "Content-Type", contentType); got.status != 200 || got.body != "ok" {
			t.Fatalf("%s: answer %d %q", source, got.status, got.body)
		}
		if in.sink.count() != before+1 {
			t.Fatalf("%s: not stored", source)
		}
		out := in.decodeLast(t)
		if out.Failure != nil && out.Failure.Reason == webhook.ReasonPanic {
			t.Errorf("%s: the decoder broke on %.80q", source, body)
		}
		if !out.Ping && (out.Failure == nil) == (len(out.Events) == 0) {
			t.Errorf("%s: neither a ping nor events nor a failure", source)
		}
		for _, ev := range out.Events {
			if ev.ID == "" {
				t.Errorf("%s: an event without an id", source)
			}
		}
	}
	for _, s := range samples(t, "retailcrm", "amocrm", "bitrix24") {
		whole := s.body
		for cut := 0; cut < len(whole); cut += 97 {
			check(t, s.Source, s.ContentType, whole[:cut])
		}
		for _, wrong := range []string{`"x"`, "0", "null", "[]", "{}", `[{}]`, `[[[1]]]`, "true", `"[]"`, `"{\"id\":1}"`} {
			check(t, s.Source, jsonType, wrong)
			for _, name := range []string{
				"order", "orders", "customer", "items", "payments", "source", "leads", "contacts", "account", "event", "fetched", "result", "data", "auth", "id", "ID", "contact",
				"custom_fields", "custom_fields_values", "linked_leads_id", "_embedded", "tags", "PHONE", "EMAIL", "status", "order_id", "status_id", "STATUS_ID", "STAGE_ID",
			} {
				check(t, s.Source, jsonType, `{"`+name+`":`+wrong+`}`)
				check(t, s.Source, jsonType, `{"id":1,"ID":"1","STATUS_ID":"N","status_id":5,"`+"x"+name+`":1,"order":{"id":1,"status":"new","`+name+`":`+wrong+`},"leads":{"add":[{"id":1,"`+name+`":`+wrong+`}]},"contacts":{"add":{"7":{"id":1,"`+name+`":`+wrong+`}}},"result":{"ID":1,"STAGE_ID":"N","`+name+`":`+wrong+`}}`)
			}
		}
	}
}
