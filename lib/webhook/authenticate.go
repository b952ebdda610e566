package webhook

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/config"
)

// Headers in which a sender of ours proves itself.
const (
	signatureHeader = "x-leadlake-signature" // sha256=<hex of HMAC-SHA256>
	timestampHeader = "x-leadlake-timestamp" // Unix seconds; part of the signed text where it is sent
	keyHeader       = "x-leadlake-key"
)

// signatureAge is how far a signed timestamp may be from the time of receipt, in
// either direction.
const signatureAge = 5 * time.Minute

// Authenticate checks a delivery against the secrets of its source, all of them,
// in constant time each. It returns the delivery as it is to be stored: Trusted,
// and with the secret blanked wherever it stands. false means that no secret
// fits; the delivery is then returned as it came, since only its bytes can prove
// it later. No secrets at all mean an open source: true, but not Trusted. Empty
// secrets fit nothing.
//
// The kinds json, form and tilda take, first that is there:
//   - X-Leadlake-Signature: sha256= and the hex HMAC-SHA256 of the raw body or,
//     where X-Leadlake-Timestamp is sent (Unix seconds, at most five minutes off),
//     of the timestamp, a point and the body. A signature decides alone: a wrong
//     one, an unknown scheme or two of them are refused whatever else is there.
//   - the secret itself: as Authorization: Bearer, X-Leadlake-Key, X-Api-Key, as
//     one part of the path below /in/{source}/, as key, token, secret or api_key
//     of the query or, not for json, of the body. The source's map may name
//     another header or field for it: map: {secret: X-Our-Key}.
func Authenticate(d Delivery, secrets []string) (Delivery, bool) {
	a := adapterFor(d.Source.Kind)
	if a == nil {
		a = jsonKind{}
	}
	if len(secrets) == 0 {
		return blank(d, a, nil), true
	}
	fits := false
	// Who compresses by the HTTP library has signed what it compressed, who
	// compresses first has signed what was sent. Only who has the secret can do
	// either, and both say the same.
	sent := d
	sent.Body = d.Sent
	for _, secret := range secrets {
		if secret == "" {
			continue
		}
		if a.prove(&d, secret) || d.Sent != nil && a.prove(&sent, secret) {
			fits = true // the others are tried too: which one fits is nobody's business
		}
	}
	if u, ok := a.(unsigner); ok && !fits && u.unsigned(&d) {
		return blank(d, a, secrets), true
	}
	if !fits {
		return d, false
	}
	d = blank(d, a, secrets)
	d.Trusted = true
	return d, true
}

// proveShared is the proof of senders that Leadlake's own documentation taught.
func proveShared(d *Delivery, secret string) bool {
	if signature, ok := d.Header[signatureHeader]; ok {
		return proveSignature(d, signature, secret)
	}
	return proveKey(d, secret)
}

func proveSignature(d *Delivery, signature, secret string) bool {
	digits, ok := strings.CutPrefix(signature, "sha256=")
	given, err := hex.DecodeString(digits)
	if !ok || err != nil || len(given) != sha256.Size {
		return false
	}
	parts := [][]byte{d.Body}
	if stamp, ok := d.Header[timestampHeader]; ok {
		seconds, err := strconv.ParseInt(stamp, 10, 64)
		if err != nil {
			return false
		}
		if off := d.ReceivedAt.Sub(time.Unix(seconds, 0)); off > signatureAge || off < -signatureAge {
			return false
		}
		parts = [][]byte{[]byte(stamp + "."), d.Body}
	}
	return hmac.Equal(keyedHash(sha256.New, []byte(secret), parts...), given)
}

// proveKey looks for the secret itself. Hashes of equal length are compared, so
// that neither the content nor the length of the secret shows in the time.
func proveKey(d *Delivery, secret string) bool {
	found := false
	try := func(candidate string) {
		if equalSecret(candidate, secret) {
			found = true // the others are tried too: where it stands shows in no time
		}
	}
	mapped := d.Source.Map["secret"]
	for _, name := range []string{keyHeader, "x-api-key", strings.ToLower(mapped)} {
		if value := d.Header[name]; value != "" {
			try(value)
		}
	}
	if scheme, token, ok := strings.Cut(d.Header["authorization"], " "); ok && strings.EqualFold(scheme, "bearer") {
		try(strings.TrimSpace(token))
	}
	for part := range strings.SplitSeq(d.Suffix, "/") {
		try(part)
	}
	for _, p := range splitPairs([]byte(d.Query), maxPairs) {
		if secretField(string(p.key), mapped) {
			try(string(p.value))
		}
	}
	if d.Source.Kind != "json" {
		for _, m := range readContent(d).object().Members {
			if secretField(m.Key, mapped) {
				try(m.Value.Text)
			}
		}
	}
	return found
}

// secretField reports whether a query or body field is one that a secret
// travels in.
func secretField(name, mapped string) bool {
	if mapped != "" && strings.EqualFold(name, mapped) {
		return true
	}
	return slices.Contains([]string{"key", "token", "secret", "api_key", "apikey"}, strings.ToLower(name))
}

// blank overwrites secrets: every place that holds one of them, and what stands
// in the query or in the Authorization header in the role of one, fits or not.
// The lengths stay, so that the rest can still be compared byte by byte.
func blank(d Delivery, a adapter, secrets []string) Delivery {
	d.Sent = nil // it has proved what it could
	if n, ok := a.(noter); ok {
		d.Header = maps.Clone(d.Header)
		n.note(&d)
	}
	header := make(map[string]string, len(d.Header))
	for name, value := range d.Header {
		if name == "authorization" {
			scheme, token, ok := strings.Cut(value, " ")
			if !ok {
				scheme, token = "", value
			}
			value = strings.TrimPrefix(scheme+" ", " ") + stars(len(token))
		}
		header[name] = string(blankIn([]byte(value), secrets))
	}
	d.Header = header
	parts := strings.Split(d.Suffix, "/")
	for i := range parts {
		parts[i] = string(blankIn([]byte(parts[i]), secrets))
	}
	d.Suffix = strings.Join(parts, "/")
	d.Query = string(blankQuery(d.Query, d.Source.Map["secret"], secrets))
	if k, ok := a.(keeper); ok {
		d.Query = string(blankFields([]byte(d.Query), k.fields()))
		d.Body = blankFields(d.Body, k.fields())
	}
	if mapped := d.Source.Map["secret"]; mapped != "" { // the owner says that it holds one, configured or not
		d.Body = blankFields(d.Body, []string{mapped})
	}
	if len(secrets) > 0 {
		d.Body = blankBody(d.Body, secrets)
	}
	return d
}

// longSecret is the length from which on a secret does not occur by chance. A
// shorter one is blanked only where it is a whole value: it may be a word that
// a client uses too.
const longSecret = 16

// blankIn overwrites a text that is a secret, and long secrets inside a text. It
// never writes to the text it was given.
func blankIn(text []byte, secrets []string) []byte {
	for _, secret := range secrets {
		if secret != "" && (len(secret) >= longSecret || string(text) == secret) {
			text = bytes.ReplaceAll(text, []byte(secret), []byte(stars(len(secret))))
		}
	}
	return text
}

func blankQuery(query, mapped string, secrets []string) []byte {
	text := []byte(query)
	for _, p := range splitPairs(text, maxPairs) {
		if secretField(string(p.key), mapped) {
			cover(text[p.from:p.to])
		}
	}
	blankPairs(text, secrets)
	return blankIn(text, secrets)
}

func cover(b []byte) {
	for i := range b {
		b[i] = '*'
	}
}

func stars(n int) string { return strings.Repeat("*", n) }

// blanked reports whether a value is what blank leaves behind.
func blanked(s string) bool { return s != "" && strings.Trim(s, "*") == "" }

// dummySource and dummySecret let a name that was never configured cost what a
// wrong secret costs.
func dummySource() config.Source { return config.Source{Kind: "json"} }

const dummySecret = "no source has this secret, it only costs the same time" //nolint:gosec // G101: not a credential
