package schema_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"github.com/leadlake/leadlake/lib/schema"
)

func contactRows(random *rand.Rand, n int) []schema.ContactRow {
	rows := make([]schema.ContactRow, n)
	for i := range rows {
		id := fmt.Sprintf("e%06d", random.IntN(1_000_000))
		rows[i] = schema.ContactRow{
			EventID: id, Source: "site", At: time.Unix(int64(i), 0).UTC(), Phones: []string{"+7999" + id, "+7998" + id}[:i%3], Name: "Анна " + id,
			Attributes: schema.MapOf(map[string]string{"pet": id, "size": "2"}),
		}
	}
	return rows
}

func byEvent(a, b *schema.ContactRow) int { return strings.Compare(a.EventID, b.EventID) }

func texts(rows []schema.ContactRow) []string {
	var all []string
	for _, r := range rows {
		all = append(all, fmt.Sprintf("%+v", r))
	}
	slices.Sort(all)
	return all
}

// However a file grew, it holds what was appended, in few row groups that are
// sorted each, and equal appends give equal bytes.
func TestAppendedRowsComeBack(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var body, again []byte
	var want []schema.ContactRow
	for i := range 40 {
		rows := contactRows(random, 1+random.IntN(50))
		given := slices.Clone(rows)
		want = append(want, rows...)
		var err error
		pair := schema.Pair{Key: "nonce", Value: strconv.Itoa(i)}
		if body, err = schema.Append(body, rows, byEvent, pair); err != nil {
			t.Fatal(err)
		}
		if again, err = schema.Append(again, rows, byEvent, pair); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(given, rows); diff != "" {
			t.Fatalf("the caller's rows changed:\n%s", diff)
		}
	}
	if !bytes.Equal(body, again) {
		t.Error("equal appends gave other bytes")
	}
	got, err := schema.Decode[schema.ContactRow](body)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(texts(want), texts(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if nonce, err := schema.Metadata(body, "nonce"); err != nil || nonce != "39" {
		t.Errorf("nonce %q, %v, want the last", nonce, err)
	}
	file, err := parquet.OpenFile(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(file.RowGroups()); n > 8 {
		t.Errorf("%d row groups after 40 appends of some %d rows", n, len(want)/40)
	}
	at := 0
	for i, group := range file.RowGroups() {
		rows := got[at : at+int(group.NumRows())]
		if !slices.IsSortedFunc(rows, func(a, b schema.ContactRow) int { return byEvent(&a, &b) }) {
			t.Errorf("row group %d is not sorted", i)
		}
		at += len(rows)
	}
	if text := file.Schema().String(); !strings.Contains(text, "attributes (MAP)") {
		t.Error("the map column is no map any more")
	}
	for _, group := range file.Metadata().RowGroups {
		for _, column := range group.Columns {
			if s := column.MetaData.Statistics; column.MetaData.PathInSchema[0] == "phones" && len(s.MinValue)+len(s.MaxValue) > 0 {
				t.Error("a personal column has statistics")
			}
		}
	}
}

func TestAppendWithoutRowsChangesMetadataAlone(t *testing.T) {
	body, err := schema.Append(nil, contactRows(rand.New(rand.NewPCG(3, 4)), 100), byEvent, schema.Pair{Key: "nonce", Value: "a"}, schema.Pair{Key: "kept", Value: "k"})
	if err != nil {
		t.Fatal(err)
	}
	changed, err := schema.Append[schema.ContactRow](body, nil, byEvent, schema.Pair{Key: "nonce", Value: "b"})
	if err != nil {
		t.Fatal(err)
	}
	before, err := schema.Decode[schema.ContactRow](body)
	if err != nil {
		t.Fatal(err)
	}
	after, err := schema.Decode[schema.ContactRow](changed)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("rows changed:\n%s", diff)
	}
	meta, err := schema.MetadataOf(changed, "nonce", "kept", "missing")
	if diff := cmp.Diff([]string{"b", "k", ""}, meta); err != nil || diff != "" {
		t.Errorf("metadata %v, %v", meta, err)
	}
	empty, err := schema.Append[schema.ContactRow](nil, nil, byEvent)
	if err != nil {
		t.Fatal(err)
	}
	if rows, err := schema.Decode[schema.ContactRow](empty); err != nil || len(rows) != 0 {
		t.Errorf("an empty file has %d rows, %v", len(rows), err)
	}
}

// oldFailedRow is a table as a version before wrote it, without the last column.
type oldFailedRow struct {
	Key    string `parquet:"key"`
	Source string `parquet:"source,dict"`
}

func (oldFailedRow) Table() string      { return "failed" }
func (oldFailedRow) Personal() []string { return nil }

func TestAppendToAFileOfAnOlderVersion(t *testing.T) {
	body, err := schema.Encode([]oldFailedRow{{Key: "old", Source: "site"}}, schema.Pair{Key: "nonce", Value: "a"})
	if err != nil {
		t.Fatal(err)
	}
	body, err = schema.Append(body, []schema.FailedRow{{Key: "new", Source: "crm", Trusted: true}}, func(a, b *schema.FailedRow) int { return strings.Compare(a.Key, b.Key) },
		schema.Pair{Key: "nonce", Value: "b"})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := schema.Decode[schema.FailedRow](body)
	if err != nil || len(rows) != 2 || rows[0].Key != "new" || !rows[0].Trusted || rows[1].Key != "old" || rows[1].Source != "site" {
		t.Errorf("%+v, %v", rows, err)
	}
	if nonce, err := schema.Metadata(body, "nonce"); err != nil || nonce != "b" {
		t.Errorf("nonce %q, %v", nonce, err)
	}
}

func TestAppendToBrokenBytesIsAnError(t *testing.T) {
	whole, err := schema.Append(nil, contactRows(rand.New(rand.NewPCG(5, 6)), 10), byEvent)
	if err != nil {
		t.Fatal(err)
	}
	for _, cut := range []int{1, 5, 12, len(whole) / 2, len(whole) - 1} {
		if _, err := schema.Append(whole[:cut], contactRows(rand.New(rand.NewPCG(5, 6)), 10), byEvent); err == nil {
			t.Errorf("the first %d bytes are taken for a file", cut)
		}
	}
	if _, err := schema.Append(whole, []schema.FailedRow{{Key: "k"}}, func(_, _ *schema.FailedRow) int { return 0 }); err == nil {
		t.Error("rows of another table were appended")
	}
}
