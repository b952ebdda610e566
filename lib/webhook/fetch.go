package webhook

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/config"
)

// Some systems only say that something happened to the object N (webhooks.md §1,
// rule 11). Their events carry Fetch; a Fetcher asks for the object, and
// FetchedDelivery makes of the answer a delivery that goes the way of all others:
// stored raw, decoded by the same adapter, redriven after a fix.

// FetchMethod is the method of a delivery that Leadlake asked for itself. No
// request has it.
const FetchMethod = "FETCH"

// maxFetched bounds the answer of a system in bytes.
const maxFetched = 1 << 20

// FetchError says why an object was not fetched. It holds no address and no
// credential.
type FetchError struct {
	// Code is stable: no_credential, no_address, unauthorized, not_found,
	// rate_limited, unreachable, refused, unreadable.
	Code string
	// Final says that asking again is of no use.
	Final bool
	// RetryAfter is how long the system wants to be left alone; zero: not told.
	RetryAfter time.Duration
}

func (e *FetchError) Error() string { return "webhook: fetch: " + e.Code }

// Fetcher asks systems for the objects that their thin hooks name. It is safe for
// concurrent use.
type Fetcher struct {
	// Client makes the requests; its redirects are not followed, since a
	// credential would travel with them.
	Client *http.Client
	// Secret resolves the reference of a source's fetch.token.
	Secret func(ctx context.Context, ref string) (string, error)
}

// fetcher is an adapter whose thin hooks can be completed.
type fetcher interface {
	// fetch asks for the object that an event's Fetch names.
	fetch(ctx context.Context, c *caller, object string) ([]byte, error)
}

// Fetch returns the object as its system tells it. Errors are *FetchError, or the
// context's.
func (f Fetcher) Fetch(ctx context.Context, source config.Source, object string) ([]byte, error) {
	a, ok := adapterFor(source.Kind).(fetcher)
	if !ok {
		return nil, &FetchError{Code: "refused", Final: true} // of a kind that the source had once
	}
	if source.Fetch.Token == "" {
		return nil, &FetchError{Code: "no_credential"}
	}
	token, err := f.Secret(ctx, source.Fetch.Token)
	if err != nil || token == "" {
		return nil, &FetchError{Code: "no_credential"}
	}
	client := *f.Client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return a.fetch(ctx, &caller{client: &client, base: strings.TrimRight(source.Fetch.URL, "/"), token: token}, object)
}

// caller is one system's API with a credential.
type caller struct {
	client *http.Client
	base   string // without a slash at its end; empty: the source names none
	token  string
	// gone reports whether a refusal means that there is no such object, for
	// systems that say so with another status than 404; nil for all others.
	gone func(status int, body []byte) bool
}

// get asks for a path below the base, with the credential as a bearer token.
func (c *caller) get(ctx context.Context, path string, query url.Values) ([]byte, error) {
	return c.ask(ctx, path, query, true)
}

// getOpen is get for systems whose credential is a part of the path.
func (c *caller) getOpen(ctx context.Context, path string, query url.Values) ([]byte, error) {
	return c.ask(ctx, path, query, false)
}

func (c *caller) ask(ctx context.Context, path string, query url.Values, bearer bool) ([]byte, error) {
	if c.base == "" {
		return nil, &FetchError{Code: "no_address"}
	}
	address := c.base + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, &FetchError{Code: "no_address"}
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "leadlake")
	if bearer {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	response, err := c.client.Do(request)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, &FetchError{Code: "unreachable"} // the error would quote the address
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxFetched+1))
	switch {
	case response.StatusCode == http.StatusOK && err == nil && len(body) <= maxFetched:
		return body, nil
	case response.StatusCode == http.StatusOK && err != nil:
		return nil, &FetchError{Code: "unreachable"}
	case response.StatusCode == http.StatusOK:
		return nil, &FetchError{Code: "unreadable", Final: true}
	case c.gone != nil && c.gone(response.StatusCode, body):
		return nil, &FetchError{Code: "not_found", Final: true}
	}
	return nil, refusal(response)
}

// refusal reads a status that is no success.
func refusal(response *http.Response) *FetchError {
	wait := time.Duration(0)
	if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil && seconds > 0 {
		wait = min(time.Duration(seconds)*time.Second, 24*time.Hour)
	}
	switch code := response.StatusCode; {
	case code == http.StatusNotFound, code == http.StatusGone, code == http.StatusNoContent:
		return &FetchError{Code: "not_found", Final: true}
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		return &FetchError{Code: "unauthorized", RetryAfter: wait}
	case code == http.StatusTooManyRequests:
		return &FetchError{Code: "rate_limited", RetryAfter: wait}
	case code >= http.StatusInternalServerError:
		return &FetchError{Code: "unreachable", RetryAfter: wait}
	default:
		return &FetchError{Code: "refused", RetryAfter: wait}
	}
}

// FetchedDelivery is the delivery that an object fetched for an event becomes.
// One event has one such delivery, however often it is asked for.
func FetchedDelivery(source config.Source, eventID, entity, object string, body []byte, now time.Time) Delivery {
	query := url.Values{"event": {eventID}, "object": {object}}
	if entity != "" {
		query.Set("entity", entity)
	}
	return Delivery{
		Source: source, Key: RawKey(source.Name, "fetched:"+eventID, body, now), HasID: true, Method: FetchMethod,
		ContentType: "application/json", Query: query.Encode(), Header: map[string]string{}, Body: body,
		ReceivedAt: now.UTC().Truncate(time.Microsecond), Trusted: true,
	}
}

// fetched reads back for what an object was fetched; false for what a system
// sent by itself.
func fetched(d *Delivery) (eventID, entity string, ok bool) {
	if d.Method != FetchMethod {
		return "", "", false
	}
	query, err := url.ParseQuery(d.Query)
	if err != nil || query.Get("event") == "" {
		return "", "", false
	}
	return query.Get("event"), query.Get("entity"), true
}

// Thin reports whether hooks of a kind only name objects.
func Thin(kind string) bool {
	_, ok := adapterFor(kind).(fetcher)
	return ok
}
