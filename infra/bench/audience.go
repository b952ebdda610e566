package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"time"

	"github.com/leadlake/leadlake/lib/audience"
	"github.com/leadlake/leadlake/lib/identity"
	"github.com/leadlake/leadlake/lib/lake/columnar"
	"github.com/leadlake/leadlake/lib/schema"
)

// audienceGoal is the most of DuckDB's time that the files of one platform may
// take, audienceMemory the most memory.
const (
	audienceGoal   = 0.35
	audienceMemory = 128 << 20
)

// filePeople is how many contacts stand in one Parquet file of the input.
const filePeople = 100_000

// contactRow is a contact as the benchmark's input holds it: values in the lake's
// normal form. Both sides read the same files.
type contactRow struct {
	ClientID string `parquet:"client_id"`
	Phone    string `parquet:"phone"`
	Email    string `parquet:"email"`
}

// Table names the benchmark's own table.
func (contactRow) Table() string { return "contacts" }

// Personal lists the columns that hold personal values.
func (contactRow) Personal() []string { return []string{"phone", "email"} }

func audienceCommand(ctx context.Context, out io.Writer, args []string) error {
	f := flag.NewFlagSet("audience", flag.ContinueOnError)
	contacts := f.Int("contacts", 5_000_000, "contacts with a phone and an e-mail")
	runs := f.Int("runs", 3, "pairs of runs, ours and DuckDB's in turn; medians count")
	asJSON := f.Bool("json", false, "JSON instead of a table")
	one := f.String("one", "", "only write the file of this `folder` of contacts (what a run starts)")
	if err := parse(f, args); err != nil {
		return err
	}
	if *one != "" {
		return writeAudience(ctx, out, *one)
	}
	if *contacts < filePeople || *runs < 1 {
		return fmt.Errorf("%w: at least %d contacts and one run", errUsage, filePeople)
	}
	data, err := os.MkdirTemp("", "leadlake-audience-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(data) //nolint:errcheck // a temporary folder
	if err := makeContacts(data, *contacts); err != nil {
		return err
	}
	program, err := build(ctx, data, "infra/bench")
	if err != nil {
		return err
	}
	r := newReport("audience", args)
	r.say("job", fmt.Sprintf("%d contacts from Parquet: normal form, SHA-256, hex and CSV of phone and e-mail for Yandex Audience; 2 threads each", *contacts))
	ours := []string{program, "audience", "-one", data}
	script := filepath.Join("infra", "oracle", "audience.mjs")
	commands := [][]string{ours, {"node", script, "copy", data}, {"node", script, "copy", data, "plus"}}
	sides := make([]side, len(commands))
	for range *runs {
		for i, command := range commands {
			if err := sides[i].run(ctx, command); err != nil {
				return err
			}
		}
	}
	if sides[0].sum == "" || sides[0].sum != sides[1].sum || sides[0].sum != sides[2].sum {
		return errors.New("audience: the files differ")
	}
	r.say("files", "byte-identical, SHA-256 "+sides[0].sum[:16]+"…")
	for i, name := range []string{"ours", "DuckDB", "DuckDB that only takes the plus sign off"} {
		r.add(name+", CPU", median(sides[i].cpu), "s")
		r.add(name+", wall", median(sides[i].wall), "s")
		r.add(name+", most memory", float64(sides[i].peak)/(1<<20), "MiB")
	}
	r.goal("CPU, ours to DuckDB's", median(sides[0].cpu)/median(sides[1].cpu), "", audienceGoal)
	r.goal("wall, ours to DuckDB's", median(sides[0].wall)/median(sides[1].wall), "", audienceGoal)
	r.add("CPU, ours to DuckDB's without digits of phones", median(sides[0].cpu)/median(sides[2].cpu), "")
	r.goal("our memory", float64(sides[0].peak)/(1<<20), "MiB", audienceMemory>>20)
	return r.print(out, *asJSON)
}

// side is one of the two programs, run after run.
type side struct {
	cpu, wall []float64 // s
	peak      int64     // bytes, the most of all runs
	sum       string    // of the file written
}

// run starts a program, which writes one line of JSON with its peak memory and
// the name of its file.
func (s *side) run(ctx context.Context, command []string) error {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...) //nolint:gosec // G204: our own program and script
	cmd.Stderr = os.Stderr
	begun := time.Now()
	said, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("%s: %w", command[0], err)
	}
	s.wall = append(s.wall, time.Since(begun).Seconds())
	s.cpu = append(s.cpu, (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds())
	var line struct {
		Peak int64  `json:"peak"`
		File string `json:"file"`
	}
	if err := json.Unmarshal(said, &line); err != nil {
		return fmt.Errorf("%s: %w", command[0], err)
	}
	s.peak = max(s.peak, line.Peak)
	file, err := os.Open(line.File)
	if err != nil {
		return err
	}
	sum := sha256.New()
	_, err = io.Copy(sum, file)
	s.sum = hex.EncodeToString(sum.Sum(nil))
	return errors.Join(err, file.Close(), os.Remove(line.File))
}

// makeContacts writes people one after the other; every tenth has no e-mail.
func makeContacts(folder string, n int) error {
	providers := []string{"gmail.com", "mail.ru", "yandex.ru", "example.org", "shop-clients.example.net"}
	for from := 0; from < n; from += filePeople {
		rows := make([]contactRow, 0, filePeople)
		for i := from; i < min(n, from+filePeople); i++ {
			row := contactRow{ClientID: fmt.Sprintf("p%026x", spread(1, uint64(i))), Phone: fmt.Sprintf("+79%09d", (uint64(i)*2_654_435_761+7)%1_000_000_000)}
			if i%10 != 0 {
				row.Email = fmt.Sprintf("client.%d+n%d@%s", i, spread(2, uint64(i))%1000, providers[spread(3, uint64(i))%uint64(len(providers))])
			}
			rows = append(rows, row)
		}
		body, err := schema.Encode(rows)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("contacts-%04d.parquet", from/filePeople)), body, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// writeAudience is our side as a whole process.
func writeAudience(ctx context.Context, out io.Writer, folder string) error {
	debug.SetMemoryLimit(audienceMemory * 3 / 4) // as in a function of that size
	name := filepath.Join(folder, "ours.csv")
	req := audience.Request{Run: "bench", AsOf: "2026-11-20", Segment: "bench", Platform: "yandex", Hashed: true, Purpose: "ads"}
	job := audience.Job{Request: req, Create: func(file string) (audience.Output, error) {
		if file == audience.ManifestName {
			return discarded{}, nil
		}
		f, err := os.Create(name) //nolint:gosec // G304: the benchmark's own folder
		return onDisk{f}, err
	}}
	manifests, err := audience.WriteFilled([]audience.Job{job}, func(next func() *audience.Contact) error {
		return readContacts(ctx, folder, next)
	})
	if err != nil {
		return err
	}
	if refused := manifests[0].Refused; refused != nil {
		return errors.New("audience: refused: " + refused.Text.EN)
	}
	return json.NewEncoder(out).Encode(map[string]any{"peak": usageOf(os.Getpid()).peak, "file": name})
}

type onDisk struct{ *os.File }

func (f onDisk) Commit() error { return f.Close() }
func (f onDisk) Discard()      { _ = f.Close() }

type discarded struct{}

func (discarded) Write(b []byte) (int, error) { return len(b), nil }
func (discarded) Commit() error               { return nil }
func (discarded) Discard()                    {}

// textColumn is a text column of an Arrow record whose texts outlive it: one copy for
// all of them, not one a value.
type textColumn struct {
	columnar.Texts
	all string
	at  int // in all, of the next value
}

func textColumnOf(column any) (textColumn, error) {
	values, ok := column.(interface {
		columnar.Texts
		ValueBytes() []byte
	})
	if !ok {
		return textColumn{}, errors.New("audience: a column is no plain text")
	}
	return textColumn{Texts: values, all: string(values.ValueBytes())}, nil
}

// next is the text of row i, which is the one behind the row asked for before.
func (c *textColumn) next(i int) string {
	from := c.at
	c.at += len(c.Value(i))
	return c.all[from:c.at]
}

// readContacts fills contacts from the files of a folder.
func readContacts(ctx context.Context, folder string, next func() *audience.Contact) error {
	names, err := filepath.Glob(filepath.Join(folder, "contacts-*.parquet"))
	if err != nil {
		return err
	}
	slices.Sort(names)
	for _, name := range names {
		body, err := os.ReadFile(name) //nolint:gosec // G304: the benchmark's own folder
		if err != nil {
			return err
		}
		for rec, err := range columnar.Records(ctx, body, "client_id", "phone", "email") {
			var columns [3]textColumn
			for i := 0; err == nil && i < len(columns); i++ {
				columns[i], err = textColumnOf(rec.Column(i))
			}
			if err != nil {
				return err
			}
			for i := range int(rec.NumRows()) {
				c := next()
				if c == nil {
					return nil
				}
				c.ClientID = columns[0].next(i)
				c.Phones = append(c.Phones, identity.Phone(columns[1].next(i)))
				if email := columns[2].next(i); email != "" {
					c.Emails = append(c.Emails, identity.Email(email))
				}
			}
		}
	}
	return nil
}
