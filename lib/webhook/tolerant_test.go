package webhook_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/webhook"
)

// What a page sends under a wrong name is read all the same.
func TestBodyIsReadWhateverItIsCalled(t *testing.T) {
	const multipartBody = "--abc\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nАнна\r\n" +
		"--abc\r\nContent-Disposition: form-data; name=\"phone\"\r\n\r\n89000000001\r\n--abc--\r\n"
	for _, tt := range []struct{ name, kind, contentType, body string }{
		{"JSON as multipart", "form", "multipart/form-data; boundary=abc", `{"name":"Анна","phone":"89000000001"}`},
		{"a form as multipart", "form", "multipart/form-data; boundary=abc", "name=Анна&phone=89000000001"},
		{"another boundary than the header's", "form", "multipart/form-data; boundary=xyz", multipartBody},
		{"multipart without a boundary", "form", "multipart/form-data", multipartBody},
		{"multipart as a form", "form", formType, multipartBody},
		{"a form in plain text", "form", "text/plain", "name=Анна\r\nphone=89000000001\r\n"},
		{"a form in plain text for tilda", "tilda", "text/plain; charset=utf-8", "name=Анна\nphone=89000000001\n"},
		{"JSON as the name of a field", "form", formType, `{"name":"Анна","phone":"89000000001"}=`},
		{"JSON in Windows-1251", "form", jsonType, "{\"name\":\"\xc0\xed\xed\xe0\",\"phone\":\"89000000001\"}"},
		{"JSON in Windows-1251 for tilda", "tilda", jsonType, "{\"Name\":\"\xc0\xed\xed\xe0\",\"Phone\":\"89000000001\"}"},
		{"fields as one JSON text", "form", formType, `formname=x&fields={"name":"Анна","phone":"89000000001"}`},
		{"a list of fields as one JSON text", "form", formType, `data=[{"name":"phone","value":"89000000001"},{"name":"name","value":"Анна"}]`},
		{"keys that differ in case alone", "tilda", jsonType, `{"Name":"Анна","NAME":"x","Phone":"89000000001"}`},
		{"kind beside a phone", "json", jsonType, `{"kind":"lead","name":"Анна","phone":"89000000001"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ev := one(t, decodeAt(t, tt.kind, "", "", "", tt.contentType, tt.body))
			if ev.Kind != event.Lead || ev.Client.Name != "Анна" || ev.Client.Phone != "89000000001" {
				t.Errorf("event %+v", ev)
			}
			if ev.Attributes["phone"] != "" {
				t.Errorf("attributes %v", ev.Attributes)
			}
		})
	}
	t.Run("a line of plain text may go on", func(t *testing.T) {
		ev := one(t, decodeAt(t, "form", "", "", "", "text/plain", "phone=89000000001\r\nmessage=one\r\ntwo\r\n"))
		if ev.Contact == nil || ev.Contact.Text != "one\ntwo" {
			t.Errorf("contact %+v", ev.Contact)
		}
	})
	t.Run("native events are held to UTF-8 and to distinct keys", func(t *testing.T) {
		for body, reason := range map[string]string{
			"{\"name\":\"\xc0\xed\xed\xe0\",\"phone\":\"89000000001\"}": webhook.ReasonNotUTF8,
			`{"name":"a","Name":"b","phone":"89000000001"}`:             webhook.ReasonDuplicateKey,
		} {
			if out := decodeAt(t, "json", "", "", "", jsonType, body); out.Failure == nil || out.Failure.Reason != reason || out.Status != 400 {
				t.Errorf("Decode = %+v, want %s", out, reason)
			}
		}
	})
	t.Run("a system's JSON in Windows-1251", func(t *testing.T) {
		ev := one(t, decodeAt(t, "jivo", "", "", "", jsonType,
			"{\"event_name\":\"offline_message\",\"widget_id\":\"1\",\"offline_message_id\":5,\"visitor\":{\"name\":\"\xc0\xed\xed\xe0\",\"phone\":\"89000000001\"}}"))
		if ev.Client.Name != "Анна" {
			t.Errorf("client %+v", ev.Client)
		}
	})
}

// One entry without a contact does not cost the others that came with it.
func TestFormBatchKeepsWhatCanBeReached(t *testing.T) {
	out := decodeAt(t, "form", "", "", "", jsonType, `[{"phone":"89000000001"},null,{"name":"Анна"},{"phone":"89000000002"}]`)
	if out.Failure != nil || len(out.Events) != 2 || out.Events[1].Client.Phone != "89000000002" || out.Left == nil || out.Left.Reason != webhook.ReasonNoContact {
		t.Errorf("Decode = %+v", out)
	}
	if out := decodeAt(t, "form", "", "", "", jsonType, `[{"name":"Анна"},null]`); out.Failure == nil || out.Failure.Reason != webhook.ReasonNoContact {
		t.Errorf("Decode = %+v", out)
	}
}

// A map may lead to any depth of a body, in either spelling, for every kind.
func TestMapTakesPaths(t *testing.T) {
	const (
		form = "test=1&order[customer][tel]=89000000001&order[contacts][0][value]=a@shop.example"
		text = `{"test":1,"order":{"customer":{"tel":"89000000001"},"contacts":[{"value":"a@shop.example"}]}}`
	)
	for _, kind := range []string{"form", "json", "tilda", "retailcrm", "calltouch", "call-tracking.by", "standard-webhooks"} {
		for _, names := range []string{
			"{phone: order.customer.tel, email: order.contacts.0.value}",
			`{phone: "order[customer][tel]", email: "order[contacts][0][value]"}`,
		} {
			for contentType, body := range map[string]string{formType: form, jsonType: text} {
				ev := one(t, decodeAt(t, kind, ", map: "+names, "", "", contentType, body))
				if ev.Client.Phone != "89000000001" || ev.Client.Email != "a@shop.example" {
					t.Errorf("%s, %s, %s: client %+v", kind, names, contentType, ev.Client)
				}
			}
		}
	}
}

// Names of the map that are none of ours become attributes, and click ids what
// they are, for every kind alike.
func TestMapTakesOwnNames(t *testing.T) {
	for _, kind := range []string{"form", "json", "tilda", "retailcrm", "calltouch", "call-tracking.by"} {
		ev := one(t, decodeAt(t, kind, ", map: {taste: vkus, yclid: klik, ym_uid: metka}", "", "", formType, "phone=89000000001&callerNumber=89000000001&vkus=latte&klik=17408371123456789012&metka=1700000000123456789"))
		want := event.Attribution{ClickIDs: map[string]string{"yclid": "17408371123456789012"}, ClientIDs: map[string]string{"ym_uid": "1700000000123456789"}}
		if diff := cmp.Diff(want, ev.Attribution); diff != "" || ev.Attributes["taste"] != "latte" || ev.Attributes["vkus"] != "" {
			t.Errorf("%s: %s, attributes %v", kind, diff, ev.Attributes)
		}
	}
}

func TestNothingIsNoContact(t *testing.T) {
	for _, text := range []string{"null", "undefined", "0", "None"} {
		out := decodeAt(t, "form", "", "", "", formType, "name=x&email="+text+"&phone="+text)
		if out.Failure == nil || out.Failure.Reason != webhook.ReasonNoContact {
			t.Errorf("%s: Decode = %+v", text, out)
		}
		ev := one(t, decodeAt(t, "intercom", "", "", "", jsonType,
			`{"topic":"contact.lead.created","id":"n","data":{"item":{"id":"c","external_id":"`+text+`","phone":"`+text+`"}}}`))
		if diff := cmp.Diff(event.Client{ExternalIDs: []string{"intercom:c"}}, ev.Client); diff != "" {
			t.Error(diff)
		}
	}
}

// An id that no store would take is replaced by its hash, the same at every time.
func TestLongIDsAreBounded(t *testing.T) {
	long := strings.Repeat("9", 2000)
	for kind, body := range map[string]string{
		"tilda":            "phone=89000000001&tranid=" + long,
		"call-tracking.by": "phone=89000000001&phase=end&call_id=" + long,
		"amocrm":           "account[id]=1&leads[add][0][id]=" + long + "&leads[add][0][last_modified]=1777628445",
		"retailcrm":        "order_id=" + long + "&status=new",
	} {
		out := decodeAt(t, kind, "", "", "", formType, body)
		ev := one(t, out)
		if len(ev.ID) > event.MaxID || len(ev.Entity) > event.MaxID || len(out.DeliveryID) > event.MaxID || out.DeliveryID == "" {
			t.Errorf("%s: ids of %d, %d and %d bytes", kind, len(ev.ID), len(ev.Entity), len(out.DeliveryID))
		}
		if again := decodeAt(t, kind, "", "", "", formType, body); again.DeliveryID != out.DeliveryID || again.Events[0].ID != ev.ID {
			t.Errorf("%s: another id at another time", kind)
		}
	}
}

// The words of a source mean what its owner says, for orders and events alike.
func TestOwnersWords(t *testing.T) {
	t.Run("an order's status is a step of the funnel too", func(t *testing.T) {
		ev := one(t, decodeAt(t, "retailcrm", ", orders: {signed: completed}, stages: {signed: won}", "", "", formType, "order_id=5&status=signed"))
		if ev.Order.Status != event.StatusCompleted || ev.Stage != "won" {
			t.Errorf("order %+v, stage %q", ev.Order, ev.Stage)
		}
	})
	const carrot = `type=event&event_name=Оплатил&event_id=5&user={"id":"7","props":{"$phone":"89000000001"}}&event={"id":5}`
	for _, tt := range []struct {
		more, channel string
		want          event.Kind
	}{
		{`, options: {"event:Оплатил": lead}`, "", event.Lead},
		{`, options: {Оплатил: lead}`, "", event.Lead},
		{`, options: {Оплатил: "contact:chat"}`, "chat", event.ContactMade},
		{`, options: {Оплатил: contact}`, "visit", event.ContactMade},
		{`, orders: {оплатил: paid}`, "", event.OrderChange},
		{`, stages: {Оплатил: won}`, "", event.Stage},
	} {
		ev := one(t, decodeAt(t, "carrotquest", tt.more, "", "", formType, carrot))
		if ev.Kind != tt.want || tt.channel != "" && ev.Contact.Channel != tt.channel {
			t.Errorf("%s: %+v", tt.more, ev)
		}
	}
}

// The owner's margin goes nowhere, and one order has one id in every form.
func TestRetailCRMTypedBodies(t *testing.T) {
	for _, tt := range []struct{ name, contentType, body, order, delivery string }{
		{"the bare order", jsonType, `{"id":5,"number":"5A","status":"complete","statusUpdatedAt":"2026-05-02 09:00:00","totalSumm":10,"purchaseSumm":4321}`, "retailcrm:5", ""},
		{"the bare order of a form", formType, "id=5&number=5A&status=complete&totalSumm=10&purchaseSumm=4321", "retailcrm:5", "retailcrm:5:complete"},
		{"items as a map", formType, `id=5&status=complete&totalSumm=10&items={"1":{"initialPrice":10,"purchasePrice":4321}}`, "retailcrm:5", ""},
		{"lines of the owner's", formType, `order_id=5&status=complete&total=10&lines=[{"purchasePrice":4321}]`, "retailcrm:5", "retailcrm:5:complete"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out := decodeAt(t, "retailcrm", "", "", "", tt.contentType, tt.body)
			ev := one(t, out)
			if ev.Order.ID != tt.order || ev.Order.Total != "10.00" || ev.Order.Status != event.StatusCompleted || out.DeliveryID != tt.delivery {
				t.Errorf("order %+v, delivery %q", ev.Order, out.DeliveryID)
			}
			for _, text := range slices.Collect(maps.Values(ev.Attributes)) {
				if strings.Contains(text, "4321") {
					t.Errorf("attributes %v", ev.Attributes)
				}
			}
		})
	}
	t.Run("an id beside a phone is a customer's", func(t *testing.T) {
		if ev := one(t, decodeAt(t, "retailcrm", "", "", "", formType, "id=5&phone=89000000001")); ev.Kind != event.Lead {
			t.Errorf("event %+v", ev)
		}
	})
	t.Run("a time as people write it", func(t *testing.T) {
		ev := one(t, decodeAt(t, "retailcrm", "", "", "", formType, "order_id=5&status=new&changed_at=01.05.2026 12:30:45"))
		if got := ev.At.Format("2006-01-02T15:04:05Z07:00"); got != "2026-05-01T09:30:45Z" {
			t.Errorf("at %s", got)
		}
	})
}

func TestTildaSingleProduct(t *testing.T) {
	ev := one(t, decodeAt(t, "tilda", "", "", "", jsonType,
		`{"Phone":"89000000001","tranid":"1:1","payment":{"orderid":"15","amount":"$1 000,50","products":{"name":"Чай","quantity":2,"price":350.5,"amount":701}}}`))
	want := &event.Order{
		ID: "15", Status: event.StatusNew, Total: "1000.50",
		Items: []event.Item{{Name: "Чай", Quantity: "2", Price: "350.50", Sum: "701.00"}},
	}
	if diff := cmp.Diff(want, ev.Order); diff != "" {
		t.Error(diff)
	}
}

// Two hooks about one deal that tell no time differ in the stage it left.
func TestAmoCRMStatusHooksWithoutTime(t *testing.T) {
	hook := func(old string) string {
		return one(t, decodeAt(t, "amocrm", "", "", "", formType, "account[id]=1&leads[status][0][id]=5&leads[status][0][status_id]=2&leads[status][0][old_status_id]="+old)).ID
	}
	first, again, other := hook("1"), hook("1"), hook("3")
	if first != again || first == other {
		t.Errorf("ids %s, %s and %s: want equal ids of equal hooks alone", first, again, other)
	}
}

func TestMangoForeignNumbers(t *testing.T) {
	for number, want := range map[string]string{
		"375290000001": "+375290000001", "79000000001": "+79000000001", "89000000001": "89000000001", "084950000099": "084950000099", "101": "101", "sip:x": "sip:x",
	} {
		ev := one(t, decodeAt(t, "mango", "", "events/summary", "", jsonType, `{"entry_id":"E","from":{"number":"`+number+`"},"talk_time":0}`))
		if ev.Client.Phone != want {
			t.Errorf("%s: phone %q", number, ev.Client.Phone)
		}
	}
}

// Zadarma keeps the secret that its address has and adds its question.
func TestEchoBesideASecret(t *testing.T) {
	in := start(t, "sources: [{name: s, kind: uis, secrets: [env:secret-of-the-address]}]")
	if got := in.send(t, "GET", "/in/s?key=secret-of-the-address&zd_echo=abc123", ""); got.status != 200 || got.body != "abc123" {
		t.Errorf("answer %d %q", got.status, got.body)
	}
	if got := in.send(t, "GET", "/in/s?zd_echo=abc&phone=1", ""); got.status != 401 {
		t.Errorf("answer %d %q", got.status, got.body)
	}
}

// The field that the map calls a secret is one although none is configured yet.
func TestMappedSecretIsNeverKept(t *testing.T) {
	in := start(t, "sources: [{name: s, kind: tilda, map: {secret: our_key}}]")
	for _, body := range []string{"our_key=word&phone=89000000001", `{"our_key":"word","phone":"89000000001"}`} {
		in.send(t, "POST", "/in/s", body)
		if got := string(in.sink.last(t).Body); strings.Contains(got, "word") || len(got) != len(body) {
			t.Errorf("stored %s", got)
		}
		if ev := one(t, in.decodeLast(t)); ev.Client.Phone != "89000000001" || len(ev.Attributes) > 0 {
			t.Errorf("event %+v", ev)
		}
	}
}

// A phone beside the kind is a person for every kind of event but a cost, and what
// it was made of stands nowhere twice.
func TestFlatClientOfNativeEvent(t *testing.T) {
	ev := one(t, decodeAt(t, "json", "", "", "", jsonType,
		`{"id":"o-1","kind":"order","email":"a@shop.example","phone":89000000001,"utm_source":"yandex","order":{"id":"1","status":"new","total":"10"},"pet":"dog"}`))
	if ev.ID != "o-1" || ev.Client.Email != "a@shop.example" || ev.Client.Phone != "89000000001" || ev.Order.Total != "10.00" || ev.Attribution.UTMSource != "yandex" {
		t.Errorf("event %+v", ev)
	}
	if diff := cmp.Diff(map[string]string{"pet": "dog"}, ev.Attributes); diff != "" {
		t.Error(diff)
	}
	ev = one(t, decodeAt(t, "json", "", "", "", jsonType, `{"kind":"cost","phone":"89000000001","cost":{"day":"2026-11-20","source":"yandex","amount":"10","currency":"RUB"}}`))
	if ev.Client.Identified() {
		t.Errorf("client %+v", ev.Client)
	}
}
