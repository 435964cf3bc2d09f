// What V8 compiles for the first request of a fresh instance: that is most of the request's time.
import { test } from "node:test";
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

// The budget in bytes of WebAssembly: what it was when somebody last made it smaller, and some percent. An instance that
// grows its stack, or takes memory from the heap, exceeds it.
const BUDGET = 155_000;

test("the boot and the first request run little of the guest's code", (t) => {
  const first = fileURLToPath(new URL("first.mjs", import.meta.url));
  const dir = mkdtempSync(path.join(tmpdir(), "tidemark-first-"));
  t.after(() => rmSync(dir, { recursive: true }));
  const file = path.join(dir, "out"); // into a full pipe, which Node does not let it wait for, V8 writes only a part
  const out = openSync(file, "w");
  const { status } = spawnSync(process.execPath, ["--trace-wasm-compilation-times", first], { stdio: ["ignore", out, "inherit"] });
  closeSync(out);
  assert.equal(status, 0);
  const says = readFileSync(file, "utf8");
  assert.match(says, /response: 200 \{"status":"ok"\}/);
  const sizes = [...says.matchAll(/ using Liftoff,.* bodysize (\d+) /g)].map(([, size]) => Number(size));
  const sum = sizes.reduce((sum, size) => sum + size, 0);
  assert.ok(sizes.length > 50, `V8 says what it compiles: ${says.slice(0, 1000)}`);
  assert.ok(sum <= BUDGET, `${sizes.length} functions have ${sum} bytes, and may have ${BUDGET}`);
});
