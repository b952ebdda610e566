package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// shared is the secret of the site that the generator plays.
const shared = "the bench signs its deliveries with this"

// configuration is that of a shop with one signed source.
const configuration = `business: {name: Bench, currency: RUB, timezone: Europe/Moscow, country: RU, language: en}
sources:
  - {name: site, kind: json, secrets: [env:SITE_SECRET]}
`

// build compiles a program of this module into folder.
func build(ctx context.Context, folder, pkg string, flags ...string) (string, error) {
	program := filepath.Join(folder, filepath.Base(pkg)+".exe")
	args := append(append([]string{"build"}, flags...), "-o", program, "github.com/leadlake/leadlake/"+pkg)
	if out, err := exec.CommandContext(ctx, "go", args...).CombinedOutput(); err != nil { //nolint:gosec // G204: our own packages
		return "", fmt.Errorf("go build %s: %w\n%s", pkg, err, out)
	}
	return program, nil
}

// server is a real `leadlake serve` over a directory.
type server struct {
	program, data string
	address       string // host:port
	command       *exec.Cmd
	log           *os.File
	watch         sync.WaitGroup
	stopWatch     chan struct{}

	mu         sync.Mutex
	most       int64 // bytes resident at the most, as far as it was looked at
	mostWorker int64 // of a process that serve started to compact
}

// newFolder makes a store's folder with its configuration.
func newFolder(data string) error {
	if err := os.MkdirAll(filepath.Join(data, "config"), 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(data, "config", "leadlake.yaml"), []byte(configuration), 0o600)
}

// startServer starts serve and returns once it takes deliveries.
func startServer(ctx context.Context, program, data string) (*server, error) {
	s := &server{program: program, data: data, stopWatch: make(chan struct{})}
	var err error
	if s.log, err = os.OpenFile(data+".log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil { //nolint:gosec // G304: beside the folder the user named
		return nil, err
	}
	s.command = exec.CommandContext(ctx, program, "serve", "-listen", "127.0.0.1:0", "-data", data) //nolint:gosec // G204: built above
	s.command.Env = append(os.Environ(), "SITE_SECRET="+shared)
	s.command.Stderr = s.log
	out, err := s.command.StdoutPipe()
	if err == nil {
		err = s.command.Start()
	}
	if err != nil {
		return nil, errors.Join(err, s.log.Close())
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	_, address, ok := strings.Cut(strings.TrimSpace(line), "http://")
	if err != nil || !ok {
		said, _ := os.ReadFile(s.log.Name())
		return nil, errors.Join(fmt.Errorf("serve did not start: %s", said), s.command.Process.Kill(), s.log.Close())
	}
	s.address = address
	s.watch.Go(func() { _, _ = io.Copy(io.Discard, out) })
	s.watch.Go(s.sample)
	return s, nil
}

// sample looks at the memory ten times a second.
func (s *server) sample() {
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-s.stopWatch:
			return
		case <-ticker.C:
			u := usageOf(s.command.Process.Pid)
			var worker int64
			for _, child := range childrenOf(s.command.Process.Pid) {
				worker = max(worker, usageOf(child).peak)
			}
			s.mu.Lock()
			s.most, s.mostWorker = max(s.most, u.resident), max(s.mostWorker, worker)
			s.mu.Unlock()
		}
	}
}

// mostResident is the most memory since the last call, and forgets it.
func (s *server) mostResident() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	most := s.most
	s.most = 0
	return most
}

// worker is the most memory that one worker has taken; 0 where none was seen.
func (s *server) worker() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mostWorker
}

func (s *server) usage() usage { return usageOf(s.command.Process.Pid) }

// compaction is what `leadlake invoke compact` prints.
type compaction struct {
	Objects    int `json:"objects"`
	Deliveries int `json:"deliveries"`
	Events     int `json:"events"`
	Failed     int `json:"failed"`
	Duplicates int `json:"duplicates"`
}

// compact has the running serve compact, as its schedule does.
func (s *server) compact(ctx context.Context) (compaction, error) {
	command := exec.CommandContext(ctx, s.program, "invoke", "-data", s.data, "compact") //nolint:gosec // G204: built above
	command.Env = append(os.Environ(), "SITE_SECRET="+shared)
	var report compaction
	out, err := command.Output()
	if err == nil {
		err = json.Unmarshal(out, &report)
	}
	if err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			err = fmt.Errorf("%w: %s", err, exit.Stderr)
		}
		return report, fmt.Errorf("compact: %w", err)
	}
	return report, nil
}

// stop asks serve to end and waits for it.
func (s *server) stop() error {
	close(s.stopWatch)
	err := s.command.Process.Signal(os.Interrupt)
	if err != nil { // Windows knows no interrupt for others
		err = s.command.Process.Kill()
	}
	s.watch.Wait()
	wait := s.command.Wait()
	return errors.Join(err, wait, s.log.Close())
}
