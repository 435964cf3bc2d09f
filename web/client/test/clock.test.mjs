import { test } from "node:test";
import assert from "node:assert/strict";
import { backoff, edit, nextUpdatedAt, uuid } from "../dist/index.js";
import { open, write } from "./memory.mjs";

test("the updated_at of an edit is now, but later than the row", () => {
  for (const [previous, now, want] of [[null, 5, 5], [undefined, 5, 5], [4, 5, 5], [5, 5, 6], [3_600_000, 5, 3_600_001]]) {
    assert.equal(nextUpdatedAt(previous, now), want, `${previous} at ${now}`);
  }
});

test("edit() on a slow clock writes a later time, and none where the table has none", async () => {
  const database = open();
  const future = Date.now() + 3_600_000;
  const note = await write(database, "notes", { title: "a", updated_at: future });
  await database.write(() => edit(note, (n) => n._setRaw("title", "b")));
  assert.deepEqual([note._raw.title, note._raw.updated_at], ["b", future + 1]);

  const task = await write(database, "tasks", { name: "a" });
  await database.write(() => edit(task, (t) => t._setRaw("name", "b")));
  assert.equal("updated_at" in task._raw, false);
});

test("waits double up to their limit, by a quarter more or less", () => {
  const waits = [1, 2, 3, 10, 1000].map((failures) => [backoff(failures, 1000, 60_000, 0), backoff(failures, 1000, 60_000, 1)]);
  assert.deepEqual(waits, [[750, 1250], [1500, 2500], [3000, 5000], [45_000, 75_000], [45_000, 75_000]]);
});

test("ids are random UUIDs", () => {
  const ids = new Set(Array.from({ length: 1000 }, uuid));
  assert.equal(ids.size, 1000);
  for (const id of ids) assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});
