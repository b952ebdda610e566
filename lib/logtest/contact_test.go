package logtest_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/leadlake/leadlake/lib/identity"
	"github.com/leadlake/leadlake/lib/logtest"
)

// around puts a text where it may stand in a line.
func around(text string) []string {
	return []string{
		text, "of " + text + " in 12 ms", "rows 2 " + text + " 17", "<" + text + ">", "phone:" + text, "phone=" + text + "&x=1", `"` + text + `"`, "a, " + text + ", b",
		"(" + text + ")", "[" + text + " 5]", "2026-11-22T07:20:00.123456789Z " + text, text + " 2026-11-22",
	}
}

func TestPhonesAreSeenInEverySpelling(t *testing.T) {
	for _, text := range []string{
		"+79162220001", "79162220001", "89162220001", "9162220001", "+7 916 222-00-01", "8 (916) 222-00-01", "8(916)2220001", "8-916-222-00-01", "8 916 222 00 01",
		"8.916.222.00.01", "+7(916)222-0001", "+7 916 22 20 001", "7 (916) 222 00 01", "(916) 222-00-01", "916 222 00 01", "916-222-0001", "+7\u00a0916\u00a0222\u201300\u201301",
		"8 (495) 123-45-67", "8 (4822) 12-34-56", "(495) 123-45-67", "495 123-45-67", "+7 (4822) 12 34 56", "84951234567", "8 800 555-35-35",
		"+375 29 123-45-67", "375291234567", "+998901234567", "998901234567", "+380 (44) 123-45-67", "+996 555 123 456", "77012345678",
		"+1 (212) 555-0123", "1 212 555 0123", "12125550123", "(212) 555-0123", "212-555-0123", "+44 20 7946 0958", "020 7946 0958", "447700900123", "+49 30 1234567",
		"+49 (0) 30 12345678", "+33 1 23 45 67 89", "01 23 45 67 89", "+86 138 0013 8000", "+971 50 123 4567", "0079162220001", "810375291234567", "8 10 375 29 123-45-67",
		"＋７９１６２２２０００１", "+٧٩١٦٢٢٢٠٠٠١",
	} {
		for _, line := range around(text) {
			if faults := logtest.Check(line); len(faults) == 0 {
				t.Errorf("%q is not seen in %q", text, line)
			}
		}
	}
}

func TestEmailsAreSeenInEverySpelling(t *testing.T) {
	for _, text := range []string{"a@b.ru", "Anna@Mail.ru", "J.Doe+news@Gmail.com", "77-7@shop-1.co.uk", "анна@почта.рф", "mailto:a@xn--80a1acny.xn--p1ai", "a_b@sub.shop.example", "<anna@kofe.ru>"} {
		for _, line := range around(text) {
			if faults := logtest.Check(line); len(faults) == 0 {
				t.Errorf("%q is not seen in %q", text, line)
			}
		}
	}
}

func TestPlantedValuesAreWholeWords(t *testing.T) {
	for text, want := range map[string]int{
		"Смирнова": 1, "СМИРНОВА": 1, "lead of смирнова, 2": 1, "Анна Смирнова": 2, "Петр": 1, "ПЁТР": 1, "born 1990-02-01": 1, "Planted Person": 1, "из 203.0.113.9": 1,
		"Смирновская": 0, "левый": 0, "правило": 0, "planted": 0, "2026-02-01": 0, "203.0.113.99": 0, "romance": 0,
	} {
		if faults := logtest.Check(text); len(faults) != want {
			t.Errorf("%q: %q, want %d", text, faults, want)
		}
	}
}

func TestNoCryOfWolf(t *testing.T) {
	for _, text := range []string{
		// Times and durations.
		"2026-11-22T07:20:00.123456789Z", "2026-11-22T10:20:00+03:00", "2026-11-22 07:20:00.123456 +0300", "2026-11-22 07:20:00.123456789 +0000 UTC m=+12.345678901",
		"2026/11/22 07:20:00", "from 2026-11-01 to 2026-11-30", "20261122T071530Z", "day=2026-11-22/hour=07", "07:20:00.123456789", "1.234567891s", "2562047h47m16.854775807s",
		"1793523600", "1793523600000", "1793523600000000", "at 1793523600, 1793523601", "took_ms=1234",
		// Sizes, counts, fractions.
		"1234567 of 89012345 bytes", "0.123456789012", "8.9162220001", "[10 20 30 40 50 60 70]", "[3 1 0 12 55 1000 2 7]", "12, 345, 6789, 10", "1-2-3-4-5-6-7-8-9-10",
		"4294967296", "18446744073709551615", "2147483647", "1000000000", "12/13 (14) 15", "+12", "+0x1d4",
		// Places.
		"127.0.0.1:45678", "192.168.100.200", "[::1]:8080", "http://127.0.0.1:38291/in/site", "s3://bucket/raw/day=2026-11-22/part-0000.parquet",
		"gold/run=0f1e2d3c4b5a69788796/clients.parquet", "lake/orders/bucket=07/part-0000.parquet",
		"/home/somebody/go/pkg/mod/github.com/aws/aws-lambda-go@v1.55.1/lambda/entry.go:71 +0x45", "golang.org/x/sys@v0.0.0-20260102150405-abcdef123456", "user@host",
		"main.main(0xc000123456, {0x7ffd12345678, 0x1a})", "goroutine 123 [running]:",
		// Ids.
		"7c9e6679-7425-40de-944b-e07fc1f90ae7", "00000000-0000-4000-8000-000000000000", "01JD8XK2Q4V7N3T5W9YB6C0ZHE", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"arn:aws:lambda:eu-west-1:000000000000:function:test", "m3-1", "calltouch:9", "urn:leadlake:problem:no-contact", "W/\"33a64df551425fcc\"", "v1.26.0",
		"application/problem+json", "secret env:SITE_SECRET", "[email]", "[phone]",
	} {
		for _, line := range []string{text, "of " + text + " in 12 ms", `{"a":"` + strings.ReplaceAll(text, `"`, `\"`) + `","n":3}`} {
			if faults := logtest.Check(line); len(faults) != 0 {
				t.Errorf("%q", faults)
			}
		}
	}
}

// Ids are random, so each test run's are new: none of five thousand may look
// like a person.
func TestIDsNeverLookLikePeople(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	key := identity.NewKey([]byte("a key of sixteen bytes"))
	for i := range uint64(5_000) {
		var seed [16]byte
		binary.BigEndian.PutUint64(seed[:], random.Uint64())
		binary.BigEndian.PutUint64(seed[8:], i)
		sum := sha256.Sum256(seed[:])
		at := time.Unix(0, 1790000000_000000000+random.Int64N(1e17)).UTC()
		uuid := hex.EncodeToString(sum[:16])
		text := fmt.Sprintf("key %x run %x token %s id %s-%s-%s-%s-%s at %s took %s unix %d ms %d",
			sum, sum[:10], key.External("s", string(seed[:])), uuid[:8], uuid[8:12], uuid[12:16], uuid[16:20], uuid[20:], at.Format(time.RFC3339Nano),
			time.Duration(random.Int64N(1e15)), at.Unix(), at.UnixMilli())
		line := fmt.Sprintf(`{"time":%q,"level":"INFO","msg":"read","run":"%x","key":%q,"text":%q}`, at.Format(time.RFC3339Nano), sum[:10], hex.EncodeToString(sum[:]), text)
		if faults := logtest.Check(text + "\n" + line); len(faults) != 0 {
			t.Fatalf("%q", faults)
		}
	}
}

// Whatever stands around a number, it is seen: a checker that other digits
// distract misses leaks.
func TestRandomPhonesAreSeenAmongOtherThings(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	spell := []string{"+7%s%s%s%s", "8%s%s%s%s", "8 (%s) %s-%s-%s", "+7 %s %s-%s-%s", "7 %s %s %s %s", "8-%s-%s-%s-%s", "+7(%s)%s%s%s", "8.%s.%s.%s.%s", "(%s) %s-%s-%s"}
	beside := []string{"", "12 ", "rows=7, ", "2026-11-22T07:20:00Z ", "line 3: ", "127.0.0.1:8080 ", "x=", "0f1e2d3c4b5a69788796 ", "id ", "took 1.5s ", "a-1 "}
	for range 5_000 {
		n := random.IntN(10_000_000)
		code := strconv.Itoa(900 + random.IntN(100))
		phone := fmt.Sprintf(spell[random.IntN(len(spell))], code, fmt.Sprintf("%03d", n/10000), fmt.Sprintf("%02d", n/100%100), fmt.Sprintf("%02d", n%100))
		line := beside[random.IntN(len(beside))] + phone + []string{"", " 3", ".", ", 4", "; 5 rows", "\"}"}[random.IntN(6)]
		if faults := logtest.Check(line); len(faults) == 0 {
			t.Fatalf("nothing is seen in %q", line)
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	line := `{"time":"2026-11-22T07:20:00.123456789Z","level":"DEBUG","msg":"delivery stored","source":"site","key":"` + strings.Repeat("0123456789abcdef", 4) +
		`","bytes":1512,"events":1,"ping":false,"reason":"","status":200}`
	for b.Loop() {
		if logtest.Check(line) != nil {
			b.Fatal("the line is clean")
		}
	}
}
