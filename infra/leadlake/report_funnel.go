package main

import (
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"

	"golang.org/x/text/message"

	"github.com/leadlake/leadlake/lib/schema"
)

// stageResult is a stage of the funnel over all time, all interests and sources.
type stageResult struct {
	Stage             string   `json:"stage"`
	Entered           int64    `json:"entered"`
	Current           int64    `json:"current"`
	FromPrevious      *float64 `json:"conversion_from_previous"`
	FromTop           *float64 `json:"conversion_from_top"`
	CostMinor         *int64   `json:"cost_minor"`
	CostKnownFor      *int64   `json:"cost_known_for"`
	CostPerStageMinor *int64   `json:"cost_per_stage_minor"`
}

// funnelResult takes the totals out of the table of the funnel.
func funnelResult(tables []renderedTable) ([]stageResult, error) {
	stages := []stageResult{}
	for _, table := range tables {
		if table.name != (schema.FunnelRow{}).Table() {
			continue
		}
		rows, err := schema.Decode[schema.FunnelRow](table.packed)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			if row.Month+row.Interest+row.Source == "" {
				stages = append(stages, stageResult{
					Stage: row.Stage, Entered: row.Entered, Current: row.Current, FromPrevious: row.ConversionFromPrevious, FromTop: row.ConversionFromTop,
					CostMinor: row.CostMinor, CostKnownFor: row.CostKnownFor, CostPerStageMinor: row.CostPerStageMinor,
				})
			}
		}
	}
	return stages, nil
}

// printFunnel prints the stages, unless the files tell nothing but purchases: then
// everybody stands at the last one.
func (r *reporter) printFunnel(out io.Writer, printer *message.Printer, result *reportResult) error {
	stages := result.Funnel
	if len(stages) == 0 || stages[0].Entered == stages[len(stages)-1].Entered && stages[0].CostMinor == nil {
		return nil
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, r.say("воронка\tдошли\tстоят здесь\tот предыдущего\tот первого\tстоимость одного\tизвестна для",
		"funnel\tentered\tare here\tfrom previous\tfrom the first\tcost of one\tknown for"))
	share := func(x *float64) string {
		if x == nil {
			return "–"
		}
		return strconv.FormatFloat(*x, 'f', 4, 64)
	}
	for _, s := range stages {
		cost, known := "–", "–"
		if s.CostPerStageMinor != nil {
			cost, known = moneyText(printer, *s.CostPerStageMinor, result.Currency), strconv.FormatInt(*s.CostKnownFor, 10)
		}
		_, _ = fmt.Fprintf(w, "  %s\t%d\t%d\t%s\t%s\t%s\t%s\n", s.Stage, s.Entered, s.Current, share(s.FromPrevious), share(s.FromTop), cost, known)
	}
	return w.Flush()
}
