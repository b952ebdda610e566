package audience

import (
	"bytes"
	"html/template"
	"strings"
	"sync"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"
)

// markdown renders CommonMark and tables. HTML inside a page and addresses such as
// javascript: are left out, which is the library's default.
var markdown = sync.OnceValue(func() goldmark.Markdown { //nolint:gochecknoglobals // a constant, made when it is first asked for
	return goldmark.New(goldmark.WithExtensions(extension.Table))
})

// HTML is the guide without its title, for a page that shows it as its own. Links
// to other guides begin with base, such as /exports/guides/, to which their key is
// added; that to the index is base without its last slash. The result holds no script, style or HTML
// that is not made of Markdown.
func (g Guide) HTML(base string) template.HTML {
	source := []byte(g.Markdown)
	document := markdown().Parser().Parse(text.NewReader(source))
	if title, ok := document.FirstChild().(*ast.Heading); ok && title.Level == 1 {
		document.RemoveChild(document, title)
	}
	relink := func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if link, ok := n.(*ast.Link); ok && entering {
			if key, ok := strings.CutSuffix(string(link.Destination), ".md"); ok {
				to := base + key
				if key == guideIndex {
					to = strings.TrimSuffix(base, "/")
				}
				link.Destination = []byte(to)
			}
		}
		return ast.WalkContinue, nil
	}
	var body bytes.Buffer
	err := ast.Walk(document, relink)
	if err == nil {
		err = markdown().Renderer().Render(&body, source, document)
	}
	if err != nil {
		panic("audience: a guide is not rendered into memory: " + err.Error())
	}
	return template.HTML(body.String()) //nolint:gosec // G203: goldmark escapes texts and leaves HTML out
}
