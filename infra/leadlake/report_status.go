package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/leadlake/leadlake/lib/event"
)

// statusWords is what shops, CRMs and accounting programs call the states of an
// order, as statusKey writes them. Words that systems use for different things
// ("closed", "partially refunded") are not here: they are asked for.
func statusWords() map[string]string {
	words := map[string]string{}
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

// statusKey is how words of statuses are compared.
func statusKey(word string) string {
	word = strings.NewReplacer("ё", "е", "_", " ", "-", " ", ".", " ").Replace(strings.ToLower(word))
	return strings.Join(strings.Fields(word), " ")
}

// statuses translates the words of files. Words of the command line and of the
// configuration go before the known ones.
type statuses struct {
	words   map[string]string
	unknown map[string]int // as written → rows
}

func newStatuses(configured map[string]string, flags pairFlag) statuses {
	s := statuses{words: statusWords(), unknown: map[string]int{}}
	for _, own := range []map[string]string{configured, flags} {
		for word, status := range own {
			s.words[statusKey(word)] = status
		}
	}
	return s
}

// of is the status of a word. An order that tells none was bought: tables of
// sales rarely say it. false for a word that is not known, which is remembered.
func (s statuses) of(word string) (string, bool) {
	if word == "" { // most tables: every row
		return event.StatusPaid, true
	}
	key := statusKey(word)
	if key == "" {
		return event.StatusPaid, true
	}
	if status, ok := s.words[key]; ok {
		return status, true
	}
	// оплачена, оплачено, оплачены: the ending goes.
	last, size := utf8.DecodeLastRuneInString(key)
	if strings.ContainsRune("аоы", last) {
		if status, ok := s.words[key[:len(key)-size]]; ok {
			return status, true
		}
	}
	s.unknown[strings.Join(strings.Fields(word), " ")]++
	return "", false
}

// ask is the question about the words that were not understood; nil for none.
func (s statuses) ask(file, column string) error {
	if len(s.unknown) == 0 {
		return nil
	}
	words := slices.SortedFunc(maps.Keys(s.unknown), func(a, b string) int {
		if s.unknown[a] != s.unknown[b] {
			return s.unknown[b] - s.unknown[a]
		}
		return strings.Compare(a, b)
	})
	const shown = 8
	var list []string
	for _, word := range words[:min(shown, len(words))] {
		list = append(list, fmt.Sprintf("%q (%d rows)", word, s.unknown[word]))
	}
	more := ""
	if len(words) > shown {
		more = fmt.Sprintf(" and %d more", len(words)-shown)
	}
	place := file
	if column != "" {
		place += fmt.Sprintf(", column %q", column)
	}
	return fmt.Errorf("%s: what do these order statuses mean: %s%s? Say it with -status %q for each, one of new, paid, shipped, completed, cancelled, returned",
		place, strings.Join(list, ", "), more, words[0]+"=completed")
}

// checkStatuses refuses a -status flag that names no status.
func checkStatuses(flags pairFlag) error {
	for _, word := range slices.Sorted(maps.Keys(flags)) {
		if event.StatusRank(flags[word]) < 0 {
			return wrongUse("report: -status %s=%s: one of new, paid, shipped, completed, cancelled, returned", word, flags[word])
		}
	}
	return nil
}
