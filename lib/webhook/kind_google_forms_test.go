package webhook_test

import (
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/webhook"
)

const formsBody = `{"delivery_id":"R1:1777627845000","form":{"id":"F1","title":"Заявка"},"response":{"id":"R1","timestamp":"2026-05-01T09:30:45.000Z","email":"",` +
	`"payload":{"Имя":"Анна","Фамилия":"Тестова","Телефон":"8 900 000-00-01","Почта":"a@example.com","Что интересно?":["кофе","чай"],"Согласие":"Да"}}}`

func TestGoogleFormsOwnScript(t *testing.T) {
	in := start(t, "sources:\n  - {name: forms, kind: google-forms, secrets: [\"env:"+oldSecret+"\", \"env:"+newSecret+"\"], map: {interests: \"Что интересно?\"}, consents: [{purpose: ads, field: Согласие}]}\n")
	for _, tt := range []struct {
		name, signature string
		want            int
	}{
		{"new secret", sign(newSecret, formsBody), 200},
		{"old secret", sign(oldSecret, formsBody), 200},
		{"another body", sign(newSecret, formsBody+" "), 401},
		{"none", "", 401},
	} {
		headers := []string{"Content-Type", formType} // fetch() without a content type calls JSON a form
		if tt.signature != "" {
			headers = append(headers, "X-Leadlake-Signature", tt.signature)
		}
		if got := in.send(t, "POST", "/in/forms", formsBody, headers...); got.status != tt.want {
			t.Errorf("%s: status %d, want %d", tt.name, got.status, tt.want)
		}
	}
	out := in.decodeLast(t)
	ev := one(t, out)
	want := event.Client{Name: "Анна Тестова", FirstName: "Анна", LastName: "Тестова", Phone: "8 900 000-00-01", Email: "a@example.com"}
	if diff := cmp.Diff(want, ev.Client); diff != "" {
		t.Error(diff)
	}
	if out.DeliveryID != "googleforms:R1:1777627845000" || ev.Entity != "googleforms:R1" || ev.At.Unix() != 1777627845 {
		t.Errorf("delivery %q, entity %q, at %v", out.DeliveryID, ev.Entity, ev.At)
	}
	if !cmp.Equal(ev.Interests, []string{"кофе", "чай"}) || len(ev.Consents) != 1 || ev.Attributes["form_name"] != "Заявка" {
		t.Errorf("interests %q, consents %+v, attributes %v", ev.Interests, ev.Consents, ev.Attributes)
	}
}

// The script of the guide sends what the test above sends: its names are checked
// against the reader's, since nothing else would notice a change of either.
func TestGoogleFormsScriptOfTheGuideNamesWhatIsRead(t *testing.T) {
	guide, err := os.ReadFile("sources/google-forms.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"delivery_id:", "form: {id:", "response: {id:", "timestamp:", "email:", "payload:", "'X-Leadlake-Signature'", "'X-Leadlake-Timestamp'"} {
		if !strings.Contains(string(guide), name) {
			t.Errorf("the script does not send %s", name)
		}
	}
}

func TestGoogleFormsScriptsOfOthers(t *testing.T) {
	for _, tt := range []struct{ name, body string }{
		{"flat", `{"Имя":"Анна","Телефон":"89000000001","responseId":"R","timestamp":"2026-05-01T09:30:45Z"}`},
		{"spreadsheet event", `{"namedValues":{"Имя":["Анна"],"Телефон":["89000000001"]},"values":["x","Анна"],"range":{"rowStart":2},"responseId":"R","timestamp":"2026-05-01T09:30:45Z"}`},
		{"list of answers", `{"answers":[{"title":"Имя","answer":"Анна"},{"question":"Телефон","value":["89000000001"]}],"response":{"id":"R","timestamp":"2026-05-01T09:30:45Z"}}`},
		{"list in a text", `{"data":"[{\"name\":\"Имя\",\"response\":\"Анна\"},{\"name\":\"Телефон\",\"response\":\"89000000001\"}]","responseId":"R","submittedAt":"2026-05-01T09:30:45Z"}`},
		{"objects", `{"responses":{"Имя":{"answer":"Анна","type":"TEXT"},"Телефон":{"answer":"89000000001"}},"response_id":"R","timestamp":"2026-05-01T09:30:45Z"}`},
		{"form fields", url.Values{"Имя": {"Анна"}, "Телефон": {"89000000001"}, "responseId": {"R"}, "timestamp": {"2026-05-01T09:30:45Z"}}.Encode()},
	} {
		out := decodeDelivery(t, "google-forms", "", webhook.Delivery{ContentType: formType, Body: []byte(tt.body)})
		ev := one(t, out)
		if ev.Client.Name != "Анна" || ev.Client.Phone != "89000000001" || ev.Entity != "googleforms:R" || ev.At.Unix() != 1777627845 {
			t.Errorf("%s: %+v, entity %q, at %v", tt.name, ev.Client, ev.Entity, ev.At)
		}
		if !strings.HasPrefix(out.DeliveryID, "googleforms:R:2026-05-01") {
			t.Errorf("%s: delivery %q", tt.name, out.DeliveryID)
		}
	}
}

// A respondent may edit what was sent: the same response, another statement.
func TestGoogleFormsEditedResponse(t *testing.T) {
	a := decodeDelivery(t, "google-forms", "", webhook.Delivery{Body: []byte(`{"Телефон":"89000000001","response":{"id":"R","timestamp":"2026-05-01T09:30:45Z"}}`)})
	b := decodeDelivery(t, "google-forms", "", webhook.Delivery{Body: []byte(`{"Телефон":"89000000002","response":{"id":"R","timestamp":"2026-05-01T09:35:45Z"}}`)})
	if one(t, a).ID == one(t, b).ID || one(t, a).Entity != one(t, b).Entity {
		t.Errorf("ids %q %q", one(t, a).ID, one(t, b).ID)
	}
}

func TestGoogleFormsSecretInTheBodyIsBlanked(t *testing.T) {
	in := start(t, "sources:\n  - {name: forms, kind: google-forms, secrets: [\"env:"+newSecret+"\"]}\n  - {name: open, kind: google-forms}\n")
	body := `{"secret":"` + newSecret + `","Телефон":"89000000001"}`
	for _, name := range []string{"forms", "open"} {
		if got := in.send(t, "POST", "/in/"+name, body); got.status != 200 {
			t.Fatalf("status %d", got.status)
		}
		d := in.sink.last(t)
		if want := strings.Replace(body, newSecret, strings.Repeat("*", len(newSecret)), 1); string(d.Body) != want {
			t.Errorf("%s: stored otherwise than sent", name)
		}
		if ev := one(t, in.decodeLast(t)); len(ev.Attributes) != 0 {
			t.Errorf("attributes %v", ev.Attributes)
		}
	}
}
