package segment

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/leadlake/leadlake/lib/analytics"
	"github.com/leadlake/leadlake/lib/card"
	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/schema"
)

// Buyers is the built-in segment of everybody with at least one purchase.
const Buyers = "buyers"

// The families of built-in segments, by which they are switched off.
const (
	FamilyRFM             = "rfm"
	FamilyCodes           = "rfm_codes"
	familyABC             = "abc"
	familyLifecycle       = "lifecycle"
	familyActivity        = "activity"
	familyLabels          = "labels"
	familyInterests       = "interests"
	familyLastPurchase    = "last_purchase"
	familySecondOrder     = "second_order"
	familyReplenishment   = "replenishment"
	familyBirthdays       = "birthdays"
	familySpendersByCity  = "big_spenders_city"
	familySpendersByGoods = "big_spenders_category"
	familySeasons         = "seasons"
	familyNotContacted    = "not_contacted"
	familyUnfinished      = "unfinished"
	familyUnsubscribed    = "unsubscribed"
	familyManagers        = "managers"
	familyTags            = "tags"
	familySeeds           = "seeds"
	familyReach           = "reach"
)

// definition is a built-in segment before its rule is compiled.
type definition struct {
	key, family  string
	title, about Words
	rule         string
}

// growingFamily is a family that has a segment for every value of its clients.
type growingFamily struct{ family, prefix string }

func growing() []growingFamily {
	return []growingFamily{
		{familyInterests, "interest_"},
		{familySpendersByCity, "big_city_"},
		{familySpendersByGoods, "big_category_"},
		{familySeasons, "season_"},
		{familyManagers, "manager_"},
		{familyTags, "tag_"},
	}
}

// definitions lists the built-in segments in the order in which they are shown;
// without clients those that are there for any base. Keys are never given again
// another meaning.
func definitions(cfg *config.Config, clients []schema.ClientRow) []definition {
	all := []definition{{
		Buyers, Buyers,
		Words{"Все покупатели", "All buyers"},
		Words{"Купили хотя бы раз.", "Bought at least once."},
		"orders >= 1",
	}}
	all = append(all, playbookDefinitions(cfg.Metrics.RFM)...)
	all = append(all, baseDefinitions()...)
	all = append(all, interestDefinitions(cfg.Builtin, clients)...)
	all = append(all, timeDefinitions(cfg.Builtin)...)
	all = append(all, spenderDefinitions(cfg.Builtin, clients)...)
	all = append(all, seasonDefinitions(cfg.Metrics.Seasons)...)
	all = append(all, contactDefinitions(cfg.Builtin)...)
	all = append(all, groupDefinitions(cfg, clients)...)
	return append(all, advertisingDefinitions(cfg.Metrics.RFM.Groups)...)
}

// playbookDefinitions are the segments of the RFM playbook and its codes.
func playbookDefinitions(rfm config.RFM) []definition {
	playbook, err := analytics.PlaybookOf(rfm)
	if err != nil {
		return nil // refused when the configuration was read
	}
	var named, codes []definition
	for _, s := range playbook.Segments() {
		ru, en := s.Advice("ru", false), s.Advice("en", false)
		named = append(named, definition{s.Key, FamilyRFM, Words{ru.Title, en.Title}, Words{ru.Meaning, en.Meaning}, "rfm_segment == " + strconv.Quote(s.Key)})
		for _, code := range s.Codes {
			codes = append(codes, definition{
				codePrefix + code, FamilyCodes,
				Words{"Код RFM " + code, "RFM code " + code},
				Words{
					fmt.Sprintf("Давность %c, частота %c, деньги %c из %d; сегмент «%s».", code[0], code[1], code[2], rfm.Groups, ru.Title),
					fmt.Sprintf("Recency %c, frequency %c, money %c of %d; segment “%s”.", code[0], code[1], code[2], rfm.Groups, en.Title),
				},
				"rfm_code == " + strconv.Quote(code),
			})
		}
	}
	return append(named, codes...)
}

// baseDefinitions are ABC classes, lifecycle, activity and labels.
func baseDefinitions() []definition {
	var all []definition
	for _, d := range []struct{ class, ru, en string }{
		{"A", "Приносят основную часть выручки.", "Bring the main part of the revenue."},
		{"B", "Приносят среднюю часть выручки.", "Bring the middle part of the revenue."},
		{"C", "Приносят последние проценты выручки.", "Bring the last per cents of the revenue."},
	} {
		all = append(all, definition{
			"abc_" + strings.ToLower(d.class), familyABC, Words{"Класс " + d.class, "Class " + d.class}, Words{d.ru, d.en}, "abc == " + strconv.Quote(d.class),
		})
	}
	for _, d := range []struct{ word, ru, en, aboutRU, aboutEN string }{
		{card.LifecycleLead, "Лиды", "Leads", "Обратились, никто ещё не ответил.", "Asked, and nobody has answered yet."},
		{card.LifecyclePotential, "Потенциальные", "Potential clients", "С ними уже общались, покупок нет.", "Have been spoken with and have not bought."},
		{card.LifecycleWorking, "Рабочие", "Working clients", "Одна покупка.", "One purchase."},
		{card.LifecycleDeveloping, "Развивающиеся", "Developing clients", "Больше одной покупки, до постоянных ещё не дошли.", "More than one purchase, not yet regular."},
		{card.LifecycleRegular, "Постоянные", "Regular clients", "Покупают постоянно.", "Buy regularly."},
	} {
		all = append(all, definition{"lifecycle_" + d.word, familyLifecycle, Words{d.ru, d.en}, Words{d.aboutRU, d.aboutEN}, "lifecycle == " + strconv.Quote(d.word)})
	}
	for _, d := range []struct{ word, ru, en, aboutRU, aboutEN string }{
		{card.ActivityActive, "Активные", "Active", "Купили недавно.", "Bought recently."},
		{card.ActivityCooling, "Остывающие", "Cooling", "Давно не покупали, но ещё не спят.", "Have not bought for a while and do not sleep yet."},
		{card.ActivitySleeping, "Спящие", "Sleeping", "Последняя покупка очень давно.", "The last purchase was long ago."},
		{card.ActivityDead, "Молчащие", "Silent", "Очень давно ничего не происходило.", "Nothing of any kind has happened for very long."},
		{card.ActivityNew, "Новые обращения", "New enquiries", "Недавно появились и ещё не купили.", "Came recently and have not bought."},
		{card.ActivityWaiting, "Ждут", "Waiting", "Обратились раньше и ещё не купили.", "Came earlier and have not bought."},
	} {
		all = append(all, definition{"activity_" + d.word, familyActivity, Words{d.ru, d.en}, Words{d.aboutRU, d.aboutEN}, "activity == " + strconv.Quote(d.word)})
	}
	for _, d := range []struct{ word, ru, en, aboutRU, aboutEN string }{
		{card.LabelVIP, "VIP", "VIP", "Отмечены вручную или лучшие по правилу.", "Marked by hand, or the best by the rule."},
		{card.LabelPartner, "Партнёры", "Partners", "Отмечены как партнёры.", "Marked as partners."},
		{card.LabelKey, "Ключевые", "Key clients", "VIP или постоянные с большим стажем.", "VIP, or regular for a long time."},
		{card.LabelNewcomer, "Новички базы", "Newcomers", "Первая покупка была недавно.", "The first purchase was recently."},
		{card.LabelActiveBase, "Активная база", "Active base", "Постоянные и активные, не новички.", "Regular and active, no newcomers."},
	} {
		all = append(all, definition{"label_" + d.word, familyLabels, Words{d.ru, d.en}, Words{d.aboutRU, d.aboutEN}, strconv.Quote(d.word) + " in labels"})
	}
	return all
}

// advertisingDefinitions are seeds of look-alikes, and who is reached how.
func advertisingDefinitions(groups int) []definition {
	best := strings.Repeat(strconv.Itoa(groups), 3)
	own := `(consents.email == "given" || consents.sms == "given" || consents.messenger == "given")`
	return []definition{
		{"seed_champions", familySeeds, Words{"Для похожих: лучшие", "Look-alike seed: the best"}, Words{
			"Код " + best + ", разрешили рекламу, не партнёры: образец для поиска похожих.",
			"Code " + best + ", allow advertising, no partners: a seed for look-alikes.",
		}, `rfm_code == "` + best + `" && consents.ads == "given" && !("partner" in labels)`},
		{"seed_class_a", familySeeds, Words{"Для похожих: класс A", "Look-alike seed: class A"}, Words{
			"Класс A с повторными покупками, разрешили рекламу, не партнёры.",
			"Class A with repeat purchases, allow advertising, no partners.",
		}, `abc == "A" && orders >= 2 && consents.ads == "given" && !("partner" in labels)`},
		{"own_base", familyReach, Words{"Дёшево достать: своя база", "Cheap to reach: own base"}, Words{
			"Разрешили письма, SMS или мессенджер: реклама для них не нужна.",
			"Allow e-mail, SMS or a messenger: no advertising is needed for them.",
		}, own},
		{"ads_only", familyReach, Words{"Только через рекламу", "Only by advertising"}, Words{
			"Разрешили рекламу, а писем, SMS и мессенджера нет.",
			"Allow advertising, and neither e-mail nor SMS nor a messenger.",
		}, `consents.ads == "given" && !` + own},
	}
}
