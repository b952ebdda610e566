package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/pipeline"
)

// finding is one line of a check.
type finding struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	Warn bool   `json:"warn,omitempty"` // nothing is broken, but somebody should look
	Says string `json:"says"`
	Do   string `json:"do,omitempty"` // what to do where it is not ok

	Ledger *pipeline.LedgerCheck `json:"ledger,omitempty"` // of the check of that name
}

func checkCommand(ctx context.Context, sys *system, args []string) error {
	f := newFlags(sys, "check [flags]",
		"Looks at the configuration, the store, the token key, the ledger, the schedules and the\n"+
			"audit chain: one line each. Exit status 1 if anything is wrong.")
	var where place
	where.register(f)
	machineOutput := f.Bool("json", false, "print JSON")
	if err := f.parse(args, 0, 0); err != nil {
		return err
	}
	if err := where.exists(); err != nil {
		return err
	}
	answer, err := perform(ctx, sys, where, "check", struct{}{})
	if err != nil {
		return err
	}
	var findings []finding
	if err := json.Unmarshal(answer, &findings); err != nil {
		return err
	}
	if *machineOutput {
		err = printJSON(sys.Stdout, findings)
	} else {
		var text strings.Builder
		for _, one := range findings {
			mark := "ok  "
			switch {
			case !one.OK:
				mark = "FAIL"
			case one.Warn:
				mark = "warn"
			}
			fmt.Fprintf(&text, "%s  %-14s %s\n", mark, one.Name, one.Says)
			if one.Do != "" {
				fmt.Fprintf(&text, "%22s%s\n", "→ ", one.Do)
			}
			if one.Ledger != nil {
				text.WriteString(ledgerText(*one.Ledger))
			}
		}
		_, err = fmt.Fprint(sys.Stdout, text.String())
	}
	if err == nil && slices.ContainsFunc(findings, func(one finding) bool { return !one.OK }) {
		return errSaid
	}
	return err
}

// check looks at everything, whatever it finds on the way.
func (m *machine) check(ctx context.Context) []finding {
	var ledger *pipeline.LedgerCheck
	checks := []struct {
		name, do string
		look     func(context.Context) (string, error)
	}{
		{"configuration", "correct config/leadlake.yaml; until then senders get 503 and keep what they have", m.checkConfiguration},
		{"store", "use a disk or a bucket that honours conditional writes, and see whether it is full", m.checkStore},
		{"token key", "put the right key back from its backup before anything else runs", m.checkTokenKey},
		{"ledger", "run `leadlake invoke compact` and check again; if it stays, keep raw/ and ask for help", func(ctx context.Context) (says string, err error) {
			says, ledger, err = m.checkLedger(ctx)
			return says, err
		}},
		{"schedules", "see that `leadlake serve` runs, and its log for failed runs", m.checkSchedules},
		{"audit chain", "compare audit/ with a backup: a row was changed or removed", m.checkAudit},
	}
	findings := make([]finding, 0, len(checks))
	for _, c := range checks {
		says, err := c.look(ctx)
		one := finding{Name: c.name, OK: err == nil, Says: says}
		if err != nil {
			one.Says, one.Do = strings.ReplaceAll(err.Error(), "\n", "; "), c.do
		}
		if c.name == "ledger" {
			one.Ledger = ledger
		}
		findings = append(findings, one)
	}
	return append(findings, m.warnings(ctx)...)
}

// warnings are what is no fault of the system: figures that may mislead, objects
// that another system does not give.
func (m *machine) warnings(ctx context.Context) []finding {
	var all []finding
	doubles, err := m.steps.DoubleReports(ctx)
	if err != nil {
		all = append(all, finding{Name: "double orders", Says: err.Error(), Do: "run `leadlake invoke analytics` and check again"})
	}
	for _, d := range doubles {
		all = append(all, finding{
			Name: "double orders", OK: true, Warn: true,
			Says: fmt.Sprintf("%d of %d orders of %s agree with orders of %s in client, day and amount", d.Alike, d.OrdersA, d.A, d.B),
			Do:   "if both tell the same sales, give both sources one `shop` and one order id, or say `orders: false` for one of them",
		})
	}
	unfetched, err := m.steps.Unfetched(ctx)
	if err != nil {
		all = append(all, finding{Name: "fetch", Says: err.Error(), Do: "see whether lake/fetch.json can be read"})
	}
	for _, u := range unfetched {
		all = append(all, finding{
			Name: "fetch", OK: true, Warn: true,
			Says: fmt.Sprintf("source %s: %d objects are not fetched yet, %d were given up%s", u.Source, u.Waiting, u.GaveUp, because(u.Problem)),
			Do:   "see fetch.url and fetch.token of the source; `leadlake redrive -reason not_fetched` asks for all of them again",
		})
	}
	exports, err := m.steps.ExportWarnings(ctx)
	if err != nil && !errors.Is(err, config.ErrInvalid) { // the check of the configuration has said so
		all = append(all, finding{Name: "exports", Says: err.Error(), Do: "run `leadlake invoke analytics` and check again"})
	}
	for _, w := range exports {
		all = append(all, finding{Name: "exports", OK: true, Warn: true, Says: w.Says, Do: w.Do})
	}
	return all
}

func because(problem string) string {
	if problem == "" {
		return ""
	}
	return " (" + problem + ")"
}

func (m *machine) checkConfiguration(ctx context.Context) (string, error) {
	cfg, err := m.steps.Config(ctx)
	if err != nil {
		return "", err
	}
	for _, source := range cfg.Sources {
		for _, ref := range source.Secrets {
			if _, err := environmentSecret(m.sys)(ctx, ref); err != nil && m.where.s3 == "" {
				return "", fmt.Errorf("source %s: its secret cannot be read: %w", source.Name, err)
			}
		}
	}
	return fmt.Sprintf("%d sources, %d segments, %d exports, %s, %s", len(cfg.Sources), len(cfg.Segments), len(cfg.Exports),
		cfg.Business.Currency, cfg.Business.Timezone), nil
}

func (m *machine) checkStore(ctx context.Context) (string, error) {
	if err := m.probe(ctx); err != nil {
		return "", err
	}
	return "exclusive create, compare-and-swap and read-after-write hold", nil
}

func (m *machine) checkTokenKey(ctx context.Context) (string, error) {
	return "is the one this store was made with", m.steps.CheckTokenKey(ctx)
}

func (m *machine) checkAudit(ctx context.Context) (string, error) {
	rows, err := m.steps.CheckAudit(ctx)
	if errors.Is(err, pipeline.ErrAudit) {
		return "", fmt.Errorf("broken after row %d: %w", rows, err)
	}
	return fmt.Sprintf("%d rows, unbroken", rows), err
}

// late is how far behind its time a schedule may be: a night may take a while.
const late = 2 * time.Hour

// checkSchedules compares when each schedule ran last with when it should have.
func (m *machine) checkSchedules(ctx context.Context) (string, error) {
	template, err := m.template(ctx)
	if err != nil {
		return "", err
	}
	runs, err := runMemory{m.store}.LastRuns(ctx)
	if err != nil {
		return "", err
	}
	if len(runs) == 0 {
		if m.where.s3 != "" {
			return fmt.Sprintf("%d schedules; no `serve` has run them over this bucket, AWS may", len(template.Schedules)), nil
		}
		return fmt.Sprintf("%d schedules; none has been due yet", len(template.Schedules)), nil
	}
	var behind []string
	for _, s := range template.Schedules {
		last, ran := runs[s.ID()]
		if !ran {
			continue
		}
		if due := s.Next(last); !due.IsZero() && m.now().Sub(due) > late {
			behind = append(behind, fmt.Sprintf("%s should have run at %s", s.ID(), due.Format(time.RFC3339)))
		}
	}
	if len(behind) > 0 {
		return "", errors.New(strings.Join(behind, ", "))
	}
	return fmt.Sprintf("%d schedules, none is late", len(template.Schedules)), nil
}
