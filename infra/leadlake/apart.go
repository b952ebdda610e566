package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/objstore/filestore"
)

// Compaction and the night take both processors and, with the size of the base,
// far more memory than taking deliveries does. So serve over a directory has them
// done by a process of its own, at low priority: senders are answered as before,
// serve's memory stays bounded, and what the system kills for want of memory is
// the night, which is made up for, and not the way in. Such a worker reads the
// directory itself and has its owner write.

// workName is the command of a worker. People do not call it.
const workName = "work"

// workOrder is what a worker is told on its standard input, which then stays open
// for as long as its work is wanted.
type workOrder struct {
	Owner controlFile     `json:"owner"`
	Event json.RawMessage `json:"event"`
}

// heavy are the functions that serve has done apart.
func heavy(name string) bool { return name == "compact" || name == "analytics" }

// apart runs a function in a process of its own.
func (m *machine) apart(name string) function {
	return func(ctx context.Context, event json.RawMessage) (any, error) {
		order, err := json.Marshal(workOrder{Owner: m.control.address, Event: event})
		if err != nil {
			return nil, err
		}
		args := []string{m.sys.Program, workName, "-data", m.where.data, name}
		if nice, err := exec.LookPath("nice"); err == nil {
			args = append([]string{nice, "-n", "10"}, args...)
		}
		worker := exec.CommandContext(ctx, args[0], args[1:]...) //nolint:gosec // G204: this very program
		worker.WaitDelay = graceTime
		worker.Env = workerEnv(m.sys)
		var answer bytes.Buffer
		worker.Stdout, worker.Stderr = &answer, m.sys.Stderr
		wanted, err := worker.StdinPipe()
		if err == nil {
			err = worker.Start()
		}
		if err != nil {
			return nil, fmt.Errorf("start %s: %w", name, err)
		}
		_, err = wanted.Write(append(order, '\n'))
		if err = errors.Join(worker.Wait(), err); err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return json.RawMessage(answer.Bytes()), nil
	}
}

// workerEnv leaves one processor to the way in, where there is more than one,
// unless the environment says otherwise.
func workerEnv(sys *system) []string {
	env := os.Environ()
	if sys.Getenv("GOMAXPROCS") == "" {
		env = append(env, "GOMAXPROCS="+strconv.Itoa(max(1, runtime.NumCPU()-1)))
	}
	return env
}

// compactMemory is what the collector aims at in a compaction of a small base: it
// comes every few minutes, beside everything else that the machine does.
const compactMemory = 176 << 20

// boundCompaction lets the collector aim at what a compaction needs: that, the
// objects of the days it adds to, old and new, and what it remembers of the ids of
// the weeks before. Without a limit the heap would grow to twice as much, with too
// small a one the collector would take half of the time. GOMEMLIMIT says otherwise.
func boundCompaction(ctx context.Context, sys *system, store objstore.Store) error {
	if sys.SetMemoryLimit == nil || sys.Getenv("GOMEMLIMIT") != "" {
		return nil
	}
	limit := int64(compactMemory)
	for _, prefix := range []string{lake.DeliveriesPrefix, lake.EventsPrefix, lake.ContactsPrefix, lake.FailedPrefix} {
		var sizes []int64
		for info, err := range store.List(ctx, prefix, "") {
			if err != nil {
				return fmt.Errorf("list %s: %w", prefix, err)
			}
			sizes = append(sizes, info.Size)
		}
		if prefix != lake.DeliveriesPrefix { // of the others only the days that still grow
			sizes = sizes[max(0, len(sizes)-2):]
		}
		for _, size := range sizes[max(0, len(sizes)-rememberedDays):] {
			limit += 2 * size
		}
	}
	sys.SetMemoryLimit(limit)
	return nil
}

// rememberedDays is dedupe_days with the days at both ends.
const rememberedDays = 37

// workCommand is a worker's whole life.
func workCommand(ctx context.Context, sys *system, args []string) error {
	f := newFlags(sys, workName+" -data DIRECTORY FUNCTION", "Does the heavy work of a running serve, which starts it.")
	data := f.String("data", "", "the `directory` of the store")
	if err := f.parse(args, 1, 1); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var order workOrder
	in := json.NewDecoder(sys.Stdin)
	if err := in.Decode(&order); err != nil {
		return fmt.Errorf("%s is called by a running serve: %w", workName, err)
	}
	go func() { // until serve is gone
		_, _ = io.Copy(io.Discard, sys.Stdin)
		cancel()
	}()
	reader, err := filestore.OpenReadOnly(*data)
	if err != nil {
		return err
	}
	store := &opened{Store: &ownedStore{Store: reader, owner: order.Owner}, private: filepath.Join(*data, privateName), close: reader.Close}
	if err := store.readKeys(ctx, nil); err != nil {
		return errors.Join(err, store.close())
	}
	m, err := newMachine(sys, place{data: *data}, store, sys.Now, slog.LevelInfo)
	if err != nil {
		return errors.Join(err, store.close())
	}
	run := m.functions()[f.Arg(0)]
	if run == nil {
		return errors.Join(wrongUse("no function %q", f.Arg(0)), m.Close())
	}
	if f.Arg(0) == "compact" {
		if err := boundCompaction(ctx, sys, store); err != nil {
			return errors.Join(err, m.Close())
		}
	}
	result, err := run(ctx, order.Event)
	if err = errors.Join(err, m.Close()); err != nil {
		return err
	}
	return json.NewEncoder(sys.Stdout).Encode(result)
}

// ownedStore reads a directory and has the process that owns it write.
type ownedStore struct {
	objstore.Store

	owner controlFile
}

// storePath is where the control address takes writes.
const storePath = "/store/"

// maxStoreBody bounds one object that a worker has written.
const maxStoreBody = 1 << 30

// writeFaults are the errors of a write by the word that stands for each between
// the processes.
func writeFaults() map[string]error {
	return map[string]error{
		"exist": objstore.ErrExist, "changed": objstore.ErrChanged, "refused": objstore.ErrRefused,
		"denied": objstore.ErrDenied, "key": objstore.ErrKey,
	}
}

// written is the owner's answer to a write.
type written struct {
	Version objstore.Version `json:"version,omitempty"`
	Fault   string           `json:"fault,omitempty"` // a word of writeFaults; another one: unknown
	Says    string           `json:"says,omitempty"`
}

// Create implements [objstore.Store].
func (s *ownedStore) Create(ctx context.Context, key string, body []byte) (objstore.Version, error) {
	return s.write(ctx, "create", key, body, "")
}

// Swap implements [objstore.Store].
func (s *ownedStore) Swap(ctx context.Context, key string, body []byte, old objstore.Version) (objstore.Version, error) {
	return s.write(ctx, "swap", key, body, old)
}

// Put implements [objstore.Store].
func (s *ownedStore) Put(ctx context.Context, key string, body []byte) (objstore.Version, error) {
	return s.write(ctx, "put", key, body, "")
}

// Delete implements [objstore.Store].
func (s *ownedStore) Delete(ctx context.Context, key string) error {
	_, err := s.write(ctx, "delete", key, nil, "")
	return err
}

func (s *ownedStore) write(ctx context.Context, how, key string, body []byte, old objstore.Version) (objstore.Version, error) {
	return s.send(ctx, how, key, bytes.NewReader(body), old)
}

// send has the owner do a write.
func (s *ownedStore) send(ctx context.Context, how, key string, body io.Reader, old objstore.Version) (objstore.Version, error) {
	unknown := func(err error) error {
		return fmt.Errorf("%s %s: %w: %w", how, objstore.Quote(key), objstore.ErrUnknown, err)
	}
	if err := ctx.Err(); err != nil { // nothing was sent
		return "", fmt.Errorf("%s %s: %w: %w", how, objstore.Quote(key), objstore.ErrRefused, err)
	}
	query := url.Values{"key": {key}, "old": {string(old)}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.owner.Address+storePath+how+"?"+query.Encode(), body) //nolint:gosec // G704: the address is that of the serve that started us
	if err != nil {
		return "", unknown(err)
	}
	request.Header.Set("Authorization", "Bearer "+s.owner.Token)
	client := http.Client{Transport: &http.Transport{Proxy: nil, DisableKeepAlives: true, DialContext: (&net.Dialer{Timeout: 3 * time.Second}).DialContext}}
	response, err := client.Do(request) //nolint:gosec // G704: as above
	if err != nil {
		return "", unknown(err)
	}
	defer response.Body.Close() //nolint:errcheck // read only
	var answer written
	if err := json.NewDecoder(io.LimitReader(response.Body, maxControlBody)).Decode(&answer); err != nil {
		return "", unknown(fmt.Errorf("status %d: %w", response.StatusCode, err))
	}
	if answer.Fault == "" {
		return answer.Version, nil
	}
	fault := writeFaults()[answer.Fault]
	if fault == nil {
		fault = objstore.ErrUnknown
	}
	return "", fmt.Errorf("%s %s: %w: %s", how, objstore.Quote(key), fault, answer.Says)
}

// storeWrite does a worker's write. The caller has shown the token.
func (m *machine) storeWrite(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == storePath+"upload" {
		answer := written{}
		var err error
		answer.Version, err = m.storeUpload(w, r)
		answerWrite(w, answer, err)
		return
	}
	if r.ContentLength < 0 || r.ContentLength > maxStoreBody {
		http.Error(w, "the object is too large", http.StatusRequestEntityTooLarge)
		return
	}
	body := make([]byte, r.ContentLength)
	if _, err := io.ReadFull(r.Body, body); err != nil {
		http.Error(w, "the object broke off", http.StatusBadRequest)
		return
	}
	var answer written
	var err error
	key, ctx := r.URL.Query().Get("key"), context.WithoutCancel(r.Context())
	switch how := strings.TrimPrefix(r.URL.Path, storePath); how {
	case "create":
		answer.Version, err = m.store.Create(ctx, key, body)
	case "swap":
		answer.Version, err = m.store.Swap(ctx, key, body, objstore.Version(r.URL.Query().Get("old")))
	case "put":
		answer.Version, err = m.store.Put(ctx, key, body)
	case "delete":
		err = m.store.Delete(ctx, key)
	default:
		http.NotFound(w, r)
		return
	}
	answerWrite(w, answer, err)
}

func answerWrite(w http.ResponseWriter, answer written, err error) {
	if err != nil {
		answer = written{Fault: "unknown", Says: err.Error()}
		for word, fault := range writeFaults() {
			if errors.Is(err, fault) && !errors.Is(err, objstore.ErrUnknown) {
				answer.Fault = word
			}
		}
	}
	text, err := json.Marshal(answer)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(text) // a worker that is gone hears nothing
}
