package webhook_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/webhook"
)

const (
	oldSecret = "old-secret-of-24-bytes-or-more"
	newSecret = "new-secret-of-24-bytes-or-more"
	lead      = `{"name":"Анна","phone":"89000000001"}`
)

const signedConfig = `
sources:
  - {name: site, kind: json, secrets: ["env:` + oldSecret + `", "env:` + newSecret + `"]}
  - {name: forms, kind: tilda, secrets: ["env:` + newSecret + `"]}
  - {name: page, kind: form, secrets: ["env:` + newSecret + `"], map: {secret: X-Our-Key}}
  - {name: short, kind: form, secrets: ["env:tea"]}
`

func sign(secret, text string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(text))
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

func TestSignatures(t *testing.T) {
	in := start(t, signedConfig)
	now := strconv.FormatInt(in.now.Unix(), 10)
	at := func(d time.Duration) string { return strconv.FormatInt(in.now.Add(d).Unix(), 10) }
	for _, tt := range []struct {
		name    string
		headers []string
		want    int
	}{
		{"old secret", []string{"X-Leadlake-Signature", sign(oldSecret, lead)}, 200},
		{"new secret", []string{"X-Leadlake-Signature", sign(newSecret, lead)}, 200},
		{"none", nil, 401},
		{"another secret", []string{"X-Leadlake-Signature", sign("x", lead)}, 401},
		{"empty secret", []string{"X-Leadlake-Signature", sign("", lead)}, 401},
		{"another body", []string{"X-Leadlake-Signature", sign(newSecret, lead+" ")}, 401},
		{"no scheme", []string{"X-Leadlake-Signature", sign(newSecret, lead)[7:]}, 401},
		{"unknown scheme", []string{"X-Leadlake-Signature", "sha512=" + sign(newSecret, lead)[7:]}, 401},
		{"base64", []string{"X-Leadlake-Signature", "sha256=" + base64.StdEncoding.EncodeToString([]byte(sign(newSecret, lead)))}, 401},
		{"cut", []string{"X-Leadlake-Signature", sign(newSecret, lead)[:40]}, 401},
		{"empty", []string{"X-Leadlake-Signature", ""}, 401},
		{"sent twice", []string{"X-Leadlake-Signature", sign(newSecret, lead), "X-Leadlake-Signature", sign(newSecret, lead)}, 401},
		{"wrong one beside the right key", []string{"X-Leadlake-Signature", sign("x", lead), "Authorization", "Bearer " + newSecret}, 401},
		{"timestamp", []string{"X-Leadlake-Timestamp", now, "X-Leadlake-Signature", sign(newSecret, now+"."+lead)}, 200},
		{"timestamp 4:59 ago", []string{"X-Leadlake-Timestamp", at(-299 * time.Second), "X-Leadlake-Signature", sign(newSecret, at(-299*time.Second)+"."+lead)}, 200},
		{"timestamp 5:01 ago", []string{"X-Leadlake-Timestamp", at(-301 * time.Second), "X-Leadlake-Signature", sign(newSecret, at(-301*time.Second)+"."+lead)}, 401},
		{"timestamp ahead", []string{"X-Leadlake-Timestamp", at(301 * time.Second), "X-Leadlake-Signature", sign(newSecret, at(301*time.Second)+"."+lead)}, 401},
		{"timestamp not signed", []string{"X-Leadlake-Timestamp", now, "X-Leadlake-Signature", sign(newSecret, lead)}, 401},
		{"timestamp taken away", []string{"X-Leadlake-Signature", sign(newSecret, now+"."+lead)}, 401},
		{"bearer", []string{"Authorization", "bearer " + oldSecret}, 200},
		{"wrong bearer", []string{"Authorization", "Bearer " + oldSecret + "x"}, 401},
		{"basic", []string{"Authorization", "Basic " + newSecret}, 401},
		{"key header", []string{"X-Leadlake-Key", newSecret}, 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stored, refused := in.sink.count(), len(in.sink.refused)
			got := in.send(t, "POST", "/in/site", lead, tt.headers...)
			if got.status != tt.want {
				t.Fatalf("status %d, want %d: %s", got.status, tt.want, got.body)
			}
			if tt.want == 200 {
				if d := in.sink.last(t); in.sink.count() != stored+1 || !d.Trusted {
					t.Errorf("stored %d, trusted %t", in.sink.count()-stored, d.Trusted)
				}
				return
			}
			if p := problemOf(t, got); p.Type != "urn:leadlake:problem:bad-signature" || got.header.Get("WWW-Authenticate") == "" {
				t.Errorf("problem %+v", p)
			}
			if in.sink.count() != stored || len(in.sink.refused) != refused+1 {
				t.Error("a refused delivery must be kept apart, and only there")
			}
			if d := in.sink.refused[refused]; d.Trusted || string(d.Body) != lead {
				t.Error("a refused delivery is not kept as it came")
			}
		})
	}
}

func TestEveryMutationOfASignedRequestIsRefused(t *testing.T) {
	cfg := parse(t, signedConfig)
	source, _ := cfg.SourceNamed("site")
	d := webhook.Delivery{Source: source, Body: []byte(lead), Header: map[string]string{"x-leadlake-signature": sign(newSecret, lead)}, ReceivedAt: received}
	secrets := []string{oldSecret, newSecret}
	if _, ok := webhook.Authenticate(d, secrets); !ok {
		t.Fatal("the request itself is refused")
	}
	for i := range len(lead) * 8 {
		forged := d
		forged.Body = bytes.Clone(d.Body)
		forged.Body[i/8] ^= 1 << (i % 8)
		if _, ok := webhook.Authenticate(forged, secrets); ok {
			t.Fatalf("bit %d of the body may be changed", i)
		}
	}
	signature := d.Header["x-leadlake-signature"]
	for i := range len(signature) * 8 {
		text := []byte(signature)
		if text[i/8] ^= 1 << (i % 8); strings.EqualFold(string(text), signature) {
			continue // hex digits may be large or small
		}
		forged := d
		forged.Header = map[string]string{"x-leadlake-signature": string(text)}
		if _, ok := webhook.Authenticate(forged, secrets); ok {
			t.Fatalf("bit %d of the signature may be changed", i)
		}
	}
	for _, bad := range [][]string{{""}, {"", ""}, {oldSecret}, {newSecret + "0"}} {
		if _, ok := webhook.Authenticate(d, bad); ok {
			t.Fatalf("secrets %q fit", bad)
		}
	}
}

// A secret is accepted wherever senders can put it, and stands nowhere in what is
// stored; every other byte does.
func TestSecretsAreBlanked(t *testing.T) {
	in := start(t, signedConfig)
	const form = "Name=A&Phone=89000000001&tranid=1:2"
	hidden := strings.Repeat("*", len(newSecret))
	odd := "%6e" + newSecret[1:] // the same, percent-encoded for no reason
	for _, tt := range []struct {
		name, path, body string
		headers          []string
		wantBody         string
	}{
		{"query", "/in/forms?key=" + newSecret + "&a=1", form, nil, form},
		{"query, encoded", "/in/forms?token=" + odd, form, nil, form},
		{"path", "/in/forms/x/" + newSecret, form, nil, form},
		{"bearer", "/in/forms", form, []string{"Authorization", "Bearer " + newSecret}, form},
		{"api key", "/in/forms", form, []string{"X-Api-Key", newSecret}, form},
		{"mapped header", "/in/page", form, []string{"X-Our-Key", newSecret}, form},
		{"body field", "/in/forms", form + "&api_key=" + newSecret, nil, form + "&api_key=" + hidden},
		{"body field, encoded", "/in/forms", form + "&secret=" + odd, nil, form + "&secret=" + strings.Repeat("*", len(odd))},
		{"mapped body field", "/in/page", form + "&X-Our-Key=" + newSecret, nil, form + "&X-Our-Key=" + hidden},
		{"json field", "/in/forms", `{"Phone":"89000000001","key":"` + newSecret + `"}`, nil, `{"Phone":"89000000001","key":"` + hidden + `"}`},
		{"json field, escaped", "/in/forms", `{"Phone":"89000000001","key":"\u006e` + newSecret[1:] + `"}`, nil, `{"Phone":"89000000001","key":"` + hidden + `*****"}`},
		{
			"multipart", "/in/forms", "--X\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\n" + newSecret + "\r\n" + multipartOf("X", "Phone=89000000001"), nil,
			"--X\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\n" + hidden + "\r\n" + multipartOf("X", "Phone=89000000001"),
		},
		{"short, a word of the text", "/in/short?key=tea", "phone=1&comment=tea+time&x=tea", nil, "phone=1&comment=tea+time&x=***"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := in.send(t, "POST", tt.path, tt.body, tt.headers...); got.status != 200 {
				t.Fatalf("status %d: %s", got.status, got.body)
			}
			d := in.sink.last(t)
			if diff := cmp.Diff(tt.wantBody, string(d.Body)); diff != "" {
				t.Errorf("body: %s", diff)
			}
			everything := d.Query + d.Suffix + string(d.Body) + d.ContentType + strings.Join(slices.Sorted(maps.Values(d.Header)), "")
			if plain, err := url.QueryUnescape(everything); strings.Contains(everything, newSecret) || err == nil && strings.Contains(plain, newSecret) {
				t.Error("the secret is stored")
			}
			out := in.decodeLast(t)
			if ev := one(t, out); ev.Attributes["key"]+ev.Attributes["api_key"]+ev.Attributes["secret"]+ev.Attributes["X-Our-Key"] != "" {
				t.Errorf("attributes %v", ev.Attributes)
			}
		})
	}
	if d := in.sink.last(t); !d.Trusted {
		t.Error("not trusted")
	}
}

func TestKeysInAJSONBodyProveNothing(t *testing.T) {
	in := start(t, signedConfig)
	if got := in.send(t, "POST", "/in/site", `{"phone":"1","key":"`+newSecret+`"}`); got.status != 401 {
		t.Errorf("status %d", got.status)
	}
}

func TestOpenSourceIsNotTrusted(t *testing.T) {
	in := start(t, "sources: [{name: s, kind: form}]")
	body := "phone=1&key=abc"
	if got := in.send(t, "POST", "/in/s?key=abc&x=1", body, "Authorization", "Bearer xyz"); got.status != 200 {
		t.Fatalf("status %d", got.status)
	}
	d := in.sink.last(t)
	if d.Trusted || string(d.Body) != body || d.Query != "key=***&x=1" || d.Header["authorization"] != "Bearer ***" {
		t.Errorf("stored %t %q %q %q", d.Trusted, d.Body, d.Query, d.Header)
	}
}
