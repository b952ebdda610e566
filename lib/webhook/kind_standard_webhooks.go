package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/leadlake/leadlake/lib/event"
)

// standardKind is the source kind "standard-webhooks": the signature scheme of
// standardwebhooks.com and of Svix, whose header names are aliases (webhooks.md
// §14). What the body holds is the sender's affair: see payload.
type standardKind struct{ foreign }

func (standardKind) headers() []string {
	return []string{"webhook-id", "webhook-timestamp", "webhook-signature", "svix-id", "svix-timestamp", "svix-signature"}
}

// standardHeaders are id, timestamp and signatures, all three of one family.
func standardHeaders(d *Delivery) (id, timestamp, signatures string) {
	for _, family := range []string{"webhook-", "svix-"} {
		id, timestamp, signatures = d.Header[family+"id"], d.Header[family+"timestamp"], d.Header[family+"signature"]
		if id != "" || timestamp != "" || signatures != "" {
			break
		}
	}
	return id, timestamp, signatures
}

// prove checks the signatures of scheme v1 over id, timestamp and body. Others
// are skipped: v1a is asymmetric and has no shared secret.
func (standardKind) prove(d *Delivery, secret string) bool {
	id, timestamp, signatures := standardHeaders(d)
	key, ok := standardKey(secret)
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if id == "" || signatures == "" || !ok || err != nil {
		return false
	}
	// Whole seconds, as the published libraries count: 300 pass, 301 do not.
	now, age := d.ReceivedAt.Unix(), int64(signatureAge.Seconds())
	if seconds < now-age || seconds > now+age {
		return false
	}
	want := keyedHash(sha256.New, key, []byte(id+"."+timestamp+"."), d.Body)
	fits := false
	for signature := range strings.SplitSeq(signatures, " ") {
		version, text, _ := strings.Cut(signature, ",")
		given, err := base64.StdEncoding.DecodeString(text)
		fits = fits || version == "v1" && err == nil && hmac.Equal(given, want)
	}
	return fits
}

// standardKey is the key of a secret: whsec_ and base64 of 24 to 64 bytes.
func standardKey(secret string) ([]byte, bool) {
	text := strings.TrimRight(strings.TrimPrefix(secret, "whsec_"), "=")
	key, err := base64.RawStdEncoding.DecodeString(text)
	return key, err == nil && len(key) >= 24 && len(key) <= 64
}

func (standardKind) deliveryID(in *intake) string {
	id, _, _ := standardHeaders(in.d)
	return boundedID(id)
}

// read takes the envelope that the standard proposes, {type, timestamp, data},
// and any other body as it is.
func (standardKind) read(in *intake) reading {
	c := in.content()
	if c.failure == nil && c.json && len(c.values) == 1 && c.values[0].Type == event.Array {
		return in.payload(c.values[0], c.values[0], "")
	}
	v, stop := in.body()
	if stop != nil {
		return *stop
	}
	word, data := textAt(v, "type"), opened(v.Get("data"))
	if data.Type != event.Object && data.Type != event.Array {
		word, data = textAt(v, "type", "event"), v
	}
	r := in.payload(v, data, word)
	for i := range r.events {
		if ev := &r.events[i]; ev.At.IsZero() {
			ev.At = in.time(textAt(v, "timestamp"))
		}
	}
	return r
}
