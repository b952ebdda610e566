package audience

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the published schema
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// ManifestName is the name of the manifest beside the files.
const ManifestName = "manifest.json"

// ManifestVersion is the shape that is written. Version 1 had no hash of the rule,
// no thresholds and no holdout.
const ManifestVersion = 2

//go:embed manifest.schema.json
var manifestSchema []byte

// ManifestSchema is the published JSON Schema (draft 2020-12) of manifest.json, of
// [ManifestVersion]. The bytes are the caller's.
func ManifestSchema() []byte { return slices.Clone(manifestSchema) }

// Manifest says what was made of a segment for one platform. It holds no personal
// data and no time of writing: equal input gives an equal manifest.
//
// The counts balance: Members = Clients + the sum of Excluded. Its JSON is
// described by [ManifestSchema].
type Manifest struct {
	Version int    `json:"version"`
	Run     string `json:"run"`
	AsOf    string `json:"as_of"`
	Segment string `json:"segment"`
	Title   Text   `json:"title"`
	Rule    string `json:"rule"`
	// RuleSHA256 is the digest of the rule's UTF-8 text as lower-case hex: two runs
	// with one digest asked the same question. Empty where the rule is not known.
	RuleSHA256 string `json:"rule_sha256,omitempty"`
	// Thresholds are those of the request, in its order; never nil.
	Thresholds    []Threshold `json:"thresholds"`
	Platform      string      `json:"platform"`
	PlatformTitle Text        `json:"platform_title"`
	Purpose       string      `json:"purpose"`
	Consent       string      `json:"consent,omitempty"`
	Hashed        bool        `json:"hashed"`
	Hash          Hash        `json:"hash,omitempty"`
	Change        Change      `json:"change,omitempty"`
	ExpiresDay    string      `json:"expires_day,omitempty"`
	// Holdout is set where a control group was drawn.
	Holdout *HoldoutReport `json:"holdout,omitempty"`

	// Members of the segment, and how many of them stand in a written file.
	Members int `json:"members"`
	Clients int `json:"clients"`
	// Excluded counts the other members, each under one reason.
	Excluded map[Reason]int `json:"excluded"`
	// Values counts single phones and e-mails left out of the rows of anybody.
	Values map[Reason]int `json:"values_refused"`
	// Identifiers tells, for each kind that the platform takes, how many the
	// members who may be handed over have and how many are in a form it takes.
	Identifiers map[string]Identifiers `json:"identifiers"`
	// KnownAnswers is how many published values the platform's rules gave rightly
	// before anything was written. One wrong answer refuses the export.
	KnownAnswers int `json:"known_answers"`
	// Advice says in a sentence what to do.
	Advice Text `json:"advice"`
	// Duplicates counts rows left out because the file had them already.
	Duplicates int `json:"duplicate_rows"`

	// Canary says that invented people stand among the rows of the files.
	Canary bool `json:"canary,omitempty"`

	Files []FileReport `json:"files"`
	// Refused is set when not one file was written.
	Refused *Refused `json:"refused,omitempty"`
	// NormalForms says in words how each field of the files is written.
	NormalForms map[string]Text `json:"normal_forms"`
	// Warnings are advice on these files; BeforeUpload is what to choose in the
	// cabinet; Unconfirmed is what no page of the platform confirms.
	Warnings     []Text `json:"warnings,omitempty"`
	BeforeUpload []Text `json:"before_upload,omitempty"`
	Unconfirmed  []Text `json:"unconfirmed,omitempty"`
}

// Threshold is one line of the run's table of thresholds: by this rule the values
// of the metric are divided at these bounds, which are in the metric's own unit and
// in the order of that table.
type Threshold struct {
	Metric string    `json:"metric"`
	Rule   string    `json:"rule"`
	Bounds []float64 `json:"bounds"`
}

// Holdout is a control group as it was drawn.
type Holdout struct {
	// Share of the members that was asked for, between 0 and 1.
	Share float64
	// Assigned is how many members of the segment the draw put into the group,
	// those who would be left out for another reason among them.
	Assigned int
}

// HoldoutReport is a [Holdout] and what came of it.
type HoldoutReport struct {
	Share    float64 `json:"share"`
	Assigned int     `json:"assigned"`
	// Held is how many members were left out for this reason alone: those whom the
	// list can be compared with. It is the count of [ReasonHoldout] in Excluded.
	Held int `json:"held"`
}

// Identifiers counts one kind of identifier.
type Identifiers struct {
	Given int     `json:"given"`
	Valid int     `json:"valid"`
	Share float64 `json:"valid_share"` // Valid / Given, 0 of none
}

// FileReport is one file of a manifest. A refused file was not written: it has
// rows (those it would have) and no digest.
type FileReport struct {
	Name string `json:"name"`
	// Change is what the file does to the list that the platform has; empty for the
	// whole list.
	Change   Change   `json:"change,omitempty"`
	About    Text     `json:"about"`
	Written  bool     `json:"written"`
	Rows     int      `json:"rows"` // without the header
	Bytes    int64    `json:"bytes"`
	SHA256   string   `json:"sha256,omitempty"`
	MinRows  int      `json:"min_rows"`
	MaxRows  int      `json:"max_rows,omitempty"`
	MaxBytes int64    `json:"max_bytes,omitempty"`
	Refused  *Refused `json:"refused,omitempty"`
	// Waiting is set for changes that are too few for a file of their own.
	Waiting *Waiting `json:"waiting,omitempty"`
}

// Waiting counts rows that wait until there are enough of them for a file.
type Waiting struct {
	Rows int `json:"rows"`
	// SinceDay (YYYY-MM-DD) is the first day of the row that waits longest; empty
	// where it is not kept.
	SinceDay string `json:"since_day,omitempty"`
}

// Refused says why there is no file and what to do about it.
type Refused struct {
	Reason string `json:"reason"` // one of the constants below
	Text   Text   `json:"text"`
}

// Reasons of [Refused].
const (
	RefusedNoRows       = "no_rows"
	RefusedTooSmall     = "too_small"
	RefusedNothingGiven = "nothing_given" // a change of a list that was never handed over
	RefusedFormChanged  = "form_changed"  // a change of a list that was handed over in another form
	RefusedSensitive    = "sensitive"     // the segment is locked for this platform
	RefusedExcluded     = "excluded"      // a segment that it keeps out was not counted as it is now
	RefusedRetired      = "retired"       // the configuration has no such export any more
)

// asked copies what the request says of the rule and of the control group.
func (m *Manifest) asked(req *Request) {
	if req.Rule != "" {
		sum := sha256.Sum256([]byte(req.Rule))
		m.RuleSHA256 = hex.EncodeToString(sum[:])
	}
	m.Thresholds = make([]Threshold, len(req.Thresholds))
	for i, t := range req.Thresholds {
		m.Thresholds[i] = Threshold{t.Metric, t.Rule, append([]float64{}, t.Bounds...)}
	}
	if req.Holdout != nil {
		m.Holdout = &HoldoutReport{Share: req.Holdout.Share, Assigned: req.Holdout.Assigned, Held: m.Excluded[ReasonHoldout]}
	}
}

// Encode gives the bytes of manifest.json: indented JSON with sorted maps and a
// final line break.
func (m Manifest) Encode() ([]byte, error) {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false) // rules are full of && and are read by people here
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(m); err != nil {
		return nil, fmt.Errorf("encode manifest: %w", err)
	}
	return body.Bytes(), nil
}

// grouped writes a count in groups of three digits.
func grouped(n int, separator string) string {
	digits := strconv.Itoa(n)
	var b strings.Builder
	for i, r := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteString(separator)
		}
		b.WriteRune(r)
	}
	return b.String()
}
