package pipeline

import (
	"bytes"
	"context"
	"crypto/hmac"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore"
)

// AuditRow says who did what to which object, and never a personal value. Rows
// form a chain: each carries the keyed hash of the one before, so that a changed,
// swapped or missing row is found. A cut tail is not, without a copy elsewhere.
type AuditRow struct {
	Seq    int64     `json:"seq"`
	At     time.Time `json:"at"`
	Who    string    `json:"who"`
	Action string    `json:"action"` // download, erase, sign_in…
	Object string    `json:"object"`
	Rows   int64     `json:"rows,omitempty"`
	SHA256 string    `json:"sha256,omitempty"`
	Before string    `json:"before"` // hash of the row before; empty for the first
	Hash   string    `json:"hash"`
}

// ErrAudit says that the audit chain is broken.
var ErrAudit = errors.New("pipeline: the audit chain is broken")

func auditKey(seq int64) string { return fmt.Sprintf("%s%012d.json", lake.AuditPrefix, seq) }

// Audit appends a row. Writers at the same time each get a place of their own.
func (p *Pipeline) Audit(ctx context.Context, row AuditRow) error {
	for {
		last, err := p.lastAudit(ctx)
		if err != nil {
			return err
		}
		row.Seq, row.Before = last.Seq+1, last.Hash
		row.At = p.now().UTC()
		row.Hash = p.auditHash(row)
		body, err := json.Marshal(row)
		if err != nil {
			return err
		}
		_, err = p.store.Create(ctx, auditKey(row.Seq), body)
		if !errors.Is(err, objstore.ErrExist) {
			if err != nil {
				return fmt.Errorf("pipeline: write audit row: %w", err)
			}
			return nil
		}
	}
}

func (p *Pipeline) auditHash(row AuditRow) string {
	row.Hash = ""
	body, err := json.Marshal(row)
	if err != nil {
		panic("pipeline: audit row does not marshal") // plain fields only
	}
	sum := p.key.Sum("audit", string(body))
	return hex.EncodeToString(sum[:])
}

// auditTail remembers the last row that was seen, so that appending to a long
// chain lists what came after it alone.
type auditTail struct {
	mu  sync.Mutex
	row AuditRow
}

func (p *Pipeline) lastAudit(ctx context.Context) (AuditRow, error) {
	p.chain.mu.Lock()
	defer p.chain.mu.Unlock()
	var key, after string
	if p.chain.row.Seq > 0 {
		after = auditKey(p.chain.row.Seq)
	}
	for info, err := range p.store.List(ctx, lake.AuditPrefix, after) {
		if err != nil {
			return AuditRow{}, fmt.Errorf("pipeline: list audit: %w", err)
		}
		key = info.Key
	}
	if key == "" {
		return p.chain.row, nil
	}
	row, err := p.readAudit(ctx, key)
	if err != nil {
		return row, err
	}
	if key != auditKey(row.Seq) {
		return row, fmt.Errorf("%w: %s is row %d", ErrAudit, key, row.Seq)
	}
	p.chain.row = row
	return row, nil
}

func (p *Pipeline) readAudit(ctx context.Context, key string) (AuditRow, error) {
	var row AuditRow
	body, _, err := p.store.Get(ctx, key)
	if err != nil {
		return row, fmt.Errorf("pipeline: read audit: %w", err)
	}
	if err := json.Unmarshal(body, &row); err != nil {
		return row, fmt.Errorf("%w: %s is unreadable", ErrAudit, key)
	}
	// JSON can be written in many ways, a row in one: the hash covers its fields only.
	if again, err := json.Marshal(row); err != nil || !bytes.Equal(again, body) {
		return row, fmt.Errorf("%w: %s was rewritten", ErrAudit, key)
	}
	return row, nil
}

// CheckAudit walks the whole chain and returns the number of rows; a fault
// matches ErrAudit.
func (p *Pipeline) CheckAudit(ctx context.Context) (int64, error) {
	var before AuditRow
	for info, err := range p.store.List(ctx, lake.AuditPrefix, "") {
		if err != nil {
			return before.Seq, fmt.Errorf("pipeline: list audit: %w", err)
		}
		row, err := p.readAudit(ctx, info.Key)
		if err != nil {
			return before.Seq, err
		}
		if row.Seq != before.Seq+1 || info.Key != auditKey(row.Seq) || row.Before != before.Hash || !hmac.Equal([]byte(row.Hash), []byte(p.auditHash(row))) {
			return before.Seq, fmt.Errorf("%w at row %d", ErrAudit, before.Seq+1)
		}
		before = row
	}
	return before.Seq, nil
}
