package webhook

import (
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/money"
)

// foreign is common for the systems of others, which send what they like and can
// correct nothing: whatever was stored is answered 200, because a refusal would
// only make them send the same again or switch the webhook off (webhooks.md §1).
type foreign struct{ common }

func (foreign) reply(*intake, *Decoded) Reply { return replyText("ok") }

func replyText(text string) Reply {
	return Reply{Status: http.StatusOK, ContentType: "text/plain; charset=utf-8", Body: []byte(text)}
}

// replyRaw answers with exactly these bytes as JSON.
func replyRaw(body string) Reply {
	return Reply{Status: http.StatusOK, ContentType: "application/json", Body: []byte(body)}
}

// body is the one JSON object or the fields of a form that a foreign system
// sends. A GET without anything in it, somebody looking, is a ping.
func (in *intake) body() (event.Value, *reading) {
	c := in.content()
	switch {
	case c.failure != nil && c.failure.Reason == ReasonEmptyBody && in.d.Method != http.MethodPost:
		return event.Value{}, &reading{ping: true}
	case c.failure != nil:
		return event.Value{}, &reading{failure: c.failure}
	}
	return c.object(), nil
}

// at walks into a value: names of members, and indices of arrays or of forms
// with numbered fields, joined by points. A missing part is a Null. JSON that
// stands in a string is opened on the way.
func at(v event.Value, path string) event.Value {
	for step := range strings.SplitSeq(path, ".") {
		v = opened(v)
		switch v.Type {
		case event.Object:
			v = v.Get(step)
		case event.Array:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(v.Items) {
				return event.Value{}
			}
			v = v.Items[i]
		default:
			return event.Value{}
		}
	}
	return v
}

// opened is the JSON object or array that a string holds; any other value is
// returned as it is.
func opened(v event.Value) event.Value {
	if v.Type != event.String {
		return v
	}
	text := strings.TrimSpace(v.Text)
	if !strings.HasPrefix(text, "{") && !strings.HasPrefix(text, "[") {
		return v
	}
	values, err := event.ParseForeignJSON([]byte(text))
	if err != nil || len(values) != 1 {
		return v
	}
	return values[0]
}

// elements are the items of an array, or the members' values of an object, as
// forms and PHP write lists with gaps in them. Nil for a scalar.
func elements(v event.Value) []event.Value {
	v = opened(v)
	if v.Type == event.Object {
		items := make([]event.Value, len(v.Members))
		for i, m := range v.Members {
			items[i] = m.Value
		}
		return items
	}
	return v.Items
}

// textAt is the first non-empty scalar at one of the paths.
func textAt(v event.Value, paths ...string) string {
	for _, path := range paths {
		if text := first(texts(at(v, path))); text != "" {
			return text
		}
	}
	return ""
}

// textsAt are all non-empty scalars at the paths, without repetition.
func textsAt(v event.Value, paths ...string) []string {
	var all []string
	seen := map[string]bool{}
	for _, path := range paths {
		for _, text := range texts(at(v, path)) {
			if !seen[text] {
				seen[text] = true
				all = append(all, text)
			}
		}
	}
	return all
}

// idAt is textAt for ids.
func idAt(v event.Value, paths ...string) string {
	for _, path := range paths {
		if text := textAt(v, path); !nothing(text) {
			return text
		}
	}
	return ""
}

// nothing reports whether a text is how systems and scripts write an id or a
// contact that is not there.
func nothing(text string) bool {
	switch text {
	case "", "0", "null", "NULL", "undefined", "None", "nil":
		return true
	default:
		return false
	}
}

// somebody leaves out of phones and e-mails what is none.
func somebody(values []string) []string { return slices.DeleteFunc(values, nothing) }

// joined makes an id of parts; empty where one of them is.
func joined(parts ...string) string {
	if slices.Contains(parts, "") {
		return ""
	}
	return strings.Join(parts, ":")
}

// named puts the name of a system before its own id of a person, so that the ids
// of two systems never meet; empty for an empty id.
func named(system, id string) []string {
	if nothing(id) {
		return nil
	}
	return []string{system + ":" + id}
}

// time reads a point in time as systems write it: with an offset or in the
// business's time zone, or as seconds or milliseconds since 1970. Zero for what
// is no time.
func (in *intake) time(text string) time.Time {
	if t, ok := event.ParseTime(text, in.cfg.Location()); ok {
		return t
	}
	for _, layout := range []string{"02.01.2006 15:04:05", "02.01.2006 15:04", "02.01.2006"} { // as people in Russia write it
		if t, err := time.ParseInLocation(layout, text, in.cfg.Location()); err == nil && t.Year() >= 1900 && t.Year() < 2200 {
			return t.UTC()
		}
	}
	whole, _, _ := strings.Cut(text, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	switch {
	case err != nil || n < 1e8: // 1973: smaller numbers are no times
		return time.Time{}
	case n < 1e11:
		return time.Unix(n, 0).UTC()
	case n < 1e14:
		return time.UnixMilli(n).UTC()
	default:
		return time.Time{}
	}
}

// code is the currency that a system's word means; empty for none.
func code(text string) string {
	c, ok := money.Code(text)
	if !ok {
		return ""
	}
	return c
}

// setAmount reads an amount into a field of an event; text that is none becomes
// the attribute name_unread.
func (in *intake) setAmount(ev *event.Event, into *string, name, text, currency string) {
	if *into = in.amount(text, currency); *into == "" {
		attribute(ev, name+"_unread", text)
	}
}

// setStatus translates a status into ours: first by the source's map, then by
// what the system documents (known, small letters), else the source's default. A
// word that is not ours is kept as the attribute order_status.
func (in *intake) setStatus(ev *event.Event, word string, known map[string]string) {
	if ev.Order == nil {
		return
	}
	if _, ok := in.d.Source.Stages[word]; ok && ev.Stage == "" {
		ev.Stage = word // the owner says that it is a step of the funnel too
	}
	status, mapped := known[strings.ToLower(word)]
	for mine := range in.d.Source.Orders.Map {
		mapped = mapped && !strings.EqualFold(mine, word) // the owner's own word wins
	}
	if !mapped {
		status = orderStatus(in, word)
	}
	ev.Order.Status = status
	if !strings.EqualFold(status, word) {
		attribute(ev, "order_status", word)
	}
}

// items reads the lines of an order. paths say where the fields of Item stand in
// each line.
func (in *intake) items(list []event.Value, currency string, paths event.Item) []event.Item {
	var items []event.Item
	for _, line := range list {
		line = opened(line)
		pick := func(path string) string {
			if path == "" {
				return ""
			}
			return textAt(line, strings.Split(path, "|")...)
		}
		item := event.Item{
			SKU: pick(paths.SKU), Name: pick(paths.Name), Category: pick(paths.Category),
			Price: in.amount(pick(paths.Price), currency), Sum: in.amount(pick(paths.Sum), currency),
		}
		if quantity, ok := event.Quantity(pick(paths.Quantity)); ok {
			item.Quantity = quantity
		}
		if item != (event.Item{}) {
			items = append(items, item)
		}
	}
	return items
}

// setPhones and setEmails spread contact values over the two fields of a client.
func setPhones(c *event.Client, values []string) {
	values = somebody(values)
	c.Phone, c.Phones = first(values), rest(values)
}

func setEmails(c *event.Client, values []string) {
	values = somebody(values)
	c.Email, c.Emails = first(values), rest(values)
}

// fullName joins the parts of a name, family name last, without empty ones.
func fullName(parts ...string) string {
	return strings.Join(strings.Fields(strings.Join(parts, " ")), " ")
}

// phoneInText finds what may be a phone in a title or a comment. It is a hint
// for people, never an identity.
func phoneInText(text string) string {
	return strings.TrimSpace(phonePattern.FindString(text))
}

var phonePattern = regexp.MustCompile(`(?:\+|\b[78])[\d ()-]{9,17}\d`)

// attributed reads campaign keys, click ids and counters' ids from the members
// of an object, under their usual names.
func attributed(a *event.Attribution, v event.Value) {
	for _, m := range opened(v).Members {
		if text := first(texts(m.Value)); text != "" {
			mark(a, m.Key, text)
		}
	}
}

// attributedURL reads campaign keys and click ids from the query of an address
// and keeps the address as the landing page.
func attributedURL(a *event.Attribution, url string) {
	if url == "" {
		return
	}
	if a.Landing == "" {
		a.Landing = url
	}
	for _, p := range campaignQuery(url) {
		if text := strings.TrimSpace(string(p.value)); text != "" {
			mark(a, string(p.key), text)
		}
	}
}

// yes reads a flag; told is false for what is none.
func yes(text string) (value, told bool) {
	switch strings.ToLower(text) {
	case "true", "1", "yes", "да":
		return true, true
	case "false", "0", "no", "нет":
		return false, true
	default:
		return false, false
	}
}
