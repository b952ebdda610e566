package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/leadlake/leadlake/infra/leadlake/wiring"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/objstore/filestore"
)

// Limits of a connection; guard.go has those of all together and of slow bodies. A
// body has 5 MiB at most, so half a minute is 170 KiB a second.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 30 * time.Second
	writeTimeout  = 5 * time.Minute // a large audience file over a slow line
	idleTimeout   = time.Minute
	maxHeader     = 64 << 10
	// graceTime is how long requests under way may take once the end is asked for.
	graceTime = 10 * time.Second
)

func serveCommand(ctx context.Context, sys *system, args []string) error {
	f := newFlags(sys, "serve [flags]",
		"Runs the whole system on this machine: webhooks under /in/SOURCE, the pages under /,\n"+
			"the schedules of template.yaml. The store is a directory that it owns while it runs,\n"+
			"or a bucket. Put a server that speaks TLS in front of it before others may reach it.")
	var where place
	where.register(f)
	listen := f.String("listen", "127.0.0.1:8080", "`address` to listen on; port 0 takes a free one")
	url := f.String("url", "", "public `address` shown in instructions; default that of the request")
	if err := f.parse(args, 0, 0); err != nil {
		return err
	}
	store, err := where.open(ctx, sys, nil)
	// A worker that a killed serve was just starting holds the directory for a moment.
	for wait := 0; errors.Is(err, filestore.ErrLocked) && wait < 20 && ctx.Err() == nil; wait++ {
		time.Sleep(100 * time.Millisecond)
		store, err = where.open(ctx, sys, nil)
	}
	if errors.Is(err, filestore.ErrLocked) {
		return fmt.Errorf("%s is in use: another `leadlake serve` or `leadlake demo` runs there", where)
	}
	if err != nil {
		return err
	}
	sys.tellKey(store)
	m, err := newMachine(sys, where, store, sys.Now, slog.LevelInfo)
	if err != nil {
		return errors.Join(err, store.close())
	}
	m.url = *url
	boundMemory(sys)
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", *listen)
	if err != nil {
		return errors.Join(fmt.Errorf("listen: %w", err), m.Close())
	}
	err = m.serve(ctx, listener, func(wiring.Schedule) bool { return true }, func(address string) error {
		return m.greet(ctx, address)
	})
	return errors.Join(err, m.Close())
}

// tellKey says where a token key was just made.
func (sys *system) tellKey(store *opened) {
	if store.madeKey != "" {
		_, _ = fmt.Fprintf(sys.Stderr, "leadlake: made the token key %s; back it up apart from the data: without it no client in this store can be recognised again\n", store.madeKey)
	}
}

// greet prints the address, and how to get the first account.
func (m *machine) greet(ctx context.Context, address string) error {
	users, err := m.steps.Users(ctx)
	if err != nil {
		return err
	}
	text := fmt.Sprintf("Leadlake serves %s at %s\nwebhooks: %s/in/SOURCE\n", m.where, address, address)
	if users.Len() == 0 {
		store := "-data " + m.where.data
		if m.where.s3 != "" {
			store = "-s3 URL"
		}
		text += fmt.Sprintf("no account yet: leadlake user add NAME -role owner %s\n", store)
	}
	_, err = io.WriteString(m.sys.Stdout, text)
	return err
}

// serve answers until ctx ends. It refuses a store that breaks its contract and a
// token key that is not the store's. started is told the address.
func (m *machine) serve(ctx context.Context, listener net.Listener, wanted func(wiring.Schedule) bool, started func(address string) error) error {
	err := m.prepare(ctx)
	var handler http.Handler
	if err == nil {
		handler, err = m.routes(ctx)
	}
	var scheduler *wiring.Scheduler
	if err == nil {
		scheduler, err = m.scheduler(ctx, wanted)
	}
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	// Requests under way outlive the wish to end, for as long as graceTime.
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	var side *control
	if m.store.private != "" {
		if side, err = m.openControl(work); err != nil {
			return errors.Join(err, listener.Close())
		}
		m.control = side
	}
	server := newServer(work, handler, m.logger)
	listener = &crowdListener{Listener: listener, max: maxConnections}
	ctx, stop := context.WithCancelCause(ctx)
	var running sync.WaitGroup
	running.Go(func() { stop(server.Serve(listener)) })
	running.Go(func() {
		if err := scheduler.Run(ctx); err != nil {
			stop(err)
		}
	})
	if err := started("http://" + listener.Addr().String()); err != nil {
		stop(err)
	}
	<-ctx.Done()
	err = context.Cause(ctx)
	if errors.Is(err, context.Canceled) || errors.Is(err, http.ErrServerClosed) {
		err = nil // asked to end
	}
	grace, done := context.WithTimeout(work, graceTime)
	defer done()
	if shutdown := server.Shutdown(grace); shutdown != nil {
		m.logger.WarnContext(grace, "requests cut off at the end", "error", shutdown)
		_ = server.Close()
	}
	if side != nil {
		if sideErr := side.close(grace); sideErr != nil {
			m.logger.WarnContext(grace, "control address not closed", "error", sideErr)
		}
	}
	running.Wait()
	return err
}

// prepare looks whether the store may be worked with at all.
func (m *machine) prepare(ctx context.Context) error {
	if err := m.probe(ctx); err != nil {
		return fmt.Errorf("%s cannot be the store: %w", m.where, err)
	}
	if err := m.steps.CheckTokenKey(ctx); err != nil {
		return err
	}
	_, err := m.steps.Config(ctx)
	return err
}

// probe tries whether the store keeps its contract, in a folder of its own that is
// gone afterwards.
func (m *machine) probe(ctx context.Context) error {
	folder := "probe/" + strings.ToLower(rand.Text())
	err := objstore.Probe(ctx, m.store, folder+"/")
	if m.store.private == "" {
		return err
	}
	// A deleted object leaves its folders behind; thousands of starts must not.
	if sweep := os.RemoveAll(filepath.Join(m.where.data, filepath.FromSlash(folder))); sweep != nil {
		err = errors.Join(err, sweep)
	}
	return err
}

func newServer(ctx context.Context, handler http.Handler, logger *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           impatient(handler),
		ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: maxHeader,
		BaseContext:    func(net.Listener) context.Context { return ctx },
		ErrorLog:       slog.NewLogLogger(logger.Handler(), slog.LevelDebug), // strangers' broken TLS is no news
	}
}

// schedulesKey keeps when each schedule last ran.
const schedulesKey = "config/schedules.json"

// runMemory keeps the last runs in the store. It meets wiring.Memory.
type runMemory struct{ store objstore.Store }

// LastRuns implements wiring.Memory.
func (r runMemory) LastRuns(ctx context.Context) (map[string]time.Time, error) {
	runs := map[string]time.Time{}
	body, _, err := r.store.Get(ctx, schedulesKey)
	if errors.Is(err, objstore.ErrNotExist) {
		return runs, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(body, &runs); err != nil {
		return nil, fmt.Errorf("%s: %w", schedulesKey, err)
	}
	return runs, nil
}

// Ran implements wiring.Memory.
func (r runMemory) Ran(ctx context.Context, id string, due time.Time) error {
	_, err := objstore.Commit(ctx, r.store, schedulesKey, func(old []byte) ([]byte, error) {
		runs := map[string]time.Time{}
		if old != nil {
			if err := json.Unmarshal(old, &runs); err != nil {
				return nil, fmt.Errorf("%s: %w", schedulesKey, err)
			}
		}
		if due.After(runs[id]) {
			runs[id] = due.UTC()
		}
		return json.MarshalIndent(runs, "", "  ")
	})
	return err
}

func (m *machine) scheduler(ctx context.Context, wanted func(wiring.Schedule) bool) (*wiring.Scheduler, error) {
	template, err := m.template(ctx)
	if err != nil {
		return nil, err
	}
	s := &wiring.Scheduler{Memory: runMemory{m.store}, Jobs: map[string]wiring.Job{}, Now: m.now, Logger: m.logger}
	for name := range m.functions() {
		s.Jobs[name] = func(ctx context.Context, input json.RawMessage) error {
			_, err := m.functions()[name](ctx, input) // where it runs is known once serve has begun
			return err
		}
	}
	for _, schedule := range template.Schedules {
		if wanted(schedule) {
			s.Schedules = append(s.Schedules, schedule)
		}
	}
	return s, nil
}
