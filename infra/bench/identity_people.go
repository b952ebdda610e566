package main

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/event"
)

// A base whose truth is known: what each person's records say, as people and
// systems really write it, and who each record is of. Planted are families on one
// phone (one card by the rules, so one in the truth), office e-mails and reception
// phones that thirty people left, junk, mistyped phones, swapped fields, old phones,
// duplicates of the CRM and deals of two contacts.

// truthRecord is one record and the person that it is really of.
type truthRecord struct {
	person int
	source string
	event  event.Event
}

// soul is a person and what he may state.
type soul struct {
	person      int // label: of a family that of the first
	first, last string
	phones      []string // ten digits; the second is an old one
	email       string   // own
	external    []string // ids of the CRM
	card, deal  string
	office      string // the e-mail that he gives for his own
	reception   string // the phone likewise
}

const (
	officePeople   = 30 // who share one value
	offices        = 20 // of each kind
	familyShare    = 50 // one in so many is the second of a family
	junkShare      = 3  // per cent of records
	typoShare      = 1  // per cent
	swappedShare   = 2  // per cent: the phone where the e-mail belongs, and the other way round
	onlyOthers     = 3  // per mille of records that state nothing of the person's own
	aloneShare     = 10 // per cent of records with a card, an id or an e-mail that state no phone
	recordsAtMost  = 6
	qualitySources = "site till crm"
)

// truthBase makes the records of a base in the order of time.
func truthBase(people int) (records []truthRecord, families [][2]soul) {
	random := rand.New(rand.NewPCG(20, 26)) //nolint:gosec // G404: a base that is the same every time
	souls := make([]soul, people)
	used := map[string]bool{}
	for i := range souls {
		souls[i] = newSoul(random, i, used)
		shared := min(offices, people/(8*officePeople)) // a small base has few
		switch office := i / officePeople; {
		case office < shared:
			souls[i].office = officeEmail(office)
		case office < 2*shared:
			souls[i].reception = receptionPhone(office)
		case i > 0 && i%familyShare == 0:
			souls[i].person, souls[i].phones = i-1, souls[i-1].phones
			families = append(families, [2]soul{souls[i-1], souls[i]})
		case i%familyShare == 10: // a deal with whoever came before
			souls[i].deal = souls[i-1].card + "-deal"
			souls[i-1].deal = souls[i].deal
		}
	}
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range souls {
		for n := range 1 + random.IntN(recordsAtMost) {
			rec := souls[i].record(random, n == 0)
			rec.event.ID = fmt.Sprintf("%d-%d", i, n)
			rec.event.Kind = event.Profile
			rec.event.At = begin.Add(time.Duration(random.IntN(300*24*3600)) * time.Second)
			records = append(records, rec)
		}
	}
	return records, families
}

func officeEmail(office int) string { return fmt.Sprintf("info@office%d.example.net", office) }

func receptionPhone(office int) string { return fmt.Sprintf("495220%04d", office) }

func newSoul(random *rand.Rand, i int, used map[string]bool) soul {
	phone := func() string {
		for {
			number := fmt.Sprintf("9%02d%07d", []int{3, 5, 16, 26, 62, 85}[random.IntN(6)], random.IntN(10_000_000))
			if !used[number] {
				used[number] = true
				return number
			}
		}
	}
	s := soul{
		person: i, first: firstNames()[random.IntN(len(firstNames()))], last: fmt.Sprintf("%s%s", lastNames()[random.IntN(len(lastNames()))], []string{"", "-Дальний", "-Ближний"}[random.IntN(3)]),
		phones: []string{phone()}, email: fmt.Sprintf("client.%d@%s", i, []string{"gmail.com", "mail.ru", "yandex.ru", "почта.рф"}[random.IntN(4)]),
		external: []string{fmt.Sprintf("crm_contact:%d", 1000+i)}, card: fmt.Sprintf("77%08d", i),
	}
	if random.IntN(10) == 0 {
		s.phones = append(s.phones, phone())
	}
	if random.IntN(10) == 0 {
		s.external = append(s.external, fmt.Sprintf("crm_contact:%d", 1_000_000+i))
	}
	return s
}

func firstNames() []string {
	return []string{"Анна", "Пётр", "Алёна", "Борис", "Мария-Луиза", "Семён", "Ольга", "Тимур", "John", "Гүлназ", "Фёдор", "Зоя"}
}

func lastNames() []string {
	return []string{"Смирнова", "Ким", "Соловьёв", "Иванов", "Ткаченко", "Абрамян", "Королёва", "Smith", "Юсупова", "Щукин"}
}

// record is what one form, till or CRM says of the person. The first one states
// all that he gives for his own; another one some of it.
func (s *soul) record(random *rand.Rand, all bool) truthRecord {
	rec := truthRecord{person: s.person, source: strings.Fields(qualitySources)[random.IntN(3)]}
	c := &rec.event.Client
	states := func(percent int) bool { return all || random.IntN(100) < percent }
	nothing := !all && random.IntN(1000) < onlyOthers
	if !nothing {
		s.stateOwn(random, &rec, all, states)
	}
	if s.office != "" && (nothing || states(60)) {
		c.Email = spellEmail(random, s.office)
	}
	if s.reception != "" && (nothing || states(60)) {
		c.Phones = append(c.Phones, spellPhone(random, s.reception))
	}
	if random.IntN(100) < junkShare {
		if random.IntN(2) == 0 {
			c.Phones = append(c.Phones, []string{"+7 999 999-99-99", "80000000000", "1234567890", "нет"}[random.IntN(4)])
		} else {
			c.Emails = append(c.Emails, []string{"test@test.ru", "noemail@mail.ru", "no@no.ru", "-"}[random.IntN(4)])
		}
	}
	if random.IntN(100) < swappedShare {
		c.Phone, c.Email = c.Email, c.Phone
	}
	if s.deal != "" && states(50) {
		c.References = append(c.References, "crm_deal:"+s.deal)
	}
	if random.IntN(10) > 0 {
		c.Name = spellName(random, s.first, s.last)
	}
	return rec
}

// stateOwn states at least one value of the person's own.
func (s *soul) stateOwn(random *rand.Rand, rec *truthRecord, all bool, states func(int) bool) {
	c := &rec.event.Client
	if rec.source == "crm" && states(70) {
		c.ExternalIDs = append(c.ExternalIDs, s.external[random.IntN(len(s.external))])
	}
	if s.office == "" && states(50) {
		c.Email = spellEmail(random, s.email)
	}
	if rec.source == "till" && states(30) {
		c.CardNo = s.card[:4] + " " + s.card[4:]
	}
	if s.reception != "" && !all { // at work he gives the reception's
		if c.Email == "" && len(c.ExternalIDs) == 0 {
			c.Email = spellEmail(random, s.email)
		}
		return
	}
	if stated := c.Email != "" || c.CardNo != "" || len(c.ExternalIDs) > 0; stated && !states(100-aloneShare) {
		return
	}
	if !all && c.Email != "" && random.IntN(100) < 2*typoShare { // half of the records state an e-mail
		c.Phone = spellPhone(random, mistyped(random, s.phones[0]))
		return
	}
	c.Phone = spellPhone(random, s.phones[0])
	if len(s.phones) > 1 && states(20) {
		c.Phones = append(c.Phones, spellPhone(random, s.phones[1]))
	}
}

// mistyped changes one of the last digits.
func mistyped(random *rand.Rand, number string) string {
	i := 3 + random.IntN(7)
	return number[:i] + strconv.Itoa((int(number[i]-'0')+1+random.IntN(9))%10) + number[i+1:]
}

func spellPhone(random *rand.Rand, n string) string {
	a, b, c, d := n[:3], n[3:6], n[6:8], n[8:]
	switch random.IntN(9) {
	case 0:
		return "+7 (" + a + ") " + b + "-" + c + "-" + d
	case 1:
		return "8" + n
	case 2:
		return "8 " + a + " " + b + " " + c + " " + d
	case 3:
		return n
	case 4:
		return "7" + n
	case 5:
		return "+7" + n
	case 6:
		return "8-" + a + "-" + b + c + d
	case 7:
		return "+7\u00a0" + a + "\u00a0" + b + "\u2011" + c + "\u2011" + d
	default:
		return " 8(" + a + ")" + b + "-" + c + "-" + d + " "
	}
}

func spellEmail(random *rand.Rand, email string) string {
	switch random.IntN(5) {
	case 0:
		return strings.ToUpper(email)
	case 1:
		return " " + email + " "
	case 2:
		return strings.ToUpper(email[:1]) + email[1:]
	default:
		return email
	}
}

func spellName(random *rand.Rand, first, last string) string {
	switch random.IntN(6) {
	case 0:
		return last + " " + first
	case 1:
		return strings.ToUpper(last + " " + first)
	case 2:
		return strings.ReplaceAll(first+" "+last, "ё", "е")
	case 3:
		return first
	case 4:
		return strings.ToLower(first) + "  " + last
	default:
		return first + " " + last
	}
}
