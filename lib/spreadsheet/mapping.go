package spreadsheet

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Assignment is one field=column of a Map.
type Assignment struct {
	Field  Field
	Column string // header text or 1-based number; "-" = the field is in no column
	Value  string // one value for all rows, where Column is empty
}

// Map is the user's own assignment of columns, in the order given.
type Map []Assignment

// ParseMap reads the -map flag: field=column, separated by commas; a column is a
// header's text (small and capital letters, blanks and signs do not matter) or a
// number from 1 on. field=- leaves a field out, field==text gives every row one
// value. A text that holds a comma stands in quotation marks:
// amount="Сумма, руб". Errors match ErrOption.
func ParseMap(s string) (Map, error) {
	var m Map
	for _, part := range splitQuoted(s) {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		name, column, ok := strings.Cut(part, "=")
		field := Field(strings.ToLower(strings.TrimSpace(name)))
		value, constant := strings.CutPrefix(column, "=")
		column, value = unquoteText(column), unquoteText(value)
		if !ok || field == "" || column == "" || constant && value == "" {
			return nil, fmt.Errorf("%w: -map wants field=column, separated by commas", ErrOption)
		}
		if constant {
			column = ""
		} else {
			value = ""
		}
		m = append(m, Assignment{Field: field, Column: column, Value: value})
	}
	return m, nil
}

func splitQuoted(s string) []string {
	var parts []string
	quoted, from := false, 0
	for i := range len(s) {
		switch {
		case s[i] == '"':
			quoted = !quoted
		case s[i] == ',' && !quoted:
			parts = append(parts, s[from:i])
			from = i + 1
		}
	}
	return append(parts, s[from:])
}

func unquoteText(s string) string {
	s = strings.TrimSpace(s)
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		s = strings.TrimSpace(s[1 : len(s)-1])
	}
	return s
}

// names tells whether the map asks for a header of this key.
func (m Map) names(key string) bool {
	return key != "" && slices.ContainsFunc(m, func(a Assignment) bool { return headerKey(a.Column) == key })
}

// Column says what a field is read from.
type Column struct {
	Field     Field
	Index     int    // 0-based; -1 = the same value in every row
	Header    string // empty where the file has no header
	Value     string // where Index is -1
	Mapped    bool   // by the user's map, not by the header
	DateOrder DateOrder
	Decimal   DecimalStyle
	Style     string // how dates or numbers are written, in words for people
	From      string // header of the column whose style decided this one's
	Currency  string // named by the header
}

// recogniseColumns finds the kind of the file and a column for every field.
func (t *Table) recogniseColumns() error {
	for row, err := range t.Rows() {
		if err != nil {
			if !isRowError(err) {
				return err
			}
			continue
		}
		if t.Sample = append(t.Sample, row); len(t.Sample) == sampleLines {
			break
		}
	}
	if t.Kind == "" || t.Kind == CostsFile {
		t.Platform = platformOf(t.Header)
	}
	if t.Kind == "" {
		if err := t.recogniseKind(); err != nil {
			return err
		}
	}
	if t.Kind != CostsFile {
		t.Platform = ""
	}
	columns, err := t.assign(t.Kind)
	if err != nil {
		return err
	}
	t.Columns = columns
	if err := t.required(); err != nil {
		return err
	}
	taken := map[int]bool{}
	for _, c := range t.Columns {
		taken[c.Index] = true
		if c.Index >= 0 && c.Field.isMoney() && inThousands(c.Header) {
			return t.fault(ErrMissing, c.Header, "the header says thousands or millions; give the sums in whole units")
		}
	}
	for i := range t.width {
		if !taken[i] {
			t.Unused = append(t.Unused, i)
		}
	}
	t.Sample = t.Sample[:min(len(t.Sample), 20)]
	return nil
}

// recogniseKind decides by what the columns are, or asks.
func (t *Table) recogniseKind() error {
	has := func(kind Kind, fields ...Field) bool {
		words := t.vocabulary(kind)
		for _, f := range fields {
			if slices.ContainsFunc(t.opts.Map, func(a Assignment) bool { return a.Field == f && a.Column != "-" }) {
				return true
			}
			for _, h := range t.Header {
				if got, ok := words.field(h); ok && got == f {
					return true
				}
			}
		}
		return false
	}
	somebody := has(OrdersFile, Client, Phone, Email, person)
	switch {
	case t.Platform != "" && has(CostsFile, Amount, Micros):
		t.Kind = CostsFile // whoever its columns name is an advertiser
	case somebody && has(OrdersFile, Amount, ItemSum, Price) && has(OrdersFile, Date):
		t.Kind = OrdersFile
	case !somebody && has(CostsFile, Amount, Micros) && has(CostsFile, Date, Month) && has(CostsFile, Source, Campaign, Clicks, Impressions):
		t.Kind = CostsFile
	case somebody && !has(OrdersFile, Amount, ItemSum, Price):
		t.Kind = LeadsFile
	default:
		return t.fault(ErrAmbiguous, "", "the columns do not say whether these are orders, leads or costs; say it with -kind; "+t.found())
	}
	return nil
}

// assign gives each field its column for one kind of file, in the order of the
// table of fields, consents last.
func (t *Table) assign(kind Kind) ([]Column, error) {
	known := fieldsOf(kind)
	var columns []Column
	taken, settled := map[int]bool{}, map[Field]bool{}
	for _, a := range t.opts.Map {
		_, isConsent := a.Field.purpose()
		if !slices.Contains(known, a.Field) && (!isConsent || kind == CostsFile) {
			return nil, t.fault(ErrOption, "", "-map names the field "+strconv.Quote(oneLine(string(a.Field)))+", which "+string(kind)+" do not have; the fields are "+joinFields(known))
		}
		if settled[a.Field] && (!a.Field.several() || a.Column == "-" || a.Column == "") {
			return nil, t.fault(ErrOption, "", "-map names the field "+string(a.Field)+" twice")
		}
		settled[a.Field] = true
		switch a.Column {
		case "-":
		case "":
			if day, ok := constantDay(a.Value); ok && kind == CostsFile && a.Field == Date {
				a.Value = day
			} else if a.Field.isDate() || a.Field.isNumber() {
				return nil, t.fault(ErrOption, "", "-map cannot give the field "+string(a.Field)+" one value for all rows")
			}
			columns = append(columns, Column{Field: a.Field, Index: -1, Value: a.Value, Mapped: true})
		default:
			i, err := t.find(a)
			if err != nil {
				return nil, err
			}
			taken[i] = true
			columns = append(columns, t.column(a.Field, i, true))
		}
	}
	recognised, err := t.recognise(kind, taken, settled)
	if err != nil {
		return nil, err
	}
	if err := t.settlePerson(recognised, settled); err != nil {
		return nil, err
	}
	if at := recognised[Name]; len(at) > 0 && len(recognised[LastName]) > 0 && !settled[FirstName] && len(recognised[FirstName]) == 0 {
		// "Имя" beside "Фамилия" is the first name.
		recognised[FirstName] = at
		delete(recognised, Name)
	}
	for f, at := range recognised {
		for _, i := range at {
			columns = append(columns, t.column(f, i, false))
		}
	}
	if kind == CostsFile {
		if columns, err = t.settleSource(columns); err != nil {
			return nil, err
		}
		if !settled[Date] {
			if columns, err = t.settlePeriod(columns); err != nil {
				return nil, err
			}
		}
	}
	place := func(f Field) int {
		if i := slices.Index(known, f); i >= 0 {
			return i
		}
		return len(known)
	}
	slices.SortFunc(columns, func(a, b Column) int {
		if d := place(a.Field) - place(b.Field); d != 0 {
			return d
		}
		if d := strings.Compare(string(a.Field), string(b.Field)); d != 0 {
			return d
		}
		return a.Index - b.Index
	})
	return columns, nil
}

// recognise finds the columns of each field by their headers. Of several columns
// for one field that of the lowest rank counts; equals are asked about.
func (t *Table) recognise(kind Kind, taken map[int]bool, settled map[Field]bool) (map[Field][]int, error) {
	words := t.vocabulary(kind)
	recognised, ranks := map[Field][]int{}, map[Field]int{}
	for i, h := range t.Header {
		m, ok := words.meaning(h)
		if !ok || taken[i] || settled[m.field] {
			continue
		}
		if best, found := ranks[m.field]; !found || m.rank < best {
			recognised[m.field], ranks[m.field] = nil, m.rank
		} else if m.rank > best {
			continue
		}
		recognised[m.field] = append(recognised[m.field], i)
	}
	for i := range t.Header {
		m, _ := words.meaning(t.Header[i])
		at := recognised[m.field]
		if len(at) < 2 || at[0] != i || m.field.several() || m.field == person {
			continue
		}
		if !m.field.first() {
			return nil, t.fault(ErrAmbiguous, "", fmt.Sprintf("the columns %q and %q both look like %s; choose one with -map %s=%s",
				oneLine(t.Header[i]), oneLine(t.Header[at[1]]), m.field, m.field, mapText(t.Header[at[1]])))
		}
		recognised[m.field] = at[:1]
	}
	if kind == CostsFile {
		t.leaveOut(recognised, ranks)
	}
	return recognised, nil
}

// leaveOut drops what a costs file's other columns make meaningless: in a report
// of days the period that Meta repeats in each row, and in a cabinet's report a
// channel, a site or a budget.
func (t *Table) leaveOut(recognised map[Field][]int, ranks map[Field]int) {
	words := t.vocabulary(CostsFile)
	for _, h := range t.Header {
		if m, _ := words.meaning(h); m.field == Date && m.rank > ranks[Date] && len(recognised[Date]) > 0 {
			delete(recognised, DateEnd)
		}
	}
	for _, f := range []Field{Source, Amount} {
		if t.Platform != "" && ranks[f] > 0 {
			delete(recognised, f)
		}
	}
}

// settlePerson decides what stands under a header such as "Клиент": ids are the
// client; names beside another identifier are the name; names alone are asked
// about, because namesakes would become one client.
func (t *Table) settlePerson(recognised map[Field][]int, settled map[Field]bool) error {
	at := recognised[person]
	delete(recognised, person)
	if len(at) == 0 {
		return nil
	}
	header := t.Header[at[0]]
	if len(at) > 1 {
		return t.fault(ErrAmbiguous, "", fmt.Sprintf("the columns %q and %q both look like client; choose one with -map client=%s",
			oneLine(header), oneLine(t.Header[at[1]]), mapText(header)))
	}
	values := make([]string, 0, len(t.Sample))
	for _, row := range t.Sample {
		if at[0] < len(row.Cells) {
			values = append(values, clean(row.Cells[at[0]]))
		}
	}
	have := func(f Field) bool { return settled[f] || len(recognised[f]) > 0 }
	switch names := looksLikeNames(values); {
	case !names && !have(Client):
		recognised[Client] = at
	case names && (have(Client) || have(Phone) || have(Email)):
		if !have(Name) {
			recognised[Name] = at
		}
	case names:
		return t.fault(ErrAmbiguous, header, "the column holds names, and namesakes would become one client; add a column with phone, email or an id, or accept it with -map client="+mapText(header))
	}
	return nil
}

func (t *Table) column(f Field, i int, mapped bool) Column {
	c := Column{Field: f, Index: i, Mapped: mapped}
	if i < len(t.Header) {
		c.Header = t.Header[i]
		if f.isMoney() {
			_, c.Currency, _ = cutCurrency(c.Header)
		}
	}
	return c
}

// amountColumn is the column that says what a row is worth: the amount, else the
// sum of the line, else the price, which the quantity multiplies.
func (t *Table) amountColumn() *Column {
	for _, f := range []Field{Amount, Micros, ItemSum, Price} {
		for i := range t.Columns {
			if t.Columns[i].Field == f {
				return &t.Columns[i]
			}
		}
	}
	return nil
}

// find gives the 0-based column an assignment means.
func (t *Table) find(a Assignment) (int, error) {
	at := -1
	for i, h := range t.Header {
		if headerKey(h) != headerKey(a.Column) || headerKey(h) == "" {
			continue
		}
		if at >= 0 {
			return 0, t.fault(ErrAmbiguous, h, "two columns have this header; name one by its number: -map "+string(a.Field)+"="+strconv.Itoa(at+1)+" or "+strconv.Itoa(i+1))
		}
		at = i
	}
	if at >= 0 {
		return at, nil
	}
	if n, err := strconv.Atoi(a.Column); err == nil {
		if n >= 1 && n <= t.width {
			return n - 1, nil
		}
		return 0, t.fault(ErrOption, "", "-map "+string(a.Field)+"="+a.Column+": the file has "+strconv.Itoa(t.width)+" columns")
	}
	return 0, t.fault(ErrOption, a.Column, "-map "+string(a.Field)+" names a column that is not there; "+t.found())
}

// required checks that the kind has the columns it cannot do without.
func (t *Table) required() error {
	has := func(fields ...Field) bool {
		return slices.ContainsFunc(t.Columns, func(c Column) bool { return slices.Contains(fields, c.Field) })
	}
	need := func(what, example string) error {
		return t.fault(ErrMissing, "", "there is no column for "+what+"; name it with -map "+example+"=COLUMN; "+t.found())
	}
	switch t.Kind {
	case OrdersFile:
		if !has(Client, Phone, Email) {
			return need("the client (client, phone or email)", "client")
		}
		if !has(Date) {
			return need("the date", "date")
		}
		if !has(Amount, ItemSum, Price) {
			return need("the amount", "amount")
		}
	case LeadsFile, ClientsFile:
		if !has(Client, Phone, Email) {
			return need("the client (phone, email or client)", "phone")
		}
	case CostsFile:
		if !has(Date, Month) {
			return t.fault(ErrMissing, "", "there is no column for the day; export the report by day, name the column with -map date=COLUMN, or say the month that all rows are of with -map date==2026-11; "+t.found())
		}
		if !has(Amount, Micros) {
			return need("the amount", "amount")
		}
		if !has(Source) {
			return t.fault(ErrMissing, "", "there is no column for the source; name it with -map source=COLUMN, give all rows one with -map source==yandex (or vk, google, facebook), or begin the file's name with it, as in yandex-2026-11.csv; "+t.found())
		}
		if t.Platform == "telegram" && !has(Campaign) && !slices.ContainsFunc(t.opts.Map, func(a Assignment) bool { return a.Field == Campaign }) {
			return t.fault(ErrMissing, "", "the report does not say which ad it is of; name its campaign with -map campaign==NAME, or say with -map campaign=- that it is of the whole account")
		}
	}
	return nil
}

// found lists the headers for a message. A file without a header is described by
// its number of columns only: its first row is somebody's data.
func (t *Table) found() string {
	if t.HeaderRow == 0 || len(t.Header) == 0 {
		return "no header was recognised, the columns have the numbers 1 to " + strconv.Itoa(t.width)
	}
	return "columns found: " + quoteList(t.Header)
}

func quoteList(names []string) string {
	var out []string
	for i, n := range names {
		if i == 40 {
			out = append(out, "...")
			break
		}
		if n != "" {
			out = append(out, strconv.Quote(oneLine(n)))
		}
	}
	return strings.Join(out, ", ")
}

func joinFields(fields []Field) string {
	out := make([]string, len(fields))
	for i, f := range fields {
		out[i] = string(f)
	}
	return strings.Join(out, " ")
}

// mapText is a header as -map takes it.
func mapText(header string) string {
	header = oneLine(header)
	if strings.ContainsAny(header, ", ") {
		return `"` + header + `"`
	}
	return header
}
