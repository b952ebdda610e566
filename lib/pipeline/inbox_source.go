package pipeline

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/leadlake/leadlake/lib/objstore"
)

// inboxFile is the bytes of a file in the inbox.
type inboxFile struct {
	io.ReaderAt

	size    int64
	version objstore.Version
	sha256  string
	blocks  *blockReader // of a large file
}

// broken is the fault of the store that ended a reading; nil where there was
// none. A table's reader may take it for a damaged file.
func (f *inboxFile) broken() error {
	if f.blocks == nil {
		return nil
	}
	return f.blocks.err
}

// openObject gives the bytes of a file; nil where it is gone. Small files are
// read at once, of large ones blocks.
func (p *Pipeline) openObject(ctx context.Context, info objstore.Info) (*inboxFile, error) {
	gone := func(err error) (*inboxFile, error) {
		if errors.Is(err, objstore.ErrNotExist) {
			return nil, nil //nolint:nilnil // another compaction has moved it
		}
		return nil, fmt.Errorf("read file: %w", err)
	}
	if info.Size <= inboxWhole {
		body, now, err := p.store.Get(ctx, info.Key)
		if err != nil {
			return gone(err)
		}
		sum := sha256.Sum256(body)
		return &inboxFile{ReaderAt: bytes.NewReader(body), size: int64(len(body)), version: now.Version, sha256: hex.EncodeToString(sum[:])}, nil
	}
	now, err := p.store.Head(ctx, info.Key)
	if err != nil {
		return gone(err)
	}
	blocks := &blockReader{size: now.Size, read: func(offset, length int64) ([]byte, error) { return p.store.GetRange(ctx, info.Key, offset, length) }}
	hash := sha256.New()
	if _, err := io.Copy(hash, io.NewSectionReader(blocks, 0, now.Size)); err != nil {
		return gone(err)
	}
	return &inboxFile{ReaderAt: blocks, size: now.Size, version: now.Version, sha256: hex.EncodeToString(hash.Sum(nil)), blocks: blocks}, nil
}

// blockReader reads a large object in blocks and keeps the last ones: tables are
// read from front to back, workbooks also jump to their ends. Not for concurrent
// use.
type blockReader struct {
	size   int64
	read   func(offset, length int64) ([]byte, error)
	blocks map[int64][]byte
	order  []int64 // of the blocks, the oldest first
	err    error   // the first fault of read
}

const (
	blockBytes = 1 << 20
	maxBlocks  = 16
)

func (b *blockReader) ReadAt(buf []byte, offset int64) (int, error) {
	n := 0
	for n < len(buf) {
		at := offset + int64(n)
		if at >= b.size {
			return n, io.EOF
		}
		block, err := b.block(at / blockBytes)
		if err != nil {
			return n, err
		}
		inside := at % blockBytes
		if inside >= int64(len(block)) {
			return n, io.ErrUnexpectedEOF // it became shorter meanwhile
		}
		n += copy(buf[n:], block[inside:])
	}
	return n, nil
}

func (b *blockReader) block(i int64) ([]byte, error) {
	if block, ok := b.blocks[i]; ok {
		return block, nil
	}
	block, err := b.read(i*blockBytes, min(blockBytes, b.size-i*blockBytes))
	if err != nil {
		if b.err == nil {
			b.err = err
		}
		return nil, err
	}
	if b.blocks == nil {
		b.blocks = map[int64][]byte{}
	}
	if len(b.order) == maxBlocks {
		delete(b.blocks, b.order[0])
		b.order = b.order[1:]
	}
	b.blocks[i], b.order = block, append(b.order, i)
	return block, nil
}
