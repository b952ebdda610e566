package segment_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/schema"
	"github.com/leadlake/leadlake/lib/segment"
)

// dice makes rules and rows from one seed.
type dice struct{ *rand.Rand }

func pick[T any](d dice, from ...T) T { return from[d.IntN(len(from))] }

func (d dice) number(depth int) string {
	if depth > 0 && d.IntN(3) == 0 {
		return "(" + d.number(depth-1) + pick(d, " + ", " - ", " * ", " / ", " % ") + d.number(depth-1) + ")"
	}
	return pick(
		d, "orders", "order_days", "revenue_minor", "recency_days", "r", "f", "contacts_30d", "-recency_days", "size(tags)", "days_since(last_contact_day)",
		"days_until(birth_month_day)", "days_until(child_birthdays)", "days_since(as_of)", strconv.Itoa(d.IntN(7)-1), strconv.Itoa(d.IntN(300)), "9223372036854775807",
	)
}

func (d dice) word() string {
	return pick(d, "city", "abc", "lifecycle", "consents.ads", `consents["email"]`, "manager", "last_contact_day", "as_of", `"A"`, `"Москва"`, `"given"`, `"2026-01-05"`, `""`)
}

func (d dice) leaf() string {
	order := func() string { return pick(d, " == ", " != ", " < ", " <= ", " > ", " >= ") }
	switch d.IntN(12) {
	case 0, 1:
		return d.number(2) + order() + d.number(2)
	case 2, 3:
		return d.word() + order() + d.word()
	case 4:
		return d.word() + ` in ["A", "Москва", "given", "lead"]`
	case 5:
		return d.number(1) + " in [0, 1, 2, 133]"
	case 6:
		return d.word() + " in " + pick(d, "tags", "labels", "categories")
	case 7:
		return pick(d, "city", "recency_days", "p_alive", "manager", "last_contact_day") + pick(d, " == null", " != null")
	case 8:
		return pick(d, "p_alive", "rating", "lead_score") + pick(d, " < ", " >= ", " > ", " <= ") + pick(d, "0.5", "1", "orders", "recency_days", "p_alive")
	case 9:
		return d.word() + pick(d, ".startsWith(", ".endsWith(", ".contains(") + d.word() + ")"
	case 10:
		return pick(d, "true", "false", "tags.exists(t, t == city)", "orders > 1 ? abc == \"A\" : rating > 2", "categories == tags", `city.matches("М.*")`)
	default:
		return pick(d, "orders", "revenue_minor") + order() + "orders"
	}
}

func (d dice) rule(depth int) string {
	if depth == 0 || d.IntN(4) == 0 {
		return d.leaf()
	}
	switch d.IntN(3) {
	case 0:
		return "!(" + d.rule(depth-1) + ")"
	case 1:
		return "(" + d.rule(depth-1) + " && " + d.rule(depth-1) + ")"
	default:
		return "(" + d.rule(depth-1) + " || " + d.rule(depth-1) + ")"
	}
}

func maybe[T any](d dice, from ...T) *T {
	if d.IntN(3) == 0 {
		return nil
	}
	v := pick(d, from...)
	return &v
}

func (d dice) row() schema.ClientRow {
	words := []string{"A", "Москва", "given", "vip", "кофе", ""}
	some := func() []string { return words[:d.IntN(len(words))] }
	return schema.ClientRow{
		ClientID: "c", Orders: d.Int64N(5), OrderDays: d.Int64N(3), RevenueMinor: pick(d, int64(0), -1, 1<<53, -1<<63, 250), RecencyDays: maybe(d, int64(0), 1, 133, 366),
		R: maybe(d, int64(1), 2, 3), F: maybe(d, int64(1), 2), ABC: maybe(d, "A", "B"), Lifecycle: pick(d, "lead", "regular"), City: maybe(d, words...), Manager: maybe(d, words...),
		Tags: some(), Labels: some(), Categories: some(), Contacts30d: d.Int64N(3), LastContactDay: maybe(d, "2026-01-05", "2024-02-29", "no day"),
		BirthMonthDay: maybe(d, "02-29", "11-20", "11-19", "13-01"), ChildBirthdays: pick(d, nil, []string{"11-21", "01-01"}, []string{"x"}),
		PAlive: maybe(d, 0, 0.5, 1), Rating: maybe(d, 2.0, 4.5), LeadScore: maybe(d, 1.0, 133),
		Consents: pick(d, consents(), consents("ads", "given"), consents("ads", "withdrawn", "email", "given")),
	}
}

// Functions over rows answer as cel-go does, to what is unknown and to overflow.
func TestFunctionsAgreeWithCEL(t *testing.T) {
	d := dice{rand.New(rand.NewPCG(6, 1))}
	c := compiler(t)
	tried, answers := 0, map[string]int{}
	for range 3000 {
		text := d.rule(3)
		fast, slow, err := segment.Both(c, text)
		if err != nil {
			continue // two types that do not go together
		}
		tried++
		for range 10 {
			row := d.row()
			got, want := fast(&row), slow(&row)
			answers[want]++
			if got != want {
				t.Fatalf("%s\n= %s, cel-go says %s of %+v", text, got, want, row)
			}
		}
	}
	if tried < 1000 || answers["yes"] < 1000 || answers["no"] < 1000 || answers["unknown"] < 1000 {
		t.Errorf("%d rules tried, answers %v: too few to tell", tried, answers)
	}
}

// A rule that is refused because nobody could meet it is met by no row that is
// tried.
func TestRefusedRulesAreNeverMet(t *testing.T) {
	d := dice{rand.New(rand.NewPCG(6, 2))}
	c := compiler(t)
	refused := 0
	for range 2000 {
		leaf := func() string {
			return pick(
				d, "orders", "recency_days", "r", "contacts_30d",
			) + pick(d, " == ", " != ", " < ", " <= ", " > ", " >= ") + strconv.Itoa(d.IntN(4))
		}
		word := func() string {
			return pick(d, `abc == "A"`, `abc != "A"`, `abc in ["A", "B"]`, `abc == null`, `city == "Москва"`, `city != "Москва"`, `"vip" in labels`, `consents.ads == "given"`)
		}
		parts := []string{}
		for range 2 + d.IntN(3) {
			parts = append(parts, pick(d, leaf(), word(), "!("+leaf()+")", "!("+leaf()+" || "+word()+")"))
		}
		text := strings.Join(parts, " && ")
		_, faults := c.Compile(text)
		if len(faults) == 0 {
			continue
		}
		_, slow, err := segment.Both(c, text)
		if err != nil {
			t.Fatal(err)
		}
		refused++
		for range 300 {
			row := d.row()
			if slow(&row) == "yes" {
				t.Fatalf("%s is refused (%s) and true of %+v", text, faults[0].Reason, row)
			}
		}
	}
	if refused < 200 {
		t.Errorf("%d rules refused: too few to tell", refused)
	}
}

// million is a base of that many clients, made of a thousand different ones.
func million() []schema.ClientRow {
	d := dice{rand.New(rand.NewPCG(6, 3))}
	kinds := make([]schema.ClientRow, 1000)
	for i := range kinds {
		kinds[i] = d.row()
		kinds[i].RFMCode = maybe(d, "132", "133", "333", "111")
		kinds[i].Categories = pick(d, nil, []string{"tea", "milk", "coffee"}, []string{"tea"})
	}
	clients := make([]schema.ClientRow, 1_000_000)
	for i := range clients {
		clients[i] = kinds[d.IntN(len(kinds))]
		clients[i].ClientID = fmt.Sprintf("c%08d", i)
	}
	return clients
}

const workedRule = `rfm_code in ["132","133"] && consents.ads == "given" && recency_days > 90 && "coffee" in categories`

// BenchmarkRule evaluates the worked rule of the issue over 1 M clients, on two
// goroutines as a night does.
func BenchmarkRule(b *testing.B) {
	clients := million()
	one := []segment.Segment{{Key: "worked", Family: segment.FamilyOwn, Rule: compiled(b, workedRule)}}
	slow := []segment.Segment{{Key: "worked", Family: segment.FamilyOwn, Rule: compiled(b, `rfm_code in ["132","133"] && tags.exists(t, t == "vip")`)}}
	many := segmentsOf(config.Default(), clients, night)
	for _, run := range []struct {
		name     string
		segments []segment.Segment
	}{{"worked", one}, {"cel-go", slow}, {fmt.Sprintf("builtin-%d", len(many)), many}} {
		b.Run(run.name, func(b *testing.B) {
			for b.Loop() {
				segment.Match(run.segments, clients)
			}
		})
	}
}
