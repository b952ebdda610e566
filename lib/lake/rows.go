package lake

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/consent"
	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/money"
	"github.com/leadlake/leadlake/lib/schema"
)

// Origin says where an event came from.
type Origin struct {
	Source     config.Source
	RawObject  string
	ReceivedAt time.Time
}

// Refine makes the rows of one event. The contact row is nil where the event
// stated nothing personal.
func (r Refinery) Refine(from Origin, ev event.Event) (schema.EventRow, *schema.ContactRow, error) {
	at := ev.At
	if at.IsZero() {
		at = from.ReceivedAt
	}
	at = schema.Times(at)
	p := r.identify(ev.Client, from.Source.ShopOf(), r.today(from, ev))
	row := schema.EventRow{
		EventID: ev.ID, RawObject: from.RawObject, Source: from.Source.Name, Shop: from.Source.ShopOf(), Kind: string(ev.Kind),
		At: at, ReceivedAt: schema.Times(from.ReceivedAt), Tokens: p.tokens,
		Stage: masked(ev.Stage), Interests: maskedAll(ev.Interests), Tags: maskedAll(ev.Tags), Manager: ev.Manager,
		UTMSource: campaignWord(ev.Attribution.UTMSource), UTMMedium: campaignWord(ev.Attribution.UTMMedium), UTMCampaign: campaignWord(ev.Attribution.UTMCampaign),
		UTMContent: campaignWord(ev.Attribution.UTMContent), UTMTerm: campaignWord(ev.Attribution.UTMTerm), ClickIDs: flat(ev.Attribution.ClickIDs),
		Referrer: hostAndPath(ev.Attribution.Referrer), Landing: campaignOnly(ev.Attribution.Landing),
		LoyaltyLevel: masked(ev.Client.LoyaltyLevel), PreferredChannel: ev.Client.PreferredChannel,
		IsOrder: ev.Kind == event.OrderChange && !from.Source.Orders.None,
	}
	if !LooksLikeContact(ev.Client.ExternalID) {
		row.ExternalID = ev.Client.ExternalID
	}
	for _, id := range ev.Client.AllExternalIDs() {
		if id != ev.Client.ExternalID && !LooksLikeContact(id) {
			row.MoreExternalIDs = append(row.MoreExternalIDs, id)
		}
	}
	row.Entity, row.Fetch = withheld(ev.Entity), ev.Fetch
	touches(ev, at, &row)
	if err := moneyOf(r.cfg, from.Source, ev, &row); err != nil {
		return row, nil, err // with its people and consents, for who must know whose it is
	}
	contact := contactRow(from, ev, at, p)
	return row, contact, nil
}

func moneyOf(cfg *config.Config, source config.Source, ev event.Event, row *schema.EventRow) error {
	minor := func(text, currency string) (*int64, error) {
		if text == "" {
			return nil, nil //nolint:nilnil // null is "not told"
		}
		amount, err := money.Parse(text, currency)
		return &amount.Minor, err
	}
	var err error
	if o := ev.Order; o != nil {
		row.OrderID, row.Status = o.ID, o.Status
		row.Currency = cmp.Or(o.Currency, source.Currency) // not told stays not told: a statement without a field changes nothing
		currency := cmp.Or(row.Currency, cfg.Business.Currency)
		if row.TotalMinor, err = minor(o.Total, currency); err != nil {
			return fmt.Errorf("order.total: %w", err)
		}
		if row.ShippingMinor, err = minor(o.Shipping, currency); err != nil {
			return fmt.Errorf("order.shipping: %w", err)
		}
		if row.ReturnedMinor, err = minor(o.Returned, currency); err != nil {
			return fmt.Errorf("order.returned: %w", err)
		}
		for i, item := range o.Items {
			line := schema.ItemRow{SKU: item.SKU, Name: masked(item.Name), Category: masked(item.Category), Quantity: cmp.Or(item.Quantity, "1")}
			sum, err := minor(item.Sum, currency)
			if err == nil && sum == nil {
				var price *int64
				if price, err = minor(item.Price, currency); err == nil && price != nil {
					line.SumMinor, err = money.Times(*price, line.Quantity)
				}
			} else if sum != nil {
				line.SumMinor = *sum
			}
			if err != nil {
				return fmt.Errorf("order.items[%d]: %w", i, err)
			}
			row.Items = append(row.Items, line)
		}
	}
	if c := ev.Cost; c != nil {
		row.CostDay, row.CostSource, row.CostCampaign = c.Day, c.Source, c.Campaign
		row.Currency = cmp.Or(c.Currency, source.Currency, cfg.Business.Currency)
		if row.CostMinor, err = minor(c.Amount, row.Currency); err != nil {
			return fmt.Errorf("cost.amount: %w", err)
		}
		row.Clicks = whole(c.Clicks)
	}
	return nil
}

func touches(ev event.Event, at time.Time, row *schema.EventRow) {
	if c := ev.Contact; c != nil {
		row.Channel, row.Direction, row.Result, row.Seconds = c.Channel, c.Direction, masked(c.Result), whole(c.Seconds)
		if rating, err := strconv.ParseFloat(c.Rating, 64); err == nil && !math.IsNaN(rating) && !math.IsInf(rating, 0) {
			row.Rating = &rating
		}
	}
	if b := ev.Booking; b != nil {
		row.BookingID, row.BookingStatus = b.ID, b.Status
		if !b.For.IsZero() {
			row.BookingFor = &b.For
		}
	}
	for _, c := range ev.Consents {
		when := c.At
		if when.IsZero() {
			when = at
		}
		row.Consents = append(row.Consents, schema.ConsentRow{
			Purpose: c.Purpose, Given: c.Given, At: schema.Times(when), TextVersion: masked(c.TextVersion), Evidence: withheld(c.Evidence),
		})
	}
	if ev.Kind == event.Unsubscribe {
		if ev.Unsubscribe != nil {
			row.Channel = ev.Unsubscribe.Channel
		}
		for _, s := range consent.Unsubscribe(row.Channel, at, ev.ID, row.Source) {
			row.Consents = append(row.Consents, schema.ConsentRow{Purpose: string(s.Purpose), At: at, Evidence: s.Evidence})
		}
	}
}

// campaignWord keeps the words of a link's campaign. Bare digits are the ids that
// advertising systems put there, unless they are a mobile number of Russia written
// whole: a person's own number is not asked for in a link.
func campaignWord(s string) string {
	if digits := strings.TrimSpace(s); len(digits) != 11 || digits[1] != '9' || digits[0] != '7' && digits[0] != '8' {
		if strings.Trim(digits, "0123456789") == "" {
			return s
		}
	}
	return withheld(s)
}

// withheld keeps the name of a form or campaign, never a contact value.
func withheld(s string) string {
	if LooksLikeContact(s) {
		return "[withheld]"
	}
	return s
}

func contactRow(from Origin, ev event.Event, at time.Time, p people) *schema.ContactRow {
	c := ev.Client
	row := schema.ContactRow{
		EventID: ev.ID, RawObject: from.RawObject, Source: from.Source.Name, At: at, Tokens: p.tokens,
		Phones: p.phones, Emails: p.emails, BadPhones: p.badPhones, BadEmails: p.badEmail,
		CardNo: c.CardNo, ExternalID: c.ExternalID, MoreExternalIDs: c.ExternalIDs, Name: c.Name, FirstName: c.FirstName, LastName: c.LastName,
		BirthDate: p.birth, BadBirth: p.badBirth, Gender: c.Gender, City: c.City, Country: c.Country, Address: c.Address, Company: c.Company,
	}
	if ev.Contact != nil {
		row.Text = ev.Contact.Text
	}
	attributes := make(map[string]string, len(ev.Attributes)+len(c.Attributes)+len(ev.Attribution.ClientIDs)+len(p.notes))
	for _, m := range []map[string]string{p.notes, ev.Attributes, ev.Attribution.ClientIDs, c.Attributes} { // what was told goes before what was read
		maps.Copy(attributes, m)
	}
	if len(ev.Files) > 0 {
		attributes["files"] = strings.Join(ev.Files, "; ")
	}
	row.Attributes = schema.MapOf(attributes)
	empty := len(p.phones)+len(p.emails)+len(p.badPhones)+len(p.badEmail)+len(attributes)+len(c.ExternalIDs) == 0 &&
		row.CardNo+row.ExternalID+row.Name+row.FirstName+row.LastName+row.BirthDate+row.BadBirth+row.Gender+row.City+row.Country+row.Address+row.Company+row.Text == ""
	if empty {
		return nil
	}
	return &row
}

func whole(s string) *int64 {
	s, _, _ = strings.Cut(s, ".")
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return nil
	}
	return &n
}

func flat(m map[string]string) []string {
	var pairs []string
	for k, v := range m {
		pairs = append(pairs, k+"="+v)
	}
	slices.Sort(pairs)
	return pairs
}

var phoneLike = regexp.MustCompile(`^[+()\d\s.-]{10,20}$`)

// LooksLikeContact reports whether a text may be a phone or an e-mail; such a
// text is not kept in clear outside the contact tables.
func LooksLikeContact(s string) bool {
	if strings.Contains(s, "@") {
		return true
	}
	digits := 0
	for _, r := range s {
		if r >= '0' && r <= '9' {
			digits++
		}
	}
	return digits >= 10 && digits <= 15 && phoneLike.MatchString(strings.TrimSpace(s))
}

// hostAndPath cuts a referrer down to where it was.
func hostAndPath(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || raw == "" {
		return ""
	}
	return withoutContacts(u.Host + u.Path)
}

// campaignOnly keeps of a landing page its path and the keys that name a
// campaign, since other parameters may be personal.
func campaignOnly(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || raw == "" {
		return ""
	}
	kept := url.Values{}
	for key, values := range u.Query() {
		if event.ClickID(key) || strings.HasPrefix(key, "utm_") && !LooksLikeContact(values[0]) {
			kept[key] = values[:1]
		}
	}
	page := withoutContacts(u.Host + u.Path)
	if len(kept) > 0 {
		page += "?" + kept.Encode()
	}
	return page
}

func withoutContacts(path string) string {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if LooksLikeContact(part) {
			parts[i] = "…"
		}
	}
	return strings.Join(parts, "/")
}
