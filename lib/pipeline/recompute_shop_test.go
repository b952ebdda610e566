package pipeline_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/leadlake/leadlake/lib/event"
)

// bigShop has 3 400 clients with habits of their own: how often they buy, when they
// leave, what a purchase is worth. Some order in dollars, some in a currency without a
// rate, some ask and never buy; who comes by the radio hardly ever does.
type bigShop struct {
	random *rand.Rand
	last   time.Time // noon of the as-of day
	all    []event.Event
	orders int
}

const bigShopClients = 3400

func newBigShop(last time.Time) *bigShop {
	s := &bigShop{random: rand.New(rand.NewPCG(2026, 11)), last: last}
	for i := range bigShopClients {
		s.client(i)
	}
	return s
}

func (s *bigShop) chance(percent int) bool { return s.random.IntN(100) < percent }

func (s *bigShop) add(ev event.Event) {
	ev.ID = fmt.Sprintf("ev-%d", len(s.all))
	s.all = append(s.all, ev)
}

func (s *bigShop) client(i int) {
	who := event.Client{ExternalID: fmt.Sprintf("C-%05d", i)}
	if s.chance(40) {
		who.Phone, who.Email, who.Name = fmt.Sprintf("+7916%07d", 3_000_000+i), fmt.Sprintf("c%d@kofe.ru", i), "Anna"
	}
	first := s.last.AddDate(0, 0, -s.random.IntN(900)).Add(time.Duration(s.random.IntN(12*60)) * -time.Minute)
	source := []string{"radio", "radio", "yandex", "vk"}[s.random.IntN(4)]
	buys := s.chance(70)
	if s.chance(45) {
		source := event.Attribution{UTMSource: source}
		lead := event.Event{Kind: event.Lead, At: first, Client: who, Attribution: source}
		if s.chance(10) {
			lead.Tags = []string{[]string{"vip", "VIP", "Партнёр", "партнер", "other"}[s.random.IntN(5)]}
		}
		if s.chance(30) {
			lead.Interests = []string{"coffee"}
		}
		s.add(lead)
		buys = s.chance(map[string]int{"radio": 8, "yandex": 85, "vk": 60}[source.UTMSource])
	}
	if s.chance(30) {
		s.add(event.Event{Kind: event.ContactMade, At: first.Add(time.Duration(s.random.IntN(200)-20) * time.Hour), Client: who, Contact: &event.Contact{
			Channel: []string{"call", "chat"}[s.random.IntN(2)], Direction: []string{"in", "out"}[s.random.IntN(2)], Result: []string{"answered", "missed", ""}[s.random.IntN(3)],
		}})
	}
	if s.chance(5) {
		s.add(event.Event{Kind: event.Stage, At: first.Add(30 * time.Hour), Client: who, Stage: "visited"})
	}
	if !buys {
		s.add(event.Event{Kind: event.Profile, At: first.Add(-time.Hour), Client: who})
		return
	}
	pace := 8 + s.random.ExpFloat64()*40 // days between purchases
	stay := 60 + s.random.IntN(37)       // per cent who come again
	worth := 100 + s.random.IntN(3000)
	for at := first.Add(time.Duration(s.random.IntN(1000)) * time.Hour); at.Before(s.last.AddDate(0, 0, 2)); {
		s.order(who, at, worth)
		if s.chance(6) {
			s.order(who, at.Add(time.Hour), worth)
		}
		if !s.chance(stay) {
			return
		}
		at = at.Add(time.Duration(s.random.ExpFloat64() * pace * float64(24*time.Hour)))
	}
}

func (s *bigShop) order(who event.Client, at time.Time, worth int) {
	s.orders++
	total := fmt.Sprintf("%d.%02d", worth/2+s.random.IntN(worth), s.random.IntN(100))
	o := &event.Order{ID: fmt.Sprintf("o-%d", s.orders), Status: "paid", Currency: "RUB"}
	switch s.random.IntN(60) {
	case 0, 1:
		o.Currency = "USD"
	case 2:
		o.Currency = "EUR"
	case 3:
		total = "0.00"
	case 4:
		o.Status = "cancelled"
	}
	o.Total = total
	item := s.random.IntN(8)
	o.Items = []event.Item{{SKU: fmt.Sprintf("sku-%d", item), Category: fmt.Sprintf("kind-%d", item%3), Quantity: "1", Sum: total}}
	s.add(event.Event{Kind: event.OrderChange, At: at, Client: who, Order: o})
	if s.chance(3) {
		s.add(event.Event{Kind: event.OrderChange, At: at.Add(48 * time.Hour), Order: &event.Order{ID: o.ID, Status: "returned", Returned: "1.00"}})
	}
}

// postBigShop makes a lake of the shop.
func postBigShop(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.now = at("2026-12-02T09:00:00Z")
	all := newBigShop(at("2026-11-30T09:00:00Z")).all
	for len(all) > 0 {
		n := min(1000, len(all))
		body, err := json.Marshal(all[:n])
		if err != nil {
			t.Fatal(err)
		}
		all = all[n:]
		w.post("till", string(body))
	}
	if report := w.compact(); report.Failed > 0 {
		t.Fatalf("%d deliveries of the shop failed", report.Failed)
	}
	return w
}

// playbookOf covers every code of k groups: by the digit of F, one segment each.
func playbookOf(k int) string {
	var text strings.Builder
	for f := 1; f <= k; f++ {
		fmt.Fprintf(&text, "      - {segment: often-%d, codes: [", f)
		for r := 1; r <= k; r++ {
			for m := 1; m <= k; m++ {
				fmt.Fprintf(&text, `"%d%d%d", `, r, f, m)
			}
		}
		text.WriteString("]}\n")
	}
	return text.String()
}
