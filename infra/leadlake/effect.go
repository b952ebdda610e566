package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/pipeline"
	"github.com/leadlake/leadlake/lib/schema"
)

func effectCommand(ctx context.Context, sys *system, args []string) error {
	f := newFlags(sys, "effect [flags]",
		"Shows what the exports have changed: how many of those exported bought since, how many of those\n"+
			"held out, and whether the difference can be chance, by segment, platform and month. A share is\n"+
			"held out where the configuration's exports name one (holdout: 0.1). It only reads, also while\n"+
			"`serve` runs.")
	var where place
	where.register(f)
	asJSON := f.Bool("json", false, "print JSON")
	lang := f.String("lang", "", "`language` of the text, ru or en; without it that of the business")
	if err := f.parse(args, 0, 0); err != nil {
		return err
	}
	if err := checkLanguage("effect", *lang); err != nil {
		return err
	}
	err := where.read(ctx, sys, func(steps *pipeline.Pipeline) error { return effect(ctx, sys, steps, *lang, *asJSON) })
	if errors.Is(err, lake.ErrNoRun) {
		err = noNight("effect", where)
	}
	return err
}

func effect(ctx context.Context, sys *system, steps *pipeline.Pipeline, lang string, asJSON bool) error {
	report, err := steps.Effects(ctx)
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(sys.Stdout, report)
	}
	cfg, err := steps.Config(ctx)
	if err != nil {
		return err
	}
	t := newEffectText(cfg, cmp.Or(lang, cfg.Business.Language))
	t.report(report)
	_, err = sys.Stdout.Write([]byte(t.text.String()))
	return err
}

// effectText writes what exports have changed in one language.
type effectText struct{ clientText }

func newEffectText(cfg *config.Config, lang string) *effectText {
	return &effectText{newClientText(cfg, lang, false)}
}

func (t *effectText) report(r pipeline.EffectReport) {
	t.line("Что изменили выгрузки, по день %s (расчёт %s)", "What exports have changed, as of %s (run %s)", r.AsOf, r.Run)
	if len(r.Effects) == 0 {
		t.section("Выгрузок, за которыми следят, ещё не было. Долю удержанных задаёт настройка, например\nexports: [{segment: champions, platforms: [yandex], holdout: 0.1}]",
			"No export has been followed yet. The share held out is set in the configuration, for example\nexports: [{segment: champions, platforms: [yandex], holdout: 0.1}]")
		return
	}
	for i := range r.Effects {
		row := &r.Effects[i]
		if row.Month == "" {
			t.text.WriteByte('\n') // the months of a mechanic follow the row over all
		}
		month := cmp.Or(row.Month, t.say("за всё время", "all time"))
		t.line("Выгрузка %s / %s, %s: %s%s", "Export %s / %s, %s: %s%s", row.Platform, row.Segment, month, t.comparison(row), t.previous(row))
		if row.IncrementalRevenueMinor != nil {
			t.line("  выручка: %s и %s у удержанных; сверх того, что столько же удержанных купили бы сами: %s",
				"  revenue: %s, and %s of those held out; beyond what as many of them would have spent: %s",
				t.words.amount(row.ExportedRevenueMinor, t.currency), t.words.amount(row.HeldRevenueMinor, t.currency), t.signedAmount(*row.IncrementalRevenueMinor))
		}
	}
	t.section("Покупки считаются со дня после выгрузки. У ранних месяцев было больше времени купить, у обеих сторон поровну.",
		"Purchases count from the day after the export. Earlier months had more time to buy, both sides alike.")
}

// comparison says the rates, their difference and what to think of it.
func (t *effectText) comparison(row *schema.EffectRow) string {
	switch {
	case row.ExportedRate == nil:
		return fmt.Sprintf(t.say("выгружать было некого, удержано %s; сравнить не с чем", "nobody to export, %s held out; there is nothing to compare"), t.words.count(row.Held))
	case row.HeldRate == nil:
		return fmt.Sprintf(t.say("купили %s из %s; никто не удержан, сравнить не с чем", "%s of %s bought; nobody is held out, so there is nothing to compare with"),
			t.percent(*row.ExportedRate), t.words.count(row.Exported))
	}
	return fmt.Sprintf(t.say("купили %s из %s против %s из %s удержанных; разница %s (от %s до %s): %s", "%s of %s bought against %s of %s held out; difference %s (%s to %s): %s"),
		t.percent(*row.ExportedRate), t.words.count(row.Exported), t.percent(*row.HeldRate), t.words.count(row.Held),
		t.points(*row.Difference)+t.say("\u00a0п.\u00a0п.", "\u00a0pp"), t.points(*row.Low), t.points(*row.High), t.verdict(row))
}

// verdict says whether the difference can be chance, and if so how many people would tell.
func (t *effectText) verdict(row *schema.EffectRow) string {
	switch {
	case row.Conclusive && *row.Difference > 0:
		return fmt.Sprintf(t.say("выгрузка помогла, покупателей сверх удержанных: %s", "the export helped, buyers beyond those held out: %s"), t.tenths(*row.IncrementalBuyers))
	case row.Conclusive:
		return fmt.Sprintf(t.say("выгрузка повредила, покупателей сверх удержанных: %s", "the export did harm, buyers beyond those held out: %s"), t.tenths(*row.IncrementalBuyers))
	case row.NeededPerGroup == nil:
		return t.say("разницы не видно", "no difference is seen")
	}
	var lacking []string
	if n := *row.NeededPerGroup - row.Exported; n > 0 {
		lacking = append(lacking, t.people(n)+t.say(" среди выгруженных", " exported"))
	}
	if n := *row.NeededPerGroup - row.Held; n > 0 {
		lacking = append(lacking, t.people(n)+t.say(" среди удержанных", " held out"))
	}
	if len(lacking) == 0 {
		return t.say("рано судить, разница на грани различимого", "too early to say, the difference is at the edge of what can be told")
	}
	return fmt.Sprintf(t.say("рано судить, при таких долях нужно ещё %s", "too early to say, at such rates it takes %s"), strings.Join(lacking, t.say(" и ", " and ")))
}

// previous says the month before, where there is one.
func (t *effectText) previous(row *schema.EffectRow) string {
	switch {
	case row.PreviousRate == nil:
		return ""
	case row.PreviousDifference == nil:
		return fmt.Sprintf(t.say("; месяцем раньше купили %s", "; the month before %s bought"), t.percent(*row.PreviousRate))
	}
	return fmt.Sprintf(t.say("; месяцем раньше купили %s, разница %s", "; the month before %s bought, difference %s"),
		t.percent(*row.PreviousRate), t.points(*row.PreviousDifference)+t.say("\u00a0п.\u00a0п.", "\u00a0pp"))
}

// people counts who is still lacking.
func (t *effectText) people(n int64) string {
	if !t.russian {
		if n == 1 {
			return "1 more person"
		}
		return t.words.count(n) + " more people"
	}
	if last, teen := n%10, n%100/10 == 1; last >= 2 && last <= 4 && !teen {
		return t.words.count(n) + "\u00a0человека"
	}
	return t.words.count(n) + "\u00a0человек"
}

// percent is a rate with one digit of a per cent.
func (t *effectText) percent(rate float64) string {
	return strings.Replace(fmt.Sprintf(t.say("%.1f\u00a0%%", "%.1f%%"), 100*rate), ".", t.words.point, 1)
}

// points is a difference of rates in percentage points, with its sign.
func (t *effectText) points(difference float64) string { return t.tenths(100 * difference) }

// tenths writes a number with one digit and its sign; what is rounded to 0 has none.
func (t *effectText) tenths(x float64) string {
	text := strings.Replace(fmt.Sprintf("%+.1f", x), ".", t.words.point, 1)
	if strings.Trim(text, "+-0"+t.words.point) == "" {
		return text[1:]
	}
	return strings.Replace(text, "-", "−", 1)
}

// signedAmount is money with its sign.
func (t *effectText) signedAmount(minor int64) string {
	if minor > 0 {
		return "+" + t.words.amount(minor, t.currency)
	}
	return t.words.amount(minor, t.currency)
}
