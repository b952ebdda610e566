package card

import (
	"github.com/leadlake/leadlake/lib/identity"
	"github.com/leadlake/leadlake/lib/schema"
)

// fields is a set of things that a delivery may state, a bit for each in the
// order of LeadFields.
type fields uint32

// LeadFields returns the names that a source's `required` list may hold: those of
// the native client, and what a lead says beside them.
func LeadFields() []string {
	return []string{
		"phone", "email", "external_id", "card_no", "name", "first_name", "last_name", "birth_date", "gender", "city", "country",
		"address", "company", "loyalty_level", "preferred_channel", "interests", "tags", "manager", "stage", "consent",
		"utm_source", "utm_campaign",
	}
}

// statedFields is what an event states in a usable form: a phone that cannot be
// read is none. The contact row is nil where the event told nothing personal.
func statedFields(ev *schema.CardEventRow, contact *schema.ContactRow) fields {
	kinds := map[byte]bool{}
	for _, token := range ev.Tokens {
		kinds[identity.Token(token).Kind()] = true
	}
	if contact == nil {
		contact = &schema.ContactRow{}
	}
	var set fields
	for i, has := range []bool{ // in the order of LeadFields
		kinds[identity.KindPhone], kinds[identity.KindEmail], kinds[identity.KindExternal], kinds[identity.KindCard],
		contact.Name+contact.FirstName+contact.LastName != "", contact.FirstName != "", contact.LastName != "", contact.BirthDate != "",
		contact.Gender != "", contact.City != "", contact.Country != "", contact.Address != "", contact.Company != "",
		ev.LoyaltyLevel != "", ev.PreferredChannel != "", len(ev.Interests) > 0, len(ev.Tags) > 0, ev.Manager != "", ev.Stage != "",
		len(ev.Consents) > 0, ev.UTMSource != "", ev.UTMCampaign != "",
	} {
		if has {
			set |= 1 << i
		}
	}
	return set
}
