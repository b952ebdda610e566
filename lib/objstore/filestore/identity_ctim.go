//go:build linux || openbsd || dragonfly

package filestore

import "syscall"

func changeTime(stat *syscall.Stat_t) int64 { return stat.Ctim.Nano() }
