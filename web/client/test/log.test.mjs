// The log of the last syncs, and the offset of the server's clock.
import { afterEach, beforeEach, mock, test } from "node:test";
import assert from "node:assert/strict";
import { callJson, clockOffset, safeSyncDatabase, syncLog } from "../dist/index.js";
import { open, restart, write } from "./memory.mjs";
import { RowServer } from "./rowserver.mjs";

let database, server;

beforeEach(() => {
  mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1_000_000 });
  [database, server] = [open(), new RowServer()];
});
afterEach(() => mock.timers.reset());

const sync = (on = database) => safeSyncDatabase(on, server);
const idle = { millis: 0, pulled: 0, pushed: 0, rejected: 0, superseded: 0, replaced: false, error: null };

test("a record has what the sync did, how long it took, and why it failed", async () => {
  server.put("notes", { id: "a", title: "a", updated_at: 1 });
  await write(database, "notes", { title: "b" });
  await write(database, "notes", { title: "c" });
  server.before = async () => mock.timers.tick(20);
  server.limits = { rows: 1, units: 1000 };
  server.push = async function (args) {
    if (server.pushes.length === 1) throw new TypeError("the network failed");
    return { ...(await RowServer.prototype.push.call(server, args)), rejected: [{ table: "notes", id: "b", reason: "no" }], superseded: [{ table: "notes", id: "x" }] };
  };
  await sync();
  assert.deepEqual(await syncLog(database), [{ ...idle, at: 1_000_000, millis: 40, pulled: 1, pushed: 1, rejected: 1, superseded: 1, error: "the network failed" }]);
  server.before = async () => {};
  const pull = server.pull;
  server.pull = async (args) => ({ ...(await pull.call(server, args)), experimentalStrategy: "replacement", timestamp: 0 });
  await sync();
  server.pull = async (args) => ({ ...(await pull.call(server, args)), experimentalStrategy: "replacement" });
  server.push = RowServer.prototype.push;
  await sync();
  const [third, second] = await syncLog(database);
  assert.deepEqual([third.replaced, third.error, third.pushed], [true, null, 1]);
  assert.deepEqual([second.replaced, second.error !== null], [false, true], "a replacement that the database did not take");
});

test("the log keeps the last 200 syncs, the newest first, over restarts", async () => {
  for (let i = 0; i < 230; i++) {
    mock.timers.tick(10);
    if (i === 111) database = restart(database);
    await sync();
  }
  const log = await syncLog(restart(database));
  assert.deepEqual(log, Array.from({ length: 200 }, (_, i) => ({ ...idle, at: 1_002_300 - i * 10 })));
});

test("the log is bounded in bytes, and a sync writes little of it", async () => {
  const stored = new Map();
  const { setLocal } = database.adapter;
  let written = 0;
  database.adapter.setLocal = function (key, value) {
    written += value.length;
    stored.set(key, value);
    return setLocal.call(this, key, value);
  };
  for (let i = 0; i < 250; i++) await sync();
  assert.ok(written / 250 < 2_500, `${written / 250} units a sync without work`);
  server.before = () => { throw new Error("x".repeat(10_000)); };
  for (let i = 0; i < 250; i++) await sync();
  const bytes = [...stored].filter(([key]) => key.startsWith("tidemark_sync_log")).reduce((sum, [, value]) => sum + value.length, 0);
  assert.ok(bytes > 60_000 && bytes < 80_000, `${bytes}`);
  assert.equal((await syncLog(database))[0].error, "x".repeat(200));
});

test("a database that is reset has an empty log", async () => {
  for (let i = 0; i < 30; i++) await sync();
  await database.write(() => database.unsafeResetDatabase());
  assert.deepEqual(await syncLog(database), []);
  await sync();
  assert.equal((await syncLog(database)).length, 1);
});

test("a database that cannot store the log still syncs", async () => {
  const { setLocal } = database.adapter;
  database.adapter.setLocal = async function (key, value) {
    if (key.startsWith("tidemark_sync_log")) throw new Error("the disk is full");
    return setLocal.call(this, key, value);
  };
  assert.equal((await sync()).phase, "idle");
});

test("clockOffset is the server's Date minus the device's clock, for each server", async () => {
  const { fetch } = globalThis;
  const at = (url) => ({ url, token: () => "t" });
  const answer = async (server, date, millis = 100) => {
    globalThis.fetch = async () => {
      mock.timers.tick(millis);
      return new Response("{}", { headers: date === undefined ? {} : { date } });
    };
    await callJson(server, "GET", "/x");
  };
  const [slow, other] = [at("https://slow.example/base"), at("https://other.example")];
  assert.equal(clockOffset(slow), null);
  await answer(slow, new Date(1_000_000 + 60_000).toUTCString());
  assert.equal(clockOffset(slow), 60_000 + 500 - 50);
  await answer(other);
  await answer(other, "no date");
  assert.equal(clockOffset(other), null);
  assert.equal(clockOffset({ url: "https://slow.example" }), 60_450);
  const now = () => new Date(Date.now() + 60_450);
  await answer(slow, new Date(+now() + 80_000).toUTCString(), 80_000); // an upload of 80 s
  assert.equal(clockOffset(slow), 60_450);
  await answer(slow, now().toUTCString(), 1000);
  const later = clockOffset(slow);
  assert.ok(later !== 60_450 && Math.abs(later - 60_450) <= 1000, String(later));
  await answer(slow, new Date(+now() + 3_600_000).toUTCString(), 80_000); // somebody set a clock
  assert.ok(clockOffset(slow) > 3_500_000);
  globalThis.fetch = fetch;
});
