package audience

import "strings"

// PlatformKey is the key of a platform by the names that people use, in any letter
// case; false for what is no platform.
func PlatformKey(name string) (string, bool) {
	key := strings.ToLower(strings.TrimSpace(name))
	if known, ok := map[string]string{
		"вк": "vk", "vkontakte": "vk", "vk-ads": "vk", "vkads": "vk", "vk ads": "vk", "mytarget": "vk", "vk ads / mytarget": "vk", "vk реклама": "vk",
		"яндекс": "yandex", "yandex-audience": "yandex", "yandex audience": "yandex", "yandex metrica": "yandex", "ya": "yandex",
		"google-ads": "google", "google ads": "google", "adwords": "google",
		"facebook": "meta", "instagram": "meta", "twitter": "x", "bing": "microsoft", "people": "csv", "excel": "xlsx", "обзвон": "dialler", "dialer": "dialler",
	}[key]; ok {
		key = known
	}
	_, ok := Lookup(key)
	return key, ok
}

// FieldKey is the key of a field by the names that platforms, people and the test
// cases of the specification use; what it does not know comes back in lower case.
func FieldKey(name string) string {
	key := strings.ToLower(strings.NewReplacer(" ", "_", "-", "_").Replace(strings.TrimSpace(name)))
	if known, ok := map[string]string{
		"e_mail": "email", "em": "email", "mail": "email", "почта": "email", "эл._почта": "email", "имейл": "email",
		"ph": "phone", "tel": "phone", "telephone": "phone", "phone_number": "phone", "телефон": "phone",
		"fn": "first_name", "firstname": "first_name", "given_name": "first_name", "имя": "first_name", "first_name/last_name": "first_name",
		"ln": "last_name", "lastname": "last_name", "surname": "last_name", "family_name": "last_name", "фамилия": "last_name",
		"ct": "city", "город": "city", "st": "state", "region": "state", "регион": "state",
		"zp": "zip", "postal_code": "zip", "postcode": "zip", "индекс": "zip", "country_code": "country", "страна": "country",
		"db": "birth_date", "dob": "birth_date", "birthday": "birth_date", "birthdate": "birth_date", "дата_рождения": "birth_date",
		"doby": "birth_year", "dobm": "birth_month", "dobd": "birth_day",
		"ge": "gender", "gen": "gender", "пол": "gender",
		"fi": "first_initial", "f5first": "first5_first_name", "f5last": "first5_last_name",
		"lookalike_value": "value", "ltv": "value", "any_(already_hashed)": "hashed",
		"advertising_id": "madid", "maid": "madid", "ifa": "madid", "aaid": "gaid", "adid": "gaid", "googleaid": "gaid",
		"client_id": "external_id", "extern_id": "external_id", "ext_id": "external_id", "id": "external_id",
		"vk": "vk_id", "vkid": "vk_id", "ok": "ok_id", "tg_id": "telegram_id",
	}[key]; ok {
		return known
	}
	return key
}
