package portal_test

import (
	"crypto/ed25519"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leadlake/leadlake/lib/logtest"

	"github.com/leadlake/leadlake/lib/portal"
)

const password = "correct horse battery"

// accounts are made once: each hash costs what an attacker should pay.
var accounts = sync.OnceValues(func() ([]byte, error) {
	var users portal.Users
	names := map[portal.Role]string{
		portal.Owner: "olga", portal.Marketer: "mark", portal.Analyst: "anna", portal.Manager: "max", portal.Developer: "dina",
	}
	for _, role := range portal.Roles() {
		if err := users.Add(names[role], role, password, asOf); err != nil {
			return nil, err
		}
	}
	return users.Marshal()
})

func newUsers(t *testing.T) *portal.Users {
	t.Helper()
	b, err := accounts()
	if err != nil {
		t.Fatal(err)
	}
	users, err := portal.ParseUsers(b)
	if err != nil {
		t.Fatal(err)
	}
	return users
}

func signingKey(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed([]byte(strings.Repeat(string(rune('a'+seed)), ed25519.SeedSize)))
}

// clock is a hand that tests move.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: asOf.Add(34 * time.Hour)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func newAuth(t *testing.T, now func() time.Time) *portal.Auth {
	t.Helper()
	a, err := portal.NewAuth(portal.AuthConfig{Issuer: "https://leadlake.test", Audience: "portal", Signer: signingKey(0), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// newPortal serves a night; change may turn its configuration.
func newPortal(t *testing.T, n *portal.Night, change func(*portal.Config, *reader)) (*portal.Portal, *reader) {
	t.Helper()
	r := newReader(n, plainNames)
	// The browser's own clock decides when a cookie is old, so tests that use a
	// browser and those that do not both live in the present of their token.
	c := portal.Config{Reader: r, Accounts: newUsers(t), Now: time.Now, Logger: logtest.New(t)}
	if change != nil {
		change(&c, r)
	}
	if c.Auth == nil {
		c.Auth = newAuth(t, c.Now)
	}
	p, err := portal.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return p, r
}

// reply is an answer that has been read to its end.
type reply struct {
	StatusCode int
	Header     http.Header
	Cookies    []*http.Cookie
	Body       string
}

// ask sends one request as a browser on this machine would.
func ask(p http.Handler, method, path string, change ...func(*http.Request)) reply {
	r := httptest.NewRequest(method, "http://localhost"+path, nil)
	for _, f := range change {
		f(r)
	}
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	result := w.Result()
	defer result.Body.Close()
	return reply{StatusCode: result.StatusCode, Header: result.Header, Cookies: result.Cookies(), Body: w.Body.String()}
}

func withCookie(c *http.Cookie) func(*http.Request) {
	return func(r *http.Request) { r.AddCookie(c) }
}

func inLanguage(code string) func(*http.Request) {
	return func(r *http.Request) { r.AddCookie(&http.Cookie{Name: "lang", Value: code}) }
}

func withForm(values url.Values) func(*http.Request) {
	return func(r *http.Request) {
		r.Body = io.NopCloser(strings.NewReader(values.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
}

func signInAs(name, secret string) func(*http.Request) {
	return withForm(url.Values{"name": {name}, "password": {secret}})
}

func cookieNamed(r reply, name string) *http.Cookie {
	for _, c := range r.Cookies {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// tokenCookie signs in without the form, for tests about other things.
func tokenCookie(t *testing.T, a *portal.Auth, name string, role portal.Role) *http.Cookie {
	t.Helper()
	token, _, err := a.Issue(portal.Account{Name: name, Role: role}, "id-of-"+name)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Cookie{Name: "id", Value: token}
}

func reportFiles() []portal.ReportFile {
	about := portal.Text{RU: "Одна строка на клиента.", EN: "One row per client."}
	return []portal.ReportFile{
		{Name: "clients", Href: "clients.csv", Kind: "csv", Rows: 8640, Bytes: 1_204_000, About: about},
		{Name: "clients", Href: "clients.parquet", Kind: "parquet", Rows: 8640, Bytes: 402_000, About: about},
		{Name: "rfm_codes", Href: "rfm_codes.csv", Kind: "csv", Rows: 27, Bytes: 900},
		{Name: "report.html", Href: "report.html", Kind: "report", Lang: "ru"},
		{Name: "report.en.html", Href: "report.en.html", Kind: "report", Lang: "en"},
	}
}
