package webhook_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/webhook"
)

// decodeRow decodes a row of an inbox source under a configuration.
func decodeRow(t *testing.T, yaml, source string, row webhook.SheetRow) webhook.Decoded {
	t.Helper()
	cfg, err := config.Parse([]byte(yaml))
	if err != nil {
		t.Fatal(err)
	}
	from, ok := cfg.SourceNamed(source)
	if !ok {
		t.Fatalf("no source %s", source)
	}
	body, err := row.Body()
	if err != nil {
		t.Fatal(err)
	}
	return webhook.Decode(cfg, webhook.Delivery{Source: from, ContentType: "application/json", Body: body, ReceivedAt: received})
}

func orderRow(status, returned, word string) webhook.SheetRow {
	return webhook.SheetRow{
		ID: strings.Repeat("ab", 16), Ref: "7", Named: true, Rows: [][]string{{"7"}}, Status: word,
		Event: &event.Event{Kind: event.OrderChange, Client: event.Client{Phone: "89162220001"}, Order: &event.Order{ID: "7", Status: status, Total: "100.00", Returned: returned}},
	}
}

func TestStatusOfARow(t *testing.T) {
	const words = "sources: [{name: inbox-orders, kind: spreadsheet, orders: {Думает: new, 'Выдан  частично': shipped}}]"
	for _, tt := range []struct {
		name, yaml             string
		status, returned, word string
		want                   string
	}{
		{"known everywhere", "", "paid", "", "Оплачен", "paid"},
		{"the source's word goes first", "sources: [{name: inbox-orders, kind: spreadsheet, orders: {оплачен: completed}}]", "paid", "", "Оплачен", "completed"},
		{"known to the source alone", words, "", "", "думает", "new"},
		{"blanks do not matter", words, "", "", "ВЫДАН ЧАСТИЧНО", "shipped"},
		{"known to nobody", words, "", "", "кто знает", ""},
		{"not told, with a rule", "sources: [{name: inbox-orders, kind: spreadsheet, order_status: completed}]", "paid", "", "", "completed"},
		{"a part came back", words, "", "30.00", "Выдан частично", "returned 30.00"},
		{"a new order has no return", words, "", "30.00", "Думает", "new"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out := decodeRow(t, tt.yaml, "inbox-orders", orderRow(tt.status, tt.returned, tt.word))
			got := ""
			if out.Failure == nil {
				o := out.Events[0].Order
				got = strings.TrimSpace(o.Status + " " + o.Returned)
			} else if out.Failure.Reason != webhook.ReasonRowStatus || strings.Contains(out.Failure.Detail, tt.word) {
				t.Errorf("failure %+v", out.Failure)
			}
			if got != tt.want {
				t.Errorf("status = %q, want %q", got, tt.want)
			}
		})
	}
}

func TestARowThatCouldNotBeReadKeepsItsReason(t *testing.T) {
	out := decodeRow(t, "", "inbox-leads", webhook.SheetRow{ID: "x", Rows: [][]string{{"?"}}, Fault: &webhook.SheetFault{Reason: "row_date", Detail: "not a date"}})
	if out.Failure == nil || out.Failure.Reason != "row_date" || out.Failure.Detail != "not a date" {
		t.Errorf("decoded = %+v", out)
	}
}

// TestALeadOfASystemIsOneLeadInEveryExport: what may change in the next export is
// a statement of its own.
func TestALeadOfASystemIsOneLeadInEveryExport(t *testing.T) {
	row := func(id, stage string) webhook.SheetRow {
		return webhook.SheetRow{
			ID: strings.Repeat(id, 16), Ref: "5", Named: true, Rows: [][]string{{"5"}},
			Event: &event.Event{Kind: event.Lead, Client: event.Client{Phone: "89162220001", Name: "Anna"}, Stage: stage, Manager: "olga"},
		}
	}
	first, second := decodeRow(t, "", "inbox-leads", row("ab", "")), decodeRow(t, "", "inbox-leads", row("cd", "won"))
	if diff := cmp.Diff(first.Events[0], second.Events[0]); diff != "" {
		t.Errorf("the lead differs:\n%s", diff)
	}
	if c := decodeRow(t, "", "inbox-leads", row("ef", "thinks")).Events[1]; c.Kind != event.Profile || c.Stage != "" || c.Attributes["stage"] != "thinks" {
		t.Errorf("a word that is no stage: %+v", c)
	}
	if a, b := first.Events[1], second.Events[1]; a.Kind != event.Profile || b.Kind != event.Stage || a.ID == b.ID || b.Stage != "won" || b.Client.Name != "Anna" {
		t.Errorf("what has become of it: %+v, %+v", a, b)
	}
}
