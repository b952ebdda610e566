package main

import (
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/infra/leadlake/demoshop"
	"github.com/leadlake/leadlake/lib/analytics"
	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/pipeline"
	"github.com/leadlake/leadlake/lib/schema"
)

// exported is a mechanic in which so many of the exported bought, each for 100.00, and
// so many of those held out, each for 50.00, all settled in a month.
type exported struct {
	platform, month              string
	people, buyers, held, bought int
}

func effectsOf(t *testing.T, all ...exported) pipeline.EffectReport {
	t.Helper()
	asOf, err := analytics.ParseDay("2026-11-30")
	if err != nil {
		t.Fatal(err)
	}
	report := pipeline.EffectReport{Run: "r", AsOf: asOf.String(), Currency: "RUB"}
	for _, of := range all {
		since, err := analytics.ParseDay(of.month + "-05")
		if err != nil {
			t.Fatal(err)
		}
		e := analytics.NewEffects(asOf, of.people+of.held)
		var sides []analytics.Assignment
		for i := range of.people + of.held {
			sides = append(sides, analytics.Assignment{Client: i, Since: since, Held: i >= of.people})
		}
		e.Add(analytics.Mechanic{Segment: "champions", Platform: of.platform}, sides)
		for i := range of.buyers {
			e.Purchase(i, since+1, 100_00)
		}
		for i := range of.bought {
			e.Purchase(of.people+i, since+1, 50_00)
		}
		rows, err := e.Rows()
		if err != nil {
			t.Fatal(err)
		}
		report.Effects = append(report.Effects, rows[1]) // the month
	}
	return report
}

// Of the first: 110/1471 − 8/160 = 0.0248; 1 471 of each side are needed for 5 and 7.5 %,
// 1 495 for 5 and 7.478 %. Revenue 11 000 less 400·1471/160 = 3677.50 is 7322.50.
func TestEffectsInWords(t *testing.T) {
	report := effectsOf(t,
		exported{"yandex", "2026-10", 1471, 110, 160, 8}, exported{"vk", "2026-10", 1000, 300, 1000, 100}, exported{"vk", "2026-11", 1000, 10, 1000, 100},
		exported{"google", "2026-10", 20, 1, 10, 0}, exported{"csv", "2026-10", 100, 10, 50, 5}, exported{"meta", "2026-10", 7, 2, 0, 0}, exported{"tiktok", "2026-10", 0, 0, 2, 1})
	rate, difference := 0.3, 0.2
	report.Effects[2].PreviousRate, report.Effects[2].PreviousDifference = &rate, &difference
	report.Effects[5].PreviousRate = &rate
	cfg := config.Default()
	cfg.Business.Currency = "RUB"
	plain := strings.NewReplacer("\u00a0", " ", "\u202f", " ")
	for lang, want := range map[string]string{
		"ru": `Что изменили выгрузки, по день 2026-11-30 (расчёт r)
Выгрузка yandex / champions, 2026-10: купили 7,5 % из 1 471 против 5,0 % из 160 удержанных; разница +2,5 п. п. (от −2,2 до +5,3): рано судить, при таких долях нужно ещё 24 человека среди выгруженных и 1 335 человек среди удержанных
  выручка: 11 000,00 ₽ и 400,00 ₽ у удержанных; сверх того, что столько же удержанных купили бы сами: +7 322,50 ₽
Выгрузка vk / champions, 2026-10: купили 30,0 % из 1 000 против 10,0 % из 1 000 удержанных; разница +20,0 п. п. (от +16,6 до +23,4): выгрузка помогла, покупателей сверх удержанных: +200,0
  выручка: 30 000,00 ₽ и 5 000,00 ₽ у удержанных; сверх того, что столько же удержанных купили бы сами: +25 000,00 ₽
Выгрузка vk / champions, 2026-11: купили 1,0 % из 1 000 против 10,0 % из 1 000 удержанных; разница −9,0 п. п. (от −11,1 до −7,1): выгрузка повредила, покупателей сверх удержанных: −90,0; месяцем раньше купили 30,0 %, разница +20,0 п. п.
  выручка: 1 000,00 ₽ и 5 000,00 ₽ у удержанных; сверх того, что столько же удержанных купили бы сами: −4 000,00 ₽
`,
		"en": `What exports have changed, as of 2026-11-30 (run r)
Export yandex / champions, 2026-10: 7.5% of 1,471 bought against 5.0% of 160 held out; difference +2.5 pp (−2.2 to +5.3): too early to say, at such rates it takes 24 more people exported and 1,335 more people held out
  revenue: 11,000.00 ₽, and 400.00 ₽ of those held out; beyond what as many of them would have spent: +7,322.50 ₽
Export vk / champions, 2026-10: 30.0% of 1,000 bought against 10.0% of 1,000 held out; difference +20.0 pp (+16.6 to +23.4): the export helped, buyers beyond those held out: +200.0
  revenue: 30,000.00 ₽, and 5,000.00 ₽ of those held out; beyond what as many of them would have spent: +25,000.00 ₽
Export vk / champions, 2026-11: 1.0% of 1,000 bought against 10.0% of 1,000 held out; difference −9.0 pp (−11.1 to −7.1): the export did harm, buyers beyond those held out: −90.0; the month before 30.0% bought, difference +20.0 pp
  revenue: 1,000.00 ₽, and 5,000.00 ₽ of those held out; beyond what as many of them would have spent: −4,000.00 ₽
`,
	} {
		text := newEffectText(cfg, lang)
		text.report(report)
		got := plain.Replace(text.text.String())
		if diff := cmp.Diff(want, got[:min(len(got), len(want))]); diff != "" {
			t.Errorf("in %s (-want +got):\n%s", lang, diff)
		}
	}
	text := newEffectText(cfg, "ru")
	text.report(report)
	for _, want := range []string{
		"google / champions, 2026-10: купили 5,0 % из 20 против 0,0 % из 10 удержанных",
		"csv / champions, 2026-10: купили 10,0 % из 100 против 10,0 % из 50 удержанных; разница 0,0 п. п. (от −12,2 до +9,3): разницы не видно\n",
		"meta / champions, 2026-10: купили 28,6 % из 7; никто не удержан, сравнить не с чем; месяцем раньше купили 30,0 %\n",
		"tiktok / champions, 2026-10: выгружать было некого, удержано 2; сравнить не с чем\n",
		"Покупки считаются со дня после выгрузки.",
	} {
		if got := plain.Replace(text.text.String()); !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	for n, want := range map[int64]string{1: "1 человек", 2: "2 человека", 4: "4 человека", 5: "5 человек", 11: "11 человек", 12: "12 человек", 22: "22 человека", 111: "111 человек", 1203: "1 203 человека"} {
		if got := plain.Replace(text.people(n)); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
	for x, want := range map[float64]string{0: "0,0", -0.01: "0,0", 0.04: "0,0", 0.06: "+0,1", -12.34: "−12,3"} {
		if got := text.tenths(x); got != want {
			t.Errorf("%v: %q, want %q", x, got, want)
		}
	}
}

// A night of the demo shop with a log of exports: who bought is told by the last purchase
// of his card, which the effect does not look at.
func TestEffectOfTheDemoAgreesWithItsCards(t *testing.T) {
	data, _ := demo(t)
	if o := callProgram(t, "", "effect", "-data", data, "-lang", "en"); o.status != exitDone || !strings.Contains(o.stdout, "holdout: 0.1") {
		t.Fatalf("before any export: %d %s %s", o.status, o.stdout, o.stderr)
	}
	own := filepath.Join(t.TempDir(), "own")
	if err := os.CopyFS(own, os.DirFS(data)); err != nil {
		t.Fatal(err)
	}
	sys := newSystem()
	where := place{data: own}
	store, err := where.open(t.Context(), sys.system, nil)
	if err != nil {
		t.Fatal(err)
	}
	w := demoWork{zone: time.FixedZone("MSK", 3*60*60)}
	night, err := w.at(24 + 4)
	if err != nil {
		t.Fatal(err)
	}
	m, err := newMachine(sys.system, where, store, func() time.Time { return night }, slog.LevelWarn)
	if err != nil {
		t.Fatal(err)
	}
	run, err := lake.Current(t.Context(), store)
	if err != nil {
		t.Fatal(err)
	}
	clients, err := lake.ReadRunTable[schema.ClientRow](t.Context(), store, run)
	if err != nil {
		t.Fatal(err)
	}
	end, err := analytics.ParseDay(demoshop.AsOf)
	if err != nil {
		t.Fatal(err)
	}
	since := (end - 60).String()
	want := map[string]float64{}
	var log []schema.AssignmentRow
	for i, c := range clients {
		held := i%4 == 0
		log = append(log, schema.AssignmentRow{ClientID: c.ClientID, Held: held, SinceDay: since})
		people, buyers := "exported", "exported_buyers"
		if held {
			people, buyers = "held", "held_buyers"
		}
		want[people]++
		if c.LastOrderDay != nil && *c.LastOrderDay > since {
			want[buyers]++
		}
	}
	body, err := schema.Encode(log)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Put(t.Context(), "audiences/holdout/yandex/buyers.parquet", body); err != nil {
		t.Fatal(err)
	}
	if _, err := m.steps.Analyse(t.Context(), pipeline.NightRequest{AsOf: demoshop.AsOf}); err != nil {
		t.Fatal(err)
	}
	if err := store.close(); err != nil {
		t.Fatal(err)
	}

	o := callProgram(t, "", "effect", "-data", own, "-json")
	var got struct {
		AsOf    string           `json:"as_of"`
		Effects []map[string]any `json:"effects"`
	}
	if err := json.Unmarshal([]byte(o.stdout), &got); err != nil {
		t.Fatalf("%v: %s", err, o.stderr)
	}
	if got.AsOf != demoshop.AsOf || len(got.Effects) != 2 {
		t.Fatalf("effect -json: %s", o.stdout)
	}
	for _, row := range got.Effects {
		if row["segment"] != "buyers" || row["platform"] != "yandex" || row["month"] != "" && row["month"] != since[:7] {
			t.Errorf("row %v", row)
		}
		for column, count := range want {
			if row[column] != count || count < 10 {
				t.Errorf("%s = %v, the cards say %v", column, row[column], count)
			}
		}
	}
	for lang, words := range map[string]string{"ru": "Выгрузка yandex / buyers, за всё время: купили ", "en": "Export yandex / buyers, all time: "} {
		o := callProgram(t, "", "effect", "-data", own, "-lang", lang)
		if o.status != exitDone || !strings.Contains(o.stdout, words) {
			t.Errorf("in %s: %d %s %s", lang, o.status, o.stdout, o.stderr)
		}
	}
}

func TestEffectRefusesWhatItCannotDo(t *testing.T) {
	if o := callProgram(t, "", "effect", "-lang", "de"); o.status != exitUsage {
		t.Errorf("another language: %d %s", o.status, o.stderr)
	}
	if o := callProgram(t, "", "effect", "-data", t.TempDir()); o.status != exitFailed {
		t.Errorf("no store: %d %s", o.status, o.stderr)
	}
	if o := callProgram(t, "", "effect", "more"); o.status != exitUsage {
		t.Errorf("an argument: %d %s", o.status, o.stderr)
	}
}
