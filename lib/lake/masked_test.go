package lake_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/lake"
)

func TestWordsOfAnEventKeepNoContactValue(t *testing.T) {
	r := refinery(t, "")
	row := func(words string) []string {
		tags := []string{words}
		row, _, err := r.Refine(lake.Origin{Source: config.Source{Name: "crm"}, ReceivedAt: noon}, event.Event{
			ID: "1", Kind: event.OrderChange, Stage: words, Interests: tags, Tags: tags,
			Client: event.Client{LoyaltyLevel: words}, Contact: &event.Contact{Result: words},
			Order:    &event.Order{ID: "1", Items: []event.Item{{Name: words, Category: words}}},
			Consents: []event.Consent{{Purpose: "ads", TextVersion: words}},
		})
		if err != nil {
			t.Fatal(err)
		}
		if tags[0] != words {
			t.Errorf("the event itself was changed: %q became %q", words, tags[0])
		}
		return append(append(row.Interests, row.Tags...),
			row.Stage, row.LoyaltyLevel, row.Result, row.Items[0].Name, row.Items[0].Category, row.Consents[0].TextVersion)
	}
	for _, c := range []struct{ words, want string }{
		{"anna@mail.ru", "[withheld]"},
		{"Сертификат для Anna.S@Mail.ru, 3 000", "Сертификат для [withheld], 3 000"},
		{"позвонить 89995551111", "позвонить [withheld]"},
		{"8 (999) 555-11-11 после 18", "[withheld] после 18"},
		{"+375 29 123-45-67", "[withheld]"},
		{"тел.+7 999 555 11 11;жена", "тел.[withheld];жена"},
		{"чистка", "чистка"},
		{"1 + 1 @ кофе", "1 + 1 @ кофе"},
		{"договор 79101234567-2026/1", "договор [withheld]-2026/1"}, // reads as a number: rather one word too few
		{"Батарейка 4607012345678", "Батарейка 4607012345678"},
		{"штрихкод 8711000123456", "штрихкод 8711000123456"},
		{"артикул 1234567890", "артикул 1234567890"},
		{"2026-11-20 10:15", "2026-11-20 10:15"},
	} {
		want := []string{c.want, c.want, c.want, c.want, c.want, c.want, c.want, c.want}
		if diff := cmp.Diff(want, row(c.words)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", c.words, diff)
		}
	}
}
