// What the benchmarks measure: ours on both hosts, and peers on the same workerd.
import { execFileSync } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { token, wazero } from "../doors.mjs";
import { startScript, startTidemark } from "../workerd/host.mjs";

export const root = fileURLToPath(new URL("../..", import.meta.url));
const secret = "a secret that only these benchmarks know";
export const jwt = token("bench", {}, secret);

// The least that a worker can do: the bar for the trivial route.
export const plain = () =>
  startScript(`export default {
    async fetch(request) {
      if (new URL(request.url).pathname === "/healthz") return Response.json({ status: "ok" });
      return new Response("not found", { status: 404 });
    },
  };`);

export const onWorkerd = () => startTidemark({ bindings: { AUTH_SECRET: secret, LIMIT_REQUESTS_PER_MINUTE: "1000000000" } });

const schema = [
  "CREATE TABLE Customers (CustomerId TEXT PRIMARY KEY, ContactName, CompanyName, Notes, created_at, updated_at, deleted DEFAULT 0, stamp INTEGER)",
  "CREATE INDEX CustomersByStamp ON Customers (stamp)",
  "CREATE TABLE Products (ProductId TEXT PRIMARY KEY, Title, Description, Price REAL, Discounts REAL, Image, created_at, updated_at, deleted DEFAULT 0, stamp INTEGER)",
  "CREATE INDEX ProductsByStamp ON Products (stamp)",
  "CREATE TABLE Clock (stamp INTEGER)",
  "INSERT INTO Clock VALUES (1)",
];

export async function peer() {
  const { outputFiles } = await build({
    entryPoints: [path.join(root, "e2e/perf/peer/worker.ts")],
    bundle: true, format: "esm", write: false, target: "es2022", external: ["cloudflare:workers"], minify: false,
  });
  const host = await startScript(outputFiles[0].text, {
    d1Databases: { DB: "peer" },
    durableObjects: { SYNC_ROOM: { className: "SyncRoom", useSQLite: true } },
    bindings: { AUTH_SECRET: secret },
  });
  const db = await host.mf.getD1Database("DB");
  await db.batch(schema.map((sql) => db.prepare(sql)));
  return host;
}

export async function onWazero() {
  const door = wazero({ AUTH_SECRET: secret, LIMIT_REQUESTS_PER_MINUTE: "1000000000" });
  await door.start();
  return { url: door.url, pid: String(door.process.pid), close: () => door.close() };
}

// load runs the load generator and answers {requests, rps, p50, p99, bytes}.
export function load(url, { connections = 1, seconds = 2, most, method = "GET", body, auth = true } = {}) {
  const args = ["-url", url, "-c", String(connections), "-d", `${seconds}s`, "-method", method];
  if (most) args.push("-n", String(most));
  if (body) args.push("-body", body, "-H", "Content-Type: application/json");
  if (auth) args.push("-H", `Authorization: Bearer ${jwt}`);
  return JSON.parse(execFileSync(path.join(root, "build/load"), args, { maxBuffer: 1 << 20 }));
}

