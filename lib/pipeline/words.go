package pipeline

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/portal"
	"github.com/leadlake/leadlake/lib/spreadsheet"
	"github.com/leadlake/leadlake/lib/webhook"
)

// failureText says a failure's reason code in a sentence; an unknown code is
// shown as it is.
func failureText(reason string) portal.Text {
	switch reason {
	case webhook.ReasonMalformedJSON:
		return portal.Text{RU: "Тело запроса не читается как JSON.", EN: "The body is not readable JSON."}
	case webhook.ReasonDuplicateKey:
		return portal.Text{RU: "В JSON дважды встречается один ключ.", EN: "A JSON key stands twice."}
	case webhook.ReasonTooDeep, webhook.ReasonFormTooDeep:
		return portal.Text{RU: "Слишком глубокая вложенность.", EN: "The nesting is too deep."}
	case webhook.ReasonTooManyKeys, webhook.ReasonFormTooMany:
		return portal.Text{RU: "Слишком много полей.", EN: "There are too many fields."}
	case webhook.ReasonNotUTF8:
		return portal.Text{RU: "Текст не в UTF-8.", EN: "The text is not UTF-8."}
	case webhook.ReasonEmptyBody:
		return portal.Text{RU: "Пустое тело запроса.", EN: "The body is empty."}
	case webhook.ReasonInvalidEvent:
		return portal.Text{RU: "JSON верный, но событие заполнено с ошибками.", EN: "The JSON is valid, the event in it is not."}
	case webhook.ReasonForm:
		return portal.Text{RU: "Форма не читается.", EN: "The form is unreadable."}
	case webhook.ReasonNoContact:
		return portal.Text{RU: "Нет ни телефона, ни почты: проверьте соответствие полей.", EN: "There is neither a phone nor an e-mail: check the field map."}
	case webhook.ReasonRowStatus:
		return portal.Text{RU: "Слово статуса заказа неизвестно: назовите его в настройке источника.", EN: "The word of the order's status is not known: name it in the source's configuration."}
	case webhook.SheetReason(string(spreadsheet.BadDate)):
		return portal.Text{RU: "Строка файла: дата пуста или не читается.", EN: "A row of a file: the date is empty or unreadable."}
	case webhook.SheetReason(string(spreadsheet.BadAmount)):
		return portal.Text{RU: "Строка файла: сумма пуста или не читается.", EN: "A row of a file: the amount is empty or unreadable."}
	case webhook.SheetReason(string(spreadsheet.NoClient)):
		return portal.Text{RU: "Строка файла: нет ни телефона, ни почты, ни номера клиента.", EN: "A row of a file: neither a phone nor an e-mail nor a client's id."}
	case webhook.SheetReason(string(spreadsheet.BadCurrency)):
		return portal.Text{RU: "Строка файла: валюта неизвестна или спорит с суммой.", EN: "A row of a file: the currency is unknown or contradicts the amount."}
	case webhook.SheetReason(string(spreadsheet.BadSource)):
		return portal.Text{RU: "Строка файла: у расхода нет источника.", EN: "A row of a file: the cost has no source."}
	case webhook.SheetReason(string(spreadsheet.BadWidth)), webhook.SheetReason(string(spreadsheet.BadQuote)):
		return portal.Text{RU: "Строка файла не делится на столбцы.", EN: "A row of a file does not fit the columns."}
	case webhook.SheetReason(string(spreadsheet.BadValue)):
		return portal.Text{RU: "Строка файла: ячейка не читается.", EN: "A row of a file: a cell is unreadable."}
	case webhook.SheetReason(string(spreadsheet.Total)), webhook.SheetReason(string(spreadsheet.HeaderAgain)):
		return portal.Text{RU: "Строка файла: итоги или повтор заголовка, исправлять нечего.", EN: "A row of a file: sums or the header again, nothing to correct."}
	case lake.ReasonConflict:
		return portal.Text{RU: "Идентификатор уже приходил с другим содержанием.", EN: "The id came before with another content."}
	case lake.ReasonUnknownSource:
		return portal.Text{RU: "Источник больше не настроен.", EN: "The source is not configured any more."}
	case lake.ReasonAmount:
		return portal.Text{RU: "Сумма не помещается в допустимые пределы.", EN: "An amount is out of range."}
	}
	return portal.Text{RU: reason, EN: reason}
}

// fetchText says in a sentence why objects were not fetched.
func fetchText(code string) portal.Text {
	switch code {
	case "":
		return portal.Text{}
	case "no_credential":
		return portal.Text{RU: "У источника не указан ключ доступа (fetch.token), или он не читается.", EN: "The source has no credential (fetch.token), or it cannot be read."}
	case "no_address":
		return portal.Text{RU: "У источника не указан адрес API (fetch.url).", EN: "The source has no address of its API (fetch.url)."}
	case "unauthorized":
		return portal.Text{RU: "Система не принимает ключ доступа.", EN: "The system does not take the credential."}
	case "not_found":
		return portal.Text{RU: "Объекта больше нет в системе.", EN: "The object is not there any more."}
	case "rate_limited":
		return portal.Text{RU: "Система просит обращаться реже.", EN: "The system wants fewer requests."}
	case "unreachable":
		return portal.Text{RU: "Система не отвечает.", EN: "The system does not answer."}
	case "unreadable":
		return portal.Text{RU: "Ответ системы не читается.", EN: "The system's answer cannot be read."}
	}
	return portal.Text{RU: "Система отказала в запросе.", EN: "The system refused the request."}
}

// contentType is what a browser is told about a file.
func contentType(name string) string {
	switch {
	case strings.HasSuffix(name, ".csv"):
		return "text/csv; charset=utf-8"
	case strings.HasSuffix(name, ".json"):
		return "application/json"
	default:
		return "text/plain; charset=utf-8"
	}
}

func sumHex(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}
