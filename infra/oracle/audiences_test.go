package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// askAudiences compares the audience files in a directory, or one folder of them,
// with what expected.mjs works out.
func askAudiences(t *testing.T, args ...string) (text string, agrees bool) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "node", append([]string{"audience.mjs", "check"}, args...)...).CombinedOutput()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) {
		t.Fatalf("audience.mjs: %v\n%s", err, out)
	}
	return string(out), err == nil
}

// Every platform, plain and hashed, as a list and as changes, is read back by
// DuckDB and by Go's readers and equals the rules written a second time; and a
// fault in a file, of any kind, is found.
func TestAudienceFilesAreReadBackByOthers(t *testing.T) {
	needOracle(t)
	dir := t.TempDir()
	if err := makeAudiences(dir); err != nil {
		t.Fatal(err)
	}
	if text, agrees := askAudiences(t, dir); !agrees || strings.Contains(text, " 0 cells") {
		t.Fatalf("the files and their rules disagree:\n%s", text)
	}
	replace := func(from, to string) func([]byte) []byte {
		return func(body []byte) []byte {
			if !bytes.Contains(body, []byte(from)) {
				t.Fatalf("the file has no %q", from)
			}
			return bytes.Replace(body, []byte(from), []byte(to), 1)
		}
	}
	line := func(body []byte, n int) []byte { return bytes.SplitAfter(body, []byte("\n"))[n] }
	for _, c := range []struct {
		name, folder, file string
		plant              func(body []byte) []byte
	}{
		{"a digit of a hash", "vk-true-", "vk_phones.txt", func(body []byte) []byte { body[0] ^= 1; return body }},
		{"a row that is gone", "yandex-false-", "yandex_audience.csv", func(body []byte) []byte { return bytes.Replace(body, line(body, 5), nil, 1) }},
		{"a row twice", "tiktok-true-remove", "tiktok_customers_remove.csv", func(body []byte) []byte { return append(body, line(body, 5)...) }},
		{"a byte order mark", "google-false-", "google_customer_match.csv", func(body []byte) []byte { return append([]byte("\ufeff"), body...) }},
		{"a byte order mark that is missing", "dialler-false-", "dialler.csv", replace("\ufeff", "")},
		{"a plus sign before a phone", "meta-false-add", "meta_customers_add.csv", replace(",7900", ",+7900")},
		{"an address that kept its capitals", "linkedin-false-", "linkedin_contacts.csv", replace("client.7+a", "Client.7+a")},
		{"a country that was hashed", "google-true-", "google_customer_match_no_signal.csv", replace(",RU,", ",d3b07384,")},
		{"another action", "microsoft-true-remove", "microsoft_customer_list_remove.csv", replace("Remove", "Add")},
		{"a cell that begins a formula", "csv-false-", "contacts.csv", replace("\"'=", "\"=")},
		{"another separator", "mindbox-false-", "mindbox.csv", replace("client.3+a@gmail.com;", "client.3+a@gmail.com,")},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(dir, c.folder, c.file)
			before, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, c.plant(bytes.Clone(before)), 0o600); err != nil {
				t.Fatal(err)
			}
			if text, agrees := askAudiences(t, dir, c.folder); agrees {
				t.Errorf("the comparison agrees:\n%s", text)
			}
			if err := os.WriteFile(path, before, 0o600); err != nil {
				t.Fatal(err)
			}
		})
	}
}
