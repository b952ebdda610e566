// Package edge serves an http.Handler behind API Gateway's HTTP API or a Lambda
// Function URL: an event in format 2.0 becomes a request, the buffered answer becomes
// the response. What a handler sees is what net/http would have shown it; the parity
// test holds the two together.
package edge

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
)

// maxResponse is how many bytes of an answer fit into Lambda's 6 MB, the rest of the
// JSON document included.
const maxResponse = 6<<20 - 64<<10

// Start serves the handler until Lambda ends the process. It does not return.
func Start(handler http.Handler, logger *slog.Logger) {
	lambda.Start(Adapt(handler, logger))
}

// Adapt returns the handler as a function of events. Its error is always nil: an event
// that is no request is answered 400, an answer that Lambda could not carry and a panic
// are answered 500 and logged, without the panic's text, which may hold personal data.
func Adapt(handler http.Handler, logger *slog.Logger) func(context.Context, events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	return func(ctx context.Context, event events.APIGatewayV2HTTPRequest) (answer events.APIGatewayV2HTTPResponse, _ error) {
		request, err := Request(ctx, event)
		if err != nil {
			return problem(http.StatusBadRequest), nil
		}
		defer func() {
			if caught := recover(); caught != nil {
				logger.ErrorContext(ctx, "handler panicked", "kind", fmt.Sprintf("%T", caught), "stack", string(debug.Stack()))
				answer = problem(http.StatusInternalServerError)
			}
		}()
		w := &writer{header: http.Header{}}
		handler.ServeHTTP(w, request)
		answer = w.response(request.Method)
		if len(answer.Body) > maxResponse {
			logger.ErrorContext(ctx, "answer too large for lambda", "bytes", len(answer.Body))
			answer = problem(http.StatusInternalServerError)
		}
		return answer, nil
	}
}

// Request builds the request that net/http would have read from the wire. The body is
// decoded: signatures are checked over the bytes that the sender signed.
func Request(ctx context.Context, event events.APIGatewayV2HTTPRequest) (*http.Request, error) {
	at := event.RequestContext
	target, err := target(event)
	if err != nil {
		return nil, err
	}
	body := []byte(event.Body)
	if event.IsBase64Encoded {
		if body, err = base64.StdEncoding.DecodeString(event.Body); err != nil {
			return nil, fmt.Errorf("edge: body: %w", err)
		}
	}
	request, err := http.NewRequestWithContext(ctx, at.HTTP.Method, "/", bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("edge: %w", err)
	}
	request.URL = target
	request.RequestURI = target.RequestURI()
	request.Host = at.DomainName
	request.RemoteAddr = net.JoinHostPort(at.HTTP.SourceIP, "0") // the port is not told
	// Neither front speaks anything but TLS; cookies and links depend on it.
	request.TLS = &tls.ConnectionState{HandshakeComplete: true, ServerName: at.DomainName}
	if len(body) == 0 {
		request.Body = http.NoBody
	}
	for name, value := range event.Headers {
		// A header that came several times arrives joined by commas. It stays one value: a
		// comma may also belong to the value, as in Accept-Language or a date.
		switch name = http.CanonicalHeaderKey(name); name {
		case "Host":
			request.Host = value
		case "Transfer-Encoding", "Connection": // said about the connection to the gateway
		default:
			request.Header[name] = []string{value}
		}
	}
	if len(event.Cookies) > 0 {
		request.Header["Cookie"] = []string{strings.Join(event.Cookies, "; ")}
	}
	return request, nil
}

// target is path and query. The HTTP API sends its path decoded and with the stage in
// front, the Function URL sends it as it stood on the wire. Decoding twice would turn
// %252F into a slash.
func target(event events.APIGatewayV2HTTPRequest) (*url.URL, error) {
	at := event.RequestContext
	path := event.RawPath
	if stage := at.Stage; stage != "" && stage != "$default" {
		if rest, ok := strings.CutPrefix(path, "/"+stage); ok && (rest == "" || rest[0] == '/') {
			path = rest
		}
	}
	if path == "" {
		path = "/"
	}
	if path[0] != '/' {
		return nil, errors.New("edge: path is not absolute")
	}
	target := &url.URL{Path: path, RawQuery: event.RawQueryString}
	if strings.Contains(at.DomainName, ".lambda-url.") {
		decoded, err := url.PathUnescape(path)
		if err != nil {
			return nil, fmt.Errorf("edge: path: %w", err)
		}
		target.Path, target.RawPath = decoded, path
	}
	return target, nil
}

// writer keeps the answer until the handler returns.
type writer struct {
	header http.Header
	sent   http.Header // the header as it was when the status was written
	status int
	body   bytes.Buffer
}

func (w *writer) Header() http.Header { return w.header }

func (w *writer) WriteHeader(status int) {
	if w.status != 0 || status < 200 { // an interim answer cannot be sent ahead from here
		return
	}
	w.status, w.sent = status, w.header.Clone()
}

func (w *writer) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if !bodyAllowed(w.status) {
		return 0, http.ErrBodyNotAllowed
	}
	return w.body.Write(p)
}

func bodyAllowed(status int) bool {
	return status != http.StatusNoContent && status != http.StatusNotModified
}

func (w *writer) response(method string) events.APIGatewayV2HTTPResponse {
	w.WriteHeader(http.StatusOK)
	body := w.body.Bytes()
	_, typed := w.sent["Content-Type"]
	if len(body) > 0 && !typed && w.sent.Get("Content-Encoding") == "" {
		w.sent.Set("Content-Type", http.DetectContentType(body))
	}
	if method == http.MethodHead {
		body = nil
	}
	answer := events.APIGatewayV2HTTPResponse{StatusCode: w.status, Headers: map[string]string{}, Cookies: w.sent["Set-Cookie"]}
	for name, values := range w.sent {
		if name != "Set-Cookie" && len(values) > 0 {
			answer.Headers[name] = strings.Join(values, ", ")
		}
	}
	if utf8.Valid(body) && w.sent.Get("Content-Encoding") == "" {
		answer.Body = string(body)
	} else {
		answer.Body, answer.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
	}
	return answer
}

func problem(status int) events.APIGatewayV2HTTPResponse {
	return events.APIGatewayV2HTTPResponse{
		StatusCode: status,
		Headers:    map[string]string{"Content-Type": "application/problem+json"},
		Body:       fmt.Sprintf(`{"type":"about:blank","title":%q,"status":%d}`, http.StatusText(status), status),
	}
}
