package pipeline

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf16"
)

// batch is a body of several deliveries in one, taken apart.
type batch struct {
	parts [][]byte // elements of an array, or lines with their line breaks
	array bool
	table bool // the first line that is not blank is a header
}

// takeApart finds the parts of a body: elements of a JSON array, lines of NDJSON
// and, where table is set, lines of CSV with equally many cells. False where the
// body is none of these.
func takeApart(body []byte, table bool) (batch, bool) {
	var items []json.RawMessage
	if trimmed := bytes.TrimSpace(body); len(trimmed) > 0 && trimmed[0] == '[' && json.Unmarshal(trimmed, &items) == nil {
		b := batch{array: true, parts: make([][]byte, len(items))}
		for i, item := range items {
			b.parts[i] = item
		}
		return b, true
	}
	b := batch{parts: bytes.SplitAfter(body, []byte("\n"))}
	objects, rows, cells := true, table, -1
	for _, line := range b.parts {
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		objects = objects && line[0] == '{' && line[len(line)-1] == '}'
		n := bytes.Count(line, []byte(";")) + bytes.Count(line, []byte(",")) + bytes.Count(line, []byte("\t"))
		rows = rows && n > 0 && (cells < 0 || n == cells)
		cells = n
	}
	b.table = rows && !objects
	return b, objects || rows
}

// withoutParts takes parts out of a body. False where it has none, or only a
// header would be left.
func withoutParts(body []byte, table bool, mine func(part []byte) bool) ([]byte, bool) {
	b, ok := takeApart(body, table)
	if !ok {
		return nil, false
	}
	var kept [][]byte
	left := 0
	for _, part := range b.parts {
		if blank := len(bytes.TrimSpace(part)) == 0; blank || !mine(part) {
			kept = append(kept, part)
			if !blank {
				left++
			}
		}
	}
	if b.array {
		return slices.Concat([]byte("["), bytes.Join(kept, []byte(",")), []byte("]")), left > 0
	}
	if b.table {
		left--
	}
	return bytes.Join(kept, nil), left > 0
}

// onlyParts is the other side of withoutParts: the parts that are mine, and the
// header they stand under. False where the body has no parts.
func onlyParts(body []byte, table bool, mine func(part []byte) bool) (parts []string, ok bool) {
	b, ok := takeApart(body, table)
	if !ok {
		return nil, false
	}
	header := ""
	for _, part := range b.parts {
		text := strings.TrimSpace(string(part))
		switch {
		case text == "":
		case mine(part):
			if header != "" && parts == nil {
				parts = append(parts, header)
			}
			parts = append(parts, text)
		case b.table && header == "":
			header = text
		}
	}
	return parts, true
}

// zipLimit bounds what one part of a workbook may unpack to.
const zipLimit = 64 << 20

// textOf is what an object shows: its bytes, as UTF-8 where they are the "Unicode
// text" of spreadsheet programs, or the parts of a zipped workbook.
func textOf(body []byte) (string, error) {
	if order, ok := utf16Order(body); ok {
		units := make([]uint16, len(body)/2)
		for i := range units {
			units[i] = order.Uint16(body[2*i:])
		}
		return string(utf16.Decode(units)), nil
	}
	if !bytes.HasPrefix(body, []byte("PK\x03\x04")) {
		return string(body), nil
	}
	archive, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		return string(body), nil //nolint:nilerr // no archive after all: its bytes are all there is
	}
	var text strings.Builder
	for _, part := range archive.File {
		r, err := part.Open()
		if err != nil {
			return "", err
		}
		_, err = io.Copy(&text, io.LimitReader(r, zipLimit))
		if err = errors.Join(err, r.Close()); err != nil {
			return "", err
		}
		text.WriteByte('\n')
	}
	return text.String(), nil
}

// utf16Order recognises UTF-16 by its mark, or by the zeros between its letters.
func utf16Order(body []byte) (binary.ByteOrder, bool) {
	switch {
	case bytes.HasPrefix(body, []byte{0xFF, 0xFE}):
		return binary.LittleEndian, true
	case bytes.HasPrefix(body, []byte{0xFE, 0xFF}):
		return binary.BigEndian, true
	}
	head := body[:min(len(body), 4096)]
	var zeros [2]int
	for i, c := range head {
		if c == 0 {
			zeros[i%2]++
		}
	}
	switch few := len(head) / 10; {
	case zeros[1] > few && zeros[0] == 0:
		return binary.LittleEndian, true
	case zeros[0] > few && zeros[1] == 0:
		return binary.BigEndian, true
	}
	return nil, false
}
