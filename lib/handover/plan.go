package handover

import (
	"slices"
	"strings"

	"github.com/leadlake/leadlake/lib/audience"
	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/consent"
)

// Plan lists every bundle of a night: each segment for each platform that is not on
// request or that an export of the configuration names. It is ordered by segment,
// then as [audience.Platforms] orders platforms. Of segments with one key the first
// counts. A segment that an export names and that is not among the segments has no
// bundle: [Segments] gives all.
func Plan(cfg *config.Config, segments []Segment) []Export {
	segments = slices.Clone(segments)
	slices.SortStableFunc(segments, func(a, b Segment) int { return strings.Compare(a.Key, b.Key) })
	segments = slices.CompactFunc(segments, func(a, b Segment) bool { return a.Key == b.Key })
	var all []Export
	for _, s := range segments {
		for _, platform := range audience.Platforms() {
			asked, ok := askedFor(cfg, s.Key, platform.Key)
			if ok || !platform.OnRequest {
				all = append(all, plan(cfg, s, platform, asked))
			}
		}
	}
	return all
}

// askedFor is the export of the configuration for a segment and a platform.
func askedFor(cfg *config.Config, segment, platform string) (config.Export, bool) {
	for _, x := range cfg.Exports {
		if x.Segment == segment && slices.Contains(x.Platforms, platform) {
			return x, true
		}
	}
	return config.Export{}, false
}

func plan(cfg *config.Config, s Segment, platform audience.Platform, asked config.Export) Export {
	e := Export{
		Segment: s.Key, Platform: platform.Key, Name: s.Key, Hashed: asked.Hashed && platform.Hash != "",
		Purposes: []consent.Purpose{platform.Purpose}, Message: platform.Message, Budget: cfg.Metrics.ContactsMonth, Holdout: asked.Holdout,
		Exclude: sortedOnce(cfg.Exclude, asked.Exclude), Above: above(cfg, platform.Key, s.Key, asked.Priority),
	}
	if purpose := consent.Purpose(asked.Purpose); purpose != "" && purpose != platform.Purpose {
		if advertises(platform) {
			e.Purposes = append(e.Purposes, purpose)
		} else {
			e.Purposes = []consent.Purpose{purpose}
			e.Message = e.Message || purpose != consent.Ads
		}
	}
	if s.Sensitive != "" {
		e.Name = s.Neutral
		if advertises(platform) {
			e.Unlocked = asked.Unlock
			if !asked.Unlock {
				e.Locked = lockedBecause(s.Sensitive)
			}
		}
	}
	return e
}

// advertises tells the platforms that show advertising by the files themselves.
func advertises(p audience.Platform) bool { return p.Purpose == consent.Ads && !p.Human }

// above lists the segments that exports of the configuration bring to a platform
// before one of this priority; of a bundle that no export names, none.
func above(cfg *config.Config, platform, segment string, priority int) []string {
	if _, asked := askedFor(cfg, segment, platform); !asked {
		return nil
	}
	var before []string
	for _, x := range cfg.Exports {
		comes := x.Priority > 0 && (priority == 0 || x.Priority < priority)
		if comes && x.Segment != segment && slices.Contains(x.Platforms, platform) {
			before = append(before, x.Segment)
		}
	}
	return sortedOnce(before)
}

func sortedOnce(lists ...[]string) []string {
	all := slices.Concat(lists...)
	slices.Sort(all)
	return slices.Compact(all)
}
