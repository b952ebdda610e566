package segment

import (
	"strconv"
	"strings"

	"github.com/leadlake/leadlake/lib/consent"
	"github.com/leadlake/leadlake/lib/schema"
)

// kind is the type of a fact.
type kind int8

const (
	wholeNumber kind = iota // int
	number                  // double
	text                    // string
	texts                   // list of strings
	flag                    // bool
	states                  // consents: purpose → given, withdrawn or unknown
)

// fact is a column of gold/clients under its own name. One of the functions is
// set, by kind; nil is what is not known.
type fact struct {
	name     string
	kind     kind
	optional bool

	ints    func(*schema.ClientRow) *int64
	floats  func(*schema.ClientRow) *float64
	strings func(*schema.ClientRow) *string
	lists   func(*schema.ClientRow) []string
	flags   func(*schema.ClientRow) bool
}

// unstated is the state of a purpose that nobody ever spoke of.
const unstated = "unknown"

// facts lists the columns in their order (TestFactsAreTheColumnsOfClients).
func facts() []fact {
	type row = schema.ClientRow
	count := func(name string, of func(*row) *int64) fact { return fact{name: name, kind: wholeNumber, ints: of} }
	whole := func(name string, of func(*row) *int64) fact {
		return fact{name: name, kind: wholeNumber, optional: true, ints: of}
	}
	rate := func(name string, of func(*row) *float64) fact {
		return fact{name: name, kind: number, optional: true, floats: of}
	}
	word := func(name string, of func(*row) *string) fact { return fact{name: name, kind: text, strings: of} }
	known := func(name string, of func(*row) *string) fact {
		return fact{name: name, kind: text, optional: true, strings: of}
	}
	list := func(name string, of func(*row) []string) fact { return fact{name: name, kind: texts, lists: of} }
	return []fact{
		word("client_id", func(c *row) *string { return &c.ClientID }),
		list("aliases", func(c *row) []string { return c.Aliases }),
		list("external_ids", func(c *row) []string { return c.ExternalIDs }),
		known("first_order_day", func(c *row) *string { return c.FirstOrderDay }),
		known("last_order_day", func(c *row) *string { return c.LastOrderDay }),
		count("orders", func(c *row) *int64 { return &c.Orders }),
		count("order_days", func(c *row) *int64 { return &c.OrderDays }),
		count("revenue_minor", func(c *row) *int64 { return &c.RevenueMinor }),
		whole("average_order_minor", func(c *row) *int64 { return c.AverageOrderMinor }),
		whole("recency_days", func(c *row) *int64 { return c.RecencyDays }),
		whole("r", func(c *row) *int64 { return c.R }),
		whole("f", func(c *row) *int64 { return c.F }),
		whole("m", func(c *row) *int64 { return c.M }),
		known("rfm_code", func(c *row) *string { return c.RFMCode }),
		known("rfm_segment", func(c *row) *string { return c.RFMSegment }),
		known("abc", func(c *row) *string { return c.ABC }),
		known("xyz", func(c *row) *string { return c.XYZ }),
		known("cohort_month", func(c *row) *string { return c.CohortMonth }),
		word("lifecycle", func(c *row) *string { return &c.Lifecycle }),
		word("activity", func(c *row) *string { return &c.Activity }),
		list("labels", func(c *row) []string { return c.Labels }),
		known("stage", func(c *row) *string { return c.Stage }),
		list("interests", func(c *row) []string { return c.Interests }),
		list("categories", func(c *row) []string { return c.Categories }),
		known("city", func(c *row) *string { return c.City }),
		known("company", func(c *row) *string { return c.Company }),
		known("loyalty_level", func(c *row) *string { return c.LoyaltyLevel }),
		known("source", func(c *row) *string { return c.Source }),
		known("campaign", func(c *row) *string { return c.Campaign }),
		known("manager", func(c *row) *string { return c.Manager }),
		list("tags", func(c *row) []string { return c.Tags }),
		known("preferred_channel", func(c *row) *string { return c.PreferredChannel }),
		known("birth_month_day", func(c *row) *string { return c.BirthMonthDay }),
		known("expected_next_day", func(c *row) *string { return c.ExpectedNextDay }),
		rate("p_alive", func(c *row) *float64 { return c.PAlive }),
		rate("expected_orders_90d", func(c *row) *float64 { return c.ExpectedOrders90d }),
		whole("expected_value_minor", func(c *row) *int64 { return c.ExpectedValueMinor }),
		rate("lead_score", func(c *row) *float64 { return c.LeadScore }),
		count("records_merged", func(c *row) *int64 { return &c.RecordsMerged }),
		{name: "consents", kind: states},
		known("last_contact_day", func(c *row) *string { return c.LastContactDay }),
		count("contacts_30d", func(c *row) *int64 { return &c.Contacts30d }),
		known("medium", func(c *row) *string { return c.Medium }),
		known("last_source", func(c *row) *string { return c.LastSource }),
		known("last_medium", func(c *row) *string { return c.LastMedium }),
		known("last_campaign", func(c *row) *string { return c.LastCampaign }),
		known("lead_day", func(c *row) *string { return c.LeadDay }),
		known("preferred_hours", func(c *row) *string { return c.PreferredHours }),
		rate("rating", func(c *row) *float64 { return c.Rating }),
		known("first_event_day", func(c *row) *string { return c.FirstEventDay }),
		known("last_event_day", func(c *row) *string { return c.LastEventDay }),
		{name: "answered", kind: flag, flags: func(c *row) bool { return c.Answered }},
		list("interests_bought", func(c *row) []string { return c.InterestsBought }),
		list("interests_open", func(c *row) []string { return c.InterestsOpen }),
		known("replenish_due_day", func(c *row) *string { return c.ReplenishDueDay }),
		known("replenish_overdue_day", func(c *row) *string { return c.ReplenishOverdueDay }),
		list("seasons", func(c *row) []string { return c.Seasons }),
		known("unfinished_day", func(c *row) *string { return c.UnfinishedDay }),
		list("child_birthdays", func(c *row) []string { return c.ChildBirthdays }),
		list("pet_birthdays", func(c *row) []string { return c.PetBirthdays }),
	}
}

// consentState is what a client said of a purpose.
func consentState(c *schema.ClientRow, purpose string) string {
	if state := c.Consents.Get(purpose); state != "" {
		return state
	}
	return unstated
}

// consentStates are all of them, by purpose.
func consentStates(c *schema.ClientRow) map[string]string {
	all := make(map[string]string, len(consent.Purposes()))
	for _, pair := range c.Consents.Pairs {
		all[pair.Key] = pair.Value
	}
	for _, purpose := range consent.Purposes() {
		all[string(purpose)] = consentState(c, string(purpose))
	}
	return all
}

// show writes a fact of a client for people; null is what is not known.
func (f fact) show(c *schema.ClientRow) string {
	switch f.kind {
	case wholeNumber:
		if v := f.ints(c); v != nil {
			return strconv.FormatInt(*v, 10)
		}
	case number:
		if v := f.floats(c); v != nil {
			return strconv.FormatFloat(*v, 'g', -1, 64)
		}
	case text:
		if v := f.strings(c); v != nil {
			return strconv.Quote(*v)
		}
	case texts:
		quoted := make([]string, len(f.lists(c)))
		for i, v := range f.lists(c) {
			quoted[i] = strconv.Quote(v)
		}
		return "[" + strings.Join(quoted, ", ") + "]"
	case flag:
		return strconv.FormatBool(f.flags(c))
	case states:
		var all []string
		for _, purpose := range consent.Purposes() {
			all = append(all, string(purpose)+": "+consentState(c, string(purpose)))
		}
		return "{" + strings.Join(all, ", ") + "}"
	}
	return "null"
}
