package audience

import (
	"iter"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/leadlake/leadlake/lib/identity"
)

// Canaries are invented people in a file for people, whose mail addresses lie in a
// catch-all domain of the owner and are different in every download: an address that
// turns up elsewhere names the download it came from (reliability, 9). They have no
// phone, which could be somebody's. The zero value has none.
type Canaries struct {
	// Sum is the deployment's keyed digest, [identity.Key.Sum]: without the key
	// nobody can tell a canary from a client by its address, or make one up.
	Sum func(purpose, text string) [32]byte
	// Download is the id of the download; equal ids give equal people.
	Download string
	// Domain is the catch-all domain; empty: there are none.
	Domain string
	// Language of the names: "ru", else English ones.
	Language string
	// Count is how many there are, mostly [CanaryCount].
	Count int
}

// CanaryCount is how many canaries a list of so many rows carries: one in a thousand,
// five at the least (reliability, 9), but in a list of less than fifty rows one for
// every ten begun, since a list of invented people alone hides nobody. An empty list
// has none.
func CanaryCount(rows int) int {
	return max(min(5, (rows+9)/10), (rows+999)/1000)
}

// TraceableShare is the smallest share of a file's rows, taken at random, that holds
// one of n canaries with 99 % at least: 1 − 0.01^(1/n), rounded up to a whole per
// cent. None are traceable by nothing, which is 1.
func TraceableShare(n int) float64 {
	if n <= 1 {
		return 1
	}
	return math.Ceil(100*(1-math.Pow(0.01, 1/float64(n)))) / 100
}

// Codes are the ends of the local parts of all canaries, [CanaryCode] of their
// addresses, in no particular order. They depend on key and download alone, so that a
// canary is known again after the domain or the language was changed.
func (c Canaries) Codes() []string {
	if c.Sum == nil {
		return nil
	}
	codes := make([]string, c.Count)
	for i := range codes {
		codes[i] = codeOf(c.Sum("canary", c.name(i)))
	}
	return codes
}

// CanaryCode is what of an address would name the download if it were a canary: the
// last eight characters before the @ and before a +tag; empty for an address that
// has no such end.
func CanaryCode(email identity.Email) string {
	local, _, _ := strings.Cut(string(email), "@")
	local, _, _ = strings.Cut(local, "+")
	_, code, _ := strings.Cut(local, ".")
	if len(code) != codeLength {
		return ""
	}
	return code
}

const codeLength = 8 // forty bits

func codeOf(sum [32]byte) string {
	return string(identity.TokenOf(identity.KindEmail, sum))[1 : 1+codeLength]
}

// Contacts are the canaries in the order of their client ids, which look like those
// of clients known by their e-mail.
func (c Canaries) Contacts() []Contact {
	domain := c.domain()
	if domain == "" {
		return nil
	}
	contacts := make([]Contact, c.Count)
	for i := range contacts {
		who := c.invent(i)
		contacts[i] = Contact{
			Canary: true, ClientID: string(identity.TokenOf(identity.KindEmail, c.Sum("canary client", c.name(i)))),
			FirstName: who.first, LastName: who.last, Emails: []identity.Email{who.email(domain)},
		}
	}
	slices.SortFunc(contacts, func(a, b Contact) int { return strings.Compare(a.ClientID, b.ClientID) })
	return contacts
}

// Among puts the canaries among contacts that are ordered by client id, each where
// its id belongs. City, country and the further columns are those of the client
// before it, or of the first one, so that an empty cell does not give it away.
func (c Canaries) Among(contacts iter.Seq2[Contact, error]) iter.Seq2[Contact, error] {
	return func(yield func(Contact, error) bool) {
		waiting := c.Contacts()
		var beside Contact
		plant := func(before string) bool {
			for len(waiting) > 0 && (before == "" || waiting[0].ClientID < before) {
				canary := waiting[0]
				waiting = waiting[1:]
				canary.City, canary.Country, canary.Fields = beside.City, beside.Country, canary.fields(beside.Fields)
				if !yield(canary, nil) {
					return false
				}
			}
			return true
		}
		for contact, err := range contacts {
			if err != nil {
				yield(contact, err)
				return
			}
			if contact.Excluded == "" { // the others have no rows, so the order of rows is kept
				if beside.ClientID == "" {
					beside = contact
				}
				if !plant(contact.ClientID) {
					return
				}
				beside = contact
			}
			if !yield(contact, nil) {
				return
			}
		}
		plant("")
	}
}

// fields are a client's further columns, but for his name.
func (c *Contact) fields(of map[string]string) map[string]string {
	if of == nil {
		return nil
	}
	fields := make(map[string]string, len(of))
	for key, text := range of {
		if key == "name" {
			text = c.FirstName + " " + c.LastName
		}
		fields[key] = text
	}
	return fields
}

func (c Canaries) name(i int) string { return c.Download + "/" + strconv.Itoa(i) }

// domain is the catch-all domain as addresses have it; empty where it is none.
func (c Canaries) domain() string {
	email, ok := identity.ParseEmail("a@" + strings.TrimSpace(c.Domain))
	if !ok || c.Sum == nil {
		return ""
	}
	return email.Domain()
}

// invented is one person before he has an address.
type invented struct{ first, last, local string }

func (p invented) email(domain string) identity.Email { return identity.Email(p.local + "@" + domain) }

// invent makes the i-th person. The address is a first name and forty keyed bits:
// two of a million canaries are alike with one chance in a hundred at the most.
func (c Canaries) invent(i int) invented {
	sum := c.Sum("canary", c.name(i))
	code := codeOf(sum)
	pick := func(list []string, at int) string {
		return list[(int(sum[at])<<8|int(sum[at+1]))%len(list)]
	}
	who := invented{}
	if c.Language == "ru" {
		names, ending := russianWomen(), "а"
		if sum[16]&1 == 0 {
			names, ending = russianMen(), ""
		}
		first, latin, _ := strings.Cut(pick(names, 18), " ")
		who.first, who.last, who.local = first, pick(russianSurnames(), 20)+ending, latin+"."+code
		return who
	}
	who.first, who.last = pick(englishNames(), 18), pick(englishSurnames(), 20)
	who.local = strings.ToLower(who.first) + "." + code
	return who
}

// The names, a Russian one with its form in an address. Surnames are men's; women's
// have one letter more.
func russianWomen() []string {
	return strings.Split("Ольга olga,Анна anna,Елена elena,Мария maria,Наталья natalia,Ирина irina,Светлана svetlana,Татьяна tatiana,"+
		"Юлия julia,Екатерина ekaterina,Дарья daria,Марина marina,Людмила ludmila,Вера vera,Алина alina,Ксения ksenia", ",")
}

func russianMen() []string {
	return strings.Split("Алексей alexey,Сергей sergey,Андрей andrey,Дмитрий dmitry,Иван ivan,Михаил mikhail,Павел pavel,Максим maxim,"+
		"Николай nikolay,Артём artem,Кирилл kirill,Олег oleg,Роман roman,Егор egor,Денис denis,Виктор victor", ",")
}

func russianSurnames() []string {
	return strings.Split("Смирнов,Иванов,Кузнецов,Соколов,Попов,Лебедев,Козлов,Новиков,Морозов,Петров,Волков,Соловьёв,Васильев,Зайцев,Павлов,"+
		"Семёнов,Голубев,Виноградов,Богданов,Воробьёв,Фёдоров,Михайлов,Беляев,Тарасов,Белов,Комаров,Орлов,Киселёв,Макаров,Андреев,Ковалёв,Ильин", ",")
}

func englishNames() []string {
	return strings.Split("Anna,James,Emma,Oliver,Sophie,Daniel,Laura,Thomas,Julia,Martin,Helen,Peter,Alice,Robert,Emily,David,"+
		"Claire,Paul,Nina,Mark,Sarah,Simon,Kate,Alex,Rachel,George,Lucy,Henry,Grace,Adam,Irene,Victor", ",")
}

func englishSurnames() []string {
	return strings.Split("Smith,Jones,Taylor,Brown,Wilson,Evans,Walker,White,Roberts,Green,Hall,Wood,Harris,Clark,Cooper,Ward,"+
		"Turner,Carter,Morris,Baker,Parker,Young,Allen,King,Wright,Scott,Hill,Moore,Bell,Cook,Bailey,Reed", ",")
}

// CarriesCanaries reports whether the platform's files hold canaries: those for people
// that have e-mails.
func (p Platform) CarriesCanaries() bool {
	return p.Human && p.layout(&Request{}).email.read != nil
}

// canary makes the rows of a canary, where the files are such as may hold it.
func (e *encoder) canary(c *Contact) {
	l, out := &e.w.layout, e.out
	if !e.w.platform.Human || l.email.read == nil || e.w.req.Hashed || e.w.req.CanaryDomain == "" {
		return
	}
	given, valid := out.given, out.valid
	e.identify(c)
	out.given, out.valid = given, valid
	l.rows(&e.who, e.add)
	out.contacts = append(out.contacts, encodedContact{id: c.ClientID, canary: true, rows: len(out.rows)})
}

// plant takes a canary's row. Before the first row of a client it waits for that:
// a list without a client has no file.
func (f *planned) plant(line []byte) error {
	if f.rows == 0 {
		f.canaries = append(f.canaries, slices.Clone(line))
		return nil
	}
	return f.take(line)
}

// releaseCanaries takes the rows of canaries that waited for a client.
func (f *planned) releaseCanaries() error {
	waiting := f.canaries
	f.canaries = nil
	for _, line := range waiting {
		if err := f.take(line); err != nil {
			return err
		}
	}
	return nil
}

// canaryWarning says what of the files can be traced back to a download.
func (w *writer) canaryWarning() Text {
	switch {
	case w.layout.email.read == nil:
		return Text{
			"Контрольных адресов в списке телефонов нет: если он утечёт, источник не определить.",
			"A list of phones carries no canary addresses: if it leaks, it cannot be traced.",
		}
	case w.req.CanaryDomain == "":
		return Text{
			"В файле нет контрольных адресов: если он утечёт, источник не определить. Домен для них задаёт canaries.email_domain в настройках.",
			"The file carries no canary addresses: if it leaks, it cannot be traced. Their domain is canaries.email_domain in the configuration.",
		}
	}
	rows := 0
	for _, f := range w.files {
		rows += f.rows
	}
	n := w.canaries
	if n == 0 { // at night: the downloads will carry them
		n = CanaryCount(rows)
	}
	share := int(math.Round(100 * TraceableShare(n)))
	return Text{
		RU: "У каждой загрузки свои контрольные адреса, здесь их " + strconv.Itoa(n) + ": по утечке " + strconv.Itoa(share) + " % строк и больше видно, из какой загрузки они взяты.",
		EN: "Every download carries canary addresses of its own, this one " + strconv.Itoa(n) + ": a leak of " + strconv.Itoa(share) + "% of the rows or more can be traced to its download.",
	}
}
