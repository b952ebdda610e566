package portal

import (
	"errors"
	"net/http"
	"slices"
)

// Route is one line of the table of what can be opened, and by whom.
type Route struct {
	Method string
	Path   string // as http.ServeMux patterns
	// Roles that may open it. Nobody is signed in on a Public route; a route that
	// is neither public nor names a role opens to nobody.
	Roles  []Role
	Public bool
	// Machine routes answer JSON and problem documents, the others pages.
	Machine bool

	serve func(*visit) error
}

// Errors that only the pages themselves raise.
var (
	errCrossOrigin = errors.New("portal: a form of another site")
	errForbidden   = errors.New("portal: not with this role")
	errSignedOut   = errors.New("portal: not signed in")
	errTooMany     = errors.New("portal: too many attempts")
	errBadRequest  = errors.New("portal: a request that makes no sense")
)

// Routes is the whole table. Numbers without personal data open to those who
// steer the business; files with contacts only to owner and marketer; a manager
// sees own clients only, so no page about the whole base; the developer on duty
// sees whether everything arrives, and no money.
func (p *Portal) Routes() []Route {
	numbers := []Role{Owner, Marketer, Analyst}
	people := []Role{Owner, Marketer}
	owner := []Role{Owner}
	arrival := []Role{Owner, Marketer, Analyst, Developer}
	return []Route{
		{Method: "GET", Path: "/login", Public: true, serve: p.showLogin},
		{Method: "POST", Path: "/login", Public: true, serve: p.signIn},
		{Method: "POST", Path: "/logout", Public: true, serve: p.signOut},
		{Method: "GET", Path: "/assets/{file}", Public: true, serve: p.asset},

		{Method: "GET", Path: "/{$}", Roles: numbers, serve: p.overview},
		{Method: "GET", Path: "/rfm", Roles: numbers, serve: p.rfm},
		{Method: "GET", Path: "/rfm/{code}", Roles: numbers, serve: p.code},
		{Method: "GET", Path: "/segments", Roles: numbers, serve: p.segments},
		{Method: "GET", Path: "/segments/{key}", Roles: numbers, serve: p.segment},
		{Method: "GET", Path: "/abc", Roles: numbers, serve: p.abc},
		{Method: "GET", Path: "/cohorts", Roles: numbers, serve: p.cohorts},
		{Method: "GET", Path: "/quality", Roles: numbers, serve: p.quality},
		{Method: "GET", Path: "/exports", Roles: people, serve: p.exports},
		{Method: "GET", Path: "/exports/{id}/{file}", Roles: people, serve: p.download},
		{Method: "GET", Path: "/exports/guides", Roles: people, serve: p.guides},
		{Method: "GET", Path: "/exports/guides/{platform}", Roles: people, serve: p.guide},
		{Method: "GET", Path: "/exports/ledger", Roles: owner, serve: p.handovers},
		{Method: "GET", Path: "/exports/links", Roles: people, serve: p.links},
		{Method: "POST", Path: "/exports/links", Roles: people, serve: p.newLink},
		{Method: "POST", Path: "/exports/links/{id}/revoke", Roles: people, serve: p.revokeLink},
		// The secret in the path is who asks: programs that fetch a list send nothing else.
		{Method: "GET", Path: "/pull/{id}/{secret}/{name}", Public: true, Machine: true, serve: p.pull},
		{Method: "GET", Path: "/ledger", Roles: arrival, serve: p.ledger},

		{Method: "GET", Path: "/api/v1/night", Roles: numbers, Machine: true, serve: p.apiNight},
		{Method: "GET", Path: "/api/v1/rfm", Roles: numbers, Machine: true, serve: p.apiRFM},
		{Method: "GET", Path: "/api/v1/abc", Roles: numbers, Machine: true, serve: p.apiABC},
		{Method: "GET", Path: "/api/v1/cohorts", Roles: numbers, Machine: true, serve: p.apiCohorts},
		{Method: "GET", Path: "/api/v1/quality", Roles: numbers, Machine: true, serve: p.apiQuality},
		{Method: "GET", Path: "/api/v1/segments", Roles: numbers, Machine: true, serve: p.apiSegments},
		{Method: "GET", Path: "/api/v1/exports", Roles: people, Machine: true, serve: p.apiExports},
		{Method: "GET", Path: "/api/v1/handovers", Roles: owner, Machine: true, serve: p.apiHandovers},
		{Method: "GET", Path: "/api/v1/links", Roles: people, Machine: true, serve: p.apiLinks},
		{Method: "GET", Path: "/api/v1/ledger", Roles: arrival, Machine: true, serve: p.apiLedger},
	}
}

// navGroup is a heading of the side navigation with its pages.
type navGroup struct {
	Key   string
	Items []navItem
}

type navItem struct {
	Key    string
	Path   string
	Active bool
}

// navigation is the pages that a role may open, in the order of their groups.
func (p *Portal) navigation(role Role, active string) []navGroup {
	all := []navGroup{
		{"today", []navItem{{Key: "overview", Path: "/"}}},
		{"clients", []navItem{{Key: "segments", Path: "/segments"}, {Key: "rfm", Path: "/rfm"}}},
		{"money", []navItem{{Key: "abc", Path: "/abc"}, {Key: "cohorts", Path: "/cohorts"}}},
		{"advertising", []navItem{{Key: "exports", Path: "/exports"}, {Key: "links", Path: "/exports/links"}, {Key: "handovers", Path: "/exports/ledger"}}},
		{"base", []navItem{{Key: "quality", Path: "/quality"}, {Key: "ledger", Path: "/ledger"}}},
	}
	var out []navGroup
	for _, group := range all {
		var items []navItem
		for _, item := range group.Items {
			if p.mayOpen(role, item.Path) {
				item.Active = item.Key == active
				items = append(items, item)
			}
		}
		if items != nil {
			out = append(out, navGroup{group.Key, items})
		}
	}
	return out
}

func (p *Portal) mayOpen(role Role, path string) bool {
	if path == "/" {
		path = "/{$}"
	}
	return slices.ContainsFunc(p.Routes(), func(r Route) bool {
		return r.Method == http.MethodGet && r.Path == path && slices.Contains(r.Roles, role)
	})
}

// landing is where a role goes after signing in: where it wanted to, if that is
// a page of the navigation it may open, else its first page.
func (p *Portal) landing(role Role, wanted string) string {
	first := ""
	for _, group := range p.navigation(role, "") {
		for _, item := range group.Items {
			if item.Path == wanted {
				return wanted
			}
			if first == "" {
				first = item.Path
			}
		}
	}
	if first == "" {
		return "/"
	}
	return first
}
