// The first pull in WatermelonDB's turbo mode. Node has no SQLite with JSI: an adapter of LokiJS stands for it, with the
// two functions that WatermelonDB then calls. What they do with the JSON follows WatermelonDB's Database-turboSync.cpp.
import { beforeEach, test } from "node:test";
import assert from "node:assert/strict";
import { safeSyncDatabase, syncLog, syncState } from "../dist/index.js";
import { none, open, rows, write } from "./memory.mjs";
import { RowServer } from "./rowserver.mjs";

let database, server, loads;

beforeEach(() => {
  [database, server, loads] = [open(), new RowServer(), []];
  for (const id of ["a", "b", "c"]) server.put("notes", { id, title: id });
  server.put("tasks", { id: "t", name: "t" });
});

const defaults = { title: "", body: "", name: "", created_at: 0, updated_at: 0 };

// native gives a database an adapter that can turbo.
function native({ fail = false } = {}) {
  const adapter = database.adapter.underlyingAdapter;
  const texts = new Map();
  adapter._dispatcherType = "jsi";
  adapter.provideSyncJson = (id, text, callback) => callback({ value: texts.set(id, text) && undefined });
  adapter.unsafeLoadFromSync = (id, callback) => {
    const { changes, ...rest } = JSON.parse(texts.get(id));
    loads.push(changes);
    if (fail) return callback({ error: new Error("the native code failed") });
    for (const [table, { created, updated, deleted }] of Object.entries(changes)) {
      assert.deepEqual(deleted, [], "expected deleted field to be empty");
      for (const row of [...created, ...updated]) adapter._driver.loki.getCollection(table).insert({ ...defaults, ...row, _status: "synced", _changed: "" });
    }
    callback({ value: rest });
  };
}

const sync = () => safeSyncDatabase(database, server);
const titles = async () => (await rows(database, "notes")).map(({ title }) => title).sort().join("");

test("loads the first pull of an empty database, and later pulls are as always", async () => {
  native();
  const pull = server.pull;
  server.pull = async (args) => {
    assert.deepEqual([args.lastPulledAt, args.schemaVersion, args.migration], [args.lastPulledAt && 5, 1, null]);
    args.onProgress(2);
    const answer = await pull.call(server, args);
    return { ...answer, changes: { ...answer.changes, notes: { ...answer.changes.notes, deleted: args.lastPulledAt ? [] : ["gone"] } } }; // as a project's first pull may have
  };
  const steps = [];
  const stop = syncState(database).subscribe(() => void steps.push(syncState(database).get().progress));
  assert.equal((await sync()).error, null);
  stop();
  assert.deepEqual(steps.filter((step) => step?.done > 0).map(({ done, total }) => [done, total]), [[2, null], [5, 5]]);
  assert.deepEqual([loads.length, await titles(), (await rows(database, "tasks")).length], [1, "abc", 1]);
  server.put("notes", { id: "d", title: "d" });
  await write(database, "notes", { title: "e" });
  assert.deepEqual([(await sync()).error, await titles(), loads.length], [null, "abcde", 1]);
  assert.deepEqual((await syncLog(database)).map(({ pulled, pushed }) => [pulled, pushed]).reverse(), [[5, 0], [1, 1]]);
});

const plain = {
  "the adapter is not SQLite with JSI": () => {},
  "the database has a row": async () => {
    native();
    await write(database, "notes", { title: "x" });
  },
  "the database has a deleted row": async () => {
    native();
    const row = await write(database, "tasks", { name: "x" });
    await database.write(() => row.markAsDeleted());
  },
  "a screen observes a table": () => {
    native();
    database.get("notes").query().observe().subscribe(() => {});
  },
  "a screen observes a query that joins tables": () => {
    native();
    database.experimentalSubscribe(["tasks"], () => {});
  },
  "the app writes a row during the pull": () => {
    native();
    server.after = async (number) => void (number === 0 && (await write(database, "notes", { title: "x" })));
  },
};
for (const [when, prepare] of Object.entries(plain)) {
  test(`makes models as always when ${when}`, async () => {
    await prepare();
    const { error, unsynced } = await sync();
    assert.deepEqual([error, unsynced, loads.length, (await titles()).replace("x", "")], [null, 0, 0, "abc"]);
    assert.deepEqual(server.requests.filter((name) => name === "pull").length, 1);
  });
}

test("is over after the first pull, although the database is still empty", async () => {
  native();
  const full = server.stored;
  server.stored = new Map();
  await sync();
  server.stored = full;
  for (const entry of full.values()) entry.stamp = ++server.stamp;
  assert.deepEqual([(await sync()).error, await titles(), loads.length], [null, "abc", 1]);
});

test("a screen that observes has the rows of the first pull", async () => {
  native();
  let shown;
  server.after = async (number) => void (number === 0 && database.get("notes").query().observe().subscribe((notes) => (shown = notes)));
  await sync();
  assert.equal(shown.length, 3);
});

test("makes models as always when the native code fails, or has no turbo mode, with the same pages", async () => {
  native({ fail: true });
  assert.deepEqual([(await sync()).error, await titles(), loads.length, server.requests], [null, "abc", 1, ["pull"]]);
});

test("a first pull that the database does not take leaves no mark", async () => {
  native({ fail: true });
  const { batch } = database.adapter;
  database.adapter.batch = async () => { throw new Error("the disk is full"); };
  assert.match((await sync()).error.message, /disk is full/);
  assert.equal(await database.adapter.getLocal("__watermelon_last_pulled_at"), null);
  database.adapter.batch = batch;
  native();
  assert.deepEqual([(await sync()).error, await titles(), loads.length], [null, "abc", 2]);
});

test("a replacement is not for turbo mode, and there is none in a first pull", async () => {
  native();
  await sync();
  server.pull = async () => ({ timestamp: ++server.stamp, experimentalStrategy: "replacement", changes: { notes: none(), tasks: none() } });
  assert.deepEqual([(await sync()).error, await titles(), loads.length], [null, "", 1]);
});
