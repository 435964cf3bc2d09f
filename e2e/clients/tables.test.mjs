// An app declares its tables in a file, and writes no Go. Real WatermelonDB clients sync a table
// that only this file has, in the root and in a space. Then the app gets a column and a
// table: rows stay, and apps of the older version go on. D1, D3.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { appendFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { doors, root, token } from "../doors.mjs";
import { Client } from "./watermelon.mjs";

// Each version of the app: its tables.toml, the same as the Worker gets it, and the migration
// of D1.
const versions = [
  {
    toml: `version = 1
[visits]
[visits.columns]
owner_id = { type = "string", optional = true }
place = { type = "string", optional = true }
`,
    tables: [{ name: "visits", columns: [{ name: "owner_id", type: "string", optional: true }, { name: "place", type: "string", optional: true }] }],
    sql: `CREATE TABLE visits (id TEXT PRIMARY KEY NOT NULL, owner_id TEXT, place TEXT, created_at INTEGER NOT NULL DEFAULT 0, updated_at INTEGER NOT NULL DEFAULT 0,
      deleted INTEGER NOT NULL DEFAULT 0, stamp INTEGER NOT NULL DEFAULT 0, ahead INTEGER, outcome INTEGER);
      CREATE INDEX visitsByStamp ON visits (stamp, id);`,
  },
  {
    toml: `version = 2
[visits]
[visits.columns]
owner_id = { type = "string", optional = true }
place = { type = "string", optional = true }
rating = { type = "number", default = 3, since = 2 }
[tags]
since = 2
columns.title = { type = "string" }
`,
    tables: [
      { name: "visits", columns: [{ name: "owner_id", type: "string", optional: true }, { name: "place", type: "string", optional: true }, { name: "rating", type: "number", default: 3, since: 2 }] },
      { name: "tags", since: 2, columns: [{ name: "title", type: "string" }] },
    ],
    sql: `ALTER TABLE visits ADD COLUMN rating REAL DEFAULT 3e+00;
      CREATE TABLE tags (id TEXT PRIMARY KEY NOT NULL, title TEXT DEFAULT '', created_at INTEGER NOT NULL DEFAULT 0, updated_at INTEGER NOT NULL DEFAULT 0,
      deleted INTEGER NOT NULL DEFAULT 0, stamp INTEGER NOT NULL DEFAULT 0, ahead INTEGER, outcome INTEGER);
      CREATE INDEX tagsByStamp ON tags (stamp, id);`,
  },
];

// How each host gets a version: from the file, or as a variable and a migration.
const declare = {
  wazero: (door, { toml }) => writeFileSync(path.join(door.dir, "app.toml"), toml),
  wrangler: (door, { tables, sql }) => {
    const file = path.join(door.dir, "tables.sql");
    writeFileSync(file, sql);
    appendFileSync(path.join(door.dir, "dev.vars"), `TABLES='${JSON.stringify({ version: versions.findIndex((v) => v.sql === sql) + 1, tables })}'\n`);
    execFileSync("wrangler", ["d1", "execute", "DB", "--local", "--persist-to", door.dir, "--file", file, "--yes"], {
      cwd: root, env: { ...process.env, CI: "1", WRANGLER_SEND_METRICS: "false", CLOUDFLARE_CF_FETCH_ENABLED: "false" }, stdio: "pipe",
    });
  },
};

const served = { visits: { owner_id: "string", place: "string" } };

for (const [name, open] of Object.entries(doors)) {
  describe(`on ${name}`, { timeout: 600_000 }, () => {
    const door = open();
    const { prepare, command } = door;
    door.prepare = (door) => (prepare(door), declare[name](door, versions[0]));
    if (name === "wazero") door.command = (door) => [...command(door), "--tables", path.join(door.dir, "app.toml")];
    before(() => door.start());
    after(() => door.close());

    const places = ["", "acme"].map((space) => {
      const url = () => door.url + (space && `/s/${space}`);
      const client = (sub) => new Client(url(), token(sub, space && { spaces: [space] }), { tables: served });
      return { where: space || "the root", client };
    });

    test("D1 clients sync a table that only the file declares, in the root and in a space", async () => {
      for (const place of places) {
        const [a, b] = (place.clients = ["a", "b"].map(place.client));
        await a.sync();
        place.visit = await a.create("visits", { owner_id: "a", place: "Rome" });
        await a.sync();
        await b.sync();
        assert.deepEqual(await b.rows("visits"), await a.rows("visits"), place.where);
        assert.equal((await b.rows("visits")).length, 1);
        const { changes } = await a.pull({ lastPulledAt: null });
        assert.deepEqual(Object.keys(changes), ["visits"], `${place.where} has the tables of the seed`);
        const other = { customers: { created: [{ id: "c", updated_at: 1 }], updated: [], deleted: [] } };
        await assert.rejects(a.trpc.sync.push.mutate({ changes: other, lastPulledAt: 1 }), /no such table/);
      }
    });

    test("D3 a new column and a new table are there after the next start, and rows stay", async () => {
      await door.stop();
      declare[name](door, versions[1]);
      await door.start();
      for (const { where, clients: [a, b], visit } of places) {
        await b.update("visits", visit.id, { place: "Paris" });
        await b.sync();
        await a.sync();
        assert.deepEqual((await a.rows("visits")).map((row) => row.place), ["Paris"], where);
        const { changes, timestamp } = await a.pull({ lastPulledAt: null, schemaVersion: 2 });
        assert.deepEqual(changes.visits.updated.map(({ id, place, rating }) => ({ id, place, rating })), [{ id: visit.id, place: "Paris", rating: 3 }], where);
        assert.deepEqual(changes.tags, { created: [], updated: [], deleted: [] });
        const tags = { created: [], updated: [{ id: "t", title: "far", created_at: 1, updated_at: 1 }], deleted: [] };
        const visits = { created: [], updated: [{ ...changes.visits.updated[0], rating: 5, updated_at: Date.now() }], deleted: [] };
        await a.trpc.sync.push.mutate({ changes: { tags, visits }, lastPulledAt: timestamp });
        const later = await b.pull({ lastPulledAt: timestamp, schemaVersion: 2 });
        assert.deepEqual([later.changes.tags.updated[0].title, later.changes.visits.updated[0].rating], ["far", 5], where);
        await a.sync();
        assert.deepEqual((await a.rows("visits")).map((row) => row.rating), [undefined], `${where}: an app of version 1 got what it does not know`);
      }
    });
  });
}
