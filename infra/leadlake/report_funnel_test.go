package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Five ask in January: three by the winter campaign, one by an advertisement whose
// cost nobody told, one by himself. Two of the three came by, one of them bought
// for 500 and for 100. The campaign cost 100 + 50 = 150, with 20 more in February
// on something that brought nobody. 150 by 3 leads is 50, by 2 visits 75, by 1
// buyer 150; the 20 of February belong to no lead of January.
func invented() map[string]string {
	return map[string]string{
		"costs.csv": "day,source,campaign,cost,currency\n2026-01-13,Yandex,Winter,100.00,RUB\n2026-01-14,yandex,winter,50.00,RUB\n2026-02-01,vk,,20.00,RUB\n",
		"leads.csv": "lead_id,created_at,phone,utm_source,utm_campaign,stage,interest\n" +
			"1,2026-01-13,+79995551111,yandex,winter,visited,чай\n2,2026-01-14,+79995552222,yandex,winter,visited,чай\n3,2026-01-15,+79995553333,yandex,winter,,кофе\n" +
			"4,2026-01-15,+79995554444,google,brand,first_contact,чай\n5,2026-01-16,+79995555555,,,,\n",
		"orders.csv": "order_id,date,phone,amount,currency,category\n7,2026-01-20,8 999 555-11-11,500,RUB,Чай\n8,2026-02-02,8 999 555-11-11,100,RUB,Сахар\n",
	}
}

func TestReportShowsTheFunnel(t *testing.T) {
	o, out := runReport(t, invented(), "-json")
	result := resultOf(t, o)
	type stage struct {
		entered, current, cost, known, each string
	}
	number := func(row map[string]string) stage {
		return stage{row["entered"], row["current"], row["cost_minor"], row["cost_known_for"], row["cost_per_stage_minor"]}
	}
	cells := map[string]stage{}
	for _, row := range csvRows(t, out, "funnel.csv") {
		cells[row["month"]+" "+row["stage"]+" "+row["interest"]+" "+row["source"]] = number(row)
	}
	for key, want := range map[string]stage{
		"2026-01 lead  yandex":    {"3", "1", "15000", "3", "5000"},
		"2026-01 visited  yandex": {"2", "1", "15000", "2", "7500"},
		"2026-01 won  yandex":     {"1", "1", "15000", "1", "15000"},
		"2026-01 lead  ":          {"5", "2", "15000", "3", "5000"},
		"2026-01 lead  google":    {"1", "0", "", "0", ""},
		"2026-02 lead  ":          {"0", "0", "2000", "0", ""},
		"2026-02 lead  vk":        {"0", "0", "2000", "0", ""},
		" lead  ":                 {"5", "2", "17000", "3", "5667"},
		" won  ":                  {"1", "1", "17000", "1", "17000"},
		" won чай ":               {"1", "1", "", "", ""},
	} {
		if got := cells[key]; got != want {
			t.Errorf("%s: %+v, want %+v", key, got, want)
		}
	}
	if len(result.Funnel) != 4 || result.Funnel[0].Entered != 5 || *result.Funnel[3].CostPerStageMinor != 17_000 || *result.Funnel[2].FromPrevious != 0.666666667 {
		t.Errorf("funnel of -json = %+v", result.Funnel)
	}
	var sources []string
	for _, row := range csvRows(t, out, "sources.csv") {
		sources = append(sources, strings.Join([]string{row["month"], row["source"], row["campaign"], row["leads"], row["clients"], row["orders"], row["revenue_minor"], row["cost_minor"], row["return_on_spend"]}, ","))
	}
	want := []string{"2026-01,google,brand,1,0,0,0,,", "2026-01,report,,1,0,0,0,,", "2026-01,yandex,winter,3,1,2,60000,15000,4", "2026-02,vk,,0,0,0,0,2000,0"}
	if diff := cmp.Diff(want, sources); diff != "" {
		t.Errorf("sources.csv (-want +got):\n%s", diff)
	}
	var bases []string
	for _, row := range csvRows(t, out, "bases.csv") {
		bases = append(bases, strings.Join([]string{row["interest"], row["base"], row["clients"], row["revenue_minor"]}, ","))
	}
	if diff := cmp.Diff([]string{"кофе,client,0,0", "кофе,potential,1,0", "чай,client,1,60000", "чай,potential,2,0"}, bases); diff != "" {
		t.Errorf("bases.csv (-want +got):\n%s", diff)
	}
	for _, name := range []string{"funnel.parquet", "sources.parquet", "bases.parquet"} {
		if info, err := os.Stat(filepath.Join(out, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReportPrintsTheFunnel(t *testing.T) {
	o, _ := runReport(t, invented(), "-lang", "en")
	for _, said := range []string{"entered", "visited", "0.6667", "170.00 RUB", "56.67 RUB"} {
		if !strings.Contains(o.stdout, said) {
			t.Errorf("%q is not said in:\n%s", said, o.stdout)
		}
	}
	o, _ = runReport(t, invented(), "-lang", "ru")
	for _, said := range []string{"воронка", "дошли", "170,00 RUB"} {
		if !strings.Contains(o.stdout, said) {
			t.Errorf("%q is not said in:\n%s", said, o.stdout)
		}
	}
	o, _ = runReport(t, map[string]string{"orders.csv": invented()["orders.csv"]}, "-lang", "en")
	if strings.Contains(o.stdout, "entered") {
		t.Errorf("a funnel of purchases alone is printed:\n%s", o.stdout)
	}
}
