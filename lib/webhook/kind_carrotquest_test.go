package webhook_test

import (
	"encoding/base64"
	"net/url"
	"testing"
	"time"

	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/webhook"
)

func TestCarrotQuest(t *testing.T) {
	const user = `{"id":"711500000001","user_id":"u-9","props":{"$name":"Анна","$email":"a@b.ru","$phone":"+79000000001","$city":"Moscow","$initial_referrer":"https://yandex.ru/","utm_source":"ya"}}`
	client := event.Client{Name: "Анна", Email: "a@b.ru", Phone: "+79000000001", City: "Moscow", ExternalID: "u-9", ExternalIDs: []string{"carrotquest:711500000001"}}
	marks := event.Attribution{Referrer: "https://yandex.ru/", UTMSource: "ya"}
	at := time.Unix(1777628445, 0).UTC()
	form := func(pairs ...string) string {
		v := url.Values{}
		for i := 0; i+1 < len(pairs); i += 2 {
			v.Set(pairs[i], pairs[i+1])
		}
		return v.Encode()
	}
	named := func(props string) string {
		return form("type", "event", "token", "*", "user", user, "user_id", "711500000001", "event_name", "Оформил заказ", "event_id", "3034059174",
			"event", `{"id":3034059174,"created":1777628445,"props":`+props+`}`)
	}
	is := func(kind event.Kind, change func(*event.Event)) event.Event {
		ev := event.Event{ID: "carrotquest:3034059174", Kind: kind, At: at, Client: client, Attribution: marks}
		if change != nil {
			change(&ev)
		}
		return ev
	}
	order := func(id, total string) func(*event.Event) {
		return func(ev *event.Event) { ev.Order = &event.Order{ID: id, Status: "paid", Total: total} }
	}
	const part = `{"direction":"u2a","type":"reply_user","id":78183798,"body":"Hi","assignee":{"type":"admin","name":"Op","id":111},"created":1777628445,"conversation":64558819,"from":85648207,"conversation_tags":["vip"]}`
	message := event.Event{
		ID: "carrotquest:message:78183798", Kind: event.ContactMade, Entity: "carrotquest:conversation:64558819", At: at, Manager: "Op", Tags: []string{"vip"},
		Client: event.Client{ExternalIDs: []string{"carrotquest:85648207"}}, Contact: &event.Contact{Channel: "chat", Direction: "in", Text: "Hi"},
	}
	for _, tt := range []struct {
		name, more, contentType, body string
		want                          event.Event
	}{
		{name: "without a word of the owner", body: named(`{}`), want: is(event.Profile, nil)},
		{name: "the misspelt type", contentType: "application/x-www-from-urlencoded", body: named(`{}`), want: is(event.Profile, nil)},
		{name: "a lead", more: `, options: {"event:Оформил заказ": lead}`, body: named(`{}`), want: is(event.Lead, nil)},
		{name: "a contact", more: `, options: {"event:Оформил заказ": contact}`, body: named(`{}`), want: is(event.ContactMade, func(ev *event.Event) {
			ev.Contact = &event.Contact{Channel: "visit", Direction: "in"}
		})},
		{name: "a stage", more: `, stages: {"Оформил заказ": won}`, body: named(`{}`), want: is(event.Stage, func(ev *event.Event) { ev.Stage = "won" })},
		{name: "an order with a number", more: `, orders: {"Оформил заказ": paid}`, body: named(`{"$order_id":"A-1","$order_amount":8270}`), want: is(event.OrderChange, order("A-1", "8270.00"))},
		{name: "an order known by its event", more: `, orders: {"Оформил заказ": paid}`, body: named(`{"$order_amount":"8270.5"}`), want: is(event.OrderChange, order("carrotquest:3034059174", "8270.50"))},
		{name: "an order by the options", more: `, order_status: paid, options: {"event:Оформил заказ": order}`, body: named(`{"$order_id":18446744073709551616}`), want: is(event.OrderChange, order("18446744073709551616", ""))},
		{name: "amounts are no orders", more: `, orders: false, options: {"event:Оформил заказ": order}`, body: named(`{"$order_id":"A-1","$order_amount":8270}`), want: is(event.Lead, func(ev *event.Event) {
			ev.Order = &event.Order{ID: "A-1", Total: "8270.00"}
		})},
		{name: "a map", more: `, options: {"event:Оформил заказ": lead}, map: {company: event.props.firm, card_no: card}`, body: named(`{"firm":"F","card":"77"}`), want: is(event.Lead, func(ev *event.Event) {
			ev.Client.Company, ev.Client.CardNo = "F", "77"
		})},
		{name: "ignored", more: `, options: {"event:Оформил заказ": ignore}`, body: named(`{}`)},
		{name: "an event of nobody", body: form("type", "event", "event_name", "a", "event_id", "1", "user", `{"id":"0","props":[]}`)},
		{
			name: "a trigger message", more: `, options: {"event:message_webhook": lead}`, body: form("type", "message_webhook", "user", user, "message_id", "5", "sending_id", "77"),
			want: event.Event{ID: "carrotquest:sending:77", Kind: event.Lead, Client: client, Attribution: marks},
		},
		{name: "a message of a chat", body: form("type", "conversation", "token", "*", "conversation", part), want: message},
		{name: "its conversation in base64", body: form("type", "conversation", "conversation", base64.StdEncoding.EncodeToString([]byte(part))), want: message},
		{name: "the whole in base64", body: base64.StdEncoding.EncodeToString([]byte(form("type", "conversation", "token", "*", "conversation", part))), want: message},
		{
			name: "an answer, its text in base64", body: form("type", "conversation", "user_id", "85648207", "conversation", `{"direction":"a2u","id":1,"body":"`+base64.StdEncoding.EncodeToString([]byte("Добрый день"))+`","from":111,"conversation":2}`),
			want: event.Event{
				ID: "carrotquest:message:1", Kind: event.ContactMade, Entity: "carrotquest:conversation:2", Client: event.Client{ExternalIDs: []string{"carrotquest:85648207"}},
				Contact: &event.Contact{Channel: "chat", Direction: "out", Text: "Добрый день"},
			},
		},
		{
			name: "a word that looks like base64", body: form("type", "conversation", "conversation", `{"id":1,"body":"ewfwfwef","conversation":2}`),
			want: event.Event{ID: "carrotquest:message:1", Kind: event.ContactMade, Entity: "carrotquest:conversation:2", Contact: &event.Contact{Channel: "chat", Direction: "in", Text: "ewfwfwef"}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.contentType == "" {
				tt.contentType = formType
			}
			expect(t, decodeAt(t, "carrotquest", tt.more, "", "", tt.contentType, tt.body), tt.want)
		})
	}
	t.Run("broken", func(t *testing.T) {
		for body, want := range map[string]string{"type=conversation&conversation=%7B%22a": webhook.ReasonMalformedJSON, "type=event&event_id=1": webhook.ReasonInvalidEvent, "type=conversation": webhook.ReasonMalformedJSON} {
			if out := decodeAt(t, "carrotquest", "", "", "", formType, body); out.Failure == nil || out.Failure.Reason != want || out.Status != 200 {
				t.Errorf("%s: %+v", body, out)
			}
		}
	})
}
