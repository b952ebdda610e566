package s3store

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/leadlake/leadlake/lib/objstore"
)

// partSize is the size of every part of a multipart upload but the last. S3 asks for
// 5 MiB at least and takes 10,000 parts, which is 78 GiB here.
const partSize = 8 << 20

// Upload implements [objstore.Store]. An object shorter than 8 MiB is one PutObject at
// Commit, any other a multipart upload. Two parts are in memory: the one that is
// filled and the one that is sent.
//
// A multipart object has no SHA-256 beside it, since its metadata are sent before its
// bytes. Instead the store is given the CRC-32 of the whole and compares it with what
// it has put together; reads compare it again where the store keeps it.
//
// What a process that died has sent of an object is never seen. The bucket drops it if
// it has a rule for incomplete uploads.
func (s *Store) Upload(ctx context.Context, key string) (objstore.Upload, error) {
	if err := s.check(ctx, key); err != nil {
		return nil, fmt.Errorf("upload %s: %w", objstore.Quote(key), err)
	}
	return &upload{store: s, ctx: ctx, key: key, crc: crc32.NewIEEE()}, nil
}

type upload struct {
	store *Store
	ctx   context.Context //nolint:containedctx // lives for one write of one object
	key   string
	ended bool

	fill []byte      // what comes next
	crc  hash.Hash32 // of all bytes

	// Of a multipart upload, once there is one.
	id    string
	nonce string
	parts []types.CompletedPart
	// sent gives the result of the part on its way, nil if there is none. It is closed
	// by who sends; spare is the memory of that part.
	sent  chan error
	spare []byte
	fault error
}

func (u *upload) Write(p []byte) (int, error) {
	if u.ended {
		return 0, objstore.ErrEnded
	}
	written := 0
	for written < len(p) && u.fault == nil {
		if len(u.fill) == partSize {
			u.fault = u.send()
			continue
		}
		n := min(len(p)-written, partSize-len(u.fill))
		u.room(n)
		u.fill = append(u.fill, p[written:written+n]...)
		_, _ = u.crc.Write(p[written : written+n]) // never fails
		written += n
	}
	if u.fault != nil {
		return written, fmt.Errorf("upload %s: %w: %w", u.key, objstore.ErrRefused, u.fault)
	}
	return len(p), nil
}

// room makes room for n bytes more of the part that is filled. The memory doubles, but
// never beyond a part, which a second part will need anyhow.
func (u *upload) room(n int) {
	if need := len(u.fill) + n; need > cap(u.fill) {
		size := min(max(need, 2*cap(u.fill), 64<<10), partSize)
		if u.id != "" {
			size = partSize
		}
		u.fill = append(make([]byte, 0, size), u.fill...)
	}
}

// send puts the part that is full on its way, after the one before it.
func (u *upload) send() error {
	if u.id == "" {
		if err := u.begin(); err != nil {
			return err
		}
	}
	if err := u.wait(); err != nil {
		return err
	}
	number := int32(len(u.parts) + 1) //nolint:gosec // G115: S3 refuses the 10,001st
	u.parts = append(u.parts, types.CompletedPart{PartNumber: aws.Int32(number)})
	part := &u.parts[len(u.parts)-1]
	body, sent := u.fill, make(chan error, 1)
	u.fill, u.spare, u.sent = u.spare[:0], body, sent
	go func() {
		// Repeating is harmless: the same bytes under the same number.
		out, err := u.store.client.UploadPart(u.ctx, &s3.UploadPartInput{
			Bucket: aws.String(u.store.bucket), Key: aws.String(u.store.prefix + u.key), UploadId: aws.String(u.id), PartNumber: aws.Int32(number),
			Body: bytes.NewReader(body), ContentLength: aws.Int64(int64(len(body))), ChecksumAlgorithm: types.ChecksumAlgorithmCrc32,
		})
		if err == nil {
			part.ETag, part.ChecksumCRC32 = out.ETag, out.ChecksumCRC32
		}
		sent <- err
	}()
	return nil
}

// wait waits for the part on its way.
func (u *upload) wait() error {
	if u.sent == nil {
		return nil
	}
	err := <-u.sent
	u.sent = nil
	return err
}

func (u *upload) begin() error {
	nonce, err := u.store.nonce()
	if err != nil {
		return err
	}
	out, err := u.store.client.CreateMultipartUpload(u.ctx, &s3.CreateMultipartUploadInput{
		Bucket: aws.String(u.store.bucket), Key: aws.String(u.store.prefix + u.key), Metadata: map[string]string{metaNonce: nonce},
		ChecksumAlgorithm: types.ChecksumAlgorithmCrc32, ChecksumType: types.ChecksumTypeFullObject,
	})
	if err != nil {
		return err
	}
	u.id, u.nonce = aws.ToString(out.UploadId), nonce
	return nil
}

func (u *upload) Commit() (objstore.Version, error) {
	if u.ended {
		return "", objstore.ErrEnded
	}
	version, err := u.commit()
	u.Abort()
	if err != nil {
		return "", fmt.Errorf("upload %s: %w", u.key, err)
	}
	return version, nil
}

func (u *upload) commit() (objstore.Version, error) {
	if u.fault == nil && u.id == "" && len(u.fill) < partSize {
		return u.store.put(u.ctx, u.key, u.fill)
	}
	if u.fault == nil && len(u.fill) > 0 {
		u.fault = u.send()
	}
	if err := u.wait(); u.fault == nil {
		u.fault = err
	}
	if u.fault == nil {
		u.fault = u.ctx.Err()
	}
	if u.fault != nil {
		return "", fmt.Errorf("%w: %w", objstore.ErrRefused, u.fault)
	}
	version, err := u.complete()
	if objstore.OutcomeOf(err) == objstore.Done {
		u.id = "" // nothing is left to abort
	}
	return version, err
}

// complete makes one object of the parts. It is sent once at a time: a repetition of a
// request whose answer was lost is answered with "no such upload", and then it counts
// whose object is in place.
func (u *upload) complete() (objstore.Version, error) {
	s := u.store
	whole := base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, u.crc.Sum32()))
	doubt := false // an attempt so far may have happened
	var last error
	for attempt := range s.attempts {
		if attempt > 0 {
			if err := s.wait(u.ctx, attempt, u.nonce); err != nil {
				return "", giveUp(doubt, errors.Join(last, err))
			}
		}
		out, err := s.client.CompleteMultipartUpload(u.ctx, &s3.CompleteMultipartUploadInput{
			Bucket: aws.String(s.bucket), Key: aws.String(s.prefix + u.key), UploadId: aws.String(u.id),
			MultipartUpload: &types.CompletedMultipartUpload{Parts: u.parts},
			ChecksumCRC32:   aws.String(whole), ChecksumType: types.ChecksumTypeFullObject,
		}, once)
		if err == nil {
			return objstore.Version(aws.ToString(out.ETag)), nil
		}
		last = err
		a := answerOf(err)
		if a.status == http.StatusConflict || neverSent(err) {
			continue // it has not happened
		}
		inPlace, err := s.readBack(u.ctx, u.key, u.nonce)
		switch {
		case err == nil && inPlace.nonce == u.nonce:
			return inPlace.version, nil
		case a.refused() && !doubt:
			return "", giveUp(false, last)
		}
		doubt = true
		last = errors.Join(last, err)
	}
	return "", giveUp(doubt, last)
}

// Abort also frees what the store keeps of an upload that failed. A Complete whose
// outcome is unknown can no longer happen then, and what has happened stays.
func (u *upload) Abort() {
	if u.ended {
		return
	}
	u.ended = true
	_ = u.wait() // whatever became of it
	if u.id != "" {
		// The context may have ended, and that may be why.
		_, _ = u.store.client.AbortMultipartUpload(context.WithoutCancel(u.ctx), &s3.AbortMultipartUploadInput{
			Bucket: aws.String(u.store.bucket), Key: aws.String(u.store.prefix + u.key), UploadId: aws.String(u.id),
		})
	}
	u.fill, u.spare, u.parts = nil, nil, nil
}

// Open implements [objstore.Store]. The SHA-256 beside the object, where there is one,
// is compared at its end.
func (s *Store) Open(ctx context.Context, key string) (io.ReadCloser, objstore.Info, error) {
	if err := s.check(ctx, key); err != nil {
		return nil, objstore.Info{}, fmt.Errorf("open %s: %w", objstore.Quote(key), err)
	}
	out, err := s.client.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(s.bucket), Key: aws.String(s.prefix + key)})
	if err != nil {
		return nil, objstore.Info{}, fmt.Errorf("open %s: %w", key, readError(err))
	}
	if out.ContentLength == nil {
		return nil, objstore.Info{}, errors.Join(fmt.Errorf("open %s: %w: no length given", key, objstore.ErrCorrupt), out.Body.Close())
	}
	return objstore.Checked(out.Body, *out.ContentLength, out.Metadata[metaSHA256]), objstore.Info{
		Key: key, Size: *out.ContentLength, Version: objstore.Version(aws.ToString(out.ETag)), ModifiedAt: aws.ToTime(out.LastModified).UTC(),
	}, nil
}
