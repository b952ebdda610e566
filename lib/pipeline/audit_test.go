package pipeline_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/pipeline"
)

func TestAuditRowsOfManyWritersAreOneChain(t *testing.T) {
	w := newWorld(t)
	other := w.open("a token key that tests share") // another process over the same store
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			p := w.Pipeline
			if i%2 == 1 {
				p = other
			}
			for k := range 5 {
				if err := p.Audit(t.Context(), pipeline.AuditRow{Who: strconv.Itoa(i), Action: "download", Object: strconv.Itoa(k)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	for _, p := range []*pipeline.Pipeline{w.Pipeline, other} {
		if n, err := p.CheckAudit(t.Context()); n != 40 || err != nil {
			t.Errorf("CheckAudit = %d, %v, want 40", n, err)
		}
	}
}

func TestEveryTamperingWithTheAuditIsFound(t *testing.T) {
	w := newWorld(t)
	if n, err := w.CheckAudit(t.Context()); n != 0 || err != nil {
		t.Errorf("CheckAudit of no rows = %d, %v", n, err)
	}
	for i := range 12 {
		if err := w.Audit(t.Context(), pipeline.AuditRow{Who: "owner", Action: "download", Object: fmt.Sprintf("audiences/%d", i), Rows: int64(i)}); err != nil {
			t.Fatal(err)
		}
	}
	good := w.objects(lake.AuditPrefix)
	var keys []string
	for key := range good {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	random := rand.New(rand.NewPCG(1, 2))
	put := func(key, body string) {
		if _, err := w.store.Put(t.Context(), key, []byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	for round := range 1000 {
		i := random.IntN(len(keys) - 1) // a cut tail cannot be seen without a copy elsewhere
		key, body := keys[i], good[keys[i]]
		what := []string{"flip", "delete", "swap", "insert", "truncate", "splice", "case"}[random.IntN(7)]
		extra := ""
		switch what {
		case "flip":
			at := random.IntN(len(body))
			put(key, body[:at]+string(body[at]^byte(1<<random.IntN(7)))+body[at+1:])
		case "delete":
			if err := w.store.Delete(t.Context(), key); err != nil {
				t.Fatal(err)
			}
		case "swap":
			put(key, good[keys[i+1]])
			put(keys[i+1], body)
		case "insert":
			extra = strings.TrimSuffix(key, ".json") + "-more.json"
			put(extra, body)
		case "truncate":
			put(key, body[:random.IntN(len(body))])
		case "splice":
			put(key, strings.Replace(body, `"who":"owner"`, `"who":"owner","who":"owner"`, 1))
		case "case":
			put(key, strings.Replace(body, `"who"`, `"Who"`, 1))
		}
		if n, err := w.CheckAudit(t.Context()); !errors.Is(err, pipeline.ErrAudit) {
			t.Errorf("round %d, %s of row %d: CheckAudit = %d, %v, want ErrAudit", round, what, i+1, n, err)
		}
		for key, body := range good {
			put(key, body)
		}
		if extra != "" {
			if err := w.store.Delete(t.Context(), extra); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n, err := w.CheckAudit(t.Context()); n != 12 || err != nil {
		t.Errorf("CheckAudit of the chain put back = %d, %v, want 12", n, err)
	}
}
