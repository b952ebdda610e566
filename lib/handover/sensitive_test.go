package handover_test

import (
	"testing"

	"github.com/leadlake/leadlake/lib/audience"
	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/handover"
	"github.com/leadlake/leadlake/lib/schema"
	"github.com/leadlake/leadlake/lib/segment"
)

// own is an owner's segment with a rule and nothing else to say.
func own(rule string) handover.Segment {
	return handover.Segment{Key: "mine", Family: segment.FamilyOwn, Rule: rule, Title: audience.Text{RU: "Мой", EN: "Mine"}}
}

func TestSensitiveRulesAreLocked(t *testing.T) {
	cfg := config.Default()
	cfg.Sensitive = []string{"gynaecology", "Вейпы и кальяны", "бады", "18+", "Ёлочные свечи"}
	for _, rule := range []string{
		`"gynaecology" in categories`, `"Gynaecology" in interests`, `!("GYNAECOLOGY" in tags)`, `categories.exists(c, c.startsWith("gyn"))`,
		`categories.exists(c, c.startsWith("gy"))`, `categories.exists(c, c.startsWith("g"))`, `categories.exists(c, c.endsWith("logy"))`, `categories.exists(c, c.contains("naeco"))`,
		`categories.exists(c, c.matches("^g[iy]n"))`, `categories.exists(c, c.matches("(?i)GYN"))`, `categories.exists(c, c >= "gyn" && c < "gyo")`,
		`"gy" + "naecology" in categories`, `"gyn" in categories`, `categories.exists(c, "gynaecology" == c)`, `campaign == "gynaecological offers"`,
		`"\u0067ynaecology" in categories`, `orders > 1 && (city == "Тула" || "gynaecology" in interests_bought)`,
		`"Вейпы и Кальяны" in categories`, `"БАДы" in categories`, `"бад" in tags`, `"18+" in tags`, `"для 18 лет" in tags`, `"елочные свечи" in categories`,
		// The built-in subjects.
		`"Гинекология" in categories`, `"консультация гинеколога" in interests`, `categories.exists(c, c.startsWith("гин"))`, `"Онкология" in categories`, `"Здоровье" in categories`,
		`"Мочекаменная болезнь" in tags`, `"беременные" in tags`, `"сахарный диабет" in tags`, `"ВИЧ" in tags`, `"Рак груди" in tags`, `"инвалид" in tags`, `"диета для диабетиков" in interests`, `"нейроонколог" in tags`,
		`"кредит" in tags`, `"долги" in tags`, `"должник" in tags`, `campaign == "zaymy_do_zarplaty"`, `"Займы" in categories`, `"Банкротство" in categories`, `"ипотека" in interests`,
		`"православные книги" in categories`, `"Халяль" in categories`, `"депутат" in tags`, `"секс-шоп" in categories`, `"Интимные товары" in categories`, `"судимость" in tags`, "\"заи\u0306мы\" in tags", `"c\u0430ncer" in tags`,
		`"health" in categories`, `"cancer care" in interests`, `"HIV" in tags`, `"debtors" in tags`, `"payday loans" in categories`, `"Bible" in categories`, `"politics" in interests`,
		`"sex toys" in categories`, `"LGBT" in tags`, `"criminal record" in tags`, `"Diabetics" in tags`, `"antidiabetic" in tags`, `categories.exists(c, c.contains("olog"))`,
		`this is no rule but says diabetes`,
	} {
		if handover.Sensitive(cfg, own(rule)) == "" {
			t.Errorf("not sensitive: %s", rule)
		}
	}
}

func TestOrdinaryRulesAreNotLocked(t *testing.T) {
	cfg := config.Default()
	cfg.Sensitive = []string{"gynaecology", "18+", "ь"}
	for _, rule := range []string{
		`"кофе" in categories`, `"coffee" in categories && activity == "sleeping"`, `rfm_segment == "champions"`, `rfm_code in ["333", "332", "111"]`, `rfm_code.startsWith("3")`,
		`rfm_code.matches("^[23].$")`, `abc == "A" && orders >= 2`, `consents.ads == "given" && !("partner" in labels)`, `lifecycle == "potential"`, `"employee" in tags`,
		`city == "Москва" || city == "Крым" || city == "Essex"`, `city.startsWith("Мос")`, `city.startsWith("Г")`, `categories.exists(c, c.startsWith("коф"))`, `"Долго не были" in tags`,
		`"Библиотека" in categories`, `"Партия 12" in tags`, `"диагностика авто" in categories`, `"вибратор для бетона" in categories`, `"аккредитация" in categories`,
		`"карамель" in categories`, `"Ракетки" in categories`, `"gift card" in categories`, `"gin" in categories`, `"invalid" in tags`, `campaign == "crimea_2026"`, `"yandex" == source`,
		`manager == "olga"`, `"asked for discount" in tags`, `"wealthy" in tags`, `"Churchill" in tags`, `"hospitality" in tags`, `city == "Исламабад"`, `"coffee addicts" in tags`, `"таблетки для посудомоечных машин" in categories`, `"рассрочка" in tags`, `"account disabled" in tags`,
		`"здоровое питание" in categories`, `"гипоаллергенный корм" in categories`, `"потенциальные" in tags`, `"ракета" in tags`, `"rak" in tags`, `"День независимости" in seasons`, `"книги" in interests`, `"Sussex" in tags`,
		`last_order_day < "2026-11-20"`, `days_since(last_order_day) > 30`, `recency_days > 365`, `"статус 8" in tags`, `tags.exists(t, t.matches(".*"))`, ``,
	} {
		if word := handover.Sensitive(cfg, own(rule)); word != "" {
			t.Errorf("sensitive by %q: %s", word, rule)
		}
	}
}

func TestKeysAndTitlesCountToo(t *testing.T) {
	cfg := config.Default()
	cfg.Sensitive = []string{"Кальяны"}
	for _, s := range []handover.Segment{
		{Key: "asleep-ginekologiya"},
		{Key: "interest_ginekologiya_clients", Family: "interests"},
		{Key: "interest_ginekologija_clients"},
		{Key: "asleepGynecology"},
		{Key: "big_category_khristianskie-knigi"},
		{Key: "a", Title: audience.Text{RU: "Спящие, гинекология"}},
		{Key: "a", Title: audience.Text{EN: "Asleep, health"}},
		{Key: "a", Title: audience.Text{RU: "Любители кальянов"}},
		{Key: "kalyany"},
		{Key: "tag_kalyan"},
		{Key: "hiv_2026"},
		{Key: "zaem"},
		{Key: "champions-onkologiya", Rule: `rfm_segment == "champions"`, Family: segment.FamilyOwn},
	} {
		if handover.Sensitive(cfg, s) == "" {
			t.Errorf("not sensitive: %s %s", s.Key, s.Title.RU)
		}
	}
}

// No built-in segment of a shop that sells nothing sensitive is locked, and one of a
// sensitive category, interest or tag is.
func TestBuiltInSegmentsAreLockedByTheirWordsAlone(t *testing.T) {
	cfg := config.Default()
	clients := func(word string) []schema.ClientRow {
		rows := make([]schema.ClientRow, 30)
		for i := range rows {
			words := []string{word}
			rows[i] = schema.ClientRow{
				ClientID: "c", Orders: 1, RevenueMinor: 100, City: new("Тверь"), Manager: new("olga"),
				Categories: words, Tags: words, Interests: words, InterestsBought: words, InterestsOpen: words,
			}
		}
		return rows
	}
	found := func(word string) (locked, all int) {
		segments, err := segment.Segments(cfg, clients(word), "2026-11-20")
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range segments {
			about := handover.Segment{Key: s.Key, Family: s.Family, Rule: s.Rule.Text, Title: audience.Text{RU: s.Title.RU, EN: s.Title.EN}}
			if why := handover.Sensitive(cfg, about); why != "" {
				locked++
				if word == "кофе" {
					t.Errorf("%s is sensitive by %q", s.Key, why)
				}
			}
		}
		return locked, len(segments)
	}
	if locked, all := found("кофе"); locked != 0 || all < 80 {
		t.Errorf("%d of %d segments of a coffee shop are locked", locked, all)
	}
	// Two bases of the interest, the big spenders of the category, the tag.
	if locked, _ := found("гинекология"); locked != 4 {
		t.Errorf("%d segments of a clinic are locked, want 4", locked)
	}
}
