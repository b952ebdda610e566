package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestExitStatusAndOneLineOfError(t *testing.T) {
	nowhere := filepath.Join(t.TempDir(), "nowhere")
	broken := filepath.Join(t.TempDir(), "event.json")
	if err := os.WriteFile(broken, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args   []string
		status int
		says   string // in the error; empty: there is none
	}{
		{nil, exitUsage, "which command"},
		{[]string{"dance"}, exitUsage, `no command "dance"`},
		{[]string{"-h"}, exitDone, ""},
		{[]string{"--help"}, exitDone, ""},
		{[]string{"help"}, exitDone, ""},
		{[]string{"help", "serve"}, exitDone, ""},
		{[]string{"serve", "-colour"}, exitUsage, "colour"},
		{[]string{"serve", "here"}, exitUsage, "too many"},
		{[]string{"serve", "-listen", "nonsense", "-data", nowhere + "1"}, exitFailed, "listen"},
		{[]string{"serve", "-s3", "ftp://bucket"}, exitUsage, "s3://bucket"},
		{[]string{"serve", "-s3", "s3://bucket"}, exitFailed, "LEADLAKE_TOKEN_KEY"},
		{[]string{"demo", "-lang", "de"}, exitUsage, "ru or en"},
		{[]string{"demo", "-seed", "x"}, exitUsage, "seed"},
		{[]string{"check", "-data", nowhere}, exitFailed, "no store at"},
		{[]string{"erase"}, exitUsage, "CONTACT"},
		{[]string{"erase", "+7 999 555-11-11", "-data", nowhere}, exitFailed, "no store at"},
		{[]string{"erase", "a", "b"}, exitUsage, "CONTACT"},
		{[]string{"erase", ""}, exitUsage, "empty"},
		{[]string{"user"}, exitUsage, "NAME"},
		{[]string{"user", "kiss", "anna"}, exitUsage, "add, passwd and disable"},
		{[]string{"user", "add", "anna"}, exitUsage, "owner, marketer"},
		{[]string{"user", "add", "anna", "-role", "queen"}, exitUsage, "owner, marketer"},
		{[]string{"user", "add", "anna", "-role", "owner"}, exitUsage, "-password-stdin"},
		{[]string{"user", "disable", "anna", "-role", "owner"}, exitUsage, "-role"},
		{[]string{"invoke"}, exitUsage, "FUNCTION"},
		{[]string{"invoke", "dance"}, exitUsage, "compact"},
		{[]string{"invoke", "compact", "-event", broken}, exitFailed, "not JSON"},
		{[]string{"invoke", "compact", "-event", nowhere}, exitFailed, "event"},
		{[]string{"invoke", "compact", "-data", nowhere}, exitFailed, "no store at"},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			sys := newSystem()
			status := run(t.Context(), sys.system, c.args)
			if status != c.status {
				t.Errorf("status %d, want %d; stderr %q", status, c.status, sys.err.String())
			}
			lines := strings.Split(strings.TrimSuffix(sys.err.String(), "\n"), "\n")
			last := lines[len(lines)-1]
			switch {
			case c.says == "":
				if sys.err.Len() > 0 || sys.out.Len() == 0 {
					t.Errorf("stdout %q, stderr %q, want help on stdout alone", sys.out.String(), sys.err.String())
				}
			case !strings.HasPrefix(last, "leadlake: ") || !strings.Contains(last, c.says):
				t.Errorf("the last line is %q, want leadlake: … %s …", last, c.says)
			case strings.Contains(last, "555-11-11"):
				t.Errorf("the error repeats a contact: %q", last)
			}
		})
	}
}

func TestEveryCommandExplainsItself(t *testing.T) {
	sys := newSystem()
	if status := run(t.Context(), sys.system, []string{"-h"}); status != exitDone {
		t.Fatalf("status %d", status)
	}
	overview := sys.out.String()
	for _, c := range commands() {
		if !strings.Contains(overview, "  "+c.name+" ") || c.summary == "" {
			t.Errorf("%s is not in the overview", c.name)
		}
		sys := newSystem()
		if status := run(t.Context(), sys.system, []string{c.name, "-h"}); status != exitDone {
			t.Errorf("%s -h: status %d, want %d; stderr %q", c.name, status, exitDone, sys.err.String())
		}
		if !strings.Contains(sys.out.String()+sys.err.String(), "leadlake "+c.name) {
			t.Errorf("%s -h does not show how it is called:\n%s", c.name, sys.out.String())
		}
	}
}

func TestTokenKeyOfABucket(t *testing.T) {
	long := strings.Repeat("0123456789abcdef", 4)
	for _, c := range []struct {
		name string
		env  map[string]string
		want string
		says string
	}{
		{name: "the key itself", env: map[string]string{tokenKeyVariable: long + "\n"}, want: long},
		{name: "a reference", env: map[string]string{tokenKeyVariable: "env:KEY", "KEY": long}, want: long},
		{name: "a reference to nothing", env: map[string]string{tokenKeyVariable: "env:KEY"}, says: "$KEY is empty"},
		{name: "too short", env: map[string]string{tokenKeyVariable: "short"}, says: "fewer"},
		{name: "a reference of the cloud", env: map[string]string{tokenKeyVariable: "ssm:/leadlake/key"}, says: "env:NAME"},
	} {
		got, err := environmentKey(&system{Getenv: func(name string) string { return c.env[name] }}, tokenKeyVariable)
		if got != c.want || (err == nil) != (c.says == "") {
			t.Errorf("%s: %q, %v", c.name, got, err)
		}
		if err != nil && (!strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "short\"")) {
			t.Errorf("%s: error %v, want one that says %q", c.name, err, c.says)
		}
	}
}
