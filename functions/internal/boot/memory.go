package boot

import (
	"runtime/debug"
	"strconv"
)

// LimitMemory tells the garbage collector how much memory the function has
// (AWS_LAMBDA_FUNCTION_MEMORY_SIZE, in MB), less a seventh for what it does not
// count: without it the heap of a large compaction doubles before it is collected,
// and Lambda kills what goes over its size. It returns the limit in bytes, 0 where
// none is set.
func LimitMemory(getenv func(string) string) int64 {
	size, err := strconv.ParseInt(getenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"), 10, 32)
	if err != nil || size <= 0 || getenv("GOMEMLIMIT") != "" { // GOMEMLIMIT is somebody's will
		return 0
	}
	limit := size << 20 / 7 * 6
	debug.SetMemoryLimit(limit)
	if getenv("GOGC") == "" {
		// The memory is paid for whether it is used or not: it is collected when it is
		// short, and a compaction takes a sixth less time.
		debug.SetGCPercent(400)
	}
	return limit
}
