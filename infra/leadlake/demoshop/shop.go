package demoshop

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"

	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/money"
)

// statement is one native event on its way to a source.
type statement struct {
	at      int64 // what the event says
	arrives int64 // the order of arrival: a few come days late
	source  string
	body    []byte
}

// shop is the generator. Everything it draws comes from rng, in a fixed order.
type shop struct {
	rng      *rand.Rand
	calendar calendar
	shelf    shelf
	women    []name
	men      []name
	surnames []name
	channels []channel
	phones   int64

	people     []person
	statements []statement
	horizon    int64 // nothing happened yet from here on
	serial     map[string]int
}

func newShop(seed uint64) *shop {
	s := &shop{
		rng:      rand.New(rand.NewPCG(seed, 0x5a65726e6f)), //nolint:gosec // G404: seeded for a reproducible shop
		calendar: newCalendar(),
		shelf:    newShelf(),
		women:    women(), men: men(), surnames: surnames(), channels: channels(),
		serial: map[string]int{},
	}
	s.phones = s.rng.Int64N(10_000_000)
	s.horizon = s.calendar.at(lastDay, 12, 0, 0)
	return s
}

// say sends an event. What would happen after the horizon has not happened yet.
func (s *shop) say(source string, at int64, ev event.Event) {
	if at >= s.horizon {
		return
	}
	arrives := at
	if s.rng.IntN(150) == 0 {
		arrives += int64(s.rng.IntN(3 * daySecs)) // a sender that was offline
	}
	s.statements = append(s.statements, statement{at: at, arrives: arrives, source: source, body: s.native(at, ev)})
}

// native writes an event in the form of design §4.
func (s *shop) native(at int64, ev event.Event) []byte {
	ev.At = s.calendar.time(at)
	body, err := json.Marshal(ev)
	if err != nil {
		panic("demoshop: event does not marshal: " + err.Error()) // plain strings and a valid time
	}
	return body
}

// next numbers the events of one word.
func (s *shop) next(word string) string {
	s.serial[word]++
	return word + "-" + strconv.Itoa(s.serial[word])
}

// live makes everybody and all they did.
func (s *shop) live() {
	for i := range Buyers + Askers {
		s.people = append(s.people, s.newPerson(i))
	}
	s.plantFamilies()
	visits := s.visits()
	s.statements = make([]statement, 0, len(visits)*4+20_000)
	for i, v := range visits {
		s.visit(v, strconv.Itoa(100_001+i))
	}
	for i := Buyers; i < len(s.people); i++ {
		s.onlyAsk(&s.people[i])
	}
	s.spend()
	slices.SortStableFunc(s.statements, func(a, b statement) int { return cmp.Compare(a.arrives, b.arrives) })
}

// plantFamilies gives pairs of buyers one phone. Identity makes one client of
// each pair (metrics, "Identity"), so the independent count must as well.
func (s *shop) plantFamilies() {
	for i := range Families {
		a, b := &s.people[100+2*i], &s.people[101+2*i]
		if a.phone == "" {
			a.phone = s.newPhone(Buyers + Askers + i)
		}
		b.phone, b.city, b.last = a.phone, a.city, a.last
		if b.female && !a.female {
			b.last += "а"
		}
		b.consent = a.consent
	}
}

// visit is one purchase that somebody set out for.
type visit struct {
	who   int
	at    int64
	first bool
}

// visits draws everybody's purchases, in the order of time.
func (s *shop) visits() []visit {
	var all []visit
	for who := range Buyers {
		p := &s.people[who]
		day := s.calendar.firstDay(s.rng)
		first := s.calendar.opening(s.rng, day)
		if first >= s.horizon {
			day--
			first -= daySecs
		}
		all = append(all, visit{who, first, true})
		for p.gap > 0 && s.rng.IntN(1000) >= p.leave {
			wished := day + 1 + waiting(s.rng, p.gap)
			if wished >= days {
				break
			}
			day = s.calendar.near(s.rng, wished)
			all = append(all, visit{who, s.calendar.opening(s.rng, day), false})
		}
		if p.gifts {
			// Presents before 8 March, every year: what seasonality looks for.
			for _, march := range [...]int{121, 486} { // 2025-03-02, 2026-03-02
				if gift := march + s.rng.IntN(6); gift > s.calendar.day(first) {
					all = append(all, visit{who, s.calendar.opening(s.rng, gift), false})
				}
			}
		}
	}
	slices.SortFunc(all, func(a, b visit) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.who, b.who)) })
	return all
}

// introduce adds what is told once: where somebody came from and what they agreed
// to. The event that carries it must have a time before the horizon.
func (s *shop) introduce(p *person, at int64, ev *event.Event) {
	if p.introduced {
		return
	}
	p.introduced = true
	ev.Attribution = s.attribution(p.channel)
	ev.Consents = []event.Consent{{Purpose: "processing", Given: true, TextVersion: "2024-10"}}
	if p.consent == silent {
		return
	}
	ev.Consents = append(ev.Consents,
		event.Consent{Purpose: "ads", Given: true, TextVersion: "2024-10", Evidence: "checkout"},
		event.Consent{Purpose: "email", Given: true, TextVersion: "2024-10", Evidence: "checkout"})
	later := at + int64(20+s.rng.IntN(200))*daySecs + 37
	switch p.consent {
	case withdraws:
		s.say(SourceCRM, later, event.Event{
			ID: s.next("withdrawal"), Kind: event.ConsentSaid, Client: s.inCRM(p),
			Consents: []event.Consent{{Purpose: "ads", Given: false, Evidence: "call"}},
		})
	case unsubscribes:
		s.say(SourceSite, later, event.Event{
			ID: s.next("unsubscribe"), Kind: event.Unsubscribe, Client: event.Client{Email: p.email, Phone: s.ifNone(p.email, p.phone)},
			Unsubscribe: &event.Unsubscription{},
		})
	case agrees:
		if s.rng.IntN(40) == 0 && p.email != "" { // leaves the newsletter alone
			s.say(SourceSite, later, event.Event{
				ID: s.next("unsubscribe"), Kind: event.Unsubscribe, Client: event.Client{Email: p.email},
				Unsubscribe: &event.Unsubscription{Channel: "email"},
			})
		}
	case silent:
	}
}

func (s *shop) ifNone(other, phone string) string {
	if other != "" {
		return ""
	}
	return spell(s.rng, phone)
}

func (s *shop) attribution(c channel) event.Attribution {
	a := event.Attribution{UTMSource: c.source, UTMMedium: c.medium, UTMCampaign: c.campaign, Landing: "https://zerno.example/"}
	if c.clickID != "" {
		a.ClickIDs = map[string]string{c.clickID: strconv.FormatUint(17_000_000_000_000_000_000+s.rng.Uint64N(1_000_000_000_000_000_000), 10)}
		a.ClientIDs = map[string]string{"ym_uid": strconv.FormatInt(1_700_000_000_000_000_000+s.rng.Int64N(1_000_000_000_000_000), 10)}
	}
	if c.source == "" && s.rng.IntN(3) == 0 {
		a.Referrer = "https://search.example/"
	}
	return a
}

// ask is a lead and what the managers make of it: a call, the funnel's stages.
func (s *shop) ask(p *person, at int64) {
	ev := event.Event{ID: s.next("lead"), Kind: event.Lead, Client: s.asked(p), Interests: []string{p.taste}}
	if s.rng.IntN(10) == 0 {
		ev.Tags = []string{"просил скидку"}
	}
	s.introduce(p, at, &ev)
	s.say(SourceSite, at, ev)
	if s.rng.IntN(100) < 20 {
		return // nobody called back
	}
	called := at + int64(10+s.rng.IntN(300))*60
	result, seconds := "answered", strconv.Itoa(20+s.rng.IntN(400))
	if s.rng.IntN(6) == 0 {
		result, seconds = "missed", "0"
	}
	s.say(SourceCRM, called, event.Event{
		ID: s.next("call"), Kind: event.ContactMade, Client: s.inCRM(p), Manager: p.manager,
		Contact: &event.Contact{Channel: "call", Direction: "out", Result: result, Seconds: seconds},
	})
	s.reach(p, called+60, "first_contact")
	if s.rng.IntN(100) < 55 {
		s.reach(p, called+int64(1+s.rng.IntN(20))*3600, "visited")
	}
}

func (s *shop) reach(p *person, at int64, stage string) {
	s.say(SourceCRM, at, event.Event{ID: s.next("stage"), Kind: event.Stage, Client: s.inCRM(p), Stage: stage, Manager: p.manager})
}

// onlyAsk is somebody who never bought; one in ten ordered and took it back.
func (s *shop) onlyAsk(p *person) {
	at := s.calendar.opening(s.rng, s.calendar.firstDay(s.rng))
	if at >= s.horizon {
		at -= daySecs
	}
	s.ask(p, at)
	if s.rng.IntN(10) > 0 {
		return
	}
	id := "9" + s.next("cart")[len("cart-"):]
	items, total := s.shelf.basket(s.rng, p.taste, false, "RUB", 1)
	s.say(SourceSite, at+900, event.Event{
		ID: "ord-" + id + "/new", Kind: event.OrderChange, Client: s.onSite(p),
		Order: &event.Order{ID: id, Status: event.StatusNew, Currency: "RUB", Total: money.Decimal(total, "RUB"), Items: items},
	})
	if s.rng.IntN(2) == 0 {
		s.say(SourceCRM, at+90_000, event.Event{
			ID: "ord-" + id + "/cancelled", Kind: event.OrderChange, Client: s.inCRM(p),
			Order: &event.Order{ID: id, Status: event.StatusCancelled},
		})
	}
}

// spend makes the advertising costs: Yandex and VK always, Google until the end
// of 2025 (later its clients are of unknown cost), now and then restated.
func (s *shop) spend() {
	for day := range lastDay {
		busy := int64(s.calendar.busy[day])
		for _, c := range s.channels {
			if c.medium != "cpc" || c.source == "google" && s.calendar.date(day) >= "2026" {
				continue
			}
			kopecks := busy*int64(20+s.rng.IntN(15)) + s.rng.Int64N(100)
			id := fmt.Sprintf("cost-%s-%s-%s", c.source, c.campaign, s.calendar.date(day))
			cost := event.Cost{
				Day: s.calendar.date(day), Source: c.source, Campaign: c.campaign,
				Amount: money.Decimal(kopecks, "RUB"), Currency: "RUB", Clicks: strconv.FormatInt(kopecks/3500+1, 10),
			}
			s.say(SourceCosts, s.calendar.at(day+1, 6, 0, 0), event.Event{ID: id, Kind: event.CostSpent, Cost: &cost})
			if s.rng.IntN(40) == 0 {
				restated := cost
				restated.Amount = money.Decimal(kopecks-kopecks/20, "RUB")
				s.say(SourceCosts, s.calendar.at(day+3, 6, 0, 0), event.Event{ID: id + "/2", Kind: event.CostSpent, Cost: &restated})
			}
		}
	}
}
