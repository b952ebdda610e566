package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/leadlake/leadlake/lib/analytics"
	"github.com/leadlake/leadlake/lib/audience"
	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/money"
)

// demoWords are the words of the summary in one language.
type demoWords struct {
	title                                                     string // business, day
	posts, events, pings, failed, duplicates, balanced        string
	notBalanced, newEvents                                    string
	base, clients, buyers, leads, orders, purchases           string
	anonymous, revenue, other, noRate, consent, consentBuyers string
	segment, segments, files, tooSmall, noRows                string
	written                                                   string // files, bundles without one
	all                                                       string
	group, point                                              string
}

func demoWordsIn(language string) demoWords {
	if language == "en" {
		return demoWords{
			title: "%s: two years up to %s",
			posts: "posts acknowledged", events: "became events", pings: "connection tests", failed: "kept as failed: %s",
			duplicates: "repeats recognised", balanced: "The ledger balances: every delivery has one outcome.",
			notBalanced: "The ledger does NOT balance.", newEvents: "events",
			base: "Client base", clients: "clients", buyers: "of them buyers", leads: "leads", orders: "orders", purchases: "of them purchases",
			anonymous: "purchases without a client", revenue: "revenue", other: "outside the revenue: %s", noRate: "no rate",
			consent: "allow advertising", consentBuyers: "of them buyers",
			segment: "segment", segments: "Segments of the RFM matrix and who stands in the audience files",
			files: "Audience files: %s written; %s of %s bundles without a file", tooSmall: "too few", noRows: "nobody",
			written: "They lie under %s; the reason of each refusal stands in its manifest.json.",
			all:     "all buyers", group: ",", point: ".",
		}
	}
	return demoWords{
		title: "%s: два года по %s",
		posts: "запросов принято", events: "стали событиями", pings: "проверки связи", failed: "отложены с причиной: %s",
		duplicates: "повторы распознаны", balanced: "Журнал сходится: у каждой доставки ровно один исход.",
		notBalanced: "Журнал НЕ сходится.", newEvents: "событий",
		base: "Клиентская база", clients: "клиентов", buyers: "из них покупатели", leads: "заявок", orders: "заказов", purchases: "из них покупки",
		anonymous: "покупок без клиента", revenue: "выручка", other: "вне выручки: %s", noRate: "нет курса",
		consent: "согласны на рекламу", consentBuyers: "из них покупатели",
		segment: "сегмент", segments: "Сегменты RFM-матрицы и сколько клиентов в файлах аудиторий",
		files: "Файлы аудиторий: записано %s; наборов без файла: %s из %s", tooSmall: "мало", noRows: "никого",
		written: "Они лежат в %s; причина каждого отказа записана в manifest.json набора.",
		all:     "все покупатели", group: "\u202f", point: ",",
	}
}

// count writes a whole number with its thousands apart.
func (w demoWords) count(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = "−", digits[1:]
	}
	return sign + w.apart(digits)
}

func (w demoWords) apart(digits string) string {
	var out strings.Builder
	for i, digit := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			out.WriteString(w.group)
		}
		out.WriteRune(digit)
	}
	return out.String()
}

// amount writes money with its currency.
func (w demoWords) amount(minor int64, currency string) string {
	text := money.Decimal(minor, currency)
	sign := ""
	if rest, ok := strings.CutPrefix(text, "-"); ok {
		sign, text = "−", rest
	}
	whole, fraction, ok := strings.Cut(text, ".")
	text = w.apart(whole)
	if ok {
		text += w.point + fraction
	}
	if currency == "RUB" {
		currency = "₽"
	}
	return sign + text + "\u00a0" + currency
}

// each writes the entries of a map in the order of its keys.
func (w demoWords) each(counts map[string]int64, one func(key string, n int64) string) string {
	var list []string
	for _, key := range slices.Sorted(maps.Keys(counts)) {
		list = append(list, one(key, counts[key]))
	}
	return strings.Join(list, ", ")
}

// print writes the summary for people, in the business's language if none is given.
func (s demoSummary) print(out io.Writer, language string) error {
	if language == "" {
		language = s.Language
	}
	w := demoWordsIn(language)
	var text strings.Builder
	heading := fmt.Sprintf(w.title, s.Business, s.AsOf)
	fmt.Fprintf(&text, "%s\n%s\n\n", heading, strings.Repeat("═", utf8.RuneCountInString(heading)))
	failed := int64(0)
	for _, n := range s.Failed {
		failed += n
	}
	writeTable(&text, [][]string{
		{w.count(int64(s.Posts)), w.posts},
		{w.count(s.Deliveries), w.events + " (" + w.count(s.Events) + " " + w.newEvents + ")"},
		{w.count(s.Pings), w.pings},
		{w.count(failed), fmt.Sprintf(w.failed, w.each(s.Failed, func(reason string, n int64) string { return reason + " " + w.count(n) }))},
		{w.count(s.Duplicates), w.duplicates},
	}, true, false)
	if s.Balanced {
		fmt.Fprintf(&text, "%s\n\n", w.balanced)
	} else {
		fmt.Fprintf(&text, "%s\n\n", w.notBalanced)
	}
	fmt.Fprintf(&text, "%s\n", w.base)
	base := [][]string{
		{w.count(s.Clients), w.clients, w.count(s.Buyers), w.buyers},
		{w.count(s.Orders), w.orders, w.count(s.Purchases), w.purchases},
		{w.count(s.ConsentGiven), w.consent, w.count(s.AdBuyers), w.consentBuyers},
		{w.count(s.Leads), w.leads, w.count(s.AnonymousPurchases), w.anonymous},
	}
	writeTable(&text, base, true, false, true, false)
	fmt.Fprintf(&text, "  %s %s", w.revenue, w.amount(s.RevenueMinor, s.Currency))
	if len(s.OtherMinor) > 0 {
		other := w.each(s.OtherMinor, func(currency string, n int64) string { return w.amount(n, currency) })
		fmt.Fprintf(&text, " ("+w.other+", %s)", other, w.noRate)
	}
	fmt.Fprintf(&text, "\n\n%s\n", w.segments)
	s.segmentTable(&text, w, language)
	fmt.Fprintf(&text, "\n"+w.files+"\n"+w.written+"\n", w.count(int64(s.Files)), w.count(int64(s.Refused)), w.count(int64(len(s.Bundles))),
		"audiences/asof="+s.AsOf+"/")
	_, err := io.WriteString(out, text.String())
	return err
}

// segmentTable is one row a segment, one column a platform: how many clients
// stand in its files, or why there is none.
func (s demoSummary) segmentTable(text *strings.Builder, w demoWords, language string) {
	header := []string{w.segment, w.clients, w.revenue}
	right := []bool{false, true, true}
	var platforms []string
	for _, platform := range audience.Platforms() {
		if platform.OnRequest {
			continue
		}
		platforms = append(platforms, platform.Key)
		header = append(header, platform.Key)
		right = append(right, true)
	}
	titles := map[string]string{}
	// The demo's file leaves the playbook as it is.
	if playbook, err := analytics.PlaybookOf(config.Default().Metrics.RFM); err == nil {
		for _, segment := range playbook.Segments() {
			titles[segment.Key] = segment.Advice(language, false).Title
		}
	}
	rows := [][]string{header}
	row := func(key, title string, clients, revenue int64) {
		line := []string{title, w.count(clients), w.amount(revenue, s.Currency)}
		for _, platform := range platforms {
			line = append(line, s.cell(w, key, platform))
		}
		rows = append(rows, line)
	}
	total := int64(0)
	for _, segment := range s.Segments {
		row(segment.Segment, titles[segment.Segment], segment.Clients, segment.RevenueMinor)
		total += segment.RevenueMinor
	}
	row("buyers", w.all, s.Buyers, total)
	writeTable(text, rows, right...)
}

func (s demoSummary) cell(w demoWords, segment, platform string) string {
	for _, bundle := range s.Bundles {
		if bundle.Segment != segment || bundle.Platform != platform {
			continue
		}
		switch bundle.Refused {
		case "":
			return w.count(int64(bundle.Clients))
		case audience.RefusedTooSmall:
			return w.tooSmall
		default:
			return w.noRows
		}
	}
	return ""
}

// writeTable writes rows with their columns in line; right says which columns are
// numbers.
func writeTable(out *strings.Builder, rows [][]string, right ...bool) {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if right[i] {
				cell = pad + cell
			} else {
				cell += pad
			}
			line.WriteString("  " + cell)
		}
		out.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
}
