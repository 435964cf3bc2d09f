//go:build !js

package edge_test

import (
	"testing"

	"tidemark/wasm/wasmtest"
)

// e2e/workerd/rules.test.mjs has the same numbers.
func TestChangesAreRowsWithoutThoseOfIndexes(t *testing.T) {
	s := start(t, wasmtest.Options{})
	const statements = "CREATE TABLE t (id TEXT PRIMARY KEY, a INTEGER, b INTEGER) ; CREATE INDEX ta ON t (a) ; CREATE INDEX tb ON t (b) ; " +
		"INSERT INTO t VALUES ('x', 1, 1), ('y', 2, 2), ('z', 3, 3) ; SELECT * FROM t ORDER BY b + 1 ; " +
		"WITH c AS MATERIALIZED (SELECT id FROM t) UPDATE t SET a = 9 WHERE id IN (SELECT id FROM c) AND a > 1 ; " +
		"INSERT INTO t VALUES ('x', 5, 5), ('w', 6, 6) ON CONFLICT (id) DO UPDATE SET b = 7 WHERE a = 9 ; " +
		"UPDATE t SET a = 0 WHERE false ; DELETE FROM t WHERE id IN ('w', 'x') RETURNING id ; DELETE FROM t ; DROP TABLE t"
	want(t, s, "POST", "/room/changes/call", "changes "+statements, 200, "0 0 0 3 0 2 1 0 2 2 0")
	want(t, s, "POST", "/room/changes/call", "changes SELECT count(*) FROM log", 200, "0")
}
