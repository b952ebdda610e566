package filestore_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/leadlake/leadlake/lib/objstore/filestore"
)

// BenchmarkHeadAfterReopening is a process that asks for 3,000 objects of 50 kB once,
// with the reading and writing of the index, but not the search for temporary files
// that opens a directory.
func BenchmarkHeadAfterReopening(b *testing.B) {
	dir := b.TempDir()
	const files = 3000
	keys := make([]string, files)
	for i := range keys {
		keys[i] = fmt.Sprintf("lake/orders/day=%04d/bucket=%02d/part-0000.parquet", i/8, i%8)
		name := filepath.Join(dir, filepath.FromSlash(keys[i]))
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o700), os.WriteFile(name, make([]byte, 50_000), 0o600)); err != nil {
			b.Fatal(err)
		}
	}
	for _, known := range []bool{false, true} {
		b.Run(fmt.Sprintf("known=%v", known), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				if !known {
					_ = os.Remove(filepath.Join(dir, filestore.IndexName))
				}
				store, _ := watch(b, dir)
				b.StartTimer()
				for _, key := range keys {
					if _, err := store.Head(b.Context(), key); err != nil {
						b.Fatal(err)
					}
				}
				closed(b, store)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/files, "ns/object")
		})
	}
}
