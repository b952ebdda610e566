// Package logtest is the logger of the tests: it fails a test one of whose log
// lines holds personal data. Tests give it to every component that wants a
// logger, so that whatever the suite makes happen is also a proof of what is
// never logged. lib/arch_test.go refuses any other logger in a test.
//
// A line holds personal data when it shows, in any field and at any depth, as it
// is or escaped, in hex or in base64:
//
//   - an e-mail address;
//   - a telephone number of 10 to 15 digits in a usual spelling. Times, durations,
//     addresses of machines and ids are told apart by their form, and a number by
//     the unit in its key (took_ms, bytes, revenue_minor);
//   - a value of the suite's own people (planted.go);
//   - a letter outside ASCII: messages are English, what else is written so comes
//     from a person.
//
// For the texts that people read, such as answers and what a command prints, the
// last rule does not hold.
package logtest

import (
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
)

// New is a logger of every level whose lines are checked and thrown away. It is
// safe for concurrent use.
func New(tb testing.TB) *slog.Logger {
	tb.Helper()
	return To(tb, io.Discard)
}

// To is New for a test that reads its lines: they are also written to w as JSON,
// as the programs write them. Writes to w never overlap.
func To(tb testing.TB, w io.Writer) *slog.Logger {
	tb.Helper()
	return slog.New(slog.NewJSONHandler(&checked{tb: tb, w: w}, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// checked gets one whole line with each Write.
type checked struct {
	tb testing.TB
	w  io.Writer
}

func (c *checked) Write(line []byte) (int, error) {
	for _, fault := range Check(string(line)) {
		c.tb.Errorf("personal data in the log: %s", fault)
	}
	return c.w.Write(line)
}

// Expect fails the test for everything that Check finds in a text; where says what
// the text is.
func Expect(tb testing.TB, where, text string) {
	tb.Helper()
	for _, fault := range Check(text) {
		tb.Errorf("personal data in %s: %s", where, fault)
	}
}

// Check says what is personal in a text: a log, the output of a program, an error or
// an answer. There is one entry for each line and finding, with the line; nil means
// clean. Lines that are JSON are read as such.
func Check(text string) []string {
	var faults []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		var f findings
		f.line(line)
		for _, what := range f.found {
			faults = append(faults, fmt.Sprintf("%s in %.2000s", what, line))
		}
	}
	return faults
}

// findings collects what one line shows, each thing once.
type findings struct {
	strict bool // a log line: no letters but ASCII
	found  []string
}

func (f *findings) add(what, value string) {
	entry := fmt.Sprintf("%s %q", what, value)
	if !slices.Contains(f.found, entry) {
		f.found = append(f.found, entry)
	}
}

// deepest is how many wrappings are opened: JSON in a text of a JSON, escapes in
// base64.
const deepest = 4

// text checks one text and everything that it may stand for.
func (f *findings) text(s string, depth int) {
	f.plain(s, depth)
	if depth >= deepest {
		return
	}
	f.document(s, depth+1)
	for _, inner := range unwrapped(s) {
		f.text(inner, depth+1)
	}
}

// plain checks a text as it stands.
func (f *findings) plain(s string, depth int) {
	for _, address := range emails(s) {
		f.add("e-mail", address)
	}
	for _, number := range phones(s) {
		f.add("phone", number)
	}
	for _, value := range planted(s) {
		f.add("planted value", value)
	}
	if !f.strict {
		return
	}
	least := 1
	if depth > 0 { // the bytes of an id may be a letter by chance, not a name
		least = 3
	}
	if word := foreignWord(s, least); word != "" {
		f.add("word", word)
	}
}
