package main

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/identity"
	"github.com/leadlake/leadlake/lib/pipeline"
	"github.com/leadlake/leadlake/lib/schema"
)

// clientText writes what `why` and `subject` tell of a client in one language.
type clientText struct {
	words demoWords

	text     strings.Builder
	russian  bool
	all      bool
	location *time.Location
	currency string // of amounts that name none
}

func newClientText(cfg *config.Config, lang string, all bool) clientText {
	return clientText{words: demoWordsIn(lang), russian: lang == "ru", all: all, location: cfg.Location(), currency: cfg.Business.Currency}
}

func (t *clientText) say(ru, en string) string {
	if t.russian {
		return ru
	}
	return en
}

// line adds a line of one of two languages.
func (t *clientText) line(ru, en string, values ...any) {
	fmt.Fprintf(&t.text, t.say(ru, en)+"\n", values...)
}

// section begins a part of the text.
func (t *clientText) section(ru, en string, values ...any) {
	t.text.WriteByte('\n')
	t.line(ru, en, values...)
}

// day is a day of the business.
func (t *clientText) day(at time.Time) string { return at.In(t.location).Format(time.DateOnly) }

// minute is an instant by the business's clock.
func (t *clientText) minute(at time.Time) string { return at.In(t.location).Format("2006-01-02 15:04") }

// token names an identifier by its kind and its key.
func (t *clientText) token(token string) string {
	kind := map[byte][2]string{
		identity.KindPhone: {"телефон", "phone"}, identity.KindEmail: {"почта", "e-mail"}, identity.KindCard: {"карта", "card"},
		identity.KindExternal: {"номер в системе", "system id"}, identity.KindReference: {"сделка", "deal"},
	}[identity.Token(token).Kind()]
	return t.say(kind[0], kind[1]) + " " + token
}

// links shows why records are one client, and what was not used for it.
func (t *clientText) links(held, apart []pipeline.ClientLink) {
	since := func(l pipeline.ClientLink) string {
		if l.Since.IsZero() {
			return ""
		}
		return t.day(l.Since)
	}
	if len(held) > 0 {
		t.section("Почему это один клиент", "Why this is one client")
		var rows [][]string
		for _, l := range held {
			why := t.say("указаны вместе", "stated together")
			if l.Why == schema.LinkMerge {
				why = t.say("так решил владелец (merge)", "the owner says so (merge)")
			}
			if l.Source != "" {
				why += ", " + l.Source
			}
			rows = append(rows, []string{since(l), t.token(l.WithToken), "= " + t.token(l.Token), why})
		}
		writeTable(&t.text, rows, false, false, false, false)
	}
	if len(apart) > 0 {
		t.section("Указано, но не связывает", "Stated, but links nothing")
		var rows [][]string
		for _, l := range apart {
			why := map[string][2]string{
				schema.LinkShared: {"этим пользуются многие", "many people use it"},
				schema.LinkEmail:  {"связь по почте выключена", "linking by e-mail is off"},
				schema.LinkSplit:  {"так решил владелец (split)", "the owner says so (split)"},
			}[l.Why]
			rows = append(rows, []string{since(l), t.token(l.Token), strings.TrimSuffix(t.say(why[0], why[1])+", "+l.Source, ", ")})
		}
		writeTable(&t.text, rows, false, false, false)
	}
}

// consents shows every purpose with the statement that decides it.
func (t *clientText) consents(states []pipeline.ConsentState) {
	t.section("Согласия", "Consents")
	var rows [][]string
	var unknown []string
	for _, s := range states {
		if s.At.IsZero() {
			unknown = append(unknown, t.word(s.Purpose))
			continue
		}
		version := s.TextVersion
		if version != "" {
			version = t.say("текст ", "text ") + version
		}
		rows = append(rows, []string{t.word(s.Purpose), t.word(s.State), t.minute(s.At), version, s.Channel, s.Evidence})
	}
	writeTable(&t.text, rows, false, false, false, false, false, false)
	if len(unknown) > 0 {
		t.line("  не сказано: %s", "  never stated: %s", strings.Join(unknown, ", "))
	}
}

// cut is how many lines of a list are left out at its beginning, and the words
// that say so.
func (t *clientText) cut(n int) (left int, note string) {
	if t.all || n <= shownEvents {
		return 0, ""
	}
	return n - shownEvents, fmt.Sprintf(t.say(", последние %d; все покажет -all", ", the last %d; -all shows every one"), shownEvents)
}

// orderList shows orders with their lines, oldest first.
func (t *clientText) orderList(orders []pipeline.ClientOrder, notes []string) {
	left, note := t.cut(len(orders))
	t.section("Заказы (%d%s)", "Orders (%d%s)", len(orders), note)
	var rows [][]string
	for i, o := range orders[left:] {
		day := o.Day
		if day == "" {
			day = "—"
		}
		row := []string{day, o.Shop + "/" + o.OrderID, t.word(o.Status), t.words.amount(o.RevenueMinor, o.Currency), "", "", notes[left+i]}
		for n, line := range o.Lines {
			if n > 0 {
				rows = append(rows, row)
				row = make([]string, 7)
			}
			row[4] = lineName(line)
			if len(o.Lines) > 1 {
				row[5] = t.words.amount(line.SumMinor, o.Currency)
			}
		}
		rows = append(rows, row)
	}
	writeTable(&t.text, rows, false, false, false, true, false, true, false)
}

func lineName(line pipeline.OrderLine) string {
	name := line.Name
	if name == "" {
		name = line.SKU
	}
	if line.Quantity != "" && line.Quantity != "1" {
		name = line.Quantity + " × " + name
	}
	if line.Category != "" {
		name += " (" + line.Category + ")"
	}
	return name
}

// chronology shows events, oldest first.
func (t *clientText) chronology(events []pipeline.TrailEvent) {
	left, note := t.cut(len(events))
	t.section("Хронология (%d%s)", "Chronology (%d%s)", len(events), note)
	var rows [][]string
	for _, ev := range events[left:] {
		rows = append(rows, []string{t.minute(ev.At), t.word(ev.Kind), ev.Source, strings.Join(t.happened(ev), ", ")})
	}
	writeTable(&t.text, rows, false, false, false, false)
}

// happened says what an event was about, in a few words.
func (t *clientText) happened(ev pipeline.TrailEvent) []string {
	var parts []string
	add := func(part string) {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	if o := ev.Order; o != nil {
		currency := cmp.Or(o.Currency, t.currency)
		words := []string{o.OrderID, t.word(o.Status)}
		for _, minor := range []*int64{o.TotalMinor, o.ReturnedMinor} {
			if minor != nil {
				words = append(words, t.words.amount(*minor, currency))
			}
		}
		add(strings.Join(words, " "))
	}
	if ev.Stage != "" {
		add(t.say("этап ", "stage ") + ev.Stage)
	}
	if c := ev.Contact; c != nil {
		add(t.word(c.Channel) + " " + t.word(c.Direction))
		add(t.word(c.Result))
		if c.Seconds != nil {
			add(strconv.FormatInt(*c.Seconds, 10) + t.say(" с", " s"))
		}
		if c.Rating != nil {
			add(t.say("оценка ", "rating ") + strconv.FormatFloat(*c.Rating, 'f', -1, 64))
		}
	}
	if b := ev.Booking; b != nil {
		add(b.ID + " " + b.Status)
		if b.For != nil {
			add(t.say("на ", "for ") + t.minute(*b.For))
		}
	}
	var purposes []string
	for _, c := range ev.Consents {
		sign := "+"
		if !c.Given {
			sign = "−"
		}
		purposes = append(purposes, sign+t.word(c.Purpose))
	}
	slices.Sort(purposes)
	if len(purposes) > 0 {
		add(t.say("согласия ", "consents ") + strings.Join(purposes, " "))
	}
	if a := ev.Attribution; a != nil {
		add(strings.Join(slices.DeleteFunc([]string{a.UTMSource, a.UTMMedium, a.UTMCampaign}, func(s string) bool { return s == "" }), " / "))
	}
	for _, interest := range ev.Interests {
		add(interest)
	}
	if ev.Manager != "" {
		add(t.say("менеджер ", "manager ") + ev.Manager)
	}
	return parts
}

// word is a key of a table or an event in the language of the text.
func (t *clientText) word(key string) string {
	if !t.russian {
		return strings.ReplaceAll(key, "_", " ")
	}
	if word, ok := map[string]string{
		"lead": "заявка", "potential": "потенциальный", "working": "рабочий", "developing": "развивающийся", "regular": "постоянный",
		"new": "новый", "waiting": "ждёт", "active": "активный", "cooling": "остывает", "sleeping": "уснул", "dead": "мёртвый",
		"events": "стали событиями", "failed": "не понято", "duplicate": "повтор", "ping": "проверка связи",
		"given": "дано", "withdrawn": "отозвано", "unknown": "не сказано",
		"vip": "VIP", "partner": "партнёр", "key": "ключевой", "newcomer": "новичок", "active_base": "активная база",
		"processing": "обработка", "ads": "реклама", "email": "письма", "sms": "SMS", "messenger": "мессенджеры",
		"order": "заказ", "stage": "этап", "contact": "контакт", "booking": "запись", "profile": "анкета", "consent": "согласие",
		"unsubscribe": "отписка", "cost": "расход", "erase": "удаление",
		"paid": "оплачен", "shipped": "отправлен", "completed": "завершён", "cancelled": "отменён", "returned": "возврат",
		"in": "входящий", "out": "исходящий", "call": "звонок", "chat": "чат", "message": "сообщение", "visit": "визит", "review": "отзыв",
		"email_open": "открыл письмо", "phone": "телефон", "answered": "отвечен", "missed": "пропущен",
	}[key]; ok {
		return word
	}
	return key
}
