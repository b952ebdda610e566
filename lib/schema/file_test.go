package schema_test

import (
	"bytes"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"github.com/leadlake/leadlake/lib/schema"
)

func TestRowsComeBackAsWritten(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 678000, time.UTC)
	code, zero := "333", int64(0)
	clients := []schema.ClientRow{
		{ClientID: "p1", Aliases: []string{"e1", "x1"}, RFMCode: &code, RecencyDays: &zero, Consents: schema.MapOf(map[string]string{"sms": "withdrawn", "ads": "given"})},
		{ClientID: "p2"},
	}
	body, err := schema.Encode(clients)
	if err != nil {
		t.Fatal(err)
	}
	got, err := schema.Decode[schema.ClientRow](body)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(clients, got, cmp.Comparer(func(a, b []string) bool { return len(a) == 0 && len(b) == 0 || cmp.Equal(a, b) }), cmp.Comparer(func(a, b schema.Map) bool {
		return len(a.Pairs) == 0 && len(b.Pairs) == 0 || cmp.Equal(a.Pairs, b.Pairs)
	})); diff != "" {
		t.Errorf("clients (-want +got):\n%s", diff)
	}
	raw := []schema.RawRow{{Key: "k", ReceivedAt: at, Headers: schema.MapOf(map[string]string{"b": "2", "a": "1"}), Body: []byte{0, 255}}}
	body, err = schema.Encode(raw)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := schema.Decode[schema.RawRow](body)
	if err != nil {
		t.Fatal(err)
	}
	if !rows[0].ReceivedAt.Equal(at) || !bytes.Equal(rows[0].Body, raw[0].Body) || rows[0].Headers.Get("a") != "1" || rows[0].Headers.Get("b") != "2" {
		t.Errorf("raw row = %+v", rows[0])
	}
}

func TestMapColumnsAreStandardMaps(t *testing.T) {
	body, err := schema.Encode([]schema.ClientRow{{ClientID: "p1"}})
	if err != nil {
		t.Fatal(err)
	}
	file, err := parquet.OpenFile(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	if text := file.Schema().String(); !strings.Contains(text, "consents (MAP)") {
		t.Errorf("schema does not say MAP:\n%s", text)
	}
}

// The footer of a file with personal columns must not show a value.
func TestPersonalColumnsCarryNoStatistics(t *testing.T) {
	secret := "+79995551111"
	rows := []schema.ContactRow{{EventID: "e", Phones: []string{secret}, Name: secret, Attributes: schema.MapOf(map[string]string{"note": secret}), Text: secret, City: secret}}
	body, err := schema.Encode(rows)
	if err != nil {
		t.Fatal(err)
	}
	file, err := parquet.OpenFile(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, group := range file.Metadata().RowGroups {
		for _, column := range group.Columns {
			seen++
			for _, stat := range [][]byte{column.MetaData.Statistics.Min, column.MetaData.Statistics.Max, column.MetaData.Statistics.MinValue, column.MetaData.Statistics.MaxValue} {
				if bytes.Contains(stat, []byte(secret)) {
					t.Errorf("column %v has a personal statistic", column.MetaData.PathInSchema)
				}
			}
		}
	}
	for _, index := range file.ColumnIndexes() {
		for _, bounds := range append(index.MinValues, index.MaxValues...) {
			if bytes.Contains(bounds, []byte(secret)) {
				t.Error("the page index has a personal bound")
			}
		}
	}
	if seen == 0 {
		t.Fatal("no columns seen")
	}
}

func TestEqualRowsGiveEqualBytes(t *testing.T) {
	rows := func() []schema.ClientRow {
		m := map[string]string{}
		for _, k := range []string{"ads", "sms", "email", "call", "messenger", "processing"} {
			m[k] = "given"
		}
		return []schema.ClientRow{{ClientID: "p1", Consents: schema.MapOf(m)}, {ClientID: "p2", Consents: schema.MapOf(m)}}
	}
	first, err := schema.Encode(rows())
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		again, err := schema.Encode(rows())
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(first, again) {
			t.Fatal("two files of equal rows differ")
		}
	}
}

func TestBrokenBytesAreAnError(t *testing.T) {
	whole, err := schema.Encode([]schema.TokenRow{{Token: "p1", ClientID: "p1"}})
	if err != nil {
		t.Fatal(err)
	}
	for cut := range whole {
		if _, err := schema.Decode[schema.TokenRow](whole[:cut]); !errors.Is(err, schema.ErrCorrupt) {
			t.Fatalf("cut at %d: error %v, want ErrCorrupt", cut, err)
		}
	}
	if _, err := schema.Decode[schema.SegmentRow](whole); !errors.Is(err, schema.ErrCorrupt) {
		t.Errorf("another table's file: error %v, want ErrCorrupt", err)
	}
	if rows, err := schema.Decode[schema.TokenRow](mustEncode(t)); err != nil || rows != nil {
		t.Errorf("empty table: %v, %v", rows, err)
	}
}

func mustEncode(t *testing.T) []byte {
	t.Helper()
	body, err := schema.Encode[schema.TokenRow](nil)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// A narrow row type must see in a wide file just what the wide one sees.
func TestNarrowRowsEqualTheWideOnes(t *testing.T) {
	total := int64(5)
	rows := make([]schema.EventRow, 3000)
	for i := range rows {
		rows[i] = schema.EventRow{
			EventID: strconv.Itoa(i), Source: "s", At: time.Unix(int64(i), 0).UTC(), ReceivedAt: time.Unix(0, 0).UTC(),
			Tokens: []string{"p1", "e2", "x3"}[:i%4], OrderID: strconv.Itoa(i / 2), IsOrder: i%2 == 0,
			Items: []schema.ItemRow{{SKU: "a", SumMinor: 1}, {SKU: "b", Quantity: "2"}}[:i%3],
		}
		if i%5 == 0 {
			rows[i].TotalMinor = &total
		}
	}
	body, err := schema.Encode(rows)
	if err != nil {
		t.Fatal(err)
	}
	wide, err := schema.Decode[schema.EventRow](body)
	if err != nil {
		t.Fatal(err)
	}
	narrow, err := schema.Decode[schema.OrderEventRow](body)
	if err != nil {
		t.Fatal(err)
	}
	for i, w := range wide {
		n := narrow[i]
		if !slices.Equal(w.Tokens, rows[i].Tokens) || !slices.Equal(n.Tokens, w.Tokens) || !slices.Equal(n.Items, w.Items) || !slices.Equal(w.Items, rows[i].Items) ||
			n.EventID != w.EventID || !n.At.Equal(w.At) || n.IsOrder != w.IsOrder || (n.TotalMinor == nil) != (i%5 != 0) || w.EventID != rows[i].EventID {
			t.Fatalf("row %d: narrow %+v, wide %+v", i, n, w)
		}
	}
}
