// What a storage of documents guarantees, as tests that run on each. A disk is where a storage writes to:
//   storage()   returns the storage, as after a start of the app
//   writes      how many writes there have been
//   fail(n)     the n-th write from now fails, once, as when the disk is full
//   kill(n)     the app is killed at the n-th write from now: neither it nor a later one happens
//   restart()   begins the app again on what the disk has
import { test } from "node:test";
import assert from "node:assert/strict";
import * as Y from "yjs";
import { dice } from "../../../e2e/dice.mjs";

const place = { owner: "tidemark,server,ada,", room: "note/1" };

/** Returns the updates of a document into which somebody types a text, letter by letter. */
export function typed(text) {
  const doc = new Y.Doc();
  const updates = [];
  doc.on("update", (update) => updates.push(update));
  for (const letter of text) doc.getText("t").insert(doc.getText("t").length, letter);
  return updates;
}

function textOf(updates) {
  const doc = new Y.Doc();
  for (const update of updates) Y.applyUpdate(doc, update);
  return doc.getText("t").toString();
}

const sorted = (list) => [...list].sort();

// merged is what the keeper makes of updates.
function merged(updates) {
  const doc = new Y.Doc();
  for (const update of updates) Y.applyUpdate(doc, update);
  return Y.encodeStateAsUpdate(doc);
}

async function stored(storage, where = place) {
  const store = storage.open(where);
  const { updates, unsaved } = await store.load();
  store.close();
  return { text: textOf(updates), count: updates.length, unsaved, listed: (await storage.unsaved(where)).includes(where.room) };
}

/** Adds the tests of a storage. `disk` returns a new disk. */
export function conformance(name, disk) {
  const it = (what, run) => test(`${name}: ${what}`, async () => {
    const on = disk();
    await run(on.storage(), on);
  });

  it("updates come back in their order, and owners and rooms do not mix", async (storage) => {
    const others = [{ ...place, owner: "tidemark,server,bob," }, { ...place, room: "note%2F1" }];
    const store = storage.open(place);
    assert.deepEqual(await store.load(), { updates: [], unsaved: false });
    const updates = typed("hello");
    for (const update of updates) await store.append(update, false);
    const again = await storage.open(place).load();
    assert.deepEqual(again.updates.map((update) => [...update]), updates.map((update) => [...update]));
    for (const other of others) assert.deepEqual((await storage.open(other).load()).updates, []);
    assert.deepEqual(await storage.unsaved(place), []);
  });

  it("a room with an edit that the disk did not take is known as unsaved", async (storage, on) => {
    const store = storage.open(place);
    await store.load();
    const [a] = typed("a");
    on.fail(1);
    await assert.rejects(store.append(a, true));
    assert.deepEqual([[...storage.unsavedNow(place.owner)], await storage.unsaved(place)], [["note/1"], ["note/1"]]);
    await store.append(a, true);
    await store.saved();
    assert.deepEqual([[...storage.unsavedNow(place.owner)], await storage.unsaved(place)], [[], []]);
  });

  it("an edit marks its room until it is saved, also after a restart", async (storage, on) => {
    const store = storage.open(place);
    await store.load();
    const [a, b] = typed("ab");
    await store.append(a, true);
    assert.deepEqual([await storage.unsaved(place), [...storage.unsavedNow(place.owner)]], [["note/1"], ["note/1"]]);
    assert.deepEqual(await storage.unsaved({ owner: "tidemark,server,bob," }), []);
    await store.saved();
    assert.deepEqual([await storage.unsaved(place), [...storage.unsavedNow(place.owner)]], [[], []]);
    await store.append(b, true);
    const later = await on.restart();
    assert.deepEqual(await stored(later), { text: "ab", count: 2, unsaved: true, listed: true });
    assert.deepEqual([...later.unsavedNow(place.owner)], ["note/1"]);
    const next = later.open(place);
    await next.load();
    await next.saved();
    assert.deepEqual(await stored(later), { text: "ab", count: 2, unsaved: false, listed: false });
  });

  it("a room takes the marks of what it knows, and not those of another room's edits", async (storage) => {
    const [one, two] = [storage.open(place), storage.open(place)];
    await one.load();
    await two.load();
    await one.append(typed("a")[0], true);
    await two.append(typed("b")[0], true);
    await one.saved();
    assert.equal((await stored(storage)).listed, true);
    await two.saved();
    assert.equal((await stored(storage)).listed, false);
    await one.append(typed("c")[0], true);
    await two.saved();
    assert.deepEqual([(await stored(storage)).listed, [...storage.unsavedNow(place.owner)]], [true, ["note/1"]]);
  });

  it("compaction makes one update, keeps the marks, and returns what others appended", async (storage) => {
    const [one, two] = [storage.open(place), storage.open(place)];
    await one.load();
    await two.load();
    for (const update of typed("one")) await one.append(update, false);
    assert.deepEqual(await one.compact(4, merged), [], "not before");
    assert.equal((await stored(storage)).count, 3);
    const [, ...rest] = [...typed("two")];
    for (const update of typed("two")) await two.append(update, true);
    assert.equal(rest.length, 2);
    const others = await one.compact(4, merged);
    assert.equal(textOf(others), "two");
    const now = await stored(storage);
    assert.deepEqual([now.count, now.text.length, now.unsaved, now.listed], [1, 6, true, true]);
    await two.saved();
    assert.equal((await stored(storage)).listed, true, "two does not know all that is in it");
    await one.saved();
    assert.equal((await stored(storage)).listed, false);
    await two.append(typed("!")[0], true);
    assert.deepEqual((await one.compact(2, merged)).length, 1);
    assert.equal((await stored(storage)).text.length, 7);
  });

  it("an owner's documents and marks can be removed", async (storage) => {
    const bob = { ...place, owner: "tidemark,server,bob," };
    for (const where of [place, bob]) {
      const store = storage.open(where);
      await store.load();
      await store.append(typed("x")[0], true);
      store.close();
    }
    await storage.remove(place.owner);
    assert.deepEqual(await stored(storage), { text: "", count: 0, unsaved: false, listed: false });
    assert.deepEqual([...storage.unsavedNow(place.owner)], []);
    assert.equal((await stored(storage, bob)).listed, true);
  });

  // What an app does with a note, in one session.
  async function session(storage, progress) {
    const store = storage.open(place);
    progress.loaded = await store.load();
    const doc = new Y.Doc();
    for (const update of progress.loaded.updates) Y.applyUpdate(doc, update);
    for (let i = 0; i < 6; i++) {
      const before = Y.encodeStateVector(doc);
      doc.getText("t").insert(0, String(i));
      const update = Y.encodeStateAsUpdate(doc, before);
      await store.append(update, i !== 2);
      progress.appended.push(String(i));
      if (i === 3) {
        progress.saved = [...progress.appended]; // the server has them
        await store.saved();
      }
      if (i === 4) await store.compact(3, merged);
    }
    store.close();
  }

  it("a kill at any write loses no stored edit, and no mark of one", async () => {
    const quiet = disk();
    await session(quiet.storage(), { appended: [] });
    assert.ok(quiet.writes >= 8);
    for (let n = 1; n <= quiet.writes + 1; n++) {
      const on = disk();
      const storage = on.storage();
      const progress = { appended: [], saved: [] };
      on.kill(n);
      await Promise.race([session(storage, progress), on.killed]);
      const after = await stored(await on.restart());
      for (const letter of progress.appended) assert.ok(after.text.includes(letter), `killed at write ${n}: ${letter} is lost`);
      const unsaved = [...after.text].filter((letter) => letter !== "2" && !progress.saved.includes(letter));
      if (unsaved.length > 0) assert.deepEqual([after.unsaved, after.listed], [true, true], `killed at write ${n}: ${unsaved} has no mark`);
    }
  });

  it("after a write that fails the same store goes on, and nothing is lost", async () => {
    const quiet = disk();
    await session(quiet.storage(), { appended: [] });
    for (let n = 1; n <= quiet.writes; n++) {
      const on = disk();
      const storage = on.storage();
      const store = storage.open(place);
      on.fail(n);
      const again = async (work) => {
        for (let failures = 0; ; failures++) {
          try {
            return await work();
          } catch (error) {
            assert.match(String(error), /full|Quota/);
            assert.equal(failures, 0, "one write failed");
          }
        }
      };
      await again(() => store.load());
      for (const update of typed("hello")) await again(() => store.append(update, true));
      await again(() => store.compact(3, merged));
      assert.deepEqual([(await stored(storage)).text, (await stored(storage)).listed], ["hello", true]);
      await again(() => store.saved());
      await again(() => store.saved());
      const after = await stored(await on.restart());
      assert.deepEqual([after.text, after.listed], ["hello", false], `the failure of write ${n}`);
    }
  });

  // Some rooms of one document, each doing one thing at a time, beside the others.
  it("rooms of one document that store at once lose nothing, at random", async () => {
    for (let seed = 1; seed <= Number(process.env.DOCUMENT_SEEDS ?? 20); seed++) {
      const on = disk();
      const storage = on.storage();
      const random = dice(seed);
      const all = [];
      const rooms = Array.from({ length: 3 }, (_, i) => ({ store: storage.open(place), name: "abc"[i], loaded: false, mine: [], covered: [] }));
      const acknowledged = new Set();
      const step = async (room, n) => {
        if (!room.loaded) {
          const { updates } = await room.store.load();
          room.loaded = true;
          room.covered.push(...textOf(updates));
          return;
        }
        const action = random();
        if (action < 0.6) {
          const letter = String.fromCodePoint(0x4e00 + all.length);
          all.push(letter);
          await room.store.append(typed(letter)[0], true);
          room.covered.push(letter);
        } else if (action < 0.8) {
          for (const letter of room.covered) acknowledged.add(letter);
          await room.store.saved();
        } else room.covered.push(...textOf(await room.store.compact(2 + (n % 4), merged)));
      };
      await Promise.all(rooms.map(async (room) => {
        for (let n = 0; n < 12; n++) await step(room, n);
      }));
      const after = await stored(await on.restart());
      assert.deepEqual(sorted(after.text), sorted(all), `seed ${seed}`);
      if (all.some((letter) => !acknowledged.has(letter))) assert.equal(after.listed, true, `seed ${seed}: the mark is lost`);
      assert.equal(after.listed, after.unsaved, `seed ${seed}`);
    }
  });
}
