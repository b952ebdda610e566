// Package portal is the pages: sign-in, overview, RFM matrix with instructions,
// cohorts, ABC, segments, downloads and the ledger, in Russian and English, as
// HTML and as JSON; and [Report], the same look in one file without a server.
//
// Everything is rendered here, by html/template, without a line of JavaScript.
// What may be opened by whom stands in one table, [Portal.Routes]; what is not in
// it does not exist. Charts are tables with classes and a few lines of SVG, so
// that the content security policy allows nothing but one style sheet.
package portal

import (
	"crypto/rand"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// Config is what the pages need. Fields without a stated default are required.
type Config struct {
	Reader Reader
	Auth   *Auth
	// Accounts checks passwords; nil where tokens are issued elsewhere.
	Accounts Accounts
	// SignInURL is where people sign in when Accounts is nil.
	SignInURL string
	// Denials remembers signed-out tokens; default [MemDenials].
	Denials Denials
	// Language of readers who ask for none; default ru.
	Language string
	// BaseURL is the public address shown in instructions; default the request's.
	BaseURL string
	// ClientIP tells senders apart for the limit on sign-ins; default the address
	// of the connection.
	ClientIP func(*http.Request) string
	// NewID makes unguessable token ids; default crypto/rand.Text.
	NewID  func() string
	Now    func() time.Time
	Logger *slog.Logger
}

// Portal is an http.Handler, safe for concurrent use.
type Portal struct {
	config    Config
	locales   map[string]*locale
	pages     map[string]map[string]*template.Template // language → page
	assets    assets
	mux       *http.ServeMux
	csrf      *http.CrossOriginProtection
	byAccount *limiter
	byAddress *limiter
	byGuess   *limiter
	byLink    *limiter
	hashing   chan struct{}
}

// New checks the configuration and parses every page in every language.
func New(c Config) (*Portal, error) {
	if c.Reader == nil || c.Auth == nil || c.Now == nil || c.Logger == nil {
		return nil, errors.New("portal: a reader, an auth, a clock and a logger are required")
	}
	if c.Denials == nil {
		c.Denials = &MemDenials{}
	}
	if c.Language == "" {
		c.Language = "ru"
	}
	if c.NewID == nil {
		c.NewID = rand.Text
	}
	if c.ClientIP == nil {
		c.ClientIP = connectionIP
	}
	p := &Portal{
		config: c, locales: map[string]*locale{}, pages: map[string]map[string]*template.Template{},
		csrf: http.NewCrossOriginProtection(),
		// Ten wrong passwords, then one more try each minute; an office behind one
		// address gets three times that.
		byAccount: newLimiter(10, time.Minute),
		byAddress: newLimiter(30, 20*time.Second),
		// A secret of a link cannot be guessed; who tries is stopped all the same. A
		// sheet asks for its list once an hour, a mailer once a day.
		byGuess: newLimiter(30, 20*time.Second),
		byLink:  newLimiter(10, time.Minute),
		// Each check of a password holds 19 MiB: two at a time, the others wait.
		hashing: make(chan struct{}, 2),
	}
	p.assets = newAssets()
	for _, code := range languages() {
		l, err := newLocale(code)
		if err != nil {
			return nil, err
		}
		p.locales[code] = l
		if p.pages[code], err = parsePages(l); err != nil {
			return nil, err
		}
	}
	p.mux = http.NewServeMux()
	for _, r := range p.Routes() {
		p.mux.HandleFunc(r.Method+" "+r.Path, func(w http.ResponseWriter, req *http.Request) { p.open(r, w, req) })
	}
	p.mux.HandleFunc("/", func(w http.ResponseWriter, req *http.Request) {
		p.fail(p.newVisit(w, req), ErrNotFound)
	})
	return p, nil
}

// ServeHTTP implements http.Handler.
func (p *Portal) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.secureHeaders(w.Header(), r)
	defer func() {
		fault := recover()
		if fault == nil {
			return
		}
		if fault == http.ErrAbortHandler { //nolint:errorlint,err113 // a panic value, compared as net/http does
			panic(fault)
		}
		// The value may hold what was being shown, so only its type is logged.
		p.config.Logger.ErrorContext(r.Context(), "page panicked", "route", r.Pattern, "type", fmt.Sprintf("%T", fault))
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
	}()
	if err := p.csrf.Check(r); err != nil {
		p.fail(p.newVisit(w, r), errCrossOrigin)
		return
	}
	p.mux.ServeHTTP(w, r)
}

// contentPolicy allows one style sheet, one icon and own forms, nothing else.
const contentPolicy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

func (p *Portal) secureHeaders(h http.Header, r *http.Request) {
	h.Set("Content-Security-Policy", contentPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	// same-origin and not no-referrer: under the latter old browsers post a form
	// with Origin: null, which the cross-origin check must refuse. Downloads, where
	// a referrer could leak, set no-referrer.
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	h.Set("Cache-Control", "no-store")
	if p.overTLS(r) {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// overTLS tells whether the reader's browser came by https, here or at a proxy.
func (p *Portal) overTLS(r *http.Request) bool {
	return r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" || strings.HasPrefix(p.config.BaseURL, "https://")
}

// loopback tells whether the browser asked this machine itself.
func loopback(r *http.Request) bool {
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if host == "localhost" {
		return true
	}
	address, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && address.IsLoopback()
}

// baseURL is the address shown in instructions.
func (p *Portal) baseURL(r *http.Request) string {
	switch {
	case p.config.BaseURL != "":
		return strings.TrimRight(p.config.BaseURL, "/")
	case p.overTLS(r):
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// connectionIP is the sender's address; of IPv6 the /64 that one household has.
func connectionIP(r *http.Request) string {
	port, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	address := port.Addr().Unmap().WithZone("")
	if address.Is6() {
		if prefix, err := address.Prefix(64); err == nil {
			return prefix.String()
		}
	}
	return address.String()
}
