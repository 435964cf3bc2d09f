package typescript

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidemark/shared/record"
	"tidemark/shared/tables"
)

// web returns the folder of the demo, whose packages have tsc and WatermelonDB.
func web(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../../../web")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "node_modules/.bin/tsc")); err != nil || testing.Short() {
		t.Skip("needs Node and the packages of web/package.json, and some seconds")
	}
	return dir
}

func run(t *testing.T, dir, name string, args ...string) []byte {
	t.Helper()
	command := exec.Command(name, args...)
	command.Dir = dir
	out, err := command.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	return out
}

func compile(t *testing.T, dir, file string, more ...string) {
	t.Helper()
	run(t, dir, filepath.Join(web(t), "node_modules/.bin/tsc"), append([]string{"--strict", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess",
		"--noUnusedLocals", "--target", "es2022", "--skipLibCheck", file}, more...)...)
}

var notBuilt = []string{"--noEmit", "--allowImportingTsExtensions", "--module", "esnext", "--moduleResolution", "bundler"}

// app returns a new folder below web, where tsc and Node find the packages, with these files.
// The dot hides it from tests that walk the repository at the same time.
func app(t *testing.T, files map[string][]byte) string {
	t.Helper()
	dir, err := os.MkdirTemp(web(t), ".tmp")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Each line of the compiled files that is marked @ts-expect-error must fail.
func TestStrictTypeScriptTakesTheRouter(t *testing.T) {
	t.Run("the server's tables", func(t *testing.T) { compile(t, web(t), "client/test/app-router.check.ts", notBuilt...) })
	t.Run("every type of column", func(t *testing.T) {
		s, err := tables.Parse([]byte(every))
		if err != nil {
			t.Fatal(err)
		}
		dir := app(t, map[string][]byte{"app-router.ts": AppRouter(&s), "check.ts": []byte(`import type { PushOutput, Rows, OrderLinesRow } from "./app-router.ts";
export const row: Rows["order_lines"] = { id: "a", done: true, title: "", weight: null, status: "lead", created_at: 1, updated_at: 1 };
// @ts-expect-error a boolean
export const bad: OrderLinesRow = { ...row, done: 1 };
// @ts-expect-error not optional
export const worse: OrderLinesRow = { ...row, title: null };
export const reasons = ({ rejected }: PushOutput) => rejected.visits?.map(({ id, column, reason }) => id + (column ?? "") + reason);
`)})
		compile(t, dir, "check.ts", notBuilt...)
	})
}

// An adapter of WatermelonDB checks that the migrations lead to the schema, without gaps.
func TestWatermelonDBTakesTheSchemaAndItsMigrations(t *testing.T) {
	for name, text := range map[string]string{"version 4": every, "version 1": "version = 1\n[a]\ncolumns.b = { type = 'string' }\n"} {
		t.Run(name, func(t *testing.T) {
			s, err := tables.Parse([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			dir := app(t, map[string][]byte{"schema.ts": Schema(&s), "check.js": []byte(`
require("@nozbe/watermelondb/utils/common/logger").default.silence();
const Loki = require("@nozbe/watermelondb/adapters/lokijs").default;
const { LokiMemoryAdapter } = require("lokijs");
const { schema, migrations } = require("./schema.js");
new Loki({ schema, migrations, useWebWorker: false, useIncrementalIndexedDB: true, extraLokiOptions: { adapter: new LokiMemoryAdapter() } });
const columns = ({ columnArray }) => columnArray.map(({ name, type, isOptional }) => [name, type, !!isOptional].join());
const migrated = {};
for (const { steps } of migrations.sortedMigrations) {
  for (const step of steps) {
    if (step.type === "create_table") migrated[step.schema.name] = columns(step.schema);
    else (migrated[step.table] ??= []).push(...columns({ columnArray: step.columns }));
  }
}
const all = Object.fromEntries(Object.values(schema.tables).map((t) => [t.name, columns(t)]));
process.stdout.write(JSON.stringify({ all, migrated }), () => process.exit());
`)})
			compile(t, dir, "schema.ts", "--module", "commonjs", "--moduleResolution", "node10")
			var got struct{ All, Migrated map[string][]string }
			if out := run(t, dir, "node", "check.js"); json.Unmarshal(out, &got) != nil {
				t.Fatalf("%s", out)
			}
			all, migrated := map[string][]string{}, map[string][]string{}
			for i := range s.Tables {
				table := &s.Tables[i]
				times := []string{"created_at,number,false", "updated_at,number,false"}
				for _, v := range []record.Version{1, 2, 3, 4} {
					var list []string
					for _, c := range table.Columns {
						if since := max(c.Since, table.Since, 1); since == v {
							list = append(list, strings.Join([]string{c.Name, c.Type.String(), map[bool]string{true: "true", false: "false"}[c.Nullable]}, ","))
						}
					}
					all[table.Name] = append(all[table.Name], list...)
					if v == table.Since {
						list = append(list, times...)
					}
					if v > 1 && len(list) > 0 {
						migrated[table.Name] = append(migrated[table.Name], list...)
					}
				}
				all[table.Name] = append(all[table.Name], times...)
			}
			if d := cmp.Diff(all, got.All); d != "" {
				t.Errorf("the schema: %s", d)
			}
			if d := cmp.Diff(migrated, got.Migrated); d != "" {
				t.Errorf("the migrations: %s", d)
			}
		})
	}
}
