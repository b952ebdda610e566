package audience

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"hash"
	"io"
	"strings"

	"github.com/xuri/excelize/v2"
)

// sheet is the one sheet of a workbook on its way. All cells are texts, so that
// phones keep their digits and nothing is a formula. Its XML beyond 16 MiB waits in
// a temporary file of the library, which is removed with the sheet.
type sheet struct {
	out   *summed
	book  *excelize.File
	rowsW *excelize.StreamWriter
	n     int
}

// newSheet begins a workbook with its header, which is a row as
// [format.appendRow] makes it for people.
func newSheet(out Output, head []byte) (*sheet, error) {
	s := &sheet{out: &summed{out: out, sum: sha256.New()}, book: excelize.NewFile()}
	var err error
	if s.rowsW, err = s.book.NewStreamWriter(s.book.GetSheetName(0)); err != nil {
		return nil, err
	}
	return s, s.rows(bytes.TrimPrefix(head, []byte(byteOrderMark)))
}

func (s *sheet) rows(lines []byte) error {
	if len(lines) == 0 {
		return nil
	}
	reader := csv.NewReader(bytes.NewReader(lines))
	reader.FieldsPerRecord = -1
	for {
		record, err := reader.Read()
		if err == io.EOF { //nolint:errorlint // csv gives it bare
			return nil
		}
		if err != nil {
			panic("audience: a row of our own does not read back")
		}
		s.n++
		cells := make([]any, len(record))
		for i, text := range record {
			cells[i] = cellText(text)
		}
		at, err := excelize.CoordinatesToCellName(1, s.n)
		if err == nil {
			err = s.rowsW.SetRow(at, cells)
		}
		if err != nil {
			return err
		}
	}
}

// cellText keeps to what XML and a cell of Excel can hold.
func cellText(text string) string {
	text = strings.Map(func(r rune) rune {
		if r == '\ufffe' || r == '\uffff' {
			return -1
		}
		return r
	}, text)
	if runes := []rune(text); len(runes) > excelize.TotalCellChars {
		return string(runes[:excelize.TotalCellChars])
	}
	return text
}

func (s *sheet) close() (int64, string, error) {
	err := s.rowsW.Flush()
	if err == nil {
		_, err = s.book.WriteTo(s.out)
	}
	if closed := s.book.Close(); err == nil {
		err = closed
	}
	return s.out.size, hex.EncodeToString(s.out.sum.Sum(nil)), err
}

// summed keeps the size and SHA-256 of what it passes on.
type summed struct {
	out  io.Writer
	size int64
	sum  hash.Hash
}

func (s *summed) Write(b []byte) (int, error) {
	n, err := s.out.Write(b)
	s.size += int64(n)
	s.sum.Write(b[:n])
	return n, err
}
