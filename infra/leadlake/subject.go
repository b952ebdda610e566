package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/pipeline"
)

func subjectCommand(ctx context.Context, sys *system, args []string) error {
	f := newFlags(sys, "subject [flags] CONTACT",
		"Prints everything known about a person as JSON: the answer to who asks what is kept of\n"+
			"him. CONTACT is a phone or an e-mail as people write it, a client id or an alias, a card\n"+
			"number or his id in a source's own system; - reads it from standard input, so that it stays\n"+
			"out of the shell's history. It finds him before the first night, too, and with what came\n"+
			"after the last one. It only reads, also while `serve` runs; that somebody read is written\n"+
			"into the audit chain, without a personal value.")
	var where place
	where.register(f)
	out := f.String("out", "", "write to a `file` that only its owner may read, instead of standard output")
	summary := f.Bool("summary", false, "a text for people instead of JSON")
	all := f.Bool("all", false, fmt.Sprintf("in the text show every order and event, not the last %d", shownEvents))
	lang := f.String("lang", "", "`language` of the text, ru or en; without it that of the business")
	by := f.String("by", "operator", "`name` of who asks, for the audit")
	plain, err := f.parseMixed(args, 1, 1)
	if err != nil {
		return err
	}
	if err := checkLanguage("subject", *lang); err != nil {
		return err
	}
	contact := plain[0]
	if contact == "-" {
		if contact, err = firstLine(sys.Stdin); err != nil {
			return err
		}
	}
	if strings.TrimSpace(contact) == "" {
		return wrongUse("subject: the contact is empty")
	}
	var shown progress
	shown.sys = sys
	shown.step("subject")
	text, reading, err := readSubject(ctx, sys, where, contact, func(s pipeline.Subject, steps *pipeline.Pipeline) ([]byte, error) {
		if *summary {
			return subjectText(ctx, steps, s, *lang, *all)
		}
		var text bytes.Buffer
		err := printJSON(&text, s)
		return text.Bytes(), err
	})
	shown.end()
	if err != nil {
		return explainSubject(err, where)
	}
	reading.By = *by
	// The reading is put down before anything is shown. It does not hold the answer
	// up where nothing can be written: whoever may read the files can read them
	// without us, and a person has a right to his answer in time.
	if _, err := perform(ctx, sys, where, "subject", reading); err != nil {
		_, _ = fmt.Fprintln(sys.Stderr, "leadlake: this reading is not in the audit chain: "+err.Error())
	}
	if *out != "" {
		if err := writePrivate(*out, text); err != nil {
			return fmt.Errorf("subject: -out %s: %w", *out, err)
		}
		return nil
	}
	_, err = sys.Stdout.Write(text)
	return err
}

// readSubject gathers what is known and renders it, without taking the store from
// the process that owns it.
func readSubject(ctx context.Context, sys *system, where place, contact string,
	render func(pipeline.Subject, *pipeline.Pipeline) ([]byte, error),
) (text []byte, reading pipeline.SubjectReading, err error) {
	err = where.read(ctx, sys, func(steps *pipeline.Pipeline) error {
		s, err := steps.Subject(ctx, contact)
		if err != nil {
			return err
		}
		if text, err = render(s, steps); err != nil {
			return err
		}
		sum := sha256.Sum256(text)
		reading = pipeline.SubjectReading{Request: s.Request, SHA256: hex.EncodeToString(sum[:]), Rows: int64(len(s.Chronology))}
		return nil
	})
	return text, reading, err
}

// explainSubject turns an error into words; none repeats the contact.
func explainSubject(err error, where place) error {
	if forgotten, ok := errors.AsType[*pipeline.ForgottenError](err); ok {
		return fmt.Errorf("subject: nothing is known: the person was erased on %s; what is kept is the proof in erasures/%s/act.json, "+
			"and keyed tokens by which late deliveries are refused", forgotten.ErasedAt.Format(time.DateOnly), forgotten.Request)
	}
	if errors.Is(err, pipeline.ErrNobody) {
		return fmt.Errorf("subject: %s knows nobody by that contact or id: no event, no file and no failed delivery shows him", where)
	}
	return err
}

// subjectText is the answer in words.
func subjectText(ctx context.Context, steps *pipeline.Pipeline, s pipeline.Subject, lang string, all bool) ([]byte, error) {
	cfg, err := steps.Config(ctx)
	if err != nil {
		return nil, err
	}
	t := newClientText(cfg, cmp.Or(lang, cfg.Business.Language), all)
	t.line("Что известно о человеке, на %s (запрос %s)", "What is known about a person, as of %s (request %s)", t.minute(s.MadeAt), s.Request)
	if s.ClientID == "" {
		t.line("Событий нет; он виден только в сохранённых байтах.", "There is no event; only bytes that are kept show him.")
	} else {
		t.line("Клиент %s", "Client %s", s.ClientID)
	}
	t.values(s.Contacts)
	t.links(s.Links, s.Apart)
	t.consents(s.Consents.States)
	for _, w := range s.Night {
		t.section("Последний расчёт, по день %s", "The last night, as of %s", w.AsOf)
		rows := [][]string{{t.say("жизненный цикл", "lifecycle"), t.word(w.Lifecycle.Value)}, {t.say("активность", "activity"), t.word(w.Activity.Value)}}
		if w.Client.RFMCode != nil {
			rows = append(rows, []string{t.say("код RFM", "RFM code"), *w.Client.RFMCode})
		}
		var segments []string
		for _, one := range w.Segments {
			segments = append(segments, one.Segment)
		}
		rows = append(rows, []string{t.say("сегменты", "segments"), strings.Join(segments, ", ")})
		writeTable(&t.text, rows, false, false)
	}
	orders := make([]pipeline.ClientOrder, len(s.Orders))
	notes := make([]string, len(s.Orders))
	for i, o := range s.Orders {
		orders[i] = o.ClientOrder
		if !o.Purchase {
			notes[i] = t.say("не покупка", "no purchase")
		}
	}
	t.orderList(orders, notes)
	t.chronology(s.Chronology)
	t.places(s)
	if len(s.Notes) > 0 {
		t.section("Учтите", "Mind")
		for _, note := range s.Notes {
			t.line("  %s", "  %s", t.say(note.Text.RU, note.Text.EN))
		}
	}
	return []byte(t.text.String()), nil
}

// values shows every value that was stated, with its days.
func (t *clientText) values(c pipeline.SubjectContacts) {
	var rows [][]string
	add := func(ru, en string, values []pipeline.SubjectValue) {
		for i, v := range values {
			name := t.say(ru, en)
			if i > 0 {
				name = ""
			}
			rows = append(rows, []string{name, v.Value, t.day(v.Since), t.day(v.LastSeen), strings.Join(v.Sources, ", ")})
		}
	}
	add("телефон", "phone", c.Phones)
	add("почта", "e-mail", c.Emails)
	add("телефон, не прочитан", "phone, unreadable", c.UnreadablePhones)
	add("почта, не прочитана", "e-mail, unreadable", c.UnreadableEmails)
	add("карта", "card", c.Cards)
	add("номер в системе", "system id", c.ExternalIDs)
	add("имя полностью", "full name", c.Names)
	add("имя", "first name", c.FirstNames)
	add("фамилия", "last name", c.LastNames)
	add("дата рождения", "birth date", c.BirthDates)
	add("дата рождения, не прочитана", "birth date, unreadable", c.UnreadableBirthDates)
	add("пол", "gender", c.Genders)
	add("город", "city", c.Cities)
	add("страна", "country", c.Countries)
	add("адрес", "address", c.Addresses)
	add("компания", "company", c.Companies)
	for _, a := range c.Attributes {
		add(a.Key, a.Key, []pipeline.SubjectValue{a.SubjectValue})
	}
	if len(rows) == 0 {
		return
	}
	head := []string{"", "", t.say("впервые", "since"), t.say("последний раз", "last seen"), t.say("откуда", "from")}
	t.section("Данные", "Data")
	writeTable(&t.text, append([][]string{head}, rows...), false, false, false, false, false)
}

// places shows where else he stands.
func (t *clientText) places(s pipeline.Subject) {
	var rows [][]string
	for _, f := range s.Audiences.Files {
		who := t.say("не скачивали", "not downloaded")
		for i, d := range f.Downloads {
			if i == 0 {
				who = t.say("скачали: ", "downloaded by ")
			} else {
				who += ", "
			}
			who += d.Who + " " + t.minute(d.At)
		}
		rows = append(rows, []string{t.say("файл аудитории", "audience file"), f.Object, who})
	}
	kept := func(name string, list []pipeline.SubjectBytes) {
		for _, b := range list {
			what := t.word(strings.TrimSuffix(b.Outcome+", "+b.Reason, ", "))
			switch {
			case b.Untold != "":
				what += t.say("; есть и другие люди, не показано", "; tells of others, not shown")
			case b.Unsure:
				what += t.say("; посмотрите, нет ли чужого", "; look whether it tells of others")
			}
			row := []string{name, b.Object, strings.TrimPrefix(what, "; ")}
			if len(rows) == 0 || !slices.Equal(rows[len(rows)-1], row) { // one object, several deliveries of his
				rows = append(rows, row)
			}
		}
	}
	kept(t.say("не понято", "not understood"), s.Failed)
	kept(t.say("как пришло", "as received"), s.Raw)
	kept(t.say("файл", "file"), s.Inbox)
	for _, e := range s.Erasures {
		rows = append(rows, []string{t.say("удаление", "erasure"), "erasures/" + e.Request, e.State})
	}
	if len(rows) > 0 {
		t.section("Где ещё он есть", "Where else he stands")
		writeTable(&t.text, rows, false, false, false)
	}
	if n := len(s.Audiences.Unknown); n > 0 {
		t.line("  скачиваний, о составе которых уже не сказать: %d", "  downloads of which nobody can say any more who stood in them: %d", n)
	}
}
