package main

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/schema"
)

// small is a shop with something in every table that is compared.
func small() testCase {
	return testCase{
		name: "small", lake: "small", nights: []string{shopLastDay},
		events: func() []event.Event { return newMixed(19, 60).events() },
		config: "business: {currency: RUB, timezone: Europe/Moscow, rates: {USD: \"90.505\"}}\n",
	}
}

// needOracle skips where there is no Node.js; a machine of the gate must have it.
func needOracle(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("the gate needs Node.js 20 or later with npm")
		}
		t.Skip("SKIPPED: no Node.js, so nothing compares the tables of the night with their definitions in SQL")
	}
	if out, err := exec.CommandContext(t.Context(), "./install.sh").CombinedOutput(); err != nil {
		t.Fatalf("install.sh: %v\n%s", err, out)
	}
}

// ask runs the oracle on everything below a directory.
func ask(t *testing.T, dir string) (text string, agrees bool) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "node", "oracle.mjs", dir).CombinedOutput()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) {
		t.Fatalf("oracle.mjs: %v\n%s", err, out)
	}
	return string(out), err == nil
}

// manifest is the run in force of a store on disk.
func manifest(t *testing.T, store string) lake.Run {
	t.Helper()
	body, err := os.ReadFile(filepath.Join(store, lake.CurrentKey))
	if err != nil {
		t.Fatal(err)
	}
	var run lake.Run
	if err := json.Unmarshal(body, &run); err != nil {
		t.Fatal(err)
	}
	return run
}

// edit rewrites a table of a store and returns how to undo it.
func edit[T schema.Row](change func(rows []T) []T) func(t *testing.T, store string) (undo func()) {
	return func(t *testing.T, store string) func() {
		t.Helper()
		var row T
		run := manifest(t, store)
		file := filepath.Join(store, filepath.FromSlash(run.Tables[row.Table()].Key))
		before, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := schema.Decode[T](before)
		if err != nil {
			t.Fatal(err)
		}
		after, err := schema.Encode(change(rows))
		if err != nil {
			t.Fatal(err)
		}
		write := func(body []byte) {
			if err := os.WriteFile(file, body, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		write(after)
		return func() { write(before) }
	}
}

// first finds a row to change.
func first[T any](t *testing.T, rows []T, is func(T) bool) *T {
	t.Helper()
	i := slices.IndexFunc(rows, is)
	if i < 0 {
		t.Fatal("the small shop has no such row")
	}
	return &rows[i]
}

// An oracle that agrees with everything would be worse than none: every planted
// fault must be found, by the name of its table and column.
func TestTheOracleFindsAPlantedFault(t *testing.T) {
	needOracle(t)
	dir := t.TempDir()
	c := small()
	if err := c.make(t.Context(), map[string]*business{}, dir); err != nil {
		t.Fatal(err)
	}
	if text, agrees := ask(t, dir); !agrees {
		t.Fatalf("the night and its definitions disagree:\n%s", text)
	}
	store := filepath.Join(dir, c.name, "store")
	for _, tc := range []struct {
		name  string
		plant func(t *testing.T, store string) func()
		want  string
	}{
		{"a cent too much", edit(func(rows []schema.ClientRow) []schema.ClientRow {
			first(t, rows, func(r schema.ClientRow) bool { return r.Orders > 1 }).RevenueMinor++
			return rows
		}), "revenue_minor: "},
		{"a buyer whose purchase is forgotten", edit(func(rows []schema.ClientRow) []schema.ClientRow {
			first(t, rows, func(r schema.ClientRow) bool { return r.FirstOrderDay != nil }).FirstOrderDay = nil
			return rows
		}), "first_order_day: null, want "},
		{"a label too many", edit(func(rows []schema.ClientRow) []schema.ClientRow {
			row := first(t, rows, func(r schema.ClientRow) bool { return len(r.Labels) == 0 })
			row.Labels = []string{"vip"}
			return rows
		}), "labels: [vip], want []"},
		{"a wrong score", edit(func(rows []schema.ClientRow) []schema.ClientRow {
			row := first(t, rows, func(r schema.ClientRow) bool { return r.R != nil && *r.R == 3 })
			*row.R = 2
			return rows
		}), "r: 2, want 3"},
		{"the ninth digit of a share", edit(func(rows []schema.CohortRow) []schema.CohortRow {
			first(t, rows, func(r schema.CohortRow) bool { return r.Retention > 0.1 && r.Retention < 1 }).Retention += 1e-9
			return rows
		}), "retention: "},
		{"a bound", edit(func(rows []schema.ThresholdRow) []schema.ThresholdRow {
			*first(t, rows, func(r schema.ThresholdRow) bool { return r.Metric == "monetary" }).Bound2 *= 1.001
			return rows
		}), "thresholds [monetary client quantile] bound_2: "},
		{"a class", edit(func(rows []schema.ABCRow) []schema.ABCRow {
			first(t, rows, func(r schema.ABCRow) bool { return r.Class == "A" }).Class = "B"
			return rows
		}), "class: B, want A"},
		{"a month that is gone", edit(func(rows []schema.LifecycleRow) []schema.LifecycleRow {
			return rows[:len(rows)-1]
		}), "row: missing"},
		{"a code that nobody has", edit(func(rows []schema.RFMCodeRow) []schema.RFMCodeRow {
			return append(rows, schema.RFMCodeRow{Code: "444"})
		}), "rfm_codes [444] row: too many"},
		{"a row twice", edit(func(rows []schema.ConsentStateRow) []schema.ConsentStateRow {
			return slices.Insert(rows, 1, rows[0])
		}), "consents: 1 rows repeat a key"},
		{"rows in disorder", edit(func(rows []schema.SourceRow) []schema.SourceRow {
			rows[0], rows[1] = rows[1], rows[0]
			return rows
		}), "sources: 2 rows are not in the order"},
		{"a buyer in another band", edit(func(rows []schema.RecencyRow) []schema.RecencyRow {
			first(t, rows, func(r schema.RecencyRow) bool { return r.Clients > 0 }).Clients--
			return rows
		}), "recency [0] clients: "},
		{"another Gini", edit(func(rows []schema.ConcentrationRow) []schema.ConcentrationRow {
			first(t, rows, func(r schema.ConcentrationRow) bool { return r.Gini > 0.1 }).Gini += 1e-8
			return rows
		}), "gini: "},
		{"a contact by nobody's channel", edit(func(rows []schema.ChannelRow) []schema.ChannelRow {
			first(t, rows, func(r schema.ChannelRow) bool { return r.Month != "" && r.Channel == "call" }).Channel = "fax"
			return rows
		}), "row: too many"},
		{"a birthday a day late", edit(func(rows []schema.BirthdayRow) []schema.BirthdayRow {
			first(t, rows, func(r schema.BirthdayRow) bool { return r.Who == "pet" }).DaysUntil++
			return rows
		}), "days_until: "},
		{"a threshold of activity", edit(func(rows []schema.ThresholdRow) []schema.ThresholdRow {
			*first(t, rows, func(r schema.ThresholdRow) bool { return r.Metric == "activity" }).Bound3 = 700
			return rows
		}), "thresholds [activity client days] bound_3: "},
		{"a cost that is not known", edit(func(rows []schema.FunnelRow) []schema.FunnelRow {
			none := int64(0)
			first(t, rows, func(r schema.FunnelRow) bool { return r.CostPerStageMinor == nil }).CostPerStageMinor = &none
			return rows
		}), "cost_per_stage_minor: 0, want null"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			undo := tc.plant(t, store)
			defer undo()
			text, agrees := ask(t, dir)
			if agrees || !strings.Contains(text, tc.want) || !strings.Contains(text, "FAILED") {
				t.Errorf("the oracle agrees: %t; it says\n%s\nwant %q", agrees, text, tc.want)
			}
		})
	}
}

// Every case is a shop that can be made again, and its events reach the lake.
func TestEveryCaseIsMadeTheSameTwice(t *testing.T) {
	for _, c := range cases() {
		one, two := c.events(), c.events()
		a, errA := json.Marshal(one)
		b, errB := json.Marshal(two)
		if errA != nil || errB != nil || string(a) != string(b) {
			t.Errorf("%s: two runs invent different events (%v, %v)", c.name, errA, errB)
		}
	}
}

func TestTheCommandRefusesWrongUse(t *testing.T) {
	for _, args := range [][]string{{}, {"-out", t.TempDir(), "more"}, {"-nonsense"}} {
		if err := run(t.Context(), args); !errors.Is(err, errUsage) {
			t.Errorf("run(%q) = %v, want wrong use", args, err)
		}
	}
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), []string{"-out", full}); !errors.Is(err, errUsage) {
		t.Errorf("a directory that is not empty: %v, want wrong use", err)
	}
}
