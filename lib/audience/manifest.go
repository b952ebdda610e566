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
	ExpiresDay    string `json:"expires_day,omitempty"`

	// Members of the segment, and how many of them stand in a written file.
	Members int `json:"members"`
	Clients int `json:"clients"`
	// Excluded counts the other members, each under one reason.
	Excluded map[Reason]int `json:"excluded"`
	// Values counts single phones and e-mails left out of the rows of anybody.
	Values map[Reason]int `json:"values_refused"`
	// Duplicates counts rows left out because the file had them already.
	Duplicates int `json:"duplicate_rows"`

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
	Reason string `json:"reason"` // no_rows, too_small or too_large
	Text   Text   `json:"text"`
}

// Reasons of [Refused].
const (
	RefusedNoRows   = "no_rows"
	RefusedTooSmall = "too_small"
	RefusedTooLarge = "too_large"
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

func (p *plan) manifest() Manifest {
	m := Manifest{
		Version: 1,
		Run:     p.req.Run, AsOf: p.req.AsOf, Segment: p.req.Segment, Title: p.req.Title, Rule: p.req.Rule,
		Platform: p.platform.Key, PlatformTitle: p.platform.Title,
		Purpose: p.req.Purpose, Consent: p.req.Consent, Hashed: p.req.Hashed, ExpiresDay: p.req.ExpiresDay,
		Members: p.members, Excluded: p.excluded, Values: p.values, Duplicates: p.duplicates,
		Files: []FileReport{}, NormalForms: map[string]Text{},
		BeforeUpload: p.platform.BeforeUpload, Unconfirmed: p.platform.Unconfirmed,
	}
	if p.req.Hashed {
		m.Hash = p.platform.Hash
	}
	var written uint8
	for i := range p.files {
		f := &p.files[i]
		report := FileReport{
			Name: f.spec.name, About: f.spec.about, Rows: f.rows, Bytes: f.bytes,
			MinRows: f.spec.minRows, MaxRows: f.spec.maxRows, MaxBytes: f.spec.maxBytes, Refused: f.refusal,
		}
		if f.refusal == nil {
			written |= 1 << i
			report.Written, report.Bytes, report.SHA256 = true, f.out.bytes, f.out.digest()
			for _, key := range f.spec.fields {
				if field, ok := p.platform.Field(key); ok {
					m.NormalForms[key] = field.Form
				}
			}
		} else if f.spec.optional && f.rows == 0 {
			continue
		}
		m.Files = append(m.Files, report)
	}
	for in, people := range p.inFiles {
		if in&written != 0 {
			m.Clients += people
		} else {
			m.Excluded[ReasonFileNotWritten] += people
		}
	}
	if written == 0 {
		m.Refused = p.worst()
	} else if p.layout.warn != nil {
		m.Warnings = p.layout.warn(m.Files)
	}
	return m
}

// worst picks the refusal that a reader can act on: of the largest file.
func (p *plan) worst() *Refused {
	best := 0
	for i := range p.files {
		if p.files[i].rows > p.files[best].rows {
			best = i
		}
	}
	return p.files[best].refusal
}

func refuse(p *Platform, s *fileSpec, rows int, size int64) *Refused {
	switch {
	case rows == 0:
		return &Refused{RefusedNoRows, Text{
			RU: fmt.Sprintf("Файл %s не записан: в сегменте нет никого, чьи данные можно передать. Посмотрите причины исключения: чаще всего не хватает согласий или телефонов и адресов почты.", s.name),
			EN: fmt.Sprintf("The file %s was not written: the segment has nobody whose data may be handed over. Look at the reasons of exclusion: mostly consents or phones and e-mails are missing.", s.name),
		}}
	case rows < s.minRows:
		return &Refused{RefusedTooSmall, Text{
			RU: fmt.Sprintf("Файл %s не записан: строк в нём %s, а %s принимает списки не короче %s. Расширьте правило сегмента, соберите больше телефонов и адресов с согласиями или выберите площадку с меньшим порогом.", s.name, grouped(rows, "\u202f"), p.Title.RU, grouped(s.minRows, "\u202f")),
			EN: fmt.Sprintf("The file %s was not written: it has %s rows and %s takes lists of no fewer than %s. Widen the segment's rule, collect more phones and e-mails with consent, or choose a platform with a lower limit.", s.name, grouped(rows, ","), p.Title.EN, grouped(s.minRows, ",")),
		}}
	case s.maxRows > 0 && rows > s.maxRows, s.maxBytes > 0 && size > s.maxBytes:
		return &Refused{RefusedTooLarge, Text{
			RU: fmt.Sprintf("Файл %s не записан: он больше, чем принимает %s (строк: %s, байт: %s). Разделите сегмент на части более узкими правилами.", s.name, p.Title.RU, grouped(rows, "\u202f"), grouped(int(size), "\u202f")),
			EN: fmt.Sprintf("The file %s was not written: it is larger than %s takes (rows: %s, bytes: %s). Divide the segment by narrower rules.", s.name, p.Title.EN, grouped(rows, ","), grouped(int(size), ",")),
		}}
	}
	return nil
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
