package lake

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/schema"
)

// ErrMessage says that a text is no message of this version, or a damaged one.
var ErrMessage = errors.New("lake: unreadable message")

const (
	// messageVersion begins every message. A change of what follows takes a new one;
	// old ones stay readable, since messages wait in a queue for up to 14 days.
	messageVersion = "raw1:"

	// maxMessageRow bounds a delivery in a message before compression. Lambda takes
	// requests of 6 MB at most, so what is larger was never made by ingest, and a few
	// bytes that unpack to gigabytes must not end the consumer.
	maxMessageRow = 8 << 20

	// maxMessageHeaders is far above the headers that webhook keeps.
	maxMessageHeaders = 1000
)

// EncodeMessage writes a delivery as text for a queue, which takes neither arbitrary
// bytes nor all characters: a version, then the base64 of the gzip of the fields. Who
// has to look into one cuts off "raw1:" and pipes the rest through base64 -d and gunzip.
func EncodeMessage(row schema.RawRow) string {
	frame := make([]byte, 0, 512+len(row.Body)+len(row.Query))
	var flags byte
	if row.HasID {
		flags |= 1
	}
	if row.Trusted {
		flags |= 2
	}
	frame = append(frame, flags)
	frame = binary.AppendVarint(frame, row.ReceivedAt.UnixMicro())
	for _, text := range []string{row.Key, row.Source, row.Method, row.ContentType, row.Suffix, row.Query} {
		frame = appendText(frame, text)
	}
	frame = binary.AppendUvarint(frame, uint64(len(row.Headers.Pairs)))
	for _, pair := range row.Headers.Pairs {
		frame = appendText(appendText(frame, pair.Key), pair.Value)
	}
	frame = appendText(frame, string(row.Body))

	var out strings.Builder
	out.WriteString(messageVersion)
	text := base64.NewEncoder(base64.StdEncoding, &out)
	packed, _ := gzip.NewWriterLevel(text, gzip.BestSpeed) // the level is a constant
	_, _ = packed.Write(frame)                             // a strings.Builder takes everything
	_ = packed.Close()
	_ = text.Close()
	return out.String()
}

func appendText(frame []byte, text string) []byte {
	return append(binary.AppendUvarint(frame, uint64(len(text))), text...)
}

// DecodeMessage reads what EncodeMessage wrote. All else, and every damage, is an
// [ErrMessage], which quotes nothing of the text.
func DecodeMessage(text string) (schema.RawRow, error) {
	packed, ok := strings.CutPrefix(text, messageVersion)
	if !ok {
		return schema.RawRow{}, fmt.Errorf("%w: another version, or no message of ours", ErrMessage)
	}
	reader, err := gzip.NewReader(base64.NewDecoder(base64.StdEncoding.Strict(), strings.NewReader(packed)))
	if err != nil {
		return schema.RawRow{}, fmt.Errorf("%w: no packed text", ErrMessage)
	}
	frame, err := io.ReadAll(io.LimitReader(reader, maxMessageRow+1)) // the end carries a checksum
	switch {
	case err != nil:
		return schema.RawRow{}, fmt.Errorf("%w: damaged", ErrMessage)
	case len(frame) > maxMessageRow:
		return schema.RawRow{}, fmt.Errorf("%w: unpacks to more than %d bytes", ErrMessage, maxMessageRow)
	}
	return readFrame(frame)
}

func readFrame(frame []byte) (schema.RawRow, error) {
	f := frameReader{rest: frame}
	flags := f.bytes(1)
	received := f.varint()
	var row schema.RawRow
	for _, field := range []*string{&row.Key, &row.Source, &row.Method, &row.ContentType, &row.Suffix, &row.Query} {
		*field = string(f.text())
	}
	pairs := f.uvarint()
	if pairs > maxMessageHeaders {
		f.broken = true
	}
	for range pairs {
		if f.broken {
			break
		}
		name := string(f.text())
		row.Headers.Pairs = append(row.Headers.Pairs, schema.Pair{Key: name, Value: string(f.text())})
	}
	row.Body = bytes.Clone(f.text())
	if f.broken || len(f.rest) > 0 || flags[0] > 3 {
		return schema.RawRow{}, fmt.Errorf("%w: fields do not fit", ErrMessage)
	}
	row.HasID, row.Trusted = flags[0]&1 != 0, flags[0]&2 != 0
	row.ReceivedAt = time.UnixMicro(received).UTC()
	// The key names an object and the time its folder.
	if !isKey(row.Key) || row.Source == "" || row.ReceivedAt.Year() < 2000 || row.ReceivedAt.Year() > 9999 {
		return schema.RawRow{}, fmt.Errorf("%w: no key, source or time of a delivery", ErrMessage)
	}
	return row, nil
}

// isKey tells whether a text is of the form of webhook.RawKey.
func isKey(text string) bool {
	return len(text) == 64 && strings.Trim(text, "0123456789abcdef") == ""
}

// frameReader reads fields until one is broken; from then on all are empty.
type frameReader struct {
	rest   []byte
	broken bool
}

func (f *frameReader) bytes(n uint64) []byte {
	if f.broken || n > uint64(len(f.rest)) {
		f.broken = true
		return []byte{0}
	}
	field := f.rest[:n]
	f.rest = f.rest[n:]
	return field
}

func (f *frameReader) text() []byte { return f.bytes(f.uvarint()) }

func (f *frameReader) uvarint() uint64 {
	value, n := binary.Uvarint(f.rest)
	return number(f, value, n)
}

func (f *frameReader) varint() int64 {
	value, n := binary.Varint(f.rest)
	return number(f, value, n)
}

func number[N int64 | uint64](f *frameReader, value N, n int) N {
	if f.broken || n <= 0 {
		f.broken = true
		return 0
	}
	f.rest = f.rest[n:]
	return value
}
