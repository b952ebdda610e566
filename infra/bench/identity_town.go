package main

import (
	"fmt"
	"time"

	"github.com/leadlake/leadlake/lib/card"
	"github.com/leadlake/leadlake/lib/identity"
)

// town makes the records of a base at scale, the same for the same numbers: a few
// people make most of the records, some share values, deals are referred to. A
// record is a function of its number.
type town struct {
	events, people int
	begin          time.Time
	span           time.Duration
	tokens         []string // scratch of one record
}

// A person has a phone, 60 % an e-mail, 70 % an id of the CRM, 20 % a card, and a
// half a deal.
const identifiersOfPerson = 2.76

// eventsOfDay makes ten million events the work of two years.
const eventsOfDay = 13_700

func newTown(events, identifiers int) *town {
	return &town{
		events: events, people: max(1, int(float64(identifiers)/identifiersOfPerson)),
		begin: time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC), span: time.Duration(1+events/eventsOfDay) * 24 * time.Hour,
	}
}

// spread is a number that looks random, the same for the same arguments.
func spread(seed, i uint64) uint64 {
	h := (i+1)*0x9e3779b97f4a7c15 ^ seed*0xbf58476d1ce4e5b9
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

const townAlphabet = "0123456789abcdefghjkmnpqrstvwxyz"

// townToken has the form of a keyed token.
func townToken(kind byte, i uint64) string {
	var text [27]byte
	text[0] = kind
	a, b := spread(uint64(kind), i), spread(uint64(kind)+1000, i)
	for j := range 13 {
		text[1+j], text[14+j] = townAlphabet[a>>(5*j)&31], townAlphabet[b>>(5*j)&31]
	}
	return string(text[:])
}

// person is who a record is of: everybody once, then a few much more often than
// others.
func (t *town) person(i int) uint64 {
	if i < t.people {
		return uint64(i) //nolint:gosec // G115: never negative
	}
	x := float64(spread(1, uint64(i))>>11) / (1 << 53) //nolint:gosec // G115: as above
	return uint64(x * x * x * float64(t.people))
}

// record fills rec with the record of a number. Its tokens are good until the
// next call.
func (t *town) record(i int, rec *card.Record) {
	who, dice := t.person(i), spread(2, uint64(i)) //nolint:gosec // G115: as above
	roll := func(percent uint64) bool {
		dice = spread(3, dice)
		return dice%1000 < percent*10
	}
	has := spread(4, who)
	t.tokens = t.tokens[:0]
	if has%10 < 2 && roll(50) {
		t.tokens = append(t.tokens, townToken(identity.KindCard, who))
	}
	if has>>8%10 < 7 && roll(60) {
		t.tokens = append(t.tokens, townToken(identity.KindExternal, who))
	}
	switch {
	case dice>>20%200 == 0: // an office's phone
		t.tokens = append(t.tokens, townToken(identity.KindPhone, 1<<40+dice>>30%500))
	case has>>16%50 == 0 && who > 0: // a family's
		t.tokens = append(t.tokens, townToken(identity.KindPhone, who-1))
	case roll(75) || len(t.tokens) == 0:
		t.tokens = append(t.tokens, townToken(identity.KindPhone, who))
	}
	if has>>24%10 < 6 && roll(60) {
		t.tokens = append(t.tokens, townToken(identity.KindEmail, who))
	}
	if has>>32%2 == 0 && roll(40) {
		deal := who
		if dice>>40%50 == 0 { // somebody else's, too
			deal = who ^ 1
		}
		t.tokens = append(t.tokens, townToken(identity.KindReference, deal))
	}
	rec.At = t.at(i)
	rec.Tokens = t.tokens
	rec.Source = townSources()[dice>>50%3]
	rec.Name = ""
	if roll(70) {
		rec.Name = townName(who)
	}
}

func townSources() [3]string { return [3]string{"site", "crm", "till"} }

func townName(who uint64) string {
	return fmt.Sprintf("Фамилия%d Имя%d", spread(5, who)%50_000, spread(6, who)%500)
}

// at is when a record came: they come evenly.
func (t *town) at(i int) time.Time {
	return t.begin.Add(time.Duration(float64(i) / float64(t.events) * float64(t.span))).Truncate(time.Microsecond)
}
