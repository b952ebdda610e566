package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strings"

	"github.com/leadlake/leadlake/lib/event"
)

// fetch asks for a deal and then for its main contact, whose phone and e-mail the
// deal does not tell. Both travel in one body, as amoCRM wrote them.
func (amocrmKind) fetch(ctx context.Context, c *caller, object string) ([]byte, error) {
	id, ok := strings.CutPrefix(object, "GET /api/v4/leads/")
	id, _, _ = strings.Cut(id, "?")
	if !ok || !wholeNumber(id) {
		return nil, &FetchError{Code: "refused", Final: true}
	}
	lead, err := c.get(ctx, "/api/v4/leads/"+id, url.Values{"with": {"contacts"}})
	if err != nil {
		return nil, err
	}
	answer := map[string]json.RawMessage{"lead": lead}
	values, err := event.ParseForeignJSON(lead)
	if err != nil || len(values) != 1 || !json.Valid(lead) {
		return nil, &FetchError{Code: "unreadable", Final: true}
	}
	if main := idAt(amocrmMain(values[0]), "id"); wholeNumber(main) {
		contact, err := c.get(ctx, "/api/v4/contacts/"+main, nil)
		var refused *FetchError
		switch {
		case errors.As(err, &refused) && refused.Code == "not_found": // deleted since
		case err != nil:
			return nil, err
		case json.Valid(contact):
			answer["contact"] = contact
		}
	}
	body, err := json.Marshal(map[string]any{"fetched": answer})
	if err != nil {
		return nil, &FetchError{Code: "unreadable", Final: true}
	}
	return body, nil
}
