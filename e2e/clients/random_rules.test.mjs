// Random edits and faults with rules and checks: owners change, people join teams and leave
// them, the server rejects rows, and answers are lost. Real WatermelonDB clients have what their
// users may read, and have nothing to push in the end. CLIENT_SEEDS is the number of seeds on each
// host, CLIENT_SEED the first one. Even seeds are in a space.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { token } from "../doors.mjs";
import { declaredDoors, tables } from "./declared.mjs";
import { dice, faults, FaultyDevice, hear } from "./faults.mjs";
import { sumOf } from "./model.mjs";
import { contents, Judge, names, rules, Truth, values } from "./rulebook.mjs";
import { sqlite } from "./sqlite.mjs";
import { Client, complaints, loki } from "./watermelon.mjs";

const first = Number(process.env.CLIENT_SEED ?? 1);
const few = { wrangler: 2, wazero: 6 }; // about ten seconds each
const steps = 60;
const skews = [0, 0, 2_000, -4_000, -3_600_000, 600_000];
const users = ["ann", "bob", "cid", "ann"]; // of the devices

// A Device is a client, its user, and their random edits.
class Device extends FaultyDevice {
  constructor(world, index) {
    super(world, index);
    this.name = `${users[index]}${index}`;
    this.sub = world.own(users[index]);
    this.skew = this.pick(skews);
    this.now = 0;
    this.created = 0;
    const options = { limit: this.pick([undefined, 2, 5]), batch: this.random(2) === 0, adapter: index < 2 ? loki : sqlite, tables };
    this.client = new Client(world.url, "", { ...options, clock: () => this.clock(), fetch: (url, init) => this.fetch(url, init) });
    this.join();
  }

  // join gives the user another token: the user joins a team or leaves one, or becomes an editor.
  join() {
    const { world } = this;
    this.caller = { sub: this.sub, teams: world.teams.filter(() => this.random(2)), editor: this.random(3) === 0 };
    this.client.token = world.token(this.caller);
    world.tell(`${this.name} has ${JSON.stringify(this.caller)}`);
  }

  clock() {
    return (this.now = Math.max(Date.now() + this.skew, this.now + 1));
  }

  async edit() {
    const table = this.pick(names);
    const rows = (await this.client.rows(table)).filter(({ id }) => this.world.made(id));
    const what = rows.length > 0 ? this.random(15) : 0;
    if (what < 4) return this.create(table, rows);
    const { id } = this.pick(rows);
    if (what < 6) {
      await this.client.remove(table, id);
      this.world.tell(`${this.name} deletes ${id}`);
      return;
    }
    const some = Object.entries(this.fields(table)).filter(() => this.random(2));
    await this.client.update(table, id, Object.fromEntries(some));
    this.world.tell(`${this.name} at ${this.now} writes ${id} ${JSON.stringify(Object.fromEntries(some))}`);
  }

  // create creates a row with an id of its own, or one that other devices may create, too.
  async create(table, rows) {
    const id = this.world.own(this.random(3) ? `${this.created++}${this.name}` : `${this.random(6)}`);
    if (rows.some((row) => row.id === id) || (await this.client.database.adapter.getDeletedRecords(table)).includes(id)) return;
    const { _raw } = await this.client.create(table, { id, ...this.fields(table) });
    this.world.tell(`${this.name} creates ${table} ${JSON.stringify(_raw)}`);
  }

  // fields returns random values for the columns of a table, mostly such as the user may write.
  fields(table) {
    const someone = this.random(3) ? this.sub : this.world.own(this.pick(users));
    switch (table) {
      case "visits":
        return {
          owner_id: someone, rating: this.pick([null, 1, 2.5, 5, 3, 6, 0.5]), note: this.pick([null, "ab", "😀😀", "abcd", "é", "😀😀a"]),
          status: this.pick(["lead", "active", "lead", "active", "gone"]),
        };
      case "places":
        return { owner_id: someone, team: this.pick([...this.world.teams, ...this.world.teams, "", null]), name: this.pick([null, "x", "y"]) };
      case "catalogue":
        return { title: this.pick([null, "x", "y"]), price: this.pick([1, 2, 19.9, 0]) };
    }
    return { owner_id: someone, text: this.pick([null, "x", "y"]) };
  }
}

// A World is the run of one seed.
class World {
  story = [];
  judge = new Judge();
  late = []; // requests that the network delays
  pushes = []; // all that the server took
  callers = new Map(); // by token
  known = new Map(); // by subject: the ids of rows that they could have
  turn = Promise.resolve();

  constructor(door, seed) {
    this.seed = seed;
    this.random = dice(seed * 16);
    this.space = seed % 2 === 0 ? `s${seed}` : "";
    this.url = door.url + (this.space && `/s/${this.space}`);
    this.truth = new Truth(this.url, token("operator", this.space ? { spaces: { [this.space]: "sync:admin spaces:admin" } } : { scope: "sync:admin" }));
    this.teams = [this.own("red"), this.own("blue")];
    this.devices = users.map((_, index) => new Device(this, index));
  }

  own(name) {
    return `${name}-s${this.seed}`;
  }

  made(id) {
    return id.endsWith(`-s${this.seed}`);
  }

  token(caller) {
    const scope = caller.editor ? "sync:read sync:write edit" : "sync:read sync:write";
    const made = token(caller.sub, { teams: caller.teams, ...(this.space ? { spaces: { [this.space]: scope } } : { scope }), jti: `${this.callers.size}` });
    this.callers.set(made, caller);
    return made;
  }

  tell(line) {
    this.story.push(line);
  }

  // deliver sends a request to the server, one push at a time.
  async deliver(url, init) {
    const caller = this.callers.get(init.headers.authorization.slice("Bearer ".length));
    if (init.method !== "POST") {
      const answer = await hear(url, init);
      this.received(caller, [await answer.clone().json()].flat()[0].result.data);
      return answer;
    }
    const done = this.turn.then(() => this.push(caller, url, init));
    this.turn = done.catch(() => {});
    return done;
  }

  // received checks the answer to a pull: R1.
  received(caller, { changes }) {
    for (const table of names) {
      for (const row of changes[table].updated) assert.ok(rules[table].read(row, caller), `R1: ${JSON.stringify(caller)} pulls ${JSON.stringify(row)}`);
      if (!this.devices.some((device) => device.caller === caller)) continue;
      for (const id of changes[table].deleted) {
        assert.ok(this.known.get(caller.sub)?.has(`${table} ${id}`), `R1: ${JSON.stringify(caller)} hears of ${id}, which they could never have`);
      }
    }
  }

  // notes the rows that the users may read now.
  notes() {
    for (const { caller } of this.devices) {
      for (const table of names) {
        for (const { row } of this.truth.tables[table].values()) if (rules[table].read(row, caller)) this.knows(caller, table, row.id);
      }
    }
  }

  knows({ sub }, table, id) {
    if (!this.known.has(sub)) this.known.set(sub, new Set());
    this.known.get(sub).add(`${table} ${id}`);
  }

  async push(caller, url, init) {
    const body = JSON.parse(init.body);
    const input = body[0] ?? body;
    for (const table of names) {
      const { created = [], updated = [], deleted = [] } = input.changes[table] ?? {};
      for (const id of [...created, ...updated].map(({ id }) => id).concat(deleted)) this.knows(caller, table, id);
    }
    const answer = await hear(url, init);
    const before = await this.truth.look();
    this.notes();
    this.pushes.push([caller, url, init]);
    const [{ result }] = [await answer.clone().json()].flat();
    this.judge.judge(caller, input, result.data, before, this.truth.tables);
    return answer;
  }

  async step() {
    const device = this.devices[this.random(this.devices.length)];
    const what = this.random(22);
    if (what < 8) {
      await device.edit();
    } else if (what < 16) {
      await device.sync(this.random(2) ? Object.keys(faults)[this.random(5)] : undefined);
    } else if (what < 18) {
      this.tell("all sync at once:");
      this.crowded = true;
      await Promise.all(this.devices.map((d) => d.sync()));
      this.crowded = false;
    } else if (what < 20) {
      device.join();
      this.notes();
    } else if (this.late.length > 0) {
      this.tell("a late request arrives");
      const [deliver] = this.late.splice(this.random(this.late.length), 1);
      await deliver();
    }
  }

  // compare checks a device that has just pulled, unless others push meanwhile: safety. Without its
  // own changes it has the rows that its user may read.
  async compare({ client, caller, name }) {
    if (this.crowded) return;
    const visible = this.truth.visible(caller);
    for (const table of names) {
      const changed = new Set(await client.database.adapter.getDeletedRecords(table));
      for (const { _raw } of await client.database.get(table).query().fetch()) {
        if (_raw._status === "synced") continue;
        changed.add(_raw.id);
        const mine = visible[table].find(({ id }) => id === _raw.id);
        assert.ok(mine || _raw._status === "created", `${name} has an edit of ${_raw.id}, which they may not read`);
        for (const column of Object.keys(mine ?? {})) {
          if (_raw._status === "updated" && !_raw._changed.split(",").includes(column)) assert.equal(_raw[column], mine[column], `${column} of ${_raw.id}, on ${name}`);
        }
      }
      const unchanged = (list) => list.filter(({ id }) => !changed.has(id));
      assert.deepEqual(unchanged(await client.rows(table)), unchanged(visible[table]), `${name} and what its user may read of ${table}`);
    }
  }

  // settle ends the faults: the delayed requests arrive, and all devices sync. Liveness.
  async settle() {
    this.settling = true;
    this.tell("the network is healed");
    for (const deliver of this.late) await deliver();
    for (const round of [0, 1, 2]) {
      for (const device of this.devices) {
        await device.sync();
        const { pulled, pushed } = device.client;
        assert.ok(round < 1 || !pushed, `${device.name} pushes in round ${round}`);
        assert.ok(round < 2 || pulled === 0, `${device.name} pulls ${pulled} rows in round ${round}`);
      }
    }
  }

  // agree checks that all devices have what their users may read, as first pulls and checksums
  // have it, and that the same pushes again change nothing.
  async agree() {
    for (const { client, caller, name } of this.devices) {
      const visible = this.truth.visible(caller);
      const fresh = new Client(this.url, client.token, { tables, limit: client.limit ? undefined : 3 });
      await fresh.sync();
      assert.deepEqual(await client.everything(), visible, `${name} and what its user may read`);
      assert.deepEqual(await fresh.everything(), visible, `a first pull of ${name} and what its user may read`);
      const answer = await hear(`${this.url}/sync/checksum`, { headers: { authorization: `Bearer ${client.token}` } });
      const { tables: sums } = await answer.json();
      for (const table of names) assert.deepEqual(sums[table], sumOf(visible[table], (row) => values(table, row)), `the checksum of ${table}, of ${name}`);
    }
    const { tables: then } = this.truth;
    for (const push of this.pushes.slice()) await this.push(...push);
    assert.deepEqual(contents(this.truth.tables), contents(then), "U6 K4: the same pushes again change nothing");
  }

  async run() {
    for (let i = 0; i < steps; i++) await this.step();
    await this.settle();
    await this.agree();
    assert.deepEqual(complaints, []);
  }
}

for (const [name, open] of Object.entries(declaredDoors)) {
  const seeds = Number(process.env.CLIENT_SEEDS ?? few[name]);
  describe(`on ${name}`, { timeout: 1_200_000 + seeds * 30_000 }, () => {
    const door = open();
    before(() => door.start());
    after(() => door.close());

    test(`R6 all devices have what their users may read, and nothing to push: ${seeds} seeds from ${first}`, async () => {
      for (let seed = first; seed < first + seeds; seed++) {
        const world = new World(door, seed);
        await world.truth.look();
        await world.run().catch((error) => {
          throw new Error(`seed ${seed}:\n${world.story.join("\n")}\n${error.message}`, { cause: error });
        });
      }
    });
  });
}
