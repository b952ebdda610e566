package webhook_test

import (
	"testing"
	"time"

	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/webhook"
)

func TestIntercom(t *testing.T) {
	at := time.Unix(1777628446, 0).UTC()
	body := func(topic, item string) string {
		return `{"type":"notification_event","app_id":"app","id":"notif_1","created_at":1777628446,"delivery_attempts":2,"topic":"` + topic + `","data":{"type":"notification_event_data","item":` + item + `}}`
	}
	const person = `{"type":"contact","id":"c1","external_id":"u-9","email":"a@b.ru","phone":"+79000000001","name":"Ann","custom_attributes":{"plan":"pro","utm_source":"ya"},"referrer":"https://r.example/"}`
	client := event.Client{ExternalID: "u-9", ExternalIDs: []string{"intercom:c1"}, Email: "a@b.ru", Phone: "+79000000001", Name: "Ann"}
	contact := func(kind event.Kind) event.Event {
		return event.Event{
			ID: "intercom:notif_1", Kind: kind, Entity: "intercom:app:contact:c1", At: at, Client: client,
			Attribution: event.Attribution{UTMSource: "ya", Referrer: "https://r.example/"},
		}
	}
	tagged, left := contact(event.Profile), contact(event.Unsubscribe)
	tagged.Tags, left.Unsubscribe = []string{"vip"}, &event.Unsubscription{Channel: "email"}
	chat := func(c event.Contact) event.Event {
		return event.Event{ID: "intercom:notif_1", Kind: event.ContactMade, Entity: "intercom:app:conversation:v1", At: at, Client: event.Client{Name: "Ann", Email: "a@b.ru", ExternalID: "u-9", ExternalIDs: []string{"intercom:c1"}}, Contact: &c}
	}
	const author = `"contacts":{"type":"contact.list","contacts":[{"type":"contact","id":"c1","external_id":"u-9"}]},"source":{"body":"Hi","author":{"type":"lead","id":"c1","name":"Ann","email":"a@b.ru"}}`
	adminSaid := chat(event.Contact{Channel: "chat", Direction: "out", Text: "Hello"})
	adminSaid.Manager = "Op"
	for _, tt := range []struct {
		name, more, body string
		want             event.Event
	}{
		{name: "a lead", body: body("contact.lead.created", person), want: contact(event.Lead)},
		{name: "a user", body: body("contact.user.created", person), want: contact(event.Profile)},
		{name: "a user, as the owner sees it", more: `, options: {"event:contact.user.created": lead}`, body: body("contact.user.created", person), want: contact(event.Lead)},
		{name: "a tag", body: body("contact.lead.tag.created", `{"type":"contact_tag","tag":{"id":"1","name":"vip"},"contact":`+person+`}`), want: tagged},
		{name: "unsubscribed", body: body("contact.unsubscribed", person), want: left},
		{name: "a chat begun", body: body("conversation.user.created", `{"id":"v1",`+author+`}`), want: chat(event.Contact{Channel: "chat", Direction: "in", Text: "Hi"})},
		{
			name: "the client answered", body: body("conversation.user.replied", `{"id":"v1",`+author+`,"conversation_parts":{"conversation_parts":[{"body":"And?","author":{"type":"user","id":"c1"}}]}}`),
			want: chat(event.Contact{Channel: "chat", Direction: "in", Text: "And?"}),
		},
		{
			name: "an operator answered", body: body("conversation.admin.replied", `{"id":"v1",`+author+`,"conversation_parts":{"conversation_parts":[{"body":"Hello","author":{"type":"admin","id":"7","name":"Op","email":"op@shop.example"}}]}}`),
			want: adminSaid,
		},
		{
			name: "an older shape", body: body("conversation.user.created", `{"id":"v1","user":{"type":"user","id":"c1","user_id":"u-9","name":"Ann","email":"a@b.ru"},"conversation_message":{"body":"Hi"}}`),
			want: chat(event.Contact{Channel: "chat", Direction: "in", Text: "Hi"}),
		},
		{name: "a rating", body: body("conversation.rating.added", `{"id":"v1",`+author+`,"conversation_rating":{"rating":5}}`), want: chat(event.Contact{Channel: "chat", Direction: "in", Rating: "5"})},
		{name: "ping", body: `{"type":"notification_event","topic":"ping","id":null,"data":{"item":{"type":"ping","message":"x"}}}`},
		{name: "a chat without a person", body: body("conversation.user.created", `{"id":"v1"}`), want: event.Event{
			ID: "intercom:notif_1", Kind: event.ContactMade, Entity: "intercom:app:conversation:v1", At: at, Contact: &event.Contact{Channel: "chat", Direction: "in"},
		}},
		{name: "no touch", body: body("conversation.admin.closed", `{"id":"v1"}`)},
		{name: "a contact of nothing", body: body("contact.lead.created", `{"type":"contact","id":"0","email":""}`)},
		{name: "the owner ignores", more: `, options: {"event:contact.lead.created": ignore}`, body: body("contact.lead.created", person)},
		{name: "empty", body: `{}`},
	} {
		t.Run(tt.name, func(t *testing.T) { expect(t, decodeAt(t, "intercom", tt.more, "", "", jsonType, tt.body), tt.want) })
	}
	t.Run("another person in the same conversation adds nothing", func(t *testing.T) {
		ev := one(t, decodeAt(t, "intercom", "", "", "", jsonType, body("conversation.user.replied", `{"id":"v1","contacts":[{"type":"contact","id":"c1"}],"source":{"author":{"type":"user","id":"c2","email":"x@y.ru"}}}`)))
		if ev.Client.Email != "" || ev.Client.ExternalIDs[0] != "intercom:c1" {
			t.Errorf("client %+v", ev.Client)
		}
	})
	t.Run("without a topic", func(t *testing.T) {
		if out := decodeAt(t, "intercom", "", "", "", jsonType, `{"id":"notif_1","data":{}}`); out.Failure == nil || out.Failure.Reason != webhook.ReasonInvalidEvent {
			t.Errorf("Decode = %+v", out)
		}
	})
}
