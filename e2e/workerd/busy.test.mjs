// A request of an object that waits for others, on workerd. wasm/edge/request_test.go has the same rule.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { until } from "../until.mjs";
import { start } from "./host.mjs";

let host;
before(async () => {
  const guest = new URL("../../build/testguest.wasm", import.meta.url).pathname;
  host = await start(guest, { bindings: { LIMIT_MEMORY_MB: "48", LIMIT_CALL_MS: "4000" } });
});
after(() => host.close());

const post = async (path, body) => {
  const response = await fetch(host.url + path, { method: "POST", body });
  return { status: response.status, text: (await response.text()).trim() };
};
const call = async (command) => (await post("/room/r/call", command)).text;

test("a request that waits longer than its limit gets 503, although the object goes on", async () => {
  const first = post("/object/r?do=memory&mb=38&key=first");
  await until(async () => (await call("waiters")) === "1", () => "the first waits in an instance that is full");
  // One of the two fills the next instance, and the other goes on waiting.
  const waiting = new Map(["a", "b"].map((key) => [key, post(`/object/r?do=memory&mb=38&key=${key}`)]));
  const [key, late] = await Promise.race([...waiting].map(async ([key, answer]) => [key, await answer]));
  assert.equal(late.status, 503, late.text);
  assert.match(late.text, /the object is busy; try again later/);
  assert.notEqual((await first).status, 200);
  waiting.delete(key);
  const [[other, answer]] = waiting;
  assert.equal(await call(`wake ${other}`), "true");
  assert.equal((await answer).status, 200);
});
