package audience

import (
	"embed"
	"slices"
	"strings"
)

//go:embed guides
var guideFiles embed.FS

// guideIndex is the key of the page that lists the others. No platform has it.
const guideIndex = "index"

// Guide is a page for the person who uploads: which file to take, where to click,
// how many rows there must be, how to change and delete the list. What no page of
// the platform confirms is marked in it. The lines of files shown in it are the
// writer's own (TestGuidesShowWhatIsWritten).
type Guide struct {
	// Platform is a key of [Platforms], empty for the index.
	Platform string
	Language string // ru or en
	Title    string
	// Markdown is the whole page, its title included. Links to other guides are
	// their file names, such as vk.md.
	Markdown string
}

// GuideLanguages are the languages that every guide is there in.
func GuideLanguages() []string { return []string{"ru", "en"} }

// GuideTo gives the guide to a platform, by its key, in a language; false for a
// platform or language that there is not.
func GuideTo(platform, language string) (Guide, bool) {
	if _, ok := Lookup(platform); !ok {
		return Guide{}, false
	}
	return readGuide(platform, language)
}

// GuideIndex gives the page that lists the guides; false for a language that there
// is not.
func GuideIndex(language string) (Guide, bool) { return readGuide(guideIndex, language) }

func readGuide(name, language string) (Guide, bool) {
	if !slices.Contains(GuideLanguages(), language) {
		return Guide{}, false
	}
	body, err := guideFiles.ReadFile("guides/" + language + "/" + name + ".md")
	if err != nil {
		return Guide{}, false
	}
	guide := Guide{Platform: name, Language: language, Markdown: string(body)}
	if name == guideIndex {
		guide.Platform = ""
	}
	first, _, _ := strings.Cut(guide.Markdown, "\n")
	guide.Title = strings.TrimPrefix(first, "# ")
	return guide, true
}
