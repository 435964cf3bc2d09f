// A space beside two peers in TypeScript: one that keeps its rows in D1, and one that keeps
// them in a Durable Object. And one server with many spaces.
import { usage } from "../workerd/host.mjs";
import { compare, loaded, print, round } from "./measure.mjs";
import { compareRows, fanOut, one, pushPath } from "./rows.mjs";
import { load, onWazero, onWorkerd, peer, spacePeer } from "./targets.mjs";

const inD1 = "TypeScript, D1", inObject = "TypeScript, object";

export async function spaces() {
  const targets = { [inD1]: await peer(), [inObject]: await spacePeer(), workerd: await onWorkerd(), wazero: await onWazero() };
  for (const [name, target] of Object.entries(targets)) target.base = name === inD1 ? "" : "/s/bench";
  const peers = { "time, D1": inD1, "time, object": inObject };
  await compareRows("Rows of a space", targets, peers);
  await fanOut(targets, peers);
  for (const target of Object.values(targets)) await target.close();
}

export async function scale() {
  await inTurn();
  await onCores();
}

const connections = 64;
const seconds = Number(process.env.BENCH_SECONDS) || 3;

// pushing measures pushes of one row to so many spaces in turn, all of which exist.
async function pushing(target, spaces, options = {}) {
  const path = `/s/n-~~~~${pushPath}`;
  const push = { connections, method: "POST", body: one(), names: spaces, ...options };
  await load(target.url + path, { ...push, seconds: 60, most: connections * Math.ceil(spaces / connections) });
  const before = usage(target.pid).cpuMillis;
  const start = performance.now();
  const row = await loaded(target, path, { ...push, seconds });
  return { ...row, busy: (usage(target.pid).cpuMillis - before) / (performance.now() - start) };
}

// inTurn: the throughput must not fall with the number of spaces. With the default of 512 open
// files, nearly each push to one of 1,000 spaces opens a file and closes another.
async function inTurn() {
  const targets = {
    [inObject]: await spacePeer(), workerd: await onWorkerd(),
    wazero: await onWazero({ quiet: true }), "wazero, 1,024 open files": await onWazero({ quiet: true, flags: ["--open-files", "1024"] }),
  };
  const table = {};
  for (const spaces of [1, 10, 1000]) {
    const measured = await compare(targets, (target) => pushing(target, spaces));
    for (const [who, { rps, p50, p99, cpu }] of Object.entries(measured)) {
      const row = { rps: round(rps), p50: round(p50), p99: round(p99), cpu: round(cpu) };
      row["of one space's rps"] = spaces === 1 ? 1 : round(rps / table[`1: ${who}`].rps, 2);
      table[`${spaces}: ${who}`] = row;
    }
  }
  print(`Pushes of one row to spaces in turn, ${connections} connections (p50, p99, cpu in µs)`, table);
  for (const target of Object.values(targets)) await target.close();
}

// onCores: the data is in memory, or the disk would decide. The load generator shares the
// server's cores, or it would take a core from the server in one of the two cases. Nobody reads
// the log: this process is on neither side. The server's own part is in the columns cpu and busy.
async function onCores() {
  const on = async (cores, instances) =>
    Object.assign(await onWazero({ cores, flags: ["--instances", instances], inMemory: true, quiet: true }), { cores });
  const targets = { "1 core": await on("0", "1"), "2 cores": await on("0,1", "2") };
  const table = {};
  for (const spaces of [1, 10, 1000]) {
    const measured = await compare(targets, (target) => pushing(target, spaces, { cores: target.cores }));
    for (const [who, { rps, p50, p99, cpu, busy }] of Object.entries(measured)) {
      table[`${spaces}: ${who}`] = {
        rps: round(rps), p50: round(p50), p99: round(p99), cpu: round(cpu), busy: round(busy, 2),
        "of one core's rps": round(rps / measured["1 core"].rps, 2),
      };
    }
  }
  print(`The same on wazero with the data in memory, on one core and two, which the load generator shares (p50, p99, cpu of the server in µs; busy: cores that it used)`, table);
  for (const target of Object.values(targets)) await target.close();
}
