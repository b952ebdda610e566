package main

import (
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// tick is the unit of times in /proc/PID/stat: USER_HZ, a hundredth of a second
// on every architecture that Go runs on.
const tick = 10 * time.Millisecond

// usageOf reads what a process has used so far.
func usageOf(pid int) usage {
	folder := "/proc/" + strconv.Itoa(pid)
	status, err := os.ReadFile(folder + "/status") //nolint:gosec // G304: a process we started
	if err != nil {
		return usage{}
	}
	u := usage{known: true}
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(line, ":")
		kilobytes, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		switch name {
		case "VmRSS":
			u.resident = kilobytes << 10
		case "VmHWM":
			u.peak = kilobytes << 10
		}
	}
	stat, err := os.ReadFile(folder + "/stat") //nolint:gosec // G304: a process we started
	if err != nil {
		return usage{}
	}
	// The second field is the program's name in brackets and may hold anything.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(fields) < 15 {
		return usage{}
	}
	ticks := func(first int) time.Duration {
		user, _ := strconv.ParseInt(fields[first], 10, 64)
		system, _ := strconv.ParseInt(fields[first+1], 10, 64)
		return time.Duration(user+system) * tick
	}
	u.cpu, u.workers = ticks(11), ticks(13)
	return u
}

// peakOf is the most bytes that an ended process, or one of those it waited for, had
// resident. Linux counts what the process was before it ran its program, too: who
// starts it must be small.
func peakOf(state *os.ProcessState) int64 {
	if used, ok := state.SysUsage().(*syscall.Rusage); ok {
		return used.Maxrss << 10
	}
	return 0
}

// forgetPeak makes what this process has resident now the most that it had, so
// that a measurement is not charged for what was prepared before it.
func forgetPeak() {
	debug.FreeOSMemory()
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0o600) // an old kernel shows the larger peak
}

// childrenOf lists the processes that a process has started and that run.
func childrenOf(pid int) []int {
	files, _ := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/*/children")
	var all []int
	for _, name := range files {
		text, _ := os.ReadFile(name) //nolint:gosec // G304: a process we started; a thread may have ended
		for field := range strings.FieldsSeq(string(text)) {
			if child, err := strconv.Atoi(field); err == nil {
				all = append(all, child)
			}
		}
	}
	return all
}
