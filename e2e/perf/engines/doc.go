// Package engines compares ports of SQLite to Go by the statements that the self-hosted server runs:
//
//	cd e2e/perf/engines && go test -bench . -cpu 1 -benchtime 20x
//	cd e2e/perf/engines && go test -bench . -cpu 1 -benchtime 20x -tags mattn
//
// The second also measures SQLite as C, and needs a C compiler. It is a module of its own, because the
// server links only one of them. RATIONALE.md has the table, and why the server's modernc.org/sqlite is older than the one here:
// with the newer a patch of a project takes 4.1 times as long. To measure the server's, `go get modernc.org/sqlite@` its version here.
package engines
