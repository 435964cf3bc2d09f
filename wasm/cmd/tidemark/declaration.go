//go:build !js

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tidemark/shared/abi"
	"tidemark/shared/record"
	"tidemark/shared/tables"
	"tidemark/wasm/edge"
	"tidemark/worker/store"
	sqltables "tidemark/worker/store/tables"
)

const (
	// tablesVariable is the variable from which the guest gets the declaration of its tables.
	tablesVariable = "TABLES"
	// rootBinding is the database of the root.
	rootBinding = "DB"
)

// A declaration is what the operator says of the app's tables.
type declaration struct {
	from   string // the file, or the variable; "": nothing was said, and the schema is the built-in one
	schema record.Schema
}

// insideTables is the declaration that a released binary has inside.
const insideTables = "tables.toml"

// readDeclaration reads the tables of file, or else of tables.toml beside the config, or else
// of the variable TABLES, or else those inside.
func readDeclaration(file string, config *edge.Config) (declaration, error) {
	if file == "" && (config.Dir != "" || config.Inside == nil) {
		beside := filepath.Join(config.Dir, "tables.toml")
		if _, err := os.Stat(beside); err == nil {
			file = beside
		} else if !errors.Is(err, fs.ErrNotExist) {
			return declaration{}, err
		}
	}
	if file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return declaration{}, err
		}
		return parseDeclaration(file, text)
	}
	text := variables(config, "")[tablesVariable]
	if text == "" {
		text, _ = config.Vars[tablesVariable].(string)
	}
	if text != "" {
		schema, err := record.Decode([]byte(text))
		if err != nil {
			return declaration{}, fmt.Errorf("%s: %w", tablesVariable, err)
		}
		return declaration{tablesVariable, schema}, nil
	}
	if config.Inside != nil {
		text, err := fs.ReadFile(config.Inside, insideTables)
		if err != nil {
			return declaration{}, err
		}
		return parseDeclaration(insideTables+" of this release", text)
	}
	return declaration{schema: record.Default()}, nil
}

func parseDeclaration(file string, text []byte) (declaration, error) {
	schema, err := tables.Parse(text)
	var mistakes tables.Errors
	switch {
	case errors.As(err, &mistakes):
		lines := make([]string, len(mistakes))
		for i, m := range mistakes {
			lines[i] = m.In(file)
		}
		return declaration{}, errors.New(strings.Join(lines, "\n"))
	case err != nil:
		return declaration{}, fmt.Errorf("%s: %w", file, err)
	}
	return declaration{file, schema}, nil
}

// on returns how to run statements on a database.
func on(db *edge.D1) store.Exec {
	return func(statements ...abi.Statement) ([]abi.Result, error) {
		return db.Batch(context.Background(), statements)
	}
}

// migrations returns the folder of the migrations of a database.
func (d declaration) migrations(binding string, db *edge.D1, dir fs.FS) (fs.FS, error) {
	if binding != rootBinding {
		return dir, nil
	}
	return newMigrationsFolder(dir, &d.schema, on(db))
}

// migrated is called when a database has its migrations.
func (d declaration) migrated(binding string, db *edge.D1, log *slog.Logger) error {
	if binding != rootBinding {
		return nil
	}
	return d.migrate(on(db), log)
}

// migrate gives the database of the root the declared tables, and remembers the declaration.
// It only adds. It returns an error if the database would lose data. A database of which
// nobody has declared anything has the tables of its migrations, and stays as it is. D3.
func (d declaration) migrate(exec store.Exec, log *slog.Logger) error {
	remembered, err := d.remembered(exec)
	if err != nil {
		return err
	}
	text := string(d.schema.Encode())
	if remembered == text || remembered == "" && d.from == "" {
		return nil
	}
	old := record.Default()
	if remembered != "" {
		if old, err = record.Decode([]byte(remembered)); err != nil {
			return fmt.Errorf("read the declaration of the tables that the database has: %w", err)
		}
	}
	advice, err := d.refuse(exec, old)
	if err != nil {
		return err
	}
	for _, m := range advice {
		log.Warn("apps may not notice what is new in the tables", "what", m.Error())
	}
	plan, err := sqltables.NewPlan(exec, &d.schema)
	if err != nil {
		return err
	}
	_, err = exec(append(plan.Statements, abi.Statement{SQL: `INSERT OR REPLACE INTO Declaration VALUES (1, ?1)`, Args: []any{text}})...)
	if err != nil {
		return fmt.Errorf("add the declared tables: %w", err)
	}
	if len(plan.Added) > 0 {
		log.Info("added tables or columns to the database", "added", strings.Join(plan.Added, ", "), "version", int(d.schema.Version))
	}
	return nil
}

// remembered returns the declaration that the database has, or "".
func (d declaration) remembered(exec store.Exec) (string, error) {
	results, err := exec(abi.Statement{SQL: `SELECT count(*) FROM sqlite_master WHERE name = 'Declaration'`})
	switch {
	case err != nil:
	case store.Number(results[0], 0) > 0:
		results, err = exec(abi.Statement{SQL: `SELECT tables FROM Declaration`})
	case d.from != "":
		err = errors.New("the database has no table Declaration: the migrations of this version are not beside the config")
	}
	if err != nil {
		return "", fmt.Errorf("read the declaration of the tables that the database has: %w", err)
	}
	return string(store.Text(results[0], 0)), nil
}

// refuse returns an error if rows or values of old would be lost, and what apps would not notice. A
// database without rows takes any declaration, and a table that is gone may go if it has none.
func (d declaration) refuse(exec store.Exec, old record.Schema) (advice tables.Errors, err error) {
	full := map[string]bool{}
	for _, t := range old.Tables {
		results, err := exec(abi.Statement{SQL: `SELECT count(*) FROM sqlite_master WHERE type = 'table' AND lower(name) = lower(?1)`, Args: []any{t.SQL}})
		if err != nil {
			return nil, fmt.Errorf("look for the table %s: %w", t.SQL, err)
		}
		if store.Number(results[0], 0) == 0 {
			continue
		}
		if full[t.Name], err = sqltables.HasRows(exec, t.SQL); err != nil {
			return nil, err
		}
	}
	old.Tables = slices.DeleteFunc(old.Tables, func(t record.Table) bool { return !full[t.Name] && d.schema.Table(t.Name) < 0 })
	if !slices.ContainsFunc(old.Tables, func(t record.Table) bool { return full[t.Name] }) {
		return nil, nil
	}
	if err = tables.Refuse(&old, &d.schema); err == nil {
		return tables.Advise(&old, &d.schema), nil
	}
	from := d.from
	if from == "" {
		from = "the built-in tables"
	}
	return nil, fmt.Errorf("the database has rows of another declaration, and %s would lose data of theirs:\n%w", from, err)
}
