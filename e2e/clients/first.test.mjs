// The first sync of many rows, by the client kit from a real server: with progress, in pages, and what it costs.
// FIRST_ROWS is the number of rows; `make prove` takes 100,000. The rows come from a device that made them offline.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { createClient, safeSyncDatabase, structuredSource, syncLog, syncState } from "../../web/client/dist/index.js";
import { doors, token } from "../doors.mjs";
import { everything, loki, open, served, sqliteIn } from "./kit.mjs";

const rows = Number(process.env.FIRST_ROWS ?? 12_000);
const door = doors.wazero();
before(() => door.start());
after(() => door.close());

const source = () => structuredSource(createClient({ url: door.url, token: () => token("ann") }));

// timed syncs a database, and returns its steps of progress. It tells the time and the growth of the heap.
async function timed(what, database) {
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  const began = performance.now();
  const steps = [];
  let most = 0;
  const stop = syncState(database).subscribe(() => {
    const { progress } = syncState(database).get();
    if (progress) steps.push(progress);
    most = Math.max(most, process.memoryUsage().heapUsed);
  });
  const { error, unsynced } = await safeSyncDatabase(database, source());
  stop();
  assert.deepEqual([error, unsynced], [null, 0]);
  globalThis.gc?.();
  const mega = (bytes) => `${Math.round((bytes - before) / 1e6)} MB`;
  console.log(`${what}: ${rows} rows in ${Math.round(performance.now() - began)} ms; the heap grew to ${mega(most)}, and keeps ${mega(process.memoryUsage().heapUsed)}`);
  return steps;
}

const done = (steps, phase) => [...new Set(steps.filter((step) => step.phase === phase).map(({ done, total }) => `${done}/${total}`))];
const parts = Math.ceil(rows / 5000);
const upTo = (i) => Math.min(rows, i * 5000);

test(`${rows} rows go to the server in parts, and to other devices in pages`, async () => {
  const device = open(served);
  await device.write(() => device.batch(Array.from({ length: rows }, (_, i) => device.get("customers").prepareCreate((record) => {
    const fields = { contact_name: `Person ${i}`, company_name: `Company ${i % 997}`, notes: "A note of some sixty characters, as one writes about people.", created_at: i, updated_at: i };
    for (const [column, value] of Object.entries(fields)) record._setRaw(column, value);
  }))));
  const pushed = await timed("push, LokiJS", device);
  assert.deepEqual(done(pushed, "push"), Array.from({ length: parts + 1 }, (_, i) => `${upTo(i)}/${rows}`));
  assert.deepEqual((await syncLog(device)).map(({ pushed, error }) => [pushed, error]), [[rows, null]]);

  const expected = await everything(device);
  for (const [name, adapter] of Object.entries({ LokiJS: loki, SQLite: sqliteIn(":memory:") })) {
    const database = open(served, adapter);
    const pulled = done(await timed(`first pull, ${name}`, database), "pull");
    assert.deepEqual(pulled, ["0/null", ...Array.from({ length: parts - 1 }, (_, i) => `${upTo(i + 1)}/null`), `${rows}/${rows}`]);
    assert.deepEqual(await everything(database), expected);
  }
});
