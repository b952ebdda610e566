package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/consent"
	"github.com/leadlake/leadlake/lib/identity"
	"github.com/leadlake/leadlake/lib/identity/phone"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/money"
	"github.com/leadlake/leadlake/lib/segment"
	"github.com/leadlake/leadlake/lib/spreadsheet"
)

// reportSource is the name of the source that the files of a report stand for,
// and of the shop whose ids their client column holds. A configuration may
// describe it, for its map of order statuses for instance.
const reportSource = "report"

// reportFlags are the answers of the command line.
type reportFlags struct {
	kind, asOf, columns, configFile, currency, timezone, country string
	out, lang, charset, delimiter, sheet, date, decimal          string
	consents, statuses                                           pairFlag
	asJSON                                                       bool
}

func parseReportFlags(sys *system, args []string) (reportFlags, []string, error) {
	r := reportFlags{consents: pairFlag{}, statuses: pairFlag{}}
	f := newFlags(sys, "report [flags] FILE...",
		"Makes a report of your own tables of orders, leads or costs (CSV, XLSX or text in columns):\n"+
			"report.html, every table as CSV and Parquet, and audience files. Nothing leaves this machine.\n"+
			"What was recognised is printed; what could be read in two ways is asked for.")
	f.StringVar(&r.kind, "kind", "", "what the files hold: `orders|leads|costs`; without it their columns decide")
	f.StringVar(&r.asOf, "as-of", "", "the last `day` that counts, YYYY-MM-DD; without it the last day in the files")
	f.StringVar(&r.configFile, "config", "", "business configuration `file`")
	f.StringVar(&r.currency, "currency", "", "`code` of sums that name none, e.g. RUB; it is the report's currency")
	f.StringVar(&r.timezone, "timezone", "", "`zone` of dates and of business days, e.g. Europe/Moscow")
	f.StringVar(&r.country, "country", "", "`country` (ISO 3166) of national phone numbers")
	f.Var(r.consents, "consent", "your statement that clients gave a consent and where, `purpose=text`; may be repeated")
	f.Var(r.statuses, "status", "what a word of the status column means, `word=status`; may be repeated")
	f.StringVar(&r.out, "out", "leadlake-report", "`folder` for the results")
	f.StringVar(&r.lang, "lang", "", "`language` of the report, ru or en; without it that of the configuration")
	f.readingFlags(&r.columns, &r.charset, &r.delimiter, &r.sheet, &r.date, &r.decimal)
	f.BoolVar(&r.asJSON, "json", false, "print the result as JSON")
	files, err := f.parseMixed(args, 1, math.MaxInt)
	if err != nil {
		return r, nil, err
	}
	return r, files, r.check()
}

// check refuses values that no file could make right.
func (r *reportFlags) check() error {
	oneOf := func(name, value string, allowed ...string) error {
		if value == "" || slices.Contains(allowed, value) {
			return nil
		}
		return wrongUse("report: -%s %s: want one of %s", name, value, strings.Join(allowed, ", "))
	}
	if err := errors.Join(
		oneOf("kind", r.kind, string(spreadsheet.OrdersFile), string(spreadsheet.LeadsFile), string(spreadsheet.CostsFile)),
		oneOf("lang", r.lang, "ru", "en"),
		oneOf("date", r.date, string(spreadsheet.DayFirst), string(spreadsheet.MonthFirst)),
		oneOf("decimal", r.decimal, string(spreadsheet.DecimalComma), string(spreadsheet.DecimalPoint)),
		checkStatuses(r.statuses),
	); err != nil {
		return err
	}
	if r.currency != "" {
		code, ok := money.Code(r.currency)
		if !ok {
			return wrongUse("report: -currency %s: want three letters, e.g. RUB", r.currency)
		}
		r.currency = code
	}
	for _, purpose := range slices.Sorted(maps.Keys(r.consents)) {
		switch {
		case !consent.Purpose(purpose).Known():
			return wrongUse("report: -consent %s=...: want one of %s", purpose, joined(consent.Purposes()))
		case r.consents[purpose] == "":
			return wrongUse("report: -consent %s=: say where the consent comes from", purpose)
		}
	}
	return nil
}

func joined[S ~string](list []S) string {
	texts := make([]string, len(list))
	for i, s := range list {
		texts[i] = string(s)
	}
	return strings.Join(texts, ", ")
}

// reportInput is one file that was opened and recognised.
type reportInput struct {
	name  string
	file  *os.File
	size  int64
	table *spreadsheet.Table
	count fileCount
}

func reportCommand(ctx context.Context, sys *system, args []string) error {
	flags, files, err := parseReportFlags(sys, args)
	if err != nil {
		return err
	}
	// Tables are read once and given up: collecting the rubbish less often is a
	// quarter of the time. The limit brings the usual pace back for large files.
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(2 << 30))
	r := &reporter{sys: sys, flags: flags, progress: &progress{sys: sys}}
	defer r.progress.end()
	defer r.close()
	if err := r.configure(); err != nil {
		return err
	}
	if err := r.open(files); err != nil {
		return err
	}
	if err := r.read(ctx); err != nil {
		return err
	}
	if err := r.currency(); err != nil {
		return err
	}
	made, err := r.make(ctx)
	if err != nil {
		return err
	}
	r.progress.step("writing " + flags.out)
	result, err := r.writeFiles(ctx, made)
	r.progress.end()
	if err != nil {
		return err
	}
	if flags.asJSON {
		return printJSON(sys.Stdout, result)
	}
	return r.printResult(result)
}

// reporter is one run of the command.
type reporter struct {
	sys      *system
	flags    reportFlags
	progress *progress

	yaml   []byte // the configuration with the flags in it
	cfg    *config.Config
	named  bool // the configuration names the currency
	inputs []*reportInput
	key    []byte
	im     *importer
}

func (r *reporter) close() {
	for _, in := range r.inputs {
		_ = in.file.Close() // only read
	}
}

// configure reads the configuration and puts the flags into it.
func (r *reporter) configure() error {
	var body []byte
	if r.flags.configFile != "" {
		cfg, err := readConfigFile(r.flags.configFile)
		if err != nil {
			return err
		}
		if body, err = os.ReadFile(r.flags.configFile); err != nil {
			return fmt.Errorf("report: %w", err)
		}
		var said struct {
			Business struct {
				Currency string `yaml:"currency"`
			} `yaml:"business"`
		}
		if err := yaml.Unmarshal(body, &said); err != nil {
			return fmt.Errorf("%s: %w", r.flags.configFile, err)
		}
		r.cfg, r.named = cfg, said.Business.Currency != ""
	}
	return r.override(body, map[string]string{
		"currency": r.flags.currency, "timezone": r.flags.timezone, "country": strings.ToUpper(r.flags.country), "language": r.flags.lang,
	})
}

// override replaces values of the business section by those that are not empty.
func (r *reporter) override(body []byte, values map[string]string) error {
	maps.DeleteFunc(values, func(_, value string) bool { return value == "" })
	var err error
	if r.yaml, err = businessYAML(body, values); err != nil {
		return err
	}
	if r.cfg, err = config.Parse(r.yaml, segment.Check); err != nil {
		var said []string
		for _, name := range slices.Sorted(maps.Keys(values)) {
			said = append(said, "-"+name+" "+values[name])
		}
		return wrongUse("report: %s: %s", strings.Join(said, " "), faultReasons(err))
	}
	return nil
}

// open recognises every file and says what was recognised.
func (r *reporter) open(names []string) error {
	columns, err := spreadsheet.ParseMap(r.flags.columns)
	if err != nil {
		return wrongUse("report: -map: %v", err)
	}
	var sums [][sha256.Size]byte
	for _, name := range names {
		in, sum, err := openInput(name)
		if err != nil {
			return fmt.Errorf("report: %w", err)
		}
		r.inputs = append(r.inputs, in)
		sums = append(sums, sum)
	}
	r.key = reportKey(sums)
	currency := r.flags.currency
	if currency == "" && r.named {
		currency = r.cfg.Business.Currency
	}
	short := shortNames(names)
	for i, in := range r.inputs {
		in.table, err = spreadsheet.Open(short[i], in.file, in.size, spreadsheet.Options{
			Kind: spreadsheet.Kind(r.flags.kind), Map: columns, Charset: r.flags.charset, Delimiter: r.flags.delimiter, Sheet: r.flags.sheet,
			DateOrder: spreadsheet.DateOrder(r.flags.date), Decimal: spreadsheet.DecimalStyle(r.flags.decimal),
			Currency: currency, Location: r.cfg.Location(), IDKey: r.key,
		})
		if err != nil {
			return err
		}
		_, _ = fmt.Fprint(r.sys.Stderr, in.table.Describe(r.cfg.Business.Language))
	}
	return nil
}

func openInput(name string) (*reportInput, [sha256.Size]byte, error) {
	var sum [sha256.Size]byte
	file, err := os.Open(name) //nolint:gosec // G304, G703: the file that the user names
	if err != nil {
		return nil, sum, err
	}
	hash := sha256.New()
	size, err := io.Copy(hash, file)
	if err != nil {
		return nil, sum, errors.Join(err, file.Close())
	}
	hash.Sum(sum[:0])
	return &reportInput{name: name, file: file, size: size}, sum, nil
}

// shortNames are the files' own names, or their whole paths where two are equal.
func shortNames(paths []string) []string {
	names := make([]string, len(paths))
	count := map[string]int{}
	for i, path := range paths {
		names[i] = filepath.Base(path)
		count[names[i]]++
	}
	for i, path := range paths {
		if count[names[i]] > 1 {
			names[i] = path
		}
	}
	return names
}

// read imports all rows and says which could not be read.
func (r *reporter) read(ctx context.Context) error {
	source, ok := r.cfg.SourceNamed(reportSource)
	if !ok {
		source = config.Source{Name: reportSource, Kind: "json"}
	}
	r.im = newImporter(r.cfg, source, lake.Refiner{Key: identity.NewKey(r.key), Phones: phone.Parser{}}, r.flags.statuses)
	for i, in := range r.inputs {
		if err := ctx.Err(); err != nil {
			return err
		}
		r.progress.step("reading " + in.table.Name)
		count, err := r.im.read(in.table, in.size, i+1)
		if err != nil {
			return err
		}
		in.count = count
	}
	r.progress.end()
	for _, in := range r.inputs {
		if in.count.remark[0] != "" {
			_, _ = fmt.Fprintf(r.sys.Stderr, "%s: %s\n", in.table.Name, r.say(in.count.remark[0], in.count.remark[1]))
		}
	}
	const shown = 10
	for _, row := range r.im.failed[:min(shown, len(r.im.failed))] {
		_, _ = fmt.Fprintln(r.sys.Stderr, row.err)
	}
	if more := len(r.im.failed) - shown; more > 0 {
		_, _ = fmt.Fprintf(r.sys.Stderr, r.say("… и ещё %d; все стоят в failed.csv\n", "… and %d more; failed.csv has all\n"), more)
	}
	if len(r.im.events) == 0 {
		return r.nothing()
	}
	return nil
}

// nothing is the error of files without a single row that can be used. What was
// wrong with the rows is written down all the same.
func (r *reporter) nothing() error {
	if len(r.im.failed) == 0 {
		return errors.New("report: the files have a header and no rows; export them again with the rows")
	}
	if err := r.writeFailed(); err != nil {
		return err
	}
	return fmt.Errorf("report: not one of %d rows could be read; the reasons are above and in %s",
		len(r.im.failed), filepath.Join(r.flags.out, failedName))
}

// currency settles the report's currency: that of the command line or of the
// configuration, else the only one the files name.
func (r *reporter) currency() error {
	if r.flags.currency != "" || r.named {
		return nil
	}
	found := slices.Sorted(maps.Keys(r.im.currencies))
	switch len(found) {
	case 0:
		return nil // leads only: no money
	case 1:
		if err := r.override(r.yaml, map[string]string{"currency": found[0]}); err != nil {
			return err
		}
		r.im.cfg = r.cfg
		return nil
	}
	return wrongUse("report: the files have sums in %s: say with -currency which one the report is in; the others count only with rates of a configuration (-config)",
		strings.Join(found, ", "))
}

func (r *reporter) make(ctx context.Context) (*reportNight, error) {
	asOf := r.flags.asOf
	if asOf == "" {
		if asOf = r.im.lastDay(); asOf == "" {
			return nil, wrongUse("report: no row tells a date; say the day of the report with -as-of")
		}
	}
	return r.im.makeNight(ctx, asOf, r.yaml, r.key, r.flags.consents, r.progress.step)
}

// say chooses a text by the language of the report.
func (r *reporter) say(ru, en string) string {
	if r.cfg.Business.Language == "ru" {
		return ru
	}
	return en
}
