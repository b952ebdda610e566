package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"
)

// httpEvent is an event of API Gateway's HTTP API in format 2.0, as far as a
// request is made of it. The Lambda functions have an adapter of their own, which
// only they may import.
type httpEvent struct {
	Version         string            `json:"version"`
	RawPath         string            `json:"rawPath"`
	RawQueryString  string            `json:"rawQueryString"`
	Cookies         []string          `json:"cookies"`
	Headers         map[string]string `json:"headers"`
	Body            string            `json:"body"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
	RequestContext  struct {
		DomainName string `json:"domainName"`
		Stage      string `json:"stage"`
		HTTP       struct {
			Method   string `json:"method"`
			SourceIP string `json:"sourceIp"`
		} `json:"http"`
	} `json:"requestContext"`
}

// httpAnswer is the answer in the same format.
type httpAnswer struct {
	StatusCode      int               `json:"statusCode"`
	Headers         map[string]string `json:"headers"`
	Cookies         []string          `json:"cookies,omitempty"`
	Body            string            `json:"body"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
}

// serveEvent has a handler answer an event.
func serveEvent(ctx context.Context, handler http.Handler, raw json.RawMessage) (httpAnswer, error) {
	var event httpEvent
	if err := json.Unmarshal(raw, &event); err != nil {
		return httpAnswer{}, fmt.Errorf("the event does not fit: %w", err)
	}
	request, err := event.request(ctx)
	if err != nil {
		return httpAnswer{}, err
	}
	w := &eventWriter{header: http.Header{}}
	handler.ServeHTTP(w, request)
	return w.answer(), nil
}

func (e *httpEvent) request(ctx context.Context) (*http.Request, error) {
	if e.Version != "2.0" || e.RequestContext.HTTP.Method == "" || !strings.HasPrefix(e.RawPath, "/") {
		return nil, errors.New("the event is no request of the HTTP API in format 2.0: want version, rawPath and requestContext.http.method")
	}
	body := []byte(e.Body)
	if e.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(e.Body); err != nil {
			return nil, errors.New("the event's body is not Base64")
		}
	}
	request, err := http.NewRequestWithContext(ctx, e.RequestContext.HTTP.Method, "/", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	path := e.RawPath
	if stage := e.RequestContext.Stage; stage != "" && stage != "$default" {
		if rest, ok := strings.CutPrefix(path, "/"+stage+"/"); ok {
			path = "/" + rest
		}
	}
	request.URL = &url.URL{Path: path, RawQuery: e.RawQueryString} // the HTTP API sends its path decoded
	request.RequestURI = request.URL.RequestURI()
	request.Host = e.RequestContext.DomainName
	request.RemoteAddr = net.JoinHostPort(e.RequestContext.HTTP.SourceIP, "0")
	for name, value := range e.Headers {
		if name = http.CanonicalHeaderKey(name); name == "Host" {
			request.Host = value
		} else {
			request.Header[name] = []string{value}
		}
	}
	if len(e.Cookies) > 0 {
		request.Header["Cookie"] = []string{strings.Join(e.Cookies, "; ")}
	}
	return request, nil
}

// eventWriter keeps an answer until the handler returns.
type eventWriter struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *eventWriter) Header() http.Header { return w.header }

func (w *eventWriter) WriteHeader(status int) {
	if w.status == 0 && status >= http.StatusOK {
		w.status = status
	}
}

func (w *eventWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(p)
}

func (w *eventWriter) answer() httpAnswer {
	w.WriteHeader(http.StatusOK)
	a := httpAnswer{StatusCode: w.status, Headers: map[string]string{}, Cookies: w.header["Set-Cookie"]}
	for name, values := range w.header {
		if name != "Set-Cookie" {
			a.Headers[name] = strings.Join(values, ", ")
		}
	}
	if utf8.Valid(w.body.Bytes()) {
		a.Body = w.body.String()
	} else {
		a.Body, a.IsBase64Encoded = base64.StdEncoding.EncodeToString(w.body.Bytes()), true
	}
	return a
}
