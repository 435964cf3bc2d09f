// A space beside two peers in TypeScript: one that keeps its rows in D1, and one that keeps
// them in a Durable Object. And one server with many spaces.
import { compare, loaded } from "./measure.mjs";
import { over } from "./results.mjs";
import { compareRows, fanOut, one, pushPath } from "./rows.mjs";
import { load, onWazero, onWorkerd, peer, spacePeer } from "./targets.mjs";

const inD1 = "TypeScript, D1", inObject = "TypeScript, object";

export async function spaces(section) {
  const targets = { [inD1]: await peer(), [inObject]: await spacePeer(), workerd: await onWorkerd(), wazero: await onWazero() };
  for (const [name, target] of Object.entries(targets)) target.base = name === inD1 ? "" : "/s/bench";
  const peers = { ", D1": inD1, ", object": inObject };
  await compareRows(section, "Rows of a space", targets, peers);
  await fanOut(section, targets, peers);
  for (const target of Object.values(targets)) await target.close();
}

export async function scale(section) {
  await inTurn(section);
  await onCores(section);
}

const connections = 64;
const seconds = Number(process.env.BENCH_SECONDS) || 2;

// pushing measures pushes of one row to so many spaces in turn, all of which exist.
async function pushing(target, spaces, options = {}) {
  const path = `/s/n-~~~~${pushPath}`;
  const push = { connections, method: "POST", body: one(), names: spaces, ...options };
  await load(target.url + path, { ...push, seconds: 60, most: connections * Math.ceil(spaces / connections) });
  const row = await loaded(target, path, { ...push, seconds });
  return { ...row, busy: row.cpu / row.time };
}

// everyCount measures all counts in one round, so that they are compared within it.
async function everyCount(counts, one) {
  const row = {};
  for (const count of counts) for (const [key, value] of Object.entries(await one(count))) row[`${count} ${key}`] = value;
  return row;
}

// ofCount returns the samples of one count.
const ofCount = (samples, count) => Object.fromEntries(Object.entries(samples)
  .filter(([key]) => key.startsWith(`${count} `)).map(([key, values]) => [key.slice(`${count} `.length), values]));

// inTurn: the throughput must not fall with the number of spaces. With the default of 512 open
// files, nearly each push to one of 1,000 spaces opens a file and closes another.
async function inTurn(section) {
  const targets = {
    [inObject]: await spacePeer(), workerd: await onWorkerd(),
    wazero: await onWazero({ quiet: true }), "wazero, 1,024 open files": await onWazero({ quiet: true, flags: ["--open-files", "1024"] }),
  };
  const table = section.table("in turn", `Pushes of one row to spaces in turn, ${connections} connections (p50, p99, cpu in µs)`);
  const counts = [1, 10, 1000];
  const measured = await compare(targets, (target) => everyCount(counts, (spaces) => pushing(target, spaces)));
  for (const spaces of counts) {
    for (const [target, samples] of Object.entries(measured)) {
      const { rps, p50, p99, cpu } = ofCount(samples, spaces);
      table.row({ spaces, target }, { rps, p50, p99, cpu }, spaces === 1 ? {} : { "of one space's rps": over(rps, ofCount(samples, 1).rps) });
    }
  }
  for (const target of Object.values(targets)) await target.close();
}

// onCores: the data is in memory, or the disk would decide. The load generator shares the
// server's cores, or it would take a core from the server in one of the two cases. Nobody reads
// the log: this process is on neither side. The server's own part is in the columns cpu and busy.
async function onCores(section) {
  const on = async (cores, instances) =>
    Object.assign(await onWazero({ cores, flags: ["--instances", instances], inMemory: true, quiet: true }), { cores });
  const targets = { "1 core": await on("0", "1"), "2 cores": await on("0,1", "2") };
  const table = section.table("cores", "The same on wazero with the data in memory, on one core and two, which the load generator shares (p50, p99, cpu of the server in µs; busy: cores that it used)");
  for (const spaces of [1, 10, 1000]) {
    const measured = await compare(targets, (target) => pushing(target, spaces, { cores: target.cores }));
    for (const [target, { rps, p50, p99, cpu, busy }] of Object.entries(measured)) {
      table.row({ spaces, target }, { rps, p50, p99, cpu, busy }, target === "1 core" ? {} : { "of one core's rps": over(rps, measured["1 core"].rps) });
    }
  }
  for (const target of Object.values(targets)) await target.close();
}
