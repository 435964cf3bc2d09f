// TypeScript and WatermelonDB take the files that `tidemark tables types` makes.
import { after, describe, test } from "node:test";
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { root } from "../doors.mjs";

const web = path.join(root, "web");
const run = (file, ...args) => execFileSync(file, args, { cwd: web, encoding: "utf8" });
const tidemark = (...args) => run(process.env.TIDEMARK_SERVER, "tables", ...args);
const compile = (file, ...more) =>
  run("node_modules/.bin/tsc", "--strict", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess", "--noUnusedLocals", "--target", "es2022", "--skipLibCheck", file, ...more);
const check = (file) => compile(file, "--noEmit", "--allowImportingTsExtensions", "--module", "esnext", "--moduleResolution", "bundler");

// A folder below web, where tsc and Node find the packages, with the files of a declaration.
// The dot hides it from tests that walk the repository at the same time.
function app(toml) {
  const dir = mkdtempSync(path.join(web, ".tmp"));
  after(() => rmSync(dir, { recursive: true }));
  const file = path.join(dir, "tables.toml");
  writeFileSync(file, toml);
  tidemark("types", "--file", file, "--out", dir);
  return { dir, declared: JSON.parse(tidemark("check", "--file", file, "--json")) };
}

const every = readFileSync(path.join(root, "shared/tables/typescript/testdata/every.toml"));

// tsc fails if a line that is marked @ts-expect-error is correct.
describe("strict TypeScript takes the router", () => {
  test("of the server's tables", () => check("client/test/app-router.check.ts"));

  test("of every type of column", () => {
    const { dir } = app(every);
    const file = path.join(dir, "check.ts");
    writeFileSync(file, `import type { PushOutput, Rows, OrderLinesRow } from "./app-router.ts";
export const row: Rows["order_lines"] = { id: "a", done: true, title: "", weight: null, status: "lead", created_at: 1, updated_at: 1 };
// @ts-expect-error a boolean
export const bad: OrderLinesRow = { ...row, done: 1 };
// @ts-expect-error not optional
export const worse: OrderLinesRow = { ...row, title: null };
export const reasons = ({ rejected }: PushOutput) => rejected.visits?.map(({ id, column, reason }) => id + (column ?? "") + reason);
`);
    check(file);
  });
});

// Prints the columns of the schema, and those that the migrations add. An adapter of
// WatermelonDB checks that the migrations lead to the schema, without gaps.
const printed = `
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
`;

// expected is what printed must print for a declaration.
function expected({ tables }) {
  const all = {}, migrated = {};
  const list = (columns) => columns.map((c) => [c.name, c.type, !!c.optional].join());
  for (const { name, since = 1, columns } of tables) {
    const ordered = columns.toSorted((a, b) => (a.since ?? 1) - (b.since ?? 1));
    const [first, later] = [ordered.filter((c) => (c.since ?? 1) <= since), ordered.filter((c) => c.since > since)].map(list);
    const times = ["created_at,number,false", "updated_at,number,false"];
    all[name] = [...first, ...later, ...times];
    if (since > 1) migrated[name] = [...first, ...times, ...later];
    else if (later.length > 0) migrated[name] = later;
  }
  return { all, migrated };
}

describe("WatermelonDB takes the schema and its migrations", () => {
  for (const [name, toml] of [["of version 4", every], ["of version 1", "version = 1\n[a]\ncolumns.b = { type = 'string' }\n"]]) {
    test(name, () => {
      const { dir, declared } = app(toml);
      compile(path.join(dir, "schema.ts"), "--module", "commonjs", "--moduleResolution", "node10");
      writeFileSync(path.join(dir, "check.js"), printed);
      assert.deepEqual(JSON.parse(run("node", path.join(dir, "check.js"))), expected(declared));
    });
  }
});
