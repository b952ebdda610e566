package webhook

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/leadlake/leadlake/lib/event"
)

// problem is an error as RFC 9457 writes it. Type is stable: programs compare
// it; Detail is for people and holds no personal data.
type problem struct {
	Type   string              `json:"type"`
	Title  string              `json:"title"`
	Status int                 `json:"status"`
	Detail string              `json:"detail,omitempty"`
	Errors []*event.FieldError `json:"errors,omitempty"`
}

// problemReply makes the reply of a problem. code becomes the last part of the
// type, urn:leadlake:problem:<code>, with dashes for underscores.
func problemReply(status int, code, detail string, faults []*event.FieldError) Reply {
	code = strings.ReplaceAll(code, "_", "-")
	title := strings.ReplaceAll(code, "-", " ")
	body, err := json.Marshal(problem{
		Type:   "urn:leadlake:problem:" + code,
		Title:  strings.ToUpper(title[:1]) + title[1:],
		Status: status, Detail: detail, Errors: faults,
	})
	if err != nil {
		panic("webhook: marshal of plain strings failed") // cannot happen
	}
	return Reply{Status: status, ContentType: "application/problem+json", Body: append(body, '\n')}
}

// accepted is the answer to programs: how many events were taken and their ids.
// It is the same for a duplicate, and says 0 where the body made no event.
func accepted(out *Decoded) Reply {
	answer := struct {
		Accepted int      `json:"accepted"`
		IDs      []string `json:"ids"`
	}{IDs: []string{}}
	for _, ev := range out.Events {
		answer.IDs = append(answer.IDs, ev.ID)
	}
	answer.Accepted = len(answer.IDs)
	body, err := json.Marshal(answer)
	if err != nil {
		panic("webhook: marshal of plain strings failed") // cannot happen
	}
	return Reply{Status: http.StatusOK, ContentType: "application/json", Body: append(body, '\n')}
}

// replyJSON answers a program: a problem for what it can correct, unless the
// source never sends again, which a refusal would turn into a loss.
func replyJSON(in *intake, out *Decoded) Reply {
	f := out.Failure
	if f == nil || in.d.Source.NoRetry {
		return accepted(out)
	}
	switch f.Reason {
	case ReasonInvalidEvent, ReasonNoContact:
		return problemReply(http.StatusUnprocessableEntity, f.Reason, f.Detail, f.Faults)
	case ReasonPanic, ReasonUnknownKind: // our fault, and the bytes are safe
		return accepted(out)
	default:
		return problemReply(http.StatusBadRequest, f.Reason, f.Detail, nil)
	}
}

// write sends a reply. HEAD gets no body.
func (p Reply) write(w http.ResponseWriter, method string) {
	header := w.Header()
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "no-store")
	if p.ContentType != "" {
		header.Set("Content-Type", p.ContentType)
	}
	if p.Location != "" {
		header.Set("Location", p.Location)
	}
	for name, value := range p.Header {
		header.Set(name, value)
	}
	w.WriteHeader(p.Status)
	if method != http.MethodHead {
		_, _ = w.Write(p.Body) // the sender may be gone; the delivery is stored all the same
	}
}
