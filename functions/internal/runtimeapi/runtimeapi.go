// Package runtimeapi is the Lambda Runtime API on loopback: it starts a function's real
// program, feeds it events one at a time and returns its answers. Tests use it as the
// contract test of the mains; the one-machine program calls the handlers in process.
package runtimeapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leadlake/leadlake/lib/logtest"
)

// Timeout is how long one invocation may take before the program is killed.
const Timeout = 60 * time.Second

const version = "/2018-06-01/runtime/"

// FunctionError is what the function answered with instead of a result.
type FunctionError struct {
	Message string `json:"errorMessage"`
	Type    string `json:"errorType"`
}

// Error says what the function said.
func (e *FunctionError) Error() string { return "function failed: " + e.Type + ": " + e.Message }

// errExited is the death of the program while it had an event, or before it asked for one.
var errExited = errors.New("runtimeapi: the program exited")

// Build compiles functions for this machine into a folder, with the tags of the deployed
// binaries; each program is named as its function.
func Build(ctx context.Context, folder string, functions ...string) error {
	args := []string{"build", "-tags", "lambda.norpc", "-o", folder + string(filepath.Separator)}
	for _, function := range functions {
		args = append(args, "github.com/leadlake/leadlake/functions/"+function)
	}
	if out, err := exec.CommandContext(ctx, "go", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("runtimeapi: go build: %w\n%s", err, out)
	}
	return nil
}

// Function is a deployed function. It is safe for concurrent use; invocations wait for
// one another, as those of one Lambda instance do.
type Function struct {
	program string
	env     []string
	log     *log

	mu       sync.Mutex // one invocation at a time
	instance atomic.Pointer[instance]
}

// Start deploys the program with these variables and nothing else of the environment
// but PATH, HOME and TMPDIR. It starts with the first invocation and ends with the test,
// which fails if anything in the program's log was personal.
func Start(tb testing.TB, program string, env map[string]string) *Function {
	tb.Helper()
	f := &Function{program: program, log: &log{}}
	for _, name := range []string{"PATH", "HOME", "TMPDIR"} {
		if value, ok := os.LookupEnv(name); ok {
			f.env = append(f.env, name+"="+value)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(env)) {
		f.env = append(f.env, name+"="+env[name])
	}
	tb.Cleanup(func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.stop()
		logtest.Expect(tb, "the log of "+filepath.Base(program), f.Log())
		if tb.Failed() {
			tb.Logf("log of %s:\n%s", program, f.Log())
		}
	})
	return f
}

// Log is what the function has written so far, to both outputs.
func (f *Function) Log() string { return f.log.String() }

// Invoke calls the function with an event, which is encoded as JSON, and decodes its
// answer into result unless that is nil. An error that the function returned is a
// [*FunctionError].
func (f *Function) Invoke(ctx context.Context, event, result any) error {
	payload, err := json.Marshal(event)
	if err != nil {
		return err
	}
	answer, err := f.InvokeRaw(ctx, payload)
	if err != nil || result == nil {
		return err
	}
	return json.Unmarshal(answer, result)
}

// InvokeRaw is Invoke with bytes.
func (f *Function) InvokeRaw(ctx context.Context, payload []byte) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	warm := f.instance.Load() != nil
	answer, err := f.once(ctx, payload)
	if warm && errors.Is(err, errExited) {
		// After a panic the runtime posts its error and only then exits: the event may have
		// met the dying process. Lambda would start another; a fresh one gets no second chance.
		answer, err = f.once(ctx, payload)
	}
	return answer, err
}

func (f *Function) once(ctx context.Context, payload []byte) ([]byte, error) {
	running := f.instance.Load()
	if running == nil {
		fresh, err := launch(f.program, f.env, f.log)
		if err != nil {
			return nil, err
		}
		running = fresh
		f.instance.Store(fresh)
	}
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	answer, err := running.call(ctx, payload)
	if errors.Is(err, errExited) || ctx.Err() != nil {
		f.stop()
	}
	return answer, err
}

// Kill ends the program at once and in the middle of whatever it does, as Lambda may at
// any time. An event that a warm program had is given to a fresh one, as Lambda would.
func (f *Function) Kill() {
	if running := f.instance.Load(); running != nil {
		_ = running.command.Process.Kill()
	}
}

// stop ends the program and its API; the caller holds mu.
func (f *Function) stop() {
	if running := f.instance.Swap(nil); running != nil {
		running.close()
	}
}

// instance is one running program and the API it talks to.
type instance struct {
	server  *http.Server
	command *exec.Cmd
	exited  chan struct{}
	events  chan invocation

	mu      sync.Mutex
	waiting map[string]chan outcome
	count   int
}

type invocation struct {
	id       string
	deadline time.Time
	payload  []byte
}

type outcome struct {
	answer []byte
	err    error
}

func launch(program string, env []string, log *log) (*instance, error) {
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	i := &instance{exited: make(chan struct{}), events: make(chan invocation), waiting: map[string]chan outcome{}}
	i.server = &http.Server{Handler: i, ReadHeaderTimeout: Timeout}
	go func() { _ = i.server.Serve(listener) }()
	i.command = exec.Command(program)
	i.command.Env = append(slices.Clone(env), "AWS_LAMBDA_RUNTIME_API="+listener.Addr().String(), "AWS_LAMBDA_FUNCTION_NAME="+filepath.Base(program))
	i.command.Stdout, i.command.Stderr = log, log
	if err := i.command.Start(); err != nil {
		_ = i.server.Close()
		return nil, fmt.Errorf("runtimeapi: %w", err)
	}
	go func() {
		_ = i.command.Wait()
		close(i.exited)
	}()
	return i, nil
}

func (i *instance) close() {
	_ = i.command.Process.Kill()
	<-i.exited
	_ = i.server.Close()
}

func (i *instance) call(ctx context.Context, payload []byte) ([]byte, error) {
	i.mu.Lock()
	i.count++
	id := strconv.Itoa(i.count)
	done := make(chan outcome, 1)
	i.waiting[id] = done
	i.mu.Unlock()
	deadline, _ := ctx.Deadline()
	select {
	case i.events <- invocation{id: id, deadline: deadline, payload: payload}:
	case <-i.exited:
		return nil, errExited
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case o := <-done:
		return o.answer, o.err
	case <-i.exited:
		select { // the answer may have come with the last breath
		case o := <-done:
			return o.answer, o.err
		default:
			return nil, errExited
		}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// ServeHTTP is the Runtime API: next, response, error, init/error.
func (i *instance) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, ok := strings.CutPrefix(r.URL.Path, version)
	switch {
	case !ok:
		http.NotFound(w, r)
	case r.Method == http.MethodGet && path == "invocation/next":
		i.next(w, r)
	case r.Method == http.MethodPost && path == "init/error":
		w.WriteHeader(http.StatusAccepted) // the program says why in its log, and exits
	case r.Method == http.MethodPost && strings.HasPrefix(path, "invocation/"):
		i.finish(w, r, strings.Split(path, "/"))
	default:
		http.NotFound(w, r)
	}
}

func (i *instance) next(w http.ResponseWriter, r *http.Request) {
	select {
	case in := <-i.events:
		h := w.Header()
		h.Set("Lambda-Runtime-Aws-Request-Id", in.id)
		h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(in.deadline.UnixMilli(), 10))
		h.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-west-1:000000000000:function:test")
		h.Set("Content-Type", "application/json")
		_, _ = w.Write(in.payload)
	case <-r.Context().Done():
	}
}

func (i *instance) finish(w http.ResponseWriter, r *http.Request, path []string) {
	body, err := io.ReadAll(r.Body)
	i.mu.Lock()
	var done chan outcome
	if len(path) == 3 {
		done = i.waiting[path[1]]
		delete(i.waiting, path[1])
	}
	i.mu.Unlock()
	if err != nil || done == nil {
		http.Error(w, "unknown invocation", http.StatusBadRequest)
		return
	}
	switch path[2] {
	case "response":
		done <- outcome{answer: body}
	case "error":
		fault := &FunctionError{}
		if err := json.Unmarshal(body, fault); err != nil {
			fault.Message = string(body)
		}
		done <- outcome{err: fault}
	}
	w.WriteHeader(http.StatusAccepted)
}

// log is a buffer that the program writes and the test reads.
type log struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}
