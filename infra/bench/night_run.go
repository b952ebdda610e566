package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Engines of the night. The floor decodes the columns that a night needs and no more.
const (
	engineOurs      = "leadlake"
	engineFloor     = "floor"
	engineDuckDB    = "duckdb"     // on the lake that Leadlake wrote
	engineDuckDBOwn = "duckdb-own" // on a file of its own, with integer keys
	enginePolars    = "polars"
)

// spent is what one run of a whole process took.
type spent struct {
	wall, cpu time.Duration
	peak      int64 // bytes
}

// peersFolder holds the scripts, seen from the root of the project.
const peersFolder = "infra/bench/peers"

// nightRunner runs engines on one shop.
type nightRunner struct {
	self  string // the bench itself
	shop  nightShop
	data  string
	out   string // a folder for what the engines write
	peers []string
}

// outOf is where an engine writes.
func (n *nightRunner) outOf(engine string) string { return filepath.Join(n.out, engine) }

// command is the process of an engine; full is the fold of all events.
func (n *nightRunner) command(ctx context.Context, engine string, threads int, full bool) *exec.Cmd {
	script := func(name, job string) *exec.Cmd {
		return exec.CommandContext(ctx, "node", filepath.Join(peersFolder, name), "--data", n.data, "--asof", n.shop.AsOf, //nolint:gosec // G204: our own scripts
			"--out", n.outOf(engine), "--threads", strconv.Itoa(threads), "--job", job)
	}
	ours := func(part string) *exec.Cmd {
		return exec.CommandContext(ctx, n.self, "night", "-process", part, "-data", n.data, //nolint:gosec // G204: ourselves
			"-threads", strconv.Itoa(threads), "-out", n.outOf(engine))
	}
	var cmd *exec.Cmd
	switch {
	case engine == engineOurs && full:
		cmd = ours("fold")
	case engine == engineOurs:
		cmd = ours("score")
	case engine == engineFloor:
		cmd = ours("floor")
	case full:
		cmd = script(engine+".mjs", "full")
	case engine == engineDuckDBOwn:
		cmd = script("duckdb.mjs", "own")
	default:
		cmd = script(engine+".mjs", "night")
	}
	// Each library reads its number of threads from a place of its own.
	cmd.Env = append(os.Environ(), "GOMAXPROCS="+strconv.Itoa(threads), "POLARS_MAX_THREADS="+strconv.Itoa(threads))
	return cmd
}

// run starts an engine in an empty folder and waits for its end.
func (n *nightRunner) run(ctx context.Context, engine string, threads int, full bool) (spent, error) {
	if err := os.RemoveAll(n.outOf(engine)); err != nil {
		return spent{}, err
	}
	used, err := spend(n.command(ctx, engine, threads, full))
	if err != nil {
		return spent{}, fmt.Errorf("%s with %d threads: %w", engine, threads, err)
	}
	return used, nil
}

// spend runs a process to its end. CPU time and memory are those of the process and
// of all that it started and waited for, as wait4 tells them.
func spend(cmd *exec.Cmd) (spent, error) {
	begun := time.Now()
	text, err := cmd.CombinedOutput()
	if err != nil {
		return spent{}, fmt.Errorf("%w\n%s", err, text)
	}
	return spent{wall: time.Since(begun), cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), peak: peakOf(cmd.ProcessState)}, nil
}

// prepare makes DuckDB's own file where it is not there yet.
func (n *nightRunner) prepare(ctx context.Context) error {
	last := n.data + ".duckdb/day.parquet" // written last
	if _, err := os.Stat(last); err == nil {
		return nil
	}
	cmd := n.command(ctx, engineDuckDB, cores(), false)
	cmd.Args[len(cmd.Args)-1] = "prepare"
	_, err := spend(cmd)
	return err
}

// compare finds out whether two engines wrote the same tables.
func (n *nightRunner) compare(ctx context.Context, have, want string) (string, error) {
	cmd := exec.CommandContext(ctx, "node", filepath.Join(peersFolder, "compare.mjs"), "--have", n.outOf(have), "--want", n.outOf(want)) //nolint:gosec // G204: our own script
	text, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s against %s: %w\n%s", have, want, err, text)
	}
	return strings.TrimSpace(string(text)), nil
}

// measureNight runs every engine on every shop and prints what it found.
func measureNight(ctx context.Context, out io.Writer, o nightOptions, args []string) (err error) {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "leadlake-night-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	r := newNightReport(o, args)
	if len(o.peers) > 0 {
		if text, err := exec.CommandContext(ctx, filepath.Join(peersFolder, "install.sh")).CombinedOutput(); err != nil { //nolint:gosec // G204: our own script
			return fmt.Errorf("install the peers: %w\n%s", err, text)
		}
		r.Versions = peerVersions()
	}
	base, err := smallestShop(ctx, self, folder, o.threads)
	if err != nil {
		return err
	}
	for _, data := range o.data {
		shop, err := shopOf(ctx, data)
		if err != nil {
			return fmt.Errorf("%s: %w", data, err)
		}
		n := &nightRunner{self: self, shop: shop, data: filepath.Clean(data), out: filepath.Join(folder, "out"), peers: o.peers}
		m, err := n.measure(ctx, o)
		if err != nil {
			return err
		}
		m.base = base
		r.add(m, o)
	}
	return r.print(out, o.json)
}

// smallestShop is the peak of our night, by threads, on a shop that is nearly
// nothing: what a night needs whatever it reads.
func smallestShop(ctx context.Context, self, folder string, threads []int) (map[int]int64, error) {
	n := &nightRunner{self: self, shop: nightShop{Orders: smallestOrders, Seed: 1, AsOf: "2025-12-31", Months: shopMonths}, data: filepath.Join(folder, "small"), out: filepath.Join(folder, "out")}
	o := nightOptions{shop: n.shop, data: []string{n.data}}
	if err := o.makeShop(ctx, io.Discard); err != nil {
		return nil, err
	}
	if err := foldShop(ctx, n.data); err != nil {
		return nil, err
	}
	peaks := map[int]int64{}
	for _, t := range threads {
		used, err := n.run(ctx, engineOurs, t, false)
		if err != nil {
			return nil, err
		}
		peaks[t] = used.peak
	}
	return peaks, nil
}

// smallestOrders is the shop that base memory is measured with.
const smallestOrders = 2000

// measured is what was found of one shop.
type measured struct {
	shop  nightShop
	runs  map[engineAt][]spent // in the order of rounds
	folds map[engineAt]spent   // the fold of all events
	base  map[int]int64        // by threads
	cells string               // the last line of the comparison
}

type engineAt struct {
	engine  string
	threads int
}

// measure runs the rounds. The engines take turns, so that whatever else the machine
// does falls on all of them.
func (n *nightRunner) measure(ctx context.Context, o nightOptions) (*measured, error) {
	m := &measured{shop: n.shop, runs: map[engineAt][]spent{}, folds: map[engineAt]spent{}}
	for _, peer := range n.peers {
		if peer == engineDuckDBOwn {
			if err := n.prepare(ctx); err != nil {
				return nil, fmt.Errorf("make DuckDB's own file: %w", err)
			}
		}
	}
	engines := append([]string{engineFloor, engineOurs}, n.peers...)
	for range o.rounds {
		for _, threads := range o.threads {
			for _, engine := range engines {
				used, err := n.run(ctx, engine, threads, false)
				if err != nil {
					return nil, err
				}
				at := engineAt{engine, threads}
				m.runs[at] = append(m.runs[at], used)
			}
			if err := n.agree(ctx, m); err != nil {
				return nil, err
			}
		}
	}
	if !o.fold {
		return m, nil
	}
	for _, threads := range o.threads {
		for _, engine := range engines {
			if engine == engineFloor || engine == engineDuckDBOwn {
				continue
			}
			used, err := n.run(ctx, engine, threads, true)
			if err != nil {
				return nil, fmt.Errorf("fold of all events: %w", err)
			}
			m.folds[engineAt{engine, threads}] = used
		}
	}
	return m, nil
}

// agree compares what the engines have just written with the first peer's tables.
func (n *nightRunner) agree(ctx context.Context, m *measured) error {
	if len(n.peers) == 0 {
		return nil
	}
	for _, have := range append(n.peers[1:len(n.peers):len(n.peers)], engineOurs) {
		line, err := n.compare(ctx, have, n.peers[0])
		if err != nil {
			return err
		}
		m.cells = line
	}
	return nil
}
