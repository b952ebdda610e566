package portal

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// visit is one request on its way through a route.
type visit struct {
	w      http.ResponseWriter
	r      *http.Request
	route  Route
	locale *locale
	who    Identity // zero: nobody is signed in
}

func (p *Portal) newVisit(w http.ResponseWriter, r *http.Request) *visit {
	return &visit{w: w, r: r, locale: p.locales[chooseLanguage(r, p.config.Language)]}
}

// open lets a visit through to its route, or says why not.
func (p *Portal) open(route Route, w http.ResponseWriter, r *http.Request) {
	v := p.newVisit(w, r)
	v.route = route
	if asked := r.URL.Query().Get("lang"); asked == v.locale.code && !route.Machine {
		p.setCookie(v, languageCookie, asked, 365*24*time.Hour)
	}
	who, err := p.identify(r)
	switch {
	case err == nil:
		v.who = who
	case route.Public:
		// Pages for everybody do not mind a token that has expired.
	default:
		p.fail(v, err)
		return
	}
	if !route.Public && !slices.Contains(route.Roles, v.who.Role) {
		p.fail(v, errForbidden)
		return
	}
	if err := route.serve(v); err != nil {
		p.fail(v, err)
	}
}

// identify finds who a request's cookie speaks for. What is not a valid, current,
// undenied sign-in matches errSignedOut.
func (p *Portal) identify(r *http.Request) (Identity, error) {
	cookie, err := r.Cookie(p.cookieName(r))
	if err != nil {
		return Identity{}, errSignedOut
	}
	who, err := p.config.Auth.Verify(r.Context(), cookie.Value)
	if err != nil {
		return Identity{}, fmt.Errorf("%w: %w", errSignedOut, err)
	}
	denied, err := p.config.Denials.Denied(r.Context(), who.TokenID)
	if err != nil {
		return Identity{}, fmt.Errorf("look up signed-out tokens: %w", err)
	}
	if denied {
		return Identity{}, errSignedOut
	}
	if p.config.Accounts == nil {
		return who, nil
	}
	account, err := p.config.Accounts.Current(r.Context(), who.Name)
	switch {
	case errors.Is(err, ErrAccount) || err == nil && account.ChangedAt.After(who.IssuedAt):
		return Identity{}, errSignedOut
	case err != nil:
		return Identity{}, fmt.Errorf("look up account: %w", err)
	}
	who.Role = account.Role // a change of role counts at once, not in an hour
	return who, nil
}

// page is what the layout needs; Body belongs to the page's own template.
type page struct {
	Lang     string
	Key      string // catalogue prefix of the page
	Name     string // overrides the page's title in the catalogue
	Section  string // the page of the navigation that it belongs to; empty: itself
	Business string
	Currency string // sign of the money on the page
	AsOf     string
	Run      string
	Nav      []navGroup
	Switch   []switchLink
	CSS      string
	Icon     string
	SignedIn bool
	User     string
	Role     Role
	// Answer is the page's one sentence; Action the link beside it.
	Answer string
	Action *action
	Body   any
}

type switchLink struct {
	Lang   string
	Href   string
	Active bool
}

type action struct {
	Label string
	Href  string
}

// show renders a page. Nothing is sent before the whole page stands, so that a
// fault never leaves half of one.
func (p *Portal) show(v *visit, status int, pg page) error {
	pg.Lang = v.locale.code
	pg.CSS, pg.Icon = p.assets.path(styleSheet), p.assets.path(icon)
	for _, code := range languages() {
		query := v.r.URL.Query()
		query.Set("lang", code)
		// Only path and query: what a stranger puts before them cannot lead away.
		link := url.URL{Path: "/" + trimSlashes(v.r.URL.Path), RawQuery: query.Encode()}
		pg.Switch = append(pg.Switch, switchLink{Lang: code, Href: link.String(), Active: code == pg.Lang})
	}
	if v.who.Name != "" {
		pg.SignedIn, pg.User, pg.Role = true, v.who.Name, v.who.Role
		pg.Nav = p.navigation(v.who.Role, cmp.Or(pg.Section, pg.Key))
	}
	var b bytes.Buffer
	if err := p.pages[v.locale.code][pg.Key].ExecuteTemplate(&b, "layout", pg); err != nil {
		return fmt.Errorf("render %s: %w", pg.Key, err)
	}
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	v.w.Header().Set("Content-Language", v.locale.code)
	v.w.Header().Set("Vary", "Accept-Language, Cookie")
	v.w.WriteHeader(status)
	_, _ = v.w.Write(b.Bytes()) // a reader who has left cannot be told
	return nil
}

func trimSlashes(path string) string {
	for path != "" && (path[0] == '/' || path[0] == '\\') {
		path = path[1:]
	}
	return path
}

// fault is how an error looks from outside.
type fault struct {
	Status int
	Kind   string // catalogue key error.KIND, type of the problem document
}

func faultOf(err error) fault {
	_, tooLarge := errors.AsType[*http.MaxBytesError](err)
	switch {
	case errors.Is(err, errSignedOut):
		return fault{http.StatusUnauthorized, "signed_out"}
	case errors.Is(err, errForbidden), errors.Is(err, errCrossOrigin):
		return fault{http.StatusForbidden, "forbidden"}
	case errors.Is(err, ErrRefused):
		return fault{http.StatusForbidden, "refused"}
	case errors.As(err, new(NotNow)):
		return fault{http.StatusNotFound, "not_now"}
	case errors.Is(err, ErrNotFound), errors.Is(err, ErrNoNight):
		return fault{http.StatusNotFound, "not_found"}
	case errors.Is(err, errBadRequest):
		return fault{http.StatusBadRequest, "bad_request"}
	case errors.Is(err, errTooMany):
		return fault{http.StatusTooManyRequests, "too_many"}
	case tooLarge:
		return fault{http.StatusRequestEntityTooLarge, "too_large"}
	}
	return fault{http.StatusInternalServerError, "broken"}
}

// fail answers with an error page, a problem document, or the way to sign in.
// Here errors of requests end, so here they are logged.
func (p *Portal) fail(v *visit, err error) {
	f := faultOf(err)
	if f.Status == http.StatusInternalServerError {
		p.config.Logger.ErrorContext(v.r.Context(), "page failed", "route", v.r.Pattern, "error", err)
	}
	switch {
	case v.route.Machine:
		p.problem(v, f)
		return
	case f.Kind == "signed_out" && v.r.Method == http.MethodGet:
		next := url.URL{Path: "/login", RawQuery: url.Values{"next": {v.r.URL.Path}}.Encode()}
		v.redirect(next.String())
		return
	case errors.Is(err, ErrNoNight):
		err = p.showEmpty(v)
	default:
		body := errorBody{Kind: f.Kind, Nav: p.navigation(v.who.Role, "")}
		if now, ok := errors.AsType[NotNow](err); ok {
			body.Why = now.Why
		}
		err = p.show(v, f.Status, page{Key: "error", Body: body})
	}
	if err != nil {
		p.config.Logger.ErrorContext(v.r.Context(), "error page failed", "route", v.r.Pattern, "error", err)
		http.Error(v.w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
	}
}

type errorBody struct {
	Kind string
	Why  Text // in place of the text of the kind
	Nav  []navGroup
}

// problemDocument is RFC 9457.
type problemDocument struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
}

func (p *Portal) problem(v *visit, f fault) {
	detail, err := v.locale.say("error." + f.Kind + ".text")
	if err != nil {
		detail = http.StatusText(f.Status)
	}
	b, err := json.Marshal(problemDocument{
		Type: "urn:leadlake:problem:" + f.Kind, Title: http.StatusText(f.Status), Status: f.Status, Detail: detail,
	})
	if err != nil {
		b = []byte("{}")
	}
	v.w.Header().Set("Content-Type", "application/problem+json")
	v.w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	v.w.WriteHeader(f.Status)
	_, _ = v.w.Write(b)
}

// redirect goes to a path of this portal by GET.
func (v *visit) redirect(to string) {
	v.w.Header().Set("Location", to)
	v.w.WriteHeader(http.StatusSeeOther)
}
