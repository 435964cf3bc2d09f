// The client kit and rows that a real server rejects: the kit calls onRejected, and the rows on the screen
// are the server's after the pull that follows at once. On the self-hosted server, in the root and in
// a space.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import { createClient, safeSyncDatabase, structuredSource, syncState } from "../../web/client/dist/index.js";
import { root, token } from "../doors.mjs";
import { declaredDoors } from "./declared.mjs";

const require = createRequire(`${root}/web/client/dist/index.js`); // the kit's WatermelonDB
const { Database, Model, appSchema, tableSchema } = require("@nozbe/watermelondb");
const LokiJSAdapter = require("@nozbe/watermelondb/adapters/lokijs").default;
const { LokiMemoryAdapter } = require("lokijs");
require("@nozbe/watermelondb/utils/common/logger").default.silence();

const byRule = "the rules of the table do not let you write this row";
const times = [{ name: "created_at", type: "number" }, { name: "updated_at", type: "number" }];
const columns = {
  visits: [{ name: "owner_id", type: "string" }, { name: "rating", type: "number", isOptional: true }, { name: "status", type: "string" }],
  catalogue: [{ name: "title", type: "string", isOptional: true }, { name: "price", type: "number" }],
};

function open() {
  const adapter = new LokiJSAdapter({
    schema: appSchema({ version: 1, tables: Object.entries(columns).map(([name, some]) => tableSchema({ name, columns: [...some, ...times] })) }),
    useWebWorker: false, useIncrementalIndexedDB: true, dbName: randomUUID(), extraLokiOptions: { autosave: false, adapter: new LokiMemoryAdapter() },
  });
  return new Database({ adapter, modelClasses: Object.keys(columns).map((name) => class extends Model { static table = name; }) });
}

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

    const database = open();
    const rows = async () => {
      const list = await Promise.all(Object.keys(columns).map(async (table) => (await database.get(table).query().fetch()).map(({ _raw }) => _raw)));
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
    assert.deepEqual(sorted(told), want);
    assert.deepEqual(sorted(syncState(database).get().rejected), want);
    assert.deepEqual([state.phase, state.unsynced, state.error], ["idle", 0, null]);
    assert.deepEqual((await screen).map(([id, value]) => [id, value]), [["bad", 9], ["c1", "mine"], ["good", 3]]);
    assert.deepEqual(await rows(), [["c1", "stored", "synced"], ["c2", "stored", "synced"], ["good", 3, "synced"]]);
    await safeSyncDatabase(database, source);
    assert.equal(told.length, 3, "it pushes them again");
  });
}
