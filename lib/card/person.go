package card

import (
	"cmp"
	"slices"
	"strings"

	"github.com/leadlake/leadlake/lib/schema"
)

// What a fact is about.
const (
	factPhone = iota
	factEmail
	factName
	factFirstName
	factLastName
	factBirth
	factGender
	factCity
	factCountry
	factAddress
	factCompany
	factCard
	factAttribute
)

// fact is a personal value with the first and the last time it was stated.
type fact struct {
	about       int
	key, value  string // the key of an attribute
	since, last int64
}

func (f fact) compare(other fact) int {
	return cmp.Or(cmp.Compare(f.about, other.about), strings.Compare(f.key, other.key), strings.Compare(f.value, other.value))
}

func (f fact) join(other fact) fact {
	f.since, f.last = min(f.since, other.since), max(f.last, other.last)
	return f
}

// Contact takes the personal values of one event into account.
func (b *Builder) Contact(row schema.ContactRow) {
	n := b.number(row.Tokens)
	if n < 0 {
		return
	}
	d, at := &b.drafts[n], row.At.UnixMicro()
	see := func(about int, key, value string) {
		if value != "" {
			d.facts = put(d.facts, fact{about: about, key: key, value: value, since: at, last: at})
		}
	}
	for _, value := range row.Phones {
		see(factPhone, "", value)
	}
	for _, value := range row.Emails {
		see(factEmail, "", value)
	}
	name := row.Name
	if name == "" {
		name = strings.TrimSpace(row.FirstName + " " + row.LastName)
	}
	see(factName, "", name)
	see(factFirstName, "", row.FirstName)
	see(factLastName, "", row.LastName)
	see(factBirth, "", row.BirthDate)
	see(factGender, "", row.Gender)
	see(factCity, "", row.City)
	see(factCountry, "", row.Country)
	see(factAddress, "", row.Address)
	see(factCompany, "", row.Company)
	see(factCard, "", row.CardNo)
	for _, pair := range row.Attributes.Pairs {
		see(factAttribute, pair.Key, pair.Value)
	}
}

// attributeValues is how many values of one attribute stand in a card, the latest
// seen. Some sources state one with every event, such as a session's number; all
// of them stay in the lake.
const attributeValues = 20

// person fills in the personal values, each list with the latest seen first. A
// single field is the first of its list.
func (b *Builder) person(c *Card, d *draft) {
	facts := tidy(d.facts)
	slices.SortFunc(facts, func(a, b fact) int {
		return cmp.Or(cmp.Compare(a.about, b.about), strings.Compare(a.key, b.key), cmp.Compare(b.last, a.last), strings.Compare(a.value, b.value))
	})
	p := &c.Person
	p.ClientID, p.Tokens = c.ClientID, c.Tokens
	lists := [factAttribute + 1]*[]schema.ValueRow{
		factPhone: &p.Phones, factEmail: &p.Emails, factName: &p.Names, factBirth: &p.BirthDates, factCity: &p.Cities,
		factAddress: &p.Addresses, factCompany: &p.Companies, factCard: &p.Cards,
	}
	single := [factAttribute + 1]*string{
		factName: &p.Name, factFirstName: &p.FirstName, factLastName: &p.LastName, factGender: &p.Gender, factCity: &p.City,
		factCountry: &p.Country, factAddress: &p.Address, factCompany: &p.Company,
	}
	for _, f := range facts {
		if list := lists[f.about]; list != nil {
			*list = append(*list, schema.ValueRow{Value: f.value, Since: timeOf(f.since), Last: timeOf(f.last)})
		}
		if field := single[f.about]; field != nil && *field == "" {
			*field = f.value
		}
		if n := len(p.Attributes); f.about == factAttribute && (n < attributeValues || p.Attributes[n-attributeValues].Key != f.key) {
			p.Attributes = append(p.Attributes, schema.AttributeRow{Key: f.key, Value: f.value, Since: timeOf(f.since), Last: timeOf(f.last)})
		}
	}
	p.BirthDate = birthOf(p.BirthDates)
	if p.FirstName+p.LastName == "" && b.options.ParseName != nil {
		p.FirstName, p.LastName = b.options.ParseName(p.Name)
	}
}

// birthOf is the latest date of birth. One without a year, --MM-DD, tells less:
// it counts where no whole one is known.
func birthOf(dates []schema.ValueRow) string {
	latest := ""
	for _, d := range dates {
		if !strings.HasPrefix(d.Value, "--") {
			return d.Value
		}
		latest = cmp.Or(latest, d.Value)
	}
	return latest
}

// BirthMonthDay is the MM-DD of a date of birth YYYY-MM-DD or --MM-DD; empty for
// anything else.
func BirthMonthDay(date string) string {
	switch {
	case len(date) == len("--MM-DD") && strings.HasPrefix(date, "--"):
		return date[2:]
	case len(date) == len("YYYY-MM-DD") && date[4] == '-' && date[7] == '-':
		return date[5:]
	}
	return ""
}
