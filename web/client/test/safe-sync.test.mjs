import { afterEach, beforeEach, describe, mock, test } from "node:test";
import assert from "node:assert/strict";
import { edit, HttpError, safeSyncDatabase, syncState } from "../dist/index.js";
import { none, open, rows, settle, write } from "./memory.mjs";

// A source that waits for the test: answer() or fail() ends the oldest pull.
class Source {
  pulls = [];
  pushed = [];
  active = 0;
  most = 0;

  pull(args) {
    this.most = Math.max(this.most, ++this.active);
    return new Promise((resolve, reject) => this.pulls.push({ args, resolve, reject })).finally(() => this.active--);
  }

  async push({ changes }) {
    this.pushed.push(changes);
  }

  async answer(timestamp, changes = {}) {
    this.pulls.shift().resolve({ timestamp, changes: { notes: none(), tasks: none(), ...changes } });
    await settle();
  }

  async fail(error) {
    this.pulls.shift().reject(error);
    await settle();
  }
}

let database, source;

beforeEach(() => {
  mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1_000_000 });
  database = open();
  source = new Source();
});
afterEach(() => mock.timers.reset());

const sync = () => safeSyncDatabase(database, source);
const state = () => syncState(database).get();

describe("safeSyncDatabase", () => {
  test("runs once at a time, and all who call during a run share the one that follows", async () => {
    const first = sync();
    const others = [sync(), sync(), sync()];
    await settle();
    assert.equal(source.pulls.length, 1);
    await source.answer(1);
    assert.equal((await first).phase, "idle");
    await settle();
    assert.equal(source.pulls.length, 1, "one run for three calls");
    await source.answer(2);
    await Promise.all(others);
    await settle();
    assert.deepEqual([source.pulls.length, source.most], [0, 1]);
  });

  test("pushes what was written here, and counts what was not", async () => {
    await write(database, "notes", { title: "a", updated_at: 1 });
    const done = sync();
    await settle();
    assert.equal(state().unsynced, 1);
    await source.answer(5);
    assert.equal((await done).unsynced, 0);
    assert.equal(source.pushed.length, 1);
    assert.equal(source.pushed[0].notes.created[0].title, "a");
    assert.equal(state().lastSyncAt, 1_000_000);
  });

  test("tries again by itself, with growing waits, when nobody answered", async () => {
    const done = sync();
    await settle();
    await source.fail(new TypeError("fetch failed"));
    const after = await done;
    assert.equal(after.phase, "waiting");
    assert.match(after.error.message, /fetch failed/);
    mock.timers.tick(749);
    await settle();
    assert.equal(source.pulls.length, 0, "before 750 ms");
    mock.timers.tick(501);
    await settle();
    assert.equal(source.pulls.length, 1, "after 1250 ms");
    await source.fail(new TypeError("fetch failed"));
    mock.timers.tick(1_499);
    await settle();
    assert.equal(source.pulls.length, 0, "the second wait is twice the first");
    mock.timers.tick(1_001);
    await settle();
    await source.answer(3);
    await settle();
    assert.deepEqual([state().phase, state().error], ["idle", null]);
    mock.timers.tick(600_000);
    await settle();
    assert.equal(source.pulls.length, 0, "nothing is planned after a success");
  });

  test("waits as long as the server says", async () => {
    sync();
    await settle();
    await source.fail(new HttpError(429, "TOO_MANY_REQUESTS", "", 30_000));
    assert.equal(state().phase, "waiting");
    mock.timers.tick(29_999);
    await settle();
    assert.equal(source.pulls.length, 0);
    mock.timers.tick(1);
    await settle();
    assert.equal(source.pulls.length, 1);
  });

  test("does not ask without end a server that says to wait for nothing, or for longer than a timer can", async () => {
    for (const millis of [0, 2 ** 31]) {
      sync();
      await settle();
      await source.fail(new HttpError(503, "", "", millis));
      mock.timers.tick(millis === 0 ? 749 : 2 ** 31 - 2);
      await settle();
      assert.equal(source.pulls.length, 0, `after ${millis}`);
      mock.timers.tick(501);
      await settle();
      await source.answer(1);
      assert.equal(state().phase, "idle", `after ${millis}`);
    }
  });

  test("does not throw, and goes on, where the database cannot be read", async () => {
    const read = database.adapter.getDeletedRecords;
    database.adapter.getDeletedRecords = async () => { throw new Error("the disk is gone"); };
    const [first, second] = [sync(), sync()];
    await settle();
    await source.answer(1);
    assert.match((await first).error.message, /the disk is gone/);
    await settle();
    await source.answer(2);
    assert.equal((await second).phase, "waiting");
    database.adapter.getDeletedRecords = read;
    mock.timers.tick(5_000);
    await settle();
    await source.answer(3);
    assert.equal(state().phase, "idle");
  });

  test("goes on when a listener throws, whose error the page reports", async () => {
    const stop = syncState(database).subscribe(() => { throw new Error("mine"); });
    const done = sync();
    await settle();
    await source.answer(1);
    assert.equal((await done).phase, "idle");
    assert.throws(() => mock.timers.tick(1), /mine/);
    stop();
  });

  for (const [status, unauthorized] of [[400, false], [401, true], [403, false], [413, false]]) {
    test(`does not repeat what is answered by ${status}, but asks at the next call`, async () => {
      await write(database, "notes", { title: "kept", updated_at: 1 });
      sync();
      await settle();
      await source.fail(Object.assign(new Error("no"), { data: { httpStatus: status } })); // as tRPC throws it
      assert.deepEqual([state().phase, state().unauthorized, state().unsynced], ["refused", unauthorized, 1]);
      mock.timers.tick(600_000);
      await settle();
      assert.equal(source.pulls.length, 0);
      const done = sync();
      await settle();
      await source.answer(1);
      assert.deepEqual([(await done).phase, state().unauthorized, source.pushed.length], ["idle", false, 1]);
    });
  }

  test("tells the time of the last sync to the next start of the app", async () => {
    sync();
    await settle();
    await source.answer(1);
    await settle();
    assert.equal(await database.localStorage.get("tidemark_last_sync_at"), 1_000_000);
  });

  test("a row that merges with local edits is pushed with the columns of both", async () => {
    sync();
    await settle();
    await source.answer(1, { notes: { ...none(), updated: [{ id: "n", title: "old", body: "old", updated_at: 10 }] } });
    await settle();
    const note = await database.get("notes").find("n");
    await database.write(() => edit(note, (n) => n._setRaw("title", "mine")));
    const mine = note._raw.updated_at;
    const done = sync();
    await settle();
    await source.answer(2, { notes: { ...none(), updated: [{ id: "n", title: "old", body: "theirs", updated_at: mine + 5_000 }] } });
    await done;
    const pushed = source.pushed.at(-1).notes.updated[0];
    assert.deepEqual([pushed.title, pushed.body], ["mine", "theirs"]);
    assert.equal((await rows(database, "notes"))[0]._status, "synced");
  });
});
