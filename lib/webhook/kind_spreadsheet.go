package webhook

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/event"
)

// SheetRow is the body of a delivery of the kind "spreadsheet": a row of a dropped
// file, or the rows that make one order or one day's cost together. It carries
// the cells as they stand and, beside them, what they say, because the style of
// dates and numbers and the meaning of columns are decided for a whole file: a
// row alone could not be read again. What a configuration may change later stays
// open: the words of statuses and stages, which are translated when it is decoded.
type SheetRow struct {
	ID     string       `json:"id"`              // of the delivery: made of everything below
	Ref    string       `json:"ref,omitempty"`   // of the lead or order the row is about
	Named  bool         `json:"named,omitempty"` // Ref stands in the file; else it is made of the cells
	Header []string     `json:"header,omitempty"`
	Rows   [][]string   `json:"rows"`
	Status string       `json:"status,omitempty"` // the order's status in the file's own word
	Event  *event.Event `json:"event,omitempty"`  // without an id; nil where Fault is set
	Fault  *SheetFault  `json:"fault,omitempty"`
	Again  int          `json:"again,omitempty"` // equal unreadable rows before this one in the file
	// Of is a hash of all that its file tells, for a statement which a later file
	// replaces: what the next one changes and the one after it changes back is told
	// a third time.
	Of string `json:"of,omitempty"`
}

// SheetFault says why a row could not be read; see SheetReason.
type SheetFault struct {
	Reason string `json:"reason"`
	Detail string `json:"detail"` // names the column and what to do, shows no value
}

// SheetReason is the reason under lake/failed of a row with a code of package
// spreadsheet: row_date, row_amount, row_no_client, row_currency, …
func SheetReason(code string) string {
	if code == "client" {
		code = "no_client"
	}
	return "row_" + code
}

// ReasonRowStatus is the reason of an order whose status is a word that neither
// Leadlake nor the source's configuration knows.
const ReasonRowStatus = "row_status"

// Body writes the row as one line of JSON, the same bytes for the same row.
func (r SheetRow) Body() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(r); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// sheetKind is the source kind "spreadsheet". Its deliveries are made by the
// import of a file and not posted.
type sheetKind struct{ common }

func (sheetKind) deliveryID(in *intake) string {
	return first(texts(in.content().object().Get("id")))
}

func (sheetKind) read(in *intake) reading {
	c := in.content()
	if c.failure != nil {
		return reading{failure: c.failure}
	}
	row := c.object()
	if fault := row.Get("fault"); fault.Type == event.Object {
		return reading{failure: &Failure{Reason: fault.Get("reason").Text, Detail: fault.Get("detail").Text}}
	}
	ev, faults := event.FromJSON(row.Get("event"), "event", in.cfg.Defaults(in.d.Source))
	if len(faults) > 0 {
		return reading{failure: invalidEvent(faults)}
	}
	id, ref := row.Get("id").Text, row.Get("ref").Text
	switch ev.Kind {
	case event.OrderChange:
		if !sheetStatus(in, ev.Order, row.Get("status").Text) {
			return reading{failure: &Failure{
				Reason: ReasonRowStatus,
				Detail: "the word of the order's status is not known; say what it means under orders: of the source " + in.d.Source.Name,
			}}
		}
		ev.ID = sheetOrderID(in.d.ReceivedAt, ev.Order, id)
		return reading{events: []event.Event{ev}}
	case event.Lead:
		ev.ID = "lead/" + shortID(ref)
		if row.Get("named").Text == "true" {
			return reading{events: sheetLead(in, ev, id)}
		}
		return reading{events: []event.Event{ev}}
	default: // of two statements about one thing the one received later wins
		ev.ID = string(ev.Kind) + "/" + laterWins(in.d.ReceivedAt, id)
		return reading{events: []event.Event{ev}}
	}
}

// sheetStatus settles the status of an order: the source's own words go before
// those that are known everywhere. False for a word that nobody knows.
func sheetStatus(in *intake, o *event.Order, word string) bool {
	if status, ok := sheetWord(in.d.Source.Orders.Map, word); ok {
		o.Status = status
	} else if word == "" && in.d.Source.OrderStatus != "" {
		o.Status = in.d.Source.OrderStatus
	}
	if o.Returned != "" {
		switch o.Status {
		case event.StatusPaid, event.StatusShipped, event.StatusCompleted:
			o.Status = event.StatusReturned // the fold takes an amount from a return alone
		case event.StatusNew, event.StatusCancelled:
			o.Returned = ""
		}
	}
	return o.Status != ""
}

func sheetWord(words map[string]string, word string) (string, bool) {
	if word == "" {
		return "", false
	}
	if status, ok := words[word]; ok {
		return status, true
	}
	for _, known := range sortedKeys(words) {
		if strings.EqualFold(strings.Join(strings.Fields(known), " "), strings.Join(strings.Fields(word), " ")) {
			return words[known], true
		}
	}
	return "", false
}

func sortedKeys(words map[string]string) []string {
	keys := make([]string, 0, len(words))
	for key := range words {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// sheetOrderID names a statement about an order. Files rarely say when an order
// reached its status, so all statements have the order's date, and of equal ones
// the fold takes that with the greater id: the later file has to have it. Returns
// add up in the fold, so the same return told again must be the same statement.
func sheetOrderID(received time.Time, o *event.Order, id string) string {
	if o.Returned != "" {
		return "order/" + shortID(o.ID) + "/returned/" + o.Returned
	}
	return "order/" + shortID(o.ID) + "/" + laterWins(received, id)
}

func laterWins(received time.Time, id string) string {
	return received.UTC().Format("20060102T150405.000000Z") + "-" + id[:min(len(id), 24)]
}

// shortID keeps an id of a file within the length of an event's.
func shortID(id string) string {
	if len(id) <= 256 {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:])
}

// sheetLead splits a lead that has an id in its system into what it was when it
// came in, which is the same in every export, and what has become of it, which
// the next export may state anew without making another lead.
func sheetLead(in *intake, ev event.Event, id string) []event.Event {
	lead := event.Event{
		ID: ev.ID, Kind: event.Lead, At: ev.At, Attribution: ev.Attribution, Interests: ev.Interests, SenderOrders: ev.SenderOrders,
		Client: event.Client{Phone: ev.Client.Phone, Phones: ev.Client.Phones, Email: ev.Client.Email, Emails: ev.Client.Emails, ExternalID: ev.Client.ExternalID},
	}
	now := ev
	now.Kind, now.Attribution, now.Interests = event.Profile, event.Attribution{}, nil
	now.ID = ev.ID + "/" + id[:min(len(id), 24)]
	_, mapped := in.d.Source.Stages[ev.Stage]
	if mapped || slices.Contains(in.cfg.Funnel, ev.Stage) {
		now.Kind = event.Stage // another word is kept as an attribute
	}
	return []event.Event{lead, now}
}
