package webhook

import (
	"github.com/leadlake/leadlake/lib/event"
)

// calltouchKind is the source kind "calltouch" (webhooks.md §8): calls, requests,
// deals and chats as a flat form or, by GET, as a query. The parameters' names
// are chosen by the owner in Calltouch; without a map the names of its export API
// are expected. What the webhook is about is told by the parameters or by the
// address it is entered with: /in/NAME/lead, /in/NAME/chat.
type calltouchKind struct{ foreign }

func calltouchNames() callNames {
	return callNames{
		call: []string{"callId"}, site: []string{"siteId"}, phase: []string{"callphase"}, phone: []string{"callerNumber"},
		at: []string{"timestamp", "callTime"}, seconds: []string{"duration"},
	}
}

func (calltouchKind) deliveryID(in *intake) string {
	p := newParams(in, in.content().object())
	if what := calltouchTopic(p); what != "call" {
		site, id := p.id("site", "siteId"), calltouchRequest(p)
		if id == "" {
			return ""
		}
		if site == "" {
			return joined("calltouch", what, id)
		}
		return joined("calltouch", site, what, id)
	}
	return p.callID("calltouch", calltouchNames())
}

// calltouchTopic is call, chat or lead.
func calltouchTopic(p params) string {
	switch topic(p.set.in) {
	case "call", "calls":
		return "call"
	case "chat", "chats":
		return "chat"
	case "lead", "leads", "request", "requests", "deal", "deals":
		return "lead"
	}
	if p.id("entity", "callId") != "" || p.text("phase", "callphase") != "" || p.text("phone", "callerNumber") != "" && calltouchRequest(p) == "" {
		return "call"
	}
	return "lead"
}

func calltouchRequest(p params) string { return p.id("entity", "requestId", "chatId", "orderId") }

func (calltouchKind) read(in *intake) reading {
	v, stop := in.body()
	if stop != nil {
		return *stop
	}
	if len(v.Members) == 0 {
		return in.without("callId")
	}
	p := newParams(in, v)
	what := calltouchTopic(p)
	if what != "call" {
		return calltouchLead(in, p, what)
	}
	ev := p.callEvent("calltouch", calltouchNames())
	if ev.Entity == "" && !ev.Client.Identified() {
		return noContact()
	}
	if ev.Contact.Result == "" && textAt(v, "callphase") != "callconnected" { // at the start nobody knows
		ev.Contact.Result = answered(textAt(v, "successful"))
	}
	calltouchMarks(&ev, v)
	copyAttributes(&ev, v, "callphase", "phoneNumber", "redirectNumber", "sessionId", "uniqueCall", "targetCall", "waitingConnect", "callReferenceId")
	return reading{events: []event.Event{ev}}
}

// calltouchMarks reads the counters' ids: clientId is Google's.
func calltouchMarks(ev *event.Event, v event.Value) {
	if id := idAt(v, "clientId"); id != "" {
		put(&ev.Attribution.ClientIDs, "ga", analyticsID(id))
	}
}

// calltouchLead reads what is no call by the usual names of people and by the
// owner's map, as a form of a site is read.
func calltouchLead(in *intake, p params, what string) reading {
	fields := newFieldSet(in, p.root)
	ev := fields.lead()
	if !ev.Client.Identified() && ev.Order == nil {
		return noContact()
	}
	if what == "chat" {
		text := ""
		if ev.Contact != nil {
			text = ev.Contact.Text
		}
		ev.Kind, ev.Contact = event.ContactMade, &event.Contact{Channel: "chat", Direction: "in", Text: text}
	}
	calltouchMarks(&ev, p.root)
	fields.keepRest(&ev)
	ev.Entity = (calltouchKind{}).deliveryID(in)
	return reading{events: []event.Event{ev}}
}
