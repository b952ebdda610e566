package s3store_test

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/objstore/s3store"
	"github.com/leadlake/leadlake/lib/objstore/s3store/s3test"
	"github.com/leadlake/leadlake/lib/objstore/storetest"
)

func TestS3storeKeepsTheContract(t *testing.T) {
	s3test.Start(t) // one server for all subtests
	storetest.Run(t, func(t *testing.T) objstore.Store { return s3test.Store(t) })
}

func TestS3storeKeepsTheContractInAFolder(t *testing.T) {
	s3test.Start(t)
	storetest.Run(t, func(t *testing.T) objstore.Store {
		c := s3test.Config(t)
		c.Prefix = "shop/a"
		store, err := s3store.Open(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		// A neighbour whose folder begins alike must stay unseen.
		c.Prefix = "shop/ab"
		neighbour, err := s3store.Open(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := neighbour.Put(t.Context(), "key", []byte("theirs")); err != nil {
			t.Fatal(err)
		}
		return store
	})
}

func TestURLsOfStores(t *testing.T) {
	for text, want := range map[string]s3store.Config{
		"s3://bucket":               {Bucket: "bucket"},
		"s3://bucket/":              {Bucket: "bucket"},
		"s3://bucket/shop/a/":       {Bucket: "bucket", Prefix: "shop/a"},
		"s3://bucket?region=eu-x-1": {Bucket: "bucket", Region: "eu-x-1"},
		"s3://bucket/p?endpoint=http://127.0.0.1:7070&region=r&path_style=true": {
			Bucket: "bucket", Prefix: "p", Endpoint: "http://127.0.0.1:7070", Region: "r", PathStyle: true,
		},
	} {
		got, err := s3store.ParseURL(text)
		if err != nil {
			t.Errorf("ParseURL(%q) = %v", text, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("ParseURL(%q) (-want +got):\n%s", text, diff)
		}
	}
	for _, text := range []string{
		"", "bucket", "http://bucket", "s3:///prefix", "s3://key:secret@bucket", "s3://bucket?path_style=perhaps", "s3://bucket?pathstyle=true",
		"s3://bucket?region=a&region=b", "s3://bucket?endpoint=ftp://x", "s3://bucket?endpoint=http://u:secret@x", "s3://bucket/a/../b", "s3://bucket?a;b", "s3://bucket#x",
	} {
		_, err := s3store.ParseURL(text)
		if !errors.Is(err, s3store.ErrConfig) {
			t.Errorf("ParseURL(%q) = %v, want ErrConfig", text, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("ParseURL(%q) = %v tells the secret", text, err)
		}
	}
	if _, err := s3store.Open(t.Context(), s3store.Config{}); !errors.Is(err, s3store.ErrConfig) {
		t.Errorf("Open without a bucket = %v, want ErrConfig", err)
	}
}

// fetch returns status, Content-Disposition and body of a link.
func fetch(t *testing.T, link string) (status int, disposition, body string) {
	t.Helper()
	response, err := http.Get(link)
	if err != nil {
		t.Fatal(err)
	}
	read, err := io.ReadAll(response.Body)
	if err = errors.Join(err, response.Body.Close()); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header.Get("Content-Disposition"), string(read)
}

func TestPresignedLinks(t *testing.T) {
	store := s3test.Store(t)
	for _, key := range []string{"audiences/x/part.csv", "audiences/y/part.csv"} {
		if _, err := store.Create(t.Context(), key, []byte("body of "+key)); err != nil {
			t.Fatal(err)
		}
	}
	link, err := store.Presign(t.Context(), "audiences/x/part.csv", time.Minute, "Уснувшие \"кофе\".csv")
	if err != nil {
		t.Fatal(err)
	}
	status, disposition, body := fetch(t, link)
	if status != http.StatusOK || body != "body of audiences/x/part.csv" {
		t.Errorf("GET of the link = %d %q", status, body)
	}
	want := objstore.Attachment("Уснувшие \"кофе\".csv")
	if disposition != want {
		t.Errorf("Content-Disposition = %q, want %q", disposition, want)
	}
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	if got := u.Query().Get("X-Amz-Expires"); got != "60" {
		t.Errorf("X-Amz-Expires = %q, want 60", got)
	}
	for _, tampered := range []string{
		strings.Replace(link, "audiences/x", "audiences/y", 1),
		strings.Replace(link, "X-Amz-Expires=60", "X-Amz-Expires=6000", 1),
		strings.Replace(link, "attachment", "inline", 1),
	} {
		if tampered == link {
			t.Fatal("nothing was tampered with")
		}
		if status, _, body := fetch(t, tampered); status != http.StatusForbidden {
			t.Errorf("GET of a tampered link = %d %.100q, want 403", status, body)
		}
	}
	for _, ttl := range []time.Duration{0, -time.Second, time.Millisecond, 8 * 24 * time.Hour} {
		if _, err := store.Presign(t.Context(), "key", ttl, "x"); !errors.Is(err, objstore.ErrRefused) {
			t.Errorf("Presign for %v = %v, want ErrRefused", ttl, err)
		}
	}
	if _, err := store.Presign(t.Context(), "../key", time.Minute, "x"); !errors.Is(err, objstore.ErrKey) {
		t.Errorf("Presign of a bad key = %v, want ErrKey", err)
	}
}
