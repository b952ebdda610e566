package identity_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/leadlake/leadlake/lib/logtest"

	"github.com/leadlake/leadlake/lib/identity"
)

func TestEmailsHaveOneNormalForm(t *testing.T) {
	for _, tc := range []struct{ name, raw, want string }{
		{"case does not count", "Anna.K@Mail.RU", "anna.k@mail.ru"},
		{"blanks and separators around it go", " \t<anna@mail.ru>; ", "anna@mail.ru"},
		{"no-break and zero-width blanks around it go", "\u00a0\u200banna@mail.ru\ufeff", "anna@mail.ru"},
		{"mailto goes", "MAILTO:anna@mail.ru", "anna@mail.ru"},
		{"plus and dots stay", "a.n.n.a+shop@gmail.com", "a.n.n.a+shop@gmail.com"},
		{"a Cyrillic address stays Cyrillic", "Анна@Почта.РФ", "анна@почта.рф"},
		{"punycode becomes Unicode", "anna@xn--80a1acny.xn--p1ai", "anna@почта.рф"},
		{"capital punycode too", "anna@XN--80A1ACNY.xn--P1AI", "anna@почта.рф"},
		{"German umlauts in the domain", "a@müller.de", "a@müller.de"},
		{"an apostrophe is a letter of names", "o'neil@mail.ru", "o'neil@mail.ru"},
		{"digits and dashes", "77-7@shop-1.co.uk", "77-7@shop-1.co.uk"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, ok := identity.ParseEmail(tc.raw)
			if !ok || string(got) != tc.want {
				t.Errorf("ParseEmail(%q) = %q, %t, want %q", tc.raw, string(got), ok, tc.want)
			}
		})
	}
}

func TestWhatIsNoAddressIsRefused(t *testing.T) {
	for _, raw := range []string{
		"", "@", "a@b", "anna", "anna@", "@mail.ru", "anna@mail", "anna@mail.r", "anna@@mail.ru", "anna@mail@ru.ru", "an na@mail.ru", "anna@ma il.ru",
		".anna@mail.ru", "anna.@mail.ru", "an..na@mail.ru", "anna@.ru", "anna@mail..ru", "anna@mail.ru.", "anna@-mail.ru", "anna@mail-.ru",
		`"anna"@mail.ru`, "anna(at)@mail.ru", "anna@mail,ru", "anna,boris@mail.ru", "anna@192.168.10.10", "anna@[10.0.0.1]", "an\u200bna@mail.ru", "an\x00na@mail.ru",
		"anna\u202e@mail.ru", "anna@mail_shop.ru", "\xff\xfe@mail.ru", "anna@xn--a.ru", strings.Repeat("a", 65) + "@mail.ru", "a@" + strings.Repeat("b", 64) + ".ru",
		"a@" + strings.Repeat("b.", 130) + "ru", "нет", "-",
	} {
		if got, ok := identity.ParseEmail(raw); ok {
			t.Errorf("ParseEmail(%q) = %q, want it refused", raw, string(got))
		}
	}
}

func TestEmailJunk(t *testing.T) {
	for raw, want := range map[string]bool{
		"test@mail.ru": true, "noemail@shop.ru": true, "qwerty@gmail.com": true, "aaa@aaa.aaa": true, "ааа@mail.ru": true, "mail@mail.ru": true,
		"email@gmail.com": true, "anna@test.test": true, "no@no.ru": true, "нет@mail.ru": true, "111@mail.ru": true, "noreply@shop.ru": true,
		"anna@mail.ru": false, "mail@konditer.ru": false, "email@atelier.com": false, "aa@mail.ru": false, "tester@mail.ru": false,
		"a.test@mail.ru": false, "netta@mail.ru": false, "user1987@mail.ru": false, "анна@почта.рф": false,
	} {
		email, ok := identity.ParseEmail(raw)
		if !ok {
			t.Fatalf("ParseEmail(%q) refused it", raw)
		}
		if email.Junk() != want {
			t.Errorf("Junk(%q) = %t, want %t", raw, !want, want)
		}
	}
}

func TestPhoneJunk(t *testing.T) {
	for number, want := range map[identity.Phone]bool{
		"+79999999999": true, "+77777777777": true, "+79000000000": true, "+71234567890": true, "+70123456789": true, "+79876543210": true, "+74950000000": true,
		"+375000000000": true, "+12345": true, "": true, "+11111111111": true,
		"+79995551111": false, "+79161234567": false, "+79012345678": false, "+79888888888": false, "+79777777777": false, "+74957777777": false,
		"+78002000600": false, "+442071838750": false, "+375291111111": false, "+6834123": false, "+79123456789": false, "+79001000000": false,
	} {
		if number.Junk() != want {
			t.Errorf("Junk(%s) = %t, want %t", string(number), !want, want)
		}
	}
}

// Of numbers that may be somebody's, only the few shapes above are junk: none in
// a million drawn at random.
func TestARealNumberIsNotJunk(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 1_000_000 {
		number := identity.Phone(fmt.Sprintf("+79%09d", random.IntN(999_000_000)+1_000_000))
		if number.Junk() {
			if digits := string(number)[2:]; digits == "876543210" || strings.HasSuffix(digits, "0000000") || strings.Trim(digits, "9") == "" {
				continue // the shapes themselves
			}
			t.Fatalf("%s is junk", string(number))
		}
	}
}

func key() identity.Key { return identity.NewKey([]byte("0123456789abcdef0123456789abcdef")) }

// The answers were computed apart from this package, with Python's hmac and
// base64: HMAC-SHA256 of "phone:+79995551111" and so on, 16 bytes, base32 in
// Crockford's alphabet.
func TestTokensAreThoseOfTheLakeForEver(t *testing.T) {
	k := key()
	for _, tc := range []struct {
		name      string
		got, want identity.Token
		kind      byte
	}{
		{"phone", k.Phone("+79995551111"), "py7s8qjyneh5kxqg8d2r9ky9gv4", 'p'},
		{"e-mail", k.Email("anna@почта.рф"), "efz2n8wmdc1m0m0n124mqajt1qr", 'e'},
		{"card", k.Card("12 34-AB"), "c2ypr933j51hs804a9bd714fqcg", 'c'},
		{"external id", k.External("main", " C-77 "), "xtpgfpg0b9s1v8xd6k2q8741674", 'x'},
		{"known answer", k.KnownAnswer(), "cms4re4vp2jk7cv0ad2a0e1pczw", 'c'},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.got != tc.want {
				t.Errorf("token = %s, want %s", tc.got, tc.want)
			}
			if !tc.got.Valid() || tc.got.Kind() != tc.kind {
				t.Errorf("Valid %t, Kind %c, want true, %c", tc.got.Valid(), tc.got.Kind(), tc.kind)
			}
		})
	}
}

func TestTokensDependOnKeyKindShopAndValue(t *testing.T) {
	k, other := key(), identity.NewKey([]byte("another secret of 16 bytes"))
	tokens := []identity.Token{
		k.Phone("+79995551111"), k.Phone("+79995551112"), other.Phone("+79995551111"), k.Email("a@b.ru"), k.Card("77"), k.External("main", "77"),
		k.External("other", "77"), k.KnownAnswer(), other.KnownAnswer(),
	}
	seen := map[identity.Token]bool{}
	for i, token := range tokens {
		if seen[token] {
			t.Errorf("token %d stands for two values", i)
		}
		seen[token] = true
	}
	if k.Sum("holdout", "a") == k.Sum("export", "a") || k.Sum("ab", "c") == k.Sum("a", "bc") || k.Sum("a", "b") != key().Sum("a", "b") {
		t.Error("Sum does not keep purposes apart")
	}
}

func TestPlaceholdersHaveNoToken(t *testing.T) {
	k := key()
	for name, token := range map[string]identity.Token{
		"no card": k.Card(""), "blank card": k.Card(" - "), "card 0": k.Card("0"), "card of zeros": k.Card("0000 0000"),
		"no id": k.External("s", "  "), "id 0": k.External("s", "0"),
	} {
		if token != "" || token.Kind() != 0 || token.Valid() {
			t.Errorf("%s has the token %q", name, token)
		}
	}
	if k.Card("12 34-AB") != k.Card("1234ab") {
		t.Error("blanks, dashes and case of a card count")
	}
	if k.External("s", " C-77 ") != k.External("s", "C-77") || k.External("s", "c-77") == k.External("s", "C-77") {
		t.Error("external ids: blanks around must not count, case must")
	}
}

func TestOnlyTheFormOfAKeyIsValid(t *testing.T) {
	good := string(key().Phone("+79995551111"))
	for _, bad := range []string{"", good[:26], good + "0", "z" + good[1:], "p" + strings.Repeat("u", 26), "P" + good[1:], strings.ToUpper(good), good[:26] + "я"} {
		if identity.Token(bad).Valid() {
			t.Errorf("Valid(%q) = true", bad)
		}
	}
}

func TestAShortSecretIsOurOwnFault(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a secret of 15 bytes made a key")
		}
	}()
	identity.NewKey(make([]byte, 15))
}

// Whatever a careless caller does, neither a value nor the secret gets out.
func TestValuesRedactThemselves(t *testing.T) {
	phone, email, secret := identity.Phone("+79995551111"), identity.Email("anna@mail.ru"), identity.NewKey([]byte("a secret of more than 16 bytes"))
	holder := struct {
		Phone  identity.Phone
		Emails []identity.Email
		Map    map[identity.Phone]identity.Email `json:"-"` // encoding/json asks no map key of kind string
		Key    identity.Key
	}{phone, []identity.Email{email}, map[identity.Phone]identity.Email{phone: email}, secret}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+" "+verb+" "+verb+" "+verb+" "+verb+"\n", phone, email, secret, holder, &holder)
	}
	out.WriteString(phone.String() + email.String())
	log := logtest.To(t, &out)
	log.Info("seen", "phone", phone, "email", email, "key", secret, "holder", holder, slog.Group("g", "list", []identity.Phone{phone}))
	slog.New(slog.NewTextHandler(&out, nil)).Info("seen", "phone", phone, "email", email, "key", secret, "holder", holder)
	body, err := json.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(body)
	fmt.Fprintln(&out, fmt.Errorf("read %v: %w", phone, fmt.Errorf("of %s", email)))
	for _, leak := range []string{"9995551111", "anna", "mail.ru", "a secret", "97 32 115 101", "6120736563", "0x61, 0x20", "2b3739"} {
		if strings.Contains(out.String(), leak) {
			t.Errorf("%q got out:\n%s", leak, out.String())
		}
	}
	if !strings.Contains(out.String(), "[phone]") || !strings.Contains(out.String(), "[email]") {
		t.Error("nothing was written at all")
	}
}

func FuzzParseEmail(f *testing.F) {
	for _, seed := range []string{"Anna@Mail.ru", "mailto:a@b.ru", "<a@xn--80a1acny.xn--p1ai>", "a@ß.de", "İ@mail.ru", "a@ⅷ.com", "a@b\u3002ru", "mailto:mailto:a@b.ru", "\u212a@kelvin.ru", "a@\u202eb.ru"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		email, ok := identity.ParseEmail(raw)
		if !ok {
			return
		}
		again, ok := identity.ParseEmail(string(email))
		if !ok || again != email {
			t.Errorf("ParseEmail(%q) = %q, and that read again %q, %t", raw, string(email), string(again), ok)
		}
		local, domain, found := strings.Cut(string(email), "@")
		if !found || local == "" || !strings.Contains(domain, ".") || strings.ContainsAny(string(email), " \t\r\n\x00\"<>") {
			t.Errorf("ParseEmail(%q) = %q, which is no address", raw, string(email))
		}
		_ = email.Junk()
	})
}
