package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/leadlake/leadlake/lib/config"
)

// loopback serves a handler on a port of its own.
func loopback(handler http.Handler) (*http.Server, string, error) {
	var listen net.ListenConfig
	listener, err := listen.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }() // ends with Close
	return server, listener.Addr().String(), nil
}

// bucket answers as S3 would, at once and from memory: what is measured is our
// side. It counts requests by method and knows one object, the configuration.
type bucket struct {
	mu       sync.Mutex
	requests map[string]int
	bytes    int64
}

// ServeHTTP implements http.Handler.
func (b *bucket) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n, _ := io.Copy(io.Discard, r.Body)
	b.mu.Lock()
	b.requests[r.Method]++
	b.bytes += n
	b.mu.Unlock()
	w.Header().Set("ETag", `"0123456789abcdef0123456789abcdef"`)
	w.Header().Set("Last-Modified", "Sun, 22 Nov 2026 00:00:00 GMT")
	switch {
	case r.Method == http.MethodPut:
	case strings.HasSuffix(r.URL.Path, "/"+config.Key):
		w.Header().Set("Content-Length", strconv.Itoa(len(configuration)))
		_, _ = io.WriteString(w, configuration)
	default:
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `<?xml version="1.0"?><Error><Code>NoSuchKey</Code></Error>`)
	}
}

func (b *bucket) count(method string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.requests[method]
}

// runtimeAPI is the part of Lambda's Runtime API that a function meets: it hands
// out events one at a time and takes the answers.
type runtimeAPI struct {
	events  chan []byte
	answers chan answer
	count   int
}

type answer struct {
	body []byte
	err  error
	at   time.Time
}

// ServeHTTP implements http.Handler. The function asks for one thing at a time.
func (a *runtimeAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasSuffix(r.URL.Path, "/invocation/next"):
		select {
		case event := <-a.events:
			a.count++
			h := w.Header()
			h.Set("Lambda-Runtime-Aws-Request-Id", strconv.Itoa(a.count))
			h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(time.Minute).UnixMilli(), 10))
			h.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-west-1:000000000000:function:ingest")
			h.Set("Content-Type", "application/json")
			_, _ = w.Write(event)
		case <-r.Context().Done():
		}
	case strings.HasSuffix(r.URL.Path, "/response"):
		body, err := io.ReadAll(r.Body)
		a.answers <- answer{body, err, time.Now()}
		w.WriteHeader(http.StatusAccepted)
	default:
		body, _ := io.ReadAll(r.Body)
		a.answers <- answer{err: fmt.Errorf("the function failed at %s: %s", r.URL.Path, body), at: time.Now()}
		w.WriteHeader(http.StatusAccepted)
	}
}

// function is a running ingest function and the cloud around it.
type function struct {
	api       *runtimeAPI
	command   *exec.Cmd
	server    *http.Server
	startedAt time.Time
}

// startFunction starts the program as Lambda would.
func startFunction(ctx context.Context, program, s3 string) (*function, error) {
	f := &function{api: &runtimeAPI{events: make(chan []byte, 1), answers: make(chan answer, 1)}}
	server, address, err := loopback(f.api)
	if err != nil {
		return nil, err
	}
	f.server = server
	f.command = exec.CommandContext(ctx, program)
	f.command.Env = []string{
		"AWS_LAMBDA_RUNTIME_API=" + address, "AWS_LAMBDA_FUNCTION_NAME=ingest",
		"LEADLAKE_S3=s3://bench?region=us-east-1&path_style=true&endpoint=http://" + s3, "SITE_SECRET=" + shared,
		"AWS_ACCESS_KEY_ID=bench", "AWS_SECRET_ACCESS_KEY=bench", "AWS_REGION=us-east-1", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_CONFIG_FILE=" + os.DevNull, "AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull, "GOMAXPROCS=2",
	}
	f.startedAt = time.Now()
	if err := f.command.Start(); err != nil {
		return nil, errors.Join(err, server.Close())
	}
	return f, nil
}

// invoke hands over one event and returns when the answer, a 200, came.
func (f *function) invoke(event []byte) (time.Time, error) {
	f.api.events <- event
	select {
	case a := <-f.api.answers:
		if a.err != nil {
			return a.at, a.err
		}
		var reply struct {
			StatusCode int    `json:"statusCode"`
			Body       string `json:"body"`
		}
		if err := json.Unmarshal(a.body, &reply); err != nil || reply.StatusCode != http.StatusOK {
			return a.at, fmt.Errorf("answered %d: %s", reply.StatusCode, reply.Body)
		}
		return a.at, nil
	case <-time.After(30 * time.Second):
		return time.Time{}, errors.New("the function does not answer")
	}
}

func (f *function) stop() {
	_ = f.command.Process.Kill()
	_ = f.command.Wait()
	_ = f.server.Close()
}

// event is the i-th lead as the HTTP API of AWS hands it over.
func (l *leads) event(i int) ([]byte, error) {
	request := string(l.request("hooks.shop.example", "site", i))
	head, body, _ := strings.Cut(request, "\r\n\r\n")
	headers := map[string]string{}
	for line := range strings.SplitSeq(head, "\r\n") {
		if name, value, ok := strings.Cut(line, ": "); ok {
			headers[strings.ToLower(name)] = value
		}
	}
	return json.Marshal(map[string]any{
		"version": "2.0", "routeKey": "POST /in/{source}", "rawPath": "/in/site", "rawQueryString": "", "headers": headers,
		"pathParameters": map[string]string{"source": "site"}, "body": body, "isBase64Encoded": false,
		"requestContext": map[string]any{
			"stage": "$default", "domainName": "hooks.shop.example",
			"http": map[string]string{"method": http.MethodPost, "path": "/in/site", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "shop/1.0"},
		},
	})
}
