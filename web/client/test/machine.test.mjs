// Each state of the sync of a database, and each way from one to another.
import { afterEach, beforeEach, describe, mock, test } from "node:test";
import assert from "node:assert/strict";
import { HttpError, safeSyncDatabase, syncState } from "../dist/index.js";
import { refuseSync } from "../dist/safe-sync.js";
import { open, settle, write } from "./memory.mjs";
import { RowServer } from "./rowserver.mjs";

let database, server, seen, stop;

beforeEach(() => {
  mock.timers.enable({ apis: ["setTimeout"] });
  [database, server, seen] = [open(), new RowServer(), []];
  stop = syncState(database).subscribe(() => {
    const { phase, progress, error, unauthorized } = syncState(database).get();
    seen.push(phase);
    if (phase === "idle") assert.equal(error, null);
    if (phase === "idle" || phase === "waiting") assert.equal(progress, null);
    if (unauthorized) assert.equal(phase, "refused");
  });
});
afterEach(() => {
  stop();
  mock.timers.reset();
});

const sync = () => safeSyncDatabase(database, server);
const state = () => syncState(database).get();
const path = () => seen.filter((phase, i) => phase !== seen[i - 1]);
const offline = () => { throw new TypeError("the network failed"); };
const forbidden = () => { throw new HttpError(403, "FORBIDDEN", "no"); };
const closed = new Error("the space was deleted");

// pause returns a function that lets the next request of a name go on.
function pause(name) {
  let go;
  const gate = new Promise((resolve) => (go = resolve));
  server.before = async (_, n) => { if (n === name) await gate; };
  return go;
}

// reach brings the sync to a phase.
const reach = {
  idle: sync,
  async waiting() {
    server.before = offline;
    await sync();
    server.before = async () => {};
  },
  async refused() {
    server.before = forbidden;
    await sync();
    server.before = async () => {};
  },
};

describe("from the start", () => {
  test("it is idle, without an error or progress", () => {
    assert.deepEqual({ ...state(), lastSyncAt: null }, { phase: "idle", unsynced: 0, lastSyncAt: null, error: null, unauthorized: false, rejected: [], progress: null });
  });
});

for (const from of ["idle", "waiting", "refused"]) {
  describe(`from ${from}`, () => {
    for (const [to, fault] of [["idle", undefined], ["waiting", offline], ["refused", forbidden]]) {
      for (const request of ["pull", "push"]) {
        test(`a sync whose ${request} ${fault ? "fails" : "succeeds"} ends ${to}`, async () => {
          await reach[from]();
          await write(database, "notes", { title: "a" });
          await settle();
          seen = [];
          const runs = server.requests.length;
          if (fault) server.before = async (_, name) => void (name === request && fault());
          const after = await sync();
          assert.deepEqual(path().filter((phase) => phase !== from || phase === to).slice(-2), ["syncing", to]);
          assert.deepEqual([after.phase, after.unsynced, after.error === null], [to, fault ? 1 : 0, !fault]);
          assert.deepEqual(server.requests.slice(runs), fault && request === "pull" ? ["pull"] : ["pull", "push"]);
          mock.timers.tick(3_600_000); // a waiting sync begins by itself, and no other
          await settle();
          assert.equal(server.requests.length > runs + (fault && request === "pull" ? 1 : 2), to === "waiting");
        });
      }
    }

    test("refuseSync ends refused, and its timer does not fire", async () => {
      await reach[from]();
      refuseSync(database, closed);
      assert.deepEqual([state().phase, state().error], ["refused", closed]);
      const runs = server.requests.length;
      mock.timers.tick(3_600_000);
      await settle();
      assert.equal(server.requests.length, runs);
    });
  });
}

test("from waiting, a call takes the place of the attempt that was planned", async () => {
  await reach.waiting();
  await sync();
  mock.timers.tick(3_600_000);
  await settle();
  assert.deepEqual(server.requests, ["pull", "pull"]);
});

test("from refused for a token, a success clears unauthorized", async () => {
  server.before = () => { throw new HttpError(401, "UNAUTHORIZED", "no"); };
  assert.deepEqual([(await sync()).phase, state().unauthorized], ["refused", true]);
  server.before = async () => {};
  assert.deepEqual([(await sync()).phase, state().unauthorized], ["idle", false]);
});

describe("while it syncs", () => {
  test("a call begins one more sync after this one", async () => {
    const go = pause("pull");
    const calls = [sync(), sync(), sync()];
    await settle();
    assert.deepEqual([state().phase, state().progress], ["syncing", { phase: "pull", done: 0, total: null }]);
    go();
    await Promise.all(calls);
    await settle();
    assert.deepEqual([server.requests, path().slice(-4)], [["pull", "pull"], ["syncing", "idle", "syncing", "idle"]]);
  });

  test("an edit stays unsynced until the next sync", async () => {
    await write(database, "notes", { title: "a" });
    const go = pause("push");
    const done = sync();
    for (let i = 0; i < 20; i++) await settle();
    assert.deepEqual(state().progress, { phase: "push", done: 0, total: 1 });
    await write(database, "notes", { title: "b" });
    go();
    assert.deepEqual([(await done).phase, state().unsynced], ["idle", 1]);
    assert.equal((await sync()).unsynced, 0);
  });

  for (const end of ["success", "failure"]) {
    test(`refuseSync wins over the ${end} of the sync, and over the call that waits for its end`, async () => {
      const go = pause("pull");
      const calls = [sync(), sync()];
      await settle();
      refuseSync(database, closed);
      if (end === "failure") server.after = offline;
      go();
      await Promise.all(calls);
      mock.timers.tick(3_600_000);
      await settle();
      assert.deepEqual([state().phase, state().error, state().progress, server.requests], ["refused", closed, null, ["pull"]]);
    });
  }
});

test("the progress of a pull grows by its pages, and has a total at the end", async () => {
  server.put("notes", { id: "a", title: "a" });
  server.put("notes", { id: "b", title: "b" });
  const steps = [];
  const off = syncState(database).subscribe(() => void steps.push(state().progress));
  server.pull = async ({ onProgress }) => {
    onProgress(1);
    return server.answer({ lastPulledAt: null });
  };
  await sync();
  off();
  const pull = (done, total) => ({ phase: "pull", done, total });
  assert.deepEqual(steps.filter((step, i) => step?.phase === "pull" && step !== steps[i - 1]), [pull(0, null), pull(1, null), pull(2, 2)]);
});
