// make bench: Tidemark on both hosts beside peers on the same workerd, in one run. It
// prints medians. Arguments name the sections to run.
import { readFileSync, statSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { usage } from "../workerd/host.mjs";
import { compare, loaded, median, print, round } from "./measure.mjs";
import { load, onWazero, onWorkerd, plain, root } from "./targets.mjs";
import { many } from "./many.mjs";
import { memory } from "./memory.mjs";
import { owners } from "./owners.mjs";
import { projects } from "./projects.mjs";
import { scale, spaces } from "./spaces.mjs";
import { sync } from "./sync.mjs";

async function size() {
  const file = path.join(root, "build/tidemark.wasm");
  const rows = { "module, MB": round(statSync(file).size / 1e6, 2), "gzipped, MB": round(gzipSync(readFileSync(file)).length / 1e6, 2) };
  for (const [name, open] of [["workerd", onWorkerd], ["wazero", onWazero], ["plain JavaScript", plain]]) {
    const target = await open();
    const memory = usage(target.pid).residentMB;
    const start = performance.now();
    await (await fetch(`${target.url}/healthz`)).text();
    const first = performance.now() - start;
    const again = [];
    for (let i = 0; i < 20; i++) {
      const start = performance.now();
      await (await fetch(`${target.url}/healthz`)).text();
      again.push(performance.now() - start);
    }
    rows[`${name}: first request over a warm one, ms`] = round(first - median(again), 1);
    rows[`${name}: resident before and after it, MB`] = `${round(memory)}, ${round(usage(target.pid).residentMB)}`;
    await target.close();
  }
  print("Size, boot and memory", rows);
}

async function trivial() {
  const targets = { "plain JavaScript": await plain(), workerd: await onWorkerd(), wazero: await onWazero() };
  // V8 compiles 10 MB of Wasm in the background for some time.
  for (const target of Object.values(targets)) await load(`${target.url}/healthz`, { connections: 32, seconds: 5 });
  for (const connections of [1, 32]) {
    const rows = await compare(targets, (target) => loaded(target, "/healthz", { connections, auth: false }));
    const bar = rows["plain JavaScript"];
    for (const row of Object.values(rows)) {
      row.share = round(row.rps / bar.rps, 2);
      for (const key of ["rps", "p50", "p99", "cpu"]) row[key] = round(row[key]);
    }
    print(`GET /healthz, ${connections} connections (p50, p99, cpu in µs; share of plain JavaScript's rps)`, rows);
  }
  for (const target of Object.values(targets)) await target.close();
}

const sections = { size, memory, trivial, sync, projects, owners, spaces, scale, many };
const chosen = process.argv.slice(2);
for (const [name, section] of Object.entries(sections)) {
  if (chosen.length === 0 || chosen.includes(name)) await section();
}
