// The clients of the tests declare the tables of tables.toml once more.
import { test } from "node:test";
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { root } from "../doors.mjs";
import { served } from "./watermelon.mjs";

test("the clients of the tests have the declared tables", () => {
  const text = execFileSync(process.env.TIDEMARK_SERVER, ["tables", "check", "--json"], { cwd: root, encoding: "utf8" });
  const declared = JSON.parse(text).tables.map(({ name, columns }) => [name, Object.fromEntries(columns.map((c) => [c.name, c.type]))]);
  assert.deepEqual(served, Object.fromEntries(declared));
});
