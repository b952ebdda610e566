package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/leadlake/leadlake/lib/audience"
	"github.com/leadlake/leadlake/lib/consent"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/portal"
	"github.com/leadlake/leadlake/lib/spreadsheet"
)

const (
	failedName    = "failed.csv"
	reportName    = "report.html"
	audiencesName = "audiences"
)

// reportResult is what `report -json` prints.
type reportResult struct {
	Out          string           `json:"out"`
	AsOf         string           `json:"as_of"`
	Run          string           `json:"run"`
	Currency     string           `json:"currency"`
	Clients      int64            `json:"clients"`
	Buyers       int64            `json:"buyers"`
	Orders       int64            `json:"orders"`
	RevenueMinor int64            `json:"revenue_minor"`
	Leads        int64            `json:"leads"`
	Funnel       []stageResult    `json:"funnel"`
	Segments     map[string]int64 `json:"segments"`
	Inputs       []inputResult    `json:"inputs"`
	Audiences    int              `json:"audience_files"`
	NoAudience   []string         `json:"no_audience,omitempty"`
	Files        []string         `json:"files"`
}

type inputResult struct {
	Name   string `json:"name"`
	Kind   string `json:"kind"`
	Rows   int    `json:"rows"`
	Failed int    `json:"failed"`
	Notes  int    `json:"cells_left_out"`
}

// folder writes the files of a report. Names are slash paths below it.
type folder struct {
	dir   string
	names []string
}

// newFolder makes the folder. Audiences of a former report in it are taken away:
// who left a segment must not stand in a file that looks new.
func newFolder(dir string) (*folder, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	_, err := os.Stat(filepath.Join(dir, audiencesName))
	if errors.Is(err, fs.ErrNotExist) {
		return &folder{dir: dir}, nil
	}
	if _, err := os.Stat(filepath.Join(dir, reportName)); err != nil {
		return nil, fmt.Errorf("report: %s has a folder %s that no report made; choose another folder with -out", dir, audiencesName)
	}
	if err := os.RemoveAll(filepath.Join(dir, audiencesName)); err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	return &folder{dir: dir}, nil
}

// write puts a file down for its owner only, since audiences hold contacts.
func (f *folder) write(name string, body []byte) error {
	file := filepath.Join(f.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	if err := os.WriteFile(file, body, 0o600); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	f.names = append(f.names, name)
	return nil
}

func (r *reporter) writeFiles(ctx context.Context, n *reportNight) (*reportResult, error) {
	out, err := newFolder(r.flags.out)
	if err != nil {
		return nil, err
	}
	files, err := writeTables(out, n.tables)
	if err != nil {
		return nil, err
	}
	audiences, err := r.writeAudiences(ctx, out, n)
	if err != nil {
		return nil, err
	}
	if len(r.im.failed) > 0 {
		if err := out.write(failedName, failedCSV(r.im.failed)); err != nil {
			return nil, err
		}
		files = append(files, portal.ReportFile{
			Name: "failed", Href: failedName, Kind: "csv", Rows: int64(len(r.im.failed)), Bytes: sizeOf(out, failedName),
			About: portal.Text{RU: "строки, которые не удалось прочитать, с причинами", EN: "rows that could not be read, with the reasons"},
		})
	} else if err := os.Remove(filepath.Join(out.dir, failedName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("report: remove the list of a former report: %w", err)
	}
	if err := r.writeHTML(out, n, append(files, audiences...)); err != nil {
		return nil, err
	}
	return r.result(out, n)
}

// writeTables writes every table of the run in both forms.
func writeTables(out *folder, tables []renderedTable) ([]portal.ReportFile, error) {
	var files []portal.ReportFile
	for _, table := range tables {
		for _, form := range []struct {
			kind string
			body []byte
		}{{"csv", table.text}, {"parquet", table.packed}} {
			name := table.name + "." + form.kind
			if err := out.write(name, form.body); err != nil {
				return nil, err
			}
			files = append(files, portal.ReportFile{
				Name: table.name, Href: name, Kind: form.kind, Rows: table.rows, Bytes: int64(len(form.body)), About: table.about,
			})
		}
	}
	return files, nil
}

// writeAudiences copies audience files and their manifests; where there is not
// one file, a text says why.
func (r *reporter) writeAudiences(ctx context.Context, out *folder, n *reportNight) ([]portal.ReportFile, error) {
	var files []portal.ReportFile
	titles := map[string]audience.Manifest{}
	for _, b := range n.audiences.Bundles {
		titles[b.Manifest.Segment+"/"+b.Manifest.Platform] = b.Manifest
	}
	prefix := lake.AudiencesPrefix + "asof=" + n.run.AsOf + "/"
	for info, err := range n.store.List(ctx, prefix, "") {
		if err != nil {
			return nil, err
		}
		body, _, err := n.store.Get(ctx, info.Key)
		if err != nil {
			return nil, err
		}
		name := strings.TrimPrefix(info.Key, prefix)
		href := audiencesName + "/" + name
		if err := out.write(href, body); err != nil {
			return nil, err
		}
		if path.Base(name) == audience.ManifestName {
			continue
		}
		m := titles[path.Dir(name)]
		file := portal.ReportFile{Name: name, Href: href, Kind: "audience", Rows: -1, Bytes: int64(len(body))}
		for _, f := range m.Files {
			if f.Name == path.Base(name) {
				file.Rows = int64(f.Rows)
				file.About = portal.Text{
					RU: m.Title.RU + " — " + m.PlatformTitle.RU + ": " + f.About.RU,
					EN: m.Title.EN + " — " + m.PlatformTitle.EN + ": " + f.About.EN,
				}
			}
		}
		files = append(files, file)
	}
	if n.audiences.Files == 0 {
		n.night.NoAudience = noAudience(n)
		var text strings.Builder
		for _, why := range n.night.NoAudience {
			text.WriteString(r.say(why.RU, why.EN) + "\n")
		}
		if err := out.write(audiencesName+"/README.txt", []byte(text.String())); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// noAudience says why there is not a single audience file, and what to do.
func noAudience(n *reportNight) []portal.Text {
	var contacts, consents int64
	for _, row := range n.night.Quality {
		switch {
		case row.Source != "":
		case row.Measure == "phone", row.Measure == "email":
			contacts += row.Count
		case row.Measure == "ads_consent":
			consents = row.Count
		}
	}
	var why []portal.Text
	if contacts == 0 {
		why = append(why, portal.Text{
			RU: "Файлов для рекламных площадок нет: в таблице нет ни телефонов, ни адресов почты. Добавьте столбец с телефоном или почтой.",
			EN: "There are no files for advertising platforms: the table has neither phones nor e-mail addresses. Add a column with one of them.",
		})
	}
	if consents == 0 {
		why = append(why, portal.Text{
			RU: "Ни у одного клиента не указано согласие на рекламу (" + string(consent.Ads) + "). Добавьте столбец consent_ads или, если согласия собраны иначе, напишите об этом: -consent ads=\"откуда согласия\".",
			EN: "No client has a stated consent to advertising (" + string(consent.Ads) + "). Add a column consent_ads or, if consents were collected otherwise, say so: -consent ads=\"where they come from\".",
		})
	}
	if len(why) == 0 {
		why = append(why, portal.Text{
			RU: "Сегменты меньше, чем принимают площадки. Что написано о каждом сегменте, стоит в manifest.json его папки.",
			EN: "The segments are smaller than platforms accept. What holds for each is in the manifest.json of its folder.",
		})
	}
	return why
}

// writeHTML writes the report in its language and, beside it, in the other one.
func (r *reporter) writeHTML(out *folder, n *reportNight, files []portal.ReportFile) error {
	lang, other := r.say("ru", "en"), r.say("en", "ru")
	otherName := "report." + other + ".html"
	for _, in := range r.inputs {
		n.night.Recognised = append(n.night.Recognised, in.recognised())
	}
	for _, page := range []struct{ lang, name string }{{lang, reportName}, {other, otherName}} {
		all := append(slices.Clone(files),
			portal.ReportFile{Name: reportName, Href: reportName, Kind: "report", Lang: lang, Rows: -1},
			portal.ReportFile{Name: otherName, Href: otherName, Kind: "report", Lang: other, Rows: -1})
		var body bytes.Buffer
		if err := portal.Report(&body, n.night, page.lang, all); err != nil {
			return err
		}
		if err := out.write(page.name, body.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// recognised says for the report what a file was read as.
func (in *reportInput) recognised() portal.RecognisedFile {
	t := in.table
	f := portal.RecognisedFile{
		Name: t.Name, Rows: int64(in.count.rows), Failed: int64(in.count.failed), Format: "XLSX",
		Kind: portal.Text{RU: "заказы", EN: "orders"},
	}
	switch t.Kind {
	case spreadsheet.LeadsFile:
		f.Kind = portal.Text{RU: "заявки", EN: "leads"}
	case spreadsheet.CostsFile:
		f.Kind = portal.Text{RU: "расходы", EN: "costs"}
	}
	if t.Format != "xlsx" {
		f.Format = "CSV, " + t.Charset
		switch t.Delimiter {
		case 0:
		case '\t':
			f.Format += ", TAB"
		case ' ':
			f.Format = "TXT, " + t.Charset
		default:
			f.Format += ", «" + string(rune(t.Delimiter)) + "»"
		}
	} else if t.Sheet != "" {
		f.Format += ", «" + t.Sheet + "»"
	}
	header := func(i int) string {
		if i < len(t.Header) && t.Header[i] != "" {
			return t.Header[i]
		}
		return strconv.Itoa(i + 1)
	}
	for _, c := range t.Columns {
		column := "= " + c.Value // of the file as a whole
		if c.Index >= 0 {
			column = header(c.Index)
		}
		f.Columns = append(f.Columns, portal.RecognisedColumn{Column: column, Field: string(c.Field)})
	}
	for _, i := range t.Unused {
		f.Columns = append(f.Columns, portal.RecognisedColumn{Column: header(i)})
	}
	if in.count.remark[0] != "" {
		f.Notes = append(f.Notes, portal.Text{RU: in.count.remark[0], EN: in.count.remark[1]})
	}
	return f
}

// failedCSV lists what could not be read. The texts are the file's own, so they
// stand as they are: this is a file for correcting, not for opening links.
func failedCSV(rows []failedRow) []byte {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	_ = w.Write([]string{"file", "row", "column", "code", "reason", "used", "text"}) // a buffer takes everything
	for _, row := range rows {
		used := "no"
		if row.note {
			used = "without the cell"
		}
		_ = w.Write([]string{row.err.File, strconv.Itoa(row.err.Row), row.err.Column, string(row.err.Code), row.err.Reason, used, row.text})
	}
	w.Flush()
	return out.Bytes()
}

// writeFailed writes the list alone, for files without a single good row.
func (r *reporter) writeFailed() error {
	if err := os.MkdirAll(r.flags.out, 0o700); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return (&folder{dir: r.flags.out}).write(failedName, failedCSV(r.im.failed))
}

func sizeOf(out *folder, name string) int64 {
	info, err := os.Stat(filepath.Join(out.dir, name))
	if err != nil {
		return -1
	}
	return info.Size()
}

func (r *reporter) result(out *folder, n *reportNight) (*reportResult, error) {
	funnel, err := funnelResult(n.tables)
	if err != nil {
		return nil, err
	}
	result := &reportResult{
		Out: r.flags.out, AsOf: n.run.AsOf, Run: n.run.Run, Currency: n.report.Currency, Clients: n.report.Clients, Buyers: n.report.Buyers,
		Orders: n.report.Orders, RevenueMinor: n.report.RevenueMinor, Leads: n.report.Leads, Funnel: funnel, Segments: n.report.Segments,
		Audiences: n.audiences.Files, Files: slices.Sorted(slices.Values(out.names)),
	}
	for _, in := range r.inputs {
		result.Inputs = append(result.Inputs, inputResult{
			Name: in.table.Name, Kind: string(in.table.Kind), Rows: in.count.rows, Failed: in.count.failed, Notes: in.count.notes,
		})
	}
	for _, why := range n.night.NoAudience {
		result.NoAudience = append(result.NoAudience, r.say(why.RU, why.EN))
	}
	return result, nil
}
