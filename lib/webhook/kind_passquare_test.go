package webhook_test

import (
	"encoding/base64"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/webhook"
)

func TestPassquareSample(t *testing.T) {
	row := sampleOf(t, "passquare-createCustomer.json")
	in := start(t, "sources:\n  - {name: passquare, kind: passquare, secrets: [\"env:old-crm-key\", \"env:test-crm-key\"]}\n")
	first, second := in.sendSample(t, row, row.body), in.sendSample(t, row, row.body)
	if first.status != 200 || first.body != second.body || !regexp.MustCompile(`^\{"customerId":"[0-9a-f]{32}"\}$`).MatchString(first.body) {
		t.Fatalf("status %d, body %q, for a duplicate %q", first.status, first.body, second.body)
	}
	d := in.sink.last(t)
	if want := strings.Replace(row.body, "test-crm-key", "************", 1); string(d.Body) != want || !d.Trusted {
		t.Error("the body is not stored as sent but for the key")
	}
	out := in.decodeLast(t)
	compare(t, row, out)
	ev := one(t, out)
	if ev.Client.FirstName != "Иван" || ev.Client.LastName != "Тестов" || ev.Client.BirthDate != "1990-02-29" {
		t.Errorf("%+v", ev.Client)
	}
	want := map[string]string{"organization_id": "1", "program_id": "2", "wallet_id": "3"}
	if diff := cmp.Diff(want, ev.Attributes); diff != "" {
		t.Error(diff)
	}
}

func TestPassquareAuthentication(t *testing.T) {
	in := start(t, "sources:\n  - {name: p, kind: passquare, secrets: [\"env:password-of-basic\", \"env:user:another-password\"]}\n")
	body := `{"method":"createCustomer","customer":{"phone":"+79000000001"}}`
	keyed := `{"crm_key":"password-of-basic",` + body[1:]
	basic := func(text string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(text)) }
	for _, tt := range []struct {
		name, body, authorization string
		want                      int
	}{
		{"password", body, basic("anybody:password-of-basic"), 200},
		{"user and password", body, basic("user:another-password"), 200},
		{"another user", body, basic("somebody:another-password"), 401},
		{"user alone", body, basic("password-of-basic"), 401},
		{"wrong password", body, basic("user:password-of-basid"), 401},
		{"no base64", body, "Basic password-of-basic!", 401},
		{"key", keyed, "", 200},
		{"wrong key beside a right password", strings.Replace(keyed, "basic", "basid", 1), basic("anybody:password-of-basic"), 401},
		{"bearer", body, "Bearer password-of-basic", 200},
		{"none", body, "", 401},
	} {
		var headers []string
		if tt.authorization != "" {
			headers = []string{"Authorization", tt.authorization}
		}
		refused := len(in.sink.refused)
		got := in.send(t, "POST", "/in/p", tt.body, headers...)
		if got.status != tt.want || (tt.want == 401) != (len(in.sink.refused) == refused+1) {
			t.Errorf("%s: status %d, want %d", tt.name, got.status, tt.want)
		}
		if tt.want == 200 {
			unblanked(t, in.sink.last(t), "password-of-basic", "another-password", base64.StdEncoding.EncodeToString([]byte("user:another-password")))
		}
	}
}

func TestPassquareCustomerID(t *testing.T) {
	reply := func(source, body string) string {
		t.Helper()
		return string(decodeDelivery(t, "passquare", source, webhook.Delivery{Body: []byte(body)}).Reply.Body)
	}
	a := reply("", `{"customer":{"phone":"+7 (900) 000-00-01","name":"A"}}`)
	if b := reply("", `{"customer":{"phone":"79000000001","name":"B"}}`); a != b {
		t.Errorf("two spellings of one phone: %s %s", a, b)
	}
	if b := reply("", `{"customer":{"phone":"79000000002"}}`); a == b {
		t.Error("two customers, one id")
	}
	for _, part := range []string{"9000000001", "79000000001"} {
		if strings.Contains(a, part) {
			t.Error("the id shows the phone")
		}
	}
	if got := reply("", `{"method":"getBalance"}`); got != "{}" {
		t.Errorf("no customer: %s", got)
	}
}

func TestPassquareCustomer(t *testing.T) {
	body := `{"method":"createCustomer","customer":{"name":"Анна","middlename":"Ивановна","surname":"Тестова","birthday":"1990-02-28","phone":"89000000001",
		"cardNumbers":[9007199254740993,"2"],"cardTracks":["t"],"extra":{"size":"XL"},"bonus":"120.5","referCustomerPhone":"89000000002"}}`
	ev := one(t, decodeDelivery(t, "passquare", "", webhook.Delivery{Body: []byte(body)}))
	want := event.Client{Name: "Анна Ивановна Тестова", FirstName: "Анна", LastName: "Тестова", BirthDate: "1990-02-28", Phone: "89000000001", CardNo: "9007199254740993"}
	if diff := cmp.Diff(want, ev.Client); diff != "" {
		t.Error(diff)
	}
	attributes := map[string]string{"more_cards": "2", "card_tracks": "t", "size": "XL", "bonus": "120.5", "referCustomerPhone": "89000000002"}
	if diff := cmp.Diff(attributes, ev.Attributes); diff != "" {
		t.Error(diff)
	}
	for _, body := range []string{`{"method":"createCustomer"}`, `{"method":"createCustomer","customer":[]}`, `{"method":"createCustomer","customer":{"name":"Анна","phone":"","cardNumbers":["0"],"email":null}}`} {
		if out := decodeDelivery(t, "passquare", "", webhook.Delivery{Body: []byte(body)}); out.Failure == nil || out.Status != 200 {
			t.Errorf("%s: %+v", body, out)
		}
	}
}

func TestPassteamSample(t *testing.T) {
	row := sampleOf(t, "passteam-mindbox-customerUpdated.json")
	in := start(t, "sources:\n  - {name: passteam, kind: passteam, secrets: [\"env:"+newSecret+"\"]}\n")
	if got := in.sendSample(t, row, row.body); got.status != 401 {
		t.Errorf("without a secret: status %d", got.status)
	}
	if got := in.send(t, "POST", "/in/passteam/"+newSecret, row.body, row.headers()...); got.status != 200 {
		t.Fatalf("status %d", got.status)
	}
	unblanked(t, in.sink.last(t), newSecret)
	out := in.decodeLast(t)
	compare(t, row, out)
	ev := one(t, out)
	if ev.Client.FirstName != "Иван" || ev.Client.LastName != "Тестов" || ev.Attributes["action"] != "customerUpdated" {
		t.Errorf("%+v %v", ev.Client, ev.Attributes)
	}
}

func TestPassteamOtherShapes(t *testing.T) {
	for body, birth := range map[string]string{
		`{"fields":{"%CARD%":"100","%PHONE%":"89000000001","%BIRTHDAY%":"2.1.1990"}}`:              "2.1.1990",
		`{"CARD":"100","phone":"89000000001","birthday":"1990-01-02"}`:                             "1990-01-02",
		`fields[%25CARD%25]=100&fields[%25PHONE%25]=89000000001&fields[%25BIRTHDAY%25]=02.01.1990`: "02.01.1990",
	} {
		ev := one(t, decodeDelivery(t, "passteam", ", map: {card_no: CARD}", webhook.Delivery{Body: []byte(body)}))
		if ev.Kind != event.Profile || ev.Client.CardNo != "100" || ev.Client.Phone != "89000000001" || ev.Client.BirthDate != birth {
			t.Errorf("%s: %s %+v", body, ev.Kind, ev.Client)
		}
	}
	if out := decodeDelivery(t, "passteam", "", webhook.Delivery{Body: []byte(`{"fields":{"%NAME%":"Анна"}}`)}); out.Failure == nil {
		t.Errorf("nobody: %+v", out)
	}
}
