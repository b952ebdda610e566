package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leadlake/leadlake/lib/logtest"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/infra/leadlake/demoshop"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/pipeline"
	"github.com/leadlake/leadlake/lib/schema"
)

// temporary is a folder that all tests share.
var temporary string

func TestMain(m *testing.M) {
	var err error
	if temporary, err = os.MkdirTemp("", "leadlake-test-"); err != nil {
		panic(err)
	}
	status := m.Run()
	status = max(status, said(os.Stderr))
	_ = os.RemoveAll(temporary)
	os.Exit(status)
}

// testSystem is a system whose output can be read.
type testSystem struct {
	*system

	out, err bytes.Buffer
	madeBy   string // file:line of the test
}

// systems are all that were made, for said.
var systems struct {
	sync.Mutex
	made []*testSystem
}

// said reads what all commands of the suite wrote to standard error, their logs
// among it, and tells what of it is personal. It gives the exit status.
func said(out io.Writer) int {
	systems.Lock()
	defer systems.Unlock()
	status := 0
	for _, sys := range systems.made {
		for _, fault := range logtest.Check(sys.err.String()) {
			status = 1
			_, _ = fmt.Fprintf(out, "FAIL: personal data in standard error of the command at %s: %s\n", sys.madeBy, fault)
		}
	}
	return status
}

func newSystem() *testSystem {
	t := &testSystem{}
	if _, file, line, ok := runtime.Caller(1); ok {
		t.madeBy = fmt.Sprintf("%s:%d", filepath.Base(file), line)
	}
	systems.Lock()
	systems.made = append(systems.made, t)
	systems.Unlock()
	t.system = &system{
		Stdin: strings.NewReader(""), Stdout: &t.out, Stderr: &t.err,
		Getenv: func(string) string { return "" }, Now: func() time.Time { return time.Now().UTC() },
	}
	return t
}

// posts are made once; nobody changes them.
var posts = sync.OnceValue(func() []demoshop.Post { return slices.Collect(demoshop.Deliveries(demoshop.Seed)) })

// theDemo is made once, through the command itself; tests read it and copy what
// they change.
var theDemo = sync.OnceValues(func() (string, error) {
	data := filepath.Join(temporary, "demo")
	sys := newSystem()
	if status := run(context.Background(), sys.system, []string{"demo", "-exit", "-json", "-data", data}); status != exitDone {
		return data, errors.New(sys.err.String())
	}
	return data, os.WriteFile(filepath.Join(temporary, "summary.json"), sys.out.Bytes(), 0o600)
})

func demo(t *testing.T) (data string, summary demoSummary) {
	t.Helper()
	data, err := theDemo()
	if err != nil {
		t.Fatalf("demo: %v", err)
	}
	body, err := os.ReadFile(filepath.Join(temporary, "summary.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(body, &summary); err != nil {
		t.Fatal(err)
	}
	return data, summary
}

// treeSums is the SHA-256 of every file below a folder, but for the store's index of
// versions, which is no object and tells of inodes and times.
func treeSums(t *testing.T, folder string) map[string]string {
	t.Helper()
	sums := map[string]string{}
	err := filepath.WalkDir(folder, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(folder, name)
		if err != nil || entry.IsDir() {
			sums[relative+"/"] = "" // empty folders count, too
			return err
		}
		if relative == ".versions" {
			return nil
		}
		body, err := os.ReadFile(name)
		sum := sha256.Sum256(body)
		sums[relative] = hex.EncodeToString(sum[:])
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return sums
}

func TestDemoSummaryEqualsTheIndependentCount(t *testing.T) {
	_, got := demo(t)
	want, err := demoshop.CountPosts(slices.Values(posts()), demoshop.AsOf)
	if err != nil {
		t.Fatal(err)
	}
	if got.Posts != want.Posts || got.AsOf != demoshop.AsOf || !got.Balanced {
		t.Errorf("posts %d, as of %s, balanced %v, want %d, %s, true", got.Posts, got.AsOf, got.Balanced, want.Posts, demoshop.AsOf)
	}
	for _, c := range []struct {
		name string
		got  int64
		want int
	}{
		{"deliveries that became events", got.Deliveries, want.Deliveries},
		{"pings", got.Pings, want.Pings},
		{"duplicates", got.Duplicates, want.Duplicates},
		{"events", got.Events, want.Events},
		{"leads", got.Leads, want.Leads},
		{"orders", got.Orders, want.Orders},
		{"purchases", got.Purchases, want.Purchases},
		{"anonymous purchases", got.AnonymousPurchases, want.AnonymousPurchases},
		{"clients", got.Clients, want.Clients},
		{"buyers", got.Buyers, want.Buyers},
		{"consents given", got.ConsentGiven, want.ConsentGiven},
		{"consents withdrawn", got.ConsentWithdrawn, want.ConsentWithdrawn},
		{"buyers who allow ads", got.AdBuyers, want.AdBuyers},
		{"kopecks of revenue", got.RevenueMinor, int(want.RevenueMinor)},
		{"kopecks of nobody", got.AnonymousRevenueMinor, int(want.AnonymousRevenueMinor)},
	} {
		if c.got != int64(c.want) {
			t.Errorf("%s: %d, want %d", c.name, c.got, c.want)
		}
	}
	segments := map[string]int{}
	for _, segment := range got.Segments {
		segments[segment.Segment] = int(segment.Clients)
	}
	for _, diff := range []struct{ name, diff string }{
		{"failed", cmp.Diff(want.Failed, ints(got.Failed))},
		{"kinds", cmp.Diff(want.Kinds, ints(got.Kinds))},
		{"money without a rate", cmp.Diff(want.OtherMinor, got.OtherMinor)},
		{"codes", cmp.Diff(want.Codes, ints(got.Codes))},
		{"segments", cmp.Diff(want.Segments, segments)},
	} {
		if diff.diff != "" {
			t.Errorf("%s (-want +got):\n%s", diff.name, diff.diff)
		}
	}
	checkBundles(t, got, want)
}

// checkBundles compares the audience files of all buyers with the independent
// count: one row a phone or e-mail on VK, one a client on Yandex.
func checkBundles(t *testing.T, got demoSummary, want demoshop.Count) {
	t.Helper()
	written, refused := 0, 0
	for _, bundle := range got.Bundles {
		for _, file := range bundle.Files {
			if file.Written {
				written++
			}
		}
		if bundle.Refused != "" {
			refused++
		}
		if bundle.Segment != demoshop.AllBuyers {
			continue
		}
		if bundle.Members != want.Buyers || bundle.Clients != want.AdBuyers || bundle.Refused != "" {
			t.Errorf("%s of buyers: %d members, %d in the files, refused %q; want %d, %d, none",
				bundle.Platform, bundle.Members, bundle.Clients, bundle.Refused, want.Buyers, want.AdBuyers)
		}
	}
	if written != got.Files || refused != got.Refused || written == 0 || refused == 0 {
		t.Errorf("%d files written, %d bundles refused; the bundles tell of %d and %d", got.Files, got.Refused, written, refused)
	}
}

func ints(counts map[string]int64) map[string]int {
	out := make(map[string]int, len(counts))
	for key, n := range counts {
		out[key] = int(n)
	}
	return out
}

func TestDemoRunAgainChangesNothing(t *testing.T) {
	data, _ := demo(t)
	before := treeSums(t, data)
	first, err := os.ReadFile(filepath.Join(temporary, "summary.json"))
	if err != nil {
		t.Fatal(err)
	}
	sys := newSystem()
	if status := run(t.Context(), sys.system, []string{"demo", "-exit", "-json", "-data", data}); status != exitDone {
		t.Fatalf("second run: status %d, %s", status, sys.err.String())
	}
	if sys.out.String() != string(first) {
		t.Error("the second run prints another summary")
	}
	if diff := cmp.Diff(before, treeSums(t, data)); diff != "" {
		t.Errorf("the second run changed the directory (-before +after):\n%s", diff)
	}
}

func TestDemoRefusesADirectoryThatIsNotItsOwn(t *testing.T) {
	data, _ := demo(t)
	other := filepath.Join(t.TempDir(), "other")
	sys := newSystem()
	for _, name := range []string{"config/leadlake.yaml", "raw/day=2026-01-01/x.parquet"} {
		folder := filepath.Join(other, filepath.Dir(name))
		if err := os.MkdirAll(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(other, name), []byte("theirs"), 0o600); err != nil {
			t.Fatal(err)
		}
		if status := run(t.Context(), sys.system, []string{"demo", "-exit", "-data", other}); status != exitFailed {
			t.Errorf("a directory with %s: status %d, want %d", name, status, exitFailed)
		}
	}
	if status := run(t.Context(), sys.system, []string{"demo", "-exit", "-seed", "7", "-data", data}); status != exitFailed {
		t.Errorf("another seed over a finished demo: status %d, want %d", status, exitFailed)
	}
}

func TestDemoSummaryIsPrintedInBothLanguages(t *testing.T) {
	_, summary := demo(t)
	for language, words := range map[string][]string{
		"":   {"Кофейня «Зерно»", "запросов принято", "Чемпионы", "Журнал сходится"},
		"ru": {"Кофейня «Зерно»", "запросов принято", "Чемпионы", "мало"},
		"en": {"posts acknowledged", "Champions", "The ledger balances", "too few"},
	} {
		var out bytes.Buffer
		if err := summary.print(&out, language); err != nil {
			t.Fatal(err)
		}
		for _, word := range words {
			if !strings.Contains(out.String(), word) {
				t.Errorf("language %q: no %q in\n%s", language, word, out.String())
			}
		}
	}
}

func runInForce(t *testing.T, data string) lake.Run {
	t.Helper()
	body, err := os.ReadFile(filepath.Join(data, "gold", "current.json"))
	if err != nil {
		t.Fatal(err)
	}
	var run lake.Run
	if err := json.Unmarshal(body, &run); err != nil {
		t.Fatal(err)
	}
	return run
}

// gold is every table of the run in force but those that the order of arrival may
// change, and those that show an instant: of what tells none it is that of receipt.
func gold(t *testing.T, data string) map[string]string {
	t.Helper()
	sums := map[string]string{}
	for name, file := range runInForce(t, data).Tables {
		if !slices.Contains([]string{"ledger", "quality", "links", "merges", "consents"}, name) {
			sums[name] = file.SHA256
		}
	}
	if len(sums) < 8 {
		t.Fatalf("the run has only %d tables", len(sums))
	}
	return sums
}

// byHour is a table of the run in force with its times cut to the hour: all that
// tells no time is received within one.
func byHour[T schema.Row](t *testing.T, data string, cut func(*T)) []T {
	t.Helper()
	var row T
	body, err := os.ReadFile(filepath.Join(data, filepath.FromSlash(runInForce(t, data).Tables[row.Table()].Key)))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := schema.Decode[T](body)
	if err != nil || len(rows) == 0 {
		t.Fatalf("%s: %d rows, %v", row.Table(), len(rows), err)
	}
	for i := range rows {
		cut(&rows[i])
	}
	return rows
}

func TestOrderOfArrivalChangesOnlyLedgerAndQuality(t *testing.T) {
	history, lastDay := split(slices.Values(posts()))
	// A sixth of the history is enough to be mixed up, and leaves time for other tests.
	history = history[:len(history)/6]
	makeOne := func(name string, post func(*demoWork) error) (string, demoSummary) {
		o := demoOptions{where: place{data: filepath.Join(t.TempDir(), name)}, seed: demoshop.Seed, exit: true}
		summary, err := makeDemo(t.Context(), newSystem().system, o, post)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return o.where.data, summary
	}
	inOrder, want := makeOne("in-order", func(w *demoWork) error { return w.send(t.Context(), history, lastDay) })
	shuffled, got := makeOne("shuffled", func(w *demoWork) error {
		dated, undated := slices.Clone(history), []demoshop.Post(nil)
		for _, post := range lastDay {
			if bytes.Contains(post.Body, []byte(`"at":`)) && post.Outcome != demoshop.WasFailed {
				dated = append(dated, post)
			} else {
				undated = append(undated, post)
			}
		}
		rng := rand.New(rand.NewPCG(1, 2))
		rng.Shuffle(len(dated), func(i, j int) { dated[i], dated[j] = dated[j], dated[i] })
		return w.send(t.Context(), dated, undated)
	})
	if diff := cmp.Diff(gold(t, inOrder), gold(t, shuffled)); diff != "" {
		t.Errorf("gold (-in order +shuffled):\n%s", diff)
	}
	cutLink := func(row *schema.LinkRow) { row.Since = row.Since.Truncate(time.Hour) }
	if diff := cmp.Diff(byHour(t, inOrder, cutLink), byHour(t, shuffled, cutLink)); diff != "" {
		t.Errorf("links (-in order +shuffled):\n%s", diff)
	}
	cutConsent := func(row *schema.ConsentStateRow) { row.At = row.At.Truncate(time.Hour) }
	if diff := cmp.Diff(byHour(t, inOrder, cutConsent), byHour(t, shuffled, cutConsent)); diff != "" {
		t.Errorf("consents (-in order +shuffled):\n%s", diff)
	}
	if want.Buyers < 1000 || want.Duplicates == 0 {
		t.Errorf("only %d buyers and %d duplicates were mixed up", want.Buyers, want.Duplicates)
	}
	// Which of two posts with the same event is the repeat is decided by their
	// order: each is one or the other, and the run's name knows which.
	if got.Deliveries+got.Duplicates != want.Deliveries+want.Duplicates {
		t.Errorf("%d deliveries and %d duplicates, want %d together", got.Deliveries, got.Duplicates, want.Deliveries+want.Duplicates)
	}
	got.Run, got.Deliveries, got.Duplicates = want.Run, want.Deliveries, want.Duplicates
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("summary (-in order +shuffled):\n%s", diff)
	}
}

func TestANightMadeAgainIsByteIdentical(t *testing.T) {
	data, _ := demo(t)
	again := filepath.Join(t.TempDir(), "again")
	if err := os.CopyFS(again, os.DirFS(data)); err != nil {
		t.Fatal(err)
	}
	// All that a night writes is gone; it is to be made again from the lake alone.
	for _, made := range []string{"gold", "lake/people", "lake/orders"} {
		if err := os.RemoveAll(filepath.Join(again, filepath.FromSlash(made))); err != nil {
			t.Fatal(err)
		}
	}
	sys := newSystem()
	where := place{data: again}
	store, err := where.open(t.Context(), sys.system, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer store.close()
	w := demoWork{zone: time.FixedZone("MSK", 3*60*60)}
	night, err := w.at(24 + 4)
	if err != nil {
		t.Fatal(err)
	}
	m, err := newMachine(sys.system, where, store, func() time.Time { return night }, slog.LevelWarn)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second finds the run in force and changes nothing
		if _, err := m.steps.Analyse(t.Context(), pipeline.NightRequest{AsOf: demoshop.AsOf}); err != nil {
			t.Fatal(err)
		}
		for _, made := range []string{"gold", "lake/people"} {
			if diff := cmp.Diff(treeSums(t, filepath.Join(data, made)), treeSums(t, filepath.Join(again, made))); diff != "" {
				t.Errorf("%s (-first night +made again):\n%s", made, diff)
			}
		}
	}
	names := slices.Sorted(maps.Keys(treeSums(t, filepath.Join(again, "lake", "orders"))))
	if diff := cmp.Diff(slices.Sorted(maps.Keys(treeSums(t, filepath.Join(data, "lake", "orders")))), names); diff != "" {
		t.Errorf("order buckets (-first night +made again):\n%s", diff)
	}
}
