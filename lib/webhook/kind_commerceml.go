package webhook

import (
	"bytes"
	"cmp"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/event"
)

// commerceMLKind is the source kind "commerceml": the exchange file of orders that
// 1C and 1C-Bitrix write (webhooks.md §10), posted as it is or by 1C's own
// exchange with a site, which this kind answers as far as it delivers orders:
// checkauth, init, file, import, success, and query with nothing to give.
type commerceMLKind struct{ foreign }

// prove takes the secret in the address or, as 1C sends the password of its
// exchange, in basic authentication under any name.
func (commerceMLKind) prove(d *Delivery, secret string) bool {
	shared := proveShared(d, secret)
	_, password := basicAuth(d.Header["authorization"])
	return equalSecret(password, secret) || shared
}

// deliveryID is that of a file with one order: the source, the order and a hash of
// the file.
func (k commerceMLKind) deliveryID(in *intake) string {
	orders, failure := k.documents(in)
	if failure != nil || len(orders) != 1 {
		return ""
	}
	return joined("commerceml", in.d.Source.Name, k.orderID(orders[0]), contentID(string(in.d.Body))[:32])
}

// mode is the step of 1C's exchange; empty outside of it.
func (commerceMLKind) mode(d *Delivery) string {
	for _, p := range splitPairs([]byte(d.Query), maxPairs) {
		if string(p.key) == "mode" {
			return string(p.value)
		}
	}
	return ""
}

func (k commerceMLKind) read(in *intake) reading {
	body := bytes.TrimSpace(in.d.Body)
	switch {
	case len(body) == 0 && (k.mode(in.d) != "" || in.d.Method != http.MethodPost):
		return reading{ping: true}
	case len(body) == 0:
		return reading{failure: &Failure{Reason: ReasonEmptyBody, Detail: "no exchange file"}}
	case !sendsXML(body):
		return reading{failure: &Failure{Reason: ReasonXML, Detail: "no XML; a packed file is not taken, init answers zip=no"}}
	}
	orders, failure := k.documents(in)
	if failure != nil {
		return reading{failure: failure}
	}
	var r reading
	for i, v := range orders {
		if k.orderID(v) == "" {
			return incomplete("Документ[" + strconv.Itoa(i) + "].Ид")
		}
		ev := k.order(in, v)
		r.events, r.roots = append(r.events, ev), append(r.roots, k.root(v))
	}
	if len(r.events) == 0 {
		return reading{ping: true} // a catalogue, payments, shipments
	}
	return r
}

// documents are the orders of a file. Schemes since 3.1 put each document with
// what belongs to it into a container. What is no order, a payment or a shipment,
// is left out.
func (commerceMLKind) documents(in *intake) ([]event.Value, *Failure) {
	name, root, failure := in.xml()
	if failure != nil {
		return nil, failure
	}
	if name != "КоммерческаяИнформация" {
		return nil, &Failure{Reason: ReasonXML, Detail: "the root element is not КоммерческаяИнформация"}
	}
	all := children(root, "Документ")
	for _, container := range children(root, "Контейнер") {
		all = append(all, children(container, "Документ")...)
	}
	var orders []event.Value
	for _, v := range all {
		if deal := textAt(v, "ХозОперация"); deal == "" || strings.EqualFold(deal, "Заказ товара") {
			orders = append(orders, v)
		}
	}
	if len(orders) > event.MaxEvents {
		return nil, &Failure{Reason: ReasonXMLTooMany, Detail: "more than " + strconv.Itoa(event.MaxEvents) + " orders"}
	}
	return orders, nil
}

func (commerceMLKind) orderID(v event.Value) string { return idAt(v, "Ид", "Номер") }

// requisites are the named values of a document.
func (commerceMLKind) requisites(v event.Value) []event.Member {
	var all []event.Member
	for _, list := range children(v, "ЗначенияРеквизитов") {
		for _, r := range children(list, "ЗначениеРеквизита") {
			if name := textAt(r, "Наименование"); name != "" {
				all = append(all, event.Member{Key: name, Value: at(r, "Значение")})
			}
		}
	}
	return all
}

// root is a document with its requisites as members, so that the source's map can
// name them by their titles.
func (k commerceMLKind) root(v event.Value) event.Value {
	members := append([]event.Member{}, v.Members...)
	return event.Value{Type: event.Object, Members: append(members, k.requisites(v)...)}
}

// order reads one document. The id of the event is made of the order and of what
// is said of it: the same document in tomorrow's file is the same event, though
// the file differs.
func (k commerceMLKind) order(in *intake, v event.Value) event.Event {
	id := k.orderID(v)
	currency := code(textAt(v, "Валюта"))
	ev := event.Event{
		ID:   joined("commerceml", in.d.Source.Name, id, contentID(v.JSON())[:32]),
		Kind: event.OrderChange, Entity: joined("commerceml", in.d.Source.ShopOf(), "order", id),
		At: k.at(in, v), Client: k.client(v), Order: &event.Order{ID: id, Currency: currency},
	}
	for _, goods := range children(v, "Товары") {
		for _, line := range children(goods, "Товар") {
			if textAt(line, "Ид") == "ORDER_DELIVERY" { // delivery stands among the goods
				in.setAmount(&ev, &ev.Order.Shipping, "shipping", textAt(line, "Сумма", "ЦенаЗаЕдиницу"), currency)
				continue
			}
			ev.Order.Items = append(ev.Order.Items, in.items([]event.Value{line}, currency, event.Item{
				SKU: "Артикул|Ид", Name: "Наименование", Quantity: "Количество", Price: "ЦенаЗаЕдиницу|Цена", Sum: "Сумма",
			})...)
		}
	}
	in.setAmount(&ev, &ev.Order.Total, "total", textAt(v, "Сумма"), currency)
	k.status(in, &ev, v)
	attribute(&ev, "order_number", textAt(v, "Номер"))
	attribute(&ev, "note", textAt(v, "Комментарий"))
	in.sold(&ev)
	return ev
}

// status reads "[N] Принят": its code, its name and the whole may stand in the
// source's orders, and so may the code of its own requisite. No word has a fixed
// meaning: every site has its own. The names of requisites that are true for what
// was paid, cancelled or completed are options of the source.
func (k commerceMLKind) status(in *intake, ev *event.Event, v event.Value) {
	whole, words := "", []string(nil)
	for _, r := range k.requisites(v) {
		text := first(texts(r.Value))
		switch r.Key {
		case "Статус заказа":
			whole = text
			if codeOf, name, ok := strings.Cut(strings.TrimPrefix(text, "["), "]"); ok && strings.HasPrefix(text, "[") {
				words = append(words, strings.TrimSpace(codeOf), strings.TrimSpace(name))
			}
		case "Статуса заказа ИД":
			words = append(words, text)
		}
		for _, status := range []string{event.StatusPaid, event.StatusCompleted, event.StatusCancelled} {
			if done, _ := yes(text); done && in.d.Source.Options[status] == r.Key {
				words = append(words, status)
			}
		}
	}
	in.setStatuses(ev, nil, whole, words...)
}

// at is when the status changed, else when the order was made: date and time
// stand apart and are local.
func (k commerceMLKind) at(in *intake, v event.Value) time.Time {
	for _, r := range k.requisites(v) {
		if r.Key == "Дата изменения статуса" {
			if t := in.time(first(texts(r.Value))); !t.IsZero() {
				return t
			}
		}
	}
	day, _, _ := strings.Cut(textAt(v, "Дата"), "T")
	if clock := textAt(v, "Время"); clock != "" {
		if t := in.time(day + " " + clock); !t.IsZero() {
			return t
		}
	}
	return in.time(textAt(v, "Дата"))
}

// client reads the buyer among the contractors.
func (k commerceMLKind) client(v event.Value) event.Client {
	var buyer event.Value
	for _, list := range children(v, "Контрагенты") {
		for _, contractor := range children(list, "Контрагент") {
			if role := textAt(contractor, "Роль"); buyer.Type == event.Null || strings.EqualFold(role, "Покупатель") {
				buyer = contractor
			}
		}
	}
	c := event.Client{
		FirstName: textAt(buyer, "Имя"), LastName: textAt(buyer, "Фамилия"), Company: textAt(buyer, "ОфициальноеНаименование"),
		Address: textAt(buyer, "АдресРегистрации.Представление", "Адрес.Представление", "ЮридическийАдрес.Представление"),
	}
	c.Name = cmp.Or(fullName(c.FirstName, textAt(buyer, "Отчество"), c.LastName), textAt(buyer, "ПолноеНаименование", "Наименование"))
	// A site writes its number of the person, the login and the name into one field;
	// only the number is an id and no personal data.
	number, _, _ := strings.Cut(textAt(buyer, "Ид"), "#")
	c.ExternalIDs = named("commerceml", strings.TrimSpace(number))
	for _, field := range children(at(buyer, "АдресРегистрации"), "АдресноеПоле") {
		if textAt(field, "Тип") == "Город" {
			c.City = textAt(field, "Значение")
		}
	}
	var phones, emails []string
	for _, list := range children(buyer, "Контакты") {
		for _, contact := range append(children(list, "Контакт"), children(list, "КонтактнаяИнформация")...) {
			kind, text := strings.ToLower(textAt(contact, "Тип", "КонтактВид")), textAt(contact, "Значение")
			switch {
			case text == "":
			case strings.Contains(text, "@"): // "Почта" is the letter box of both kinds
				emails = append(emails, text)
			case strings.HasPrefix(kind, "тел") || strings.HasPrefix(kind, "моб") || strings.HasPrefix(kind, "сот") || strings.HasPrefix(kind, "phone"):
				phones = append(phones, text)
			}
		}
	}
	setPhones(&c, phones)
	setEmails(&c, emails)
	return c
}

// reply speaks 1C's exchange; a file posted outside of it gets its word for done.
// The cookie that checkauth must name means nothing, every request proves itself.
func (k commerceMLKind) reply(in *intake, _ *Decoded) Reply {
	switch k.mode(in.d) {
	case "checkauth":
		return replyText("success\nleadlake\n1\n")
	case "init":
		return replyText("zip=no\nfile_limit=" + strconv.FormatInt(in.d.Source.BodyLimit(), 10) + "\n")
	case "query":
		return Reply{Status: http.StatusOK, ContentType: "application/xml; charset=utf-8", Body: []byte(
			`<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<КоммерческаяИнформация ВерсияСхемы="2.08" ДатаФормирования="` +
				in.d.ReceivedAt.In(in.cfg.Location()).Format("2006-01-02T15:04:05") + `"></КоммерческаяИнформация>` + "\n",
		)}
	default:
		return replyText("success\n")
	}
}
