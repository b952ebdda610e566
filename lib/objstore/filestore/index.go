package filestore

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
)

// The index is the file .versions in the root of the directory. Its name begins
// with a dot, so it is no object. It is a header, the records in the order of their
// keys, and the SHA-256 of all before. Only the owner of the directory writes it, by
// a temporary file and a rename, unsynced: one that is lost, torn, of another
// version or in any way not as written is as good as none. Who can write a false one
// can write false objects.
const (
	indexName   = ".versions"
	indexHeader = "leadlake versions 1\n" // another layout has another number
	recordBytes = 5*8 + sha256.Size + 1
)

// loadLocked reads the index, once. Each entry is idle for one process more until
// it is asked for.
func (v *versions) loadLocked() {
	if v.loaded {
		return
	}
	v.loaded = true
	content, err := v.readIndex()
	if err != nil {
		return
	}
	v.sorted = decodeIndex(content)
	for i := range v.sorted {
		v.sorted[i].idle++
	}
}

var errIndex = errors.New("filestore: no index")

func (v *versions) readIndex() ([]byte, error) {
	// Opening what is no file, such as a pipe, could wait for ever.
	if stat, err := v.disk.Lstat(indexName); err != nil || !stat.Mode().IsRegular() {
		return nil, errors.Join(errIndex, err)
	}
	file, err := v.disk.Open(indexName)
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // read only
	stat, err := file.Stat()
	if err != nil || stat.Size() > int64(len(indexHeader)+maxRecords*recordBytes+sha256.Size) {
		return nil, errors.Join(errIndex, err)
	}
	content := make([]byte, stat.Size())
	if n, err := file.ReadAt(content, 0); n < len(content) {
		return nil, errors.Join(errIndex, err)
	}
	return content, nil
}

// close writes the index if there is anything new, for the last time.
func (v *versions) close() error {
	v.saving.Lock()
	defer v.saving.Unlock()
	err := v.saveLocked()
	v.closed = true
	return err
}

// saveLocked writes the index if there is anything new; the caller holds saving.
func (v *versions) saveLocked() error {
	if v.readOnly || v.closed {
		return nil
	}
	v.mu.Lock()
	if !v.changed {
		v.mu.Unlock()
		return nil
	}
	v.changed = false
	v.sortLocked()
	content := encodeIndex(v.sorted)
	v.mu.Unlock()
	err := v.writeIndex(content)
	if err != nil {
		v.mu.Lock()
		v.changed = true
		v.mu.Unlock()
	}
	return err
}

func (v *versions) writeIndex(content []byte) error {
	sum := sha256.Sum256(content)
	temp := tempPrefix + rand.Text()
	file, err := v.disk.CreateFile(temp)
	if err != nil {
		return err
	}
	_, err = file.Write(append(content, sum[:]...))
	if err = errors.Join(err, file.Close()); err == nil {
		err = v.disk.Rename(temp, indexName)
	}
	if err != nil {
		_ = v.disk.Remove(temp) // else at the next start
	}
	return err
}

func encodeIndex(records []record) []byte {
	content := make([]byte, 0, len(indexHeader)+len(records)*recordBytes+sha256.Size)
	content = append(content, indexHeader...)
	for _, r := range records {
		content = binary.BigEndian.AppendUint64(content, r.key)
		content = binary.BigEndian.AppendUint64(content, r.file)
		for _, n := range []int64{r.size, r.modified, r.changed} {
			content = binary.BigEndian.AppendUint64(content, uint64(n)) //nolint:gosec // G115: the same bits
		}
		content = append(content, r.version[:]...)
		content = append(content, r.idle)
	}
	return content
}

// decodeIndex is the inverse of encodeIndex with the sum behind it; nil if content
// is anything else.
func decodeIndex(content []byte) []record {
	rest, ours := bytes.CutPrefix(content, []byte(indexHeader))
	if !ours || len(rest) < sha256.Size || (len(rest)-sha256.Size)%recordBytes != 0 {
		return nil
	}
	end := len(content) - sha256.Size
	if sum := sha256.Sum256(content[:end]); !bytes.Equal(sum[:], content[end:]) {
		return nil
	}
	rest = rest[:len(rest)-sha256.Size]
	records := make([]record, len(rest)/recordBytes)
	for i := range records {
		r := &records[i]
		number := func(field int) int64 {
			return int64(binary.BigEndian.Uint64(rest[field*8:])) //nolint:gosec // G115: the same bits
		}
		r.key, r.file = binary.BigEndian.Uint64(rest), binary.BigEndian.Uint64(rest[8:])
		r.size, r.modified, r.changed = number(2), number(3), number(4)
		copy(r.version[:], rest[40:])
		r.idle = rest[recordBytes-1]
		rest = rest[recordBytes:]
		if r.idle > maxIdle || (i > 0 && records[i-1].key >= r.key) {
			return nil
		}
	}
	return records
}
