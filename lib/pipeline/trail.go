package pipeline

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/schema"
)

// TrailEvent is one event of a client's chronology. Parts that the event has not
// are absent; Stated alone may hold contact values.
type TrailEvent struct {
	At         time.Time `json:"at"`
	ReceivedAt time.Time `json:"received_at"`
	Kind       string    `json:"kind"`
	Source     string    `json:"source"`
	Shop       string    `json:"shop"`
	EventID    string    `json:"event_id"`
	RawObject  string    `json:"raw_object,omitempty"`
	Entity     string    `json:"entity,omitempty"`
	Fetch      string    `json:"fetch,omitempty"` // what was only named and had to be asked for

	Order            *TrailOrder       `json:"order,omitempty"`
	Stage            string            `json:"stage,omitempty"`
	Interests        []string          `json:"interests,omitempty"`
	Tags             []string          `json:"tags,omitempty"`
	Manager          string            `json:"manager,omitempty"`
	Attribution      *TrailAttribution `json:"attribution,omitempty"`
	Consents         []TrailConsent    `json:"consents,omitempty"`
	Contact          *TrailContact     `json:"contact,omitempty"`
	Booking          *TrailBooking     `json:"booking,omitempty"`
	Cost             *TrailCost        `json:"cost,omitempty"`
	ExternalIDs      []string          `json:"external_ids,omitempty"`
	LoyaltyLevel     string            `json:"loyalty_level,omitempty"`
	PreferredChannel string            `json:"preferred_channel,omitempty"`

	Stated *SubjectStated `json:"stated,omitempty"`
}

// TrailOrder is what one event says about an order.
type TrailOrder struct {
	OrderID       string      `json:"order_id"`
	Status        string      `json:"status,omitempty"`
	Counts        bool        `json:"counts"` // false where the source's amounts are no orders
	Currency      string      `json:"currency,omitempty"`
	TotalMinor    *int64      `json:"total_minor,omitempty"`
	ShippingMinor *int64      `json:"shipping_minor,omitempty"`
	ReturnedMinor *int64      `json:"returned_minor,omitempty"`
	Lines         []OrderLine `json:"lines,omitempty"`
}

// OrderLine is a line of an order.
type OrderLine struct {
	SKU      string `json:"sku,omitempty"`
	Name     string `json:"name,omitempty"`
	Category string `json:"category,omitempty"`
	Quantity string `json:"quantity"`
	SumMinor int64  `json:"sum_minor"`
}

// TrailAttribution is where the client came from, without what is personal.
type TrailAttribution struct {
	UTMSource   string   `json:"utm_source,omitempty"`
	UTMMedium   string   `json:"utm_medium,omitempty"`
	UTMCampaign string   `json:"utm_campaign,omitempty"`
	UTMContent  string   `json:"utm_content,omitempty"`
	UTMTerm     string   `json:"utm_term,omitempty"`
	ClickIDs    []string `json:"click_ids,omitempty"`
	Referrer    string   `json:"referrer,omitempty"`
	Landing     string   `json:"landing,omitempty"`
}

// TrailConsent is one statement on a purpose.
type TrailConsent struct {
	Purpose     string    `json:"purpose"`
	Given       bool      `json:"given"`
	At          time.Time `json:"at"`
	TextVersion string    `json:"text_version,omitempty"`
	Evidence    string    `json:"evidence,omitempty"`
}

// TrailContact is a call, a chat, a letter, a visit, a review or an
// unsubscription.
type TrailContact struct {
	Channel   string   `json:"channel,omitempty"`
	Direction string   `json:"direction,omitempty"`
	Result    string   `json:"result,omitempty"`
	Seconds   *int64   `json:"seconds,omitempty"`
	Rating    *float64 `json:"rating,omitempty"`
}

// TrailBooking is a booking of a time.
type TrailBooking struct {
	ID     string     `json:"id,omitempty"`
	For    *time.Time `json:"for,omitempty"`
	Status string     `json:"status,omitempty"`
}

// TrailCost is a cost that an event with a client states.
type TrailCost struct {
	Day         string `json:"day,omitempty"`
	Source      string `json:"source,omitempty"`
	Campaign    string `json:"campaign,omitempty"`
	Currency    string `json:"currency,omitempty"`
	AmountMinor *int64 `json:"amount_minor,omitempty"`
	Clicks      *int64 `json:"clicks,omitempty"`
}

// eventTokens is the part of EventRow that says whose it is.
type eventTokens struct {
	Tokens []string `parquet:"tokens,list"`
}

// Table implements schema.Row.
func (eventTokens) Table() string { return "events" }

// Personal implements schema.Row.
func (eventTokens) Personal() []string { return nil }

// contactTokens is the part of ContactRow that says whose it is.
type contactTokens struct {
	Tokens []string `parquet:"tokens,list"`
}

// Table implements schema.Row.
func (contactTokens) Table() string { return "contacts" }

// Personal implements schema.Row.
func (contactTokens) Personal() []string { return nil }

// eventsOf returns the events whose tokens are mine, in time order.
func eventsOf(ctx context.Context, store objstore.Store, mine func(tokens []string) bool) ([]schema.EventRow, error) {
	rows, err := rowsOf(ctx, store, lake.EventsPrefix,
		func(row eventTokens) bool { return mine(row.Tokens) }, func(row schema.EventRow) bool { return mine(row.Tokens) })
	slices.SortFunc(rows, func(a, b schema.EventRow) int {
		return cmp.Or(a.At.Compare(b.At), strings.Compare(a.Source, b.Source), strings.Compare(a.EventID, b.EventID))
	})
	return rows, err
}

// contactsOf returns the contact rows whose tokens are mine, in time order.
func contactsOf(ctx context.Context, store objstore.Store, mine func(tokens []string) bool) ([]schema.ContactRow, error) {
	rows, err := rowsOf(ctx, store, lake.ContactsPrefix,
		func(row contactTokens) bool { return mine(row.Tokens) }, func(row schema.ContactRow) bool { return mine(row.Tokens) })
	slices.SortFunc(rows, func(a, b schema.ContactRow) int {
		return cmp.Or(a.At.Compare(b.At), strings.Compare(a.Source, b.Source), strings.Compare(a.EventID, b.EventID))
	})
	return rows, err
}

// rowsOf picks rows out of every day of a table. A day is read in narrow rows
// first, and whole only where one of them is wanted: a person stands in few days.
func rowsOf[N, R schema.Row](ctx context.Context, store objstore.Store, prefix string, glance func(N) bool, want func(R) bool) ([]R, error) {
	days, err := lake.Days(ctx, store, prefix)
	if err != nil {
		return nil, err
	}
	var found []R
	for _, day := range days {
		narrow, err := lake.ReadDay[N](ctx, store, prefix, day)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(narrow.Rows, glance) {
			continue
		}
		table, err := lake.ReadDay[R](ctx, store, prefix, day)
		if err != nil {
			return nil, err
		}
		for _, row := range table.Rows {
			if want(row) {
				found = append(found, row)
			}
		}
	}
	return found, nil
}

// trailOf shows events, without contact values.
func trailOf(rows []schema.EventRow) []TrailEvent {
	trail := make([]TrailEvent, len(rows))
	for i := range rows {
		trail[i] = trailEvent(&rows[i])
	}
	return trail
}

func trailEvent(row *schema.EventRow) TrailEvent {
	e := TrailEvent{
		At: row.At, ReceivedAt: row.ReceivedAt, Kind: row.Kind, Source: row.Source, Shop: row.Shop, EventID: row.EventID,
		RawObject: row.RawObject, Entity: row.Entity, Fetch: row.Fetch, Stage: row.Stage, Interests: row.Interests, Tags: row.Tags, Manager: row.Manager,
		LoyaltyLevel: row.LoyaltyLevel, PreferredChannel: row.PreferredChannel, ExternalIDs: row.MoreExternalIDs,
	}
	if row.ExternalID != "" {
		e.ExternalIDs = append([]string{row.ExternalID}, row.MoreExternalIDs...)
	}
	if row.OrderID != "" || row.Status != "" || row.TotalMinor != nil || len(row.Items) > 0 {
		e.Order = &TrailOrder{
			OrderID: row.OrderID, Status: row.Status, Counts: row.IsOrder, Currency: row.Currency,
			TotalMinor: row.TotalMinor, ShippingMinor: row.ShippingMinor, ReturnedMinor: row.ReturnedMinor, Lines: linesOf(row.Items),
		}
	}
	a := TrailAttribution{
		UTMSource: row.UTMSource, UTMMedium: row.UTMMedium, UTMCampaign: row.UTMCampaign, UTMContent: row.UTMContent, UTMTerm: row.UTMTerm,
		ClickIDs: row.ClickIDs, Referrer: row.Referrer, Landing: row.Landing,
	}
	if a.UTMSource+a.UTMMedium+a.UTMCampaign+a.UTMContent+a.UTMTerm+a.Referrer+a.Landing != "" || len(a.ClickIDs) > 0 {
		e.Attribution = &a
	}
	for _, c := range row.Consents {
		e.Consents = append(e.Consents, TrailConsent(c))
	}
	if row.Channel+row.Direction+row.Result != "" || row.Seconds != nil || row.Rating != nil {
		e.Contact = &TrailContact{Channel: row.Channel, Direction: row.Direction, Result: row.Result, Seconds: row.Seconds, Rating: row.Rating}
	}
	if row.BookingID+row.BookingStatus != "" || row.BookingFor != nil {
		e.Booking = &TrailBooking{ID: row.BookingID, For: row.BookingFor, Status: row.BookingStatus}
	}
	if row.CostDay+row.CostSource+row.CostCampaign != "" || row.CostMinor != nil {
		e.Cost = &TrailCost{
			Day: row.CostDay, Source: row.CostSource, Campaign: row.CostCampaign, Currency: row.Currency, AmountMinor: row.CostMinor, Clicks: row.Clicks,
		}
	}
	return e
}

func linesOf(items []schema.ItemRow) []OrderLine {
	var lines []OrderLine
	for _, item := range items {
		lines = append(lines, OrderLine(item))
	}
	return lines
}
