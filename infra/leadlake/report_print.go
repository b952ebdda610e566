package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/leadlake/leadlake/lib/money"
)

// printResult tells a person what was made: the numbers first, then the files.
func (r *reporter) printResult(result *reportResult) error {
	tag := language.English
	if r.cfg.Business.Language == "ru" {
		tag = language.Russian
	}
	printer := message.NewPrinter(tag)
	number := func(n int64) string { return strings.ReplaceAll(printer.Sprint(n), "\u00a0", "\u202f") }
	var lines [][2]string
	add := func(ru, en, value string) { lines = append(lines, [2]string{r.say(ru, en), value}) }
	add("по день", "as of", result.AsOf)
	add("клиентов", "clients", number(result.Clients))
	add("из них покупали", "of them buyers", number(result.Buyers))
	add("покупок", "orders", number(result.Orders))
	add("выручка", "revenue", moneyText(printer, result.RevenueMinor, result.Currency))
	if result.Leads > 0 {
		add("заявок", "leads", number(result.Leads))
	}
	rows, failed := 0, 0
	for _, in := range result.Inputs {
		rows, failed = rows+in.Rows, failed+in.Failed
	}
	add("строк прочитано", "rows read", number(int64(rows)))
	if failed > 0 {
		add("строк не прочитано", "rows not read", number(int64(failed))+" → "+filepath.Join(result.Out, failedName))
	}
	if result.Audiences > 0 {
		add("файлов аудиторий", "audience files", number(int64(result.Audiences))+" → "+filepath.Join(result.Out, audiencesName))
	}
	width := 0
	for _, line := range lines {
		width = max(width, utf8.RuneCountInString(line[0]))
	}
	var text strings.Builder
	for _, line := range lines {
		text.WriteString(line[0] + strings.Repeat(" ", width-utf8.RuneCountInString(line[0])+2) + line[1] + "\n")
	}
	if err := r.printFunnel(&text, printer, result); err != nil {
		return err
	}
	for _, why := range result.NoAudience {
		text.WriteString(why + "\n")
	}
	text.WriteString(r.say("отчёт: ", "report: ") + filepath.Join(result.Out, reportName) + "\n")
	_, err := fmt.Fprint(r.sys.Stdout, text.String())
	return err
}

// moneyText is a sum with the places of its currency, in the printer's style.
func moneyText(printer *message.Printer, minor int64, currency string) string {
	whole, fraction, _ := strings.Cut(money.Decimal(minor, currency), ".")
	var units int64
	_, _ = fmt.Sscan(whole, &units) // Decimal writes digits
	text := strings.ReplaceAll(printer.Sprint(units), "\u00a0", "\u202f")
	if units == 0 && minor < 0 {
		text = "-" + text
	}
	if fraction != "" {
		point := "."
		if strings.Contains(printer.Sprintf("%.1f", 0.5), ",") {
			point = ","
		}
		text += point + fraction
	}
	return text + " " + currency
}
