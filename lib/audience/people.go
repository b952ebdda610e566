package audience

import (
	"strings"

	"github.com/leadlake/leadlake/lib/identity"
)

// people is a table for people, opened in a spreadsheet: one row a client, several
// phones or e-mails in one cell, plain values, formula guard on every cell and on
// the header.
func people() Platform {
	phone := phoneField("", Text{
		"с кодом страны, без плюса, группами: 7 999 555-11-11",
		"country code, no plus sign, in groups: 7 999 555-11-11",
	}, groupedPhone)
	email := emailField("", Text{"строчными буквами", "lower case"}, plainEmail)
	return Platform{
		Key:    "csv",
		Title:  Text{"Таблица для людей (CSV)", "Table for people (CSV)"},
		Human:  true,
		Fields: []Field{email, phone},
		layout: func(req *Request) layout {
			separator := req.Separator
			if separator == 0 {
				separator = ','
			}
			return layout{
				phone: phone, email: email,
				files: []fileSpec{{
					name: "contacts.csv", fields: []string{"phone", "email"},
					about:  Text{"Клиенты, строка на клиента", "Clients, one row each"},
					format: format{human: true, separator: separator},
					header: func() []string { return peopleHeader(req) },
				}},
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

func peopleHeader(req *Request) []string {
	titles := []Text{
		{"Код клиента", "Client id"},
		{"Имя", "First name"},
		{"Фамилия", "Last name"},
		{"Телефоны", "Phones"},
		{"Почта", "E-mails"},
		{"Город", "City"},
		{"Дата рождения", "Birth date"},
	}
	for _, column := range req.Columns {
		titles = append(titles, column.Title)
	}
	names := make([]string, len(titles))
	for i, title := range titles {
		switch req.Language {
		case "ru":
			names[i] = title.RU
		case "en":
			names[i] = title.EN
		default:
			names[i] = title.RU + " / " + title.EN
		}
	}
	return names
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
