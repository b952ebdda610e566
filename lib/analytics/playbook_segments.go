package analytics

// standard is the playbook of three groups: eleven segments that share the 27
// codes, best clients first. The plain words speak of neither a first nor an only
// purchase (TestFirstAndOnceOnlyWhereOneOrder).
func standard() []Segment {
	return []Segment{
		{
			Key: "champions", Codes: []string{"333"},
			russian: wording{plain: Advice{
				Title:   "Чемпионы",
				Meaning: "Купили недавно, покупают часто и на большие суммы.",
				Do:      "Дайте ранний доступ к новинкам, поблагодарите лично, попросите рекомендацию. Лучшая основа для поиска похожих клиентов в рекламе.",
				DoNot:   "Не давайте им скидок: они покупают и так.",
			}},
			english: wording{plain: Advice{
				Title:   "Champions",
				Meaning: "Bought recently, buy often, and spend a lot.",
				Do:      "Give early access to what is new, thank them in person, ask for a referral. The best seed for look-alike audiences.",
				DoNot:   "Do not discount: they buy anyway.",
			}},
		},
		{
			Key: "loyal", Codes: []string{"331", "332"},
			russian: wording{plain: Advice{
				Title:   "Лояльные",
				Meaning: "Купили недавно, покупают часто, но на меньшие суммы.",
				Do:      "Предложите наборы и соседнюю категорию: задача — поднять средний чек.",
				DoNot:   "Не шлите массовых акций: скидка снизит и без того небольшой чек.",
			}},
			english: wording{plain: Advice{
				Title:   "Loyal",
				Meaning: "Bought recently and buy often, with smaller checks.",
				Do:      "Offer bundles and the next category: the aim is a larger average check.",
				DoNot:   "No mass promotions: a discount makes a small check smaller.",
			}},
		},
		{
			Key: "growing", Codes: []string{"321", "322", "323"},
			russian: wording{plain: Advice{
				Title:   "Растущие",
				Meaning: "Купили недавно и начинают возвращаться.",
				Do:      "Закрепите привычку: напомните ко дню, когда покупка обычно заканчивается, дайте бонус на следующий заказ.",
				DoNot:   "Не пропустите срок, когда ждёте следующую покупку.",
			}},
			english: wording{plain: Advice{
				Title:   "Growing",
				Meaning: "Bought recently and are beginning to come back.",
				Do:      "Fix the habit: a reminder for the day the goods usually run out, a bonus for the next order.",
				DoNot:   "Do not miss the day the next purchase is expected.",
			}},
		},
		{
			Key: "new", Codes: []string{"311", "312"},
			russian: wording{
				plain: Advice{
					Title:   "Новички",
					Meaning: "Купили недавно, покупок пока мало.",
					Do:      "Поблагодарите, расскажите, как пользоваться покупкой, спросите мнение и дайте повод для следующего заказа.",
					DoNot:   "Не продавайте настойчиво.",
				},
				once: Advice{
					Meaning: "Недавно сделали первую покупку.",
					Do:      "Поблагодарите, расскажите, как пользоваться покупкой, спросите мнение и дайте повод для второго заказа.",
				},
			},
			english: wording{
				plain: Advice{
					Title:   "New",
					Meaning: "Bought recently, with few purchases so far.",
					Do:      "Say thank you, show how to use what they bought, ask for feedback, and give a reason for the next order.",
					DoNot:   "No hard sell.",
				},
				once: Advice{
					Meaning: "Made their first purchase recently.",
					Do:      "Say thank you, show how to use what they bought, ask for feedback, and give a reason for a second order.",
				},
			},
		},
		{
			Key: "big_new", Codes: []string{"313"},
			russian: wording{
				plain: Advice{
					Title:   "Крупный новичок",
					Meaning: "Купили недавно, покупок пока мало, но сумма большая.",
					Do:      "Свяжитесь лично: узнайте, всё ли в порядке, и назовите человека, к которому можно обращаться.",
					DoNot:   "Не отправляйте общую рассылку.",
				},
				once: Advice{Meaning: "Недавно сделали первую покупку, и сразу на большую сумму."},
			},
			english: wording{
				plain: Advice{
					Title:   "Big new",
					Meaning: "Bought recently, with few purchases so far, for a large sum.",
					Do:      "Contact them in person: ask whether all is well and name somebody they can turn to.",
					DoNot:   "No generic mail.",
				},
				once: Advice{Meaning: "Made their first purchase recently, for a large sum."},
			},
		},
		{
			Key: "cooling_valuable", Codes: []string{"233", "232"},
			russian: wording{plain: Advice{
				Title:   "Ценные остывают",
				Meaning: "Покупали часто, но последняя покупка была не так недавно.",
				Do:      "Сделайте предложение с учётом того, сколько времени прошло, и спросите, что изменилось.",
				DoNot:   "Не ждите: вернуть их сейчас проще, чем потом.",
			}},
			english: wording{plain: Advice{
				Title:   "Valuable, cooling",
				Meaning: "Bought often, but the last purchase is not so recent.",
				Do:      "Make an offer that minds the time since the last purchase, and ask what has changed.",
				DoNot:   "Do not wait: it is easier to win them back now than later.",
			}},
		},
		{
			Key: "steady", Codes: []string{"221", "222", "223", "231"},
			russian: wording{plain: Advice{
				Title:   "Середина",
				Meaning: "Средние по давности, без крайностей по частоте и сумме.",
				Do:      "Рассказывайте о новостях их категории 1–2 раза в месяц.",
				DoNot:   "Не пишите 4 раза в месяц и чаще.",
			}},
			english: wording{plain: Advice{
				Title:   "Steady middle",
				Meaning: "Middling in recency, with no extremes in frequency and sum.",
				Do:      "Send news of their category 1–2 times a month.",
				DoNot:   "No 4 or more contacts a month.",
			}},
		},
		{
			Key: "cooling_once", Codes: []string{"211", "212", "213"},
			russian: wording{
				plain: Advice{
					Title:   "Редкие остывают",
					Meaning: "Покупок мало, последняя была некоторое время назад.",
					Do:      "Дайте один понятный повод вернуться. Клиентов с кодом 213 обработайте вручную: сумма у них большая.",
					DoNot:   "Не тратьте на них дорогую рекламу.",
				},
				once: Advice{
					Title:   "Разовые остывают",
					Meaning: "Сделали одну покупку некоторое время назад.",
				},
			},
			english: wording{
				plain: Advice{
					Title:   "Occasional, cooling",
					Meaning: "Few purchases, the last of them a while ago.",
					Do:      "Give one clear reason to return. Handle code 213 by hand: the sum is large.",
					DoNot:   "No expensive advertising.",
				},
				once: Advice{
					Title:   "One-time, cooling",
					Meaning: "Made one purchase, a while ago.",
				},
			},
		},
		{
			Key: "cant_lose", Codes: []string{"133", "132", "123"},
			russian: wording{plain: Advice{
				Title:   "Нельзя потерять",
				Meaning: "Ценные клиенты, которые давно молчат.",
				Do:      "Позвоните или напишите лично и сделайте сильное предложение, ради которого стоит вернуться.",
				DoNot:   "Никаких автоматических рассылок.",
			}},
			english: wording{plain: Advice{
				Title:   "Can't lose",
				Meaning: "Valuable clients who have been silent for long.",
				Do:      "Call or write a personal letter, with a strong offer to return.",
				DoNot:   "No automatic mail.",
			}},
		},
		{
			Key: "dormant", Codes: []string{"121", "122", "131", "113"},
			russian: wording{plain: Advice{
				Title:   "Спящие",
				Meaning: "Покупали давно, но некоторая ценность есть.",
				Do:      "Будите постепенно: недорогие товары и промокод, 2–3 касания.",
				DoNot:   "Не покупайте для них дорогую рекламу.",
			}},
			english: wording{plain: Advice{
				Title:   "Sleeping",
				Meaning: "Bought long ago, with some value.",
				Do:      "Wake them gradually: inexpensive goods and a promo code, 2–3 touches.",
				DoNot:   "No premium advertising.",
			}},
		},
		{
			Key: "lost", Codes: []string{"111", "112"},
			russian: wording{
				plain: Advice{
					Title:   "Потерянные",
					Meaning: "Покупали давно, редко и на небольшие суммы.",
					Do:      "Подогрейте самым дешёвым каналом; после двух рассылок без ответа оставьте в покое.",
					DoNot:   "Не тратьте на них рекламный бюджет.",
				},
				once: Advice{Meaning: "Сделали одну небольшую покупку, и давно."},
			},
			english: wording{
				plain: Advice{
					Title:   "Lost",
					Meaning: "Bought long ago, rarely, for small sums.",
					Do:      "Warm up by the cheapest channel; after two campaigns without an answer leave them in peace.",
					DoNot:   "No paid acquisition.",
				},
				once: Advice{Meaning: "Made one small purchase, long ago."},
			},
		},
	}
}
