package webhook_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
)

// However a secret travels in a body, it proves the sender, is stored nowhere, and
// the lead around it is read.
func TestSecretsInBodiesAreNeverKept(t *testing.T) {
	for _, secret := range []string{"короткий", "s3cr/t+=", "12345678", "a-long-secret-0123456789"} {
		quoted, err := json.Marshal(secret)
		if err != nil {
			t.Fatal(err)
		}
		value := string(quoted)
		if secret == "12345678" {
			value = secret // a script may send it as a number
		}
		object := `{"phone":"89000000001","n":[-1.5e3,0,"\"12345678x"],"token":` + value + `}`
		bodies := map[string]string{
			"form":         "phone=89000000001&token=" + url.QueryEscape(secret),
			"JSON":         object,
			"JSON encoded": url.QueryEscape(object),
			"JSON wrapped": "payload=" + url.QueryEscape(object),
			"multipart":    "--b\r\nContent-Disposition: form-data; name=\"token\"\r\n\r\n" + secret + "\r\n--b\r\nContent-Disposition: form-data; name=\"phone\"\r\n\r\n89000000001\r\n--b--\r\n",
			"plain text":   "token=" + secret + "\nphone=89000000001\n",
		}
		for _, kind := range []string{"form", "tilda", "retailcrm", "calltouch"} {
			in := start(t, "sources: [{name: s, kind: "+kind+`, secrets: ["env:another", "env:`+secret+`"]}]`)
			for name, body := range bodies {
				contentType := ""
				if name == "plain text" {
					contentType = "text/plain"
				}
				if got := in.send(t, "POST", "/in/s", body, "Content-Type", contentType); got.status != 200 {
					t.Errorf("%s, %s: status %d", kind, name, got.status)
					continue
				}
				d := in.sink.last(t)
				kept := string(d.Body) + fmt.Sprint(d.Header)
				for _, form := range []string{secret, url.QueryEscape(secret), strings.Trim(value, `"`)} {
					if strings.Contains(strings.ReplaceAll(kept, "12345678x", ""), form) {
						t.Errorf("%s, %s: the secret is kept", kind, name)
					}
				}
				if len(d.Body) != len(body) {
					t.Errorf("%s, %s: %d bytes of %d", kind, name, len(d.Body), len(body))
				}
				if ev := one(t, in.decodeLast(t)); ev.Client.Phone != "89000000001" {
					t.Errorf("%s, %s: client %+v", kind, name, ev.Client)
				}
			}
		}
	}
}

// A secret that is a number in JSON is blanked to a number: the rest stays JSON.
func TestBlankedNumbersStayJSON(t *testing.T) {
	in := start(t, "sources: [{name: retailcrm, kind: retailcrm}, {name: bitrix24, kind: bitrix24}]")
	for source, body := range map[string]string{
		"retailcrm": `{"order_id":5,"status":"new","key":987650}`,
		"bitrix24":  `{"event":"ONCRMLEADADD","data":{"FIELDS":{"ID":5}},"ts":1777628445,"auth":{"member_id":987650,"application_token":-98765.0e2}}`,
	} {
		in.send(t, "POST", "/in/"+source, body, "Content-Type", jsonType)
		kept := string(in.sink.last(t).Body)
		if strings.Contains(kept, "98765") || len(kept) != len(body) || !json.Valid([]byte(kept)) {
			t.Errorf("%s: kept %s", source, kept)
		}
		if out := in.decodeLast(t); out.DeliveryID == "" {
			t.Errorf("%s: %+v", source, out)
		}
	}
}
