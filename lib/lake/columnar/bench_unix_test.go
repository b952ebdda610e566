//go:build unix

package columnar_test

import (
	"syscall"
	"time"
)

// cpuTime is what this process has used of its processors. Wall time says little
// on a machine that does other things.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
