// kill -9 of a host while clients push to many spaces, make new ones and delete others, and while one is imported and one is paused. After the
// restart everything that the host acknowledged is there, and nothing is there by half.
// KILL_ROUNDS is the number of rounds on each host, KILL_SEED the first seed.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import * as Y from "yjs";
import { dice } from "../dice.mjs";
import { doors, token } from "../doors.mjs";
import { until } from "../until.mjs";

const spaces = 50;
const doomed = 8; // spaces that are deleted shortly before the kill
const newborn = 8; // spaces that are made shortly before the kill
const shortly = 100; // pushes
const rowsOfPush = 4; // which are all there, or none
const pagesOfImport = 30;
const rounds = Number(process.env.KILL_ROUNDS ?? 1);
const firstSeed = Number(process.env.KILL_SEED ?? 1);
const pushesBefore = { wazero: 200, wrangler: 100 }; // the kill comes after so many, and up to as many more

const pull = `/trpc/sync.pull?input=${encodeURIComponent('{"lastPulledAt":null}')}`;

// A Space is what the clients of one space know: the pushes that they sent, and those that
// the host acknowledged.
class Space {
  sent = 0;
  acknowledged = [];

  constructor(door, name) {
    Object.assign(this, { door, name, token: token("ann", { spaces: { [name]: "sync:read sync:write yjs:read yjs:write" } }) });
  }

  ask(path, options = {}) {
    return fetch(`${this.door.url}/s/${this.name}${path}`, { ...options, headers: { authorization: `Bearer ${this.token}`, ...options.headers } });
  }

  // push pushes rows of an id of their own. It says whether the host acknowledged them.
  async push() {
    const n = this.sent++;
    const row = (i) => ({ id: `${n}-${i}`, contact_name: this.name, created_at: 1, updated_at: 1 });
    const changes = { customers: { created: [], deleted: [], updated: Array.from({ length: rowsOfPush }, (_, i) => row(i)) } };
    try {
      if (!this.lastPulledAt) this.lastPulledAt = (await (await this.ask(pull)).json()).result?.data.timestamp ?? 1;
      const response = await this.ask("/trpc/sync.push", {
        method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ lastPulledAt: this.lastPulledAt, changes }),
      });
      if (this.lastPulledAt === 1) this.lastPulledAt = undefined; // S7: with this push the space was born
      const text = await response.text();
      if (response.ok) this.acknowledged.push(n);
      else if (!text.includes("SERVICE_UNAVAILABLE")) assert.fail(`${this.name}: ${response.status} ${text}`);
      return response.ok;
    } catch (error) {
      if (error instanceof TypeError) return false; // the connection was lost
      throw error;
    }
  }

  // write makes the document of the space.
  async write() {
    const doc = new Y.Doc();
    doc.getText("note").insert(0, this.name);
    const response = await this.ask("/yjs/note", { method: "POST", body: Y.encodeStateAsUpdate(doc) });
    assert.ok(response.ok, `${this.name}: ${response.status} ${await response.text()}`);
  }

  // stored returns the numbers of the pushes that are stored, and the text of the document. It
  // returns null while the host answers 503, and fails if rows of a push are missing.
  async stored() {
    const [rows, text] = await Promise.all([this.ask(pull), this.ask("/yjs/note?format=text&name=note")]);
    const [body, note] = await Promise.all([rows.json(), text.text()]);
    if (rows.status === 503 || text.status === 503) return null;
    assert.equal(rows.status, 200, `${this.name}: ${JSON.stringify(body)}`);
    assert.ok(text.ok || text.status === 404, `${this.name}: ${text.status} ${note}`);
    const byPush = Object.groupBy(body.result.data.changes.customers.updated, ({ id }) => id.split("-")[0]);
    for (const [n, rows] of Object.entries(byPush)) assert.equal(rows.length, rowsOfPush, `${this.name}: push ${n} is there by half`);
    return { pushes: Object.keys(byPush).map(Number), note: text.ok ? note : "" };
  }

  // served is stored() as soon as the host serves the space.
  async served() {
    let stored;
    await until(async () => (stored = await this.stored()), `${this.name} is served`);
    return stored;
  }

  // check fails unless all is there that was acknowledged. It returns what is there.
  async check() {
    const stored = await this.served();
    assert.deepEqual(this.acknowledged.filter((n) => !stored.pushes.includes(n)), [], `${this.name} lost what it had acknowledged`);
    return stored;
  }
}

// An Import sends pages to a space that is empty, one after the other.
class Import {
  constructor(door, seed) {
    this.space = new Space(door, `imported-${seed}-0`);
    this.pages = Array.from({ length: pagesOfImport }, (_, p) => {
      const ids = Array.from({ length: rowsOfPush }, (_, i) => `${p}-${i}`);
      const first = p === 0 ? { format: 1, space: "elsewhere", stamp: 1_000, export: `export-${seed}` } : { page: p + 1, export: `export-${seed}` };
      const rows = ids.map((id, i) => ({
        row: "customers", stamp: p * rowsOfPush + i + 2, ahead: null,
        value: { id, contact_name: id, company_name: null, notes: null, created_at: 1, updated_at: 1 },
      }));
      const last = { next: p + 1 < pagesOfImport ? `cursor-${p}` : null };
      return [first, ...rows, last].map((line) => `${JSON.stringify(line)}\n`).join("");
    });
  }

  // send sends all pages. It returns how many the host took; it stops when the connection is lost.
  async send() {
    for (const [p, page] of this.pages.entries()) {
      const answer = await admin(this.space.door, "POST", `/s/${this.space.name}/import`, page).catch((error) => {
        if (!(error instanceof TypeError)) throw error;
      });
      if (!answer) return p;
      assert.equal(answer.status, 200, `page ${p + 1}: ${answer.body}`);
    }
    return this.pages.length;
  }
}

async function admin(door, method, path, body) {
  const claims = { scope: "spaces:admin sync:admin", spaces: { "": "spaces:admin", "*": "spaces:admin sync:admin" } };
  const response = await fetch(door.url + path, { method, body, headers: { authorization: `Bearer ${token("operator", claims)}` } });
  return { status: response.status, body: await response.text() };
}

async function listed(door) {
  const { status, body } = await admin(door, "GET", "/spaces?limit=1000");
  assert.equal(status, 200, body);
  return JSON.parse(body).spaces.map((space) => space.name);
}

async function round(door, name, seed) {
  const random = dice(seed);
  const made = (prefix, n) => Array.from({ length: n }, (_, i) => new Space(door, `${prefix}-${seed}-${i}`));
  const old = made("old", spaces);
  const ended = made("doomed", doomed);
  const born = made("new", newborn);
  for (const space of ended) {
    assert.ok(await space.push());
    await space.write();
  }
  const [paused] = made("paused", 1);
  assert.ok(await paused.push());
  assert.equal((await admin(door, "POST", `/s/${paused.name}/pause`)).status, 200);
  const pushes = pushesBefore[name];
  const killAt = pushes + Math.floor(random() * pushes);
  const before = () => killAt - Math.floor(random() * shortly);
  const deleteAt = ended.map(before);
  const bearAt = born.map(before);
  const importing = new Import(door, seed);
  const importAt = before() - shortly; // it takes a while
  let imported;
  const deletions = [];
  const others = [];
  let acknowledged = 0;
  let dead;
  const count = () => {
    acknowledged++;
    for (const [i, at] of deleteAt.entries()) {
      if (acknowledged === at) deletions[i] = admin(door, "DELETE", `/s/${ended[i].name}`).then(({ status }) => status, () => 0);
    }
    for (const [i, at] of bearAt.entries()) if (acknowledged === at) others.push(born[i].push());
    if (acknowledged === importAt) imported = importing.send();
    if (acknowledged === killAt) dead = door.stop("SIGKILL");
  };
  await Promise.all(old.map(async (space) => {
    while (!dead && (await space.push())) count();
  }));
  assert.ok(dead, `the clients stopped after ${acknowledged} pushes: ${door.log}`);
  await Promise.all([dead, ...others]);
  const statuses = await Promise.all(deletions);
  const pagesBefore = await imported;
  await door.start();

  for (const space of old) await space.check();
  assert.equal(await paused.stored(), null, "S13 the pause outlives the kill");
  assert.equal((await admin(door, "POST", `/s/${paused.name}/resume`)).status, 204);
  assert.deepEqual((await paused.check()).pushes, [0]);
  if (pagesBefore > 0 && pagesBefore < pagesOfImport - 1) assert.equal(await importing.space.stored(), null, "a part of an import is served");
  assert.equal(await importing.send(), pagesOfImport, "S11 an import goes on, from its first page or a later one");
  assert.equal((await importing.space.served()).pushes.length, pagesOfImport);
  const alive = [...old, paused, importing.space];
  for (const space of born) if ((await space.check()).pushes.length > 0) alive.push(space);
  const whole = [];
  for (const [i, space] of ended.entries()) {
    const stored = await space.served();
    if (stored.pushes.length === 0) {
      assert.equal(stored.note, "", `${space.name} is deleted, but for its document`);
      continue;
    }
    assert.notEqual(statuses[i], 204, `${space.name} is there although the host said that it was deleted`);
    assert.deepEqual(stored, { pushes: [0], note: space.name }, `${space.name} is there by half`);
    whole.push(space);
  }
  const want = [...alive, ...whole].map((space) => space.name).sort();
  let found;
  await until(async () => {
    found = (await listed(door)).filter((space) => space.includes(`-${seed}-`)).sort();
    return JSON.stringify(found) === JSON.stringify(want);
  }, () => `the directory has exactly the spaces that there are: ${found}, and not ${want}`, 120_000);
  return { acknowledged, deletions: statuses.join(), born: alive.length - old.length - 2, pages: pagesBefore, whole: whole.length };
}

for (const [name, open] of Object.entries(doors)) {
  describe(`on ${name}`, { timeout: 3_000_000 }, () => {
    const door = open({ LIMIT_REQUESTS_PER_MINUTE: "1000000" });
    if (name === "wazero") { // the server closes files and opens them again all the time
      const { command } = door;
      door.command = (door) => [...command(door), "--open-files", String(spaces / 5)];
    }
    before(() => door.start());
    after(() => door.close());
    for (let i = 0; i < rounds; i++) {
      const seed = firstSeed + i;
      test(`S8 S9 S11 S13 seed ${seed}: after kill -9 spaces are whole, deleted ones are gone, and the directory is right`, async (t) => {
        const what = await round(door, name, seed);
        t.diagnostic(JSON.stringify(what));
      });
    }
  });
}
