package pipeline_test

import (
	"errors"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/pipeline"
	"github.com/leadlake/leadlake/lib/schema"
)

// partsOf reads every file of a table of scores that stand alone.
func partsOf[T schema.Row](t *testing.T, store objstore.Store, run lake.RunRef) []T {
	t.Helper()
	var row T
	var rows []T
	for part := range 100 {
		body, _, err := store.Get(t.Context(), lake.PartKey(row.Table(), run, part))
		if errors.Is(err, objstore.ErrNotExist) && part > 0 {
			return rows
		}
		if err != nil {
			t.Fatal(err)
		}
		more, err := schema.Decode[T](body)
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, more...)
	}
	t.Fatal("a hundred files")
	return nil
}

func sameTable[T schema.Row](w *world, store objstore.Store, ref lake.RunRef) []T {
	w.Helper()
	run, err := lake.Current(w.Context(), w.store)
	if err != nil {
		w.Fatal(err)
	}
	want, err := lake.ReadRunTable[T](w.Context(), w.store, run)
	if err != nil {
		w.Fatal(err)
	}
	got := partsOf[T](w.T, store, ref)
	var row T
	if diff := gocmp.Diff(want, got); diff != "" && len(want)+len(got) > 0 {
		w.Errorf("%s (-night +orders alone):\n%s", row.Table(), diff)
	}
	return got
}

// The scores of the orders alone are those of the night: with clients that came to be
// one after their orders were placed, values that many share, orders of nobody, returns,
// and whether the newest day lies over the base or in it.
func TestScoresOfOrdersAloneAreThoseOfTheNight(t *testing.T) {
	for name, settings := range map[string]pipeline.OrderFolding{"merged": {}, "over": pipeline.AlwaysOver()} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.FoldOrdersBy(settings)
			restless(w, 40, func(string) {})
			// An office's number of a dozen people: no client by itself.
			for i := range 12 {
				person := `"phone": "+79162229999", "external_id": "staff-` + string(rune('a'+i)) + `"`
				w.post("till", sale("office-"+string(rune('a'+i)), "paid", "2026-11-26T09:00:00Z", person, "90.00"))
			}
			w.compact()
			w.night("2026-11-27")
			before := w.objects("gold/")
			out := new(objstore.Mem)
			report, err := w.ScoreOrders(t.Context(), pipeline.ScoreRequest{AsOf: "2026-11-27", Out: out})
			if err != nil {
				t.Fatal(err)
			}
			var want []schema.ClientOrdersRow
			run, err := lake.Current(t.Context(), w.store)
			if err != nil {
				t.Fatal(err)
			}
			clients, err := lake.ReadRunTable[schema.ClientOrdersRow](t.Context(), w.store, run)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range clients {
				if c.Orders > 0 {
					want = append(want, c)
				}
			}
			if diff := gocmp.Diff(want, partsOf[schema.ClientOrdersRow](t, out, report.Run)); diff != "" || len(want) < 40 {
				t.Errorf("%d clients (-night +orders alone):\n%s", len(want), diff)
			}
			if report.Clients != len(want) || report.Orders == 0 || report.RevenueMinor == 0 {
				t.Errorf("report %+v of %d clients", report, len(want))
			}
			sameTable[schema.RFMCodeRow](w, out, report.Run)
			sameTable[schema.CohortRow](w, out, report.Run)
			sameTable[schema.LifecycleRow](w, out, report.Run)
			sameTable[schema.LTVRow](w, out, report.Run)
			sameTable[schema.ABCXYZRow](w, out, report.Run)
			sameTable[schema.OtherRevenueRow](w, out, report.Run)
			if abc, xyz := sameTable[schema.ABCRow](w, out, report.Run), sameTable[schema.XYZRow](w, out, report.Run); len(abc) < 40 || len(xyz) == 0 {
				t.Errorf("%d and %d rows", len(abc), len(xyz))
			}
			if diff := gocmp.Diff(before, w.objects("gold/")); diff != "" {
				t.Errorf("the night's tables changed:\n%s", diff)
			}
			for info, err := range out.List(t.Context(), "", "") {
				if err != nil || !strings.HasPrefix(info.Key, "gold/") {
					t.Errorf("%s was written, %v", info.Key, err)
				}
			}
		})
	}
}

func TestScoresOfOrdersAloneNeedANight(t *testing.T) {
	w := newWorld(t)
	w.now = at("2026-11-25T09:00:00Z")
	w.post("till", sale("1", "paid", "2026-11-02T09:00:00Z", `"phone": "+79162220000"`, "300.00"))
	w.compact()
	if _, err := w.ScoreOrders(t.Context(), pipeline.ScoreRequest{AsOf: "2026-11-20", Out: new(objstore.Mem)}); !errors.Is(err, pipeline.ErrNoClients) {
		t.Errorf("error = %v, want ErrNoClients", err)
	}
}
