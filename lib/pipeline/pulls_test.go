package pipeline_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leadlake/leadlake/lib/logtest"
	"github.com/leadlake/leadlake/lib/pipeline"
	"github.com/leadlake/leadlake/lib/portal"
)

// sheet is a link to the buyers' table for people.
var sheet = portal.LinkRequest{Name: "sheet", Segment: "buyers", Platform: "csv"}

func (w *world) link(request portal.LinkRequest) (portal.Link, string) {
	w.Helper()
	link, path, err := w.NewLink(w.Context(), request, "masha")
	if err != nil {
		w.Fatal(err)
	}
	return link, path
}

// pages are the portal over the world; its log is checked and written to log.
func (w *world) pages(log *bytes.Buffer) http.Handler {
	w.Helper()
	p, err := pipeline.New(pipeline.Config{Store: w.store, Now: w.clock, Logger: logtest.To(w.T, log), TokenKey: []byte("a token key that tests share")})
	if err != nil {
		w.Fatal(err)
	}
	auth, err := portal.NewAuth(portal.AuthConfig{Issuer: "leadlake", Audience: "portal", Signer: ed25519.NewKeyFromSeed(make([]byte, 32)), Now: w.clock})
	if err != nil {
		w.Fatal(err)
	}
	handler, err := p.PortalHandler(w.Context(), pipeline.PortalConfig{Auth: auth})
	if err != nil {
		w.Fatal(err)
	}
	return handler
}

func get(h http.Handler, method, path string) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, httptest.NewRequest(method, "http://localhost"+path, http.NoBody))
	return answer
}

func TestALinkGivesTheListOfTheMoment(t *testing.T) {
	w := buyers(t, 12)
	w.export()
	link, path := w.link(sheet)
	if link.File != "contacts.csv" || !strings.HasPrefix(path, "/pull/"+link.ID+"/") || !strings.HasSuffix(path, "/list-"+link.ID[:8]+".csv") || strings.Contains(path, "buyers") {
		t.Fatalf("link %s to %s", link.ID, link.File)
	}
	var log bytes.Buffer
	h := w.pages(&log)
	answer := get(h, http.MethodGet, path)
	if answer.Code != http.StatusOK || !strings.Contains(answer.Body.String(), "7 916 333-00-03") {
		t.Fatalf("pull = %d", answer.Code)
	}
	if got := answer.Header().Get("Content-Disposition"); got != "attachment; filename=list-"+link.ID[:8]+".csv" {
		t.Errorf("Content-Disposition = %q", got)
	}
	w.post("till", `{"id": "u3", "kind": "unsubscribe", "at": "2026-11-02T05:00:00Z", "client": {"phone": "+`+number(3)+`"}}`)
	w.compact()
	w.now = w.now.Add(time.Hour)
	if answer := get(h, http.MethodGet, path); answer.Code != http.StatusOK || strings.Contains(answer.Body.String(), "7 916 333-00-03") || !strings.Contains(answer.Body.String(), "7 916 333-00-04") {
		t.Errorf("after an unsubscribe the list holds who left, or lacks who stayed (status %d)", answer.Code)
	}
}

func TestALinksSecretIsNowhereButInItsAddress(t *testing.T) {
	w := buyers(t, 12)
	w.export()
	link, path := w.link(sheet)
	secret := strings.Split(path, "/")[3]
	if len(secret) != 43 { // 32 bytes in base64url
		t.Errorf("the secret has %d characters, want 43", len(secret))
	}
	var log bytes.Buffer
	h := w.pages(&log)
	answers := []string{}
	for _, try := range []string{path, strings.Replace(path, secret, secret[1:]+"A", 1), strings.Replace(path, link.ID, "0000000000000000", 1)} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			answer := get(h, method, try)
			head, err := json.Marshal(answer.Header())
			if err != nil {
				t.Fatal(err)
			}
			answers = append(answers, string(head))
			if answer.Code != http.StatusOK {
				answers = append(answers, answer.Body.String())
			}
		}
	}
	if err := w.RevokeLink(t.Context(), link.ID, "olga"); err != nil {
		t.Fatal(err)
	}
	answers = append(answers, get(h, http.MethodGet, path).Body.String())
	sum := sha256.Sum256([]byte(secret))
	found := false
	for key, body := range w.objects("") {
		if strings.Contains(key, secret) || strings.Contains(body, secret) {
			t.Errorf("%s holds the secret", key)
		}
		found = found || strings.Contains(body, hex.EncodeToString(sum[:]))
	}
	if !found {
		t.Error("the store does not hold the secret's SHA-256")
	}
	for _, text := range append(answers, log.String()) {
		if strings.Contains(text, secret) {
			t.Errorf("an answer or the log holds the secret: %.80s", text)
		}
	}
	audit := strings.Join(slices.Collect(maps.Values(w.objects("audit/"))), "\n")
	for _, want := range []string{`"who":"masha","action":"link_add","object":"link/` + link.ID, `"who":"olga","action":"link_revoke","object":"link/` + link.ID, `"who":"link:sheet","action":"download"`} {
		if !strings.Contains(audit, want) {
			t.Errorf("the audit chain lacks %s", want)
		}
	}
	if _, err := w.CheckAudit(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestARevokedLinkIsGoneAtOnce(t *testing.T) {
	w := buyers(t, 12)
	w.export()
	link, path := w.link(sheet)
	var log bytes.Buffer
	h := w.pages(&log)
	if answer := get(h, http.MethodGet, path); answer.Code != http.StatusOK {
		t.Fatalf("pull = %d", answer.Code)
	}
	if _, _, err := w.NewLink(t.Context(), sheet, "masha"); !errors.Is(err, portal.ErrLinkTaken) {
		t.Errorf("the same name again: %v, want ErrLinkTaken", err)
	}
	for range 2 {
		if err := w.RevokeLink(t.Context(), link.ID, "olga"); err != nil {
			t.Fatal(err)
		}
	}
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		if answer := get(h, method, path); answer.Code != http.StatusNotFound {
			t.Errorf("%s after the revocation = %d", method, answer.Code)
		}
	}
	again, fresh := w.link(sheet) // the name is free
	if answer := get(h, http.MethodGet, fresh); answer.Code != http.StatusOK || again.ID == link.ID {
		t.Errorf("a new link of that name = %d", answer.Code)
	}
	links, err := w.PullLinks(t.Context())
	if err != nil || len(links) != 2 {
		t.Fatalf("%d links, %v", len(links), err)
	}
	revoked := 0
	for _, l := range links {
		if l.RevokedAt != nil {
			revoked++
			if l.ID != link.ID || l.RevokedBy != "olga" || l.CreatedBy != "masha" {
				t.Errorf("the revoked link is told as %s by %s", l.ID, l.RevokedBy)
			}
		}
	}
	if revoked != 1 {
		t.Errorf("%d links are revoked, want 1", revoked)
	}
	rows := 0
	for _, body := range w.objects("audit/") {
		rows += strings.Count(body, "link_revoke")
	}
	if rows != 1 {
		t.Errorf("%d audit rows of one revocation", rows)
	}
	for _, id := range []string{"0000000000000000", "", "../../config/users", "ABCDEF0123456789"} {
		if err := w.RevokeLink(t.Context(), id, "olga"); !errors.Is(err, portal.ErrNotFound) {
			t.Errorf("revoke %q: %v, want ErrNotFound", id, err)
		}
	}
}

func TestHeadOfALinkHandsNothingOver(t *testing.T) {
	w := buyers(t, 12)
	w.export()
	_, path := w.link(sheet)
	var log bytes.Buffer
	h := w.pages(&log)
	before := w.objects("")
	answer := get(h, http.MethodHead, path)
	if answer.Code != http.StatusOK || answer.Body.Len() != 0 {
		t.Errorf("HEAD = %d with %d bytes", answer.Code, answer.Body.Len())
	}
	after := w.objects("")
	if len(after) != len(before) {
		t.Errorf("%d objects after a HEAD, %d before", len(after), len(before))
	}
	for key, body := range after {
		if before[key] != body {
			t.Errorf("a HEAD changed %s", key)
		}
	}
}

func TestLinksRefuseWhatTheyCannotOpen(t *testing.T) {
	if _, _, err := newWorld(t).NewLink(t.Context(), sheet, "masha"); !errors.Is(err, portal.ErrLinkFile) {
		t.Errorf("before the first night: %v, want ErrLinkFile", err)
	}
	w := buyers(t, 12)
	w.export()
	for _, test := range []struct {
		request portal.LinkRequest
		want    error
	}{
		{portal.LinkRequest{Name: "", Segment: "buyers", Platform: "csv"}, portal.ErrLinkName},
		{portal.LinkRequest{Name: "Имя", Segment: "buyers", Platform: "csv"}, portal.ErrLinkName},
		{portal.LinkRequest{Name: "anna@mail.ru", Segment: "buyers", Platform: "csv"}, portal.ErrLinkName},
		{portal.LinkRequest{Name: strings.Repeat("a", 41), Segment: "buyers", Platform: "csv"}, portal.ErrLinkName},
		{portal.LinkRequest{Name: "a", Segment: "nobody", Platform: "csv"}, portal.ErrLinkFile},
		{portal.LinkRequest{Name: "a", Segment: "buyers", Platform: "nowhere"}, portal.ErrLinkFile},
		{portal.LinkRequest{Name: "a", Segment: "buyers", Platform: "yandex"}, portal.ErrLinkFile}, // too few for it
		{portal.LinkRequest{Name: "a", Segment: "buyers", Platform: "csv", File: "manifest.json"}, portal.ErrLinkFile},
		{portal.LinkRequest{Name: "a", Segment: "buyers", Platform: "csv", File: "../csv/contacts.csv"}, portal.ErrLinkFile},
	} {
		if _, _, err := w.NewLink(t.Context(), test.request, "masha"); !errors.Is(err, test.want) {
			t.Errorf("%s of %s: %v, want %v", test.request.Platform, test.request.Segment, err, test.want)
		}
	}
	if n := len(w.objects("audiences/links/")); n != 0 {
		t.Errorf("%d links are kept of what was refused", n)
	}
}

// TestOpenLinkWantsTheWholeSecret flips every character of it.
func TestOpenLinkWantsTheWholeSecret(t *testing.T) {
	w := buyers(t, 12)
	w.export()
	_, path := w.link(sheet)
	parts := strings.Split(path, "/")
	if _, err := w.OpenLink(t.Context(), parts[2], parts[3]); err != nil {
		t.Fatal(err)
	}
	tries := []string{"", parts[3] + "A", parts[3][:42], parts[3] + "=", url.PathEscape(parts[3] + "/")}
	for i := range parts[3] {
		other := byte('A')
		if parts[3][i] == other {
			other = 'B'
		}
		tries = append(tries, parts[3][:i]+string(other)+parts[3][i+1:])
	}
	for i, secret := range tries {
		if _, err := w.OpenLink(t.Context(), parts[2], secret); !errors.Is(err, portal.ErrNotFound) {
			t.Errorf("try %d: %v, want ErrNotFound", i, err)
		}
	}
}
