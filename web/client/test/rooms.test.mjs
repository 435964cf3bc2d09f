// Rooms without React, over a storage that a test holds back, breaks and restarts.
import { afterEach, beforeEach, mock, test } from "node:test";
import assert from "node:assert/strict";
import { openRooms, Room, saveRooms, unsavedRooms } from "../dist/documents/index.js";
import "../dist/documents/saving.js"; // the kit loads it on demand, which takes real time
import * as Y from "yjs";
import { storageName } from "../dist/index.js";
import { Session } from "../dist/session.js";
import { dice } from "../../../e2e/dice.mjs";
import { browser } from "./indexeddb.mjs";
import { RoomServer } from "./room-server.mjs";

const real = { fetch: globalThis.fetch, WebSocket: globalThis.WebSocket };
let server, disk, options, errors;

beforeEach(() => {
  mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
  server = new RoomServer().install();
  disk = browser();
  errors = [];
  options = {
    server: { url: "http://server", token: () => "t" },
    subject: "ada",
    documents: disk.storage(),
    onError: (error, id) => errors.push(`${id}: ${error.name}`),
  };
});
afterEach(async () => {
  for (const room of openRooms()) void room.destroy();
  await settle();
  mock.timers.reset();
  Object.assign(globalThis, real);
});

/** Lets promises and IndexedDB go on until nothing is left to do. */
async function settle() {
  for (let i = 0; i < 60; i++) await new Promise(setImmediate);
}

async function tick(millis) {
  mock.timers.tick(millis);
  await settle();
}

async function open(id = "note", more = {}) {
  const room = new Room(id, { ...options, ...more });
  room.saves = 0;
  room.onSaved = () => room.saves++;
  room.connect();
  await settle();
  return room;
}

const textOf = (room) => room.doc.getText("t");
const type = (room, text) => textOf(room).insert(textOf(room).length, text);

/** Reads what the device has of a room, without a network. */
async function kept(id = "note") {
  const room = await open(id, { server: { url: "http://server", token: () => null } });
  const text = textOf(room).toString();
  await room.destroy();
  return text;
}

test("an edit is saved when the device has stored it and the server has sent it back, and not before", async () => {
  const room = await open();
  assert.deepEqual([room.synced, room.unsaved, openRooms()], [true, false, [room]]);
  server.hold();
  type(room, "a");
  assert.equal(room.unsaved, true);
  await settle();
  assert.equal(server.text("note"), "a");
  room.awareness.setLocalState({ name: "Ada" }); // it comes back after the edit, and is no sign that the edit is stored
  await tick(60_000);
  assert.deepEqual([room.unsaved, unsavedRooms(options)], [true, ["note"]]);
  server.release();
  await tick(2000);
  assert.deepEqual([room.unsaved, room.saves > 0, unsavedRooms(options)], [false, true, []]);
});

test("what others write meanwhile is no sign that the server has an edit", async () => {
  const [room, other] = [await open(), await open("note", { subject: "bob" })];
  server.deaf = true;
  type(room, "mine");
  await settle();
  server.deaf = false;
  type(other, "theirs");
  await settle();
  await tick(10_000);
  assert.equal(textOf(room).toString().includes("theirs"), true);
  assert.deepEqual([server.text("note"), room.unsaved, room.saves], ["theirs", true, 0]);
  server.cut();
  await settle();
  await tick(1000);
  await tick(4000);
  assert.deepEqual([server.text("note").includes("mine"), room.unsaved, room.saves > 0], [true, false, true]);
});

test("a deletion is saved when it came back", async () => {
  const room = await open();
  type(room, "abc");
  await settle();
  await tick(2000);
  assert.equal(room.unsaved, false);
  server.hold();
  textOf(room).delete(0, 2);
  await settle();
  await tick(10_000);
  assert.equal(room.unsaved, true);
  server.release();
  await settle();
  await tick(2000);
  assert.deepEqual([room.unsaved, server.text("note")], [false, "c"]);
});

test("a deletion whose connection ended is saved when the server shows it at the next", async () => {
  const room = await open();
  type(room, "abc");
  await settle();
  server.hold();
  textOf(room).delete(0, 2);
  await settle();
  server.cut();
  await settle();
  await tick(1000);
  await tick(4000);
  assert.deepEqual([room.unsaved, server.text("note")], [false, "c"]);
});

test("a room whose disk does not write is not saved, says why, and tries again", async () => {
  const room = await open();
  disk.fail(1);
  type(room, "a");
  await settle();
  assert.equal(server.text("note"), "a");
  assert.deepEqual(errors, ["note: QuotaExceededError"]);
  assert.deepEqual([room.storageError?.name, room.unsaved, room.saves], ["QuotaExceededError", true, 0]);
  await tick(1500);
  await tick(2000);
  assert.deepEqual([room.storageError, room.unsaved, room.saves > 0], [null, false, true]);
  assert.equal(await kept(), "a");
});

test("a room whose disk stays broken is not saved, although the server has everything", async () => {
  const room = await open();
  disk.broken = true;
  type(room, "a");
  await settle();
  for (let i = 0; i < 5; i++) await tick(2000);
  assert.deepEqual([server.text("note"), room.unsaved, room.saves, unsavedRooms(options)], ["a", true, 0, ["note"]]);
  type(room, "b");
  disk.broken = false;
  for (let i = 0; i < 20; i++) await tick(2000);
  assert.deepEqual([room.unsaved, room.saves > 0, await kept()], [false, true, "ab"]);
});

test("what is not on the disk is not saved, however slow or broken the disk", async () => {
  for (const append of [() => new Promise(() => {}), () => Promise.reject(new Error("no"))]) {
    const store = { load: async () => ({ updates: [], unsaved: false }), append, saved: async () => {}, compact: async () => [], close() {} };
    const room = await open("note", { documents: { open: () => store, unsavedNow: () => [] } });
    type(room, "a");
    await settle();
    for (let i = 0; i < 5; i++) await tick(2000);
    assert.deepEqual([server.text("note").includes("a"), room.unsaved, room.saves], [true, true, 0]);
    store.append = async () => {};
    void room.destroy();
  }
});

test("an edit that the disk does not take is unsynced work of the session, and of nobody else's", async () => {
  const documents = { open: () => ({ load: async () => ({ updates: [], unsaved: false }), append: () => Promise.reject(new Error("no")), close() {} }), unsaved: async () => [], unsavedNow: () => [] };
  const [ada, bob] = ["ada", "bob"].map((subject) => new Session({ url: "http://server", subject, token: () => "t", subjectOf: () => subject, documents }));
  const room = await open("note", { server: ada.server("team"), documents });
  server.online = false;
  server.cut();
  type(room, "a");
  await settle();
  const work = async (session, space) => (await session.unsyncedWork(space)).rooms;
  assert.deepEqual([await work(ada), await work(ada, ""), await work(bob)], [[{ space: "team", id: "note" }], [], []]);
  void room.destroy();
  await Promise.all([ada.end(), bob.end()]);
});

test("an edit that came back does not speak for one before it", async () => {
  const room = await open();
  server.deaf = true;
  type(room, "a");
  await settle();
  server.deaf = false;
  type(room, "b");
  await settle();
  await tick(10_000);
  assert.deepEqual([server.text("note"), room.unsaved, room.saves], ["", true, 0]);
  server.cut();
  await settle();
  await tick(1000);
  await tick(4000);
  assert.deepEqual([server.text("note"), room.unsaved], ["ab", false]);
});

test("an edit while the marks are taken stays unsaved", async () => {
  const room = await open();
  type(room, "a");
  await settle();
  mock.timers.tick(2000); // the room takes the marks
  await null;
  type(room, "b");
  server.hold();
  await settle();
  assert.deepEqual([room.unsaved, unsavedRooms(options)], [true, ["note"]]);
  server.release();
  await settle();
  await tick(2000);
  assert.deepEqual([room.unsaved, unsavedRooms(options)], [false, []]);
});

test("an edit while the device makes one update of many keeps its mark, although the room wants to take the marks", async () => {
  const calls = [];
  const doc = new Y.Doc();
  let write, compacted;
  const store = {
    load: async () => ({ updates: Array(498).fill(Y.encodeStateAsUpdate(doc)), unsaved: false }),
    append: () => new Promise((resolve) => (calls.push("append"), (write = resolve))),
    saved: async () => void calls.push("saved"),
    compact: () => new Promise((resolve) => (calls.push("compact"), (compacted = () => resolve([])))),
    close() {},
  };
  const room = await open("note", { documents: { open: () => store, unsavedNow: () => [] } });
  for (const text of "ab") {
    type(room, text);
    await settle();
  }
  for (let i = 0; i < 2; i++) {
    write();
    await settle();
  }
  assert.deepEqual([calls, room.stored, server.text("note")], [["append", "append", "compact"], true, "ab"]);
  mock.timers.tick(2000); // the room wants to take the marks
  server.online = false;
  server.cut();
  type(room, "c");
  compacted();
  await settle();
  write();
  await settle();
  assert.deepEqual([calls.slice(3), room.unsaved, room.saves], [["append"], true, 0]);
});

test("a room that makes one update of many takes on what another room of the device has stored", async () => {
  const store = options.documents.open({ owner: storageName(options.server, "ada"), room: "note" });
  await store.load();
  const doc = new Y.Doc();
  const updates = [];
  doc.on("update", (update) => updates.push(update));
  for (let i = 0; i < 498; i++) doc.getText("t").insert(0, ".");
  for (const update of updates) await store.append(update, false);
  store.close();
  server.online = false;
  const [one, two] = [await open(), await open()];
  type(two, "two");
  await settle();
  type(one, "one");
  await settle();
  assert.equal(textOf(one).toString(), `${".".repeat(498)}one`, "not yet");
  type(one, "!");
  await settle();
  assert.deepEqual([...textOf(one).toString().replaceAll(".", "")].sort(), [..."onetwo!"].sort());
  server.online = true;
  await tick(3000);
  await tick(4000);
  await tick(4000);
  assert.deepEqual([one.unsaved, two.unsaved], [false, false]);
  assert.equal(server.text("note").length, 505);
});

test("an edit before the device's copy is read is stored after it", async () => {
  const first = await open();
  type(first, "old");
  await first.destroy();
  const room = new Room("note", options);
  type(room, "new");
  room.connect();
  await settle();
  await room.destroy();
  assert.deepEqual([...(await kept())].sort(), [..."oldnew"].sort());
});

test("edits made offline reach the server by saveRooms(), without being opened", async () => {
  server.online = false;
  for (const id of ["one", "two/2"]) {
    const room = await open(id);
    type(room, id);
    await room.destroy();
  }
  assert.deepEqual(unsavedRooms(options).sort(), ["one", "two/2"]);
  const saving = saveRooms(options);
  await settle();
  await tick(30_000);
  await tick(30_000);
  await saving;
  assert.equal(unsavedRooms(options).length, 2, "the server cannot be reached");
  server.online = true;
  await tick(60_000); // it tries again by itself
  for (let i = 0; i < 6; i++) await tick(2000);
  assert.deepEqual([server.text("one"), server.text("two/2"), unsavedRooms(options), openRooms()], ["one", "two/2", [], []]);
});

test("the platform's word connects and disconnects at once", async () => {
  let connection;
  const platform = { onConnection: (listener) => ((connection = listener), () => (connection = null)) };
  const room = await open("note", { platform });
  assert.equal(room.wsconnected, true);
  connection(false);
  await settle();
  assert.equal(room.wsconnected, false);
  await tick(60_000);
  assert.equal(room.wsconnected, false);
  connection(true);
  await settle();
  assert.equal(room.wsconnected, true);
  room.disconnect();
  connection(true);
  await settle();
  assert.equal(room.wsconnected, false, "the app does not want it");
  await room.destroy();
  assert.equal(connection, null);
});

test("an old document of y-indexeddb is read, and one under an old prefix moves", async () => {
  const { IndexeddbPersistence } = await import("y-indexeddb");
  const { Doc } = await import("yjs");
  for (const [name, text] of [["tidemark,http%3A%2F%2Fserver,ada,,yjs,note", "theirs"], ["app-ada-yjs-old", "older"]]) {
    const doc = new Doc();
    const persistence = await new IndexeddbPersistence(name, doc).whenSynced;
    doc.getText("t").insert(0, text);
    await settle();
    await persistence.destroy();
  }
  localStorage.setItem("app-ada-unsaved:old", "");
  assert.equal(await kept(), "theirs");
  const moving = { ...options, storage: "app-ada" };
  const saving = saveRooms(moving);
  await settle();
  await tick(2000);
  await saving;
  assert.equal(server.text("old"), "older");
  assert.deepEqual([unsavedRooms(moving), Object.keys(localStorage)], [[], []]);
  assert.equal((await indexedDB.databases()).some(({ name }) => name === "app-ada-yjs-old"), false);
  assert.equal(await kept("old"), "older");
});

test("without a storage of the app's a document is in IndexedDB", async () => {
  const room = await open("note", { documents: undefined });
  type(room, "a");
  await room.destroy();
  assert.equal(await kept(), "a");
});

// A person types in two screens of a device, and somebody else on it, too. Connections end and the disk fails. Then the app is killed.
test("random edits, cuts, failures of the disk and a kill lose nothing", async () => {
  for (let seed = 1; seed <= Number(process.env.ROOM_SEEDS ?? 8); seed++) {
    const random = dice(seed);
    server = new RoomServer().install();
    disk = browser();
    options = { ...options, documents: disk.storage() };
    const bob = { subject: "bob" };
    const rooms = [await open(), await open(), await open("note", bob)];
    const typed = [];
    for (let step = 0; step < 40; step++) {
      const at = Math.floor(random() * rooms.length);
      const action = random();
      if (action < 0.5) {
        typed.push(String.fromCodePoint(0x4e00 + typed.length));
        type(rooms[at], typed.at(-1));
        if (random() < 0.5) await settle();
      } else if (action < 0.6) server.cut();
      else if (action < 0.65) disk.fail(1 + Math.floor(random() * 3));
      else if (action < 0.7) server.online = !server.online;
      else if (action < 0.75) {
        await rooms[at].destroy();
        rooms[at] = await open("note", at === 2 ? bob : {});
      } else if (action < 0.78 && step > 20) disk.kill(1 + Math.floor(random() * 4));
      else await tick(Math.floor(random() * 5000));
    }
    disk.kill(1);
    server.online = false;
    await Promise.all(rooms.map((room) => room.destroy()));
    options = { ...options, documents: await disk.restart() };
    server.online = true;
    const before = server.text("note");
    const onDisk = [];
    for (const subject of ["ada", "bob"]) {
      const { updates } = await options.documents.open({ owner: storageName(options.server, subject), room: "note" }).load();
      const doc = new Y.Doc();
      for (const update of updates) Y.applyUpdate(doc, update);
      onDisk.push(...doc.getText("t").toString());
    }
    for (const subject of ["ada", "bob"]) {
      const saving = saveRooms({ ...options, subject });
      await settle();
      for (let i = 0; i < 10; i++) await tick(4000);
      await saving;
      assert.deepEqual(unsavedRooms({ ...options, subject }), [], `seed ${seed}`);
    }
    const after = server.text("note");
    for (const letter of [...before, ...onDisk]) assert.ok(after.includes(letter), `seed ${seed}: ${letter} is lost`);
  }
});
