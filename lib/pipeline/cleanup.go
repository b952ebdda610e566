package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/schema"
)

// CleanupReport counts objects removed past their retention.
type CleanupReport struct {
	Raw             int `json:"raw"`
	Unauthenticated int `json:"unauthenticated"`
	RunTables       int `json:"run_tables"`
	Audiences       int `json:"audiences"`
	Inbox           int `json:"inbox"`
	Removals        int `json:"removals"` // of erased people, handed over to platforms
	Contacts        int `json:"contacts"` // days that no contact budget looks at any more
}

const (
	unauthenticatedDays = 7
	downloadHours       = 24
	// graceHours is the least age of what clean-up removes: a reader or a writer
	// whose outcome is unknown may still need younger objects.
	graceHours = 24
)

// cleanUp removes what is confirmed to be past its retention: raw objects that
// the ledger lists, tables of old runs but never of the run in force and its
// predecessor, audience files of old days. Nothing else ever deletes.
func (p *Pipeline) cleanUp(ctx context.Context) (CleanupReport, error) {
	var report CleanupReport
	cfg, err := p.Config(ctx)
	if err != nil {
		return report, err
	}
	for _, step := range []struct {
		count *int
		run   func(context.Context, *config.Config) (int, error)
	}{
		{&report.Raw, p.cleanRaw},
		{&report.Unauthenticated, p.cleanUnauthenticated},
		{&report.RunTables, p.cleanRuns},
		{&report.Audiences, p.cleanAudiences},
		{&report.Inbox, p.cleanInbox},
		{&report.Removals, p.cleanRemovals},
		{&report.Contacts, p.cleanContacts},
	} {
		if *step.count, err = step.run(ctx, cfg); err != nil {
			return report, fmt.Errorf("pipeline: clean up: %w", err)
		}
	}
	if report != (CleanupReport{}) {
		p.log.InfoContext(ctx, "past retention removed", slog.Int("raw", report.Raw), slog.Int("unauthenticated", report.Unauthenticated),
			slog.Int("run_tables", report.RunTables), slog.Int("audiences", report.Audiences),
			slog.Int("inbox", report.Inbox), slog.Int("removals", report.Removals), slog.Int("contacts", report.Contacts))
	}
	return report, nil
}

// remove deletes keys that old approves of, and are older than the grace.
func (p *Pipeline) remove(ctx context.Context, prefix string, old func(objstore.Info) bool) (int, error) {
	var keys []string
	for info, err := range p.store.List(ctx, prefix, "") {
		if err != nil {
			return 0, err
		}
		if old(info) && p.now().Sub(info.ModifiedAt) > graceHours*time.Hour {
			keys = append(keys, info.Key)
		}
	}
	for i, key := range keys {
		if err := p.store.Delete(ctx, key); err != nil {
			return i, err
		}
	}
	return len(keys), nil
}

// cleanRaw removes raw objects of days past retention, but only those that the
// day's ledger lists as merged.
func (p *Pipeline) cleanRaw(ctx context.Context, cfg *config.Config) (int, error) {
	oldest := lake.Day(p.now().AddDate(0, 0, -cfg.Retention.RawDays))
	days, err := lake.Days(ctx, p.store, lake.RawPrefix)
	if err != nil {
		return 0, err
	}
	removed := 0
	for _, day := range days {
		if day >= oldest {
			break
		}
		table, err := lake.ReadDay[schema.DeliveryRow](ctx, p.store, lake.DeliveriesPrefix, day)
		if err != nil {
			return removed, err
		}
		merged := make(map[string]bool, len(table.Rows))
		for _, row := range table.Rows {
			merged["raw/"+row.RawObject] = true
		}
		n, err := p.remove(ctx, lake.RawPrefix+day+"/", func(info objstore.Info) bool { return merged[info.Key] })
		removed += n
		if err != nil {
			return removed, err
		}
	}
	return removed, nil
}

func (p *Pipeline) cleanUnauthenticated(ctx context.Context, _ *config.Config) (int, error) {
	return p.remove(ctx, lake.UnauthenticatedPrefix, func(info objstore.Info) bool {
		return p.now().Sub(info.ModifiedAt) > unauthenticatedDays*24*time.Hour
	})
}

// cleanRuns keeps the newest retention.runs days of runs, and always the run in
// force with its predecessor.
func (p *Pipeline) cleanRuns(ctx context.Context, cfg *config.Config) (int, error) {
	run, err := lake.Current(ctx, p.store)
	if errors.Is(err, lake.ErrNoRun) {
		return 0, nil // without a run in force nothing is known to be old
	}
	if err != nil {
		return 0, err
	}
	keep := map[string]bool{run.Run: true}
	if run.Predecessor != nil {
		keep[run.Predecessor.Run] = true
	}
	var days []string
	for info, err := range p.store.List(ctx, lake.GoldPrefix, "") {
		if err != nil {
			return 0, err
		}
		if day, _, ok := asOfAndRun(info.Key); ok && !slices.Contains(days, day) {
			days = append(days, day)
		}
	}
	slices.Sort(days)
	if len(days) <= cfg.Retention.Runs {
		return 0, nil
	}
	oldest := days[len(days)-cfg.Retention.Runs]
	old := func(info objstore.Info) bool {
		day, run, ok := asOfAndRun(info.Key)
		return ok && day < oldest && !keep[run]
	}
	// Manifests first: a run without one is no run, one without tables is broken.
	n, err := p.remove(ctx, lake.GoldPrefix+"runs/", old)
	if err != nil {
		return n, err
	}
	m, err := p.remove(ctx, lake.GoldPrefix, old)
	return n + m, err
}

// asOfAndRun reads gold/<table>/asof=D/run=R… .
func asOfAndRun(key string) (day, run string, ok bool) {
	_, rest, ok := strings.Cut(key, "/asof=")
	if !ok {
		return "", "", false
	}
	day, rest, ok = strings.Cut(rest, "/run=")
	run, _, _ = strings.Cut(strings.TrimSuffix(rest, ".json"), "/")
	return day, run, ok
}

// cleanInbox removes files that were imported, or put aside, as long ago as raw
// deliveries are kept. The register of what was imported stays.
func (p *Pipeline) cleanInbox(ctx context.Context, cfg *config.Config) (int, error) {
	removed := 0
	for _, prefix := range []string{inboxDone, inboxFailed} {
		n, err := p.remove(ctx, prefix, func(info objstore.Info) bool {
			return p.now().Sub(info.ModifiedAt) > time.Duration(cfg.Retention.RawDays)*24*time.Hour
		})
		removed += n
		if err != nil {
			return removed, err
		}
	}
	return removed, nil
}

func (p *Pipeline) cleanAudiences(ctx context.Context, cfg *config.Config) (int, error) {
	oldest := lake.Day(p.now().AddDate(0, 0, -cfg.Retention.AudiencesDays))
	n, err := p.remove(ctx, lake.AudiencesPrefix+"asof=", func(info objstore.Info) bool {
		day, _, _ := strings.Cut(strings.TrimPrefix(info.Key, lake.AudiencesPrefix+"asof="), "/")
		return day < oldest
	})
	if err != nil {
		return n, err
	}
	m, err := p.remove(ctx, downloadsPrefix, func(info objstore.Info) bool {
		return p.now().Sub(info.ModifiedAt) > downloadHours*time.Hour
	})
	return n + m, err
}
