package spreadsheet

import (
	"slices"
	"strings"
	"unicode"

	"github.com/leadlake/leadlake/lib/consent"
)

// Kind is what a file's rows are.
type Kind string

// The kinds of files. A client base looks like leads without a date, so its kind
// is never recognised by the columns: it has to be said.
const (
	OrdersFile  Kind = "orders"
	LeadsFile   Kind = "leads"
	CostsFile   Kind = "costs"
	ClientsFile Kind = "clients"
)

// initial is how the table of fields names a kind.
func (k Kind) initial() string {
	if k == ClientsFile {
		return "p" // people: c is for costs
	}
	return string(k[:1])
}

// Field is a meaning a column may have, as -map writes it.
type Field string

// The fields. Consent columns are ConsentPrefix and a purpose ("consent_ads").
const (
	Client      Field = "client" // any id of the client in the source
	Phone       Field = "phone"  // may stand in several columns
	Email       Field = "email"  // may stand in several columns
	Name        Field = "name"
	FirstName   Field = "first_name"
	LastName    Field = "last_name"
	BirthDate   Field = "birth_date"
	Gender      Field = "gender"
	City        Field = "city"
	Country     Field = "country"
	Company     Field = "company"
	Date        Field = "date"
	DateEnd     Field = "date_end"
	Month       Field = "month" // of costs that are told by the month
	OrderID     Field = "order_id"
	LeadID      Field = "lead_id"
	Amount      Field = "amount"
	Micros      Field = "amount_micros" // in millionths of the currency's unit
	Currency    Field = "currency"
	Shipping    Field = "shipping"
	Returned    Field = "returned"
	Status      Field = "status"
	Stage       Field = "stage"
	Item        Field = "item"
	SKU         Field = "sku"
	Category    Field = "category"
	Quantity    Field = "quantity"
	Price       Field = "price"
	ItemSum     Field = "item_sum"
	Source      Field = "source"
	UTMSource   Field = "utm_source"
	Medium      Field = "medium"
	Campaign    Field = "campaign"
	Account     Field = "account" // of an advertising cabinet
	Manager     Field = "manager"
	Tags        Field = "tags"
	Comment     Field = "comment"
	Interest    Field = "interest"
	Clicks      Field = "clicks"
	Impressions Field = "impressions"
	ConsentAt   Field = "consent_at"

	ConsentPrefix = "consent_"

	// person is a header such as "Клиент" that may stand over ids or over names;
	// the values decide, or the user.
	person Field = "person"
)

// fieldRow is one line of the table of headers. kinds are the initials of the
// kinds of files that know the field; synonyms are compared as headerKey sees
// them: letters and digits only, small, ё as е.
type fieldRow struct {
	field    Field
	kinds    string
	synonyms string // separated by |
}

// fieldTable is the only list of headers that are recognised.
func fieldTable() []fieldRow {
	return []fieldRow{
		{Client, "olp", "client|client id|clientid|customer id|customerid|customer number|customer no|customer code|user id|user|buyer id|external id|external_id|contact id|card no|card number|loyalty card|id клиента|ид клиента|код клиента|номер клиента|клиент id|id покупателя|ид покупателя|код покупателя|id контакта|id контрагента|код контрагента|внешний id|номер карты|карта лояльности|дисконтная карта|карта клиента|код партнера|id пользователя|номер карты клиента|штрихкод карты"},
		{person, "olp", "клиент|покупатель|контрагент|заказчик|customer|buyer|партнер"},
		{Client, "p", "id|ид|код|номер|номер контакта"},
		{Phone, "olp", "phone|phone number|telephone|tel|mobile|mobile phone|cell phone|work phone|home phone|other phone|customer phone|client phone|billing phone|телефон|номер телефона|тел|мобильный|мобильный телефон|сотовый|сотовый телефон|рабочий телефон|домашний телефон|другой телефон|рабочий прямой телефон|телефон клиента|телефон покупателя|контактный телефон|телефон контакта|телефоны|телефон 1|телефон 2|phone 1|phone 2|phones|телефон рабочий|телефон мобильный|телефон домашний|телефон сотовый|мобильный тел|моб телефон|тел моб|контактный номер|рабочий тел|phone work|phone mobile|phone home|contact phone|телефон основной|основной телефон"},
		{Email, "olp", "email|e-mail|mail|email address|e-mail address|customer email|client email|billing email|work email|почта|эл почта|эл. почта|электронная почта|адрес электронной почты|емейл|имейл|email клиента|e-mail клиента|email покупателя|рабочий email|рабочий e-mail|личный email|частный e-mail|другой email|другой e-mail|emails|email 1|email 2|email рабочий|e-mail рабочий|почта клиента|email контакта|e-mail контакта|адрес эл почты|электронный адрес|email work|email home|contact email|e-mail для связи|основной email"},
		{Name, "olp", "name|full name|fullname|customer name|client name|contact name|buyer name|contact|billing name|фио|имя|имя клиента|фио клиента|фио покупателя|имя покупателя|контактное лицо|контакт|основной контакт|полное имя|наименование клиента|полное имя контакта|имя и фамилия|фио контакта|название контакта|основное контактное лицо|ф и о|contact full name"},
		{FirstName, "olp", "first name|firstname|first_name|given name|billing first name|имя контакта"},
		{LastName, "olp", "last name|lastname|last_name|surname|family name|billing last name|фамилия|фамилия клиента|фамилия контакта|фамилия покупателя"},
		{BirthDate, "olp", "birth date|birthdate|birthday|date of birth|dob|birth_date|дата рождения|день рождения|др"},
		{Gender, "olp", "gender|sex|пол"},
		{City, "olp", "city|town|billing city|shipping city|город|город доставки|город клиента|населенный пункт"},
		{Country, "olp", "country|billing country|country code|страна"},
		{Company, "olp", "company|company name|organization|organisation|компания|организация|название компании|юрлицо|компания контакта|наименование организации|организация клиента|название организации"},
		{Date, "olp", "date|datetime|created|created at|created_at|creation date|date created|timestamp|дата|дата и время|дата создания|создан|создано|время создания"},
		{Date, "p", "registered|registered at|registration date|signup date|sign up date|customer since|дата регистрации|зарегистрирован|дата добавления|дата создания контакта|дата создания клиента|дата первого обращения"},
		{Date, "o", "order date|date of order|order time|ordered at|purchased at|purchase date|invoice date|invoicedate|transaction date|sale date|дата заказа|дата оформления|дата оформления заказа|дата создания заказа|дата создания сделки|дата покупки|дата продажи|дата сделки|дата документа|дата чека|оформлен|дата реализации|дата время заказа|дата создания заказа клиента|момент продажи"},
		{Date, "l", "lead date|submitted at|request date|received at|дата заявки|дата обращения|дата создания лида|дата создания заявки|дата лида|дата звонка|дата отправки|время заявки"},
		{Date, "c", "date|day|by day|report date|segments.date|stat_time_day|дата|день|по дням|дата расхода|дата отчета"},
		{DateEnd, "c", "reporting ends|date stop|date end|end date|дата окончания|дата окончания отчетности|окончание отчетности|завершение отчетности"},
		{Month, "c", "month|segments.month|месяц"},
		{OrderID, "o", "order|order id|orderid|order_id|order no|order number|order #|id|invoice|invoice no|invoiceno|invoice number|transaction id|deal id|номер заказа|№ заказа|id заказа|ид заказа|заказ|номер|код заказа|id сделки|номер сделки|номер чека|чек|номер документа|номер накладной|заказ покупателя|ид|номер реализации|номер продажи|номер операции|внешний номер заказа"},
		{LeadID, "l", "id|lead id|lead_id|request id|submission id|номер заявки|id заявки|id лида|ид|номер|id сделки|номер лида"},
		{Amount, "o", "amount|total|order total|grand total|order amount|order sum|total price|total amount|sum|revenue|paid amount|value|order value|dollar value|purchase amount|payment amount|net amount|сумма|сумма заказа|итого|итоговая сумма|сумма покупки|сумма продажи|сумма сделки|стоимость заказа|стоимость|всего|выручка|бюджет|бюджет сделки|сумма чека|сумма документа|оплачено|к оплате|общая сумма|сумма с ндс|сумма руб|сумма реализации|сумма оплаты|итого к оплате|стоимость со скидкой|сумма со скидкой|order total amount|итог"},
		{Amount, "c", "amount|cost|spend|spent|amount spent|total cost|total spent|spent budget|expense|expenses|ad cost|сумма|расход|расходы|расход с ндс|затраты|потрачено|потрачено всего|потраченная сумма|израсходовано|израсходованная сумма|стоимость|списано|сумма затрат|сумма расходов"},
		{Micros, "c", "cost micros|metrics.cost_micros|spend micros|amount micros"},
		{Currency, "oc", "currency|currency code|customer.currency_code|валюта|код валюты|валюта заказа"},
		{Shipping, "o", "shipping|shipping cost|delivery cost|shipping amount|delivery|доставка|стоимость доставки|сумма доставки"},
		{Returned, "o", "returned|refund|refunded|refund amount|returned amount|возврат|сумма возврата|возвращено"},
		{Status, "o", "status|order status|state|financial status|статус|статус заказа|состояние|статус сделки|состояние заказа|этап сделки|стадия сделки|стадия|этап|stage"},
		{Stage, "l", "stage|status|lead status|lead stage|pipeline stage|стадия|этап|статус|этап сделки|стадия сделки|статус лида|статус заявки|стадия лида"},
		{Item, "o", "item|product|product name|item name|product title|description|товар|наименование|наименование товара|название товара|номенклатура|услуга|позиция|товар услуга|товары|наименование номенклатуры|товары заказа|состав заказа"},
		{SKU, "o", "sku|article|product id|item id|stock code|stockcode|артикул|код товара|ид товара|id товара|штрихкод"},
		{Category, "o", "category|product category|product type|item category|категория|категория товара|группа|группа товаров|раздел|вид номенклатуры|номенклатурная группа"},
		{Quantity, "o", "quantity|qty|count|units|количество|кол-во|колво|кол во|шт|число"},
		{Price, "o", "price|unit price|unitprice|item price|цена|цена за единицу|цена за шт|цена товара"},
		{ItemSum, "o", "item sum|item_sum|line total|line amount|item total|item amount|сумма позиции|сумма по позиции|стоимость товара|сумма строки|стоимость позиции"},
		{Source, "olp", "source|lead source|order source|traffic source|channel|источник|источник заказа|источник трафика|источник лида|источник заявки|источник сделки|канал|рекламный источник|откуда узнали|способ оформления|источник клиента|источник контакта"},
		{Source, "c", "source|utm source|utm_source|ad platform|источник|рекламная система"},
		{UTMSource, "olp", "utm source"},
		{Medium, "olp", "medium|utm medium|utm_medium"},
		{Campaign, "olp", "campaign|campaign name|utm campaign|utm_campaign|кампания|рекламная кампания|название кампании"},
		{Campaign, "c", "campaign|campaign name|кампания|рекламная кампания|название кампании|название рекламной кампании|имя кампании|campaign.name"},
		{Manager, "olp", "manager|owner|responsible|assigned to|sales rep|менеджер|ответственный|ответственный менеджер|продавец|ответственный сотрудник|ответственный за контакт|ответственный за сделку|менеджер заказа"},
		{Tags, "olp", "tags|tag|labels|теги|тег|метки|теги контакта|теги сделки"},
		{Comment, "olp", "comment|comments|note|notes|message|text|комментарий|комментарий клиента|примечание|примечания|сообщение|текст|текст заявки|вопрос"},
		{Interest, "l", "interest|service|product|form|form name|lead name|subject|интерес|услуга|товар|продукт|форма|название формы|тема|направление"},
		{Account, "c", "account|account name|ad account|customer|client login|advertiser name|аккаунт|кабинет|название аккаунта|имя аккаунта|логин|логин клиента"},
		{Clicks, "c", "clicks|link clicks|clicks destination|metrics.clicks|клики|клик|переходы|количество кликов|клики по ссылке|переходы по ссылке"},
		{Impressions, "c", "impressions|impression|impr|metrics.impressions|показы|количество показов"},
		{ConsentAt, "olp", "consent_at|consent at|consent date|date of consent|дата согласия|время согласия"},
		{consentField(consent.Processing), "olp", "consent|gdpr consent|согласие|согласие на обработку персональных данных|согласие на обработку данных|согласие пдн|согласие на обработку пдн"},
		{consentField(consent.Ads), "olp", "ads consent|marketing consent|согласие на рекламу|согласие на получение рекламы|согласие реклама"},
		{consentField(consent.Email), "olp", "email consent|email opt in|согласие на рассылку|согласие на email рассылку|подписка на рассылку|email подписка"},
		{consentField(consent.SMS), "olp", "sms consent|sms opt in|согласие на sms|согласие на смс|согласие на sms рассылку"},
		{consentField(consent.Call), "olp", "call consent|согласие на звонки|согласие на звонок"},
		{consentField(consent.Messenger), "olp", "messenger consent|согласие на мессенджеры|согласие на сообщения"},
	}
}

// rankedRow is a line of the table of headers of costs files that go before those
// of the main table (a rank below 0) or are taken only where it has none.
type rankedRow struct {
	field    Field
	rank     int
	synonyms string
}

// rankedTable: an UTM campaign is what clients bring along, so it goes before the
// cabinet's own name, and that before its number. A channel or a site is the
// source in a table of one's own and something else in a cabinet's report.
func rankedTable() []rankedRow {
	return []rankedRow{
		{Campaign, -1, "utm campaign"},
		{Campaign, 1, "campaign id|campaign.id|campaign number|id кампании|№ кампании|идентификатор кампании|номер кампании"},
		{Date, 1, "reporting starts|date start|start date|дата начала|дата начала отчетности|начало отчетности"},
		{Source, 1, "channel|platform|network|канал|площадка|рекламный канал|система"},
		{Amount, 1, "бюджет"},
		{Account, 1, "account id|customer id|customer.id|advertiser id|id аккаунта|идентификатор аккаунта"},
		{Clicks, 1, "clicks all|outbound clicks|unique link clicks|клики все|уникальные клики по ссылке"},
		{Impressions, 1, "views|просмотры"},
	}
}

func consentField(p consent.Purpose) Field { return ConsentPrefix + Field(p) }

// purpose is the purpose of a consent field; false for every other field.
func (f Field) purpose() (consent.Purpose, bool) {
	p, ok := strings.CutPrefix(string(f), ConsentPrefix)
	if !ok || f == ConsentAt || p == "" {
		return "", false
	}
	return consent.Purpose(p), true
}

// several tells whether more than one column may hold the field.
func (f Field) several() bool { return f == Phone || f == Email }

// first tells whether of several columns the first one is as good as any.
func (f Field) first() bool { return f == Clicks || f == Impressions || f == Account }

func (f Field) isDate() bool {
	return f == Date || f == DateEnd || f == BirthDate || f == ConsentAt
}

func (f Field) isNumber() bool {
	switch f {
	case Amount, Micros, Shipping, Returned, Quantity, Price, ItemSum, Clicks, Impressions:
		return true
	}
	return false
}

func (f Field) isMoney() bool {
	switch f {
	case Amount, Micros, Shipping, Returned, Price, ItemSum:
		return true
	}
	return false
}

// vocabulary leads from a header's key to its meaning, for one kind of file.
type vocabulary map[string]meaning

type meaning struct {
	field Field
	rank  int // of several columns for one field the lowest counts
}

func (t *Table) vocabulary(kind Kind) vocabulary {
	if t.words[kind] == nil {
		if t.words == nil {
			t.words = make(map[Kind]vocabulary)
		}
		t.words[kind] = vocabularyOf(kind)
	}
	return t.words[kind]
}

func vocabularyOf(kind Kind) vocabulary {
	v := make(vocabulary, 256)
	for _, row := range fieldTable() {
		if !strings.Contains(row.kinds, kind.initial()) {
			continue
		}
		if row.field != person {
			v[headerKey(string(row.field))] = meaning{field: row.field}
		}
		for s := range strings.SplitSeq(row.synonyms, "|") {
			if key := headerKey(s); v[key].field == "" {
				v[key] = meaning{field: row.field}
			}
		}
	}
	if kind != CostsFile {
		return v
	}
	for _, row := range rankedTable() {
		for s := range strings.SplitSeq(row.synonyms, "|") {
			v[headerKey(s)] = meaning{field: row.field, rank: row.rank}
		}
	}
	return v
}

// field recognises a header: as it stands, without a currency at its end, and
// without the entity some CRMs put before a colon ("Контакт: Телефон").
func (v vocabulary) field(header string) (Field, bool) {
	m, ok := v.meaning(header)
	return m.field, ok
}

func (v vocabulary) meaning(header string) (meaning, bool) {
	if m, ok := v[headerKey(header)]; ok {
		return m, true
	}
	if bare, _, ok := cutCurrency(header); ok {
		if m, found := v[headerKey(bare)]; found && m.field.isMoney() {
			return m, true
		}
	}
	if bare, ok := cutTax(header); ok {
		if m, found := v[headerKey(bare)]; found && m.field.isMoney() {
			return m, true
		}
	}
	if i := strings.LastIndexByte(header, ':'); i >= 0 {
		if m, ok := v[headerKey(header[i+1:])]; ok {
			return m, true
		}
	}
	if p, ok := strings.CutPrefix(strings.ToLower(strings.TrimSpace(header)), ConsentPrefix); ok && p != "" && v[headerKey(string(ConsentAt))].field != "" {
		return meaning{field: ConsentPrefix + Field(p)}, true
	}
	return meaning{}, false
}

// fields lists the field names of a kind in the order of the table, for messages.
func fieldsOf(kind Kind) []Field {
	var out []Field
	for _, row := range fieldTable() {
		if row.field != person && strings.Contains(row.kinds, kind.initial()) && !slices.Contains(out, row.field) {
			out = append(out, row.field)
		}
	}
	return out
}

// headerKey is what two spellings of a header have in common. A lone № stands over
// line numbers, which are no order numbers, and so has a key of its own.
func headerKey(s string) string {
	if s = strings.TrimSpace(s); s == "№" || s == "#" {
		return "№"
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '№' || r == '#':
			b.WriteString("номер")
		case r == 'ё' || r == 'Ё':
			b.WriteRune('е')
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			b.WriteRune(unicode.ToLower(r))
		}
	}
	return b.String()
}

// cutTax takes off a header whether its sums hold the value-added tax: both are
// what they are, and two such columns are asked about.
func cutTax(header string) (bare string, ok bool) {
	low := strings.ToLower(header)
	if len(low) != len(header) {
		return header, false // a letter whose small form has another length
	}
	for _, tax := range [...]string{"с учетом ндс", "с учётом ндс", "включая ндс", "без ндс", "с ндс", "incl. vat", "excl. vat", "with vat", "without vat"} {
		if i := strings.Index(low, tax); i > 0 {
			return strings.TrimRight(header[:i], " ,(") + header[i+len(tax):], true
		}
	}
	return header, false
}

// cutCurrency splits "Сумма, руб.", "Amount spent (USD)" or "Расход, ₽, с НДС"
// into the header and the currency's code.
func cutCurrency(header string) (bare, code string, ok bool) {
	header, _ = cutTax(header)
	text := strings.TrimRight(strings.TrimSpace(header), " .,)]")
	i := strings.LastIndexAny(text, " ,([")
	if i <= 0 {
		return header, "", false
	}
	code, ok = currencyWord(text[i+1:])
	return strings.TrimRight(text[:i], " ,(["), code, ok
}

// inThousands tells whether a header says that its numbers are thousands or
// millions, which are never read as they stand.
func inThousands(header string) bool {
	for _, word := range strings.FieldsFunc(strings.ToLower(header), func(r rune) bool { return !unicode.IsLetter(r) }) {
		switch word {
		case "тыс", "тысяч", "млн", "миллионов", "thousand", "thousands", "million", "millions", "k":
			return true
		}
	}
	return false
}
