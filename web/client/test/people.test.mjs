// Two people and one device: they sign in and out in two tabs, while syncs run, pushes travel, new tries wait and tokens
// end. The server must see each edit under its author's token alone, no edit may be lost, and a sign-out says what the server lacks.
// PEOPLE_SEEDS is the number of runs, and SEED the first.
import { afterEach, beforeEach, mock, test } from "node:test";
import assert from "node:assert/strict";
import { createClient, structuredSource, syncState } from "../dist/index.js";
import { Session } from "../dist/session.js";
import { dice } from "../../../e2e/dice.mjs";
import { open, rows, write } from "./memory.mjs";
import { passes, Town } from "./town.mjs";

const first = Number(process.env.SEED ?? 1);
const seeds = Array.from({ length: Number(process.env.PEOPLE_SEEDS ?? 8) }, (_, i) => first + i);
const names = ["ada", "bob"];

const subjectOf = (token) => JSON.parse(Buffer.from(token.split(".")[1], "base64url")).sub;

class Device {
  tabs = [{ session: null }, { session: null }];
  databases = new Map(); // by tab and person: they stay on the device. A person edits a row where it was created
  written = new Map(); // the last edit of each row by its id: { author, body, at }, with the body null if it was deleted
  token = null; // of whoever signed in last, for all tabs
  alive = []; // the subjects of the sessions that have not ended
  faults = [];
  #edits = 0;

  constructor(town, roll) {
    Object.assign(this, { town, roll, pick: (list) => list[Math.floor(roll() * list.length)], items: new Map() });
    this.storage = {
      keys: () => [...this.items.keys()], getItem: (key) => this.items.get(key) ?? null,
      setItem: (key, value) => void this.items.set(key, value), removeItem: (key) => void this.items.delete(key),
    };
  }

  database(tab, subject) {
    const key = `${this.tabs.indexOf(tab)} ${subject}`;
    if (!this.databases.has(key)) this.databases.set(key, { name: key, subject, database: open(), own: new Set() });
    return this.databases.get(key);
  }

  signIn(tab, subject) {
    if (tab.session !== null) return;
    this.token = this.town.issue(subject);
    const session = new Session({ url: "http://server", subject, token: () => this.token, storage: this.storage });
    tab.session = session;
    this.alive.push(session);
    session.signal.addEventListener("abort", () => {
      if (tab.session === session) tab.session = null; // another tab has signed out
      void session.end().then(() => this.ended(session));
    });
    const { name, database } = this.database(tab, subject);
    session.sync(database, structuredSource(createClient(session.server())), { name });
  }

  ended(session) {
    this.alive = this.alive.filter((other) => other !== session);
  }

  /** Signs out. A careless app does not wait for the end of the session. */
  async signOut(tab) {
    const { session } = tab;
    if (session === null) return;
    tab.session = null;
    const ending = session.end({ lastSyncMillis: this.pick([0, 3000]) }).then((work) => {
      const isEarlier = (id) => this.written.get(id).at <= Date.now() - 100; // the other tab takes a moment to note an edit
      const lacking = this.lacking(session.subject).filter(isEarlier);
      if (work.total < lacking.length) this.faults.push(`${session.subject} loses ${lacking}, and knows of ${JSON.stringify(work)}`);
    });
    if (this.roll() < 0.5) {
      let done = false;
      void ending.then(() => (done = true));
      while (!done) await passes(50);
    }
    this.token = null;
  }

  /** The rows of a person whose last edit the server does not have. */
  lacking(subject) {
    return [...this.written].filter(([, { author }]) => author === subject).map(([id]) => id).filter((id) => {
      const { row, deleted = false } = this.town.rows.get(id) ?? {};
      const { body } = this.written.get(id);
      return body === null ? row !== undefined && !deleted : row?.body !== body;
    });
  }

  async edit(tab) {
    const { subject } = tab.session;
    const { database, own } = this.database(tab, subject);
    const id = this.pick([...own, null, null]);
    const body = `edit ${++this.#edits}`;
    if (id === null) {
      const row = await write(database, "notes", { title: subject, body, updated_at: Date.now() });
      own.add(row.id);
      this.written.set(row.id, { author: subject, body, at: Date.now() });
      return;
    }
    const row = await database.get("notes").find(id);
    const remove = this.roll() < 0.2;
    await database.write(() => (remove ? row.markAsDeleted() : row.update((note) => note._setRaw("body", body))));
    if (remove) own.delete(id);
    this.written.set(id, { author: subject, body: remove ? null : body, at: Date.now() });
  }

  async step() {
    const tab = this.pick(this.tabs);
    const roll = this.roll();
    if (roll < 0.2) this.signIn(tab, this.pick(names));
    else if (roll < 0.3) await this.signOut(tab);
    else if (roll < 0.65) await (tab.session && this.edit(tab).then(() => passes(50))); // nobody is faster in the other tab
    else if (roll < 0.7) this.town.revoke(this.token);
    else if (roll < 0.75 && tab.session && this.token) this.token = this.town.issue(subjectOf(this.token));
    else if (roll < 0.8) this.town.disconnect();
    else if (roll < 0.87) this.town.online = true;
    else await passes(this.pick([50, 500, 5000]));
  }

  /** Signs each person in once more, in every tab, until the server has all. */
  async finish() {
    this.town.online = true;
    this.town.lost = () => false; // a new try may be a minute away
    for (const subject of names) {
      for (const tab of this.tabs) await this.signOut(tab);
      await passes(5000);
      for (const tab of this.tabs) this.signIn(tab, subject);
      const idle = () => this.tabs.every((tab) => syncState(this.database(tab, subject).database).get().phase === "idle");
      for (let i = 0; i < 200 && (this.lacking(subject).length > 0 || !idle()); i++) await passes(500);
    }
    for (const tab of this.tabs) await this.signOut(tab);
    await passes(5000);
  }
}

beforeEach(() => mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1_000_000 }));
afterEach(() => mock.timers.reset());

for (const seed of seeds) {
  test(`what two people write on one device reaches the server under their own tokens alone (seed ${seed})`, async () => {
    const roll = dice(seed);
    const town = new Town({ millis: () => Math.floor(roll() * roll() * 1500), lost: () => roll() < 0.1 });
    const device = new Device(town, roll);
    const close = town.open();
    const { fetch } = globalThis;
    globalThis.fetch = (url, init) => {
      const token = new Headers(init.headers).get("authorization").slice("Bearer ".length);
      if (token !== "" && !device.alive.some(({ subject }) => subject === subjectOf(token))) device.faults.push(`${url} with a token of ${subjectOf(token)}, who has signed out`);
      return fetch(url, init);
    };
    try {
      for (let i = 0; i < 80; i++) await device.step();
      await device.finish();
      assert.deepEqual([...town.faults, ...device.faults], []);
      for (const subject of names) assert.deepEqual(device.lacking(subject), [], `${subject}'s edits are on the server`);
      for (const { database, subject, name } of device.databases.values()) {
        assert.deepEqual((await rows(database, "notes")).filter(({ title }) => title !== subject), [], `${name} has its person's rows alone`);
      }
      const requests = town.sent.length;
      await passes(100_000, 10_000);
      assert.equal(town.sent.length, requests, "nobody is signed in, and nothing asks the server");
    } finally {
      close();
    }
  });
}
