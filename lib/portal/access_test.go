package portal_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leadlake/leadlake/lib/portal"
)

// example fills the patterns of a route with values that exist.
func example(p *portal.Portal, path string) string {
	_, after, _ := strings.Cut(ask(p, "GET", "/login").Body, "/assets/")
	css, _, _ := strings.Cut(after, `"`)
	return strings.NewReplacer("{$}", "", "{file}", map[bool]string{true: css, false: "full.csv"}[strings.HasPrefix(path, "/assets")],
		"{code}", "333", "{key}", "cant_lose", "{id}", "a1b2c3d4e5f60718293a4b5c6d7e8f90", "{platform}", "vk").Replace(path)
}

// Whoever changes who may open what changes this list too.
func TestRolesOpenTheirRoutesAndNoOthers(t *testing.T) {
	clock := newClock()
	auth := newAuth(t, clock.now)
	p, _ := newPortal(t, night(60, plainNames), func(c *portal.Config, _ *reader) {
		c.Auth, c.Now, c.Accounts = auth, clock.now, nil
	})
	owner, numbers, people, arrival := "owner", "owner marketer analyst", "owner marketer", "owner marketer analyst developer"
	want := map[string]string{
		"GET /login": "all", "POST /login": "all", "POST /logout": "all", "GET /assets/{file}": "all",
		"GET /{$}": numbers, "GET /rfm": numbers, "GET /rfm/{code}": numbers, "GET /segments": numbers, "GET /segments/{key}": numbers,
		"GET /abc": numbers, "GET /cohorts": numbers, "GET /quality": numbers, "GET /exports": people, "GET /exports/{id}/{file}": people,
		"GET /exports/guides": people, "GET /exports/guides/{platform}": people, "GET /ledger": arrival,
		"GET /exports/ledger": owner, "GET /exports/links": people, "POST /exports/links": people, "POST /exports/links/{id}/revoke": people,
		"GET /pull/{id}/{secret}/{name}": "all", "GET /api/v1/handovers": owner, "GET /api/v1/links": people,
		"GET /api/v1/night": numbers, "GET /api/v1/rfm": numbers, "GET /api/v1/abc": numbers, "GET /api/v1/cohorts": numbers,
		"GET /api/v1/segments": numbers, "GET /api/v1/quality": numbers, "GET /api/v1/exports": people, "GET /api/v1/ledger": arrival,
	}
	routes := p.Routes()
	if len(routes) != len(want) {
		t.Errorf("%d routes, the list has %d", len(routes), len(want))
	}
	for _, route := range routes {
		name := route.Method + " " + route.Path
		allowed, listed := want[name]
		if !listed {
			t.Errorf("%s is not in the list", name)
			continue
		}
		path := example(p, route.Path)
		if route.Public != (allowed == "all") {
			t.Errorf("%s: public is %v", name, route.Public)
		}
		if route.Public {
			continue
		}
		for _, role := range append(portal.Roles(), "", "stranger") {
			answer := ask(p, route.Method, path, withCookie(tokenCookie(t, auth, "somebody", role)))
			wanted := http.StatusForbidden
			if slices.Contains(strings.Fields(allowed), string(role)) {
				wanted = opened(name)
			}
			if answer.StatusCode != wanted {
				t.Errorf("%s as %q = %d, want %d", name, role, answer.StatusCode, wanted)
			}
		}
		answer := ask(p, route.Method, path)
		switch {
		case route.Machine && answer.StatusCode != http.StatusUnauthorized:
			t.Errorf("%s signed out = %d", name, answer.StatusCode)
		case !route.Machine && route.Method == http.MethodPost && answer.StatusCode != http.StatusUnauthorized:
			t.Errorf("%s signed out = %d", name, answer.StatusCode)
		case !route.Machine && route.Method == http.MethodGet && (answer.StatusCode != http.StatusSeeOther || !strings.HasPrefix(answer.Header.Get("Location"), "/login?next=")):
			t.Errorf("%s signed out = %d to %q", name, answer.StatusCode, answer.Header.Get("Location"))
		}
	}
}

// opened is the status of a route for who may open it, with the values of example
// and an empty form.
func opened(route string) int {
	switch route {
	case "POST /exports/links":
		return http.StatusUnprocessableEntity
	case "POST /exports/links/{id}/revoke":
		return http.StatusNotFound
	}
	return http.StatusOK
}

func TestEveryAnswerCarriesTheSecurityHeaders(t *testing.T) {
	clock := newClock()
	auth := newAuth(t, clock.now)
	p, r := newPortal(t, night(60, plainNames), func(c *portal.Config, _ *reader) {
		c.Auth, c.Now, c.Accounts = auth, clock.now, nil
	})
	owner := withCookie(tokenCookie(t, auth, "olga", portal.Owner))
	broken, _ := newPortal(t, nil, func(c *portal.Config, r *reader) {
		c.Auth, c.Now, c.Accounts, r.err = auth, clock.now, nil, errors.New("disk on fire")
	})
	panicking, _ := newPortal(t, &portal.Night{}, func(c *portal.Config, _ *reader) {
		c.Auth, c.Now, c.Accounts, c.Reader = auth, clock.now, nil, nilReader{}
	})
	answers := map[string]reply{
		"unknown path": ask(p, "GET", "/nothing", owner), "unknown, signed out": ask(p, "GET", "/nothing"),
		"wrong method": ask(p, "DELETE", "/rfm", owner), "unclean path": ask(p, "GET", "//evil.example/../rfm", owner),
		"fault": ask(broken, "GET", "/", owner), "fault of the API": ask(broken, "GET", "/api/v1/night", owner), "panic": ask(panicking, "GET", "/", owner),
		"foreign form": ask(p, "POST", "/logout", owner, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }),
	}
	for _, route := range p.Routes() {
		path := example(p, route.Path)
		owner := owner
		if path == "/logout" { // which would end the sign-in of all the others
			owner = withCookie(tokenCookie(t, auth, "another", portal.Owner))
		}
		answers[route.Method+" "+route.Path] = ask(p, route.Method, path, owner)
		answers[route.Method+" "+route.Path+" signed out"] = ask(p, route.Method, path)
		answers["HEAD "+route.Path] = ask(p, "HEAD", path, owner)
	}
	const policy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
	for name, answer := range answers {
		h := answer.Header
		if got := h.Get("Content-Security-Policy"); got != policy {
			t.Errorf("%s: policy %q", name, got)
		}
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") == "" || h.Get("X-Frame-Options") != "DENY" {
			t.Errorf("%s: headers %v", name, h)
		}
		cached := h.Get("Cache-Control")
		if strings.Contains(name, "/assets/") {
			if !strings.Contains(cached, "immutable") {
				t.Errorf("%s: Cache-Control %q", name, cached)
			}
		} else if cached != "no-store" {
			t.Errorf("%s: Cache-Control %q", name, cached)
		}
		if h.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s allows other origins", name)
		}
	}
	for name, want := range map[string]int{"fault": 500, "fault of the API": 500, "panic": 500, "foreign form": 403, "unknown path": 404, "wrong method": 404} {
		if got := answers[name].StatusCode; got != want {
			t.Errorf("%s = %d, want %d", name, got, want)
		}
	}
	if text := answers["fault"].Body; strings.Contains(text, "fire") {
		t.Error("a page shows the error it hides")
	}
	if len(r.opened) != 1 {
		t.Errorf("%d downloads were opened, want the one of GET and none of HEAD", len(r.opened))
	}
}

// nilReader has a fault of its own.
type nilReader struct{ portal.Reader }

func TestDownloads(t *testing.T) {
	clock := newClock()
	auth := newAuth(t, clock.now)
	p, r := newPortal(t, night(60, plainNames), func(c *portal.Config, _ *reader) {
		c.Auth, c.Now, c.Accounts = auth, clock.now, nil
	})
	owner := withCookie(tokenCookie(t, auth, "olga", portal.Owner))
	const path = "/exports/a1b2c3d4e5f60718293a4b5c6d7e8f90/full.csv"
	answer := ask(p, "GET", path, owner)
	if got := answer.Body; answer.StatusCode != http.StatusOK || got != "a;b\n1" {
		t.Errorf("download = %d %q", answer.StatusCode, got)
	}
	if got := answer.Header.Get("Content-Disposition"); got != "attachment; filename=full.csv" {
		t.Errorf("Content-Disposition = %q", got)
	}
	if got := answer.Header.Get("Referrer-Policy"); got != "no-referrer" {
		t.Errorf("Referrer-Policy = %q", got)
	}
	if want := (portal.Caller{Name: "olga", Role: portal.Owner}); len(r.opened) != 1 || r.opened[0] != want {
		t.Errorf("opened by %v", r.opened)
	}
	r.url = "https://bucket.example/x?signature=1"
	answer = ask(p, "GET", path, owner)
	if answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != r.url || answer.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("presigned = %d %v", answer.StatusCode, answer.Header)
	}
	for name, change := range map[string]func(*http.Request){
		"another site":   func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
		"fetching ahead": func(r *http.Request) { r.Header.Set("Sec-Purpose", "prefetch") },
	} {
		if answer := ask(p, "GET", path, owner, change); answer.StatusCode != http.StatusForbidden {
			t.Errorf("%s = %d", name, answer.StatusCode)
		}
	}
	if answer := ask(p, "HEAD", path, owner); answer.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("HEAD = %d", answer.StatusCode)
	}
	for _, foreign := range []string{"/exports/ffffffffffffffffffffffffffffffff/full.csv", "/exports/a1b2c3d4e5f60718293a4b5c6d7e8f90/add.csv", "/exports/..%2f..%2fconfig/users.json"} {
		if answer := ask(p, "GET", foreign, owner); answer.StatusCode != http.StatusNotFound {
			t.Errorf("%s = %d", foreign, answer.StatusCode)
		}
	}
	if len(r.opened) != 2 {
		t.Errorf("%d downloads opened, want 2", len(r.opened))
	}
}

func TestSignInAndOut(t *testing.T) {
	clock := newClock()
	p, _ := newPortal(t, night(60, plainNames), func(c *portal.Config, _ *reader) { c.Now = clock.now })
	answer := ask(p, "POST", "/login", signInAs(" Olga ", password))
	cookie := cookieNamed(answer, "id")
	if answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != "/" || cookie == nil {
		t.Fatalf("sign-in = %d %v", answer.StatusCode, answer.Header)
	}
	if !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Secure || cookie.Path != "/" || cookie.MaxAge != 3600 {
		t.Errorf("cookie on localhost = %+v", cookie)
	}
	if answer := ask(p, "GET", "/", withCookie(cookie)); answer.StatusCode != http.StatusOK {
		t.Fatalf("signed in = %d", answer.StatusCode)
	}
	if answer := ask(p, "GET", "/login", withCookie(cookie)); answer.Header.Get("Location") != "/" {
		t.Errorf("the sign-in page sends who is in to %q", answer.Header.Get("Location"))
	}
	if answer := ask(p, "GET", "/", withCookie(&http.Cookie{Name: "__Host-id", Value: cookie.Value})); answer.StatusCode != http.StatusSeeOther {
		t.Errorf("the other cookie's name = %d", answer.StatusCode)
	}
	answer = ask(p, "POST", "/logout", withCookie(cookie))
	if gone := cookieNamed(answer, "id"); gone == nil || gone.MaxAge != -1 || answer.Header.Get("Location") != "/login" {
		t.Errorf("sign-out = %v", answer.Header)
	}
	if answer := ask(p, "GET", "/", withCookie(cookie)); answer.StatusCode != http.StatusSeeOther {
		t.Errorf("a copy of the cookie after signing out = %d", answer.StatusCode)
	}
	fresh := cookieNamed(ask(p, "POST", "/login", signInAs("olga", password)), "id")
	clock.move(time.Hour + time.Second)
	if answer := ask(p, "GET", "/", withCookie(fresh)); answer.StatusCode != http.StatusSeeOther {
		t.Errorf("after an hour = %d", answer.StatusCode)
	}
}

func TestCookieIsSecureWhereverThereIsTLS(t *testing.T) {
	p, _ := newPortal(t, night(10, plainNames), nil)
	for name, change := range map[string]func(*http.Request){
		"a proxy with TLS": func(r *http.Request) { r.Host = "clients.shop.example"; r.Header.Set("X-Forwarded-Proto", "https") },
		// The browser will not keep it, and the page says so: better than a token in clear.
		"another host without": func(r *http.Request) { r.Host = "192.168.0.7:8080" },
	} {
		cookie := cookieNamed(ask(p, "POST", "/login", signInAs("olga", password), change), "__Host-id")
		if cookie == nil || !cookie.Secure || cookie.Domain != "" || cookie.Path != "/" || !cookie.HttpOnly {
			t.Errorf("%s: cookie %+v", name, cookie)
		}
	}
	page := ask(p, "GET", "/login", inLanguage("en"), func(r *http.Request) { r.Host = "192.168.0.7:8080" }).Body
	if !strings.Contains(page, "opened without https") {
		t.Error("the sign-in page does not warn that the browser will not keep the sign-in")
	}
	if answer := ask(p, "GET", "/login", func(r *http.Request) { r.Header.Set("X-Forwarded-Proto", "https") }); answer.Header.Get("Strict-Transport-Security") == "" {
		t.Error("no Strict-Transport-Security over TLS")
	}
}

func TestWrongPasswordSaysSoBesideTheField(t *testing.T) {
	p, _ := newPortal(t, night(10, plainNames), nil)
	var pages []string
	for _, name := range []string{"olga", "nobody"} {
		answer := ask(p, "POST", "/login", signInAs(name, "wrong password"), inLanguage("en"))
		if answer.StatusCode != http.StatusUnauthorized || len(answer.Cookies) != 0 {
			t.Errorf("%s: %d, cookies %v", name, answer.StatusCode, answer.Cookies)
		}
		page := answer.Body
		if !strings.Contains(page, `id="login-error"`) || !strings.Contains(page, `aria-describedby="login-error"`) {
			t.Errorf("%s: no words beside the field", name)
		}
		pages = append(pages, strings.ReplaceAll(page, name, "NAME"))
	}
	if pages[0] != pages[1] {
		t.Error("the page tells a known name from an unknown one")
	}
}

func TestSignInIsLimitedByAccountAndByAddress(t *testing.T) {
	clock := newClock()
	cheap := cheapAccounts{}
	p, _ := newPortal(t, night(10, plainNames), func(c *portal.Config, _ *reader) { c.Now, c.Accounts = clock.now, cheap })
	from := func(address string) func(*http.Request) {
		return func(r *http.Request) { r.RemoteAddr = address }
	}
	status := func(name, secret, address string) int {
		return ask(p, "POST", "/login", signInAs(name, secret), from(address)).StatusCode
	}
	for i := range 10 {
		if got := status("olga", "wrong", fmt.Sprintf("192.0.2.%d:9", i)); got != 401 {
			t.Fatalf("try %d = %d", i, got)
		}
	}
	if got := status("OLGA", "right", "192.0.2.99:9"); got != 429 {
		t.Errorf("the eleventh try, with the right password = %d", got)
	}
	if got := status("mark", "right", "192.0.2.99:9"); got != 303 {
		t.Errorf("another account meanwhile = %d", got)
	}
	clock.move(time.Minute)
	if got := status("olga", "right", "192.0.2.99:9"); got != 303 {
		t.Errorf("a minute later = %d", got)
	}
	for i := range 30 {
		if got := status(fmt.Sprintf("name%d", i), "wrong", "[2001:db8::1]:9"); got != 401 {
			t.Fatalf("spraying %d = %d", i, got)
		}
	}
	// The whole /64 is one sender.
	answer := ask(p, "POST", "/login", signInAs("name99", "wrong"), from("[2001:db8::2]:9"))
	if answer.StatusCode != http.StatusTooManyRequests || answer.Header.Get("Retry-After") == "" {
		t.Errorf("from one address = %d, Retry-After %q", answer.StatusCode, answer.Header.Get("Retry-After"))
	}
	for i := range 40 {
		if got := status("mark", "right", "198.51.100.7:9"); got != 303 {
			t.Fatalf("right passwords are limited: try %d = %d", i, got)
		}
	}
}

func TestSignInGoesOnlyToOwnPages(t *testing.T) {
	p, _ := newPortal(t, night(10, plainNames), func(c *portal.Config, _ *reader) { c.Accounts = cheapAccounts{} })
	for next, want := range map[string]string{
		"/cohorts": "/cohorts", "": "/", "//evil.example": "/", "https://evil.example/": "/", "/exports/../\\evil": "/", "/api/v1/night": "/", "/\t/evil": "/",
	} {
		answer := ask(p, "POST", "/login", withForm(url.Values{"name": {"olga"}, "password": {"right"}, "next": {next}}))
		if got := answer.Header.Get("Location"); got != want {
			t.Errorf("next %q leads to %q, want %q", next, got, want)
		}
	}
	answer := ask(p, "POST", "/login", withForm(url.Values{"name": {"dina"}, "password": {"right"}, "next": {"/"}}))
	if got := answer.Header.Get("Location"); got != "/ledger" {
		t.Errorf("a developer lands on %q", got)
	}
	big := ask(p, "POST", "/login", withForm(url.Values{"name": {strings.Repeat("x", 20_000)}}))
	if big.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("a form of 20 kB = %d", big.StatusCode)
	}
}

func TestClosingAnAccountEndsItsSignIns(t *testing.T) {
	clock := newClock()
	users := newUsers(t)
	p, _ := newPortal(t, night(10, plainNames), func(c *portal.Config, _ *reader) { c.Now, c.Accounts = clock.now, users })
	cookieOf := func(name string) *http.Cookie {
		return cookieNamed(ask(p, "POST", "/login", signInAs(name, password)), "id")
	}
	mark, anna := cookieOf("mark"), cookieOf("anna")
	clock.move(time.Minute)
	if err := users.Disable("mark", clock.now()); err != nil {
		t.Fatal(err)
	}
	if err := users.SetPassword("anna", "another long secret", clock.now()); err != nil {
		t.Fatal(err)
	}
	for name, cookie := range map[string]*http.Cookie{"disabled": mark, "password changed": anna} {
		if answer := ask(p, "GET", "/rfm", withCookie(cookie)); answer.StatusCode != http.StatusSeeOther {
			t.Errorf("%s = %d", name, answer.StatusCode)
		}
	}
	if answer := ask(p, "POST", "/login", signInAs("mark", password)); answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("a disabled account signs in: %d", answer.StatusCode)
	}
	if answer := ask(p, "POST", "/login", signInAs("anna", "another long secret")); answer.StatusCode != http.StatusSeeOther {
		t.Errorf("the new password = %d", answer.StatusCode)
	}
}
