package edge_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/leadlake/leadlake/lib/logtest"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/functions/internal/edge"
	"github.com/leadlake/leadlake/functions/internal/runtimeapi"
)

// mirror answers with all that a handler can see of a request.
func mirror(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, "unreadable", http.StatusBadRequest)
		return
	}
	header := r.Header.Clone()
	for _, name := range []string{"Content-Length", "User-Agent", "Accept-Encoding"} {
		header.Del(name)
	}
	var cookies []string
	for _, cookie := range r.Cookies() {
		cookies = append(cookies, cookie.Name+"="+cookie.Value)
	}
	w.Header().Add("Set-Cookie", "a=1; Path=/")
	w.Header().Add("Set-Cookie", "b=2; Path=/; HttpOnly")
	_ = json.NewEncoder(w).Encode(map[string]any{
		"method": r.Method, "path": r.URL.Path, "query": r.URL.Query(), "raw_query": r.URL.RawQuery, "uri": r.RequestURI,
		"host": r.Host, "header": header, "cookies": cookies, "length": r.ContentLength, "body": body,
	})
}

// seen is an answer without what only a connection adds.
type seen struct {
	Status int
	Header http.Header
	Body   string
}

func overHTTP(t *testing.T, handler http.Handler, request *http.Request) seen {
	t.Helper()
	server := httptest.NewServer(handler)
	defer server.Close()
	host := request.Host
	clone := request.Clone(t.Context())
	clone.URL.Scheme, clone.URL.Host, clone.RequestURI = "http", strings.TrimPrefix(server.URL, "http://"), ""
	clone.Host = host
	client := &http.Client{
		Transport:     &http.Transport{DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	response, err := client.Do(clone)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return clean(response.StatusCode, response.Header, body)
}

func overEvent(t *testing.T, handler http.Handler, front runtimeapi.Front, request *http.Request) seen {
	t.Helper()
	answer, err := edge.Adapt(handler, logtest.New(t))(t.Context(), runtimeapi.Event(t, front, request))
	if err != nil {
		t.Fatal(err)
	}
	header := http.Header{}
	for name, value := range answer.Headers {
		header.Set(name, value)
	}
	for _, cookie := range answer.Cookies {
		header.Add("Set-Cookie", cookie)
	}
	return clean(answer.StatusCode, header, runtimeapi.Body(t, answer))
}

func clean(status int, header http.Header, body []byte) seen {
	header = header.Clone()
	for _, name := range []string{"Date", "Content-Length"} {
		header.Del(name)
	}
	for name, values := range header {
		if name != "Set-Cookie" {
			header[name] = []string{strings.Join(values, ", ")}
		}
	}
	return seen{Status: status, Header: header, Body: string(body)}
}

func TestAHandlerSeesTheSameRequestOnEveryWay(t *testing.T) {
	request := func(method, target string, body string, header ...string) func() *http.Request {
		return func() *http.Request {
			r := httptest.NewRequest(method, target, strings.NewReader(body))
			r.Host = "hooks.shop.example"
			if body == "" {
				r.Body, r.ContentLength = http.NoBody, 0
			}
			for i := 0; i < len(header); i += 2 {
				r.Header.Add(header[i], header[i+1])
			}
			return r
		}
	}
	for name, fresh := range map[string]func() *http.Request{
		"a JSON delivery":            request("POST", "/in/site", `{"kind":"lead"}`, "Content-Type", "application/json"),
		"Cyrillic in body and query": request("POST", "/in/site?name=%D0%90%D0%BD%D0%BD%D0%B0", "имя=Анна", "Content-Type", "text/plain; charset=utf-8"),
		"bytes that are no UTF-8":    request("POST", "/in/site", "\xcf\xf0\xe8\xe2\xe5\xf2\x00", "Content-Type", "application/x-www-form-urlencoded; charset=windows-1251"),
		"an empty body":              request("POST", "/in/site", ""),
		"commas within a header":     request("GET", "/", "", "Accept-Language", "ru,en;q=0.5", "If-Modified-Since", "Sun, 22 Nov 2026 10:00:00 GMT"),
		"a repeated query":           request("GET", "/in/site?a=1&a=2&b=&c", ""),
		"an encoded query":           request("GET", "/x?next=%2Fclients%3Fa%3D1&plus=a+b%2Bc", ""),
		"cookies":                    request("GET", "/clients", "", "Cookie", "__Host-id=abc.def; theme=dark"),
		"a path below the source":    request("POST", "/in/site/leads/v2", "x"),
		"HEAD":                       request("HEAD", "/clients", ""),
		"OPTIONS":                    request("OPTIONS", "/in/site", "", "Origin", "https://shop.example", "Access-Control-Request-Method", "POST"),
	} {
		for _, front := range []runtimeapi.Front{runtimeapi.HTTPAPI, runtimeapi.FunctionURL} {
			want := overHTTP(t, http.HandlerFunc(mirror), fresh())
			got := overEvent(t, http.HandlerFunc(mirror), front, fresh())
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s, front %d (-net/http +edge):\n%s", name, front, diff)
			}
		}
	}
}

func TestAnswersAreTheSameOnEveryWay(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"nothing at all": func(http.ResponseWriter, *http.Request) {},
		"a sniffed type": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html><p>да</p>") },
		"a status of its own": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusTeapot)
			_, _ = io.WriteString(w, "no")
		},
		"the first status wins": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusAccepted)
			w.Header().Set("X-Late", "1")
			w.WriteHeader(http.StatusInternalServerError)
		},
		"bytes that are no UTF-8": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/octet-stream")
			_, _ = w.Write([]byte{0xff, 0x00, 0xfe})
		},
		"an encoding": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.Header().Set("Content-Type", "text/plain")
			_, _ = io.WriteString(w, "ascii, but said to be gzip")
		},
		"no content": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNoContent)
			if _, err := io.WriteString(w, "x"); !errors.Is(err, http.ErrBodyNotAllowed) {
				panic("a body after 204")
			}
		},
		"a redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/login?next=%2F", http.StatusSeeOther)
		},
		"repeated headers": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Add("Vary", "Origin")
			w.Header().Add("Vary", "Accept-Language")
		},
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			fresh := func() *http.Request { return httptest.NewRequest(method, "http://hooks.shop.example/a/b", nil) }
			want := overHTTP(t, handler, fresh())
			got := overEvent(t, handler, runtimeapi.HTTPAPI, fresh())
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s, %s (-net/http +edge):\n%s", name, method, diff)
			}
		}
	}
}

func TestPathsAreDecodedExactlyOnce(t *testing.T) {
	for _, c := range []struct{ name, domain, stage, raw, path, uri string }{
		{"the HTTP API sends it decoded", "x.execute-api.eu-west-1.amazonaws.com", "$default", "/a%2Fb", "/a%2Fb", "/a%252Fb"},
		{"the Function URL as it stood", "x.lambda-url.eu-west-1.on.aws", "$default", "/a%252Fb", "/a%2Fb", "/a%252Fb"},
		{"Cyrillic over the HTTP API", "x.execute-api.eu-west-1.amazonaws.com", "", "/in/сайт", "/in/сайт", "/in/%D1%81%D0%B0%D0%B9%D1%82"},
		{"Cyrillic over the Function URL", "x.lambda-url.eu-west-1.on.aws", "", "/in/%D1%81%D0%B0%D0%B9%D1%82", "/in/сайт", "/in/%D1%81%D0%B0%D0%B9%D1%82"},
		{"a stage stands in front", "x.execute-api.eu-west-1.amazonaws.com", "prod", "/prod/in/site", "/in/site", "/in/site"},
		{"the stage alone is the root", "x.execute-api.eu-west-1.amazonaws.com", "prod", "/prod", "/", "/"},
		{"a path that only begins like the stage", "x.execute-api.eu-west-1.amazonaws.com", "prod", "/products", "/products", "/products"},
		{"no path at all", "x.execute-api.eu-west-1.amazonaws.com", "$default", "", "/", "/"},
	} {
		event := events.APIGatewayV2HTTPRequest{RawPath: c.raw}
		event.RequestContext.Stage, event.RequestContext.DomainName = c.stage, c.domain
		event.RequestContext.HTTP.Method = http.MethodGet
		r, err := edge.Request(t.Context(), event)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if r.TLS == nil {
			t.Errorf("%s: the request does not say that it came by TLS", c.name)
		}
		if r.URL.Path != c.path || r.RequestURI != c.uri {
			t.Errorf("%s: path %q uri %q, want %q %q", c.name, r.URL.Path, r.RequestURI, c.path, c.uri)
		}
	}
}

func TestRemoteAddressesSplitAgain(t *testing.T) {
	for _, ip := range []string{"203.0.113.7", "2001:db8::1"} {
		event := events.APIGatewayV2HTTPRequest{RawPath: "/"}
		event.RequestContext.HTTP.Method, event.RequestContext.HTTP.SourceIP = http.MethodGet, ip
		r, err := edge.Request(t.Context(), event)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]string{"203.0.113.7": "203.0.113.7:0", "2001:db8::1": "[2001:db8::1]:0"}[ip]
		if r.RemoteAddr != want {
			t.Errorf("RemoteAddr of %s = %q, want %q", ip, r.RemoteAddr, want)
		}
	}
}

func TestEventsThatAreNoRequestsAreAnswered400(t *testing.T) {
	valid := func(change func(*events.APIGatewayV2HTTPRequest)) events.APIGatewayV2HTTPRequest {
		event := events.APIGatewayV2HTTPRequest{RawPath: "/"}
		event.RequestContext.HTTP.Method = http.MethodGet
		change(&event)
		return event
	}
	never := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the handler was called") })
	for name, event := range map[string]events.APIGatewayV2HTTPRequest{
		"a method with a space": valid(func(e *events.APIGatewayV2HTTPRequest) { e.RequestContext.HTTP.Method = "G T" }),
		"broken base64":         valid(func(e *events.APIGatewayV2HTTPRequest) { e.Body, e.IsBase64Encoded = "%", true }),
		"a relative path":       valid(func(e *events.APIGatewayV2HTTPRequest) { e.RawPath = "in/site" }),
		"a broken escape": valid(func(e *events.APIGatewayV2HTTPRequest) {
			e.RawPath, e.RequestContext.DomainName = "/%zz", "x.lambda-url.eu-west-1.on.aws"
		}),
	} {
		answer, err := edge.Adapt(never, logtest.New(t))(t.Context(), event)
		if err != nil || answer.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: status %d, error %v, want 400", name, answer.StatusCode, err)
		}
	}
}

func TestWhatLambdaCannotCarryIs500AndLoggedWithoutData(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"panic":            func(http.ResponseWriter, *http.Request) { panic("phone +79995551111") },
		"answer too large": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(bytes.Repeat([]byte("x"), 7<<20)) },
	} {
		var log bytes.Buffer
		event := runtimeapi.Event(t, runtimeapi.HTTPAPI, httptest.NewRequest(http.MethodGet, "/", nil))
		answer, err := edge.Adapt(handler, logtest.To(t, &log))(context.Background(), event)
		if err != nil || answer.StatusCode != http.StatusInternalServerError || answer.Headers["Content-Type"] != "application/problem+json" {
			t.Errorf("%s: %d %v, error %v, want a 500 problem", name, answer.StatusCode, answer.Headers, err)
		}
		if !strings.Contains(log.String(), name) && !strings.Contains(log.String(), "handler panicked") {
			t.Errorf("%s: nothing logged: %s", name, log.String())
		}
		if strings.Contains(log.String(), "7999") || strings.Contains(fmt.Sprint(answer), "7999") {
			t.Errorf("%s: personal data in %s or the answer", name, log.String())
		}
	}
}

// FuzzRequest feeds any path, query, header and body through both fronts.
func FuzzRequest(f *testing.F) {
	f.Add("/in/site", "a=1", "ru,en;q=0.5", []byte(`{"kind":"lead"}`), false)
	f.Add("/%zz", "%", "\r\n", []byte{0xff}, true)
	f.Fuzz(func(t *testing.T, path, query, header string, body []byte, url bool) {
		event := events.APIGatewayV2HTTPRequest{RawPath: path, RawQueryString: query, Headers: map[string]string{"x-any": header}, Body: string(body)}
		event.RequestContext.HTTP.Method = http.MethodPost
		if url {
			event.RequestContext.DomainName = "x.lambda-url.eu-west-1.on.aws"
		}
		r, err := edge.Request(t.Context(), event)
		if err != nil {
			return
		}
		got, err := io.ReadAll(r.Body)
		if err != nil || !bytes.Equal(got, body) {
			t.Errorf("body %q, error %v, want %q", got, err, body)
		}
		if !strings.HasPrefix(r.URL.Path, "/") && (!url || !strings.HasPrefix(path, "/")) {
			t.Errorf("path %q became %q", path, r.URL.Path)
		}
		if !slices.Equal(r.Header["X-Any"], []string{header}) {
			t.Errorf("header %q became %q", header, r.Header["X-Any"])
		}
	})
}
