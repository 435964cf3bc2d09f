// The kit's documents in a browser's IndexedDB. e2e/clients/documents.test.mjs has those in SQLite.
import { test } from "node:test";
import assert from "node:assert/strict";
import { conformance, typed } from "./documents.mjs";
import { browser } from "./indexeddb.mjs";

conformance("IndexedDB", browser);

const place = { owner: "tidemark,server,ada,", room: "note" };

test("every write waits for the disk", async () => {
  const disk = browser();
  const { write } = disk;
  const seen = [];
  disk.write = (transaction) => (seen.push(transaction.durability), write(transaction));
  const store = disk.storage().open(place);
  await store.load();
  await store.append(typed("a")[0], true);
  await store.saved();
  assert.deepEqual([seen.length > 3, new Set(seen)], [true, new Set(["strict"])]);
});

test("an edit at any moment while another tab takes the last mark has its mark, and so its room is found", async () => {
  for (let moment = 0; moment < 40; moment++) {
    const disk = browser();
    const [one, two] = [disk.storage().open(place), disk.storage().open(place)];
    for (const tab of [one, two]) await tab.load();
    const [a, b] = typed("ab");
    await one.append(a, true);
    const saving = one.saved();
    for (let i = 0; i < moment; i++) await new Promise(setImmediate);
    await Promise.all([saving, two.append(b, true)]);
    assert.deepEqual(await (await disk.restart()).unsaved(place), ["note"], `at moment ${moment}`);
  }
});

test("a tab that takes the last mark leaves the room listed if another tab has begun the next epoch", async () => {
  const disk = browser();
  const [one, two] = [disk.storage().open(place), disk.storage().open(place)];
  for (const tab of [one, two]) await tab.load();
  const [a, b] = typed("ab");
  await one.append(a, true);
  const { indexOf } = one;
  let transactions = 0;
  one.indexOf = (owner) => ({
    run: async (...work) => {
      if (++transactions === 2) await two.append(b, true); // between the document's transaction and the last one of the index
      return indexOf(owner).run(...work);
    },
  });
  await one.saved();
  assert.equal(transactions, 2);
  assert.deepEqual(await (await disk.restart()).unsaved(place), ["note"]);
});

test("a document whose database somebody removed can be saved again", async () => {
  const storage = browser().storage();
  for (let epoch = 0; epoch < 3; epoch++) {
    const store = storage.open(place);
    await store.load();
    await store.append(typed("a")[0], true);
    if (epoch < 2) await store.saved();
    store.close();
  }
  await new Promise((resolve) => (indexedDB.deleteDatabase("tidemark,server,ada,,yjs,note").onsuccess = resolve));
  const store = storage.open(place);
  await store.load();
  await store.append(typed("b")[0], true);
  await store.saved();
  assert.deepEqual(await storage.unsaved(place), []);
});
