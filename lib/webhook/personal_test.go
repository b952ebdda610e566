package webhook_test

import (
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// said is what people write into any field of a form.
var said = []string{"+7 916 222-00-01", "anna@kofe.ru", "Анна Смирнова"}

const everyField = `{"id": "1", "kind": "order", "at": "2026-11-01T10:00:00Z", "entity": "e", "stage": "won",
"client": {"phone": "1", "phones": ["1"], "email": "1", "emails": ["1"], "external_id": "1", "external_ids": ["1"], "references": ["a:1"], "card_no": "1", "name": "n",
 "first_name": "n", "last_name": "n", "birth_date": "1990-03-04", "gender": "f", "city": "c", "country": "RU", "address": "a", "company": "c", "attributes": {"k": "v"}},
"order": {"id": "1", "status": "paid", "currency": "RUB", "total": "1.00", "shipping": "1.00", "returned": "1.00", "items": [{"sku": "1", "name": "n", "category": "c", "quantity": "1", "price": "1.00", "sum": "1.00"}]},
"contact": {"channel": "call", "direction": "in", "duration_s": 1, "answered": true, "rating": 5, "text": "t"},
"booking": {"id": "1", "status": "new", "from": "2026-11-01T10:00:00Z", "to": "2026-11-01T11:00:00Z"},
"cost": {"day": "2026-11-01", "source": "yandex", "amount": "1.00", "currency": "RUB", "clicks": 1},
"consents": [{"purpose": "ads", "given": true, "at": "2026-11-01T10:00:00Z", "text_version": "1", "evidence": "e"}],
"unsubscribe": {"channel": "email"}, "interests": ["i"], "tags": ["t"], "manager": "m", "attribution": {"utm_source": "u", "click_ids": {"yclid": "1"}, "referrer": "r", "landing": "l"},
"attributes": {"k": "v"}, "text": "t"}`

// A failure is stored beside the delivery, answered to the sender and counted in
// reports: whatever field a person's words end up in, it says which field, never
// the words. The server's own log and its problem documents are held to the same.
func TestNoFailureRepeatsWhatAPersonWrote(t *testing.T) {
	in := start(t, everyKind(t))
	failures := 0
	try := func(kind, contentType, suffix, body string) {
		in.send(t, "POST", "/in/"+kind+suffix, body, "Content-Type", contentType)
		if out := impersonal(t, in.decodeLast(t)); out.Failure != nil {
			failures++
		}
	}
	var native any
	if err := json.Unmarshal([]byte(everyField), &native); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"order", "lead", "stage", "contact", "booking", "profile", "consent", "unsubscribe", "cost", "erase"} {
		native.(map[string]any)["kind"] = kind
		for _, body := range changed(native) {
			try("json", jsonType, "", body)
		}
	}
	if failures < 100 {
		t.Errorf("%d of the native deliveries failed: the test does not test", failures)
	}
	for _, s := range samples(t) {
		if !s.posted() {
			continue
		}
		var body any
		switch {
		case json.Unmarshal([]byte(s.body), &body) == nil:
			for _, body := range changed(body) {
				try(s.kind(), s.ContentType, s.Suffix, body)
			}
		case strings.HasSuffix(s.File, ".form"):
			for _, body := range changedForm(s.body) {
				try(s.kind(), s.ContentType, s.Suffix, body)
			}
		default: // XML, multipart: what stands between two marks
			for i, r := range s.body {
				if r == '>' || r == '=' {
					for _, word := range said {
						try(s.kind(), s.ContentType, s.Suffix, s.body[:i+1]+word+s.body[i+1:])
					}
				}
			}
		}
	}
}

// changed is the document with each of its values, and each of its keys, replaced
// by what people write, one at a time.
func changed(document any) []string {
	var all []string
	write := func() {
		text, err := json.Marshal(document)
		if err != nil {
			panic(err)
		}
		all = append(all, string(text))
	}
	var walk func(value any, set func(any))
	walk = func(value any, set func(any)) {
		for _, word := range said {
			set(word)
			write()
			set([]any{map[string]any{word: word}})
			write()
		}
		set(value)
		switch v := value.(type) {
		case []any:
			for i, item := range v {
				walk(item, func(to any) { v[i] = to })
			}
		case map[string]any:
			for _, key := range slices.Sorted(maps.Keys(v)) {
				item := v[key]
				walk(item, func(to any) { v[key] = to })
				delete(v, key)
				for _, word := range said {
					v[word] = item
					write()
					delete(v, word)
				}
				v[key] = item
			}
		}
	}
	walk(document, func(to any) { document = to })
	return all
}

// changedForm is changed for a form.
func changedForm(form string) []string {
	var all []string
	pairs := strings.Split(form, "&")
	for i, pair := range pairs {
		key, value, _ := strings.Cut(pair, "=")
		for _, word := range said {
			word = url.QueryEscape(word)
			for _, to := range []string{key + "=" + word, word + "=" + value, word, key + "[" + word + "]=" + value, key + "=%zz" + word} {
				pairs[i] = to
				all = append(all, strings.Join(pairs, "&"))
			}
		}
		pairs[i] = pair
	}
	return all
}
