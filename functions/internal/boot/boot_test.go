package boot_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/leadlake/leadlake/functions/internal/boot"
)

func TestLoadReportsEveryFault(t *testing.T) {
	_, err := boot.Load(t.Context(), func(name string) string {
		return map[string]string{"LEADLAKE_S3": "https://bucket", "LEADLAKE_TOKEN_KEY": "just the key"}[name]
	})
	if !errors.Is(err, boot.ErrEnvironment) {
		t.Fatalf("Load error %v, want ErrEnvironment", err)
	}
	for _, variable := range []string{"LEADLAKE_S3", "LEADLAKE_TOKEN_KEY"} {
		if !strings.Contains(err.Error(), variable) {
			t.Errorf("the error does not name %s: %v", variable, err)
		}
	}
	if strings.Contains(err.Error(), "just the key") {
		t.Errorf("the error repeats the key: %v", err)
	}
}

func TestTokenKeyIsLongEnoughOrAbsent(t *testing.T) {
	aws(t)
	for _, c := range []struct {
		name, ref, env string
		want           int
		err            error
	}{
		{name: "from Parameter Store", ref: "ssm:/leadlake/shop/token-key", want: 64},
		{name: "from the environment", ref: "env:KEY", env: strings.Repeat("x", 32), want: 32},
		{name: "too short", ref: "env:KEY", env: strings.Repeat("x", 31), err: boot.ErrEnvironment},
		{name: "not there", ref: "env:KEY", err: boot.ErrSecret},
		{name: "a function without one", err: boot.ErrEnvironment},
	} {
		env, err := boot.Load(t.Context(), func(name string) string {
			if strings.HasPrefix(name, "AWS_") {
				return os.Getenv(name)
			}
			return map[string]string{"LEADLAKE_S3": "s3://bucket?region=eu-west-1", "LEADLAKE_TOKEN_KEY": c.ref, "KEY": c.env}[name]
		})
		if err != nil {
			t.Errorf("%s: Load: %v", c.name, err)
			continue
		}
		key, err := env.TokenKey(t.Context())
		if len(key) != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s: a key of %d bytes, %v, want %d, %v", c.name, len(key), err, c.want, c.err)
		}
	}
}

func TestTheSigningKeyIsMadeOfItsText(t *testing.T) {
	load := func(text string) boot.Env {
		env, err := boot.Load(t.Context(), func(name string) string {
			return map[string]string{"LEADLAKE_S3": "s3://bucket?region=eu-west-1", "LEADLAKE_SIGNING_KEY": "env:KEY", "KEY": text}[name]
		})
		if err != nil {
			t.Fatal(err)
		}
		return env
	}
	one, err := load(strings.Repeat("a", 32)).SigningKey(t.Context())
	again, errAgain := load(strings.Repeat("a", 32) + "\n").SigningKey(t.Context())
	other, errOther := load(strings.Repeat("b", 32)).SigningKey(t.Context())
	if err := errors.Join(err, errAgain, errOther); err != nil {
		t.Fatal(err)
	}
	if !one.Equal(again) || one.Equal(other) {
		t.Error("equal texts give different keys, or different texts equal ones")
	}
	if _, err := load("short").SigningKey(t.Context()); !errors.Is(err, boot.ErrEnvironment) {
		t.Errorf("a short text: %v, want ErrEnvironment", err)
	}
}
