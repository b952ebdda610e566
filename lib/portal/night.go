package portal

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/leadlake/leadlake/lib/schema"
)

// ErrNoNight says that no run has been published yet: pages then teach how to
// connect a source.
var ErrNoNight = errors.New("portal: no night has run yet")

// ErrNotFound says that there is no such thing, or that it is not the caller's:
// the two look the same from outside.
var ErrNotFound = errors.New("portal: not found")

// ErrRefused says that a download was refused for a reason that the caller may
// hear, such as a cap on rows.
var ErrRefused = errors.New("portal: refused")

// NotNow says why a file that there is at other times is not handed out, such as
// removals when there is nothing to remove. It matches [ErrNotFound].
type NotNow struct{ Why Text }

// Error is the reason in English.
func (n NotNow) Error() string { return "portal: not now: " + n.Why.EN }

// Is matches [ErrNotFound].
func (NotNow) Is(target error) bool { return target == ErrNotFound }

// Reader is what the pages show. All methods are safe for concurrent use.
type Reader interface {
	// Night is the run in force, one whole run, or [ErrNoNight]. The caller does
	// not change it, so an implementation keeps it in memory by its run.
	Night(ctx context.Context) (*Night, error)
	// Clients lists clients behind a number, the largest revenue first, at most
	// limit, and how many there are in all. It knows the same errors as Night.
	Clients(ctx context.Context, filter ClientFilter, limit int) ([]schema.ClientRow, int64, error)
	// Exports lists what can be downloaded, ordered by segment and platform.
	Exports(ctx context.Context) ([]ExportBundle, error)
	// OpenExport authorises, applies what changed since the night, writes the
	// audit row and only then returns. It matches [ErrNotFound] for ids and files
	// that are not there or not the caller's, [NotNow] among them, and [ErrRefused].
	OpenExport(ctx context.Context, id, file string, who Caller) (Download, error)
	// Today is what the sources have sent lately, whether or not a night has run.
	Today(ctx context.Context) (Today, error)
	// Handing is what was handed over, and the links that hand over.
	Handing
}

// Text is a sentence in both languages.
type Text struct {
	RU string `json:"ru"`
	EN string `json:"en"`
}

// In is the text in a language, or in the other one where it is missing.
func (t Text) In(language string) string {
	if language == "ru" && t.RU != "" || t.EN == "" {
		return t.RU
	}
	return t.EN
}

// Caller is who asks for a download.
type Caller struct {
	Name string
	Role Role
}

// ClientFilter narrows the list of clients; empty fields do not narrow.
type ClientFilter struct {
	Code    string // RFM code
	Segment string // segment key
}

// Night is one whole published run, as far as pages need it. Slices keep the
// order of their tables.
type Night struct {
	Run         string
	AsOf        string // YYYY-MM-DD
	PublishedAt time.Time
	Business    Business
	Summary     Summary
	// Previous is the summary of the predecessor run and its as-of day, for "since
	// then"; nil without one.
	Previous *Previous
	// Groups is k of the RFM scores.
	Groups     int64
	Codes      []schema.RFMCodeRow
	Thresholds []schema.ThresholdRow
	// Playbook has the segments of the codes, in its own order.
	Playbook []PlaybookSegment
	// CodeNotes say of single codes what the segment does not say.
	CodeNotes []CodeNote
	ABC       []ABCSummary // see SummariseABC
	Cohorts   []schema.CohortRow
	Lifecycle []schema.LifecycleRow
	Segments  []SegmentSummary
	Ledger    []schema.LedgerRow
	Quality   []schema.QualityRow
	// Failures says the reasons of failed deliveries in sentences.
	Failures map[string]Text
	Merges   MergeSummary
	// Recognised says what an imported file was read as; for reports.
	Recognised []RecognisedFile
	// NoAudience says why there are no audience files; empty where there are some.
	NoAudience []Text
}

// Business says whose base it is.
type Business struct {
	Name     string
	Currency string // ISO 4217
	Language string // ru or en
}

// Previous is a summary to compare with.
type Previous struct {
	AsOf    string
	Summary Summary
}

// Summary counts the base once; see [Summarise].
type Summary struct {
	Clients      int64 // with anything known about them
	Buyers       int64 // with at least one purchase
	Repeat       int64 // with at least two
	Orders       int64
	RevenueMinor int64
	// FirstDay is the day of the earliest purchase, empty without any.
	FirstDay string
	Active   int64
	Cooling  int64
	Sleeping int64
	Dead     int64
	// SleepingMinor and DeadMinor are what those clients spent before.
	SleepingMinor int64
	DeadMinor     int64
	// AdsConsent counts clients who allow advertising.
	AdsConsent int64
	// OtherRevenue is money no configured rate brings into the base currency.
	OtherRevenue []OtherMoney
	// AnonymousOrders have no client: they count for goods, not for clients.
	AnonymousOrders int64
}

// OtherMoney is revenue in a currency without a rate.
type OtherMoney struct {
	Currency     string
	RevenueMinor int64
}

// PlaybookSegment is one named group of codes with its instruction.
type PlaybookSegment struct {
	Key     string
	Title   Text
	Codes   []string
	Meaning Text
	Do      Text
	DoNot   Text
	Bounds  Text // "1–4 orders, 0–12 days ago"; empty without clients
}

// CodeNote is the instruction of one code.
type CodeNote struct {
	Code    string
	Meaning Text
	Do      Text
}

// SegmentSummary is a segment with its size in this run.
type SegmentSummary struct {
	Key          string
	Family       string // own for the owner's rules; else what switches it off in builtin_segments
	Title        Text
	About        Text // one sentence; empty where nobody wrote one
	Rule         string
	Clients      int64
	RevenueMinor int64
	// Entered and Left count since the predecessor run; nil without one.
	Entered, Left *int64
}

// The families of segments that pages treat apart.
const (
	FamilyOwn      = "own"
	FamilyPlaybook = "rfm"
)

// RecognisedFile says how an imported table was read.
type RecognisedFile struct {
	Name    string
	Kind    Text
	Rows    int64
	Failed  int64
	Format  string // "CSV, windows-1251, «;»"
	Columns []RecognisedColumn
	Notes   []Text
}

// RecognisedColumn is one column and the field it became; Field is empty for
// columns that were kept but not understood.
type RecognisedColumn struct {
	Column string
	Field  string
}

// ExportBundle is what one segment gives one platform.
type ExportBundle struct {
	ID      string
	Segment string
	// Name is what files and lists are called where the segment's own name would tell
	// too much; empty: as the segment.
	Name          string
	SegmentTitle  Text
	Platform      string
	PlatformTitle Text
	AsOf          string
	Members       int64
	Clients       int64 // in a file
	Excluded      []Refusal
	Files         []ExportFile
	// Refused says why there is no file at all.
	Refused      Text
	BeforeUpload []Text
	Warnings     []Text
	// GivenAt is the last download, nil where none is known of.
	GivenAt *time.Time
}

// ExportFile is one file of a bundle. A file that was not written has a reason.
type ExportFile struct {
	Name    string
	Change  string // add or remove; empty: the whole list
	About   Text
	Rows    int64
	Bytes   int64
	Written bool
	Refused Text
	// OnRequest marks a change that is worked out when it is asked for.
	OnRequest bool
	// Waiting is how many rows are too few for a file of their own, and since when the
	// oldest waits (YYYY-MM-DD, empty where it is not kept).
	Waiting      int64
	WaitingSince string
}

// Refusal counts clients left out for one reason.
type Refusal struct {
	Reason string
	Text   Text
	Count  int64
}

// Download is where a file can be had: a short-lived URL, or else its bytes.
// Whoever gets a Body closes it.
type Download struct {
	URL         string
	Name        string
	ContentType string
	Size        int64 // -1 unknown
	Body        io.ReadCloser
}

// Today is what the sources have sent lately.
type Today struct {
	Sources   []SourceState
	Failed    []FailedCount
	Unfetched []UnfetchedCount
	// Ledger is the ledger as it stands now, which the night's table may be hours
	// behind; nil where only a night is known.
	Ledger []schema.LedgerRow
}

// UnfetchedCount counts the objects of one source that its hooks only named and
// that have not come yet.
type UnfetchedCount struct {
	Source  string
	Waiting int64 // asked for again by itself
	GaveUp  int64 // asked for in vain
	Problem Text  // what stood in the way last; empty: not tried yet
}

// SourceState is one configured source. LastAt is nil where nothing ever came.
type SourceState struct {
	Name   string
	Kind   string
	LastAt *time.Time
}

// FailedCount counts deliveries that could not become events.
type FailedCount struct {
	Source string
	Reason string
	Text   Text
	Count  int64
}
