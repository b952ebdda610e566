package portal

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// heatClasses is how many steps the sequential scale has.
const heatClasses = 10

// heatScale is one hue from light to deep blue-green, readable by the colour-blind
// because lightness alone tells the steps apart. On dark pages it runs from the
// background to the light end.
func heatScale(dark bool) [heatClasses]string {
	if dark {
		return [heatClasses]string{
			"#1a2a30", "#1d363d", "#20434a", "#235058", "#275e66", "#2d6d74", "#397a80", "#5a999d", "#7cb3b4", "#a6d0cf",
		}
	}
	return [heatClasses]string{
		"#eef7f7", "#dcefee", "#c5e4e3", "#aad6d6", "#8bc5c7", "#69b1b5", "#3f979d", "#1f7f88", "#0f6670", "#074b55",
	}
}

// inks are the two text colours of the scale.
func inks() [2]string { return [2]string{"#06181c", "#ffffff"} }

// ink is the text colour that stands out more against a background.
func ink(background string) string {
	both := inks()
	if contrast(background, both[0]) >= contrast(background, both[1]) {
		return both[0]
	}
	return both[1]
}

// contrast is the ratio of WCAG 2.2 between two colours written #rrggbb: 1…21.
func contrast(a, b string) float64 {
	light, dark := luminance(a), luminance(b)
	if light < dark {
		light, dark = dark, light
	}
	return (light + 0.05) / (dark + 0.05)
}

func luminance(colour string) float64 {
	n, err := strconv.ParseUint(strings.TrimPrefix(colour, "#"), 16, 32)
	if err != nil {
		return math.NaN() // our own constant is wrong; the test of contrast fails
	}
	channel := func(shift uint) float64 {
		c := float64(n>>shift&0xff) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*channel(16) + 0.7152*channel(8) + 0.0722*channel(0)
}

// heatCSS is the rules of the classes h0…h9 for light and dark pages.
func heatCSS() string {
	var b strings.Builder
	write := func(dark bool) {
		for i, colour := range heatScale(dark) {
			fmt.Fprintf(&b, ".h%d{background-color:%s;color:%s}", i, colour, ink(colour))
		}
	}
	write(false)
	b.WriteString("@media (prefers-color-scheme:dark){@media screen{")
	write(true)
	b.WriteString("}}\n")
	return b.String()
}

// heat is the class of a value on the scale up to largest; nothing has no colour.
func heat(value, largest float64) string {
	if value <= 0 || largest <= 0 {
		return "none"
	}
	step := int(min(value/largest, 1) * heatClasses)
	return "h" + strconv.Itoa(min(step, heatClasses-1))
}

// heatRoot keeps the small ones apart where a few are huge.
func heatRoot(value, largest float64) string {
	return heat(math.Sqrt(max(value, 0)), math.Sqrt(max(largest, 0)))
}
