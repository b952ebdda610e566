package card_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/card"
	"github.com/leadlake/leadlake/lib/schema"
)

// visit is a lead of p1 at ten of a day.
func visit(id string, day int, from schema.CardEventRow) schema.CardEventRow {
	from.EventID, from.Source, from.Kind, from.At, from.Tokens = id, "site", "lead", at(day, 10), []string{"p1"}
	return from
}

func TestTouch(t *testing.T) {
	for _, tc := range []struct {
		name string
		from schema.CardEventRow
		want card.Touch // the zero touch is a direct visit
	}{
		{"nothing told", schema.CardEventRow{}, card.Touch{}},
		{"marks", schema.CardEventRow{UTMSource: " Yandex ", UTMMedium: "cpc", UTMCampaign: "Весна"}, card.Touch{Source: "Yandex", Medium: "cpc", Campaign: "Весна"}},
		{"marks before a click id", schema.CardEventRow{UTMSource: "vk", ClickIDs: []string{"yclid=1"}}, card.Touch{Source: "vk"}},
		{"a click id", schema.CardEventRow{ClickIDs: []string{"yclid=1"}}, card.Touch{Source: "yandex", Medium: "cpc"}},
		{"a click id and the campaign", schema.CardEventRow{ClickIDs: []string{"gclid=1"}, UTMCampaign: "brand"}, card.Touch{Source: "google", Medium: "cpc", Campaign: "brand"}},
		{"click ids of an iPhone", schema.CardEventRow{ClickIDs: []string{"wbraid=1"}}, card.Touch{Source: "google", Medium: "cpc"}},
		{"an advertisement before a search", schema.CardEventRow{ClickIDs: []string{"ysclid=1", "yclid=2"}}, card.Touch{Source: "yandex", Medium: "cpc"}},
		{"a search", schema.CardEventRow{ClickIDs: []string{"ysclid=1"}}, card.Touch{Source: "yandex", Medium: "organic"}},
		{"a link of Meta may be paid or not", schema.CardEventRow{ClickIDs: []string{"fbclid=1"}}, card.Touch{Source: "facebook", Medium: "social"}},
		{"VK", schema.CardEventRow{ClickIDs: []string{"rb_clickid=1"}}, card.Touch{Source: "vk", Medium: "cpc"}},
		{"a click id before the referrer", schema.CardEventRow{ClickIDs: []string{"msclkid=1"}, Referrer: "news.example/a"}, card.Touch{Source: "bing", Medium: "cpc"}},
		{"a search engine", schema.CardEventRow{Referrer: "www.google.co.uk/search"}, card.Touch{Source: "google", Medium: "organic"}},
		{"Yandex", schema.CardEventRow{Referrer: "yandex.ru/search/", Landing: "shop.example/coffee"}, card.Touch{Source: "yandex", Medium: "organic"}},
		{"its short name", schema.CardEventRow{Referrer: "ya.ru"}, card.Touch{Source: "yandex", Medium: "organic"}},
		{"its mail is no search", schema.CardEventRow{Referrer: "mail.yandex.ru/u"}, card.Touch{Source: "mail.yandex.ru", Medium: "referral"}},
		{"a name that only looks like an engine", schema.CardEventRow{Referrer: "google.shop.example/x"}, card.Touch{Source: "google.shop.example", Medium: "referral"}},
		{"another site", schema.CardEventRow{Referrer: "www.Forum.example:8080/t/1", Landing: "shop.example/"}, card.Touch{Source: "forum.example", Medium: "referral"}},
		{"a site in Cyrillic", schema.CardEventRow{Referrer: "кофе.рф/статья"}, card.Touch{Source: "кофе.рф", Medium: "referral"}},
		{"the own site", schema.CardEventRow{Referrer: "www.shop.example/a", Landing: "shop.example/b"}, card.Touch{}},
		{"the own checkout", schema.CardEventRow{Referrer: "pay.shop.example/a", Landing: "shop.example/b"}, card.Touch{}},
		{"the shop of the own checkout", schema.CardEventRow{Referrer: "shop.example/a", Landing: "pay.shop.example/b"}, card.Touch{}},
		{"no host", schema.CardEventRow{Referrer: "somewhere"}, card.Touch{}},
		{"marks of the landing page", schema.CardEventRow{Landing: "shop.example/?utm_campaign=spring&utm_source=vk"}, card.Touch{Source: "vk", Campaign: "spring"}},
		{"a click id of the landing page", schema.CardEventRow{Landing: "shop.example/?yclid=1"}, card.Touch{Source: "yandex", Medium: "cpc"}},
		{"a broken landing page", schema.CardEventRow{Landing: "shop.example/?%zz", Referrer: "ya.ru"}, card.Touch{Source: "yandex", Medium: "organic"}},
		{"what systems write for nothing", schema.CardEventRow{UTMSource: "(direct)", UTMMedium: "(none)", UTMCampaign: "(not set)"}, card.Touch{}},
		{"a campaign of nobody", schema.CardEventRow{UTMCampaign: "spring"}, card.Touch{}},
	} {
		got := cards(t, []schema.CardEventRow{visit("1", 1, tc.from)}, nil)[0]
		first := card.Touch{Source: got.Source, Medium: got.Medium, Campaign: got.Campaign}
		want := tc.want
		if diff := cmp.Diff(want, got.Last); diff != "" {
			t.Errorf("%s: last touch (-want +got):\n%s", tc.name, diff)
		}
		if want == (card.Touch{}) {
			want.Source = "site" // who told of him
		}
		if first != want {
			t.Errorf("%s: first touch %+v, want %+v", tc.name, first, want)
		}
	}
}

func TestFirstAndLastTouch(t *testing.T) {
	vk, yandex := schema.CardEventRow{UTMSource: "vk"}, schema.CardEventRow{ClickIDs: []string{"yclid=1"}}
	events := []schema.CardEventRow{
		visit("1", 1, schema.CardEventRow{}), // direct visits are no touches, first or last
		visit("2", 2, vk), visit("3", 3, yandex), visit("4", 4, schema.CardEventRow{}),
	}
	got := cards(t, events, nil)[0]
	if got.Source != "vk" || (got.Last != card.Touch{Source: "yandex", Medium: "cpc"}) {
		t.Errorf("first %q, last %+v, want vk and yandex", got.Source, got.Last)
	}
}

// A deal moved on today repeats where its client came from a year ago: he has come
// by other ways since.
func TestADealStatedAgainIsNoNewTouch(t *testing.T) {
	deal, order := schema.CardEventRow{Entity: "deal:1", UTMSource: "yandex"}, schema.CardEventRow{UTMSource: "instagram", OrderID: "7", Shop: "main"}
	events := []schema.CardEventRow{visit("1", 1, deal), visit("2", 2, order), visit("3", 3, schema.CardEventRow{UTMSource: "vk"}), visit("4", 4, deal), visit("5", 5, order)}
	got := cards(t, events, nil)[0]
	if got.Source != "yandex" || got.Last.Source != "vk" {
		t.Errorf("first %q, last %+v, want yandex and vk", got.Source, got.Last)
	}
	// What the deal learns later is new.
	deal.UTMSource = "google"
	if got := cards(t, append(events, visit("6", 6, deal)), nil)[0]; got.Last.Source != "google" {
		t.Errorf("last %+v, want google", got.Last)
	}
}
