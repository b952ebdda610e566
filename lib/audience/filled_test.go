package audience_test

import (
	"errors"
	"reflect"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/audience"
)

// fillFrom gives contacts to WriteFilled as one does who keeps none of them: lists are
// appended to, and what a contact has not is not touched.
func fillFrom(contacts []audience.Contact, asked *int) func(next func() *audience.Contact) error {
	return func(next func() *audience.Contact) error {
		for i := range contacts {
			slot := next()
			*asked++
			if slot == nil {
				return nil
			}
			to, from := reflect.ValueOf(slot).Elem(), reflect.ValueOf(contacts[i])
			for f := range from.NumField() {
				switch value := from.Field(f); {
				case value.IsZero():
				case value.Kind() == reflect.Slice:
					to.Field(f).Set(reflect.AppendSlice(to.Field(f), value))
				default:
					to.Field(f).Set(value)
				}
			}
		}
		return nil
	}
}

func TestFilledContactsGiveTheFilesOfContactsGiven(t *testing.T) {
	// More contacts than there are slots, and few values after many, so that a slot
	// that was not emptied would show.
	contacts := rich(7000)
	for i := 3500; i < len(contacts); i++ {
		contacts[i] = audience.Contact{ClientID: contacts[i].ClientID, Phones: contacts[i].Phones, Excluded: contacts[i].Excluded}
		if i%10 == 0 {
			contacts[i] = audience.Contact{ClientID: contacts[i].ClientID}
		}
		if i%7 == 0 {
			contacts[i].Phones = contacts[0].Phones // there already
		}
	}
	for _, k := range kinds {
		want, given := mustWrite(t, request(k.platform, k.hashed), list(contacts...))
		filled, asked := newFolder(), 0
		got, err := audience.WriteFilled([]audience.Job{{Request: request(k.platform, k.hashed), Create: filled.create}}, fillFrom(contacts, &asked))
		if err != nil || asked != len(contacts) {
			t.Fatalf("%v: %v after %d contacts", k, err, asked)
		}
		if diff := cmp.Diff(want, got[0]); diff != "" {
			t.Errorf("%v: manifest given and filled (-given +filled):\n%s", k, diff)
		}
		for _, name := range given.order {
			if given.text(name) != filled.text(name) {
				t.Errorf("%v: %s differs", k, name)
			}
		}
	}
}

func TestBytesDoNotDependOnTheProcessors(t *testing.T) {
	contacts := rich(4000)
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	for _, k := range kinds {
		runtime.GOMAXPROCS(1)
		one, alone := mustWrite(t, request(k.platform, k.hashed), list(contacts...))
		for _, processors := range []int{2, 5} {
			runtime.GOMAXPROCS(processors)
			many, crowded := mustWrite(t, request(k.platform, k.hashed), list(contacts...))
			if diff := cmp.Diff(one, many); diff != "" {
				t.Errorf("%v: manifest of 1 and of %d processors:\n%s", k, processors, diff)
			}
			for _, name := range alone.order {
				if alone.text(name) != crowded.text(name) {
					t.Errorf("%v: %s differs with %d processors", k, name, processors)
				}
			}
		}
	}
}

func TestFillIsStoppedAndItsErrorsAreKept(t *testing.T) {
	contacts := crowd(40_000)
	out, asked := newFolder(), 0
	out.failWrite = "yandex_audience.csv"
	_, err := audience.WriteFilled([]audience.Job{{Request: request("yandex", true), Create: out.create}}, fillFrom(contacts, &asked))
	if !errors.Is(err, errDisk) {
		t.Errorf("a full disk: %v", err)
	}
	if asked == len(contacts) {
		t.Error("all contacts were asked for although nothing could be written")
	}
	broken := errors.New("no more")
	out = newFolder()
	_, err = audience.WriteFilled([]audience.Job{{Request: request("yandex", true), Create: out.create}}, func(next func() *audience.Contact) error {
		for i := range 1000 {
			*next() = contacts[i]
		}
		return broken
	})
	if !errors.Is(err, broken) {
		t.Errorf("fill fails: %v", err)
	}
	for name, file := range out.files {
		if file.committed || !file.discarded {
			t.Errorf("%s: committed %t, discarded %t after an error", name, file.committed, file.discarded)
		}
	}
}
