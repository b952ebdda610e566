package webhook

import (
	"context"
	"strings"
)

// metaGraph is where leads are asked for unless the source's fetch says
// otherwise, for instance with a version at its end (webhooks.md §11).
const metaGraph = "https://graph.facebook.com"

// fetch asks the Graph API for a lead, object being GET /{id}. Which fields come
// is left to the API: asking for one that the token may not see fails the whole.
func (metaKind) fetch(ctx context.Context, c *caller, object string) ([]byte, error) {
	id, ok := strings.CutPrefix(object, "GET /")
	if !ok || id == "" || strings.Trim(id, "0123456789") != "" {
		return nil, &FetchError{Code: "refused", Final: true}
	}
	if c.base == "" {
		c.base = metaGraph
	}
	return c.get(ctx, "/"+id, nil)
}
