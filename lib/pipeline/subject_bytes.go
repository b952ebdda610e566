package pipeline

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/leadlake/leadlake/lib/audience"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/schema"
)

// SubjectBytes is a delivery or a file that shows the person. Of a batch only his
// parts are told, with the header of a table above them.
type SubjectBytes struct {
	Object      string            `json:"object"`
	Key         string            `json:"key,omitempty"`
	Source      string            `json:"source,omitempty"`
	ReceivedAt  time.Time         `json:"received_at,omitzero"`
	Outcome     string            `json:"outcome,omitempty"` // of the ledger; waiting: not looked at yet
	Reason      string            `json:"reason,omitempty"`
	Method      string            `json:"method,omitempty"`
	ContentType string            `json:"content_type,omitempty"`
	Query       string            `json:"query,omitempty"`
	Headers     map[string]string `json:"headers,omitempty"`
	Parts       []string          `json:"parts,omitempty"`
	Binary      []byte            `json:"binary,omitempty"` // base64, of what is no text
	// Untold says why the bytes are not here: they tell of other people, too, and
	// cannot be taken apart.
	Untold string `json:"untold,omitempty"`
	// Unsure says that the bytes could be neither understood nor taken apart: look
	// whether they tell of somebody else before they are handed over.
	Unsure bool `json:"unsure,omitempty"`
}

// Outcomes and reasons of SubjectBytes beside those of the ledger.
const (
	outcomeWaiting         = "waiting"
	outcomeUnauthenticated = "unauthenticated"
	untoldOthers           = "tells_of_others"
)

// tell puts the bytes of a body down.
func (b *SubjectBytes) tell(body []byte) {
	switch {
	case len(body) == 0:
	case utf8.Valid(body):
		b.Parts = []string{string(body)}
	default:
		b.Binary = body
	}
}

// unsure marks bytes that a person has to look at.
func (s *subject) unsure(b *SubjectBytes) {
	b.Unsure = true
	s.note("look_before_handing_over",
		"Записи с пометкой unsure не удалось ни понять, ни разделить: посмотрите, нет ли в них чужих данных, прежде чем отдавать.",
		"What is marked unsure could be neither understood nor taken apart: see whether it tells of others before it is handed over.")
}

// tellFailed adds deliveries that could not be understood and show the person.
func (s *subject) tellFailed(ctx context.Context) error {
	days, err := lake.Days(ctx, s.p.store, lake.FailedPrefix)
	if err != nil {
		return err
	}
	for _, day := range days {
		table, err := lake.ReadDay[schema.FailedRow](ctx, s.p.store, lake.FailedPrefix, day)
		if err != nil {
			return err
		}
		for _, row := range table.Rows {
			if s.search.find(string(row.Body), row.Query) == nil {
				continue
			}
			b := SubjectBytes{
				Object: table.Key, Key: row.Key, Source: row.Source, ReceivedAt: row.ReceivedAt, Outcome: schema.OutcomeFailed, Reason: row.Reason,
				Method: row.Method, ContentType: row.ContentType, Query: row.Query, Headers: headersOf(row.Headers),
			}
			if parts, ok := onlyParts(row.Body, false, s.search.shows); ok {
				b.Parts = parts
			} else {
				b.tell(row.Body)
				s.unsure(&b)
			}
			s.doc.Failed = append(s.doc.Failed, b)
		}
	}
	return nil
}

func headersOf(m schema.Map) map[string]string {
	if len(m.Pairs) == 0 {
		return nil
	}
	headers := make(map[string]string, len(m.Pairs))
	for _, pair := range m.Pairs {
		headers[pair.Key] = pair.Value
	}
	return headers
}

// tellRaw adds deliveries as they were received, with what became of them.
func (s *subject) tellRaw(ctx context.Context) error {
	var day string
	var ledger map[[2]string]schema.DeliveryRow
	for info, err := range s.p.store.List(ctx, "raw/", "") {
		if err != nil {
			return err
		}
		of, authenticated := strings.CutPrefix(info.Key, lake.RawPrefix)
		if of, _, _ = strings.Cut(of, "/"); authenticated && of != day {
			table, err := lake.ReadDay[schema.DeliveryRow](ctx, s.p.store, lake.DeliveriesPrefix, of)
			if err != nil {
				return err
			}
			day, ledger = of, make(map[[2]string]schema.DeliveryRow, len(table.Rows))
			for _, row := range table.Rows {
				ledger[[2]string{row.RawObject, row.Key}] = row
			}
		}
		table, err := lake.ReadTable[schema.RawRow](ctx, s.p.store, info.Key)
		if err != nil {
			return err
		}
		for i := range table.Rows {
			row := &table.Rows[i]
			b, ok := s.rawBytes(row)
			if !ok {
				continue
			}
			b.Object, b.Outcome = info.Key, outcomeWaiting
			if line, ok := ledger[[2]string{strings.TrimPrefix(info.Key, "raw/"), row.Key}]; !authenticated {
				b.Outcome = outcomeUnauthenticated
			} else if ok {
				b.Outcome, b.Reason = line.Outcome, line.Reason
			}
			s.doc.Raw = append(s.doc.Raw, b)
		}
	}
	return nil
}

// rawBytes shows the person's part of a delivery; false where it has none.
func (s *subject) rawBytes(row *schema.RawRow) (SubjectBytes, bool) {
	owner, others, events := s.search.judge(*row)
	if owner == nil {
		return SubjectBytes{}, false
	}
	b := SubjectBytes{
		Key: row.Key, Source: row.Source, ReceivedAt: row.ReceivedAt, Method: row.Method, ContentType: row.ContentType,
		Query: row.Query, Headers: headersOf(row.Headers),
	}
	parts, apart := onlyParts(row.Body, false, func(part []byte) bool {
		one := *row
		one.Body = part
		owner, others, _ := s.search.judge(one)
		return owner != nil && !others
	})
	switch {
	case events > 0 && !others:
		b.tell(row.Body)
	case apart && len(parts) > 0:
		b.Parts = parts
	case others:
		b.Query, b.Headers, b.Untold = "", nil, untoldOthers
	default:
		b.tell(row.Body)
		s.unsure(&b)
	}
	return b, true
}

// tellInbox adds lines of dropped files. A file that cannot be taken apart is
// named only.
func (s *subject) tellInbox(ctx context.Context) error {
	return s.search.eachObject(ctx, "inbox/", func(info objstore.Info, body []byte, owner *Subject) error {
		if owner == nil {
			return nil
		}
		b := SubjectBytes{Object: info.Key, ReceivedAt: info.ModifiedAt}
		text, err := textOf(body)
		if err != nil {
			return err
		}
		if parts, ok := onlyParts([]byte(text), true, s.search.shows); ok {
			b.Parts = parts
		} else {
			b.Untold = untoldOthers
		}
		s.doc.Inbox = append(s.doc.Inbox, b)
		return nil
	})
}

// SubjectAudiences says to whom the person may have been shown.
type SubjectAudiences struct {
	Files []SubjectFile `json:"files,omitempty"` // that hold him now
	// Given are the rows of him that platforms have, as far as downloads tell.
	Given []SubjectGiven `json:"given,omitempty"`
	// Unknown are downloads of files that are no longer kept as they were: who stood
	// in them cannot be said.
	Unknown []SubjectDownload `json:"downloads_of_files_gone,omitempty"`
}

// SubjectFile is an audience file that shows the person in clear, hashed or by
// his client id.
type SubjectFile struct {
	Object    string            `json:"object"`
	Segment   string            `json:"segment,omitempty"`
	Platform  string            `json:"platform,omitempty"`
	AsOf      string            `json:"as_of,omitempty"`
	Hashed    bool              `json:"hashed,omitempty"`
	WrittenAt time.Time         `json:"written_at"`
	Downloads []SubjectDownload `json:"downloads,omitempty"` // of exactly these bytes
}

// SubjectGiven is a row that a platform was given of the person.
type SubjectGiven struct {
	Segment    string `json:"segment"`
	Platform   string `json:"platform"`
	File       string `json:"file"`
	SinceDay   string `json:"since_day"`
	LeavingDay string `json:"leaving_day,omitempty"` // since when it waits for removal
}

// tellGiven adds the rows of the person that platforms have.
func (s *subject) tellGiven(ctx context.Context) error {
	bundles, err := s.p.bundlesGiven(ctx)
	if err != nil {
		return err
	}
	for _, b := range bundles {
		g, err := s.p.readGiven(ctx, b.platform, b.segment)
		if err != nil {
			return err
		}
		open := g.unsettled(asking{})
		for i := range g.rows {
			row := &g.rows[i]
			if !there(row, open) || !s.mine([]string{row.ClientID}) && (row.Line == "" || s.search.find(row.Line) == nil) {
				continue
			}
			given := SubjectGiven{Segment: b.segment, Platform: b.platform, File: row.File, SinceDay: row.SinceDay}
			if row.LeavingDay != nil {
				given.LeavingDay = *row.LeavingDay
			}
			s.doc.Audiences.Given = append(s.doc.Audiences.Given, given)
		}
	}
	return nil
}

// SubjectDownload is a row of the audit chain.
type SubjectDownload struct {
	At     time.Time `json:"at"`
	Who    string    `json:"who"`
	Object string    `json:"object,omitempty"`
}

// tellAudiences adds the files that hold the person and who downloaded them.
func (s *subject) tellAudiences(ctx context.Context) error {
	files := &s.doc.Audiences.Files
	hashes := map[string]string{} // of every file that is there
	at := map[string]int{}
	e := exporter{p: s.p}
	err := s.search.eachObject(ctx, lake.AudiencesPrefix, func(info objstore.Info, body []byte, owner *Subject) error {
		hashes[info.Key] = sumHex(body)
		if owner == nil {
			return nil
		}
		f := SubjectFile{Object: info.Key, WrittenAt: info.ModifiedAt}
		m, err := e.manifest(ctx, path.Dir(info.Key)+"/")
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		f.Segment, f.Platform, f.AsOf, f.Hashed = m.Segment, m.Platform, m.AsOf, m.Hashed
		at[info.Key] = len(*files)
		*files = append(*files, f)
		return nil
	})
	if err != nil {
		return err
	}
	for info, err := range s.p.store.List(ctx, lake.AuditPrefix, "") {
		if err != nil {
			return fmt.Errorf("list audit: %w", err)
		}
		row, err := s.p.readAudit(ctx, info.Key)
		if err != nil {
			return err
		}
		if row.Action != "download" || strings.HasSuffix(row.Object, "/"+audience.ManifestName) {
			continue
		}
		if hashes[row.Object] != row.SHA256 {
			s.doc.Audiences.Unknown = append(s.doc.Audiences.Unknown, SubjectDownload{At: row.At, Who: row.Who, Object: row.Object})
		} else if i, holds := at[row.Object]; holds {
			(*files)[i].Downloads = append((*files)[i].Downloads, SubjectDownload{At: row.At, Who: row.Who})
		}
	}
	if err := s.tellGiven(ctx); err != nil {
		return err
	}
	if len(s.doc.Audiences.Unknown) > 0 {
		s.note("downloads_unknown",
			"О скачиваниях известно, кто, когда и какой файл взял. Кто стоял в файле, которого уже нет или который с тех пор изменился, не хранится.",
			"Of downloads it is kept who took which file when. Who stood in a file that is gone or has changed since is not kept.")
	}
	return nil
}

// eachObject calls tell for every object below a prefix, with whose it is: nil
// for nobody's.
func (s *searcher[P]) eachObject(ctx context.Context, prefix string, tell func(info objstore.Info, body []byte, owner *P) error) error {
	var all []objstore.Info
	for info, err := range s.p.store.List(ctx, prefix, "") {
		if err != nil {
			return err
		}
		all = append(all, info)
	}
	for _, info := range all {
		body, _, err := s.p.store.Get(ctx, info.Key)
		if errors.Is(err, objstore.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", info.Key, err)
		}
		text, err := textOf(body)
		if err != nil {
			return fmt.Errorf("read %s: %w", info.Key, err)
		}
		if err := tell(info, body, s.find(text)); err != nil {
			return fmt.Errorf("%s: %w", info.Key, err)
		}
	}
	return nil
}

// SubjectErasure is a wish to be forgotten, and what became of it.
type SubjectErasure struct {
	Request    string    `json:"request"`
	State      string    `json:"state"` // received, unverified or done
	ReceivedAt time.Time `json:"received_at,omitzero"`
	ErasedAt   time.Time `json:"erased_at,omitzero"`
	LiftedAt   time.Time `json:"lifted_at,omitzero"` // the person came back by himself
	By         string    `json:"by,omitempty"`
}

// erasures adds the person's wishes to be forgotten. It returns the latest
// erasure that is in force, nil for none, and sets the search on all its tokens:
// an answer that nothing is known is to be true of all of them.
func (s *subject) erasures(ctx context.Context) (*lake.Suppression, error) {
	var latest *lake.Suppression
	known := map[string]*SubjectErasure{}
	theirs := func(tokens []string) bool { return s.search.ownerOf(tokens) != nil }
	for info, err := range s.p.store.List(ctx, lake.SuppressPrefix, "") {
		if err != nil {
			return nil, fmt.Errorf("list suppressions: %w", err)
		}
		var one lake.Suppression
		if err := s.p.readJSON(ctx, info.Key, &one); err != nil {
			return nil, err
		}
		if !theirs(one.Tokens) {
			continue
		}
		known[one.Request] = &SubjectErasure{Request: one.Request, State: "done", ErasedAt: one.ErasedAt, LiftedAt: one.LiftedAt}
		if one.LiftedAt.IsZero() && (latest == nil || one.ErasedAt.After(latest.ErasedAt)) {
			latest = &one
		}
	}
	for info, err := range s.p.store.List(ctx, lake.ErasuresPrefix, "") {
		if err != nil {
			return nil, fmt.Errorf("list erasures: %w", err)
		}
		if !strings.HasSuffix(info.Key, "/request.json") {
			continue
		}
		var r lake.ErasureRequest
		if err := s.p.readJSON(ctx, info.Key, &r); err != nil {
			return nil, err
		}
		if e := known[r.ID]; e != nil {
			e.ReceivedAt, e.By = r.ReceivedAt, r.By
		} else if theirs(r.Tokens) {
			known[r.ID] = &SubjectErasure{Request: r.ID, State: r.State, ReceivedAt: r.ReceivedAt, By: r.By}
		}
	}
	for _, e := range known {
		s.doc.Erasures = append(s.doc.Erasures, *e)
	}
	slices.SortFunc(s.doc.Erasures, func(a, b SubjectErasure) int { return strings.Compare(a.Request, b.Request) })
	if latest != nil && s.doc.ClientID == "" {
		for _, token := range latest.Tokens {
			s.own(token)
		}
	}
	return latest, nil
}
