package webhook_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/leadlake/leadlake/lib/webhook"
)

func base64SHA1(body, key string) string {
	mac := hmac.New(sha1.New, []byte(key))
	mac.Write([]byte(body))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func hexSHA1(body, key string) string {
	mac := hmac.New(sha1.New, []byte(key))
	mac.Write([]byte(body))
	return "sha1=" + hex.EncodeToString(mac.Sum(nil))
}

func mangoForm(key, text, salt string) string {
	sum := sha256.Sum256([]byte(key + text + salt))
	return url.Values{"vpbx_api_key": {key}, "sign": {hex.EncodeToString(sum[:])}, "json": {text}}.Encode()
}

// A delivery is taken with the old and with the new secret and refused with a
// wrong proof and with none; what was refused is kept apart.
func TestCallSystemsProveThemselves(t *testing.T) {
	const body = `{"id":"n1","topic":"ping","event_name":"x","call_session_id":"1","notification_mnemonic":"m","answered":true}`
	sha256Hex := hmac.New(sha256.New, []byte("new"))
	sha256Hex.Write([]byte(body))
	type proof struct {
		path, body string
		headers    []string
		want       int
	}
	inPath := func() []proof {
		return []proof{
			{path: "/in/s/new", body: body, want: 200},
			{path: "/in/s/old", body: body, want: 200},
			{path: "/in/s?token=old", body: body, want: 200},
			{path: "/in/s/else", body: body, want: 401},
			{path: "/in/s", body: body, want: 401},
			{path: "/in/s", body: body, headers: []string{"Signature", "x", "X-Leadlake-Signature", "sha256=00"}, want: 401},
		}
	}
	leg := `{"entry_id":"E","call_id":"C","seq":1}`
	for kind, proofs := range map[string][]proof{
		"calltouch": inPath(), "uis": inPath(), "jivo": inPath(), "call-tracking.by": inPath(),
		"callrail": {
			{body: body, headers: []string{"Signature", base64SHA1(body, "new")}, want: 200},
			{body: body, headers: []string{"Signature", base64SHA1(body, "old")}, want: 200},
			{body: body + "\n", headers: []string{"Signature", base64SHA1(body, "new")}, want: 401},
			{body: body, headers: []string{"Signature", base64SHA1(body, "else")}, want: 401},
			{body: body, headers: []string{"Signature", hex.EncodeToString(sha256Hex.Sum(nil))}, want: 401},
			{body: body, headers: []string{"Signature", base64SHA1(body, "new"), "Signature", base64SHA1(body, "new")}, want: 401},
			{path: "/in/s/new", body: body, headers: []string{"Signature", "AAAA"}, want: 401}, // a wrong signature decides alone
			{body: body, headers: []string{"Signature", ""}, want: 401},
			{body: body, want: 401},
		},
		"intercom": {
			{body: body, headers: []string{"X-Hub-Signature", hexSHA1(body, "new")}, want: 200},
			{body: body, headers: []string{"X-Hub-Signature", hexSHA1(body, "old")}, want: 200},
			{body: body + " ", headers: []string{"X-Hub-Signature", hexSHA1(body, "new")}, want: 401},
			{body: body, headers: []string{"X-Hub-Signature", hexSHA1(body, "else")}, want: 401},
			{body: body, headers: []string{"X-Hub-Signature", "sha256=" + hex.EncodeToString(sha256Hex.Sum(nil))}, want: 401},
			{body: body, want: 401},
		},
		"mango": {
			{body: mangoForm("K", leg, "new"), want: 200},
			{body: mangoForm("K", leg, "old"), want: 200},
			{body: mangoForm("K", leg, "else"), want: 401},
			{body: strings.Replace(mangoForm("K", leg, "new"), "vpbx_api_key=K", "vpbx_api_key=L", 1), want: 401},
			{body: strings.Replace(mangoForm("K", leg, "new"), "seq", "sec", 1), want: 401},
			{body: mangoForm("K", leg, "new") + "&json=%7B%7D", want: 401}, // nobody knows which of the two was signed
			{body: "json=" + url.QueryEscape(leg), want: 401},
			{body: "vpbx_api_key=K&sign=zz&json=%7B%7D", want: 401},
			{path: "/in/s/new", body: "vpbx_api_key=K&sign=00&json=%7B%7D", want: 401},
			{path: "/in/s?key=new&caller=79000000001", want: 200}, // its call tracking signs nothing
			{path: "/in/s?caller=79000000001", want: 401},
		},
		"carrotquest": {
			{body: "type=event&token=new&event_name=a&event_id=1", want: 200},
			{body: "type=event&token=old&event_name=a&event_id=1", want: 200},
			{body: base64.StdEncoding.EncodeToString([]byte("type=event&token=new&event_name=a&event_id=1")), want: 200},
			{body: base64.StdEncoding.EncodeToString([]byte("type=event&token=else&event_name=a&event_id=1")), want: 401},
			{body: "type=event&token=else&event_name=a&event_id=1", want: 401},
			{body: "type=event&event_name=a&event_id=1", want: 401},
		},
	} {
		t.Run(kind, func(t *testing.T) {
			in := start(t, "sources: [{name: s, kind: "+kind+", secrets: [\"env:old\", \"env:new\"]}]")
			for i, p := range proofs {
				method := "POST"
				if p.body == "" {
					method = "GET"
				}
				if p.path == "" {
					p.path = "/in/s"
				}
				before, refused := in.sink.count(), len(in.sink.refused)
				if got := in.send(t, method, p.path, p.body, p.headers...); got.status != p.want {
					t.Errorf("case %d: status %d, want %d", i, got.status, p.want)
				}
				if ok := p.want == 200; in.sink.count() != before+btoi(ok) || len(in.sink.refused) != refused+btoi(!ok) {
					t.Errorf("case %d: %d more stored, %d more refused", i, in.sink.count()-before, len(in.sink.refused)-refused)
				}
			}
		})
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// The vendor's own signature, its own body, its own key.
func TestCallRailVector(t *testing.T) {
	text, err := os.ReadFile(shared(t, "webhook_samples", "VECTORS.json"))
	if err != nil {
		t.Fatal(err)
	}
	var vectors struct {
		Vectors []struct {
			Name     string   `json:"name"`
			KeyParts []string `json:"key_parts"`
			BodyFile string   `json:"body_file"`
			Expected string   `json:"expected"`
			Negative struct{ Expected string }
		}
	}
	if err := json.Unmarshal(text, &vectors); err != nil {
		t.Fatal(err)
	}
	for _, v := range vectors.Vectors {
		if v.Name != "CallRail" {
			continue
		}
		in := start(t, "sources: [{name: s, kind: callrail, secrets: [\"env:"+strings.Join(v.KeyParts, "")+"\"]}]")
		body, err := os.ReadFile(shared(t, "webhook_samples", v.BodyFile))
		if err != nil {
			t.Fatal(err)
		}
		for _, tt := range []struct {
			body, signature string
			want            int
		}{{string(body), v.Expected, 200}, {string(body) + "\n", v.Negative.Expected, 200}, {string(body) + "\n", v.Expected, 401}, {string(body), v.Negative.Expected, 401}} {
			if got := in.send(t, "POST", "/in/s", tt.body, "Signature", tt.signature); got.status != tt.want {
				t.Errorf("status %d, want %d", got.status, tt.want)
			}
		}
		return
	}
	t.Fatal("the vectors have none of CallRail")
}

// Secrets that travel in a body are blanked for open sources too, and nothing
// else is.
func TestCallSystemsSecretsAreBlanked(t *testing.T) {
	b64 := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	for _, tt := range []struct{ kind, body, want string }{
		{"mango", "vpbx_api_key=KEY-1&sign=abcdef&json=%7B%7D", "vpbx_api_key=*****&sign=******&json=%7B%7D"},
		{"carrotquest", "type=event&token=T-1&event_name=a&event_id=1", "type=event&token=***&event_name=a&event_id=1"},
		{"carrotquest", `{"type":"event","token":"T-1","event_name":"a"}`, `{"type":"event","token":"***","event_name":"a"}`},
		{"carrotquest", b64("type=event&token=T-1&event_name=a&event_id=1"), b64("type=event&token=***&event_name=a&event_id=1")},
		{"carrotquest", b64("type=event&token=T-1&event_name=a&event_id=1") + "\n", b64("type=event&token=***&event_name=a&event_id=1") + "\n"},
		{"jivo", `{"event_name":"chat_finished","user_token":"u-9"}`, `{"event_name":"chat_finished","user_token":"u-9"}`},
	} {
		in := start(t, "sources: [{name: s, kind: "+tt.kind+"}]")
		in.send(t, "POST", "/in/s", tt.body)
		if got := string(in.sink.last(t).Body); got != tt.want {
			t.Errorf("%s: stored %q, want %q", tt.kind, got, tt.want)
		}
	}
}

// Whatever arrives, the eight kinds give events, a ping or a failure, and what is
// stored has the length of what came.
func FuzzCallSystems(f *testing.F) {
	kinds := append(callSources(), "call-tracking.by")
	for i := range kinds {
		for _, body := range []string{
			"callId=1&callphase=x&callerNumber=1", `{"call_session_id":1,"a":,"tag_names":[{}]}`, "vpbx_api_key=k&sign=s&json=%7B%22entry_id%22%3A1%2C%22talk_time%22%3A1%7D",
			`{"id":1,"answered":true,"changes":[]}`, `{"form_data":{"a":[{}]},"id":1}`, `[{"event_name":"chat_updated","chat":{"messages":{"7":{"message":"x"}}}}]`,
			"type=conversation&token=t&conversation=eyJpZCI6MX0=", "dHlwZT1ldmVudCZ0b2tlbj10JmV2ZW50X25hbWU9YQ==",
			`{"topic":"conversation.user.replied","data":{"item":{"contacts":[{}],"conversation_parts":"[]"}}}`,
		} {
			f.Add(i, body)
		}
	}
	cfg := parse2(f, openCalls())
	f.Fuzz(func(t *testing.T, i int, body string) {
		kind := kinds[uint(i)%uint(len(kinds))]
		soundly(t, cfg, kind, formType, body)
		source, _ := cfg.SourceNamed(kind)
		stored, ok := webhook.Authenticate(webhook.Delivery{Source: source, Method: "POST", Body: []byte(body), ReceivedAt: received}, nil)
		if !ok || len(stored.Body) != len(body) {
			t.Fatalf("%s: stored %d bytes of %d", kind, len(stored.Body), len(body))
		}
		soundly(t, cfg, kind, formType, string(stored.Body))
	})
}
