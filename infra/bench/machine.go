package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// machine describes where the figures come from.
func machine() string {
	text := fmt.Sprintf("%s/%s, %d cores", runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	file, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return text
	}
	defer file.Close() //nolint:errcheck // read only
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(name) == "model name" {
			return text + " (" + strings.Join(strings.Fields(value), " ") + ")"
		}
	}
	return text
}

func goVersion() string { return runtime.Version() }

// usage is what a process has used. Known is false where the system tells
// nothing of the kind; everything else is then zero.
type usage struct {
	known    bool
	resident int64 // bytes now
	peak     int64 // most bytes resident so far
	cpu      time.Duration
	workers  time.Duration // CPU of the processes that it started and that have ended
}

func cores() int { return runtime.NumCPU() }
