package webhook

import (
	"github.com/leadlake/leadlake/lib/event"
)

// callTrackingByKind is the source kind "call-tracking.by" (webhooks.md §8):
// requests at the start of a call, at the answer and at its end, by GET or POST.
// The names of its parameters are not known, so the source's map gives them:
// phone, entity (the call), phase, result, seconds, direction, at. Where it does
// not, the names below are tried, which other systems use.
type callTrackingByKind struct{ foreign }

func usualCallNames() callNames {
	return callNames{
		call: []string{"call_id", "callid", "call_session_id", "uniqueid", "call_uid", "id"}, phase: []string{"phase", "event", "call_state"},
		phone:   []string{"caller_number", "caller", "caller_id", "callerid", "client_phone", "phone", "callernum", "from"},
		at:      []string{"timestamp", "start_time", "call_time", "datetime", "date"},
		seconds: []string{"talk_time", "billsec", "duration"}, direction: []string{"direction", "call_direction"},
		result: []string{"result", "call_status", "status"},
	}
}

func (callTrackingByKind) deliveryID(in *intake) string {
	return newParams(in, in.content().object()).callID("call-tracking.by", usualCallNames())
}

func (callTrackingByKind) read(in *intake) reading {
	return plainCall(in, "call-tracking.by", usualCallNames())
}

// plainCall makes a call of flat parameters.
func plainCall(in *intake, system string, names callNames) reading {
	v, stop := in.body()
	if stop != nil {
		return *stop
	}
	if len(v.Members) == 0 {
		return in.without("phone")
	}
	p := newParams(in, v)
	ev := p.callEvent(system, names)
	if ev.Entity == "" && !ev.Client.Identified() {
		return noContact()
	}
	if _, mapped := in.d.Source.Map["phase"]; !mapped { // the map has kept it as an attribute
		attribute(&ev, "phase", p.phase(names))
	}
	return reading{events: []event.Event{ev}}
}
