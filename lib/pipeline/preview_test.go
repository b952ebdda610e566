package pipeline_test

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/pipeline"
	"github.com/leadlake/leadlake/lib/schema"
)

// family is a base of three clients: two people on one phone, one with two
// e-mails that nothing joins, and one more.
func family(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.deliver("till",
		sale("10", "paid", "2026-11-01T10:00:00Z", `"phone":"+79162220001","email":"anna@kofe.ru","name":"Анна Смирнова"`, "100.00"),
		sale("11", "paid", "2026-11-02T10:00:00Z", `"phone":"+79162220001","email":"petr@kofe.ru","name":"Пётр Смирнов"`, "40.00"),
		sale("12", "paid", "2026-11-03T10:00:00Z", `"email":"petr@kofe.ru"`, "2.00"),
		sale("20", "paid", "2026-11-01T11:00:00Z", `"email":"vera@kofe.ru","name":"Вера Ким"`, "7.00"),
		sale("21", "paid", "2026-11-04T11:00:00Z", `"email":"v.kim@rabota.ru","name":"Вера Ким"`, "500.00"),
		sale("30", "paid", "2026-11-04T12:00:00Z", `"phone":"+79162220009"`, "1.00"))
	w.settle()
	return w
}

// tokenIn is the token of a kind in an event.
func (w *world) tokenIn(kind byte, event string) string {
	w.Helper()
	for _, ev := range w.events() {
		if ev.EventID == event {
			for _, token := range ev.Tokens {
				if token[0] == kind {
					return token
				}
			}
		}
	}
	w.Fatalf("event %s has no token of kind %c", event, kind)
	return ""
}

func (w *world) preview(change pipeline.Change) pipeline.Preview {
	w.Helper()
	before := w.objects("")
	preview, err := w.PreviewChange(w.Context(), change)
	if err != nil {
		w.Fatal(err)
	}
	if !maps.Equal(before, w.objects("")) {
		w.Error("a preview has written something")
	}
	return preview
}

// sums is orders and revenue by client of the run in force.
func (w *world) sums() map[string][2]int64 {
	w.Helper()
	sums := map[string][2]int64{}
	for _, c := range rows[schema.ClientRow](w) {
		sums[c.ClientID] = [2]int64{c.Orders, c.RevenueMinor}
	}
	return sums
}

// A preview says what the night then does, and taking the lines away undoes it.
func TestAPreviewIsWhatTheNightThenDoes(t *testing.T) {
	w := family(t)
	anna, petr := w.tokenIn('e', "10/paid"), w.tokenIn('e', "11/paid")
	vera, work := w.tokenIn('e', "20/paid"), w.tokenIn('e', "21/paid")
	for name, tt := range map[string]struct {
		change        pipeline.Change
		kind          string
		before, after [][2]int64
	}{
		"split": {pipeline.Change{Split: [][][]string{{{anna}, {petr}}}}, "part", [][2]int64{{3, 142_00}}, [][2]int64{{1, 100_00}, {2, 42_00}}},
		"merge": {pipeline.Change{Merge: [][]string{{vera, work}}}, "join", [][2]int64{{1, 500_00}, {1, 7_00}}, [][2]int64{{2, 507_00}}},
	} {
		t.Run(name, func(t *testing.T) {
			was := w.sums()
			preview := w.preview(tt.change)
			if len(preview.Moves) != 1 || preview.Moves[0].Kind() != tt.kind || preview.ClientsBefore != 4 {
				t.Fatalf("preview = %+v", preview)
			}
			move := preview.Moves[0]
			side := func(clients []pipeline.MovedClient) (sums [][2]int64) {
				for _, c := range clients {
					sums = append(sums, [2]int64{c.Orders, c.RevenueMinor})
				}
				return sums
			}
			if diff := cmp.Diff(tt.before, side(move.Before)); diff != "" {
				t.Errorf("before (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.after, side(move.After)); diff != "" {
				t.Errorf("after (-want +got):\n%s", diff)
			}
			want := maps.Clone(was)
			for _, c := range move.Before {
				delete(want, c.ClientID)
			}
			for _, c := range move.After {
				want[c.ClientID] = [2]int64{c.Orders, c.RevenueMinor}
			}
			w.configure(shopConfig + preview.YAML)
			w.night("2026-11-10")
			if diff := cmp.Diff(want, w.sums()); diff != "" {
				t.Errorf("the night does something else (-previewed +night):\n%s", diff)
			}
			if len(w.sums()) != preview.ClientsAfter {
				t.Errorf("%d clients, previewed %d", len(w.sums()), preview.ClientsAfter)
			}
			w.configure(shopConfig)
			w.night("2026-11-10")
			if diff := cmp.Diff(was, w.sums()); diff != "" {
				t.Errorf("not undone (-before +after):\n%s", diff)
			}
		})
	}
}

func TestAPreviewOfAConfiguration(t *testing.T) {
	w := family(t)
	other, err := config.Parse([]byte(shopConfig + "metrics: {link_by_email: false}\n"))
	if err != nil {
		t.Fatal(err)
	}
	// Without e-mails the order that names only Pyotr's address leaves the phone's card.
	preview := w.preview(pipeline.Change{With: other})
	if preview.YAML != "" || len(preview.Moves) == 0 {
		t.Fatalf("preview = %+v", preview)
	}
	orders, revenue := [2]int64{}, [2]int64{}
	for _, move := range preview.Moves {
		for i, side := range [][]pipeline.MovedClient{move.Before, move.After} {
			for _, c := range side {
				orders[i] += c.Orders
				revenue[i] += c.RevenueMinor
			}
		}
	}
	if orders[0] != orders[1] || revenue[0] != revenue[1] {
		t.Errorf("orders %v, revenue %v: a preview deals out what is there", orders, revenue)
	}
	same, err := config.Parse([]byte(shopConfig))
	if err != nil {
		t.Fatal(err)
	}
	if preview := w.preview(pipeline.Change{With: same}); len(preview.Moves) != 0 || preview.ClientsAfter != preview.ClientsBefore {
		t.Errorf("the same rules change %+v", preview.Moves)
	}
}

func TestAPreviewNamesWhatItCannotDo(t *testing.T) {
	w := newWorld(t)
	if _, err := w.PreviewChange(t.Context(), pipeline.Change{}); !errors.Is(err, pipeline.ErrNoChange) {
		t.Errorf("of nothing: %v", err)
	}
	unknown := "p" + strings.Repeat("0", 26)
	change := pipeline.Change{Merge: [][]string{{unknown, unknown}}}
	if _, err := w.PreviewChange(t.Context(), change); !errors.Is(err, lake.ErrNoRun) {
		t.Errorf("before the first night: %v", err)
	}
	w.settle()
	if _, err := w.PreviewChange(t.Context(), change); !errors.Is(err, pipeline.ErrNoClient) || !strings.Contains(err.Error(), unknown) {
		t.Errorf("of an unknown client: %v", err)
	}
	change = pipeline.Change{Split: [][][]string{{{unknown}, {unknown}}}}
	if _, err := w.PreviewChange(t.Context(), change); !errors.Is(err, pipeline.ErrNoClient) {
		t.Errorf("of an unknown part: %v", err)
	}
}

func TestDuplicatesPutDifferentNamesFirst(t *testing.T) {
	w := family(t)
	w.deliver("till",
		sale("31", "paid", "2026-11-05T12:00:00Z", `"phone":"+79162220009","external_id":"9","name":"Олег"`, "900.00"))
	w.compact()
	w.now = at("2026-11-12T09:00:00Z")
	w.night("2026-11-11")
	d, err := w.Duplicates(t.Context(), -1)
	if err != nil {
		t.Fatal(err)
	}
	if d.Clients != 4 || d.Merged != 2 || d.Records != 5 || d.Suspects != 1 || d.RevenueMinor != 1550_00 || d.MergedMinor != 1043_00 {
		t.Errorf("duplicates = %+v", d)
	}
	var got []string
	for _, c := range d.Top {
		line := []string{fmt.Sprintf("%d names, %d records, %d orders of %d:", c.Names, len(c.Records), c.Orders, c.RevenueMinor)}
		for _, r := range c.Reasons {
			line = append(line, r.Kind+" since "+r.Since.Format("2006-01-02"))
		}
		got = append(got, strings.Join(line, " "))
	}
	want := []string{
		"2 names, 3 records, 3 orders of 14200: phone since 2026-11-02 email since 2026-11-03",
		"1 names, 2 records, 2 orders of 90100: phone since 2026-11-05",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("top (-want +got):\n%s", diff)
	}
	if one, err := w.Duplicates(t.Context(), 1); err != nil || len(one.Top) != 1 || one.Merged != 2 {
		t.Errorf("one of them: %+v, %v", one, err)
	}
}

func TestDuplicatesSayWhatTheOwnerPutTogether(t *testing.T) {
	w := family(t)
	w.configure(shopConfig + w.preview(pipeline.Change{Merge: [][]string{{w.tokenIn('e', "20/paid"), w.tokenIn('e', "21/paid")}}}).YAML)
	w.night("2026-11-10")
	d, err := w.Duplicates(t.Context(), -1)
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Top) != 2 || len(d.Top[1].Reasons) != 1 || d.Top[1].Reasons[0].Kind != "merge_list" || !d.Top[1].Reasons[0].Since.Equal(at("2026-11-04T11:00:00Z")) {
		t.Errorf("duplicates = %+v", d.Top)
	}
}

func TestDuplicatesOfNobody(t *testing.T) {
	w := newWorld(t)
	if _, err := w.Duplicates(t.Context(), 5); !errors.Is(err, lake.ErrNoRun) {
		t.Errorf("before the first night: %v", err)
	}
	w.settle()
	if d, err := w.Duplicates(t.Context(), 5); err != nil || d.Merged != 0 || len(d.Top) != 0 {
		t.Errorf("an empty base: %+v, %v", d, err)
	}
}
