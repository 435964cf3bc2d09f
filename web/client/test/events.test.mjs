// What became of a person's edits: superseded, rejected, and rows that a replacement takes away.
import { afterEach, beforeEach, mock, test } from "node:test";
import assert from "node:assert/strict";
import { createClient, edit, pendingRows, safeSyncDatabase, structuredSource, syncState } from "../dist/index.js";
import { projectSource } from "../dist/projects.js";
import { none, open, rows, write } from "./memory.mjs";
import { RowServer } from "./rowserver.mjs";

let database, server, told;

beforeEach(() => {
  mock.timers.enable({ apis: ["setTimeout"] });
  database = open();
  told = [];
  server = Object.assign(new RowServer(), { onSuperseded: (losses) => told.push(losses), onReplaced: (replacement) => told.push(replacement) });
});
afterEach(() => mock.timers.reset());

const sync = () => safeSyncDatabase(database, server);
const row = (id, title, updated_at = 1) => ({ id, title, body: "", created_at: 1, updated_at });
const note = (id) => database.get("notes").find(id);
const retitle = async (id, title) => {
  const record = await note(id);
  await database.write(() => edit(record, (r) => r._setRaw("title", title)));
};
const far = 9_000_000_000_000;

// begin has notes on the server and on the device.
async function begin(...ids) {
  for (const id of ids) server.put("notes", row(id, id));
  await sync();
  server.requests = [];
}

// meanwhile runs once between the pull and the push.
const meanwhile = (work) => {
  server.before = async (_, name) => {
    if (name !== "push") return;
    server.before = async () => {};
    await work();
  };
};

test("an edit that lost comes with the row that won, and is on the screen at once", async () => {
  await begin("a", "b");
  await retitle("a", "mine");
  await retitle("b", "mine, too");
  meanwhile(() => {
    server.put("notes", row("a", "theirs", far));
    server.delete("notes", "b");
  });
  assert.equal((await sync()).unsynced, 0);
  assert.deepEqual(server.requests, ["pull", "push", "pull"]);
  const [losses] = told;
  assert.deepEqual(losses.map(({ table, id, mine, theirs }) => [table, id, mine.title, theirs?.title]).sort(), [["notes", "a", "mine", "theirs"], ["notes", "b", "mine, too", undefined]]);
  assert.ok(losses.every(({ mine }) => !("_status" in mine)));
  assert.equal(losses.find(({ id }) => id === "b").theirs, null);
  assert.deepEqual((await rows(database, "notes")).map(({ title }) => title), ["theirs"]);
});

test("an edit that lost is told of after a later pull if the next one fails, and once", async () => {
  await begin("a");
  await retitle("a", "mine");
  meanwhile(() => {
    server.put("notes", row("a", "theirs", far));
    server.before = async (_, name) => { if (name === "pull") throw new TypeError("the network failed"); };
  });
  assert.deepEqual([(await sync()).phase, told], ["waiting", []]);
  server.before = async () => {};
  await sync();
  await sync();
  assert.deepEqual(told.flat().map(({ id, mine, theirs }) => [id, mine.title, theirs.title]), [["a", "mine", "theirs"]]);
});

test("the lost edits of an earlier part are told of although a later part fails", async () => {
  server.limits = { rows: 1, units: 1_000_000 };
  await begin("a", "b");
  await retitle("a", "mine");
  await retitle("b", "mine");
  let pushes = 0;
  server.before = async (_, name) => {
    if (name !== "push") return;
    if (++pushes === 2) throw new TypeError("the network failed");
    server.put("notes", row("a", "theirs", far));
    server.put("notes", row("b", "theirs", far));
  };
  assert.equal((await sync()).unsynced, 1);
  server.before = async () => {};
  await sync();
  assert.equal(told.flat().length, 1, "the other edit is a successor by then");
  assert.deepEqual(server.titles(), ["mine", "theirs"]);
});

test("a task that somebody had deleted is superseded, by the project's list of skipped ones", async () => {
  const { fetch } = globalThis;
  const answers = [
    { changes: { tasks: { ...none(), updated: [{ id: "t", name: "old" }] } }, timestamp: 1, next_cursor: null },
    { changes: {}, timestamp: 1, next_cursor: null },
    { skipped: { tasks: ["t"] }, timestamp: 2 },
    { changes: { tasks: { ...none(), deleted: ["t"] } }, timestamp: 2, next_cursor: null },
  ];
  globalThis.fetch = async () => Response.json(answers.shift());
  const source = projectSource({ url: "http://server", token: () => "t" }, "p", { onSuperseded: (losses) => told.push(...losses) });
  await safeSyncDatabase(database, source);
  const task = await database.get("tasks").find("t");
  await database.write(() => task.update((r) => r._setRaw("name", "new")));
  await safeSyncDatabase(database, source);
  globalThis.fetch = fetch;
  assert.deepEqual(told.map(({ table, id, mine, theirs }) => [table, id, mine.name, theirs]), [["tasks", "t", "new", null]]);
  assert.deepEqual(await rows(database, "tasks"), []);
});

test("the tRPC source returns the ids of superseded, by table", async () => {
  const { fetch } = globalThis;
  globalThis.fetch = async () => Response.json({ result: { data: { superseded: { notes: ["a", "b"] }, rejected: { tasks: [{ id: "t", reason: "no" }] } } } });
  const source = structuredSource(createClient({ url: "http://server", token: () => "t" }));
  const answer = await source.push({ changes: {}, lastPulledAt: 1 });
  globalThis.fetch = fetch;
  assert.deepEqual(answer, { superseded: [{ table: "notes", id: "a" }, { table: "notes", id: "b" }], rejected: [{ table: "tasks", id: "t", reason: "no" }] });
});

test("after a reset of the database nobody hears of the edits of whoever had it before", async () => {
  await begin("a");
  await retitle("a", "secret of ada");
  server.push = async () => {
    server.pull = () => Promise.reject(new TypeError("the network failed"));
    return { rejected: [{ table: "notes", id: "a", reason: "no" }], superseded: [{ table: "notes", id: "a" }] };
  };
  const { phase, rejected } = await sync();
  assert.deepEqual([phase, rejected.length, told], ["waiting", 1, []]);
  await database.write(() => database.unsafeResetDatabase());
  const bobs = Object.assign(new RowServer(), { onSuperseded: (losses) => told.push(losses), pull: async () => { throw new TypeError("the network failed"); } });
  const state = await safeSyncDatabase(database, bobs);
  assert.deepEqual([state.rejected, state.lastSyncAt], [[], null]);
  delete bobs.pull;
  assert.equal((await safeSyncDatabase(database, bobs)).phase, "idle");
  assert.deepEqual(told, []);
});

test("a replacement tells which rows it deleted and which edits it kept", async () => {
  await begin("same", "lost", "edited", "edited and lost", "deleted");
  await retitle("edited", "mine");
  await retitle("edited and lost", "my only copy");
  const [gone, fresh] = [await note("deleted"), await write(database, "notes", { title: "new" })];
  await database.write(() => gone.markAsDeleted());
  server.pull = async () => {
    server.pull = RowServer.prototype.pull;
    return { timestamp: ++server.stamp, experimentalStrategy: "replacement", changes: { notes: { ...none(), updated: [row("same", "same"), row("edited", "restored"), row("deleted", "deleted")] }, tasks: none() } };
  };
  await sync();
  const [{ deleted, kept }] = told;
  assert.deepEqual(deleted.map(({ table, id, mine, unsynced }) => [table, id, mine.title, unsynced]).sort(), [["notes", "edited and lost", "my only copy", true], ["notes", "lost", "lost", false]]);
  const byTitle = (a, b) => (a[1] < b[1] ? -1 : 1);
  assert.deepEqual(kept.map(({ id, mine, theirs }) => [id, mine.title, theirs?.title ?? null]).sort(byTitle), [["edited", "mine", "restored"], [fresh.id, "new", null]].sort(byTitle));
  assert.deepEqual((await rows(database, "notes")).map(({ title }) => title).sort(), ["mine", "new", "same"], "as WatermelonDB did");
  assert.equal(told.length, 1);
});

test("nobody is told of a replacement that failed", async () => {
  await begin("a");
  server.pull = async () => ({ timestamp: 0, experimentalStrategy: "replacement", changes: { notes: none(), tasks: none() } }); // WatermelonDB rejects a mark of 0
  assert.deepEqual([(await sync()).phase, told], ["waiting", []]);
});

test("an app that throws in a callback does not end the sync", async () => {
  await begin("a");
  await retitle("a", "mine");
  server.onSuperseded = () => { throw new Error("mine"); };
  meanwhile(() => server.put("notes", row("a", "theirs", far)));
  assert.deepEqual([(await sync()).phase, syncState(database).get().unsynced], ["idle", 0]);
  assert.throws(() => mock.timers.tick(1), /mine/);
});

test("pendingRows lists what the server does not have, and which columns changed", async () => {
  await begin("a", "b", "c");
  await retitle("a", "mine");
  const b = await note("b");
  await database.write(() => b.markAsDeleted());
  const { id } = await write(database, "tasks", { name: "new" });
  const pending = (await pendingRows(database)).sort((x, y) => (x.table + x.id < y.table + y.id ? -1 : 1));
  const { updated_at } = (await note("a"))._raw;
  assert.deepEqual(pending.map((p) => ({ ...p, changed: p.changed.sort() })), [
    { table: "notes", id: "a", status: "updated", changed: ["title", "updated_at"], row: { ...row("a", "mine", updated_at) } },
    { table: "notes", id: "b", status: "deleted", changed: [], row: null },
    { table: "tasks", id, status: "created", changed: ["name", "server_version"], row: { id, name: "new", server_version: 0 } },
  ]);
  await sync();
  assert.deepEqual(await pendingRows(database), []);
});
