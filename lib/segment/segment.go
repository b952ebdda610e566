// Package segment says who belongs to which segment on a night. A segment is a
// rule's members with the day each of them joined; audiences are made of them.
// Rules are conditions in CEL over the columns of gold/clients; the built-in
// segments are such rules too.
package segment

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/schema"
)

// Words is a text in both languages.
type Words struct{ RU, EN string }

// FamilyOwn is the family of the owner's segments.
const FamilyOwn = "own"

// Segment is a segment of a night.
type Segment struct {
	Key    string
	Family string // FamilyOwn, or what BuiltinSegments.Off calls it
	Title  Words
	About  Words // one sentence
	Rule   *Rule
}

// Segments lists the segments of a night: the owner's in the order of the
// configuration, then the built-in ones family by family. Built-in segments that
// stand for a manager, tag, interest, city or category are those of the clients;
// where the owner's segment has the key of one, his stands. asOf is the night's
// day. A configuration that Check refuses is an error.
func Segments(cfg *config.Config, clients []schema.ClientRow, asOf string) ([]Segment, error) {
	compiler, err := NewCompiler(cfg, asOf)
	if err != nil {
		return nil, fmt.Errorf("segment: %w", err)
	}
	var all []Segment
	taken := map[string]bool{}
	for _, s := range cfg.Segments {
		rule, faults := compiler.Compile(s.Rule)
		if len(faults) > 0 {
			return nil, fmt.Errorf("segment: rule of %s: %s", s.Name, faults[0].Reason)
		}
		all = append(all, Segment{
			Key: s.Name, Family: FamilyOwn, Rule: rule, About: Words{s.About["ru"], s.About["en"]},
			Title: Words{cmp.Or(s.Title["ru"], s.Title["en"], s.Name), cmp.Or(s.Title["en"], s.Title["ru"], s.Name)},
		})
		taken[s.Name] = true
	}
	for _, d := range definitions(cfg, clients) {
		if taken[d.key] || switchedOff(cfg.Builtin, d) {
			continue
		}
		rule, faults := compiler.Compile(d.rule)
		if len(faults) > 0 {
			return nil, fmt.Errorf("segment: rule of %s: %s", d.key, faults[0].Reason)
		}
		taken[d.key] = true
		all = append(all, Segment{Key: d.key, Family: d.family, Title: d.title, About: d.about, Rule: rule})
	}
	return all, nil
}

func switchedOff(c config.BuiltinSegments, d definition) bool {
	return slices.Contains(c.Off, d.key) || slices.Contains(c.Off, d.family)
}

// Check compiles every rule of a configuration and says what is wrong with it, and
// with the names of segments elsewhere; it is a config.Check.
func Check(cfg *config.Config) []*config.Fault {
	compiler, err := NewCompiler(cfg, "2000-01-01")
	if err != nil {
		return []*config.Fault{{Path: "segments", Reason: err.Error()}}
	}
	var faults []*config.Fault
	builtin, families := map[string]definition{}, map[string]bool{}
	for _, d := range definitions(cfg, nil) {
		builtin[d.key], families[d.family] = d, true
	}
	for _, f := range growing() {
		families[f.family] = true
	}
	known := func(key string) bool {
		_, ok := builtin[key]
		return ok || slices.ContainsFunc(growing(), func(f growingFamily) bool { return strings.HasPrefix(key, f.prefix) })
	}
	var names []string
	for key := range builtin {
		names = append(names, key)
	}
	for i, s := range cfg.Segments {
		path := fmt.Sprintf("segments.%d", i)
		if d, ok := builtin[s.Name]; ok && !switchedOff(cfg.Builtin, d) {
			faults = append(faults, &config.Fault{Path: path + ".name", Reason: s.Name + " is a built-in segment: take another name, or switch it off in builtin_segments.off"})
		}
		_, wrong := compiler.Compile(s.Rule)
		for _, f := range wrong {
			line, column := s.At(f.Offset)
			faults = append(faults, &config.Fault{Line: line, Column: column, Path: path + ".rule", Reason: f.Reason})
		}
		names = append(names, s.Name)
	}
	slices.Sort(names)
	for i, off := range cfg.Builtin.Off {
		if !known(off) && !families[off] {
			var all []string
			for family := range families {
				all = append(all, family)
			}
			slices.Sort(all)
			faults = append(faults, &config.Fault{
				Path: fmt.Sprintf("builtin_segments.off.%d", i), Reason: "no built-in segment or family " + off + didYouMean(off, append(all, names...)),
			})
		}
	}
	wanted := func(path, key string) {
		if !known(key) && !slices.Contains(names, key) {
			faults = append(faults, &config.Fault{Path: path, Reason: "no segment " + key + didYouMean(key, names)})
		}
	}
	// Whom a segment keeps out it must keep out every night: one that may be missing
	// tomorrow would let its members in without a word.
	lasting := func(path, key string) {
		own := slices.ContainsFunc(cfg.Segments, func(s config.Segment) bool { return s.Name == key })
		d, ok := builtin[key]
		switch {
		case own:
		case ok && switchedOff(cfg.Builtin, d):
			faults = append(faults, &config.Fault{Path: path, Reason: "segment " + key + " is switched off in builtin_segments.off and keeps nobody out"})
		case !ok && known(key):
			faults = append(faults, &config.Fault{Path: path, Reason: "segment " + key + " is there only while enough clients are in it: take a segment of your own, with a rule such as \"employee\" in tags"})
		default:
			wanted(path, key)
		}
	}
	for i, export := range cfg.Exports {
		wanted(fmt.Sprintf("exports.%d.segment", i), export.Segment)
		for j, key := range export.Exclude {
			lasting(fmt.Sprintf("exports.%d.exclude.%d", i, j), key)
		}
	}
	for i, key := range cfg.Exclude {
		lasting(fmt.Sprintf("exclude.%d", i), key)
	}
	return faults
}
