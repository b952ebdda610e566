package boot_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/leadlake/leadlake/lib/logtest"

	"github.com/leadlake/leadlake/functions/internal/awsjson"
	"github.com/leadlake/leadlake/functions/internal/boot"
)

var errSilent = errors.New("the service does not answer")

// vault is a secret service whose answer the test sets.
type vault struct {
	text  string
	err   error
	calls int
}

func (v *vault) fetch(context.Context, string, string) (string, error) {
	v.calls++
	return v.text, v.err
}

func TestSecretsAreRememberedAndBridgeSilence(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	v := &vault{text: "first\n"}
	secrets := &boot.Secrets{Fetch: v.fetch, Now: func() time.Time { return now }, Logger: logtest.New(t)}
	for _, step := range []struct {
		name        string
		after       time.Duration
		text        string
		err         error
		want        string
		wantErr     error
		wantFetches int
	}{
		{name: "the first use fetches", text: "first\n", want: "first", wantFetches: 1},
		{name: "the next minutes remember", after: 4 * time.Minute, text: "second", want: "first", wantFetches: 0},
		{name: "then the rotated one is known", after: time.Minute, text: "second", want: "second", wantFetches: 1},
		{name: "silence is bridged", after: 30 * time.Minute, err: errSilent, want: "second", wantFetches: 1},
		{name: "not for ever", after: time.Hour, err: errSilent, wantErr: errSilent, wantFetches: 1},
		{name: "it comes back", text: "third", want: "third", wantFetches: 1},
		{name: "a removed secret is not bridged", after: 6 * time.Minute, err: boot.ErrSecret, wantErr: boot.ErrSecret, wantFetches: 1},
		{name: "nor is an empty one", text: "\n", wantErr: boot.ErrSecret, wantFetches: 1},
	} {
		now = now.Add(step.after)
		v.text, v.err, v.calls = step.text, step.err, 0
		got, err := secrets.Get(t.Context(), "ssm:/leadlake/shop/sources/site")
		if got != step.want || !errors.Is(err, step.wantErr) || v.calls != step.wantFetches {
			t.Errorf("%s: %q, %v after %d fetches, want %q, %v after %d", step.name, got, err, v.calls, step.want, step.wantErr, step.wantFetches)
		}
	}
}

func TestEnvironmentSecretsAreReadAtOnce(t *testing.T) {
	secrets := &boot.Secrets{
		Getenv: func(name string) string { return map[string]string{"SITE_SECRET": "s3cr3t\r\n"}[name] },
		Fetch:  func(context.Context, string, string) (string, error) { return "", errSilent },
		Now:    time.Now, Logger: logtest.New(t),
	}
	if got, err := secrets.Get(t.Context(), "env:SITE_SECRET"); got != "s3cr3t" || err != nil {
		t.Errorf("Get(env:SITE_SECRET) = %q, %v", got, err)
	}
	for _, ref := range []string{"env:ABSENT", "env:", "", "s3cr3t", "vault:/x", "ssm:"} {
		_, err := secrets.Get(t.Context(), ref)
		if !errors.Is(err, boot.ErrSecret) {
			t.Errorf("Get(%q) error %v, want ErrSecret", ref, err)
		}
		if err != nil && ref == "s3cr3t" && strings.Contains(err.Error(), ref) {
			t.Errorf("the error repeats what may be the secret itself: %v", err)
		}
	}
}

// aws answers the JSON protocol of the two services, as their documentation gives it.
func aws(t *testing.T) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Name, SecretId string
			WithDecryption bool
		}
		body, _ := io.ReadAll(r.Body)
		if err := json.Unmarshal(body, &in); err != nil || !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ") {
			http.Error(w, "unsigned or unreadable", http.StatusForbidden)
			return
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		answer := func(status int, v any) {
			w.WriteHeader(status)
			_ = json.NewEncoder(w).Encode(v)
		}
		switch target := r.Header.Get("X-Amz-Target"); {
		case target == "AmazonSSM.GetParameter" && in.Name == "/leadlake/shop/token-key" && in.WithDecryption:
			answer(http.StatusOK, map[string]any{"Parameter": map[string]any{"Name": in.Name, "Type": "SecureString", "Value": strings.Repeat("k", 64)}})
		case target == "AmazonSSM.GetParameter":
			answer(http.StatusBadRequest, map[string]string{"__type": "ParameterNotFound"})
		case target == "secretsmanager.GetSecretValue" && in.SecretId == "arn:aws:secretsmanager:eu-west-1:000000000000:secret:site-AbCdEf":
			answer(http.StatusOK, map[string]string{"SecretString": "from the manager"})
		default:
			answer(http.StatusBadRequest, map[string]string{"__type": "ResourceNotFoundException"})
		}
	}))
	t.Cleanup(server.Close)
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL_SSM": server.URL, "AWS_ENDPOINT_URL_SECRETS_MANAGER": server.URL, "AWS_REGION": "eu-west-1",
		"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_CONFIG_FILE": "/nonexistent", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
	} {
		t.Setenv(name, value)
	}
}

func TestSecretsComeFromBothServices(t *testing.T) {
	aws(t)
	secrets := &boot.Secrets{Fetch: boot.AWS(awsjson.New(os.Getenv)), Now: time.Now, Logger: logtest.New(t)}
	for ref, want := range map[string]string{
		"ssm:/leadlake/shop/token-key": strings.Repeat("k", 64),
		"secretsmanager:arn:aws:secretsmanager:eu-west-1:000000000000:secret:site-AbCdEf": "from the manager",
	} {
		if got, err := secrets.Get(t.Context(), ref); got != want || err != nil {
			t.Errorf("Get(%s) = %q, %v, want %q", ref, got, err, want)
		}
	}
	for _, ref := range []string{"ssm:/absent", "secretsmanager:absent"} {
		if _, err := secrets.Get(t.Context(), ref); !errors.Is(err, boot.ErrSecret) {
			t.Errorf("Get(%s) error %v, want ErrSecret", ref, err)
		}
	}
}
