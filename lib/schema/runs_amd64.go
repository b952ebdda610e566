//go:build !purego

package schema

import _ "unsafe" // for go:linkname

// equalRuns is parquet-go's: it counts the groups of eight indexes at the beginning
// that are not all equal, and so decides where the encoder of dictionary columns ends
// a bit-packed run.
//
// Of v0.32.0 the one for AVX2 compares within each half of a group (VPSHUFD does not
// cross 128 bits), takes 0 0 0 0 1 1 1 1 for all equal and begins a new run. That is a
// valid file, and another one than every other machine writes: arm64, where Lambda
// runs, and amd64 without AVX2. The one below does what parquet-go does there, so a
// table has the same bytes everywhere (TestATableHasTheSameBytesOnEveryMachine). Where a
// later version has no such variable the program does not link; then this file may go.
//
//go:linkname equalRuns github.com/parquet-go/parquet-go/encoding/rle.encodeInt32IndexEqual8Contiguous
var equalRuns func(groups [][8]int32) int //nolint:gochecknoglobals // parquet-go's own

func init() { equalRuns = unequalGroups } //nolint:gochecknoinits // before anything is written

func unequalGroups(groups [][8]int32) int {
	for n := range groups {
		g := &groups[n]
		if g[0] == g[1] && g[0] == g[2] && g[0] == g[3] && g[0] == g[4] && g[0] == g[5] && g[0] == g[6] && g[0] == g[7] {
			return n
		}
	}
	return len(groups)
}
