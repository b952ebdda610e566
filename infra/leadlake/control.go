package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/subtle"
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
	"time"

	"github.com/leadlake/leadlake/lib/objstore/filestore"
	"github.com/leadlake/leadlake/lib/pipeline"
)

// A directory has one owner. While `serve` is it, commands that write hand their
// request to it: they find its loopback address and a token that only the owner
// of the files can read in the store's private folder.

const controlName = "control.json"

// controlFile is what a running serve leaves for commands.
type controlFile struct {
	Address string `json:"address"`
	Token   string `json:"token"`
	PID     int    `json:"pid"`
}

// maxControlBody bounds a request and an answer: an event of Lambda has 6 MB.
const maxControlBody = 16 << 20

// act runs one request of a command on the open store. Its result becomes JSON.
func (m *machine) act(ctx context.Context, name string, input json.RawMessage) (any, error) {
	switch name {
	case "invoke":
		return callAct(ctx, input, m.invoke)
	case "erase":
		return callAct(ctx, input, m.steps.Erase)
	case "subject":
		return callAct(ctx, input, m.noteSubject)
	case "redrive":
		return callAct(ctx, input, m.redrive)
	case "user":
		return callAct(ctx, input, m.changeUser)
	case "link":
		return callAct(ctx, input, m.changeLink)
	case "import":
		return callAct(ctx, input, m.drop)
	case "check":
		return m.check(ctx), nil
	}
	return nil, fmt.Errorf("no act %q", name)
}

// noteSubject writes down that a person's file was read.
func (m *machine) noteSubject(ctx context.Context, r pipeline.SubjectReading) (pipeline.SubjectReading, error) {
	return r, m.steps.AuditSubject(ctx, r)
}

func callAct[Input, Output any](ctx context.Context, body json.RawMessage, run func(context.Context, Input) (Output, error)) (any, error) {
	var input Input
	if err := json.Unmarshal(body, &input); err != nil {
		return nil, err
	}
	return run(ctx, input)
}

// perform runs an act where the store is open: here, or in the process that owns
// the directory. The result is JSON either way.
func perform(ctx context.Context, sys *system, where place, name string, input any) (json.RawMessage, error) {
	body, err := json.Marshal(input)
	if err != nil {
		return nil, err
	}
	store, err := where.open(ctx, sys, nil)
	if errors.Is(err, filestore.ErrLocked) {
		return where.remote(ctx, name, body)
	}
	if err != nil {
		return nil, err
	}
	sys.tellKey(store)
	m, err := newMachine(sys, where, store, sys.Now, slog.LevelWarn)
	if err != nil {
		return nil, errors.Join(err, store.close())
	}
	result, err := m.act(ctx, name, body)
	if err = errors.Join(err, m.Close()); err != nil {
		return nil, err
	}
	return json.Marshal(result)
}

// remote hands an act to the owner of the directory.
func (p place) remote(ctx context.Context, name string, body []byte) (json.RawMessage, error) {
	silent := fmt.Errorf("%s belongs to another process, which does not answer at its control address: "+
		"if `leadlake serve` runs there, wait until it has started or stop it; `leadlake demo` has to end first", p.data)
	text, err := os.ReadFile(filepath.Join(p.data, privateName, controlName))
	if err != nil {
		return nil, silent
	}
	var file controlFile
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, silent
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+file.Address+"/"+name, bytes.NewReader(body))
	if err != nil {
		return nil, silent
	}
	request.Header.Set("Authorization", "Bearer "+file.Token)
	request.Header.Set("Content-Type", "application/json")
	// No proxy of the environment may get a token; a night may take its time.
	client := http.Client{Transport: &http.Transport{Proxy: nil, DialContext: (&net.Dialer{Timeout: 3 * time.Second}).DialContext}}
	response, err := client.Do(request) //nolint:gosec,nolintlint // G704: loopback, at an address that only the owner of the files can write; gosec does not always follow it
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, silent
	}
	defer response.Body.Close() //nolint:errcheck // read only
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxControlBody))
	switch {
	case err != nil:
		return nil, fmt.Errorf("the running serve broke off its answer: %w", err)
	case response.StatusCode == http.StatusUnprocessableEntity:
		return nil, errors.New(strings.TrimSpace(string(answer)))
	case response.StatusCode != http.StatusOK:
		return nil, silent
	}
	return answer, nil
}

// control is the loopback server of acts.
type control struct {
	server  *http.Server
	file    string
	address controlFile
}

// openControl begins to answer acts and leaves the address in the private folder.
func (m *machine) openControl(ctx context.Context) (*control, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("control address: %w", err)
	}
	token := rand.Text()
	c := &control{file: filepath.Join(m.store.private, controlName), server: &http.Server{
		Handler: m.controlHandler(token), ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, MaxHeaderBytes: maxHeader,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}}
	c.address = controlFile{Address: listener.Addr().String(), Token: token, PID: os.Getpid()}
	body, err := json.Marshal(c.address)
	if err == nil {
		err = writePrivate(c.file, body)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("control file: %w", err), listener.Close())
	}
	go func() { _ = c.server.Serve(listener) }() // ends with close
	return c, nil
}

func (c *control) close(ctx context.Context) error {
	return errors.Join(os.Remove(c.file), c.server.Shutdown(ctx))
}

func (m *machine) controlHandler(token string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given := []byte(r.Header.Get("Authorization"))
		if r.Method != http.MethodPost || subtle.ConstantTimeCompare(given, []byte("Bearer "+token)) != 1 {
			http.Error(w, "forbidden", http.StatusForbidden)
			return
		}
		if strings.HasPrefix(r.URL.Path, storePath) {
			m.storeWrite(w, r)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxControlBody))
		if err != nil {
			http.Error(w, "the request is too large", http.StatusUnprocessableEntity)
			return
		}
		result, err := m.act(r.Context(), strings.TrimPrefix(r.URL.Path, "/"), body)
		if err == nil {
			body, err = json.Marshal(result)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusUnprocessableEntity)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body)
	})
}
