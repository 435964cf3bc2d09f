// Pushes to the self-hosted server while it makes backups, beside the same pushes without: B1. The requests come at fixed times,
// however long the server takes.
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { run } from "../backup/tidemark.mjs";
import { token, wazero } from "../doors.mjs";
import { main } from "./results.mjs";

const rate = Number(process.env.BENCH_RATE) || 150; // pushes a second
const seconds = Number(process.env.BENCH_SECONDS) || 12;
const turns = Number(process.env.BENCH_ROUNDS) || 5;
const rowBytes = 20_000;
const agent = new Agent({ keepAlive: true, maxSockets: 64 });
const jwt = token("ann", { spaces: ["", "*"] });

const stamps = new Map(); // of the last push, by door and place

// push pushes rows to a place, and returns how long that took, in ms.
function push(door, place, rows) {
  const key = `${door.url} ${place}`;
  const body = JSON.stringify({ lastPulledAt: stamps.get(key) ?? 1, changes: { customers: { created: [], updated: rows, deleted: [] } } });
  const headers = { authorization: `Bearer ${jwt}`, "content-type": "application/json", "content-length": Buffer.byteLength(body) };
  const begin = performance.now();
  return new Promise((resolve, reject) => {
    const sent = request(`${door.url}${place && `/s/${place}`}/trpc/sync.push`, { method: "POST", agent, headers }, (response) => {
      let text = "";
      response.on("data", (data) => (text += data));
      response.on("end", () => {
        if (response.statusCode !== 200) return reject(new Error(`${response.statusCode} ${text}`));
        stamps.set(key, JSON.parse(text).result.data.timestamp);
        resolve(performance.now() - begin);
      });
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

const row = (id, bytes) => ({ id, contact_name: id, notes: "x".repeat(bytes), created_at: 1, updated_at: Date.now() });

// fill makes spaces of so many rows.
async function fill(door, places, rowsOfPlace) {
  const queue = [...places];
  await Promise.all(Array.from({ length: 8 }, async () => {
    for (let place; (place = queue.pop()) !== undefined; ) {
      for (let n = 0; n < rowsOfPlace; n += 100) {
        await push(door, place, Array.from({ length: Math.min(100, rowsOfPlace - n) }, (_, i) => row(`old-${n + i}`, rowBytes)));
      }
    }
  }));
}

// load pushes small rows to the places in turn until ended says so, and returns the times.
async function load(door, places, ended) {
  const times = [];
  const pending = [];
  const begin = performance.now();
  for (let n = 0; !ended(); n++) {
    const wait = begin + (n * 1000) / rate - performance.now();
    if (wait > 0) await sleep(wait);
    pending.push(push(door, places[(n * 7919) % places.length], [row(`new-${n % 50}`, 100)]).then((time) => times.push(time)));
  }
  await Promise.all(pending);
  return times.sort((a, b) => a - b);
}

const during = (millis) => {
  const end = performance.now() + millis;
  return () => performance.now() > end;
};

// backedUp is load as long as backups are made, one after the other.
async function backedUp(door, places, folder) {
  let over = false;
  let backups = 0;
  let manifest;
  const begin = performance.now();
  const end = during(seconds * 1000);
  const making = (async () => {
    while (!end()) {
      const to = path.join(folder, `${backups++}`);
      const { code, output } = await run("backup", "--data", door.dir, "--to", to).done;
      if (code !== 0) throw new Error(output);
      manifest = JSON.parse(readFileSync(path.join(to, "manifest.json"), "utf8"));
    }
    over = true;
  })();
  const times = await load(door, places, () => over);
  await making;
  const took = (performance.now() - begin) / 1000 / backups;
  rmSync(folder, { recursive: true });
  await sleep(5000); // for the disk, which is still busy with that
  const bytes = manifest.files.reduce((sum, file) => sum + file.bytes, 0);
  return { times, backup: { MB: bytes / 1e6, seconds: took } };
}

const at = (times, part) => times[Math.min(times.length - 1, Math.floor(times.length * part))];
const summary = (times) => ({ pushes: times.length, p50: at(times, 0.5), p99: at(times, 0.99), max: at(times, 1) });

// add adds numbers to the samples of their keys.
function add(samples, numbers) {
  for (const [key, value] of Object.entries(numbers)) (samples[key] ??= []).push(value);
}

export async function backup(section) {
  if (!existsSync(process.env.TIDEMARK_SERVER ?? "")) throw new Error("TIDEMARK_SERVER is not set: run make build/tidemark first");
  const table = section.table("backup", `Pushes of one row, ${rate} a second (ms)`);
  const folder = mkdtempSync(path.join(tmpdir(), "tidemark-backups-"));
  const kinds = {
    "500 spaces of 0.4 MB and the root": [["", ...Array.from({ length: 500 }, (_, i) => `space-${i}`)], 20],
    "one space of 100 MB": [["large"], 5000],
  };
  for (const [data, [places, rows]] of Object.entries(kinds)) {
    const door = wazero({ LIMIT_REQUESTS_PER_MINUTE: "100000000" });
    await door.start();
    await fill(door, places, rows);
    await load(door, places, during(5000));
    const without = {}, within = {}, ratio = {};
    for (let turn = 0; turn < turns; turn++) { // in turns, as other processes share the machine
      const quiet = summary(await load(door, places, during(seconds * 1000)));
      const { times, backup } = await backedUp(door, places, folder);
      const busy = summary(times);
      add(without, quiet);
      add(within, { ...busy, ...backup });
      add(ratio, { p50: busy.p50 / quiet.p50, p99: busy.p99 / quiet.p99 });
    }
    table.row({ data, when: "without" }, without);
    table.row({ data, when: "during backups" }, within, ratio);
    await door.close();
  }
  rmSync(folder, { recursive: true, force: true });
  agent.destroy();
}

await main(import.meta.url, { backup });
