package card_test

import (
	"slices"
	"testing"

	"github.com/leadlake/leadlake/lib/card"
	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/schema"
)

func TestLifecycle(t *testing.T) {
	contacted := card.Card{Contacted: true}
	other := config.Default().Metrics
	other.RegularOrders = 5
	for _, tc := range []struct {
		card      card.Card
		purchases int64
		metrics   config.Metrics
		want      string
	}{
		{card.Card{}, 0, config.Default().Metrics, "lead"},
		{contacted, 0, config.Default().Metrics, "potential"},
		{card.Card{}, 1, config.Default().Metrics, "working"},
		{contacted, 1, config.Default().Metrics, "working"},
		{contacted, 2, config.Default().Metrics, "developing"},
		{contacted, 3, config.Default().Metrics, "developing"},
		{contacted, 4, config.Default().Metrics, "regular"},
		{card.Card{}, 400, config.Default().Metrics, "regular"},
		{card.Card{}, 5, other, "developing"},
		{card.Card{}, 6, other, "regular"},
	} {
		if got := card.Lifecycle(tc.card, card.Standing{Purchases: tc.purchases}, tc.metrics); got != tc.want {
			t.Errorf("Lifecycle(contacted %t, %d) = %s, want %s", tc.card.Contacted, tc.purchases, got, tc.want)
		}
	}
}

// The boundaries of metrics.md, "Base types", on both sides of the day.
func TestActivity(t *testing.T) {
	usual := config.Default().Metrics
	changed := func(change func(*config.Metrics)) config.Metrics {
		m := usual
		change(&m)
		return m
	}
	for _, tc := range []struct {
		name               string
		recency, idle, age int64
		metrics            config.Metrics
		want               string
	}{
		{"bought today", 0, 0, 0, usual, "active"},
		{"90 days ago", 90, 90, 90, usual, "active"},
		{"91 days ago", 91, 91, 91, usual, "cooling"},
		{"365 days ago", 365, 365, 400, usual, "cooling"},
		{"366 days ago", 366, 366, 400, usual, "sleeping"},
		{"729 days without anything", 729, 729, 800, usual, "sleeping"},
		{"730 days without anything", 730, 730, 800, usual, "dead"},
		{"730 days without a purchase, but he wrote", 730, 10, 800, usual, "sleeping"},
		{"a purchase that no event of his tells", 5, 800, 900, usual, "active"},
		{"an older one, likewise", 400, 800, 900, usual, "sleeping"},
		{"never bought, first seen 30 days ago", -1, 30, 30, usual, "new"},
		{"never bought, first seen 31 days ago", -1, 0, 31, usual, "waiting"},
		{"never bought, 729 days without a word", -1, 729, 900, usual, "waiting"},
		{"never bought, 730 days without a word", -1, 730, 900, usual, "dead"},
		{"another definition of active", 30, 30, 30, changed(func(m *config.Metrics) { m.ActiveDays = 30 }), "active"},
		{"another definition of active, a day later", 31, 31, 31, changed(func(m *config.Metrics) { m.ActiveDays = 30 }), "cooling"},
		{"another definition of sleeping", 201, 201, 300, changed(func(m *config.Metrics) { m.SleepingDays = 200 }), "sleeping"},
		{"another definition of dead", 100, 100, 100, changed(func(m *config.Metrics) { m.DeadDays = 100 }), "dead"},
		{"a recent purchase is never dead", 60, 60, 60, changed(func(m *config.Metrics) { m.DeadDays = 50 }), "active"},
		{"another definition of new", -1, 7, 8, changed(func(m *config.Metrics) { m.NewDays = 7 }), "waiting"},
	} {
		s := card.Standing{RecencyDays: tc.recency, IdleDays: tc.idle, AgeDays: tc.age}
		if got := card.Activity(s, tc.metrics); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
	}
}

func TestLabels(t *testing.T) {
	buyer := func(purchases, recency, first int64) card.Standing {
		return card.Standing{Purchases: purchases, RecencyDays: recency, FirstDays: first, IdleDays: recency, AgeDays: first}
	}
	best := buyer(1, 10, 400)
	best.ClassA, best.BestRecency = true, true
	onlyA, onlyR := best, best
	onlyA.BestRecency, onlyR.ClassA = false, false
	noRule := config.Default()
	noRule.Labels.VIP.Rule = false
	listed := config.Default()
	listed.Labels.Partner.Clients, listed.Labels.VIP.Clients = []string{"x7"}, []string{"p9"}
	never := card.Standing{RecencyDays: -1, FirstDays: -1, IdleDays: 3, AgeDays: 3}
	for _, tc := range []struct {
		name     string
		card     card.Card
		standing card.Standing
		cfg      *config.Config
		want     []string
	}{
		{"nothing", card.Card{}, never, config.Default(), nil},
		{"a first purchase 30 days ago", card.Card{}, buyer(1, 30, 30), config.Default(), []string{"newcomer"}},
		{"31 days ago", card.Card{}, buyer(1, 31, 31), config.Default(), nil},
		{"regular, active, first purchase long ago enough", card.Card{}, buyer(4, 90, 731), config.Default(), []string{"active_base", "key"}},
		{"730 days are not more than 730", card.Card{}, buyer(4, 90, 730), config.Default(), []string{"active_base"}},
		{"regular and cooling", card.Card{}, buyer(4, 91, 731), config.Default(), []string{"key"}},
		{"three purchases are not regular", card.Card{}, buyer(3, 1, 900), config.Default(), nil},
		{"four purchases in a month: a newcomer, not yet the active base", card.Card{}, buyer(4, 0, 30), config.Default(), []string{"newcomer"}},
		{"and a day later", card.Card{}, buyer(4, 1, 31), config.Default(), []string{"active_base"}},
		{"class A with the best recency", card.Card{}, best, config.Default(), []string{"key", "vip"}},
		{"class A alone", card.Card{}, onlyA, config.Default(), nil},
		{"the best recency alone", card.Card{}, onlyR, config.Default(), nil},
		{"a tag written with е for ё", card.Card{Tags: []string{" ПАРТНЕР"}}, never, config.Default(), []string{"partner"}},
		{"the rule switched off", card.Card{}, best, noRule, nil},
		{"a tag in another letter case", card.Card{Tags: []string{" VIP "}}, never, config.Default(), []string{"key", "vip"}},
		{"in Cyrillic", card.Card{Tags: []string{"Партнёр"}}, never, config.Default(), []string{"partner"}},
		{"by an alias", card.Card{ClientID: "p1", Tokens: []string{"p1", "x7"}}, never, listed, []string{"partner"}},
		{"by the id", card.Card{ClientID: "p9", Tokens: []string{"p9"}}, never, listed, []string{"key", "vip"}},
		{"another one of the list", card.Card{ClientID: "p8", Tokens: []string{"p8"}}, never, listed, nil},
	} {
		if got := card.Labels(tc.card, tc.standing, tc.cfg); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
		}
	}
}

// Who asked is answered by what comes after; asking is a lead or an order.
func TestWhoWasAnswered(t *testing.T) {
	say := func(id, kind string, day int) schema.CardEventRow {
		return schema.CardEventRow{EventID: id, Source: "s", Kind: kind, At: at(day, 10), Tokens: []string{"p1"}}
	}
	order := say("o", "order", 5)
	order.IsOrder, order.OrderID = true, "1"
	noOrder := order
	noOrder.IsOrder = false
	missed := say("c", "contact", 6)
	missed.Result = "Missed"
	busy, silent := missed, missed
	busy.Result, silent.Result = "busy", "NO_ANSWER"
	phase := func(id, result string, hour int) schema.CardEventRow {
		ev := say(id, "contact", 6)
		ev.At, ev.Entity, ev.Result = at(6, hour), "call:1", result
		return ev
	}
	for _, tc := range []struct {
		name   string
		events []schema.CardEventRow
		want   bool
	}{
		{"an order that was never paid, then a call", []schema.CardEventRow{order, say("c", "contact", 6)}, true},
		{"a call, then an order", []schema.CardEventRow{order, say("c", "contact", 4)}, false},
		{"an order, a call, a lead", []schema.CardEventRow{order, say("c", "contact", 6), say("l", "lead", 8)}, true},
		{"no order to us, a call before", []schema.CardEventRow{noOrder, say("c", "contact", 4)}, true},
		{"a call alone", []schema.CardEventRow{say("c", "contact", 4)}, true},
		{"a profile alone", []schema.CardEventRow{say("p", "profile", 4)}, false},
		{"a missed call", []schema.CardEventRow{say("l", "lead", 5), missed}, false},
		{"a busy line", []schema.CardEventRow{say("l", "lead", 5), busy}, false},
		{"a call without an answer", []schema.CardEventRow{say("l", "lead", 5), silent}, false},
		{"a call whose end says that it was missed", []schema.CardEventRow{say("l", "lead", 5), phase("1", "", 11), phase("2", "missed", 12), phase("3", "", 13)}, false},
		{"a call that was answered at last", []schema.CardEventRow{say("l", "lead", 5), phase("1", "missed", 11), phase("2", "answered", 12)}, true},
		{"a chat that began before the lead and went on", []schema.CardEventRow{say("l", "lead", 5), {EventID: "a", Kind: "contact", Entity: "chat:1", At: at(4, 1), Tokens: []string{"p1"}}, {EventID: "b", Kind: "contact", Entity: "chat:1", At: at(6, 1), Tokens: []string{"p1"}}}, true},
	} {
		if got := cards(t, tc.events, nil)[0]; got.Contacted != tc.want || got.LastContactAt.IsZero() == (tc.want || tc.name == "a call, then an order") {
			t.Errorf("%s: contacted %t, last contact %v, want %t", tc.name, got.Contacted, got.LastContactAt, tc.want)
		}
	}
}
