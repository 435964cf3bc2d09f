import { afterEach, beforeEach, mock, test } from "node:test";
import assert from "node:assert/strict";
import { callJson, createClient, structuredSource } from "../dist/index.js";
import { settle } from "./memory.mjs";

const realFetch = globalThis.fetch;
beforeEach(() => mock.timers.enable({ apis: ["setTimeout"] }));
afterEach(() => {
  mock.timers.reset();
  globalThis.fetch = realFetch;
});

// a server that answers when it is told to: answer(response), then the parts of body.
function slowServer() {
  let answer;
  const server = { answer: (response) => answer(response) };
  globalThis.fetch = (url, { signal }) =>
    new Promise((resolve, reject) => {
      answer = resolve;
      signal.addEventListener("abort", () => (reject(signal.reason), server.body?.error(signal.reason)));
    });
  server.begin = async () => {
    answer(new Response(new ReadableStream({ start: (body) => void (server.body = body) }), { headers: { "content-type": "application/json" } }));
    await settle();
  };
  server.say = async (text) => (server.body.enqueue(new TextEncoder().encode(text)), settle());
  return server;
}

// outcome is what came of a promise so far.
function outcome(promise) {
  const o = { state: "pending" };
  promise.then((value) => Object.assign(o, { state: "done", value }), (error) => Object.assign(o, { state: "failed", error }));
  return o;
}

for (const [name, call] of [
  ["callJson", (server) => callJson(server, "POST", "/x", {})],
  ["createClient", (server) => structuredSource(createClient(server)).push({ changes: {}, lastPulledAt: 1 })],
]) {
  const server = { url: "http://server", token: () => "t" };

  test(`${name} waits longer for an answer than the server takes for one`, async () => {
    slowServer();
    const called = outcome(call(server));
    await settle();
    mock.timers.tick(89_999);
    await settle();
    assert.equal(called.state, "pending");
    mock.timers.tick(1);
    await settle();
    assert.equal(called.state, "failed");
  });

  test(`${name} waits as long as it is told`, async () => {
    slowServer();
    const called = outcome(call({ ...server, timeoutMillis: 600_000 }));
    await settle();
    mock.timers.tick(599_999);
    await settle();
    assert.equal(called.state, "pending");
    mock.timers.tick(1);
    await settle();
    assert.equal(called.state, "failed");
  });

  test(`${name} lets an answer come slowly, and gives up one that stops`, async () => {
    const slow = slowServer();
    const called = call(server);
    await settle();
    await slow.begin();
    for (const part of [`{"result":`, `{"data":`, `{"superseded":{},`, `"ignored":{}}`]) {
      await slow.say(part);
      mock.timers.tick(29_999);
      await settle();
    }
    await slow.say("}}");
    slow.body.close();
    await called;

    const stopped = slowServer();
    const other = outcome(call(server));
    await settle();
    await stopped.begin();
    await stopped.say(`{"result":`);
    mock.timers.tick(30_000);
    await settle();
    assert.equal(other.state, "failed");
  });
}

const server = { url: "http://server", token: () => "t" };

test("a letter that arrives in two parts is one letter", async () => {
  const [first, ...rest] = new TextEncoder().encode("é");
  const slow = slowServer();
  const called = callJson(server, "GET", "/x");
  await settle();
  await slow.begin();
  await slow.say('"');
  slow.body.enqueue(new Uint8Array([first]));
  slow.body.enqueue(new Uint8Array(rest));
  await slow.say('"');
  slow.body.close();
  assert.equal(await called, "é");
});

test("a response without a body is empty", async () => {
  globalThis.fetch = async () => new Response(null, { status: 204 });
  assert.equal(await callJson(server, "DELETE", "/x"), undefined);
});

test("a fetch() that does not heed its signal fails, too, when the time is over and when the caller leaves", async () => {
  globalThis.fetch = () => new Promise(() => {});
  const waiting = outcome(callJson(server, "GET", "/x"));
  await settle();
  mock.timers.tick(90_000);
  await settle();
  assert.deepEqual([waiting.state, waiting.error.name], ["failed", "TimeoutError"]);

  const leaving = new AbortController();
  const called = outcome(createClient(server).sync.pull.query(undefined, { signal: leaving.signal }));
  await settle();
  leaving.abort();
  await settle();
  assert.equal(called.state, "failed");
});
