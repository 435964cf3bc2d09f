package approuter

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"tidemark/shared/record"
)

// TestStrictTypeScriptTakesTheDeclaration compiles check.ts against the
// declaration of the server's schema, and a shorter file against one with every
// type of column. Each line marked @ts-expect-error must fail.
func TestStrictTypeScriptTakesTheDeclaration(t *testing.T) {
	tsc, err := filepath.Abs("../../node_modules/.bin/tsc")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(tsc); err != nil || testing.Short() {
		t.Skip("needs Node and the packages of web/package.json, and some seconds")
	}
	compile := func(t *testing.T, file string) {
		command := exec.Command(tsc, "--noEmit", "--allowImportingTsExtensions", "--strict", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess",
			"--target", "es2022", "--module", "esnext", "--moduleResolution", "bundler", "--skipLibCheck", file)
		if out, err := command.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	}
	t.Run("the server's schema", func(t *testing.T) { compile(t, "check.ts") })
	t.Run("every type of column", func(t *testing.T) {
		// Below web, where tsc finds node_modules. The dot hides it from tests that
		// walk the repository at the same time.
		dir, err := os.MkdirTemp(".", ".tmp")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.RemoveAll(dir) })
		text := Declaration(record.Schema{Version: 2, Tables: []record.Table{{Name: "order_lines", SQL: "OrderLines", ID: "Id", Columns: []record.Column{
			{Name: "done", SQL: "Done", Type: record.Boolean, Default: false, Since: 2},
			{Name: "title", SQL: "Title", Type: record.String, Default: ""},
			{Name: "weight", SQL: "Weight", Type: record.Number, Nullable: true},
		}}}})
		check := `import type { Rows, OrderLinesRow } from "./app-router.ts";
export const row: Rows["order_lines"] = { id: "a", done: true, title: "", weight: null, created_at: 1, updated_at: 1 };
// @ts-expect-error a boolean
export const bad: OrderLinesRow = { ...row, done: 1 };
// @ts-expect-error not nullable
export const worse: OrderLinesRow = { ...row, title: null };
`
		for name, content := range map[string][]byte{"app-router.ts": text, "check.ts": []byte(check)} {
			if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		compile(t, filepath.Join(dir, "check.ts"))
	})
}
