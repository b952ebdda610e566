package audience

import (
	"fmt"
	"math"
)

// kindNames are the field keys of identifiers.
var kindNames = [kinds]string{"phone", "email", "vk_id", "telegram_id", "madid"} //nolint:gochecknoglobals // a constant table

// lowShare is the share of valid identifiers below which the advice is to look at
// how they are collected rather than at the segment.
const lowShare = 0.9

func (w *writer) manifest() Manifest {
	m := Manifest{
		Version: ManifestVersion,
		Run:     w.req.Run, AsOf: w.req.AsOf, Segment: w.req.Segment, Title: w.req.Title, Rule: w.req.Rule,
		Platform: w.platform.Key, PlatformTitle: w.platform.Title,
		Purpose: w.req.Purpose, Consent: w.req.Consent, Hashed: w.req.Hashed, ExpiresDay: w.req.ExpiresDay, Change: w.req.Change,
		Members: w.members, Excluded: w.excluded, Values: w.values, Duplicates: w.duplicates,
		Files: []FileReport{}, NormalForms: map[string]Text{}, Identifiers: map[string]Identifiers{}, KnownAnswers: len(w.platform.known),
		Unconfirmed: w.platform.Unconfirmed,
	}
	m.BeforeUpload = append(m.BeforeUpload, w.platform.BeforeUpload...)
	if text, ok := w.platform.changes[w.req.Change]; ok {
		m.BeforeUpload = append(m.BeforeUpload, text)
	}
	m.asked(w.req)
	if w.req.Hashed {
		m.Hash = w.platform.Hash
	}
	for k, field := range [kinds]*Field{&w.layout.phone, &w.layout.email, &w.layout.vkID, &w.layout.telegramID, &w.layout.mobileID} {
		if given := w.given[k]; field.read != nil && given > 0 {
			m.Identifiers[kindNames[k]] = Identifiers{given, w.valid[k], math.Round(1e4*float64(w.valid[k])/float64(given)) / 1e4}
		}
	}
	var written uint8
	for i, f := range w.files {
		if f.refusal == nil {
			written |= 1 << i
			for _, column := range f.spec.columns {
				if field, ok := w.platform.Field(column.key); ok {
					m.NormalForms[column.key] = field.Form
				}
			}
		} else if f.spec.optional && f.rows == 0 {
			continue
		}
		m.Files = append(m.Files, f.reports()...)
	}
	for in, people := range w.inFiles {
		if in&written != 0 {
			m.Clients += people
		} else {
			m.Excluded[ReasonFileNotWritten] += people
		}
	}
	if written == 0 {
		m.Refused = w.worst()
	} else if w.layout.warn != nil {
		m.Warnings = w.layout.warn(m.Files)
	}
	m.Canary = w.canaries > 0 && written != 0
	if written != 0 && w.platform.Human {
		m.Warnings = append(m.Warnings, w.canaryWarning())
	}
	m.Advice = w.advice(&m)
	return m
}

// reports describes a file, a refused one too, and its parts.
func (f *planned) reports() []FileReport {
	report := FileReport{
		Name: f.spec.name, About: f.spec.about, Rows: f.rows, Bytes: f.bytes,
		MinRows: max(f.spec.minRows, 1), MaxRows: f.spec.maxRows, MaxBytes: f.spec.maxBytes, Refused: f.refusal,
	}
	if f.refusal != nil {
		if f.rows == 0 {
			report.Bytes = int64(len(f.w.heads[f.spec.index]))
		}
		return []FileReport{report}
	}
	reports := make([]FileReport, len(f.parts))
	for i, p := range f.parts {
		reports[i] = report
		reports[i].Name, reports[i].Rows, reports[i].Bytes, reports[i].SHA256 = p.name, p.rows, p.size, p.digest
		reports[i].Written = f.w.create != nil
	}
	return reports
}

// advice is what to do, in a sentence.
func (w *writer) advice(m *Manifest) Text {
	if m.Refused != nil {
		return m.Refused.Text
	}
	for k, name := range kindNames {
		if has := m.Identifiers[name]; has.Given > 0 && has.Share < lowShare {
			what := [kinds]Text{
				{"телефонов", "phones"},
				{"адресов почты", "e-mails"},
				{"id ВКонтакте", "VKontakte ids"},
				{"id Telegram", "Telegram ids"},
				{"рекламных id устройств", "devices' advertising ids"},
			}[k]
			return Text{
				RU: fmt.Sprintf("Файлы можно загружать, но площадка примет только %s из %s %s: проверьте, как они собираются (проверка в форме, код страны).", grouped(has.Valid, "\u202f"), grouped(has.Given, "\u202f"), what.RU),
				EN: fmt.Sprintf("The files can be uploaded, but the platform takes only %s of %s %s: look at how they are collected (a check in the form, the country code).", grouped(has.Valid, ","), grouped(has.Given, ","), what.EN),
			}
		}
	}
	if len(m.Files) > 1 && w.files[0].parts != nil && len(w.files[0].parts) > 1 {
		return Text{
			"Список больше, чем площадка принимает одним файлом, и разделён на части: загрузите их все.",
			"The list is larger than the platform takes in one file and was divided into parts: upload all of them.",
		}
	}
	if len(w.platform.Unconfirmed) > 0 {
		return Text{
			"Файлы можно загружать. Перед первой загрузкой сверьте их с шаблоном в кабинете.",
			"The files can be uploaded. Compare them with the template in the cabinet before the first upload.",
		}
	}
	return Text{"Файлы можно загружать.", "The files can be uploaded."}
}

// worst picks the refusal that a reader can act on: of the largest file.
func (w *writer) worst() *Refused {
	best := 0
	for i := range w.files {
		if w.files[i].rows > w.files[best].rows {
			best = i
		}
	}
	return w.files[best].refusal
}

// refuse says why a list of so many rows is not written; nil where it is.
func refuse(p *Platform, s *fileSpec, change Change, rows int) *Refused {
	switch {
	case rows == 0 && (change == Add || change == Remove):
		return &Refused{RefusedNoRows, Text{
			RU: fmt.Sprintf("Файл %s не записан: менять нечего.", s.name),
			EN: fmt.Sprintf("The file %s was not written: there is nothing to change.", s.name),
		}}
	case rows < s.minRows && (change == Add || change == Remove):
		return &Refused{RefusedTooSmall, Text{
			RU: fmt.Sprintf("Файл %s не записан: строк в нём %s, а %s принимает изменения не короче %s. Они подождут, пока их наберётся достаточно; раньше можно заменить список целиком.", s.name, grouped(rows, "\u202f"), p.Title.RU, grouped(s.minRows, "\u202f")),
			EN: fmt.Sprintf("The file %s was not written: it has %s rows and %s takes changes of no fewer than %s. They wait until there are enough; before that the list can be replaced as a whole.", s.name, grouped(rows, ","), p.Title.EN, grouped(s.minRows, ",")),
		}}
	case rows == 0:
		return &Refused{RefusedNoRows, Text{
			RU: fmt.Sprintf("Файл %s не записан: в сегменте нет никого, чьи данные можно передать. Посмотрите причины исключения: чаще всего не хватает согласий или телефонов и адресов почты.", s.name),
			EN: fmt.Sprintf("The file %s was not written: the segment has nobody whose data may be handed over. Look at the reasons of exclusion: mostly consents or phones and e-mails are missing.", s.name),
		}}
	case rows < s.minRows:
		return &Refused{RefusedTooSmall, Text{
			RU: fmt.Sprintf("Файл %s не записан: строк в нём %s, а %s принимает списки не короче %s. Расширьте правило сегмента, соберите больше телефонов и адресов с согласиями или выберите площадку с меньшим порогом.", s.name, grouped(rows, "\u202f"), p.Title.RU, grouped(s.minRows, "\u202f")),
			EN: fmt.Sprintf("The file %s was not written: it has %s rows and %s takes lists of no fewer than %s. Widen the segment's rule, collect more phones and e-mails with consent, or choose a platform with a lower limit.", s.name, grouped(rows, ","), p.Title.EN, grouped(s.minRows, ",")),
		}}
	}
	return nil
}
