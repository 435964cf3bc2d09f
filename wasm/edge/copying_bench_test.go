//go:build !js

package edge

import (
	"path/filepath"
	"testing"
)

// BenchmarkCopy is how long an event waits for the copy of its object, which has 0.5 MB.
func BenchmarkCopy(b *testing.B) {
	dir := b.TempDir()
	src, err := openSQLite(filepath.Join(dir, "src"), false, 1, "PRAGMA locking_mode = EXCLUSIVE", "PRAGMA journal_mode = WAL", "PRAGMA cache_size = -256",
		"CREATE TABLE t (n INTEGER PRIMARY KEY, v BLOB)",
		"INSERT INTO t WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 250) SELECT n, randomblob(2000) FROM c")
	if err != nil {
		b.Fatal(err)
	}
	defer src.close()
	b.SetBytes(500_000)
	for b.Loop() {
		if err := copyWhole(src, filepath.Join(dir, "dst")); err != nil {
			b.Fatal(err)
		}
	}
}
