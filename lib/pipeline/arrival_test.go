package pipeline_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/schema"
)

// told is one event of a source, which a delivery carries alone or in a batch.
type told struct {
	at           time.Time
	source, body string
}

// chronicle is a month in which everything happens that cards are made of: requests of
// one deal, calls in phases, values that people share and that join them later,
// consents at one instant, ids that two sources use, costs that are restated.
func chronicle(seed uint64) []told {
	times, bodies := month(seed, 40)
	var all []told
	for i := range bodies {
		all = append(all, told{times[i], "till", bodies[i]})
	}
	random := rand.New(rand.NewPCG(seed, 3))
	begin := at("2026-11-01T00:00:00Z")
	say := func(source, id, kind, client, rest string) {
		when := begin.Add(time.Duration(random.IntN(26*24)) * time.Hour) // at full hours: ties are wanted
		all = append(all, told{when, source, fmt.Sprintf(`{"id": "%s", "kind": "%s", "at": "%s", "client": {%s}%s}`, id, kind, when.Format(time.RFC3339), client, rest)})
	}
	who := func() string {
		i := random.IntN(40)
		return []string{
			fmt.Sprintf(`"phone": "8 (916) 222-%02d-%02d"`, i/100, i%100),
			fmt.Sprintf(`"email": "P%d@kofe.ru", "name": "Анна %d", "city": "Тверь"`, i/3*3, i),
			fmt.Sprintf(`"phone": "+7916222%04d", "references": ["crm_deal:%d"], "attributes": {"pet": "dog %d"}`, i, i/2, i%4),
			fmt.Sprintf(`"external_id": "C-%d", "phone": "+7916222%04d", "birth_date": "1990-02-%02d"`, i/4, i, 1+i%28),
			fmt.Sprintf(`"phone": "+74950000001", "email": "p%d@office.ru", "name": "Сотрудник %d", "company": "ООО"`, i, i),
			fmt.Sprintf(`"card_no": "card %d", "first_name": "Анна", "loyalty_level": "level %d"`, i, i%3),
		}[random.IntN(6)]
	}
	for i := range 150 {
		id, source := fmt.Sprint("n", i), []string{"till", "crm"}[i%2]
		switch random.IntN(8) {
		case 0:
			say(source, id, "lead", who(), fmt.Sprintf(`, "entity": "deal:%d", "interests": ["tea", "cups"], "manager": "olga", "attribution": {"utm_source": "vk", "utm_campaign": "c%d"}`, random.IntN(20), random.IntN(3)))
		case 1:
			say(source, id, "contact", who(), fmt.Sprintf(`, "entity": "call:%d", "contact": {"channel": "call", "direction": "in", "result": "%s"}`, random.IntN(30), []string{"answered", "missed"}[random.IntN(2)]))
		case 2:
			say(source, id, "stage", who(), `, "stage": "visited", "manager": "boris"`)
		case 3:
			say(source, id, "contact", who(), fmt.Sprintf(`, "contact": {"channel": "review", "rating": %d}`, random.IntN(6)))
		case 4:
			when := begin.Add(time.Duration(random.IntN(3)) * 24 * time.Hour)
			say(source, id, "consent", who(), fmt.Sprintf(`, "consents": [{"purpose": "ads", "given": %t, "at": "%s", "evidence": "form %d"}]`, random.IntN(2) == 0, when.Format(time.RFC3339), i%4))
		case 5:
			say(source, id, "unsubscribe", who(), `, "unsubscribe": {"channel": "email"}`)
		case 6:
			say(source, id, "lead", who(), `, "interests": ["tea"], "attribution": {"yclid": "1", "landing": "https://shop.example/?utm_campaign=b", "referrer": "https://ya.ru/"}`)
		default:
			say(source, id, "cost", "", fmt.Sprintf(`, "entity": "cost:vk:%d", "cost": {"day": "2026-11-%02d", "source": "vk", "campaign": "c%d", "amount": "%d.00"}`, random.IntN(5), 1+random.IntN(5), random.IntN(3), 100+i))
		}
	}
	// Two sources use one id at one instant and say different things.
	for i, source := range []string{"till", "crm"} {
		all = append(all, told{begin, source, fmt.Sprintf(
			`{"id": "same", "kind": "profile", "at": "%s", "client": {"phone": "+79162220001", "preferred_channel": "%s", "city": "City %d"}, "manager": "m%d", "consents": [{"purpose": "sms", "given": true, "text_version": "%d"}]}`,
			begin.Format(time.RFC3339), []string{"call", "messenger"}[i], i, i, i)})
	}
	slices.SortStableFunc(all, func(a, b told) int { return a.at.Compare(b.at) })
	return all
}

// people is lake/people without which run it is of.
func (w *world) people() string {
	w.Helper()
	return fmt.Sprint(table[schema.PersonRow](w, "lake/people/part-0000.parquet"), table[schema.TokenRow](w, "lake/people/tokens/part-0000.parquet"))
}

func TestOrderOfArrivalChangesNoTable(t *testing.T) {
	events := chronicle(1)
	var want map[string]string
	var people string
	for seed := range uint64(4) {
		w := newWorld(t)
		random := rand.New(rand.NewPCG(seed, 7))
		order := random.Perm(len(events))
		if seed == 0 {
			slices.Sort(order) // as it happened
		}
		begin := at("2026-11-20T00:00:00Z")
		for n := 0; n < len(order); {
			size := 1
			if seed > 1 { // in batches of one source
				size = 1 + random.IntN(12)
			}
			first := events[order[n]]
			var batch []string
			for ; n < len(order) && len(batch) < size && events[order[n]].source == first.source; n++ {
				batch = append(batch, events[order[n]].body)
			}
			w.now = first.at
			if seed > 0 { // over ten days, in any order
				w.now = begin.Add(time.Duration(n) * 240 * time.Hour / time.Duration(len(order)))
			}
			if body := strings.Join(batch, ","); len(batch) == 1 {
				w.post(first.source, body)
			} else {
				w.post(first.source, "["+body+"]")
			}
			if random.IntN(20) == 0 {
				w.compact()
			}
		}
		w.now = at("2026-12-02T00:00:00Z")
		w.compact()
		if n := w.outcomes()[schema.OutcomeFailed]; n > 0 {
			t.Fatalf("%d deliveries failed", n)
		}
		w.night("2026-11-28")
		got, persons := w.gold(), w.people()
		if seed == 0 {
			want, people = got, persons
			rich(t, rows[schema.ClientRow](w), rows[schema.ConsentStateRow](w), rows[schema.HistoryRow](w))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("shuffle %d (-as it happened +shuffled):\n%s", seed, diff)
		}
		if persons != people {
			t.Errorf("shuffle %d gives other people", seed)
		}
	}
	if len(want) < 10 {
		t.Errorf("tables compared: %v", want)
	}
}

// rich checks that the story has filled what is compared.
func rich(t *testing.T, clients []schema.ClientRow, consents []schema.ConsentStateRow, spans []schema.HistoryRow) {
	t.Helper()
	filled := map[string]int{"consents": len(consents), "history": len(spans)}
	for _, c := range clients {
		for name, has := range map[string]bool{
			"medium": c.Medium != nil, "last source": c.LastSource != nil, "campaign": c.Campaign != nil, "hours": c.PreferredHours != nil,
			"rating": c.Rating != nil, "contacts": c.Contacts30d > 0, "labels": len(c.Labels) > 0, "lead day": c.LeadDay != nil,
			"manager": c.Manager != nil, "merged": c.RecordsMerged > 1, "visited": c.Stage != nil && *c.Stage == "visited", "birth": c.BirthMonthDay != nil,
		} {
			if has {
				filled[name]++
			}
		}
	}
	if len(filled) != 14 || slices.Min(slices.Collect(maps.Values(filled))) == 0 {
		t.Errorf("the story tells too little: %v", filled)
	}
}
