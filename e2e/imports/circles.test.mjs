import { globSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import assert from "node:assert/strict";
import { root } from "../doors.mjs";
import { circles, importGraph, importsOf } from "./circles.mjs";

const skipped = ["node_modules", "dist", "build"];

test("no file imports itself through others", () => {
  const exclude = (name) => skipped.includes(name) || name.startsWith(".");
  const files = ["web/**/*.{ts,tsx,mjs,js}", "e2e/**/*.{ts,mjs}", "worker/**/*.mjs"].flatMap((pattern) => globSync(pattern, { cwd: root, exclude }));
  const graph = importGraph(files.map((file) => path.join(root, file)));
  assert.ok(files.includes("web/src/Shell.tsx") && files.includes("e2e/imports/circles.mjs"), `${files.length} files`);
  const edges = [...graph.values()].flat();
  assert.ok(edges.length > files.length, `${edges.length} imports of ${files.length} files`);
  assert.deepEqual(circles(graph).map((circle) => circle.map((file) => path.relative(root, file)).join(" > ")), []);
});

test("a circle is found, whether a type, a value or import() closes it", () => {
  const sources = {
    a: `import { b } from "./b"; export * from "./d"; import "react";`,
    b: `import type { C } from "./c";`,
    c: `export const load = () => <p>It's {import("./a")}</p>;`,
    d: `export type E = import("./e").E;`,
    e: `export { d } from "./d";`,
    f: `import "./a";`,
  };
  const graph = new Map(Object.entries(sources).map(([name, text]) => [name, importsOf(`${name}.tsx`, text).map((s) => s.slice(2))]));
  assert.deepEqual(circles(graph), [["a", "b", "c", "a"], ["d", "e", "d"]]);
  assert.deepEqual(circles(new Map([["a", ["b", "c"]], ["b", ["c"]], ["c", []]])), []);
});
