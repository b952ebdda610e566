package event

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/money"
)

// Defaults are what the native form leaves to the business's configuration.
type Defaults struct {
	Currency string         // of amounts without one; decides their decimal places
	Location *time.Location // of times without a zone; nil is UTC
}

// MaxID is the longest id of an event in bytes.
const MaxID = 512

// FromJSON reads one native event (design §4). All faults are returned together,
// each with its path below path; the event is only of use when there are none.
// Unknown fields are kept as text in Attributes, null and empty text mean "not
// told", numbers are taken where text is asked for and the other way round.
func FromJSON(v Value, path string, defaults Defaults) (Event, []*FieldError) {
	r := &reader{defaults: defaults}
	if v.Type != Object {
		r.fault(path, "want an object, got "+v.Type.String())
		return Event{}, r.faults
	}
	ev := Event{SenderOrders: true}
	for _, m := range v.Members {
		at := Join(path, m.Key)
		switch m.Key {
		case "id":
			if ev.ID = r.text(m.Value, at); len(ev.ID) > MaxID {
				r.fault(at, "longer than 512 bytes")
			}
		case "kind":
			ev.Kind = Kind(r.text(m.Value, at))
		case "entity":
			ev.Entity = r.text(m.Value, at)
		case "at":
			ev.At = r.time(m.Value, at)
		case "client":
			ev.Client = r.client(m.Value, at)
		case "order":
			ev.Order = r.order(m.Value, at)
		case "stage":
			ev.Stage = r.text(m.Value, at)
		case "interests":
			ev.Interests = r.texts(m.Value, at)
		case "tags":
			ev.Tags = r.texts(m.Value, at)
		case "manager":
			ev.Manager = r.text(m.Value, at)
		case "attribution":
			ev.Attribution = r.attribution(m.Value, at)
		case "consents":
			ev.Consents = r.consents(m.Value, at)
		case "cost":
			ev.Cost = r.cost(m.Value, at)
		case "contact":
			ev.Contact = r.contact(m.Value, at)
		case "booking":
			ev.Booking = r.booking(m.Value, at)
		case "unsubscribe":
			ev.Unsubscribe = r.unsubscribe(m.Value, at)
		case "attributes":
			r.attributes(m.Value, at, &ev.Attributes)
		default:
			keep(&ev.Attributes, m.Key, m.Value)
		}
	}
	r.check(&ev, path)
	return ev, r.faults
}

// check applies the rules that need more than one field.
func (r *reader) check(ev *Event, path string) {
	if len(r.faults) > 0 {
		return // a field of a wrong type would only be reported twice
	}
	missing := func(fields ...string) {
		at := path
		for _, field := range fields {
			at = Join(at, field)
		}
		r.fault(at, "missing; kind "+string(ev.Kind)+" needs it")
	}
	if ev.Kind == "" {
		r.fault(Join(path, "kind"), "missing; one of lead, order, stage, contact, booking, profile, consent, unsubscribe, cost, erase")
		return
	}
	if !slices.Contains(Kinds(), ev.Kind) {
		r.fault(Join(path, "kind"), "unknown; one of lead, order, stage, contact, booking, profile, consent, unsubscribe, cost, erase")
		return
	}
	switch ev.Kind {
	case OrderChange:
		if ev.Order == nil || ev.Order.ID == "" {
			missing("order", "id")
		}
	case Stage:
		if ev.Stage == "" {
			missing("stage")
		}
	case ContactMade:
		if ev.Contact == nil || ev.Contact.Channel == "" {
			missing("contact", "channel")
		}
	case BookingMade:
		if ev.Booking == nil {
			missing("booking")
		}
	case CostSpent:
		if ev.Cost == nil {
			missing("cost")
		}
	case ConsentSaid:
		if len(ev.Consents) == 0 {
			missing("consents")
		}
	}
	switch ev.Kind {
	case Profile, ConsentSaid, Unsubscribe, Erase:
		if !ev.Client.Identified() {
			missing("client")
		}
	}
}

type reader struct {
	defaults Defaults
	faults   []*FieldError
}

func (r *reader) fault(path, reason string) {
	r.faults = append(r.faults, &FieldError{Path: path, Reason: reason})
}

func (r *reader) object(v Value, path string) []Member {
	if v.Type == Null || v.Type == Array && len(v.Items) == 0 { // PHP writes an empty map as []
		return nil
	}
	if v.Type != Object {
		r.fault(path, "want an object, got "+v.Type.String())
	}
	return v.Members
}

func (r *reader) text(v Value, path string) string {
	switch v.Type {
	case Null:
		return ""
	case String, Number:
		return strings.TrimSpace(v.Text)
	default:
		r.fault(path, "want text, got "+v.Type.String())
		return ""
	}
}

func (r *reader) texts(v Value, path string) []string {
	if v.Type != Array {
		if s := r.text(v, path); s != "" {
			return []string{s}
		}
		return nil
	}
	var list []string
	for i, item := range v.Items {
		if s := r.text(item, path+"["+strconv.Itoa(i)+"]"); s != "" {
			list = append(list, s)
		}
	}
	return list
}

func (r *reader) boolean(v Value, path string) bool {
	switch {
	case v.Type == Bool:
		return v.Text == "true"
	case v.Type == String && (v.Text == "true" || v.Text == "false"):
		return v.Text == "true"
	default:
		r.fault(path, "want true or false, got "+v.Type.String())
		return false
	}
}

func (r *reader) time(v Value, path string) time.Time {
	s := r.text(v, path)
	if s == "" {
		return time.Time{}
	}
	t, ok := ParseTime(s, r.defaults.Location)
	if !ok {
		r.fault(path, "want a time such as 2026-11-20T10:15:00+03:00")
	}
	return t
}

// ParseTime reads RFC 3339 and its near relatives that systems send (+0300,
// blank instead of T, no seconds, no zone, date alone). Texts without a zone are
// in location (nil: UTC). The result is UTC at microseconds, the lake's precision.
func ParseTime(s string, location *time.Location) (time.Time, bool) {
	if location == nil {
		location = time.UTC
	}
	for _, layout := range []string{
		time.RFC3339Nano, "2006-01-02T15:04:05.999999999-0700", "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999-0700",
		"2006-01-02T15:04Z07:00", "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999", "2006-01-02T15:04", "2006-01-02 15:04", time.DateOnly,
	} {
		if t, err := time.ParseInLocation(layout, s, location); err == nil && t.Year() >= 1900 && t.Year() < 2200 {
			return t.UTC().Truncate(time.Microsecond), true
		}
	}
	return time.Time{}, false
}

func (r *reader) day(v Value, path string) string {
	s := r.text(v, path)
	if s == "" {
		return ""
	}
	if t, err := time.Parse(time.DateOnly, s[:min(len(s), 10)]); err == nil && t.Year() >= 1900 && t.Year() < 2200 {
		return s[:10]
	}
	r.fault(path, "want a day such as 2026-11-20")
	return ""
}

func (r *reader) currency(v Value, path string) string {
	s := r.text(v, path)
	if s == "" {
		return ""
	}
	code, ok := money.Code(s)
	if !ok {
		r.fault(path, "want a currency code such as RUB")
	}
	return code
}

// amount checks a decimal and gives it the currency's number of places.
func (r *reader) amount(v Value, path, currency string) string {
	s := r.text(v, path)
	if s == "" {
		return ""
	}
	if currency == "" {
		currency = r.defaults.Currency
	}
	a, err := money.Parse(s, currency)
	if err != nil {
		r.fault(path, "want a decimal number such as 8270.00")
		return ""
	}
	return money.Decimal(a.Minor, currency)
}

// Quantity checks a decimal count and drops the zeros after its point.
func Quantity(s string) (string, bool) {
	if _, err := money.Parse(s, "CLF"); err != nil { // four places are enough for grams of a kilogram
		return "", false
	}
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	if s == "" || s == "-" {
		s = "0"
	}
	return s, true
}

func (r *reader) number(v Value, path string) string {
	s := r.text(v, path)
	if s == "" {
		return ""
	}
	n, ok := Quantity(s)
	if !ok {
		r.fault(path, "want a number")
	}
	return n
}

func (r *reader) attributes(v Value, path string, into *map[string]string) {
	for _, m := range r.object(v, path) {
		keep(into, m.Key, m.Value)
	}
}

// keep stores an unknown field as text: a scalar as itself, anything else as
// compact JSON.
func keep(into *map[string]string, key string, v Value) {
	if v.Type == Null || v.Type == String && v.Text == "" {
		return
	}
	if *into == nil {
		*into = make(map[string]string)
	}
	if v.Type == Array || v.Type == Object {
		(*into)[key] = v.JSON()
		return
	}
	(*into)[key] = v.Text
}
