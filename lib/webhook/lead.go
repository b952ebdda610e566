package webhook

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/money"
)

// maxNesting is how deep the well-known containers of fields (data, fields, utm…)
// are opened.
const maxNesting = 4

// field is one field of a flat delivery: a site's form, a site's script.
type field struct {
	name  string // as sent
	path  string // with the names of the containers around it, joined by points
	usual string // our field that the name usually means
	value event.Value
	used  bool
}

// fieldSet is the fields of a delivery with the source's own map; what was not
// taken at the end goes to the event's attributes.
type fieldSet struct {
	in     *intake
	root   event.Value // of the whole, for names of the map that are paths
	fields []field
}

func newFieldSet(in *intake, object event.Value) *fieldSet {
	s := &fieldSet{in: in, root: object}
	s.open(object, "", "", 0)
	return s
}

// open lists the members of an object, and of containers in it as if they stood
// in the object itself.
func (s *fieldSet) open(object event.Value, path, prefix string, depth int) {
	for _, m := range object.Members {
		name := m.Key
		if !strings.HasPrefix(strings.ToLower(name), prefix) { // utm: {source: …} and utm: {utm_source: …}
			name = prefix + name
		}
		inside := joinPath(path, m.Key)
		inner, ok := container(m.Key)
		ok = ok || nameKey(m.Key) == "client" && s.in.d.Source.Kind != "json" // where it belongs to the native event
		value := m.Value
		if ok {
			value = opened(value) // a form may hold them as one JSON text
		}
		switch {
		case !ok || depth >= maxNesting:
			s.add(name, inside, m.Value)
		case value.Type == event.Object:
			s.open(value, inside, inner, depth+1)
		case value.Type == event.Array && s.openList(value, inside):
		default:
			s.add(name, inside, m.Value)
		}
	}
}

func (s *fieldSet) add(name, path string, v event.Value) {
	if v.Type == event.Object { // a builder's {"value": …, "type": …}
		if value := v.Get("value"); value.Type != event.Null {
			v = value
		}
	}
	s.fields = append(s.fields, field{name: name, path: path, usual: usualField(name), value: v})
}

// openList reads [{"name": "phone", "value": "…"}, …]; false for any other list.
func (s *fieldSet) openList(list event.Value, path string) bool {
	var found []field
	for _, item := range list.Items {
		name, value := "", event.Value{}
		for _, m := range item.Members {
			switch strings.ToLower(m.Key) {
			case "name", "key", "title", "label", "question":
				if name == "" {
					name = m.Value.Text
				}
			case "value", "answer", "values":
				value = m.Value
			}
		}
		if name == "" {
			return false
		}
		found = append(found, field{name: name, path: joinPath(path, name), usual: usualField(name), value: value})
	}
	s.fields = append(s.fields, found...)
	return len(found) > 0
}

func joinPath(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// container reports whether a name is one under which systems nest the fields
// themselves, and what to put before their names.
func container(name string) (prefix string, ok bool) {
	switch nameKey(name) {
	case "utm", "utms", "utmdata", "utmparams":
		return "utm_", true
	case "data", "fields", "field", "formfields", "formdata", "form", "lead", "user", "customer", "person", "contact", "values", "answers",
		"buyer", "visitor", "subscriber", "payload",
		"hidden", "params", "tracking", "analytics", "metadata", "meta", "wpcf7":
		return "", true
	default:
		return "", false
	}
}

// nameKey is what two spellings of a field's name have in common: its letters
// and digits, small, ё as е.
func nameKey(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == 'ё' || r == 'Ё':
			return 'е'
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			return unicode.ToLower(r)
		default:
			return -1
		}
	}, name)
}

// named returns the fields that a name of the configuration means: by exact name
// or path, else by nameKey, else by a path into what the fields hold.
func (s *fieldSet) named(name string) []*field {
	var exact, alike []*field
	for i := range s.fields {
		f := &s.fields[i]
		switch {
		case f.name == name || f.path == name:
			exact = append(exact, f)
		case nameKey(f.name) == nameKey(name) && nameKey(name) != "":
			alike = append(alike, f)
		}
	}
	switch {
	case len(exact) > 0:
		return exact
	case len(alike) > 0:
		return alike
	}
	return s.deep(name)
}

// deep returns the field that a path of the configuration leads to, wherever it
// stands: order.customer.phone, contacts.0.tel, or as forms write them,
// order[customer][phone].
func (s *fieldSet) deep(name string) []*field {
	path := strings.Join(bracketPath(name), ".")
	if !strings.Contains(path, ".") {
		return nil
	}
	value := at(s.root, path)
	if len(texts(value)) == 0 {
		return nil
	}
	return []*field{{name: name, path: path, value: value}}
}

// take returns the texts of one of our fields and marks where they stood. The
// source's map decides; without one the usual names do.
func (s *fieldSet) take(ours string) []string {
	if name, ok := s.in.d.Source.Map[ours]; ok {
		return s.use(s.named(name))
	}
	return s.use(s.usual(ours))
}

// takeOne returns the first text of one of our fields that holds one value. What
// is said twice stays for the attributes.
func (s *fieldSet) takeOne(ours string) string {
	var candidates []*field
	if name, ok := s.in.d.Source.Map[ours]; ok {
		candidates = s.named(name)
	} else {
		candidates = s.usual(ours)
	}
	for _, f := range candidates {
		if list := texts(f.value); len(list) > 0 {
			f.used = len(list) == 1
			return list[0]
		}
	}
	return ""
}

// usual returns the free fields whose name usually means one of ours.
func (s *fieldSet) usual(ours string) []*field {
	var found []*field
	for i := range s.fields {
		if f := &s.fields[i]; !f.used && f.usual == ours && !s.mapped(f) {
			found = append(found, f)
		}
	}
	return found
}

// takeMapped returns the texts of a field that only the source's map can name.
func (s *fieldSet) takeMapped(ours string) string {
	if _, ok := s.in.d.Source.Map[ours]; !ok {
		return ""
	}
	return s.takeOne(ours)
}

// mapped reports whether the configuration gives a field another meaning than
// its name has.
func (s *fieldSet) mapped(f *field) bool {
	for _, name := range s.in.d.Source.Map {
		if name == f.name || name == f.path {
			return true
		}
	}
	return false
}

func (s *fieldSet) use(fields []*field) []string {
	var all []string
	for _, f := range fields {
		if list := texts(f.value); len(list) > 0 {
			all = append(all, list...)
			f.used = true
		}
	}
	return all
}

// texts are the non-empty scalars of a value; nil for an object.
func texts(v event.Value) []string {
	switch v.Type {
	case event.Array:
		var all []string
		for _, item := range v.Items {
			if item.Type != event.Array {
				all = append(all, texts(item)...)
			}
		}
		return all
	case event.String, event.Number, event.Bool:
		if text := strings.TrimSpace(strings.ReplaceAll(v.Text, "\x00", "")); text != "" {
			return []string{text}
		}
	}
	return nil
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

func rest(list []string) []string {
	if len(list) < 2 {
		return nil
	}
	return list[1:]
}

// lead reads what the fields say about a person, where he came from and what he
// wants. Fields that mean nothing to us become attributes.
func (s *fieldSet) lead() event.Event {
	ev := event.Event{Kind: event.Lead, ID: s.takeMapped("id")}
	phones, emails := somebody(s.take("phone")), somebody(s.take("email"))
	ev.Client = event.Client{
		Phone: first(phones), Phones: rest(phones), Email: first(emails), Emails: rest(emails),
		ExternalID: s.takeOne("external_id"), CardNo: s.takeOne("card_no"),
		Name: s.takeOne("name"), FirstName: s.takeOne("first_name"), LastName: s.takeOne("last_name"),
		City: s.takeOne("city"), Country: s.takeOne("country"), Address: strings.Join(s.take("address"), ", "),
		Company: s.takeOne("company"), PreferredChannel: s.takeOne("preferred_channel"), LoyaltyLevel: s.takeOne("loyalty_level"),
	}
	ev.Client.Gender = event.Gender(s.takeOne("gender"))
	ev.Client.BirthDate = s.takeOne("birth_date")
	ev.Interests, ev.Tags = s.take("interests"), s.take("tags")
	ev.Manager, ev.Stage = s.takeOne("manager"), s.takeMapped("stage")
	if text := s.takeMapped("at"); text != "" {
		if ev.At = s.in.time(text); ev.At.IsZero() {
			attribute(&ev, "at_unread", text)
		}
	}
	if message := strings.Join(s.take("message"), "\n"); message != "" {
		ev.Contact = &event.Contact{Channel: "form", Direction: "in", Text: message}
	}
	ev.Attribution = s.attribution()
	ev.Consents = s.consents()
	s.order(&ev)
	s.ownNames(&ev)
	return ev
}

// ownNames stores what the source's map gives a name that is none of a lead's
// fields: a click id or counter's id, else an attribute of that name.
func (s *fieldSet) ownNames(ev *event.Event) {
	for _, ours := range slices.Sorted(maps.Keys(s.in.d.Source.Map)) {
		switch ours {
		case "secret", "id", "entity", "at", "phone", "email", "external_id", "card_no", "name", "first_name", "last_name", "city", "country", "address",
			"company", "gender", "birth_date", "loyalty_level", "preferred_channel", "interests", "tags", "manager", "stage", "message", "landing", "referrer",
			"utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term",
			"order_id", "order_status", "total", "shipping", "returned", "currency", "site", "phase":
			continue
		}
		values := s.use(s.named(s.in.d.Source.Map[ours]))
		if len(values) > 0 && !mark(&ev.Attribution, ours, values[0]) {
			attribute(ev, ours, strings.Join(values, "; "))
		}
	}
}

// keepRest stores every field that was not taken as an attribute.
func (s *fieldSet) keepRest(ev *event.Event) {
	var paths []string
	said := map[string][]string{} // joined once: a name may be repeated thousands of times
	for _, f := range s.fields {
		if f.used || f.value.Type == event.String && blanked(f.value.Text) && secretField(f.name, s.in.d.Source.Map["secret"]) {
			continue
		}
		text := strings.Join(texts(f.value), "; ")
		if f.value.Type == event.Object || f.value.Type == event.Array && text == "" && len(f.value.Items) > 0 {
			text = f.value.JSON()
		}
		switch list := said[f.path]; {
		case text == "" || len(list) == 1 && list[0] == text:
			continue
		case list == nil:
			paths = append(paths, f.path)
		}
		said[f.path] = append(said[f.path], text)
	}
	for _, path := range paths {
		attribute(ev, path, strings.Join(said[path], "; "))
	}
}

// maxAttribute is from how many bytes on an attribute is continued under a second
// name, so that a name which comes thousands of times does not cost the square.
const maxAttribute = 8 << 10

func attribute(ev *event.Event, key, value string) {
	if value == "" {
		return
	}
	if ev.Attributes == nil {
		ev.Attributes = make(map[string]string)
	}
	for name, n := key, 2; len(ev.Attributes[key]) >= maxAttribute && ev.Attributes[key] != value; n++ {
		key = name + "_" + strconv.Itoa(n)
	}
	if old, ok := ev.Attributes[key]; ok && old != value {
		value = old + "; " + value
	}
	ev.Attributes[key] = value
}

// order makes an order of fields that the source's map declares to be one.
func (s *fieldSet) order(ev *event.Event) {
	if s.in.d.Source.Orders.None {
		return
	}
	id := s.takeMapped("order_id")
	if id == "" {
		return
	}
	o := event.Order{ID: id, Status: orderStatus(s.in, s.takeMapped("order_status"))}
	if code, ok := money.Code(s.takeMapped("currency")); ok {
		o.Currency = code
	}
	for _, sum := range []struct {
		name string
		into *string
	}{{"total", &o.Total}, {"shipping", &o.Shipping}} {
		text := s.takeMapped(sum.name)
		if *sum.into = s.in.amount(text, o.Currency); *sum.into == "" {
			attribute(ev, sum.name+"_unread", text)
		}
	}
	ev.Kind, ev.Order = event.OrderChange, &o
}

// orderStatus translates a source's word; an unknown or missing one is the
// source's default.
func orderStatus(in *intake, word string) string {
	if status, ok := in.d.Source.Orders.Map[word]; ok {
		return status
	}
	for _, mine := range slices.Sorted(maps.Keys(in.d.Source.Orders.Map)) {
		if strings.EqualFold(mine, word) { // PAID and paid are one word
			return in.d.Source.Orders.Map[mine]
		}
	}
	if small := strings.ToLower(word); event.StatusRank(small) >= 0 {
		return small
	}
	if in.d.Source.OrderStatus != "" {
		return in.d.Source.OrderStatus
	}
	return event.StatusNew
}

// amount reads money as forms write it ("8270", "8 270,50 руб."); empty for what
// is no amount. Nothing is guessed: a text with two kinds of separators, or with
// a comma before exactly three digits, is refused.
func (in *intake) amount(text, currency string) string {
	if currency == "" {
		currency = in.currency()
	}
	text = strings.TrimRightFunc(strings.TrimSpace(text), func(r rune) bool { return !unicode.IsDigit(r) })
	text = strings.TrimLeftFunc(text, func(r rune) bool { return unicode.Is(unicode.Sc, r) }) // $8270.00
	comma := strings.Contains(text, ",")
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return -1
		case r == ',':
			return '.'
		default:
			return r
		}
	}, text)
	a, err := money.Parse(text, currency)
	if comma && len(text)-strings.IndexByte(text, '.') == 4 {
		return ""
	}
	if err != nil {
		return ""
	}
	return money.Decimal(a.Minor, currency)
}

// consents applies the source's rules. A box that is not ticked is not sent, so
// an absent or empty field says nothing at all; an explicit no is a withdrawal.
func (s *fieldSet) consents() []event.Consent {
	var list []event.Consent
	for _, rule := range s.in.d.Source.Consents {
		given, stated := rule.Always, rule.Always
		evidence := "form of source " + s.in.d.Source.Name
		if !rule.Always {
			for _, f := range s.named(rule.Field) {
				for _, text := range texts(f.value) {
					no := negative(text)
					yes := !no
					if rule.Equals != "" {
						yes = strings.EqualFold(text, strings.TrimSpace(rule.Equals))
						no = no && !yes
					}
					given, stated = given || yes, stated || yes || no
				}
			}
			evidence += ", field " + rule.Field
		}
		if stated {
			list = append(list, event.Consent{Purpose: rule.Purpose, Given: given, TextVersion: rule.TextVersion, Evidence: evidence})
		}
	}
	return list
}

func negative(text string) bool {
	switch strings.ToLower(text) {
	case "no", "off", "false", "0", "нет":
		return true
	default:
		return false
	}
}
