// The module that workerd runs: a guest with its memory before boot. docs/abi.md says what it must not do before.
import { after, test } from "node:test";
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { snapshot } from "../../worker/snapshot.mjs";
import { scratch, start } from "./host.mjs";

const guest = readFileSync(new URL("../../build/testguest.wasm", import.meta.url));
const early = fileURLToPath(new URL("testdata/early", import.meta.url));
const dir = scratch("snapshot");
after(() => rmSync(dir, { recursive: true }));

function build(does) {
  const file = path.join(dir, `${does}.wasm`);
  execFileSync("go", ["build", "-buildvcs=false", "-ldflags", `-s -w -X main.does=${does}`, "-o", file, early], {
    env: { ...process.env, GOOS: "js", GOARCH: "wasm" },
  });
  return file;
}

for (const [does, error] of Object.entries({
  time: /calls runtime.walltime/,
  random: /asks for random bytes/,
  call: /calls syscall\/js.valueCall/,
  exit: /ends with code 3/,
})) {
  test(`a guest has no snapshot if it does this before boot: ${does}`, () => {
    assert.throws(() => snapshot(readFileSync(build(does))), error);
  });
}

test("a guest that waits has a snapshot, and its values are found again by their names", () => {
  const [section] = WebAssembly.Module.customSections(new WebAssembly.Module(snapshot(readFileSync(build("string")))), "tidemark_values");
  const { values } = JSON.parse(Buffer.from(section).toString());
  const at = values.findIndex((value) => value?.[1] === "Object");
  assert.deepEqual(values[at].slice(0, 2), [5, "Object"]); // of globalThis
  assert.ok(values.some((value) => value?.[0] === at + 7 && value[1] === "name"));
});

test("each snapshot has hash tables of its own", () => {
  const [a, b] = [snapshot(guest), snapshot(guest)];
  assert.ok(!a.equals(b));
});

test("the Worker of a guest without a snapshot does not start", async () => {
  await assert.rejects(start(fileURLToPath(new URL("../../build/testguest.wasm", import.meta.url)), { make: (wasm) => wasm }), /has no snapshot of its memory/);
});
