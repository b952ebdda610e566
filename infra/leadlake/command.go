package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"
)

// system is what a command sees of the world, so that tests can give it another.
type system struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Getenv         func(string) string
	Now            func() time.Time

	StdinTerminal  bool // somebody types, so a command that reads it says so
	StderrTerminal bool // a progress line may overwrite itself
	// Program is the file that runs, for workers of its own; empty where there can be
	// none, and the work is done here.
	Program string
	// SetMemoryLimit is that of package debug; nil where the process is not ours alone.
	SetMemoryLimit func(bytes int64) int64
}

// command is one row of the table of commands.
type command struct {
	name, summary string
	run           func(ctx context.Context, sys *system, args []string) error
}

// Exit statuses.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// errUsage is matched by every error about how a command was called.
var errUsage = errors.New("wrong use")

// usageError is a wrong call, in words for the person who made it.
type usageError struct{ text string }

func (e *usageError) Error() string        { return e.text }
func (e *usageError) Is(target error) bool { return target == errUsage }

// wrongUse is the error of a wrong call; its text says what to do instead.
func wrongUse(format string, values ...any) error {
	return &usageError{fmt.Sprintf(format, values...)}
}

// run is the program: it finds the command, runs it, and says in one line what
// went wrong.
func run(ctx context.Context, sys *system, args []string) int {
	err := dispatch(ctx, sys, args)
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return exitDone
	case errors.Is(err, errSaid):
		return exitFailed
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		_, _ = fmt.Fprintln(sys.Stderr, "leadlake: interrupted")
		return exitFailed
	}
	// One line: joined errors have line breaks between them.
	_, _ = fmt.Fprintln(sys.Stderr, "leadlake: "+strings.ReplaceAll(err.Error(), "\n", "; "))
	if errors.Is(err, errUsage) {
		return exitUsage
	}
	return exitFailed
}

// errSaid is the error of a command that failed and has told everything already.
var errSaid = errors.New("failed")

func dispatch(ctx context.Context, sys *system, args []string) error {
	if len(args) == 0 {
		overview(sys.Stderr)
		return wrongUse("which command? `leadlake -h` lists them")
	}
	name := args[0]
	switch name {
	case "-h", "-help", "--help", "help":
		if len(args) > 1 {
			return dispatch(ctx, sys, []string{args[1], "-h"})
		}
		overview(sys.Stdout)
		return nil
	case workName:
		return workCommand(ctx, sys, args[1:])
	}
	for _, c := range commands() {
		if c.name == name {
			return c.run(ctx, sys, args[1:])
		}
	}
	return wrongUse("no command %q; `leadlake -h` lists them", name)
}

func overview(out io.Writer) {
	var text strings.Builder
	text.WriteString("Leadlake keeps a business's client base in its own storage.\n\nusage: leadlake COMMAND [flags] [arguments]\n\n")
	for _, c := range commands() {
		fmt.Fprintf(&text, "  %-10s %s\n", c.name, c.summary)
	}
	text.WriteString("\n`leadlake COMMAND -h` explains a command. Flags come before files.\nExit status: 0 done, 1 failed, 2 wrong use.\n")
	_, _ = io.WriteString(out, text.String())
}

// flags is the flag set of a command. Its -h prints to standard output and ends
// the command with status 0.
type flags struct {
	*flag.FlagSet

	sys      *system
	synopsis string // "erase [flags] CONTACT"
	about    string // a few sentences
}

// newFlags makes the flag set of a command, for example
// newFlags(sys, "erase [flags] CONTACT", "Erases a person…").
func newFlags(sys *system, synopsis, about string) *flags {
	name, _, _ := strings.Cut(synopsis, " ")
	f := &flags{FlagSet: flag.NewFlagSet(name, flag.ContinueOnError), sys: sys, synopsis: synopsis, about: about}
	f.SetOutput(io.Discard) // Parse prints what run would print once more
	return f
}

// parse reads the flags and checks that between least and most arguments follow;
// a negative most is no limit. Its errors match errUsage or flag.ErrHelp.
func (f *flags) parse(args []string, least, most int) error {
	err := f.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		f.help()
		return err
	}
	if err != nil {
		return wrongUse("%s: %v; see `leadlake %s -h`", f.Name(), err, f.Name())
	}
	switch n := f.NArg(); {
	case n < least:
		return wrongUse("usage: leadlake %s", f.synopsis)
	case most >= 0 && n > most:
		return wrongUse("%s: %d arguments too many (flags come before them); usage: leadlake %s", f.Name(), n-most, f.synopsis)
	}
	return nil
}

// parseMixed is parse for commands whose flags may stand after the arguments too.
// It returns the arguments.
func (f *flags) parseMixed(args []string, least, most int) ([]string, error) {
	var plain []string
	for {
		if err := f.parse(args, 0, -1); err != nil {
			return nil, err
		}
		if args = f.Args(); len(args) == 0 {
			break
		}
		plain = append(plain, args[0])
		args = args[1:]
	}
	if len(plain) < least || len(plain) > most {
		return nil, wrongUse("usage: leadlake %s", f.synopsis)
	}
	return plain, nil
}

func (f *flags) help() {
	var text strings.Builder
	fmt.Fprintf(&text, "usage: leadlake %s\n\n%s\n", f.synopsis, f.about)
	first := true
	f.VisitAll(func(one *flag.Flag) {
		if first {
			text.WriteString("\nflags:\n")
			first = false
		}
		value, usage := flag.UnquoteUsage(one)
		line := "-" + one.Name
		if value != "" {
			line += " " + value
		}
		if one.DefValue != "" && one.DefValue != "false" && one.DefValue != "0" {
			usage += " (default " + one.DefValue + ")"
		}
		fmt.Fprintf(&text, "  %-22s %s\n", line, usage)
	})
	_, _ = io.WriteString(f.sys.Stdout, text.String())
}

// printJSON writes a value for machines: indented, one document.
func printJSON(out io.Writer, value any) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}

// readingFlags are the answers to what a table file leaves open, the same for
// every command that reads one.
func (f *flags) readingFlags(columns, charset, delimiter, sheet, date, decimal *string) {
	f.StringVar(columns, "map", "", "columns by name or number, `field=column,...`, e.g. client=1,date=2,amount=4")
	f.StringVar(charset, "charset", "", "`character set` of the files, e.g. windows-1251")
	f.StringVar(delimiter, "delimiter", "", "`sign` between the columns of the files")
	f.StringVar(sheet, "sheet", "", "`name` of the sheet of a workbook")
	f.StringVar(date, "date", "", "order of day and month in dates, `dmy|mdy`")
	f.StringVar(decimal, "decimal", "", "sign before the fraction of numbers, `comma|point`")
}
