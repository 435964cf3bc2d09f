// What an operator changes by PATCH and DELETE /sync/row, as WatermelonDB clients see it at their next synchronization. On the
// self-hosted server, in the root and in a space.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { createClient, safeSyncDatabase, structuredSource } from "../../web/client/dist/index.js";
import { token } from "../doors.mjs";
import { declaredDoors } from "./declared.mjs";
import { open } from "./kit.mjs";

const tables = { visits: { owner_id: "string", rating: "number?", note: "string?", status: "string", created_at: "number", updated_at: "number" } };

const door = declaredDoors.wazero();
before(() => door.start());
after(() => door.close());

for (const space of ["", "acme"]) {
  test(`X5 X6 U5 c1 clients take what an operator changed, and offline edits meet it, ${space ? "in a space" : "in the root"}`, async () => {
    const mark = randomUUID().slice(0, 8);
    const sub = `ann.${mark}`;
    const claims = space ? { spaces: { [space]: "sync:read sync:write" } } : { scope: "sync:read sync:write" };
    const operator = token("ops", space ? { spaces: { [space]: "sync:admin sync:write" } } : { scope: "sync:admin sync:write" });
    const id = (name) => `${name}.${mark}`;
    const change = async (method, name, set) => {
      const answer = await fetch(`${door.url}${space && `/s/${space}`}/sync/row?table=visits&id=${id(name)}`, {
        method, headers: { authorization: `Bearer ${operator}` }, ...(set && { body: JSON.stringify({ set }) }),
      });
      const row = await answer.json();
      assert.equal(answer.status, 200, JSON.stringify(row));
      return row;
    };
    const device = () => {
      const database = open(tables);
      const source = structuredSource(createClient({ url: door.url, ...(space && { space }), token: () => token(sub, claims) }));
      return {
        sync: async () => {
          const { error, unsynced } = await safeSyncDatabase(database, source);
          assert.deepEqual([error, unsynced], [null, 0]);
        },
        rows: async () => (await database.get("visits").query().fetch()).map(({ _raw: { id, rating, note } }) => [id.slice(0, -mark.length - 1), rating, note]).sort(),
        edit: (name, fields) => database.write(async () => {
          const record = await database.get("visits").find(id(name));
          await record.update(() => Object.entries(fields).forEach(([column, value]) => record._setRaw(column, value)));
        }),
        create: (name) => database.write(() => database.get("visits").create((record) => {
          record._raw.id = id(name);
          for (const [column, value] of Object.entries({ owner_id: sub, rating: 1, note: "old", status: "lead", created_at: 1, updated_at: Date.now() })) record._setRaw(column, value);
        })),
      };
    };
    const [one, two] = [device(), device()];
    for (const name of ["a", "b", "c", "gone"]) await one.create(name);
    await one.sync();
    await two.sync();

    const { row: edited } = await change("PATCH", "a", { rating: 5 });
    const { row: later } = await change("PATCH", "b", { rating: 5 });
    await change("PATCH", "c", { rating: 5 });
    await change("DELETE", "gone");
    // Offline, of one column each, as WatermelonDB merges by columns: before the operator's edit, and after it.
    await two.edit("a", { note: "two", updated_at: edited.updated_at - 1 });
    await two.edit("b", { rating: 2, updated_at: later.updated_at + 1 });
    await two.edit("gone", { note: "two", updated_at: later.updated_at + 1 });
    await one.sync();
    assert.deepEqual(await one.rows(), [["a", 5, "old"], ["b", 5, "old"], ["c", 5, "old"]]);
    await two.sync();
    await one.sync();
    const want = [["a", 5, "two"], ["b", 2, "old"], ["c", 5, "old"]];
    assert.deepEqual(await two.rows(), want);
    assert.deepEqual(await one.rows(), want);
  });
}
