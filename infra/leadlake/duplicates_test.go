package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leadlake/leadlake/lib/pipeline"
)

func TestDuplicatesOfTheDemo(t *testing.T) {
	data, _ := demo(t)
	o := callProgram(t, "", "duplicates", "-data", data, "-json", "-top", "3")
	if o.status != exitDone {
		t.Fatal(o.stderr)
	}
	var d pipeline.Duplicates
	if err := json.Unmarshal([]byte(o.stdout), &d); err != nil {
		t.Fatal(err)
	}
	if len(d.Top) != 3 || d.Merged < 3 || d.Records <= d.Merged || d.MergedMinor <= 0 || d.MergedMinor > d.RevenueMinor {
		t.Fatalf("duplicates = %+v", d)
	}
	for lang, words := range map[string]string{"ru": "Объединённые записи", "en": "Merged records"} {
		text := callProgram(t, "", "duplicates", "-data", data, "-lang", lang, "-top", "3").stdout
		if !strings.HasPrefix(text, words) || strings.Count(text, d.Top[0].ClientID) == 0 || strings.Contains(text, "@") || strings.Contains(text, "+7") {
			t.Errorf("in %s:\n%s", lang, text)
		}
	}

	one, two := d.Top[0], d.Top[1]
	preview := callProgram(t, "", "duplicates", "-data", data, "-json", "-merge", one.ClientID+","+two.ClientID)
	var p pipeline.Preview
	if err := json.Unmarshal([]byte(preview.stdout), &p); err != nil {
		t.Fatalf("%v: %s", err, preview.stderr)
	}
	if p.ClientsAfter != p.ClientsBefore-1 || len(p.Moves) != 1 || p.Moves[0].After[0].RevenueMinor != one.RevenueMinor+two.RevenueMinor {
		t.Errorf("merge of two: %+v", p)
	}
	text := callProgram(t, "", "duplicates", "-data", data, "-lang", "ru", "-merge", one.ClientID+","+two.ClientID).stdout
	if !strings.Contains(text, "объединятся") || !strings.HasSuffix(text, "identity:\n  merge:\n    - clients: ["+one.ClientID+", "+two.ClientID+"]\n") {
		t.Errorf("the preview says\n%s", text)
	}

	rules := filepath.Join(t.TempDir(), "rules.yaml")
	if err := os.WriteFile(rules, []byte("metrics: {link_by_email: false}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if o := callProgram(t, "", "duplicates", "-data", data, "-lang", "en", "-with", rules); o.status != exitDone || !strings.Contains(o.stdout, "would part") {
		t.Errorf("without e-mails: %d %s %s", o.status, o.stdout, o.stderr)
	}
}

func TestDuplicatesRefusesWhatItCannotRead(t *testing.T) {
	data, _ := demo(t)
	unknown := "p" + strings.Repeat("0", 26)
	for _, tt := range []struct {
		args   []string
		status int
		says   string
	}{
		{[]string{"-merge", "+79162220001,x"}, exitUsage, "client ids"},
		{[]string{"-merge", unknown}, exitUsage, "two ids"},
		{[]string{"-split", unknown}, exitUsage, "two parts"},
		{[]string{"-lang", "de"}, exitUsage, "ru or en"},
		{[]string{"-merge", unknown + "," + unknown}, exitFailed, unknown},
		{[]string{"-with", filepath.Join(data, "nothing.yaml")}, exitFailed, "nothing.yaml"},
	} {
		o := callProgram(t, "", append([]string{"duplicates", "-data", data}, tt.args...)...)
		if o.status != tt.status || !strings.Contains(o.stderr, tt.says) || strings.Contains(o.stderr, "7916") {
			t.Errorf("%v: status %d, %s", tt.args, o.status, o.stderr)
		}
	}
	if o := callProgram(t, "", "duplicates", "-data", t.TempDir()); o.status != exitFailed {
		t.Errorf("of no store: %d", o.status)
	}
}
