package audience

import (
	"crypto/md5" //nolint:gosec // G501: the platform hashes hardware addresses with MD5
	"encoding/hex"
	"strings"
	"unicode"
)

// yandex is Yandex Audience, the CRM form of its upload (audiences, 4): one CSV
// with the header phone,email,external_id. A row holds one phone and one e-mail
// of one person: the first phone beside the first e-mail, the second beside the
// second, and so on with empty cells where one kind runs out. The id, the same in
// all rows of a person, is our client id: it matches nothing at Yandex and only
// keeps the rows together, so no id of the shop's own systems is given away.
func yandex() Platform {
	email := emailField(SHA256, Text{
		"латиницей, без пробелов, строчными буквами; точки и +метка остаются",
		"Latin letters, no blanks, lower case; dots and +tag stay",
	}, latinEmail)
	phone := phoneField(SHA256, Text{
		"только цифры с кодом страны, без плюса: 79995551111",
		"digits with the country code, no plus sign: 79995551111",
	}, digitsForm)
	return Platform{
		Key:   "yandex",
		Title: Text{"Яндекс Аудитории", "Yandex Audience"},
		Hash:  SHA256,
		Fields: []Field{
			email, phone,
			{Key: "external_id", Form: Text{"как есть, без пробелов по краям", "as it is, no blanks around it"}, read: plainID},
			deviceField("idfa", "", true),
			deviceField("gaid", "", false),
			{Key: "mac", Form: Text{"12 шестнадцатеричных цифр без разделителей; хеш MD5 от шести байтов", "12 hex digits without separators; the hash is MD5 of the six bytes"}, read: macAddress, sum: sumMAC},
		},
		BeforeUpload: []Text{
			{"Загрузите файл как «Данные CRM». Для хешированного файла отметьте «Хешированные данные» и выберите SHA-256.", "Upload the file as CRM data. For a hashed file tick “Hashed data” and choose SHA-256."},
			{"При загрузке примите условия сервиса и соглашение об обработке данных.", "Accept the terms of the service and the data processing agreement on upload."},
		},
		Unconfirmed: []Text{
			{"Колонка с id названа external_id по странице справки; в примере API она названа ext_id. Проверьте шаблон в кабинете.", "The id column is called external_id after the help page; the API's sample calls it ext_id. Check the template in the cabinet."},
		},
		changes: map[Change]Text{
			Add:     {"Добавьте файл в существующий сегмент: «Изменить данные» → «Добавить», в API modify_data с modification_type=addition. Хеширование то же, что у первой загрузки.", "Add the file to the segment there: modify data, add; in the API modify_data with modification_type=addition. Hashing as in the first upload."},
			Remove:  {"Удалите строки файла из сегмента: «Изменить данные» → «Удалить», в API modify_data с modification_type=subtraction. Хеширование то же, что у первой загрузки.", "Take the file's rows out of the segment: modify data, remove; in the API modify_data with modification_type=subtraction. Hashing as in the first upload."},
			Replace: {"Замените данные сегмента файлом: в API modify_data с modification_type=replace. Хеширование то же, что у первой загрузки.", "Replace the segment's data by the file: in the API modify_data with modification_type=replace. Hashing as in the first upload."},
		},
		known: []knownAnswer{
			// The normal forms and their MD5 are printed in Yandex Metrica's page on
			// contacts; these SHA-256 are recomputed from them.
			{"email", "mail@yandex.ru", "mail@yandex.ru", "bd93ea95f242f02313eccf0ab0bb7fe5121a052de42d2cb7bd332fb9f537cbfa"},
			{"phone", "+79995551111", "79995551111", "22846ab8f79870871eb44f653419a4a5069301827d8ae75b6c2a88e4989a364e"},
		},
		layout: func(*Request) layout {
			return layout{
				phone: phone, email: email,
				files: []fileSpec{{
					name:     "yandex_audience.csv",
					columns:  columnsOf("phone", "phone", "email", "email", "external_id", "external_id"),
					about:    Text{"Телефоны и адреса почты, строка на пару", "Phones and e-mails, one row a pair"},
					format:   format{separator: ','},
					minRows:  100,
					maxBytes: 1_000_000_000,
				}},
				rows: func(p *person, add func(int, []cell)) {
					for i := range max(len(p.phones), len(p.emails)) {
						add(0, p.cells(
							cell{text: at(p.phones, i), hash: SHA256},
							cell{text: at(p.emails, i), hash: SHA256},
							cell{text: p.ClientID, aside: true},
						))
					}
				},
				warn: func(files []FileReport) []Text {
					if files[0].Rows >= 300 {
						return nil
					}
					return []Text{{
						"Сегмент заработает, если Яндекс узнает хотя бы 100 человек из списка; в коротком списке их может не набраться.",
						"The segment works once Yandex recognises at least 100 people of the list; a short list may fall below that.",
					}}
				},
			}
		},
	}
}

// plainID is an id of the owner's own systems; it must be no disguised contact.
func plainID(value string, _ Normaliser) (string, Reason) {
	value = strings.TrimSpace(value)
	if len(value) > 128 || strings.ContainsAny(value, "@+\",;") || strings.ContainsFunc(value, unicode.IsControl) {
		return "", ReasonInvalidValue
	}
	return value, ""
}

func macAddress(value string, _ Normaliser) (string, Reason) {
	value = strings.ToUpper(strings.NewReplacer(":", "", "-", "", ".", "").Replace(strings.TrimSpace(value)))
	if value == "" {
		return "", ReasonEmpty
	}
	if len(value) != 12 || !isHex(value) || strings.Trim(value, "0") == "" || strings.Trim(value, "F") == "" {
		return "", ReasonInvalidValue
	}
	return value, ""
}

// sumMAC hashes the address's bytes, not its text, and writes upper-case hex, as
// the platform's page prints it.
func sumMAC(normal string) string {
	address, err := hex.DecodeString(normal)
	if err != nil {
		panic("audience: hardware address is not in normal form")
	}
	sum := md5.Sum(address) //nolint:gosec // G401: see the import
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}
