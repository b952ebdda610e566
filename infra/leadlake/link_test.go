package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/leadlake/leadlake/lib/audience"
	"github.com/leadlake/leadlake/lib/identity"
	"github.com/leadlake/leadlake/lib/pipeline"
)

// listed is a running serve with a list for people that is ready.
func listed(t *testing.T) started {
	t.Helper()
	s := startServe(t)
	today := time.Now().UTC()
	for i := range 12 {
		body := fmt.Sprintf(`[{"id":"l%d","kind":"lead","client":{"phone":"+7999555%04d"},"consents":[{"purpose":"ads","given":true}]},
			{"id":"o%d","kind":"order","at":%q,"client":{"phone":"+7999555%04d"},"order":{"id":"%d","status":"paid","currency":"RUB","total":"100.00"}}]`,
			i, 1100+i, i, today.AddDate(0, 0, -1).Format(time.RFC3339), 1100+i, i)
		if status, answer := s.send(t, http.MethodPost, "/in/site", body); status != http.StatusOK {
			t.Fatalf("post: %d %s", status, answer)
		}
	}
	event := filepath.Join(t.TempDir(), "event.json")
	if err := os.WriteFile(event, []byte(`{"as_of":"`+today.Format(time.DateOnly)+`"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	s.command(t, exitDone, "", "invoke", "compact")
	s.command(t, exitDone, "", "invoke", "-event", event, "analytics")
	s.command(t, exitDone, "", "invoke", "export")
	return s
}

func TestLinkCommandReachesTheRunningServe(t *testing.T) {
	systems.Lock()
	from := len(systems.made)
	systems.Unlock()
	s := listed(t)
	if says := s.command(t, exitDone, "", "link", "list"); !strings.Contains(says, "there are no links") {
		t.Errorf("no links: %q", says)
	}
	printed := strings.TrimSpace(s.command(t, exitDone, "", "link", "add", "sheet", "-segment", "buyers", "-platform", "csv", "-by", "masha", "-url", s.address+"/"))
	address, err := url.Parse(printed)
	if err != nil || !strings.HasPrefix(printed, s.address+"/pull/") {
		t.Fatalf("the address is %q", printed)
	}
	parts := strings.Split(address.Path, "/")
	id, secret := parts[2], parts[3]
	if status, body := s.send(t, http.MethodGet, address.Path, ""); status != http.StatusOK || strings.Count(body, "7 999 555-11-") != 12 {
		t.Errorf("pull = %d with %d people, want 12", status, strings.Count(body, "7 999 555-11-"))
	}
	if status, body := s.send(t, http.MethodHead, address.Path, ""); status != http.StatusOK || body != "" {
		t.Errorf("HEAD = %d %q", status, body)
	}
	if says := s.command(t, exitDone, "", "link", "list"); !strings.Contains(says, id) || !strings.Contains(says, "masha") || !strings.Contains(says, "works") || strings.Contains(says, secret) {
		t.Errorf("list says\n%s", says)
	}
	for _, c := range []struct {
		status int
		args   []string
		says   string
	}{
		{exitFailed, []string{"add", "sheet", "-segment", "buyers", "-platform", "csv"}, "another link has this name"},
		{exitFailed, []string{"add", "anna@shop", "-segment", "buyers", "-platform", "csv"}, "1 to 40 letters"},
		{exitFailed, []string{"add", "b", "-segment", "nobody", "-platform", "csv"}, "no whole list"},
		{exitFailed, []string{"revoke", "0000000000000000"}, "no such link"},
		{exitUsage, []string{"add", "b"}, "-segment and -platform"},
		{exitUsage, []string{"add"}, "usage"},
		{exitUsage, []string{"list", "b"}, "usage"},
		{exitUsage, []string{"dance", "b"}, "usage"},
	} {
		if says := s.command(t, c.status, "", append([]string{"link"}, c.args...)...); !strings.Contains(says, c.says) {
			t.Errorf("link %v says %q, want %q", c.args, says, c.says)
		}
	}
	if says := s.command(t, exitDone, "", "link", "revoke", id); !strings.Contains(says, "revoked") {
		t.Errorf("revoke says %q", says)
	}
	if status, _ := s.send(t, http.MethodGet, address.Path, ""); status != http.StatusNotFound {
		t.Errorf("pull of a revoked link = %d", status)
	}
	var listed linkAnswer
	if err := json.Unmarshal([]byte(s.command(t, exitDone, "", "link", "list", "-json")), &listed); err != nil || len(listed.Links) != 1 || listed.Links[0].RevokedAt == nil {
		t.Errorf("list as JSON: %+v, %v", listed, err)
	}
	if says := s.command(t, exitDone, "", "check"); !strings.Contains(says, "unbroken") {
		t.Errorf("check says\n%s", says)
	}
	s.stop()
	systems.Lock()
	defer systems.Unlock()
	for _, sys := range systems.made[from:] {
		if strings.Contains(sys.err.String(), secret) {
			t.Errorf("standard error of the command at %s holds the secret", sys.madeBy)
		}
	}
}

func TestLeakNamesTheDownload(t *testing.T) {
	s := startServe(t)
	const mine = "anna@shop.example"
	if says := s.command(t, exitFailed, "", "leak", mine); !strings.Contains(says, "no domain configured") || strings.Contains(says, mine) {
		t.Errorf("without a domain: %q", says)
	}
	s.stop()
	configured := shopConfiguration + "canaries: {email_domain: canary.shop.example}\n"
	if err := os.WriteFile(filepath.Join(s.data, "config", "leadlake.yaml"), []byte(configured), 0o600); err != nil {
		t.Fatal(err)
	}
	key, err := os.ReadFile(filepath.Join(s.data, privateName, tokenKeyName))
	if err != nil {
		t.Fatal(err)
	}
	row := pipeline.LedgerRow{
		ID: "00000000000000ab", At: time.Date(2026, 11, 20, 9, 30, 0, 0, time.UTC), Who: "masha", Segment: "buyers", Platform: "csv",
		File: "contacts.csv", Rows: 5200, Canaries: 6, Purpose: "ads",
	}
	body, err := json.Marshal(row)
	if err == nil {
		err = os.MkdirAll(filepath.Join(s.data, "audiences", "ledger", "day=2026-11-20"), 0o700)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(s.data, "audiences", "ledger", "day=2026-11-20", row.ID+".json"), body, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	canaries := audience.Canaries{
		Sum: identity.NewKey([]byte(strings.TrimSpace(string(key)))).Sum, Download: row.ID, Domain: "canary.shop.example", Language: "en", Count: row.Canaries,
	}.Contacts()
	one, two := string(canaries[0].Emails[0]), string(canaries[5].Emails[0])
	for _, given := range []string{one, " MAILTO:" + strings.ToUpper(one) + " ", strings.Replace(one, "@", "+news@", 1)} {
		says := s.command(t, exitDone, "", "leak", given)
		for _, want := range []string{"2026-11-20 09:30", "masha", "contacts.csv", "buyers", "5200", "1 of 6", row.ID} {
			if !strings.Contains(says, want) {
				t.Errorf("leak lacks %q:\n%s", want, says)
			}
		}
		if strings.Contains(says, "@") {
			t.Error("leak repeats the address")
		}
	}
	table := "name;mail\nA;" + one + "\nB;" + two + "\nC;" + mine + "\n"
	if says := s.command(t, exitDone, table, "leak", "-"); !strings.Contains(says, "2 of 6") || !strings.Contains(says, "1 other addresses of 3") {
		t.Errorf("of a table leak says\n%s", says)
	}
	var report pipeline.LeakReport
	if err := json.Unmarshal([]byte(s.command(t, exitDone, table, "leak", "-json", "-")), &report); err != nil || len(report.Downloads) != 1 || report.Downloads[0].Found != 2 || report.Foreign != 1 {
		t.Errorf("as JSON: %+v, %v", report, err)
	}
	for given, want := range map[string]string{
		mine: "not our domain: canaries are in canary.shop.example", "anna@canary.shop.example": "no canary of ours", "8 999 555-11-11": "no e-mail address",
	} {
		if says := s.command(t, exitFailed, "", "leak", given); !strings.Contains(says, want) || strings.Contains(says, given) {
			t.Errorf("leak says %q, want %q", says, want)
		}
	}
	s.command(t, exitUsage, "", "leak", " ")
	s.command(t, exitUsage, "", "leak")
}
