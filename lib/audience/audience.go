// Package audience writes the files that advertising platforms and people take:
// one segment's members for one destination, and a manifest that says what
// stands in them, who was left out and why.
//
// Each destination has its own normal form of a phone, an e-mail and a name,
// chosen before hashing: the same phone gives three different hashes on three
// platforms, so there is no common form (audiences, 1.1). A destination is one
// file of this package and one line in [Platforms].
//
// Two kinds of files never mix. Files for machines are exact bytes: UTF-8 without
// a byte order mark, LF, no formula guard. Files for people open in a spreadsheet:
// byte order mark, CRLF, every cell safe from being read as a formula.
//
// The package is pure: contacts come in as a sequence, bytes leave through
// [Output], equal input gives equal bytes (TestWriteIsStable).
package audience

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"slices"
	"time"

	"github.com/leadlake/leadlake/lib/identity"
)

// Errors of [Write]. A segment that is too small for a platform is no error: it
// is said in the manifest.
var (
	// ErrInvalidRequest is matched when a request cannot be carried out; the text
	// lists every fault.
	ErrInvalidRequest = errors.New("audience: invalid request")
	// ErrSelfTest says that a platform's rules no longer give the published
	// values; nothing is written then.
	ErrSelfTest = errors.New("audience: known answers differ")
	// ErrUnstable says that contacts gave something else when ranged over for the
	// second time; everything written is discarded.
	ErrUnstable = errors.New("audience: contacts changed between two readings")
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

	Phones []identity.Phone
	Emails []identity.Email
	VKIDs  []string // numeric ids in VKontakte, where they are known

	FirstName string
	LastName  string
	City      string
	Country   string // ISO 3166 alpha-2
	Zip       string
	BirthDay  string // YYYY-MM-DD

	// Signals tells that both of Google's consent signals, ad_user_data and
	// ad_personalization, are stated as granted.
	Signals bool
	// Fields are further values for people's files, by [Column.Key].
	Fields map[string]string
}

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
	Run      string
	AsOf     string // YYYY-MM-DD
	Segment  string
	Title    Text
	Rule     string
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

	// The rest concerns people's files only.

	// Language of the header: "ru", "en", or empty for both in one cell.
	Language string
	// Separator between cells; 0 is the comma. Excel under Russian Windows
	// expects a semicolon.
	Separator byte
	// Columns stand after the fixed ones, in this order.
	Columns []Column
}

// Output receives one file. It becomes visible, whole, with Commit; Discard drops
// what was written. Exactly one of the two is called, once, and no file is
// committed before all of them are written.
type Output interface {
	io.Writer
	Commit() error
	Discard()
}

// Write makes the files of one request and, as the last one, the manifest
// ([ManifestName]), which is written even when every file is refused.
//
// Contacts is ranged over twice: sizes, columns and refusals are known before the
// first file is created. It must give the same contacts in the same order, which
// is also the order of the rows; else the error matches [ErrUnstable]. An error
// that it yields ends Write. Memory holds 16 bytes and the map's overhead for
// each row, to leave out rows that are there already, and no contact.
func Write(req Request, contacts iter.Seq2[Contact, error], create func(name string) (Output, error)) (Manifest, error) {
	platform, err := req.check()
	if err != nil {
		return Manifest{}, err
	}
	if err := platform.selfTest(); err != nil {
		return Manifest{}, err
	}
	plan := newPlan(&req, &platform)
	if err := plan.measure(contacts); err != nil {
		return Manifest{}, err
	}
	plan.judge()

	var outputs []Output
	committed := 0
	defer func() {
		for _, out := range outputs[committed:] {
			out.Discard()
		}
	}()
	for i := range plan.files {
		f := &plan.files[i]
		if f.refusal != nil {
			continue
		}
		out, err := create(f.spec.name)
		if err != nil {
			return Manifest{}, fmt.Errorf("create %s: %w", f.spec.name, err)
		}
		outputs = append(outputs, out)
		f.open(out)
	}
	if len(outputs) > 0 {
		if err := plan.write(contacts); err != nil {
			return Manifest{}, err
		}
	}

	manifest := plan.manifest()
	body, err := manifest.Encode()
	if err != nil {
		return Manifest{}, err
	}
	out, err := create(ManifestName)
	if err != nil {
		return Manifest{}, fmt.Errorf("create %s: %w", ManifestName, err)
	}
	outputs = append(outputs, out)
	if _, err := out.Write(body); err != nil {
		return Manifest{}, fmt.Errorf("write %s: %w", ManifestName, err)
	}
	for _, out := range outputs {
		committed++ // whatever Commit says, Discard may not follow it
		if err := out.Commit(); err != nil {
			return Manifest{}, fmt.Errorf("commit audience files: %w", err)
		}
	}
	return manifest, nil
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
