// The client kit and rows that a real server rejects: the kit calls onRejected, and the rows on the screen
// are the server's after the pull that follows at once. On the self-hosted server, in the root and in
// a space.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { createClient, safeSyncDatabase, structuredSource, syncState } from "../../web/client/dist/index.js";
import { token } from "../doors.mjs";
import { declaredDoors } from "./declared.mjs";
import { open } from "./kit.mjs";

const byRule = "the rules of the table do not let you write this row";
const times = { created_at: "number", updated_at: "number" };
const tables = {
  visits: { owner_id: "string", rating: "number?", status: "string", ...times },
  catalogue: { title: "string?", price: "number", ...times },
};

const door = declaredDoors.wazero();
before(() => door.start());
after(() => door.close());

for (const space of ["", "acme"]) {
  test(`K1 K2 K3 the kit tells of rejected rows, and shows the server's, ${space ? "in a space" : "in the root"}`, async () => {
    const mark = randomUUID().slice(0, 8);
    const sub = `ann.${mark}`;
    const scope = "sync:read sync:write edit";
    const told = [];
    let screen; // the rows when onRejected ran
    const as = (claims) => createClient({ url: door.url, ...(space && { space }), token: () => token(sub, claims) });
    const stored = (id, title) => ({ id: `${id}.${mark}`, title, price: 2, created_at: 1, updated_at: 1 });
    await as(space ? { spaces: { [space]: scope } } : { scope }).sync.push.mutate({
      lastPulledAt: 1, changes: { catalogue: { created: [stored("c1", "stored"), stored("c2", "stored")], updated: [], deleted: [] } },
    });

    const database = open(tables);
    const rows = async () => {
      const list = await Promise.all(Object.keys(tables).map(async (table) => (await database.get(table).query().fetch()).map(({ _raw }) => _raw)));
      return list.flat().filter(({ id }) => id.endsWith(mark)).map(({ id, title, rating, _status }) => [id.slice(0, -mark.length - 1), title ?? rating, _status]).sort();
    };
    const source = structuredSource(as(space ? { spaces: [space] } : {}), {
      onRejected: async (rejections) => {
        told.push(...rejections);
        screen = rows();
      },
    });
    await safeSyncDatabase(database, source);
    assert.deepEqual(await rows(), [["c1", "stored", "synced"], ["c2", "stored", "synced"]]);

    const set = (record, fields) => {
      for (const [column, value] of Object.entries({ updated_at: Date.now(), ...fields })) record._setRaw(column, value);
    };
    await database.write(async () => {
      const [c1, c2] = await Promise.all(["c1", "c2"].map((id) => database.get("catalogue").find(`${id}.${mark}`)));
      await c1.update(() => set(c1, { title: "mine" }));
      await c2.markAsDeleted();
      for (const [id, rating] of [["bad", 9], ["good", 3]]) {
        await database.get("visits").create((record) => {
          record._raw.id = `${id}.${mark}`;
          set(record, { owner_id: sub, rating, status: "lead" });
        });
      }
    });
    const state = await safeSyncDatabase(database, source);
    const want = [
      { table: "catalogue", id: `c1.${mark}`, reason: byRule }, { table: "catalogue", id: `c2.${mark}`, reason: byRule },
      { table: "visits", id: `bad.${mark}`, column: "rating", reason: "it is greater than 5" },
    ];
    const sorted = (list) => list.toSorted((a, b) => (a.table + a.id < b.table + b.id ? -1 : 1));
    assert.deepEqual(sorted(told).map(({ mine, ...rejection }) => rejection), want);
    assert.deepEqual(sorted(told).map(({ mine }) => mine && (mine.title ?? mine.rating)), ["mine", null, 9]);
    assert.deepEqual(sorted(syncState(database).get().rejected), sorted(told));
    assert.deepEqual([state.phase, state.unsynced, state.error], ["idle", 0, null]);
    assert.deepEqual((await screen).map(([id, value]) => [id, value]), [["bad", 9], ["c1", "mine"], ["good", 3]]);
    assert.deepEqual(await rows(), [["c1", "stored", "synced"], ["c2", "stored", "synced"], ["good", 3, "synced"]]);
    await safeSyncDatabase(database, source);
    assert.equal(told.length, 3, "it pushes them again");
  });
}
