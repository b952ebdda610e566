package webhook

import (
	"strings"

	"github.com/leadlake/leadlake/lib/event"
)

// attribution collects campaign marks from the fields, then from the cookies a
// form sends along, then from the page's address; what a field says itself is
// never overwritten.
func (s *fieldSet) attribution() event.Attribution {
	var a event.Attribution
	var cookies []string
	for i := range s.fields {
		f := &s.fields[i]
		text := first(texts(f.value))
		if f.used || text == "" || s.mapped(f) {
			continue
		}
		if nameKey(f.name) == "cookies" && strings.Contains(text, "=") {
			cookies, f.used = append(cookies, text), true
			continue
		}
		f.used = mark(&a, f.name, text)
	}
	for _, name := range []string{"utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term"} {
		if text := s.takeMapped(name); text != "" {
			mark(&a, name, text)
		}
	}
	a.Landing, a.Referrer = address(s.takeOne("landing")), address(s.takeOne("referrer"))
	previous := ""
	for _, text := range cookies {
		for part := range strings.SplitSeq(text, ";") {
			name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
			value = string(unescape([]byte(value)))
			if name == "previousUrl" {
				previous = address(value)
			} else if name = strings.TrimSpace(name); strings.HasPrefix(name, "_") {
				mark(&a, name, value)
			}
		}
	}
	if a.Landing == "" {
		a.Landing = previous
	}
	if a.Landing == "" {
		a.Landing = s.in.d.Header["referer"] // the page that holds the form
	}
	for _, p := range campaignQuery(a.Landing) {
		if text := strings.TrimSpace(string(p.value)); text != "" {
			mark(&a, string(p.key), text)
		}
	}
	return a
}

// mark stores one campaign key, click id or counter's client id; false for any
// other name. The first value stays.
func mark(a *event.Attribution, name, text string) bool {
	lower := strings.ToLower(strings.TrimSpace(name))
	if event.ClickID(lower) {
		put(&a.ClickIDs, lower, text)
		return true
	}
	set := func(into *string) bool {
		if *into == "" {
			*into = text
		}
		return true
	}
	switch key := nameKey(name); key {
	case "utmsource":
		return set(&a.UTMSource)
	case "utmmedium":
		return set(&a.UTMMedium)
	case "utmcampaign":
		return set(&a.UTMCampaign)
	case "utmcontent":
		return set(&a.UTMContent)
	case "utmterm":
		return set(&a.UTMTerm)
	case "ymuid", "ymclientid", "yaclientid", "yandexclientid", "metrikaclientid", "metricaclientid":
		put(&a.ClientIDs, "ym_uid", text)
		return true
	case "ga", "gaclientid", "googleclientid", "gacid":
		put(&a.ClientIDs, "ga", analyticsID(text))
		return true
	case "fbp", "fbc", "roistat", "roistatvisit":
		put(&a.ClientIDs, strings.TrimSuffix(key, "visit"), text)
		return true
	}
	return false
}

// analyticsID cuts the version and domain depth off a Google Analytics cookie:
// GA1.2.111.222 is client 111.222.
func analyticsID(cookie string) string {
	parts := strings.Split(cookie, ".")
	if len(parts) >= 4 && strings.HasPrefix(parts[0], "GA") {
		return strings.Join(parts[len(parts)-2:], ".")
	}
	return cookie
}

func put(into *map[string]string, key, value string) {
	if *into == nil {
		*into = make(map[string]string)
	}
	if _, ok := (*into)[key]; !ok {
		(*into)[key] = value
	}
}
