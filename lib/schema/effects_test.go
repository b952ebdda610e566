package schema_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/schema"
)

// What a side without people does not say comes back unknown, and a zero as a zero.
func TestEffectsKeepUnknownApartFromZero(t *testing.T) {
	zero, half, needed, lost := 0.0, -0.5, int64(1471), int64(-3)
	effects := []schema.EffectRow{
		{Segment: "s", Platform: "vk", Held: 3, HeldRate: &zero},
		{
			Segment: "s", Platform: "vk", Month: "2026-10", Exported: 2, ExportedRate: &zero, Held: 1, HeldRate: &half, Difference: &half, Low: &half, High: &zero,
			IncrementalBuyers: &zero, IncrementalRevenueMinor: &lost, NeededPerGroup: &needed, PreviousRate: &zero, PreviousDifference: &half,
		},
		{Segment: "t", Platform: "vk", Conclusive: true},
	}
	comesBack(t, effects)
	comesBack(t, []schema.AssignmentRow{{ClientID: "a", Held: true, SinceDay: "2026-10-01"}, {ClientID: "b", SinceDay: "2026-10-02"}})
	comesBack[schema.EffectRow](t, nil)
}

func comesBack[T schema.Row](t *testing.T, rows []T) {
	t.Helper()
	body, err := schema.Encode(rows)
	if err != nil {
		t.Fatal(err)
	}
	got, err := schema.Decode[T](body)
	if err != nil {
		t.Fatal(err)
	}
	if len(rows)+len(got) == 0 {
		return
	}
	if diff := cmp.Diff(rows, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
