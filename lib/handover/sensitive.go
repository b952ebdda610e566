package handover

import (
	"strings"

	"github.com/leadlake/leadlake/lib/config"
)

// Sensitive finds the word that makes a segment sensitive, empty if none does.
func Sensitive(cfg *config.Config, s Segment) string {
	text := strings.ToLower(s.Key + " " + s.Rule + " " + s.Title.RU + " " + s.Title.EN)
	for _, word := range cfg.Sensitive {
		if word != "" && strings.Contains(text, strings.ToLower(word)) {
			return word
		}
	}
	return ""
}
