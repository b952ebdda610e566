package pipeline_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/schema"
)

const systemsConfig = `
business: {timezone: Europe/Moscow, currency: RUB}
sources:
  - {name: tilda, kind: tilda, shop: main}
  - {name: retailcrm, kind: retailcrm, shop: main, orders: {complete: completed, "cancel-other": cancelled}}
  - {name: woocommerce, kind: woocommerce, shop: main}
  - {name: other, kind: tilda}
  - {name: calltouch, kind: calltouch, stages: {visited: visited}}
  - {name: amocrm, kind: amocrm, stages: {"142": won, "7": visited}}
`

// orders is every folded order by its key.
func (w *world) orders() map[string]schema.OrderRow {
	w.Helper()
	all := map[string]schema.OrderRow{}
	for key := range w.objects(lake.OrdersPrefix) {
		if !strings.HasSuffix(key, ".parquet") {
			continue
		}
		for _, row := range table[schema.OrderRow](w, key) {
			all[row.Shop+"/"+row.OrderID] = row
		}
	}
	return all
}

// A cart of the site, the CRM and the till speak about one order: it counts once,
// in the latest state, whatever the order in which they come and however often.
func TestSeveralSystemsOfAShopTellOneOrder(t *testing.T) {
	said := []struct{ source, body string }{
		{"tilda", "Name=Anna&Phone=89162220001&tranid=1:1&payment[orderid]=1001&payment[amount]=900&payment[products][0][name]=A&payment[products][0][amount]=900"},
		{"woocommerce", `{"id": 1001, "status": "processing", "currency": "RUB", "total": "900.00", "date_modified_gmt": "2026-11-01T10:00:00", "line_items": [], "billing": {"phone": "+79162220001"}}`},
		{"retailcrm", "external_id=1001&number=1001A&order_id=55&status=complete&phone=%2B79162220001&total=850&changed_at=2026-11-02+10:00:00"},
		{"other", "Name=Anna&Phone=89162220001&tranid=2:1&payment[orderid]=1001&payment[amount]=50"},
	}
	for _, reverse := range []bool{false, true} {
		t.Run(fmt.Sprintf("reverse %t", reverse), func(t *testing.T) {
			w := newWorld(t)
			w.configure(systemsConfig)
			all := slices.Clone(said)
			if reverse {
				slices.Reverse(all)
			}
			for round := range 3 { // redelivered over three days, across midnight
				for _, s := range all {
					w.post(s.source, s.body)
				}
				w.compact()
				w.now = w.now.Add(time.Duration(14+round) * time.Hour)
			}
			w.now = at("2026-11-04T09:00:00Z")
			w.night("")
			orders := w.orders()
			if len(orders) != 2 {
				t.Fatalf("%d orders, want main/1001 and other/1001", len(orders))
			}
			if o := orders["main/1001"]; o.TotalMinor != 85000 || !o.Purchase || o.Status != "completed" || len(o.Statements) != 3 {
				t.Errorf("order = %s %d purchase %t of %d statements, want completed 85000 of 3", o.Status, o.TotalMinor, o.Purchase, len(o.Statements))
			}
			if clients := rows[schema.ClientRow](w); len(clients) != 1 || clients[0].Orders != 1 || clients[0].RevenueMinor != 85000 {
				t.Errorf("clients: %d", len(clients))
			}
		})
	}
}

// Start, answer and end of a call are observations of one call; statuses of a deal
// are steps of one client.
func TestObservationsOfOneEntityFold(t *testing.T) {
	w := newWorld(t)
	w.configure(systemsConfig)
	for _, phase := range []string{"callconnected", "calldisconnected", "calldisconnected"} {
		w.post("calltouch", "callId=9&siteId=1&callphase="+phase+"&callerNumber=79162220001&timestamp=1793523600&duration=60&successful=true")
	}
	w.post("amocrm", "account[id]=1&leads[add][0][id]=5&leads[add][0][status_id]=7&leads[add][0][last_modified]=1793523600")
	w.post("amocrm", "account[id]=1&leads[update][0][id]=5&leads[update][0][status_id]=7&leads[update][0][last_modified]=1793523700")
	w.post("amocrm", "account[id]=1&leads[status][0][id]=5&leads[status][0][status_id]=142&leads[status][0][old_status_id]=7&leads[status][0][last_modified]=1793523800")
	w.post("amocrm", "account[id]=1&contacts[add][0][id]=6&contacts[add][0][name]=Anna&contacts[add][0][last_modified]=1793523900&contacts[add][0][linked_leads_id][5][ID]=5&contacts[add][0][custom_fields][0][code]=PHONE&contacts[add][0][custom_fields][0][values][0][value]=%2B79162220001")
	w.compact()
	calls := map[string]int{}
	for _, ev := range w.events() {
		if ev.Kind == "contact" {
			calls[ev.Entity]++
		}
	}
	if got := slices.Collect(maps.Values(calls)); !slices.Equal(got, []int{2}) {
		t.Errorf("observations by call: %v, want two of one call", calls)
	}
	w.now = w.now.AddDate(0, 0, 1)
	w.night("")
	clients := rows[schema.ClientRow](w)
	if len(clients) != 1 || clients[0].Stage == nil || *clients[0].Stage != "won" {
		t.Fatalf("%d clients, want one who has won", len(clients))
	}
}
