package pipeline_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/analytics"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/logtest"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/pipeline"
	"github.com/leadlake/leadlake/lib/schema"
)

func holdoutKey(platform, segment string) string {
	return lake.AudiencesPrefix + "holdout/" + platform + "/" + segment + ".parquet"
}

// assign logs what an export would.
func (w *world) assign(platform, segment string, rows ...schema.AssignmentRow) {
	w.Helper()
	slices.SortFunc(rows, func(a, b schema.AssignmentRow) int { return strings.Compare(a.ClientID, b.ClientID) })
	body, err := schema.Encode(rows)
	if err != nil {
		w.Fatal(err)
	}
	if _, err := w.store.Put(w.Context(), holdoutKey(platform, segment), body); err != nil {
		w.Fatal(err)
	}
}

// side is an assignment of whoever has a phone or an e-mail.
func (w *world) side(contact string, held bool, since string) schema.AssignmentRow {
	w.Helper()
	token, err := w.TokenOf(w.Context(), contact)
	if err != nil {
		w.Fatal(err)
	}
	return schema.AssignmentRow{ClientID: string(token), Held: held, SinceDay: since}
}

func ratesOf(rates ...float64) []*float64 {
	var of []*float64
	for _, r := range rates {
		of = append(of, &r)
	}
	return of
}

// From the log of exports and the webhook to gold, with the bounds of days, currencies
// and merged clients. Exported on 10 November: early (bought the day before, on the day,
// and at its last second: none of which counts), bought (for 100 at the first second of the 11th, and for 2 of
// a currency of 90), foreign (for 5 without a rate), nothing (an order of 0, which is skipped), cancelled.
// Held out: silent, and merged, who was exported by his phone and held out by his e-mail
// and bought for 7. Five exported, two of whom bought, 280.00; two held out, one bought, 7.00.
// 2/5 − 1/2 = −0.1; × 5 = −0.5. 280 − 7·5/2 = 262.50.
func TestEffectsFromTheLogOfExportsToGold(t *testing.T) {
	b := newBase(t)
	b.configure(strings.Replace(shopConfig, "language: en", `language: en, rates: {USD: "90.00"}`, 1) + "metrics: {skip_zero_orders: true}\n")
	foreign := func(name, when, total, currency string) {
		b.n++
		body := sale(fmt.Sprintf("o%d", b.n), "paid", when, fmt.Sprintf(`"phone": "%s"`, b.phone(name)), total)
		b.post("till", strings.Replace(body, `"status"`, fmt.Sprintf(`"currency": "%s", "status"`, currency), 1))
	}
	b.buy("early", "2026-11-09T12:00:00+03:00", "50.00")
	b.buy("early", "2026-11-10T00:00:00+03:00", "50.00")
	b.buy("early", "2026-11-10T23:59:59+03:00", "50.00")
	b.buy("bought", "2026-11-11T00:00:00+03:00", "100.00")
	foreign("bought", "2026-11-12T12:00:00+03:00", "2.00", "USD")
	foreign("foreign", "2026-11-12T12:00:00+03:00", "5.00", "KZT")
	b.buy("nothing", "2026-11-12T12:00:00+03:00", "0.00")
	b.n++
	b.post("till", sale(fmt.Sprintf("o%d", b.n), "cancelled", "2026-11-12T12:00:00+03:00", fmt.Sprintf(`"phone": "%s"`, b.phone("cancelled")), "70.00"))
	b.say("silent", "contact", "2026-11-12T12:00:00+03:00", `, "contact": {"channel": "call"}`)
	b.buy("merged", "2026-11-30T23:59:59+03:00", "7.00")
	b.buy("merged", "2026-12-01T00:00:00+03:00", "900.00")
	b.post("till", fmt.Sprintf(`{"id": "join", "kind": "profile", "at": "2026-11-20T10:00:00Z", "client": {"phone": "%s", "email": "merged@kofe.ru"}}`, b.phone("merged")))
	nobody := schema.AssignmentRow{ClientID: "p" + strings.Repeat("0", 26), SinceDay: "2026-11-10"}
	log := []schema.AssignmentRow{
		nobody, b.side(b.phone("silent"), true, "2026-11-10"), b.side("merged@kofe.ru", true, "2026-11-11"), b.side(b.phone("merged"), false, "2026-11-10"),
	}
	for _, name := range []string{"early", "bought", "foreign", "nothing", "cancelled"} {
		log = append(log, b.side(b.phone(name), false, "2026-11-10"))
	}
	b.assign("yandex", "champions", log...)
	b.assign("vk", "asleep", b.side(b.phone("bought"), false, "2026-10-01"), b.side(b.phone("early"), false, "2026-11-01"))
	b.assign("google", "tomorrow", b.side(b.phone("bought"), true, "2026-12-01"))
	b.clients()

	interval, _ := analytics.RateDifference(2, 5, 1, 2)
	needed, _ := analytics.NeededPerGroup(0.4, 0.5)
	r := ratesOf(0.4, 0.5, -0.1, analytics.Round9(interval.Low), analytics.Round9(interval.High), -0.5, 1)
	gained := int64(262_50)
	all := schema.EffectRow{
		Segment: "champions", Platform: "yandex", Exported: 5, ExportedBuyers: 2, ExportedRate: r[0], ExportedRevenueMinor: 280_00,
		Held: 2, HeldBuyers: 1, HeldRate: r[1], HeldRevenueMinor: 7_00, Difference: r[2], Low: r[3], High: r[4],
		IncrementalBuyers: r[5], IncrementalRevenueMinor: &gained, NeededPerGroup: &needed,
	}
	november := all
	november.Month = "2026-11"
	if diff := gocmp.Diff([]schema.EffectRow{
		{Segment: "asleep", Platform: "vk", Exported: 2, ExportedBuyers: 2, ExportedRate: r[6], ExportedRevenueMinor: 430_00},
		{Segment: "asleep", Platform: "vk", Month: "2026-10", Exported: 1, ExportedBuyers: 1, ExportedRate: r[6], ExportedRevenueMinor: 280_00},
		{Segment: "asleep", Platform: "vk", Month: "2026-11", Exported: 1, ExportedBuyers: 1, ExportedRate: r[6], ExportedRevenueMinor: 150_00, PreviousRate: r[6]},
		all, november,
	}, rows[schema.EffectRow](b.world)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The rows up to the as-of day are what a night is made of: another side makes another run,
// a row of a later day does not, nor an object that is no log. Without a log the table is
// empty, and the run is what it was before there were any.
func TestARunFollowsTheAssignmentsItSees(t *testing.T) {
	b := newBase(t)
	b.buy("one", "2026-11-20T12:00:00+03:00")
	b.compact()
	none := b.night(lastDayOf)
	if got := rows[schema.EffectRow](b.world); len(got) != 0 {
		t.Errorf("effects of no export: %+v", got)
	}
	b.assign("vk", "buyers", b.side(b.phone("one"), false, "2026-12-01"))
	for _, key := range []string{"audiences/holdout/vk/other.txt", "audiences/holdout/buyers.parquet", "audiences/holdout/vk/a/b.parquet"} {
		if _, err := b.store.Put(t.Context(), key, []byte("no log")); err != nil {
			t.Fatal(err)
		}
	}
	if later := b.night(lastDayOf); !later.Unchanged || later.Run != none.Run {
		t.Errorf("an export after the as-of day made another run: %+v", later)
	}
	b.assign("vk", "buyers", b.side(b.phone("one"), false, "2026-11-01"))
	exported := b.night(lastDayOf)
	b.assign("vk", "buyers", b.side(b.phone("one"), true, "2026-11-01"))
	held := b.night(lastDayOf)
	if exported.Run == none.Run || held.Run == exported.Run {
		t.Errorf("runs %s, %s and %s: the log decides nothing", none.Run, exported.Run, held.Run)
	}
	if got := rows[schema.EffectRow](b.world); len(got) != 2 || got[0].Held != 1 || got[0].Exported != 0 {
		t.Errorf("effects %+v, want one held out", got)
	}
	b.assign("vk", "buyers", b.side(b.phone("one"), true, "2026-11-01"), b.side("new@kofe.ru", true, "2026-12-01"))
	if again := b.night(lastDayOf); again.Run != held.Run || !again.Unchanged {
		t.Errorf("a newcomer of tomorrow made another run: %+v", again)
	}
}

// exporting is a store in which an export takes place while a night reads the lake: after
// the log of it was read first.
type exporting struct {
	*objstore.Mem
	export func()
}

func (s *exporting) Get(ctx context.Context, key string) ([]byte, objstore.Info, error) {
	body, info, err := s.Mem.Get(ctx, key)
	if strings.HasPrefix(key, lake.AudiencesPrefix) && s.export != nil {
		export := s.export
		s.export = nil
		export()
	}
	return body, info, err
}

// A night counts the log that its run is named by, whatever is exported meanwhile.
func TestANightSeesOneLogOfExports(t *testing.T) {
	b := newBase(t)
	b.buy("one", "2026-11-20T12:00:00+03:00")
	b.buy("two", "2026-11-20T12:00:00+03:00")
	b.compact()
	one, two := b.side(b.phone("one"), false, "2026-11-01"), b.side(b.phone("two"), true, "2026-11-02")
	b.assign("vk", "buyers", one)
	calm := b.copied()
	calm.assign("vk", "buyers", one, two)
	want := calm.night(lastDayOf)

	store := &exporting{Mem: b.store, export: func() { b.assign("vk", "buyers", one, two) }}
	p, err := pipeline.New(pipeline.Config{Store: store, Now: b.clock, Logger: logtest.New(t), TokenKey: []byte("a token key that tests share")})
	if err != nil {
		t.Fatal(err)
	}
	got, err := p.Analyse(t.Context(), pipeline.NightRequest{AsOf: lastDayOf})
	if err != nil {
		t.Fatal(err)
	}
	if store.export != nil {
		t.Fatal("nobody read the log")
	}
	if effects := rows[schema.EffectRow](b.world); got.Run != want.Run || effects[0].Exported != 1 || effects[0].Held != 1 {
		t.Errorf("run %s, want %s; effects %+v", got.Run, want.Run, effects)
	}
}
