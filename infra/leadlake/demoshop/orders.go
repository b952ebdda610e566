package demoshop

import (
	"slices"
	"strconv"

	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/money"
)

// order is one order while it is told.
type order struct {
	id       string
	p        *person
	currency string
	items    []event.Item
	goods    int64 // minor units, without shipping
	shipping int64
	status   string // the last one told
	at       int64  // of it
}

// visit tells a purchase: what came before it, the order's states, what came of it.
func (s *shop) visit(v visit, id string) {
	p := &s.people[v.who]
	if v.first && s.rng.IntN(100) < 55 {
		s.ask(p, v.at-int64(1+s.rng.IntN(96))*3600)
	}
	o := order{id: id, p: p, currency: "RUB", at: v.at}
	if p.phone != "" && (p.frugal || s.rng.IntN(100) < 45 && (!v.first || p.introduced)) {
		s.overCounter(&o)
	} else {
		s.byPost(&o)
	}
	if v.first && p.introduced && s.rng.IntN(100) < 50 {
		s.reach(p, o.at+30, "won")
	}
	if o.status == event.StatusCompleted {
		p.spent++
		s.after(&o)
	}
}

// overCounter is a sale at the till: paid, and handed over minutes later. One in
// a hundred is a stranger's.
func (s *shop) overCounter(o *order) {
	o.items, o.goods = s.shelf.basket(s.rng, o.p.taste, true, o.currency, 1)
	if o.p.frugal {
		o.items, o.goods = priced(s.rng, []good{pick(s.rng, s.shelf.cheap)}, o.currency, 1)
	}
	c := event.Client{Phone: spell(s.rng, o.p.phone)}
	if o.p.card != "" && s.rng.IntN(2) == 0 {
		c = event.Client{CardNo: o.p.card}
	}
	if s.rng.IntN(100) == 0 {
		c = event.Client{}
	}
	s.state(o, SourceCRM, event.StatusPaid, o.at, c, true)
	s.state(o, SourceCRM, event.StatusCompleted, o.at+int64(120+s.rng.IntN(900)), event.Client{}, false)
	if c.Identified() && o.p.card != "" && !o.p.carded { // or the card would stay a client of its own
		s.profile(o.p, o.at+60)
	}
}

// byPost is an order of the web shop.
func (s *shop) byPost(o *order) {
	rate := int64(1)
	switch x := s.rng.IntN(1000); {
	case x < 5:
		o.currency, rate = "USD", 90
	case x < 8:
		o.currency, rate = "EUR", 100
	}
	o.items, o.goods = s.shelf.basket(s.rng, o.p.taste, false, o.currency, rate)
	switch x := s.rng.IntN(1000); {
	case x < 4: // a present of the house
		for i := range o.items {
			o.items[i].Price, o.items[i].Sum = "0.00", "0.00"
		}
		o.goods = 0
	case x < 500 && o.goods < 3000_00 && o.currency == "RUB":
		o.shipping = 300_00
	}
	s.state(o, SourceSite, event.StatusNew, o.at, s.onSite(o.p), true)
	fate := s.rng.IntN(1000)
	if fate < 40 {
		if fate < 15 {
			s.state(o, SourceSite, event.StatusPaid, o.at+int64(60+s.rng.IntN(1200)), s.account(o.p), false)
		}
		s.state(o, SourceCRM, event.StatusCancelled, o.at+int64(3600+s.rng.IntN(2*daySecs)), s.inCRM(o.p), false)
		return
	}
	s.state(o, SourceSite, event.StatusPaid, o.at+int64(60+s.rng.IntN(1200)), s.account(o.p), false)
	if fate < 640 {
		if fate < 50 && len(o.items) > 1 && o.currency == "RUB" { // a line was out of stock: the order is told anew
			s.without(o, len(o.items)-1)
			s.state(o, SourceCRM, event.StatusShipped, o.at+int64(6*3600+s.rng.IntN(daySecs)), s.inCRM(o.p), true)
		} else {
			s.state(o, SourceCRM, event.StatusShipped, o.at+int64(6*3600+s.rng.IntN(daySecs)), s.inCRM(o.p), false)
		}
	}
	var c event.Client
	if s.rng.IntN(2) == 0 {
		c = s.inCRM(o.p)
	}
	s.state(o, SourceCRM, event.StatusCompleted, o.at+int64(daySecs/2+s.rng.IntN(2*daySecs)), c, false)
}

// account is what the web shop says of a later state: the account's id, or the
// phone or address of a buyer without one.
func (s *shop) account(p *person) event.Client {
	switch {
	case p.external != "":
		return event.Client{ExternalID: p.external}
	case p.phone != "":
		return event.Client{Phone: spell(s.rng, p.phone)}
	default:
		return event.Client{Email: p.email}
	}
}

// state tells that an order reached a status; only a full statement names money
// and lines.
func (s *shop) state(o *order, source, status string, at int64, c event.Client, full bool) {
	ev := event.Event{ID: "ord-" + o.id + "/" + status, Kind: event.OrderChange, Client: c, Order: &event.Order{ID: o.id, Status: status}}
	if full {
		ev.Order.Currency, ev.Order.Items = o.currency, o.items
		ev.Order.Total = money.Decimal(o.goods+o.shipping, o.currency)
		if o.shipping > 0 {
			ev.Order.Shipping = money.Decimal(o.shipping, o.currency)
		}
		if c.Identified() {
			s.introduce(o.p, at, &ev)
		}
	}
	o.at = at
	if at < s.horizon {
		o.status = status
	}
	s.say(source, at, ev)
}

// without takes a line out of an order.
func (s *shop) without(o *order, line int) {
	o.goods -= minor(o.items[line].Sum)
	o.items = slices.Delete(slices.Clone(o.items), line, line+1)
}

// minor reads back an amount that this package has written.
func minor(decimal string) int64 {
	amount, err := money.Parse(decimal, "RUB") // USD and EUR have two places as well
	if err != nil {
		panic("demoshop: own amount is unreadable: " + err.Error())
	}
	return amount.Minor
}

// after is what follows some completed orders: a return, a review, a chat, a
// table booked, the loyalty card.
func (s *shop) after(o *order) {
	switch x := s.rng.IntN(1000); {
	case x < 34 && o.goods > 0:
		s.takeBack(o)
	case x < 60:
		s.contact(o, int64(1+s.rng.IntN(6))*daySecs, event.Contact{
			Channel: "review", Direction: "in", Rating: strconv.Itoa(3 + s.rng.IntN(3)),
			Text: pick(s.rng, []string{"Зерно свежее, спасибо!", "Доставили вовремя", "Кофе хороший, очередь длинная", "Круассаны лучшие в городе"}),
		})
	case x < 85:
		s.contact(o, int64(300+s.rng.IntN(7200)), event.Contact{Channel: "chat", Direction: "in", Result: "answered", Text: "Вопрос о заказе"})
	case x < 100:
		at := o.at + 2*daySecs
		s.say(SourceCRM, at, event.Event{
			ID: s.next("booking"), Kind: event.BookingMade, Client: s.inCRM(o.p), Manager: o.p.manager,
			Booking: &event.Booking{ID: "T-" + o.id, For: s.calendar.time(at + 3*daySecs), Status: "booked"},
		})
	case x < 200 && o.p.spent == 1, o.p.spent == 5, o.p.spent == 12:
		s.profile(o.p, o.at+3600)
	}
}

func (s *shop) contact(o *order, later int64, c event.Contact) {
	s.say(SourceCRM, o.at+later, event.Event{ID: s.next(c.Channel), Kind: event.ContactMade, Client: s.inCRM(o.p), Contact: &c})
}

// takeBack returns an order weeks later: a line of it where it has several, and
// else, or by one in three, the whole. A whole return names no amount.
func (s *shop) takeBack(o *order) {
	at := o.at + int64(7+s.rng.IntN(28))*daySecs
	ev := event.Event{
		ID: "ord-" + o.id + "/returned", Kind: event.OrderChange, Client: s.inCRM(o.p),
		Order: &event.Order{ID: o.id, Status: event.StatusReturned},
	}
	if len(o.items) > 1 && s.rng.IntN(3) > 0 {
		ev.Order.Returned, ev.Order.Currency = o.items[0].Sum, o.currency
	}
	s.say(SourceCRM, at, ev)
	if ev.Order.Returned != "" && len(o.items) > 2 && s.rng.IntN(4) == 0 { // and another one later: returns add up
		second := event.Event{
			ID: "ord-" + o.id + "/returned/2", Kind: event.OrderChange, Client: s.inCRM(o.p),
			Order: &event.Order{ID: o.id, Status: event.StatusReturned, Returned: o.items[1].Sum, Currency: o.currency},
		}
		s.say(SourceCRM, at+3*daySecs, second)
	}
}

// profile is the loyalty card's form: it ties the card to the phone.
func (s *shop) profile(p *person, at int64) {
	p.carded = true
	c := s.inCRM(p)
	c.FirstName, c.LastName, c.CardNo, c.BirthDate, c.City, c.Country = p.first, p.last, p.card, p.birth, p.city, "RU"
	c.Gender = "m"
	if p.female {
		c.Gender = "f"
	}
	c.PreferredChannel = pick(s.rng, []string{"call", "email", "messenger"})
	switch {
	case p.spent >= 12:
		c.LoyaltyLevel = "gold"
	case p.spent >= 5:
		c.LoyaltyLevel = "silver"
	default:
		c.LoyaltyLevel = "start"
	}
	if s.rng.IntN(4) == 0 {
		c.Attributes = map[string]string{"milk": pick(s.rng, []string{"овсяное", "обычное", "кокосовое"})}
	}
	s.say(SourceCRM, at, event.Event{ID: s.next("profile"), Kind: event.Profile, Client: c, Manager: p.manager})
}
