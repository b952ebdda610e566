package wiring

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// Mux serves the template's routes in one process: each goes to the handler of its
// function. A function that has a route and no handler is an error, and so is a
// handler without a route. API Gateway's {proxy+} becomes a wildcard for the rest of the
// path; a path of "/" is that page alone. A method that the template does not name for a
// path is 405, GET does not bring HEAD with it.
func (t Template) Mux(handlers map[string]http.Handler) (*http.ServeMux, error) {
	// By path, because net/http refuses "HEAD /{rest...}" beside "GET /in/{source}".
	paths := map[string]methods{}
	routed := map[string]bool{}
	for _, route := range t.Routes {
		handler := handlers[route.Function]
		if handler == nil {
			return nil, fmt.Errorf("wiring: route %s %s: no handler for %s", route.Method, route.Path, route.Function)
		}
		routed[route.Function] = true
		pattern := strings.ReplaceAll(route.Path, "+}", "...}")
		if pattern == "/" {
			pattern = "/{$}"
		}
		if paths[pattern] == nil {
			paths[pattern] = methods{}
		}
		paths[pattern][route.Method] = handler
	}
	for function := range handlers {
		if !routed[function] {
			return nil, fmt.Errorf("wiring: no route leads to the handler of %s", function)
		}
	}
	mux := http.NewServeMux()
	for pattern, byMethod := range paths {
		mux.Handle(pattern, byMethod)
	}
	return mux, nil
}

// methods are the handlers of one path; "ANY" stands for all methods not named.
type methods map[string]http.Handler

func (m methods) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	handler := m[r.Method]
	if handler == nil {
		handler = m["ANY"]
	}
	if handler == nil {
		w.Header().Set("Allow", strings.Join(slices.Sorted(maps.Keys(m)), ", "))
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusMethodNotAllowed)
		_, _ = io.WriteString(w, `{"type":"about:blank","title":"Method Not Allowed","status":405}`)
		return
	}
	handler.ServeHTTP(w, r)
}
