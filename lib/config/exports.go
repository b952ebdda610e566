package config

import (
	"fmt"
	"slices"
)

// Export says which platforms a segment is written for every night, and under what
// conditions. A segment is exported once to a platform.
type Export struct {
	Segment   string   `yaml:"segment"`
	Platforms []string `yaml:"platforms"`
	Hashed    bool     `yaml:"hashed"`
	Holdout   float64  `yaml:"holdout"`
	Exclude   []string `yaml:"exclude"`  // segments whose members stay out of these files
	Priority  int      `yaml:"priority"` // 1 comes before 2; 0: after all that have one
	Purpose   string   `yaml:"purpose"`  // the consent asked for; empty: the platform's own
	Unlock    bool     `yaml:"unlock"`   // an ad platform gets it although the segment is sensitive
}

// checkExports refuses a segment that is exported twice to one platform, which would
// have two conditions, and exports that nobody could stand in.
func (c *Config) checkExports(fault func(path, format string, args ...any)) {
	first := map[[2]string]bool{}
	for i, x := range c.Exports {
		path := fmt.Sprintf("exports.%d", i)
		for j, platform := range x.Platforms {
			if key := [2]string{x.Segment, platform}; first[key] {
				fault(fmt.Sprintf("%s.platforms.%d", path, j), "segment %s is exported to %s twice", x.Segment, platform)
			} else {
				first[key] = true
			}
		}
		if j := slices.Index(x.Exclude, x.Segment); j >= 0 {
			fault(fmt.Sprintf("%s.exclude.%d", path, j), "an export without the members of its own segment is empty")
		}
		if slices.Contains(c.Exclude, x.Segment) {
			fault(path+".segment", "the members of %s are in no file at all, says exclude", x.Segment)
		}
	}
}
