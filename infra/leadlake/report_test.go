package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// outcome is what a run of the program left on its streams.
type outcome struct {
	status         int
	stdout, stderr string
}

// call runs the program with a clock that stands still.
func call(t testing.TB, stdin string, args ...string) outcome {
	t.Helper()
	var out, errs bytes.Buffer
	sys := &system{
		Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: &errs, Getenv: func(string) string { return "" },
		Now: func() time.Time { return time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC) },
	}
	status := run(t.Context(), sys, args)
	return outcome{status, out.String(), errs.String()}
}

// report runs the command on files given by name and content.
func report(t testing.TB, files map[string]string, flags ...string) (outcome, string) {
	t.Helper()
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	args := append([]string{"report", "-out", out}, flags...)
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(files[name]), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, file)
	}
	return call(t, "", args...), out
}

// table reads a CSV file of a report as rows by column name.
func table(t testing.TB, dir, name string) []map[string]string {
	t.Helper()
	body, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(bytes.NewReader(body)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	rows := make([]map[string]string, 0, len(records))
	for _, record := range records[1:] {
		row := map[string]string{}
		for i, column := range records[0] {
			row[column] = record[i]
		}
		rows = append(rows, row)
	}
	return rows
}

// tree is the digest of every file below a folder.
func tree(t testing.TB, dir string) map[string]string {
	t.Helper()
	sums := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		body, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(body)
		name, err := filepath.Rel(dir, path)
		sums[name] = hex.EncodeToString(sum[:])
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return sums
}

func resultOf(t testing.TB, o outcome) reportResult {
	t.Helper()
	if o.status != exitDone {
		t.Fatalf("status %d: %s", o.status, o.stderr)
	}
	var result reportResult
	if err := json.Unmarshal([]byte(o.stdout), &result); err != nil {
		t.Fatalf("%v in %s", err, o.stdout)
	}
	return result
}

// cdnow is the path of the real data set; the test is skipped where it is not.
func cdnow(t testing.TB) string {
	t.Helper()
	file := filepath.Join("..", "..", "..", "shared", "data", "CDNOW_master.txt")
	if _, err := os.Stat(file); err != nil {
		t.Skipf("SKIPPED, THE REAL DATA SET IS NOT THERE: %v", err)
	}
	return file
}

var cdnowFlags = []string{"-map", "client=1,date=2,amount=4", "-currency", "USD", "-timezone", "UTC", "-as-of", "1998-07-01"}
