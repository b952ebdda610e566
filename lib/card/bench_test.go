package card_test

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/leadlake/leadlake/lib/card"
	"github.com/leadlake/leadlake/lib/schema"
)

// Fifty thousand clients with four events each, as a shop's CRM tells them.
func BenchmarkCards(b *testing.B) {
	const clients, each = 50_000, 4
	r := card.NewResolver(rules(10, true))
	var events []schema.CardEventRow
	var contacts []schema.ContactRow
	for i := range clients * each {
		id, when := i%clients, at(1, 0).Add(time.Duration(i)*time.Second)
		tokens := []string{fmt.Sprintf("p%026d", id), fmt.Sprintf("e%026d", id)}
		r.Add(card.Record{At: when, Tokens: tokens})
		events = append(events, schema.CardEventRow{
			EventID: strconv.Itoa(i), Source: "crm", Kind: []string{"lead", "contact", "order", "profile"}[i/clients], At: when, Tokens: tokens,
			OrderID: strconv.Itoa(i), IsOrder: i/clients == 2, UTMSource: "yandex", UTMCampaign: "spring", Manager: "olga", Channel: "call", Direction: "in",
			Consents: []schema.ConsentRow{{Purpose: "ads", Given: true, At: when}},
		})
		contacts = append(contacts, schema.ContactRow{
			EventID: strconv.Itoa(i), At: when, Tokens: tokens, Phones: []string{"+7916" + strconv.Itoa(id)}, Emails: []string{strconv.Itoa(id) + "@kofe.ru"}, Name: "Анна", City: "Тверь",
		})
	}
	resolved := r.Resolve()
	for b.Loop() {
		builder := card.NewBuilder(resolved, card.Options{Funnel: []string{"lead", "won"}})
		for i := range events {
			builder.Event(events[i])
			builder.Contact(contacts[i])
		}
		if n := len(builder.Cards()); n != clients {
			b.Fatalf("%d cards", n)
		}
	}
	b.ReportMetric(float64(len(events)*b.N)/b.Elapsed().Seconds(), "events/s")
}
