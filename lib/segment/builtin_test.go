package segment_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/schema"
	"github.com/leadlake/leadlake/lib/segment"
)

// in lists the segments that a base's one client is in.
func in(cfg *config.Config, c schema.ClientRow) []string {
	rows, _ := segment.Membership(segmentsOf(cfg, []schema.ClientRow{c}, night), []schema.ClientRow{c}, nil, true, night)
	var keys []string
	for _, row := range rows {
		keys = append(keys, row.Segment)
	}
	return keys
}

func buyer(recency int64) schema.ClientRow {
	c := boris()
	c.Orders, c.RecencyDays, c.RevenueMinor, c.LastOrderDay = 2, new(recency), 100, new("2026-01-01")
	return c
}

// Each built-in segment by hand, on both sides of its bounds.
func TestBuiltinSegments(t *testing.T) {
	one := func(change func(c *schema.ClientRow)) schema.ClientRow {
		c := buyer(10)
		change(&c)
		return c
	}
	cfg := config.Default()
	cfg.Builtin.MinClients = 1
	for _, test := range []struct {
		key     string
		in, out []schema.ClientRow
	}{
		{"buyers", []schema.ClientRow{buyer(1)}, []schema.ClientRow{boris()}},
		{"cant_lose", []schema.ClientRow{anna()}, []schema.ClientRow{boris()}},
		{"rfm_132", []schema.ClientRow{anna()}, []schema.ClientRow{boris()}},
		{"abc_a", []schema.ClientRow{anna()}, []schema.ClientRow{boris(), one(func(c *schema.ClientRow) { c.ABC = new("B") })}},
		{"abc_c", []schema.ClientRow{one(func(c *schema.ClientRow) { c.ABC = new("C") })}, []schema.ClientRow{anna()}},
		{"lifecycle_regular", []schema.ClientRow{anna()}, []schema.ClientRow{boris()}},
		{"lifecycle_lead", []schema.ClientRow{boris()}, []schema.ClientRow{anna()}},
		{"activity_cooling", []schema.ClientRow{anna()}, []schema.ClientRow{boris()}},
		{"label_vip", []schema.ClientRow{anna()}, []schema.ClientRow{boris()}},
		{"interest_Chistka_clients", []schema.ClientRow{one(func(c *schema.ClientRow) { c.InterestsBought = []string{"Чистка"} })}, []schema.ClientRow{boris(), one(func(c *schema.ClientRow) { c.InterestsOpen = []string{"Чистка"} })}},
		{"interest_Chistka_potential", []schema.ClientRow{one(func(c *schema.ClientRow) { c.InterestsOpen = []string{"Чистка"} })}, []schema.ClientRow{one(func(c *schema.ClientRow) { c.InterestsBought = []string{"Чистка"} })}},
		{"sleeping_year", []schema.ClientRow{buyer(366)}, []schema.ClientRow{buyer(365), boris()}},
		{"last_purchase_30", []schema.ClientRow{buyer(30), buyer(59)}, []schema.ClientRow{buyer(29), buyer(60), boris()}},
		{"last_purchase_365", []schema.ClientRow{buyer(365), buyer(9999)}, []schema.ClientRow{buyer(364), boris()}},
		{
			"second_order_14",
			[]schema.ClientRow{one(func(c *schema.ClientRow) { c.Orders, c.RecencyDays = 1, new(int64(14)) }), one(func(c *schema.ClientRow) { c.Orders, c.RecencyDays = 1, new(int64(29)) })},
			[]schema.ClientRow{one(func(c *schema.ClientRow) { c.Orders, c.RecencyDays = 1, new(int64(13)) }), one(func(c *schema.ClientRow) { c.Orders, c.RecencyDays = 1, new(int64(30)) }), buyer(20), boris()},
		},
		{"replenish_due", []schema.ClientRow{one(func(c *schema.ClientRow) { c.ReplenishDueDay = new(night) })}, []schema.ClientRow{one(func(c *schema.ClientRow) { c.ReplenishOverdueDay = new("2026-11-19") })}},
		{"replenish_overdue", []schema.ClientRow{one(func(c *schema.ClientRow) { c.ReplenishOverdueDay = new("2026-11-19") })}, []schema.ClientRow{one(func(c *schema.ClientRow) { c.ReplenishDueDay = new(night) })}},
		{
			"birthday_client",
			[]schema.ClientRow{one(func(c *schema.ClientRow) { c.BirthMonthDay = new("11-21") }), one(func(c *schema.ClientRow) { c.BirthMonthDay = new("12-04") })},
			[]schema.ClientRow{one(func(c *schema.ClientRow) { c.BirthMonthDay = new("11-20") }), one(func(c *schema.ClientRow) { c.BirthMonthDay = new("12-05") }), boris()},
		},
		{"birthday_child", []schema.ClientRow{anna()}, []schema.ClientRow{boris(), one(func(c *schema.ClientRow) { c.PetBirthdays = []string{"11-22"} })}},
		{"birthday_pet", []schema.ClientRow{one(func(c *schema.ClientRow) { c.PetBirthdays = []string{"01-01", "11-22"} })}, []schema.ClientRow{anna()}},
		{"birthday_missing", []schema.ClientRow{buyer(1)}, []schema.ClientRow{anna(), boris()}},
		{"big_city_Nizhnij-Novgorod", []schema.ClientRow{anna()}, []schema.ClientRow{boris()}},
		{"big_category_kofe", []schema.ClientRow{anna()}, []schema.ClientRow{boris()}},
		{"season_8-march", []schema.ClientRow{one(func(c *schema.ClientRow) { c.Seasons = []string{"8-march", "new-year"} })}, []schema.ClientRow{boris(), one(func(c *schema.ClientRow) { c.Seasons = []string{"new-year"} })}},
		{
			"not_contacted_30", []schema.ClientRow{boris(), one(func(c *schema.ClientRow) { c.LastContactDay = new("2026-10-20") })}, // 31 days
			[]schema.ClientRow{one(func(c *schema.ClientRow) { c.LastContactDay = new("2026-10-21") })}, // 30
		},
		{
			"unfinished_order",
			[]schema.ClientRow{
				one(func(c *schema.ClientRow) { c.UnfinishedDay = new("2026-11-19") }), one(func(c *schema.ClientRow) { c.UnfinishedDay = new("2026-10-21") }),
				{ClientID: "n", Lifecycle: "lead", Activity: "new", UnfinishedDay: new("2026-11-10")},
			},
			[]schema.ClientRow{
				boris(), one(func(c *schema.ClientRow) { c.UnfinishedDay = new("2026-11-20") }), one(func(c *schema.ClientRow) { c.UnfinishedDay = new("2026-10-20") }),
				one(func(c *schema.ClientRow) { c.UnfinishedDay, c.LastOrderDay = new("2026-11-10"), new("2026-11-10") }), // bought on that day
			},
		},
		{"unsubscribed_any", []schema.ClientRow{anna()}, []schema.ClientRow{boris(), one(func(c *schema.ClientRow) { c.Consents = consents("ads", "given") })}},
		{
			"unsubscribed_all",
			[]schema.ClientRow{
				one(func(c *schema.ClientRow) {
					c.Consents = consents("ads", "withdrawn", "email", "withdrawn", "sms", "withdrawn", "call", "withdrawn", "messenger", "withdrawn")
				}), one(func(c *schema.ClientRow) { c.Consents = consents("processing", "withdrawn") }),
			},
			[]schema.ClientRow{anna(), boris()},
		},
		{"manager_olga", []schema.ClientRow{one(func(c *schema.ClientRow) { c.Manager = new("olga") })}, []schema.ClientRow{boris()}},
		{"tag_prosila-skidku", []schema.ClientRow{anna()}, []schema.ClientRow{boris()}},
		{
			"seed_champions",
			[]schema.ClientRow{one(func(c *schema.ClientRow) { c.RFMCode, c.Consents = new("333"), consents("ads", "given") })},
			[]schema.ClientRow{anna(), one(func(c *schema.ClientRow) { c.RFMCode = new("333") }), one(func(c *schema.ClientRow) {
				c.RFMCode, c.Consents, c.Labels = new("333"), consents("ads", "given"), []string{"partner"}
			})},
		},
		{"seed_class_a", []schema.ClientRow{anna()}, []schema.ClientRow{boris(), one(func(c *schema.ClientRow) { c.ABC = new("A") })}},
		{"own_base", []schema.ClientRow{one(func(c *schema.ClientRow) { c.Consents = consents("sms", "given") })}, []schema.ClientRow{anna(), boris()}},
		{"ads_only", []schema.ClientRow{anna()}, []schema.ClientRow{boris(), one(func(c *schema.ClientRow) { c.Consents = consents("ads", "given", "email", "given") })}},
	} {
		for i, c := range test.in {
			if got := in(cfg, c); !slices.Contains(got, test.key) {
				t.Errorf("%s, client %d who should be in: %v", test.key, i, got)
			}
		}
		for i, c := range test.out {
			if got := in(cfg, c); slices.Contains(got, test.key) {
				t.Errorf("%s, client %d who should not be: %v", test.key, i, got)
			}
		}
	}
}

// Of 20 buyers of a city the tenth is two; who spent as much as the second is in.
func TestBigSpendersAreTheFirstShareOfTheirCity(t *testing.T) {
	var clients []schema.ClientRow
	for i := range 20 {
		clients = append(clients, schema.ClientRow{ClientID: fmt.Sprintf("m%02d", i), Orders: 1, RevenueMinor: int64(i), City: new("Москва")})
	}
	clients = append(clients,
		schema.ClientRow{ClientID: "t", Orders: 1, RevenueMinor: 900, City: new("Тверь")}, // alone: no segment of its own
		schema.ClientRow{ClientID: "x", RevenueMinor: 900, City: new("Москва")})           // never bought
	clients[3].RevenueMinor = 18
	rows, catalogue := segment.Membership(segmentsOf(config.Default(), clients, night), clients, nil, true, night)
	var got []string
	for _, row := range rows {
		if strings.HasPrefix(row.Segment, "big_city_") {
			got = append(got, row.Segment+" "+row.ClientID)
		}
	}
	if diff := cmp.Diff([]string{"big_city_Moskva m03", "big_city_Moskva m18", "big_city_Moskva m19"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	i := slices.IndexFunc(catalogue, func(c schema.SegmentCatalogueRow) bool { return c.Segment == "big_city_Moskva" })
	if want := `city == "Москва" && orders >= 1 && revenue_minor >= 18`; i < 0 || catalogue[i].Rule != want {
		t.Errorf("catalogue %d: %+v", i, catalogue)
	}
}

func TestBuiltinSegmentsAreSwitchedOff(t *testing.T) {
	cfg := config.Default()
	all := in(cfg, anna())
	cfg.Builtin.Off = []string{"rfm_codes", "abc_a", "labels", "not_contacted", "birthdays"}
	left := in(cfg, anna())
	for _, key := range all {
		gone := key == "rfm_132" || key == "abc_a" || strings.HasPrefix(key, "label_") || strings.HasPrefix(key, "not_contacted") || key == "birthday_client" || key == "birthday_child"
		if slices.Contains(left, key) == gone {
			t.Errorf("%s: in %v", key, left)
		}
	}
	if len(all)-len(left) < 6 {
		t.Errorf("%v, switched off %v", all, left)
	}
}

// What there is of every client is in exactly one segment of each of these families.
func TestFamiliesPartTheBase(t *testing.T) {
	d := dice{rand.New(rand.NewPCG(6, 4))}
	cfg := config.Default()
	var clients []schema.ClientRow
	for i := range 500 {
		c := d.row()
		c.ClientID = fmt.Sprintf("c%03d", i)
		c.Lifecycle, c.Activity = pick(d, "lead", "potential", "working", "developing", "regular"), pick(d, "active", "cooling", "sleeping", "dead", "new", "waiting")
		c.RFMCode, c.RFMSegment, c.ABC = nil, nil, nil
		if d.IntN(3) > 0 {
			code := pick(d, "111", "222", "333", "132", "313")
			named := map[string]string{"111": "lost", "222": "steady", "333": "champions", "132": "cant_lose", "313": "big_new"}[code]
			c.RFMCode, c.RFMSegment, c.ABC = &code, &named, new(pick(d, "A", "B", "C"))
		}
		clients = append(clients, c)
	}
	segments := segmentsOf(cfg, clients, night)
	family := map[string]string{}
	for _, s := range segments {
		family[s.Key] = s.Family
	}
	rows, catalogue := segment.Membership(segments, clients, nil, true, night)
	counts := map[[2]string]int{}
	sizes := map[string]int64{}
	for _, row := range rows {
		counts[[2]string{row.ClientID, family[row.Segment]}]++
		sizes[row.Segment]++
	}
	for _, c := range clients {
		scored := 0
		if c.RFMCode != nil {
			scored = 1
		}
		for name, want := range map[string]int{"lifecycle": 1, "activity": 1, segment.FamilyRFM: scored, segment.FamilyCodes: scored, "abc": scored} {
			if got := counts[[2]string{c.ClientID, name}]; got != want {
				t.Errorf("%s is in %d segments of %s, want %d", c.ClientID, got, name, want)
			}
		}
	}
	for _, line := range catalogue {
		if line.Clients != sizes[line.Segment] || line.Clients == 0 || line.Entered != nil || line.TitleRU == "" || line.TitleEN == "" || line.AboutRU == "" || line.AboutEN == "" {
			t.Errorf("catalogue %+v, members %d", line, sizes[line.Segment])
		}
		delete(sizes, line.Segment)
	}
	if len(sizes) > 0 {
		t.Errorf("segments that the catalogue lacks: %v", sizes)
	}
	if !slices.IsSortedFunc(rows, func(a, b schema.SegmentRow) int {
		return strings.Compare(a.Segment+"\x00"+a.ClientID, b.Segment+"\x00"+b.ClientID)
	}) {
		t.Error("memberships are not ordered")
	}
}

// Who entered and who left, through merges and erasure.
func TestEnteredAndLeft(t *testing.T) {
	cfg := config.Default()
	cfg.Segments = []config.Segment{{Name: "own", Rule: "orders >= 2"}, {Name: "nobody", Rule: "orders >= 1000"}}
	with := func(id string, orders int64, aliases ...string) schema.ClientRow {
		return schema.ClientRow{ClientID: id, Orders: orders, Aliases: aliases, RevenueMinor: orders * 100}
	}
	before := []schema.SegmentRow{
		{Segment: "own", ClientID: "a", SinceDay: "2026-01-01"}, {Segment: "own", ClientID: "old-a", SinceDay: "2025-01-01"}, // one client since
		{Segment: "own", ClientID: "b", SinceDay: "2026-01-02"}, {Segment: "own", ClientID: "erased", SinceDay: "2026-01-02"},
	}
	clients := []schema.ClientRow{with("a", 3, "old-a"), with("b", 1), with("c", 2)}
	rows, catalogue := segment.Membership(segmentsOf(cfg, clients, night), clients, before, false, night)
	want := []schema.SegmentRow{{Segment: "own", ClientID: "a", SinceDay: "2025-01-01"}, {Segment: "own", ClientID: "c", SinceDay: night}}
	own := slices.DeleteFunc(rows, func(r schema.SegmentRow) bool { return r.Segment != "own" })
	if diff := cmp.Diff(want, own); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	lines := []schema.SegmentCatalogueRow{
		{Segment: "own", Family: "own", TitleRU: "own", TitleEN: "own", Rule: "orders >= 2", Clients: 2, RevenueMinor: 500, Entered: new(int64(1)), Left: new(int64(1))},
		{Segment: "nobody", Family: "own", TitleRU: "nobody", TitleEN: "nobody", Rule: "orders >= 1000", Entered: new(int64(0)), Left: new(int64(0))},
	}
	if diff := cmp.Diff(lines, catalogue[:2]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if rows, catalogue := segment.Membership(segmentsOf(cfg, nil, night), nil, nil, true, night); len(rows) != 0 || len(catalogue) != 2 {
		t.Errorf("of nobody: %v, %v", rows, catalogue)
	}
}

func TestKeysHoldLettersOnly(t *testing.T) {
	var clients []schema.ClientRow
	for i, tag := range []string{"Просила скидку", "vip", "VIP", "日本", "a/b?c", "ь", strings.Repeat("длинная метка ", 9), "Москва", "москва"} {
		clients = append(clients, schema.ClientRow{ClientID: strconv.Itoa(i), Tags: []string{tag}})
	}
	cfg := config.Default()
	cfg.Builtin.MinClients = 1
	seen := map[string]bool{}
	for _, s := range segmentsOf(cfg, clients, night) {
		if seen[s.Key] || len(s.Key) > 64 || strings.Trim(s.Key, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") != "" {
			t.Errorf("key %q", s.Key)
		}
		seen[s.Key] = true
		if s.Family == "tags" {
			cfg.Builtin.Off = append(cfg.Builtin.Off, s.Key)
		}
	}
	if len(cfg.Builtin.Off) != 9 || !seen["tag_Prosila-skidku"] || !seen["tag_vip"] || !seen["tag_VIP"] {
		t.Errorf("keys of tags: %v", cfg.Builtin.Off)
	}
}

func TestReasons(t *testing.T) {
	c := compiler(t)
	for _, test := range []struct {
		rule   string
		member bool
		want   []string
	}{
		{
			workedRule, true,
			[]string{`rfm_code in ["132", "133"] (rfm_code = "132")`, `consents.ads == "given" (consents.ads = given)`, `recency_days > 90 (recency_days = 133)`, `"coffee" in categories (categories = ["кофе", "coffee"])`},
		},
		{`orders > 100 || recency_days > 90`, true, []string{`recency_days > 90 (recency_days = 133)`}},
		{`!(orders > 100 || manager == "olga")`, true, []string{`!(orders > 100) (orders = 7)`, `!(manager == "olga") (manager = null)`}},
		{`orders > 5 && manager == "olga" && recency_days < 3`, false, []string{`manager == "olga" (manager = null)`, `recency_days < 3 (recency_days = 133)`}},
		{`orders > 100 || !(orders > 3)`, false, []string{`orders > 100 (orders = 7)`, `!(orders > 3) (orders = 7)`}},
		{`days_since(last_contact_day) > 89`, true, []string{`days_since(last_contact_day) > 89 (last_contact_day = "2026-08-22")`}},
	} {
		row := anna()
		member, reasons := c.Explain(compiled(t, test.rule), &row)
		var got []string
		for _, r := range reasons {
			got = append(got, r.String())
			if r.Holds != member {
				t.Errorf("%s: %+v of member %v", test.rule, r, member)
			}
		}
		if diff := cmp.Diff(test.want, got); diff != "" || member != test.member {
			t.Errorf("%s: member %v (-want +got):\n%s", test.rule, member, diff)
		}
	}
}
