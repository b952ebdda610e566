package pipeline

import (
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/leadlake/leadlake/lib/analytics"
	"github.com/leadlake/leadlake/lib/audience"
	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/consent"
	"github.com/leadlake/leadlake/lib/handover"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/schema"
	"github.com/leadlake/leadlake/lib/segment"
)

// ErrNotFound says that a bundle or file is not there.
var ErrNotFound = errors.New("pipeline: no such export")

// ExportRequest asks for audience files. The zero request writes every bundle of the
// run in force; one with a File hands that file over, as [HandoverRequest] says.
type ExportRequest struct {
	HandoverRequest

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
	// Handover is the file of a request for one.
	Handover
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
	consent string // the owner's statement

	segments   map[string]handover.Segment
	plan       []handover.Export
	thresholds []schema.ThresholdRow

	// What decides, once prepared.
	news      *news
	members   *membership
	contacts  []contactedIn  // within the days of the budget
	contacted map[string]int // the same by client id
	owner     tokenOwners
	removals  map[bundleKey][]removals // of erased people
	forPeople bool                     // some files are for people and have further columns
	// leaving is set for what is handed over: it bears no word of a sensitive segment.
	leaving bool
}

// Export writes every bundle of the run in force under
// audiences/asof=…/<segment>/<platform>/: the whole list, what is to be added to and
// removed from the list that the platform was given, and one manifest. Clients and
// their contact values are read once for all bundles of a pass. The same run gives the
// same bytes unless somebody left or something was handed over meanwhile:
// withdrawals, unsubscriptions and erasures that came after the night are applied.
//
// Nothing that is written here is handed over by it: see [Pipeline.HandOver].
func (p *Pipeline) Export(ctx context.Context, request ExportRequest) (ExportReport, error) {
	if err := p.CheckTokenKey(ctx); err != nil { // bundles are named and audited with it
		return ExportReport{}, err
	}
	e, err := p.newExporter(ctx, request.Consent)
	if err != nil {
		return ExportReport{}, err
	}
	report := ExportReport{Run: e.run.Run, AsOf: e.run.AsOf}
	if request.asked() {
		report.Handover, err = p.HandOver(ctx, request.HandoverRequest)
		return report, err
	}
	if err := e.writeNames(ctx); err != nil {
		return report, err
	}
	for part := range slices.Chunk(e.plan, passBundles) {
		bundles, err := e.writeBundles(ctx, part)
		if err != nil {
			return report, err
		}
		report.Bundles = append(report.Bundles, bundles...)
	}
	for _, bundle := range report.Bundles {
		for _, file := range bundle.Manifest.Files {
			if file.Written {
				report.Files++
			}
		}
		if bundle.Manifest.Refused != nil {
			report.Refused++
		}
	}
	p.log.InfoContext(ctx, "audiences written", slog.String("run", report.Run), slog.Int("bundles", len(report.Bundles)),
		slog.Int("files", report.Files), slog.Int("refused", report.Refused))
	return report, nil
}

// newExporter reads what is exported under which conditions. Who stands in which file
// is read by prepare.
func (p *Pipeline) newExporter(ctx context.Context, statement string) (*exporter, error) {
	cfg, err := p.Config(ctx)
	if err != nil {
		return nil, err
	}
	run, err := lake.Current(ctx, p.store)
	if err != nil {
		return nil, err
	}
	e := &exporter{p: p, cfg: cfg, run: run, consent: statement, segments: map[string]handover.Segment{}}
	if e.thresholds, err = lake.ReadRunTable[schema.ThresholdRow](ctx, p.store, run); err != nil {
		return nil, err
	}
	rows, err := e.catalogue(ctx)
	if err != nil {
		return nil, err
	}
	segments := handover.Segments(cfg, p.key.Sum, rows)
	for _, s := range segments {
		e.segments[s.Key] = s
	}
	e.plan = handover.Plan(cfg, segments)
	return e, e.addGiven(ctx)
}

// catalogue is the segments of the run as files name them: the playbook's first, by
// the bounds of the night, then the buyers, then those of the run's own catalogue.
func (e *exporter) catalogue(ctx context.Context) ([]schema.SegmentCatalogueRow, error) {
	playbook, err := analytics.PlaybookOf(e.cfg.Metrics.RFM)
	if err != nil {
		return nil, err
	}
	var rows []schema.SegmentCatalogueRow
	once := analytics.FirstMeansOne(e.thresholds)
	for _, s := range playbook.Segments() {
		rows = append(rows, schema.SegmentCatalogueRow{
			Segment: s.Key, Family: segment.FamilyRFM, TitleRU: s.Advice("ru", once).Title, TitleEN: s.Advice("en", once).Title, Rule: playbookRule(s.Key),
		})
	}
	rows = append(rows, schema.SegmentCatalogueRow{Segment: segment.Buyers, TitleRU: "Все покупатели", TitleEN: "All buyers", Rule: "orders >= 1"})
	if _, ok := e.run.Tables[schema.SegmentCatalogueRow{}.Table()]; !ok {
		return rows, nil // a run made before there was a catalogue
	}
	kept, err := lake.ReadRunTable[schema.SegmentCatalogueRow](ctx, e.p.store, e.run)
	return append(rows, kept...), err
}

// retired locks a bundle that nothing asks for any more.
const retired audience.Reason = audience.RefusedRetired

// addGiven adds the bundles of which a platform has something and which nothing asks
// for any more: nobody belongs to their lists, and what was given waits for removal.
func (e *exporter) addGiven(ctx context.Context) error {
	all, err := e.p.bundlesGiven(ctx)
	if err != nil {
		return err
	}
	for _, b := range all {
		platform, ok := audience.Lookup(b.platform)
		if !ok || platform.Human || slices.ContainsFunc(e.plan, func(x handover.Export) bool { return x.Segment == b.segment && x.Platform == b.platform }) {
			continue
		}
		g, err := e.p.readGiven(ctx, b.platform, b.segment)
		if err != nil {
			return err
		}
		x := handover.Export{
			Segment: b.segment, Platform: b.platform, Hashed: len(g.rows) > 0 && g.rows[0].Hashed, Purposes: []consent.Purpose{platform.Purpose},
			Name: handover.NeutralName(e.p.key.Sum, b.segment), LockedBy: retired, Locked: &audience.Text{
				RU: "Выгрузки этого сегмента больше нет в настройках. Уберите переданный список с площадки: файл remove удалит из него всех.",
				EN: "The configuration has no such export any more. Take the list off the platform: the remove file takes everybody out of it.",
			},
		}
		if s, ok := e.segments[b.segment]; ok && s.Sensitive == "" {
			x.Name = b.segment
		}
		e.plan = append(e.plan, x)
	}
	slices.SortStableFunc(e.plan, func(a, b handover.Export) int { return cmp.Compare(a.Segment, b.Segment) })
	return nil
}

// prepare reads what decides who stands in the files of some bundles.
func (e *exporter) prepare(ctx context.Context, exports []handover.Export) error {
	var err error
	if e.news == nil {
		if e.news, err = e.p.readNews(ctx, e.run); err != nil {
			return err
		}
	}
	wanted, tokens := map[string]bool{}, e.news.speaking()
	for token := range e.news.erased {
		tokens[token] = true
	}
	e.forPeople = false
	messages := false
	for _, x := range exports {
		for _, s := range slices.Concat([]string{x.Segment}, x.Exclude, x.Above) {
			wanted[s] = true
		}
		platform, _ := audience.Lookup(x.Platform)
		e.forPeople, messages = e.forPeople || platform.Human, messages || x.Message
	}
	if e.removals, err = e.p.readRemovals(ctx); err != nil {
		return err
	}
	if messages {
		if e.contacts, err = e.p.readContacted(ctx, e.today()); err != nil {
			return err
		}
		for _, c := range e.contacts {
			for _, row := range c.rows {
				tokens[row.ClientID] = true
			}
		}
	}
	if e.members, e.owner, err = readMembership(ctx, e.p.store, e.run, wanted, tokens); err != nil {
		return err
	}
	e.news.name(e.owner, e.p.now())
	e.contacted = countContacts(e.contacts, e.owner.client, "")
	return nil
}

// today is the business's day.
func (e *exporter) today() string { return e.p.now().In(e.cfg.Location()).Format(time.DateOnly) }

func (e *exporter) folder(x *handover.Export) string {
	return lake.AudiencesPrefix + "asof=" + e.run.AsOf + "/" + x.Segment + "/" + x.Platform + "/"
}

// bundleID names a bundle of a day in URLs without telling what it is.
func (p *Pipeline) bundleID(asOf string, b bundleKey) string {
	sum := p.key.Sum("export", asOf+"/"+b.segment+"/"+b.platform)
	return hex.EncodeToString(sum[:16])
}

func keyOf(x *handover.Export) bundleKey { return bundleKey{x.Segment, x.Platform} }

// request says what is written of a bundle. What leaves of a sensitive segment bears a
// name that tells nothing, in the manifest too.
func (e *exporter) request(x *handover.Export, change audience.Change) audience.Request {
	s := e.segments[x.Segment]
	r := audience.Request{
		Run: e.run.Run, AsOf: e.run.AsOf, Segment: x.Segment, Title: s.Title, Rule: s.Rule, Platform: x.Platform, Hashed: x.Hashed, Change: change,
		Purpose: x.Purpose(), Consent: e.consent, Headers: e.cfg.Platforms[x.Platform].Columns, ListName: x.Name, CanaryDomain: e.cfg.Canaries.EmailDomain,
		Thresholds: e.thresholdsOf(s),
	}
	if e.leaving && x.Name != x.Segment {
		r.Segment, r.Title, r.Rule, r.Thresholds = x.Name, audience.Text{RU: x.Name, EN: x.Name}, "", nil
	}
	if r.Title == (audience.Text{}) {
		r.Title = audience.Text{RU: x.Segment, EN: x.Segment}
	}
	if day, err := time.Parse(time.DateOnly, e.run.AsOf); err == nil {
		r.ExpiresDay = day.AddDate(0, 0, e.cfg.Retention.AudiencesDays).Format(time.DateOnly)
	}
	if platform, _ := audience.Lookup(x.Platform); platform.Human {
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

// thresholdsOf are the bounds that a segment's rule rests on: those of the codes, for
// the segments of the playbook.
func (e *exporter) thresholdsOf(s handover.Segment) []audience.Threshold {
	if s.Family != segment.FamilyRFM {
		return nil
	}
	var all []audience.Threshold
	for _, row := range e.thresholds {
		if row.Entity != "client" || !slices.Contains([]string{"recency", "frequency", "monetary"}, row.Metric) {
			continue
		}
		t := audience.Threshold{Metric: row.Metric, Rule: row.Rule}
		for _, bound := range []*float64{row.Bound1, row.Bound2, row.Bound3, row.Bound4, row.Bound5, row.Bound6, row.Bound7, row.Bound8, row.Bound9} {
			if bound != nil {
				t.Bounds = append(t.Bounds, *bound)
			}
		}
		all = append(all, t)
	}
	return all
}

// manifest reads the manifest of a bundle as it was written last.
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
