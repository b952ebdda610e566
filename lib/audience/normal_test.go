package audience_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/leadlake/leadlake/lib/audience"
	"github.com/leadlake/leadlake/lib/identity/phone"
)

func TestNormaliseGivesEachPlatformItsOwnForm(t *testing.T) {
	for _, c := range []struct{ platform, field, country, value, want string }{
		{"google", "phone", "RU", "8 (999) 555-11-11", "+79995551111"},
		{"yandex", "phone", "RU", "8 (999) 555-11-11", "79995551111"},
		{"vk", "phone", "RU", "8 (999) 555-11-11", "79995551111"},
		{"csv", "phone", "RU", "8 (999) 555-11-11", "7 999 555-11-11"},
		{"vk", "phone", "RU", "9995551111", "79995551111"},
		{"vk", "phone", "KZ", "8 701 555 11 11", "77015551111"},
		{"vk", "phone", "BY", "8 029 123-45-67", "375291234567"},
		{"google", "phone", "GB", "020 7183 8750", "+442071838750"},
		{"google", "phone", "DE", "030 1234567", "+49301234567"},
		{"google", "phone", "US", "(212) 555-0123", "+12125550123"},
		// The trunk 8 is Russian and Kazakh: nowhere else is it turned into 7.
		{"google", "phone", "US", "+7 999 555-11-11", "+79995551111"},
		{"google", "phone", "", "79995551111", "+79995551111"},
		{"google", "email", "", "J.Doe+news@Gmail.com", "jdoe@gmail.com"},
		{"yandex", "email", "", " J.Doe+news@Gmail.com ", "j.doe+news@gmail.com"},
		{"vk", "email", "", "J.Doe+news@Gmail.com", "j.doe+news@gmail.com"},
		{"google", "email", "", "j doe@ya.ru", "jdoe@ya.ru"},
		{"google", "first_name", "", "Анна Мария", "аннамария"},
		{"google", "first_name", "", "Jean-Luc", "jean-luc"},
		{"google", "first_name", "", "zoe\u0308", "zo\u00eb"},
		{"google", "last_name", "", "Ёлкина-Петрова", "ёлкинапетрова"},
		{"google", "last_name", "", "King III", "king"},
		{"google", "last_name", "", "Jr", "jr"},
		{"google", "zip", "", "wc2h  8lg", "WC2H 8LG"},
		{"vk", "vk_id", "", " 138232696 ", "138232696"},
		{"vk", "idfa", "", "317f5b7e-e95f-4831-9f60-ec371146cad3", "317F5B7E-E95F-4831-9F60-EC371146CAD3"},
		{"yandex", "mac", "", "ae:12:34:56:d0:a1", "AE123456D0A1"},
	} {
		n := audience.Normaliser{Phones: phone.Parser{}, Country: c.country}
		got, err := n.Normalise(c.platform, c.field, c.value)
		if err != nil || got.Text != c.want {
			t.Errorf("Normalise(%s, %s, %q) for %q = %q, %v, want %q", c.platform, c.field, c.value, c.country, got.Text, err, c.want)
		}
	}
}

func TestNormaliseRefusesWithAReason(t *testing.T) {
	hash := strings.Repeat("0a", 32)
	for _, c := range []struct {
		platform, field, country, value string
		want                            audience.Reason
	}{
		{"google", "phone", "RU", "", audience.ReasonEmpty},
		{"google", "phone", "RU", "  ", audience.ReasonEmpty},
		{"google", "phone", "RU", "позвоните мне", audience.ReasonInvalidPhone},
		{"google", "phone", "RU", "+0000000000", audience.ReasonInvalidPhone},
		// Russian or Vietnamese, and Russian or anything: refused, not guessed.
		{"vk", "phone", "", "8 495 123-45-67", audience.ReasonInvalidPhone},
		{"vk", "phone", "", "9995551111", audience.ReasonInvalidPhone},
		{"google", "phone", "US", "8 (999) 555-11-11", audience.ReasonInvalidPhone},
		{"google", "email", "", "", audience.ReasonEmpty},
		{"google", "email", "", "+news@gmail.com", audience.ReasonInvalidEmail},
		{"google", "email", "", "anna@", audience.ReasonInvalidEmail},
		{"yandex", "email", "", "анна@почта.рф", audience.ReasonEmailNotLatin},
		{"vk", "email", "", "anna@почта.рф", audience.ReasonEmailNotLatin},
		{"google", "last_name", "", " - ", audience.ReasonEmpty},
		{"google", "country", "", "Россия", audience.ReasonInvalidValue},
		{"google", "zip", "", "=1+1", audience.ReasonInvalidValue},
		{"vk", "vk_id", "", "durov", audience.ReasonInvalidValue},
		{"vk", "vk_id", "", "id1", audience.ReasonInvalidValue},
		{"vk", "gaid", "", "00000000-0000-0000-0000-000000000000", audience.ReasonInvalidValue},
		{"vk", "gaid", "", "38400000-8cf0-11bd-b23e-10b96e40000", audience.ReasonInvalidValue},
		{"yandex", "mac", "", "00:00:00:00:00:00", audience.ReasonInvalidValue},
		{"yandex", "external_id", "", "anna@mail.ru", audience.ReasonInvalidValue},
		{"google", "email", "", hash, audience.ReasonAlreadyHashed},
		{"google", "first_name", "", strings.ToUpper(hash), audience.ReasonAlreadyHashed},
		{"vk", "phone", "RU", hash[:32], audience.ReasonAlreadyHashed},
	} {
		n := audience.Normaliser{Phones: phone.Parser{}, Country: c.country}
		got, err := n.Normalise(c.platform, c.field, c.value)
		refusal, ok := errors.AsType[*audience.Refusal](err)
		if !ok || refusal.Reason != c.want || !errors.Is(err, audience.ErrRefused) {
			t.Errorf("Normalise(%s, %s, %q) = %v, %v, want refused: %s", c.platform, c.field, c.value, got, err, c.want)
			continue
		}
		if text := err.Error(); len(c.value) > 4 && strings.Contains(text, c.value) {
			t.Errorf("the error repeats the value: %s", text)
		}
	}
	if _, err := (audience.Normaliser{}).Normalise("fax", "phone", "+79995551111"); !errors.Is(err, audience.ErrUnknownPlatform) {
		t.Errorf("unknown platform gives %v", err)
	}
	if _, err := (audience.Normaliser{}).Normalise("vk", "shoe_size", "42"); !errors.Is(err, audience.ErrUnknownField) {
		t.Errorf("unknown field gives %v", err)
	}
}

func TestHashVectorsOfThePlatforms(t *testing.T) {
	for _, c := range []struct{ platform, field, value, want string }{
		{"yandex", "phone", "+79995551111", "22846ab8f79870871eb44f653419a4a5069301827d8ae75b6c2a88e4989a364e"},
		{"yandex", "mac", "AE123456D0A1", "C5C32C30C07ABBB7580A0925D995FEE4"},
		{"yandex", "external_id", "C-77", ""},
		{"vk", "phone", "+79995551111", "f09f2c3d48f31e2a802944ade2e5aec5"},
		{"vk", "email", "mail@yandex.ru", "3c56ff8fef0f6c65b36b2d25720fe276"},
		{"vk", "vk_id", "138232696", ""},
		{"google", "phone", "+551199999911", "d8d1da09dd3584315610e314b781d0b964a260e6311879930aa2ff678a897753"},
		{"google", "first_name", "John ", "96d9632f363564cc3032521409cf22a852f2032eec099ed5967c0d000cec607a"},
		{"google", "country", "us", ""},
		{"google", "zip", "1229-076", ""},
		{"csv", "phone", "+79995551111", ""},
	} {
		got, err := (audience.Normaliser{}).Normalise(c.platform, c.field, c.value)
		if err != nil || got.Hash != c.want {
			t.Errorf("Normalise(%s, %s) hash = %q, %v, want %q", c.platform, c.field, got.Hash, err, c.want)
		}
	}
}

func TestEveryPlatformExplainsItself(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range audience.Platforms() {
		if seen[p.Key] || p.Title.RU == "" || p.Title.EN == "" {
			t.Errorf("platform %q has a taken key or lacks a title", p.Key)
		}
		seen[p.Key] = true
		if _, ok := audience.Lookup(p.Key); !ok {
			t.Errorf("Lookup(%q) finds nothing", p.Key)
		}
		for _, f := range p.Fields {
			if f.Form.RU == "" || f.Form.EN == "" {
				t.Errorf("%s, field %s has no normal form in words", p.Key, f.Key)
			}
			if f.Hash != "" && f.Hash != p.Hash {
				t.Errorf("%s, field %s is hashed by %s, the file by %s", p.Key, f.Key, f.Hash, p.Hash)
			}
		}
	}
	for _, r := range []audience.Reason{
		audience.ReasonNoConsent, audience.ReasonWithdrawn, audience.ReasonUnsubscribed, audience.ReasonErased, audience.ReasonHoldout, audience.ReasonContactBudget,
		audience.ReasonSensitive, audience.ReasonNoIdentifier, audience.ReasonEmpty, audience.ReasonAlreadyHashed, audience.ReasonInvalidPhone, audience.ReasonInvalidEmail,
		audience.ReasonEmailNotLatin, audience.ReasonInvalidValue, audience.ReasonDuplicate, audience.ReasonFileNotWritten, audience.ReasonExcluded, audience.ReasonPriority,
	} {
		if text := r.Explain(); text.RU == string(r) || text.EN == string(r) || !strings.HasSuffix(text.RU, ".") || !strings.HasSuffix(text.EN, ".") {
			t.Errorf("reason %s has no sentence in both languages", r)
		}
	}
}

func FuzzNormalise(f *testing.F) {
	for _, seed := range []string{"8 (999) 555-11-11", "a.b+c@gmail.com", "=1+1", "Ёлкина-Петрова", "\x00", "09000000000", strings.Repeat("0a", 32)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		n := audience.Normaliser{Phones: phone.Parser{}, Country: "RU"}
		for _, p := range audience.Platforms() {
			for _, field := range p.Fields {
				got, err := n.Normalise(p.Key, field.Key, value)
				if err != nil {
					if !errors.Is(err, audience.ErrRefused) {
						t.Fatalf("%s %s: %v", p.Key, field.Key, err)
					}
					continue
				}
				if got.Text == "" || strings.ContainsAny(got.Text, "\r\n\x00") {
					t.Fatalf("%s %s: normal form %q", p.Key, field.Key, got.Text)
				}
				// A normal form is its own normal form.
				if p.Human || got.Hash == got.Text || field.Key == "birth_date" { // 02/01 has no year
					continue
				}
				plain := got.Text
				if field.Key == "phone" {
					plain = "+" + strings.TrimPrefix(plain, "+")
				}
				again, err := n.Normalise(p.Key, field.Key, plain)
				if err != nil || again != got {
					t.Fatalf("%s %s: %q is not stable: %q, %v", p.Key, field.Key, got.Text, again.Text, err)
				}
			}
		}
	})
}
