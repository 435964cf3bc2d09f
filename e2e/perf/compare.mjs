// Compares two builds by the server's processor time for a request, which other work on the machine
// moves far less than a clock on the wall. Each is a folder that holds a clone in which
// `make build build/tidemark e2e/node_modules/.package-lock.json` has run, or a peer: "peer" (TypeScript, D1), "object"
// (TypeScript, Durable Object; with --space) or "plain" (plain JavaScript; healthz alone). Run with Node 22:
//   node e2e/perf/compare.mjs BEFORE AFTER [--host workerd|wazero] [--space] [--connections 1,8] [--rounds 20] [--only NAME,NAME]
import path from "node:path";
import { parseArgs } from "node:util";
import { median, pairedRatio, round } from "./measure.mjs";
import { requests as requestsOfProjects, seed as seedProjects } from "./projects.mjs";
import { requests as requestsOfRows, seed as seedRows } from "./rows.mjs";
import { load, peer, plain, projectsPeer, spacePeer } from "./targets.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    host: { type: "string", default: "workerd" },
    space: { type: "boolean", default: false },
    connections: { type: "string", default: "1,8" },
    rounds: { type: "string", default: "20" },
    only: { type: "string", default: "" },
  },
});
if (positionals.length !== 2) throw new Error("usage: compare.mjs BEFORE AFTER [--host workerd|wazero] [--space] [--connections 1,8] [--rounds 20] [--only NAME,NAME]");
const turnMillis = 200, warmMillis = 2000; // of processor time, more or less: V8 optimizes what is warm

// Each group has its own servers. Its requests are {name, url, options}, the last two of a target.
const groups = {
  healthz: { peers: { plain }, requests: () => [{ name: "healthz", url: () => "/healthz", options: () => ({ auth: false }) }] },
  rows: {
    peers: { peer, object: spacePeer },
    fill: (target) => seedRows(Object.assign(target, { base: values.space && target.name !== "peer" ? "/s/bench" : "" })),
    requests: () => requestsOfRows().map(([name, url, options]) => ({ name, url: (t) => t.base + url(t), options: () => options })),
  },
  projects: {
    peers: { peer: projectsPeer },
    fill: (target) => seedProjects(target, target.name === "peer"),
    requests: () => requestsOfProjects().map(([name, url, options]) => ({ name, url, options })),
  },
};

// open starts a peer, or the build in a folder by this folder's own benchmarks, which know its files.
async function open(name, peers) {
  if (peers[name]) return Object.assign(await peers[name](), { name });
  const dir = path.resolve(name);
  process.env.TIDEMARK_SERVER = path.join(dir, "build/tidemark"); // for its e2e/doors.mjs
  const { onWorkerd, onWazero } = await import(path.join(dir, "e2e/perf/targets.mjs"));
  return Object.assign(await (values.host === "wazero" ? onWazero() : onWorkerd()), { name });
}

// turn returns the µs that each of n requests takes: of the server's processor, and by the clock.
async function turn(target, { url, options }, connections, n) {
  const { server, rps } = await load(target.url + url(target), { ...options(target), connections, seconds: 600, most: n, pid: target.pid });
  return { cpu: server, time: 1e6 / rps };
}

// measure has both targets in turns, and the order changes from pair to pair.
async function measure(targets, request, connections) {
  let n;
  for (const target of targets) {
    n = connections * 4;
    for (let used = 0; used < warmMillis; ) {
      const { cpu } = await turn(target, request, connections, n);
      used += (cpu * n) / 1000;
      n = Math.max(1, Math.round((turnMillis * 1000) / cpu / connections)) * connections;
    }
  }
  const taken = targets.map(() => []);
  for (let i = 0; i < Number(values.rounds); i++) {
    for (const which of i % 2 === 0 ? [0, 1] : [1, 0]) taken[which].push(await turn(targets[which], request, connections, n));
  }
  return { n, taken };
}

// fastest is what a quarter of the turns stay below: other work on the machine only adds.
const fastest = (values) => values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 4)];

const table = {};
for (const [name, { peers, fill, requests }] of Object.entries(groups)) {
  const chosen = requests().filter((request) => !values.only || values.only.split(",").some((part) => request.name.includes(part) || name === part));
  if (chosen.length === 0 || (values.space && name === "projects")) continue;
  if (positionals.some((name) => ["peer", "object", "plain"].includes(name) && !peers[name])) continue;
  const targets = [];
  for (const name of positionals) targets.push(await open(name, peers));
  for (const target of targets) await fill?.(target);
  for (const request of chosen) {
    for (const connections of values.connections.split(",").map(Number)) {
      const { n, taken: [before, after] } = await measure(targets, request, connections);
      const cpu = (turns) => turns.map((turn) => turn.cpu);
      const { ratio, low, high } = pairedRatio(cpu(before), cpu(after));
      const time = (turns) => turns.map((turn) => turn.time);
      const row = {
        "before, µs": round(median(cpu(before))), "after, µs": round(median(cpu(after))), ratio: round(ratio, 3),
        "95 %": `${low.toFixed(3)} to ${high.toFixed(3)}`, seen: low > 1 ? "slower" : high < 1 ? "faster" : "no difference",
        fastest: round(fastest(cpu(after)) / fastest(cpu(before)), 3),
        "by the clock": round(pairedRatio(time(before), time(after)).ratio, 2), requests: n,
      };
      console.error(`${request.name}, ${connections}: ${JSON.stringify(row)}`);
      table[`${request.name}, ${connections}`] = row;
    }
  }
  for (const target of targets) await target.close();
}
console.log(`${positionals.join(" and ")} on ${values.host}${values.space ? ", in a space" : ""}: processor time of the server for a request, at so many connections`);
console.table(table);
