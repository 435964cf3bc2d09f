import { afterEach, beforeEach, describe, mock, test } from "node:test";
import assert from "node:assert/strict";
import { createClient, safeSyncDatabase, structuredSource, syncState, syncTriggers } from "../dist/index.js";
import { none, open, rows, settle, write } from "./memory.mjs";

const tooLong = "it is longer than 5 UTF-16 units";
const forbidden = "the rule of writing does not hold";

// A server whose notes have a title of at most 5 units, and of which nobody may delete one that is "ours".
class Server {
  requests = [];
  pushed = [];
  stored = new Map();
  stamps = new Map(); // by id, also of ids that it does not have: the next pull brings them in deleted
  stamp = 1;
  respond = () => undefined; // a response instead of the server's own

  put(row) {
    this.stored.set(row.id, row);
    this.stamps.set(row.id, ++this.stamp);
  }

  pull({ lastPulledAt }) {
    const changed = [...this.stamps].filter(([, stamp]) => stamp > (lastPulledAt ?? 0)).map(([id]) => id);
    const updated = changed.filter((id) => this.stored.has(id)).map((id) => this.stored.get(id));
    const deleted = changed.filter((id) => !this.stored.has(id));
    return { timestamp: this.stamp, changes: { notes: { created: [], updated, deleted }, tasks: none() } };
  }

  push({ changes: { notes } }) {
    this.pushed.push(notes);
    const rejected = [];
    for (const { _status, _changed, ...row } of [...notes.created, ...notes.updated]) {
      if (row.title.length <= 5) this.put(row);
      else rejected.push({ id: row.id, column: "title", reason: tooLong });
    }
    for (const id of notes.deleted) {
      if (this.stored.get(id)?.title === "ours") rejected.push({ id, reason: forbidden });
      else this.stored.delete(id);
    }
    for (const { id } of rejected) this.stamps.set(id, ++this.stamp);
    return { timestamp: this.stamp, applied: {}, superseded: {}, ignored: {}, rejected: rejected.length > 0 ? { notes: rejected } : {} };
  }

  fetch = async (url, { body }) => {
    if (url.endsWith("/auth/ticket")) return Response.json({ ticket: "t" });
    const { pathname, searchParams } = new URL(url);
    const name = pathname.split(".").at(-1);
    this.requests.push(name);
    const input = JSON.parse(name === "push" ? body : searchParams.get("input"));
    return (await this.respond(name)) ?? Response.json({ result: { data: this[name](input) } });
  };
}

const real = { fetch: globalThis.fetch, WebSocket: globalThis.WebSocket };
const at = { url: "http://server", token: () => "t" };
let server, database, source, told;

beforeEach(() => {
  mock.timers.enable({ apis: ["setTimeout"] });
  server = new Server();
  globalThis.fetch = server.fetch;
  database = open();
  told = [];
  source = structuredSource(createClient(at), { onRejected: (rejections) => told.push(rejections) });
});
afterEach(() => {
  mock.timers.reset();
  Object.assign(globalThis, real);
});

const sync = () => safeSyncDatabase(database, source);
const state = () => syncState(database).get();
const titles = async () => (await rows(database, "notes")).map(({ title }) => title).sort();
const note = (id) => database.get("notes").find(id);
const retitle = async (id, title) => {
  const row = await note(id);
  await database.write(() => row.update((n) => n._setRaw("title", title)));
};

// begin has two notes on the server and on the device.
async function begin() {
  server.put({ id: "a", title: "a", body: "", created_at: 1, updated_at: 1 });
  server.put({ id: "o", title: "ours", body: "", created_at: 1, updated_at: 1 });
  await sync();
  server.requests = [];
}

describe("a rejected row", () => {
  test("reaches the app, and the sync ends with what the server has", async () => {
    await begin();
    await retitle("a", "a title");
    await write(database, "notes", { title: "new" });
    const after = await sync();
    const rejection = { table: "notes", id: "a", column: "title", reason: tooLong };
    const { mine, ...told0 } = told[0][0];
    assert.deepEqual([told.length, told[0].length, told0], [1, 1, rejection]);
    assert.deepEqual([mine.id, mine.title, "_status" in mine], ["a", "a title", false]);
    assert.deepEqual(after.rejected, told[0]);
    assert.deepEqual([after.phase, after.unsynced, after.error], ["idle", 0, null]);
    assert.deepEqual(server.requests, ["pull", "push", "pull"]);
    assert.deepEqual(await titles(), ["a", "new", "ours"]);
    assert.deepEqual([...server.stored.values()].map(({ title }) => title).sort(), ["a", "new", "ours"], "the rest of the push is done");
  });

  test("is not pushed again", async () => {
    await begin();
    await retitle("a", "a title");
    await sync();
    await sync();
    await sync();
    assert.deepEqual(server.requests, ["pull", "push", "pull", "pull", "pull"]);
    assert.equal(told.length, 1);
  });

  test("that the server never had leaves the device", async () => {
    await begin();
    await write(database, "notes", { title: "a new title" });
    await sync();
    assert.deepEqual(await titles(), ["a", "ours"]);
  });

  test("that the device deleted comes back, and its rejection names no column", async () => {
    await begin();
    const ours = await note("o");
    await database.write(() => ours.markAsDeleted());
    assert.deepEqual((await sync()).rejected, [{ table: "notes", id: "o", reason: forbidden, mine: null }]);
    assert.deepEqual(await titles(), ["a", "ours"]);
    assert.equal(state().unsynced, 0);
  });

  test("can be mended, also while it is pushed", async () => {
    await begin();
    await retitle("a", "a title");
    server.respond = async (name) => void (name === "push" && (await retitle("a", "mend")));
    await sync();
    server.respond = () => undefined;
    assert.deepEqual([await titles(), state().unsynced], [["mend", "ours"], 1]);
    await sync();
    assert.deepEqual([server.stored.get("a").title, state().unsynced], ["mend", 0]);
  });

  test("is still as the person wrote it when onRejected runs", async () => {
    await begin();
    await retitle("a", "a title");
    const a = await note("a");
    source.onRejected = () => told.push(a._raw.title);
    await sync();
    assert.deepEqual([told, a._raw.title], [["a title"], "a"]);
  });
});

describe("the rejections in the state", () => {
  test("are those of the last push", async () => {
    await begin();
    assert.deepEqual(state().rejected, []);
    await retitle("a", "a title");
    await sync();
    await sync();
    assert.equal(state().rejected.length, 1, "a sync that pushes nothing changes nothing");
    server.respond = (name) => (name === "push" ? new Response("", { status: 503 }) : undefined);
    await retitle("a", "b");
    await sync();
    assert.equal(state().rejected.length, 1, "a push that fails changes nothing");
    server.respond = () => undefined;
    await sync();
    assert.deepEqual(state().rejected, []);
  });

  test("stay if the second pull fails, and the next try brings the row without telling again", async () => {
    await begin();
    await retitle("a", "a title");
    server.respond = (name) => (name === "pull" && server.pushed.length === 1 ? new Response("", { status: 503 }) : undefined);
    assert.deepEqual([(await sync()).phase, await titles()], ["waiting", ["a title", "ours"]]);
    server.respond = () => undefined;
    mock.timers.tick(1_250);
    for (let i = 0; i < 20; i++) await settle();
    assert.deepEqual([state().phase, await titles(), state().rejected.length, told.length], ["idle", ["a", "ours"], 1, 1]);
    assert.equal(server.pushed.length, 1);
  });
});

describe("the sync", () => {
  test("pushes once at each call, whatever onRejected does", async () => {
    await begin();
    let tries = 0;
    source.onRejected = () => void retitle("a", `too long: ${++tries}`);
    await retitle("a", "a title");
    for (const pushes of [1, 2, 3]) {
      await sync();
      await settle();
      assert.equal(server.pushed.length, pushes);
    }
    assert.equal(server.requests.length, 9, "of which each call has three");
  });

  test("goes on when the app throws, whose error the page reports", async () => {
    await begin();
    source.onRejected = () => { throw new Error("mine"); };
    await retitle("a", "a title");
    assert.equal((await sync()).phase, "idle");
    assert.deepEqual(await titles(), ["a", "ours"]);
    assert.throws(() => mock.timers.tick(1), /mine/);
  });

  test("by syncTriggers ends, too", async () => {
    globalThis.WebSocket = class { send() {} close() {} };
    await begin();
    const stop = syncTriggers(database, source, { server: at });
    const pass = async () => {
      for (let i = 0; i < 20; i++) {
        mock.timers.tick(300);
        await settle();
      }
    };
    await pass();
    server.requests = [];
    await retitle("a", "a title");
    await pass();
    assert.deepEqual(server.requests, ["pull", "push", "pull"]);
    assert.deepEqual([await titles(), told.length], [["a", "ours"], 1]);
    stop();
  });

  test("with a server that returns no list has no rejections", async () => {
    await begin();
    const old = { timestamp: 9, applied: {}, superseded: {}, ignored: {} };
    server.respond = (name) => (name === "push" ? Response.json({ result: { data: old } }) : undefined);
    await retitle("a", "a title");
    const { phase, rejected } = await sync();
    assert.deepEqual([phase, rejected, told], ["idle", [], []]);
    assert.deepEqual(server.requests, ["pull", "push"]);
  });
});
