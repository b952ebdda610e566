package runtimeapi

import (
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
)

// Front is who turns a request into an event; the two differ in how they send a path.
type Front int

// The fronts that Leadlake can stand behind.
const (
	HTTPAPI     Front = iota // API Gateway's HTTP API: the path decoded, the stage in front of it
	FunctionURL              // a Lambda Function URL: the path as it stood on the wire
)

// Event is the request as the front would send it. It reads the request's body.
// Header names are lower case and repeated headers are joined by commas, as AWS does.
func Event(tb testing.TB, front Front, r *http.Request) events.APIGatewayV2HTTPRequest {
	tb.Helper()
	event := events.APIGatewayV2HTTPRequest{Version: "2.0", RouteKey: "$default", RawPath: r.URL.EscapedPath(), RawQueryString: r.URL.RawQuery}
	at := &event.RequestContext
	at.Stage, at.DomainName = "$default", "abc123.lambda-url.eu-west-1.on.aws"
	if front == HTTPAPI {
		event.RawPath = r.URL.Path
		at.DomainName = "abc123.execute-api.eu-west-1.amazonaws.com"
	}
	at.HTTP = events.APIGatewayV2HTTPRequestContextHTTPDescription{Method: r.Method, Path: event.RawPath, Protocol: r.Proto, SourceIP: "127.0.0.1", UserAgent: r.UserAgent()}
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		at.HTTP.SourceIP = host
	}
	event.Headers = map[string]string{"host": r.Host}
	for name, values := range r.Header {
		if name == "Cookie" {
			for _, value := range values {
				event.Cookies = append(event.Cookies, strings.Split(value, "; ")...)
			}
			continue
		}
		event.Headers[strings.ToLower(name)] = strings.Join(values, ",")
	}
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			tb.Fatal(err)
		}
		if event.IsBase64Encoded = !utf8.Valid(body); event.IsBase64Encoded {
			event.Body = base64.StdEncoding.EncodeToString(body)
		} else {
			event.Body = string(body)
		}
	}
	return event
}

// Body is the answer's body as it would go over the wire.
func Body(tb testing.TB, answer events.APIGatewayV2HTTPResponse) []byte {
	tb.Helper()
	if !answer.IsBase64Encoded {
		return []byte(answer.Body)
	}
	body, err := base64.StdEncoding.DecodeString(answer.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return body
}
