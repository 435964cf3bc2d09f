import { afterEach, test } from "node:test";
import assert from "node:assert/strict";
import { safeSyncDatabase } from "../dist/index.js";
import { installInspector } from "../dist/inspect.js";
import { none, open } from "./memory.mjs";

const realFetch = globalThis.fetch;
afterEach(() => (globalThis.fetch = realFetch));

const server = { url: "http://server", space: "team", token: () => "t" };
const stored = { timestamp: 9, horizon: 0, floor: 0, state: "unknown", stamp: null, ahead: null, row: null };
const rejection = { table: "notes", id: "bad", column: "title", reason: "it is too long" };

// A database that was synced once, and then edited.
async function edited() {
  const database = open();
  await database.write(() =>
    Promise.all(
      ["a b", "gone", "bad"].map((id) =>
        database.get("notes").create((note) => {
          note._raw.id = id;
          note._setRaw("title", "x");
          note._setRaw("updated_at", 5);
        }),
      ),
    ),
  );
  const source = { pull: async () => ({ timestamp: 7, changes: { notes: none(), tasks: none() } }), push: async () => ({ rejected: [rejection] }) };
  await safeSyncDatabase(database, source);
  const notes = database.get("notes");
  const [note, gone] = [await notes.find("a b"), await notes.find("gone")];
  await database.write(() => note.update((n) => n._setRaw("title", "new")));
  await database.write(() => gone.markAsDeleted());
  return database;
}

test("the console has what is pending, the marks and the last syncs", async () => {
  const inspector = installInspector({ server, database: await edited(), rooms: () => [{ id: "r", bytes: 7, synced: true, unsaved: false, storageError: null, doc: {} }], unsavedRooms: () => ["r", "closed"] });
  assert.equal(globalThis.__TIDEMARK__, inspector);
  assert.deepEqual(inspector.tables, ["notes", "tasks"]);
  assert.deepEqual((await inspector.pending()).map(({ id, status, changed }) => [id, status, changed]), [["a b", "updated", ["title"]], ["gone", "deleted", []]]);
  const { lastPulledAt, schemaVersion, phase, error } = await inspector.marks();
  assert.deepEqual({ lastPulledAt, schemaVersion, phase, error }, { lastPulledAt: 7, schemaVersion: 1, phase: "idle", error: null });
  assert.deepEqual((await inspector.syncs()).map(({ pushed, rejected }) => [pushed, rejected]), [[3, 1]]);
  assert.deepEqual(inspector.rooms(), [{ id: "r", bytes: 7, synced: true, unsaved: false, error: null }]);
  assert.deepEqual(await inspector.closedRooms(), ["closed"]);
});

test("a row is explained by what is here, and by what the server of the space has", async () => {
  const inspector = installInspector({ server, database: await edited() });
  const asked = [];
  globalThis.fetch = async (url, { method, headers }) => {
    asked.push([url, method, headers.authorization]);
    const row = { id: "a b", title: "x", body: "", created_at: 0, updated_at: 5 };
    return new Response(JSON.stringify(asked.length === 1 ? { ...stored, state: "live", stamp: 6, row } : stored));
  };
  const note = await inspector.explain("notes", "a b");
  assert.deepEqual(asked, [["http://server/s/team/sync/explain?table=notes&id=a%20b", "GET", "Bearer t"]]);
  assert.deepEqual([note.verdict, note.winner, note.here._changed, note.there.stamp, note.lastPulledAt], ["edited here", "device", "title", 6, 7]);
  assert.deepEqual(note.columns.filter(({ changed }) => changed), [{ name: "title", here: "new", there: "x", changed: true }]);
  assert.deepEqual((await inspector.explain("notes", "gone")).here, { id: "gone", _status: "deleted", _changed: "" });
  assert.match((await inspector.explain("notes", "bad")).sentences[0], /rejected the last push of this row: title: it is too long/);
  assert.deepEqual((await inspector.explain("nowhere", "a")).here, null);
});

test("what the server has is unknown if it does not respond, and the answer says why", async () => {
  const inspector = installInspector({ server, database: await edited() });
  globalThis.fetch = async () => new Response('{"error":{"code":"FORBIDDEN","message":"no sync:read"}}', { status: 403 });
  const { verdict, failure, there } = await inspector.explain("notes", "a b");
  assert.deepEqual([verdict, failure, there], ["server not asked", "no sync:read", null]);
  globalThis.fetch = () => assert.fail("asked about a row of a project");
  assert.match((await installInspector({ ...inspector.inspected, explained: false }).explain("notes", "a b")).failure, /none of a project/);
});
