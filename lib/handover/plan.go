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
//
// A bundle is locked where its segment is sensitive and the platform shows
// advertising, and where whom to exclude is not known yet: the night has not
// counted the owner's segment with the rule that the configuration gives it now.
func Plan(cfg *config.Config, segments []Segment) []Export {
	segments = slices.Clone(segments)
	slices.SortStableFunc(segments, func(a, b Segment) int { return strings.Compare(a.Key, b.Key) })
	segments = slices.CompactFunc(segments, func(a, b Segment) bool { return a.Key == b.Key })
	p := planner{cfg: cfg, segments: map[string]Segment{}}
	for _, s := range segments {
		p.segments[s.Key] = s
	}
	var all []Export
	for _, s := range segments {
		for _, platform := range audience.Platforms() {
			asked, ok := askedFor(cfg, s.Key, platform.Key)
			if ok || !platform.OnRequest {
				all = append(all, p.export(s, platform, asked))
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

// advertises tells the platforms that show advertising by the files themselves.
func advertises(p audience.Platform) bool { return p.Purpose == consent.Ads && !p.Human }

type planner struct {
	cfg      *config.Config
	segments map[string]Segment
}

// export is one bundle; asked is empty where no export of the configuration names it.
func (p *planner) export(s Segment, platform audience.Platform, asked config.Export) Export {
	e := Export{
		Segment: s.Key, Platform: platform.Key, Name: s.Key, Hashed: asked.Hashed && platform.Hash != "",
		Message: platform.Message, Budget: p.cfg.Metrics.ContactsMonth, Holdout: asked.Holdout,
		Exclude: sortedOnce(p.cfg.Exclude, asked.Exclude), Above: p.above(platform, asked),
	}
	e.Purposes, e.Message = purposes(platform, consent.Purpose(asked.Purpose))
	if s.Sensitive != "" {
		e.Name = s.Neutral
		if p.locks(s, platform, asked) {
			e.Locked, e.LockedBy = sensitiveText(), audience.ReasonSensitive
		} else {
			e.Unlocked = advertises(platform)
		}
	}
	if e.Locked == nil && p.uncounted(e.Exclude) {
		e.Locked, e.LockedBy = uncountedText(), audience.ReasonExcluded
	}
	return e
}

// purposes is what the members of a bundle must have agreed to, and whether they
// are written to or called. A list for people is, once it asks for a channel.
func purposes(platform audience.Platform, asked consent.Purpose) (all []consent.Purpose, message bool) {
	switch {
	case asked == "" || asked == platform.Purpose:
		return []consent.Purpose{platform.Purpose}, platform.Message
	case advertises(platform): // a consent to letters is none to advertising
		return []consent.Purpose{platform.Purpose, asked}, platform.Message
	}
	return []consent.Purpose{asked}, platform.Message || asked != consent.Ads
}

func (p *planner) locks(s Segment, platform audience.Platform, asked config.Export) bool {
	return s.Sensitive != "" && advertises(platform) && !asked.Unlock
}

// above lists the segments that come to a platform before an export. Only what
// exports of the configuration name takes part, and of it only what has files there.
func (p *planner) above(platform audience.Platform, asked config.Export) []string {
	if asked.Segment == "" {
		return nil
	}
	var before []string
	for _, x := range p.cfg.Exports {
		comes := x.Priority > 0 && (asked.Priority == 0 || x.Priority < asked.Priority)
		if comes && slices.Contains(x.Platforms, platform.Key) && !p.locks(p.segments[x.Segment], platform, x) {
			before = append(before, x.Segment)
		}
	}
	return sortedOnce(before)
}

// uncounted tells whether the night did not count a segment of the owner's with the
// rule that it has now. It would keep out the wrong people.
func (p *planner) uncounted(exclude []string) bool {
	return slices.ContainsFunc(p.cfg.Segments, func(s config.Segment) bool {
		counted, ok := p.segments[s.Name]
		return slices.Contains(exclude, s.Name) && (!ok || counted.Rule != s.Rule)
	})
}

func sortedOnce(lists ...[]string) []string {
	all := slices.Concat(lists...)
	slices.Sort(all)
	return slices.Compact(all)
}
