package awsjson_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leadlake/leadlake/functions/internal/awsjson"
	"github.com/leadlake/leadlake/functions/internal/sqstest"
)

const secret = "the secret of the test"

var operation = awsjson.Operation{Service: "ssm", Target: "AmazonSSM.GetParameter", Version: "1.1"}

// credentials are those that Lambda sets: temporary ones, with a session token.
func credentials(t *testing.T) {
	t.Helper()
	for name, value := range map[string]string{
		"AWS_REGION": sqstest.Region, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": "token",
		"AWS_CONFIG_FILE": "/nonexistent", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
	} {
		t.Setenv(name, value)
	}
}

// serve answers in turn by the given functions, the last of them for ever; calls counts.
func serve(t *testing.T, answers ...http.HandlerFunc) (client *awsjson.Client, calls *atomic.Int64) {
	t.Helper()
	credentials(t)
	calls = new(atomic.Int64)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if err := sqstest.Verify(r, body, "ssm", secret); err != nil {
			t.Error(err)
		}
		if r.Header.Get("X-Amz-Security-Token") != "token" || r.Header.Get("X-Amz-Target") != operation.Target || r.Header.Get("Content-Type") != "application/x-amz-json-1.1" {
			t.Errorf("headers %v", r.Header)
		}
		call := int(calls.Add(1))
		answers[min(call, len(answers))-1](w, r)
	}))
	t.Cleanup(server.Close)
	return awsjson.New(func(name string) string { return map[string]string{"AWS_ENDPOINT_URL_SSM": server.URL}[name] }), calls
}

func says(status int, header, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if header != "" {
			w.Header().Set("X-Amzn-ErrorType", header)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func breaks(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func cut(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "100")
	_, _ = io.WriteString(w, `{"Value":"the beg`)
}

func TestACallIsTriedAgainWhereThatCanHelp(t *testing.T) {
	good := says(http.StatusOK, "", `{"Value":"v"}`)
	for name, c := range map[string]struct {
		answers []http.HandlerFunc
		calls   int
		status  int    // of the error; 0 is success, -1 an error without an answer
		code    string // of the error
	}{
		"at once":                 {[]http.HandlerFunc{good}, 1, 0, ""},
		"throttled twice":         {[]http.HandlerFunc{says(400, "", `{"__type":"com.amazon.coral.availability#ThrottlingException"}`), says(400, "", `{"__type":"com.amazonaws.sqs#RequestThrottled"}`), good}, 3, 0, ""},
		"429 and a gateway's 502": {[]http.HandlerFunc{says(429, "", ""), says(502, "", "<html>"), good}, 3, 0, ""},
		"no answer, half of one":  {[]http.HandlerFunc{breaks, cut, good}, 3, 0, ""},
		"throttled for ever":      {[]http.HandlerFunc{says(400, "ThrottlingException:http://internal/", `{"message":"Rate exceeded"}`)}, 3, 400, "ThrottlingException"},
		"broken for ever":         {[]http.HandlerFunc{says(500, "", `{"__type":"InternalServerError"}`)}, 3, 500, "InternalServerError"},
		"silent for ever":         {[]http.HandlerFunc{breaks}, 3, -1, ""},
		"denied":                  {[]http.HandlerFunc{says(400, "", `{"__type":"AccessDeniedException","message":"not authorized"}`)}, 1, 400, "AccessDeniedException"},
		"absent":                  {[]http.HandlerFunc{says(400, "", `{"__type":"ParameterNotFound"}`)}, 1, 400, "ParameterNotFound"},
		"a page instead":          {[]http.HandlerFunc{says(200, "", "<html>sign in</html>")}, 1, -1, ""},
		"a page that refuses":     {[]http.HandlerFunc{says(403, "", "<html>no</html>")}, 1, 403, ""},
		"more than any secret":    {[]http.HandlerFunc{says(200, "", `{"Value":"`+strings.Repeat("x", 2<<20)+`"}`)}, 1, -1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			client, calls := serve(t, c.answers...)
			var out struct{ Value string }
			err := client.Call(t.Context(), operation, "", struct{ Name string }{"/a"}, &out)
			if got := int(calls.Load()); got != c.calls {
				t.Errorf("%d calls, want %d", got, c.calls)
			}
			if got := errors.Is(err, awsjson.ErrTemporary); got != (err != nil && c.calls == 3) {
				t.Errorf("error %v, ErrTemporary %v", err, got)
			}
			refused, ok := errors.AsType[*awsjson.Error](err)
			switch {
			case c.status == 0 && (err != nil || out.Value != "v"):
				t.Errorf("Call = %q, %v", out.Value, err)
			case c.status == -1 && (err == nil || ok):
				t.Errorf("error %v, want one without an answer", err)
			case c.status > 0 && (!ok || refused.Status != c.status || refused.Code != c.code || !strings.Contains(err.Error(), operation.Target)):
				t.Errorf("error %v, want %d %s", err, c.status, c.code)
			}
		})
	}
}

func TestNobodyWaitsForASilentServiceForEver(t *testing.T) {
	ended := make(chan struct{})
	client, calls := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-ended:
		}
	})
	defer close(ended)
	began := time.Now()
	err := client.Call(t.Context(), operation, "", struct{}{}, &struct{}{})
	if took := time.Since(began); err == nil || calls.Load() != 3 || took > 8*time.Second {
		t.Errorf("%v after %d calls in %v, want an error of three calls within 8 s", err, calls.Load(), took)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	began = time.Now()
	if err := client.Call(ctx, operation, "", struct{}{}, &struct{}{}); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > time.Second {
		t.Errorf("error %v in %v, want the caller's deadline", err, time.Since(began))
	}
}

func TestNothingTravelsInClear(t *testing.T) {
	credentials(t)
	for address, ok := range map[string]bool{
		"https://sqs.eu-west-1.amazonaws.com/1/q": true, "http://127.0.0.1:9324/1/q": true, "http://localhost:9324": true, "http://[::1]:1": true,
		"http://sqs.eu-west-1.amazonaws.com/1/q": false, "sqs.eu-west-1.amazonaws.com": false, "https://user:password@host/": false, "https://": false, "": false, "%": false,
	} {
		if err := awsjson.CheckAddress(address); (err == nil) != ok || err != nil && !errors.Is(err, awsjson.ErrEndpoint) {
			t.Errorf("CheckAddress(%q) = %v, want ok %v", address, err, ok)
		}
	}
	if err := awsjson.New(nil).Call(t.Context(), operation, "http://example.com/", struct{}{}, &struct{}{}); !errors.Is(err, awsjson.ErrEndpoint) {
		t.Errorf("a call in clear: %v, want ErrEndpoint", err)
	}
}
