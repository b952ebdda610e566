// Command bench measures what Leadlake promises in figures, against the real
// programs and on the machine it runs on: `go run ./infra/bench -h` lists the
// measurements. Each prints one table with the machine, the day and the Go
// version, or JSON with -json, and fails where something was lost.
//
// Exit status: 0 measured and nothing lost, 1 failed, 2 used in a wrong way.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// measurement is one subcommand.
type measurement struct {
	name, summary string
	run           func(ctx context.Context, out io.Writer, args []string) error
}

// measurements is the table of all subcommands, in the order of help.
func measurements() []measurement {
	return []measurement{
		{"ingest", "deliveries into a real serve at a constant rate, each looked for afterwards", ingestCommand},
		{"compact", "how fast deliveries become events, contacts and the ledger", compactCommand},
		{"identity", "how fast records become clients, from memory and from the lake, and how rightly", identityCommand},
		{"night", "the night against DuckDB and Polars on shops that it makes", nightCommand},
		{"audience", "normal form, hash and CSV of 5 M contacts beside DuckDB doing the same", audienceCommand},
		{"cold", "the ingest function of AWS from process start to its first answer", coldCommand},
		{"cost", "what a million deliveries cost on AWS list prices", costCommand},
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Stdout, os.Args[1:])
	stop()
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errUsage):
		_, _ = fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(2)
	default:
		_, _ = fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// errUsage is matched by the faults of a command line.
var errUsage = errors.New("wrong use")

func run(ctx context.Context, out io.Writer, args []string) error {
	if len(args) == 0 || strings.TrimLeft(args[0], "-") == "h" || strings.TrimLeft(args[0], "-") == "help" {
		var text strings.Builder
		text.WriteString("usage: bench MEASUREMENT [flags]\n\n")
		for _, m := range measurements() {
			fmt.Fprintf(&text, "  %-8s %s\n", m.name, m.summary)
		}
		text.WriteString("\n`bench MEASUREMENT -h` lists the flags of one.\n")
		_, err := io.WriteString(out, text.String())
		return err
	}
	for _, m := range measurements() {
		if m.name == args[0] {
			return m.run(ctx, out, args[1:])
		}
	}
	return fmt.Errorf("%w: no measurement %q; bench -h lists them", errUsage, args[0])
}

// parse reads the flags of a measurement, which takes no arguments.
func parse(f *flag.FlagSet, args []string) error {
	f.SetOutput(os.Stderr)
	if err := f.Parse(args); errors.Is(err, flag.ErrHelp) {
		return err
	} else if err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	if f.NArg() > 0 {
		return fmt.Errorf("%w: %s takes flags only", errUsage, f.Name())
	}
	return nil
}

// report is what a measurement found, in the order in which it is printed.
type report struct {
	Measurement string    `json:"measurement"`
	Command     string    `json:"command"`
	Machine     string    `json:"machine"`
	At          time.Time `json:"at"`
	Go          string    `json:"go"`
	Figures     []figure  `json:"figures"`
}

// figure is one line of a report. Value is a number in Unit; Text, if there is
// any, stands in its place.
type figure struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit,omitempty"`
	Text  string  `json:"text,omitempty"`
	Goal  string  `json:"goal,omitempty"`
}

func newReport(measurement string, args []string) *report {
	return &report{
		Measurement: measurement, Command: strings.TrimSpace("go run ./infra/bench " + measurement + " " + strings.Join(args, " ")),
		Machine: machine(), At: time.Now().UTC().Truncate(time.Second), Go: goVersion(),
	}
}

func (r *report) add(name string, value float64, unit string) *figure {
	r.Figures = append(r.Figures, figure{Name: name, Value: value, Unit: unit})
	return &r.Figures[len(r.Figures)-1]
}

func (r *report) say(name, text string) {
	r.Figures = append(r.Figures, figure{Name: name, Text: text})
}

// goal adds a figure that is held to a bound; more is worse.
func (r *report) goal(name string, value float64, unit string, most float64) {
	verdict := "met"
	if value > most {
		verdict = "MISSED"
	}
	r.add(name, value, unit).Goal = fmt.Sprintf("at most %s: %s", number(most), verdict)
}

// goalAtLeast adds a figure that is held to a bound; less is worse.
func (r *report) goalAtLeast(name string, value float64, unit string, least float64) {
	verdict := "met"
	if value < least {
		verdict = "MISSED"
	}
	r.add(name, value, unit).Goal = fmt.Sprintf("at least %s: %s", number(least), verdict)
}

func (r *report) print(out io.Writer, asJSON bool) error {
	if asJSON {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(r)
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%s\n%s, %s, %s\n", r.Command, r.Machine, r.At.Format(time.DateOnly), r.Go)
	wide := 0
	for _, f := range r.Figures {
		wide = max(wide, len([]rune(f.Name)))
	}
	for _, f := range r.Figures {
		value := f.Text
		if value == "" {
			value = strings.TrimSpace(number(f.Value) + " " + f.Unit)
		}
		line := fmt.Sprintf("  %s%s  %s", f.Name, strings.Repeat(" ", wide-len([]rune(f.Name))), value)
		if f.Goal != "" {
			line += "  (" + f.Goal + ")"
		}
		text.WriteString(line + "\n")
	}
	_, err := io.WriteString(out, text.String())
	return err
}

// number writes a figure as people do: whole from a hundred on, else with up to
// three places.
func number(v float64) string {
	if v >= 100 || v == float64(int64(v)) {
		return fmt.Sprintf("%.0f", v)
	}
	return strings.TrimRight(strings.TrimRight(fmt.Sprintf("%.3f", v), "0"), ".")
}
