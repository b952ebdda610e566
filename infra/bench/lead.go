package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// leadBytes is about how large a lead's body is.
const leadBytes = 1500

// leads writes deliveries as a site sends them. It is for one goroutine: its
// buffers are used again.
type leads struct {
	run    string // makes the ids of one run unlike those of another
	at     string
	secret []byte
	body   []byte
	head   []byte
}

func newLeads(run, secret string, at time.Time) *leads {
	return &leads{run: run, at: at.UTC().Format(time.RFC3339), secret: []byte(secret)}
}

// leadID is the id of the i-th lead of a run.
func leadID(run string, i int) string { return fmt.Sprintf("lead-%s-%08d", run, i) }

// words of an invented flower shop.
func surnames() []string {
	return strings.Fields("Иванова Петров Сидоренко Кузнецова Смирнов Попова Васильев Соколова Михайлов Новикова Фёдоров Морозова Волков Алексеева Лебедев Семёнова")
}

func givenNames() []string {
	return strings.Fields("Анна Мария Алексей Екатерина Дмитрий Ольга Сергей Наталья Андрей Елена Иван Татьяна")
}

func wishes() []string {
	return []string{
		"Добрый день! Подскажите, пожалуйста, успеете ли доставить букет к юбилею в субботу до одиннадцати утра? Нужны пионы или садовые розы в светлой гамме, без лилий: на них аллергия. Открытку подпишем сами.",
		"Хотим оформить зал на тридцать человек, с живыми цветами на каждый стол и аркой у входа. Посчитайте, пожалуйста, два варианта и пришлите фотографии похожих работ. Перезвоните после шести вечера.",
		"Здравствуйте, интересует подписка на еженедельные букеты в офис: четыре адреса, доставка по понедельникам к девяти. Нужны закрывающие документы и счёт на юридическое лицо. Когда можно начать?",
	}
}

// write makes the body of the i-th lead; it is good until the next call.
func (l *leads) write(i int) []byte {
	names, given, texts := surnames(), givenNames(), wishes()
	surname, name := names[i%len(names)], given[i/7%len(given)]
	b := l.body[:0]
	b = append(b, `{"id":"`...)
	b = append(b, leadID(l.run, i)...)
	b = append(b, `","kind":"lead","at":"`...)
	b = append(b, l.at...)
	b = append(b, `","client":{"name":"`...)
	b = append(b, name+" "+surname...)
	b = append(b, `","phone":"+7 (9`...)
	number := strconv.Itoa(1_000_000_000 + i*7919%1_000_000_000)
	b = append(b, number[1:3]+") "+number[3:6]+"-"+number[6:8]+"-"+number[8:10]...)
	b = append(b, `","email":"client.`...)
	b = strconv.AppendInt(b, int64(i), 10)
	b = append(b, `@shop.example","city":"Нижний Новгород","external_id":"site-`...)
	b = strconv.AppendInt(b, int64(i), 10)
	b = append(b, `"},"interests":["букеты","доставка"],"tags":["новый сайт","главная"],"attribution":{"utm_source":"yandex","utm_medium":"cpc","utm_campaign":"brand-spring","utm_content":"banner-`...)
	b = strconv.AppendInt(b, int64(i%40), 10)
	b = append(b, `","utm_term":"букет на юбилей с доставкой","yclid":"`...)
	b = strconv.AppendInt(b, 7_000_000_000_000_000_000+int64(i), 10)
	b = append(b, `","referrer":"https://yandex.ru/search/","landing":"https://shop.example/bukety/yubiley?utm_source=yandex","client_ids":{"ym_uid":"16`...)
	b = strconv.AppendInt(b, 10_000_000_000_000_000+int64(i)*31, 10)
	b = append(b, `"}},"consents":[{"purpose":"ads","given":true,"text_version":"2025-09"},{"purpose":"processing","given":true,"text_version":"2025-09"}],"attributes":{"comment":"`...)
	b = append(b, texts[i%len(texts)]...)
	b = append(b, `","page":"Букеты к юбилею","basket":"Пионы розовые, 15 шт.; эвкалипт, 3 ветки; крафтовая бумага; атласная лента; открытка с текстом","delivery":"Нижний Новгород, Верхне-Волжская набережная, с 9:00 до 11:00"}}`...)
	l.body = b
	return b
}

// request makes the whole HTTP request of the i-th lead, signed; it is good until
// the next call.
func (l *leads) request(host, source string, i int) []byte {
	body := l.write(i)
	mac := hmac.New(sha256.New, l.secret)
	mac.Write(body)
	h := l.head[:0]
	h = append(h, "POST /in/"+source+" HTTP/1.1\r\nHost: "+host+"\r\nContent-Type: application/json\r\nUser-Agent: shop/1.0\r\nX-Leadlake-Signature: sha256="...)
	h = hex.AppendEncode(h, mac.Sum(nil))
	h = append(h, "\r\nContent-Length: "...)
	h = strconv.AppendInt(h, int64(len(body)), 10)
	h = append(h, "\r\n\r\n"...)
	h = append(h, body...)
	l.head = h
	return h
}
