package webhook_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/webhook"
)

func fetcherOf(client *http.Client) webhook.Fetcher {
	return webhook.Fetcher{Client: client, Secret: func(_ context.Context, ref string) (string, error) { return strings.TrimPrefix(ref, "env:"), nil }}
}

// fetchCode is the code of the error that a fetch ends in.
func fetchCode(t *testing.T, f webhook.Fetcher, source config.Source, object string) string {
	t.Helper()
	_, err := f.Fetch(t.Context(), source, object)
	var refused *webhook.FetchError
	if !errors.As(err, &refused) {
		t.Fatalf("%s: error %v, want a FetchError", object, err)
	}
	return refused.Code
}

const bitrixToken = "7e577e577e577e577e577e577e577e57"

func TestBitrix24HookThroughTheServer(t *testing.T) {
	s, body := crmSample(t, "bitrix24", "bitrix24-leadadd.form")
	in := start(t, "sources: [{name: b24, kind: bitrix24, secrets: [env:0e570e570e570e570e570e570e570e57, env:"+bitrixToken+"]}]")
	got := in.send(t, "POST", "/in/b24", body, "Content-Type", s.ContentType)
	if got.status != 200 || got.body != "ok" {
		t.Fatalf("answer %d %q", got.status, got.body)
	}
	d := in.sink.last(t)
	stored := string(d.Body)
	head, _, _ := strings.Cut(body, "auth[")
	if !d.Trusted || len(stored) != len(body) || !strings.HasPrefix(stored, head) {
		t.Error("more than the credentials differs from what was sent, or it is not trusted")
	}
	for _, secret := range []string{bitrixToken, "a223c6b3710f85df22e9377d6c4f7553", "testshop.bitrix24.ru"} {
		if strings.Contains(stored, secret) {
			t.Error("a part of auth was kept")
		}
	}
	out := in.decodeLast(t) // made of what is stored, as the compaction does
	want := event.Event{
		ID: *s.Expect.DedupKey, Kind: event.Lead, Entity: "bitrix24:a223c6b3710f85df22e9377d6c4f7553:lead:1000983",
		At: time.Unix(1777628445, 0).UTC(), Fetch: "crm.lead.get id=1000983", SenderOrders: true,
	}
	if diff := cmp.Diff(want, one(t, out)); diff != "" || out.DeliveryID != *s.Expect.DedupKey {
		t.Errorf("delivery id %q: %s", out.DeliveryID, diff)
	}
	key := d.Key
	in.advance(time.Hour)
	if in.send(t, "POST", "/in/b24", body, "Content-Type", s.ContentType); in.sink.last(t).Key != key {
		t.Error("a repetition got another key")
	}
	escaped := strings.NewReplacer("[", "%5B", "]", "%5D").Replace(body)
	if in.send(t, "POST", "/in/b24", escaped, "Content-Type", s.ContentType); in.sink.last(t).Key != key || strings.Contains(string(in.sink.last(t).Body), bitrixToken) {
		t.Error("escaped brackets change the id or hide a secret")
	}
	for _, wrong := range []string{strings.Replace(body, bitrixToken, "7e577e577e577e577e577e577e577e58", 1), head, strings.Replace(body, bitrixToken, "", 1)} {
		count := in.sink.count()
		if got := in.send(t, "POST", "/in/b24", wrong, "Content-Type", s.ContentType); got.status != 401 || in.sink.count() != count {
			t.Errorf("status %d, want 401", got.status)
		}
		if last := in.sink.refused[len(in.sink.refused)-1]; string(last.Body) != wrong {
			t.Error("what was refused is not kept apart as it came")
		}
	}
	// A wrong token is not made good by the right one in another place.
	if got := in.send(t, "POST", "/in/b24?key="+bitrixToken, strings.Replace(body, bitrixToken, "x", 1), "Content-Type", s.ContentType); got.status != 401 {
		t.Errorf("status %d, want 401", got.status)
	}
}

func TestBitrix24CredentialsOfAnApplicationAreKeptNowhere(t *testing.T) {
	in := start(t, "sources: [{name: b24, kind: bitrix24}]")
	for _, tt := range []struct{ contentType, body string }{
		{formType, "event=ONCRMDEALADD&data[FIELDS][ID]=7&ts=1766047124&auth[access_token]=SECRET1&auth[expires_in]=3600&auth[refresh_token]=SECRET2&auth[member_id]=m1&auth[application_token]=SECRET3"},
		{jsonType, `{"event":"ONCRMDEALADD","data":{"FIELDS":{"ID":7}},"ts":"1766047124","auth":{"access_token":"SECRET1","refresh_token":"SECRET2","member_id":"m1","application_token":"SECRET3"}}`},
	} {
		in.send(t, "POST", "/in/b24", tt.body, "Content-Type", tt.contentType)
		d := in.sink.last(t)
		if strings.Contains(string(d.Body), "SECRET") || len(d.Body) != len(tt.body) || d.Trusted {
			t.Errorf("stored %q", d.Body)
		}
		if ev := one(t, in.decodeLast(t)); ev.ID != "bitrix24:m1:ONCRMDEALADD:7:1766047124" || ev.Fetch != "crm.deal.get id=7" {
			t.Errorf("event %+v", ev)
		}
	}
}

func TestBitrix24Hooks(t *testing.T) {
	hook := func(t *testing.T, more, name, id string) webhook.Decoded {
		t.Helper()
		return decode(t, "bitrix24", more, formType, "event="+name+"&data[FIELDS][ID]="+id+"&ts=1777628445&auth[member_id]=m1")
	}
	for _, tt := range []struct {
		more, name, kind, entity, fetch string
	}{
		{"", "ONCRMLEADADD", "lead", "bitrix24:m1:lead:5", "crm.lead.get id=5"},
		{"", "OnCrmLeadUpdate", "profile", "bitrix24:m1:lead:5", "crm.lead.get id=5"},
		{"", "ONCRMDEALADD", "lead", "bitrix24:m1:deal:5", "crm.deal.get id=5"},
		{"", "ONCRMDEALUPDATE", "profile", "bitrix24:m1:deal:5", "crm.deal.get id=5"},
		{", options: {deals: orders}", "ONCRMDEALADD", "profile", "bitrix24:m1:deal:5", "crm.deal.get id=5"},
		{"", "ONCRMCONTACTADD", "profile", "bitrix24:m1:contact:5", "crm.contact.get id=5"},
		{"", "ONCRMCONTACTUPDATE", "profile", "bitrix24:m1:contact:5", "crm.contact.get id=5"},
		{", options: {deals: orders}", "ONCRMDEALDELETE", "order", "bitrix24:m1:deal:5", ""},
	} {
		ev := one(t, hook(t, tt.more, tt.name, "5"))
		if string(ev.Kind) != tt.kind || ev.Entity != tt.entity || ev.Fetch != tt.fetch || ev.Client.Identified() || ev.ID != "bitrix24:m1:"+strings.ToUpper(tt.name)+":5:1777628445" {
			t.Errorf("%s %s: %+v", tt.name, tt.more, ev)
		}
	}
	if ev := one(t, hook(t, ", options: {deals: orders}", "ONCRMDEALDELETE", "5")); ev.Order == nil || ev.Order.ID != "5" || ev.Order.Status != "cancelled" {
		t.Errorf("a deleted deal: %+v", ev)
	}
	for _, ping := range [][2]string{{"ONAPPTEST", ""}, {"ONAPPINSTALL", ""}, {"ONCRMLEADDELETE", "5"}, {"ONCRMDEALDELETE", "5"}, {"ONCRMCOMPANYADD", "5"}, {"ONCRMLEADUSERFIELDADD", "5"}, {"ONCRMLEADADD", "0"}, {"ONCRMLEADADD", "5;x"}} {
		if out := hook(t, "", ping[0], ping[1]); !out.Ping || string(out.Reply.Body) != "ok" {
			t.Errorf("%v: %+v", ping, out)
		}
	}
	if out := decode(t, "bitrix24", "", formType, "event=ONAPPTEST&data[QUERY][any]=data&data[LANGUAGE_ID]=en&ts=1573120286"); !out.Ping {
		t.Error("the test event is no ping")
	}
	if out := hook(t, "", "ONCRMLEADADD", "5"); out.DeliveryID == hook(t, "", "ONCRMLEADUPDATE", "5").DeliveryID {
		t.Error("two events of one lead have one id")
	}
}

func TestBitrix24FetchedLead(t *testing.T) {
	s, body := crmSample(t, "bitrix24", "bitrix24-lead-get.json")
	cfg := parse(t, "sources: [{name: b24, kind: bitrix24, stages: {NEW: lead}}]")
	source, _ := cfg.SourceNamed("b24")
	const id, entity = "bitrix24:m1:ONCRMLEADADD:1000983:1777628445", "bitrix24:m1:lead:1000983"
	ev := one(t, webhook.Decode(cfg, webhook.FetchedDelivery(source, id, entity, "crm.lead.get id=1000983", []byte(body), received)))
	want := event.Event{
		ID: "fetched:" + id, Kind: event.Lead, Entity: entity, At: time.Date(2026, 5, 1, 9, 30, 45, 0, time.UTC), SenderOrders: true, Stage: "lead",
		Client:      event.Client{Phone: "89000000001", Email: "ivan.testov@example.com", Name: "Иван Тестов", FirstName: "Иван", LastName: "Тестов", References: []string{"bitrix24_lead:1000983"}},
		Order:       &event.Order{ID: "1000983", Status: "new", Currency: "RUB", Total: "8270.00"},
		Attribution: event.Attribution{UTMSource: "yandex", UTMMedium: "cpc", UTMCampaign: "spring_2026", UTMContent: "ad-77", UTMTerm: "кофеварка купить"},
		Attributes:  map[string]string{"title": "Заявка с сайта", "source": "WEB"},
	}
	if diff := cmp.Diff(want, ev); diff != "" {
		t.Error(diff)
	}
	if out := decode(t, "bitrix24", "", s.ContentType, body); one(t, out).Entity != "bitrix24:s:lead:1000983" || one(t, out).Attributes["stage"] != "NEW" || out.DeliveryID != "" {
		t.Errorf("a lead that a person tries out: %+v", out)
	}
	t.Run("changed since", func(t *testing.T) {
		changed := strings.Replace(body, `"HAS_PHONE"`, `"DATE_MODIFY":"2026-05-03T12:30:45+03:00","ASSIGNED_BY_ID":"6","HAS_PHONE"`, 1)
		out := webhook.Decode(cfg, webhook.FetchedDelivery(source, "bitrix24:m1:ONCRMLEADUPDATE:1000983:1777628999", entity, "crm.lead.get id=1000983", []byte(changed), received))
		if len(out.Events) != 2 {
			t.Fatalf("%d events, want 2", len(out.Events))
		}
		lead, now := out.Events[0], out.Events[1]
		if lead.Kind != event.Lead || lead.Entity != entity || lead.At != want.At || lead.Stage != "" || lead.Manager != "" {
			t.Errorf("lead %+v", lead)
		}
		if now.Kind != event.Profile || now.Entity != entity || now.At.Day() != 3 || now.Stage != "lead" || now.Manager != "6" || now.Order.Total != "8270.00" || now.Client.Phone != "89000000001" {
			t.Errorf("what it is now %+v", now)
		}
	})
}

func TestBitrix24FetchedDealsAndContacts(t *testing.T) {
	read := func(t *testing.T, more, object string) event.Event {
		t.Helper()
		return one(t, decode(t, "bitrix24", more, jsonType, `{"result":`+object+`,"contact":{"ID":"84","NAME":"Анна","LAST_NAME":"С","PHONE":[{"VALUE":"+79000000002","VALUE_TYPE":"WORK"}],"BIRTHDATE":"2001-11-11T02:00:00+02:00","ADDRESS_CITY":"Тверь"}}`))
	}
	const deal = `{"ID":"410","TITLE":"Сделка, 8 900 000-00-01","STAGE_ID":"C2:WON","STAGE_SEMANTIC_ID":"S","CURRENCY_ID":"RUB","OPPORTUNITY":"1000.00","CONTACT_ID":"84","LEAD_ID":null,"UF_CRM_1":"свой","UF_CRM_2":["a","b"],"UF_CRM_3":false,"DATE_CREATE":"2026-05-01T12:00:00+03:00","CATEGORY_ID":"2"}`
	ev := read(t, "", deal)
	want := event.Client{
		Phone: "+79000000002", Name: "Анна С", FirstName: "Анна", LastName: "С", City: "Тверь", BirthDate: "2001-11-11",
		ExternalIDs: []string{"bitrix24_contact:84"}, References: []string{"bitrix24_deal:410"},
	}
	if diff := cmp.Diff(want, ev.Client); diff != "" || ev.Kind != event.Lead || ev.Attributes["UF_CRM_2"] != "a; b" || ev.Attributes["phone_hint"] != "8 900 000-00-01" || ev.Attributes["stage"] != "C2:WON" {
		t.Errorf("deal %+v: %s", ev, diff)
	}
	for _, tt := range []struct{ more, stage, semantic, want string }{
		{"", "C2:WON", "S", "completed"},
		{"", "C2:LOSE", "F", "cancelled"},
		{"", "NEW", "P", "new"},
		{"", "STRANGE", "", "new"},
		{`, orders: {"C2:WON": paid}`, "C2:WON", "S", "paid"},
		{`, orders: {PREPARATION: paid}`, "PREPARATION", "P", "paid"},
	} {
		more := ", options: {deals: orders}" + tt.more
		ev := read(t, more, strings.NewReplacer("C2:WON", tt.stage, `"S"`, `"`+tt.semantic+`"`).Replace(deal))
		if ev.Kind != event.OrderChange || ev.Order.ID != "410" || ev.Order.Status != tt.want || ev.Order.Total != "1000.00" {
			t.Errorf("%s %s: kind %s, order %+v", more, tt.stage, ev.Kind, ev.Order)
		}
	}
	if ev := read(t, "", strings.Replace(deal, `"LEAD_ID":null`, `"LEAD_ID":"7"`, 1)); ev.Kind != event.Profile || !cmp.Equal(ev.Client.References, []string{"bitrix24_lead:7", "bitrix24_deal:410"}) {
		t.Errorf("a deal made of a lead: %+v", ev)
	}
	if ev := read(t, ", options: {deals: orders}, orders: false", deal); ev.Kind != event.Lead {
		t.Errorf("kind %s, want lead", ev.Kind)
	}
	if ev := read(t, "", strings.Replace(deal, "1000.00", "0.00", 1)); ev.Order.Total != "" {
		t.Errorf("total %q of a deal without a value", ev.Order.Total)
	}
	person := one(t, decode(t, "bitrix24", ", map: {company: UF_CRM_9}", jsonType, `{"result":{"ID":"84","NAME":"Анна","SECOND_NAME":"Б","LAST_NAME":"С","LEAD_ID":"7","UF_CRM_9":"Ромашка","PHONE":[{"VALUE":"1"},{"VALUE":"2"}],"EMAIL":[],"DATE_MODIFY":"2026-05-03T12:30:45+03:00"}}`))
	if diff := cmp.Diff(event.Client{Phone: "1", Phones: []string{"2"}, Name: "Анна Б С", FirstName: "Анна", LastName: "С", Company: "Ромашка", ExternalIDs: []string{"bitrix24_contact:84"}, References: []string{"bitrix24_lead:7"}}, person.Client); diff != "" || person.Kind != event.Profile {
		t.Errorf("contact %s: %s", person.Kind, diff)
	}
	for _, body := range []string{`{"error":"","error_description":"Not found"}`, `{"result":[]}`, `{"result":{"NAME":"x"}}`, `a=b`, `{}`} {
		if out := decode(t, "bitrix24", "", "", body); out.Failure == nil || out.Failure.Reason != webhook.ReasonInvalidEvent || out.Status != 200 {
			t.Errorf("%s: %+v", body, out)
		}
	}
}

// The portal of this test knows its methods by the address of an inbound webhook.
func TestBitrix24Fetch(t *testing.T) {
	lead := `{"result":{"ID":"5","STATUS_ID":"NEW","CONTACT_ID":"84","PHONE":[]},"time":{}}`
	var calls []string
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls = append(calls, r.URL.RequestURI())
		switch r.URL.RequestURI() {
		case "/rest/1/code/crm.lead.get?ID=5":
			_, _ = w.Write([]byte(lead))
		case "/rest/1/code/crm.contact.get?ID=84":
			_, _ = w.Write([]byte(`{"result":{"ID":"84","NAME":"Анна","PHONE":[{"VALUE":"89000000001"}]}}`))
		case "/rest/1/code/crm.deal.get?ID=6":
			_, _ = w.Write([]byte(`{"result":{"ID":"6","STAGE_ID":"NEW","CONTACT_ID":"85"}}`))
		case "/rest/1/code/crm.deal.get?ID=8":
			w.WriteHeader(http.StatusServiceUnavailable) // so Bitrix24 says that there were too many requests
		case "/rest/1/code/crm.deal.get?ID=7":
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte(`{"error":"","error_description":"Access denied"}`))
		default:
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte(`{"error":"","error_description":"Not found"}`))
		}
	}))
	defer api.Close()
	cfg := parse(t, "sources: [{name: b24, kind: bitrix24, fetch: {url: "+api.URL+"/rest/1/, token: env:code}}]")
	source, _ := cfg.SourceNamed("b24")
	f := fetcherOf(api.Client())
	body, err := f.Fetch(t.Context(), source, "crm.lead.get id=5")
	if err != nil {
		t.Fatal(err)
	}
	ev := one(t, webhook.Decode(cfg, webhook.FetchedDelivery(source, "bitrix24:m1:ONCRMLEADADD:5:1", "bitrix24:m1:lead:5", "crm.lead.get id=5", body, received)))
	if diff := cmp.Diff(event.Client{Phone: "89000000001", Name: "Анна", FirstName: "Анна", ExternalIDs: []string{"bitrix24_contact:84"}, References: []string{"bitrix24_lead:5"}}, ev.Client); diff != "" {
		t.Error(diff)
	}
	lead = `{"result":{"ID":"5","STATUS_ID":"NEW","CONTACT_ID":"84","PHONE":[{"VALUE":"89000000003"}]}}`
	calls = nil
	if body, err = f.Fetch(t.Context(), source, "crm.lead.get id=5"); err != nil || string(body) != lead || len(calls) != 1 {
		t.Errorf("a lead with a phone of its own: %v after %v", err, calls)
	}
	if _, err = f.Fetch(t.Context(), source, "crm.deal.get id=6"); err != nil {
		t.Errorf("a deal whose contact is gone: %v", err)
	}
	for object, code := range map[string]string{"crm.deal.get id=8": "unreachable", "crm.deal.get id=7": "refused", "crm.lead.get id=9": "not_found", "crm.lead.get id=5/../x": "refused", "crm.user.get id=5": "refused"} {
		if got := fetchCode(t, f, source, object); got != code {
			t.Errorf("%s: %q, want %q", object, got, code)
		}
	}
	lead = `{"result":{"ID":"6","STATUS_ID":"NEW"}}`
	if got := fetchCode(t, f, source, "crm.lead.get id=5"); got != "unreadable" {
		t.Errorf("another lead than asked for: %q, want unreadable", got)
	}
}
