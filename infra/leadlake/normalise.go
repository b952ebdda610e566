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
			"of output is `input TAB normal form TAB hash`, or `refused: reason`.")
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
	key := strings.ToLower(platform)
	for alias, known := range map[string]string{
		"вк": "vk", "vkontakte": "vk", "vk-ads": "vk", "vkads": "vk", "mytarget": "vk",
		"яндекс": "yandex", "yandex-audience": "yandex", "ya": "yandex", "google-ads": "google", "adwords": "google",
		"facebook": "meta", "instagram": "meta", "twitter": "x", "people": "csv",
	} {
		if key == alias {
			key = known
		}
	}
	p, ok := audience.Lookup(key)
	if !ok {
		var known []string
		for _, p := range audience.Platforms() {
			known = append(known, p.Key)
		}
		return "", "", wrongUse("normalise: no platform %q; known: %s", platform, strings.Join(known, ", "))
	}
	name := fieldKey(field)
	if _, ok := p.Field(name); ok {
		return p.Key, name, nil
	}
	var known []string
	for _, f := range p.Fields {
		known = append(known, f.Key)
	}
	return "", "", wrongUse("normalise: platform %s has no field %q; known: %s", p.Key, field, strings.Join(known, ", "))
}

// fieldKey is the key of a field by the names that platforms and people use.
func fieldKey(name string) string {
	key := strings.ToLower(strings.NewReplacer(" ", "_", "-", "_").Replace(strings.TrimSpace(name)))
	for alias, known := range map[string]string{
		"e_mail": "email", "em": "email", "mail": "email", "почта": "email", "эл._почта": "email", "имейл": "email",
		"ph": "phone", "tel": "phone", "telephone": "phone", "phone_number": "phone", "телефон": "phone",
		"fn": "first_name", "firstname": "first_name", "given_name": "first_name", "имя": "first_name",
		"ln": "last_name", "lastname": "last_name", "surname": "last_name", "family_name": "last_name", "фамилия": "last_name",
		"ct": "city", "город": "city", "st": "state", "region": "state", "регион": "state",
		"zp": "zip", "postal_code": "zip", "postcode": "zip", "индекс": "zip", "country_code": "country", "страна": "country",
		"db": "birth_date", "dob": "birth_date", "birthday": "birth_date", "birth_day": "birth_date", "дата_рождения": "birth_date",
		"ge": "gender", "gen": "gender", "пол": "gender",
		"advertising_id": "madid", "maid": "madid", "ifa": "madid", "aaid": "gaid", "adid": "gaid",
		"client_id": "external_id", "id": "external_id", "vk": "vk_id", "vkid": "vk_id", "ok": "ok_id",
	} {
		if key == alias {
			return known
		}
	}
	return key
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
