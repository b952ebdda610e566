package demoshop_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/infra/leadlake/demoshop"
)

func native(source, body string) demoshop.Post {
	return demoshop.Post{Source: source, Method: "POST", ContentType: "application/json", Body: []byte(body)}
}

// Three buyers as of 2026-01-31, worked by hand:
//
//	A (phone = e-mail by the lead): order 1 = 1000 − 100 shipping − 200 returned = 700 on 01-30,
//	  order 2 = 10 USD × 90 = 900 on 01-31. F 2, M 1600.00, R 0.
//	B: order 3 = 500 on 01-01, stated twice, the later total 400 holds. F 1, M 400, R 30.
//	C: order 4 = 50 EUR without a rate on 01-21. F 1, M 0, R 10. Order 5 cancelled, 6 returned whole.
//
// Thirds of R {0,10,30}: 6.67 and 16.67, so A 3, C 2, B 1. Of F {1,1,2}: 1 and 1.33, so A 3, others 1.
// Of M {0,40000,160000}: 26666.67 and 80000, so A 3, B 2, C 1.
func TestCountByHand(t *testing.T) {
	posts := []demoshop.Post{
		native("crm", `[
			{"id":"l1","kind":"lead","at":"2026-01-29T10:00:00+03:00","client":{"phone":"8 (907) 000-00-01","email":"A@box.example"},"consents":[{"purpose":"ads","given":true}]},
			{"id":"o1n","kind":"order","at":"2026-01-29T23:00:00+03:00","client":{"email":"a@box.example"},"order":{"id":"1","status":"new","total":"1000.00","shipping":"100.00"}},
			{"id":"o1p","kind":"order","at":"2026-01-30T00:10:00+03:00","order":{"id":"1","status":"paid"}},
			{"id":"o1r","kind":"order","at":"2026-01-31T09:00:00+03:00","order":{"id":"1","status":"returned","returned":"200"}},
			{"id":"o2","kind":"order","at":"2026-01-31T10:00:00+03:00","client":{"phone":"+79070000001"},"order":{"id":"2","status":"completed","currency":"USD","total":"10.00"}},
			{"id":"o3b","kind":"order","at":"2026-01-02T10:00:00+03:00","client":{"external_id":"B"},"order":{"id":"3","status":"completed","total":"400.00"}},
			{"id":"o3a","kind":"order","at":"2026-01-01T10:00:00+03:00","client":{"external_id":"B"},"order":{"id":"3","status":"paid","total":"500.00"}},
			{"id":"o4","kind":"order","at":"2026-01-21T10:00:00+03:00","client":{"card_no":"77 1"},"order":{"id":"4","status":"paid","currency":"EUR","total":"50.00"}},
			{"id":"o5","kind":"order","at":"2026-01-21T11:00:00+03:00","client":{"card_no":"771"},"order":{"id":"5","status":"paid","total":"70.00"}},
			{"id":"o5c","kind":"order","at":"2026-01-21T12:00:00+03:00","order":{"id":"5","status":"cancelled"}},
			{"id":"o6","kind":"order","at":"2026-01-21T11:30:00+03:00","client":{"card_no":"771"},"order":{"id":"6","status":"paid","total":"70.00"}},
			{"id":"o6r","kind":"order","at":"2026-01-22T12:00:00+03:00","order":{"id":"6","status":"returned"}},
			{"id":"o7","kind":"order","at":"2026-01-22T12:00:00+03:00","order":{"id":"7","status":"completed","total":"30.00"}}]`),
		native("crm", `{"id":"o1p","kind":"order","at":"2026-01-30T00:10:00+03:00","order":{"id":"1","status":"paid"}}`),
		native("crm", `{"id":"u1","kind":"unsubscribe","at":"2026-01-30T00:10:00+03:00","client":{"external_id":"B"}}`),
		native("costs", `{"id":"c1","kind":"cost","at":"2026-01-30T06:00:00+03:00","cost":{"day":"2026-01-29","source":"vk","amount":"10.50"}}`),
		native("costs", `{"id":"c2","kind":"cost","at":"2026-01-31T06:00:00+03:00","cost":{"day":"2026-01-29","source":"vk","amount":"9.50"}}`),
		native("site", `{"phone":"9070000002"}`),
		native("site", `{"phone":"9070000002"}`),
		native("site", `{"id":"x","id":"y","kind":"lead"}`),
		native("site", `{"id":"x","kind":"wish"}`),
		native("site", ``),
		native("site", `{`),
		{Source: "forms", Method: "POST", ContentType: "application/x-www-form-urlencoded", Body: []byte("test=test")},
		{Source: "forms", Method: "POST", ContentType: "application/x-www-form-urlencoded", Body: []byte("Phone=%2B7+907+000-00-03&tranid=1&Checkbox=yes")},
		{Source: "forms", Method: "POST", ContentType: "application/x-www-form-urlencoded", Body: []byte("tranid=1&Phone=%2B7+907+000-00-03&Checkbox=yes")},
	}
	got, err := demoshop.CountPosts(slices.Values(posts), "2026-01-31")
	if err != nil {
		t.Fatal(err)
	}
	want := demoshop.Count{
		Posts: 14, Deliveries: 6, Pings: 1, Duplicates: 3, Events: 18,
		Failed: map[string]int{"duplicate_key": 1, "invalid_event": 1, "empty_body": 1, "malformed_json": 1},
		Kinds:  map[string]int{"lead": 3, "order": 12, "unsubscribe": 1, "cost": 2},
		Leads:  3, Orders: 7, Purchases: 5, AnonymousPurchases: 1,
		Clients: 5, Buyers: 3, // A, B, C; the flat lead and Tilda's lead
		RevenueMinor: 1600_00 + 400_00 + 30_00, AnonymousRevenueMinor: 30_00,
		OtherMinor: map[string]int64{"EUR": 50_00}, CostMinor: 9_50,
		Codes: map[string]int{"333": 1, "112": 1, "211": 1},
		Segments: map[string]int{
			"champions": 1, "lost": 1, "cooling_once": 1, "loyal": 0, "growing": 0, "new": 0, "big_new": 0,
			"cooling_valuable": 0, "steady": 0, "cant_lose": 0, "dormant": 0,
		},
		ConsentGiven: 2, ConsentWithdrawn: 1, AdBuyers: 1, AdBuyerPhones: 1, AdBuyerEmails: 1,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("CountPosts (-want +got):\n%s", diff)
	}
}

func TestCountRefusesWhatItDoesNotKnow(t *testing.T) {
	for name, body := range map[string]string{
		"another zone":         `{"id":"1","kind":"lead","at":"2026-01-01T10:00:00Z","client":{"external_id":"1"}}`,
		"after the as-of day":  `{"id":"1","kind":"lead","at":"2026-02-01T10:00:00+03:00","client":{"external_id":"1"}}`,
		"a foreign phone":      `{"id":"1","kind":"lead","at":"2026-01-01T10:00:00+03:00","client":{"phone":"+44 20 7946 0000"}}`,
		"an order of two":      `[{"id":"1","kind":"order","client":{"external_id":"1"},"order":{"id":"1","status":"paid"}},{"id":"2","kind":"order","client":{"external_id":"2"},"order":{"id":"1","status":"paid"}}]`,
		"all returned by name": `[{"id":"1","kind":"order","at":"2026-01-01T10:00:00+03:00","order":{"id":"1","status":"paid","total":"5.00"}},{"id":"2","kind":"order","order":{"id":"1","status":"returned","returned":"5.00"}}]`,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := demoshop.CountPosts(slices.Values([]demoshop.Post{native("crm", body)}), "2026-01-31")
			if !errors.Is(err, demoshop.ErrUncountable) {
				t.Errorf("CountPosts = %v, want ErrUncountable", err)
			}
		})
	}
}

func TestCountAgreesWithWhatThePostsAreMeantToBe(t *testing.T) {
	c, err := counted()
	if err != nil {
		t.Fatal(err)
	}
	outcomes, reasons := map[demoshop.Outcome]int{}, map[string]int{}
	for _, p := range posts() {
		outcomes[p.Outcome]++
		if p.Outcome == demoshop.WasFailed {
			reasons[p.Reason]++
		}
	}
	want := map[demoshop.Outcome]int{
		demoshop.BecameEvents: c.Deliveries, demoshop.WasPing: c.Pings, demoshop.WasDuplicate: c.Duplicates,
		demoshop.WasFailed: c.Posts - c.Deliveries - c.Pings - c.Duplicates,
	}
	if diff := cmp.Diff(want, outcomes); diff != "" {
		t.Errorf("outcomes (-count +meant):\n%s", diff)
	}
	if diff := cmp.Diff(c.Failed, reasons); diff != "" {
		t.Errorf("reasons (-count +meant):\n%s", diff)
	}
	sum := 0
	for _, n := range c.Segments {
		sum += n
	}
	if sum != c.Buyers {
		t.Errorf("segments hold %d buyers of %d", sum, c.Buyers)
	}
}
