package demoshop

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/text/encoding/charmap"

	"github.com/leadlake/leadlake/lib/event"
)

// guests are the people of the last day's hand-made posts; nobody else is one.
const guests = 14

// lastDay is the as-of day: what happened by itself, then a post of every kind,
// redeliveries and what went wrong.
func (s *shop) lastDay() []Post {
	var posts []Post
	today := s.calendar.at(lastDay, 0, 0, 0)
	for _, st := range s.statements {
		if st.at >= today {
			posts = append(posts, single(st.source, st.body, "the day's own events"))
		}
	}
	people := make([]person, guests)
	for i := range people {
		people[i] = s.newPerson(Buyers + Askers + Families + i)
		p := &people[i]
		number := strconv.Itoa(Buyers + Askers + Families + i)
		if p.phone == "" {
			p.phone = s.newPhone(Buyers + Askers + Families + i)
		}
		p.email, p.external = "gost"+number+"@pochta.example", "C-"+number
	}
	posts = append(posts, s.tilda(people[0:3])...)
	posts = append(posts, s.forms(people[3:8])...)
	posts = append(posts, s.natives(people[8:14])...)
	return append(posts, s.broken()...)
}

func form(source string, fields url.Values, note string) Post {
	return Post{
		Source: source, Method: http.MethodPost, ContentType: "application/x-www-form-urlencoded",
		Body: []byte(fields.Encode()), Note: note, Outcome: BecameEvents,
	}
}

// tilda is what a Tilda site posts (webhooks.md §6).
func (s *shop) tilda(people []person) []Post {
	ping := form(SourceForms, url.Values{"test": {"test"}}, "Tilda: connection test")
	ping.Outcome = WasPing

	cookies := "tildauid=1761890000000.123456; _ga=GA1.2.1234567890.1761890000; _ym_uid=1761890000123456789; _ym_d=1761890000"
	asks := form(SourceForms, url.Values{
		"Name": {people[0].first}, "Phone": {"+7 (" + people[0].phone[:3] + ") " + people[0].phone[3:6] + "-" + people[0].phone[6:8] + "-" + people[0].phone[8:]},
		"Email": {people[0].email}, "Checkbox": {"yes"}, "city": {people[0].city},
		"utm_source": {"yandex"}, "utm_medium": {"cpc"}, "utm_campaign": {"brand"},
		"COOKIES": {cookies}, "tranid": {"4040404:9000000001"}, "formid": {"form404040"}, "formname": {"Заявка"},
	}, "Tilda: lead")

	cart := url.Values{
		"Form": {"Cart"}, "Name": {people[1].first + " " + people[1].last}, "Phone": {"+7" + people[1].phone}, "Email": {people[1].email},
		"deliveryType": {"Доставка курьером 300 руб. = 300"}, "city": {people[1].city}, "comment": {"Позвоните за час"},
		"payment[sys]": {"none"}, "payment[systranid]": {"0"}, "payment[orderid]": {"1900000001"}, "payment[amount]": {"2070"},
		"payment[products][0][name]": {"Эфиопия Иргачеффе, 250 г"}, "payment[products][0][quantity]": {"1"},
		"payment[products][0][amount]": {"890"}, "payment[products][0][price]": {"890"}, "payment[products][0][sku]": {"K-13"},
		"payment[products][1][name]": {"Пуэр, 100 г"}, "payment[products][1][quantity]": {"1"},
		"payment[products][1][amount]": {"880"}, "payment[products][1][price]": {"880"}, "payment[products][1][sku]": {"T-14"},
		"COOKIES": {cookies}, "tranid": {"4040404:9000000002"}, "formid": {"form404041"}, "formname": {"Cart"},
	}
	buys := form(SourceForms, cart, "Tilda: order with bracketed fields")

	payment, _ := json.Marshal(map[string]any{ //nolint:errchkjson // plain strings
		"orderid": "1900000002", "sys": "none", "systranid": "0", "amount": "2690",
		"products": []map[string]string{{"name": "Френч-пресс", "quantity": "1", "amount": "2690", "price": "2690", "sku": "P-03"}},
	})
	buysJSON := form(SourceForms, url.Values{
		"Name": {people[2].first}, "Phone": {"8" + people[2].phone}, "Email": {people[2].email}, "payment": {string(payment)},
		"tranid": {"4040404:9000000003"}, "formid": {"form404041"}, "formname": {"Cart"},
	}, "Tilda: order, the payment as JSON text")
	return []Post{ping, asks, again(asks), buys, buysJSON}
}

// forms is what browsers post by themselves (webhooks.md §5).
func (s *shop) forms(people []person) []Post {
	plain := form(SourceLanding, url.Values{
		"name": {people[0].first + " " + people[0].last}, "phone": {"8 (" + people[0].phone[:3] + ") " + people[0].phone[3:]},
		"email": {strings.ToUpper(people[0].email[:1]) + people[0].email[1:] + " "}, "message": {"Перезвоните & напишите + скидка 5%"},
		"consent": {"on"}, "interests[]": {coffee, tea}, "utm_source": {"vk"}, "utm_medium": {"cpc"}, "utm_campaign": {"lookalike"},
		"page": {"https://zerno.example/podarki?utm_source=vk"},
	}, "form: urlencoded")

	files := s.multipart(&people[1])

	// A page of 2009 in windows-1251, as its browser encodes it.
	old, err := charmap.Windows1251.NewEncoder().String(people[2].first + " " + people[2].last)
	if err != nil {
		panic("demoshop: name outside windows-1251: " + err.Error())
	}
	cp1251 := form(SourceLanding, url.Values{"name": {old}, "phone": {people[2].phone}, "email": {people[2].email}}, "form: windows-1251")
	cp1251.ContentType += "; charset=windows-1251"

	flat, _ := json.Marshal(map[string]string{ //nolint:errchkjson // plain strings
		"name": people[3].first, "phone": "+7" + people[3].phone, "email": people[3].email, "form_id": "callback",
		"utm_source": "yandex", "utm_medium": "cpc", "utm_campaign": "zerno-250",
	})
	beacon := Post{
		Source: SourceLanding, Method: http.MethodPost, ContentType: "text/plain;charset=UTF-8", Body: flat,
		Note: "form: beacon, JSON as plain text", Outcome: BecameEvents,
	}

	script, _ := json.Marshal(map[string]string{ //nolint:errchkjson // plain strings
		"name": people[4].first, "phone": people[4].phone, "email": people[4].email, "page_url": "https://zerno.example/?gclid=demo-1",
	})
	own := single(SourceSite, script, "site's own script: a flat lead")
	own.Header = map[string]string{"Origin": "https://zerno.example"}
	return []Post{plain, again(plain), files, cp1251, beacon, own}
}

func (s *shop) multipart(p *person) Post {
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	write := func(header, value string) {
		part, err := w.CreatePart(textproto.MIMEHeader{"Content-Disposition": {header}})
		if err == nil {
			_, err = part.Write([]byte(value))
		}
		if err != nil {
			panic("demoshop: multipart in memory: " + err.Error())
		}
	}
	if err := w.SetBoundary("----WebKitFormBoundaryZernoZernoZerno"); err != nil {
		panic("demoshop: boundary: " + err.Error())
	}
	for _, field := range [][2]string{
		{"name", p.first},
		{"phone", spell(s.rng, p.phone)},
		{"email", p.email},
		{"tags[]", "опт"},
		{"tags[]", "офис"},
	} {
		write(fmt.Sprintf("form-data; name=%q", field[0]), field[1])
	}
	write(`form-data; name="brief"; filename="Заказ для офиса.txt"`, "десять килограммов в месяц")
	if err := w.Close(); err != nil {
		panic("demoshop: multipart in memory: " + err.Error())
	}
	return Post{
		Source: SourceLanding, Method: http.MethodPost, ContentType: w.FormDataContentType(), Body: body.Bytes(),
		Note: "form: multipart with a file", Outcome: BecameEvents,
	}
}

// natives is a post of every native kind, each event alone, as a CRM sends them.
func (s *shop) natives(people []person) []Post {
	var posts []Post
	minute := 0
	post := func(source, note string, ev event.Event) Post {
		minute += 3
		p := single(source, s.native(s.calendar.at(lastDay, 8, minute, 0), ev), note)
		posts = append(posts, p)
		return p
	}
	asks, buys, quits, gives, takes, leaves := &people[0], &people[1], &people[2], &people[3], &people[4], &people[5]

	lead := event.Event{ID: "demo-lead", Kind: event.Lead, Client: s.asked(asks), Interests: []string{subscription}, Attribution: s.attribution(s.channels[0])}
	lead.Client.Phone = spell(s.rng, asks.phone)
	lead.Consents = []event.Consent{{Purpose: "ads", Given: true, TextVersion: "2026-03", Evidence: "form 12"}}
	first := post(SourceSite, "lead", lead)
	for _, c := range []event.Contact{
		{Channel: "call", Direction: "in", Result: "answered", Seconds: "67"},
		{Channel: "chat", Direction: "in", Result: "answered", Text: "Есть ли кофе без кофеина?"},
		{Channel: "review", Direction: "in", Rating: "5", Text: "Лучший раф в городе"},
	} {
		post(SourceCRM, "contact: "+c.Channel, event.Event{ID: "demo-" + c.Channel, Kind: event.ContactMade, Client: s.inCRM(asks), Manager: "olga", Contact: &c})
	}
	post(SourceCRM, "stage", event.Event{ID: "demo-stage", Kind: event.Stage, Client: s.inCRM(asks), Stage: "visited", Manager: "olga"})
	post(SourceCRM, "booking", event.Event{
		ID: "demo-booking", Kind: event.BookingMade, Client: s.inCRM(asks),
		Booking: &event.Booking{ID: "T-demo", For: s.calendar.time(s.calendar.at(days+6, 19, 0, 0)), Status: "booked"},
	})
	profile := s.inCRM(asks)
	profile.FirstName, profile.LastName, profile.BirthDate, profile.City, profile.LoyaltyLevel = asks.first, asks.last, "1990-02-01", "Москва", "start"
	post(SourceCRM, "profile", event.Event{ID: "demo-profile", Kind: event.Profile, Client: profile})

	items := []event.Item{
		{SKU: "K-15", Name: "Смесь «Зерно», 1 кг", Category: coffee, Quantity: "1", Price: "2490.00", Sum: "2490.00"},
		{SKU: "P-01", Name: "Кружка «Зерно»", Category: ware, Quantity: "2", Price: "790.00", Sum: "1580.00"},
	}
	told := func(id, status, returned string, c event.Client) Post {
		o := event.Order{ID: id, Status: status, Returned: returned}
		if status == event.StatusNew {
			o.Currency, o.Total, o.Shipping, o.Items = "RUB", "4370.00", "300.00", items
		}
		return post(SourceCRM, "order: "+status, event.Event{ID: "demo-" + id + "/" + status, Kind: event.OrderChange, Client: c, Order: &o})
	}
	var paid Post
	for _, status := range []string{event.StatusNew, event.StatusPaid, event.StatusShipped, event.StatusCompleted} {
		p := told("D-1", status, "", s.inCRM(buys))
		if status == event.StatusPaid {
			paid = p
		}
	}
	told("D-2", event.StatusNew, "", s.inCRM(quits))
	told("D-2", event.StatusCancelled, "", event.Client{})
	for _, id := range []string{"D-3", "D-4"} {
		told(id, event.StatusNew, "", s.inCRM(buys))
		told(id, event.StatusCompleted, "", event.Client{})
	}
	told("D-3", event.StatusReturned, "790.00", s.inCRM(buys)) // one of the two mugs
	told("D-4", event.StatusReturned, "", s.inCRM(buys))       // all of it

	said := func(note string, c event.Client, given bool) {
		post(SourceCRM, note, event.Event{
			ID: "demo-" + strings.ReplaceAll(note, " ", "-"), Kind: event.ConsentSaid, Client: c,
			Consents: []event.Consent{{Purpose: "ads", Given: given, TextVersion: "2026-03", Evidence: "call"}},
		})
	}
	said("consent given", s.inCRM(gives), true)
	said("consent given before", s.inCRM(takes), true)
	said("consent withdrawn", s.inCRM(takes), false)
	said("consent before leaving", s.inCRM(leaves), true)
	left := post(SourceSite, "unsubscribe: one channel", event.Event{ID: "demo-unsubscribe-email", Kind: event.Unsubscribe, Client: event.Client{Email: gives.email, ExternalID: gives.external}, Unsubscribe: &event.Unsubscription{Channel: "email"}})
	post(SourceSite, "unsubscribe: all", event.Event{ID: "demo-unsubscribe-all", Kind: event.Unsubscribe, Client: event.Client{ExternalID: leaves.external}})
	post(SourceCosts, "cost", event.Event{ID: "demo-cost", Kind: event.CostSpent, Cost: &event.Cost{Day: AsOf, Source: "yandex", Campaign: "brand", Amount: "1200.00", Currency: "RUB", Clicks: "40"}})

	posts = append(posts, again(first), again(paid))
	second := event.Event{ID: "demo-lead-2", Kind: event.Lead, Client: lead.Client, Interests: []string{tea}}
	return append(posts, s.lines(first.Body, left.Body, second))
}

// lines is NDJSON that repeats two events of the same source beside a new one:
// events are told apart one by one, not by the request.
func (s *shop) lines(known, also []byte, fresh event.Event) Post {
	body := bytes.Join([][]byte{known, also, s.native(s.calendar.at(lastDay, 11, 30, 0), fresh)}, []byte{'\n'})
	p := single(SourceSite, body, "NDJSON: two events seen before and a new one")
	p.ContentType = "application/x-ndjson"
	return p
}

// broken is what cannot become an event and is kept with its reason.
func (s *shop) broken() []Post {
	fail := func(source, reason, note, body string) Post {
		p := single(source, []byte(body), "broken: "+note)
		p.Outcome, p.Reason = WasFailed, reason
		return p
	}
	return []Post{
		fail(SourceCRM, "malformed_json", "cut off in the middle", `[{"id":"demo-cut","kind":"lead","client":{"name":"Гость","pho`),
		fail(SourceCRM, "duplicate_key", "a key twice", `{"id":"demo-twice","kind":"stage","stage":"visited","stage":"won","client":{"external_id":"C-1"}}`),
		fail(SourceCRM, "duplicate_key", "a key in two cases", `{"id":"demo-case","kind":"lead","Kind":"stage","client":{"external_id":"C-1"}}`),
		fail(SourceCRM, "invalid_event", "several faults", `{"id":"demo-faults","kind":"order","at":"позавчера","order":{"id":"D-9","status":"lost","total":"много","currency":"RUB"}}`),
		fail(SourceCRM, "invalid_event", "a kind nobody knows", `{"id":"demo-kind","kind":"wish","client":{"external_id":"C-1"}}`),
		fail(SourceSite, "empty_body", "an empty body", ""),
	}
}
