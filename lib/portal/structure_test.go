package portal_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/leadlake/leadlake/lib/portal"
)

// everyPage is the pages a signed-in owner can open, with their variants.
func everyPage() []string {
	return []string{
		"/", "/rfm", "/rfm/213", "/rfm/133", "/segments", "/segments/cant_lose", "/segments/asleep-coffee", "/abc", "/abc?entity=item",
		"/abc?entity=category", "/cohorts", "/cohorts?show=clients", "/cohorts?show=revenue", "/cohorts?show=cumulative", "/exports",
		"/exports?segment=cant_lose", "/exports?segment=lost", "/exports/guides", "/exports/guides/vk", "/exports/ledger", "/exports/ledger?days=90&sort=-rows", "/exports/links", "/quality", "/ledger",
		"/login", "/nothing",
	}
}

// hostile are names as attackers and the unlucky write them.
func hostile(t *testing.T) []string {
	t.Helper()
	names := []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `'"--><svg/onload=alert(1)>`, `{{.Run}}`, `javascript:alert(1)`,
		`</title><h1>x`, `</style><b>`, "a\u202eb", `&lt;i&gt;`, "a\x00b", `]]>`, `<!--`,
	}
	b, err := os.ReadFile("../../../shared/corpora/blns.json")
	if err != nil {
		t.Log("SKIPPED: the corpus of naughty strings is not here; the built-in names stand for it")
		return names
	}
	var corpus []string
	if err := json.Unmarshal(b, &corpus); err != nil {
		t.Fatal(err)
	}
	for _, s := range corpus {
		if strings.ContainsAny(s, `<>"'&{}`) {
			names = append(names, s)
		}
	}
	return names
}

// shape is the elements and attribute names of a page, without texts and values.
func shape(t *testing.T, page string) []string {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for n := range root.Descendants() {
		switch n.Type {
		case html.ElementNode:
			line := []string{n.Data}
			for _, a := range n.Attr {
				line = append(line, a.Key)
				if strings.HasPrefix(a.Key, "on") || a.Key == "style" || strings.HasPrefix(strings.ToLower(strings.TrimSpace(a.Val)), "javascript:") && a.Key != "title" && a.Key != "value" {
					t.Errorf("attribute %s=%q", a.Key, a.Val)
				}
			}
			out = append(out, strings.Join(line, " "))
		case html.CommentNode:
			out = append(out, "comment")
		}
	}
	return out
}

func TestHostileNamesChangeNoStructure(t *testing.T) {
	bad := hostile(t)
	benign := renderAll(t, plainNames)
	// Every hostile name stands once on every page, whichever place it falls on.
	for offset, count := 0, max(1, len(bad)/16); offset < len(bad); offset += count {
		window := bad[offset:min(offset+count, len(bad))]
		names := func(kind string, i int) string {
			if kind == "item" || kind == "category" || kind == "source" || kind == "lead" {
				// A suffix keeps them as many as they were, so that tables keep their rows.
				return window[i%len(window)] + "\u00b7" + plainNames(kind, i)
			}
			return window[i%len(window)]
		}
		for at, page := range renderAll(t, names) {
			if got, want := shape(t, page), shape(t, benign[at]); !slices.Equal(got, want) {
				t.Errorf("%s has another structure with hostile names (%d nodes, %d with benign ones)", at, len(got), len(want))
			}
		}
		if testing.Short() {
			break
		}
	}
}

// renderAll opens every page in every language with names from outside.
func renderAll(t *testing.T, name naming) map[string]string {
	t.Helper()
	n := night(60, name)
	auth := newAuth(t, newClock().now)
	p, r := newPortal(t, n, func(c *portal.Config, r *reader) {
		c.Auth, c.Now, c.Accounts = auth, newClock().now, nil
		r.name = name
		r.bundles, r.handing = newReader(n, name).bundles, newHanding(name)
	})
	r.name = name
	cookie := tokenCookie(t, auth, name("account", 0), portal.Owner)
	out := map[string]string{}
	for _, lang := range []string{"ru", "en"} {
		for _, path := range everyPage() {
			out[lang+" "+path] = ask(p, "GET", path, withCookie(cookie), inLanguage(lang)).Body
		}
		for query, value := range map[string]string{"next": name("path", 0), name("path", 1): "1"} {
			login := ask(p, "GET", "/login?"+url.Values{query: {value}}.Encode(), inLanguage(lang))
			out[fmt.Sprintf("%s login, query %t", lang, query == "next")] = login.Body
		}
		var b strings.Builder
		if err := portal.Report(&b, n, lang, reportFiles()); err != nil {
			t.Fatal(err)
		}
		out[lang+" report"] = b.String()
	}
	return out
}

// A page is whole in both languages: no key of the catalogue, no Russian left on
// an English page.
func TestPagesSpeakOneLanguage(t *testing.T) {
	auth := newAuth(t, newClock().now)
	latin := func(kind string, i int) string { return fmt.Sprintf("%s-%d", kind, i) }
	n := night(400, latin)
	n.Recognised[0].Columns = n.Recognised[0].Columns[:1]
	p, r := newPortal(t, n, func(c *portal.Config, _ *reader) { c.Auth, c.Now = auth, newClock().now })
	r.name, r.bundles, r.handing = latin, newReader(n, latin).bundles, newHanding(latin)
	cookie := tokenCookie(t, auth, "olga", portal.Owner)
	cyrillic := regexp.MustCompile(`[А-Яа-яЁё]+`)
	for _, path := range everyPage() {
		as := withCookie(cookie)
		if path == "/login" {
			as = func(*http.Request) {} // who is in already is sent on
		}
		page := ask(p, "GET", path, as, inLanguage("en")).Body
		page = strings.ReplaceAll(page, "Русский", "")
		page = strings.ReplaceAll(page, "Уснувшие, кофе", "") // the example of a title in both languages
		if word := cyrillic.FindString(page); word != "" {
			t.Errorf("%s in English says %q", path, word)
		}
		if !strings.Contains(page, `<html lang="en">`) {
			t.Errorf("%s does not say its language", path)
		}
		russian := ask(p, "GET", path, as, inLanguage("ru")).Body
		if !strings.Contains(russian, `<html lang="ru">`) || !strings.Contains(russian, "English") {
			t.Errorf("%s in Russian has no language or no switch", path)
		}
	}
	if strings.Contains(ask(p, "GET", "/", withCookie(cookie), inLanguage("en")).Body, "<nil>") {
		t.Error("the overview shows a nil")
	}
}

// No link of any page leads nowhere.
func TestNoDeadLinks(t *testing.T) {
	auth := newAuth(t, newClock().now)
	p, _ := newPortal(t, night(400, plainNames), func(c *portal.Config, _ *reader) { c.Auth, c.Now = auth, newClock().now })
	cookie := tokenCookie(t, auth, "olga", portal.Owner)
	seen := map[string]bool{}
	queue := []string{"/"}
	for len(queue) > 0 {
		path := queue[0]
		queue = queue[1:]
		if seen[path] {
			continue
		}
		seen[path] = true
		answer := ask(p, "GET", path, withCookie(cookie))
		if answer.StatusCode != http.StatusOK {
			t.Errorf("%s, which a page links to, answers %d", path, answer.StatusCode)
			continue
		}
		if !strings.HasPrefix(answer.Header.Get("Content-Type"), "text/html") {
			continue
		}
		root, err := html.Parse(strings.NewReader(answer.Body))
		if err != nil {
			t.Fatal(err)
		}
		ids, fragments := map[string]bool{}, []string{}
		for n := range root.Descendants() {
			for _, a := range n.Attr {
				switch {
				case a.Key == "id":
					ids[a.Val] = true
				case (a.Key == "href" || a.Key == "src") && strings.HasPrefix(a.Val, "#"):
					fragments = append(fragments, a.Val[1:])
				case a.Key == "href" || a.Key == "src":
					link, err := url.Parse(a.Val)
					if err != nil || link.Host != "" || link.Scheme != "" {
						t.Errorf("%s links to %q", path, a.Val)
						continue
					}
					link.Fragment = ""
					query := link.Query()
					query.Del("lang")
					link.RawQuery = query.Encode()
					queue = append(queue, link.String())
				}
			}
		}
		for _, f := range fragments {
			if !ids[f] {
				t.Errorf("%s has no part #%s", path, f)
			}
		}
	}
	if len(seen) < 60 {
		t.Errorf("only %d addresses were reached", len(seen))
	}
}
