// Where the processor time of a request goes: the ten functions that take most, of the self-hosted server by Linux's perf (Debian's
// linux-perf), and of workerd by V8's sampling profiler. Run with Node 22: node e2e/perf/profile.mjs [wazero] [workerd]
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import path from "node:path";
import { WebSocket } from "ws";
import { freePort } from "../doors.mjs";
import { scratch } from "../workerd/host.mjs";
import { round } from "./measure.mjs";
import { nameOfGo, namesOf, partOfGo, partOfV8 } from "./profile/names.mjs";
import { requests as requestsOfProjects, seed as seedProjects } from "./projects.mjs";
import { main } from "./results.mjs";
import { requests as requestsOfRows, seed as seedRows } from "./rows.mjs";
import { load, onWazero, onWorkerd, root } from "./targets.mjs";

const seconds = Number(process.env.BENCH_SECONDS) || 10;
const connections = 1;

// Each is what fills a target, and the requests to profile.
const rows = { fill: (target) => seedRows(Object.assign(target, { base: "" })), requests: () => requestsOfRows().map(([name, url, options]) => [name, url, () => options]) };
const projects = { fill: (target) => seedProjects(target, false), requests: requestsOfProjects };

// each fills a target for each group and gives profiled a name and a function that sends requests for so many seconds.
async function each(open, groups, profiled) {
  for (const [{ fill, requests }, wanted] of groups) {
    const target = await open();
    await fill(target);
    for (const [name, url, options] of requests()) {
      if (!wanted.includes(name)) continue;
      const run = (seconds) => load(target.url + url(target), { ...options(target), connections, seconds, most: undefined });
      await run(3); // warm
      await profiled(target, name, () => run(seconds));
    }
    await target.close();
  }
}

// report adds the tables of {name: [[function, part, weight]]}: the ten functions that take most, and what parts take, in percent.
function report(section, profiles) {
  const top = section.table("top", "The functions that take most, and their part of the processor time");
  const parts = section.table("parts", "Parts of the processor time, %");
  const percent = {};
  for (const [name, samples] of Object.entries(profiles)) {
    const all = samples.reduce((sum, [, , weight]) => sum + weight, 0);
    const sum = (key) => {
      const sums = new Map();
      for (const sample of samples) sums.set(key(sample), (sums.get(key(sample)) ?? 0) + (100 * sample[2]) / all);
      return [...sums].sort((a, b) => b[1] - a[1]);
    };
    percent[name] = { functions: sum(([name]) => name).slice(0, 10), parts: sum(([, part]) => part) };
  }
  const names = Object.keys(percent);
  for (let rank = 1; rank <= 10; rank++) {
    const of = ({ functions: { [rank - 1]: one } }) => one && `${round(one[1], 1)} % \`${one[0]}\``;
    top.row({ rank }, Object.fromEntries(names.map((name) => [name, of(percent[name])])));
  }
  const all = new Set(names.flatMap((name) => percent[name].parts.map(([part]) => part)));
  for (const part of all) parts.row({ part }, Object.fromEntries(names.map((name) => [name, new Map(percent[name].parts).get(part)])));
}

async function wazero(section) {
  const file = path.join(scratch("profile"), "perf.data");
  const profiles = {};
  await each(onWazero, [[rows, ["full pull of 10,000"]], [projects, ["cold pull, whole", "upload of 500"]]], async (target, name, run) => {
    const perf = spawn("perf", ["record", "-q", "-e", "cpu-clock", "-F", "999", "-o", file, "-p", target.pid], { stdio: ["ignore", "ignore", "inherit"] });
    const ended = once(perf, "exit"); // rejects if there is no perf
    const early = ended.then(() => Promise.reject(new Error("perf ended early: the lines above say why")));
    early.catch(() => {}); // perf ends in the end, too
    await Promise.race([run(), early]);
    perf.kill("SIGINT");
    await ended;
    const text = execFileSync("perf", ["report", "-i", file, "--stdio", "-q", "--sort", "dso,sym", "-F", "sample,dso,sym", "-t", "\t"], { encoding: "utf8", maxBuffer: 1 << 26, stdio: ["ignore", "pipe", "ignore"] });
    profiles[name] = text.split("\n").filter((line) => line.trim()).map((line) => {
      const [samples, dso, symbol] = line.split("\t").map((cell) => cell.trim());
      return [nameOfGo(dso, symbol), partOfGo(dso, symbol), Number(samples)];
    });
  });
  report(section, profiles);
}

// inspector connects to a Worker of workerd, and returns send(method, params).
async function inspector(port) {
  const all = await (await fetch(`http://127.0.0.1:${port}/json`)).json();
  const { webSocketDebuggerUrl } = all.find(({ id }) => id.includes("tidemark")) ?? all[0];
  const ws = new WebSocket(webSocketDebuggerUrl, { perMessageDeflate: false, maxPayload: 1 << 30 });
  await once(ws, "open");
  const waiting = new Map();
  ws.on("message", (data) => {
    const { id, result } = JSON.parse(data);
    waiting.get(id)?.(result);
  });
  const send = (method, params = {}) =>
    new Promise((resolve) => {
      const id = waiting.size + 1;
      waiting.set(id, resolve);
      ws.send(JSON.stringify({ id, method, params }));
    });
  return { send, close: () => ws.terminate() };
}

async function workerd(section) {
  // The module of build/ has no names. The same source with names has the same functions.
  const named = path.join(scratch("profile"), "named.wasm");
  const flags = readFileSync(path.join(root, "worker/goflags"), "utf8").trim().split("\n");
  execFileSync("go", ["build", ...flags, "-o", named, "./worker"], { cwd: root, env: { ...process.env, GOOS: "js", GOARCH: "wasm" } });
  const names = namesOf(readFileSync(named));
  const inspectorPort = await freePort();
  const profiles = {};
  await each(() => onWorkerd({ inspectorPort }), [[rows, ["empty pull", "push of 1"]]], async (target, name, run) => {
    const { send, close } = await inspector(inspectorPort);
    await send("Profiler.enable");
    await send("Profiler.setSamplingInterval", { interval: 200 });
    await send("Profiler.start");
    await run();
    const { profile } = await send("Profiler.stop");
    close();
    const nodes = new Map(profile.nodes.map((node) => [node.id, node.callFrame]));
    profiles[name] = profile.samples.map((id, i) => [nodes.get(id), profile.timeDeltas[i]])
      .filter(([{ functionName }]) => functionName !== "(idle)").map(([frame, micros]) => [...partOfV8(frame, names), micros]);
  });
  report(section, profiles);
}

export const profiles = { "profile-wazero": wazero, "profile-workerd": workerd };

await main(import.meta.url, profiles, "profile");
