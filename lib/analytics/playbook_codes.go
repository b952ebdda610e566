package analytics

// codeAdviceRussian explains the three digits of every code and what to do. R, F
// and M are давность, частота and сумма.
func codeAdviceRussian() []codeWords {
	return []codeWords{
		{
			code: "111", meaning: "Купили давно, покупали редко и на небольшую сумму.", once: "Купили один раз, давно и на небольшую сумму.",
			do: "Письмо с недорогим предложением; двух писем без ответа достаточно, больше не пишите.",
		},
		{
			code: "112", meaning: "Купили давно, покупали редко, сумма средняя.", once: "Купили один раз и давно, сумма средняя.",
			do: "Предложите сезонную новинку самым дешёвым каналом; после двух писем без ответа остановитесь.",
		},
		{
			code: "113", meaning: "Купили давно, покупали редко, но на большую сумму.", once: "Купили один раз и давно, но на большую сумму.",
			do: "Посмотрите, что именно брали, и предложите то, что к этой покупке подходит: замену, уход, дополнение.",
		},
		{
			code: "121", meaning: "Купили давно, частота средняя, сумма небольшая.",
			do: "Напомните о том, что брали раньше, и приложите промокод на недорогой товар.",
		},
		{
			code: "122", meaning: "Купили давно, частота и сумма средние.",
			do: "Серия из 2–3 писем: новинки их категории, затем промокод со сроком.",
		},
		{
			code: "123", meaning: "Купили давно, частота средняя, сумма большая.",
			do: "Позвоните: спросите, почему перестали покупать, и предложите условия лично для них.",
		},
		{
			code: "131", meaning: "Купили давно, покупали часто, но понемногу.",
			do: "Напомните о привычном заказе и сделайте повтор в одно нажатие; добавьте небольшой подарок.",
		},
		{
			code: "132", meaning: "Купили давно, а раньше покупали часто, сумма средняя.",
			do: "Напишите от имени того, кто с ними работал: спросите о причине и предложите вернуться с бонусом.",
		},
		{
			code: "133", meaning: "Купили давно, а раньше покупали часто и на большие суммы.",
			do: "Звонок руководителя или закреплённого менеджера и самое сильное предложение, какое можете дать.",
		},

		{
			code: "211", meaning: "Купили не так давно, покупок мало, сумма небольшая.", once: "Купили один раз, не так давно, на небольшую сумму.",
			do: "Письмо с недорогим поводом вернуться, например с сопутствующим товаром.",
		},
		{
			code: "212", meaning: "Купили не так давно, покупок мало, сумма средняя.", once: "Купили один раз, не так давно, на среднюю сумму.",
			do: "Напомните о покупке, спросите, подошла ли она, и предложите дополнение к ней.",
		},
		{
			code: "213", meaning: "Купили не так давно, покупок мало, но сумма большая.", once: "Купили один раз, не так давно, зато на большую сумму.",
			do: "Обработайте вручную: позвоните, узнайте, довольны ли, и договоритесь о следующей покупке.",
		},
		{
			code: "221", meaning: "Давность и частота средние, сумма небольшая.",
			do: "Предложите набор или бесплатную доставку от суммы чуть выше их обычного чека.",
		},
		{
			code: "222", meaning: "Давность, частота и сумма средние.",
			do: "Рассказывайте о новостях категории 1–2 раза в месяц и следите, в какую сторону клиент движется.",
		},
		{
			code: "223", meaning: "Давность и частота средние, сумма большая.",
			do: "Предложите старшую модель или услугу к покупке; попросите менеджера связаться, если срок выходит.",
		},
		{
			code: "231", meaning: "Покупают часто, но понемногу; последняя покупка не самая недавняя.",
			do: "Напомните о привычном заказе и предложите взять больше с выгодой.",
		},
		{
			code: "232", meaning: "Покупают часто, сумма средняя; последняя покупка не самая недавняя.",
			do: "Предложите бонус на ближайший заказ и спросите, всё ли устраивает.",
		},
		{
			code: "233", meaning: "Покупают часто и на большие суммы; последняя покупка не самая недавняя.",
			do: "Свяжитесь на этой неделе лично: спросите, что изменилось, и предложите особые условия.",
		},

		{
			code: "311", meaning: "Купили недавно, покупок пока мало, сумма небольшая.", once: "Недавно купили впервые, на небольшую сумму.",
			do: "Поблагодарите, расскажите, как пользоваться покупкой, и предложите недорогой следующий шаг.",
		},
		{
			code: "312", meaning: "Купили недавно, покупок пока мало, сумма средняя.", once: "Недавно купили впервые, на среднюю сумму.",
			do: "Поблагодарите, попросите отзыв и предложите бонус на следующий заказ.",
		},
		{
			code: "313", meaning: "Купили недавно, покупок пока мало, сумма большая.", once: "Недавно купили впервые, и сразу на большую сумму.",
			do: "Позвоните: поблагодарите, помогите начать пользоваться и закрепите менеджера.",
		},
		{
			code: "321", meaning: "Купили недавно, частота средняя, сумма небольшая.",
			do: "Предложите товар из соседней категории вместе с бонусом на следующий заказ.",
		},
		{
			code: "322", meaning: "Купили недавно, частота и сумма средние.",
			do: "Напомните ко дню следующей покупки и начислите бонус, если успеют к сроку.",
		},
		{
			code: "323", meaning: "Купили недавно, частота средняя, сумма большая.",
			do: "Пригласите в программу для лучших клиентов и предложите подписку или регулярный заказ.",
		},
		{
			code: "331", meaning: "Купили недавно, покупают часто, но понемногу.",
			do: "Предложите наборы и порог для подарка чуть выше их обычного чека.",
		},
		{
			code: "332", meaning: "Купили недавно, покупают часто, сумма средняя.",
			do: "Познакомьте с более дорогой категорией и дайте бонус за неё, а не скидку.",
		},
		{
			code: "333", meaning: "Купили недавно, покупают часто и на большие суммы.",
			do: "Поблагодарите лично, дайте ранний доступ и попросите рекомендацию; скидка не нужна.",
		},
	}
}

// codeAdviceEnglish is codeAdviceRussian in English.
func codeAdviceEnglish() []codeWords {
	return []codeWords{
		{
			code: "111", meaning: "Bought long ago, rarely, for a small sum.", once: "Bought once, long ago, for a small sum.",
			do: "Send an inexpensive offer; two letters without an answer are enough, then stop writing.",
		},
		{
			code: "112", meaning: "Bought long ago, rarely, for a middling sum.", once: "Bought once, long ago, for a middling sum.",
			do: "Offer a seasonal novelty by the cheapest channel; stop after two letters without an answer.",
		},
		{
			code: "113", meaning: "Bought long ago, rarely, but for a large sum.", once: "Bought once, long ago, but for a large sum.",
			do: "Look up what they took and offer what goes with it: a replacement, care, an addition.",
		},
		{
			code: "121", meaning: "Bought long ago, middling in frequency, for a small sum.",
			do: "Remind them of what they used to take, with a promo code for something inexpensive.",
		},
		{
			code: "122", meaning: "Bought long ago, middling in frequency and sum.",
			do: "A series of 2–3 letters: news of their category, then a promo code with a date.",
		},
		{
			code: "123", meaning: "Bought long ago, middling in frequency, for a large sum.",
			do: "Call: ask why they stopped and offer terms made for them.",
		},
		{
			code: "131", meaning: "Bought long ago; used to buy often, a little at a time.",
			do: "Remind them of their usual order, make repeating it one click, and add a small gift.",
		},
		{
			code: "132", meaning: "Bought long ago; used to buy often, for a middling sum.",
			do: "Write in the name of the person who served them: ask for the reason and offer a bonus for returning.",
		},
		{
			code: "133", meaning: "Bought long ago; used to buy often and for large sums.",
			do: "A call from the head or from their own manager, with the strongest offer you can make.",
		},

		{
			code: "211", meaning: "Bought a while ago, few purchases, for a small sum.", once: "Bought once, a while ago, for a small sum.",
			do: "Send a letter with an inexpensive reason to return, such as something that goes with the purchase.",
		},
		{
			code: "212", meaning: "Bought a while ago, few purchases, for a middling sum.", once: "Bought once, a while ago, for a middling sum.",
			do: "Recall the purchase, ask whether it suited them, and offer an addition to it.",
		},
		{
			code: "213", meaning: "Bought a while ago, few purchases, but for a large sum.", once: "Bought once, a while ago, but for a large sum.",
			do: "Handle by hand: call, ask whether they are content, and agree on the next purchase.",
		},
		{
			code: "221", meaning: "Middling in recency and frequency, for a small sum.",
			do: "Offer a bundle, or free delivery from a sum just above their usual check.",
		},
		{
			code: "222", meaning: "Middling in recency, frequency and sum.",
			do: "Send news of the category 1–2 times a month and watch which way the client moves.",
		},
		{
			code: "223", meaning: "Middling in recency and frequency, for a large sum.",
			do: "Offer the better model or a service with it; have a manager call when the usual interval is over.",
		},
		{
			code: "231", meaning: "Buy often, a little at a time; the last purchase is not the most recent.",
			do: "Remind them of their usual order and offer more of it at an advantage.",
		},
		{
			code: "232", meaning: "Buy often, for a middling sum; the last purchase is not the most recent.",
			do: "Offer a bonus on the next order and ask whether all is well.",
		},
		{
			code: "233", meaning: "Buy often and for large sums; the last purchase is not the most recent.",
			do: "Contact them in person this week: ask what has changed and offer special terms.",
		},

		{
			code: "311", meaning: "Bought recently, few purchases so far, for a small sum.", once: "Bought for the first time, recently, for a small sum.",
			do: "Say thank you, show how to use what they bought, and offer an inexpensive next step.",
		},
		{
			code: "312", meaning: "Bought recently, few purchases so far, for a middling sum.", once: "Bought for the first time, recently, for a middling sum.",
			do: "Say thank you, ask for a review, and offer a bonus on the next order.",
		},
		{
			code: "313", meaning: "Bought recently, few purchases so far, for a large sum.", once: "Bought for the first time, recently, and for a large sum.",
			do: "Call: say thank you, help them start using it, and give them a manager of their own.",
		},
		{
			code: "321", meaning: "Bought recently, middling in frequency, for a small sum.",
			do: "Offer something from the next category together with a bonus on the next order.",
		},
		{
			code: "322", meaning: "Bought recently, middling in frequency and sum.",
			do: "Send a reminder for the day of the next purchase, and a bonus if they keep to it.",
		},
		{
			code: "323", meaning: "Bought recently, middling in frequency, for a large sum.",
			do: "Invite them to the programme for the best clients and offer a subscription or a standing order.",
		},
		{
			code: "331", meaning: "Bought recently and buy often, a little at a time.",
			do: "Offer bundles, and a gift from a sum just above their usual check.",
		},
		{
			code: "332", meaning: "Bought recently and buy often, for a middling sum.",
			do: "Introduce a dearer category, with a bonus for trying it rather than a discount.",
		},
		{
			code: "333", meaning: "Bought recently, buy often, and for large sums.",
			do: "Thank them in person, give early access, and ask for a referral; no discount is needed.",
		},
	}
}
