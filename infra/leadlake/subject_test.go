package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leadlake/leadlake/lib/pipeline"
)

func TestSubjectAnswersWhileServeRuns(t *testing.T) {
	s := startServe(t)
	post := func(body string) {
		t.Helper()
		if status, answer := s.send(t, http.MethodPost, "/in/site", body); status != http.StatusOK {
			t.Fatalf("post: %d %s", status, answer)
		}
	}
	post(lead)
	post(`{"id":"lead-2","kind":"lead","client":{"phone":"8 (999) 555-22-22","name":"Борис"}}`)
	post(`{"id":"chat-1","kind":"contact","client":{"phone":"89995551111"},"contact":{"channel":"chat","direction":"in","text":"где мой заказ"}}`)
	s.command(t, exitDone, "", "invoke", "compact")
	for _, spelling := range []string{"8 (999) 555-11-11", "+79995551111"} {
		var got pipeline.Subject
		text := s.command(t, exitDone, "", "subject", spelling)
		if err := json.Unmarshal([]byte(text), &got); err != nil {
			t.Fatal(err)
		}
		if len(got.Chronology) != 2 || !strings.Contains(text, "где мой заказ") || !strings.Contains(text, "Анна") || strings.Contains(text, "Борис") {
			t.Errorf("%d events, want her two and nothing of the other", len(got.Chronology))
		}
	}
	if says := s.command(t, exitDone, "", "check"); !strings.Contains(says, "2 rows, unbroken") {
		t.Errorf("check says\n%s\nwant both readings in the audit chain", says)
	}

	out := filepath.Join(t.TempDir(), "answer.json")
	if says := s.command(t, exitDone, "89995551111\n", "subject", "-by", "olga", "-out", out, "-"); says != "" {
		t.Errorf("with -out the command says %q", says)
	}
	stat, err := os.Stat(out)
	if err != nil || stat.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v, want a file that only its owner may read", stat, err)
	}
	body, err := os.ReadFile(filepath.Join(s.data, "audit", "000000000003.json"))
	if err != nil || !strings.Contains(string(body), `"who":"olga","action":"subject","object":"subject/`) || strings.Contains(string(body), "5551111") {
		t.Errorf("audit row = %s, %v", body, err)
	}

	for lang, words := range map[string][]string{
		"ru": {"Что известно о человеке", "телефон", "+79995551111", "Хронология (2)", "чат входящий"},
		"en": {"What is known about a person", "phone", "+79995551111", "Chronology (2)", "chat in"},
	} {
		says := s.command(t, exitDone, "", "subject", "-summary", "-lang", lang, "+79995551111")
		for _, word := range words {
			if !strings.Contains(says, word) {
				t.Errorf("the summary in %s lacks %q:\n%s", lang, word, says)
			}
		}
	}

	for status, args := range map[int][]string{exitFailed: {"+79990000000"}, exitUsage: {" "}} {
		if says := s.command(t, status, "", append([]string{"subject"}, args...)...); strings.Contains(says, "0000000") || strings.Contains(says, "{") {
			t.Errorf("%q is answered %q", args, says)
		}
	}
	if says := s.command(t, exitUsage, "", "subject", "-lang", "fr", "x"); !strings.Contains(says, "ru or en") {
		t.Errorf("another language: %q", says)
	}
	s.command(t, exitDone, "8 999 555 11 11\n", "erase", "-")
	if says := s.command(t, exitFailed, "", "subject", "+79995551111"); !strings.Contains(says, "was erased on") || strings.Contains(says, "555") {
		t.Errorf("after the erasure: %q", says)
	}
	s.stop()
	if says := s.command(t, exitDone, "", "subject", "+79995552222"); !strings.Contains(says, "Борис") || strings.Contains(says, "not in the audit chain") {
		t.Error("without serve the command does not answer, or does not audit")
	}
}

func TestAReadingThatCannotBeAuditedSaysSo(t *testing.T) {
	s := startServe(t)
	if status, answer := s.send(t, http.MethodPost, "/in/site", lead); status != http.StatusOK {
		t.Fatalf("post: %d %s", status, answer)
	}
	s.command(t, exitDone, "", "invoke", "compact")
	if err := os.WriteFile(filepath.Join(s.data, privateName, controlName), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if says := s.command(t, exitDone, "", "subject", "+79995551111"); !strings.Contains(says, "Анна") || !strings.Contains(says, "not in the audit chain") {
		t.Errorf("over an owner that does not answer: %q", says)
	}
}
