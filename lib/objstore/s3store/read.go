package s3store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/leadlake/leadlake/lib/objstore"
)

// Get implements [objstore.Store].
func (s *Store) Get(ctx context.Context, key string) ([]byte, objstore.Info, error) {
	var body []byte
	var info objstore.Info
	err := s.check(ctx, key)
	if err == nil {
		err = again(ctx, func() (err error) {
			body, info, err = s.get(ctx, key)
			return err
		})
	}
	if err != nil {
		return nil, objstore.Info{}, fmt.Errorf("get %s: %w", objstore.Quote(key), err)
	}
	return body, info, nil
}

// again repeats a read whose body was spoilt on the way, which the SDK does not.
func again(ctx context.Context, read func() error) error {
	var err error
	for range readAttempts {
		if err = read(); err == nil || !errors.Is(err, objstore.ErrCorrupt) || ctx.Err() != nil {
			return err
		}
	}
	return err
}

func readError(err error) error {
	switch a := answerOf(err); {
	case a.absent():
		return objstore.ErrNotExist
	case a.status == http.StatusRequestedRangeNotSatisfiable:
		return objstore.ErrRange
	case a.refused():
		return fmt.Errorf("%w: %w", objstore.ErrRefused, err)
	default:
		return err
	}
}

func (s *Store) get(ctx context.Context, key string) (body []byte, info objstore.Info, err error) {
	out, err := s.client.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(s.bucket), Key: aws.String(s.prefix + key)})
	if err != nil {
		return nil, objstore.Info{}, readError(err)
	}
	defer out.Body.Close() //nolint:errcheck // read only
	body, err = readBody(out.Body, out.ContentLength)
	if err != nil {
		return nil, objstore.Info{}, err
	}
	if want := out.Metadata[metaSHA256]; want != "" && want != sha256Of(body) {
		return nil, objstore.Info{}, fmt.Errorf("%w: SHA-256 differs", objstore.ErrCorrupt)
	}
	return body, objstore.Info{
		Key: key, Size: int64(len(body)), Version: objstore.Version(aws.ToString(out.ETag)),
		ModifiedAt: aws.ToTime(out.LastModified).UTC(),
	}, nil
}

// readBody reads a body to its end and compares the length announced. A fault on the
// way is ErrCorrupt, since the request itself had succeeded.
func readBody(from io.Reader, length *int64) ([]byte, error) {
	if length == nil {
		return nil, fmt.Errorf("%w: no length given", objstore.ErrCorrupt)
	}
	body := make([]byte, *length)
	n, err := io.ReadFull(from, body)
	if err == nil || *length == 0 {
		// The checksum is compared when the end is read.
		var more int64
		more, err = io.Copy(io.Discard, from)
		if err == nil && more > 0 {
			return nil, fmt.Errorf("%w: more than %d bytes", objstore.ErrCorrupt, *length)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %d of %d bytes: %w", objstore.ErrCorrupt, n, *length, err)
	}
	return body, nil
}

func sha256Of(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// GetRange implements [objstore.Store]. A part of an object has no checksum; its
// length is verified.
func (s *Store) GetRange(ctx context.Context, key string, offset, length int64) ([]byte, error) {
	var body []byte
	err := s.check(ctx, key)
	if err == nil && (offset < 0 || length <= 0) {
		// The object is asked for all the same: an absent one is absent first.
		if _, err = s.Head(ctx, key); err == nil {
			err = objstore.ErrRange
		}
	} else if err == nil {
		err = again(ctx, func() (err error) {
			body, err = s.getRange(ctx, key, offset, length)
			return err
		})
	}
	if err != nil {
		return nil, fmt.Errorf("get range of %s: %w", objstore.Quote(key), err)
	}
	return body, nil
}

func (s *Store) getRange(ctx context.Context, key string, offset, length int64) ([]byte, error) {
	out, err := s.client.GetObject(ctx, &s3.GetObjectInput{
		Bucket: aws.String(s.bucket), Key: aws.String(s.prefix + key),
		Range: aws.String(fmt.Sprintf("bytes=%d-%d", offset, offset+length-1)),
	})
	if err != nil {
		return nil, readError(err)
	}
	defer out.Body.Close() //nolint:errcheck // read only
	// A store that ignores the range sends everything, without Content-Range. For an
	// empty object that is even allowed, since no range of it is valid.
	if out.ContentRange == nil {
		if aws.ToInt64(out.ContentLength) == 0 {
			return nil, objstore.ErrRange
		}
		return nil, fmt.Errorf("%w: whole object instead of a range", objstore.ErrCorrupt)
	}
	_, total, _ := strings.Cut(*out.ContentRange, "/")
	size, err := strconv.ParseInt(total, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("%w: Content-Range has no length", objstore.ErrCorrupt)
	}
	want, err := objstore.ClipRange(offset, length, size)
	if err != nil {
		return nil, err
	}
	if got := aws.ToInt64(out.ContentLength); got != want {
		return nil, fmt.Errorf("%w: range of %d bytes, want %d", objstore.ErrCorrupt, got, want)
	}
	return readBody(out.Body, out.ContentLength)
}

// Head implements [objstore.Store].
func (s *Store) Head(ctx context.Context, key string) (objstore.Info, error) {
	if err := s.check(ctx, key); err != nil {
		return objstore.Info{}, fmt.Errorf("head %s: %w", objstore.Quote(key), err)
	}
	out, err := s.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: aws.String(s.bucket), Key: aws.String(s.prefix + key)})
	if err != nil {
		return objstore.Info{}, fmt.Errorf("head %s: %w", key, readError(err))
	}
	return objstore.Info{
		Key: key, Size: aws.ToInt64(out.ContentLength), Version: objstore.Version(aws.ToString(out.ETag)),
		ModifiedAt: aws.ToTime(out.LastModified).UTC(),
	}, nil
}

// List implements [objstore.Store], a page of up to 1,000 keys at a time.
func (s *Store) List(ctx context.Context, prefix, startAfter string) iter.Seq2[objstore.Info, error] {
	return func(yield func(objstore.Info, error) bool) {
		fail := func(err error) {
			yield(objstore.Info{}, fmt.Errorf("list %s: %w", objstore.Quote(prefix), err))
		}
		if err := objstore.CheckPrefix(prefix); err != nil {
			fail(err)
			return
		}
		last := startAfter
		for {
			// Each page is asked for by the last key instead of a continuation token, so
			// that a page which broke on the way can be asked for again.
			page, err := s.page(ctx, prefix, last)
			if err != nil {
				fail(err)
				return
			}
			for _, object := range page.Contents {
				key := strings.TrimPrefix(aws.ToString(object.Key), s.prefix)
				if key <= last {
					fail(fmt.Errorf("%w: keys are not in order", objstore.ErrCorrupt))
					return
				}
				last = key
				if objstore.CheckKey(key) != nil {
					continue
				}
				info := objstore.Info{Key: key, Size: aws.ToInt64(object.Size), ModifiedAt: aws.ToTime(object.LastModified).UTC()}
				if !yield(info, nil) {
					return
				}
			}
			if !aws.ToBool(page.IsTruncated) {
				return
			}
			if len(page.Contents) == 0 {
				fail(fmt.Errorf("%w: empty page before the end", objstore.ErrCorrupt))
				return
			}
		}
	}
}

func (s *Store) page(ctx context.Context, prefix, startAfter string) (*s3.ListObjectsV2Output, error) {
	input := &s3.ListObjectsV2Input{Bucket: aws.String(s.bucket), Prefix: aws.String(s.prefix + prefix)}
	if startAfter != "" {
		input.StartAfter = aws.String(s.prefix + startAfter)
	}
	var err error
	for range readAttempts {
		if ctx.Err() != nil {
			return nil, errors.Join(err, ctx.Err())
		}
		var page *s3.ListObjectsV2Output
		if page, err = s.client.ListObjectsV2(ctx, input); err == nil {
			return page, nil
		}
		if answerOf(err).refused() {
			return nil, readError(err)
		}
	}
	return nil, err
}
