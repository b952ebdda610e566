package identity_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/identity"
)

func TestAFieldMayHoldSeveralAddresses(t *testing.T) {
	two := []string{"anna@mail.ru", "boris@mail.ru"}
	for _, c := range []struct {
		name, raw    string
		emails, rest []string
	}{
		{"one", " Anna@Mail.ru ", two[:1], nil},
		{"comma", "anna@mail.ru, boris@mail.ru", two, nil},
		{"semicolon", "anna@mail.ru;boris@mail.ru;", two, nil},
		{"line end", "anna@mail.ru\r\nboris@mail.ru", two, nil},
		{"slash", "anna@mail.ru/boris@mail.ru", two, nil},
		{"blank", "anna@mail.ru boris@mail.ru", two, nil},
		{"or", "anna@mail.ru или boris@mail.ru", two, nil},
		{"a name before it", `"Анна Смирнова" <anna@mail.ru>`, two[:1], []string{"Анна Смирнова"}},
		{"two with names", `Анна <anna@mail.ru>, Борис <boris@mail.ru>`, two, []string{"Анна", "Борис"}},
		{"a remark", "anna@mail.ru (рабочая)", two[:1], []string{"(рабочая)"}},
		{"a phone beside it", "8 900 000-00-01 anna@mail.ru", two[:1], []string{"8 900 000-00-01"}},
		{"a label", "e-mail: anna@mail.ru", two[:1], nil},
		{"one that is none", "anna@mail.ru, boris@mail", two[:1], []string{"boris@mail"}},
		{"a blank inside of the name", "an na@mail.ru", nil, []string{"an na@mail.ru"}},
		{"a blank inside of the ending", "anna@mail.co m", nil, []string{"anna@mail.co m"}},
		{"a year beside it may be its part", "anna 1990@mail.ru", nil, []string{"anna 1990@mail.ru"}},
		{"digits beside it may be its part", "19 90@mail.ru", nil, []string{"19 90@mail.ru"}},
		{"none", "нет", nil, []string{"нет"}},
		{"nothing", " ", nil, nil},
		{"too long for a list", strings.Repeat("anna@mail.ru,", 200), nil, []string{strings.Repeat("anna@mail.ru,", 200)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			emails, rest := identity.ParseEmails(c.raw)
			var got []string
			for _, e := range emails {
				got = append(got, string(e))
			}
			if diff := cmp.Diff([2][]string{c.emails, c.rest}, [2][]string{got, rest}); diff != "" {
				t.Errorf("ParseEmails(%q) (-want +got):\n%s", c.raw, diff)
			}
		})
	}
}

func TestObviousTyposAreReported(t *testing.T) {
	for domain, want := range map[string]string{
		"gmial.com": "gmail.com", "gamil.com": "gmail.com", "gmai.com": "gmail.com", "gmaill.com": "gmail.com", "gmail.con": "gmail.com", "gmail.cm": "gmail.com",
		"gmail.co": "gmail.com", "gmail.ru": "gmail.com", "gmail.com.com": "gmail.com", "gmail.com.ru": "gmail.com", "gmial.con": "gmail.com",
		"yandex.ri": "yandex.ru", "yandex.ry": "yandex.ru", "yadnex.ru": "yandex.ru", "yandeks.ru": "yandex.ru", "yandex.r": "", "yandx.ru": "yandex.ru",
		"mail.ry": "mail.ru", "mail.ru.ru": "mail.ru", "mai.ru": "mail.ru", "maill.ru": "mail.ru", "www.mail.ru": "mail.ru", "mаil.ru": "mail.ru",
		"outlok.com": "outlook.com", "hotmial.com": "hotmail.com", "hotnail.com": "hotmail.com", "icloud.con": "icloud.com", "iclod.com": "icloud.com",
		"ramler.ru": "rambler.ru", "rabmler.ru": "rambler.ru", "inbox.ry": "inbox.ru", "imbox.ru": "inbox.ru", "shop.con": "shop.com", "atelier.ry": "atelier.ru",
	} {
		if want == "" { // one letter is no ending, so it is no address at all
			if _, ok := identity.ParseEmail("anna@" + domain); ok {
				t.Errorf("anna@%s is an address", domain)
			}
			continue
		}
		email, ok := identity.ParseEmail("anna@" + domain)
		if !ok {
			t.Fatalf("anna@%s is no address", domain)
		}
		got, typo := email.Typo()
		if !typo || string(got) != "anna@"+want {
			t.Errorf("Typo of anna@%s = %q, %t, want anna@%s", domain, string(got), typo, want)
		}
		if string(email) != "anna@"+domain && domain != "mаil.ru" {
			t.Errorf("anna@%s was changed to %q", domain, string(email))
		}
		if again, typo := got.Typo(); typo || again != got {
			t.Errorf("the suggestion %q is a typo of %q", string(got), string(again))
		}
	}
	mixed, _ := identity.ParseEmail("аnna@mail.ru") // a Cyrillic а
	if got, typo := mixed.Typo(); !typo || got != "anna@mail.ru" {
		t.Errorf("a Cyrillic letter in the name: %q, %t", string(got), typo)
	}
}

func TestAnotherProviderIsNoTypo(t *testing.T) {
	for domain := range strings.FieldsSeq(`gmail.com mail.ru yandex.ru ya.ru bk.ru list.ru inbox.ru rambler.ru icloud.com outlook.com hotmail.com yahoo.com
		mail.com email.com ymail.com yandex.com yandex.by yandex.kz yandex.uz inbox.lv googlemail.com gmx.de gmx.com me.com mac.com live.com live.ru msn.com
		aol.com ukr.net tut.by i.ua meta.ua proton.me yahoo.co.uk hotmail.co.uk outlook.de vk.com ok.ru mail.ua mil.ru nail.ru rail.ru cloud.com list.com
		konditer.ru atelier.com shop.co.uk example.org почта.рф müller.de co.ru bk.com a.bz index.ru landex.ru hotel.com outlet.com`) {
		email, ok := identity.ParseEmail("anna@" + domain)
		if !ok {
			t.Fatalf("anna@%s is no address", domain)
		}
		if got, typo := email.Typo(); typo {
			t.Errorf("anna@%s is taken for %q", domain, string(got))
		}
	}
	if _, typo := identity.Email("анна@почта.рф").Typo(); typo {
		t.Error("a Cyrillic address is no typo")
	}
}

// world reads numbers in E.164 alone; forms of people are the parser's own tests.
type world struct{}

func (world) Parse(raw, _ string) (identity.Phone, bool) {
	return identity.Phone(raw), strings.HasPrefix(raw, "+")
}

func (w world) ParseAll(raw, country string) ([]identity.PhoneNumber, []string) {
	if p, ok := w.Parse(raw, country); ok {
		return []identity.PhoneNumber{{Phone: p}}, nil
	}
	return nil, []string{raw}
}

func TestTheOwnersJunkIsAddedToTheBuiltIn(t *testing.T) {
	list := identity.NewJunkList([]string{"+74950001122", "unreadable"}, []string{" Office@Shop.ru", "@Spam.RU", "@", "unreadable"}, world{}, "RU")
	for p, want := range map[identity.Phone]bool{"+74950001122": true, "+79999999999": true, "+74950001123": false} {
		if list.Phone(p) != want {
			t.Errorf("junk %s = %t, want %t", string(p), !want, want)
		}
	}
	for e, want := range map[identity.Email]bool{
		"office@shop.ru": true, "anna@spam.ru": true, "test@mail.ru": true, "anna@shop.ru": false, "anna@notspam.ru": false, "anna@mail.spam.ru": false,
	} {
		if list.Email(e) != want {
			t.Errorf("junk %s = %t, want %t", string(e), !want, want)
		}
	}
	if none := (identity.JunkList{}); none.Phone("+74950001122") || none.Email("office@shop.ru") || !none.Phone("+79999999999") {
		t.Error("the zero list is not the built-in one")
	}
}
