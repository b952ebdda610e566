package audience_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/audience"
	"github.com/leadlake/leadlake/lib/identity"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// folder is an Output per name, kept in memory.
type folder struct {
	files     map[string]*memoryFile
	order     []string // names in the order of Commit
	failWrite string
}

type memoryFile struct {
	bytes.Buffer
	in                   *folder
	name                 string
	committed, discarded bool
}

var errDisk = errors.New("disk is full")

func newFolder() *folder { return &folder{files: map[string]*memoryFile{}} }

func (f *folder) create(name string) (audience.Output, error) {
	if f.files[name] != nil {
		return nil, fmt.Errorf("%s is created twice", name)
	}
	f.files[name] = &memoryFile{in: f, name: name}
	return f.files[name], nil
}

func (m *memoryFile) Write(b []byte) (int, error) {
	if m.in.failWrite == m.name {
		return 0, errDisk
	}
	return m.Buffer.Write(b)
}

func (m *memoryFile) Commit() error {
	m.committed = true
	m.in.order = append(m.in.order, m.name)
	return nil
}

func (m *memoryFile) Discard() { m.discarded = true }

func (f *folder) text(name string) string {
	if f.files[name] == nil || !f.files[name].committed {
		return ""
	}
	return f.files[name].String()
}

func request(platform string, hashed bool) audience.Request {
	return audience.Request{
		Run: "0123456789abcdef", AsOf: "2026-11-20", Segment: "asleep-coffee",
		Title: audience.Text{RU: "Уснувшие, кофе", EN: "Asleep coffee drinkers"}, Rule: `activity == "sleeping" && "coffee" in categories`,
		Platform: platform, Hashed: hashed, Purpose: "ads", Consent: "form text 2026-03", ExpiresDay: "2026-12-04",
	}
}

// list is a sequence of contacts.
func list(contacts ...audience.Contact) iter.Seq2[audience.Contact, error] {
	return func(yield func(audience.Contact, error) bool) {
		for _, c := range contacts {
			if !yield(c, nil) {
				return
			}
		}
	}
}

// crowd makes n contacts with one phone and, every second of them, one e-mail.
func crowd(n int) []audience.Contact {
	contacts := make([]audience.Contact, n)
	for i := range contacts {
		c := audience.Contact{
			ClientID: fmt.Sprintf("p%026d", i), Phones: []identity.Phone{identity.Phone(fmt.Sprintf("+7900%07d", i))},
			FirstName: "Анна", LastName: "Ёлкина-Петрова", City: "Москва", BirthDay: "1990-02-01", Signals: i%3 == 0,
			Fields: map[string]string{"manager": "olga"},
		}
		if i%2 == 0 {
			c.Emails = []identity.Email{identity.Email(fmt.Sprintf("client.%d+a@gmail.com", i))}
		}
		contacts[i] = c
	}
	return contacts
}

func mustWrite(t *testing.T, req audience.Request, contacts iter.Seq2[audience.Contact, error]) (audience.Manifest, *folder) {
	t.Helper()
	out := newFolder()
	manifest, err := audience.Write(req, contacts, out.create)
	if err != nil {
		t.Fatalf("Write: %v", err)
	}
	if err := followsSchema(t, out.text(audience.ManifestName)); err != nil {
		t.Fatalf("the manifest of %s breaks the published schema: %v", req.Platform, err)
	}
	return manifest, out
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", filepath.FromSlash(name))
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got); -update after a deliberate change:\n%s", name, diff)
	}
}
