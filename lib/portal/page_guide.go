package portal

import (
	"errors"
	"html/template"
	"net/http"

	"github.com/leadlake/leadlake/lib/audience"
)

// guidesPath is the page that lists the guides; a guide stands below it by the key
// of its platform.
const guidesPath = "/exports/guides"

type guideBody struct {
	Platform string // empty for the list of guides
	Text     template.HTML
}

// guides lists where files can be uploaded to.
func (p *Portal) guides(v *visit) error {
	index, ok := audience.GuideIndex(v.locale.code)
	return p.showGuide(v, index, ok)
}

// guide says how the files of one platform are uploaded.
func (p *Portal) guide(v *visit) error {
	guide, ok := audience.GuideTo(v.r.PathValue("platform"), v.locale.code)
	return p.showGuide(v, guide, ok)
}

// showGuide needs no night: who connects the first source reads it, too.
func (p *Portal) showGuide(v *visit, guide audience.Guide, found bool) error {
	if !found {
		return ErrNotFound
	}
	_, pg, err := p.begin(v, "guide")
	switch {
	case errors.Is(err, ErrNoNight):
		pg = page{Key: "guide"}
	case err != nil:
		return err
	}
	pg.Name, pg.Section = guide.Title, "exports"
	pg.AsOf, pg.Run = "", "" // nothing on the page is of the night
	pg.Body = guideBody{Platform: guide.Platform, Text: guide.HTML(guidesPath + "/")}
	return p.show(v, http.StatusOK, pg)
}

// guideHref is the address of the guide to a platform, empty where there is none.
func (l *locale) guideHref(platform string) string {
	if _, ok := audience.GuideTo(platform, l.code); !ok {
		return ""
	}
	return guidesPath + "/" + platform
}
