package analytics_test

import (
	"errors"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/analytics"
	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/schema"
)

func allCodes() []string {
	var codes []string
	for _, r := range "123" {
		for _, f := range "123" {
			for _, m := range "123" {
				codes = append(codes, string([]rune{r, f, m}))
			}
		}
	}
	return codes
}

// The table of metrics.md.
func TestEveryCodeHasItsSegment(t *testing.T) {
	p, err := analytics.PlaybookOf(config.Default().Metrics.RFM)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{
		"champions": {"333"}, "loyal": {"331", "332"}, "growing": {"321", "322", "323"}, "new": {"311", "312"}, "big_new": {"313"},
		"cooling_valuable": {"233", "232"}, "steady": {"221", "222", "223", "231"}, "cooling_once": {"211", "212", "213"},
		"cant_lose": {"133", "132", "123"}, "dormant": {"121", "122", "131", "113"}, "lost": {"111", "112"},
	}
	got := map[string][]string{}
	for _, s := range p.Segments() {
		got[s.Key] = s.Codes
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, code := range allCodes() {
		if p.SegmentOf(code) == "" || p.SegmentOf(code) != analytics.SegmentOf(code) {
			t.Errorf("%s belongs to %q and %q", code, p.SegmentOf(code), analytics.SegmentOf(code))
		}
	}
	for _, code := range []string{"", "000", "334", "3333", "абв"} {
		if got := analytics.SegmentOf(code); got != "" {
			t.Errorf("SegmentOf(%q) = %q, want none", code, got)
		}
	}
}

var cyrillic = regexp.MustCompile(`\p{Cyrillic}`)

func TestEveryTextIsThereInBothLanguages(t *testing.T) {
	p, err := analytics.PlaybookOf(config.Default().Metrics.RFM)
	if err != nil {
		t.Fatal(err)
	}
	check := func(where, language string, texts ...string) {
		for i, text := range texts {
			if text == "" || cyrillic.MatchString(text) != (language == "ru") {
				t.Errorf("%s, %s, text %d: %q", where, language, i, text)
			}
			if regexp.MustCompile(`!|  `).MatchString(text) {
				t.Errorf("%s, %s, text %d is not calm: %q", where, language, i, text)
			}
		}
	}
	seen := map[string]string{}
	for _, language := range []string{"ru", "en"} {
		for _, once := range []bool{false, true} {
			for _, s := range p.Segments() {
				a := s.Advice(language, once)
				check(s.Key, language, a.Title, a.Meaning, a.Do, a.DoNot)
			}
			for _, code := range allCodes() {
				a, ok := analytics.AdviceFor(code, language, once)
				if !ok {
					t.Fatalf("no advice for %s", code)
				}
				check(code, language, a.Meaning, a.Do)
				for _, text := range []string{a.Meaning, a.Do} {
					if other, ok := seen[text]; ok && other != code {
						t.Errorf("%s and %s share the text %q", code, other, text)
					}
					seen[text] = code
				}
			}
		}
	}
	if _, ok := analytics.AdviceFor("334", "ru", false); ok {
		t.Error("there is advice for 334")
	}
}

var onlyOne = regexp.MustCompile(`(?i)\b(first|once|one-time|one purchase|second)\b|перв|впервые|разов|один раз|одну |втор(ого|ую|ой) (заказ|покуп)`)

// The words first, once and one-time stand only where the lowest score of F is one
// order, and there they do stand.
func TestFirstAndOnceOnlyWhereOneOrder(t *testing.T) {
	p, err := analytics.PlaybookOf(config.Default().Metrics.RFM)
	if err != nil {
		t.Fatal(err)
	}
	for _, language := range []string{"ru", "en"} {
		for _, s := range p.Segments() {
			a := s.Advice(language, false)
			for _, text := range []string{a.Title, a.Meaning, a.Do, a.DoNot} {
				if word := onlyOne.FindString(text); word != "" {
					t.Errorf("%s, %s says %q where F may be more than one: %q", s.Key, language, word, text)
				}
			}
		}
		for _, code := range allCodes() {
			often, _ := analytics.AdviceFor(code, language, false)
			for _, text := range []string{often.Meaning, often.Do} {
				if word := onlyOne.FindString(text); word != "" {
					t.Errorf("%s, %s says %q where F may be more than one: %q", code, language, word, text)
				}
			}
			once, _ := analytics.AdviceFor(code, language, true)
			if got := onlyOne.MatchString(once.Meaning); got != (code[1] == '1') {
				t.Errorf("%s, %s: speaks of one order: %v: %q", code, language, got, once.Meaning)
			}
		}
	}
}

func TestConfiguredPlaybook(t *testing.T) {
	rfm := config.RFM{Groups: 2, Playbook: []config.PlaybookRule{
		{Segment: "champions", Title: map[string]string{"en": "Best"}, Codes: []string{"222"}},
		{Segment: "rest", Codes: []string{"111", "112", "121", "122", "211", "212", "221"}},
	}}
	p, err := analytics.PlaybookOf(rfm)
	if err != nil {
		t.Fatal(err)
	}
	if got := p.SegmentOf("222") + " " + p.SegmentOf("111") + " " + p.SegmentOf("333"); got != "champions rest " {
		t.Errorf("segments of 222, 111, 333 = %q", got)
	}
	champions, rest := p.Segments()[0], p.Segments()[1]
	if en, ru := champions.Advice("en", true), champions.Advice("ru", true); en.Title != "Best" || ru.Title != "Чемпионы" || en.Do == "" {
		t.Errorf("champions = %q, %q, advice %q; want the configured title beside the known words", en.Title, ru.Title, en.Do)
	}
	if diff := cmp.Diff(analytics.Advice{Title: "rest"}, rest.Advice("ru", false)); diff != "" {
		t.Errorf("an unknown segment (-want +got):\n%s", diff)
	}
	for name, codes := range map[string][]string{
		"a code is missing": {"111", "112", "121", "122", "211", "212"},
		"a code twice":      {"111", "112", "121", "122", "211", "212", "221", "222"},
		"a code of three":   {"111", "112", "121", "122", "211", "212", "221", "333"},
	} {
		rfm.Playbook[1].Codes = codes
		if _, err := analytics.PlaybookOf(rfm); !errors.Is(err, analytics.ErrConfig) {
			t.Errorf("%s: error = %v, want ErrConfig", name, err)
		}
	}
}

func quantileRows(recency, frequency []float64, unit string) []schema.ThresholdRow {
	row := func(metric string, b []float64, note string) schema.ThresholdRow {
		return schema.ThresholdRow{Metric: metric, Entity: "client", Rule: "quantile", Bound1: &b[0], Bound2: &b[1], Note: note}
	}
	return []schema.ThresholdRow{row("frequency", frequency, unit), row("recency", recency, "days since the last purchase; …")}
}

func TestBounds(t *testing.T) {
	const orders, days = "orders; score = 1 + bounds below the value", "days with an order; score = 1 + bounds below the value"
	usual := quantileRows([]float64{12, 61.5}, []float64{4, 20.3}, orders)
	for _, c := range []struct {
		name, ru, en string
		codes        []string
		rows         []schema.ThresholdRow
	}{
		{"lowest F, best R", "1–4 заказа, 0–12 дней назад", "1–4 orders, 0–12 days ago", []string{"311", "312"}, usual},
		{"open ends", "21 заказ и больше, 62 дня назад и раньше", "21 orders or more, 62 days ago or earlier", []string{"133"}, usual},
		{"the middle", "5–20 заказов, 13–61 день назад", "5–20 orders, 13–61 days ago", []string{"222"}, usual},
		{"several F", "5 заказов и больше, 62 дня назад и раньше", "5 orders or more, 62 days ago or earlier", []string{"133", "132", "123"}, usual},
		{"one order", "1 заказ, 0–1 день назад", "1 order, 0–1 days ago", []string{"311"}, quantileRows([]float64{1, 2}, []float64{1, 2}, orders)},
		{"one value", "2 заказа, 2 дня назад", "2 orders, 2 days ago", []string{"222"}, quantileRows([]float64{1, 2}, []float64{1, 2}, orders)},
		{"equal thresholds", "при таких границах сюда никто не попадает", "with these bounds nobody gets here", []string{"222"}, quantileRows([]float64{1, 2}, []float64{1, 1}, orders)},
		{"half of it out of reach", "2 заказа и больше, 3 дня назад и раньше", "2 orders or more, 3 days ago or earlier", []string{"123", "133"}, quantileRows([]float64{1, 2}, []float64{1, 1}, orders)},
		{"days", "1–2 дня с заказами, 0–5 дней назад", "1–2 days with orders, 0–5 days ago", []string{"311"}, quantileRows([]float64{5, 9}, []float64{2, 3}, days)},
		{"thousands", "1\u202f001 заказ и больше, 1\u202f235 дней назад и раньше", "1,001 orders or more, 1,235 days ago or earlier", []string{"133"}, quantileRows([]float64{7, 1234}, []float64{4, 1000}, orders)},
		{"no thresholds", "", "", []string{"333"}, nil},
	} {
		if got := analytics.Bounds(c.codes, c.rows, "ru"); got != c.ru {
			t.Errorf("%s: %q, want %q", c.name, got, c.ru)
		}
		if got := analytics.Bounds(c.codes, c.rows, "en"); got != c.en {
			t.Errorf("%s: %q, want %q", c.name, got, c.en)
		}
	}
	for _, c := range []struct {
		name string
		rows []schema.ThresholdRow
		want bool
	}{
		{"one to four orders", usual, false},
		{"one order", quantileRows([]float64{1, 2}, []float64{1, 2}, orders), true},
		{"between one and two", quantileRows([]float64{1, 2}, []float64{1.5, 3}, orders), true},
		{"a day may hold two orders", quantileRows([]float64{1, 2}, []float64{1, 2}, days), false},
		{"nobody", nil, false},
	} {
		if got := analytics.FirstMeansOne(c.rows); got != c.want {
			t.Errorf("FirstMeansOne, %s = %v, want %v", c.name, got, c.want)
		}
	}
}

// The sentence is made of the rows that a night really writes.
func TestBoundsOfANight(t *testing.T) {
	for _, method := range []string{"quantile", "ntile"} {
		s := score(base(t, options(t, func(m *config.Metrics) { m.RFM.Method = method }), seven()...))
		for code, want := range map[string][2]string{
			"213": {"1 order, 11–30 days ago", "1 order, 20–30 days ago"},
			"333": {"3 orders or more, 0–10 days ago", "3–4 orders, 0–10 days ago"},
		} {
			i := 0
			if method == "ntile" {
				i = 1
			}
			if got := analytics.Bounds([]string{code}, s.Thresholds, "en"); got != want[i] {
				t.Errorf("%s of %s = %q, want %q", code, method, got, want[i])
			}
		}
		if !analytics.FirstMeansOne(s.Thresholds) {
			t.Errorf("%s: the lowest score of F is one order", method)
		}
	}
}
