// What a session is on its own: whose token it sends, what it knows as unsynced, and what its end ends.
import { afterEach, beforeEach, describe, mock, test } from "node:test";
import assert from "node:assert/strict";
import { callJson, createClient, safeSyncDatabase, structuredSource, subscribe, syncLog, syncState } from "../dist/index.js";
import { Session, unsyncedWork } from "../dist/session.js";
import { socketLog } from "../dist/sockets.js";
import { open, write } from "./memory.mjs";
import { passes, Town } from "./town.mjs";

const url = "http://server";
let town, close, tokens, storage;

beforeEach(() => {
  mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1_000_000 });
  town = new Town();
  close = town.open();
  tokens = { current: null };
  const items = new Map();
  storage = { keys: () => [...items.keys()], getItem: (key) => items.get(key) ?? null, setItem: (key, value) => items.set(key, value), removeItem: (key) => items.delete(key) };
});
afterEach(() => {
  mock.timers.reset();
  close();
});

const session = (subject, more) => new Session({ url, subject, token: () => tokens.current, storage, ...more });
const signIn = (subject) => {
  tokens.current = town.issue(subject);
  return session(subject);
};
const sourceOf = (server) => structuredSource(createClient(server));
const note = (database, subject) => write(database, "notes", { title: subject, updated_at: 1 });

test("a session must know where to note what is unsynced", () => {
  assert.throws(() => session("ada", { storage: undefined }), /option storage/);
});

describe("a session", () => {
  test("sends only tokens of its subject", () => {
    const ada = signIn("ada");
    assert.equal(ada.server().token(), tokens.current);
    for (const other of [town.issue("bob"), "no token", "a.b.c", null]) {
      tokens.current = other;
      assert.equal(ada.server().token(), null, String(other));
    }
    tokens.current = town.issue("Ünø");
    assert.equal(session("Ünø").server().token(), tokens.current);
    tokens.current = "opaque";
    assert.equal(session("ada", { subjectOf: () => "ada" }).server().token(), "opaque");
  });

  test("gives one server for each space", () => {
    const ada = signIn("ada");
    assert.equal(ada.server("team-x"), ada.server("team-x"));
    assert.deepEqual([ada.server("team-x").space, ada.server().space], ["team-x", ""]);
  });

  test("does not sync the database of another person, or of another space", async () => {
    const ada = signIn("ada");
    const database = open();
    ada.sync(database, sourceOf(ada.server()));
    await passes(1000);
    assert.equal(syncState(database).get().phase, "idle");
    await ada.end();
    const requests = town.sent.length;
    const bob = signIn("bob");
    bob.sync(database, sourceOf(bob.server()));
    await passes(1000);
    assert.match(syncState(database).get().error.message, /another person/);
    await bob.end();
    const again = signIn("ada");
    again.sync(database, sourceOf(again.server("team-x")), { space: "team-x" });
    await passes(1000);
    assert.match(syncState(database).get().error.message, /another space/);
    assert.equal(town.sent.length, requests);
    await again.end();
  });
});

describe("a kept database", () => {
  test("whose mark cannot be read is refused, and the next call reads it again", async () => {
    const ada = signIn("ada");
    const database = open();
    const { adapter } = database;
    const { getLocal } = adapter;
    adapter.getLocal = async (key) => { if (key === "tidemark_owner") throw new Error("the disk failed"); };
    ada.sync(database, sourceOf(ada.server()));
    await passes(1000);
    const { phase, error } = syncState(database).get();
    assert.deepEqual([phase, error?.message, town.sent], ["refused", "the disk failed", []]);
    adapter.getLocal = getLocal;
    ada.sync(database, sourceOf(ada.server()));
    await passes(1000);
    assert.equal(syncState(database).get().phase, "idle");
    await ada.end();
  });

  test("stays the person's after a reset, and is free after the end of the session and a reset", async () => {
    const reset = (database) => database.write(() => database.unsafeResetDatabase());
    const ada = signIn("ada");
    const database = open();
    ada.sync(database, sourceOf(ada.server()));
    await passes(200);
    await reset(database);
    await note(database, "ada");
    town.disconnect();
    await passes(200);
    await ada.end();
    const bob = signIn("bob");
    assert.equal(await bob.keep(database), false);
    assert.deepEqual([(await bob.unsyncedWork()).total, (await bob.end()).total], [0, 0], "ada's rows are no work of bob");
    await reset(database);
    await ada.unsyncedWork();
    const later = signIn("bob");
    assert.equal(await later.keep(database), true);
    await later.end();
  });

  test("is synced by the app, and ends with the session", async () => {
    const ada = signIn("ada");
    const database = open();
    assert.equal(await ada.keep(database, { name: "a" }), true);
    await note(database, "ada");
    assert.equal((await ada.unsyncedWork()).total, 1);
    town.disconnect();
    safeSyncDatabase(database, sourceOf(ada.server()));
    await passes(200);
    assert.equal(syncState(database).get().phase, "waiting");
    town.online = true;
    const requests = town.sent.length;
    assert.equal((await ada.end({ lastSyncMillis: 100 })).total, 1);
    await passes(10_000);
    assert.equal(town.sent.length, requests);
    assert.equal(await signIn("bob").keep(database), false);
  });
});

describe("unsynced work", () => {
  test("is the rows by table, and what was done to them", async () => {
    const [one, two] = [open(), open()];
    await note(one, "ada");
    await note(two, "ada");
    await write(two, "tasks", { name: "t" });
    const synced = await one.write(() => one.get("notes").create((row) => Object.assign(row._raw, { _status: "synced" })));
    await one.write(() => synced.markAsDeleted());
    assert.deepEqual(await unsyncedWork([one, two], [{ space: "", id: "r" }]), {
      total: 5,
      tables: { notes: { created: 2, updated: 0, deleted: 1 }, tasks: { created: 1, updated: 0, deleted: 0 } },
      rooms: [{ space: "", id: "r" }],
    });
    assert.deepEqual(await unsyncedWork([open()]), { total: 0, tables: {}, rooms: [] });
  });

  test("is that of all databases that the person has synced on the device, and nobody else's", async () => {
    town.disconnect();
    const ada = signIn("ada");
    for (const [space, name] of [["", "a"], ["", "b"], ["team-x", "a"]]) {
      const database = open();
      ada.sync(database, sourceOf(ada.server(space)), { space, name });
      await note(database, "ada");
    }
    storage.setItem("tidemark,http%3A%2F%2Fserver,ada,team-x,unsaved,note%2C1", "");
    await passes(400);
    assert.equal((await ada.end()).total, 4);
    const later = signIn("ada"); // after a restart of the app: it has opened nothing yet
    assert.equal((await later.unsyncedWork()).tables.notes.created, 3);
    const { total, rooms } = await later.unsyncedWork("team-x");
    assert.deepEqual([total, rooms], [2, [{ space: "team-x", id: "note,1" }]]);
    for (const other of ["bob", "ad", "ada,"]) assert.equal((await session(other).unsyncedWork()).total, 0, other);
    const native = session("ada", { documents: { unsaved: async ({ owner }) => [owner] } });
    native.server("team-x");
    assert.deepEqual((await native.unsyncedWork("team-x")).rooms.map(({ id }) => id), ["note,1", "tidemark,http%3A%2F%2Fserver,ada,team-x"]);
  });

  test("is none when the server has it", async () => {
    const ada = signIn("ada");
    const database = open();
    ada.sync(database, sourceOf(ada.server()));
    await note(database, "ada");
    assert.equal((await ada.unsyncedWork()).total, 1);
    await passes(2000);
    assert.deepEqual([(await ada.unsyncedWork()).total, storage.keys()], [0, []]);
    await ada.end();
  });
});

describe("the end of a session", () => {
  // Everything that a session can have under way, and then none of it.
  test("ends requests, sockets and waits for new tries, and lets no request begin", async () => {
    const ada = signIn("ada");
    const server = ada.server();
    const [database, failing] = [open(), open()];
    ada.sync(database, sourceOf(server));
    await passes(100);
    let closed;
    subscribe(server, { onNotification() {}, onRefused: (code, reason) => (closed = [code, reason]) });
    await passes(100);
    town.disconnect();
    safeSyncDatabase(failing, sourceOf(server));
    await passes(100);
    assert.equal(syncState(failing).get().phase, "waiting");
    town.online = true;
    town.millis = () => 1000;
    await note(database, "ada");
    await passes(400);
    const call = callJson(server, "GET", "/api/v1/x").catch((error) => error);
    const work = await ada.end();
    assert.equal(work.total, 1);
    assert.match((await call).message, /session has ended/);
    const requests = town.sent.length;
    tokens.current = town.issue("bob");
    await note(database, "ada");
    await passes(120_000);
    assert.equal(town.sent.length, requests, JSON.stringify(town.sent.slice(requests)));
    assert.match(closed[1], /session has ended/);
    for (const one of [database, failing]) {
      await safeSyncDatabase(one, sourceOf(server));
      assert.deepEqual([syncState(one).get().phase, syncState(one).get().unauthorized], ["refused", false]);
      assert.match(syncState(one).get().error.message, /session has ended/);
    }
    assert.equal(town.sent.length, requests);
    assert.equal(town.rows.size, 0);
    const again = signIn("ada");
    again.sync(database, sourceOf(again.server()));
    await passes(10_000);
    assert.equal(town.rows.size, 2);
    await again.end();
  });

  test("closes the sockets for good", async () => {
    const ada = signIn("ada");
    const codes = [];
    subscribe(ada.server(), { onNotification() {}, onRefused: (code) => codes.push(code) });
    await passes(1000);
    assert.equal(town.sockets.size, 1);
    await ada.end();
    assert.deepEqual([town.sockets.size, codes], [0, [4499]]);
    assert.deepEqual(socketLog(), [], "the next person does not see them");
  });

  test("begins no sync of a write that no sync has taken", async () => {
    const ada = signIn("ada");
    const database = open();
    ada.sync(database, sourceOf(ada.server()));
    await passes(1000);
    await note(database, "ada");
    const phases = [];
    ada.signal.addEventListener("abort", () => syncState(database).subscribe(() => phases.push(syncState(database).get().phase)));
    assert.equal((await ada.end()).total, 1);
    await passes(5000);
    assert.deepEqual(phases.filter((phase) => phase === "syncing"), []);
  });

  test("syncs a last time if it may, and returns what is left", async () => {
    for (const [lastSyncMillis, latency, left] of [[5000, 100, 0], [5000, 10_000, 1], [0, 0, 1]]) {
      const ada = signIn("ada");
      const database = open();
      ada.sync(database, sourceOf(ada.server()));
      await passes(100);
      town.millis = () => latency;
      await note(database, "ada");
      const end = ada.end({ lastSyncMillis });
      await passes(6000);
      assert.equal((await end).total, left, `${lastSyncMillis} ${latency}`);
      town.millis = () => 0;
    }
  });

  test("begins no last sync after its time", async () => {
    const ada = signIn("ada");
    const database = open();
    await note(database, "ada");
    const { adapter } = database;
    const getLocal = adapter.getLocal.bind(adapter);
    let found;
    adapter.getLocal = (key) => (key === "tidemark_owner" ? new Promise((resolve) => (found = resolve)).then(() => getLocal(key)) : getLocal(key));
    ada.sync(database, sourceOf(ada.server()));
    const end = ada.end({ lastSyncMillis: 100 });
    await passes(1000);
    found();
    await passes(1000);
    assert.equal((await end).total, 1);
    assert.deepEqual([syncState(database).get().phase, await syncLog(database)], ["refused", []]);
  });

  test("is the end of the person's sessions in other tabs, and of no later one", async () => {
    const [ada, other, bob] = [signIn("ada"), signIn("ada"), signIn("bob")];
    const end = ada.end({ lastSyncMillis: 1 });
    const later = signIn("ada");
    for (let i = 0; i < 100 && !other.signal.aborted; i++) await passes(50);
    assert.ok(other.signal.aborted);
    await end;
    await passes(1000);
    assert.deepEqual([later.signal.aborted, bob.signal.aborted], [false, false]);
    await Promise.all([later.end(), bob.end()]);
  });
});
