// Package config is the business configuration, config/leadlake.yaml (design §7):
// its shape, its defaults and its checks. Reading the object and resolving secret
// references belong to others; this package turns bytes into a Config or into
// errors that name the line.
package config

import (
	"time"

	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/money"
)

// Key is where the configuration lives in the store.
const Key = "config/leadlake.yaml"

// Config is a checked configuration with its defaults filled in. It is read-only
// after Parse and so safe for concurrent use.
type Config struct {
	Business  Business            `yaml:"business"`
	Sources   []Source            `yaml:"sources"`
	Identity  Identity            `yaml:"identity"`
	Metrics   Metrics             `yaml:"metrics"`
	Labels    Labels              `yaml:"labels"`
	Funnel    []string            `yaml:"funnel"`
	Segments  []Segment           `yaml:"segments"`
	Builtin   BuiltinSegments     `yaml:"builtin_segments"`
	Exports   []Export            `yaml:"exports"`
	Exclude   []string            `yaml:"exclude"` // segments whose members are in no file at all
	Platforms map[string]Platform `yaml:"platforms"`
	Canaries  Canaries            `yaml:"canaries"`
	Managers  map[string]Manager  `yaml:"managers"`
	Sensitive []string            `yaml:"sensitive"`
	Retention Retention           `yaml:"retention"`

	location *time.Location
	rates    map[string]money.Rate
}

// Business says whose base this is.
type Business struct {
	Name     string            `yaml:"name"`
	Currency string            `yaml:"currency"` // ISO 4217; default RUB
	Timezone string            `yaml:"timezone"` // IANA name; default Europe/Moscow
	Country  string            `yaml:"country"`  // ISO 3166 alpha-2 of national phones; default RU
	Language string            `yaml:"language"` // ru or en; default ru
	Rates    map[string]string `yaml:"rates"`    // units of Currency per unit of another, decimal text
}

// Source is one configured sender of deliveries.
type Source struct {
	Name        string            `yaml:"name"`    // part of the URL: [A-Za-z0-9._-]
	Kind        string            `yaml:"kind"`    // adapter
	Secrets     []string          `yaml:"secrets"` // references; several while one is being rotated
	Origins     []string          `yaml:"origins"` // allowed by CORS
	Shop        string            `yaml:"shop"`    // shares order and external ids; default Name
	Map         map[string]string `yaml:"map"`     // our field → the source's field
	Stages      map[string]string `yaml:"stages"`  // the source's word → funnel stage
	Orders      Orders            `yaml:"orders"`
	Consents    []ConsentRule     `yaml:"consents"`
	Required    []string          `yaml:"required"`
	MaxBody     int64             `yaml:"max_body_bytes"`      // default 1 MiB, at most 5 MiB
	Compressed  bool              `yaml:"compressed"`          // take bodies with Content-Encoding: gzip
	Redirect    string            `yaml:"redirect"`            // thank-you page of a plain browser form
	NoRetry     bool              `yaml:"never_retries"`       // answer 200 whatever is in the body
	Resubmit    int               `yaml:"resubmit_minutes"`    // default 10
	Currency    string            `yaml:"currency"`            // of amounts without one; default the business's
	OrderStatus string            `yaml:"order_status"`        // of orders that tell none; default new
	PerSecond   int               `yaml:"requests_per_second"` // 0: no limit
	Options     map[string]string `yaml:"options"`             // what only this kind of source asks for, see lib/webhook/sources
	Fetch       Fetch             `yaml:"fetch"`
}

// Fetch says where and with which credential the objects are asked for that a
// thin hook only names. Without Token nothing is fetched and the bare fact stays.
type Fetch struct {
	URL   string `yaml:"url"`   // base of the system's API; default the vendor's where there is one
	Token string `yaml:"token"` // reference, as in Secrets
}

// Orders maps the source's order statuses to ours; None says that its amounts
// are no orders at all (`orders: false`).
type Orders struct {
	None bool
	Map  map[string]string
}

// ConsentRule says which field of a source's form is a consent. Always is for
// forms that cannot be sent without it.
type ConsentRule struct {
	Purpose     string `yaml:"purpose"`
	Field       string `yaml:"field"`
	Equals      string `yaml:"equals"` // empty: any value but an empty one, "no", "off", "false", "0", "нет"
	Always      bool   `yaml:"always"`
	TextVersion string `yaml:"text_version"`
}

// Identity is what the owner knows better than the rules of identity resolution
// (metrics, "Identity"). Clients are named by their id or any of their aliases.
type Identity struct {
	Junk  Junk    `yaml:"junk"`
	Merge []Merge `yaml:"merge"`
	Split []Split `yaml:"split"`
}

// Junk lists values that stand for nobody, beside the built-in ones. They link
// nothing and count as no contact.
type Junk struct {
	Phones []string `yaml:"phones"` // as people write them
	Emails []string `yaml:"emails"` // an address, or @domain for all of a domain
}

// Merge says that clients are one, whatever the rules say.
type Merge struct {
	Clients []string `yaml:"clients"` // two or more
	Note    string   `yaml:"note"`
}

// Split says that what stands in different parts is never one client, whatever
// the rules say. What stands in no part goes with whom it was first stated with.
type Split struct {
	Parts [][]string `yaml:"parts"` // two or more
	Note  string     `yaml:"note"`
}

// Labels says who bears a label that is given by hand (metrics, "Base types").
type Labels struct {
	VIP     Label `yaml:"vip"`
	Partner Label `yaml:"partner"`
}

// Label names its bearers: by tag (letter case does not count) or by client id.
type Label struct {
	Tags    []string `yaml:"tags"`
	Clients []string `yaml:"clients"`
	// Rule adds who meets the built-in rule, for VIP: class A and the best recency.
	// Default true for VIP; partners have no rule.
	Rule bool `yaml:"rule"`
}

// Metrics holds every threshold of metrics.md that the owner may change.
type Metrics struct {
	RFM            RFM  `yaml:"rfm"`
	ABC            ABC  `yaml:"abc"`
	XYZ            XYZ  `yaml:"xyz"`
	ChurnDays      int  `yaml:"churn_days"`
	ActiveDays     int  `yaml:"active_days"`
	DeadDays       int  `yaml:"dead_days"`
	SleepingDays   int  `yaml:"sleeping_days"`  // sleeping is longer ago than this; default 365
	NewDays        int  `yaml:"new_days"`       // new: first event within; default 30
	NewcomerDays   int  `yaml:"newcomer_days"`  // newcomer: first purchase within; default 30
	RegularOrders  int  `yaml:"regular_orders"` // regular: more purchases than this; default 3
	KeyDays        int  `yaml:"key_days"`       // key: first purchase longer ago than this; default 730
	LeadWaitDays   int  `yaml:"lead_wait_days"` // a lead without any contact for so long is a fault; default 3
	MaxShared      int  `yaml:"max_shared"`
	ContactsMonth  int  `yaml:"contacts_per_month"` // the contact budget: message files a client may newly stand in within 30 days; default 3
	EmailLinks     bool `yaml:"link_by_email"`
	SkipZeroOrders bool `yaml:"skip_zero_orders"`
	DedupeDays     int  `yaml:"dedupe_days"`

	Cohorts    string  `yaml:"cohorts"`            // bounded (default) or unbounded: who counts as active in a period
	Margin     float64 `yaml:"margin"`             // share of revenue that is left for LTV; default 1
	LTVHorizon int     `yaml:"ltv_horizon_months"` // longest lifetime; default 60, 0: no limit

	RecencyBands []int `yaml:"recency_bands"` // last day of each band of time since the last purchase, rising; behind them an open one

	Basket        Basket        `yaml:"basket"`
	Replenishment Replenishment `yaml:"replenishment"`
	Seasons       []Season      `yaml:"seasons"`
	LeadScore     LeadScore     `yaml:"lead_score"`
}

// XYZ is how evenly goods sell: the series, and where the classes are cut.
type XYZ struct {
	Period      string  `yaml:"period"`       // month (default), week (from Monday) or quarter
	Value       string  `yaml:"value"`        // revenue (default) or quantity
	FirstPeriod string  `yaml:"first_period"` // YYYY-MM or YYYY-MM-DD in the first period that counts; empty: no limit
	X           float64 `yaml:"x"`            // largest coefficient of variation of class X; default 0.10
	Y           float64 `yaml:"y"`            // of class Y; default 0.25
	MinPeriods  int     `yaml:"min_periods"`  // whole periods a class needs; default 6
}

// RFM is how recency, frequency and money are scored.
type RFM struct {
	Groups     int       `yaml:"groups"`    // 2…9
	Method     string    `yaml:"method"`    // quantile, ntile or fixed
	Frequency  string    `yaml:"frequency"` // orders or days
	Monetary   string    `yaml:"monetary"`  // sum or average
	WindowDays int       `yaml:"window_days"`
	RBounds    []float64 `yaml:"r_bounds"` // fixed: days, rising, Groups-1 of them
	FBounds    []float64 `yaml:"f_bounds"` // fixed: purchases
	MBounds    []float64 `yaml:"m_bounds"` // fixed: money in major units
	// Playbook names the segment of every code where Groups is not 3.
	Playbook []PlaybookRule `yaml:"playbook"`
}

// PlaybookRule gives codes to a segment key.
type PlaybookRule struct {
	Segment string            `yaml:"segment"`
	Title   map[string]string `yaml:"title"`
	Codes   []string          `yaml:"codes"`
}

// ABC is where the classes are cut.
type ABC struct {
	Method string  `yaml:"method"` // money_share or rank_share
	A      float64 `yaml:"a"`      // cumulative share before the entity
	B      float64 `yaml:"b"`
}

// Platform is what the owner's own cabinet asks for where it differs from what
// package audience writes.
type Platform struct {
	Columns map[string]string `yaml:"columns"` // key of a column → its name in the header
}

// Canaries names the catch-all domain of leak tracing.
type Canaries struct {
	EmailDomain string `yaml:"email_domain"`
}

// Manager is a person clients belong to.
type Manager struct {
	Title string `yaml:"title"`
}

// Retention says how long what can be made again is kept.
type Retention struct {
	RawDays       int `yaml:"raw_days"`
	Runs          int `yaml:"runs"`
	AudiencesDays int `yaml:"audiences_days"`
}

// Default is the configuration that runs where there is no file: no sources.
func Default() *Config {
	c := &Config{
		Business: Business{Currency: "RUB", Timezone: "Europe/Moscow", Country: "RU", Language: "ru"},
		Metrics: Metrics{
			RFM:       RFM{Groups: 3, Method: "quantile", Frequency: "orders", Monetary: "sum"},
			ABC:       ABC{Method: "money_share", A: 0.80, B: 0.95},
			XYZ:       XYZ{Period: "month", Value: "revenue", X: 0.10, Y: 0.25, MinPeriods: 6},
			ChurnDays: 90, ActiveDays: 90, DeadDays: 730, SleepingDays: 365, NewDays: 30, NewcomerDays: 30, RegularOrders: 3, KeyDays: 730,
			LeadWaitDays: 3, MaxShared: 10, ContactsMonth: 3, EmailLinks: true, DedupeDays: 35,
			Cohorts: "bounded", Margin: 1, LTVHorizon: 60, RecencyBands: []int{7, 30, 60, 90, 180, 365, 730},
			Basket:        Basket{MinTickets: 5, MaxItems: 50, MaxPairs: 10_000},
			Replenishment: Replenishment{Level: "item", DaysAhead: 14, MinPurchases: 3},
			Seasons:       defaultSeasons(),
			LeadScore:     LeadScore{ObserveDays: 3, WonDays: 90},
		},
		Labels:    Labels{VIP: Label{Tags: []string{"vip"}, Rule: true}, Partner: Label{Tags: []string{"partner", "партнёр"}}},
		Funnel:    []string{"lead", "first_contact", "visited", "won"},
		Builtin:   defaultBuiltinSegments(),
		Retention: Retention{RawDays: 30, Runs: 30, AudiencesDays: 14},
	}
	c.Metrics.LeadScore.Points = defaultPoints(c.Funnel)
	if err := c.SetTimezone(c.Business.Timezone); err != nil {
		panic("config: no time zones in the program") // tzdata is linked in
	}
	return c
}

// Location is the business's time zone.
func (c *Config) Location() *time.Location { return c.location }

// Rate is the configured rate of a currency into the business's.
func (c *Config) Rate(currency string) (money.Rate, bool) {
	rate, ok := c.rates[currency]
	return rate, ok
}

// SourceNamed finds a source by the name in its URL. Those of inbox/ are always
// there (InboxSource).
func (c *Config) SourceNamed(name string) (Source, bool) {
	for _, s := range c.Sources {
		if s.Name == name {
			return s, true
		}
	}
	if isInboxSource(name) {
		return Source{Name: name, Kind: SheetKind}, true
	}
	return Source{}, false
}

// ShopOf is the shop whose ids a source shares.
func (s Source) ShopOf() string {
	switch {
	case s.Shop != "":
		return s.Shop
	case s.Kind == SheetKind:
		return inboxShop
	}
	return s.Name
}

// BodyLimit is the largest body of the source in bytes.
func (s Source) BodyLimit() int64 {
	if s.MaxBody == 0 {
		return 1 << 20
	}
	return s.MaxBody
}

// ResubmitWindow is how long an equal body without an id counts as the same
// delivery.
func (s Source) ResubmitWindow() time.Duration {
	if s.Resubmit == 0 {
		return 10 * time.Minute
	}
	return time.Duration(s.Resubmit) * time.Minute
}

// Defaults are the event defaults of a source.
func (c *Config) Defaults(s Source) event.Defaults {
	currency := s.Currency
	if currency == "" {
		currency = c.Business.Currency
	}
	return event.Defaults{Currency: currency, Location: c.location}
}

const unknownZone = "unknown time zone; want a name such as Europe/Moscow"

// SetTimezone changes the business's time zone by its IANA name, for commands
// whose flags override the file.
func (c *Config) SetTimezone(name string) error {
	location, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" { // Local would be another zone on every machine
		return &Fault{Path: "business.timezone", Reason: unknownZone}
	}
	c.Business.Timezone, c.location = name, location
	return nil
}
