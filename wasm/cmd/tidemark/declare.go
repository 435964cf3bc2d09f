//go:build !js

package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"tidemark/shared/abi"
	"tidemark/shared/record"
	"tidemark/shared/tables"
	"tidemark/shared/tables/typescript"
	"tidemark/wasm/edge"
	"tidemark/worker/store"
	"tidemark/worker/store/records"
	sqltables "tidemark/worker/store/tables"
)

const tablesUsage = `usage:
  tidemark tables check [--file tables.toml] [--types DIR]… [--built FILE] [--migrations DIR] [--json]
  tidemark tables migrate [--file tables.toml] [--forget TABLE,…] [--built FILE] [--migrations DIR]
  tidemark tables types [--file tables.toml] --out DIR [--only app-router|schema]`

// A declarer makes files from the declaration of the tables.
type declarer struct {
	file       string // tables.toml
	built      string // declared.go
	migrations string // the folder
	out        io.Writer
	flags      string // those of the command that are not the default, to advise another command
}

// typeFiles are the files that tables types writes, by the names that --only has for them.
var typeFiles = []struct {
	name string
	make func(*record.Schema) []byte
}{{"app-router", typescript.AppRouter}, {"schema", typescript.Schema}}

// runTables runs a command on the declaration of the tables: check, migrate or types.
func runTables(args []string, out io.Writer) error {
	if len(args) == 0 {
		return errors.New(tablesUsage)
	}
	if slices.Contains([]string{"-h", "--help", "help"}, args[0]) {
		_, err := fmt.Fprintln(out, tablesUsage)
		return err
	}
	return declare(args, out)
}

func declare(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("tidemark tables "+args[0], flag.ExitOnError)
	d := declarer{out: out}
	var folders, forget []string
	var folder, only string
	var text bool
	flags.StringVar(&d.file, "file", "tables.toml", "the declaration")
	if args[0] != "types" {
		flags.StringVar(&d.migrations, "migrations", filepath.Join("worker", "store", "migrations"), "the folder of the migrations")
		flags.StringVar(&d.built, "built", filepath.Join("shared", "record", "declared.go"), "the Go file that builds the declaration into the guest")
	}
	switch args[0] {
	case "check":
		flags.BoolVar(&text, "json", false, "print the declaration as the guest takes it from TABLES, and check nothing else than the file")
		flags.Func("types", "a folder with TypeScript that tables types wrote; may be given again", func(dir string) error {
			folders = append(folders, dir)
			return nil
		})
	case "migrate":
		flags.Func("forget", "tables that apps lose, with commas between; the database keeps them", func(list string) error {
			forget = append(forget, strings.Split(list, ",")...)
			return nil
		})
	case "types":
		flags.StringVar(&folder, "out", "", "the folder to write to")
		flags.StringVar(&only, "only", "", "app-router or schema: which file is written; if empty both are")
	default:
		return fmt.Errorf("no command %q\n%s", "tables "+args[0], tablesUsage)
	}
	flags.Parse(args[1:]) // exits after an error
	if flags.NArg() > 0 {
		return fmt.Errorf("tables %s: unexpected argument %q", args[0], flags.Arg(0))
	}
	anotherFile, built := false, false
	flags.Visit(func(f *flag.Flag) {
		anotherFile, built = anotherFile || f.Name == "file", built || f.Name == "built"
		if f.Name == "file" || f.Name == "migrations" || f.Name == "built" {
			d.flags += fmt.Sprintf(" --%s %s", f.Name, f.Value)
		}
	})
	schema, err := d.read()
	if err != nil {
		return err
	}
	switch {
	case text:
		fmt.Fprintf(out, "%s\n", schema.Encode())
		return nil
	case args[0] == "check":
		return d.check(schema, folders, !anotherFile || built)
	case args[0] == "migrate":
		return d.migrate(schema, forget)
	}
	return d.types(schema, folder, only)
}

// read reads the declaration. It prints the mistakes, each on a line.
func (d *declarer) read() (*record.Schema, error) {
	text, err := os.ReadFile(d.file)
	if err != nil {
		return nil, err
	}
	schema, err := tables.Parse(text)
	if err != nil {
		return nil, d.mistakes(err)
	}
	if err := records.NewStatements(schema, 1).Fits(); err != nil {
		return nil, fmt.Errorf("%s: %w", d.file, err)
	}
	return &schema, nil
}

// mistakes prints an error, and returns one that says how many there are.
func (d *declarer) mistakes(err error) error {
	var list tables.Errors
	if !errors.As(err, &list) {
		return err
	}
	for _, m := range list {
		fmt.Fprintln(d.out, m.In(d.file))
	}
	return fmt.Errorf("mistakes in %s: %d", d.file, len(list))
}

// check prints what is not up to date, and returns an error if there is something. Another file than the default is that of
// serve --tables: no guest has it built in, unless --built says so.
func (d *declarer) check(schema *record.Schema, folders []string, inGuest bool) error {
	stale := 0
	say := func(format string, args ...any) {
		stale++
		fmt.Fprintf(d.out, format+"\n", args...)
	}
	if inGuest {
		if err := d.checkGuest(schema, say); err != nil {
			return err
		}
	}
	for _, dir := range folders {
		found := false
		for _, f := range typeFiles {
			path := filepath.Join(dir, f.name+".ts")
			text, err := os.ReadFile(path)
			if errors.Is(err, os.ErrNotExist) {
				continue
			}
			if err != nil {
				return err
			}
			found = true
			if !bytes.Equal(text, f.make(schema)) {
				say("%s is not what %s says: run tidemark tables types --out %s --only %s%s", path, d.file, dir, f.name, d.fileFlag())
			}
		}
		if !found {
			say("%s has neither app-router.ts nor schema.ts: run tidemark tables types --out %[1]s%s", dir, d.fileFlag())
		}
	}
	if stale > 0 {
		return fmt.Errorf("not up to date with %s: %d", d.file, stale)
	}
	return nil
}

// checkGuest says whether declared.go and the migrations are up to date.
func (d *declarer) checkGuest(schema *record.Schema, say func(string, ...any)) error {
	built, err := d.old()
	if err != nil {
		return err
	}
	if !bytes.Equal(built.Encode(), schema.Encode()) {
		if err := d.mistakes(tables.Refuse(&built, schema)); err != nil {
			return fmt.Errorf("%w, compared with %s", err, d.built)
		}
		say("%s is not what %s says: run tidemark tables migrate%s", d.built, d.file, d.flags)
		return nil
	}
	db, err := d.migrated()
	if err != nil {
		return err
	}
	defer db.Close()
	lacks, err := lacking(db, schema)
	if err != nil {
		return err
	}
	if len(lacks) > 0 {
		say("the migrations in %s do not make %s: put the migration back that tidemark tables migrate wrote", d.migrations, strings.Join(lacks, ", "))
	}
	return nil
}

func (d *declarer) fileFlag() string {
	if d.file == "tables.toml" {
		return ""
	}
	return " --file " + d.file
}

// old returns the declaration that declared.go holds.
func (d *declarer) old() (record.Schema, error) {
	source, err := os.ReadFile(d.built)
	if err != nil {
		return record.Schema{}, err
	}
	s, err := tables.Built(source)
	if err != nil {
		return s, fmt.Errorf("read %s: %w", d.built, err)
	}
	return s, nil
}

// migrated returns a new database in memory to which the migrations were applied.
func (d *declarer) migrated() (*edge.D1, error) {
	db, err := edge.OpenD1(":memory:")
	if err != nil {
		return nil, err
	}
	if _, err := db.Migrate(os.DirFS(d.migrations)); err != nil {
		db.Close()
		return nil, fmt.Errorf("%s: %w", d.migrations, err)
	}
	return db, nil
}

func executor(db *edge.D1) store.Exec {
	return func(statements ...abi.Statement) ([]abi.Result, error) {
		return db.Batch(context.Background(), statements)
	}
}

var indexName = regexp.MustCompile(`^CREATE INDEX IF NOT EXISTS (\w+)`)

// lacking returns the tables, columns and indexes of the schema that the database does not have.
func lacking(db *edge.D1, schema *record.Schema) ([]string, error) {
	exec := executor(db)
	plan, err := sqltables.NewPlan(exec, schema)
	if err != nil || len(plan.Added) > 0 {
		return plan.Added, err
	}
	var lacks []string
	for _, s := range plan.Statements {
		m := indexName.FindStringSubmatch(s.SQL)
		if m == nil {
			continue
		}
		found, err := exec(abi.Statement{SQL: `SELECT count(*) FROM sqlite_master WHERE type = 'index' AND lower(name) = lower(?1)`, Args: []any{m[1]}})
		if err != nil {
			return nil, err
		}
		if store.Number(found[0], 0) == 0 {
			lacks = append(lacks, m[1])
		}
	}
	return lacks, nil
}

// migrate writes the migration from the declaration that declared.go holds, and declared.go
// anew. It writes nothing if a database would lose data. The tables forget may be gone: they
// stay in the database as they are, and no app sees them any more.
func (d *declarer) migrate(next *record.Schema, forget []string) error {
	built, err := d.old()
	if err != nil {
		return err
	}
	old := built
	old.Tables = slices.Clone(built.Tables)
	for _, name := range forget {
		at := old.Table(name)
		if at < 0 {
			return fmt.Errorf("tables migrate: there is no table %q to forget", name)
		}
		for _, t := range next.Tables {
			if strings.EqualFold(t.SQL, old.Tables[at].SQL) {
				return fmt.Errorf("tables migrate: the table %s has the sql of the table %s, which stays in the database: write another sql", t.Name, name)
			}
		}
		old.Tables = slices.Delete(old.Tables, at, at+1)
	}
	if len(old.Tables) == 0 {
		old.Version = 0 // nothing is left that an app may have
	}
	if err := d.mistakes(tables.Refuse(&old, next)); err != nil {
		err = fmt.Errorf("tables migrate: refused: %w, compared with %s", err, d.built)
		if gone := slices.IndexFunc(old.Tables, func(t record.Table) bool { return next.Table(t.Name) < 0 }); gone >= 0 {
			err = fmt.Errorf("%w\nTo keep it in the database and from all apps, write --forget %s", err, old.Tables[gone].Name)
		}
		return err
	}
	for _, m := range tables.Advise(&old, next) {
		fmt.Fprintln(d.out, "note:", m.In(d.file))
	}
	statements := sqltables.Changes(&old, next)
	if len(statements) == 0 && bytes.Equal(built.Encode(), next.Encode()) {
		fmt.Fprintln(d.out, "nothing to do")
		return nil
	}
	if len(statements) > 0 {
		if err := d.writeMigration(next, statements); err != nil {
			return err
		}
	}
	if err := os.WriteFile(d.built, tables.Constant(next), 0o644); err != nil {
		return err
	}
	fmt.Fprintln(d.out, "wrote", d.built)
	return nil
}

// writeMigration writes a migration with the statements, after it tried it in memory.
func (d *declarer) writeMigration(next *record.Schema, statements []string) error {
	db, err := d.migrated()
	if err != nil {
		return err
	}
	defer db.Close()
	for _, sql := range statements {
		if _, err := executor(db)(abi.Statement{SQL: sql}); err != nil {
			return fmt.Errorf("tables migrate: after the migrations in %s this fails: %s: %w", d.migrations, sql, err)
		}
	}
	if lacks, err := lacking(db, next); err != nil || len(lacks) > 0 {
		return fmt.Errorf("tables migrate: the migrations in %s do not make all that %s holds: %v lack %v", d.migrations, d.built, lacks, err)
	}
	number, err := d.nextNumber()
	if err != nil {
		return err
	}
	path := filepath.Join(d.migrations, fmt.Sprintf("%04d_declared.sql", number))
	text := fmt.Sprintf("-- Made from tables.toml, schema version %d, by tidemark tables migrate.\n%s;\n", next.Version, strings.Join(statements, ";\n"))
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		return err
	}
	fmt.Fprintln(d.out, "wrote", path)
	return nil
}

// nextNumber returns the number after that of the last migration.
func (d *declarer) nextNumber() (int, error) {
	entries, err := os.ReadDir(d.migrations)
	last := 0
	for _, e := range entries {
		digits, _, _ := strings.Cut(e.Name(), "_")
		if n, err := strconv.Atoi(digits); err == nil && filepath.Ext(e.Name()) == ".sql" {
			last = max(last, n)
		}
	}
	return last + 1, err
}

// types writes the TypeScript of the declaration.
func (d *declarer) types(schema *record.Schema, dir, only string) error {
	if dir == "" {
		return errors.New("tables types: --out is needed")
	}
	written := false
	for _, f := range typeFiles {
		if only != "" && only != f.name {
			continue
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		path := filepath.Join(dir, f.name+".ts")
		if err := os.WriteFile(path, f.make(schema), 0o644); err != nil {
			return err
		}
		fmt.Fprintln(d.out, "wrote", path)
		written = true
	}
	if !written {
		return fmt.Errorf("tables types: --only %q is neither app-router nor schema", only)
	}
	return nil
}
