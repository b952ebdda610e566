package webhook

import (
	"net/http"
	"slices"
	"strings"

	"github.com/leadlake/leadlake/lib/config"
)

// allowedOrigin reports whether pages of an origin may read our answers. An
// origin of "*" in the configuration means any.
func allowedOrigin(source config.Source, origin string) bool {
	return origin != "" && (slices.Contains(source.Origins, origin) || slices.Contains(source.Origins, "*"))
}

// A browserSender is an adapter whose systems post from a page with headers that a
// browser asks for by name: pages returns them in lower case.
type browserSender interface {
	pages() []string
}

// browserHeaders are the headers beside content-type that a page may send.
func browserHeaders(source config.Source) []string {
	if b, ok := adapterFor(source.Kind).(browserSender); ok {
		return b.pages()
	}
	return nil
}

// preflight answers OPTIONS. The headers that depend on the source were set by
// the caller; a page of another origin gets none and so is refused by its
// browser. A delivery that needs no preflight is taken from anywhere: an Origin
// header is no proof of anything.
func preflight(w http.ResponseWriter, r *http.Request, source config.Source, known bool) {
	header := w.Header()
	switch {
	case !known:
		problemReply(http.StatusNotFound, "unknown_source", "no source of this name is configured", nil).write(w, r.Method)
		return
	case header.Get("Access-Control-Allow-Origin") != "":
		header.Set("Access-Control-Allow-Methods", "POST, OPTIONS")
		header.Set("Access-Control-Allow-Headers", strings.Join(append([]string{"content-type"}, browserHeaders(source)...), ", "))
		header.Set("Access-Control-Max-Age", "86400")
	case r.Header.Get("Origin") != "" && r.Header.Get("Access-Control-Request-Method") != "":
		problemReply(http.StatusForbidden, "origin_not_allowed", "the source's configuration does not name this origin", nil).write(w, r.Method)
		return
	}
	header.Set("Allow", "POST, GET, HEAD, OPTIONS")
	w.WriteHeader(http.StatusNoContent)
}
