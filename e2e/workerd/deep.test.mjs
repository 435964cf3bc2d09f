// Texts of JSON that are deeper than the stack of a program in Wasm.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { secret, token } from "../doors.mjs";
import { startTidemark } from "./host.mjs";

const DEPTH = 9_000; // V8 has stack for some 3,000 levels of a reader that calls itself
const nested = (open, close) => open.repeat(DEPTH) + "1" + close.repeat(DEPTH);
let host;

before(async () => (host = await startTidemark({ bindings: { AUTH_SECRET: secret } })));
after(() => host.close());

async function post(path, body) {
  const headers = { authorization: `Bearer ${token("anybody")}`, "content-type": "application/json" };
  const answer = await fetch(host.url + path, { method: "POST", headers, body });
  return [answer.status, await answer.text()];
}

for (const [what, open, close] of [["arrays", "[", "]"], ["objects", '{"a":', "}"]]) {
  test(`a row of deep ${what} before its id is rejected by that id`, async () => {
    const [status, text] = await post("/trpc/sync.push", `{"lastPulledAt":0,"changes":{"tags":{"created":[{"x":${nested(open, close)},"id":"deep"}]}}}`);
    assert.equal(status, 400, text);
    assert.match(text, /deep/);
  });
}
