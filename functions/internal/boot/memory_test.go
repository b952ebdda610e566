package boot_test

import (
	"math"
	"runtime/debug"
	"testing"

	"github.com/leadlake/leadlake/functions/internal/boot"
)

func TestTheCollectorKnowsHowMuchMemoryTheFunctionHas(t *testing.T) {
	percent := debug.SetGCPercent(100)
	t.Cleanup(func() { debug.SetMemoryLimit(math.MaxInt64); debug.SetGCPercent(percent) })
	for _, tc := range []struct {
		size, own string
		want      int64
	}{
		{"1024", "", 1 << 30 / 7 * 6}, {"", "", 0}, {"much", "", 0}, {"-1", "", 0}, {"1024", "500MiB", 0},
	} {
		debug.SetMemoryLimit(math.MaxInt64)
		env := map[string]string{"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": tc.size, "GOMEMLIMIT": tc.own}
		got := boot.LimitMemory(func(name string) string { return env[name] })
		inForce := debug.SetMemoryLimit(-1)
		if collected := debug.SetGCPercent(100); (collected == 400) != (tc.want != 0) {
			t.Errorf("%q, GOMEMLIMIT %q: the collector runs at %d %%", tc.size, tc.own, collected)
		}
		if got != tc.want || tc.want == 0 && inForce != math.MaxInt64 || tc.want != 0 && inForce != tc.want {
			t.Errorf("%q, GOMEMLIMIT %q: limit %d, in force %d, want %d", tc.size, tc.own, got, inForce, tc.want)
		}
	}
}
