package webhook

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/leadlake/leadlake/lib/event"
)

// passquareKind is the source kind "passquare": a loyalty programme that creates
// its customers here and wants an id for each at once (webhooks.md §13).
type passquareKind struct{}

func (passquareKind) headers() []string {
	return []string{"x-organization-id", "x-program-id", "x-wallet-id"}
}

func (passquareKind) fields() []string { return []string{"crm_key"} }

// prove takes the secret as crm_key of the body, as the password of Basic
// authentication or as user:password of it. A crm_key decides alone.
func (passquareKind) prove(d *Delivery, secret string) bool {
	if key := readContent(d).object().Get("crm_key"); key.Type != event.Null {
		return equalSecret(key.Text, secret)
	}
	if user, password := basicAuth(d.Header["authorization"]); password != "" {
		whole := equalSecret(user+":"+password, secret)
		return equalSecret(password, secret) || whole
	}
	return proveShared(d, secret)
}

// deliveryID is empty: none is known.
func (passquareKind) deliveryID(*intake) string { return "" }

// reply gives the customer's id: equal for equal customers of a source, and a
// hash, so that it says nothing about them.
func (passquareKind) reply(in *intake, _ *Decoded) Reply {
	c := opened(in.content().object().Get("customer"))
	if c.Type != event.Object {
		return replyRaw("{}")
	}
	basis := ""
	for _, path := range []string{"cardNumbers", "phone", "email", "cardTracks"} {
		if text := idAt(c, path); text != "" {
			basis = path + "\x00" + text
			if path == "phone" { // spellings of one number are one customer
				basis = path + "\x00" + passquarePhone(text)
			}
			break
		}
	}
	if basis == "" {
		basis = "content\x00" + string(in.d.Content())
	}
	sum := sha256.Sum256([]byte(in.d.Source.Name + "\x00" + strings.ToLower(basis)))
	return replyRaw(`{"customerId":"` + hex.EncodeToString(sum[:16]) + `"}`)
}

// passquarePhone is the digits of a number; the Russian trunk prefix is the
// country's.
func passquarePhone(text string) string {
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, text)
	switch {
	case len(digits) == 11 && digits[0] == '8' && !strings.HasPrefix(strings.TrimSpace(text), "+"):
		return "7" + digits[1:]
	default:
		return digits
	}
}

func (passquareKind) read(in *intake) reading {
	v, stop := in.body()
	if stop != nil {
		return *stop
	}
	method := textAt(v, "method")
	c := opened(v.Get("customer"))
	if c.Type != event.Object {
		if method != "" && !strings.EqualFold(method, "createCustomer") {
			return reading{ping: true} // a call that is about no customer's data
		}
		return strange("no customer")
	}
	ev := event.Event{Kind: event.Profile, Client: event.Client{
		FirstName: textAt(c, "name"), LastName: textAt(c, "surname"),
		Name: fullName(textAt(c, "name"), textAt(c, "middlename"), textAt(c, "surname")),
	}}
	setPhones(&ev.Client, textsAt(c, "phone"))
	setEmails(&ev.Client, textsAt(c, "email"))
	ev.Client.BirthDate = idAt(c, "birthday")
	cards := slices.DeleteFunc(textsAt(c, "cardNumbers"), func(card string) bool { return card == "0" })
	ev.Client.CardNo = first(cards)
	attribute(&ev, "more_cards", strings.Join(rest(cards), "; "))
	attribute(&ev, "card_tracks", strings.Join(textsAt(c, "cardTracks"), "; "))
	for _, name := range []string{"balance", "bonus", "discount", "promo", "referCustomerPhone"} {
		attribute(&ev, name, idAt(c, name))
	}
	for _, m := range opened(c.Get("extra")).Members {
		attribute(&ev, m.Key, strings.Join(texts(m.Value), "; "))
	}
	for _, name := range (passquareKind{}).headers() {
		attribute(&ev, strings.ReplaceAll(strings.TrimPrefix(name, "x-"), "-", "_"), strings.TrimSpace(in.d.Header[name]))
	}
	return in.reachable(v, ev)
}
