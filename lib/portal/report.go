package portal

import (
	"bytes"
	"fmt"
	"io"
)

// ReportFile is a file that lies beside the report. Href is relative to it.
type ReportFile struct {
	Name  string
	Href  string
	Kind  string // csv, parquet, audience or report
	Lang  string // of another report: the same in this language
	Rows  int64  // -1 unknown
	Bytes int64
	About Text
}

type reportBody struct {
	Lang     string
	Night    *Night
	Business string
	Currency string
	Answer   string
	Cards    []summaryCard
	RFM      rfmView
	RFMSays  string
	Segments segmentsView
	SegSays  string
	Cohorts  []cohortView
	CohSays  string
	ABC      []abcView
	Months   *monthChart
	Quality  qualityView
	QuaSays  string
	Tables   []reportTable
	Audience []ReportFile
	Other    []switchLink
}

// reportTable is one gold table with its two forms.
type reportTable struct {
	Name  string
	Rows  int64
	About Text
	Files []ReportFile
}

// Report writes report.html: the same look as the portal in one file that needs
// no server and loads nothing. It describes the night in one language; a file of
// kind report in the other language becomes its switch.
func Report(w io.Writer, n *Night, lang string, files []ReportFile) error {
	if lang != "en" {
		lang = "ru"
	}
	l, err := newLocale(lang)
	if err != nil {
		return err
	}
	t, err := reportTemplate(l)
	if err != nil {
		return err
	}
	body := reportBody{Lang: lang, Night: n, Business: n.Business.Name, Currency: n.Business.Currency}
	if body.Answer, err = answer(l, n); err != nil {
		return err
	}
	if body.Cards, err = summaryCards(l, n, false); err != nil {
		return err
	}
	if body.Months, err = viewMonths(l, n); err != nil {
		return err
	}
	if body.RFM, err = viewRFM(l, n, false, false); err != nil {
		return err
	}
	if body.RFMSays, err = rfmAnswer(l, n); err != nil {
		return err
	}
	if body.Segments, err = viewSegments(l, n, false, false); err != nil {
		return err
	}
	if body.SegSays, err = segmentsAnswer(l, n, body.Segments); err != nil {
		return err
	}
	for _, show := range cohortShows() {
		body.Cohorts = append(body.Cohorts, viewCohorts(l, n, show, false))
	}
	if body.CohSays, err = cohortAnswer(l, body.Cohorts[0]); err != nil {
		return err
	}
	for _, s := range n.ABC {
		v, err := viewABC(l, n, s.Entity, false)
		if err != nil {
			return err
		}
		body.ABC = append(body.ABC, v)
	}
	body.Quality = viewQuality(n)
	if body.QuaSays, err = qualityAnswer(l, n); err != nil {
		return err
	}
	body.sortFiles(files)
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, "report.html", body); err != nil {
		return fmt.Errorf("render report: %w", err)
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// sortFiles puts the two forms of a table on one line, in the order given.
func (b *reportBody) sortFiles(files []ReportFile) {
	at := map[string]int{}
	for _, f := range files {
		switch f.Kind {
		case "report":
			if f.Lang == b.Lang {
				b.Other = append(b.Other, switchLink{Lang: f.Lang, Active: true})
			} else {
				b.Other = append(b.Other, switchLink{Lang: f.Lang, Href: f.Href})
			}
		case "audience":
			b.Audience = append(b.Audience, f)
		default:
			i, known := at[f.Name]
			if !known {
				i = len(b.Tables)
				at[f.Name] = i
				b.Tables = append(b.Tables, reportTable{Name: f.Name, Rows: f.Rows, About: f.About})
			}
			b.Tables[i].Files = append(b.Tables[i].Files, f)
		}
	}
}
