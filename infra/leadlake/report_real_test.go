package main

import (
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// realBuyer is what the independent count knows of one client of the real data.
type realBuyer struct {
	last   time.Time
	orders float64
	cents  float64
}

// countReal reads the real data set with nothing of the program: columns between
// blanks, one row one order.
func countReal(t *testing.T, file string) map[string]*realBuyer {
	t.Helper()
	body, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	buyers := map[string]*realBuyer{}
	for i, line := range strings.Split(strings.TrimSpace(string(body)), "\n") {
		if i == 0 {
			continue // the header
		}
		columns := strings.Fields(line)
		day, err := time.Parse("20060102", columns[1])
		if err != nil {
			t.Fatal(err)
		}
		cents, err := strconv.ParseFloat(columns[3], 64)
		if err != nil {
			t.Fatal(err)
		}
		b := buyers[columns[0]]
		if b == nil {
			b = &realBuyer{}
			buyers[columns[0]] = b
		}
		if day.After(b.last) {
			b.last = day
		}
		b.orders++
		b.cents += math.Round(cents * 100)
	}
	return buyers
}

// quantile7 is the quantile of R's type 7.
func quantile7(values []float64, q float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	at := q * float64(len(sorted)-1)
	low := int(at)
	if low+1 == len(sorted) {
		return sorted[low]
	}
	return sorted[low] + (at-float64(low))*(sorted[low+1]-sorted[low])
}

// The figures of the real data set were counted before with other tools: 23 570
// clients, 69 659 orders, 2 500 315.63 dollars (the data set's own README).
func TestReportOfRealDataEqualsAnIndependentCount(t *testing.T) {
	file := filepath.Join("..", "..", "..", "shared", "data", "CDNOW_master.txt")
	if _, err := os.Stat(file); err != nil {
		t.Skipf("SKIPPED LOUDLY: the real data set is not beside the project: %v", err)
	}
	flags := []string{"report", "-map", "client=1,date=2,amount=4", "-currency", "USD", "-timezone", "UTC", "-as-of", "1998-07-01", "-json"}
	first, second := filepath.Join(t.TempDir(), "out"), filepath.Join(t.TempDir(), "out")
	result := resultOf(t, callProgram(t, "", append(flags, "-out", first, file)...))
	if result.Clients != 23570 || result.Buyers != 23570 || result.Orders != 69659 || result.RevenueMinor != 250031563 {
		t.Errorf("result = %+v", result)
	}
	resultOf(t, callProgram(t, "", append(flags, "-out", second, file)...))
	if diff := cmp.Diff(treeSums(t, first), treeSums(t, second)); diff != "" {
		t.Errorf("the same files gave other bytes (-first +second):\n%s", diff)
	}

	buyers := countReal(t, file)
	asOf := time.Date(1998, 7, 1, 0, 0, 0, 0, time.UTC)
	var recency, frequency, money []float64
	for _, b := range buyers {
		recency = append(recency, asOf.Sub(b.last).Hours()/24)
		frequency, money = append(frequency, b.orders), append(money, b.cents)
	}
	bounds := map[string][]float64{"r": recency, "f": frequency, "m": money}
	scores := map[string]map[float64]int{} // few different values: each is scored once
	for name, values := range bounds {
		scores[name] = map[float64]int{}
		low, high := quantile7(values, 1.0/3), quantile7(values, 2.0/3)
		for _, v := range values {
			score := 1
			if v > low {
				score++
			}
			if v > high {
				score++
			}
			scores[name][v] = score
		}
	}
	want := map[string]int{}
	codes := map[string]string{}
	for id, b := range buyers {
		code := fmt.Sprint(4-scores["r"][asOf.Sub(b.last).Hours()/24], scores["f"][b.orders], scores["m"][b.cents])
		codes[id] = strings.ReplaceAll(code, " ", "")
		want[codes[id]]++
	}
	got := map[string]int{}
	for _, row := range csvRows(t, first, "rfm_codes.csv") {
		n, err := strconv.Atoi(row["clients"])
		if err != nil {
			t.Fatal(err)
		}
		if n > 0 {
			got[row["code"]] = n
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("sizes of codes (-counted +report):\n%s", diff)
	}
	seen := 0
	for _, row := range csvRows(t, first, "clients.csv") {
		if code := codes[row["external_ids"]]; code == row["rfm_code"] {
			seen++
		}
	}
	if seen != len(codes) {
		t.Errorf("%d of %d clients have the counted code under their own id", seen, len(codes))
	}
	segments := map[string]int{}
	for code, n := range want {
		segments[segmentOfCode[code]] += n
	}
	segments["buyers"] = len(buyers)
	reported := map[string]int{}
	for name, n := range result.Segments {
		reported[name] = int(n)
	}
	named := slices.Collect(maps.Values(segmentOfCode))
	maps.DeleteFunc(reported, func(name string, n int) bool {
		return n == 0 || name != "buyers" && !slices.Contains(named, name) // those that are counted here
	})
	if diff := cmp.Diff(segments, reported); diff != "" {
		t.Errorf("sizes of segments (-counted +report):\n%s", diff)
	}
}

// segmentOfCode is the playbook once more, typed from its definition.
var segmentOfCode = map[string]string{
	"333": "champions", "331": "loyal", "332": "loyal", "321": "growing", "322": "growing", "323": "growing",
	"311": "new", "312": "new", "313": "big_new", "233": "cooling_valuable", "232": "cooling_valuable",
	"221": "steady", "222": "steady", "223": "steady", "231": "steady", "211": "cooling_once", "212": "cooling_once", "213": "cooling_once",
	"133": "cant_lose", "132": "cant_lose", "123": "cant_lose", "121": "dormant", "122": "dormant", "131": "dormant", "113": "dormant",
	"111": "lost", "112": "lost",
}
