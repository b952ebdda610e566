package lake_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/identity"
	"github.com/leadlake/leadlake/lib/identity/phone"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/schema"
)

func refinery(t *testing.T, more string) lake.Refinery {
	t.Helper()
	cfg, err := config.Parse([]byte("business: {currency: RUB, timezone: Europe/Moscow, country: RU}\n" + more))
	if err != nil {
		t.Fatal(err)
	}
	return lake.Refiner{Key: key(), Phones: phone.Parser{}}.Under(cfg)
}

// refined is the contact row of a client of whom something was received at noon.
func refined(t *testing.T, r lake.Refinery, c event.Client) schema.ContactRow {
	t.Helper()
	row, contact, err := r.Refine(lake.Origin{Source: config.Source{Name: "forms"}, ReceivedAt: noon}, event.Event{ID: "1", Kind: event.Lead, Client: c})
	if err != nil || contact == nil {
		t.Fatalf("contact %v, %v", contact != nil, err)
	}
	if diff := cmp.Diff(contact.Tokens, row.Tokens, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("tokens of the two rows:\n%s", diff)
	}
	return *contact
}

func attribute(row schema.ContactRow, key string) string {
	for _, p := range row.Attributes.Pairs {
		if p.Key == key {
			return p.Value
		}
	}
	return ""
}

func TestFieldsOfContactsAreReadAsWhatTheyHold(t *testing.T) {
	r := refinery(t, "")
	for _, c := range []struct {
		name                     string
		client                   event.Client
		phones, emails           []string
		badPhones, badEmails     []string
		extension, about, mailed string
	}{
		{
			name:   "several numbers, extension, whose it is",
			client: event.Client{Phone: "+7 999 111-22-33, 8 (495) 123-45-67 доб. 12 муж"},
			phones: []string{"+79991112233", "+74951234567"}, extension: "+74951234567 ext. 12", about: "муж",
		},
		{name: "the extension of the only number", client: event.Client{Phone: "84951234567 доб. 12"}, phones: []string{"+74951234567"}, extension: "12"},
		{
			name:   "swapped fields",
			client: event.Client{Phone: "Anna@Mail.ru", Email: "8 999 111-22-33"}, phones: []string{"+79991112233"}, emails: []string{"anna@mail.ru"},
		},
		{
			name: "both in each field", client: event.Client{Phone: "89991112233 anna@mail.ru", Email: "anna@mail.ru, 8 999 111 22 33"},
			phones: []string{"+79991112233"}, emails: []string{"anna@mail.ru"},
		},
		{
			name:   "what cannot be read stays",
			client: event.Client{Phone: "8029", Phones: []string{"89991112233, 8916123456", "@anna"}, Email: "anna@mail", Emails: []string{"anna@mail.ru (дом)"}},
			phones: []string{"+79991112233"}, emails: []string{"anna@mail.ru"}, badPhones: []string{"8029", "8916123456", "@anna"}, badEmails: []string{"anna@mail"},
			mailed: "(дом)",
		},
		{
			name: "junk gives no token", client: event.Client{Phone: "8 999 999 99 99, 89991112233", Email: "test@mail.ru"},
			phones: []string{"+79991112233"}, badPhones: []string{"+79999999999"}, badEmails: []string{"test@mail.ru"},
		},
		{
			name: "the client's own country", client: event.Client{Phone: "8 029 123-45-67", Country: "by"}, phones: []string{"+375291234567"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			row := refined(t, r, c.client)
			want := [][]string{c.phones, c.emails, c.badPhones, c.badEmails, {c.extension, c.about, c.mailed}}
			got := [][]string{
				row.Phones, row.Emails, row.BadPhones, row.BadEmails,
				{attribute(row, "phone_extension"), attribute(row, "phone_note"), attribute(row, "email_note")},
			}
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			var tokens []string
			for _, p := range c.phones {
				tokens = append(tokens, string(key().Phone(identity.Phone(p))))
			}
			for _, e := range c.emails {
				tokens = append(tokens, string(key().Email(identity.Email(e))))
			}
			if diff := cmp.Diff(tokens, row.Tokens); diff != "" {
				t.Errorf("tokens (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheOwnersJunkLinksNothing(t *testing.T) {
	r := refinery(t, `identity: {junk: {phones: ["8 (495) 000-11-22"], emails: ["Office@shop.ru", "@spam.ru"]}}`)
	row := refined(t, r, event.Client{Phones: []string{"+7 495 000 11 22", "89991112233"}, Emails: []string{"office@shop.ru", "a@spam.ru", "anna@shop.ru"}})
	want := [][]string{{"+79991112233"}, {"anna@shop.ru"}, {"+74950001122"}, {"office@shop.ru", "a@spam.ru"}}
	if diff := cmp.Diff(want, [][]string{row.Phones, row.Emails, row.BadPhones, row.BadEmails}); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if len(row.Tokens) != 2 {
		t.Errorf("%d tokens, want 2", len(row.Tokens))
	}
}

func TestABirthdayIsReadOrKeptAsWritten(t *testing.T) {
	r := refinery(t, "")
	for raw, want := range map[string][2]string{
		"01.02.1990": {"1990-02-01", ""}, "1 февраля": {"--02-01", ""}, "29.02.1990": {"", "29.02.1990"}, "02/01/1990": {"", "02/01/1990"}, "1970-01-01": {"", "1970-01-01"},
		noon.AddDate(0, 0, 1).Format(time.DateOnly): {"", noon.AddDate(0, 0, 1).Format(time.DateOnly)},
		noon.Format(time.DateOnly):                  {noon.Format(time.DateOnly), ""},
	} {
		row := refined(t, r, event.Client{BirthDate: raw})
		if row.BirthDate != want[0] || row.BadBirth != want[1] {
			t.Errorf("birth date %q: %q, %q, want %q", raw, row.BirthDate, row.BadBirth, want)
		}
	}
}

func TestReferencesStandBehindEveryOtherToken(t *testing.T) {
	row := refined(t, refinery(t, ""), event.Client{Phone: "89991112233", Email: "anna@mail.ru", CardNo: "77", References: []string{"amocrm_lead:10"}})
	var kinds strings.Builder
	for _, token := range row.Tokens {
		kinds.WriteByte(identity.Token(token).Kind())
	}
	if kinds.String() != "cper" {
		t.Errorf("kinds of tokens %s, want cper", kinds.String())
	}
}

func TestNormaliseShowsWhatRefineMakes(t *testing.T) {
	r := refinery(t, "")
	client := event.Client{Phone: "anna@mail.ru", Email: "8 495 123-45-67 доб. 12", Emails: []string{"anna@mail"}, BirthDate: "1 февраля 1990", Attributes: map[string]string{"pet": "dog"}}
	got := r.Normalise(event.Event{Kind: event.Lead, At: noon, Client: client}).Client
	want := event.Client{
		Phone: "+74951234567", Phones: []string{"+74951234567"}, Email: "anna@mail.ru", Emails: []string{"anna@mail.ru", "anna@mail"}, BirthDate: "1990-02-01",
		Attributes: map[string]string{"pet": "dog", "phone_extension": "12"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if len(client.Attributes) != 1 {
		t.Error("Normalise changed the caller's event")
	}
}
