// The op by which the guest asks whether a public key made a signature, on workerd. The wazero host
// has the same cases (wasm/edge/verify_test.go).
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { start } from "./host.mjs";

const guest = new URL("../../build/testguest.wasm", import.meta.url).pathname;
const cases = JSON.parse(readFileSync(new URL("../../wasm/edge/testdata/signatures.json", import.meta.url)));
let host;

before(async () => (host = await start(guest)));
after(() => host.mf.dispose());

for (const c of cases) {
  test(`a signature of ${c.What} is ${c.Want ? "good" : "not good"}`, async () => {
    const answer = await fetch(`${host.url}/verify`, { method: "POST", body: JSON.stringify(c) });
    assert.equal(await answer.text(), `${c.Want}\n`);
  });
}
