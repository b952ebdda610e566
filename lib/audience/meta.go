package audience

import (
	"strings"
	"unicode"

	"github.com/leadlake/leadlake/lib/identity"
)

// metaColumns is how many e-mails and phones one row may hold (audiences, 6). The
// number is fixed, so that rows to remove have the form of the rows added.
const metaColumns = 3

// metaAdvisedRows is the list below which Meta advises against an upload.
const metaAdvisedRows = 100

// meta is Meta's custom audience from a customer file, for Facebook and Instagram
// (audiences, 6): one CSV, up to three e-mails and three phones in a row, and the
// client's value for value-based look-alikes. In the hashed file everything is
// hashed but ids, devices and the value.
func meta() Platform {
	phone := Field{Key: "phone", Hash: SHA256, passesHashed: true, Form: Text{
		"только цифры с кодом страны, без плюса и нулей впереди: 79995551111",
		"digits with the country code, no plus sign, no leading zeros: 79995551111",
	}, read: metaPhone}
	email := emailField(SHA256, Text{
		"без пробелов по краям, строчными буквами; точки и +метка остаются",
		"no blanks around it, lower case; dots and +tag stay",
	}, metaEmail)
	email.passesHashed = true
	text := func(key string, hash Hash, form Text, read func(string, string) (string, Reason)) Field {
		return Field{Key: key, Hash: hash, Form: form, passesHashed: true, read: func(value string, from Normaliser) (string, Reason) {
			if strings.TrimSpace(value) == "" {
				return "", ReasonEmpty
			}
			return read(value, from.Country)
		}}
	}
	name := Text{"строчными буквами, без пробелов и знаков; буквы любого алфавита", "lower case, no blanks, no punctuation; letters of any script"}
	firstName, lastName := text("first_name", SHA256, name, metaName), text("last_name", SHA256, name, metaName)
	city := text("city", SHA256, Text{"латиницей, строчными буквами, без пробелов и знаков; кириллица остаётся пустой", "Latin letters, lower case, no blanks, no punctuation; other scripts stay empty"}, metaCity)
	state := text("state", SHA256, Text{"две строчные буквы штата США или провинции Канады, иначе строчными без пробелов", "two lower-case letters of a state or province, else lower case without blanks"}, metaState)
	zip := text("zip", SHA256, Text{"строчными буквами, без пробелов, до дефиса", "lower case, no blanks, up to the dash"}, metaZip)
	country := text("country", SHA256, Text{"две строчные буквы ISO 3166", "ISO 3166, two lower-case letters"}, metaCountry)
	birth := text("birth_date", SHA256, Text{"ГГГГММДД", "YYYYMMDD"}, metaBirthDate)
	gender := text("gender", SHA256, Text{"f или m", "f or m"}, metaGender)
	madid := text("madid", "", Text{"как есть, не хешируется", "as it is, not hashed"}, metaDevice)
	value := text("value", "", Text{"число не меньше нуля, с точкой; не хешируется", "a number of zero or more with a point; not hashed"}, metaValue)

	return Platform{
		Key:       "meta",
		Title:     Text{"Meta (Facebook, Instagram)", "Meta (Facebook, Instagram)"},
		Hash:      SHA256,
		OnRequest: true,
		Fields: []Field{
			email, phone, firstName, lastName, city, state, zip, country, birth, gender, madid,
			text("external_id", "", Text{"строчными буквами, без пробелов по краям; не хешируется", "lower case, no blanks around it; not hashed"}, func(value, _ string) (string, Reason) {
				value = strings.ToLower(strings.TrimSpace(strings.ToValidUTF8(value, "")))
				if len(value) > 128 || strings.ContainsFunc(value, unicode.IsControl) {
					return "", ReasonInvalidValue
				}
				return value, ""
			}),
			value,
			text("birth_year", SHA256, Text{"ГГГГ", "YYYY"}, metaYear),
			text("birth_month", SHA256, Text{"ММ", "MM"}, metaMonth),
			text("birth_day", SHA256, Text{"ДД", "DD"}, metaDay),
			text("first_initial", SHA256, Text{"первая буква имени", "first letter of the first name"}, metaPrefix(1)),
			text("first5_first_name", SHA256, Text{"первые пять букв имени", "first five letters of the first name"}, metaPrefix(5)),
			text("first5_last_name", SHA256, Text{"первые пять букв фамилии", "first five letters of the last name"}, metaPrefix(5)),
			text("hashed", "", Text{"значение, хешированное раньше: строчными буквами, второй раз не хешируется", "a value hashed before: lower case, not hashed again"}, func(string, string) (string, Reason) {
				return "", ReasonInvalidValue
			}),
		},
		BeforeUpload: []Text{
			{"Загрузите файл как список клиентов. Для похожих аудиторий с учётом ценности выберите колонку value; значения — в одной валюте.", "Upload the file as a customer list. For value-based look-alikes choose the column value; all values are in one currency."},
			{"Три колонки email и три phone — это разные значения одного человека.", "Three columns email and three phone are several values of one person."},
		},
		changes: map[Change]Text{
			Add:     {"Добавьте людей файлом в существующую аудиторию.", "Add the people of the file to the audience there."},
			Remove:  {"Удалите людей файлом из существующей аудитории (в API те же строки с DELETE).", "Remove the people of the file from the audience there (in the API the same rows with DELETE)."},
			Replace: {"Замените аудиторию файлом.", "Replace the audience by the file."},
		},
		Unconfirmed: []Text{
			{"Заголовки zip, country, dob, gen и value общеизвестны, но страницей площадки не подтверждены. Проверьте шаблон в кабинете.", "The headers zip, country, dob, gen and value are well known, but no page of the platform confirms them. Check the template in the cabinet."},
		},
		known: []knownAnswer{
			// Printed in Meta's page on customer information parameters.
			{"email", "John_Smith@gmail.com", "john_smith@gmail.com", "62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f"},
			{"phone", "+16505551212", "16505551212", "e323ec626319ca94ee8bff2e4c87cf613be6ea19919ed1364124e16807ab3176"},
			{"first_name", "Mary", "mary", "6915771be1c5aa0c886870b6951b03d7eafc121fea0e80a5ea83beb7c449f4ec"},
			{"first_name", "Valéry", "valéry", "08e1996b5dd49e62a4b4c010d44e4345592a863bb9f8e3976219bac29417149c"},
			{"birth_date", "2/16/1997", "19970216", "01acdbf6ec7b4f478a225f1a246e5d6767eeab1a7ffa17f025265b5b94f40f0c"},
			{"country", "United States", "us", "79adb2a2fce5c6ba215fe5f27f532d4e7edbac4b6a5e09e1ef3a08084a904621"},
		},
		layout: func(*Request) layout {
			return layout{
				phone: phone, email: email, mobileID: madid,
				files: []fileSpec{{
					name: "meta_customers.csv", format: format{separator: ','},
					about: Text{"Клиенты, строка на человека", "Clients, one row a person"},
					columns: columnsOf("email", "email", "email", "email", "email", "email", "phone", "phone", "phone", "phone", "phone", "phone",
						"madid", "madid", "first_name", "fn", "last_name", "ln", "city", "ct", "state", "st", "zip", "zip",
						"country", "country", "birth_date", "dob", "gender", "gen", "value", "value"),
				}},
				rows: func(p *person, add func(int, []cell)) {
					if len(p.emails) == 0 && len(p.phones) == 0 && len(p.mobileIDs) == 0 {
						return
					}
					worth := value.cell(p.Value)
					worth.aside = true
					details := [...]cell{
						firstName.cell(p.FirstName), lastName.cell(p.LastName), city.cell(p.City),
						{text: metaRegion(p.State, p.Country), hash: SHA256},
						zip.cell(p.Zip),
						country.cell(p.Country), birth.cell(p.BirthDay), gender.cell(p.Gender), worth,
					}
					for i := 0; i < len(p.emails) || i < len(p.phones) || i/metaColumns < len(p.mobileIDs); i += metaColumns {
						row := p.cells()
						for j := range metaColumns {
							row = append(row, cell{text: at(p.emails, i+j), hash: SHA256})
						}
						for j := range metaColumns {
							row = append(row, cell{text: at(p.phones, i+j), hash: SHA256})
						}
						row = append(row, cell{text: at(p.mobileIDs, i/metaColumns)})
						p.row = append(row, details[:]...) // keeps what it has grown to
						add(0, p.row)
					}
				},
				warn: shortList(metaAdvisedRows, Text{"Meta не советует списки короче 100 человек.", "Meta advises against lists of fewer than 100 people."}),
			}
		},
	}
}

// shortList warns of a list that the platform takes and may not use.
func shortList(rows int, text Text) func([]FileReport) []Text {
	return func(files []FileReport) []Text {
		n := 0
		for _, f := range files {
			if f.Refused == nil {
				n += f.Rows
			}
		}
		if n >= rows {
			return nil
		}
		return []Text{text}
	}
}

// metaPhone is the number's digits. Where no default country is given, Meta's own
// reading holds: all digits there are, without zeros before them. It shows what
// Meta would make of a value; files are made of full numbers only.
func metaPhone(value string, from Normaliser) (string, Reason) {
	if from.Phones == nil || from.Country != "" {
		number, reason := from.phone(value)
		if reason != "" {
			return "", reason
		}
		return digitsForm(number), ""
	}
	if strings.TrimSpace(value) == "" {
		return "", ReasonEmpty
	}
	digits := strings.TrimLeft(onlyDigits(value), "0")
	if digits == "" {
		return "", ReasonInvalidPhone
	}
	return digits, ""
}

// metaEmail drops the characters that no address has before it is read.
func metaEmail(e identity.Email) (string, Reason) {
	if normalASCII(string(e)) {
		return string(e), ""
	}
	return plainEmail(identity.Email(strings.Map(func(r rune) rune {
		if strings.ContainsRune(`(),:;<>"\`, r) {
			return -1
		}
		return r
	}, string(e))))
}
