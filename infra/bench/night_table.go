package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// What a night may take beside the peers at ten million orders and two threads, as
// ratios of paired runs, and the bytes of memory for each client.
const (
	mostOfDuckDBCPU    = 0.20
	mostOfDuckDBWall   = 0.25
	mostOfDuckDBMemory = 0.40
	mostOfPolarsCPU    = 0.15
	mostOfFloorCPU     = 4
	mostClientBytes    = 128
)

// nightReport is what the rounds found.
type nightReport struct {
	report

	Rounds   int               `json:"rounds"`
	Versions map[string]string `json:"versions,omitempty"` // of the peers
	Rows     []nightRow        `json:"rows"`
	Folds    []nightRow        `json:"folds,omitempty"` // all events into orders, once each
	Compared []string          `json:"compared,omitempty"`
}

// nightRow is one engine on one shop with one number of threads: medians, and what
// our night took of it in paired runs (0 for our own row).
type nightRow struct {
	Orders     uint64  `json:"orders"`
	Threads    int     `json:"threads"`
	Engine     string  `json:"engine"`
	CPU        float64 `json:"cpu_s"`
	Wall       float64 `json:"wall_s"`
	PeakMiB    float64 `json:"peak_mib"`
	CPUMillion float64 `json:"cpu_s_per_million_orders"`
	OursCPU    float64 `json:"ours_by_its_cpu,omitempty"`
	OursWall   float64 `json:"ours_by_its_wall,omitempty"`
	OursPeak   float64 `json:"ours_by_its_peak,omitempty"`
}

func newNightReport(o nightOptions, args []string) *nightReport {
	return &nightReport{report: *newReport("night", args), Rounds: o.rounds}
}

// The three measures of a run.
func cpuOf(s spent) float64   { return s.cpu.Seconds() }
func wallOf(s spent) float64  { return s.wall.Seconds() }
func peakMiB(s spent) float64 { return float64(s.peak) / (1 << 20) }

// valuesOf is one measure of every run.
func valuesOf(runs []spent, measure func(spent) float64) []float64 {
	values := make([]float64, len(runs))
	for i, run := range runs {
		values[i] = measure(run)
	}
	return values
}

// median is the middle value, of an even number the mean of the two in the middle; 0
// of none.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// paired is the median of what one took of the other round by round; 0 where rounds
// are missing or something took nothing.
func paired(ours, theirs []float64) float64 {
	if len(ours) != len(theirs) {
		return 0
	}
	ratios := make([]float64, len(ours))
	for i := range ours {
		if theirs[i] <= 0 {
			return 0
		}
		ratios[i] = ours[i] / theirs[i]
	}
	return median(ratios)
}

// least is the lesser of two measures round by round, or the only one there is.
func least(a, b []float64) []float64 {
	if len(a) != len(b) {
		return slices.Concat(a, b) // one of them is empty: an engine runs in every round or in none
	}
	out := slices.Clone(a)
	for i, other := range b {
		out[i] = min(out[i], other)
	}
	return out
}

// add puts the rows and goals of a shop down.
func (r *nightReport) add(m *measured, o nightOptions) {
	for _, threads := range o.threads {
		ours := m.runs[engineAt{engineOurs, threads}]
		of := func(engine string, measure func(spent) float64) []float64 {
			return valuesOf(m.runs[engineAt{engine, threads}], measure)
		}
		for _, engine := range append([]string{engineOurs, engineFloor}, o.peers...) {
			row := r.row(m, engineAt{engine, threads}, m.runs[engineAt{engine, threads}])
			if engine != engineOurs {
				row.OursCPU = paired(valuesOf(ours, cpuOf), of(engine, cpuOf))
				row.OursWall = paired(valuesOf(ours, wallOf), of(engine, wallOf))
				row.OursPeak = paired(valuesOf(ours, peakMiB), of(engine, peakMiB))
			}
			r.Rows = append(r.Rows, row)
			if fold, ok := m.folds[engineAt{engine, threads}]; ok {
				r.Folds = append(r.Folds, r.row(m, engineAt{engine, threads}, []spent{fold}))
			}
		}
		r.goals(m, threads, ours, of)
	}
	if m.cells != "" {
		r.Compared = append(r.Compared, fmt.Sprintf("%d orders: %s", m.shop.Orders, m.cells))
	}
}

func (r *nightReport) row(m *measured, at engineAt, runs []spent) nightRow {
	row := nightRow{
		Orders: m.shop.Orders, Threads: at.threads, Engine: at.engine,
		CPU: median(valuesOf(runs, cpuOf)), Wall: median(valuesOf(runs, wallOf)), PeakMiB: median(valuesOf(runs, peakMiB)),
	}
	row.CPUMillion = row.CPU / float64(m.shop.Orders) * 1e6
	return row
}

// goals holds our night to its bounds. Of DuckDB's two nights the better counts, in
// each measure and round.
func (r *nightReport) goals(m *measured, threads int, ours []spent, of func(engine string, measure func(spent) float64) []float64) {
	at := fmt.Sprintf("%d orders, %d threads: ", m.shop.Orders, threads)
	hold := func(name string, theirs func(measure func(spent) float64) []float64, measure func(spent) float64, most float64) {
		if values := theirs(measure); len(values) > 0 {
			r.goal(at+name, paired(valuesOf(ours, measure), values), "×", most)
		}
	}
	duck := func(measure func(spent) float64) []float64 {
		return least(of(engineDuckDB, measure), of(engineDuckDBOwn, measure))
	}
	hold("CPU by DuckDB's", duck, cpuOf, mostOfDuckDBCPU)
	hold("wall by DuckDB's", duck, wallOf, mostOfDuckDBWall)
	hold("peak by DuckDB's", duck, peakMiB, mostOfDuckDBMemory)
	hold("CPU by Polars'", func(measure func(spent) float64) []float64 { return of(enginePolars, measure) }, cpuOf, mostOfPolarsCPU)
	hold("CPU by decoding alone", func(measure func(spent) float64) []float64 { return of(engineFloor, measure) }, cpuOf, mostOfFloorCPU)
	r.goal(at+"memory above that of the smallest shop", clientBytes(median(valuesOf(ours, peakMiB)), m.base[threads], m.shop.Orders), "bytes a client", mostClientBytes)
}

// clientBytes is a peak above that of the smallest shop by client.
func clientBytes(peakMiB float64, base int64, orders uint64) float64 {
	return (peakMiB*(1<<20) - float64(base)) / (float64(orders-smallestOrders) / clientOrders)
}

// print writes the report as a table, or as JSON.
func (r *nightReport) print(out io.Writer, asJSON bool) error {
	if asJSON {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(r)
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%s\n%s, %s, %s", r.Command, r.Machine, r.At.Format(time.DateOnly), r.Go)
	for _, name := range slices.Sorted(maps.Keys(r.Versions)) {
		fmt.Fprintf(&text, ", %s %s", name, r.Versions[name])
	}
	fmt.Fprintf(&text, "\nmedians of %d rounds; × is what Leadlake took of it in the same round\n\n", r.Rounds)
	writeRows(&text, r.Rows)
	if len(r.Folds) > 0 {
		text.WriteString("\nall events into orders, once\n\n")
		writeRows(&text, r.Folds)
	}
	text.WriteString("\n")
	for _, f := range r.Figures {
		fmt.Fprintf(&text, "%s %s %s (%s)\n", f.Name, number(f.Value), f.Unit, f.Goal)
	}
	for _, line := range r.Compared {
		fmt.Fprintf(&text, "%s\n", line)
	}
	_, err := io.WriteString(out, text.String())
	return err
}

// writeRows writes rows as a table that Markdown reads, too.
func writeRows(text *strings.Builder, rows []nightRow) {
	ratio := func(x float64) string {
		if x == 0 {
			return ""
		}
		return fmt.Sprintf("%.2f", x)
	}
	table := [][]string{{"orders", "threads", "engine", "CPU s", "×", "wall s", "×", "peak MiB", "×", "CPU s by million"}, nil}
	for range table[0] {
		table[1] = append(table[1], "--:")
	}
	for _, row := range rows {
		table = append(table, []string{
			strconv.FormatUint(row.Orders, 10), strconv.Itoa(row.Threads), row.Engine, fmt.Sprintf("%.2f", row.CPU), ratio(row.OursCPU),
			fmt.Sprintf("%.2f", row.Wall), ratio(row.OursWall), fmt.Sprintf("%.0f", row.PeakMiB), ratio(row.OursPeak), fmt.Sprintf("%.3f", row.CPUMillion),
		})
	}
	for _, cells := range table {
		for column, cell := range cells {
			width := 0
			for _, other := range table {
				width = max(width, utf8.RuneCountInString(other[column]))
			}
			fmt.Fprintf(text, "| %s%s ", strings.Repeat(" ", width-utf8.RuneCountInString(cell)), cell)
		}
		text.WriteString("|\n")
	}
}

// peerVersions reads the versions of the packages that are installed.
func peerVersions() map[string]string {
	versions := map[string]string{}
	for name, folder := range map[string]string{"DuckDB": "@duckdb/node-api", "Polars for Node": "nodejs-polars"} {
		var p struct {
			Version string `json:"version"`
		}
		body, err := os.ReadFile(filepath.Join(peersFolder, "node_modules", folder, "package.json")) //nolint:gosec // G304: ours
		if err == nil && json.Unmarshal(body, &p) == nil {
			versions[name] = p.Version
		}
	}
	return versions
}
