// Runs Workers on workerd for tests and benchmarks. Tidemark runs through its real glue.
import { mkdtempSync, readFileSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { Miniflare, convertV4MiniflareOptions } from "miniflare";
import { snapshot } from "../../worker/snapshot.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const text = (file) => readFileSync(path.join(root, file), "utf8");
export const compatibilityDate = /^compatibility_date = "(.*)"$/m.exec(text("wrangler.toml"))[1];

const module = (file, contents) => ({ type: "ESModule", path: path.join(root, file), contents: contents ?? text(file) });

// glue returns worker.mjs and its imports, with what make makes of the guest in wasmFile.
const glue = (wasmFile, make = snapshot) => [
  module("worker/worker.mjs"),
  module("worker/body.mjs"),
  module("worker/crowd.mjs"),
  module("worker/exchange.mjs"),
  module("worker/failure.mjs"),
  module("worker/guest.mjs"),
  module("worker/held.mjs"),
  module("worker/log.mjs"),
  module("worker/metrics.mjs"),
  module("worker/overview.mjs"),
  module("worker/frame.mjs"),
  module("worker/fetch.mjs"),
  module("worker/several.mjs"),
  module("worker/signature.mjs"),
  module("worker/socket.mjs"),
  module("worker/object.mjs"),
  module("worker/response.mjs"),
  module("build/wasm_exec.js"),
  { type: "CompiledWasm", path: path.join(root, "build/worker.wasm"), contents: make(readFileSync(wasmFile)) },
];

// run starts a Miniflare with one Worker, and returns {mf, url, pid, close()}.
export async function run(options) {
  const before = new Set(workerds());
  const mf = new Miniflare(
    convertV4MiniflareOptions({ host: "127.0.0.1", port: 0, cf: false, modulesRoot: root, compatibilityDate, ...options }),
  );
  const url = await mf.ready.catch(async (error) => {
    await mf.dispose(); // or this process would never end
    throw error;
  });
  return { mf, url: url.href.replace(/\/$/, ""), pid: workerds().find((pid) => !before.has(pid)), close: () => mf.dispose() };
}

// start runs the test guest in wasmFile, with D1 as DB and the Durable Object
// class Probe as PROBE.
export function start(wasmFile, { bindings = {}, make } = {}) {
  const main = `
    import worker, { SyncRoom } from "./worker/worker.mjs";
    export default worker;
    export class Probe extends SyncRoom {}`;
  return run({
    name: "probe",
    modules: [module("main.mjs", main), ...glue(wasmFile, make)],
    d1Databases: { DB: "probe" },
    durableObjects: { PROBE: { className: "Probe", useSQLite: true, unsafePreventEviction: false } },
    bindings,
  });
}

// startTidemark runs the real guest with a migrated database, as wrangler.toml does. main is
// the source of a module around worker.mjs, if given. Other options are Miniflare's.
export async function startTidemark({ bindings = {}, main, ...options } = {}) {
  const host = await run({
    ...options,
    name: "tidemark",
    modules: [...(main ? [module("main.mjs", main)] : []), ...glue(path.join(root, "build/tidemark.wasm"))],
    d1Databases: { DB: "tidemark" },
    durableObjects: {
      SYNC_ROOM: { className: "SyncRoom", useSQLite: true },
      YJS_ROOM: { className: "YjsRoom", useSQLite: true },
      SPACE: { className: "Space", useSQLite: true },
      SPACE_YJS_ROOM: { className: "SpaceYjsRoom", useSQLite: true },
    },
    bindings,
  });
  const db = await host.mf.getD1Database("DB");
  const dir = path.join(root, "worker/store/migrations");
  for (const file of readdirSync(dir).sort()) {
    await db.batch(statementsIn(readFileSync(path.join(dir, file), "utf8")).map((s) => db.prepare(s)));
  }
  return host;
}

// statementsIn returns the statements of a migration.
export const statementsIn = (sql) => sql.replace(/--.*$/gm, "").split(/;\s*$/m).filter((s) => s.trim());

// startScript runs one module of this source.
export const startScript = (contents, options = {}) =>
  run({ name: "script", modules: [module("script.mjs", contents)], ...options });

export const scratch = (name) => mkdtempSync(path.join(tmpdir(), `tidemark-${name}-`));

// workerds returns the workerd processes that this process started.
function workerds() {
  if (process.platform !== "linux") return [];
  return readdirSync("/proc").filter((pid) => {
    try {
      return /^\d+$/.test(pid) && stat(pid)[1] === String(process.pid) && readFileSync(`/proc/${pid}/comm`, "utf8").startsWith("workerd");
    } catch {
      return false; // it ended
    }
  });
}

const stat = (pid) => readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");

// usage returns what a process has used so far: {cpuMillis, residentMB}.
export function usage(pid) {
  const fields = stat(pid);
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return {
    cpuMillis: (Number(fields[11]) + Number(fields[12])) * 10,
    residentMB: Number(/VmRSS:\s+(\d+)/.exec(status)[1]) / 1024,
  };
}
