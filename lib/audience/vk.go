package audience

// Limits of VK Ads (audiences, 2).
const (
	vkMinRows  = 2_000
	vkMaxRows  = 5_000_000
	vkMaxBytes = 128_000_000
	// vkMinChange is the least of a list that changes another (base).
	vkMinChange = 25
)

// vk is VK Ads, ads.vk.com (audiences, 2): one list a kind of identifier, one
// value a line, no header, LF, no value twice. The lists are refused one by one:
// phones may pass where e-mails are too few. Ids are written only where some are
// known. The hash of phones and e-mails is MD5, the only one the platform names;
// ids stay plain.
func vk() Platform {
	phone := phoneField(MD5, Text{
		"только цифры с кодом страны, без плюса: 79011234567",
		"digits with the country code, no plus sign: 79011234567",
	}, digitsForm)
	email := emailField(MD5, Text{
		"латиницей, без пробелов по краям, строчными буквами; точки и +метка остаются",
		"Latin letters, no blanks around it, lower case; dots and +tag stay",
	}, latinEmail)
	vkID := numberField("vk_id", "")
	list := func(name, field string, optional bool, about Text) fileSpec {
		return fileSpec{
			name: name, about: about, columns: columnsOf(field, ""), bare: true, optional: optional,
			minRows: vkMinRows, maxRows: vkMaxRows, maxBytes: vkMaxBytes,
		}
	}
	return Platform{
		Key:   "vk",
		Title: Text{"VK Реклама", "VK Ads"},
		Hash:  MD5,
		Fields: []Field{
			email, phone,
			vkID,
			numberField("ok_id", ""),
			deviceField("idfa", "", true),
			deviceField("gaid", "", false),
		},
		BeforeUpload: []Text{
			{"Загрузите каждый файл отдельным списком и выберите его тип: телефоны, e-mail или id ВКонтакте.", "Upload each file as a list of its own and choose its type: phones, e-mails or VKontakte ids."},
			{"Передавать можно только тех, кто согласился на передачу данных для рекламы (152-ФЗ).", "Only those may be handed over who agreed to the transfer for advertising (Federal Law 152-FZ)."},
		},
		changes: map[Change]Text{
			Add:     {"Загрузите файл новым списком того же типа с base = <id основного списка>. Основной список не должен сам быть дифференциальным.", "Upload the file as a new list of the same type with base = <id of the list>. That list must not be differential itself."},
			Remove:  {"Загрузите файл новым списком того же типа с base = -<id основного списка>: эти люди из него уйдут. Основной список не должен сам быть дифференциальным.", "Upload the file as a new list of the same type with base = -<id of the list>: these people leave it. That list must not be differential itself."},
			Replace: {"Загрузите файл новым списком и поставьте его в кампаниях на место прежнего.", "Upload the file as a new list and put it into the campaigns in the place of the old one."},
		},
		changeRows: vkMinChange,
		Unconfirmed: []Text{
			{"Приведение адресов почты к строчным буквам перед MD5 не описано площадкой. Общий список с колонками разных типов (human) не пишется: имён его колонок нет в документации.", "That e-mails are in lower case before MD5 is not in the platform's text. The list of several kinds (human) is not written: its column names are not documented."},
		},
		known: []knownAnswer{
			{"email", "mail@yandex.ru", "mail@yandex.ru", "3c56ff8fef0f6c65b36b2d25720fe276"},
			{"phone", "+79995551111", "79995551111", "f09f2c3d48f31e2a802944ade2e5aec5"},
		},
		layout: func(*Request) layout {
			return layout{
				phone: phone, email: email, vkID: vkID,
				files: []fileSpec{
					list("vk_phones.txt", "phone", false, Text{"Телефоны", "Phones"}),
					list("vk_emails.txt", "email", false, Text{"Адреса почты", "E-mails"}),
					list("vk_ids.txt", "vk_id", true, Text{"Номера страниц ВКонтакте", "VKontakte ids"}),
				},
				rows: func(p *person, add func(int, []cell)) {
					for _, value := range p.phones {
						add(0, p.cells(cell{text: value, hash: MD5}))
					}
					for _, value := range p.emails {
						add(1, p.cells(cell{text: value, hash: MD5}))
					}
					for _, value := range p.vkIDs {
						add(2, p.cells(cell{text: value}))
					}
				},
			}
		},
	}
}
