package portal_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leadlake/leadlake/lib/logtest"
	"github.com/leadlake/leadlake/lib/portal"
)

// rowsOf are the counts of rows in the order of the page.
func rowsOf(page string) []string {
	var out []string
	for _, m := range regexp.MustCompile(`<td class="n">([0-9,]+)`).FindAllStringSubmatch(page, -1) {
		out = append(out, m[1])
	}
	return out
}

func TestLedgerOfDownloadsSaysWhoTookWhat(t *testing.T) {
	clock := newClock()
	auth := newAuth(t, clock.now)
	p, r := newPortal(t, night(60, plainNames), func(c *portal.Config, _ *reader) {
		c.Auth, c.Now, c.Accounts = auth, clock.now, nil
	})
	owner := withCookie(tokenCookie(t, auth, "olga", portal.Owner))
	page := ask(p, "GET", "/exports/ledger", owner, inLanguage("en")).Body
	for _, want := range []string{
		"24\u00a0files with", "to 4\u00a0recipients", "account 1", "by the link link 0", "Can&#39;t lose", "contacts.csv", "Table for people (CSV)",
		"advertising", "calls, advertising", "5\u00a0canary addresses", `aria-sort="descending"`, "leadlake leak",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	from := clock.now().UTC().AddDate(0, 0, -29).Format(time.DateOnly)
	if got := r.asked[len(r.asked)-1]; got != [2]string{from, ""} {
		t.Errorf("asked for %v, want 30 days from %s", got, from)
	}
	rising := rowsOf(ask(p, "GET", "/exports/ledger?sort=-rows", owner, inLanguage("en")).Body)
	falling := rowsOf(ask(p, "GET", "/exports/ledger?sort=rows&days=365", owner, inLanguage("en")).Body)
	if len(rising) != 24 || rising[0] != "130" {
		t.Errorf("rows rising: %v", rising)
	}
	slices.Reverse(falling)
	if !slices.Equal(falling, rising) {
		t.Errorf("by rows: falling and rising are not each other's mirror:\n%v\n%v", falling, rising)
	}
	if got, want := r.asked[len(r.asked)-1][0], clock.now().UTC().AddDate(0, 0, -364).Format(time.DateOnly); got != want {
		t.Errorf("a year is asked for from %s, want %s", got, want)
	}
	usual := ask(p, "GET", "/exports/ledger", owner, inLanguage("en")).Body
	if odd := ask(p, "GET", "/exports/ledger?sort=password&days=7", owner, inLanguage("en")).Body; !slices.Equal(rowsOf(odd), rowsOf(usual)) {
		t.Error("an unknown column or span changes the order")
	}

	answer := ask(p, "GET", "/api/v1/handovers?from=2026-11-01&to=2026-11-22", owner)
	var got struct {
		Handovers []struct {
			ID, Who, Link, Segment, Platform, File, Purpose, SHA256 string
			At                                                      time.Time
			Rows, Canaries                                          int64
		}
	}
	if err := json.Unmarshal([]byte(answer.Body), &got); err != nil || len(got.Handovers) != 24 {
		t.Fatalf("the API gives %d rows, %v", len(got.Handovers), err)
	}
	for i, h := range got.Handovers {
		want := r.handovers[i]
		if h.ID != want.ID || h.Who != want.Who || h.Link != want.Link || h.Rows != want.Rows || h.Canaries != want.Canaries || !h.At.Equal(want.At) || h.SHA256 != want.SHA256 {
			t.Errorf("row %d is %+v, want %+v", i, h, want)
		}
	}
	if asked := r.asked[len(r.asked)-1]; asked != [2]string{"2026-11-01", "2026-11-22"} {
		t.Errorf("the API asked for %v", asked)
	}
	if bad := ask(p, "GET", "/api/v1/handovers?from=yesterday", owner); bad.StatusCode != http.StatusBadRequest {
		t.Errorf("a day that is none = %d, want 400", bad.StatusCode)
	}
	r.handovers = nil
	if page := ask(p, "GET", "/exports/ledger", owner, inLanguage("en")).Body; !strings.Contains(page, "Nothing was handed over in 30\u00a0days") {
		t.Error("an empty ledger is not said")
	}
	if body := ask(p, "GET", "/api/v1/handovers", owner).Body; body != `{"handovers":[]}` {
		t.Errorf("an empty ledger as JSON is %s", body)
	}
}

func TestALinkIsMadeShownOnceAndRevoked(t *testing.T) {
	clock := newClock()
	auth := newAuth(t, clock.now)
	var log bytes.Buffer
	p, r := newPortal(t, night(60, plainNames), func(c *portal.Config, _ *reader) {
		c.Auth, c.Now, c.Accounts, c.BaseURL, c.Logger = auth, clock.now, nil, "https://clients.shop.example/", logtest.To(t, &log)
	})
	marketer := withCookie(&http.Cookie{Name: "__Host-id", Value: tokenCookie(t, auth, "masha", portal.Marketer).Value})
	post := func(name, list string) reply {
		return ask(p, "POST", "/exports/links", marketer, inLanguage("en"), withForm(url.Values{"name": {name}, "list": {list}}))
	}
	if page := ask(p, "GET", "/exports/links", marketer, inLanguage("en")).Body; !strings.Contains(page, `<option value="cant_lose/vk/full.txt">`) || strings.Contains(page, "add.csv") {
		t.Error("the form does not offer the whole lists, or offers one that is not written")
	}
	for name, want := range map[string]string{"": "1 to 40 characters", "taken": "There is a link of this name"} {
		if answer := post(name, "cant_lose/yandex/full.csv"); answer.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(answer.Body, want) {
			t.Errorf("name %q = %d, want 422 that says %q", name, answer.StatusCode, want)
		}
	}
	for _, list := range []string{"", "a", "a/b", "lost/csv/contacts.csv", "/"} {
		answer := post("sheet-olga", list)
		if answer.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(answer.Body, "no such list") || !strings.Contains(answer.Body, `value="sheet-olga"`) {
			t.Errorf("list %q = %d, want 422 beside what was typed", list, answer.StatusCode)
		}
	}
	before := len(r.links)
	answer := post("sheet-olga", "cant_lose/yandex/full.csv")
	address := "https://clients.shop.example/pull/8d0c1d2e3f405162/" + linkSecret + "/list-8d0c1d2e.csv"
	if answer.StatusCode != http.StatusOK || !strings.Contains(answer.Body, "<code>"+address+"</code>") || answer.Header.Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("made = %d, address shown %t", answer.StatusCode, strings.Contains(answer.Body, address))
	}
	if made := r.links[0]; len(r.links) != before+1 || made.CreatedBy != "masha" || made.File != "full.csv" || made.Platform != "yandex" {
		t.Errorf("made %+v", r.links[0])
	}
	for _, page := range []string{"/exports/links", "/api/v1/links"} {
		if body := ask(p, "GET", page, marketer).Body; strings.Contains(body, linkSecret) || !strings.Contains(body, "8d0c1d2e3f405162") {
			t.Errorf("%s shows the secret again, or not the link", page)
		}
	}
	foreign := func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }
	for _, path := range []string{"/exports/links", "/exports/links/8d0c1d2e3f405162/revoke"} {
		if answer := ask(p, "POST", path, marketer, foreign, withForm(url.Values{"name": {"x"}, "list": {"cant_lose/yandex/full.csv"}})); answer.StatusCode != http.StatusForbidden {
			t.Errorf("%s from another site = %d", path, answer.StatusCode)
		}
	}
	if answer := ask(p, "GET", "/pull/8d0c1d2e3f405162/"+linkSecret+"/x.csv"); answer.StatusCode != http.StatusOK {
		t.Errorf("pull = %d", answer.StatusCode)
	}
	if answer := ask(p, "POST", "/exports/links/8d0c1d2e3f405162/revoke", marketer); answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != "/exports/links" {
		t.Errorf("revoke = %d to %q", answer.StatusCode, answer.Header.Get("Location"))
	}
	if answer := ask(p, "GET", "/pull/8d0c1d2e3f405162/"+linkSecret+"/x.csv"); answer.StatusCode != http.StatusNotFound {
		t.Errorf("pull of a revoked link = %d", answer.StatusCode)
	}
	if page := ask(p, "GET", "/exports/links", marketer, inLanguage("en")).Body; !strings.Contains(page, "Revoked: 2") || strings.Contains(page, "/8d0c1d2e3f405162/revoke") {
		t.Error("the revoked link is not among the revoked ones")
	}
	r.fault = errors.New("disk on fire")
	for _, path := range []string{"/exports/links", "/exports/ledger", "/api/v1/links", "/pull/" + sheetLink + "/" + linkSecret + "/x.csv"} {
		if answer := ask(p, "GET", path, withCookie(&http.Cookie{Name: "__Host-id", Value: tokenCookie(t, auth, "olga", portal.Owner).Value})); answer.StatusCode != http.StatusInternalServerError || strings.Contains(answer.Body, "fire") || strings.Contains(answer.Body, linkSecret) {
			t.Errorf("%s with a fault = %d", path, answer.StatusCode)
		}
	}
	if !strings.Contains(log.String(), "disk on fire") || strings.Contains(log.String(), linkSecret) {
		t.Error("the log lacks the fault, or holds the secret")
	}
}

// TestPullAnswersAlike: who does not have the secret learns nothing, HEAD does
// nothing, and what is asked too often is refused.
func TestPullAnswersAlike(t *testing.T) {
	clock := newClock()
	p, r := newPortal(t, night(60, plainNames), func(c *portal.Config, _ *reader) {
		c.Now, c.Accounts = clock.now, nil
		c.ClientIP = func(r *http.Request) string { return r.Header.Get("X-Test-Address") }
	})
	from := func(address string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("X-Test-Address", address) }
	}
	good := "/pull/" + sheetLink + "/" + linkSecret + "/list-5a0c1d2e.csv"
	answer := ask(p, "GET", good, from("a"))
	if answer.StatusCode != http.StatusOK || answer.Body != "a;b\n1" || answer.Header.Get("X-Robots-Tag") != "noindex, nofollow" ||
		answer.Header.Get("Cache-Control") != "no-store" || answer.Header.Get("Referrer-Policy") != "no-referrer" ||
		answer.Header.Get("Content-Disposition") != "attachment; filename=list-5a0c1d2e.csv" {
		t.Errorf("pull = %d %q %v", answer.StatusCode, answer.Body, answer.Header)
	}
	if head := ask(p, "HEAD", good, from("a")); head.StatusCode != http.StatusOK || head.Header.Get("Content-Type") != "text/csv; charset=utf-8" {
		t.Errorf("HEAD = %d %v", head.StatusCode, head.Header)
	}
	if ahead := ask(p, "GET", good, from("a"), func(r *http.Request) { r.Header.Set("Sec-Purpose", "prefetch") }); ahead.StatusCode != http.StatusForbidden {
		t.Errorf("fetching ahead = %d", ahead.StatusCode)
	}
	if len(r.pulled) != 1 {
		t.Errorf("%d pulls, want the one GET", len(r.pulled))
	}
	var all []string
	for i, bad := range []string{
		"/pull/0000000000000000/" + linkSecret + "/x.csv", "/pull/" + sheetLink + "/wrong/x.csv", "/pull/7c0c1d2e3f405162/" + linkSecret + "/x.csv",
		"/pull/" + sheetLink + "/" + linkSecret + "A/x.csv", "/pull/..%2f..%2fconfig/" + linkSecret + "/x.csv",
	} {
		for _, method := range []string{"GET", "HEAD"} {
			answer := ask(p, method, bad, from(fmt.Sprint("b", i)))
			if method == "HEAD" {
				answer.Body = ask(p, "GET", bad, from(fmt.Sprint("b", i))).Body // a HEAD has none on the wire
			}
			all = append(all, fmt.Sprint(answer.StatusCode, answer.Header, answer.Body))
		}
	}
	for _, one := range all {
		if one != all[0] || !strings.HasPrefix(one, "404") || strings.Contains(one, linkSecret) {
			t.Errorf("one of the refusals is %s, the first %s", one, all[0])
		}
	}
	// Guessing: thirty tries, then no more from there, whatever the secret.
	for range 30 {
		ask(p, "GET", "/pull/"+sheetLink+"/wrong/x.csv", from("guesser"))
	}
	if answer := ask(p, "GET", good, from("guesser")); answer.StatusCode != http.StatusTooManyRequests || answer.Header.Get("Retry-After") == "" {
		t.Errorf("after 30 guesses = %d %v", answer.StatusCode, answer.Header)
	}
	// One link, ten at once and one a minute, from wherever.
	clock.move(time.Hour)
	for i := range 10 {
		if answer := ask(p, "GET", good, from(fmt.Sprint("c", i))); answer.StatusCode != http.StatusOK {
			t.Fatalf("pull %d = %d", i, answer.StatusCode)
		}
	}
	if answer := ask(p, "GET", good, from("d")); answer.StatusCode != http.StatusTooManyRequests || answer.Header.Get("Retry-After") != "60" {
		t.Errorf("the eleventh pull = %d %v", answer.StatusCode, answer.Header)
	}
	clock.move(time.Minute)
	if answer := ask(p, "GET", good, from("d")); answer.StatusCode != http.StatusOK {
		t.Errorf("a minute later = %d", answer.StatusCode)
	}
}
