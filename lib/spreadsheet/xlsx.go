package spreadsheet

import (
	"archive/zip"
	"errors"
	"io"
	"iter"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"
)

const defaultMaxUnzipped = 512 << 20

// workbook is an opened XLSX file. Nothing of it is written to temporary files,
// since they would be copies of personal data outside the store.
type workbook struct {
	file     *excelize.File
	date1904 bool
}

func (t *Table) openWorkbook() error {
	limit := t.opts.MaxUnzipped
	if limit <= 0 {
		limit = defaultMaxUnzipped
	}
	if err := t.checkZip(limit); err != nil {
		return err
	}
	file, err := excelize.OpenReader(io.NewSectionReader(t.src, 0, t.size), excelize.Options{
		RawCellValue:      true,
		UnzipSizeLimit:    limit,
		UnzipXMLSizeLimit: limit, // above it excelize would unpack to temporary files
	})
	if err != nil {
		return t.fault(ErrFormat, "", "the workbook is damaged; open it in a spreadsheet program and save it again")
	}
	t.book = &workbook{file: file}
	if props, err := file.GetWorkbookProps(); err == nil && props.Date1904 != nil {
		t.book.date1904 = *props.Date1904
	}
	return t.chooseSheet()
}

// checkZip looks into the container before anything is unpacked.
func (t *Table) checkZip(limit int64) error {
	container, err := zip.NewReader(t.src, t.size)
	if err != nil {
		return t.fault(ErrFormat, "", "the workbook is damaged or cut off; send it again")
	}
	most := uint64(max(limit, 0))
	var unpacked uint64
	found := false
	for _, f := range container.File {
		unpacked += f.UncompressedSize64
		if f.UncompressedSize64 > most || unpacked > most {
			return t.fault(ErrFormat, "", "the workbook unpacks to more than "+strconv.FormatInt(limit>>20, 10)+" MiB; split it or save it as CSV")
		}
		switch {
		case strings.EqualFold(f.Name, "xl/workbook.xml"):
			found = true
		case f.Name == "content.xml":
			return t.fault(ErrFormat, "", "this is an OpenDocument table; save it as .xlsx or CSV")
		case strings.EqualFold(f.Name, "xl/workbook.bin"):
			return t.fault(ErrFormat, "", "this is a binary workbook (.xlsb); save it as .xlsx or CSV")
		}
	}
	if !found {
		return t.fault(ErrFormat, "", "this archive is no workbook; unpack it and take the .xlsx or CSV inside")
	}
	return nil
}

// chooseSheet takes the sheet that was asked for, or the first one with cells, and
// notes which others have cells too.
func (t *Table) chooseSheet() error {
	if name := t.opts.Sheet; name != "" {
		if i, err := t.book.file.GetSheetIndex(name); err != nil || i < 0 {
			return t.fault(ErrOption, "", "there is no sheet of that name; it has "+quoteList(t.book.file.GetSheetList()))
		}
	}
	var first []record
	chosen := ""
	for _, sheet := range t.book.file.GetSheetList() {
		t.Sheet = sheet
		var rows []record
		for rec, err := range t.book.records(t) {
			if err != nil {
				break // a chart sheet, or one that is damaged: the chosen one is read again and reports it
			}
			if empty(rec.cells) {
				continue
			}
			if rows = append(rows, rec); len(rows) == sampleLines {
				break
			}
		}
		switch {
		case sheet == t.opts.Sheet, t.opts.Sheet == "" && first == nil && len(rows) > 0:
			first, chosen = rows, sheet
		case len(rows) > 0:
			t.Others = append(t.Others, sheet)
		}
	}
	if len(first) == 0 {
		return t.fault(ErrFormat, "", "the workbook, or the sheet asked for, has no cells")
	}
	t.Sheet = chosen
	header, _ := t.findHeader(first)
	width := 0
	for _, rec := range first[max(header, 0):] {
		width = max(width, len(rec.cells))
	}
	t.setHeader(first, header, width)
	return nil
}

// records gives the rows of the chosen sheet.
func (b *workbook) records(t *Table) iter.Seq2[record, error] {
	return func(yield func(record, error) bool) {
		number := 0
		rows, err := b.file.Rows(t.Sheet)
		if err != nil {
			yield(record{}, t.sheetFault(number, err))
			return
		}
		defer rows.Close() //nolint:errcheck // closes a reader of bytes in memory
		for rows.Next() {
			number++
			cells, err := rows.Columns(excelize.Options{RawCellValue: true})
			if err != nil {
				yield(record{}, t.sheetFault(number, err))
				return
			}
			if len(cells) == 0 {
				continue
			}
			for i, c := range cells {
				cells[i] = tidyNumber(c)
			}
			if !yield(record{line: number, raw: strings.Join(cells, "\t"), cells: cells}, nil) {
				return
			}
		}
		if err := rows.Error(); err != nil && !errors.Is(err, io.EOF) {
			yield(record{}, t.sheetFault(number, err))
		}
	}
}

func (t *Table) sheetFault(row int, err error) error {
	return &FileError{File: t.Name, Row: row, Kind: errors.Join(ErrFormat, err), Reason: "the sheet is damaged here; open the workbook in a spreadsheet program and save it again"}
}

// tidyNumber undoes how programs store numbers in a sheet: 7.9995551111E10 for a
// phone, 1001.0 for an order number, 8270.1000000000004 for a sum (a sheet shows
// 15 digits). Texts that hold no such number stay as they are.
func tidyNumber(s string) string {
	point := strings.IndexByte(s, '.')
	if point <= 0 || len(s) > 30 {
		return s
	}
	if s[len(s)-1] == '0' && point == len(s)-2 && digitRun(strings.TrimPrefix(s[:point], "-")) == len(strings.TrimPrefix(s[:point], "-")) {
		return s[:point]
	}
	exponent := strings.ContainsRune(s, 'E')
	if !exponent && len(s)-point < 10 {
		return s
	}
	for i := range len(s) {
		if strings.IndexByte("0123456789.+-E", s[i]) < 0 {
			return s
		}
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return s
	}
	text := strconv.FormatFloat(f, 'g', 15, 64)
	g, err := strconv.ParseFloat(text, 64)
	if err != nil || g > 1e21 || g < -1e21 {
		return s
	}
	return strconv.FormatFloat(g, 'f', -1, 64)
}
