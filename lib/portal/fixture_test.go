package portal_test

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/analytics"
	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/portal"
	"github.com/leadlake/leadlake/lib/schema"
)

// The fixture is a coffee shop of about 8 000 clients, made by a seeded
// generator: two years of growth, most people once, a few very often.

var asOf = time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)

// naming gives every name that comes from outside; tests put hostile ones in.
type naming func(kind string, i int) string

func plainNames(kind string, i int) string {
	known := map[string][]string{
		"business": {"Кофейня на Мясницкой"},
		"category": {"Зерно", "Напитки", "Выпечка", "Посуда", "Подарки", "Сиропы"},
		"item": {
			"Эфиопия Сидамо, 250 г", "Капучино", "Колумбия Уила, 1 кг", "Круассан", "Воронка V60", "Бразилия Серрадо, 250 г", "Набор подарочный",
			"Латте", "Сироп ваниль", "Чашка 200 мл", "Фильтры, 100 шт.", "Чизкейк",
		},
		"source": {"site", "shop", "phone"},
	}
	if list := known[kind]; len(list) > 0 {
		return list[i%len(list)]
	}
	return fmt.Sprintf("%s %d", kind, i)
}

type buyer struct {
	id      string
	days    []int // days before as-of, falling
	amounts []int64
}

func (b buyer) recency() int { return b.days[len(b.days)-1] }

func (b buyer) revenue() int64 {
	sum := int64(0)
	for _, a := range b.amounts {
		sum += a
	}
	return sum
}

func buyers(n int) []buyer {
	random := rand.New(rand.NewPCG(2026, 11))
	out := make([]buyer, n)
	for i := range out {
		age := int(730 * (1 - math.Sqrt(random.Float64()))) // more of them lately
		rate := math.Exp(random.NormFloat64()*1.1 - 4.6)    // purchases a day
		life := random.ExpFloat64() * 260
		size := math.Exp(random.NormFloat64()*0.7 + 7.1)
		b := buyer{id: fmt.Sprintf("c%016x", random.Uint64())}
		for day := float64(age); day >= 0; day -= random.ExpFloat64() / rate {
			if float64(age)-day > life && len(b.days) > 0 {
				break
			}
			b.days = append(b.days, int(day))
			b.amounts = append(b.amounts, int64(size*math.Exp(random.NormFloat64()*0.4))*100)
		}
		out[i] = b
	}
	slices.SortFunc(out, func(a, b buyer) int { return strings.Compare(a.id, b.id) })
	return out
}

func dayBefore(days int) string { return asOf.AddDate(0, 0, -days).Format(time.DateOnly) }

// tercile is quantile type 7 at 1/3 or 2/3.
func tercile(values []float64, third int) float64 {
	sorted := slices.Sorted(slices.Values(values))
	h := float64(len(sorted)-1) * float64(third) / 3
	low := int(h)
	high := min(low+1, len(sorted)-1)
	return sorted[low] + (h-float64(low))*(sorted[high]-sorted[low])
}

// night makes a whole run. With few as the number of clients it is a small one.
func night(count int, name naming) *portal.Night {
	all := buyers(count)
	n := &portal.Night{
		Run: "7f3c2a9e51d04b86", AsOf: "2026-11-21", PublishedAt: asOf.Add(26 * time.Hour), Groups: 3,
		Business: portal.Business{Name: name("business", 0), Currency: "RUB", Language: "ru"},
	}
	rows := clientRows(n, all, name)
	n.Summary = portal.Summarise(slices.Values(rows))
	n.Summary.OtherRevenue = []portal.OtherMoney{{Currency: "USD", RevenueMinor: 312_50}}
	n.Summary.AnonymousOrders = 214
	before := n.Summary
	before.Buyers -= 14
	before.RevenueMinor -= 184_300_00
	before.Active -= 6
	n.Previous = &portal.Previous{AsOf: "2026-11-20", Summary: before}
	n.ABC = portal.SummariseABC(abcRows(all, name), 50)
	n.Cohorts, n.Lifecycle = cohortRows(all), lifecycleRows(all)
	for _, s := range n.Playbook {
		sum := portal.SegmentSummary{Key: s.Key, Family: portal.FamilyPlaybook, Title: s.Title, Rule: "rfm_segment == " + strconv.Quote(s.Key)}
		for _, c := range n.Codes {
			if slices.Contains(s.Codes, c.Code) {
				sum.Clients += c.Clients
				sum.RevenueMinor += c.RevenueMinor
			}
		}
		n.Segments = append(n.Segments, sum)
	}
	n.Segments = append(n.Segments, portal.SegmentSummary{
		Key: "asleep-coffee", Family: portal.FamilyOwn, Entered: new(int64), Left: new(int64), Title: portal.Text{RU: name("segment", 0), EN: name("segment", 1)},
		Rule: `activity == "sleeping" && "coffee" in categories`, Clients: 311, RevenueMinor: 1_204_350_00,
	})
	for day := range 12 {
		for s := range 3 {
			events := int64(40 + (day*7+s*13)%23)
			row := schema.LedgerRow{Day: dayBefore(day), Source: name("source", s), Events: events, Duplicates: int64(s), Balanced: true}
			if day == 3 {
				row.Failed = 2
			}
			row.Received = row.Events + row.Duplicates + row.Failed
			n.Ledger = append(n.Ledger, row)
		}
	}
	n.Quality, n.Merges = qualityRows(n.Summary.Clients, name), mergeSummary(all)
	n.Failures = map[string]portal.Text{"no_contact": {RU: "Нет ни телефона, ни почты.", EN: "There is neither a phone nor an e-mail."}}
	n.Recognised = []portal.RecognisedFile{{
		Name: name("file", 0), Kind: portal.Text{RU: "Заказы", EN: "Orders"}, Rows: 21_340, Failed: 3, Format: "CSV, windows-1251, «;»",
		Columns: []portal.RecognisedColumn{{Column: name("column", 0), Field: "client"}, {Column: "Дата", Field: "date"}, {Column: "Сумма", Field: "amount"}, {Column: "Комментарий"}},
		Notes:   []portal.Text{{RU: "Даты прочитаны как день.месяц.год.", EN: "Dates were read as day.month.year."}},
	}}
	n.NoAudience = []portal.Text{{RU: "В файле нет столбца с согласием на рекламу.", EN: "The file has no column with consent to advertising."}}
	return n
}

// clientRows scores the buyers and fills codes, thresholds and the playbook.
func clientRows(n *portal.Night, all []buyer, name naming) []schema.ClientRow {
	var r, f, m []float64
	for _, b := range all {
		r, f, m = append(r, float64(b.recency())), append(f, float64(len(b.days))), append(m, float64(b.revenue()))
	}
	bounds := map[string][2]float64{}
	for metric, values := range map[string][]float64{"recency": r, "frequency": f, "monetary": m} {
		if len(values) > 0 {
			bounds[metric] = [2]float64{tercile(values, 1), tercile(values, 2)}
		}
	}
	for _, metric := range []string{"frequency", "monetary", "recency"} {
		pair := bounds[metric]
		n.Thresholds = append(n.Thresholds, schema.ThresholdRow{Metric: metric, Entity: "client", Rule: "quantile", Bound1: &pair[0], Bound2: &pair[1]})
	}
	score := func(metric string, v float64) int64 {
		s := int64(1)
		for _, bound := range bounds[metric] {
			if v > bound {
				s++
			}
		}
		return s
	}
	codes := map[string]*schema.RFMCodeRow{}
	for a := 1; a <= 3; a++ {
		for b := 1; b <= 3; b++ {
			for c := 1; c <= 3; c++ {
				code := fmt.Sprintf("%d%d%d", a, b, c)
				codes[code] = &schema.RFMCodeRow{Code: code}
			}
		}
	}
	playbook, err := analytics.PlaybookOf(config.Default().Metrics.RFM)
	if err != nil {
		panic(err)
	}
	for _, s := range playbook.Segments() {
		for _, code := range s.Codes {
			codes[code].Segment = s.Key
		}
		ru, en := s.Advice("ru", true), s.Advice("en", true)
		n.Playbook = append(n.Playbook, portal.PlaybookSegment{
			Key: s.Key, Codes: s.Codes, Title: portal.Text{RU: ru.Title, EN: en.Title}, Meaning: portal.Text{RU: ru.Meaning, EN: en.Meaning},
			Do: portal.Text{RU: ru.Do, EN: en.Do}, DoNot: portal.Text{RU: ru.DoNot, EN: en.DoNot},
			Bounds: portal.Text{RU: analytics.Bounds(s.Codes, n.Thresholds, "ru"), EN: analytics.Bounds(s.Codes, n.Thresholds, "en")},
		})
	}
	n.CodeNotes = []portal.CodeNote{{Code: "213", Meaning: portal.Text{RU: "Одна крупная покупка, уже давно.", EN: "One large purchase, a while ago."}, Do: portal.Text{RU: "Позвоните сами.", EN: "Call them yourself."}}}
	var rows []schema.ClientRow
	for i, b := range all {
		recency, orders := int64(b.recency()), int64(len(b.days))
		rs, fs, ms := 4-score("recency", float64(recency)), score("frequency", float64(orders)), score("monetary", float64(b.revenue()))
		code := fmt.Sprintf("%d%d%d", rs, fs, ms)
		last, first, class := dayBefore(b.recency()), dayBefore(b.days[0]), "B"
		row := schema.ClientRow{
			ClientID: b.id, Orders: orders, RevenueMinor: b.revenue(), RecencyDays: &recency, LastOrderDay: &last, FirstOrderDay: &first,
			RFMCode: &code, ABC: &class, Activity: "active",
		}
		switch {
		case recency > 365:
			row.Activity = "sleeping"
		case recency > 90:
			row.Activity = "cooling"
		}
		if i%3 == 0 {
			row.Consents = schema.MapOf(map[string]string{"ads": "given"})
		}
		codes[code].Clients++
		codes[code].RevenueMinor += b.revenue()
		rows = append(rows, row)
	}
	for i := range 640 { // people who only asked
		rows = append(rows, schema.ClientRow{ClientID: fmt.Sprintf("%s%d", name("lead", i), i), Activity: "waiting"})
	}
	for _, c := range codes {
		if len(all) > 0 {
			c.Share = float64(c.Clients) / float64(len(all))
		}
		n.Codes = append(n.Codes, *c)
	}
	slices.SortFunc(n.Codes, func(a, b schema.RFMCodeRow) int { return strings.Compare(a.Code, b.Code) })
	return rows
}

func abcRows(all []buyer, name naming) []schema.ABCRow {
	class := func(entity string, amounts map[string]int64) []schema.ABCRow {
		var rows []schema.ABCRow
		total := int64(0)
		for id, amount := range amounts {
			rows = append(rows, schema.ABCRow{Entity: entity, ID: id, RevenueMinor: amount})
			total += amount
		}
		slices.SortFunc(rows, func(a, b schema.ABCRow) int {
			return cmp.Or(cmp.Compare(b.RevenueMinor, a.RevenueMinor), strings.Compare(a.ID, b.ID))
		})
		before := int64(0)
		for i := range rows {
			share := float64(before) / float64(total)
			rows[i].Class = "C"
			if share < 0.80 {
				rows[i].Class = "A"
			} else if share < 0.95 {
				rows[i].Class = "B"
			}
			before += rows[i].RevenueMinor
			rows[i].Share, rows[i].CumulativeShare = float64(rows[i].RevenueMinor)/float64(total), float64(before)/float64(total)
		}
		return rows
	}
	clients, items, categories := map[string]int64{}, map[string]int64{}, map[string]int64{}
	for i, b := range all {
		clients[b.id] = b.revenue()
		items[name("item", (i*i+i)%12%(1+i%12))] += b.revenue()
		categories[name("category", (i*i)%6%(1+i%6))] += b.revenue()
	}
	return slices.Concat(class("category", categories), class("client", clients), class("item", items))
}

func monthOf(days int) string { return asOf.AddDate(0, 0, -days).Format("2006-01") }

func monthsBetween(from, to string) int64 {
	var y1, m1, y2, m2 int64
	fmt.Sscanf(from, "%d-%d", &y1, &m1)
	fmt.Sscanf(to, "%d-%d", &y2, &m2)
	return (y2-y1)*12 + m2 - m1
}

func cohortRows(all []buyer) []schema.CohortRow {
	sizes := map[string]int64{}
	active := map[string]map[int64]int64{}
	revenue := map[string]map[int64]int64{}
	for _, b := range all {
		first := monthOf(b.days[0])
		sizes[first]++
		if active[first] == nil {
			active[first], revenue[first] = map[int64]int64{}, map[int64]int64{}
		}
		seen := map[int64]bool{}
		for i, day := range b.days {
			k := monthsBetween(first, monthOf(day))
			if !seen[k] {
				active[first][k]++
				seen[k] = true
			}
			revenue[first][k] += b.amounts[i]
		}
	}
	var rows []schema.CohortRow
	for first, size := range sizes {
		cumulative := int64(0)
		last := monthsBetween(first, monthOf(0))
		for k := int64(0); k <= last; k++ {
			cumulative += revenue[first][k]
			rows = append(rows, schema.CohortRow{
				CohortMonth: first, Period: k, Clients: size, Active: active[first][k], Retention: float64(active[first][k]) / float64(size),
				RevenueMinor: revenue[first][k], CumulativeRevenueMinor: cumulative, Complete: k < last,
			})
		}
	}
	slices.SortFunc(rows, func(a, b schema.CohortRow) int {
		return cmp.Or(strings.Compare(a.CohortMonth, b.CohortMonth), cmp.Compare(a.Period, b.Period))
	})
	return rows
}

func lifecycleRows(all []buyer) []schema.LifecycleRow {
	rows := map[string]*schema.LifecycleRow{}
	at := func(m string) *schema.LifecycleRow {
		if rows[m] == nil {
			rows[m] = &schema.LifecycleRow{Month: m}
		}
		return rows[m]
	}
	for _, b := range all {
		previous := ""
		for _, day := range b.days {
			switch m := monthOf(day); {
			case m == previous:
			case previous == "":
				at(m).New++
				previous = m
			case monthsBetween(previous, m) == 1:
				at(m).Returning++
				previous = m
			default:
				at(m).Resurrected++
				previous = m
			}
		}
	}
	var out []schema.LifecycleRow
	for _, r := range rows {
		out = append(out, *r)
	}
	slices.SortFunc(out, func(a, b schema.LifecycleRow) int { return strings.Compare(a.Month, b.Month) })
	for i := range out {
		out[i].Dormant = int64(i * 37)
	}
	return out
}

// reader serves a night from memory. Its zero value has none.
type reader struct {
	handing

	night   *portal.Night
	name    naming
	opened  []portal.Caller
	url     string
	bundles []portal.ExportBundle
	failed  bool
	err     error
}

func newReader(n *portal.Night, name naming) *reader {
	given := time.Date(2026, 11, 20, 9, 30, 0, 0, time.UTC)
	text := func(ru, en string) portal.Text { return portal.Text{RU: ru, EN: en} }
	return &reader{handing: newHanding(name), night: n, name: name, failed: true, bundles: []portal.ExportBundle{
		{
			ID: "a1b2c3d4e5f60718293a4b5c6d7e8f90", Segment: "cant_lose", SegmentTitle: text("Нельзя потерять", "Can't lose"), Platform: "yandex",
			PlatformTitle: text("Яндекс Аудитории", "Yandex Audience"), AsOf: "2026-11-21", Members: 1204, Clients: 871, GivenAt: &given,
			Excluded: []portal.Refusal{{"no_consent", text("Нет согласия на эту цель.", "There is no consent for this purpose."), 288}, {"no_identifier", text("Нет ни телефона, ни адреса почты, которые принимает площадка.", "There is neither a phone nor an e-mail the platform takes."), 45}},
			Files: []portal.ExportFile{
				{Name: "full.csv", About: text("Весь список: загрузите, если сегмент создаётся впервые.", "The whole list: upload it when the segment is made for the first time."), Rows: 871, Bytes: 57_512, Written: true},
				{Name: "remove.csv", Change: "remove", Rows: 131, Bytes: 8_912, Written: true},
				{Name: "add.csv", Change: "add", Waiting: 18, WaitingSince: "2026-11-09", Rows: 18, Refused: text("В файле меньше 100 строк: площадка такой не примет.", "The file has fewer than 100 rows: the platform will not take it.")},
			},
			BeforeUpload: []portal.Text{text("Выберите «Данные CRM» и отметьте, что данные захешированы.", "Choose “CRM data” and say that the data are hashed.")},
		},
		{
			ID: "b1b2c3d4e5f60718293a4b5c6d7e8f91", Segment: "cant_lose", SegmentTitle: text("Нельзя потерять", "Can't lose"), Platform: "vk", Name: "list-1a2b3c4d",
			PlatformTitle: text("VK Реклама", "VK Ads"), AsOf: "2026-11-21", Members: 1204, Clients: 902,
			Files:    []portal.ExportFile{{Name: "full.txt", Rows: 902, Bytes: 1_204_331, Written: true}},
			Excluded: []portal.Refusal{{"no_consent", text("Нет согласия на эту цель.", "There is no consent for this purpose."), 302}},
		},
		{
			ID: "c1b2c3d4e5f60718293a4b5c6d7e8f92", Segment: "champions", SegmentTitle: text(name("segment", 2), name("segment", 2)), Platform: "google",
			PlatformTitle: text("Google Ads", "Google Ads"), AsOf: "2026-11-21", Members: 412, Refused: text("Никто из сегмента не разрешил рекламу.", "Nobody in the segment allows advertising."),
			Warnings: []portal.Text{text("Площадка не обслуживает рекламодателей из России.", "The platform does not serve advertisers in Russia.")},
		},
	}}
}

func (r *reader) Night(context.Context) (*portal.Night, error) {
	if r.err != nil {
		return nil, r.err
	}
	if r.night == nil {
		return nil, portal.ErrNoNight
	}
	return r.night, nil
}

func (r *reader) Clients(_ context.Context, _ portal.ClientFilter, limit int) ([]schema.ClientRow, int64, error) {
	var rows []schema.ClientRow
	for i := range 60 {
		day, recency, code := dayBefore(i+200), int64(i+200), "133"
		row := schema.ClientRow{ClientID: fmt.Sprintf("%s-%016x", r.name("client", i), i*7919), Orders: int64(3 + i%5), RevenueMinor: int64(9_000_000 - i*70_000), RFMCode: &code}
		if i%7 != 0 {
			row.LastOrderDay, row.RecencyDays = &day, &recency
		}
		rows = append(rows, row)
	}
	return rows[:min(limit, len(rows))], 1204, nil
}

func (r *reader) Exports(context.Context) ([]portal.ExportBundle, error) { return r.bundles, nil }

func (r *reader) OpenExport(_ context.Context, id, file string, who portal.Caller) (portal.Download, error) {
	for _, b := range r.bundles {
		for _, f := range b.Files {
			if b.ID == id && f.Name == file && f.Written {
				r.opened = append(r.opened, who)
				if r.url != "" {
					return portal.Download{URL: r.url}, nil
				}
				return portal.Download{Name: file, ContentType: "text/csv", Size: 5, Body: io.NopCloser(strings.NewReader("a;b\n1"))}, nil
			}
		}
	}
	return portal.Download{}, portal.ErrNotFound
}

func (r *reader) Today(context.Context) (portal.Today, error) {
	at := asOf.Add(31 * time.Hour)
	today := portal.Today{Sources: []portal.SourceState{{Name: r.name("source", 0), Kind: "form", LastAt: &at}, {Name: r.name("source", 1), Kind: "tilda", LastAt: &at}, {Name: r.name("source", 2), Kind: "json"}}}
	if r.failed {
		today.Failed = []portal.FailedCount{{Source: r.name("source", 1), Reason: "malformed_json", Text: portal.Text{RU: "Тело не похоже на JSON.", EN: "The body is not JSON."}, Count: 6}}
		today.Unfetched = []portal.UnfetchedCount{{Source: r.name("source", 2), Waiting: 4, GaveUp: 1, Problem: portal.Text{RU: "Система не отвечает.", EN: "The system does not answer."}}}
	}
	return today, nil
}
