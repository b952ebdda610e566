// Command oracle makes the stores that the night is compared on with the same
// definitions written as SQL: `go run ./infra/oracle -out DIR`, then
// `node infra/oracle/oracle.mjs DIR`; `make oracle` does both.
//
// Every store goes the real way: events are posted to the webhook handler,
// compacted and analysed. Beside each store stands params.json, the part of the
// configuration that the SQL takes as given.
//
// Exit status: 0 made, 1 failed, 2 used in a wrong way.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errUsage):
		_, _ = fmt.Fprintln(os.Stderr, "oracle:", err)
		os.Exit(2)
	default:
		_, _ = fmt.Fprintln(os.Stderr, "oracle:", err)
		os.Exit(1)
	}
}

// errUsage is matched by the faults of a command line.
var errUsage = errors.New("wrong use")

func run(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("oracle", flag.ContinueOnError)
	out := f.String("out", "", "the `directory` to make; it must not exist, or be empty")
	cdnow := f.String("cdnow", "", "the `file` CDNOW_master.txt (Fader and Hardie), if it is there")
	demo := f.String("demo", "", "the `directory` of a finished `leadlake demo`, to describe for the comparison")
	audiences := f.String("audiences", "", "make nothing but the audience files of every platform in this `directory`")
	only := f.String("only", "", "make only the stores whose name begins with this `text`")
	if err := f.Parse(args); errors.Is(err, flag.ErrHelp) {
		return err
	} else if err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	if *audiences != "" && f.NArg() == 0 {
		return makeAudiences(*audiences)
	}
	if *out == "" || f.NArg() > 0 {
		return fmt.Errorf("%w: want -out DIR and no arguments", errUsage)
	}
	if left, err := os.ReadDir(*out); err == nil && len(left) > 0 {
		return fmt.Errorf("%w: %s is not empty", errUsage, *out)
	}
	if *demo != "" {
		if err := describe(ctx, *demo, *out, "demo"); err != nil {
			return err
		}
	}
	all := cases()
	if *cdnow != "" {
		bought, err := cdnowCases(*cdnow)
		if err != nil {
			return err
		}
		all = append(bought, all...)
	}
	lakes := map[string]*business{} // by the name of the events, so that one lake serves many configurations
	for _, c := range all {
		if !strings.HasPrefix(c.name, *only) {
			continue
		}
		if err := c.make(ctx, lakes, *out); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	return nil
}
