package pipeline_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/schema"
)

// costs are the statements that stand in the lake, a line each: of those of one
// entity the one with the latest at, then received_at, then event id.
func (w *world) costs() []string {
	w.Helper()
	stand := map[string]schema.EventRow{}
	for _, ev := range w.events() {
		if ev.Entity == "" {
			w.Fatalf("a cost without an entity: %s", ev.EventID)
		}
		old, ok := stand[ev.Entity]
		if !ok || slices.Compare([]string{old.At.Format(time.RFC3339Nano), old.ReceivedAt.Format("20060102T150405.000000"), old.EventID},
			[]string{ev.At.Format(time.RFC3339Nano), ev.ReceivedAt.Format("20060102T150405.000000"), ev.EventID}) < 0 {
			stand[ev.Entity] = ev
		}
	}
	var lines []string
	for _, ev := range stand {
		lines = append(lines, fmt.Sprintf("%s %s %s %d %s", ev.CostDay, ev.CostSource, ev.CostCampaign, *ev.CostMinor, ev.Currency))
	}
	slices.Sort(lines)
	return lines
}

func (w *world) wantCosts(want ...string) {
	w.Helper()
	if diff := cmp.Diff(want, w.costs()); diff != "" {
		w.Errorf("costs (-want +got):\n%s", diff)
	}
}

func TestCabinetExportBecomesCosts(t *testing.T) {
	body, err := os.ReadFile(filepath.Join("..", "spreadsheet", "testdata", "costs", "yandex_ru.csv"))
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	w.drop("costs/export.csv", string(body))
	if report := w.compact(); report.Inbox.Files != 1 || report.Inbox.Stored != 4 || len(w.reasons()) > 0 {
		t.Errorf("inbox = %+v, failed %v", report.Inbox, w.reasons())
	}
	// 1 200,50 + 99,50 of two ad groups; the line of sums is no cost.
	w.wantCosts(
		"2026-11-01 yandex Бренд поиск 130000 RUB", "2026-11-01 yandex РСЯ Осень 73000 RUB",
		"2026-11-02 yandex Бренд поиск 115000 RUB", "2026-11-02 yandex РСЯ Осень 0 RUB",
	)
}

// TestALaterExportReplacesTheDaysCosts: also where it goes back to what the first
// one said, and the same file again changes nothing.
func TestALaterExportReplacesTheDaysCosts(t *testing.T) {
	const head = "day,source,campaign,cost\n"
	first := head + "2026-10-20,vk,a,100.00\n2026-10-20,vk,b,10.00\n"
	second := head + "2026-10-20,vk,a,90.00\n2026-10-20,vk,b,10.00\n2026-10-21,vk,a,5.00\n"
	third := head + "2026-10-20,vk,a,100.00\n2026-10-20,vk,b,10.00\n2026-10-21,vk,a,6.00\n"
	w := newWorld(t)
	drop := func(name, text string, stored int) {
		t.Helper()
		w.drop("costs/"+name, text)
		if report := w.compact(); report.Inbox.Files != 1 || report.Inbox.Stored != stored {
			t.Errorf("%s: inbox = %+v, want %d stored", name, report.Inbox, stored)
		}
		w.now = w.now.AddDate(0, 0, 1)
	}
	drop("z.csv", first, 2)
	drop("y.csv", second, 3)
	w.wantCosts("2026-10-20 vk a 9000 RUB", "2026-10-20 vk b 1000 RUB", "2026-10-21 vk a 500 RUB")
	drop("y-again.csv", second, 0)
	drop("x.csv", third, 3)
	want := []string{"2026-10-20 vk a 10000 RUB", "2026-10-20 vk b 1000 RUB", "2026-10-21 vk a 600 RUB"}
	w.wantCosts(want...)
	before := w.objects("lake/")
	drop("x-again.csv", third, 0)
	drop("z-again.csv", first, 0)
	w.wantCosts(want...)
	if diff := cmp.Diff(before, w.objects("lake/")); diff != "" {
		t.Error("the same files have changed the lake")
	}
}

// TestTheFileDroppedLastWins whatever the files are called and whatever the clock
// shows, also when one compaction takes both.
func TestTheFileDroppedLastWins(t *testing.T) {
	for _, names := range [][2]string{{"a.csv", "b.csv"}, {"b.csv", "a.csv"}} {
		w := newWorld(t)
		w.drop("costs/"+names[0], "day,source,campaign,cost\n2026-10-20,vk,a,1.00\n")
		w.drop("costs/"+names[1], "day,source,campaign,cost\n2026-10-20,vk,a,2.00\n")
		if report := w.compact(); report.Inbox.Files != 2 {
			t.Errorf("inbox = %+v", report.Inbox)
		}
		w.wantCosts("2026-10-20 vk a 200 RUB")
	}
}

// TestCampaignsOfAnySpellingStayApart: the lake withholds what looks like an
// address, and two such campaigns must not replace each other.
func TestCampaignsOfAnySpellingStayApart(t *testing.T) {
	w := newWorld(t)
	long := strings.Repeat("очень длинная кампания ", 40)
	w.drop("costs/vk.csv", "day,campaign,cost\n2026-10-20,sale@home,1.00\n2026-10-20,sale@work,2.00\n2026-10-20,"+long+"1,3.00\n2026-10-20,"+long+"2,4.00\n2026-10-20,12345678901,5.00\n")
	w.compact()
	sum := int64(0)
	costs := w.costs()
	for _, line := range costs {
		var minor int64
		fields := strings.Fields(line)
		if _, err := fmt.Sscan(fields[len(fields)-2], &minor); err != nil {
			t.Fatal(err)
		}
		sum += minor
	}
	if len(costs) != 5 || sum != 1500 {
		t.Errorf("%d costs of %d, want 5 of 1500", len(costs), sum)
	}
}

// TestACostsFileWithoutASourceSaysWhatToDo, and counts once its name says it.
func TestACostsFileWithoutASourceSaysWhatToDo(t *testing.T) {
	w := newWorld(t)
	const text = "day,campaign,cost\n2026-10-20,a,1.00\n"
	w.drop("costs/october.csv", text)
	if report := w.compact(); report.Inbox.Failed != 1 {
		t.Errorf("inbox = %+v", report.Inbox)
	}
	told := w.objects("inbox/failed/costs/")["inbox/failed/costs/october.csv.error.json"]
	if !strings.Contains(told, "source==yandex") || !strings.Contains(told, "yandex-2026-11.csv") {
		t.Errorf("error = %s", told)
	}
	w.drop("costs/yandex-2026-10.csv", text)
	w.compact()
	w.wantCosts("2026-10-20 yandex a 100 RUB")
}
