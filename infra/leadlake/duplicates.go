package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/identity"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/pipeline"
	"github.com/leadlake/leadlake/lib/segment"
)

func duplicatesCommand(ctx context.Context, sys *system, args []string) error {
	f := newFlags(sys, "duplicates [flags]",
		"Shows which clients were made of several records and how much money they hold, those with\n"+
			"different names first: a family on one phone, or somebody else's number. With -merge, -split or\n"+
			"-with it shows what a decision would change, in clients, orders and money, before you write it\n"+
			"into the configuration. It only reads, also while `serve` runs.")
	var where place
	where.register(f)
	asJSON := f.Bool("json", false, "print JSON")
	lang := f.String("lang", "", "`language` of the text, ru or en; without it that of the business")
	top := f.Int("top", 20, "list so many clients, -1 for all")
	// Read later: the flag package would repeat what it refuses, maybe a phone.
	var merges, splits []string
	f.Func("merge", "preview: these clients are one, `ID,ID`; may be repeated", func(text string) error {
		merges = append(merges, text)
		return nil
	})
	f.Func("split", "preview: these parts are different people, `ID,ID/ID`; may be repeated", func(text string) error {
		splits = append(splits, text)
		return nil
	})
	with := f.String("with", "", "preview: the rules of identity in this configuration `file`")
	if err := f.parse(args, 0, 0); err != nil {
		return err
	}
	if err := checkLanguage("duplicates", *lang); err != nil {
		return err
	}
	change, err := changeOf(merges, splits)
	if err != nil {
		return err
	}
	if *with != "" {
		body, err := os.ReadFile(*with)
		if err != nil {
			return fmt.Errorf("duplicates: -with: %w", err)
		}
		if change.With, err = config.Parse(body, segment.Check); err != nil {
			return fmt.Errorf("%s: %w", *with, err)
		}
	}
	err = where.read(ctx, sys, func(steps *pipeline.Pipeline) error {
		return duplicates(ctx, sys, steps, change, *top, *lang, *asJSON)
	})
	switch {
	case errors.Is(err, lake.ErrNoRun):
		err = noNight("duplicates", where)
	case errors.Is(err, pipeline.ErrNoClient):
		err = fmt.Errorf("duplicates: %w", err)
	}
	return err
}

// changeOf reads lists of clients as flags give them.
func changeOf(merges, splits []string) (pipeline.Change, error) {
	var change pipeline.Change
	for _, text := range merges {
		ids, err := clientIDs(text)
		if err != nil {
			return change, wrongUse("duplicates: -merge: %v", err)
		}
		if len(ids) < 2 {
			return change, wrongUse("duplicates: -merge: want two ids or more, ID,ID")
		}
		change.Merge = append(change.Merge, ids)
	}
	for _, text := range splits {
		var parts [][]string
		for part := range strings.SplitSeq(text, "/") {
			ids, err := clientIDs(part)
			if err != nil {
				return change, wrongUse("duplicates: -split: %v", err)
			}
			parts = append(parts, ids)
		}
		if len(parts) < 2 {
			return change, wrongUse("duplicates: -split: want two parts or more, ID,ID/ID")
		}
		change.Split = append(change.Split, parts)
	}
	return change, nil
}

// clientIDs reads ids with commas between. What is no id is not repeated: it may
// be a phone.
func clientIDs(text string) ([]string, error) {
	var ids []string
	for id := range strings.SplitSeq(text, ",") {
		if id = strings.TrimSpace(id); !identity.Token(id).Valid() {
			return nil, errors.New("want client ids or aliases as `leadlake why` prints them")
		}
		ids = append(ids, id)
	}
	return ids, nil
}

func duplicates(ctx context.Context, sys *system, steps *pipeline.Pipeline, change pipeline.Change, top int, lang string, asJSON bool) error {
	cfg, err := steps.Config(ctx)
	if err != nil {
		return err
	}
	lang = cmp.Or(lang, cfg.Business.Language)
	preview, err := steps.PreviewChange(ctx, change)
	switch {
	case errors.Is(err, pipeline.ErrNoChange): // the report, then
	case err != nil:
		return err
	case asJSON:
		return printJSON(sys.Stdout, preview)
	default:
		t := newDuplicatesText(lang, preview.Currency, cfg.Location())
		t.preview(preview, top)
		_, err = sys.Stdout.Write(t.text)
		return err
	}
	d, err := steps.Duplicates(ctx, top)
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(sys.Stdout, d)
	}
	t := newDuplicatesText(lang, d.Currency, cfg.Location())
	t.report(d)
	_, err = sys.Stdout.Write(t.text)
	return err
}

// duplicatesText writes the report of merges, or a preview, in one language.
type duplicatesText struct {
	text     []byte
	words    demoWords
	russian  bool
	currency string
	location *time.Location
}

func newDuplicatesText(lang, currency string, location *time.Location) *duplicatesText {
	return &duplicatesText{words: demoWordsIn(lang), russian: lang == "ru", currency: currency, location: location}
}

// line adds a line of one of two languages.
func (t *duplicatesText) line(ru, en string, values ...any) {
	t.text = fmt.Appendf(t.text, t.say(ru, en)+"\n", values...)
}

func (t *duplicatesText) say(ru, en string) string {
	if t.russian {
		return ru
	}
	return en
}

func (t *duplicatesText) money(minor int64) string {
	return t.words.amount(minor, t.currency)
}

// day is a day of the business.
func (t *duplicatesText) day(at time.Time) string { return at.In(t.location).Format(time.DateOnly) }

// share is a part of a whole as per cent; of nothing it is a dash.
func (t *duplicatesText) share(part, of int64) string {
	if of <= 0 {
		return "—"
	}
	text := fmt.Sprintf("%.1f", 100*float64(part)/float64(of))
	if t.russian {
		return strings.Replace(text, ".", ",", 1) + " %"
	}
	return text + "%"
}

func (t *duplicatesText) report(d pipeline.Duplicates) {
	t.line("Объединённые записи, по день %s (расчёт %s)", "Merged records, as of %s (run %s)", d.AsOf, d.Run)
	t.line("  клиентов: %d", "  clients: %d", d.Clients)
	t.line("  из них собраны из нескольких записей: %d (%s), записей у них: %d", "  made of several records: %d (%s), records of these: %d",
		d.Merged, t.share(d.Merged, d.Clients), d.Records)
	t.line("  их выручка, без объединения — в разных карточках: %s (%s)", "  their revenue, which would lie in split cards: %s (%s)",
		t.money(d.MergedMinor), t.share(d.MergedMinor, d.RevenueMinor))
	t.line("  с разными именами (семья или чужой номер): %d", "  with different names (a family, or somebody else's number): %d", d.Suspects)
	for i, c := range d.Top {
		switch {
		case c.Names > 1 && i == 0:
			t.line("\nРазные имена: проверьте, один ли это человек", "\nDifferent names: see whether it is one person")
		case c.Names <= 1 && (i == 0 || d.Top[i-1].Names > 1):
			t.line("\nОстальные, от большей выручки", "\nThe others, the largest revenue first")
		}
		t.client(c)
	}
	if left := d.Merged - int64(len(d.Top)); left > 0 {
		t.line("\n… и ещё %d (-top -1 покажет всех)", "\n… and %d more (-top -1 lists all)", left)
	}
	if len(d.Top) > 0 {
		t.line("\nИмена и значения покажет leadlake subject ID. Что изменит ваше решение, покажут",
			"\nNames and values are shown by leadlake subject ID. What your decision would change is shown by")
		t.line("leadlake duplicates -split ID,ID/ID и leadlake duplicates -merge ID,ID",
			"leadlake duplicates -split ID,ID/ID and leadlake duplicates -merge ID,ID")
	}
}

func (t *duplicatesText) client(c pipeline.DuplicateClient) {
	t.line("\n  %s  записей %d, имён %d, покупок %d на %s", "\n  %s  %d records, %d names, %d purchases of %s",
		c.ClientID, len(c.Records), c.Names, c.Orders, t.money(c.RevenueMinor))
	for _, r := range c.Reasons {
		t.line("    %s с %s", "    %s since %s", t.reason(r.Kind), t.day(r.Since))
	}
	for _, r := range c.Records {
		t.line("    запись с %s: покупок %d на %s", "    record since %s: %d purchases of %s", t.day(r.Since), r.Orders, t.money(r.RevenueMinor))
		for _, token := range r.Tokens {
			t.line("      %s  %s", "      %s  %s", token, t.kind(token))
		}
	}
	if parts := ownParts(c.Records); c.Names > 1 && parts != "" {
		t.line("    если это разные люди: leadlake duplicates -split %s", "    if these are different people: leadlake duplicates -split %s", parts)
	}
}

// ownParts is the parts of a split that leaves each record with what it alone
// states; empty where a record states nothing of its own.
func ownParts(records []pipeline.DuplicateRecord) string {
	with := map[string]int{}
	for _, r := range records {
		for _, token := range r.Tokens {
			with[token]++
		}
	}
	var parts []string
	for _, r := range records {
		var own []string
		for _, token := range r.Tokens {
			if with[token] == 1 {
				own = append(own, token)
			}
		}
		if len(own) == 0 {
			return ""
		}
		parts = append(parts, strings.Join(own, ","))
	}
	return strings.Join(parts, "/")
}

func (t *duplicatesText) reason(kind string) string {
	switch kind {
	case "phone":
		return t.say("общий телефон", "same phone")
	case "email":
		return t.say("общая почта", "same e-mail")
	case "card":
		return t.say("общая карта", "same card")
	case "merge_list":
		return t.say("объединены вами (identity.merge)", "merged by you (identity.merge)")
	}
	return t.say("общий номер в системе", "same id in a system")
}

func (t *duplicatesText) kind(token string) string {
	switch identity.Token(token).Kind() {
	case identity.KindPhone:
		return t.say("телефон", "phone")
	case identity.KindEmail:
		return t.say("почта", "e-mail")
	case identity.KindCard:
		return t.say("карта", "card")
	}
	return t.say("номер в системе", "id in a system")
}

func (t *duplicatesText) preview(p pipeline.Preview, top int) {
	t.line("Что изменится, по день %s (расчёт %s)", "What would change, as of %s (run %s)", p.AsOf, p.Run)
	t.line("  клиентов сейчас %d, будет %d", "  clients now %d, then %d", p.ClientsBefore, p.ClientsAfter)
	if len(p.Moves) == 0 {
		t.line("  ни один клиент не изменится", "  no client would change")
	}
	for i, move := range p.Moves {
		if i == top {
			t.line("\n  … и ещё %d (-top -1 покажет все)", "\n  … and %d more (-top -1 lists all)", len(p.Moves)-top)
			break
		}
		switch move.Kind() {
		case "join":
			t.line("\n  объединятся", "\n  would join")
		case "part":
			t.line("\n  разделятся", "\n  would part")
		default:
			t.line("\n  поделят записи и заказы иначе", "\n  would share records and orders in another way")
		}
		for _, c := range move.Before {
			t.moved("было ", "now ", c)
		}
		for _, c := range move.After {
			t.moved("будет", "then", c)
		}
	}
	if p.YAML != "" {
		t.line("\nЧтобы так и сделать, добавьте в %s (отменить — убрать эти строки):", "\nTo decide so, add to %s (to undo it, take the lines away):", config.Key)
		t.text = append(t.text, p.YAML...)
	}
}

func (t *duplicatesText) moved(ru, en string, c pipeline.MovedClient) {
	t.line("    "+ru+"  %s  ключей %d, покупок %d на %s", "    "+en+"  %s  %d keys, %d purchases of %s",
		c.ClientID, c.Identifiers, c.Orders, t.money(c.RevenueMinor))
}
