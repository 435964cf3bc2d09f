//go:build !js

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"tidemark/shared/abi"
	"tidemark/wasm/edge"
	"tidemark/wasm/wasmtest"
)

const (
	visitsFile = `version = 1
[visits]
columns.owner_id = { type = "string" }
`
	ratedVisitsFile = `version = 2
[visits]
read = "owner_id = sub"
[visits.columns]
owner_id = { type = "string" }
rating = { type = "number", default = 3, since = 2 }
[tags]
since = 2
columns.title = { type = "string", optional = true }
`
	// Tables whose names are those of the seed, and which are others.
	likeSeedFile = `version = 1
[customers]
columns.name = { type = "string" }
[products]
sql = "Products"
id = "ProductId"
columns.price = { type = "string", sql = "Price" }
`
)

// declared reads a declaration from a file that has this text; "" is no file.
func declared(t *testing.T, text string) declaration {
	t.Helper()
	dir := t.TempDir()
	if text != "" {
		if err := os.WriteFile(filepath.Join(dir, "tables.toml"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	d, err := readDeclaration("", &edge.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// A root is the database of the root, with the migrations of this version.
type root struct {
	*testing.T
	db  *wasmtest.D1
	log bytes.Buffer
}

func newRoot(t *testing.T) *root {
	return &root{T: t, db: wasmtest.OpenD1(t, os.DirFS("../../../worker/store/migrations"))}
}

// start does what the server does with its database when it starts with a declaration.
func (r *root) start(text string) error {
	r.Helper()
	r.log.Reset()
	return declared(r.T, text).migrate(on(r.db.D1), slog.New(slog.NewTextHandler(&r.log, nil)))
}

func (r *root) run(sql string) [][]any {
	r.Helper()
	results, err := r.db.Batch(r.Context(), []abi.Statement{{SQL: sql}})
	if err != nil {
		r.Fatalf("%s: %v", sql, err)
	}
	return results[0].Rows
}

// wantStart starts with a declaration, and checks what the log says that was added.
func (r *root) wantStart(text, added string) {
	r.Helper()
	if err := r.start(text); err != nil {
		r.Errorf("%s: %v", text, err)
	}
	log := r.log.String()
	if added == "" && log != "" || strings.Count(log, "\n") > 1 || !strings.Contains(log, added) {
		r.Errorf("%s: the log is %q, want %q", text, log, added)
	}
}

// wantRefusal checks that the server does not start with a declaration, and that nothing
// changes.
func (r *root) wantRefusal(text, reason string) {
	r.Helper()
	const all = `SELECT group_concat(coalesce(sql, name)), (SELECT tables FROM Declaration) FROM sqlite_master`
	before := fmt.Sprintf("%s", r.run(all))
	if err := r.start(text); err == nil || !strings.Contains(err.Error(), reason) {
		r.Errorf("%s: got %v, want %s", text, err, reason)
	}
	if after := fmt.Sprintf("%s", r.run(all)); after != before {
		r.Errorf("%s: the database was %s, and is %s", text, before, after)
	}
}

func TestTheDatabaseGetsWhatIsNewInTheDeclaration(t *testing.T) { // D3
	r := newRoot(t)
	r.wantStart(visitsFile, `added=visits version=1`)
	r.run(`INSERT INTO visits (id, owner_id) VALUES ('v', 'ann')`)
	r.wantStart(visitsFile, "")
	r.wantStart(ratedVisitsFile, `added="visits.rating, tags" version=2`)
	if got := fmt.Sprintf("%s", r.run(`SELECT owner_id, rating FROM visits INDEXED BY visitsByowner_id WHERE owner_id = 'ann'`)); got != "[[ann %!s(float64=3)]]" {
		t.Errorf("got %s", got)
	}
	r.run(`SELECT title FROM tags`)
	// A rule is no change of tables, but is remembered.
	r.wantStart(strings.Replace(ratedVisitsFile, "owner_id = sub", "all", 1), "")
}

func TestADeclarationThatLosesDataIsRefused(t *testing.T) { // D3
	r := newRoot(t)
	r.wantStart(ratedVisitsFile, "added=")
	r.run(`INSERT INTO visits (id, owner_id, deleted) VALUES ('v', 'ann', 1)`) // a tombstone is data, too
	r.wantRefusal(visitsFile, "version goes from 2 back to 1")
	r.wantRefusal("", "the built-in tables would lose data")
	r.wantRefusal("version = 2\n[tags]\nsince = 2\ncolumns.title = { type = \"string\", optional = true }\n", "table visits: it is gone")
	r.wantRefusal(strings.Replace(ratedVisitsFile, `type = "number", default = 3`, `type = "string"`, 1), "type goes from number to string")
	// A table without rows may go.
	r.wantStart(ratedVisitsFile[:strings.Index(ratedVisitsFile, "[tags]")], "")
	r.run(`SELECT title FROM tags`)
}

func TestADatabaseWithoutRowsTakesAnyDeclaration(t *testing.T) { // D3
	r := newRoot(t)
	r.wantStart("", "")
	if n := len(r.run(`SELECT * FROM Declaration`)); n != 0 {
		t.Error("a server without a declaration remembers one")
	}
	r.wantStart(ratedVisitsFile, `added="visits, tags"`)
	r.wantStart(likeSeedFile, `added="customers, Products"`) // in place of the tables of the seed
	r.wantStart(visitsFile, "")
	r.wantStart("", `added="Customers, Products"`)
	r.run(`SELECT CustomerId, ContactName FROM Customers`)
}

// Rows of the tables that were built in stay those of the app.
func TestTheBuiltInTablesAreTheFirstDeclaration(t *testing.T) { // D3
	r := newRoot(t)
	r.run(`INSERT INTO Customers (CustomerId) VALUES ('c')`)
	r.wantRefusal(visitsFile, "table customers: it is gone")
	r.wantRefusal(likeSeedFile, `sql goes from "Customers" to "customers"`)
	grown := `version = 2
[customers]
sql = "Customers"
id = "CustomerId"
[customers.columns]
contact_name = { type = "string", sql = "ContactName", optional = true }
company_name = { type = "string", sql = "CompanyName", optional = true }
notes = { type = "string", sql = "Notes", optional = true }
status = { type = "string", enum = ["lead", "active"], default = "lead", since = 2 }
`
	careless := newRoot(t)
	careless.run(`INSERT INTO Customers (CustomerId) VALUES ('c')`)
	err := careless.start(strings.Replace(grown, ", since = 2", "", 1))
	if log := careless.log.String(); err != nil || !strings.Contains(log, "apps may not notice what is new in the tables") || !strings.Contains(log, "added=Customers.status") {
		t.Errorf("%v, the log is %q", err, log)
	}
	r.wantStart(grown, "added=Customers.status")
	if got := fmt.Sprintf("%s", r.run(`SELECT status FROM Customers`)); got != "[[lead]]" {
		t.Errorf("got %s", got)
	}
}

// A crash between the migrations and the end of the start leaves tables that are there already.
func TestTablesThatAreThereAreKept(t *testing.T) {
	r := newRoot(t)
	r.wantStart(visitsFile, "added=visits")
	r.run(`INSERT INTO visits (id, owner_id) VALUES ('v', 'ann')`)
	r.run(`DELETE FROM Declaration`)
	r.wantStart(visitsFile, "")
	if n := len(r.run(`SELECT * FROM visits`)); n != 1 {
		t.Errorf("%d rows", n)
	}
}

func TestADatabaseOfAnEarlierVersionIsNamed(t *testing.T) {
	r := &root{T: t, db: wasmtest.OpenD1(t, nil)}
	r.wantStart("", "")
	if err := r.start(visitsFile); err == nil || !strings.Contains(err.Error(), "the migrations of this version are not beside the config") {
		t.Errorf("got %v", err)
	}
}

func TestTheDeclarationIsOfTheFlagOrBesideTheConfigOrOfTheVariable(t *testing.T) {
	dir, flag := t.TempDir(), filepath.Join(t.TempDir(), "app.toml")
	rated := declared(t, ratedVisitsFile).schema
	config := &edge.Config{Dir: dir, Vars: map[string]any{"TABLES": string(rated.Encode())}}
	want := func(file, from string, tables ...string) {
		t.Helper()
		d, err := readDeclaration(file, config)
		if err != nil || d.from != from || len(d.schema.Tables) != len(tables) || d.schema.Tables[0].Name != tables[0] {
			t.Errorf("got %+v, %v", d, err)
		}
	}
	want("", "TABLES", "visits", "tags")
	os.WriteFile(filepath.Join(dir, "tables.toml"), []byte(visitsFile), 0o644)
	want("", filepath.Join(dir, "tables.toml"), "visits")
	os.WriteFile(flag, []byte(likeSeedFile), 0o644)
	want(flag, flag, "customers", "products")
	os.WriteFile(flag, []byte(visitsFile+"columns.a = { type = \"text\" }\ncolour = 1\n"), 0o644)
	_, err := readDeclaration(flag, config)
	if err == nil || !strings.HasPrefix(err.Error(), flag+":4: table visits, column a: ") || !strings.Contains(err.Error(), "\n"+flag+":5: table visits: ") {
		t.Errorf("got %v", err)
	}
	if _, err := readDeclaration(flag+".no", config); err == nil || !strings.Contains(err.Error(), flag+".no") {
		t.Errorf("got %v", err)
	}
	config = &edge.Config{Dir: t.TempDir(), Vars: map[string]any{"TABLES": "{"}}
	if _, err := readDeclaration("", config); err == nil || !strings.HasPrefix(err.Error(), "TABLES: ") {
		t.Errorf("got %v", err)
	}
}

// What is inside a released binary comes last, and a tables.toml of the working folder does not
// count without --config. F1.
func TestTheDeclarationInsideAReleaseComesLast(t *testing.T) {
	inside := fstest.MapFS{insideTables: {Data: []byte(visitsFile)}}
	schema := declared(t, ratedVisitsFile).schema
	rated, dir := string(schema.Encode()), t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "tables.toml"), []byte(likeSeedFile), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	for _, c := range []struct {
		config edge.Config
		from   string
	}{
		{edge.Config{Inside: inside}, "tables.toml of this release"},
		{edge.Config{Inside: inside, Dir: t.TempDir()}, "tables.toml of this release"},
		{edge.Config{Inside: inside, Vars: map[string]any{"TABLES": rated}}, "TABLES"},
		{edge.Config{Inside: inside, Dir: dir, Vars: map[string]any{"TABLES": rated}}, filepath.Join(dir, "tables.toml")},
	} {
		if d, err := readDeclaration("", &c.config); err != nil || d.from != c.from {
			t.Errorf("%+v: got %q, %v, want %q", c.config, d.from, err, c.from)
		}
	}
}

// call sends a push or a pull to the server, and returns the answer.
func (s *server) call(t *testing.T, procedure, space, input string) string {
	t.Helper()
	token, err := sign(testSecret, claims{sub: "ann", spaces: space, ttl: time.Hour}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	path := s.url
	if space != "" {
		path += "/s/" + space
	}
	r, _ := http.NewRequest("POST", path+"/trpc/"+procedure, strings.NewReader(input))
	if procedure == "sync.pull" {
		r, _ = http.NewRequest("GET", path+"/trpc/"+procedure+"?input="+url.QueryEscape(input), nil)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != 200 {
		t.Fatalf("%s in %q: %d %s, %v\n%s", procedure, space, res.StatusCode, b, err, &s.log)
	}
	return string(b)
}

const testSecret = "a secret that only these tests know"

// TestTheServerServesTheTablesOfAFile runs the command with the real guest: in the root and in
// a space, a table has its rows after the file got another table and a column. D3.
func TestTheServerServesTheTablesOfAFile(t *testing.T) {
	t.Setenv("AUTH_SECRET", testSecret)
	dir := t.TempDir()
	file, wasm := filepath.Join(dir, "app.toml"), filepath.Join(dir, "tidemark.wasm")
	if err := os.WriteFile(wasm, wasmtest.Build(t, "./worker"), 0o644); err != nil {
		t.Fatal(err)
	}
	options := []string{"--config", "../../../wrangler.toml", "--wasm", wasm, "--tables", file}
	start := func(text string) *server {
		os.WriteFile(file, []byte(text), 0o644)
		return startServer(t, dir, options...)
	}
	stop := func(s *server) {
		s.Process.Kill()
		s.Wait()
	}
	s := start(visitsFile)
	if log := s.log.String(); !strings.Contains(log, "added=visits") {
		t.Errorf("log: %s", log)
	}
	for _, space := range []string{"", "acme"} {
		s.call(t, "sync.push", space, `{"lastPulledAt":1,"changes":{"visits":{"created":[],"updated":[{"id":"v","owner_id":"ann","created_at":1,"updated_at":1}],"deleted":[]}}}`)
	}
	stop(s)

	s = start(ratedVisitsFile)
	for _, space := range []string{"", "acme"} {
		var answer struct {
			Result struct {
				Data struct {
					Changes map[string]struct{ Updated []map[string]any }
				}
			}
		}
		if err := json.Unmarshal([]byte(s.call(t, "sync.pull", space, `{"lastPulledAt":null}`)), &answer); err != nil {
			t.Fatal(err)
		}
		changes := answer.Result.Data.Changes
		if got := fmt.Sprint(changes["visits"].Updated); len(changes) != 2 || got != "[map[created_at:1 id:v owner_id:ann rating:3 updated_at:1]]" {
			t.Errorf("in %q: got %v", space, changes)
		}
	}
	stop(s)

	binary, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"version = 2\n[tags]\ncolumns.title = { type = \"string\" }\n": "table visits: it is gone",
		"version = 2\n[visits]\ncolour = 5\n":                          file + `:3: table visits: the key "colour" is unknown`,
	} {
		os.WriteFile(file, []byte(text), 0o644)
		out, err := exec.Command(binary, append([]string{"serve", "--addr", "127.0.0.1:0", "--data", filepath.Join(dir, "data")}, options...)...).CombinedOutput()
		if err == nil || !strings.Contains(string(out), want) {
			t.Errorf("%s: got %v, %s", text, err, out)
		}
	}
}
