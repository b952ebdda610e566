package spreadsheet

import (
	"strings"
	"unicode/utf8"

	"github.com/leadlake/leadlake/lib/event"
)

// StatusWords leads from what shops, CRMs and accounting programs call the states
// of an order, as statusKey writes them, to our statuses.
type StatusWords map[string]string

// NewStatusWords gives the words that mean the same everywhere. Words that systems
// use for different things ("closed", "partially refunded") are not among them:
// they are asked for.
func NewStatusWords() StatusWords {
	words := StatusWords{}
	for status, list := range map[string]string{
		event.StatusNew: "new|open|created|pending|processing|in progress|on hold|unpaid|not paid|awaiting payment|pending payment|confirmed|accepted|draft|authorized|" +
			"новый|новая|новое|новые|новый заказ|принят|принято|принята|в обработке|обрабатывается|в работе|не оплачен|неоплачен|не оплачено|ожидает оплаты|ожидание оплаты|" +
			"ожидает|ожидает подтверждения|оформлен|подтвержден|черновик|счет выставлен|комплектуется|собирается|готовится",
		event.StatusPaid:    "paid|payment received|оплачен|оплачено|оплата получена|оплачен полностью",
		event.StatusShipped: "shipped|in transit|dispatched|sent|out for delivery|отправлен|отгружен|в пути|доставляется|в доставке|передан в доставку|передан курьеру|готов к выдаче",
		event.StatusCompleted: "completed|complete|delivered|done|finished|fulfilled|won|closed won|success|successful|" +
			"выполнен|завершен|доставлен|получен|вручен|исполнен|реализован|продан|выдан|успешно реализовано|закрыто и реализовано|сделка успешна|успешно завершен|успешно",
		event.StatusCancelled: "cancelled|canceled|cancellation|void|voided|failed|rejected|lost|closed lost|declined|" +
			"отменен|отмена|отменен клиентом|отменен покупателем|отменен продавцом|аннулирован|отклонен|отказ|не выкуплен|закрыто и не реализовано|сделка провалена",
		event.StatusReturned: "returned|return|refunded|refund|возврат|возвращен|возврат товара",
	} {
		for word := range strings.SplitSeq(list, "|") {
			words[word] = status
		}
	}
	return words
}

// Set adds a word, or gives it another meaning.
func (w StatusWords) Set(word, status string) { w[statusKey(word)] = status }

// Of is the status of a word. An order that tells none was bought: tables of
// sales rarely say it. It is false for a word that is not known.
func (w StatusWords) Of(word string) (string, bool) {
	key := ""
	if word != "" { // most tables: every row
		key = statusKey(word)
	}
	if key == "" {
		return event.StatusPaid, true
	}
	if status, ok := w[key]; ok {
		return status, true
	}
	// оплачена, оплачено, оплачены: the ending goes.
	last, size := utf8.DecodeLastRuneInString(key)
	if strings.ContainsRune("аоы", last) {
		if status, ok := w[key[:len(key)-size]]; ok {
			return status, true
		}
	}
	return "", false
}

// statusKey is how words of statuses are compared.
func statusKey(word string) string {
	word = strings.NewReplacer("ё", "е", "_", " ", "-", " ", ".", " ").Replace(strings.ToLower(word))
	return strings.Join(strings.Fields(word), " ")
}
