package pipeline

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/audience"
	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore"
)

// LedgerRow is one hand-over in the ledger of downloads: who got which file, of
// what and for what purpose. It holds no personal value and is never changed.
type LedgerRow struct {
	ID       string    `json:"id"` // of the download: 16 hex digits
	At       time.Time `json:"at"`
	Who      string    `json:"who"`
	Run      string    `json:"run"`
	AsOf     string    `json:"as_of"` // YYYY-MM-DD
	Segment  string    `json:"segment"`
	Platform string    `json:"platform"`
	File     string    `json:"file"`
	Change   string    `json:"change,omitempty"` // add or remove; empty: the whole list
	Rows     int64     `json:"rows"`             // as the manifest counts them
	SHA256   string    `json:"sha256"`
	Purpose  string    `json:"purpose"`
	Link     string    `json:"link,omitempty"` // the name of the link that pulled it
	// Canaries is how many invented people stand in the file, see [audience.Canaries].
	Canaries int `json:"canaries,omitempty"`
}

// newDownloadID makes the id of a download: 16 hex digits that cannot be guessed.
// Its canaries are made of it.
func (p *Pipeline) newDownloadID() (string, error) {
	id, err := p.randomBytes(8)
	return hex.EncodeToString(id), err
}

func (p *Pipeline) randomBytes(n int) ([]byte, error) {
	b := make([]byte, n)
	if _, err := io.ReadFull(p.random, b); err != nil {
		return nil, fmt.Errorf("pipeline: random bytes: %w", err)
	}
	return b, nil
}

// canariesOf are the canaries of a download, [audience.CanaryCount] of them for a
// list's rows; no contact without a domain in the configuration.
func (p *Pipeline) canariesOf(cfg *config.Config, download string, count int) audience.Canaries {
	return audience.Canaries{
		Sum: p.key.Sum, Download: download, Domain: cfg.Canaries.EmailDomain, Language: cfg.Business.Language, Count: count,
	}
}

func ledgerKey(row LedgerRow) string {
	return lake.HandoversPrefix + lake.Day(row.At) + "/" + row.ID + ".json"
}

// logHandover writes a row into the ledger, under the UTC day of its time. Writing
// the same row again changes nothing; another row of the same download and day
// matches [objstore.ErrExist].
func (p *Pipeline) logHandover(ctx context.Context, row LedgerRow) error {
	row.At = row.At.UTC()
	body, err := json.Marshal(row)
	if err != nil {
		return err
	}
	_, err = p.store.Create(ctx, ledgerKey(row), body)
	if errors.Is(err, objstore.ErrExist) {
		if old, _, readErr := p.store.Get(ctx, ledgerKey(row)); readErr == nil && bytes.Equal(old, body) {
			return nil
		}
	}
	if err != nil {
		return fmt.Errorf("pipeline: write the ledger of downloads: %w", err)
	}
	return nil
}

// Handovers reads the ledger of downloads in [from, to), days as YYYY-MM-DD in UTC;
// an empty one is no bound. The rows come in the order of their time, then id.
func (p *Pipeline) Handovers(ctx context.Context, from, to string) ([]LedgerRow, error) {
	after := ""
	if from != "" {
		after = lake.HandoversPrefix + from
	}
	var keys []string
	for info, err := range p.store.List(ctx, lake.HandoversPrefix, after) {
		if err != nil {
			return nil, fmt.Errorf("pipeline: list the ledger of downloads: %w", err)
		}
		day, _, _ := strings.Cut(strings.TrimPrefix(info.Key, lake.HandoversPrefix), "/")
		if to != "" && day >= to {
			break
		}
		keys = append(keys, info.Key)
	}
	rows := make([]LedgerRow, len(keys))
	if err := atOnce(len(keys), func(i int) error { return p.readJSON(ctx, keys[i], &rows[i]) }); err != nil {
		return nil, err
	}
	slices.SortFunc(rows, func(a, b LedgerRow) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID))
	})
	return rows, nil
}
