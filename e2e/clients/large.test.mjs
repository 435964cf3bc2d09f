// Large offline work with the client kit and a real server that takes small pushes. The network loses requests and
// responses, and the app is killed, at random points of the pushes; it starts again with the same database, and the person goes on
// editing. Nothing is lost, nothing that the kit knows to be taken is pushed again, and parents arrive before
// children. LARGE_SEEDS is the number of seeds, LARGE_SEED the first one.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { callJson, createClient, edit, safeSyncDatabase, structuredSource, syncLog, syncState } from "../../web/client/dist/index.js";
import { projectSource } from "../../web/client/dist/projects.js";
import { refuseSync } from "../../web/client/dist/safe-sync.js";
import { doors, token } from "../doors.mjs";
import { dice } from "./faults.mjs";
import { everything, loki, open, served, sqliteIn } from "./kit.mjs";

const first = Number(process.env.LARGE_SEED ?? 1);
const seeds = Number(process.env.LARGE_SEEDS ?? 4);
const limit = 60; // rows of a push
const never = () => new Promise(() => {});

const door = doors.wazero({ LIMIT_PUSH_ROWS: `${limit}`, LIMIT_PUSH_IDS: `${limit / 2}` });
before(() => door.start());
after(() => door.close());

const { fetch } = globalThis;
const networks = new Map(); // by the space of a device
globalThis.fetch = (url, init) => (networks.get(/\/s\/([^/]+)/.exec(url)?.[1]) ?? fetch)(url, init);
const sourceIn = (space, events) => structuredSource(createClient({ url: door.url, space, token: () => token("ann", { spaces: [space] }) }), events);

// A Device is an app with offline work in a space of its own. It has a network of which the test cuts single requests.
class Device {
  heard = new Map(); // the rows and deletions whose push the kit knows to be taken: JSON by table and id
  known = new Set(); // the ids that the server has, or that the device deleted
  losses = [];
  generation = 0; // one more after each kill
  made = 0;

  constructor(seed) {
    this.space = `seed-${seed}`;
    this.random = dice(seed);
    this.dir = mkdtempSync(path.join(tmpdir(), "tidemark-large-"));
    this.canRestart = seed % 2 === 1; // LokiJS has its rows in memory
    this.start(this.canRestart ? sqliteIn(path.join(this.dir, "app.db")) : loki);
  }

  start(adapter) {
    this.adapter = adapter;
    this.database = open(served, adapter);
    this.source = sourceIn(this.space, { onSuperseded: (losses) => this.losses.push(...losses) });
  }

  // kill ends the app: its database and its network take nothing more.
  kill() {
    this.generation++;
    Object.assign(this.database.adapter, { batch: never, destroyDeletedRecords: never, setLocal: never });
    this.die();
    throw new Error("killed");
  }

  async sync(fault) {
    const requests = fault ? this.random(6) : Infinity; // before the one that fails
    const { generation } = this;
    const killed = new Promise((resolve) => (this.die = resolve));
    let count = 0;
    networks.set(this.space, async (url, init) => {
      if (generation !== this.generation) return never();
      if (this.random(4) === 0) await this.edit();
      const cut = count++ === requests ? fault : undefined;
      if (cut === "lost") throw new TypeError("the network failed");
      if (cut === "killed before") this.kill();
      const response = await fetch(url, init);
      const text = await response.text();
      this.arrived(response, init, cut === undefined);
      if (cut === "unheard") throw new TypeError("the network failed");
      if (cut === "killed after") this.kill();
      return new Response(text, response);
    });
    const done = safeSyncDatabase(this.database, this.source);
    const state = await Promise.race([done, killed]);
    if (state === undefined) this.start(this.adapter);
    else if (state.error) assert.match(state.error.message, /network failed/);
    return state;
  }

  // arrived checks a push that the server took. heard says whether the kit gets the response.
  arrived(response, { method, body }, heard) {
    if (method !== "POST" || !response.ok) return assert.ok(response.ok || response.status === 413, `${response.status}`);
    const { changes } = JSON.parse(body);
    const pushed = Object.entries(changes).flatMap(([table, { created, updated, deleted }]) => [
      ...[...created, ...updated].map(({ _status, _changed, ...row }) => [`${table} ${row.id}`, JSON.stringify(row)]),
      ...deleted.map((id) => [`${table} ${id}`, "deleted"]),
    ]);
    for (const [key, text] of pushed) assert.notEqual(this.heard.get(key), text, `${key} is pushed again`);
    if (heard) for (const [key, text] of pushed) this.heard.set(key, text);
    const rows = Object.values(changes).flatMap(({ created, updated }) => [...created, ...updated]);
    for (const { id } of rows) this.known.add(id);
    for (const { id, notes, image } of rows) {
      const parent = notes ?? image;
      if (parent) assert.ok(this.known.has(parent), `${id} arrives before ${parent}`);
    }
  }

  // work makes rows that refer to rows of their own table and of the other one.
  async work(rows) {
    const made = { customers: [], products: [] };
    await this.database.write(() => this.database.batch(Array.from({ length: rows }, () => {
      const table = this.random(3) ? "products" : "customers";
      const parents = made[this.random(2) ? table : "customers"];
      return this.database.get(table).prepareCreate((record) => {
        record._raw.id = `row-${this.made++}`;
        if (parents.length > 0) record._setRaw(table === "customers" && parents === made.customers ? "notes" : "image", parents[this.random(parents.length)]);
        for (const column of ["created_at", "updated_at"]) record._setRaw(column, Date.now());
        made[table].push(record.id);
      });
    })));
  }

  // edit changes or deletes some rows, as a person does meanwhile.
  async edit(rows = 2) {
    for (let i = 0; i < rows; i++) {
      const table = this.random(2) ? "customers" : "products";
      const all = await this.database.get(table).query().fetch();
      if (all.length === 0) continue;
      const record = all[this.random(all.length)];
      const column = table === "customers" ? "company_name" : "title";
      const deletes = this.random(5) === 0;
      await this.database.write(() => (deletes ? record.markAsDeleted() : edit(record, (r) => r._setRaw(column, `edit ${this.made++}`))));
      if (deletes) this.known.add(record.id);
    }
  }
}

for (let seed = first; seed < first + seeds; seed++) {
  test(`large offline work that is cut at random points loses nothing: seed ${seed}`, async () => {
    const device = new Device(seed);
    try {
      const faults = ["lost", "unheard", ...(device.canRestart ? ["killed before", "killed after"] : [])];
      for (const rows of [400, 150]) {
        await device.work(rows);
        await device.edit(40);
        for (let cuts = 0; cuts < 6; cuts++) await device.sync(faults[device.random(faults.length)]);
      }
      let state = await device.sync();
      for (let more = 0; more < 9 && state.unsynced > 0; more++) state = await device.sync(); // it edits while it syncs
      assert.deepEqual([state.phase, state.unsynced, state.error, device.losses], ["idle", 0, null, []]);

      const fresh = open(served);
      networks.delete(device.space);
      assert.equal((await safeSyncDatabase(fresh, sourceIn(device.space))).error, null);
      assert.deepEqual(await everything(fresh), await everything(device.database));
      const log = await syncLog(device.database);
      assert.ok(log.length > 3 && log.some(({ pushed }) => pushed > 0) && log[0].error === null);
    } finally {
      refuseSync(device.database, new Error("the test is over")); // ends the attempts of a sync that failed
      rmSync(device.dir, { recursive: true });
    }
  });
}

test("a row that is larger than a row may be ends the push with its name, after the parts before it", async () => {
  const database = open(served);
  const create = (table, fields) => database.write(() => database.get(table).create((record) => {
    for (const [column, value] of Object.entries({ created_at: 1, updated_at: 1, ...fields })) record._setRaw(column, value);
  }));
  for (let i = 0; i < 3; i++) await create("customers", { contact_name: `${i}` });
  const { id } = await create("products", { description: "x".repeat(1_000_000) });
  const { phase, error } = await safeSyncDatabase(database, { ...sourceIn("large"), limits: { rows: 2, units: 4_000_000 } });
  assert.equal(phase, "refused");
  assert.match(error.message, new RegExp(`products.*${id}|${id}.*products`));
  assert.equal(syncState(database).get().unsynced, 2);
});

test("Projects 5: a tree of more tasks than one upload takes goes up in parts, each parent before its children", async () => {
  const server = { url: door.url, token: () => token("planner") };
  const { id } = await callJson(server, "POST", "/api/v1/projects/", { name: "A large one" });
  const tables = { tasks: { name: "string", parent_id: "string?", server_version: "number" } };
  const database = open(tables);
  await database.write(() => database.batch(Array.from({ length: 1_200 }, (_, n) => database.get("tasks").prepareCreate((record) => {
    const i = (n * 7) % 1_200; // some children before their parents, in whichever order the database lists them
    record._raw.id = `task-${i}`;
    record._setRaw("name", `Task ${i}`);
    if (i > 0) record._setRaw("parent_id", `task-${Math.floor((i - 1) / 3)}`);
  }))));
  const { error, unsynced } = await safeSyncDatabase(database, projectSource(server, id));
  assert.deepEqual([error, unsynced], [null, 0]);
  const fresh = open(tables);
  await safeSyncDatabase(fresh, projectSource(server, id));
  const { tasks } = await everything(fresh);
  assert.equal(tasks.length, 1_200);
  assert.ok(tasks.every(({ parent_id, id }) => (parent_id === null) === (id === "task-0")));
});
