// The sizes of what an app and the demo's page load, minified and compressed, are within budgets.json. An entry counts
// with all that it imports of the package before a call, and without its peers. The page counts with
// what it loads before anybody clicks: the script of index.html, the chunks that budgets.json names and what they import.
// e2e/web/records.test.mjs compares that with what a browser loads.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "vite";

const kit = fileURLToPath(new URL("..", import.meta.url));
const read = (file) => readFileSync(path.join(kit, file), "utf8");
const { exports, peerDependencies } = JSON.parse(read("package.json"));
const budgets = JSON.parse(read("budgets.json"));
const entries = Object.keys(exports).filter((entry) => entry !== "./package.json");

const peers = Object.keys(peerDependencies);

// isPeer reports whether an import is of a peer. An import of any other package would fail in an app.
function isPeer(name) {
  if (name.startsWith(".") || path.isAbsolute(name)) return false;
  assert.ok(peers.some((peer) => name === peer || name.startsWith(`${peer}/`)), `${name} is no peer`);
  return true;
}

const gzipped = (text) => gzipSync(text, { level: 9 }).length;

/** Returns the files that are loaded with the given ones: these and what they import, but not by import(). */
function loaded(files, importsOf) {
  const found = new Set(files);
  for (const file of found) for (const other of importsOf(file)) found.add(other);
  return [...found];
}

async function bundle(entry) {
  const { output } = await build({
    configFile: false, logLevel: "error", root: kit,
    build: {
      write: false, minify: true, target: "es2022",
      rolldownOptions: { input: path.join(kit, exports[entry].default), external: isPeer, preserveEntrySignatures: "strict" },
    },
  });
  const chunks = new Map(output.map((chunk) => [chunk.fileName, chunk]));
  const first = output.filter(({ isEntry }) => isEntry).map(({ fileName }) => fileName);
  const files = loaded(first, (file) => chunks.get(file).imports.filter((name) => chunks.has(name)));
  return files.map((file) => chunks.get(file).code).join("");
}

const imported = /\b(?:from|import)\s*["'`]\.\/([^"'`]+)["'`]/g;

/** Returns the files that the demo's page loads at first, with their sizes. */
function firstLoad() {
  const assets = path.join(kit, "../dist/assets");
  const code = (file) => readFileSync(path.join(assets, file), "utf8");
  const ofPage = [...readFileSync(path.join(assets, "../index.html"), "utf8").matchAll(/(?:src|href)="\/assets\/([^"]+)"/g)].map(([, file]) => file);
  const named = budgets.demo.chunks.map((chunk) => {
    const [file, ...more] = readdirSync(assets).filter((name) => name.startsWith(`${chunk}-`) && name.endsWith(".js"));
    assert.ok(file !== undefined && more.length === 0, `there must be one chunk ${chunk}`);
    return file;
  });
  const files = loaded([...ofPage, ...named], (file) => [...code(file).matchAll(imported)].map(([, other]) => other));
  return new Map(files.map((file) => [file, gzipped(code(file))]));
}

describe("the size of", () => {
  test("every entry has a budget", () => assert.deepEqual(Object.keys(budgets.entries), entries));

  for (const entry of entries) {
    test(`${entry} is within its budget`, async (t) => {
      const size = gzipped(await bundle(entry));
      t.diagnostic(`${entry}: ${size} of ${budgets.entries[entry]} bytes`);
      assert.ok(size <= budgets.entries[entry], `${size} bytes`);
    });
  }

  test("the demo's first load is within its budget", (t) => {
    const files = firstLoad();
    const size = [...files.values()].reduce((sum, bytes) => sum + bytes, 0);
    t.diagnostic(`${size} of ${budgets.demo.bytes} bytes: ${JSON.stringify(Object.fromEntries(files))}`);
    assert.ok(size <= budgets.demo.bytes, `${size} bytes`);
  });
});
