package main

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/leadlake/leadlake/lib/analytics"
	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/pipeline"
	"github.com/leadlake/leadlake/lib/segment"
)

// shownEvents is how many lines of a long list are shown.
const shownEvents = 20

// whyText writes an explanation in one language.
type whyText struct {
	clientText

	w pipeline.Why
}

func printWhy(ctx context.Context, sys *system, steps *pipeline.Pipeline, w pipeline.Why, lang string, all bool) error {
	cfg, err := steps.Config(ctx)
	if err != nil {
		return err
	}
	playbook, err := analytics.PlaybookOf(cfg.Metrics.RFM)
	if err != nil {
		return err
	}
	lang = cmp.Or(lang, cfg.Business.Language)
	titles := map[string]string{}
	for _, s := range playbook.Segments() {
		titles[s.Key] = s.Advice(lang, false).Title
	}
	t := &whyText{clientText: newClientText(cfg, lang, all), w: w}
	titles[segment.Buyers] = t.say("Все покупатели", "All buyers")
	for _, s := range w.Segments {
		titles[s.Segment] = cmp.Or(titles[s.Segment], s.Title.In(lang))
	}
	t.head(cfg)
	t.links(w.Links, w.Apart)
	t.consents(w.Consents)
	t.scores()
	t.class()
	t.even()
	t.segments(titles)
	t.history(titles)
	t.orders()
	t.chronology(w.Chronology)
	_, err = sys.Stdout.Write([]byte(t.text.String()))
	return err
}

func (t *whyText) head(cfg *config.Config) {
	c := t.w.Client
	t.line("Клиент %s, по день %s (расчёт %s)", "Client %s, as of %s (run %s)", c.ClientID, t.w.AsOf, t.w.Run)
	var rows [][]string
	row := func(ru, en, value string) {
		if value != "" {
			rows = append(rows, []string{t.say(ru, en), value})
		}
	}
	value := func(text *string) string {
		if text == nil {
			return ""
		}
		return *text
	}
	row("записей объединено", "records merged", strconv.FormatInt(c.RecordsMerged, 10))
	row("номера в ваших системах", "ids in your systems", strings.Join(c.ExternalIDs, ", "))
	row("другие ключи", "other keys", strings.Join(c.Aliases, ", "))
	row("город", "city", value(c.City))
	row("компания", "company", value(c.Company))
	row("первое касание", "first touch", touch(c.Source, c.Medium, c.Campaign))
	row("последнее касание", "last touch", touch(c.LastSource, c.LastMedium, c.LastCampaign))
	row("в воронке с", "in the funnel since", value(c.LeadDay))
	row("этап", "stage", value(c.Stage))
	manager := value(c.Manager)
	if title := cfg.Managers[manager].Title; title != "" && title != manager {
		manager = title + " (" + manager + ")"
	}
	if manager != "" && !t.w.ManagerSince.IsZero() {
		manager += t.say(", с ", ", since ") + t.day(t.w.ManagerSince)
	}
	row("менеджер", "manager", manager)
	row("интересы", "interests", strings.Join(c.Interests, ", "))
	row("теги", "tags", strings.Join(c.Tags, ", "))
	row("предпочитает", "prefers", strings.Trim(t.word(value(c.PreferredChannel))+", "+value(c.PreferredHours), ", "))
	row("уровень", "loyalty level", value(c.LoyaltyLevel))
	if c.Rating != nil {
		row("последняя оценка", "latest rating", strconv.FormatFloat(*c.Rating, 'f', -1, 64))
	}
	bought := t.say("не было", "none")
	if c.Orders > 0 {
		bought = fmt.Sprintf(t.say("%d на %s", "%d for %s"), c.Orders, t.words.amount(c.RevenueMinor, t.w.Currency))
		if c.FirstOrderDay != nil && c.LastOrderDay != nil && c.RecencyDays != nil {
			bought += fmt.Sprintf(t.say("; первая %s, последняя %s, %d дн. назад", "; first on %s, last on %s, %d days ago"),
				*c.FirstOrderDay, *c.LastOrderDay, *c.RecencyDays)
		}
	}
	row("покупки", "purchases", bought)
	row("жизненный цикл", "lifecycle", t.word(t.w.Lifecycle.Value)+" — "+t.rule(t.w.Lifecycle))
	row("активность", "activity", t.word(t.w.Activity.Value)+" — "+t.rule(t.w.Activity))
	for i, label := range t.w.Labels {
		name := [2]string{"метки", "labels"}
		if i > 0 {
			name = [2]string{}
		}
		text := t.word(label.Value)
		if label.Rule != "" {
			text += " — " + label.Rule
		}
		rows = append(rows, []string{t.say(name[0], name[1]), text})
	}
	writeTable(&t.text, rows, false, false)
}

// touch is where a client came from once.
func touch(source, medium, campaign *string) string {
	var parts []string
	for _, part := range []*string{source, medium, campaign} {
		if part != nil && *part != "" {
			parts = append(parts, *part)
		}
	}
	return strings.Join(parts, " / ")
}

// rule says in words what made a lifecycle or an activity.
func (t *whyText) rule(r pipeline.WhyRule) string {
	words, ok := map[string][2]string{
		"regular":    {"больше %d покупок", "more than %d purchases"},
		"developing": {"от 2 до %d покупок", "2 to %d purchases"},
		"working":    {"одна покупка", "one purchase"},
		"potential":  {"с ним связались, покупок нет", "contacted after the lead, no purchase"},
		"lead":       {"покупок нет, с ним ещё не связались", "no purchase, not contacted yet"},
		"active":     {"купил не больше %d дн. назад", "bought at most %d days ago"},
		"cooling":    {"купил больше %d и не больше %d дн. назад", "bought more than %d and at most %d days ago"},
		"sleeping":   {"купил больше %d дн. назад", "bought more than %d days ago"},
		"dead":       {"ни одного события за %d дн.", "no event for %d days"},
		"new":        {"не покупал, узнали о нём не больше %d дн. назад", "never bought, first heard of at most %d days ago"},
		"waiting":    {"не покупал, узнали о нём больше %d дн. назад", "never bought, first heard of more than %d days ago"},
	}[r.Value]
	if !ok {
		return r.Rule
	}
	var bounds []any
	for _, bound := range r.Bounds {
		bounds = append(bounds, bound)
	}
	return fmt.Sprintf(t.say(words[0], words[1]), bounds...)
}

func (t *whyText) scores() {
	if len(t.w.Scores) == 0 {
		t.section("RFM: кода нет — ни одна покупка не вошла в расчёт", "RFM: no code, since no purchase counts for it")
		return
	}
	t.section("RFM: код %s", "RFM: code %s", *t.w.Client.RFMCode)
	var rows [][]string
	for _, s := range t.w.Scores {
		var name string
		value := func(v float64) string { return fmt.Sprintf("%.4g", v) }
		switch s.Metric {
		case analytics.MetricRecency:
			name = t.say("R, давность (дней)", "R, recency (days)")
		case analytics.MetricFrequency:
			name = t.say("F, частота (покупок)", "F, frequency (purchases)")
			if strings.HasPrefix(s.Note, "days") {
				name = t.say("F, частота (дней с покупкой)", "F, frequency (days with a purchase)")
			}
		default:
			name, value = t.say("M, сумма", "M, monetary"), t.money
		}
		rows = append(rows, []string{name, comparison(float64(s.Value), s.Bounds, s.Rule == "ntile", value, t.russian), fmt.Sprintf("→ %d", s.Score)})
	}
	writeTable(&t.text, rows, false, false, false)
}

// comparison is a value beside the bounds that decide on it, as in "30 < 42 ≤ 90".
func comparison(value float64, bounds []float64, tiles bool, text func(float64) string, russian bool) string {
	if tiles || len(bounds) == 0 {
		all := make([]string, len(bounds))
		for i, bound := range bounds {
			all[i] = text(bound)
		}
		if russian {
			return text(value) + "; равные группы, верхние значения " + strings.Join(all, ", ")
		}
		return text(value) + "; equal groups, largest values " + strings.Join(all, ", ")
	}
	above := 0
	for _, bound := range bounds {
		if value > bound {
			above++
		}
	}
	switch above {
	case 0:
		return text(value) + " ≤ " + text(bounds[0])
	case len(bounds):
		return text(value) + " > " + text(bounds[above-1])
	}
	return text(bounds[above-1]) + " < " + text(value) + " ≤ " + text(bounds[above])
}

// money is minor units, perhaps between two of them as bounds are, in the
// business's currency.
func (t *whyText) money(minor float64) string {
	whole := math.Floor(minor)
	text := t.words.amount(int64(whole), t.w.Currency)
	part := strconv.FormatFloat(minor-whole, 'f', 2, 64)
	number, currency, ok := strings.Cut(text, "\u00a0")
	if part[:2] != "0." || part == "0.00" || !ok || !strings.Contains(number, t.words.point) {
		return text
	}
	return number + part[2:] + "\u00a0" + currency
}

func (t *whyText) class() {
	a := t.w.ABC
	if a == nil {
		t.section("ABC: класса нет — покупок не было", "ABC: no class, since there is no purchase")
		return
	}
	t.section("ABC: класс %s", "ABC: class %s", a.Class)
	t.line("  место %d из %d по выручке, доля %s", "  place %d of %d by revenue, share %s", a.Rank, a.Of, t.percent(a.Share))
	if a.Rule == "money_share" {
		t.line("  до него накоплено %s: A — до %.0f %%, B — до %.0f %%, дальше C", "  before him the sum is at %s: A below %.0f%%, B below %.0f%%, else C",
			t.percent(a.Before), 100*a.A, 100*a.B)
	} else {
		t.line("  по месту в списке: A — первые %.0f %%, B — следующие %.0f %%, дальше C", "  by place in the list: A the first %.0f%%, B the next %.0f%%, else C",
			100*a.A, 100*a.B)
	}
}

// percent is a share with two digits of a per cent.
func (t *whyText) percent(share float64) string {
	return strings.Replace(fmt.Sprintf(t.say("%.2f\u00a0%%", "%.2f%%"), 100*share), ".", t.words.point, 1)
}

// even shows how evenly the client comes, where he came often enough to say.
func (t *whyText) even() {
	x := t.w.XYZ
	if x == nil {
		return
	}
	if x.Class == "" {
		t.section("XYZ: класса нет", "XYZ: no class")
		t.line("  промежутков между днями покупок: %d, нужно не меньше %d", "  intervals between days with a purchase: %d, at least %d are needed", x.Intervals, x.Least)
		return
	}
	t.section("XYZ: класс %s", "XYZ: class %s", x.Class)
	t.line("  промежутков между днями покупок: %d, в среднем %.1f дн., отклонение %.1f", "  intervals between days with a purchase: %d, %.1f days on average, deviation %.1f",
		x.Intervals, x.MeanDays, x.SigmaDays)
	t.line("  отклонение к среднему %.3f: X — до %v, Y — до %v, дальше Z", "  deviation by mean %.3f: X up to %v, Y up to %v, else Z", x.CV, x.X, x.Y)
}

func (t *whyText) segments(titles map[string]string) {
	if len(t.w.Segments) == 0 {
		t.section("Сегменты: ни одного", "Segments: none")
		return
	}
	t.section("Сегменты", "Segments")
	var rows [][]string
	for _, s := range t.w.Segments {
		rows = append(rows, []string{segmentName(s.Segment, titles), t.say("с ", "since ") + s.SinceDay, reasonsText(s.Reasons, s.Rule)})
	}
	writeTable(&t.text, rows, false, false, false)
}

// reasonsText is what decided; the rule where that cannot be told.
func reasonsText(reasons []segment.Reason, rule string) string {
	if len(reasons) == 0 {
		return rule
	}
	said := make([]string, len(reasons))
	for i, r := range reasons {
		said[i] = r.String()
	}
	return strings.Join(said, "; ")
}

// printWhySegment says of one segment why a client is in it or not.
func printWhySegment(ctx context.Context, sys *system, steps *pipeline.Pipeline, w pipeline.WhySegment, lang string) error {
	cfg, err := steps.Config(ctx)
	if err != nil {
		return err
	}
	t := &whyText{clientText: newClientText(cfg, cmp.Or(lang, cfg.Business.Language), false)}
	name := segmentName(w.Segment, map[string]string{w.Segment: w.Title.In(cmp.Or(lang, cfg.Business.Language))})
	if w.SinceDay != "" {
		t.line("В сегменте %s с %s.", "In the segment %s since %s.", name, w.SinceDay)
	} else {
		t.line("Не в сегменте %s.", "Not in the segment %s.", name)
	}
	t.line("Правило: %s", "Rule: %s", w.Rule)
	for _, r := range w.Reasons {
		if r.Holds {
			t.line("верно: %s", "holds: %s", r.String())
		} else {
			t.line("не выполнено: %s", "fails: %s", r.String())
		}
	}
	_, err = sys.Stdout.Write([]byte(t.text.String()))
	return err
}

func segmentName(key string, titles map[string]string) string {
	if title := titles[key]; title != "" {
		return title + " (" + key + ")"
	}
	return key
}

// history shows spans of codes and segments, the latest first.
func (t *whyText) history(titles map[string]string) {
	if len(t.w.History) == 0 {
		return
	}
	t.section("История кодов и сегментов", "History of codes and segments")
	var rows [][]string
	for _, h := range t.w.History {
		what := t.say("код ", "code ") + h.Value
		if h.What == "segment" {
			what = segmentName(h.Value, titles)
		}
		till := t.say("по сей день", "to this day")
		if h.ToDay != "" {
			till = t.say("до ", "until ") + h.ToDay
		}
		rows = append(rows, []string{what, t.say("с ", "since ") + h.FromDay, till})
	}
	writeTable(&t.text, rows, false, false, false)
}

func (t *whyText) orders() {
	orders := make([]pipeline.ClientOrder, len(t.w.Orders))
	notes := make([]string, len(t.w.Orders))
	for i, o := range t.w.Orders {
		orders[i] = o.ClientOrder
		switch {
		case !o.Purchase:
			notes[i] = t.say("не покупка", "no purchase")
		case !o.Counted:
			notes[i] = t.say("вне окна расчёта", "outside the window")
		}
	}
	t.orderList(orders, notes)
}
