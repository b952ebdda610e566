// Package event is Leadlake's own language: what happened to a client, in the
// form that the webhook kind "json" accepts and every adapter translates into
// (design §4). An Event is what a sender stated, with contact values as typed;
// tokens, normal forms and folds come later.
package event

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"time"
)

// Kind says what happened.
type Kind string

// The kinds of events.
const (
	Lead        Kind = "lead"        // somebody asked
	OrderChange Kind = "order"       // an order reached a status
	Stage       Kind = "stage"       // a funnel step was reached
	ContactMade Kind = "contact"     // call, chat, message, visit, review…
	BookingMade Kind = "booking"     // table, appointment
	Profile     Kind = "profile"     // data of a client changed
	ConsentSaid Kind = "consent"     // consents given or withdrawn
	Unsubscribe Kind = "unsubscribe" // one channel, or all
	CostSpent   Kind = "cost"        // advertising cost of a day
	Erase       Kind = "erase"       // the person asks to be forgotten
)

// Kinds returns all kinds in a fixed order.
func Kinds() []Kind {
	return []Kind{Lead, OrderChange, Stage, ContactMade, BookingMade, Profile, ConsentSaid, Unsubscribe, CostSpent, Erase}
}

// Event is one statement of a source. Nil and empty mean "not told". Times are
// UTC; a zero At means the time of receipt. Money and quantities are decimal
// texts with a point.
type Event struct {
	ID           string            `json:"id,omitempty"`
	Kind         Kind              `json:"kind"`
	Entity       string            `json:"entity,omitempty"` // the call, chat, form or deal that several events describe
	At           time.Time         `json:"at,omitzero"`
	Client       Client            `json:"client,omitzero"`
	Order        *Order            `json:"order,omitempty"`
	Stage        string            `json:"stage,omitempty"`
	Interests    []string          `json:"interests,omitempty"`
	Tags         []string          `json:"tags,omitempty"`
	Manager      string            `json:"manager,omitempty"`
	Attribution  Attribution       `json:"attribution,omitzero"`
	Consents     []Consent         `json:"consents,omitempty"`
	Cost         *Cost             `json:"cost,omitempty"`
	Contact      *Contact          `json:"contact,omitempty"`
	Booking      *Booking          `json:"booking,omitempty"`
	Unsubscribe  *Unsubscription   `json:"unsubscribe,omitempty"`
	Attributes   map[string]string `json:"attributes,omitempty"` // unknown fields as text
	Files        []string          `json:"files,omitempty"`      // names of files sent along; the bytes stay in raw
	Fetch        string            `json:"fetch,omitempty"`      // set by adapters: the object a thin hook only names, to be asked for
	DerivedID    bool              `json:"-"`                    // ID was made from the content, the sender gave none
	EstimatedAt  bool              `json:"-"`                    // At was corrected by the clock of receipt: it differs a little each time the same is sent
	SenderOrders bool              `json:"-"`                    // false where the source's amounts are no orders
}

// Client is what an event says about a person.
type Client struct {
	Phone            string            `json:"phone,omitempty"`
	Phones           []string          `json:"phones,omitempty"`
	Email            string            `json:"email,omitempty"`
	Emails           []string          `json:"emails,omitempty"`
	ExternalID       string            `json:"external_id,omitempty"`
	ExternalIDs      []string          `json:"external_ids,omitempty"` // further ones; a system's own read system:id
	References       []string          `json:"references,omitempty"`   // things the client has part in, written system_thing:id: a deal, a company
	CardNo           string            `json:"card_no,omitempty"`
	Name             string            `json:"name,omitempty"`
	FirstName        string            `json:"first_name,omitempty"`
	LastName         string            `json:"last_name,omitempty"`
	BirthDate        string            `json:"birth_date,omitempty"` // as stated; identity.ParseBirthDate reads it
	Gender           string            `json:"gender,omitempty"`     // f or m
	City             string            `json:"city,omitempty"`
	Country          string            `json:"country,omitempty"` // ISO 3166 alpha-2
	Address          string            `json:"address,omitempty"`
	Company          string            `json:"company,omitempty"`
	LoyaltyLevel     string            `json:"loyalty_level,omitempty"`
	PreferredChannel string            `json:"preferred_channel,omitempty"`
	Attributes       map[string]string `json:"attributes,omitempty"`
}

// AllPhones returns the phones as typed, first the single field, without
// repetition.
func (c Client) AllPhones() []string { return merge(c.Phone, c.Phones) }

// AllEmails returns the e-mails as typed, first the single field, without
// repetition.
func (c Client) AllEmails() []string { return merge(c.Email, c.Emails) }

// AllExternalIDs returns the external ids, first the single field, without
// repetition.
func (c Client) AllExternalIDs() []string { return merge(c.ExternalID, c.ExternalIDs) }

// Identified reports whether the client has any identifier at all.
func (c Client) Identified() bool {
	return c.Phone != "" || c.Email != "" || c.ExternalID != "" || c.CardNo != "" || len(c.Phones) > 0 || len(c.Emails) > 0 ||
		len(c.ExternalIDs) > 0 || len(c.References) > 0
}

func merge(first string, rest []string) []string {
	all := make([]string, 0, len(rest)+1)
	for _, s := range append([]string{first}, rest...) {
		seen := s == ""
		for _, old := range all {
			seen = seen || old == s
		}
		if !seen {
			all = append(all, s)
		}
	}
	return all
}

// Statuses of an order, from the earliest to the one that wins ties.
const (
	StatusNew       = "new"
	StatusPaid      = "paid"
	StatusShipped   = "shipped"
	StatusCompleted = "completed"
	StatusCancelled = "cancelled"
	StatusReturned  = "returned"
)

// Order is a statement about an order; a field that is not told changes nothing
// (metrics, "Fold of an order"). Returned of a returned statement is the amount
// of this return, not told meaning all of it.
type Order struct {
	ID       string `json:"id"`
	Status   string `json:"status,omitempty"`
	Currency string `json:"currency,omitempty"`
	Total    string `json:"total,omitempty"`
	Shipping string `json:"shipping,omitempty"`
	Returned string `json:"returned,omitempty"`
	Items    []Item `json:"items,omitempty"`
}

// Item is one line of an order. The line's revenue is Sum, else Quantity × Price.
type Item struct {
	SKU      string `json:"sku,omitempty"`
	Name     string `json:"name,omitempty"`
	Category string `json:"category,omitempty"`
	Quantity string `json:"quantity,omitempty"`
	Price    string `json:"price,omitempty"`
	Sum      string `json:"sum,omitempty"`
}

// Attribution is where a client came from.
type Attribution struct {
	UTMSource   string            `json:"utm_source,omitempty"`
	UTMMedium   string            `json:"utm_medium,omitempty"`
	UTMCampaign string            `json:"utm_campaign,omitempty"`
	UTMContent  string            `json:"utm_content,omitempty"`
	UTMTerm     string            `json:"utm_term,omitempty"`
	ClickIDs    map[string]string `json:"-"` // yclid, gclid, fbclid…: written flat in JSON
	Referrer    string            `json:"referrer,omitempty"`
	Landing     string            `json:"landing,omitempty"`
	ClientIDs   map[string]string `json:"client_ids,omitempty"` // ym_uid, ga…
}

// MarshalJSON writes click ids beside the utm keys, as the native form reads
// them.
func (a Attribution) MarshalJSON() ([]byte, error) {
	type plain Attribution
	body, err := json.Marshal(plain(a))
	if err != nil || len(a.ClickIDs) == 0 {
		return body, err
	}
	flat := make(map[string]any, len(a.ClickIDs)+8)
	if err := json.Unmarshal(body, &flat); err != nil {
		return nil, err
	}
	for key, value := range a.ClickIDs {
		flat[key] = value
	}
	return json.Marshal(flat)
}

// IsZero reports whether nothing is known.
func (a Attribution) IsZero() bool {
	return a.UTMSource == "" && a.UTMMedium == "" && a.UTMCampaign == "" && a.UTMContent == "" && a.UTMTerm == "" &&
		a.Referrer == "" && a.Landing == "" && len(a.ClickIDs) == 0 && len(a.ClientIDs) == 0
}

// Consent is one statement of agreement.
type Consent struct {
	Purpose     string    `json:"purpose"`
	Given       bool      `json:"given"`
	TextVersion string    `json:"text_version,omitempty"`
	At          time.Time `json:"at,omitzero"` // zero: the event's time
	Evidence    string    `json:"evidence,omitempty"`
}

// Cost is what was spent on a day for a source's campaign. A later statement about
// the same Entity (without one: about the same day, source and campaign) replaces
// an earlier one; what one delivery says about them adds up.
type Cost struct {
	Day      string `json:"day"` // YYYY-MM-DD in the business's time zone
	Source   string `json:"source"`
	Campaign string `json:"campaign,omitempty"`
	Amount   string `json:"amount"`
	Currency string `json:"currency,omitempty"`
	Clicks   string `json:"clicks,omitempty"`
}

// Contact is one touch between the business and a person.
type Contact struct {
	Channel   string `json:"channel"`
	Direction string `json:"direction,omitempty"` // in or out
	Result    string `json:"result,omitempty"`
	Seconds   string `json:"seconds,omitempty"`
	Rating    string `json:"rating,omitempty"`
	Text      string `json:"text,omitempty"`
}

// Booking is a table, appointment or visit that was agreed.
type Booking struct {
	ID     string    `json:"id,omitempty"`
	For    time.Time `json:"for,omitzero"`
	Status string    `json:"status,omitempty"`
}

// Unsubscription names the channel left; empty means all.
type Unsubscription struct {
	Channel string `json:"channel,omitempty"`
}

// ErrInvalid is matched by every FieldError.
var ErrInvalid = errors.New("event: invalid")

// FieldError is one fault of one field; Path is a JSON path such as
// "[2].order.total". It never holds the value itself.
type FieldError struct {
	Path   string `json:"path"`
	Reason string `json:"reason"`
}

func (e *FieldError) Error() string { return "event: " + e.Path + ": " + e.Reason }

// Is matches ErrInvalid.
func (e *FieldError) Is(target error) bool { return target == ErrInvalid }

// DeriveID gives an event without a sender's id one that is made of its source
// and content. minute stands for the time of receipt and counts only where the
// event carries no time of its own, so that the same lead is new again weeks
// later while a dated statement is the same whenever it comes.
func (e *Event) DeriveID(source string, minute time.Time) {
	if e.ID != "" {
		return
	}
	body, err := json.Marshal(e)
	if err != nil {
		panic("event: marshal of plain strings failed") // cannot happen: no channels, no floats
	}
	hash := sha256.New()
	hash.Write([]byte(source))
	hash.Write([]byte{0})
	hash.Write(body)
	if e.At.IsZero() {
		hash.Write([]byte(minute.UTC().Truncate(time.Minute).Format(time.RFC3339)))
	}
	e.ID = "h-" + hex.EncodeToString(hash.Sum(nil)[:16])
	e.DerivedID = true
}
