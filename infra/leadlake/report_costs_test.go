package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/identity"
	"github.com/leadlake/leadlake/lib/identity/phone"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/schema"
	"github.com/leadlake/leadlake/lib/spreadsheet"
)

// TestReportTakesTheCostsOfTheLastFile: each file restates the day of the one before
// it, ten of them and more, and adds a day of its own.
func TestReportTakesTheCostsOfTheLastFile(t *testing.T) {
	cfg, err := config.Parse([]byte("business: {currency: RUB}"))
	if err != nil {
		t.Fatal(err)
	}
	im := newImporter(cfg, config.Source{Name: reportSource}, lake.Refiner{Key: identity.NewKey([]byte(strings.Repeat("k", 32))), Phones: phone.Parser{}}, nil)
	const files = 12
	for i := 1; i <= files; i++ {
		text := fmt.Sprintf("day,campaign,cost,currency\n2026-11-01,a,%d,RUB\n2026-11-01,a,1,RUB\n2026-11-01,a,1,USD\n2026-11-%02d,b,7,RUB\n", 100-i, i+1)
		table, err := spreadsheet.Open("vk.csv", strings.NewReader(text), int64(len(text)), spreadsheet.Options{Kind: spreadsheet.CostsFile, Location: cfg.Location()})
		if err != nil {
			t.Fatal(err)
		}
		count, err := im.read(table, int64(len(text)), i)
		if err != nil || count.failed != 1 {
			t.Fatalf("file %d: %+v, %v; want the row in another currency to fail", i, count, err)
		}
	}
	stand := map[string]schema.EventRow{}
	for _, ev := range im.events {
		if old, ok := stand[ev.Entity]; !ok || ev.EventID > old.EventID {
			stand[ev.Entity] = ev
		}
	}
	sum := int64(0)
	for _, ev := range stand {
		sum += *ev.CostMinor
	}
	// 88 + 1 of the last file, and 7 of each file's own day.
	if want := int64(8900 + files*700); len(stand) != files+1 || sum != want {
		t.Errorf("%d costs of %d, want %d of %d", len(stand), sum, files+1, want)
	}
}
