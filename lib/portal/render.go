package portal

import (
	"embed"
	"fmt"
	"html/template"
	"time"
)

//go:embed templates/*.html
var templates embed.FS

// pageKeys are the pages; each has a template file of its name.
func pageKeys() []string {
	return []string{"login", "overview", "rfm", "group", "cohorts", "abc", "segments", "exports", "guide", "handovers", "links", "quality", "ledger", "empty", "error"}
}

// parsePages parses every page for one language, whose words are functions of
// the templates.
func parsePages(l *locale) (map[string]*template.Template, error) {
	pages := map[string]*template.Template{}
	for _, key := range pageKeys() {
		t, err := template.New(key).Funcs(l.functions()).Option("missingkey=error").
			ParseFS(templates, "templates/layout.html", "templates/part_*.html", "templates/page_"+key+".html")
		if err != nil {
			return nil, fmt.Errorf("parse page %s: %w", key, err)
		}
		pages[key] = t
	}
	return pages, nil
}

// functions are what templates may call, bound to the language.
func (l *locale) functions() template.FuncMap {
	return template.FuncMap{
		"t":     l.say,
		"num":   l.number,
		"share": l.share,
		"money": l.money,
		"units": l.units,
		"exact": l.exact,
		"short": l.short,
		"day":   l.day,
		"month": l.month,
		"size":  l.size,
		"sign":  sign,
		"file":  exportHref,
		"guide": l.guideHref,
		"in":    func(t Text) string { return t.In(l.code) },
		"stamp": l.stamp,
		"date":  func(at time.Time) (string, error) { return l.day(at.UTC().Format(time.DateOnly)) },
		"hour":  func(at time.Time) string { return at.UTC().Format("15:04") + hardSpace + "UTC" },
		"has":   func(t Text) bool { return t != Text{} },
		"brief": brief,
		// A bar of the width of a share, in the units of its view box.
		"percent": func(share float64) string { return coordinate(min(max(share, 0), 1) * 100) },
		"leftout": leftOut,
		"family":  func(view segmentsView, f segmentFamily) segmentCells { return segmentCells{view, f} },
		"row":     func(currency string, r qualityRow) qualityCells { return qualityCells{currency, r} },
	}
}

// stamp writes an instant in UTC, as the ledger counts days.
func (l *locale) stamp(at time.Time) (string, error) {
	at = at.UTC()
	day, err := l.day(at.Format(time.DateOnly))
	return day + ", " + at.Format("15:04") + hardSpace + "UTC", err
}

// brief shortens an id for a table; the whole of it stands in the cell's title.
func brief(id string) string {
	const shown = 10
	count := 0
	for i := range id {
		if count == shown {
			return id[:i] + "…"
		}
		count++
	}
	return id
}

// leftOut counts the members of a segment that no file of a bundle has.
func leftOut(b ExportBundle) int64 {
	sum := int64(0)
	for _, r := range b.Excluded {
		sum += r.Count
	}
	return sum
}

// reportTemplate parses report.html with the style sheet inside: the sheet is
// ours and constant, so it is part of the template and not a value in it.
func reportTemplate(l *locale) (*template.Template, error) {
	t, err := template.New("report").Funcs(l.functions()).Option("missingkey=error").
		ParseFS(templates, "templates/part_*.html", "templates/report.html")
	if err != nil {
		return nil, fmt.Errorf("parse report: %w", err)
	}
	if _, err := t.New("styles").Parse("<style>" + styles() + "</style>"); err != nil {
		return nil, fmt.Errorf("parse report's styles: %w", err)
	}
	return t, nil
}
