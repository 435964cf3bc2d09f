// One self-hosted server with a folder of 10,000 spaces.
import { readdirSync, statSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { usage } from "../workerd/host.mjs";
import { median, round } from "./measure.mjs";
import { ask, one, pullPath, pushPath } from "./rows.mjs";
import { load, onWazero } from "./targets.mjs";

const spaces = Number(process.env.BENCH_SPACES) || 10_000;
const times = Number(process.env.BENCH_MANY) || 1; // a server takes minutes, and most of it is no time
const connections = 8;
const cold = 50; // spaces, each asked for the first time since the start

// each sends a request to every space.
const each = ({ url }, path, options) =>
  load(`${url}/s/n-~~~~${path}`, { ...options, connections, names: spaces, most: connections * Math.ceil(spaces / connections), seconds: 600 });

// filesIn returns how many files a folder has, and the bytes that they take on the disk.
function filesIn(dir) {
  let files = 0, bytes = 0;
  for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    files++;
    bytes += statSync(path.join(entry.parentPath, entry.name)).blocks * 512;
  }
  return { files, bytes };
}

// restart returns the milliseconds until the server answers.
async function restart({ door, url }) {
  await door.stop();
  const begin = performance.now();
  const started = door.start();
  while (!(await fetch(`${url}/healthz`).then((r) => r.ok, () => false))) await sleep(2);
  const millis = performance.now() - begin;
  await started;
  return millis;
}

// chosen returns so many different numbers below n, always the same.
function chosen(count, n) {
  const numbers = new Set();
  for (let random = 1; numbers.size < Math.min(count, n); random = (random * 48271) % 0x7fffffff) numbers.add(random % n);
  return [...numbers];
}

// once measures a new server.
async function once() {
  const target = await onWazero();
  const rows = {};
  const held = (when) => {
    rows[`resident memory ${when}, MB`] = round(usage(target.pid).residentMB);
    rows[`open files ${when}`] = readdirSync(`/proc/${target.pid}/fd`).length;
  };
  rows["boot with an empty folder, ms"] = round(await restart(target));
  held("of a server without a space");

  const births = await each(target, pushPath, { method: "POST", body: one() });
  rows["births a second"] = round(births.rps);
  held("after the births");
  rows["boot with all spaces, ms"] = round(await restart(target));
  const { files, bytes } = filesIn(target.door.dir);
  rows["files in the folder"] = files;
  rows["size of the folder, MB"] = round(bytes / 1e6);
  rows["KB a space"] = round(bytes / 1000 / spaces, 1);
  held("after the boot");

  const first = async (name) => {
    const start = performance.now();
    await ask({ url: target.url, base: `/s/${name}` }, pullPath(null));
    return performance.now() - start;
  };
  await first("n-0"); // the first request of all boots an instance
  const millis = [];
  for (const n of chosen(cold + 1, spaces)) if (n !== 0) millis.push(await first(`n-${n}`));
  rows["first answer of a cold space, ms"] = round(median(millis), 1);
  rows["the slowest of them, ms"] = round(Math.max(...millis), 1);
  held("after them");

  const pulls = await each(target, pullPath(null));
  rows["pulls a second, each of another space"] = round(pulls.rps);
  held("after a pull of each");
  await target.close();
  return rows;
}

export async function many(section) {
  const table = section.table("many", `${spaces.toLocaleString("en")} spaces of one row on one self-hosted server`);
  const samples = {};
  for (let i = 0; i < times; i++) for (const [key, value] of Object.entries(await once())) (samples[key] ??= []).push(value);
  table.row({ target: "wazero" }, samples);
}
