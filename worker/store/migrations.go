package store

import (
	"embed"
	"io/fs"
	"strings"

	"tidemark/shared/abi"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations returns the D1 migrations, 0001_tables.sql first, as wrangler applies
// them.
func Migrations() fs.FS {
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err)
	}
	return dir
}

// OfD1 returns the statements of migrations of D1, for the layouts of objects that have the same tables.
func OfD1(names ...string) (statements []abi.Statement) {
	for _, name := range names {
		text, err := fs.ReadFile(Migrations(), name+".sql")
		if err != nil {
			panic(err)
		}
		var sql strings.Builder
		for line := range strings.Lines(string(text)) {
			line, _, _ = strings.Cut(line, "--")
			sql.WriteString(line)
			if strings.HasSuffix(strings.TrimSpace(line), ";") {
				statements = append(statements, abi.Statement{SQL: strings.TrimSpace(sql.String())})
				sql.Reset()
			}
		}
	}
	return statements
}
