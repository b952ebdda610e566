package spreadsheet

import (
	"slices"
	"strconv"
	"strings"
)

// Describe says in Russian ("ru") or else in English what was recognised, a line
// for the file and a line for each field, for printing before the numbers. It
// shows headers and no values.
func (t *Table) Describe(lang string) string {
	say := func(en, ru string) string {
		if lang == "ru" {
			return ru
		}
		return en
	}
	var b strings.Builder
	b.WriteString(oneLine(t.Name) + ": " + t.kindName(say) + ", " + t.layoutName(say))
	switch {
	case t.HeaderRow > 0:
		b.WriteString(say(", header in row ", ", заголовок в строке ") + strconv.Itoa(t.HeaderRow))
	default:
		b.WriteString(say(", no header", ", без заголовка"))
	}
	b.WriteByte('\n')
	if len(t.Others) > 0 {
		b.WriteString(say("  not read, other sheets: ", "  не прочитаны другие листы: ") + quoteList(t.Others) + "\n")
	}
	for i := range t.Columns {
		b.WriteString("  " + t.columnLine(&t.Columns[i], say) + "\n")
	}
	if c := t.amountColumn(); t.Kind == OrdersFile && c != nil && c.Field != Amount {
		sum := string(c.Field)
		if c.Field == Price && slices.ContainsFunc(t.Columns, func(c Column) bool { return c.Field == Quantity }) {
			sum += " × quantity"
		}
		b.WriteString("  amount = " + sum + say(" of each row", " каждой строки") + "\n")
	}
	if len(t.Unused) > 0 {
		names := make([]string, 0, len(t.Unused))
		for _, i := range t.Unused {
			names = append(names, oneLine(t.nameOf(&Column{Index: i, Header: t.header(i)})))
		}
		b.WriteString(say("  not used: ", "  не используются: ") + strings.Join(names, ", ") + "\n")
	}
	return b.String()
}

func (t *Table) kindName(say func(en, ru string) string) string {
	switch t.Kind {
	case OrdersFile:
		return say("orders", "заказы")
	case LeadsFile:
		return say("leads", "заявки")
	case ClientsFile:
		return say("clients", "клиенты")
	}
	return say("costs", "расходы")
}

func (t *Table) layoutName(say func(en, ru string) string) string {
	if t.Format == "xlsx" {
		return "XLSX, " + say("sheet ", "лист ") + strconv.Quote(oneLine(t.Sheet))
	}
	charset := strings.ToUpper(t.Charset)
	switch t.Delimiter {
	case noDelimiter:
		return charset + ", " + say("one column", "один столбец")
	case whitespace:
		return charset + ", " + say("columns of blanks", "столбцы через пробелы")
	case '\t':
		return charset + ", " + say("delimiter TAB", "разделитель TAB")
	}
	return charset + ", " + say("delimiter ", "разделитель ") + strconv.Quote(string(rune(t.Delimiter)))
}

func (t *Table) columnLine(c *Column, say func(en, ru string) string) string {
	switch {
	case c.Index < 0 && !c.Mapped && c.Field == Source && t.Platform != "":
		return string(c.Field) + " ← " + say("always ", "всегда ") + strconv.Quote(c.Value) + say(" (by the columns)", " (по столбцам)")
	case c.Index < 0 && !c.Mapped && c.Field == Source:
		return string(c.Field) + " ← " + say("always ", "всегда ") + strconv.Quote(c.Value) + say(" (by the file's name)", " (по имени файла)")
	case c.Index < 0 && !c.Mapped:
		return string(c.Field) + " ← " + say("always ", "всегда ") + strconv.Quote(c.Value) + say(" (the period above the header)", " (период над заголовком)")
	case c.Index < 0:
		return string(c.Field) + " ← " + say("always ", "всегда ") + strconv.Quote(oneLine(c.Value)) + " (-map)"
	}
	line := string(c.Field) + " ← " + strconv.Itoa(c.Index+1)
	if c.Header != "" {
		line += " " + strconv.Quote(oneLine(c.Header))
	}
	var marks []string
	if c.Mapped {
		marks = append(marks, "-map")
	}
	if c.Style != "" {
		marks = append(marks, c.Style)
	}
	if c.From != "" {
		marks = append(marks, say("style as in ", "стиль как в ")+strconv.Quote(oneLine(c.From)))
	}
	if c.Currency != "" {
		marks = append(marks, c.Currency)
	}
	if len(marks) > 0 {
		line += " (" + strings.Join(marks, "; ") + ")"
	}
	return line
}
