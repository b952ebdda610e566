package webhook_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/webhook"
)

const amocrmSecret = "a-long-secret-of-the-address"

func TestAmocrmLeadThroughTheServer(t *testing.T) {
	s, body := crmSample(t, "amocrm", "amocrm-lead-add.form")
	in := start(t, "sources: [{name: amo, kind: amocrm, secrets: [env:the-old-one, env:"+amocrmSecret+"], options: {account_id: 12345678}}]")
	for _, path := range []string{"/in/amo?secret=" + amocrmSecret, "/in/amo/" + amocrmSecret} {
		got := in.send(t, "POST", path, body, "Content-Type", s.ContentType)
		if got.status != 200 || got.body != "ok" {
			t.Fatalf("answer %d %q", got.status, got.body)
		}
		d := in.sink.last(t)
		if string(d.Body) != body || !d.Trusted || strings.Contains(d.Query+d.Suffix, amocrmSecret) {
			t.Error("the body is not stored as sent, is not trusted, or the secret was kept")
		}
	}
	out := in.decodeLast(t)
	ev := one(t, out)
	if out.DeliveryID != *s.Expect.DedupKey {
		t.Errorf("delivery id %q, want %q", out.DeliveryID, *s.Expect.DedupKey)
	}
	want := event.Event{
		ID: *s.Expect.DedupKey, Kind: event.Lead, Entity: "amocrm:12345678:lead:23802129", At: time.Unix(1777628445, 0).UTC(), SenderOrders: true,
		Client: event.Client{References: []string{"amocrm_lead:23802129"}}, Order: &event.Order{ID: "23802129", Total: "8270.00"},
		Tags: []string{"сайт"}, Manager: "2611111",
		Attribution: event.Attribution{UTMSource: "yandex", ClientIDs: map[string]string{"ym_uid": "1700000000123456789"}},
		Attributes: map[string]string{
			"title": "Заказ #1214681071, +7 (900) 000-00-01", "phone_hint": "+7 (900) 000-00-01", "pipeline": "5389528", "stage": "47873533",
			"Способ оплаты": "Картой", "Дата доставки": "1777708800",
		},
		Fetch: "GET /api/v4/leads/23802129?with=contacts",
	}
	if diff := cmp.Diff(want, ev); diff != "" {
		t.Error(diff)
	}
	key := in.sink.last(t).Key
	in.advance(time.Hour)
	if in.send(t, "POST", "/in/amo/"+amocrmSecret, body, "Content-Type", s.ContentType); in.sink.last(t).Key != key {
		t.Error("a hook that is sent again an hour later got another key")
	}
	for _, path := range []string{"/in/amo", "/in/amo/wrong", "/in/amo?secret=wrong"} {
		stored := in.sink.count()
		if got := in.send(t, "POST", path, body, "Content-Type", s.ContentType); got.status != 401 || in.sink.count() != stored {
			t.Errorf("%s: status %d, want 401", path, got.status)
		}
	}
	if len(in.sink.refused) != 3 || string(in.sink.refused[0].Body) != body {
		t.Error("what was refused is not kept apart as it came")
	}
}

func amocrm(t *testing.T, more, body string) webhook.Decoded {
	t.Helper()
	return decode(t, "amocrm", more, formType, body)
}

func TestAmocrmRequestWithSeveralEntities(t *testing.T) {
	out := amocrm(t, ", stages: {\"5:20\": visited, \"142\": won}, map: {city: Город}",
		"account[id]=1&leads[add][0][id]=10&leads[add][0][date_create]=1777628445&leads[add][0][last_modified]=1777628446&leads[add][0][status_id]=20&leads[add][0][pipeline_id]=5"+
			"&leads[status][0][id]=11&leads[status][0][status_id]=142&leads[status][0][pipeline_id]=6&leads[status][0][old_status_id]=20&leads[status][0][last_modified]=1777628446"+
			"&leads[status][23802129][id]=12&leads[status][23802129][status_id]=21&leads[status][23802129][pipeline_id]=5"+
			"&leads[note][0][id]=13&tasks[add][0][id]=9&leads[delete][0][id]=14&contacts[delete][0][id]=33"+
			"&contacts[add][0][id]=30&contacts[add][0][name]=Иван Тестов&contacts[add][0][type]=contact&contacts[add][0][last_modified]=1777628447&contacts[add][0][responsible_user_id]=4"+
			"&contacts[add][0][custom_fields][0][code]=PHONE&contacts[add][0][custom_fields][0][values][0][value]=89000000001&contacts[add][0][custom_fields][0][values][1][value]=84950000002"+
			"&contacts[add][0][custom_fields][1][code]=EMAIL&contacts[add][0][custom_fields][1][values][0]=a@b.ru&contacts[add][0][custom_fields][2][name]=Город&contacts[add][0][custom_fields][2][values][0][value]=Тверь"+
			"&contacts[add][0][linked_leads_id][10][ID]=10&contacts[update][0][id]=31&contacts[update][0][type]=company&contacts[update][0][name]=Ромашка&contacts[update][0][linked_leads_id][10][ID]=10")
	if out.Failure != nil || out.DeliveryID != "" || len(out.Events) != 5 {
		t.Fatalf("failure %v, delivery id %q, %d events, want 5", out.Failure, out.DeliveryID, len(out.Events))
	}
	lead, won, moved, contact, company := out.Events[0], out.Events[1], out.Events[2], out.Events[3], out.Events[4]
	if lead.Kind != event.Lead || lead.Stage != "visited" || lead.Fetch != "" || lead.ID != "amocrm:1:leads:add:10:1777628446" || lead.At.Unix() != 1777628445 {
		t.Errorf("lead %+v", lead)
	}
	if won.Kind != event.Stage || won.Stage != "won" || won.Entity != "amocrm:1:lead:11" || !strings.HasPrefix(won.ID, "amocrm:1:leads:status:11:1777628446:") || won.At.IsZero() {
		t.Errorf("status %+v", won)
	}
	if moved.Kind != event.Stage || moved.Stage != "" || moved.Attributes["stage"] != "21" || !moved.DerivedID || !moved.At.IsZero() {
		t.Errorf("status without a time %+v", moved)
	}
	want := event.Client{
		Phone: "89000000001", Phones: []string{"84950000002"}, Email: "a@b.ru", Name: "Иван Тестов", City: "Тверь",
		ExternalIDs: []string{"amocrm_contact:30"}, References: []string{"amocrm_lead:10"},
	}
	if diff := cmp.Diff(want, contact.Client); diff != "" || contact.Kind != event.Profile || contact.Manager != "4" || contact.Entity != "amocrm:1:contact:30" {
		t.Errorf("contact %+v: %s", contact, diff)
	}
	if diff := cmp.Diff(event.Client{Company: "Ромашка", References: []string{"amocrm_company:31"}}, company.Client); diff != "" {
		t.Errorf("company: %s", diff)
	}
}

func TestAmocrmQuirks(t *testing.T) {
	t.Run("redelivery and another change of the same second", func(t *testing.T) {
		const head = "account[id]=1&leads[update][0][id]=10&leads[update][0][last_modified]=1777628446&leads[update][0][price]="
		a, again, b := one(t, amocrm(t, "", head+"5")), one(t, amocrm(t, "", head+"5")), one(t, amocrm(t, "", head+"6"))
		if a.ID != again.ID || a.ID == b.ID || a.Kind != event.Profile || a.Order.Total != "5.00" {
			t.Errorf("ids %q, %q, %q of kind %s", a.ID, again.ID, b.ID, a.Kind)
		}
	})
	t.Run("an update is no lead", func(t *testing.T) {
		for _, action := range []string{"update", "responsible", "restore", "status"} {
			if ev := one(t, amocrm(t, "", "account[id]=1&leads["+action+"][0][id]=10&leads["+action+"][0][status_id]=7")); ev.Kind == event.Lead || ev.Fetch != "" {
				t.Errorf("%s: %+v", action, ev)
			}
		}
	})
	t.Run("another account", func(t *testing.T) {
		for _, body := range []string{"account[id]=2&leads[add][0][id]=10", "leads[add][0][id]=10", "account[id]=2&tasks[add][0][id]=1"} {
			out := amocrm(t, ", options: {account_id: 1}", body)
			if out.Failure == nil || out.Failure.Reason != webhook.ReasonOtherAccount || out.Status != 200 {
				t.Errorf("%s: %+v", body, out)
			}
		}
	})
	t.Run("nothing of ours", func(t *testing.T) {
		for _, body := range []string{"account[id]=1&tasks[add][0][id]=1", "account[id]=1&leads[note][0][id]=1", "account[id]=1&leads[add][0][id]=0", "account[id]=1&leads[add]=x", "a=b"} {
			if out := amocrm(t, "", body); !out.Ping || string(out.Reply.Body) != "ok" {
				t.Errorf("%s: %+v", body, out)
			}
		}
	})
	t.Run("an order number in _YM_UID", func(t *testing.T) {
		ev := one(t, amocrm(t, "", "account[id]=1&leads[add][0][id]=10&leads[add][0][custom_fields][0][code]=_YM_UID&leads[add][0][custom_fields][0][name]=ym&leads[add][0][custom_fields][0][values][0]=A-17"))
		if len(ev.Attribution.ClientIDs) != 0 || ev.Attributes["ym"] != "A-17" {
			t.Errorf("%+v", ev)
		}
	})
	t.Run("digital pipeline", func(t *testing.T) {
		const config = ", stages: {\"5:20\": visited}"
		for _, body := range []string{
			`{"leads":{"status":[{"id":10,"status_id":20,"pipeline_id":5}]},"account":{"id":1}}`,
			`{"lead":{"status":{"id":"10","status_id":"20","pipeline_id":"5"}},"account":{"id":1}}`,
			`{"lead":{"event":{"id":"10","status_id":"20","pipeline_id":"5"}},"account":{"id":1}}`,
			`{"event":{"type":15,"type_code":"lead_appeared_in_status","data":{"id":10,"element_type":2,"status_id":20,"pipeline_id":5},"time":1491300016},"account_id":"1"}`,
		} {
			ev := one(t, decode(t, "amocrm", config, jsonType, body))
			if ev.Kind != event.Stage || ev.Stage != "visited" || ev.Entity != "amocrm:1:lead:10" || !cmp.Equal(ev.Client.References, []string{"amocrm_lead:10"}) {
				t.Errorf("%s: %+v", body, ev)
			}
		}
		ev := one(t, decode(t, "amocrm", "", jsonType, `{"leads":{"call_in":[{"id":10,"status_id":20,"pipeline_id":5}]},"account":{"id":1}}`))
		if diff := cmp.Diff(&event.Contact{Channel: "call", Direction: "in"}, ev.Contact); diff != "" || ev.Kind != event.ContactMade {
			t.Errorf("kind %s: %s", ev.Kind, diff)
		}
	})
	t.Run("deals as orders", func(t *testing.T) {
		const config = `, options: {deals: orders}, orders: {"142": completed, "5:143": cancelled}`
		out := amocrm(t, config, "account[id]=1&leads[add][0][id]=10&leads[add][0][price]=500&leads[add][0][status_id]=142&leads[add][0][last_modified]=1777628446")
		if len(out.Events) != 2 || out.Events[0].Kind != event.Lead || out.Events[1].Kind != event.OrderChange || out.Events[0].Attributes["order_status"] != "" {
			t.Fatalf("events %+v", out.Events)
		}
		if diff := cmp.Diff(&event.Order{ID: "10", Status: "completed", Total: "500.00"}, out.Events[1].Order); diff != "" || out.Events[1].ID != "amocrm:1:leads:add:10:1777628446:order" {
			t.Errorf("id %s: %s", out.Events[1].ID, diff)
		}
		for body, want := range map[string]*event.Order{
			"leads[status][0][id]=10&leads[status][0][status_id]=143&leads[status][0][pipeline_id]=5": {ID: "10", Status: "cancelled"},
			"leads[status][0][id]=10&leads[status][0][status_id]=77&leads[status][0][price]=9":        {ID: "10", Status: "new", Total: "9.00"},
			"leads[update][0][id]=10&leads[update][0][price]=9":                                       {ID: "10", Total: "9.00"},
			"leads[delete][0][id]=10&leads[delete][0][status_id]=142":                                 {ID: "10", Status: "cancelled"},
		} {
			ev := one(t, amocrm(t, config, "account[id]=1&"+body))
			if diff := cmp.Diff(want, ev.Order); diff != "" || ev.Kind != event.OrderChange {
				t.Errorf("%s: kind %s: %s", body, ev.Kind, diff)
			}
		}
		if ev := one(t, amocrm(t, ", options: {deals: orders}, orders: false", "account[id]=1&leads[add][0][id]=10&leads[add][0][price]=5")); ev.Kind != event.Lead {
			t.Errorf("kind %s, want lead", ev.Kind)
		}
	})
	t.Run("ids beyond a float", func(t *testing.T) {
		if ev := one(t, decode(t, "amocrm", "", jsonType, `{"leads":{"add":[{"id":9007199254740993}]},"account":{"id":1}}`)); ev.Order.ID != "9007199254740993" {
			t.Errorf("id %s", ev.Order.ID)
		}
	})
}

// A deal and its contact are asked for one after the other and become the lead
// that the hook announced.
func TestAmocrmFetch(t *testing.T) {
	const (
		deal = `{"id":10,"name":"Заказ","price":8270,"responsible_user_id":4,"status_id":20,"pipeline_id":5,"created_at":1777628445,"updated_at":1777628500,"is_deleted":false,"account_id":1,` +
			`"custom_fields_values":[{"field_id":1,"field_name":"utm_source","field_code":"UTM_SOURCE","values":[{"value":"yandex"}]}],"_embedded":{"tags":[{"name":"сайт"}],"contacts":[{"id":29,"is_main":false},{"id":30,"is_main":true}]}}`
		contact = `{"id":30,"name":"Иван Тестов","first_name":"Иван","account_id":1,"custom_fields_values":[{"field_code":"PHONE","field_name":"Телефон","values":[{"value":"89000000001","enum_code":"WORK"}]},{"field_name":"Город","values":[{"value":"Тверь"}]}]}`
	)
	answers := map[string]string{"/api/v4/leads/10?with=contacts": deal, "/api/v4/contacts/30": contact}
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, ok := answers[r.URL.RequestURI()]
		switch {
		case r.Header.Get("Authorization") != "Bearer token-of-the-api":
			w.WriteHeader(http.StatusUnauthorized)
		case !ok:
			w.WriteHeader(http.StatusNoContent) // so amoCRM says that there is none
		default:
			_, _ = w.Write([]byte(body))
		}
	}))
	defer api.Close()
	cfg := parse(t, "sources: [{name: amo, kind: amocrm, map: {city: Город}, stages: {\"20\": visited}, options: {account_id: 1}, fetch: {url: "+api.URL+", token: env:token-of-the-api}}]")
	source, _ := cfg.SourceNamed("amo")
	f := fetcherOf(api.Client())
	const object, id, entity = "GET /api/v4/leads/10?with=contacts", "amocrm:1:leads:add:10:1777628446", "amocrm:1:lead:10"
	body, err := f.Fetch(t.Context(), source, object)
	if err != nil {
		t.Fatal(err)
	}
	ev := one(t, webhook.Decode(cfg, webhook.FetchedDelivery(source, id, entity, object, body, received)))
	want := event.Event{
		ID: "fetched:" + id, Kind: event.Lead, Entity: entity, At: time.Unix(1777628445, 0).UTC(), SenderOrders: true,
		Client: event.Client{Phone: "89000000001", Name: "Иван Тестов", FirstName: "Иван", City: "Тверь", ExternalIDs: []string{"amocrm_contact:30"}, References: []string{"amocrm_lead:10"}},
		Order:  &event.Order{ID: "10", Total: "8270.00"}, Stage: "visited", Tags: []string{"сайт"}, Manager: "4", Attribution: event.Attribution{UTMSource: "yandex"},
		Attributes: map[string]string{"title": "Заказ", "pipeline": "5", "Город": "Тверь"},
	}
	if diff := cmp.Diff(want, ev); diff != "" {
		t.Error(diff)
	}
	delete(answers, "/api/v4/contacts/30") // a contact that was deleted since does not cost the lead
	if body, err = f.Fetch(t.Context(), source, object); err != nil || !strings.Contains(string(body), "8270") {
		t.Errorf("without its contact: %v", err)
	}
	plain := one(t, webhook.Decode(cfg, webhook.Delivery{Source: source, Method: "POST", ContentType: jsonType, Body: []byte(deal), ReceivedAt: received}))
	if plain.Kind != event.Lead || plain.Entity != entity || !cmp.Equal(plain.Client.ExternalIDs, []string{"amocrm_contact:30"}) {
		t.Errorf("a deal as the API tells it: %+v", plain)
	}
	person := one(t, webhook.Decode(cfg, webhook.Delivery{Source: source, Method: "POST", ContentType: jsonType, Body: []byte(contact), ReceivedAt: received}))
	if person.Kind != event.Profile || person.Client.Phone != "89000000001" {
		t.Errorf("a contact as the API tells it: %+v", person)
	}
	for object, code := range map[string]string{"GET /api/v4/leads/11?with=contacts": "not_found", "GET /api/v4/leads/../x": "refused", "crm.lead.get id=1": "refused"} {
		if got := fetchCode(t, f, source, object); got != code {
			t.Errorf("%s: %q, want %q", object, got, code)
		}
	}
	source.Fetch.Token = "env:another"
	if got := fetchCode(t, f, source, object); got != "unauthorized" {
		t.Errorf("%q, want unauthorized", got)
	}
	answers["/api/v4/leads/10?with=contacts"] = "<html>"
	source.Fetch.Token = "env:token-of-the-api"
	if got := fetchCode(t, f, source, object); got != "unreadable" {
		t.Errorf("%q, want unreadable", got)
	}
}
