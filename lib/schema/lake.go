package schema

import (
	"time"
)

// RawRow is one delivery as it was received (raw/day=…/<key>.parquet). A file
// holds one row, or the rows of one group commit.
type RawRow struct {
	Key         string    `parquet:"key"`                                // sha256 hex, see lake.RawKey
	Source      string    `parquet:"source,dict"`                        // configured name
	HasID       bool      `parquet:"has_id"`                             // the sender gave a delivery id
	ReceivedAt  time.Time `parquet:"received_at,timestamp(microsecond)"` // our clock
	Method      string    `parquet:"method,dict"`
	ContentType string    `parquet:"content_type,dict"`
	Suffix      string    `parquet:"suffix,dict"` // path below /in/{source}/
	Query       string    `parquet:"query"`       // secrets blanked
	Headers     Map       `parquet:"headers"`     // chosen ones, lower-case names, secrets blanked
	Body        []byte    `parquet:"body"`        // bit for bit, secrets blanked
	Trusted     bool      `parquet:"trusted"`     // authenticated by a secret
}

// Table implements Row.
func (RawRow) Table() string { return "raw" }

// Personal implements Row.
func (RawRow) Personal() []string { return []string{"query", "headers", "body"} }

// Outcomes of a delivery.
const (
	OutcomeEvents     = "events"
	OutcomePing       = "ping"
	OutcomeFailed     = "failed"
	OutcomeDuplicate  = "duplicate"
	OutcomeSuppressed = "suppressed"
	OutcomeErased     = "erased"
)

// DeliveryRow is a line of the ledger: what became of one delivery
// (lake/deliveries/day=…). Rows are ordered by key.
type DeliveryRow struct {
	Key         string    `parquet:"key"`
	Source      string    `parquet:"source,dict"`
	ReceivedAt  time.Time `parquet:"received_at,timestamp(microsecond)"`
	Outcome     string    `parquet:"outcome,dict"`
	Reason      string    `parquet:"reason,dict"` // code of a failure, or of what was kept of a delivery with events; empty otherwise
	EventIDs    []string  `parquet:"event_ids,list"`
	EventHashes []int64   `parquet:"event_hashes,list"` // of each event's content, beside EventIDs; both are remembered dedupe_days
	HasID       bool      `parquet:"has_id"`            // the key is made of an id the sender gave
	ContentHash string    `parquet:"content_hash"`      // sha256 hex of the body
	RawObject   string    `parquet:"raw_object,dict"`   // name below raw/, the list of what is merged
}

// Table implements Row.
func (DeliveryRow) Table() string { return "deliveries" }

// Personal implements Row.
func (DeliveryRow) Personal() []string { return nil }

// EventRow is one event without personal data (lake/events/day=…): people appear
// as tokens. Rows are ordered by (kind, at, event_id).
type EventRow struct {
	EventID    string    `parquet:"event_id"`
	RawObject  string    `parquet:"raw_object,dict"` // the raw object it came in, see DeliveryRow
	Source     string    `parquet:"source,dict"`
	Shop       string    `parquet:"shop,dict"`
	Kind       string    `parquet:"kind,dict"`
	At         time.Time `parquet:"at,timestamp(microsecond),delta"`
	ReceivedAt time.Time `parquet:"received_at,timestamp(microsecond)"`
	Tokens     []string  `parquet:"tokens,list"` // in the order card, external, phones, e-mails
	ExternalID string    `parquet:"external_id"` // in clear unless it looks like a contact
	// MoreExternalIDs are those beside ExternalID, under the same rule.
	MoreExternalIDs []string `parquet:"more_external_ids,list"`
	Entity          string   `parquet:"entity"` // the call, chat, form or deal that several events describe
	Fetch           string   `parquet:"fetch"`  // the object that the sender only named; empty: the event is whole

	OrderID       string    `parquet:"order_id"`
	Status        string    `parquet:"status,dict"`
	Currency      string    `parquet:"currency,dict"`
	TotalMinor    *int64    `parquet:"total_minor"`
	ShippingMinor *int64    `parquet:"shipping_minor"`
	ReturnedMinor *int64    `parquet:"returned_minor"`
	Items         []ItemRow `parquet:"items,list"`

	Stage     string   `parquet:"stage,dict"`
	Interests []string `parquet:"interests,list"`
	Tags      []string `parquet:"tags,list"`
	Manager   string   `parquet:"manager,dict"`

	UTMSource   string   `parquet:"utm_source,dict"`
	UTMMedium   string   `parquet:"utm_medium,dict"`
	UTMCampaign string   `parquet:"utm_campaign,dict"`
	UTMContent  string   `parquet:"utm_content,dict"`
	UTMTerm     string   `parquet:"utm_term,dict"`
	ClickIDs    []string `parquet:"click_ids,list"` // "yclid=…", sorted
	Referrer    string   `parquet:"referrer,dict"`  // host and path
	Landing     string   `parquet:"landing,dict"`   // path and campaign keys

	Consents []ConsentRow `parquet:"consents,list"`

	CostDay      string   `parquet:"cost_day,dict"`
	CostSource   string   `parquet:"cost_source,dict"`
	CostCampaign string   `parquet:"cost_campaign,dict"`
	CostMinor    *int64   `parquet:"cost_minor"`
	Clicks       *int64   `parquet:"clicks"`
	Channel      string   `parquet:"channel,dict"` // of a contact or an unsubscription
	Direction    string   `parquet:"direction,dict"`
	Result       string   `parquet:"result,dict"`
	Seconds      *int64   `parquet:"seconds"`
	Rating       *float64 `parquet:"rating"`

	BookingID     string     `parquet:"booking_id"`
	BookingFor    *time.Time `parquet:"booking_for,timestamp(microsecond)"`
	BookingStatus string     `parquet:"booking_status,dict"`

	LoyaltyLevel     string `parquet:"loyalty_level,dict"`
	PreferredChannel string `parquet:"preferred_channel,dict"`
	IsOrder          bool   `parquet:"is_order"` // false where the source's amounts are no orders
}

// ItemRow is a line of an order.
type ItemRow struct {
	SKU      string `parquet:"sku"`
	Name     string `parquet:"name"`
	Category string `parquet:"category"`
	Quantity string `parquet:"quantity"`  // decimal text
	SumMinor int64  `parquet:"sum_minor"` // the line's sum, else quantity × price
}

// ConsentRow is a consent statement of an event.
type ConsentRow struct {
	Purpose     string    `parquet:"purpose"`
	Given       bool      `parquet:"given"`
	At          time.Time `parquet:"at,timestamp(microsecond)"`
	TextVersion string    `parquet:"text_version"`
	Evidence    string    `parquet:"evidence"`
}

// Table implements Row.
func (EventRow) Table() string { return "events" }

// Personal implements Row.
func (EventRow) Personal() []string { return nil }

// ContactRow holds the personal values that one event stated
// (lake/contacts/day=…). Rows are ordered by event_id.
type ContactRow struct {
	EventID    string    `parquet:"event_id"`
	RawObject  string    `parquet:"raw_object,dict"`
	Source     string    `parquet:"source,dict"`
	At         time.Time `parquet:"at,timestamp(microsecond)"`
	Tokens     []string  `parquet:"tokens,list"` // as in events
	Phones     []string  `parquet:"phones,list"` // E.164
	Emails     []string  `parquet:"emails,list"`
	BadPhones  []string  `parquet:"bad_phones,list"` // as typed, not readable as a phone
	BadEmails  []string  `parquet:"bad_emails,list"`
	CardNo     string    `parquet:"card_no"`
	ExternalID string    `parquet:"external_id"`
	// MoreExternalIDs are those beside ExternalID.
	MoreExternalIDs []string `parquet:"more_external_ids,list"`

	Name       string `parquet:"name"`
	FirstName  string `parquet:"first_name"`
	LastName   string `parquet:"last_name"`
	BirthDate  string `parquet:"birth_date"`     // YYYY-MM-DD, or --MM-DD where no year was told
	BadBirth   string `parquet:"bad_birth_date"` // as typed, not readable as a date of birth
	Gender     string `parquet:"gender"`
	City       string `parquet:"city"`
	Country    string `parquet:"country"`
	Address    string `parquet:"address"`
	Company    string `parquet:"company"`
	Text       string `parquet:"text"`
	Attributes Map    `parquet:"attributes"`
}

// Table implements Row.
func (ContactRow) Table() string { return "contacts" }

// Personal implements Row.
func (ContactRow) Personal() []string {
	return []string{
		"phones", "emails", "bad_phones", "bad_emails", "card_no", "external_id", "more_external_ids", "name", "first_name", "last_name", "birth_date", "bad_birth_date",
		"gender", "city", "country", "address", "company", "text", "attributes",
	}
}

// FailedRow is a delivery that could not become an event (lake/failed/day=…),
// with the bytes to run again after a fix. Rows are ordered by key.
type FailedRow struct {
	Key         string    `parquet:"key"`
	Source      string    `parquet:"source,dict"`
	ReceivedAt  time.Time `parquet:"received_at,timestamp(microsecond)"`
	Reason      string    `parquet:"reason,dict"` // stable code
	Detail      string    `parquet:"detail"`      // where and what, without values
	Method      string    `parquet:"method,dict"`
	ContentType string    `parquet:"content_type,dict"`
	Suffix      string    `parquet:"suffix,dict"`
	Query       string    `parquet:"query"`
	Headers     Map       `parquet:"headers"`
	Body        []byte    `parquet:"body"`
	RawObject   string    `parquet:"raw_object,dict"`
	Trusted     bool      `parquet:"trusted"` // as in raw
}

// Table implements Row.
func (FailedRow) Table() string { return "failed" }

// Personal implements Row.
func (FailedRow) Personal() []string { return []string{"query", "headers", "body"} }

// OrderRow is one order folded from its statements (lake/orders/bucket=NN),
// ordered by (at, shop, order_id): what changes is of late. Day is the business
// day of the purchase.
type OrderRow struct {
	OrderHash     int64          `parquet:"order_hash,plain,uncompressed"` // OrderHash(Shop, OrderID): a night looks for orders by it, so it is kept as it is scanned
	Shop          string         `parquet:"shop,dict"`
	OrderID       string         `parquet:"order_id"`
	Token         string         `parquet:"token,dict,uncompressed"` // of the client, by the latest statement that names one; empty: anonymous
	MoreTokens    []string       `parquet:"more_tokens,list"`        // the others of that statement: they count where Token is shared by too many
	Status        string         `parquet:"status,dict"`
	Purchase      bool           `parquet:"purchase"`
	Day           string         `parquet:"day,dict"`                        // of the first paid, shipped or completed statement; empty: none
	At            time.Time      `parquet:"at,timestamp(microsecond),delta"` // the instant of Day's statement, else of the first statement
	Currency      string         `parquet:"currency,dict"`
	RevenueMinor  int64          `parquet:"revenue_minor,delta,uncompressed"` // total − shipping − returned, in Currency
	TotalMinor    int64          `parquet:"total_minor,delta"`
	ShippingMinor int64          `parquet:"shipping_minor,delta"`
	ReturnedMinor int64          `parquet:"returned_minor,delta"`
	Source        string         `parquet:"source,dict"` // of the first statement
	Lines         []ItemRow      `parquet:"lines,list"`
	Statements    []StatementRow `parquet:"statements,list"` // what the fold is made of, ordered by (at, rank, event_id)
}

// OrderHash is the number that an order is looked for by: FNV-1a, 64 bits, of the
// shop, a zero byte and the order id. Two orders may have one.
func OrderHash(shop, order string) int64 {
	const offset, prime = 14695981039346656037, 1099511628211 // hash/fnv has no door without memory of its own
	hash := uint64(offset)
	for i := range len(shop) {
		hash = (hash ^ uint64(shop[i])) * prime
	}
	hash *= prime // the zero byte
	for i := range len(order) {
		hash = (hash ^ uint64(order[i])) * prime
	}
	return int64(hash) //nolint:gosec // G115: the same 64 bits
}

// OrderInterestRow is the part of OrderRow that says what a purchase was about.
type OrderInterestRow struct {
	Shop         string            `parquet:"shop,dict"`
	OrderID      string            `parquet:"order_id"`
	Token        string            `parquet:"token,dict"`
	MoreTokens   []string          `parquet:"more_tokens,list"`
	Purchase     bool              `parquet:"purchase"`
	Day          string            `parquet:"day,dict"`
	RevenueMinor int64             `parquet:"revenue_minor,delta"`
	Lines        []ItemCategoryRow `parquet:"lines,list"`
}

// ItemCategoryRow is the part of ItemRow that says what kind of thing it is.
type ItemCategoryRow struct {
	Category string `parquet:"category"`
}

// Table implements Row.
func (OrderInterestRow) Table() string { return "orders" }

// Personal implements Row.
func (OrderInterestRow) Personal() []string { return nil }

// StatementRow is what one event said about an order.
type StatementRow struct {
	EventID       string    `parquet:"event_id"`
	At            time.Time `parquet:"at,timestamp(microsecond)"`
	Source        string    `parquet:"source"`
	Tokens        []string  `parquet:"tokens,list"`
	Status        string    `parquet:"status"`
	Currency      string    `parquet:"currency"`
	TotalMinor    *int64    `parquet:"total_minor"`
	ShippingMinor *int64    `parquet:"shipping_minor"`
	ReturnedMinor *int64    `parquet:"returned_minor"`
	HasItems      bool      `parquet:"has_items"` // Lines come from the latest of these
}

// rowGroups implements laidOut. Rows are in the order of time, and what changes is of
// late: the last 64th is a group of its own, so that few pages are read to find
// it. All others are one group, so that there is one dictionary.
func (OrderRow) rowGroups(rows int) []int {
	const least = 1024
	late := rows / 64
	if late < least {
		return evenGroups(rows, mostGroupRows)
	}
	return append(evenGroups(rows-late, mostGroupRows), evenGroups(late, mostGroupRows)...)
}

// pageBytes implements laidOut: an order that changed is looked up in its page.
func (OrderRow) pageBytes() int { return 32 << 10 }

// Table implements Row.
func (OrderRow) Table() string { return "orders" }

// Personal implements Row.
func (OrderRow) Personal() []string { return nil }

// PersonRow holds the current contact values of a client (lake/people), ordered
// by client_id.
type PersonRow struct {
	ClientID  string     `parquet:"client_id"`
	Tokens    []string   `parquet:"tokens,list"` // every token of the client, sorted
	Phones    []ValueRow `parquet:"phones,list"` // latest seen first
	Emails    []ValueRow `parquet:"emails,list"`
	Name      string     `parquet:"name"`
	FirstName string     `parquet:"first_name"`
	LastName  string     `parquet:"last_name"`
	BirthDate string     `parquet:"birth_date"`
	Gender    string     `parquet:"gender"`
	City      string     `parquet:"city"`
	Country   string     `parquet:"country"`
	Address   string     `parquet:"address"`
	Company   string     `parquet:"company"`

	// Everything that was ever stated, latest seen first.
	Names      []ValueRow     `parquet:"names,list"`
	BirthDates []ValueRow     `parquet:"birth_dates,list"`
	Cities     []ValueRow     `parquet:"cities,list"`
	Addresses  []ValueRow     `parquet:"addresses,list"`
	Companies  []ValueRow     `parquet:"companies,list"`
	Cards      []ValueRow     `parquet:"cards,list"`
	Attributes []AttributeRow `parquet:"attributes,list"` // by key, then latest seen first: children, pets, …
}

// AttributeRow is a further fact of a client with the time it was first and last
// stated.
type AttributeRow struct {
	Key   string    `parquet:"key"`
	Value string    `parquet:"value"`
	Since time.Time `parquet:"since,timestamp(microsecond)"`
	Last  time.Time `parquet:"last_seen,timestamp(microsecond)"`
}

// ValueRow is a contact value with the time it was first and last stated.
type ValueRow struct {
	Value string    `parquet:"value"`
	Since time.Time `parquet:"since,timestamp(microsecond)"`
	Last  time.Time `parquet:"last_seen,timestamp(microsecond)"`
}

// Table implements Row.
func (PersonRow) Table() string { return "people" }

// Personal implements Row.
func (PersonRow) Personal() []string {
	return []string{
		"phones", "emails", "name", "first_name", "last_name", "birth_date", "gender", "city", "country", "address", "company",
		"names", "birth_dates", "cities", "addresses", "companies", "cards", "attributes",
	}
}

// TokenRow says which client a token belongs to (lake/people/tokens), ordered by
// token.
type TokenRow struct {
	Token    string `parquet:"token"`
	ClientID string `parquet:"client_id"`
}

// Table implements Row.
func (TokenRow) Table() string { return "tokens" }

// Personal implements Row.
func (TokenRow) Personal() []string { return nil }

// OrderEventRow is the part of EventRow that the order fold reads.
type OrderEventRow struct {
	EventID       string    `parquet:"event_id"`
	Source        string    `parquet:"source,dict"`
	Shop          string    `parquet:"shop,dict"`
	At            time.Time `parquet:"at,timestamp(microsecond),delta"`
	Tokens        []string  `parquet:"tokens,list"`
	OrderID       string    `parquet:"order_id"`
	Status        string    `parquet:"status,dict"`
	Currency      string    `parquet:"currency,dict"`
	TotalMinor    *int64    `parquet:"total_minor"`
	ShippingMinor *int64    `parquet:"shipping_minor"`
	ReturnedMinor *int64    `parquet:"returned_minor"`
	Items         []ItemRow `parquet:"items,list"`
	IsOrder       bool      `parquet:"is_order"`
}

// Table implements Row.
func (OrderEventRow) Table() string { return "events" }

// Personal implements Row.
func (OrderEventRow) Personal() []string { return nil }

// IdentityEventRow is the part of EventRow that identity resolution reads.
type IdentityEventRow struct {
	EventID string    `parquet:"event_id"`
	Source  string    `parquet:"source,dict"`
	At      time.Time `parquet:"at,timestamp(microsecond),delta"`
	Tokens  []string  `parquet:"tokens,list"`
}

// Table implements Row.
func (IdentityEventRow) Table() string { return "events" }

// Personal implements Row.
func (IdentityEventRow) Personal() []string { return nil }

// CardEventRow is the part of EventRow that client cards are made of.
type CardEventRow struct {
	EventID          string       `parquet:"event_id"`
	Source           string       `parquet:"source,dict"`
	Shop             string       `parquet:"shop,dict"`
	Kind             string       `parquet:"kind,dict"`
	At               time.Time    `parquet:"at,timestamp(microsecond),delta"`
	Tokens           []string     `parquet:"tokens,list"`
	ExternalID       string       `parquet:"external_id"`
	MoreExternalIDs  []string     `parquet:"more_external_ids,list"`
	Entity           string       `parquet:"entity"`
	OrderID          string       `parquet:"order_id"`
	IsOrder          bool         `parquet:"is_order"`
	Stage            string       `parquet:"stage,dict"`
	Interests        []string     `parquet:"interests,list"`
	Tags             []string     `parquet:"tags,list"`
	Manager          string       `parquet:"manager,dict"`
	UTMSource        string       `parquet:"utm_source,dict"`
	UTMMedium        string       `parquet:"utm_medium,dict"`
	UTMCampaign      string       `parquet:"utm_campaign,dict"`
	ClickIDs         []string     `parquet:"click_ids,list"`
	Referrer         string       `parquet:"referrer,dict"`
	Landing          string       `parquet:"landing,dict"`
	Consents         []ConsentRow `parquet:"consents,list"`
	Channel          string       `parquet:"channel,dict"`
	Direction        string       `parquet:"direction,dict"`
	Result           string       `parquet:"result,dict"`
	Rating           *float64     `parquet:"rating"`
	LoyaltyLevel     string       `parquet:"loyalty_level,dict"`
	PreferredChannel string       `parquet:"preferred_channel,dict"`
}

// Table implements Row.
func (CardEventRow) Table() string { return "events" }

// Personal implements Row.
func (CardEventRow) Personal() []string { return nil }

// FetchEventRow is the part of EventRow that the fetch step reads.
type FetchEventRow struct {
	EventID    string    `parquet:"event_id"`
	Source     string    `parquet:"source,dict"`
	ReceivedAt time.Time `parquet:"received_at,timestamp(microsecond)"`
	Entity     string    `parquet:"entity"`
	Fetch      string    `parquet:"fetch"`
}

// Table implements Row.
func (FetchEventRow) Table() string { return "events" }

// Personal implements Row.
func (FetchEventRow) Personal() []string { return nil }

// CostEventRow is the part of EventRow that advertising costs are made of.
type CostEventRow struct {
	EventID      string    `parquet:"event_id"`
	Source       string    `parquet:"source,dict"`
	Kind         string    `parquet:"kind,dict"`
	At           time.Time `parquet:"at,timestamp(microsecond),delta"`
	ReceivedAt   time.Time `parquet:"received_at,timestamp(microsecond)"`
	Entity       string    `parquet:"entity"` // a day's cost that a later statement replaces
	Currency     string    `parquet:"currency,dict"`
	CostDay      string    `parquet:"cost_day,dict"`
	CostSource   string    `parquet:"cost_source,dict"`
	CostCampaign string    `parquet:"cost_campaign,dict"`
	CostMinor    *int64    `parquet:"cost_minor"`
	Clicks       *int64    `parquet:"clicks"`
}

// Table implements Row.
func (CostEventRow) Table() string { return "events" }

// Personal implements Row.
func (CostEventRow) Personal() []string { return nil }
