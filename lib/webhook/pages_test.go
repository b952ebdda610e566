package webhook_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/webhook"
)

// kinds are all that a configuration may name, read from the published schema.
// Tables are files, which no system posts.
func kinds(t *testing.T) []string {
	t.Helper()
	list := slices.DeleteFunc(config.Kinds(), func(kind string) bool { return kind == "spreadsheet" })
	if len(list) < 25 {
		t.Fatalf("the schema knows only %d kinds", len(list))
	}
	return list
}

// Every kind has a page, a line in the index that links it and says whether it is
// thin, and an entry that is a configuration of that kind; there are no other pages.
func TestEveryKindHasAPageThatCanBePasted(t *testing.T) {
	index, err := os.ReadFile("sources/README.md")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"README.md", "costs.md"} // what advertising cost comes as files
	for _, kind := range kinds(t) {
		want = append(want, kind+".md")
		row := regexp.MustCompile(`(?m)^\| ` + regexp.QuoteMeta("`"+kind+"`") + ` \|.*\| (no|yes|in part) \| \[` + regexp.QuoteMeta(kind+".md") + `\]\(` + regexp.QuoteMeta(kind+".md") + `\) \|$`).FindSubmatch(index)
		if row == nil {
			t.Errorf("%s: no line in the index", kind)
		} else if webhook.Thin(kind) == (string(row[1]) == "no") {
			t.Errorf("%s: the index says of thin %q", kind, row[1])
		}
		page, err := os.ReadFile("sources/" + kind + ".md")
		if err != nil {
			t.Error(err)
			continue
		}
		_, entry, ok := strings.Cut(string(page), "```yaml\n")
		entry, _, closed := strings.Cut(entry, "```")
		if !ok || !closed || !strings.Contains(string(page), "(kind `"+kind+"`)") {
			t.Errorf("%s: no title or no entry", kind)
			continue
		}
		if !strings.HasPrefix(entry, "sources:") {
			entry = "sources:\n" + entry
		}
		cfg, err := config.Parse([]byte(entry))
		if err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		source := cfg.Sources[0]
		if source.Kind != kind || len(source.Secrets) == 0 && kind != "form" || webhook.Thin(kind) && source.Fetch.Token == "" && !strings.Contains(string(page), "fetch:") {
			t.Errorf("%s: %+v", kind, source)
		}
	}
	pages, err := filepath.Glob("sources/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for i := range pages {
		pages[i] = filepath.Base(pages[i])
	}
	slices.Sort(want)
	if slices.Sort(pages); !slices.Equal(pages, want) {
		t.Errorf("pages %v, want %v", pages, want)
	}
	for _, word := range []string{"TikTok is not supported", "OpenCart", "CallTracking.ru", "TILDAUTM"} {
		if !strings.Contains(string(index), word) {
			t.Errorf("the index does not mention %s", word)
		}
	}
}
