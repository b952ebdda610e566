package pipeline

import (
	"slices"
	"strconv"
	"strings"

	"github.com/leadlake/leadlake/lib/audience"
	"github.com/leadlake/leadlake/lib/consent"
	"github.com/leadlake/leadlake/lib/identity"
	"github.com/leadlake/leadlake/lib/money"
	"github.com/leadlake/leadlake/lib/schema"
)

// vkUser begins an external id that is a person's number in VKontakte, as the lead
// forms there state it.
const vkUser = "vk_user:"

// contact is a client with the values of his person, nil where there are none. What
// must not be handed over is left out by the decision, see [exporter.decide].
func (e *exporter) contact(client *exportClient, place int, person *exportPerson) audience.Contact {
	c := audience.Contact{ClientID: client.ClientID, Ref: &prospect{place: place, client: schema.ClientRow{
		ClientID: client.ClientID, Aliases: client.Aliases, Consents: client.Consents, Orders: client.Orders, RevenueMinor: client.RevenueMinor,
	}}}
	for _, id := range client.ExternalIDs {
		if number, ok := strings.CutPrefix(id, vkUser); ok {
			c.VKIDs = append(c.VKIDs, number)
		}
	}
	c.Signals = e.granted(client, consent.AdUserData) && e.granted(client, consent.AdPersonalization)
	if client.RevenueMinor >= 0 {
		c.Value = money.Decimal(client.RevenueMinor, e.cfg.Business.Currency)
	}
	if person == nil {
		return c
	}
	for _, v := range person.Phones {
		c.Phones = append(c.Phones, identity.Phone(v.Value))
	}
	for _, v := range person.Emails {
		c.Emails = append(c.Emails, identity.Email(v.Value))
	}
	for _, a := range person.Attributes {
		switch list := idsOf(&c, a.Key); {
		case list == nil:
		case !slices.Contains(*list, a.Value):
			*list = append(*list, a.Value)
		}
	}
	c.FirstName, c.LastName, c.City, c.BirthDay = person.FirstName, person.LastName, person.City, person.BirthDate
	c.Country, c.Gender, c.Company = person.Country, person.Gender, person.Company
	if c.Country == "" {
		c.Country = e.cfg.Business.Country
	}
	if e.forPeople {
		c.Fields = map[string]string{
			"name": person.Name, "orders": strconv.FormatInt(client.Orders, 10),
			"revenue": money.Decimal(client.RevenueMinor, e.cfg.Business.Currency),
		}
		if client.RFMCode != nil {
			c.Fields["rfm_code"] = *client.RFMCode
		}
		if client.LastOrderDay != nil {
			c.Fields["last_order_day"] = *client.LastOrderDay
		}
	}
	return c
}

func (e *exporter) granted(client *exportClient, purpose consent.Purpose) bool {
	return consent.State(client.Consents.Get(string(purpose))) == consent.Given && e.news.left(client.ClientID, purpose) == ""
}

// idsOf is where the value of an attribute belongs that is an id in a messenger or of
// a device; nil for all others. Adapters and the shop's own forms keep such ids as
// attributes under these names.
func idsOf(c *audience.Contact, attribute string) *[]string {
	switch strings.ToLower(attribute) {
	case "vk_id", "vk_user_id":
		return &c.VKIDs
	case "telegram_id", "telegram_user_id", "tg_id":
		return &c.TelegramIDs
	case "madid", "idfa", "gaid", "advertising_id":
		return &c.MobileIDs
	}
	return nil
}
