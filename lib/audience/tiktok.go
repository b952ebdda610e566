package audience

// TikTok's limits (audiences, 7).
const (
	tiktokMinRows  = 1_000
	tiktokMaxBytes = 999_999_999
)

// tiktok is TikTok's customer file (audiences, 7): one CSV with a header and one
// identifier a line. Its pages contradict each other on phones and e-mails: a
// phone is hashed without the plus sign, as in the only printed hash, and written
// with it in plain files; an e-mail keeps its +tag, as in the newest page.
func tiktok() Platform {
	phone := phoneField(SHA256, Text{
		"цифры с кодом страны; в обычном файле с плюсом, хешируются без плюса",
		"digits with the country code; with a plus sign in plain files, hashed without it",
	}, digitsForm)
	email := emailField(SHA256, Text{
		"без пробелов, строчными буквами; точки и +метка остаются",
		"no blanks, lower case; dots and +tag stay",
	}, spacelessEmail)
	maid := deviceField("madid", SHA256, false)
	return Platform{
		Key:       "tiktok",
		Title:     Text{"TikTok Ads", "TikTok Ads"},
		Hash:      SHA256,
		OnRequest: true,
		Fields:    []Field{email, phone, maid},
		BeforeUpload: []Text{
			{"Загрузите файл как Customer File; обычные значения TikTok хеширует сам.", "Upload it as a customer file; plain values are hashed by TikTok itself."},
			{"Аудитория работает, если TikTok узнает не меньше 1 000 человек.", "The audience works once TikTok recognises at least 1,000 people."},
		},
		changes: map[Change]Text{
			Add:     {"В аудитории выберите Add и загрузите файл.", "Choose Add in the audience and upload the file."},
			Remove:  {"В аудитории выберите Remove и загрузите файл.", "Choose Remove in the audience and upload the file."},
			Replace: {"В аудитории выберите Replace и загрузите файл.", "Choose Replace in the audience and upload the file."},
		},
		Unconfirmed: []Text{
			{"Страницы TikTok расходятся: телефон хешируется с плюсом или без, +метка в адресе почты отбрасывается или нет. Проверьте шаблон и долю узнанных в кабинете.", "TikTok's pages differ: a phone is hashed with or without the plus sign, the +tag of an e-mail is dropped or not. Check the template and the match rate in the cabinet."},
		},
		known: []knownAnswer{
			{"email", "janedoe@gmail.com", "janedoe@gmail.com", "d6117306485ed0e50afab3ac871e98f81699151f30281527d63ff5f233656c69"},
			{"phone", "+37493828222", "37493828222", "65b7e6dcf6f4310f8d7cbfbd78289a753062fb054d6664fb9aaac5df66a422d4"},
		},
		layout: func(req *Request) layout {
			suffix := ""
			if req.Hashed {
				suffix = "_SHA256"
			}
			file := func(name string, about Text, optional bool, columns ...string) fileSpec {
				for i := 1; i < len(columns); i += 2 {
					columns[i] += suffix
				}
				return fileSpec{
					name: name, about: about, optional: optional, format: format{separator: ','}, columns: columnsOf(columns...),
					minRows: tiktokMinRows, maxBytes: tiktokMaxBytes,
				}
			}
			return layout{
				phone: phone, email: email, mobileID: maid,
				files: []fileSpec{
					file("tiktok_customers.csv", Text{"Телефоны и адреса почты, по одному в строке", "Phones and e-mails, one a line"}, false, "email", "Email", "phone", "Phone"),
					file("tiktok_devices.csv", Text{"Рекламные id устройств", "Devices' advertising ids"}, true, "madid", "MAID"),
				},
				rows: func(p *person, add func(int, []cell)) {
					for _, value := range p.emails {
						add(0, p.cells(cell{text: value, hash: SHA256}, cell{}))
					}
					for _, value := range p.phones {
						add(0, p.cells(cell{}, cell{text: value, hash: SHA256, plus: true}))
					}
					for _, value := range p.mobileIDs {
						add(1, p.cells(cell{text: value, hash: SHA256}))
					}
				},
			}
		},
	}
}
