package webhook_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/charmap"

	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/webhook"
)

const (
	xmlHead   = `<?xml version="1.0" encoding="UTF-8"?>`
	orderHead = `<Документ><Ид>1024</Ид><Номер>1024</Номер><Дата>2026-05-01</Дата><Время>12:30:45</Время><ХозОперация>Заказ товара</ХозОперация><Валюта>руб</Валюта><Сумма>8 270,00</Сумма>`
)

func exchangeFile(inside string) string {
	return xmlHead + `<КоммерческаяИнформация xmlns="urn:1C.ru:commerceml_2" ВерсияСхемы="2.08" ДатаФормирования="2026-05-01T12:31:00">` + inside + `</КоммерческаяИнформация>`
}

func requisite(name, value string) string {
	return `<ЗначенияРеквизитов><ЗначениеРеквизита><Наименование>` + name + `</Наименование><Значение>` + value + `</Значение></ЗначениеРеквизита></ЗначенияРеквизитов>`
}

func TestCommerceMLOrderInEveryShape(t *testing.T) {
	want := event.Event{
		Kind: "order", Entity: "commerceml:s:order:1024", At: time.Date(2026, 5, 1, 9, 30, 45, 0, time.UTC), SenderOrders: true,
		Order: &event.Order{ID: "1024", Status: "new", Currency: "RUB", Total: "8270.00"}, Attributes: map[string]string{"order_number": "1024"},
	}
	file := exchangeFile(orderHead + `</Документ>`)
	cyrillic, err := charmap.Windows1251.NewEncoder().String(strings.Replace(file, "UTF-8", "windows-1251", 1))
	if err != nil {
		t.Fatal(err)
	}
	undeclared, err := charmap.Windows1251.NewEncoder().String(strings.Replace(file, ` encoding="UTF-8"`, "", 1))
	if err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string]string{
		"utf-8":                     file,
		"byte order mark":           "\xef\xbb\xbf" + file,
		"windows-1251":              cyrillic,
		"windows-1251, not said":    undeclared,
		"converted on the way":      strings.Replace(file, "UTF-8", "windows-1251", 1),
		"container of 3.1":          exchangeFile(`<Контейнер>` + orderHead + `</Документ><Документ><Ид>9</Ид><ХозОперация>Выплата безналичных денег</ХозОперация></Документ></Контейнер>`),
		"attributes for elements":   exchangeFile(`<Документ Ид="1024" Номер="1024" Дата="2026-05-01" Время="12:30:45" ХозОперация="Заказ товара" Валюта="RUB" Сумма="8270.00"></Документ>`),
		"date with a time of night": exchangeFile(strings.Replace(orderHead, "<Дата>2026-05-01", "<Дата>2026-05-01T00:00:00", 1) + `</Документ>`),
	} {
		t.Run(name, func(t *testing.T) {
			got := one(t, decodeShop(t, "commerceml", "", shopDelivery{contentType: "text/xml", body: body}))
			got.ID = ""
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCommerceMLGoodsAndPeople(t *testing.T) {
	ev := one(t, decodeShop(t, "commerceml", ", map: {manager: Ответственный}", shopDelivery{body: exchangeFile(orderHead + `<Контрагенты>
		<Контрагент><Ид>1</Ид><Наименование>Склад</Наименование><Роль>Продавец</Роль></Контрагент>
		<Контрагент><Ид>77#ivan#Иван Тестов</Ид><Наименование>ivan</Наименование><ПолноеНаименование>Иван Тестов</ПолноеНаименование><Роль>Покупатель</Роль>
			<АдресРегистрации><Представление>Тула, Тестовая, 1</Представление><АдресноеПоле><Тип>Страна</Тип><Значение>Россия</Значение></АдресноеПоле><АдресноеПоле><Тип>Город</Тип><Значение>Тула</Значение></АдресноеПоле></АдресРегистрации>
			<Контакты><Контакт><Тип>Телефон рабочий</Тип><Значение>8 900 000 00 01</Значение></Контакт><Контакт><Тип>Мобильный</Тип><Значение></Значение></Контакт>
				<Контакт><Тип>Почта</Тип><Значение>a@b.ru</Значение></Контакт><Контакт><Тип>Почта</Тип><Значение>300000, Тула</Значение></Контакт></Контакты></Контрагент></Контрагенты>
		<Товары><Товар><Ид>g1</Ид><Артикул>ST-2</Артикул><Наименование>Стакан</Наименование><ЦенаЗаЕдиницу>990.00</ЦенаЗаЕдиницу><Количество>2.00</Количество><Сумма>1980.00</Сумма><Единица Код="796">шт</Единица></Товар>
		<Товар><Ид>ORDER_DELIVERY</Ид><Наименование>Доставка</Наименование><Сумма>300.00</Сумма></Товар></Товары>` + requisite("Ответственный", "olga") + `</Документ>`)}))
	wantClient := event.Client{
		Name: "Иван Тестов", Phone: "8 900 000 00 01", Email: "a@b.ru", City: "Тула", Address: "Тула, Тестовая, 1", ExternalIDs: []string{"commerceml:77"},
	}
	if diff := cmp.Diff(wantClient, ev.Client); diff != "" {
		t.Error(diff)
	}
	wantOrder := &event.Order{ID: "1024", Status: "new", Currency: "RUB", Total: "8270.00", Shipping: "300.00", Items: []event.Item{{SKU: "ST-2", Name: "Стакан", Quantity: "2", Price: "990.00", Sum: "1980.00"}}}
	if diff := cmp.Diff(wantOrder, ev.Order); diff != "" {
		t.Error(diff)
	}
	if ev.Manager != "olga" {
		t.Errorf("manager %q", ev.Manager)
	}
}

func TestCommerceMLStatuses(t *testing.T) {
	for _, tt := range []struct{ name, requisites, more, status, told string }{
		{"unknown", requisite("Статус заказа", "[N] Принят"), "", "new", "[N] Принят"},
		{"by code", requisite("Статус заказа", "[F] Выполнен"), ", orders: {F: completed}", "completed", "[F] Выполнен"},
		{"by name", requisite("Статус заказа", "[F] Выполнен"), ", orders: {Выполнен: completed}", "completed", "[F] Выполнен"},
		{"as a whole", requisite("Статус заказа", "[F] Выполнен"), `, orders: {"[F] Выполнен": completed}`, "completed", "[F] Выполнен"},
		{"by its id", requisite("Статуса заказа ИД", "O"), ", orders: {O: shipped}", "shipped", ""},
		{"requisite that says paid", requisite("Статус заказа", "[N] Принят") + requisite("Заказ оплачен", "true"), ", options: {paid: Заказ оплачен}", "paid", "[N] Принят"},
		{"not paid", requisite("Заказ оплачен", "false"), ", options: {paid: Заказ оплачен}", "new", ""},
		{"cancelled wins", requisite("Заказ оплачен", "true") + requisite("Отменен", "true"), ", options: {paid: Заказ оплачен, cancelled: Отменен}", "cancelled", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ev := one(t, decodeShop(t, "commerceml", tt.more, shopDelivery{body: exchangeFile(orderHead + tt.requisites + `</Документ>`)}))
			if ev.Order.Status != tt.status || ev.Attributes["order_status"] != tt.told {
				t.Errorf("status %q, told %q", ev.Order.Status, ev.Attributes["order_status"])
			}
		})
	}
}

// Tomorrow's file repeats today's orders under another date of its own.
func TestCommerceMLSameDocumentIsTheSameEvent(t *testing.T) {
	second := strings.ReplaceAll(orderHead, "1024", "1025") + `</Документ>`
	today := decodeShop(t, "commerceml", "", shopDelivery{body: exchangeFile(orderHead + `</Документ>`)})
	tomorrow := decodeShop(t, "commerceml", "", shopDelivery{body: strings.Replace(exchangeFile(orderHead+`</Документ>`+second), "T12:31:00", "T23:31:00", 1)})
	if len(tomorrow.Events) != 2 || tomorrow.DeliveryID != "" || today.DeliveryID == "" {
		t.Fatalf("%d events, ids %q and %q", len(tomorrow.Events), today.DeliveryID, tomorrow.DeliveryID)
	}
	if diff := cmp.Diff(today.Events[0], tomorrow.Events[0]); diff != "" {
		t.Error(diff)
	}
	changed := decodeShop(t, "commerceml", "", shopDelivery{body: exchangeFile(orderHead + requisite("Статус заказа", "[F] Выполнен") + `</Документ>`)})
	if changed.Events[0].ID == today.Events[0].ID || tomorrow.Events[1].ID == today.Events[0].ID {
		t.Error("a changed document and another order have ids of their own")
	}
}

func TestCommerceMLThatIsNoOrder(t *testing.T) {
	for name, body := range map[string]string{
		"payments": exchangeFile(`<Документ><Ид>9</Ид><ХозОперация>Выплата безналичных денег</ХозОперация></Документ>`),
		"nothing":  exchangeFile(""), "catalogue": exchangeFile("<Каталог/>"),
	} {
		if out := decodeShop(t, "commerceml", "", shopDelivery{body: body}); !out.Ping {
			t.Errorf("%s: %+v", name, out)
		}
	}
	for body, reason := range map[string]string{
		"":                          webhook.ReasonEmptyBody,
		"PK\x03\x04":                webhook.ReasonXML,
		`{"a":1}`:                   webhook.ReasonXML,
		"<html></html>":             webhook.ReasonXML,
		exchangeFile(orderHead):     webhook.ReasonXML,
		exchangeFile("<Документ/>"): webhook.ReasonInvalidEvent,
		`<!DOCTYPE x [<!ENTITY a "a"><!ENTITY b "&a;&a;">]>` + exchangeFile("")[len(xmlHead):]: webhook.ReasonXMLDoctype,
	} {
		if out := decodeShop(t, "commerceml", "", shopDelivery{body: body}); out.Failure == nil || out.Failure.Reason != reason || out.Status != 200 {
			t.Errorf("%q: %+v, want %s", body, out.Failure, reason)
		}
	}
}

// 1C asks for permission, for the limits and for orders to take, posts its own,
// and says that it is done.
func TestCommerceMLExchange(t *testing.T) {
	in := start(t, `sources: [{name: 1c, kind: commerceml, secrets: ["env:`+newSecret+`"]}]`)
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("1c:"+newSecret))
	file := exchangeFile(orderHead + `</Документ>`)
	for _, proof := range []struct {
		path    string
		headers []string
	}{{"/in/1c/" + newSecret, nil}, {"/in/1c", []string{"Authorization", basic}}} {
		for _, step := range []struct{ method, query, body, want string }{
			{"GET", "type=sale&mode=checkauth", "", "success\nleadlake\n1\n"},
			{"GET", "type=sale&mode=init", "", "zip=no\nfile_limit=1048576\n"},
			{"GET", "type=sale&mode=query", "", xmlHead + "\n<КоммерческаяИнформация ВерсияСхемы=\"2.08\" ДатаФормирования=\"2026-11-20T10:15:30\"></КоммерческаяИнформация>\n"},
			{"GET", "type=sale&mode=success", "", "success\n"},
			{"POST", "type=sale&mode=file&filename=orders.xml", file, "success\n"},
			{"GET", "type=sale&mode=import&filename=orders.xml", "", "success\n"},
		} {
			got := in.send(t, step.method, proof.path+"?"+step.query, step.body, proof.headers...)
			if got.status != 200 || got.body != step.want {
				t.Errorf("%s: status %d, %q, want %q", step.query, got.status, got.body, step.want)
			}
			out, d := in.decodeLast(t), in.sink.last(t)
			if step.body == "" && !out.Ping || step.body != "" && len(out.Events) != 1 {
				t.Errorf("%s: %+v", step.query, out)
			}
			if !d.Trusted || strings.Contains(d.Suffix, newSecret) || d.Header["authorization"] != "" && strings.Trim(d.Header["authorization"], "*") != "Basic " {
				t.Errorf("%s: trusted %v, stored %q %q", step.query, d.Trusted, d.Suffix, d.Header["authorization"])
			}
		}
	}
	stored := in.sink.count()
	for _, wrong := range []string{"Basic " + base64.StdEncoding.EncodeToString([]byte(newSecret+":1c")), "Basic x", "Basic", basic + "x"} {
		if got := in.send(t, "GET", "/in/1c?type=sale&mode=checkauth", "", "Authorization", wrong); got.status != 401 || in.sink.count() != stored {
			t.Errorf("status %d", got.status)
		}
	}
}
