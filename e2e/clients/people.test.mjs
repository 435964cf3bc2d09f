// Two people and one device, as web/client/test/people.test.mjs, on a real server and with rooms: they sign in and out
// in two tabs in the middle of syncs, pushes, open rooms and revoked tokens. The server must get each row and each edit of a room
// under its author's token alone, and nothing is lost. PEOPLE_SEEDS is the number of runs, and SEED the first.
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { createClient, structuredSource } from "../../web/client/dist/index.js";
import { Room, saveRooms } from "../../web/client/dist/documents/index.js";
import { sqliteDocuments } from "../../web/client/dist/react-native.js";
import { Session } from "../../web/client/dist/session.js";
import { dice } from "../dice.mjs";
import { doors, onWorkerd, token } from "../doors.mjs";
import { until } from "../until.mjs";
import { open, write } from "../../web/client/test/memory.mjs";

const tables = { customers: { contact_name: "string", created_at: "number", updated_at: "number" } };

const first = Number(process.env.SEED ?? 1);
const seeds = Array.from({ length: Number(process.env.PEOPLE_SEEDS ?? 2) }, (_, i) => first + i);
const real = { fetch: globalThis.fetch, WebSocket: globalThis.WebSocket };
const subjectOf = (jwt) => JSON.parse(Buffer.from(jwt.split(".")[1], "base64url")).sub;

function documentsOf() {
  const database = new DatabaseSync(":memory:");
  return sqliteDocuments({ getAllAsync: async (sql, parameters) => database.prepare(sql).all(...parameters).map((row) => ({ ...row })) });
}

/** The network of a device. It looks under whose tokens everything goes, delays requests, and loses some responses. */
class Network {
  faults = [];
  tickets = new Map();
  wild = true;

  constructor(roll, isAlive) {
    const network = this;
    globalThis.fetch = async (url, init) => {
      const { pathname } = new URL(url);
      const bearer = new Headers(init.headers).get("authorization").slice("Bearer ".length);
      const subject = bearer === "" ? null : subjectOf(bearer);
      if (subject !== null && !isAlive(subject)) network.faults.push(`${pathname} of ${subject}, who has signed out`);
      // The server refuses a push without a token.
      for (const author of pathname.endsWith("/sync.push") ? authorsOf(init.body) : []) {
        if (author !== subject && subject !== null) network.faults.push(`${subject} pushes a row of ${author}`);
      }
      if (network.wild) await sleep(roll() * 40);
      const response = await real.fetch(url, init);
      if (pathname.endsWith("/auth/ticket") && response.ok) network.tickets.set((await response.clone().json()).ticket, subject);
      if (network.wild && roll() < 0.1) throw new TypeError("the response is lost");
      return response;
    };
    globalThis.WebSocket = class extends real.WebSocket {
      constructor(url) {
        const { pathname, searchParams } = new URL(url);
        const subject = network.tickets.get(searchParams.get("ticket"));
        const [, author = subject] = /^\/yjs\/[^-]+-([^-]+)-/.exec(pathname) ?? [];
        if (author !== subject) network.faults.push(`${subject} opens a room of ${author}`);
        if (!isAlive(subject)) network.faults.push(`a socket of ${subject}, who has signed out`);
        super(url);
      }
    };
  }
}

function authorsOf(body) {
  const { created, updated } = JSON.parse(body).changes.customers;
  return [...created, ...updated].map((row) => row.contact_name);
}

class Device {
  tabs = [{ session: null, rooms: new Map() }, { session: null, rooms: new Map() }];
  databases = new Map(); // by tab and person
  documents = documentsOf();
  written = new Map(); // the subject of each row by its id
  texts = new Map(); // by room: the words that were written into it
  token = null;
  alive = new Set();
  items = new Map();
  storage = {
    keys: () => [...this.items.keys()], getItem: (key) => this.items.get(key) ?? null,
    setItem: (key, value) => void this.items.set(key, value), removeItem: (key) => void this.items.delete(key),
  };
  #count = 0;

  constructor(url, run, roll) {
    Object.assign(this, { url, run, roll, pick: (list) => list[Math.floor(roll() * list.length)] });
    this.names = [`ada${run}`, `bob${run}`];
    this.network = new Network(roll, (subject) => [...this.alive].some((session) => session.subject === subject));
  }

  issue(subject) {
    this.token = token(subject, { jti: `${this.run} ${++this.#count}` });
  }

  database(tab, subject) {
    const key = `${this.tabs.indexOf(tab)} ${subject}`;
    const database = this.databases.get(key) ?? open(tables);
    this.databases.set(key, database);
    return database;
  }

  optionsOf = ({ subject }, session) => ({ server: session.server(), subject, documents: this.documents });

  signIn(tab, subject) {
    if (tab.session !== null) return;
    this.issue(subject);
    const session = new Session({ url: this.url, subject, token: () => this.token, storage: this.storage, documents: this.documents });
    tab.session = session;
    this.alive.add(session);
    session.signal.addEventListener("abort", () => {
      if (tab.session === session) tab.session = null; // another tab has signed out
      void session.end().then(() => this.alive.delete(session));
      const rooms = [...tab.rooms.values()];
      tab.rooms.clear();
      void Promise.all(rooms.map((room) => room.destroy()));
    });
    session.sync(this.database(tab, subject), structuredSource(createClient(session.server())), { name: String(this.tabs.indexOf(tab)) });
    void saveRooms(this.optionsOf({ subject }, session));
  }

  /** Signs out. A careless app does not wait for the end of the session. */
  async signOut(tab) {
    const { session } = tab;
    if (session === null) return;
    tab.session = null;
    const ending = session.end({ lastSyncMillis: this.pick([0, 200]) });
    if (this.roll() < 0.5) await ending;
    this.token = null;
  }

  async writeRow(tab) {
    const { subject } = tab.session;
    const row = await write(this.database(tab, subject), "customers", { contact_name: subject, created_at: Date.now(), updated_at: Date.now() });
    this.written.set(row.id, subject);
  }

  async writeText(tab) {
    const { session } = tab;
    const id = `note-${session.subject}-${this.pick([1, 2])}`;
    if (!tab.rooms.has(id)) {
      const opened = new Room(id, this.optionsOf(session, session));
      tab.rooms.set(id, opened);
      opened.connect();
    }
    const room = tab.rooms.get(id);
    const word = `word${++this.#count};`;
    room.doc.getText("t").insert(0, word);
    this.texts.set(id, [...(this.texts.get(id) ?? []), word]);
    await until(() => room.stored, "stored");
    if (this.roll() < 0.3 && tab.rooms.delete(id)) await room.destroy();
  }

  async revoke() {
    const jti = this.token && JSON.parse(Buffer.from(this.token.split(".")[1], "base64url")).jti;
    const headers = { authorization: `Bearer ${token("operator", { scope: "sync:admin" })}`, "content-type": "application/json" };
    if (jti) await real.fetch(`${this.url}/auth/revoke`, { method: "POST", headers, body: JSON.stringify({ jti, ttl: 3600 }) });
  }

  async step() {
    const tab = this.pick(this.tabs);
    const roll = this.roll();
    if (roll < 0.25) this.signIn(tab, this.pick(this.names));
    else if (roll < 0.35) await this.signOut(tab);
    else if (roll < 0.55) await (tab.session && this.writeRow(tab));
    else if (roll < 0.75) await (tab.session && this.writeText(tab));
    else if (roll < 0.8) await this.revoke();
    else if (roll < 0.85 && this.token) this.issue(subjectOf(this.token));
    else await sleep(this.roll() * 300);
  }

  /** Signs each person in once more, in every tab, until the server has all that the person wrote. */
  async finish() {
    this.network.wild = false;
    for (const subject of this.names) {
      for (const tab of this.tabs) await this.signOut(tab);
      await until(() => this.alive.size === 0, "all sessions end");
      for (const tab of this.tabs) this.signIn(tab, subject);
      const [{ session }] = this.tabs;
      await until(async () => (await session.unsyncedWork()).total === 0, `${subject}'s work is on the server`);
    }
    for (const tab of this.tabs) await this.signOut(tab);
    await until(() => this.alive.size === 0, "all sessions end");
  }
}

for (const [name, start] of onWorkerd({ wazero: doors.wazero, wrangler: doors.wrangler })) {
  describe(`on ${name}`, { timeout: 1_200_000 }, () => {
    const door = start();
    before(() => door.start());
    after(() => door.close());

    for (const seed of seeds) {
      test(`what two people write on one device reaches the server under their own tokens alone (seed ${seed})`, async () => {
        const device = new Device(door.url, seed, dice(seed));
        try {
          for (let i = 0; i < 60; i++) await device.step();
          await device.finish();
        } finally {
          Object.assign(globalThis, real);
        }
        assert.deepEqual(device.network.faults, []);
        const reader = { url: door.url, token: () => token("reader") };
        const { changes } = await structuredSource(createClient(reader)).pull({ lastPulledAt: null, schemaVersion: 1, migration: null });
        const stored = new Map(changes.customers.updated.map((row) => [row.id, row.contact_name]));
        assert.deepEqual([...device.written].filter(([id, subject]) => stored.get(id) !== subject), []);
        for (const [room, words] of device.texts) {
          const text = await (await fetch(`${door.url}/yjs/${room}?format=text&name=t`, { headers: { authorization: `Bearer ${reader.token()}` } })).text();
          assert.deepEqual(words.filter((word) => !text.includes(word)), [], room);
        }
        assert.ok(device.written.size > 0 && device.texts.size > 0);
      });
    }
  });
}
