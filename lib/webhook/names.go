package webhook

import (
	"strings"
	"unicode"
)

// usualField is our field for a name that sites commonly give it, or empty. The
// name as it stands decides; then without a number at its end (tel-463), then
// without a word such as your or customer before it.
//
// Names that mean several things are left to the source's map: id (often the
// form's own), client_id (often a counter's), number, card_number (may be a bank
// card's), text, date.
func usualField(name string) string {
	if ours := usualName(name); ours != "" {
		return ours
	}
	// "Почта (e-mail)", "Телефон / WhatsApp": the first of the words decides.
	if i := strings.IndexAny(name, "(/|"); i > 0 && i+1 < len(name) {
		return usualName(name[:i])
	}
	return ""
}

func usualName(name string) string {
	key := nameKey(name)
	if ours := usualKey(key); ours != "" {
		return ours
	}
	key = strings.TrimRightFunc(key, unicode.IsDigit)
	if ours := usualKey(key); ours != "" {
		return ours
	}
	for _, word := range []string{"your", "user", "client", "customer", "contact", "billing", "lead", "ваше", "ваша", "ваш", "input"} {
		if bare, ok := strings.CutPrefix(key, word); ok {
			if ours := usualKey(bare); ours != "" {
				return ours
			}
		}
	}
	return ""
}

func usualKey(key string) string {
	switch key {
	case "phone", "phones", "telephone", "tel", "mobile", "mobilephone", "phonenumber", "cellphone", "cell", "msisdn", "whatsapp", "phonemobile",
		"телефон", "телефоны", "номертелефона", "тел", "мобильный", "мобильныйтелефон", "сотовый", "сотовыйтелефон", "контактныйтелефон", "телефондлясвязи":
		return "phone"
	case "email", "emails", "mail", "emailaddress", "почта", "электроннаяпочта", "емейл", "имейл", "эмейл", "емайл", "адресэлектроннойпочты", "элпочта",
		"еmail", "emailадрес", "вашemail": // the first begins with a Cyrillic letter
		return "email"
	case "name", "fullname", "fio", "имя", "фио", "фамилияимя", "имяифамилия", "имяфамилия", "фамилияимяотчество", "полноеимя", "каквасзовут", "контактноелицо":
		return "name"
	case "firstname", "fname", "givenname":
		return "first_name"
	case "lastname", "lname", "surname", "familyname", "secondname", "фамилия":
		return "last_name"
	case "city", "town", "город", "населенныйпункт":
		return "city"
	case "country", "страна":
		return "country"
	case "address", "адрес", "deliveryaddress", "адресдоставки", "shippingaddress":
		return "address"
	case "company", "companyname", "organization", "organisation", "компания", "организация", "названиекомпании":
		return "company"
	case "birthday", "birthdate", "dateofbirth", "dob", "датарождения", "деньрождения":
		return "birth_date"
	case "gender", "sex", "пол":
		return "gender"
	case "externalid":
		return "external_id"
	case "cardno", "loyaltycard", "картаклиента", "карталояльности", "номеркартылояльности":
		return "card_no"
	case "loyaltylevel", "уровеньлояльности":
		return "loyalty_level"
	case "preferredchannel", "способсвязи", "удобныйспособсвязи", "contactmethod":
		return "preferred_channel"
	case "message", "comment", "comments", "question", "сообщение", "комментарий", "комментарии", "вопрос", "комментарийкзаказу", "пожелания":
		return "message"
	case "interests", "interest", "интерес", "интересы", "service", "services", "услуга", "услуги":
		return "interests"
	case "tags", "tag", "теги", "метки":
		return "tags"
	case "manager", "менеджер":
		return "manager"
	case "page", "pageurl", "landing", "landingpage", "landingpageurl", "landingurl", "url", "href", "sourceurl", "страница", "адресстраницы", "pageurlfull":
		return "landing"
	case "referrer", "referer", "httpreferer", "реферер":
		return "referrer"
	default:
		return ""
	}
}
