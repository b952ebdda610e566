package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/leadlake/leadlake/lib/audience"
)

func guideCommand(_ context.Context, sys *system, args []string) error {
	f := newFlags(sys, "guide [flags] [PLATFORM]",
		"Prints how the files of a platform are uploaded: which file to take, where to click, how many\n"+
			"rows it needs, how to change and delete the list, and what no page of the platform confirms.\n"+
			"Without a platform it lists the guides. The text is Markdown. Platforms: "+strings.Join(platformKeys(), ", "))
	lang := f.String("lang", "en", "`language`, ru or en")
	schema := f.Bool("schema", false, "print the JSON Schema of manifest.json instead")
	given, err := f.parseMixed(args, 0, 1)
	if err != nil {
		return err
	}
	if *schema {
		if len(given) > 0 {
			return wrongUse("guide: -schema is of all platforms; leave %s out", given[0])
		}
		_, err := sys.Stdout.Write(audience.ManifestSchema())
		return err
	}
	if *lang != "ru" && *lang != "en" {
		return wrongUse("guide: -lang is ru or en")
	}
	guide, ok := audience.GuideIndex(*lang)
	if len(given) > 0 {
		key, known := audience.PlatformKey(given[0])
		if !known {
			return wrongUse("guide: no platform %q; known: %s", given[0], strings.Join(platformKeys(), ", "))
		}
		guide, ok = audience.GuideTo(key, *lang)
	}
	if !ok {
		return fmt.Errorf("guide: none in language %s", *lang)
	}
	_, err = io.WriteString(sys.Stdout, guide.Markdown)
	return err
}

// platformKeys are the platforms by the names that commands take.
func platformKeys() []string {
	var keys []string
	for _, p := range audience.Platforms() {
		keys = append(keys, p.Key)
	}
	return keys
}
