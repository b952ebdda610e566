package objstore_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"mime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/objstore/storetest"
)

func TestKeys(t *testing.T) {
	for _, key := range []string{
		"a", "a/b", "raw/day=2026-01-01/0.parquet", "..a", "a..b", "...", "a b", "ж", strings.Repeat("a", 200), strings.Repeat("ab/", 341) + "a",
	} {
		if err := objstore.CheckKey(key); err != nil {
			t.Errorf("CheckKey(%q) = %v", key, err)
		}
		if err := objstore.CheckPrefix(key); err != nil {
			t.Errorf("CheckPrefix(%q) = %v", key, err)
		}
	}
	for _, key := range storetest.BadKeys() {
		err := objstore.CheckKey(key)
		if !errors.Is(err, objstore.ErrKey) {
			t.Errorf("CheckKey(%.30q) = %v, want ErrKey", key, err)
		}
	}
	for _, prefix := range []string{"", "a/", "a/b", "a/.", ".."} {
		if err := objstore.CheckPrefix(prefix); err != nil {
			t.Errorf("CheckPrefix(%q) = %v", prefix, err)
		}
	}
	if got := objstore.Quote("+7 900 123\x00"); got != "(bad key)" {
		t.Errorf("Quote of a bad key = %q", got)
	}
}

func TestOutcomes(t *testing.T) {
	for _, c := range []struct {
		err  error
		want objstore.Outcome
	}{
		{nil, objstore.Done},
		{objstore.ErrExist, objstore.NotDone},
		{fmt.Errorf("x: %w", objstore.ErrChanged), objstore.NotDone},
		{objstore.ErrRefused, objstore.NotDone},
		{objstore.ErrDenied, objstore.NotDone},
		{objstore.ErrKey, objstore.NotDone},
		{objstore.ErrUnknown, objstore.Unknown},
		{errors.Join(objstore.ErrExist, objstore.ErrUnknown), objstore.Unknown},
		{context.Canceled, objstore.Unknown},
		{errors.New("anything else"), objstore.Unknown},
	} {
		if got := objstore.OutcomeOf(c.err); got != c.want {
			t.Errorf("OutcomeOf(%v) = %v, want %v", c.err, got, c.want)
		}
	}
}

// meddled is a store with some of its methods replaced.
type meddled struct {
	objstore.Store

	create func(ctx context.Context, key string, body []byte) (objstore.Version, error)
	swap   func(ctx context.Context, key string, body []byte, old objstore.Version) (objstore.Version, error)
	get    func(ctx context.Context, key string) ([]byte, objstore.Info, error)
	list   func(ctx context.Context, prefix, startAfter string) iter.Seq2[objstore.Info, error]
}

func (m meddled) Create(ctx context.Context, key string, body []byte) (objstore.Version, error) {
	if m.create != nil {
		return m.create(ctx, key, body)
	}
	return m.Store.Create(ctx, key, body)
}

func (m meddled) Swap(ctx context.Context, key string, body []byte, old objstore.Version) (objstore.Version, error) {
	if m.swap != nil {
		return m.swap(ctx, key, body, old)
	}
	return m.Store.Swap(ctx, key, body, old)
}

func (m meddled) Get(ctx context.Context, key string) ([]byte, objstore.Info, error) {
	if m.get != nil {
		return m.get(ctx, key)
	}
	return m.Store.Get(ctx, key)
}

func (m meddled) List(ctx context.Context, prefix, startAfter string) iter.Seq2[objstore.Info, error] {
	if m.list != nil {
		return m.list(ctx, prefix, startAfter)
	}
	return m.Store.List(ctx, prefix, startAfter)
}

// TestProbeRefusesStoresThatOnlyLookLikeOne has one store for each broken promise.
func TestProbeRefusesStoresThatOnlyLookLikeOne(t *testing.T) {
	outage := errors.New("outage")
	for _, c := range []struct {
		name   string
		meddle func(mem *objstore.Mem) meddled
		want   error
		says   string
	}{
		{"If-None-Match is ignored", func(mem *objstore.Mem) meddled {
			return meddled{create: mem.Put}
		}, objstore.ErrUnfit, "32 of 32"},
		{"If-Match is ignored", func(mem *objstore.Mem) meddled {
			return meddled{swap: func(ctx context.Context, key string, body []byte, _ objstore.Version) (objstore.Version, error) {
				return mem.Put(ctx, key, body)
			}}
		}, objstore.ErrUnfit, "16 of 16"},
		{"If-Match never holds", func(*objstore.Mem) meddled {
			return meddled{swap: func(context.Context, string, []byte, objstore.Version) (objstore.Version, error) {
				return "", objstore.ErrChanged
			}}
		}, objstore.ErrUnfit, "0 of 16"},
		{"a swap creates what is absent", func(mem *objstore.Mem) meddled {
			return meddled{swap: func(ctx context.Context, key string, body []byte, old objstore.Version) (objstore.Version, error) {
				if _, err := mem.Head(ctx, key); err != nil {
					return mem.Put(ctx, key, body)
				}
				return mem.Swap(ctx, key, body, old)
			}}
		}, objstore.ErrUnfit, "swap of an absent object"},
		{"reads are late", func(*objstore.Mem) meddled {
			return meddled{get: func(context.Context, string) ([]byte, objstore.Info, error) {
				return nil, objstore.Info{}, objstore.ErrNotExist
			}}
		}, objstore.ErrUnfit, "not there"},
		{"reads are of something else", func(*objstore.Mem) meddled {
			return meddled{get: func(context.Context, string) ([]byte, objstore.Info, error) {
				return []byte("other"), objstore.Info{}, nil
			}}
		}, objstore.ErrUnfit, "other bytes"},
		{"listings are late", func(*objstore.Mem) meddled {
			return meddled{list: func(context.Context, string, string) iter.Seq2[objstore.Info, error] {
				return func(func(objstore.Info, error) bool) {}
			}}
		}, objstore.ErrUnfit, "listing"},
		{"the store cannot be asked", func(*objstore.Mem) meddled {
			return meddled{create: func(context.Context, string, []byte) (objstore.Version, error) { return "", outage }}
		}, outage, "outage"},
	} {
		mem := new(objstore.Mem)
		store := c.meddle(mem)
		store.Store = mem
		err := objstore.Probe(t.Context(), store, "probe/")
		if !errors.Is(err, c.want) || !strings.Contains(fmt.Sprint(err), c.says) {
			t.Errorf("%s: Probe = %v, want %v that says %q", c.name, err, c.want, c.says)
		}
		for info := range mem.List(t.Context(), "", "") {
			t.Errorf("%s: Probe left %q", c.name, info.Key)
		}
	}
	if err := objstore.Probe(t.Context(), new(objstore.Mem), "no-folder"); !errors.Is(err, objstore.ErrKey) {
		t.Errorf("Probe under half a name = %v, want ErrKey", err)
	}
}

func TestCommit(t *testing.T) {
	store := new(objstore.Mem)
	plus := func(old []byte) ([]byte, error) { return append(old, '+'), nil }
	first, err := objstore.Commit(t.Context(), store, "n", func(old []byte) ([]byte, error) {
		if old != nil {
			t.Errorf("change of an absent object got %q, want nil", old)
		}
		return []byte{}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	same, err := objstore.Commit(t.Context(), store, "n", func(old []byte) ([]byte, error) {
		if old == nil {
			t.Error("change of an empty object got nil, want empty")
		}
		return old, nil
	})
	if err != nil || same != first {
		t.Errorf("Commit of equal bytes = %q, %v; want the version in place, %q", same, err, first)
	}
	stop := errors.New("stop")
	if _, err = objstore.Commit(t.Context(), store, "n", func([]byte) ([]byte, error) { return nil, stop }); !errors.Is(err, stop) || objstore.OutcomeOf(err) != objstore.NotDone {
		t.Errorf("Commit with a failing change = %v, want its error, not done", err)
	}
	rounds := 0
	loser := meddled{Store: store, swap: func(context.Context, string, []byte, objstore.Version) (objstore.Version, error) {
		rounds++
		return "", objstore.ErrChanged
	}}
	if _, err = objstore.Commit(t.Context(), loser, "n", plus); !errors.Is(err, objstore.ErrChanged) || rounds != 64 {
		t.Errorf("Commit that always loses = %v after %d rounds, want ErrChanged after 64", err, rounds)
	}
	rounds = 0
	doubt := meddled{Store: store, swap: func(context.Context, string, []byte, objstore.Version) (objstore.Version, error) {
		rounds++
		return "", objstore.ErrUnknown
	}}
	if _, err = objstore.Commit(t.Context(), doubt, "n", plus); objstore.OutcomeOf(err) != objstore.Unknown || rounds != 1 {
		t.Errorf("Commit in doubt = %v after %d rounds, want unknown after 1", err, rounds)
	}
}

func TestLimitAllowsOnlyWhatIsGranted(t *testing.T) {
	mem := new(objstore.Mem)
	for _, key := range []string{"raw/a", "raw-copy/a", "lake/a", "gold/a"} {
		if _, err := mem.Put(t.Context(), key, []byte(key)); err != nil {
			t.Fatal(err)
		}
	}
	calls := map[objstore.Operations]func(store objstore.Store, key string) []error{
		objstore.AllowRead: func(store objstore.Store, key string) []error {
			_, _, getErr := store.Get(t.Context(), key)
			_, rangeErr := store.GetRange(t.Context(), key, 0, 1)
			_, headErr := store.Head(t.Context(), key)
			_, _, openErr := store.Open(t.Context(), key)
			return []error{getErr, rangeErr, headErr, openErr}
		},
		objstore.AllowList: func(store objstore.Store, key string) []error {
			var last error
			for _, err := range store.List(t.Context(), key, "") {
				last = err
			}
			return []error{last}
		},
		objstore.AllowCreate: func(store objstore.Store, key string) []error {
			_, err := store.Create(t.Context(), key, nil)
			return []error{err}
		},
		objstore.AllowSwap: func(store objstore.Store, key string) []error {
			_, err := store.Swap(t.Context(), key, nil, "x")
			return []error{err}
		},
		objstore.AllowPut: func(store objstore.Store, key string) []error {
			_, err := store.Put(t.Context(), key, []byte(key))
			_, uploadErr := store.Upload(t.Context(), key)
			return []error{err, uploadErr}
		},
		objstore.AllowDelete: func(store objstore.Store, key string) []error {
			return []error{store.Delete(t.Context(), key+"-absent")}
		},
		objstore.AllowPresign: func(store objstore.Store, key string) []error {
			_, err := store.Presign(t.Context(), key, time.Minute, "x")
			return []error{err}
		},
	}
	for granted := range calls {
		store := objstore.Limit(mem, []objstore.Grant{{Operations: granted, Prefix: "raw/"}, {Operations: granted, Prefix: "gold/a"}})
		for called, call := range calls {
			for _, key := range []string{"raw/a", "gold/a", "raw-copy/a", "lake/a", "raw", ""} {
				allowed := granted == called && (key == "raw/a" || key == "gold/a")
				for _, err := range call(store, key) {
					if errors.Is(err, objstore.ErrDenied) == allowed {
						t.Errorf("granted %b, called %b on %q: %v, want allowed = %t", granted, called, key, err, allowed)
					}
				}
			}
		}
	}
	body, _, err := mem.Get(t.Context(), "raw/a")
	if diff := cmp.Diff("raw/a", string(body)); diff != "" || err != nil {
		t.Errorf("afterwards raw/a holds %q, %v", body, err)
	}
}

func TestALimitedStoreKeepsTheContract(t *testing.T) {
	everything := objstore.AllowRead | objstore.AllowList | objstore.AllowCreate | objstore.AllowSwap | objstore.AllowPut | objstore.AllowDelete | objstore.AllowPresign
	storetest.Run(t, func(*testing.T) objstore.Store {
		return objstore.Limit(new(objstore.Mem), []objstore.Grant{{Operations: everything}})
	})
}

func TestACheckedReaderEndsInAFaultWhereBytesDiffer(t *testing.T) {
	const body = "0123456789"
	sum := string(objstore.VersionOf([]byte(body)))
	for _, c := range []struct {
		name string
		size int64
		sum  string
		body io.Reader
		want error
	}{
		{"whole", 10, sum, strings.NewReader(body), nil},
		{"whole, without a sum", 10, "", strings.NewReader(body), nil},
		{"too short", 11, "", strings.NewReader(body), objstore.ErrCorrupt},
		{"too long", 9, "", strings.NewReader(body), objstore.ErrCorrupt},
		{"another sum", 10, sum, strings.NewReader("0123456780"), objstore.ErrCorrupt},
		{"broken off", 10, sum, io.MultiReader(strings.NewReader("01234"), iotest.ErrReader(io.ErrUnexpectedEOF)), objstore.ErrCorrupt},
	} {
		_, err := io.ReadAll(objstore.Checked(io.NopCloser(c.body), c.size, c.sum))
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

func TestAttachmentNames(t *testing.T) {
	for name, want := range map[string]string{
		"plain-1.csv":         `attachment; filename="plain-1.csv"`,
		"":                    `attachment; filename="download"`,
		"../../etc/passwd":    `attachment; filename="_.._etc_passwd"`,
		"a\r\nSet-Cookie: b":  `attachment; filename="a__Set-Cookie_ b"`,
		"Уснувшие.csv":        `attachment; filename="________.csv"; filename*=UTF-8''%D0%A3%D1%81%D0%BD%D1%83%D0%B2%D1%88%D0%B8%D0%B5.csv`,
		`say "hi";\.csv`:      `attachment; filename="say _hi_;_.csv"`,
		"100%.csv":            `attachment; filename="100_.csv"; filename*=UTF-8''100%25.csv`,
		"evil\u202efdp.exe":   `attachment; filename="evil_fdp.exe"`,
		"bad\xff.csv":         `attachment; filename="bad_.csv"`,
		".hidden":             `attachment; filename="hidden"`,
		"two words & more.md": `attachment; filename="two words & more.md"`,
	} {
		got := objstore.Attachment(name)
		if got != want {
			t.Errorf("Attachment(%q) = %s, want %s", name, got, want)
		}
		if kind, _, err := mime.ParseMediaType(got); err != nil || kind != "attachment" {
			t.Errorf("Attachment(%q) cannot be read: %v", name, err)
		}
	}
}
