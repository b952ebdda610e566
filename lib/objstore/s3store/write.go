package s3store

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/leadlake/leadlake/lib/objstore"
)

// Metadata of every object written here; on the wire each begins with x-amz-meta-.
const (
	metaNonce  = "nonce"  // random, of the call that wrote the object
	metaAfter  = "after"  // the version that a conditional write replaced, or afterNothing
	metaSHA256 = "sha256" // of the bytes, in hex

	afterNothing = "none"
)

// Create implements [objstore.Store].
func (s *Store) Create(ctx context.Context, key string, body []byte) (objstore.Version, error) {
	version, err := s.conditional(ctx, key, body, condition{after: afterNothing, lost: objstore.ErrExist})
	if err != nil {
		return "", fmt.Errorf("create %s: %w", objstore.Quote(key), err)
	}
	return version, nil
}

// Swap implements [objstore.Store].
func (s *Store) Swap(ctx context.Context, key string, body []byte, old objstore.Version) (objstore.Version, error) {
	version, err := s.conditional(ctx, key, body, condition{old: old, after: strings.Trim(string(old), `"`), lost: objstore.ErrChanged})
	if err != nil {
		return "", fmt.Errorf("swap %s: %w", objstore.Quote(key), err)
	}
	return version, nil
}

// Put implements [objstore.Store].
func (s *Store) Put(ctx context.Context, key string, body []byte) (objstore.Version, error) {
	version, err := s.put(ctx, key, body)
	if err != nil {
		return "", fmt.Errorf("put %s: %w", objstore.Quote(key), err)
	}
	return version, nil
}

func (s *Store) put(ctx context.Context, key string, body []byte) (objstore.Version, error) {
	if err := s.check(ctx, key); err != nil {
		return "", err
	}
	nonce, err := s.nonce()
	if err != nil {
		return "", err
	}
	input := s.input(key, body, nonce)
	// Repeating is harmless here: the same bytes to the same key, by its only writer.
	out, err := s.client.PutObject(ctx, input)
	if err == nil {
		return objstore.Version(aws.ToString(out.ETag)), nil
	}
	if answerOf(err).refused() {
		return "", fmt.Errorf("%w: %w", objstore.ErrRefused, err)
	}
	return "", fmt.Errorf("%w: %w", objstore.ErrUnknown, err)
}

// Delete implements [objstore.Store].
func (s *Store) Delete(ctx context.Context, key string) error {
	if err := s.check(ctx, key); err != nil {
		return fmt.Errorf("delete %s: %w", objstore.Quote(key), err)
	}
	_, err := s.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: aws.String(s.bucket), Key: aws.String(s.prefix + key)})
	switch a := answerOf(err); {
	case err == nil, a.absent():
		return nil
	case a.refused():
		return fmt.Errorf("delete %s: %w: %w", key, objstore.ErrRefused, err)
	default:
		return fmt.Errorf("delete %s: %w: %w", key, objstore.ErrUnknown, err)
	}
}

func (s *Store) nonce() (string, error) {
	var raw [16]byte
	if _, err := io.ReadFull(s.random, raw[:]); err != nil {
		return "", fmt.Errorf("%w: make nonce: %w", objstore.ErrRefused, err)
	}
	return hex.EncodeToString(raw[:]), nil
}

func (s *Store) input(key string, body []byte, nonce string) *s3.PutObjectInput {
	return &s3.PutObjectInput{
		Bucket: aws.String(s.bucket), Key: aws.String(s.prefix + key),
		Body: bytes.NewReader(body), ContentLength: aws.Int64(int64(len(body))),
		Metadata: map[string]string{metaNonce: nonce, metaSHA256: sha256Of(body)},
	}
}

// condition is what a conditional write asks for.
type condition struct {
	old   objstore.Version // empty: there must be no object
	after string
	lost  error // what it means that the condition does not hold
}

// verdict is what one answer says about one attempt.
type verdict uint8

const (
	doubtful   verdict = iota // the write may have happened, or may happen yet
	written                   // it has happened
	unmet                     // it has not: the condition did not hold
	conflicted                // it has not: somebody is writing at the same time, or nothing was sent
	rejected                  // it has not, and never will
)

func judge(err error, c condition) verdict {
	if err == nil {
		return written
	}
	a := answerOf(err)
	switch {
	case a.status == http.StatusPreconditionFailed:
		return unmet
	case a.status == http.StatusConflict && (a.code == "ConditionalRequestConflict" || a.code == "OperationAborted" || a.code == "Conflict" || a.code == ""):
		return conflicted
	case a.absent() && c.old != "":
		return unmet
	case a.refused():
		return rejected
	case neverSent(err):
		return conflicted
	default:
		return doubtful
	}
}

// conditional sends a conditional write until its outcome is known. All attempts
// carry the same bytes and the same nonce, so it does not matter which of them
// arrives, or when.
func (s *Store) conditional(ctx context.Context, key string, body []byte, c condition) (objstore.Version, error) {
	if err := s.check(ctx, key); err != nil {
		return "", err
	}
	if c.lost == objstore.ErrChanged && (c.old == "" || c.old == "*") { //nolint:errorlint // set above, never wrapped
		return "", objstore.ErrChanged // would be sent as no condition, or as any version
	}
	nonce, err := s.nonce()
	if err != nil {
		return "", err
	}
	doubt := false // an attempt so far may have happened
	var last error
	for attempt := range s.attempts {
		if attempt > 0 {
			if err := s.wait(ctx, attempt, nonce); err != nil {
				return "", giveUp(doubt, errors.Join(last, err))
			}
		}
		version, err := s.attempt(ctx, key, body, nonce, c)
		result := judge(err, c)
		last = err
		switch result {
		case written:
			return version, nil
		case rejected:
			return "", giveUp(doubt, err)
		case conflicted:
			continue
		case doubtful:
			doubt = true
		case unmet: // but by whose object?
		}
		inPlace, err := s.readBack(ctx, key, nonce)
		if err != nil {
			doubt = true
			last = errors.Join(last, err)
			continue
		}
		switch {
		case inPlace.nonce == nonce:
			return inPlace.version, nil
		case result == unmet && !doubt:
			return "", c.lost
		case inPlace.after == c.after:
			// Somebody else replaced the very version this call was to replace, so this
			// call did not, and cannot any more. (An object that was deleted between is
			// no concern: only the clean-up deletes, long after.)
			return "", c.lost
		case inPlace.version == c.old:
			continue // as before, or still absent: no attempt has arrived yet
		default:
			return "", giveUp(true, last)
		}
	}
	return "", giveUp(doubt, last)
}

func giveUp(doubt bool, err error) error {
	if doubt {
		return fmt.Errorf("%w: %w", objstore.ErrUnknown, err)
	}
	return fmt.Errorf("%w: %w", objstore.ErrRefused, err)
}

// once forbids the SDK to repeat a request.
func once(o *s3.Options) { o.Retryer = aws.NopRetryer{} }

// attempt sends a conditional write once.
func (s *Store) attempt(ctx context.Context, key string, body []byte, nonce string, c condition) (objstore.Version, error) {
	input := s.input(key, body, nonce)
	input.Metadata[metaAfter] = c.after
	if c.old == "" {
		input.IfNoneMatch = aws.String("*")
	} else {
		input.IfMatch = aws.String(string(c.old))
	}
	out, err := s.client.PutObject(ctx, input, once)
	if err != nil {
		return "", err
	}
	return objstore.Version(aws.ToString(out.ETag)), nil
}

// found is what is in place; without an object it is empty.
type found struct {
	version objstore.Version
	nonce   string
	after   string
}

// readBack looks what is in place. It has its own short pauses, since somebody waits
// for the acknowledgement and those of the SDK are up to seconds.
func (s *Store) readBack(ctx context.Context, key, nonce string) (found, error) {
	var last error
	for attempt := range readAttempts {
		if attempt > 0 {
			if err := s.wait(ctx, attempt, nonce); err != nil {
				return found{}, fmt.Errorf("read back: %w", errors.Join(last, err))
			}
		}
		out, err := s.client.HeadObject(ctx, &s3.HeadObjectInput{
			Bucket: aws.String(s.bucket), Key: aws.String(s.prefix + key),
		}, once)
		if err == nil {
			return found{
				version: objstore.Version(aws.ToString(out.ETag)), nonce: out.Metadata[metaNonce], after: out.Metadata[metaAfter],
			}, nil
		}
		a := answerOf(err)
		if a.absent() {
			return found{}, nil
		}
		last = err
		if a.refused() {
			break
		}
	}
	return found{}, fmt.Errorf("read back: %w", last)
}

// wait pauses before an attempt; the nonce is as good a chance as any to keep
// competing writers apart.
func (s *Store) wait(ctx context.Context, attempt int, nonce string) error {
	pause := s.pause << (attempt - 1)
	chance := nonce[attempt%len(nonce)] % 16
	pause -= pause / 2 * time.Duration(chance) / 16
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
