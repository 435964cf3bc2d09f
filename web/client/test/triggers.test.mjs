import { afterEach, beforeEach, mock, test } from "node:test";
import assert from "node:assert/strict";
import { HttpError, safeSyncDatabase, syncTriggers } from "../dist/index.js";
import { none, open, settle, write } from "./memory.mjs";

const real = { fetch: globalThis.fetch, WebSocket: globalThis.WebSocket };
let socket;

beforeEach(() => {
  mock.timers.enable({ apis: ["setTimeout"] });
  globalThis.fetch = async () => new Response(JSON.stringify({ ticket: "x" }));
  globalThis.WebSocket = class {
    constructor() {
      socket = this;
    }
    send() {}
    close() {}
  };
});
afterEach(() => {
  mock.timers.reset();
  Object.assign(globalThis, real);
});

test("listens again with a new token, when the app syncs after it was refused", async () => {
  const database = open();
  let token = "old";
  const source = {
    pull: async () => {
      if (token === "old") throw new HttpError(401, "UNAUTHORIZED", "");
      return { timestamp: 1, changes: { notes: none(), tasks: none() } };
    },
  };
  const stop = syncTriggers(database, source, { server: { url: "http://server", token: () => token } });
  await settle();
  const first = socket;
  first.onclose({ code: 4401, reason: "" });
  await settle();
  assert.equal((await safeSyncDatabase(database, source)).unauthorized, true);
  assert.equal(socket, first, "not with the token that was refused");
  token = "new";
  assert.equal((await safeSyncDatabase(database, source)).phase, "idle");
  await settle();
  assert.notEqual(socket, first);
  const second = socket;
  await safeSyncDatabase(database, source);
  await settle();
  assert.equal(socket, second, "once");
  stop();
  token = "newest";
  await safeSyncDatabase(database, source);
  await settle();
  assert.equal(socket, second, "stopped is stopped");
});

test("pauses before it listens again, if the server refuses one new token after the other", async () => {
  const database = open();
  const source = { pull: async () => ({ timestamp: 1, changes: { notes: none(), tasks: none() } }) };
  let tokens = 0;
  let refused = 0;
  globalThis.WebSocket = class {
    constructor() {
      queueMicrotask(() => this.onclose({ code: 4403, reason: "" }), refused++);
    }
    close() {}
  };
  const stop = syncTriggers(database, source, { server: { url: "http://server", token: () => String(tokens++) } });
  for (let i = 0; i < 20; i++) await settle();
  assert.equal(refused, 2, "at first, and at once with a new token");
  mock.timers.tick(10_000);
  for (let i = 0; i < 20; i++) await settle();
  assert.equal(refused, 3);
  stop();
});

test("syncs at the start, after local writes, on hello, on a change and on a refusal; not by what a pull brings", async () => {
  const database = open();
  let pulls = 0;
  let pushes = 0;
  let incoming = [];
  const source = {
    pull: async () => {
      pulls++;
      const updated = incoming.splice(0);
      return { timestamp: pulls, changes: { notes: { ...none(), updated }, tasks: none() } };
    },
    push: async () => void pushes++,
  };
  const stop = syncTriggers(database, source, { server: { url: "http://server", token: () => "t" } });
  await settle();
  assert.deepEqual([pulls, pushes], [1, 0], "at the start");

  for (const title of ["a", "b", "c"]) await write(database, "notes", { title, updated_at: 1 });
  await settle();
  assert.equal(pulls, 1, "not yet");
  mock.timers.tick(300);
  await settle();
  await settle();
  assert.deepEqual([pulls, pushes], [2, 1], "once after three writes");
  mock.timers.tick(300);
  await settle();
  assert.equal(pulls, 2, "not by marking them as synced");

  socket.onopen({});
  socket.onmessage({ data: '{"type":"hello","table":"*","stamp":5}' });
  await settle();
  assert.equal(pulls, 3, "on hello");
  incoming = [{ id: "theirs", title: "from elsewhere", updated_at: 5 }];
  socket.onmessage({ data: '{"type":"change","table":"notes","stamp":6}' });
  await settle();
  mock.timers.tick(300);
  await settle();
  assert.deepEqual([pulls, pushes], [4, 1], "on a change, and what it brought is not pushed");

  socket.onclose({ code: 4403, reason: "removed" });
  await settle();
  assert.equal(pulls, 5, "on a refusal, to learn why");

  await write(database, "notes", { title: "d", updated_at: 1 });
  stop();
  await settle();
  await settle();
  assert.deepEqual([pulls, pushes], [6, 2], "what was written before the stop is pushed");
  await write(database, "notes", { title: "e", updated_at: 1 });
  mock.timers.tick(600_000);
  await settle();
  assert.equal(pulls, 6, "stopped");
});
