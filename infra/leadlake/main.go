// Command leadlake is the whole system as one program on one machine: it takes
// webhooks, keeps everything in a directory or a bucket, works the nights and
// shows the pages; and it holds the tools around them. `leadlake -h` lists the
// commands, `leadlake COMMAND -h` explains one.
//
// Exit status: 0 done, 1 failed, 2 used in a wrong way.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second ctrl-C must end what the first one could not.
	context.AfterFunc(ctx, stop)
	sys := &system{
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv,
		Now:           func() time.Time { return time.Now().UTC() },
		StdinTerminal: isTerminal(os.Stdin), StderrTerminal: isTerminal(os.Stderr),
		SetMemoryLimit: debug.SetMemoryLimit,
	}
	sys.Program, _ = os.Executable() // empty where the system does not know
	os.Exit(run(ctx, sys, os.Args[1:]))
}

// commands is the table of all commands, in the order in which help shows them.
func commands() []command {
	return []command{
		{"demo", "show everything with an invented shop", demoCommand},
		{"serve", "run the whole system on this machine", serveCommand},
		{"report", "make a report of your own spreadsheets", reportCommand},
		{"import", "import tables of orders, leads, costs or clients", importCommand},
		{"check", "look whether everything is in order", checkCommand},
		{"user", "add an account, change its password, close it", userCommand},
		{"link", "make, list and revoke links by which programs fetch lists", linkCommand},
		{"redrive", "run failed deliveries again after a fix", redriveCommand},
		{"erase", "erase a person, with the proof", eraseCommand},
		{"why", "explain a client's card", whyCommand},
		{"subject", "everything known about a person", subjectCommand},
		{"leak", "find the download that a leaked address came from", leakCommand},
		{"duplicates", "show what merging joined, and preview a merge or a split", duplicatesCommand},
		{"effect", "show what exports have changed, against those held out", effectCommand},
		{"decode", "show what a delivery becomes, without storing it", decodeCommand},
		{"normalise", "show what an advertising platform gets for a value", normaliseCommand},
		{"guide", "show how the files of a platform are uploaded", guideCommand},
		{"invoke", "run one function once with an AWS event", invokeCommand},
	}
}

// isTerminal tells whether a person sits at the other end.
func isTerminal(file *os.File) bool {
	stat, err := file.Stat()
	return err == nil && stat.Mode()&os.ModeCharDevice != 0
}
