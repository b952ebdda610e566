package invoke_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/leadlake/leadlake/functions/internal/invoke"
)

func TestTheCallerWaitsForTheOtherFunction(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/2015-03-31/functions/export/invocations":
			_, _ = w.Write([]byte(`{"rows":42}`))
		default:
			w.Header().Set("X-Amz-Function-Error", "Unhandled")
			_, _ = w.Write([]byte(`{"errorMessage":"no run"}`))
		}
	}))
	defer server.Close()
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL_LAMBDA": server.URL, "AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
		"AWS_CONFIG_FILE": "/nonexistent", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
	} {
		t.Setenv(name, value)
	}
	type request struct{ Segment string }
	type report struct{ Rows int }
	got, err := invoke.Function[request, report]("export")(t.Context(), request{Segment: "loyal"})
	if got.Rows != 42 || err != nil {
		t.Errorf("call = %+v, %v, want 42 rows", got, err)
	}
	if _, err := invoke.Function[request, report]("broken")(t.Context(), request{}); !errors.Is(err, invoke.ErrFunction) || !strings.Contains(err.Error(), "no run") {
		t.Errorf("a failed function: %v, want ErrFunction and its words", err)
	}
}
