// Package objstore is the only storage Leadlake has: named objects of bytes,
// visible only whole, and coordinated by conditional writes alone.
//
// [Store] is the contract. Three stores keep it and pass the same test
// (package storetest): [Mem] in memory, filestore in a directory, s3store in an
// S3 bucket. [Probe] refuses a store that only looks like one, [Commit] replaces
// an object by read, change and compare-and-swap, and [Limit] gives a part of
// the program no more than it needs.
//
// A conditional write has three outcomes, see [Outcome]. What is unknown stays
// unknown: nobody may delete or overwrite because of it, but the same call with
// the same bytes may always be made again.
package objstore

import (
	"context"
	"errors"
	"io"
	"iter"
	"time"
)

// Version is the opaque ETag of an object's bytes: equal bytes may have equal
// versions, so an object that is replaced carries something in its bytes that
// never comes back, such as a rising number. The empty Version is no version.
type Version string

// Info describes one object.
type Info struct {
	Key        string
	Size       int64     // bytes
	Version    Version   // empty in listings, where some stores would have to read every byte for it
	ModifiedAt time.Time // UTC, by the store's clock; never used for order
}

// Errors of every store; they come wrapped, so test them with [errors.Is].
var (
	// ErrNotExist says that there is no object under the key.
	ErrNotExist = errors.New("objstore: object does not exist")
	// ErrExist says that the key of a create-only write is taken; nothing was written.
	ErrExist = errors.New("objstore: object exists already")
	// ErrChanged says that the object is no longer, or never was, in the version that
	// was to be replaced; nothing was written. An absent object is changed, too.
	ErrChanged = errors.New("objstore: object has changed")
	// ErrUnknown says that a write may or may not have happened, or may still happen.
	// Only the same write, with the same bytes, may follow it.
	ErrUnknown = errors.New("objstore: outcome unknown")
	// ErrRefused says that the store refused a request, for example for want of rights
	// or space; nothing was written.
	ErrRefused = errors.New("objstore: request refused")
	// ErrDenied says that this value of the store does not grant the operation.
	ErrDenied = errors.New("objstore: operation not granted")
	// ErrKey says that a key or prefix breaks the rules of [CheckKey].
	ErrKey = errors.New("objstore: bad key")
	// ErrRange says that a range has no byte inside the object.
	ErrRange = errors.New("objstore: bad range")
	// ErrCorrupt says that the bytes or listing received are not what the store
	// said they were, after repeated reads.
	ErrCorrupt = errors.New("objstore: corrupt answer")
	// ErrNoPresign says that the store cannot make links to its objects.
	ErrNoPresign = errors.New("objstore: store makes no links")
)

// Store holds objects. All methods may be called at the same time. Reads see
// every write that returned before they began, and see each object whole.
// Bodies given are not kept, bodies returned belong to the caller.
type Store interface {
	// Get returns a whole object, its length and, where the store keeps one, its
	// checksum verified. An absent object is [ErrNotExist].
	Get(ctx context.Context, key string) ([]byte, Info, error)
	// GetRange returns length bytes from offset, fewer only where the object ends.
	// A range without any byte of the object is [ErrRange]. Two calls may see two
	// versions of an object that is being replaced.
	GetRange(ctx context.Context, key string, offset, length int64) ([]byte, error)
	// Open is Get piece by piece: it reads one version of the object, whole, also while
	// another one takes its place. What Get would refuse is an error of the last Read
	// instead of io.EOF, and nothing is asked for again. The caller closes the reader;
	// when ctx ends, Read may fail.
	Open(ctx context.Context, key string) (io.ReadCloser, Info, error)
	// Head describes an object without its bytes. An absent object is [ErrNotExist].
	Head(ctx context.Context, key string) (Info, error)
	// List yields the objects whose key begins with prefix and is greater than
	// startAfter, in the byte order of their keys, without versions. Either all
	// are yielded or the last pair holds an error. Objects written or deleted
	// meanwhile may or may not be among them. Keys that [CheckKey] refuses, such
	// as the folder marks some consoles leave, are no objects of ours and are left
	// out.
	List(ctx context.Context, prefix, startAfter string) iter.Seq2[Info, error]
	// Create writes a new object, all of it or none, and never overwrites: a
	// taken key is [ErrExist], which is durable when it is reported.
	Create(ctx context.Context, key string, body []byte) (Version, error)
	// Swap replaces the object if it is in version old, else it is [ErrChanged].
	Swap(ctx context.Context, key string, body []byte, old Version) (Version, error)
	// Put writes an object whatever was there. It is for objects with one writer.
	Put(ctx context.Context, key string, body []byte) (Version, error)
	// Upload begins an object that is written piece by piece, in memory that does not
	// grow with it, and becomes visible like that of Put. What is given up, or left by
	// a process that ended, is never seen.
	Upload(ctx context.Context, key string) (Upload, error)
	// Delete removes an object; an absent one is no error.
	Delete(ctx context.Context, key string) error
	// Presign returns a link that lets anybody who holds it download the object
	// under fileName for ttl. It does not look whether the object exists. Stores
	// that cannot do so return [ErrNoPresign].
	Presign(ctx context.Context, key string, ttl time.Duration, fileName string) (string, error)
}

// RangeReader is a Store that reads a range into memory that is there already.
type RangeReader interface {
	// ReadRange is GetRange into p, whose length is how much is wanted. It returns how
	// many bytes there were.
	ReadRange(ctx context.Context, key string, offset int64, p []byte) (int, error)
}

// ReadRange is GetRange of length bytes, in the memory of scratch where the store can
// use it.
func ReadRange(ctx context.Context, store Store, key string, offset, length int64, scratch []byte) ([]byte, error) {
	reader, ok := store.(RangeReader)
	if !ok {
		return store.GetRange(ctx, key, offset, length)
	}
	if int64(cap(scratch)) < length {
		scratch = make([]byte, length, length+length/8)
	}
	n, err := reader.ReadRange(ctx, key, offset, scratch[:length])
	return scratch[:n], err
}

// Outcome tells what became of a write.
type Outcome uint8

// The three outcomes of a write; the zero value is the careful one.
const (
	Unknown Outcome = iota // may have happened, or may happen yet
	Done                   // happened and is durable
	NotDone                // did not happen and will not
)

// String returns "unknown", "done" or "not done".
func (o Outcome) String() string {
	switch o {
	case Done:
		return "done"
	case NotDone:
		return "not done"
	default:
		return "unknown"
	}
}

// OutcomeOf tells from the error of Create, Swap, Put, [Commit] or the Commit of an
// [Upload] what became of the write. An error it does not know, such as a cancelled context, leaves the
// outcome unknown.
func OutcomeOf(err error) Outcome {
	if err == nil {
		return Done
	}
	if errors.Is(err, ErrUnknown) {
		return Unknown
	}
	for _, refused := range []error{ErrExist, ErrChanged, ErrRefused, ErrDenied, ErrKey} {
		if errors.Is(err, refused) {
			return NotDone
		}
	}
	return Unknown
}
