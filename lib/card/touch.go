package card

import (
	"cmp"
	"net/url"
	"slices"
	"strings"

	"github.com/leadlake/leadlake/lib/schema"
)

// touched is a touch of a client. A deal or an order that is stated again repeats
// where its client came from: it is one touch, at the earliest of these times.
type touched struct {
	of digest
	Touch

	at int64
	id string
}

func (t touched) compare(other touched) int {
	return cmp.Or(t.of.compare(other.of), t.compareTouch(other))
}

func (t touched) compareTouch(other touched) int {
	return cmp.Or(strings.Compare(t.Source, other.Source), strings.Compare(t.Medium, other.Medium), strings.Compare(t.Campaign, other.Campaign))
}

// compareTime orders touches of a client: by time, event id, then the words.
func (t touched) compareTime(other touched) int {
	return cmp.Or(cmp.Compare(t.at, other.at), strings.Compare(t.id, other.id), t.compareTouch(other))
}

func (t touched) join(other touched) touched {
	if other.compareTime(t) < 0 {
		return other
	}
	return t
}

func (d *draft) touch(ev *schema.CardEventRow, at int64) {
	touch := touchOf(ev)
	if touch.Source == "" {
		return
	}
	of := occasion(ev)
	if ev.Entity == "" && ev.OrderID != "" {
		of = digestOf("order", ev.Shop, ev.OrderID)
	}
	d.touches = put(d.touches, touched{of: of, Touch: touch, at: at, id: ev.EventID})
}

// comeFrom fills in the first and the last touch. Who never came from anywhere
// that is known has the first source that told of him.
func (b *Builder) comeFrom(c *Card, d *draft) {
	c.Source = d.origin.text
	if d.seen {
		c.SourceAt = timeOf(d.origin.at)
	}
	if touches := tidy(d.touches); len(touches) > 0 {
		first, last := slices.MinFunc(touches, touched.compareTime), slices.MaxFunc(touches, touched.compareTime)
		c.Source, c.Medium, c.Campaign = first.Source, first.Medium, first.Campaign
		c.SourceAt = timeOf(first.at)
		c.Last = last.Touch
	}
}

// touchOf is where an event says that its client came from: what the campaign
// marks name, else the platform of a click id, else the referrer, if it is of
// another site than the landing page. The marks of the landing page stand in for
// those that are not told apart from it. No source is a direct visit, which is no
// touch. Call tracking is read by the same marks, which it tells of the visit that
// led to the call.
func touchOf(ev *schema.CardEventRow) Touch {
	if ev.UTMSource == "" && len(ev.ClickIDs) == 0 && ev.Referrer == "" && ev.Landing == "" {
		return Touch{}
	}
	touch := Touch{Source: word(ev.UTMSource), Medium: word(ev.UTMMedium), Campaign: word(ev.UTMCampaign)}
	clicks := ev.ClickIDs
	page, query, _ := strings.Cut(ev.Landing, "?")
	if marks, err := url.ParseQuery(query); err == nil && touch.Source == "" && query != "" {
		touch.Source = word(marks.Get("utm_source"))
		touch.Medium = cmp.Or(touch.Medium, word(marks.Get("utm_medium")))
		touch.Campaign = cmp.Or(touch.Campaign, word(marks.Get("utm_campaign")))
		for key := range marks {
			clicks = append(slices.Clip(clicks), key+"=")
		}
	}
	if touch.Source != "" {
		return touch
	}
	source, medium := platform(clicks)
	if source == "" {
		source, medium = referral(ev.Referrer, page)
	}
	if source == "" {
		return Touch{}
	}
	touch.Source, touch.Medium = source, cmp.Or(touch.Medium, medium)
	return touch
}

// word is a campaign mark without what systems write where nothing is known.
func word(text string) string {
	text = strings.TrimSpace(text)
	switch strings.ToLower(text) {
	case "direct", "(direct)", "(none)", "none", "(not set)", "null", "undefined", "-":
		return ""
	}
	return text
}

// platform is the source and medium that a click id stands for; the first of this
// order where there are several. Two of them are not of advertisements alone:
// Meta adds fbclid to every link that leaves it, Yandex adds ysclid to the results
// of its search.
func platform(clicks []string) (source, medium string) {
	for _, known := range [...][3]string{
		{"yclid", "yandex", "cpc"},
		{"gclid", "google", "cpc"},
		{"gbraid", "google", "cpc"},
		{"wbraid", "google", "cpc"},
		{"gcl_id", "google", "cpc"},
		{"rb_clickid", "vk", "cpc"},
		{"vkclid", "vk", "cpc"},
		{"msclkid", "bing", "cpc"},
		{"ttclid", "tiktok", "cpc"},
		{"fbclid", "facebook", "social"},
		{"ysclid", "yandex", "organic"},
	} {
		for _, pair := range clicks {
			if key, _, _ := strings.Cut(pair, "="); key == known[0] {
				return known[1], known[2]
			}
		}
	}
	return "", ""
}

// referral is the source and medium of a visit by a link: a search engine, or the
// host it stood on. Both arguments are a host with a path.
func referral(referrer, landing string) (source, medium string) {
	from, to := hostOf(referrer), hostOf(landing)
	if !strings.Contains(from, ".") || from == to || strings.HasSuffix(from, "."+to) || strings.HasSuffix(to, "."+from) {
		return "", ""
	}
	if engine := searchEngine(from); engine != "" {
		return engine, "organic"
	}
	return from, "referral"
}

func hostOf(page string) string {
	host, _, _ := strings.Cut(page, "/")
	host, _, _ = strings.Cut(host, ":")
	return strings.TrimPrefix(strings.ToLower(host), "www.")
}

// searchEngine names the search engine that answers on a host; empty for none.
// Other services of the same companies, such as their mail, are none.
func searchEngine(host string) string {
	switch host {
	case "ya.ru", "ru.yandex.searchplugin":
		return "yandex"
	case "com.google.android.googlequicksearchbox":
		return "google"
	case "go.mail.ru":
		return "mail.ru"
	case "nova.rambler.ru":
		return "rambler"
	case "search.brave.com":
		return "brave"
	case "search.yahoo.com":
		return "yahoo"
	}
	if strings.HasSuffix(host, ".search.yahoo.com") {
		return "yahoo"
	}
	host = strings.TrimPrefix(host, "m.")
	name, country, _ := strings.Cut(host, ".")
	if first, second, two := strings.Cut(country, "."); two && (len(second) != 2 || first != "co" && first != "com") {
		return "" // google.co.uk and yandex.com.tr, not google.example.com
	}
	switch name {
	case "yandex", "google", "bing", "duckduckgo", "baidu", "ecosia", "qwant", "startpage":
		return name
	}
	return ""
}
