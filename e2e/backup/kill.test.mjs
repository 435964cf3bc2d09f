// kill -9 during a backup and during a restore. Afterwards the data folder is whole, and what was being made is whole or refused. B3.
// BACKUP_ROUNDS is the number of rounds of each kind, BACKUP_SEED the first seed.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { dice } from "../clients/faults.mjs";
import { token, wazero } from "../doors.mjs";
import { until } from "../until.mjs";
import { backup, restore, serve } from "./tidemark.mjs";

const rounds = Number(process.env.BACKUP_ROUNDS ?? 1);
const firstSeed = Number(process.env.BACKUP_SEED ?? 1);
const spaces = Array.from({ length: 12 }, (_, i) => `space-${i}`);
const rowsOfSpace = 40;
const rowBytes = 20_000;

const folder = mkdtempSync(path.join(tmpdir(), "tidemark-kill-"));
const door = wazero();
after(async () => {
  await door.close();
  rmSync(folder, { recursive: true, force: true });
});

const jwt = token("ann", { spaces: ["", "*"] });
const base = (place) => door.url + (place && `/s/${place}`);

// A Pusher pushes one row after the other to a place.
class Pusher {
  acknowledged = [];

  constructor(place) {
    this.place = place;
  }

  async push(notes = "") {
    const id = `${this.place || "root"}-${this.acknowledged.length}`;
    const row = { id, contact_name: id, notes, created_at: 1, updated_at: 1 };
    const response = await fetch(`${base(this.place)}/trpc/sync.push`, {
      method: "POST", headers: { authorization: `Bearer ${jwt}`, "content-type": "application/json" },
      body: JSON.stringify({ lastPulledAt: this.stamp ?? 1, changes: { customers: { created: [], updated: [row], deleted: [] } } }),
    });
    const text = await response.text();
    assert.ok(response.ok, `${id}: ${response.status} ${text}`);
    this.stamp = JSON.parse(text).result.data.timestamp;
    this.acknowledged.push(id);
  }

  async check(want = this.acknowledged) {
    const response = await fetch(`${base(this.place)}/trpc/sync.pull?input=${encodeURIComponent('{"lastPulledAt":null}')}`, { headers: { authorization: `Bearer ${jwt}` } });
    const text = await response.text();
    assert.equal(response.status, 200, text);
    const there = new Set(JSON.parse(text).result.data.changes.customers.updated.map(({ id }) => id));
    assert.deepEqual(want.filter((id) => !there.has(id)), [], `${this.place || "the root"} has lost rows`);
  }
}

const pushers = ["", ...spaces].map((place) => new Pusher(place));
const checkAll = (lists) => Promise.all(pushers.map((pusher, i) => pusher.check(lists?.[i])));

before(async () => {
  await door.start();
  await Promise.all(pushers.map(async (pusher) => {
    for (let i = 0; i < rowsOfSpace; i++) await pusher.push("x".repeat(rowBytes));
  }));
});

// files are the hashes of all files below a folder but empty ones: an empty log is no log.
function files(dir) {
  return Object.fromEntries(
    readdirSync(dir, { recursive: true }).sort().filter((name) => statSync(path.join(dir, name)).isFile() && statSync(path.join(dir, name)).size > 0)
      .map((name) => [name, createHash("sha256").update(readFileSync(path.join(dir, name))).digest("hex")]),
  );
}

// ended waits for the end of a command. It fails if the command does, unless refusal is what it says.
async function ended(command, refusal) {
  const { code, output } = await command.done;
  if (refusal) assert.ok(code !== 0 && refusal.test(output), `${code}: ${output}`);
  else assert.equal(code, 0, output);
}

// killed kills a process at a random time within millis, or a little later.
async function killed(random, millis, kill) {
  await sleep(random(Math.ceil(millis * 1.1)));
  return kill();
}

// loaded runs f while rows are pushed, and ignores what a dead server does not acknowledge.
async function loaded(f) {
  let on = true;
  const load = pushers.map(async (pusher) => {
    while (on) {
      await pusher.push().catch((error) => {
        if (!(error instanceof TypeError)) throw error;
        on = false;
      });
    }
  });
  await f();
  on = false;
  await Promise.all(load);
}

// wholeOrRefused checks what a killed backup has left: a backup that can be restored, or a folder that is
// refused and can be used again. It says whether the backup is whole.
async function wholeOrRefused(to) {
  const data = path.join(folder, "probe");
  const whole = existsSync(path.join(to, "manifest.json"));
  await ended(restore(to, data), whole ? undefined : /no backup/);
  assert.equal(existsSync(data), whole);
  if (!whole) await ended(backup(door.dir, to));
  rmSync(data, { recursive: true, force: true });
  rmSync(to, { recursive: true, force: true });
  return whole;
}

test("B3 kill -9 of the server, or of the command, during a backup", { timeout: 3_000_000 }, async (t) => {
  const to = path.join(folder, "backup");
  const begin = Date.now();
  await loaded(() => ended(backup(door.dir, to)));
  const millis = Date.now() - begin;
  rmSync(to, { recursive: true });
  for (let seed = firstSeed; seed < firstSeed + rounds; seed++) {
    await t.test(`seed ${seed}`, async (t) => {
      const random = dice(seed);
      const whole = [];
      await loaded(async () => {
        const command = backup(door.dir, to);
        await killed(random, millis, () => door.stop("SIGKILL"));
        await command.done;
      });
      whole.push(await wholeOrRefused(to));
      await door.start();
      await checkAll();
      await loaded(async () => {
        const command = backup(door.dir, to);
        await killed(random, millis, () => command.kill("SIGKILL"));
        await command.done;
      });
      await until(() => !existsSync(path.join(to, "unfinished")), "the server gives the backup up, or has finished it");
      whole.push(await wholeOrRefused(to));
      await door.stop();
      const command = backup(door.dir, to); // without a server
      await killed(random, millis / 3, () => command.kill("SIGKILL"));
      await command.done;
      whole.push(await wholeOrRefused(to));
      await door.start();
      await checkAll();
      t.diagnostic(`whole: ${whole}`);
    });
  }
});

test("B3 kill -9 during a restore", { timeout: 3_000_000 }, async (t) => {
  const to = path.join(folder, "kept");
  const lists = pushers.map(({ acknowledged }) => [...acknowledged]);
  await ended(backup(door.dir, to));
  for (const pusher of pushers) await pusher.push();
  const served = files(to);
  let millis;
  for (let seed = firstSeed; seed < firstSeed + rounds; seed++) {
    await t.test(`seed ${seed}`, async (t) => {
      const random = dice(seed + 1000);
      const data = door.dir;
      await door.stop();
      const old = files(data);
      if (!millis) {
        const begin = Date.now();
        await ended(restore(to, path.join(folder, "timed")));
        millis = Date.now() - begin;
      }
      const command = restore(to, data);
      await killed(random, millis, () => command.kill("SIGKILL"));
      const { output } = await command.done;
      const state = !existsSync(data) ? "between" : existsSync(path.join(data, "restore.json")) ? "new" : "old";
      if (state === "old") assert.deepEqual(files(data), old, "the data folder is as it was");
      if (state === "between") await ended(serve(data), /a restore was cut off/);
      assert.deepEqual(files(to), served, "the backup is as it was");
      if (state !== "new") await ended(restore(to, data));
      await door.start();
      await checkAll(lists);
      t.diagnostic(`${state}: ${output}`);
      for (const name of readdirSync(path.dirname(data))) if (name.startsWith(`${path.basename(data)}.`) && !name.endsWith(".secret")) rmSync(path.join(path.dirname(data), name), { recursive: true });
      rmSync(path.join(door.dir, "restore.json"));
    });
  }
});
