package s3store_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/objstore/filestore"
	"github.com/leadlake/leadlake/lib/objstore/s3store"
	"github.com/leadlake/leadlake/lib/objstore/s3store/s3test"
)

// twoParts is a body that s3store sends in two parts.
var twoParts = bytes.Repeat([]byte("0123456789abcdef"), (8<<20)/16+1)

// incomplete is how many multipart uploads a bucket still holds.
func incomplete(t *testing.T, c s3store.Config) int {
	t.Helper()
	client := s3.New(s3.Options{
		Region: c.Region, BaseEndpoint: aws.String(c.Endpoint), UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, ""),
	})
	out, err := client.ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: aws.String(c.Bucket)})
	if err != nil {
		t.Fatalf("list uploads: %v", err)
	}
	return len(out.Uploads)
}

func upload(t *testing.T, store objstore.Store, body []byte) (objstore.Version, error) {
	t.Helper()
	u, err := store.Upload(t.Context(), "key")
	if err != nil {
		t.Fatalf("Upload = %v", err)
	}
	defer u.Abort()
	for rest := body; len(rest) > 0; rest = rest[min(1<<20, len(rest)):] {
		if _, err := u.Write(rest[:min(1<<20, len(rest))]); err != nil {
			break // Commit says so, too
		}
	}
	return u.Commit()
}

// TestLostAnswersOfUploads breaks each request of an upload in two parts in each way:
// the outcome reported is the true one, a single fault that passes never leaves it in
// doubt, and the bucket keeps no parts of what did not become an object.
func TestLostAnswersOfUploads(t *testing.T) {
	s3test.Start(t)
	for _, name := range []string{
		"connection lost before", "connection lost after", "500 after", "503 SlowDown", "409 conflict", "412 after, by a proxy", "403 denied",
		"connection refused", "garbage instead of an error",
	} {
		for at := range 4 {
			t.Run(fmt.Sprintf("%s/request %d", name, at), func(t *testing.T) {
				c := s3test.Config(t)
				c.Pause = time.Millisecond
				clean, err := s3store.Open(t.Context(), c)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := clean.Put(t.Context(), "key", []byte("theirs")); err != nil {
					t.Fatal(err)
				}
				through := &faulty{plan: func(n int, _ *http.Request) fault {
					if n == at {
						return modes()[name]
					}
					return nil
				}}
				c.HTTPClient = through
				store, err := s3store.Open(t.Context(), c)
				if err != nil {
					t.Fatal(err)
				}
				version, err := upload(t, store, twoParts)
				body, info, getErr := clean.Get(t.Context(), "key")
				if getErr != nil {
					t.Fatal(getErr)
				}
				ours := bytes.Equal(body, twoParts)
				if !ours && string(body) != "theirs" {
					t.Fatalf("%d bytes of neither are in place", len(body))
				}
				outcome := objstore.OutcomeOf(err)
				if outcome == objstore.Unknown || (outcome == objstore.Done) != ours {
					t.Errorf("reported %v (%v), in place: %t", outcome, err, ours)
				}
				if outcome == objstore.Done && version != info.Version {
					t.Errorf("reported version %q, in place is %q", version, info.Version)
				}
				// Begun twice since the first answer was lost, one of them is nobody's: the
				// bucket's own rule for incomplete uploads is for that.
				if left := incomplete(t, c); left > 0 && at > 0 {
					t.Errorf("%d uploads are left in the bucket", left)
				}
			})
		}
	}
}

// TestAnUploadThatStaysInDoubtSaysSo has every answer to the last request lost, and
// every look at what is in place.
func TestAnUploadThatStaysInDoubtSaysSo(t *testing.T) {
	s3test.Start(t)
	store, through, clean := pair(t)
	through.plan = func(n int, request *http.Request) fault {
		if n >= 3 && request.Method != http.MethodDelete {
			return drops(true)
		}
		return nil
	}
	_, err := upload(t, store, twoParts)
	if got := objstore.OutcomeOf(err); got != objstore.Unknown {
		t.Errorf("outcome = %v (%v), want unknown", got, err)
	}
	body, _, err := clean.Get(t.Context(), "key")
	if err != nil || !bytes.Equal(body, twoParts) {
		t.Errorf("in place are %d bytes, %v; the upload had happened", len(body), err)
	}
}

func TestAnAbortedUploadLeavesNoParts(t *testing.T) {
	c := s3test.Config(t)
	store, err := s3store.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	u, err := store.Upload(t.Context(), "key")
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := u.Write(twoParts); err != nil {
			t.Fatal(err)
		}
	}
	if n := incomplete(t, c); n != 1 {
		t.Errorf("%d uploads are on their way, want 1", n)
	}
	u.Abort()
	if n := incomplete(t, c); n != 0 {
		t.Errorf("%d uploads are left", n)
	}
}

// TestASpoiltUploadIsRefused changes a byte of every part on its way.
func TestASpoiltUploadIsRefused(t *testing.T) {
	s3test.Start(t)
	store, through, clean := pair(t)
	through.plan = func(_ int, request *http.Request) fault {
		if request.Method != http.MethodPut {
			return nil
		}
		return func(request *http.Request, next func() (*http.Response, error)) (*http.Response, error) {
			body, err := io.ReadAll(request.Body)
			if err != nil {
				return nil, err
			}
			body[len(body)/2] ^= 1
			request.Body = io.NopCloser(bytes.NewReader(body))
			return next()
		}
	}
	if _, err := upload(t, store, twoParts); objstore.OutcomeOf(err) == objstore.Done {
		t.Error("an upload with a spoilt part was done")
	}
	if _, err := clean.Head(t.Context(), "key"); !errors.Is(err, objstore.ErrNotExist) {
		t.Errorf("Head = %v, want no object", err)
	}
}

// TestMemoryOfUploads bounds all that 200 MB on their way ever ask for, which is more
// than they hold at once.
func TestMemoryOfUploads(t *testing.T) {
	files, err := filestore.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	for name, c := range map[string]struct {
		store objstore.Store
		most  uint64
	}{"filestore": {files, 1 << 20}, "s3store": {s3test.Store(t), 40 << 20}} {
		body := make([]byte, 200_000_000)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := upload(t, c.store, body)
		runtime.ReadMemStats(&after)
		if err != nil {
			t.Fatal(err)
		}
		took := after.TotalAlloc - before.TotalAlloc
		t.Logf("%s: %d KiB", name, took>>10)
		if took > c.most {
			t.Errorf("%s: an upload of 200 MB took %d MiB, want at most %d", name, took>>20, c.most>>20)
		}
	}
}
