package audience

import (
	"strings"

	"github.com/leadlake/leadlake/lib/identity"
)

// people is a table for people, opened in a spreadsheet: one row a client, several
// phones or e-mails in one cell, plain values, formula guard on every cell and on
// the header.
func people() Platform {
	p := peopleTable("csv", Text{"Таблица для людей (CSV)", "Table for people (CSV)"}, fileSpec{name: "contacts.csv", maxRows: sheetRows})
	p.OnRequest = false
	return p
}

// workbook is the same table as XLSX: phones and all else stand in text cells.
func workbook() Platform {
	return peopleTable("xlsx", Text{"Таблица для людей (XLSX)", "Table for people (XLSX)"}, fileSpec{name: "contacts.xlsx", maxRows: sheetRows, workbook: true})
}

// sheetRows is what a sheet of Excel holds beside the header (audiences, 14).
const sheetRows = 1_048_575

func peopleTable(key string, title Text, file fileSpec) Platform {
	phone, email := peoplesFields()
	file.about = Text{"Клиенты, строка на клиента", "Clients, one row each"}
	return Platform{
		Key: key, Title: title, Human: true, OnRequest: true,
		Fields: []Field{email, phone},
		layout: func(req *Request) layout {
			spec := file
			spec.format = format{human: true, separator: req.separator(spec.workbook)}
			spec.columns = peopleHeader(req, []column{
				{"client_id", ""}, {"first_name", ""}, {"last_name", ""}, {"phone", ""}, {"email", ""}, {"city", ""}, {"birth_date", ""},
			})
			return layout{
				phone: phone, email: email, files: []fileSpec{spec},
				rows: func(p *person, add func(int, []cell)) {
					if len(p.phones) == 0 && len(p.emails) == 0 {
						return
					}
					row := p.cells(
						cell{text: p.ClientID}, cell{text: p.FirstName}, cell{text: p.LastName},
						cell{text: strings.Join(p.phones, " / ")}, cell{text: strings.Join(p.emails, " / ")},
						cell{text: p.City}, cell{text: p.BirthDay},
					)
					for _, column := range req.Columns {
						row = append(row, cell{text: p.Fields[column.Key]})
					}
					p.row = row // keeps what it has grown to
					add(0, row)
				},
			}
		},
	}
}

// dialler is a list for those who call and for their programs: one phone a row,
// as bare digits.
func dialler() Platform {
	_, email := peoplesFields()
	phone := phoneField("", Text{"только цифры с кодом страны: 79995551111", "digits with the country code: 79995551111"}, digitsForm)
	return Platform{
		Key: "dialler", Title: Text{"Список для обзвона", "List for calls"}, Human: true, OnRequest: true,
		Fields:      []Field{phone, email},
		Unconfirmed: []Text{checkTemplate},
		layout: func(req *Request) layout {
			return layout{
				phone: phone,
				files: []fileSpec{{
					name: "dialler.csv", about: Text{"Телефоны, строка на номер", "Phones, one row a number"}, maxRows: sheetRows,
					format: format{human: true, separator: req.separator(false)},
					columns: peopleHeader(req, []column{
						{"phone", ""}, {"first_name", ""}, {"last_name", ""}, {"city", ""}, {"client_id", ""},
					}),
				}},
				rows: func(p *person, add func(int, []cell)) {
					for _, number := range p.phones {
						row := p.cells(cell{text: number}, cell{text: p.FirstName}, cell{text: p.LastName}, cell{text: p.City}, cell{text: p.ClientID})
						for _, column := range req.Columns {
							row = append(row, cell{text: p.Fields[column.Key]})
						}
						p.row = row
						add(0, row)
					}
				},
			}
		},
	}
}

func peoplesFields() (phone, email Field) {
	phone = phoneField("", Text{
		"с кодом страны, без плюса, группами: 7 999 555-11-11",
		"country code, no plus sign, in groups: 7 999 555-11-11",
	}, groupedPhone)
	return phone, emailField("", Text{"строчными буквами", "lower case"}, plainEmail)
}

func (r *Request) separator(workbook bool) byte {
	if r.Separator == 0 || workbook {
		return ','
	}
	return r.Separator
}

// peopleHeader gives columns their titles and adds the further ones of a request.
func peopleHeader(req *Request, columns []column) []column {
	titles := map[string]Text{
		"client_id":  {"Код клиента", "Client id"},
		"first_name": {"Имя", "First name"},
		"last_name":  {"Фамилия", "Last name"},
		"phone":      {"Телефоны", "Phones"},
		"email":      {"Почта", "E-mails"},
		"city":       {"Город", "City"},
		"birth_date": {"Дата рождения", "Birth date"},
	}
	named := func(key string, title Text) column {
		switch req.Language {
		case "ru":
			return column{key, title.RU}
		case "en":
			return column{key, title.EN}
		}
		return column{key, title.RU + " / " + title.EN}
	}
	for i := range columns {
		columns[i] = named(columns[i].key, titles[columns[i].key])
	}
	for _, more := range req.Columns {
		columns = append(columns, named(more.Key, more.Title))
	}
	return columns
}

// groupedPhone has no plus sign, which would begin a formula, and is no bare run
// of digits, which a spreadsheet shows as 4.41135E+11.
func groupedPhone(p identity.Phone) string {
	rest := digitsForm(p)
	tail := len(rest) - 4
	text := rest[tail:tail+2] + "-" + rest[tail+2:]
	rest = rest[:tail]
	separator := "-"
	for len(rest) > 3 {
		text = rest[len(rest)-3:] + separator + text
		rest, separator = rest[:len(rest)-3], " "
	}
	return rest + separator + text
}
