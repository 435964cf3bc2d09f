//go:build !js

package main

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	sqltables "tidemark/worker/store/tables"
)

func TestAScriptIsSplitAtItsSemicolons(t *testing.T) {
	got := split("-- one; two\nCREATE TABLE a (b TEXT DEFAULT 'x;''--\n', \"c;\" REAL DEFAULT -1); /* ; */\n;\nSELECT 1 - 2 / 3")
	want := []string{"CREATE TABLE a (b TEXT DEFAULT 'x;''--\n', \"c;\" REAL DEFAULT -1)", "SELECT 1 - 2 / 3"}
	if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
		t.Errorf("got %q", got)
	}
}

// The server has made the declared tables by itself, and then the app gets the migrations of
// them, as Cloudflare needs them. D2, D3.
func TestAMigrationOfTablesThatAreThereAddsTheRest(t *testing.T) {
	first, second := declared(t, visitsFile).schema, declared(t, ratedVisitsFile).schema
	script := func(statements []string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte("-- made of tables.toml\n" + strings.Join(statements, ";\n") + ";\n")}
	}
	dir := fstest.MapFS{
		"0100_visits.sql": script(sqltables.Create(&first.Tables[0])),
		"0101_rating.sql": script(append(sqltables.Changes(&first, &second), `UPDATE visits SET rating = 4 WHERE rating IS NULL`)),
		"0102_other.sql":  script([]string{`CREATE TABLE Another (n)`, `INSERT INTO visits (id, rating) VALUES ('w', 7)`}),
	}
	for _, before := range []string{"", visitsFile, ratedVisitsFile} {
		r := newRoot(t)
		if before != "" {
			r.wantStart(before, "added=")
			r.run(`INSERT INTO visits (id) VALUES ('v')`)
		}
		folder, err := newMigrationsFolder(dir, &second, on(r.db.D1))
		if err != nil {
			t.Fatal(err)
		}
		applied, err := r.db.Migrate(folder)
		if err != nil || len(applied) != len(dir) {
			t.Errorf("after %q: applied %v, %v", before, applied, err)
		}
		if before != "" {
			r.wantStart(ratedVisitsFile, "")
		}
		r.run(`SELECT title FROM tags`)
		if got := fmt.Sprint(r.run(`SELECT max(rating) FROM visits INDEXED BY visitsByowner_id WHERE owner_id IS NULL OR owner_id = ''`)); got != "[[7]]" {
			t.Errorf("after %q: got %s", before, got)
		}
	}
	// What is no mere addition is an error, as before.
	r := newRoot(t)
	r.run(`CREATE TABLE Another (n)`)
	folder, err := newMigrationsFolder(dir, &second, on(r.db.D1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.db.Migrate(folder); err == nil || !strings.Contains(err.Error(), "0102_other.sql: table Another already exists") {
		t.Errorf("got %v", err)
	}
}
