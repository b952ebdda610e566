package audience

// googleColumns is how many e-mails and phones one row may hold: as many as in
// the platform's template. Who has more gets a further row. The number is fixed,
// so that a file that removes rows has the columns of the one that added them.
const googleColumns = 2

// googleAdvisedRows is the older advice on the smallest audience, in matched
// people. No official page confirms it, so it is a warning only.
const googleAdvisedRows = 1_000

// google is Google Ads Customer Match (audiences, 5): one CSV whose headers Email
// and Phone stand twice, as in its template. Names stand in a row only together with country and
// post code: the platform uses the four together or not at all, and what it
// cannot use is not given away. Country and Zip are never hashed.
//
// Google takes the consent signals for a whole upload, so a hashed upload is
// divided in two files by them.
func google() Platform {
	phone := phoneField(SHA256, Text{
		"E.164 с плюсом: +79995551111",
		"E.164 with the plus sign: +79995551111",
	}, plusForm)
	email := emailField(SHA256, Text{
		"без пробелов, строчными буквами; в gmail.com и googlemail.com без точек и +метки до @",
		"no blanks, lower case; for gmail.com and googlemail.com no dots and no +tag before the @",
	}, gmailEmail)
	firstName := Field{Key: "first_name", Hash: SHA256, Form: Text{
		"строчными буквами, без пробелов и обращений", "lower case, no blanks, no titles",
	}, read: func(value string, _ Normaliser) (string, Reason) { return normalName(value, false), "" }}
	lastName := Field{Key: "last_name", Hash: SHA256, Form: Text{
		"строчными буквами, без пробелов и знаков препинания", "lower case, no blanks, no punctuation",
	}, read: func(value string, _ Normaliser) (string, Reason) { return normalName(value, true), "" }}
	country := Field{Key: "country", Form: Text{"две прописные буквы ISO 3166; не хешируется", "ISO 3166, two capitals; not hashed"}, read: func(value string, _ Normaliser) (string, Reason) {
		return countryCode(value)
	}}
	zip := Field{Key: "zip", Form: Text{"как пишут, без лишних пробелов; не хешируется", "as it is written, no extra blanks; not hashed"}, read: func(value string, _ Normaliser) (string, Reason) {
		return postCode(value)
	}}
	address := func(c *Contact) (cells [4]cell, ok bool) {
		if c.FirstName == "" || c.LastName == "" || c.Country == "" || c.Zip == "" {
			return cells, false
		}
		cells = [4]cell{firstName.cell(c.FirstName), lastName.cell(c.LastName), country.cell(c.Country), zip.cell(c.Zip)}
		for i := range cells {
			if cells[i].text == "" {
				return [4]cell{}, false
			}
		}
		return cells, true
	}
	return Platform{
		Key:    "google",
		Title:  Text{"Google Ads, списки клиентов", "Google Ads Customer Match"},
		Hash:   SHA256,
		Fields: []Field{email, phone, firstName, lastName, country, zip},
		BeforeUpload: []Text{
			{"Выберите, загружаются обычные или хешированные данные (SHA-256). Страна и индекс не хешируются.", "Choose whether the data are plain or hashed (SHA-256). Country and post code are not hashed."},
			{"Согласия ad_user_data и ad_personalization указываются для загрузки целиком: как предоставленные только для файла consent_granted.", "The consents ad_user_data and ad_personalization are stated for an upload as a whole: as granted for the file consent_granted only."},
		},
		Unconfirmed: []Text{
			{"Наибольший размер файла и наименьшее число узнанных людей (100 или 1 000) не подтверждены официальной страницей. Проверьте в кабинете.", "The largest file and the smallest number of matched people (100 or 1,000) are not confirmed by an official page. Check in the cabinet."},
		},
		known: []knownAnswer{
			// Printed in Google's own Data Manager utility.
			{"email", "alexz@example.com", "alexz@example.com", "509e933019bb285a134a9334b8bb679dff79d0ce023d529af4bd744d47b4fd8a"},
			{"phone", "+18005550100", "+18005550100", "fb4f73a6ec5fdb7077d564cdd22c3554b43ce49168550c3b12c547b78c517b30"},
			{"first_name", "  GivenName  ", "givenname", "128a07bfe2df877c52076e60d7774cf5baaa046c5a6c48daf30ff43ecca2f814"},
			{"last_name", "  FamilyName ", "familyname", "77762c287e61ce065bee5c15464012c6fbe088398b8057627d5577249430d574"},
		},
		changes: map[Change]Text{
			Add:    {"Добавьте файл в существующий список клиентов.", "Add the file to the customer list there."},
			Remove: {"В списке клиентов выберите «Удалить клиентов» и загрузите файл: вид и хеширование те же, что у загрузки.", "Choose “remove customers” in the list and upload the file: form and hashing as in the upload."},
		},
		layout: func(req *Request) layout {
			file := func(name string, about Text) fileSpec {
				return fileSpec{
					name: name, about: about, format: format{separator: ','}, optional: req.Hashed,
					columns: columnsOf("email", "Email", "email", "Email", "phone", "Phone", "phone", "Phone",
						"first_name", "First Name", "last_name", "Last Name", "country", "Country", "zip", "Zip"),
				}
			}
			files := []fileSpec{file("google_customer_match.csv", Text{"Клиенты с согласием на рекламу", "Clients with the consent for advertising"})}
			if req.Hashed {
				files = []fileSpec{
					file("google_customer_match_consent_granted.csv", Text{"Заявлены оба согласия Google", "Both of Google's consent signals are stated"}),
					file("google_customer_match_no_signal.csv", Text{"Согласие на рекламу есть, согласия Google не заявлены", "Consent for advertising, Google's signals not stated"}),
				}
			}
			return layout{
				phone: phone, email: email, files: files,
				rows: func(p *person, add func(int, []cell)) {
					where, full := address(p.Contact)
					if len(p.emails) == 0 && len(p.phones) == 0 && !full {
						return
					}
					target := 0
					if req.Hashed && !p.Signals {
						target = 1
					}
					for i := 0; i == 0 || i < len(p.emails) || i < len(p.phones); i += googleColumns {
						row := p.cells()
						for j := range googleColumns {
							row = append(row, cell{text: at(p.emails, i+j), hash: SHA256})
						}
						for j := range googleColumns {
							row = append(row, cell{text: at(p.phones, i+j), hash: SHA256})
						}
						row = append(row, where[:]...)
						p.row = row // keeps what it has grown to
						add(target, row)
					}
				},
				warn: func(files []FileReport) []Text {
					rows := 0
					for _, f := range files {
						rows += f.Rows
					}
					if rows >= googleAdvisedRows {
						return nil
					}
					return []Text{{
						"В списке меньше 1 000 строк: по старым советам Google такой список может не показываться. Загрузить его можно.",
						"The list has fewer than 1,000 rows: by older advice Google may not serve it. It can be uploaded.",
					}}
				},
			}
		},
	}
}
