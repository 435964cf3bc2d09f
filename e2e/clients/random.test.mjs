// Random edits and faults: real WatermelonDB clients of both adapters, with wrong clocks
// and a bad network, end equal and lose no edit. CLIENT_SEEDS is the number of seeds on
// each host, CLIENT_SEED the first one.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { doors, token } from "../doors.mjs";
import { Causes } from "./causes.mjs";
import { dice, faults, FaultyDevice, hear } from "./faults.mjs";
import { Ledger } from "./ledger.mjs";
import { Model, sumOf, tables, values } from "./model.mjs";
import { sqlite } from "./sqlite.mjs";
import { Client, complaints, loki, schema } from "./watermelon.mjs";

const first = Number(process.env.CLIENT_SEED ?? 1);
const few = { wrangler: 3, wazero: 8 }; // about ten seconds each
const steps = 60;

const hour = 3_600_000;
const skews = [0, 0, 2_000, -4_000, -hour / 2, -hour, hour / 6, hour];
const texts = [
  null, "", "null", "plain", "it's \"quoted\" \\ `so`", "😀 👩‍👩‍👧 é é ﷽", "\u0001\b\t\n\v\f\r\u001b\u001f\u007f\u0085\u2028\u2029\ufeff",
  "</script><!-- %s ${x} {{y}} --", "'); DROP TABLE Customers; --", "lang ".repeat(4000),
];
const numbers = [null, 0, -1, 19.9, 0.1 + 0.2, 2 ** 53 - 1, -12345.678, 1e15];

// A Replica is a device and its random edits.
class Replica extends FaultyDevice {
  constructor(world, index) {
    super(world, index);
    this.name = "ABCD"[index];
    this.skew = this.pick(skews);
    this.coarse = this.random(4) === 0; // its clock shows whole minutes
    this.untouched = this.random(4) === 0; // it never sets updated_at
    this.now = 0;
    this.created = 0;
    const options = { limit: this.pick([undefined, 2, 5]), batch: this.random(2) === 0, adapter: index < 2 ? loki : sqlite };
    world.tell(`${this.name}: ${index < 2 ? "loki" : "sqlite"}, skew ${this.skew}${this.coarse ? ", coarse" : ""}${this.untouched ? ", untouched" : ""}, limit ${options.limit}, batch ${options.batch}`);
    this.client = new Client(world.url, token(this.name), {
      ...options, clock: () => this.clock(), fetch: (url, init) => this.fetch(url, init) });
  }

  clock() {
    if (this.untouched) return 0;
    const now = Date.now() + this.skew;
    return (this.now = this.coarse ? now - (now % 60_000) : Math.max(now, this.now + 1));
  }

  async edit() {
    const table = this.pick(tables);
    const rows = (await this.client.rows(table)).filter(({ id }) => !id.includes("own") || id.endsWith(this.name));
    const what = rows.length > 0 ? this.random(15) : 0;
    if (what < 4) return this.create(table, rows);
    const { id } = this.pick(rows);
    if (what < 6) {
      await this.client.remove(table, id);
      this.world.ledger.removed(table, id);
      this.world.tell(`${this.name} deletes ${id}`);
    } else {
      await this.write(table, id);
    }
  }

  // create creates a row of one of three kinds: a row that only this device edits, a row
  // that all edit, or a row with an id that other devices may create, too.
  async create(table, rows) {
    const id = `s${this.world.seed}-${[this.random(6), `${this.created++}${this.name}`, `${this.created++}own${this.name}`][this.random(3)]}`;
    if (rows.some((row) => row.id === id)) return this.write(table, id);
    if ((await this.client.database.adapter.getDeletedRecords(table)).includes(id)) return;
    const { _raw } = await this.client.create(table, { id, ...this.fields(table) });
    const { id: _, _status, _changed, updated_at, ...columns } = _raw;
    this.world.ledger.wrote(this, table, id, columns);
    this.world.tell(`${this.name} creates ${table} ${JSON.stringify(_raw)}`);
  }

  async write(table, id) {
    const fields = this.fields(table);
    await this.client.update(table, id, fields);
    this.world.ledger.wrote(this, table, id, fields);
    this.world.tell(`${this.name} at ${this.now} writes ${id} ${JSON.stringify(fields)}`);
  }

  // fields returns random values for at least one column of a table.
  fields(table) {
    const columns = schema.tables[table].columnArray.slice(0, -2);
    const some = columns.filter(() => this.random(3) === 0);
    const value = ({ type }) => {
      if (type === "number") return this.pick(numbers);
      const text = this.pick(texts);
      return text && this.random(2) ? text + this.random(1000) : text;
    };
    return Object.fromEntries((some.length ? some : [this.pick(columns)]).map((column) => [column.name, value(column)]));
  }
}

// A World is the run of one seed.
class World {
  story = [];
  model = new Model();
  ledger = new Ledger();
  causes = new Causes();
  late = []; // requests that the network delays
  pushes = []; // all that the server accepted
  turn = Promise.resolve();

  constructor(url, seed) {
    Object.assign(this, { url, seed, random: dice(seed * 16) });
    this.replicas = [0, 1, 2, 3].map((index) => new Replica(this, index));
  }

  tell(line) {
    this.story.push(line.replace(/(lang ){9,}/g, "lang…"));
  }

  // deliver sends a request to the server, one push at a time.
  deliver(url, init) {
    if (init.method !== "POST") return hear(url, init);
    const done = this.turn.then(() => this.push(url, init));
    this.turn = done.catch(() => {});
    return done;
  }

  async push(url, init) {
    const answer = await hear(url, init);
    const [{ result }] = [await answer.clone().json()].flat();
    const input = JSON.parse(init.body);
    const superseded = Object.entries(result.data.superseded).map(([table, ids]) => [table, ids.sort()]);
    this.pushes.push([url, init]);
    assert.deepEqual(Object.fromEntries(superseded), this.model.push(input[0] ?? input, Date.now(), result.data.timestamp), "the ids in superseded");
    this.causes.pushed(input[0] ?? input, result.data);
    return answer;
  }

  async step() {
    const replica = this.replicas[this.random(this.replicas.length)];
    const what = this.random(20);
    if (what < 8) {
      await replica.edit();
    } else if (what < 16) {
      await replica.sync(this.random(2) ? Object.keys(faults)[this.random(5)] : undefined);
    } else if (what < 18) {
      this.tell("all sync at once:");
      this.crowded = true;
      await Promise.all(this.replicas.map((r) => r.sync()));
      this.crowded = false;
    } else if (this.late.length > 0) {
      this.tell("a late request arrives");
      const [deliver] = this.late.splice(this.random(this.late.length), 1);
      await deliver();
    }
  }

  // compare checks a replica that has just pulled, unless others push meanwhile. Without
  // its own changes it must have the rows of the model.
  async compare({ client, name }) {
    if (this.crowded) return;
    for (const [table, rows] of Object.entries(this.model.everything())) {
      const changed = new Set(await client.database.adapter.getDeletedRecords(table));
      for (const { _raw } of await client.database.get(table).query().fetch()) if (_raw._status !== "synced") changed.add(_raw.id);
      const unchanged = (list) => list.filter(({ id }) => !changed.has(id));
      assert.deepEqual(unchanged(await client.rows(table)), unchanged(rows), `${name} and what the server must have`);
    }
  }

  // settle ends the faults: the delayed requests arrive, and all replicas sync.
  async settle() {
    this.settling = true;
    this.tell("the network is healed");
    for (const deliver of this.late) await deliver();
    for (const round of [0, 1, 2]) {
      for (const replica of this.replicas) {
        await replica.sync();
        const { pulled, pushed } = replica.client;
        assert.ok(round < 1 || !pushed, `${replica.name} pushes in round ${round}`);
        assert.ok(round < 2 || pulled === 0, `${replica.name} pulls ${pulled} rows in round ${round}`);
      }
    }
  }

  // agree checks that all replicas are equal, and agree with the model and both oracles.
  async agree() {
    const fresh = [new Client(this.url, token("fresh")), new Client(this.url, token("paged"), { adapter: sqlite, limit: 2 })];
    for (const client of fresh) await client.sync();
    const everything = await fresh[0].everything();
    assert.deepEqual(everything, this.model.everything(), "a first pull and what the server must have");
    for (const { client, name } of [...this.replicas, { client: fresh[1], name: "a first pull in pages" }]) {
      assert.deepEqual(await client.everything(), everything, `${name} and a first pull`);
    }
    this.ledger.check(everything, this.causes.ties);
    this.causes.check(everything);
    const { timestamp, tables: sums } = await this.checksum();
    assert.deepEqual(sums, Object.fromEntries(tables.map((table) => [table, sumOf(everything[table], (row) => values(table, row))])));

    for (const push of this.pushes.slice()) await this.push(...push);
    assert.deepEqual(await this.checksum(), { timestamp, tables: sums }, "the same pushes again change nothing");
    return fresh[0];
  }

  async checksum() {
    return (await hear(`${this.url}/sync/checksum`, { headers: { authorization: `Bearer ${token("a")}` } })).json();
  }

  async run() {
    for (let i = 0; i < steps; i++) await this.step();
    await this.settle();
    const last = await this.agree();
    assert.deepEqual(complaints, []);
    // The next seed begins with an empty database.
    for (const table of tables) for (const { id } of await last.rows(table)) await last.remove(table, id);
    await last.sync();
  }
}

for (const [name, open] of Object.entries(doors)) {
  const seeds = Number(process.env.CLIENT_SEEDS ?? few[name]);
  describe(`on ${name}`, { timeout: 1_200_000 + seeds * 30_000 }, () => {
    const door = open();
    before(() => door.start());
    after(() => door.close());

    test(`all replicas end equal and lose no edit: ${seeds} seeds from ${first}`, async () => {
      for (let seed = first; seed < first + seeds; seed++) {
        const world = new World(door.url, seed);
        await world.run().catch((error) => {
          throw new Error(`seed ${seed}:\n${world.story.join("\n")}\n${error.message}`, { cause: error });
        });
      }
    });
  });
}
