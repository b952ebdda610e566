package main

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore/filestore"
	"github.com/leadlake/leadlake/lib/pipeline"
	"github.com/leadlake/leadlake/lib/schema"
)

// explained is what the tests read of `why -json`.
type explained struct {
	pipeline.Why

	Client map[string]any `json:"client"`
}

func TestWhyAgreesWithTheTables(t *testing.T) {
	data, _ := demo(t)
	store, err := filestore.OpenReadOnly(data)
	if err != nil {
		t.Fatal(err)
	}
	current, err := lake.Current(t.Context(), store)
	if err != nil {
		t.Fatal(err)
	}
	clients, err := lake.ReadRunTable[schema.ClientRow](t.Context(), store, current)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	buyers := slices.DeleteFunc(clients, func(c schema.ClientRow) bool { return c.R == nil })
	if len(buyers) == 0 {
		t.Fatal("the demo has no buyers")
	}
	classed := 0
	for i := 0; i < len(buyers); i += max(1, len(buyers)/12) {
		c := buyers[i]
		if c.XYZ != nil {
			classed++
		}
		o := callProgram(t, "", "why", "-data", data, "-json", c.ClientID)
		if o.status != exitDone {
			t.Fatal(o.stderr)
		}
		var got explained
		if err := json.Unmarshal([]byte(o.stdout), &got); err != nil {
			t.Fatal(err)
		}
		if got.Client["client_id"] != c.ClientID || got.Client["rfm_code"] != *c.RFMCode {
			t.Errorf("client = %v, want %s", got.Client["client_id"], c.ClientID)
		}
		purchases, revenue := int64(0), int64(0)
		for _, order := range got.Orders {
			if order.Purchase {
				purchases++
				if order.Currency == got.Currency {
					revenue += order.RevenueMinor
				}
			}
		}
		if purchases != c.Orders || revenue > c.RevenueMinor {
			t.Errorf("orders explain %d purchases and %d, the card has %d and %d", purchases, revenue, c.Orders, c.RevenueMinor)
		}
		var code strings.Builder
		for _, s := range got.Scores {
			above := int64(0)
			for _, bound := range s.Bounds {
				if float64(s.Value) > bound {
					above++
				}
			}
			want := 1 + above
			if s.Metric == "recency" {
				want = int64(s.Groups) - above
			}
			if s.Score != want || len(s.Bounds) != s.Groups-1 {
				t.Errorf("%s: value %d and bounds %v give %d, the card has %d", s.Metric, s.Value, s.Bounds, want, s.Score)
			}
			code.WriteString(strconv.FormatInt(s.Score, 10))
		}
		if code.String() != *c.RFMCode {
			t.Errorf("the scores say %s, the card %s", code.String(), *c.RFMCode)
		}
		if got.ABC == nil || got.ABC.Class != *c.ABC || got.ABC.Before < got.ABC.A != (got.ABC.Class == "A") {
			t.Errorf("abc = %+v, the card has %s", got.ABC, *c.ABC)
		}
		if (got.XYZ == nil || got.XYZ.Class == "") != (c.XYZ == nil) || c.XYZ != nil && (got.XYZ.Class != *c.XYZ || got.XYZ.CV <= got.XYZ.Y != (*c.XYZ != "Z") || got.XYZ.Least != 3) {
			t.Errorf("xyz = %+v, the card has %v", got.XYZ, c.XYZ)
		}
		if len(got.Segments) < 2 || got.Segments[0].SinceDay == "" {
			t.Errorf("segments = %+v, want the code's own and all buyers, with days", got.Segments)
		}
	}
	if classed == 0 {
		t.Error("nobody of the sample has a class of XYZ")
	}
}

func TestWhyTakesEveryNameOfAClientAndSpeaksBothLanguages(t *testing.T) {
	data, _ := demo(t)
	store, err := filestore.OpenReadOnly(data)
	if err != nil {
		t.Fatal(err)
	}
	people, err := lake.ReadTable[schema.PersonRow](t.Context(), store, lake.PeoplePrefix+"part-0000.parquet")
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(people.Rows, func(p schema.PersonRow) bool { return len(p.Phones) > 0 && len(p.Emails) > 0 && len(p.Tokens) > 1 })
	if i < 0 {
		t.Fatal("nobody in the demo has a phone and an e-mail")
	}
	person := people.Rows[i]
	want := callProgram(t, "", "why", "-data", data, "-lang", "ru", person.ClientID)
	if want.status != exitDone || !strings.Contains(want.stdout, "Клиент "+person.ClientID) || !strings.Contains(want.stdout, "Заказы") {
		t.Fatalf("outcome = %+v, want a text in Russian", want)
	}
	names := append([]string{person.Phones[0].Value, strings.ToUpper(person.Emails[0].Value)}, person.Tokens...)
	for n, name := range names {
		if got := callProgram(t, "", "why", "-data", data, "-lang", "ru", name); got.stdout != want.stdout {
			t.Errorf("name %d of the client gives another text (status %d)", n, got.status)
		}
	}
	for _, contact := range names[:2] {
		if strings.Contains(want.stdout, contact) {
			t.Error("the text shows a contact value")
		}
	}
	if en := callProgram(t, "", "why", "-data", data, "-lang", "en", person.ClientID); !strings.Contains(en.stdout, "Orders (") {
		t.Errorf("outcome = %+v, want a text in English", en)
	}
	for _, nobody := range []string{"+79990000000", "p0123456789abcdefghjkmnpqrs", "nobody"} {
		o := callProgram(t, "", "why", "-data", data, nobody)
		if o.status != exitFailed || strings.Contains(o.stderr, nobody) {
			t.Errorf("outcome = %+v, want a failure that does not repeat the name", o)
		}
	}
	if o := callProgram(t, "", "why", "-data", t.TempDir(), "nobody"); o.status != exitFailed || !strings.Contains(o.stderr, "-data") {
		t.Errorf("a folder that is no store: %+v", o)
	}
}
