package segment

import (
	"fmt"
	"strconv"

	"github.com/leadlake/leadlake/lib/config"
)

// timeDefinitions go by what is how long ago, or how soon.
func timeDefinitions(c config.BuiltinSegments) []definition {
	all := []definition{{
		"sleeping_year", "sleeping_year",
		Words{"Спят больше года", "Asleep for over a year"},
		Words{"Последняя покупка больше 365 дней назад.", "The last purchase was more than 365 days ago."},
		"recency_days > 365",
	}}
	for i, days := range c.LastPurchaseDays {
		d := definition{
			key: fmt.Sprintf("last_purchase_%d", days), family: familyLastPurchase,
			title: Words{"Не покупали " + band(c.LastPurchaseDays, i, "ru"), "No purchase for " + band(c.LastPurchaseDays, i, "en")},
			about: Words{
				fmt.Sprintf("От последней покупки прошло дней: %s.", band(c.LastPurchaseDays, i, "")), fmt.Sprintf("Days since the last purchase: %s.", band(c.LastPurchaseDays, i, "")),
			}, rule: within("recency_days", c.LastPurchaseDays, i),
		}
		all = append(all, d)
	}
	for i, days := range c.SecondOrderDays {
		all = append(all, definition{
			key: fmt.Sprintf("second_order_%d", days), family: familySecondOrder,
			title: Words{"Ждём второй заказ: " + band(c.SecondOrderDays, i, "ru"), "Second order awaited: " + band(c.SecondOrderDays, i, "en")},
			about: Words{
				fmt.Sprintf("Одна покупка, с неё прошло дней: %s.", band(c.SecondOrderDays, i, "")), fmt.Sprintf("One purchase, so many days ago: %s.", band(c.SecondOrderDays, i, "")),
			}, rule: "orders == 1 && " + within("recency_days", c.SecondOrderDays, i),
		})
	}
	n := strconv.Itoa(c.BirthdayDays)
	birthday := func(who, ru, en, fact string) definition {
		return definition{
			"birthday_" + who, familyBirthdays,
			Words{ru, en},
			Words{"День рождения в ближайшие дни, не позже чем через " + n + " после дня расчёта.", "The birthday is near: at most " + n + " days after the night's day."},
			"days_until(" + fact + ") <= " + n,
		}
	}
	return append(all,
		definition{
			"replenish_due", familyReplenishment,
			Words{"Пора пополнить запас", "Due to buy again"},
			Words{"По привычному интервалу скоро купят снова.", "By their usual interval they are about to buy again."},
			"replenish_due_day != null",
		},
		definition{
			"replenish_overdue", familyReplenishment,
			Words{"Пропустили привычный срок", "Overdue to buy again"},
			Words{"Привычный интервал прошёл, покупки нет.", "Their usual interval has passed without a purchase."},
			"replenish_overdue_day != null",
		},
		birthday("client", "День рождения клиента", "Client's birthday", "birth_month_day"),
		birthday("child", "День рождения ребёнка", "Child's birthday", "child_birthdays"),
		birthday("pet", "День рождения питомца", "Pet's birthday", "pet_birthdays"),
		definition{
			"birthday_missing", "birthday_missing",
			Words{"День рождения не известен", "Birthday not known"},
			Words{"Покупатели, у которых нет даты рождения: повод спросить.", "Buyers without a date of birth: a reason to ask."},
			"birth_month_day == null && orders >= 1",
		},
	)
}

// within is the condition of a band: from its days up to those of the next.
func within(fact string, days []int, i int) string {
	rule := fmt.Sprintf("%s >= %d", fact, days[i])
	if i+1 < len(days) {
		rule += fmt.Sprintf(" && %s < %d", fact, days[i+1])
	}
	return rule
}

// band names the days of a band.
func band(days []int, i int, language string) string {
	unit := map[string]string{"ru": " дн.", "en": " days"}[language]
	if i+1 < len(days) {
		return fmt.Sprintf("%d–%d%s", days[i], days[i+1]-1, unit)
	}
	switch language {
	case "ru":
		return fmt.Sprintf("от %d дн.", days[i])
	case "en":
		return fmt.Sprintf("%d days or more", days[i])
	}
	return fmt.Sprintf("%d+", days[i])
}

// contactDefinitions go by what was said to clients, and what they left open.
func contactDefinitions(c config.BuiltinSegments) []definition {
	var all []definition
	for _, days := range c.NotContactedDays {
		all = append(all, definition{
			fmt.Sprintf("not_contacted_%d", days), familyNotContacted,
			Words{fmt.Sprintf("Без контакта больше %d дн.", days), fmt.Sprintf("Not contacted for over %d days", days)},
			Words{
				fmt.Sprintf("Контакта не было никогда или больше %d дней.", days),
				fmt.Sprintf("There was no contact ever, or none for more than %d days.", days),
			},
			fmt.Sprintf("last_contact_day == null || days_since(last_contact_day) > %d", days),
		})
	}
	return append(all,
		definition{
			"unfinished_order", familyUnfinished,
			Words{"Незавершённый заказ", "Unfinished order"},
			Words{
				fmt.Sprintf("Заказ от %d до %d дней назад не оплачен и не отменён, покупок после него нет.", c.UnfinishedDays, c.AbandonedDays),
				fmt.Sprintf("An order of %d to %d days ago is neither paid nor cancelled, and no purchase came after it.", c.UnfinishedDays, c.AbandonedDays),
			},
			fmt.Sprintf("days_since(unfinished_day) >= %d && days_since(unfinished_day) <= %d && (last_order_day == null || last_order_day < unfinished_day)",
				c.UnfinishedDays, c.AbandonedDays),
		},
		definition{
			"unsubscribed_any", familyUnsubscribed,
			Words{"Отписались от чего-либо", "Unsubscribed from something"},
			Words{"Отозвали рекламу или хотя бы один канал.", "Withdrew advertising or at least one channel."},
			`consents.ads == "withdrawn" || consents.email == "withdrawn" || consents.sms == "withdrawn" || consents.call == "withdrawn" || consents.messenger == "withdrawn"`,
		},
		definition{
			"unsubscribed_all", familyUnsubscribed,
			Words{"Отписались от всего", "Unsubscribed from everything"},
			Words{"Отозвали рекламу и все каналы, или обработку данных.", "Withdrew advertising and every channel, or the processing of their data."},
			`consents.processing == "withdrawn" || consents.ads == "withdrawn" && consents.email == "withdrawn" && consents.sms == "withdrawn" && consents.call == "withdrawn" && consents.messenger == "withdrawn"`,
		},
	)
}
