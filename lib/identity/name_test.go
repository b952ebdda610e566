package identity_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/leadlake/leadlake/lib/identity"
)

func TestNamesAreSplitByWhatTheirWordsAre(t *testing.T) {
	for _, c := range []struct{ full, first, last, patronymic string }{
		{"Смирнова Анна Петровна", "Анна", "Смирнова", "Петровна"},
		{"Анна Петровна Смирнова", "Анна", "Смирнова", "Петровна"},
		{"Анна Смирнова", "Анна", "Смирнова", ""},
		{"СМИРНОВА АННА", "Анна", "Смирнова", ""},
		{"анна", "Анна", "", ""},
		{"смирнова", "", "Смирнова", ""},
		{"Анна Петровна", "Анна", "", "Петровна"},
		{"Петровна", "", "", "Петровна"},
		{"Семён Фёдоров", "Семён", "Фёдоров", ""},
		{"ФЁДОР", "Фёдор", "", ""},
		{"мария-луиза иванова-петрова", "Мария-Луиза", "Иванова-Петрова", ""},
		{"Смирнова А. П.", "", "Смирнова", ""},
		{"А.П. Смирнова", "", "Смирнова", ""},
		{"Рерих Н.К.", "", "Рерих", ""},
		{"Иванова Эвелина Петровна", "Эвелина", "Иванова", "Петровна"},
		{"Цзян Мэй Петровна", "Мэй", "Цзян", "Петровна"},
		{"Иоаким Петрович", "Иоаким", "", "Петрович"},
		{"Абрамович Роман", "Роман", "Абрамович", ""},
		{"Абрамович Роман Аркадьевич", "Роман", "Абрамович", "Аркадьевич"},
		{"Мамедов Али Гасан оглы", "Али", "Мамедов", "Гасан оглы"},
		{"Мамедова Лейла Гасан-кызы", "Лейла", "Мамедова", "Гасан-кызы"},
		{"Айгерим Нурланова", "Айгерим", "Нурланова", ""},
		{"Саркисян Ашот", "Ашот", "Саркисян", ""},
		{"Ким Роман", "Роман", "Ким", ""},
		{"ИП Смирнова Анна Петровна", "Анна", "Смирнова", "Петровна"},
		{"Марина Ильина", "Марина", "Ильина", ""},
		{"Саша", "Саша", "", ""},
		{"Smirnova Anna", "Anna", "Smirnova", ""},
		{"Anna Smirnova", "Anna", "Smirnova", ""},
		{"Smirnova Anna Petrovna", "Anna", "Smirnova", "Petrovna"},
		{"JOHN SMITH", "John", "Smith", ""},
		{"Mr. John Kowalski", "John", "Kowalski", ""},
		{"Kowalski, Anna", "Anna", "Kowalski", ""},
		{"Anna Maria von Trapp", "Anna Maria", "von Trapp", ""},
		{"LUDWIG VAN BEETHOVEN", "Ludwig", "van Beethoven", ""},
		{"Anna Maria Kowalska", "Anna Maria", "Kowalska", ""},
		{"Ronald McDonald", "Ronald", "McDonald", ""},
		{"shaun o'neil", "Shaun", "O'Neil", ""},
		// what cannot be told is not guessed
		{"Иванов Петров", "", "", ""},
		{"Анна Авито", "Анна", "", ""},
		{"Роман Тимур", "", "", ""},
		{"Хуан Цзян", "", "", ""},
		{"Zhang Wei", "", "", ""},
		{"ООО Анна", "", "", ""},
		{"Клиент 12", "", "", ""},
		{"anna@mail.ru", "", "", ""},
		{"", "", "", ""},
		{" - ", "", "", ""},
	} {
		got := identity.ParseName(c.full)
		if got.First != c.first || got.Last != c.last || got.Patronymic != c.patronymic {
			t.Errorf("ParseName(%q) = %q %q %q, want %q %q %q", c.full, got.First, got.Last, got.Patronymic, c.first, c.last, c.patronymic)
		}
	}
}

func TestAFullNameKeepsItsOrderAndLetters(t *testing.T) {
	for full, want := range map[string]string{
		"  СМИРНОВА \u00a0анна ": "Смирнова Анна", "Фе\u0308дор": "Фёдор", "McDonald Ronald": "McDonald Ronald", "клиент 12": "клиент 12",
		"Kowalski, Anna": "Kowalski, Anna", "Смирнова А.П.": "Смирнова А. П.", "Aнна": "Aнна", "d'artagnan": "D'Artagnan",
	} {
		if got := identity.ParseName(full).Full; got != want {
			t.Errorf("ParseName(%q).Full = %q, want %q", full, got, want)
		}
	}
}

func TestMixedAlphabetsAreReported(t *testing.T) {
	for text, want := range map[string]bool{
		"Aнна": true, "Смирновa": true, "Anпa": true, "Анна": false, "Anna": false, "VIP-клиент": false, "Анна Smith": false, "": false, "й": false,
	} {
		if got := identity.LookAlike(text); got != want {
			t.Errorf("LookAlike(%q) = %t, want %t", text, got, want)
		}
	}
}

func TestNameKeyOfOneNameIsOne(t *testing.T) {
	same := []string{"Фёдорова Анна-Мария", "анна мария федорова", "ФЁДОРОВА, АННА МАРИЯ", "Фе\u0308дорова  Анна (Мария)", "Федоровa Aннa Мария"}
	for _, text := range same {
		if got, want := identity.NameKey(text), "анна мария федорова"; got != want {
			t.Errorf("NameKey(%q) = %q, want %q", text, got, want)
		}
	}
	if identity.NameKey("Анна") == identity.NameKey("Инна") || identity.NameKey(" -12 ") != "" {
		t.Error("different names have one key, or no name has one")
	}
	words := strings.Fields("Ёлкин Анна Петровна Мария von Trapp")
	random := rand.New(rand.NewPCG(1, 2))
	want := identity.NameKey(strings.Join(words, " "))
	for range 100 {
		random.Shuffle(len(words), func(i, j int) { words[i], words[j] = words[j], words[i] })
		if got := identity.NameKey(strings.ToUpper(strings.Join(words, ", "))); got != want {
			t.Fatalf("NameKey depends on order or case: %q, want %q", got, want)
		}
	}
}

func TestPersonalValuesRedactThemselves(t *testing.T) {
	name := identity.ParseName("Смирнова Анна Петровна")
	birth := identity.BirthDate("1990-02-01")
	number := identity.PhoneNumber{Phone: "+79995551111", Extension: "4242"}
	for _, value := range []any{name, birth, number, &name, []identity.BirthDate{birth}, map[string]any{"a": number}} {
		data, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		text := string(data) + fmt.Sprintf("%v %+v %s %q %#v", value, value, value, value, value)
		for _, secret := range []string{"Анна", "Смирнова", "1990", "999555", "4242"} {
			if strings.Contains(text, secret) {
				t.Errorf("%T shows %q", value, secret)
			}
		}
	}
}

func FuzzParseName(f *testing.F) {
	for _, text := range []string{"Смирнова Анна Петровна", "Мамедов Али Гасан оглы", "Anna Maria von Trapp", "А.П. Смирнова", "Kowalski, Anna", "o'neil-мария", "Фе\u0308дор", " ϵ", "ſmith ı", "İи"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n := identity.ParseName(text)
		left := strings.Fields(identity.NameKey(text))
		for word := range strings.FieldsSeq(identity.NameKey(n.First + " " + n.Last + " " + n.Patronymic)) {
			at := slices.Index(left, word)
			if at < 0 {
				t.Fatalf("ParseName(%q) invents or repeats %q", text, word)
			}
			left = slices.Delete(left, at, at+1)
		}
		if identity.NameKey(n.Full) != identity.NameKey(text) && len(strings.Fields(n.Full)) >= len(strings.Fields(text)) {
			t.Errorf("ParseName(%q).Full = %q, another name", text, n.Full)
		}
		if key := identity.NameKey(text); identity.NameKey(key) != key {
			t.Errorf("NameKey(%q) = %q, and of that %q", text, key, identity.NameKey(key))
		}
	})
}
