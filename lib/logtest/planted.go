package logtest

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// people are the values of the people whom the suite knows: testdata/shop, the
// demo's shop, the worlds of the pipeline's tests and the samples of the webhooks.
// E-mails and telephone numbers need no list, as their form gives them away; what
// stands here has none. Letter case and ё do not count; a value counts as a whole
// word only, so that Лев is not found in левый. Values are of three letters and
// more, and none is a word that the programs use themselves.
var people = []string{
	// Names.
	"Смирнов", "Смирнова", "Смирновой", "Тестов", "Тестова", "Проверкин", "Проверкина", "Ёлкин", "Ёлкина", "Иванов", "Иванова", "Ивановна",
	"Кузнецов", "Кузнецова", "Соколов", "Соколова", "Попов", "Попова", "Лебедев", "Лебедева", "Козлов", "Козлова", "Новиков", "Новикова",
	"Морозов", "Морозова", "Петров", "Петрова", "Волков", "Волкова", "Соловьёв", "Соловьёва", "Васильев", "Васильева",
	"Анна", "Анне", "Анны", "Аня", "Иван", "Пётр", "Ольга", "Борис", "Егор", "Жанна", "Игорь", "Вера", "Глеб", "Дина", "Кира", "Лев", "Олег", "Ирина",
	"Мария", "Елена", "Наталья", "Екатерина", "Татьяна", "Светлана", "Юлия", "Дарья", "Полина", "Ксения", "Алиса", "Зоя", "Александр", "Дмитрий",
	"Максим", "Сергей", "Андрей", "Алексей", "Артём", "Илья", "Кирилл", "Михаил", "Никита", "Роман", "Павел", "Фёдор", "Кто-то",
	"Smirnova", "Ivan Testov", "Kaylah Mills", "Planted Person", "Anna Petrova", "John Doe", "Jane Doe", "Joanna Doe",
	// Where they live.
	"Мясницкая", "Мясницкой", "Подъезд 3", "1-я Тверская",
	// When they were born.
	"1990-02-01", "1990-02-28", "1990-02-29", "1990-01-02", "2020-05-03", "01.02.1990", "--02-01",
	// What they typed for a number or an address that is none.
	"0000000000", "test@test.ru", "anna@mail", "na@b",
	// What they said.
	"позвоните мне", "перезвоните", "подъезд со двора",
	// Where they called from: httptest's visitor, and those of the documentation's networks.
	"192.0.2.1", "198.51.100.7", "203.0.113.7", "203.0.113.9", "203.0.113.77",
}

var folded = func() []string {
	all := make([]string, len(people))
	for i, value := range people {
		all[i] = fold(value)
	}
	return all
}()

// fold is the form in which values are compared.
func fold(s string) string { return strings.ReplaceAll(strings.ToLower(s), "ё", "е") }

// planted finds the values of the suite's people.
func planted(s string) []string {
	s = fold(s)
	plain := ascii(s)
	var found []string
	for i, value := range folded {
		if plain && value[0] >= utf8.RuneSelf { // most values, most lines
			continue
		}
		for rest := s; ; {
			at := strings.Index(rest, value)
			if at < 0 {
				break
			}
			before, _ := utf8.DecodeLastRuneInString(rest[:at])
			after, _ := utf8.DecodeRuneInString(rest[at+len(value):])
			if !letter(before) && !letter(after) {
				found = append(found, people[i])
				break
			}
			rest = rest[at+len(value):]
		}
	}
	return found
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func letter(r rune) bool { return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r)) }
