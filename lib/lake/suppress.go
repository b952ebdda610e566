package lake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/leadlake/leadlake/lib/objstore"
)

// Suppression is the list of one erased person: keyed tokens alone, so that the
// person can be recognised and not be read (reliability §8).
type Suppression struct {
	Request  string    `json:"request"`
	ErasedAt time.Time `json:"erased_at"`
	Tokens   []string  `json:"tokens"`
	LiftedAt time.Time `json:"lifted_at,omitzero"` // the person came back by himself
}

// Suppressed maps tokens to the erasure they belong to.
type Suppressed map[string]Suppression

// ReadSuppressed reads the whole suppression list.
func ReadSuppressed(ctx context.Context, store objstore.Store) (Suppressed, error) {
	return new(suppressionCache).read(ctx, store, time.Time{})
}

// suppressionCache keeps what was read of the list: one request an erased person
// would cost more than all else in a small compaction. Not safe for concurrent
// use.
type suppressionCache struct {
	known map[string]knownSuppression // by key
}

type knownSuppression struct {
	Suppression
	info objstore.Info
}

// settledAfter is how old, by the store's clock, an entry must be to be known by
// its size and time: two writes within the grain of that clock look alike.
const settledAfter = time.Minute

// read returns a list that belongs to the caller.
func (c *suppressionCache) read(ctx context.Context, store objstore.Store, now time.Time) (Suppressed, error) {
	list, known := Suppressed{}, map[string]knownSuppression{}
	for info, err := range store.List(ctx, SuppressPrefix, "") {
		if err != nil {
			return nil, fmt.Errorf("lake: list suppressions: %w", err)
		}
		s, ok := c.known[info.Key]
		if !ok || s.info.Size != info.Size || !s.info.ModifiedAt.Equal(info.ModifiedAt) {
			body, _, err := store.Get(ctx, info.Key)
			if err != nil {
				return nil, fmt.Errorf("lake: read suppression: %w", err)
			}
			s = knownSuppression{info: info}
			if err := json.Unmarshal(body, &s.Suppression); err != nil {
				return nil, fmt.Errorf("lake: read %s: %w", info.Key, err)
			}
		}
		if now.Sub(info.ModifiedAt) > settledAfter {
			known[info.Key] = s
		}
		if s.LiftedAt.IsZero() {
			for _, token := range s.Tokens {
				if old, ok := list[token]; !ok || s.ErasedAt.After(old.ErasedAt) { // erased twice: the later counts
					list[token] = s.Suppression
				}
			}
		}
	}
	c.known = known
	return list, nil
}

// WriteSuppression adds an erased person to the list.
func WriteSuppression(ctx context.Context, store objstore.Store, s Suppression) error {
	body, err := json.Marshal(s)
	if err != nil {
		return err
	}
	_, err = store.Put(ctx, SuppressPrefix+s.Request+".json", body)
	if err != nil {
		return fmt.Errorf("lake: write suppression: %w", err)
	}
	return nil
}

// Find returns the latest erasure that any of the tokens belongs to: what it
// lets pass, the earlier ones do too.
func (list Suppressed) Find(tokens []string) (latest Suppression, found bool) {
	for _, token := range tokens {
		if s, ok := list[token]; ok && (!found || s.ErasedAt.After(latest.ErasedAt)) {
			latest, found = s, true
		}
	}
	return latest, found
}

// Blocks reports whether a delivery received at a time is still kept out by the
// erasure. Late retries are; who comes back after the dedupe window, or with a
// processing consent given after the erasure, is a lead again (reliability R8).
func (s Suppression) Blocks(receivedAt, processingGivenAt time.Time, dedupeDays int) bool {
	return !processingGivenAt.After(s.ErasedAt) && receivedAt.Before(s.ErasedAt.AddDate(0, 0, dedupeDays))
}

// ErasureRequest asks that a person be erased; the erase step acts on it.
type ErasureRequest struct {
	ID         string    `json:"id"`
	ReceivedAt time.Time `json:"received_at"`
	Deadline   time.Time `json:"deadline"`
	Tokens     []string  `json:"tokens"`
	State      string    `json:"state"` // ErasureReceived or ErasureUnverified
	By         string    `json:"by"`    // source or account
}

// States of a request. An unverified one came through a source without a secret
// and is not acted on; `leadlake erase CONTACT` by a person is.
const (
	ErasureReceived   = "received"
	ErasureUnverified = "unverified"
)

// RequestErasure puts a request down once; the same request again changes
// nothing.
func RequestErasure(ctx context.Context, store objstore.Store, r ErasureRequest) error {
	slices.Sort(r.Tokens)
	body, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if _, err = store.Create(ctx, ErasuresPrefix+r.ID+"/request.json", body); err != nil && !errors.Is(err, objstore.ErrExist) {
		return fmt.Errorf("lake: request erasure: %w", err)
	}
	return nil
}
