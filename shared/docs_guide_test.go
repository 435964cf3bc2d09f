//go:build !js

package shared_test

import (
	"database/sql"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"strconv"
	"strings"
	"testing"

	_ "modernc.org/sqlite"
)

// TestTheGuidesTableIsOneThatTheServerTakes compiles the declaration of a table in
// docs/guide-watermelondb.md, runs its migration, and checks that the migration makes
// every column of the declaration, and those that each table has.
func TestTheGuidesTableIsOneThatTheServerTakes(t *testing.T) {
	blocks := map[string]string{}
	for _, block := range fence.FindAllStringSubmatch(read(t, "docs/guide-watermelondb.md"), -1) {
		blocks[block[1]] = block[2]
	}
	files := token.NewFileSet()
	source := "package guide\n\nimport . \"tidemark/shared/record\"\n\nvar tables = []Table{\n" + blocks["go"] + "}\n"
	file, err := parser.ParseFile(files, "guide.go", source, 0)
	if err != nil {
		t.Fatal(err)
	}
	config := types.Config{Importer: importer.ForCompiler(files, "source", nil)}
	if _, err := config.Check("guide", files, []*ast.File{file}, nil); err != nil {
		t.Fatal(err)
	}
	names := []string{"created_at", "updated_at", "deleted", "stamp", "ahead", "outcome"}
	table := ""
	ast.Inspect(file, func(n ast.Node) bool {
		member, ok := n.(*ast.KeyValueExpr)
		if !ok {
			return true
		}
		name, _ := member.Key.(*ast.Ident)
		text, _ := member.Value.(*ast.BasicLit)
		if name == nil || text == nil || name.Name != "SQL" && name.Name != "ID" {
			return true
		}
		value, _ := strconv.Unquote(text.Value)
		if table == "" {
			table = value
		} else {
			names = append(names, value)
		}
		return true
	})

	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1) // another would have a memory of its own
	if _, err := db.Exec(blocks["sql"]); err != nil {
		t.Fatalf("the migration: %v", err)
	}
	rows, err := db.Query("SELECT " + strings.Join(names, ", ") + " FROM " + table)
	if err != nil {
		t.Fatalf("the migration makes no table for the declaration: %v", err)
	}
	rows.Close()
}
