package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"

	"github.com/leadlake/leadlake/lib/analytics"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/money"
	"github.com/leadlake/leadlake/lib/objstore/filestore"
	"github.com/leadlake/leadlake/lib/pipeline"
	"github.com/leadlake/leadlake/lib/schema"
	"github.com/leadlake/leadlake/lib/segment"
)

func whyCommand(ctx context.Context, sys *system, args []string) error {
	f := newFlags(sys, "why [flags] CLIENT",
		"Explains a client's numbers: his card, the orders behind it, the bounds of that night and\n"+
			"the rules that made his code, class and segments. CLIENT is a client id or an alias, a phone\n"+
			"or an e-mail, or his id in a source's own system. It only reads, also while `serve` runs.")
	var where place
	where.register(f)
	asJSON := f.Bool("json", false, "print JSON")
	lang := f.String("lang", "", "`language` of the text, ru or en; without it that of the business")
	plain, err := f.parseMixed(args, 1, 1)
	if err != nil {
		return err
	}
	if *lang != "" && *lang != "ru" && *lang != "en" {
		return wrongUse("why: -lang %s: want ru or en", *lang)
	}
	if err := where.exists(); err != nil {
		return err
	}
	store, err := where.openReading(ctx, sys)
	if err != nil {
		return err
	}
	steps, err := pipeline.New(pipeline.Config{Store: store, Now: sys.Now, Logger: slog.New(slog.DiscardHandler), TokenKey: store.tokenKey})
	if err != nil {
		return errors.Join(err, store.close())
	}
	w, err := steps.Why(ctx, plain[0])
	switch {
	case errors.Is(err, pipeline.ErrNoClient):
		err = fmt.Errorf("why: %s has no such client (or nothing to tell of him before the next night)", where)
	case errors.Is(err, lake.ErrNoRun):
		err = fmt.Errorf("why: %s has no night yet; `leadlake serve` makes one every night, `leadlake invoke analytics` now", where)
	case err == nil && *asJSON:
		err = printJSON(sys.Stdout, whyJSON(w))
	case err == nil:
		err = printWhy(ctx, sys, steps, w, *lang)
	}
	return errors.Join(err, store.close())
}

// openReading opens a store without taking it from the process that owns it.
func (p place) openReading(ctx context.Context, sys *system) (*opened, error) {
	if p.s3 != "" {
		return p.openBucket(ctx, sys)
	}
	name := filepath.Join(p.data, privateName, tokenKeyName)
	key, err := os.ReadFile(name) //nolint:gosec // G304: inside the directory the owner named
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s has no token key, so it is no store of ours; -data names another", p.data)
	}
	if err != nil {
		return nil, err
	}
	store, err := filestore.OpenReadOnly(p.data)
	if err != nil {
		return nil, err
	}
	return &opened{Store: store, tokenKey: []byte(strings.TrimSpace(string(key))), close: store.Close}, nil
}

// whyJSON is the explanation with the client under the names of his columns.
func whyJSON(w pipeline.Why) any {
	return struct {
		Client map[string]any `json:"client"`
		pipeline.Why
	}{byColumn(w.Client), w}
}

// byColumn is a row by the names of its columns.
func byColumn(row schema.ClientRow) map[string]any {
	v := reflect.ValueOf(row)
	columns := make(map[string]any, v.NumField())
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("parquet"), ",")
		columns[name] = v.Field(i).Interface()
	}
	consents := map[string]string{}
	for _, pair := range row.Consents.Pairs {
		consents[pair.Key] = pair.Value
	}
	columns["consents"] = consents
	return columns
}

// whyText writes an explanation in one language.
type whyText struct {
	text    []byte
	russian bool
	w       pipeline.Why
}

func printWhy(ctx context.Context, sys *system, steps *pipeline.Pipeline, w pipeline.Why, lang string) error {
	cfg, err := steps.Config(ctx)
	if err != nil {
		return err
	}
	if lang == "" {
		lang = cfg.Business.Language
	}
	playbook, err := analytics.PlaybookOf(cfg.Metrics.RFM)
	if err != nil {
		return err
	}
	titles := map[string]string{}
	for _, s := range playbook.Segments() {
		titles[s.Key] = s.Advice(lang, false).Title
	}
	titles[segment.Buyers] = map[bool]string{true: "Все покупатели", false: "All buyers"}[lang == "ru"]
	t := &whyText{russian: lang == "ru", w: w}
	t.head()
	t.scores()
	t.class()
	t.segments(titles)
	t.orders()
	_, err = sys.Stdout.Write(t.text)
	return err
}

func (t *whyText) say(ru, en string) string {
	if t.russian {
		return ru
	}
	return en
}

// line adds a line of one of two languages.
func (t *whyText) line(ru, en string, values ...any) {
	t.text = fmt.Appendf(t.text, t.say(ru, en)+"\n", values...)
}

func (t *whyText) head() {
	c := t.w.Client
	t.line("Клиент %s, по день %s (расчёт %s)", "Client %s, as of %s (run %s)", c.ClientID, t.w.AsOf, t.w.Run)
	if len(c.ExternalIDs) > 0 {
		t.line("  номера в ваших системах: %s", "  ids in your systems: %s", strings.Join(c.ExternalIDs, ", "))
	}
	if len(c.Aliases) > 0 {
		t.line("  другие ключи этого человека: %s", "  other keys of this person: %s", strings.Join(c.Aliases, ", "))
	}
	t.line("  записей объединено: %d", "  records merged: %d", c.RecordsMerged)
	if c.Source != nil {
		t.line("  откуда пришёл: %s", "  came from: %s", *c.Source)
	}
	if c.Stage != nil {
		t.line("  этап: %s", "  stage: %s", *c.Stage)
	}
	for _, pair := range c.Consents.Pairs {
		t.line("  согласие %s: %s", "  consent %s: %s", pair.Key, t.word(pair.Value))
	}
	t.line("  покупок %d на %s", "  %d purchases, %s", c.Orders, t.money(float64(c.RevenueMinor)))
	last := t.say("покупок не было", "never bought")
	if c.RecencyDays != nil && *c.RecencyDays >= 0 && c.LastOrderDay != nil {
		last = fmt.Sprintf(t.say("последняя покупка %s, %d дн. назад", "last purchase on %s, %d days ago"), *c.LastOrderDay, *c.RecencyDays)
	}
	t.line("  база: %s, %s (%s; активные — до %d дн., мёртвые — от %d дн. без событий)",
		"  base: %s, %s (%s; active up to %d days, dead from %d days without an event)", t.word(c.Lifecycle), t.word(c.Activity), last, t.w.ActiveDays, t.w.DeadDays)
}

func (t *whyText) scores() {
	if len(t.w.Scores) == 0 {
		t.line("RFM: кода нет — ни одна покупка не вошла в расчёт", "RFM: no code, since no purchase counts for it")
		return
	}
	t.line("RFM: код %s", "RFM: code %s", *t.w.Client.RFMCode)
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
		t.line("  %s: %s → %d", "  %s: %s → %d", name, comparison(float64(s.Value), s.Bounds, s.Rule == "ntile", value, t.russian), s.Score)
	}
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

func (t *whyText) class() {
	a := t.w.ABC
	if a == nil {
		t.line("ABC: класса нет — покупок не было", "ABC: no class, since there is no purchase")
		return
	}
	t.line("ABC: класс %s", "ABC: class %s", a.Class)
	t.line("  место %d из %d по выручке, доля %.2f %%", "  place %d of %d by revenue, share %.2f%%", a.Rank, a.Of, 100*a.Share)
	if a.Rule == "money_share" {
		t.line("  до него накоплено %.2f %%: A — до %.0f %%, B — до %.0f %%, дальше C", "  before him the sum is at %.2f%%: A below %.0f%%, B below %.0f%%, else C",
			100*a.Before, 100*a.A, 100*a.B)
	} else {
		t.line("  по месту в списке: A — первые %.0f %%, B — следующие %.0f %%, дальше C", "  by place in the list: A the first %.0f%%, B the next %.0f%%, else C",
			100*a.A, 100*a.B)
	}
}

func (t *whyText) segments(titles map[string]string) {
	if len(t.w.Segments) == 0 {
		t.line("Сегменты: ни одного", "Segments: none")
		return
	}
	t.line("Сегменты:", "Segments:")
	for _, s := range t.w.Segments {
		name := s.Segment
		if title := titles[s.Segment]; title != "" {
			name = title + " (" + s.Segment + ")"
		}
		t.line("  %s с %s: %s", "  %s since %s: %s", name, s.SinceDay, s.Rule)
	}
}

func (t *whyText) orders() {
	t.line("Заказы (%d):", "Orders (%d):", len(t.w.Orders))
	for _, o := range t.w.Orders {
		day := o.Day
		if day == "" {
			day = "—"
		}
		note := ""
		switch {
		case !o.Purchase:
			note = t.say("  не покупка", "  no purchase")
		case !o.Counted:
			note = t.say("  вне окна расчёта", "  outside the window")
		}
		const format = "  %s  %s/%s  %s  %s %s%s"
		t.line(format, format, day, o.Shop, o.OrderID, o.Status, money.Decimal(o.RevenueMinor, o.Currency), o.Currency, note)
	}
}

// money is minor units, perhaps between two of them as bounds are, in the
// business's currency.
func (t *whyText) money(minor float64) string {
	whole := math.Floor(minor)
	text := money.Decimal(int64(whole), t.w.Currency)
	if part := strconv.FormatFloat(minor-whole, 'f', 2, 64); strings.HasPrefix(part, "0.") && part != "0.00" && strings.Contains(text, ".") {
		text += part[2:]
	}
	return text + " " + t.w.Currency
}

// word is a key of a table in the language of the text.
func (t *whyText) word(key string) string {
	if !t.russian {
		return key
	}
	switch key {
	case "lead":
		return "заявка"
	case "potential":
		return "потенциальный"
	case "working":
		return "рабочий"
	case "developing":
		return "развивающийся"
	case "regular":
		return "постоянный"
	case "new":
		return "новый"
	case "waiting":
		return "ждёт"
	case "active":
		return "активный"
	case "cooling":
		return "остывает"
	case "sleeping":
		return "уснул"
	case "dead":
		return "мёртвый"
	case "given":
		return "дано"
	case "withdrawn":
		return "отозвано"
	}
	return key
}
