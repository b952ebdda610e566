package audience

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// ManifestName is the name of the manifest beside the files.
const ManifestName = "manifest.json"

// Manifest says what was made of a segment for one platform. It holds no personal
// data and no time of writing: equal input gives an equal manifest.
//
// The counts balance: Members = Clients + the sum of Excluded.
type Manifest struct {
	Version       int    `json:"version"`
	Run           string `json:"run"`
	AsOf          string `json:"as_of"`
	Segment       string `json:"segment"`
	Title         Text   `json:"title"`
	Rule          string `json:"rule"`
	Platform      string `json:"platform"`
	PlatformTitle Text   `json:"platform_title"`
	Purpose       string `json:"purpose"`
	Consent       string `json:"consent,omitempty"`
	Hashed        bool   `json:"hashed"`
	Hash          Hash   `json:"hash,omitempty"`
	Change        Change `json:"change,omitempty"`
	ExpiresDay    string `json:"expires_day,omitempty"`

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

// Identifiers counts one kind of identifier.
type Identifiers struct {
	Given int     `json:"given"`
	Valid int     `json:"valid"`
	Share float64 `json:"valid_share"` // Valid / Given, 0 of none
}

// FileReport is one file of a manifest. A refused file was not written: it has
// rows (those it would have) and no digest.
type FileReport struct {
	Name     string   `json:"name"`
	About    Text     `json:"about"`
	Written  bool     `json:"written"`
	Rows     int      `json:"rows"` // without the header
	Bytes    int64    `json:"bytes"`
	SHA256   string   `json:"sha256,omitempty"`
	MinRows  int      `json:"min_rows"`
	MaxRows  int      `json:"max_rows,omitempty"`
	MaxBytes int64    `json:"max_bytes,omitempty"`
	Refused  *Refused `json:"refused,omitempty"`
}

// Refused says why there is no file and what to do about it.
type Refused struct {
	Reason string `json:"reason"` // no_rows or too_small
	Text   Text   `json:"text"`
}

// Reasons of [Refused].
const (
	RefusedNoRows   = "no_rows"
	RefusedTooSmall = "too_small"
)

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
