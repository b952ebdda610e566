package lake_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"flag"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/schema"
)

var update = flag.Bool("update", false, "write golden files")

// full has every field set to something that text must not lose.
func full() schema.RawRow {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	r := row("site", "d-1", string(all), noon.Add(123456*time.Microsecond))
	r.Suffix, r.Query = "a/b", "x=\xff\x00&y=%D1%8F"
	r.Headers = schema.Map{Pairs: []schema.Pair{{Key: "user-agent", Value: "Ю\x01\ufffe"}, {Key: "x-empty", Value: ""}}}
	return r
}

func TestAMessageLosesNothing(t *testing.T) {
	// A column that is added to raw must be added to the message.
	for fields, i := reflect.ValueOf(full()), 0; i < fields.NumField(); i++ {
		if fields.Field(i).IsZero() {
			t.Errorf("the test's delivery leaves %s empty", fields.Type().Field(i).Name)
		}
	}
	plain := row("forms", "", "", noon)
	plain.Query = "phone=%2B7"
	for name, want := range map[string]schema.RawRow{"every byte": full(), "no body": plain, "a megabyte": row("site", "", strings.Repeat("я", 1<<19), noon)} {
		text := lake.EncodeMessage(want)
		if lake.EncodeMessage(want) != text {
			t.Errorf("%s: equal deliveries give different messages", name)
		}
		got, err := lake.DecodeMessage(text)
		if !bytes.Equal(want.Body, got.Body) { // apart, because cmp is slow on a megabyte
			t.Errorf("%s: another body of %d bytes, want %d", name, len(got.Body), len(want.Body))
		}
		want.Body, got.Body = nil, nil
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
		if strings.Trim(strings.TrimPrefix(text, "raw1:"), "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=") != "" {
			t.Errorf("%s: characters that a queue may refuse", name)
		}
	}
}

// Messages wait for up to 14 days: a version that is read no more is a lost delivery.
func TestOldMessagesStayReadable(t *testing.T) {
	golden := filepath.Join("testdata", "message.raw1.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(lake.EncodeMessage(full())+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	got, err := lake.DecodeMessage(strings.TrimSpace(string(text)))
	if diff := cmp.Diff(full(), got); err != nil || diff != "" {
		t.Errorf("golden message: %v (-want +got):\n%s", err, diff)
	}
}

func TestADamagedMessageIsRefused(t *testing.T) {
	text := lake.EncodeMessage(full())
	for n := range len(text) {
		if _, err := lake.DecodeMessage(text[:n]); !errors.Is(err, lake.ErrMessage) {
			t.Fatalf("cut at %d: %v, want ErrMessage", n, err)
		}
	}
	// gzip's own header has bytes that mean nothing; a change of any other must be seen.
	random := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		packed, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(text, "raw1:"))
		if err != nil {
			t.Fatal(err)
		}
		packed[random.IntN(len(packed))] ^= byte(1 + random.IntN(255))
		got, err := lake.DecodeMessage("raw1:" + base64.StdEncoding.EncodeToString(packed))
		if err != nil && !errors.Is(err, lake.ErrMessage) || err == nil && !cmp.Equal(full(), got) {
			t.Fatalf("a changed byte gave %v and another delivery", err)
		}
	}
	other := full()
	other.Key = "../../config/leadlake"
	nowhere := full()
	nowhere.Source = ""
	early := full()
	early.ReceivedAt = time.Time{}
	for name, text := range map[string]string{
		"nothing": "", "another version": "raw2:" + text[5:], "plain JSON": `{"id":"1"}`, "not packed": "raw1:QUFB", "a bomb": packed(make([]byte, 64<<20)), "zeros": packed(make([]byte, 100)),
		"a key that is none": lake.EncodeMessage(other), "no source": lake.EncodeMessage(nowhere), "no time": lake.EncodeMessage(early),
	} {
		if _, err := lake.DecodeMessage(text); !errors.Is(err, lake.ErrMessage) {
			t.Errorf("%s: %v, want ErrMessage", name, err)
		}
	}
}

// The checksums around the fields would keep a fuzzer away from them, so it fuzzes the
// fields and packs them itself.
func FuzzMessage(f *testing.F) {
	seed, err := gzip.NewReader(base64.NewDecoder(base64.StdEncoding, strings.NewReader(strings.TrimPrefix(lake.EncodeMessage(full()), "raw1:"))))
	if err != nil {
		f.Fatal(err)
	}
	fields, err := io.ReadAll(seed)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(fields)
	f.Add([]byte{0})
	f.Fuzz(func(t *testing.T, fields []byte) {
		got, err := lake.DecodeMessage(packed(fields))
		if err != nil {
			if !errors.Is(err, lake.ErrMessage) {
				t.Fatalf("error %v, want ErrMessage", err)
			}
			return
		}
		again, err := lake.DecodeMessage(lake.EncodeMessage(got))
		if diff := cmp.Diff(got, again); err != nil || diff != "" {
			t.Fatalf("round trip: %v\n%s", err, diff)
		}
	})
}

// packed is a message with any fields.
func packed(fields []byte) string {
	var out bytes.Buffer
	w, _ := gzip.NewWriterLevel(&out, gzip.NoCompression) // the level is a constant
	_, _ = w.Write(fields)                                // a bytes.Buffer takes everything
	_ = w.Close()
	return "raw1:" + base64.StdEncoding.EncodeToString(out.Bytes())
}

func BenchmarkMessage(b *testing.B) {
	r := row("site", "d-1", `{"id":"d-1","kind":"lead","client":{"phone":"+79000000000","name":"Анна"},"note":"`+strings.Repeat("кухня на заказ, ", 45)+`"}`, noon)
	text := lake.EncodeMessage(r)
	b.Run("encode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			lake.EncodeMessage(r)
		}
		b.ReportMetric(float64(len(r.Body)), "body-B")
		b.ReportMetric(float64(len(text)), "text-B")
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := lake.DecodeMessage(text); err != nil {
				b.Fatal(err)
			}
		}
	})
}
