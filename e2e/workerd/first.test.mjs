// What V8 compiles for the first request of a fresh instance: that is most of the request's time.
import { test } from "node:test";
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

// The budget in bytes of WebAssembly: what it was when somebody last made it smaller, and some percent. An instance that
// grows its stack, or takes memory from the heap, exceeds it.
const BUDGET = 155_000;

test("the boot and the first request run little of the guest's code", () => {
  const first = fileURLToPath(new URL("first.mjs", import.meta.url));
  const says = execFileSync(process.execPath, ["--trace-wasm-compilation-times", first], { encoding: "utf8", maxBuffer: 1 << 24 });
  assert.match(says, /response: 200 \{"status":"ok"\}/);
  const sizes = [...says.matchAll(/ using Liftoff,.* bodysize (\d+) /g)].map(([, size]) => Number(size));
  const sum = sizes.reduce((sum, size) => sum + size, 0);
  assert.ok(sizes.length > 50, `V8 says what it compiles: ${says.slice(0, 1000)}`);
  assert.ok(sum <= BUDGET, `${sizes.length} functions have ${sum} bytes, and may have ${BUDGET}`);
});
