package handover

import (
	"fmt"
	"slices"
	"strings"

	"github.com/leadlake/leadlake/lib/audience"
	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/consent"
	"github.com/leadlake/leadlake/lib/segment"
)

// Warning is what is allowed in the exports of a configuration and does not do what
// somebody may expect. It holds no personal data, but it does tell the sensitive
// word: it is for the owner's eyes.
type Warning struct{ Says, Do string }

// Warnings looks through the exports that the configuration names, in their order:
// those that are locked, those that are empty by construction, those whose consent
// nobody of the base has given. given counts the clients who gave each purpose; nil
// where no night has counted them.
func Warnings(cfg *config.Config, segments []Segment, given map[consent.Purpose]int64) []Warning {
	plan := Plan(cfg, segments)
	about := map[string]Segment{}
	for _, s := range segments {
		if _, ok := about[s.Key]; !ok {
			about[s.Key] = s
		}
	}
	var all []Warning
	asked := map[consent.Purpose][]string{}
	for _, x := range cfg.Exports {
		locked := map[audience.Reason][]string{}
		for _, e := range plan {
			if e.Segment != x.Segment || !slices.Contains(x.Platforms, e.Platform) {
				continue
			}
			if e.Locked != nil {
				locked[e.LockedBy] = append(locked[e.LockedBy], e.Platform)
				continue
			}
			if why := neverFilled(e, about); why != "" {
				all = append(all, Warning{
					fmt.Sprintf("export of %s to %s is always empty: %s", e.Segment, e.Platform, why),
					"give the export another priority or segment, or take it out of exports",
				})
			}
			for _, purpose := range e.Purposes {
				asked[purpose] = append(asked[purpose], e.Segment+" to "+e.Platform)
			}
		}
		if platforms := locked[audience.ReasonSensitive]; len(platforms) > 0 {
			all = append(all, Warning{
				fmt.Sprintf("export of %s to %s is locked: the segment is sensitive by “%s”", x.Segment, strings.Join(platforms, ", "), about[x.Segment].Sensitive),
				"rename the segment if the word is there by chance, or let it out by `unlock: true` of the export",
			})
		}
		if platforms := locked[audience.ReasonExcluded]; len(platforms) > 0 {
			all = append(all, Warning{
				fmt.Sprintf("export of %s to %s waits: a segment that it excludes is new or has a new rule", x.Segment, strings.Join(platforms, ", ")),
				"run `leadlake invoke analytics`, or wait for the night",
			})
		}
	}
	if given == nil {
		return all
	}
	for _, purpose := range consent.Purposes() {
		if exports := asked[purpose]; len(exports) > 0 && given[purpose] == 0 {
			all = append(all, Warning{
				fmt.Sprintf("no client has given consent to %s, which the export of %s asks for", purpose, strings.Join(exports, ", ")),
				fmt.Sprintf("name the field of the consent in `consents` of a source, send it with events, or import a column consent_%s", purpose),
			})
		}
	}
	return all
}

// neverFilled says why nobody can ever stand in an export, empty where somebody may:
// all its members are in a segment that is excluded or comes before.
func neverFilled(e Export, about map[string]Segment) string {
	own := about[e.Segment]
	for _, list := range []struct {
		keys []string
		why  string
	}{{e.Exclude, "is excluded"}, {e.Above, "comes before"}} {
		for _, key := range list.keys {
			other := about[key]
			everyBuyer := key == segment.Buyers && slices.Contains([]string{segment.FamilyRFM, segment.FamilyCodes}, own.Family)
			if everyBuyer || own.Rule != "" && own.Rule == other.Rule {
				return "all its members are in " + key + ", which " + list.why
			}
		}
	}
	return ""
}
