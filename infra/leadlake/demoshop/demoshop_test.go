package demoshop_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/infra/leadlake/demoshop"
	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/identity/phone"
)

// posts are made once for all tests; nobody changes them.
var posts = sync.OnceValue(func() []demoshop.Post { return slices.Collect(demoshop.Deliveries(demoshop.Seed)) })

var counted = sync.OnceValues(func() (demoshop.Count, error) {
	return demoshop.CountPosts(slices.Values(posts()), demoshop.AsOf)
})

func configuration(t *testing.T) *config.Config {
	t.Helper()
	cfg, err := config.Parse(demoshop.Config())
	if err != nil {
		t.Fatalf("Parse(Config()) = %v", err)
	}
	return cfg
}

func fingerprint(posts []demoshop.Post) string {
	hash := sha256.New()
	for _, p := range posts {
		fmt.Fprintf(hash, "%q %q %q %q %q %q %q %q %q\n", p.Source, p.Suffix, p.Query, p.Method, p.ContentType, p.Note, p.Outcome, p.Reason, p.Body)
		for _, key := range slices.Sorted(maps.Keys(p.Header)) {
			fmt.Fprintf(hash, "%q %q\n", key, p.Header[key])
		}
	}
	return hex.EncodeToString(hash.Sum(nil))
}

func TestSameSeedMakesTheSameBytes(t *testing.T) {
	first := fingerprint(posts())
	if again := fingerprint(slices.Collect(demoshop.Deliveries(demoshop.Seed))); again != first {
		t.Errorf("second run has fingerprint %s, want %s", again, first)
	}
	if other := fingerprint(slices.Collect(demoshop.Deliveries(7))); other == first {
		t.Error("seed 7 makes the shop of the default seed")
	}
}

func TestDeliveriesMayBeLeftEarly(t *testing.T) {
	n := 0
	for range demoshop.Deliveries(demoshop.Seed) {
		if n++; n == 3 {
			break
		}
	}
	if n != 3 {
		t.Errorf("took %d posts, want 3", n)
	}
}

func TestEverySourceAndExportIsConfigured(t *testing.T) {
	cfg := configuration(t)
	used := map[string]bool{}
	for _, p := range posts() {
		used[p.Source] = true
		source, ok := cfg.SourceNamed(p.Source)
		if !ok {
			t.Fatalf("post to %q, which is not configured", p.Source)
		}
		if len(source.Secrets) > 0 {
			t.Errorf("source %s wants a secret; the demo has none", p.Source)
		}
	}
	if len(used) != len(cfg.Sources) {
		t.Errorf("posts go to %d sources, %d are configured", len(used), len(cfg.Sources))
	}
	known := []string{demoshop.AllBuyers}
	count, err := counted()
	if err != nil {
		t.Fatal(err)
	}
	known = slices.AppendSeq(known, maps.Keys(count.Segments))
	for _, export := range cfg.Exports {
		if !slices.Contains(known, export.Segment) {
			t.Errorf("export of %s, which is neither configured nor in the playbook", export.Segment)
		}
	}
}

// seen is what the native posts say, read by the product's own parser.
type seen struct {
	arrays, singles map[event.Kind]int
	statuses        map[string]int
	channels        map[string]int
	phones          map[string]map[string]bool // number → names
	emails          map[string]map[string]bool // number → addresses told beside it
	ids             map[string]bool
	events          int
}

// read is done once: the parser takes its time over 60 MB.
var read = sync.OnceValues(func() (*seen, error) {
	cfg, err := config.Parse(demoshop.Config())
	if err != nil {
		return nil, err
	}
	s := &seen{
		arrays: map[event.Kind]int{}, singles: map[event.Kind]int{}, statuses: map[string]int{}, channels: map[string]int{},
		phones: map[string]map[string]bool{}, emails: map[string]map[string]bool{}, ids: map[string]bool{},
	}
	noon, err := time.Parse(time.RFC3339, demoshop.AsOf+"T12:00:00+03:00")
	if err != nil {
		return nil, err
	}
	earliest := noon.AddDate(-2, 0, -7)
	for i, p := range posts() {
		source, _ := cfg.SourceNamed(p.Source)
		if p.Method != http.MethodPost || p.Note == "" || int64(len(p.Body)) > source.BodyLimit() || len(p.Body) > demoshop.MaxBytes {
			return nil, fmt.Errorf("post %d: method %s, note %q, %d bytes", i, p.Method, p.Note, len(p.Body))
		}
		if source.Kind != "json" || p.Outcome == demoshop.WasFailed {
			continue
		}
		values, err := event.ParseJSON(p.Body)
		if err != nil {
			return nil, fmt.Errorf("post %d (%s): %w", i, p.Note, err)
		}
		inArray := values[0].Type == event.Array
		if inArray {
			values = values[0].Items
		}
		if len(values) == 0 || len(values) > demoshop.MaxEvents {
			return nil, fmt.Errorf("post %d holds %d events, want 1…%d", i, len(values), demoshop.MaxEvents)
		}
		for _, v := range values {
			if v.Get("kind").Type == event.Null {
				continue // a flat lead; webhook reads it
			}
			ev, faults := event.FromJSON(v, "", cfg.Defaults(source))
			if len(faults) > 0 {
				return nil, fmt.Errorf("post %d (%s): %v", i, p.Note, faults)
			}
			if ev.ID == "" || ev.At.Before(earliest) || !ev.At.Before(noon) {
				return nil, fmt.Errorf("post %d (%s): event %q of %s", i, p.Note, ev.ID, ev.At)
			}
			if err := s.add(ev, inArray); err != nil {
				return nil, err
			}
		}
	}
	return s, nil
})

func (s *seen) add(ev event.Event, inArray bool) error {
	if s.ids[ev.ID] {
		return nil
	}
	s.ids[ev.ID] = true
	s.events++
	if inArray {
		s.arrays[ev.Kind]++
	} else {
		s.singles[ev.Kind]++
	}
	if ev.Order != nil {
		s.statuses[ev.Order.Status]++
	}
	if ev.Contact != nil {
		s.channels[ev.Contact.Channel]++
	}
	for _, typed := range ev.Client.AllPhones() {
		number, ok := phone.Parser{}.Parse(typed, "RU")
		if !ok || number.Junk() {
			return fmt.Errorf("event %s: a phone that no client can be known by", ev.ID)
		}
		if s.phones[string(number)] == nil {
			s.phones[string(number)], s.emails[string(number)] = map[string]bool{}, map[string]bool{}
		}
		if ev.Client.Name != "" {
			s.phones[string(number)][ev.Client.Name] = true
		}
		for _, email := range ev.Client.AllEmails() {
			s.emails[string(number)][strings.ToLower(email)] = true
		}
	}
	return nil
}

func TestNativePostsAreValidAndOfEveryKind(t *testing.T) {
	s, err := read()
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range event.Kinds() {
		if kind == event.Erase {
			continue // the demo keeps its people
		}
		if s.singles[kind] == 0 {
			t.Errorf("no single post of kind %s", kind)
		}
		if s.arrays[kind] == 0 {
			t.Errorf("no array holds kind %s", kind)
		}
	}
	for _, status := range []string{"new", "paid", "shipped", "completed", "cancelled", "returned"} {
		if s.statuses[status] < 500 {
			t.Errorf("status %s is stated %d times, want 500 or more", status, s.statuses[status])
		}
	}
	for _, channel := range []string{"call", "chat", "review"} {
		if s.channels[channel] == 0 {
			t.Errorf("no contact by %s", channel)
		}
	}
}

func TestOnlyFamiliesShareAPhone(t *testing.T) {
	s, err := read()
	if err != nil {
		t.Fatal(err)
	}
	shared := 0
	for number, emails := range s.emails {
		if len(emails) > 2 {
			t.Errorf("a phone of %d addresses, want at most 2", len(emails))
		}
		if len(emails) == 2 {
			shared++
		}
		if names := len(s.phones[number]); names > 10 {
			t.Errorf("a phone of %d names: max_shared would make it link nothing", names)
		}
	}
	// Not every member of a family has an address, or told it beside the phone.
	if shared == 0 || shared > demoshop.Families {
		t.Errorf("%d phones stand beside two addresses, want 1…%d", shared, demoshop.Families)
	}
}

func TestBrokenPostsFailForTheirReason(t *testing.T) {
	cfg := configuration(t)
	reasons := map[string]int{}
	for _, p := range posts() {
		if p.Outcome != demoshop.WasFailed {
			continue
		}
		reasons[p.Reason]++
		values, err := event.ParseJSON(p.Body)
		switch p.Reason {
		case "malformed_json":
			if !errors.Is(err, event.ErrMalformed) {
				t.Errorf("%s: %v, want ErrMalformed", p.Note, err)
			}
		case "duplicate_key":
			if !errors.Is(err, event.ErrDuplicate) {
				t.Errorf("%s: %v, want ErrDuplicate", p.Note, err)
			}
		case "empty_body":
			if len(p.Body) != 0 {
				t.Errorf("%s: body of %d bytes", p.Note, len(p.Body))
			}
		case "invalid_event":
			if err != nil {
				t.Fatalf("%s: %v", p.Note, err)
			}
			_, faults := event.FromJSON(values[0], "", cfg.Defaults(config.Source{}))
			want := 1
			if strings.Contains(p.Note, "several") {
				want = 3 // the time, the status, the total
			}
			if len(faults) != want {
				t.Errorf("%s: %d faults, want %d", p.Note, len(faults), want)
			}
		default:
			t.Errorf("%s: unknown reason %q", p.Note, p.Reason)
		}
	}
	want := map[string]int{"malformed_json": 1, "duplicate_key": 2, "invalid_event": 2, "empty_body": 1}
	if diff := cmp.Diff(want, reasons); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
}

func TestEveryWayToPostALeadIsShown(t *testing.T) {
	types := map[string]bool{}
	for _, p := range posts() {
		media, _, _ := strings.Cut(p.ContentType, ";")
		types[p.Source+" "+media] = true
		if strings.Contains(p.ContentType, "windows-1251") && bytes.Contains(p.Body, []byte("%D0%90")) {
			t.Error("the windows-1251 form is UTF-8")
		}
	}
	for _, want := range []string{
		"landing application/x-www-form-urlencoded", "landing multipart/form-data", "landing text/plain",
		"forms application/x-www-form-urlencoded", "site application/json", "site application/x-ndjson", "crm application/json",
	} {
		if !types[want] {
			t.Errorf("no post %s", want)
		}
	}
}

func TestTheShopIsAsLargeAsItShouldBe(t *testing.T) {
	c, err := counted()
	if err != nil {
		t.Fatal(err)
	}
	s, err := read()
	if err != nil {
		t.Fatal(err)
	}
	between := func(name string, got, low, high int) {
		t.Helper()
		if got < low || got > high {
			t.Errorf("%s = %d, want %d…%d", name, got, low, high)
		}
	}
	between("orders", c.Orders, 57_000, 64_000)
	between("purchases", c.Purchases, 54_000, 61_000)
	between("buyers", c.Buyers, 14_300, 15_000)
	between("clients", c.Clients, 17_700, 18_800)
	between("leads", c.Leads, 9_000, 13_000)
	between("anonymous purchases", c.AnonymousPurchases, 100, 600)
	between("cancelled per 1000 orders", s.statuses["cancelled"]*1000/c.Orders, 20, 50)
	between("returned per 1000 orders", s.statuses["returned"]*1000/c.Orders, 20, 45)
	between("consents given per 100 clients", c.ConsentGiven*100/c.Clients, 60, 75)
	between("consents withdrawn", c.ConsentWithdrawn, 300, 900)
	between("buyers' phones with consent", c.AdBuyerPhones, 2_000, 15_000) // VK takes 2 000 lines of each
	between("buyers' addresses with consent", c.AdBuyerEmails, 2_000, 15_000)
	between("small segment", c.Segments[demoshop.SmallSegment], 1, 150) // with consents fewer than the 100 of Yandex
	if len(c.Codes) != 27 {
		t.Errorf("%d RFM codes are inhabited, want 27", len(c.Codes))
	}
	for segment, n := range c.Segments {
		between("segment "+segment, n, 50, 4_000)
	}
	if c.OtherMinor["EUR"] == 0 || len(c.OtherMinor) != 1 {
		t.Errorf("other currencies = %v, want euros alone", c.OtherMinor)
	}
}
