// Random edits, cuts, faults and kills on several phones: nothing is lost that a phone had stored.
import assert from "node:assert/strict";
import { dice, faults } from "../clients/faults.mjs";
import { token } from "../doors.mjs";
import { until } from "../until.mjs";

/** Opens a person's app on a phone, in a space that the person may enter. */
export const open = (phone, { url }, space, person, expo) => phone.call("open", url, space, person, token(person, { spaces: [space] }), expo);

// An Owner is a phone, and what its person has written there. Nobody else edits these rows.
class Owner {
  rows = new Set(); // the names of those that are stored
  doubt = []; // [before, after] of edits that a kill interrupted; a row that is not there is ""
  typed = []; // what is stored of the notebook
  made = 0;

  constructor(world, name) {
    Object.assign(this, { world, name, phone: world.make() });
  }

  pick = (list) => list[this.world.random(list.length)];
  next = () => `${this.name}${++this.made}.`;

  async start() {
    await this.phone.start();
    await open(this.phone, this.world.door, this.world.space, this.name, this.world.expo);
  }

  // edit stores a row's new name, or deletes or makes the row.
  async edit() {
    const before = this.world.random(3) > 0 && this.rows.size > 0 ? this.pick([...this.rows]) : "";
    const after = before !== "" && this.world.random(4) === 0 ? "" : this.next();
    const [method, ...args] = before === "" ? ["add", after] : after === "" ? ["remove", before] : ["rename", before, after];
    this.world.tell(`${this.name}: ${method} ${args.join(" ")}`);
    this.rows.delete(before);
    const change = [before, after];
    this.doubt.push(change);
    await this.phone.call(method, ...args);
    this.doubt.splice(this.doubt.indexOf(change), 1);
    if (after !== "") this.rows.add(after);
  }

  async type() {
    const text = `<${this.next()}>`;
    this.world.tell(`${this.name}: types ${text}`);
    await this.phone.call("type", this.world.random(100) / 100, text);
    this.typed.push(text);
  }

  // restart kills the app in the middle of some work, and opens it again. What it had stored is there.
  async restart() {
    this.world.tell(`${this.name}: is killed`);
    const work = [this.edit(), this.type(), this.phone.call("sync")].map((job) => job.catch((error) => assert.match(error.message, /was killed/)));
    for (let turns = this.world.random(30); turns > 0; turns--) await new Promise(setImmediate);
    this.phone.kill();
    await Promise.all(work);
    await this.start();
    const [names, text] = [await this.phone.call("names"), await this.phone.call("text")];
    for (const change of this.doubt.splice(0)) {
      const name = change.find((n) => names.includes(n));
      assert.ok(name || change.includes(""), `${change} of ${this.name} after a kill`);
      if (name) this.rows.add(name);
    }
    this.check(names, text, "after a kill");
  }

  check(names, text, when) {
    for (const row of this.rows) assert.ok(names.includes(row), `${this.name} has lost ${row} ${when}`);
    for (const typed of this.typed) assert.ok(text.includes(typed), `${this.name} has lost ${typed} ${when}`);
  }

  fault() {
    const name = this.pick(Object.keys(faults));
    this.world.tell(`${this.name}: the next request is ${name}`);
    this.phone.faulty = (deliver) => {
      this.phone.faulty = undefined;
      return faults[name](deliver, this.world.late);
    };
  }

  connect(online) {
    const told = this.world.random(2) === 0;
    this.world.tell(`${this.name}: goes ${online ? "on" : "off"}line${told ? "" : ", and is not told"}`);
    this.phone.connect(online, told);
  }

  async step() {
    const what = this.world.random(20);
    if (what < 7) return this.edit();
    if (what < 11) return this.type();
    if (what < 13) return this.fault();
    if (what < 16) return this.connect(!this.phone.online);
    if (what < 17) return this.phone.show(this.phone.state === "active" ? "background" : "active");
    if (what < 18) return this.restart();
    void this.phone.call("sync").catch(() => {}); // a kill may end it
    return undefined;
  }
}

export class World {
  story = [];
  late = []; // requests that the network delays

  /** make returns a new phone. */
  constructor(door, make, seed, expo) {
    Object.assign(this, { door, make, expo, random: dice(seed), space: `seed-${seed}` });
    this.owners = ["ann", "bob", "cem"].map((name) => new Owner(this, name));
  }

  tell(line) {
    this.story.push(line);
  }

  async run(steps) {
    try {
      for (const owner of this.owners) await owner.start();
      for (let i = 0; i < steps; i++) await this.owners[this.random(3)].step();
      await this.settle();
    } finally {
      for (const { phone } of this.owners) phone.close();
    }
  }

  // settle ends the faults. Then all phones have the same, and it is what their people wrote.
  async settle() {
    this.tell("the network is healed");
    for (const { phone } of this.owners) {
      phone.faulty = undefined;
      phone.connect(false);
    }
    for (const deliver of this.late) await deliver().catch(() => {}); // the app that sent it may have ended
    for (const { phone } of this.owners) {
      phone.connect(true);
      phone.show("active");
    }
    const rows = this.owners.flatMap((owner) => [...owner.rows]).sort();
    for (const { name, phone } of this.owners) {
      let last;
      await until(async () => {
        last = { ...(await phone.call("state")), names: (await phone.call("names")).sort(), unsaved: await phone.call("unsaved") };
        return last.phase === "idle" && last.unsynced === 0 && !last.unsaved && last.notices.length === 0 && last.names.join() === rows.join();
      }, () => `${name} has ${JSON.stringify(rows)} and not ${JSON.stringify(last)}`, 90_000);
    }
    const [text, ...others] = await Promise.all(this.owners.map(({ phone }) => phone.call("text")));
    for (const other of others) assert.equal(other, text);
    for (const owner of this.owners) owner.check(rows, text, "at the end");
  }
}
