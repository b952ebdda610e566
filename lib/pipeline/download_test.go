package pipeline_test

import (
	"context"
	"io"
	"strings"
	"testing"

	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/portal"
)

// replacing puts other bytes in the place of an object before it is opened for the
// n-th time.
type replacing struct {
	objstore.Store
	below string
	left  int
}

func (r *replacing) Open(ctx context.Context, key string) (io.ReadCloser, objstore.Info, error) {
	if strings.HasPrefix(key, r.below) {
		if r.left--; r.left == 0 {
			if _, err := r.Put(ctx, key, []byte("other\n")); err != nil {
				return nil, objstore.Info{}, err
			}
		}
	}
	return r.Store.Open(ctx, key)
}

func TestADownloadIsTheFileThatWasAudited(t *testing.T) {
	w := buyers(t, 3)
	b := w.bundleOf("csv")
	want, err := w.download(b.ID, "contacts.csv")
	if err != nil {
		t.Fatal(err)
	}
	open := func(left int) (string, error) {
		p := w.over(&replacing{Store: w.store, below: "audiences/", left: left})
		d, err := p.PortalReader().OpenExport(t.Context(), b.ID, "contacts.csv", portal.Caller{Name: "owner"})
		if err != nil {
			return "", err
		}
		body, err := io.ReadAll(d.Body)
		if d.Body.Close() != nil || err == nil && d.Size != int64(len(body)) {
			t.Errorf("read the download: %d bytes of %d, %v", len(body), d.Size, err)
		}
		return string(body), err
	}
	if got, err := open(0); err != nil || got != want {
		t.Errorf("the download has %d bytes, %v; want the %d stored", len(got), err, len(want))
	}
	rows := 0
	for _, body := range w.objects("audit/") {
		rows += strings.Count(body, string(objstore.VersionOf([]byte(want))))
	}
	if rows != 2 {
		t.Errorf("%d audit rows have the SHA-256 of the file, want one of each download", rows)
	}
	// Audited is what was made; handed out would be what came after it.
	if got, err := open(1); err == nil {
		t.Errorf("%q was handed out, which nobody audited", got)
	}
}
