package schema

import "time"

// ClientRow is one client of a night (gold/clients), ordered by client_id. Days
// are YYYY-MM-DD, empty if there is none; null numbers are unknown.
type ClientRow struct {
	ClientID           string   `parquet:"client_id"`
	Aliases            []string `parquet:"aliases,list"`
	ExternalIDs        []string `parquet:"external_ids,list"`
	FirstOrderDay      *string  `parquet:"first_order_day"`
	LastOrderDay       *string  `parquet:"last_order_day"`
	Orders             int64    `parquet:"orders"`
	OrderDays          int64    `parquet:"order_days"`
	RevenueMinor       int64    `parquet:"revenue_minor"`
	AverageOrderMinor  *int64   `parquet:"average_order_minor"`
	RecencyDays        *int64   `parquet:"recency_days"`
	R                  *int64   `parquet:"r"`
	F                  *int64   `parquet:"f"`
	M                  *int64   `parquet:"m"`
	RFMCode            *string  `parquet:"rfm_code"`
	RFMSegment         *string  `parquet:"rfm_segment"`
	ABC                *string  `parquet:"abc"`
	XYZ                *string  `parquet:"xyz"`
	CohortMonth        *string  `parquet:"cohort_month"`
	Lifecycle          string   `parquet:"lifecycle"`
	Activity           string   `parquet:"activity"`
	Labels             []string `parquet:"labels,list"`
	Stage              *string  `parquet:"stage"`
	Interests          []string `parquet:"interests,list"`
	Categories         []string `parquet:"categories,list"`
	City               *string  `parquet:"city"`
	Company            *string  `parquet:"company"`
	LoyaltyLevel       *string  `parquet:"loyalty_level"`
	Source             *string  `parquet:"source"`
	Campaign           *string  `parquet:"campaign"`
	Manager            *string  `parquet:"manager"`
	Tags               []string `parquet:"tags,list"`
	PreferredChannel   *string  `parquet:"preferred_channel"`
	BirthMonthDay      *string  `parquet:"birth_month_day"`
	ExpectedNextDay    *string  `parquet:"expected_next_day"`
	PAlive             *float64 `parquet:"p_alive"`
	ExpectedOrders90d  *float64 `parquet:"expected_orders_90d"`
	ExpectedValueMinor *int64   `parquet:"expected_value_minor"`
	LeadScore          *float64 `parquet:"lead_score"`
	RecordsMerged      int64    `parquet:"records_merged"`
	Consents           Map      `parquet:"consents"`
	LastContactDay     *string  `parquet:"last_contact_day"`
	Contacts30d        int64    `parquet:"contacts_30d"`
	Medium             *string  `parquet:"medium"`      // of the first touch, beside source and campaign
	LastSource         *string  `parquet:"last_source"` // of the last touch that was not direct
	LastMedium         *string  `parquet:"last_medium"`
	LastCampaign       *string  `parquet:"last_campaign"`
	LeadDay            *string  `parquet:"lead_day"`        // of the first entry into the funnel
	PreferredHours     *string  `parquet:"preferred_hours"` // "18-21", hours of the business's clock
	Rating             *float64 `parquet:"rating"`          // of the latest review
	FirstEventDay      *string  `parquet:"first_event_day"` // of any kind; with purchases and the thresholds of activity they decide it
	LastEventDay       *string  `parquet:"last_event_day"`
	Answered           bool     `parquet:"answered"` // a contact or a further stage came at or after the first lead or order

	InterestsBought     []string `parquet:"interests_bought,list"` // the interests of which he is in the base of clients (BaseRow)
	InterestsOpen       []string `parquet:"interests_open,list"`   // and of potential clients
	ReplenishDueDay     *string  `parquet:"replenish_due_day"`     // the next day on which he is due to buy something again, not before the as-of day
	ReplenishOverdueDay *string  `parquet:"replenish_overdue_day"` // the earliest such day before the as-of day
	Seasons             []string `parquet:"seasons,list"`          // in which he buys every year (SeasonalityRow)
	UnfinishedDay       *string  `parquet:"unfinished_day"`        // of the latest order that stands in status new
	ChildBirthdays      []string `parquet:"child_birthdays,list"`  // MM-DD, sorted
	PetBirthdays        []string `parquet:"pet_birthdays,list"`    // MM-DD, sorted
}

// Table implements Row.
func (ClientRow) Table() string { return "clients" }

// Personal implements Row.
func (ClientRow) Personal() []string {
	return []string{"city", "company", "birth_month_day", "child_birthdays", "pet_birthdays"}
}

// ClientOrdersRow is the part of ClientRow that orders alone say.
type ClientOrdersRow struct {
	ClientID          string  `parquet:"client_id"`
	FirstOrderDay     *string `parquet:"first_order_day"`
	LastOrderDay      *string `parquet:"last_order_day"`
	Orders            int64   `parquet:"orders"`
	OrderDays         int64   `parquet:"order_days"`
	RevenueMinor      int64   `parquet:"revenue_minor"`
	AverageOrderMinor *int64  `parquet:"average_order_minor"`
	RecencyDays       *int64  `parquet:"recency_days"`
	R                 *int64  `parquet:"r"`
	F                 *int64  `parquet:"f"`
	M                 *int64  `parquet:"m"`
	RFMCode           *string `parquet:"rfm_code"`
	RFMSegment        *string `parquet:"rfm_segment"`
	ABC               *string `parquet:"abc"`
	XYZ               *string `parquet:"xyz"`
	CohortMonth       *string `parquet:"cohort_month"`
}

// Table implements Row.
func (ClientOrdersRow) Table() string { return "clients" }

// Personal implements Row.
func (ClientOrdersRow) Personal() []string { return nil }

// RFMCodeRow counts the clients of one code (gold/rfm_codes), ordered by code;
// every possible code has a row.
type RFMCodeRow struct {
	Code         string  `parquet:"code"`
	Segment      string  `parquet:"segment"`
	Clients      int64   `parquet:"clients"`
	Share        float64 `parquet:"share"`
	RevenueMinor int64   `parquet:"revenue_minor"`
}

// Table implements Row.
func (RFMCodeRow) Table() string { return "rfm_codes" }

// Personal implements Row.
func (RFMCodeRow) Personal() []string { return nil }

// RFMMoveRow counts clients whose code changed since the predecessor run
// (gold/rfm_moves), ordered by (from_code, to_code).
type RFMMoveRow struct {
	FromCode string `parquet:"from_code"`
	ToCode   string `parquet:"to_code"`
	Clients  int64  `parquet:"clients"`
}

// Table implements Row.
func (RFMMoveRow) Table() string { return "rfm_moves" }

// Personal implements Row.
func (RFMMoveRow) Personal() []string { return nil }

// ThresholdRow holds the bounds that a score of the night used
// (gold/thresholds), ordered by (metric, entity, rule).
type ThresholdRow struct {
	Metric string   `parquet:"metric"` // recency, frequency, monetary, abc…
	Entity string   `parquet:"entity"` // client, item, category
	Rule   string   `parquet:"rule"`   // quantile, ntile, fixed, money_share…
	Bound1 *float64 `parquet:"bound_1"`
	Bound2 *float64 `parquet:"bound_2"`
	Bound3 *float64 `parquet:"bound_3"`
	Bound4 *float64 `parquet:"bound_4"`
	Bound5 *float64 `parquet:"bound_5"`
	Bound6 *float64 `parquet:"bound_6"`
	Bound7 *float64 `parquet:"bound_7"`
	Bound8 *float64 `parquet:"bound_8"`
	Bound9 *float64 `parquet:"bound_9"`
	Note   string   `parquet:"note"`
}

// Table implements Row.
func (ThresholdRow) Table() string { return "thresholds" }

// Personal implements Row.
func (ThresholdRow) Personal() []string { return nil }

// ABCRow classes one entity (gold/abc), ordered by (entity, contribution
// descending, id).
type ABCRow struct {
	Entity          string  `parquet:"entity"` // client, item or category
	ID              string  `parquet:"id"`
	RevenueMinor    int64   `parquet:"revenue_minor"`
	Share           float64 `parquet:"share"`
	CumulativeShare float64 `parquet:"cumulative_share"` // with the entity itself
	Class           string  `parquet:"class"`
}

// Table implements Row.
func (ABCRow) Table() string { return "abc" }

// Personal implements Row.
func (ABCRow) Personal() []string { return nil }

// CohortRow is one cell of the cohort table (gold/cohorts), ordered by
// (cohort_month, period). CumulativeRevenueMinor is of the whole cohort.
type CohortRow struct {
	CohortMonth            string  `parquet:"cohort_month"`
	Period                 int64   `parquet:"period"`
	Clients                int64   `parquet:"clients"`
	Active                 int64   `parquet:"active"`
	Retention              float64 `parquet:"retention"`
	RevenueMinor           int64   `parquet:"revenue_minor"`
	CumulativeRevenueMinor int64   `parquet:"cumulative_revenue_minor"`
	Complete               bool    `parquet:"complete"`
}

// Table implements Row.
func (CohortRow) Table() string { return "cohorts" }

// Personal implements Row.
func (CohortRow) Personal() []string { return nil }

// LifecycleRow counts buyers of a month (gold/lifecycle), ordered by month.
type LifecycleRow struct {
	Month       string `parquet:"month"`
	New         int64  `parquet:"new"`
	Returning   int64  `parquet:"returning"`
	Resurrected int64  `parquet:"resurrected"`
	Dormant     int64  `parquet:"dormant"`
}

// Table implements Row.
func (LifecycleRow) Table() string { return "lifecycle" }

// Personal implements Row.
func (LifecycleRow) Personal() []string { return nil }

// SegmentRow is one membership (gold/segments), ordered by (segment, client_id).
type SegmentRow struct {
	Segment  string `parquet:"segment,dict"`
	ClientID string `parquet:"client_id"`
	SinceDay string `parquet:"since_day,dict"`
}

// Table implements Row.
func (SegmentRow) Table() string { return "segments" }

// Personal implements Row.
func (SegmentRow) Personal() []string { return nil }

// OtherRevenueRow is money that no configured rate brings into the base currency
// (gold/other_revenue), ordered by (client_id, currency).
type OtherRevenueRow struct {
	ClientID     string `parquet:"client_id"`
	Currency     string `parquet:"currency"`
	RevenueMinor int64  `parquet:"revenue_minor"`
}

// Table implements Row.
func (OtherRevenueRow) Table() string { return "other_revenue" }

// Personal implements Row.
func (OtherRevenueRow) Personal() []string { return nil }

// QualityRow is one measure of the base (gold/quality), ordered by (source,
// measure); an empty source is the whole base.
type QualityRow struct {
	Source  string `parquet:"source"`
	Measure string `parquet:"measure"`
	Count   int64  `parquet:"count"`
	Of      int64  `parquet:"of"`
}

// Table implements Row.
func (QualityRow) Table() string { return "quality" }

// Personal implements Row.
func (QualityRow) Personal() []string { return nil }

// LedgerRow balances a day of a source (gold/ledger), ordered by (day, source).
type LedgerRow struct {
	Day        string `parquet:"day"` // UTC day of receipt
	Source     string `parquet:"source"`
	Received   int64  `parquet:"received"`
	Events     int64  `parquet:"events"`
	Pings      int64  `parquet:"pings"`
	Failed     int64  `parquet:"failed"`
	Duplicates int64  `parquet:"duplicates"`
	Suppressed int64  `parquet:"suppressed"`
	Erased     int64  `parquet:"erased"`
	Balanced   bool   `parquet:"balanced"`
}

// Table implements Row.
func (LedgerRow) Table() string { return "ledger" }

// Personal implements Row.
func (LedgerRow) Personal() []string { return nil }

// FunnelRow is one cell of the funnel (gold/funnel), ordered by (month, stage
// order, interest, source).
type FunnelRow struct {
	Month                  string   `parquet:"month"`
	Stage                  string   `parquet:"stage"`
	Interest               string   `parquet:"interest"`
	Source                 string   `parquet:"source"`
	Entered                int64    `parquet:"entered"`
	Current                int64    `parquet:"current"`
	ConversionFromPrevious *float64 `parquet:"conversion_from_previous"`
	ConversionFromTop      *float64 `parquet:"conversion_from_top"`
	CostMinor              *int64   `parquet:"cost_minor"`
	CostKnownFor           *int64   `parquet:"cost_known_for"`
	CostPerStageMinor      *int64   `parquet:"cost_per_stage_minor"`
}

// Table implements Row.
func (FunnelRow) Table() string { return "funnel" }

// Personal implements Row.
func (FunnelRow) Personal() []string { return nil }

// SourceRow is what a source's campaign brought and cost (gold/sources), ordered
// by (month, source, campaign). Month is that of the clients' lead, and of the cost.
type SourceRow struct {
	Month              string   `parquet:"month"`
	Source             string   `parquet:"source"`
	Campaign           string   `parquet:"campaign"` // empty: none named
	Leads              int64    `parquet:"leads"`    // clients who entered the funnel in the month by this first touch
	Clients            int64    `parquet:"clients"`  // those of them who have bought
	Orders             int64    `parquet:"orders"`   // theirs, up to the as-of day
	RevenueMinor       int64    `parquet:"revenue_minor"`
	CostMinor          *int64   `parquet:"cost_minor"` // null: no cost is known
	CostPerLeadMinor   *int64   `parquet:"cost_per_lead_minor"`
	CostPerClientMinor *int64   `parquet:"cost_per_client_minor"`
	ReturnOnSpend      *float64 `parquet:"return_on_spend"` // revenue by cost
}

// Table implements Row.
func (SourceRow) Table() string { return "sources" }

// Personal implements Row.
func (SourceRow) Personal() []string { return nil }

// BaseRow counts a base of an interest (gold/bases), ordered by (interest, base):
// clients have bought it, potential ones asked and have not.
type BaseRow struct {
	Interest     string `parquet:"interest"`
	Base         string `parquet:"base"` // client or potential
	Clients      int64  `parquet:"clients"`
	RevenueMinor int64  `parquet:"revenue_minor"` // of all the purchases of these clients
}

// Table implements Row.
func (BaseRow) Table() string { return "bases" }

// Personal implements Row.
func (BaseRow) Personal() []string { return nil }

// LinkRow says why a token belongs to a client (gold/links), ordered by
// (client_id, since, token, with_token). A client of n tokens has n-1 links that
// hold it together, and one row for every token that was kept from linking.
type LinkRow struct {
	ClientID  string    `parquet:"client_id,dict"`
	Token     string    `parquet:"token"`
	WithToken string    `parquet:"with_token"` // what it was stated with; empty for a reason that keeps apart
	Why       string    `parquet:"why,dict"`
	Since     time.Time `parquet:"since,timestamp(microsecond)"`
	Source    string    `parquet:"source,dict"` // whose record said so; empty for the owner's lists
}

// Reasons of links.
const (
	LinkStated = "stated_together" // one record of a source holds both
	LinkMerge  = "merge_list"      // the owner says that they are one
	LinkShared = "shared"          // keeps apart: more names or ids than metrics.max_shared use this value, or several clients this reference
	LinkEmail  = "email_off"       // keeps apart: e-mails do not link
	LinkSplit  = "split_list"      // keeps apart: the owner says that they are two
)

// Table implements Row.
func (LinkRow) Table() string { return "links" }

// Personal implements Row.
func (LinkRow) Personal() []string { return nil }

// MergeRow is one record of a client that has several (gold/merges): what merging
// joined, and what a split would part. Ordered by (client_id, since, record). A
// record is a set of identifiers as a source stated it.
type MergeRow struct {
	ClientID     string    `parquet:"client_id,dict"`
	Record       string    `parquet:"record"` // its first token
	Tokens       []string  `parquet:"tokens,list"`
	Names        int64     `parquet:"names"` // different names of the client, the same in all his rows: two may be a family
	Since        time.Time `parquet:"since,timestamp(microsecond)"`
	Orders       int64     `parquet:"orders"` // purchases
	RevenueMinor int64     `parquet:"revenue_minor"`
}

// Table implements Row.
func (MergeRow) Table() string { return "merges" }

// Personal implements Row.
func (MergeRow) Personal() []string { return nil }

// ConsentStateRow is the statement that decides a purpose of a client
// (gold/consents), ordered by (client_id, purpose). A purpose that was never
// stated has no row.
type ConsentStateRow struct {
	ClientID    string    `parquet:"client_id"`
	Purpose     string    `parquet:"purpose,dict"`
	State       string    `parquet:"state,dict"` // given or withdrawn
	At          time.Time `parquet:"at,timestamp(microsecond)"`
	TextVersion string    `parquet:"text_version,dict"`
	Channel     string    `parquet:"channel,dict"` // the source that said it
	Evidence    string    `parquet:"evidence"`
	EventID     string    `parquet:"event_id"`
}

// Table implements Row.
func (ConsentStateRow) Table() string { return "consents" }

// Personal implements Row.
func (ConsentStateRow) Personal() []string { return nil }

// HistoryRow is a span of days in which a client had a code or was in a segment
// (gold/history), ordered by (client_id, what, from_day, value). It is carried on
// from night to night.
type HistoryRow struct {
	ClientID string `parquet:"client_id,dict"`
	What     string `parquet:"what,dict"` // rfm_code or segment
	Value    string `parquet:"value,dict"`
	FromDay  string `parquet:"from_day,dict"`
	ToDay    string `parquet:"to_day,dict"` // the first day it no longer held; empty: it holds
}

// Table implements Row.
func (HistoryRow) Table() string { return "history" }

// Personal implements Row.
func (HistoryRow) Personal() []string { return nil }

// Times returns t as UTC microseconds, the precision of the lake.
func Times(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
