package lake_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/lake"
)

// Every field that a sender can fill counts, but for the id and what the
// configuration adds; a field that is added to events is met here.
func TestEveryStatedFieldIsInTheContentHash(t *testing.T) {
	seen := map[int64]string{lake.ContentHash(&event.Event{}): "nothing"}
	var walk func(v reflect.Value, path string, ev *event.Event)
	walk = func(v reflect.Value, path string, ev *event.Event) {
		differs := func() {
			hash := lake.ContentHash(ev)
			if other, ok := seen[hash]; ok {
				t.Errorf("%s and %s have one hash", path, other)
			}
			if again := lake.ContentHash(ev); again != hash {
				t.Errorf("%s has two hashes", path)
			}
			seen[hash] = path
		}
		switch v.Kind() {
		case reflect.String:
			v.SetString("x")
			differs()
			v.SetString("")
		case reflect.Bool:
			v.SetBool(true)
			differs()
			v.SetBool(false)
		case reflect.Pointer:
			v.Set(reflect.New(v.Type().Elem()))
			differs()
			walk(v.Elem(), path, ev)
			v.SetZero()
		case reflect.Slice:
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
			differs()
			walk(v.Index(0), path+"[0]", ev)
			v.SetZero()
		case reflect.Map:
			v.Set(reflect.ValueOf(map[string]string{"a": "1", "b": "2"}))
			differs()
			v.Set(reflect.ValueOf(map[string]string{"a": "1", "b": "3"}))
			differs()
			v.SetZero()
		case reflect.Struct:
			if v.Type() == reflect.TypeFor[time.Time]() {
				v.Set(reflect.ValueOf(noon))
				differs()
				v.Set(reflect.ValueOf(noon.Add(time.Nanosecond)))
				differs()
				v.SetZero()
				return
			}
			for i := range v.NumField() {
				name := v.Type().Field(i).Name
				if path == "" && (name == "ID" || name == "DerivedID" || name == "SenderOrders" || name == "EstimatedAt") {
					continue
				}
				walk(v.Field(i), path+"."+name, ev)
			}
		default:
			t.Errorf("%s: a kind of field that has no hash: %s", path, v.Kind())
		}
	}
	var ev event.Event
	walk(reflect.ValueOf(&ev).Elem(), "", &ev)
	if len(seen) < 80 {
		t.Errorf("only %d statements were told apart", len(seen))
	}
	same := event.Event{ID: "x", DerivedID: true, SenderOrders: true}
	if seen[lake.ContentHash(&same)] != "nothing" {
		t.Error("the id or the configuration counts")
	}
	guessed := event.Event{At: noon, EstimatedAt: true}
	if seen[lake.ContentHash(&guessed)] != "nothing" {
		t.Error("a time that differs with every attempt counts")
	}
}

// Hashes are kept in the ledger for 35 days: they may never change.
func TestContentHashesStay(t *testing.T) {
	ev := event.Event{
		Kind: event.Lead, At: noon, Client: event.Client{Phone: anna, Name: "Анна"}, Tags: []string{"a", "b"},
		Attributes: map[string]string{"pet": "dog", "city": "Москва"}, Consents: []event.Consent{{Purpose: "ads", Given: true}},
	}
	if got := lake.ContentHash(&ev); got != 2481790003961497059 {
		t.Errorf("hash %d, want another: events of before this change would come twice", got)
	}
}
