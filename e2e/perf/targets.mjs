// The targets of the benchmarks: Tidemark on both hosts, and peers on the same workerd.
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { token, wazero } from "../doors.mjs";
import { schema } from "./peer/schema.mjs";
import { startScript, startTidemark, statementsIn } from "../workerd/host.mjs";

export const root = fileURLToPath(new URL("../..", import.meta.url));
const secret = "a secret that only these benchmarks know";
export const tokenOf = (sub) => token(sub, { spaces: ["", "*"] }, secret); // for the root and all spaces
export const jwt = tokenOf("bench");

// A Worker that does almost nothing, to compare the trivial route with.
export const plain = () =>
  startScript(`export default {
    async fetch(request) {
      if (new URL(request.url).pathname === "/healthz") return Response.json({ status: "ok" });
      return new Response("not found", { status: 404 });
    },
  };`);

const settings = { AUTH_SECRET: secret, LIMIT_REQUESTS_PER_MINUTE: "1000000000", LIMIT_UPLOADS_PER_MINUTE: "1000000000", LIMIT_SOCKETS_PER_SUBJECT: "1000000000" };

// onlyComplaints are options of a Miniflare that prints what workerd complains of, and not a line for each push.
export const onlyComplaints = { handleStructuredLogs: ({ level, message }) => ["warn", "error"].includes(level) && console.error(message) };

export const onWorkerd = ({ bindings, ...options } = {}) => startTidemark({ bindings: { ...settings, ...bindings }, ...onlyComplaints, ...options });

// directlyOnWorkerd runs without Miniflare's own Worker, which is in the same process and
// passes bodies on.
export async function directlyOnWorkerd() {
  const host = await startTidemark({ bindings: settings, ...onlyComplaints, unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }] });
  return { ...host, url: (await host.mf.unsafeGetDirectURL("tidemark")).href.replace(/\/$/, "") };
}

async function startScriptOf(file, options) {
  const { outputFiles } = await build({
    entryPoints: [path.join(root, "e2e/perf/peer", file)],
    bundle: true, format: "esm", write: false, target: "es2022", external: ["cloudflare:workers"], minify: false,
  });
  return startScript(outputFiles[0].text, { ...options, bindings: { AUTH_SECRET: secret } });
}

async function startPeer(file, statements) {
  const host = await startScriptOf(file, {
    d1Databases: { DB: "peer" },
    durableObjects: { SYNC_ROOM: { className: "SyncRoom", useSQLite: true } },
  });
  const db = await host.mf.getD1Database("DB");
  await db.batch(statements.map((sql) => db.prepare(sql)));
  return host;
}

export const peer = () => startPeer("worker.ts", schema);
export const spacePeer = () => startScriptOf("space.ts", { durableObjects: { SPACE: { className: "Space", useSQLite: true } } });
export const projectsPeer = () =>
  startPeer("projects.ts", statementsIn(readFileSync(path.join(root, "worker/store/migrations/0010_projects.sql"), "utf8")));

// pinned returns a command that runs on these cores alone: "0,1", or undefined for all.
const pinned = (cores, command) => (cores === undefined ? command : ["taskset", "-c", cores, ...command]);

// unread returns a command whose log no process reads.
const unread = (command) => ["sh", "-c", 'exec "$@" 2>/dev/null', "sh", ...command];

// onWazero starts the self-hosted server on these cores, with more flags. Its data is in
// memory instead of on the disk, if it shall not wait for that. If it is quiet, nobody reads
// its log: this process would, line by line, on the cores of the server.
export async function onWazero({ cores, flags = [], inMemory = false, quiet = false } = {}) {
  const door = wazero(settings);
  if (inMemory) {
    rmSync(door.dir, { recursive: true });
    door.dir = mkdtempSync("/dev/shm/tidemark-wazero-");
  }
  const { command } = door;
  door.command = (door) => {
    const all = pinned(cores, [...command(door), ...flags]);
    return quiet ? unread(all) : all;
  };
  process.once("exit", () => { // if a section fails
    if (door.process.exitCode === null && door.process.signalCode === null) process.kill(-door.process.pid, "SIGKILL");
  });
  await door.start();
  return {
    url: door.url,
    get pid() {
      return String(door.process.pid);
    },
    close: () => door.close(),
    door,
  };
}

// load runs the load generator and returns {requests, rps, p50, p99, bytes, cpu, server, refused}: server is the processor
// time that process pid took for a request, in µs. It requests url
// and then the paths in then, and counts all of them as one request. ~~~~ in a path stands for
// a number below names. It does not block: this process must read the targets' logs, or the
// targets wait.
export async function load(url, { connections = 1, seconds = 2, most, method = "GET", body, then = [], auth = true, names, cores, pid } = {}) {
  const args = ["-url", url, ...then.flatMap((path) => ["-then", path]), "-c", String(connections), "-d", `${seconds}s`, "-method", method];
  if (most) args.push("-n", String(most));
  if (pid) args.push("-pid", String(pid));
  if (names) args.push("-names", String(names));
  if (body) args.push("-body", body, "-H", "Content-Type: application/json");
  if (auth) args.push("-H", `Authorization: Bearer ${jwt}`);
  const [file, ...rest] = pinned(cores, [path.join(root, "build/load"), ...args]);
  const { stdout } = await promisify(execFile)(file, rest, { maxBuffer: 1 << 20 });
  return JSON.parse(stdout);
}
