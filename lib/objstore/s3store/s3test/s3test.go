// Package s3test starts a real S3 server, versitygw in the version pinned by
// infra/tools, on loopback for tests. Only tests import it.
//
// All tests of a process share one server while any of them uses it; each gets a
// bucket of its own. The server is built at its first use on a machine, which
// takes a minute or two. It does not make anything durable: durability is proved on
// filestore.
package s3test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/objstore/s3store"
)

const region = "us-east-1"

// Start returns where the server is and the keys of its owner. It runs at least
// until tb ends.
func Start(tb testing.TB) (endpoint, accessKey, secretKey string) {
	tb.Helper()
	g, err := shared.acquire(tb)
	if err != nil {
		tb.Fatalf("start versitygw: %v", err)
	}
	return g.endpoint, g.accessKey, g.secretKey
}

// Config returns the configuration of a store in a fresh bucket.
func Config(tb testing.TB) s3store.Config {
	tb.Helper()
	endpoint, accessKey, secretKey := Start(tb)
	bucket := "test-" + strings.ToLower(rand.Text())
	if err := createBucket(tb.Context(), endpoint, accessKey, secretKey, bucket); err != nil {
		tb.Fatalf("create bucket: %v", err)
	}
	return s3store.Config{
		Bucket: bucket, Region: region, Endpoint: endpoint, PathStyle: true,
		AccessKeyID: accessKey, SecretAccessKey: secretKey,
	}
}

// Store returns a store in a fresh bucket.
func Store(tb testing.TB) objstore.Store {
	tb.Helper()
	store, err := s3store.Open(tb.Context(), Config(tb))
	if err != nil {
		tb.Fatalf("open store: %v", err)
	}
	return store
}

// shared is one server per test process, as versitygw is slow to start on some disks.
var shared sharing

// sharing keeps the server while tests use it.
type sharing struct {
	mu    sync.Mutex
	users int
	now   *gateway
}

func (s *sharing) acquire(tb testing.TB) (*gateway, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now == nil {
		g, err := start(tb)
		if err != nil {
			return nil, err
		}
		s.now = g
	}
	s.users++
	tb.Cleanup(s.release)
	return s.now, nil
}

func (s *sharing) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users--; s.users == 0 {
		s.now.stop()
		s.now = nil
	}
}

type gateway struct {
	endpoint, accessKey, secretKey string

	process *exec.Cmd
	life    io.Closer // the server ends when this is closed, also by the end of this process
	output  *output
}

// script runs the server until its own standard input ends, so that a test process
// that is killed leaves neither the server nor its files behind.
const script = `"$@" </dev/null & server=$!
cat >/dev/null
kill -9 $server
wait $server 2>/dev/null
rm -rf "$GATEWAY_FOLDER"`

func start(tb testing.TB) (*gateway, error) {
	binary, err := install(tb)
	if err != nil {
		return nil, err
	}
	// Metadata live in extended attributes, which not every file system has.
	var faults error
	for _, sidecar := range []bool{false, true} {
		g, err := launch(tb.Context(), binary, sidecar)
		if err == nil {
			return g, nil
		}
		faults = errors.Join(faults, err)
	}
	return nil, faults
}

// install returns the path of the pinned server, which it builds if necessary.
func install(tb testing.TB) (string, error) {
	root, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			break
		}
		parent := filepath.Dir(root)
		if parent == root {
			return "", errors.New("no go.mod above the working directory")
		}
		root = parent
	}
	var faults strings.Builder
	command := exec.CommandContext(tb.Context(), "bash", filepath.Join(root, "infra", "tools", "install.sh"), "versitygw")
	command.Stderr = &faults
	path, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("infra/tools/install.sh versitygw: %w\n%s", err, faults.String())
	}
	return strings.TrimSpace(string(path)), nil
}

func launch(ctx context.Context, binary string, sidecar bool) (*gateway, error) {
	folder, err := os.MkdirTemp("", "leadlake-s3-")
	if err != nil {
		return nil, err
	}
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	data := filepath.Join(folder, "data")
	arguments := []string{"-c", script, "s3test", binary, "--quiet", "--port", address, "posix"}
	folders := []string{data}
	if sidecar {
		side := filepath.Join(folder, "side")
		folders = append(folders, side)
		arguments = append(arguments, "--sidecar", side)
	}
	for _, name := range folders {
		if err := os.Mkdir(name, 0o700); err != nil {
			return nil, errors.Join(err, os.RemoveAll(folder))
		}
	}
	g := &gateway{endpoint: "http://" + address, accessKey: "test", secretKey: rand.Text(), output: new(output)}
	// Not CommandContext: the server outlives the test that happens to start it.
	g.process = exec.Command("sh", append(arguments, data)...)
	g.process.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+g.accessKey, "ROOT_SECRET_KEY="+g.secretKey, "GATEWAY_FOLDER="+folder)
	g.process.Stdout, g.process.Stderr = g.output, g.output
	life, err := g.process.StdinPipe()
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	g.life = life
	if err := g.process.Start(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	if err := g.ready(ctx); err != nil {
		g.stop()
		return nil, fmt.Errorf("versitygw (sidecar %t): %w\n%s", sidecar, err, g.output.String())
	}
	return g, nil
}

// freeAddress finds a port that was free a moment ago: the server cannot choose one.
func freeAddress(ctx context.Context) (string, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// ready waits until the server has made a bucket.
func (g *gateway) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	address := strings.TrimPrefix(g.endpoint, "http://")
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for {
		connection, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err == nil {
			if err := connection.Close(); err != nil {
				return err
			}
			return createBucket(ctx, g.endpoint, g.accessKey, g.secretKey, "ready")
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-again.C:
		}
	}
}

func (g *gateway) stop() {
	// Neither can fail in a way that a test should hear of.
	_ = g.life.Close()
	_ = g.process.Wait()
}

func createBucket(ctx context.Context, endpoint, accessKey, secretKey, bucket string) error {
	loaded, err := config.LoadDefaultConfig(ctx, config.WithRegion(region),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(accessKey, secretKey, "")))
	if err != nil {
		return err
	}
	client := s3.NewFromConfig(loaded, func(o *s3.Options) {
		o.BaseEndpoint, o.UsePathStyle = aws.String(endpoint), true
	})
	_, err = client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(bucket)})
	return err
}

// output keeps what the server says, for the case that it does not start.
type output struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write implements io.Writer.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.text.Len() < 16<<10 {
		o.text.Write(p)
	}
	return len(p), nil
}

// String returns what was written so far.
func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
