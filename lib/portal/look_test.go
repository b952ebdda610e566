package portal

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// sources are the package's own Go files without tests.
func sources(t *testing.T) []string {
	t.Helper()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, string(b))
	}
	return out
}

const readable = 4.5 // WCAG 2.2, 1.4.3

func TestContrastKnownValues(t *testing.T) {
	for _, c := range []struct {
		a, b     string
		from, to float64
	}{{"#000000", "#ffffff", 21, 21}, {"#ffffff", "#ffffff", 1, 1}, {"#777777", "#ffffff", 4.47, 4.49}} {
		if got := contrast(c.a, c.b); got < c.from-0.005 || got > c.to+0.005 {
			t.Errorf("contrast(%s, %s) = %v", c.a, c.b, got)
		}
	}
}

func TestHeatCellsAreReadable(t *testing.T) {
	rule := regexp.MustCompile(`\.h(\d)\{background-color:(#[0-9a-f]{6});color:(#[0-9a-f]{6})\}`)
	found := rule.FindAllStringSubmatch(styles(), -1)
	if len(found) != 2*heatClasses {
		t.Fatalf("%d rules of the scale, want %d", len(found), 2*heatClasses)
	}
	for i, m := range found {
		if got := contrast(m[2], m[3]); got < readable {
			t.Errorf("class h%s on a page %d: %s on %s = %.2f", m[1], i/heatClasses, m[3], m[2], got)
		}
		// Each step is darker than the one before (on dark pages lighter).
		if i%heatClasses > 0 {
			before, now := luminance(found[i-1][2]), luminance(m[2])
			if (now < before) != (i < heatClasses) {
				t.Errorf("class h%s does not follow h%s in lightness", m[1], found[i-1][1])
			}
		}
	}
}

// Hatching lightens or darkens a cell by at most its own share: text stays
// readable between and on the lines.
func TestTextColoursAreReadable(t *testing.T) {
	block := regexp.MustCompile(`(?s):root \{(.*?)\}`)
	variable := regexp.MustCompile(`--([a-z0-9-]+): (#[0-9a-f]{6})`)
	blocks := block.FindAllStringSubmatch(portalCSS, -1)
	if len(blocks) != 2 {
		t.Fatalf("%d palettes, want light and dark", len(blocks))
	}
	for i, b := range blocks {
		colour := map[string]string{}
		for _, m := range variable.FindAllStringSubmatch(b[1], -1) {
			colour[m[1]] = m[2]
		}
		for text, backgrounds := range map[string][]string{
			"text": {"bg", "raised", "soft", "warn-soft", "accent-soft"}, "muted": {"bg", "raised", "soft"}, "accent": {"bg", "raised", "accent-soft", "soft"},
			"accent-text": {"accent"}, "good": {"bg", "raised", "soft"}, "bad": {"bg", "raised", "bad-soft", "soft"}, "warn": {"warn-soft"}, "bg": {"text"},
		} {
			for _, background := range backgrounds {
				if got := contrast(colour[text], colour[background]); !(got >= readable) {
					t.Errorf("palette %d: %s on %s = %.2f", i, text, background, got)
				}
			}
		}
	}
}

// Sizes and gaps come from few steps, so that pages look alike.
func TestStyleSheetKeepsToItsScale(t *testing.T) {
	for _, m := range regexp.MustCompile(`font-size: ([0-9.]+)rem`).FindAllStringSubmatch(portalCSS, -1) {
		switch m[1] {
		case "0.875", "1", "1.25", "1.75":
		default:
			t.Errorf("font-size %s rem is not of the scale", m[1])
		}
	}
	if strings.Contains(portalCSS, "box-shadow") || strings.Contains(portalCSS, "@import") || strings.Contains(portalCSS, "url(") {
		t.Error("the sheet has shadows or loads something")
	}
}

func TestHeatClasses(t *testing.T) {
	for _, c := range []struct {
		value, largest float64
		want           string
	}{{0, 10, "none"}, {-1, 10, "none"}, {1, 0, "none"}, {0.001, 10, "h0"}, {10, 10, "h9"}, {5, 10, "h5"}, {20, 10, "h9"}} {
		if got := heat(c.value, c.largest); got != c.want {
			t.Errorf("heat(%v, %v) = %s, want %s", c.value, c.largest, got, c.want)
		}
	}
}
