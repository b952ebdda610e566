package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/analytics"
	"github.com/leadlake/leadlake/lib/card"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/schema"
)

// clientRows joins cards and scores, both ordered by client id.
func clientRows(n *night) []schema.ClientRow {
	place := 0 // of the next client with a purchase
	last := n.end.Add(-time.Microsecond)
	rows := make([]schema.ClientRow, len(n.cards))
	for i := range n.cards {
		c := &n.cards[i]
		row := cardRow(c, n.location)
		standing := card.Standing{
			RecencyDays: -1, FirstDays: -1,
			IdleDays: wholeDays(c.LastAt, last, n.location), AgeDays: wholeDays(c.FirstAt, last, n.location),
		}
		if place < n.base.Len() && n.base.Number(place) == i { // cards are in the order of the numbers
			s := n.scores.Client(place)
			place++
			fillScores(&row, &s)
			standing.Purchases, standing.RecencyDays = s.Orders, s.RecencyDays
			standing.FirstDays = s.RecencyDays + int64(s.LastDay-s.FirstDay)
			standing.ClassA, standing.BestRecency = s.ABC == "A", s.Code != "" && s.R == n.cfg.Metrics.RFM.Groups
		}
		if row.Orders > 0 {
			if len(n.cfg.Funnel) > 0 {
				row.Stage = known(n.cfg.Funnel[len(n.cfg.Funnel)-1])
			}
			if row.LeadDay == nil || *row.FirstOrderDay < *row.LeadDay {
				row.LeadDay = row.FirstOrderDay
			}
		}
		row.Lifecycle, row.Activity = card.Lifecycle(*c, standing, n.cfg.Metrics), card.Activity(standing, n.cfg.Metrics)
		row.Labels = card.Labels(*c, standing, n.cfg)
		row.UnfinishedDay = known(n.unfinished[i])
		row.ChildBirthdays, row.PetBirthdays = familyBirthdays(c, last.In(n.location))
		rows[i] = row
	}
	return rows
}

// cardRow is what a card alone says of a client. The entry into the funnel is the
// day of the first stage reached; a purchase, which is one, is added later.
func cardRow(c *card.Card, location *time.Location) schema.ClientRow {
	row := schema.ClientRow{
		ClientID: c.ClientID, ExternalIDs: c.ExternalIDs, Stage: known(c.Stage), Interests: c.Interests,
		City: known(c.Person.City), Company: known(c.Person.Company), LoyaltyLevel: known(c.LoyaltyLevel),
		Source: known(c.Source), Medium: known(c.Medium), Campaign: known(c.Campaign),
		LastSource: known(c.Last.Source), LastMedium: known(c.Last.Medium), LastCampaign: known(c.Last.Campaign),
		Manager: known(c.Manager), Tags: c.Tags, PreferredChannel: known(c.PreferredChannel), PreferredHours: known(c.PreferredHours),
		Rating: c.Rating, RecordsMerged: int64(c.Records), Contacts30d: c.Contacts30d, Consents: schema.MapOf(c.Consents.States()),
		BirthMonthDay: known(card.BirthMonthDay(c.Person.BirthDate)), Answered: c.Contacted,
	}
	if !c.Empty() {
		row.FirstEventDay = known(c.FirstAt.In(location).Format(time.DateOnly))
		row.LastEventDay = known(c.LastAt.In(location).Format(time.DateOnly))
	}
	for _, token := range c.Tokens {
		if token != c.ClientID {
			row.Aliases = append(row.Aliases, token)
		}
	}
	if !c.LastContactAt.IsZero() {
		row.LastContactDay = known(c.LastContactAt.In(location).Format(time.DateOnly))
	}
	for _, r := range c.Reached {
		if day := r.At.In(location).Format(time.DateOnly); row.LeadDay == nil || day < *row.LeadDay {
			row.LeadDay = &day
		}
	}
	return row
}

// familyBirthdays are the birthdays of children and of pets, MM-DD, each once.
func familyBirthdays(c *card.Card, asOf time.Time) (children, pets []string) {
	for _, b := range card.Birthdays(c, asOf) { // by who, then day
		switch b.Who {
		case schema.BirthdayChild:
			children = append(children, b.MonthDay)
		case schema.BirthdayPet:
			pets = append(pets, b.MonthDay)
		}
	}
	return children, pets
}

// consentRows is the state of every consent that was ever stated, by client.
func consentRows(cards []card.Card) []schema.ConsentStateRow {
	var rows []schema.ConsentStateRow
	for i := range cards {
		rows = append(rows, card.ConsentRows(&cards[i])...)
	}
	return rows
}

// historyOf reads the spans of a run; a run made before there were any has none.
func historyOf(ctx context.Context, store objstore.Store, run *lake.Run) ([]schema.HistoryRow, error) {
	if _, ok := run.Tables[schema.HistoryRow{}.Table()]; !ok {
		return nil, nil
	}
	return lake.ReadRunTable[schema.HistoryRow](ctx, store, run)
}

func fillScores(row *schema.ClientRow, s *analytics.Scored) {
	row.FirstOrderDay, row.LastOrderDay = known(s.FirstDay.String()), known(s.LastDay.String())
	row.Orders, row.OrderDays, row.RevenueMinor = s.Orders, s.OrderDays, s.RevenueMinor
	row.RecencyDays = &s.RecencyDays
	if s.AverageKnown {
		row.AverageOrderMinor = &s.AverageMinor
	}
	if s.Code != "" {
		r, f, m := int64(s.R), int64(s.F), int64(s.M)
		row.R, row.F, row.M = &r, &f, &m
		row.RFMCode, row.RFMSegment = known(s.Code), known(s.Segment)
	}
	row.ABC, row.XYZ, row.CohortMonth, row.Categories = known(s.ABC), known(s.XYZ), known(s.CohortMonth), s.Categories
	row.PAlive, row.ExpectedOrders90d, row.ExpectedValueMinor = s.PAlive, s.ExpectedOrders90d, s.ExpectedValueMinor
}

// known is nil for an empty text: unknown stays unknown.
func known(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// wholeDays counts calendar days of the business from one instant to a later one.
func wholeDays(from, to time.Time, location *time.Location) int64 {
	day := func(t time.Time) time.Time {
		y, m, d := t.In(location).Date()
		return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	}
	return int64(day(to).Sub(day(from)) / (24 * time.Hour))
}

// codeMoves counts clients by the code of the predecessor run and of this one,
// looked up through aliases; those whose code stayed are counted too.
func codeMoves(before, now []schema.ClientRow) []schema.RFMMoveRow {
	old := make(map[string]string, len(before))
	for _, c := range before {
		if c.RFMCode != nil {
			old[c.ClientID] = *c.RFMCode
		}
	}
	counts := map[[2]string]int64{}
	for _, c := range now {
		if c.RFMCode == nil {
			continue
		}
		from := old[c.ClientID]
		for i := 0; from == "" && i < len(c.Aliases); i++ {
			from = old[c.Aliases[i]]
		}
		counts[[2]string{from, *c.RFMCode}]++
	}
	moves := make([]schema.RFMMoveRow, 0, len(counts))
	for move, clients := range counts {
		moves = append(moves, schema.RFMMoveRow{FromCode: move[0], ToCode: move[1], Clients: clients})
	}
	slices.SortFunc(moves, func(a, b schema.RFMMoveRow) int {
		return cmp.Or(strings.Compare(a.FromCode, b.FromCode), strings.Compare(a.ToCode, b.ToCode))
	})
	return moves
}

const (
	peopleKey = lake.PeoplePrefix + "part-0000.parquet"
	tokensKey = lake.PeoplePrefix + "tokens/part-0000.parquet"
)

// metaRun is the footer entry that says which run people and tokens are of.
const metaRun = "leadlake.run"

// peopleAreOf reports whether the contact values were written for a run: a night
// that broke off right after it was published has to do it yet.
func (p *Pipeline) peopleAreOf(ctx context.Context, run *lake.Run) (bool, error) {
	body, _, err := p.store.Get(ctx, tokensKey) // the last of the two
	if errors.Is(err, objstore.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("pipeline: read token index: %w", err)
	}
	of, err := schema.Metadata(body, metaRun)
	return of == run.Run, err
}

// writePeople replaces the contact values of all clients and the index of
// tokens, unless another night has come in force meanwhile.
func (p *Pipeline) writePeople(ctx context.Context, n *night) error {
	if run, err := lake.Current(ctx, p.store); err != nil || run.RunRef != n.run.RunRef {
		return err
	}
	people := make([]schema.PersonRow, 0, len(n.cards))
	var tokens []schema.TokenRow
	for i := range n.cards {
		c := &n.cards[i]
		if !c.Empty() {
			people = append(people, c.Person)
		}
		for _, token := range c.Tokens {
			tokens = append(tokens, schema.TokenRow{Token: token, ClientID: c.ClientID})
		}
	}
	slices.SortFunc(tokens, func(a, b schema.TokenRow) int { return strings.Compare(a.Token, b.Token) })
	body, err := schema.Encode(people, schema.Pair{Key: metaRun, Value: n.run.Run})
	if err != nil {
		return err
	}
	if _, err := p.store.Put(ctx, peopleKey, body); err != nil {
		return fmt.Errorf("pipeline: write people: %w", err)
	}
	if body, err = schema.Encode(tokens, schema.Pair{Key: metaRun, Value: n.run.Run}); err != nil {
		return err
	}
	if _, err := p.store.Put(ctx, tokensKey, body); err != nil {
		return fmt.Errorf("pipeline: write token index: %w", err)
	}
	return nil
}
