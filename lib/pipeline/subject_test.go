package pipeline_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/pipeline"
	"github.com/leadlake/leadlake/lib/schema"
)

// ask is the answer to a data-subject request, and the JSON of it.
func (w *world) ask(contact string) (pipeline.Subject, string) {
	w.Helper()
	s, err := w.Subject(w.Context(), contact)
	if err != nil {
		w.Fatal(err)
	}
	body, err := json.Marshal(s)
	if err != nil {
		w.Fatal(err)
	}
	return s, string(body)
}

// tells checks what a text says and does not say.
func tells(t *testing.T, what, text string, yes, no []string) {
	t.Helper()
	for i, marker := range yes {
		if !strings.Contains(text, marker) {
			t.Errorf("%s lacks marker %d of its person", what, i)
		}
	}
	for i, marker := range no {
		if strings.Contains(text, marker) {
			t.Errorf("%s tells marker %d of somebody else", what, i)
		}
	}
}

// plantAnna posts one person through every kind of delivery, and others around
// her: a colleague whose office phone she left once, and one in the same batches.
func plantAnna(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.post("site", "phone=8+(916)+555-01-01&name=Anna+Sorokina&email=Anna%40Kofe.ru&comment=window+table")
	w.post("site", "phone=89165550202&name=Boris+Lapin&email=boris@kofe.ru&comment=the+cellar")
	for i := range 12 { // more names than metrics.max_shared
		w.post("site", fmt.Sprintf("phone=84951234567&name=Colleague+%c&email=colleague%d@kofe.ru", 'A'+i, i))
	}
	w.post("till", `[{"id": "o1/paid", "kind": "order", "at": "2026-11-01T12:00:00+03:00", "client": {"phone": "+79165550101", "external_id": "C-77", "card_no": "5500 77"},
		"order": {"id": "o1", "status": "paid", "total": "300.00", "items": [{"sku": "SKU-9", "name": "Kettle", "category": "home", "quantity": "2", "sum": "300.00"}]}},
		{"id": "o2/paid", "kind": "order", "at": "2026-11-01T12:01:00+03:00", "client": {"phone": "+79165550202"}, "order": {"id": "o2", "status": "paid", "total": "777.00"}}]`)
	w.post("till", `{"id": "o1/back", "kind": "order", "at": "2026-11-01T12:30:00+03:00", "order": {"id": "o1", "status": "returned", "returned": "50.00"}}`)
	w.post("till", `{"id": "chat-1", "kind": "contact", "at": "2026-11-01T13:00:00+03:00", "client": {"email": "anna@kofe.ru", "phones": ["+74951234567"]}, "contact": {"channel": "chat", "direction": "in", "text": "the kettle whistles"}}`)
	w.post("crm", `{"id": "data-1", "kind": "profile", "at": "2026-11-01T13:10:00+03:00", "client": {"external_id": "C-77", "phone": "89165550101", "name": "Anna Sorokina", "birth_date": "1990-02-01", "address": "Lesnaya 5",
		"company": "Sorokina and Co", "attributes": {"pet": "parrot"}}, "manager": "olga"}`)
	w.post("crm", `{"id": "yes-1", "kind": "consent", "at": "2026-11-01T13:20:00+03:00", "client": {"phone": "+79165550101"}, "consents": [{"purpose": "sms", "given": true, "text_version": "v7", "evidence": "form 12"}]}`)
	w.post("crm", `{"id": "no-1", "kind": "unsubscribe", "at": "2026-11-01T13:30:00+03:00", "client": {"phone": "+79165550101"}, "unsubscribe": {"channel": "sms"}}`)
	w.post("crm", `{"id": "book-1", "kind": "booking", "at": "2026-11-01T13:40:00+03:00", "client": {"phone": "+79165550101"}, "booking": {"id": "B-5", "for": "2026-11-25T19:00:00+03:00", "status": "booked"}}`)
	w.post("till", `{"broken": "anna@kofe.ru", "note": "torn letter"`)
	w.post("till", `{"broken": "boris@kofe.ru", "note": "his letter"`)
	w.post("till", `{"kind": "order", "client": {"phone": "8 916 555-01-01"}, "note": "her line"}`+"\n"+`{"kind": "order", "client": {"phone": "8 916 555-02-02"}, "note": "his line"}`)
	w.compact()
	if _, err := w.store.Put(t.Context(), "inbox/done/leads/summer.csv", []byte("phone;note\n89165550101;her cell\n89165550202;his cell\n")); err != nil {
		t.Fatal(err)
	}
	w.now = at("2026-11-02T04:00:00Z")
	w.night("")
	w.export()
	w.post("till", `[{"id": "late-1", "kind": "profile", "at": "2026-11-02T05:00:00Z", "client": {"phone": "+79165550101", "city": "Tula"}}, {"id": "late-2", "kind": "profile", "at": "2026-11-02T05:00:00Z", "client": {"phone": "+79165550202", "city": "Perm"}}]`)
	w.compact()
	w.post("till", `[{"id": "wait-1", "kind": "profile", "client": {"phone": "+79165550101", "city": "Orel"}}, {"id": "wait-2", "kind": "profile", "client": {"phone": "+79165550202", "city": "Omsk"}}]`)
	return w
}

// ofAnna lists what only the answer to Anna may tell, and what only others' may.
func ofAnna() (yes, no []string) {
	yes = []string{
		"+79165550101", "anna@kofe.ru", "Anna Sorokina", "window table", "C-77", "5500 77", "Kettle", "SKU-9", "the kettle whistles", "1990-02-01", "Lesnaya 5",
		"Sorokina and Co", "parrot", "olga", "form 12", "v7", "B-5", "o1/back", "torn letter", "her line", "her cell", "Tula", "Orel", "+74951234567",
	}
	no = []string{
		"9165550202", "555-02-02", "boris@kofe.ru", "Lapin", "the cellar", "o2", "his letter", "his line", "his cell", "Perm", "Omsk", "Colleague", "colleague",
	}
	return yes, no
}

func TestSubjectTellsEverythingOfAPersonAndNothingOfOthers(t *testing.T) {
	w := plantAnna(t)
	s, text := w.ask("8 (916) 555 01 01")
	yes, no := ofAnna()
	tells(t, "the answer", text, yes, no)
	if len(s.Failed) != 2 || !s.Failed[0].Unsure == !s.Failed[1].Unsure {
		t.Errorf("failed = %d, want the torn one marked for a look and the line that could be taken apart", len(s.Failed))
	}
	waiting := 0
	for _, raw := range s.Raw {
		if raw.Outcome == "waiting" {
			waiting++
		}
		if raw.Untold != "" {
			t.Errorf("%s is not told although it can be taken apart", raw.Object)
		}
	}
	if waiting != 1 {
		t.Errorf("%d deliveries wait, want 1", waiting)
	}
	if !slices.IsSortedFunc(s.Chronology, func(a, b pipeline.TrailEvent) int { return a.At.Compare(b.At) }) || len(s.Chronology) != 8 {
		t.Errorf("%d events, want 8 in time order", len(s.Chronology))
	}
	// 300 paid, 50 came back, by a statement that names nobody.
	if len(s.Orders) != 1 || s.Orders[0].RevenueMinor != 250_00 || len(s.Orders[0].Statements) != 2 || len(s.Orders[0].Lines) != 1 || s.Orders[0].Lines[0].SumMinor != 300_00 {
		t.Errorf("orders = %+v", s.Orders)
	}
	states := map[string]string{}
	for _, c := range s.Consents.States {
		states[c.Purpose] = c.State
	}
	want := map[string]string{"processing": "unknown", "ads": "given", "email": "unknown", "sms": "withdrawn", "call": "unknown", "messenger": "unknown"}
	if diff := cmp.Diff(want, states); diff != "" || len(s.Consents.Statements) != 3 {
		t.Errorf("consents (%d statements): %s", len(s.Consents.Statements), diff)
	}
	if len(s.Night) != 1 || s.Night[0].Client.Orders != 1 || s.Night[0].ABC == nil || len(s.Night[0].Segments) == 0 {
		t.Errorf("the night tells %+v", s.Night)
	}
	if len(s.Audiences.Files) == 0 || len(s.Inbox) != 1 {
		t.Errorf("%d audience files and %d dropped files hold her", len(s.Audiences.Files), len(s.Inbox))
	}
	if len(s.Links) != len(s.Aliases) {
		t.Errorf("%d links hold %d identifiers together, want one fewer than there are", len(s.Links), len(s.Aliases)+1)
	}
	if len(s.Apart) != 1 || s.Apart[0].Why != schema.LinkShared {
		t.Errorf("apart = %+v, want the office phone", s.Apart)
	}
}

func TestSubjectIsFoundByEveryNameAndSpelling(t *testing.T) {
	w := plantAnna(t)
	strip := func(s pipeline.Subject) pipeline.Subject {
		s.Request, s.AskedBy = "", ""
		return s
	}
	first, _ := w.ask("+7 916 555-01-01")
	for i, name := range append([]string{"89165550101", " ANNA@kofe.RU ", "C-77", "550077", first.ClientID, strings.ToUpper(first.ClientID)}, first.Aliases...) {
		s, _ := w.ask(name)
		if diff := cmp.Diff(strip(first), strip(s)); diff != "" {
			t.Errorf("name %d gives another answer (%d bytes differ)", i, len(diff))
		}
		if again, _ := w.ask(name); again.Request != s.Request {
			t.Errorf("name %d: the same question at the same time has two requests", i)
		}
	}
	if before := w.objects(""); len(before) == 0 {
		t.Fatal("no store")
	} else if w.ask("C-77"); cmp.Diff(before, w.objects("")) != "" {
		t.Error("asking wrote something")
	}
}

func TestSubjectWorksBeforeTheFirstNight(t *testing.T) {
	w := newWorld(t)
	w.post("site", "phone=89165550101&name=Anna+Sorokina")
	w.post("site", "phone=89165550202&name=Boris+Lapin")
	s, text := w.ask("89165550101")
	tells(t, "before compaction the answer", text, []string{"Anna", "waiting"}, []string{"Boris", "9165550202"})
	if s.ClientID != "" || len(s.Raw) != 1 || len(s.Chronology) != 0 {
		t.Errorf("before compaction: client %q, %d raw, %d events", s.ClientID, len(s.Raw), len(s.Chronology))
	}
	w.compact()
	s, text = w.ask("89165550101")
	tells(t, "after compaction the answer", text, []string{"Anna Sorokina"}, []string{"Boris", "9165550202"})
	if s.ClientID == "" || len(s.Chronology) != 1 || s.Night != nil || len(s.Contacts.Phones) != 1 {
		t.Errorf("after compaction: client %q, %d events, night %v", s.ClientID, len(s.Chronology), s.Night)
	}
}

func TestSubjectKnowsNobody(t *testing.T) {
	w := newWorld(t)
	if _, err := w.Subject(t.Context(), "+79165550101"); !errors.Is(err, pipeline.ErrNobody) {
		t.Errorf("in an empty store: %v, want ErrNobody", err)
	}
	w = plantAnna(t)
	for _, name := range []string{"+79990000000", "nobody@kofe.ru", "p0123456789abcdefghjkmnpqrs", "C-770", "", "neither"} {
		_, err := w.Subject(t.Context(), name)
		if !errors.Is(err, pipeline.ErrNobody) {
			t.Errorf("%d characters: %v, want ErrNobody", len(name), err)
		} else if name != "" && strings.Contains(err.Error(), name) {
			t.Error("the error repeats the name")
		}
	}
}

func TestOneIdOfSeveralPeopleIsNotGuessed(t *testing.T) {
	w := newWorld(t)
	w.post("till", `{"id": "a", "kind": "profile", "client": {"external_id": "7", "name": "Anna"}}`)
	w.post("crm", `{"id": "b", "kind": "profile", "client": {"external_id": "7", "name": "Boris"}}`)
	w.compact()
	_, err := w.Subject(t.Context(), "7")
	if !errors.Is(err, pipeline.ErrSeveral) || strings.Count(err.Error(), ", ") != 1 {
		t.Errorf("one id in two systems: %v, want ErrSeveral with both clients", err)
	}
}

func TestAfterAnErasureSubjectKnowsNothing(t *testing.T) {
	w := plantAnna(t)
	first, _ := w.ask("anna@kofe.ru")
	report := w.erase("anna@kofe.ru")
	w.compact() // what waited is suppressed
	w.erase("") // and cut
	for _, name := range append([]string{"anna@kofe.ru", "89165550101", "C-77", first.ClientID}, first.Aliases...) {
		_, err := w.Subject(t.Context(), name)
		forgotten, ok := errors.AsType[*pipeline.ForgottenError](err)
		if !ok || !errors.Is(err, pipeline.ErrNobody) || forgotten.Request != report.Acts[0].Request {
			t.Errorf("after the erasure: %v, want its request", err)
		}
	}
	if _, text := w.ask("boris@kofe.ru"); !strings.Contains(text, "Lapin") || strings.Contains(text, "Sorokina") {
		t.Error("the other one is not complete, or tells of her")
	}
}

func TestSubjectNamesWhoDownloadedHim(t *testing.T) {
	w := plantAnna(t)
	s, _ := w.ask("C-77")
	file := s.Audiences.Files[0]
	if file.Segment == "" || file.Platform == "" || file.AsOf != "2026-11-01" {
		t.Errorf("file = %+v, want its segment, platform and day", file)
	}
	sum := sha256.Sum256([]byte(w.objects(file.Object)[file.Object]))
	for _, row := range []pipeline.AuditRow{
		{Who: "olga", Action: "download", Object: file.Object, SHA256: hex.EncodeToString(sum[:])},
		{Who: "ivan", Action: "download", Object: file.Object, SHA256: "other bytes"},
		{Who: "petr", Action: "sign_in", Object: file.Object},
	} {
		if err := w.Audit(t.Context(), row); err != nil {
			t.Fatal(err)
		}
	}
	s, _ = w.ask("C-77")
	if got := s.Audiences.Files[0].Downloads; len(got) != 1 || got[0].Who != "olga" {
		t.Errorf("downloads = %+v, want olga's", got)
	}
	if got := s.Audiences.Unknown; len(got) != 1 || got[0].Who != "ivan" {
		t.Errorf("unknown downloads = %+v, want ivan's: the bytes are gone", got)
	}
	if _, err := w.HandOver(t.Context(), pipeline.HandoverRequest{Segment: file.Segment, Platform: "csv", File: "contacts.csv", Who: "olga"}); err != nil {
		t.Fatal(err)
	}
	s, _ = w.ask("C-77")
	if got := s.Audiences.Given; len(got) != 1 || got[0].Segment != file.Segment || got[0].Platform != "csv" || got[0].SinceDay == "" {
		t.Errorf("given = %+v, want the row that was handed over just now", got)
	}
	if !slices.ContainsFunc(s.Notes, func(n pipeline.SubjectNote) bool { return n.Code == "downloads_unknown" }) {
		t.Errorf("notes = %+v, want that it is not kept who stood in a file that is gone", s.Notes)
	}
}

func TestSubjectTellsOfWishesToBeForgotten(t *testing.T) {
	w := newWorld(t)
	w.post("site", "phone=89165550101&name=Anna")
	w.post("till", `{"id": "e1", "kind": "erase", "client": {"phone": "+79165550101"}}`) // anybody may post there
	w.compact()
	s, _ := w.ask("89165550101")
	if len(s.Erasures) != 1 || s.Erasures[0].State != lake.ErasureUnverified || s.Erasures[0].By != "till" {
		t.Errorf("erasures = %+v, want the one that waits to be verified", s.Erasures)
	}
}

func TestAReadingIsAuditedWithoutItsPerson(t *testing.T) {
	w := plantAnna(t)
	s, _ := w.ask("C-77")
	if err := w.AuditSubject(t.Context(), pipeline.SubjectReading{Request: s.Request, By: "auditor", SHA256: "00", Rows: 8}); err != nil {
		t.Fatal(err)
	}
	if n, err := w.CheckAudit(t.Context()); err != nil || n == 0 {
		t.Errorf("audit: %d rows, %v", n, err)
	}
	yes, _ := ofAnna()
	for _, body := range w.objects(lake.AuditPrefix) {
		tells(t, "the audit chain", body, nil, append(yes, s.Aliases...))
		if strings.Contains(body, s.ClientID) {
			t.Error("the audit chain names the client")
		}
	}
	if err := w.AuditSubject(t.Context(), pipeline.SubjectReading{Request: "+79165550101"}); !errors.Is(err, pipeline.ErrAudit) {
		t.Errorf("a contact as the object of an audit row: %v, want it refused", err)
	}
}

// fill gives every field of a row a value of its own, and lists them.
func fill(v reflect.Value, seed *int) (markers []string) {
	*seed++
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
		when := time.Date(2026, 11, 1, 0, 0, *seed, 0, time.UTC)
		v.Set(reflect.ValueOf(when))
		return []string{when.Format(time.RFC3339)}
	case v.Kind() == reflect.Struct:
		for _, field := range v.Fields() {
			markers = append(markers, fill(field, seed)...)
		}
		return markers
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return fill(v.Elem(), seed)
	case v.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		return fill(v.Index(0), seed)
	case v.Kind() == reflect.String:
		v.SetString(fmt.Sprintf("mark%03d", *seed))
		return []string{fmt.Sprintf(`"mark%03d"`, *seed)}
	case v.Kind() == reflect.Int64:
		v.SetInt(int64(900000 + *seed))
		return []string{strconv.Itoa(900000 + *seed)}
	case v.Kind() == reflect.Float64:
		v.SetFloat(float64(800000 + *seed))
		return []string{strconv.Itoa(800000 + *seed)}
	case v.Kind() == reflect.Bool:
		v.SetBool(true)
		return nil
	}
	panic("a column of a kind that this test does not know: " + v.Type().String())
}

func TestSubjectTellsEveryColumnOfAnEvent(t *testing.T) {
	w := newWorld(t)
	w.post("site", "phone=89165550101")
	w.compact()
	token := w.events()[0].Tokens
	seed := 0
	event, contact := schema.EventRow{}, schema.ContactRow{}
	markers := append(fill(reflect.ValueOf(&event).Elem(), &seed), fill(reflect.ValueOf(&contact).Elem(), &seed)...)
	gone := append(slices.Clone(contact.Tokens), event.Tokens...)
	gone = append(gone, contact.EventID, contact.RawObject, contact.Source, contact.At.Format(time.RFC3339)) // told as the event's
	event.Tokens, contact.Tokens = token, token
	contact.EventID, contact.RawObject, contact.Source, contact.At = event.EventID, event.RawObject, event.Source, event.At
	put(w, lake.EventsPrefix, event)
	put(w, lake.ContactsPrefix, contact)
	_, text := w.ask("89165550101")
	for _, marker := range markers {
		if !slices.Contains(gone, strings.Trim(marker, `"`)) && !strings.Contains(text, strings.Trim(marker, `"`)) {
			t.Errorf("%s is not told", marker)
		}
	}
}

// put adds a row to a day object.
func put[T schema.Row](w *world, prefix string, row T) {
	w.Helper()
	day, err := lake.ReadDay[T](w.Context(), w.store, prefix, "2026-11-01")
	if err != nil {
		w.Fatal(err)
	}
	if err := day.Write(w.Context(), w.store, append(day.Rows, row), "test"); err != nil {
		w.Fatal(err)
	}
}
