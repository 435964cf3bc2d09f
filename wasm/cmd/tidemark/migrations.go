//go:build !js

package main

import (
	"fmt"
	"io/fs"
	"regexp"
	"strings"

	"tidemark/shared/abi"
	"tidemark/shared/record"
	"tidemark/worker/store"
)

// A migrationsFolder is a folder of migrations for a database that may have some of the
// declared tables already. `tidemark tables migrate` writes migrations of them for D1, and a
// self-hosted server that had the declaration before has made the same by itself. So of a
// migration that only adds to declared tables, and updates their rows, what is there is left out.
type migrationsFolder struct {
	fs.FS
	declared map[string]bool // tables, in small letters
	has      map[string]bool // tables, indexes and columns as table.column, in small letters
}

// newMigrationsFolder looks at what the database has before any migration of the folder.
func newMigrationsFolder(dir fs.FS, schema *record.Schema, exec store.Exec) (*migrationsFolder, error) {
	f := &migrationsFolder{dir, map[string]bool{}, map[string]bool{}}
	for _, t := range schema.Tables {
		f.declared[strings.ToLower(t.SQL)] = true
	}
	results, err := exec(abi.Statement{
		SQL: `SELECT name FROM sqlite_master UNION ALL SELECT m.name || '.' || c.name FROM sqlite_master AS m, pragma_table_info(m.name) AS c WHERE m.type = 'table'`,
	})
	if err != nil {
		return nil, fmt.Errorf("look for the tables of the database: %w", err)
	}
	for _, row := range results[0].Rows {
		f.has[strings.ToLower(store.CellString(row[0]))] = true
	}
	return f, nil
}

// ReadFile returns what is left of a migration.
func (f *migrationsFolder) ReadFile(name string) ([]byte, error) {
	text, err := fs.ReadFile(f.FS, name)
	if err != nil {
		return nil, err
	}
	var left strings.Builder
	for _, sql := range split(string(text)) {
		table, what := added(sql)
		if !f.declared[table] {
			return text, nil
		}
		if !f.has[what] {
			left.WriteString(sql + ";\n")
		}
	}
	return []byte(left.String()), nil
}

// These are for statements in small letters.
var (
	addsTable  = regexp.MustCompile(`^create\s+table\s+(?:if\s+not\s+exists\s+)?(\w+)`)
	addsIndex  = regexp.MustCompile(`^create\s+index\s+(?:if\s+not\s+exists\s+)?(\w+)\s+on\s+(\w+)`)
	addsColumn = regexp.MustCompile(`^alter\s+table\s+(\w+)\s+add\s+(?:column\s+)?(\w+)`)
	updates    = regexp.MustCompile(`^update\s+(\w+)`)
)

// added returns the table that a statement adds to, and what it adds, as the names of has; "" if
// it updates rows. The table is "" if the statement does anything else.
func added(sql string) (table, what string) {
	sql = strings.ToLower(sql)
	if m := addsTable.FindStringSubmatch(sql); m != nil {
		return m[1], m[1]
	}
	if m := addsIndex.FindStringSubmatch(sql); m != nil {
		return m[2], m[1]
	}
	if m := addsColumn.FindStringSubmatch(sql); m != nil {
		return m[1], m[1] + "." + m[2]
	}
	if m := updates.FindStringSubmatch(sql); m != nil {
		return m[1], ""
	}
	return "", ""
}

// pieces are what SQL is made of, as far as semicolons matter: comments, texts and quoted
// names, semicolons, and the rest.
var pieces = regexp.MustCompile(`(?s)--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|"(?:[^"]|"")*"|;|[^-/'";]+|.`)

// split returns the statements of a script, without comments.
func split(script string) (statements []string) {
	var sql strings.Builder
	end := func() {
		if s := strings.TrimSpace(sql.String()); s != "" {
			statements = append(statements, s)
		}
		sql.Reset()
	}
	for _, piece := range pieces.FindAllString(script, -1) {
		switch {
		case piece == ";":
			end()
		case strings.HasPrefix(piece, "--"), strings.HasPrefix(piece, "/*"):
			sql.WriteByte(' ')
		default:
			sql.WriteString(piece)
		}
	}
	end()
	return statements
}
