package logtest_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leadlake/leadlake/lib/identity"
	"github.com/leadlake/leadlake/lib/logtest"
)

// caught is a test that a logger may fail.
type caught struct {
	testing.TB

	mu     sync.Mutex
	faults []string
}

func (c *caught) Helper() {}

func (c *caught) Errorf(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = append(c.faults, fmt.Sprintf(format, args...))
}

type contact struct {
	Phone string
	Email string `json:"mail"`
}

type booking struct {
	ID      int
	Contact *contact
	Notes   map[string][]string
}

func TestALogLineWithPersonalDataFailsTheTest(t *testing.T) {
	refused := fmt.Errorf("store lead: %w", errors.New("row of 8 (916) 222-00-01 is taken"))
	client := "anna@kofe.ru"
	for name, say := range map[string]func(*slog.Logger){
		"a phone in an error":   func(l *slog.Logger) { l.Error("delivery not stored", "error", refused) },
		"in joined errors":      func(l *slog.Logger) { l.Error("delivery not stored", "error", errors.Join(io.EOF, refused)) },
		"an e-mail in a struct": func(l *slog.Logger) { l.Info("lead read", "contact", contact{Email: "anna@kofe.ru"}) },
		"deep in a struct":      func(l *slog.Logger) { l.Info("booked", "booking", booking{Contact: &contact{Phone: "+79162220001"}}) },
		"in a list of a map": func(l *slog.Logger) {
			l.Info("booked", "booking", booking{Notes: map[string][]string{"a": {"anna@kofe.ru"}}})
		},
		"a map's key":                func(l *slog.Logger) { l.Info("counted", "by", map[string]int{"89162220001": 2}) },
		"a key":                      func(l *slog.Logger) { l.Info("counted", slog.Int(client, 2)) },
		"the message":                func(l *slog.Logger) { l.Info("lead of 89162220001 stored") },
		"a Cyrillic name":            func(l *slog.Logger) { l.Debug("lead read", "name", "Анна Смирнова") },
		"a name that nobody planted": func(l *slog.Logger) { l.Debug("lead read", "name", "Гульнара") },
		"an accent":                  func(l *slog.Logger) { l.Debug("lead read", "name", "René") },
		"a group": func(l *slog.Logger) {
			l.Info("lead read", slog.Group("lead", slog.Group("client", slog.String("name", "Вера"))))
		},
		"a logger's own attribute": func(l *slog.Logger) { l.With("client", "anna@kofe.ru").Info("lead read") },
		"a logger's group":         func(l *slog.Logger) { l.WithGroup("lead").Info("read", "phone", "+375 29 123-45-67") },
		"a number":                 func(l *slog.Logger) { l.Info("lead read", "phone", 79162220001) },
		"a birth date":             func(l *slog.Logger) { l.Info("lead read", "born", "1990-02-01") },
		"a visitor's address":      func(l *slog.Logger) { l.Info("asked", "remote", "192.0.2.1:1234") },
		"bytes":                    func(l *slog.Logger) { l.Info("asked", "body", []byte("name=x&phone=89162220001")) },
		"an array of bytes":        func(l *slog.Logger) { l.Info("asked", "body", [12]byte([]byte("+79162220001"))) },
		"printed bytes":            func(l *slog.Logger) { l.Info("asked", "body", fmt.Sprintf("%d", []byte("89162220001"))) },
		"bytes in Go's own syntax": func(l *slog.Logger) { l.Info("asked", "body", fmt.Sprintf("%#v", []byte("anna@kofe.ru"))) },
		"hex":                      func(l *slog.Logger) { l.Info("asked", "body", hex.EncodeToString([]byte("anna@kofe.ru"))) },
		"a query":                  func(l *slog.Logger) { l.Info("asked", "query", "phone="+url.QueryEscape("+7 916 222-00-01")) },
		"a Cyrillic query":         func(l *slog.Logger) { l.Info("asked", "query", "name="+url.QueryEscape("Анна")) },
		"escapes":                  func(l *slog.Logger) { l.Info("asked", "name", fmt.Sprintf("%+q", "Анна")) },
		"JSON in a text":           func(l *slog.Logger) { l.Info("asked", "body", `{"client":{"phone":89162220001,"took_ms":1}}`) },
		"base64 of JSON with a number": func(l *slog.Logger) {
			l.Info("asked", "body", base64.StdEncoding.EncodeToString([]byte(`{"p":79162220001}`)))
		},
		"an e-mail split by its pieces": func(l *slog.Logger) {
			l.Info("asked", "who", []any{"x", map[string]any{"y": "почта: Anna@Kofe.RU"}})
		},
	} {
		c := &caught{TB: t}
		say(logtest.New(c))
		if len(c.faults) == 0 {
			t.Errorf("%s: nothing was noticed", name)
		}
	}
}

func TestWhatTheProgramsLogIsClean(t *testing.T) {
	key := identity.NewKey([]byte("a key of sixteen bytes"))
	phone, email := identity.Phone("+79162220001"), identity.Email("anna@kofe.ru")
	var out bytes.Buffer
	log := logtest.To(t, &out)
	log.Info("delivery stored", "source", "site-form", "key", strings.Repeat("0123456789abcdef", 4), "bytes", 79162220001, "events", 2)
	log.Info("clients resolved", "client", key.Phone(phone), "alias", key.Email(email), "reference", key.Reference("s", "1"))
	log.Info("redacted", "phone", phone, "email", email, "holder", struct{ Phones []identity.Phone }{[]identity.Phone{phone}})
	log.Info("waited", "wait_ms", 79162220001, "revenue_minor", 89162220001, "took", 79162220001*time.Nanosecond/1000, "at", time.Unix(1793523600, 123456789).UTC())
	log.Error("panicked", "stack", string(debug.Stack()), "error", fmt.Errorf("listen 127.0.0.1:45678: %w", io.EOF))
	if out.Len() == 0 || strings.Count(out.String(), "\n") != 5 {
		t.Errorf("the lines were not passed on: %s", out.String())
	}
}

func TestEachLevelIsChecked(t *testing.T) {
	for _, level := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
		c := &caught{TB: t}
		logtest.New(c).Log(t.Context(), level, "read", "who", "anna@kofe.ru")
		if len(c.faults) != 1 {
			t.Errorf("%v: %d faults, want 1", level, len(c.faults))
		}
	}
}

func TestLoggersMayBeUsedAtOnce(t *testing.T) {
	var out bytes.Buffer
	c := &caught{TB: t}
	log := logtest.To(c, &out)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for range 50 {
				log.With("worker", i).Info("read", "who", "anna@kofe.ru")
			}
		})
	}
	all.Wait()
	if len(c.faults) != 400 || strings.Count(out.String(), "\n") != 400 {
		t.Errorf("%d faults and %d lines, want 400 of each", len(c.faults), strings.Count(out.String(), "\n"))
	}
}

func TestTextsForPeopleMayBeInTheirLanguage(t *testing.T) {
	for _, text := range []string{
		"leadlake: запись не прочитана: строка 3, столбец «Телефон»\n",
		`{"type":"urn:leadlake:problem:no-contact","title":"Нет контакта","status":422}`,
		"",
	} {
		if faults := logtest.Check(text); faults != nil {
			t.Errorf("%q: %q", text, faults)
		}
	}
	for _, text := range []string{
		"leadlake: запись не прочитана: 8 (916) 222-00-01\n",
		`{"title":"Нет контакта","detail":"Анна Смирнова"}`,
		"first line\nsecond of anna@kofe.ru\n",
	} {
		if faults := logtest.Check(text); len(faults) == 0 {
			t.Errorf("%q is clean", text)
		}
	}
	// A log line is one by its level and message.
	if faults := logtest.Check(`{"time":"2026-11-22T07:20:00Z","level":"INFO","msg":"lead read","source":"сайт"}`); len(faults) != 1 {
		t.Errorf("a log line in another script: %q", faults)
	}
}

func TestExpectNamesTheText(t *testing.T) {
	c := &caught{TB: t}
	logtest.Expect(c, "the answer", "anna@kofe.ru")
	if len(c.faults) != 1 || !strings.Contains(c.faults[0], "the answer") || !strings.Contains(c.faults[0], "anna@kofe.ru") {
		t.Errorf("faults: %q", c.faults)
	}
}
