package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/leadlake/leadlake/lib/audience"
	"github.com/leadlake/leadlake/lib/identity/phone"
)

func normaliseCommand(_ context.Context, sys *system, args []string) error {
	f := newFlags(sys, "normalise [flags] PLATFORM FIELD [VALUE...]",
		"Shows what would be written and hashed for a value on an advertising platform: the answer\n"+
			"to \"why is my match rate low\". Values are arguments, or lines of standard input; a line\n"+
			"of output is `input TAB normal form TAB hash`, or `refused: reason`. Facts that a platform\n"+
			"has not confirmed are said on standard error. Platforms and their fields:"+platformsAndFields())
	country := f.String("country", "RU", "`country` (ISO 3166) of national phone numbers; empty for none")
	lang := f.String("lang", "en", "`language` of reasons, ru or en")
	asJSON := f.Bool("json", false, "one JSON object a line instead")
	if err := f.parse(args, 2, -1); err != nil {
		return err
	}
	platform, field, err := platformField(f.Arg(0), f.Arg(1))
	if err != nil {
		return err
	}
	known, _ := audience.Lookup(platform)
	for _, text := range known.Unconfirmed {
		line := text.EN
		if *lang == "ru" {
			line = text.RU
		}
		if _, err := fmt.Fprintln(sys.Stderr, platform+": "+line); err != nil {
			return err
		}
	}
	n := normaliseOutput{
		sys: sys, from: audience.Normaliser{Phones: phone.Parser{}, Country: strings.ToUpper(*country)},
		platform: platform, field: field, lang: *lang, asJSON: *asJSON,
	}
	if f.NArg() > 2 {
		for _, value := range f.Args()[2:] {
			if err := n.write(value); err != nil {
				return err
			}
		}
		return nil
	}
	lines := bufio.NewReader(sys.Stdin)
	for end := false; !end; {
		line, err := lines.ReadString('\n')
		if end = errors.Is(err, io.EOF); err != nil && !end {
			return fmt.Errorf("normalise: read standard input: %w", err)
		}
		if line == "" {
			continue
		}
		if err := n.write(strings.TrimRight(line, "\r\n")); err != nil {
			return err
		}
	}
	return nil
}

// platformField finds a platform and its field by the names people use.
func platformField(platform, field string) (string, string, error) {
	key, ok := audience.PlatformKey(platform)
	if !ok {
		return "", "", wrongUse("normalise: no platform %q; known: %s", platform, strings.Join(platformKeys(), ", "))
	}
	p, _ := audience.Lookup(key)
	name := audience.FieldKey(field)
	if _, ok := p.Field(name); ok {
		return p.Key, name, nil
	}
	return "", "", wrongUse("normalise: platform %s has no field %q; known: %s", p.Key, field, strings.Join(fieldKeys(p), ", "))
}

func fieldKeys(p audience.Platform) []string {
	keys := make([]string, len(p.Fields))
	for i, f := range p.Fields {
		keys[i] = f.Key
	}
	return keys
}

// platformsAndFields is one line a platform, for help.
func platformsAndFields() string {
	var text strings.Builder
	for _, p := range audience.Platforms() {
		fmt.Fprintf(&text, "\n  %-10s %s", p.Key, strings.Join(fieldKeys(p), " "))
	}
	return text.String()
}

// normaliseOutput writes one line a value.
type normaliseOutput struct {
	sys             *system
	from            audience.Normaliser
	platform, field string
	lang            string
	asJSON          bool
}

func (n normaliseOutput) write(value string) error {
	normal, err := n.from.Normalise(n.platform, n.field, value)
	refused := ""
	if err != nil {
		refusal, ok := errors.AsType[*audience.Refusal](err)
		if !ok {
			return err
		}
		text := refusal.Reason.Explain()
		refused = text.EN
		if n.lang == "ru" {
			refused = text.RU
		}
		refused = string(refusal.Reason) + " (" + refused + ")"
	}
	out := value + "\t" + normal.Text + "\t" + normal.Hash
	switch {
	case n.asJSON:
		line := struct {
			Input   string `json:"input"`
			Normal  string `json:"normal"`
			Hash    string `json:"hash"`
			Refused string `json:"refused,omitempty"`
		}{value, normal.Text, normal.Hash, refused}
		return json.NewEncoder(n.sys.Stdout).Encode(line)
	case refused != "":
		out = "refused: " + refused
	}
	_, err = fmt.Fprintln(n.sys.Stdout, out)
	return err
}
