package spreadsheet

import (
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/money"
)

// Evidence says, for the proof of a consent, where the row with a number says it.
type Evidence func(row int) string

// OrderLines is one order of a file, of one row or of several.
type OrderLines struct {
	rows     []OrderRow // in the order of the file, without their text
	statuses []string   // of each row
}

// Add takes a row with its status in our words. It is false for a row in another
// currency than those before it, which is not taken.
func (o *OrderLines) Add(row OrderRow, status string) bool {
	if len(o.rows) > 0 && o.rows[0].Amount.Currency != row.Amount.Currency {
		return false
	}
	row.Row = Row{Number: row.Row.Number} // its text is not needed any more
	o.rows, o.statuses = append(o.rows, row), append(o.statuses, status)
	return true
}

// Rows are the numbers of the rows.
func (o *OrderLines) Rows() []int {
	numbers := make([]int, len(o.rows))
	for i, row := range o.rows {
		numbers[i] = row.Row.Number
	}
	return numbers
}

// status is the one that Event takes: that of the last row in time.
func (o *OrderLines) status() int {
	last := 0
	for i, row := range o.rows {
		if !row.At.Before(o.rows[last].At) {
			last = i
		}
	}
	return last
}

// Event is the statement that the rows make together, without an id. repeated
// says that the amount of a row is the order's total (Totals).
func (o *OrderLines) Event(repeated bool, evidence Evidence) event.Event {
	first := o.rows[0]
	currency := first.Amount.Currency
	ev := event.Event{
		Kind: event.OrderChange, At: first.At, Client: client(first.Person), Manager: first.Manager, Tags: first.Tags,
		Attribution: attribution(first.Attribution), Order: &event.Order{ID: first.ID, Currency: currency, Status: o.statuses[o.status()]},
	}
	total, returned := int64(0), int64(0)
	var shipping *money.Amount
	for i, row := range o.rows {
		if i == 0 || !repeated {
			total += row.Amount.Minor
		}
		if row.At.Before(ev.At) {
			ev.At = row.At
		}
		if row.Shipping != nil && (shipping == nil || row.Shipping.Minor > shipping.Minor) {
			shipping = row.Shipping // repeated, or told in one row of the order
		}
		if row.Returned != nil && (row.FromLine || !repeated) {
			returned += row.Returned.Minor
		} else if row.Returned != nil {
			returned = max(returned, row.Returned.Minor)
		}
		ev.Consents = append(ev.Consents, consents(row.Person, row.Person.ConsentAt, row.Row.Number, evidence)...)
		if row.Comment != "" && ev.Attributes == nil {
			ev.Attributes = map[string]string{"comment": row.Comment}
		}
		if item, ok := orderItem(row, len(o.rows) == 1, repeated); ok {
			ev.Order.Items = append(ev.Order.Items, item)
		}
	}
	if shipping != nil {
		if len(o.rows) > 1 && !repeated || first.FromLine {
			total += shipping.Minor // sums of goods do not hold the delivery
		}
		ev.Order.Shipping = money.Decimal(shipping.Minor, currency)
	}
	ev.Order.Total = money.Decimal(total, currency)
	tellReturn(ev.Order, returned)
	return ev
}

// tellReturn tells of a return in the words of the fold: only the status returned
// has an amount, and a part of a paid order that came back is such a statement.
// Where the status is not known yet the amount waits beside it.
func tellReturn(o *event.Order, minor int64) {
	if minor < 0 {
		minor = -minor // some systems write returns as negative sums
	}
	if minor == 0 || o.Status == event.StatusCancelled || o.Status == event.StatusNew {
		return
	}
	if o.Status != "" {
		o.Status = event.StatusReturned
	}
	o.Returned = money.Decimal(minor, o.Currency)
}

// orderItem is the line of an order, for rows that name what was sold.
func orderItem(row OrderRow, alone, repeated bool) (event.Item, bool) {
	if row.Item == "" && row.SKU == "" && row.Category == "" {
		return event.Item{}, false
	}
	item := event.Item{SKU: row.SKU, Name: row.Item, Category: row.Category, Quantity: row.Quantity}
	currency := row.Amount.Currency
	switch {
	case row.ItemSum != nil:
		item.Sum = money.Decimal(row.ItemSum.Minor, currency)
	case row.Price != nil:
		item.Price = money.Decimal(row.Price.Minor, currency)
	case row.FromLine, alone && row.Shipping == nil, !alone && !repeated:
		item.Sum = money.Decimal(row.Amount.Minor, currency)
	case alone:
		item.Sum = money.Decimal(row.Amount.Minor-row.Shipping.Minor, currency)
	}
	return item, true
}

// Event is the lead as a statement, without an id.
func (l LeadRow) Event(evidence Evidence) event.Event {
	ev := event.Event{
		Kind: event.Lead, At: l.At, Client: client(l.Person), Stage: l.Stage, Manager: l.Manager, Tags: l.Tags,
		Attribution: attribution(l.Attribution), Consents: consents(l.Person, l.Person.ConsentAt, l.Row.Number, evidence),
	}
	if l.Interest != "" {
		ev.Interests = []string{l.Interest}
	}
	if l.Comment != "" {
		ev.Attributes = map[string]string{"comment": l.Comment}
	}
	return ev
}

// Event is the client's data as a statement, without an id and without a time:
// what a client base says holds when it is received. Its consents without a date
// of their own are as old as the client, for an old yes must not undo a later no.
func (c ClientRow) Event(evidence Evidence) event.Event {
	at := c.Person.ConsentAt
	if at.IsZero() {
		at = c.Since
	}
	ev := event.Event{
		Kind: event.Profile, Client: client(c.Person), Manager: c.Manager, Tags: c.Tags,
		Attribution: attribution(c.Attribution), Consents: consents(c.Person, at, c.Row.Number, evidence),
	}
	if c.Comment != "" {
		ev.Attributes = map[string]string{"comment": c.Comment}
	}
	return ev
}

// client is what a row says of a person, in the event's words.
func client(p Person) event.Client {
	c := event.Client{
		ExternalID: p.Client, Name: p.Name, FirstName: p.FirstName, LastName: p.LastName, BirthDate: p.BirthDay,
		Gender: gender(p.Gender), City: p.City, Country: p.Country, Company: p.Company,
	}
	switch len(p.Phones) {
	case 0:
	case 1:
		c.Phone = p.Phones[0]
	default:
		c.Phones = p.Phones
	}
	switch len(p.Emails) {
	case 0:
	case 1:
		c.Email = p.Emails[0]
	default:
		c.Emails = p.Emails
	}
	return c
}

// consents are the statements of a row's own columns; a zero time is the event's.
func consents(p Person, at time.Time, row int, evidence Evidence) []event.Consent {
	var list []event.Consent
	for _, c := range p.Consents {
		list = append(list, event.Consent{Purpose: string(c.Purpose), Given: c.Given, At: at, Evidence: evidence(row)})
	}
	return list
}

func attribution(a Attribution) event.Attribution {
	out := event.Attribution{UTMSource: a.UTMSource, UTMMedium: a.Medium, UTMCampaign: a.Campaign}
	if out.UTMSource == "" {
		out.UTMSource = a.Source
	}
	return out
}

func gender(text string) string {
	text = strings.ToLower(strings.TrimSuffix(text, "."))
	switch text {
	case "w", "женщина":
		return "f"
	case "man", "мужчина":
		return "m"
	}
	return event.Gender(text)
}
