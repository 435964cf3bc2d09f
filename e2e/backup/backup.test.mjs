// A backup of the self-hosted server under load, restored to a second folder. WatermelonDB clients and y-websocket clients that were
// ahead of it go on with the second folder, without any help. B1, B2.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { WebSocket } from "ws";
import * as Y from "yjs";
import { WebsocketProvider } from "y-websocket";
import { sqlite } from "../clients/sqlite.mjs";
import { Client, complaints, loki } from "../clients/watermelon.mjs";
import { token, wazero } from "../doors.mjs";
import { until } from "../until.mjs";
import { backup, restore } from "./tidemark.mjs";

const places = ["", "one", "two", "three"]; // the root, and spaces
const rooms = ["note", "other note"]; // in each place
const aheadMillis = 1_500; // for which the load goes on after the backup

const folder = mkdtempSync(path.join(tmpdir(), "tidemark-backup-"));
const door = wazero();
before(() => door.start());
after(async () => {
  await door.close();
  rmSync(folder, { recursive: true, force: true });
});

const jwt = (sub) => token(sub, { spaces: places });
const base = (place) => door.url + (place && `/s/${place}`);

// A Device has a WatermelonDB database of one place. It pushes new rows and edits of its rows.
class Device {
  made = 0;
  pushed = []; // the ids of rows that the server has acknowledged

  constructor(place, n) {
    Object.assign(this, { place, name: `${place || "root"}-${n}` });
    this.client = new Client(base(place), jwt(this.name), { adapter: n % 2 ? sqlite : loki });
  }

  async create() {
    const id = `${this.name}-${this.made++}`;
    await this.client.create("customers", { id, contact_name: id });
    return id;
  }

  async step() {
    const id = await this.create();
    await this.client.sync();
    this.pushed.push(id);
  }
}

// A Writer is a y-websocket client that types words of its own into a document.
class Writer {
  words = [];

  constructor(place, room, n) {
    this.name = `${n}w`;
    this.doc = new Y.Doc();
    this.text = this.doc.getText("note");
    this.provider = new WebsocketProvider(`${base(place).replace("http", "ws")}/yjs`, room, this.doc, {
      WebSocketPolyfill: WebSocket, disableBc: true, maxBackoffTime: 200, params: { token: jwt(this.name) },
    });
  }

  type() {
    const word = `${this.name}${this.words.length} `;
    this.words.push(word);
    this.text.insert(this.text.length, word);
  }

  end() {
    this.provider.destroy();
    this.doc.destroy();
  }
}

test("clients that are ahead of a restored backup converge, and nothing is lost that they still hold", { timeout: 600_000 }, async (t) => {
  const devices = places.flatMap((place) => [0, 1].map((n) => new Device(place, n)));
  const writers = places.map((place) => rooms.map((room) => [0, 1].map((n) => new Writer(place, room, n))));
  t.after(() => writers.flat(2).forEach((writer) => writer.end()));
  await until(() => writers.flat(2).every(({ provider }) => provider.synced), "all writers are synced");
  for (const device of devices) await device.step();

  let loaded = true;
  const load = [
    ...devices.map(async (device) => {
      while (loaded) await device.step();
    }),
    ...writers.flat(2).map(async (writer) => {
      while (loaded) {
        writer.type();
        await sleep(20);
      }
    }),
  ];
  await sleep(500);
  const inBackup = devices.map((device) => [...device.pushed]);
  const typed = writers.map((inPlace) => inPlace.map((inRoom) => inRoom[0].text.toString()));
  const to = path.join(folder, "backup");
  assert.deepEqual((await backup(door.dir, to).done).code, 0, door.log);
  await sleep(aheadMillis);
  loaded = false;
  await Promise.all(load);

  // What the devices have not pushed yet.
  const unpushed = [];
  for (const [i, device] of devices.entries()) {
    const id = await device.create();
    const edited = inBackup[i][0];
    await device.client.update("customers", edited, { contact_name: `${edited} edited` });
    unpushed.push([device.place, id, id], [device.place, edited, `${edited} edited`]);
  }
  await door.stop("SIGKILL");
  const second = path.join(folder, "data");
  const restored = await restore(to, second).done;
  assert.equal(restored.code, 0, restored.output);
  assert.match(restored.output, /the root and of 3 spaces/);
  const served = door.dir;
  door.dir = second;
  await door.start();
  t.after(() => rmSync(served, { recursive: true, force: true }));
  for (const writer of writers.flat(2)) writer.type();

  for (const round of [0, 1, 2]) {
    for (const { client, name } of devices) {
      await client.sync();
      assert.ok(round < 1 || !client.pushed, `${name} pushes in round ${round}`);
      assert.ok(round < 2 || client.pulled === 0, `${name} pulls ${client.pulled} rows in round ${round}`);
    }
  }
  const stamps = JSON.parse(readFileSync(path.join(to, "manifest.json"), "utf8")).files.map(({ stamp }) => stamp ?? 0);
  assert.equal(stamps.filter((stamp) => stamp > 0).length, places.length, "the manifest has the stamp of each place");
  for (const place of places) {
    const fresh = new Client(base(place), jwt("fresh"));
    await fresh.sync();
    const everything = await fresh.everything();
    const names = new Map(everything.customers.map(({ id, contact_name }) => [id, contact_name]));
    for (const [i, device] of devices.entries()) {
      if (device.place !== place) continue;
      assert.deepEqual(await device.client.everything(), everything, `${device.name} and a first pull`);
      assert.deepEqual(inBackup[i].filter((id) => !names.has(id)), [], `${device.name} had these acknowledged before the backup`);
    }
    for (const [where, id, name] of unpushed) if (where === place) assert.equal(names.get(id), name, `of ${place || "the root"}, not pushed before the restore`);
  }
  assert.deepEqual(complaints, []);

  for (const [p, inPlace] of writers.entries()) {
    for (const [r, [one, other]] of inPlace.entries()) {
      const what = `the document ${rooms[r]} of ${places[p] || "the root"}`;
      const all = [...one.words, ...other.words];
      const complete = (text) => all.every((word) => text.includes(word));
      await until(() => one.text.toString() === other.text.toString() && complete(one.text.toString()), `both writers have ${what}`);
      const shown = async () => {
        const headers = { authorization: `Bearer ${jwt("reader")}` };
        return (await fetch(`${base(places[p])}/yjs/${encodeURIComponent(rooms[r])}?format=text&name=note`, { headers })).text();
      };
      await until(async () => (await shown()) === one.text.toString(), `the server has ${what}`);
      assert.ok(typed[p][r].length > 0);
    }
  }
});
