package pipeline_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/pipeline"
)

func TestDoubleReportsFindOneSaleToldByTwoSources(t *testing.T) {
	for _, tc := range []struct {
		name  string
		twins int // of the CRM's 20 orders
		want  []pipeline.DoubleReport
	}{
		{"two of twenty are a tenth, not more", 2, nil},
		{"three of twenty", 3, []pipeline.DoubleReport{{A: "crm", B: "till", Alike: 3, OrdersA: 20, OrdersB: 30}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t)
			for i := range 30 {
				client := fmt.Sprintf(`"phone": "+7916222%04d", "email": "p%d@kofe.ru"`, i, i)
				w.post("till", sale(fmt.Sprintf("t-%d", i), "paid", "2026-11-01T08:00:00+03:00", client, fmt.Sprintf("%d.00", 100+i)))
			}
			for i := range 20 {
				total := fmt.Sprintf("%d.50", 900+i)
				if i < tc.twins {
					total = fmt.Sprintf("%d.00", 100+i)
				}
				// The CRM knows the same people by e-mail, and its clock runs in UTC.
				w.post("crm", sale(fmt.Sprintf("c-%d", i), "paid", "2026-11-01T19:59:00Z", fmt.Sprintf(`"email": "p%d@kofe.ru"`, i), total))
			}
			w.compact()
			w.now = w.now.AddDate(0, 0, 1)
			w.night("")
			got, err := w.DoubleReports(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDoubleReportsOfAnEmptyLake(t *testing.T) {
	got, err := newWorld(t).DoubleReports(t.Context())
	if err != nil || got != nil {
		t.Errorf("DoubleReports = %v, %v", got, err)
	}
}
