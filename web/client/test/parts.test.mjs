// Pushes that are larger than the server takes.
import { afterEach, beforeEach, describe, mock, test } from "node:test";
import assert from "node:assert/strict";
import { edit, HttpError, safeSyncDatabase, statusOf, syncState } from "../dist/index.js";
import { open, rows, write } from "./memory.mjs";
import { RowServer } from "./rowserver.mjs";

let database, server;

beforeEach(() => {
  mock.timers.enable({ apis: ["setTimeout"] }); // the retries of syncs that failed never begin by themselves
  database = open();
  server = Object.assign(new RowServer(), { limits: { rows: 3, units: 1_000_000 } });
});
afterEach(() => mock.timers.reset());

const sync = () => safeSyncDatabase(database, server);
const note = (title, fields = {}) => write(database, "notes", { title, updated_at: 1, ...fields });
const notes = async (...titles) => { for (const title of titles) await note(title); };
const pushed = () => server.pushes.map((changes) => Object.values(changes).flatMap(({ created, updated, deleted }) => [...created, ...updated, ...deleted]).map((row) => row.title ?? row.name ?? row));
const find = async (title) => (await database.get("notes").query().fetch()).find((record) => record._raw.title === title);
const retitle = async (title, to) => {
  const record = await find(title);
  await database.write(() => edit(record, (r) => r._setRaw("title", to)));
};
const offline = () => { throw new TypeError("the network failed"); };
const tooLarge = (data) => { throw Object.assign(new Error("too large"), { data: { httpStatus: 413, ...data } }); };

describe("a push", () => {
  test("that the server takes as one is one request with all tables", async () => {
    await notes("a", "b");
    await write(database, "tasks", { name: "c" });
    assert.equal((await sync()).phase, "idle");
    assert.deepEqual(server.requests, ["pull", "push"]);
    assert.deepEqual(Object.keys(server.pushes[0]), ["notes", "tasks"]);
  });

  test("is cut by rows, and the state tells how far it is", async () => {
    await notes(..."abcdefg");
    const seen = [];
    const stop = syncState(database).subscribe(() => void seen.push(syncState(database).get().progress));
    assert.deepEqual([(await sync()).unsynced, syncState(database).get().progress], [0, null]);
    stop();
    assert.deepEqual(pushed().map(({ length }) => length), [3, 3, 1]);
    assert.equal(server.titles().join(""), "abcdefg");
    const steps = seen.filter((p) => p?.phase === "push").map(({ done, total }) => `${done}/${total}`);
    assert.deepEqual([...new Set(steps)], ["0/7", "3/7", "6/7", "7/7"]);
  });

  test("is cut by size, and a row that is larger is alone", async () => {
    server.limits = { rows: 100, units: 1_000 };
    await notes("x".repeat(2_000), ...Array(8).fill("y".repeat(200)));
    await sync();
    assert.deepEqual(pushed().map((rows) => rows.reduce((n, { length }) => n + length, 0)).filter((n) => n > 1_000), [2_000]);
    assert.ok(server.pushes.length >= 3);
    assert.equal(server.titles().length, 9);
  });

  test("creates parents before what refers to them, then updates, then deletes", async () => {
    await notes("old", "gone");
    await sync();
    server.pushes = [];
    await retitle("old", "renamed");
    const gone = await find("gone");
    await database.write(() => gone.markAsDeleted());
    let above = await note("level 0", { updated_at: 99 }); // LokiJS lists them the other way round
    for (let level = 1; level < 8; level++) above = await note(`level ${level}`, { body: above.id });
    await write(database, "tasks", { name: "last" });
    await sync();
    const order = pushed().flat();
    assert.deepEqual(order.filter((name) => /level/.test(name)), Array.from({ length: 8 }, (_, i) => `level ${i}`));
    assert.deepEqual(order.slice(-3), ["last", "renamed", gone.id]);
  });

  test("of rows that refer to each other, or have one id in two tables, is whole", async () => {
    const [a, b] = [await note("a"), await note("b")];
    await database.write(() => database.batch(
      a.prepareUpdate((r) => r._setRaw("body", b.id)), b.prepareUpdate((r) => r._setRaw("body", a.id)),
      database.get("tasks").prepareCreate((r) => { r._raw.id = a.id; r._setRaw("name", "c"); }),
    ));
    await sync();
    assert.deepEqual(pushed().flat().sort(), ["a", "b", "c"]);
  });
});

describe("a cut push", () => {
  const titles = [..."abcdefgh"]; // requests: pull, push of three, of three, of two
  for (const number of [0, 1, 2, 3]) {
    for (const [moment, how] of [["before", "does not arrive"], ["after", "gets no response"]]) {
      test(`goes on where it was if request ${number} ${how}`, async () => {
        await notes(...titles);
        server[moment] = async (n) => void (n === number && offline());
        const broken = await sync();
        const heard = Math.max(0, number - 1) * 3;
        assert.deepEqual([broken.phase, broken.unsynced, broken.progress], ["waiting", 8 - heard, null]);
        const before = new Set(pushed().flat().slice(0, heard));
        server.pushes = [];
        const after = await sync();
        assert.deepEqual([after.phase, after.unsynced], ["idle", 0]);
        assert.deepEqual(server.titles(), titles);
        assert.deepEqual(pushed().flat().filter((title) => before.has(title)), [], "pushed twice");
        assert.equal(pushed().flat().length, 8 - heard);
        server.pushes = [];
        await sync();
        assert.deepEqual(pushed(), []);
      });
    }
  }

  test("leaves a row unsynced that was edited after its part, and after the next pull the edit wins", async () => {
    await notes(...titles);
    const superseded = [];
    server.onSuperseded = (losses) => superseded.push(...losses);
    let first;
    server.before = async (n) => {
      if (n === 2) await retitle((first = pushed()[0][0]), "edited");
    };
    assert.equal((await sync()).unsynced, 1);
    assert.ok(server.titles().includes(first));
    server.pushes = [];
    assert.equal((await sync()).unsynced, 0);
    assert.deepEqual([pushed(), superseded], [[["edited"]], []]);
    assert.deepEqual(server.titles(), ["edited", ...titles.filter((title) => title !== first)].sort());
  });

  test("leaves a row unsynced that was edited before its part", async () => {
    await notes(...titles);
    let last;
    server.before = async (n) => {
      if (n !== 1) return;
      last = (await rows(database, "notes")).find(({ title }) => !pushed()[0].includes(title)).title;
      await retitle(last, "edited");
    };
    assert.equal((await sync()).unsynced, 1);
    await sync();
    assert.deepEqual(server.titles(), ["edited", ...titles.filter((title) => title !== last)].sort());
  });

  test("keeps a deletion that follows the row's part", async () => {
    await notes(...titles);
    server.before = async (n) => {
      if (n !== 2) return;
      const record = await find(pushed()[0][0]);
      await database.write(() => record.markAsDeleted());
    };
    await sync();
    await sync();
    assert.equal(server.titles().length, 7);
  });

  test("tells of the rejected rows of each part, and the state has those of all", async () => {
    await notes(...titles);
    const told = [];
    const rejectFirst = ({ notes: { created: [{ id }] } }) => ({ rejected: [{ table: "notes", id, reason: "no" }] });
    server.push = async ({ changes }) => (server.pushes.push(changes), rejectFirst(changes));
    server.onRejected = (rejections) => told.push(rejections.map(({ mine }) => mine.title));
    const { rejected } = await sync();
    assert.deepEqual(told, pushed().map(([title]) => [title]));
    assert.deepEqual(rejected.map(({ mine }) => mine.title), told.flat());
    await note("next");
    assert.deepEqual((await sync()).rejected.map(({ mine }) => mine.title), ["next"]);
  });

  test("ends if the database is reset, and pushes nothing more of it", async () => {
    await notes(...titles);
    server.after = async (n) => void (n === 1 && (await database.write(() => database.unsafeResetDatabase())));
    assert.match((await sync()).error.message, /reset/);
    assert.equal(server.pushes.length, 1);
  });
});

describe("a server of smaller limits", () => {
  test("is learned by halves, for the next push, too", async () => {
    server.limits = { rows: 100, units: 1_000_000 };
    server.before = async (_, name) => void (name === "push" && pushed().at(-1).length > 2 && tooLarge());
    await notes(..."abcdefgh");
    assert.equal((await sync()).phase, "idle");
    assert.deepEqual(pushed().map(({ length }) => length), [8, 4, 2, 2, 2, 2]);
    await notes(..."ijkl");
    server.pushes = [];
    await sync();
    assert.deepEqual(pushed().map(({ length }) => length), [2, 2]);
    assert.equal(server.titles().join(""), "abcdefghijkl");
  });

  for (const [where, late] of [
    ["here", () => { throw Object.assign(new Error("late"), { name: "TimeoutError" }); }],
    ["here, by tRPC", () => { throw new Error("late", { cause: Object.assign(new Error("late"), { name: "TimeoutError" }) }); }],
    ["at the server", () => { throw new HttpError(408, "", "late"); }],
  ]) {
    test(`or a slow line, by which a push was late ${where}, gets halves at the next attempts`, async () => {
      server.limits = { rows: 100, units: 10_000_000 };
      server.before = async (_, name) => void (name === "push" && JSON.stringify(pushed().at(-1)).length > 300_000 && late());
      await notes(...Array.from({ length: 8 }, (_, i) => `${i}`.repeat(100_000)));
      const phases = [];
      for (let i = 0; i < 4; i++) phases.push((await sync()).phase);
      assert.deepEqual(phases, ["waiting", "waiting", "idle", "idle"]);
      assert.deepEqual(pushed().map(({ length }) => length), [8, 4, 2, 2, 2, 2]);
    });
  }

  test("that hangs makes no small parts of a push", async () => {
    await notes(..."abc");
    server.before = async (n, name) => { if (name === "push" && n < 20) throw new HttpError(408, "", "late"); };
    for (let i = 0; i < 12; i++) await sync();
    assert.deepEqual([...new Set(pushed().map(({ length }) => length))], [3]);
  });

  test("rejects a single row with an error that names it, and keeps the others", async () => {
    await notes("a", "b", "x".repeat(100), "c");
    server.before = async (_, name) => void (name === "push" && pushed().at(-1).some(({ length }) => length > 10) && tooLarge());
    const { phase, error, unsynced } = await sync();
    const { id } = (await find("x".repeat(100)))._raw;
    assert.deepEqual([phase, error.table, error.id, statusOf(error)], ["refused", "notes", id, 413]);
    assert.match(error.message, new RegExp(`${id}.*notes.*too large`));
    assert.ok(unsynced < 4 || pushed().at(-1).length === 1);
  });

  for (const [what, refuse] of [
    ["names a row", () => tooLarge({ table: "notes", id: "n" })],
    ["is full", () => { throw new HttpError(413, "PAYLOAD_TOO_LARGE", "The space holds LIMIT_SPACE_BYTES"); }],
    ["refuses for another reason", () => { throw new HttpError(403, "FORBIDDEN", "no"); }],
  ]) {
    test(`that ${what} gets no smaller push`, async () => {
      await notes("a", "b");
      server.before = async (_, name) => void (name === "push" && refuse());
      assert.equal((await sync()).phase, "refused");
      assert.equal(server.pushes.length, 1);
    });
  }
});
