//go:build !js

package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestWhatIsMadeFromTheTablesIsUpToDate checks this repository. D2.
func TestWhatIsMadeFromTheTablesIsUpToDate(t *testing.T) {
	t.Chdir(filepath.Join("..", "..", ".."))
	var out bytes.Buffer
	err := runTables([]string{"check", "--types", filepath.Join("web", "client", "src"), "--types", filepath.Join("web", "src")}, &out)
	if err != nil || out.Len() > 0 {
		t.Errorf("%s%v", out.String(), err)
	}
}

// An app is a folder with a declaration, and what was made from it.
type app struct{ t *testing.T }

func number(n int) string { return fmt.Sprintf("%04d", n) }

const firstTables = `version = 1
[visits]
sql = "Visits"
[visits.columns]
owner_id = { type = "string" }
`

// newApp makes a folder with the migrations of this repository, and goes there.
func newApp(t *testing.T) *app {
	a := &app{t}
	dir := t.TempDir()
	migrations := filepath.Join(dir, "worker", "store", "migrations")
	if err := os.CopyFS(migrations, os.DirFS(filepath.Join("..", "..", "..", "worker", "store", "migrations"))); err != nil {
		t.Fatal(err)
	}
	built, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "record", "declared.go"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "shared", "record"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	a.write(filepath.Join("shared", "record", "declared.go"), string(built))
	return a
}

func (a *app) write(path, text string) {
	a.t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		a.t.Fatal(err)
	}
}

// run runs a command of tables. It returns what it printed and then its error.
func (a *app) run(args ...string) string {
	var out bytes.Buffer
	if err := runTables(args, &out); err != nil {
		out.WriteString(err.Error())
	}
	return strings.TrimSpace(out.String())
}

// wants runs a command of tables.
func (a *app) wants(want string, args ...string) {
	a.t.Helper()
	if got := a.run(args...); got != want {
		a.t.Errorf("tables %v: got\n%s\nwant\n%s", args, got, want)
	}
}

// migration returns the text of the last migration.
func (a *app) migration() string {
	a.t.Helper()
	names, err := filepath.Glob(filepath.Join("worker", "store", "migrations", "*_declared.sql"))
	if err != nil || len(names) == 0 {
		a.t.Fatal(names, err)
	}
	text, err := os.ReadFile(names[len(names)-1])
	if err != nil {
		a.t.Fatal(err)
	}
	return string(text)
}

// D2 and D4, as somebody meets them who begins an app, and goes on with it.
func TestTheTablesOfAnAppBeginAndGrow(t *testing.T) {
	a := newApp(t)
	last, err := (&declarer{migrations: filepath.Join("worker", "store", "migrations")}).nextNumber()
	if err != nil {
		t.Fatal(err)
	}
	wrote := func(n int) string {
		return "wrote " + filepath.Join("worker", "store", "migrations", number(last+n)+"_declared.sql") + "\nwrote shared/record/declared.go"
	}
	a.wants("open tables.toml: no such file or directory", "check")

	// The tables of the seed give way to those of the app.
	a.write("tables.toml", firstTables)
	gone := "it is gone: its rows would be lost. To keep them from apps write read = \"none\" and write = \"none\"\n"
	refused := "tables.toml: table customers: " + gone + "tables.toml: table products: " + gone
	a.wants(refused+"mistakes in tables.toml: 2, compared with shared/record/declared.go", "check")
	a.wants(refused+"tables migrate: refused: mistakes in tables.toml: 2, compared with shared/record/declared.go\nTo keep it in the database and from all apps, write --forget customers", "migrate")
	a.wants(`tables migrate: there is no table "orders" to forget`, "migrate", "--forget", "orders")
	a.write("tables.toml", strings.Replace(firstTables, `"Visits"`, `"customers"`, 1))
	a.wants("tables migrate: the table visits has the sql of the table customers, which stays in the database: write another sql", "migrate", "--forget", "customers,products")
	a.write("tables.toml", firstTables)
	a.wants(wrote(0), "migrate", "--forget", "customers,products")
	if got := a.migration(); !strings.HasPrefix(got, "-- Made from tables.toml, schema version 1, by tidemark tables migrate.\nCREATE TABLE Visits (") {
		t.Error(got)
	}
	a.wants("nothing to do", "migrate")
	a.wants("", "check")
	a.wants("x has neither app-router.ts nor schema.ts: run tidemark tables types --out x\nnot up to date with tables.toml: 1", "check", "--types", "x")
	a.wants("wrote x/app-router.ts\nwrote x/schema.ts", "types", "--out", "x")
	a.wants("wrote y/schema.ts", "types", "--out", "y", "--only", "schema")
	a.wants("", "check", "--types", "x", "--types", "y")

	// A rule needs an index and no version.
	a.write("tables.toml", strings.Replace(firstTables, "[visits]", "[visits]\nread = 'owner_id = sub'", 1))
	a.wants("shared/record/declared.go is not what tables.toml says: run tidemark tables migrate\n"+
		"x/app-router.ts is not what tables.toml says: run tidemark tables types --out x --only app-router\n"+
		"x/schema.ts is not what tables.toml says: run tidemark tables types --out x --only schema\nnot up to date with tables.toml: 3", "check", "--types", "x")
	a.wants(wrote(1), "migrate")
	if got, want := a.migration(), "-- Made from tables.toml, schema version 1, by tidemark tables migrate.\nCREATE INDEX IF NOT EXISTS VisitsByowner_id ON Visits (owner_id, stamp, id);\n"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}

	// A check needs no migration.
	checked := strings.Replace(firstTables, `"string"`, `"string", max = 64`, 1)
	a.write("tables.toml", checked)
	a.wants("wrote shared/record/declared.go", "migrate")

	// A column needs both. Without a version apps have no migration to it.
	checked += "mood = { type = 'string', optional = true }\n"
	a.write("tables.toml", checked)
	a.wants("note: tables.toml: table visits, column mood: it is new: raise version to 2 and write since = 2, as apps of version 1 do not have it\n"+wrote(2), "migrate")
	a.write("tables.toml", strings.Replace(checked, "version = 1", "version = 2", 1)+"rating = { type = 'number', default = 1, since = 2 }\nplace = { type = 'string', optional = true, since = 2 }\n")
	a.wants(wrote(3), "migrate")
	if got, want := a.migration(), "-- Made from tables.toml, schema version 2, by tidemark tables migrate.\nALTER TABLE Visits ADD COLUMN rating REAL DEFAULT 1e+00;\nALTER TABLE Visits ADD COLUMN place TEXT;\n"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	a.wants("", "check")
	if err := os.Remove(filepath.Join("worker", "store", "migrations", number(last+3)+"_declared.sql")); err != nil {
		t.Fatal(err)
	}
	a.wants("the migrations in worker/store/migrations do not make Visits.rating, Visits.place: put the migration back that tidemark tables migrate wrote\n"+
		"not up to date with tables.toml: 1", "check")
}

func TestACommandOnTheTablesSaysWhatIsWrong(t *testing.T) {
	a := newApp(t)
	a.write("tables.toml", "version = 1\n[a]\nsince = 2\n[a.columns]\nb = { typ = 'string' }\n")
	a.wants("tables.toml:3: table a: since is 2, above the version 1 of the schema: raise version, or lower since\n"+
		"tables.toml:5: table a, column b: type is missing: it is string, number or boolean\n"+
		"tables.toml:5: table a, column b: the key \"typ\" is unknown: did you mean type?\nmistakes in tables.toml: 3", "check")
	a.write("other.toml", firstTables)
	a.wants("tables types: --out is needed", "types", "--file", "other.toml")
	a.wants(`tables types: --only "all" is neither app-router nor schema`, "types", "--file", "other.toml", "--out", "x", "--only", "all")
	a.wants("open b.go: no such file or directory", "check", "--file", "other.toml", "--types", "x", "--built", "b.go")
	a.wants(`{"version":1,"tables":[{"name":"visits","sql":"Visits","columns":[{"name":"owner_id","type":"string"}]}]}`, "check", "--file", "other.toml", "--json")
	a.wants(tablesUsage)
	a.wants(tablesUsage, "-h")
	a.wants("no command \"tables make\"\n"+tablesUsage, "make")
	a.wants(`tables check: unexpected argument "now"`, "check", "now")

	many := "version = 1\n"
	for n := range 200 {
		many += fmt.Sprintf("[table_%d.columns]\na = { type = 'string' }\n", n)
	}
	a.write("other.toml", many)
	if got := a.run("check", "--file", "other.toml"); !strings.Contains(got, "other.toml: a page of all tables takes a statement of") {
		t.Error(got)
	}

	// A table of the same name that the app made by hand.
	a.write(filepath.Join("worker", "store", "migrations", "0900_mine.sql"), "CREATE TABLE visits (id TEXT);\n")
	a.write("tables.toml", firstTables)
	if got := a.run("migrate", "--forget", "customers,products"); !strings.Contains(got, "after the migrations in worker/store/migrations this fails: CREATE TABLE Visits") || !strings.Contains(got, "already exists") {
		t.Error(got)
	}
	if built, err := os.ReadFile(filepath.Join("shared", "record", "declared.go")); err != nil || bytes.Contains(built, []byte("visits")) {
		t.Errorf("a migration that failed was taken for done: %s %v", built, err)
	}
	a.write(filepath.Join("worker", "store", "migrations", "0901_mine.sql"), "CREATE;\n")
	if got := a.run("migrate", "--forget", "customers,products"); !strings.Contains(got, "worker/store/migrations: migrate: 0901_mine.sql") {
		t.Error(got)
	}
	a.write(filepath.Join("shared", "record", "declared.go"), "package record\n")
	a.wants("read shared/record/declared.go: it has no constant declared", "migrate")
}

// The built command exits with 1 if something is wrong.
func TestTheCommandTablesExitsWithOne(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tables.toml")
	if err := os.WriteFile(file, []byte("version = 0\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	stdout, stderr, code := command(t, "tables", "types", "--file", file, "--out", t.TempDir())
	if want := file + ":1: version must be a whole number from 1 to 9999, not 0\n"; stdout != want || stderr != "tidemark: mistakes in "+file+": 1\n" || code != 1 {
		t.Errorf("printed %q and %q, exit %d", stdout, stderr, code)
	}
}
