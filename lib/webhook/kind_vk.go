package webhook

import (
	"net/http"
	"slices"

	"github.com/leadlake/leadlake/lib/event"
)

// vkKind is the source kind "vk": lead forms of a VK community by its Callback
// API (webhooks.md §11). The secret stands in the body; every answer but ok is an
// error to the sender, and after several it stops.
type vkKind struct{ foreign }

func (vkKind) fields() []string { return []string{"secret"} }

// handshake is the confirmation of the address. It proves nothing and is given
// nothing but a string that the owner configured for being asked.
func (vkKind) handshake(in *intake, _ []string) bool { return vkConfirmation(in) }

func vkConfirmation(in *intake) bool {
	return in.d.Method == http.MethodPost && textAt(in.content().object(), "type") == "confirmation"
}

// reply confirms the address with the group's string from the source's options:
// confirmation_<group id>, or confirmation where there is one group.
func (vkKind) reply(in *intake, _ *Decoded) Reply {
	if vkConfirmation(in) {
		options := in.d.Source.Options
		text := options["confirmation_"+textAt(in.content().object(), "group_id")]
		if text == "" {
			text = options["confirmation"]
		}
		if text != "" {
			return replyText(text)
		}
	}
	return replyText("ok")
}

// deliveryID is the event's, unique in its community. Older versions of the API
// send none; the lead itself is as good.
func (vkKind) deliveryID(in *intake) string {
	v := in.content().object()
	if id := joined("vk", idAt(v, "group_id", "object.group_id"), idAt(v, "event_id")); id != "" {
		return boundedID(id)
	}
	return vkEntity(v)
}

// vkEntity is community, form and lead: a lead's number is unique only inside
// its community. A notice without the form still has the other two.
func vkEntity(v event.Value) string {
	if idAt(v, "object.form_id") == "" {
		return boundedID(joined("vk", idAt(v, "object.group_id", "group_id"), idAt(v, "object.lead_id")))
	}
	return boundedID(joined("vk", idAt(v, "object.group_id", "group_id"), idAt(v, "object.form_id"), idAt(v, "object.lead_id")))
}

func (vkKind) read(in *intake) reading {
	v, stop := in.body()
	if stop != nil {
		return *stop
	}
	switch textAt(v, "type") {
	case "lead_forms_new":
	case "":
		return strange("no type of a Callback API event")
	default:
		return reading{ping: true}
	}
	object := opened(v.Get("object"))
	var answers []answer
	for _, item := range elements(at(object, "answers")) {
		name, question := textAt(item, "key"), textAt(item, "question")
		if usualField(name) == "" && question != "" {
			name = question // a key of an own question is custom_0
		}
		if name != "" {
			answers = append(answers, answer{name, vkAnswer(at(item, "answer"))})
		}
	}
	ev := in.answered(answers)
	ev.Entity = vkEntity(v)
	ev.Client.ExternalIDs = append(ev.Client.ExternalIDs, named("vk_user", textAt(object, "user_id"))...)
	for _, name := range []string{"form_id", "form_name", "ad_id"} {
		attribute(&ev, name, idAt(object, name))
	}
	root := event.Value{Type: event.Object, Members: slices.Clip(object.Members)}
	for _, item := range elements(at(object, "answers")) { // the source's map finds a question by its title where the answer is no object
		if value := opened(at(item, "answer")); value.Type == event.Object {
			for _, name := range textsAt(item, "key", "question") {
				root.Members = append(root.Members, event.Member{Key: name, Value: vkAnswer(value)})
			}
		}
	}
	return in.reachable(root, ev)
}

// vkAnswer is the text of an answer: a scalar, a list, or objects with a value.
func vkAnswer(v event.Value) event.Value {
	v = opened(v)
	switch v.Type {
	case event.Object:
		if value := textAt(v, "value", "text", "label", "answer"); value != "" {
			return event.Value{Type: event.String, Text: value}
		}
		return event.Value{Type: event.Array, Items: elements(v)}
	case event.Array:
		list := event.Value{Type: event.Array}
		for _, item := range v.Items {
			list.Items = append(list.Items, vkAnswer(item))
		}
		return list
	default:
		return v
	}
}
