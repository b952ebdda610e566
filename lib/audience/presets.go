package audience

import (
	"strings"
	"unicode/utf8"
)

// preset is a platform as a row of the table below. Nobody has seen its template:
// every preset bears the mark "check the template" beside its own doubts.
type preset struct {
	key        string
	title      Text
	hash       Hash // of hashed files; empty: never hashed
	hashedOnly bool
	sender     bool // a mailer: one row a person, texts allowed
	fields     []Field
	files      []presetFile
	// people is the number of matched people below which a list may not be used.
	people      int
	before      []Text
	unconfirmed []Text
	known       []knownAnswer
	preamble    func(*Request) [][]string
}

// presetFile is one file of a preset: the columns "field=Header …", and a row for
// each value of the first identifier among them.
type presetFile struct {
	name      string
	about     Text
	columns   string // ";" between columns; a field that begins with "!" is a constant
	bare      bool
	separator byte // 0: comma
	minRows   int
	maxRows   int
	maxBytes  int64
	optional  bool
}

var checkTemplate = Text{ //nolint:gochecknoglobals // a constant
	"Проверьте шаблон в кабинете: файл составлен по описаниям, шаблона площадки никто не сверял.",
	"Check the template in the cabinet: the file follows descriptions, nobody has compared it with the platform's template.",
}

// presets is the table of platforms (audiences, 3 and 8 to 14).
func presets() []Platform {
	phones, mails, devices := Text{"Телефоны", "Phones"}, Text{"Адреса почты", "E-mails"}, Text{"Рекламные id устройств", "Devices' advertising ids"}
	both := Text{"Клиенты, строка на человека", "Clients, one row a person"}
	digits := Text{"только цифры с кодом страны, без плюса: 79995551111", "digits with the country code, no plus sign: 79995551111"}
	lower := Text{"без пробелов по краям, строчными буквами; точки и +метка остаются", "no blanks around it, lower case; dots and +tag stay"}
	phone := func(hash Hash) Field { return phoneField(hash, digits, digitsForm) }
	email := func(hash Hash) Field { return emailField(hash, lower, plainEmail) }
	senderPhone := phoneField("", Text{"E.164 с плюсом: +79995551111", "E.164 with the plus sign: +79995551111"}, plusForm)
	first, last := senderText("first_name", 255), senderText("last_name", 255)
	gaid := deviceField("madid", SHA256, false)
	country := Field{Key: "country", Form: Text{"две прописные буквы ISO 3166", "ISO 3166, two capitals"}, read: func(value string, _ Normaliser) (string, Reason) { return countryCode(value) }}
	hash := Text{"Выберите, что файл хеширован (SHA-256), если он таков; вид колонок выбирается при загрузке.", "Choose that the file is hashed (SHA-256) where it is; the kinds of the columns are chosen on upload."}

	table := []preset{
		{
			key: "vk-old", title: Text{"ВКонтакте, старый кабинет", "VKontakte, old cabinet"},
			fields: []Field{phone(""), email(""), numberField("vk_id", ""), deviceField("idfa", "", true), deviceField("gaid", "", false)},
			files: []presetFile{
				{name: "vk_old_phones.txt", about: phones, columns: "phone", bare: true, maxBytes: 20_000_000},
				{name: "vk_old_emails.txt", about: mails, columns: "email", bare: true, maxBytes: 20_000_000},
				{name: "vk_old_ids.txt", about: Text{"Номера страниц ВКонтакте", "VKontakte ids"}, columns: "vk_id", bare: true, maxBytes: 20_000_000, optional: true},
			},
			people:      50,
			unconfirmed: []Text{{"Кабинет заменяется VK Рекламой. Разделитель в файле и хеширование не описаны: значения идут по одному в строке, без хеша.", "The cabinet is being replaced by VK Ads. Separator and hashing are not documented: one plain value a line."}},
			known:       []knownAnswer{{"phone", "+79534998632", "79534998632", ""}, {"email", "Mail@Yandex.ru", "mail@yandex.ru", ""}},
		}, {
			key: "linkedin", title: Text{"LinkedIn", "LinkedIn"}, hash: SHA256,
			fields: []Field{email(SHA256), templateText("first_name", 35), templateText("last_name", 35), templateText("job_title", 50), templateText("company", 50), country, deviceField("gaid", "", false)},
			files: []presetFile{{
				name: "linkedin_contacts.csv", about: both, minRows: 300, maxRows: 300_000, maxBytes: 20_000_000,
				columns: "email=email;first_name=firstname;last_name=lastname;job_title=jobtitle;company=employeecompany;country=country;gaid=googleaid",
			}},
			people:      300,
			before:      []Text{{"Не меняйте и не удаляйте заголовки шаблона. LinkedIn советует от 10 000 адресов.", "Do not change or remove headers of the template. LinkedIn advises 10,000 addresses and more."}},
			unconfirmed: []Text{{"Имена колонок шаблона официально не подтверждены. В хешированном файле имена и компании не передаются.", "The template's column names are not confirmed. In a hashed file names and companies are not handed over."}},
			known:       []knownAnswer{{"email", "Test@Contoso.com ", "test@contoso.com", "f25ad364d33972379a7a4f4df33db142205f5c40eb19cfdb2fc5aaf117e10101"}},
		}, {
			key: "microsoft", title: Text{"Microsoft Advertising", "Microsoft Advertising"}, hash: SHA256, hashedOnly: true,
			fields: []Field{email(SHA256)},
			files: []presetFile{{
				name: "microsoft_customer_list.csv", about: mails, minRows: 300,
				columns: "!Customer List Item=Type;!=Status;!=Id;!-10=Parent Id;!=Client Id;!=Modified Time;!=Name;!=Description;!=Scope;!=Audience;!=Action Type;!Email=Sub Type;email=Text",
			}},
			people: 300,
			before: []Text{
				{"Загрузите файл через массовые операции (Bulk). Условия Customer Match принимаются в кабинете.", "Upload the file by bulk operations. The terms of Customer Match are accepted in the cabinet."},
			},
			unconfirmed: []Text{{"Заголовок файла для загрузки через обычный интерфейс не известен.", "The header of a file for the ordinary interface is not known."}},
			known:       []knownAnswer{{"email", "test@contoso.com", "test@contoso.com", "f25ad364d33972379a7a4f4df33db142205f5c40eb19cfdb2fc5aaf117e10101"}},
			preamble:    microsoftPreamble,
		}, {
			key: "pinterest", title: Text{"Pinterest", "Pinterest"}, hash: SHA256,
			fields: []Field{email(SHA256), gaid},
			files: []presetFile{
				{name: "pinterest_emails.csv", about: mails, columns: "email", bare: true},
				{name: "pinterest_devices.csv", about: devices, columns: "madid", bare: true, optional: true},
			},
			people: 100, before: []Text{hash},
			unconfirmed: []Text{{"Заголовок и наибольший размер файла не известны; файл без заголовка, одна колонка.", "Header and largest size are not known; the file has one column and no header."}},
			known:       []knownAnswer{{"email", "Test@Contoso.com", "test@contoso.com", "f25ad364d33972379a7a4f4df33db142205f5c40eb19cfdb2fc5aaf117e10101"}},
		}, {
			key: "x", title: Text{"X (Twitter)", "X (Twitter)"}, hash: SHA256,
			fields: []Field{
				email(SHA256), phone(SHA256),
				{Key: "username", Hash: SHA256, Form: Text{"без @, строчными буквами", "no @, lower case"}, read: xName},
				numberField("user_id", SHA256), deviceField("idfa", SHA256, false), gaid,
				{Key: "android_id", Hash: SHA256, Form: Text{"строчными буквами, без дефисов", "lower case, no dashes"}, read: androidID},
			},
			files: []presetFile{
				{name: "x_emails.csv", about: mails, columns: "email", bare: true, maxBytes: 10_000_000_000},
				{name: "x_phones.csv", about: phones, columns: "phone", bare: true, maxBytes: 10_000_000_000},
				{name: "x_devices.csv", about: devices, columns: "madid", bare: true, maxBytes: 10_000_000_000, optional: true},
			},
			people: 100, before: []Text{hash},
			unconfirmed: []Text{{"Заголовок, по описаниям, не нужен. Вид телефона известен только из скрипта: строка с плюсом пропускается.", "By the descriptions no header is needed. The form of phones is known from a script only: a line with a plus sign is skipped."}},
			known:       []knownAnswer{{"username", "@AdsAPI", "adsapi", "49e0be2aeccfb51a8dee4c945c8a70a9ac500cf6f5cb08112575f74db9b1470d"}},
		}, {
			key: "snapchat", title: Text{"Snapchat", "Snapchat"}, hash: SHA256, hashedOnly: true,
			fields: []Field{email(SHA256), snapPhone(digits), gaid},
			files: []presetFile{
				{name: "snapchat_emails.csv", about: mails, columns: "email", bare: true},
				{name: "snapchat_phones.csv", about: phones, columns: "phone", bare: true},
				{name: "snapchat_devices.csv", about: devices, columns: "madid", bare: true, optional: true},
			},
			people:      1_000,
			unconfirmed: []Text{{"Вид файла для интерфейса не подтверждён: одна колонка без заголовка, один вид значений на список.", "The file's form for the interface is not confirmed: one column without a header, one kind of values a list."}},
			known: []knownAnswer{
				{"email", "Person@email.com ", "person@email.com", "b375b7bbddb3de3298fbc7641063d9f03a38e118aa4480c8ab9f58740982e8bd"},
				{"phone", "+17067675127", "17067675127", "2fd199db6d3fa9fe754886ff1822f2867fcb104a6639495eca25c2978efe4ed4"},
			},
		}, {
			key: "tads", title: Text{"TADS (сеть в Telegram)", "TADS (a network inside Telegram)"},
			fields:      []Field{numberField("telegram_id", "")},
			files:       []presetFile{{name: "tads.csv", about: Text{"Номера пользователей Telegram", "Telegram user ids"}, columns: "telegram_id=telegram_id"}},
			before:      []Text{{"Это сторонняя сеть, а не Telegram Ads: официальный кабинет списков пользователей не описывает.", "This is a third-party network and not Telegram Ads: the official cabinet describes no user lists."}},
			unconfirmed: []Text{{"Наименьший размер списка не известен.", "The smallest list is not known."}},
			known:       []knownAnswer{{"telegram_id", " 143567 ", "143567", ""}},
		}, {
			key: "unisender", title: Text{"Unisender", "Unisender"}, sender: true,
			fields:      []Field{email(""), senderPhone, first},
			files:       []presetFile{{name: "unisender.csv", about: both, columns: "email=email;phone=phone;first_name=Name", maxBytes: 20_000_000}},
			before:      []Text{{"Поля сопоставляются при импорте.", "The fields are matched on import."}},
			unconfirmed: []Text{{"Имена колонок взяты из API.", "The column names are those of the API."}},
			known:       []knownAnswer{{"email", "Mail@Yandex.ru", "mail@yandex.ru", ""}, {"phone", "+79995551111", "+79995551111", ""}},
		}, {
			key: "mailchimp", title: Text{"Mailchimp", "Mailchimp"}, sender: true,
			fields:      []Field{email(""), senderPhone, first, last, {Key: "birth_date", Form: Text{"ММ/ДД", "MM/DD"}, read: birthday}},
			files:       []presetFile{{name: "mailchimp.csv", about: both, columns: "email=Email Address;first_name=First Name;last_name=Last Name;phone=Phone Number;birth_date=Birthday"}},
			unconfirmed: []Text{{"Сам определяется только заголовок Email Address; остальные сопоставляются при импорте.", "Only the header Email Address maps itself; the others are matched on import."}},
			known:       []knownAnswer{{"email", "Mail@Yandex.ru", "mail@yandex.ru", ""}, {"birth_date", "1990-02-01", "02/01", ""}},
		}, {
			key: "sendpulse", title: Text{"SendPulse", "SendPulse"}, sender: true,
			fields:      []Field{email(""), senderPhone, first},
			files:       []presetFile{{name: "sendpulse.csv", about: both, columns: "email=email;phone=phone;first_name=name"}},
			unconfirmed: []Text{{"Страница площадки о формате не найдена.", "No page of the platform on the format was found."}},
			known:       []knownAnswer{{"email", "Mail@Yandex.ru", "mail@yandex.ru", ""}, {"phone", "+79995551111", "+79995551111", ""}},
		}, {
			key: "mindbox", title: Text{"Mindbox", "Mindbox"}, sender: true,
			fields:      []Field{email(""), phone(""), first, last},
			files:       []presetFile{{name: "mindbox.csv", about: both, columns: "email=Email;phone=MobilePhone;first_name=FirstName;last_name=LastName", separator: ';'}},
			unconfirmed: []Text{{"Разделитель «;» и имена колонок не подтверждены.", "The separator “;” and the column names are not confirmed."}},
			known:       []knownAnswer{{"email", "Mail@Yandex.ru", "mail@yandex.ru", ""}, {"phone", "+79995551111", "79995551111", ""}},
		},
	}
	platforms := make([]Platform, len(table))
	for i := range table {
		platforms[i] = table[i].platform()
	}
	return platforms
}

func (p preset) platform() Platform {
	remove := Text{"Удалите этих людей из списка площадки: файл того же вида, что и загруженный.", "Remove these people from the platform's list: the file has the form of the one uploaded."}
	return Platform{
		Key: p.key, Title: p.title, Hash: p.hash, Fields: p.fields, OnRequest: true, hashedOnly: p.hashedOnly,
		BeforeUpload: p.before, Unconfirmed: append([]Text{checkTemplate}, p.unconfirmed...), known: p.known,
		changes: map[Change]Text{
			Add:     {"Добавьте этих людей в список площадки: файл того же вида, что и загруженный.", "Add these people to the platform's list: the file has the form of the one uploaded."},
			Remove:  remove,
			Replace: {"Замените список площадки этим файлом.", "Replace the platform's list by this file."},
		},
		layout: p.layout,
	}
}

func (p preset) layout(req *Request) layout {
	field := func(key string) Field {
		for _, f := range p.fields {
			if f.Key == key {
				return f
			}
		}
		return Field{}
	}
	l := layout{phone: field("phone"), email: field("email"), vkID: field("vk_id"), telegramID: field("telegram_id"), mobileID: field("madid")}
	sources := make([][]source, len(p.files))
	for i, file := range p.files {
		spec := fileSpec{
			name: file.name, about: file.about, bare: file.bare, minRows: file.minRows, maxRows: file.maxRows, maxBytes: file.maxBytes, optional: file.optional,
		}
		if !file.bare {
			spec.format.separator = ','
		}
		if file.separator != 0 {
			spec.format.separator = file.separator
		}
		for part := range strings.SplitSeq(file.columns, ";") {
			key, name, _ := strings.Cut(part, "=")
			constant, fixed := strings.CutPrefix(key, "!")
			if fixed {
				key = strings.ToLower(strings.ReplaceAll(name, " ", "_"))
			}
			spec.columns = append(spec.columns, column{key, name})
			sources[i] = append(sources[i], source{key: key, constant: constant, fixed: fixed, field: field(key)})
		}
		if p.preamble != nil {
			spec.preamble = p.preamble(req)
		}
		l.files = append(l.files, spec)
	}
	l.rows = func(who *person, add func(int, []cell)) {
		for i := range sources {
			p.fileRows(req, who, sources[i], func(row []cell) { add(i, row) })
		}
	}
	if p.people > 0 {
		l.warn = shortList(3*p.people, Text{
			"Список заработает, если площадка узнает в нём не меньше " + grouped(p.people, "\u202f") + " человек; в коротком их может не набраться.",
			"The list works once the platform recognises at least " + grouped(p.people, ",") + " people of it; a short one may fall below that.",
		})
	}
	return l
}

// source is where a column's cells come from.
type source struct {
	key      string
	constant string
	fixed    bool
	field    Field
}

// fileRows makes a person's rows in one file. The first identifier among the
// columns has a row for each of its values; a sender's file has one row a person
// and, where there is no e-mail to begin with, none.
func (p preset) fileRows(req *Request, who *person, columns []source, add func([]cell)) {
	n := 0
	for i := range columns {
		if values, ok := who.values(columns[i].key); ok {
			n = len(values)
			break
		}
	}
	if p.sender {
		n = min(n, 1)
		if p.key != "mailchimp" && n == 0 && len(who.phones) > 0 {
			n = 1
		}
	}
	for i := range n {
		row := who.cells()
		leading := true // the identifier that the rows are for
		for j := range columns {
			c := &columns[j]
			values, identifier := who.values(c.key)
			switch {
			case c.fixed:
				row = append(row, cell{text: c.constant, aside: true})
			case identifier && (leading || p.sender):
				row = append(row, cell{text: at(values, i), hash: c.field.Hash})
				leading = false
			case identifier:
				row = append(row, cell{})
			case req.Hashed: // what is not hashed is not handed over with hashes
				row = append(row, cell{})
			default:
				text := c.field.cell(who.text(c.key))
				text.aside = true
				row = append(row, text)
			}
		}
		who.row = row // keeps what it has grown to
		add(row)
	}
}

// values are a person's identifiers of a kind; false for what is none.
func (p *person) values(key string) ([]string, bool) {
	switch key {
	case "phone":
		return p.phones, true
	case "email":
		return p.emails, true
	case "vk_id":
		return p.vkIDs, true
	case "telegram_id":
		return p.telegramIDs, true
	case "madid":
		return p.mobileIDs, true
	}
	return nil, false
}

// text is a further value of a contact.
func (p *person) text(key string) string {
	switch key {
	case "first_name":
		return p.FirstName
	case "last_name":
		return p.LastName
	case "company":
		return p.Company
	case "country":
		return p.Country
	case "birth_date":
		return p.BirthDay
	}
	return ""
}

// microsoftPreamble is the version and the list that the items belong to, by its
// temporary id -10 (audiences, 9).
func microsoftPreamble(req *Request) [][]string {
	name := req.ListName
	if name == "" {
		name = req.Segment
	}
	action := map[Change]string{"": "Add", Add: "Add", Remove: "Remove", Replace: "Replace"}[req.Change]
	version, list := make([]string, 13), make([]string, 13)
	version[0], version[6] = "Format Version", "6.0"
	list[0], list[1], list[2], list[6], list[10] = "Customer List", "Active", "-10", unformulated(name), action
	return [][]string{version, list}
}

// snapPhone drops zeros before the country code where no default country helps.
func snapPhone(form Text) Field {
	f := phoneField(SHA256, form, digitsForm)
	read := f.read
	f.read = func(value string, from Normaliser) (string, Reason) {
		text, reason := read(value, from)
		if trimmed := strings.TrimLeft(onlyDigits(value), "0"); reason != "" && from.Phones != nil && len(trimmed) >= 11 && !looksHashed(value) {
			return read("+"+trimmed, from)
		}
		return text, reason
	}
	return f
}

func xName(value string, _ Normaliser) (string, Reason) {
	value = strings.ToLower(strings.TrimPrefix(strings.TrimSpace(value), "@"))
	if value == "" {
		return "", ReasonEmpty
	}
	if len(value) > 15 || ascii(strings.ReplaceAll(value, "_", ""), true) != strings.ReplaceAll(value, "_", "") {
		return "", ReasonInvalidValue
	}
	return value, ""
}

func androidID(value string, _ Normaliser) (string, Reason) {
	value = strings.ToLower(strings.ReplaceAll(strings.TrimSpace(value), "-", ""))
	if value == "" {
		return "", ReasonEmpty
	}
	if len(value) != 16 || !isHex(value) || strings.Trim(value, "0") == "" {
		return "", ReasonInvalidValue
	}
	return value, ""
}

// birthday is MM/DD.
func birthday(value string, _ Normaliser) (string, Reason) {
	if strings.TrimSpace(value) == "" {
		return "", ReasonEmpty
	}
	date, ok := strings.CutPrefix(value, "--")
	if ok {
		date = "2000-" + date // any leap year
	}
	day, reason := metaBirthDate(date, "")
	if reason != "" {
		return "", reason
	}
	return day[4:6] + "/" + day[6:8], ""
}

// senderText is a text in a sender's file: no controls, nothing that begins a
// formula, so many bytes at the most.
func senderText(key string, bytes int) Field {
	return Field{Key: key, Form: Text{"как есть, без символов формулы впереди", "as it is, nothing before it that begins a formula"}, read: func(value string, _ Normaliser) (string, Reason) {
		text := unformulated(value)
		for len(text) > bytes {
			_, size := utf8.DecodeLastRuneInString(text)
			text = text[:len(text)-size]
		}
		return unformulated(text), ""
	}}
}

// templateText is a text of a template with a limit of characters.
func templateText(key string, letters int) Field {
	return Field{Key: key, Form: Text{"как есть, без лишних пробелов", "as it is, no extra blanks"}, read: func(value string, _ Normaliser) (string, Reason) {
		runes := []rune(strings.Join(strings.Fields(unformulated(value)), " "))
		return strings.TrimSpace(string(runes[:min(letters, len(runes))])), ""
	}}
}
