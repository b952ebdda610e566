// Package audience writes the files that advertising platforms and people take:
// one segment's members for one destination, and a manifest that says what
// stands in them, who was left out and why.
//
// Each destination has its own normal form of a phone, an e-mail and a name,
// chosen before hashing: the same phone gives three different hashes on three
// platforms, so there is no common form (audiences, 1.1). A destination is one
// file of this package and one line in [Platforms], or a row of the table of
// presets, whose facts are to be checked in the owner's cabinet.
//
// Contacts are read once for all destinations ([WriteAll]). What a platform would
// refuse is not begun, and the manifest says why and what to do.
//
// Two kinds of files never mix. Files for machines are exact bytes: UTF-8 without
// a byte order mark, LF, no formula guard. Files for people open in a spreadsheet:
// byte order mark, CRLF, every cell safe from being read as a formula.
//
// For the people who upload there is a guide to every destination ([GuideTo]), for
// programs that read manifests the schema of them ([ManifestSchema]).
//
// The package is pure: contacts come in as a sequence, bytes leave through
// [Output], equal input gives equal bytes (TestWriteIsStable).
package audience

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/leadlake/leadlake/lib/identity"
)

// Errors of [WriteAll]. A segment that is too small for a platform is no error: it
// is said in the manifest.
var (
	// ErrInvalidRequest is matched when a request cannot be carried out; the text
	// lists every fault.
	ErrInvalidRequest = errors.New("audience: invalid request")
	// ErrSelfTest says that a platform's rules no longer give the published
	// values; nothing is written then.
	ErrSelfTest = errors.New("audience: known answers differ")
)

// Text is one sentence or title in both languages of the product.
type Text struct {
	RU string `json:"ru"`
	EN string `json:"en"`
}

// Contact is one member of a segment with the values that may be handed over.
// It redacts itself in logs and errors: only the client id is shown.
type Contact struct {
	ClientID string
	// Excluded is why this member must not stand in any file (no consent,
	// held out, …). Such a contact is counted under this reason and never
	// written; it needs no other field than ClientID.
	Excluded Reason
	// Canary marks one of [Canaries]. It stands in people's files that hold e-mails
	// and in no other, is asked of no [Job.Select] and told to no [Job.Handed], and
	// no count of a manifest but that of the rows knows it.
	Canary bool

	Phones []identity.Phone
	Emails []identity.Email
	// Ids, where they are known: numeric ids in VKontakte and Telegram, advertising
	// ids of mobile devices.
	VKIDs       []string
	TelegramIDs []string
	MobileIDs   []string

	FirstName string
	LastName  string
	City      string
	State     string
	Country   string // ISO 3166 alpha-2
	Zip       string
	BirthDay  string // YYYY-MM-DD, or --MM-DD without a year
	Gender    string
	Company   string
	// Value is what the client is worth, a decimal of zero or more in major units
	// of one currency; empty: unknown. It stands in Meta's file only.
	Value string

	// Signals tells that both of Google's consent signals, ad_user_data and
	// ad_personalization, are stated as granted.
	Signals bool
	// Fields are further values for people's files, by [Column.Key].
	Fields map[string]string

	// Ref is the caller's own and comes back in [Job.Select].
	Ref any

	// Given is what was handed over of this client before, as [Job.Handed] told it.
	// A request to remove writes these rows again, byte for byte, and nothing
	// else of the contact; without them it makes the rows anew.
	Given []Line
}

// Line is one row of a machine file with its line end. It redacts itself.
type Line struct {
	File string // without change and part
	Text string
}

// LogValue keeps the row out of logs.
func (l Line) LogValue() slog.Value { return slog.StringValue("[line of " + l.File + "]") }

// Format keeps the row out of every fmt verb.
func (l Line) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[line of "+l.File+"]") }

// LogValue keeps all but the client id out of logs.
func (c Contact) LogValue() slog.Value { return slog.StringValue("[contact " + c.ClientID + "]") }

// Format keeps all but the client id out of every fmt verb.
func (c Contact) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[contact "+c.ClientID+"]") }

// Column is a further column of a people's file.
type Column struct {
	Key   string
	Title Text
}

// Request says which files are wanted. Run, AsOf, Segment, Platform and Purpose
// are required.
type Request struct {
	Run     string
	AsOf    string // YYYY-MM-DD
	Segment string
	Title   Text
	Rule    string
	// Thresholds are the bounds of the run that the rule rests on, so that the
	// list can be explained after the run is gone.
	Thresholds []Threshold
	// Holdout says how the control group was drawn; nil: nobody was held out.
	// Its members carry [ReasonHoldout] as other members left out carry theirs.
	Holdout  *Holdout
	Platform string // a key of [Platforms]
	// Hashed asks for hashed identifiers in the platform's own algorithm. A file
	// is hashed as a whole or not at all.
	Hashed bool
	// Purpose is the consent purpose the members were chosen by, such as "ads".
	Purpose string
	// Consent is the owner's statement on where the consents come from.
	Consent string
	// ExpiresDay is the day (YYYY-MM-DD) the files are deleted; empty = not set.
	ExpiresDay string
	// Change is what the platform is to do with the files; empty for a new list.
	Change Change
	// ListName names the list in files that hold its name; empty: the segment.
	ListName string
	// Headers replace column names of the files, by [Platform.Columns], where the
	// template in the owner's cabinet has others.
	Headers map[string]string

	// The rest concerns people's files only.

	// Language of the header: "ru", "en", or empty for both in one cell.
	Language string
	// Separator between cells; 0 is the comma. Excel under Russian Windows
	// expects a semicolon.
	Separator byte
	// Columns stand after the fixed ones, in this order.
	Columns []Column
	// CanaryDomain is the domain of the [Canaries] that downloads carry; empty: they
	// carry none, and the manifest's warnings say so.
	CanaryDomain string
}

// Change is what is done on a platform with a list that it has.
type Change string

// Changes. The files of a change have the form, kinds of identifiers and hashing
// of the files of the whole list (audiences, 1.11), and its name before their
// extension.
const (
	Add     Change = "add"
	Remove  Change = "remove"
	Replace Change = "replace" // the whole list in the place of the one there
)

// Output receives one file. It becomes visible, whole, with Commit; Discard drops
// what was written. Exactly one of the two is called, once, and no file is
// committed before all of them are written.
type Output interface {
	io.Writer
	Commit() error
	Discard()
}

func (r *Request) check() (Platform, error) {
	var faults []error
	fault := func(text string) { faults = append(faults, errors.New(text)) }
	for _, required := range []struct{ name, value string }{
		{"run", r.Run}, {"segment", r.Segment}, {"purpose", r.Purpose},
	} {
		if required.value == "" {
			fault(required.name + " is missing")
		}
	}
	if !validDay(r.AsOf) {
		fault("as-of is not a day YYYY-MM-DD")
	}
	for _, t := range r.Thresholds {
		if t.Metric == "" || t.Rule == "" {
			fault("a threshold has no metric or no rule")
		}
		if slices.ContainsFunc(t.Bounds, func(b float64) bool { return math.IsNaN(b) || math.IsInf(b, 0) }) {
			fault("a threshold has a bound that is no number")
		}
	}
	if h := r.Holdout; h != nil && (!(h.Share > 0 && h.Share < 1) || h.Assigned < 0) {
		fault("the holdout is no share between 0 and 1 of at least nobody")
	}
	if r.ExpiresDay != "" && !validDay(r.ExpiresDay) {
		fault("expiry is not a day YYYY-MM-DD")
	}
	platform, ok := Lookup(r.Platform)
	switch {
	case !ok:
		fault("unknown platform")
	case r.Hashed && platform.Hash == "":
		fault(platform.Key + " files are never hashed")
	}
	if ok {
		if r.Change != "" && (platform.Human || !slices.Contains([]Change{Add, Remove, Replace}, r.Change)) {
			fault(platform.Key + " files know no such change")
		}
		known := platform.Columns()
		for _, key := range slices.Sorted(maps.Keys(r.Headers)) {
			if name := r.Headers[key]; !slices.Contains(known, key) {
				fault("header of a column that is not in files of " + platform.Key)
			} else if name == "" || strings.ContainsFunc(name, unicode.IsControl) {
				fault("header of column " + key + " is empty or has controls")
			}
		}
	}
	if !slices.Contains([]string{"", "ru", "en"}, r.Language) {
		fault("language is neither ru nor en")
	}
	if r.Separator != 0 && r.Separator != ',' && r.Separator != ';' {
		fault("separator is neither comma nor semicolon")
	}
	if len(faults) > 0 {
		return Platform{}, fmt.Errorf("%w: %w", ErrInvalidRequest, errors.Join(faults...))
	}
	return platform, nil
}

func validDay(day string) bool {
	_, err := time.Parse(time.DateOnly, day)
	return err == nil
}
