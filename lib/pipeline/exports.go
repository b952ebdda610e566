package pipeline

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/analytics"
	"github.com/leadlake/leadlake/lib/audience"
	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/consent"
	"github.com/leadlake/leadlake/lib/identity"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/money"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/schema"
	"github.com/leadlake/leadlake/lib/segment"
)

// ErrNotFound says that a bundle or file is not there.
var ErrNotFound = errors.New("pipeline: no such export")

// ExportRequest asks for audience files. The zero request writes every bundle of
// the run in force; one with a Bundle prepares a download.
type ExportRequest struct {
	Bundle string `json:"bundle,omitempty"` // id of a bundle
	File   string `json:"file,omitempty"`
	// Consent is the owner's own statement on where consents come from, kept in
	// every manifest.
	Consent string `json:"consent,omitempty"`
}

// ExportReport says what was written.
type ExportReport struct {
	Run     string         `json:"run"`
	AsOf    string         `json:"as_of"`
	Bundles []BundleReport `json:"bundles,omitempty"`
	Files   int            `json:"files"`   // written, manifests not counted
	Refused int            `json:"refused"` // bundles without any file
	// Key and Name are where the file of a download lies and what it is called.
	Key  string `json:"key,omitempty"`
	Name string `json:"name,omitempty"`
}

// BundleReport is one bundle: a segment for a platform.
type BundleReport struct {
	ID       string            `json:"id"`
	Manifest audience.Manifest `json:"manifest"`
}

// exporter is one export run.
type exporter struct {
	p       *Pipeline
	cfg     *config.Config
	run     *lake.Run
	consent string
	clients map[string]*schema.ClientRow
	people  map[string]*schema.PersonRow
	members map[string][]string // segment → client ids, in order
	left    map[string]audience.Reason
	titles  map[string]audience.Text
	rules   map[string]string // of the segments that are exported
}

// Export writes audience files of the run in force under
// audiences/asof=…/<segment>/<platform>/, each with its manifest. The same run
// gives the same bytes unless somebody withdrew meanwhile: withdrawals,
// unsubscriptions and erasures that came after the night are applied first.
func (p *Pipeline) Export(ctx context.Context, request ExportRequest) (ExportReport, error) {
	e, err := p.newExporter(ctx, request.Consent)
	if err != nil {
		return ExportReport{}, err
	}
	if err := p.CheckTokenKey(ctx); err != nil { // bundles are named and audited with it
		return ExportReport{}, err
	}
	report := ExportReport{Run: e.run.Run, AsOf: e.run.AsOf}
	if request.Bundle != "" {
		report.Key, report.Name, err = e.download(ctx, request.Bundle, request.File)
		return report, err
	}
	for _, bundle := range e.bundles() {
		manifest, err := e.write(ctx, bundle, e.folder(bundle))
		if err != nil {
			return report, err
		}
		report.Bundles = append(report.Bundles, BundleReport{ID: p.bundleID(e.run.AsOf, bundle), Manifest: manifest})
		for _, file := range manifest.Files {
			if file.Written {
				report.Files++
			}
		}
		if manifest.Refused != nil {
			report.Refused++
		}
	}
	p.log.InfoContext(ctx, "audiences written", slog.String("run", report.Run), slog.Int("bundles", len(report.Bundles)),
		slog.Int("files", report.Files), slog.Int("refused", report.Refused))
	return report, nil
}

func (p *Pipeline) newExporter(ctx context.Context, statement string) (*exporter, error) {
	cfg, err := p.Config(ctx)
	if err != nil {
		return nil, err
	}
	run, err := lake.Current(ctx, p.store)
	if err != nil {
		return nil, err
	}
	e := &exporter{p: p, cfg: cfg, run: run, consent: statement, members: map[string][]string{}, titles: map[string]audience.Text{}, rules: map[string]string{}}
	clients, err := lake.ReadRunTable[schema.ClientRow](ctx, p.store, run)
	if err != nil {
		return nil, err
	}
	e.clients = make(map[string]*schema.ClientRow, len(clients))
	for i := range clients {
		e.clients[clients[i].ClientID] = &clients[i]
	}
	people, err := lake.ReadTable[schema.PersonRow](ctx, p.store, peopleKey)
	if err != nil {
		return nil, err
	}
	e.people = make(map[string]*schema.PersonRow, len(people.Rows))
	for i := range people.Rows {
		e.people[people.Rows[i].ClientID] = &people.Rows[i]
	}
	rows, err := lake.ReadRunTable[schema.SegmentRow](ctx, p.store, run)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		e.members[row.Segment] = append(e.members[row.Segment], row.ClientID)
	}
	playbook, err := analytics.PlaybookOf(cfg.Metrics.RFM)
	if err != nil {
		return nil, err
	}
	thresholds, err := lake.ReadRunTable[schema.ThresholdRow](ctx, p.store, run)
	if err != nil {
		return nil, err
	}
	once := analytics.FirstMeansOne(thresholds)
	for _, s := range playbook.Segments() {
		e.titles[s.Key] = audience.Text{RU: s.Advice("ru", once).Title, EN: s.Advice("en", once).Title}
		e.rules[s.Key] = playbookRule(s.Key)
	}
	e.titles[segment.Buyers] = audience.Text{RU: "Все покупатели", EN: "All buyers"}
	e.rules[segment.Buyers] = "orders >= 1"
	if err := e.addAsked(ctx, clients); err != nil {
		return nil, err
	}
	e.left, err = p.leftSince(ctx, run, e.clients)
	return e, err
}

// addAsked adds the owner's segments and the built-in ones that the configuration's
// exports name. One that has no members this night keeps its name.
func (e *exporter) addAsked(ctx context.Context, clients []schema.ClientRow) error {
	catalogue, err := e.p.catalogueOf(ctx, e.run, clients)
	if err != nil {
		return err
	}
	for _, row := range catalogue {
		asked := slices.ContainsFunc(e.cfg.Exports, func(x config.Export) bool { return x.Segment == row.Segment })
		if row.Family == segment.FamilyOwn || asked {
			e.titles[row.Segment], e.rules[row.Segment] = audience.Text{RU: row.TitleRU, EN: row.TitleEN}, row.Rule
		}
	}
	for _, x := range e.cfg.Exports {
		if _, ok := e.titles[x.Segment]; !ok {
			e.titles[x.Segment] = audience.Text{RU: x.Segment, EN: x.Segment}
		}
	}
	return nil
}

// bundle is a segment for a platform.
type bundle struct {
	segment, platform string
	hashed            bool
	human             bool // a file for people
}

func (b bundle) key() string { return b.segment + "/" + b.platform }

// bundles lists what is written: the playbook's segments, the buyers, the owner's
// segments and what exports name, each for every platform that is not on request or
// that an export of the configuration names, and hashed where such an export says so.
// Segments without a member
// are listed too: their manifests say why there is no file.
func (e *exporter) bundles() []bundle {
	var all []bundle
	segments := make([]string, 0, len(e.titles))
	for key := range e.titles {
		segments = append(segments, key)
	}
	slices.Sort(segments)
	for _, s := range segments {
		for _, platform := range audience.Platforms() {
			b, wanted := bundle{segment: s, platform: platform.Key, human: platform.Human}, !platform.OnRequest
			for _, export := range e.cfg.Exports {
				if export.Segment == s && slices.Contains(export.Platforms, platform.Key) {
					b.hashed, wanted = export.Hashed && platform.Hash != "", true
				}
			}
			if wanted {
				all = append(all, b)
			}
		}
	}
	return all
}

func (e *exporter) folder(b bundle) string {
	return lake.AudiencesPrefix + "asof=" + e.run.AsOf + "/" + b.segment + "/" + b.platform + "/"
}

// bundleID names a bundle of a day in URLs without telling what it is.
func (p *Pipeline) bundleID(asOf string, b bundle) string {
	sum := p.key.Sum("export", asOf+"/"+b.key())
	return hex.EncodeToString(sum[:16])
}

func (e *exporter) write(ctx context.Context, b bundle, folder string) (audience.Manifest, error) {
	manifest, err := audience.Write(e.request(b), e.contacts(b), func(name string) (audience.Output, error) {
		return &storeOutput{ctx: ctx, store: e.p.store, key: folder + name}, nil
	})
	if err != nil {
		return manifest, fmt.Errorf("pipeline: audience %s: %w", b.key(), err)
	}
	// A file of an earlier writing that is refused now still shows who left since.
	// Nothing but clean-up deletes, so it is emptied.
	for _, file := range manifest.Files {
		if file.Written {
			continue
		}
		info, err := e.p.store.Head(ctx, folder+file.Name)
		if errors.Is(err, objstore.ErrNotExist) || err == nil && info.Size == 0 {
			continue
		}
		if err == nil {
			_, err = e.p.store.Put(ctx, folder+file.Name, nil)
		}
		if err != nil {
			return manifest, fmt.Errorf("pipeline: empty a refused audience file: %w", err)
		}
	}
	return manifest, nil
}

func (e *exporter) request(b bundle) audience.Request {
	r := audience.Request{
		Run: e.run.Run, AsOf: e.run.AsOf, Segment: b.segment, Title: e.titles[b.segment], Rule: e.rules[b.segment], Platform: b.platform, Hashed: b.hashed,
		Purpose: string(consent.Ads), Consent: e.consent, Headers: e.cfg.Platforms[b.platform].Columns,
	}
	if day, err := time.Parse(time.DateOnly, e.run.AsOf); err == nil {
		r.ExpiresDay = day.AddDate(0, 0, e.cfg.Retention.AudiencesDays).Format(time.DateOnly)
	}
	if b.human {
		r.Language = e.cfg.Business.Language
		r.Columns = []audience.Column{
			{Key: "name", Title: audience.Text{RU: "Имя полностью", EN: "Full name"}},
			{Key: "rfm_code", Title: audience.Text{RU: "Код RFM", EN: "RFM code"}},
			{Key: "orders", Title: audience.Text{RU: "Покупок", EN: "Orders"}},
			{Key: "revenue", Title: audience.Text{RU: "Выручка, " + e.cfg.Business.Currency, EN: "Revenue, " + e.cfg.Business.Currency}},
			{Key: "last_order_day", Title: audience.Text{RU: "Последняя покупка", EN: "Last order"}},
		}
	}
	return r
}

// contacts yields the members of a bundle's segment in the order of client ids:
// those who may be handed over with their values, the others with the reason.
func (e *exporter) contacts(b bundle) iter.Seq2[audience.Contact, error] {
	return func(yield func(audience.Contact, error) bool) {
		for _, id := range e.members[b.segment] {
			if !yield(e.contact(id, b.human), nil) {
				return
			}
		}
	}
}

func (e *exporter) contact(id string, forPeople bool) audience.Contact {
	c := audience.Contact{ClientID: id}
	client, person := e.clients[id], e.people[id]
	if client == nil { // an erasure is rewriting the run's tables
		c.Excluded = audience.ReasonErased
		return c
	}
	if consent.State(client.Consents.Get(string(consent.Processing))) == consent.Withdrawn {
		c.Excluded = audience.ReasonWithdrawn
		return c
	}
	switch consent.State(client.Consents.Get(string(consent.Ads))) {
	case consent.Given:
	case consent.Withdrawn:
		c.Excluded = audience.ReasonWithdrawn
		return c
	default:
		c.Excluded = audience.ReasonNoConsent
		return c
	}
	if reason, ok := e.left[id]; ok {
		c.Excluded = reason
		return c
	}
	if person == nil {
		return c
	}
	for _, v := range person.Phones {
		c.Phones = append(c.Phones, identity.Phone(v.Value))
	}
	for _, v := range person.Emails {
		c.Emails = append(c.Emails, identity.Email(v.Value))
	}
	c.FirstName, c.LastName, c.City, c.BirthDay = person.FirstName, person.LastName, person.City, person.BirthDate
	c.Country, c.Gender, c.Company = person.Country, person.Gender, person.Company
	if c.Country == "" {
		c.Country = e.cfg.Business.Country
	}
	if forPeople {
		c.Fields = map[string]string{
			"name": person.Name, "orders": strconv.FormatInt(client.Orders, 10),
			"revenue": money.Decimal(client.RevenueMinor, e.cfg.Business.Currency),
		}
		if client.RFMCode != nil {
			c.Fields["rfm_code"] = *client.RFMCode
		}
		if client.LastOrderDay != nil {
			c.Fields["last_order_day"] = *client.LastOrderDay
		}
	}
	return c
}

// storeOutput is one audience file on its way into the store.
type storeOutput struct {
	ctx   context.Context //nolint:containedctx // lives for one write of one file
	store objstore.Store
	key   string
	body  bytes.Buffer
}

var _ io.Writer = (*storeOutput)(nil)

func (o *storeOutput) Write(b []byte) (int, error) { return o.body.Write(b) }

// Commit writes the file unless the same bytes are there.
func (o *storeOutput) Commit() error {
	if old, _, err := o.store.Get(o.ctx, o.key); err == nil && bytes.Equal(old, o.body.Bytes()) {
		return nil
	}
	_, err := o.store.Put(o.ctx, o.key, o.body.Bytes())
	return err
}

func (o *storeOutput) Discard() { o.body.Reset() }

// download prepares one file of a bundle: the stored one where it is still right,
// else one rendered anew without those who left since.
func (e *exporter) download(ctx context.Context, id, file string) (key, name string, err error) {
	i := slices.IndexFunc(e.bundles(), func(b bundle) bool { return e.p.bundleID(e.run.AsOf, b) == id })
	if i < 0 || strings.ContainsAny(file, "/\\") {
		return "", "", ErrNotFound
	}
	b := e.bundles()[i]
	stored, err := e.manifest(ctx, e.folder(b))
	if err != nil {
		return "", "", err
	}
	folder := e.folder(b)
	fresh := stored.Run == e.run.Run && !e.stale(b, stored)
	if fresh && file != audience.ManifestName {
		// An erasure takes whole files away; then this one is made again without him.
		if _, err := e.p.store.Head(ctx, folder+file); errors.Is(err, objstore.ErrNotExist) {
			fresh = false
		} else if err != nil {
			return "", "", fmt.Errorf("pipeline: look for export: %w", err)
		}
	}
	if !fresh {
		folder = lake.AudiencesPrefix + "downloads/" + id + "/"
		if stored, err = e.write(ctx, b, folder); err != nil {
			return "", "", err
		}
	}
	for _, f := range stored.Files {
		if f.Name == file && f.Written {
			return folder + file, e.run.AsOf + "_" + b.segment + "_" + file, nil
		}
	}
	if file == audience.ManifestName {
		return folder + file, e.run.AsOf + "_" + b.segment + "_" + b.platform + "_" + file, nil
	}
	return "", "", ErrNotFound
}

// stale reports whether a member of the segment left since the files were
// written.
func (e *exporter) stale(b bundle, m audience.Manifest) bool {
	if len(e.members[b.segment]) != m.Members {
		return true
	}
	counts := map[audience.Reason]int{}
	for _, id := range e.members[b.segment] {
		counts[e.contact(id, false).Excluded]++
	}
	for _, reason := range []audience.Reason{audience.ReasonWithdrawn, audience.ReasonUnsubscribed, audience.ReasonErased, audience.ReasonNoConsent} {
		if counts[reason] != m.Excluded[reason] {
			return true
		}
	}
	return false
}

func (e *exporter) manifest(ctx context.Context, folder string) (audience.Manifest, error) {
	var m audience.Manifest
	body, _, err := e.p.store.Get(ctx, folder+audience.ManifestName)
	if errors.Is(err, objstore.ErrNotExist) {
		return m, ErrNotFound
	}
	if err != nil {
		return m, fmt.Errorf("pipeline: read manifest: %w", err)
	}
	if err := json.Unmarshal(body, &m); err != nil {
		return m, fmt.Errorf("pipeline: read %s%s: %w", folder, audience.ManifestName, err)
	}
	return m, nil
}
