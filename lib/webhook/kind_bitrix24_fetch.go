package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/leadlake/leadlake/lib/event"
)

// fetch calls crm.lead.get, crm.deal.get or crm.contact.get with an inbound
// webhook: fetch.url is its address up to the user's number
// (https://shop.bitrix24.ru/rest/1), fetch.token the code behind it. A lead or
// deal without a phone of its own is asked for along with its contact.
func (bitrix24Kind) fetch(ctx context.Context, c *caller, object string) ([]byte, error) {
	method, id, _ := strings.Cut(object, " id=")
	if method != "crm.lead.get" && method != "crm.deal.get" && method != "crm.contact.get" || !wholeNumber(id) {
		return nil, &FetchError{Code: "refused", Final: true}
	}
	body, result, err := bitrix24Call(ctx, c, method, id)
	if err != nil {
		return nil, err
	}
	contact := idAt(result, "CONTACT_ID")
	if method == "crm.contact.get" || !wholeNumber(contact) || len(bitrix24Values(result.Get("PHONE"))) > 0 {
		return body, nil
	}
	more, _, err := bitrix24Call(ctx, c, "crm.contact.get", contact)
	var refused *FetchError
	if errors.As(err, &refused) && refused.Code != "unreachable" && refused.Code != "rate_limited" {
		return body, nil // deleted since, or not ours to read: the lead is worth having alone
	}
	if err != nil {
		return nil, err
	}
	var first, second struct {
		Result json.RawMessage `json:"result"`
	}
	if errors.Join(json.Unmarshal(body, &first), json.Unmarshal(more, &second)) != nil {
		return nil, &FetchError{Code: "unreadable", Final: true}
	}
	both, err := json.Marshal(map[string]json.RawMessage{"result": first.Result, "contact": second.Result})
	if err != nil {
		return nil, &FetchError{Code: "unreadable", Final: true}
	}
	return both, nil
}

// bitrix24Call returns the answer and the object in it.
func bitrix24Call(ctx context.Context, c *caller, method, id string) ([]byte, event.Value, error) {
	c.gone = bitrix24Gone
	body, err := c.getOpen(ctx, "/"+url.PathEscape(strings.Trim(c.token, "/"))+"/"+method, url.Values{"ID": {id}})
	if err != nil {
		return nil, event.Value{}, err
	}
	values, err := event.ParseForeignJSON(body)
	if err != nil || len(values) != 1 || idAt(values[0], "result.ID") != id {
		return nil, event.Value{}, &FetchError{Code: "unreadable", Final: true}
	}
	return body, opened(values[0].Get("result")), nil
}

// bitrix24Gone knows a deleted object by the words, since every refusal is a 400.
func bitrix24Gone(status int, body []byte) bool {
	values, err := event.ParseForeignJSON(body)
	return err == nil && len(values) == 1 && status >= http.StatusBadRequest && status < http.StatusInternalServerError &&
		strings.EqualFold(textAt(values[0], "error_description"), "Not found")
}
