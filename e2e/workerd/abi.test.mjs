// A guest that was built for another ABI than the glue is refused when the Worker starts. operate.md F2.
import { test } from "node:test";
import assert from "node:assert/strict";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { scratch, start } from "./host.mjs";

const guest = new URL("../../build/testguest.wasm", import.meta.url).pathname;

test("F2 the Worker of a guest for another ABI does not start", async () => {
  const dir = scratch("abi");
  const file = path.join(dir, "guest.wasm");
  const wasm = readFileSync(guest).toString("latin1");
  const [name, number] = /tidemark_abi_(\d+)/.exec(wasm);
  writeFileSync(file, Buffer.from(wasm.replaceAll(name, "tidemark_abi_9"), "latin1"));
  await assert.rejects(start(file), new RegExp(`built for the host ABI 9, and this host implements ${number}`));
  rmSync(dir, { recursive: true });
});
