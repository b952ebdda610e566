package demoshop

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/leadlake/leadlake/lib/event"
)

// person is somebody the shop knows, with all that is true of them; what an event
// says of them is a facet.
type person struct {
	first, last string
	female      bool
	phone       string // ten national digits; empty: never given
	email       string
	external    string // the shop's own id; empty: never registered
	card        string // loyalty card
	city        string
	birth       string
	taste       string
	manager     string
	channel     channel
	gap         int  // days between visits; 0: comes once
	leave       int  // chance in 1000 of never coming back after a visit
	gifts       bool // buys presents before 8 March
	frugal      bool // comes for one cheap drink only
	introduced  bool // an event has told where they came from and what they agreed to
	carded      bool // an event has tied the card to the phone
	consent     consents
	spent       int // purchases so far, for the loyalty level
}

// consents is what somebody will say about advertising.
type consents int

const (
	silent consents = iota
	agrees
	withdraws    // agrees first
	unsubscribes // agrees first, then leaves every channel
)

// channel is where somebody came from.
type channel struct{ source, medium, campaign, clickID string }

func channels() []channel {
	return []channel{
		{"yandex", "cpc", "brand", "yclid"},
		{"yandex", "cpc", "zerno-250", "yclid"},
		{"vk", "cpc", "lookalike", ""},
		{"google", "cpc", "search", "gclid"},
		{"email", "newsletter", "weekly", ""},
		{"blog", "referral", "", ""},
		{"", "", "", ""}, // came by themselves
	}
}

// name and its Latin form, of which mail addresses are made.
type name struct{ ru, latin string }

func women() []name {
	return []name{
		{"Анна", "anna"},
		{"Мария", "maria"},
		{"Елена", "elena"},
		{"Ольга", "olga"},
		{"Наталья", "natalia"},
		{"Екатерина", "kate"},
		{"Татьяна", "tatiana"},
		{"Ирина", "irina"},
		{"Светлана", "svetlana"},
		{"Юлия", "julia"},
		{"Дарья", "daria"},
		{"Полина", "polina"},
		{"Ксения", "ksenia"},
		{"Вера", "vera"},
		{"Алиса", "alisa"},
		{"Зоя", "zoya"},
	}
}

func men() []name {
	return []name{
		{"Александр", "alexander"},
		{"Дмитрий", "dmitry"},
		{"Максим", "maxim"},
		{"Сергей", "sergey"},
		{"Андрей", "andrey"},
		{"Алексей", "alexey"},
		{"Артём", "artem"},
		{"Илья", "ilya"},
		{"Кирилл", "kirill"},
		{"Михаил", "mikhail"},
		{"Никита", "nikita"},
		{"Роман", "roman"},
		{"Егор", "egor"},
		{"Павел", "pavel"},
		{"Фёдор", "fedor"},
		{"Лев", "lev"},
	}
}

func surnames() []name {
	return []name{
		{"Смирнов", "smirnov"},
		{"Иванов", "ivanov"},
		{"Кузнецов", "kuznetsov"},
		{"Соколов", "sokolov"},
		{"Попов", "popov"},
		{"Лебедев", "lebedev"},
		{"Козлов", "kozlov"},
		{"Новиков", "novikov"},
		{"Морозов", "morozov"},
		{"Петров", "petrov"},
		{"Волков", "volkov"},
		{"Соловьёв", "solovyov"},
		{"Васильев", "vasilyev"},
		{"Зайцев", "zaytsev"},
		{"Павлов", "pavlov"},
		{"Семёнов", "semyonov"},
		{"Голубев", "golubev"},
		{"Виноградов", "vinogradov"},
		{"Богданов", "bogdanov"},
		{"Воробьёв", "vorobyov"},
		{"Фёдоров", "fedorov"},
		{"Михайлов", "mikhaylov"},
		{"Беляев", "belyaev"},
		{"Тарасов", "tarasov"},
		{"Белов", "belov"},
		{"Комаров", "komarov"},
		{"Орлов", "orlov"},
		{"Киселёв", "kiselyov"},
		{"Макаров", "makarov"},
		{"Андреев", "andreev"},
	}
}

// newPerson invents number i.
func (s *shop) newPerson(i int) person {
	rng := s.rng
	p := person{female: rng.IntN(100) < 58}
	first, last := pick(rng, s.men), pick(rng, s.surnames)
	latin := last.latin
	p.last = last.ru
	if p.female {
		first = pick(rng, s.women)
		p.last += "а"
		latin += "a"
	}
	p.first = first.ru
	x := rng.IntN(100)
	if x >= 6 {
		p.phone = s.newPhone(i)
	}
	if x < 76 { // so everybody has a phone or an address, and most have both
		p.email = first.latin + "." + latin + strconv.Itoa(i) + "@" + pick(rng, []string{"pochta.example", "mail.example", "inbox.example", "box.example"})
		if rng.IntN(100) < 55 {
			p.external = "C-" + strconv.Itoa(10_000+i)
		}
	}
	if p.phone != "" && rng.IntN(100) < 30 {
		p.card = fmt.Sprintf("7700 %04d %04d", i/10_000, i%10_000)
	}
	p.city = pick(rng, []string{"Москва", "Москва", "Москва", "Москва", "Санкт-Петербург", "Санкт-Петербург", "Казань", "Екатеринбург", "Нижний Новгород", "Самара"})
	if rng.IntN(100) == 0 {
		p.city = "Тула"
	}
	if rng.IntN(100) < 40 {
		p.birth = fmt.Sprintf("%d-%02d-%02d", 1955+rng.IntN(50), 1+rng.IntN(12), 1+rng.IntN(28))
	}
	p.taste = pick(rng, []string{coffee, coffee, coffee, coffee, tea, bakery, bakery, dessert, ware, subscription})
	p.manager = pick(rng, []string{"olga", "olga", "ivan"})
	p.channel = s.channels[[...]int{0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 4, 5, 6, 6, 6, 6}[rng.IntN(17)]]
	switch x := rng.IntN(1000); {
	case x < 665:
		p.consent = agrees
	case x < 685:
		p.consent = withdraws
	case x < 700:
		p.consent = unsubscribes
	}
	s.temper(&p)
	return p
}

// temper decides how often somebody comes: many once, a few nearly every day.
func (s *shop) temper(p *person) {
	switch x := s.rng.IntN(1000); {
	case x < 330: // comes once
	case x < 600:
		p.gap, p.leave = 95, 260
	case x < 870:
		p.gap, p.leave = 42, 105
	case x < 975:
		p.gap, p.leave = 17, 45
	default:
		p.gap, p.leave = 8, 25
	}
	p.gifts = s.rng.IntN(100) < 4
	p.frugal = p.phone != "" && p.gap > 0 && !p.gifts && s.rng.IntN(100) < 8
}

// newPhone is the i-th phone: a permutation of the seven digits, so that no two
// people share one by chance.
func (s *shop) newPhone(i int) string {
	codes := [...]string{"907", "935", "943", "946", "947", "957", "972", "973", "974", "998"}
	subscriber := (int64(i)*7_919_001 + s.phones) % 10_000_000 // 7 919 001 and 10^7 have no common factor
	return codes[i%len(codes)] + fmt.Sprintf("%07d", subscriber)
}

// spell writes a phone as people and systems do.
func spell(rng *rand.Rand, phone string) string {
	if phone == "" {
		return ""
	}
	a, b, c, d := phone[:3], phone[3:6], phone[6:8], phone[8:]
	switch rng.IntN(6) {
	case 0:
		return "8 (" + a + ") " + b + "-" + c + "-" + d
	case 1:
		return "+7 " + a + " " + b + " " + c + " " + d
	case 2:
		return "8" + phone
	case 3:
		return phone
	case 4:
		return "7" + phone
	default:
		return "+7" + phone
	}
}

// called writes a name as people do.
func (p *person) called(rng *rand.Rand) string {
	switch rng.IntN(8) {
	case 0:
		return p.last + " " + p.first
	case 1:
		return p.first
	default:
		return p.first + " " + p.last
	}
}

// typed writes an address as people do: now and then with capitals.
func (p *person) typed(rng *rand.Rand) string {
	if p.email != "" && rng.IntN(12) == 0 {
		return strings.ToUpper(p.email[:1]) + p.email[1:]
	}
	return p.email
}

// onSite is what the web shop knows: the account, or else what the buyer typed.
func (s *shop) onSite(p *person) event.Client {
	c := event.Client{Email: p.typed(s.rng), ExternalID: p.external, Name: p.called(s.rng), City: p.city}
	if p.external == "" {
		c.Phone = spell(s.rng, p.phone)
	}
	return c
}

// inCRM is what managers and the till know: the phone.
func (s *shop) inCRM(p *person) event.Client {
	c := event.Client{Phone: spell(s.rng, p.phone), ExternalID: p.external}
	if p.phone == "" {
		c.Email = p.email
	}
	return c
}

// asked is what somebody types into a form: often the phone alone.
func (s *shop) asked(p *person) event.Client {
	c := event.Client{Name: p.called(s.rng)}
	switch x := s.rng.IntN(100); {
	case p.phone == "" || x < 15 && p.email != "":
		c.Email = p.typed(s.rng)
	case x < 40:
		c.Phone, c.Email = spell(s.rng, p.phone), p.typed(s.rng)
	default:
		c.Phone = spell(s.rng, p.phone)
	}
	return c
}
