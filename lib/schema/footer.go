package schema

import (
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// magic begins and ends every Parquet file.
const magic = "PAR1"

// Footer is the footer of a file of T without a row: its columns, its metadata as
// Encode writes them, and no row group. It is for writers that bring row groups of
// their own and end the file with AppendFooter.
func Footer[T Row](metadata ...Pair) (*format.FileMetaData, error) {
	body, err := Encode[T](nil, metadata...)
	if err != nil {
		return nil, err
	}
	footer, err := footerOf(body)
	if err != nil {
		return nil, fmt.Errorf("schema: write %s: %w", tableName[T](), err)
	}
	footer.RowGroups = nil
	return footer, nil
}

// AppendFooter appends what ends a file: the footer, its length and the magic.
func AppendFooter(out []byte, footer *format.FileMetaData) ([]byte, error) {
	encoded, err := thrift.Marshal(new(thrift.CompactProtocol), footer)
	if err != nil {
		return nil, fmt.Errorf("schema: write %s: %w", lookup(footer, "leadlake.table"), err)
	}
	out = append(out, encoded...)
	out = binary.LittleEndian.AppendUint32(out, uint32(len(encoded))) //nolint:gosec // G115: a footer is kilobytes
	return append(out, magic...), nil
}

// Metadata reads one footer entry of a file.
func Metadata(body []byte, key string) (string, error) {
	values, err := MetadataOf(body, key)
	if err != nil {
		return "", err
	}
	return values[0], nil
}

// MetadataOf reads footer entries of a file, in the order of the keys; a missing
// one is empty.
func MetadataOf(body []byte, keys ...string) (values []string, err error) {
	defer func() {
		if r := recover(); r != nil {
			values, err = nil, fmt.Errorf("%w: %v", ErrCorrupt, r)
		}
	}()
	footer, err := footerOf(body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	for _, key := range keys {
		values = append(values, lookup(footer, key))
	}
	return values, nil
}

// footerOf reads the footer of a whole file.
func footerOf(body []byte) (*format.FileMetaData, error) {
	if len(body) < 12 || string(body[len(body)-4:]) != magic {
		return nil, errors.New("no Parquet file")
	}
	start := startOf(body)
	if start < 4 {
		return nil, errors.New("no footer")
	}
	footer := new(format.FileMetaData)
	return footer, thrift.Unmarshal(new(thrift.CompactProtocol), body[start:len(body)-8], footer)
}

// startOf is where the footer of a file begins; below 4 in a broken one.
func startOf(body []byte) int {
	tail := len(body) - 8
	return tail - int(binary.LittleEndian.Uint32(body[tail:]))
}

func lookup(footer *format.FileMetaData, key string) string {
	for _, pair := range footer.KeyValueMetadata {
		if pair.Key == key {
			return pair.Value
		}
	}
	return ""
}

// setPairs replaces footer entries of the same key and appends the others.
func setPairs(footer *format.FileMetaData, metadata []Pair) {
	for _, m := range metadata {
		at := slices.IndexFunc(footer.KeyValueMetadata, func(pair format.KeyValue) bool { return pair.Key == m.Key })
		if at < 0 {
			footer.KeyValueMetadata = append(footer.KeyValueMetadata, format.KeyValue{Key: m.Key, Value: m.Value})
			continue
		}
		footer.KeyValueMetadata[at].Value = m.Value
	}
}

// mapColumns are the columns of type Map.
func mapColumns[T Row]() map[string]bool {
	columns := map[string]bool{}
	t := reflect.TypeFor[T]()
	for field := range t.Fields() {
		if field.Type == reflect.TypeFor[Map]() {
			name, _, _ := strings.Cut(field.Tag.Get("parquet"), ",")
			columns[name] = true
		}
	}
	return columns
}

// annotateMaps rewrites the footer of a whole file so that its map columns say
// MAP, as every engine expects. parquet-go writes that annotation only for Go
// maps, whose order is random.
func annotateMaps(body []byte, columns map[string]bool) ([]byte, error) {
	if len(columns) == 0 {
		return body, nil
	}
	footer, err := footerOf(body)
	if err != nil {
		return nil, err
	}
	for i := range footer.Schema {
		element := &footer.Schema[i]
		if columns[element.Name] && element.NumChildren.V == 1 {
			element.ConvertedType = thrift.New(deprecated.Map)
			element.LogicalType = format.LogicalType{Value: &format.MapType{}}
		}
	}
	return AppendFooter(body[:startOf(body)], footer)
}
