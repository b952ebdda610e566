package card

import (
	"slices"
	"strings"

	"github.com/leadlake/leadlake/lib/consent"
)

// Measures of gold/quality. Those of values end in _unreadable or _junk, those of
// consents begin with the purpose.
const (
	MeasureClients      = "clients"
	MeasureReachable    = "reachable"
	MeasureName         = "name"
	MeasurePhone        = "phone"
	MeasureEmail        = "email"
	MeasureBirth        = "birth_date"
	MeasureAdsConsent   = "ads_consent"
	MeasureTypos        = "email_typos"
	MeasureLookAlikes   = "look_alike_names"
	MeasureRecords      = "more_than_one_record"
	MeasureRecordsMinor = "more_than_one_record_minor"
	MeasureNames        = "several_names"
	MeasureOverrides    = "unknown_overrides"
	MeasureLeads        = "leads"
	MeasureNobody       = "leads_without_client"
	MeasureWaiting      = "leads_without_contact"
	MeasureManagers     = "several_managers"
	MeasureAnonymous    = "orders_without_client"
	MeasureAnonymousSum = "revenue_without_client_minor"
	MeasureOtherOrders  = "orders_in_other_currencies"
	MeasureOtherCosts   = "costs_in_other_currencies"

	// MeasureMissing and MeasureFailed begin the measures of a field and of a
	// reason.
	MeasureMissing = "missing_"
	MeasureFailed  = "failed_"

	measureUnreadable = "_unreadable"
	measureJunk       = "_junk"
	measureConsent    = "_consent"
	measureWithdrawn  = "_withdrawn"
	measureUnknown    = "_unknown"
)

// Verdict says what a high value of a measure means.
type Verdict int

// Verdicts.
const (
	Neutral Verdict = iota
	Good
	Bad
)

// Words are texts in both languages.
type Words struct{ RU, EN string }

// Measure says what a row of gold/quality counts.
type Measure struct {
	Name    string
	Group   string // contacts, values, consents, duplicates, leads, orders or deliveries
	Of      string // what the share is of: clients, values, leads, records, orders, money or deliveries
	Verdict Verdict
	Title   Words
	Meaning Words
	rank    int
}

// Money reports whether the measure counts minor units.
func (m Measure) Money() bool { return m.Of == "money" }

// Compare orders measures as people read them.
func (m Measure) Compare(other Measure) int {
	if m.rank != other.rank {
		return m.rank - other.rank
	}
	return strings.Compare(m.Name, other.Name)
}

// DescribeMeasure says what a measure means; false for a name that is none.
func DescribeMeasure(name string) (Measure, bool) {
	all := measures()
	if i := slices.IndexFunc(all, func(m Measure) bool { return m.Name == name }); i >= 0 {
		all[i].rank = i
		return all[i], true
	}
	if field, ok := strings.CutPrefix(name, MeasureMissing); ok {
		if i := slices.Index(LeadFields(), field); i >= 0 {
			words := fieldWords()[i]
			return Measure{
				name, "leads", "leads", Bad,
				Words{"Заявки, где нет поля «" + words.RU + "»", "Leads without " + words.EN},
				Words{"Поле обязательно для этого источника (required), а заявка пришла без него или с негодным значением.", "The source's `required` names this field; the lead came without it or with a value of no use."},
				200 + i,
			}, true
		}
	}
	if reason, ok := strings.CutPrefix(name, MeasureFailed); ok && reason != "" {
		return Measure{
			name, "deliveries", "deliveries", Bad,
			Words{"Не прочитано: " + reason, "Not read: " + reason},
			Words{"Доставки, которые сохранены, но не стали событиями; после исправления их читают снова (leadlake redrive).", "Deliveries that are kept but became no event; after a fix they are run again (leadlake redrive)."},
			300,
		}, true
	}
	return Measure{}, false
}

// measures is the one table of what is measured and how it is called, in the
// order in which people read it.
func measures() []Measure {
	list := []Measure{
		{
			Name: MeasureClients, Group: "contacts", Of: "clients", Title: Words{"Клиенты", "Clients"},
			Meaning: Words{"Сколько клиентов в базе; у источника — о скольких из них он сообщал. Остальные доли источника считаются от этих клиентов и по тому, что сказал он сам.", "Clients in the base; for a source, those of whom it told anything. The source's other shares are of these, by what it told itself."},
		},
		{
			Name: MeasureReachable, Group: "contacts", Of: "clients", Verdict: Good, Title: Words{"Можно связаться", "Can be reached"},
			Meaning: Words{"Есть хотя бы один годный телефон или адрес почты.", "At least one usable phone or e-mail address is known."},
		},
		{
			Name: MeasurePhone, Group: "contacts", Of: "clients", Verdict: Good, Title: Words{"Есть телефон", "With a phone"},
			Meaning: Words{"Номер читается и может существовать; заглушки не в счёт.", "The number is readable and possible; fillers do not count."},
		},
		{
			Name: MeasureEmail, Group: "contacts", Of: "clients", Verdict: Good, Title: Words{"Есть почта", "With an e-mail"},
			Meaning: Words{"Адрес читается; заглушки не в счёт.", "The address is readable; fillers do not count."},
		},
		{
			Name: MeasureName, Group: "contacts", Of: "clients", Verdict: Good, Title: Words{"Есть имя", "With a name"},
			Meaning: Words{"Известно имя, фамилия или полное имя.", "A first, last or full name is known."},
		},
		{
			Name: MeasureBirth, Group: "contacts", Of: "clients", Verdict: Good, Title: Words{"Есть день рождения", "With a date of birth"},
			Meaning: Words{"Дата рождения прочитана, с годом или без него.", "The date of birth is readable, with its year or without."},
		},
		{
			Name: "phones" + measureUnreadable, Group: "values", Of: "values", Verdict: Bad, Title: Words{"Телефоны не читаются", "Unreadable phones"},
			Meaning: Words{"Из всех присланных номеров: такого номера не бывает. Значение сохранено как есть.", "Of all numbers that came: no such number exists. The value is kept as typed."},
		},
		{
			Name: "phones" + measureJunk, Group: "values", Of: "values", Verdict: Bad, Title: Words{"Телефоны-заглушки", "Junk phones"},
			Meaning: Words{"Из всех присланных номеров: набраны, чтобы отделаться от формы (одни нули, слишком короткие, из вашего списка).", "Of all numbers that came: typed to get rid of a form (zeros, too short, on your list)."},
		},
		{
			Name: "emails" + measureUnreadable, Group: "values", Of: "values", Verdict: Bad, Title: Words{"Адреса почты не читаются", "Unreadable e-mails"},
			Meaning: Words{"Из всех присланных адресов: это не адрес почты. Значение сохранено как есть.", "Of all addresses that came: this is no e-mail address. The value is kept as typed."},
		},
		{
			Name: "emails" + measureJunk, Group: "values", Of: "values", Verdict: Bad, Title: Words{"Адреса-заглушки", "Junk e-mails"},
			Meaning: Words{"Из всех присланных адресов: набраны, чтобы отделаться от формы (test@, no@, из вашего списка).", "Of all addresses that came: typed to get rid of a form (test@, no@, on your list)."},
		},
		{
			Name: MeasureTypos, Group: "values", Of: "clients", Verdict: Bad, Title: Words{"Опечатка в адресе почты", "E-mail with a typo"},
			Meaning: Words{"Из клиентов с почтой: домен похож на известный, но набран с ошибкой (gmial.com). Сам адрес не меняется.", "Of the clients with an e-mail: the domain is nearly a well-known one (gmial.com). The address itself is never changed."},
		},
		{
			Name: "birth_dates" + measureUnreadable, Group: "values", Of: "values", Verdict: Bad, Title: Words{"Даты рождения не читаются", "Unreadable dates of birth"},
			Meaning: Words{"Из всех присланных дат: такой даты нет или её можно понять двояко. Значение сохранено как есть.", "Of all dates that came: there is no such day, or it can be read in two ways. The value is kept as typed."},
		},
		{
			Name: "birth_dates" + measureJunk, Group: "values", Of: "values", Verdict: Bad, Title: Words{"Даты рождения — заглушки", "Junk dates of birth"},
			Meaning: Words{"Из всех присланных дат: их ставят программы вместо пустого поля (01.01.1900).", "Of all dates that came: what programs write for an empty field (1900-01-01)."},
		},
		{
			Name: MeasureLookAlikes, Group: "values", Of: "clients", Verdict: Bad, Title: Words{"Имя из букв двух алфавитов", "Name of two alphabets"},
			Meaning: Words{"Из клиентов с именем: в русском слове стоит похожая латинская буква или наоборот. Имя не меняется.", "Of the clients with a name: a Latin letter stands in a Cyrillic word, or the other way. The name is not changed."},
		},
	}
	for _, purpose := range consent.Purposes() {
		list = append(list, consentMeasures(purpose)...)
	}
	return append(list, []Measure{
		{
			Name: MeasureRecords, Group: "duplicates", Of: "clients", Title: Words{"Собраны из нескольких записей", "Made of several records"},
			Meaning: Words{"Источники сообщали об этом клиенте с разными наборами телефона, почты и номеров; теперь это одна карточка. Подробнее: leadlake duplicates.", "Sources told of this client with different sets of phone, e-mail and ids; now it is one card. Details: leadlake duplicates."},
		},
		{
			Name: MeasureRecordsMinor, Group: "duplicates", Of: "money", Title: Words{"Выручка этих клиентов", "Revenue of these clients"},
			Meaning: Words{"Деньги, которые без объединения лежали бы в разных карточках одного человека.", "Money that would lie in different cards of one person without merging."},
		},
		{
			Name: MeasureNames, Group: "duplicates", Of: "clients", Verdict: Bad, Title: Words{"Одна карточка, разные имена", "One card, different names"},
			Meaning: Words{"У клиента два имени или больше: это может быть семья на одном телефоне или чужой номер. Разделить: leadlake duplicates.", "The client has two names or more: maybe a family on one phone, or somebody else's number. To split: leadlake duplicates."},
		},
		{
			Name: MeasureOverrides, Group: "duplicates", Of: "records", Verdict: Bad, Title: Words{"Списки называют неизвестных", "Lists name unknown clients"},
			Meaning: Words{"Записи в identity.merge и identity.split, которых нет в базе: опечатка или человек удалён.", "Entries of identity.merge and identity.split that the base does not know: a slip, or the person was erased."},
		},
		{
			Name: MeasureLeads, Group: "leads", Of: "leads", Title: Words{"Заявки", "Leads"},
			Meaning: Words{"Сколько раз обращались; события об одной и той же заявке считаются один раз.", "How often people asked; events about one and the same lead count once."},
		},
		{
			Name: MeasureNobody, Group: "leads", Of: "leads", Verdict: Bad, Title: Words{"Заявки неизвестно от кого", "Leads of nobody"},
			Meaning: Words{"В заявке нет ни одного годного телефона, адреса или номера клиента: ответить некому.", "The lead has no usable phone, address or id: there is nobody to answer."},
		},
		{
			Name: MeasureWaiting, Group: "leads", Of: "clients", Verdict: Bad, Title: Words{"Обратились и не получили ответа", "Asked and got no answer"},
			Meaning: Words{"Из клиентов, чья заявка старше срока ответа (metrics.lead_wait_days, обычно 3 дня): с тех пор ни разговора, ни записи, ни следующего этапа, ни покупки.", "Of the clients whose lead is older than the time to answer (metrics.lead_wait_days, usually 3 days): since then no contact, booking, further stage or purchase."},
		},
		{
			Name: MeasureManagers, Group: "leads", Of: "clients", Verdict: Bad, Title: Words{"С клиентом говорили разные менеджеры", "Contacted by several managers"},
			Meaning: Words{"Из клиентов, с которыми менеджеры говорили за последние 30 дней: больше одного менеджера.", "Of the clients whom managers contacted in the last 30 days: more than one manager."},
		},
		{
			Name: MeasureAnonymous, Group: "orders", Of: "orders", Verdict: Bad, Title: Words{"Покупки без клиента", "Purchases without a client"},
			Meaning: Words{"В заказе нет ни телефона, ни почты, ни номера клиента: он считается для товаров, но не для людей.", "The order names no phone, e-mail or id: it counts for goods, not for people."},
		},
		{
			Name: MeasureAnonymousSum, Group: "orders", Of: "money", Verdict: Bad, Title: Words{"Выручка без клиента", "Revenue without a client"},
			Meaning: Words{"Сумма покупок, о покупателях которых ничего не известно.", "The sum of purchases by nobody known."},
		},
		{
			Name: MeasureOtherOrders, Group: "orders", Of: "orders", Verdict: Bad, Title: Words{"Покупки в валюте без курса", "Purchases in a currency without a rate"},
			Meaning: Words{"Они считаются как покупки, но их деньги не входят в выручку: задайте курс (business.rates).", "They count as purchases, their money stays out of revenue: set a rate (business.rates)."},
		},
		{
			Name: MeasureOtherCosts, Group: "orders", Of: "records", Verdict: Bad, Title: Words{"Расходы в валюте без курса", "Costs in a currency without a rate"},
			Meaning: Words{"Расходы на рекламу, которые не вошли в стоимость: задайте курс (business.rates).", "Advertising costs that are in no cost figure: set a rate (business.rates)."},
		},
	}...)
}

// MeasureOfConsent counts the clients who gave a consent.
func MeasureOfConsent(purpose consent.Purpose) string { return string(purpose) + measureConsent }

func consentMeasures(purpose consent.Purpose) []Measure {
	what := map[consent.Purpose]Words{
		consent.Processing: {"на обработку данных", "to processing of data"}, consent.Ads: {"на рекламу", "to advertising"},
		consent.Email: {"на письма", "to e-mail"}, consent.SMS: {"на СМС", "to text messages"},
		consent.Call: {"на звонки", "to calls"}, consent.Messenger: {"на мессенджеры", "to messengers"},
	}[purpose]
	name := MeasureOfConsent(purpose)
	return []Measure{
		{
			Name: name, Group: "consents", Of: "clients", Verdict: Good, Title: Words{"Согласие " + what.RU + " дано", "Consent " + what.EN + " given"},
			Meaning: Words{"Последнее, что клиент об этом сказал, в каком бы источнике это ни было, — «да».", "The client's latest word on it, by whichever source, is yes."},
		},
		{
			Name: name + measureWithdrawn, Group: "consents", Of: "clients", Title: Words{"Согласие " + what.RU + " отозвано", "Consent " + what.EN + " withdrawn"},
			Meaning: Words{"Последнее слово клиента — «нет» или отписка.", "The client's latest word on it is no, or an unsubscription."},
		},
		{
			Name: name + measureUnknown, Group: "consents", Of: "clients", Verdict: Bad, Title: Words{"О согласии " + what.RU + " неизвестно", "Consent " + what.EN + " unknown"},
			Meaning: Words{"Клиент об этом ничего не говорил; для рекламы и рассылок это значит «нет».", "The client never said anything; for advertising and messages that is a no."},
		},
	}
}

// fieldWords are the fields of LeadFields in words, in the same order.
func fieldWords() []Words {
	return []Words{
		{"телефон", "a phone"},
		{"почта", "an e-mail"},
		{"номер в системе", "an id"},
		{"номер карты", "a card number"},
		{"имя полностью", "a name"},
		{"имя", "a first name"},
		{"фамилия", "a last name"},
		{"дата рождения", "a date of birth"},
		{"пол", "a gender"},
		{"город", "a city"},
		{"страна", "a country"},
		{"адрес", "an address"},
		{"компания", "a company"},
		{"уровень лояльности", "a loyalty level"},
		{"удобный канал", "a preferred channel"},
		{"интересы", "interests"},
		{"метки", "tags"},
		{"менеджер", "a manager"},
		{"этап", "a stage"},
		{"согласие", "a consent"},
		{"источник рекламы (utm_source)", "utm_source"},
		{"кампания (utm_campaign)", "utm_campaign"},
	}
}
