package segment_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/schema"
	"github.com/leadlake/leadlake/lib/segment"
)

const night = "2026-11-20"

func compiler(t testing.TB) *segment.Compiler {
	t.Helper()
	c, err := segment.NewCompiler(config.Default(), night)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func compiled(t testing.TB, rule string) *segment.Rule {
	t.Helper()
	r, faults := compiler(t).Compile(rule)
	if len(faults) > 0 {
		t.Fatalf("%s: %v", rule, faults)
	}
	return r
}

func consents(pairs ...string) schema.Map {
	var m schema.Map
	for i := 0; i < len(pairs); i += 2 {
		m.Pairs = append(m.Pairs, schema.Pair{Key: pairs[i], Value: pairs[i+1]})
	}
	return m
}

// anna has everything, boris nothing but his id.
func anna() schema.ClientRow {
	return schema.ClientRow{
		ClientID: "anna", FirstOrderDay: new("2025-01-10"), LastOrderDay: new("2026-07-10"), Orders: 7, OrderDays: 6, RevenueMinor: 1_234_500, AverageOrderMinor: new(int64(176_357)),
		RecencyDays: new(int64(133)), R: new(int64(1)), F: new(int64(3)), M: new(int64(2)), RFMCode: new("132"), RFMSegment: new("cant_lose"),
		ABC: new("A"), CohortMonth: new("2025-01"), Lifecycle: "regular", Activity: "cooling", Labels: []string{"key", "vip"}, Interests: []string{"кофе"},
		Categories: []string{"кофе", "coffee"}, City: new("Нижний Новгород"), Tags: []string{"просила скидку"}, BirthMonthDay: new("11-25"), PAlive: new(0.5),
		Consents: consents("ads", "given", "email", "withdrawn"), LastContactDay: new("2026-08-22"), Rating: new(4.0), ChildBirthdays: []string{"01-05", "11-22"},
	}
}

func boris() schema.ClientRow {
	return schema.ClientRow{ClientID: "boris", Lifecycle: "lead", Activity: "new"}
}

func TestFactsAreTheColumnsOfClients(t *testing.T) {
	row := reflect.TypeFor[schema.ClientRow]()
	for field := range row.Fields() {
		column, _, _ := strings.Cut(field.Tag.Get("parquet"), ",")
		rule := "size(" + column + ") >= 100"
		switch field.Type {
		case reflect.TypeFor[*string](), reflect.TypeFor[*int64](), reflect.TypeFor[*float64]():
			rule = column + " != null"
		case reflect.TypeFor[int64]():
			rule = column + " > 1"
		case reflect.TypeFor[schema.Map]():
			rule = column + `.ads == "given"`
		case reflect.TypeFor[bool]():
			rule = column
		case reflect.TypeFor[string]():
			rule = column + ` != "lead"`
			if column == "activity" {
				rule = `activity != "new"`
			}
		}
		compiled(t, rule)
	}
}

func TestRules(t *testing.T) {
	for _, test := range []struct {
		rule        string
		anna, boris bool
	}{
		{`rfm_code in ["132","133"] && consents.ads == "given" && recency_days > 90 && "coffee" in categories`, true, false},
		{`recency_days > 90`, true, false},
		{`recency_days > 133`, false, false},
		{`recency_days >= 133 && recency_days <= 133`, true, false},
		{`!(recency_days > 200)`, true, false}, // what is not known stays unknown
		{`recency_days == null`, false, true},
		{`recency_days != null`, true, false},
		{`recency_days == null || recency_days > 90`, true, true},
		{`recency_days != 5`, true, true}, // null is not 5
		{`city == "Нижний Новгород"`, true, false},
		{`city != "Москва"`, true, true},
		{`city.startsWith("Нижний")`, true, false},
		{`!city.startsWith("Моск")`, true, false},
		{`"кофе" in interests || "чай" in interests`, true, false},
		{`!("кофе" in interests)`, false, true},
		{`"просила скидку" in tags`, true, false},
		{`consents.email == "withdrawn"`, true, false},
		{`consents["sms"] == "unknown"`, true, true},
		{`consents.ads != "given"`, false, true},
		{`consents.ads in ["given", "unknown"] && consents.sms in ["unknown"]`, true, true},
		{`p_alive > 0.4 && p_alive < 1`, true, false},
		{`p_alive >= 0.5`, true, false},
		{`revenue_minor / orders > 170000`, true, false}, // by nothing: unknown
		{`revenue_minor > 100 * 12345 - 1`, true, false},
		{`-recency_days < -132`, true, false},
		{`days_since(last_contact_day) == 90`, true, false},
		{`last_contact_day == null || days_since(last_contact_day) > 90`, false, true},
		{`days_until(birth_month_day) == 5`, true, false},
		{`days_until(birth_month_day) < 5`, false, false},
		{`days_until(child_birthdays) == 2`, true, false},
		{`days_since("2026-11-01") > 5 && orders == 0`, false, true},
		{`first_order_day >= "2025-01-01" && first_order_day < "2026-01-01"`, true, false},
		{`last_order_day < as_of`, true, false},
		{`cohort_month == "2025-01"`, true, false},
		{`size(tags) > 0`, true, false},
		{`tags.exists(t, t.contains("скидк"))`, true, false},
		{`categories.all(c, c != "чай") && orders > 0`, true, false},
		{`orders > 3 ? abc == "A" : lifecycle == "lead"`, true, true},
		{`city.matches("^Н.*од$") && size(city) == 15`, true, false},
		{`rating > 3 || orders == 0`, true, true},
		{`r + f + m == 6`, true, false},
		{`first_order_day == last_order_day`, false, true}, // both unknown
		{"orders > 3 &&\n// рекламу разрешили\nconsents.ads == \"given\"", true, false},
	} {
		rule := compiled(t, test.rule)
		a, b := anna(), boris()
		if got := [2]bool{rule.Match(&a), rule.Match(&b)}; got != [2]bool{test.anna, test.boris} {
			t.Errorf("%s: anna %v, boris %v, want %v, %v", test.rule, got[0], got[1], test.anna, test.boris)
		}
	}
}

func TestBadRulesAreRefused(t *testing.T) {
	for _, test := range []struct {
		rule   string
		offset int
		reason string
	}{
		{`recency_day > 90`, 0, "recency_day: unknown field, did you mean recency_days?"},
		{`orders > 1 && Recency_Days > 90`, 14, "Recency_Days: unknown field, did you mean recency_days?"},
		{`"кофе" in categoris`, 10, "categoris: unknown field, did you mean categories?"},
		{`зю == 1`, 0, "cannot be read: "},
		{`wholly_unlike == 1`, 0, "wholly_unlike: unknown field"},
		{`recency_days > "90"`, 13, "> does not go with a whole number and text"},
		{`city == 5`, 5, "== does not go with text and a whole number"},
		{`"a" in city`, 4, "in does not go with text and text"},
		{`orders == null`, 7, "null"},
		{`orders`, 0, "the rule is a whole number, want a condition"},
		{``, 0, "an empty rule"},
		{`orders >`, 8, "cannot be read: "},
		{`consents.adds == "given"`, 0, "consents has no purpose adds: one of processing, ads, email, sms, call, messenger, did you mean ads?"},
		{`consents.ads == "gven"`, 16, `consents.ads is never "gven": it is one of given, withdrawn, unknown, did you mean given?`},
		{`abc == "D"`, 7, `abc is never "D": it is one of A, B, C`},
		{`rfm_code in ["132", "134"]`, 20, `rfm_code is never "134"`},
		{`"vp" in labels`, 0, `labels is never "vp": it is one of vip, partner, key, newcomer, active_base, did you mean vip?`},
		{`activity == "slepping"`, 12, `did you mean sleeping?`},
		{`first_order_day > "01.02.2026"`, 18, `first_order_day is a day such as "2026-11-20"`},
		{`birth_month_day == "31-12"`, 19, `birth_month_day is a day of the year such as "03-08"`},
		{`cohort_month == "2026-13"`, 16, `cohort_month is a month such as "2026-11"`},
		// Nobody, or everybody.
		{`1 < 2`, 0, "names no fact of a client"},
		{`true`, 0, "names no fact of a client"},
		{`orders > 5 && orders < 3`, 14, "orders < 3 contradicts orders > 5: nobody can meet both"},
		{`orders > 5 && city == "Москва" && orders < 6`, 34, "orders < 6 contradicts orders > 5"},
		{`orders > 5 && (city == "Москва" || orders == 5)`, 35, "orders == 5 contradicts orders > 5"},
		{`orders > 5 && !(orders >= 2)`, 14, "!(orders >= 2) contradicts orders > 5"},
		{`orders < 0`, 0, "orders < 0 is never true"},
		{`orders >= 0`, 0, "is true of every client"},
		{`orders > 3 || orders <= 3`, 0, "is true of every client"},
		{`recency_days == null || recency_days != null`, 0, "is true of every client"},
		{`recency_days > 3 && recency_days == null`, 20, "recency_days == null contradicts recency_days > 3"},
		{`abc == "A" && abc == "B"`, 14, `abc == "B" contradicts abc == "A"`},
		{`abc in ["A", "B"] && abc == "C"`, 21, `abc == "C" contradicts`},
		{`city == "Москва" && city == "Тверь"`, 20, `contradicts`},
		{`city == "Москва" && city != "Москва"`, 20, `contradicts`},
		{`first_order_day >= "2026-01-01" && first_order_day < "2025-01-01"`, 35, `contradicts`},
		{`r == 4`, 0, "r == 4 is never true"},
		{`p_alive > 1.5`, 0, "p_alive > 1.5 is never true"},
		{`"vip" in labels && !("vip" in labels)`, 19, "contradicts"},
		{`consents.ads == "given" && consents.ads == "unknown"`, 27, "contradicts"},
		{`orders == 1 && recency_days > 3 && false`, 35, "false is never true"},
		{`5 > orders && 7 < orders`, 14, "7 < orders contradicts 5 > orders"},
	} {
		rule, faults := compiler(t).Compile(test.rule)
		if rule != nil || len(faults) == 0 {
			t.Errorf("%s: compiled, want %q", test.rule, test.reason)
			continue
		}
		if !strings.Contains(faults[0].Reason, test.reason) || faults[0].Offset != test.offset {
			t.Errorf("%s: at %d %q, want at %d %q", test.rule, faults[0].Offset, faults[0].Reason, test.offset, test.reason)
		}
	}
}

// What only looks like a contradiction is let through.
func TestPossibleRulesAreKept(t *testing.T) {
	for _, rule := range []string{
		`recency_days >= 0`, // not true of who never bought
		`orders > 5 && orders < 7`, `orders >= 5 && orders <= 5`, `revenue_minor < 0`, `p_alive > 0.1 && p_alive < 0.11`,
		`orders > 5 || orders < 3`, `abc != "A" && abc != "B"`, `!(abc == "A")`, `abc == "A" || abc == "B" || abc == "C"`,
		`orders > 5 && !(orders > 9)`, `city != "a" && city != "b"`, `first_order_day >= "2026-01-01" && first_order_day <= "2026-01-01"`,
		`"vip" in labels && !("key" in labels)`, `orders * 2 > 5 && orders < 1`, `recency_days > 3 || recency_days == null`,
		`!(recency_days > 90) && recency_days != 5`, `!(recency_days > 90 || recency_days == null)`,
	} {
		compiled(t, rule)
	}
}
